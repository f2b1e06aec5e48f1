"""What happens in a score, as text: keys, chords with their reasons, cadences, non-chord notes, broken rules.

Used by the report, the page and lessons. Everything is found from pitches and times alone, so that it works on what an
AI wrote and on what a learner played alike.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...engine.score import Score
from ...engine.types import ScoreNote
from .beatwise import BeatTable, NoteTable, Place
from .broken_rules import RuleBreach, broken_rules, voices_of
from .chords import Chord, cadence, chords_along, explain_chord, roman
from .keys import Key, find_key, keys_along
from .non_chord import NonChordNote, non_chord_notes
from .rules import RULES
from .scales import Scale

_CADENCE_QUARTERS = 1.5
"""A chord on which all rest for so long may end a phrase."""


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
    found = NoteTable.of(score, score.notes_between(0.0, score.end_quarter) if notes is None else notes)
    beats = BeatTable(score)
    weights, basses, together = found.by_beat(beats)
    key, strength = find_key(weights.sum(axis=0)) if weights.any() else (None, 0.0)
    keys = keys_along(weights)
    chords = chords_along(weights, basses, keys, together)
    spans = _spans(beats, chords, keys, found)
    voices = voices_of(found, parts)
    return Analysis(
        key,
        strength,
        spans,
        tuple(sorted(non_chord_notes(score, found, beats, chords, keys), key=lambda n: (n.place.quarter, n.part))),
        tuple(broken_rules(score, found, voices, beats, chords, keys, rules, scale)),
    )


def _spans(
    beats: BeatTable, chords: Sequence[Chord | None], keys: Sequence[Key], notes: NoteTable
) -> tuple[ChordSpan, ...]:
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


def _rests(notes: NoteTable, quarter: float) -> bool:
    """Whether the music comes to rest there: nothing begins in the next one and a half quarters."""
    after = int(np.searchsorted(notes.onset, quarter + 1e-6, side="right"))
    return after == len(notes.onset) or notes.onset[after] > quarter + _CADENCE_QUARTERS - 1e-6
