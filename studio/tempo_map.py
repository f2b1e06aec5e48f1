"""The conducted tempo as a map between score time and session time: what MIDI and MusicXML are written from.

A session may hold several passes (the conductor stopped and began anew); each is a map of its own.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..engine.score import Score
from ..engine.types import PERFORMER, BeatCrossing
from .performance_log import PlayedNote

TOLERANCE_S = 0.003
"""Within a beat the tempo is taken as even where no onset is further from that than this; a listener hears no
difference below some 5 ms."""
LEAST_STEP_S = 0.002
LEAST_STEP_QUARTER = 1.0 / 64.0
EARLY_S = 0.3
"""A note may come this much before the first beat of its pass is counted as crossed."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One way through a part of the score without a jump, from beat ``first_beat`` up to and with ``last_beat``.

    ``quarters`` and ``times_s`` (same length, at least two, both strictly rising) are the knots: every beat, places
    within a beat where the tempo bends, and the end of the last beat. Between knots the tempo is even.
    """

    first_beat: int
    last_beat: int
    quarters: np.ndarray
    times_s: np.ndarray

    @property
    def start_s(self) -> float:
        return float(self.times_s[0])

    @property
    def end_s(self) -> float:
        return float(self.times_s[-1])

    def time_at(self, quarter: np.ndarray) -> np.ndarray:
        """Session time of score times; outside, at the first or last tempo."""
        return _extended(quarter, self.quarters, self.times_s)

    def quarter_at(self, time_s: np.ndarray) -> np.ndarray:
        """Score time of session times; outside, at the first or last tempo."""
        return _extended(time_s, self.times_s, self.quarters)

    @property
    def quarter_bpm(self) -> np.ndarray:
        """Quarters per minute from each knot to the next, one fewer than the knots."""
        return 60.0 * np.diff(self.quarters) / np.diff(self.times_s)


def _extended(at: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Piecewise linear, going on straight beyond both ends."""
    at = np.asarray(at, dtype=float)
    inside = np.interp(at, xs, ys)
    before = ys[0] + (at - xs[0]) * (ys[1] - ys[0]) / (xs[1] - xs[0])
    after = ys[-1] + (at - xs[-1]) * (ys[-1] - ys[-2]) / (xs[-1] - xs[-2])
    return np.where(at < xs[0], before, np.where(at > xs[-1], after, inside))


def as_played(score: Score, crossings: Sequence[BeatCrossing], notes: Sequence[PlayedNote] = ()) -> list[BeatCrossing]:
    """The crossings with the tempo at which each beat was played, in place of the one that was expected when it began:
    a beat lasts until the next is crossed, the last of a pass as ``conducted_passes`` says."""
    played: list[BeatCrossing] = []
    for group, taken in zip(_runs(crossings), conducted_passes(score, crossings, notes), strict=True):
        ends_s = [*(crossing.time_s for crossing in group[1:]), taken.end_s]
        played += [
            replace(crossing, bpm=60.0 / max(LEAST_STEP_S, end_s - crossing.time_s))
            for crossing, end_s in zip(group, ends_s, strict=True)
        ]
    return played


def conducted_passes(score: Score, crossings: Sequence[BeatCrossing], notes: Sequence[PlayedNote] = ()) -> list[Pass]:
    """The passes of a performance, in order of time.

    A beat lies where its notes sounded, or where the playhead crossed it when none did; onsets within a beat bend the
    tempo where it was not even (a fermata, a late beat). The last beat lasts as its tempo says; at the end of the
    score, until the last note ends.
    """
    groups = _runs(crossings)
    starts = [group[0].time_s - EARLY_S for group in groups]
    heard: list[list[PlayedNote]] = [[] for _ in groups]
    for note in notes:
        index = bisect.bisect_right(starts, note.onset_s) - 1
        if index >= 0 and note.source != PERFORMER:
            heard[index].append(note)
    if not groups:
        return []
    limits = [*(group[0].time_s for group in groups[1:]), np.inf]
    return [_pass(score, group, own, limit) for group, own, limit in zip(groups, heard, limits, strict=True)]


def _runs(crossings: Sequence[BeatCrossing]) -> list[list[BeatCrossing]]:
    """Crossings of neighbouring beats in a row."""
    runs: list[list[BeatCrossing]] = []
    for crossing in crossings:
        previous = runs[-1][-1] if runs else None
        if previous is not None and crossing.beat_index == previous.beat_index + 1:
            runs[-1].append(crossing)
        else:
            runs.append([crossing])
    return runs


