"""Surfaces of the hall as rectangular patches, and their place in a texture atlas.

Every surface is a grid of u × v vertices, so the atlas is packed exactly here, without an unwrapping operator: one
rectangle of texels for each patch, in proportion to its size.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from meshes import Array
from numpy.typing import ArrayLike

PADDING_TEXELS = 3


@dataclass(slots=True)
class Patch:
    first_vertex: int
    u_cells: int
    v_cells: int
    u_m: Array
    v_m: Array
    weight: float
    """Texels per metre relative to the atlas's other patches."""


class Atlas:
    """Patches that share one mesh and one texture. Sides are named E (+X), W (−X), N (+Y), S (−Y), T(op), B(ottom)."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self.vertices: list[Array] = []
        self.faces: list[tuple[int, int, int, int]] = []
        self.materials: list[str] = []
        self.smooth: list[bool] = []
        self.patches: list[Patch] = []
        self.count = 0

    def grid(self, points: ArrayLike, material: str, weight: float = 1.0, smooth: bool = False) -> None:
        """A patch of ``points`` (u, v, 3), seen from the side from which u × v points to the viewer."""
        p = np.asarray(points, float)
        nu, nv = p.shape[0] - 1, p.shape[1] - 1
        u = np.r_[0, np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=2).max(1))]
        v = np.r_[0, np.cumsum(np.linalg.norm(np.diff(p, axis=1), axis=2).max(0))]
        base = self.count
        for i in range(nu):
            for j in range(nv):
                a, b = base + i * (nv + 1) + j, base + (i + 1) * (nv + 1) + j
                self.faces.append((a, b, b + 1, a + 1))
        cells = nu * nv
        self.materials += [material] * cells
        self.smooth += [smooth] * cells
        self.vertices.append(p.reshape(-1, 3))
        self.count += p.shape[0] * p.shape[1]
        self.patches.append(Patch(base, nu, nv, u, v, weight))

    def quad(self, a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike, material: str, weight: float = 1.0) -> None:
        self.grid([[a, d], [b, c]], material, weight)

    def box(
        self,
        x: Sequence[float],
        y: Sequence[float],
        z: Sequence[float],
        material: str,
        skip: str = "",
        weight: float = 1.0,
    ) -> None:
        """A box between the bounds (in any order), without the sides named in ``skip``."""
        (x0, x1), (y0, y1), (z0, z1) = sorted(x), sorted(y), sorted(z)
        sides = {
            "E": ((x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)),
            "W": ((x0, y1, z0), (x0, y0, z0), (x0, y0, z1), (x0, y1, z1)),
            "N": ((x1, y1, z0), (x0, y1, z0), (x0, y1, z1), (x1, y1, z1)),
            "S": ((x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)),
            "T": ((x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)),
            "B": ((x1, y0, z0), (x0, y0, z0), (x0, y1, z0), (x1, y1, z0)),
        }
        for side, corners in sides.items():
            if side not in skip:
                self.quad(*corners, material, weight)

    def lathe(
        self,
        x: float,
        y: float,
        profile: Sequence[tuple[float, float]],
        material: str,
        segments: int = 10,
        span: tuple[float, float] = (0.0, 2 * math.pi),
        weight: float = 1.0,
    ) -> None:
        """Turn a profile of (radius, height) round the upright axis at (x, y)."""
        rows = [
            [(x + r * math.cos(t), y + r * math.sin(t), z) for r, z in profile]
            for t in np.linspace(*span, segments + 1)
        ]
        self.grid(rows, material, weight, smooth=True)

    def wall(
        self, side: str, u: tuple[float, float], z: tuple[float, float], at: float, material: str, weight: float = 1.0
    ) -> None:
        """An upright rectangle on the wall named ``side`` (E is the wall at +X and faces −X)."""
        (u0, u1), (z0, z1) = u, z
        if side == "N":
            corners = ((u0, at, z0), (u1, at, z0), (u1, at, z1), (u0, at, z1))
        elif side == "S":
            corners = ((u1, at, z0), (u0, at, z0), (u0, at, z1), (u1, at, z1))
        elif side == "E":
            corners = ((at, u1, z0), (at, u0, z0), (at, u0, z1), (at, u1, z1))
        else:
            corners = ((at, u0, z0), (at, u1, z0), (at, u1, z1), (at, u0, z1))
        self.quad(*corners, material, weight)

    def relief(
        self,
        side: str,
        u: tuple[float, float],
        z: tuple[float, float],
        at: float,
        depth: float,
        material: str,
        skip: str = "",
        weight: float = 1.0,
    ) -> None:
        """A flat box that stands ``depth`` proud of a wall."""
        inward = {"E": -1, "W": 1, "N": -1, "S": 1}[side] * depth
        if side in "EW":
            self.box((at, at + inward), u, z, material, skip + side, weight)
        else:
            self.box(u, (at, at + inward), z, material, skip + side, weight)

    def frame(
        self,
        side: str,
        u: tuple[float, float],
        z: tuple[float, float],
        bar: float,
        depth: float,
        at: float,
        material: str = "gold",
        weight: float = 1.0,
    ) -> None:
        """A raised picture frame on a wall."""
        (u0, u1), (z0, z1) = u, z
        ends = "NS" if side in "EW" else "EW"
        for bottom in (z0, z1 - bar):
            self.relief(side, (u0, u1), (bottom, bottom + bar), at, depth, material, ends, weight)
        for left in (u0, u1 - bar):
            self.relief(side, (left, left + bar), (z0 + bar, z1 - bar), at, depth, material, "TB", weight)

    def arch(
        self,
        side: str,
        center: float,
        radius: float,
        z: float,
        at: float,
        material: str,
        weight: float = 1.0,
        outer: float = 0.0,
    ) -> None:
        """Half a disc on a wall, or the half ring between ``radius`` and ``outer``."""
        rows = []
        for t in np.linspace(0, math.pi, 11):
            u0, z0 = center + radius * math.cos(t), z + radius * math.sin(t)
            u1, z1 = (center + outer * math.cos(t), z + outer * math.sin(t)) if outer else (u0, z)
            pair = ((u1, z1), (u0, z0)) if not outer else ((u0, z0), (u1, z1))
            rows.append([(at, u, h) if side in "EW" else (u, at, h) for u, h in pair])
        p = np.array(rows)
        normal = np.cross(p[5, 0] - p[4, 0], p[4, 1] - p[4, 0])
        wanted = {"E": (-1, 0, 0), "W": (1, 0, 0), "N": (0, -1, 0), "S": (0, 1, 0)}[side]
        self.grid(p[::-1] if np.dot(normal, wanted) < 0 else p, material, weight)

    # ------------------------------------------------------------ packing
    def _place(self, density: float) -> dict[int, tuple[int, int, int, int, bool]] | None:
        """Shelves, tallest patches first; None when they do not fit at ``density`` texels per metre."""
        size, pad = self.size, PADDING_TEXELS
        rectangles = []
        for i, p in enumerate(self.patches):
            w = min(max(4, 2 * round(float(p.u_m[-1]) * density * p.weight / 2)), size - 8)
            h = min(max(4, 2 * round(float(p.v_m[-1]) * density * p.weight / 2)), size - 8)
            rectangles.append((min(w, h), max(w, h), i, w < h))
        rectangles.sort(key=lambda r: (-r[0], -r[1]))
        shelves: list[list[int]] = []
        placed: dict[int, tuple[int, int, int, int, bool]] = {}
        y = 0
        for h, w, i, turned in rectangles:
            for shelf in shelves:
                if shelf[2] + w + 2 * pad <= size and h + 2 * pad <= shelf[1]:
                    placed[i] = (shelf[2] + pad, shelf[0] + pad, w, h, turned)
                    shelf[2] += w + 2 * pad
                    break
            else:
                if y + h + 2 * pad > size:
                    return None
                shelves.append([y, h + 2 * pad, w + 2 * pad])
                placed[i] = (pad, y + pad, w, h, turned)
                y += h + 2 * pad
        return placed

    def pack(self) -> dict[int, tuple[int, int, int, int, bool]]:
        """The densest packing, by bisection."""
        low, high, best = 2.0, 160.0, self._place(2.0)
        for _ in range(12):
            middle = (low + high) / 2
            placed = self._place(middle)
            if placed is None:
                high = middle
            else:
                low, best = middle, placed
        if best is None:
            raise ValueError(f"atlas {self.name}: {len(self.patches)} patches do not fit {self.size} texels")
        return best

    def rectangles(self) -> Iterator[tuple[float, float, float, float, Array]]:
        """For each patch its rectangle in the texture (left, bottom, right, top; 0–1) and the places (2, 2, 3) of the
        rectangle's corners, rows upwards."""
        vertices, places = np.concatenate(self.vertices), self.pack()
        for i, p in enumerate(self.patches):
            x, y, w, h, turned = places[i]
            grid = vertices[p.first_vertex :][: (p.u_cells + 1) * (p.v_cells + 1)].reshape(p.u_cells + 1, -1, 3)
            corners = grid[:: p.u_cells, :: p.v_cells]  # (u, v); rows of the texture are v, or 1 − u where turned
            corners = corners[::-1] if turned else corners.transpose(1, 0, 2)
            yield x / self.size, y / self.size, (x + w) / self.size, (y + h) / self.size, corners

    def build(self, materials: dict[str, bpy.types.Material]) -> bpy.types.Object:
        """The mesh with its texture coordinates, linked into the scene."""
        places, vertices = self.pack(), np.concatenate(self.vertices)
        uv = np.zeros((len(vertices), 2))
        for i, p in enumerate(self.patches):
            x, y, w, h, turned = places[i]
            u, v = np.meshgrid(p.u_m / p.u_m[-1], p.v_m / p.v_m[-1], indexing="ij")
            if turned:
                u, v = v, 1 - u
            span = slice(p.first_vertex, p.first_vertex + u.size)
            uv[span, 0], uv[span, 1] = ((x + u * w) / self.size).ravel(), ((y + v * h) / self.size).ravel()
        mesh = bpy.data.meshes.new(f"hall_{self.name}")
        mesh.from_pydata(vertices.tolist(), [], self.faces)
        names = sorted(set(self.materials))
        for name in names:
            mesh.materials.append(materials[name])
        mesh.polygons.foreach_set("material_index", [names.index(m) for m in self.materials])
        mesh.polygons.foreach_set("use_smooth", self.smooth)
        layer = mesh.uv_layers.new(name="UVMap")
        corner = np.zeros(len(mesh.loops), np.int32)
        mesh.loops.foreach_get("vertex_index", corner)
        layer.data.foreach_set("uv", uv[corner].astype(np.float32).ravel())
        mesh.update()
        o = bpy.data.objects.new(f"hall_{self.name}", mesh)
        bpy.context.scene.collection.objects.link(o)
        return o
