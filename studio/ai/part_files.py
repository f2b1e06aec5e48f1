"""Scores with AI notes as files: MusicXML and MIDI in which every AI note can be told from the others.

In MusicXML an AI note is coloured, its part says so in its name, and the file's identification lists model, seed,
controls and what else there is to say (``models.provenance``). In MIDI each track with AI notes begins with a text that
says the same. Notation is made by music21 from the notes: bars, ties, voices where notes overlap.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import mido
import numpy as np

from ...engine.errors import ModelError
from ...engine.instruments import catalogue
from ...engine.score import Score
from ...engine.types import ScoreNote
from ...engine.units import dynamic_to_velocity
from ...models.craft.rule_harmoniser import SOURCE as RULES
from ...models.provenance import Provenance
from ..midi_channels import PartChannels
from ..source_score import musicxml_of
from .note_marks import mark_note, write_marks

AI_COLOUR = "#1F5FA8"
AI_SUFFIX, RULES_SUFFIX = " (AI)", " (rules)"
TICKS_PER_QUARTER = 960
SMALLEST = Fraction(1, 48)
"""Finer places are rounding errors of floating point."""
MARKS = ((0.2, "pp"), (0.35, "p"), (0.48, "mp"), (0.6, "mf"), (0.75, "f"), (1.1, "ff"))
"""Dynamics up to a level (0–1)."""
SOUNDS_FROM_WRITTEN = {"contrabass": -12, "contrabassoon": -12, "guitar": -12, "piccolo": 12, "celesta": 12}
"""Semitones from what is printed to what is heard, of instruments whose parts are printed an octave off."""
SUFFIXES = (".musicxml", ".mid")
_ORDER = {"note_off": 0, "pitchwheel": 1, "program_change": 2, "note_on": 2}
"""Of what happens at once; whatever else there is comes first."""


def check_path(out: Path, source: str) -> None:
    """Raises ``ModelError`` where the name is not that of a file this module writes, or where ``write_score`` would
    write over the score that is read."""
    if out.suffix.lower() not in SUFFIXES:
        raise ModelError(f"{out}: write to a {' or '.join(SUFFIXES)} file")
    for path in _both_formats(out):
        if path.exists() and Path(source).exists() and path.samefile(source):
            raise ModelError(f"{path} is the score that is read and would be written over: choose another name")


def _both_formats(out: Path) -> list[Path]:
    return [out, *(out.with_suffix(suffix) for suffix in SUFFIXES if suffix != out.suffix.lower())]


def write_score(
    out: Path, score: Score, notes: Sequence[ScoreNote], provenance: Provenance, fifths: int = 0
) -> list[Path]:
    """Write ``out`` and its sibling in the other format; the files written, ``out`` first.

    ``fifths`` is the key signature (sharps, negative: flats); ``check_path`` comes before the work. Raises
    ``ModelError`` where a file cannot be written.
    """
    paths = _both_formats(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for path in paths:
            if path.suffix.lower() == ".mid":
                write_midi(path, score, notes, provenance)
            else:
                write_musicxml(path, score, notes, provenance, fifths)
    except OSError as error:
        raise ModelError(f"{out}: cannot be written ({error.strerror}); choose another place") from error
    return paths


def plain_name(name: str) -> str:
    """A part's name without who wrote it."""
    return name.removesuffix(AI_SUFFIX).removesuffix(RULES_SUFFIX)


def labelled(name: str, notes: Sequence[ScoreNote]) -> str:
    """A part's name that says whether a network or rules wrote ``notes`` of it."""
    authors = {note.source for note in notes} - {"written"}
    if not authors:
        return name
    return plain_name(name) + _suffix_of(authors)


def _suffix_of(authors: set[str]) -> str:
    return RULES_SUFFIX if authors == {RULES} else AI_SUFFIX


# -- MusicXML ---------------------------------------------------------------------------------------------------


