"""The player models as arrays: ``players.glb`` read once, each model and level of detail one mesh.

A mesh holds every part of a model in rest position. Each vertex names the joint that moves it and the option it
belongs to (a hair style, a build, the music stand), so that one mesh in one draw call serves players who look
and move differently.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gltf
import numpy as np
from panda3d.core import Geom, GeomNode, GeomVertexData, InternalName, NodePath

from ..engine.errors import SceneError

JOINTS = (
    *("floor", "body", "head", "arm_R", "arm_L", "fore_R", "fore_L", "instrument", "hold_R", "hold_L"),
    *("thighs", "shins", "chair"),
)
"""The moving joints of a player, parents before children. ``floor`` never moves; ``hold_*`` is what the hand holds
(bow, beater, stick). Legs and chairs move when a seated player stands up (``standing``)."""

PART_JOINT = {
    "legs": "shins",
    "chair": "chair",
    "stand": "floor",
    "ground": "floor",
    "body": "body",
    "body_b": "body",
    "shirt": "body",
    "head": "head",
    "hair": "head",
    "hair_b": "head",
    "hair_c": "head",
    "hair_d": "head",
    "instrument": "instrument",
    "arm_R": "arm_R",
    "fore_R": "fore_R",
    "bow": "hold_R",
    "stick_R": "hold_R",
    "baton": "hold_R",
    "arm_L": "arm_L",
    "fore_L": "fore_L",
    "stick_L": "hold_L",
}
"""Which joint moves a part of the models (``assets/models/README.md``)."""

OPTION_BIT = {"body": 0, "body_b": 1, "hair": 2, "hair_b": 3, "hair_c": 4, "hair_d": 5, "shirt": 6, "stand": 7}
"""Parts that a player may have or not: bit of the player's option mask."""
NO_OPTION = 15

TINTS = ("none", "skin", "hair", "shirt")
_PART_TINT = {"head": 1, "hair": 2, "hair_b": 2, "hair_c": 2, "hair_d": 2, "shirt": 3}

LEVELS = 3

KNEE_M = (0.0, 0.40, 0.51)
"""Where the knees of those who sit bend, model frame: what is behind them and higher than a calf is a thigh."""
CALF_M = 0.40


@dataclass(frozen=True, slots=True)
class PlayerMesh:
    """One model at one level of detail, at rest, model frame (Z up, facing +Y, floor under the hips at the origin).

    ``position`` and ``normal`` (V, 3); ``colour`` (V, 3) linear albedo × occlusion, divided by the base colour where
    the vertex is tinted; ``surface`` (V, 2) roughness and metal; ``tint``, ``joint``, ``option`` (V,) indices into
    ``TINTS``, ``JOINTS`` and ``OPTION_BIT``; ``triangles`` (T, 3).
    """

    position: np.ndarray
    normal: np.ndarray
    colour: np.ndarray
    surface: np.ndarray
    tint: np.ndarray
    joint: np.ndarray
    option: np.ndarray
    triangles: np.ndarray
    parts: frozenset[str]


def load_gltf(path: Path) -> NodePath:
    """A glTF file as a scene graph, textures left as stored. Raises ``SceneError``."""
    if not path.is_file():
        raise SceneError(f"{path.name} is missing from the installation: install Tutti again")
    settings = gltf.GltfSettings(no_srgb=True, skip_animations=True)
    try:
        return NodePath(gltf.load_model(str(path), settings))
    except (OSError, ValueError, LookupError, RuntimeError, AssertionError, struct.error) as error:
        raise SceneError(
            f"{path.name} cannot be read ({error or type(error).__name__}): install Tutti again"
        ) from error


