"""Why the AI player wrote what it wrote: how surprising each note was to it, and which notes before it mattered.

Surprise is −ln p of what was written given the past and the voices decided before it, in nats; a note that the model
thought certain has 0. What mattered is found by occlusion (Zeiler & Fergus, "Visualizing and Understanding
Convolutional Networks", ECCV 2014): a note of the context is silenced, and the change of the log-probability is read
off. Attention is not used for this: large weights need not matter (Jain & Wallace, NAACL 2019).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..engine.errors import ModelError
from ..engine.score import Score
from .grid import FIRST_PITCH, HOLD, OUTER_FIRST, REST, UNKNOWN, VOCABULARY, VOICES, Grid, encode_score, grid_of_score
from .grid import token_to_pitch as pitch_of
from .part.runtime import PartModel, PartState
from .voice_groups import part_heights, part_ranges, plan_groups

CONTEXT_QUARTERS = 4.0
"""How far back it is asked which notes mattered."""


@dataclass(frozen=True, slots=True)
class NoteSurprise:
    """A written note and its surprise in nats; ``expected`` is the pitch the model held likeliest instead (None where
    it would have held, rested, or written the same), ``odds`` its probability."""

    part: int
    onset_quarter: float
    pitch: int
    nats: float
    expected: int | None = None
    odds: float = 0.0


@dataclass(frozen=True, slots=True)
class Influence:
    """A context note, and how much likelier (nats; negative: less likely) it made the note that was asked about."""

    part: int
    onset_quarter: float
    pitch: int
    nats: float


@dataclass(frozen=True, slots=True)
class Surprise:
    """Of all parts that were asked about: their ``notes``, in order, and ``by_quarter``, the mean nats of all that was
    decided (notes, holds and rests) in each quarter of the score, NaN where nothing was."""

    notes: tuple[NoteSurprise, ...]
    by_quarter: np.ndarray

    @property
    def mean(self) -> float:
        """Mean surprise of a note in nats; 0 without notes."""
        return float(np.mean([note.nats for note in self.notes])) if self.notes else 0.0

    def most(self, count: int) -> list[NoteSurprise]:
        """The most surprising notes."""
        return sorted(self.notes, key=lambda note: -note.nats)[:count]


@dataclass(frozen=True, slots=True)
class _Passage:
    """Four voices as the model hears them: ``tokens`` (steps, voices), the part that each is, those asked about."""

    grid: Grid
    tokens: np.ndarray
    parts: tuple[int | None, ...]
    asked: tuple[int, ...]

    @property
    def given(self) -> list[bool]:
        return [voice not in self.asked for voice in range(VOICES)]

    @property
    def present(self) -> list[bool]:
        return [part is not None for part in self.parts]

    @property
    def order(self) -> tuple[int, ...]:
        return tuple(voice for voice in OUTER_FIRST if voice in self.asked)


class Explainer:
    """Explains parts of a score by a model: what that model would have expected there, whoever wrote the notes."""

    def __init__(self, model: PartModel, score: Score, asked: Sequence[int]) -> None:
        """``asked`` are the parts to explain; the others are heard. Raises ``ModelError`` where there are none, or one
        has no notes with a pitch."""
        heights = part_heights(score)
        silent = [part for part in asked if part not in heights or not (score.notes["part"] == part).any()]
        if silent or not asked:
            name = f"part {score.parts[silent[0]].name!r} has no notes" if silent else "no part was named"
            raise ModelError(f"{name}: there is nothing to explain")
        heights = {part: height for part, height in heights.items() if (score.notes["part"] == part).any()}
        groups = plan_groups(heights, list(asked), part_ranges(score))
        self._model, self._score = model, score
        self._passages = []
        grid = grid_of_score(score)
        for group in groups:
            tokens = encode_score(score, group.parts, grid)
            voices = tuple(voice for voice, part in enumerate(group.parts) if part in group.answered)
            self._passages.append(_Passage(grid, tokens, group.parts, voices))

    def surprise(self) -> Surprise:
        """How surprising each note of the parts was."""
        notes: list[NoteSurprise] = []
        grid = self._passages[0].grid
        quarters = max(1, int(np.ceil(grid.end_quarter - 1e-6)))
        total, count = np.zeros(quarters), np.zeros(quarters)
        for passage in self._passages:
            state = self._model.start(passage.present, passage.given)
            for step in range(len(grid)):
                quarter = min(quarters - 1, int(grid.onset_quarter[step] + 1e-6))
                for voice, odds in _think(state, passage, step).items():
                    token = int(passage.tokens[step, voice])
                    total[quarter] -= odds[token]
                    count[quarter] += 1
                    if token >= FIRST_PITCH:
                        notes.append(_note(passage, step, voice, odds))
                state.commit(passage.tokens[step])
        by_quarter = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return Surprise(tuple(sorted(notes, key=lambda note: (note.onset_quarter, note.part))), by_quarter)

    def influences(
        self, part: int, onset_quarter: float, context_quarters: float = CONTEXT_QUARTERS
    ) -> list[Influence]:
        """Which notes within ``context_quarters`` before (and, of voices decided before it, together with) a note
        mattered for it, the strongest first. Raises ``ModelError`` where no such note is."""
        found = [(passage, passage.parts.index(part)) for passage in self._passages if part in passage.parts]
        found = [(passage, voice) for passage, voice in found if voice in passage.asked]
        if not found:
            raise ModelError(f"part {part} was not asked about: there is nothing to explain")
        passage, voice = found[0]
        step = passage.grid.step_at(onset_quarter)
        if step >= len(passage.grid) or passage.tokens[step, voice] < FIRST_PITCH:
            raise ModelError(f"{self._score.parts[part].name} has no note at quarter {onset_quarter:g}")
        return self._occluded(passage, step, voice, context_quarters)

    def _occluded(self, passage: _Passage, step: int, voice: int, context_quarters: float) -> list[Influence]:
        grid, tokens = passage.grid, passage.tokens
        since = float(grid.onset_quarter[step]) - context_quarters
        first = int(np.searchsorted(grid.onset_quarter, since - 1e-6))
        earlier = passage.order[: passage.order.index(voice)]
        context = [
            (at, other)
            for at in range(first, step + 1)
            for other in range(VOICES)
            if FIRST_PITCH <= tokens[at, other] < VOCABULARY
            and (at < step or other in earlier or other not in passage.asked)
        ]
        state = self._model.start(passage.present, passage.given)
        for at in range(first):
            _hear(state, passage, tokens, at)
        as_it_is = self._log_odds(state.copy(), passage, tokens, first, step, voice)
        token = int(tokens[step, voice])
        found = []
        for at in range(first, step + 1):
            for other in (other for where, other in context if where == at):
                silenced = _silenced(tokens, at, other)
                change = as_it_is - self._log_odds(state.copy(), passage, silenced, at, step, voice, token)
                part = passage.parts[other]
                if part is not None:
                    pitch = pitch_of(int(tokens[at, other]))
                    found.append(Influence(part, float(grid.onset_quarter[at]), pitch, change))
            if at < step:
                _hear(state, passage, tokens, at)
        return sorted(found, key=lambda influence: -abs(influence.nats))

    def _log_odds(
        self,
        state: PartState,
        passage: _Passage,
        tokens: np.ndarray,
        start: int,
        step: int,
        voice: int,
        token: int | None = None,
    ) -> float:
        """ln p of ``voice``'s token at ``step``; ``state`` is before ``start``."""
        for at in range(start, step):
            _hear(state, passage, tokens, at)
        heard = _Passage(passage.grid, tokens, passage.parts, passage.asked)
        odds = _think(state, heard, step, voice)[voice]
        return float(odds[int(tokens[step, voice]) if token is None else token])


