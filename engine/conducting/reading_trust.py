"""How far what is read of a hand is believed: the network may not know hands of this kind.

It has learned from virtual conductors. A hand that is like none of them is read badly, which shows: plain strokes come
on time, and no ictus is read there; or accounts that the strokes bear out go against what was read. The less it is
believed, the more the strokes count themselves.
"""

import math

BELIEVED = 2.0
"""Logarithm of the odds that a hand is one that the network can read, before anything is known of it."""
KEPT, MOST = 0.95, 4.0
"""What was seen of it fades by this factor with every candidate, and never counts for more than this."""
UNREAD = -2.0
"""A plain stroke that ends on time and was not read at all."""
CONTRADICTED = -0.7
"""A candidate that was weighed against what was read counts for no more than this."""
EVEN_CHANCE = 0.4
"""Probability that a candidate is an ictus, if nothing can be read of it."""


class ReadingTrust:
    """Whether one hand can be read. One thread."""

    def __init__(self) -> None:
        self._log_odds = BELIEVED

    @property
    def part(self) -> float:
        """Probability that the network can read this hand."""
        return 1.0 / (1.0 + math.exp(-self._log_odds))

    @property
    def believed(self) -> bool:
        """Whether it more likely can than not."""
        return self._log_odds > 0.0

    def probability(self, read: float) -> float:
        """Probability of an ictus that was read with the probability ``read``."""
        return self.part * read + (1.0 - self.part) * EVEN_CHANCE

    def blend(self, readable: float, unreadable: float) -> float:
        """Between a value for hands that can be read and one for others."""
        return unreadable + self.part * (readable - unreadable)

    def unread(self) -> None:
        """A plain stroke ended on time, and no ictus was read."""
        self._take(UNREAD)

    def decided(self, read: float, beat: bool) -> None:
        """A candidate read with the probability ``read`` was taken for a beat, or not."""
        if beat:
            self._take(max(CONTRADICTED, math.log(2.0 * read)))

    def _take(self, evidence: float) -> None:
        faded = BELIEVED + KEPT * (self._log_odds - BELIEVED) + evidence
        self._log_odds = min(max(faded, -MOST), MOST)
