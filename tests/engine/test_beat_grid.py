"""Laying the beats out anew, and what a take says of how it beats."""

from dataclasses import replace

import numpy as np
import pytest
from support import make_score

from tutti.engine.conducting.beat_grid import beaten_as, prevailing_beats, regrid
from tutti.engine.conducting.virtual_conductor import clean_timings, conduct
from tutti.engine.errors import TakeError
from tutti.engine.score import MEASURE_DTYPE


def test_a_bar_in_four_can_be_beaten_in_two_or_eight():
    score = make_score([], measures=3)
    assert regrid(score, 2).beats["quarter"].tolist() == [0, 2, 4, 6, 8, 10]
    assert regrid(score, 8).beats["duration_quarter"].tolist() == [0.5] * 24
    assert regrid(score, 4).beats.tolist() == score.beats.tolist()
    assert prevailing_beats(regrid(score, 8)) == 8


def test_a_pickup_holds_the_last_beats_and_other_meters_keep_the_beat():
    score = make_score([], measures=4)
    measures = np.array([(0, 1, "0", 4, 4), (1, 4, "1", 4, 4), (5, 4, "2", 4, 4), (9, 3, "3", 3, 4)], MEASURE_DTYPE)
    beats = regrid(replace(score, measures=measures), 4).beats
    assert beats["beat"].tolist() == [4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3]
    assert beats["beats_in_measure"].tolist() == [4] * 9 + [3] * 3
    assert np.allclose(beats["quarter"][1:], (beats["quarter"] + beats["duration_quarter"])[:-1])


def test_laid_out_anew_a_beat_that_a_repeat_cuts_is_one():
    score = make_score([], measures=4)
    rows = [(0, 0.5, "0", 2, 4), (0.5, 2, "1", 2, 4), (2.5, 1.5, "2", 2, 4), (4, 0.5, "0", 2, 4), (4.5, 2, "1", 2, 4)]
    beats = regrid(replace(score, measures=np.array(rows, MEASURE_DTYPE)), 2).beats
    assert beats["quarter"].tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert beats["beat"].tolist() == [2, 1, 2, 1, 2, 1, 2]


def test_a_take_may_give_its_first_beat_on_a_short_upbeat():
    rows = np.array([(0, 0.5, "0", 4, 4), (0.5, 4, "1", 4, 4)], MEASURE_DTYPE)
    score = regrid(replace(make_score([], measures=2), measures=rows), 4)
    assert score.begin_quarter == -0.5
    assert beaten_as(score, {"first_beat_quarter": "-0.5"}) == (score, 0)
    short, first = beaten_as(score, {"first_beat_quarter": "0"})
    assert first == 0 and short.beats["quarter"].tolist() == [0.0, 0.5, 1.5, 2.5, 3.5]
    assert short.beats["duration_quarter"].tolist() == [0.5, 1, 1, 1, 1]
    with pytest.raises(TakeError, match=r"-0\.5 to 4\.5"):
        beaten_as(score, {"first_beat_quarter": "-1"})


def test_metadata_choose_grid_and_first_beat():
    score = make_score([], measures=3)
    assert beaten_as(score, {}) == (score, 0)
    halved, first = beaten_as(score, {"meter": "2", "first_beat_quarter": "4"})
    assert prevailing_beats(halved) == 2
    assert halved.beats["quarter"][first] == 4
    assert beaten_as(score, {"meter": "4/4"})[0] is score
    assert beaten_as(score, {"meter": "12/8"})[0] is score


def test_a_signature_that_the_score_has_anyway_changes_nothing():
    """Two-four in one: its signature in a take's metadata says nothing of how it is beaten, a number does."""
    score = regrid(make_score([], beats_in_measure=2), 1)
    rows = [(*row[:3], 2, 4) for row in score.measures.tolist()]
    score = replace(score, measures=np.array(rows, MEASURE_DTYPE))
    assert beaten_as(score, {"meter": "2/4"})[0] is score
    assert prevailing_beats(beaten_as(score, {"meter": "2"})[0]) == 2


def test_a_score_partly_in_one_and_partly_in_three_is_beaten_as_it_is():
    """A scherzo whose slower part is in three has more beats of three than of one, but most bars are in one."""
    fast, slow = (
        regrid(make_score([], measures=12, beats_in_measure=3), 1),
        make_score([], measures=12, beats_in_measure=3),
    )
    mixed = replace(fast, beats=np.concatenate([fast.beats[:8], slow.beats[slow.beats["measure"] >= 8]]))
    take = conduct(mixed, clean_timings(mixed.beats["quarter"], 2.0 + 0.4 * np.arange(len(mixed.beats))), seed=1)
    assert beaten_as(mixed, take.metadata)[0] is mixed


@pytest.mark.parametrize(
    "metadata", [{"meter": "waltz"}, {"meter": "0"}, {"meter": "99"}, {"first_beat_quarter": "x"},
                 {"first_beat_quarter": "500"}, {"first_beat_quarter": "nan"}]
)  # fmt: skip
def test_nonsense_is_refused(metadata):
    with pytest.raises(TakeError):
        beaten_as(make_score([], measures=3), metadata)
