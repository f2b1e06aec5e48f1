"""Woodwind and brass. Sizes: flute 670 mm, oboe 650, clarinet 660, bassoon 1340 tall, alto saxophone about 700,
horn bell 310, trumpet 480 with a 123 mm bell, trombone bell 215, tuba 950 tall with a 420 mm bell."""

import math

import numpy as np
from body import MOUTH
from kit import Hold, Kit, Lowering
from meshes import Array, Mesh, unit, vec
from rig import Hand

LOWER_FORWARD = Lowering(vec(1, 0, 0), -42, vec(0, -0.005, -0.14))
"""Held winds sink to the lap: the bell drops and the mouthpiece leaves the lips."""


def _keys(mesh: Mesh, places: list[Array], out: Array, radius: float, material: str = "silver") -> None:
    for q in places if mesh.lod == 0 else places[::3] if mesh.lod == 1 else []:
        mesh.lathe(q, out, [(0, radius), (0.006, radius), (0.006, 0)], material, 7)


def flute(kit: Kit) -> Hold:
    head, foot = vec(-0.085, 0.137, 1.184), vec(0.575, 0.165, 1.118)
    d = unit(foot - head)
    mesh = kit.part("instrument", MOUTH)
    mesh.tube([head, foot], 0.0098, "silver", 10)
    _keys(mesh, [head + d * t + vec(0, 0.004, 0.008) for t in np.linspace(0.24, 0.63, 13)], vec(0, 0.3, 1), 0.0078)
    if mesh.lod == 0:
        mesh.tube(
            [head + d * 0.22 + vec(0, -0.008, 0.010), head + d * 0.64 + vec(0, -0.008, 0.010)], 0.0028, "silver", 5
        )
    mesh.ellipsoid(head + d * 0.085 + vec(0, -0.002, 0.008), (0.017, 0.012, 0.006), "silver", 8, 4)
    left = Hand(head + d * 0.27, vec(0.75, 0.05, 0.5), vec(0.1, -0.9, 0.2), vec(-0.5, 0.5, -1), 40)
    right = Hand(head + d * 0.48, vec(-0.55, 0.45, 0.6), vec(-0.2, 0.85, -0.45), vec(0.7, -0.2, -1), 40)
    return Hold(right, left, Lowering(vec(0, 1, 0), 38, vec(-0.10, 0.04, -0.24)))


def _pipe(kit: Kit, direction: Array, length: float, radius: float, bell: float, tip: str) -> Hold:
    """A straight reed instrument from the lips down: reed or mouthpiece, joints, keys, bell."""
    start = MOUTH + vec(0, -0.004, 0.0)
    d, r = unit(direction), radius
    mesh = kit.part("instrument", MOUTH)
    profile = [
        (0.055, r), (0.065, r * 1.3), (0.095, r * 1.3), (0.1, r), (0.34, r), (0.342, r * 1.25), (0.36, r * 1.25),
        (0.362, r), (length - 0.12, r * 1.05), (length - 0.05, r + (bell - r) * 0.25),
        (length - 0.015, r + (bell - r) * 0.75), (length, bell), (length - 0.01, bell * 0.8), (length - 0.05, r * 0.8),
    ]  # fmt: skip
    mesh.lathe(start, d, profile, "grenadilla", 12)
    mesh.lathe(start, d, [(0, 0.003), (0.02, 0.0045), (0.06, 0.009 if tip == "grenadilla" else 0.0045)], tip, 7)
    out = -np.cross(d, (1, 0, 0))
    if out[1] < 0:
        out = -out
    _keys(mesh, [start + d * t + out * r for t in np.linspace(0.15, length - 0.16, 11)], out, 0.0075)
    if mesh.lod == 0:
        for s in (-1, 1):
            rod = [
                start + d * 0.14 + vec(s * (r + 0.004), 0, 0),
                start + d * (length - 0.15) + vec(s * (r + 0.004), 0, 0),
            ]
            mesh.tube(rod, 0.0028, "silver", 5)
        for t in (0.36, length - 0.12):
            mesh.lathe(start + d * t, d, [(0, r * 1.2), (0.004, r * 1.32), (0.008, r * 1.2)], "silver", 12)
    left = Hand(start + d * 0.24, vec(0.25, 0.75, 0.6), vec(0.95, -0.2, 0), vec(-0.7, -0.1, -1), 46)
    right = Hand(start + d * 0.43, vec(-0.25, 0.8, 0.5), vec(-0.95, -0.2, 0), vec(0.7, -0.1, -1), 46)
    return Hold(right, left, Lowering(vec(1, 0, 0), -8, vec(0, 0.02, -0.17)))


