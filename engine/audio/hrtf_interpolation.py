"""A head's responses between the directions where they were measured: the field as waves from sources near the ear.

By reciprocity, what an ear hears from far away in the direction u is what a source at the ear sends there: a sum of
waves exp(i k u·x) from places x on the pinna, the rim of the head and the shoulders. Places that are normally
distributed about the ear give a Gaussian process over directions whose width shrinks as 1 / frequency (Rasmussen and
Williams, "Gaussian Processes for Machine Learning", MIT Press 2006, ch. 2 and 4). It follows the interference of waves
that creep round the head on both sides, which no interpolation of magnitudes does. Where measured directions are too
far apart for a frequency the process knows that it does not know, and magnitudes between them take over (as in
magnitude-corrected interpolation: Arend, Pörschmann, Weinzierl and Brinkmann, JASA 2023).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from ..units import SPEED_OF_SOUND_M_S

Doubles = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]

EAR_M = 0.07
"""How far to the side the ear's waves come from, on average (likeliest for KEMAR from 3 to 12 kHz, as all below)."""
HEAD_SPREAD_M = (0.042, 0.02, 0.06)
"""Standard deviations (ahead, sideways, up) of the places on ear and head."""
TORSO_SHARE = 0.1
TORSO_SPREAD_M = (0.045, 0.08, 0.38)
"""How much power comes from shoulders and chest, and from how far."""
NOISE = 5e-4
"""Of what was measured, as share of the power."""
COHERENT_HZ = (1000.0, 2000.0, 3000.0)
MOST_INCOHERENCE = 0.1
"""Share of power that the other directions may leave unexplained at ``COHERENT_HZ``: 0.002 for KEMAR. Beyond it the
responses lack a common start, or are too few, and only their magnitudes can be interpolated."""
_CERTAINTY_STEP_HZ = 1500.0
_DOUBT = 2.5
"""By how much more there is to doubt than the process thinks (cross-validated on KEMAR)."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadField:
    """A head's field in wanted directions: ``magnitudes`` and complex ``waves``, both (directions, 2 ears, bins).
    ``waves`` is None where the set is not coherent, and 0 above the highest frequency asked for."""

    magnitudes: Doubles
    waves: Complexes | None


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The three known directions round each wanted one, ``corners`` (m, 3), and their ``weights`` (m, 3): they sum to
    1 and are those of a flat triangle."""

    corners: npt.NDArray[np.int32]
    weights: Doubles

    @classmethod
    def of(cls, known: Doubles, wanted: Doubles) -> "Neighbours":
        """Of unit vectors (n, 3) and (m, 3)."""
        triangles = scipy.spatial.ConvexHull(known, qhull_options="QJ").simplices
        inverses = np.linalg.inv(known[triangles].transpose(0, 2, 1))
        corners, weights = np.empty((len(wanted), 3), np.int32), np.empty((len(wanted), 3))
        for start in range(0, len(wanted), 256):  # in portions, for memory
            part = slice(start, start + 256)
            shares = (wanted[part] @ inverses.reshape(-1, 3).T).reshape(-1, len(triangles), 3)
            best = shares.min(axis=2).argmax(axis=1)
            weights[part] = np.clip(shares[np.arange(len(best)), best], 0.0, None)
            corners[part] = triangles[best]
        return cls(corners, weights / weights.sum(axis=1, keepdims=True))

    def mean(self, values: Doubles) -> Doubles:
        """Values of the known directions (n, ...) interpolated for the wanted ones (m, ...)."""
        return np.asarray(np.einsum("mw,mw...->m...", self.weights, values[self.corners]), np.float64)


def interpolate(
    spectra: Complexes, known: Doubles, wanted: Doubles, neighbours: Neighbours, step_hz: float, highest_hz: float
) -> HeadField:
    """The field in ``wanted`` directions.

    ``spectra`` (n, 2 ears, bins ``step_hz`` apart from 0 on) were measured in the directions ``known`` (n, 3), unit
    vectors ahead, left, up; ``wanted`` (m, 3). What lies above ``highest_hz`` is interpolated by magnitude alone.
    """
    log_power = neighbours.mean(2.0 * np.log(np.maximum(np.abs(spectra), 1e-9)))
    wavenumbers = np.arange(spectra.shape[2], dtype=np.float64) * (2.0 * np.pi * step_hz / SPEED_OF_SOUND_M_S)
    process = _Process(known)
    if _incoherence(process, spectra, wavenumbers, step_hz) > MOST_INCOHERENCE:
        return HeadField(np.exp(0.5 * log_power), None)
    bins = min(spectra.shape[2], int(highest_hz / step_hz) + 1)
    parts = _from_ears(spectra[..., :bins], known, wavenumbers)
    likeness = process.towards(wanted)
    found = np.empty((bins, len(wanted), 4))
    doubted = np.append(np.arange(0, bins - 1, max(1, round(_CERTAINTY_STEP_HZ / step_hz))), bins - 1)
    doubts = np.empty((len(doubted), len(wanted)))
    for number in range(bins):
        lower = process.factor(wavenumbers[number])
        covariance = likeness(wavenumbers[number])
        found[number] = covariance @ scipy.linalg.cho_solve((lower, True), parts[number]).astype(np.float32)
        if number in doubted:
            inverse = scipy.linalg.solve_triangular(lower, np.eye(len(known)), lower=True, check_finite=False)
            explained = np.square(covariance @ inverse.T.astype(np.float32)).sum(axis=1)
            doubts[doubted.searchsorted(number)] = 1.0 - explained / (1.0 + TORSO_SHARE)
    waves = np.zeros((len(wanted), *spectra.shape[1:]), np.complex128)
    for ear, side in enumerate((1.0, -1.0)):
        turn = np.exp(1j * side * EAR_M * wanted[:, 1:2] * wavenumbers[:bins])
        waves[:, ear, :bins] = (found[..., 2 * ear] + 1j * found[..., 2 * ear + 1]).T * turn
    doubt = scipy.interpolate.interp1d(doubted, doubts, axis=0)(np.arange(bins)).T[:, None]
    log_power[..., :bins] = _mean_log_power(np.abs(waves[..., :bins]) ** 2, log_power[..., :bins], doubt)
    return HeadField(np.exp(0.5 * log_power), waves)


