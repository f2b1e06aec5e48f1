"""A session's sound: the audio process opened with its players, hall and ears, and what is said of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rich.console import Console

from ..engine.audio.impulse_response import room_of
from ..engine.audio.latency import Latency
from ..engine.audio.output import AudioProcess
from ..engine.clock import SessionClock
from ..engine.hall import read_hall
from ..engine.score import Score
from ..engine.types import PlayerPlacement
from .ensemble_setup import sound_loader
from .hearing import Hearing
from .instrument_input import Learner


@dataclass(frozen=True, slots=True)
class SessionSound:
    """What was chosen of a session's sound: instruments, hall, seed, device, ``--latency``, and how it is heard."""

    sounds: str | None
    hall: str
    seed: int
    device: str
    latency: str
    hearing: Hearing = field(default_factory=Hearing)


def open_audio(
    score: Score,
    placements: Sequence[PlayerPlacement],
    sound: SessionSound,
    clock: SessionClock,
    beside: Sequence[PlayerPlacement] = (),
    learner: Learner | None = None,
) -> AudioProcess:
    """The audio process of the players and of who sits ``beside`` them; it tunes its instruments while it starts.

    Raises ``TuttiError`` for a hall, latency, head or instruments that cannot be had.
    """
    hall, latency = read_hall(sound.hall), Latency.parse(sound.latency)
    return AudioProcess(
        (*placements, *beside),
        sound_loader(score, sound.sounds, [seat.instrument for seat in beside]),
        room_of(hall),
        clock,
        replace(sound.hearing.settings(hall, placements, sound.seed), block=latency.block),
        sound.device,
        latency.lead_s,
        None if learner is None else learner.microphone,
    )


def say_sound(audio: AudioProcess, console: Console) -> None:
    """Wait until the instruments are tuned; where the sound goes, or that the page plays it."""
    with console.status("Tuning the instruments …"):
        status = audio.wait_until_ready(timeout_s=300.0)
    if status.state == "no device":
        console.print(status.message[:1].upper() + status.message[1:] or "The page plays the sound.")
    else:
        console.print(f"Sound: {status.device}, {1000 * status.latency_s:.0f} ms")


def say_played(audio: AudioProcess, console: Console) -> None:
    """How the sound went, where a device played it."""
    status = audio.status()
    if status.state == "playing" and status.blocks:
        share = status.xruns / status.blocks
        line = (
            f"Sound: {status.device}, {1000 * status.latency_s:.0f} ms; {status.xruns} of {status.blocks} blocks missed"
        )
        console.print(line + ("; try --latency safe" if share > 0.001 else ""))
