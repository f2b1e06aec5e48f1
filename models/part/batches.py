"""Excerpts for training: cropped, transposed, with some of what a player meets – silence of others, wrong notes.

Half of the excerpts ask the plain question, how likely this music is. In the others some voices are given: with or
without what they play next, sometimes as a learner plays them (notes wrong, missing or late), sometimes with voices
that do not exist; and controls are asked for, each hidden at random.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..controls import COLUMNS, KEY, REGISTER, REGISTER_WIDTH, SIZES
from ..grid import (
    ABSENT,
    FIRST_PITCH,
    HOLD,
    LOW_PITCH,
    OUTER_FIRST,
    REST,
    UNKNOWN,
    VOCABULARY,
    VOICES,
    states_after,
    states_before,
    transposed,
)
from .corpus import PartPiece, transpositions, usual_ranges
from .network import StepInputs, steps_ahead
from .relations import heard_lately, priors

HORIZONS = (0, 4, 8, 16, 32, 32)
"""Steps up to which given voices are known ahead, drawn alike."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Shares of excerpts (or of notes) that are changed.

    ``plain`` excerpts give nothing and ask for nothing; ``outer_first`` of the rest of the orders are the usual one.
    """

    plain: float = 0.5
    outer_first: float = 0.7
    look_ahead: float = 0.6
    learner: float = 0.3
    absent: float = 0.2
    wrong_notes: float = 0.04
    missing_notes: float = 0.04
    late_notes: float = 0.05


@dataclass(frozen=True, slots=True)
class PartBatch:
    """Excerpts: ``inputs``; ``tokens``, ``sounding`` (after the step), ``weight`` (batch, steps, voices); ``rank``
    (batch, voices), the order of decoding; ``chord`` (batch, steps)."""

    inputs: StepInputs
    tokens: Tensor
    sounding: Tensor
    weight: Tensor
    rank: Tensor
    chord: Tensor


@dataclass(slots=True)
class Excerpt:
    """Steps of a piece as they are learned from, int64; training changes the arrays in place.

    ``tokens`` are what is written, ``sounding_before`` and ``age`` what each voice does before each step
    (``grid.states_before``), ``sounding`` what it does at it, ``given`` is 1 where a voice is not the network's to
    answer: (steps, voices). ``place``, ``count`` and ``metre`` (steps,) are the grid's, ``controls`` (steps, columns)
    what is asked for; ``ahead`` (steps, voices, offsets) the symbols known ahead; ``weight`` (steps, voices), float32,
    how much each token counts; ``rank`` (voices,) when each voice is decided.
    """

    tokens: np.ndarray
    sounding_before: np.ndarray
    age: np.ndarray
    sounding: np.ndarray
    place: np.ndarray
    count: np.ndarray
    metre: np.ndarray
    controls: np.ndarray
    given: np.ndarray
    ahead: np.ndarray
    weight: np.ndarray
    rank: np.ndarray


class ExcerptSource:
    """Draws excerpts of ``steps`` from pieces, long pieces as often as their length asks; repeats by ``random``."""

    def __init__(
        self, pieces: Sequence[PartPiece], steps: int, augmentation: Augmentation, random: np.random.Generator
    ) -> None:
        self._pieces, self._steps, self._augmentation, self._random = list(pieces), steps, augmentation, random
        lengths = np.array([len(piece.tokens) for piece in self._pieces], float)
        self._odds = lengths / lengths.sum()
        ranges = usual_ranges(self._pieces)
        self._shifts = [transpositions(piece.tokens, ranges) for piece in self._pieces]

    def batch(self, size: int) -> PartBatch:
        """``size`` excerpts."""
        chosen = self._random.choice(len(self._pieces), size, p=self._odds)
        return collate([self._excerpt(int(index)) for index in chosen], self._steps)

    def _excerpt(self, index: int) -> Excerpt:
        random, piece = self._random, self._pieces[index]
        length = len(piece.tokens)
        start = 0
        if length > self._steps and random.random() > 0.15:
            start = int(random.integers(0, length - self._steps + 1))
        shift = int(random.choice(self._shifts[index]))
        return self._augmented(excerpt_of(piece, start, start + self._steps, shift))

    def _augmented(self, excerpt: Excerpt) -> Excerpt:
        random, odds = self._random, self._augmentation
        order = np.array(OUTER_FIRST) if random.random() < odds.outer_first else random.permutation(VOICES)
        if random.random() < odds.plain:
            excerpt.controls[:] = 0
        else:
            kept = (random.random(COLUMNS) < 0.5) & (random.random() < 0.7)
            excerpt.controls[:, ~kept] = 0
            given = order[: int(random.integers(1, VOICES))]
            self._give(excerpt, given)
            if random.random() < odds.absent:
                self._remove(excerpt, order[VOICES - int(random.integers(1, 3)) :])
        excerpt.rank = np.argsort(order)
        return excerpt

    def _give(self, excerpt: Excerpt, given: np.ndarray) -> None:
        random, odds = self._random, self._augmentation
        excerpt.given[:, given] = 1
        looks = random.random() < odds.look_ahead
        if looks:
            horizon = int(random.choice(HORIZONS))
            for voice in given:
                excerpt.ahead[:, voice] = steps_ahead(excerpt.sounding[:, voice], horizon)
            excerpt.weight[:, given] = 0.0
        if random.random() < odds.learner:
            for voice in given:
                excerpt.tokens[:, voice] = self._as_learner(excerpt.tokens[:, voice])
            excerpt.weight[:, given] = 0.0
            first = excerpt.sounding_before[0].copy()
            excerpt.sounding, _ = states_after(excerpt.tokens)
            excerpt.sounding_before, excerpt.age = states_before(excerpt.tokens)
            lead = np.maximum.accumulate(excerpt.tokens != HOLD, axis=0)
            excerpt.sounding = np.where(lead, excerpt.sounding, first)
            excerpt.sounding_before[0] = first
            excerpt.sounding_before[1:] = excerpt.sounding[:-1]

    def _as_learner(self, tokens: np.ndarray) -> np.ndarray:
        random, odds = self._random, self._augmentation
        played = tokens.copy()
        onsets = np.flatnonzero((tokens >= FIRST_PITCH) & (tokens < VOCABULARY))
        luck = random.random(len(onsets))
        for step, chance in zip(onsets, luck, strict=True):
            if chance < odds.wrong_notes:
                off = int(random.choice((-12, -2, -1, 1, 2, 12)))
                played[step] = int(np.clip(tokens[step] + off, FIRST_PITCH, VOCABULARY - 1))
            elif chance < odds.wrong_notes + odds.missing_notes:
                rest = step + 1
                played[step] = REST
                while rest < len(played) and tokens[rest] == HOLD:
                    played[rest] = REST
                    rest += 1
            elif chance < odds.wrong_notes + odds.missing_notes + odds.late_notes:
                late = step + 1
                if late < len(played) and tokens[late] == HOLD:
                    played[step], played[late] = HOLD if step and tokens[step - 1] != REST else REST, tokens[step]
        return played

    def _remove(self, excerpt: Excerpt, voices: np.ndarray) -> None:
        for array in (excerpt.tokens, excerpt.sounding, excerpt.sounding_before):
            array[:, voices] = ABSENT
        excerpt.age[:, voices] = 0
        excerpt.given[:, voices] = 0
        excerpt.ahead[:, voices] = UNKNOWN
        excerpt.weight[:, voices] = 0.0


def excerpt_of(piece: PartPiece, start: int, stop: int, shift: int = 0) -> Excerpt:
    """The steps ``[start, stop)`` of a piece moved by ``shift`` semitones, nothing given, controls as measured.

    What sounded before ``start`` is known: the states are the whole piece's.
    """
    before = max(0, start - 64)
    whole = piece.tokens[before:stop].astype(np.int64)
    tokens = transposed(whole, shift)
    sounding, _ = states_after(tokens)
    sounding_before, age = states_before(tokens)
    lead = start - before
    controls = piece.controls[start:stop].astype(np.int64)
    controls[:, KEY] = _moved_key(controls[:, KEY], shift)
    registers = controls[:, REGISTER:]
    moved = registers + round(shift / REGISTER_WIDTH)
    controls[:, REGISTER:] = np.where(registers > 0, np.clip(moved, 1, SIZES[REGISTER] - 1), 0)
    grid = piece.grid
    shape = tokens[lead:].shape
    weight = np.where(tokens[lead:] == ABSENT, 0.0, 1.0).astype(np.float32)
    return Excerpt(
        tokens[lead:],
        sounding_before[lead:],
        age[lead:],
        sounding[lead:],
        grid.place[start:stop],
        grid.count[start:stop],
        grid.metre[start:stop],
        controls,
        np.zeros(shape, np.int64),
        np.full((*shape, len(steps_ahead(np.zeros(1, np.int64))[0])), UNKNOWN, np.int64),
        weight,
        np.argsort(OUTER_FIRST),
    )


def collate(excerpts: list[Excerpt], steps: int) -> PartBatch:
    """Pad excerpts to ``steps``; padding has weight 0."""
    chords = [chord_labels(excerpt.sounding) for excerpt in excerpts]

    def stack(arrays: list[np.ndarray], dtype: type = np.int64) -> Tensor:
        out = np.zeros((len(arrays), steps, *arrays[0].shape[1:]), dtype)
        for row, array in enumerate(arrays):
            out[row, : len(array)] = array
        return torch.from_numpy(out)

    sounding, age = stack([e.sounding_before for e in excerpts]), stack([e.age for e in excerpts])
    inputs = StepInputs(
        sounding=sounding,
        age=age,
        prior=priors(sounding, age),
        lately=heard_lately(sounding),
        given=stack([e.given for e in excerpts]),
        place=stack([e.place for e in excerpts]),
        count=stack([e.count for e in excerpts]),
        metre=stack([e.metre for e in excerpts]),
        controls=stack([e.controls for e in excerpts]),
        ahead=stack([e.ahead for e in excerpts]),
    )
    return PartBatch(
        inputs,
        stack([np.where(e.tokens == ABSENT, 0, e.tokens) for e in excerpts]),
        stack([e.sounding for e in excerpts]),
        stack([e.weight for e in excerpts], np.float32),
        torch.from_numpy(np.stack([e.rank for e in excerpts])),
        stack(chords),
    )


def _moved_key(codes: np.ndarray, shift: int) -> np.ndarray:
    key = codes - 1
    return np.where(codes > 0, 1 + (key % 12 + shift) % 12 + 12 * (key >= 12), 0)


def _label_table() -> np.ndarray:
    """The chord of each set of pitch classes (12 bits): 0 none, else 1 + 4 root + (major, minor, diminished, other)."""
    shapes: tuple[tuple[set[int], set[int]], ...] = (
        ({0, 4, 7}, {10, 11}),
        ({0, 3, 7}, {10}),
        ({0, 3, 6}, {9, 10}),
        ({0, 4, 8}, set()),
    )
    table = np.zeros(4096, np.int64)
    for bits in range(4096):
        classes = {tone for tone in range(12) if bits >> tone & 1}
        for root in range(12):
            for quality, (triad, sevenths) in enumerate(shapes):
                turned = {(tone - root) % 12 for tone in classes}
                complete = triad <= turned and turned <= triad | sevenths
                open_fifth = len(classes) == 2 and turned <= triad and 0 in turned and quality < 2 and 7 not in turned
                if table[bits] == 0 and (complete or open_fifth):
                    table[bits] = 1 + 4 * root + quality
    return table


_LABELS = _label_table()


def chord_labels(sounding: np.ndarray) -> np.ndarray:
    """The chord that sounds at each step, (steps,), see ``_label_table``; an aim beside the notes, as in TonicNet
    (Peracha, "Improving Polyphonic Music Models with Feature-Rich Encoding", ISMIR 2020)."""
    pitched = (sounding >= FIRST_PITCH) & (sounding < VOCABULARY)
    bits = np.zeros(len(sounding), np.int64)
    for voice in range(sounding.shape[1]):
        bit = np.left_shift(1, (sounding[:, voice] - FIRST_PITCH + LOW_PITCH) % 12)
        bits |= np.where(pitched[:, voice], bit, 0)
    return _LABELS[bits]
