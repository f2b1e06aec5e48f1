"""A gamepad's stick as the baton: the mapping, and devices that come and go."""

import itertools
import logging
import math
from types import SimpleNamespace

import pytest
from panda3d.core import InputDevice

from tutti.engine.conducting.tracking import PointerSource
from tutti.scenes.gamepad import DEAD_ZONE, GamepadTap, StickMap

AXIS = InputDevice.Axis


class Pad:
    """What of Panda3D's ``InputDevice`` is used."""

    def __init__(self, name, this, **axes):
        self.name, self.this, self.connected = name, this, True
        self.axes = {getattr(AXIS, axis): value for axis, value in axes.items()}
        self.polled = 0

    def poll(self):
        self.polled += 1

    def find_axis(self, axis):
        return SimpleNamespace(known=axis in self.axes, value=self.axes.get(axis, 0.0))


class Manager:
    def __init__(self, *pads):
        self.pads = list(pads)

    def update(self):
        pass

    def get_devices(self, kind):
        return list(self.pads) if kind == InputDevice.DeviceClass.gamepad else []


def test_a_stick_at_rest_is_the_middle_and_its_reach_grows_with_the_trigger():
    stick = StickMap()
    assert stick.place(0.0, 0.0) == (0.0, 0.0)
    assert stick.place(0.9 * DEAD_ZONE, 0.0) == (0.0, 0.0)
    assert stick.place(0.0, 1.0) == pytest.approx((0.0, 0.6))
    assert stick.place(0.0, -1.0, larger=1.0) == pytest.approx((0.0, -1.0))
    assert math.hypot(*stick.place(1.0, 1.0)) == pytest.approx(0.6), "the corner of a square stick"


def test_the_way_from_the_middle_is_even():
    reached = [StickMap().place(0.0, 0.01 * n)[1] for n in range(101)]
    steps = [b - a for a, b in itertools.pairwise(reached)]
    assert min(steps) >= 0.0 and max(steps) < 0.01


def test_the_other_trigger_holds_the_hand():
    stick = StickMap()
    held = stick.place(0.0, 0.8, hold=1.0)
    assert stick.place(0.0, -1.0, hold=0.9) == held
    assert stick.place(0.0, -1.0, hold=0.0) == pytest.approx((0.0, -0.6))


def test_the_stick_furthest_from_its_middle_conducts():
    pointer = PointerSource()
    resting, beating = Pad("a", 1, left_x=0.02, left_y=0.01), Pad("b", 2, right_x=0.0, right_y=1.0, left_y=-0.1)
    tap = GamepadTap(pointer, lambda: 1.0, Manager(resting, beating))
    assert tap.collect() and tap.plugged == 2 and resting.polled == beating.polled == 1
    (pose,) = pointer.poll(2.0)
    assert pose.position_m[1] == pytest.approx(1.15 + 0.6 * 0.35)


def test_a_gamepad_may_be_unplugged_and_come_back(caplog):
    pointer, manager = PointerSource(), Manager()
    tap = GamepadTap(pointer, lambda: 1.0, manager)
    assert not tap.collect() and pointer.poll(9.0) == []
    pad = Pad("Pro Controller", 7, left_x=1.0)
    manager.pads.append(pad)
    assert tap.collect()
    with caplog.at_level(logging.WARNING):
        manager.pads.clear()
        assert not tap.collect() and not tap.collect()
    assert [record.getMessage() for record in caplog.records] == [
        "the gamepad Pro Controller is gone; plug it in again, or conduct otherwise"
    ]
    manager.pads.append(pad)
    assert tap.collect()


def test_panda3ds_own_manager_has_what_is_used():
    tap = GamepadTap(PointerSource(), lambda: 0.0)
    assert tap.collect() == (tap.plugged > 0)
