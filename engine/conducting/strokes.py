"""The shape of strokes: templates learned for each beat of the bar, and what an unfinished stroke says of its end.

A stroke is the hand's way from one ictus to the next. Its template has ``TEMPLATE_BINS + 1`` points evenly spaced in
the stroke's own time. While the hand is under way, the posterior over the stroke's duration follows from comparing the
way so far with the template stretched to each duration of a grid (a discrete Bayesian filter, updated sample by
sample; place and size of the stroke are nuisance parameters with normal priors, integrated out).
"""

import math

import numpy as np
from scipy.ndimage import uniform_filter1d

TEMPLATE_BINS = 24
"""Points of a template less one."""
DURATION_GRID = np.exp(np.linspace(math.log(0.5), math.log(2.6), 48))
"""Durations considered, relative to the expected one."""
SIZE_SD = 0.20
"""Strokes differ in size by this (relative, standard deviation)."""
PLACE_SD = 0.10
"""And in place by this part of the usual stroke."""
DURATION_SD = 0.17
"""Width of the prior over the logarithm of the duration (Student's t, 4 degrees of freedom)."""
EFFECTIVE_SAMPLES = 240.0
"""A stroke is worth this many independent samples per axis, were all of it remembered:"""
MEMORY = 0.25
"""what the hand did this part of a stroke ago counts 1/e. Strokes are not stretched evenly: where the hand is now tells
the end better than how it began."""
PACE_SD = 0.25
"""The hand may yet change its pace: what remains of the stroke may be longer or shorter by this part."""
LOOK_BEYOND = 1.45
"""The template of the next stroke helps up to this phase: the ictus is past, but not yet known."""

SPREAD_GAIN, SPREAD_STRAY = 0.15, 4.0
"""How much the last stroke tells of how much strokes differ; deviations count up to so many times the mean."""
SPREAD_STEPS = 5
"""It is told over so many neighbouring steps,"""
STEADIEST = 0.3
"""and no place is taken for steadier than the whole stroke by more than this."""
SPREAD_STROKES = 5
"""After so many strokes it is believed."""

SWAY_STROKES_S = 0.2
"""A hand that is slower than this many strokes a second sways while it waits."""


def resample(path: np.ndarray, start_s: float, end_s: float, bins: int = TEMPLATE_BINS) -> np.ndarray | None:
    """The way of the hand from ``start_s`` to ``end_s`` at even phases, shape ``(3, bins + 1)``.

    ``path`` has rows ``time_s, x, y, z``. None where it has too few samples.
    """
    inside = path[(path[:, 0] >= start_s - 0.05) & (path[:, 0] <= end_s + 0.05)]
    if len(inside) < 5 or end_s - start_s < 1e-3:
        return None
    times = np.linspace(start_s, end_s, bins + 1)
    return np.stack([np.interp(times, inside[:, 0], inside[:, axis]) for axis in (1, 2, 3)])


def along(path: np.ndarray, start_s: float, end_s: float, stroke_m: float) -> tuple[np.ndarray, float] | None:
    """The way of the hand from ``start_s`` to ``end_s`` at even steps of its length, ``(3, bins + 1)``, and its length.

    Independent of time: a stroke held for seconds looks like any other. Movements below a few per cent of the stroke
    (tracking noise of a hand at rest) do not count. None where the hand hardly moved.
    """
    inside = path[(path[:, 0] >= start_s - 1e-3) & (path[:, 0] <= end_s + 1e-3)]
    if len(inside) < 4:
        return None
    least = max(0.008, 0.06 * stroke_m) ** 2
    points = inside.tolist()
    kept = [points[0]]
    for point in points[1:]:
        latest = kept[-1]
        if (point[1] - latest[1]) ** 2 + (point[2] - latest[2]) ** 2 + (point[3] - latest[3]) ** 2 >= least:
            kept.append(point)
    if len(kept) < 4:
        return None
    way = np.array(kept)
    steps = np.sqrt((np.diff(way[:, 1:], axis=0) ** 2).sum(axis=1))
    moving = np.where(steps > SWAY_STROKES_S * stroke_m * np.diff(way[:, 0]), steps, 0.0)
    if moving.sum() > 0.8 * stroke_m:
        steps = moving
    lengths = np.concatenate([[0.0], np.cumsum(steps)])
    even = np.linspace(0.0, lengths[-1], TEMPLATE_BINS + 1)
    return np.stack([np.interp(even, lengths, way[:, axis]) for axis in (1, 2, 3)]), float(lengths[-1])


def shape_distance(path: np.ndarray, template: np.ndarray, stroke_m: float) -> float:
    """Mean squared deviation of a way from a template of the same length, in units of what is usual.

    A shift of the whole counts less than a difference in shape. About 1 for strokes of the same beat.
    """
    difference = path - template
    shift = difference.mean(axis=1, keepdims=True)
    shape = float(((difference - shift) ** 2).sum(axis=0).mean()) / (0.12 * stroke_m) ** 2
    return shape + float((shift**2).sum()) / (0.30 * stroke_m) ** 2


