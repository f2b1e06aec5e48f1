"""Soloists for ``soloist``: which part they play, and what they do with it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from tutti.engine.listening.solo_line import SoloLine
from tutti.engine.listening.virtual_soloist import Manner, Passage
from tutti.engine.notation.score_cache import open_score
from tutti.engine.score import NoteFlag, Score

STRETCH = 350
"""Events that a soloist plays of a piece at most."""
LEAST_EVENTS = 250
ANYWHERE = 0.2
"""So many of the jumps go anywhere, the others to the first note of a bar."""


@dataclass(frozen=True, slots=True)
class Solo:
    """A part of a piece as a soloist plays it."""

    name: str
    score: Score
    line: SoloLine


def read_solo(path: Path) -> Solo | None:
    """The first part of small scores, of larger ones the most melodic part; None where that is short."""
    score = open_score(path)
    part = 0 if len(score.parts) <= 6 else int(np.argmax([_melodic(score, part) for part in range(len(score.parts))]))
    if np.count_nonzero(score.notes["part"] == part) < LEAST_EVENTS:
        return None
    line = SoloLine.of(score, frozenset([part]))
    return Solo(path.stem, score, line) if len(line) >= LEAST_EVENTS else None


def _melodic(score: Score, part: int) -> int:
    """How many different turns of four notes a part's upper line has: tunes have many, accompanying figures few."""
    rows = score.notes[(score.notes["part"] == part) & ((score.notes["flags"] & NoteFlag.ORNAMENT) == 0)]
    top: dict[float, int] = {}
    for row in rows:
        top[float(row["onset_quarter"])] = max(int(row["pitch"]), top.get(float(row["onset_quarter"]), 0))
    pitches = list(top.values())
    moving = [pitch for before, pitch in pairwise([-1, *pitches]) if pitch != before]
    return len({tuple(moving[at : at + 4]) for at in range(len(moving) - 3)})


Plan = Callable[[SoloLine, int, np.random.Generator], list[Passage]]


@dataclass(frozen=True, slots=True)
class Situation:
    """What a soloist does. ``jumps`` says whether they leave their place."""

    name: str
    plan: Plan
    manner: Manner
    jumps: bool = False


def _bars(line: SoloLine, low: int, high: int) -> np.ndarray:
    return low + np.flatnonzero(line.entrance[max(0, low) : max(0, high)] >= 1.0)


def _target(line: SoloLine, low: int, high: int, rng: np.random.Generator) -> int:
    bars = _bars(line, low, high)
    if len(bars) and rng.random() >= ANYWHERE:
        return int(rng.choice(bars))
    return int(rng.integers(low, max(low + 1, high)))


def straight(line: SoloLine, start: int, rng: np.random.Generator) -> list[Passage]:
    return [Passage(start, min(len(line), start + STRETCH))]


def skips(line: SoloLine, start: int, rng: np.random.Generator) -> list[Passage]:
    passages, at, pause_s = [], start, 0.0
    for _ in range(4):
        end = at + int(rng.integers(30, 70))
        if end + 100 > len(line):
            break
        passages.append(Passage(at, end, pause_s))
        at, pause_s = _target(line, end + 8, min(end + 120, len(line) - 40), rng), float(rng.choice((0.0, 0.4, 1.5)))
    return [*passages, Passage(at, min(len(line), at + 60), pause_s)]


def restarts(line: SoloLine, start: int, rng: np.random.Generator) -> list[Passage]:
    passages, at, pause_s = [], start, 0.0
    for _ in range(4):
        end = min(len(line), at + int(rng.integers(40, 80)))
        passages.append(Passage(at, end, pause_s))
        at, pause_s = _target(line, max(start, end - 90), end - 6, rng), float(rng.choice((0.2, 0.6, 1.5)))
    return [*passages, Passage(at, min(len(line), at + 60), pause_s)]


def one_bar(line: SoloLine, start: int, rng: np.random.Generator) -> list[Passage]:
    bars = _bars(line, start + 20, min(len(line) - 70, start + 200))
    if len(bars) < 3:
        return restarts(line, start, rng)
    index = int(rng.integers(0, len(bars) - 2))
    first, last = int(bars[index]), int(bars[index + 1])
    last = max(last, min(first + 4, len(line)))
    again = [Passage(first, last, float(rng.uniform(0.1, 0.8))) for _ in range(5)]
    return [Passage(start, last), *again, Passage(first, min(len(line), first + 60), 0.4)]


def stops(line: SoloLine, start: int, rng: np.random.Generator) -> list[Passage]:
    ends = [start, *(start + np.cumsum(rng.integers(30, 70, 4))).tolist()]
    ends = [min(end, len(line)) for end in ends]
    pauses = [0.0, *rng.uniform(1.0, 12.0, 3).tolist()]
    return [Passage(a, b, s) for a, b, s in zip(ends, ends[1:], pauses, strict=False) if b > a]


def repeat_left_out(line: SoloLine, start: int, rng: np.random.Generator) -> list[Passage]:
    """Straight on where the score repeats; without a repeat, skips."""
    places, counts = np.unique(line.place, return_counts=True)
    twice = np.flatnonzero(np.isin(line.place, places[counts > 1]))
    if not len(twice):
        return skips(line, start, rng)
    first = int(twice[0])
    again = int(np.flatnonzero(line.place == line.place[first])[1])
    after = again + (again - first)
    begin = max(0, again - 80)
    return [Passage(begin, again), Passage(min(after, len(line) - 2), min(len(line), after + 80))]


SITUATIONS = (
    Situation("clean", straight, Manner(wrong=0.0, missing=0.0, extra=0.0)),
    Situation("slips", straight, Manner(wrong=0.05, missing=0.05, extra=0.04)),
    Situation("microphone", straight, Manner(microphone=True)),
    Situation("half tempo", straight, Manner(tempo=0.5)),
    Situation("stops", stops, Manner()),
    Situation("skips", skips, Manner(), jumps=True),
    Situation("restarts", restarts, Manner(), jumps=True),
    Situation("one bar", one_bar, Manner(tempo=0.8), jumps=True),
    Situation("no repeat", repeat_left_out, Manner(), jumps=True),
)
