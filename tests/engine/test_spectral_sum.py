import numpy as np
import pytest

from tutti.engine.audio.spectral_sum import LANES, LENGTHS, SpectralSum


@pytest.mark.parametrize("size", LENGTHS)
def test_the_sum_is_that_of_transforms_one_by_one(size: int) -> None:
    random = np.random.default_rng(size)
    bins, sources, length = size // 2 + 1, 2 * LANES + 5, 3 * size + 256
    samples = random.standard_normal((sources, length)).astype(np.float32)
    heads = random.standard_normal((7, 2, 2, bins)).astype(np.float32)
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
    total = np.zeros((2, 3, 2, 2, bins), np.float32)
    assert SpectralSum(heads).add(samples, last_active, end, row, delay, group, filters, total)

    expected = np.zeros((2, 3, 2, bins), complex)
    for source in range(sources):
        if source == 4:
            continue
        places = (end - delay[source] - size + np.arange(size)) % length
        spectrum = np.fft.rfft(samples[row[source], places].astype(float))
        for number, (direction, response, ears) in enumerate(filters):
            head = heads[direction[source], :, 0] + 1j * heads[direction[source], :, 1]
            expected[number, group[source]] += ears[source][:, None] * head * spectrum * response[source]
    error = np.abs(total[..., 0, :] + 1j * total[..., 1, :] - expected).max()
    assert error < 2e-6 * np.abs(expected).max()


def test_silence_adds_nothing() -> None:
    heads = np.ones((1, 2, 2, 257), np.float32)
    nothing = np.zeros(3, np.int32)
    filters = ((nothing, np.ones((3, 257), np.float32), np.ones((3, 2), np.float32)),)
    total = np.zeros((1, 1, 2, 2, 257), np.float32)
    quiet = np.full(3, -(1 << 40), np.int64)
    samples = np.ones((3, 2048), np.float32)
    row = np.arange(3, dtype=np.int32)
    assert not SpectralSum(heads).add(samples, quiet, 256, row, nothing, nothing, filters, total)
    assert not total.any()


def test_a_length_without_a_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="512, 1024, 2048"):
        SpectralSum(np.ones((1, 2, 2, 129), np.float32))
