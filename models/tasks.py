"""What the AI player can be asked to do with a score, each task as a value: what is kept, and what is to be written.

Harmonise, accompany, add a counter-melody, fill, vary, continue and answer are one question to one model: some cells of
the grid are known, others are asked for. A task only says which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..engine.errors import ModelError
from ..engine.instruments import catalogue
from ..engine.score import Score
from .craft.keys import Key
from .grid import ABSENT, FIRST_PITCH, HOLD, REST, Grid, encode_score, grid_of_score
from .score_shapes import bars_between, bars_numbered, new_part, place_of_rest, with_bars, with_parts
from .writing import ASK, ASK_ANEW

Span = tuple[float, float]
"""From a score time to another, in quarters."""
CHOIR = ("alto", "tenor", "bass")
STRINGS = ("violin", "viola", "cello")
HIGH_MELODY = 64
CONTINUED_BARS = 8
ANSWERED_BARS = 4
LONG_REST_QUARTERS = 2.0
SOFTER = 0.08
"""How much softer than the melody an accompaniment is written."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A score (with the parts and bars that are to be filled) and, for each part that the AI writes, where.

    ``anchors`` are onsets of the original (quarters) that stay as they are; ``rhythms`` give stretches the rhythm of
    others: (from, to, source's start). ``softer`` is taken off the dynamic of what is heard. ``cadences`` are where
    phrases should come to rest, ``heard`` the parts to listen to (None: all that play), ``density`` the onsets per
    quarter where the wish does not say.
    """

    task: str
    score: Score
    asked: Mapping[int, tuple[Span, ...]]
    anchors: Mapping[int, frozenset[float]] = field(default_factory=dict)
    rhythms: Mapping[int, tuple[float, float, float]] = field(default_factory=dict)
    softer: float = 0.0
    cadences: tuple[float, ...] = ()
    heard: frozenset[int] | None = None
    density: float | None = None
    key: Key | None = None
    """The key in which the music ends, where the AI player writes its end."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that are written."""
        return tuple(self.score.parts[part].name for part in sorted(self.asked))


# -- the tasks -------------------------------------------------------------------------------------------------


def harmonise(score: Score, melody: Sequence[int], instruments: Sequence[str] = ()) -> Assignment:
    """Voices under a melody: the parts that are not the ``melody``, written anew, or new ones for ``instruments``."""
    kept = list(melody) or [_top_part(score)]
    if len(score.parts) > len(kept) and not instruments:
        asked = [part for part in _melodic(score) if part not in kept]
    else:
        score, asked = _added(score, instruments or CHOIR)
    return _whole("harmonise", score, asked)


def accompany(score: Score, instruments: Sequence[str] = ()) -> Assignment:
    """An accompaniment for the score's parts, played by ``instruments`` (strings)."""
    score, asked = _added(score, instruments or STRINGS)
    return _whole("accompany", score, asked, softer=SOFTER)


def counter_melody(score: Score, instruments: Sequence[str] = ()) -> Assignment:
    """One more line against the score's: by default where there is room for it, below a high melody or above a low."""
    if not instruments:
        notes = score.pitched_notes()
        pitches = notes["pitch"][notes["part"] == _top_part(score)]
        instruments = ("cello",) if len(pitches) and pitches.mean() > HIGH_MELODY else ("flute",)
    score, asked = _added(score, instruments)
    return _whole("counter", score, asked, softer=SOFTER / 2)


def fill(score: Score, parts: Sequence[int], bars: tuple[int, int] | None = None) -> Assignment:
    """Missing parts: those named, or those without a note; with ``bars`` (numbers as printed), only there (every part,
    if none is named)."""
    asked = list(parts) or [part for part in _melodic(score) if not (score.notes["part"] == part).any()]
    if not asked and bars is not None:
        asked = _melodic(score)
    if not asked:
        raise ModelError("every part of this score has notes: say which to fill, or which bars")
    span = (0.0, score.end_quarter) if bars is None else bars_numbered(score, *bars)
    return _spans("fill", score, asked, span)


def vary(score: Score, parts: Sequence[int], amount: float) -> Assignment:
    """A variation: the named parts (the highest) anew around notes that stay; the more ``amount`` (0–1), the fewer."""
    asked = list(parts) or [_top_part(score)]
    whole = _whole("vary", score, asked)
    return replace(whole, anchors={part: _anchors(score, part, amount) for part in asked})


def go_on(score: Score, bars: int | None = None) -> Assignment:
    """More bars after the end, in all parts, and a cadence at their end."""
    count = CONTINUED_BARS if bars is None else bars
    longer = with_bars(score, count)
    return _spans("continue", longer, _melodic(score), (score.end_quarter, longer.end_quarter))


def answer(score: Score, bars: int | None = None) -> Assignment:
    """The score is a call: a response of its length (its last four bars' at most) that begins with the call's rhythm
    and comes to rest."""
    count = min(ANSWERED_BARS, len(score.measures)) if bars is None else bars
    call_start, call_end = bars_between(score, len(score.measures) - count + 1, len(score.measures))
    longer = with_bars(score, count)
    assignment = _spans("answer", longer, _melodic(score), (score.end_quarter, longer.end_quarter))
    half = (call_end - call_start) / 2
    lead = _top_part(score)
    return replace(assignment, rhythms={lead: (score.end_quarter, score.end_quarter + half, call_start)})


# -- on the grid ------------------------------------------------------------------------------------------------


def grid_of(assignment: Assignment) -> Grid:
    """The grid, cut as the notes that stay ask for."""
    whole = (0.0, assignment.score.end_quarter)
    kept = [part for part in _melodic(assignment.score) if whole not in assignment.asked.get(part, ())]
    return grid_of_score(assignment.score, kept or None)


def columns_of(assignment: Assignment, grid: Grid) -> dict[int, np.ndarray]:
    """The columns of all parts with pitches: tokens that stay, and what is asked."""
    score = assignment.score
    parts = _melodic(score)
    encoded = encode_score(score, parts, grid)
    columns = {part: encoded[:, index] for index, part in enumerate(parts)}
    for part, spans in assignment.asked.items():
        columns[part] = _with_questions(assignment, part, columns[part], spans, grid)
    return {part: column for part, column in columns.items() if not (column == ABSENT).all()}


def _with_questions(
    assignment: Assignment, part: int, column: np.ndarray, spans: Sequence[Span], grid: Grid
) -> np.ndarray:
    asked = column.copy()
    anchors = assignment.anchors.get(part)
    for start, end in spans:
        steps = grid.steps_between(start, end)
        here = slice(steps.start, steps.stop)
        if steps.stop < len(asked) and asked[steps.stop] == HOLD:
            rest = asked[steps.stop :]
            rest[: int(np.argmax(rest != HOLD)) if (rest != HOLD).any() else len(rest)] = REST
        asked[here] = ASK if anchors is None else _around(column[here], anchors, grid.part_of(here.start, here.stop))
        if len(steps) and asked[steps.start] == ASK:
            asked[steps.start] = ASK_ANEW
    if part in assignment.rhythms:
        _lend_rhythm(asked, grid, *assignment.rhythms[part])
    return asked


def _around(column: np.ndarray, anchors: frozenset[float], grid: Grid) -> np.ndarray:
    """Questions everywhere but at anchors and in long rests."""
    asked = np.full(len(column), ASK, np.int64)
    for step, quarter in enumerate(grid.onset_quarter):
        if column[step] >= FIRST_PITCH and round(float(quarter), 4) in anchors:
            asked[step] = column[step]
    step = 0
    while step < len(column):
        last = step
        while last < len(column) and column[last] == REST:
            last += 1
        if last > step:
            end = grid.end_quarter if last == len(column) else float(grid.onset_quarter[last])
            if end - float(grid.onset_quarter[step]) >= LONG_REST_QUARTERS:
                asked[step:last] = REST
        step = max(last, step + 1)
    return asked


def _lend_rhythm(asked: np.ndarray, grid: Grid, start: float, end: float, source: float) -> None:
    """Steps ``[start, end)`` begin, hold and rest as those from ``source`` on do; their pitches stay open."""
    for step in grid.steps_between(start, end):
        model = grid.step_at(source + float(grid.onset_quarter[step]) - start)
        token = int(asked[model]) if model < len(asked) else REST
        asked[step] = token if token in (HOLD, REST) else ASK_ANEW
    first = grid.step_at(start)
    if first < len(asked) and asked[first] == HOLD:
        asked[first] = ASK_ANEW


# -- parts and places -------------------------------------------------------------------------------------------


def _melodic(score: Score) -> list[int]:
    return [index for index, part in enumerate(score.parts) if part.instrument != "percussion"]


def _top_part(score: Score) -> int:
    """The part that lies highest, which mostly has the melody."""
    notes = score.pitched_notes()
    melodic = [part for part in _melodic(score) if (notes["part"] == part).any()]
    if not melodic:
        raise ModelError(f"{score.title or 'this score'} has no notes with a pitch: there is nothing to go by")
    return max(melodic, key=lambda part: float(notes["pitch"][notes["part"] == part].mean()))


def _added(score: Score, instruments: Sequence[str]) -> tuple[Score, list[int]]:
    _top_part(score)
    unknown = [key for key in instruments if key not in catalogue()]
    if unknown:
        raise ModelError(f"no instrument is called {unknown[0]!r}")
    longer = with_parts(score, [new_part(key) for key in instruments])
    return longer, list(range(len(score.parts), len(longer.parts)))


def _whole(task: str, score: Score, asked: Sequence[int], softer: float = 0.0) -> Assignment:
    _top_part(score)
    if not asked:
        raise ModelError("there is no part left for the AI player to write")
    return replace(_spans(task, score, asked, (0.0, score.end_quarter)), softer=softer)


def _spans(task: str, score: Score, asked: Sequence[int], span: Span) -> Assignment:
    drums = [score.parts[part].name for part in asked if part not in _melodic(score)]
    if drums:
        raise ModelError(f"{drums[0]} has no pitches: name parts that have")
    return Assignment(task, score, dict.fromkeys(asked, (span,)), cadences=(place_of_rest(score, span),))


def _anchors(score: Score, part: int, amount: float) -> frozenset[float]:
    """Onsets that stay: on every beat, on every other, on the first of each bar, on the first of every other bar."""
    beats = score.beats
    if amount < 0.3:
        kept = beats
    elif amount < 0.55:
        kept = beats[(beats["beat"] - 1) % 2 == 0]
    elif amount < 0.8:
        kept = beats[beats["beat"] == 1]
    else:
        kept = beats[(beats["beat"] == 1) & (beats["measure"] % 2 == 0)]
    onsets = score.notes["onset_quarter"][score.notes["part"] == part]
    return frozenset(round(float(q), 4) for q in kept["quarter"] if np.isclose(onsets, q, atol=1e-4).any())
