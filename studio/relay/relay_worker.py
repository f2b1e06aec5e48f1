"""The relay's own process: the server, what the studio sends to it, and what it answers. ``RelayProcess`` starts it."""

import asyncio
import errno
import signal
import socket
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ...engine.clock import SessionClock
from ...engine.errors import TuttiError
from ...engine.processes import log_for_people
from ...engine.types import Frame, PlayerPlacement
from .audio_stream import AudioTap
from .protocol import Harmony, Solo, SoundStatus, Surprises
from .relay_link import LinkProtocol
from .relay_server import RelayServer
from .relay_types import RelaySettings, ShownInteraction
from .session_info import SessionInfo

STATUS_INTERVAL_S = 0.5

OpenTap = Callable[[], AudioTap]
"""Opens the orchestra's sound in the relay's process; it is pickled on the way there."""


@dataclass(frozen=True, slots=True)
class Silence:
    """All notes end at ``time_s``."""

    time_s: float


@dataclass(frozen=True, slots=True)
class Place:
    """The players sit there now."""

    placements: tuple[PlayerPlacement, ...]


@dataclass(frozen=True, slots=True)
class Enter:
    """The orchestra plays in this hall now, which is shown as ``picture``."""

    hall: str
    picture: str


@dataclass(frozen=True, slots=True)
class Say:
    """A line for everybody who watches."""

    text: str


@dataclass(frozen=True, slots=True)
class HoldBaton:
    """Whether the studio holds the baton itself."""

    held: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """The relay serves at this port."""

    port: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The relay could not start, or broke off, and why in one line."""

    reason: str


def run_relay(
    link: socket.socket,
    info: SessionInfo,
    clock_origin_s: float,
    settings: RelaySettings,
    open_tap: OpenTap | None,
    log_level: int,
) -> None:
    """The relay's process, from its start to its end: it ends when ``link`` does."""
    for name in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group, they are the parent's to handle
        signal.signal(name, signal.SIG_IGN)
    log_for_people(log_level, "relay: %(message)s")
    _run(_relay(link, info, SessionClock(clock_origin_s), settings, open_tap))


def _run(main: Coroutine[Any, Any, None]) -> None:
    """By uvloop where there is one (not on Windows)."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def _relay(
    link: socket.socket, info: SessionInfo, clock: SessionClock, settings: RelaySettings, open_tap: OpenTap | None
) -> None:
    loop = asyncio.get_running_loop()
    _, pipe = await loop.create_connection(LinkProtocol, sock=link)
    try:
        server = RelayServer(info, settings, clock, open_tap() if open_tap else None, on_input=pipe.send_or_drop)
        await server.start()
    except (OSError, TuttiError) as error:
        pipe.send(Failed(_why_not(settings, error)))
        await pipe.drain()
        return
    pipe.on_message = lambda message: _deliver(server, message)
    pipe.send(Ready(server.port))
    running = asyncio.create_task(server.run())
    reporting = asyncio.create_task(_report(server, pipe))
    try:
        await asyncio.wait([running, reporting, pipe.closed], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            pipe.send(Failed(f"an error of its own: {running.exception()!r}"))
            running.result()
    finally:
        reporting.cancel()
        await server.close()


def _why_not(settings: RelaySettings, error: OSError | TuttiError) -> str:
    """One line on why the relay cannot serve."""
    place = f"{settings.host}:{settings.port}"
    if not isinstance(error, OSError):
        return str(error)
    if error.errno == errno.EADDRINUSE:
        return f"cannot serve at {place}: something else does; choose another port"
    if isinstance(error, ssl.SSLError):
        return f"cannot serve at {place}: the certificate is no good ({error.reason})"
    return f"cannot serve at {place}: {error.strerror or error}" + (f" ({error.filename})" if error.filename else "")


async def _report(server: RelayServer, pipe: LinkProtocol) -> None:
    while True:
        pipe.send_or_drop(server.status())
        await asyncio.sleep(STATUS_INTERVAL_S)


def _deliver(server: RelayServer, message: object) -> None:
    """Hand what the engine's process sent to the server."""
    match message:
        case Frame():
            server.absorb(message)
        case Silence(time_s):
            server.silence(time_s)
        case Place(placements):
            server.place(placements)
        case Enter(hall, picture):
            server.enter(hall, picture)
        case HoldBaton(held):
            server.hold_baton(held)
        case Say(text):
            server.say(text)
        case ShownInteraction():
            server.interact(message)
        case SoundStatus() | Harmony() | Surprises() | Solo():
            server.show(message)
        case _:
            raise TypeError(f"no use for {message!r}")
