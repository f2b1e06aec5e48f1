"""What one ear hears from the directions round a head, as a Gaussian process over complex spectra.

By reciprocity, what an ear hears from far away in the direction u is what a source at the ear sends there: a sum of
waves exp(i k u·x) from places x. On the ear's own side they come from the pinna; on the far side from the head's rim,
which waves reach that crept round it, weaker the longer the way (Keller, "Geometrical theory of diffraction", JOSA 52,
1962; Duda and Martens, JASA 104, 1998, for a sphere); and some from shoulders and chest. Places of which only that is
known give a covariance of directions whose width shrinks as 1 / frequency (Rasmussen and Williams, "Gaussian Processes
for Machine Learning", MIT Press 2006, ch. 2 and 4). The rim is a thin ring, so that waves from its two sides may cancel
in the middle of the far side, where no interpolation of magnitudes can follow them.

Directions are unit vectors in the ear's own frame: ahead, out of this ear, up. The figures are those that are
likeliest for every other direction of KEMAR, 3 to 12 kHz taken together; the same at all frequencies.
"""

import numpy as np
import numpy.typing as npt
import scipy

Doubles = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]
Waves = npt.NDArray[np.complex64]

EAR_M = (0.0, 0.086, 0.009)
"""Where the pinna's waves come from on average; places below are counted from the middle of the head as well."""
EAR_SPREAD_M = (0.008, 0.011, 0.051)
"""Standard deviations of these places."""
RIM_M = (0.014, 0.005, 0.039)
RIM_RADII_M = (0.108, 0.117)
"""The rim's middle, and how far it is from there ahead and up."""
RIM_TILT_M = (0.003, -0.029)
"""By how much its foremost and its topmost place lie towards the ear."""
RIM_SPREAD_M = (0.008, 0.030, 0.013)
RIM_FADING = (1.88, 0.88)
"""How fast waves from places of the rim fade towards directions for which they had to creep farther round the head, in
nepers for the cosine with ahead and up, at ``_FADING_PER_M``; they grow with the cube root of frequency."""
FAR_SIDE = (-0.24, 1.0, 0.26)
FAR_BELOW, FAR_WIDTH = -0.58, 0.18
"""Directions whose product with ``FAR_SIDE`` is below ``FAR_BELOW`` hear the rim, those above the pinna; it goes over
from one to the other within about twice the width."""
TORSO_SHARE = 0.05
TORSO_SPREAD_M = (0.045, 0.098, 0.60)
"""How much power comes from shoulders and chest, and from how far from the ear."""
TORSO_ROUGHEST_PER_M = 50.0
TORSO_ROUGHEST_UP = 16.0
"""What comes from there at a higher wavenumber is as smooth as at this one, and upwards never narrower than 1 / 16 of
a radian: directions are measured no closer, and nothing is told then of what lies between."""
NOISE = 2e-3
"""Of what was measured, as share of the power."""
POWER = 1.0 + TORSO_SHARE
"""Variance of the process in every direction; what is measured is divided by its level there first."""
_FADING_PER_M = 150.0
_RIM_PLACES = 64
_LEAST_RIM = 0.02
"""Amplitude below which the rim counts for nothing in a direction: half of them need not be reckoned."""


class WaveProcess:
    """The process given where it was measured."""

    def __init__(self, known: Doubles) -> None:
        """``known`` (n, 3) in the ear's frame."""
        self.known = known
        self._own = _Likeness(known, known)

    def covariance(self, wavenumber: float) -> Waves:
        """Of what was measured (n, n), noise included."""
        covariance = self._own.at(wavenumber)
        covariance[np.diag_indices(len(covariance))] += NOISE * POWER
        return covariance

    def factor(self, wavenumber: float) -> Complexes:
        """Cholesky's lower factor (n, n) of the covariance."""
        covariance = self.covariance(wavenumber).astype(np.complex128)
        return np.asarray(scipy.linalg.cholesky(covariance, lower=True, overwrite_a=True, check_finite=False))

    def towards(self, wanted: Doubles) -> "_Likeness":
        """Of directions (m, 3) with those that were measured."""
        return _Likeness(wanted, self.known)

    def unexplained(self, wavenumber: float, measured: Complexes) -> Complexes:
        """By how much each of ``measured`` (n, ears) is off from what the others tell of it (Rasmussen and Williams,
        5.12)."""
        inverse = scipy.linalg.cho_solve((self.factor(wavenumber), True), np.eye(len(measured)))
        return np.asarray(inverse @ measured / np.diag(inverse).real[:, None], np.complex128)


def from_ear(directions: Doubles, wavenumbers: Doubles | float) -> Complexes:
    """The phase of a wave from the ear's place, (n,) or (n, wavenumbers)."""
    return np.asarray(np.exp(1j * np.multiply.outer(directions @ np.array(EAR_M), wavenumbers)), np.complex128)


