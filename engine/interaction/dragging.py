"""A player, or a whole section, in somebody's hand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..hall import Hall
from ..types import PlayerPlacement, Vector
from .moving import floor_point, move_by
from .values import DragMark, Pointer, PointerHand

FLAT_SLOPE = 0.012
"""A ray that falls less than this over its length tells no place on the floor: a tremor would be metres."""
TELL_EVERY_S = 0.1
"""While they are in the hand, the players' places are told so often: sound and page follow."""


@dataclass(slots=True)
class Drag:
    """Players in a hand, from grab to release. One thread."""

    hand: PointerHand
    by_grip: bool
    """Taken by the grip, else by a press."""
    before: tuple[PlayerPlacement, ...]
    """Everybody's places when it began."""
    members: tuple[int, ...]
    lowered_m: float
    """How high over the floor they were taken: the ray is lowered by that, so that the hand moves what it touches."""
    grabbed_m: Vector
    facing: tuple[float, float] | None = None
    """Where the hand sees the floor too flatly to point at it, players move sideways: in the upright plane that faces
    it (its normal, level)."""
    shift_m: tuple[float, float] = (0.0, 0.0)
    moved_aside: bool = False
    placements: tuple[PlayerPlacement, ...] | None = None
    told_s: float = -1.0
    _untold: bool = False
    _start_m: dict[int, Vector] = field(default_factory=dict)

    @classmethod
    def begin(
        cls,
        pointer: Pointer,
        by_grip: bool,
        touched_m: Vector,
        members: Sequence[int],
        state: Sequence[PlayerPlacement],
        hall: Hall,
    ) -> "Drag":
        """Take ``members``, the first of them touched at ``touched_m``."""
        start_m = {placement.player: placement.position_m for placement in state if placement.player in members}
        floor_m = start_m[members[0]][2]
        lowered_m = max(0.0, min(touched_m[2] - floor_m, pointer.origin_m[2] - floor_m - 0.3))
        grabbed = _lowered(hall, pointer, lowered_m)
        facing = None
        if grabbed is None or -pointer.direction[2] < FLAT_SLOPE:
            dx, dy, _ = pointer.direction
            level = max(1e-6, math.hypot(dx, dy))
            grabbed, facing = touched_m, (dx / level, dy / level)
        return cls(pointer.hand, by_grip, tuple(state), tuple(members), lowered_m, grabbed, facing, _start_m=start_m)

    def move(self, pointer: Pointer, placements: Sequence[PlayerPlacement], hall: Hall) -> None:
        """Follow the hand; where it points to no place, they stay at the last one."""
        place = _lowered(hall, pointer, self.lowered_m) if self.facing is None else self._sideways(pointer, self.facing)
        if place is None:
            return
        shift_m = (place[0] - self.grabbed_m[0], place[1] - self.grabbed_m[1])
        if shift_m == self.shift_m:
            return
        moved = move_by(placements, self._start_m, shift_m, hall)
        if moved is None:
            return
        self.shift_m = shift_m
        self.moved_aside = moved.moved_aside
        self._untold = self._untold or moved.placements != tuple(placements)
        self.placements = moved.placements

    def _sideways(self, pointer: Pointer, facing: tuple[float, float]) -> Vector | None:
        """Where the ray meets the upright plane through the place that was touched."""
        (ox, oy, _), (dx, dy, _), (x, y, z) = pointer.origin_m, pointer.direction, self.grabbed_m
        against = dx * facing[0] + dy * facing[1]
        along = ((x - ox) * facing[0] + (y - oy) * facing[1]) / against if against > 0.1 else -1.0
        return (ox + along * dx, oy + along * dy, z) if along > 0.0 else None

    def tell(self, now_s: float, *, last: bool = False) -> tuple[PlayerPlacement, ...] | None:
        """The new places, if there are some and it is time to tell them."""
        if not self._untold or (not last and now_s - self.told_s < TELL_EVERY_S):
            return None
        self._untold, self.told_s = False, now_s
        return self.placements

    @property
    def moved(self) -> bool:
        return self.placements is not None

    def marks(self) -> tuple[DragMark, ...]:
        """Where everybody came from and would stand."""
        now = {p.player: p.position_m for p in self.placements or () if p.player in self._start_m}
        return tuple(
            DragMark(player, self._start_m[player], now.get(player, self._start_m[player]), self.moved_aside)
            for player in self.members
        )


def _lowered(hall: Hall, pointer: Pointer, by_m: float) -> Vector | None:
    x, y, z = pointer.origin_m
    return floor_point(hall, (x, y, z - by_m), pointer.direction)
