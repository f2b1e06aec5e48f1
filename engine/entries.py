"""Who enters when: what a player with a rest counts, and what a conductor's cue most likely means."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import numpy as np

from .score import Score
from .types import PlayerPlacement

REST_BEATS = 2.0
"""Who rests at least this long waits for an entry."""
NOW_BEATS, AFTER_BEATS = 1.4, 0.75
"""A cue is given for an entry this long before it, and so long after at the latest;"""
BEFORE_BEATS = 4.0
"""or to warn of an entry so long before."""
ENTERING, WARNED, PLAYING, RESTING = 20.0, 4.0, 1.0, 0.25
"""How much more likely a cue is for who enters, and less for who has nothing to play for a bar."""
SOON_BEATS = 4.0


def parts_of_sections(placements: Sequence[PlayerPlacement]) -> dict[str, frozenset[int]]:
    """The score parts that each section plays."""
    parts: dict[str, set[int]] = {}
    for placement in placements:
        parts.setdefault(placement.section, set()).add(placement.part)
    return {section: frozenset(numbers) for section, numbers in parts.items()}


class Entries:
    """The entries of each section after rests, in conductor's beats. Immutable."""

    def __init__(self, score: Score, sections: Mapping[str, frozenset[int]]) -> None:
        self._onsets: dict[str, list[float]] = {}
        self._entries: dict[str, list[float]] = {}
        self._parts = dict(sections)
        notes = score.notes
        beats = score.beats
        if not len(beats):
            return
        grid, index = beats["quarter"].astype(float), np.arange(len(beats), dtype=float)
        grid = np.append(grid, grid[-1] + float(beats["duration_quarter"][-1]))
        index = np.append(index, float(len(beats)))
        for section, parts in sections.items():
            own = notes[np.isin(notes["part"], list(parts))]
            onset = np.interp(own["onset_quarter"], grid, index)
            end = np.interp(own["onset_quarter"] + own["duration_quarter"], grid, index)
            silent_since = np.concatenate([[-np.inf], np.maximum.accumulate(end)])[:-1] if len(own) else end
            self._onsets[section] = onset.tolist()
            self._entries[section] = onset[onset - silent_since >= REST_BEATS - 1e-6].tolist()

    def weights(self, beat: float, awaiting: frozenset[int] = frozenset()) -> dict[str, float]:
        """How likely a cue at ``beat`` is for each section, against one that plays on.

        ``awaiting`` are parts that rest until they are cued: who waits is meant as well.
        """
        result = {}
        for section, onsets in self._onsets.items():
            entries = self._entries[section]
            if _any_between(entries, beat - AFTER_BEATS, beat + NOW_BEATS) or self._parts[section] & awaiting:
                result[section] = ENTERING
            elif _any_between(entries, beat, beat + BEFORE_BEATS):
                result[section] = WARNED
            elif _any_between(onsets, beat - 1.0, beat + SOON_BEATS):
                result[section] = PLAYING
            else:
                result[section] = RESTING
        return result


def _any_between(sorted_values: list[float], low: float, high: float) -> bool:
    first = bisect_left(sorted_values, low)
    return first < len(sorted_values) and sorted_values[first] <= high
