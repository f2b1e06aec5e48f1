"""Scores on a grid that triplets fit: what the part network reads and writes.

Every quarter of a bar is cut into four steps, or into three where the score has triplets, so that a step is either a
sixteenth or a triplet eighth. Each of four voices has one token at each step: ``HOLD`` (the note sounds on), ``REST``,
or the onset of a pitch. Whatever is finer is moved to the nearest step; a note shorter than the grid keeps one step.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..engine.score import Score
from ..engine.types import ScoreNote

VOICES = 4
OUTER_FIRST = (0, 3, 1, 2)
"""The usual order in which a step's voices are decided: soprano, bass, alto, tenor."""
LOW_PITCH, HIGH_PITCH = 24, 108
HOLD, REST = 0, 1
FIRST_PITCH = 2
VOCABULARY = FIRST_PITCH + HIGH_PITCH - LOW_PITCH + 1
"""Tokens that can be predicted."""
UNKNOWN = VOCABULARY
"""Stands for what is not known (yet)."""
ABSENT = VOCABULARY + 1
"""Stands for a voice that does not exist here: it is neither heard nor answered."""
SYMBOLS = VOCABULARY + 2

OLDEST = 31
"""The age of a note is counted in steps up to here."""
PLACES = 7
"""Places in the quarter: 0–3 of four steps, 4–6 of three."""
COUNTS = 28
"""Quarter of the bar, 0–15; where the metre is not known, 16 + the quarter of the piece modulo 12."""
UNCOUNTED = 16
METRES = 9
"""Length of the bar in quarters, 1–8 (longer ones as 8); 0: not known."""

