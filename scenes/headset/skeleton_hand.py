"""A hand drawn from its tracked bones: rounded limbs between the joints, a palm and a cuff, one draw call."""

import numpy as np
from panda3d.core import GeomNode, NodePath, OmniBoundingVolume

from .. import shaders
from ..meshes import PlayerMesh
from ..players import surface_geom

SKIN = (0.44, 0.25, 0.15)
CUFF = (0.02, 0.02, 0.024)
WRIST, MIDDLE_KNUCKLE = 1, 12
CUFF_M = (0.055, 0.031)
"""Length and radius of the cuff behind the wrist."""
AROUND, CAP_RINGS = 12, 3
LIMBS: tuple[tuple[int, int, float, float], ...] = (
    (2, 3, 0.0135, 0.0120),
    (3, 4, 0.0115, 0.0100),
    (4, 5, 0.0098, 0.0075),
    *(
        limb
        for first, thick in ((7, 1.0), (12, 1.03), (17, 0.98), (22, 0.86))
        for limb in (
            (first, first + 1, 0.0100 * thick, 0.0088 * thick),
            (first + 1, first + 2, 0.0086 * thick, 0.0076 * thick),
            (first + 2, first + 3, 0.0075 * thick, 0.0060 * thick),
        )
    ),
    (WRIST, 2, 0.0160, 0.0150),
    (WRIST, 7, 0.0170, 0.0115),
    (WRIST, 12, 0.0180, 0.0120),
    (WRIST, 17, 0.0180, 0.0115),
    (WRIST, 22, 0.0165, 0.0105),
    (2, 7, 0.0120, 0.0100),
    (7, 12, 0.0105, 0.0110),
    (12, 17, 0.0110, 0.0105),
    (17, 22, 0.0105, 0.0100),
)
"""From joint to joint of OpenVR's hand skeleton (wrist 1, thumb 2–5, then five joints a finger from its root in the
palm), with the radius at either end in metres: a grown-up's hand (Greiner, "Hand anthropometry of U.S. Army
personnel", 1991)."""


class SkeletonHand:
    """One hand under ``parent``, hidden until it is shown. ``show`` once a frame."""

    def __init__(self, parent: NodePath) -> None:
        limb = _limb()
        self._along, self._ring = limb[:, 0], limb[:, 1:]
        count, size = len(LIMBS) + 1, len(limb)
        self._ends = np.array([row[:2] for row in LIMBS])
        self._radii = np.array([*(row[2:] for row in LIMBS), (CUFF_M[1] * 0.94, CUFF_M[1])])
        colour = np.tile(np.array(SKIN, "f4"), (count * size, 1))
        colour[-size:] = CUFF
        surface = np.tile(np.array([0.55, 0.0], "f4"), (count * size, 1))
        surface[-size:] = (0.9, 0.0)
        nothing = np.zeros(count * size, "u1")
        triangles = np.concatenate([_triangles() + size * index for index in range(count)])
        mesh = PlayerMesh(
            position=np.zeros((count * size, 3), "f4"),
            normal=np.zeros((count * size, 3), "f4"),
            colour=colour,
            surface=surface,
            tint=nothing,
            joint=nothing,
            option=nothing + 15,
            triangles=triangles.astype("u4"),
            parts=frozenset(),
        )
        self._node = GeomNode("fingers")
        self._node.add_geom(surface_geom(mesh))
        self._node.set_bounds(OmniBoundingVolume())
        self._node.set_final(True)
        self._path = parent.attach_new_node(self._node)
        self._path.set_shader(shaders.make_shader(shaders.PROP_VERTEX, shaders.PLAYER_FRAGMENT))
        self._path.hide()

    def show(self, joints_m: np.ndarray | None) -> None:
        """Draw the hand with its joints there (31, 3), in the frame of the parent; None hides it."""
        if joints_m is None:
            self._path.hide()
            return
        starts, ends = joints_m[self._ends[:, 0]], joints_m[self._ends[:, 1]]
        back = joints_m[WRIST] - joints_m[MIDDLE_KNUCKLE]
        cuff = joints_m[WRIST] + back * (CUFF_M[0] / max(float(np.linalg.norm(back)), 1e-6))
        starts, ends = np.vstack([starts, joints_m[WRIST]]), np.vstack([ends, cuff])
        places, normals = self._limbs(starts, ends)
        data = self._node.modify_geom(0).modify_vertex_data().modify_array(0)
        rows = np.frombuffer(memoryview(data).cast("B"), "f4").reshape(len(places), -1)
        rows[:, :3], rows[:, 3:6] = places, normals
        self._path.show()

    def _limbs(self, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places and normals of the vertices of all limbs."""
        axis = ends - starts
        length = np.maximum(np.linalg.norm(axis, axis=1), 1e-6)
        axis = axis / length[:, None]
        helper = np.where(np.abs(axis[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
        across = np.cross(axis, helper)
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        frame = np.stack([across, np.cross(axis, across), axis], axis=1)  # (limbs, 3, 3)
        normals = self._ring @ frame  # (limbs, vertices, 3)
        middle = starts[:, None] + (axis * length[:, None])[:, None] * self._along[:, None]
        radius = self._radii[:, :1] + (self._radii[:, 1:] - self._radii[:, :1]) * self._along
        return (middle + radius[..., None] * normals).reshape(-1, 3), normals.reshape(-1, 3)


def _limb() -> np.ndarray:
    """A limb's vertices (V, 4): how far along it each hangs (0 or 1), and where from there for a radius of one."""
    around = np.linspace(0.0, 2.0 * np.pi, AROUND, endpoint=False)
    rows = []
    for end in (0.0, 1.0):
        tilts = (
            np.linspace(-np.pi / 2, 0.0, CAP_RINGS + 1) if end == 0.0 else np.linspace(0.0, np.pi / 2, CAP_RINGS + 1)
        )
        for tilt in tilts:
            for angle in around:
                flat = np.cos(tilt)
                rows.append((end, flat * np.cos(angle), flat * np.sin(angle), np.sin(tilt)))
    return np.array(rows)


def _triangles() -> np.ndarray:
    rings = 2 * (CAP_RINGS + 1)
    rows = []
    for ring in range(rings - 1):
        for k in range(AROUND):
            a, b = ring * AROUND + k, ring * AROUND + (k + 1) % AROUND
            rows += [(a, b, b + AROUND), (a, b + AROUND, a + AROUND)]
    return np.array(rows)
