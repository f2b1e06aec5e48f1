"""Where the tracking frame (Y up, −Z forward) meets the hall frame (Z up, +Y to the back of the stage)."""

import math

from .types import Quaternion, Vector

PODIUM_HEIGHT_M = 0.24
"""Height of the podium's top over the stage floor; the tracking floor lies on it."""


def tracking_to_hall(position_m: Vector) -> Vector:
    """A point: the conductor's floor is the podium's top, the conductor faces the orchestra (+Y)."""
    x, y, z = position_m
    return (x, -z, y + PODIUM_HEIGHT_M)


def tracking_to_hall_quaternion(orientation_wxyz: Quaternion) -> Quaternion:
    """An orientation: the vector part turns like a point (both frames are right-handed)."""
    w, x, y, z = orientation_wxyz
    return (w, x, -z, y)


def unit_quaternion(quaternion: Quaternion) -> Quaternion | None:
    """The orientation that a quaternion of any length means; None where it means none."""
    norm = math.hypot(*quaternion)
    if not math.isfinite(norm) or norm < 1e-6:
        return None
    w, x, y, z = quaternion
    return (w / norm, x / norm, y / norm, z / norm)


def rotate(orientation_wxyz: Quaternion, vector: Vector) -> Vector:
    """The vector turned by a unit quaternion."""
    w, x, y, z = orientation_wxyz
    vx, vy, vz = vector
    tx, ty, tz = 2 * (y * vz - z * vy), 2 * (z * vx - x * vz), 2 * (x * vy - y * vx)
    return (
        vx + w * tx + y * tz - z * ty,
        vy + w * ty + z * tx - x * tz,
        vz + w * tz + x * ty - y * tx,
    )


def tracking_to_hall_direction(direction: Vector) -> Vector:
    """A direction turned from the tracking frame to the hall frame."""
    x, y, z = direction
    return (x, -z, y)
