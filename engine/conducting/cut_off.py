"""The cut-off: a loop that closes, or a sharp sideways stroke, out of a held sound.

A loop turns through most of a circle and ends sharply; a preparatory beat goes up and falls, and goes on after its
ictus. A stroke alone looks too much like a beat given sideways, so it counts for the hand that does not beat, or for
both at once (the gestures as in Green & Gibson, The Modern Conductor, 7th ed., chapter on the fermata).
"""

import math

from .hands import HandTracker

LOOP_TURNING_RAD = math.radians(250.0)
"""A closing loop turns at least this far: a stroke of the beat turns through 180° at its top."""
LOOP_PATH_M = 0.14
LOOP_OPEN = 0.22
"""A loop closes: it ends no farther from its beginning than this part of its way. A round beat ends below."""
LOOP_ROUNDNESS = 0.25
"""A loop is at least so wide across, as a part of its length along."""
STROKE_M = 0.12
STROKE_M_S = 0.55
LEVEL_SHARE = 0.75
"""A sideways stroke is level: this part of its way is horizontal."""
STOP_SHARE = 0.48
"""The hand has stopped when its speed falls to this part of its peak, about 20 ms before it stands."""
STOP_WITHIN_S = 0.12
"""Both stop within this time after their peak: a round beat that goes on slows down gently."""
LEAST_REST_S = 0.2
"""Both come out of stillness."""


def closes(hand: HandTracker) -> bool:
    """True when the movement under way has just closed a loop."""
    moving, sample = hand.latest, hand.sample
    return (
        moving is not None
        and sample is not None
        and sample.time_s - moving.peak_s <= STOP_WITHIN_S
        and hand.rested_s >= LEAST_REST_S
        and moving.path_m >= LOOP_PATH_M
        and math.dist(moving.start_m, sample.position_m) <= LOOP_OPEN * moving.path_m
        and moving.turning_rad >= LOOP_TURNING_RAD
        and moving.peak_m_s >= 2.0 * hand.least_m_s
        and hand.speed_m_s <= STOP_SHARE * moving.peak_m_s
        and _round(hand)
    )


def slashes(hand: HandTracker) -> bool:
    """True when the movement under way is a sharp level stroke that has just stopped."""
    moving, sample = hand.latest, hand.sample
    if moving is None or sample is None or hand.rested_s < LEAST_REST_S or moving.peak_m_s < STROKE_M_S:
        return False
    x, y, z = (b - a for a, b in zip(moving.start_m, sample.position_m, strict=True))
    return (
        math.hypot(x, z) >= max(STROKE_M, LEVEL_SHARE * moving.path_m)
        and abs(y) <= 0.35 * math.hypot(x, z)
        and hand.speed_m_s <= STOP_SHARE * moving.peak_m_s
        and sample.time_s - moving.peak_s <= STOP_WITHIN_S
    )


def _round(hand: HandTracker) -> bool:
    """The movement's way is wide across as well as along: extents along its two main axes, from its second moments."""
    assert hand.latest is not None
    points = [point[1:] for point in hand.way if point[0] >= hand.latest.start_s]
    count = len(points)
    if count < 5:
        return False
    middle = [sum(point[axis] for point in points) / count for axis in range(3)]
    spreads = [sum((point[axis] - middle[axis]) ** 2 for point in points) for axis in range(3)]
    covariance = sum((p[0] - middle[0]) * (p[1] - middle[1]) for p in points)
    level = sum((p[0] - middle[0]) * (p[2] - middle[2]) for p in points)
    return max(_ratio(spreads[0], spreads[1], covariance), _ratio(spreads[0], spreads[2], level)) >= LOOP_ROUNDNESS**2


def _ratio(a: float, b: float, mixed: float) -> float:
    """Smaller over larger eigenvalue of a symmetric 2 × 2 matrix."""
    mean, half = 0.5 * (a + b), math.hypot(0.5 * (a - b), mixed)
    return max(0.0, mean - half) / max(mean + half, 1e-12)
