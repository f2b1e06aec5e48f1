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
from collections.abc import Sequence
from typing import Any

from music21 import meter, spanner, stream

from ..errors import ScoreError
from ..instruments import catalogue
from ..score import NoteFlag
from .dynamic_marks import apply_dynamics
from .instrument_names import instrument_named_in
from .music21_measure import MeasureReader, PartMarks, Reading, Staff
from .music21_spanners import read_spanners
from .musicxml_input import PreparedXml
from .musicxml_signs import Signs
from .pedals import PedalSign, pressed_spans
from .tempo_marks import resolve_tempos
from .written import WrittenMeasure, WrittenNote, WrittenPart, WrittenScore, WrittenSwing

log = logging.getLogger(__name__)

_TWO_STAVES = ("keyboard", "plucked", "percussion")
"""Families whose players read two staves at once."""


def written_from_music21(tree: Any, name: str, prepared: PreparedXml | None = None) -> WrittenScore:
    """Walk ``tree`` (a music21 Score, Part or Opus; of an Opus the first score). ``name`` is for messages.

    ``prepared`` is the MusicXML that ``tree`` was made from; without it pitches are taken as sounding and measures are
    as long as music21 finds them. Raises ``ScoreError`` where there are no notes.
    """
    score = _first_score(tree)
    staves = _staves(score, join_keyboards=prepared is None)
    if not staves:
        raise ScoreError(f"{name}: has no parts with notes")
    signs = prepared.signs if prepared is not None else Signs()
    reading = Reading(
        _measure_frame(staves, prepared.measure_quarters if prepared is not None else ()),
        prepared.transpositions if prepared is not None else {},
        prepared.percussion_keys if prepared is not None else {},
    )
    _take_in_signs(reading, signs)
    parts: list[WrittenPart] = []
    for staff in staves:
        if staff.part == len(parts):
            parts.append(_part_header(staff))
            parts[-1].pedals = _pedals(signs.pedals.get(staff.xml_id, ()), reading.measures)
            reading.marks.append(PartMarks())
        _read_staff(reading, parts[staff.part], staff, highest=staff is staves[0])
    containers = [score, *(staff.stream for staff in staves)]
    spanners = {
        id(item): item
        for container in containers
        for item in container.getElementsByClass(spanner.Spanner)
        if prepared is None or not isinstance(item, spanner.RepeatBracket)  # those of MusicXML are among the signs
    }
    for index, hairpin in read_spanners(
        spanners.values(), reading.places, parts, reading.measure_index, reading.measures
    ):
        reading.marks[index].hairpins.append(hairpin)
    for part, marks in zip(parts, reading.marks, strict=True):
        part.notes.sort(key=lambda written: (written.measure, written.onset))  # stable: print order stays
        struck = sum(written.instrument == "percussion" for written in part.notes)
        part.percussion |= 2 * struck > len(part.notes)  # else somebody also knocks
        apply_dynamics(part.notes, marks.dynamics, marks.hairpins, shared=_one_player(part))
        _apply_switches(part.notes, marks.switches)
    _mark_sections(reading)
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
        swings=[
            WrittenSwing(reading.measures[sign.measure].start + sign.quarter, sign.share, sign.unit_quarters)
            for sign in sorted(signs.swings, key=lambda sign: (sign.measure, sign.quarter))
            if sign.measure < len(reading.measures)
        ],
    )


def _take_in_signs(reading: Reading, signs: Signs) -> None:
    """Endings, jumps that only playback attributes tell, and fermatas over barlines: they hold the beat before them."""
    measures = reading.measures
    for index, mark in signs.navigation:
        if index < len(measures):
            measures[index].marks |= {mark}
    for start, (stop, passes) in signs.endings.items():
        for index in range(start, min(stop + 1, len(measures))):
            measures[index].volta |= passes
    for index in signs.held_barlines:
        if index < len(measures) - 1:
            measure = measures[index]
            end = measure.start + measure.duration
            reading.fermatas.append((end - min(measure.duration, 4.0 / measure.denominator), end, index))


def _mark_sections(reading: Reading) -> None:
    """Tell the measures that begin with a tempo mark, and those whose end a fermata holds: where nothing else tells
    where a section ends, they do."""
    measures = reading.measures
    for mark in reading.tempo_marks:
        if mark.quarter <= measures[mark.measure].start + 1e-6 and (mark.text or mark.visible):
            measures[mark.measure].marks |= {"tempo"}
    for _start, end, index in reading.fermatas:
        if end >= measures[index].start + measures[index].duration - 1e-6:
            measures[index].marks |= {"held"}


def _one_player(part: WrittenPart) -> bool:
    """Whether the staves of a part are the hands of one player, who reads a dynamic between them for both."""
    named = instrument_named_in(part.name) or instrument_named_in(part.instrument_name)
    return named is None or named[0] not in catalogue() or catalogue()[named[0]].family in _TWO_STAVES


def _pedals(
    signs: Sequence[tuple[int, float, PedalSign]], measures: Sequence[WrittenMeasure]
) -> list[tuple[float, float]]:
    end = measures[-1].start + measures[-1].duration
    places = [(measures[index].start + quarter, sign) for index, quarter, sign in signs if index < len(measures)]
    return pressed_spans(places, end)


def _unique(marks: list[tuple[float, int, str]]) -> list[tuple[float, int, str]]:
    return sorted(set(marks))


def _first_score(tree: Any) -> Any:
    if isinstance(tree, stream.Opus):
        scores = list(tree.scores)
        if not scores:
            return stream.Score(list(tree))
        if len(scores) > 1:
            log.warning(
                "the file holds %d pieces: the first is taken; save another one by itself to play it", len(scores)
            )
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


def _staves(score: Any, join_keyboards: bool) -> list[Staff]:
    """The score's staves, those of one instrument given the same part number.

    With ``join_keyboards`` (formats that have no staves within a part) two keyboard parts of one name in a row are one.
    """
    staves: list[Staff] = []
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
        staves.append(Staff(part, index, xml_id, number, measures))
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


def _measure_frame(staves: list[Staff], measure_quarters: tuple[float, ...]) -> list[WrittenMeasure]:
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


def _part_header(staff: Staff) -> WrittenPart:
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


def _read_staff(reading: Reading, part: WrittenPart, staff: Staff, *, highest: bool) -> None:
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
        context = MeasureReader(reading, part, staff, index, start, semitones, sharps)
        context.read(measure, "")
        sharps = context.sharps
        if highest:
            reading.measures[index].sharps = sharps


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
