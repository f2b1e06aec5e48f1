"""What a headset's lenses hide of each eye's picture: drawn first and nearest, so that nothing is shaded there.

OpenVR gives triangles for each eye, from 0 to 1 across its picture and, as OpenGL has it, from the bottom up.
"""

import ctypes
from typing import Any

import numpy as np
from panda3d.core import (
    DepthTestAttrib,
    Geom,
    GeomNode,
    GeomTriangles,
    GeomVertexData,
    GeomVertexFormat,
    NodePath,
    OmniBoundingVolume,
)

from .. import shaders

MOST_TRIANGLES = 4096
MOST_HIDDEN = 0.6
"""A larger part of the picture is not hidden by any lens: such a mesh means something else."""
_SLACK = 0.01

_VERTEX = """#version 150
in vec4 p3d_Vertex;
void main() { gl_Position = vec4(2.0 * p3d_Vertex.xz - 1.0, -1.0, 1.0); }
"""
_FRAGMENT = """#version 150
out vec4 colour;
void main() { colour = vec4(0.0, 0.0, 0.0, 1.0); }
"""


def hidden_corners(mesh: Any) -> np.ndarray | None:
    """The corners (3 × triangles, 2) of a ``HiddenAreaMesh_t``, 0–1; None where a runtime gives none, or nonsense."""
    count = int(mesh.unTriangleCount)
    if not mesh.pVertexData or not 0 < count <= MOST_TRIANGLES:
        return None
    address = ctypes.cast(mesh.pVertexData, ctypes.POINTER(ctypes.c_float))
    corners = np.ctypeslib.as_array(address, (3 * count, 2)).copy()
    if not np.isfinite(corners).all() or corners.min() < -_SLACK or corners.max() > 1.0 + _SLACK:
        return None
    a, b, c = corners.reshape(-1, 3, 2).transpose(1, 0, 2)
    (x, y), (u, v) = (b - a).T, (c - a).T
    return corners if 0.5 * np.abs(x * v - y * u).sum() < MOST_HIDDEN else None


def hidden_area(corners: np.ndarray) -> NodePath:
    """Something that fills these parts of a picture with black, nearer than everything else."""
    data = GeomVertexData("hidden", GeomVertexFormat.get_v3(), Geom.UH_static)
    data.unclean_set_num_rows(len(corners))
    places = np.column_stack([corners[:, 0], np.zeros(len(corners)), corners[:, 1]]).astype("f4")
    memoryview(data.modify_array(0)).cast("B")[:] = memoryview(places.tobytes())
    triangles = GeomTriangles(Geom.UH_static)
    triangles.add_next_vertices(len(corners))
    geom = Geom(data)
    geom.add_primitive(triangles)
    node = GeomNode("hidden")
    node.add_geom(geom)
    node.set_bounds(OmniBoundingVolume())
    node.set_final(True)
    path = NodePath(node)
    path.set_shader(shaders.make_shader(_VERTEX, _FRAGMENT))
    path.set_attrib(DepthTestAttrib.make(DepthTestAttrib.M_always))
    path.set_two_sided(True)
    return path
