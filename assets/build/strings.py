"""Violin, viola, cello, contrabass, bow, guitar and harp.

Sizes: violin body 356 mm, viola 410, cello 755, contrabass (3/4) 1120; bouts, stop and total lengths in proportion to
common measures of luthiers; concert harp 1.83 m; classical guitar body 490 mm, 1.0 m over all.
"""

import math
from dataclasses import dataclass

import numpy as np
from kit import Bowing, Hold, Kit, Plucking
from meshes import Array, Mesh, frame, unit, vec
from rig import Hand

OUTLINE = np.array(
    [
        (0, 0), (0.012, 0.34), (0.05, 0.66), (0.11, 0.88), (0.2, 1), (0.3, 0.95), (0.37, 0.80), (0.405, 0.76),
        (0.43, 0.62), (0.5, 0.535), (0.57, 0.55), (0.61, 0.66), (0.635, 0.69), (0.69, 0.76), (0.78, 0.81), (0.87, 0.75),
        (0.94, 0.55), (0.985, 0.28), (1, 0),
    ]
)  # fmt: skip
"""Violin body: share of the length from the bottom, share of half the lower bout's width."""
GUITAR_OUTLINE = np.array(
    [(0, 0), (0.02, 0.45), (0.08, 0.78), (0.18, 0.97), (0.28, 1), (0.4, 0.9), (0.52, 0.68), (0.6, 0.635), (0.68, 0.66),
     (0.8, 0.755), (0.9, 0.7), (0.97, 0.42), (1, 0)]
)  # fmt: skip
BRIDGE = 0.455
"""Place of the bridge, as a share of the body from the bottom (stop 195 mm of 356)."""


@dataclass(frozen=True, slots=True)
class Viol:
    """Measures of an instrument of the violin family."""

    body_m: float
    bout_m: float
    rib_m: float
    total_m: float
    wood: str
    bridge_m: float
    pin_m: float = 0.0
    sloping: bool = False


VIOLIN = Viol(0.356, 0.208, 0.032, 0.595, "varnish", 0.033)
VIOLA = Viol(0.41, 0.245, 0.038, 0.67, "varnish", 0.037)
CELLO = Viol(0.755, 0.44, 0.12, 1.21, "varnish_dark", 0.085, 0.24)
CONTRABASS = Viol(1.12, 0.67, 0.20, 1.82, "varnish_bass", 0.15, 0.2, sloping=True)


class Placed:
    """A viol standing in space: ``at(x, y, z)`` are metres across, along the body from the bottom, and out of the
    belly from the rim."""

    def __init__(self, viol: Viol, origin: Array, along: Array, out: Array) -> None:
        self.viol = viol
        self.origin = origin
        self.y = unit(along)
        self.z = unit(out - self.y * np.dot(out, self.y))
        self.x = np.cross(self.y, self.z)

    @property
    def axes(self) -> Array:
        return np.array([self.x, self.y, self.z])

    def at(self, x: float, y: float, z: float) -> Array:
        return self.origin + self.x * x + self.y * y + self.z * z

    def string_height(self, y: float) -> float:
        """Height of the strings over the rim at ``y``."""
        v = self.viol
        bridge, nut = BRIDGE * v.body_m, v.body_m + 0.76 * (v.total_m - v.body_m)
        top = 0.04 * v.body_m + v.bridge_m
        return float(np.interp(y, [bridge, nut], [top, 0.045 * v.body_m]))


def viol_mesh(mesh: Mesh, p: Placed) -> None:
    v = p.viol
    outline = OUTLINE.copy()
    if v.sloping:  # a bass's shoulders slope
        outline[14:18, 1] *= (0.92, 0.78, 0.72, 0.8)
    if mesh.lod:
        keep = (0, 2, 4, 6, 9, 12, 14, 16, 18) if mesh.lod == 1 else (0, 3, 6, 9, 14, 18)
        outline = outline[list(keep)]
    across = np.array([-1, -0.86, -0.5, 0, 0.5, 0.86, 1]) if mesh.lod == 0 else np.array([-1, -0.6, 0, 0.6, 1])
    if mesh.lod == 2:
        across = np.array([-1.0, 0, 1])
    _plates(mesh, p, outline, across)
    half = v.bout_m / 2
    for e in (-1, 1):
        rib = [p.at(e * w * half * 0.985, s * v.body_m, z) for s, w in outline for z in (0, -v.rib_m)]
        faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(outline) - 1)]
        mesh.add(rib, faces if e > 0 else [f[::-1] for f in faces], v.wood, shade=lambda q: np.full(len(q), 0.8))
    _neck(mesh, p)
    if mesh.lod == 0:
        _fittings(mesh, p)
    if v.pin_m:
        mesh.tube([p.at(0, 0.02, -v.rib_m / 2), p.at(0, -v.pin_m, -v.rib_m / 2)], 0.007, "steel", 6)


