"""What moves between the beats of a plain setting: passing notes and suspensions, where the rules allow them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...engine.types import ScoreNote
from .charges import REST, StepContext
from .rules import RuleSet
from .scales import Scale
from .sonorities import Sonority

SHORTEST_SPLIT_QUARTERS = 0.9
"""Beats shorter than this are not divided."""
_ALLOWED_NATS = 1.0
"""What the rules may charge for a note that is added."""
_GUARDED = ("parallel-fifths", "parallel-octaves", "hidden-fifths-octaves", "range", "crossing", "out-of-scale")


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat as set: where, how strong, the melody's notes, the sonority, and the lower voices' pitches."""

    start: float
    end: float
    strength: float
    melody: tuple[ScoreNote, ...]
    sonority: Sonority
    lower: tuple[int, ...]
    ends_phrase: bool


@dataclass(frozen=True, slots=True)
class _Figure:
    """A voice's pitches in the two halves of a beat; one for both where it does not move."""

    first: int
    second: int


def decorate(
    beats: Sequence[Beat],
    scale: Scale,
    rules: RuleSet,
    ranges: Sequence[tuple[int, int]],
    amount: float,
    random: np.random.Generator,
) -> list[ScoreNote]:
    """The lower voices' notes; ``part`` counts the lower voices from 1. ``amount`` (0–1) is the share of possible
    figures that are written; ``ranges`` are of all voices, melody first."""
    guard = rules.only(*(name for name in _GUARDED if name in rules.active))
    figured = [[_Figure(pitch, pitch) for pitch in beat.lower] for beat in beats]
    for index in range(len(beats) - 1):
        here, then = beats[index], beats[index + 1]
        if here.end - here.start < SHORTEST_SPLIT_QUARTERS or then.start > here.end + 1e-6 or here.ends_phrase:
            continue
        voices = random.permutation(len(here.lower)).tolist()
        for voice in voices:
            wanted = random.random() < amount
            passing = _passing_note(here.lower[voice], then.lower[voice], scale)
            if not wanted or passing is None or figured[index][voice].first != figured[index][voice].second:
                continue
            tried = [*figured[index]]
            tried[voice] = _Figure(tried[voice].first, passing)
            if _is_allowed(here, then, tried, [figure.first for figure in figured[index + 1]], guard, scale, ranges):
                figured[index] = tried
        _suspend(beats, figured, index, guard, scale, ranges, amount, random)
    return list(_notes(beats, figured))


def _passing_note(pitch: int, following: int, scale: Scale) -> int | None:
    """The note of the scale between two a third apart."""
    if abs(following - pitch) not in (3, 4):
        return None
    held = scale.ascending if following > pitch else scale.descending
    between = range(min(pitch, following) + 1, max(pitch, following))
    middle = sorted((p for p in between if p % 12 in held), key=lambda p: abs(2 * p - pitch - following))
    return middle[0] if middle else None


def _is_allowed(
    here: Beat,
    then: Beat,
    figures: Sequence[_Figure],
    following: Sequence[int],
    guard: RuleSet,
    scale: Scale,
    ranges: Sequence[tuple[int, int]],
) -> bool:
    """Whether the rules let these figures stand in the middle of ``here`` and on the way to ``then``."""
    middle = (here.start + here.end) / 2
    top_first, top_second = _melody_at(here, here.start), _melody_at(here, middle)
    top_last, top_then = _melody_at(here, here.end - 1e-4), _melody_at(then, then.start)
    first = (top_first, *(figure.first for figure in figures))
    second = (top_second, *(figure.second for figure in figures))
    last = (top_last, *(figure.second for figure in figures))
    return _is_clean(first, second, guard, scale, ranges) and _is_clean(
        last, (top_then, *following), guard, scale, ranges
    )


def _is_clean(
    before: tuple[int, ...],
    now: tuple[int, ...],
    guard: RuleSet,
    scale: Scale,
    ranges: Sequence[tuple[int, int]],
) -> bool:
    onsets = tuple(b != n for b, n in zip(before, now, strict=True))
    context = StepContext(before, now, onsets, 0.0, tuple(ranges), scale)
    return all(
        float(guard.costs(context, voice)[now[voice]]) < _ALLOWED_NATS for voice in range(1, len(now)) if onsets[voice]
    )


def _melody_at(beat: Beat, quarter: float) -> int:
    for note in reversed(beat.melody):
        if note.onset_quarter <= quarter + 1e-6:
            ends = note.onset_quarter + note.duration_quarter
            return note.pitch if ends > quarter + 1e-6 else REST
    return REST


def _suspend(
    beats: Sequence[Beat],
    figured: list[list[_Figure]],
    index: int,
    guard: RuleSet,
    scale: Scale,
    ranges: Sequence[tuple[int, int]],
    amount: float,
    random: np.random.Generator,
) -> None:
    """Hold an inner voice over a strong beat where it goes on down by step."""
    here, then = beats[index], beats[index + 1]
    if then.strength < 0.5 or then.end - then.start < SHORTEST_SPLIT_QUARTERS or random.random() > 0.6 * amount:
        return
    for voice in range(len(here.lower) - 1):
        held, goal = figured[index][voice], then.lower[voice]
        if held.first != held.second or held.first - goal not in (1, 2):
            continue
        others = [_melody_at(then, then.start), *(p for other, p in enumerate(then.lower) if other != voice)]
        clashes = [abs(held.first - other) % 12 for other in others if other >= 0]
        resolves_alone = all(other % 12 != goal % 12 for other in others[:-1])
        if not any(clash in (1, 2, 5, 10, 11) for clash in clashes) or not resolves_alone or 1 in clashes:
            continue
        tried = [*figured[index + 1]]
        tried[voice] = _Figure(held.first, goal)
        before = (_melody_at(here, here.end - 1e-4), *(figure.second for figure in figured[index]))
        now = (_melody_at(then, then.start), *(figure.first for figure in tried))
        middle = (_melody_at(then, (then.start + then.end) / 2), *(figure.second for figure in tried))
        if _is_clean(before, now, guard, scale, ranges) and _is_clean(now, middle, guard, scale, ranges):
            figured[index + 1] = tried
            return


def _notes(beats: Sequence[Beat], figured: Sequence[Sequence[_Figure]]) -> Iterator[ScoreNote]:
    """Figures as notes; a suspension is tied to the note before it."""
    for voice in range(len(beats[0].lower) if beats else 0):
        open_note: ScoreNote | None = None
        for beat, figures in zip(beats, figured, strict=True):
            figure = figures[voice]
            middle = (beat.start + beat.end) / 2
            pieces = [(beat.start, beat.end, figure.first)]
            if figure.first != figure.second:
                pieces = [(beat.start, middle, figure.first), (middle, beat.end, figure.second)]
            for start, end, pitch in pieces:
                is_suspension = len(pieces) == 2 and start == beat.start and figure.first != beat.lower[voice]
                if open_note is not None and is_suspension and open_note.pitch == pitch:
                    open_note = replace(open_note, duration_quarter=end - open_note.onset_quarter)
                    continue
                if open_note is not None:
                    yield open_note
                open_note = ScoreNote(start, end - start, pitch, voice + 1, 0.5)
        if open_note is not None:
            yield open_note
