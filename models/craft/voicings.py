"""Four-part voicings of a sonority under a melody note, and what it costs to go from some to others, all at once.

The costs are those of ``rules`` as arrays over pairs of voicings, so that a search can look at all of them (a test
holds the two together). To them come what a harmony course adds: doubling, inversions, the resolution of leading note
and seventh, economy of motion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
import numpy.typing as npt

from .charges import LEAP_SEVERITIES, PITCHES
from .scales import Scale
from .sonorities import Sonority

VOICES = 4
Ranges = tuple[tuple[int, int], ...]
Costs = npt.NDArray[np.float64]
Pitches = npt.NDArray[np.int64]

WIDEST_UPPER, WIDEST_LOWER = 12, 24
MOST_VOICINGS = 28
"""Voicings of one sonority that are looked at; the others cost more by themselves."""
_THIRD_DOUBLED, _FIFTH_LEFT_OUT, _LEADING_DOUBLED, _SEVENTH_DOUBLED = 0.5, 0.35, 4.0, 4.0
_BASS_MOTION = np.array([0.35, 0.0, 0.0, 0.2, 0.2, 0.1, 0.6, 0.15, 0.6, 0.6, 0.8, 0.8, 0.3])
"""What the bass's interval costs, unison to octave: steps come first, then fourths and fifths."""
_MOTION = 0.09
"""What a semitone of motion costs in an inner voice."""
_UNRESOLVED_LEADING, _UNRESOLVED_SEVENTH = 1.5, 2.0
_LEADING_FALLS_INSIDE = 1.2
"""How much of that an inner voice is forgiven which falls a third to complete the chord."""
_OVERLAP = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Voicings:
    """Ways to set sonorities: ``pitches`` (voicings, 4), highest first, what each ``cost``s by itself, and which
    ``sonority`` (an index) it sets."""

    pitches: Pitches
    cost: Costs
    sonority: Pitches

    def only(self, chosen: npt.NDArray[np.bool_] | Pitches) -> "Voicings":
        return Voicings(self.pitches[chosen], self.cost[chosen], self.sonority[chosen])

    def under(self, soprano: int) -> "Voicings":
        """The same lower voices with the melody gone on to another note."""
        pitches = self.pitches.copy()
        pitches[:, 0] = soprano
        return Voicings(pitches, self.cost, self.sonority)


@cache
def voicings(sonority: Sonority, soprano: int, ranges: Ranges) -> tuple[Pitches, Costs]:
    """Every sensible setting under ``soprano`` with the lower voices in ``ranges`` (three of them), without crossing
    and wide gaps: pitches (voicings, 4) and what each costs, the cheapest first; empty where there is none."""
    alto, tenor, bass = (
        np.array([pitch for pitch in range(low, high + 1) if pitch % 12 in sonority.members], np.int64)
        for low, high in ranges
    )
    a, t, b = (grid.ravel() for grid in np.meshgrid(alto, tenor, bass, indexing="ij"))
    fits = (a <= soprano) & (soprano - a <= WIDEST_UPPER) & (t <= a) & (a - t <= WIDEST_UPPER)
    fits &= (b <= t) & (t - b <= WIDEST_LOWER)
    pitches = np.stack([np.full(len(a), soprano, np.int64), a, t, b], axis=1)[fits]
    classes = pitches % 12
    count = {member: (classes == member).sum(axis=1) for member in sonority.members}
    whole = np.ones(len(pitches), bool)
    for member in sonority.needed:
        whole &= count[member] > 0
    cost = _setting_cost(sonority, classes, count)
    cost += 0.03 * np.maximum(0, pitches[:, 0] - pitches[:, 2] - 14)  # a wide upper structure
    cost += 0.3 * (pitches[:, 0] == pitches[:, 1]) + 0.15 * (pitches[:, 1] == pitches[:, 2])
    cost += 0.5 * (pitches[:, 2] == pitches[:, 3])
    pitches, cost = pitches[whole], cost[whole]
    order = np.argsort(cost, kind="stable")[:MOST_VOICINGS]
    return pitches[order], cost[order]


def _setting_cost(sonority: Sonority, classes: Pitches, count: Mapping[int, npt.NDArray[np.int64]]) -> Costs:
    """What doubling, leaving out and the bass note cost."""
    cost = np.full(len(classes), sonority.cost)
    members, bass = sonority.members, classes[:, 3]
    if sonority.third is not None:
        cost += _THIRD_DOUBLED * np.maximum(0, count[members[1]] - 1) * (not sonority.dissonant)
    if len(members) > 2:
        cost += _FIFTH_LEFT_OUT * (count[members[2]] == 0)
    if sonority.leading is not None:
        cost += _LEADING_DOUBLED * np.maximum(0, count[sonority.leading] - 1)
    if sonority.seventh is not None:
        cost += _SEVENTH_DOUBLED * np.maximum(0, count[sonority.seventh] - 1)
    place = np.select([bass == member for member in members], list(range(len(members))), 0)
    by_place = (0.6, -0.3, 1.0, 0.6) if sonority.dissonant else (0.0, 0.35, 1.8, 0.7)
    inversion: Costs = cost + np.array(by_place)[place]
    return inversion