def _pass(score: Score, crossings: Sequence[BeatCrossing], notes: Sequence[PlayedNote], limit_s: float) -> Pass:
    first, last = crossings[0].beat_index, crossings[-1].beat_index
    sounded = _onsets(notes)
    known = [(crossing.quarter, sounded.get(_key(crossing.quarter), crossing.time_s)) for crossing in crossings]
    row = score.beats[last]
    end_quarter = float(row["quarter"] + row["duration_quarter"])
    end_s = crossings[-1].time_s + 60.0 / max(5.0, crossings[-1].bpm)
    if last == len(score.beats) - 1 and notes:
        end_s = max(end_s, max(note.onset_s + note.duration_s for note in notes))
    quarters: list[float] = []
    times: list[float] = []
    for quarter, time_s in [*known, (end_quarter, min(end_s, limit_s - LEAST_STEP_S))]:
        quarters.append(quarter)
        times.append(max(time_s, times[-1] + LEAST_STEP_S) if times else time_s)
    inner = sorted((quarter, at_s) for quarter, at_s in sounded.items() if quarters[0] < quarter < end_quarter)
    return Pass(first, last, *_bent(np.array(quarters), np.array(times), inner))


def _key(quarter: float) -> float:
    return round(quarter, 6)


def _onsets(notes: Sequence[PlayedNote]) -> dict[float, float]:
    """When each place of the score sounded: the middle of its notes' onsets (they are as good as together)."""
    at: dict[float, list[float]] = {}
    for note in notes:
        at.setdefault(_key(note.quarter), []).append(note.onset_s)
    return {quarter: float(np.median(onsets)) for quarter, onsets in at.items()}


def _bent(
    quarters: np.ndarray, times_s: np.ndarray, onsets: Sequence[tuple[float, float]]
) -> tuple[np.ndarray, np.ndarray]:
    """The knots with those onsets added that even tempo between beats would miss, the worst of each beat first."""
    grid_q, grid_t = [float(quarters[0])], [float(times_s[0])]
    places = [place for place, _ in onsets]
    for index in range(len(quarters) - 1):
        start, end = float(quarters[index]), float(quarters[index + 1])
        inside = onsets[bisect.bisect_right(places, start + LEAST_STEP_QUARTER) : bisect.bisect_left(places, end)]
        knots = [(start, float(times_s[index])), (end, float(times_s[index + 1]))]
        left = [(q, t) for q, t in inside if q <= end - LEAST_STEP_QUARTER]
        while left:
            qs, ts = zip(*knots, strict=True)
            errors = [abs(t - float(np.interp(q, qs, ts))) for q, t in left]
            worst = int(np.argmax(errors))
            if errors[worst] <= TOLERANCE_S:
                break
            place, at_s = left.pop(worst)
            after = bisect.bisect_left(qs, place)
            (q0, t0), (q1, t1) = knots[after - 1], knots[after]
            if min(place - q0, q1 - place) >= LEAST_STEP_QUARTER and min(at_s - t0, t1 - at_s) >= LEAST_STEP_S:
                knots.insert(after, (place, at_s))
        grid_q += [q for q, _ in knots[1:]]
        grid_t += [t for _, t in knots[1:]]
    return np.array(grid_q), np.array(grid_t)


def conducted_segments(passes: Sequence[Pass]) -> list[tuple[float, float, float]]:
    """The tempo over the score as ``(start quarter, end quarter, quarters per minute)``, in order, not overlapping.

    Where several passes went over a place, the longest pass counts: rehearsed bars are in the whole performance too.
    """
    segments: list[tuple[float, float, float]] = []
    covered: list[tuple[float, float]] = []
    for taken in sorted(passes, key=lambda one: one.quarters[-1] - one.quarters[0], reverse=True):
        for start, end, bpm in zip(taken.quarters[:-1], taken.quarters[1:], taken.quarter_bpm, strict=True):
            free = [(float(start), float(end))]
            for low, high in covered:
                pieces = [piece for a, b in free for piece in ((a, min(b, low)), (max(a, high), b))]
                free = [(a, b) for a, b in pieces if b - a > LEAST_STEP_QUARTER / 2]
            segments += [(a, b, float(bpm)) for a, b in free]
        covered.append((float(taken.quarters[0]), float(taken.quarters[-1])))
    return sorted(segments)
