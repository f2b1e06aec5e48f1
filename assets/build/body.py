"""The figure: torso, legs, head, hair, arms and hands in concert dress; stylised, about 1.75 m tall."""

import math

import numpy as np
from meshes import Array, Mesh, frame, unit, vec
from rig import Arm, Hand

STANDING_RISE_M = 0.42
"""How much higher hips, shoulders and head are when the figure stands than when it sits."""
HIP = vec(0, -0.02, 0.53)
NECK = vec(0, 0.012, 1.135)
SHOULDER = vec(0.192, 0.0, 1.012)
MOUTH = vec(0, 0.128, 1.192)


def shoulder(side: int, rise: float) -> Array:
    """``side`` is +1 for the player's right (+X), −1 for the left."""
    return SHOULDER * vec(side, 1, 1) + vec(0, 0, rise)


def torso(mesh: Mesh, rise: float, slight: bool) -> None:
    """Jacket from the seat to the collar and the neck. ``slight`` is the second build: narrower, with a waist."""
    rows = [  # height, half width, half depth, forward
        (0.43, 0.176, 0.150, -0.025),
        (0.50, 0.180, 0.142, -0.022),
        (0.60, 0.164, 0.118, -0.015),
        (0.70, 0.158, 0.112, -0.004),
        (0.80, 0.172, 0.116, 0.004),
        (0.90, 0.190, 0.119, 0.008),
        (0.97, 0.198, 0.112, 0.006),
        (1.025, 0.190, 0.094, 0.002),
        (1.060, 0.150, 0.078, -0.004),
        (1.085, 0.095, 0.066, -0.004),
        (1.108, 0.060, 0.057, 0.002),
    ]
    if slight:
        waist = {0.60: (0.88, 0.9), 0.70: (0.84, 0.86), 0.80: (0.88, 0.98), 0.90: (0.91, 1.12), 0.97: (0.92, 1.04)}
        rows = [
            (z, rx * waist.get(z, (0.94, 0.98))[0], ry * waist.get(z, (0.94, 0.98))[1], y + (0.006 if z > 0.8 else 0))
            for z, rx, ry, y in rows
        ]
    if mesh.lod == 2:
        rows = [rows[i] for i in (0, 3, 6, 8, 10)]
    turn = np.linspace(0, 2 * math.pi, mesh.sides(14), endpoint=False)
    mesh.rings(
        [
            [
                (
                    rx * math.copysign(abs(math.cos(a)) ** 0.85, math.cos(a)),
                    y + ry * math.copysign(abs(math.sin(a)) ** 0.9, math.sin(a)),
                    z + rise,
                )
                for a in turn
            ]
            for z, rx, ry, y in rows
        ],
        "cloth",
    )
    mesh.tube([(0, 0.004, 1.08 + rise), (0, 0.016, 1.17 + rise)], [0.05, 0.046], "skin", 10, cap=False)
    if mesh.lod == 0:
        collar = [(0, 0.004, 1.085 + rise), (0, 0.006, 1.118 + rise)]
        mesh.tube(collar, [0.062, 0.056], "shirt" if not slight else "cloth", 12, cap=False)
        for s in (-1, 1) if not slight else ():  # lapels
            outer = [
                (s * 0.045, 0.094, 1.075),
                (s * 0.092, 0.101, 1.0),
                (s * 0.07, 0.130, 0.90),
                (s * 0.006, 0.128, 0.79),
            ]
            inner = [
                (s * 0.035, 0.090, 1.078),
                (s * 0.050, 0.118, 1.0),
                (s * 0.034, 0.136, 0.90),
                (s * 0.0, 0.130, 0.785),
            ]
            v = [np.add(p, (0, 0.004, rise)) for pair in zip(outer, inner, strict=True) for p in pair]
            faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(3)]
            mesh.add(v, faces if s < 0 else [f[::-1] for f in faces], "satin", False)


def shirt(mesh: Mesh, rise: float) -> None:
    """White front and bow tie. Lies just before the jacket."""
    v = [
        (-0.046, 0.092, 1.075),
        (0.046, 0.092, 1.075),
        (0.054, 0.119, 1.0),
        (-0.054, 0.119, 1.0),
        (0.036, 0.134, 0.90),
        (-0.036, 0.134, 0.90),
        (0, 0.1315, 0.785),
    ]
    faces = [(3, 2, 1, 0), (5, 4, 2, 3), (6, 4, 5)]
    mesh.add([np.add(p, (0, 0.002, rise)) for p in v], faces, "shirt", False)
    if mesh.lod == 2:
        return
    for s in (-1, 1):
        knot, wing = (0, 0.098, 1.085 + rise), (s * 0.042, 0.094, 1.085 + rise)
        mesh.tube([knot, wing], [0.006, 0.017], "shirt", 5, flat=0.5, up=(0, 1, 0))


