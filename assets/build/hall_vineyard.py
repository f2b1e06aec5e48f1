"""A hall whose audience sits all round the orchestra, on terraces behind parapets, under a tent of a ceiling."""

import math
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import bpy
import numpy as np
from hall_arches import facing
from hall_light import point_lamp, stage_wash, world_light
from hall_patches import Atlas
from hall_platform import Description, Plan, platform
from hall_rows import Rows, bulb, hung, seat_row, seated
from meshes import Array

REAR_Y_M = 11.6
EAVES_Z_M, PEAK = 14.0, (0.0, 4.0)
PANEL_Z_M = 12.0
PARAPET_M, CAP_M = 0.82, 0.16
HALF_ROW_M = 4.0


@dataclass(frozen=True, slots=True)
class Terrace:
    """A block of rows: the middle of its first, where it looks (degrees, 90 is +Y), how many rows, its lowest floor and
    how much each is higher than the one before."""

    name: str
    x_m: float
    y_m: float
    looks_deg: float
    rows: int
    floor_m: float
    rise_m: float
    pitch_m: float = 0.95

    @property
    def forward(self) -> Array:
        return np.array([math.cos(math.radians(self.looks_deg)), math.sin(math.radians(self.looks_deg))])

    def at(self, along_m: float, back_m: float) -> tuple[float, float]:
        """A place of the block: to the right of its middle as its people see it, behind the first row."""
        f = self.forward
        x, y = np.array([self.x_m, self.y_m]) + along_m * np.array([f[1], -f[0]]) - back_m * f
        return float(x), float(y)


def _pair(name: str, x_m: float, y_m: float, looks_deg: float, *rest: float) -> list[Terrace]:
    rows, floor_m, rise_m = rest
    return [
        Terrace(f"{name}R", x_m, y_m, looks_deg, int(rows), floor_m, rise_m),
        Terrace(f"{name}L", -x_m, y_m, 180 - looks_deg, int(rows), floor_m, rise_m),
    ]


TERRACES = [
    *_pair("B", 13.4, -8.2, 116, 9, 0.5, 0.32),
    *_pair("C", 13.9, -19.4, 108, 9, 4.1, 0.36),
    *_pair("D", 13.6, 3.4, 184, 6, 1.4, 0.42),
    *_pair("F", 12.6, 12.3, 218, 7, 2.6, 0.42),
    *_pair("E", 4.0, 14.2, 270, 8, 2.3, 0.44),
]


def shell(description: Description) -> list[Atlas]:
    p = Plan(description)
    stage, terraces, room = Atlas("stage", 1024), Atlas("terraces", 1536), Atlas("room", 1024)
    platform(stage, p, REAR_Y_M)
    _main_block(terraces, p)
    for terrace in TERRACES:
        _terrace(terraces, p, terrace)
    _room(room, p)
    _panels(room)
    return [stage, terraces, room]


def _upright(
    a: Atlas,
    p0: tuple[float, float],
    p1: tuple[float, float],
    z0: tuple[float, float],
    z1: tuple[float, float],
    to: tuple[float, float],
    material: str,
    weight: float = 1.0,
) -> None:
    """An upright surface between two places on the floor; ``z0`` and ``z1`` are its heights at either, ``to`` a place
    on the side that it faces."""
    grid = [[(*p0, z0[0]), (*p0, z0[1])], [(*p1, z1[0]), (*p1, z1[1])]]
    a.grid(facing(grid, (*to, (z0[0] + z1[1]) / 2)), material, weight)


