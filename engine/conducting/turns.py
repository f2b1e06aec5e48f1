"""Where the hand turns, in whatever direction: candidates for beats that have no lowest point.

A beat given to the side, or upwards, has no lowest point, but the hand slows down, turns and leaves. Every stroke also
turns at its top, so that most turns are no beats: ``engine.conducting.beat_hypotheses`` weighs them.
"""

import math
from collections import deque
from dataclasses import dataclass

from ..types import Vector
from .gesture import GestureSample

WINDOW_S = 0.09
"""Velocity is the slope of the hand's places over this time."""
SLOW, FAST = 0.65, 0.3
"""A turn is a lowest speed below this part of the speed before it; it is known when the hand is this much (of the usual
speed) faster again."""
LEAST_SPEED_M_S = 0.05
LEAST_ANGLE_COS = 0.6
"""The hand that goes on in nearly the same direction has only slowed down."""
LANDED_S, LANDS = 0.2, 0.5
"""A hand that rests for so long, and came with at least this part of the usual speed, has landed."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The hand turned at ``time_s``; ``rise`` is the upward part of the change of direction (1 up, −1 down). Or it came
    to rest there, and ``stays``."""

    time_s: float
    known_s: float
    rise: float
    stroke_m: float
    stays: bool = False


class TurnDetector:
    """Finds turns in the smoothed places of the baton. Causal; one thread."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, Vector]] = deque()
        self._usual_m_s = 0.0
        self._falling = self._landed = False
        self._peak_m_s = 0.0
        self._peak: Vector = (0.0, 0.0, 0.0)
        self._low_m_s = math.inf
        self._low_s = 0.0
        self._place: Vector = (0.0, 0.0, 0.0)
        self._from: Vector | None = None

    def step(self, sample: GestureSample, least_m: float) -> Turn | None:
        """Take the next sample; the turn that it made certain, or None. Strokes below ``least_m`` do not count."""
        if sample.gap_s:
            self._recent.clear()
            self._falling, self._peak_m_s, self._from = False, 0.0, None
        self._recent.append((sample.time_s, sample.position_m))
        while len(self._recent) > 3 and sample.time_s - self._recent[1][0] >= WINDOW_S:
            self._recent.popleft()
        if len(self._recent) < 3:
            return None
        time_s, velocity = self._velocity()
        speed = math.hypot(*velocity)
        if not self._falling:
            if speed > self._peak_m_s:
                self._peak_m_s, self._peak = speed, velocity
            elif speed < SLOW * self._peak_m_s and self._peak_m_s > self._least():
                self._falling, self._landed, self._low_m_s = True, False, math.inf
        if self._falling:
            if speed < self._low_m_s:
                self._low_m_s, self._low_s = speed, time_s
                self._place = self._recent[len(self._recent) // 2][1]
            elif speed > self._low_m_s + max(FAST * min(self._usual_m_s, self._peak_m_s), 0.5 * LEAST_SPEED_M_S):
                return self._turned(sample.known_s, speed, velocity, least_m)
            if sample.still_s > LANDED_S and not self._landed:
                self._landed = True
                return self._landing(sample, least_m)
        return None

    def _landing(self, sample: GestureSample, least_m: float) -> Turn | None:
        """The hand rests at the end of a stroke; when it leaves again, it has turned there as well."""
        length = math.dist(self._from or self._place, sample.position_m)
        if length < least_m or self._peak_m_s < LANDS * self._usual_m_s:
            return None
        rise = -self._peak[1] / self._peak_m_s
        return Turn(sample.time_s - sample.still_s, sample.known_s, rise, length, stays=True)

    def _least(self) -> float:
        return max(LEAST_SPEED_M_S, 0.2 * self._usual_m_s)

    def _turned(self, known_s: float, speed: float, velocity: Vector, least_m: float) -> Turn | None:
        before, peak = self._peak, self._peak_m_s
        self._falling, self._peak_m_s, self._peak = False, speed, velocity
        self._usual_m_s += (0.2 if self._usual_m_s else 1.0) * (peak - self._usual_m_s)
        start = self._from or self._place
        length = math.dist(start, self._place)
        if self._from is None or length >= least_m:
            self._from = self._place
        if length < least_m:
            return None
        cosine = sum(a * b for a, b in zip(before, velocity, strict=True)) / max(peak * speed, 1e-9)
        if cosine > LEAST_ANGLE_COS:
            return None
        change = [b / speed - a / peak for a, b in zip(before, velocity, strict=True)]
        return Turn(self._low_s, known_s, change[1] / max(math.hypot(*change), 1e-9), length)

    def _velocity(self) -> tuple[float, Vector]:
        """Slope of the recent places by least squares, and the time in their middle."""
        count = len(self._recent)
        middle = sum(time_s for time_s, _ in self._recent) / count
        spread = sx = sy = sz = 0.0
        for time_s, (x, y, z) in self._recent:
            off = time_s - middle
            spread += off * off
            sx += off * x
            sy += off * y
            sz += off * z
        return middle, (sx / spread, sy / spread, sz / spread)
