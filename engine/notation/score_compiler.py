"""From a written score to the compiled one: repeats unfolded, ties merged, ornaments realised, beats laid out."""

import bisect
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import ScoreError
from ..instruments import catalogue
from ..score import FERMATA_DTYPE, MEASURE_DTYPE, NOTE_DTYPE, PEDAL_DTYPE, TEMPO_DTYPE, NoteFlag, Score
from . import score_limits as limits
from .meter import PlayedMeasure, conductor_beats
from .ornaments import glissando_manner, realise
from .part_names import assign_instruments
from .repeats import play_order
from .swing import swung
from .written import WrittenMeasure, WrittenNote, WrittenPart, WrittenScore, WrittenTempo

log = logging.getLogger(__name__)

_EPSILON = 1e-4
_Row = tuple[float, float, int, int, float, int, float, int]
"""A note of ``NOTE_DTYPE`` but for its measure."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Printed measures ``first``–``last`` played one after the other; ``shift`` turns printed time into played time.

    ``played`` is the index of the first of them among the played measures.
    """

    first: int
    last: int
    shift: float
    played: int


def compile_score(written: WrittenScore, sha256: str, name: str) -> Score:
    """Compile a reader's result. ``name`` is for messages. Raises ``ScoreError`` where it is too large or empty.

    Bars of rest alone are a score: for playing freely.
    """
    if not written.measures or not written.parts:
        raise ScoreError(f"{name}: has no notes")
    order = play_order(written.measures, name)
    starts = np.concatenate([[0.0], np.cumsum([written.measures[index].duration for index in order])])
    if starts[-1] > limits.MAX_SCORE_QUARTERS:
        raise ScoreError(f"{name}: lasts {starts[-1]:.0f} quarters with repeats, over {limits.MAX_SCORE_QUARTERS:.0f}")
    runs = _runs(written.measures, order, starts)
    tempos = _unfold_tempos(written.tempos, written.measures, runs)
    quarter_bpm_at = _tempo_lookup(tempos)
    parts = list(assign_instruments(written.parts))
    rows: list[_Row] = []
    for index, (written_part, part) in enumerate(zip(written.parts, parts, strict=True)):
        if written.swings:
            written_part = replace(written_part, notes=swung(written_part.notes, written.swings, written.measures))
        unfolded = merge_ties(_unfold_notes(written_part, runs))
        struck = catalogue()[part.instrument].family == "percussion"
        sliding = glissando_manner(catalogue()[part.instrument])
        doublings = _doublings(written_part.notes, part.instrument)
        parts[index] = replace(part, doublings=doublings)
        places = {key: place for place, key in enumerate(doublings, 1)}
        rows += [
            (
                note.onset,
                note.duration,
                note.pitch,
                index,
                note.dynamic,
                note.flags,
                note.cents,
                places.get(note.instrument, 0),
            )
            for note in realise(unfolded, quarter_bpm_at, struck=struck, sliding=sliding)
            if note.duration > _EPSILON / 10  # a broken file may have notes of no length
        ]
        if len(rows) > limits.MAX_NOTES:
            raise ScoreError(f"{name}: over {limits.MAX_NOTES} notes once repeats are unfolded")
    if not rows and any(part.notes for part in written.parts):
        raise ScoreError(f"{name}: all its notes have no length; export it again")
    measures = _measure_array(written.measures, order, starts)
    score = Score(
        title=written.title,
        composer=written.composer,
        sha256=sha256,
        parts=tuple(parts),
        notes=_note_array(rows, starts),
        measures=measures,
        beats=conductor_beats(_played_measures(written, order, starts)),
        tempos=np.array([(tempo.quarter, tempo.quarter_bpm) for tempo in tempos], TEMPO_DTYPE),
        fermatas=_fermata_array(written, runs),
        rehearsal=_unfold_marks(written.rehearsal, runs),
        markings=_unfold_marks(written.markings, runs),
        pedals=_pedal_array(written, runs),
        tempo_unit_quarters=tuple(tempo.referent for tempo in tempos),
    )
    for array in (score.notes, score.measures, score.beats, score.tempos, score.fermatas, score.pedals):
        array.setflags(write=False)
    return score


def _doublings(notes: list[WrittenNote], own: str) -> tuple[str, ...]:
    """What a part's players play besides their own instrument, in order of appearance."""
    return tuple(dict.fromkeys(note.instrument for note in notes if note.instrument not in ("", own)))


