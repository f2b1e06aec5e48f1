"""Grace notes, trills, mordents, turns, tremolos and broken chords as the notes that are played.

Works on unfolded notes (repeats expanded, ties merged). Speeds are in seconds and follow the marked tempo, so that a
trill is as quick in an Adagio as in an Allegro; nothing takes more than a fair share of the note it belongs to.

* A slashed grace note, or a group of them, comes before the beat and takes its time from the note or rest before.
* A single unslashed one (appoggiatura) is on the beat and takes its printed value, at most half of the main note (two
  thirds of a dotted one), as C. P. E. Bach and L. Mozart teach; shorter than an eighth it is played like a slashed one.
* Trills start on the written note and close on it, about nine notes a second; a mordent is three notes, a turn four.
* A glissando, or the slide that some programs write for it, sounds the keys between its notes: white ones (black ones
  between two of them) on keyboards and mallets, the key's scale on the harp, over the whole first note; on winds and
  brass the semitones, at the end of the note. Strings, voices, trombones and timpani slide, which is not ours to play
  yet.
* Tremolos of one or two slashes are written out while that stays below ``FASTEST_STROKES_HZ``; otherwise, and with
  three slashes, the note keeps its length and is flagged TREMOLO. A trill on a drum is a roll, thus TREMOLO too.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from ..instruments import Instrument
from ..score import NoteFlag
from .written import Ornament, WrittenNote

GRACE_S = 0.085
TRILL_NOTE_S = 0.11
MORDENT_NOTE_S = 0.075
ARPEGGIO_STEP_S = 0.045
FASTEST_STROKES_HZ = 13.0
GLISSANDO_NOTE_S, SHORTEST_GLISSANDO_NOTE_S = 0.06, 0.025
"""A note of a wind's glissando, and the shortest of anybody's: where there is no time for all, some are left out."""
_EPSILON = 1e-4
_SHORTEST_QUARTER = 1.0 / 64.0


Sliding = Literal["keys", "scale", "chromatic", ""]
"""What a glissando touches on an instrument; empty: it is a true slide."""

_WHITE_KEYS = frozenset({0, 2, 4, 5, 7, 9, 11})


def glissando_manner(instrument: Instrument) -> Sliding:
    """How a glissando is played on an instrument."""
    if instrument.key == "harp":
        return "scale"
    if instrument.family == "keyboard" or instrument.key in ("glockenspiel", "xylophone"):
        return "keys"
    winds = instrument.family in ("woodwind", "brass") and "trombone" not in instrument.key
    return "chromatic" if winds else ""


def realise(
    notes: list[WrittenNote],
    quarter_bpm_at: Callable[[float], float],
    *,
    struck: bool = False,
    sliding: Sliding = "",
) -> list[WrittenNote]:
    """The notes to be played, of one part in order of time. ``struck`` is for drums, on which a trill is a roll;
    ``sliding`` is how the part's instrument plays a glissando."""
    placed = _place_graces(notes, quarter_bpm_at)
    result: list[WrittenNote] = []
    for written in placed:
        bpm = quarter_bpm_at(written.onset)
        if written.arpeggio_rank:
            delay = min(written.arpeggio_rank * ARPEGGIO_STEP_S * bpm / 60.0, written.duration / 2)
            written = replace(
                written,
                onset=written.onset + delay,
                duration=written.duration - delay,
                flags=written.flags | NoteFlag.ORNAMENT,
            )
        if written.ornament is None:
            result.append(written)
        elif written.ornament.kind == "glissando":
            result.extend(_glissando(written, written.ornament, bpm, sliding))
        else:
            result.extend(_ornamented(written, written.ornament, bpm, struck))
    return result


