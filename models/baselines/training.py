"""Any baseline trained on pieces and written with a manifest, as the part network is."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.errors import ModelError
from ..part.corpus import PartPiece, described
from ..weights import PartManifest, write_part_weights
from .catalogue import KINDS


def train_baseline(
    kind: str,
    pieces: Sequence[PartPiece],
    weights: Path,
    *,
    budget_s: float,
    licence: str,
    command: str,
    seed: int = 0,
    threads: int = 1,
    most_wall_s: float = math.inf,
    iterations: int | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> PartManifest:
    """Train for so many ``iterations`` (which can be repeated), else for ``budget_s`` of processor time, and write
    ``weights`` and their manifest. Raises ``ModelError``."""
    if kind not in KINDS:
        raise ModelError(f"no baseline {kind!r}: there are {', '.join(KINDS)}")
    if kind == "gan":
        from .gan_training import GanPlan, train_gan

        gan_plan = GanPlan(
            budget_s=budget_s, most_wall_s=most_wall_s, iterations=iterations, seed=seed, threads=threads
        )
        arrays, shape, figures = train_gan(pieces, gan_plan, progress)
    else:
        from .sequence_training import BaselinePlan, train_sequence

        plan = BaselinePlan(
            kind, budget_s=budget_s, most_wall_s=most_wall_s, iterations=iterations, seed=seed, threads=threads
        )
        arrays, shape, figures = train_sequence(pieces, plan, progress)
    return write_baseline(weights, arrays, shape, pieces, licence=licence, command=command, figures=figures)


def write_baseline(
    weights: Path,
    arrays: dict[str, np.ndarray],
    shape: dict[str, int],
    pieces: Sequence[PartPiece],
    *,
    licence: str,
    command: str,
    figures: dict[str, Any],
) -> PartManifest:
    """Write half-precision weights and a manifest: data by name and hash, split, licence, command, figures."""
    parameters = {"parameters": int(sum(array.size for array in arrays.values()))}
    description = {"data": described(pieces), "licence": licence, "command": command, "figures": figures}
    return write_part_weights(weights, arrays, {**shape, **parameters}, description)
