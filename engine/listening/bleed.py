"""What of a microphone's sound may be the orchestra's own, heard back from loudspeakers or open headphones.

The orchestra's output is known. For each band the share of it that comes back is followed by minimum statistics (after
R. Martin, *Noise power spectral density estimation based on optimal smoothing and minimum statistics*, IEEE Trans.
Speech Audio Process. 9, 2001): a performer only adds to what leaks, so the smallest ratio that was seen lately is
the leak, and the median over the bands is what is typical. What may be left of it after the canceller (``echo``) is
subtracted from the spectrum.
"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

REACH_S = 0.25
"""The longest way from the output's sample to the microphone's: device, air, and the room's ring."""
SMOOTHING_S = 0.02
RISE_DB_PER_S = 0.5
OVERSUBTRACTION = 4.0
"""Power: a leak fluctuates by some decibels around its mean."""
SILENT = np.float32(1e-9)
"""Power of the reference in a band under which nothing can be learned (−90 dB)."""
UNKNOWN_LEAK = np.float32(1.0)
"""Before anything was learned the whole orchestra may come back."""
ECHO_REMAINS = np.float32(0.7)
"""Power: of what the canceller took out of a band so much may be left, as far as it knows."""
TRUSTED = np.float32(0.5)
"""Where the canceller took out less than this part of the power that may return, it does not know the way yet."""


class BleedGate:
    """Subtracts from band spectra of a microphone what the reference explains. One frame each ``hop_s``."""

    def __init__(self, bands: int, hop_s: float) -> None:
        frames = max(2, round(REACH_S / hop_s))
        self._played = np.zeros((frames, bands), np.float32)
        self._heard = np.zeros((frames, bands), np.float32)
        self._leak = np.full(bands, UNKNOWN_LEAK, np.float32)
        self._learned = np.zeros(bands, bool)
        self._smooth = np.zeros(bands, np.float32)
        self._keep = np.float32(np.exp(-hop_s / SMOOTHING_S))
        self._rise = np.float32(10.0 ** (RISE_DB_PER_S * hop_s / 10.0))
        self._oldest = 0

    @property
    def leak_db(self) -> float:
        """The leak in the middle of the bands, in decibels: what is known of the way from output to microphone."""
        return float(10.0 * np.log10(self._typical() + 1e-12))

    def _typical(self) -> float:
        learned = self._leak[self._learned]
        return float(np.median(learned)) if learned.size else float(UNKNOWN_LEAK)

    def step(self, heard: FloatArray, played: FloatArray, residual: FloatArray, echo: FloatArray) -> FloatArray:
        """The magnitudes that are the performer's, (bands,).

        ``heard`` is the microphone's, ``played`` the output's at the same time, ``residual`` what the canceller left of
        the microphone and ``echo`` what it took out.
        """
        self._smooth += (np.float32(1.0) - self._keep) * (heard * heard - self._smooth)
        # What was played a reach ago has come back by now, if it does.
        source = self._played[self._oldest].copy()
        self._heard[self._oldest] = self._smooth
        self._played[self._oldest] = played * played
        self._oldest = (self._oldest + 1) % len(self._played)
        known = source > SILENT
        ratio = self._heard.max(axis=0) / np.maximum(source, SILENT)
        self._leak[known] = np.minimum(np.minimum(self._leak * self._rise, UNKNOWN_LEAK), ratio)[known]
        self._learned |= known
        # A band's own leak is often one of its neighbour's skirts: what is typical of all is the safer guess.
        returning = np.float32(OVERSUBTRACTION * self._typical()) * self._played.max(axis=0)
        cancelled = echo * echo
        left = np.where(
            cancelled > TRUSTED * returning, ECHO_REMAINS * cancelled, np.float32(OVERSUBTRACTION) * returning
        )
        return np.sqrt(np.maximum(residual * residual - left, np.float32(0.0)))
