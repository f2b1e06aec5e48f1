"""Several drafts of an AI part, and the one that shows the fewest faults."""

import math
from collections.abc import Callable

import numpy as np

from ...models.composing import Composition, inside
from ...models.craft.analysis import analyse
from ...models.craft.keys import Key, find_key
from ...models.craft.scales import Scale
from ...models.tasks import Assignment

SEED_STEP = 1_000_003
"""Between the seeds of drafts, so that neighbouring seeds of a person share none."""
STRANGE = 2.0
"""What a piece all of notes from outside the key counts, in broken rules a beat."""
SILENT = 2.0
"""What a piece counts in which nothing sounds where the AI was asked to write."""
USUAL_RESTS = 0.3
"""Rests for so much of the time are music."""
NOT_HOME = 0.25
"""What an end away from the tonic counts in the same measure."""


def seed_of(seed: int, draft: int) -> int:
    """The seed of a draft; that of the first is the person's own."""
    return seed + SEED_STEP * draft


def faults_of(composition: Composition, key: Key | None, scale: Scale | None) -> float:
    """Broken rules a beat, notes outside the key or the tradition's ``scale``, an end that does not come home, and
    silence: who writes nothing breaks no rule."""
    score, written = composition.score, composition.written
    if not written:
        return math.inf
    found = analyse(score, composition.notes, scale=scale)
    faults = len(found.breaches) / max(1, len(score.beats)) + SILENT * _silent_share(composition)
    if scale is None and key is not None:
        inside = np.array([note.pitch % 12 in key.scale.pitch_classes for note in written])
        lasts = np.array([note.duration_quarter for note in written])
        faults += STRANGE * float(lasts[~inside].sum() / lasts.sum())
        if found.chords and found.chords[-1].chord.root != key.tonic:
            faults += NOT_HOME
    return faults


def _silent_share(composition: Composition) -> float:
    """How much of what the AI was asked to write has none of its notes, beyond the rests that music has."""
    spans = [span for part in composition.assignment.asked.values() for span in part]
    asked = sum(end - start for start, end in spans)
    sounding = sum(note.duration_quarter for note in composition.written)
    return max(0.0, 1.0 - sounding / asked - USUAL_RESTS) if asked else 0.0


def key_heard(assignment: Assignment) -> Key | None:
    """The key of what stands already, in bars that are not asked for as well; None where nothing does."""
    weights = np.zeros(12)
    score = assignment.score
    for note in score.notes_between(0.0, score.end_quarter):
        asked = assignment.asked.get(note.part, ())
        if score.has_pitch(note) and not inside(note.onset_quarter, asked):
            weights[note.pitch % 12] += note.duration_quarter
    return find_key(weights)[0] if weights.any() else None


def best_draft(
    write: Callable[[int], Composition], seed: int, drafts: int, judge: Callable[[Composition], float]
) -> tuple[Composition, int]:
    """The best of so many drafts, the earlier of equals, and its number from 0."""
    found = [write(seed_of(seed, number)) for number in range(drafts)]
    if drafts == 1:
        return found[0], 0
    best = int(np.argmin([judge(composition) for composition in found]))
    return found[best], best
