"""Who conducts when several could: decisions without devices."""

import math

import pytest

from tutti.engine.types import Pose
from tutti.studio.inputs.handover import QUIET_S, Handover, Movement


def baton(time_s, height_m, valid=True, device="baton"):
    return Pose(time_s, device, (0.0, 1.0 + height_m, -0.4), None, valid)


class Stage:
    """Inputs whose heights are functions of time, looked at a hundred times a second."""

    def __init__(self, *names, chosen=None):
        self.movements = {name: Movement() for name in names}
        self.handover = Handover(names, chosen)
        self.now_s = 0.0
        self.decisions = []

    def run(self, until_s, at_rest=False, **heights):
        while self.now_s < until_s:
            for name, height in heights.items():
                place = height(self.now_s) if callable(height) else height
                if place is not None and name in self.movements:
                    self.movements[name].add(baton(self.now_s, place))
            decision = self.handover.decide(self.now_s, self.movements, at_rest)
            if decision is not None:
                self.decisions.append((round(self.now_s, 2), decision.name, decision.reason))
            self.now_s += 0.01
        return self.handover.present


def beating(now_s):
    return 0.15 * math.sin(2 * math.pi * 1.5 * now_s)


def trembling(now_s):
    return 0.004 * math.sin(2 * math.pi * 9.0 * now_s)


def test_the_preferred_one_that_is_there_begins():
    stage = Stage("headset", "osc", "mouse")
    assert stage.run(0.5, mouse=0.0) == "mouse"
    assert stage.decisions == [(0.0, "mouse", "first")]


def test_who_moves_takes_it_from_one_that_never_moved():
    stage = Stage("headset", "mouse")
    assert stage.run(1.0, headset=0.0, mouse=0.0) == "headset"
    assert stage.run(2.0, headset=0.0, mouse=beating) == "mouse"
    assert stage.decisions[-1][2] == "moved" and stage.decisions[-1][0] < 1.2


def test_one_who_beats_is_not_interrupted():
    stage = Stage("osc", "mouse")
    stage.run(2.0, osc=beating, mouse=0.0)
    assert stage.run(10.0, osc=beating, mouse=beating) == "osc"
    assert len(stage.decisions) == 1


def test_a_still_or_absent_one_is_followed_after_a_second():
    for height in (0.0, trembling, None):
        stage = Stage("osc", "mouse")
        stage.run(3.0, osc=beating, mouse=0.0)
        stage.run(8.0, osc=height, mouse=beating)
        ((time_s, name, reason),) = stage.decisions[1:]
        assert (name, reason) == ("mouse", "moved")
        assert time_s == pytest.approx(3.0 + QUIET_S, abs=0.35)


def test_while_the_orchestra_waits_no_second_is_waited():
    stage = Stage("osc", "mouse")
    stage.run(3.0, osc=beating, mouse=0.0)
    stage.run(5.0, at_rest=True, osc=0.0, mouse=beating)
    assert stage.decisions[-1][1] == "mouse" and stage.decisions[-1][0] < 3.7


def test_a_bump_or_tracking_noise_takes_nothing():
    stage = Stage("osc", "mouse")
    stage.run(3.0, osc=beating, mouse=0.0)
    stage.run(12.0, osc=0.0, mouse=lambda now_s: trembling(now_s) + (0.03 if now_s > 6.0 else 0.0))
    assert len(stage.decisions) == 1


def test_one_who_took_it_by_mistake_gives_it_back_at_once():
    stage = Stage("osc", "mouse")
    stage.run(3.0, osc=beating, mouse=0.0)
    stage.run(5.0, osc=0.0, mouse=lambda now_s: 0.08 if 4.5 < now_s < 4.55 else 0.0)
    assert stage.decisions[-1][1] == "mouse", "a shoved mouse during a hold"
    began_s = stage.now_s
    stage.run(7.0, osc=beating, mouse=0.0)
    assert stage.decisions[-1][1] == "osc" and stage.decisions[-1][0] < began_s + 0.4


def test_the_chosen_one_conducts_whatever_the_others_do():
    stage = Stage("osc", "mouse", chosen="mouse")
    assert stage.run(3.0, osc=beating, mouse=0.0) == "mouse"
    stage.handover.chosen = "osc"
    stage.run(3.1, osc=beating, mouse=beating)
    assert stage.decisions[-1][1:] == ("osc", "chosen")
    stage.handover.chosen = None
    assert stage.run(6.0, osc=0.0, mouse=beating) == "mouse"


def test_a_lost_one_is_replaced_by_who_moves_or_is_there():
    stage = Stage("osc", "mouse", "midi")
    stage.run(2.0, osc=beating, mouse=0.0, midi=beating)
    del stage.movements["osc"]
    stage.run(2.5, mouse=0.0, midi=beating)
    assert stage.decisions[-1][1:] == ("midi", "lost")
    del stage.movements["midi"], stage.movements["mouse"]
    stage.run(3.0)
    assert stage.decisions[-1][1:] == (None, "lost")
    assert stage.run(4.0) is None and len(stage.decisions) == 3


def test_nonsense_moves_nothing():
    movement = Movement()
    for pose in (
        baton(0.0, 0.0),
        baton(1.0, math.nan),
        baton(1.1, 5.0, valid=False),
        baton(1.2, 5.0, device="left"),
        baton(-3.0, 5.0),
    ):
        movement.add(pose)
    assert movement.latest_s == 0.0 and movement.moved_s == -math.inf
