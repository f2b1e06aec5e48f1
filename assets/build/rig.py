"""Arms: where the elbow goes for a given hand, and the joint rotations that bring an arm from one place to another."""

import math
from dataclasses import dataclass, field

import numpy as np
from meshes import Array, unit, vec
from numpy.typing import ArrayLike

UPPER_ARM_M = 0.29
FOREARM_M = 0.255
"""Shoulder to elbow and elbow to wrist of a figure 1.75 m tall (0.17 and 0.15 of the height)."""


def elbow(shoulder: Array, hand: Array, pole: ArrayLike, upper_m: float, fore_m: float) -> tuple[Array, Array]:
    """Elbow and hand of a two-bone arm whose elbow points towards ``pole``; too far a hand is drawn in."""
    d = hand - shoulder
    reach = float(np.clip(np.linalg.norm(d), abs(upper_m - fore_m) + 0.01, upper_m + fore_m - 0.004))
    d = unit(d)
    along = (upper_m**2 - fore_m**2 + reach**2) / (2 * reach)
    out = math.sqrt(max(0.0, upper_m**2 - along**2))
    p = np.asarray(pole, float)
    p = unit(p - d * np.dot(p, d))
    return shoulder + d * along + p * out, shoulder + d * reach


@dataclass(frozen=True, slots=True)
class Hand:
    """How a hand holds: the point it grips, where the fingers point, where the palm faces, how far they are bent.

    ``pole`` is where the elbow points. Angles in degrees; ``curl_deg`` bends each of the fingers' three joints.
    """

    grip: Array
    fingers: Array
    palm: Array
    pole: Array
    curl_deg: float = 30.0
    spread: float = 1.0

    @property
    def wrist(self) -> Array:
        return self.grip - 0.078 * unit(self.fingers) - 0.024 * unit(self.palm)


@dataclass(frozen=True, slots=True)
class Arm:
    """A solved arm at rest: the joints, and the grip that moves rigidly with the forearm."""

    shoulder: Array
    elbow: Array
    wrist: Array
    grip: Array
    pole: Array

    @classmethod
    def reach(cls, shoulder: Array, hand: Hand) -> "Arm":
        e, w = elbow(shoulder, hand.wrist, hand.pole, UPPER_ARM_M, FOREARM_M)
        return cls(shoulder, e, w, hand.grip + (w - hand.wrist), np.asarray(hand.pole, float))

    def bones(self, e: Array, g: Array) -> tuple[Array, Array]:
        """Frames (columns) of upper arm and forearm: along the bone, across the plane of the arm."""
        normal = unit(np.cross(e - self.shoulder, g - e))
        a, f = unit(e - self.shoulder), unit(g - e)
        return (
            np.array([a, normal, np.cross(a, normal)]).T,
            np.array([f, normal, np.cross(f, normal)]).T,
        )

    def rotations(self, grip: Array, pole: ArrayLike | None = None) -> tuple[Array, Array, Array]:
        """Rotations of upper arm and of forearm (in the body's frame) that bring the grip to ``grip``, and where it is.

        The hand stays in line with the forearm, so the forearm reaches from elbow to grip.
        """
        fore_m = float(np.linalg.norm(self.grip - self.elbow))
        e, g = elbow(self.shoulder, grip, self.pole if pole is None else pole, UPPER_ARM_M, fore_m)
        a0, f0 = self.bones(self.elbow, self.grip)
        a1, f1 = self.bones(e, g)
        return a1 @ a0.T, f1 @ f0.T, g


def rotation(axis: ArrayLike, angle_deg: float) -> Array:
    """Rotation matrix about an axis (Rodrigues)."""
    k = unit(axis)
    a = math.radians(angle_deg)
    c = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
    return np.eye(3) + math.sin(a) * c + (1 - math.cos(a)) * c @ c


def quaternion(m: Array) -> list[float]:
    """Unit quaternion wxyz of a rotation matrix, w ≥ 0 (Shepperd's method by the largest diagonal term)."""
    t = np.array([m.trace(), m[0, 0], m[1, 1], m[2, 2]])
    i = int(np.argmax(t))
    if i == 0:
        q = vec(1 + t[0], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1])
    else:
        a, b, c = i - 1, i % 3, (i + 1) % 3
        q = np.zeros(4)
        q[0] = m[c, b] - m[b, c]
        q[1 + a] = 1 + m[a, a] - m[b, b] - m[c, c]
        q[1 + b] = m[a, b] + m[b, a]
        q[1 + c] = m[a, c] + m[c, a]
    q = unit(q if q[0] >= 0 else -q)
    return [round(float(x), 5) for x in q]


Pose = dict[str, dict[str, list[float]]]


def joint(turn: Array | None = None, shift: ArrayLike = (0, 0, 0)) -> dict[str, list[float]]:
    """One part of a pose: its rotation relative to rest, and the shift of its origin, both in its parent's frame."""
    return {
        "q": quaternion(np.eye(3) if turn is None else turn),
        "t": [round(float(x), 5) for x in np.asarray(shift, float)],
    }


@dataclass(slots=True)
class Figure:
    """What building a model yields besides meshes: hands, tool in the hand, poses."""

    arms: dict[str, Arm] = field(default_factory=dict)
    poses: dict[str, Pose] = field(default_factory=dict)
