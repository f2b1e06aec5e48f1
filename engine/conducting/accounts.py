"""Several accounts of which candidates were beats, weighed against each other at every candidate.

What the network read, how far it is believed, where in the bar the hand is, and time, depth and shape of the strokes
(``beat_hypotheses``) weigh them. The best account is what the orchestra follows.
"""

import math

import numpy as np

from .bar_place import BarPlace
from .beat_hypotheses import Candidate, Hypothesis
from .meter_map import MeterMap
from .profile import ConductorProfile
from .reading_trust import ReadingTrust
from .readings import BEATING_USUAL, Readings

MOST = 6
PRUNE_BELOW = -9.0
"""Accounts this far (natural logarithm) behind the best are given up."""
TEMPO_WORTH = 0.25
"""How much every beat's period under the mark counts: an account that lost the count at half the tempo gives way."""
LOG_HEEDED = 0.5
"""A new tempo mark is more likely taken than not."""
SHORTEST_BEAT_S = 0.11
SEEN_WORTH, SEEN_ALONE = 0.25, 1.0
"""How much marks, depths and shapes of strokes count beside what is read: they are no independent observations; and how
much where the hand cannot be read."""
BEATING_WORTH = 2.0
"""How much it counts that a hand is not read to beat."""
WAITING_WORTH, OVERDUE_PERIODS = 1.5, 0.5
"""An account that waits for a beat which is overdue by this many periods loses so much with every further period in
which the hand is read to beat on."""
STIRS_WORTH = 1.0
"""Under a fermata the hand stirs, and the network that reads it does not know of the fermata: a stroke much
smaller than usual ends it seldom."""
LOG_SILENT = -6.0
"""A beat that was not read at all."""
PASSED_S = 0.1
"""A slow turn is known seconds later. Where a beat was counted so long after it, it says nothing more: what was read of
it has been weighed, and the count does not go back by beats."""


