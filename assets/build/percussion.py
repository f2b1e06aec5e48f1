"""Kettledrums, drums and cymbal, bar instruments, piano; singer's folder and conductor's baton.

Sizes: kettledrums 60, 66, 72 and 80 cm; bass drum 36 inch, snare drum 14 inch, cymbal 18 inch; concert grand 2.74 m
by 1.57 m with the keys 0.73 m high.
"""

import math

import numpy as np
from kit import Hold, Kit, Plucking, Striking
from meshes import Array, Mesh, frame, unit, vec
from rig import Hand


def _stick(kit: Kit, side: str, hand: Array, tip: Array, head: str, head_m: float) -> None:
    mesh = kit.part(f"stick_{side}", hand)
    d = unit(tip - hand)
    mesh.tube([hand - d * 0.06, tip], 0.0065, "maple", 6)
    if head_m:
        mesh.ellipsoid(tip, (head_m, head_m, head_m), head, 9, 5)


def _beaters(kit: Kit, tips: tuple[Array, Array], head: str, head_m: float, rise_m: float) -> Hold:
    """Right and left hand holding sticks whose tips hover over ``tips``; a stroke lifts them."""
    hands = []
    for tip, side in zip(tips, (1, -1), strict=True):
        grip = tip + vec(side * 0.07, -0.33, 0.13)
        _stick(kit, "R" if side > 0 else "L", grip, tip, head, head_m)
        fingers = vec(-side * 0.5, 0.85, -0.25)
        hands.append(Hand(grip, fingers, vec(0, -0.15, -1), vec(side, -0.5, -0.45), 52))
    return Hold(hands[0], hands[1], Striking(vec(0, -0.04, rise_m), vec(1, 0, 0), 40))


def timpani(kit: Kit) -> Hold:
    mesh = kit.part("ground")
    for angle, diameter in ((158, 0.80), (113, 0.72), (67, 0.66), (22, 0.60)):
        a = math.radians(angle)
        c = vec(0.80 * math.cos(a), 0.70 * math.sin(a) + 0.06, 0)
        r = diameter / 2
        mesh.lathe(c + (0, 0, 0.82), (0, 0, -1), [(0, 0), (0, r * 0.985)], "skinhead", 20)
        mesh.lathe(
            c + (0, 0, 0.825),
            (0, 0, -1),
            [(0.004, r * 0.975), (-0.008, r * 0.99), (-0.004, r * 1.02), (0.03, r * 1.02), (0.035, r * 0.98)],
            "silver",
            20,
        )
        bowl = [(0, r * 0.985), (0.12, r * 0.96), (0.24, r * 0.84), (0.36, r * 0.60), (0.43, r * 0.28), (0.45, 0)]
        mesh.lathe(c + (0, 0, 0.795), (0, 0, -1), bowl if mesh.lod < 2 else bowl[::2], "copper", 18)
        for t in range(6 if mesh.lod == 0 else 3 if mesh.lod == 1 else 0):
            q = math.radians(60 * t + 15)
            e = vec(math.cos(q), math.sin(q), 0)
            mesh.tube(
                [c + e * r * 1.03 + (0, 0, 0.84), c + e * r * 1.04 + (0, 0, 0.5), c + e * r * 0.55 + (0, 0, 0.08)],
                0.010,
                "steel",
                5,
            )
        if mesh.lod < 2:
            mesh.tube([c + (0, 0, 0.05), c + (0, 0, 0.36)], 0.035, "steel", 8)
            mesh.lathe(c + (0, 0, 0.05), (0, 0, 1), [(0, r * 0.62), (0.03, r * 0.62), (0.03, 0)], "steel", 12)
    return _beaters(kit, (vec(0.22, 0.61, 0.875), vec(-0.20, 0.65, 0.875)), "felt", 0.021, 0.26)


