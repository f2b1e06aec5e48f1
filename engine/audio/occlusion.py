"""What players and their chairs keep from the listener: bodies between an instrument and an ear.

Each body is a screen as wide as shoulders that ends at the top of a head. Sound goes over it and round both sides; each
edge lets through what Kurze and Anderson's formula for Maekawa's chart says for its path difference (Kurze and
Anderson, *Applied Acoustics* 4, 1971; Z. Maekawa, *Applied Acoustics* 1, 1968). The powers of the three ways add.
"""

import math

import numpy as np
import numpy.typing as npt

from ..units import SPEED_OF_SOUND_M_S

FloatVector = npt.NDArray[np.float64]

SEATED_TOP_M, STANDING_TOP_M = 1.28, 1.74
"""Top of the head over the floor (median adults; ISO 7250-2: sitting height 0.88 m on a chair of 0.42 m)."""
HALF_WIDTH_M = 0.22
_OWN_M = 0.4
"""Nearer than this to the instrument or the ear, a body is the player's or the listener's own."""
_REACH_M = 0.6
"""Bodies further beside the line of sight than this change nothing."""
MOST_DB = 20.0
"""What screens take away at most, as sound also comes round by scattering (ISO 9613-2, 7.4)."""
_NEAREST_COUNT = 2
"""Bodies that count for one player: those that keep away most."""


def occlusion_db(
    sources_m: FloatVector, bodies_m: FloatVector, head_m: FloatVector, frequencies_hz: FloatVector
) -> FloatVector:
    """Loss of each source on its way to the head: (sources, frequencies) in dB, ≥ 0.

    ``sources_m`` (n, 3) and ``bodies_m`` (n, 3), tops of heads, belong to the same players; ``head_m`` (3,).
    """
    way = head_m - sources_m
    flat_m = np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-6)
    along = way[:, :2] / flat_m[:, None]
    offset = bodies_m[None, :, :2] - sources_m[:, None, :2]
    at_m = (offset * along[:, None]).sum(axis=2)
    beside_m = offset[..., 0] * along[:, None, 1] - offset[..., 1] * along[:, None, 0]
    between = (at_m > _OWN_M) & (at_m < flat_m[:, None] - _OWN_M) & (np.abs(beside_m) < _REACH_M)
    height_m = sources_m[:, None, 2] + way[:, None, 2] * at_m / flat_m[:, None]
    before_m, after_m = at_m, flat_m[:, None] - at_m
    over_m = bodies_m[None, :, 2] - height_m
    left_m, right_m = HALF_WIDTH_M + beside_m, HALF_WIDTH_M - beside_m
    differences_m = np.stack([_path_difference_m(edge, before_m, after_m) for edge in (over_m, left_m, right_m)])
    differences_m[:, ~between] = -1.0
    middle_db = _screen_db(2.0 * differences_m * 2000.0 / SPEED_OF_SOUND_M_S)
    count = min(_NEAREST_COUNT, middle_db.shape[1])
    worst = np.argpartition(-middle_db, count - 1, axis=1)[:, :count]
    chosen_m = np.take_along_axis(differences_m, worst[None], axis=2)
    fresnel = 2.0 * chosen_m[..., None] * frequencies_hz / SPEED_OF_SOUND_M_S
    return np.asarray(np.minimum(_screen_db(fresnel).sum(axis=1), MOST_DB), np.float64)


def _path_difference_m(edge_m: FloatVector, before_m: FloatVector, after_m: FloatVector) -> FloatVector:
    """How much longer the way over an edge is that stands ``edge_m`` out of the straight line; < 0 below the line."""
    before_m, after_m = np.maximum(before_m, 1e-3), np.maximum(after_m, 1e-3)
    longer_m = np.hypot(before_m, edge_m) - before_m + np.hypot(after_m, edge_m) - after_m
    return np.asarray(np.copysign(longer_m, edge_m), np.float64)


def _screen_db(fresnel: FloatVector) -> FloatVector:
    """Loss behind a screen whose three edges (first axis) have these Fresnel numbers."""
    through = 10.0 ** (-edge_loss_db(fresnel) / 10.0)
    return np.asarray(np.maximum(0.0, -10.0 * np.log10(through.sum(axis=0))), np.float64)


def edge_loss_db(fresnel: FloatVector) -> FloatVector:
    """Loss over one edge by its Fresnel number 2δ/λ: 5 dB in line with it, 20 dB at 12, none well clear of it."""
    root = np.sqrt(2.0 * math.pi * np.maximum(np.abs(fresnel), 1e-9))
    shadow = 5.0 + 20.0 * np.log10(root / np.tanh(root))
    lit = 5.0 + 20.0 * np.log10(np.maximum(root / np.tan(np.minimum(root, 1.5)), 1e-9))
    return np.asarray(np.where(fresnel >= 0.0, shadow, np.where(root < 1.5, np.maximum(lit, 0.0), 0.0)), np.float64)
