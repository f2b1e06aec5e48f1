"""The first entry: which movement is the preparatory beat, and when the first ictus will be.

Before the music hands do much: they talk, turn pages, scratch, begin and think better of it. A preparatory beat comes
out of rest, goes up and falls again to where it came from, in about the time that the tempo mark lets expect, and the
hand leaves the ictus at once. Its fall announces the ictus, so that the orchestra can begin with it. A conductor who
was not understood goes on beating: a few even strokes are a beginning, too.
"""

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise

from ..types import Beat, Vector
from .gesture import GestureSample

REST_S = 0.25
"""A hand that was still for this long may begin."""
LEAST_RISE_M = 0.02
OFF_MARK = math.log(2.1)
"""How far (logarithm) a preparatory beat may be from the marked tempo;"""
OFF_MARK_ANNOUNCED = math.log(1.7)
"""and to be trusted before its ictus was seen."""
OFF_MARK_PURE = math.log(3.6)
"""A pure movement may be as far as this from a mark: scores give marks for other notes than are beaten."""
CALM_M = 0.04
"""Less than this is sway: the hand may begin as if it had rested."""
SHORTEST_S = 0.1
PROMPT_OF_PERIOD, PROMPT_S = 0.3, 0.08
"""The hand leaves the ictus within this time."""
DIP_RISE_OF_FALL = 0.4
"""A preparatory beat with an ictus of its own: the hand has hardly risen before it."""
ANNOUNCED_FALL = 0.55
"""The fall is believed from this part of its way."""
SLOW_FALL = 1.7
"""A hand that takes this many times longer to fall than it took to rise is put down."""
HISTORY = 500
EVEN_STROKES = 4
EVENNESS = 0.18
EVEN_ASIDE = 1.6
EVEN_LEAST_S, EVEN_LEAST_M = 0.35, 0.03
"""Who scratches is even, too, but faster."""


@dataclass(frozen=True, slots=True)
class Purity:
    """Bounds of a movement that is a preparatory beat: its fall relative to its rise, how far the ictus may be from
    where the hand came from and how far the hand may go aside (parts of the rise, and metres besides)."""

    fall: tuple[float, float]
    away: float
    aside: float
    besides_m: float

    def holds(self, rise_m: float, fall_m: float, away_m: float, aside_m: float) -> bool:
        return (
            rise_m > LEAST_RISE_M
            and self.fall[0] < fall_m / rise_m < self.fall[1]
            and away_m < self.away * rise_m + self.besides_m
            and aside_m < self.aside * rise_m + self.besides_m
        )


PLAIN = Purity((0.85, 1.9), 0.3, 1.15, 0.028)
PURE = Purity((0.85, 1.7), 0.2, 0.4, 0.028)
"""Of the virtual conductors' preparatory beats PLAIN takes in 95 of 100, and few other movements."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The first beat: its ictus, and when the preparatory beat began; ``lifted`` out of rest, or beaten."""

    prepared_s: float
    ictus_s: float
    lifted: bool


