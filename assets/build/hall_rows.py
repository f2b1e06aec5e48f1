"""Rows of seats, the audience and the chandeliers: small meshes with light in their vertex colours, used many times.

They are not baked: their shade is a formula of direction and height, and a ``tint`` for each row darkens the house
towards its end.
"""

import math
from collections.abc import Callable
from typing import Any

import bpy
import numpy as np
from meshes import Array, linear
from numpy.typing import ArrayLike

Light = Callable[[Array, Array], Array]
"""Normals (n, 3) and places (n, 3) to light (n, 3)."""
SeatRow = Callable[[int, float, Light], bpy.types.Mesh]
"""Seats of a row and their pitch to a mesh."""


class Row:
    """Parts of one mesh: vertices with a colour each, flat or smooth."""

    def __init__(self) -> None:
        self.parts: list[tuple[Array, list[tuple[int, ...]], Array, bool]] = []

    def add(self, vertices: ArrayLike, faces: list[tuple[int, ...]], colours: ArrayLike, smooth: bool) -> None:
        v = np.asarray(vertices, float)
        c = np.broadcast_to(np.asarray(colours, float), v.shape)
        self.parts.append((v, faces, c, smooth))

    def box(self, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], colour: str) -> None:
        v = [(a, b, c) for a in x for b in y for c in z]
        self.add(v, [(4, 6, 7, 5), (2, 0, 1, 3), (6, 2, 3, 7), (0, 4, 5, 1), (1, 5, 7, 3)], linear(colour), False)

    def turned(
        self,
        center: tuple[float, float, float],
        profile: list[tuple[float, float]],
        colours: ArrayLike,
        sides: int,
        depth: float = 1.0,
    ) -> None:
        """A profile of (radius, height) turned round an upright axis; ``depth`` scales it in Y. ``colours`` is one
        colour or one per vertex (profile × sides)."""
        turn = np.linspace(0, 2 * math.pi, sides, endpoint=False)
        v = [
            (center[0] + r * math.cos(t), center[1] + depth * r * math.sin(t), center[2] + z)
            for r, z in profile
            for t in turn
        ]
        k = sides
        faces = [
            (j * k + i, j * k + (i + 1) % k, (j + 1) * k + (i + 1) % k, (j + 1) * k + i)
            for j in range(len(profile) - 1)
            for i in range(k)
        ]
        self.add(v, faces, np.asarray(colours, float).reshape(-1, 3), True)

    def mesh(self, name: str, light: Light) -> bpy.types.Mesh:
        vertices: list[list[float]] = []
        faces: list[tuple[int, ...]] = []
        colours: list[Array] = []
        smooth: list[bool] = []
        for v, part_faces, c, is_smooth in self.parts:
            normals = np.zeros_like(v)
            flat = []
            for f in part_faces:
                n = np.cross(v[f[1]] - v[f[0]], v[f[2]] - v[f[0]])
                normals[list(f)] += n
                flat.append(n / (np.linalg.norm(n) + 1e-12))
            normals /= np.linalg.norm(normals, axis=1)[:, None] + 1e-12
            lit = light(normals, v) * c
            for f, n in zip(part_faces, flat, strict=True):
                faces.append(tuple(i + len(vertices) for i in f))
                smooth.append(is_smooth)
                index = list(f)
                colours.append(lit[index] if is_smooth else light(np.repeat(n[None], len(f), 0), v[index]) * c[index])
            vertices += v.tolist()
        data = bpy.data.meshes.new(name)
        data.from_pydata(vertices, [], faces)
        data.polygons.foreach_set("use_smooth", smooth)
        layer = data.color_attributes.new("Color", "FLOAT_COLOR", "CORNER")
        rgb = np.clip(np.concatenate(colours), 0, 1)
        layer.data.foreach_set("color", np.c_[rgb, np.ones(len(rgb))].astype(np.float32).ravel())
        data.update()
        return data


def house_light(normals: Array, places: Array) -> Array:
    """Warm from the stage (+Y), weak from above, darker near the floor."""
    height = np.clip(places[:, 2], 0, 1)
    light = (
        0.07
        + 0.75 * np.clip(normals[:, 1], 0, None) * (0.2 + 0.8 * height)
        + 0.42 * np.clip(normals[:, 2], 0, None) * (0.3 + 0.7 * height)
        + 0.12 * np.abs(normals[:, 0])
    )
    return light[:, None] * np.array([1, 0.80, 0.60])


