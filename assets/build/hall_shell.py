"""Stage, organ, side walls with balconies, rear gallery and ceiling, as patches in three atlases."""

import math
from itertools import pairwise

import numpy as np
from hall_patches import Atlas
from hall_platform import Description, Plan, panelled, risers_and_podium


class Shoebox(Plan):
    """A hall with side balconies."""

    def __init__(self, description: Description) -> None:
        super().__init__(description)
        balcony = description["balcony"]
        self.balcony, self.depth = balcony["floor_z_m"], balcony["depth_m"]
        self.rear_depth = balcony["rear_depth_m"]
        self.bay, self.bays = balcony["bay_m"], balcony["bays"]


def shell(description: Description) -> list[Atlas]:
    plan = Shoebox(description)
    front, sides, rest = Atlas("stage", 2304), Atlas("walls", 3072), Atlas("house", 2304)
    stage(front, plan)
    organ(front, plan)
    side_walls(sides, plan)
    house(rest, plan)
    return [front, sides, rest]


def stage(a: Atlas, p: Shoebox) -> None:
    w = p.width
    a.quad((-w, p.edge, 0), (w, p.edge, 0), (w, p.north, 0), (-w, p.north, 0), "stage", 1.6)
    a.wall("N", (-w, w), (p.floor, 0), p.edge, "wood", 1.2)
    a.box((-w, w), (p.edge - 0.06, p.edge + 0.05), (-0.09, 0.012), "dark", "EWN")
    for i in range(11):
        a.frame("N", (-w + 0.3 + i * 1.72, -w + 1.7 + i * 1.72), (p.floor + 0.2, -0.2), 0.05, 0.03, p.edge, "gold_deep")
    risers_and_podium(a, p)
    top = p.balcony - 0.25
    panelled(a, "N", (-w, w), (0, top), p.rear, 12)
    for side, at in (("E", w), ("W", -w)):
        panelled(a, side, (p.edge, p.north), (0, top), at, 9)


def organ(a: Atlas, p: Shoebox) -> None:
    w, n, b = p.width, p.north, p.balcony
    front = n - 2.0
    a.box((-w, w), (front, n), (b - 0.3, b), "ivory", "EWN")
    a.box((-w, w), (front - 0.08, front + 0.08), (b, b + 0.95), "ivory", "EWN", 1.2)
    a.box((-w, w), (front - 0.16, front + 0.14), (b + 0.95, b + 1.07), "gold", "EWN")
    a.box((-w, w), (front - 0.14, front + 0.1), (b - 0.36, b - 0.22), "gold", "EWN")
    for i in range(13):
        u = (-w + 0.35 + i * 1.42, -w + 1.5 + i * 1.42)
        a.relief("N", (u[0] + 0.1, u[1] - 0.1), (b + 0.26, b + 0.74), front - 0.08, 0.02, "ivory2")
        a.frame("N", u, (b + 0.16, b + 0.84), 0.05, 0.035, front - 0.08)
    a.wall("N", (-w, w), (b, p.ceiling), n, "ivory2", 0.9)
    face, z0 = n - 0.75, b + 2.22
    a.box((-7.4, 7.4), (face, n), (b, b + 2.0), "wood", "NB", 1.3)
    a.box((-7.6, 7.6), (face - 0.12, n), (b + 2.0, z0), "gold", "NB")
    for i in range(9):
        a.frame("N", (-7.08 + i * 1.6, -5.72 + i * 1.6), (b + 1.05, b + 1.85), 0.05, 0.04, face)
    towers = [(-6.2, 1.0, 5.4), (-3.1, 0.85, 4.6), (0.0, 1.25, 6.9), (3.1, 0.85, 4.6), (6.2, 1.0, 5.4)]
    for center, half, height in towers:
        _tower(a, center, half, height, z0, face, n)
    for (c0, h0, _), (c1, h1, _) in pairwise(towers):
        _flat(a, c0 + h0 + 0.14, c1 - h1 - 0.14, z0, face, n)


def _pipe(a: Atlas, x: float, y: float, r: float, z0: float, z1: float, segments: int = 8) -> None:
    a.lathe(x, y, [(r * 0.25, z0), (r, z0 + 0.45), (r, z1)], "pipe", segments, (math.pi * 0.98, math.pi * 2.02), 1.1)
    a.box(
        (x - r * 0.45, x + r * 0.45), (y - r - 0.012, y - r + 0.05), (z0 + 0.5, z0 + 0.5 + r * 1.1), "dark", "NEWB", 0.8
    )


