"""Sessions, frames and viewers for tests of the relay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import numpy as np
from support import make_score
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tutti.engine.clock import SessionClock
from tutti.engine.errors import AudioDeviceError
from tutti.engine.types import (
    Dynamics,
    Frame,
    NoteEvent,
    NoteRelease,
    PlayerPlacement,
    Pose,
    ScorePosition,
    TempoEstimate,
)
from tutti.studio.relay import protocol as p
from tutti.studio.relay import protocol_values as pv
from tutti.studio.relay.relay_server import RelayServer
from tutti.studio.relay.relay_types import RelaySettings
from tutti.studio.relay.session_info import SessionInfo

RATE_HZ = 48_000


def make_session(title: str = "Test piece") -> SessionInfo:
    """Two parts, three players, four measures."""
    score = make_score([(0.0, 1.0, 60, 0, 0.5, 0)], instruments=("violin", "horn"))
    placements = [
        PlayerPlacement(0, 0, "Violins", "violin", (-1.5, 2.0, 0.0), -150.0, 0),
        PlayerPlacement(1, 0, "Violins", "violin", (-2.5, 2.5, 0.0), -140.0, 1, gain_db=-3.0),
        PlayerPlacement(2, 1, "Horns", "horn", (1.0, 6.0, 0.5), 170.0, 0, muted=True),
    ]
    info = SessionInfo.of_score(score, placements, hall="shoebox", audio_rate_hz=RATE_HZ)
    return SessionInfo(**{name: getattr(info, name) for name in info.__slots__} | {"title": title})


def make_frame(
    index: int, *, notes: tuple[int, ...] = (), releases: tuple[int, ...] = (), time_s: float | None = None
) -> Frame:
    """A frame whose position tells its index; notes by their ids."""
    now_s = index / 60 if time_s is None else time_s
    return Frame(
        index=index,
        time_s=now_s,
        position=ScorePosition(now_s, index / 10, index / 10, 2.0, 120.0, "1", 1.5, "playing"),
        tempo=TempoEstimate(now_s, index // 10, now_s, 0.5, now_s + 0.5, 0.9),
        dynamics=Dynamics(now_s, 0.5, 0.0),
        notes=tuple(NoteEvent(n, n % 2, now_s + 0.1, 1.0, 60 + n % 12, 80, "sustain", index / 10) for n in notes),
        releases=tuple(NoteRelease(n, now_s) for n in releases),
        poses=(Pose(now_s, "baton", (0.25, 1.25, -0.5)),),
    )


class SineTap:
    """Sound by the clock: 440 Hz left, 660 Hz right."""

    rate_hz = RATE_HZ

    def __init__(self, clock: SessionClock) -> None:
        self._clock = clock

    def read_since(self, index: int) -> tuple[int, np.ndarray]:
        end = int(self._clock.now_s() * RATE_HZ)
        start = max(index, end - RATE_HZ)
        return start, sine(start, max(start, end))

    def time_of(self, index: int) -> float:
        return index / RATE_HZ

    def close(self) -> None:
        self.closed = True


class OpenSineTap:
    """Opens a ``SineTap`` in another process."""

    def __init__(self, clock: SessionClock) -> None:
        self._clock = clock

    def __call__(self) -> SineTap:
        return SineTap(self._clock)


def open_no_tap() -> SineTap:
    """Fails as a ring does whose writer is gone."""
    raise AudioDeviceError("the audio ring is gone")


def sine(start: int, end: int) -> np.ndarray:
    """Samples ``start`` to ``end`` of the tap's sound."""
    time_s = np.arange(start, end) / RATE_HZ
    both = [0.4 * np.sin(2 * np.pi * 440 * time_s), 0.3 * np.sin(2 * np.pi * 660 * time_s)]
    return np.stack(both, axis=1).astype(np.float32)


