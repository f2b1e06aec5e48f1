"""Head-related transfer functions: from measured impulse responses to a dense grid of spectra.

The field is interpolated between the measured directions (``hrtf_interpolation``), equalised so that sound from
everywhere arrives without colour (diffuse field), and each response made a minimum-phase part and a delay (Kulkarni,
Isabelle and Colburn, JASA 105, 1999: listeners do not hear the difference). The default set is the KEMAR dummy head of
Gardner and Martin (MIT Media Lab, 1994), which pyo carries; ``read_sofa`` takes any other.

Azimuth is counter-clockwise seen from above (left is positive), 0 in front; elevation is positive upwards.
"""

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
import numpy.typing as npt
import scipy

from ..errors import SoundError
from .array_cache import cache_folder, read_array, write_array
from .hrtf_interpolation import Neighbours, interpolate
from .pyo_block import bundled_hrir_tables

GRID_STEP_DEG = 2
LOWEST_ELEVATION_DEG = -40
"""Below it KEMAR was not measured, and an orchestra is seldom there."""
FILTER_TAPS = 160
"""Length of the minimum-phase part at 48 kHz (3.3 ms)."""
MEASURED_HEAD_M = 0.0875
"""Radius of the sphere whose differences of arrival KEMAR has (Algazi, Avendano and Duda, JAES 49, 2001)."""
SMALLEST_HEAD_M, LARGEST_HEAD_M = 0.055, 0.115
_CONVENTION = "SimpleFreeFieldHRIR"
_LEAST_SPREAD = 0.1
"""Directions on a plane through the head have 0, evenly spread ones 0.58."""
_VERSION = 7
_KEMAR_RATE_HZ = 44100.0
_KEMAR_COUNTS = (56, 60, 72, 72, 72, 72, 72, 60, 56, 45, 36, 24, 12, 1)
"""Directions in each ring of elevation (Gardner and Martin, table 1): at 50 degrees none is straight behind."""
_KEMAR_LATE = (0.64, 1.43, 0.18, -0.08, 0.0, 0.64, 2.35, -0.32, 3.04, -2.21, -5.27, 1.79, -1.50, -4.53)
"""Samples by which the compact set's rings begin late, each having been cut at a place of its own: with these taken
away the rings explain each other best (likeliest for the process of ``hrtf_interpolation``, 0.6 to 5 kHz)."""
_ANALYSIS = 2048
_WINDOW_S = 256 / 48000
"""How much of a response is analysed, from shortly before the earliest onset on."""
_HIGHEST_HZ = 17500.0
"""Above, the measurement ends and so, gently, do the filters."""
LEAD = 24
"""Samples before the earliest ear and after the last: room for the ringing of fractional delays and of real spectra
(distance, air, directivity) on both sides, which else would wrap round the FFT and tick at every block."""
RINGING = 8
"""Samples of ``LEAD`` that are for the ringing; the rest is for real spectra."""


@dataclass(frozen=True, slots=True, eq=False)
class HrirSet:
    """Measured responses: ``directions_deg`` (n, 2) azimuth and elevation, ``responses`` (n, 2 ears, taps). ``delays``
    (n, 2) are samples of ``rate_hz`` by which each response begins later than its first tap says."""

    directions_deg: npt.NDArray[np.float64]
    responses: npt.NDArray[np.float64]
    rate_hz: float
    delays: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class HrtfGrid:
    """Spectra for every direction of a grid: ``spectra`` (directions, 2 ears, 2 re/im, fft_size // 2 + 1) float32.

    ``taps`` is how long the responses are in samples, so that overlap-save knows what of an FFT is valid.
    """

    spectra: npt.NDArray[np.float32]
    fft_size: int
    taps: int

    def index(
        self, azimuth_rad: npt.NDArray[np.float64], elevation_rad: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.int32]:
        """Rows of ``spectra`` nearest to directions, each (n,)."""
        rows = np.empty(azimuth_rad.size, np.int32)
        _nearest(azimuth_rad, elevation_rad, rows)
        return rows