def _tower(a: Atlas, c: float, half: float, height: float, z0: float, face: float, back: float) -> None:
    z1 = z0 + height
    for s in (-1, 1):
        a.box((c + s * (half + 0.14), c + s * (half - 0.02)), (face - 0.35, back), (z0, z1), "wood", "NB")
        x = c + s * (half + 0.06)
        a.box((x - 0.04, x + 0.04), (face - 0.4, face - 0.35), (z0, z1), "gold", "NB")
    count = 5 if half < 1 else 7
    for i in range(count):
        u = (i - (count - 1) / 2) / ((count - 1) / 2)
        r = half / count * 0.92
        _pipe(
            a,
            c + u * (half - r - 0.02),
            face - 0.05 - 0.28 * (1 - u * u),
            r,
            z0 + 0.05,
            z0 + height * (0.93 - 0.16 * abs(u)),
        )
    a.box((c - half - 0.25, c + half + 0.25), (face - 0.5, back), (z1, z1 + 0.28), "wood", "N")
    a.box((c - half - 0.32, c + half + 0.32), (face - 0.57, back), (z1 + 0.28, z1 + 0.42), "gold", "N")
    a.arch("N", c, half + 0.1, z1 + 0.42, face - 0.2, "gold", 0.8)
    a.lathe(c, face - 0.25, [(0.16, z1 + 1.0), (0.07, z1 + 1.2), (0.2, z1 + 1.45), (0.0, z1 + 1.8)], "gold", 8)


def _flat(a: Atlas, x0: float, x1: float, z0: float, face: float, back: float) -> None:
    r = (x1 - x0) / 14 * 0.9
    for i in range(7):
        _pipe(
            a,
            x0 + (i + 0.5) * (x1 - x0) / 7,
            face + 0.12,
            r,
            z0 + 0.05 + 0.1 * abs(i - 3),
            z0 + 3.0 + 0.35 * abs(i - 3),
            6,
        )
    a.box((x0, x1), (face + 0.2, face + 0.3), (z0, z0 + 3.9), "dark", "NBEW", 0.8)
    a.box((x0, x1), (face - 0.1, back), (z0 + 4.0, z0 + 4.18), "gold", "NEW")
    a.box((x0, x1), (face, face + 0.3), (z0 + 3.4, z0 + 4.0), "wood", "NEW")


def side_walls(a: Atlas, p: Shoebox) -> None:
    for sign, side in ((1, "E"), (-1, "W")):
        _balcony(a, p, sign, side)
        x = sign * p.width
        ends = (p.south, p.north)
        a.wall(side, (p.south, p.edge), (p.floor, 0.4), x, "wood", 0.9)
        a.wall(side, (p.south, p.edge), (0.4, p.balcony - 0.3), x, "ivory2", 0.8)
        a.wall(side, ends, (p.balcony, 8.6), x, "ivory", 0.9)
        a.wall(side, ends, (8.6, p.ceiling), x, "ivory2", 0.9)
        for i in range(p.bays):
            y = p.south + i * p.bay
            if y < p.edge - 0.5:
                _column(a, sign * (p.width - p.depth + 0.2), y, p)
            _bay(a, p, side, x, y)
        _cornices(a, p, side, sign)


def _balcony(a: Atlas, p: Shoebox, sign: int, side: str) -> None:
    outer, front, b = sign * p.width, sign * (p.width - p.depth), p.balcony
    ends = (p.south, p.north)
    a.box((outer, front), ends, (b - 0.3, b), "ivory", side + "NS")
    a.box((front, front + sign * 0.1), ends, (b, b + 0.86), "ivory", "NSB", 1.2)
    a.box((front - sign * 0.07, front + sign * 0.17), ends, (b + 0.86, b + 0.97), "gold", "NS")
    a.box((front - sign * 0.06, front), ends, (b - 0.34, b - 0.2), "gold", "NS" + side)
    a.box((front - sign * 0.04, front), ends, (b, b + 0.08), "gold", "NS" + side)
    a.box((front + sign * 0.1, front + sign * 0.14), ends, (b + 0.84, b + 0.93), "red", "NS", 0.5)
    for i in range(p.bays):
        y = p.south + i * p.bay
        a.relief(side, (y - 0.16, y + 0.16), (b + 0.1, b + 0.86), front, 0.05, "gold")
        for q in range(2):
            u = (y + 0.30 + q * 1.5, y + 1.70 + q * 1.5)
            a.frame(side, u, (b + 0.17, b + 0.76), 0.05, 0.03, front)
            a.relief(side, (u[0] + 0.12, u[1] - 0.12), (b + 0.28, b + 0.65), front, 0.018, "ivory2")


