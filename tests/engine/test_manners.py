"""Conductors of other manners than the textbook's: no beat is gained or lost, and the orchestra is with the music."""

import numpy as np
import pytest
from conducting import follow, timings
from support import make_score

from tutti.engine.conducting.beat_figures import Style
from tutti.engine.conducting.virtual_conductor import conduct

MANNERS = {
    "sideways": Style(manner="sideways"),
    "focal point": Style(manner="focal"),
    "circles": Style(bounce=0.0, roundness=0.8),
    "a rebound at every beat": Style(double_bounce=0.7),
    "subdivided": Style(subdivision=2, subdivided=1.0),
    "subdivided now and then": Style(subdivision=2, subdivided=0.4),
    "standing at the top": Style(profile="minimum_jerk", linger=0.2),
    "slower in curves": Style(profile="power_law"),
    "tiny": Style(size_m=0.06, sway_m=0.005),
}


@pytest.mark.parametrize(("manner", "beats"), [*((manner, 4) for manner in MANNERS), ("sideways", 5), ("tiny", 7)])
def test_every_beat_is_counted_and_played_with_the_music(manner, beats):
    score = make_score([], measures=64 // beats, beats_in_measure=beats, quarter_bpm=85.0)
    count = 64 // beats * beats
    given = timings(score, 0.72 * (1 + 0.1 * np.sin(np.arange(count) / 3)))
    take = conduct(score, given, seed=beats, noise_m=0.002, style=MANNERS[manner])
    run = follow(score, take.poses)
    truth = given[1] + float(take.metadata["offset_s"])
    assert [crossing.beat_index for crossing in run.crossings] == list(range(count))
    late = np.array([crossing.time_s for crossing in run.crossings])[8:] - truth[8:]
    assert np.mean(np.abs(late) < 0.07) > 0.9
