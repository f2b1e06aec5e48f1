"""Which candidates for an ictus are beats of the score: several accounts of the gesture, weighed against each other.

Each hypothesis is one account: it counts the beats, tracks the beat's time and period with a Kalman filter, and learns
this conductor's lag and stroke for each beat of the bar. A new candidate splits it into: the next beat; a rebound or
flourish; or the beat after next (one had no lowest point). Time, depth and shape of the stroke weigh them
(multiple-hypothesis tracking: D. Reid, "An algorithm for tracking multiple targets", IEEE Trans. AC 24, 1979).
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from .beat_lags import BeatLags
from .known_strokes import KnownStrokes
from .markings import Marks, Rebounds
from .meter_map import BeatKey, MeterMap
from .profile import ConductorProfile

LED_BEATS = 4
"""The first chord is with the hand (``engine.conducting.first_entry``); over so many beats the orchestra gets before
it: all at once, the first beat would be short."""
ICTUS_SD_S = 0.035
"""How far icti stray from the music after their usual lag is taken off."""
BEAT_SD_S = 0.020
PERIOD_SD = 0.07
"""Random walk of the beat and of the period (relative) from beat to beat."""
SHORTEST_PERIOD_S = 0.18
LONGEST_PERIOD_S = 2.5
FALSE_TURN = 1.0
"""Turns that are no beats, per beat: the tops of the strokes."""
DOWNWARD_TURN = -3.0
"""Log probability that a beat's turn leaves straight downwards rather than sideways."""
TEMPO_SD = 0.5
"""How far the tempo strays from what the mark and this conductor's ratio to marks let expect (logarithm)."""
HOLD, HOLD_AT_FERMATA = 0.03, 0.3
"""Probability that a beat is held;"""
HOLD_PERIODS = 2.0
"""for about so many periods, or (with a heavy tail) much longer."""
HELD_PERIODS = 1.8
"""A stroke this long tells nothing of how strokes go."""
SLOWED, RETURNS, RETURN_SD = 0.85, 0.3, 0.15
"""After held beats, a conductor who went slower than this part of the usual speed goes on at the usual one with this
probability, as far as the last beats were held; give or take so much (relative)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a beat: a lowest point of the hand (``rise`` None), or a turn elsewhere (its upward part, −1 to 1).

    ``stroke_m`` is the length of the stroke that led to it, ``clarity`` (0–1) how plain it was. One that is not
    ``seen`` was only read by the network; at one that ``stays`` the hand came to rest.
    """

    time_s: float
    stroke_m: float
    rise: float | None = None
    seen: bool = True
    clarity: float = 0.5
    stays: bool = False


