"""A Gothic cathedral: pointed arcades, triforium, clerestory and rib vaults, an apse, a rose over the west door."""

import math
from itertools import pairwise

import bpy
import numpy as np
from hall_arches import (
    Plane,
    Vault,
    band,
    bays,
    facing,
    fill,
    moulding,
    opening,
    pierced,
    pointed,
    rib,
    shaft,
    wall_plane,
)
from hall_light import area_lamp, point_lamp, stage_wash, world_light
from hall_patches import Atlas
from hall_platform import Description, Plan, platform
from hall_rows import Rows, chair_row, hung, iron_crown, seated
from meshes import Array, linear

NAVE_M = 10.3
"""Half the nave's width between the faces of its walls; the aisles lie beyond."""
APSE_Y_M = 24.0
BAYS = 9
FAR_Y_M = -32.0
"""What lies behind this is built with less detail."""
PIER_M, WALL_M = 0.85, 1.3
CAPITAL_Z_M, STRING_Z_M, SILL_Z_M, SPRING_Z_M = 7.4, 13.4, 16.6, 16.6
SCREEN_Y_M, SCREEN_Z_M = 11.5, 2.7
CROWN_Z_M = 8.6
APSE_SIDES = 5


def shell(description: Description) -> list[Atlas]:
    p = Plan(description)
    vault = Vault(NAVE_M, SPRING_Z_M, p.ceiling)
    stage, walls, vaults = Atlas("stage", 1024), Atlas("walls", 1536), Atlas("vaults", 1024)
    platform(stage, p, SCREEN_Y_M, side="oak")
    _screen(stage, p)
    _floor(vaults, p)
    for y in bays(p.south, APSE_Y_M, BAYS):
        for side in "EW":
            _bay(walls, p, vault, side, y)
        vault.bay(vaults, y, "vault", "limestone", cells=3 if y[1] < FAR_Y_M else 4)
    for y in np.linspace(p.south, APSE_Y_M, BAYS + 1)[:-1]:
        for sign in (-1, 1):
            _pier(walls, p, sign, float(y))
    for sign in (-1, 1):
        _pier(walls, p, sign, APSE_Y_M)
    vault.transverse(vaults, APSE_Y_M, "limestone")
    _apse(walls, vaults, p, vault)
    _west(walls, p, vault)
    return [stage, walls, vaults]


def _screen(a: Atlas, p: Plan) -> None:
    """An oak screen behind the orchestra, with blind tracery, and stalls' canopies along its top."""
    plane = wall_plane("N", SCREEN_Y_M)
    w, top = p.stage_width, SCREEN_Z_M
    a.wall("N", (-w, w), (0, top), SCREEN_Y_M, "oak", 1.3)
    a.wall("S", (-w, w), (p.floor, top), SCREEN_Y_M + 0.2, "oak", 0.5)
    a.box((-w, w), (SCREEN_Y_M - 0.12, SCREEN_Y_M + 0.3), (top, top + 0.16), "oak", "B")
    for side, at in (("E", w), ("W", -w)):
        a.box((at - 0.08, at + 0.08), (7.6, SCREEN_Y_M), (0, 1.5), "oak", "N", 1.2)
        a.box((at - 0.12, at + 0.12), (7.5, SCREEN_Y_M), (1.5, 1.6), "oak", "N")
        for y in (7.6, 9.55):
            fill(
                a,
                wall_plane(side, at + (-0.09 if side == "E" else 0.09)),
                opening(y + 0.95, 0.7, 0.2, 0.9, 0.4, 4),
                "dark",
            )
    step = 2 * w / 14
    for i in range(14):
        center = -w + (i + 0.5) * step
        shape = opening(center, 0.40 * step, 0.35, 1.65, 0.62, 5)
        fill(a, plane, shape, "dark", 0.012, 1.2)
        moulding(a, plane, shape, 0.07, 0.05, "oak")
        a.relief("N", (center - 0.5 * step - 0.05, center - 0.5 * step + 0.05), (0, top), SCREEN_Y_M, 0.09, "oak", "TB")
        shape = pointed(0.3 * step, 0.75, 4) + [center, top + 0.16]
        fill(a, plane, shape, "oak", 0.05, 0.9)
        a.lathe(
            center + 0.5 * step,
            SCREEN_Y_M - 0.02,
            [(0.05, top + 0.16), (0.04, top + 0.6), (0.09, top + 0.7), (0.0, top + 0.95)],
            "oak",
            6,
        )


