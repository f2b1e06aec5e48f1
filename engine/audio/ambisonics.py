"""Ambisonics: a sound field as spherical harmonics round the listener, to be turned and decoded at playback.

Channels are in ACN order with SN3D normalisation, as AmbiX files have them (Nachbar, Zotter, Deleflie and Sontacchi,
*AmbiX – a suggested Ambisonics format*, Ambisonics Symposium 2011): x ahead, y left, z up.
"""

import numpy as np
import numpy.typing as npt

FloatVector = npt.NDArray[np.float64]
HIGHEST_ORDER = 3


def channels_of(order: int) -> int:
    return (order + 1) ** 2


def degree_of_channel(channel: int) -> int:
    """The degree l of an ACN channel l² + l + m."""
    return int(np.sqrt(channel))


def encode(towards: FloatVector, order: int) -> FloatVector:
    """SN3D gains of unit vectors ``towards`` (n, 3; x ahead, y left, z up): (n, (order + 1)²). ``order`` is 0 to 3."""
    if not 0 <= order <= HIGHEST_ORDER:
        raise ValueError(f"Ambisonics of order {order}: there are 0 to {HIGHEST_ORDER}")
    x, y, z = towards.T
    half3, root15, root_5_8, root_3_8 = np.sqrt(3.0) / 2.0, np.sqrt(15.0), np.sqrt(5.0 / 8.0), np.sqrt(3.0 / 8.0)
    harmonics = [
        np.ones_like(x),
        y,
        z,
        x,
        2.0 * half3 * x * y,
        2.0 * half3 * y * z,
        0.5 * (3.0 * z * z - 1.0),
        2.0 * half3 * x * z,
        half3 * (x * x - y * y),
        root_5_8 * y * (3.0 * x * x - y * y),
        root15 * x * y * z,
        root_3_8 * y * (5.0 * z * z - 1.0),
        0.5 * z * (5.0 * z * z - 3.0),
        root_3_8 * x * (5.0 * z * z - 1.0),
        0.5 * root15 * z * (x * x - y * y),
        root_5_8 * x * (x * x - 3.0 * y * y),
    ]
    return np.stack(harmonics[: channels_of(order)], axis=1)