def moves(
    before: Voicings, after: Voicings, stock: Sequence[Sonority], weights: Mapping[str, float], scale: Scale | None
) -> Costs:
    """What it costs to go from each voicing to each: (before, after). ``stock`` has the sonorities they index,
    ``weights`` are a ``RuleSet``'s, and ``scale`` is one whose directions lines must keep."""
    was, now = before.pitches[:, None, :], after.pitches[None, :, :]
    interval = now[:, :, 1:] - was[:, :, 1:]
    size = np.abs(interval)
    cost: Costs = weights.get("melodic-leap", 0.0) * LEAP_SEVERITIES[PITCHES - 1 + interval].sum(axis=2)
    cost += _MOTION * size[:, :, :2].sum(axis=2)
    cost += _BASS_MOTION[np.minimum(size[:, :, 2], 12)]
    cost += rule_moves(was, now, weights)
    # Overlap: a voice passes where its neighbour just was.
    cost += _OVERLAP * ((now[:, :, 1:] > was[:, :, :-1]) | (now[:, :, :-1] < was[:, :, 1:])).sum(axis=2)
    cost += _resolutions(before, after, stock, interval)
    strangers = weights.get("out-of-scale", 0.0)
    if scale is not None and strangers:
        up, down = _outside(scale.ascending), _outside(scale.descending)
        classes = np.broadcast_to(now[:, :, 1:] % 12, interval.shape)
        out = np.where(interval > 0, up[classes], down[classes]) * (interval != 0)
        cost += strangers * out.sum(axis=2)
    return cost


def rule_moves(was: Pitches, now: Pitches, weights: Mapping[str, float]) -> Costs:
    """Parallel fifths and octaves and hidden ones, as ``rules`` charges them, between (…, 4) pitches."""
    cost = np.zeros(np.broadcast_shapes(was.shape, now.shape)[:-1])
    for upper, lower in combinations(range(VOICES), 2):
        rises, rises_too = np.sign(now[..., upper] - was[..., upper]), np.sign(now[..., lower] - was[..., lower])
        similar = (rises == rises_too) & (rises != 0)
        if not similar.any():
            continue
        first, second = was[..., upper] - was[..., lower], now[..., upper] - now[..., lower]
        uncrossed = similar & (first >= 0) & (second >= 0)
        for name, kind in (("parallel-fifths", 7), ("parallel-octaves", 0)):
            cost += weights.get(name, 0.0) * (uncrossed & (first % 12 == kind) & (second % 12 == kind))
        if (upper, lower) == (0, VOICES - 1):
            leap = uncrossed & (np.abs(now[..., upper] - was[..., upper]) > 2)
            hidden = sum((leap & (second % 12 == kind) & (first % 12 != kind)).astype(float) for kind in (0, 7))
            cost += weights.get("hidden-fifths-octaves", 0.0) * hidden
    return cost


def _resolutions(before: Voicings, after: Voicings, stock: Sequence[Sonority], interval: Pitches) -> Costs:
    """Leading notes rise where their goal comes, and sevenths fall or stay."""
    absent = -1
    leading = np.array([absent if s.leading is None else s.leading for s in stock])[before.sonority]
    goal = np.array([absent if s.goal is None else s.goal for s in stock])[before.sonority]
    seventh = np.array([absent if s.seventh is None else s.seventh for s in stock])[before.sonority]
    arrives = goal[:, None] == np.array([s.root for s in stock])[after.sonority][None, :]
    classes = before.pitches[:, None, 1:] % 12
    left = (classes == leading[:, None, None]) & arrives[:, :, None] & (interval != 1)
    cost: Costs = _UNRESOLVED_LEADING * left.sum(axis=2)
    cost -= _LEADING_FALLS_INSIDE * (left[:, :, :2] & (interval[:, :, :2] == -4)).sum(axis=2)
    falls = (interval <= 0) & (interval >= -2)
    cost += _UNRESOLVED_SEVENTH * ((classes == seventh[:, None, None]) & ~falls).sum(axis=2)
    return cost


@cache
def _outside(pitch_classes: frozenset[int]) -> Costs:
    return np.array([0.0 if pitch in pitch_classes else 1.0 for pitch in range(12)])
