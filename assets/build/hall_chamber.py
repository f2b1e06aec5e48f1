"""A small hall for chamber music: plastered walls with tall windows between oak pilasters, panelled ends, oak beams."""

import math

import bpy
import numpy as np
from hall_light import area_lamp, point_lamp, world_light
from hall_patches import Atlas
from hall_platform import Description, Plan, risers_and_podium
from hall_rows import Rows, globe_lamp, hung, seated

BAYS = 6
DADO_Z_M, CORNICE_Z_M = 1.5, 6.7
WINDOW_Z_M = (1.9, 5.5)
WINDOW_HALF_M = 1.0
LAMP_Z_M = 5.6


def shell(description: Description) -> list[Atlas]:
    p = Plan(description)
    stage, room = Atlas("stage", 1024), Atlas("room", 1536)
    w = p.width
    stage.quad((-w, p.edge, 0), (w, p.edge, 0), (w, p.north, 0), (-w, p.north, 0), "stage", 1.6)
    stage.wall("N", (-w, w), (p.floor, 0), p.edge, "light_oak", 1.2)
    stage.box((-w, w), (p.edge - 0.06, p.edge + 0.05), (-0.09, 0.012), "oak", "EWN")
    risers_and_podium(stage, p)
    _end(stage, p, "N", p.north)
    _end(room, p, "S", p.south)
    for side in "EW":
        _side(room, p, side)
    room.quad(
        (-w, p.south, p.floor), (w, p.south, p.floor), (w, p.edge, p.floor), (-w, p.edge, p.floor), "parquet", 1.0
    )
    room.box((-0.7, 0.7), (p.south, p.edge - 0.6), (p.floor, p.floor + 0.012), "red", "B", 0.9)
    _ceiling(room, p)
    return [stage, room]


def _end(a: Atlas, p: Plan, side: str, at: float) -> None:
    """A wall of oak boards with upright ribs between two rails."""
    low = 0.0 if side == "N" else p.floor
    a.wall(side, (-p.width, p.width), (low, CORNICE_Z_M), at, "light_oak", 1.1)
    a.wall(side, (-p.width, p.width), (CORNICE_Z_M, p.ceiling), at, "plaster", 0.8)
    for x in np.arange(-p.width + 0.3, p.width - 0.2, 0.62):
        broad = 0.07 + 0.05 * (math.sin(3.1 * x) > 0)
        a.relief(side, (x - broad, x + broad), (low + 0.25, CORNICE_Z_M - 0.3), at, 0.05, "light_oak", "B", 0.8)
    for z in (low + 0.02, 2.6, CORNICE_Z_M - 0.3):
        a.relief(side, (-p.width, p.width), (z, z + 0.22), at, 0.12, "oak", "EW")
    if side == "S":
        for s in (-1, 1):
            a.relief(side, (s * 0.02, s * 1.1), (low, low + 2.5), at, 0.13, "oak", "B")
            a.relief(side, (s * 0.16, s * 0.96), (low + 0.2, low + 2.3), at, 0.16, "light_oak")