def percussion(kit: Kit) -> Hold:
    """Side drum before the player, bass drum to the left, hanging cymbal to the right."""
    mesh = kit.part("ground")
    snare = vec(0.0, 0.52, 0.84)
    mesh.lathe(snare, (0, 0, -1), [(0, 0), (0, 0.176)], "skinhead", 20)
    mesh.lathe(
        snare,
        (0, 0, -1),
        [
            (0.002, 0.174),
            (-0.010, 0.178),
            (0.018, 0.182),
            (0.02, 0.176),
            (0.125, 0.176),
            (0.127, 0.182),
            (0.15, 0.182),
            (0.15, 0),
        ],
        "silver",
        20,
    )
    for a in (90, 210, 330):
        e = vec(math.cos(math.radians(a)), math.sin(math.radians(a)), 0)
        mesh.tube([snare + e * 0.12 + (0, 0, -0.15), snare + (0, 0, -0.42)], 0.010, "steel", 5)
        mesh.tube([snare + (0, 0, -0.55), vec(snare[0], snare[1], 0) + e * 0.27], 0.010, "steel", 5)
    mesh.tube([snare + (0, 0, -0.40), snare + (0, 0, -0.60)], 0.013, "steel", 6)
    drum, axis = vec(-0.86, 0.46, 0.80), unit((0.95, -0.25, 0.22))
    r, depth = 0.457, 0.40
    shell = [(-depth / 2, r), (depth / 2, r)]
    mesh.lathe(drum, axis, shell, "rosewood", 22)
    for s in (-1, 1):
        mesh.lathe(drum + axis * s * depth / 2, axis * s, [(0.012, 0.0), (0.012, r * 0.97)][::-1], "skinhead", 22)
        mesh.lathe(
            drum + axis * s * depth / 2,
            axis * s,
            [(-0.035, r), (-0.035, r * 1.03), (0.018, r * 1.03), (0.018, r * 0.965), (0.01, r * 0.96)],
            "maple",
            22,
        )
    for s in (-1, 1):
        mesh.tube([drum + (0, s * 0.36, -0.42), (drum[0] - 0.16, drum[1] + s * 0.42, 0.02)], 0.014, "steel", 6)
        mesh.tube([drum + (0, s * 0.36, -0.42), (drum[0] + 0.22, drum[1] + s * 0.42, 0.02)], 0.014, "steel", 6)
    cymbal = vec(0.56, 0.50, 1.06)
    lean = unit((-0.12, -0.25, 1))
    mesh.lathe(cymbal, lean, [(0.0, 0.229), (0.014, 0.15), (0.02, 0.06), (0.04, 0.045), (0.05, 0.0)], "brass", 20)
    mesh.lathe(
        cymbal, lean, [(0.045, 0.0), (0.036, 0.044), (0.016, 0.06), (0.010, 0.15), (-0.002, 0.228)], "brass_dark", 20
    )
    mesh.tube([cymbal + lean * 0.06, cymbal, (0.56, 0.51, 0.55), (0.56, 0.51, 0.1)], 0.010, "steel", 6)
    for a in (90, 210, 330):
        e = vec(math.cos(math.radians(a)), math.sin(math.radians(a)), 0)
        mesh.tube([vec(0.56, 0.51, 0.38), vec(0.56, 0.51, 0.01) + e * 0.26], 0.010, "steel", 5)
    return _beaters(kit, (vec(0.05, 0.56, 0.875), vec(-0.05, 0.56, 0.875)), "maple", 0.008, 0.22)


def mallets(kit: Kit) -> Hold:
    """A bar instrument of three and a half octaves, bars low to high from the player's left."""
    mesh = kit.part("ground")
    count = {0: 25, 1: 13, 2: 3}[mesh.lod]
    for row, y, z in ((0, 0.50, 0.88), (1, 0.73, 0.915)):
        for i in range(count):
            t = (i + 0.5) / count
            if row and mesh.lod < 2 and round(t * 25) % 7 in (2, 6):
                continue  # no black key between E and F, B and C
            x, half = -0.70 + 1.40 * t, 0.19 - 0.075 * t
            mesh.box((x, y, z), (0.70 / count * 0.86, half, 0.011), "rosewood")
    for t in np.linspace(0.02, 0.98, {0: 25, 1: 9, 2: 0}[mesh.lod]):
        x, drop = -0.70 + 1.40 * t, 0.42 - 0.30 * t
        mesh.tube([(x, 0.50, 0.85), (x, 0.50, 0.85 - drop)], 0.019, "brass", 7)
    for y in (0.30, 0.68, 0.94) if mesh.lod < 2 else (0.5,):
        mesh.box((0, y, 0.845), (0.76, 0.012, 0.03), "rosewood")
    for x in (-0.76, 0.76):
        mesh.box((x, 0.60, 0.62), (0.018, 0.30, 0.26), "rosewood")
        mesh.box((x, 0.60, 0.05), (0.025, 0.34, 0.03), "steel")
        mesh.tube([(x, 0.60, 0.06), (x, 0.60, 0.4)], 0.02, "steel", 6)
    return _beaters(kit, (vec(0.13, 0.52, 0.935), vec(-0.13, 0.52, 0.935)), "felt", 0.018, 0.18)


