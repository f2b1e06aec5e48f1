"""How what the AI player writes comes home: the dominant, the chord on which all rest, and that they stay on it.

A network that is told of a cadence approaches one, but nothing tells it that the music is over: it goes on for the rest
of the bar, and often in another key than it came from. Where it writes the end of a phrase, the last chord and the one
before it are therefore given by pitch class, at the step where they begin: the tonic's or that of the parts that stand
already, and the dominant seventh where those leave room for it. Voices, spacing and what passes by between the two are
the network's choice.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..engine.score import Score
from .controls import CADENCE_HORIZON_QUARTERS
from .craft.chords import QUALITIES, Chord
from .craft.keys import Key
from .grid import FIRST_PITCH, HOLD, REST, Grid, states_after
from .tasks import Assignment
from .wish import Wish
from .writing import ASK, Arrival

NO_CADENCE = 9.0
"""Quarters to a cadence that is not near."""


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
    pitched = score.pitched_notes()
    others = pitched[np.isin(pitched["part"], [part for part in columns if part not in assignment.asked])]
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


def with_rest(
    columns: Mapping[int, np.ndarray], resting: Collection[int], after: int, until: int, others: Collection[int]
) -> dict[int, np.ndarray]:
    """The columns with what the ``resting`` parts had to decide after a step, up to another (not included): they hold,
    for as long as the ``others`` sound, if there are any, and rest where they could not hold."""
    rested = dict(columns)
    last = np.full(len(next(iter(columns.values()))), HOLD)
    if others:
        symbols, _ = states_after(np.stack([columns[part] for part in others], axis=1))
        last[~(symbols >= FIRST_PITCH).any(axis=1)] = REST
    here = slice(max(0, after + 1), max(0, until))
    for part in resting:
        asked = rested[part][here]
        rested[part] = rested[part].copy()
        rested[part][here] = np.where(asked == ASK, last[here], np.where(asked < 0, REST, asked))
    return rested


def wishes_with_cadences(
    grid: Grid, wishes: Sequence[tuple[int, Wish]], cadences: Sequence[float]
) -> tuple[tuple[int, Wish], ...]:
    """Wishes (first step, wish) with how far away the next of the ``cadences`` (quarters) is, told once a quarter."""
    if not cadences:
        return tuple(wishes)
    places = np.array(sorted(cadences))
    told: list[tuple[int, Wish]] = []
    steps = np.array([step for step, _ in wishes])
    for step, quarter in enumerate(grid.onset_quarter):
        wish = wishes[int(np.searchsorted(steps, step, side="right")) - 1][1]
        index = int(np.searchsorted(places, quarter - 1e-6))
        away = float(places[index] - quarter) if index < len(places) else NO_CADENCE
        away = float(np.ceil(away - 1e-6)) if away <= CADENCE_HORIZON_QUARTERS else NO_CADENCE
        now = replace(wish, cadence_in_quarters=away)
        if not told or told[-1][1] != now:
            told.append((step, now))
    return tuple(told)
