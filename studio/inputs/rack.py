"""All inputs open at once, one of them conducting: a ``PoseSource`` made of several.

The orchestra's tracker sees one hand, never two mixed. At a hand-over the new baton goes on where the old one stood, so
that the change of place is no gesture; the difference is let go little by little while it moves.
"""

import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ...engine.errors import TuttiError
from ...engine.types import Device, Pose, PoseSource, Vector
from .handover import Handover, Movement, Reason

log = logging.getLogger(__name__)

KEPT_S = 1.0
"""How much of the inputs that do not conduct is kept: a movement begins before it is known to be meant."""
HELD_BACK_S = 0.12
"""A still baton is told this late while there are others: should one of them begin to move, its beginning takes the
place of the stillness. (The orchestra coasts from 0.25 s without news.)"""
STILL_S = 0.25
LET_GO = 0.02
"""The difference of place after a hand-over shrinks by this part of the way that the baton goes: about a centimetre a
beat. (Four times as much led the tracker off by 0.2 s.)"""
GAP_S = 0.35
"""After a gap this long the tracker starts anew: then nothing is moved."""
HEAD_FROM_OTHERS_S = 1.0


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Input:
    """An open input. ``alive`` turns False once its device is lost for good."""

    name: str
    source: PoseSource
    alive: Callable[[], bool] = _always


@dataclass(frozen=True, slots=True)
class Swap:
    """Another input conducts from ``time_s`` on; ``name`` is empty where none is left."""

    time_s: float
    name: str
    before: str
    reason: Reason


@dataclass(slots=True)
class _Slot:
    """An input in the rack: how its baton moves, and its poses that the orchestra has not seen."""

    input: Input
    movement: Movement = field(default_factory=Movement)
    kept: deque[Pose] = field(default_factory=deque)
    head_s: float = -math.inf

    def take(self, poses: Sequence[Pose]) -> None:
        for pose in poses:
            self.kept.append(pose)
            self.movement.add(pose)
            if pose.device == "head":
                self.head_s = pose.time_s

    def forget_before(self, time_s: float) -> None:
        while self.kept and self.kept[0].time_s < time_s:
            self.kept.popleft()


