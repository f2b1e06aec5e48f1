"""The conductor's beats: what a conductor would beat in each measure.

The unit follows the time signature (6/8 in two, 9/8 in three, 12/8 in four, alla breve in two, 5/8 and 7/8 by their
groups), and the tempo: where the marked beat is slower than about 45 a minute it is subdivided, where it is faster
than about 180 beats are joined (in two, in one). A metronome mark that counts a larger or smaller note shows that the
composer felt it so, and moves these limits (Rudolf, The Grammar of Conducting, on subdivision and on beating in one).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..score import BEAT_DTYPE

SLOWEST_BEAT_BPM = 45.0
FASTEST_BEAT_BPM = 180.0
_SLOWEST_WHEN_SMALLER_MARKED = 50.0
_FASTEST_WHEN_LARGER_MARKED = 165.0
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class PlayedMeasure:
    """A measure as played, with what decides its beats.

    ``quarter_bpm`` is the tempo at its start, ``referent`` the printed metronome unit in quarters (0: none).
    ``pickup`` tells that a measure shorter than its meter is the end of a bar and not its beginning.
    """

    start: float
    duration: float
    numerator: int
    denominator: int
    groups: tuple[int, ...]
    quarter_bpm: float
    referent: float
    pickup: bool


def bar_beats(
    numerator: int, denominator: int, quarter_bpm: float, groups: tuple[int, ...] = (), referent: float = 0.0
) -> list[float]:
    """Lengths in quarters of the conductor's beats of one full bar."""
    unit = 4.0 / denominator
    beats = _marked_beats(numerator, unit, denominator, groups, quarter_bpm)
    longest = max(beats)
    too_slow = _SLOWEST_WHEN_SMALLER_MARKED if 0 < referent < longest - _EPSILON else SLOWEST_BEAT_BPM
    too_fast = _FASTEST_WHEN_LARGER_MARKED if referent > longest + _EPSILON else FASTEST_BEAT_BPM
    for _ in range(2):
        if quarter_bpm / max(beats) < too_slow:
            beats = [part for beat in beats for part in _subdivided(beat, unit)]
            too_slow = SLOWEST_BEAT_BPM
    for _ in range(3):
        if len(beats) > 1 and quarter_bpm / max(beats) > too_fast:
            beats = _joined(beats)
            too_fast = max(too_fast, FASTEST_BEAT_BPM)
    return beats


