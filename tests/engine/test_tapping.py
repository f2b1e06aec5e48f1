"""Taps as a baton: where its lowest points are, and that an orchestra follows them."""

import itertools
import math
import threading

import mir_eval
import numpy as np
import pytest
from conducting import follow, timings
from support import make_score

from tutti.engine.conducting.tapping import HOLD_BACK_S, SHORTEST_TAP_S, TapSource
from tutti.engine.performance import Performance

PLACE = np.arange(64)
CURVES = {
    "steady": np.full(64, 0.6),
    "rubato": 0.72 * (1 + 0.12 * np.sin(PLACE / 3.0) + 0.06 * np.sin(PLACE / 0.9)),
    "slow": 1.2 * (1 + 0.1 * np.sin(PLACE / 5.0)),
    "fast": 0.36 * (1 + 0.08 * np.sin(PLACE / 4.0)),
    "sudden change": np.where(PLACE < 32, 0.8, 0.6),
    "holds": np.where(np.isin(PLACE, [20, 45]), 5.0, 0.7),
}


def poll_all(source, taps, end_s, step_s=0.01, late_s=0.0, strength=0.5):
    """Tap at the given times, told ``late_s`` later, and poll all the while."""
    poses, waiting, now_s = [], list(taps), taps[0] - 1.0
    while now_s < end_s:
        while waiting and waiting[0] + late_s <= now_s:
            source.tap(waiting.pop(0), strength)
        poses += source.poll(now_s)
        now_s += step_s
    return poses


def lowest_points(poses):
    heights = [pose.position_m[1] for pose in poses]
    floor = min(heights) + 1e-6
    return [pose.time_s for pose, height in zip(poses, heights, strict=True) if height <= floor]


@pytest.mark.parametrize("curve", CURVES)
def test_an_orchestra_follows_tapped_beats(curve):
    periods = CURVES[curve]
    score = make_score([], measures=16, quarter_bpm=60 / float(np.median(periods)))
    truth = timings(score, periods)[1]
    jitter = 0.02 * np.random.default_rng(1).standard_normal(65)
    taps = np.concatenate([[truth[0] - periods[0]], truth]) + jitter
    run = follow(score, poll_all(TapSource(), taps.tolist(), truth[-1] + 3.0), drawn=False)
    played = np.array([crossing.time_s for crossing in run.crossings])
    assert [crossing.beat_index for crossing in run.crossings] == list(range(64)), "no beat gained, none lost"
    lag = float(np.median((played - truth)[:32]))
    assert abs(lag) < 0.07
    assert mir_eval.beat.f_measure(truth, played - lag) >= 0.9


def test_the_lowest_points_are_at_the_taps():
    taps = [1.0, 1.6, 2.35, 2.9]
    poses = poll_all(TapSource(), taps, 4.0)
    assert [low for low in lowest_points(poses) if low > 0.999] == pytest.approx(taps, abs=1e-6)
    stamps = [pose.time_s for pose in poses]
    assert all(b > a for a, b in itertools.pairwise(stamps))
    assert all(pose.device == "baton" and pose.valid for pose in poses)


def test_a_tap_told_late_moves_to_where_the_way_has_got_to():
    taps = [1.0, 1.6, 2.2]
    poses = poll_all(TapSource(), taps, 3.0, late_s=0.08)
    lows = [low for low in lowest_points(poses) if low > 1.2]
    assert lows == pytest.approx([tap + 0.08 - HOLD_BACK_S for tap in taps[1:]], abs=0.02)


def test_nothing_comes_before_the_first_tap_and_a_rest_with_it():
    source = TapSource()
    assert source.poll(0.0) == [] and source.poll(5.0) == []
    source.tap(5.005)
    poses = source.poll(5.01)
    resting = [pose.position_m for pose in poses if pose.time_s < 4.9]
    assert len(set(resting)) == 1 and len(resting) > 5
    assert poses[0].time_s < 4.7, "long enough for a rest"


def test_a_pause_is_a_hand_that_stays_up():
    poses = poll_all(TapSource(), [1.0, 1.6, 2.2], 12.0)
    low = min(pose.position_m[1] for pose in poses)
    after = [pose.position_m[1] for pose in poses if pose.time_s > 2.6]
    assert min(after) > low + 0.1
    assert all(b <= a for a, b in itertools.pairwise(after)), "no rise, which would make a lowest point"
    assert len(set(after[-20:])) == 1


def test_one_who_stays_away_is_gone_and_may_come_back():
    source = TapSource()
    poll_all(source, [1.0, 1.6], 3.0)
    for now_s in (50.0, 121.0):
        assert source.poll(now_s)
    assert source.poll(123.0) == []
    source.tap(200.0)
    assert source.poll(200.01)[0].time_s == pytest.approx(199.5, abs=0.04)


def test_bounces_and_nonsense_are_no_taps():
    source = TapSource()
    assert source.tap(1.0)
    assert not source.tap(1.0 + 0.9 * SHORTEST_TAP_S)
    assert not source.tap(0.5)
    assert not source.tap(math.nan) and not source.tap(2.0, math.inf)
    assert source.tap(1.0 + 1.1 * SHORTEST_TAP_S)
    assert source.taps == 2


@pytest.mark.parametrize(("strength", "higher"), [(0.0, False), (1.0, True), (7.0, True)])
def test_strength_is_the_size_of_the_stroke(strength, higher):
    usual, other = (
        max(pose.position_m[1] for pose in poll_all(TapSource(), [1.0, 1.7, 2.4], 3.0, strength=each))
        for each in (0.5, strength)
    )
    assert (other > usual + 0.1) if higher else (other < usual - 0.1)


def test_a_controller_takes_the_place_of_the_strength():
    source = TapSource()
    source.set_level(1.0)
    source.set_level(math.nan)
    loud = max(pose.position_m[1] for pose in poll_all(source, [1.0, 1.7], 3.0, strength=0.0))
    assert loud == max(pose.position_m[1] for pose in poll_all(TapSource(), [1.0, 1.7], 3.0, strength=1.0))


def test_a_stalled_poll_gives_no_flood():
    source = TapSource()
    poll_all(source, [1.0, 1.6], 2.0)
    assert len(source.poll(60.0)) < 40
    source.tap(61.0)
    assert lowest_points(source.poll(61.02))[0] == pytest.approx(61.0, abs=0.01)


def test_taps_come_from_any_thread():
    source = TapSource()
    threads = [
        threading.Thread(target=lambda first=first: [source.tap(first + 0.5 * n) for n in range(50)])
        for first in (0.0, 0.25)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stamps = [pose.time_s for pose in source.poll(1e3)]
    assert stamps == sorted(stamps)
    assert 50 <= source.taps <= 100


def test_after_a_jump_taps_begin_anew():
    performance, source = Performance(make_score([], measures=8, quarter_bpm=85.0)), TapSource()
    performance.take_baton(drawn=False)
    taps, crossed, now_s = [2.0 + 0.7 * n for n in range(6)] + [14.0 + 0.7 * n for n in range(6)], [], 0.0
    while now_s < 20.0:
        if abs(now_s - 11.0) < 0.005:
            performance.jump(12)
            source.restart()
        while taps and taps[0] <= now_s:
            source.tap(taps.pop(0))
        crossed += [crossing.beat_index for crossing in performance.step(now_s, source.poll(now_s)).crossings]
        now_s += 0.01
    assert crossed[:5] == [0, 1, 2, 3, 4]
    assert [index for index in crossed if index >= 12][:5] == [12, 13, 14, 15, 16]
