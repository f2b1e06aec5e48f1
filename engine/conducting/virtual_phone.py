"""What the sensors of a phone would show that a virtual conductor swings: to try the phone as baton without one.

The tip of a stick that lengthens the phone goes the way of a take's baton. A share of that way comes from turning
wrist and forearm, the rest from moving the hand; accelerometer and orientation get the faults that phones have.
"""

import math
from dataclasses import dataclass

import numpy as np

from .tracking import Take

GRAVITY = 9.80665
_FINE_HZ = 600.0
_HEAVY_HAND_S = 0.018
"""Standard deviation of the smoothing that a hand with a phone does to a drawn figure."""


@dataclass(frozen=True, slots=True)
class PhoneHandling:
    """How the phone is held, and how good it is. Lengths in metres, angles in degrees, times in seconds."""

    turned: float = 0.5
    """Share of the way that comes from turning: 1 the wrist alone, 0 the whole arm with a stiff wrist."""
    stick_m: float = 0.4
    rate_hz: float = 60.0
    heading_deg: float = 70.0
    """Which way the conductor faces, counter-clockwise from the sensors' north."""
    raised_deg: float = 15.0
    """How far the phone points up at rest."""
    roll_deg: float = 10.0
    bias: float = 0.08
    """Constant error of each axis of the accelerometer, standard deviation, m/s²."""
    noise: float = 0.06
    """m/s², for each sample and axis."""
    tilt_error_deg: float = 1.0
    """Slowly wandering error of the orientation."""
    angle_noise_deg: float = 0.1
    heading_drift_deg_s: float = 0.1
    staleness_s: float = 0.008
    """How much older the orientation is than the acceleration it comes with."""
    latency_s: float = 0.012
    jitter_s: float = 0.003
    """Events come late by the latency and some more, and are stamped when they come."""
    flipped: bool = False
    """Accelerations have the opposite sign, as on iOS."""
    oriented: bool = True
    """The phone has a gyroscope, and so tells its orientation."""
    tremor_m: float = 0.00003
    """Physiological tremor of the hand, 9 Hz, standard deviation."""
    drops: float = 0.0
    """Share of events that never come."""


@dataclass(frozen=True, slots=True)
class PhoneReadings:
    """``time_s`` (n), ``acceleration`` (n, 3) with gravity, device axes; ``angles_deg`` (n, 3) alpha, beta, gamma of
    the W3C specification or None. ``tip_time_s``, ``tip_m``: the true way of the stick's tip, tracking frame."""

    time_s: np.ndarray
    acceleration: np.ndarray
    angles_deg: np.ndarray | None
    tip_time_s: np.ndarray
    tip_m: np.ndarray

    def as_json(self) -> list[dict[str, object]]:
        """As the page's code takes them."""
        return [
            {
                "timeS": float(time),
                "accelerationIncludingGravity": [float(a) for a in felt],
                "angles": None if self.angles_deg is None else [float(a) for a in self.angles_deg[index]],
            }
            for index, (time, felt) in enumerate(zip(self.time_s, self.acceleration, strict=True))
        ]


def sense(take: Take, handling: PhoneHandling, seed: int = 0, still_s: float = 2.0) -> PhoneReadings:
    """Readings of a phone that goes the way of the take's baton, after ``still_s`` at rest for its calibration.

    Stamps are those of the take; the rest lies before its start. Best from a take of high rate without noise.
    """
    random = np.random.default_rng(seed)
    baton = [pose for pose in take.of("baton") if pose.valid]
    stamps = np.array([pose.time_s for pose in baton])
    places = np.array([pose.position_m for pose in baton])
    fine = np.arange(stamps[0] - still_s - 1.0, stamps[-1], 1.0 / _FINE_HZ)
    way = np.stack([np.interp(fine, stamps, places[:, axis]) for axis in range(3)], axis=1)
    way = _smoothed(way, _HEAVY_HAND_S * _FINE_HZ)
    moved = way - way[0]
    hand = (1.0 - handling.turned) * moved + _tremor(fine, handling.tremor_m, random)
    raised = math.radians(handling.raised_deg)
    ahead = np.array([0.0, math.sin(raised), -math.cos(raised)])
    top = handling.stick_m * ahead + handling.turned * moved
    top /= np.linalg.norm(top, axis=1, keepdims=True)
    roll = math.radians(handling.roll_deg) + 0.15 * _wandering(fine, random, 3.0, 12.0)
    axes = _frames(top, roll)
    acceleration = np.gradient(np.gradient(hand, fine, axis=0), fine, axis=0)
    count = int((fine[-1] - fine[0] - 0.1) * handling.rate_hz)
    sampled = fine[0] + 0.05 + np.arange(count) / handling.rate_hz
    kept = random.random(count) >= handling.drops
    sampled = sampled[kept]
    force = _at(sampled, fine, acceleration) + np.array([0.0, GRAVITY, 0.0])
    device = np.einsum("nij,ni->nj", _nearest(sampled, fine, axes), force)
    device += handling.bias * random.standard_normal(3) + handling.noise * random.standard_normal(device.shape)
    late = np.maximum.accumulate(
        sampled + handling.latency_s + handling.jitter_s * np.abs(random.standard_normal(len(sampled)))
    )
    late += 1e-6 * np.arange(len(late))
    angles = None
    if handling.oriented:
        angles = _angles(_nearest(sampled - handling.staleness_s, fine, axes), sampled, handling, random)
    tip = way + (handling.stick_m * (top - ahead) - handling.turned * moved)
    return PhoneReadings(late, -device if handling.flipped else device, angles, fine, tip)


