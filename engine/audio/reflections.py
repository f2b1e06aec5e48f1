"""Every player's own reflections, gathered into as few directions as ears can tell apart.

A reflection is an image of the player behind a wall: it comes later, weaker and from elsewhere (Allen and Berkley,
JASA 65, 1979). A hundred players have hundreds of them. Each keeps its own delay and level; those that arrive from
within ``NEAR_DEG`` of each other with the same colour to within ``COLOUR_DB`` share one stream of the ring, a bus, and
are filtered by the head together. Three degrees off the front are at the threshold of what listeners notice for a lone
sound (minimum audible angle, Mills, JASA 30, 1958: 1 to 3 degrees there, more to the sides), and reflections that
the direct sound precedes are located far less exactly. The limits hold for the strongest; those that are weaker by
``MASKED_DB`` may be twice as far apart, as the strong ones mask them.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .room import FloatVector, Room, reflection_gains

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]

NEAR_DEG = 3.0
COLOUR_DB = 1.0
MASKED_DB = 12.0
WIDEN = 1.15
"""Where there are more groups than buses, the limits grow by this until they fit."""


@dataclass(frozen=True, slots=True, eq=False)
class ReflectionMix:
    """What the buses hold; one entry for each reflection, those of a bus side by side.

    ``player`` and ``bus`` are rows of the ring, ``delay`` is in samples, ``gain`` an amplitude.
    """

    player: IntArray
    bus: IntArray
    delay: IntArray
    gain: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Image sources of some players: ``position_m`` (m, 3), whose they are (m,), the sign by which each axis is
    mirrored (m, 3), and the power that the walls leave by band (m, bands)."""

    position_m: FloatVector
    player: npt.NDArray[np.intp]
    mirror: FloatVector
    kept: FloatVector

    @classmethod
    def of(cls, room: Room, players_m: FloatVector, bands_hz: FloatVector, order: int = 1) -> "Images":
        """Images up to ``order`` (0, 1 or 2) reflections in the walls of the room."""
        gains = reflection_gains(room, bands_hz)
        everyone = np.arange(len(players_m))
        positions, mirrors, kept = [], [], []
        for way in _wall_sequences(room, order):
            image, mirror, power = players_m.copy(), np.ones(3), np.ones(len(bands_hz))
            for index in way:
                wall = room.walls[index]
                image[:, wall.axis] = 2.0 * wall.place_m - image[:, wall.axis]
                mirror[wall.axis] *= -1.0
                power = power * gains[index] ** 2
            positions.append(image)
            mirrors.append(np.tile(mirror, (len(image), 1)))
            kept.append(np.tile(power, (len(image), 1)))
        if not positions:
            return cls(np.zeros((0, 3)), everyone[:0], np.zeros((0, 3)), np.zeros((0, len(bands_hz))))
        return cls(np.concatenate(positions), np.tile(everyone, len(positions)), *map(np.concatenate, (mirrors, kept)))


def _wall_sequences(room: Room, order: int) -> list[tuple[int, ...]]:
    """Walls in the order in which the image is mirrored; of two on different axes, one order gives the same image."""
    walls = range(len(room.walls))
    ways: list[tuple[int, ...]] = [(index,) for index in walls] if order >= 1 else []
    if order >= 2:
        for first, second in itertools.permutations(walls, 2):
            if room.walls[first].axis == room.walls[second].axis or first < second:
                ways.append((first, second))
    return ways


def group(
    towards: FloatVector, colour_db: FloatVector, power: FloatVector, most: int, apart: npt.NDArray[np.intp]
) -> tuple[IntArray, float]:
    """Number the group of each reflection: (m,), and by how much the limits had to grow for at most ``most`` groups.

    ``towards`` (m, 3) are unit vectors from the listener, ``colour_db`` (m, bands) spectra without their mean;
    the strongest (``power``) lead. Reflections whose ``apart`` (m,) differs never share a group.
    """
    wider = 1.0
    while True:
        groups = _lead(towards, colour_db, power, apart, NEAR_DEG * wider, COLOUR_DB * wider, most)
        if groups is not None:
            return groups, wider
        wider *= WIDEN


def _lead(
    towards: FloatVector,
    colour_db: FloatVector,
    power: FloatVector,
    apart: npt.NDArray[np.intp],
    near_deg: float,
    near_db: float,
    most: int,
) -> IntArray | None:
    """The strongest that is in no group yet leads one of all that are near it, until all are; None if too many."""
    result = np.full(len(towards), -1, np.int32)
    order = np.argsort(-power, kind="stable")
    loud = float(np.quantile(power, 0.9)) if len(power) else 1.0
    looser = np.maximum(1.0, (loud / np.maximum(power, 1e-30)) ** (3.0103 / MASKED_DB))
    cosines = np.cos(np.radians(np.minimum(near_deg * looser, 60.0)))
    count = 0
    for leader in order:
        if result[leader] >= 0:
            continue
        if count == most:
            return None
        near = (towards @ towards[leader] >= cosines[leader]) & (result < 0) & (apart == apart[leader])
        candidates = np.flatnonzero(near)
        differences_db = colour_db[candidates] - colour_db[leader]
        result[candidates[np.sqrt((differences_db**2).mean(axis=1)) <= near_db * looser[leader]]] = count
        result[leader] = count
        count += 1
    return result
