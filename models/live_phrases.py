"""Where the AI player's phrases end while somebody plays with it, and how it comes home there.

A phrase ends where the AI's turn does, and with the score; where it accompanies somebody who plays freely, at the bar
after they fell silent. Its key is the one that is wished for, else that of the written parts, else that of what was
played before the phrase.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..engine.score import Score
from .craft.keys import Key, find_key, key_named
from .endings import arrivals_at, wishes_with_cadences, with_rest
from .ensemble_writing import EnsembleSheet
from .grid import FIRST_PITCH, LOW_PITCH, REST, Grid, states_after
from .score_shapes import place_of_rest
from .voice_groups import part_heights
from .wish import Wish
from .writing import Arrival

PAUSE_QUARTERS = 2.0
"""Who is silent for so long has ended a phrase."""
NOTICE_QUARTERS = 1.0
"""So long before its dominant a phrase's end must be known, to be thought of in time."""


@dataclass(frozen=True, slots=True)
class PhraseEnd:
    """The last chord of a phrase: its score time and ``step``, up to which step it lasts, which parts play it, and
    which of them are at rest on it. ``approach`` is the step of the beat before it, ``before`` the one before which its
    key was heard."""

    quarter: float
    step: int
    until: int
    playing: frozenset[int]
    resting: frozenset[int]
    approach: int
    before: int


class LivePhrases:
    """The ends of phrases of a score in which the AI plays. Immutable."""

    def __init__(
        self,
        score: Score,
        grid: Grid,
        own: frozenset[int],
        listened: frozenset[int],
        lead: int | None,
        turns: Sequence[tuple[int, int]],
    ) -> None:
        """``own`` parts are the AI's, ``listened`` written ones are heard. In its ``turns`` (first step, end) the
        ``lead`` part answers and rests at their ends; the other parts rest with the score."""
        self._score, self._grid, self._own = score, grid, own
        self._edges = np.append(grid.onset_quarter, grid.end_quarter)
        self._others = score.notes[np.isin(score.notes["part"], sorted(listened))]
        self._sounding = frozenset(np.unique(self._others["part"]).tolist())
        heights = part_heights(score)
        self._heights = {part: heights[part] for part in own | self._sounding}
        ends = []
        for first, last in turns:
            quarter = place_of_rest(score, (float(self._edges[first]), float(self._edges[last])))
            resting = own if last == len(grid) or lead is None else frozenset({lead})
            ends.append(self._end(quarter, last, own, resting, first))
        playing = own - {lead}
        if playing and (not ends or ends[-1].until < len(grid)):
            quarter = place_of_rest(score, (0.0, score.end_quarter))
            if len(self._others):
                quarter = max(quarter, float(self._others["onset_quarter"].max()))
            bar_before = max(0, score.measure_at(quarter) - 1)
            before = grid.step_at(float(score.measures["start_quarter"][bar_before]))
            ends.append(self._end(quarter, len(grid), playing, playing, before))
        self.ends: tuple[PhraseEnd, ...] = tuple(ends)

    def after_pause(self, released_quarter: float) -> PhraseEnd | None:
        """Where all come home when somebody who plays freely fell silent at a score time: at the first bar that leaves
        time to know it; None where the score ends before."""
        known = released_quarter + PAUSE_QUARTERS + NOTICE_QUARTERS
        starts, beats = self._score.measures["start_quarter"], self._score.beats["quarter"]
        last = min((end.approach for end in self.ends), default=len(self._grid))
        for bar in range(self._score.measure_at(released_quarter) + 1, len(starts) - 1):
            quarter = float(starts[bar])
            if float(beats[beats < quarter - 1e-6].max(initial=-np.inf)) < known - 1e-6:
                continue
            until = self._grid.step_at(float(starts[bar + 1]))
            before = self._grid.step_at(float(starts[bar - 1]))
            return self._end(quarter, until, self._own, self._own, before) if until <= last else None
        return None

    def reach(self, start: int, stop: int, pauses: Sequence[PhraseEnd] = ()) -> int:
        """Up to which step must be thought where the steps ``[start, stop)`` are asked for: a last chord is held."""
        return max((end.until for end in (*self.ends, *pauses) if start <= end.step < stop), default=stop)

    def come_home(self, sheet: EnsembleSheet, first: int, pauses: Sequence[PhraseEnd] = ()) -> EnsembleSheet:
        """A sheet that begins at step ``first``, with the ends of phrases in it: cadences told, the last chords and
        their dominants given, and rest on them. ``pauses`` are ends beside those that the score has (``after_pause``):
        nobody could tell of them before."""
        columns, arrivals = dict(sheet.columns), list[Arrival]()
        stop = first + len(sheet.grid)
        for end in sorted((*self.ends, *pauses), key=lambda end: end.step):
            if end.step < first or end.approach >= stop:
                continue
            key = self._key(sheet.columns, end, first, sheet.wishes[-1][1])
            if key is None:
                continue
            playing, heights = end.playing, self._heights
            found = arrivals_at(end.quarter, end.until, self._score, self._grid, key, playing, self._others, heights)
            if found:
                step, until = found[-1].step - first, min(end.until, stop) - first
                columns = with_rest(columns, end.resting, step, until, self._sounding)
            arrivals += [replace(a, step=a.step - first, until=a.until - first) for a in found]
        told = wishes_with_cadences(sheet.grid, sheet.wishes, [end.quarter for end in self.ends])
        return replace(sheet, columns=columns, wishes=told, arrivals=tuple(arrivals))

    def _end(
        self, quarter: float, until: int, playing: frozenset[int], resting: frozenset[int], before: int
    ) -> PhraseEnd:
        beats = self._score.beats["quarter"]
        approach = float(beats[max(0, int(np.searchsorted(beats, quarter - 1e-6)) - 1)])
        step = min(self._grid.step_at(quarter), len(self._grid) - 1)
        return PhraseEnd(quarter, step, until, playing, resting, self._grid.step_at(approach), before)

    def _key(self, columns: Mapping[int, np.ndarray], end: PhraseEnd, first: int, wish: Wish) -> Key | None:
        """The key in which a phrase ends; None where nothing was heard."""
        if wish.key is not None:
            return key_named(wish.key)
        weights = np.zeros(12)
        if len(self._others):
            np.add.at(weights, self._others["pitch"] % 12, self._others["duration_quarter"])
        else:
            heard = max(0, end.before - first)
            tokens = np.stack([column[:heard] for column in columns.values()], axis=1)
            sounding, _ = states_after(np.where(tokens < 0, REST, tokens))
            steps, parts = np.nonzero(sounding >= FIRST_PITCH)
            classes = (sounding[steps, parts] - FIRST_PITCH + LOW_PITCH) % 12
            np.add.at(weights, classes, np.diff(self._edges)[first + steps])
        return find_key(weights)[0] if weights.any() else None
