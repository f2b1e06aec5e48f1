"""The place in the bar, as read, puts a count right; the beats that are told are those that are counted."""

import numpy as np

from tutti.engine.conducting.bar_place import BarPlace
from tutti.engine.conducting.beat_figures import Style
from tutti.engine.conducting.beat_hypotheses import Hypothesis
from tutti.engine.conducting.gesture_features import METERS
from tutti.engine.conducting.gesture_reader import UNTIL_MIDDLES_S, Reading
from tutti.engine.conducting.ictus import IctusDetector
from tutti.engine.conducting.meter_map import MeterMap
from tutti.engine.conducting.profile import ConductorProfile
from tutti.engine.conducting.tempo import TempoTracker
from tutti.engine.conducting.tracking import TakeSource
from tutti.engine.conducting.virtual_conductor import conduct
from tutti.engine.performance import Performance
from tutti.engine.plain_score import plain_score, score_of_bars

METER = MeterMap.of(plain_score((1.0,) * 4, 8, 80.0))


def readings(beat: int, time_s: float, sure: float = 0.97) -> list[Reading]:
    """The last readings before an ictus at ``time_s``: this beat of the bar of four comes."""
    places = np.zeros(METERS, np.float32)
    places[:4] = (1.0 - sure) / 3.0
    places[beat] = sure
    until = np.full(len(UNTIL_MIDDLES_S), 1.0 / len(UNTIL_MIDDLES_S), np.float32)
    return [Reading(time_s - 0.02 * n, 0.0, until, places, 1.0, 4) for n in range(15, 0, -1)]


def account(index: int, time_s: float = 1.0) -> Hypothesis:
    return Hypothesis(index, time_s, time_s, 0.75, (0.001, 0.0, 0.01), icti={index: time_s})


def test_a_first_beat_that_went_by_unseen_is_counted_once_two_readings_say_so() -> None:
    place = BarPlace(METER)
    place.read(readings(1, 1.0), 1.0, 0.75)
    accounts = place.beginnings(account(0))
    assert [begun.index for begun in accounts] == [0, 1, 2]
    assert accounts[1].icti == {1: 1.0}
    place.read(readings(2, 1.75), 1.75, 0.75)
    first, second = (begun.log_weight + place.log_place(begun.index + 1) for begun in accounts[:2])
    assert second > first + 2.0
    place.read(readings(0, 1.0), 1.0, 0.75)
    assert place.beginnings(account(0))[1].log_weight < -5.0


def counted(place: BarPlace, slip: int, beats: int, log_rival: float | None = -4.0) -> int:
    """How far the count was put right while the bar went on ``slip`` beats away from it. At the first of the beats
    another account, which counted so, was this likely."""
    moved = 0
    for index in range(1, beats + 1):
        before, accounts = account(index - 1), [account(index, 0.75 * index)]
        if index == 1 and log_rival is not None:
            rival = account(index + slip, 0.75 * index)
            rival.log_weight = log_rival
            accounts.append(rival)
        place.read(readings((index + slip) % 4, 0.75 * index), 0.75 * index, 0.75)
        moved += place.put_right(accounts, before, ConductorProfile())[0].index - index
        if moved:
            break
    return moved


def test_a_count_that_disagrees_with_the_bar_for_some_beats_follows_it() -> None:
    assert counted(BarPlace(METER), 1, 8) == 1
    assert counted(BarPlace(METER), -1, 8) == -1
    assert counted(BarPlace(METER), 0, 8) == 0


def test_a_hand_that_is_read_a_beat_off_moves_no_count_that_was_never_in_doubt() -> None:
    for slip in (-1, 1):
        assert counted(BarPlace(METER), slip, 16, log_rival=None) == 0
        assert counted(BarPlace(METER), slip, 16, log_rival=-16.0) == 0


def test_a_hand_that_was_read_a_beat_off_for_bars_is_known_to_be() -> None:
    place = BarPlace(METER)
    assert counted(place, 1, 8) == 1, "nothing is known of it"
    place = BarPlace(METER)
    assert counted(place, 1, 28, log_rival=None) == 0
    assert counted(place, 1, 8) == 0, "it is read as always, whatever else may have been counted"
    place.change_hand()
    assert counted(place, 1, 8) == 1, "what one hand is read as says nothing of another"


def test_after_a_gap_of_the_tracking_the_count_is_in_doubt() -> None:
    place = BarPlace(METER)
    place.lose_sight()
    assert counted(place, 1, 8, log_rival=None) == 1


def test_one_misreading_moves_nothing() -> None:
    assert counted(BarPlace(METER), 1, 1) == 0


def test_beats_of_another_meter_are_not_compared() -> None:
    place = BarPlace(MeterMap.of(score_of_bars([(1.0,) * 4, (1.0,) * 3] * 4, [(0.0, 80.0)])))
    place.lose_sight()
    last_of_four = account(3)
    for _ in range(20):
        place.read(readings(0, 1.0, 0.999), 1.0, 0.75)
        assert place.put_right([last_of_four], account(2), ConductorProfile())[0].index == 3


def test_in_one_the_bar_says_nothing() -> None:
    place = BarPlace(MeterMap.of(plain_score((1.0,), 8, 80.0)))
    place.read(readings(0, 1.0), 1.0, 0.75)
    assert place.log_place(3) == 0.0


def test_the_beats_told_are_those_counted_also_where_the_hand_has_no_lowest_points() -> None:
    score = plain_score((1.0,) * 4, 8, 80.0)
    given = score.beats["quarter"].astype(float), 3.0 + 0.75 * np.arange(len(score.beats))
    take = conduct(score, given, seed=2, rate_hz=60.0, style=Style(manner="upward", jitter_s=0.01))
    performance, source = Performance(score), TakeSource(take)
    frames = []
    for step in range(int((take.end_s - take.start_s) / 0.01)):
        now_s = take.start_s + 0.01 * step
        frames.append(performance.step(now_s, source.poll(now_s)))
    performance.close()
    told = [beat.beat_index for frame in frames for beat in frame.beats if beat.beat_index >= 0]
    assert told == sorted(set(told))
    assert len(told) >= len(score.beats) - 1
    assert all(beat.detected_s >= beat.time_s for frame in frames for beat in frame.beats)


def test_the_network_is_told_the_meter_and_the_mark_of_the_next_beat() -> None:
    quarter = (1.0,)
    score = score_of_bars([4 * quarter] * 3 + [3 * quarter] * 4 + [5 * quarter] * 2, [(0.0, 80.0), (12.0, 100.0)])
    periods_s = np.where(np.arange(len(score.beats)) < 12, 0.75, 0.6)
    take = conduct(score, (score.beats["quarter"].astype(float), 3.0 + np.cumsum(periods_s)), seed=1)
    tracker, ictus, meter = TempoTracker(score), IctusDetector(), MeterMap.of(score)
    counted = set()
    for pose in take.of("baton"):
        before, estimate = tracker.estimate, tracker.step(pose, ictus.step(pose, tracker.estimate))
        if before is None or estimate is None or before.beat_index != estimate.beat_index:
            continue
        coming, reading = estimate.beat_index + 1, tracker._readings.latest
        if estimate.beat_index >= 0 and reading is not None and reading.time_s > estimate.time_s - 0.01:
            counted.add(estimate.beat_index)
            assert reading.beats_in_bar == meter.key(coming)[0]
    assert counted == set(range(len(score.beats)))
