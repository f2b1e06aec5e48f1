"""A small mesh builder: rings, tubes, lathes, ellipsoids and boxes with a colour, roughness and metal per face.

Coordinates are metres in a player's frame: +Y where the player faces, Z up, origin on the floor under the hips.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Shade = Callable[[Array], Array]
"""Vertices (n, 3) to factors (n,) or (n, 3) that multiply the material's colour."""


def vec(*values: float) -> Array:
    return np.array(values, float)


def unit(v: ArrayLike) -> Array:
    v = np.asarray(v, float)
    return v / np.linalg.norm(v)


def perpendicular(axis: Array) -> Array:
    """Some unit vector at right angles to ``axis``."""
    return unit(np.cross(axis, (0, 0, 1) if abs(axis[2]) < 0.9 else (0, 1, 0)))


def frame(x: ArrayLike, z: ArrayLike) -> Array:
    """Rows are a right-handed orthonormal frame with its first axis along ``x`` and its third close to ``z``."""
    x = unit(x)
    z = np.asarray(z, float)
    z = unit(z - x * np.dot(z, x))
    return np.array([x, np.cross(z, x), z])


def linear(srgb_hex: str) -> tuple[float, float, float]:
    """Linear RGB of an sRGB colour ``rrggbb`` (IEC 61966-2-1)."""
    r, g, b = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (int(srgb_hex[i : i + 2], 16) / 255 for i in (0, 2, 4))
    )
    return r, g, b


@dataclass(frozen=True, slots=True)
class Material:
    """Colour (sRGB hex), roughness and metal 0–1, and whether a run-time tint applies to it."""

    srgb: str
    roughness: float
    metal: float = 0.0
    tinted: bool = False


MATERIALS = {
    "cloth": Material("212125", 0.95),
    "satin": Material("18181b", 0.5),
    "skin": Material("d9b094", 0.85, tinted=True),
    "lips": Material("b98672", 0.85, tinted=True),
    "hair": Material("b0a08e", 0.8, tinted=True),
    "brow": Material("5a4636", 0.9),
    "shirt": Material("efebe2", 0.9),
    "shoe": Material("0c0c0d", 0.35),
    "chair": Material("1c1714", 0.55),
    "seat": Material("4c1e1d", 0.95),
    "steel": Material("2c2c30", 0.5),
    "paper": Material("f1ebda", 0.95),
    "ink": Material("b9b2a2", 0.95),
    "varnish": Material("713619", 0.32),
    "varnish_dark": Material("5c2a14", 0.34),
    "varnish_bass": Material("50290f", 0.38),
    "spruce": Material("8a4a22", 0.32),
    "stick": Material("5e3418", 0.4),
    "maple": Material("b98a55", 0.45),
    "ebony": Material("131011", 0.35),
    "grenadilla": Material("17131a", 0.28),
    "bassoon_wood": Material("4d1f14", 0.28),
    "reed": Material("c9a56a", 0.7),
    "horsehair": Material("ece5d4", 0.8),
    "brass": Material("c79a4b", 0.18, 1.0),
    "brass_dark": Material("a47a38", 0.25, 1.0),
    "silver": Material("c2c5cb", 0.16, 1.0),
    "copper": Material("8f5a41", 0.28, 1.0),
    "skinhead": Material("e3dac6", 0.75),
    "felt": Material("ddd5c2", 1.0),
    "gilt": Material("b08a48", 0.35, 0.6),
    "strings": Material("b8b2a2", 0.4, 0.5),
    "lacquer": Material("0b0b0c", 0.12),
    "ivory": Material("ece6d6", 0.35),
    "rosewood": Material("3c1d14", 0.35),
    "cork": Material("a87b4f", 0.9),
}

SIDES = {0: 1.0, 1: 0.6, 2: 0.4}
"""Share of the segments of round things that is kept at each level of detail."""


