"""A hand's way cut into movements: what a cue, a raise or a cut-off is recognised from.

A movement runs from one minimum of speed to the next (submovements of reaching: Meyer et al., Psychological Review 95,
1988): a flick, a stroke of the beat, the raising of the hand, a loop are one each.
"""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from ..types import Pose, Vector
from .gesture import GestureFilter, GestureSample

BASELINE_S = 0.033
"""Velocity is measured over at least this time."""
KEPT_S = 3.0
SLOWEST_M_S = 0.15
"""A hand that is slower rests, or drifts."""
TREMBLE_M = 0.025
"""A movement that leads no further than this does not end a rest."""
REST_SHARE = 0.6
"""A movement is over when the speed is below this part of the speed at which movements begin,"""
DIP_SHARE = 0.45
"""or when it fell to this part of its peak,"""
RISE_SHARE = 1.3
"""and has risen by this factor since."""
MIRROR_S = 1.2
"""How much of both hands' way is compared to tell whether one follows the other."""
MIRROR_LAGS_S = (-0.06, 0.0, 0.04, 0.08, 0.12)
_GRID_S = 0.025


@dataclass(frozen=True, slots=True)
class Movement:
    """From one minimum of speed to the next. ``known_s`` is when its end was certain.

    ``turning_rad`` is how far the direction turned in all, in the frontal or the horizontal plane, whichever is more:
    a straight stroke has 0, a circle 2π.
    """

    start_s: float
    end_s: float
    known_s: float
    start_m: Vector
    end_m: Vector
    peak_m_s: float
    path_m: float
    turning_rad: float
    rested_s: float
    """How long the hand had rested before."""

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    @property
    def displacement_m(self) -> Vector:
        (x0, y0, z0), (x1, y1, z1) = self.start_m, self.end_m
        return (x1 - x0, y1 - y0, z1 - z0)


class HandTracker:
    """Position, velocity and movements of one device. Causal; one thread; a few microseconds a step."""

    def __init__(self) -> None:
        self._filter = GestureFilter()
        self.way: deque[tuple[float, float, float, float]] = deque()
        """``time_s, x, y, z`` of the last few seconds, smoothed."""
        self.sample: GestureSample | None = None
        self.velocity_m_s: Vector = (0.0, 0.0, 0.0)
        self.speed_m_s = 0.0
        self.least_m_s = SLOWEST_M_S
        """The speed at which a movement begins: more where the tracking is noisy."""
        self.moving: _Moving | None = None
        """The movement under way."""
        self._over: _Moving | None = None
        self.rested_s = 0.0
        """How long the hand had rested when the movement under way, or the last one, began."""
        self._still_since_s = 0.0

    @property
    def time_s(self) -> float:
        return -math.inf if self.sample is None else self.sample.time_s

    @property
    def latest(self) -> "_Moving | None":
        """The movement under way, or the one that came to rest with the latest sample."""
        return self.moving or self._over

    @property
    def trembles(self) -> bool:
        """Whether the movement under way leads nowhere."""
        return self.moving is not None and self.moving.path_m < TREMBLE_M

    def step(self, pose: Pose) -> Movement | None:
        """Take the next pose; the movement whose end it made certain, or None."""
        self._over = None
        sample = self._filter.step(pose)
        if sample is None:
            return None
        if sample.gap_s or self.sample is None:
            self.way.clear()
            self.moving = None
            self._still_since_s = sample.time_s
        self.sample = sample
        self.way.append((sample.time_s, *sample.position_m))
        while self.way[0][0] < sample.time_s - KEPT_S:
            self.way.popleft()
        self.least_m_s = max(SLOWEST_M_S, 0.05 + 100.0 * sample.noise_m)
        if not self._measure(sample):
            return None
        return self._follow(sample)

    def _measure(self, sample: GestureSample) -> bool:
        for earlier in reversed(self.way):
            span_s = sample.time_s - earlier[0]
            if span_s >= BASELINE_S:
                x, y, z = sample.position_m
                self.velocity_m_s = ((x - earlier[1]) / span_s, (y - earlier[2]) / span_s, (z - earlier[3]) / span_s)
                self.speed_m_s = math.hypot(*self.velocity_m_s)
                return True
        return False

    def _follow(self, sample: GestureSample) -> Movement | None:
        speed = self.speed_m_s
        if self.moving is None:
            if speed > self.least_m_s:
                self.rested_s = sample.time_s - self._still_since_s
                self.moving = _Moving.begin(sample, self.velocity_m_s)
            return None
        moving = self.moving
        moving.add(sample, self.velocity_m_s)
        over = speed < REST_SHARE * self.least_m_s
        dipped = moving.low_m_s < DIP_SHARE * moving.peak_m_s and speed > max(
            RISE_SHARE * moving.low_m_s, self.least_m_s
        )
        if not over and not dipped:
            return None
        movement = moving.end(sample, self.rested_s)
        if math.dist(movement.start_m, movement.end_m) > TREMBLE_M or movement.path_m > 2 * TREMBLE_M:
            self._still_since_s = movement.end_s
        self.moving, self._over = None, moving
        if dipped:
            self.rested_s = 0.0
            self.moving = _Moving.begin(sample, self.velocity_m_s)
        return movement


