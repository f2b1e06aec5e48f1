"""Where the sustain pedal is down, from the signs that press and lift it."""

from collections.abc import Iterable
from typing import Literal

PedalSign = Literal["press", "lift", "change"]
"""``change`` lifts and presses at once."""


def pressed_spans(signs: Iterable[tuple[float, PedalSign]], end: float) -> list[tuple[float, float]]:
    """From when to when the pedal is down, in order; ``signs`` are (quarter, sign), in any order.

    A pedal that is pressed again without being lifted is changed; one that nobody lifts is down until ``end``.
    """
    spans: list[tuple[float, float]] = []
    since: float | None = None
    for quarter, sign in sorted(signs, key=lambda one: (one[0], one[1] == "press")):
        if since is not None and quarter > since:
            spans.append((since, quarter))
        since = None if sign == "lift" else quarter
    if since is not None and end > since:
        spans.append((since, end))
    return spans
