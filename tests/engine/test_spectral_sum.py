import numpy as np
import pytest

from tutti.engine.audio.real_transform import SIZES
from tutti.engine.audio.spectral_sum import SpectralSum


@pytest.mark.parametrize("size", SIZES)
def test_the_sum_is_that_of_transforms_one_by_one(size: int) -> None:
    random = np.random.default_rng(size)
    bins, sources, length = size // 2 + 1, 37, 3 * size + 256
    samples = random.standard_normal((sources, length)).astype(np.float32)
    heads = random.standard_normal((7, 2, 2, bins)).astype(np.float32)
    heads[..., 1, [0, -1]] = 0.0  # as of any real filter
    row = random.permutation(sources).astype(np.int32)
    delay = random.integers(0, length - size, sources).astype(np.int32)
    group = random.integers(0, 3, sources).astype(np.int32)
    end = 5 * length + 300
    last_active = np.full(sources, end, np.int64)
    last_active[row[4]] = 0  # silent for long
    filters = tuple(
        (
            random.integers(0, 7, sources).astype(np.int32),
            random.uniform(0.1, 2.0, (sources, bins)).astype(np.float32),
            random.uniform(0.5, 2.0, (sources, 2)).astype(np.float32),
        )
        for _ in range(2)
    )
    sums = SpectralSum(heads, 3)
    assert sums.add(samples, np.full(sources, length), last_active, end, row, delay, group, filters)

    expected = np.zeros((2, 3, 2, bins), complex)
    for source in range(sources):
        if source == 4:
            continue
        places = (end - delay[source] - size + np.arange(size)) % length
        spectrum = np.fft.rfft(samples[row[source], places].astype(float))
        for number, (direction, response, ears) in enumerate(filters):
            head = heads[direction[source], :, 0] + 1j * heads[direction[source], :, 1]
            expected[number, group[source]] += ears[source][:, None] * head * spectrum * response[source]
    error = np.abs(sums.spectra[..., 0, :] + 1j * sums.spectra[..., 1, :] - expected).max()
    assert error < 2e-6 * np.abs(expected).max()

    block, ramp = size // 2 - 64, np.linspace(0.0, 1.0, size // 2 - 64, dtype=np.float32)
    ears = np.fft.irfft(expected)[..., -block:].reshape(2, 6, block)
    for sound, wanted in (
        (sums.sound(block), ears[0]),
        (sums.sound(block, ramp), ears[0] + ramp * (ears[1] - ears[0])),
    ):
        assert sound.dtype == np.float32
        assert np.abs(sound - wanted).max() < 2e-6 * np.abs(ears).max()


def test_ears_that_hear_alike_are_not_weighed() -> None:
    random = np.random.default_rng(4)
    samples = random.standard_normal((5, 2048)).astype(np.float32)
    heads = random.standard_normal((3, 2, 2, 257)).astype(np.float32)
    row, nothing, active = np.arange(5, dtype=np.int32), np.zeros(5, np.int32), np.full(5, 600)
    response, ones = random.uniform(0.1, 2.0, (5, 257)).astype(np.float32), np.ones((5, 2), np.float32)
    heard = []
    for ears in ((None, None), (ones, ones), (ones, None)):
        sums = SpectralSum(heads)
        filters = tuple((np.full(5, number, np.int32), response, gains) for number, gains in enumerate(ears))
        assert sums.add(samples, np.full(len(samples), 2048), active, 600, row, nothing, nothing, filters)
        heard.append(sums.spectra.copy())
    assert np.array_equal(heard[0], heard[1]) and np.array_equal(heard[0], heard[2])


def test_sums_of_fields_can_be_added_one_by_one() -> None:
    random = np.random.default_rng(5)
    samples = random.standard_normal((2, 2048)).astype(np.float32)
    sums = SpectralSum(random.standard_normal((3, 2, 2, 257)).astype(np.float32))
    row, nothing, active = np.arange(2, dtype=np.int32), np.zeros(2, np.int32), np.full(2, 600)
    filters = [(np.full(2, field, np.int32), np.ones((2, 257), np.float32), None) for field in range(2)]
    sums.add(samples, np.full(len(samples), 2048), active, 600, row, nothing, nothing, tuple(filters))
    together = sums.spectra.copy()
    sums.clear()
    for field in range(2):
        sums.add(samples, np.full(len(samples), 2048), active, 600, row, nothing, nothing, (filters[field],), field)
    assert np.array_equal(sums.spectra, together)


def test_silence_adds_nothing() -> None:
    heads = np.ones((1, 2, 2, 257), np.float32)
    nothing = np.zeros(3, np.int32)
    filters = ((nothing, np.ones((3, 257), np.float32), None),)
    sums = SpectralSum(heads)
    quiet = np.full(3, -(1 << 40), np.int64)
    samples = np.ones((3, 2048), np.float32)
    row = np.arange(3, dtype=np.int32)
    assert not sums.add(samples, np.full(3, 2048), quiet, 256, row, nothing, nothing, filters)
    assert not sums.spectra.any()


def test_a_length_without_a_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="512, 1024, 2048"):
        SpectralSum(np.ones((1, 2, 2, 129), np.float32))
