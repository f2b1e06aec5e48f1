"""How far behind the music the hand's icti are on each beat of the bar: what is usual, and what one conductor's beats
taught."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .meter_map import BeatKey, MeterMap
from .profile import LONGEST_LAG, MOST_BARS, BeatLag, ConductorProfile

LAG_PRIOR_PERIODS = {"first": 0.1, "last": -0.1}
"""Expected lag of the first and last beat of a bar against the bar's mean, in beat periods: two thirds of what was
measured on a conductor (first late, last early); individual lags are soon learned."""
BAR_LAG_PERIODS = 0.12
"""Lag of a bar's icti behind the music in the mean, in beat periods: four fifths of what was measured. Gesture alone
does not tell it, and an anchor in what is learned (the bar's least late beat, say) drifts while it is learned."""
LAG_PRIOR_SD_S = 0.05
EVEN_SD_S, UNKNOWN_EVEN_SD_S = 0.035, 0.06
"""A bar counts half where its beats were otherwise spaced than in the bar before by the first (standard deviation):
what the music does by itself is not the hand's lag. How uneven the very first bar was is not known; it is taken to be
the second."""
LEAST_SD_S, UNKNOWN_SD_S = 0.015, 0.06
"""A lag varies from bar to bar by the first at least, and is taken to vary by the second before it was seen to."""
UNEVEN = 0.025
"""How far what is learned of a lag is off (in beat periods), however often it was seen: music that is played unevenly
within every bar looks like a lag of the hand."""
LAG_MEMORY = 24
LONGEST_LAG_PERIOD_S = 0.9
"""Lags grow with the beat period up to this one."""
PROFILE_BARS = 8.0
"""A profile's lags count as learned over at most so many bars: today may be different."""
MOST_OFF_S = 0.3
MOST_UNEVEN = 3.0
"""Bars with a beat this many times as long as another tell nothing of lags."""


@dataclass(frozen=True, slots=True)
class Lag:
    """Learned lag of one beat of the bar against the mean of the bar around it, in seconds. ``count`` is of bars,
    uneven ones in part."""

    count: float
    mean_s: float
    variance_s2: float


@dataclass(slots=True)
class BeatLags:
    """What was learned of one conductor's lags; where nothing was, what is usual."""

    known: dict[BeatKey, Lag] = field(default_factory=dict)
    spacing: dict[BeatKey, np.ndarray] = field(default_factory=dict)
    """How the icti of the bar around each beat were spaced when it was learned from last, in parts of the period."""

    @classmethod
    def of(cls, profile: ConductorProfile, period_s: float) -> "BeatLags":
        """What a profile tells, at a beat period."""
        period_s = _lag_period_s(period_s)
        return cls(
            {
                (count, beat - 1): Lag(
                    min(lag.bars, PROFILE_BARS), lag.mean * period_s, max(lag.sd * period_s, 0.01) ** 2
                )
                for (count, beat), lag in profile.lags.items()
            }
        )

    def in_profile(self, before: Mapping[tuple[int, int], BeatLag], period_s: float) -> dict[tuple[int, int], BeatLag]:
        """A profile's lags, with those learned since, at a beat period."""
        period_s = _lag_period_s(period_s)
        lags = dict(before)
        for (count, beat), lag in self.known.items():
            mean = min(max(lag.mean_s / period_s, -LONGEST_LAG), LONGEST_LAG)
            sd = min(lag.variance_s2**0.5 / period_s, LONGEST_LAG)
            lags[count, beat + 1] = BeatLag(mean, sd, min(lag.count, MOST_BARS))
        return lags

    def copy(self) -> "BeatLags":
        return BeatLags(dict(self.known), dict(self.spacing))

    def lag_s(self, key: BeatKey, period_s: float, led: float = 1.0) -> float:
        """Lag of an ictus behind the music. ``led``: how much of the bar's mean the orchestra is before the hand."""
        return led * BAR_LAG_PERIODS * _lag_period_s(period_s) + self.relative_s(key, period_s)

    def relative_s(self, key: BeatKey, period_s: float) -> float:
        """Lag against the bar's mean: learned, shrunk towards the prior as long as little is known."""
        count, beat = key
        period_s = _lag_period_s(period_s)
        prior_s = 0.0
        if count > 1:
            part = LAG_PRIOR_PERIODS["first"] if beat == 0 else LAG_PRIOR_PERIODS["last"] if beat == count - 1 else 0.0
            prior_s = part * period_s
        lag = self.known.get(key)
        if lag is None:
            return prior_s
        uneven_s = UNEVEN * period_s
        doubt = (max(lag.variance_s2, LEAST_SD_S**2) + lag.count * uneven_s**2) / LAG_PRIOR_SD_S**2
        return (doubt * prior_s + lag.count * lag.mean_s) / (doubt + lag.count)

    def learn(self, meter: MeterMap, icti_s: Mapping[int, float], index: int) -> None:
        """Beat ``index`` was counted: the lag of the ictus in the middle of the last bar's length, against the mean of
        the icti around it."""
        count, _ = meter.key(index)
        if count < 2:
            return
        half = count // 2
        centre = index - half
        around = range(centre - half, centre + half + 1)
        window = [icti_s.get(index) for index in around]
        if any(time is None for time in window) or meter.key(centre)[0] != count:
            return
        times = np.array(window, dtype=float)
        places = np.array([meter.place(index) for index in around])
        steps = np.diff(times) / np.diff(places)
        if steps.max() > MOST_UNEVEN * steps.min():
            return
        weights = np.ones(len(times))
        if count % 2 == 0:
            weights[[0, -1]] = 0.5
        slope = (times[-1] - times[0]) / (places[-1] - places[0])
        mean = np.average(times - slope * (places - places[half]), weights=weights)
        off_s = float(np.clip(times[half] - mean, -MOST_OFF_S, MOST_OFF_S))
        key = meter.key(centre)
        part = self._evenness(key, steps / slope, float(slope) * meter.lengths[centre])
        old = self.known.get(key, Lag(0.0, 0.0, UNKNOWN_SD_S**2))
        n = min(LAG_MEMORY, old.count + part)
        variance = UNKNOWN_SD_S**2
        if old.count:
            variance = old.variance_s2 + part * ((off_s - old.mean_s) ** 2 - old.variance_s2) / (n + 2.0)
        self.known[key] = Lag(n, old.mean_s + part * (off_s - old.mean_s) / n, variance)

    def _evenness(self, key: BeatKey, spacing: np.ndarray, period_s: float) -> float:
        """What a bar that is spaced so counts, 0–1."""
        before = self.spacing.get(key)
        self.spacing[key] = spacing
        uneven_s = UNKNOWN_EVEN_SD_S
        if before is not None:
            uneven_s = float(np.std(spacing - before)) * period_s / math.sqrt(2.0)
        return EVEN_SD_S**2 / (EVEN_SD_S**2 + uneven_s**2)


def _lag_period_s(period_s: float) -> float:
    """The period in parts of which lags are told."""
    return min(period_s, LONGEST_LAG_PERIOD_S)
