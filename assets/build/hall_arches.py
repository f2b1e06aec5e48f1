"""Gothic forms as patches: pointed arches, pierced walls, ribs and groin vaults (metres, hall frame).

Surfaces are one-sided. Every builder here turns its patches to face the room.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hall_patches import Atlas
from meshes import Array, unit
from numpy.typing import ArrayLike


def facing(points: ArrayLike, towards: ArrayLike) -> Array:
    """A grid of points (u, v, 3), turned over if it looks away from the place ``towards``."""
    p = np.asarray(points, float)
    across, along = p[1:, :-1] - p[:-1, :-1], p[:-1, 1:] - p[:-1, :-1]
    normal = np.cross(across, along).reshape(-1, 3).sum(0)
    return p[::-1] if np.dot(normal, np.asarray(towards, float) - p.reshape(-1, 3).mean(0)) < 0 else p


def pointed(half: float, rise: float, count: int = 6, sharp: float = 0.7) -> Array:
    """A pointed arch over the span −half … half, (2 count + 1, 2) of (u, z): from the left springer over the apex to
    the right one. Its sides are arcs about centres ``sharp`` × half beyond the middle, stretched to ``rise``."""
    u = np.cos(np.linspace(math.pi, math.pi / 2, count + 1)) * -1.0
    u = np.sort(np.abs(u))[::-1]
    left = np.column_stack([-half * u, rise * arch_height(u, sharp)])
    return np.concatenate([left, (left * [-1, 1])[-2::-1]])


def arch_height(u: ArrayLike, sharp: float = 0.7) -> Array:
    """Height 0–1 of a pointed arch at ``u`` = 0 (apex) … 1 (springer)."""
    u = np.abs(np.asarray(u, float))
    radius = 1 + sharp
    return np.sqrt(np.maximum(radius**2 - (u + sharp) ** 2, 0)) / math.sqrt(radius**2 - sharp**2)


@dataclass(frozen=True, slots=True)
class Plane:
    """An upright plane: ``u`` runs along it from ``origin``, ``proud`` out of it to the room."""

    origin: tuple[float, float]
    along: tuple[float, float]
    inward: tuple[float, float]

    def at(self, uz: ArrayLike, proud: float = 0.0) -> Array:
        """Places (…, 3) of points (…, 2) of the plane."""
        q = np.asarray(uz, float)
        flat = np.array(self.origin) + q[..., :1] * self.along + proud * np.array(self.inward)
        return np.concatenate([flat, q[..., 1:]], axis=-1)

    def seen(self, points: Array) -> Array:
        """The grid, facing the room."""
        return facing(points, points.reshape(-1, 3).mean(0) + [*self.inward, 0.0])


def wall_plane(side: str, at: float) -> Plane:
    """The wall named ``side`` (E is at +X); ``u`` is the other coordinate of the hall."""
    if side in "EW":
        return Plane((at, 0.0), (0.0, 1.0), (-1.0 if side == "E" else 1.0, 0.0))
    return Plane((0.0, at), (1.0, 0.0), (0.0, -1.0 if side == "N" else 1.0))


def opening(center: float, half: float, sill: float, spring: float, rise: float, count: int = 6) -> Array:
    """The outline of a pointed opening (n, 2): up the left jamb, over the arch, down the right."""
    arch = pointed(half, rise, count) + [center, spring]
    return np.concatenate([[(center - half, sill)], arch, [(center + half, sill)]])


def fill(a: Atlas, plane: Plane, outline: Array, material: str, proud: float = 0.0, weight: float = 1.0) -> None:
    """The surface inside an outline that is symmetric from left to right."""
    n = len(outline) // 2
    left, right = outline[: n + 1], outline[::-1][: n + 1]
    a.grid(plane.seen(plane.at(np.stack([left, right], axis=1), proud)), material, weight)


def band(
    a: Atlas,
    plane: Plane,
    first: Array,
    second: Array,
    material: str,
    proud: tuple[float, float] = (0.0, 0.0),
    towards: ArrayLike | None = None,
    weight: float = 1.0,
) -> None:
    """The surface between two outlines of as many points, at two depths; a reveal where the outlines are the same."""
    p = np.stack([plane.at(first, proud[0]), plane.at(second, proud[1])], axis=1)
    a.grid(plane.seen(p) if towards is None else facing(p, towards), material, weight)


def moulding(
    a: Atlas, plane: Plane, outline: Array, width: float, depth: float, material: str, flat: bool = False
) -> None:
    """A raised band round an opening, ``width`` wide and ``depth`` proud; without its inner and outer faces if
    ``flat``."""
    middle, top = (outline[0] + outline[-1]) / 2, np.ptp(outline[:, 1])
    outer = (outline - middle) * [1 + width / abs(outline[0, 0] - middle[0]), 1.0] + middle
    spring = outline[1, 1] if len(outline) > 3 and outline[1, 0] == outline[0, 0] else outline[0, 1]
    outer[:, 1] += 1.3 * width * np.clip((outline[:, 1] - spring) / (middle[1] + top - spring), 0, 1)
    faces = [(outline, depth), (outer, depth)]
    if not flat:
        faces = [(outline, 0.0), *faces, (outer, 0.0)]
    p = np.stack([plane.at(line, proud) for line, proud in faces], axis=1)
    front = p[:, -3:-1] if len(faces) == 4 else p
    a.grid(p if np.array_equal(plane.seen(front), front) else p[::-1], material)


def pierced(
    a: Atlas, plane: Plane, outline: Array, edge: Sequence[tuple[float, float]], material: str, weight: float = 1.0
) -> None:
    """A wall round an opening: what lies between the opening's outline and ``edge``, a polyline from the foot of its
    left jamb over the top to the foot of the right one."""
    inner = _share(outline)
    path = np.asarray(edge, float)
    corners = _share(path)
    outer = np.stack([np.interp(inner, corners, path[:, k]) for k in range(2)], axis=1)
    for corner, place in zip(corners[1:-1], path[1:-1], strict=True):
        outer[1 + int(np.argmin(np.abs(inner[1:-1] - corner)))] = place
    band(a, plane, outline, outer, material, weight=weight)


def _share(path: Array) -> Array:
    """How far along a polyline its points are, 0–1."""
    steps = np.r_[0, np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))]
    return np.asarray(steps / steps[-1])


def rib(a: Atlas, path: ArrayLike, within: ArrayLike, width: float, depth: float, material: str) -> None:
    """A moulded rib along a path (n, 3), standing ``depth`` off the vault towards the place ``within``."""
    p = np.asarray(path, float)
    along = np.gradient(p, axis=0)
    rows = []
    for place, t in zip(p, along, strict=True):
        t = unit(t)
        down = np.asarray(within, float) - place
        down = unit(down - t * np.dot(down, t))
        side = np.cross(t, down) * width / 2
        rows.append([place - side, place - side * 0.6 + down * depth, place + side * 0.6 + down * depth, place + side])
    a.grid(facing(rows, within), material, smooth=False)


def beam(a: Atlas, path: ArrayLike, across: ArrayLike, width: float, depth: float, material: str) -> None:
    """A beam of rectangular section along a path (n, 3): ``width`` along the direction ``across``, ``depth`` at right
    angles to it."""
    p, side = np.asarray(path, float), unit(across)
    along = np.gradient(p, axis=0)
    other = np.cross(along / np.linalg.norm(along, axis=1)[:, None], side)
    w, d = side * width / 2, other * depth / 2
    rows = np.stack([p - w - d, p + w - d, p + w + d, p - w + d, p - w - d], axis=1)
    outwards = np.cross(rows[1, 0] - rows[0, 0], rows[0, 1] - rows[0, 0])
    a.grid(rows if np.dot(outwards, -d[0]) > 0 else rows[::-1], material)


@dataclass(frozen=True, slots=True)
class Vault:
    """Quadripartite vaults over a nave ``half`` wide to each side, springing at ``spring``, as high as ``crown``."""

    half: float
    spring: float
    crown: float
    sharp: float = 0.45

    def height(self, u: ArrayLike) -> Array:
        """Of a web at ``u`` = 0 (crown) … 1 (springer)."""
        return self.spring + (self.crown - self.spring) * arch_height(u, self.sharp)

    def bay(self, a: Atlas, y: tuple[float, float], material: str, rib_material: str, cells: int = 5) -> None:
        """Four webs, diagonal ribs and the transverse arch at ``y[0]``."""
        middle, half_y = (y[0] + y[1]) / 2, (y[1] - y[0]) / 2
        below = (0.0, middle, self.spring - 4.0)
        s, t = np.linspace(0, 1, cells + 1)[:, None], np.sin(np.linspace(-1, 1, 2 * cells - 1) * math.pi / 2)[None, :]
        for sign in (-1.0, 1.0):
            x, v = s * np.ones_like(t), s * t
            web = np.stack([sign * self.half * x, middle + half_y * v, self.height(v)], axis=2)
            a.grid(facing(web, below), material, 0.8, smooth=True)
            web = np.stack([self.half * v, middle + sign * half_y * x, self.height(v)], axis=2)
            a.grid(facing(web, below), material, 0.8, smooth=True)
            turn = np.sin(np.linspace(-1, 1, 13) * math.pi / 2)
            diagonal = np.stack([self.half * turn, middle + sign * half_y * turn, self.height(turn)], axis=1)
            rib(a, diagonal, below, 0.34, 0.3, rib_material)
        self.transverse(a, y[0], rib_material)

    def transverse(self, a: Atlas, y: float, material: str) -> None:
        turn = np.sin(np.linspace(-1, 1, 15) * math.pi / 2)
        path = np.stack([self.half * turn, np.full_like(turn, y), self.height(turn)], axis=1)
        rib(a, path, (0.0, y, self.spring - 4.0), 0.7, 0.5, material)

    def wall_edge(self, y: tuple[float, float], foot: float, cells: int = 9) -> list[tuple[float, float]]:
        """The outline of the wall under a bay's web, from ``foot`` up and over (u, z)."""
        middle, half_y = (y[0] + y[1]) / 2, (y[1] - y[0]) / 2
        v = np.sin(np.linspace(-1, 1, cells) * math.pi / 2)
        curve = list(zip(middle + half_y * v, self.height(v), strict=True))
        ends = [(y[0], foot), (y[1], foot)] if foot < self.spring - 1e-6 else []
        return [*ends[:1], *curve, *ends[1:]]


def shaft(
    a: Atlas, x: float, y: float, radius: float, z: tuple[float, float], material: str, segments: int = 8
) -> None:
    """A round shaft with a base and a bell capital."""
    z0, z1 = z
    profile = [
        (radius * 1.5, z0),
        (radius * 1.5, z0 + 0.35),
        (radius, z0 + 0.55),
        (radius, z1 - 0.7),
        (radius * 1.12, z1 - 0.6),
        (radius * 1.55, z1 - 0.12),
        (radius * 1.55, z1),
    ]
    a.lathe(x, y, profile, material, segments)


def bays(start: float, end: float, count: int) -> list[tuple[float, float]]:
    return list(pairwise(float(y) for y in np.linspace(start, end, count + 1)))