def _place_graces(notes: list[WrittenNote], quarter_bpm_at: Callable[[float], float]) -> list[WrittenNote]:
    """Give grace notes their time. ``notes`` are in order, graces before the note they lean on."""
    if not any(written.grace for written in notes):
        return notes
    ends: dict[float, list[int]] = {}
    starts: dict[tuple[int, float], list[int]] = {}
    result = list(notes)
    groups: dict[tuple[float, int, str], list[int]] = {}
    for index, written in enumerate(notes):
        if written.grace:
            groups.setdefault((round(written.onset, 4), written.staff, written.voice), []).append(index)
        else:
            ends.setdefault(round(written.onset + written.duration, 4), []).append(index)
            starts.setdefault((written.staff, round(written.onset, 4)), []).append(index)
    for (place, staff, voice), members in groups.items():
        bpm = quarter_bpm_at(place)
        main = [i for i in starts.get((staff, place), []) if result[i].voice == voice]
        steps = _chords([result[i] for i in members], members)
        first = result[members[0]]
        if len(steps) == 1 and main and not first.slashed and first.grace >= 0.5 - _EPSILON:
            _lean_on(result, steps[0], main, first)
            continue
        each = min(GRACE_S * bpm / 60.0, max(result[i].grace for i in members))
        total = each * len(steps)
        before = [i for i in ends.get(place, []) if result[i].staff == staff]
        room = min((result[i].duration / 2 for i in before), default=min(place, 0.5))
        if min(total, room) > _SHORTEST_QUARTER * len(steps) / 4:
            total = min(total, room)
            start = place - total
            for i in before:
                kept = result[i].duration - total
                result[i] = replace(result[i], duration=max(_SHORTEST_QUARTER, kept))
        else:
            # Nothing to take from before (the very beginning): on the beat, from the main note.
            start = place
            total = min([total] + [result[i].duration / 2 for i in main])
            for i in main:
                result[i] = replace(result[i], onset=place + total, duration=result[i].duration - total)
        step = total / len(steps)
        for position, step_members in enumerate(steps):
            for i in step_members:
                result[i] = replace(
                    result[i],
                    onset=start + position * step,
                    duration=step,
                    grace=0.0,
                    flags=result[i].flags | NoteFlag.GRACE,
                )
    return sorted(result, key=lambda written: written.onset)


def _chords(graces: list[WrittenNote], indices: list[int]) -> list[list[int]]:
    """Group grace notes struck together. The reader keeps the heads of a chord next to each other, lowest first."""
    steps: list[list[int]] = []
    previous: WrittenNote | None = None
    for written, index in zip(graces, indices, strict=True):
        if previous is not None and written.chord and written.chord == previous.chord:
            steps[-1].append(index)
        else:
            steps.append([index])
        previous = written
    return steps


def _lean_on(result: list[WrittenNote], grace: list[int], main: list[int], first: WrittenNote) -> None:
    """An appoggiatura: on the beat, the main note after it."""
    length = min(result[i].duration for i in main)
    undotted = length / 1.5
    dotted = undotted > 0 and abs(undotted - 2.0 ** round(math.log2(undotted))) < _EPSILON
    taken = min(first.grace, length * (2 / 3 if dotted else 1 / 2))
    for i in grace:
        result[i] = replace(
            result[i], duration=taken, grace=0.0, flags=result[i].flags | NoteFlag.GRACE | NoteFlag.SLURRED
        )
    for i in main:
        result[i] = replace(result[i], onset=result[i].onset + taken, duration=result[i].duration - taken)


def _ornamented(written: WrittenNote, ornament: Ornament, bpm: float, struck: bool) -> list[WrittenNote]:
    if ornament.kind == "tremolo" or (struck and ornament.kind == "trill"):
        return _tremolo(written, ornament.strokes if ornament.kind == "tremolo" else 0, bpm)
    if ornament.kind == "alternation":
        return _alternation(written, ornament, bpm)
    if ornament.kind == "trill":
        count = int(written.duration * 60.0 / bpm / TRILL_NOTE_S)
        count -= 1 - count % 2  # odd, so that it closes on the written note
        if count < 3:
            return [written]
        step = written.duration / count
        return [_piece(written, i * step, step, (i % 2) * ornament.upper, i) for i in range(count)]
    if ornament.kind == "mordent":
        step = min(MORDENT_NOTE_S * bpm / 60.0, written.duration / 4)
        by = ornament.upper if ornament.upward else -ornament.lower
        return [
            _piece(written, 0.0, step, 0, 0),
            _piece(written, step, step, by, 1),
            _piece(written, 2 * step, written.duration - 2 * step, 0, 2),
        ]
    return _turn(written, ornament, bpm)


