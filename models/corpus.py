"""From a folder of scores to training pieces: four voices each, split by file so that nothing leaks."""

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..engine.errors import ModelError, ScoreError
from ..engine.notation.score_cache import open_score
from ..engine.score import Score
from .tokens import FIRST_PITCH, POSITIONS, STEPS_PER_QUARTER, VOCABULARY, VOICES, encode_voice, to_step

log = logging.getLogger(__name__)

SUFFIXES = frozenset({".mxl", ".musicxml", ".xml", ".mid", ".midi", ".krn", ".abc"})
VALIDATION_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece on the grid: ``tokens`` (steps, voices) and the metrical ``position`` (steps,) of each step."""

    name: str
    sha256: str
    tokens: np.ndarray
    position: np.ndarray


def piece_from_score(name: str, score: Score) -> Piece | None:
    """The four voices of a score, highest first by mean pitch; None when it does not have four melodic parts."""
    by_part = [score.notes[score.notes["part"] == part] for part in range(len(score.parts))]
    voiced = [notes for notes in by_part if len(notes) >= 16]
    if len(voiced) != VOICES:
        return None
    voiced.sort(key=lambda notes: -float(notes["pitch"].mean()))
    steps = to_step(score.end_quarter)
    voices = [
        encode_voice(
            list(zip(notes["onset_quarter"], notes["duration_quarter"], notes["pitch"].tolist(), strict=True)), steps
        )
        for notes in voiced
    ]
    return Piece(name, score.sha256, np.stack(voices, axis=1), metrical_positions(score, 0, steps))


def metrical_positions(score: Score, first_step: int, steps: int) -> np.ndarray:
    """Sixteenths since the barline for each step, folded at ``POSITIONS``."""
    starts = np.array([to_step(float(start)) for start in score.measures["start_quarter"]])
    at = np.arange(first_step, first_step + steps)
    measure = np.maximum(0, np.searchsorted(starts, at, side="right") - 1)
    return (at - starts[measure]) % POSITIONS


def read_corpus(folder: Path, progress: Callable[[int, int], None] | None = None) -> list[Piece]:
    """Every four-part score under ``folder``; others are left out with a logged line. Raises ``ModelError``."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise ModelError(f"{folder}: no scores in there ({', '.join(sorted(SUFFIXES))})")
    pieces = []
    for done, path in enumerate(files):
        if progress is not None:
            progress(done, len(files))
        try:
            piece = piece_from_score(path.name, open_score(path))
        except ScoreError as error:
            log.warning("%s left out: %s", path.name, error)
            continue
        if piece is None:
            log.info("%s left out: it has not four melodic parts", path.name)
        else:
            pieces.append(piece)
    if progress is not None:
        progress(len(files), len(files))
    if len(pieces) < 2:
        raise ModelError(f"{folder}: {len(pieces)} four-part scores, at least two are needed")
    return pieces


def split(pieces: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """Training and validation pieces, decided by each file's hash, so that adding files moves none across."""
    keyed = sorted(pieces, key=lambda piece: hashlib.sha256(piece.sha256.encode()).hexdigest())
    held_out = max(1, round(VALIDATION_SHARE * len(keyed)))
    chosen = {piece.name for piece in keyed[:held_out]}
    return [p for p in pieces if p.name not in chosen], [p for p in pieces if p.name in chosen]


def transpositions(piece: Piece) -> list[int]:
    """Semitones by which the piece can be moved, a tritone at most, with every pitch inside the vocabulary."""
    onsets = piece.tokens[piece.tokens >= FIRST_PITCH]
    if not len(onsets):
        return [0]
    low, high = int(onsets.min()), int(onsets.max())
    return [shift for shift in range(-6, 6) if low + shift >= FIRST_PITCH and high + shift < VOCABULARY]


def transpose(tokens: np.ndarray, semitones: int) -> np.ndarray:
    return np.where(tokens >= FIRST_PITCH, tokens + semitones, tokens)


def windows(pieces: list[Piece], steps: int) -> Iterator[tuple[Piece, int]]:
    """Consecutive excerpts of ``steps`` (the last one may be shorter), for validation."""
    for piece in pieces:
        for start in range(0, len(piece.tokens), steps):
            if len(piece.tokens) - start >= STEPS_PER_QUARTER:
                yield piece, start
