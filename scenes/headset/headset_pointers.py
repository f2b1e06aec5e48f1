"""Rays of a headset's hands, as the interaction in the hall takes them."""

import threading
from collections import deque
from collections.abc import Sequence

from ...engine.interaction.values import Pointer
from ...engine.transforms import rotate, tracking_to_hall, tracking_to_hall_quaternion
from ...engine.types import Pose, Vector
from .openvr_messages import Grip, Hand

WHO = "headset"
AHEAD: Vector = (0.0, 1.0, 0.0)
"""Where a device points along, hall axes: −Z of its own frame."""
EYE_M: Vector = (0.0, 0.0, 1.85)
MOST_CHANGES = 64


class HeadsetPointers:
    """Takes what controllers do and gives pointers: the newest of each hand, but every press and release.

    Any thread may call it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Hand, deque[Pointer]] = {}
        self._eye_m, self._gaze = EYE_M, AHEAD

    def take(self, poses: Sequence[Pose], grips: Sequence[Grip]) -> None:
        """What came from the headset's process."""
        with self._lock:
            for pose in poses:
                if pose.device == "head" and pose.valid and pose.orientation_wxyz is not None:
                    self._eye_m, self._gaze = _ray(pose)
            for grip in grips:
                kept = self._kept.setdefault(grip.hand, deque(maxlen=MOST_CHANGES))
                pointer = self._pointer(grip, kept[-1] if kept else None)
                if len(kept) > 1 and _levels(kept[-1]) == _levels(kept[-2]) == _levels(pointer):
                    kept.pop()
                kept.append(pointer)

    def poll(self, now_s: float) -> list[Pointer]:
        """What is new up to ``now_s``, in order of time."""
        found: list[Pointer] = []
        with self._lock:
            for kept in self._kept.values():
                while kept and kept[0].time_s <= now_s:
                    found.append(kept.popleft())
        return sorted(found, key=lambda pointer: pointer.time_s)

    def _pointer(self, grip: Grip, before: Pointer | None) -> Pointer:
        if grip.aim is None:
            place, direction = (before.origin_m, before.direction) if before is not None else (EYE_M, AHEAD)
        else:
            place, direction = _ray(grip.aim)
        return Pointer(
            grip.time_s,
            WHO,
            grip.hand,
            place,
            direction,
            select=grip.select,
            grab=grip.grab,
            menu=grip.menu,
            section=grip.cue,
            valid=grip.aim is not None,
            tip_m=place if grip.aim is not None else None,
            eye_m=self._eye_m,
            gaze=self._gaze,
        )


def pointer_at(aim: Pose, hand: Hand) -> Pointer:
    """The pointer of a hand whose tip is at ``aim`` (tracking frame) and does nothing."""
    return Pointer(aim.time_s, WHO, hand, *_ray(aim))


def _ray(pose: Pose) -> tuple[Vector, Vector]:
    turned = tracking_to_hall_quaternion(pose.orientation_wxyz or (1.0, 0.0, 0.0, 0.0))
    return tracking_to_hall(pose.position_m), rotate(turned, AHEAD)


def _levels(pointer: Pointer) -> tuple[bool, ...]:
    return (pointer.select, pointer.grab, pointer.menu, pointer.section, pointer.valid)