def _plates(mesh: Mesh, p: Placed, outline: Array, across: Array) -> None:
    v = p.viol
    n, k = len(outline), len(across)
    # Antique varnish: worn and warm in the middle, dark at the edges and under the bow.
    wear = np.array([1.12 - 0.42 * abs(u) ** 2.2 - 0.22 * (abs(s - 0.5) * 2) ** 4 for s, _ in outline for u in across])
    faces = [
        (i * k + j, i * k + j + 1, (i + 1) * k + j + 1, (i + 1) * k + j) for i in range(n - 1) for j in range(k - 1)
    ]
    for sign, level, wood in ((1, 0.0, "spruce" if v.wood == "varnish" else v.wood), (-1, -v.rib_m, v.wood)):
        arch = sign * 0.04 * v.body_m
        plate = [
            p.at(u * w * v.bout_m / 2, s * v.body_m, level + arch * (1 - u * u) * min(1, w * 1.2))
            for s, w in outline
            for u in across
        ]
        mesh.add(plate, faces if sign > 0 else [f[::-1] for f in faces], wood, shade=lambda _: wear)


def _neck(mesh: Mesh, p: Placed) -> None:
    v = p.viol
    rise, neck = 0.04 * v.body_m, v.bout_m * 0.058
    rest = v.total_m - v.body_m
    top, nut = v.body_m * 0.64, v.body_m + rest * 0.76
    heel = [
        p.at(0, v.body_m - 0.01, -rise * 0.4),
        p.at(0, v.body_m + rest * 0.1, -rise * 0.1),
        p.at(0, nut, -rise * 0.05),
    ]
    mesh.tube(heel, [neck * 1.15, neck * 0.9, neck * 0.8], v.wood, 8, up=p.x)
    z0, z1 = p.string_height(top) - 0.1 * rise - v.bridge_m * 0.12, p.string_height(nut) - 0.12 * rise
    board = [
        p.at(-neck * 1.5, top, z0),
        p.at(neck * 1.5, top, z0),
        p.at(neck * 0.9, nut, z1),
        p.at(-neck * 0.9, nut, z1),
    ]
    mesh.slab(board, -p.z * v.body_m * 0.022, "ebony")
    box = [
        p.at(0, nut - 0.01, 0.2 * rise),
        p.at(0, nut + rest * 0.13, -rise * 0.3),
        p.at(0, nut + rest * 0.2, -rise * 0.9),
    ]
    mesh.tube(box, [neck * 0.95, neck * 0.8, neck * 0.62], v.wood, 6, up=p.x)
    scroll = p.at(-neck * 1.05, v.total_m - neck * 1.2, -rise * 0.75)
    mesh.lathe(scroll, p.x, [(0, 0), (0, neck * 1.15), (neck * 2.1, neck * 1.15), (neck * 2.1, 0)], v.wood, 10)


