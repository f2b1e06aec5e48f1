"""Tunings other than the equal one: how far each pitch class is moved, for all parts or some.

Scores, models and MIDI count in semitones; what lies between them (quarter tones, commas) is a note's ``cents``, which
players add to its pitch (``engine.audio.ensemble``). A tuning gives them to whole parts by pitch class.
"""

from dataclasses import dataclass

LARGEST_CENTS = 100.0


@dataclass(frozen=True, slots=True)
class Intonation:
    """``cents`` for each of the twelve pitch classes from C; ``parts`` are those that play so, None all of them.

    Raises ``ValueError`` unless there are twelve numbers within a semitone.
    """

    cents: tuple[float, ...] = (0.0,) * 12
    parts: frozenset[int] | None = None

    def __post_init__(self) -> None:
        if len(self.cents) != 12 or not all(abs(value) <= LARGEST_CENTS for value in self.cents):
            raise ValueError(f"a tuning has twelve numbers of cents from -100 to 100, not {self.cents}")

    def cents_of(self, part: int, pitch: int) -> float:
        """How far a part plays this MIDI pitch from its equal-tempered place."""
        return self.cents[pitch % 12] if self.parts is None or part in self.parts else 0.0


EQUAL = Intonation()
