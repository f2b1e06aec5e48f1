import numpy as np
import pytest
from soundfont_writer import tone

from tutti.engine.sounds.tuning import measure_pitch


@pytest.mark.parametrize("pitch", [24, 33, 45, 57, 69, 81, 93, 105])
@pytest.mark.parametrize("off_cents", [-38.0, 0.0, 19.0])
@pytest.mark.parametrize("vibrato_cents", [0.0, 20.0])
def test_mistuning_is_found(pitch: int, off_cents: float, vibrato_cents: float) -> None:
    data = tone(pitch + off_cents / 100.0, 1.2, vibrato_cents=vibrato_cents).astype(np.float32)
    measured = measure_pitch(data, 44100.0, pitch)
    assert measured is not None
    assert 100.0 * (measured.pitch - pitch) == pytest.approx(off_cents, abs=1.0)
    if pitch >= 57:
        assert measured.vibrato_cents == pytest.approx(vibrato_cents, abs=2.0)


def test_noise_on_top_does_not_matter() -> None:
    random = np.random.default_rng(1)
    clean = tone(69.13, 1.0)
    noisy = (clean + 0.1 * clean.std() * random.standard_normal(clean.size)).astype(np.float32)
    measured = measure_pitch(noisy, 44100.0, 69.0)
    assert measured is not None
    assert measured.pitch == pytest.approx(69.13, abs=0.01)


def test_missing_fundamental() -> None:
    time_s = np.arange(44100) / 44100.0
    data = np.sum([np.sin(2 * np.pi * k * 111.0 * time_s) for k in range(2, 8)], axis=0).astype(np.float32)
    measured = measure_pitch(data, 44100.0, 45.0)
    assert measured is not None
    assert measured.pitch == pytest.approx(69 + 12 * np.log2(111.0 / 440.0), abs=0.01)


def test_stiff_string_is_tuned_by_its_low_partials() -> None:
    time_s = np.arange(44100) / 44100.0
    partials = [k * np.sqrt((1 + 4e-4 * k * k) / (1 + 4e-4)) for k in range(1, 9)]
    data = np.sum([np.sin(2 * np.pi * 261.63 * r * time_s) * np.exp(-3 * r * time_s) / r for r in partials], axis=0)
    measured = measure_pitch(data.astype(np.float32), 44100.0, 60.0, partials=3)
    assert measured is not None
    assert measured.pitch == pytest.approx(60.0, abs=0.03)


def test_kettledrum_is_tuned_by_its_principal_mode() -> None:
    time_s = np.arange(44100) / 44100.0
    modes = [(1.0, 1.0), (1.504, 1.3), (1.98, 0.6), (2.44, 0.4), (0.82, 0.3)]
    data = np.sum([a * np.sin(2 * np.pi * 110.7 * r * time_s) * np.exp(-4 * time_s) for r, a in modes], axis=0)
    measured = measure_pitch(data.astype(np.float32), 44100.0, 45.0, partials=1)
    assert measured is not None
    assert measured.pitch == pytest.approx(69 + 12 * np.log2(110.7 / 440.0), abs=0.02)


def test_noise_has_no_pitch() -> None:
    noise = np.random.default_rng(2).standard_normal(44100).astype(np.float32)
    assert measure_pitch(noise, 44100.0, 60.0) is None


def test_silence_and_scraps_have_no_pitch() -> None:
    assert measure_pitch(np.zeros(44100, np.float32), 44100.0, 60.0) is None
    assert measure_pitch(np.ones(100, np.float32), 44100.0, 60.0) is None
