"""What the size and shape of the gesture ask for: louder or softer, legato or staccato."""

import math
from collections import deque

from ..types import Beat, Dynamics, Pose
from .gesture import GestureFilter, GestureSample

CALM_RESPONSE_S, SUBITO_RESPONSE_S = 0.30, 0.08
"""Time constants of the level: for small changes, and for those beyond"""
SUBITO_LEVEL = 0.12
"""this."""
HABIT_STROKES = 64.0
"""The habitual size follows the strokes with this memory."""
LEVEL_PER_OCTAVE = 0.30
"""A gesture twice the habitual size raises the level by this much."""
SMALLEST_M = 0.02
"""Smaller gestures are no softer: they cannot be told from a hand that trembles."""
STILL_S = 0.5
"""A hand at rest asks for nothing new: the level stays."""
STEP_M = 0.006
"""The way is measured in steps of at least this length, more where the tracking is noisy."""
BINS = 20
"""A stroke's way by its phase is learned in so many parts."""
FROM_PHASE = 0.3
"""From here on in a stroke its size is told from the way so far."""
ARTICULATION_STROKES = 3.0
FLOWING, STOPPING = 0.26, 0.74
"""Unevenness of speed within a beat (standard deviation over mean) of a fully legato and a fully staccato hand: a point
on a circle has 0, a sine 0.48, a hand that flicks and waits more than 0.8."""
EDGE_S = 0.05
"""The ictus' sharpness is the change of velocity within this time on both sides of it,"""
ROUND, SHARP = 0.4, 1.2
"""relative to a sine of the same length and period: of a round legato hand and of a marcato. Chosen so that an ordinary
beat is near 0, marcato about 0.3, staccato beyond 0.6 on widely different virtual conductors."""


