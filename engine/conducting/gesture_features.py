"""The baton's poses as a learned reader of gesture sees them: frames at a steady rate, free of place and size.

Places are put on a grid of ``FRAME_S``, then taken relative to where the hand has been in the last seconds and to how
far and fast it moved. ``features`` makes all frames of a recording at once, for training; ``FrameMaker`` makes the same
frames one by one, as samples come.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from ..types import Vector

FloatArray = npt.NDArray[np.float64]
FrameArray = npt.NDArray[np.float32]

FRAME_S = 0.02
SMOOTHING_S = 0.02
PLACE_S, EXTENT_S = 1.5, 2.5
"""Time constants of the mean place, and of the extent and speed of the motion."""
LEAST_EXTENT_M, LEAST_SPEED_M_S = 0.006, 0.02
FASTEST_M_S = 12.0
GAP_S = 0.25
"""Samples further apart than this are a gap: the hand is taken to wait where it was."""
LONGEST_GAP_S = 2.0
"""Of a longer gap no more frames are made than this."""
METERS = 8
MOTION = 9
"""The first features are place, velocity and acceleration."""
FEATURES = MOTION + 5 + METERS
LARGEST = 5.0


def context(period_s: float, beats_in_bar: int) -> FloatArray:
    """What the score tells of the next beat: its marked period, and how many beats its bar has, up to ``METERS``."""
    told = np.zeros(1 + METERS)
    told[0] = math.log(period_s / 0.7)
    told[min(max(beats_in_bar, 1), METERS)] = 1.0
    return told


def features(
    times_s: FloatArray, places_m: FloatArray, told: Sequence[tuple[float, float, int]]
) -> tuple[FloatArray, FrameArray]:
    """Times (n,) and features (n, ``FEATURES``) of the frames of valid samples with rising stamps.

    ``told`` is what the score tells and since when: rising times in seconds, marked beat period, beats in the bar. The
    first holds before it, too.
    """
    grid = np.arange(times_s[0], times_s[-1], FRAME_S)
    after = np.clip(np.searchsorted(times_s, grid, side="left"), 1, len(times_s) - 1)
    step_s = times_s[after] - times_s[after - 1]
    part = np.clip((grid - times_s[after - 1]) / np.maximum(step_s, 1e-6), 0.0, 1.0)
    gap = step_s > GAP_S
    part[gap] = 0.0
    place = places_m[after - 1] + (places_m[after] - places_m[after - 1]) * part[:, None]
    smooth = _mean(place, SMOOTHING_S, place[0])
    velocity = np.diff(smooth, axis=0, prepend=smooth[:1]) / FRAME_S
    speed = np.linalg.norm(velocity, axis=1)
    velocity *= np.minimum(1.0, FASTEST_M_S / np.maximum(speed, 1e-9))[:, None]
    calm = _mean(velocity, SMOOTHING_S, velocity[0])
    acceleration = np.diff(calm, axis=0, prepend=velocity[:1]) / FRAME_S
    offset = smooth - _mean(smooth, PLACE_S, smooth[0])
    nothing = np.zeros(())
    extent = np.sqrt(_mean(np.minimum((offset**2).sum(axis=1), 1.0), EXTENT_S, nothing)) + LEAST_EXTENT_M
    usual = np.sqrt(_mean(np.minimum((velocity**2).sum(axis=1), 60.0), EXTENT_S, nothing)) + LEAST_SPEED_M_S
    scales = np.stack([np.log(extent / 0.1), np.log(usual / 0.5), np.log(usual / extent / 5.0), gap], axis=1)
    row = np.maximum(np.searchsorted([since_s for since_s, _, _ in told], grid, side="right") - 1, 0)
    contexts = np.array([context(period_s, beats_in_bar) for _, period_s, beats_in_bar in told])[row]
    motion = (offset / extent[:, None], velocity / usual[:, None], 0.08 * acceleration / usual[:, None])
    return grid, np.clip(np.concatenate([*motion, scales, contexts], axis=1), -LARGEST, LARGEST).astype(np.float32)


class FrameMaker:
    """The same frames as ``features``, as samples come. One thread; some 30 µs a frame."""

    def __init__(self, period_s: float, beats_in_bar: int) -> None:
        self.tell(period_s, beats_in_bar)
        self._latest: tuple[float, FloatArray] | None = None
        self._next_s = 0.0
        self._smooth: FloatArray | None = None
        self._calm = self._middle = np.zeros(3)
        self._extent = self._usual = 0.0

    def tell(self, period_s: float, beats_in_bar: int) -> None:
        """What the score tells of the next beat, from the next frame on."""
        self._told = context(period_s, beats_in_bar)

    def step(self, time_s: float, position_m: Vector) -> Iterator[tuple[float, FrameArray]]:
        """Take the next valid sample (later than the one before); the frames up to it: time and features."""
        place = np.array(position_m)
        if self._latest is None:
            self._latest, self._next_s = (time_s, place), time_s
            return
        before_s, before = self._latest
        self._latest = time_s, place
        step_s = time_s - before_s
        gap = step_s > GAP_S
        if step_s > LONGEST_GAP_S:
            self._next_s = max(self._next_s, time_s - LONGEST_GAP_S)
        while self._next_s <= time_s:
            part = 0.0 if gap else (self._next_s - before_s) / max(step_s, 1e-6)
            yield self._next_s, self._frame(before + (place - before) * part, gap)
            self._next_s += FRAME_S

    def _frame(self, place: FloatArray, gap: bool) -> FrameArray:
        if self._smooth is None:
            self._smooth = self._middle = place
        smooth = self._smooth + _gain(SMOOTHING_S) * (place - self._smooth)
        velocity = (smooth - self._smooth) / FRAME_S
        speed = math.sqrt(float(velocity @ velocity))
        if speed > FASTEST_M_S:
            velocity *= FASTEST_M_S / speed
        calm = self._calm + _gain(SMOOTHING_S) * (velocity - self._calm)
        acceleration = (calm - self._calm) / FRAME_S
        self._smooth, self._calm = smooth, calm
        self._middle = self._middle + _gain(PLACE_S) * (smooth - self._middle)
        offset = smooth - self._middle
        gain = _gain(EXTENT_S)
        self._extent += gain * (min(float(offset @ offset), 1.0) - self._extent)
        self._usual += gain * (min(float(velocity @ velocity), 60.0) - self._usual)
        extent = math.sqrt(self._extent) + LEAST_EXTENT_M
        usual = math.sqrt(self._usual) + LEAST_SPEED_M_S
        scales = (math.log(extent / 0.1), math.log(usual / 0.5), math.log(usual / extent / 5.0), float(gap))
        row = np.concatenate([offset / extent, velocity / usual, 0.08 * acceleration / usual, scales, self._told])
        return np.clip(row, -LARGEST, LARGEST).astype(np.float32)


def _gain(time_s: float) -> float:
    return 1.0 - math.exp(-FRAME_S / time_s)


def _mean(values: FloatArray, time_s: float, start: FloatArray) -> FloatArray:
    """One-pole mean with a time constant, from ``start``."""
    gain = _gain(time_s)
    smooth, _ = lfilter([gain], [1.0, gain - 1.0], values, axis=0, zi=(1.0 - gain) * start[None])
    return np.asarray(smooth)