_MISFIT = 1.0 / 12.0  # quarters: an onset further from every step does not fit, no matter how far
_PREFER_FOUR = 0.02


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step lies: place in the quarter, quarter of the bar, length of the bar; as ``Grid`` has them."""

    place: int
    count: int
    metre: int


@dataclass(frozen=True, slots=True)
class Grid:
    """When the steps of a stretch of music are, and where they lie in the bar. All arrays have shape (steps,).

    ``onset_quarter`` is each step's score time, ``place`` its place in the quarter (``PLACES``), ``count`` the quarter
    of the bar (``COUNTS``), ``metre`` the length of the bar (``METRES``); the last step ends at ``end_quarter``.
    """

    onset_quarter: np.ndarray
    place: np.ndarray
    count: np.ndarray
    metre: np.ndarray
    end_quarter: float

    def __len__(self) -> int:
        return len(self.onset_quarter)

    def at(self, step: int) -> Place:
        """Where a step lies; beyond the end, where the last one does."""
        index = min(step, len(self) - 1)
        return Place(int(self.place[index]), int(self.count[index]), int(self.metre[index]))

    def step_at(self, quarter: float) -> int:
        """The step whose onset is nearest; ``len(self)`` for the end."""
        edges = np.append(self.onset_quarter, self.end_quarter)
        right = int(np.searchsorted(edges, quarter))
        if right == 0:
            return 0
        if right == len(edges):
            return len(self)
        return right if edges[right] - quarter < quarter - edges[right - 1] else right - 1

    def steps_between(self, start_quarter: float, end_quarter: float) -> range:
        """The steps with onset in ``[start_quarter, end_quarter)``."""
        first, last = np.searchsorted(self.onset_quarter, (start_quarter - 1e-6, end_quarter - 1e-6))
        return range(int(first), int(last))

    def part_of(self, start: int, stop: int) -> "Grid":
        """The steps ``[start, stop)`` alone."""
        stop = min(stop, len(self))
        end = self.end_quarter if stop == len(self) else float(self.onset_quarter[stop])
        return Grid(
            self.onset_quarter[start:stop], self.place[start:stop], self.count[start:stop], self.metre[start:stop], end
        )


@dataclass(frozen=True, slots=True)
class _Cell:
    """A quarter of a bar, or what is left of one at the end of a bar of odd length."""

    start_quarter: float
    duration_quarter: float
    into_quarter: float
    count: int
    metre: int


def grid_of_score(score: Score, parts: Iterable[int] | None = None) -> Grid:
    """The grid of a whole score, cut where the notes of ``parts`` (all without it) ask for it."""
    notes = score.notes
    if parts is not None:
        notes = notes[np.isin(notes["part"], list(parts))]
    cells: list[_Cell] = []
    for row in score.measures:
        start, duration = float(row["start_quarter"]), float(row["duration_quarter"])
        full = 4.0 * int(row["numerator"]) / max(1, int(row["denominator"]))
        missing = max(0.0, full - duration)  # a pickup is the end of a bar
        cells += _cells_of_measure(start, duration, missing, full)
    onsets = notes["onset_quarter"]
    return _cut(cells, np.sort(onsets), score.end_quarter)


def even_grid(
    quarters: int, metre: int | None = None, *, start_quarter: float = 0.0, triple: frozenset[int] = frozenset()
) -> Grid:
    """A grid without a score: ``quarters`` of four steps, those in ``triple`` (indices) of three.

    ``metre`` is the bar's length in quarters, counted from the start; None where it is not known.
    """
    onset, place, count = [], [], []
    for quarter in range(quarters):
        parts = 3 if quarter in triple else 4
        for step in range(parts):
            onset.append(start_quarter + quarter + step / parts)
            place.append(step if parts == 4 else 4 + step)
            count.append(UNCOUNTED + quarter % 12 if metre is None else min(15, quarter % metre))
    length = 0 if metre is None else min(METRES - 1, metre)
    return Grid(
        np.array(onset),
        np.array(place, np.int64),
        np.array(count, np.int64),
        np.full(len(onset), length, np.int64),
        start_quarter + quarters,
    )


def _cells_of_measure(start: float, duration: float, missing: float, full: float) -> list[_Cell]:
    metre = max(1, min(METRES - 1, round(full)))
    cells = []
    at = missing
    while at < missing + duration - 1e-6:
        into = max(0.0, at - int(at + 1e-6))
        length = min(1.0 - into, missing + duration - at)
        cells.append(_Cell(start + at - missing, length, into, min(15, int(at + 1e-6)), metre))
        at += length
    return cells


def _cut(cells: list[_Cell], onsets: np.ndarray, end_quarter: float) -> Grid:
    onset, place, count, metre = [], [], [], []
    for cell in cells:
        whole = abs(cell.duration_quarter - 1.0) < 1e-6
        first, last = np.searchsorted(onsets, (cell.start_quarter - 1e-6, cell.start_quarter + 1.0 - 1e-6))
        inside = onsets[first:last] - cell.start_quarter
        if whole and len(inside) and _misfit(inside, 3) + _PREFER_FOUR < _misfit(inside, 4):
            steps, base, parts = 3, 4, 3
        else:
            steps, base, parts = max(1, round(cell.duration_quarter * 4)), round(cell.into_quarter * 4), 4
        for step in range(steps):
            onset.append(cell.start_quarter + step / parts)
            place.append(min(PLACES - 1 if parts == 3 else 3, base + step))
            count.append(cell.count)
            metre.append(cell.metre)
    return Grid(
        np.array(onset, np.float64),
        np.array(place, np.int64),
        np.array(count, np.int64),
        np.array(metre, np.int64),
        float(end_quarter),
    )


def _misfit(inside: np.ndarray, parts: int) -> float:
    scaled = inside * parts
    return float(np.minimum(np.abs(scaled - np.round(scaled)) / parts, _MISFIT).sum())


def pitch_to_token(pitch: int) -> int:
    """Token of a pitch's onset; pitches outside the vocabulary are moved by octaves."""
    while pitch < LOW_PITCH:
        pitch += 12
    while pitch > HIGH_PITCH:
        pitch -= 12
    return FIRST_PITCH + pitch - LOW_PITCH


def token_to_pitch(token: int) -> int:
    """Pitch of an onset token."""
    return token - FIRST_PITCH + LOW_PITCH


def transposed(tokens: np.ndarray, semitones: int) -> np.ndarray:
    """Tokens of any shape moved by ``semitones``; what would leave the vocabulary stays at its edge."""
    pitched = (tokens >= FIRST_PITCH) & (tokens < VOCABULARY)
    return np.where(pitched, np.clip(tokens + semitones, FIRST_PITCH, VOCABULARY - 1), tokens)


