"""The relay: one session, many viewers, nobody slowed by anybody.

An asyncio server that serves the page and the WebSocket of ``docs/protocol.md`` on one port. It knows nothing of the
engine's process: sessions go in by ``absorb`` and its like, batons and controls come out by ``on_input``.
``studio.relay.relay`` runs it in a process of its own.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ...engine.clock import SessionClock
from ...engine.errors import ProtocolError
from ...engine.types import Frame, PlayerPlacement
from . import protocol as wire
from .addresses import lan_addresses
from .audio_stream import PACKET_S, AudioPackets, AudioTap
from .pairing import reachable_origin
from .phone_loan import PhoneLoans
from .presence import Presence
from .protocol_values import AudioInfo
from .relay_access import (
    CLOSE_TIMEOUT_S,
    REQUEST_TIMEOUT_S,
    RelayConnection,
    hang_up,
    is_loopback,
    select_subprotocol,
    tls_context,
)
from .relay_broadcast import Broadcast
from .relay_clients import Counts, RateLimit, ViewerConnection
from .relay_http import RelayHttp
from .relay_types import (
    Input,
    RelaySettings,
    RelayStatus,
    ShownInteraction,
)
from .session_info import SessionInfo
from .session_state import SessionState
from .viewer_requests import ViewerRequests

log = logging.getLogger(__name__)

HELLO_TIMEOUT_S = 5.0
STALL_TIMEOUT_S = 8.0
ACK_WINDOW_S = 0.4
COSTLY = 20
"""A message that makes work for everybody counts as so many."""
COSTLY_KINDS = (wire.Rename, wire.Baton, wire.Command, wire.Listen, wire.Pair, wire.Claim)


class RelayServer:
    """Serves one session. Every method but ``__init__`` runs in the event loop's thread."""

    def __init__(
        self,
        info: SessionInfo,
        settings: RelaySettings,
        clock: SessionClock,
        audio: AudioTap | None = None,
        on_input: Callable[[Input], None] = lambda _: None,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._audio = AudioPackets(audio) if audio else None
        self._presence = Presence()
        self._counts = Counts()
        self._window = max(6, round(ACK_WINDOW_S * settings.tick_hz))
        sound = AudioInfo(rate_hz=0, packet_samples=0)
        if self._audio:
            sound = AudioInfo(rate_hz=self._audio.rate_hz, packet_samples=self._audio.packet_samples)
        self._state = SessionState(
            info, relay_id=secrets.randbits(32), tick_hz=settings.tick_hz, ack_window=self._window, audio=sound
        )
        self._out = Broadcast(self._state, self._presence)
        phones = PhoneLoans(self._presence, self._reach, settings.phone_token, clock.now_s())
        self._requests = ViewerRequests(
            info, clock, self._presence, phones, self._out, on_input, self._drop, settings.recording
        )
        self._late_s = 0.0
        self._server: Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: set[asyncio.Task[None]] = set()

    # --- life --------------------------------------------------------------------------------

    async def start(self) -> None:
        """Bind and begin to tick. Raises ``OSError`` where the port cannot be had."""
        self._server = await serve(
            self._converse,
            self.settings.host,
            self.settings.port,
            process_request=RelayHttp(self.settings).respond,
            select_subprotocol=select_subprotocol,
            create_connection=RelayConnection,
            compression=None,
            open_timeout=None,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=None,
            max_size=wire.MAX_CLIENT_MESSAGE_BYTES,
            server_header=None,
            ssl=tls_context(self.settings.certificate),
            ssl_handshake_timeout=REQUEST_TIMEOUT_S if self.settings.certificate else None,
        )
        self._tasks = [asyncio.create_task(self._tick_forever(), name="ticks")]
        if self._audio:
            self._tasks.append(asyncio.create_task(self._stream_forever(self._audio), name="audio"))

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def run(self) -> None:
        """Until cancelled, or until the ticks or the sound break, whose exception it raises."""
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Say goodbye to everybody (1001) and stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(hang_up(v.socket, 1001, "the relay closes") for v in list(self._out.viewers.values())))
        if self._server is not None:
            self._server.close(code=1001, reason="the relay closes")
            await self._server.wait_closed()
        if self._audio is not None:
            self._audio.close()

    def status(self) -> RelayStatus:
        late_s, self._late_s = self._late_s, 0.0
        return RelayStatus(
            time_s=self._clock.now_s(),
            viewers=len(self._presence),
            baton_holder=self._presence.holder,
            ticks=self._state.tick,
            ticks_sent=self._counts.ticks_sent,
            ticks_skipped=self._counts.ticks_skipped,
            audio_sent=self._counts.audio_sent,
            audio_dropped=self._counts.audio_dropped,
            bytes_sent=self._counts.bytes_sent,
            late_tick_s=late_s,
            closed=dict(self._counts.closed),
        )

    # --- from the orchestra --------------------------------------------------------------------

    def absorb(self, frame: Frame) -> None:
        """A step of the performance; the next tick shows it."""
        self._state.absorb(frame)

    def silence(self, time_s: float) -> None:
        """Every sounding note ended (stop, seek)."""
        self._state.silence(time_s)

    def place(self, placements: tuple[PlayerPlacement, ...]) -> None:
        """Players were moved, muted or re-balanced."""
        self._state.place(placements)

    def enter(self, hall: str, picture: str) -> None:
        """The orchestra plays in another hall: everybody is told, and later snapshots say so."""
        self._state.enter(hall, picture)
        self._out.tell(*((viewer, self._state.hall) for viewer in self._out.viewers))

    def interact(self, shown: ShownInteraction) -> None:
        """What a viewer's rays came to; the newest is shown with the next tick."""
        self._out.interact(shown.viewer, shown.frame)

    def show(self, message: wire.Shown) -> None:
        """How the sound does, what chord this is …: the newest of each kind is shown with the next tick."""
        self._out.show(message)

    def say(self, text: str) -> None:
        """A line for everybody."""
        self._out.tell(*((viewer, wire.Notice(text)) for viewer in self._out.viewers))

    def hold_baton(self, held: bool) -> None:
        """The studio's own devices take the baton, or release it."""
        self._presence.hold_on_podium(held)
        self._requests.report_baton()

    # --- ticks and sound -------------------------------------------------------------------------

    async def _tick_forever(self) -> None:
        loop = asyncio.get_running_loop()
        period_s = 1.0 / self.settings.tick_hz
        due_s = loop.time()
        while True:
            due_s += period_s
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            late_s = loop.time() - due_s
            self._late_s = max(self._late_s, late_s)
            if late_s > 1.0:
                log.warning("ticks stood still for %.1f s", late_s)
                due_s = loop.time()
            self._tick(loop.time())

    def _tick(self, now_s: float) -> None:
        for viewer in self._out.tick(now_s):
            if viewer.stalled_s(now_s) > STALL_TIMEOUT_S:
                self._drop(viewer, wire.CLOSE_STALLED, f"acknowledged nothing for {STALL_TIMEOUT_S:.0f} s")

    async def _stream_forever(self, audio: AudioPackets) -> None:
        while True:
            self._out.stream(audio)
            await asyncio.sleep(PACKET_S / 4)

    # --- one viewer --------------------------------------------------------------------------------

    async def _converse(self, connection: ServerConnection) -> None:
        """A WebSocket from its opening to its end."""
        if isinstance(connection, RelayConnection):
            connection.end_deadline()
        if connection.subprotocol != wire.SUBPROTOCOL:
            await self._refuse(connection, wire.CLOSE_VERSION, f"this relay speaks {wire.SUBPROTOCOL}: reload the page")
            return
        if len(self._presence) >= self.settings.max_viewers:
            await self._refuse(connection, wire.CLOSE_FULL, f"the hall is full ({self.settings.max_viewers} viewers)")
            return
        viewer: ViewerConnection | None = None
        limit = RateLimit(asyncio.get_running_loop().time())
        try:
            viewer = self._join(connection, await asyncio.wait_for(connection.recv(), HELLO_TIMEOUT_S))
            async for data in connection:
                message = wire.decode_client(_binary(data))
                costly = isinstance(message, COSTLY_KINDS)
                if not limit.allows(len(data), asyncio.get_running_loop().time(), COSTLY if costly else 1):
                    await self._refuse(connection, wire.CLOSE_FLOOD, "too many messages")
                    break
                self._requests.handle(viewer, message)
        except TimeoutError:
            await self._refuse(connection, wire.CLOSE_NO_HELLO, "no Hello")
        except ProtocolError as error:
            await self._refuse(connection, wire.CLOSE_MALFORMED, str(error))
        except ConnectionClosed as closed:
            if closed.sent is not None and closed.sent.code == 1009:
                self._count_close("1009", connection, "message too large")
        finally:
            if viewer is not None:
                self._leave(viewer)

    def _join(self, connection: ServerConnection, data: str | bytes) -> ViewerConnection:
        hello = wire.decode_client(_binary(data))
        if not isinstance(hello, wire.Hello):
            raise ProtocolError(f"{type(hello).__name__} before Hello")
        key = self.settings.host_key
        knows_key = bool(key) and secrets.compare_digest(hello.host_key.encode(), key.encode())
        here = self.settings.trust_this_machine and is_loopback(connection.remote_address)
        person = self._presence.join(hello.name, host=knows_key or here)
        viewer = ViewerConnection(connection, person.viewer, hello.codec, self._counts, self._window)
        self._out.viewers[person.viewer] = viewer
        self._out.snapshot(viewer)
        log.info("%s joined (viewer %d)", person.name, person.viewer)
        return viewer

    def _leave(self, viewer: ViewerConnection) -> None:
        if self._out.viewers.pop(viewer.viewer, None) is not None:
            if viewer.viewer in self._presence:
                log.info("%s left (viewer %d)", self._presence[viewer.viewer].name, viewer.viewer)
                self._presence.leave(viewer.viewer)
            self._requests.left(viewer.viewer)

    def _drop(self, viewer: ViewerConnection, code: int, reason: str) -> None:
        """Close one viewer without waiting for it."""
        self._leave(viewer)
        closing = asyncio.create_task(self._refuse(viewer.socket, code, reason))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _refuse(self, connection: ServerConnection, code: int, reason: str) -> None:
        self._count_close(str(code), connection, reason)
        await hang_up(connection, code, reason)

    def _count_close(self, code: str, connection: ServerConnection, reason: str) -> None:
        self._counts.closed[code] = self._counts.closed.get(code, 0) + 1
        log.warning("closed the viewer at %s: %s (%s)", connection.remote_address, reason, code)

    def _reach(self, origin: str) -> str | None:
        """How a phone reaches the page open at ``origin``: by HTTPS, for which its sensors ask, or not at all."""
        host = self.settings.host
        if self.settings.certificate is None or is_loopback((host, 0)) or host == "localhost":
            return None
        return reachable_origin(origin, self.port, lan_addresses())


def _binary(data: str | bytes) -> bytes:
    if isinstance(data, str):
        raise ProtocolError("text where binary messages are due")
    return data
