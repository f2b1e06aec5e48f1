"""A head's responses between the directions where they were measured: the field as waves (``hrtf_waves``).

The process over waves tells the mean of the field in a direction and how much of it is not known. What is wanted is the
mean of the logarithm of its power, given both. Where measured directions are too far apart for a frequency the process
knows that it does not know, and the mean of the neighbours' levels counts for that share (as in magnitude-corrected
interpolation: Arend, Pörschmann, Weinzierl and Brinkmann, JASA 2023).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from ..units import SPEED_OF_SOUND_M_S
from .hrtf_sphere import Sphere, unit_vectors
from .hrtf_waves import NOISE, POWER, Complexes, Doubles, WaveProcess, Waves, from_ear

COHERENT_HZ = (1000.0, 2000.0, 3000.0)
MOST_INCOHERENCE = 0.1
"""Share of power that the other directions may leave unexplained at ``COHERENT_HZ``: 0.002 for KEMAR. Beyond it the
responses lack a common start, or are too few, and only their magnitudes can be interpolated."""
BETWEEN = 2
"""How many frequencies are told for one that the process is asked about: between them a response as short as these
leaves nothing open."""
MOST_TELLING = 1200
"""Measured directions that the process is given: the cost grows with their third power, and so many are 6 degrees
apart. Of denser sets it gets an even choice; for what it doubts then, all their levels count."""
_DOUBT_STEP_HZ = 2000.0
_TELLING = 32
"""Of how many measured directions, the nearest, doubt is reckoned: others add next to nothing."""
_AT_ONCE = 360
"""Directions: what is reckoned of so many stays in the processor's caches."""
_REACH = 8
"""How many frequencies on both sides tell one that lies between."""
_MIDDLE = 0.2
"""Where in the window of time that the spectra are of the responses have their middle."""
_MIRROR = np.array([1.0, -1.0, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class HeadField:
    """A head's field in some directions: ``magnitudes`` and complex ``waves``, both (directions, 2 ears, bins).
    ``waves`` is None where the set is not coherent, and ends at the highest frequency asked for."""

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
            shares = np.stack([wanted[part] @ inverses[:, corner].T for corner in range(3)])
            best = np.minimum(np.minimum(shares[0], shares[1]), shares[2]).argmax(axis=1)
            weights[part] = np.clip(shares[:, np.arange(len(best)), best].T, 0.0, None)
            corners[part] = triangles[best]
        return cls(corners, weights / weights.sum(axis=1, keepdims=True))

    def mean(self, values: Doubles) -> Doubles:
        """Values of the known directions (n, ...) interpolated for the wanted ones (m, ...)."""
        return np.asarray(np.einsum("mw,mw...->m...", self.weights, values[self.corners]), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredField:
    """Spectra (n, 2 ears, bins ``step_hz`` apart from 0 on) measured in the directions ``known`` (n, 3), unit vectors
    ahead, left, up. Of a response that is no longer than half of 1 / ``step_hz``. What lies above ``highest_hz`` is
    interpolated by magnitude alone."""

    spectra: Complexes
    known: Doubles
    step_hz: float
    highest_hz: float

    @property
    def bins(self) -> int:
        """How many frequencies the process is asked about, each ``BETWEEN`` steps from the next."""
        return min(self.spectra.shape[2] // BETWEEN, int(self.highest_hz / (BETWEEN * self.step_hz))) + 1

    @property
    def wavenumbers(self) -> Doubles:
        steps = np.arange(self.bins, dtype=np.float64)
        return steps * (2.0 * np.pi * BETWEEN * self.step_hz / SPEED_OF_SOUND_M_S)

    def log_power(self) -> Doubles:
        return np.asarray(2.0 * np.log(np.maximum(np.abs(self.spectra), 1e-9)), np.float64)

    def towards(self, wanted: Doubles) -> HeadField:
        """The field in directions (m, 3)."""
        near = Neighbours.of(self.known, wanted).mean(self.log_power())
        telling = self._thinned()
        levels = _Levels.of(telling)
        if _incoherence(telling, levels) > MOST_INCOHERENCE:
            return HeadField(np.exp(0.5 * near), None)
        return _blend(_estimate(telling, levels, wanted), levels, wanted, near)

    def rings(self, azimuths_deg: Doubles, elevations_deg: Doubles) -> Iterator[HeadField]:
        """The field at every azimuth, a ring of elevation after the other. Costs much less than asking for so many
        directions: waves from places no farther away than a head is wide change little within a few degrees."""
        telling = self._thinned()
        levels = _Levels.of(telling)
        log_power, coherent = self.log_power(), _incoherence(telling, levels) <= MOST_INCOHERENCE
        sphere = Sphere()
        coarse = _estimate(telling, levels, sphere.directions()) if coherent else None
        for elevation_deg in elevations_deg:
            wanted = unit_vectors(np.stack([azimuths_deg, np.full_like(azimuths_deg, elevation_deg)], axis=1))
            near = Neighbours.of(self.known, wanted).mean(log_power)
            if coarse is None:
                yield HeadField(np.exp(0.5 * near), None)
                continue
            waves = sphere.ring(coarse.waves, azimuths_deg, elevation_deg)
            doubt = sphere.ring(coarse.doubt, azimuths_deg, elevation_deg)
            yield _blend(_Estimate(waves, doubt, coarse.doubted, coarse.log_power), levels, wanted, near)

    def _thinned(self) -> "MeasuredField":
        """Of no more than ``MOST_TELLING`` directions."""
        if len(self.known) <= MOST_TELLING:
            return self
        chosen = evenly_chosen(self.known, MOST_TELLING)
        return MeasuredField(self.spectra[chosen], self.known[chosen], self.step_hz, self.highest_hz)


def evenly_chosen(directions: Doubles, most: int) -> npt.NDArray[np.int64]:
    """Which of directions (n, 3) to keep, ``most`` at most: each time the one farthest from those that are kept, and
    its mirror image if all have one (Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985)."""
    twins = _twins(directions)
    chosen: list[int] = []
    nearest = np.full(len(directions), -2.0)  # cosine with the nearest that is kept
    while len(chosen) < most - 1:
        first = int(nearest.argmin())
        for one in {first} if twins is None else {first, int(twins[first])}:
            chosen.append(one)
            np.maximum(nearest, directions @ directions[one], out=nearest)
    return np.sort(np.array(chosen, np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class _Levels:
    """Smooth levels of both ears, by which all is divided before it is a process of the same power in all directions:
    ``shape`` (9, 2, bins), of the polynomial of their logarithm in each ear's frame."""

    shape: Doubles

    @classmethod
    def of(cls, measured: MeasuredField) -> "_Levels":
        log_power = measured.log_power()[..., ::BETWEEN][..., : measured.bins]
        shape = np.empty((9, *log_power.shape[1:]))
        for ear, seen in enumerate((measured.known, measured.known * _MIRROR)):
            terms = _polynomials(seen)
            mean = log_power[:, ear].mean(axis=0)
            normal = terms.T @ terms + 1e-2 * np.eye(terms.shape[1])  # a set may tell little of some terms
            shape[:, ear] = np.linalg.solve(normal, terms.T @ (log_power[:, ear] - mean))
            shape[0, ear] += mean
        return cls(shape)

    def log_power(self, directions: Doubles) -> Doubles:
        """(m, 2, bins) in directions (m, 3)."""
        ears = (directions, directions * _MIRROR)
        return np.stack([_polynomials(seen) @ self.shape[:, ear] for ear, seen in enumerate(ears)], axis=1)


def _polynomials(directions: Doubles) -> Doubles:
    """Those of the second degree on a sphere: (m, 9)."""
    x, y, z = directions.T
    return np.stack([np.ones_like(x), x, y, z, x * y, x * z, y * z, x * x, y * y], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Estimate:
    """``waves`` (m, 2 ears, bins) over their level; ``doubt`` (m, 2, some bins), the share of power of which the
    process knows nothing, at the bins ``doubted``; and ``log_power`` (2, bins), the power that the process has."""

    waves: Waves
    doubt: npt.NDArray[np.float32]
    doubted: npt.NDArray[np.int64]
    log_power: Doubles


def _estimate(measured: MeasuredField, levels: _Levels, wanted: Doubles) -> _Estimate:
    """What the process tells of directions (m, 3). Where all are mirrored by others both ears cost as much as one."""
    parts = measured.spectra[..., ::BETWEEN][..., : measured.bins] * np.exp(-0.5 * levels.log_power(measured.known))
    steps = max(1, round(_DOUBT_STEP_HZ / (BETWEEN * measured.step_hz)))
    doubted = np.append(np.arange(0, measured.bins - 1, steps), measured.bins - 1)
    twins, wanted_twins = _twins(measured.known), _twins(wanted)
    if twins is None:
        ears = [
            _solve(measured.known * side, wanted * side, parts[:, [ear]], measured.wavenumbers, doubted)
            for ear, side in enumerate((np.ones(3), _MIRROR))
        ]
        waves, doubts, powers = (np.concatenate([ear[n] for ear in ears], axis=1) for n in range(3))
        return _Estimate(waves, doubts, doubted, np.log(powers[0]))
    parts[:, 1] = parts[twins, 1]
    count = len(wanted)
    if wanted_twins is None:
        wanted, wanted_twins = np.concatenate([wanted, wanted * _MIRROR]), np.arange(count) + count
    waves, doubts, powers = _solve(measured.known, wanted, parts, measured.wavenumbers, doubted)
    waves[:count, 1] = waves[wanted_twins, 1]
    doubts = np.concatenate([doubts[:count], doubts[wanted_twins]], axis=1)
    return _Estimate(waves[:count], doubts, doubted, np.log(powers[0]))


def _solve(
    known: Doubles, wanted: Doubles, parts: Complexes, wavenumbers: Doubles, doubted: npt.NDArray[np.int64]
) -> tuple[Waves, npt.NDArray[np.float32], Doubles]:
    """Waves (m, ears, bins) of ears that have ``parts`` (n, ears, bins) in the same frame, doubt (m, 1, doubted), and
    the power of the process (1, ears, bins)."""
    process = WaveProcess(known)
    parts = parts * from_ear(known, wavenumbers).conj()[:, None]
    weights = np.empty((len(wavenumbers), *parts.shape[:2]), np.complex64)
    power = np.empty((1, *parts.shape[1:]))
    for number, wavenumber in enumerate(wavenumbers):
        lower = process.factor(wavenumber)
        own = scipy.linalg.cho_solve((lower, True), parts[..., number], check_finite=False)
        power[0, :, number] = (parts[..., number].conj() * own).real.mean(axis=0)
        weights[number] = own
    among = {number: process.covariance(wavenumbers[number]) for number in doubted}
    near = scipy.spatial.cKDTree(known).query(wanted, min(_TELLING, len(known)))[1]
    waves = np.empty((len(wanted), *parts.shape[1:]), np.complex64)
    doubt = np.empty((len(wanted), 1, len(doubted)), np.float32)
    for start in range(0, len(wanted), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        likeness = process.towards(wanted[part])
        for number, wavenumber in enumerate(wavenumbers):
            waves[part, :, number] = likeness.times(wavenumber, weights[number])
        for place, number in enumerate(doubted):
            across = np.take_along_axis(likeness.at(wavenumbers[number]), near[part], axis=1)
            told = np.linalg.solve(among[number][near[part, :, None], near[part, None]], across.conj()[..., None])
            doubt[part, 0, place] = 1.0 - (across * told[..., 0]).real.sum(axis=1) / POWER
    waves *= from_ear(wanted, wavenumbers)[:, None].astype(np.complex64)
    return waves, doubt, power


def _twins(directions: Doubles) -> npt.NDArray[np.int64] | None:
    """Which direction is the mirror image of each; None where one has none."""
    away, twins = scipy.spatial.cKDTree(directions).query(directions * _MIRROR)
    return None if away.max() > 1e-6 else np.asarray(twins, np.int64)


def _incoherence(measured: MeasuredField, levels: _Levels) -> float:
    """Share of the power of each measured direction that the others do not explain, below the pinna's range."""
    process, worst = WaveProcess(measured.known), 0.0
    level = levels.log_power(measured.known)[:, 0]
    for frequency_hz in COHERENT_HZ:
        number = min(round(frequency_hz / (BETWEEN * measured.step_hz)), measured.bins - 1)
        wavenumber = measured.wavenumbers[number]
        parts = measured.spectra[:, 0, BETWEEN * number] * np.exp(-0.5 * level[:, number])
        parts = parts * from_ear(measured.known, wavenumber).conj()
        missed = process.unexplained(wavenumber, parts[:, None])
        worst = max(worst, float((np.abs(missed) ** 2).sum() / (np.abs(parts) ** 2).sum()))
    return worst


def _blend(estimate: _Estimate, levels: _Levels, wanted: Doubles, near: Doubles) -> HeadField:
    """Waves at all frequencies, and magnitudes of the mean of their logarithm: for the share that the process does not
    know the neighbours' ``near`` (m, 2, all bins)."""
    bins = estimate.waves.shape[2]
    level = levels.log_power(wanted)
    waves = _between(estimate.waves * np.exp(0.5 * level))
    all_bins = np.arange(waves.shape[2]) / BETWEEN
    doubt = np.log(np.clip(estimate.doubt, 0.5 * NOISE, 1.0))  # a direction's own measurement leaves about its noise
    doubt = np.exp(scipy.interpolate.interp1d(estimate.doubted, doubt, axis=2)(all_bins))
    unknown = scipy.interpolate.interp1d(np.arange(bins), level + estimate.log_power, axis=2)(all_bins)
    log_power = _mean_log_power(np.abs(waves) ** 2, POWER * doubt * np.exp(unknown))
    magnitudes = near.copy()
    magnitudes[..., : waves.shape[2]] += (1.0 - doubt) * (log_power - near[..., : waves.shape[2]])
    return HeadField(np.exp(0.5 * magnitudes), waves)


def _between(waves: npt.NDArray[np.complexfloating]) -> Complexes:
    """Spectra (..., bins) and what lies between their frequencies, (..., ``BETWEEN`` × (bins - 1) + 1): those of the
    same responses with as much silence after them. Below 0 they are the conjugate of what they are above."""
    bins = waves.shape[-1]
    reach = min(_REACH, bins - 1)
    known = np.arange(-reach, bins)
    away = np.arange(BETWEEN * (bins - 1) + 1) / BETWEEN - known[:, None]
    window = np.i0(5.0 * np.sqrt(np.clip(1.0 - (away / (reach + 1)) ** 2, 0.0, None))) / np.i0(5.0)
    kernel = np.sinc(away) * window * np.exp(-2j * np.pi * _MIDDLE * away)
    kernel[np.abs(away) > reach] = 0.0
    both = np.concatenate([waves[..., reach:0:-1].conj(), waves], axis=-1)
    return np.asarray(both @ kernel, np.complex128)


def _mean_log_power(power: Doubles, unknown: Doubles) -> Doubles:
    """The mean of the logarithm of the power of waves that are known but for normally distributed ones: that is
    ln p + E1(p / v) of the known power p and the unknown v."""
    share = power / unknown
    log_power = np.log(np.maximum(power, 1e-12 * unknown))
    open_ = share < 20.0  # beyond, E1 is nothing
    log_power[open_] += scipy.special.exp1(np.maximum(share[open_], 1e-12))
    return np.asarray(log_power, np.float64)