class _Process:
    """The Gaussian process of what is measured in some directions, its phase taken from the ear's place."""

    def __init__(self, known: Doubles) -> None:
        self.known = known
        self._head, self._torso = (_squares(known, known, spread) for spread in (HEAD_SPREAD_M, TORSO_SPREAD_M))

    def factor(self, wavenumber: float) -> Doubles:
        """Cholesky's lower factor (n, n) of the covariance, noise included."""
        covariance = _likeness(self._head, self._torso, wavenumber)
        covariance[np.diag_indices(len(covariance))] += NOISE * (1.0 + TORSO_SHARE)
        return np.asarray(scipy.linalg.cholesky(covariance, lower=True, overwrite_a=True, check_finite=False))

    def towards(self, wanted: Doubles) -> Callable[[float], npt.NDArray[Any]]:
        """The covariance of directions (m, 3) with the known ones, (m, n) float32, by wavenumber."""
        head, torso = (
            _squares(wanted, self.known, spread).astype(np.float32) for spread in (HEAD_SPREAD_M, TORSO_SPREAD_M)
        )
        return lambda wavenumber: _likeness(head, torso, wavenumber)


def _squares(one: Doubles, other: Doubles, spread_m: tuple[float, float, float]) -> Doubles:
    """Squared distances of directions (n, 3) and (m, 3), each axis scaled by its spread: (n, m)."""
    return np.asarray(scipy.spatial.distance.cdist(one * spread_m, other * spread_m, "sqeuclidean"), np.float64)


def _likeness(head: npt.NDArray[Any], torso: npt.NDArray[Any], wavenumber: float) -> npt.NDArray[Any]:
    scale = head.dtype.type(-0.5 * wavenumber**2)
    return np.asarray(np.exp(scale * head) + head.dtype.type(TORSO_SHARE) * np.exp(scale * torso))


def _from_ears(spectra: Complexes, known: Doubles, wavenumbers: Doubles) -> Doubles:
    """Spectra with their phase as seen from each ear's place: (bins, n, real and imaginary parts of left and right)."""
    parts = []
    for ear, side in enumerate((1.0, -1.0)):
        turned = spectra[:, ear] * np.exp(-1j * side * EAR_M * known[:, 1:2] * wavenumbers[: spectra.shape[2]])
        parts += [turned.real, turned.imag]
    return np.ascontiguousarray(np.stack(parts, axis=2).transpose(1, 0, 2))


def _incoherence(process: _Process, spectra: Complexes, wavenumbers: Doubles, step_hz: float) -> float:
    """Share of the power of each measured direction that the others do not explain, below the pinna's range."""
    worst = 0.0
    for frequency_hz in COHERENT_HZ:
        number = min(round(frequency_hz / step_hz), spectra.shape[2] - 1)
        parts = _from_ears(spectra[..., number : number + 1], process.known, wavenumbers[number : number + 1])[0]
        inverse = scipy.linalg.cho_solve((process.factor(wavenumbers[number]), True), np.eye(len(parts)))
        missed = inverse @ parts / np.diag(inverse)[:, None]  # leave-one-out (Rasmussen and Williams, 5.12)
        worst = max(worst, float(np.square(missed).sum() / np.square(parts).sum()))
    return worst


def _mean_log_power(power: Doubles, log_local: Doubles, doubt: Doubles) -> Doubles:
    """The mean of the logarithm of the power of waves that are known but for normally distributed ones.

    That is ln p + E1(p / v) of the known power p and the unknown v. With nothing known it is ln v - gamma, so v is
    scaled to give ``log_local``, the mean of the neighbours, then.
    """
    unknown = np.exp(log_local + np.euler_gamma) * np.clip(_DOUBT * doubt, 1e-4, 1.0)
    power = np.maximum(power, 1e-12 * unknown)
    return np.asarray(np.log(power) + scipy.special.exp1(power / unknown), np.float64)
