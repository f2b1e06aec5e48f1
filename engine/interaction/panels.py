"""Panels as geometry: where they stand, and what a ray or a fingertip meets on them."""

import math
from dataclasses import replace

import numpy as np

from ..types import Vector
from .values import ItemState, Panel, PanelItem, PanelKey

TOUCH_HOVER_M, TOUCH_PRESS_M, TOUCH_RELEASE_M = 0.10, 0.012, 0.03
"""A fingertip hovers within the first, presses within the second, and lets go beyond the third."""
SLACK_DMM = 8.0
"""Half the gap between buttons counts for each of them (16 dmm of padding: McKenzie and Glazier)."""


def panel_facing(
    key: PanelKey,
    centre_m: Vector,
    eye_m: Vector,
    size_dmm: tuple[float, float],
    items: tuple[PanelItem, ...],
    scale: float = 1.0,
) -> Panel:
    """A panel round ``centre_m`` that faces ``eye_m``, its upper edge level; its dmm by their distance, times
    ``scale``."""
    centre, eye = np.asarray(centre_m, float), np.asarray(eye_m, float)
    away = centre - eye
    distance_m = max(0.2, float(np.linalg.norm(away)))
    away = away / distance_m
    right = np.array([away[1], -away[0], 0.0])
    length = float(np.linalg.norm(right))
    right = right / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])
    up = np.cross(right, away)
    return Panel(
        key, centre_m, _vector(right), _vector(up), scale * distance_m / 1000.0, size_dmm[0], size_dmm[1], items
    )


def ray_hit(panel: Panel, origin_m: Vector, direction: Vector) -> tuple[float, float, float] | None:
    """Where a ray meets a panel's face: metres along it, and x and y on it in dmm; None where it passes."""
    right, up = np.asarray(panel.right), np.asarray(panel.up)
    normal = np.cross(right, up)  # towards the reader
    origin = np.asarray(origin_m, float)
    against = float(np.dot(direction, normal))
    if against > -1e-6:
        return None
    along = float(np.dot(np.asarray(panel.centre_m) - origin, normal)) / against
    if along <= 0.0:
        return None
    place = _on_panel(panel, origin + along * np.asarray(direction, float))
    return None if place is None else (along, *place)


def touch_hit(panel: Panel, tip_m: Vector) -> tuple[float, float, float] | None:
    """A fingertip before a panel: metres before its face (negative: through it), and x and y in dmm; None elsewhere."""
    normal = np.cross(panel.right, panel.up)
    tip = np.asarray(tip_m, float)
    before_m = float(np.dot(tip - np.asarray(panel.centre_m), normal))
    if not -0.08 < before_m < TOUCH_HOVER_M:
        return None
    place = _on_panel(panel, tip)
    return None if place is None else (before_m, *place)


def item_at(panel: Panel, x_dmm: float, y_dmm: float) -> PanelItem | None:
    """What can be pressed at a place of a panel: the item there, or the nearest within ``SLACK_DMM``."""
    best, best_dmm = None, SLACK_DMM
    for item in panel.items:
        if item.kind == "text" or item.state == "disabled":
            continue
        beside = max(item.x_dmm - x_dmm, 0.0, x_dmm - item.x_dmm - item.width_dmm)
        above = max(item.y_dmm - y_dmm, 0.0, y_dmm - item.y_dmm - item.height_dmm)
        distance = math.hypot(beside, above)
        if distance <= best_dmm:
            best, best_dmm = item, distance
    return best


def with_states(panel: Panel, states: dict[str, ItemState]) -> Panel:
    """The panel with some items hovered or pressed, by key."""
    if not states:
        return panel
    return replace(panel, items=tuple(replace(i, state=states[i.key]) if i.key in states else i for i in panel.items))


def _on_panel(panel: Panel, point: np.ndarray) -> tuple[float, float] | None:
    offset = (point - np.asarray(panel.centre_m)) / panel.metres_per_dmm
    x = float(np.dot(offset, panel.right)) + panel.width_dmm / 2
    y = panel.height_dmm / 2 - float(np.dot(offset, panel.up))
    return (x, y) if 0.0 <= x <= panel.width_dmm and 0.0 <= y <= panel.height_dmm else None


def _vector(values: np.ndarray) -> Vector:
    x, y, z = values
    return (float(x), float(y), float(z))