def read_player_meshes(scene: NodePath) -> dict[str, tuple[PlayerMesh, ...]]:
    """Every model of ``players.glb``: its meshes from most to least detail (one to ``LEVELS`` of them)."""
    roots = {root.name: root for root in scene.find_all_matches("**/player_*")}
    result = {}
    for name, root in roots.items():
        if re.search(r"_lod\d$", name):
            continue
        levels = [root] + [roots[f"{name}_lod{k}"] for k in range(1, LEVELS) if f"{name}_lod{k}" in roots]
        result[name.removeprefix("player_")] = tuple(_read_mesh(level) for level in levels)
    if not result:
        raise SceneError("players.glb holds no players: install Tutti again")
    return result


def geoms_of(node: NodePath) -> Iterator[tuple[Geom, NodePath]]:
    """The geometry of one glTF node: its own and its mesh children's, not its child nodes'."""
    for candidate in (node, *node.children):
        panda_node = candidate.node()
        if isinstance(panda_node, GeomNode):
            for geom in panda_node.get_geoms():
                yield geom, candidate


def vertex_column(data: GeomVertexData, name: str) -> np.ndarray | None:
    """A float column of a vertex table as (V, components), or None where the table lacks it."""
    table = data.get_format().get_array_with(InternalName.make(name))
    if table < 0:
        return None
    layout = data.get_format().get_array(table)
    column = layout.get_column(InternalName.make(name))
    raw = np.frombuffer(memoryview(data.get_array(table).get_handle().get_data()), np.uint8)
    rows = raw.reshape(-1, layout.get_stride())
    kind = {1: "u1", 2: "u2", 4: "f4"}[column.get_component_bytes()]
    start, size = column.get_start(), column.get_num_components() * column.get_component_bytes()
    values = np.ascontiguousarray(rows[:, start : start + size]).view(kind).astype("f4")
    return values / {"u1": 255.0, "u2": 65535.0, "f4": 1.0}[kind]


def triangle_indices(geom: Geom) -> np.ndarray:
    """The triangles of a geom, (T, 3)."""
    result = []
    for primitive in geom.get_primitives():
        primitive = primitive.decompose()
        if primitive.is_indexed():
            vertices = primitive.get_vertices()
            width = vertices.get_array_format().get_stride()
            raw = memoryview(vertices.get_handle().get_data())
            result.append(np.frombuffer(raw, {1: "u1", 2: "u2", 4: "u4"}[width]).astype("i4").reshape(-1, 3))
        else:
            first, count = primitive.get_first_vertex(), primitive.get_num_vertices()
            result.append(np.arange(first, first + count, dtype="i4").reshape(-1, 3))
    return np.concatenate(result)


def read_prop(node: NodePath, skin: tuple[float, float, float] | None = None) -> PlayerMesh:
    """A thing of its own (hand, stand) with everything below it, in the frame of ``node``; it has no joints.

    With ``skin`` (linear RGB) the warm-coloured vertices take that colour.
    """
    collected = _Collector(node)
    for holder in node.find_all_matches("**/+GeomNode"):
        collected.add(holder, "", "floor", hand=skin is not None)
    if isinstance(node.node(), GeomNode):
        collected.add(node, "", "floor", hand=skin is not None)
    mesh = collected.mesh(frozenset({node.name}))
    if skin is not None:
        mesh.colour[mesh.tint == 1] *= np.array(skin, "f4")
    return mesh


def _read_mesh(root: NodePath) -> PlayerMesh:
    prefix = root.name.removeprefix("player_") + "_"
    parts: set[str] = set()
    collected = _Collector(root)
    for node in root.find_all_matches("**"):
        part = node.name.removeprefix(prefix)
        if node.name.startswith(prefix) and part in PART_JOINT:
            parts.add(part)
            collected.add(node, part, PART_JOINT[part], hand=part.startswith("fore_"))
    # a model without a second build shows its only one whatever the player's build is
    mesh = collected.mesh(frozenset(parts), optional="body_b" in parts)
    if "chair" in parts:
        _, y, z = mesh.position.T
        mesh.joint[(mesh.joint == JOINTS.index("shins")) & (y < KNEE_M[1]) & (z > CALF_M)] = JOINTS.index("thighs")
    return mesh


