"""From a part's note to each player's note: who plays it, and how a little differently from the desk partner.

Everything random comes from a hash of (seed, note, player), so the same performance sounds the same however it is
cut into blocks and in whatever order notes arrive.

The spread of onsets in a section follows measurements of ensembles: Rasch (*Synchronization in performed ensemble
music*, Acustica 43, 1979) found standard deviations of 30–50 ms between the voices of trios; within a section that
follows a conductor 10–15 ms are usual for strings. Intonation within a section spreads by some 5–10 cents, vibrato runs
at 5–6.5 Hz (Sundberg; Mellody and Wakefield, JASA 107, 2000).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..instruments import Family, catalogue
from ..types import Articulation, NoteEvent, PlayerPlacement


@dataclass(frozen=True, slots=True)
class PlayerNote:
    """One player's note, a little before or after the part's (``event_s``).

    ``pitch`` is a fractional MIDI number with the player's intonation; ``variation`` chooses among alternative
    recordings; ``vibrato_cents`` is the peak depth, half of it reached ``vibrato_delay_s`` after the onset, and
    ``vibrato_phase`` (cycles) where the swing begins; ``swell`` is the share of the amplitude that moves with it.
    ``drift_cents`` is how far a held pitch wanders. ``noise`` is the breath or bow relative to the note (amplitude),
    ``noise_burst`` how many times as much there is at the onset, and ``noise_seed`` makes it this player's own.
    """

    note_id: int
    player: int
    onset_s: float
    event_s: float
    duration_s: float
    pitch: float
    velocity: float
    articulation: Articulation
    variation: int
    vibrato_hz: float
    vibrato_cents: float
    vibrato_delay_s: float
    vibrato_phase: float
    swell: float
    drift_cents: float
    noise: float
    noise_burst: float
    noise_seed: int
    instrument: str = ""
    """What it is played on; empty: what the player's seat says."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How the players of a family differ: standard deviations; the vibrato they play with, and how much of it is in
    the loudness; how far a held pitch wanders; breath or bow noise relative to a note at velocity 90 (amplitude), and
    how many times as much of it there is at an onset."""

    onset_s: float
    tuning_cents: float
    velocity: float
    vibrato_cents: float
    swell: float = 0.0
    drift_cents: float = 0.0
    noise: float = 0.0
    noise_burst: float = 0.0


HABITS: dict[Family, Habits] = {
    "strings": Habits(0.012, 6.0, 3.0, 14.0, swell=0.04, drift_cents=2.5, noise=0.005, noise_burst=4.0),
    "woodwind": Habits(0.007, 4.0, 2.0, 7.0, swell=0.12, drift_cents=1.5, noise=0.008, noise_burst=2.0),
    "brass": Habits(0.007, 4.0, 2.0, 0.0, drift_cents=1.5, noise=0.003, noise_burst=2.0),
    "percussion": Habits(0.003, 0.0, 2.0, 0.0),
    "keyboard": Habits(0.003, 0.0, 2.0, 0.0),
    "plucked": Habits(0.004, 1.0, 2.0, 0.0),
    "voice": Habits(0.014, 8.0, 2.5, 18.0, swell=0.08, drift_cents=3.0, noise=0.005, noise_burst=1.0),
}

_STEADY = frozenset({"clarinet", "bass-clarinet"})
"""Woodwinds that orchestral players blow without vibrato."""
_SHARED_OUT = frozenset({"percussion", "keyboard", "plucked"})
"""Families in which a single note of the part is one player's, however many sit there."""
_LARGEST_DEVIATION = 2.5
"""Standard deviations at which spread is cut off: nobody is that late."""


_ALL_BITS = 0xFFFFFFFFFFFFFFFF


