"""What happens in a score, as text: keys, chords with their reasons, cadences, non-chord notes, broken rules.

Used by the report, the page and lessons. Everything is found from pitches and times alone, so that it works on what an
AI wrote and on what a learner played alike.
"""

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...engine.expression import metrical_weight
from ...engine.instruments import catalogue
from ...engine.score import Score
from ...engine.types import ScoreNote
from .charges import REST, StepContext
from .chords import Chord, cadence, chords_along, explain_chord, roman
from .keys import Key, find_key, keys_along
from .non_chord import SENTENCES, LineNote, NonChordKind, classify
from .rules import RULES, Breach, breaches, rule
from .scales import Scale

TICKS = 48
"""Ticks of a quarter by which simultaneous onsets are told: sixteenths, triplets and 64ths fall on them."""
MOST_VOICES = 6
"""Voices among which broken rules are looked for unless parts are named: doublings of an orchestra are no mistakes."""
LEAST_SEVERITY = 0.5
UNPITCHED = frozenset({"percussion"})
_CADENCE_QUARTERS = 1.5
"""A chord on which all rest for so long may end a phrase."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: score time, printed measure and conductor's beat in it."""

    quarter: float
    measure: str
    beat: int

    def __str__(self) -> str:
        return f"measure {self.measure}, beat {self.beat}"


@dataclass(frozen=True, slots=True)
class ChordSpan:
    """A chord from ``place`` to ``end_quarter``: its Roman numeral in ``key``, why, and the cadence it ends."""

    place: Place
    end_quarter: float
    chord: Chord
    key: Key
    numeral: str
    why: str
    cadence: str | None = None


@dataclass(frozen=True, slots=True)
class NonChordNote:
    """A note that is not of the chord; ``accented`` where it begins on the beat."""

    place: Place
    part: int
    pitch: int
    kind: NonChordKind
    accented: bool
    words: str


