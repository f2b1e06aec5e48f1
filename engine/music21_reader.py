"""From music21's object tree to a ``WrittenScore``.

music21 reads MusicXML, ABC, Humdrum and its own corpus; this module walks the result once. It is imported only when a
score is really parsed, because music21 takes a quarter of a second to import.

The part's staves are joined again (music21 splits a piano into two parts), pitches become sounding ones by the file's
own ``<transpose>`` elements, and measures are aligned by index, since music21 lets a part with an underfull measure
drift against the others.
"""

import bisect
import logging
import re
from dataclasses import dataclass, field
from typing import Any

from music21 import (
    articulations,
    bar,
    chord,
    dynamics,
    expressions,
    harmony,
    key,
    meter,
    note,
    repeat,
    spanner,
    stream,
    tempo,
)
from music21.duration import typeToDuration

from .dynamic_marks import DynamicMark, Hairpin, apply_dynamics, hairpin_from_text
from .errors import ScoreError
from .music21_spanners import Place, rank_arpeggio, read_spanners, tremolo_strokes
from .part_names import SNARE_DRUM_KEY, percussion_key
from .repeats import navigation_of_text
from .score import NoteFlag
from .tempo_marks import TempoMark, is_tempo_word, resolve_tempos
from .written import Ornament, TieKind, WrittenMeasure, WrittenNote, WrittenPart, WrittenScore

log = logging.getLogger(__name__)

Transpositions = dict[tuple[str, int], list[tuple[int, int]]]

_STEP_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_STEPS = "CDEFGAB"
_SHARP_ORDER = "FCGDAEB"
_ARTICULATION_FLAGS = (
    (articulations.Staccatissimo, NoteFlag.STACCATISSIMO),
    (articulations.Spiccato, NoteFlag.STACCATO),
    (articulations.Staccato, NoteFlag.STACCATO),
    (articulations.DetachedLegato, NoteFlag.DETACHED_LEGATO),
    (articulations.Tenuto, NoteFlag.TENUTO),
    (articulations.StrongAccent, NoteFlag.MARCATO),
    (articulations.Accent, NoteFlag.ACCENT),
    (articulations.Stress, NoteFlag.ACCENT),
    (articulations.Pizzicato, NoteFlag.PIZZICATO),
    (articulations.Stopped, NoteFlag.MUTED),
)
_PIZZICATO_ON = re.compile(r"\bpizz", re.IGNORECASE)
_PIZZICATO_OFF = re.compile(r"\b(arco|col'?\s*arco|bogen)\b", re.IGNORECASE)
_MUTE_ON = re.compile(
    r"\b(con\s+sord|mit\s+d[äa]mpf|avec\s+sourd|muted|with\s+mute|mettez\s+la\s+sourd)", re.IGNORECASE
)
_MUTE_OFF = re.compile(
    r"\b(senza\s+sord|via\s+sord|ohne\s+d[äa]mpf|sans\s+sourd|[ôo]tez\s+la\s+sourd|unmuted|open\b)", re.IGNORECASE
)


@dataclass(slots=True)
class _PartMarks:
    """What a part's text and signs say besides its notes."""

    dynamics: list[DynamicMark] = field(default_factory=list)
    hairpins: list[Hairpin] = field(default_factory=list)
    switches: list[tuple[float, int, NoteFlag, bool]] = field(default_factory=list)
    """(quarter, measure, flag, on) of pizzicato/arco and mutes."""


