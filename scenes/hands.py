"""The conductor's hands and baton as the conductor sees them, with the baton's trail."""

from collections import deque

import numpy as np
from panda3d.core import (
    ColorBlendAttrib,
    CullFaceAttrib,
    Geom,
    GeomEnums,
    GeomNode,
    GeomTristrips,
    GeomVertexData,
    GeomVertexFormat,
    LMatrix4,
    NodePath,
    OmniBoundingVolume,
)

from ..engine.transforms import tracking_to_hall
from ..engine.types import Frame, Pose
from . import shaders
from .conductor import BATON_DIRECTION, hand_in_hall, pointing
from .headset.skeleton_hand import SkeletonHand
from .meshes import read_prop
from .players import surface_geom

SKIN = (0.44, 0.25, 0.15)
TRAIL_S = 0.24
TRAIL_POINTS = 40
TRAIL_WIDTH_M = 0.006
TRAIL_COLOUR = (150, 105, 55)
GHOST_COLOUR = (50, 95, 150)
GHOST_OPACITY = 0.42
DEFAULT_TIP = np.array([0.0, 0.38, 0.0])
"""Tip of the baton in the hand's frame, where the model does not say."""


class ConductorHands:
    """Right hand with baton, left hand and the baton's trail. The trail shows in every view, hands only in one."""

    def __init__(self, parent: NodePath, players: NodePath) -> None:
        self._root = parent.attach_new_node("hands")
        self._root.set_shader(shaders.make_shader(shaders.PROP_VERTEX, shaders.PLAYER_FRAGMENT))
        self._right = _hand(self._root, players, "hand_R_baton")
        self._left = _hand(self._root, players, "hand_L")
        tip = players.find("**/hand_R_baton_tip")
        hand = players.find("**/hand_R_baton")
        self._tip = np.array(tip.get_pos(hand)) if not tip.is_empty() and not hand.is_empty() else DEFAULT_TIP
        self._mirrored = False
        self._fingers = SkeletonHand(self._root)
        self._trail = _Trail(parent, TRAIL_COLOUR)
        self._ghost = _hand(parent, players, "hand_R_baton")
        self._ghost.set_shader(self._root.get_shader())
        self._ghost.set_attrib(
            ColorBlendAttrib.make(
                ColorBlendAttrib.M_add,
                ColorBlendAttrib.O_constant_color,
                ColorBlendAttrib.O_one_minus_constant_color,
                (GHOST_OPACITY,) * 4,
            )
        )
        self._ghost.set_bin("fixed", 25)
        self._ghost.hide()
        self._ghost_trail = _Trail(parent, GHOST_COLOUR)

    def show_ghost(self, pose: Pose | None) -> None:
        """A see-through baton to imitate, where ``pose`` says; None takes it away."""
        if pose is None:
            self._ghost.hide()
            self._ghost_trail.clear()
            return
        direction = pointing(pose)
        place = np.array(tracking_to_hall(pose.position_m))
        matrix = _pointing(place, BATON_DIRECTION if direction is None else direction)
        self._ghost.show()
        self._ghost.set_mat(matrix)
        self._ghost_trail.extend(pose.time_s, np.array(matrix.xform_point(tuple(self._tip))))

    def hold_baton_left(self, left: bool) -> None:
        """The baton is in the left hand: both hands are drawn as their mirror images."""
        self._mirrored = left
        for hand in (self._right, self._left):
            if left:
                hand.set_attrib(CullFaceAttrib.make_reverse())
            else:
                hand.clear_attrib(CullFaceAttrib)

    def show_fingers(self, joints_m: np.ndarray | None) -> None:
        """The left hand as it is tracked, joint by joint (31, 3, hall frame); None: as the model has it."""
        self._fingers.show(joints_m)
        if joints_m is None:
            self._left.show()
        else:
            self._left.hide()

    def show(self, visible: bool) -> None:
        """Hands are for the conductor's own view."""
        if visible:
            self._root.show()
        else:
            self._root.hide()

    def update(self, frame: Frame) -> None:
        """Move the hands to a frame's poses."""
        grip, direction = hand_in_hall(frame, "baton")
        matrix = _pointing(grip, BATON_DIRECTION if direction is None else direction)
        self._right.set_mat(self._handed(matrix))
        left, left_direction = hand_in_hall(frame, "left")
        aside = np.array([0.25, 0.9, 0.2]) if left_direction is None else left_direction
        self._left.set_mat(self._handed(_pointing(left, aside)))
        self._trail.extend(frame.time_s, np.array(matrix.xform_point(tuple(self._tip))))

    def _handed(self, matrix: LMatrix4) -> LMatrix4:
        return LMatrix4.scale_mat(-1.0, 1.0, 1.0) * matrix if self._mirrored else matrix