def spread_learned(before_m2: np.ndarray | None, difference_m: np.ndarray) -> np.ndarray:
    """How much strokes differ at each step, shape ``(3, bins + 1)``, now that one more differed by so much. A shift of
    the whole does not count."""
    squares = (difference_m - difference_m.mean(axis=1, keepdims=True)) ** 2
    if before_m2 is None:
        return squares
    return before_m2 + SPREAD_GAIN * (np.minimum(squares, SPREAD_STRAY * before_m2.mean()) - before_m2)


def steadiness(spread_m2: np.ndarray, strokes: int) -> np.ndarray:
    """How much more than the whole stroke each step of each axis tells, after so many strokes: where strokes are alike,
    a deviation says more."""
    smooth = uniform_filter1d(spread_m2, SPREAD_STEPS, axis=1, mode="nearest")
    relative = np.clip(smooth / max(float(smooth.mean()), 1e-9), STEADIEST, 1.0 / STEADIEST)
    return np.asarray(relative ** -min(1.0, (strokes - 1) / (SPREAD_STROKES - 1)))


class DurationPosterior:
    """What the unfinished stroke says of its duration. One instance per stroke; numpy, about 35 µs a sample."""

    def __init__(
        self,
        template: np.ndarray,
        start_s: float,
        expected_s: float,
        stroke_m: float,
        spread_m: float,
        steady: np.ndarray | None = None,
    ) -> None:
        """``template`` is this stroke's and the next one's in a row, shape ``(3, 2 * TEMPLATE_BINS + 1)``, and so is
        ``steady``: how much each place tells (``steadiness``), the same everywhere by default."""
        self.start_s = start_s
        self.expected_s = expected_s
        self._template = template
        self._steady = np.ones_like(template) if steady is None else steady
        self._durations = expected_s * DURATION_GRID
        self._bins_per_s = TEMPLATE_BINS / self._durations
        self._mean = template[:, : TEMPLATE_BINS + 1].mean(axis=1)[:, None]
        self._steps = np.diff(template, axis=1, append=template[:, -1:])
        self._variance = max(spread_m, 0.03 * stroke_m, 0.003) ** 2
        self._inverse_size = 1.0 / SIZE_SD**2
        self._inverse_place = 1.0 / max(PLACE_SD * stroke_m, 0.01) ** 2
        spread = np.log(DURATION_GRID) / DURATION_SD
        self._prior = -2.5 * np.log1p(spread * spread / 4.0)
        self._sums = np.zeros((6, 3, len(DURATION_GRID)))
        self._latest_s = start_s

    def add(self, time_s: float, position_m: tuple[float, float, float]) -> None:
        """The hand's next place. Samples closer than a fortieth of the stroke are skipped."""
        step_s = time_s - self._latest_s
        if step_s < self.expected_s / 40.0:
            return
        self._latest_s = time_s
        place = (time_s - self.start_s) * self._bins_per_s
        np.minimum(place, 2 * TEMPLATE_BINS - 1e-6, out=place)
        index = place.astype(np.intp)
        level = self._template[:, index] + (place - index) * self._steps[:, index]
        centred = level - self._mean
        residual = np.array(position_m)[:, None] - level
        part = step_s / self.expected_s
        kept = math.exp(-part / MEMORY)
        weight = EFFECTIVE_SAMPLES * min(part, 0.15) / self._variance * self._steady[:, index]
        by_level, by_residual = weight * centred, weight * residual
        self._sums *= kept
        self._sums += np.stack(
            [weight, by_level, by_level * centred, by_residual, by_residual * centred, by_residual * residual]
        )

    def estimate(self, now_s: float) -> tuple[float, float]:
        """Mean and variance of the time of the ictus that ends the stroke, given that it was not seen before now."""
        weights, sum_g, sum_gg, sum_r, sum_rg, sum_rr = self._sums
        gg = sum_gg + self._inverse_size
        ones = weights + self._inverse_place
        determinant = gg * ones - sum_g**2
        explained = (ones * sum_rg**2 - 2.0 * sum_g * sum_rg * sum_r + gg * sum_r**2) / determinant
        log_weight = self._prior - 0.5 * (sum_rr - explained + np.log(determinant)).sum(axis=0)
        elapsed = now_s - self.start_s
        log_weight[self._durations * LOOK_BEYOND < elapsed] = -1e9
        if elapsed > 1.3 * self.expected_s:
            log_weight[self._durations < 0.75 * elapsed] = -1e9
        log_weight -= log_weight.max()
        weight = np.exp(log_weight)
        weight /= weight.sum()
        mean = float(weight @ self._durations)
        variance = float(weight @ (self._durations - mean) ** 2) + (PACE_SD * max(0.0, mean - elapsed)) ** 2
        if elapsed > 2.4 * self.expected_s:
            mean = max(mean, elapsed)
        return self.start_s + mean, variance
