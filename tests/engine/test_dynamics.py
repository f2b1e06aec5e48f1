"""Size of the gesture to level, sharpness to articulation."""

from dataclasses import replace

import numpy as np
import pytest
from conducting import timings
from scipy.stats import spearmanr
from support import make_score

from tutti.engine.conducting.beat_figures import Style
from tutti.engine.conducting.dynamics import DynamicsTracker
from tutti.engine.conducting.ictus import IctusDetector
from tutti.engine.conducting.tempo import TempoTracker
from tutti.engine.conducting.virtual_conductor import conduct
from tutti.engine.types import Pose

SCORE = make_score([], measures=20, quarter_bpm=80.0)
EVEN = timings(SCORE, np.full(80, 0.75))


def track(poses):
    ictus, tempo, dynamics = IctusDetector(), TempoTracker(SCORE), DynamicsTracker()
    result = []
    for pose in poses:
        if pose.device == "baton":
            beat = ictus.step(pose, tempo.estimate)
            tempo.step(pose, beat)
            result.append(dynamics.step(pose, beat))
    return result


def scaled(poses, factor_at):
    """The gesture made larger or smaller about its middle."""
    for pose in poses:
        x, y, z = pose.position_m
        k = factor_at(pose.time_s)
        yield replace(pose, position_m=(0.12 + k * (x - 0.12), 1.1 + k * (y - 1.1), z))


def test_the_habitual_size_is_as_written_whoever_conducts():
    for size_m in (0.1, 0.3, 0.6):
        found = track(conduct(SCORE, EVEN, style=Style(size_m=size_m, variation=0.0, sway_m=0.01)).poses)
        levels = [d.level for d in found[len(found) // 3 : -200]]
        assert np.median(levels) == pytest.approx(0.5, abs=0.06)
        assert all(0.0 <= d.level <= 1.0 and -1.0 <= d.articulation <= 1.0 for d in found)


def test_larger_is_louder_and_smaller_softer():
    take = conduct(SCORE, EVEN, style=Style(variation=0.0))
    rank, level = [], []
    for factor in (0.4, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0):
        found = track(scaled(take.of("baton"), lambda t, k=factor: 1.0 if t < 25 else k))
        rank.append(factor)
        level.append(np.median([d.level for d in found if 28 < d.time_s < 31]))
    assert spearmanr(rank, level).statistic > 0.98
    assert level[0] < 0.3 and level[-1] > 0.65


def test_articulation_follows_the_sharpness_of_the_ictus():
    found = []
    for bounce in (0.0, 0.5, 1.0):
        values = track(conduct(SCORE, EVEN, style=Style(bounce=bounce)).poses)
        found.append(np.median([d.articulation for d in values[len(values) // 2 :]]))
    assert found[0] < -0.15
    assert found[0] < found[1] - 0.1 < found[2] - 0.2
    assert abs(found[1]) < 0.3
    assert found[2] > 0.0


def test_a_hand_at_rest_keeps_the_level():
    tracker = DynamicsTracker()
    first = [tracker.step(Pose(n / 60, "baton", (0, 1, 0)), None) for n in range(600)]
    assert {d.level for d in first} == {0.5}
