"""Many streams through their heads in one kernel: windows → spectra → times response and head → sums for two ears.

Sixteen sources go through the transform side by side, one to a lane of the vector unit (a radix-4 Stockham transform of
the window's even and odd samples as one complex signal; Van Loan, "Computational Frameworks for the Fast Fourier
Transform", SIAM 1992), and are multiplied and summed before the next sixteen come: what lies between never leaves the
processor's nearest caches.

The compiler vectorises a loop over several arrays only where few of them might overlap. So real and imaginary parts,
and the ears of a head, lie in one array at distances that are constants, and there is one kernel for each FFT length.
"""

import numba
import numpy as np
import numpy.typing as npt

from .pyo_block import FloatArray

LANES = 16
LENGTHS = (512, 1024, 2048)
"""The FFT lengths that there are kernels for."""
Length = tuple[None, ...]
"""As many times None as there are doublings in half the FFT length: what the compiler knows of a tuple is how long it
is, and so it knows the constants."""
_FAST = {"contract", "reassoc", "nsz", "arcp"}


@numba.njit(nogil=True, fastmath=_FAST, inline="always")
def _radix4(x: FloatArray, y: FloatArray, twiddles: FloatArray, n: int, groups: int, stride: int) -> None:
    """A stage of the transform of length ``n``, from ``x`` to ``y``: real parts, after them imaginary ones, (n, LANES)
    each. ``groups`` × 4 × ``stride`` = ``n``."""
    part, apart, beside = n * LANES, stride * groups * LANES, stride * LANES
    for group in range(groups):
        w1r, w1i = twiddles[group * stride], twiddles[n + group * stride]
        w2r, w2i = twiddles[2 * group * stride], twiddles[n + 2 * group * stride]
        w3r, w3i = twiddles[3 * group * stride], twiddles[n + 3 * group * stride]
        source, target = stride * group * LANES, 4 * stride * group * LANES
        for q in range(stride * LANES):
            i, j = source + q, target + q
            sum_r, sum_i = x[i] + x[i + 2 * apart], x[i + part] + x[i + 2 * apart + part]
            odd_r, odd_i = x[i] - x[i + 2 * apart], x[i + part] - x[i + 2 * apart + part]
            other_sum_r, other_sum_i = x[i + apart] + x[i + 3 * apart], x[i + apart + part] + x[i + 3 * apart + part]
            other_odd_r, other_odd_i = x[i + apart] - x[i + 3 * apart], x[i + apart + part] - x[i + 3 * apart + part]
            y[j] = sum_r + other_sum_r
            y[j + part] = sum_i + other_sum_i
            real, imaginary = odd_r + other_odd_i, odd_i - other_odd_r
            y[j + beside] = real * w1r - imaginary * w1i
            y[j + beside + part] = real * w1i + imaginary * w1r
            real, imaginary = sum_r - other_sum_r, sum_i - other_sum_i
            y[j + 2 * beside] = real * w2r - imaginary * w2i
            y[j + 2 * beside + part] = real * w2i + imaginary * w2r
            real, imaginary = odd_r - other_odd_i, odd_i + other_odd_r
            y[j + 3 * beside] = real * w3r - imaginary * w3i
            y[j + 3 * beside + part] = real * w3i + imaginary * w3r