def _glissando(written: WrittenNote, ornament: Ornament, bpm: float, sliding: Sliding) -> list[WrittenNote]:
    target = ornament.partners[0]
    step = 1 if target > written.pitch else -1
    between = list(range(written.pitch + step, target, step))
    if sliding == "keys":
        black = written.pitch % 12 not in _WHITE_KEYS and target % 12 not in _WHITE_KEYS
        between = [pitch for pitch in between if (pitch % 12 in _WHITE_KEYS) != black]
    elif sliding == "scale":
        between = [pitch for pitch in between if pitch % 12 in ornament.scale]
    quarters_a_second = bpm / 60.0
    most = int(written.duration / (SHORTEST_GLISSANDO_NOTE_S * quarters_a_second)) - 1
    if not sliding or not between or most < 1:
        return [replace(written, ornament=None)]
    if len(between) > most:
        between = [between[i * len(between) // most] for i in range(most)]
    each = written.duration / (len(between) + 1)
    if sliding == "chromatic":
        each = min(each, GLISSANDO_NOTE_S * quarters_a_second)
    held = written.duration - each * len(between)
    pieces = [_piece(written, 0.0, held, 0, 0)]
    return pieces + [
        replace(_piece(written, held + i * each, each, pitch - written.pitch, i + 1), cents=0.0)
        for i, pitch in enumerate(between)
    ]


def _turn(written: WrittenNote, ornament: Ornament, bpm: float) -> list[WrittenNote]:
    step = min(TRILL_NOTE_S * bpm / 60.0, written.duration / (8 if ornament.delayed else 4))
    around = (ornament.upper, 0, -ornament.lower) if ornament.upward else (-ornament.lower, 0, ornament.upper)
    if ornament.delayed:
        held = written.duration - 4 * step
        pieces = [_piece(written, 0.0, held, 0, 0)]
        pieces += [_piece(written, held + i * step, step, by, i + 1) for i, by in enumerate((*around, 0))]
        return pieces
    pieces = [_piece(written, i * step, step, by, i + 1) for i, by in enumerate(around)]
    return [*pieces, _piece(written, 3 * step, written.duration - 3 * step, 0, 4)]


def _tremolo(written: WrittenNote, strokes: int, bpm: float) -> list[WrittenNote]:
    seconds = written.duration * 60.0 / bpm
    if strokes == 0 or strokes / max(seconds, 1e-9) > FASTEST_STROKES_HZ:
        return [replace(written, flags=written.flags | NoteFlag.TREMOLO, ornament=None)]
    step = written.duration / strokes
    return [_piece(written, i * step, step, 0, 0) for i in range(strokes)]


def _alternation(written: WrittenNote, ornament: Ornament, bpm: float) -> list[WrittenNote]:
    seconds = written.duration * 60.0 / bpm
    count = max(2, min(ornament.strokes, int(seconds * FASTEST_STROKES_HZ)))
    count -= count % 2
    step = written.duration / count
    pieces = [_piece(written, i * step, step, 0, i) for i in range(0, count, 2)]
    # The partners sound once, with the lowest note of a chord: ``ornament.partners`` is empty on the others.
    for i in range(1, count, 2):
        pieces += [_piece(written, i * step, step, partner - written.pitch, i) for partner in ornament.partners]
    return pieces


def _piece(written: WrittenNote, offset: float, duration: float, semitones: int, position: int) -> WrittenNote:
    """Part of an ornamented note; all but the first are flagged ORNAMENT, accents stay with the first."""
    flags = written.flags
    if position:
        flags = (flags | NoteFlag.ORNAMENT) & ~(NoteFlag.ACCENT | NoteFlag.MARCATO | NoteFlag.SFORZATO)
        flags &= ~(NoteFlag.STACCATO | NoteFlag.STACCATISSIMO | NoteFlag.SLUR_START)
    return replace(
        written,
        onset=written.onset + offset,
        duration=duration,
        pitch=max(0, min(127, written.pitch + semitones)),
        flags=int(flags),
        ornament=None,
        arpeggio_rank=0,
    )
