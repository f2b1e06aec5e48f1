"""How the players differ: build, skin, hair, dress. Settled by the player's number, so that an orchestra keeps its
faces from one evening to the next."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..engine.types import PlayerPlacement
from .meshes import OPTION_BIT

SHARED_STANDS = frozenset({"violin", "viola", "cello", "contrabass"})
"""Models that sit two to a stand."""


def _linear(colours: Sequence[str]) -> np.ndarray:
    """sRGB hex colours as linear RGB (n, 3) (IEC 61966-2-1)."""
    values = np.array([[int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)] for colour in colours])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


SKIN = _linear(["e0b496", "d6a586", "c68f6c", "a8754f", "865538", "5f3b27", "cfa080", "e6bfa4", "b98560"])
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
    result = Appearance(np.zeros((count, 3)), np.zeros((count, 3)), np.zeros((count, 3)), np.zeros(count), np.ones(count))
    for index, (placement, model, parts) in enumerate(zip(placements, models, parts_of, strict=True)):
        rng = np.random.default_rng((seed, placement.player))
        woman = rng.random() < 0.48
        result.skin[index] = SKIN[rng.integers(len(SKIN))] * rng.uniform(0.92, 1.05)
        result.hair[index] = HAIR[rng.integers(len(HAIR))] * rng.uniform(0.85, 1.15)
        result.shirt[index] = SHIRT[rng.integers(len(SHIRT))]
        styles = ["hair_b", "hair_c", "hair_d", "hair"] if woman else ["hair", "hair", "hair", "hair_d"]
        style = styles[rng.choice(4, p=[0.36, 0.4, 0.14, 0.1] if woman else [0.45, 0.3, 0.15, 0.1])]
        chosen = {style if style in parts else "hair", "body_b" if woman and "body_b" in parts else "body"}
        if not woman or rng.random() < 0.12:
            chosen.add("shirt")
        if model not in SHARED_STANDS or is_inside(placement, placements):
            chosen.add("stand")
        result.options[index] = sum(1 << OPTION_BIT[name] for name in chosen)
        # the instrument grows with the player, so the span stays small
        result.scale[index] = (0.985 if woman else 1.01) + rng.uniform(-0.015, 0.015)
    return result


def is_inside(placement: PlayerPlacement, placements: Sequence[PlayerPlacement]) -> bool:
    """Whether a string player has the stand: the first of each pair of a desk, or whoever sits alone."""
    desk = [
        other.player
        for other in placements
        if (other.part, other.section, other.desk) == (placement.part, placement.section, placement.desk)
    ]
    return sorted(desk).index(placement.player) % 2 == 0
