"""What is counted in four-part music by sixteenths: (steps, 4) MIDI pitches, highest voice first, −1 for silence."""

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tutti.models.craft.chords import chord_tone_share
from tutti.models.grid import ABSENT, FIRST_PITCH, LOW_PITCH, states_after, states_before

Pitches = npt.NDArray[np.int64]
Index = dict[tuple[object, ...], list[tuple[int, int]]]

STEPS_PER_BEAT = 4
SHORTEST_COPY = 8
"""Sixteenths: shorter runs are not looked for."""
DENSITY_EDGES = (8, 11, 14, 17, 21)
"""Between density levels: onsets of the lower three voices in the coming sixteen steps."""


def count(pitches: Pitches) -> Counter[str]:
    """Parallel fifths and octaves of all pairs of voices that both move, changes of pitch in the lower three
    voices (a note struck again is none)."""
    sounding = pitches >= 0
    found: Counter[str] = Counter()
    for high, low in itertools.combinations(range(4), 2):
        both = sounding[1:, high] & sounding[1:, low] & sounding[:-1, high] & sounding[:-1, low]
        up, down = np.diff(pitches[:, high]), np.diff(pitches[:, low])
        before = pitches[:-1, high] - pitches[:-1, low]
        after = pitches[1:, high] - pitches[1:, low]
        similar = both & (up != 0) & (np.sign(up) == np.sign(down)) & (np.sign(before) * np.sign(after) >= 0)
        for name, interval in (("fifths", 7), ("octaves", 0)):
            found[name] += int((similar & (abs(before) % 12 == interval) & (abs(after) % 12 == interval)).sum())
    found["onsets"] = int((pitches[1:, 1:] != pitches[:-1, 1:]).sum())
    return found


def as_pitches(tokens: npt.NDArray[np.int64]) -> Pitches:
    """Tokens of the grid (steps, 4) as the pitches that sound at each step."""
    sounding, _ = states_after(tokens)
    return np.where((sounding >= FIRST_PITCH) & (sounding < ABSENT), sounding - FIRST_PITCH + LOW_PITCH, -1)


def begun(tokens: npt.NDArray[np.int64]) -> Counter[str]:
    """Of the lower three voices' tokens (steps, 4): notes ``begun``, those of them that strike ``again`` the
    pitch that sounds, and of those the ``uneven`` ones: not as long as the note before, so that they are no pulse."""
    found: Counter[str] = Counter()
    before, age = states_before(tokens)
    for voice in (1, 2, 3):
        onsets = np.flatnonzero((tokens[:, voice] >= FIRST_PITCH) & (tokens[:, voice] < ABSENT))
        again = tokens[onsets, voice] == before[onsets, voice]
        lasts = np.diff(onsets, append=len(tokens))
        found["begun"] += len(onsets)
        found["again"] += int(again.sum())
        found["uneven"] += int((again & (lasts != age[onsets, voice] + 1)).sum())
    return found


def summary(music: Sequence[Pitches], on_beat: Sequence[npt.NDArray[np.bool_]] | None = None) -> dict[str, float]:
    """Rates over pieces. ``on_beat`` (steps,) marks the steps on which a beat begins, of each piece; without it every
    fourth."""
    total: Counter[str] = Counter()
    if on_beat is None:
        on_beat = [np.arange(len(pitches)) % STEPS_PER_BEAT == 0 for pitches in music]
    for pitches in music:
        total.update(count(pitches))
    total["beats"] = sum(int(here.sum()) for here in on_beat)
    sounding = [row[row >= 0].tolist() for pitches, here in zip(music, on_beat, strict=True) for row in pitches[here]]
    return {
        "fifths": 100 * total["fifths"] / total["beats"],
        "octaves": 100 * total["octaves"] / total["beats"],
        "chords": 100 * chord_tone_share(sounding),
        "onsets": total["onsets"] / total["beats"],
    }


def density_levels(pitches: Pitches) -> npt.NDArray[np.int64]:
    """The density level (0–5) of the lower three voices in the sixteen steps from each step that has so many."""
    onsets = np.zeros(len(pitches))
    onsets[1:] = (pitches[1:, 1:] != pitches[:-1, 1:]).sum(axis=1)
    summed = np.concatenate([[0.0], np.cumsum(onsets)])
    return np.digitize(summed[16:] - summed[:-16], DENSITY_EDGES)


def _relative(pitches: Pitches) -> list[tuple[object, ...]]:
    bass = pitches[:, 3]
    frames = (pitches - bass[:, None]).tolist()
    steps = np.diff(bass, prepend=bass[:1]).tolist()
    return [(*frame, step) for frame, step in zip(frames, steps, strict=True)]


def copy_index(music: Sequence[Pitches]) -> tuple[list[list[tuple[object, ...]]], Index]:
    """Where every run of ``SHORTEST_COPY`` frames, whatever the key, is in these pieces."""
    sequences = [_relative(pitches) for pitches in music]
    index: Index = {}
    for number, frames in enumerate(sequences):
        for start in range(1, len(frames) - SHORTEST_COPY + 1):
            index.setdefault(tuple(frames[start : start + SHORTEST_COPY]), []).append((number, start))
    return sequences, index


def longest_copy(pitches: Pitches, known: tuple[list[list[tuple[object, ...]]], Index]) -> int:
    """The longest run of sixteenths, in any key and all four voices, that is in the indexed music as well."""
    sequences, index = known
    frames = _relative(pitches)
    best = 0
    for start in range(1, len(frames)):
        for number, at in index.get(tuple(frames[start : start + SHORTEST_COPY]), ()):
            other, length = sequences[number], SHORTEST_COPY
            while (
                start + length < len(frames)
                and at + length < len(other)
                and frames[start + length] == other[at + length]
            ):
                length += 1
            best = max(best, length)
    return best