def write_musicxml(
    path: Path, score: Score, notes: Sequence[ScoreNote], provenance: Provenance | None = None, fifths: int = 0
) -> None:
    """Raises ``OSError``."""
    from music21 import metadata, stream

    whole = stream.Score()
    whole.metadata = metadata.Metadata(title=score.title, composer=score.composer)
    for index in range(len(score.parts)):
        whole.insert(0, _staff(score, index, [note for note in notes if note.part == index], fifths))
    root = musicxml_of(whole, path.name)
    write_marks(root, score.parts)
    if provenance is not None:
        _say_who(root, provenance)
    indent(root, " ")
    with path.open("wb") as file:
        ElementTree(root).write(file, encoding="UTF-8", xml_declaration=True)


def _staff(score: Score, index: int, notes: Sequence[ScoreNote], fifths: int) -> Any:
    """One part as it is printed: measures with what begins in them, ties over barlines, a voice for
    notes that overlap."""
    from music21 import clef, instrument, interval, key, meter, stream, tempo

    part = score.parts[index]
    staff = stream.Part(id=f"P{index + 1}")
    staff.partName = labelled(part.name, notes)
    staff.partAbbreviation = part.abbreviation
    player = instrument.Instrument(staff.partName)
    player.midiProgram = catalogue()[part.instrument].midi_program
    octave = SOUNDS_FROM_WRITTEN.get(part.instrument, 0)
    if octave:
        player.transposition = interval.Interval(octave)
        notes = [replace(note, pitch=note.pitch - octave) for note in notes]
    staff.insert(0, player)
    voices = _voices(notes)
    shown = (0, 0)
    marks = _marks(score, notes)
    for number, row in enumerate(score.measures):
        start, length = _exact(float(row["start_quarter"])), _exact(float(row["duration_quarter"]))
        measure = stream.Measure(number=str(row["number"]))
        if number == 0:
            measure.insert(0, clef.bestClef(_sample(notes)) if notes else clef.TrebleClef())
            measure.insert(0, key.KeySignature(fifths))
        signature = int(row["numerator"]), int(row["denominator"])
        if signature != shown:
            shown = signature
            measure.insert(0, meter.TimeSignature(f"{signature[0]}/{signature[1]}"))
        bar = Fraction(4 * signature[0], signature[1])
        if length < bar:
            measure.paddingLeft = float(bar - length) if number == 0 else 0.0
            measure.paddingRight = 0.0 if number == 0 else float(bar - length)
        if index == 0:
            for tempo_row in score.tempos:
                offset = _exact(float(tempo_row["quarter"])) - start
                if 0 <= offset < length:
                    measure.insert(offset, tempo.MetronomeMark(number=round(float(tempo_row["quarter_bpm"]), 1)))
        for offset, mark in ((_exact(q) - start, mark) for q, mark in marks):
            if 0 <= offset < length:
                measure.insert(offset, mark)
        _fill(measure, voices, start, length, fifths)
        staff.append(measure)
    return staff


def _sample(notes: Sequence[ScoreNote]) -> Any:
    from music21 import note, stream

    sample: Any = stream.Stream()
    for written in notes[:200]:
        sample.append(note.Note(written.pitch))
    return sample


def _voices(notes: Sequence[ScoreNote]) -> list[list[tuple[Fraction, Fraction, list[ScoreNote]]]]:
    """Chords (start, end, notes), sorted into as few voices as do not overlap."""
    chords: dict[tuple[Fraction, Fraction], list[ScoreNote]] = {}
    for note in notes:
        start = _exact(note.onset_quarter)
        end = max(start + SMALLEST, _exact(note.onset_quarter + note.duration_quarter))
        chords.setdefault((start, end), []).append(note)
    voices: list[list[tuple[Fraction, Fraction, list[ScoreNote]]]] = []
    for (start, end), together in sorted(chords.items(), key=lambda item: (item[0][0], -item[1][0].pitch)):
        free = next((voice for voice in voices if voice[-1][1] <= start), None)
        if free is None:
            voices.append([(start, end, together)])
        else:
            free.append((start, end, together))
    return voices or [[]]


