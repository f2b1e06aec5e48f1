"""Fundamental frequency of a short frame by YIN.

A. de Cheveigné and H. Kawahara, *YIN, a fundamental frequency estimator for speech and music*, JASA 111 (2002): the
cumulative mean normalised difference function (their equation 8), the first dip under a threshold (step 4), parabolic
interpolation (step 5). Where a note is held already, its own period is preferred to a longer one of nearly the same
depth (every multiple of a period is one), which is what keeps octaves together from frame to frame.
"""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

THRESHOLD = 0.15
"""A dip so deep is a period."""
MARGIN = 0.12
"""Where none is, the first dip that is nearly as deep as the deepest."""
KEEP = 0.1
"""The period that was held is kept, against a longer one, while its dip is at most this much shallower."""


@dataclass(frozen=True, slots=True)
class PitchEstimate:
    """``pitch`` is a fractional MIDI number; ``aperiodicity`` 0 (periodic) to about 1 (noise)."""

    pitch: float
    aperiodicity: float


class PitchFinder:
    """Finds the pitch of frames of ``size`` samples between two pitches (MIDI numbers)."""

    def __init__(self, rate_hz: float, low_pitch: float, high_pitch: float) -> None:
        self._rate_hz = rate_hz
        self._shortest = max(2, int(rate_hz / _hz(high_pitch + 1.0)))
        self._longest = int(np.ceil(rate_hz / _hz(low_pitch - 1.0))) + 2
        self._window = max(round(0.010 * rate_hz), int(1.4 * self._longest))
        self.size = self._window + self._longest + 1
        self._differences = np.zeros(self._longest + 1)
        self._dips = np.ones(self._longest + 1)
        self.find(np.zeros(self.size, np.float32))  # compiled code is loaded before anybody plays

    def find(self, frame: FloatArray, held: float | None = None) -> PitchEstimate:
        """The pitch of ``frame``; ``held`` is the one of the note that sounds."""
        held_lag = 0.0 if held is None else self._rate_hz / _hz(held)
        lag, dip = _period(frame, self._window, self._shortest, self._differences, self._dips, held_lag)
        return PitchEstimate(69.0 + 12.0 * float(np.log2(self._rate_hz / lag / 440.0)), dip)


def _hz(pitch: float) -> float:
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


@numba.njit(nogil=True, cache=True, fastmath={"contract", "nnan", "nsz", "reassoc"})
def _period(
    frame: FloatArray,
    window: int,
    shortest: int,
    differences: npt.NDArray[np.float64],
    dips: npt.NDArray[np.float64],
    held_lag: float,
) -> tuple[float, float]:
    """The period in samples (interpolated) and the depth of its dip; fills ``differences`` and ``dips``."""
    longest = dips.size - 1
    dips[0] = 1.0
    total = 1e-12
    for lag in range(1, longest + 1):
        difference = np.float32(0.0)  # single precision: twice as many at once
        for i in range(window):
            step = frame[i] - frame[i + lag]
            difference += step * step
        total += float(difference)
        differences[lag] = difference
        dips[lag] = difference * lag / total
    best = shortest
    for lag in range(shortest, longest):
        if dips[lag] < dips[best]:
            best = lag
    deep = max(THRESHOLD, dips[best] + MARGIN)
    for lag in range(shortest, longest):
        if dips[lag] < deep and dips[lag] <= dips[lag + 1]:
            best = lag
            break
    if 0.0 < held_lag < 0.97 * best:
        near = -1
        for lag in range(max(shortest, int(held_lag * 0.97)), min(longest - 1, int(held_lag * 1.03) + 1) + 1):
            if near < 0 or dips[lag] < dips[near]:
                near = lag
        if near > 0 and dips[near] < dips[best] + KEEP and dips[near] < 2.0 * THRESHOLD:
            best = near
    if best <= 1 or best >= longest:
        return float(best), dips[best]
    # The normalised function leans to one side at short periods: the place of the dip is the difference's own.
    before, here, after = differences[best - 1], differences[best], differences[best + 1]
    bend = before - 2.0 * here + after
    shift = 0.5 * (before - after) / bend if bend > 1e-12 else 0.0
    return best + min(1.0, max(-1.0, shift)), dips[best]
