"""Moving players over the stage: where a ray meets the floor, and the nearest place that is free."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..hall import Hall
from ..instruments import catalogue
from ..types import PlayerPlacement, Vector

FARTHEST_M = 30.0
"""A ray that meets the floor farther away than this means no place."""
EDGE_M = 0.4
"""So far from the edge of the stage players stay."""
PODIUM_RADIUS_M = 1.1
"""Nobody sits nearer to the podium's middle."""
FOOTPRINT_M = 0.36
"""Radius of the floor that a seated player with their stand takes; others by family or instrument:"""
_FOOTPRINTS_M = {
    "cello": 0.42,
    "contrabass": 0.42,
    "harp": 0.5,
    "timpani": 0.7,
    "percussion": 0.5,
    "piano": 0.9,
    "keyboard": 0.8,
    "voice": 0.26,
}
_SEARCH_STEP_M, _SEARCH_RADIUS_M = 0.1, 4.0


@dataclass(frozen=True, slots=True)
class Move:
    """Where players end: everybody's placements, and whether they were led beside the place asked for."""

    placements: tuple[PlayerPlacement, ...]
    moved_aside: bool


def footprint_m(instrument: str) -> float:
    """Radius of the floor that a player of an instrument takes."""
    family = catalogue()[instrument].family
    return _FOOTPRINTS_M.get(instrument, _FOOTPRINTS_M.get(family, FOOTPRINT_M))


def floor_point(hall: Hall, origin_m: Vector, direction: Vector) -> Vector | None:
    """Where a ray meets the stage floor, risers minded; None where it goes up, or too far away."""
    ox, oy, oz = origin_m
    dx, dy, dz = direction
    if dz >= -1e-6:
        return None
    for height_m in sorted({0.0, *(riser.height_m for riser in hall.risers)}, reverse=True):
        along = (height_m - oz) / dz
        if along <= 0.0:
            continue
        x, y = ox + along * dx, oy + along * dy
        floor_m = hall.riser_height_m(x, y)
        # not under this height: the ray met it, or on its way down the front of a riser
        if floor_m >= height_m - 1e-9:
            return (x, y, floor_m) if math.hypot(x - ox, y - oy) <= FARTHEST_M else None
    return None


def move_by(
    placements: Sequence[PlayerPlacement],
    start_m: Mapping[int, Vector],
    shift_m: tuple[float, float],
    hall: Hall,
) -> Move | None:
    """The players of ``start_m`` moved together by ``shift_m`` from the places given there, as far as the stage goes.

    They keep their formation, stand on their risers and turn to the podium. Where others or the podium are in the way,
    the nearest free place is taken; None where there is none within ``_SEARCH_RADIUS_M``.
    """
    members = [placement for placement in placements if placement.player in start_m]
    if not members:
        return None
    targets = np.array([start_m[placement.player][:2] for placement in members], float) + shift_m
    targets += _back_on_stage(targets, hall)
    others = [placement for placement in placements if placement.player not in start_m]
    free = _free_shift(targets, members, others, hall)
    if free is None:
        return None
    places = {m.player: (float(x), float(y)) for m, (x, y) in zip(members, targets + free, strict=True)}
    moved = tuple(_seated_at(p, places[p.player], hall) if p.player in places else p for p in placements)
    return Move(moved, bool(np.any(free)))


def put_back(placements: Sequence[PlayerPlacement], seats: Iterable[PlayerPlacement]) -> tuple[PlayerPlacement, ...]:
    """The placements with everybody at the place and heading that they have in ``seats``; mutes and gains stay."""
    known = {seat.player: seat for seat in seats}
    return tuple(
        replace(p, position_m=known[p.player].position_m, heading_deg=known[p.player].heading_deg)
        if p.player in known
        else p
        for p in placements
    )


def _seated_at(placement: PlayerPlacement, place_m: tuple[float, float], hall: Hall) -> PlayerPlacement:
    x, y = place_m
    return replace(placement, position_m=(x, y, hall.riser_height_m(x, y)), heading_deg=math.degrees(math.atan2(x, -y)))


def _back_on_stage(targets: np.ndarray, hall: Hall) -> np.ndarray:
    """The shift that brings a formation onto the stage."""
    low, high = _stage_corners(hall)
    below, above = low - targets.min(axis=0), high - targets.max(axis=0)
    return np.clip(0.0, below, above)


def _free_shift(
    targets: np.ndarray, members: Sequence[PlayerPlacement], others: Sequence[PlayerPlacement], hall: Hall
) -> np.ndarray | None:
    """The smallest further shift after which nobody stands in anybody's place, ring by ring."""
    seats = np.array([p.position_m[:2] for p in others] + [(0.0, 0.0)], float)
    radii = np.array([footprint_m(p.instrument) for p in others] + [PODIUM_RADIUS_M - FOOTPRINT_M])
    apart = np.array([footprint_m(p.instrument) for p in members])[:, None] + radii
    low, high = _stage_corners(hall)
    for ring in _rings():
        places = targets + ring[:, None, :]
        inside = ring[np.all((places > low - 1e-6) & (places < high + 1e-6), axis=(1, 2))]
        places = targets + inside[:, None, :]
        gaps = np.linalg.norm(places[:, :, None, :] - seats, axis=-1) - apart
        free = np.flatnonzero(np.all(gaps > -1e-9, axis=(1, 2)))
        if len(free):
            return np.asarray(inside[free[0]])
    return None


def _stage_corners(hall: Hall) -> tuple[np.ndarray, np.ndarray]:
    """Where players may be, two opposite corners."""
    low = np.array([-hall.stage_half_width_m, hall.stage_front_y_m]) + EDGE_M
    high = np.array([hall.stage_half_width_m, hall.stage_rear_y_m]) - EDGE_M
    return low, high


def _rings() -> Iterator[np.ndarray]:
    """Shifts to try, nearest first: none, then ring after ring."""
    yield np.zeros((1, 2))
    for step in range(1, round(_SEARCH_RADIUS_M / _SEARCH_STEP_M) + 1):
        radius = step * _SEARCH_STEP_M
        angles = np.linspace(0.0, 2 * np.pi, max(8, 4 * step), endpoint=False)
        yield radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
