"""The last stage before ears: a look-ahead limiter that keeps the true peak under a ceiling.

True peak is read from the signal oversampled four times (ITU-R BS.1770-5, annex 2). The gain that a peak needs is
reached before it arrives: the smallest gain over the look-ahead is held, and its mean over the same time is
applied, which can never exceed what any sample in between allows. Below the ceiling the signal passes untouched,
silence included.
"""

import numba
import numpy as np
import numpy.typing as npt
import scipy

from ..units import db_to_gain
from .pyo_block import FloatArray

OVERSAMPLING = 4
_TAPS = 16
"""Taps of each phase of the interpolator (the recommendation has 12)."""


class TruePeakLimiter:
    """Stereo-linked; adds ``latency`` samples of delay. Not thread-safe."""

    def __init__(
        self,
        rate_hz: int,
        block: int,
        ceiling_db: float = -1.5,
        lookahead_s: float = 0.0015,
        release_s: float = 0.15,
    ) -> None:
        self._window = max(8, round(lookahead_s * rate_hz))
        self.latency = self._window - 1 + _TAPS // 2
        self._ceiling = db_to_gain(ceiling_db)
        self._recovery = 1.0 - float(np.exp(-1.0 / (release_s * rate_hz)))
        self._phases = _interpolators()
        self._reach = max(1.0, float(np.abs(self._phases).sum(axis=1).max()))
        self._audio = np.zeros((2, self.latency + _TAPS + block), np.float32)
        self._needed = np.ones(self._window - 1 + block)
        self._held = np.ones(self._window - 1 + block)
        self._gain = 1.0
        self.smallest_gain = 1.0
        """The least gain applied in the last block, for meters."""

    def process(self, stereo: FloatArray) -> FloatArray:
        """A block, (2, block) in and out, ``latency`` samples later."""
        block = stereo.shape[1]
        self._audio[:, :-block] = self._audio[:, block:]
        self._audio[:, -block:] = stereo
        self._needed[:-block] = self._needed[block:]
        self._held[:-block] = self._held[block:]
        result = np.empty((2, block), np.float32)
        self._gain, self.smallest_gain = _limit(
            self._audio,
            self._needed,
            self._held,
            self._phases,
            self._reach,
            self._window,
            self._ceiling,
            self._recovery,
            self._gain,
            result,
        )
        return result


def _interpolators() -> FloatArray:
    """Filters for the places between samples, (OVERSAMPLING − 1, taps): a windowed sinc."""
    places = np.arange(1, OVERSAMPLING) / OVERSAMPLING
    offsets = np.arange(_TAPS) - _TAPS // 2 + places[:, None]
    filters = np.sinc(offsets) * np.i0(5.0 * np.sqrt(np.maximum(0.0, 1.0 - (2.0 * offsets / _TAPS) ** 2)))
    return np.asarray(filters / filters.sum(axis=1, keepdims=True), np.float32)


@numba.njit(nogil=True, cache=True, fastmath={"contract", "nnan", "nsz"})
def _limit(
    audio: FloatArray,
    needed: npt.NDArray[np.float64],
    held: npt.NDArray[np.float64],
    phases: FloatArray,
    reach: float,
    window: int,
    ceiling: float,
    recovery: float,
    gain: float,
    result: FloatArray,
) -> tuple[float, float]:
    """Fill ``result``; returns the recovering gain and the least gain applied.

    ``reach`` is how far above samples the curve between them can come.
    """
    block = result.shape[1]
    taps = phases.shape[1]
    newest = audio.shape[1] - block
    start = newest - taps // 2 - (window - 1)
    rests = gain == 1.0 and needed.min() == 1.0 and held.min() == 1.0
    if rests:
        largest = np.float32(0.0)
        for channel in range(2):
            for i in range(newest - taps, audio.shape[1]):
                largest = max(largest, abs(audio[channel, i]))
        if largest * reach <= ceiling:  # whatever the curve does between samples
            needed[window - 1 :] = 1.0
            held[window - 1 :] = 1.0
            result[:] = audio[:, start : start + block]
            return gain, 1.0
    peaks = np.zeros(block, np.float32)
    between = np.empty(block, np.float32)
    for channel in range(2):
        # The samples themselves, half a filter back, and the curve between each and the one before.
        for i in range(block):
            peaks[i] = max(peaks[i], abs(audio[channel, newest + i - taps // 2]))
        for phase in range(phases.shape[0]):
            between[:] = 0.0
            for tap in range(taps):
                weight = phases[phase, tap]
                for i in range(block):
                    between[i] += weight * audio[channel, newest + i - tap]
            for i in range(block):
                peaks[i] = max(peaks[i], abs(between[i]))
    if rests and peaks.max() <= ceiling:
        needed[window - 1 :] = 1.0
        held[window - 1 :] = 1.0
        result[:] = audio[:, start : start + block]
        return gain, 1.0
    least = 1.0
    for i in range(block):
        peak = peaks[i]
        needed[window - 1 + i] = min(1.0, ceiling / peak) if peak > ceiling else 1.0
        smallest = 1.0
        for k in range(i, i + window):
            smallest = min(smallest, needed[k])
        gain = min(smallest, gain + (1.0 - gain) * recovery)
        if gain > 0.999999:
            gain = min(smallest, 1.0)
        held[window - 1 + i] = gain
        mean = 0.0
        for k in range(i, i + window):
            mean += held[k]
        mean /= window
        least = min(least, mean)
        for channel in range(2):
            result[channel, i] = audio[channel, start + i] * mean
    return gain, least


def true_peak_db(stereo: FloatArray) -> float:
    """True peak of audio (samples, channels) in dB relative to full scale; −inf for silence."""
    oversampled = scipy.signal.resample_poly(stereo, OVERSAMPLING, 1, axis=0)
    peak = float(np.abs(oversampled).max(initial=0.0))
    return 20.0 * float(np.log10(peak)) if peak > 0.0 else -float("inf")
