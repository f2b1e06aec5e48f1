"""The spectra of real windows, and back, in compiled kernels: one window at a time, sixteen numbers at once.

A window of 2n samples is transformed as n complex numbers, its even and its odd samples (Van Loan, "Computational
Frameworks for the Fast Fourier Transform", SIAM 1992). These stand in rows of ``WIDTH``: the columns are transformed
side by side, turned, transposed, and what were rows are transformed side by side as well (Bailey, "FFTs in External or
Hierarchical Memory", J. Supercomputing 4, 1990); both steps are radix-4 Stockham transforms. All of it stays in the
nearest cache, and nothing is permuted but by that one transposition.

Kernels work on one array, ``work``: at ``x`` and ``y`` begin complex signals, real parts first and ``part_of`` behind
them the imaginary ones. ``Tables`` are a tuple, so that numba knows its members' types.
"""

import numba
import numpy as np
import numpy.typing as npt

from .pyo_block import FloatArray
from .vectors import WIDTH, aligned_zeros, backwards, every_other, in_turn, load, splat, store, transpose

SIZES = (512, 1024, 2048)
"""The lengths of windows that there are kernels for."""
Length = tuple[None, ...]
"""As many times None as there are doublings in n: what the compiler knows of a tuple is how long it is, and so n is a
constant to it."""
Tables = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
"""Twiddles of the columns, those between the steps (halved, which saves halving later), of the rows, and the turns that
join even and odd samples: each real parts, after them imaginary ones."""
_FAST = {"contract"}


def length_of(size: int) -> Length:
    """How kernels are told the length of windows. Raises ``ValueError`` where there is none for it."""
    if size not in SIZES:
        raise ValueError(f"FFT of {size}: there are kernels for {', '.join(map(str, SIZES))}")
    return (None,) * (size.bit_length() - 2)


def tables_of(size: int) -> Tables:
    """What kernels of this length of windows need."""
    n = size // 2
    rows = n // WIDTH
    return (
        _parts(np.arange(rows) / rows),
        _parts(np.outer(np.arange(rows), np.arange(WIDTH)) / n, 0.5),
        _parts(np.arange(WIDTH) / WIDTH),
        _parts(np.arange(n) / size),
    )


def _parts(turns: npt.NDArray[np.float64], factor: float = 1.0) -> FloatArray:
    values = factor * np.exp(-2j * np.pi * turns.ravel())
    table = aligned_zeros(2 * values.size)
    table[: values.size], table[values.size :] = values.real, values.imag
    return table


@numba.njit(nogil=True, inline="always")
def part_of(length: Length) -> int:
    """From a real part to its imaginary one; there is room for one number after n."""
    return (1 << len(length)) + WIDTH


@numba.njit(nogil=True, fastmath=_FAST, inline="always")
def _turned(real, imaginary, by_real, by_imaginary):  # type: ignore[no-untyped-def]
    return real * by_real - imaginary * by_imaginary, real * by_imaginary + imaginary * by_real


@numba.njit(nogil=True, fastmath=_FAST, inline="always")
def _radix4(
    work: FloatArray, x: int, y: int, part: int, apart: int, groups: int, stride: int, twiddles: FloatArray
) -> None:
    """A stage of the transforms of columns of vectors ``apart`` from each other, from ``x`` to ``y``."""
    quarter, beside, size = groups * stride * apart, stride * apart, twiddles.size // 2
    for group in range(groups):
        at = group * stride
        w1r, w1i = splat(twiddles[at]), splat(twiddles[size + at])
        w2r, w2i = splat(twiddles[2 * at]), splat(twiddles[size + 2 * at])
        w3r, w3i = splat(twiddles[3 * at]), splat(twiddles[size + 3 * at])
        for q in range(stride):
            i, j = x + (at + q) * apart, y + (4 * at + q) * apart
            ar, ai = load(work, i), load(work, i + part)
            br, bi = load(work, i + quarter), load(work, i + quarter + part)
            cr, ci = load(work, i + 2 * quarter), load(work, i + 2 * quarter + part)
            dr, di = load(work, i + 3 * quarter), load(work, i + 3 * quarter + part)
            even_r, even_i, odd_r, odd_i = ar + cr, ai + ci, ar - cr, ai - ci
            other_even_r, other_even_i, other_odd_r, other_odd_i = br + dr, bi + di, br - dr, bi - di
            store(work, j, even_r + other_even_r)
            store(work, j + part, even_i + other_even_i)
            first_r, first_i = odd_r + other_odd_i, odd_i - other_odd_r
            second_r, second_i = even_r - other_even_r, even_i - other_even_i
            third_r, third_i = odd_r - other_odd_i, odd_i + other_odd_r
            if groups > 1:  # else all twiddles are 1
                first_r, first_i = _turned(first_r, first_i, w1r, w1i)
                second_r, second_i = _turned(second_r, second_i, w2r, w2i)
                third_r, third_i = _turned(third_r, third_i, w3r, w3i)
            store(work, j + beside, first_r)
            store(work, j + beside + part, first_i)
            store(work, j + 2 * beside, second_r)
            store(work, j + 2 * beside + part, second_i)
            store(work, j + 3 * beside, third_r)
            store(work, j + 3 * beside + part, third_i)


