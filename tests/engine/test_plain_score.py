"""Scores without music."""

import numpy as np

from tutti.engine.conducting.meter_map import MeterMap
from tutti.engine.plain_score import plain_score, score_of_bars


def test_bars_of_several_meters_follow_each_other_without_a_gap() -> None:
    score = score_of_bars([(1.0, 1.0, 1.0), (1.0, 1.5), (2.0,)], [(0.0, 60.0), (5.5, 90.0)], [0.1] * 5 + [0.9])
    beats = score.beats
    assert beats["quarter"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.5]
    assert beats["measure"].tolist() == [0, 0, 0, 1, 1, 2]
    assert beats["beat"].tolist() == [1, 2, 3, 1, 2, 1]
    assert beats["beats_in_measure"].tolist() == [3, 3, 3, 2, 2, 1]
    assert [(m["start_quarter"], m["numerator"], m["denominator"]) for m in score.measures] == [
        (0.0, 3, 4),
        (3.0, 5, 8),
        (5.5, 2, 4),
    ]
    assert score.notes["dynamic"][-1] == np.float32(0.9)
    assert MeterMap.of(score).marked_period_s == (1.0, 1.0, 1.0, 1.0, 1.5, 2.0 * 60.0 / 90.0)


def test_plain_bars_are_all_alike() -> None:
    score = plain_score((1.0,) * 4, 3, 80.0)
    assert score.title == "in 4"
    assert len(score.beats) == 12 and len(score.measures) == 3
    assert score.beats["beat"].tolist() == [1, 2, 3, 4] * 3
    assert score.end_quarter == 12.0
