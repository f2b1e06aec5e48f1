"""Where the sustain pedal is down, from the signs that press and lift it."""

from collections.abc import Iterable
from itertools import groupby
from typing import Literal

PedalSign = Literal["press", "lift", "change"]
"""``change`` lifts and presses at once."""


def pressed_spans(signs: Iterable[tuple[float, PedalSign]], end: float) -> list[tuple[float, float]]:
    """From when to when the pedal is down, in order; ``signs`` are (quarter, sign), at one place as the file has them.

    A pedal that is pressed again without being lifted is changed, whether the lift at the same place is before or after
    in the file; one that is pressed and lifted at one place was up. One that nobody lifts is down until ``end``.
    """
    spans: list[tuple[float, float]] = []
    since: float | None = None
    for quarter, group in groupby(sorted(signs, key=lambda one: one[0]), key=lambda one: one[0]):
        here = [sign for _, sign in group]
        down = here[-1] != "lift" if since is None else any(sign != "lift" for sign in here)
        if since is not None:
            spans.append((since, quarter))
        since = quarter if down else None
    if since is not None and end > since:
        spans.append((since, end))
    return spans


def joined_spans(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans of several pedals, in order, as one pedal's: those that overlap are one; those that meet stay two."""
    joined: list[tuple[float, float]] = []
    for low, high in sorted(spans):
        if joined and low < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return joined
