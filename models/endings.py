"""How what the AI player writes comes home: the dominant, the chord on which all rest, and that they stay on it.

A network that is told of a cadence approaches one, but nothing tells it that the music is over: it goes on for the rest
of the bar, and often in another key than it came from. Where it writes the end of a phrase, the last chord and the one
before it are therefore given by pitch class, at the step where they begin: the tonic's or that of the parts that stand
already, and the dominant seventh where those leave room for it. Voices, spacing and what passes by between the two are
the network's choice.
"""

from collections.abc import Collection, Mapping

import numpy as np

from ..engine.score import Score
from .craft.chords import QUALITIES, Chord
from .craft.keys import Key
from .grid import FIRST_PITCH, HOLD, REST, Grid, states_after
from .tasks import Assignment
from .writing import Arrival


def ending_of(
    assignment: Assignment, columns: Mapping[int, np.ndarray], heights: Mapping[int, float], grid: Grid, key: Key
) -> tuple[Arrival, ...]:
    """The arrivals at the end of a piece in ``key``; none where the AI player does not write it.

    ``columns`` are tokens (steps,) by part, ``heights`` how high each part lies. Where others play at the end it is
    their last chord, where nobody does it is the tonic's at the last cadence that is asked for.
    """
    score = assignment.score
    writing = [part for part, column in columns.items() if part in assignment.asked and column[-1] < 0]
    last_bar = float(score.measures["start_quarter"][-1])
    if not writing or max(assignment.cadences, default=-1.0) < last_bar - 1e-6:
        return ()
    others = score.notes[np.isin(score.notes["part"], [part for part in columns if part not in assignment.asked])]
    quarter = max(assignment.cadences)
    if len(others):
        quarter = max(quarter, float(others["onset_quarter"].max()))
    return arrivals_at(quarter, len(grid), score, grid, key, writing, others, heights)


def arrivals_at(
    quarter: float,
    until: int,
    score: Score,
    grid: Grid,
    key: Key,
    writing: Collection[int],
    others: np.ndarray,
    heights: Mapping[int, float],
) -> tuple[Arrival, ...]:
    """How the parts ``writing`` come to rest at a score time, up to step ``until``.

    ``others`` are the notes (``engine.score.NOTE_DTYPE``) of the parts that stand: the chord is theirs, completed to
    the tonic's if it can be; a single note of another chord says nothing, and there is no arrival then. On the tonic
    the beat before has the dominant seventh, unless the others play something else there. ``heights`` says how high
    each part lies: the lowest has the roots.
    """
    tonic, dominant = Chord(key.tonic, key.mode, key.tonic), Chord((key.tonic + 7) % 12, "dominant7", key.tonic)
    heard = _sounding(others, quarter)
    if len(heard) == 1 and not heard <= tonic.pitch_classes:
        return ()
    lowest, highest = (choose(writing, key=lambda part: heights[part]) for choose in (min, max))
    has_bass = heights[lowest] <= min(heights.values())
    present = frozenset({lowest, highest})
    step = min(grid.step_at(quarter), len(grid) - 1)
    if not heard <= tonic.pitch_classes:
        return (Arrival(step, heard, dict.fromkeys(writing, heard), present, until=until),)
    home = _arrival(step, tonic, writing, lowest if has_bass else None, present, until)
    beats = score.beats["quarter"]
    before = beats[beats < quarter - 1e-6]
    if not len(before) or not _sounding(others, float(before[-1])) <= dominant.pitch_classes:
        return (home,)
    return _arrival(
        grid.step_at(float(before[-1])), dominant, writing, lowest if has_bass else None, present, step
    ), home


def _arrival(
    step: int, chord: Chord, writing: Collection[int], bass: int | None, present: frozenset[int], until: int
) -> Arrival:
    """All on a chord, its root in the bass, its third somewhere; the third of a dominant pulls, and is not doubled."""
    classes = dict.fromkeys(writing, chord.pitch_classes)
    if bass is not None:
        classes[bass] = frozenset({chord.root})
    third = (chord.root + QUALITIES[chord.quality][1]) % 12
    return Arrival(step, chord.pitch_classes, classes, present, third, chord.quality == "dominant7", until)


def _sounding(notes: np.ndarray, quarter: float) -> frozenset[int]:
    """Pitch classes of the notes that sound at a score time."""
    onset, end = notes["onset_quarter"], notes["onset_quarter"] + notes["duration_quarter"]
    return frozenset((notes["pitch"][(onset <= quarter + 1e-6) & (end > quarter + 1e-6)] % 12).tolist())


def with_rest(columns: Mapping[int, np.ndarray], home: Arrival, asked: Collection[int]) -> dict[int, np.ndarray]:
    """The columns with what was to be decided after the last arrival: all hold, for as long as others sound, if any do
    (parts that are not ``asked``)."""
    rested = {part: column.copy() for part, column in columns.items()}
    last = np.full(len(next(iter(columns.values()))), HOLD)
    others = [column for part, column in columns.items() if part not in asked]
    if others:
        symbols, _ = states_after(np.stack(others, axis=1))
        last[~(symbols >= FIRST_PITCH).any(axis=1)] = REST
    for part in home.classes:
        after = rested[part][home.step + 1 :]
        after[after < 0] = last[home.step + 1 :][after < 0]
    return rested
