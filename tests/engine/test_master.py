import numpy as np
import pytest

from tutti.engine.audio.master import TruePeakLimiter, true_peak_db

RATE_HZ = 48000


def limited(stereo: np.ndarray, block: int = 256) -> np.ndarray:
    limiter = TruePeakLimiter(RATE_HZ, block)
    blocks = [limiter.process(np.ascontiguousarray(stereo[:, i : i + block])) for i in range(0, stereo.shape[1], block)]
    return np.concatenate(blocks, axis=1)


def music(level: float) -> np.ndarray:
    """Two seconds of pink-like noise with bursts."""
    rng = np.random.default_rng(5)
    spectrum = np.fft.rfft(rng.standard_normal((2, 2 * RATE_HZ + 128)))
    spectrum /= np.sqrt(1.0 + np.arange(spectrum.shape[1]) / 200.0)
    noise = np.fft.irfft(spectrum)[:, : 375 * 256]
    noise *= level / noise.std()
    noise[:, 30000:31000] *= 4.0
    return noise.astype(np.float32)


@pytest.mark.parametrize("level", [0.3, 1.0, 4.0])
def test_true_peak_stays_under_one_db_below_full_scale(level: float) -> None:
    assert true_peak_db(limited(music(level)).T) < -1.0


def test_peaks_between_samples_are_seen() -> None:
    # A quarter of the sampling rate, sampled beside its crests: samples at 0.9, true peak at 1.27.
    tone = 1.2728 * np.sin(np.pi / 2 * np.arange(RATE_HZ) + np.pi / 4)
    stereo = np.stack([tone, tone])[:, : 187 * 256].astype(np.float32)
    assert np.abs(stereo).max() < 0.901
    faded = limited(stereo)[:, 4800:-4800] * np.hanning(187 * 256 - 9600).astype(np.float32)  # cut edges overshoot
    assert true_peak_db(faded.T) == pytest.approx(-1.5, abs=0.2)


def test_what_is_below_the_ceiling_passes_untouched_and_delayed() -> None:
    quiet = music(0.01)
    latency = TruePeakLimiter(RATE_HZ, 256).latency
    assert np.array_equal(limited(quiet)[:, latency:], quiet[:, :-latency])


def test_blocks_make_no_difference() -> None:
    loud = music(1.0)
    assert np.allclose(limited(loud, 256), limited(loud, 128), atol=1e-6)


def test_gain_comes_back_after_a_peak_and_silence_stays_silent() -> None:
    tone = (0.5 * np.sin(2 * np.pi * 300 * np.arange(3 * RATE_HZ) / RATE_HZ)).astype(np.float32)
    tone[10000:10100] *= 8.0
    tone[2 * RATE_HZ :] = 0.0
    out = limited(np.stack([tone, tone])[:, : 560 * 256])
    assert np.abs(out[:, 9900:10300]).max() < 0.85
    assert np.abs(out[:, RATE_HZ + 20000 : RATE_HZ + 40000]).max() == pytest.approx(0.5, rel=0.01)
    assert not out[:, 2 * RATE_HZ + 400 :].any()


def test_the_gain_moves_without_clicks() -> None:
    tone = (0.5 * np.sin(2 * np.pi * 300 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)
    tone[20000:] *= 6.0
    out = limited(np.stack([tone, tone])[:, : 187 * 256])[0]
    bend = np.abs(np.diff(out[22000:], n=2)).max() / (2 * np.pi * 300 / RATE_HZ) ** 2
    assert bend < 1.1