class InputRack:
    """Several inputs as one ``PoseSource``; the one that conducts gives baton and left hand. One thread.

    ``inputs`` are in order of preference. An input that raises a ``TuttiError`` or ``OSError``, or is no longer alive,
    is closed and reported in one line; another takes over as soon as it moves. The rack closes what it is given.
    """

    def __init__(self, inputs: Sequence[Input], chosen: str | None = None) -> None:
        self._slots = {entry.name: _Slot(entry) for entry in inputs}
        self._handover = Handover(tuple(self._slots), chosen)
        self._swaps: list[Swap] = []
        self._told_s: dict[Device, float] = {}
        self._told_m: Vector | None = None
        self._raw_m: Vector | None = None
        self._offset_m: Vector = (0.0, 0.0, 0.0)
        self.at_rest = True
        """Whether the orchestra waits, so that a hand-over cuts no beat; the session says so."""

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs that are there."""
        return tuple(self._slots)

    @property
    def conducting(self) -> str | None:
        """The input that conducts."""
        return self._handover.present

    @property
    def chosen(self) -> str | None:
        """The input that a person chose; None where whoever moves conducts."""
        return self._handover.chosen

    def choose(self, name: str | None) -> None:
        """Let ``name`` conduct whatever the others do; None, or an input that is not there: whoever moves."""
        self._handover.chosen = name if name in self._slots else None

    def choose_next(self) -> str | None:
        """The next in the round of all inputs and None (whoever moves); what is chosen now."""
        round_ = (None, *self._slots)
        self.choose(round_[(round_.index(self.chosen) + 1) % len(round_)])
        return self.chosen

    def take_swaps(self) -> Sequence[Swap]:
        """The hand-overs since the last call."""
        swaps, self._swaps = self._swaps, []
        return swaps

    def poll(self, now_s: float) -> Sequence[Pose]:
        for slot in list(self._slots.values()):
            self._read(slot, now_s)
        movements = {name: slot.movement for name, slot in self._slots.items()}
        before = self._handover.present
        decision = self._handover.decide(now_s, movements, self.at_rest)
        if decision is not None:
            self._swaps.append(Swap(now_s, decision.name or "", before or "", decision.reason))
            self._raw_m = None
        present = self._slots.get(self._handover.present or "")
        poses = self._tell(present, now_s) if present is not None else []
        poses += self._heads(present, now_s)
        for slot in self._slots.values():
            if slot is not present:
                slot.forget_before(now_s - KEPT_S)
        poses.sort(key=lambda pose: pose.time_s)
        return poses

    def restart(self) -> None:
        """The music starts anew: inputs that are tapped wait for a preparatory tap."""
        for slot in self._slots.values():
            restart = getattr(slot.input.source, "restart", None)
            if restart is not None:
                restart()

    def close(self) -> None:
        for slot in self._slots.values():
            slot.input.source.close()
        self._slots.clear()

    # -- reading -------------------------------------------------------------------------------------------

    def _read(self, slot: _Slot, now_s: float) -> None:
        entry = slot.input
        try:
            slot.take(entry.source.poll(now_s))
            if not entry.alive():
                self._lose(slot, "it is gone")
        except (TuttiError, OSError) as error:
            self._lose(slot, str(error))

    def _lose(self, slot: _Slot, why: str) -> None:
        name = slot.input.name
        del self._slots[name]
        rest = ", ".join(self._slots)
        log.warning("%s is lost (%s): %s", name, why, f"go on with {rest}" if rest else "no other input is open")
        if self._handover.chosen == name:
            self._handover.chosen = None
        slot.input.source.close()

    # -- telling -------------------------------------------------------------------------------------------

    def _tell(self, slot: _Slot, now_s: float) -> list[Pose]:
        """The poses of the conducting input that are due."""
        still = now_s - slot.movement.moved_s > STILL_S and self._handover.chosen is None
        others = any(other.movement.latest_s > -math.inf for other in self._slots.values() if other is not slot)
        until_s = now_s - HELD_BACK_S if still and others else now_s
        told: list[Pose] = []
        while slot.kept and slot.kept[0].time_s <= until_s:
            pose = slot.kept.popleft()
            if pose.time_s > self._told_s.get(pose.device, -math.inf):
                told.append(self._placed(pose) if pose.device == "baton" else pose)
                self._told_s[pose.device] = pose.time_s
        return told

    def _placed(self, pose: Pose) -> Pose:
        """The pose moved so that the hand goes on where it was told to be before the hand-over."""
        if not pose.valid or not math.isfinite(sum(pose.position_m)):
            return pose
        if self._raw_m is None:
            fresh = self._told_m is None or pose.time_s - self._told_s.get("baton", -math.inf) > GAP_S
            self._offset_m = (0.0, 0.0, 0.0) if fresh else _minus(self._told_m or pose.position_m, pose.position_m)
        else:
            self._let_go(math.dist(self._raw_m, pose.position_m))
        self._raw_m = pose.position_m
        self._told_m = _plus(pose.position_m, self._offset_m)
        return replace(pose, position_m=self._told_m) if any(self._offset_m) else pose

    def _let_go(self, way_m: float) -> None:
        length = math.hypot(*self._offset_m)
        if length > 0.0:
            part = max(0.0, 1.0 - LET_GO * way_m / length)
            x, y, z = self._offset_m
            self._offset_m = (part * x, part * y, part * z)

    def _heads(self, present: _Slot | None, now_s: float) -> list[Pose]:
        """The head's poses of an input that does not conduct, where the conducting one tells none: a person who taps
        may still be seen by the camera."""
        if present is not None and now_s - present.head_s < HEAD_FROM_OTHERS_S:
            return []
        others = [slot for slot in self._slots.values() if slot is not present]
        source = max(others, key=lambda slot: slot.head_s, default=None)
        if source is None:
            return []
        latest_s = self._told_s.get("head", -math.inf)
        heads = [pose for pose in source.kept if pose.device == "head" and pose.time_s > latest_s]
        if heads:
            self._told_s["head"] = heads[-1].time_s
        return heads


def _minus(a: Vector, b: Vector) -> Vector:
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def _plus(a: Vector, b: Vector) -> Vector:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])
