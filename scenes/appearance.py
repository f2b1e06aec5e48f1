"""How the players differ: build, skin, hair, dress. Settled by the player's number, so that an orchestra keeps its
faces from one evening to the next."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..engine.types import PlayerPlacement
from .meshes import OPTION_BIT

SHARED_STANDS = frozenset({"violin", "viola", "cello", "contrabass"})
"""Models that sit two to a stand."""
DESK_M = 1.5
"""Partners of a desk sit at most this far apart."""


def _linear(colours: Sequence[str]) -> np.ndarray:
    """sRGB hex colours as linear RGB (n, 3) (IEC 61966-2-1)."""
    values = np.array([[int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)] for colour in colours])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


SKIN = 0.82 * _linear(["d3a283", "c99674", "bd845f", "a06c48", "7d4f34", "583725", "c4916f", "d9ac8e", "b07a56"])
HAIR = _linear(["17120f", "231710", "3a2618", "573a22", "7a5631", "a5814f", "0f0e10", "8f8a84", "b9b4ac", "6b3a22"])
SHIRT = _linear(["e6e0d3", "efe9dd"])


@dataclass(frozen=True, slots=True)
class Appearance:
    """Colours (N, 3) linear, option masks (N,) and body scale (N,) of players."""

    skin: np.ndarray
    hair: np.ndarray
    shirt: np.ndarray
    options: np.ndarray
    scale: np.ndarray


def appearances(
    placements: Sequence[PlayerPlacement],
    models: Sequence[str],
    parts_of: Sequence[frozenset[str]],
    seed: int = 7,
) -> Appearance:
    """The looks of players. ``models`` and ``parts_of`` name each player's model and the parts it has."""
    count = len(placements)
    result = Appearance(
        np.zeros((count, 3)), np.zeros((count, 3)), np.zeros((count, 3)), np.zeros(count), np.ones(count)
    )
    keepers = stand_keepers(placements, models)
    for index, (placement, parts) in enumerate(zip(placements, parts_of, strict=True)):
        rng = np.random.default_rng((seed, placement.player))
        woman = rng.random() < 0.48
        result.skin[index] = SKIN[rng.integers(len(SKIN))] * rng.uniform(0.92, 1.05)
        result.hair[index] = HAIR[rng.integers(len(HAIR))] * rng.uniform(0.85, 1.15)
        result.shirt[index] = SHIRT[rng.integers(len(SHIRT))]
        styles = ["hair_b", "hair_c", "hair_d", "hair"] if woman else ["hair", "hair", "hair", "hair_d"]
        style = styles[rng.choice(4, p=[0.36, 0.4, 0.14, 0.1] if woman else [0.45, 0.3, 0.15, 0.1])]
        chosen = {style if style in parts else "hair", "body_b" if woman and "body_b" in parts else "body"}
        if "body_b" not in chosen:  # the slighter build wears black; the front would stand off it
            chosen.add("shirt")
        if index in keepers:
            chosen.add("stand")
        result.options[index] = sum(1 << OPTION_BIT[name] for name in chosen)
        # the instrument grows with the player, so the span stays small
        result.scale[index] = (0.985 if woman else 1.01) + rng.uniform(-0.015, 0.015)
    return result


def stand_keepers(placements: Sequence[PlayerPlacement], models: Sequence[str]) -> frozenset[int]:
    """Indices of the players with a music stand of their own: string players next to each other share one.

    Sections are paired from the front; whoever finds no neighbour on the same arc sits alone.
    """
    keepers = set(range(len(placements)))
    sections: dict[tuple[str, int], list[int]] = {}
    for index, (placement, model) in enumerate(zip(placements, models, strict=True)):
        if model in SHARED_STANDS:
            sections.setdefault((placement.section, placement.part), []).append(index)
    for members in sections.values():
        alone = sorted(members, key=lambda index: (placements[index].desk, placements[index].player))
        while alone:
            first = alone.pop(0)
            partner = min(alone, key=lambda other: _apart_m(placements[first], placements[other]), default=None)
            if partner is not None and _apart_m(placements[first], placements[partner]) < DESK_M:
                alone.remove(partner)
                keepers.discard(partner)
    return frozenset(keepers)


def _apart_m(one: PlayerPlacement, other: PlayerPlacement) -> float:
    """Distance of two players; a different distance from the podium, another row, counts double."""
    (x, y, _), (u, v, _) = one.position_m, other.position_m
    return math.hypot(x - u, y - v) + 2 * abs(math.hypot(x, y) - math.hypot(u, v))
