"""A tiny orchestra with pure tones for instruments, in a small room: sounds that a test can measure exactly."""

import logging
from collections.abc import Sequence

import numpy as np

from tutti.engine.audio.ensemble import HABITS
from tutti.engine.audio.offline import AudioCue
from tutti.engine.audio.renderer import AudioSettings, OrchestraRenderer
from tutti.engine.audio.room import Room, Wall
from tutti.engine.sounds.sound_set import REFERENCE_LEVEL_DB, Patch, Sample, SoundSet, Zone
from tutti.engine.types import NoteEvent, NoteRelease, PlayerPlacement

RATE_HZ = 48000
SETTINGS = AudioSettings(voices=48, seed=3)
EXACT = {family: type(habits)(0.0, 0.0, 0.0, 0.0) for family, habits in HABITS.items()}
"""Players who make no difference: patch ``ensemble.HABITS`` with it to measure single notes."""


def tone_sample(hz: float = 440.0, sustains: bool = True) -> Sample:
    """A sine of amplitude 0.5 whose loop is a whole number of periods, or one that dies away in half a second."""
    periods = round(hz)
    root_pitch = 69.0 + 12.0 * np.log2(hz / 440.0)
    count = round(RATE_HZ * 1.4)
    data = (0.5 * np.sin(2.0 * np.pi * hz * np.arange(count) / RATE_HZ)).astype(np.float32)
    level_db = 20.0 * np.log10(0.5 / np.sqrt(2.0))
    if sustains:
        return Sample(data, RATE_HZ, root_pitch, 4800, 4800 + round(periods * RATE_HZ / hz), level_db)
    decay = np.exp(-np.arange(RATE_HZ // 2) / (0.08 * RATE_HZ)).astype(np.float32)
    decay[-480:] *= np.linspace(1.0, 0.0, 480, dtype=np.float32)
    return Sample(data[: RATE_HZ // 2] * decay, RATE_HZ, root_pitch, 0, 0, level_db)


def noise_sample() -> Sample:
    """A second of noise that loops: heard from somewhere whatever the interference."""
    noise = np.random.default_rng(9).standard_normal(RATE_HZ).astype(np.float32) * np.float32(0.1)
    return Sample(np.concatenate([noise, noise[:8000]]), RATE_HZ, 69.0, 0, RATE_HZ, -20.0)


def tone_sounds(*extra: tuple[str, Sample], release_s: float = 0.08) -> SoundSet:
    """Violins, trumpets, pianos and timpani that are sines; the last two die away."""
    samples = (tone_sample(), tone_sample(sustains=False), *(sample for _, sample in extra))

    def zone(index: int) -> Patch:
        gain_db = REFERENCE_LEVEL_DB - samples[index].level_db
        return Patch((Zone(0, 127, 0, 127, index, gain_db, 0.01, release_s),))

    patches = {("violin", "sustain"): zone(0), ("trumpet", "sustain"): zone(0), ("timpani", "sustain"): zone(1)}
    patches |= {("piano", "sustain"): zone(1), ("violin", "pizzicato"): zone(1)}
    patches |= {(name, "sustain"): zone(2 + index) for index, (name, _) in enumerate(extra)}
    return SoundSet("tones", samples, patches)


def remarked_tones() -> SoundSet:
    """The same, with a remark as sf2utils makes of odd samples."""
    logging.warning("Sample Tuba has loop starting too early")
    return tone_sounds()


def small_room(rt60_s: float = 0.4) -> Room:
    """12 × 20 × 8 m with little reverberation, walls that send a third back."""
    low, high, bands = (-6.0, -10.0, 0.0), (6.0, 10.0, 8.0), (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
    walls = tuple(Wall(axis, (low, high)[end][axis], (0.6,) * 7, 0.4) for axis in range(3) for end in range(2))
    return Room(low, high, bands, (rt60_s,) * 7, walls)


def player(number: int, x_m: float, y_m: float, instrument: str = "violin", part: int = 0) -> PlayerPlacement:
    """Someone who faces the podium."""
    heading_deg = float(np.degrees(np.arctan2(x_m, -y_m)))
    return PlayerPlacement(number, part, f"{instrument}s {part}", instrument, (x_m, y_m, 0.0), heading_deg, number // 2)


def note(
    note_id: int,
    onset_s: float,
    duration_s: float = 0.5,
    pitch: int = 69,
    part: int = 0,
    velocity: int = 90,
    articulation: str = "sustain",
) -> NoteEvent:
    return NoteEvent(note_id, part, onset_s, duration_s, pitch, velocity, articulation, 2.0 * onset_s)


def cues(events: Sequence[NoteEvent]) -> list[AudioCue]:
    """Notes 80 ms before their onset, releases at their end."""
    result = [AudioCue(max(0.0, event.onset_s - 0.08), notes=(event,)) for event in events]
    ends = [event.onset_s + event.duration_s for event in events]
    result += [
        AudioCue(end_s - 0.02, releases=(NoteRelease(event.note_id, end_s),))
        for event, end_s in zip(events, ends, strict=True)
    ]
    return sorted(result, key=lambda cue: cue.time_s)


def render(renderer: OrchestraRenderer, seconds: float, events: Sequence[NoteEvent] = ()) -> np.ndarray:
    """The next ``seconds`` of sound, (samples, 2), without the limiter's delay at the start of time."""
    block, rate_hz = renderer.settings.block, renderer.settings.rate_hz
    upcoming = cues(events)
    blocks = []
    for _ in range(round(seconds * rate_hz / block)):
        now_s = renderer.position / rate_hz
        while upcoming and upcoming[0].time_s <= now_s:
            cue = upcoming.pop(0)
            renderer.submit(cue.notes, cue.releases)
        blocks.append(renderer.render())
    return np.concatenate(blocks)