def oboe(kit: Kit) -> Hold:
    return _pipe(kit, vec(0, 0.60, -0.80), 0.65, 0.0105, 0.0185, "reed")


def clarinet(kit: Kit) -> Hold:
    return _pipe(kit, vec(0, 0.52, -0.80), 0.66, 0.0145, 0.030, "grenadilla")


def bassoon(kit: Kit) -> Hold:
    foot, top = vec(0.215, 0.115, 0.44), vec(-0.215, 0.265, 1.70)
    d = unit(top - foot)
    side = unit(np.cross(d, (0, 1, 0)))
    mesh = kit.part("instrument", MOUTH)
    mesh.tube(
        [foot, foot + d * 0.04, foot + d * 0.42, foot + d * 0.44],
        [0.03, 0.033, 0.031, 0.027],
        "bassoon_wood",
        10,
        flat=0.75,
        up=(0, 1, 0),
    )
    long_joint = [
        foot + d * 0.43 - side * 0.012,
        foot + d * 1.02 - side * 0.012,
        foot + d * 1.30 - side * 0.012,
        foot + d * 1.34 - side * 0.012,
    ]
    mesh.tube(long_joint, [0.020, 0.0175, 0.019, 0.021], "bassoon_wood", 10)
    mesh.tube([foot + d * 1.325 - side * 0.012, foot + d * 1.343 - side * 0.012], 0.0225, "ivory", 10)
    wing_top = foot + d * 0.90 + side * 0.018
    mesh.tube([foot + d * 0.43 + side * 0.018, wing_top], [0.017, 0.0125], "bassoon_wood", 8)
    for t in (0.02, 0.43, 1.0) if mesh.lod < 2 else ():
        mesh.tube(
            [foot + d * t, foot + d * (t + 0.014)], 0.0345 if t < 0.5 else 0.024, "silver", 10, flat=0.8, up=(0, 1, 0)
        )
    bocal = [
        wing_top,
        wing_top + d * 0.05,
        wing_top + d * 0.09 + vec(0.02, -0.02, 0),
        MOUTH + vec(-0.02, 0.045, 0.03),
        MOUTH + vec(0, 0.02, 0.002),
        MOUTH,
    ]
    mesh.tube(bocal, [0.005, 0.005, 0.0045, 0.004, 0.004, 0.005], "silver", 6)
    front = vec(0, 1, 0)
    _keys(mesh, [foot + d * t + front * 0.026 for t in np.linspace(0.08, 0.95, 14)], front, 0.009)
    left = Hand(foot + d * 0.66, vec(0.35, 0.8, 0.45), vec(0.9, -0.3, 0.1), vec(-1, -0.1, -0.7), 45)
    right = Hand(foot + d * 0.27, vec(-0.45, 0.85, 0.1), vec(-0.9, -0.35, 0), vec(0.9, -0.5, -0.3), 45)
    return Hold(right, left, Lowering(vec(0, 1, 0.2), -9, vec(0.03, 0.05, -0.09)))