class _Likeness:
    """The covariance of directions (m, 3) with others (n, 3), their phases counted from the ear's place."""

    def __init__(self, one: Doubles, other: Doubles) -> None:
        (ear_one, rim_one), (ear_other, rim_other) = _shares(one), _shares(other)
        self._log_shares = (np.log(ear_one)[:, None] + np.log(ear_other)).astype(np.float32)
        self._far = np.flatnonzero(rim_one > _LEAST_RIM), np.flatnonzero(rim_other > _LEAST_RIM)
        far_one, far_other = one[self._far[0]], other[self._far[1]]
        self._rims = (far_one, rim_one[self._far[0]]), (far_other, rim_other[self._far[1]])
        self._ear = _squares(one, other, EAR_SPREAD_M).astype(np.float32)
        self._torso = _squares(one, other, (*TORSO_SPREAD_M[:2], 0.0)).astype(np.float32)
        self._torso_up = _squares(one, other, (0.0, 0.0, 1.0)).astype(np.float32)
        self._rim = _squares(far_one, far_other, RIM_SPREAD_M).astype(np.float32)

    def at(self, wavenumber: float) -> Waves:
        """(m, n); complex, as the rim's middle is not the ear."""
        likeness = self._without_rim(wavenumber).astype(np.complex64)
        likeness[np.ix_(*self._far)] += self._of_rim(wavenumber)
        return likeness

    def times(self, wavenumber: float, weights: Waves) -> Waves:
        """The product of ``at`` with weights (n, columns), in less time."""
        parts = np.ascontiguousarray(weights).view(np.float32)
        product = (self._without_rim(wavenumber) @ parts).view(np.complex64)
        product[self._far[0]] += self._of_rim(wavenumber) @ weights[self._far[1]]
        return product

    def _without_rim(self, wavenumber: float) -> npt.NDArray[np.float32]:
        flat = np.float32(-0.5 * min(wavenumber, TORSO_ROUGHEST_PER_M) ** 2)
        up = np.float32(-0.5 * min(TORSO_SPREAD_M[2] * wavenumber, TORSO_ROUGHEST_UP) ** 2)
        torso = flat * self._torso
        torso += up * self._torso_up
        np.exp(torso, out=torso)
        torso *= np.float32(TORSO_SHARE)
        ear = np.float32(-0.5 * wavenumber**2) * self._ear
        ear += self._log_shares
        np.exp(ear, out=ear)
        ear += torso
        return ear

    def _of_rim(self, wavenumber: float) -> Waves:
        """Between the directions ``_far``."""
        one, other = (_rim_waves(*rim, wavenumber) for rim in self._rims)
        spread = np.float32(-0.5 * wavenumber**2) * self._rim
        covariance = one @ other.conj().T
        covariance *= np.exp(spread, out=spread)
        return np.asarray(covariance, np.complex64)


def _squares(one: Doubles, other: Doubles, spread_m: tuple[float, float, float]) -> Doubles:
    """Squared distances of directions (m, 3) and (n, 3), each axis scaled by its spread: (m, n)."""
    return np.asarray(scipy.spatial.distance.cdist(one * spread_m, other * spread_m, "sqeuclidean"), np.float64)


def _shares(directions: Doubles) -> tuple[Doubles, Doubles]:
    """Amplitudes (n,) of the pinna and of the rim; their squares sum to 1."""
    beyond = (FAR_BELOW - directions @ np.array(FAR_SIDE)) / FAR_WIDTH
    angle = 0.5 * np.pi * scipy.special.expit(beyond)
    return np.cos(angle), np.sin(angle)


def _rim_waves(directions: Doubles, amplitudes: Doubles, wavenumber: float) -> Waves:
    """What each place of the rim sends in directions (n, 3): (n, places), of power ``amplitudes``² (n,) in all."""
    angles = 2.0 * np.pi * np.arange(_RIM_PLACES) / _RIM_PLACES
    ahead, up, nowhere = np.cos(angles), np.sin(angles), np.zeros(_RIM_PLACES)
    ring_m = np.stack([RIM_RADII_M[0] * ahead, RIM_TILT_M[0] * ahead + RIM_TILT_M[1] * up, RIM_RADII_M[1] * up])
    places_m = np.subtract(RIM_M, EAR_M)[:, None] + ring_m
    fading = np.cbrt(wavenumber / _FADING_PER_M) * np.stack([RIM_FADING[0] * ahead, nowhere, RIM_FADING[1] * up])
    weights = np.exp((directions @ fading).astype(np.float32))
    weights *= (amplitudes / np.linalg.norm(weights, axis=1)).astype(np.float32)[:, None]
    phases = (directions @ (wavenumber * places_m)).astype(np.float32)
    waves = np.empty(phases.shape, np.complex64)
    np.multiply(weights, np.cos(phases), out=waves.real)
    np.multiply(weights, np.sin(phases), out=waves.imag)
    return waves