def _floor(a: Atlas, p: Plan) -> None:
    rows = [(-p.width, p.south), (-p.width, p.edge), (-p.width, SCREEN_Y_M), (-p.width, p.north)]
    for (x, y0), (_, y1) in pairwise(rows):
        a.quad((x, y0, p.floor), (-x, y0, p.floor), (-x, y1, p.floor), (x, y1, p.floor), "marble", 0.9)


def _bay(a: Atlas, p: Plan, vault: Vault, side: str, y: tuple[float, float]) -> None:
    sign = 1 if side == "E" else -1
    x = sign * NAVE_M
    near = 1.0 if y[1] > -25 else 0.8
    plane, middle, half = wall_plane(side, x), (y[0] + y[1]) / 2, (y[1] - y[0]) / 2
    # arcade: wall over the arch, its thickness, an order of moulding
    arch = pointed(half - PIER_M, 4.7, 6) + [middle, CAPITAL_Z_M]
    pierced(
        a,
        plane,
        arch,
        [(y[0], CAPITAL_Z_M), (y[0], STRING_Z_M), (y[1], STRING_Z_M), (y[1], CAPITAL_Z_M)],
        "ashlar",
        near,
    )
    band(a, plane, arch, arch, "limestone", (0.0, -WALL_M), (x + sign * WALL_M / 2, middle, 6.0), near)
    moulding(a, plane, arch, 0.34, 0.16, "limestone", flat=y[1] < FAR_Y_M)
    # triforium: a string course, openings in pairs on a dark passage
    a.relief(side, y, (STRING_Z_M, STRING_Z_M + 0.24), x, 0.22, "limestone", "NS", near)
    a.wall(side, y, (STRING_Z_M, SILL_Z_M), x, "ashlar", near)
    for i in range(4):
        shape = opening(middle + (i - 1.5) * half * 0.46, half * 0.17, STRING_Z_M + 0.35, STRING_Z_M + 1.7, 0.85, 4)
        fill(a, plane, shape, "shadow", 0.012, near)
        if y[1] > FAR_Y_M:
            moulding(a, plane, shape, 0.13, 0.1, "limestone", flat=True)
    a.relief(side, y, (SILL_Z_M - 0.1, SILL_Z_M + 0.14), x, 0.2, "limestone", "NS", near)
    # clerestory: a window up to the vault
    window = opening(middle, half * 0.60, SILL_Z_M + 0.9, 20.6, 4.6, 6)
    a.wall(side, (y[0] + 0.6, y[1] - 0.6), (SILL_Z_M, SILL_Z_M + 0.9), x, "ashlar", near)
    edge = [(u, max(z, SILL_Z_M + 0.9)) for u, z in vault.wall_edge(y, SILL_Z_M)]
    pierced(a, plane, window, edge, "ashlar", near)
    _window(a, plane, window, middle, half * 0.60, near, tracery=y[1] > FAR_Y_M)
    # aisle: wall with a window, vault as a plain slope
    outer = sign * p.width
    aisle = wall_plane(side, outer)
    low = opening(middle, 1.5, 3.6, 8.0, 2.3, 5)
    a.wall(side, y, (p.floor, 3.6), outer, "ashlar", 0.8)
    pierced(a, aisle, low, [(y[0], 3.6), (y[0], 13.0), (y[1], 13.0), (y[1], 3.6)], "ashlar", 0.7)
    _window(a, aisle, low, middle, 1.5, 0.8, tracery=False)
    turn = np.linspace(0, math.pi / 2, 5)
    roof = [
        [(outer - sign * (p.width - NAVE_M - WALL_M) * math.sin(t), v, 11.6 + 1.4 * (1 - math.cos(t))) for t in turn]
        for v in y
    ]
    a.grid(facing(roof, (sign * 11.8, middle, 5)), "vault", 0.6, True)
    pilaster = (y[0] - 0.4, y[0] + 0.4)
    a.relief(side, pilaster, (p.floor, 12.4), outer, 0.35, "limestone", "TB", 0.7)


