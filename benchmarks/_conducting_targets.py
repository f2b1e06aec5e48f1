"""The figures that following must reach, and how each is read from what was measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Measured = dict[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Target:
    """A figure by name: how it is drawn from a list of measurements, and its bound (``sense`` ≥, ≤ or =)."""

    figure: str
    measured: str
    summary: Callable[[np.ndarray], float]
    sense: str
    bound: float
    style: str = "{:.3f}"

    def met(self, value: float) -> bool:
        if self.sense == "≥":
            return value >= self.bound
        return value <= self.bound


def _sum(values: np.ndarray) -> float:
    return float(np.sum(values))


def _median(values: np.ndarray) -> float:
    return float(np.median(values))


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values))


def _least(values: np.ndarray) -> float:
    return float(np.min(values))


def _most(values: np.ndarray) -> float:
    return float(np.max(values))


def _p90(values: np.ndarray) -> float:
    return float(np.percentile(values, 90))


def _p99(values: np.ndarray) -> float:
    return float(np.percentile(values, 99))


def _within_60_ms(values: np.ndarray) -> float:
    return float(np.mean(values <= 0.06))


MS, PERCENT, COUNT = "{:.0f} ms", "{:.1f} %", "{:.0f}"
TARGETS = (
    Target("F at ±70 ms after the first bars' lag, mean", "f", _mean, "≥", 0.90),
    Target("F, the worst take", "f", _least, "≥", 0.82),
    Target("raw F, conductors as late as the measured one, mean", "raw f, usual", _mean, "≥", 0.82),
    Target("CMLt, mean", "cmlt", _mean, "≥", 0.92),
    Target("takes with a beat gained or lost", "miscounted takes", _sum, "≤", 0.0, COUNT),
    Target("tempo error, median", "tempo error", _median, "≤", 0.015, PERCENT),
    Target("tempo error, 90th percentile", "tempo error", _p90, "≤", 0.05, PERCENT),
    Target("next beat as predicted, median", "sounded", _median, "≤", 0.040, MS),
    Target("next beat as predicted, 90th percentile", "sounded", _p90, "≤", 0.120, MS),
    Target("first chord to the hand's ictus, median", "first chord to ictus", _median, "≤", 0.060, MS),
    Target("first chord within 60 ms of the ictus", "first chord to ictus", _within_60_ms, "≥", 0.9, PERCENT),
    Target("first chord to the intended beat, median", "first chord to beat", _median, "≤", 0.060, MS),
    Target("beats to settle, step of 10 %, median", "beats to settle, step of 10 %", _median, "≤", 2.0, "{:.1f}"),
    Target("beats to settle, step of 30 %, median", "beats to settle, step of 30 %", _median, "≤", 3.0, "{:.1f}"),
    Target("false beats in fermatas of 10 s", "false beats, fermata", _sum, "≤", 0.0, COUNT),
    Target("miscounts with a fermata", "miscounts, fermata", _sum, "≤", 0.0, COUNT),
    Target("false beats in holds of 10 s, unmarked", "false beats, unmarked hold", _sum, "≤", 0.0, COUNT),
    Target("miscounts with a hold, unmarked", "miscounts, unmarked hold", _sum, "≤", 0.0, COUNT),
    Target("false beats in 60 s of fidgets, before", "false beats, fidgets before", _sum, "≤", 0.0, COUNT),
    Target("starts spoilt by fidgets", "starts spoilt by fidgets", _sum, "≤", 0.0, COUNT),
    Target("false beats in 60 s of fidgets, stopped", "false beats, fidgets in a stop", _sum, "≤", 0.0, COUNT),
    Target("miscounts with a stop", "miscounts with a stop", _sum, "≤", 0.0, COUNT),
    Target("miscounts after 3 s of lost tracking", "miscounts, tracking lost", _sum, "≤", 0.0, COUNT),
    Target("miscounts with teleports, NaN, bad stamps", "miscounts, bad samples", _sum, "≤", 0.0, COUNT),
    Target("most notes in 0.3 s, relative to the tempo", "burst", _most, "≤", 2.5, "{:.1f}"),
    Target("gesture size to level, Spearman, mean", "loudness: size to level", _mean, "≥", 0.9, "{:.2f}"),
    Target("gesture size to velocity, Spearman, mean", "loudness: size to velocity", _mean, "≥", 0.9, "{:.2f}"),
    Target("cues that reach the right section", "cue to the right section", _mean, "≥", 0.97, PERCENT),
    Target("false cues in 10 minutes", "false cues in 10 minutes", _mean, "≤", 1.0, "{:.1f}"),
    Target("cut-off after the gesture's ictus, 95th percentile", "cut-off latency, 95 % s", _mean, "≤", 0.150, MS),
    Target("miscounts with cut-offs", "miscounts with cut-offs", _sum, "≤", 0.0, COUNT),
    Target("false cut-offs", "false cut-offs", _sum, "≤", 0.0, COUNT),
    Target("legato and staccato told apart", "legato or staccato told", _mean, "≥", 0.90, PERCENT),
    Target("cost of a step, median", "cost", _median, "≤", 0.001, "{:.2f} ms"),
    Target("pose in to note scheduled, 99th percentile", "step", _p99, "≤", 0.005, "{:.2f} ms"),
)


def shown(target: Target, value: float) -> str:
    """The figure as it is printed."""
    if "ms" in target.style:
        return target.style.format(1e3 * value)
    return target.style.format(1e2 * value if "%" in target.style else value)


def judged(measured: Measured) -> list[tuple[Target, float | None]]:
    """Every target with its figure, None where nothing was measured."""
    return [
        (target, target.summary(np.asarray(values)) if len(values := measured.get(target.measured, ())) else None)
        for target in TARGETS
    ]
