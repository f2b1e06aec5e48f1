"""The whole chain: poses in, the orchestra's beats out, against the truth the takes were made from."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from conducting import follow, timings
from support import make_score

from tutti.engine.conducting.beat_figures import Style
from tutti.engine.conducting.imperfect_tracking import Tracking
from tutti.engine.conducting.mannerisms import plain_style, smooth_style
from tutti.engine.conducting.tempo import TempoTracker
from tutti.engine.conducting.virtual_conductor import conduct, intended
from tutti.engine.plain_score import plain_score
from tutti.engine.types import Pose

PLACE = np.arange(96)
RUBATO = 0.72 * (1 + 0.12 * np.sin(PLACE / 3.0) + 0.06 * np.sin(PLACE / 0.9))
STYLES = {
    "default": Style(),
    "bouncy": Style(bounce=1.0, double_bounce=0.2, preparation="dip"),
    "legato": Style(bounce=0.0, hold="slow", jitter_s=0.02),
    "tiny": Style(size_m=0.10, sway_m=0.005),
    "large": Style(size_m=0.6, mirror=True, sway_m=0.05),
    "flourish": Style(flourish=0.4, double_bounce=0.1, variation=0.2),
    "late fall": Style(lean=1.4, bounce=0.2),
}


def conducted(beats=4, periods=RUBATO, bpm=85.0, rate_hz=60.0, noise_m=0.003, style=None, seed=1, **score_options):
    score = make_score([], measures=96 // beats, beats_in_measure=beats, quarter_bpm=bpm, **score_options)
    take = conduct(score, timings(score, periods), seed=seed, noise_m=noise_m, rate_hz=rate_hz, style=style)
    return score, take, timings(score, periods)[1] + float(take.metadata["offset_s"])


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("beats", [1, 2, 3, 4, 6])
def test_every_beat_is_followed_whatever_the_style(beats, style):
    score, take, truth = conducted(beats, style=STYLES[style], seed=beats)
    errors = np.abs(follow(score, take.poses).errors_s(truth))
    assert np.median(errors) < 0.03
    assert np.mean(errors < 0.07) > 0.85


@pytest.mark.parametrize("rate_hz", [15.0, 30.0, 120.0, 1000.0])
def test_every_rate_is_followed(rate_hz):
    score, take, truth = conducted(rate_hz=rate_hz)
    assert np.mean(np.abs(follow(score, take.poses).errors_s(truth)) < 0.07) > 0.85


@pytest.mark.parametrize("ratio", [0.5, 0.75, 1.35, 1.9])
def test_the_mark_is_only_a_hint(ratio):
    score, take, truth = conducted(bpm=83.0 * ratio)
    assert np.mean(np.abs(follow(score, take.poses).errors_s(truth)) < 0.07) > 0.85


@pytest.mark.parametrize("hold_s", [2.5, 5.0, 12.0, 40.0])
@pytest.mark.parametrize("beats", [1, 4])
def test_holds_and_stops_lose_no_beat(beats, hold_s):
    periods = np.full(96, 0.75)
    periods[[23, 50, 51]] = hold_s
    score, take, truth = conducted(beats, periods)
    run = follow(score, take.poses)
    errors = run.errors_s(truth)
    assert np.mean(np.abs(errors) < 0.09) > 0.9
    if hold_s < 5.0:
        return
    during = [p.state for p in run.positions if truth[23] + 1.5 < p.time_s < truth[24] - 0.8]
    assert set(during[len(during) // 2 :]) <= {"holding", "stopped"}
    inside = [p.beat for p in run.positions if truth[23] + 1.5 < p.time_s < truth[24] - 0.8]
    assert 23.0 < inside[0] <= inside[-1] < 24.0


@pytest.mark.parametrize("periods", [(0.9, 0.45), (0.45, 0.9)])
def test_a_tempo_twice_as_fast_or_slow_is_taken_up(periods):
    score, take, truth = conducted(periods=np.where(PLACE < 48, *periods))
    errors = np.abs(follow(score, take.poses).errors_s(truth, after=0))
    assert np.mean(errors[52:] < 0.1) > 0.85
    assert errors[52:].max() < 0.3


def test_the_playhead_never_goes_back_and_never_rushes():
    periods = np.where(PLACE % 24 == 23, 4.0, RUBATO)
    score, take, _ = conducted(periods=periods, style=STYLES["flourish"], noise_m=0.005)
    run = follow(score, take.poses)
    times = np.array([p.time_s for p in run.positions])
    places = np.array([p.beat for p in run.positions])
    assert np.all(np.diff(places) >= 0)
    slow = np.searchsorted(times, times + 0.25).clip(max=len(times) - 1)
    assert np.max(places[slow] - places) < 0.25 * 2.5 / 0.45
    assert run.positions[-1].state == "ended"


def test_only_the_past_is_used():
    score, take, _ = conducted()
    poses = take.of("baton")
    half = len(poses) // 2
    assert follow(score, poses[:half]).positions == follow(score, poses).positions[:half]


def test_lost_tracking_is_coasted_over_and_the_count_kept():
    score, take, truth = conducted(periods=np.full(96, 0.75))
    gap = (truth[40] + 0.2, truth[40] + 3.2)
    lost = [pose for pose in take.of("baton") if not gap[0] < pose.time_s < gap[1]]
    errors = follow(score, lost).errors_s(truth)
    assert np.max(np.abs(errors[46:])) < 0.2
    invalid = [
        Pose(p.time_s, "baton", (0, 0, 0), None, False) if gap[0] < p.time_s < gap[1] else p for p in take.of("baton")
    ]
    errors = follow(score, invalid).errors_s(truth)
    assert np.max(np.abs(errors[46:])) < 0.2


def test_bad_input_changes_nothing():
    score, take, _ = conducted()
    chance = random.Random(5)
    poses = []
    for pose in take.of("baton"):
        poses.append(pose)
        if chance.random() < 0.1:
            t = pose.time_s + 1e-4
            poses.append(
                chance.choice(
                    [
                        Pose(t, "baton", (math.nan, 1, 0)),
                        Pose(t - 5.0, "baton", (0, 0, 0)),
                        Pose(t, "baton", (50.0, 1.0, 0.0)),
                        Pose(t, "baton", (0, 0, 0), None, False),
                        Pose(t, "left", (0, 0, 0)),
                    ]
                )
            )
    clean = [c.time_s for c in follow(score, take.of("baton")).crossings]
    assert [c.time_s for c in follow(score, poses).crossings] == pytest.approx(clean, abs=1e-3)


@pytest.mark.parametrize("style", ["default", "bouncy", "late fall"])
@pytest.mark.parametrize("start_beat", [0, 3])
def test_the_first_beats_are_as_long_as_the_conductor_gives_them(start_beat, style):
    score = make_score([], measures=12, quarter_bpm=85.0)
    score = replace(score, beats=score.beats[start_beat:])  # from the fourth beat of the bar on: an upbeat
    played = timings(score, RUBATO)
    take = conduct(score, played, seed=7, style=STYLES[style])
    _, icti_s = intended(score, played, seed=7, style=STYLES[style])
    first = np.array([crossing.time_s for crossing in follow(score, take.poses).crossings[:6]]) - icti_s[:6]
    assert abs(first[0]) < 0.06
    assert np.abs(np.diff(first)).max() < 0.2


@pytest.mark.parametrize("seed", range(3))
def test_fidgets_in_a_stop_are_no_beats(seed):
    periods = np.full(96, 0.75)
    periods[23] = 40.0
    score, take, truth = conducted(periods=periods, style=replace(STYLES["default"], hold="fidget"), seed=seed)
    run = follow(score, take.poses)
    assert np.mean(np.abs(run.errors_s(truth)) < 0.09) > 0.85
    counted = {e.beat_index for e in run.estimates if e and truth[23] + 2.0 < e.time_s < truth[24] - 1.5}
    assert counted == {23}
    stopped = [p.beat for p in run.positions if truth[23] + 2.0 < p.time_s < truth[24] - 1.5]
    assert max(stopped) < 24.5, "the beat that was due at most, as it was expected when the hand stopped"


@pytest.mark.parametrize("seed", [5, 62, 68])
def test_strokes_between_long_holds_are_counted(seed):
    """A long hold is no stop: the hand beats when it goes on."""
    periods = np.full(40, 0.8)
    periods[15:18] = 6.0, 2.0, 5.0
    score = plain_score((1.0,) * 3, 14, 75.0)
    beats = timings(score, periods, start_s=3.0)
    drawn = np.random.default_rng(seed)
    style = smooth_style(plain_style(drawn), drawn)
    take = conduct(score, beats, seed=seed, style=style, tracking=Tracking(noise_m=0.001))
    icti_s = intended(score, beats, seed=seed, style=style)[1]
    estimates = [estimate for estimate in follow(score, take.poses).estimates if estimate]
    for beat in (20, 25, 30):
        assert [e.beat_index for e in estimates if e.time_s < icti_s[beat] + 0.5][-1] == beat


@pytest.mark.parametrize("seed", [1, 15, 24])
def test_a_hand_that_lands_on_the_last_beat_and_stays_has_given_it(seed):
    score = make_score([], measures=6, beats_in_measure=4, quarter_bpm=85.0)
    given = timings(score, np.full(24, 0.7))
    random = np.random.default_rng(seed)
    style = smooth_style(plain_style(random), random)
    take = conduct(score, given, seed=seed, style=style)
    last_s = intended(score, given, seed=seed, style=style)[1][-1]
    landing = [pose for pose in take.of("baton") if pose.time_s <= last_s]
    stays = [replace(landing[-1], time_s=last_s + n / 60) for n in range(1, 90)]
    run = follow(score, landing + stays)
    assert run.estimates[-1] is not None
    assert run.estimates[-1].beat_index == 23


def test_a_start_in_the_middle_of_the_score():
    score, take, truth = conducted()
    run = follow(score, list(take.poses), start_beat=12)
    assert run.crossings[0].beat_index == 12
    assert run.crossings[0].time_s == pytest.approx(truth[0], abs=0.4)


def test_a_false_start_is_forgotten():
    score, take, truth = conducted(style=Style(sway_m=0.0))
    begin = take.of("baton")[0].position_m
    fidget = [
        Pose(n / 60 - 6.0, "baton", (begin[0], begin[1] + 0.2 * math.sin(math.pi * min(n / 40, 1.0)) ** 2 * (n < 20)
                                     + 0.2 * (n >= 20), begin[2]))
        for n in range(200)
    ]  # fmt: skip
    back = [Pose(-2.6 + n / 60, "baton", (begin[0], begin[1] + 0.2 * (1 - n / 30), begin[2])) for n in range(31)]
    still = [Pose(-2.0 + n / 60, "baton", begin) for n in range(115)]
    run = follow(score, fidget + back + still + take.of("baton"))
    assert run.crossings[0].time_s == pytest.approx(truth[0], abs=0.4)
    assert np.mean(np.abs(run.errors_s(truth)) < 0.07) > 0.85


def test_uneven_beats_are_learned():
    from tutti.engine.score import BEAT_DTYPE

    score = make_score([], measures=20, beats_in_measure=3, quarter_bpm=120.0)
    rows = []
    for bar in range(20):
        rows += [(3.5 * bar + q, d, bar, b, 3) for b, (q, d) in enumerate(((0, 1), (1, 1), (2, 1.5)), 1)]
    measures = score.measures.copy()
    measures["start_quarter"], measures["duration_quarter"] = 3.5 * np.arange(20), 3.5
    measures["numerator"], measures["denominator"] = 7, 8
    score = replace(score, beats=np.array(rows, BEAT_DTYPE), measures=measures)
    quarter = score.beats["quarter"].astype(float)
    take = conduct(score, (quarter, 4.0 + 0.5 * quarter), seed=2)
    run = follow(score, take.poses)
    assert np.mean(np.abs(run.errors_s(4.0 + 0.5 * quarter + float(take.metadata["offset_s"]))) < 0.07) > 0.85


def test_a_step_is_cheap():
    import time

    score, take, _ = conducted()
    poses = take.of("baton")
    begin = time.process_time()
    follow(score, poses)
    assert (time.process_time() - begin) / len(poses) < 0.5e-3


def test_nothing_is_estimated_before_the_preparation():
    tracker = TempoTracker(make_score([]))
    assert tracker.estimate is None
    assert tracker.step(Pose(0.0, "baton", (0, 1, 0)), None) is None
    assert tracker.ictus_s(0) is None
