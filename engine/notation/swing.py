"""Swing: pairs of eighths (or sixteenths) that are written even and played long and short."""

import bisect
from collections.abc import Sequence
from dataclasses import replace

from .written import WrittenMeasure, WrittenNote, WrittenSwing

_EPSILON = 1e-4


def swung(
    notes: Sequence[WrittenNote], swings: Sequence[WrittenSwing], measures: Sequence[WrittenMeasure]
) -> list[WrittenNote]:
    """``notes`` (in order of print) as they are played under ``swings``, which are in order of time.

    What divides the pair by two, four or eight moves with it; triplets and other tuplets stay as they are, and so do
    compound meters and bars that are no whole number of pairs.
    """
    quarters = [swing.quarter for swing in swings]
    result = []
    for written in notes:
        index = bisect.bisect_right(quarters, written.onset + _EPSILON) - 1
        measure = measures[written.measure]
        pair = 2.0 * swings[index].unit_quarters if index >= 0 else 0.0
        if not pair or swings[index].share == 0.5 or not _swings(measure, pair):
            result.append(written)
            continue
        # An upbeat lies at the end of its bar.
        anchor = measure.start + measure.duration
        onset = _moved(written.onset - anchor, pair, swings[index].share) + anchor
        end = _moved(written.onset + written.duration - anchor, pair, swings[index].share) + anchor
        if written.duration and end - onset < _EPSILON:
            end = onset + written.duration
        result.append(replace(written, onset=onset, duration=end - onset if written.duration else 0.0))
    return result


def _swings(measure: WrittenMeasure, pair: float) -> bool:
    if measure.denominator >= 8 and measure.numerator % 3 == 0:
        return False
    bar = 4.0 * measure.numerator / measure.denominator
    return abs(bar / pair - round(bar / pair)) < _EPSILON


def _moved(place: float, pair: float, share: float) -> float:
    """Where a place is played, in quarters from a beat on which a pair begins."""
    first = place // pair * pair
    within = (place - first) / pair
    if abs(within * 8 - round(within * 8)) > 8 * _EPSILON:
        return place
    if within <= 0.5:
        return first + within * 2.0 * share * pair
    return first + (share + (within - 0.5) * 2.0 * (1.0 - share)) * pair
