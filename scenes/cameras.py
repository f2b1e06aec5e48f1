"""Places to look from."""

import math
from dataclasses import replace

import numpy as np
from panda3d.core import LMatrix4, NodePath, Point3

from ..engine.errors import SceneError
from ..engine.hall import Camera, Hall
from ..engine.transforms import rotate, tracking_to_hall, tracking_to_hall_quaternion
from ..engine.types import Pose
from .players import Viewpoint

FIRST_PERSON = "podium"
"""Seen by the conductor: hands instead of the conductor's figure."""

NEAR_M, FAR_M = 0.08, 220.0
"""What is drawn lies between: the sky over a meadow too."""
WALL_M = 0.4
"""Cameras keep so far from walls."""
OVER_ROWS_M = 1.6
"""And so far over the floor of the audience's rows: between the heads."""

PICTURE = "picture"
"""Composed for stills: over the conductor's shoulder, the orchestra below, gallery and organ above."""

_OURS = {
    PICTURE: Camera((-1.3, -12.6, 5.0), (0.4, 6.0, 3.55), 68.0),
    # the conductor's eyes, a step back so that stand and hands are in the picture
    FIRST_PERSON: Camera((0.0, -0.52, 2.04), (0.0, 6.0, 0.60), 80.0),
    "strings": Camera((0.55, -0.1, 1.86), (3.2, 4.2, 0.62), 60.0),
}


def cameras_of(hall: Hall) -> dict[str, Camera]:
    """The hall's own cameras and ours, by name; in a small hall those of a large one stand at its walls, and they are
    above the heads of rows that rise."""
    return {name: _within(hall, camera) for name, camera in {**hall.cameras, **_OURS}.items()}


def _within(hall: Hall, camera: Camera) -> Camera:
    low, high = np.array(hall.low_m) + WALL_M, np.array(hall.high_m) - WALL_M
    x, y, z = (float(value) for value in np.clip(camera.position_m, low, high))
    rows = hall.rows
    if rows is not None and y < rows.first_y_m:
        z = max(z, rows.floor_z_m + rows.rise_m * (rows.first_y_m - y) / rows.pitch_m + OVER_ROWS_M)
    return replace(camera, position_m=(x, y, z))


def camera_named(hall: Hall, name: str) -> Camera:
    """One of ``cameras_of``. Raises ``SceneError`` with the names there are."""
    cameras = cameras_of(hall)
    if name not in cameras:
        raise SceneError(f"no camera named {name}: choose one of {', '.join(cameras)}")
    return cameras[name]


def aim(camera_node: NodePath, camera: Camera, aspect: float) -> None:
    """Put a camera where it looks from. Fields of view are horizontal at 16:9; other shapes keep the height."""
    camera_node.set_pos(Point3(*camera.position_m))
    camera_node.look_at(Point3(*camera.look_at_m))
    _set_field(camera_node, math.radians(camera.field_deg), aspect)


def follow_head(camera_node: NodePath, head: Pose, camera: Camera, aspect: float) -> None:
    """See with a tracked head's eyes."""
    camera_node.set_pos(Point3(*tracking_to_hall(head.position_m)))
    if head.orientation_wxyz is not None:
        turned = tracking_to_hall_quaternion(head.orientation_wxyz)
        rows = [rotate(turned, axis) for axis in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))]
        position = camera_node.get_pos()
        camera_node.set_mat(LMatrix4(*rows[0], 0, *rows[1], 0, *rows[2], 0, *position, 1))
    else:
        camera_node.look_at(Point3(*camera.look_at_m))
    _set_field(camera_node, math.radians(camera.field_deg), aspect)


def _set_field(camera_node: NodePath, horizontal_rad: float, aspect: float) -> None:
    vertical_rad = 2 * math.atan(math.tan(horizontal_rad / 2) * 9 / 16)
    across_rad = 2 * math.atan(math.tan(vertical_rad / 2) * aspect)
    lens = camera_node.node().get_lens()
    lens.set_near_far(NEAR_M, FAR_M)
    lens.set_fov(math.degrees(across_rad), math.degrees(vertical_rad))


def viewpoint(camera_node: NodePath, height_px: int) -> Viewpoint:
    """What a camera sees, for choosing players and their detail."""
    top = camera_node.get_top()
    across, up = (math.radians(angle) for angle in camera_node.node().get_lens().get_fov())
    corner = math.atan(math.hypot(math.tan(across / 2), math.tan(up / 2)))
    forward = top.get_relative_vector(camera_node, (0, 1, 0))
    return Viewpoint(
        eye_m=np.array(camera_node.get_pos(top)),
        forward=np.array(forward),
        half_field_rad=corner,
        pixels_per_radian=height_px / (2 * math.tan(up / 2)),
    )
