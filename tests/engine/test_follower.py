"""The playhead alone: under tempo estimates made by hand."""

from dataclasses import replace

import numpy as np
import pytest
from support import make_score

from tutti.engine.conducting.follow_style import FollowStyle
from tutti.engine.conducting.follower import Follower, match_icti
from tutti.engine.types import Beat, Sign, TempoEstimate

SCORE = make_score([], measures=8, beat_quarter=0.5)
PERIOD = 0.6


def estimate(now_s: float, period_s: float = PERIOD, stopped: bool = False) -> TempoEstimate:
    """A conductor in strict time whose beat 0 is at 1 s."""
    index = int((now_s - 1.0) // period_s)
    return TempoEstimate(now_s, index, 1.0 + index * period_s, period_s, 1.0 + (index + 1) * period_s, 1.0, stopped)


def play(follower: Follower, until_s: float, step_s: float = 0.01, start_s: float = 0.0, tempo=estimate):
    positions, crossings = [], []
    for now_s in np.arange(start_s, until_s, step_s):
        given = tempo(now_s) if now_s >= 0.4 else None
        position, crossed = follower.step(float(now_s), given)
        positions.append(position)
        crossings += crossed
    return positions, crossings


def test_it_waits_then_plays_in_time_and_ends():
    positions, crossings = play(Follower(SCORE, response_s=0.0), 22.0)
    assert [c.beat_index for c in crossings] == list(range(32))
    assert [c.time_s for c in crossings] == pytest.approx(1.0 + PERIOD * np.arange(32), abs=0.02)
    assert [c.quarter for c in crossings] == pytest.approx(0.5 * np.arange(32))
    assert positions[0].state == "waiting"
    assert positions[60].state == "preparing"
    assert positions[500].state == "playing"
    assert positions[-1].state == "ended"
    last = SCORE.beats[-1]
    assert int(positions[-1].beat_in_measure) == last["beat"] == last["beats_in_measure"], "no bar has a beat more"
    assert positions[500].quarter_rate == pytest.approx(0.5 / PERIOD, rel=0.1)
    assert positions[500].bpm == pytest.approx(100.0)


@pytest.mark.parametrize("step_s", [0.002, 0.016, 0.1, 0.35])
def test_the_step_does_not_matter(step_s):
    _, crossings = play(Follower(SCORE), 12.0, step_s)
    assert [c.time_s for c in crossings[1:15]] == pytest.approx(
        1.0 + PERIOD * np.arange(1, 15), abs=0.03 + 0.5 * step_s
    )


def test_when_is_monotone_and_right():
    follower = Follower(SCORE)
    assert follower.when(0.0) is None
    play(follower, 5.005)
    now = 5.0
    asked = [follower.when(q) for q in np.arange(0.0, 8.0, 0.01)]
    assert None not in asked
    assert np.all(np.diff(asked) >= 0)
    assert asked[0] == now
    assert follower.when(4.0) == pytest.approx(1.0 + 8 * PERIOD, abs=0.02)
    _, crossings = play(follower, 6.5, start_s=5.01)
    assert crossings[0].quarter == 3.5


def test_a_beat_that_is_put_off_again_and_again_is_never_told_to_be_at_hand():
    """A hand that is held up: the next beat is always expected half a second from now, and nothing may sound."""
    follower = Follower(SCORE)
    play(follower, 4.0)
    due = estimate(4.0).beat_index + 1
    for now_s in np.arange(4.0, 8.0, 0.01):
        put_off = replace(estimate(4.0), time_s=float(now_s), next_beat_s=float(now_s) + 0.5)
        follower.step(float(now_s), put_off)
        told_s = follower.when(0.5 * due)
        assert follower.beat < due
        assert told_s is None or told_s >= now_s + 0.45


def test_it_waits_before_a_beat_that_does_not_come_and_goes_on_without_a_jump():
    follower = Follower(SCORE)
    play(follower, 4.0)

    def held(now_s):
        return TempoEstimate(now_s, 4, 1.0 + 4 * PERIOD, PERIOD, now_s + 0.2, 0.2, True)

    positions, crossings = play(follower, 12.0, start_s=4.0, tempo=held)
    assert not [c for c in crossings if c.beat_index > 4]
    assert 4.9 < positions[-1].beat < 5.0
    assert positions[-1].state == "stopped"
    assert follower.when(2.5) is None

    def resumed(now_s):
        index = 5 + int((now_s - 12.0) // PERIOD)
        return TempoEstimate(now_s, index, 12.0 + (index - 5) * PERIOD, PERIOD, 12.0 + (index - 4) * PERIOD, 1.0)

    positions, crossings = play(follower, 15.0, start_s=12.0, tempo=resumed)
    assert [c.beat_index for c in crossings] == [5, 6, 7, 8, 9]
    assert crossings[0].time_s < 12.08
    steps = np.diff([p.beat for p in positions])
    assert steps.min() >= 0 and steps.max() <= 0.011 * 2.5 / PERIOD


def test_without_tracking_it_coasts_then_waits():
    follower = Follower(SCORE)
    play(follower, 4.0)
    last = estimate(4.0)
    positions, crossings = play(follower, 20.0, start_s=4.0, tempo=lambda now_s: last)
    assert positions[150].state == "coasting"
    assert [c.time_s for c in crossings[:3]] == pytest.approx([4.0, 4.6, 5.2], abs=0.03)
    assert positions[-1].state == "stopped"
    assert positions[-1].beat == pytest.approx(positions[-200].beat)
    assert positions[-1].beat < 15


def test_a_clock_that_goes_back_stops_the_playhead():
    follower = Follower(SCORE)
    play(follower, 4.0)
    before = follower.beat
    position, crossings = follower.step(1.0, estimate(4.0))
    assert (position.beat, crossings) == (before, ())


def test_icti_are_matched_to_crossings_afterwards():
    _, crossings = play(Follower(SCORE), 4.0)
    beats = [Beat(1.02, 1.1, 0, 0.3, 1.0), Beat(1.35, 1.4, 1, 0.05, 0.2), Beat(1.61, 1.7, 1, 0.3, 1.0)]
    matched = match_icti(crossings, beats)
    assert [c.ictus_s for c in matched[:3]] == [1.02, 1.61, None]


def test_a_start_within_the_score():
    _, crossings = play(Follower(SCORE, start_beat=4), 9.0)
    assert crossings[0].beat_index == 4
    assert crossings[0].time_s == pytest.approx(1.0 + 4 * PERIOD, abs=0.02)


def test_a_hold_keeps_the_present_sound_until_the_next_beat():
    follower = Follower(SCORE)
    play(follower, 4.2)
    held = estimate(4.2)
    position, _ = follower.step(4.2, held, (Sign(4.2, "hold"),))
    assert position.state == "holding"
    for now_s in np.arange(4.2, 14.0, 0.01):
        still = TempoEstimate(now_s, held.beat_index, held.beat_s, PERIOD, now_s + 0.1, 0.5)
        position, crossings = follower.step(float(now_s), still)
        assert crossings == ()
    assert position.state == "holding"
    assert position.beat < held.beat_index + 1
    again = TempoEstimate(14.0, held.beat_index + 1, 13.95, PERIOD, 14.55, 1.0)
    states = {follower.step(14.0 + 0.01 * n, again)[0].state for n in range(20)}
    assert states == {"playing"}


def test_a_cut_off_stops_at_once_and_the_next_beat_goes_on():
    follower = Follower(SCORE)
    play(follower, 4.2)
    cut = estimate(4.2)
    position, _ = follower.step(4.2, cut, (Sign(4.2, "cut_off"),))
    assert position.state == "stopped"
    assert follower.when(position.quarter + 0.1) is None
    stays, _ = follower.step(6.0, TempoEstimate(6.0, cut.beat_index, cut.beat_s, PERIOD, 6.1, 0.5))
    assert (stays.state, stays.beat) == ("stopped", position.beat)
    _, crossings = play(
        follower,
        8.0,
        start_s=6.0,
        tempo=lambda now_s: TempoEstimate(now_s, cut.beat_index + 1, 6.0, PERIOD, 6.0 + PERIOD, 1.0),
    )
    assert crossings[0].beat_index == cut.beat_index + 1


@pytest.mark.parametrize(
    ("sign", "tracked", "at_most_s"), [("hold", False, 4.0), ("hold", True, 13.0), ("cut_off", True, 0.0)]
)
def test_a_sign_on_the_last_beat_is_the_end(sign: str, tracked: bool, at_most_s: float) -> None:
    follower = Follower(SCORE)
    last = len(SCORE.beats) - 1
    play(follower, 1.0 + last * PERIOD + 0.1)
    now_s = 1.0 + last * PERIOD + 0.1
    tempo = TempoEstimate(now_s, last, now_s - 0.1, PERIOD, now_s + PERIOD - 0.1, 0.5)
    position, _ = follower.step(now_s, tempo, (Sign(now_s, sign),))
    assert position.state == ("ended" if sign == "cut_off" else "holding")
    for later_s in np.arange(now_s, now_s + at_most_s + 2.0, 0.01):
        seen_s = float(later_s) if tracked else now_s
        position, _ = follower.step(float(later_s), TempoEstimate(seen_s, last, now_s - 0.1, PERIOD, seen_s + 0.1, 0.5))
        if sign == "hold" and later_s < now_s + 1.5:
            assert position.state == "holding"
    assert position.state == "ended"


def test_a_sign_to_one_section_is_not_for_the_playhead():
    follower = Follower(SCORE)
    play(follower, 4.0)
    assert follower.step(4.0, estimate(4.0), (Sign(4.0, "hold", "violin"),))[0].state == "playing"


def test_the_first_chord_is_announced_ahead_and_begins_on_time():
    follower = Follower(SCORE)
    coming = TempoEstimate(0.9, -1, 0.4, PERIOD, 1.0, 0.6)
    position, _ = follower.step(0.9, coming)
    assert position.state == "preparing"
    assert follower.when(0.0) == pytest.approx(1.0)
    assert follower.when(0.5) == pytest.approx(1.0 + PERIOD)
    crossings = [c for n in range(12) for c in follower.step(0.9 + 0.01 * n, coming)[1]]
    assert [(c.beat_index, round(c.time_s, 3)) for c in crossings] == [(0, 1.0)]


def test_an_unclear_beat_moves_a_forgiving_orchestra_less():
    def wavering(now_s):
        index = int((now_s - 1.0) // PERIOD)
        begin = 1.0 + index * PERIOD
        period = PERIOD * (1.25 if index % 2 else 0.8)
        return TempoEstimate(now_s, index, begin, period, begin + period, 0.1)

    spread = {}
    for forgiveness in (0.0, 1.0):
        positions, _ = play(Follower(SCORE, 0.0, FollowStyle(forgiveness)), 12.0, tempo=wavering)
        spread[forgiveness] = np.std([p.bpm for p in positions[400:]])
    assert spread[1.0] < 0.6 * spread[0.0]
