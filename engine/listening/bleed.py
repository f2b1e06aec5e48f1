"""What of a microphone's sound is the orchestra's own, heard back from loudspeakers or open headphones.

The orchestra's output is known. For each band the share of it that comes back is followed by minimum statistics (after
R. Martin, *Noise power spectral density estimation based on optimal smoothing and minimum statistics*, IEEE Trans.
Speech Audio Process. 9, 2001): a performer only adds to what leaks, so the smallest ratio that was seen lately is
the leak. What it predicts is subtracted from the microphone's spectrum.
"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

REACH_S = 0.25
"""The longest way from the output's sample to the microphone's: device, air, and the room's ring."""
SMOOTHING_S = 0.04
RISE_DB_PER_S = 3.0
OVERSUBTRACTION = 4.0
"""Power: a leak fluctuates by some decibels around its mean."""
SILENT = np.float32(1e-10)
"""Power of the reference under which nothing can be learned (−100 dB)."""
UNKNOWN_LEAK = np.float32(4.0)
"""Before anything was learned the whole orchestra may come back, and louder."""


class BleedGate:
    """Subtracts from band spectra of a microphone what the reference explains. One frame each ``hop_s``."""

    def __init__(self, bands: int, hop_s: float) -> None:
        frames = max(1, round(REACH_S / hop_s))
        self._past = np.zeros((frames, bands), np.float32)
        self._leak = np.full(bands, UNKNOWN_LEAK, np.float32)
        self._smooth = np.zeros(bands, np.float32)
        self._keep = np.float32(np.exp(-hop_s / SMOOTHING_S))
        self._rise = np.float32(10.0 ** (RISE_DB_PER_S * hop_s / 10.0))
        self._next = 0

    @property
    def leak_db(self) -> float:
        """The leak of the middle band, in decibels: what is known of the way from output to microphone."""
        return float(10.0 * np.log10(np.median(self._leak) + 1e-12))

    def step(self, heard: FloatArray, reference: FloatArray) -> FloatArray:
        """The magnitudes that are the performer's, (bands,), of a microphone's and the output's at the same time."""
        self._past[self._next] = reference * reference
        self._next = (self._next + 1) % len(self._past)
        power = heard * heard
        self._smooth += (np.float32(1.0) - self._keep) * (power - self._smooth)
        source = self._past.max(axis=0)
        known = source > SILENT
        ratio = self._smooth / np.maximum(source, SILENT)
        self._leak[known] = np.minimum(np.minimum(self._leak * self._rise, UNKNOWN_LEAK), ratio)[known]
        predicted = np.float32(OVERSUBTRACTION) * self._leak * source
        return np.sqrt(np.maximum(power - np.where(known, predicted, np.float32(0.0)), np.float32(0.0)))
