"""How loud each section plays, for meters.

Peaks fall back by 20 dB in 1.7 s, as those of programme meters do (IEC 60268-10, type I); the RMS is integrated over
0.3 s, as VU meters do (IEC 60268-17).
"""

import math
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from ..units import gain_to_db
from .pyo_block import FloatArray

FALL_DB_PER_S = 20.0 / 1.7
INTEGRATION_S = 0.3


@dataclass(frozen=True, slots=True)
class SectionLevel:
    """Levels in dB relative to full scale; −inf in silence."""

    section: str
    peak_db: float
    rms_db: float


class SectionMeters:
    """Meters for some rows of a ring, one for each section. One thread writes; whoever reads sees the last block."""

    def __init__(self, sections: tuple[str, ...], rate_hz: int, block: int) -> None:
        self._sections = sections
        self._peaks = np.zeros(len(sections), np.float32)
        self._powers = np.zeros(len(sections), np.float32)
        self._fall = 10.0 ** (-FALL_DB_PER_S * block / rate_hz / 20.0)
        self._share = 1.0 - math.exp(-block / (INTEGRATION_S * rate_hz))

    def update(self, rows: FloatArray, active: npt.NDArray[np.bool_]) -> None:
        """Take in a block, (sections, block); rows that are not ``active`` are silent."""
        _measure(rows, active, self._peaks, self._powers, self._fall, self._share)

    def read(self, gain_db: float) -> tuple[SectionLevel, ...]:
        """The levels now, ``gain_db`` added."""
        return tuple(
            SectionLevel(section, gain_to_db(float(peak)) + gain_db, 0.5 * gain_to_db(float(power)) + gain_db)
            for section, peak, power in zip(self._sections, self._peaks, self._powers, strict=True)
        )


@numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _measure(
    rows: FloatArray,
    active: npt.NDArray[np.bool_],
    peaks: FloatArray,
    powers: FloatArray,
    fall: float,
    share: float,
) -> None:
    for section in range(rows.shape[0]):
        peak, power = np.float32(0.0), np.float32(0.0)
        if active[section]:
            for i in range(rows.shape[1]):
                value = rows[section, i]
                peak = max(peak, abs(value))
                power += value * value
            power /= np.float32(rows.shape[1])
        peaks[section] = max(peak, peaks[section] * fall)
        powers[section] += (power - powers[section]) * share
        if powers[section] < 1e-12:  # else denormal numbers slow a long silence down
            powers[section] = 0.0
        if peaks[section] < 1e-6:
            peaks[section] = 0.0
