"""Measurements of sound, against signals whose values are known."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tutti.studio.measure import FLOOR_DB, measure_wav


def write(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, samples, 48000, subtype="FLOAT")
    return path


def test_a_full_scale_sine_in_one_ear_is_about_minus_3_lufs(tmp_path: Path) -> None:
    """BS.1770: a 997 Hz sine at 0 dBFS in one front channel reads −3.01 LKFS."""
    t = np.arange(5 * 48000) / 48000
    sine = np.sin(2 * np.pi * 997 * t)
    measured = measure_wav(write(tmp_path / "a.wav", np.stack([sine, 0 * sine], axis=1)))
    assert measured.loudness_lufs == pytest.approx(-3.01, abs=0.1)
    assert measured.true_peak_dbfs == pytest.approx(0.0, abs=0.05)
    assert measured.level_db[10] == pytest.approx(-6.02, abs=0.05)


def test_a_peak_between_the_samples_is_seen(tmp_path: Path) -> None:
    """A quarter-rate sine sampled at 45° never shows its peak: 3 dB hide between the samples."""
    n = np.arange(48000)
    sine = np.sin(np.pi / 2 * n + np.pi / 4)
    measured = measure_wav(write(tmp_path / "b.wav", np.stack([sine, sine], axis=1)))
    assert np.abs(sine).max() == pytest.approx(0.7071, abs=1e-3)
    assert measured.true_peak_dbfs == pytest.approx(0.0, abs=0.3)


def test_silence_has_no_loudness(tmp_path: Path) -> None:
    measured = measure_wav(write(tmp_path / "c.wav", np.zeros((48000, 2))))
    assert measured.loudness_lufs is None
    assert (measured.level_db == FLOOR_DB).all()
    assert measured.clipped_samples == 0
