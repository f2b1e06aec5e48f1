"""What instruments sound like, for the embedded synthesis (``assets/spectra.toml``)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from ...assets import asset_path

NOISE_BANDS_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)
"""Centres of the octaves in which the noise of bow, breath or pluck is described."""

_UNKNOWN_DB = -85.0
_NOISE_SLOPE_DB_PER_OCTAVE = 6.0

Levels = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class NoteSpectrum:
    """One note: levels of its harmonics (dB, the strongest 0), of the noise in the octaves of ``NOISE_BANDS_HZ`` (dB
    relative to all harmonics), and how fast each harmonic dies away (dB/s, empty where the note is sustained)."""

    pitch: float
    harmonics_db: Levels
    noise_db: Levels
    fall_db_s: Levels


@cache
def spectra() -> Mapping[str, tuple[NoteSpectrum, ...]]:
    """The notes described of each instrument, from the lowest up."""
    with asset_path("spectra.toml").open("rb") as file:
        tables = tomllib.load(file)
    return {
        name: tuple(
            NoteSpectrum(
                float(note["pitch"]),
                np.array(note["harmonics_db"], np.float64),
                _without_gaps(np.array(note["noise_db"], np.float64)),
                np.array(note.get("fall_db_s", ()), np.float64),
            )
            for note in table["notes"]
        )
        for name, table in tables.items()
    }


def spectrum_at(name: str, pitch: float) -> NoteSpectrum:
    """The spectrum at any pitch: between the two notes described next to it, harmonic by harmonic.

    Beyond the described range the nearest note's harmonics are taken as they are.
    """
    notes = spectra()[name]
    above = next((note for note in notes if note.pitch >= pitch), notes[-1])
    below = next((note for note in reversed(notes) if note.pitch <= pitch), notes[0])
    if above.pitch == below.pitch:
        return NoteSpectrum(pitch, above.harmonics_db, above.noise_db, above.fall_db_s)
    share = (pitch - below.pitch) / (above.pitch - below.pitch)
    return NoteSpectrum(
        pitch,
        _between(below.harmonics_db, above.harmonics_db, share),
        _between(below.noise_db, above.noise_db, share),
        _between(below.fall_db_s, above.fall_db_s, share),
    )


def _between(below: Levels, above: Levels, share: float) -> Levels:
    """Interpolated where both are known; the lower note's further harmonics fade out towards the upper note."""
    count = min(below.size, above.size)
    common = (1.0 - share) * below[:count] + share * above[:count]
    if below.size <= count:
        return common
    return np.concatenate([common, below[count:] + share * (common[-1] - below[count] if count else 0.0)])


def _without_gaps(noise_db: Levels) -> Levels:
    """Bands where nothing could be measured follow the nearest one that could, falling away from it."""
    known = np.flatnonzero(noise_db > _UNKNOWN_DB)
    if not known.size:
        return np.full(noise_db.size, -60.0)
    nearest = known[np.abs(np.arange(noise_db.size)[:, None] - known).argmin(axis=1)]
    distance = np.abs(np.arange(noise_db.size) - nearest)
    return np.asarray(noise_db[nearest] - _NOISE_SLOPE_DB_PER_OCTAVE * distance)