def _fittings(mesh: Mesh, p: Placed) -> None:
    v = p.viol
    rise, neck, size = 0.04 * v.body_m, v.bout_m * 0.058, v.body_m / 0.356
    rest = v.total_m - v.body_m
    nut, bridge = v.body_m + rest * 0.76, v.body_m * BRIDGE
    top = p.string_height(bridge)
    for i in range(4):
        y = v.body_m + rest * (0.79 + 0.045 * i)
        mesh.tube(
            [p.at((-1) ** i * neck * 2.7, y, -rise * 0.2), p.at(0, y, -rise * 0.2)],
            [neck * 0.34, neck * 0.2],
            "ebony",
            5,
        )
    # bridge: a thin plate, narrower on top
    w0, w1, t = v.bout_m * 0.1, v.bout_m * 0.085, 0.002 * size
    plate = [
        p.at(-w0, bridge, rise * 0.85),
        p.at(w0, bridge, rise * 0.85),
        p.at(w1, bridge, top),
        p.at(-w1, bridge, top),
    ]
    mesh.slab([q + p.y * t for q in plate[::-1]], -p.y * 2 * t, "maple")
    tail = [(-0.05, 0.03), (0.05, 0.03), (0.09, 0.30), (-0.09, 0.30)]
    lift = rise + v.bridge_m * 0.5
    mesh.slab(
        [p.at(v.bout_m * x, v.body_m * y, lift * (0.7 if y < 0.1 else 1.0)) for x, y in tail],
        -p.z * 0.006 * size,
        "ebony",
    )
    for i in (-1.5, -0.5, 0.5, 1.5):
        path = [
            p.at(v.bout_m * 0.04 * i, v.body_m * 0.29, lift),
            p.at(v.bout_m * 0.05 * i, bridge, top),
            p.at(neck * 0.4 * i, nut, p.string_height(nut)),
        ]
        mesh.tube(path, max(0.0009, 0.0016 * v.body_m), "strings", 3, cap=False)
    half = v.bout_m / 2
    for e in (-1, 1):  # sound holes
        strip = []
        for t_ in np.linspace(0, 1, 9):
            x, y = (
                e * v.bout_m * (0.19 - 0.045 * math.sin((t_ - 0.5) * 5.0) * 0.8),
                v.body_m * (BRIDGE + 0.17 * (t_ - 0.5) * 1.1),
            )
            wide = v.bout_m * (0.009 + 0.012 * abs(t_ - 0.5))
            for q in (x - wide, x + wide):
                w = float(np.interp(y / v.body_m, OUTLINE[:, 0], OUTLINE[:, 1]))
                u = q / (w * half)
                strip.append(p.at(q, y, rise * (1 - min(1, u * u)) * min(1, w * 1.2) + 0.0016 * size))
        mesh.add(strip, [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(8)], "ebony")
    if size < 1.5:  # chin rest
        mesh.ellipsoid(
            p.at(-v.bout_m * 0.26, v.body_m * 0.09, rise * 1.2), (0.042, 0.028, 0.008), "ebony", 10, 4, axes=p.axes
        )


def bow_mesh(mesh: Mesh, hand: Array, bowing: Bowing) -> None:
    """A bow held at ``hand``, hair on the string; the stick bends towards the hair in the middle."""
    d = unit(bowing.along)
    up = unit(bowing.away - d * np.dot(bowing.away, d))
    length = bowing.length_m
    frog, tip = hand - d * 0.03, hand + d * (length + 0.02)
    stick = [
        frog,
        hand + d * length * 0.25 - up * 0.004,
        hand + d * length * 0.5 - up * 0.007,
        hand + d * length * 0.8 - up * 0.004,
        tip,
    ]
    mesh.tube(
        stick if mesh.lod == 0 else [stick[0], stick[2], stick[4]],
        [0.0052, 0.005, 0.0045, 0.004, 0.0036] if mesh.lod == 0 else 0.005,
        "stick",
        6,
    )
    axes = np.array([d, np.cross(up, d), up])
    if mesh.lod < 2:
        mesh.box(hand + d * 0.012 - up * 0.011, (0.024, 0.006, 0.010), "ebony", axes)
        mesh.box(tip - d * 0.006 - up * 0.011, (0.008, 0.004, 0.012), "stick", axes)
    mesh.box(hand + d * (length * 0.5 + 0.01) - up * 0.0205, (length * 0.485, 0.0045, 0.001), "horsehair", axes)


BOW_HEIGHT_M = 0.0205
"""Hand (stick) over hair."""


def _bowed(
    kit: Kit,
    p: Placed,
    share: float,
    along: Array,
    held: float,
    length: float,
    right: Hand,
    left: Hand,
    neck: tuple[Array, ...],
) -> Hold:
    y = p.viol.body_m * share
    contact = p.at(0, y, p.string_height(y))
    away = unit(p.z - along * np.dot(p.z, along))
    bowing = Bowing(contact, along, away, held, length, neck)
    grip = contact - along * held + away * BOW_HEIGHT_M
    hand = Hand(grip, right.fingers, right.palm, right.pole, right.curl_deg)
    return Hold(hand, left, bowing)


