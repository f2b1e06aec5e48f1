"""What the studio tells its audio processes: the job each is started with, and messages between blocks of sound."""

from collections.abc import Callable
from dataclasses import dataclass

from ..sounds.sound_set import SoundSet
from ..types import NoteEvent, NoteRelease, PlayerPlacement
from .live_input import MicrophoneJob
from .renderer import AudioSettings
from .room import Room
from .source_field import Listener


@dataclass(frozen=True, slots=True)
class Submit:
    """Notes to play and to end."""

    notes: tuple[NoteEvent, ...]
    releases: tuple[NoteRelease, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Who plays, and where."""

    placements: tuple[PlayerPlacement, ...]


@dataclass(frozen=True, slots=True)
class Sit:
    """Hear from a fixed seat; None: with the head that is tracked, at the podium."""

    listener: Listener | None


@dataclass(frozen=True, slots=True)
class Enter:
    """Play in another hall, heard from ``listener`` there as ``Sit`` has it. For files: live, another process does."""

    room: Room
    listener: Listener | None


@dataclass(frozen=True, slots=True)
class Silence:
    """End every note softly."""


@dataclass(frozen=True, slots=True)
class Reopen:
    """Open the sound device again: one has come, or another is the system's default now."""


@dataclass(frozen=True, slots=True)
class Close:
    """End."""


Message = Submit | Place | Sit | Silence | Reopen | Close


@dataclass(frozen=True, slots=True)
class AudioJob:
    """What an audio process is started with; everything can be pickled.

    ``lead_s`` is how much sound waits in front of the device; ``microphone`` is a learner's, if there is one.
    """

    placements: tuple[PlayerPlacement, ...]
    load_sounds: Callable[[], SoundSet]
    room: Room
    settings: AudioSettings
    device: str
    lead_s: float
    clock_origin_s: float
    ring_name: str
    microphone: MicrophoneJob | None = None


@dataclass(frozen=True, slots=True)
class Play:
    """To a process that stands by: it is your turn, these are the players now."""

    placements: tuple[PlayerPlacement, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """To a process that stands by: which sound device would be opened now? It answers with its name, or None."""


@dataclass(frozen=True, slots=True)
class Ready:
    """From a process that stands by: it could play at once."""
