"""Where finished music breaks rules of part-writing, in words with their places."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...engine.instruments import catalogue
from ...engine.score import UNPITCHED, Part, Score
from ...engine.types import ScoreNote
from .beatwise import TICKS, BeatTable, NoteTable, Place
from .charges import REST, StepContext
from .chords import Chord, chords_along
from .keys import Key, keys_along
from .rules import RULES, Breach, breaches, rule
from .scales import Scale

MOST_VOICES = 6
"""Voices among which broken rules are looked for unless parts are named: doublings of an orchestra are no mistakes."""
LEAST_SEVERITY = 0.5
"""Of a breach that is told; 1 is a plain one."""
_LASTING = frozenset({"crossing", "spacing", "range", "doubled-leading-note", "strange-sonority"})
"""Rules that are broken as long as the notes sound, and told once."""


@dataclass(frozen=True, slots=True)
class RuleBreach:
    """A rule broken at a place by these parts, in words."""

    rule: str
    place: Place
    parts: tuple[int, ...]
    words: str


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
    found = NoteTable.of(score, score.notes_between(0.0, score.end_quarter) if notes is None else notes)
    beats = BeatTable(score)
    weights, basses, together = found.by_beat(beats)
    keys = keys_along(weights)
    yield from _contexts(
        score, found, voices_of(found, parts), beats, chords_along(weights, basses, keys, together), keys, scale
    )


def broken_rules(
    score: Score,
    notes: NoteTable,
    voices: Sequence[int],
    beats: BeatTable,
    chords: Sequence[Chord | None],
    keys: Sequence[Key],
    rules: Sequence[str] | None,
    scale: Scale | None,
) -> Iterator[RuleBreach]:
    """The breaches between ``voices`` (parts, highest first) in order of time; only of ``rules`` by name where given.

    ``chords`` and ``keys`` are one a beat, ``scale`` a tradition's that out-of-scale notes are counted against.
    """
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


def voices_of(notes: NoteTable, parts: Sequence[int] | None) -> list[int]:
    """Parts to compare, highest first; none where there are too many to be voices of one texture."""
    present = np.unique(notes.part).tolist()
    chosen = [part for part in (present if parts is None else parts) if part in present]
    if parts is None and len(chosen) > MOST_VOICES:
        return []
    return sorted(chosen, key=lambda part: -float(notes.pitch[notes.part == part].mean()))


def _contexts(
    score: Score,
    notes: NoteTable,
    voices: Sequence[int],
    beats: BeatTable,
    chords: Sequence[Chord | None],
    keys: Sequence[Key],
    scale: Scale | None,
) -> Iterator[tuple[float, StepContext]]:
    ranges = tuple(_range(score.parts[part]) for part in voices)
    for quarter, before, now, onsets in _steps(notes, voices):
        beat = beats.index(quarter)
        asked = scale or _leading_note_scale(chords[beat], keys[beat])
        yield quarter, StepContext(before, now, onsets, beats.strength(quarter), ranges, asked)


def _range(part: Part) -> tuple[int, int]:
    """From the lowest to the highest pitch of what the players of a part play."""
    played = [key for key in (part.instrument, *part.doublings) if key not in UNPITCHED] or [part.instrument]
    ranges = [catalogue()[key].range for key in played]
    return min(low for low, _ in ranges), max(high for _, high in ranges)


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
    notes: NoteTable, voices: Sequence[int]
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
