"""A soloist's part as a row of events to be followed: what is played together or as one ornament is one event."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import ScoreError
from ..score import NoteFlag, Score

TOGETHER_QUARTER = 0.02
"""Onsets nearer than this are a chord."""
REST_QUARTER = 0.5
"""A rest this long ends a phrase."""
BETWEEN, BAR, AFTER_REST, MARKED = 0.1, 1.0, 3.0, 4.0
"""How readily a soloist begins anew at an event: anywhere, at the first of a bar, after a rest, and at the beginning,
at rehearsal marks and where the printed bars jump (repeats)."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SoloLine:
    """Events of one or several parts, in order; all arrays have their count as first axis.

    ``quarter`` is the onset, ``end_quarter`` where it ends, ``nominal_s`` the onset in seconds at the marked tempo;
    ``pitches`` (events × 128) which MIDI numbers belong to it; ``optional`` is True for grace notes, ``ornamented`` for
    trills, mordents and broken chords, whose notes come in any number. ``entrance`` is how readily a soloist begins
    there; ``place`` is equal for the same printed notes, which repeats play more than once. ``parts`` are the score's
    parts of the solo.
    """

    parts: frozenset[int]
    quarter: Floats
    end_quarter: Floats
    nominal_s: Floats
    pitches: npt.NDArray[np.bool_]
    optional: npt.NDArray[np.bool_]
    ornamented: npt.NDArray[np.bool_]
    entrance: Floats
    place: npt.NDArray[np.int64]

    @classmethod
    def of(cls, score: Score, parts: frozenset[int]) -> "SoloLine":
        """Raises ``ScoreError`` where the parts have no notes."""
        rows = score.notes[np.isin(score.notes["part"], sorted(parts))]
        if not len(rows):
            names = ", ".join(score.parts[part].name for part in sorted(parts)) or "no part"
            raise ScoreError(f"{score.title}: nothing to follow in {names}; choose a part that plays")
        first = _firsts(rows)
        event = np.cumsum(first) - 1
        count = int(event[-1]) + 1
        pitches = np.zeros((count, 128), bool)
        pitches[event, np.minimum(rows["pitch"], 127)] = True
        end = np.zeros(count)
        np.maximum.at(end, event, rows["onset_quarter"] + rows["duration_quarter"])
        ornamented = np.zeros(count, bool)
        ornamented[event[(rows["flags"] & NoteFlag.ORNAMENT) != 0]] = True
        quarter = rows["onset_quarter"][first]
        measure = rows["measure"][first]
        return cls(
            parts=parts,
            quarter=quarter,
            end_quarter=end,
            nominal_s=nominal_s(score, quarter),
            pitches=pitches,
            optional=(rows["flags"][first] & NoteFlag.GRACE) != 0,
            ornamented=ornamented,
            entrance=_entrances(score, quarter, end, measure),
            place=_places(score, quarter, measure, pitches),
        )

    def __len__(self) -> int:
        return len(self.quarter)


def nominal_s(score: Score, quarter: npt.ArrayLike) -> Floats:
    """Seconds from quarter 0 at the marked tempos."""
    marks = score.tempos["quarter"].astype(float)
    rates = 60.0 / score.tempos["quarter_bpm"].astype(float)
    begins = np.concatenate(([0.0], np.cumsum(np.diff(marks) * rates[:-1])))
    at = np.asarray(quarter, float)
    index = np.maximum(0, np.searchsorted(marks, at + 1e-9, side="right") - 1)
    return np.asarray(begins[index] + (at - marks[index]) * rates[index])


def _firsts(rows: np.ndarray) -> npt.NDArray[np.bool_]:
    """Which rows begin an event."""
    apart = np.diff(rows["onset_quarter"], prepend=-np.inf) > TOGETHER_QUARTER
    first = apart & ((rows["flags"] & NoteFlag.ORNAMENT) == 0)
    first[0] = True
    return first


def _entrances(score: Score, quarter: Floats, end: Floats, measure: np.ndarray) -> Floats:
    entrance = np.full(len(quarter), BETWEEN)
    entrance[np.diff(measure, prepend=-1) != 0] = BAR
    rests = np.concatenate(([np.inf], quarter[1:] - end[:-1]))
    entrance[rests >= REST_QUARTER] = AFTER_REST
    for mark, _ in score.rehearsal:
        index = int(np.searchsorted(quarter, mark - 1e-6))
        if index < len(entrance):
            entrance[index] = MARKED
    numbers = score.measures["number"]
    printed = [int("".join(filter(str.isdigit, number)) or 0) for number in numbers.tolist()]
    for event in np.flatnonzero(np.diff(measure, prepend=-1) != 0):
        bar = measure[event].item()
        if bar and printed[bar] not in (printed[bar - 1], printed[bar - 1] + 1):
            entrance[event] = MARKED
    entrance[0] = MARKED
    return entrance


def _places(score: Score, quarter: Floats, measure: np.ndarray, pitches: npt.NDArray[np.bool_]) -> np.ndarray:
    known: dict[tuple[str, float, bytes], int] = {}
    places = []
    for at, bar, sounding in zip(quarter, measure, pitches, strict=True):
        row = score.measures[bar]
        key = (str(row["number"]), round(float(at - row["start_quarter"]), 3), np.packbits(sounding).tobytes())
        places.append(known.setdefault(key, len(known)))
    return np.array(places, np.int64)
