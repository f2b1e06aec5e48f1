"""Where in the bar the hand is, as it is read: what tells that a beat was missed, or one counted too many.

The network that reads gesture sees which beat of the bar comes next (``engine.conducting.gesture_reader``). That weighs
the accounts of the beats at every beat, and when the bar has plainly gone on without the count, the count follows it.
"""

import math
from collections import deque
from collections.abc import Iterable

import numpy as np

from .beat_hypotheses import Hypothesis
from .gesture_features import METERS
from .gesture_reader import Reading
from .meter_map import BeatKey, MeterMap
from .profile import ConductorProfile

WORTH, DOUBT = 1.0, 0.015
"""How many independent observations the beat of the bar, as read, counts as at each beat; it may be wrong so often."""
HABIT_BARS, HABIT_KEPT, HABIT_DELAY = 4.0, 0.97, 3
"""Some hands are read a beat off throughout, or as if two beats were one. What was read at a beat of the bar as it was
counted tells so; what is usual counts as much as so many bars of it, and what was seen fades by this factor a bar. The
last so many beats do not tell yet: they may have been counted wrongly."""
PART, LEAST_S, AT_ICTUS_S = 0.35, 0.12, 0.03
"""It is read before the ictus, over this part of a period or this time, and not when it is too near."""
LOG_MISSED = -5.0
"""The first beat went by unseen, and this is the next. One reading of the place does not say so, two do: where a piece
begins with an upbeat, a downbeat is expected all the same."""
MISSED_AT_MOST = 2
SLIPS, SLIP_KEPT, LOG_SLIP = (-1, 1), 0.8, 5.0
"""The count is off by one once this much more (logarithm) speaks for it than against: what was read over the last
beats, each of which counts less than the one after it by this factor,"""
LOG_FADES = 0.6
"""and how likely an account that counted so was when there last was one, by so much less with every beat since; after a
gap of the tracking any is. Some hands are read a beat off for bars, though there was nothing at which the count could
have been lost."""


class BarPlace:
    """What was last read of the place in the bar, against a score. One thread."""

    def __init__(self, meter: MeterMap) -> None:
        self._meter = meter
        self._places: np.ndarray | None = None
        self._beats_in_bar = 0
        self._habits: dict[BeatKey, np.ndarray] = {}
        """Sum of what was read at each beat of the bar, as it was counted."""
        self._latest: deque[tuple[BeatKey, np.ndarray]] = deque()
        """The same of the last beats, one by one."""
        self._forget()

    def read(self, readings: Iterable[Reading], time_s: float, period_s: float) -> None:
        """Take what was read before an ictus at this time."""
        begin_s = time_s - max(LEAST_S, PART * period_s)
        read = [r for r in readings if begin_s < r.time_s < time_s - AT_ICTUS_S]
        self._beats_in_bar = read[-1].beats_in_bar if read else 0
        told = [r.beat for r in read if r.beats_in_bar == self._beats_in_bar]
        self._places = np.mean(told, axis=0) if told else None

    def lose_sight(self) -> None:
        """The hand was not tracked for a while: the count is in doubt."""
        self._rivals = dict.fromkeys(SLIPS, 0.0)

    def change_hand(self) -> None:
        """Another hand beats from now on, of which nothing is known."""
        self._habits.clear()
        self._latest.clear()
        self._slips = dict.fromkeys(SLIPS, 0.0)

    def _forget(self) -> None:
        """Nothing speaks against the count."""
        self._slips = dict.fromkeys(SLIPS, 0.0)
        self._rivals = dict.fromkeys(SLIPS, -math.inf)

    def log_place(self, index: int) -> float:
        """Log likelihood of what was read if the ictus is this beat, against one that says nothing."""
        count, beat = key = self._meter.key(index)
        read = self._read_in(count)
        if read is None:
            return 0.0
        likely = np.full(count, DOUBT)
        likely[beat] += 1.0
        likely *= HABIT_BARS / likely.sum()
        if key in self._habits:
            likely += self._habits[key]
        return WORTH * math.log(count * float(read @ likely) / float(likely.sum()))

    def _read_in(self, count: int) -> np.ndarray | None:
        """Probability of each beat of a bar of ``count``, as read; None where such a bar was not read."""
        if self._places is None or count != self._beats_in_bar or not 1 < count <= METERS:
            return None
        inside = self._places[:count]
        return np.asarray(inside / inside.sum())

    def _learn(self, index: int) -> None:
        """What was read was read at this beat."""
        key = self._meter.key(index)
        read = self._read_in(key[0])
        if read is not None:
            self._latest.append((key, read))
        if len(self._latest) > HABIT_DELAY:
            key, read = self._latest.popleft()
            self._habits[key] = read + HABIT_KEPT * self._habits.get(key, np.zeros(key[0]))

    def beginnings(self, begun: Hypothesis) -> list[Hypothesis]:
        """Accounts that start with the first beat that was read: it may not be the first that was given."""
        accounts = [begun]
        for missed in range(1, MISSED_AT_MOST + 1):
            if begun.index + missed < self._meter.last and self._meter.key(begun.index)[0] > missed:
                account = begun.branch()
                _shift(account, missed)
                account.log_weight = LOG_MISSED * missed + self.log_place(account.index) - self.log_place(begun.index)
                accounts.append(account)
        accounts.sort(key=lambda account: -account.log_weight)
        best = accounts[0].log_weight
        for account in accounts:
            account.log_weight -= best
        return accounts

    def put_right(self, accounts: list[Hypothesis], before: Hypothesis, profile: ConductorProfile) -> list[Hypothesis]:
        """The accounts after the best one counted a beat (``before``: the best one till then), led by one whose count
        agrees with the bar if the best one's plainly does not."""
        best = accounts[0]
        for slip in SLIPS:
            alive = [account.log_weight for account in accounts if account.index == best.index + slip]
            self._rivals[slip] = max([self._rivals[slip] - LOG_FADES, *alive])
        if best.index != before.index + 1:
            self._slips = dict.fromkeys(SLIPS, 0.0)
            return accounts
        here = self.log_place(best.index)
        for slip in SLIPS:
            comparable = self._meter.key(best.index + slip)[0] == self._meter.key(best.index)[0]
            gain = self.log_place(best.index + slip) - here if comparable else 0.0
            self._slips[slip] = SLIP_KEPT * self._slips[slip] + gain
        self._learn(best.index)
        slip = max(SLIPS, key=lambda slip: self._slips[slip] + self._rivals[slip])
        if self._slips[slip] + self._rivals[slip] < LOG_SLIP or not 0 <= best.index + slip < self._meter.last:
            return accounts
        self._forget()
        self._latest.clear()
        righted = best.branch()
        _shift(righted, slip)
        righted.forget_hand()
        righted.know(profile)
        for account in accounts:
            account.log_weight -= LOG_SLIP
        righted.log_weight = 0.0
        return [righted, *accounts[:-1]]


def _shift(account: Hypothesis, by: int) -> None:
    """Count every beat of the account as one ``by`` later."""
    account.index += by
    account.icti = {index + by: ictus_s for index, ictus_s in account.icti.items()}