def _upper_strings(kit: Kit, viol: Viol) -> Hold:
    p = Placed(viol, kit.at(-0.062, 0.062, 1.118), vec(-0.62, 0.78, 0.03), vec(0.34, 0.05, 0.94))
    viol_mesh(kit.part("instrument", p.at(0, 0.03, 0)), p)
    nut = viol.body_m + 0.76 * (viol.total_m - viol.body_m)

    def grip(y: float) -> Array:
        return p.at(0.0, y, -0.006)

    left = Hand(grip(nut - 0.04), p.z + 0.15 * p.y, -p.x, vec(0.15, -0.1, -1), 52)
    along = unit(-p.x * 0.98 - 0.06 * p.z + 0.12 * p.y)
    right = Hand(vec(0, 0, 0), 0.75 * p.y + 0.55 * along - 0.35 * p.z, -p.z - 0.2 * p.x, vec(0.8, -0.35, -0.55), 34)
    neck = (grip(nut - 0.04), grip(nut - 0.09), grip(nut - 0.14))
    return _bowed(kit, p, 0.58, along, 0.30, 0.65, right, left, neck)


def violin(kit: Kit) -> Hold:
    return _upper_strings(kit, VIOLIN)


def viola(kit: Kit) -> Hold:
    return _upper_strings(kit, VIOLA)


def cello(kit: Kit) -> Hold:
    p = Placed(CELLO, vec(0.02, 0.415, 0.20), vec(-0.115, -0.235, 1), vec(0.03, 1, 0.2))
    viol_mesh(kit.part("ground"), p)
    along = unit(p.x + 0.05 * p.y)  # frog on the player's right: the belly faces away, so its x runs to the left
    if along[0] > 0:
        along = -along
    right = Hand(vec(0, 0, 0), vec(-0.35, 0.75, -0.55), vec(-0.1, -0.75, -0.5), vec(1, -0.25, -0.1), 40)

    def grip(y: float) -> Array:
        return p.at(0, y, 0.035)

    side = -1.0 if p.x[0] > 0 else 1.0
    left = Hand(
        grip(0.97), side * -p.x + 0.12 * p.z + 0.1 * p.y, vec(0.1, -0.9, 0.1) + 0.2 * p.z, vec(-1, 0.1, -0.25), 40
    )
    return _bowed(kit, p, 0.56, along, 0.30, 0.60, right, left, (grip(0.97), grip(0.89), grip(0.80)))


def contrabass(kit: Kit) -> Hold:
    p = Placed(CONTRABASS, vec(-0.27, 0.36, 0.22), vec(0.05, -0.14, 1), vec(0.45, 1, 0.1))
    viol_mesh(kit.part("ground"), p)
    along = -unit(p.x) if p.x[0] > 0 else unit(p.x)
    right = Hand(vec(0, 0, 0), vec(-0.4, 0.5, -0.75), vec(-0.2, -0.85, -0.2), vec(1, -0.3, 0), 40)

    def grip(y: float) -> Array:
        return p.at(0, y, 0.05)

    left = Hand(grip(1.46), vec(0.95, 0.25, 0.05), vec(0.1, -0.9, 0.15), vec(-1, -0.05, -0.2), 42)
    return _bowed(kit, p, 0.62, along, 0.15, 0.55, right, left, (grip(1.46), grip(1.36), grip(1.24)))


