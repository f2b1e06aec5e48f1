"""What the size and sharpness of the gesture ask for: louder or softer, legato or staccato."""

import math
from collections import deque

from ..types import Beat, Dynamics, Pose
from .gesture import GestureFilter

RESPONSE_S = 0.25
"""Time constant of the level."""
HABIT_STROKES = 32.0
"""The habitual size follows the strokes with this memory."""
LEVEL_PER_OCTAVE = 0.30
"""A gesture twice the habitual size raises the level by this much."""
SMALLEST_M = 0.01
STILL_S = 0.5
"""A hand at rest asks for nothing new: the level stays."""
EDGE_S = 0.05
"""The ictus' sharpness is the change of speed within this time on both sides of it."""
LEGATO_SHARPNESS, STACCATO_SHARPNESS = 0.9, 2.0
"""Sharpness (1 for a sine) that counts as fully legato and fully staccato."""
SHORTEST_WINDOW_S, LONGEST_WINDOW_S = 0.4, 2.5


class DynamicsTracker:
    """Level and articulation from the baton. Causal; one thread; a few microseconds a step.

    The size is the extent of the hand's way over about one beat. The level is 0.5 at this conductor's habitual size,
    which is learned from the first strokes and then follows slowly.
    """

    def __init__(self) -> None:
        self._filter = GestureFilter()
        self._way: deque[tuple[float, float, float]] = deque()
        self._habit_log: float | None = None
        self._strokes = 0
        self._period_s = 0.8
        self._ictus_s: float | None = None
        self._size_s = -math.inf
        self._size_m = 0.0
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
        if sample.gap_s:
            self._way.clear()
        self._way.append((sample.time_s, sample.position_m[0], sample.position_m[1]))
        window_s = min(LONGEST_WINDOW_S, max(SHORTEST_WINDOW_S, 1.1 * self._period_s))
        while self._way[0][0] < sample.time_s - window_s:
            self._way.popleft()
        level, articulation = self._level.level, self._level.articulation
        if ictus is not None:
            self._learn(ictus)
            if ictus.beat_index >= 0:
                articulation += 0.35 * (self._articulation(ictus) - articulation)
        if self._habit_log is not None and sample.still_s < STILL_S:
            octaves = (math.log(max(self._size(sample.time_s), SMALLEST_M)) - self._habit_log) / math.log(2.0)
            wanted = min(1.0, max(0.0, 0.5 + LEVEL_PER_OCTAVE * octaves))
            step_s = min(0.1, max(0.0, sample.time_s - self._level.time_s))
            level += (1.0 - math.exp(-step_s / RESPONSE_S)) * (wanted - level)
        self._level = Dynamics(sample.time_s, level, articulation)
        return self._level

    def _size(self, now_s: float) -> float:
        """Extent of the way in the window; looked at 20 times a second."""
        if now_s - self._size_s >= 0.05:
            self._size_s = now_s
            across = [x for _, x, _ in self._way]
            up = [y for _, _, y in self._way]
            self._size_m = math.hypot(max(up) - min(up), 0.7 * (max(across) - min(across)))
        return self._size_m

    def _learn(self, ictus: Beat) -> None:
        if self._ictus_s is not None:
            interval = ictus.time_s - self._ictus_s
            if 0.2 < interval < 3.0:
                self._period_s += 0.3 * (interval - self._period_s)
        self._ictus_s = ictus.time_s
        if len(self._way) < 2 or ictus.clarity < 0.3 or ictus.beat_index < 0:
            return
        self._strokes += 1
        size_log = math.log(max(self._size(self._way[-1][0]), SMALLEST_M))
        if self._habit_log is None:
            self._habit_log = size_log
        self._habit_log += (size_log - self._habit_log) / min(HABIT_STROKES, self._strokes)

    def _articulation(self, ictus: Beat) -> float:
        """−1 … +1 from the change of vertical speed at the ictus, against a sine of the same stroke and period."""
        before = [(t, y) for t, _, y in self._way if ictus.time_s - 2 * EDGE_S <= t <= ictus.time_s]
        after = [(t, y) for t, _, y in self._way if ictus.time_s <= t <= ictus.time_s + 2 * EDGE_S]
        if len(before) < 2 or len(after) < 2:
            return self._level.articulation
        change = _slope(after) - _slope(before)
        usual = 0.5 * max(ictus.stroke_m, SMALLEST_M) * (2 * math.pi / self._period_s) ** 2
        between_s = 0.5 * (after[0][0] + after[-1][0] - before[0][0] - before[-1][0])
        sharpness = max(change / max(between_s, 1e-3) / usual, 1e-3)
        span = math.log(STACCATO_SHARPNESS / LEGATO_SHARPNESS)
        return min(1.0, max(-1.0, 2.0 * math.log(sharpness / LEGATO_SHARPNESS) / span - 1.0))


def _slope(points: list[tuple[float, float]]) -> float:
    (t0, y0), (t1, y1) = points[0], points[-1]
    return (y1 - y0) / max(t1 - t0, 1e-3)