def _parapet(
    a: Atlas,
    p0: tuple[float, float],
    p1: tuple[float, float],
    foot: float,
    tops: tuple[float, float],
    outside: tuple[float, float],
    weight: float = 1.0,
) -> None:
    """A wall in front of seats: panelled towards ``outside``, plain behind, with a white cap."""
    d = np.array(p1) - p0
    n = np.array([d[1], -d[0]]) / np.linalg.norm(d)
    if np.dot(n, np.array(outside) - p0) < 0:
        n = -n
    out0, out1 = (tuple(float(c) for c in np.array(q) + CAP_M / 2 * n) for q in (p0, p1))
    in0, in1 = (tuple(float(c) for c in np.array(q) - CAP_M / 2 * n) for q in (p0, p1))
    far = tuple(float(c) for c in np.array(p0) + 50 * n)
    near = tuple(float(c) for c in np.array(p0) - 50 * n)
    _upright(a, out0, out1, (foot, tops[0]), (foot, tops[1]), far, "light_oak", weight)
    _upright(a, in0, in1, (tops[0] - 1.2, tops[0]), (tops[1] - 1.2, tops[1]), near, "light_oak", 0.7 * weight)
    cap = [[(*out0, tops[0]), (*in0, tops[0])], [(*out1, tops[1]), (*in1, tops[1])]]
    a.grid(facing(cap, (p0[0], p0[1], 60.0)), "ivory", 0.8)


def _main_block(a: Atlas, p: Plan) -> None:
    """The rows in front of the stage, each a step higher, with an aisle in the middle."""
    seats = p.seats
    pitch, rise, w = seats["row_pitch_m"], seats["rise_per_row_m"], 8.7
    first, count = (
        seats["first_row_y_m"],
        round((seats["first_row_y_m"] - seats["last_row_y_m"]) / seats["row_pitch_m"]) + 1,
    )
    a.quad(
        (-21, first + 0.6, p.floor), (21, first + 0.6, p.floor), (21, 24, p.floor), (-21, 24, p.floor), "parquet", 0.7
    )
    for i in range(count):
        y, z = first + 0.6 - i * pitch, p.floor + i * rise
        if i:
            a.wall("S", (-w, w), (z - rise, z), y, "oak", 0.6)
        end = y - pitch if i < count - 1 else p.south
        a.quad((-w, end, z), (w, end, z), (w, y, z), (-w, y, z), "parquet", 0.8)
    top = p.floor + count * rise
    for s in (-1, 1):
        _parapet(
            a,
            (s * w, first + 0.6),
            (s * w, first + 0.6 - count * pitch),
            p.floor,
            (p.floor + PARAPET_M, top + PARAPET_M),
            (s * 30, first - 10),
        )


def _terrace(a: Atlas, p: Plan, t: Terrace) -> None:
    h, back = HALF_ROW_M, t.rows * t.pitch_m
    front = 0.75
    high = t.floor_m + (t.rows - 1) * t.rise_m
    ahead = t.at(0.0, -60.0)
    _parapet(a, t.at(-h, -front), t.at(h, -front), p.floor, (t.floor_m + PARAPET_M,) * 2, ahead, 1.2)
    for i in range(t.rows):
        z, b0, b1 = t.floor_m + i * t.rise_m, i * t.pitch_m - (front if i == 0 else 0.45), (i + 1) * t.pitch_m - 0.45
        if i == t.rows - 1:
            b1 += 0.6
        c = [(*t.at(-h, b0), z), (*t.at(h, b0), z), (*t.at(h, b1), z), (*t.at(-h, b1), z)]
        a.grid(facing([[c[0], c[3]], [c[1], c[2]]], (c[0][0], c[0][1], 60.0)), "parquet", 0.7)
        if i:
            _upright(a, t.at(-h, b0), t.at(h, b0), (z - t.rise_m, z), (z - t.rise_m, z), ahead, "oak", 0.6)
    for s in (-1, 1):
        _parapet(
            a,
            t.at(s * h, -front),
            t.at(s * h, back + 0.15),
            p.floor,
            (t.floor_m + PARAPET_M, high + PARAPET_M),
            t.at(s * 60, 0.0),
        )
    _upright(
        a,
        t.at(-h, back + 0.15),
        t.at(h, back + 0.15),
        (p.floor, high + 0.3),
        (p.floor, high + 0.3),
        t.at(0, 60),
        "light_oak",
        0.6,
    )


def _outline(p: Plan) -> list[tuple[float, float]]:
    """The corners of the room, counter-clockwise."""
    w, s, n = p.width, p.south, p.north
    half = [(0.62 * w, s), (w, s + 9.0), (w, n - 10.0), (0.6 * w, n)]
    return [*half, *[(-x, y) for x, y in reversed(half)]]


