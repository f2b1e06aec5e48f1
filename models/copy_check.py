"""Does what the AI wrote occur in the music that it learned from? A check by n-grams, shipped with the weights.

A line is compared by its intervals and its rhythm (onset to onset, in twelfths of a quarter), so that a transposed copy
is found too. From the training music the hashes of all runs of ``NOTES`` notes go into a Bloom filter (Bloom, "Space/
time trade-offs in hash coding with allowable errors", Comm. ACM 13, 1970): small, and no music can be read out of it.
A longer run is shared when all runs of ``NOTES`` notes in it are. Runs that any music shares (one note repeated,
plain scales and arpeggio patterns of one rhythm and fewer than ``VARIED`` different steps) are not counted.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ..engine.errors import ModelError
from ..engine.types import ScoreNote

NOTES = 8
"""Notes in an n-gram."""
VARIED = 4
"""Different (interval, rhythm) steps that a run must have to be anybody's."""
TICKS_PER_QUARTER = 12
HASHES = 2
BITS_PER_RUN = 8.0
SMALLEST_BITS = 1 << 16
USUAL_NOTES = 15
"""Where an index does not say what is usual: unrelated pieces of one style share runs this long now and then."""


@dataclass(frozen=True, slots=True)
class SharedRun:
    """The longest run shared with the training music: in which part, where, how many notes and quarters.

    ``usual_notes`` is the length that pieces by composers, unseen in training, share with it (nine in ten are shorter).
    """

    part: int
    start_quarter: float
    end_quarter: float
    notes: int
    usual_notes: int

    @property
    def suspicious(self) -> bool:
        return self.notes > self.usual_notes

    def described(self) -> str:
        if not self.notes:
            return f"none of {NOTES} notes or more"
        return (
            f"{self.notes} notes, quarters {self.start_quarter:g}–{self.end_quarter:g} "
            f"({'longer than' if self.suspicious else 'within'} the usual {self.usual_notes})"
        )


class CopyIndex:
    """The set of runs of the training music. Immutable."""

    def __init__(self, bits: np.ndarray, usual_notes: int = USUAL_NOTES) -> None:
        """``bits`` (bytes,) uint8, a power of two of them."""
        self._bits = bits
        self.usual_notes = usual_notes

    @classmethod
    def of(cls, lines: Iterable[Sequence[tuple[float, int]]], usual_notes: int = USUAL_NOTES) -> "CopyIndex":
        """From all melodic lines of the training music: (onset in quarters, pitch), in order."""
        found = [hashed for line in lines for hashed, counts in zip(*_runs(line), strict=True) if counts]
        unique = np.unique(np.array(found, np.uint64))
        size = max(SMALLEST_BITS, 1 << int(np.ceil(np.log2(max(1.0, BITS_PER_RUN * len(unique))))))
        bits = np.zeros(size // 8, np.uint8)
        for place in _places(unique, size):
            np.bitwise_or.at(bits, place >> 3, np.left_shift(1, place & 7).astype(np.uint8))
        return cls(bits, usual_notes)

    def __contains__(self, hashed: int) -> bool:
        places = _places(np.array([hashed], np.uint64), 8 * len(self._bits))
        return all(self._bits[int(place[0]) >> 3] >> (int(place[0]) & 7) & 1 for place in places)

    def longest(self, lines: Mapping[int, Sequence[tuple[float, int]]]) -> SharedRun:
        """The longest shared run in the lines of parts."""
        best = SharedRun(0, 0.0, 0.0, 0, self.usual_notes)
        for part, line in lines.items():
            hashes, counted = _runs(line)
            length = varied = 0
            for index, (hashed, counts) in enumerate(zip(hashes, counted, strict=True)):
                shared = int(hashed) in self
                length = length + 1 if shared and (counts or length) else 0
                varied = varied + 1 if length and counts else 0 if not length else varied
                notes = length + NOTES - 1
                if length and varied and notes > best.notes:
                    first = index - length + 1
                    best = SharedRun(part, line[first][0], line[index + NOTES - 1][0], notes, self.usual_notes)
        return best

    def save(self, path: Path) -> None:
        np.savez_compressed(path, bits=self._bits, usual_notes=np.int64(self.usual_notes), notes=np.int64(NOTES))

    @classmethod
    def load(cls, path: Path) -> "CopyIndex":
        """Raises ``ModelError`` when it cannot be read."""
        try:
            with np.load(path) as file:
                if int(file["notes"]) != NOTES:
                    raise ModelError(f"{path}: made for runs of {int(file['notes'])} notes; train the weights again")
                return cls(file["bits"], int(file["usual_notes"]))
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise ModelError(f"{path}: cannot read this index of the training music ({error})") from error


def copies_path(weights: Path) -> Path:
    """Where the index lies beside its weights."""
    return weights.with_suffix(".copies.npz")


def build_index(
    training: Iterable[Sequence[tuple[float, int]]], held_out: Iterable[Mapping[int, Sequence[tuple[float, int]]]]
) -> CopyIndex:
    """The index of the ``training`` lines; what is usual is read from ``held_out`` pieces, nine in ten of which share
    no longer run."""
    index = CopyIndex.of(training)
    shared = [index.longest(piece).notes for piece in held_out]
    usual = int(np.ceil(np.percentile(shared, 90))) if shared else USUAL_NOTES
    return CopyIndex(index._bits, max(NOTES, usual))


def lines_of(notes: Iterable[ScoreNote]) -> dict[int, list[tuple[float, int]]]:
    """The melodic line of each part: of notes that begin together the highest."""
    lines: dict[int, dict[float, int]] = {}
    for note in notes:
        line = lines.setdefault(note.part, {})
        line[note.onset_quarter] = max(note.pitch, line.get(note.onset_quarter, 0))
    return {part: sorted(line.items()) for part, line in lines.items()}


def lines_of_columns(
    tokens: np.ndarray, onset_quarter: np.ndarray, first_pitch: int, low_pitch: int
) -> list[list[tuple[float, int]]]:
    """The lines of voices on a grid, ``tokens`` (steps, voices)."""
    return [
        [
            (float(onset_quarter[step]), int(tokens[step, voice]) - first_pitch + low_pitch)
            for step in np.flatnonzero((tokens[:, voice] >= first_pitch) & (tokens[:, voice] < first_pitch + 85))
        ]
        for voice in range(tokens.shape[1])
    ]


def _runs(line: Sequence[tuple[float, int]]) -> tuple[list[int], list[bool]]:
    """Hash of each run of ``NOTES`` notes, and whether it is anybody's own."""
    steps = [
        (int(line[i + 1][1] - line[i][1]), round((line[i + 1][0] - line[i][0]) * TICKS_PER_QUARTER))
        for i in range(len(line) - 1)
    ]
    hashes, counted = [], []
    for first in range(len(steps) - NOTES + 2):
        run = steps[first : first + NOTES - 1]
        digest = hashlib.blake2b(np.array(run, "<i4").tobytes(), digest_size=8).digest()
        hashes.append(int.from_bytes(digest, "little"))
        counted.append(len(set(run)) >= VARIED)
    return hashes, counted


def _places(hashes: np.ndarray, size: int) -> list[np.ndarray]:
    mask = np.uint64(size - 1)
    return [((hashes >> np.uint64(32 * index)) & mask).astype(np.int64) for index in range(HASHES)]
