"""The little of Blender that the builders need: a scene, meshes with vertex colours, occlusion, export."""

from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
from mathutils.bvhtree import BVHTree
from meshes import MATERIALS, Array, Mesh, frame, linear, perpendicular
from numpy.typing import ArrayLike

OCCLUSION_DISTANCE_M = 0.9
OCCLUSION_FLOOR = 0.30
"""Share of light that even the deepest fold keeps."""


def empty_scene() -> bpy.types.Scene:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def vertex_colour_material() -> bpy.types.Material:
    name = "vertex_colour"
    if name in bpy.data.materials:
        return bpy.data.materials[name]
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes = material.node_tree.nodes
    colour = nodes.new("ShaderNodeVertexColor")
    colour.layer_name = "Color"
    material.node_tree.links.new(colour.outputs[0], nodes["Principled BSDF"].inputs["Base Color"])
    material.node_tree.links.new(colour.outputs[1], nodes["Principled BSDF"].inputs["Alpha"])  # else it is not exported
    nodes["Principled BSDF"].inputs["Roughness"].default_value = 0.75
    return material


def add_empty(name: str, parent: bpy.types.Object | None, location: ArrayLike) -> bpy.types.Object:
    o = bpy.data.objects.new(name, None)
    bpy.context.scene.collection.objects.link(o)
    o.parent = parent
    o.location = tuple(float(x) for x in np.asarray(location, float))
    return o


def add_mesh(
    name: str,
    mesh: Mesh,
    parent: bpy.types.Object | None,
    origin: Array,
    reduce_to: float = 1.0,
    page_coordinates: bool = False,
) -> bpy.types.Object:
    """An object of ``mesh`` about its pivot at ``origin`` in the parent's frame, reduced to a share of its triangles.

    The colour's alpha is 1 where a tint applies. Texture coordinates hold roughness and metal (glTF flips V, so V is
    stored as 1 − metal), or with ``page_coordinates`` the corners of a page.
    """
    data = bpy.data.meshes.new(name)
    data.from_pydata((np.concatenate(mesh.vertices) - mesh.pivot).tolist(), [], mesh.faces)
    data.polygons.foreach_set("use_smooth", mesh.smooth)
    colours = data.color_attributes.new("Color", "FLOAT_COLOR", "CORNER")
    uv = data.uv_layers.new(name="UVMap")
    shades = np.concatenate(mesh.shades)
    c: list[list[float]] = []
    u: list[tuple[float, float]] = []
    for face, key in zip(mesh.faces, mesh.materials, strict=True):
        m = MATERIALS[key]
        base = np.array(linear(m.srgb))
        c += [[*np.clip(base * shades[i], 0, 1), 1.0 if m.tinted else 0.0] for i in face]
        u += [(m.roughness, 1 - m.metal)] * len(face)
    if page_coordinates:
        u = [(0, 0), (1, 0), (1, 1), (0, 1)]
    colours.data.foreach_set("color", np.array(c, np.float32).ravel())
    uv.data.foreach_set("uv", np.array(u, np.float32).ravel())
    data.update()
    data.validate(clean_customdata=False)
    data.materials.append(vertex_colour_material())
    o = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(o)
    o.parent = parent
    o.location = tuple(float(x) for x in origin)
    if reduce_to < 0.98:
        _reduce(o, reduce_to)
    return o


def _reduce(o: bpy.types.Object, ratio: float) -> None:
    modifier = o.modifiers.new("reduce", "DECIMATE")
    modifier.ratio = ratio
    modifier.use_collapse_triangulate = True
    bpy.context.view_layer.objects.active = o
    bpy.ops.object.modifier_apply(modifier=modifier.name)
    o.data.validate(clean_customdata=False)


def bake_occlusion(targets: Sequence[bpy.types.Object], rays: int, around: Sequence[bpy.types.Object] = ()) -> None:
    """Multiply ambient occlusion into the vertex colours of ``targets``; they, ``around`` and a floor shade each other.

    Cosine-weighted rays from each vertex (Hammersley points), weighted by how near they hit.
    """
    bpy.context.view_layer.update()
    points, polygons, count = [], [], 0
    for o in {*targets, *around}:
        v = _world(o)
        points.append(v)
        polygons += [tuple(i + count for i in p.vertices) for p in o.data.polygons]
        count += len(v)
    points.append(np.array([(-5, -5, -0.002), (5, -5, -0.002), (5, 5, -0.002), (-5, 5, -0.002)], float))
    polygons.append((count, count + 1, count + 2, count + 3))
    tree = BVHTree.FromPolygons(np.concatenate(points).tolist(), polygons)
    hemisphere = _cosine_rays(rays)
    for o in targets:
        _shade(o, tree, hemisphere)


def _world(o: bpy.types.Object) -> Array:
    v = np.empty(len(o.data.vertices) * 3)
    o.data.vertices.foreach_get("co", v)
    return v.reshape(-1, 3) + np.array(o.matrix_world.translation)


def _cosine_rays(count: int) -> Array:
    i = np.arange(count)
    inverse = np.array([int(f"{k:016b}"[::-1], 2) / 65536 for k in i])  # van der Corput
    r, turn = np.sqrt((i + 0.5) / count), 2 * np.pi * inverse
    return np.stack([r * np.cos(turn), r * np.sin(turn), np.sqrt(1 - r * r)], axis=1)


def _shade(o: bpy.types.Object, tree: BVHTree, hemisphere: Array) -> None:
    data = o.data
    places, n = _world(o), len(data.vertices)
    normals = np.empty(n * 3)
    data.vertices.foreach_get("normal", normals)
    open_ = np.ones(n)
    for i, (place, normal) in enumerate(zip(places, normals.reshape(-1, 3), strict=True)):
        if not normal.any():
            continue
        directions = hemisphere @ frame(perpendicular(normal), normal)
        start = place + normal * 0.003
        shut = 0.0
        for d in directions.tolist():
            distance = tree.ray_cast(start, d, OCCLUSION_DISTANCE_M)[3]
            if distance is not None:
                shut += 1 - distance / OCCLUSION_DISTANCE_M
        open_[i] = 1 - shut / len(directions)
    light = OCCLUSION_FLOOR + (1 - OCCLUSION_FLOOR) * open_
    colour = np.empty(len(data.loops) * 4, np.float32)
    vertex = np.empty(len(data.loops), np.int32)
    data.color_attributes["Color"].data.foreach_get("color", colour)
    data.loops.foreach_get("vertex_index", vertex)
    colour = colour.reshape(-1, 4)
    colour[:, :3] *= light[vertex][:, None]
    data.color_attributes["Color"].data.foreach_set("color", colour.ravel())


def export_glb(path: Path, extras: bool = False, normals: bool = True) -> int:
    """Write all objects; returns the size in bytes."""
    bpy.ops.export_scene.gltf(
        filepath=str(path),
        export_format="GLB",
        export_animations=False,
        export_extras=extras,
        export_normals=normals,
        export_cameras=False,
        export_lights=False,
    )
    return path.stat().st_size
