"""What goes into a relay and what comes out of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...engine.interaction.values import InteractionFrame, Pointer
from ...engine.types import Pose

PAGE = Path(__file__).resolve().parents[1] / "web" / "dist"


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """How a relay serves. ``host_key`` makes a viewer a host; viewers on this machine are hosts by
    ``trust_this_machine`` (switch it off behind a proxy). ``allowed_origins``: pages from elsewhere that may connect,
    e.g. ``http://localhost:5173`` while developing. ``certificate``: PEM files (chain, key) for HTTPS; this machine may
    go on without. ``authority``: PEM file of who signed it, offered to devices that shall trust it. ``phone_token``
    makes the phone that shows it the baton, once, soon after the start. With ``recording`` nobody conducts or directs:
    a session is played again."""

    host: str = "127.0.0.1"
    port: int = 8765
    tick_hz: float = 30.0
    max_viewers: int = 64
    page: Path = PAGE
    host_key: str = ""
    trust_this_machine: bool = True
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    certificate: tuple[Path, Path] | None = None
    authority: Path | None = None
    phone_token: str = ""
    recording: bool = False


@dataclass(frozen=True, slots=True)
class PointerInput:
    """A point of the baton holder's drag, session time, −1…1, y up."""

    time_s: float
    x: float
    y: float
    pressed: bool


@dataclass(frozen=True, slots=True)
class TapInput:
    """A tap of the baton holder on a beat, session time; ``strength`` 0–1."""

    time_s: float
    strength: float


@dataclass(frozen=True, slots=True)
class KeyInput:
    """A key of the page's keyboard, session time: down with ``velocity`` 1–127, or let go (0)."""

    time_s: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Control:
    """What a viewer wants of the concert. ``baton`` tells that it moved to ``target`` (viewer, nobody or podium);
    the others as in ``protocol.Command``, checked against the session."""

    viewer: int
    name: str
    action: Literal["start", "stop", "seek", "gain", "mute", "solo", "cue", "baton"]
    target: int = 0
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class PointingInput:
    """A viewer's rays in the hall, session time; ``may_control`` tells whether the viewer may change anything."""

    viewer: int
    may_control: bool
    pointers: tuple[Pointer, ...]


@dataclass(frozen=True, slots=True)
class ShownInteraction:
    """What a viewer's rays came to, on its way to that viewer."""

    viewer: int
    frame: InteractionFrame


Input = PointerInput | TapInput | KeyInput | Pose | Control | PointingInput


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """What the relay did since it started. ``late_tick_s`` is the worst lateness of a tick in the last second."""

    time_s: float
    viewers: int
    baton_holder: int
    ticks: int
    ticks_sent: int
    ticks_skipped: int
    audio_sent: int
    audio_dropped: int
    bytes_sent: int
    late_tick_s: float
    closed: dict[str, int]