def _think(state: PartState, passage: _Passage, step: int, only: int | None = None) -> dict[int, np.ndarray]:
    """Log-probabilities of each asked voice's token at a step (of ``only`` one), given those decided before it."""
    state.begin(passage.grid.at(step))
    known = [
        int(token) if passage.parts[voice] is not None and voice not in passage.asked else UNKNOWN
        for voice, token in enumerate(passage.tokens[step])
    ]
    found: dict[int, np.ndarray] = {}
    for voice in passage.order:
        if only is None or voice == only:
            logits = state.logits(voice, known)
            most = logits.max()
            found[voice] = np.maximum(logits - most - np.log(np.exp(logits - most).sum()), -50.0)
        known[voice] = int(passage.tokens[step, voice])
        if voice == only:
            break
    return found


def _hear(state: PartState, passage: _Passage, tokens: np.ndarray, step: int) -> None:
    state.begin(passage.grid.at(step))
    state.commit(tokens[step])


def _note(passage: _Passage, step: int, voice: int, odds: np.ndarray) -> NoteSurprise:
    token, part = int(passage.tokens[step, voice]), passage.parts[voice]
    assert part is not None
    likeliest = int(np.argmax(odds))
    other = likeliest >= FIRST_PITCH and likeliest != token
    return NoteSurprise(
        part,
        float(passage.grid.onset_quarter[step]),
        pitch_of(token),
        float(max(0.0, -odds[token])),
        pitch_of(likeliest) if other else None,
        float(np.exp(odds[likeliest])) if other else 0.0,
    )


def _silenced(tokens: np.ndarray, step: int, voice: int) -> np.ndarray:
    """The same music without one note: rests in its place."""
    copy = tokens.copy()
    copy[step, voice] = REST
    after = step + 1
    while after < len(copy) and copy[after, voice] == HOLD:
        copy[after, voice] = REST
        after += 1
    return copy
