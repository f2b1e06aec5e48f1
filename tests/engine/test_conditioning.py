import numpy as np
import pytest
from soundfont_writer import looped_tone, tone

from tutti.engine.sounds.conditioning import Recording, condition, peak_level_db, seamless_loop, sustained_level_db
from tutti.engine.sounds.sound_set import LOOP_PADDING

RATE_HZ = 44100.0


def ensemble(seconds: float, seed: int = 0) -> np.ndarray:
    """Players a few cents apart: a sound that never repeats."""
    random = np.random.default_rng(seed)
    return np.sum([tone(60.0 + random.normal(0, 0.08), seconds) for _ in range(6)], axis=0).astype(np.float32) / 6


@pytest.mark.parametrize("seed", range(4))
def test_loop_of_an_ensemble_neither_clicks_nor_dips(seed: int) -> None:
    raw = ensemble(2.5, seed)
    looped = seamless_loop(raw, 30000, 91234, RATE_HZ)
    assert looped is not None
    data, start, end = looped
    played = np.concatenate([data[:end], data[start:end], data[start:end]])
    bend = np.abs(np.diff(played, 2))
    raw_click = np.abs(np.diff(np.concatenate([raw[:91234], raw[30000:40000]]), 2))
    at_seam = bend[end - 4 : end + 4].max()
    assert at_seam <= 1.2 * np.quantile(bend, 0.999)
    assert raw_click[91234 - 4 : 91234 + 4].max() > 0
    level = np.sqrt(np.convolve(played**2, np.ones(1500) / 1500, "valid"))
    usual = np.median(level)
    around = level[end - 6000 : end + 6000]
    quietest_elsewhere = level[start : end - 8000].min()
    assert around.min() > min(0.6 * usual, 0.9 * quietest_elsewhere)


def test_data_goes_on_past_the_loop_as_the_loop_would() -> None:
    looped = seamless_loop(ensemble(2.0), 20000, 60000, RATE_HZ)
    assert looped is not None
    data, start, end = looped
    padding = data.size - end
    assert padding >= LOOP_PADDING * (end - start)
    assert np.array_equal(data[end:], data[start : start + padding])


def test_loop_of_whole_periods_keeps_its_waveform() -> None:
    sample = looped_tone(69.0)
    raw = sample.data.astype(np.float32)
    looped = seamless_loop(raw, *sample.loop, RATE_HZ)
    assert looped is not None
    data, _, end = looped
    assert np.max(np.abs(data[:end] - raw[:end])) < 0.05 * np.abs(raw).max()


def test_single_cycle_loop_is_written_out() -> None:
    raw = tone(69.0, 0.5).astype(np.float32)
    looped = seamless_loop(raw, 4000, 4100, RATE_HZ)
    assert looped is not None
    _, start, end = looped
    assert start == 4000
    assert end - start >= 0.2 * RATE_HZ
    assert (end - start) % 100 == 0


@pytest.mark.parametrize(("start", "end"), [(100, 100), (100, 103)])
def test_empty_loop_is_no_loop(start: int, end: int) -> None:
    assert seamless_loop(np.ones(1000, np.float32), start, end, RATE_HZ) is None


def test_silent_loop_is_no_loop() -> None:
    assert seamless_loop(np.zeros(1000, np.float32), 100, 900, RATE_HZ) is None


def test_levels_are_k_weighted() -> None:
    time_s = np.arange(44100) / RATE_HZ
    sine = np.sin(2 * np.pi * 997.0 * time_s).astype(np.float32)
    assert sustained_level_db(sine, RATE_HZ) == pytest.approx(-3.01 + 0.69, abs=0.1)  # BS.1770: +0.691 dB at 997 Hz
    low = np.sin(2 * np.pi * 20.0 * time_s).astype(np.float32)
    assert sustained_level_db(low, RATE_HZ) < -12.0
    burst = np.concatenate([np.zeros(9000, np.float32), sine[:8820], np.zeros(40000, np.float32)])
    assert peak_level_db(burst, RATE_HZ) == pytest.approx(-2.3, abs=0.4)


def test_mistuned_recording_gets_its_true_pitch() -> None:
    sample = looped_tone(68.81)
    made = condition(Recording(sample.data.astype(np.float32), RATE_HZ, 69.0, *sample.loop, 0.0, 8))
    assert made.root_pitch == pytest.approx(68.81, abs=0.03)
    assert made.sustains


def test_wrong_octave_in_the_header_is_left_alone() -> None:
    sample = looped_tone(57.0)
    made = condition(Recording(sample.data.astype(np.float32), RATE_HZ, 69.0, *sample.loop, 0.0, 8))
    assert made.root_pitch == pytest.approx(69.0, abs=0.03)


def test_decay_of_the_player_is_written_into_the_sample() -> None:
    sample = looped_tone(60.0)
    made = condition(Recording(sample.data.astype(np.float32), RATE_HZ, 60.0, *sample.loop, 4.0, 3))
    assert not made.sustains
    assert made.duration_s == pytest.approx(4.0 * 0.66, abs=0.2)
    first, later = (np.std(made.data[int(s * RATE_HZ) :][:4000]) for s in (0.2, 1.2))
    assert 20 * np.log10(first / later) == pytest.approx(25.0, abs=1.5)
    assert abs(made.data[-1]) < 1e-4


def test_silence_before_the_note_is_cut_and_the_loop_moves_along() -> None:
    sample = looped_tone(60.0)
    late = np.concatenate([np.zeros(5000), sample.data]).astype(np.float32)
    start, end = (position + 5000 for position in sample.loop)
    made = condition(Recording(late, RATE_HZ, 60.0, start, end, 0.0, 8))
    assert made.loop_start == pytest.approx(sample.loop[0], abs=150)
    assert np.abs(made.data[:200]).max() > 0.01


def test_long_loop_is_cut() -> None:
    made = condition(Recording(ensemble(8.0), RATE_HZ, 60.0, 150000, 340000, 0.0, 8, longest_loop_s=2.0))
    assert made.loop_end - made.loop_start == pytest.approx(2.0 * RATE_HZ, abs=12)
    assert made.loop_start <= RATE_HZ


def test_stroke_is_not_late_for_the_noise_before_it() -> None:
    random = np.random.default_rng(3)
    stroke = tone(60.0, 0.6) * np.exp(-np.arange(26460) / 4000.0)
    raw = np.concatenate([0.004 * random.standard_normal(4000), stroke]).astype(np.float32)
    made = condition(Recording(raw, RATE_HZ, 60.0, 0, 0, 0.0, 3))
    assert np.argmax(np.abs(made.data) > 0.3 * np.abs(made.data).max()) < 0.006 * RATE_HZ
    assert abs(made.data[0]) < 1e-3