class Accounts:
    """Accounts of one conductor's beats, the best one first. One thread."""

    def __init__(self, meter: MeterMap, profile: ConductorProfile) -> None:
        self._meter = meter
        self._profile = profile
        self._place = BarPlace(meter)
        self._all: list[Hypothesis] = []
        self._uncounted: Hypothesis | None = None
        """The best account as it was before its latest beat."""
        self._gap_until_s, self._gap_s = -math.inf, 0.0
        self._weighed_s = -math.inf
        self.spread = 1.0
        """How far this conductor's strokes are from their templates, in the mean."""

    def __bool__(self) -> bool:
        return bool(self._all)

    @property
    def best(self) -> Hypothesis:
        return self._all[0]

    @property
    def rivals(self) -> float:
        """Weight of the accounts that count otherwise than the best, relative to it."""
        return sum(math.exp(other.log_weight) for other in self._all if other.index != self.best.index)

    def begin(self, begun: Hypothesis, readings: Readings | None = None) -> None:
        """Start from the first beat. If it was read, it may not be the first that was given."""
        self._all = [begun]
        if readings is not None:
            self._place.read(readings, begun.ictus_s, begun.period_s)
            self._all = self._place.beginnings(begun)

    def lose_sight(self, until_s: float, gap_s: float) -> None:
        """The hand was not tracked for ``gap_s`` until then: beats may have been given meanwhile."""
        self._gap_until_s, self._gap_s = until_s, gap_s
        self._place.lose_sight()

    def uncount(self, since_s: float) -> bool:
        """What the hand did since then was no beat, whatever was counted. Whether the best account's latest beat is
        another one now."""
        if self.best.ictus_s <= since_s:
            self._all = [account for account in self._all if account.ictus_s <= since_s]
            return False
        known = [account for account in (*self._all, self._uncounted) if account and account.ictus_s <= since_s]
        if not known:
            return False
        self._all = known[:1]
        self.best.log_weight = 0.0
        return True

    def sighted(self, time_s: float, settled_s: float) -> bool:
        """Whether the hand was tracked then, and not just so long again."""
        return not self._gap_until_s - self._gap_s < time_s < self._gap_until_s + settled_s

    def change_hand(self, profile: ConductorProfile, drawn: bool) -> None:
        """Another hand beats from now on, of which ``profile`` tells; count and tempo go on."""
        self._profile = profile
        self._uncounted = None
        self._place.change_hand()
        self.spread = 1.0
        for account in self._all:
            account.forget_hand()
            account.drawn = drawn
            if drawn:
                account.know(profile)

    def weigh(self, ictus: Candidate, read: float, readings: Readings, trust: ReadingTrust, way: np.ndarray) -> bool:
        """Split every account on the new candidate, read with a probability, and keep the likely ones. Whether the best
        account's latest beat is another one now.

        ``way`` has rows ``time_s, x, y, z``.
        """
        before, drawn = self.best, self.best.drawn
        self._place.read(readings, ictus.time_s, before.period_s)
        part = trust.part if drawn else 1.0
        log_beating = (
            BEATING_WORTH * part * min(0.0, math.log(max(readings.beating(ictus.time_s), 0.01) / BEATING_USUAL))
        )
        believed = trust.probability(read) if drawn else read
        seen_worth = trust.blend(SEEN_WORTH, SEEN_ALONE)
        born: list[tuple[Hypothesis, bool]] = []
        for parent in self._all:
            recent = way[way[:, 0] >= parent.ictus_s - 0.06]
            if drawn:
                parent.log_weight -= WAITING_WORTH * part * self._waited(parent, ictus.time_s, readings)
            if ictus.time_s < parent.ictus_s - PASSED_S:
                born.append((parent.branch(), False))
                continue
            for ahead in self._choices(parent, ictus.time_s - parent.ictus_s):
                child = parent.branch()
                weight = math.log(believed if ahead else 1.0 - believed)
                if ahead:
                    weight += parent.log_time(self._meter, ictus.time_s, ahead)
                else:
                    weight += child.pass_over(self._meter, ictus)
                if parent.ictus_s >= self._gap_until_s:
                    weight += seen_worth * self._log_seen(parent, ictus, ahead, recent)
                    weight += LOG_SILENT * max(0, ahead - 1)
                if ahead and drawn:
                    weight += STIRS_WORTH * parent.log_small(self._meter, ictus)
                    weight += log_beating + part * self._place.log_place(parent.index + ahead)
                child.log_weight += weight
                if ahead:
                    born += [(account, True) for account in self._counted(child, parent, ictus, ahead)]
                else:
                    born.append((child, False))
        self._weighed_s = max(self._weighed_s, ictus.time_s)
        born.sort(key=lambda entry: -entry[0].log_weight)
        if drawn:
            trust.decided(read, born[0][1])
        self._keep(born, ictus, way)
        if self.best.ictus_s == before.ictus_s and self.best.index == before.index:
            return False
        if self.best.index > before.index:
            self._uncounted = before
        self._all = self._place.put_right(self._all, before, self._profile)
        return True

    def _waited(self, account: Hypothesis, until_s: float, readings: Readings) -> float:
        """For how many periods since the last candidate the hand beat on, as read, while this account's next beat was
        overdue."""
        due_s = account.expected_ictus_s(self._meter) + OVERDUE_PERIODS * account.period_s
        return readings.beating_s(max(due_s, self._weighed_s), until_s) / account.period_s

    def _counted(self, child: Hypothesis, parent: Hypothesis, ictus: Candidate, ahead: int) -> list[Hypothesis]:
        """The account with the beat; where a new tempo is marked, also one that takes the mark."""
        accounts = [child]
        if self._meter.begins_tempo(child.index + ahead):
            heeding = child.branch()
            heeding.accept(self._meter, ictus, ahead, heed_mark=True)
            heeding.log_weight += LOG_HEEDED
            accounts.insert(0, heeding)
        child.accept(self._meter, ictus, ahead)
        child.log_weight += TEMPO_WORTH * child.log_tempo(self._meter)
        child.log_weight += child.log_tempo(self._meter) - parent.log_tempo(self._meter)
        return accounts

    def _keep(self, born: list[tuple[Hypothesis, bool]], ictus: Candidate, way: np.ndarray) -> None:
        """The likely ones, of those that are the same the likeliest; they learn the stroke that they counted."""
        best = born[0][0].log_weight
        kept: list[Hypothesis] = []
        seen: set[tuple[int, float, float]] = set()
        for child, accepted in born:
            child.log_weight -= best
            account = (child.index, child.ictus_s, round(math.log(child.period_s), 1))
            if child.log_weight < PRUNE_BELOW or len(kept) == MOST or account in seen:
                continue
            seen.add(account)
            if accepted:
                distance = child.learn_stroke(self._meter, way, ictus.stroke_m)
                if distance is not None and not kept:
                    self.spread += 0.1 * (min(distance, 6.0) - self.spread)
            kept.append(child)
        self._all = kept

    def _log_seen(self, parent: Hypothesis, ictus: Candidate, ahead: int, way: np.ndarray) -> float:
        """Log likelihood of the candidate's mark, depth and way under an account."""
        weight = parent.log_shape(self._meter, way, ictus.time_s, ahead)
        if ahead:
            weight += parent.log_marked(self._meter, ictus, ahead)
        if ahead and ictus.rise is None:
            weight += parent.log_depth(self._meter, ictus, ahead)
        return weight

    def _choices(self, parent: Hypothesis, since_s: float) -> tuple[int, ...]:
        """How many beats on the ictus may be; after the last beat nothing is counted."""
        if parent.index >= self._meter.last:
            return (0,)
        if since_s < max(SHORTEST_BEAT_S, 0.12 * parent.period_s):
            return (0,)
        if parent.ictus_s < self._gap_until_s:
            passed = max(1, round(since_s / parent.period_s))
            unseen = 1 + math.ceil(self._gap_s / parent.period_s)
            fewest = max(2, min(passed - 1, unseen))  # the hand may have held besides
            return (0, 1, *range(fewest, min(passed + 1, unseen) + 1))
        return (0, 1, 2) if since_s > 1.4 * parent.period_s else (0, 1)
