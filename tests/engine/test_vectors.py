"""The vector type of compiled kernels, and the transform that is made of it."""

import numba
import numpy as np
import pytest

from tutti.engine.audio.real_transform import SIZES, length_of, load_window, sound_of, tables_of, transform
from tutti.engine.audio.vectors import (
    WIDTH,
    aligned_zeros,
    backwards,
    every_other,
    in_turn,
    load,
    splat,
    store,
    transpose,
)


@numba.njit
def _everything(source: np.ndarray, target: np.ndarray) -> None:
    first, second = load(source, 0), load(source, WIDTH)
    store(target, 0, (first + second) * splat(np.float32(2.0)) - first)
    store(target, WIDTH, backwards(first))
    store(target, 2 * WIDTH, every_other(first, second, 0))
    store(target, 3 * WIDTH, every_other(first, second, 1))
    store(target, 4 * WIDTH, in_turn(first, second, 0))
    store(target, 5 * WIDTH, in_turn(first, second, 1))


def test_numbers_are_where_they_should_be() -> None:
    source = np.arange(2 * WIDTH, dtype=np.float32)
    target = np.zeros(6 * WIDTH, np.float32)
    _everything(source, target)
    first, second = source[:WIDTH], source[WIDTH:]
    turns = np.stack([first, second], axis=1).ravel()
    expected = [first + 2 * second, first[::-1], source[::2], source[1::2], turns[:WIDTH], turns[WIDTH:]]
    assert np.array_equal(target, np.concatenate(expected))


def test_a_square_is_transposed_into_another_and_in_place() -> None:
    @numba.njit
    def turn(source: np.ndarray, target: np.ndarray) -> None:
        transpose(source, 3, 40, target, 5, 20)

    source, target = np.arange(3 + 40 * WIDTH, dtype=np.float32), np.zeros(5 + 20 * WIDTH, np.float32)
    turn(source, target)
    square = source[3:].reshape(WIDTH, 40)[:, :WIDTH]
    assert np.array_equal(target[5:].reshape(WIDTH, 20)[:, :WIDTH], square.T)
    assert not target[:5].any() and not target[5:].reshape(WIDTH, 20)[:, WIDTH:].any()


def test_memory_for_vectors_begins_with_a_line_of_the_caches() -> None:
    for size in (1, 100, 4097):
        memory = aligned_zeros(size)
        assert memory.size == size and memory.ctypes.data % 64 == 0 and not memory.any()


@pytest.mark.parametrize("size", SIZES)
def test_spectra_are_those_of_numpy_and_go_back(size: int) -> None:
    random = np.random.default_rng(size)
    n, length, tables = size // 2, length_of(size), tables_of(size)
    part = n + WIDTH
    work, row = aligned_zeros(4 * part), random.standard_normal(3 * size).astype(np.float32)
    for start in (0, 77, 3 * size - 100):  # the last goes round the ring's end
        load_window(row, start, work, 0, 2 * part, length)
        transform(work, 0, 2 * part, tables, length)
        window = row[(start + np.arange(size)) % row.size].astype(float)
        expected = 0.5 * np.fft.fft(window[::2] + 1j * window[1::2])
        found = work[2 * part : 2 * part + n] + 1j * work[3 * part : 3 * part + n]
        assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()

    spectrum, sound = aligned_zeros(2 * part), np.zeros(size - 64, np.float32)
    known = np.fft.rfft(random.standard_normal(size))
    spectrum[: n + 1], spectrum[part : part + n + 1] = known.real, known.imag
    sound_of(spectrum, 0, work, 0, 2 * part, tables, sound, length)
    assert np.abs(sound - np.fft.irfft(known)[64:]).max() < 2e-6