def contrabassoon(kit: Kit) -> Hold:
    """Folded tubes that stand on a pin before the player, the bell turned down at the top."""
    mesh = kit.part("ground")
    foot, top = vec(0.13, 0.30, 0.16), vec(-0.09, 0.285, 1.50)
    d = unit(top - foot)
    side = unit(np.cross(d, (0, 1, 0)))
    for off, lo, hi, r in ((-0.05, 0.0, 1.34, 0.026), (0.0, 0.02, 1.20, 0.03), (0.052, 0.0, 1.05, 0.024)):
        mesh.tube([foot + d * lo + side * off, foot + d * hi + side * off], r, "bassoon_wood", 9)
    for a, b, t in ((-0.05, 0.0, 0.0), (0.0, 0.052, 0.0)):
        bend = [foot + d * t + side * a, foot + d * (t - 0.05) + side * (a + b) / 2, foot + d * t + side * b]
        mesh.tube(bend, 0.024, "bassoon_wood", 8)
    bell = [
        foot + d * 1.32 - side * 0.05,
        foot + d * 1.42 - side * 0.06,
        foot + d * 1.44 - side * 0.14,
        foot + d * 1.34 - side * 0.19,
    ]
    mesh.tube(bell, [0.025, 0.028, 0.034, 0.05], "bassoon_wood", 10)
    mesh.tube([foot - vec(0, 0, 0.14), foot], 0.006, "steel", 5)
    mouth = kit.at(*MOUTH)
    start = foot + d * 1.04 + side * 0.052
    mesh.tube(
        [start, start + d * 0.08, mouth + vec(0.01, 0.07, 0.04), mouth + vec(0, 0.03, 0.005), mouth],
        [0.008, 0.007, 0.005, 0.0045, 0.005],
        "silver",
        6,
    )
    front = vec(0, 1, 0)
    _keys(
        mesh,
        [foot + d * t + front * 0.03 + side * s for t in np.linspace(0.15, 1.0, 8) for s in (-0.02, 0.02)],
        front,
        0.013,
    )
    left = Hand(foot + d * 0.78 + front * 0.01, vec(0.4, 0.8, 0.4), vec(0.9, -0.3, 0), vec(-1, -0.2, -0.6), 40)
    right = Hand(foot + d * 0.50 + side * 0.03, vec(-0.45, 0.85, 0.2), vec(-0.9, -0.3, 0), vec(1, -0.4, -0.5), 40)
    return Hold(right, left)


def saxophone(kit: Kit) -> Hold:
    """Alto, hanging before the body."""
    mesh = kit.part("instrument", MOUTH)
    neck_end = MOUTH + vec(0.015, 0.115, -0.015)
    mesh.tube([MOUTH, MOUTH + vec(0, 0.05, 0.012)], [0.006, 0.0115], "grenadilla", 8)
    mesh.tube(
        [MOUTH + vec(0, 0.04, 0.010), MOUTH + vec(0.004, 0.085, 0.02), neck_end], [0.0085, 0.0095, 0.0115], "brass", 8
    )
    bow_start, bell_start = vec(0.075, 0.26, 0.70), vec(0.125, 0.345, 0.70)
    mesh.tube(
        [neck_end + vec(0, 0, 0.01), neck_end * 0.5 + bow_start * 0.5, bow_start], [0.013, 0.021, 0.03], "brass", 10
    )
    mesh.tube(
        [
            bow_start,
            bow_start + vec(0.012, 0.012, -0.05),
            (bow_start + bell_start) / 2 + vec(0, 0, -0.075),
            bell_start + vec(-0.01, -0.008, -0.05),
            bell_start,
        ],
        [0.03, 0.032, 0.034, 0.036, 0.038],
        "brass",
        10,
    )
    mesh.lathe(
        bell_start,
        unit(vec(0.05, 0.22, 1)),
        [(0, 0.038), (0.12, 0.045), (0.17, 0.052), (0.2, 0.061), (0.205, 0.062), (0.19, 0.052), (0.1, 0.036)],
        "brass",
        16,
    )
    d = unit(bow_start - neck_end)
    out = unit(vec(0.8, 0.5, 0.1) - d * np.dot(vec(0.8, 0.5, 0.1), d))
    for t, r in (
        ((0.12, 0.009), (0.17, 0.010), (0.22, 0.011), (0.29, 0.013), (0.34, 0.014), (0.39, 0.015), (0.44, 0.017))
        if mesh.lod < 2
        else ()
    ):
        mesh.lathe(neck_end + d * t + out * (0.012 + 0.036 * t), out, [(0, r), (0.010, r), (0.010, 0)], "brass_dark", 9)
    if mesh.lod == 0:
        mesh.tube([neck_end + d * 0.08 + out * 0.036, neck_end + d * 0.46 + out * 0.05], 0.0032, "brass_dark", 5)
    left = Hand(neck_end + d * 0.19, vec(0.35, 0.8, 0.45), vec(0.95, -0.2, 0), vec(-0.9, -0.1, -1), 45)
    right = Hand(neck_end + d * 0.37, vec(-0.4, 0.8, 0.3), vec(-0.9, -0.3, 0), vec(0.9, -0.4, -0.8), 45)
    return Hold(right, left, Lowering(vec(1, 0, 0), -6, vec(0, 0.01, -0.12)))