def _fill(
    measure: Any,
    voices: Sequence[Sequence[tuple[Fraction, Fraction, list[ScoreNote]]]],
    start: Fraction,
    length: Fraction,
    fifths: int,
) -> None:
    from music21 import stream

    present = [
        chords
        for chords in ([c for c in voice if c[0] < start + length and c[1] > start] for voice in voices)
        if chords
    ]
    if len(present) <= 1:
        _write_voice(measure, present[0] if present else [], start, length, fifths)
        return
    for number, chords in enumerate(present):
        voice = stream.Voice(id=str(number + 1))
        _write_voice(voice, chords, start, length, fifths)
        measure.insert(0, voice)


def _write_voice(
    into: Any,
    chords: Sequence[tuple[Fraction, Fraction, list[ScoreNote]]],
    start: Fraction,
    length: Fraction,
    fifths: int,
) -> None:
    from music21 import note

    at = start
    for first, last, together in chords:
        begin, end = max(first, start), min(last, start + length)
        if begin > at:
            into.insert(at - start, note.Rest(quarterLength=begin - at))
        into.insert(begin - start, _chord(together, end - begin, first < begin, last > end, fifths))
        at = end
    if at < start + length:
        into.insert(at - start, note.Rest(quarterLength=start + length - at))


def _chord(notes: Sequence[ScoreNote], length: Fraction, tied_from: bool, tied_to: bool, fifths: int) -> Any:
    from music21 import chord, note, pitch, tie

    heads = []
    for written in sorted(notes, key=lambda n: n.pitch):
        head = note.Note(pitch.Pitch(spelled(written.pitch, fifths)), quarterLength=length)
        if written.source != "written":
            head.style.color = AI_COLOUR
        mark_note(head, written)
        heads.append(head)
    element = heads[0] if len(heads) == 1 else chord.Chord(heads, quarterLength=length)
    if len(heads) > 1 and any(written.source != "written" for written in notes):
        element.style.color = AI_COLOUR
    if tied_from or tied_to:
        element.tie = tie.Tie("continue" if tied_from and tied_to else "stop" if tied_from else "start")
    return element


def spelled(pitch: int, fifths: int) -> str:
    """A pitch as it is written in a key of ``fifths`` sharps: music21's name with octave.

    Of the names on the line of fifths, those from three below the key's tonic to eight above it.
    """
    lowest = fifths - 3
    place = next(i for i in range(lowest, lowest + 12) if (7 * i - pitch) % 12 == 0)
    letter = "FCGDAEB"[(place + 1) % 7]
    sharps = (place + 1) // 7
    natural = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[letter]
    octave = (pitch - sharps - natural) // 12 - 1
    return f"{letter}{'#' * sharps if sharps > 0 else '-' * -sharps}{octave}"


def _marks(score: Score, notes: Sequence[ScoreNote]) -> list[tuple[float, Any]]:
    """A dynamic mark where the part begins and wherever a bar is in another one than before."""
    from music21 import dynamics

    marks: list[tuple[float, Any]] = []
    shown = ""
    by_bar: dict[int, list[ScoreNote]] = {}
    for note in notes:
        by_bar.setdefault(score.measure_at(note.onset_quarter), []).append(note)
    for bar in sorted(by_bar):
        level = float(np.mean([note.dynamic for note in by_bar[bar]]))
        mark = next(name for edge, name in MARKS if level < edge)
        if mark != shown:
            shown = mark
            marks.append((by_bar[bar][0].onset_quarter, dynamics.Dynamic(mark)))
    return marks


def _exact(quarter: float) -> Fraction:
    """A score time as a fraction whose denominator notation can have."""
    return Fraction(round(quarter * 48), 48)