def piano(kit: Kit) -> Hold:
    """A concert grand, the lid open; the player on a bench."""
    mesh = kit.part("ground")
    y0, z0, z1 = 0.60, 0.62, 1.0
    hinge, treble = -0.785, 0.785
    rim = [(hinge, y0), (treble, y0), (treble, y0 + 0.62)]
    rim += [
        (0.785 - 0.62 * (1 - math.cos(a)) / 2 - 0.10 * t, y0 + 0.62 + 1.15 * t)
        for t, a in ((t, math.pi * t) for t in np.linspace(0.12, 1, 8 if mesh.lod == 0 else 3))
    ]
    rim += [(-0.20, 2.74 + 0.24), (-0.45, 2.74 + 0.32), (-0.70, 2.74 + 0.27), (hinge, 2.74 + 0.08)]
    mesh.slab([(x, y, z1) for x, y in rim], (0, 0, z0 - z1), "lacquer")
    inner = [(x * 0.93, y0 + 0.16 + (y - y0) * 0.90, z1 + 0.003) for x, y in rim]
    mesh.slab(inner, (0, 0, -0.002), "gilt")
    for i in range({0: 26, 1: 9, 2: 0}[mesh.lod]):  # strings
        x = -0.66 + i * (1.30 / {0: 26, 1: 9, 2: 1}[mesh.lod])
        far = 2.75 - max(0.0, x + 0.45) * 1.65
        mesh.box((x, (y0 + 0.25 + far) / 2, z1 + 0.012), (0.006, (far - y0 - 0.25) / 2, 0.001), "steel")
    # lid: hinged on the bass side, open to the right
    tilt = math.radians(38)
    lid = [
        vec(hinge + (x - hinge) * math.cos(tilt), y, z1 + 0.03 + (x - hinge) * math.sin(tilt))
        for x, y in rim
        if y > y0 + 0.3 or x == hinge
    ]
    lid[0] = vec(hinge, y0 + 0.42, z1 + 0.03)
    lid.insert(1, vec(hinge + 1.57 * math.cos(tilt), y0 + 0.42, z1 + 0.03 + 1.57 * math.sin(tilt)))
    mesh.slab(lid, (math.sin(tilt) * 0.022, 0, -math.cos(tilt) * 0.022), "lacquer")
    mesh.tube(
        [(treble - 0.06, y0 + 0.62, z1), (hinge + 1.25 * math.cos(tilt), y0 + 0.62, z1 + 1.25 * math.sin(tilt))],
        0.012,
        "lacquer",
        6,
    )
    # key bed, keys, fall, desk
    mesh.box((0, 0.50, 0.665), (0.785, 0.15, 0.045), "lacquer")
    for s in (-1, 1):
        mesh.box((s * 0.735, 0.49, 0.75), (0.05, 0.14, 0.05), "lacquer")
    mesh.box((0, 0.44, 0.722), (0.615 + 0.055, 0.075, 0.012), "ivory")
    for i in range(36) if mesh.lod == 0 else ():
        k = i // 5 * 7 + (1, 2, 4, 5, 6)[i % 5]
        mesh.box((-0.61 + k * 0.0235, 0.467, 0.740), (0.0058, 0.047, 0.007), "ebony")
    mesh.box((0, 0.56, 0.80), (0.68, 0.02, 0.08), "lacquer")
    mesh.box((0, 0.86, 1.13), (0.34, 0.008, 0.13), "lacquer", frame((1, 0, 0), unit((0, -0.94, 0.34))))
    if mesh.lod < 2:
        for s in (-0.12, 0.12):
            mesh.box((s, 0.845, 1.135), (0.108, 0.003, 0.12), "paper", frame((1, 0, 0), unit((0, -0.94, 0.34))))
    for x, y in ((-0.66, 0.72), (0.66, 0.72), (-0.42, 2.62)):
        mesh.tube([(x, y, 0.62), (x, y, 0.12), (x, y, 0.04)], [0.065, 0.045, 0.035], "lacquer", 8)
        mesh.ellipsoid((x, y, 0.035), (0.035, 0.035, 0.035), "brass", 8, 4)
    mesh.box((0, 0.80, 0.34), (0.13, 0.03, 0.28), "lacquer")
    for s in (-1, 0, 1):
        mesh.box((s * 0.06, 0.73, 0.07), (0.014, 0.06, 0.008), "brass")
    bench = kit.part("chair")
    bench.box((0, -0.02, 0.425), (0.36, 0.18, 0.035), "lacquer")
    for x in (-0.32, 0.32):
        for y in (-0.16, 0.12):
            bench.box((x, y, 0.2), (0.022, 0.022, 0.2), "lacquer")
    right = Hand(vec(0.20, 0.425, 0.755), vec(-0.05, 0.98, -0.1), vec(0, -0.1, -1), vec(0.9, -0.35, -0.5), 24)
    left = Hand(vec(-0.22, 0.425, 0.755), vec(0.05, 0.98, -0.1), vec(0, -0.1, -1), vec(-0.9, -0.35, -0.5), 24)
    return Hold(right, left, Plucking(vec(0, 0, 0.045), vec(0, 0, 0.045)))


