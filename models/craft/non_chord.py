"""Notes that do not belong to the chord, by the names that counterpoint gives them (Aldwell and Schachter, *Harmony and
Voice Leading*, on melodic figuration)."""

from dataclasses import dataclass
from typing import Literal

NonChordKind = Literal[
    "passing note",
    "neighbour note",
    "suspension",
    "retardation",
    "appoggiatura",
    "escape note",
    "anticipation",
    "pedal",
    "free",
]

SENTENCES: dict[NonChordKind, str] = {
    "passing note": "fills the way between two notes by step",
    "neighbour note": "leaves a note by step and comes back",
    "suspension": "is held over from the chord before and resolves down by step",
    "retardation": "is held over from the chord before and resolves up by step",
    "appoggiatura": "is leapt to and resolves by step",
    "escape note": "is reached by step and left by a leap",
    "anticipation": "sounds the next chord's note before its time",
    "pedal": "is held while the chords over or under it change",
    "free": "is neither prepared nor resolved by step",
}


@dataclass(frozen=True, slots=True)
class LineNote:
    """A note of a line with its neighbours' pitches (None: a rest, or the line's end)."""

    pitch: int
    before: int | None
    after: int | None
    after_in_chord: bool
    """Whether the pitch belongs to the chord that sounds with the following note."""


def classify(note: LineNote, held: bool) -> NonChordKind:
    """What a non-chord note is; ``held``: it began before the chord that it does not belong to."""
    leave = None if note.after is None else note.after - note.pitch
    if held or note.before == note.pitch:
        if leave in (-1, -2):
            return "suspension"
        if leave in (1, 2):
            return "retardation"
        if held or leave == 0:
            return "anticipation" if leave == 0 and note.after_in_chord and not held else "pedal"
    approach = None if note.before is None else note.pitch - note.before
    if leave == 0 and note.after_in_chord:
        return "anticipation"
    by_step_in, by_step_out = _is_step(approach), _is_step(leave)
    if approach is not None and leave is not None and by_step_in and by_step_out:
        return "passing note" if approach * leave > 0 else "neighbour note"
    if by_step_out:
        return "appoggiatura"
    return "escape note" if by_step_in and leave is not None else "free"


def _is_step(interval: int | None) -> bool:
    return interval is not None and 1 <= abs(interval) <= 2