@dataclass(slots=True)
class Hypothesis:
    """One account of the beats so far. ``beat_s`` is the music's time of beat ``index``, the lag taken off."""

    index: int
    ictus_s: float
    beat_s: float
    period_s: float
    variance: tuple[float, float, float]
    """Kalman covariance: beat, beat–period, period."""
    log_weight: float = 0.0
    icti: dict[int, float] = field(default_factory=dict)
    lags: BeatLags = field(default_factory=BeatLags)
    strokes: KnownStrokes = field(default_factory=KnownStrokes)
    marks: dict[BeatKey, Marks] = field(default_factory=dict)
    rebounds: Rebounds = field(default_factory=Rebounds)
    surprise: float = 0.0
    off_mark: float = 0.0
    """Logarithm of the conductor's usual period over the marked one."""
    holding: float = 0.0
    """How much the last beats were held, 0–1: one hold makes the next less of a surprise."""
    entered: int = -LED_BEATS
    """The beat that the first chord was."""
    drawn: bool = True
    """A hand that draws its beats is behind the music; one that taps is with it."""
    charged: float = 0.0
    """Log probability, already in ``log_weight``, that the next ictus did not come so far."""

    def lag_s(self, meter: MeterMap, index: int) -> float:
        """Lag of the ictus of a beat behind the music."""
        if not self.drawn:
            return 0.0
        led = min(1.0, (index - self.entered + 1) / LED_BEATS)
        return self.lags.lag_s(meter.key(index), self.period_s, led)

    def know(self, profile: ConductorProfile) -> None:
        """Start from what a profile tells of the conductor's lags, at the present period."""
        self.lags = BeatLags.of(profile, self.period_s)

    def profile(self, before: ConductorProfile) -> ConductorProfile:
        """``before`` with the lags and the size of stroke learned since."""
        lags = self.lags.in_profile(before.lags, self.period_s)
        return replace(before, lags=lags, stroke_m=self.strokes.usual_m or before.stroke_m)

    def forget_hand(self) -> None:
        """Another hand beats from now on: keep count and tempo, forget how the strokes looked and lagged."""
        self.lags = BeatLags()
        self.strokes.forget()
        self.marks.clear()

    def expected_ictus_s(self, meter: MeterMap, ahead: int = 1) -> float:
        """When the hand is expected at the ictus ``ahead`` beats on."""
        return self.beat_s + ahead * self.period_s + self.lag_s(meter, self.index + ahead)

    def expected_stroke_s(self, meter: MeterMap) -> float:
        """Expected time from the last ictus to the next."""
        least = max(SHORTEST_PERIOD_S, 0.4 * self.period_s)
        return max(least, self.expected_ictus_s(meter) - self.ictus_s)

    def ahead_variance(self, ahead: int = 1) -> float:
        """Variance of the predicted beat ``ahead`` beats on."""
        p, c, v = self.variance
        grown = v + ahead * (PERIOD_SD * self.period_s) ** 2
        return p + 2 * ahead * c + ahead * ahead * grown + ahead * BEAT_SD_S**2

    def branch(self) -> "Hypothesis":
        """A copy that can go its own way."""
        return replace(
            self,
            icti=dict(self.icti),
            lags=self.lags.copy(),
            strokes=self.strokes.copy(),
            marks=dict(self.marks),
        )

    # -- weighing a candidate ------------------------------------------------------------------------------

    def log_time(self, meter: MeterMap, time_s: float, ahead: int) -> float:
        """Log density of an ictus ``ahead`` beats on at ``time_s``: near its place, early, or late by a hold."""
        late_s = time_s - self.expected_ictus_s(meter, ahead)
        sd = math.sqrt(self.ahead_variance(ahead) + ICTUS_SD_S**2)
        core = 0.375 / sd * (1.0 + (late_s / sd) ** 2 / 5.0) ** -3
        hold = self.hold_rate(meter, self.index + ahead - 1)
        density = (1.0 - hold) * core
        if late_s > 0:
            reach = HOLD_PERIODS * self.period_s
            density += hold * (0.7 * math.exp(-late_s / reach) + 0.15 * (1.0 + late_s / reach) ** -1.5) / reach
        elif time_s - self.ictus_s > 0.2 * self.period_s:
            density += 0.015 / self.period_s
        usual_s = meter.marked_s(self.index) * math.exp(self.off_mark)
        if self.holding > 0.0 and usual_s < SLOWED * self.period_s:
            sd = RETURN_SD * usual_s * ahead
            early = (late_s + ahead * (self.period_s - usual_s)) / sd
            density += RETURNS * self.holding * 0.375 / sd * (1.0 + early**2 / 5.0) ** -3
        return math.log(density + 1e-9) - self.charged

    def hold_rate(self, meter: MeterMap, index: int) -> float:
        """Probability that beat ``index`` is held."""
        return max(HOLD + 0.4 * self.holding, HOLD_AT_FERMATA if meter.is_held(index) else 0.0)

    def log_to_come(self, meter: MeterMap, time_s: float) -> float:
        """Log probability that the next ictus is later than ``time_s``."""
        late_s = time_s - self.expected_ictus_s(meter)
        sd = math.sqrt(self.ahead_variance() + ICTUS_SD_S**2)
        hold = self.hold_rate(meter, self.index)
        held = 1.0
        if late_s > 0:
            reach = HOLD_PERIODS * self.period_s
            held = 0.7 * math.exp(-late_s / reach) + 0.3 * (1.0 + late_s / reach) ** -0.5
        return math.log((1.0 - hold) * 0.5 * math.erfc(late_s / sd / math.sqrt(2.0)) + hold * held)

    def log_marked(self, meter: MeterMap, candidate: Candidate, ahead: int) -> float:
        """Log probability that the beat ``ahead`` on is marked as ``candidate`` is."""
        marks = self.marks.get(meter.key(self.index + ahead), Marks())
        if candidate.rise is None:
            return marks.log_part(marks.lows)
        return marks.log_part(marks.turns) + DOWNWARD_TURN * max(0.0, -candidate.rise)

    def log_depth(self, meter: MeterMap, beat: Candidate, ahead: int) -> float:
        """Log density of the depth of the stroke to the beat ``ahead`` on."""
        return self.strokes.log_depth(meter.key(self.index + ahead), beat.stroke_m)

    def log_small(self, meter: MeterMap, beat: Candidate) -> float:
        """Where a fermata holds this beat, how unlikely it is that so small a stroke ends it."""
        if beat.rise is not None or not meter.is_held(self.index):
            return 0.0
        return self.strokes.log_small(meter.key(self.index + 1), beat.stroke_m)

    def log_shape(self, meter: MeterMap, path: np.ndarray, time_s: float, ahead: int) -> float:
        """Log likelihood (up to a constant) that the way since the last ictus is ``ahead`` whole strokes; 0: a part."""
        coming = meter.key(self.index + 1), meter.key(self.index + 2)
        return self.strokes.log_shape(coming, path, (self.ictus_s, time_s), ahead)

    # -- taking it in --------------------------------------------------------------------------------------

    def pass_over(self, meter: MeterMap, beat: Candidate) -> float:
        """Log likelihood of ``beat`` as a rebound, flourish or top; the real ictus is still to come."""
        to_come = self.log_to_come(meter, beat.time_s)
        if beat.rise is None:
            phase, depth = (beat.time_s - self.ictus_s) / self.period_s, self.strokes.depth(beat.stroke_m)
            rate = self.rebounds.rate(phase, depth)
            self.rebounds = self.rebounds.with_one(phase, depth)
        else:
            rate = FALSE_TURN
        weight = math.log(rate / self.period_s) + to_come - self.charged
        self.charged = to_come
        return weight

    def accept(self, meter: MeterMap, beat: Candidate, ahead: int, heed_mark: bool = False) -> None:
        """Count ``beat`` as the beat ``ahead`` on: Kalman step on beat and period.

        Where a new tempo begins, ``heed_mark`` takes the mark, at this conductor's usual ratio to marks.
        """
        for skipped in range(1, ahead + 1):
            key = meter.key(self.index + skipped)
            known = skipped == ahead
            self.marks[key] = self.marks.get(key, Marks()).with_one(
                low=known and beat.rise is None, turn=known and beat.rise is not None
            )
        for _ in range(ahead - 1):
            self._predict()
            self.index += 1
        predicted, p, c, v = self._predict()
        self.index += 1
        observed = beat.time_s - self.lag_s(meter, self.index)
        late_s = observed - predicted
        sd = math.sqrt(p + ICTUS_SD_S**2)
        self.surprise = 0.5 * self.surprise + late_s / sd
        if abs(self.surprise) > 1.8:
            widen = min(9.0, (self.surprise / 1.8) ** 2)
            p, c, v = p * widen, c * widen, v * widen
        gain, period_gain = p / (p + ICTUS_SD_S**2), c / (p + ICTUS_SD_S**2)
        big = late_s > 0.6 * self.period_s or late_s < -0.4 * self.period_s
        if big:
            gain = 1.0
            period_gain = 0.7 if late_s < 0 or self._steady(beat.time_s) else 0.0
        held = meter.is_held(self.index - 1) and late_s > 0.2 * self.period_s
        if held:
            gain, period_gain = 1.0, 0.0
        self.holding += 0.4 * (float(big and late_s > 0) - self.holding)
        self.beat_s = predicted + gain * late_s
        self._set_period(self.period_s + period_gain * late_s)
        if big and late_s > 0 and self.holding > 0.7 and not held:
            self._set_period(self._recent_period(beat.time_s))
        if big or held:
            self.variance = (ICTUS_SD_S**2, 0.0, (0.15 * self.period_s) ** 2)
        else:
            self.variance = (p - gain * p, c - gain * c, v - period_gain * c)
        if not big and not held:
            self.off_mark += 0.04 * (math.log(self.period_s / meter.marked_s(self.index - 1)) - self.off_mark)
        ratio = meter.ratio(self.index)
        if ratio != 1.0:
            self._set_period(self.period_s * ratio)
            self.variance = (self.variance[0], self.variance[1] * ratio, self.variance[2] * ratio**2)
        if meter.begins_tempo(self.index):
            if heed_mark:
                self._set_period(meter.marked_s(self.index) * math.exp(self.off_mark))
            self.variance = (self.variance[0], 0.0, (0.2 * self.period_s) ** 2)
        self.charged = 0.0
        self.rebounds = self.rebounds.with_beat()
        self.ictus_s = beat.time_s
        self.icti[self.index] = beat.time_s
        self.icti.pop(self.index - 24, None)
        if self.drawn:
            self.lags.learn(meter, self.icti, self.index)

    def log_tempo(self, meter: MeterMap) -> float:
        """Log probability (up to a constant) of the present period under the mark."""
        off = math.log(self.period_s / meter.marked_s(self.index)) - self.off_mark
        return -0.5 * min((off / TEMPO_SD) ** 2, 8.0)

    def _steady(self, ictus_s: float) -> bool:
        """Whether the last two intervals agree: a new tempo rather than a hold."""
        before = self.icti.get(self.index - 2)
        if before is None:
            return False
        last, now = self.ictus_s - before, ictus_s - self.ictus_s
        return now < 1.2 * LONGEST_PERIOD_S and abs(math.log(max(now, 1e-3) / max(last, 1e-3))) < 0.25

    def _recent_period(self, ictus_s: float) -> float:
        """Median of the last intervals: the period after so many holds in a row that they are the tempo."""
        known = [self.icti[index] for index in range(self.index - 3, self.index) if index in self.icti]
        median = float(np.median(np.diff([*known, ictus_s]))) if known else self.period_s
        return median if median < 1.2 * LONGEST_PERIOD_S else self.period_s

    def _predict(self) -> tuple[float, float, float, float]:
        """The next beat's time and the covariance there; advances ``beat_s``."""
        p, c, v = self.variance
        v_grown = v + (PERIOD_SD * self.period_s) ** 2
        self.variance = (p + 2 * c + v + BEAT_SD_S**2, c + v, v_grown)
        self.beat_s += self.period_s
        return (self.beat_s, *self.variance)

    def _set_period(self, period_s: float) -> None:
        self.period_s = min(max(period_s, SHORTEST_PERIOD_S), LONGEST_PERIOD_S)

    def learn_stroke(self, meter: MeterMap, path: np.ndarray, stroke_m: float) -> float | None:
        """Take the stroke that led to the last ictus into its template; returns its distance from what was known."""
        before_s = self.icti.get(self.index - 1)
        held = before_s is not None and self.ictus_s - before_s > HELD_PERIODS * self.period_s
        return self.strokes.learn(meter.key(self.index), path, (before_s, self.ictus_s), stroke_m, held)