def seat_row(count: int, pitch_m: float, light: Light, cloth: str = "7c2426") -> bpy.types.Mesh:
    """Upholstered seats."""
    row = Row()
    for i in range(count):
        x = (i - (count - 1) / 2) * pitch_m
        row.box((x - 0.25, x + 0.25), (-0.02, 0.42), (0.40, 0.47), cloth)
        row.box((x - 0.25, x + 0.25), (-0.10, -0.03), (0.44, 0.92), cloth)
        row.box((x - 0.265, x + 0.265), (-0.12, -0.02), (0.92, 0.97), "93683f")
        row.box((x + 0.255, x + 0.30), (-0.08, 0.40), (0.0, 0.64), "5f3d24")
    return row.mesh("seat_row", light)


def chair_row(count: int, pitch_m: float, light: Light, wood: str = "6b4a2e", seat: str = "a58a58") -> bpy.types.Mesh:
    """Chairs that can be carried away: four legs, a seat, two rails to lean on."""
    row = Row()
    for i in range(count):
        x = (i - (count - 1) / 2) * pitch_m
        row.box((x - 0.21, x + 0.21), (0.0, 0.40), (0.43, 0.46), seat)
        for s in (-1, 1):
            row.box((x + s * 0.2 - 0.02, x + s * 0.2 + 0.02), (-0.04, 0.0), (0.0, 0.9), wood)
            row.box((x + s * 0.2 - 0.02, x + s * 0.2 + 0.02), (0.36, 0.4), (0.0, 0.44), wood)
        for z in (0.62, 0.80):
            row.box((x - 0.18, x + 0.18), (-0.035, -0.01), (z, z + 0.09), wood)
    return row.mesh("chair_row", light)


CLOTHES = ("17171c", "1f1d24", "2c191c", "20242e", "352b25", "121114", "3a3330")
SKIN = ("c9a083", "b58a6a", "d8b496", "8d6548", "6d4a35")
HAIR = ("2a1c12", "5b4a38", "8f8a84", "1a1412", "6d4a2a", "b9b2a8", "3a2a1e")


DETAILS = ((10, 6), (7, 5), (6, 4))
"""Sides and rings of a head: near the stage, farther off, and where there are very many."""


def audience_row(
    name: str, count: int, pitch_m: float, occupied: float, rng: np.random.Generator, detail: int, light: Light
) -> bpy.types.Mesh:
    row = Row()
    sides, stacks = DETAILS[detail]
    for i in range(count):
        if rng.random() > occupied:
            continue
        x = (i - (count - 1) / 2) * pitch_m + rng.normal(0, 0.025)
        y, size, lean = 0.1 + rng.normal(0, 0.02), rng.normal(1, 0.04), rng.normal(0, 0.025)
        torso = [
            (0.19, 0),
            (0.2, 0.2),
            (0.225 * size, 0.42 * size),
            (0.20, 0.50 * size),
            (0.12, 0.56 * size),
            (0.055, 0.59 * size),
        ]
        row.turned((x, y, 0.44), torso, linear(str(rng.choice(CLOTHES))), sides, 0.62)
        neck = [(0.056, -0.03), (0.050, 0.05)]
        base = 0.44 + 0.60 * size
        skin, hair = np.array(linear(str(rng.choice(SKIN)))), np.array(linear(str(rng.choice(HAIR))))
        row.turned((x + lean * 0.6, y, base), neck, skin, sides)
        # A head seen mostly from behind: hair on top and at the back, skin in front and at the nape.
        latitude = np.linspace(-math.pi / 2, math.pi / 2, stacks + 1)
        long_hair = rng.random() < 0.35
        widen = 1.1 if long_hair else 1.04
        profile = [(0.083 * math.cos(t) * (widen if t > -0.5 else 1), 0.135 + 0.115 * math.sin(t)) for t in latitude]
        turn = np.linspace(0, 2 * math.pi, sides, endpoint=False)
        low = -1.2 if long_hair else -0.8
        colours = [hair if (t > low and math.sin(a) < 0.45) or t > 0.55 else skin for t in latitude for a in turn]
        row.turned((x + lean, y + 0.012, base), profile, colours, sides, 1.14)
        if long_hair:
            fall = [(0.075, -0.10), (0.095, 0.02), (0.092, 0.14)]
            row.turned((x + lean, y - 0.025, base), fall, hair, sides, 0.9)
    return row.mesh(name, light)


