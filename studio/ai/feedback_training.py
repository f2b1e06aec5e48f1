"""The AI player trained on what one learner liked (``tutti train --from-feedback``)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...engine.errors import ModelError, ScoreError
from ...engine.notation.score_cache import open_score
from ...engine.score import Score
from ...models.controls import measure_controls
from ...models.grid import VOICES, choose_voices, encode_score, grid_of_score
from ...models.part_corpus import PartPiece, pieces_from_score
from ...models.part_training import load_network
from ...models.preference_training import TuningPlan, tune
from ...models.weights import PartManifest, read_part_weights, write_part_weights
from .learners import log, piece_path, read_feedback


def liked_pieces(name: str) -> list[PartPiece]:
    """What a learner liked or made by editing, as training pieces; what was disliked later is left out.

    Raises ``ModelError`` where there is nothing.
    """
    verdicts: dict[str, bool] = {}
    for one in read_feedback(name):
        verdicts[one.piece] = one.verdict != "dislike"
        if one.verdict == "edit":
            verdicts[one.original] = False
    pieces: list[PartPiece] = []
    for piece in (piece for piece, liked in verdicts.items() if liked):
        try:
            pieces += _pieces(piece, open_score(piece_path(name, piece)))
        except ScoreError as error:
            log.warning("%s left out: %s", piece, error)
    if not pieces:
        raise ModelError(
            f"{name} liked nothing yet that could be learned from: tutti part like FILE --learner {name!r}"
        )
    return pieces


def _pieces(name: str, score: Score) -> list[PartPiece]:
    """A small ensemble is one piece, however short; a larger one the voicings that training takes from scores."""
    parts = [part for part in np.unique(score.notes["part"]).tolist() if score.parts[part].instrument != "percussion"]
    if not 2 <= len(parts) <= VOICES:
        return pieces_from_score(name, score)
    grid = grid_of_score(score, parts)
    tokens = encode_score(score, choose_voices(score, parts), grid)
    controls = measure_controls(tokens, grid).astype(np.int8)
    return [PartPiece(name, name, score.sha256, tokens.astype(np.int16), grid, controls)]


def train_from_feedback(
    name: str, start: Path | None, out: Path, plan: TuningPlan, progress: Callable[[float, float], None]
) -> PartManifest:
    """Tune weights (those that ship, or ``start``) on what a learner liked and write them to ``out`` with a manifest.

    Raises ``ModelError`` and ``ProfileError``.
    """
    pieces = liked_pieces(name)
    arrays, manifest = read_part_weights(start)
    network, figures = tune(load_network(arrays, manifest.shape), pieces, plan, progress)
    data = {**manifest.data, "feedback": {piece.name: piece.sha256 for piece in pieces}, "began_with": manifest.sha256}
    tuned = {key: value.detach().numpy() for key, value in network.state_dict().items()}
    description = {
        "data": data,
        "licence": manifest.licence,
        "command": f"tutti train --from-feedback, seed {plan.seed}",
        "figures": {**manifest.figures, **figures},
    }
    return write_part_weights(out, tuned, network.describe(), description)
