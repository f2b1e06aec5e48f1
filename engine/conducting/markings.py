"""How one conductor marks beats, as learned: by lowest points, turns or nothing; and where false icti fall."""

import math
from dataclasses import dataclass

FALSE_ICTUS = 0.05
"""Probability of a rebound or flourish taken for an ictus, per beat."""
HELD_PHASE, TREMBLING = 1.25, 8.0
"""A hand that holds beyond this phase trembles and sways: so many times more shallow lowest points."""
REBOUND_BINS = 12
REBOUND_PRIOR_BEATS, REBOUND_MEMORY = 4.0, 0.95
DIVISIONS = ((0.5, 0.02), (1 / 3, 0.004), (2 / 3, 0.004))
"""Phases at which a subdivided beat has icti of its own, and how often it is begun to be subdivided, per beat."""


@dataclass(frozen=True, slots=True)
class Marks:
    """How often one beat of the bar was marked by a lowest point, by a turn, and not at all."""

    lows: float = 2.0
    turns: float = 0.16
    silent: float = 0.006

    def with_one(self, low: bool, turn: bool) -> "Marks":
        """One beat more; old ones fade."""
        old = 0.93
        return Marks(
            old * self.lows + low + 0.05, old * self.turns + turn + 0.01, old * self.silent + (not low and not turn)
        )

    def log_part(self, count: float) -> float:
        return math.log(max(count, 1e-4) / (self.lows + self.turns + self.silent))


@dataclass(frozen=True, slots=True)
class Rebounds:
    """Where in the beat this conductor's false icti are, and how deep: a rebound that comes every time is none.

    Before anything is learned they are few and shallow; or they divide the beat evenly, because the conductor
    subdivides it.
    """

    beats: float = 0.0
    counts: tuple[float, ...] = (0.0,) * REBOUND_BINS
    log_depth: float = math.log(0.12)

    def rate(self, phase: float, log_depth: float) -> float:
        """Density per beat and per logarithm of the depth, at a phase of the beat."""
        shallow = _normal(log_depth, math.log(0.12), 0.6)
        usual = FALSE_ICTUS * shallow * (1.0 if phase < HELD_PHASE else TREMBLING)
        for part, share in DIVISIONS:
            usual += share * _normal(phase, part, 0.05) * _normal(log_depth, math.log(0.6), 0.6)
        place = phase * REBOUND_BINS - 0.5
        near = sum(
            count * max(0.0, 1.0 - abs(place - index) / 1.5) / 1.5
            for index, count in enumerate(self.counts)
            if count and abs(place - index) < 1.5
        )
        learned = REBOUND_BINS * near * _normal(log_depth, self.log_depth, 0.6)
        return (REBOUND_PRIOR_BEATS * (usual + 1e-4) + learned) / (REBOUND_PRIOR_BEATS + self.beats)

    def with_one(self, phase: float, log_depth: float) -> "Rebounds":
        """One more false ictus."""
        index = int(phase * REBOUND_BINS)
        if not 0 <= index < REBOUND_BINS:
            return self
        counts = tuple(count + (place == index) for place, count in enumerate(self.counts))
        total = sum(counts)
        return Rebounds(self.beats, counts, self.log_depth + (log_depth - self.log_depth) / min(total, 12.0))

    def with_beat(self) -> "Rebounds":
        """One more beat; old rebounds fade."""
        return Rebounds(
            REBOUND_MEMORY * self.beats + 1.0,
            tuple(REBOUND_MEMORY * count for count in self.counts),
            self.log_depth,
        )


def _normal(value: float, mean: float, sd: float) -> float:
    return 0.399 / sd * math.exp(-0.5 * ((value - mean) / sd) ** 2)
