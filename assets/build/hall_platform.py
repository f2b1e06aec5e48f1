"""What every hall has: its numbers, the platform with risers and podium, panelled walls."""

from typing import Any

import numpy as np
from hall_patches import Atlas

Description = dict[str, Any]
"""Tables of a hall's file in assets/halls."""


class Plan:
    """The numbers of a hall description that the builders share, metres."""

    def __init__(self, description: Description) -> None:
        room, stage = description["room"], description["stage"]
        self.risers = description["risers"]
        self.podium = description["podium"]
        self.width = room["half_width_m"]
        self.south, self.north = room["house_end_y_m"], room["stage_end_y_m"]
        self.floor, self.ceiling = room["house_floor_z_m"], room["ceiling_z_m"]
        self.edge, self.rear = stage["front_y_m"], stage["rear_y_m"]
        self.stage_width = stage["half_width_m"]
        self.seats = description["seats"]


def panelled(
    atlas: Atlas,
    side: str,
    u: tuple[float, float],
    z: tuple[float, float],
    at: float,
    count: int,
    material: str = "wood",
    weight: float = 1.2,
) -> None:
    """A wall with ``count`` framed panels."""
    atlas.wall(side, u, z, at, material, weight)
    step = (u[1] - u[0]) / count
    for i in range(count):
        left = u[0] + i * step
        atlas.frame(
            side, (left + 0.12 * step, left + 0.88 * step), (z[0] + 0.3, z[1] - 0.3), 0.06, 0.035, at, "gold_deep"
        )


def platform(a: Atlas, p: Plan, rear: float, floor: str = "stage", side: str = "wood") -> None:
    """A stage that stands free: its floor back to ``rear``, its four sides, risers and podium."""
    w = p.stage_width
    a.quad((-w, p.edge, 0), (w, p.edge, 0), (w, rear, 0), (-w, rear, 0), floor, 1.6)
    a.box((-w, w), (p.edge, rear), (p.floor, 0), side, "TB", 1.2)
    a.box((-w, w), (p.edge - 0.06, p.edge + 0.05), (-0.09, 0.012), "dark", "N")
    risers_and_podium(a, p)


def risers_and_podium(a: Atlas, p: Plan) -> None:
    below = 0.0
    for r in p.risers:
        riser(a, r, below)
        below = r["height_m"]
    podium(a, p)


def riser(a: Atlas, r: dict[str, float], below: float) -> None:
    inner, outer, height = r["inner_radius_m"], r["outer_radius_m"], r["height_m"]
    turn = np.radians(np.linspace(r["from_deg"], r["to_deg"], 29))[::-1]
    ring = np.stack([np.cos(turn), np.sin(turn)], 1)
    a.grid([[(*inner * q, height), (*outer * q, height)] for q in ring], "stage", 1.6)
    a.grid([[(*inner * q, below), (*inner * q, height)] for q in ring], "wood", 1.3)
    a.grid([[(*inner * 0.999 * q, height - 0.035), (*inner * 0.999 * q, height + 0.002)] for q in ring], "dark", 1.0)
    a.grid([[(*outer * q, 0), (*outer * q, height)] for q in ring[::-1]], "wood", 0.8)
    for q, last in ((ring[-1], False), (ring[0], True)):
        corners = [(*inner * q, 0), (*outer * q, 0), (*outer * q, height), (*inner * q, height)]
        if last:
            corners = [corners[1], corners[0], corners[3], corners[2]]
        a.quad(*corners, "wood")


def podium(a: Atlas, p: Plan) -> None:
    half, front, back, height = (p.podium[k] for k in ("half_width_m", "front_y_m", "rear_y_m", "height_m"))
    a.box((-half - 0.1, half + 0.1), (back - 0.15, front + 0.1), (0, height / 2), "wood", "B", 2)
    a.box((-half, half), (back, front), (height / 2, height), "red", "B", 2)
    rail = p.podium["rail_y_m"]
    for x in (-half + 0.04, half - 0.04):
        a.box((x - 0.018, x + 0.018), (rail - 0.02, rail + 0.016), (height, 1.15), "gold_deep", "B")
    a.box((-half, half), (rail - 0.025, rail + 0.02), (1.13, 1.18), "gold_deep")
    a.box((-half, half), (rail - 0.012, rail + 0.008), (0.70, 0.73), "gold_deep")
