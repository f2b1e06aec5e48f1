"""The elements of one measure of one staff, from music21's objects to written notes and marks.

``engine.notation.music21_reader`` walks the staves and hands their measures to ``MeasureReader``.
"""

import logging
import re
from dataclasses import dataclass, field
from typing import Any

from music21 import articulations, bar, chord, dynamics, expressions, harmony, key, note, repeat, stream, tempo
from music21.duration import typeToDuration

from ..score import NoteFlag
from .alterations import cents_of_colour
from .dynamic_marks import DynamicMark, Hairpin, hairpin_from_text
from .instrument_names import percussion_key
from .music21_spanners import Place, rank_arpeggio, tremolo_strokes
from .note_asides import told
from .part_names import SNARE_DRUM_KEY
from .repeats import begins_trio, navigation_of_text
from .tempo_marks import TempoMark, is_tempo_word
from .written import Ornament, TieKind, WrittenMeasure, WrittenNote, WrittenPart

log = logging.getLogger(__name__)

Transpositions = dict[tuple[str, int], list[tuple[int, int]]]
"""(part id, staff; 0 = every staff) to (measure index, semitones) changes, as ``musicxml_input`` gives them."""

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
    (articulations.BreathMark, NoteFlag.BREATH),
    (articulations.Caesura, NoteFlag.BREATH),
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
class PartMarks:
    """What a part's text and signs say besides its notes."""

    dynamics: list[DynamicMark] = field(default_factory=list)
    hairpins: list[Hairpin] = field(default_factory=list)
    switches: list[tuple[float, int, NoteFlag, bool]] = field(default_factory=list)
    """(quarter, measure, flag, on) of pizzicato/arco and mutes."""


@dataclass(slots=True)
class Reading:
    """The state of one reading."""

    measures: list[WrittenMeasure]
    transpositions: Transpositions
    percussion_keys: dict[tuple[str, str], int]
    places: dict[int, Place] = field(default_factory=dict)
    measure_index: dict[int, int] = field(default_factory=dict)
    marks: list[PartMarks] = field(default_factory=list)
    tempo_marks: list[TempoMark] = field(default_factory=list)
    rehearsal: list[tuple[float, int, str]] = field(default_factory=list)
    markings: list[tuple[float, int, str]] = field(default_factory=list)
    fermatas: list[tuple[float, float, int]] = field(default_factory=list)


@dataclass(slots=True)
class Staff:
    """One music21 part: a staff of the written part ``part``. ``xml_id`` and ``number`` find its transposition."""

    stream: Any
    part: int
    xml_id: str
    number: int
    measures: list[Any]


@dataclass(slots=True)
class MeasureReader:
    """Reads the elements of one measure of one staff."""

    reading: Reading
    part: WrittenPart
    staff: Staff
    index: int
    start: float
    semitones: int
    sharps: int
    accidentals: dict[tuple[str, int], float] = field(default_factory=dict)
    """(step, octave) to the alteration that the last note there had in this bar and voice; ornaments keep to it."""

    def read(self, container: Any, voice: str) -> None:
        self.accidentals = {}
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
            above = element.placement == "above"
            marks.dynamics.append(DynamicMark(onset, self.index, element.value or "", self.staff.number, above))
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
            elif element.type == "double" and self.index >= at_start:
                measures[self.index - at_start].double_bar = True
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
        if begins_trio(text):
            reading.measures[self.index].marks |= {"trio"}
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
        hairpin = hairpin_from_text(text, onset, self.index, self.staff.number)
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
        place = Place(self.staff.part, onset, onset + duration, self.staff.number, voice, [], self.sharps)
        self.reading.places[id(element)] = place
        flags = NoteFlag.NONE
        for articulation in element.articulations:
            for kind, flag in _ARTICULATION_FLAGS:
                if isinstance(articulation, kind):
                    flags |= flag
                    break
        broken_chord = downward = False
        for expression in element.expressions:
            if isinstance(expression, expressions.Fermata):
                flags |= NoteFlag.FERMATA
                self.reading.fermatas.append((onset, onset + duration, self.index))
            elif isinstance(expression, expressions.ArpeggioMark):
                broken_chord = expression.type != "non-arpeggio"
                downward = expression.type == "down"
        if element.isRest:
            return
        if element.lyrics:
            self.part.has_lyrics = True
        heads = list(element.notes) if isinstance(element, chord.ChordBase) else [element]
        for head in heads:
            if isinstance(head, note.Note) and head.pitch.accidental is not None:
                self.accidentals[head.pitch.step, head.pitch.octave or 4] = head.pitch.accidental.alter
            asides = told(head.style.color)
            pitch = self._sounding_pitch(head, asides.get("drum", ""))
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
                    cents=cents_of_colour(head.style.color),
                    instrument="percussion" if isinstance(head, note.Unpitched) else asides.get("plays", ""),
                )
            )
        if broken_chord:
            rank_arpeggio(place.notes, downward=downward)
        self.part.notes.extend(place.notes)

    def _sounding_pitch(self, head: Any, drum: str) -> int:
        if isinstance(head, note.Unpitched):
            keys, staff = self.reading.percussion_keys, self.staff.xml_id
            if drum:
                return int(drum)
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
        """Semitones to the next note of the scale above (1) or below (−1): 1 or 2.

        An accidental that it had before in the bar holds, as for a written note; else the key signature.
        """
        place = _STEPS.index(pitch.step) + direction
        step, octave = _STEPS[place % 7], (pitch.octave or 4) + place // 7
        alteration = self.accidentals.get((step, octave), _key_alteration(step, self.sharps))
        return self._distance(pitch, step, direction, alteration)

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
