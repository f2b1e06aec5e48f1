"""The hands of the audience: hundreds of pairs that clap, one draw call, hidden while nobody does."""

import numpy as np
from panda3d.core import (
    Geom,
    GeomEnums,
    GeomNode,
    GeomTriangles,
    GeomVertexArrayFormat,
    GeomVertexData,
    GeomVertexFormat,
    InternalName,
    NodePath,
    OmniBoundingVolume,
)

from ..engine.types import Applause
from . import shaders
from .meshes import geoms_of, vertex_column

HEAD_M, BETWEEN_HEADS_M = 0.22, 0.12
"""How high a head is, and the least that is free between two."""
HAND_M = (0.045, 0.05, 0.085)
FORWARD_M, BELOW_M = 0.26, 0.36
"""Where hands clap: before the chest, below the top of the head."""
RISES_S, DIES_S = 1.2, 2.5
CLAPS_PER_S = (2.4, 4.6)


def _ball() -> tuple[np.ndarray, np.ndarray]:
    """Corners on the unit sphere and faces: an octahedron whose edges are halved once."""
    corners = [np.array(c, float) for c in ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))]
    faces = []
    for a, b, c in ((0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)):
        first = len(corners)
        corners += [(corners[i] + corners[j]) / np.sqrt(2.0) for i, j in ((a, b), (b, c), (c, a))]
        faces += [
            (a, first, first + 2),
            (first, b, first + 1),
            (first + 2, first + 1, c),
            (first, first + 1, first + 2),
        ]
    return np.array(corners), np.array(faces)


_CORNERS, _FACES = _ball()


class ClappingHands:
    """Claps under ``parent`` (hall frame) from ``begin`` on; ``update`` once a frame. One thread."""

    def __init__(self, parent: NodePath, hall_model: NodePath) -> None:
        heads = listeners(hall_model)
        self.people = len(heads)
        self._applause: Applause | None = None
        self._node = parent.attach_new_node(_hands(heads) if self.people else GeomNode("hands"))
        self._node.set_shader(shaders.make_shader(shaders.CLAP_VERTEX, shaders.CLAP_FRAGMENT))
        self._node.set_shader_inputs(clap=(0.0, 0.0))
        self._node.hide()

    def begin(self, applause: Applause) -> None:
        """Clap then, or longer than it was meant before."""
        before = self._applause
        begin_s = applause.begin_s if before is None else min(before.begin_s, applause.begin_s)
        self._applause = Applause(begin_s, applause.end_s, applause.warmth)

    def update(self, time_s: float) -> None:
        """Move the hands to where they are at a time."""
        share = 0.0 if self._applause is None else clapping_share(self._applause, time_s)
        if share <= 0.0:
            self._node.hide()
            return
        self._node.set_shader_inputs(clap=(time_s % 1000.0, share))
        self._node.show()


def clapping_share(applause: Applause, time_s: float) -> float:
    """How many of the audience clap at a time, 0–1."""
    return float(min(1.0, max(0.0, min((time_s - applause.begin_s) / RISES_S, (applause.end_s - time_s) / DIES_S))))


def listeners(hall_model: NodePath) -> np.ndarray:
    """Everybody in the hall's model, (n, 5): the tops of their heads, and the way they look (x, y; unit vectors)."""
    people = []
    for row in hall_model.find_all_matches("**/audience_*"):
        places = [
            _within(vertices, holder, row)
            for geom, holder in geoms_of(row)
            if (vertices := vertex_column(geom.get_vertex_data(), "vertex")) is not None
        ]
        if not places:
            continue
        corners = np.concatenate(places)
        skulls = corners[corners[:, 2] > np.quantile(corners[:, 2], 0.98) - HEAD_M]
        skulls = skulls[np.argsort(skulls[:, 0])]
        gaps = np.flatnonzero(np.diff(skulls[:, 0]) > BETWEEN_HEADS_M) + 1
        heads = np.array([(own[:, 0].mean(), own[:, 1].mean(), own[:, 2].max()) for own in np.split(skulls, gaps)])
        ahead = np.array(row.get_mat(hall_model)).reshape(4, 4)[1, :2]  # a row looks along its own +Y
        looks = np.tile(ahead / np.linalg.norm(ahead), (len(heads), 1))
        people.append(np.column_stack([_within(heads, row, hall_model), looks]))
    return np.unique(np.concatenate(people).round(3), axis=0) if people else np.zeros((0, 5))


def _within(vertices: np.ndarray, holder: NodePath, outer: NodePath) -> np.ndarray:
    """Vertices of ``holder`` in the frame of ``outer``."""
    matrix = np.array(holder.get_mat(outer)).reshape(4, 4)
    return np.asarray(vertices @ matrix[:3, :3] + matrix[3, :3])


def _hands(listening: np.ndarray) -> GeomNode:
    array = GeomVertexArrayFormat()
    array.add_column(InternalName.get_vertex(), 3, GeomEnums.NT_float32, GeomEnums.C_point)
    array.add_column(InternalName.make("corner"), 3, GeomEnums.NT_float32, GeomEnums.C_other)
    array.add_column(InternalName.make("beat"), 4, GeomEnums.NT_float32, GeomEnums.C_other)
    layout = GeomVertexFormat()
    layout.add_array(array)
    data = GeomVertexData("hands", GeomVertexFormat.register_format(layout), GeomEnums.UH_static)
    random = np.random.default_rng(19)
    people = len(listening)
    heads, looks = listening[:, :3], listening[:, 3:]
    place = np.repeat(heads + np.column_stack([FORWARD_M * looks, np.full(people, -BELOW_M)]), 2, axis=0)
    ahead_rad = np.arctan2(looks[:, 1], looks[:, 0])
    side = np.column_stack([ahead_rad + np.pi / 2, ahead_rad - np.pi / 2]).ravel()
    rate = np.repeat(random.uniform(*CLAPS_PER_S, people), 2)
    phase, order = np.repeat(random.random(people), 2), np.repeat(random.random(people), 2)
    corners = len(_CORNERS)
    rows = np.column_stack(
        [
            np.repeat(place, corners, axis=0),
            np.tile(_CORNERS * HAND_M, (2 * people, 1)),
            np.repeat(np.column_stack([side, rate, phase, order]), corners, axis=0),
        ]
    ).astype("f4")
    data.unclean_set_num_rows(len(rows))
    memoryview(data.modify_array(0)).cast("B")[:] = rows.tobytes()  # type: ignore[call-overload]
    faces = (_FACES[None] + corners * np.arange(2 * people)[:, None, None]).astype(np.uint32)
    triangles = GeomTriangles(GeomEnums.UH_static)
    triangles.set_index_type(GeomEnums.NT_uint32)
    indices = triangles.modify_vertices()
    indices.unclean_set_num_rows(faces.size)
    memoryview(indices).cast("B")[:] = faces.tobytes()  # type: ignore[call-overload]
    geom = Geom(data)
    geom.add_primitive(triangles)
    node = GeomNode("hands")
    node.add_geom(geom)
    node.set_bounds(OmniBoundingVolume())
    node.set_final(True)
    return node