def _room(a: Atlas, p: Plan) -> None:
    corners = _outline(p)
    for p0, p1 in pairwise([*corners, corners[0]]):
        for z, material, weight in (((p.floor, 6.2), "light_oak", 0.9), ((6.2, EAVES_Z_M), "warm_plaster", 0.8)):
            _upright(a, p0, p1, z, z, (0.0, 0.0), material, weight)
        edge = np.linspace(p0, p1, 7)
        rows = [[_ceiling(p, x, y, s) for s in np.linspace(0, 1, 8)] for x, y in edge]
        a.grid(facing(rows, (0.0, 0.0, 4.0)), "warm_plaster", 0.9)
        length = math.dist(p0, p1)
        for k in range(1, max(2, round(length / 2.6))):
            x, y = np.array(p0) + (np.array(p1) - p0) * k / max(2, round(length / 2.6))
            inward = -np.array([x, y]) / np.hypot(x, y)
            a.lathe(
                float(x + 0.1 * inward[0]),
                float(y + 0.1 * inward[1]),
                [(0.16, 6.2), (0.12, EAVES_Z_M)],
                "light_oak",
                5,
                weight=0.6,
            )


def _ceiling(p: Plan, x: float, y: float, share: float) -> tuple[float, float, float]:
    """The tent: from a place on the wall (0) up to its peak (1), sagging between."""
    z = EAVES_Z_M + (p.ceiling - EAVES_Z_M) * share**1.7
    return (x + (PEAK[0] - x) * share, y + (PEAK[1] - y) * share, z)


def _panels(a: Atlas) -> None:
    """Curved panels over the platform that send the sound down."""
    for x in (-6.0, 0.0, 6.0):
        for y in (-0.5, 4.6, 9.7):
            t = np.linspace(-1, 1, 6)
            tilt = 0.05 * x
            grid = [
                [(x + 2.5 * u, y + 2.0 * v, PANEL_Z_M + 0.35 * u * u + 0.3 * v * v + abs(tilt)) for v in t] for u in t
            ]
            a.grid(facing(grid, (x, y, 0.0)), "cloud", 0.9, True)
            a.grid(facing(np.array(grid) + [0, 0, 0.06], (x, y, 60.0)), "cloud", 0.3, True)


def lamps(p: Plan) -> list[tuple[float, float, float]]:
    """Small lamps all over the ceiling, like stars."""
    corners, places = _outline(p), []
    for k, (p0, p1) in enumerate(pairwise([*corners, corners[0]])):
        for j, share in enumerate((0.1, 0.3, 0.5, 0.68)):
            count = max(1, round(math.dist(p0, p1) * (1 - share) / 3.2))
            for i in range(count):
                x, y = np.array(p0) + (np.array(p1) - p0) * (i + 0.5 + 0.25 * ((j + k) % 2)) / count
                cx, cy, cz = _ceiling(p, float(x), float(y), share)
                places.append((round(cx, 3), round(cy, 3), round(cz - 0.35, 3)))
    return places


def light(description: Description) -> None:
    p, wash = Plan(description), description["light"]
    warm = tuple(wash["warm_rgb"])
    stage_wash(wash)
    for x, y, z in lamps(p)[::3]:
        point_lamp((x, y, z - 0.6), 100 if y > -14 else 75, warm, 0.4)
    world_light((0.02, 0.025, 0.04), 0.2)


def furnish(description: Description) -> list[bpy.types.Object]:
    seat = partial(seat_row, cloth="8a6a34")
    rows = Rows(description, seat, kinds=2)
    objects = seated(description, rows, farther=2)
    number = 30
    for t in TERRACES:
        for i in range(t.rows):
            x, y = t.at(0.0, i * t.pitch_m)
            place = (x, y, t.floor_m + i * t.rise_m)
            from_stage_m = math.hypot(x, y - 4.0) - 8.0
            objects += rows.put(f"{number:02d}_{t.name}", place, 2, i, from_stage_m, t.looks_deg - 90)
            number += 1
    return objects + hung("lamp", bulb(), lamps(Plan(description)))
