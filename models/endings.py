"""How what the AI player writes comes home: the chord on which all come to rest at the end, and that they stay on it.

A network that is told of a cadence approaches one, but nothing tells it that the music is over: it goes on for the rest
of the bar, and often in another key than it came from. Where it writes the end, the last chord is therefore given by
pitch class, the tonic's or that of the parts that stand already; voices and spacing are the network's choice.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .craft.chords import Chord
from .craft.keys import Key
from .grid import FIRST_PITCH, HOLD, REST, Grid, states_after
from .tasks import Assignment
from .writing import Ending


def ending_of(
    assignment: Assignment, columns: Mapping[int, np.ndarray], heights: Mapping[int, float], grid: Grid, key: Key
) -> Ending | None:
    """The ending of a piece in ``key``, or None where the AI player does not write it.

    Where others play at the end it is their last chord, completed to the tonic's if it can be; a single note of another
    chord says nothing. Where nobody does it is the tonic's, at the last cadence that is asked for, and the beat before
    has the dominant. ``heights`` says how high each part lies: the lowest has the root.
    """
    score = assignment.score
    writing = [part for part, column in columns.items() if part in assignment.asked and column[-1] < 0]
    last_bar = float(score.measures["start_quarter"][-1])
    if not writing or max(assignment.cadences, default=-1.0) < last_bar - 1e-6:
        return None
    quarter, chord = max(assignment.cadences), Chord(key.tonic, key.mode, key.tonic).pitch_classes
    others = score.notes[np.isin(score.notes["part"], [part for part in columns if part not in assignment.asked])]
    if len(others) and float(others["onset_quarter"].max()) >= quarter - 1e-6:
        quarter = float(others["onset_quarter"].max())
        sound = others[others["onset_quarter"] + others["duration_quarter"] > quarter + 1e-6]
        heard = frozenset((sound["pitch"] % 12).tolist())
        if len(heard) == 1 and not heard <= chord:
            return None
        chord = chord if heard <= chord else heard
    lowest, highest = (choose(writing, key=lambda part: heights[part]) for choose in (min, max))
    classes = dict.fromkeys(writing, chord)
    if key.tonic in chord and heights[lowest] <= min(heights.values()):
        classes[lowest] = frozenset({key.tonic})
    step = min(grid.step_at(quarter), len(grid) - 1)
    ending = Ending(step, classes, frozenset({lowest, highest}))
    if len(writing) < len(columns):
        return ending
    beats = score.beats["quarter"]
    before = beats[beats < quarter - 1e-6]
    fifth = (key.tonic + 7) % 12
    leading = Chord(fifth, "dominant7", fifth).pitch_classes
    return replace(ending, approach=grid.step_at(float(before[-1])) if len(before) else 0, leading=leading)


def with_rest(columns: Mapping[int, np.ndarray], ending: Ending, asked: frozenset[int]) -> dict[int, np.ndarray]:
    """The columns with what was to be decided after the ending's step: all hold, for as long as others sound, if any
    do (parts that are not ``asked``)."""
    rested = {part: column.copy() for part, column in columns.items()}
    last = np.full(len(next(iter(columns.values()))), HOLD)
    others = [column for part, column in columns.items() if part not in asked]
    if others:
        symbols, _ = states_after(np.stack(others, axis=1))
        last[~(symbols >= FIRST_PITCH).any(axis=1)] = REST
    for part in ending.classes:
        after = rested[part][ending.step + 1 :]
        after[after < 0] = last[ending.step + 1 :][after < 0]
    return rested
