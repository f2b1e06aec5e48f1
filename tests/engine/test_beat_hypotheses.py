"""One account of the beats: what it expects next."""

from support import make_score

from tutti.engine.conducting.beat_hypotheses import Hypothesis
from tutti.engine.conducting.meter_map import MeterMap

METER = MeterMap.of(make_score([], measures=12, beats_in_measure=4, quarter_bpm=100.0))


def slowed(holding: float) -> Hypothesis:
    """An account whose last beats were 1.6 s long, where 0.6 s are marked and usual."""
    return Hypothesis(5, 10.0, 10.0, 1.6, (0.035**2, 0.0, 0.1**2), holding=holding, drawn=False)


def test_after_held_beats_the_usual_tempo_is_expected_back():
    at_usual_s, between_s, at_slow_s = 10.6, 11.1, 11.6
    held, plain = slowed(0.5), slowed(0.0)
    gained = held.log_time(METER, at_usual_s, 1) - plain.log_time(METER, at_usual_s, 1)
    assert gained > 2.0
    assert held.log_time(METER, at_usual_s, 1) > held.log_time(METER, between_s, 1)
    assert held.log_time(METER, at_slow_s, 1) > held.log_time(METER, at_usual_s, 1), "going on slowly is likelier still"


def test_one_short_beat_after_held_ones_is_likelier_than_two_of_which_one_was_not_seen():
    held = slowed(0.5)
    silent = -6.0
    assert held.log_time(METER, 10.62, 1) > held.log_time(METER, 10.62, 2) + silent
