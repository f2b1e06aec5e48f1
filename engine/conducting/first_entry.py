"""The first entry: from a resting or fidgeting hand to the first beat and its tempo.

The preparatory beat announces the first ictus (``engine.conducting.gesture_reader`` reads it while the hand falls), so
that the first chord sounds with it and not when it is known. What begins is decided by how probable the ictus is, by
whether the hand rested before, and, for who never rests, by icti that come evenly.
"""

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from ..types import Beat, TempoEstimate
from .beat_hypotheses import ICTUS_SD_S, Hypothesis
from .gesture import GestureSample
from .gesture_reader import Reading
from .ictus import REST_S
from .meter_map import MeterMap
from .profile import ConductorProfile

MARK_SD = 0.30
"""How far a conductor's first tempo strays from the mark (logarithm)."""
FIRST_SD = 0.20
"""How far the second ictus, as it is expected with the first, strays from the tempo (logarithm)."""
ENTERS, ENTERS_SEEN, ENTERS_RESTLESS = 0.26, 0.2, 0.65
"""An ictus at least this probable is the first beat: of a hand that rested before, with a lowest point as well, and
of a hand that did not rest."""
SEEN_WITHIN_S = 0.06
"""A lowest point or turn at an ictus that was read is seen by so much later."""
EVEN_ICTI, EVENNESS, EVEN_PLAIN = 4, 0.18, 0.3
EVEN_LEAST_S, EVEN_PERIODS = 0.35, (0.6, 3.6)
"""So many even icti are a beginning, too, by a conductor who goes on without rest: at this distance at least, and in
parts of the marked period. Who scratches is even, but faster."""
EVEN_LOWS, LOWS_EVENNESS, LOWS_PERIODS, LOWS_ALIKE, LOWS_LEAST_M = 5, 0.35, (0.6, 1.7), 0.35, 0.03
"""So many even lowest points are a beginning even if no ictus is read, of a hand that the network does not know (the
beats of a bar are early and late by a third of the beat): at this distance in parts of the marked period, the shortest
stroke at least this part of the longest, and so long;"""
LOWS_BEATING, LOWS_SPAN_S = 0.02, 1.5
"""unless it was read to do other things over this time. Who scratches may be even, too."""
GOING_ON_PERIODS, GOING_ON_MOST_S, GOING_ON_LEAST = 2.0, 3.5, 0.12
"""Who has plainly been beating for so many marked periods (no more than this time) goes on: then an ictus begins that
is at least this probable, however weakly their icti are read."""
REST_PERIODS = 4.0
"""A rest (``REST_S``) counts for so many marked periods."""
BEATING_POWER = 14.0
"""How much it counts whether the hand is read to beat at all: fidgets have icti, too, but seldom read so plainly."""
PREPARES, ANNOUNCES, PREPARED_S = 0.15, 0.9, 0.3
"""A preparatory beat is under way, or its ictus sure, once an ictus within ``PREPARED_S`` is this probable."""
ANNOUNCES_BEATING = 0.97
"""And the hand is read to beat with this probability."""
ANNOUNCED = 0.6
"""Confidence in a first beat that the preparatory beat announces."""
EXPECTED_WITHIN_S, NEXT_WITHIN_S = 0.5, 2.6
"""The first ictus, and the second one, are expected within this time when they are asked for."""
DUE_GAIN, DECIDED_S = 0.4, 0.07
"""Weight of a new reading in the time of the first ictus; so long before, it is decided."""
LEAD_S = 0.04
"""The first chord is meant for this long before the ictus as it is seen: hands are behind the music, devices behind the
hand."""
LEAST_STROKE_M = 0.02
SHORTEST_S, LONGEST_S = 0.2, 3.0
"""Bounds of the first period."""


