"""A gamepad's stick as the baton: where the stick is, the hand is; the triggers make the gesture larger, or hold it."""

import logging
import math
from collections.abc import Callable
from typing import Any

from panda3d.core import InputDevice, InputDeviceManager

from ..engine.conducting.tracking import PointerSource

log = logging.getLogger(__name__)

DEAD_ZONE = 0.10
"""Sticks rest this far from their middle, as wear and springs have it."""
USUAL_REACH = 0.6
"""How far in the pointer's plane a full stick goes; the right trigger takes it to 1."""
HOLD_FROM = 0.5
"""The left trigger holds the hand where it is, from here on."""
_KINDS = (InputDevice.DeviceClass.gamepad, InputDevice.DeviceClass.flight_stick)
_STICKS = (
    (InputDevice.Axis.right_x, InputDevice.Axis.right_y),
    (InputDevice.Axis.left_x, InputDevice.Axis.left_y),
    (InputDevice.Axis.roll, InputDevice.Axis.pitch),
    (InputDevice.Axis.x, InputDevice.Axis.y),
)
_TRIGGERS = (InputDevice.Axis.right_trigger, InputDevice.Axis.left_trigger)


class StickMap:
    """From stick and triggers to the pointer's plane (−1…1). Pure; one instance per gamepad."""

    def __init__(self) -> None:
        self._held: tuple[float, float] | None = None

    def place(self, x: float, y: float, larger: float = 0.0, hold: float = 0.0) -> tuple[float, float]:
        """``x``, ``y`` −1…1 (right, up), ``larger`` and ``hold`` the triggers 0…1; where the hand is."""
        length = math.hypot(x, y)  # the corners of a square stick are beyond 1
        free = max(0.0, min(1.0, length) - DEAD_ZONE) / (1.0 - DEAD_ZONE)
        reach = USUAL_REACH + (1.0 - USUAL_REACH) * min(1.0, max(0.0, larger))
        factor = reach * free / length if length > 0.0 else 0.0
        place = (factor * x, factor * y)
        if hold < HOLD_FROM:
            self._held = None
            return place
        if self._held is None:
            self._held = place
        return self._held


class GamepadTap:
    """Feeds every gamepad that is or will be plugged in into a ``PointerSource``; call ``collect`` once a frame.

    Of several sticks and gamepads the one that is furthest from its middle is the hand. ``devices`` is for tests;
    Panda3D's own manager knows the machine's (evdev on Linux, XInput on Windows, IOKit on macOS).
    """

    def __init__(
        self, source: PointerSource, now_s: Callable[[], float], devices: InputDeviceManager | None = None
    ) -> None:
        self._source = source
        self._now_s = now_s
        self._manager = devices or InputDeviceManager.get_global_ptr()
        self._known: dict[int, tuple[Any, StickMap]] = {}

    @property
    def plugged(self) -> int:
        """How many gamepads are there."""
        return len(self._known)

    def collect(self) -> bool:
        """Pass on where the stick is; False without a gamepad."""
        self._manager.update()
        there = [device for kind in _KINDS for device in self._manager.get_devices(kind) if device.connected]
        self._greet(there)
        furthest, place = -1.0, None
        for device in there:
            device.poll()
            x, y = max((_stick(device, *axes) for axes in _STICKS), key=lambda at: math.hypot(*at))
            larger, hold = (_axis(device, axis) for axis in _TRIGGERS)
            reached = math.hypot(x, y)
            mapped = self._known[device.this][1].place(x, y, larger, hold)
            if reached > furthest:
                furthest, place = reached, mapped
        if place is None:
            return False
        self._source.push(*place, self._now_s())
        return True

    def _greet(self, there: list[Any]) -> None:
        for device in there:
            if device.this not in self._known:
                self._known[device.this] = (device, StickMap())
                log.info("gamepad: %s", device.name)
        present = {device.this for device in there}
        for key in [key for key in self._known if key not in present]:
            device, _ = self._known.pop(key)
            log.warning("the gamepad %s is gone; plug it in again, or conduct otherwise", device.name)


def _stick(device: Any, across: Any, up: Any) -> tuple[float, float]:
    return _axis(device, across), _axis(device, up)


def _axis(device: Any, axis: Any) -> float:
    state = device.find_axis(axis)
    return float(state.value) if state.known else 0.0