def legs(mesh: Mesh, rise: float, spread: float) -> None:
    for s in (-1, 1):
        if rise:
            path = [(s * 0.085, -0.015, 0.98), (s * 0.10, 0.005, 0.52), (s * 0.105, -0.015, 0.07)]
            mesh.tube(path, [0.098, 0.073, 0.058], "cloth", 9)
            foot = vec(s * 0.115, 0.05, 0.042)
        else:
            path = [
                (s * 0.085, -0.03, 0.525),
                (s * (0.09 + spread) * 0.58, 0.2, 0.55),
                (s * spread, 0.40, 0.535),
                (s * spread * 1.02, 0.455, 0.485),
                (s * spread * 1.02, 0.45, 0.38),
                (s * spread, 0.42, 0.07),
            ]
            if mesh.lod == 2:
                path = [path[0], path[3], path[5]]
            radii = [0.092, 0.088, 0.072, 0.068, 0.064, 0.054]
            mesh.tube(path, radii if len(path) == 6 else [0.092, 0.07, 0.054], "cloth", 10)
            foot = vec(s * spread * 1.02, 0.48, 0.042)
        mesh.ellipsoid(foot, (0.044, 0.132, 0.044), "shoe", 8, 4)


def chair(mesh: Mesh) -> None:
    mesh.box((0, 0, 0.43), (0.215, 0.21, 0.025), "seat")
    if mesh.lod == 2:
        mesh.box((0, -0.2, 0.43), (0.2, 0.012, 0.4), "chair")
        return
    mesh.box((0, -0.215, 0.74), (0.205, 0.013, 0.12), "seat")
    for x in (-0.19, 0.19):
        mesh.tube([(x, 0.185, 0.0), (x, 0.175, 0.42)], 0.013, "chair", 5)
        mesh.tube([(x, -0.235, 0.0), (x, -0.195, 0.42), (x, -0.235, 0.86)], 0.014, "chair", 5)