def _marked_beats(
    numerator: int, unit: float, denominator: int, groups: tuple[int, ...], quarter_bpm: float
) -> list[float]:
    """The beats that the time signature means, before tempo is looked at."""
    if groups and sum(groups) == numerator:
        quick = quarter_bpm / unit > FASTEST_BEAT_BPM
        return [group * unit for group in groups] if denominator >= 8 or quick else [unit] * numerator
    if numerator % 3 == 0 and numerator > 3 and denominator >= 4:
        # 6/4 and 6/8 alike are compound.
        return [3 * unit] * (numerator // 3)
    if numerator in (5, 7, 8, 10, 11) and denominator >= 8 and quarter_bpm / unit > FASTEST_BEAT_BPM:
        return [group * unit for group in _irregular_groups(numerator)]
    return [unit] * numerator


def _irregular_groups(numerator: int) -> list[int]:
    """Twos, with one three at the end where the number is odd (2+3, 2+2+3); 8 is 3+3+2, 10 and 11 threes and twos."""
    if numerator == 8:
        return [3, 3, 2]
    if numerator == 10:
        return [3, 2, 3, 2]
    if numerator == 11:
        return [3, 3, 3, 2]
    return [2] * ((numerator - 3) // 2) + [3]


def _subdivided(beat: float, unit: float) -> list[float]:
    """A beat in its natural parts: a dotted (compound or grouped) one in units, any other in halves."""
    units = round(beat / unit)
    if units >= 2:
        return [unit] * units
    return [beat / 2, beat / 2]


def _joined(beats: list[float]) -> list[float]:
    """Fewer beats: pairs where they pair up, the whole bar for one to three, twos and a three for five and seven."""
    count = len(beats)
    if count <= 3:
        return [sum(beats)]
    if count % 2 == 0:
        return [beats[index] + beats[index + 1] for index in range(0, count, 2)]
    if count % 3 == 0:
        return [sum(beats[index : index + 3]) for index in range(0, count, 3)]
    head = count - 3
    return [beats[index] + beats[index + 1] for index in range(0, head, 2)] + [sum(beats[head:])]


@dataclass(frozen=True, slots=True)
class BeatenMeasure:
    """A measure as played, and ``lengths``: those of all the beats of its full bar, in quarters.

    ``pickup`` tells that a measure shorter than its meter is the end of a bar and not its beginning.
    """

    start: float
    duration: float
    lengths: Sequence[float]
    pickup: bool


def conductor_beats(measures: Iterable[PlayedMeasure]) -> np.ndarray:
    """What a conductor beats in these measures (``lay_out_beats``)."""
    return lay_out_beats(
        BeatenMeasure(
            one.start,
            one.duration,
            bar_beats(one.numerator, one.denominator, one.quarter_bpm, one.groups, one.referent),
            one.pickup,
        )
        for one in measures
    )


def lay_out_beats(measures: Iterable[BeatenMeasure]) -> np.ndarray:
    """The beats of all measures (``score.BEAT_DTYPE``): in order, without gaps, covering the score exactly once.

    A beat that a repeat sign or a pickup cuts in two (an incomplete measure and its complement) is one beat. A score
    that opens within a beat, with an upbeat shorter than one, is given that whole beat: the first begins before the
    first measure, and its players come in off it (Rudolf, on starting after the count). Such an upbeat of a later
    section, after a complete bar, stays as short as it is: there score time has no room for the rest of its beat, and
    what is aligned to printed quarters (timings, takes) would be moved by any that were made.
    """
    rows: list[list[float]] = []
    open_length = 0.0  # how much of the last row's full beat is still to come, behind an incomplete measure
    for index, measure in enumerate(measures):
        lengths = measure.lengths
        first_number, spans = _spans(measure)
        if index == 0 and measure.pickup and spans:
            missing = spans[0][1] - spans[0][0]
            spans[0] = (spans[0][1], spans[0][1])
            measure = replace(measure, start=measure.start - missing)
        for place, (length, whole) in enumerate(spans):
            if place == 0 and rows and length < whole - _EPSILON and length <= open_length + _EPSILON:
                rows[-1][1] += length
                open_length -= length
                continue
            start = rows[-1][0] + rows[-1][1] if rows else measure.start
            number = first_number + place
            rows.append([start, length, index, number, max(len(lengths), first_number + len(spans) - 1)])
            open_length = 0.0 if measure.pickup and place == 0 else whole - length
    beats = np.zeros(len(rows), BEAT_DTYPE)
    for target, row in zip(beats, rows, strict=True):
        target["quarter"], target["duration_quarter"] = row[0], row[1]
        target["measure"], target["beat"], target["beats_in_measure"] = (int(value) for value in row[2:])
    return beats


def _spans(measure: BeatenMeasure) -> tuple[int, list[tuple[float, float]]]:
    """(number of the first beat, (length, full length) of each beat) of a measure that may be short or long."""
    duration, lengths = measure.duration, measure.lengths
    if measure.pickup and duration < sum(lengths) - _EPSILON:
        spans: list[tuple[float, float]] = []
        remaining = duration
        number = len(lengths) + 1
        while remaining > _EPSILON and number > 1:
            number -= 1
            length = min(lengths[number - 1], remaining)
            spans.insert(0, (length, lengths[number - 1]))
            remaining -= length
        return number, spans
    spans = []
    remaining = duration
    while remaining > _EPSILON:
        whole = lengths[len(spans)] if len(spans) < len(lengths) else lengths[-1]
        length = min(whole, remaining)
        if len(spans) >= len(lengths) and length < whole - _EPSILON and spans and remaining < whole / 2:
            # A measure a little longer than its meter: its last beat is longer.
            last, last_whole = spans[-1]
            spans[-1] = (last + length, last_whole)
        else:
            spans.append((length, whole))
        remaining -= length
    return 1, spans
