"""What a player sounds like whom a test can script: harmonic tones with attacks, vibrato, noise, on exact samples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tutti.engine.listening.tracker import NoteTracker
from tutti.engine.types import HeardNote

RATE_HZ = 48000


@dataclass(frozen=True, slots=True)
class Tone:
    """A note to be played: ``level`` is its amplitude, ``attack_s`` and ``release_s`` its ends."""

    onset_s: float
    duration_s: float
    pitch: float
    level: float = 0.1
    attack_s: float = 0.02
    release_s: float = 0.04


def played(
    tones: Sequence[Tone], seconds: float, vibrato_cents: float = 0.0, noise_db: float = -75.0, rate_hz: int = RATE_HZ
) -> npt.NDArray[np.float32]:
    """The tones' sound with eight harmonics, vibrato of 5.5 Hz and white noise."""
    sound = np.random.default_rng(4).standard_normal(round(seconds * rate_hz)) * 10.0 ** (noise_db / 20.0)
    for tone in tones:
        at_s = np.arange(round((tone.duration_s + tone.release_s) * rate_hz)) / rate_hz
        pitch = tone.pitch + vibrato_cents / 100.0 * np.sin(2.0 * np.pi * 5.5 * at_s)
        phase = 2.0 * np.pi * np.cumsum(440.0 * 2.0 ** ((pitch - 69.0) / 12.0)) / rate_hz
        ends = np.clip((tone.duration_s + tone.release_s - at_s) / tone.release_s, 0.0, 1.0)
        envelope = tone.level * np.minimum(1.0, at_s / tone.attack_s) * ends
        start = round(tone.onset_s * rate_hz)
        wave = envelope * sum(np.sin(h * phase) / h for h in range(1, 9))
        sound[start : start + len(wave)] += wave[: len(sound) - start]
    return sound.astype(np.float32)


def heard(
    sound: npt.NDArray[np.float32],
    tracker: NoteTracker | None = None,
    block: int = 256,
    reference: npt.NDArray[np.float32] | None = None,
    rate_hz: int = RATE_HZ,
) -> tuple[list[HeardNote], list[tuple[float, HeardNote]]]:
    """(whole notes, each time something was told with what), as a tracker hears the sound block by block."""
    tracker = tracker or NoteTracker(rate_hz, 55.0, 100.0)
    told: list[tuple[float, HeardNote]] = []
    for start in range(0, len(sound), block):
        beside = None if reference is None else reference[start : start + block]
        notes = tracker.push(sound[start : start + block], start / rate_hz, beside)
        told += [(min(start + block, len(sound)) / rate_hz, note) for note in notes]
    told += [(len(sound) / rate_hz, note) for note in tracker.finish(len(sound) / rate_hz)]
    return [note for _, note in told if note.duration_s is not None], told


def scale(pitches: Sequence[float], step_s: float, sounding: float = 1.0, start_s: float = 0.3) -> list[Tone]:
    """Notes one after the other, each sounding for a part of its step."""
    return [Tone(start_s + i * step_s, step_s * sounding, pitch) for i, pitch in enumerate(pitches)]
