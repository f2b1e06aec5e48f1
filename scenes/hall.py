"""The hall: baked walls and stage, seats and listeners, lamps with their halos."""

import re
from collections.abc import Sequence

import numpy as np
from panda3d.core import (
    AntialiasAttrib,
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
)

from ..assets import asset_path
from . import shaders
from .audience import ClappingHands
from .meshes import load_gltf

PROPS = ("seats", "audience", "chandelier", "lamp", "wire")
HALOS_M = {"chandelier": (2.7, (-0.05, 0.6)), "lamp": (0.62, (0.0,))}
"""How wide light shines round a kind of lamps, and at which heights above their origin."""
HALO_LIGHT = (1.0, 0.70, 0.36, 0.42)


def build_hall(render: NodePath, picture: str) -> NodePath:
    """The hall as the model of this name has it, under ``render``; its tag ``clapping`` is the ``ClappingHands`` of the
    house."""
    model = load_gltf(asset_path("models", "halls", f"{picture}.glb"))
    hall = render.attach_new_node("hall")
    baked = hall.attach_new_node("baked")
    baked.set_shader(shaders.make_shader(shaders.BAKED_VERTEX, shaders.BAKED_FRAGMENT))
    for node in model.find_all_matches("**/hall_*"):
        node.wrt_reparent_to(baked)
    for texture in baked.find_all_textures():
        texture.set_minfilter(SamplerState.FT_linear_mipmap_linear)
        texture.set_anisotropic_degree(8)
    hall.set_python_tag("clapping", ClappingHands(hall, model))
    tinted = hall.attach_new_node("props")
    tinted.set_shader(shaders.make_shader(shaders.TINTED_VERTEX, shaders.TINTED_FRAGMENT))
    for name, (size_m, heights_m) in HALOS_M.items():
        places = _lamp_places(model, name, heights_m)
        if len(places):
            _halos(places, size_m).reparent_to(hall)
    for name in PROPS:
        _gather(model, name, tinted)
    return hall


def add_vignette(parent: NodePath) -> NodePath:
    """Darkens the corners of whatever is drawn under ``parent``'s camera: one quad multiplied onto the picture."""
    maker = CardMaker("vignette")
    maker.set_frame_fullscreen_quad()
    node = parent.attach_new_node(maker.generate())
    node.node().set_bounds(OmniBoundingVolume())
    node.node().set_final(True)
    node.set_shader(shaders.make_shader(shaders.VIGNETTE_VERTEX, shaders.VIGNETTE_FRAGMENT))
    node.set_attrib(
        ColorBlendAttrib.make(ColorBlendAttrib.M_add, ColorBlendAttrib.O_fbuffer_color, ColorBlendAttrib.O_zero)
    )
    node.set_depth_test(False)
    node.set_depth_write(False)
    node.set_bin("fixed", 100)
    node.set_antialias(AntialiasAttrib.M_none)
    return node


def _gather(model: NodePath, name: str, parent: NodePath) -> None:
    """All props of a kind as few geoms: front and rear half of the house, so that one of them can be culled."""
    for node in _numbered(model, name):
        tag = node.get_tag("tint") or node.get_python_tag("tint")
        tint = float(tag) if tag else 1.0
        half = "front" if node.get_y(model) > -16.0 else "rear"
        group = parent.find(f"{name} {half}")
        if group.is_empty():
            group = parent.attach_new_node(f"{name} {half}")
        node.set_color_scale(tint, tint, tint, 1)
        node.wrt_reparent_to(group)
    for group in parent.find_all_matches(f"{name} *"):
        group.clear_model_nodes()
        group.flatten_strong()


def _numbered(model: NodePath, name: str) -> list[NodePath]:
    """Nodes called ``name_NN…``; the meshes below them have names of their own."""
    return [node for node in model.find_all_matches(f"**/{name}_*") if re.match(rf"{name}_\d\d", node.name)]


def _lamp_places(model: NodePath, name: str, heights_m: Sequence[float]) -> np.ndarray:
    """Where the lamps of a kind shine, (n, 3)."""
    middles = [node.get_pos(model) for node in _numbered(model, name)]
    return np.array([(x, y, z + height) for x, y, z in middles for height in heights_m], "f4").reshape(-1, 3)


def _halos(places: np.ndarray, size_m: float) -> NodePath:
    """Soft light round lamps: quads that the shader turns to the eye."""
    array = GeomVertexArrayFormat()
    array.add_column(InternalName.get_vertex(), 3, GeomEnums.NT_float32, GeomEnums.C_point)
    array.add_column(InternalName.make("corner"), 2, GeomEnums.NT_float32, GeomEnums.C_other)
    layout = GeomVertexFormat()
    layout.add_array(array)
    data = GeomVertexData("halos", GeomVertexFormat.register_format(layout), GeomEnums.UH_static)
    corners = np.tile(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], "f4"), (len(places), 1))
    rows = np.ascontiguousarray(np.column_stack([np.repeat(places, 4, axis=0), corners]).astype("f4"))
    data.unclean_set_num_rows(len(rows))
    memoryview(data.modify_array(0)).cast("B")[:] = memoryview(rows.tobytes())
    triangles = GeomTriangles(GeomEnums.UH_static)
    for quad in range(len(places)):
        triangles.add_vertices(4 * quad, 4 * quad + 1, 4 * quad + 2)
        triangles.add_vertices(4 * quad, 4 * quad + 2, 4 * quad + 3)
    geom = Geom(data)
    geom.add_primitive(triangles)
    geom_node = GeomNode("halos")
    geom_node.add_geom(geom)
    geom_node.set_bounds(OmniBoundingVolume())
    geom_node.set_final(True)
    node = NodePath(geom_node)
    node.set_shader(shaders.make_shader(shaders.HALO_VERTEX, shaders.HALO_FRAGMENT))
    node.set_shader_inputs(size=size_m, light=HALO_LIGHT)
    node.set_attrib(ColorBlendAttrib.make(ColorBlendAttrib.M_add, ColorBlendAttrib.O_one, ColorBlendAttrib.O_one))
    node.set_depth_write(False)
    node.set_bin("fixed", 20)
    node.set_two_sided(True)
    return node
