"""A soloist's MIDI file: its lines, and which of them is the soloist's.

Many files hold the whole concerto. A line is a track, or a channel of a track that has several instruments; the
soloist's is the one that is called like the part, that plays what the part has, or that is its only such instrument.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mido
import numpy as np

from ..engine.errors import InputError, ScoreError
from ..engine.instruments import catalogue
from ..engine.notation.instrument_names import instrument_named_in, instrument_of_program
from ..engine.notation.midi_file import open_midi
from ..engine.score import Score
from ..engine.types import HeardNote

TRACK_OPTION = "--performer-track"
RUN = 3
"""Notes in a row by which a line and a part are compared."""
TOGETHER_S = 0.04
"""Notes so near each other are one chord."""
LEAST_SHARED, LEAST_AHEAD = 0.3, 1.3
"""How much of their runs a line and the part have in common, and by what factor it is ahead of the next, if it is the
part's."""
_DRUM_CHANNEL = 9
_TWO_HANDS = frozenset({"keyboard", "plucked"})


@dataclass(frozen=True, slots=True)
class MidiLine:
    """A line of a MIDI file: what it is called, its instrument or family where that is known, and its notes."""

    name: str
    instrument: str | None
    notes: tuple[HeardNote, ...]


@dataclass(frozen=True, slots=True)
class SoloPart:
    """Whose notes are looked for: the soloist's ``parts`` of a score, or the ``track`` that a person named."""

    score: Score
    parts: frozenset[int]
    track: str | None = None

    @property
    def names(self) -> str:
        return ", ".join(self.score.parts[part].name for part in sorted(self.parts))


def midi_notes(path: Path, solo: SoloPart | None = None) -> tuple[HeardNote, ...]:
    """The soloist's notes, in order of onset; without ``solo`` all of the file's.

    Raises ``InputError`` where the file is broken, or it is not plain which of its lines is meant (they are listed).
    """
    try:
        lines = _lines(open_midi(path.read_bytes(), str(path)))
    except (ScoreError, TypeError) as error:
        raise InputError(f"{error}; a performer's MIDI file is of type 0 or 1") from error
    chosen = lines if solo is None else _chosen(lines, solo, path)
    notes = sorted((note for line in chosen for note in line.notes), key=lambda note: (note.onset_s, note.pitch))
    return tuple(replace(note, note_id=number) for number, note in enumerate(notes, 1))


def _chosen(lines: Sequence[MidiLine], solo: SoloPart, path: Path) -> Sequence[MidiLine]:
    if solo.track is not None:
        return _asked(lines, solo.track, path)
    if len(lines) <= 1:
        return lines
    wanted = {solo.score.parts[part].name.casefold() for part in solo.parts}
    called = [line for line in lines if line.name.casefold() in wanted]
    if len(called) == len(wanted):
        return called
    instruments = {solo.score.parts[part].instrument for part in solo.parts}
    alike = [line for line in lines if line.instrument in instruments]
    if len(alike) > 1 and {catalogue()[key].family for key in instruments} <= _TWO_HANDS:
        return alike  # a pianist's hands
    rows = solo.score.notes[np.isin(solo.score.notes["part"], list(solo.parts))]
    part = _runs(list(zip(rows["onset_quarter"].tolist(), rows["pitch"].tolist(), strict=True)), 1e-3)
    shared = [_shared(_runs([(n.onset_s, round(n.pitch)) for n in line.notes], TOGETHER_S), part) for line in lines]
    first, second = sorted(shared, reverse=True)[:2]
    if first >= LEAST_SHARED and first >= LEAST_AHEAD * second:
        return [lines[shared.index(first)]]
    if len(alike) == 1:
        return alike
    raise InputError(
        f"{path}: which of its tracks is {solo.names}? say {TRACK_OPTION}, by number or name: {_listed(lines)}"
    )


