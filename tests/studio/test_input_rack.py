"""Several inputs as one: what the orchestra's tracker is told at hand-overs and losses."""

import itertools
import logging
import math

import numpy as np
import pytest
from conducting import timings
from support import make_score

from tutti.engine.conducting.tapping import TapSource
from tutti.engine.conducting.tracking import TakeSource
from tutti.engine.conducting.virtual_conductor import conduct
from tutti.engine.errors import InputError
from tutti.engine.performance import Performance
from tutti.engine.types import Pose
from tutti.studio.inputs.rack import Input, InputRack

SCORE = make_score([], measures=12, quarter_bpm=85.0)


class Scripted:
    """A source that gives the poses a function makes, at 60 Hz; it may break."""

    def __init__(self, place, device="baton"):
        self.place = place
        self.device = device
        self.closed = False
        self.broken = None
        self._next_s = 0.0

    def poll(self, now_s):
        if self.broken is not None:
            raise self.broken
        poses = []
        while self._next_s <= now_s:
            place = self.place(self._next_s)
            if place is not None:
                poses.append(Pose(self._next_s, self.device, place))
            self._next_s += 1 / 60
        return poses

    def close(self):
        self.closed = True


def at(x, y, z=-0.4):
    return lambda now_s: (x, y, z)


def beating(x, y, from_s=0.0, until_s=math.inf):
    def place(now_s):
        if now_s > until_s:
            now_s = until_s
        return (x, y + (0.2 * math.sin(math.pi * 1.5 * (now_s - from_s)) ** 2 if now_s > from_s else 0.0), -0.4)

    return place


def run(rack, until_s, begin_s=0.0, step_s=0.01):
    poses, now_s = [], begin_s
    while now_s < until_s:
        poses += rack.poll(now_s)
        now_s += step_s
    return poses


def batons(poses):
    return [pose for pose in poses if pose.device == "baton"]


def test_one_input_passes_through_unchanged():
    take = conduct(SCORE, timings(SCORE, np.full(48, 0.7)), seed=1)
    told = run(InputRack([Input("take", TakeSource(take))]), take.end_s + 0.1)
    expected = list(TakeSource(take).poll(math.inf))
    assert [pose for pose in told if pose.device != "head"] == [pose for pose in expected if pose.device != "head"]
    assert {pose.device for pose in told} == {"baton", "left", "head"}


def test_a_hand_over_is_no_gesture():
    rack = InputRack(
        [
            Input("osc", Scripted(beating(0.4, 1.6, until_s=2.0))),
            Input("mouse", Scripted(beating(-0.2, 0.9, from_s=4.0))),
        ]
    )
    told = batons(run(rack, 8.0))
    assert [(swap.name, swap.reason) for swap in rack.take_swaps()] == [("osc", "first"), ("mouse", "moved")]
    steps = [math.dist(a.position_m, b.position_m) for a, b in itertools.pairwise(told)]
    assert max(steps) < 0.06, "nothing jumps, though the two batons are 90 cm apart"
    stamps = [pose.time_s for pose in told]
    assert stamps == sorted(set(stamps))
    still = [pose for pose in told if 2.2 < pose.time_s < 3.95]
    assert max(math.dist(pose.position_m, still[0].position_m) for pose in still) < 1e-9
    begun = [pose.time_s for pose in told if pose.time_s > 3.9 and pose.position_m[1] > still[0].position_m[1] + 0.01]
    assert begun[0] < 4.15, "the new baton's movement is told from its beginning"


def test_the_difference_of_place_is_let_go_while_the_baton_moves():
    rack = InputRack(
        [Input("osc", Scripted(beating(0.4, 1.6, until_s=2.0))), Input("mouse", Scripted(beating(-0.2, 0.9, 4.0)))]
    )
    far, near, there = (
        abs(batons(run(rack, until_s, begin_s))[-1].position_m[0] + 0.2)
        for begin_s, until_s in ((0.0, 8.0), (8.0, 40.0), (40.0, 90.0))
    )
    assert far > near > there < 0.01