class _Moving:
    """A movement under way."""

    def __init__(self, sample: GestureSample, velocity: Vector) -> None:
        self.start_s, self.start_m = sample.time_s, sample.position_m
        self.path_m = 0.0
        self.peak_m_s = self.low_m_s = math.hypot(*velocity)
        self.peak_s = self.low_s = sample.time_s
        self.low_m = self._latest_m = sample.position_m
        self._latest_s = sample.time_s
        self._velocity = velocity
        self._frontal = self._level = 0.0

    @classmethod
    def begin(cls, sample: GestureSample, velocity: Vector) -> "_Moving":
        return cls(sample, velocity)

    @property
    def turning_rad(self) -> float:
        return max(abs(self._frontal), abs(self._level))

    def add(self, sample: GestureSample, velocity: Vector) -> None:
        self.path_m += math.dist(sample.position_m, self._latest_m)
        self._latest_m, self._latest_s = sample.position_m, sample.time_s
        before, self._velocity = self._velocity, velocity
        self._frontal += _turn(before[0], before[1], velocity[0], velocity[1])
        self._level += _turn(before[0], before[2], velocity[0], velocity[2])
        speed = math.hypot(*velocity)
        if speed > self.peak_m_s:
            self.peak_m_s, self.peak_s = speed, sample.time_s
            self.low_m_s, self.low_s, self.low_m = speed, sample.time_s, sample.position_m
        elif speed < self.low_m_s:
            self.low_m_s, self.low_s, self.low_m = speed, sample.time_s, sample.position_m

    def end(self, sample: GestureSample, rested_s: float) -> Movement:
        """At the lowest speed since the peak."""
        return Movement(
            start_s=self.start_s,
            end_s=self.low_s,
            known_s=sample.known_s,
            start_m=self.start_m,
            end_m=self.low_m,
            peak_m_s=self.peak_m_s,
            path_m=self.path_m,
            turning_rad=self.turning_rad,
            rested_s=rested_s,
        )


def _turn(x0: float, y0: float, x1: float, y1: float) -> float:
    """The signed angle from one velocity to the next in a plane; slow ones turn by chance and count 0."""
    if x0 * x0 + y0 * y0 < 0.01 or x1 * x1 + y1 * y1 < 0.01:
        return 0.0
    return math.atan2(x0 * y1 - y0 * x1, x0 * x1 + y0 * y1)


def likeness(hand: HandTracker, beating: HandTracker, until_s: float, window_s: float = MIRROR_S) -> float:
    """How much of the hand's motion before ``until_s`` is the beating hand's, parallel or mirrored, 0–1.

    The share of the variance of velocity that one gain per axis and one lag explain. 0 where the hand was at rest.
    """
    grid = np.arange(until_s - window_s, until_s + 1e-9, _GRID_S)
    own = _velocities(hand, grid)
    if own is None:
        return 0.0
    energy = float((own**2).sum())
    if energy < len(grid) * hand.least_m_s**2 * 0.15:
        return 0.0
    best = 0.0
    for lag_s in MIRROR_LAGS_S:
        other = _velocities(beating, grid - lag_s)
        if other is None:
            continue
        power = np.maximum((other**2).sum(axis=1), 1e-4)
        explained = float(((own * other).sum(axis=1) ** 2 / power).sum())
        best = max(best, explained / energy)
    return best


def _velocities(hand: HandTracker, grid: np.ndarray) -> np.ndarray | None:
    """Velocity on a grid of times, shape ``(3, n)``, less its mean; None where the way is not known."""
    if len(hand.way) < 4 or hand.way[0][0] > grid[len(grid) // 2]:
        return None
    way = np.array(hand.way)
    places = np.stack([np.interp(grid, way[:, 0], way[:, axis]) for axis in (1, 2, 3)])
    velocity: np.ndarray = np.gradient(places, _GRID_S, axis=1)
    return velocity - velocity.mean(axis=1, keepdims=True)