class Preparation:
    """Waits for the preparatory beat. Causal; one thread. ``marked_s`` is the marked period of the first beat."""

    def __init__(self, marked_s: float) -> None:
        self._marked_s = marked_s
        self._rested = False
        self._lifted = False
        self._origin_s = -math.inf
        self._origin: Vector = (0.0, 0.0, 0.0)
        self._top_m = self._top_s = 0.0
        self._low: Vector = (0.0, 0.0, 0.0)
        self._sideways_m = 0.0
        self._heights: deque[tuple[float, float]] = deque(maxlen=HISTORY)
        self._lows: list[tuple[float, float]] = []
        self.begun_s: float | None = None
        """When the preparatory beat that is under way began."""
        self.announced_s: float | None = None
        """When the first ictus will be, once the fall of the preparatory beat tells."""

    def step(self, sample: GestureSample) -> None:
        """Take the next place of the hand."""
        if sample.gap_s:
            self._rested = False
        if sample.still_s >= REST_S:
            self._start(sample.time_s, sample.position_m, rested=True, lifted=True)
            self.begun_s = None
            return
        x, y, z = sample.position_m
        self._heights.append((sample.time_s, y))
        if y > self._top_m:
            self._top_m, self._top_s, self._low = y, sample.time_s, sample.position_m
        elif y < self._low[1]:
            self._low = sample.position_m
        self._sideways_m = max(self._sideways_m, math.hypot(x - self._origin[0], z - self._origin[2]))
        rise = self._top_m - self._origin[1]
        if self._rested and self._lifted and rise > max(LEAST_RISE_M, 6.0 * sample.noise_m):
            self.begun_s = self._origin_s
        self.announced_s = self._announced(sample, rise)

    def ictus(self, beat: Beat) -> Entry | None:
        """Take a lowest point; the entry, if it was the first beat."""
        fall, rise = self._top_m - self._low[1], self._top_m - self._origin[1]
        began_s = self._began_s(beat.time_s, rise)
        length = beat.time_s - began_s
        if beat.time_s - self._origin_s < SHORTEST_S:
            return None
        period_s = max(self._marked_s, 0.5 * length)
        prompt = beat.detected_s - beat.time_s < PROMPT_S + PROMPT_OF_PERIOD * period_s
        off_mark = abs(math.log(max(length, 1e-3) / self._marked_s))
        if self._rested and prompt and self._prepares(off_mark, rise, fall):
            return Entry(began_s, beat.time_s, self._lifted)
        if self._rested and length < 0.4 * self._marked_s and fall < 0.4 * rise:
            return None
        even = self._even(beat) if self._sideways_m < EVEN_ASIDE * rise + PLAIN.besides_m else None
        if even is not None:
            return even
        if max(rise, fall) < CALM_M:
            self._start(beat.time_s, self._low, rested=self._rested, lifted=self._lifted)
            return None
        dips = self._rested and self._lifted and prompt and rise < DIP_RISE_OF_FALL * fall
        self._start(beat.time_s, self._low, rested=dips, lifted=False)
        self.begun_s = beat.time_s if dips else None
        return None

    def _start(self, time_s: float, place: Vector, *, rested: bool, lifted: bool) -> None:
        self._rested, self._lifted = rested, lifted
        self._origin_s, self._origin, self._low = time_s, place, place
        self._top_m, self._top_s, self._sideways_m = place[1], time_s, 0.0
        self._heights.clear()
        self.announced_s = None

    def _began_s(self, ictus_s: float, rise: float) -> float:
        """When the hand left upwards: bodies sway before, and the rest may have ended long ago.

        The last moment at a tenth of the rise is a tenth of the beat too late for a hand that swings.
        """
        if not self._lifted:
            return self._origin_s
        left = self._origin_s
        for time_s, height_m in self._heights:
            if time_s >= self._top_s:
                break
            if height_m <= self._origin[1] + 0.1 * rise:
                left = time_s
        return max(self._origin_s, ictus_s - (ictus_s - left) / 0.9)

    def _prepares(self, off_mark: float, rise: float, fall: float) -> bool:
        """Whether the movement up and down was a preparatory beat."""
        away = math.dist(self._low, self._origin)
        if off_mark < OFF_MARK and PLAIN.holds(rise, fall, away, self._sideways_m):
            return True
        return off_mark < OFF_MARK_PURE and PURE.holds(rise, fall, away, self._sideways_m)

    def _announced(self, sample: GestureSample, rise: float) -> float | None:
        """When the ictus will be: the rest of the fall, as if the hand swung down."""
        if self.begun_s is None or rise < LEAST_RISE_M:
            return None
        fallen = (self._top_m - sample.position_m[1]) / rise
        since_top = sample.time_s - self._top_s
        if fallen < ANNOUNCED_FALL or since_top < 0.03 or not PLAIN.holds(rise, rise, 0.0, self._sideways_m):
            return None
        if fallen >= 1.0:
            return self.announced_s
        swung = math.acos(1.0 - 2.0 * fallen) / math.pi
        ictus_s = self._top_s + since_top / swung
        self.begun_s = began_s = self._began_s(ictus_s, rise)
        length = ictus_s - began_s
        if abs(math.log(length / self._marked_s)) > OFF_MARK_ANNOUNCED:
            return None
        if ictus_s - self._top_s > SLOW_FALL * max(self._top_s - began_s, 0.25 * length):
            return None
        return ictus_s

    def _even(self, beat: Beat) -> Entry | None:
        """The last of several even strokes, near the marked tempo, by a conductor who goes on without rest."""
        self._lows = [*self._lows[-EVEN_STROKES:], (beat.time_s, beat.stroke_m)]
        if len(self._lows) <= EVEN_STROKES:
            return None
        times, strokes = zip(*self._lows, strict=True)
        steps = [later - earlier for earlier, later in pairwise(times)]
        middle = sorted(steps)[len(steps) // 2]
        if max(abs(math.log(max(step, 1e-3) / middle)) for step in steps) > EVENNESS:
            return None
        if not max(EVEN_LEAST_S, 0.6 * self._marked_s) < middle < 3.6 * self._marked_s:
            return None
        if min(strokes) < max(0.4 * max(strokes), EVEN_LEAST_M):
            return None
        return Entry(times[-2], beat.time_s, False)
