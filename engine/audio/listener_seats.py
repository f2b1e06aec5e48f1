"""Seats that a listener can name: the podium, a row of the audience, the balcony, a chair among a section."""

import math
from collections.abc import Sequence

import numpy as np

from ..errors import SeatingError
from ..hall import EAR_HEIGHT_M, Hall
from ..instruments import catalogue
from ..types import PlayerPlacement, Quaternion, Vector
from .source_field import AT_PODIUM, Listener

EAR_OF_PLAYER_M = {"seated": 1.2, "standing": 1.6}
_LOOK_AT_M = (0.0, 4.0)
"""Listeners in the audience look at the middle of the orchestra."""
_BESIDE_M = 0.6
"""A guest among players sits this far behind the one in the middle of the section."""


def seat_names(hall: Hall, placements: Sequence[PlayerPlacement] = ()) -> tuple[str, ...]:
    """The seats of a hall with these players, rows as first and last."""
    names = ["podium"]
    if hall.rows is not None:
        names.append(f"row-1 to row-{hall.rows.count}")
        if hall.rows.balcony_m is not None:
            names.append("balcony")
    return (*names, *(f"in:{section}" for section in dict.fromkeys(p.section for p in placements)))


def seat_choices(hall: Hall) -> tuple[str, ...]:
    """A few seats to choose from while one listens: the podium, the first, the middle and the last row, the balcony."""
    rows = hall.rows
    if rows is None:
        return ("podium",)
    names = ["podium", *(f"row-{number}" for number in dict.fromkeys((1, -(-rows.count // 2), rows.count)))]
    return (*names, "balcony") if rows.balcony_m is not None else tuple(names)


def listener_at(name: str, hall: Hall, placements: Sequence[PlayerPlacement]) -> Listener:
    """Who sits at ``podium``, ``row-N`` (1 is next to the stage), ``balcony`` or ``in:SECTION`` (a section's or an
    instrument's name, or its beginning). Raises ``SeatingError``, naming the seats there are."""
    wanted = name.strip().casefold()
    if wanted == "podium":
        return AT_PODIUM
    rows = hall.rows
    if rows is not None and wanted == "balcony" and rows.balcony_m is not None:
        x, y, z = rows.balcony_m
        return _looking((x, y, z + EAR_HEIGHT_M), _LOOK_AT_M)
    if rows is not None and wanted.startswith("row-") and wanted[4:].isdecimal():
        number = int(wanted[4:])
        if 1 <= number <= rows.count:
            y_m = rows.first_y_m - (number - 1) * rows.pitch_m
            z_m = rows.floor_z_m + (number - 1) * rows.rise_m + EAR_HEIGHT_M
            return _looking((rows.x_m, y_m, z_m), _LOOK_AT_M)
    if wanted.startswith("in:"):
        players = _players_named(wanted[3:].strip(), placements)
        if players:
            return _among(players)
    raise SeatingError(f"no seat {name!r} in this hall: there are {', '.join(seat_names(hall, placements))}")


def _players_named(wanted: str, placements: Sequence[PlayerPlacement]) -> list[PlayerPlacement]:
    """The players of a section or an instrument; an exact name before the beginning of one."""
    if not wanted:
        return []
    for matches in (str.__eq__, str.startswith):
        found = [
            placement
            for placement in placements
            if any(
                matches(known.casefold(), wanted)
                for known in (placement.section, placement.instrument, catalogue()[placement.instrument].name)
            )
            or (matches(f"{placement.instrument}s", wanted))
        ]
        if found:
            return found
    return []


def _among(players: Sequence[PlayerPlacement]) -> Listener:
    """Just behind the player in the middle, who looks at the podium as they do."""
    places_m = np.array([player.position_m for player in players])
    middle = players[int(np.linalg.norm(places_m - places_m.mean(axis=0), axis=1).argmin())]
    x, y, z = middle.position_m
    away_m = max(math.hypot(x, y), 1e-6)
    position_m = (x + _BESIDE_M * x / away_m, y + _BESIDE_M * y / away_m)
    ear_m = EAR_OF_PLAYER_M[catalogue()[middle.instrument].stance]
    return _looking((*position_m, z + ear_m), (0.0, 0.0))


def _looking(position_m: Vector, at_m: tuple[float, float]) -> Listener:
    """A level head that faces a place."""
    x, y = at_m[0] - position_m[0], at_m[1] - position_m[1]
    half = 0.5 * math.atan2(-x, y)
    orientation: Quaternion = (math.cos(half), 0.0, 0.0, math.sin(half))
    return Listener(position_m, orientation)
