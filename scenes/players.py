"""The orchestra on the graphics card: one draw call per model and level of detail, however many players.

Joint matrices, colours and options of all players lie in one small float texture that is uploaded once a frame; a
second texture lists which player each instance of a batch is. So that players cost no scene graph nodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from panda3d.core import (
    CardMaker,
    ColorBlendAttrib,
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
    SamplerState,
    Texture,
    TransparencyAttrib,
)

from ..engine.types import PlayerPlacement
from . import shaders
from .appearance import Appearance
from .meshes import LEVELS, PlayerMesh

DETAIL_PX = (190.0, 75.0)
"""A player this tall on the screen gets the finest, or the middle, level of detail."""
PLAYER_HEIGHT_M = 1.4
PLAYER_RADIUS_M = 1.1
MUTED_BRIGHTNESS = 0.38


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """Where the picture is taken from, for choosing what to draw: hall frame, half field of view in radians."""

    eye_m: np.ndarray
    forward: np.ndarray
    half_field_rad: float
    pixels_per_radian: float


@dataclass(slots=True)
class _Batch:
    """One draw call: a model at a level of detail."""

    node: NodePath
    first: int
    level: int
    shown: int = -1


class InstancedPlayers:
    """Draws a cast of players. Rebuild it when the cast changes; ``seat`` when only places do; ``pose`` and
    ``look_from`` once a frame."""

    def __init__(
        self,
        parent: NodePath,
        placements: Sequence[PlayerPlacement],
        models: Sequence[str],
        meshes: dict[str, tuple[PlayerMesh, ...]],
        looks: Appearance,
    ) -> None:
        count = len(placements)
        self._root = parent.attach_new_node("players")
        self._models = np.array(models)
        self._texels = np.zeros((count, shaders.PLAYER_TEXELS, 4), "f4")
        self.seat(placements, looks)
        self._poses = _float_texture("poses", shaders.PLAYER_TEXELS, count, Texture.F_rgba32)
        self._cast = _float_texture("cast", count, LEVELS + 1, Texture.F_r32)
        self._rows = np.zeros((LEVELS + 1, count), "f4")
        self._rows[LEVELS] = np.arange(count)
        self._root.set_shader(shaders.make_shader(shaders.PLAYER_VERTEX, shaders.PLAYER_FRAGMENT))
        self._root.set_shader_inputs(poses=self._poses, members=self._cast)
        self._batches: list[_Batch] = []
        self._members: dict[str, np.ndarray] = {}
        first = 0
        for model in dict.fromkeys(models):
            members = np.flatnonzero(self._models == model)
            self._members[model] = members
            levels = meshes[model]
            for level in range(LEVELS):
                node = self._root.attach_new_node(_geom_node(f"{model} {level}", levels[min(level, len(levels) - 1)]))
                node.set_shader_input("batch", (first, level))
                node.hide()
                self._batches.append(_Batch(node, first, level))
            first += len(members)
        self._levels = np.full(count, -1)
        self._shadows = self._make_shadows(parent, count)

    def seat(self, placements: Sequence[PlayerPlacement], looks: Appearance) -> None:
        """The same players in other places, muted or not; the next ``pose`` shows them there."""
        self._centres = np.array([p.position_m for p in placements], float).reshape(-1, 3) + [0, 0, 0.8]
        tints = self._texels[:, shaders.TINT_TEXEL :]
        tints[:, 0, :3], tints[:, 1, :3], tints[:, 2, :3] = looks.skin, looks.hair, looks.shirt
        tints[:, 1, 3] = looks.options
        tints[:, 2, 3] = [MUTED_BRIGHTNESS if p.muted else 1.0 for p in placements]

    def remove(self) -> None:
        """Take the players out of the scene."""
        self._root.remove_node()
        self._shadows.remove_node()

    def pose(self, matrices: np.ndarray, glow: np.ndarray) -> None:
        """Show joint matrices (N, J, 3, 4) and the light of entries (N,)."""
        if not len(matrices):
            return
        self._texels[:, : shaders.TINT_TEXEL] = matrices.reshape(len(matrices), shaders.TINT_TEXEL, 4)
        self._texels[:, shaders.TINT_TEXEL, 3] = glow
        self._poses.set_ram_image(self._texels)

    def look_from(self, view: Viewpoint, hidden: Sequence[int] = ()) -> None:
        """Choose who is drawn in which detail. ``hidden`` are indices of players not to draw."""
        away = self._centres - view.eye_m
        distance = np.maximum(np.linalg.norm(away, axis=1), 0.3)
        size_px = PLAYER_HEIGHT_M / distance * view.pixels_per_radian
        levels = np.where(size_px > DETAIL_PX[0], 0, np.where(size_px > DETAIL_PX[1], 1, 2))
        ahead = away @ view.forward
        angle = np.arccos(np.clip(ahead / distance, -1, 1))
        margin = np.arcsin(np.clip(PLAYER_RADIUS_M / distance, 0, 1))
        levels[angle > view.half_field_rad + margin] = LEVELS
        levels[list(hidden)] = LEVELS
        if np.array_equal(levels, self._levels):
            return
        self._levels = levels
        counts = {}
        for batch in self._batches:
            members = self._members[batch.node.name.split(" ")[0]]
            chosen = members[levels[members] == batch.level]
            self._rows[batch.level, batch.first : batch.first + len(chosen)] = chosen
            counts[batch.node.name] = len(chosen)
            if len(chosen) != batch.shown:
                batch.shown = len(chosen)
                batch.node.set_instance_count(len(chosen))
                if len(chosen):
                    batch.node.show()
                else:
                    batch.node.hide()
        self._cast.set_ram_image(self._rows)

    def _make_shadows(self, parent: NodePath, count: int) -> NodePath:
        """One quad under each player: a soft shadow, and a pool of light at an entry."""
        maker = CardMaker("shadow")
        maker.set_frame((-1, -1, 0.012), (1, -1, 0.012), (1, 1, 0.012), (-1, 1, 0.012))
        node = parent.attach_new_node(maker.generate())
        node.node().set_bounds(OmniBoundingVolume())
        node.node().set_final(True)
        node.set_shader(shaders.make_shader(shaders.SHADOW_VERTEX, shaders.SHADOW_FRAGMENT))
        node.set_shader_inputs(poses=self._poses, members=self._cast, batch=(0, LEVELS))
        node.set_instance_count(count)
        node.set_attrib(
            ColorBlendAttrib.make(
                ColorBlendAttrib.M_add, ColorBlendAttrib.O_one, ColorBlendAttrib.O_one_minus_incoming_alpha
            )
        )
        node.set_transparency(TransparencyAttrib.M_none)
        node.set_depth_write(False)
        node.set_depth_offset(1)
        node.set_bin("fixed", 10)
        if not count:
            node.hide()
        return node


def _float_texture(name: str, width: int, height: int, layout: int) -> Texture:
    texture = Texture(name)
    texture.setup_2d_texture(width, max(height, 1), Texture.T_float, layout)
    texture.set_minfilter(SamplerState.FT_nearest)
    texture.set_magfilter(SamplerState.FT_nearest)
    texture.set_wrap_u(SamplerState.WM_clamp)
    texture.set_wrap_v(SamplerState.WM_clamp)
    texture.set_compression(Texture.CM_off)
    texture.set_keep_ram_image(True)
    return texture


def surface_format() -> GeomVertexFormat:
    """The vertex layout of everything the stage lights: position, normal, albedo, surface, joint."""
    array = GeomVertexArrayFormat()
    array.add_column(InternalName.get_vertex(), 3, GeomEnums.NT_float32, GeomEnums.C_point)
    array.add_column(InternalName.get_normal(), 3, GeomEnums.NT_float32, GeomEnums.C_normal)
    array.add_column(InternalName.make("albedo"), 3, GeomEnums.NT_float32, GeomEnums.C_other)
    array.add_column(InternalName.make("surface"), 4, GeomEnums.NT_float32, GeomEnums.C_other)
    array.add_column(InternalName.make("joint"), 1, GeomEnums.NT_float32, GeomEnums.C_other)
    layout = GeomVertexFormat()
    layout.add_array(array)
    return GeomVertexFormat.register_format(layout)


def surface_geom(mesh: PlayerMesh) -> Geom:
    """A mesh as a Panda3D geom in ``surface_format``."""
    data = GeomVertexData("mesh", surface_format(), GeomEnums.UH_static)
    rows = np.column_stack(
        [mesh.position, mesh.normal, mesh.colour, mesh.surface, mesh.tint, mesh.option, mesh.joint]
    ).astype("f4")
    data.unclean_set_num_rows(len(rows))
    memoryview(data.modify_array(0)).cast("B")[:] = memoryview(rows.tobytes())
    triangles = GeomTriangles(GeomEnums.UH_static)
    triangles.set_index_type(GeomEnums.NT_uint32)
    indices = triangles.modify_vertices()
    indices.unclean_set_num_rows(mesh.triangles.size)
    memoryview(indices).cast("B")[:] = memoryview(mesh.triangles.tobytes())
    geom = Geom(data)
    geom.add_primitive(triangles)
    return geom


def _geom_node(name: str, mesh: PlayerMesh) -> GeomNode:
    node = GeomNode(name)
    node.add_geom(surface_geom(mesh))
    # instances stand all over the stage: the scene graph cannot cull them by this mesh's bounds
    node.set_bounds(OmniBoundingVolume())
    node.set_final(True)
    return node
