"""One viewer's side of the relay: how much may be sent to it, how much it may send, and what its clock says."""

import math
import struct
from collections import deque
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from ...engine.errors import ProtocolError
from ...engine.interaction.values import InteractionFrame
from .protocol import Audio
from .protocol_values import Codec

MESSAGES_PER_S = 500.0
"""A baton of 240 Hz, acknowledgements and pings, twice over."""
BYTES_PER_S = 262_144.0
BURST_S = 2.0
MAX_SAMPLE_AGE_S = 0.5
"""A sample of the baton that claims to be older was stamped by a wrong clock."""
CLOCK_DRIFT = 1e-3
"""How fast the bound on a viewer's clock is let go, s/s: more than any quartz drifts."""
MAX_AHEAD_S = 0.1
"""How far a headset's prediction may lie in the future: some pictures."""
AUDIO_WINDOW_S = 0.5
"""Sound unacknowledged beyond this is not added to."""
MAX_WRITE_BUFFER_BYTES = 262_144
"""A viewer for whom more waits here than the kernel took is behind, whatever it acknowledges."""


def binary_frame(message: bytes) -> bytes:
    """A whole unmasked binary WebSocket frame (RFC 6455, section 5.2)."""
    size = len(message)
    if size < 126:
        return struct.pack("!BB", 0x82, size) + message
    if size < 65_536:
        return struct.pack("!BBH", 0x82, 126, size) + message
    return struct.pack("!BBQ", 0x82, 127, size) + message


class RateLimit:
    """Token buckets for messages and bytes."""

    def __init__(self, now_s: float) -> None:
        self._messages = MESSAGES_PER_S * BURST_S
        self._bytes = BYTES_PER_S * BURST_S
        self._time_s = now_s

    def allows(self, size: int, now_s: float, cost: int = 1) -> bool:
        """Count a message of ``size`` bytes as ``cost`` messages; False once the viewer sent more than it may."""
        passed = max(0.0, now_s - self._time_s)
        self._time_s = now_s
        self._messages = min(MESSAGES_PER_S * BURST_S, self._messages + passed * MESSAGES_PER_S) - cost
        self._bytes = min(BYTES_PER_S * BURST_S, self._bytes + passed * BYTES_PER_S) - size
        return self._messages >= 0.0 and self._bytes >= 0.0


class ClockMap:
    """A viewer's time stamps on the session clock.

    A stamp cannot lie after its arrival, so the smallest (arrival − stamp) seen bounds the clock's offset from above;
    the viewer's own estimate is believed below that bound, as far as a sample may be late, and the bound itself is
    taken in place of nonsense. Where even the newest sample seems too old, the clock was set: the bound starts anew.
    Stamps that come out in the past or the future are clamped, and never run backwards.

    A headset predicts its poses for the moment its next picture is seen: those may lie ``ahead_s`` after their arrival,
    and bound nothing.
    """

    def __init__(self) -> None:
        self._bound_s = math.inf
        self._bound_time_s = 0.0
        self._latest_s = -math.inf

    def to_session(self, stamps_s: list[float], offset_s: float, arrival_s: float, ahead_s: float = 0.0) -> list[float]:
        """Session times of samples that arrived together; ``offset_s`` is the viewer's estimate."""
        bound = self._bound_s + CLOCK_DRIFT * (arrival_s - self._bound_time_s)
        newest = min(arrival_s - stamp for stamp in stamps_s)
        self._bound_s = newest if newest > bound + MAX_SAMPLE_AGE_S else min(bound, newest)
        self._bound_time_s = arrival_s
        plausible = self._bound_s - MAX_SAMPLE_AGE_S <= offset_s <= self._bound_s + ahead_s
        offset = offset_s if plausible else self._bound_s
        times = []
        for stamp in stamps_s:
            time_s = min(max(stamp + offset, arrival_s - MAX_SAMPLE_AGE_S), arrival_s + ahead_s)
            self._latest_s = max(self._latest_s, time_s)
            times.append(self._latest_s)
        return times