def _column(a: Atlas, x: float, y: float, p: Shoebox) -> None:
    """A gilded column under the balcony, where the model hall has caryatids."""
    z, top = p.floor, p.balcony
    a.box((x - 0.2, x + 0.2), (y - 0.2, y + 0.2), (z, z + 0.5), "ivory2", "B")
    a.lathe(x, y, [(0.19, z + 0.5), (0.15, z + 0.62), (0.15, z + 1.2), (0.128, top - 0.85)], "gold", 12)
    a.lathe(
        x,
        y,
        [(0.128, top - 0.85), (0.17, top - 0.75), (0.15, top - 0.68), (0.25, top - 0.42), (0.25, top - 0.3)],
        "gold",
        12,
    )


def _bay(a: Atlas, p: Shoebox, side: str, x: float, y: float) -> None:
    """Pilaster and door of the upper order, arched window above."""
    b, c = p.balcony, y + p.bay / 2
    a.relief(side, (y - 0.28, y + 0.28), (b, 8.3), x, 0.18, "ivory", "B")
    a.relief(side, (y - 0.36, y + 0.36), (7.75, 8.3), x, 0.24, "gold")
    a.relief(side, (y - 0.33, y + 0.33), (b, b + 1.1), x, 0.22, "ivory2", "B")
    inward = -1 if x > 0 else 1
    for u in (y - 0.14, y + 0.08):
        a.relief(side, (u, u + 0.06), (b + 1.2, 7.65), x + inward * 0.18, 0.02, "gold")
    a.relief(side, (c - 0.62, c + 0.62), (b, b + 2.45), x, 0.06, "wood", "B")
    a.relief(side, (c - 0.85, c + 0.85), (b + 2.5, b + 2.72), x, 0.14, "gold")
    for u in (c - 0.78, c + 0.66):
        a.relief(side, (u, u + 0.12), (b, b + 2.5), x, 0.10, "gold", "B")
    for k in (0, 1):
        a.frame(
            side,
            (c - 0.55 + k * 0.57, c - 0.02 + k * 0.57),
            (b + 0.2, b + 2.3),
            0.05,
            0.02,
            x + inward * 0.06,
            "gold_deep",
        )
    a.arch(side, c, 0.42, b + 2.72, x + inward * 0.08, "gold")
    a.frame(side, (c - 1.15, c + 1.15), (b + 0.15, 7.6), 0.06, 0.03, x)
    a.relief(side, (y - 0.22, y + 0.22), (9.6, 14.4), x, 0.16, "ivory")
    a.relief(side, (y - 0.3, y + 0.3), (13.8, 14.4), x, 0.22, "gold")
    a.relief(side, (y - 0.26, y + 0.26), (9.6, 10.6), x, 0.20, "gold")
    glass = x + inward * 0.02
    a.wall(side, (c - 0.95, c + 0.95), (10.4, 12.3), glass, "glass", 0.6)
    a.arch(side, c, 0.95, 12.3, glass, "glass", 0.6)
    for u in (-0.34, 0.30):
        a.relief(side, (c + u, c + u + 0.04), (10.4, 13.1), glass, 0.04, "ivory2")
    a.relief(side, (c - 0.95, c + 0.95), (12.28, 12.34), glass, 0.04, "ivory2")
    for s in (-1, 1):
        a.relief(side, (c + s * 1.02 - 0.07, c + s * 1.02 + 0.07), (10.3, 12.3), x, 0.12, "gold")
    a.arch(side, c, 0.95, 12.3, x + inward * 0.12, "gold", 0.8, outer=1.12)
    a.relief(side, (c - 1.2, c + 1.2), (10.15, 10.35), x, 0.18, "gold")


def _cornices(a: Atlas, p: Shoebox, side: str, sign: int) -> None:
    x, ends = sign * p.width, (p.south, p.north)
    for z0, z1, depth, material in (
        (8.3, 8.75, 0.35, "ivory"),
        (8.75, 8.92, 0.5, "gold"),
        (8.92, 9.05, 0.75, "ivory2"),
        (14.4, 14.75, 0.4, "ivory"),
        (14.75, 14.92, 0.55, "gold"),
    ):
        a.relief(side, ends, (z0, z1), x, depth, material, "NS")
    a.box((x - sign * 0.70, x - sign * 0.75), ends, (9.05, 9.6), "gold", "NS", 0.6)
    turn = np.linspace(0, math.pi / 2, 7)
    along = ends[::-1] if sign > 0 else ends
    a.grid(
        [[(x - sign * 1.7 * (1 - math.cos(t)), y, 14.92 + 1.35 * math.sin(t)) for t in turn] for y in along],
        "ivory",
        0.8,
        True,
    )