class FirstEntry:
    """Waits for the first beat, ``start_beat`` of the score. One thread."""

    def __init__(self, meter: MeterMap, start_beat: int, profile: ConductorProfile) -> None:
        self._meter = meter
        self._start = start_beat
        self._profile = profile
        self._marked_s = meter.marked_s(start_beat)
        self._rest_s = -math.inf
        self._icti: deque[float] = deque(maxlen=EVEN_ICTI)
        self._lows: deque[Beat] = deque(maxlen=EVEN_LOWS)
        self._latest_s = -math.inf
        self._due_s: float | None = None
        self._sure = False

    def look(self, sample: GestureSample) -> None:
        """Take the next sample: whether the hand rests."""
        if sample.still_s >= REST_S:
            self._rest_s = sample.time_s

    def begins(self, ictus_s: float, ictus: float, beating: float, beats_for_s: float, low_s: float) -> bool:
        """Whether what was read is the first beat: probabilities of an ictus then, and of the hand's beating.

        ``beats_for_s`` is for how long the hand has plainly been beating, ``low_s`` its latest lowest point.
        """
        plain = ictus * beating**BEATING_POWER
        since_s, self._latest_s = ictus_s - self._latest_s, ictus_s
        if since_s < EVEN_LEAST_S and not self._rested(ictus_s):
            return False
        if plain > EVEN_PLAIN:
            self._icti.append(ictus_s)
        if beats_for_s > min(GOING_ON_PERIODS * self._marked_s, GOING_ON_MOST_S) and plain > GOING_ON_LEAST:
            return True
        return plain > self._enough(ictus_s, low_s) or (plain > EVEN_PLAIN and self._even())

    def beaten(self, low: Beat, beating: float) -> float | None:
        """Take a lowest point: the beat period of a hand that plainly beats without being read; None of any other.

        ``beating`` is the probability of the hand's beating over the last ``LOWS_SPAN_S``.
        """
        self._lows.append(low)
        if len(self._lows) < EVEN_LOWS or beating < LOWS_BEATING:
            return None
        strokes_m = [low.stroke_m for low in self._lows]
        alike = min(strokes_m) > max(LOWS_LEAST_M, LOWS_ALIKE * max(strokes_m))
        step_s = _even_step([low.time_s for low in self._lows], LOWS_EVENNESS)
        least_s, most_s = (part * self._marked_s for part in LOWS_PERIODS)
        return step_s if step_s is not None and alike and max(EVEN_LEAST_S, least_s) < step_s < most_s else None

    def tapped(self, tap_s: float) -> float | None:
        """Take a tap: the first one prepares, the next is the first beat. How long after the preparing one it came;
        None where it prepares itself."""
        since_s, self._latest_s = tap_s - self._latest_s, tap_s
        return since_s if SHORTEST_S <= since_s <= LONGEST_S else None

    def beginning(self, ictus_s: float, length_s: float, way: np.ndarray, drawn: bool = True) -> Hypothesis:
        """The account that starts with the first beat at ``ictus_s``.

        Its period is what the next ictus is expected after (``length_s``), weighed against the mark. ``way`` has rows
        ``time_s, x, y, z``; ``drawn`` False: it was tapped.
        """
        unknown = (ICTUS_SD_S**2, 0.0, 0.0)
        begun = Hypothesis(self._start, ictus_s, ictus_s, self._marked_s, unknown, entered=self._start, drawn=drawn)
        begun.know(self._profile)
        begun.period_s = self._first_period_s(begun, length_s)
        begun.know(self._profile)
        begun.off_mark = 0.8 * math.log(begun.period_s / self._marked_s)
        begun.beat_s = ictus_s - begun.lag_s(self._meter, self._start)
        begun.variance = (ICTUS_SD_S**2, 0.0, (0.16 * begun.period_s) ** 2)
        begun.icti = {self._start: ictus_s}
        stroke = way[way[:, 0] > ictus_s - self._marked_s, 1:]
        begun.strokes.usual_m = max(LEAST_STROKE_M, float(np.ptp(stroke, axis=0).max()) if len(stroke) else 0.0)
        return begun

    def prepared(self, sample: GestureSample, reading: Reading | None) -> TempoEstimate | None:
        """What the preparatory beat tells before its ictus; None while there is none.

        When the ictus is near, it is decided when: what is read in the last moment, when it may be past, only tells
        whether it comes.
        """
        if reading is None:
            return None
        now_s, soon = reading.time_s, reading.soon(PREPARED_S)
        decided = self._due_s is not None and -DECIDED_S < now_s - self._due_s < PREPARED_S
        if not decided:
            if soon < PREPARES:
                self._due_s = None
                return None
            expected_s = reading.expected_s(EXPECTED_WITHIN_S) - LEAD_S
            self._due_s = expected_s if self._due_s is None else self._due_s + DUE_GAIN * (expected_s - self._due_s)
        assert self._due_s is not None
        self._sure = (decided and self._sure) or (soon > ANNOUNCES and reading.beating > ANNOUNCES_BEATING)
        confidence = ANNOUNCED if self._sure and self._rested(now_s) else 0.1
        marked_s = self._marked_s
        return TempoEstimate(sample.known_s, self._start - 1, self._due_s - marked_s, marked_s, self._due_s, confidence)

    def _enough(self, at_s: float, low_s: float) -> float:
        """How probable an ictus must be as read to be the first beat."""
        if not self._rested(at_s):
            return ENTERS_RESTLESS
        return ENTERS_SEEN if abs(at_s - low_s) < SEEN_WITHIN_S else ENTERS

    def _rested(self, time_s: float) -> bool:
        """Whether the hand was at rest not long ago: what moves now may be a preparatory beat."""
        return time_s - self._rest_s < REST_PERIODS * self._marked_s

    def _even(self) -> bool:
        """Whether the last icti that were read come evenly, near the marked tempo."""
        if len(self._icti) < EVEN_ICTI:
            return False
        step_s = _even_step(self._icti, EVENNESS)
        least_s, most_s = (part * self._marked_s for part in EVEN_PERIODS)
        return step_s is not None and max(EVEN_LEAST_S, least_s) < step_s < most_s

    def _first_period_s(self, account: Hypothesis, length_s: float) -> float:
        following = min(self._start + 1, self._meter.last)
        lags_s = account.lag_s(self._meter, following) - account.lag_s(self._meter, self._start)
        weight = MARK_SD**2 / (MARK_SD**2 + FIRST_SD**2)
        period = math.exp(weight * math.log(max(length_s - lags_s, 0.2)) + (1.0 - weight) * math.log(self._marked_s))
        return min(max(period, SHORTEST_S), LONGEST_S)


def _even_step(times_s: Sequence[float], evenness: float) -> float | None:
    """The median step between times that come evenly; None between others."""
    steps = np.diff(times_s)
    if steps.min() <= 0.0:
        return None
    middle = float(np.median(steps))
    return middle if bool(np.abs(np.log(steps / middle)).max() < evenness) else None
