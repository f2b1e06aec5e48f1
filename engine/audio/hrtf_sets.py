"""Measured heads: sets of head-related impulse responses, the one that is always there and those of SOFA files.

The default is the KEMAR dummy head of Gardner and Martin (MIT Media Lab, 1994), which pyo carries; ``read_sofa`` takes
any other. Azimuth is counter-clockwise seen from above (left is positive), 0 in front; elevation is positive upwards.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import SoundError
from .hrtf_sphere import unit_vectors
from .pyo_block import bundled_hrir_tables

LOWEST_ELEVATION_DEG = -40
"""Below it KEMAR was not measured, and an orchestra is seldom there."""
_CONVENTION = "SimpleFreeFieldHRIR"
_LEAST_SPREAD = 0.1
"""Directions on a plane through the head have 0, evenly spread ones 0.58."""
_KEMAR_RATE_HZ = 44100.0
_KEMAR_COUNTS = (56, 60, 72, 72, 72, 72, 72, 60, 56, 45, 36, 24, 12, 1)
"""Directions in each ring of elevation (Gardner and Martin, table 1): at 50 degrees none is straight behind."""
_KEMAR_LATE = (0.64, 1.43, 0.18, -0.08, 0.0, 0.64, 2.35, -0.32, 3.04, -2.21, -5.27, 1.79, -1.50, -4.53)
"""Samples by which the compact set's rings begin late, each having been cut at a place of its own: with these taken
away the rings explain each other best (likeliest for the process of ``hrtf_interpolation``, 0.6 to 5 kHz)."""


@dataclass(frozen=True, slots=True, eq=False)
class HrirSet:
    """Measured responses: ``directions_deg`` (n, 2) azimuth and elevation, ``responses`` (n, 2 ears, taps). ``delays``
    (n, 2) are samples of ``rate_hz`` by which each response begins later than its first tap says."""

    directions_deg: npt.NDArray[np.float64]
    responses: npt.NDArray[np.float64]
    rate_hz: float
    delays: npt.NDArray[np.float64] | None = None


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

    if not path.is_file():
        raise SoundError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}; name a SOFA file (.sofa)")
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
        raise SoundError(
            f"{path}: not a SOFA file with head-related impulse responses ({reason}); download it again"
        ) from error
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
    _, first = np.unique(np.round(unit_vectors(directions_deg), 4), axis=0, return_index=True)
    first.sort()  # a direction that was measured twice counts once
    directions_deg = directions_deg[first].copy()
    spread = np.linalg.svd(unit_vectors(directions_deg), compute_uv=False)[-1] / np.sqrt(len(first))
    if len(first) < 12 or spread < _LEAST_SPREAD:
        raise SoundError(f"{path}: its directions do not go round the head; needs some above, below and on all sides")
    all_delays = np.broadcast_to(delays, (len(responses), 2))[first]
    return HrirSet(directions_deg, responses[first], rate_hz, all_delays if all_delays.any() else None)


def _text(value: object) -> str:
    """An attribute of HDF5 as text."""
    return (value.decode(errors="replace") if isinstance(value, bytes) else str(value)).strip().lower()


def solid_angles(directions_deg: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Each measured direction's share of the sphere: its ring's area over the directions in the ring."""
    elevation = np.round(directions_deg[:, 1], 1)
    rings, ring_of, counts = np.unique(elevation, return_inverse=True, return_counts=True)
    edges = np.concatenate([[-90.0], (rings[1:] + rings[:-1]) / 2.0, [90.0]])
    areas = np.diff(np.sin(np.radians(edges)))
    shares = (areas / counts)[ring_of]
    return np.asarray(shares / shares.sum(), np.float64)