def house(a: Atlas, p: Shoebox) -> None:
    w, s, b = p.width, p.south, p.balcony
    a.quad((-w, s, p.floor), (w, s, p.floor), (w, p.edge, p.floor), (-w, p.edge, p.floor), "parquet", 0.9)
    a.box((-0.75, 0.75), (s, p.edge - 1.2), (p.floor, p.floor + 0.015), "red", "B", 0.9)
    panelled(a, "S", (-w, w), (p.floor, b - 0.3), s, 9, weight=0.7)
    a.wall("S", (-w, w), (b, p.ceiling), s, "ivory2", 0.8)
    edge = s + p.rear_depth
    a.box((-w, w), (s, edge), (b - 0.3, b), "ivory", "EWS")
    a.box((-w, w), (edge - 0.1, edge), (b, b + 0.86), "ivory", "EWB")
    a.box((-w, w), (edge - 0.15, edge + 0.07), (b + 0.86, b + 0.97), "gold", "EW")
    for i in range(13):
        a.frame("S", (-w + 0.35 + i * 1.42, -w + 1.5 + i * 1.42), (b + 0.15, b + 0.75), 0.05, 0.03, edge)
    for i in range(7):
        x = -7.2 + i * 2.4
        a.relief("S", (x - 0.25, x + 0.25), (b, 9.5), s, 0.2, "ivory", "B")
        a.relief("S", (x - 0.33, x + 0.33), (8.9, 9.5), s, 0.26, "gold")
        if i < 6:
            a.relief("S", (x + 0.65, x + 1.75), (b, b + 2.5), s, 0.08, "wood", "B")
            a.frame("S", (x + 0.5, x + 1.9), (b, b + 2.65), 0.14, 0.1, s)
            a.wall("S", (x + 0.6, x + 1.8), (10.4, 12.5), s + 0.02, "glass", 0.5)
            a.arch("S", x + 1.2, 0.6, 12.5, s + 0.02, "glass", 0.5)
            a.frame("S", (x + 0.5, x + 1.9), (10.3, 12.5), 0.1, 0.1, s)
    a.relief("S", (-w, w), (9.5, 9.8), s, 0.5, "gold", "EW")
    _ceiling(a, p)


def _ceiling(a: Atlas, p: Shoebox) -> None:
    """Coffers: gilded beams, a painted panel and a rosette in each."""
    w, top, s, n = p.width, p.ceiling, p.south, p.north
    a.quad((w, s, top), (-w, s, top), (-w, n, top), (w, n, top), "ivory2")
    for sign, skip in ((-1, "WNST"), (1, "ENST")):
        a.box((sign * w, sign * 7.6), (s, n), (16.2, top), "ivory", skip, 0.8)
    xs, ys = np.linspace(-7.8, 7.8, 6), np.linspace(s, n, 15)
    for x in xs:
        a.box((x - 0.2, x + 0.2), (s, n), (16.05, top), "gold" if abs(x) > 7 else "ivory", "NST", 0.8)
        a.box((x - 0.08, x + 0.08), (s, n), (15.98, 16.05), "gold", "NST", 0.8)
    for y in ys:
        for x0, x1 in pairwise(xs):
            a.box((x0 + 0.2, x1 - 0.2), (y - 0.2, y + 0.2), (16.05, top), "ivory", "EWT", 0.8)
            a.box((x0 + 0.2, x1 - 0.2), (y - 0.08, y + 0.08), (15.99, 16.05), "gold", "EWT", 0.8)
    for i in range(5):
        for j in range(14):
            cx, cy = (xs[i] + xs[i + 1]) / 2, (ys[j] + ys[j + 1]) / 2
            for x, y in (
                ((-1.12, 1.12), (-1.3, -1.17)),
                ((-1.12, 1.12), (1.17, 1.3)),
                ((-1.12, -0.99), (-1.17, 1.17)),
                ((0.99, 1.12), (-1.17, 1.17)),
            ):
                a.box((cx + x[0], cx + x[1]), (cy + y[0], cy + y[1]), (top - 0.12, top), "gold", "T", 0.7)
            material = "painting" if i in (1, 2, 3) and j % 2 else "red"
            a.box((cx - 0.85, cx + 0.85), (cy - 1.02, cy + 1.02), (top - 0.03, top), material, "TEWNS")
            a.lathe(cx, cy, [(0.0, top - 0.22), (0.18, top - 0.2), (0.34, top - 0.03)], "gold", 8)