def _side(a: Atlas, p: Plan, side: str) -> None:
    x = p.width if side == "E" else -p.width
    step = (p.north - p.south) / BAYS
    a.wall(side, (p.south, p.north), (p.floor, DADO_Z_M), x, "light_oak", 1.0)
    a.wall(side, (p.south, p.north), (DADO_Z_M, p.ceiling), x, "plaster", 0.9)
    a.relief(side, (p.south, p.north), (DADO_Z_M, DADO_Z_M + 0.12), x, 0.1, "oak", "NS")
    a.relief(side, (p.south, p.north), (CORNICE_Z_M, CORNICE_Z_M + 0.25), x, 0.2, "light_oak", "NS")
    inward = -1 if side == "E" else 1
    for i in range(BAYS + 1):
        y = p.south + i * step
        a.relief(side, (y - 0.36, y + 0.36), (p.floor, CORNICE_Z_M), x, 0.16, "light_oak", "TB")
        a.relief(side, (y - 0.12, y + 0.12), (p.floor + 1.0, CORNICE_Z_M - 0.4), x, 0.21, "oak", "")
    for i in range(BAYS):
        y = p.south + (i + 0.5) * step
        u, (z0, z1) = (y - WINDOW_HALF_M, y + WINDOW_HALF_M), WINDOW_Z_M
        a.wall(side, u, (z0, z1), x + inward * 0.02, "evening", 0.6)
        a.frame(side, (u[0] - 0.14, u[1] + 0.14), (z0 - 0.14, z1 + 0.14), 0.16, 0.12, x, "light_oak", 0.9)
        a.relief(side, (y - 0.04, y + 0.04), (z0, z1), x + inward * 0.02, 0.06, "light_oak", "TB", 0.8)
        for z in (z0 + 1.2, z0 + 2.4):
            a.relief(side, u, (z - 0.03, z + 0.03), x + inward * 0.02, 0.05, "light_oak", "NS", 0.8)
        a.relief(side, (u[0] - 0.3, u[1] + 0.3), (z1 + 0.26, z1 + 0.36), x, 0.14, "oak")
        for s in (-1, 1):
            _curtain(a, side, x, y + s * (WINDOW_HALF_M + 0.14), (DADO_Z_M + 0.2, z1 + 0.28))


def _curtain(a: Atlas, side: str, x: float, y: float, z: tuple[float, float]) -> None:
    """Cloth that hangs in folds beside a window."""
    inward = -1 if side == "E" else 1
    t = np.linspace(0, 1, 15)
    u = y + 0.32 * (2 * t - 1)
    depth = 0.15 + 0.05 * np.cos(t * 7 * math.pi)
    rows = [[(x + inward * d, v, h) for h in z] for v, d in zip(u, depth, strict=True)]
    a.grid(rows if inward > 0 else rows[::-1], "ochre", 0.9, True)


def _ceiling(a: Atlas, p: Plan) -> None:
    w, top = p.width, p.ceiling
    a.quad((w, p.south, top), (-w, p.south, top), (-w, p.north, top), (w, p.north, top), "plaster", 0.8)
    step = (p.north - p.south) / BAYS
    for i in range(BAYS + 1):
        y = p.south + i * step
        a.box((-w, w), (y - 0.2, y + 0.2), (top - 0.42, top), "light_oak", "TEW", 0.9)
    for x in (-0.5 * w, 0.0, 0.5 * w):
        a.box((x - 0.12, x + 0.12), (p.south, p.north), (top - 0.26, top), "light_oak", "TNS", 0.8)


def lamps(p: Plan) -> list[tuple[float, float, float]]:
    """Where the lamps hang: between the beams."""
    step = (p.north - p.south) / BAYS
    return [(s * 0.25 * p.width * 1.9, p.south + (i + 0.5) * step, LAMP_Z_M) for i in range(BAYS) for s in (-1, 1)]


def light(description: Description) -> None:
    """Lamps over the stage as in the large halls, but nearer and weaker; globes; light on the panelled wall."""
    p, wash = Plan(description), description["light"]
    warm = tuple(wash["warm_rgb"])
    area_lamp((0, 4.4, p.ceiling - 0.6), (13, 8), 0.34 * wash["stage_w"], warm, spread_deg=120)
    area_lamp((0, -4.5, p.ceiling - 0.6), (12, 1.0), 0.24 * wash["front_w"], warm, 40, 90)
    for x, y, z in lamps(p):
        point_lamp((x, y, z), 150 if y > p.edge - 1 else 120, warm, 0.25)
    for i in range(BAYS + 1):
        y = p.south + i * (p.north - p.south) / BAYS
        for s in (-1, 1):
            point_lamp((s * (p.width - 0.5), y, 2.9), 16, (warm[0], warm[1] * 0.9, warm[2] * 0.75), 0.1)
    world_light((0.02, 0.025, 0.045), 0.2)


def furnish(description: Description) -> list[bpy.types.Object]:
    p = Plan(description)
    return seated(description, Rows(description, kinds=2)) + hung(
        "chandelier", globe_lamp(p.ceiling - LAMP_Z_M), lamps(p)
    )
