"""Takes what loudspeakers play out of what a microphone hears, while somebody plays in front of both.

A partitioned-block frequency-domain Kalman filter: F. Kuech, E. Mabande and G. Enzner, *State-space architecture of the
partitioned-block-based acoustic echo controller*, ICASSP 2014. It models the way from output to microphone as a slowly
changing response and weighs each step by how much of the error is somebody's playing, so that no detector of
double-talk is needed.
"""

import numpy as np
import numpy.typing as npt
import scipy.fft

FloatArray = npt.NDArray[np.float32]

TRANSITION = 0.9995
"""How much of the response stays from block to block."""
SMOOTHING = 0.8
INITIAL_VARIANCE = 1.0
TINY = 1e-10


class EchoCanceller:
    """Mono; blocks of ``block`` samples; a response of ``taps`` samples at most. Not thread-safe."""

    def __init__(self, block: int, taps: int) -> None:
        self._block = block
        partitions, bins = -(-taps // block), block + 1
        self._spectra = np.zeros((partitions, bins), np.complex128)
        self._response = np.zeros((partitions, bins), np.complex128)
        decay = np.exp(-np.arange(partitions) * 3.0 / partitions)[:, None]
        self._variance = np.full((partitions, bins), INITIAL_VARIANCE) * decay
        self._others = np.full(bins, TINY)
        self._before = np.zeros(block)

    def process(self, heard: FloatArray, reference: FloatArray) -> FloatArray:
        """The block (block,) without the echo of ``reference``, which was played at the same time or before."""
        block = self._block
        window = np.concatenate([self._before, reference])
        self._before = window[block:]
        self._spectra[1:] = self._spectra[:-1]
        self._spectra[0] = scipy.fft.rfft(window)
        spectra = self._spectra
        echo = scipy.fft.irfft((spectra * self._response).sum(axis=0))[block:]
        error = heard - echo
        error_spectrum = scipy.fft.rfft(np.concatenate([np.zeros(block), error]))
        self._others = SMOOTHING * self._others + (1.0 - SMOOTHING) * np.abs(error_spectrum) ** 2
        power = np.abs(spectra) ** 2
        expected = 0.5 * (power * self._variance).sum(axis=0) + 2.0 * self._others + TINY
        step = self._variance / expected
        change = scipy.fft.irfft(step * spectra.conj() * error_spectrum, axis=1)
        change[:, block:] = 0.0  # each partition is a block long
        kept = TRANSITION * TRANSITION
        self._response = TRANSITION * (self._response + scipy.fft.rfft(change, axis=1))
        self._variance = kept * np.maximum(1.0 - 0.5 * step * power, 0.0) * self._variance
        self._variance += (1.0 - kept) * np.abs(self._response) ** 2
        return np.asarray(error, np.float32)