def guitar(kit: Kit) -> Hold:
    y, z = unit(vec(-0.86, 0.16, 0.46)), vec(0.12, 0.97, 0.18)
    viol = Viol(0.49, 0.37, 0.098, 1.0, "maple", 0.012)
    p = Placed(viol, vec(0.215, 0.20, 0.60), y, z)
    mesh = kit.part("instrument", p.at(0, 0.24, 0))
    outline = GUITAR_OUTLINE if mesh.lod == 0 else GUITAR_OUTLINE[[0, 2, 4, 7, 9, 11, 12]]
    right_side = [(s * viol.body_m, w * viol.bout_m / 2) for s, w in outline]
    loop = right_side + [(s, -w) for s, w in right_side[-2:0:-1]]
    front = [p.at(w, s, 0) for s, w in loop]
    if np.dot(np.cross(front[1] - front[0], front[2] - front[1]), p.z) < 0:
        front = front[::-1]
    mesh.slab(front, -p.z * viol.rib_m, "maple", "rosewood")
    mesh.lathe(p.at(0, 0.325, 0.001), p.z, [(0, 0.044), (0.0005, 0)], "ebony", 14)
    mesh.box(p.at(0, 0.135, 0.005), (0.09, 0.012, 0.005), "rosewood", p.axes)
    mesh.box(p.at(0, 0.60, -0.005), (0.027, 0.235, 0.012), "ebony", p.axes)
    mesh.box(p.at(0, 0.915, -0.022), (0.036, 0.085, 0.008), "rosewood", frame(p.x, p.z - 0.25 * p.y))
    for i in range(-2, 4) if mesh.lod == 0 else ():
        x = (i - 0.5) * 0.0085
        mesh.tube([p.at(x, 0.135, 0.013), p.at(x * 0.8, 0.83, 0.011)], 0.0011, "strings", 3, cap=False)
    left = Hand(
        p.at(0, 0.72, -0.006), p.x * -0.2 + p.z * 0.75 + vec(0, 0, 0.5), vec(0.2, -0.5, 0.85), vec(-0.6, -0.2, -1), 50
    )
    right = Hand(p.at(0, 0.26, 0.04), vec(-0.75, 0.1, -0.65), vec(0, -0.95, 0.1), vec(1, -0.3, 0.2), 35)
    return Hold(right, left, Plucking(vec(-0.01, 0.01, 0.03), vec(-0.015, 0, 0)))


def harp(kit: Kit) -> Hold:
    """Leaning on the right shoulder, column away from the player."""
    mesh = kit.part("ground")
    x = 0.105
    foot, column_top = vec(x, 0.66, 0.06), vec(x, 0.905, 1.80)
    shoulder_end, box_foot = vec(x, 0.115, 1.30), vec(x, 0.50, 0.14)
    mesh.box((x, 0.56, 0.05), (0.19, 0.19, 0.05), "gilt")
    column = [
        foot,
        foot * 0.94 + column_top * 0.06,
        foot * 0.90 + column_top * 0.1,
        foot * 0.2 + column_top * 0.8,
        column_top,
    ]
    mesh.tube(column, [0.06, 0.05, 0.034, 0.032, 0.04], "gilt", 12)
    mesh.lathe(
        column_top - vec(0, 0, 0.06),
        (0, 0, 1),
        [(0, 0.045), (0.02, 0.062), (0.05, 0.05), (0.08, 0.055), (0.1, 0.0)],
        "gilt",
        12,
    )
    mesh.tube([box_foot, shoulder_end], [0.16, 0.065], "maple", 10, flat=0.55, up=(1, 0, 0))
    curve = [
        shoulder_end + vec(0, 0, 0.02),
        vec(x, 0.20, 1.44),
        vec(x, 0.34, 1.47),
        vec(x, 0.52, 1.42),
        vec(x, 0.70, 1.52),
        vec(x, 0.82, 1.70),
        column_top,
    ]
    mesh.tube(curve, [0.035, 0.042, 0.04, 0.036, 0.036, 0.04, 0.036], "gilt", 8, flat=0.6, up=(1, 0, 0))
    count = {0: 34, 1: 12, 2: 4}[mesh.lod]
    cy, cz = np.array([c[1] for c in curve]), np.array([c[2] for c in curve])
    for i, t in enumerate(np.linspace(0.05, 0.97, count)):
        low = shoulder_end * (1 - t) + box_foot * t + vec(0, 0.03, 0)
        y = 0.16 + t * 0.70
        colour = "strings" if i % 7 else ("varnish" if i % 14 else "ebony")
        mesh.tube([low, vec(x, y, float(np.interp(y, cy, cz)))], 0.0013, colour, 3, cap=False)
    for i in range(7) if mesh.lod == 0 else ():
        mesh.box((x - 0.15 + 0.05 * i, 0.74, 0.03), (0.012, 0.03, 0.006), "brass")
    right = Hand(vec(x + 0.035, 0.33, 1.07), vec(-0.25, 0.85, -0.3), vec(-0.95, -0.1, 0.1), vec(1, -0.3, -0.7), 32)
    left = Hand(vec(x - 0.035, 0.40, 0.98), vec(0.3, 0.85, -0.2), vec(0.95, -0.1, 0.1), vec(-1, -0.1, -0.3), 32)
    return Hold(right, left, Plucking(vec(0.03, -0.05, 0.01), vec(-0.03, -0.05, 0.01)))