def horn(kit: Kit) -> Hold:
    """Bell to the right and back, the right hand in it."""
    mesh = kit.part("instrument", MOUTH)
    c = vec(0.06, 0.25, 0.93)
    n = unit((-0.75, 0.6, 0.15))
    u = unit(np.cross(n, (0, 0, 1)))
    w = np.cross(n, u)

    def coil(radius: float, start: float, end: float, points: int, off: float = 0.0) -> list[Array]:
        points = points if mesh.lod == 0 else max(7, points // 2)
        return [c + n * off + radius * (math.cos(a) * u + math.sin(a) * w) for a in np.linspace(start, end, points)]

    outer = coil(0.15, 0, 6.2, 24)
    mesh.tube(outer, np.linspace(0.0065, 0.013, len(outer)), "brass", 8)
    if mesh.lod < 2:
        mesh.tube(coil(0.115, 0.6, 5.6, 18, 0.016), 0.0066, "brass", 7)
        mesh.tube(coil(0.085, 1, 6.6, 16, -0.012), 0.0062, "brass", 7)
        mesh.tube(coil(0.06, 2, 5.4, 12, 0.02), 0.006, "brass_dark", 6)
    bell = unit((0.62, -0.62, -0.42))
    start = c + vec(0.03, -0.02, -0.13)
    throat = [
        c + 0.15 * (math.cos(2.6) * u + math.sin(2.6) * w),
        c + 0.16 * (math.cos(3.6) * u + math.sin(3.6) * w),
        start + bell * 0.02,
    ]
    mesh.tube(throat, [0.012, 0.02, 0.03], "brass", 10)
    flare = [
        (0, 0.028),
        (0.08, 0.04),
        (0.14, 0.062),
        (0.18, 0.1),
        (0.203, 0.14),
        (0.211, 0.155),
        (0.206, 0.1545),
        (0.175, 0.095),
        (0.12, 0.052),
    ]
    mesh.lathe(start, bell, flare, "brass", 22)
    for k in (-1, 0, 1):
        mesh.lathe(
            c + u * 0.036 * k - w * 0.01, n, [(-0.03, 0.0), (-0.03, 0.017), (0.035, 0.017), (0.035, 0)], "brass_dark", 9
        )
        if mesh.lod == 0:
            mesh.tube([c + u * 0.036 * k + n * 0.03, c + u * 0.036 * k + n * 0.05 + w * 0.05], 0.004, "silver", 5)
    lead = [
        MOUTH,
        MOUTH + vec(0.002, 0.03, -0.02),
        MOUTH + vec(0.01, 0.065, -0.06),
        c + 0.15 * (math.cos(0.9) * u + math.sin(0.9) * w),
    ]
    mesh.tube(lead, [0.0115, 0.006, 0.005, 0.0065], "brass", 8)
    left = Hand(c + vec(-0.045, 0.04, 0.01), vec(0.6, 0.55, 0.55), vec(0.5, -0.85, 0.1), vec(-1, 0.1, -0.5), 45)
    right = Hand(start + bell * 0.15, vec(-0.35, 0.75, 0.45), vec(-0.7, 0.2, 0.6), vec(1, -0.7, -0.2), 18)
    return Hold(right, left, Lowering(vec(1, 0, 0), -14, vec(0.0, 0.03, -0.19)))


def trumpet(kit: Kit) -> Hold:
    mesh = kit.part("instrument", MOUTH)
    y, z, x = 0.142, MOUTH[2], -0.035
    mesh.tube([MOUTH + vec(0, 0.004, 0), (0, y + 0.03, z)], [0.0125, 0.0055], "silver", 9)
    mesh.tube([(0, y + 0.03, z), (0, 0.56, z - 0.01)], 0.0062, "brass", 8)
    bell = [
        (0, 0.0065),
        (0.2, 0.0085),
        (0.3, 0.0135),
        (0.36, 0.024),
        (0.4, 0.045),
        (0.415, 0.0615),
        (0.41, 0.0605),
        (0.37, 0.025),
    ]
    mesh.lathe((x, 0.22, z - 0.01), (0, 1, -0.02), bell, "brass", 20)
    mesh.tube(
        [
            (0, 0.56, z - 0.01),
            (0, 0.585, z - 0.03),
            (0, 0.588, z - 0.06),
            (0, 0.56, z - 0.092),
            (x * 0.5, 0.30, z - 0.095),
        ],
        0.0062,
        "brass",
        7,
    )
    mesh.tube(
        [(x, 0.22, z - 0.01), (x, 0.195, z - 0.03), (x, 0.195, z - 0.075), (x, 0.22, z - 0.095), (x, 0.44, z - 0.095)],
        0.0062,
        "brass",
        7,
    )
    for k in range(3):
        valve = [(0, 0), (0, 0.0135), (0.155, 0.0135), (0.155, 0.004), (0.185, 0.004), (0.185, 0.011), (0.19, 0)]
        mesh.lathe((x * 0.5, 0.30 + 0.032 * k, z - 0.15), (0, 0, 1), valve if mesh.lod < 2 else valve[1:3], "brass", 10)
    left = Hand(
        vec(x - 0.022, 0.325, z - 0.075), vec(0.35, 0.75, 0.35), vec(0.95, -0.25, 0), vec(-0.9, -0.1, -0.75), 58
    )
    right = Hand(
        vec(x * 0.5 + 0.012, 0.345, z + 0.018), vec(-0.45, 0.8, 0.1), vec(-0.45, 0.05, -0.85), vec(0.9, -0.1, -0.75), 34
    )
    return Hold(right, left, Lowering(vec(1, 0, 0), -28, vec(0.02, -0.01, -0.30)))


def trombone(kit: Kit) -> Hold:
    mesh = kit.part("instrument", MOUTH)
    z = float(MOUTH[2])
    left_x = -0.085
    mesh.tube([MOUTH + vec(0, 0.002, 0), (0, 0.165, z - 0.002)], [0.0135, 0.007], "silver", 9)
    slide = mesh
    slide.tube([(0, 0.16, z), (0, 0.93, z - 0.075)], 0.0072, "brass", 8)
    slide.tube(
        [
            (0, 0.93, z - 0.075),
            (-0.02, 0.965, z - 0.08),
            (-0.065, 0.965, z - 0.08),
            (left_x, 0.93, z - 0.075),
            (left_x, 0.2, z - 0.005),
        ],
        0.0078,
        "brass",
        8,
    )
    tuning = [
        (left_x, 0.2, z - 0.003),
        (-0.10, -0.12, z + 0.03),
        (-0.12, -0.185, z + 0.05),
        (-0.16, -0.185, z + 0.07),
        (-0.18, -0.12, z + 0.08),
    ]
    mesh.tube(tuning, [0.008, 0.008, 0.0085, 0.009, 0.009], "brass", 8)
    bell = [
        (0, 0.009),
        (0.3, 0.014),
        (0.45, 0.025),
        (0.54, 0.05),
        (0.58, 0.085),
        (0.595, 0.1075),
        (0.588, 0.106),
        (0.54, 0.048),
    ]
    mesh.lathe((-0.18, -0.12, z + 0.08), (0, 1, -0.06), bell, "brass", 22)
    if mesh.lod < 2:
        mesh.tube([(0, 0.2, z), (-0.18, 0.2, z + 0.06)], 0.006, "brass", 6)
        mesh.tube([(0, 0.50, z - 0.033), (left_x, 0.50, z - 0.033)], 0.005, "brass", 6)
    left = Hand(vec(-0.055, 0.20, z - 0.015), vec(0.25, 0.6, 0.6), vec(0.9, -0.1, 0.3), vec(-1, -0.2, -0.75), 55)
    right = Hand(vec(-0.02, 0.485, z - 0.045), vec(-0.55, 0.6, 0.15), vec(-0.75, 0.1, 0.3), vec(0.9, -0.2, -0.9), 45)
    return Hold(right, left, Lowering(vec(1, 0, 0), -34, vec(0.03, 0.0, -0.26)))


def tuba(kit: Kit) -> Hold:
    """On the lap, bell up and to the player's left."""
    mesh = kit.part("instrument", MOUTH)
    base = vec(-0.11, 0.27, 0.60)
    up = unit((-0.09, 0.03, 1))
    bell = [
        (0.05, 0.055),
        (0.30, 0.062),
        (0.52, 0.078),
        (0.70, 0.11),
        (0.80, 0.15),
        (0.86, 0.195),
        (0.868, 0.21),
        (0.855, 0.205),
        (0.78, 0.135),
        (0.6, 0.08),
    ]
    mesh.lathe(base, up, bell, "brass", 22)
    loop = [
        base + up * 0.1,
        base - vec(0, 0, 0.005),
        base + vec(0.06, 0, -0.045),
        base + vec(0.16, 0.0, -0.045),
        base + vec(0.235, 0, 0.01),
        base + vec(0.25, 0, 0.12),
        base + vec(0.24, 0, 0.45),
    ]
    mesh.tube(loop, [0.056, 0.054, 0.052, 0.049, 0.046, 0.043, 0.036], "brass", 11)
    top = [
        base + vec(0.24, 0, 0.44),
        base + vec(0.225, 0, 0.53),
        base + vec(0.17, 0, 0.575),
        base + vec(0.105, 0, 0.53),
        base + vec(0.09, -0.01, 0.42),
        base + vec(0.09, -0.01, 0.16),
    ]
    mesh.tube(top, [0.036, 0.034, 0.032, 0.029, 0.026, 0.022], "brass", 10)
    for k in range(4 if mesh.lod < 2 else 1):
        q = base + vec(0.12 + 0.001 * k, -0.075 + 0.037 * k, 0.17)
        mesh.lathe(
            q,
            (0.25, 0, 1),
            [(0, 0), (0, 0.017), (0.17, 0.017), (0.17, 0.005), (0.2, 0.005), (0.2, 0.013), (0.206, 0)],
            "silver",
            9,
        )
    for r in (0.05, 0.075) if mesh.lod == 0 else ():
        ring = [
            base + vec(0.17, 0.055, 0.24) + r * vec(math.cos(a), 0, 1.6 * math.sin(a)) for a in np.linspace(0, 5.6, 14)
        ]
        mesh.tube(ring, 0.011, "brass_dark", 7)
    lead = [
        MOUTH + vec(0, 0.002, 0),
        MOUTH + vec(0.004, 0.05, -0.005),
        MOUTH + vec(0.05, 0.10, -0.03),
        base + vec(0.2, -0.04, 0.5),
        base + vec(0.17, -0.05, 0.36),
    ]
    mesh.tube(lead, [0.016, 0.007, 0.008, 0.009, 0.012], "brass", 8)
    left = Hand(base + vec(-0.055, 0.03, 0.36), vec(0.35, 0.85, 0.3), vec(0.9, -0.2, 0), vec(-1, -0.2, -0.4), 38)
    right = Hand(
        base + vec(0.185, -0.035, 0.375), vec(-0.55, 0.75, 0.0), vec(-0.45, 0.0, -0.85), vec(1, -0.3, -0.5), 34
    )
    return Hold(right, left, Lowering(vec(1, 0, 0), -9, vec(0.0, 0.05, -0.02)))