@numba.njit(nogil=True, fastmath=_FAST, inline="always")
def _radix2(x: FloatArray, y: FloatArray, n: int) -> None:
    """The last stage of a transform of length ``n``, without twiddles."""
    part, half = n * LANES, n // 2 * LANES
    for q in range(half):
        y[q], y[q + part] = x[q] + x[q + half], x[q + part] + x[q + half + part]
        y[q + half], y[q + half + part] = x[q] - x[q + half], x[q + part] - x[q + half + part]


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _transform(x: FloatArray, y: FloatArray, twiddles: FloatArray, length: Length) -> FloatArray:
    """Which of the two the result is in; both are overwritten."""
    n = 1 << len(length)
    _radix4(x, y, twiddles, n, n // 4, 1)
    _radix4(y, x, twiddles, n, n // 16, 4)
    _radix4(x, y, twiddles, n, n // 64, 16)
    _radix4(y, x, twiddles, n, n // 256, 64)
    result = x
    if n == 512:
        _radix2(x, y, n)
        result = y
    elif n == 1024:
        _radix4(x, y, twiddles, n, 1, 256)
        result = y
    return result


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _load(row: FloatArray, start: int, x: FloatArray, lane: int, length: Length) -> None:
    """A window of a ring's row as even and odd samples of a lane."""
    n, end = 1 << len(length), row.size
    whole = min(n, (end - start) // 2)
    for j in range(whole):
        x[j * LANES + lane] = row[start + 2 * j]
        x[(n + j) * LANES + lane] = row[start + 2 * j + 1]
    for j in range(whole, n):
        x[j * LANES + lane] = row[(start + 2 * j) % end]
        x[(n + j) * LANES + lane] = row[(start + 2 * j + 1) % end]


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _unpack(x: FloatArray, lane: int, turns: FloatArray, spectrum: FloatArray, length: Length) -> None:
    """The spectrum of a lane's real window, (2 × bins), from the transform of its even and odd samples."""
    n, half = 1 << len(length), np.float32(0.5)
    bins, part = n + 1, n * LANES
    spectrum[0], spectrum[bins] = x[lane] + x[lane + part], np.float32(0.0)
    spectrum[n], spectrum[bins + n] = x[lane] - x[lane + part], np.float32(0.0)
    for k in range(1, n):
        i, j = k * LANES + lane, (n - k) * LANES + lane
        even_r, even_i = x[i] + x[j], x[i + part] - x[j + part]
        odd_r, odd_i = x[i + part] + x[j + part], x[j] - x[i]
        spectrum[k] = half * (even_r + odd_r * turns[k] - odd_i * turns[bins + k])
        spectrum[bins + k] = half * (even_i + odd_r * turns[bins + k] + odd_i * turns[k])


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _add(
    spectrum: FloatArray, head: FloatArray, response: FloatArray, ears: FloatArray, total: FloatArray, length: Length
) -> None:
    """``total`` += spectrum × response × head; ``ears`` weighs them, left and right."""
    bins, left, right = (1 << len(length)) + 1, ears[0], ears[1]
    for k in range(bins):
        real, imaginary = spectrum[k] * response[k], spectrum[bins + k] * response[k]
        total[k] += left * (real * head[k] - imaginary * head[bins + k])
        total[bins + k] += left * (real * head[bins + k] + imaginary * head[k])
        total[2 * bins + k] += right * (real * head[2 * bins + k] - imaginary * head[3 * bins + k])
        total[3 * bins + k] += right * (real * head[3 * bins + k] + imaginary * head[2 * bins + k])


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _sum_spectra(
    samples: FloatArray,
    last_active: npt.NDArray[np.int64],
    end: int,
    row: npt.NDArray[np.int32],
    delay: npt.NDArray[np.int32],
    group: npt.NDArray[np.int32],
    heads: FloatArray,
    old_direction: npt.NDArray[np.int32],
    old_response: FloatArray,
    old_ears: FloatArray,
    new_direction: npt.NDArray[np.int32],
    new_response: FloatArray,
    new_ears: FloatArray,
    work: FloatArray,
    twiddles: FloatArray,
    turns: FloatArray,
    total: FloatArray,
    length: Length,
) -> bool:
    size, period, fields = 2 << len(length), samples.shape[1], total.shape[0]
    spectrum = work[2]
    active = np.empty(LANES, np.int64)
    heard, source = False, 0
    while source < row.size:
        lanes = 0
        while source < row.size and lanes < LANES:
            if end - delay[source] - size < last_active[row[source]]:
                active[lanes] = source
                _load(samples[row[source]], (end - delay[source] - size) % period, work[0], lanes, length)
                lanes += 1
            source += 1
        if lanes == 0:
            break
        heard = True
        transformed = _transform(work[0], work[1], twiddles, length)
        for lane in range(lanes):
            n_th = active[lane]
            _unpack(transformed, lane, turns, spectrum, length)
            head, response = heads[old_direction[n_th]], old_response[n_th]
            _add(spectrum, head, response, old_ears[n_th], total[0, group[n_th]], length)
            if fields == 2:
                head, response = heads[new_direction[n_th]], new_response[n_th]
                _add(spectrum, head, response, new_ears[n_th], total[1, group[n_th]], length)
    return heard


class SpectralSum:
    """Sums what sources of a ring give to two ears, as spectra of the ring's last ``size`` samples. Not thread-safe."""

    def __init__(self, heads: FloatArray) -> None:
        """``heads`` (directions, 2 ears, 2 parts, size // 2 + 1) as ``HrtfGrid.spectra`` has them. Raises
        ``ValueError`` for another size than those of ``LENGTHS``."""
        bins = heads.shape[3]
        self.size = 2 * (bins - 1)
        if self.size not in LENGTHS:
            raise ValueError(f"FFT of {self.size}: there are kernels for {', '.join(map(str, LENGTHS))}")
        self._heads = np.ascontiguousarray(heads, np.float32).reshape(len(heads), 4 * bins)
        self._length: Length = (None,) * ((bins - 1).bit_length() - 1)
        half = np.arange(bins - 1)
        self._twiddles = _parts(np.exp(-2j * np.pi * half / (bins - 1)))
        self._turns = _parts(np.exp(-1j * np.pi * np.arange(bins) / (bins - 1)))
        self._work = np.zeros((3, LANES * self.size), np.float32)

    def add(
        self,
        samples: FloatArray,
        last_active: npt.NDArray[np.int64],
        end: int,
        row: npt.NDArray[np.int32],
        delay: npt.NDArray[np.int32],
        group: npt.NDArray[np.int32],
        filters: tuple[tuple[npt.NDArray[np.int32], FloatArray, FloatArray], ...],
        total: FloatArray,
    ) -> bool:
        """Add to ``total`` (fields, groups, 2 ears, 2 parts, bins) what the sources give; whether any sounds.

        ``samples`` (rows, length) is a ring's memory, ``end`` the position after its current block. For each source:
        the ``row`` and ``delay`` it plays, its ``group``; and in one or two sets of ``filters`` (``fields``) the row
        of ``heads``, its response (sources, bins) and the gains of its ears (sources, 2).
        """
        old, new = filters[0], filters[-1]
        flat = total.reshape(total.shape[0], total.shape[1], -1)
        return bool(
            _sum_spectra(
                samples, last_active, end, row, delay, group, self._heads, *old, *new,
                self._work, self._twiddles, self._turns, flat, self._length,
            )
        )  # fmt: skip


def _parts(values: npt.NDArray[np.complex128]) -> FloatArray:
    """Real parts, after them the imaginary ones."""
    return np.concatenate([values.real, values.imag]).astype(np.float32)