def assign(events: Sequence[NoteEvent], players: Sequence[PlayerPlacement], seed: int) -> list[PlayerNote]:
    """The notes of each player for notes of one part that begin together.

    A single note is everybody's. Several are divided among the players by desk, highest first (divisi); where there
    are more notes than players, players take several (double stops, chords). Percussion, keyboards and harps play each
    note once.
    """
    if not players or not events:
        return []
    desks = sorted(players, key=lambda placement: (placement.desk, placement.player))
    from_the_top = sorted(events, key=lambda event: (-event.pitch, event.note_id))
    notes: list[PlayerNote] = []
    for rank, event in enumerate(from_the_top):
        family = catalogue()[event.instrument or desks[0].instrument].family
        if family in _SHARED_OUT:
            playing = [desks[(rank + event.pitch) % len(desks)]]
        elif len(from_the_top) >= len(desks):
            playing = [desks[rank % len(desks)]]
        else:
            playing = desks[rank :: len(from_the_top)]
        notes += _perform(event, playing, family, len(desks), seed)
    return notes


def _perform(
    event: NoteEvent, playing: Sequence[PlayerPlacement], family: Family, section: int, seed: int
) -> list[PlayerNote]:
    habits = HABITS[family]
    ids = np.array([placement.player for placement in playing], np.uint64)
    trait = _standard_normal(seed, 0, ids)  # of the player: the same for every note
    mood = _standard_normal(seed, event.note_id + 1, ids)
    spread_s = habits.onset_s if section > 1 else 0.4 * habits.onset_s
    onset_s = event.onset_s + spread_s * (0.45 * trait[0] + 0.89 * mood[0])
    cents = habits.tuning_cents * (0.7 * trait[1] + 0.71 * mood[1])
    velocity = np.clip(event.velocity + habits.velocity * mood[2], 1.0, 127.0)
    vibrato_hz = 5.7 + 0.35 * trait[2] + 0.15 * mood[3]
    steady = event.articulation in ("pizzicato", "tremolo") or (event.instrument or playing[0].instrument) in _STEADY
    depth = 0.0 if steady else habits.vibrato_cents
    vibrato_cents = depth * np.clip(1.0 + 0.25 * trait[3] + 0.15 * mood[4], 0.2, 2.0)
    vibrato_delay_s = np.clip(0.28 + 0.08 * mood[5], 0.05, 0.6)
    seeds = _splitmix(_splitmix(ids ^ np.uint64(event.note_id & _ALL_BITS)) ^ np.uint64(seed & _ALL_BITS))
    # Breath is there at any dynamic, the tone is not: softer notes have more of it. Hard onsets scratch.
    noise = habits.noise * np.sqrt(90.0 / velocity)
    noise_burst = habits.noise_burst * velocity / 90.0
    return [
        PlayerNote(
            note_id=event.note_id,
            player=placement.player,
            onset_s=float(onset_s[i]),
            event_s=event.onset_s,
            duration_s=event.duration_s,
            pitch=event.pitch + (event.cents + float(cents[i])) / 100.0,
            velocity=float(velocity[i]),
            articulation=event.articulation,
            variation=placement.player,
            vibrato_hz=float(vibrato_hz[i]),
            vibrato_cents=float(vibrato_cents[i]),
            vibrato_delay_s=float(vibrato_delay_s[i]),
            vibrato_phase=int(seeds[i] >> np.uint64(40)) / 2.0**24,
            swell=habits.swell if depth else 0.0,
            drift_cents=habits.drift_cents,
            noise=float(noise[i]),
            noise_burst=float(noise_burst[i]),
            noise_seed=int(seeds[i] & np.uint64(0xFFFFFFFF)),
            instrument=event.instrument,
        )
        for i, placement in enumerate(playing)
    ]


def _standard_normal(seed: int, note: int, players: npt.NDArray[np.uint64], count: int = 6) -> npt.NDArray[np.float64]:
    """``count`` × players standard normal numbers, a pure function of the arguments, cut off at the tails."""
    lanes = np.arange(2 * count, dtype=np.uint64)[:, None]
    start = np.uint64((seed * 0x9E3779B97F4A7C15 + note * 0xD1B54A32D192ED03) & _ALL_BITS)
    uniform = _splitmix(_splitmix(players[None, :] ^ start) + lanes) / 2.0**64
    radius = np.sqrt(-2.0 * np.log(np.maximum(uniform[:count], 1e-12)))  # Box and Muller
    return np.clip(radius * np.cos(2.0 * np.pi * uniform[count:]), -_LARGEST_DEVIATION, _LARGEST_DEVIATION)


def _splitmix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64 (Steele, Lea and Flood, 2014): a well mixed 64-bit hash of 64 bits."""
    mixed = state * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