def _window(
    a: Atlas, plane: Plane, outline: Array, center: float, half: float, weight: float, tracery: bool = True
) -> None:
    """Splayed reveal, leaded glass, two lights and a ring of tracery."""
    depth = -0.55
    inner = (outline - [center, outline[0, 1]]) * [0.86, 0.97] + [center, outline[0, 1] + 0.15]
    towards = plane.at(np.array([center, float(outline[:, 1].mean())]), 0.3)
    band(a, plane, outline, inner, "limestone", (0.0, depth), towards, weight)
    fill(a, plane, inner, "stained", depth, 1.25 * weight)
    moulding(a, plane, outline, 0.16, 0.08, "limestone", flat=not tracery)
    bottom, spring, top = inner[0, 1], inner[1, 1], inner[len(inner) // 2, 1]
    light = half * 0.86 / 2
    _bar(a, plane, center, (bottom, spring + 0.2), depth)
    if not tracery:
        return
    for s in (-1, 1):
        lancet = pointed(light, light * 1.3, 4) + [center + s * light, spring - 0.2]
        _strip(a, plane, lancet, 0.09, depth)
    ring = np.linspace(0, 2 * math.pi, 13)
    radius = min(0.62 * light, (top - spring) * 0.2)
    circle = np.stack([center + radius * np.sin(ring), spring + (top - spring) * 0.56 + radius * np.cos(ring)], axis=1)
    _strip(a, plane, circle, 0.09, depth)


def _bar(a: Atlas, plane: Plane, u: float, z: tuple[float, float], depth: float, width: float = 0.13) -> None:
    h = width / 2
    profile = np.array([(u - h, depth), (u - h * 0.6, depth + 0.16), (u + h * 0.6, depth + 0.16), (u + h, depth)])
    rows = [[plane.at(np.array([v, height]), d) for v, d in profile] for height in z]
    a.grid(plane.seen(np.array(rows)), "limestone", 0.7)


def _strip(a: Atlas, plane: Plane, line: Array, width: float, depth: float) -> None:
    """A flat bar along a line of the plane, a little proud of the glass."""
    along = np.gradient(line, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.linalg.norm(along, axis=1)[:, None] * width
    band(a, plane, line - across, line + across, "limestone", (depth + 0.1, depth + 0.1), weight=0.7)


def _pier(a: Atlas, p: Plan, sign: int, y: float) -> None:
    """A round pier with a shaft that runs up the wall to the vault's springing."""
    x = sign * (NAVE_M + WALL_M / 2)
    shaft(a, x, y, PIER_M * 0.92, (p.floor, CAPITAL_Z_M + 0.05), "ashlar", 10 if y > FAR_Y_M else 7)
    front = sign * (NAVE_M - 0.08)
    span = (math.pi / 2, 3 * math.pi / 2) if sign > 0 else (-math.pi / 2, math.pi / 2)
    for dy, r in ((-0.36, 0.16), (0.0, 0.24), (0.36, 0.16)):
        z0 = p.floor if not dy else CAPITAL_Z_M + 0.1
        profile = [
            (r * 1.3, z0),
            (r, z0 + 0.3),
            (r, SPRING_Z_M - 0.6),
            (r * 1.7, SPRING_Z_M - 0.05),
            (r * 1.7, SPRING_Z_M + 0.15),
        ]
        a.lathe(front, y + dy, profile, "limestone", 4, span, 0.9)


def _apse(walls: Atlas, vaults: Atlas, p: Plan, vault: Vault) -> None:
    """Five sides with tall windows behind the stage, ribs that meet under the crown."""
    turn = np.linspace(0, math.pi, APSE_SIDES + 1)
    depth = p.north - APSE_Y_M
    corners = np.stack([NAVE_M * np.cos(turn), APSE_Y_M + depth * np.sin(turn)], axis=1)
    key = np.array([0.0, APSE_Y_M + 1.2, p.ceiling])
    below = (0.0, APSE_Y_M, 8.0)
    for (ax, ay), (bx, by) in pairwise(corners):
        length = math.hypot(bx - ax, by - ay)
        e = ((bx - ax) / length, (by - ay) / length)
        n = (-e[1], e[0])
        plane = Plane(((ax + bx) / 2, (ay + by) / 2), e, n)
        h = length / 2
        lancet = opening(0.0, h * 0.62, 4.2, 19.0, 4.4, 7)
        rim = 26.2
        curve = [
            (float(u), float(SPRING_Z_M + (rim - SPRING_Z_M) * z))
            for u, z in zip(np.sin(np.linspace(-1, 1, 11) * math.pi / 2) * h, _lancet_height(11), strict=True)
        ]
        panel = [(-h, 4.2), *[(u, max(z, 4.3)) for u, z in curve], (h, 4.2)]
        base = np.array([[(-h, p.floor), (h, p.floor)], [(-h, 4.2), (h, 4.2)]])
        walls.grid(plane.seen(plane.at(base)), "ashlar", 1.0)
        pierced(walls, plane, lancet, panel, "ashlar")
        _window(walls, plane, lancet, 0.0, h * 0.62, 1.15)
        _bar(walls, plane, 0.0, (4.3, 19.0), -0.55)
        for z in (9.0, 13.8):
            line = np.array([(-h * 0.54, z), (0.0, z), (h * 0.54, z)])
            _strip(walls, plane, line, 0.09, -0.55)
        web = np.array(
            [
                [plane.at(np.array(c)) * (1 - s) + key * s + [0, 0, 1.2 * s * (1 - s)] for c in curve]
                for s in np.linspace(0, 1, 5)
            ]
        )
        vaults.grid(facing(web, below), "vault", 0.9, True)
    for x, y in corners:
        foot = np.array([x, y, SPRING_Z_M])
        path = [
            (1 - s) ** 2 * foot
            + 2 * s * (1 - s) * np.array([x * 0.86, y * 0.86 + key[1] * 0.14, p.ceiling - 0.6])
            + s * s * key
            for s in np.linspace(0, 1, 12)
        ]
        rib(vaults, path, below, 0.4, 0.36, "limestone")
        inwards = np.array([0.0, APSE_Y_M]) - [x, y]
        inwards = inwards / (np.linalg.norm(inwards) + 1e-9) * 0.2
        walls.lathe(
            x + inwards[0],
            y + inwards[1],
            [(0.3, p.floor), (0.24, 0.4), (0.24, SPRING_Z_M - 0.6), (0.42, SPRING_Z_M)],
            "limestone",
            8,
        )
    for sign in (-1, 1):  # where the aisles end
        walls.wall("N", tuple(sorted((sign * NAVE_M, sign * p.width))), (p.floor, 13.2), APSE_Y_M, "ashlar", 0.8)
    # the high altar on its steps, with a retable
    for i, (half, front) in enumerate(((4.2, 24.0), (3.6, 24.8), (3.0, 25.6))):
        walls.box((-half, half), (front, 31.0), (p.floor + 0.2 * i, p.floor + 0.2 * (i + 1)), "marble", "BN", 0.8)
    walls.box((-1.6, 1.6), (28.4, 29.4), (0.0, 1.1), "limestone", "B", 1.1)
    walls.box((-1.8, 1.8), (28.2, 29.5), (1.1, 1.22), "marble", "", 0.8)
    for c, half, top in ((-1.45, 0.66, 3.0), (0.0, 0.75, 3.9), (1.45, 0.66, 3.0)):
        plane = wall_plane("N", 30.2)
        walls.box((c - half, c + half), (30.2, 30.6), (0.0, top), "gold_deep", "BN", 1.2)
        fill(walls, plane, opening(c, half * 0.78, 1.5, top - 1.0, 0.7, 5), "painting", 0.03, 1.2)
        fill(walls, plane, pointed(half, 0.9, 4) + [c, top], "gold", 0.0)


def _lancet_height(count: int) -> Array:
    u = np.sin(np.linspace(-1, 1, count) * math.pi / 2)
    return np.sqrt(np.maximum(1 - np.abs(u) ** 2.2, 0))


def _west(a: Atlas, p: Plan, vault: Vault) -> None:
    """The wall behind the audience: a door under a rose."""
    plane = wall_plane("S", p.south)
    low, turn = 12.0, np.linspace(0, 2 * math.pi, 25)
    a.wall("S", (-p.width, p.width), (p.floor, low), p.south, "ashlar", 0.7)
    u = np.sin(np.linspace(-1, 1, 17) * math.pi / 2)
    top = np.stack([NAVE_M * u, vault.height(u)], axis=1)
    bottom = np.stack([NAVE_M * u, np.full_like(u, low)], axis=1)
    band(a, plane, bottom, top, "ashlar", weight=0.7)
    for r0, r1, proud, material in (
        (0.0, 4.6, 0.03, "stained"),
        (4.6, 5.4, 0.16, "limestone"),
        (1.1, 1.4, 0.1, "limestone"),
        (2.9, 3.1, 0.1, "limestone"),
    ):
        rings = [[plane.at(np.array([r * math.sin(t), 18.6 + r * math.cos(t)]), proud) for r in (r0, r1)] for t in turn]
        a.grid(plane.seen(np.array(rings)), material, 1.3 if material == "stained" else 0.8)
    for t in turn[:-1:2]:
        e = np.array([math.sin(t), math.cos(t)])
        line = np.array([e * r + [0, 18.6] for r in (1.3, 3.0, 4.7)])
        _strip(a, plane, line, 0.11, 0.0)
    door = opening(0.0, 2.0, p.floor, 3.4, 2.4, 6)
    fill(a, plane, door, "dark", 0.02)
    moulding(a, plane, door, 0.6, 0.4, "limestone")


def light(description: Description) -> None:
    """Warm lamps on the stage, candles in iron crowns, uplights at the piers; dusk beyond the windows."""
    p = Plan(description)
    lamps = description["light"]
    stage_wash(lamps)
    warm = tuple(lamps["warm_rgb"])
    candle = (warm[0], warm[1] * 0.86, warm[2] * 0.62)
    for x, y, z in crowns(p):
        point_lamp((x, y, z + 0.3), 260, candle, 0.5)
    for y0, y1 in bays(p.south, APSE_Y_M, BAYS):
        fade = 1.0 if y1 > -20 else 0.7
        for sign in (-1, 1):
            point_lamp((sign * (NAVE_M - 0.9), y0, CAPITAL_Z_M + 1.2), 42 * fade, candle, 0.2)
            point_lamp((sign * (p.width - 0.8), (y0 + y1) / 2, 1.2), 60 * fade, candle, 0.2)
            area_lamp((sign * (NAVE_M - 0.7), (y0 + y1) / 2, SILL_Z_M + 0.6), (0.5, 5.0), 170 * fade, warm, 180, 130)
    area_lamp((0.0, APSE_Y_M + 3.0, 0.4), (8.0, 2.0), 420, candle, 168, 120)
    point_lamp((-2.6, 27.0, 2.6), 60, candle, 0.2)
    point_lamp((2.6, 27.0, 2.6), 60, candle, 0.2)
    world_light((0.02, 0.025, 0.045), 0.2)


def crowns(p: Plan) -> list[tuple[float, float, float]]:
    """Where the crowns of candles hang."""
    return [
        (sign * 5.6, y0 + 4.67, CROWN_Z_M)
        for y0, _ in bays(p.south, APSE_Y_M, BAYS)
        for sign in (-1, 1)
        if y0 > p.south + 12
    ]


def furnish(description: Description) -> list[bpy.types.Object]:
    p = Plan(description)
    crown = iron_crown(p.ceiling - CROWN_Z_M - 2.5, linear("241f1c"))
    return seated(description, Rows(description, chair_row, kinds=2)) + hung("chandelier", crown, crowns(p))
