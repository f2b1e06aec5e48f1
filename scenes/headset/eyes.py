"""The two eyes of a headset: a VR runtime's matrices turned into one Panda3D lens that is culled once.

OpenVR's matrices act on column vectors with Y up and −Z ahead; Panda3D's on row vectors with Z up and +Y ahead.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from panda3d.core import LMatrix4, MatrixLens

from ..cameras import FAR_M

NEAR_M = 0.05
"""Nearer than a hand before the face."""
TO_TRACKING = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
"""From Z up to Y up, for column vectors; its inverse is its transpose."""


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye: where it is in the head (4 × 4, tracking axes, metres), and its projection (4 × 4, OpenGL depth)."""

    to_head: np.ndarray
    projection: np.ndarray


@dataclass(frozen=True, slots=True)
class Field:
    """A frustum that holds what both eyes see: tangents of its sides, and how far behind the head its point is."""

    left: float
    right: float
    down: float
    up: float
    behind_m: float

    @property
    def half_field_rad(self) -> float:
        """From the middle to the farthest corner."""
        across, along = max(-self.left, self.right), max(-self.down, self.up)
        return math.atan(math.hypot(across, along))


def matrix_of(rows: Sequence[Sequence[float]]) -> np.ndarray:
    """A 4 × 4 matrix of OpenVR's, which leaves out the last row of a movement."""
    matrix = np.eye(4)
    matrix[: len(rows)] = [list(row) for row in rows]
    return matrix


def panda(matrix: np.ndarray) -> LMatrix4:
    """A matrix for column vectors as Panda3D's for row vectors."""
    return LMatrix4(*map(float, matrix.T.ravel()))


def moved(pose: np.ndarray) -> LMatrix4:
    """A movement in tracking axes as the matrix of a Panda3D node."""
    return panda(TO_TRACKING.T @ pose @ TO_TRACKING)


def eye_of(projection: np.ndarray, to_head: np.ndarray, near_m: float = NEAR_M, far_m: float = FAR_M) -> Eye:
    """An eye from the runtime's matrices. Runtimes give a depth of 0…1 as Direct3D has it; OpenGL's is −1…1."""
    own = projection.copy()
    own[2] = [0.0, 0.0, -(far_m + near_m) / (far_m - near_m), -2.0 * far_m * near_m / (far_m - near_m)]
    own[3] = [0.0, 0.0, -1.0, 0.0]
    return Eye(to_head, own)


def common_field(eyes: Sequence[Eye]) -> Field:
    """The narrowest upright frustum with its point on the head's axis that holds what all eyes see, turned or not."""
    tangents, points = [], []
    for eye in eyes:
        to_eye = np.linalg.inv(eye.projection[:2, :3][:, [0, 1]])
        for x in (-1.0, 1.0):
            for y in (-1.0, 1.0):
                # where the line of sight of a corner meets the plane one metre ahead of the eye
                at = to_eye @ (np.array([x, y]) + eye.projection[:2, 2])
                ray = eye.to_head[:3, :3] @ np.array([at[0], at[1], -1.0])
                tangents.append(ray[:2] / max(-ray[2], 1e-3))
        points.append(eye.to_head[:3, 3])
    (left, down), (right, up) = np.min(tangents, axis=0), np.max(tangents, axis=0)
    behind = 0.0
    for x, y, z in points:
        # the frustum's point moves back until the eye itself is inside
        behind = max(behind, x / right - z, x / left - z, y / up - z, y / down - z)
    return Field(float(left), float(right), float(down), float(up), float(behind))


def aim_lens(lens: MatrixLens, eyes: tuple[Eye, Eye], field: Field) -> None:
    """Let a lens project for both eyes; its own matrix, by which is culled, is the common field's."""
    left, right = (panda(eye.projection @ np.linalg.inv(eye.to_head) @ TO_TRACKING) for eye in eyes)
    lens.set_left_eye_mat(left)
    lens.set_right_eye_mat(right)
    back = np.eye(4)
    back[2, 3] = -field.behind_m
    lens.set_user_mat(panda(_frustum(field) @ back @ TO_TRACKING))


def _frustum(field: Field) -> np.ndarray:
    width, height = field.right - field.left, field.up - field.down
    far_m = FAR_M + field.behind_m
    near_m = NEAR_M
    return np.array(
        [
            [2.0 / width, 0.0, (field.right + field.left) / width, 0.0],
            [0.0, 2.0 / height, (field.up + field.down) / height, 0.0],
            [0.0, 0.0, -(far_m + near_m) / (far_m - near_m), -2.0 * far_m * near_m / (far_m - near_m)],
            [0.0, 0.0, -1.0, 0.0],
        ]
    )