class _Trail:
    """A ribbon through the last places of the baton's tip, brightest at the tip."""

    def __init__(self, parent: NodePath, colour: tuple[int, int, int]) -> None:
        self._colour = np.array([*colour, 255])
        self._points: deque[tuple[float, np.ndarray]] = deque(maxlen=TRAIL_POINTS)
        self._data = GeomVertexData("trail", GeomVertexFormat.get_v3c4(), GeomEnums.UH_stream)
        self._data.unclean_set_num_rows(2 * TRAIL_POINTS)
        strip = GeomTristrips(GeomEnums.UH_static)
        strip.add_next_vertices(2 * TRAIL_POINTS)
        strip.close_primitive()
        geom = Geom(self._data)
        geom.add_primitive(strip)
        node = GeomNode("trail")
        node.add_geom(geom)
        node.set_bounds(OmniBoundingVolume())
        node.set_final(True)
        self._node = parent.attach_new_node(node)
        self._geom_node = node
        self._node.set_shader(shaders.make_shader(shaders.TINTED_VERTEX, shaders.TINTED_FRAGMENT))
        self._node.set_attrib(
            ColorBlendAttrib.make(ColorBlendAttrib.M_add, ColorBlendAttrib.O_one, ColorBlendAttrib.O_one)
        )
        self._node.set_two_sided(True)
        self._node.set_depth_write(False)
        self._node.set_bin("fixed", 30)
        self._node.hide()

    def clear(self) -> None:
        self._points.clear()
        self._node.hide()

    def extend(self, time_s: float, tip: np.ndarray) -> None:
        if self._points and time_s < self._points[-1][0]:
            self._points.clear()
        self._points.append((time_s, tip))
        while time_s - self._points[0][0] > TRAIL_S:
            self._points.popleft()
        if len(self._points) < 3:
            self._node.hide()
            return
        self._node.show()
        places = np.array([place for _, place in self._points])
        ages = (time_s - np.array([stamp for stamp, _ in self._points])) / TRAIL_S
        along = np.gradient(places, axis=0)
        across = np.cross(along, [0.0, 1.0, 0.0])
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
        width = TRAIL_WIDTH_M * (1 - ages)[:, None]
        rows = np.zeros(2 * TRAIL_POINTS, np.dtype([("place", "f4", 3), ("colour", "u1", 4)]))
        used = 2 * len(places)
        rows["place"][0:used:2], rows["place"][1:used:2] = places + across * width, places - across * width
        fade = np.clip(1 - ages, 0, 1)[:, None] ** 2
        rows["colour"][:used] = np.repeat(fade * self._colour, 2, axis=0).astype("u1")
        rows[used:] = rows[used - 1]
        memoryview(self._geom_node.modify_geom(0).modify_vertex_data().modify_array(0)).cast("B")[:] = memoryview(
            rows.tobytes()
        )


def _pointing(place: np.ndarray, direction: np.ndarray) -> LMatrix4:
    """A frame at ``place`` whose +Y points along ``direction`` and whose +Z is as near to up as can be."""
    forward = direction / np.linalg.norm(direction)
    up = np.array([0.0, 0.0, 1.0]) - forward * forward[2]
    length = float(np.linalg.norm(up))
    up = up / length if length > 1e-3 else np.array([0.0, -1.0, 0.0])
    right = np.cross(forward, up)
    return LMatrix4(*right, 0, *forward, 0, *up, 0, *place, 1)


def _hand(parent: NodePath, players: NodePath, name: str) -> NodePath:
    holder = parent.attach_new_node(name)
    model = players.find(f"**/{name}")
    if not model.is_empty():
        node = GeomNode(name)
        node.add_geom(surface_geom(read_prop(model, SKIN)))
        holder.attach_new_node(node)
    return holder