def music_stand(mesh: Mesh, at: Array, height: float) -> None:
    """A black stand with an open part; ``height`` of the desk's middle, which leans back by 25°."""
    x, y = float(at[0]), float(at[1])
    mesh.tube([(x, y, 0.05), (x, y, height - 0.06)], 0.011, "steel", 6)
    for a in (90, 210, 330) if mesh.lod < 2 else ():
        t = math.radians(a)
        mesh.tube([(x, y, 0.14), (x + 0.25 * math.cos(t), y + 0.25 * math.sin(t), 0.01)], 0.008, "steel", 5)
    normal = unit((0, -0.9, 0.42))
    axes = np.array([vec(1, 0, 0), unit((0, 0.42, 0.9)), normal])
    center = vec(x, y, height)
    mesh.box(center, (0.25, 0.17, 0.004), "steel", axes)
    if mesh.lod == 2:
        return
    mesh.box(center - axes[1] * 0.17 + normal * 0.03, (0.25, 0.004, 0.03), "steel", axes)
    for s in (-1, 1):
        page = center + vec(s * 0.112, 0, 0) + normal * 0.009
        mesh.box(page, (0.108, 0.15, 0.003), "paper", axes)
        for i in range(7) if mesh.lod == 0 else ():  # staves, as grey bands
            line = page + axes[1] * (0.12 - i * 0.04) + normal * 0.0036
            corners = [line + axes[0] * u * 0.09 + axes[1] * w * 0.009 for u, w in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            mesh.add(corners, [(0, 1, 2, 3)], "ink", False)


def _skull(v: Array) -> Array:
    """From an ellipsoid to a head: narrow jaw and chin, flat face, brow, full back of the head."""
    x, y, z = v.T / np.array([[0.075], [0.093], [0.116]])
    jaw = np.clip(-z, 0, 1)
    front = np.clip(y, 0, 1)
    x = x * (1 - 0.30 * jaw**1.5)
    y = np.where(y > 0, y * (0.90 - 0.05 * np.exp(-((z - 0.12) ** 2) / 0.02)), y * (1 - 0.42 * jaw**1.3))
    y = y + 0.12 * jaw**2 * (0.4 + front)
    z = np.where(z < 0, z * (1.0 + 0.06 * front), z)
    return np.stack([x * 0.075, y * 0.093, z * 0.116], axis=1)


def head(mesh: Mesh, rise: float) -> None:
    center = vec(0, 0.03, 1.245 + rise)

    def sockets(v: Array) -> Array:
        p = v - center
        near = np.exp(-((np.abs(p[:, 0]) - 0.031) ** 2 / 0.0004 + (p[:, 2] - 0.012) ** 2 / 0.0003)) * (p[:, 1] > 0.03)
        cheek = np.exp(-((np.abs(p[:, 0]) - 0.042) ** 2 / 0.0005 + (p[:, 2] + 0.03) ** 2 / 0.0006)) * (p[:, 1] > 0.03)
        warm = np.stack([1 + 0.03 * cheek, 1 - 0.08 * cheek, 1 - 0.1 * cheek], axis=1)
        return warm * (1 - 0.30 * near)[:, None]

    mesh.ellipsoid(center, (0.075, 0.093, 0.116), "skin", 16, 10, shape=_skull, shade=sockets)
    if mesh.lod == 2:
        return
    nose = [(0, 0.112, 1.262), (0, 0.126, 1.238), (0, 0.131, 1.222), (0, 0.114, 1.214)]
    mesh.tube([vec(*p) + (0, 0, rise) for p in nose], [0.006, 0.0105, 0.013, 0.006], "skin", 6, up=(1, 0, 0))
    for s in (-1, 1):
        ear = frame(unit((s, -0.35, 0)), (0, 0.12, 1))
        mesh.ellipsoid(vec(s * 0.073, 0.02, 1.24 + rise), (0.009, 0.019, 0.030), "skin", 8, 4, axes=ear)
        if mesh.lod == 0:
            brow = [(s * 0.014, 0.1115, 1.272), (s * 0.030, 0.1085, 1.2755), (s * 0.047, 0.097, 1.270)]
            mesh.tube([vec(*p) + (0, 0, rise) for p in brow], [0.0032, 0.004, 0.002], "brow", 5, up=(0, 1, 0))
            mesh.ellipsoid(vec(s * 0.0305, 0.1045, 1.254 + rise), (0.0085, 0.005, 0.0055), "brow", 7, 4)
    if mesh.lod == 0:
        mouth = [(-0.021, 0.110, 1.190), (0, 0.1165, 1.188), (0.021, 0.110, 1.190)]
        mesh.tube([vec(*p) + (0, 0, rise) for p in mouth], [0.002, 0.0045, 0.002], "lips", 5, up=(0, 1, 0))


HAIRLINE = ((-90, -36), (-35, -26), (-5, 4), (25, 16), (50, 34), (90, 43))
"""Where hair begins: latitude of the skull (degrees) by azimuth, −90 the back, 0 the ears, 90 the forehead."""


def _cap(mesh: Mesh, rise: float, thick: float, parting: float = 0.25, bumps: float = 0.0) -> None:
    """Hair that grows from the hairline to the crown, ``thick`` metres at most, fuller on one side of the parting."""
    center = vec(0, 0.03, 1.245 + rise)
    n, k = mesh.sides(20), {0: 7, 1: 4, 2: 2}[mesh.lod]
    turn = np.linspace(0, 2 * math.pi, n, endpoint=False)
    azimuth = np.degrees(np.arcsin(np.sin(turn)))
    low = np.radians(np.interp(azimuth, *np.array(HAIRLINE).T))
    rows = []
    for t in np.linspace(0, 1, k + 1):
        latitude = low + (math.radians(89) - low) * t
        unit_sphere = np.stack([np.cos(latitude) * np.cos(turn), np.cos(latitude) * np.sin(turn), np.sin(latitude)], 1)
        skull = _skull(unit_sphere * np.array([0.075, 0.093, 0.116]))
        wave = 1 + parting * np.cos(turn - 0.9) + bumps * np.sin(turn * 7 + t * 9) * np.sin(t * 17 + turn * 3)
        grow = thick * (0.18 + 0.82 * math.sin(min(1.0, t * 2.6) * math.pi / 2)) * wave
        rows.append(skull + unit_sphere * grow[:, None] + center)
    strands = np.tile(0.88 + 0.14 * np.cos(turn * 10), k + 1)
    mesh.rings(rows, "hair", cap=False, shade=lambda _: strands)


def hair(mesh: Mesh, rise: float, style: str) -> None:
    """``short``, ``bun``, ``long`` or ``curly``."""
    if style == "short":
        _cap(mesh, rise, 0.015)
    elif style == "bun":
        _cap(mesh, rise, 0.012, parting=0.05)
        mesh.ellipsoid(vec(0, -0.092, 1.30 + rise), (0.040, 0.036, 0.038), "hair", 10, 6)
    elif style == "long":
        _cap(mesh, rise, 0.018, parting=0.15)
        turn = np.linspace(math.radians(176), math.radians(364), mesh.sides(14))
        rows = []
        for z, rx, ry, y in (
            (1.29, 0.084, 0.100, 0.030),
            (1.20, 0.092, 0.106, 0.026),
            (1.12, 0.098, 0.104, 0.012),
            (1.03, 0.098, 0.112, -0.006),
            (0.96, 0.080, 0.116, -0.014),
        ):
            outside = [(rx * math.cos(a), y + ry * math.sin(a), z + rise) for a in turn]
            inside = [(0.86 * rx * math.cos(a), y + 0.82 * ry * math.sin(a), z + rise) for a in turn[::-1]]
            rows.append(outside + inside)
        mesh.rings(rows[::-1], "hair", shade=lambda v: 0.9 + 0.12 * np.cos(np.arctan2(v[:, 1], v[:, 0]) * 22))
    elif style == "curly":
        _cap(mesh, rise, 0.034, parting=0.05, bumps=0.22)
    else:
        raise ValueError(f"no hair style {style!r}")


def upper_arm(mesh: Mesh, arm: Arm) -> None:
    s, e = arm.shoulder, arm.elbow
    d = unit(e - s)
    if mesh.lod == 2:
        mesh.tube([s - d * 0.03, e + d * 0.02], [0.06, 0.05], "cloth", 8)
        return
    path = [s - d * 0.052, s - d * 0.03, s + d * 0.01, s * 0.5 + e * 0.5, e, e + d * 0.03]
    mesh.tube(path, [0.022, 0.05, 0.0635, 0.056, 0.049, 0.022], "cloth", 12)


def forearm(mesh: Mesh, arm: Arm, hand: Hand, side: int) -> None:
    e, w = arm.elbow, arm.wrist
    d = unit(w - e)
    if mesh.lod == 2:
        mesh.tube([e - d * 0.02, w], [0.05, 0.034], "cloth", 8)
        tip = w + unit(hand.fingers) * 0.1
        mesh.tube([w - d * 0.01, (w + tip) / 2, tip], [0.03, 0.036, 0.02], "skin", 8)
        return
    mesh.tube([e - d * 0.028, e, e * 0.5 + w * 0.5, w - d * 0.02], [0.022, 0.049, 0.042, 0.035], "cloth", 11)
    mesh.tube([w - d * 0.034, w - d * 0.008], [0.031, 0.0315], "shirt", 10)
    hand_mesh(mesh, w, d, hand, side)


def hand_mesh(mesh: Mesh, wrist: Array, arm_direction: Array, hand: Hand, side: int) -> None:
    """A hand of the right size: palm, four bent fingers and a thumb against them. ``side`` +1 right, −1 left."""
    f = unit(hand.fingers)
    axes = frame(f, -np.asarray(hand.palm, float))  # rows: fingers, across, back of the hand
    across, back = axes[1] * side, axes[2]  # across points to the side of the thumb
    palm = [wrist - arm_direction * 0.02, wrist + f * 0.012, wrist + f * 0.045, wrist + f * 0.083, wrist + f * 0.092]
    mesh.tube(palm, [0.024, 0.029, 0.040, 0.040, 0.030], "skin", 10, flat=0.46, up=back)
    bend = math.radians(hand.curl_deg)
    fingers = ((0.030, 0.074), (0.010, 0.083), (-0.010, 0.079), (-0.030, 0.062))
    if mesh.lod == 1:
        fingers = ((0.016, 0.079), (-0.018, 0.075))
    for offset, length in fingers:
        p = wrist + f * 0.084 + across * offset * 1.0
        path, angle = [p - f * 0.012, p], 0.0
        for share in (0.45, 0.32, 0.23):
            angle += bend
            p = (
                p
                + (f * math.cos(angle) - back * math.sin(angle) + across * offset * 3 * (hand.spread - 1))
                * length
                * share
            )
            path.append(p)
        r = 0.0092 if mesh.lod == 0 else 0.0145
        mesh.tube(path, [r, r, r * 0.97, r * 0.9, r * 0.62], "skin", 5, flat=0.9)
    base = wrist + f * 0.02 + across * 0.026 - back * 0.006
    tip_side = 0.042 - 0.02 * math.sin(bend)
    thumb = [
        base,
        wrist + f * 0.048 + across * tip_side - back * 0.022,
        wrist + f * 0.076 + across * (tip_side - 0.008) - back * 0.036,
        wrist + f * 0.094 + across * (tip_side - 0.014) - back * 0.042,
    ]
    mesh.tube(thumb, [0.014, 0.0125, 0.0105, 0.006], "skin", 6)