def test_the_count_goes_on_through_a_hand_over():
    """A conductor beats eight bars by one input, rests, and goes on by another: no beat gained, none lost."""
    periods = np.full(48, 0.7)
    periods[31] = 4.0
    take = conduct(SCORE, timings(SCORE, periods), seed=4)
    truth = timings(SCORE, periods)[1] + float(take.metadata["offset_s"])
    turn_s = truth[31] + 1.6

    def part(first_s, last_s, shift):
        poses = take.of("baton")
        times = np.array([pose.time_s for pose in poses])
        places = np.array([pose.position_m for pose in poses])

        def place(now_s):
            now_s = min(max(now_s, first_s), last_s)
            x, y, z = (float(np.interp(now_s, times, places[:, axis])) for axis in range(3))
            return (x + shift, y - shift, z)

        return place

    rack = InputRack([Input("osc", Scripted(part(0.0, turn_s, 0.0))), Input("mouse", Scripted(part(turn_s, 1e9, 0.4)))])
    performance, crossings, now_s, conducted = Performance(SCORE), [], 0.0, []
    while now_s < take.end_s:
        poses = rack.poll(now_s)
        for swap in rack.take_swaps():
            conducted.append(swap.name)
            performance.take_baton()
        crossings += performance.step(now_s, poses).crossings
        now_s += 0.01
    assert conducted == ["osc", "mouse"]
    assert [crossing.beat_index for crossing in crossings] == list(range(48))
    errors = np.abs([crossing.time_s for crossing in crossings] - truth)
    assert np.median(errors[32:]) < 0.05 and np.max(errors[33:]) < 0.12


def test_two_batons_are_never_mixed():
    rack = InputRack([Input("osc", Scripted(beating(0.0, 1.2))), Input("mouse", Scripted(beating(0.0, 0.5, 0.33)))])
    told = batons(run(rack, 10.0))
    assert min(pose.position_m[1] for pose in told) > 1.1


def test_a_broken_input_is_reported_in_one_line_and_another_takes_over(caplog):
    osc, mouse = Scripted(beating(0.0, 1.2)), Scripted(beating(0.0, 1.0, from_s=3.0))
    rack = InputRack([Input("osc", osc), Input("mouse", mouse)])
    run(rack, 2.0)
    osc.broken = InputError("OSC: the network failed")
    with caplog.at_level(logging.WARNING):
        told = run(rack, 5.0, begin_s=2.0)
    assert osc.closed and rack.names == ("mouse",) and rack.conducting == "mouse"
    assert [record.getMessage() for record in caplog.records] == [
        "osc is lost (OSC: the network failed): go on with mouse"
    ]
    assert batons(told)[-1].time_s > 4.9
    rack.close()
    assert mouse.closed


def test_a_dead_input_and_the_last_one():
    alive = [True]
    rack = InputRack([Input("headset", Scripted(at(0, 1)), lambda: alive[0])])
    run(rack, 1.0)
    alive[0] = False
    assert run(rack, 1.5, begin_s=1.0) == []
    assert rack.names == () and rack.conducting is None
    assert [(swap.name, swap.reason) for swap in rack.take_swaps()] == [("headset", "first"), ("", "lost")]


def test_the_round_of_choices():
    rack = InputRack([Input("osc", Scripted(at(0, 1))), Input("mouse", Scripted(at(0, 1)))])
    assert [rack.choose_next() for _ in range(4)] == ["osc", "mouse", None, "osc"]
    rack.choose("trombone")
    assert rack.chosen is None
    rack.choose("mouse")
    run(rack, 0.1)
    assert rack.conducting == "mouse"


def test_the_head_is_seen_while_another_input_conducts():
    source = Scripted(at(0.0, 1.7, 0.0), "head")
    rack = InputRack([Input("taps", TapSource()), Input("osc", source)])
    told = run(rack, 2.0)
    heads = [pose for pose in told if pose.device == "head"]
    assert len(heads) == pytest.approx(120, abs=3)
    assert [pose.time_s for pose in heads] == sorted({pose.time_s for pose in heads})


def test_a_still_baton_among_others_is_told_late_but_not_so_late_that_the_orchestra_coasts():
    rack = InputRack([Input("osc", Scripted(at(0, 1.2))), Input("mouse", Scripted(at(0, 1.0)))])
    now_s, latest_s = 0.0, 0.0
    while now_s < 4.0:
        for pose in rack.poll(now_s):
            latest_s = pose.time_s
        if now_s > 1.0:
            assert 0.1 < now_s - latest_s < 0.2
        now_s += 0.01
