"""A stage on a meadow in the evening: bare wooden arches, strings of lamps, rows of chairs on the grass."""

import math
from itertools import pairwise

import bpy
import hall_sky
import numpy as np
from hall_arches import beam
from hall_light import point_lamp, stage_wash, sun_lamp, world_light
from hall_patches import Atlas
from hall_platform import Description, Plan, platform
from hall_rows import Row, Rows, bulb, chair_row, hung, seated
from meshes import Array, linear

REAR_Y_M = 11.6
ARCH_X_M, ARCH_TOP_M = 10.6, 9.4
ARCHES_Y_M = (-3.6, 1.5, 6.6, 11.7)
POLES = [(s * 12.0, y) for y in (-13.0, -24.0, -35.0) for s in (-1, 1)]
POLE_TOP_M = 6.6
BULB_EVERY_M = 1.35
SAG_M = 1.1
FAR_M = 84.0


def shell(description: Description) -> list[Atlas]:
    p = Plan(description)
    stage, meadow = Atlas("stage", 1024), Atlas("meadow", 1536)
    platform(stage, p, REAR_Y_M, side="larch")
    _arches(stage, p)
    _balustrade(stage, p)
    _steps(stage, p)
    _ground(meadow, p)
    for x, y in POLES:
        meadow.lathe(x, y, [(0.09, p.floor), (0.07, POLE_TOP_M), (0.0, POLE_TOP_M + 0.1)], "larch", 6)
    return [stage, meadow]


def arch(y: float, foot_z: float, count: int = 23) -> Array:
    """The middle line of an arch over the stage."""
    t = np.linspace(math.pi, 0, count)
    x = ARCH_X_M * np.sign(np.cos(t)) * np.abs(np.cos(t)) ** 0.72
    z = foot_z + (ARCH_TOP_M - foot_z) * np.sin(t) ** 0.85
    return np.stack([x, np.full_like(x, y), z], axis=1)


def _arches(a: Atlas, p: Plan) -> None:
    for y in ARCHES_Y_M:
        beam(a, arch(y, p.floor), (0.0, 1.0, 0.0), 0.20, 0.38, "larch")
        for s in (-1, 1):
            a.box(
                (s * ARCH_X_M - 0.35, s * ARCH_X_M + 0.35),
                (y - 0.3, y + 0.3),
                (p.floor, p.floor + 0.25),
                "concrete",
                "B",
            )
    for share in (0.2, 0.35, 0.5, 0.65, 0.8):
        x, _, z = arch(0.0, p.floor, 201)[int(share * 200)]
        path = np.array([(x, y, z + 0.25) for y in (ARCHES_Y_M[0] - 0.5, ARCHES_Y_M[-1] + 0.5)])
        beam(a, path, (0.0, 0.0, 1.0), 0.16, 0.12, "larch")


def _balustrade(a: Atlas, p: Plan) -> None:
    """Keeps players from stepping off the stage, at its back and sides."""
    w = p.stage_width
    for side, u, at in (
        ("N", (-w, w), REAR_Y_M - 0.06),
        ("E", (5.2, REAR_Y_M), w - 0.06),
        ("W", (5.2, REAR_Y_M), -w + 0.06),
    ):
        for k in np.arange(u[0] + 0.2, u[1], 1.9):
            middle = (at, k) if side in "EW" else (k, at)
            a.box(
                (middle[0] - 0.045, middle[0] + 0.045),
                (middle[1] - 0.045, middle[1] + 0.045),
                (0, 1.02),
                "larch",
                "B",
                0.8,
            )
        for z, height in ((1.0, 0.09), (0.62, 0.06), (0.28, 0.06)):
            bounds = ((at - 0.04, at + 0.04), u) if side in "EW" else (u, (at - 0.04, at + 0.04))
            a.box(*bounds, (z, z + height), "larch", "", 0.8)


def _steps(a: Atlas, p: Plan) -> None:
    for s in (-1, 1):
        for i in range(3):
            z = p.floor + 0.2 * i
            a.box((s * 6.2, s * 8.2), (p.edge - 0.9 + 0.3 * i, p.edge), (z, z + 0.2), "larch", "NB", 1.0)


