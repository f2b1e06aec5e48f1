"""Which candidates for an ictus are beats of the score: several accounts of the gesture, weighed against each other.

Each hypothesis is one account: it counts the beats, tracks the beat's time and period with a Kalman filter, and learns
this conductor's lag and stroke for each beat of the bar. A new candidate splits it into: the next beat; a rebound or
flourish; or the beat after next (one had no lowest point). Time, depth and shape of the stroke weigh them
(multiple-hypothesis tracking: D. Reid, "An algorithm for tracking multiple targets", IEEE Trans. AC 24, 1979).
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from .markings import Marks, Rebounds
from .meter_map import BeatKey, MeterMap
from .profile import LONGEST_LAG, MOST_BARS, BeatLag, ConductorProfile
from .strokes import TEMPLATE_BINS, along, resample, shape_distance, spread_learned

LAG_PRIOR_PERIODS = {"first": 0.1, "last": -0.1}
"""Expected lag of the first and last beat of a bar against the bar's mean, in beat periods: two thirds of what was
measured on a conductor (first late, last early); individual lags are soon learned."""
BAR_LAG_PERIODS = 0.12
"""Lag of a bar's icti behind the music in the mean, in beat periods: four fifths of what was measured. Gesture alone
does not tell it, and an anchor in what is learned (the bar's least late beat, say) drifts while it is learned."""
LED_BEATS = 4
"""The first chord is with the hand (``engine.conducting.first_entry``); over so many beats the orchestra gets before
it: all at once, the first beat would be short."""
LAG_PRIOR_SD_S = 0.045
UNEVEN = 0.025
"""How far what is learned of a lag is off (in beat periods), however often it was seen: music that is played unevenly
within every bar looks like a lag of the hand."""
LAG_MEMORY = 24
LONGEST_LAG_PERIOD_S = 0.9
"""Lags grow with the beat period up to this one."""
PROFILE_BARS = 8.0
"""A profile's lags count as learned over at most so many bars: today may be different."""
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
SLOWED, RETURNS, RETURN_SD = 0.85, 0.3, 0.15
"""After held beats, a conductor who went slower than this part of the usual speed goes on at the usual one with this
probability, as far as the last beats were held; give or take so much (relative)."""
SHAPE_WORTH = 1.5
"""How many independent observations the comparison of a stroke with its template counts as."""

UNKNOWN_SHAPE = 2.5
"""Distance from a template not yet learned: between that of the same stroke (about 1) and of another (above 5)."""


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
class Lag:
    """Learned lag of one beat of the bar against the mean of the bar around it, in seconds."""

    count: float
    mean_s: float
    variance_s2: float


@dataclass(frozen=True, slots=True)
class StrokeTemplate:
    """The learned stroke to one beat of the bar: in even steps of time (None while it was only ever held), and of
    its length (``length_m``). ``spread_m2`` is how much strokes differ from ``timed`` at each step, in the mean of
    squares; None until two are known."""

    count: int
    timed: np.ndarray | None
    shape: np.ndarray
    length_m: float
    spread_m2: np.ndarray | None = None


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
    lags: dict[BeatKey, Lag] = field(default_factory=dict)
    strokes: dict[BeatKey, StrokeTemplate] = field(default_factory=dict)
    depths: dict[BeatKey, float] = field(default_factory=dict)
    marks: dict[BeatKey, Marks] = field(default_factory=dict)
    rebounds: Rebounds = field(default_factory=Rebounds)
    stroke_m: float = 0.0
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

    @property
    def _lag_period_s(self) -> float:
        """The period in parts of which lags are told."""
        return min(self.period_s, LONGEST_LAG_PERIOD_S)

    def lag_s(self, meter: MeterMap, index: int) -> float:
        """Lag of the ictus of a beat behind the music."""
        if not self.drawn:
            return 0.0
        led = min(1.0, (index - self.entered + 1) / LED_BEATS)
        return led * BAR_LAG_PERIODS * self._lag_period_s + self.relative_lag_s(meter, index)

    def relative_lag_s(self, meter: MeterMap, index: int) -> float:
        """Lag against the bar's mean: learned, shrunk towards the prior as long as little is known."""
        count, beat = key = meter.key(index)
        prior = 0.0
        if count > 1:
            part = LAG_PRIOR_PERIODS["first"] if beat == 0 else LAG_PRIOR_PERIODS["last"] if beat == count - 1 else 0.0
            prior = part * self._lag_period_s
        lag = self.lags.get(key)
        if lag is None:
            return prior
        uneven_s = UNEVEN * self._lag_period_s
        doubt = (max(lag.variance_s2, 0.015**2) + lag.count * uneven_s**2) / LAG_PRIOR_SD_S**2
        return (doubt * prior + lag.count * lag.mean_s) / (doubt + lag.count)

    def know(self, profile: ConductorProfile) -> None:
        """Start from what a profile tells of the conductor's lags, at the present period."""
        for (count, beat), lag in profile.lags.items():
            period = self._lag_period_s
            known = min(lag.bars, PROFILE_BARS)
            self.lags[count, beat - 1] = Lag(known, lag.mean * period, max(lag.sd * period, 0.01) ** 2)

    def profile(self, before: ConductorProfile) -> ConductorProfile:
        """``before`` with the lags and the size of stroke learned since."""
        period = self._lag_period_s
        lags = dict(before.lags)
        for (count, beat), lag in self.lags.items():
            mean = min(max(lag.mean_s / period, -LONGEST_LAG), LONGEST_LAG)
            sd = min(math.sqrt(lag.variance_s2) / period, LONGEST_LAG)
            lags[count, beat + 1] = BeatLag(mean, sd, min(lag.count, MOST_BARS))
        return replace(before, lags=lags, stroke_m=self.stroke_m or before.stroke_m)

    def forget_hand(self) -> None:
        """Another hand beats from now on: keep count and tempo, forget how the strokes looked and lagged."""
        for learned in (self.lags, self.strokes, self.depths, self.marks):
            learned.clear()

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

    def template(self, meter: MeterMap, index: int) -> StrokeTemplate | None:
        """The learned stroke that leads to beat ``index``."""
        return self.strokes.get(meter.key(index))

    def branch(self) -> "Hypothesis":
        """A copy that can go its own way."""
        return replace(
            self,
            icti=dict(self.icti),
            lags=dict(self.lags),
            strokes=dict(self.strokes),
            depths=dict(self.depths),
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

    def _log_depth(self, beat: Candidate) -> float:
        return math.log(max(beat.stroke_m / max(self.stroke_m, 1e-3), 0.01))

    def log_depth(self, meter: MeterMap, beat: Candidate, ahead: int) -> float:
        """Log density of the depth of the stroke to the beat ``ahead`` on."""
        if self.stroke_m <= 0.0:
            return 0.0
        depth = self._log_depth(beat)
        known = self.depths.get(meter.key(self.index + ahead))
        middle, sd = (known, 0.35) if known is not None else (math.log(0.8), 0.6)
        return -0.5 * min(((depth - middle) / sd) ** 2, 18.0) - math.log(sd)

    def log_shape(self, meter: MeterMap, path: np.ndarray, time_s: float, ahead: int) -> float:
        """Log likelihood (up to a constant) that the way since the last ictus is ``ahead`` whole strokes; 0: a part."""
        first = self.template(meter, self.index + 1)
        way = None if first is None else along(path, self.ictus_s, time_s, self.stroke_m)
        if first is None or way is None:
            return -0.5 * SHAPE_WORTH * UNKNOWN_SHAPE
        shape, length_m = way
        if ahead == 1:
            likeness = first.shape
        elif ahead == 0:
            part = length_m / first.length_m
            if part > 0.85:
                return -0.5 * SHAPE_WORTH * 6.0
            likeness = _at_phases(first.shape, np.linspace(0.0, part, TEMPLATE_BINS + 1))
        else:
            second = self.template(meter, self.index + 2)
            if second is None:
                return -2.0
            both = np.concatenate([first.shape, second.shape[:, 1:]], axis=1)
            lengths = np.concatenate(
                [
                    np.linspace(0.0, first.length_m, TEMPLATE_BINS + 1),
                    first.length_m + np.linspace(0.0, second.length_m, TEMPLATE_BINS + 1)[1:],
                ]
            )
            even = np.linspace(0.0, lengths[-1], TEMPLATE_BINS + 1)
            likeness = np.stack([np.interp(even, lengths, row) for row in both])
        return -0.5 * SHAPE_WORTH * min(shape_distance(shape, likeness, self.stroke_m), 8.0)

    # -- taking it in --------------------------------------------------------------------------------------

    def pass_over(self, meter: MeterMap, beat: Candidate) -> float:
        """Log likelihood of ``beat`` as a rebound, flourish or top; the real ictus is still to come."""
        to_come = self.log_to_come(meter, beat.time_s)
        if beat.rise is None:
            phase, depth = (beat.time_s - self.ictus_s) / self.period_s, self._log_depth(beat)
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
        self._learn_lag(meter)

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

    def _learn_lag(self, meter: MeterMap) -> None:
        """Lag of the ictus in the middle of the last bar's length, against the mean of the icti around it."""
        count, _ = meter.key(self.index)
        if count < 2 or not self.drawn:
            return
        half = count // 2
        centre = self.index - half
        window = [self.icti.get(index) for index in range(centre - half, centre + half + 1)]
        if any(time is None for time in window) or meter.key(centre)[0] != count:
            return
        times = np.array(window, dtype=float)
        places = np.array([meter.place(index) for index in range(centre - half, centre + half + 1)])
        steps = np.diff(times) / np.diff(places)
        if steps.max() > 3.0 * steps.min():
            return
        weights = np.ones(len(times))
        if count % 2 == 0:
            weights[[0, -1]] = 0.5
        slope = (times[-1] - times[0]) / (places[-1] - places[0])
        mean = np.average(times - slope * (places - places[half]), weights=weights)
        off = float(np.clip(times[half] - mean, -0.3, 0.3))
        old = self.lags.get(meter.key(centre), Lag(0.0, 0.0, 0.06**2))
        n = min(LAG_MEMORY, old.count + 1.0)
        variance = old.variance_s2 + ((off - old.mean_s) ** 2 - old.variance_s2) / (n + 2.0) if old.count else 0.06**2
        self.lags[meter.key(centre)] = Lag(n, old.mean_s + (off - old.mean_s) / n, variance)

    def learn_stroke(self, meter: MeterMap, path: np.ndarray, stroke_m: float) -> float | None:
        """Take the stroke that led to the last ictus into its template; returns its distance from what was known."""
        before = self.icti.get(self.index - 1)
        gain = 0.2 if self.stroke_m else 1.0
        self.stroke_m += gain * (min(stroke_m, 1.5) - self.stroke_m)
        key = meter.key(self.index)
        depth = math.log(max(stroke_m / max(self.stroke_m, 1e-3), 0.05))
        self.depths[key] = self.depths.get(key, depth) + 0.3 * (depth - self.depths.get(key, depth))
        way = None if before is None else along(path, before, self.ictus_s, self.stroke_m)
        if before is None or way is None:
            return None
        held = self.ictus_s - before > 1.8 * self.period_s
        timed = None if held else resample(path, before, self.ictus_s)
        shape, length_m = way
        old = self.strokes.get(key)
        if old is None:
            self.strokes[key] = StrokeTemplate(1, timed, shape, length_m)
            return None
        distance = shape_distance(shape, old.shape, self.stroke_m)
        gain = 1.0 / min(old.count + 1, 12) / max(1.0, distance / 2.0)
        usual, spread_m2 = old.timed, old.spread_m2
        if timed is not None and usual is not None:
            spread_m2 = spread_learned(spread_m2, timed - usual)
        self.strokes[key] = StrokeTemplate(
            old.count + 1,
            usual if timed is None else timed if usual is None else usual + gain * (timed - usual),
            old.shape + gain * (shape - old.shape),
            old.length_m + gain * (length_m - old.length_m),
            spread_m2,
        )
        return None if timed is None or usual is None else shape_distance(timed, usual, self.stroke_m)


def _at_phases(template: np.ndarray, phases: np.ndarray) -> np.ndarray:
    even = np.linspace(0.0, 1.0, template.shape[1])
    return np.stack([np.interp(phases, even, row) for row in template])


def joined(first: np.ndarray, second: np.ndarray | None) -> np.ndarray:
    """Two templates (or their spreads) in a row, shape ``(3, 2 * TEMPLATE_BINS + 1)``; the first twice where the second
    is unknown."""
    second = first if second is None else second
    assert first.shape[1] == TEMPLATE_BINS + 1
    return np.concatenate([first, second[:, 1:]], axis=1)