def chandelier() -> bpy.types.Mesh:
    """Three tiers of crystal strings under rings of lights."""
    row = Row()

    def glow(_: Array, places: Array) -> Array:
        return np.ones((len(places), 3))

    row.turned((0, 0, 0), [(0.02, 1.6), (0.02, 6.2)], linear("4a3520"), 4)
    strings = 36
    turn = np.arange(strings)
    for radius, z, lights in ((0.85, 0.0, 14), (0.6, 0.5, 10), (0.36, 0.95, 7)):
        row.turned(
            (0, 0, z), [(radius + 0.02, -0.05), (radius + 0.045, 0), (radius + 0.02, 0.05)], linear("c08a3c"), 18
        )
        sparkle = 0.30 + 0.70 * (turn % 2) * (0.6 + 0.4 * np.cos(turn * 2.4))
        bowl = [(radius * 0.18, -0.46), (radius * 0.55, -0.38), (radius * 0.87, -0.2), (radius, -0.05)]
        down = (0.45, 0.62, 0.85, 1.0)
        colours = [np.array(linear("ffd08c")) * s * d for d in down for s in sparkle]
        row.turned((0, 0, z), bowl, colours, strings)
        for i in range(lights):
            t = 2 * math.pi * i / lights
            row.turned(
                (radius * math.cos(t), radius * math.sin(t), z + 0.06),
                [(0.0, 0), (0.055, 0.08), (0.0, 0.24)],
                linear("fff3d6"),
                5,
            )
    row.turned((0, 0, 0), [(0.0, -0.80), (0.10, -0.66), (0.15, -0.52), (0.06, -0.38)], linear("e8c48a"), 8)
    row.turned((0, 0, 0), [(0.07, -0.3), (0.05, 1.3), (0.16, 1.45), (0.02, 1.6)], linear("d09a48"), 8)
    return row.mesh("chandelier", glow)


def bulb() -> bpy.types.Mesh:
    """A lamp on a string."""
    row = Row()
    row.turned((0, 0, 0), [(0.0, -0.075), (0.055, -0.02), (0.035, 0.04), (0.0, 0.055)], linear("ffe2a6"), 5)
    return row.mesh("bulb", lambda _, places: np.ones((len(places), 3)))


def globe_lamp(rod_m: float) -> bpy.types.Mesh:
    """A globe of milk glass on a brass rod."""
    row = Row()
    turn = np.linspace(-math.pi / 2, math.pi / 2, 9)
    row.turned((0, 0, 0), [(0.24 * math.cos(t), 0.24 * math.sin(t)) for t in turn], linear("fff0cf"), 14)
    row.turned((0, 0, 0), [(0.10, 0.22), (0.07, 0.32), (0.014, 0.36), (0.014, rod_m)], linear("8a6534"), 7)
    return row.mesh("globe", lambda _, places: np.ones((len(places), 3)))


def iron_crown(chain_m: float, iron: tuple[float, float, float], radius_m: float = 0.95) -> bpy.types.Mesh:
    """A ring of candles that hangs from a chain."""
    row = Row()

    def glow(_: Array, places: Array) -> Array:
        return np.ones((len(places), 3))

    row.turned((0, 0, 0), [(0.015, 1.3), (0.015, chain_m)], iron, 3)
    row.turned((0, 0, 0), [(radius_m, -0.08), (radius_m + 0.03, 0.0), (radius_m, 0.08)], linear("6e4d28"), 24)
    for i in range(3):
        t = 2 * math.pi * i / 3
        foot, top = np.array([radius_m * math.cos(t), radius_m * math.sin(t), 0.05]), np.array([0, 0, 1.35])
        across = np.array([-math.sin(t), math.cos(t), 0]) * 0.012
        row.add([foot - across, foot + across, top, foot * 1.02], [(0, 1, 2), (1, 3, 2), (3, 0, 2)], iron, False)
    for i in range(12):
        t = 2 * math.pi * (i + 0.5) / 12
        x, y = radius_m * math.cos(t), radius_m * math.sin(t)
        row.turned((x, y, 0.04), [(0.026, 0), (0.024, 0.2)], linear("d8b98a"), 5)
        row.turned((x, y, 0.24), [(0.0, 0), (0.032, 0.05), (0.0, 0.17)], linear("fff0c8"), 5)
    return row.mesh("crown", glow)


