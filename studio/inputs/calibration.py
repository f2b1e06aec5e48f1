"""From a device's own coordinates to metres before the chest: learned from a few seconds of movement, or given."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ...engine.conducting.tracking import POINTER_CENTRE_M
from ...engine.errors import ProfileError
from ...engine.types import Quaternion, Vector

LEARN_S = 5.0
"""How long a person moves before the range is known."""
LEAST_SAMPLES = 30
USUAL_EXTENT_M = 0.6
"""What the larger extent of a person's conducting is taken for where the unit is unknown."""
METRES_EXTENT = (0.12, 2.0)
"""An extent within this is in metres already,"""
METRES_FROM_ORIGIN = 5.0
"""where the places are not further than this from the origin."""
UPRIGHT = 1.5
"""The third axis is the vertical one where it varies this much more than the second: hands go up and down more than
forth and back."""
LIMIT = 1e9


@dataclass(frozen=True, slots=True)
class SpaceMap:
    """From a device's coordinates to the tracking frame: turned where ``up`` is ``z`` (x right, y forward), taken from
    ``centre``, times ``scale`` (metres per unit), put at ``target_m``."""

    scale: float = 1.0
    centre: Vector = (0.0, 0.0, 0.0)
    target_m: Vector = (0.0, 0.0, 0.0)
    up: Literal["y", "z"] = "y"

    def place(self, position: Vector) -> Vector:
        """A position in the tracking frame, metres."""
        x, y, z = _turned(position, self.up)
        (cx, cy, cz), (tx, ty, tz) = self.centre, self.target_m
        return (tx + self.scale * (x - cx), ty + self.scale * (y - cy), tz + self.scale * (z - cz))

    def orient(self, wxyz: Quaternion) -> Quaternion:
        """An orientation in the tracking frame."""
        w, x, y, z = wxyz
        return (w, x, z, -y) if self.up == "z" else wxyz

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON; ``from_dict`` reads them."""
        return {"scale": self.scale, "centre": list(self.centre), "target_m": list(self.target_m), "up": self.up}

    @classmethod
    def from_dict(cls, values: object) -> "SpaceMap":
        """Raises ``ProfileError`` where ``values`` are no calibration."""
        if not isinstance(values, Mapping) or values.get("up") not in ("y", "z"):
            raise ProfileError("calibration: not understood; run: tutti calibrate")
        scale = values.get("scale")
        if not _is_number(scale) or not 0.0 < scale <= LIMIT:  # type: ignore[operator]
            raise ProfileError(f"calibration: scale {scale!r} is not a positive number; run: tutti calibrate")
        centre, target = (_vector(values.get(name), name) for name in ("centre", "target_m"))
        return cls(float(scale), centre, target, values["up"])  # type: ignore[arg-type]


class RangeLearner:
    """Learns a ``SpaceMap`` from what a person does in the first ``learn_s`` seconds.

    Coordinates that can be metres are left as they are; others are stretched so that the range is that of an arm and
    its middle is before the chest. Flat coordinates (a pad: x, y) are always stretched.
    """

    def __init__(self, learn_s: float = LEARN_S) -> None:
        self._learn_s = learn_s
        self._flat = False
        self._begun_s: float | None = None
        self._seen: list[Vector] = []

    def add(self, time_s: float, position: Vector, flat: bool = False) -> SpaceMap | None:
        """The device's next position; the map once it is known. While nothing moves, nothing is learned."""
        if not math.isfinite(sum(position)) or max(map(abs, position)) > LIMIT:
            return None
        if self._seen and position == self._seen[-1]:
            return None
        if self._begun_s is None:
            self._begun_s, self._flat = time_s, flat
        self._seen.append(position)
        if time_s - self._begun_s < self._learn_s or len(self._seen) < LEAST_SAMPLES:
            return None
        return self.learned()

    def learned(self) -> SpaceMap | None:
        """The map that what was seen so far gives; None where nothing moved."""
        if len(self._seen) < 2:
            return None
        seen = np.array(self._seen)
        low, high = np.percentile(seen, [2.0, 98.0], axis=0)
        extent, centre = high - low, 0.5 * (low + high)
        up: Literal["y", "z"] = "z" if not self._flat and extent[2] > UPRIGHT * extent[1] else "y"
        largest = float(extent.max())
        if largest <= 0.0:
            return None
        metric = METRES_EXTENT[0] <= largest <= METRES_EXTENT[1] and np.abs(seen).max() <= METRES_FROM_ORIGIN
        if metric and not self._flat:
            return SpaceMap(up=up)
        x, y, z = centre.tolist()
        return SpaceMap(USUAL_EXTENT_M / largest, _turned((x, y, z), up), POINTER_CENTRE_M, up)


def scaled(scale: float, known: SpaceMap | None = None) -> SpaceMap:
    """The map for a given scale (metres per unit)."""
    return replace(known or SpaceMap(), scale=scale)


def _turned(position: Vector, up: str) -> Vector:
    x, y, z = position
    return (x, z, -y) if up == "z" else position


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _vector(values: object, name: str) -> Vector:
    if not isinstance(values, list) or len(values) != 3 or not all(_is_number(value) for value in values):
        raise ProfileError(f"calibration, {name}: not three numbers; run: tutti calibrate")
    x, y, z = map(float, values)
    return (x, y, z)
