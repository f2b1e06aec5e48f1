"""The loudness target holds, slowly, and what is meant to be soft stays soft."""

import numpy as np
import pytest

from tutti.engine.audio.loudness import LoudnessMeter
from tutti.engine.audio.loudness_hold import FIRST_AFTER_S, LARGEST_DB, LoudnessHold
from tutti.engine.units import db_to_gain

RATE_HZ, CELL, TARGET_LUFS = 48000, 256, -17.0


def tone(level_lufs: float, duration_s: float) -> np.ndarray:
    """A tone of 997 Hz in both channels: full scale is 0 LUFS (ITU-R BS.1770-5). (2, samples)"""
    time_s = np.arange(int(duration_s * RATE_HZ) // CELL * CELL) / RATE_HZ
    return np.tile(db_to_gain(level_lufs) * np.sin(2.0 * np.pi * 997.0 * time_s), (2, 1)).astype(np.float32)


def corrections(sound: np.ndarray, block: int = CELL, gain_db: float = 0.0) -> np.ndarray:
    """The correction in dB of every cell."""
    hold = LoudnessHold(RATE_HZ, CELL, TARGET_LUFS, gain_db)
    told = []
    for start in range(0, sound.shape[1], block):
        if start % CELL == 0:
            hold.begin_cell()
            told.append(hold.correction_db)
        hold.add(sound[:, start : start + block])
    return np.array(told)


@pytest.mark.parametrize(("level_lufs", "wanted_db"), [(-21.0, 4.0), (-14.0, -3.0), (-26.0, LARGEST_DB)])
def test_a_programme_comes_to_the_target_slowly_and_within_bounds(level_lufs: float, wanted_db: float) -> None:
    told = corrections(tone(level_lufs, 40.0))
    assert told[-1] == pytest.approx(wanted_db, abs=0.1)
    seconds = np.arange(len(told)) * CELL / RATE_HZ
    assert not told[seconds < FIRST_AFTER_S].any()
    assert np.abs(np.diff(told)).max() <= 0.3 * CELL / RATE_HZ + 1e-12
    assert np.abs(np.diff(told)).max() < 0.002  # dB from cell to cell: no click


def test_soft_passages_and_silence_change_nothing() -> None:
    loud, soft = tone(-15.0, 20.0), tone(-30.0, 20.0)
    told = corrections(np.concatenate([loud, soft, np.zeros_like(soft)], axis=1))
    cells = loud.shape[1] // CELL
    settled = told[-1]
    assert settled == pytest.approx(-2.0, abs=0.1)
    assert np.allclose(told[cells + 100 :], settled, atol=0.1)  # half a second later
    assert not corrections(soft).any()


def test_the_gain_that_comes_after_is_counted() -> None:
    assert corrections(tone(-25.0, 30.0), gain_db=6.0)[-1] == pytest.approx(2.0, abs=0.1)


def test_who_sits_down_elsewhere_is_not_compensated_twice() -> None:
    """6 dB softer there, which the programme's gain makes up for: the correction stays what it was."""
    hold = LoudnessHold(RATE_HZ, CELL, TARGET_LUFS, 0.0)
    for level_lufs, gain_db in ((-19.0, 0.0), (-25.0, 6.0)):
        hold.expect(TARGET_LUFS, gain_db)
        sound = tone(level_lufs, 60.0)
        for start in range(0, sound.shape[1], CELL):
            hold.begin_cell()
            hold.add(sound[:, start : start + CELL])
        assert hold.correction_db == pytest.approx(2.0, abs=0.1)


def test_blocks_of_other_sizes_give_the_same_correction() -> None:
    rng = np.random.default_rng(1)
    sound = rng.normal(0.0, 0.08, (2, 20 * RATE_HZ // CELL * CELL)).astype(np.float32)
    one = corrections(sound)
    assert one[-1] != 0.0
    assert np.allclose(one, corrections(sound, 64), atol=1e-6)


def test_it_weighs_as_the_meter_does() -> None:
    rng = np.random.default_rng(2)
    sound = rng.normal(0.0, 0.06, (2, 40 * RATE_HZ // CELL * CELL)).astype(np.float32)
    meter = LoudnessMeter(RATE_HZ)
    meter.add(sound.T)
    assert corrections(sound)[-1] == pytest.approx(TARGET_LUFS - meter.integrated_lufs, abs=0.15)