def _asked(lines: Sequence[MidiLine], track: str, path: Path) -> Sequence[MidiLine]:
    wanted = track.strip().casefold()
    found = [line for line in lines if line.name.casefold() == wanted]
    if not found and wanted.isdigit() and 1 <= int(wanted) <= len(lines):
        found = [lines[int(wanted) - 1]]
    if not found:
        raise InputError(f"{path}: no track {track!r} with notes; there are: {_listed(lines)}")
    return found


def _listed(lines: Sequence[MidiLine]) -> str:
    return ", ".join(f"{number} {line.name or 'without a name'}" for number, line in enumerate(lines, 1))


def _runs(notes: Sequence[tuple[float, int]], together: float) -> frozenset[tuple[int, ...]]:
    """Pitch classes of every ``RUN`` notes in a row, chords from below; ``together`` in the unit of the onsets."""
    chords: list[list[int]] = []
    last = -float("inf")
    for onset, pitch in sorted(notes):
        if onset - last > together:
            chords.append([])
            last = onset
        chords[-1].append(pitch)
    classes = [pitch % 12 for chord in chords for pitch in sorted(chord)]
    return frozenset(tuple(classes[at : at + RUN]) for at in range(len(classes) - RUN + 1))


def _shared(one: frozenset[tuple[int, ...]], other: frozenset[tuple[int, ...]]) -> float:
    """Dice's coefficient of two sets, 0 to 1."""
    return 2.0 * len(one & other) / max(1, len(one) + len(other))


def _lines(file: mido.MidiFile) -> list[MidiLine]:
    """All lines with notes, in the order of the file."""
    if file.type == 2:
        raise TypeError("its tracks are pieces of their own")
    tempi, now, last = mido.MidiTrack(), 0, 0
    for message in mido.merge_tracks(file.tracks):
        now += message.time
        if message.type == "set_tempo":
            tempi.append(message.copy(time=now - last))
            last = now
    lines = []
    for track in file.tracks:
        timed = mido.MidiFile(type=1, ticks_per_beat=file.ticks_per_beat, tracks=[tempi, track])
        lines += _lines_of_track(timed, " ".join(track.name.replace("\0", " ").split()))
    return lines


def _lines_of_track(timed: mido.MidiFile, name: str) -> list[MidiLine]:
    at_s = 0.0
    sounding: dict[tuple[int, int], tuple[float, int]] = {}
    notes: dict[int, list[HeardNote]] = defaultdict(list)
    programs: dict[int, int] = {}
    for message in timed:
        at_s += message.time
        if message.type == "program_change":
            programs.setdefault(message.channel, message.program)
        if message.type not in ("note_on", "note_off"):
            continue
        key = (message.channel, message.note)
        if key in sounding:
            onset_s, velocity = sounding.pop(key)
            notes[message.channel].append(HeardNote(0, onset_s, at_s - onset_s, float(message.note), velocity, 1.0))
        if message.type == "note_on" and message.velocity > 0:
            sounding[key] = (at_s, message.velocity)
    for (channel, pitch), (onset_s, velocity) in sounding.items():  # never released: to the end
        notes[channel].append(HeardNote(0, onset_s, at_s - onset_s, float(pitch), velocity, 1.0))
    if not programs.keys() & notes.keys():  # a controller's channels (MPE), not instruments
        together = tuple(note for channel in sorted(notes) for note in notes[channel])
        return [MidiLine(name, _instrument(name, None), together)] if together else []
    lines = []
    for channel in sorted(notes):
        instrument = "percussion" if channel == _DRUM_CHANNEL else _instrument(name, programs.get(channel))
        called = name if len(notes) == 1 else f"{name} {instrument or f'channel {channel + 1}'}".strip()
        lines.append(MidiLine(called, instrument, tuple(notes[channel])))
    return lines


def _instrument(name: str, program: int | None) -> str | None:
    named = instrument_named_in(name)
    return named[0] if named is not None else None if program is None else instrument_of_program(program)
