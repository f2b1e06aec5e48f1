"""The AI player tuned to what one learner liked and disliked (``tutti train --from-feedback``).

The weights are kept with the learner's feedback and used wherever the learner is named, until they are reset.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.errors import ModelError, ScoreError
from ...engine.notation.score_cache import open_score
from ...engine.score import Score
from ...models.controls import measure_controls
from ...models.copy_check import copies_path
from ...models.grid import ABSENT, VOICES, choose_voices, encode_score, grid_of_score
from ...models.part.corpus import PartPiece, pieces_from_score
from ...models.part.training import load_network
from ...models.preference_training import Judged, Pair, TuningPlan, pairs_of, tune
from ...models.provenance import Provenance
from ...models.weights import default_part_weights, read_part_weights, write_part_weights
from .ai_files import ai_parts
from .learners import log, piece_path, read_feedback, tuned_path

HELD_OUT = ("bach/bwv66.6", "bach/bwv269", "bach/bwv347")
"""Chorales that every installation has (music21's corpus) and no weights that ship were trained on: by these it is
seen that tuning forgets nothing."""


@dataclass(frozen=True, slots=True)
class Judgements:
    """What a learner judged: answers that were ``liked`` (or made by editing) and ``disliked``, ``edits`` as pairs."""

    liked: tuple[Judged, ...]
    disliked: tuple[Judged, ...]
    edits: tuple[Pair, ...]


def judgements_of(name: str) -> Judgements:
    """Everything that can be learned from; of several opinions on a piece the last counts.

    Raises ``ModelError`` where nothing was liked: what somebody does not want says too little of what they want.
    """
    verdicts: dict[str, bool] = {}
    written: dict[str, Provenance] = {}
    edited: list[tuple[str, str]] = []
    for one in read_feedback(name):
        written[one.piece] = Provenance.of_fields(one.provenance)
        verdicts[one.piece] = one.verdict != "dislike"
        if one.verdict == "edit":
            written[one.original] = written[one.piece]
            verdicts[one.original] = False
            edited.append((one.piece, one.original))
    judged: dict[str, tuple[Judged, ...]] = {}
    for piece, provenance in written.items():
        try:
            judged[piece] = tuple(_judged(piece, open_score(piece_path(name, piece)), provenance))
        except ScoreError as error:
            log.warning("%s left out: %s", piece, error)
    liked = tuple(one for piece, found in judged.items() if verdicts[piece] for one in found)
    if not liked:
        raise ModelError(
            f"{name!r} liked nothing yet that could be learned from: tutti part like FILE --learner {name!r}"
        )
    disliked = tuple(one for piece, found in judged.items() if not verdicts[piece] for one in found)
    edits = tuple(
        Pair(after, before)
        for piece, original in edited
        if verdicts[piece] and not verdicts[original]
        for after, before in zip(judged.get(piece, ()), judged.get(original, ()), strict=False)
    )
    return Judgements(liked, disliked, edits)


def _judged(name: str, score: Score, provenance: Provenance) -> list[Judged]:
    """A small ensemble is one piece, however short, of which the AI's voices were judged; a larger one the voicings
    that training takes from scores, all of whose voices were."""
    parts = [part for part in np.unique(score.notes["part"]).tolist() if score.parts[part].instrument != "percussion"]
    if not 2 <= len(parts) <= VOICES:
        return [
            Judged(piece, tuple(np.flatnonzero((piece.tokens != ABSENT).any(axis=0)).tolist()))
            for piece in pieces_from_score(name, score)
        ]
    by_ai = set(ai_parts(score, provenance))
    order = choose_voices(score, parts)
    answered = tuple(voice for voice, part in enumerate(order) if part in by_ai)
    answered = answered or tuple(voice for voice, part in enumerate(order) if part is not None)
    grid = grid_of_score(score, parts)
    tokens = encode_score(score, order, grid)
    controls = measure_controls(tokens, grid).astype(np.int8)
    return [Judged(PartPiece(name, name, score.sha256, tokens.astype(np.int16), grid, controls), answered)]


def held_out_pieces() -> list[PartPiece]:
    """Music that has nothing to do with anybody's feedback."""
    return [piece for name in HELD_OUT for piece in pieces_from_score(name, open_score(name))[:1]]


def train_from_feedback(
    name: str, start: Path | None, plan: TuningPlan, out: Path | None, progress: Callable[[float, float], None]
) -> tuple[Path, dict[str, Any]]:
    """Tune weights (those that ship, or ``start``) to what a learner liked; the file written, and what it changed.

    They are kept with the learner's feedback, or written to ``out``. Raises ``ModelError`` and ``ProfileError``.
    """
    judgements = judgements_of(name)
    arrays, manifest = read_part_weights(start)
    pairs = pairs_of(judgements.edits, judgements.liked, judgements.disliked, plan.seed)
    network = load_network(arrays, manifest.shape)
    tuned, figures = tune(network, judgements.liked, pairs, plan, held_out_pieces(), progress)
    judged = {one.piece.name: one.piece.sha256 for one in (*judgements.liked, *judgements.disliked)}
    description = {
        "data": {**manifest.data, "feedback": judged, "began_with": manifest.sha256},
        "licence": manifest.licence,
        "command": f"tutti train --from-feedback, seed {plan.seed}",
        "figures": {**manifest.figures, **figures},
    }
    values = {key: value.detach().numpy() for key, value in tuned.state_dict().items()}
    path = out or tuned_path(name)
    write_part_weights(path, values, tuned.describe(), description)
    copies = copies_path(start or default_part_weights())
    if copies.exists():  # the music that it learned from is the same
        shutil.copyfile(copies, copies_path(path))
    return path, figures
