"""The first entry: preparatory beats begin the music with their ictus, other movements do not."""

import math

import numpy as np
import pytest
from conducting import timings
from support import make_score

from tutti.engine.conducting.beat_figures import Style
from tutti.engine.conducting.first_entry import FirstEntry
from tutti.engine.conducting.follower import ENTRY_CONFIDENCE, Follower
from tutti.engine.conducting.gesture import GestureSample
from tutti.engine.conducting.gesture_features import METERS
from tutti.engine.conducting.gesture_reader import UNTIL_MIDDLES_S, Reading
from tutti.engine.conducting.ictus import IctusDetector
from tutti.engine.conducting.mannerisms import plain_style
from tutti.engine.conducting.meter_map import MeterMap
from tutti.engine.conducting.profile import ConductorProfile
from tutti.engine.conducting.tempo import TempoTracker
from tutti.engine.conducting.virtual_conductor import conduct, intended
from tutti.engine.types import Beat, Pose

SCORE = make_score([], measures=24, beats_in_measure=4, quarter_bpm=80.0)


def first_crossing(poses, score=SCORE):
    ictus, tempo, follower = IctusDetector(), TempoTracker(score), Follower(score)
    for pose in poses:
        beat = ictus.step(pose, tempo.estimate)
        crossings = follower.step(pose.time_s, tempo.step(pose, beat))[1]
        if crossings:
            return crossings[0].time_s
    return None


@pytest.mark.parametrize("period_s", [0.5, 0.7, 1.1])
@pytest.mark.parametrize("preparation", ["lift", "dip"])
@pytest.mark.parametrize("bounce", [0.2, 0.8])
def test_one_preparatory_beat_brings_the_first_chord_with_the_ictus(period_s, preparation, bounce):
    style = Style(lag=0.5, jitter_s=0.0, sway_m=0.005, bounce=bounce, preparation=preparation)
    given = timings(SCORE, np.full(8, period_s))
    take = conduct(SCORE, given, seed=3, rate_hz=90.0, noise_m=0.001, style=style)
    begun_s = first_crossing(take.of("baton"))
    _, icti_s = intended(SCORE, given, seed=3, style=style)
    assert begun_s == pytest.approx(icti_s[0], abs=0.06)


def movement(height, span_s, rate_hz=90.0, aside=lambda t: 0.0):
    return [
        Pose(n / rate_hz, "baton", (0.1 + aside(n / rate_hz), 1.1 + height(n / rate_hz), -0.4))
        for n in range(int(span_s * rate_hz))
    ]


@pytest.mark.parametrize(
    "height",
    [
        lambda t: 0.0,
        lambda t: 0.015 * math.sin(2 * math.pi * 4.0 * t),
        lambda t: 0.25 * (1 - math.cos(math.pi * min(max(t - 1.0, 0.0) / 0.5, 1.0))) / 2,
        lambda t: -0.3 * (1 - math.cos(2 * math.pi * min(max(t - 1.0, 0.0) / 4.0, 1.0))) / 2,
        lambda t: 0.4 * (1 - math.cos(2 * math.pi * min(max(t - 1.0, 0.0) / 6.0, 1.0))) / 2,
    ],
    ids=["still", "scratching", "lifted and kept", "lowered and back", "lifted slowly and back"],
)
def test_other_movements_start_nothing(height):
    assert first_crossing(movement(height, 12.0)) is None


def test_a_hand_that_turns_a_page_starts_nothing():
    aside = lambda t: 0.35 * math.sin(math.pi * min(max(t - 1.0, 0.0) / 2.5, 1.0)) ** 2  # noqa: E731
    assert first_crossing(movement(lambda t: 0.08 * abs(aside(t)) / 0.35, 8.0, aside=aside)) is None


@pytest.mark.parametrize("seed", [17, 28])
def test_a_minute_of_fidgets_starts_nothing(seed):
    given = timings(SCORE, np.full(8, 0.7))
    style = plain_style(np.random.default_rng(seed))
    take = conduct(SCORE, given, seed=seed, style=style, preamble_s=60.0)
    _, icti_s = intended(SCORE, given, seed=seed, style=style, preamble_s=60.0)
    assert first_crossing(take.of("baton")) == pytest.approx(icti_s[0], abs=0.35)


def test_a_conductor_who_goes_on_beating_without_rest_is_understood_after_some_strokes():
    poses = movement(lambda t: 0.3 * (1 - math.cos(2 * math.pi * t / 0.75)) / 2, 9.0)
    begun_s = first_crossing(poses)
    assert begun_s is not None
    assert begun_s < 6 * 0.75


def test_a_mark_three_times_too_fast_does_not_hinder():
    score = make_score([], measures=24, beats_in_measure=4, quarter_bpm=84.0)
    given = timings(score, np.full(8, 2.0))
    take = conduct(score, given, seed=3, rate_hz=60.0, style=Style(lag=0.0, sway_m=0.002))
    begun_s = first_crossing(take.of("baton"), score)
    assert begun_s == pytest.approx(given[1][0] + float(take.metadata["offset_s"]), abs=0.25)


def test_who_has_plainly_been_beating_begins_however_weakly_they_are_read():
    weakly, ictus_s = 0.15, 9.0
    meter = MeterMap.of(SCORE)
    begun = {
        beats_for_s: FirstEntry(meter, 0, ConductorProfile()).begins(ictus_s, weakly, 0.99, beats_for_s, -math.inf)
        for beats_for_s in (0.0, 0.75, 2.0)
    }
    assert begun == {0.0: False, 0.75: False, 2.0: True}
    assert not FirstEntry(meter, 0, ConductorProfile()).begins(ictus_s, 0.08, 0.99, 3.0, -math.inf)


def test_a_first_beat_that_becomes_sure_when_its_time_is_already_decided_is_announced():
    entry = FirstEntry(MeterMap.of(SCORE), 0, ConductorProfile())
    confidence = []
    for time_s, soon in ((0.0, 0.5), (0.02, 0.8), (0.04, 0.97)):
        sample = GestureSample(time_s, time_s, (0.0, 1.0, -0.4), 0.0, 1.0, 0.001)
        until = np.zeros(len(UNTIL_MIDDLES_S), np.float32)
        until[np.searchsorted(UNTIL_MIDDLES_S, 0.08)], until[-1] = soon, 1.0 - soon
        reading = Reading(time_s, 0.0, until, np.full(METERS, 1.0 / METERS, np.float32), 0.99, 4)
        entry.look(sample)
        estimate = entry.prepared(sample, reading)
        assert estimate is not None
        confidence.append(estimate.confidence)
    assert max(confidence[:2]) < ENTRY_CONFIDENCE <= confidence[2]


@pytest.mark.parametrize(("beating", "begins"), [(0.001, False), (0.3, True)])
def test_even_lowest_points_begin_unread_but_not_of_a_hand_that_plainly_does_other_things(beating, begins):
    entry = FirstEntry(MeterMap.of(SCORE), 0, ConductorProfile())
    lows = [Beat(0.75 * n, 0.75 * n + 0.05, -1, 0.2, 0.9) for n in range(6)]
    begun = [length_s for low in lows if (length_s := entry.beaten(low, beating)) is not None]
    assert begun == ([pytest.approx(0.75)] * 2 if begins else [])