@dataclass(frozen=True, slots=True)
class RuleBreach:
    """A rule broken at a place by these parts, in words."""

    rule: str
    place: Place
    parts: tuple[int, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found in a score, in order of time; ``strength`` is how plainly it is in ``key`` (correlation, at most
    1), which is None where there are no notes with a pitch."""

    key: Key | None
    strength: float
    chords: tuple[ChordSpan, ...]
    non_chord: tuple[NonChordNote, ...]
    breaches: tuple[RuleBreach, ...]

    def at(self, quarter: float) -> ChordSpan | None:
        """The chord that sounds at a score time."""
        index = bisect.bisect_right([span.place.quarter for span in self.chords], quarter + 1e-9) - 1
        return self.chords[index] if index >= 0 and quarter < self.chords[index].end_quarter else None

    def why(self, quarter: float) -> str:
        """Why this chord, and what else is to be said of this beat."""
        span = self.at(quarter)
        if span is None:
            return "no chord sounds here"
        lines = [span.why + (f" ({span.cadence})" if span.cadence else "")]
        lines += [n.words for n in self.non_chord if span.place.quarter <= n.place.quarter < span.end_quarter]
        lines += [b.words for b in self.breaches if span.place.quarter <= b.place.quarter < span.end_quarter]
        return ". ".join(line[0].upper() + line[1:] for line in lines) + "."

    def counted(self) -> dict[str, int]:
        """How often each rule is broken; rules that hold throughout are left out."""
        return {
            known.name: count
            for known in RULES
            if (count := sum(breach.rule == known.name for breach in self.breaches)) > 0
        }


def analyse(
    score: Score,
    notes: Sequence[ScoreNote] | None = None,
    *,
    parts: Sequence[int] | None = None,
    rules: Sequence[str] | None = None,
    scale: Scale | None = None,
) -> Analysis:
    """Analyse a score, or other ``notes`` in its measures (such as those with an AI's parts).

    Broken rules are looked for between ``parts`` (without them: between all melodic ones where they are few enough),
    and only ``rules`` by name where given. ``scale`` is a tradition's that out-of-scale notes are counted against.
    """
    found = _Notes.of(score, score.notes_between(0.0, score.end_quarter) if notes is None else notes)
    beats = _Beats(score)
    weights, basses, together = found.by_beat(beats)
    key, strength = find_key(weights.sum(axis=0)) if weights.any() else (None, 0.0)
    keys = keys_along(weights)
    chords = chords_along(weights, basses, keys, together)
    spans = _spans(beats, chords, keys, found)
    voices = _voices(found, parts)
    return Analysis(
        key,
        strength,
        spans,
        tuple(sorted(_non_chord_notes(score, found, beats, chords, keys), key=lambda n: (n.place.quarter, n.part))),
        tuple(_breaches(score, found, voices, beats, chords, keys, rules, scale)),
    )


@dataclass(frozen=True, slots=True)
class _Notes:
    """Pitched notes as arrays, in order of onset; ``lines`` are each part's onsets with the notes that begin there."""

    onset: npt.NDArray[np.float64]
    end: npt.NDArray[np.float64]
    pitch: npt.NDArray[np.int64]
    part: npt.NDArray[np.int64]

    @classmethod
    def of(cls, score: Score, notes: Sequence[ScoreNote]) -> "_Notes":
        pitched = [note for note in notes if score.parts[note.part].instrument not in UNPITCHED]
        pitched.sort(key=lambda note: (note.onset_quarter, note.part, note.pitch))
        return cls(
            np.array([note.onset_quarter for note in pitched]),
            np.array([note.onset_quarter + note.duration_quarter for note in pitched]),
            np.array([note.pitch for note in pitched], np.int64),
            np.array([note.part for note in pitched], np.int64),
        )

    def by_beat(self, beats: "_Beats") -> tuple[npt.NDArray[np.float64], list[int | None], list[int]]:
        """How much each pitch class counts within each beat (beats, 12), the bass note's pitch class, and the most
        pitch classes that sound at once."""
        weights = np.zeros((len(beats.start), 12))
        basses: list[int | None] = []
        together: list[int] = []
        for index, (start, end) in enumerate(zip(beats.start, beats.end, strict=True)):
            here = self._between(start, end)
            share = (np.minimum(self.end[here], end) - np.maximum(self.onset[here], start)) / (end - start)
            at_start = self.onset[here] <= start + 1e-6
            np.add.at(weights[index], self.pitch[here] % 12, share * np.where(at_start, 1.5, 1.0))
            basses.append(self._bass(here) if len(here) else None)
            together.append(self._at_once(here))
        return weights, basses, together

    def _bass(self, here: npt.NDArray[np.int64]) -> int:
        """Pitch class that the lowest part has first among these notes."""
        lowest = self.part[here[np.argmin(self.pitch[here])]]
        its = here[self.part[here] == lowest]
        first = its[self.onset[its] <= self.onset[its[0]] + 1e-6]
        return int(self.pitch[first].min()) % 12

    def _at_once(self, here: npt.NDArray[np.int64]) -> int:
        """The most pitch classes of these notes that sound at the same time."""
        onset, end, classes = self.onset[here], self.end[here], self.pitch[here] % 12
        return max(
            (len(np.unique(classes[(onset <= at + 1e-6) & (end > at + 1e-6)])) for at in np.unique(onset)), default=0
        )

    def _between(self, start: float, end: float) -> npt.NDArray[np.int64]:
        last = int(np.searchsorted(self.onset, end - 1e-6))
        return np.flatnonzero(self.end[:last] > start + 1e-6)

    def line(self, part: int) -> list[npt.NDArray[np.int64]]:
        """Indices of a part's notes, those that begin together in one array."""
        mine = np.flatnonzero(self.part == part)
        if not len(mine):
            return []
        ticks = np.round(self.onset[mine] * TICKS)
        return np.split(mine, np.flatnonzero(np.diff(ticks)) + 1)


class _Beats:
    """The score's conductor's beats; ``place`` says where a score time is."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self.start = np.maximum(score.beats["quarter"], 0.0)  # of a beat before it, the score has a part
        self.end = score.beats["quarter"] + score.beats["duration_quarter"]

    def index(self, quarter: float) -> int:
        return max(0, int(np.searchsorted(self.start, quarter + 1e-6, side="right")) - 1)

    def place(self, quarter: float) -> Place:
        row = self._score.beats[self.index(quarter)]
        return Place(float(quarter), str(self._score.measures["number"][row["measure"]]), int(row["beat"]))

    def strength(self, quarter: float) -> float:
        row = self._score.beats[self.index(quarter)]
        return metrical_weight(quarter, float(row["quarter"]), int(row["beat"]), int(row["beats_in_measure"]))


def _spans(beats: _Beats, chords: Sequence[Chord | None], keys: Sequence[Key], notes: _Notes) -> tuple[ChordSpan, ...]:
    """Beats with the same chord joined, each with its reason."""
    runs: list[tuple[int, int, Chord, Key]] = []
    for index, (chord, key) in enumerate(zip(chords, keys, strict=True)):
        if chord is None:
            continue
        if runs and runs[-1][1] == index and runs[-1][2:] == (chord, key):
            runs[-1] = (runs[-1][0], index + 1, chord, key)
        else:
            runs.append((index, index + 1, chord, key))
    spans = []
    for at, (first, stop, chord, key) in enumerate(runs):
        following = runs[at + 1][2] if at + 1 < len(runs) else None
        before = runs[at - 1][2] if at else None
        ends = None
        if before is not None and (following is None or _rests(notes, float(beats.start[first]))):
            ends = cadence(before, chord, key)
        spans.append(
            ChordSpan(
                beats.place(float(beats.start[first])),
                float(beats.end[stop - 1]),
                chord,
                key,
                roman(chord, key),
                explain_chord(chord, key, following),
                ends,
            )
        )
    return tuple(spans)


def _rests(notes: _Notes, quarter: float) -> bool:
    """Whether the music comes to rest there: nothing begins in the next one and a half quarters."""
    after = int(np.searchsorted(notes.onset, quarter + 1e-6, side="right"))
    return after == len(notes.onset) or notes.onset[after] > quarter + _CADENCE_QUARTERS - 1e-6


def _non_chord_notes(
    score: Score, notes: _Notes, beats: _Beats, chords: Sequence[Chord | None], keys: Sequence[Key]
) -> Iterator[NonChordNote]:
    for part in np.unique(notes.part).tolist():
        line = notes.line(part)
        for at, together in enumerate(line):
            for index in together.tolist():
                found = _stranger(notes, beats, chords, index)
                if found is None:
                    continue
                beat, held = found
                note = _line_note(notes, line, at, index, beats, chords)
                kind = classify(note, held)
                place = beats.place(float(beats.start[beat]) if held else float(notes.onset[index]))
                name = keys[beat].spell(note.pitch % 12)
                on_beat = held or bool(abs(notes.onset[index] - beats.start[beat]) < 1e-6)
                words = f"{place}: {score.parts[part].name} {name} is {_article(kind)}: it {SENTENCES[kind]}"
                yield NonChordNote(place, part, note.pitch, kind, on_beat, words)


def _article(kind: str) -> str:
    return "free" if kind == "free" else f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _stranger(notes: _Notes, beats: _Beats, chords: Sequence[Chord | None], index: int) -> tuple[int, bool] | None:
    """The first beat where a note is not of the chord, and whether it was held into it."""
    beat = beats.index(float(notes.onset[index]))
    first = beat
    while beat < len(beats.start) and beats.start[beat] < notes.end[index] - 1e-6:
        chord = chords[beat]
        if chord is not None and int(notes.pitch[index]) % 12 not in chord.pitch_classes:
            return beat, beat > first
        beat += 1
    return None


def _line_note(
    notes: _Notes,
    line: Sequence[npt.NDArray[np.int64]],
    at: int,
    index: int,
    beats: _Beats,
    chords: Sequence[Chord | None],
) -> LineNote:
    pitch = int(notes.pitch[index])

    def nearest(group: int) -> int | None:
        if not 0 <= group < len(line):
            return None
        first, second = (line[group], line[at]) if group < at else (line[at], line[group])
        if notes.onset[second[0]] > notes.end[first].max() + 0.26:
            return None  # a rest between them
        return min(notes.pitch[line[group]].tolist(), key=lambda other: abs(other - pitch))

    after = nearest(at + 1)
    then = chords[beats.index(float(notes.onset[line[at + 1][0]]))] if after is not None else None
    return LineNote(pitch, nearest(at - 1), after, then is not None and pitch % 12 in then.pitch_classes)


def _voices(notes: _Notes, parts: Sequence[int] | None) -> list[int]:
    """Parts to compare, highest first; none where there are too many to be voices of one texture."""
    present = np.unique(notes.part).tolist()
    chosen = [part for part in (present if parts is None else parts) if part in present]
    if parts is None and len(chosen) > MOST_VOICES:
        return []
    return sorted(chosen, key=lambda part: -float(notes.pitch[notes.part == part].mean()))


def steps_of(
    score: Score,
    notes: Sequence[ScoreNote] | None = None,
    parts: Sequence[int] | None = None,
    scale: Scale | None = None,
) -> Iterator[tuple[float, StepContext]]:
    """Every moment at which one of the ``parts`` begins a note, as rules look at it, with all voices known.

    Voices are ordered by their mean pitch, highest first. Without ``scale`` the key's is given where its leading note
    is one: in the dominant and in the chord on it.
    """
    found = _Notes.of(score, score.notes_between(0.0, score.end_quarter) if notes is None else notes)
    beats = _Beats(score)
    weights, basses, together = found.by_beat(beats)
    keys = keys_along(weights)
    yield from _contexts(
        score, found, _voices(found, parts), beats, chords_along(weights, basses, keys, together), keys, scale
    )


def _contexts(
    score: Score,
    notes: _Notes,
    voices: Sequence[int],
    beats: _Beats,
    chords: Sequence[Chord | None],
    keys: Sequence[Key],
    scale: Scale | None,
) -> Iterator[tuple[float, StepContext]]:
    ranges = tuple(catalogue()[score.parts[part].instrument].range for part in voices)
    for quarter, before, now, onsets in _steps(notes, voices):
        beat = beats.index(quarter)
        asked = scale or _leading_note_scale(chords[beat], keys[beat])
        yield quarter, StepContext(before, now, onsets, beats.strength(quarter), ranges, asked)


def _breaches(
    score: Score,
    notes: _Notes,
    voices: Sequence[int],
    beats: _Beats,
    chords: Sequence[Chord | None],
    keys: Sequence[Key],
    rules: Sequence[str] | None,
    scale: Scale | None,
) -> Iterator[RuleBreach]:
    left_out = {"given-chord"} | (set() if scale is not None else {"out-of-scale"})
    asked = tuple(rule(name).name for name in rules) if rules is not None else tuple(known.name for known in RULES)
    names = tuple(name for name in asked if name not in left_out)
    called = [score.parts[part].name for part in voices]
    lasting: set[tuple[str, tuple[int, ...]]] = set()
    for quarter, step in _contexts(score, notes, voices, beats, chords, keys, scale):
        beat = beats.index(quarter)
        broken = set()
        for breach in breaches(step, names):
            if breach.severity < LEAST_SEVERITY or _belongs(breach.rule, breach.voices, step.now, chords[beat]):
                continue
            if breach.rule in _LASTING:
                broken.add(same := _identity(breach, step.now))
                if same in lasting:
                    continue
            moved = tuple(voices[voice] for voice in breach.voices)
            words = _in_words(breach.rule, breach.voices, step.before, step.now, keys[beat], called)
            place = beats.place(quarter)
            yield RuleBreach(breach.rule, place, moved, f"{place}: {words}")
        lasting = broken


_LASTING = frozenset({"crossing", "spacing", "range", "doubled-leading-note", "strange-sonority"})
"""Rules that are broken as long as the notes sound, and told once."""


def _identity(breach: Breach, now: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """What stays the same as long as a breach lasts: its voices, or the pitch classes of its chord."""
    if rule(breach.rule).scope != "chord":
        return breach.rule, breach.voices
    return breach.rule, tuple(sorted({now[voice] % 12 for voice in breach.voices}))


def _leading_note_scale(chord: Chord | None, key: Key) -> Scale | None:
    """The key's scale where its leading note is one: in the dominant and in the chord on it."""
    is_dominant = chord is not None and (chord.root - key.tonic) % 12 in (7, 11)
    return key.scale if is_dominant else None


def _belongs(name: str, voices: tuple[int, ...], now: tuple[int, ...], chord: Chord | None) -> bool:
    """Whether a dissonance is the chord's own."""
    if name not in ("unprepared-dissonance", "unresolved-dissonance") or chord is None:
        return False
    return all(now[voice] >= 0 and now[voice] % 12 in chord.pitch_classes for voice in voices)


def _steps(
    notes: _Notes, voices: Sequence[int]
) -> Iterator[tuple[float, tuple[int, ...], tuple[int, ...], tuple[bool, ...]]]:
    """Every moment at which a voice begins a note: score time, pitches before and now, and who begins."""
    begins: dict[int, dict[int, tuple[int, int]]] = {}
    for voice, part in enumerate(voices):
        for together in notes.line(part):
            top = together[-1] if voice < len(voices) - 1 else together[0]
            tick = round(float(notes.onset[top]) * TICKS)
            begins.setdefault(tick, {})[voice] = (int(notes.pitch[top]), round(float(notes.end[top]) * TICKS))
    pitches, ends = [REST] * len(voices), [0] * len(voices)
    for tick in sorted(begins):
        before = tuple(pitch if end >= tick else REST for pitch, end in zip(pitches, ends, strict=True))
        pitches = [pitch if end > tick else REST for pitch, end in zip(pitches, ends, strict=True)]
        for voice, (pitch, end) in begins[tick].items():
            pitches[voice], ends[voice] = pitch, end
        yield tick / TICKS, before, tuple(pitches), tuple(voice in begins[tick] for voice in range(len(voices)))


def _in_words(
    name: str,
    voices: tuple[int, ...],
    before: tuple[int, ...],
    now: tuple[int, ...],
    key: Key,
    names: Sequence[str],
) -> str:
    def note(pitch: int) -> str:
        return "rest" if pitch < 0 else key.spell_pitch(pitch)

    moves = [f"{names[voice]} {note(before[voice])}–{note(now[voice])}" for voice in voices]
    if name in _LASTING:
        moves = [f"{names[voice]} {note(now[voice])}" for voice in voices]
    return f"{rule(name).title.lower()}: {', '.join(moves)}"