class Viewer:
    """A well-behaved viewer: says Hello, keeps the state that the messages tell, acknowledges every tick."""

    def __init__(self, connection: ClientConnection, *, acknowledges: bool = True) -> None:
        self.connection = connection
        self.acknowledges = acknowledges
        self.seen: list[Any] = []
        self.ticks: list[p.Tick] = []
        self.snapshots: list[p.Snapshot] = []
        self.presence = p.Presence(baton_holder=0, requests=(), viewers=())
        self.sounding: dict[int, pv.NoteOn] = {}
        self.heard: set[int] = set()
        self.next_event = 0
        self.audio_end = 0

    async def say(self, message: p.ClientMessage) -> None:
        await self.connection.send(p.encode_client(message))

    async def hear(self) -> p.ServerMessage:
        """The next message, applied to the state; fails where an event is missing or comes twice."""
        data = await asyncio.wait_for(self.connection.recv(), 10.0)
        assert isinstance(data, bytes)
        message = p.decode_server(data)
        self.seen.append(message)
        match message:
            case p.Snapshot():
                self.snapshots.append(message)
                self.presence = message.presence
                self.sounding = {note.note_id: note for note in message.sounding}
                self.next_event = message.next_event
            case p.Tick():
                self._events(message.first_event, message.events)
                self.ticks.append(message)
                if self.acknowledges:
                    await self.say(p.Ack(tick=message.tick, audio_end=self.audio_end))
            case p.Events():
                self._events(message.first_event, message.events)
            case p.Sounding():
                self.sounding = {note.note_id: note for note in message.notes}
                self.next_event = message.next_event
            case p.Presence():
                self.presence = message
            case p.Audio():
                self.audio_end = message.first_sample + message.samples
        return message

    def _events(self, first: int, events: tuple[pv.Event, ...]) -> None:
        assert first == self.next_event
        self.next_event += len(events)
        for event in events:
            match event:
                case pv.NoteOn():
                    self.sounding[event.note_id] = event
                    self.heard.add(event.note_id)
                case pv.NoteOff():
                    self.sounding.pop(event.note_id, None)
                case pv.Silence():
                    self.sounding.clear()

    async def until(self, reached: Any, timeout_s: float = 10.0) -> None:
        """Hear until ``reached()``."""
        async with asyncio.timeout(timeout_s):
            while not reached():
                await self.hear()

    async def next(self, kind: type, timeout_s: float = 10.0) -> Any:
        """The next message of a kind."""
        async with asyncio.timeout(timeout_s):
            while not isinstance(message := await self.hear(), kind):
                pass
            return message

    @property
    def id(self) -> int:
        return self.snapshots[-1].viewer

    @property
    def baton_is_mine(self) -> bool:
        return self.presence.baton_holder == self.id


async def open_socket(port: int, subprotocol: str = p.SUBPROTOCOL, origin: str | None = None) -> ClientConnection:
    """A WebSocket to a relay on this machine."""
    return await connect(
        f"ws://127.0.0.1:{port}{p.WEBSOCKET_PATH}",
        subprotocols=[Subprotocol(subprotocol)],
        origin=Origin(origin) if origin else None,
        compression=None,
        ping_interval=None,
        close_timeout=1.0,
        max_size=None,
    )


async def join(port: int, name: str = "", codec: pv.Codec = "none", host_key: str = "", **options: Any) -> Viewer:
    """A viewer who has got its snapshot."""
    viewer = Viewer(await open_socket(port), **options)
    await viewer.say(p.Hello(name=name, codec=codec, host_key=host_key))
    await viewer.hear()
    assert viewer.snapshots
    return viewer


class Feeder:
    """Publishes frames to a server at 120 Hz while the block runs; ``notes(index)`` gives starting and ending ids."""

    def __init__(self, server: RelayServer, clock: SessionClock, notes: Any = lambda index: ((), ())) -> None:
        self._server = server
        self._clock = clock
        self._notes = notes
        self.index = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._feed())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _feed(self) -> None:
        while True:
            starts, ends = self._notes(self.index)
            self._server.absorb(make_frame(self.index, notes=starts, releases=ends, time_s=self._clock.now_s()))
            self.index += 1
            await asyncio.sleep(1 / 120)


@asynccontextmanager
async def relay(**options: Any) -> AsyncIterator[tuple[RelayServer, list[Any]]]:
    """A relay in this process at 120 ticks a second, and the list of what viewers want."""
    inputs: list[Any] = []
    clock = options.pop("clock", None) or SessionClock()
    tap = options.pop("tap", None)
    values: dict[str, Any] = {"port": 0, "tick_hz": 120.0, "trust_this_machine": False, "host_key": "key"} | options
    server = RelayServer(make_session(), RelaySettings(**values), clock, tap, on_input=inputs.append)
    await server.start()
    try:
        yield server, inputs
    finally:
        await server.close()
