"""What the network read of one hand in the last seconds (``engine.conducting.gesture_reader``)."""

import math
from collections import deque
from collections.abc import Iterator

import numpy as np

from ..types import Vector
from .gesture_features import FRAME_S
from .gesture_reader import KNOWN_AFTER_S, GestureReader, Reading

KEPT = 200
"""Readings kept: a slow turn is known seconds later."""
SPAN_S = 0.035
"""Readings this near a candidate are about it."""
ALONE = 0.1
"""An ictus that was only read, without a lowest point or turn, counts from this probability."""
BEATING_SPAN_S, BEATING_USUAL = 0.1, 0.7
"""A hand that is read to beat with this probability, about the ictus, beats."""
PLAINLY_BEATING, UNSURE = 0.9, 0.85
"""A hand that is read to beat with this probability plainly does; with less than this one, nothing is sure."""
ODDS = (0.0, 0.015, 0.03, 0.06, 0.11, 0.2, 0.32, 0.5, 0.8), (-5.0, -3.0, -2.0, -1.2, -0.5, 0.4, 1.1, 2.1, 3.6)
"""Highest readings, and the logarithm of the odds that there is an ictus within 80 ms: what was counted on virtual
conductors, and a little less, for people differ from them."""


class Readings:
    """Reads one hand, and remembers what it read. One thread."""

    def __init__(self, period_s: float, beats_in_bar: int) -> None:
        """``period_s`` is the marked period of the next beat, ``beats_in_bar`` how many its bar has."""
        self._reader = GestureReader(period_s, beats_in_bar)
        self._kept: deque[Reading] = deque(maxlen=KEPT)

    def __iter__(self) -> Iterator[Reading]:
        return iter(self._kept)

    @property
    def latest(self) -> Reading | None:
        return self._kept[-1] if self._kept else None

    @property
    def known_s(self) -> float:
        """Until when the hand was read."""
        return self._kept[-1].time_s if self._kept else -math.inf

    def tell(self, period_s: float, beats_in_bar: int) -> None:
        """The same of another beat, which is the next from now on."""
        self._reader.tell(period_s, beats_in_bar)

    def step(self, time_s: float, position_m: Vector) -> Iterator[tuple[float, float]]:
        """Read the next valid sample, later than the one before: icti that became known, with time and probability.

        Each is given as soon as it was read: what is remembered then goes no further.
        """
        for reading in self._reader.step(time_s, position_m):
            self._kept.append(reading)
            ictus = self._latest_ictus()
            if ictus is not None:
                yield ictus

    def _latest_ictus(self) -> tuple[float, float] | None:
        """An ictus at the reading before the latest, where what is read of it was highest."""
        if len(self._kept) < 3:
            return None
        before, middle, after = (self._kept[index].ictus for index in (-3, -2, -1))
        if not (middle > before and middle >= after and middle > ALONE):
            return None
        curve = before - 2.0 * middle + after
        at_s = self._kept[-2].time_s - KNOWN_AFTER_S
        return at_s + 0.5 * (before - after) / curve * (self._kept[-1].time_s - self._kept[-2].time_s), middle

    def highest(self, time_s: float, before_s: float = SPAN_S) -> float:
        """The most that was read of an ictus at this time, or so long before; nothing is known of times long past."""
        return max(
            (r.ictus for r in self._kept if -before_s <= r.time_s - KNOWN_AFTER_S - time_s <= SPAN_S), default=0.0
        )

    def beating(self, time_s: float, before_s: float = BEATING_SPAN_S) -> float:
        """Probability that the hand beats about then, as read."""
        near = [r.beating for r in self._kept if -before_s < r.time_s - time_s < BEATING_SPAN_S]
        return float(np.mean(near)) if near else BEATING_USUAL

    def beats_for_s(self, until_s: float) -> float:
        """How long until then the hand has plainly been beating; of a longer time no more is known than is kept."""
        since_s = until_s
        for reading in reversed(self._kept):
            if reading.time_s <= until_s:
                if reading.beating < PLAINLY_BEATING:
                    break
                since_s = reading.time_s
        return until_s - since_s

    def beating_s(self, since_s: float, until_s: float) -> float:
        """Time between, in seconds, in which the hand was beating, as far as that was plain."""
        plain = (r.beating - UNSURE for r in self._kept if since_s < r.time_s <= until_s)
        return FRAME_S / (1.0 - UNSURE) * sum(max(0.0, by) for by in plain)


def probability(highest: float, log_odds: float = 0.0) -> float:
    """Probability of an ictus by the highest reading near it, with so much more that speaks for it."""
    return 1.0 / (1.0 + math.exp(-float(np.interp(highest, *ODDS)) - log_odds))