def _runs(measures: list[WrittenMeasure], order: list[int], starts: np.ndarray) -> list[_Run]:
    runs: list[_Run] = []
    for played, index in enumerate(order):
        if runs and index == runs[-1].last + 1 and played > 0 and order[played - 1] == index - 1:
            runs[-1] = replace(runs[-1], last=index)
        else:
            runs.append(_Run(index, index, float(starts[played]) - measures[index].start, played))
    return runs


def _unfold_notes(part: WrittenPart, runs: list[_Run]) -> list[WrittenNote]:
    notes = part.notes
    if len(runs) == 1 and abs(runs[0].shift) < 1e-9 and runs[0].first == 0:
        stop = bisect.bisect_right(notes, runs[0].last, key=lambda note: note.measure)
        return notes[:stop]
    result: list[WrittenNote] = []
    for run in runs:
        low = bisect.bisect_left(notes, run.first, key=lambda note: note.measure)
        high = bisect.bisect_right(notes, run.last, key=lambda note: note.measure)
        result += [replace(note, onset=note.onset + run.shift) for note in notes[low:high]]
    return result


def merge_ties(notes: list[WrittenNote]) -> list[WrittenNote]:
    """Join tied notes of one part (in order of time) into one that sounds through; the first keeps its marks.

    Some programs write only the start of a tie: the next note of that pitch and voice is its end. A tie without a
    continuation, as before a second ending, is an ordinary end.
    """
    if not any(note.tie for note in notes):
        return notes
    result: list[WrittenNote] = []
    waiting: dict[int, list[int]] = {}
    for note in notes:
        held = waiting.get(note.pitch)
        if held and not note.grace:
            sure = note.tie in ("stop", "continue")
            match = next((i for i in held if _goes_on(result[i], note, sure)), None)
            if match is not None:
                first = result[match]
                ornament = first.ornament
                if (
                    ornament is not None
                    and ornament.kind == "tremolo"
                    and ornament.strokes
                    and note.ornament is not None
                ):
                    ornament = replace(ornament, strokes=ornament.strokes + note.ornament.strokes)
                result[match] = replace(
                    first,
                    duration=note.onset + note.duration - first.onset,
                    ornament=ornament,
                    flags=_tied_flags(first.flags, note.flags),
                )
                if note.tie in ("", "stop"):
                    held.remove(match)
                continue
        result.append(note)
        if note.tie in ("start", "continue"):
            waiting.setdefault(note.pitch, []).append(len(result) - 1)
    return result


def _goes_on(first: WrittenNote, second: WrittenNote, sure: bool) -> bool:
    """Whether ``second`` starts where the tied ``first`` ends; unless it is marked as tied, in the same voice."""
    adjacent = abs(first.onset + first.duration - second.onset) < _EPSILON
    return adjacent and (sure or (first.voice == second.voice and first.staff == second.staff))


def _tied_flags(first: int, second: int) -> int:
    """The joined note is slurred on where its second half is, keeps a fermata from either, and a breath comes after
    both."""
    lasting = NoteFlag.SLURRED | NoteFlag.STACCATO | NoteFlag.STACCATISSIMO | NoteFlag.BREATH
    return int((first & ~lasting) | (second & lasting) | (second & NoteFlag.FERMATA))


def _note_array(rows: list[_Row], starts: np.ndarray) -> np.ndarray:
    notes = np.zeros(len(rows), NOTE_DTYPE)
    if not rows:
        return notes
    columns = list(zip(*rows, strict=True))
    for field, column in zip(
        ("onset_quarter", "duration_quarter", "pitch", "part", "dynamic", "flags", "cents", "instrument"),
        columns,
        strict=True,
    ):
        notes[field] = column
    notes["onset_quarter"] = np.round(notes["onset_quarter"], 9)
    measure = np.searchsorted(starts, notes["onset_quarter"] + 1e-6, side="right") - 1
    notes["measure"] = np.clip(measure, 0, len(starts) - 2)
    return np.ascontiguousarray(notes[np.lexsort((notes["pitch"], notes["part"], notes["onset_quarter"]))])


def _measure_array(measures: list[WrittenMeasure], order: list[int], starts: np.ndarray) -> np.ndarray:
    array = np.zeros(len(order), MEASURE_DTYPE)
    for row, index, start in zip(array, order, starts[:-1], strict=True):
        measure = measures[index]
        row["start_quarter"], row["duration_quarter"], row["number"] = start, measure.duration, measure.number
        row["numerator"], row["denominator"] = measure.numerator, measure.denominator
    return array