class Mesh:
    """Vertices and faces being gathered. ``lod`` 0 is the finest; ``pivot`` becomes the node's origin."""

    def __init__(self, pivot: ArrayLike = (0, 0, 0), lod: int = 0) -> None:
        self.pivot = np.array(pivot, float)
        self.lod = lod
        self.vertices: list[Array] = []
        self.shades: list[Array] = []
        self.faces: list[tuple[int, ...]] = []
        self.materials: list[str] = []
        self.smooth: list[bool] = []
        self.count = 0

    def __bool__(self) -> bool:
        return self.count > 0

    def sides(self, n: int) -> int:
        return max(3, round(n * SIDES[self.lod]))

    def add(
        self,
        vertices: ArrayLike,
        faces: Sequence[Sequence[int]],
        material: str,
        smooth: bool = True,
        shade: Shade | None = None,
    ) -> None:
        v = np.asarray(vertices, float).reshape(-1, 3)
        s = np.ones((len(v), 3)) if shade is None else np.asarray(shade(v), float)
        if s.ndim == 1:
            s = np.repeat(s[:, None], 3, axis=1)
        self.vertices.append(v)
        self.shades.append(s)
        self.faces += [tuple(i + self.count for i in f) for f in faces]
        self.materials += [material] * len(faces)
        self.smooth += [smooth] * len(faces)
        self.count += len(v)

    def rings(self, rings: ArrayLike, material: str, cap: bool = True, shade: Shade | None = None) -> None:
        """Skin over closed rings of equal size, ``(rings, points, 3)``, seen from outside when counter-clockwise."""
        r = np.asarray(rings, float)
        k, n = r.shape[:2]
        faces: list[tuple[int, ...]] = [
            (j * n + i, j * n + (i + 1) % n, (j + 1) * n + (i + 1) % n, (j + 1) * n + i)
            for j in range(k - 1)
            for i in range(n)
        ]
        if cap:
            faces += [tuple(range(n))[::-1], tuple(range((k - 1) * n, k * n))]
        self.add(r, faces, material, shade=shade)

    def tube(
        self,
        path: Sequence[ArrayLike],
        radius: ArrayLike,
        material: str,
        sides: int = 8,
        flat: float = 1.0,
        up: ArrayLike | None = None,
        cap: bool = True,
        shade: Shade | None = None,
    ) -> None:
        """A tube along ``path`` (frames carried along, so it never twists); ``flat`` squeezes one diameter."""
        p = [np.asarray(q, float) for q in path]
        r = np.broadcast_to(np.asarray(radius, float), (len(p),))
        n = self.sides(sides)
        turn = np.linspace(0, 2 * math.pi, n, endpoint=False)
        u: Array | None = None
        rings = []
        for i, q in enumerate(p):
            t = unit(p[min(i + 1, len(p) - 1)] - p[max(i - 1, 0)])
            if u is None:
                u = perpendicular(t) if up is None else np.cross(t, np.asarray(up, float))
            u = unit(u - t * np.dot(u, t))
            w = np.cross(t, u)
            rings.append([q + r[i] * (math.cos(a) * u + flat * math.sin(a) * w) for a in turn])
        self.rings(rings, material, cap, shade)

    def lathe(
        self,
        center: ArrayLike,
        axis: ArrayLike,
        profile: Sequence[tuple[float, float]],
        material: str,
        sides: int = 14,
        shade: Shade | None = None,
    ) -> None:
        """Turn a profile of (distance along the axis, radius) round the axis."""
        ax = unit(axis)
        u = perpendicular(ax)
        w = np.cross(ax, u)
        turn = np.linspace(0, 2 * math.pi, self.sides(sides), endpoint=False)
        c = np.asarray(center, float)
        self.rings(
            [[c + ax * d + max(r, 1e-4) * (math.cos(a) * u + math.sin(a) * w) for a in turn] for d, r in profile],
            material,
            cap=False,
            shade=shade,
        )

    def ellipsoid(
        self,
        center: ArrayLike,
        radii: Sequence[float],
        material: str,
        sides: int = 10,
        stacks: int = 6,
        axes: Array | None = None,
        span: tuple[float, float] = (-1.0, 1.0),
        shape: Callable[[Array], Array] | None = None,
        shade: Shade | None = None,
    ) -> None:
        """An ellipsoid, or the slice ``span`` of it (sine of latitude); ``shape`` bends its unit-frame vertices."""
        n, k = self.sides(sides), max(2, round(stacks * SIDES[self.lod] + 0.3))
        rows = []
        for t in np.linspace(math.asin(span[0]), math.asin(span[1]), k + 1):
            rows.append(
                [
                    (radii[0] * math.cos(t) * math.cos(a), radii[1] * math.cos(t) * math.sin(a), radii[2] * math.sin(t))
                    for a in np.linspace(0, 2 * math.pi, n, endpoint=False)
                ]
            )
        v = np.array(rows, float).reshape(-1, 3)
        if shape is not None:
            v = shape(v)
        if axes is not None:
            v = v @ axes
        self.rings((v + np.asarray(center, float)).reshape(k + 1, n, 3), material, cap=False, shade=shade)

    def box(self, center: ArrayLike, half: Sequence[float], material: str, axes: Array | None = None) -> None:
        ax = np.eye(3) if axes is None else np.asarray(axes, float)
        c = np.asarray(center, float)
        v = [
            c + ax[0] * half[0] * x + ax[1] * half[1] * y + ax[2] * half[2] * z
            for x in (-1, 1)
            for y in (-1, 1)
            for z in (-1, 1)
        ]
        self.add(
            v, [(4, 6, 7, 5), (2, 0, 1, 3), (6, 2, 3, 7), (0, 4, 5, 1), (1, 5, 7, 3), (0, 2, 6, 4)], material, False
        )

    def slab(self, outline: Sequence[ArrayLike], thickness: ArrayLike, material: str, sides: str | None = None) -> None:
        """A plate: polygon ``outline`` counter-clockwise seen from above and the vector down to its other face."""
        top = np.asarray(outline, float)
        n = len(top)
        bottom = top + np.asarray(thickness, float)
        self.add(top, [tuple(range(n))], material, False)
        self.add(bottom, [tuple(range(n))[::-1]], material, False)
        both = np.concatenate([top, bottom])
        self.add(both, [(i, n + i, n + (i + 1) % n, (i + 1) % n) for i in range(n)], sides or material, n > 12)

    def triangles(self) -> int:
        return sum(len(f) - 2 for f in self.faces)
