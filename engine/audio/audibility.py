"""Who would be missed least: how far notes stand above what the others of their section mask.

Excitation spreads over the ear's critical bands: from a tone downwards it falls by 27 dB for each Bark, upwards less
steeply (Terhardt, "Calculating virtual pitch", Hearing Research 1, 1979; the upward slope here is that of a middling
loud tone). Barks of a frequency after Traunmüller (JASA 88, 1990).
"""

import numba
import numpy as np
import numpy.typing as npt

FloatVector = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]

_DOWN_DB_PER_BARK = 27.0
_UP_DB_PER_BARK = 12.0
_BELOW_MASKER_DB = 6.0
"""A tone this much softer than another of its pitch is just heard."""


def bark(pitches: FloatVector) -> FloatVector:
    """Place of MIDI pitches on the scale of critical bands."""
    hz = 440.0 * 2.0 ** ((pitches - 69.0) / 12.0)
    return np.asarray(26.81 * hz / (1960.0 + hz) - 0.53, np.float64)


def least_audible(
    pitches: FloatVector, levels_db: FloatVector, sections: IntVector, favours_db: FloatVector, count: int
) -> IntVector:
    """Indices of the ``count`` notes that would be missed least, in that order.

    ``levels_db`` is how loud each is at the listener; ``favours_db`` is added to how audible it is. Whoever has been
    chosen masks no longer: of sixteen who play the same, eight can go before the line is thin.
    """
    chosen = np.empty(min(count, len(pitches)), np.int64)
    _choose(bark(pitches), np.maximum(levels_db, -150.0), sections, favours_db, chosen)
    return chosen


@numba.njit(nogil=True, cache=True)
def _masked_power(of: int, by: int, barks: FloatVector, powers: FloatVector) -> float:
    distance = barks[of] - barks[by]
    slope = _UP_DB_PER_BARK if distance > 0.0 else -_DOWN_DB_PER_BARK
    return float(powers[by] * np.exp(-np.log(10.0) / 10.0 * (slope * distance + _BELOW_MASKER_DB)))


@numba.njit(nogil=True, cache=True)
def _choose(
    barks: FloatVector, levels_db: FloatVector, sections: IntVector, favours_db: FloatVector, chosen: IntVector
) -> None:
    count = barks.size
    powers = 10.0 ** (levels_db / 10.0)
    masked = np.zeros(count)
    gone = np.zeros(count, np.bool_)
    for i in range(count):
        for j in range(count):
            if i != j and sections[i] == sections[j]:
                masked[i] += _masked_power(i, j, barks, powers)
    for n in range(chosen.size):
        best, least = -1, np.inf
        for i in range(count):
            if not gone[i]:
                above_db = levels_db[i] - 10.0 * np.log10(max(masked[i], 1e-13)) + favours_db[i]
                # Where nothing masks, softer is missed less.
                audible = above_db + 0.3 * levels_db[i]
                if audible < least:
                    best, least = i, audible
        chosen[n] = best
        gone[best] = True
        for i in range(count):
            if not gone[i] and sections[i] == sections[best]:
                masked[i] = max(0.0, masked[i] - _masked_power(i, best, barks, powers))