class _Collector:
    """Gathers the geometry of nodes into one mesh."""

    def __init__(self, root: NodePath) -> None:
        self._root = root
        self._count = 0
        names = ("position", "normal", "colour", "surface", "tint", "joint", "option", "triangles")
        self._columns: dict[str, list[np.ndarray]] = {name: [] for name in names}

    def add(self, node: NodePath, part: str, joint: str, *, hand: bool) -> None:
        for geom, holder in geoms_of(node):
            data = geom.get_vertex_data()
            position = vertex_column(data, "vertex")
            if position is None:
                continue
            size = len(position)
            matrix = np.array(holder.get_mat(self._root), dtype="f4").reshape(4, 4)
            colour = vertex_column(data, "color")
            normal = vertex_column(data, "normal")
            surface = vertex_column(data, "texcoord.0")
            tint = _tint_of(part, colour, size, hand=hand)
            colour = np.ones((size, 3), "f4") if colour is None else colour[:, :3]
            # panda3d-gltf turns V over, so that metal arrives as 1 − v
            matte = np.tile(np.array([0.9, 0.0], "f4"), (size, 1))
            columns = self._columns
            columns["position"].append(position @ matrix[:3, :3] + matrix[3, :3])
            columns["normal"].append(np.zeros((size, 3), "f4") if normal is None else normal @ matrix[:3, :3])
            columns["colour"].append(_without_base(colour, tint))
            columns["surface"].append(matte if surface is None else surface * [1, -1] + [0, 1])
            columns["tint"].append(tint)
            columns["joint"].append(np.full(size, JOINTS.index(joint)))
            columns["option"].append(np.full(size, OPTION_BIT.get(part, NO_OPTION)))
            columns["triangles"].append(triangle_indices(geom) + self._count)
            self._count += size

    def mesh(self, parts: frozenset[str], *, optional: bool = True) -> PlayerMesh:
        if not self._count:
            raise SceneError(f"players.glb: {self._root.name} is empty: install Tutti again")
        arrays = {name: np.concatenate(pieces) for name, pieces in self._columns.items()}
        if not optional:
            arrays["option"][arrays["option"] == OPTION_BIT["body"]] = NO_OPTION
        return PlayerMesh(
            position=arrays["position"].astype("f4"),
            normal=arrays["normal"].astype("f4"),
            colour=arrays["colour"].astype("f4"),
            surface=np.clip(arrays["surface"], 0, 1).astype("f4"),
            tint=arrays["tint"].astype("u1"),
            joint=arrays["joint"].astype("u1"),
            option=arrays["option"].astype("u1"),
            triangles=arrays["triangles"].astype("u4"),
            parts=parts,
        )


def _tint_of(part: str, colour: np.ndarray | None, size: int, *, hand: bool) -> np.ndarray:
    """Which tint each vertex takes: where the models' alpha says so, skin wherever the part is no hair."""
    whole = _PART_TINT.get(part, 0)
    if colour is None:
        return np.full(size, whole)
    if colour.shape[1] == 4 and colour[:, 3].min() < 0.5:
        return np.where(colour[:, 3] > 0.5, whole or TINTS.index("skin"), 0)
    if hand:
        # hands share a mesh with their sleeves: they are the part that is warm in hue
        return np.where((colour[:, 0] > 1.2 * colour[:, 1]) & (colour[:, 0] > 0.04), TINTS.index("skin"), 0)
    return np.full(size, whole)


def _without_base(colour: np.ndarray, tint: np.ndarray) -> np.ndarray:
    """Tinted vertices divided by their unoccluded colour, so that a player's tint is the albedo itself."""
    result = colour.copy()
    for index in range(1, len(TINTS)):
        chosen = tint == index
        if chosen.any():
            base = np.percentile(colour[chosen], 99, axis=0)
            result[chosen] = np.minimum(colour[chosen] / np.maximum(base, 1e-3), 1.2)
    return result