@dataclass(slots=True)
class _Reading:
    """The state of one reading."""

    measures: list[WrittenMeasure]
    transpositions: Transpositions
    percussion_keys: dict[tuple[str, str], int]
    places: dict[int, Place] = field(default_factory=dict)
    measure_index: dict[int, int] = field(default_factory=dict)
    marks: list[_PartMarks] = field(default_factory=list)
    tempo_marks: list[TempoMark] = field(default_factory=list)
    rehearsal: list[tuple[float, int, str]] = field(default_factory=list)
    markings: list[tuple[float, int, str]] = field(default_factory=list)
    fermatas: list[tuple[float, float, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Staff:
    """One music21 part: a staff of the written part ``part``. ``xml_id`` and ``number`` find its transposition."""

    stream: Any
    part: int
    xml_id: str
    number: int
    measures: list[Any]


def written_from_music21(
    tree: Any,
    name: str,
    transpositions: Transpositions | None = None,
    percussion_keys: dict[tuple[str, str], int] | None = None,
    measure_quarters: tuple[float, ...] = (),
) -> WrittenScore:
    """Walk ``tree`` (a music21 Score, Part or Opus; of an Opus the first score). ``name`` is for messages.

    The rest is as ``engine.musicxml_input.PreparedXml`` gives it; without it pitches are taken as sounding and measures
    are as long as music21 finds them. Raises ``ScoreError`` where there are no notes.
    """
    score = _first_score(tree)
    staves = _staves(score, join_keyboards=transpositions is None)
    if not staves:
        raise ScoreError(f"{name}: has no parts with notes")
    reading = _Reading(_measure_frame(staves, measure_quarters), transpositions or {}, percussion_keys or {})
    parts: list[WrittenPart] = []
    for staff in staves:
        if staff.part == len(parts):
            parts.append(_part_header(staff))
            reading.marks.append(_PartMarks())
        _read_staff(reading, parts[staff.part], staff)
    containers = [score, *(staff.stream for staff in staves)]
    spanners = {id(item): item for container in containers for item in container.getElementsByClass(spanner.Spanner)}
    for index, hairpin in read_spanners(
        spanners.values(), reading.places, parts, reading.measure_index, reading.measures
    ):
        reading.marks[index].hairpins.append(hairpin)
    for part, marks in zip(parts, reading.marks, strict=True):
        part.notes.sort(key=lambda written: (written.measure, written.onset))  # stable: print order stays
        apply_dynamics(part.notes, marks.dynamics, marks.hairpins)
        _apply_switches(part.notes, marks.switches)
    title, composer = _credits(score)
    return WrittenScore(
        title=title,
        composer=composer,
        parts=[part for part in parts if part.notes] or parts,
        measures=reading.measures,
        tempos=resolve_tempos(reading.tempo_marks, reading.measures),
        rehearsal=_unique(reading.rehearsal),
        markings=_unique(reading.markings),
        fermatas=reading.fermatas,
    )


def _unique(marks: list[tuple[float, int, str]]) -> list[tuple[float, int, str]]:
    return sorted(set(marks))


def _first_score(tree: Any) -> Any:
    if isinstance(tree, stream.Opus):
        scores = list(tree.scores)
        if not scores:
            return stream.Score(list(tree))
        if len(scores) > 1:
            log.info("the file holds %d pieces; the first is taken", len(scores))
        tree = scores[0]
    if isinstance(tree, stream.Score) and tree.parts:
        return tree
    wrapped = stream.Score()
    wrapped.metadata = tree.metadata
    wrapped.insert(0, tree if isinstance(tree, stream.Part) else stream.Part(tree.elements))
    return wrapped


def _credits(score: Any) -> tuple[str, str]:
    metadata = score.metadata
    if metadata is None:
        return "", ""
    title, movement = (metadata.title or "").strip(), (metadata.movementName or "").strip()
    if title and movement and movement.lower() not in title.lower():
        title = f"{title}: {movement}"
    title = title or movement
    return " ".join(title.split()), " ".join((metadata.composer or "").split())


def _staves(score: Any, join_keyboards: bool) -> list[_Staff]:
    """The score's staves, those of one instrument given the same part number.

    With ``join_keyboards`` (formats that have no staves within a part) two keyboard parts of one name in a row are one.
    """
    staves: list[_Staff] = []
    for part in score.parts:
        measures = list(part.getElementsByClass(stream.Measure))
        if not measures:
            if not part.recurse().notesAndRests:
                continue
            part = part.makeMeasures()
            measures = list(part.getElementsByClass(stream.Measure))
        xml_id, number = (part.groups[-1] if part.groups else str(part.id)), 1
        match = re.fullmatch(r"(.*)-Staff(\d+)", str(part.id))
        if isinstance(part, stream.PartStaff) and match:
            xml_id, number = match.group(1), int(match.group(2))
        same = bool(staves and isinstance(part, stream.PartStaff) and match and staves[-1].xml_id == xml_id)
        keyboard = _keyboard_name(part) if join_keyboards and staves and staves[-1].number == 1 else ""
        if keyboard and keyboard == _keyboard_name(staves[-1].stream):
            same, number = True, 2
        index = staves[-1].part if same else (staves[-1].part + 1 if staves else 0)
        staves.append(_Staff(part, index, xml_id, number, measures))
    return staves


def _sounding_length(measure: Any) -> float:
    """Where the last note or rest ends; ``highestTime`` would count a stray dynamic too."""
    voices = [measure, *measure.voices]
    return max(
        (float(voice.elementOffset(item) + item.quarterLength) for voice in voices for item in voice.notesAndRests),
        default=0.0,
    )


def _keyboard_name(part: Any) -> str:
    name = (part.partName or "").strip().lower()
    return name if re.search(r"piano|klavier|organ|harpsichord|cembalo|clavecin", name) else ""


def _measure_frame(staves: list[_Staff], measure_quarters: tuple[float, ...]) -> list[WrittenMeasure]:
    """The measures that all parts share: their starts, lengths, numbers and meters."""
    reference = max(staves, key=lambda staff: len(staff.measures))
    aligned = [staff for staff in staves if len(staff.measures) == len(reference.measures)]
    by_index = len(aligned) == len(staves)
    frame: list[WrittenMeasure] = []
    start = float(reference.measures[0].offset)
    signature: tuple[int, int, tuple[int, ...]] = (4, 4, ())
    for index, measure in enumerate(reference.measures):
        for staff in aligned:
            found = staff.measures[index].getElementsByClass(meter.TimeSignature).first()
            if found is not None:
                signature = _signature(found)
                break
        if by_index and len(measure_quarters) == len(reference.measures):
            duration = measure_quarters[index]
        elif by_index:
            duration = _measure_length([staff.measures[index] for staff in staves], 4.0 * signature[0] / signature[1])
        else:
            start = float(measure.offset)
            following = reference.measures[index + 1].offset if index + 1 < len(reference.measures) else None
            duration = float(following) - start if following is not None else float(measure.highestTime)
        if duration <= 0.0:
            duration = 4.0 * signature[0] / signature[1]
        frame.append(
            WrittenMeasure(
                start, duration, measure.measureNumberWithSuffix()[:8], signature[0], signature[1], signature[2]
            )
        )
        start += duration
    first = frame[0].start
    for written in frame:
        written.start -= first
    return frame


def _signature(time_signature: Any) -> tuple[int, int, tuple[int, ...]]:
    numerator, denominator = time_signature.numerator, time_signature.denominator
    groups: tuple[int, ...] = ()
    additive = re.fullmatch(r"(\d+(?:\+\d+)+)/\d+", time_signature.ratioString.replace(" ", ""))
    terms = re.fullmatch(r"\d+/(\d+)(?:\+\d+/\1)+", time_signature.ratioString.replace(" ", ""))
    if additive:
        groups = tuple(int(term) for term in additive.group(1).split("+"))
    elif terms:
        groups = tuple(int(term.split("/")[0]) for term in time_signature.ratioString.split("+"))
    return int(numerator), int(denominator), groups


def _measure_length(measures: list[Any], bar_quarters: float) -> float:
    """How long a measure really is: as long as its longest part, but parts that merely rest do not stretch it."""
    with_notes = [_sounding_length(m) for m in measures if m.recurse().notes]
    longest = max((_sounding_length(m) for m in measures), default=0.0)
    if with_notes and longest == bar_quarters:
        sounding = max(with_notes)
        # Other parts may hold a whole rest that music21 stretched to the full bar although this is a pickup.
        if sounding < longest and all(abs(length - sounding) < 1e-6 for length in with_notes) and len(measures) > 1:
            return sounding
    return longest


def _part_header(staff: _Staff) -> WrittenPart:
    part = staff.stream
    instrument = part.getInstrument(returnDefault=False)
    name = (part.partName or "").strip()
    abbreviation = (part.partAbbreviation or "").strip()
    instrument_name, program, drums = "", -1, False
    if instrument is not None:
        name = name or (instrument.partName or "").strip()
        instrument_name = (instrument.instrumentName or "").strip()
        program = instrument.midiProgram if instrument.midiProgram is not None else -1
        drums = "UnpitchedPercussion" in instrument.classes
    return WrittenPart(
        name=" ".join(name.split()),
        abbreviation=" ".join(abbreviation.split()),
        notes=[],
        instrument_name=instrument_name,
        program=program,
        percussion=drums,
    )


def _read_staff(reading: _Reading, part: WrittenPart, staff: _Staff) -> None:
    starts = [measure.start for measure in reading.measures]
    by_index = len(staff.measures) == len(reading.measures)
    changes = sorted(
        reading.transpositions.get((staff.xml_id, 0), []) + reading.transpositions.get((staff.xml_id, staff.number), [])
    )
    sharps = 0
    for position, measure in enumerate(staff.measures):
        if by_index:
            index, start = position, reading.measures[position].start
        else:
            start = float(measure.offset) - float(staff.measures[0].offset)
            index = max(0, bisect.bisect_right(starts, start + 1e-6) - 1)
        reading.measure_index[id(measure)] = index
        semitones = 0
        for from_measure, interval in changes:
            if from_measure <= position:
                semitones = interval
        context = _MeasureContext(reading, part, staff, index, start, semitones, sharps)
        context.read(measure, "")
        sharps = context.sharps


@dataclass(slots=True)
class _MeasureContext:
    """Reads the elements of one measure of one staff."""

    reading: _Reading
    part: WrittenPart
    staff: _Staff
    index: int
    start: float
    semitones: int
    sharps: int

    def read(self, container: Any, voice: str) -> None:
        for element in container.elements:
            onset = self.start + float(container.elementOffset(element))
            if isinstance(element, note.GeneralNote):
                if not isinstance(element, harmony.Harmony):
                    self._read_note(element, onset, voice)
            elif isinstance(element, stream.Voice):
                self.read(element, str(element.id))
            elif isinstance(element, key.KeySignature):
                self.sharps = element.sharps or 0
            else:
                self._read_sign(element, onset)

    def _read_sign(self, element: Any, onset: float) -> None:
        reading, marks = self.reading, self.reading.marks[self.staff.part]
        if isinstance(element, dynamics.Dynamic):
            marks.dynamics.append(DynamicMark(onset, self.index, element.value or ""))
        elif isinstance(element, bar.Barline):
            self._read_barline(element, onset)
        elif isinstance(element, repeat.RepeatExpression):
            reading.measures[self.index].marks |= navigation_of_text(element.getText() or "")
        elif isinstance(element, expressions.RehearsalMark):
            if element.content:
                reading.rehearsal.append((onset, self.index, str(element.content).strip()))
        elif isinstance(element, expressions.TextExpression):
            self._read_text((element.content or "").strip(), onset)
        elif isinstance(element, tempo.TempoIndication):
            self._read_tempo(element, onset)

    def _read_barline(self, element: Any, onset: float) -> None:
        measures = self.reading.measures
        at_start = onset <= self.start + 1e-6 and element.location != "right"
        if getattr(element, "pause", None) is not None:
            self.reading.fermatas.append((onset, onset, self.index))
        if not isinstance(element, bar.Repeat):
            if element.type == "final" and not at_start:
                measures[self.index].final_barline = True
            return
        if element.direction == "start":
            target = self.index if at_start else self.index + 1
            if target < len(measures):
                measures[target].start_repeat = True
        else:
            target = self.index - 1 if at_start else self.index
            if target >= 0:
                measures[target].end_repeat = max(measures[target].end_repeat, int(element.times or 2))

    def _read_text(self, text: str, onset: float) -> None:
        if not text:
            return
        reading, marks = self.reading, self.reading.marks[self.staff.part]
        navigation = navigation_of_text(text)
        if navigation:
            reading.measures[self.index].marks |= navigation
            return
        technical = False
        for pattern, flag, on in (
            (_PIZZICATO_ON, NoteFlag.PIZZICATO, True),
            (_PIZZICATO_OFF, NoteFlag.PIZZICATO, False),
            (_MUTE_ON, NoteFlag.MUTED, True),
            (_MUTE_OFF, NoteFlag.MUTED, False),
        ):
            if pattern.search(text):
                marks.switches.append((onset, self.index, flag, on))
                technical = True
        hairpin = hairpin_from_text(text, onset, self.index)
        if hairpin is not None:
            marks.hairpins.append(hairpin)
        if is_tempo_word(text):
            reading.tempo_marks.append(TempoMark(onset, self.index, text=text))
        if not technical and any(letter.isalpha() for letter in text):
            reading.markings.append((onset, self.index, " ".join(text.split())[:80]))

    def _read_tempo(self, element: Any, onset: float) -> None:
        text = ""
        if isinstance(element, tempo.MetricModulation):
            old, new = element.oldReferent, element.newReferent
            if old is not None and new is not None and old.quarterLength:
                ratio = float(new.quarterLength) / float(old.quarterLength)
                self.reading.tempo_marks.append(TempoMark(onset, self.index, ratio=ratio))
            return
        if isinstance(element, tempo.MetronomeMark):
            if element.text and not element.textImplicit:
                text = str(element.text)
            printed = element.number if not element.numberImplicit else None
            number = printed if printed is not None else element.numberSounding
            referent = float(element.referent.quarterLength) if element.referent is not None else 1.0
            if number:
                visible = printed is not None and not element.style.hideObjectOnPrint
                self.reading.tempo_marks.append(
                    TempoMark(onset, self.index, text, float(number) * referent, referent if visible else 0.0, visible)
                )
        elif isinstance(element, tempo.TempoText):
            text = element.text or ""
        if text:
            if is_tempo_word(text):
                self.reading.tempo_marks.append(TempoMark(onset, self.index, text=text))
            self.reading.markings.append((onset, self.index, " ".join(text.split())[:80]))

    def _read_note(self, element: Any, onset: float, voice: str) -> None:
        duration = 0.0 if element.duration.isGrace else float(element.quarterLength)
        place = Place(self.staff.part, onset, onset + duration, self.staff.number, voice, [])
        self.reading.places[id(element)] = place
        flags = NoteFlag.NONE
        for articulation in element.articulations:
            for kind, flag in _ARTICULATION_FLAGS:
                if isinstance(articulation, kind):
                    flags |= flag
                    break
        broken_chord = False
        for expression in element.expressions:
            if isinstance(expression, expressions.Fermata):
                flags |= NoteFlag.FERMATA
                self.reading.fermatas.append((onset, onset + duration, self.index))
            elif isinstance(expression, expressions.ArpeggioMark):
                broken_chord = expression.type != "non-arpeggio"
        if element.isRest:
            return
        if element.lyrics:
            self.part.has_lyrics = True
        heads = list(element.notes) if isinstance(element, chord.ChordBase) else [element]
        for head in heads:
            pitch = self._sounding_pitch(head)
            if not 0 <= pitch <= 127:
                log.info("measure %s: pitch %d is outside MIDI's range, dropped", self.index + 1, pitch)
                continue
            place.notes.append(
                WrittenNote(
                    onset=onset,
                    duration=duration,
                    pitch=pitch,
                    measure=self.index,
                    flags=int(flags),
                    tie=_tie(head),
                    staff=self.staff.number,
                    voice=voice,
                    ornament=self._ornament(element, head),
                    grace=float(typeToDuration.get(element.duration.type, 0.5)) if element.duration.isGrace else 0.0,
                    slashed=bool(getattr(element.duration, "slash", True)),
                    chord=id(element) if len(heads) > 1 else 0,
                )
            )
        if broken_chord:
            rank_arpeggio(place.notes)
        self.part.notes.extend(place.notes)

    def _sounding_pitch(self, head: Any) -> int:
        if isinstance(head, note.Unpitched):
            keys, staff = self.reading.percussion_keys, self.staff.xml_id
            self.part.percussion = True
            by_line = keys.get((staff, f"{head.displayStep}{head.displayOctave}"))
            if by_line is not None:
                return by_line
            by_name = percussion_key(f"{self.part.name} {self.part.instrument_name}")
            return by_name if by_name is not None else keys.get((staff, ""), SNARE_DRUM_KEY)
        return round(head.pitch.ps) + self.semitones

    def _ornament(self, element: Any, head: Any) -> Ornament | None:
        for expression in element.expressions:
            if isinstance(expression, expressions.Tremolo):
                return Ornament("tremolo", strokes=tremolo_strokes(element.duration, expression.numberOfMarks))
        if isinstance(head, note.Unpitched):
            trilled = any(isinstance(expression, expressions.Trill) for expression in element.expressions)
            return Ornament("tremolo", strokes=0) if trilled else None
        if element.isChord and head is not element.notes[-1]:
            return None  # The sign is on the chord; its top note is the one ornamented.
        for expression in element.expressions:
            upper, lower = self._neighbour(head.pitch, 1), self._neighbour(head.pitch, -1)
            size = expression.__class__.__name__
            if size.startswith("HalfStep"):
                upper = lower = 1
            elif size.startswith("WholeStep"):
                upper = lower = 2
            if isinstance(expression, expressions.Trill):
                return Ornament("trill", self._altered(head.pitch, 1, expression.accidental, upper), lower)
            if isinstance(expression, expressions.GeneralMordent):
                upward = isinstance(expression, expressions.InvertedMordent)
                mark = expression.accidental
                return Ornament(
                    "mordent",
                    self._altered(head.pitch, 1, mark, upper) if upward else upper,
                    lower if upward else self._altered(head.pitch, -1, mark, lower),
                    upward=upward,
                )
            if isinstance(expression, expressions.Turn):
                return Ornament(
                    "turn",
                    self._altered(head.pitch, 1, expression.upperAccidental, upper),
                    self._altered(head.pitch, -1, expression.lowerAccidental, lower),
                    upward=not isinstance(expression, expressions.InvertedTurn),
                    delayed=expression.isDelayed,
                )
        return None

    def _neighbour(self, pitch: Any, direction: int) -> int:
        """Semitones to the next note of the scale above (1) or below (−1) in the key signature: 1 or 2."""
        step = _STEPS[(_STEPS.index(pitch.step) + direction) % 7]
        return self._distance(pitch, step, direction, _key_alteration(step, self.sharps))

    def _altered(self, pitch: Any, direction: int, accidental: Any, otherwise: int) -> int:
        if accidental is None:
            return otherwise
        step = _STEPS[(_STEPS.index(pitch.step) + direction) % 7]
        return self._distance(pitch, step, direction, accidental.alter)

    @staticmethod
    def _distance(pitch: Any, step: str, direction: int, alteration: float) -> int:
        natural = (_STEP_SEMITONES[step] - _STEP_SEMITONES[pitch.step]) * direction % 12
        own = pitch.accidental.alter if pitch.accidental is not None else 0.0
        # An augmented second (harmonic minor) is never trilled: it becomes a whole tone.
        return max(1, min(2, round(natural + direction * (alteration - own))))


def _key_alteration(step: str, sharps: int) -> int:
    place = _SHARP_ORDER.index(step)
    if sharps > 0:
        return 1 if place < sharps else 0
    return -1 if 6 - place < -sharps else 0


def _tie(head: Any) -> TieKind:
    if head.tie is None or head.duration.isGrace:
        return ""
    kind = head.tie.type
    return kind if kind in ("start", "stop", "continue") else ""


def _apply_switches(notes: list[WrittenNote], switches: list[tuple[float, int, NoteFlag, bool]]) -> None:
    for flag in (NoteFlag.PIZZICATO, NoteFlag.MUTED):
        changes = sorted((quarter, on) for quarter, _measure, switched, on in switches if switched == flag)
        if not changes:
            continue
        quarters = [quarter for quarter, _on in changes]
        for written in notes:
            last = bisect.bisect_right(quarters, written.onset + 1e-6) - 1
            if last >= 0 and changes[last][1]:
                written.flags |= flag
