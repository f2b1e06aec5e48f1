"""The baton's poses made fit for analysis: cleaned, thinned to at most 250 Hz and lightly smoothed.

Every stage that looks at gesture (ictus, tempo, dynamics) has a ``GestureFilter`` of its own and feeds it the same
poses, so that each can be used alone.
"""

import math
from dataclasses import dataclass

from ..types import Pose, Vector

MIN_STEP_S = 0.004
"""Samples that come closer are averaged."""
SMOOTHING_S = 0.015
"""Time constant of the one-pole smoothing; its delay is taken off the time stamps."""
TELEPORT_M_S = 25.0
"""No hand is faster (a baton's tip in a violent beat: about 12 m/s); such samples are tracking errors."""
TELEPORT_PATIENCE_S = 0.15
"""If the tracking insists on the new place for this long, the hand is there."""
GAP_S = 0.35
"""Tracking that was silent for longer than this was lost."""
STILL_RADIUS_M = (0.007, 0.015)
"""A hand that stays within this distance of a point is still: at least, and at most, by the tracking's noise."""

STILL_DRIFT_M_S = 0.03
"""The point may drift this fast: a standing person sways."""


@dataclass(frozen=True, slots=True)
class GestureSample:
    """A smoothed sample of the baton. ``time_s`` is when the hand was there, ``known_s`` when that was known.

    ``gap_s`` is the time without tracking before it (0 where there was none), ``still_s`` how long the
    hand has rested.
    """

    time_s: float
    known_s: float
    position_m: Vector
    gap_s: float
    still_s: float
    noise_m: float
    """Standard deviation of the tracking noise that the smoothing left, as estimated so far."""


class GestureFilter:
    """Cleans a stream of poses of one device. Causal; one thread.

    Dropped are invalid and non-finite samples, samples whose stamp does not advance, and teleports.
    """

    def __init__(self) -> None:
        self._known_s = -math.inf
        self._out_s = -math.inf
        self._smooth: Vector | None = None
        self._pending: list[tuple[float, Vector]] = []
        self._delay_s = 0.0
        self._stray_since_s: float | None = None
        self._anchor: Vector = (0.0, 0.0, 0.0)
        self._anchor_s = 0.0
        self._recent: list[tuple[float, float]] = []
        self._noise_m = 0.003

    def step(self, pose: Pose) -> GestureSample | None:
        """The new smoothed sample, or None where the pose brought nothing."""
        time_s, place = pose.time_s, pose.position_m
        if not pose.valid or not math.isfinite(time_s + place[0] + place[1] + place[2]) or time_s <= self._known_s:
            return None
        if self._smooth is not None and self._teleported(time_s, place):
            return None
        self._pending.append((time_s, place))
        if time_s - self._known_s < MIN_STEP_S:
            return None
        time_s, place = self._merge()
        return self._advance(time_s, place)

    def _teleported(self, time_s: float, place: Vector) -> bool:
        assert self._smooth is not None
        reach = TELEPORT_M_S * (time_s - self._known_s) + 0.1
        if math.dist(place, self._smooth) <= reach:
            self._stray_since_s = None
            return False
        if self._stray_since_s is None:
            self._stray_since_s = time_s
        if time_s - self._stray_since_s < TELEPORT_PATIENCE_S:
            return True
        self._stray_since_s = None
        self._smooth = None
        return False

    def _merge(self) -> tuple[float, Vector]:
        pending, self._pending = self._pending, []
        if len(pending) == 1:
            return pending[0]
        count = len(pending)
        x, y, z = (sum(place[axis] for _, place in pending) / count for axis in range(3))
        return sum(time_s for time_s, _ in pending) / count, (x, y, z)

    def _advance(self, time_s: float, place: Vector) -> GestureSample | None:
        step_s = time_s - self._known_s
        gap_s = step_s if GAP_S < step_s < math.inf else 0.0
        self._known_s = time_s
        if self._smooth is None or gap_s:
            self._smooth, self._delay_s = place, 0.0
        else:
            gain = 1.0 - math.exp(-step_s / SMOOTHING_S)
            sx, sy, sz = self._smooth
            x, y, z = place
            self._smooth = (sx + gain * (x - sx), sy + gain * (y - sy), sz + gain * (z - sz))
            delay_s = step_s * (1.0 - gain) / gain
            self._delay_s += 0.2 * (delay_s - self._delay_s)
        out_s = time_s - self._delay_s
        if out_s <= self._out_s:
            return None
        self._out_s = out_s
        self._learn_noise(out_s, self._smooth[1])
        radius = min(max(STILL_RADIUS_M[0], 6.0 * self._noise_m), STILL_RADIUS_M[1])
        away = math.dist(self._smooth, self._anchor)
        if gap_s or away > radius:
            self._anchor, self._anchor_s = self._smooth, out_s
        elif away > 0.0:
            part = min(1.0, STILL_DRIFT_M_S * step_s / away)
            (ax, ay, az), (x, y, z) = self._anchor, self._smooth
            self._anchor = (ax + part * (x - ax), ay + part * (y - ay), az + part * (z - az))
        return GestureSample(out_s, time_s, self._smooth, gap_s, out_s - self._anchor_s, self._noise_m)

    def _learn_noise(self, time_s: float, height_m: float) -> None:
        """From how far heights lie off the line between their neighbours; quiet moments count more."""
        self._recent = [*self._recent[-2:], (time_s, height_m)]
        if len(self._recent) < 3:
            return
        (t0, y0), (t1, y1), (t2, y2) = self._recent
        off = abs(y1 - y0 - (y2 - y0) * (t1 - t0) / (t2 - t0))
        self._noise_m += (0.02 if off > self._noise_m else 0.04) * (min(off, 0.02) - self._noise_m)