def encode_voice(notes: Iterable[tuple[float, float, int]], grid: Grid, lowest: bool = False) -> np.ndarray:
    """One voice as tokens, shape (steps,), int64.

    ``notes`` are (onset_quarter, duration_quarter, pitch). Of those that share a step the one nearest to it counts,
    of simultaneous ones the highest (the ``lowest`` for a bass); a new onset ends the note before it.
    """
    tokens = np.full(len(grid), REST, np.int64)
    if not len(grid):
        return tokens
    rows = np.array([(onset, onset + duration, pitch) for onset, duration, pitch in notes], float).reshape(-1, 3)
    edges = np.append(grid.onset_quarter, grid.end_quarter)
    middles = (edges[1:] + edges[:-1]) / 2
    start = np.searchsorted(middles, rows[:, 0] - 1e-6)
    stop = np.maximum(start + 1, np.searchsorted(middles, rows[:, 1] - 1e-6))
    kept = (start < len(grid)) & (rows[:, 0] > edges[0] - 0.5)
    rows, start, stop = rows[kept], start[kept], stop[kept]
    away = np.abs(rows[:, 0] - edges[start])
    order = np.lexsort((-rows[:, 2] if lowest else rows[:, 2], -away.round(4), start))
    for index in order:
        first, last = int(start[index]), min(int(stop[index]), len(grid))
        tokens[first] = pitch_to_token(round(rows[index, 2]))
        tokens[first + 1 : last] = HOLD
        tokens[last:] = REST
    return tokens


def encode_score(score: Score, parts: Sequence[int | None], grid: Grid) -> np.ndarray:
    """The voices of ``parts`` (highest first; None: an absent voice), shape (steps, len(parts)), int64."""
    columns, pitched = [], score.pitched_notes()
    present = [index for index, part in enumerate(parts) if part is not None]
    for index, part in enumerate(parts):
        if part is None:
            columns.append(np.full(len(grid), ABSENT, np.int64))
            continue
        notes = pitched[pitched["part"] == part]
        rows = zip(
            notes["onset_quarter"].tolist(), notes["duration_quarter"].tolist(), notes["pitch"].tolist(), strict=True
        )
        columns.append(encode_voice(rows, grid, lowest=index == present[-1] and len(present) > 1))
    return np.stack(columns, axis=1)


def decode_voice(
    tokens: Sequence[int] | np.ndarray, grid: Grid, part: int, dynamic: float = 0.55, source: str = "written"
) -> list[ScoreNote]:
    """The notes of one voice; ``tokens`` and ``grid`` have as many steps. A leading ``HOLD`` is silence."""
    edges = np.append(grid.onset_quarter, grid.end_quarter)
    notes: list[ScoreNote] = []
    pitch, start = None, 0
    for step, token in enumerate([*(int(token) for token in tokens), REST]):
        if token == HOLD:
            continue
        if pitch is not None:
            notes.append(
                ScoreNote(
                    onset_quarter=float(edges[start]),
                    duration_quarter=float(edges[step] - edges[start]),
                    pitch=pitch,
                    part=part,
                    dynamic=dynamic,
                    source=source,
                )
            )
        pitch, start = (token_to_pitch(token), step) if FIRST_PITCH <= token < VOCABULARY else (None, step)
    return notes


def states_before(tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What each voice is doing before every step: two arrays like ``tokens`` (steps, voices).

    The first holds the symbol of the pitch that sounds (``REST`` in silence, ``ABSENT``), the second for how many
    steps it has, up to ``OLDEST``.
    """
    after, age = states_after(tokens)
    sounding_before = np.empty_like(after)
    age_before = np.zeros_like(age)
    sounding_before[:1] = np.where(tokens[:1] == ABSENT, ABSENT, REST)
    sounding_before[1:], age_before[1:] = after[:-1], age[:-1]
    return sounding_before, age_before


def states_after(tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What each voice is doing at every step, see ``states_before``."""
    steps = np.arange(len(tokens))[:, None]
    written = np.maximum.accumulate(np.where(tokens == HOLD, -1, steps), axis=0)
    sounding = np.where(written < 0, REST, np.take_along_axis(tokens, np.maximum(written, 0), axis=0))
    before = np.concatenate([np.full_like(tokens[:1], REST), sounding[:-1]])
    goes_on = (tokens == HOLD) | ((tokens == REST) & (before == REST))
    begun = np.maximum.accumulate(np.where(goes_on, -1, steps), axis=0)
    return sounding, np.minimum(OLDEST, steps - begun)


def choose_voices(score: Score, parts: Sequence[int]) -> tuple[int | None, ...]:
    """Up to four parts as voices, highest mean pitch first, empty places after them.

    Raises ``ValueError`` for more parts than voices.
    """
    if len(parts) > VOICES:
        raise ValueError(f"{len(parts)} parts for {VOICES} voices")
    notes = score.pitched_notes()
    pitch = {part: notes["pitch"][notes["part"] == part] for part in parts}
    order = sorted(parts, key=lambda part: -float(pitch[part].mean()) if len(pitch[part]) else 0.0)
    return (*order, *[None] * (VOICES - len(order)))
