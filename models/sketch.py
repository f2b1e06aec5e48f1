"""A sketch read as voices: a piano's hands, or whatever parts there are, as a melody, a bass and what lies between."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise, zip_longest

import numpy as np

from ..engine.errors import ModelError
from ..engine.score import Score
from ..engine.types import ScoreNote
from .score_shapes import all_notes

PHRASE_BARS = 4
INNER_VOICES = 2
BROKEN_NOTES, BROKEN_SEMITONES = 3, 3
"""A bass with so many notes in a quarter, so far apart, is a broken chord."""
SPLIT_PITCH = 55
"""A lone note below this (G3) is the bass's, above it the melody's, where nothing else tells."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """``melody``, ``bass`` and up to two ``inner`` voices, each of one note at a time; ``extra`` notes double them."""

    melody: tuple[ScoreNote, ...]
    bass: tuple[ScoreNote, ...]
    inner: tuple[tuple[ScoreNote, ...], ...]
    extra: tuple[ScoreNote, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A stretch of some bars. ``fullness`` 0–1 compares its loudness, texture and movement with the piece's others."""

    start_quarter: float
    end_quarter: float
    fullness: float


def read_sketch(score: Score) -> Sketch:
    """The voices of a score of any parts. Raises ``ModelError`` where it has no pitched notes.

    Four single-line parts or fewer are the voices as they are; anything else is split chord by chord: the top is the
    melody, the bottom the bass, and what lies between goes to the inner voice whose last note is nearest.
    """
    notes = [note for note in all_notes(score) if score.has_pitch(note)]
    if not notes:
        raise ModelError(f"{score.title or 'this score'} has no notes with a pitch: there is nothing to orchestrate")
    parts = sorted({note.part for note in notes})
    lines = [[note for note in notes if note.part == part] for part in parts]
    if 2 <= len(lines) <= 2 + INNER_VOICES and all(_single(line) for line in lines):
        lines.sort(key=lambda line: -float(np.mean([note.pitch for note in line])))
        return Sketch(tuple(lines[0]), tuple(lines[-1]), tuple(tuple(line) for line in lines[1:-1]), ())
    return _split(notes)


def _single(line: list[ScoreNote]) -> bool:
    """Whether no two notes sound together (a slur's overlap aside)."""
    return all(
        after.onset_quarter >= before.onset_quarter + 0.75 * before.duration_quarter for before, after in pairwise(line)
    )


def _split(notes: list[ScoreNote]) -> Sketch:
    melody: list[ScoreNote] = []
    bass: list[ScoreNote] = []
    inner: list[list[ScoreNote]] = [[] for _ in range(INNER_VOICES)]
    extra: list[ScoreNote] = []
    notes = sorted(notes, key=lambda note: (note.onset_quarter, -note.pitch))
    for onset, together in groupby(notes, key=lambda note: note.onset_quarter):
        chord = list({note.pitch: note for note in together}.values())
        if len(chord) == 1:
            _place_lone(chord[0], melody, bass, inner)
            continue
        if not _covered(melody, onset, chord[0].pitch):
            melody.append(chord.pop(0))
        if chord and not _below(bass, onset, chord[-1].pitch):
            bass.append(chord.pop())
        for note in chord:
            free = [voice for voice in inner if not (voice and voice[-1].onset_quarter == onset)]
            if not free:
                extra.append(note)
                continue
            min(free, key=lambda voice: abs(voice[-1].pitch - note.pitch) if voice else 12).append(note)
    lowest, figure = _unbroken(_without_overlap(bass))
    if figure:
        inner.sort(key=len)
        inner[0] += figure
    lines = [sorted(voice, key=lambda note: note.onset_quarter) for voice in inner if voice]
    lines.sort(key=lambda line: -float(np.mean([note.pitch for note in line])))
    return Sketch(_without_overlap(melody), lowest, tuple(_without_overlap(line) for line in lines), tuple(extra))


def _unbroken(bass: Sequence[ScoreNote]) -> tuple[tuple[ScoreNote, ...], list[ScoreNote]]:
    """A broken-chord accompaniment taken apart: its lowest notes, held for the beat, and the figure above them."""
    held: list[ScoreNote] = []
    figure: list[ScoreNote] = []
    for beat, together in groupby(bass, key=lambda note: int(note.onset_quarter + 1e-6)):
        group = list(together)
        lowest = min(group, key=lambda note: note.pitch)
        reach = max(note.pitch for note in group) - lowest.pitch
        if len(group) < BROKEN_NOTES or reach < BROKEN_SEMITONES:
            held += group
            continue
        end = max(note.onset_quarter + note.duration_quarter for note in group)
        held.append(
            replace(lowest, onset_quarter=group[0].onset_quarter, duration_quarter=max(0.25, end - float(beat)))
        )
        figure += [note for note in group if note.pitch != lowest.pitch]
    return _without_overlap(_joined(held)), figure