class DynamicsTracker:
    """Level and articulation from the baton. Causal; one thread; a few microseconds a step.

    The size of a stroke is the length of the hand's way from ictus to ictus, so that it depends neither on where the
    conductor stands nor on which way the figure goes. While the stroke is under way its size is told from the way so
    far, by the share of its way that this conductor's strokes have usually made by then: a subito is heard in the
    stroke that gives it. The level is 0.5 at this conductor's habitual size, learned from the strokes.
    """

    def __init__(self, usual_m: float | None = None) -> None:
        """``usual_m`` is the habitual length of a stroke's way where it is known from before."""
        self._filter = GestureFilter()
        self._way: deque[tuple[float, float, float, float]] = deque(maxlen=1500)
        self._anchor: tuple[float, float, float] | None = None
        self._path_m = 0.0
        self._marks: deque[tuple[float, float]] = deque(maxlen=1500)
        self._habit_log = None if usual_m is None else math.log(max(usual_m, SMALLEST_M))
        self._strokes = 0 if usual_m is None else 8
        self._share = [bin / BINS for bin in range(BINS + 1)]
        self._period_s = 0.8
        self._ictus_s: float | None = None
        self._ictus_path_m = 0.0
        self._last_log: float | None = None
        self._level = Dynamics(0.0, 0.5, 0.0)

    @property
    def level(self) -> Dynamics:
        """The latest."""
        return self._level

    def take_baton(self) -> None:
        """Another hand or device beats from now on: its own size is as written; the level goes on from where it is."""
        self._habit_log, self._strokes = None, 0

    def step(self, pose: Pose, ictus: Beat | None) -> Dynamics:
        """Take the next pose of the baton and the ictus that it made certain, if any."""
        sample = self._filter.step(pose) if pose.device == "baton" else None
        if sample is None:
            return self._level
        self._measure(sample)
        level, articulation = self._level.level, self._level.articulation
        if ictus is not None:
            articulation += self._end_stroke(ictus, articulation)
        size_log = self._size_log(sample.time_s)
        if size_log is not None and self._habit_log is not None and sample.still_s < STILL_S:
            octaves = (size_log - self._habit_log) / math.log(2.0)
            wanted = min(1.0, max(0.0, 0.5 + LEVEL_PER_OCTAVE * octaves))
            response_s = SUBITO_RESPONSE_S if abs(wanted - level) > SUBITO_LEVEL else CALM_RESPONSE_S
            step_s = min(0.1, max(0.0, sample.time_s - self._level.time_s))
            level += (1.0 - math.exp(-step_s / response_s)) * (wanted - level)
        self._level = Dynamics(sample.time_s, level, articulation)
        return self._level

    def _measure(self, sample: GestureSample) -> None:
        """Lengthen the way. Steps shorter than the noise do not count, or a resting hand would walk."""
        place = sample.position_m
        if sample.gap_s or self._anchor is None:
            self._way.clear()
            self._marks.clear()
            self._anchor, self._ictus_s = place, None
        self._way.append((sample.time_s, *place))
        step_m = math.dist(place, self._anchor)
        if step_m >= max(STEP_M, 4.0 * sample.noise_m):
            self._path_m += step_m
            self._anchor = place
        self._marks.append((sample.time_s, self._path_m + min(step_m, STEP_M)))

    def _path_at(self, time_s: float) -> float:
        """The length of the way up to an earlier time."""
        for at_s, path_m in reversed(self._marks):
            if at_s <= time_s:
                return path_m
        return self._marks[0][1] if self._marks else 0.0

    def _size_log(self, now_s: float) -> float | None:
        """Logarithm of the present stroke's length: the last one's, and the present one's as far as it is known."""
        if self._ictus_s is None or self._last_log is None:
            return None
        phase = (now_s - self._ictus_s) / self._period_s
        if phase < FROM_PHASE:
            return self._last_log
        place = min(phase, 1.0) * BINS
        share = self._share[min(int(place), BINS)]
        so_far = self._path_m - self._ictus_path_m
        told = math.log(max(so_far / max(share, 0.15), SMALLEST_M))
        if phase > 1.0:
            told = min(told, max(self._last_log, math.log(max(so_far, SMALLEST_M))))
        trust = min(1.0, (min(phase, 1.0) - FROM_PHASE) / 0.4)
        return self._last_log + trust * (told - self._last_log)

    def _end_stroke(self, ictus: Beat, articulation: float) -> float:
        """Learn from the stroke that ended at the ictus; the change of articulation that it asks for."""
        before_s, self._ictus_s = self._ictus_s, ictus.time_s
        path_m = self._path_at(ictus.time_s)
        size_m, self._ictus_path_m = path_m - self._ictus_path_m, path_m
        if before_s is None:
            return 0.0
        length_s = ictus.time_s - before_s
        if not 0.2 < length_s < 3.0:
            return 0.0
        self._period_s += 0.3 * (length_s - self._period_s)
        size_log = self._last_log = math.log(max(size_m, SMALLEST_M))
        if ictus.beat_index < 0 or ictus.clarity < 0.2:
            return 0.0
        self._strokes += 1
        if self._habit_log is None:
            self._habit_log = size_log
        self._habit_log += (size_log - self._habit_log) / min(HABIT_STROKES, self._strokes)
        if size_m > SMALLEST_M and length_s < 1.6 * self._period_s:
            self._learn_share(before_s, length_s, path_m - size_m, size_m)
            asked = self._articulation(ictus, before_s, size_m)
            return (asked - articulation) / min(ARTICULATION_STROKES, self._strokes)
        return 0.0

    def _learn_share(self, start_s: float, length_s: float, start_m: float, size_m: float) -> None:
        gain = max(0.1, 1.0 / self._strokes)
        for place in range(1, BINS):
            share = (self._path_at(start_s + length_s * place / BINS) - start_m) / size_m
            self._share[place] += gain * (min(1.0, max(0.0, share)) - self._share[place])
        self._share[BINS] = 1.0

    def _articulation(self, ictus: Beat, start_s: float, size_m: float) -> float:
        """−1 … +1: how unevenly the hand moved from ictus to ictus, and how sharply it turned at the ictus."""
        length_s = ictus.time_s - start_s
        speeds = self._speeds(start_s, ictus.time_s)
        if len(speeds) < 5:
            return self._level.articulation
        mean = sum(speeds) / len(speeds)
        spread = math.sqrt(sum((speed - mean) ** 2 for speed in speeds) / len(speeds)) / max(mean, 1e-6)
        uneven = 2.0 * (spread - FLOWING) / (STOPPING - FLOWING) - 1.0
        sharp = 2.0 * math.log(max(self._sharpness(ictus.time_s, size_m, length_s), 0.05) / ROUND)
        sharp = sharp / math.log(SHARP / ROUND) - 1.0
        return min(1.0, max(-1.0, 0.6 * min(1.5, max(-1.5, uneven)) + 0.4 * min(1.5, max(-1.5, sharp))))

    def _speeds(self, start_s: float, end_s: float) -> list[float]:
        """Speeds over steps of a twentieth of the stroke."""
        points = [point for point in self._way if start_s <= point[0] <= end_s]
        speeds, latest = [], points[0] if points else (0.0, 0.0, 0.0, 0.0)
        for point in points[1:]:
            step_s = point[0] - latest[0]
            if step_s >= (end_s - start_s) / BINS:
                speeds.append(math.dist(point[1:], latest[1:]) / step_s)
                latest = point
        return speeds

    def _sharpness(self, ictus_s: float, size_m: float, length_s: float) -> float:
        """The change of velocity about the ictus, against that of a hand that goes up and down in a sine."""
        before = [point for point in self._way if ictus_s - 2 * EDGE_S <= point[0] <= ictus_s]
        after = [point for point in self._way if ictus_s <= point[0] <= ictus_s + 2 * EDGE_S]
        if len(before) < 2 or len(after) < 2:
            return 1.0
        into, out = _velocity(before), _velocity(after)
        between_s = 0.5 * (after[0][0] + after[-1][0] - before[0][0] - before[-1][0])
        usual = 0.25 * size_m * (2.0 * math.pi / length_s) ** 2
        return math.dist(into, out) / max(between_s, 1e-3) / max(usual, 1e-6)


def _velocity(points: list[tuple[float, float, float, float]]) -> tuple[float, float, float]:
    first, last = points[0], points[-1]
    span_s = max(last[0] - first[0], 1e-3)
    return ((last[1] - first[1]) / span_s, (last[2] - first[2]) / span_s, (last[3] - first[3]) / span_s)
