"""A hand's way as one smooth curve through points in time: icti, tops and what lies between them.

Strokes that are drawn one by one (``planned_gesture``) meet in corners, and every one is made alike. Hands have mass,
and a person's bar has tops, turns and detours of its own that come again in every bar.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import Akima1DInterpolator, CubicSpline, PchipInterpolator
from scipy.signal import lfilter

from .beat_figures import Style

if TYPE_CHECKING:
    from .planned_gesture import Strokes

HOLD_RATIO, HOLD_S = 1.8, 0.4
"""A beat this many times as long as usual, and longer by this, is a hold."""
DETOUR = (0.05, 0.35)
"""How far a person's tops are from the textbook's, in parts of the stroke: least and most."""
ASTRAY = (0.01, 0.12)
"""How far a single stroke's top is from the person's own."""
TOP_PHASE = (0.35, 0.65)
"""When in the stroke a person's tops are."""
SPRING = (0.06, 0.18)
"""Time constant of a hand on a spring, in beat periods."""
STILL_S = 0.15
"""A hand that stands still has a point this often."""
GRID_HZ = 250.0
SPRING_ORDER = 3
"""One-pole low passes in a row, like a limb behind its muscle."""
OVERRUN = 0.3
"""For how many time constants the hand goes on."""


@dataclass(frozen=True, slots=True)
class SmoothWay:
    """The hand at any time, in metres from the style's centre: right, up, back."""

    curve: Callable[[np.ndarray], np.ndarray]
    start_s: float
    end_s: float

    def at(self, times: np.ndarray) -> np.ndarray:
        """Places, shape ``(n, 3)``; before and after the gesture the hand stands."""
        return np.asarray(self.curve(np.clip(times, self.start_s, self.end_s)))


def smooth_way(strokes: "Strokes", beat: np.ndarray, style: Style, random: np.random.Generator) -> SmoothWay:
    """One curve through the icti of planned strokes and, for each beat of the bar, tops of the person's own.

    ``beat`` is the beat of the bar, from 1, of each stroke's ictus.
    """
    count = int(beat.max())
    top_phase = random.uniform(*TOP_PHASE, count) ** (1.0 / style.lean)
    own, astray = float(random.uniform(*DETOUR)), float(random.uniform(*ASTRAY))
    detour = own * random.standard_normal((count, 3))
    askew = 0.4 * own * random.standard_normal((count, 3)) * style.size_m
    kind, spring = int(random.integers(3)), float(random.uniform(*SPRING))
    tops = np.clip(top_phase[beat - 1] + 0.5 * astray * random.standard_normal(len(beat)), 0.2, 0.85)
    before_s, before_m = float(strokes.start_s[0]), np.append(strokes.from_m[0], 0.0)
    ready_m = before_m + np.array([0.0, 0.4 * strokes.top_m[0] if style.preparation == "dip" else 0.0, 0.0])
    points = [(before_s + step * STILL_S, *ready_m) for step in range(-6, 0)] + [(before_s, *before_m)]
    icti_m = np.pad(strokes.to_m, ((0, 0), (0, 1))) + askew[beat - 1]
    for index, (end_s, end_m) in enumerate(zip(strokes.ictus_s.tolist(), icti_m, strict=True)):
        angles = np.deg2rad([strokes.leaves_deg[index], strokes.meets_deg[index]])
        along = np.array([np.cos(angles).mean(), np.sin(angles).mean(), 0.0])
        along += detour[beat[index] - 1] + astray * random.standard_normal(3)
        for at_s, part, height in _between(strokes, index, float(tops[index]), style):
            place = before_m + part * (end_m - before_m) + height * strokes.top_m[index] * along
            points.append((at_s, *place))
        dwell_s = 0.5 * style.dwell * strokes.usual_s[index]
        points += [(end_s - dwell_s, *end_m), (end_s + dwell_s, *end_m)]
        before_s, before_m = end_s, end_m
    rest_m = before_m + 0.5 * strokes.top_m[-1] * np.array([0.0, 1.0, 0.0])
    points += [(before_s + 0.4 * strokes.usual_s[-1] + step * STILL_S, *rest_m) for step in range(6)]
    rows = np.array(points)
    rows = rows[np.concatenate([[True], np.diff(np.maximum.accumulate(rows[:, 0])) > 0.01])]
    if style.profile == "spring":
        return _sprung(rows[:, 0], rows[:, 1:], spring * float(np.median(strokes.usual_s)))
    return _through(rows[:, 0], rows[:, 1:], kind)


