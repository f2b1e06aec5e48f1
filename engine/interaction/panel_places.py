"""Where panels hang in the hall, from where their reader looks."""

import numpy as np

from ..types import Vector
from .values import Pointer

REACH_M, AFAR_M = 0.62, 1.1
"""How far away the menu opens: within reach of a hand that can touch it, a little farther for others."""
BELOW_GAZE_M = 0.06
CARD_FARTHEST_M, LABEL_FARTHEST_M = 2.2, 6.0
"""Farther than this a card or label does not hang, however far its player sits: two eyes read it with less strain."""
ABOVE_HEAD_DMM, BESIDE_HEAD_DMM = 24.0, 90.0


def menu_place(pointer: Pointer) -> Vector:
    """The middle of the menu before the eyes, as far down or up as the person looks, but never overhead."""
    forward = np.array([pointer.gaze[0], pointer.gaze[1], 0.0])
    length = float(np.linalg.norm(forward))
    forward = forward / length if length > 1e-3 else np.array([0.0, 1.0, 0.0])
    slope = max(-0.5, min(0.3, pointer.gaze[2] / max(length, 1e-3)))
    distance_m = AFAR_M if pointer.tip_m is None else REACH_M
    # on a screen what is written stands at the lower edge; a hand rests lower than the eyes
    raised_m = 0.04 if pointer.hand == "mouse" else -BELOW_GAZE_M
    return vector(np.asarray(pointer.eye_m) + distance_m * forward + [0.0, 0.0, distance_m * slope + raised_m])


def above_head(eye_m: Vector, head_m: Vector, height_dmm: float, scale: float) -> Vector:
    """The middle of a label over a player's head."""
    centre, _, shown_m = _towards(eye_m, head_m, LABEL_FARTHEST_M)
    return vector(centre + [0.0, 0.0, scale * (height_dmm / 2 + ABOVE_HEAD_DMM) * shown_m / 1000.0])


def beside_head(eye_m: Vector, gaze: Vector, head_m: Vector, width_dmm: float, scale: float) -> Vector:
    """The middle of a card beside a player's head, on the side to which there is more room in the view."""
    centre, away, shown_m = _towards(eye_m, head_m, CARD_FARTHEST_M)
    right = np.array([away[1], -away[0], 0.0])
    right /= max(1e-6, float(np.linalg.norm(right)))
    side = 1.0 if float(np.dot(gaze, right)) >= 0.0 else -1.0
    return vector(centre + side * right * scale * (width_dmm / 2 + BESIDE_HEAD_DMM) * shown_m / 1000.0)


def _towards(eye_m: Vector, head_m: Vector, farthest_m: float) -> tuple[np.ndarray, np.ndarray, float]:
    """A place a little before a head, or nearer; the direction there, and how far it is."""
    eye = np.asarray(eye_m)
    away = np.asarray(head_m) - eye
    distance_m = max(0.3, float(np.linalg.norm(away)))
    shown_m = max(0.3, min(0.95 * distance_m, farthest_m))
    return eye + away / distance_m * shown_m, away / distance_m, shown_m


def vector(values: np.ndarray) -> Vector:
    """Three numbers of an array as a tuple."""
    x, y, z = values
    return (float(x), float(y), float(z))
