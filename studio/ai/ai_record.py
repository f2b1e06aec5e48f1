"""What a session keeps of its AI player: who wrote, its notes marked in a score, and the copy check."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import numpy as np

from ...engine.score import Part, Score
from ...engine.types import PERFORMER, BeatCrossing, HeardNote, NoteEvent, PartSource, ScoreNote
from ...models.ai_part import AiPart
from ...models.copy_check import CopyIndex, SharedRun, copies_path, lines_of
from ...models.weights import default_part_weights
from ..performance_log import PlayedNote
from ..tempo_map import Pass, conducted_passes

AI = "ai:"
"""Sources of AI notes begin so."""
STEP_QUARTER = 0.25
SHORTENED = 0.9
"""Notes sound this share of their written length, or less (``engine.expression``)."""
LEARNER = "Learner"
KEPT_NOTES, CHECK_AFTER = 96, 8
"""A running check looks at so many notes of each part, each time that so many are new."""


def author_of(score: Score, sources: Sequence[PartSource]) -> dict[str, str]:
    """What a session's header says of its AI player; empty without one."""
    names = [part.name for part in score.parts]
    found = [source.provenance(names) for source in sources if isinstance(source, AiPart)]
    return found[0].fields() if found else {}


def copied(notes: Iterable[ScoreNote], weights: Path | None = None) -> SharedRun | None:
    """The longest run that notes share with the music the model learned from; None where the weights have no index.

    Raises ``ModelError`` where the index is broken.
    """
    path = copies_path(weights or default_part_weights())
    return CopyIndex.load(path).longest(lines_of(notes)) if path.exists() else None


class CopyWatch:
    """Compares what an AI player plays with the music it learned from, while it plays."""

    def __init__(self, index: CopyIndex) -> None:
        self._index = index
        self._lines: dict[int, list[tuple[float, int]]] = {}
        self._unchecked = 0
        self._longest = 0

    @classmethod
    def of(cls, sources: Sequence[PartSource]) -> "CopyWatch | None":
        """None where no AI plays, or its weights have no index. Raises ``ModelError`` where the index is broken."""
        path = copies_path(default_part_weights())
        plays = any(isinstance(source, AiPart) for source in sources)
        return cls(CopyIndex.load(path)) if plays and path.exists() else None

    def hear(self, notes: Iterable[NoteEvent]) -> None:
        """Notes of a frame; those of others are passed over."""
        for note in notes:
            if note.source.startswith(AI):
                line = self._lines.setdefault(note.part, [])
                if line and note.quarter <= line[-1][0]:  # the music went back: another line
                    line.clear()
                line.append((note.quarter, note.pitch))
                del line[:-KEPT_NOTES]
                self._unchecked += 1

    def check(self) -> str | None:
        """A line of warning where a run is longer than is usual, and longer than one that was warned of before."""
        if self._unchecked < CHECK_AFTER:
            return None
        self._unchecked = 0
        found = self._index.longest(self._lines)
        if not found.suspicious or found.notes <= self._longest:
            return None
        self._longest = found.notes
        return f"The AI player comes close to music it learned from: {found.described()}"


def with_check(author: dict[str, str], notes: Sequence[ScoreNote], shared: SharedRun | None) -> dict[str, str]:
    """The header's facts, completed by what was played: how many notes, and whether they were heard before."""
    facts = {**author, "ai-notes": str(len(notes))}
    if shared is not None:
        facts["ai-longest-shared-run"] = shared.described()
    return facts


def answered_score(
    score: Score, notes: Sequence[PlayedNote], crossings: Sequence[BeatCrossing], heard: Sequence[HeardNote] = ()
) -> tuple[Score, list[ScoreNote]]:
    """The score as it was played: written notes, the AI's, and a learner's in a part of their own.

    Where a place was played several times, the last time counts. Lengths are those that were meant, on the grid.
    """
    passes = conducted_passes(score, crossings, notes)
    ai_parts = {note.part for note in notes if note.source.startswith(AI)}
    placed: dict[tuple[int, float, int], ScoreNote] = {}
    for note in notes:
        if note.source == PERFORMER or note.part >= len(score.parts):
            continue
        length = _length(passes, note.onset_s, note.onset_s + note.duration_s) / SHORTENED
        placed[note.part, round(note.quarter, 4), note.pitch] = ScoreNote(
            note.quarter, _on_grid(length), note.pitch, note.part, note.velocity / 127, source=note.source
        )
    parts = score.parts
    learner = [note for note in heard if note.duration_s is not None]
    if learner and passes:
        parts = (*parts, Part(LEARNER, "Lrn.", "violin", 0))
        for played in learner:
            quarter = round(_quarter(passes, played.onset_s) / STEP_QUARTER) * STEP_QUARTER
            if not 0.0 <= quarter < score.end_quarter:
                continue
            length = _length(passes, played.onset_s, played.onset_s + (played.duration_s or 0.0))
            pitch, part = round(played.pitch), len(parts) - 1
            placed[part, quarter, pitch] = ScoreNote(quarter, _on_grid(length), pitch, part, played.velocity / 127)
    written = [note for note in score.notes_between(-np.inf, np.inf) if note.part not in ai_parts]
    played_parts = {part for part, _, _ in placed}
    kept = [note for note in written if note.part not in played_parts]
    return replace(score, parts=parts), _monophonic_ends([*kept, *placed.values()], ai_parts)


def _monophonic_ends(notes: list[ScoreNote], ai_parts: set[int]) -> list[ScoreNote]:
    """The AI plays one note at a time in each part: a length that was rounded up ends where the next note begins."""
    ordered = sorted(notes, key=lambda note: (note.part, note.onset_quarter, note.pitch))
    result = []
    for note, after in zip_longest(ordered, ordered[1:]):
        if after is not None and note.part == after.part and note.part in ai_parts:
            room = after.onset_quarter - note.onset_quarter
            if room > 1e-6:
                note = replace(note, duration_quarter=min(note.duration_quarter, room))
        result.append(note)
    return sorted(result, key=lambda note: (note.onset_quarter, note.part, note.pitch))


def _quarter(passes: Sequence[Pass], time_s: float) -> float:
    """Score time of a session time, by the pass it lies in."""
    inside = [one for one in passes if one.start_s - 0.5 <= time_s]
    return float((inside[-1] if inside else passes[0]).quarter_at(np.array(time_s)))


def _length(passes: Sequence[Pass], start_s: float, end_s: float) -> float:
    return _quarter(passes, end_s) - _quarter(passes, start_s) if passes else 2.0 * (end_s - start_s)


def _on_grid(length_quarter: float) -> float:
    return max(1, round(length_quarter / STEP_QUARTER)) * STEP_QUARTER
