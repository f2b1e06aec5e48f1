"""Head-related transfer functions: a dense grid of spectra, kept on disk.

A head's filters (``hrtf_filters``) take seconds to make from what was measured (``hrtf_sets``), and are kept for each
rate; their spectra, for each size of the FFT and of the listener's head, are made from them in a second or two.

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
from .hrtf_filters import FILTER_TAPS, HeadFilters, grown, ring_filters
from .hrtf_sets import LOWEST_ELEVATION_DEG, HrirSet, kemar_hrirs, read_sofa

AZIMUTH_STEP_DEG = 1
ELEVATION_STEP_DEG = 2
_ROWS = 360 // AZIMUTH_STEP_DEG * ((90 - LOWEST_ELEVATION_DEG) // ELEVATION_STEP_DEG + 1)
SMALLEST_HEAD_M, LARGEST_HEAD_M = 0.055, 0.115
_VERSION = 8
_KEPT = 12
"""Files of the cache, the newest: a grid is some 100 MB."""
LEAD = 24
"""Samples before the earliest ear and after the last: room for the ringing of fractional delays and of real spectra
(distance, air, directivity) on both sides, which else would wrap round the FFT and tick at every block."""
RINGING = 8
"""Samples of ``LEAD`` that are for the ringing; the rest is for real spectra."""


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
    columns = 360 // AZIMUTH_STEP_DEG
    for n in range(rows.size):
        column = int(np.rint(np.degrees(azimuth_rad[n]) / AZIMUTH_STEP_DEG)) % columns
        elevation_deg = min(max(np.degrees(elevation_rad[n]), LOWEST_ELEVATION_DEG), 90)
        row = int(np.rint((elevation_deg - LOWEST_ELEVATION_DEG) / ELEVATION_STEP_DEG))
        rows[n] = row * columns + column


def check_radius(head_radius_m: float) -> None:
    """Raises ``SoundError`` for a radius that no head has."""
    if not SMALLEST_HEAD_M <= head_radius_m <= LARGEST_HEAD_M:
        raise SoundError(
            f"a head of {100.0 * head_radius_m:g} cm radius: give {100.0 * SMALLEST_HEAD_M:g} to "
            f"{100.0 * LARGEST_HEAD_M:g} cm (half the distance between the ears, 8.7 is usual)"
        )


def build_grid(hrirs: HrirSet, rate_hz: int, fft_size: int, head_radius_m: float | None = None) -> HrtfGrid:
    """Equalised spectra on the grid. Takes some seconds, so ``load_grid`` keeps it.

    ``head_radius_m`` is the size of the listener's own head (see ``hrtf_filters.grown``).
    """
    return _grid_of(build_filters(hrirs, rate_hz), rate_hz, fft_size, head_radius_m)


def build_filters(hrirs: HrirSet, rate_hz: int) -> HeadFilters:
    """Filters in every direction of the grid."""
    azimuths_deg = np.arange(0, 360, AZIMUTH_STEP_DEG, dtype=np.float64)
    elevations_deg = np.arange(LOWEST_ELEVATION_DEG, 91, ELEVATION_STEP_DEG, dtype=np.float64)
    return ring_filters(hrirs, azimuths_deg, elevations_deg, rate_hz)


def _grid_of(head: HeadFilters, rate_hz: int, fft_size: int, head_radius_m: float | None) -> HrtfGrid:
    delays = head.delays.astype(np.float64)
    if head_radius_m is not None:
        delays = grown(delays, head.filters, rate_hz, head_radius_m)
    delays = delays + LEAD - delays.min()
    length = head.filters.shape[-1] + int(np.ceil(delays.max() + LEAD))
    turn = -2j * np.pi * np.arange(fft_size // 2 + 1) / fft_size
    grid = np.empty((len(delays), 2, 2, len(turn)), np.float32)
    for start in range(0, len(delays), 256):  # in portions, for memory
        part = slice(start, start + 256)
        spectra = scipy.fft.rfft(head.filters[part], fft_size, axis=-1) * np.exp(turn * delays[part, :, None])
        spectra = _confined(spectra, fft_size, length)
        grid[part, :, 0], grid[part, :, 1] = spectra.real, spectra.imag
    return HrtfGrid(grid, fft_size, length)


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
    size = "" if head_radius_m is None else f"-{1000.0 * head_radius_m:.1f}mm"
    if head_radius_m is not None:
        check_radius(head_radius_m)
    name = f"{source}{size}-{rate_hz}-{fft_size}-v{_VERSION}"
    cached = _read_cached(folder, name, fft_size)
    if cached is not None:
        return cached
    grid = _grid_of(_load_filters(folder, source, sofa, rate_hz), rate_hz, fft_size, head_radius_m)
    write_array(folder / f"{name}-{grid.taps}.npy", grid.spectra, _KEPT)
    _drop_outdated(folder)
    return grid


def _load_filters(folder: Path, source: str, sofa: Path | None, rate_hz: int) -> HeadFilters:
    """A head's filters from the cache, or built into it: an array of filters, the delay of each after its taps."""
    taps = FILTER_TAPS * rate_hz // 48000
    path = folder / f"{source}-{rate_hz}-filters-v{_VERSION}-{taps}.npy"
    kept = read_array(path)
    if kept is not None and kept.shape == (_ROWS, 2, taps + 1):
        return HeadFilters(kept[..., :taps], kept[..., taps])
    head = build_filters(kemar_hrirs() if sofa is None else read_sofa(sofa), rate_hz)
    write_array(path, np.concatenate([head.filters, head.delays[..., None]], axis=-1), _KEPT)
    return head


def _drop_outdated(folder: Path) -> None:
    """What earlier versions of this module kept, some 50 MB each, goes; what another program still maps may stay."""
    for path in folder.glob("*-v*-*.npy"):
        if f"-v{_VERSION}-" not in path.name:
            with contextlib.suppress(OSError):
                path.unlink()


def _read_cached(folder: Path, name: str, fft_size: int) -> HrtfGrid | None:
    """The grid of a cache file, mapped: processes share its memory. None where there is none that can be read."""
    for path in folder.glob(f"{name}-*.npy"):
        spectra, taps = read_array(path), path.stem.rpartition("-")[2]
        if spectra is not None and spectra.shape == (_ROWS, 2, 2, fft_size // 2 + 1) and taps.isdigit():
            return HrtfGrid(spectra, fft_size, int(taps))
    return None


def _file_hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise SoundError(f"{path}: cannot read the SOFA file ({error.strerror})") from error
