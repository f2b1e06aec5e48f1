"""A sketch for orchestra: who plays what, phrase by phrase, and what the AI player adds between.

The distribution is craft, as in Rimsky-Korsakov, Principles of Orchestration (1913), and Adler, The Study of
Orchestration (3rd ed., 2002): strings carry, woodwind colour and double the melody in turn, bassoons and double basses
the bass, horns and clarinets sustain the harmony, trumpets and timpani come for the fullest phrases. Lines are moved by
octaves into each instrument's comfortable range, phrase by phrase; fast basses are thinned for double basses, timpani
have two notes. Sustaining lines, and inner voices that the sketch does not have, are asked of the model, which hears
the others.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..engine.errors import ModelError
from ..engine.instruments import catalogue
from ..engine.score import Part, Score
from ..engine.types import ScoreNote
from .score_shapes import new_part, with_notes
from .sketch import Phrase, Sketch, phrases, read_sketch
from .tasks import Assignment
from .voice_groups import comfortable_range

FULL_ORCHESTRA = ("flute", "oboe", "clarinet", "bassoon", "horn", "trumpet", "timpani",
                  "violin", "violin", "viola", "cello", "contrabass")  # fmt: skip
SOLO_WINDS = ("oboe", "flute", "clarinet")
"""Who has the melody in tender phrases, in turn."""
WIND, BRASS, TUTTI = 0.3, 0.5, 0.72
"""Fullness from which on they join."""
CARRY = ("violin-1", "flute-1", "clarinet-1", "soprano-1", "oboe-1", "trumpet-1", "saxophone-1")
SECOND = ("violin-2", "oboe-1", "clarinet-2", "alto-1", "saxophone-1", "trumpet-1")
MIDDLE = ("viola-1", "clarinet-1", "horn-1", "tenor-1", "saxophone-2", "trombone-1", "horn-2")
LOW = ("cello-1", "bassoon-1", "bass-1", "tuba-1", "bass-clarinet-1", "trombone-1")
"""Who has melody, inner voices and bass, the first that is there."""
SUSTAINING = ("clarinet-1", "horn-1")
SUSTAINED_DENSITY = 0.6
"""Onsets per quarter of the lines that the AI adds."""
FASTEST_BASS_QUARTER = 0.5
LONGEST_BREATH_QUARTERS = 8.0
DOUBLING_SOFTER, BRASS_SOFTER = 0.05, 0.1

_STAND_INS = {
    "violin": ("flute", "clarinet", "soprano", "saxophone"),
    "viola": ("clarinet", "alto", "saxophone", "horn"),
    "cello": ("bassoon", "tenor", "bass-clarinet", "trombone"),
    "contrabass": ("tuba", "bass", "contrabassoon", "bass-trombone"),
}
"""Who carries where there are no strings."""
_UNPITCHED = ("timpani", "percussion")


@dataclass(slots=True)
class _Desk:
    """A part under construction."""

    instrument: str
    part: int
    notes: list[ScoreNote]

    def add(self, line: Sequence[ScoreNote], softer: float = 0.0, octaves: int = 0) -> None:
        """A line as this instrument can play it: moved by octaves as a whole, what is out of reach left out."""
        low, high = comfortable_range(self.instrument)
        if not line:
            return
        pitches = np.array([note.pitch for note in line]) + 12 * octaves

        def misfit(shift: int) -> tuple[int, int]:
            return int(((pitches + shift < low) | (pitches + shift > high)).sum()), abs(shift)

        for note, pitch in zip(line, pitches + min(range(-36, 37, 12), key=misfit), strict=True):
            if low <= pitch <= high:
                dynamic = max(0.1, note.dynamic - softer)
                self.notes.append(replace(note, pitch=int(pitch), part=self.part, dynamic=dynamic, instrument=""))


def orchestrate(score: Score, available: Collection[str] | None = None, amount: float = 0.5) -> Assignment:
    """The score for the orchestra that is there (``available`` instruments; a full one without), and what the AI is
    asked to add. ``amount`` (0–1) makes it fuller. Raises ``ModelError`` where nobody can carry it."""
    sketch = read_sketch(score)
    roster = roster_of(available)
    desks = {f"{key}-{roster[:index].count(key) + 1}": _Desk(key, index, []) for index, key in enumerate(roster)}
    voices = _voices_of(desks)
    spans: list[tuple[float, float]] = []
    for number, phrase in enumerate(phrases(score, sketch)):
        full = float(np.clip(phrase.fullness + amount - 0.5, 0.0, 1.0))
        _write_phrase(desks, voices, _cut(sketch, phrase), full, number)
        if full >= WIND:
            spans.append((phrase.start_quarter, phrase.end_quarter))
    _timpani(desks, score, sketch, amount)
    parts = tuple(_named(roster, index) for index in range(len(roster)))
    laid_out = replace(score, parts=parts, pedals=score.pedals[:0])
    notes = [note for desk in desks.values() for note in _breathing(desk)]
    whole = [(phrase.start_quarter, phrase.end_quarter) for phrase in phrases(score, sketch)]
    wanted = {desks[name].part: spans for name in SUSTAINING if name in desks}
    wanted |= {desk.part: whole for desk in (voices.second, voices.middle) if desk is not None}
    asked = {
        part: tuple(span for span in mine if not any(_within(note, span) for note in notes if note.part == part))
        for part, mine in sorted(wanted.items())
    }
    asked = {part: mine for part, mine in asked.items() if mine}
    carrying = (voices.carry, voices.middle, voices.low)
    return Assignment(
        "orchestrate",
        with_notes(laid_out, notes),
        asked,
        softer=DOUBLING_SOFTER,
        heard=frozenset(desk.part for desk in carrying if desk is not None) - frozenset(asked),
        density=SUSTAINED_DENSITY,
    )


def roster_of(available: Collection[str] | None) -> tuple[str, ...]:
    """Who is there, in score order. Where strings are missing, others carry."""
    if available is None:
        return FULL_ORCHESTRA
    roster = [key for key in FULL_ORCHESTRA if key in available]
    for key, others in _STAND_INS.items():
        if key not in available:
            there = [other for other in others if other in available and roster.count(other) < 2]
            roster += there[:1]
    order = list(catalogue())
    return tuple(sorted(roster, key=order.index)) if "violin" not in roster else tuple(roster)


def _named(roster: Sequence[str], index: int) -> Part:
    key = roster[index]
    count = list(roster).count(key)
    place = list(roster[:index]).count(key) + 1
    name = catalogue()[key].name + (f" {'I' * place}" if count > 1 else "")
    return new_part(key, name)


@dataclass(frozen=True, slots=True)
class _Voices:
    """Who has melody, inner voices and bass: each somebody else, or nobody."""

    carry: _Desk
    second: _Desk | None
    middle: _Desk | None
    low: _Desk | None

    def others(self, desks: dict[str, _Desk], *names: str) -> list[_Desk]:
        """Those of these who have no voice of their own, and may double one."""
        own = (self.carry, self.second, self.middle, self.low)
        return [desk for name in names if (desk := desks.get(name)) is not None and all(desk is not one for one in own)]


def _voices_of(desks: dict[str, _Desk]) -> _Voices:
    """The usual ones; else whoever lies highest has the melody, and lowest the bass. Raises ``ModelError``."""
    free = {name: desk for name, desk in desks.items() if desk.instrument not in _UNPITCHED}

    def take(names: Sequence[str], substitute: str | None = None) -> _Desk | None:
        name = next((name for name in names if name in free), substitute)
        return None if name is None else free.pop(name)

    def by_height() -> list[str]:
        return sorted(free, key=lambda name: sum(comfortable_range(free[name].instrument)))

    if not free:
        raise ModelError("nobody there can carry a melody: seat a violin, a flute, a trumpet or the like")
    carry = take(CARRY, by_height()[-1])
    assert carry is not None
    low = take(LOW, by_height()[0] if free else None)
    return _Voices(carry, take(SECOND), take(MIDDLE), low)


def _write_phrase(desks: dict[str, _Desk], voices: _Voices, sketch: Sketch, full: float, number: int) -> None:
    """One phrase: strings, then who joins them."""
    carry, second, middle, low = voices.carry, voices.second, voices.middle, voices.low
    solo = None
    winds = voices.others(desks, *(f"{key}-1" for key in SOLO_WINDS))
    if full < WIND and number % 2 and winds:
        solo = winds[(number // 2) % len(winds)]
    _add(solo or carry, sketch.melody)
    inner = list(sketch.inner)
    _add(second if solo is None else carry, inner[0] if inner else (), 0.03)
    _add(middle if len(inner) > 1 else second if solo is not None else middle, inner[1] if len(inner) > 1 else (), 0.03)
    _add(low, sketch.bass)
    if full >= 0.15:
        for desk in voices.others(desks, "contrabass-1"):
            desk.add(_thinned(sketch.bass), 0.03, octaves=-1)
    if full >= WIND:
        for desk in voices.others(desks, "bassoon-1"):
            desk.add(sketch.bass, DOUBLING_SOFTER)
        flutes, oboes = voices.others(desks, "flute-1"), voices.others(desks, "oboe-1")
        for desk in flutes if flutes and number % 2 else oboes:
            desk.add(sketch.melody, DOUBLING_SOFTER, octaves=1 if desk in flutes and full >= TUTTI else 0)
    if full >= TUTTI:
        for desk in voices.others(desks, "trumpet-1"):
            desk.add(_strong(sketch.melody), BRASS_SOFTER)


def _add(desk: _Desk | None, line: Sequence[ScoreNote], softer: float = 0.0) -> None:
    if desk is not None:
        desk.add(line, softer)


def _cut(sketch: Sketch, phrase: Phrase) -> Sketch:
    def inside(line: Sequence[ScoreNote]) -> tuple[ScoreNote, ...]:
        return tuple(n for n in line if phrase.start_quarter - 1e-6 <= n.onset_quarter < phrase.end_quarter - 1e-6)

    return Sketch(
        inside(sketch.melody), inside(sketch.bass), tuple(inside(line) for line in sketch.inner), inside(sketch.extra)
    )


def _thinned(bass: Sequence[ScoreNote]) -> list[ScoreNote]:
    """A fast bass on its beats alone."""
    kept: list[ScoreNote] = []
    for note in bass:
        on_beat = abs(note.onset_quarter - round(note.onset_quarter)) < 1e-6
        if note.duration_quarter >= FASTEST_BASS_QUARTER or on_beat:
            kept.append(note)
        elif kept and note.onset_quarter - kept[-1].onset_quarter < 1.0:
            end = note.onset_quarter + note.duration_quarter
            kept[-1] = replace(kept[-1], duration_quarter=min(1.0, end - kept[-1].onset_quarter))
    return kept


def _strong(melody: Sequence[ScoreNote]) -> list[ScoreNote]:
    """The notes of a melody that brass can underline: on beats, and not short."""
    return [n for n in melody if n.duration_quarter >= 0.5 and abs(n.onset_quarter - round(n.onset_quarter)) < 1e-6]


def _breathing(desk: _Desk) -> list[ScoreNote]:
    """Blown notes end before breath does."""
    if catalogue()[desk.instrument].family not in ("woodwind", "brass"):
        return desk.notes
    return [replace(n, duration_quarter=min(n.duration_quarter, LONGEST_BREATH_QUARTERS)) for n in desk.notes]


def _timpani(desks: dict[str, _Desk], score: Score, sketch: Sketch, amount: float) -> None:
    """Two drums, on the bass's two most frequent downbeat notes, on the downbeats of the fullest phrases."""
    desk = desks.get("timpani-1")
    if desk is None:
        return
    starts = {round(float(start), 4) for start in score.measures["start_quarter"]}
    downbeats = [note for note in sketch.bass if round(note.onset_quarter, 4) in starts]
    classes = np.bincount([note.pitch % 12 for note in downbeats], minlength=12)
    tuned = set(np.argsort(-classes, kind="stable")[:2].tolist())
    for phrase in phrases(score, sketch):
        if phrase.fullness + amount - 0.5 < TUTTI:
            continue
        hits = [
            replace(note, duration_quarter=min(1.0, note.duration_quarter))
            for note in _cut(sketch, phrase).bass
            if note.pitch % 12 in tuned and round(note.onset_quarter, 4) in starts
        ]
        desk.add(hits, BRASS_SOFTER)


def _within(note: ScoreNote, span: tuple[float, float]) -> bool:
    return span[0] - 1e-6 <= note.onset_quarter < span[1] - 1e-6
