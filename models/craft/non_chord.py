"""Notes that do not belong to the chord, by the names that counterpoint gives them (Aldwell and Schachter, *Harmony and
Voice Leading*, on melodic figuration)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ...engine.score import Score
from .beatwise import BeatTable, NoteTable, Place
from .chords import Chord
from .keys import Key

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
class NonChordNote:
    """A note that is not of the chord; ``accented`` where it begins on the beat."""

    place: Place
    part: int
    pitch: int
    kind: NonChordKind
    accented: bool
    words: str


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


def non_chord_notes(
    score: Score, notes: NoteTable, beats: BeatTable, chords: Sequence[Chord | None], keys: Sequence[Key]
) -> Iterator[NonChordNote]:
    """The notes that are not of the chord over their beat, part by part; ``chords`` and ``keys`` are one a beat."""
    for part in np.unique(notes.part).tolist():
        line = notes.line(part)
        for at, together in enumerate(line):
            for index in together.tolist():
                found = _stranger(notes, beats, chords, index)
                if found is None:
                    continue
                beat, held = found
                note = _line_note(notes, line, at, index, beats, chords)
                kind = classify(note, held)
                place = beats.place(float(beats.start[beat]) if held else float(notes.onset[index]))
                name = keys[beat].spell(note.pitch % 12)
                on_beat = held or bool(abs(notes.onset[index] - beats.start[beat]) < 1e-6)
                words = f"{place}: {score.parts[part].name} {name} is {_article(kind)}: it {SENTENCES[kind]}"
                yield NonChordNote(place, part, note.pitch, kind, on_beat, words)


def _article(kind: str) -> str:
    return "free" if kind == "free" else f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _stranger(
    notes: NoteTable, beats: BeatTable, chords: Sequence[Chord | None], index: int
) -> tuple[int, bool] | None:
    """The first beat where a note is not of the chord, and whether it was held into it."""
    beat = beats.index(float(notes.onset[index]))
    first = beat
    while beat < len(beats.start) and beats.start[beat] < notes.end[index] - 1e-6:
        chord = chords[beat]
        if chord is not None and int(notes.pitch[index]) % 12 not in chord.pitch_classes:
            return beat, beat > first
        beat += 1
    return None


def _line_note(
    notes: NoteTable,
    line: Sequence[npt.NDArray[np.int64]],
    at: int,
    index: int,
    beats: BeatTable,
    chords: Sequence[Chord | None],
) -> LineNote:
    pitch = int(notes.pitch[index])

    def nearest(group: int) -> int | None:
        if not 0 <= group < len(line):
            return None
        first, second = (line[group], line[at]) if group < at else (line[at], line[group])
        if notes.onset[second[0]] > notes.end[first].max() + 0.26:
            return None  # a rest between them
        return min(notes.pitch[line[group]].tolist(), key=lambda other: abs(other - pitch))

    after = nearest(at + 1)
    then = chords[beats.index(float(notes.onset[line[at + 1][0]]))] if after is not None else None
    return LineNote(pitch, nearest(at - 1), after, then is not None and pitch % 12 in then.pitch_classes)