def _say_who(root: Any, provenance: Provenance) -> None:
    """Model, seed and controls in the file's identification."""
    identification = root.find("identification")
    if identification is None:
        before = next((i for i, child in enumerate(root) if child.tag in ("defaults", "credit", "part-list")), 0)
        identification = Element("identification")
        root.insert(before, identification)
    for creator in [child for child in identification if child.tag == "creator" and child.text == "Music21"]:
        identification.remove(creator)
    arranger = Element("creator", {"type": "arranger"})
    arranger.text = f"{provenance.source}{_suffix_of({provenance.source})}, seed {provenance.seed}"
    identification.insert(sum(child.tag == "creator" for child in identification), arranger)
    miscellaneous = identification.find("miscellaneous")
    if miscellaneous is None:
        miscellaneous = SubElement(identification, "miscellaneous")
    for name, value in provenance.fields().items():
        SubElement(miscellaneous, "miscellaneous-field", {"name": name}).text = value


# -- MIDI -------------------------------------------------------------------------------------------------------


def write_midi(path: Path, score: Score, notes: Sequence[ScoreNote], provenance: Provenance) -> None:
    """Type 1, one track a part; raises ``OSError``."""
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER)
    file.tracks.append(_conductor_track(score, provenance))
    for index in range(len(score.parts)):
        file.tracks.append(_track(score, index, [note for note in notes if note.part == index], provenance))
    file.save(path)


def _conductor_track(score: Score, provenance: Provenance) -> mido.MidiTrack:
    events: list[tuple[int, mido.MetaMessage]] = [
        (0, mido.MetaMessage("track_name", name=_latin1(score.title))),
        (0, mido.MetaMessage("text", text=_latin1(provenance.line()))),
    ]
    shown = (0, 0)
    for row in score.measures:
        signature = int(row["numerator"]), int(row["denominator"])
        if signature != shown:
            shown = signature
            message = mido.MetaMessage("time_signature", numerator=min(255, signature[0]), denominator=signature[1])
            events.append((_ticks(float(row["start_quarter"])), message))
    for row in score.tempos:
        tempo = mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(float(row["quarter_bpm"])))
        events.append((_ticks(float(row["quarter"])), tempo))
    return _as_track(events)


def _track(score: Score, index: int, notes: Sequence[ScoreNote], provenance: Provenance) -> mido.MidiTrack:
    part = score.parts[index]
    channels = PartChannels(part, index)
    by_ai = any(note.source != "written" for note in notes)
    name = labelled(part.name, notes)
    events: list[tuple[int, Any]] = [(0, message) for message in channels.opening()]
    events.append((0, mido.MetaMessage("track_name", name=_latin1(name))))
    if by_ai:
        events.append((0, mido.MetaMessage("text", text=_latin1(f"written by {provenance.line()}"))))
    for note in sorted(notes, key=lambda note: note.onset_quarter):
        start, end = _ticks(note.onset_quarter), _ticks(note.onset_quarter + note.duration_quarter)
        channel, before = channels.take_up(note.instrument, note.cents)
        events += [(start, message) for message in before]
        velocity = dynamic_to_velocity(note.dynamic)
        events.append((start, mido.Message("note_on", channel=channel, note=note.pitch, velocity=velocity)))
        events.append((max(start + 1, end), mido.Message("note_off", channel=channel, note=note.pitch)))
    return _as_track(events)


def _as_track(events: Sequence[tuple[int, Any]]) -> mido.MidiTrack:
    """Ends before tunings and beginnings where they meet, so that a repeated note is not cut off, nor bent."""
    track = mido.MidiTrack()
    now = 0
    for tick, message in sorted(events, key=lambda event: (event[0], _ORDER.get(event[1].type, 0))):
        track.append(message.copy(time=tick - now))
        now = tick
    return track


def _ticks(quarter: float) -> int:
    return max(0, math.floor(quarter * TICKS_PER_QUARTER + 0.5))


def _latin1(text: str) -> str:
    """MIDI text is one byte a character in every reader that matters."""
    return text.encode("latin-1", "replace").decode("latin-1")