@numba.njit(nogil=True, fastmath=_FAST, inline="always")
def _radix2(work: FloatArray, x: int, y: int, part: int, rows: int) -> None:
    """The last stage of columns of ``rows`` vectors, without twiddles."""
    half = rows // 2 * WIDTH
    for q in range(0, half, WIDTH):
        ar, ai = load(work, x + q), load(work, x + q + part)
        br, bi = load(work, x + q + half), load(work, x + q + half + part)
        store(work, y + q, ar + br)
        store(work, y + q + part, ai + bi)
        store(work, y + q + half, ar - br)
        store(work, y + q + half + part, ai - bi)


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def transform(work: FloatArray, x: int, y: int, tables: Tables, length: Length) -> None:
    """Half the transform of the n complex numbers at ``x``, to ``y``, in order; what is at ``x`` is lost."""
    n, part = 1 << len(length), part_of(length)
    rows, (of_columns, between, of_rows, _) = n // WIDTH, tables
    _radix4(work, x, y, part, WIDTH, rows // 4, 1, of_columns)
    _radix4(work, y, x, part, WIDTH, rows // 16, 4, of_columns)
    done, free = x, y
    if rows == 32:
        _radix2(work, x, y, part, rows)
        done, free = y, x
    elif rows == 64:
        _radix4(work, x, y, part, WIDTH, 1, 16, of_columns)
        done, free = y, x
    for i in range(0, n, WIDTH):
        real, imaginary = load(work, done + i), load(work, done + part + i)
        real, imaginary = _turned(real, imaginary, load(between, i), load(between, n + i))
        store(work, done + i, real)
        store(work, done + part + i, imaginary)
    for tile in range(rows // WIDTH):
        square, column = done + tile * WIDTH * WIDTH, free + tile * WIDTH
        transpose(work, square, WIDTH, work, column, rows)
        transpose(work, square + part, WIDTH, work, column + part, rows)
    for i in range(0, rows, WIDTH):
        _radix4(work, free + i, done + i, part, rows, 4, 1, of_rows)
        _radix4(work, done + i, free + i, part, rows, 1, 4, of_rows)
    if free != y:
        for i in range(0, n, WIDTH):
            store(work, y + i, load(work, free + i))
            store(work, y + part + i, load(work, free + part + i))


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def load_window(row: FloatArray, start: int, work: FloatArray, x: int, y: int, length: Length) -> None:
    """2n samples of a ring's row from ``start`` on, as complex numbers at ``x``; ``y`` is used where the ring ends."""
    n, part = 1 << len(length), part_of(length)
    whole = min(2 * n, row.size - start)
    if whole == 2 * n:
        for j in range(0, n, WIDTH):
            first, second = load(row, start + 2 * j), load(row, start + 2 * j + WIDTH)
            store(work, x + j, every_other(first, second, 0))
            store(work, x + part + j, every_other(first, second, 1))
    else:
        work[y : y + whole] = row[start:]
        work[y + whole : y + 2 * n] = row[: 2 * n - whole]
        for j in range(0, n, WIDTH):
            first, second = load(work, y + 2 * j), load(work, y + 2 * j + WIDTH)
            store(work, x + j, every_other(first, second, 0))
            store(work, x + part + j, every_other(first, second, 1))


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def sound_of(
    spectrum: FloatArray, s: int, work: FloatArray, x: int, y: int, tables: Tables, sound: FloatArray, length: Length
) -> None:
    """The last samples of the 2n whose spectrum, n + 1 numbers, begins at ``s`` of ``spectrum``: as many as ``sound``
    has (a multiple of twice ``WIDTH``), to there.

    Samples come from the transform of swapped parts, which goes backwards.
    """
    n, part, turns = 1 << len(length), part_of(length), tables[3]
    scale = splat(np.float32(1.0 / n))
    for k in range(0, n, WIDTH):
        back = s + n - k - WIDTH + 1
        ar, ai = load(spectrum, s + k), load(spectrum, s + part + k)
        br, bi = backwards(load(spectrum, back)), backwards(load(spectrum, back + part))
        odd_r, odd_i = _turned(ai + bi, ar - br, load(turns, k), load(turns, n + k))  # parts swapped: turns backwards
        store(work, x + k, (ai - bi + odd_i) * scale)
        store(work, x + part + k, (ar + br - odd_r) * scale)
    transform(work, x, y, tables, length)
    first = n - sound.size // 2
    for j in range(0, sound.size, 2 * WIDTH):
        even, odd = load(work, y + part + first + j // 2), load(work, y + first + j // 2)
        store(sound, j, in_turn(even, odd, 0))
        store(sound, j + WIDTH, in_turn(even, odd, 1))