def _place(
    name: str,
    mesh: bpy.types.Mesh,
    at: tuple[float, float, float],
    tint: float | None = None,
    turn_deg: float = 0.0,
) -> bpy.types.Object:
    o = bpy.data.objects.new(name, mesh)
    o.location = at
    o.rotation_euler = (0.0, 0.0, math.radians(turn_deg))
    if tint is not None:
        o["tint"] = tint
    bpy.context.scene.collection.objects.link(o)
    return o


class Rows:
    """The meshes that all rows of a hall share, and how they are put there: ``kinds`` of listeners take turns, and near
    the stage they have finer heads."""

    def __init__(
        self, description: dict[str, Any], seat: SeatRow = seat_row, light: Light | None = None, kinds: int = 3
    ) -> None:
        seats = description["seats"]
        count, pitch = seats["seats_per_block"], seats["seat_pitch_m"]
        rng = np.random.default_rng(7)
        light = light or house_light
        self._seats = seat(count, pitch, light)
        self._people = [
            [
                audience_row(f"audience_{name}_{k}", count, pitch, seats["occupied"], rng, detail, light)
                for k in range(kinds)
            ]
            for detail, name in enumerate(("near", "far", "farthest"))
        ]

    def put(
        self,
        name: str,
        at: tuple[float, float, float],
        detail: int,
        turn: int,
        from_stage_m: float,
        turn_deg: float = 0.0,
    ) -> list[bpy.types.Object]:
        """One row and who sits there, in one of the ``DETAILS``. ``turn`` chooses among the kinds; the row is darker,
        the farther it is from the stage; it looks towards +Y, or is turned by ``turn_deg``."""
        tint = round(0.16 + 0.62 / (1 + (max(0.0, from_stage_m) / 13.0) ** 1.7), 3)
        people = self._people[detail][turn % len(self._people[detail])]
        return [
            _place(f"seats_{name}", self._seats, at, tint, turn_deg),
            _place(f"audience_{name}", people, at, tint, turn_deg),
        ]


def seated(description: dict[str, Any], rows: Rows | None = None, farther: int = 1) -> list[bpy.types.Object]:
    """The rows in front of the stage, to the left and the right of an aisle; ``farther`` is the detail behind the first
    seven."""
    seats, floor = description["seats"], description["room"]["house_floor_z_m"]
    rows = rows or Rows(description)
    objects, r, y = [], 0, seats["first_row_y_m"]
    while y > seats["last_row_y_m"]:
        z = floor + r * seats.get("rise_per_row_m", 0.0)
        for side, x in (("L", -seats["block_center_x_m"]), ("R", seats["block_center_x_m"])):
            objects += rows.put(
                f"{r:02d}_{side}", (x, y, z), 0 if r < 7 else farther, r * 2 + (side == "R") + r // 3, -y - 3
            )
        y -= seats["row_pitch_m"]
        r += 1
    return objects


def hung(name: str, mesh: bpy.types.Mesh, places: list[tuple[float, float, float]]) -> list[bpy.types.Object]:
    """Lamps at their places. Their light is not theirs: lamps of the bake stand there."""
    objects = [_place(f"{name}_{i:02d}", mesh, place) for i, place in enumerate(places)]
    for o in objects:
        o.visible_shadow = False
        o.visible_diffuse = False
    return objects


def furnish(description: dict[str, Any]) -> list[bpy.types.Object]:
    """The golden shoebox's rows and chandeliers."""
    light = description["light"]
    places = [
        (s * light["chandelier_x_m"], y, light["chandelier_z_m"]) for s in (-1, 1) for y in light["chandelier_y_m"]
    ]
    return seated(description) + hung("chandelier", chandelier(), places)
