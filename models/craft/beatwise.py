"""A score's pitched notes and its beats as arrays: what chords, lines and rules are read from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...engine.expression import metrical_weight
from ...engine.score import Score
from ...engine.types import ScoreNote

TICKS = 48
"""Ticks of a quarter by which simultaneous onsets are told: sixteenths, triplets and 64ths fall on them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: score time, printed measure and conductor's beat in it."""

    quarter: float
    measure: str
    beat: int

    def __str__(self) -> str:
        return f"measure {self.measure}, beat {self.beat}"


@dataclass(frozen=True, slots=True)
class NoteTable:
    """Notes with a pitch, in order of onset; all arrays have shape (notes,): ``onset`` and ``end`` in quarters,
    ``pitch`` as MIDI number, ``part``."""

    onset: npt.NDArray[np.float64]
    end: npt.NDArray[np.float64]
    pitch: npt.NDArray[np.int64]
    part: npt.NDArray[np.int64]

    @classmethod
    def of(cls, score: Score, notes: Sequence[ScoreNote]) -> "NoteTable":
        pitched = [note for note in notes if score.has_pitch(note)]
        pitched.sort(key=lambda note: (note.onset_quarter, note.part, note.pitch))
        return cls(
            np.array([note.onset_quarter for note in pitched]),
            np.array([note.onset_quarter + note.duration_quarter for note in pitched]),
            np.array([note.pitch for note in pitched], np.int64),
            np.array([note.part for note in pitched], np.int64),
        )

    def by_beat(self, beats: "BeatTable") -> tuple[npt.NDArray[np.float64], list[int | None], list[int]]:
        """How much each pitch class counts within each beat (beats, 12), the bass note's pitch class, and the most
        pitch classes that sound at once."""
        weights = np.zeros((len(beats.start), 12))
        basses: list[int | None] = []
        together: list[int] = []
        for index, (start, end) in enumerate(zip(beats.start, beats.end, strict=True)):
            here = self._between(start, end)
            share = (np.minimum(self.end[here], end) - np.maximum(self.onset[here], start)) / (end - start)
            at_start = self.onset[here] <= start + 1e-6
            np.add.at(weights[index], self.pitch[here] % 12, share * np.where(at_start, 1.5, 1.0))
            basses.append(self._bass(here) if len(here) else None)
            together.append(self._at_once(here))
        return weights, basses, together

    def _bass(self, here: npt.NDArray[np.int64]) -> int:
        """Pitch class that the lowest part has first among these notes."""
        lowest = self.part[here[np.argmin(self.pitch[here])]]
        its = here[self.part[here] == lowest]
        first = its[self.onset[its] <= self.onset[its[0]] + 1e-6]
        return int(self.pitch[first].min()) % 12

    def _at_once(self, here: npt.NDArray[np.int64]) -> int:
        """The most pitch classes of these notes that sound at the same time."""
        onset, end, classes = self.onset[here], self.end[here], self.pitch[here] % 12
        return max(
            (len(np.unique(classes[(onset <= at + 1e-6) & (end > at + 1e-6)])) for at in np.unique(onset)), default=0
        )

    def _between(self, start: float, end: float) -> npt.NDArray[np.int64]:
        last = int(np.searchsorted(self.onset, end - 1e-6))
        return np.flatnonzero(self.end[:last] > start + 1e-6)

    def line(self, part: int) -> list[npt.NDArray[np.int64]]:
        """Indices of a part's notes, those that begin together in one array."""
        mine = np.flatnonzero(self.part == part)
        if not len(mine):
            return []
        ticks = np.round(self.onset[mine] * TICKS)
        return np.split(mine, np.flatnonzero(np.diff(ticks)) + 1)


class BeatTable:
    """The score's conductor's beats: ``start`` and ``end`` in quarters, (beats,); where a score time lies among them,
    and how heavy it is there."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self.start = np.maximum(score.beats["quarter"], 0.0)  # of a beat before it, the score has a part
        self.end = score.beats["quarter"] + score.beats["duration_quarter"]

    def index(self, quarter: float) -> int:
        """The beat that holds a score time."""
        return max(0, int(np.searchsorted(self.start, quarter + 1e-6, side="right")) - 1)

    def place(self, quarter: float) -> Place:
        """Its printed measure and the beat in it."""
        row = self._score.beats[self.index(quarter)]
        return Place(float(quarter), str(self._score.measures["number"][row["measure"]]), int(row["beat"]))

    def strength(self, quarter: float) -> float:
        """Its metrical weight, 0–1 (``engine.expression.metrical_weight``)."""
        row = self._score.beats[self.index(quarter)]
        return metrical_weight(quarter, float(row["quarter"]), int(row["beat"]), int(row["beats_in_measure"]))


def sounding_on_beats(score: Score) -> list[list[int]]:
    """The MIDI pitches that sound at the beginning of each beat of the score."""
    notes = score.notes
    ends = notes["onset_quarter"] + notes["duration_quarter"]
    return [
        notes["pitch"][(notes["onset_quarter"] <= quarter + 1e-6) & (ends > quarter + 1e-6)].tolist()
        for quarter in score.beats["quarter"]
    ]
