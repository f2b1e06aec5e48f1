"""Values between two processes of one program over a socket pair: pickled, length-prefixed, never blocking.

Both ends are ours, so pickle is safe here; nothing from the network is ever unpickled.
"""

import asyncio
import logging
import pickle
import select
import socket
import struct
from collections.abc import Callable
from typing import Any, cast

log = logging.getLogger(__name__)

_LENGTH = struct.Struct("<I")
MAX_QUEUED_BYTES = 1_000_000
"""What one end lets wait for the other before it drops what can be dropped."""


def _packed(value: object) -> bytes:
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(data)) + data


class _Unpacker:
    """Cuts a stream of bytes into values."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Any]:
        self._buffer += data
        values = []
        offset = 0
        while len(self._buffer) - offset >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._buffer, offset)
            end = offset + _LENGTH.size + size
            if len(self._buffer) < end:
                break
            values.append(pickle.loads(memoryview(self._buffer)[offset + _LENGTH.size : end]))
            offset = end
        del self._buffer[:offset]
        return values


class Link:
    """The end of the process that has no event loop. One thread uses it."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._out = bytearray()
        self._unpacker = _Unpacker()
        self.closed = False

    @property
    def queued_bytes(self) -> int:
        return len(self._out)

    def send(self, value: object) -> None:
        """Queue a value; ``flush`` sends."""
        self._out += _packed(value)

    def flush(self) -> None:
        """Send what the kernel takes now."""
        try:
            while self._out and not self.closed:
                del self._out[: self._socket.send(self._out)]
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.close()

    def receive(self, timeout_s: float = 0.0) -> list[Any]:
        """Values that have come; waits for some up to ``timeout_s``."""
        values: list[Any] = []
        if timeout_s > 0.0 and not self.closed:
            select.select([self._socket], [], [], timeout_s)
        try:
            while not self.closed:
                data = self._socket.recv(262_144)
                if not data:
                    self.close()
                values += self._unpacker.feed(data)
        except (BlockingIOError, InterruptedError):
            return values
        except OSError:
            self.close()
        return values

    def close(self) -> None:
        """The other end sees the end of the stream. May be called twice."""
        self.closed = True
        self._out.clear()
        self._socket.close()


class LinkProtocol(asyncio.Protocol):
    """The end of the process with an event loop. ``on_message`` gets each value; ``closed`` is done at the end.

    Values that come before ``on_message`` is set wait for it.
    """

    def __init__(self) -> None:
        self._unpacker = _Unpacker()
        self._early: list[Any] = []
        self._on_message: Callable[[Any], None] | None = None
        self._dropped = 0
        self._drained = asyncio.Event()
        self._drained.set()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def on_message(self) -> Callable[[Any], None] | None:
        return self._on_message

    @on_message.setter
    def on_message(self, callback: Callable[[Any], None]) -> None:
        self._on_message = callback
        for value in self._early:
            callback(value)
        self._early.clear()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        for value in self._unpacker.feed(data):
            if self._on_message is None:
                self._early.append(value)
            else:
                self._on_message(value)

    def pause_writing(self) -> None:
        self._drained.clear()

    def resume_writing(self) -> None:
        self._drained.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._drained.set()
        if not self.closed.done():
            self.closed.set_result(None)

    def send(self, value: object) -> None:
        """Send a value whatever waits already."""
        self._transport.write(_packed(value))

    def send_or_drop(self, value: object) -> None:
        """Send a value unless the other end has stopped reading."""
        if self._transport.get_write_buffer_size() > MAX_QUEUED_BYTES:
            self._dropped += 1
            if self._dropped == 1:
                log.warning("the orchestra does not read: viewers' gestures are lost")
        elif not self._transport.is_closing():
            self._dropped = 0
            self._transport.write(_packed(value))

    async def drain(self) -> None:
        """Wait until everything is with the kernel."""
        await self._drained.wait()
