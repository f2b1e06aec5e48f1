"""Which player a ray means: the nearest by angle, so that a shaky hand finds one twenty metres away."""

import math
from collections.abc import Sequence

import numpy as np

from ..instruments import catalogue
from ..types import PlayerPlacement, Vector

BODY_RADIUS_M = 0.27
BODY_FROM_M = 0.45
SEATED_TO_M, STANDING_TO_M = 1.03, 1.43
"""A player is a capsule of this radius round an axis between these heights over the floor: head and instrument."""
HAND_TOLERANCE_RAD = math.radians(1.5)
"""So far beside a player may a hand's ray pass. A hand that points trembles by about half a degree."""
MOUSE_TOLERANCE_RAD = math.radians(0.3)
HOLD_RAD = math.radians(0.5)
"""Another player must be meant more plainly by this angle to take over from the one meant before."""


class PlayerTargets:
    """The players as capsules. Make a new one when they moved."""

    def __init__(self, placements: Sequence[PlayerPlacement]) -> None:
        self.players = [placement.player for placement in placements]
        floor = np.array([placement.position_m for placement in placements], float).reshape(-1, 3)
        instruments = catalogue()
        standing = np.array([instruments[p.instrument].stance == "standing" for p in placements], bool)
        self._low = floor + [0.0, 0.0, BODY_FROM_M]
        self._height = np.where(standing, STANDING_TO_M, SEATED_TO_M) - BODY_FROM_M

    def head_m(self, player: int) -> Vector:
        """The top of a player's head."""
        index = self.players.index(player)
        x, y, z = self._low[index]
        return (float(x), float(y), float(z + self._height[index] + BODY_RADIUS_M))

    def pick(
        self, origin_m: Vector, direction: Vector, tolerance_rad: float, held: int | None = None
    ) -> tuple[int, Vector] | None:
        """The player meant by a ray, and where the ray passes closest; None where it means nobody.

        Among players whom the ray goes through, the front one; else whom it misses by the smallest angle within
        ``tolerance_rad``. ``held``, the one meant before, stays unless another is meant more plainly (``HOLD_RAD``).
        """
        if not self.players:
            return None
        along, missed = self._distances(np.asarray(origin_m, float), np.asarray(direction, float))
        angle = np.arctan2(missed - BODY_RADIUS_M, np.maximum(along, 0.3))
        through = angle <= 0.0
        if through.any():
            best = int(np.where(through, along, np.inf).argmin())
        else:
            best = int(angle.argmin())
        if held in self.players:
            before = self.players.index(held)
            if angle[before] <= min(angle[best] + HOLD_RAD, tolerance_rad + HOLD_RAD):
                best = before
        if angle[best] > tolerance_rad + (HOLD_RAD if self.players[best] == held else 0.0):
            return None
        point = np.asarray(origin_m, float) + np.asarray(direction, float) * along[best]
        return self.players[best], (float(point[0]), float(point[1]), float(point[2]))

    def _distances(self, origin: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where along the ray it comes closest to each player's axis (m), and how close (m).

        Closest points of a line and a segment, both ends of the ray and of the segment minded.
        """
        from_low = origin - self._low
        rise = direction[2] * self._height
        ahead = from_low @ direction
        up = from_low[:, 2] * self._height
        square = self._height**2
        share = np.clip((up - rise * ahead) / np.maximum(square - rise**2, 1e-9), 0.0, 1.0)
        along = np.maximum(share * rise - ahead, 0.0)
        share = np.clip((up + along * rise) / square, 0.0, 1.0)
        away = from_low + along[:, None] * direction
        away[:, 2] -= share * self._height
        return along, np.linalg.norm(away, axis=1)