def singer(kit: Kit) -> Hold:
    """A choir folder before the chest."""
    mesh = kit.part("instrument", kit.at(0, 0.30, 0.92))
    normal = unit((0, -0.62, 0.78))
    for s in (-1, 1):
        fold = unit(normal + vec(-s * 0.22, 0, 0))
        axes = frame(unit(vec(1, 0, 0) - fold * fold[0]), fold)
        c = kit.at(s * 0.112, 0.33, 0.955)
        mesh.box(c, (0.115, 0.155, 0.004), "cloth", axes)
        if mesh.lod < 2:
            mesh.box(c + fold * 0.006, (0.105, 0.145, 0.002), "paper", axes)
    left = Hand(kit.at(-0.12, 0.29, 0.915), vec(0.35, 0.75, 0.35), vec(0.25, 0.3, 0.85), vec(-0.8, -0.4, -1), 20)
    right = Hand(kit.at(0.15, 0.275, 0.91), vec(-0.45, 0.75, 0.3), vec(-0.25, 0.3, 0.85), vec(0.8, -0.4, -1), 28)
    return Hold(right, left)


def conductor(kit: Kit) -> Hold:
    right_grip = kit.at(0.27, 0.42, 1.06)
    mesh = kit.part("baton", right_grip)
    baton(mesh, right_grip, unit(vec(-0.25, 0.9, 0.28)))
    right = Hand(right_grip, vec(-0.45, 0.85, 0.05), vec(-0.25, 0.05, -0.95), vec(0.9, -0.3, -0.8), 46)
    left = Hand(kit.at(-0.31, 0.40, 0.98), vec(0.3, 0.85, 0.25), vec(0.35, 0.0, -0.9), vec(-0.9, -0.3, -0.8), 16)
    return Hold(right, left)


BATON_M = 0.38


def baton(mesh: Mesh, grip: Array, d: Array) -> None:
    """White shaft and cork grip, 380 mm, held at the end of the cork."""
    mesh.lathe(
        grip - d * 0.035, d, [(0, 0.0), (0.004, 0.008), (0.02, 0.0105), (0.045, 0.0075), (0.065, 0.003)], "cork", 10
    )
    mesh.tube([grip + d * 0.02, grip + d * (BATON_M - 0.035)], [0.0025, 0.0012], "shirt", 6)
