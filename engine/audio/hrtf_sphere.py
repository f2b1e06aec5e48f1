"""Directions round a head, and functions of them that are smooth on the whole sphere."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Value = TypeVar("Value", np.complex64, np.float32)

STEP_DEG = 4
"""Of azimuth and elevation: tells waves from places up to 16 cm from the middle of the head at 15 kHz."""


def unit_vectors(directions_deg: Doubles) -> Doubles:
    """(n, 3) ahead, left, up of azimuths and elevations (n, 2)."""
    azimuth, elevation = np.radians(directions_deg).T
    flat = np.cos(elevation)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=1)


class Sphere:
    """Directions every ``STEP_DEG`` from pole to pole. A smooth function known there is known between as well: circles
    through the poles and round them are periodic, so its Fourier series go on (as in Merilees, "The pseudospectral
    approximation applied to the shallow water equations on a sphere", Atmosphere 11, 1973)."""

    def __init__(self) -> None:
        self._columns = 360 // STEP_DEG
        self._rows = 180 // STEP_DEG + 1

    def directions(self) -> Doubles:
        """Unit vectors (points, 3), a ring of elevation after the other from below upwards."""
        azimuths_deg = STEP_DEG * np.arange(self._columns, dtype=np.float64)
        elevations_deg = STEP_DEG * np.arange(self._rows, dtype=np.float64) - 90.0
        return unit_vectors(np.stack(np.meshgrid(azimuths_deg, elevations_deg), axis=-1).reshape(-1, 2))

    def ring(self, values: npt.NDArray[Value], azimuths_deg: Doubles, elevation_deg: float) -> npt.NDArray[Value]:
        """What values (points, ...) are at azimuths (m,) of an elevation: (m, ...)."""
        count = self._columns
        up = _fourier(elevation_deg + 90.0 - STEP_DEG * np.arange(count, dtype=np.float64), count)
        near = up[: self._rows]  # the half of the circle on this side of the poles; then the other
        beyond = np.concatenate([[0.0], up[: self._rows - 1 : -1], [0.0]])
        table = values.reshape(self._rows, count, -1)
        ring = np.tensordot(near.astype(values.dtype), table, 1)
        ring += np.roll(np.tensordot(beyond.astype(values.dtype), table, 1), count // 2, axis=0)
        around = _fourier(azimuths_deg[:, None] - STEP_DEG * np.arange(count), count).astype(values.dtype)
        return np.asarray((around @ ring).reshape(len(azimuths_deg), *values.shape[1:]), values.dtype)


def _fourier(away_deg: Doubles, count: int) -> Doubles:
    """Weight of each of ``count`` values on a circle, an even number, for a place that is ``away_deg`` from them."""
    half = 0.5 * np.radians(away_deg)
    there = np.abs(np.sin(half)) < 1e-9
    half = np.where(there, 0.5, half)
    return np.where(there, 1.0, np.sin(count * half) / (count * np.tan(half)))
