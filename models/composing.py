"""An assignment carried out: the notes that the AI player writes into a score."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from ..engine.score import Score
from ..engine.types import ScoreNote
from .endings import ending_of, wishes_with_cadences, with_rest
from .ensemble_writing import EnsembleSheet, EnsembleWriter
from .grid import REST, decode_voice
from .score_shapes import all_notes, with_notes
from .tasks import Assignment, Span, columns_of, grid_of
from .voice_groups import part_heights, part_ranges, plan_groups
from .wish import Wish
from .writing import NamedDecoder

PLAIN_DYNAMIC = 0.5


@dataclass(frozen=True, slots=True)
class Composition:
    """The score with the AI's notes in it. ``written`` are those notes, ``source`` says who wrote them."""

    assignment: Assignment
    score: Score
    written: tuple[ScoreNote, ...]
    source: str
    notes: tuple[ScoreNote, ...] = field(default=())
    """All notes, with their sources."""


def compose(
    assignment: Assignment,
    decoder: NamedDecoder,
    wish: Wish,
    progress: Callable[[float], None] | None = None,
) -> Composition:
    """Write what is asked. ``progress`` is told the share done."""
    grid = grid_of(assignment)
    columns = columns_of(assignment, grid)
    heights = {part: height for part, height in part_heights(assignment.score).items() if part in columns}
    heard = frozenset(heights) if assignment.heard is None else assignment.heard
    silent = [
        part
        for part in heights
        if part not in assignment.asked and (part not in heard or (columns[part] == REST).all())
    ]
    for part in silent:
        del heights[part]
    if not assignment.asked:
        return Composition(assignment, assignment.score, (), decoder.source, tuple(all_notes(assignment.score)))
    if wish.density is None:
        wish = replace(wish, density=assignment.density)
    groups = plan_groups(heights, sorted(assignment.asked), part_ranges(assignment.score))
    key = assignment.key
    arrivals = () if key is None else ending_of(assignment, columns, heights, grid, key)
    if key is not None and arrivals:
        home, others = arrivals[-1], columns.keys() - assignment.asked.keys()
        columns = with_rest(columns, home.classes, home.step, len(grid), others)
        if wish.key is None and frozenset(heights) <= frozenset(assignment.asked):
            wish = replace(wish, key=key.name)
    wishes = wishes_with_cadences(grid, [(0, wish)], assignment.cadences)
    given = frozenset(heights) - frozenset(assignment.asked)
    decided = EnsembleWriter(groups, decoder).write(
        EnsembleSheet(grid, columns, wishes, given, arrivals=arrivals), progress
    )
    written: list[ScoreNote] = []
    for part, spans in sorted(assignment.asked.items()):
        notes = decode_voice(decided[part], grid, part, PLAIN_DYNAMIC, decoder.source)
        written += [note for note in notes if inside(note.onset_quarter, spans)]
    kept = [
        note
        for note in all_notes(assignment.score)
        if not inside(note.onset_quarter, assignment.asked.get(note.part, ()))
    ]
    written = _as_loud_as(kept, written, assignment.softer)
    notes = sorted([*kept, *written], key=lambda note: (note.onset_quarter, note.part, note.pitch))
    return Composition(assignment, with_notes(assignment.score, notes), tuple(written), decoder.source, tuple(notes))


def inside(quarter: float, spans: tuple[Span, ...]) -> bool:
    """Whether a score time lies in one of the spans."""
    return any(start - 1e-6 <= quarter < end - 1e-6 for start, end in spans)


def _as_loud_as(kept: list[ScoreNote], written: list[ScoreNote], softer: float) -> list[ScoreNote]:
    """The AI's notes with the dynamic of what sounds around them."""
    if not kept:
        return written
    onsets = np.array([note.onset_quarter for note in kept])
    order = np.argsort(onsets, kind="stable")
    onsets, levels = onsets[order], np.array([note.dynamic for note in kept])[order]
    loud = []
    for note in written:
        first, last = np.searchsorted(onsets, (note.onset_quarter - 2.0, note.onset_quarter + 2.0))
        near = levels[first:last] if last > first else levels[max(0, first - 4) : first + 1]
        level = float(near.mean()) if len(near) else PLAIN_DYNAMIC
        loud.append(replace(note, dynamic=min(1.0, max(0.05, level - softer))))
    return loud
