"""Which way instruments send their sound, by frequency.

One shape for all: a lobe round an axis that narrows as the radiating surface grows against the wavelength, as a piston
in a pipe's end does (half power at ka·sin θ = 1.6; Beranek, *Acoustics*, 1954, ch. 4), and that falls off to what leaks
to the back. Axes, sizes and back levels are set so that the lobes agree with the principal radiation directions that
Jürgen Meyer measured (*Acoustics and the Performance of Music*, 5th ed., 2009, ch. 4): strings go everywhere below
400 Hz and up from the top plate above; brass forward, ever narrower; woodwind mostly along the bell; the horn
backwards.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..instruments import catalogue
from ..types import PlayerPlacement
from ..units import SPEED_OF_SOUND_M_S

FloatVector = npt.NDArray[np.float64]
_HALF_POWER_KA = 1.6


@dataclass(frozen=True, slots=True)
class Radiation:
    """Where an instrument points when its player looks straight ahead.

    ``azimuth_deg`` is counter-clockwise from the player's front, ``elevation_deg`` upwards; ``radius_m`` is that of the
    piston whose lobe it has; ``back_db`` the most by which it is weaker elsewhere. ``plate`` instruments were recorded
    from the front and above, where they have their nominal level; the others have it on the axis.
    """

    azimuth_deg: float
    elevation_deg: float
    radius_m: float
    back_db: float
    plate: bool = False


RADIATION: dict[str, Radiation] = {
    "violin": Radiation(-30.0, 60.0, 0.07, 9.0, plate=True),
    "viola": Radiation(-30.0, 60.0, 0.08, 9.0, plate=True),
    "cello": Radiation(-15.0, 30.0, 0.12, 9.0, plate=True),
    "contrabass": Radiation(0.0, 15.0, 0.18, 9.0, plate=True),
    "piccolo": Radiation(-20.0, 0.0, 0.03, 8.0),
    "flute": Radiation(-20.0, 0.0, 0.04, 8.0),
    "oboe": Radiation(0.0, -30.0, 0.035, 10.0),
    "english-horn": Radiation(0.0, -40.0, 0.04, 10.0),
    "clarinet": Radiation(0.0, -40.0, 0.04, 10.0),
    "bass-clarinet": Radiation(0.0, 20.0, 0.06, 10.0),
    "bassoon": Radiation(0.0, 70.0, 0.04, 10.0),
    "contrabassoon": Radiation(0.0, 70.0, 0.06, 10.0),
    "saxophone": Radiation(0.0, 20.0, 0.07, 12.0),
    "horn": Radiation(-150.0, -10.0, 0.13, 15.0),
    "trumpet": Radiation(0.0, 0.0, 0.06, 20.0),
    "trombone": Radiation(0.0, 0.0, 0.10, 20.0),
    "bass-trombone": Radiation(0.0, 0.0, 0.12, 20.0),
    "euphonium": Radiation(0.0, 75.0, 0.14, 18.0),
    "tuba": Radiation(0.0, 75.0, 0.19, 18.0),
    "timpani": Radiation(0.0, 90.0, 0.15, 5.0, plate=True),
    "harp": Radiation(0.0, 20.0, 0.10, 5.0, plate=True),
    "guitar": Radiation(0.0, 10.0, 0.10, 8.0, plate=True),
    "piano": Radiation(-90.0, 30.0, 0.15, 6.0, plate=True),
    "harpsichord": Radiation(-90.0, 30.0, 0.12, 6.0, plate=True),
    "organ": Radiation(0.0, 0.0, 0.0, 0.0),
    "soprano": Radiation(0.0, 0.0, 0.07, 18.0),
    "alto": Radiation(0.0, 0.0, 0.07, 18.0),
    "tenor": Radiation(0.0, 0.0, 0.07, 18.0),
    "bass": Radiation(0.0, 0.0, 0.07, 18.0),
}
_OTHERS = Radiation(0.0, 60.0, 0.05, 4.0, plate=True)
"""Small percussion and the celesta."""
_MICROPHONE_ELEVATION_DEG = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Radiators:
    """The radiation of some players: ``axis`` (n, 3) in the hall frame; the rest per player, (n,)."""

    axis: FloatVector
    radius_m: FloatVector
    back_db: FloatVector
    microphone_cosine: FloatVector
    """Cosine of the angle between the axis and where the nominal level is."""

    @classmethod
    def of(cls, placements: tuple[PlayerPlacement, ...]) -> "Radiators":
        kinds = [RADIATION.get(placement.instrument, _OTHERS) for placement in placements]
        axes = [
            _direction(p.heading_deg + k.azimuth_deg, k.elevation_deg) for p, k in zip(placements, kinds, strict=True)
        ]
        cosines = [
            float(np.dot(axis, _direction(p.heading_deg, _MICROPHONE_ELEVATION_DEG))) if k.plate else 1.0
            for axis, p, k in zip(axes, placements, kinds, strict=True)
        ]
        return cls(
            np.array(axes),
            np.array([k.radius_m for k in kinds]),
            np.array([k.back_db for k in kinds]),
            np.array(cosines),
        )

    def level_db(self, player: npt.NDArray[np.intp], towards: FloatVector, frequencies_hz: FloatVector) -> FloatVector:
        """Level of ``player`` (m,) in the unit directions ``towards`` (m, 3), against the nominal one: (m, bands)."""
        cosine = np.clip((self.axis[player] * towards).sum(axis=1), -1.0, 1.0)
        size = 2.0 * math.pi / SPEED_OF_SOUND_M_S * self.radius_m[player][:, None] * frequencies_hz
        back_db = self.back_db[player][:, None]
        nominal_db = _fall_db(size, self.microphone_cosine[player][:, None], back_db)
        return nominal_db - _fall_db(size, cosine[:, None], back_db)


def radiation_of(instrument: str) -> Radiation:
    """How an instrument of the catalogue radiates. Raises ``KeyError`` for one that is not in it."""
    return RADIATION.get(catalogue()[instrument].key, _OTHERS)


def _fall_db(size_ka: FloatVector, cosine: FloatVector, back_db: FloatVector) -> FloatVector:
    """Loss off the axis; the chord 2 sin(θ/2) goes on growing behind the player, where the sine falls again."""
    squared = (size_ka / _HALF_POWER_KA) ** 2 * 2.0 * (1.0 - cosine)
    fall_db = 10.0 * np.log10(1.0 + squared)
    # A soft ceiling: the lobe goes over into the back level without an edge.
    return np.asarray(back_db * np.tanh(fall_db / np.maximum(back_db, 1e-9)), np.float64)


def _direction(azimuth_deg: float, elevation_deg: float) -> FloatVector:
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    flat = math.cos(elevation)
    return np.array([-math.sin(azimuth) * flat, math.cos(azimuth) * flat, math.sin(elevation)])