def _between(strokes: "Strokes", index: int, top_phase: float, style: Style) -> list[tuple[float, float, float]]:
    """Points between two icti: time, how far from the one to the other, and height in parts of the stroke's."""
    start_s, end_s, usual_s = (float(times[index]) for times in (strokes.start_s, strokes.ictus_s, strokes.usual_s))
    length_s = end_s - start_s
    if is_held(length_s, usual_s):
        first_s, last_s = start_s + top_phase * usual_s, end_s - (1.0 - top_phase) * usual_s
        held_s = np.linspace(first_s, last_s, max(2, int((last_s - first_s) / STILL_S)))
        if style.hold == "slow":
            risen = (held_s - start_s) / (last_s - start_s)
            return [(at_s, 0.5 * part, part) for at_s, part in zip(held_s.tolist(), risen.tolist(), strict=True)]
        height = 0.2 if style.hold == "low" else 1.0
        lifted = [(last_s + 0.05 * usual_s, 0.5, 1.0)] if height < 1.0 else []
        return [(at_s, 0.5, height) for at_s in held_s.tolist()] + lifted
    parts = int(strokes.parts[index])
    if parts > 1:
        phases = (np.arange(1, 2 * parts) / (2 * parts)).tolist()
        return [(start_s + phase * length_s, phase, 0.55 * (n % 2 == 0)) for n, phase in enumerate(phases)]
    humps = [(top_phase, 1.0)]
    if style.linger:
        humps = [(top_phase - 0.4 * style.linger, 1.0), (top_phase + 0.4 * style.linger, 1.0)]
    if style.double_bounce and index > 0:
        phase, low = style.rebound_phase, 0.55 * (1.0 - style.double_bounce)
        humps = [(0.5 * phase, 0.55), (phase, low), (0.5 + 0.4 * phase, 1.0)]
    elif strokes.flourished[index] and index > 0:
        humps = [(0.4, 1.0), (0.5, 0.7), (0.6, 1.0)]
    return [(start_s + phase * length_s, phase, height) for phase, height in humps]


def is_held(duration_s: np.ndarray | float, usual_s: np.ndarray | float) -> np.ndarray:
    """Whether beats are holds."""
    return np.asarray((duration_s > HOLD_RATIO * usual_s) & (duration_s - usual_s > HOLD_S))


def standing_phase(elapsed_s: np.ndarray, duration_s: np.ndarray | float, usual_s: np.ndarray | float) -> np.ndarray:
    """How far in its stroke a hand is, 0–1: evenly; in a beat that is a hold it stands halfway meanwhile."""
    rising, falling = elapsed_s / usual_s, 1.0 - (duration_s - elapsed_s) / usual_s
    standing = np.where(rising < 0.5, rising, np.maximum(0.5, falling))
    return np.where(is_held(duration_s, usual_s), standing, elapsed_s / duration_s)


def _through(points_s: np.ndarray, points_m: np.ndarray, kind: int) -> SmoothWay:
    """A curve through the points (``points_m``, shape ``(n, 3)``) at rising times. Of three kinds: one that turns at
    every point that is an extreme, one that overshoots a little, and the smoothest."""
    curve = (PchipInterpolator, Akima1DInterpolator, CubicSpline)[kind % 3](points_s, points_m, axis=0)
    return SmoothWay(curve, float(points_s[0]), float(points_s[-1]))


def _sprung(points_s: np.ndarray, points_m: np.ndarray, spring_s: float) -> SmoothWay:
    """The way of a hand on a damped spring with a time constant, that is pulled to each point from the one before on.
    It goes on for a moment when the pull turns; by so much the pull is early."""
    grid = np.arange(points_s[0], points_s[-1], 1.0 / GRID_HZ)
    pulled = np.searchsorted(points_s, grid + OVERRUN * spring_s, side="left").clip(max=len(points_s) - 1)
    place = points_m[pulled] - points_m[0]
    keep = np.exp(-1.0 / GRID_HZ / spring_s)
    for _ in range(SPRING_ORDER):
        place = lfilter([1.0 - keep], [1.0, -keep], place, axis=0)
    return SmoothWay(PchipInterpolator(grid, points_m[0] + place, axis=0), float(grid[0]), float(grid[-1]))