def _unfold_tempos(tempos: list[WrittenTempo], measures: list[WrittenMeasure], runs: list[_Run]) -> list[WrittenTempo]:
    """Tempo marks in played time; a jump back takes up the tempo that was printed for that place."""
    quarters = [tempo.quarter for tempo in tempos]
    result: list[WrittenTempo] = []
    for run in runs:
        start = measures[run.first].start
        end = measures[run.last].start + measures[run.last].duration
        low = max(0, bisect.bisect_right(quarters, start + 1e-6) - 1)
        high = max(low + 1, bisect.bisect_left(quarters, end - 1e-6))
        for tempo in tempos[low:high]:
            played = replace(tempo, quarter=max(tempo.quarter, start) + run.shift)
            if not result or result[-1].quarter_bpm != played.quarter_bpm or result[-1].referent != played.referent:
                result.append(played)
    return result


def _tempo_lookup(tempos: list[WrittenTempo]) -> Callable[[float], float]:
    quarters = [tempo.quarter for tempo in tempos]

    def quarter_bpm_at(quarter: float) -> float:
        return tempos[max(0, bisect.bisect_right(quarters, quarter + 1e-6) - 1)].quarter_bpm

    return quarter_bpm_at


def _played_measures(written: WrittenScore, order: list[int], starts: np.ndarray) -> list[PlayedMeasure]:
    """Played measures with the tempo that decides how they are beaten: the one printed at or before their start.

    Only structural marks count; a mark in the measure's first beat counts for the whole of it.
    """
    structural = [tempo for tempo in written.tempos if tempo.structural]
    quarters = [tempo.quarter for tempo in structural]
    pickups = _pickups(written.measures)
    result = []
    for played, index in enumerate(order):
        measure = written.measures[index]
        reach = measure.start + min(measure.duration, 4.0 / measure.denominator) / 2
        tempo = structural[max(0, bisect.bisect_left(quarters, reach) - 1)]
        result.append(
            PlayedMeasure(
                start=float(starts[played]),
                duration=measure.duration,
                numerator=measure.numerator,
                denominator=measure.denominator,
                groups=measure.groups,
                quarter_bpm=tempo.felt_bpm or tempo.quarter_bpm,
                referent=tempo.referent,
                pickup=pickups[index],
            )
        )
    return result


def _pickups(measures: list[WrittenMeasure]) -> list[bool]:
    """Which short measures are the end of a bar: the first of the piece, and the complement of a short one before."""
    result = []
    for index, measure in enumerate(measures):
        bar = 4.0 * measure.numerator / measure.denominator
        if measure.duration >= bar - _EPSILON:
            result.append(False)
        elif index == 0:
            result.append(len(measures) > 1)
        else:
            before = measures[index - 1]
            short_before = not result[-1] and before.duration < bar - _EPSILON
            complement = short_before and before.duration + measure.duration <= bar + _EPSILON
            after_section = bool(before.end_repeat) and measure.start_repeat
            result.append(complement or after_section)
    return result


def _fermata_array(written: WrittenScore, runs: list[_Run]) -> np.ndarray:
    """Fermatas in played time. Those that overlap in several parts are one: from the last start to the last end."""
    spans = []
    for run in runs:
        spans += [
            (start + run.shift, end + run.shift)
            for start, end, measure in written.fermatas
            if run.first <= measure <= run.last
        ]
    merged: list[tuple[float, float]] = []
    for start, end in sorted(set(spans)):
        if merged and start < merged[-1][1] - _EPSILON:
            merged[-1] = (max(start, merged[-1][0]), max(end, merged[-1][1]))
        elif not merged or (start, end) != (merged[-1][1], merged[-1][1]):
            merged.append((start, end))
    return np.array(merged, FERMATA_DTYPE)


def _pedal_array(written: WrittenScore, runs: list[_Run]) -> np.ndarray:
    """Pedals in played time; a jump lifts them."""
    rows = []
    for index, part in enumerate(written.parts):
        for run in runs:
            first, last = written.measures[run.first], written.measures[run.last]
            spans = [(max(low, first.start), min(high, last.start + last.duration)) for low, high in part.pedals]
            rows += [(index, low + run.shift, high + run.shift) for low, high in spans if high - low > _EPSILON]
    return np.array(rows, PEDAL_DTYPE)


def _unfold_marks(marks: list[tuple[float, int, str]], runs: list[_Run]) -> tuple[tuple[float, str], ...]:
    return tuple(
        (quarter + run.shift, text)
        for run in runs
        for quarter, measure, text in marks
        if run.first <= measure <= run.last
    )
