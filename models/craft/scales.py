"""Scales as values: which pitch classes a line may use on its way up and on its way down, and how they are tuned."""

from collections.abc import Iterable
from dataclasses import dataclass

PITCH_CLASS_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


@dataclass(frozen=True, slots=True)
class Scale:
    """Pitch classes (0 = C) of a scale at its pitch.

    ``ascending`` may be reached from below, ``descending`` from above; they are the same in most scales.
    ``leading_note`` is the degree that calls for the tonic and is not doubled; None where there is none.
    """

    tonic: int
    ascending: frozenset[int]
    descending: frozenset[int]
    leading_note: int | None = None

    @property
    def pitch_classes(self) -> frozenset[int]:
        """All of them, whatever the direction."""
        return self.ascending | self.descending

    @classmethod
    def of(
        cls, tonic: int, up: Iterable[int], down: Iterable[int] | None = None, leading_note: int | None = None
    ) -> "Scale":
        """From semitones above the tonic; without ``down`` the scale is the same both ways."""
        ascending = frozenset((tonic + step) % 12 for step in up)
        descending = ascending if down is None else frozenset((tonic + step) % 12 for step in down)
        raised = None if leading_note is None else (tonic + leading_note) % 12
        return cls(tonic % 12, ascending, descending, raised)


def major(tonic: int) -> Scale:
    """The major scale; ``tonic`` is a pitch class."""
    return Scale.of(tonic, (0, 2, 4, 5, 7, 9, 11), leading_note=11)


def minor(tonic: int) -> Scale:
    """The minor scale with the sixth and seventh degrees both raised and natural on the way up (melodic, harmonic)
    and on the way down the raised seventh too, as in the harmonic minor."""
    return Scale.of(tonic, (0, 2, 3, 5, 7, 8, 9, 10, 11), (0, 2, 3, 5, 7, 8, 10, 11), leading_note=11)