def _joined(line: Sequence[ScoreNote]) -> list[ScoreNote]:
    """Held notes of one pitch in two beats of a broken chord are one note of two beats, from an even beat on."""
    joined: list[ScoreNote] = []
    for note in line:
        last = joined[-1] if joined else None
        if last is not None and last.pitch == note.pitch and last.duration_quarter == note.duration_quarter == 1.0:
            meets = abs(last.onset_quarter + 1.0 - note.onset_quarter) < 1e-6
            if meets and int(last.onset_quarter) % 2 == 0:
                joined[-1] = replace(last, duration_quarter=2.0)
                continue
        joined.append(note)
    return joined


def _place_lone(note: ScoreNote, melody: list[ScoreNote], bass: list[ScoreNote], inner: list[list[ScoreNote]]) -> None:
    """One note by itself: whose line it goes on with."""
    onset, pitch = note.onset_quarter, note.pitch
    under = bool(melody) and _sounds(melody[-1], onset) and melody[-1].pitch > pitch
    over = bool(bass) and _sounds(bass[-1], onset) and bass[-1].pitch < pitch
    if under and over:
        min(inner, key=lambda voice: abs(voice[-1].pitch - pitch) if voice else 12).append(note)
    elif under:
        bass.append(note)
    elif over:
        melody.append(note)
    else:
        near_top = abs(melody[-1].pitch - pitch) if melody else 0 if pitch >= SPLIT_PITCH else 99
        near_bottom = abs(bass[-1].pitch - pitch) if bass else 0 if pitch < SPLIT_PITCH else 99
        (melody if near_top <= near_bottom else bass).append(note)


def _covered(melody: list[ScoreNote], onset: float, pitch: int) -> bool:
    """A higher melody note sounds on above what begins."""
    return bool(melody) and _sounds(melody[-1], onset) and melody[-1].pitch > pitch + 2


def _below(bass: list[ScoreNote], onset: float, pitch: int) -> bool:
    return bool(bass) and _sounds(bass[-1], onset) and bass[-1].pitch < pitch - 2


def _sounds(note: ScoreNote, onset: float) -> bool:
    return note.onset_quarter + note.duration_quarter > onset + 1e-6


def _without_overlap(line: Sequence[ScoreNote]) -> tuple[ScoreNote, ...]:
    """Each note ends where the next begins at the latest."""
    cut = []
    for note, after in zip_longest(line, line[1:]):
        room = note.duration_quarter if after is None else after.onset_quarter - note.onset_quarter
        if room > 1e-6:
            cut.append(replace(note, duration_quarter=min(note.duration_quarter, room)))
    return tuple(cut)


def phrases(score: Score, sketch: Sketch, bars: int = PHRASE_BARS) -> tuple[Phrase, ...]:
    """Phrases of ``bars`` bars and how full each is: half by its dynamic, the rest by movement and height."""
    starts = score.measures["start_quarter"][::bars]
    ends = [*starts[1:], score.end_quarter]
    voices = [sketch.melody, sketch.bass, *sketch.inner, sketch.extra]
    rows = []
    for start, end in zip(starts, ends, strict=True):
        inside = [note for voice in voices for note in voice if start <= note.onset_quarter < end]
        top = [note.pitch for note in sketch.melody if start <= note.onset_quarter < end]
        rows.append(
            (
                float(np.mean([note.dynamic for note in inside])) if inside else 0.0,
                len(inside) / float(end - start),
                float(np.mean(top)) if top else 0.0,
            )
        )
    table = np.array(rows)
    low, spread = table.min(axis=0), np.ptp(table, axis=0)
    relative = np.where(spread > 1e-6, (table - low) / np.where(spread > 1e-6, spread, 1.0), 0.5)
    fullness = 0.5 * relative[:, 0] + 0.3 * relative[:, 1] + 0.2 * relative[:, 2]
    loud = np.clip((table[:, 0] - 0.3) / 0.5, 0.0, 1.0)
    return tuple(
        Phrase(float(start), float(end), float(np.clip(0.6 * full + 0.4 * level, 0.0, 1.0)))
        for start, end, full, level in zip(starts, ends, fullness, loud, strict=True)
    )
