"""The conductor's beats of a score, laid out anew: when a take is beaten at another level than the score suggests."""

from dataclasses import replace

import numpy as np

from ..errors import TakeError
from ..notation.meter import BeatenMeasure, lay_out_beats
from ..score import Score


def regrid(score: Score, beats_per_bar: int) -> Score:
    """The score with its prevailing measure beaten in ``beats_per_bar``.

    Measures of another length get as many beats of the same length as fit best (at least one). A short measure holds
    the last beats of a full one where it opens the score or follows a short one, else the first.
    Raises ``TakeError`` if ``beats_per_bar`` is not between 1 and 16.
    """
    if not 1 <= beats_per_bar <= 16:
        raise TakeError(f"meter: {beats_per_bar} beats per bar; 1 to 16 can be beaten")
    measures = score.measures
    bars = 4.0 * measures["numerator"] / measures["denominator"]
    lengths, counts = np.unique(np.round(bars, 6), return_counts=True)
    unit = float(lengths[np.argmax(counts)]) / beats_per_bar
    laid_out: list[BeatenMeasure] = []
    for index, (measure, bar) in enumerate(zip(measures, bars, strict=True)):
        start, duration = float(measure["start_quarter"]), float(measure["duration_quarter"])
        bar = max(float(bar), duration)
        after_short = index > 0 and measures["duration_quarter"][index - 1] < bars[index - 1] - 1e-6
        beats = max(1, round(bar / unit))
        laid_out.append(BeatenMeasure(start, duration, [bar / beats] * beats, index == 0 or after_short))
    rows = lay_out_beats(laid_out)
    rows.flags.writeable = False
    return replace(score, beats=rows)


def prevailing_beats(score: Score) -> int:
    """How many beats most bars of the score have."""
    counts = np.bincount(score.beats["beats_in_measure"][score.beats["beat"] == 1].astype(int), minlength=1)
    return int(np.argmax(counts)) if counts.any() else int(score.beats["beats_in_measure"].max())


def beaten_as(score: Score, metadata: dict[str, str]) -> tuple[Score, int]:
    """What a take's metadata says of how it beats the score: the score on that grid, and its first beat's index.

    ``meter`` is the number of beats in a bar as beaten (``4``), or a time signature (``3/4``: its numerator). One that
    only restates the score's own signature, a compound one such as ``6/8``, and a number that the score's bars have
    anyway leave the score's beats. ``first_beat_quarter`` is where the first ictus after the preparatory beat falls;
    on the upbeat itself, where the score opens within a beat, the first beat is as short as that.
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
    begin = score.begin_quarter
    if not begin - 1e-6 <= quarter < score.end_quarter:
        raise TakeError(f"first_beat_quarter: {place} is outside of the score ({begin:g} to {score.end_quarter:g})")
    if begin < 0.0 and abs(quarter) < 1e-6:
        return _from_upbeat(score), 0
    return score, int(np.argmin(np.abs(score.beats["quarter"] - quarter)))


def _from_upbeat(score: Score) -> Score:
    """The score with a first beat as short as its upbeat."""
    rows = score.beats.copy()
    rows["duration_quarter"][0] += rows["quarter"][0]
    rows["quarter"][0] = 0.0
    rows.flags.writeable = False
    return replace(score, beats=rows)