def _ground(a: Atlas, p: Plan) -> None:
    """The lawn where people sit, finely; the meadow beyond, coarsely."""
    z = p.floor
    near_x, near_s, near_n = 16.0, -40.0, 15.0

    def flat(x0: float, x1: float, y0: float, y1: float, material: str, weight: float, up: float = 0.0) -> None:
        h = z + up
        a.quad((x0, y0, h), (x1, y0, h), (x1, y1, h), (x0, y1, h), material, weight)

    flat(-near_x, near_x, near_s, near_n, "grass", 1.0)
    flat(-0.95, 0.95, near_s, p.edge - 0.95, "gravel", 1.0, 0.012)
    flat(-9.0, 9.0, p.edge - 2.1, p.edge - 0.9, "gravel", 1.0, 0.012)
    for x0, x1, y0, y1 in (
        (-FAR_M, -near_x, -FAR_M, FAR_M),
        (near_x, FAR_M, -FAR_M, FAR_M),
        (-near_x, near_x, -FAR_M - 4, near_s),
        (-near_x, near_x, near_n, FAR_M),
    ):
        flat(x0, x1, y0, y1, "grass", 0.28)


def _strings() -> list[tuple[Array, Array]]:
    """The ends of the strings of lamps: along the front arch's sides to the poles, from pole to pole,
    and across behind the last row."""
    top = POLE_TOP_M - 0.1
    foot = [np.array((s * 7.4, ARCHES_Y_M[0], 8.0)) for s in (-1, 1)]
    rows = [foot, *[[np.array((s * abs(x), y, top)) for s in (-1, 1)] for x, y in POLES[::2]]]
    lines = [(near[k], far[k]) for near, far in pairwise(rows) for k in range(2)]
    return [*lines, (rows[-1][0], rows[-1][1])]


def _hanging(a: Array, b: Array, count: int) -> Array:
    """Points of a string that sags between its ends (a parabola)."""
    t = np.linspace(0, 1, count)[:, None]
    return np.asarray(
        a * (1 - t) + b * t - np.array([0, 0, 4 * SAG_M]) * t * (1 - t) * min(1.0, np.linalg.norm(b - a) / 20)
    )


def bulbs() -> list[tuple[float, float, float]]:
    """Where lamps are: on the strings, and along the arches."""
    places: list[Array] = []
    for a, b in _strings():
        count = round(float(np.linalg.norm(b - a)) / BULB_EVERY_M)
        places.append(_hanging(a, b, count + 1)[1:-1] - [0, 0, 0.08])
    for y in (ARCHES_Y_M[0], ARCHES_Y_M[-1]):
        places.append(arch(y, -0.6, 27)[4:-4] + [0, -0.16, -0.2])
    return [(float(x), float(y), float(z)) for x, y, z in np.concatenate(places).round(3)]


def light(description: Description) -> None:
    """Stage lamps as in the halls, the strings' warm light, and what is left of the day."""
    lamps = description["light"]
    stage_wash(lamps)
    warm = (1.0, 0.72, 0.42)
    for x, y, z in bulbs()[::3]:
        point_lamp((x, y, z - 0.1), 26, warm, 0.15)
    sun_lamp(hall_sky.SUN_DEG, 5.0, 0.30, (1.0, 0.55, 0.32))
    world_light((0.22, 0.28, 0.44), 0.9)


def evening_light(normals: Array, places: Array) -> Array:
    """Warm from the stage (+Y) and from the lamps above, blue from the sky."""
    height = np.clip(places[:, 2], 0, 1)
    warm = (
        0.03 + 0.62 * np.clip(normals[:, 1], 0, None) * (0.25 + 0.75 * height) + 0.3 * np.clip(normals[:, 2], 0, None)
    )
    sky = 0.10 + 0.26 * np.clip(normals[:, 2], 0, None) + 0.05 * np.abs(normals[:, 0])
    return warm[:, None] * np.array([1, 0.76, 0.5]) + (sky * (0.4 + 0.6 * height))[:, None] * np.array(
        [0.62, 0.72, 1.0]
    )


def furnish(description: Description) -> list[bpy.types.Object]:
    def garden_chairs(count: int, pitch_m: float, light: object) -> bpy.types.Mesh:
        return chair_row(count, pitch_m, evening_light, "b9b3a4", "c8c2b2")

    rows = seated(description, Rows(description, garden_chairs, evening_light, kinds=2))
    return rows + hung("lamp", bulb(), bulbs()) + hung("wire", _wires(), [(0.0, 0.0, 0.0)])


def _wires() -> bpy.types.Mesh:
    """The strings themselves, as thin upright ribbons seen from both sides."""
    row = Row()
    for a, b in _strings():
        line = _hanging(a, b, 13)
        v = np.concatenate([line, line + [0, 0, 0.022]])
        n = len(line)
        front = [(i, i + 1, n + i + 1, n + i) for i in range(n - 1)]
        row.add(
            np.concatenate([v, v]), front + [tuple(2 * n + k for k in f[::-1]) for f in front], linear("14151a"), True
        )
    return row.mesh("wires", lambda _, places: np.ones((len(places), 3)))