@numba.njit(nogil=True, cache=True)
def _nearest(
    azimuth_rad: npt.NDArray[np.float64], elevation_rad: npt.NDArray[np.float64], rows: npt.NDArray[np.int32]
) -> None:
    """Fill ``rows`` with where the grid has each direction; fields are made for every movement of a head."""
    columns = 360 // GRID_STEP_DEG
    for n in range(rows.size):
        column = int(np.rint(np.degrees(azimuth_rad[n]) / GRID_STEP_DEG)) % columns
        elevation_deg = min(max(np.degrees(elevation_rad[n]), LOWEST_ELEVATION_DEG), 90)
        row = int(np.rint((elevation_deg - LOWEST_ELEVATION_DEG) / GRID_STEP_DEG))
        rows[n] = row * columns + column


def kemar_hrirs() -> HrirSet:
    """The set that pyo carries: 14 elevations, the right half of the circle, ears mirrored for the left half."""
    near_ear, far_ear = ([np.array(ring) for ring in ear] for ear in bundled_hrir_tables())
    side = len(near_ear[4]) // 2  # the direction at 90 degrees on the horizon
    if np.square(near_ear[4][side]).sum() < np.square(far_ear[4][side]).sum():
        near_ear, far_ear = far_ear, near_ear
    directions, responses = [], []
    delays: list[tuple[float, float]] = []
    for ring, (near, far) in enumerate(zip(near_ear, far_ear, strict=True)):
        elevation_deg = LOWEST_ELEVATION_DEG + 10.0 * ring
        for step in range(len(near)):
            azimuth_deg = 360.0 * step / _KEMAR_COUNTS[ring]
            directions.append((azimuth_deg, elevation_deg))
            responses.append((near[step], far[step]))  # from the left: the near ear is the left one
            if 0.0 < azimuth_deg < 180.0:
                directions.append((-azimuth_deg, elevation_deg))
                responses.append((far[step], near[step]))
        late = _KEMAR_LATE[ring]
        delays += [(-late, -late)] * (len(directions) - len(delays))
    return HrirSet(np.array(directions), np.array(responses, np.float64), _KEMAR_RATE_HZ, np.array(delays))


def read_sofa(path: Path) -> HrirSet:
    """A SOFA file (AES69) of the convention SimpleFreeFieldHRIR, or of another with the same data. Raises
    ``SoundError``."""
    import h5py  # slow to import, and seldom needed

    try:
        with h5py.File(path, "r") as file:
            convention = _text(file.attrs.get("SOFAConventions", ""))
            if "Data.IR" not in file:
                raise SoundError(
                    f"{path}: {convention or 'no convention'} without impulse responses; needs {_CONVENTION}"
                )
            responses = np.asarray(file["Data.IR"][:], np.float64)
            positions = np.asarray(file["SourcePosition"][:], np.float64)
            rate_hz = float(np.asarray(file["Data.SamplingRate"][:]).ravel()[0])
            kind = _text(file["SourcePosition"].attrs.get("Type", "spherical"))
            units = _text(file["SourcePosition"].attrs.get("Units", "degree"))
            delays = np.asarray(file["Data.Delay"][:], np.float64) if "Data.Delay" in file else np.zeros((1, 2))
    except (OSError, KeyError, ValueError, TypeError, IndexError) as error:
        reason = " ".join(str(error).split())
        raise SoundError(f"{path}: not a SOFA file with head-related impulse responses ({reason})") from error
    if responses.ndim != 3 or responses.shape[1] != 2 or len(responses) != len(positions) or len(responses) < 12:
        raise SoundError(f"{path}: {responses.shape} impulse responses; needs two ears and 12 directions or more")
    if not (np.isfinite(responses).all() and np.isfinite(positions).all() and np.isfinite(delays).all()):
        raise SoundError(f"{path}: has responses or directions that are not finite; export it again")
    if not 8000.0 <= rate_hz <= 384000.0:
        raise SoundError(f"{path}: an absurd rate of {rate_hz:g} Hz; export it at 44100 or 48000 Hz")
    if not responses.any(axis=2).all():
        raise SoundError(f"{path}: some of its impulse responses are silent; export it again")
    if delays.ndim != 2 or delays.shape[1] != 2 or len(delays) not in (1, len(responses)):
        raise SoundError(f"{path}: delays of shape {delays.shape} for {len(responses)} directions")
    if kind == "cartesian":
        x, y, z = positions.T[:3]
        positions = np.stack([np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))], axis=1)
    elif units.startswith("rad"):
        positions = np.degrees(positions)
    directions_deg = positions[:, :2]
    _, first = np.unique(np.round(_unit_vectors(directions_deg), 4), axis=0, return_index=True)
    first.sort()  # a direction that was measured twice counts once
    directions_deg = directions_deg[first].copy()
    spread = np.linalg.svd(_unit_vectors(directions_deg), compute_uv=False)[-1] / np.sqrt(len(first))
    if len(first) < 12 or spread < _LEAST_SPREAD:
        raise SoundError(f"{path}: its directions do not go round the head; needs some above, below and on all sides")
    all_delays = np.broadcast_to(delays, (len(responses), 2))[first]
    return HrirSet(directions_deg, responses[first], rate_hz, all_delays if all_delays.any() else None)


