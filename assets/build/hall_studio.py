"""A dry recording stage: walls of cloth-covered absorbers between wooden slats, clouds under a dark ceiling, the window
of the control room."""

import bpy
import numpy as np
from hall_light import area_lamp, world_light
from hall_patches import Atlas
from hall_platform import Description, Plan, risers_and_podium
from hall_rows import Rows, chair_row, seated

PANEL_M = 1.25
ROWS_Z_M = (0.35, 2.05, 3.75, 5.45)
CLOTHS = ("cloth_grey", "cloth_grey", "cloth_dark", "cloth_teal", "cloth_grey", "cloth_ochre", "cloth_dark")
CLOUD_Z_M = 5.75
STRIPS_X_M = (-7.2, -3.6, 0.0, 3.6, 7.2)
CONTROL_M = 2.4
"""How deep the control room is."""
WINDOW = ((-3.2, 3.2), (1.05, 2.75))


def shell(description: Description) -> list[Atlas]:
    p = Plan(description)
    floor, walls = Atlas("stage", 1024), Atlas("walls", 1536)
    w = p.width
    floor.quad((-w, p.south, p.floor), (w, p.south, p.floor), (w, p.north, p.floor), (-w, p.north, p.floor), "ash", 1.3)
    risers_and_podium(floor, p)
    rng = np.random.default_rng(4)
    for side, ends, at in (
        ("E", (p.south, p.north), w),
        ("W", (p.south, p.north), -w),
        ("N", (-w, w), p.north),
        ("S", (-w, w), p.south),
    ):
        _wall(walls, p, side, ends, at, rng)
    _control_room(walls, p)
    _ceiling(walls, p)
    _microphones(floor, p)
    return [floor, walls]


def _wall(a: Atlas, p: Plan, side: str, ends: tuple[float, float], at: float, rng: np.random.Generator) -> None:
    """Four rows of absorbers with a joint round each; every fourth column is a diffuser of slats."""
    if side == "S":
        (u0, u1), (z0, z1) = WINDOW
        for u, z in (
            (ends, (p.floor, z0)),
            (ends, (z1, p.ceiling)),
            ((ends[0], u0), (z0, z1)),
            ((u1, ends[1]), (z0, z1)),
        ):
            a.wall(side, u, z, at, "cloth_black", 0.7)
    else:
        a.wall(side, ends, (p.floor, p.ceiling), at, "cloth_black", 0.7)
    a.relief(side, ends, (p.floor, ROWS_Z_M[0] - 0.08), at, 0.08, "ash", "B", 0.9)
    count = round((ends[1] - ends[0]) / PANEL_M)
    step = (ends[1] - ends[0]) / count
    for i in range(count):
        u = (ends[0] + i * step + 0.035, ends[0] + (i + 1) * step - 0.035)
        middle = sum(u) / 2
        if i % 4 == 1:
            _slats(a, side, u, (ROWS_Z_M[0], 6.9), at, side == "S" and abs(middle) < WINDOW[0][1] + 0.7)
            continue
        for k, z in enumerate(ROWS_Z_M):
            if side == "S" and k < 2 and abs(middle) < WINDOW[0][1] + 0.7:
                continue
            depth = float(rng.choice([0.1, 0.14, 0.2]))
            cloth = CLOTHS[int(rng.integers(len(CLOTHS)))]
            a.relief(side, u, (z, min(z + 1.62, p.ceiling - 0.06)), at, depth, cloth, "", 0.9)


def _slats(a: Atlas, side: str, u: tuple[float, float], z: tuple[float, float], at: float, above_window: bool) -> None:
    low = 3.75 if above_window else z[0]
    for k, v in enumerate(np.linspace(u[0] + 0.06, u[1] - 0.06, 7)):
        depth = (0.10, 0.22, 0.16, 0.28, 0.16, 0.22, 0.10)[k]
        a.relief(side, (v - 0.045, v + 0.045), (low, z[1]), at, depth, "ash_wall", "TB", 0.8)


