"""How loud an ensemble will be before it has played: the one static gain of a performance."""

import math
from collections.abc import Sequence

from ..instruments import catalogue
from ..sounds.sound_set import REFERENCE_LEVEL_DB
from ..types import PlayerPlacement
from .room import Room, diffuse_power_density
from .source_field import AT_PODIUM, NEAREST_M

LARGEST_GAIN_DB = 14.0
SMALLEST_GAIN_DB = -24.0


def ensemble_lufs(placements: Sequence[PlayerPlacement], room: Room) -> float:
    """Loudness at the podium when everyone holds a note at velocity 90, before any gain.

    Players add as powers; each is heard directly (6 dB less for twice the distance), by the first reflections (about
    as much again as the nearest walls send) and by the diffuse field, in two ears (ITU-R BS.1770: channels add).
    """
    late = diffuse_power_density(room) * max(room.rt60_s) / (6.0 * math.log(10.0))
    power = 0.0
    for placement in placements:
        distance_m = max(NEAREST_M, math.dist(placement.position_m, (*AT_PODIUM.position_m[:2], 0.0)))
        level_db = REFERENCE_LEVEL_DB + catalogue()[placement.instrument].level_db
        power += 10.0 ** (level_db / 10.0) * (1.0 / distance_m**2 + late)
    return -0.691 + 10.0 * math.log10(2.0 * power)


def programme_gain_db(placements: Sequence[PlayerPlacement], room: Room, loudness_lufs: float) -> float:
    """Gain that brings the ensemble's forte to ``loudness_lufs``, the same for a whole performance."""
    return max(SMALLEST_GAIN_DB, min(LARGEST_GAIN_DB, loudness_lufs - ensemble_lufs(placements, room)))
