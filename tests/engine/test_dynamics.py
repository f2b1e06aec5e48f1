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
from tutti.engine.conducting.virtual_conductor import conduct, intended
from tutti.engine.types import Beat, Pose

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


def told_of(poses, icti_s):
    """The tracker of dynamics alone, told of each ictus 60 ms after it."""
    dynamics, result, index = DynamicsTracker(), [], 0
    for pose in poses:
        beat = None
        if index < len(icti_s) and pose.time_s >= icti_s[index] + 0.06:
            beat, index = Beat(icti_s[index], pose.time_s, index, 0.3, 0.8), index + 1
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


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_subito_is_heard_within_a_beat(factor):
    take = conduct(SCORE, EVEN, style=Style(variation=0.0))
    found = track(scaled(take.of("baton"), lambda t: 1.0 if t < 30.0 else factor))
    before = np.median([d.level for d in found if 26.0 < d.time_s < 30.0])
    after = np.median([d.level for d in found if 30.75 < d.time_s < 31.0])
    assert (after - before) * (factor - 1.0) > 0.05


def test_the_way_and_so_the_level_do_not_depend_on_place_or_mirror():
    take = conduct(SCORE, EVEN, style=Style(variation=0.0))
    poses = take.of("baton")
    moved = [
        replace(p, position_m=(0.4 - p.position_m[0], p.position_m[1] + 0.3, p.position_m[2] - 1.0)) for p in poses
    ]
    here, there = track(poses), track(moved)
    assert np.allclose([d.level for d in here], [d.level for d in there], atol=1e-6)


def test_legato_marcato_and_staccato_are_told_apart_at_every_size_and_tempo():
    for size_m, period_s in ((0.08, 0.5), (0.3, 0.75), (0.6, 1.0)):
        even = timings(SCORE, np.full(80, period_s))
        legato = Style(size_m=size_m, bounce=0.1, roundness=0.7, profile="power_law")
        marcato = Style(size_m=size_m, bounce=0.9)
        staccato = replace(marcato, linger=0.4)
        told = []
        for style in (legato, marcato, staccato):
            take = conduct(SCORE, even, style=style, noise_m=0.001)
            found = told_of(take.of("baton"), intended(SCORE, even, style=style)[1])
            told.append(np.median([d.articulation for d in found[len(found) // 2 :]]))
        assert told[0] < -0.1 < told[1] < 0.5 < told[2]