def _smoothed(values: np.ndarray, sigma: float) -> np.ndarray:
    half = int(4 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((half, half), (0, 0)), mode="edge")
    return np.stack([np.convolve(padded[:, axis], kernel, mode="valid") for axis in range(values.shape[1])], axis=1)


def _tremor(times: np.ndarray, size_m: float, random: np.random.Generator) -> np.ndarray:
    phase = 2 * np.pi * 9.0 * times[:, None] + random.uniform(0, 2 * np.pi, 3)
    return size_m * math.sqrt(2) * np.sin(phase + 0.8 * _wandering(times, random, 0.5, 2.0)[:, None])


def _wandering(times: np.ndarray, random: np.random.Generator, shortest_s: float, longest_s: float) -> np.ndarray:
    """Slow motion of unit standard deviation."""
    periods = random.uniform(shortest_s, longest_s, 4)
    phases = random.uniform(0.0, 2 * np.pi, 4)
    return np.sin(2 * np.pi * times[:, None] / periods + phases).sum(axis=1) / math.sqrt(2.0)


def _frames(top: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """Device axes as columns in the tracking frame: y along ``top``, z out of the screen, rolled about y."""
    right = np.cross(top, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    screen = np.cross(right, top)
    cos, sin = np.cos(roll)[:, None], np.sin(roll)[:, None]
    x = cos * right - sin * screen
    return np.stack([x, top, np.cross(x, top)], axis=2)


def _at(times: np.ndarray, fine: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(times, fine, values[:, axis]) for axis in range(values.shape[1])], axis=1)


def _nearest(times: np.ndarray, fine: np.ndarray, values: np.ndarray) -> np.ndarray:
    index = np.clip(np.round((times - fine[0]) * _FINE_HZ).astype(int), 0, len(fine) - 1)
    found: np.ndarray = values[index]
    return found


def _angles(axes: np.ndarray, times: np.ndarray, handling: PhoneHandling, random: np.random.Generator) -> np.ndarray:
    """Alpha, beta, gamma of device axes, with the faults of sensor fusion (W3C: intrinsic Z-X′-Y″, x east, z up)."""
    to_earth = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    drift = handling.heading_deg + handling.heading_drift_deg_s * (times - times[0])
    tilt = handling.tilt_error_deg / math.sqrt(2.0)
    faults = [_rotation(axis, tilt * _wandering(times, random, 2.0, 15.0)) for axis in (0, 1)]
    turned = _rotation(2, drift) @ faults[0] @ faults[1] @ (to_earth @ axes)
    beta = np.arcsin(np.clip(turned[:, 2, 1], -1.0, 1.0))
    alpha = np.arctan2(-turned[:, 0, 1], turned[:, 1, 1])
    gamma = np.arctan2(-turned[:, 2, 0], turned[:, 2, 2])
    angles = np.degrees(np.stack([alpha, beta, gamma], axis=1))
    angles += handling.angle_noise_deg * random.standard_normal(angles.shape)
    # The specification has gamma within ±90°: beyond, the same rotation is written with beta past ±90°.
    over = np.abs(angles[:, 2]) > 90.0
    angles[over, 0] += 180.0
    angles[over, 1] = 180.0 - angles[over, 1]
    angles[over, 2] -= 180.0 * np.sign(angles[over, 2])
    angles[:, 0] %= 360.0
    return angles


def _rotation(axis: int, degrees: np.ndarray) -> np.ndarray:
    """Rotation matrices about an axis, shape (n, 3, 3)."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.zeros((len(degrees), 3, 3))
    i, j = ((1, 2), (2, 0), (0, 1))[axis]
    matrix[:, axis, axis] = 1.0
    matrix[:, i, i] = matrix[:, j, j] = cos
    matrix[:, i, j], matrix[:, j, i] = -sin, sin
    return matrix
