"""Where the hand marks a beat: candidates for an ictus, from the baton's position and acceleration.

An ictus is a lowest point of the hand, sharpened by an upward acceleration. Which of the candidates are beats of the
score, and which are rebounds or flourishes, is for ``engine.conducting.tempo`` to weigh: this stage only leaves out
what is surely noise.
"""

import math
from collections import deque

import numpy as np

from ..types import Beat, Pose, TempoEstimate
from .gesture import GestureFilter, GestureSample

LEAST_STROKE_M = 0.02
"""Movements smaller than this are no beats, however calm the tracking is."""
RISE_OF_STROKE = 0.07
"""A lowest point counts once the hand has risen by this part of the usual stroke."""
FALL_OF_STROKE = 0.10
"""And after it had fallen by this part."""
REST_S = 0.25
"""A hand that was still for this long starts anew: what follows may be a preparatory beat."""
SWAY_OF_USUAL = 0.12
"""Strokes slower than this part of the usual speed are sway."""
FIT_S = 0.045
"""Half width of the parabola fitted around the lowest point."""
HISTORY = 400


class IctusDetector:
    """Finds icti in the poses of the baton. Causal; one thread; a few microseconds a step.

    The lowest point is known after the hand has risen a little, 30 to 90 ms later (``Beat.detected_s``).
    """

    def __init__(self) -> None:
        self._filter = GestureFilter()
        self._history: deque[tuple[float, float]] = deque(maxlen=HISTORY)
        self._falling = False
        self._top = -math.inf
        self._low = math.inf
        self._low_s = 0.0
        self._top_s = 0.0
        self._usual_m_s = 0.0
        self._stroke_m = 0.25
        self._strokes = 0
        self._acceleration = 0.0
        self._noise_m = 0.002
        self._rest: GestureSample | None = None
        self._lifted = False

    def step(self, pose: Pose, tempo: TempoEstimate | None) -> Beat | None:
        """Take the next pose; the ictus that it made certain, or None.

        ``tempo`` is the latest estimate: its ``beat_index`` numbers the ictus, and before the first beat (None)
        leaving a rest upwards is reported as the preparatory beat.
        """
        if pose.device != "baton":
            return None
        sample = self._filter.step(pose)
        if sample is None:
            return None
        if sample.gap_s:
            self._begin(sample)
        y = sample.position_m[1]
        self._history.append((sample.time_s, y))
        self._noise_m = min(sample.noise_m, 0.05 * self._stroke_m)
        lift = self._preparation(sample) if tempo is None else None
        if self._falling:
            if y < self._low:
                self._low, self._low_s = y, sample.time_s
            elif y > self._low + min(self._threshold(RISE_OF_STROKE), self._least_rise()):
                if self._sways(sample):
                    self._falling, self._top, self._top_s = False, y, sample.time_s
                    return None
                return self._lowest_point(sample, tempo)
        else:
            if y >= self._top:
                self._top, self._top_s = y, sample.time_s
            if y < self._top - self._threshold(FALL_OF_STROKE):
                self._falling, self._low, self._low_s = True, y, sample.time_s
        return lift

    def _begin(self, sample: GestureSample) -> None:
        """Forget the stroke that a gap in the tracking has cut."""
        self._history.clear()
        self._falling, self._top = False, sample.position_m[1]
        self._rest = None

    def _threshold(self, part: float) -> float:
        return max(min(LEAST_STROKE_M, 0.2 * self._stroke_m), part * self._stroke_m, 5.5 * self._noise_m, 0.006)

    def _sways(self, sample: GestureSample) -> bool:
        """A body that sways has lowest points, too, but comes to them and leaves them far slower than a beat does."""
        fall_m_s = (self._top - self._low) / max(self._low_s - self._top_s, 1e-3)
        rise_m_s = (sample.position_m[1] - self._low) / max(sample.time_s - self._low_s, 1e-3)
        if max(fall_m_s, rise_m_s) < SWAY_OF_USUAL * self._usual_m_s:
            return True
        self._usual_m_s += (0.15 if self._usual_m_s else 1.0) * (fall_m_s - self._usual_m_s)
        return False

    def _least_rise(self) -> float:
        """A small stroke is over after a small rise, whatever the strokes before were like."""
        return max(0.2 * (self._top - self._low), 4.0 * self._noise_m, 0.006)

    def _preparation(self, sample: GestureSample) -> Beat | None:
        """Leaving a rest upwards, before anything was beaten."""
        if sample.still_s >= REST_S:
            self._rest, self._lifted = sample, False
            self._falling, self._top = False, sample.position_m[1]
            return None
        if self._rest is None or self._lifted or self._falling:
            return None
        rise = sample.position_m[1] - self._rest.position_m[1]
        if rise < max(LEAST_STROKE_M, 6.0 * sample.noise_m):
            return None
        self._lifted = True
        return Beat(self._rest.time_s, sample.known_s, -1, rise, 0.5)

    def _lowest_point(self, sample: GestureSample, tempo: TempoEstimate | None) -> Beat:
        stroke = self._top - self._low
        time_s, acceleration = self._fit()
        part = min(1.0, stroke / self._stroke_m)
        if self._strokes == 0:
            self._stroke_m, self._acceleration = max(stroke, LEAST_STROKE_M), acceleration
        else:
            gain = 0.25 if part > 0.4 else 0.02
            self._stroke_m = max(LEAST_STROKE_M, self._stroke_m + gain * (min(stroke, 1.5) - self._stroke_m))
            self._acceleration += gain * (acceleration - self._acceleration)
        self._strokes += 1
        sharp = min(1.0, acceleration / self._acceleration) if self._acceleration > 0 else 0.0
        index = -1 if tempo is None else tempo.beat_index + 1
        beat = Beat(time_s, sample.known_s, index, stroke, max(0.0, min(1.0, 0.6 * part + 0.4 * sharp)))
        self._falling, self._top = False, sample.position_m[1]
        return beat

    def _fit(self) -> tuple[float, float]:
        """Time of the lowest point and acceleration there (m/s²), by a parabola through the samples around it."""
        near = [(t - self._low_s, y) for t, y in self._history if abs(t - self._low_s) <= FIT_S]
        if len(near) < 4:
            after = [(t - self._low_s, y) for t, y in self._history if t > self._low_s][:1]
            before = [(t - self._low_s, y) for t, y in self._history if t < self._low_s][-1:]
            near = [*before, (0.0, self._low), *after]
        if len(near) < 3:
            return self._low_s, 0.0
        times, heights = np.array(near).T
        curve, slope, _ = np.polyfit(times, heights, 2)
        if curve <= 0.0:
            return self._low_s, 0.0
        return self._low_s + float(np.clip(-slope / (2 * curve), times[0], times[-1])), float(2 * curve)
