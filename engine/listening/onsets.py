"""How much new there is in the spectrum from frame to frame.

S. Böck and G. Widmer, *Maximum filter vibrato suppression for onset detection*, DAFx 2013 (SuperFlux): the positive
difference of a logarithmic spectrum to the maximum over neighbouring bands of an earlier one, so that a tone that
sways in pitch is not taken for a new one.
"""

import numpy as np
import numpy.typing as npt
import scipy.fft

FloatArray = npt.NDArray[np.float32]

BANDS_PER_OCTAVE = 24
LOWEST_HZ, HIGHEST_HZ = 60.0, 11000.0
REACH = 2
"""Neighbouring bands on each side over which the earlier spectrum's maximum is taken."""
COMPRESSION = 1000.0
"""Magnitudes relative to full scale are multiplied with this before the logarithm: −60 dB counts as small."""


class BandSpectrum:
    """Magnitudes of a frame in bands of a quarter tone, relative to a sine of full scale."""

    def __init__(self, rate_hz: float, size: int) -> None:
        self._window = np.hanning(size + 1)[:size].astype(np.float32)
        self._scale = np.float32(2.0 / self._window.sum())
        bins_hz = np.arange(size // 2 + 1) * rate_hz / size
        octaves = np.log2(min(HIGHEST_HZ, 0.48 * rate_hz) / LOWEST_HZ)
        edges_hz = LOWEST_HZ * 2.0 ** (np.arange(int(octaves * BANDS_PER_OCTAVE)) / BANDS_PER_OCTAVE)
        bins = np.unique(np.round(edges_hz / rate_hz * size).astype(int))
        bins = bins[bins > 0]
        self.centres_hz = bins_hz[bins]
        self._first = bins
        self._last = np.append(bins[1:], bins[-1] + 1)

    def of(self, frame: FloatArray) -> FloatArray:
        """(bands,): the largest magnitude in each."""
        magnitudes = np.abs(scipy.fft.rfft(frame * self._window)) * self._scale
        return np.maximum.reduceat(magnitudes, np.append(self._first, self._last[-1]))[:-1].astype(np.float32)


class SpectralFlux:
    """Novelty of band spectra, one by one; ``lag`` is how many frames back the comparison is."""

    def __init__(self, bands: int, lag: int) -> None:
        self._past = np.zeros((lag, bands), np.float32)

    def step(self, magnitudes: FloatArray) -> float:
        """The mean rise over the bands, in natural-logarithm units."""
        logs = np.log1p(np.float32(COMPRESSION) * magnitudes)
        earlier = self._past[0]
        padded = np.concatenate([earlier[:1].repeat(REACH), earlier, earlier[-1:].repeat(REACH)])
        highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * REACH + 1).max(axis=1)
        self._past[:-1] = self._past[1:]
        self._past[-1] = logs
        return float(np.maximum(logs - highest, 0.0).mean())
