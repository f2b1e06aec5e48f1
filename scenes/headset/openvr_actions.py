"""Poses, buttons, triggers, fingers and ticks through OpenVR's action system: what people may bind anew to any
controller.

The manifest and a binding file for each kind of controller are in ``assets/openvr``. The pose actions ``baton`` and
``lefthand`` are bound to the right and the left controller; people may bind them to a tracker instead.
"""

import os
from pathlib import Path
from typing import Any, get_args

import openvr

from .openvr_interfaces import interface
from .openvr_messages import Button, Hand, Press

ACTION_SET = "/actions/conduct"
APP_KEY = "tutti.studio"
TICK_HZ = 160.0
"""Frequency of a tick: in the middle of what the actuators of common controllers do well."""
BONES = 31
"""Of OpenVR's skeleton of a hand: root, wrist, 24 joints of fingers, 5 helpers."""
_POSES: dict[Hand, str] = {"right": "baton", "left": "lefthand"}


def introduce(app_manifest: Path) -> None:
    """Tell the runtime our name, under which it keeps what people bind; else that is Python's.

    Call it once OpenVR runs and before there are actions. Raises one of ``REFUSED`` where the runtime refuses.
    """
    applications = interface(openvr.IVRApplications)
    applications.addApplicationManifest(str(app_manifest), True)  # temporary: gone when the runtime closes
    applications.identifyApplication(os.getpid(), APP_KEY)


class HeadsetActions:
    """The actions of the manifest, once OpenVR runs. One thread at a time.

    ``update`` comes before everything that is read. Everything raises one of ``REFUSED`` where the runtime refuses.
    """

    def __init__(self, manifest: Path) -> None:
        self._input = interface(openvr.IVRInput)
        self._input.setActionManifestPath(str(manifest))
        self._sets = (openvr.VRActiveActionSet_t * 1)()
        self._sets[0].ulActionSet = self._input.getActionSetHandle(ACTION_SET)
        handle, source = self._input.getActionHandle, self._input.getInputSourceHandle
        self._poses = {hand: handle(f"{ACTION_SET}/in/{name}") for hand, name in _POSES.items()}
        self._aims = {hand: handle(f"{ACTION_SET}/in/aim_{hand}") for hand in get_args(Hand)}
        self._buttons: dict[Button, Any] = {name: handle(f"{ACTION_SET}/in/{name}") for name in get_args(Button)}
        self._dynamics = handle(f"{ACTION_SET}/in/dynamics")
        self._haptic = handle(f"{ACTION_SET}/out/haptic")
        self._hands: dict[Hand, Any] = {hand: source(f"/user/hand/{hand}") for hand in get_args(Hand)}
        self._skeletons: dict[Hand, Any] = {hand: handle(f"{ACTION_SET}/in/fingers_{hand}") for hand in get_args(Hand)}
        self._bones = (openvr.VRBoneTransform_t * BONES)()

    def update(self) -> bool:
        """Take over the present state of all actions; True."""
        self._input.updateActionState(self._sets)
        return True

    def pose(self, hand: Hand, universe: int) -> Any | None:
        """The ``TrackedDevicePose_t`` of what is bound to the hand, now; None where nothing is, or it sleeps."""
        data = self._input.getPoseActionDataRelativeToNow(self._poses[hand], universe, 0.0, 0)
        return data.pose if data.bActive else None

    def shown_pose(self, hand: Hand, universe: int) -> Any | None:
        """The same, where it will be when the picture that is drawn now is seen (after ``waitGetPoses``)."""
        data = self._input.getPoseActionDataForNextFrame(self._poses[hand], universe, 0)
        return data.pose if data.bActive else None

    def aim(self, hand: Hand, universe: int) -> Any | None:
        """The ``TrackedDevicePose_t`` of the hand's tip, which points; None where there is none."""
        data = self._input.getPoseActionDataRelativeToNow(self._aims[hand], universe, 0.0, 0)
        return data.pose if data.bActive else None

    def shown_aim(self, hand: Hand, universe: int) -> Any | None:
        """The same, where it will be when the picture that is drawn now is seen."""
        data = self._input.getPoseActionDataForNextFrame(self._aims[hand], universe, 0)
        return data.pose if data.bActive else None

    def buttons(self, now_s: float) -> tuple[list[Press], dict[Hand, set[Button]]]:
        """Buttons that changed with the last ``update``, stamped by when they did, and those that each hand holds."""
        changed: list[Press] = []
        held: dict[Hand, set[Button]] = {hand: set() for hand in self._hands}
        for button, action in self._buttons.items():
            for hand, source in self._hands.items():
                data = self._input.getDigitalActionData(action, source)
                if not data.bActive:
                    continue
                if data.bState:
                    held[hand].add(button)
                if data.bChanged:
                    changed.append(Press(now_s + min(0.0, data.fUpdateTime), button, hand, bool(data.bState)))
        return changed, held

    def dynamics(self, hand: Hand) -> float | None:
        """How far the hand's trigger is pulled, 0–1; None where the controller sleeps."""
        data = self._input.getAnalogActionData(self._dynamics, self._hands[hand])
        return min(1.0, max(0.0, float(data.x))) if data.bActive else None

    def fingers(self, hand: Hand) -> Any | None:
        """The ``BONES`` of the hand, each from the hand's raw pose (``VRBoneTransform_t``); None without a skeleton.

        The array is the same at each call.
        """
        action = self._skeletons[hand]
        if not self._input.getSkeletalActionData(action).bActive:
            return None
        return self._input.getSkeletalBoneData(
            action, openvr.VRSkeletalTransformSpace_Model, openvr.VRSkeletalMotionRange_WithoutController, self._bones
        )

    def tick(self, hand: Hand, amplitude: float, duration_s: float) -> None:
        """A short vibration of the hand's controller."""
        self._input.triggerHapticVibrationAction(
            self._haptic, 0.0, duration_s, TICK_HZ, min(1.0, max(0.0, amplitude)), self._hands[hand]
        )
