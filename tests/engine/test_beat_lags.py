"""How far the hand is behind the music on each beat of the bar: what is usual, and what is learned."""

import numpy as np
import pytest
from support import make_score

from tutti.engine.conducting.beat_lags import BAR_LAG_PERIODS, BeatLags, Lag
from tutti.engine.conducting.meter_map import MeterMap
from tutti.engine.conducting.profile import ConductorProfile

METER = MeterMap.of(make_score([], measures=12, beats_in_measure=4, quarter_bpm=100.0))
PERIOD_S = 0.7


def beaten(late_s: dict[int, float], bars: int = 8) -> BeatLags:
    """Lags learned from even beats, of which those of the bar's beats (from 0) are late by so much."""
    lags, icti_s = BeatLags(), {}
    for index in range(4 * bars):
        icti_s[index] = PERIOD_S * index + late_s.get(index % 4, 0.0)
        lags.learn(METER, icti_s, index)
    return lags


@pytest.mark.parametrize("seen_s", [-0.09, 0.09])
def test_a_lag_that_is_always_seen_is_not_wholly_believed(seen_s):
    """Music that is played unevenly within every bar looks like a lag of the hand."""
    lags, key = BeatLags(), METER.key(4)
    usual_s = lags.relative_s(key, PERIOD_S)
    lags.known[key] = Lag(24.0, usual_s + seen_s, 0.01**2)
    learned = (lags.relative_s(key, PERIOD_S) - usual_s) / seen_s
    assert 0.7 < learned < 0.9


def test_the_first_beat_is_expected_late_and_the_last_early_until_more_is_known():
    usual = [BeatLags().lag_s((4, beat), PERIOD_S) for beat in range(4)]
    assert usual[0] > usual[1] == usual[2] > usual[3]
    assert usual[1] == pytest.approx(BAR_LAG_PERIODS * PERIOD_S)
    learned = beaten({3: 0.08})
    assert learned.relative_s((4, 3), PERIOD_S) > learned.relative_s((4, 0), PERIOD_S)


def test_one_late_beat_is_learned_as_that_beats_lag():
    learned = beaten({2: 0.08})
    mean_s = learned.known[4, 2].mean_s
    assert mean_s == pytest.approx(0.06, abs=0.005), "against the mean of a bar that is 0.02 s late itself"
    assert all(abs(learned.known[4, beat].mean_s + 0.02) < 0.005 for beat in (0, 1, 3))


def test_lags_go_into_a_profile_and_come_out_of_it_at_another_tempo():
    learned = beaten({0: 0.1})
    profile = ConductorProfile(learned.in_profile({}, PERIOD_S))
    slower = BeatLags.of(profile, 0.85)
    assert slower.known[4, 0].mean_s == pytest.approx(learned.known[4, 0].mean_s * 0.85 / PERIOD_S)


def test_bars_spaced_otherwise_than_the_one_before_teach_little():
    """Rubato is the music's, not the hand's."""
    late_s, rubato_s = {2: 0.08}, np.random.default_rng(4).normal(0.0, 0.1, 48)
    free, icti_s = BeatLags(), {}
    for index in range(48):
        icti_s[index] = PERIOD_S * index + late_s.get(index % 4, 0.0) + rubato_s[index]
        free.learn(METER, icti_s, index)
    even = beaten(late_s, bars=12)
    for beat in range(4):
        assert even.known[4, beat].count > 9.0
        assert free.known[4, beat].count < 0.4 * even.known[4, beat].count
        assert free.relative_s((4, beat), PERIOD_S) == pytest.approx(even.relative_s((4, beat), PERIOD_S), abs=0.06)


def test_bars_with_a_held_beat_teach_nothing():
    lags, icti_s = BeatLags(), {0: 0.0, 1: 0.7, 2: 1.4, 3: 6.0, 4: 6.7}
    for index in icti_s:
        lags.learn(METER, icti_s, index)
    assert not lags.known
