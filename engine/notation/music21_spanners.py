"""Signs that span several notes: slurs, hairpins, trill lines, tremolos between notes, voltas, broken chords."""

import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from music21 import dynamics, expressions, spanner
from music21.duration import typeToDuration

from ..score import NoteFlag
from .dynamic_marks import Hairpin
from .written import Ornament, WrittenMeasure, WrittenNote, WrittenPart


@dataclass(slots=True)
class Place:
    """Where an element of music21's tree went; spanners point at elements."""

    part: int
    onset: float
    end: float
    staff: int
    voice: str
    notes: list[WrittenNote]
    sharps: int = 0
    """Of the key signature there, as written; a glissando of a harp is in it."""


def read_spanners(
    spanners: Iterable[Any],
    places: dict[int, Place],
    parts: list[WrittenPart],
    measure_index: dict[int, int],
    measures: list[WrittenMeasure],
) -> list[tuple[int, Hairpin]]:
    """Mark the notes under each spanner and the measures under each volta; return hairpins with their part index.

    ``places`` is keyed by the id of a music21 note, chord or rest, ``measure_index`` by that of a music21 measure.
    """
    lines: dict[tuple[int, int], list[WrittenNote]] = {}
    for index, part in enumerate(parts):
        for written in part.notes:
            lines.setdefault((index, written.staff), []).append(written)
    for line in lines.values():
        line.sort(key=lambda written: written.onset)
    hairpins: list[tuple[int, Hairpin]] = []
    for item in spanners:
        elements = item.getSpannedElements()
        if isinstance(item, spanner.RepeatBracket):
            _mark_volta(item, [measure_index[id(e)] for e in elements if id(e) in measure_index], measures)
            continue
        ends = [places[id(element)] for element in elements if id(element) in places]
        if not ends:
            continue
        first, last = min(ends, key=lambda place: place.onset), max(ends, key=lambda place: place.end)
        if isinstance(item, spanner.Slur):
            if len(ends) > 1:
                _mark_slur(first, last, lines.get((first.part, first.staff), []))
        elif isinstance(item, dynamics.DynamicWedge):
            rising = isinstance(item, dynamics.Crescendo)
            hairpins.append((first.part, Hairpin(first.onset, last.end, rising, staff=first.staff)))
        elif isinstance(item, expressions.TrillExtension):
            _mark_trill_line(first, last, lines.get((first.part, first.staff), []))
        elif isinstance(item, expressions.TremoloSpanner):
            if len(ends) == 2 and ends[0].notes and ends[1].notes:
                _join_tremolo(elements, first, last, item.numberOfMarks, parts[first.part])
        elif isinstance(item, spanner.Glissando):
            if len(ends) == 2:  # a slide, too: who cannot slide plays the notes between
                _mark_glissando(first, last)
        elif isinstance(item, expressions.ArpeggioMarkSpanner) and item.type != "non-arpeggio":
            struck = [written for place in ends for written in place.notes if place.onset == first.onset]
            rank_arpeggio(struck, downward=item.type == "down")
    return hairpins


def _mark_volta(item: Any, indices: list[int], measures: list[WrittenMeasure]) -> None:
    if not indices:
        return
    numbers = frozenset(number for number in item.numberRange if 0 < number <= 64) or frozenset({1})
    for index in range(min(indices), max(indices) + 1):
        measures[index].volta |= numbers


def _between(first: Place, last: Place, line: list[WrittenNote]) -> list[WrittenNote]:
    """Notes of the line from ``first`` to ``last``; of the one voice where both are in it."""
    low = bisect.bisect_left(line, first.onset - 1e-6, key=lambda written: written.onset)
    high = bisect.bisect_right(line, last.onset + 1e-6, key=lambda written: written.onset)
    same_voice = first.voice == last.voice
    return [written for written in line[low:high] if not same_voice or written.voice in (first.voice, "")]


def _mark_slur(first: Place, last: Place, line: list[WrittenNote]) -> None:
    for written in first.notes:
        written.flags |= NoteFlag.SLUR_START
    last_notes = {id(written) for written in last.notes}
    for written in _between(first, last, line):
        if id(written) not in last_notes and (written.onset < last.onset - 1e-6 or written.grace):
            written.flags |= NoteFlag.SLURRED
        if written.flags & NoteFlag.STACCATO:
            written.flags |= NoteFlag.DETACHED_LEGATO


def _mark_trill_line(first: Place, last: Place, line: list[WrittenNote]) -> None:
    """Carry a trill sign along its wavy line (which may start without a sign of its own)."""
    sign = next((written.ornament for written in first.notes if written.ornament is not None), Ornament("trill"))
    if sign.kind != "trill":
        return
    for written in _between(first, last, line):
        if written.ornament is None and not written.grace:
            written.ornament = sign


def tremolo_strokes(duration: Any, marks: int) -> int:
    """How many notes a tremolo of ``marks`` slashes means; 0 where it is unmeasured (three slashes and more).

    Slashes add to the beams that the note value has: a quarter with one slash is two eighths, an eighth with one is two
    sixteenths.
    """
    if marks >= 3:
        return 0
    value = float(typeToDuration.get(duration.type, 1.0))
    unit = min(1.0, value) / 2**marks
    notated = float(duration.quarterLengthNoTuplets)
    return max(1, round(notated / unit))


def _join_tremolo(elements: Any, first: Place, last: Place, marks: int, part: WrittenPart) -> None:
    """Turn two notes joined by tremolo beams into one that alternates over the time of both."""
    span = last.end - first.onset
    unit = min(1.0, float(typeToDuration.get(elements[0].duration.type, 1.0))) / 2 ** max(1, marks)
    strokes, partners = max(2, round(span / unit)), tuple(written.pitch for written in last.notes)
    for index, written in enumerate(first.notes):
        written.duration = span
        # The partners belong to one note of the chord only, or each head would sound them again.
        written.ornament = Ornament("alternation", strokes=strokes, partners=partners if index == 0 else ())
    gone = {id(written) for written in last.notes}
    part.notes[:] = [written for written in part.notes if id(written) not in gone]


def _mark_glissando(first: Place, last: Place) -> None:
    """Each note of the first chord goes to its like in the second; both have one note as a rule."""
    scale = frozenset(7 * (first.sharps + fifth) % 12 for fifth in range(-1, 6))
    low, high = (sorted(place.notes, key=lambda item: item.pitch) for place in (first, last))
    for written, target in zip(low, high, strict=False):
        if written.ornament is None and not written.grace:
            written.ornament = Ornament("glissando", partners=(target.pitch,), scale=scale)


def rank_arpeggio(notes: list[WrittenNote], *, downward: bool = False) -> None:
    """Mark ``notes`` as one chord broken from the lowest note up, or from the highest down."""
    for rank, written in enumerate(sorted(notes, key=lambda item: item.pitch, reverse=downward)):
        written.arpeggio_rank = rank
