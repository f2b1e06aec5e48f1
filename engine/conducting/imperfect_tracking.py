"""What tracking makes of a hand's motion: noise, steps, latency, gaps, jumps. For virtual conductors."""

from dataclasses import dataclass

import numpy as np

from ..types import Device, Pose

LOST_RATE_HZ = (1.0 / 60.0, 1.0 / 10.0)


@dataclass(frozen=True, slots=True)
class Tracking:
    """How a device is tracked. The defaults are a good headset's controllers."""

    rate_hz: float = 60.0
    noise_m: float = 0.002
    """Standard deviation of white noise on each axis."""
    uneven: float = 0.15
    """How far a stamp strays from an even grid, in parts of the sampling interval."""
    quantum_m: float = 0.0
    """Positions are rounded to this (a camera's pixels)."""
    smoothing_s: float = 0.0
    """Time constant of the device's own low-pass filter, whose delay nobody takes off."""
    latency_s: float = 0.0
    """Stamps are late by this."""
    wander_m: float = 0.0
    """Slow error of the device's place."""
    losses_hz: float = 0.0
    """How often tracking is lost,"""
    loss_s: float = 0.3
    """and for how long on average; lost samples are missing, or come as invalid."""
    teleports_hz: float = 0.0
    """How often single samples are somewhere else."""
    repeats: float = 0.0
    """Probability that a sample repeats the place before (a frame that was not new)."""


def random_tracking(random: np.random.Generator) -> Tracking:
    """A device drawn at random: headset, optical capture, webcam, phone or mouse, good or bad."""
    rate_hz = float(random.choice([15.0, 24.0, 30.0, 60.0, 90.0, 120.0], p=[0.08, 0.12, 0.2, 0.25, 0.2, 0.15]))
    camera = rate_hz <= 30.0

    def sometimes(probability: float, low: float, high: float) -> float:
        value = float(random.uniform(low, high))
        return value if random.random() < probability else 0.0

    return Tracking(
        rate_hz=rate_hz,
        noise_m=float(random.uniform(0.0, 0.006 if camera else 0.003)),
        uneven=float(random.uniform(0.0, 0.45)),
        quantum_m=sometimes(0.6 if camera else 0.1, 0.001, 0.006),
        smoothing_s=sometimes(0.4, 0.01, 0.06),
        latency_s=sometimes(0.5, 0.01, 0.08),
        wander_m=sometimes(0.3, 0.005, 0.02),
        losses_hz=sometimes(0.3, *LOST_RATE_HZ),
        loss_s=float(random.uniform(0.1, 0.6)),
        teleports_hz=sometimes(0.15, 0.02, 0.2),
        repeats=sometimes(0.3, 0.02, 0.2),
    )


def stamps(span_s: tuple[float, float], tracking: Tracking, random: np.random.Generator) -> np.ndarray:
    """Rising times of the samples in the span, on an uneven grid, none below 0."""
    count = int((span_s[1] - span_s[0]) * tracking.rate_hz)
    strays = min(tracking.uneven, 0.49) * random.uniform(-1, 1, count)
    return np.maximum(span_s[0] + (np.arange(count) + strays) / tracking.rate_hz, 0.0)


def tracked(
    device: Device, times: np.ndarray, places: np.ndarray, tracking: Tracking, random: np.random.Generator
) -> list[Pose]:
    """The poses that the tracking makes of the true ``places`` (shape ``(n, 3)``) at ``times``."""
    places = places + tracking.noise_m * random.standard_normal((len(times), 3))
    flaws = random.spawn(1)[0]
    if tracking.wander_m:
        periods = flaws.uniform(5.0, 40.0, 3)
        places = places + tracking.wander_m * np.sin(2 * np.pi * (times[:, None] / periods + flaws.random(3)))
    if tracking.smoothing_s:
        places = _smoothed(times, places, tracking.smoothing_s)
    jumps = flaws.random(len(times)) < tracking.teleports_hz / tracking.rate_hz
    places = np.where(jumps[:, None], places + flaws.uniform(-1.5, 1.5, (len(times), 3)), places)
    if tracking.quantum_m:
        places = np.round(places / tracking.quantum_m) * tracking.quantum_m
    if tracking.repeats:
        fresh = flaws.random(len(times)) >= tracking.repeats
        fresh[:1] = True
        places = places[np.maximum.accumulate(np.where(fresh, np.arange(len(times)), 0))]
    lost, missing = _lost(times, tracking, flaws)
    times = times + tracking.latency_s
    return [
        Pose(time, device, (x, y, z), None, not gone)
        for time, (x, y, z), gone, absent in zip(
            times.tolist(), places.tolist(), lost.tolist(), missing.tolist(), strict=True
        )
        if not absent
    ]


def _smoothed(times: np.ndarray, places: np.ndarray, smoothing_s: float) -> np.ndarray:
    """One-pole low pass at uneven times."""
    share = 1.0 - np.exp(-np.diff(times) / smoothing_s)
    out = places.copy()
    for index in range(1, len(out)):
        out[index] = out[index - 1] + share[index - 1] * (places[index] - out[index - 1])
    return out


def _lost(times: np.ndarray, tracking: Tracking, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Which samples come as invalid, and which do not come at all."""
    invalid, missing = np.zeros(len(times), bool), np.zeros(len(times), bool)
    if not tracking.losses_hz or not len(times):
        return invalid, missing
    begin = times[0] + random.exponential(1.0 / tracking.losses_hz)
    while begin < times[-1]:
        end = begin + random.exponential(tracking.loss_s)
        (missing if random.random() < 0.5 else invalid)[(times >= begin) & (times < end)] = True
        begin = end + random.exponential(1.0 / tracking.losses_hz)
    return invalid, missing
