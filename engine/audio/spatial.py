"""The spatial stage: many mono streams and the directions they come from, summed into two ears.

All sources go through the FFT together, are multiplied by their head-related spectrum and by a real spectrum of their
own (distance, air, directivity, reflection), and are summed before one inverse FFT per ear (overlap-save). Whatever
moves crossfades from the old filters to the new ones, in a time that does not depend on the block, so motion makes
neither clicks nor Doppler shift. Sources that are silent are skipped. The kernels release the GIL.
"""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
import scipy.fft

from .hrtf import HrtfGrid
from .pyo_block import FloatArray

IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class SourceField:
    """Where sources are and how they sound from there; one entry per source.

    ``row`` is the stream of the ring that a source plays, ``delay`` in samples (≥ 0), ``direction`` a row of
    ``HrtfGrid.spectra``, ``response`` (sources, fft_size // 2 + 1) the gain of each frequency. A field that keeps
    the ``row`` and ``delay`` arrays of the one before it (the same objects) is rendered with one set of FFTs.
    """

    row: IntArray
    delay: IntArray
    direction: IntArray
    response: FloatArray


def fft_size_for(block: int) -> int:
    """FFT length that leaves room for a head's filters (some 230 samples) at any block size."""
    return max(512, 1 << (2 * block - 1).bit_length())


class StreamRing:
    """The recent past of many mono streams.

    An odd number of blocks is kept: rows a power of two long would all fall on the same few lines of the processor's
    caches. Writers add into the block that is being made (and up to a block beyond its end); readers look back from it.
    """

    def __init__(self, rows: int, history: int, block: int) -> None:
        self.block = block
        self.samples: FloatArray = np.zeros((rows, (-(-history // block) + 4 | 1) * block), np.float32)
        self.position = 0
        """First sample of the block in the making, counted from the start."""
        self.last_active = np.full(rows, -(1 << 40), np.int64)
        """Position after the last sample of each row that was not silent."""

    def advance(self) -> None:
        """Go on to the next block; what was added beyond the end of the last one is kept."""
        self.position += self.block
        length = self.samples.shape[1]
        start = (self.position + self.block) % length
        first = min(self.block, length - start)
        self.samples[:, start : start + first] = 0.0
        self.samples[:, : self.block - first] = 0.0


class SpatialStage:
    """Renders the sources of a ring for two ears, a block at a time."""

    def __init__(self, grid: HrtfGrid, block: int, fade: int = 256) -> None:
        """``fade`` is how many samples a crossfade takes, a multiple of the block (a block, if that is longer)."""
        if grid.fft_size - grid.taps + 1 < block:
            raise ValueError(f"FFT of {grid.fft_size} is too short for blocks of {block} and filters of {grid.taps}")
        self._grid = grid
        self._block = block
        self._now: SourceField | None = None
        self._next: SourceField | None = None
        self._sum = np.zeros((2, 2, 2, grid.fft_size // 2 + 1), np.float32)
        self._queued: SourceField | None = None
        fade = max(fade, block)
        self._ramp = (np.sin(0.5 * np.pi * (np.arange(fade) + 0.5) / fade) ** 2).astype(np.float32)
        self._faded = 0

    def place(self, field: SourceField) -> None:
        """Where the sources go from the next block on, or after the crossfade that is going on; the same number of
        sources every time."""
        if self._now is None:
            self._now = field
        elif self._next is None or self._faded == 0:
            self._next = field
        else:
            self._queued = field

    def process(self, ring: StreamRing) -> FloatArray:
        """The ears' block, (2, block) float32, for the ring's current block."""
        old, new = self._now, self._next
        if old is None:
            return np.zeros((2, self._block), np.float32)
        ramp = self._ramp[self._faded : self._faded + self._block]
        if new is not None:
            self._faded += self._block
            if self._faded == self._ramp.size:
                self._now, self._next, self._queued, self._faded = new, self._queued, None, 0
        self._sum[:] = 0.0
        active, spectra = self._spectra(ring, old)
        heard = bool(active.size)
        _accumulate(spectra, self._grid.spectra, old.direction, old.response, active, self._sum[0])
        if new is not None:
            if new.delay is not old.delay or new.row is not old.row:
                active, spectra = self._spectra(ring, new)
                heard |= bool(active.size)
            _accumulate(spectra, self._grid.spectra, new.direction, new.response, active, self._sum[1])
        if not heard:
            return np.zeros((2, self._block), np.float32)
        sets = self._sum[: 1 if new is None else 2]
        ears = scipy.fft.irfft(sets[:, :, 0] + 1j * sets[:, :, 1], axis=-1)[..., -self._block :]
        if new is not None:
            return np.asarray(ears[0] + (ears[1] - ears[0]) * ramp, np.float32)
        return np.asarray(ears[0], np.float32)

    def _spectra(self, ring: StreamRing, field: SourceField) -> tuple[IntArray, npt.NDArray[np.complex64]]:
        """The sources that are not silent, and the spectra of their windows."""
        size = self._grid.fft_size
        end = ring.position + ring.block
        active = np.flatnonzero(end - field.delay - size < ring.last_active[field.row]).astype(np.int32)
        windows = np.empty((active.size, size), np.float32)
        _gather(ring.samples, field.row, field.delay, active, end, windows)
        return active, scipy.fft.rfft(windows, axis=1) if active.size else np.zeros((0, size // 2 + 1), np.complex64)


@numba.njit(nogil=True, cache=True)
def _gather(
    samples: FloatArray, row: IntArray, delay: IntArray, active: IntArray, end: int, windows: FloatArray
) -> None:
    """The last ``windows.shape[1]`` samples of each active source up to ``end`` less its delay."""
    length, size = samples.shape[1], windows.shape[1]
    for n in range(active.size):
        source = active[n]
        start = (end - delay[source] - size) % length
        first = min(size, length - start)
        windows[n, :first] = samples[row[source], start : start + first]
        windows[n, first:] = samples[row[source], : size - first]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _accumulate(
    spectra: npt.NDArray[np.complex64],
    grid: FloatArray,
    direction: IntArray,
    response: FloatArray,
    active: IntArray,
    total: FloatArray,
) -> None:
    """``total`` += source spectrum × response × head, real arithmetic on split parts so that it vectorises."""
    bins = spectra.shape[1]
    real = np.empty(bins, np.float32)
    imaginary = np.empty(bins, np.float32)
    for n in range(active.size):
        source = active[n]
        for k in range(bins):
            gain = response[source, k]
            real[k] = spectra[n, k].real * gain
            imaginary[k] = spectra[n, k].imag * gain
        head = grid[direction[source]]
        for ear in range(2):
            for k in range(bins):
                total[ear, 0, k] += real[k] * head[ear, 0, k] - imaginary[k] * head[ear, 1, k]
                total[ear, 1, k] += real[k] * head[ear, 1, k] + imaginary[k] * head[ear, 0, k]
