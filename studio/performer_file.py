"""A performance of a soloist as a file: a table of notes, MIDI, or what a session heard; and its replay."""

import csv
import heapq
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..engine.errors import InputError, SessionError
from ..engine.types import PERFORMER, HeardNote, NoteEvent, NoteRelease
from .keyboard import FIRST_NOTE_ID
from .performer_midi import TRACK_OPTION, SoloPart, midi_notes
from .session_file import read_session

COLUMNS = ("onset_s", "duration_s", "pitch")
MIDI_SUFFIXES = frozenset({".mid", ".midi"})


def read_performer(path: Path, solo: SoloPart | None = None) -> tuple[HeardNote, ...]:
    """The notes of a performer in order of onset, each whole.

    A table (CSV) has the columns ``onset_s``, ``duration_s``, ``pitch`` (MIDI number, may be fractional) and may have
    ``velocity`` and ``confidence``; of a MIDI file that track is taken which is ``solo``'s (without it, all), of a
    session (``.mcap``) what its performers were heard to play. Raises ``InputError`` where there are no notes, they
    make no sense, or it is not plain whose they are.
    """
    is_midi = path.suffix.lower() in MIDI_SUFFIXES
    if solo is not None and solo.track is not None and not is_midi:
        raise InputError(f"{path}: has no tracks; {TRACK_OPTION} is for MIDI files")
    try:
        if is_midi:
            notes = list(midi_notes(path, solo))
        elif path.suffix.lower() == ".mcap":
            notes = [note for note in read_session(path).heard if note.duration_s is not None]
        else:
            notes = list(_table_notes(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except SessionError as error:
        raise InputError(str(error)) from error
    if not notes:
        raise InputError(f"{path}: no notes in it; a performer's file has at least one")
    return tuple(sorted(notes, key=lambda note: (note.onset_s, note.pitch)))


def write_performer(path: Path, heard: Sequence[HeardNote]) -> None:
    """The whole notes among ``heard`` as a table that ``read_performer`` reads."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, "velocity", "confidence"])
        for note in heard:
            if note.duration_s is not None:
                writer.writerow(
                    [f"{note.onset_s:.4f}", f"{note.duration_s:.4f}", f"{note.pitch:.3f}", note.velocity]
                    + [f"{note.confidence:.3f}"]
                )


def _table_notes(path: Path) -> Iterator[HeardNote]:
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        reader = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise InputError(f"{path}: no column {missing[0]}; a performer's table has {', '.join(COLUMNS)}")
        for line, row in enumerate(reader, 2):
            try:
                onset_s, duration_s, pitch = (float(row[name]) for name in COLUMNS)
                velocity, confidence = round(float(row.get("velocity") or 80)), float(row.get("confidence") or 1.0)
            except (TypeError, ValueError):
                raise InputError(f"{path}, line {line}: not a note; it has numbers for {', '.join(COLUMNS)}") from None
            if not (math.isfinite(onset_s) and 0.0 <= duration_s < math.inf and 0.0 <= pitch <= 127.0):
                raise InputError(f"{path}, line {line}: not a note (pitch is a MIDI number, times are seconds)")
            yield HeardNote(
                line, onset_s, duration_s, pitch, min(127, max(1, velocity)), min(1.0, max(0.0, confidence))
            )


class PerformerReplay:
    """A ``PerformerSource`` that plays notes again: each is told at its onset and at its end."""

    def __init__(self, notes: Sequence[HeardNote]) -> None:
        told: list[tuple[float, int, HeardNote]] = []
        for note in notes:
            end_s = note.onset_s + (note.duration_s or 0.0)
            begun = HeardNote(note.note_id, note.onset_s, None, note.pitch, note.velocity, note.confidence)
            told += [(note.onset_s, len(told), begun), (end_s, len(told) + 1, note)]
        self._told = sorted(told, key=lambda row: row[:2])
        self._next = 0

    @property
    def end_s(self) -> float:
        """When the last note is over; 0 without notes."""
        return self._told[-1][0] if self._told else 0.0

    def poll(self, now_s: float) -> Sequence[HeardNote]:
        begin = self._next
        while self._next < len(self._told) and self._told[self._next][0] <= now_s:
            self._next += 1
        return [note for _, _, note in self._told[begin : self._next]]

    def close(self) -> None:
        self._next = len(self._told)


class PerformerSound:
    """A performer's notes as notes of ``part``, so that they are heard and written beside the orchestra's."""

    def __init__(self, notes: Sequence[HeardNote], part: int, low: int = 0, high: int = 127) -> None:
        """Notes outside of the instrument's range (``low`` to ``high``) sound in another octave."""
        self._notes = sorted(notes, key=lambda note: note.onset_s)
        self._part, self._low, self._high = part, low, high
        self._next = 0
        self._ends: list[tuple[float, int]] = []

    def until(self, horizon_s: float, quarter: float) -> tuple[tuple[NoteEvent, ...], tuple[NoteRelease, ...]]:
        """What begins and ends before ``horizon_s``; ``quarter`` is where in the score that is."""
        events = []
        while self._next < len(self._notes) and self._notes[self._next].onset_s <= horizon_s:
            note = self._notes[self._next]
            duration_s = note.duration_s or 0.0
            pitch = round(note.pitch)
            pitch += 12 * max(0, math.ceil((self._low - pitch) / 12)) - 12 * max(
                0, math.ceil((pitch - self._high) / 12)
            )
            note_id = FIRST_NOTE_ID + self._next
            events.append(
                NoteEvent(
                    note_id, self._part, note.onset_s, duration_s, pitch, note.velocity, "sustain", quarter, PERFORMER
                )
            )
            heapq.heappush(self._ends, (note.onset_s + duration_s, note_id))
            self._next += 1
        releases = []
        while self._ends and self._ends[0][0] <= horizon_s:
            end_s, note_id = heapq.heappop(self._ends)
            releases.append(NoteRelease(note_id, end_s))
        return tuple(events), tuple(releases)