def _control_room(a: Atlas, p: Plan) -> None:
    """The window behind which the engineers sit: their desk, screens and loudspeakers."""
    (u0, u1), (z0, z1) = WINDOW
    at, back = p.south + 0.02, p.south - CONTROL_M
    for u, z in (
        ((u0 - 0.5, u0), (ROWS_Z_M[0], 3.7)),
        ((u1, u1 + 0.5), (ROWS_Z_M[0], 3.7)),
        ((u0, u1), (ROWS_Z_M[0], z0)),
        ((u0, u1), (z1, 3.7)),
    ):
        a.wall("S", u, z, at, "ash_wall", 0.9)
    a.frame("S", (u0 - 0.06, u1 + 0.06), (z0 - 0.06, z1 + 0.06), 0.1, 0.1, at, "iron", 0.9)
    for x in (-1.07, 1.07):
        a.relief("S", (x - 0.03, x + 0.03), (z0, z1), at, 0.05, "iron", "TB", 0.8)
    a.relief("S", (-0.5, 0.5), (3.1, 3.38), at, 0.05, "sign", "", 1.4)
    low, high = z0 - 0.5, z1 + 0.4
    a.wall("S", (u0, u1), (low, high), back, "plaster", 0.9)
    for side, x in (("E", u1), ("W", u0)):
        a.wall(side, (back, at), (low, high), x, "plaster", 0.6)
    a.quad((u1, back, high), (u0, back, high), (u0, at, high), (u1, at, high), "plaster", 0.6)
    a.box((-2.4, 2.4), (p.south - 1.1, p.south - 0.5), (low, z0 + 0.12), "cloth_black", "B", 0.8)
    for x in (-0.75, 0.75):
        a.box((x - 0.5, x + 0.5), (p.south - 1.05, p.south - 1.0), (z0 + 0.2, z0 + 0.75), "cloth_black", "", 0.8)
    for x in (-2.0, 2.0):
        a.box((x - 0.2, x + 0.2), (p.south - 1.1, p.south - 0.8), (z0 + 0.12, z0 + 0.8), "cloth_dark", "B", 0.8)


def _ceiling(a: Atlas, p: Plan) -> None:
    """Black under the roof; pale clouds hang below it, with strips of light between them."""
    w, top = p.width, p.ceiling
    a.quad((w, p.south, top), (-w, p.south, top), (-w, p.north, top), (w, p.north, top), "cloth_black", 0.6)
    for j, y in enumerate(np.arange(p.south + 1.0, p.north - 1.5, 3.0)):
        for x in (-5.4, -1.8, 1.8, 5.4):
            z = CLOUD_Z_M + 0.12 * ((j + round(x)) % 3)
            a.box((x - 1.3, x + 1.3), (y, y + 2.4), (z, z + 0.1), "cloud", "", 0.8)
    for x in STRIPS_X_M:
        a.box(
            (x - 0.05, x + 0.05), (p.south + 1.0, p.north - 1.2), (CLOUD_Z_M + 0.02, CLOUD_Z_M + 0.1), "strip", "", 0.6
        )


def _microphones(a: Atlas, p: Plan) -> None:
    """A main array on a stand behind the conductor."""
    x, y, z = -2.1, -1.75, 3.25
    a.lathe(x, y, [(0.28, 0.0), (0.26, 0.04), (0.03, 0.1), (0.022, 1.6), (0.018, z)], "iron", 7)
    a.box((x, 0.9), (y - 0.015, y + 0.015), (z, z + 0.03), "iron", "", 0.7)
    a.box((-0.015, 0.015), (y, y + 0.9), (z, z + 0.03), "iron", "", 0.7)
    for mx, my in ((-0.9, y), (0.9, y), (0.0, y + 0.9)):
        a.lathe(mx, my, [(0.0, z - 0.2), (0.03, z - 0.18), (0.03, z - 0.02), (0.0, z)], "iron", 7)


def light(description: Description) -> None:
    """Even light from the strips, a little warmer over the orchestra."""
    p, wash = Plan(description), description["light"]
    warm = tuple(wash["warm_rgb"])
    for x in STRIPS_X_M:
        area_lamp((x, (p.south + p.north) / 2, CLOUD_Z_M), (0.3, p.north - p.south - 2.4), 230, (1.0, 0.95, 0.86))
    area_lamp((0, 4.4, CLOUD_Z_M - 0.15), (12, 8), 200, warm, spread_deg=110)
    for s in (-1, 1):
        for y in np.arange(p.south + 1.5, p.north, 3.0):
            area_lamp((s * (p.width - 0.8), float(y), p.ceiling - 0.3), (0.4, 0.4), 110, warm, spread_deg=85)
    area_lamp((0, p.south - 1.2, WINDOW[1][1] + 0.35), (5.0, 1.6), 60, (1.0, 0.84, 0.62))
    world_light((0.03, 0.03, 0.035), 0.2)


def furnish(description: Description) -> list[bpy.types.Object]:
    return seated(description, Rows(description, chair_row, kinds=2))
