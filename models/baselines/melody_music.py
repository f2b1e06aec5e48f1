"""Music as the baselines learn it: a melody that is given, and three voices below it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...engine.errors import ModelError
from ..grid import ABSENT, FIRST_PITCH, VOCABULARY, VOICES, states_after, states_before, transposed
from ..part.corpus import PartPiece
from ..writing import Sheet

MELODY = 0
ANSWERED = (3, 1, 2)
"""The order in which a step's voices are decoded: the bass first, as it decides the chord."""
OLDEST_AGE = 15
MOST_SHIFT = 5
"""Semitones by which training music is moved."""


@dataclass(frozen=True, slots=True)
class MelodyBatch:
    """Excerpts, all int64: ``before`` (batch, steps, voices) the symbols that sound before each step, ``age`` for how
    many steps they have; ``now`` those that sound at it, ``onset`` whether they begin; ``tokens`` what is written;
    ``place`` and ``count`` (batch, steps) as in ``grid.Grid``."""

    before: np.ndarray
    age: np.ndarray
    now: np.ndarray
    onset: np.ndarray
    tokens: np.ndarray
    place: np.ndarray
    count: np.ndarray


def four_voices(pieces: Sequence[PartPiece]) -> list[PartPiece]:
    """The pieces in which all four voices play. Raises ``ModelError`` where there is none."""
    whole = [piece for piece in pieces if not (piece.tokens == ABSENT).any() and len(piece.tokens) > 1]
    if not whole:
        raise ModelError("no piece for four voices is among these scores: the baselines learn from those")
    return whole


class MelodySource:
    """Draws excerpts, transposed at random; the same for the same ``random``."""

    def __init__(self, pieces: Sequence[PartPiece], steps: int, random: np.random.Generator) -> None:
        self._pieces, self._steps, self._random = four_voices(pieces), steps, random
        lengths = np.array([len(piece.tokens) for piece in self._pieces], float)
        self._odds = lengths / lengths.sum()

    def batch(self, size: int) -> MelodyBatch:
        """``size`` excerpts; short pieces are repeated to their length."""
        chosen = self._random.choice(len(self._pieces), size, p=self._odds)
        rows = [self._excerpt(self._pieces[int(index)]) for index in chosen]
        return MelodyBatch(*(np.stack(column) for column in zip(*rows, strict=True)))

    def _excerpt(self, piece: PartPiece) -> tuple[np.ndarray, ...]:
        start = int(self._random.integers(0, max(1, len(piece.tokens) - self._steps + 1)))
        at = np.arange(start, start + self._steps) % len(piece.tokens)
        shift = int(self._random.integers(-MOST_SHIFT, MOST_SHIFT + 1))
        return melody_excerpt(piece, at, shift)


def melody_excerpt(piece: PartPiece, at: np.ndarray, shift: int = 0) -> tuple[np.ndarray, ...]:
    """The steps ``at`` of a piece moved by ``shift`` semitones, as the rows of a ``MelodyBatch``: nothing is known of
    what was before the first."""
    tokens = transposed(piece.tokens[at].astype(np.int64), shift)
    before, age = states_before(tokens)
    now, _ = states_after(tokens)
    onset = ((tokens >= FIRST_PITCH) & (tokens < VOCABULARY)).astype(np.int64)
    return before, np.minimum(age, OLDEST_AGE), now, onset, tokens, piece.grid.place[at], piece.grid.count[at]


def melody_first(given: int) -> tuple[int, ...]:
    """The order of a sheet's voices in which the melody is the first: the networks' own numbering."""
    return (given, *(voice for voice in range(VOICES) if voice != given))


def melody_voice(sheet: Sheet) -> int:
    """Which voice of a sheet is the melody: the highest one that is not asked for. Raises ``ModelError``."""
    given = [
        voice for voice in range(VOICES) if voice not in sheet.answered and not (sheet.tokens[:, voice] == ABSENT).all()
    ]
    if not given:
        raise ModelError("a baseline answers a melody, and none is given")
    return given[0]
