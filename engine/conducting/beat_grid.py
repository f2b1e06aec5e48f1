"""The conductor's beats of a score, laid out anew: when a take is beaten at another level than the score suggests."""

from dataclasses import replace

import numpy as np

from ..errors import TakeError
from ..score import BEAT_DTYPE, Score


def measure_beats(
    start_quarter: float, duration_quarter: float, bar_quarter: float, beats: int, index: int, at_end: bool
) -> list[tuple[float, float, int, int, int]]:
    """Rows of ``BEAT_DTYPE`` for one measure that is beaten in ``beats`` when it is full (``bar_quarter`` long).

    A short measure holds the last beats of a full one if ``at_end`` (a pickup), else the first. A short measure that
    ends or starts within a beat has a beat of that length.
    """
    unit = bar_quarter / beats
    offset = max(0.0, bar_quarter - duration_quarter) if at_end else 0.0
    rows = []
    place = offset
    end = offset + duration_quarter
    while place < end - 1e-6:
        number = int((place + 1e-6) // unit)
        stop = min((number + 1) * unit, end)
        beat = min(number, beats - 1) + 1
        rows.append((start_quarter + place - offset, stop - place, index, beat, beats))
        place = stop
    return rows


def regrid(score: Score, beats_per_bar: int) -> Score:
    """The score with its prevailing measure beaten in ``beats_per_bar``.

    Measures of another length get as many beats of the same length as fit best (at least one).
    Raises ``TakeError`` if ``beats_per_bar`` is not between 1 and 16.
    """
    if not 1 <= beats_per_bar <= 16:
        raise TakeError(f"meter: {beats_per_bar} beats per bar; 1 to 16 can be beaten")
    measures = score.measures
    bars = 4.0 * measures["numerator"] / measures["denominator"]
    lengths, counts = np.unique(np.round(bars, 6), return_counts=True)
    unit = float(lengths[np.argmax(counts)]) / beats_per_bar
    rows: list[tuple[float, float, int, int, int]] = []
    for index, (measure, bar) in enumerate(zip(measures, bars, strict=True)):
        duration = float(measure["duration_quarter"])
        bar = max(float(bar), duration)
        short = duration < bar - 1e-6
        after_short = index > 0 and measures["duration_quarter"][index - 1] < bars[index - 1] - 1e-6
        beats = max(1, round(bar / unit))
        rows += measure_beats(
            float(measure["start_quarter"]), duration, bar, beats, index, short and (index == 0 or after_short)
        )
    beats_array = np.array(rows, dtype=BEAT_DTYPE)
    beats_array.flags.writeable = False
    return replace(score, beats=beats_array)


def prevailing_beats(score: Score) -> int:
    """How many beats most bars of the score have."""
    counts = np.bincount(score.beats["beats_in_measure"][score.beats["beat"] == 1].astype(int), minlength=1)
    return int(np.argmax(counts)) if counts.any() else int(score.beats["beats_in_measure"].max())


def beaten_as(score: Score, metadata: dict[str, str]) -> tuple[Score, int]:
    """What a take's metadata says of how it beats the score: the score on that grid, and its first beat's index.

    ``meter`` is the number of beats in a bar as beaten (``4``), or a time signature (``3/4``: its numerator). One that
    only restates the score's own signature, a compound one such as ``6/8``, and a number that the score's bars have
    anyway leave the score's beats. ``first_beat_quarter`` is where the first ictus after the preparatory beat falls.
    Raises ``TakeError`` where they make no sense.
    """
    meter = metadata.get("meter", "").strip()
    if meter:
        numerator, separator, denominator = meter.partition("/")
        try:
            beats, unit = int(numerator), int(denominator) if separator else 4
        except ValueError:
            raise TakeError(f"meter: {meter!r} is neither a number of beats nor a time signature") from None
        compound = separator and unit >= 8 and beats > 3 and beats % 3 == 0
        restated = (
            separator and ((score.measures["numerator"] == beats) & (score.measures["denominator"] == unit)).any()
        )
        first_bar = int(score.beats["beats_in_measure"][0])
        if not compound and not restated and beats not in (prevailing_beats(score), first_bar):
            score = regrid(score, beats)
    place = metadata.get("first_beat_quarter", "").strip()
    if not place:
        return score, 0
    try:
        quarter = float(place)
    except ValueError:
        raise TakeError(f"first_beat_quarter: {place!r} is not a number") from None
    if not -1e-6 <= quarter < score.end_quarter:
        raise TakeError(f"first_beat_quarter: {place} is outside of the score (0 to {score.end_quarter:g})")
    return score, int(np.argmin(np.abs(score.beats["quarter"] - quarter)))
