"""A pointing hand made steady: the One Euro filter.

Géry Casiez, Nicolas Roussel and Daniel Vogel, "1€ Filter: A Simple Speed-based Low-pass Filter for Noisy Input in
Interactive Systems", CHI 2012: a low-pass whose cutoff grows with the speed, so that a resting hand does not tremble
and a fast one is not late.
"""

import math

import numpy as np

from ..types import Vector

MIN_CUTOFF_HZ = 1.5
SPEED_CUTOFF_HZ = 1.0
"""Cutoff of the estimate of speed, as the paper has it."""
BETA = 12.0
"""Hz of cutoff that each rad/s of turning adds."""
FORGET_S = 0.3
"""After a gap so long the filter begins anew."""


class SteadyDirection:
    """Steadies the direction of one ray. One thread."""

    def __init__(self) -> None:
        self._time_s: float | None = None
        self._value = np.zeros(3)
        self._speed = np.zeros(3)

    def step(self, time_s: float, direction: Vector) -> Vector:
        """The steady direction for a sample at ``time_s``, a unit vector."""
        raw = np.asarray(direction, float)
        length = float(np.linalg.norm(raw))
        if length < 1e-9:
            return (0.0, 1.0, 0.0)
        raw = raw / length
        if self._time_s is None or not 0.0 <= time_s - self._time_s < FORGET_S:
            self._value, self._speed = raw, np.zeros(3)
        elif time_s > self._time_s:
            dt_s = time_s - self._time_s
            self._speed = self._speed + _share(SPEED_CUTOFF_HZ, dt_s) * ((raw - self._value) / dt_s - self._speed)
            cutoff_hz = MIN_CUTOFF_HZ + BETA * float(np.linalg.norm(self._speed))
            self._value = self._value + _share(cutoff_hz, dt_s) * (raw - self._value)
            self._value = self._value / np.linalg.norm(self._value)
        self._time_s = time_s
        x, y, z = self._value
        return (float(x), float(y), float(z))


def _share(cutoff_hz: float, dt_s: float) -> float:
    """How much of a new sample a first-order low-pass takes."""
    return 1.0 / (1.0 + 1.0 / (2.0 * math.pi * cutoff_hz * dt_s))