def _text(value: object) -> str:
    """An attribute of HDF5 as text."""
    return (value.decode(errors="replace") if isinstance(value, bytes) else str(value)).strip().lower()


def check_radius(head_radius_m: float) -> None:
    """Raises ``SoundError`` for a radius that no head has."""
    if not SMALLEST_HEAD_M <= head_radius_m <= LARGEST_HEAD_M:
        raise SoundError(
            f"a head of {100.0 * head_radius_m:g} cm radius: give {100.0 * SMALLEST_HEAD_M:g} to "
            f"{100.0 * LARGEST_HEAD_M:g} cm (half the distance between the ears, 8.7 is usual)"
        )


def build_grid(hrirs: HrirSet, rate_hz: int, fft_size: int, head_radius_m: float | None = None) -> HrtfGrid:
    """Equalised spectra on the grid of ``GRID_STEP_DEG``. Takes some seconds, so ``load_grid`` keeps it.

    The field is interpolated for every other row and column; what lies between is the mean of its neighbours.

    Differences of arrival grow with ``head_radius_m`` over the measured head's (``MEASURED_HEAD_M``), as those of a
    sphere do (Woodworth; Middlebrooks, JASA 106, 1999, for scaling by size); spectra stay the measured head's.
    """
    azimuths_deg = np.arange(0, 360, 2 * GRID_STEP_DEG, dtype=np.float64)
    elevations_deg = np.arange(LOWEST_ELEVATION_DEG, 91, GRID_STEP_DEG, dtype=np.float64)
    rows = np.unique([*range(0, len(elevations_deg), 2), len(elevations_deg) - 1])
    wanted_deg = np.stack(np.meshgrid(azimuths_deg, elevations_deg[rows]), axis=-1).reshape(-1, 2)
    filters, delays = filters_and_delays(hrirs, wanted_deg, rate_hz, head_radius_m)
    taps = filters.shape[-1]
    delays += LEAD - delays.min()
    length = taps + int(np.ceil(delays.max() + LEAD))
    shape = (len(rows), len(azimuths_deg), 2)
    spectra = scipy.fft.rfft(filters, fft_size, axis=-1).reshape(*shape, -1)
    delays = delays.reshape(shape)
    turn = -2j * np.pi * np.arange(fft_size // 2 + 1) / fft_size
    grid = np.empty((len(elevations_deg), 2 * len(azimuths_deg), 2, 2, len(turn)), np.float32)
    for row, elevation_deg in enumerate(elevations_deg):
        above = int(np.searchsorted(elevations_deg[rows], elevation_deg))
        below = above if elevations_deg[rows[above]] == elevation_deg else above - 1
        ring = 0.5 * (spectra[below] + spectra[above])
        delay = 0.5 * (delays[below] + delays[above])
        for first, turned in ((0, 0), (1, -1)):
            spectrum = 0.5 * (ring + np.roll(ring, turned, axis=0))
            lag = 0.5 * (delay + np.roll(delay, turned, axis=0))
            spectrum = _confined(spectrum * np.exp(turn * lag[..., None]), fft_size, length)
            grid[row, first::2, :, 0], grid[row, first::2, :, 1] = spectrum.real, spectrum.imag
    return HrtfGrid(grid.reshape(-1, *grid.shape[2:]), fft_size, length)


def filters_and_delays(
    hrirs: HrirSet, wanted_deg: npt.NDArray[np.float64], rate_hz: int, head_radius_m: float | None = None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Equalised minimum-phase responses (m, 2 ears, taps) and their delays in samples (m, 2), less a common one, for
    directions (m, 2) of azimuth and elevation."""
    known, wanted = _unit_vectors(hrirs.directions_deg), _unit_vectors(wanted_deg)
    spectra, step_hz = _measured_spectra(hrirs, rate_hz)
    neighbours = Neighbours.of(known, wanted)
    field = interpolate(spectra, known, wanted, neighbours, step_hz, _HIGHEST_HZ)
    power = np.abs(spectra) ** 2
    diffuse = np.sqrt(np.einsum("d,dek->k", solid_angles(hrirs.directions_deg), power) / 2.0)
    filters = _minimum_phase(_equalised(field.magnitudes, diffuse, step_hz, rate_hz))
    taps = FILTER_TAPS * rate_hz // 48000
    phases = scipy.fft.rfft(filters, axis=-1)
    if field.waves is None:
        onsets = _onset_delays(scipy.fft.irfft(spectra, axis=-1), rate_hz)
        delays = neighbours.mean(onsets)
    else:
        delays = _low_delays(field.waves * phases.conj(), step_hz) * rate_hz
    if head_radius_m is not None:
        growth = head_radius_m / MEASURED_HEAD_M
        leads = _low_delays(phases, step_hz) * rate_hz  # minimum phase itself carries a fifth of the difference
        delays = delays * growth + (leads - leads.mean(axis=1, keepdims=True)) * (growth - 1.0)
    filters = filters[..., :taps]
    fade = taps // 4
    filters[..., -fade:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fade + 1) / fade)
    return filters, delays


def _confined(spectra: npt.NDArray[np.complex128], fft_size: int, taps: int) -> npt.NDArray[np.complex128]:
    """Filters (..., bins) without what rings on before and after them, some 60 dB below: it would wrap round the FFT
    and tick at every block. Real spectra's share of ``LEAD`` stays free."""
    margin = LEAD - RINGING
    window = np.zeros(fft_size)
    window[margin : taps - margin] = 1.0
    fade = np.sin(0.5 * np.pi * (np.arange(RINGING // 2) + 0.5) / (RINGING // 2)) ** 2
    window[margin : margin + len(fade)], window[taps - margin - len(fade) : taps - margin] = fade, fade[::-1]
    return np.asarray(scipy.fft.rfft(scipy.fft.irfft(spectra, fft_size, axis=-1) * window, axis=-1), np.complex128)


def load_grid(
    rate_hz: int,
    fft_size: int,
    sofa: Path | None = None,
    cache_dir: Path | None = None,
    head_radius_m: float | None = None,
) -> HrtfGrid:
    """The grid of a SOFA file or of the default head, mapped from the user's cache or built into it.

    ``head_radius_m`` is the size of the listener's own head (see ``build_grid``).
    """
    folder = cache_dir or cache_folder("hrtf")
    source = "kemar" if sofa is None else _file_hash(sofa)
    if head_radius_m is not None:
        check_radius(head_radius_m)
        source += f"-{1000.0 * head_radius_m:.1f}mm"
    name = f"{source}-{rate_hz}-{fft_size}-{GRID_STEP_DEG}-v{_VERSION}"
    cached = _read_cached(folder, name, fft_size)
    if cached is not None:
        return cached
    grid = build_grid(kemar_hrirs() if sofa is None else read_sofa(sofa), rate_hz, fft_size, head_radius_m)
    write_array(folder / f"{name}-{grid.taps}.npy", grid.spectra)
    _drop_outdated(folder)
    return grid


def _drop_outdated(folder: Path) -> None:
    """Grids of earlier versions of this module, some 50 MB each, go; what another program still maps may stay."""
    for path in folder.glob("*-v*-*.npy"):
        if f"-v{_VERSION}-" not in path.name:
            with contextlib.suppress(OSError):
                path.unlink()


def _read_cached(folder: Path, name: str, fft_size: int) -> HrtfGrid | None:
    """The grid of a cache file, mapped: processes share its memory. None where there is none that can be read."""
    rows = 360 // GRID_STEP_DEG * ((90 - LOWEST_ELEVATION_DEG) // GRID_STEP_DEG + 1)
    for path in folder.glob(f"{name}-*.npy"):
        spectra, taps = read_array(path), path.stem.rpartition("-")[2]
        if spectra is not None and spectra.shape == (rows, 2, 2, fft_size // 2 + 1) and taps.isdigit():
            return HrtfGrid(spectra, fft_size, int(taps))
    return None


def _file_hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise SoundError(f"{path}: cannot read the SOFA file ({error.strerror})") from error


def _unit_vectors(directions_deg: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    azimuth, elevation = np.radians(directions_deg).T
    flat = np.cos(elevation)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=1)


def _minimum_phase(magnitudes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Minimum-phase responses of magnitude spectra (..., n // 2 + 1), by the real cepstrum (Oppenheim and Schafer)."""
    size = 2 * (magnitudes.shape[-1] - 1)
    cepstrum = scipy.fft.irfft(np.log(np.maximum(magnitudes, 1e-6)), axis=-1)
    window = np.zeros(size)
    window[0] = window[size // 2] = 1.0
    window[1 : size // 2] = 2.0
    return np.asarray(scipy.fft.irfft(np.exp(scipy.fft.rfft(cepstrum * window, axis=-1)), axis=-1), np.float64)


def _measured_spectra(hrirs: HrirSet, rate_hz: int) -> tuple[npt.NDArray[np.complex128], float]:
    """Spectra (n, 2 ears, bins) of ``_WINDOW_S`` of the responses, with what they are late by in their phase, and how
    far bins are apart in Hz."""
    responses = scipy.signal.resample_poly(hrirs.responses, rate_hz, round(hrirs.rate_hz), axis=-1)
    size = 2 * round(_WINDOW_S * rate_hz / 2.0)
    level = np.abs(responses)
    begun = level > 0.1 * level.max(axis=-1, keepdims=True)
    first = max(0, int(begun.argmax(axis=-1).min()) - size // 16)
    if responses.shape[-1] > first + size:
        responses = responses[..., : first + size].copy()
        fade = size // 8
        responses[..., -fade:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fade + 1) / fade)
    responses = responses[..., first:]
    spectra = scipy.fft.rfft(responses, size, axis=-1)
    step_hz = rate_hz / size
    if hrirs.delays is not None:
        late_s = (hrirs.delays - hrirs.delays.min()) / hrirs.rate_hz
        spectra *= np.exp(-2j * np.pi * step_hz * np.arange(spectra.shape[-1]) * late_s[..., None])
    return np.asarray(spectra, np.complex128), step_hz


def _equalised(
    magnitudes: npt.NDArray[np.float64], diffuse: npt.NDArray[np.float64], step_hz: float, rate_hz: int
) -> npt.NDArray[np.float64]:
    """Magnitudes divided by those of the diffuse field, and level below 200 Hz.

    A response of 3 ms says nothing about lower frequencies, where a head hardly changes the sound.
    """
    frequencies_hz = np.asarray(np.arange(len(diffuse)) * step_hz, np.float64)
    audible = diffuse[(frequencies_hz > 200.0) & (frequencies_hz < 15000.0)]
    equalised = np.asarray(magnitudes / np.clip(diffuse, audible.min(), audible.max()), np.float64)
    first = int(np.searchsorted(frequencies_hz, 200.0))
    equalised[..., :first] = equalised[..., first : first + 1]
    last = int(np.searchsorted(frequencies_hz, _HIGHEST_HZ))
    equalised[..., last:] = equalised[..., last - 1 : last]
    return np.asarray(equalised * _below_nyquist(frequencies_hz, rate_hz), np.float64)


def _below_nyquist(frequencies_hz: npt.NDArray[np.float64], rate_hz: int) -> npt.NDArray[np.float64]:
    """A fade of 40 dB to half the rate: what is left there would ring round the FFT at a fractional delay."""
    over = np.clip((frequencies_hz - _HIGHEST_HZ) / (0.49 * rate_hz - _HIGHEST_HZ), 0.0, 1.0)
    return np.asarray(0.01 + 0.99 * np.cos(0.5 * np.pi * over) ** 2, np.float64)


def solid_angles(directions_deg: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Each measured direction's share of the sphere: its ring's area over the directions in the ring."""
    elevation = np.round(directions_deg[:, 1], 1)
    rings, ring_of, counts = np.unique(elevation, return_inverse=True, return_counts=True)
    edges = np.concatenate([[-90.0], (rings[1:] + rings[:-1]) / 2.0, [90.0]])
    areas = np.diff(np.sin(np.radians(edges)))
    shares = (areas / counts)[ring_of]
    return np.asarray(shares / shares.sum(), np.float64)


def _low_delays(spectra: npt.NDArray[np.complex128], step_hz: float) -> npt.NDArray[np.float64]:
    """Delays in seconds of spectra (..., bins) from 0.3 to 1.5 kHz, where listeners go by them most (Wightman and
    Kistler, JASA 91, 1992): the slope of phase over frequency, each frequency counting with its power."""
    bins = np.arange(round(300.0 / step_hz), round(1500.0 / step_hz) + 1)
    radians_per_s = 2.0 * np.pi * step_hz * bins
    weights = np.abs(spectra[..., bins]) * radians_per_s
    phases = np.unwrap(np.angle(spectra[..., bins]), axis=-1)
    return np.asarray(-(weights * phases).sum(axis=-1) / (weights * radians_per_s).sum(axis=-1), np.float64)


def _onset_delays(responses: npt.NDArray[np.float64], rate_hz: int) -> npt.NDArray[np.float64]:
    """Delay of each response in samples: where it correlates best with its own minimum-phase version below 3 kHz."""
    factor, size, at_once = 8, 4096, 64  # in portions: the oversampled correlations of all would fill 400 MB
    low_pass = 1.0 / (1.0 + (np.arange(size // 2 + 1) * rate_hz / size / 3000.0) ** 8)
    delays = []
    for portion in np.split(responses, range(at_once, len(responses), at_once)):
        natural = scipy.fft.rfft(portion, size, axis=-1)
        minimum = scipy.fft.rfft(_minimum_phase(np.abs(scipy.fft.rfft(portion, _ANALYSIS, axis=-1))), size, axis=-1)
        correlation = scipy.fft.irfft(natural * minimum.conj() * low_pass, size * factor, axis=-1)
        delays.append(correlation[..., : size * factor // 4].argmax(axis=-1) / factor)
    return np.concatenate(delays)