@dataclass(slots=True)
class Counts:
    """What the relay did since it started."""

    ticks_sent: int = 0
    ticks_skipped: int = 0
    audio_sent: int = 0
    audio_dropped: int = 0
    bytes_sent: int = 0
    closed: dict[str, int] = field(default_factory=dict)


class ViewerConnection:
    """A viewer who has said Hello: what was sent, what is acknowledged.

    Frames go straight to the transport, already framed: the bytes are the same for all viewers. Nothing waits here;
    what must not be sent now is skipped, and the acknowledgements say when.
    """

    def __init__(self, socket: ServerConnection, viewer: int, codec: Codec, counts: Counts, window: int) -> None:
        self.socket = socket
        self.viewer = viewer
        self.codec: Codec = codec
        self.clock = ClockMap()
        self.next_event = 0
        self.sent_presence = 0
        self.sent_players = 0
        self.sent_shown = 0
        self.interaction: InteractionFrame | None = None
        """What the viewer's rays came to, not sent yet."""
        self._counts = counts
        self._window = window
        self._unacknowledged: deque[int] = deque()
        self._newest_tick: int | None = None
        self._progress_s = math.inf
        self._audio_sent: int | None = None
        self._audio_acknowledged = 0

    @property
    def open(self) -> bool:
        return self.socket.state is State.OPEN and not self.socket.transport.is_closing()

    @property
    def backlogged(self) -> bool:
        return self.socket.transport.get_write_buffer_size() > MAX_WRITE_BUFFER_BYTES

    def send(self, frame: bytes) -> None:
        """Send a frame of ``binary_frame``."""
        if self.open:
            self.socket.transport.write(frame)
            self._counts.bytes_sent += len(frame)

    def ready_for_tick(self) -> bool:
        return len(self._unacknowledged) < self._window and not self.backlogged

    def send_tick(self, tick: int, frame: bytes, now_s: float) -> None:
        if not self._unacknowledged:
            self._progress_s = now_s
        self._unacknowledged.append(tick)
        self._newest_tick = tick
        self._counts.ticks_sent += 1
        self.send(frame)

    def skip_tick(self) -> None:
        self._counts.ticks_skipped += 1

    def stalled_s(self, now_s: float) -> float:
        """How long nothing has been acknowledged, or what was sent has not left, although a tick is due."""
        if not self._unacknowledged and not self.backlogged:
            self._progress_s = now_s
        return now_s - self._progress_s

    def acknowledge(self, tick: int, audio_end: int, now_s: float) -> None:
        """The viewer got ``tick`` and all before it. Raises ``ProtocolError`` for a tick that was not sent yet."""
        if tick in self._unacknowledged:
            while self._unacknowledged.popleft() != tick:
                pass
            if not self.backlogged:
                self._progress_s = now_s
        elif self._newest_tick is not None and 0 < (tick - self._newest_tick) % 2**32 < 2**31:
            raise ProtocolError(f"acknowledges tick {tick}, which was not sent yet")
        if self._audio_sent is not None:
            self._audio_acknowledged = max(self._audio_acknowledged, min(audio_end, self._audio_sent))

    def send_audio(self, packet: Audio, frame: bytes, rate_hz: int) -> None:
        """Send a packet of sound, or drop it where the viewer is behind."""
        if self._audio_sent is None or packet.first_sample < self._audio_acknowledged:
            self._audio_acknowledged = packet.first_sample
            self._audio_sent = packet.first_sample
        if self._audio_sent - self._audio_acknowledged > AUDIO_WINDOW_S * rate_hz or self.backlogged:
            self._counts.audio_dropped += 1
            return
        self._audio_sent = packet.first_sample + packet.samples
        self._counts.audio_sent += 1
        self.send(frame)

    def listen(self, codec: Codec) -> None:
        """Change the codec; the window starts anew."""
        self.codec = codec
        self._audio_sent = None
