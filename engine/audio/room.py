"""The hall as sound hears it: reverberation times, first reflections, and the late response of a shoebox.

Sources: H. Kuttruff, *Room Acoustics* (5th ed., 2009) for Eyring's formula, image sources and the diffuse field;
ISO 9613-1 for the absorption of air. Bands are octaves; lengths in metres, hall frame.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

from ..hall import Hall
from ..types import Vector
from ..units import SPEED_OF_SOUND_M_S
from .pyo_block import FloatArray

FloatVector = npt.NDArray[np.float64]

_AIR_BANDS_HZ = np.array([63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0])
_AIR_DB_PER_M = np.array([0.0001, 0.00038, 0.0013, 0.0027, 0.0047, 0.0099, 0.0297, 0.105, 0.29])
"""Absorption of air at 20 °C, 50 % relative humidity (ISO 9613-1, table 1 interpolated)."""

LATE_START_S = 0.020
LATE_FULL_S = 0.080
"""Between these times after the direct sound the diffuse response fades in; first reflections carry what is before."""
DECAY_DB = 90.0
"""How far the late response is rendered down."""
EAR_DISTANCE_M = 0.17


@dataclass(frozen=True, slots=True)
class Wall:
    """A side of the box: ``axis`` 0–2, ``place_m`` on it, absorption by band, and how much it scatters (0–1)."""

    axis: int
    place_m: float
    absorption: tuple[float, ...]
    scattering: float


@dataclass(frozen=True, slots=True)
class Room:
    """A shoebox. ``rt60_s`` by octave band of ``bands_hz`` is what the late response decays with."""

    low_m: Vector
    high_m: Vector
    bands_hz: tuple[float, ...]
    rt60_s: tuple[float, ...]
    walls: tuple[Wall, ...]

    @property
    def volume_m3(self) -> float:
        return math.prod(high - low for low, high in zip(self.low_m, self.high_m, strict=True))


def air_absorption_db_per_m(frequencies_hz: FloatVector) -> FloatVector:
    """Loss on the way through air, linear between the octaves of ISO 9613-1 on logarithmic axes."""
    logs = np.interp(np.log(np.maximum(frequencies_hz, 20.0)), np.log(_AIR_BANDS_HZ), np.log(_AIR_DB_PER_M))
    beyond = np.maximum(0.0, np.log(np.maximum(frequencies_hz, 20.0) / _AIR_BANDS_HZ[-1])) * 1.6
    return np.asarray(np.exp(logs + beyond), np.float64)


def eyring_rt60_s(
    volume_m3: float, areas_m2: FloatVector, absorption: FloatVector, bands_hz: FloatVector
) -> FloatVector:
    """Reverberation time by band (Eyring 1930, with air): ``absorption`` is (surfaces, bands)."""
    surface = areas_m2.sum()
    mean = np.clip((areas_m2[:, None] * absorption).sum(axis=0) / surface, 1e-3, 0.99)
    air_per_m = air_absorption_db_per_m(bands_hz) / (10.0 * math.log10(math.e))
    return np.asarray(
        24.0
        * math.log(10.0)
        / SPEED_OF_SOUND_M_S
        * volume_m3
        / (-surface * np.log(1.0 - mean) + 4.0 * air_per_m * volume_m3),
        np.float64,
    )


def room_from_hall(hall: Hall) -> Room:
    """The acoustics of a hall's description: one more band at 8 kHz, where air decides, and six walls."""
    areas_m2 = np.array([surface.area_m2 for surface in hall.surfaces])
    absorption = np.array([surface.absorption for surface in hall.surfaces])
    bands_hz = np.append(np.array(hall.bands_hz), 2.0 * hall.bands_hz[-1])
    absorption = np.concatenate([absorption, absorption[:, -1:]], axis=1)
    volume_m3 = math.prod(high - low for low, high in zip(hall.low_m, hall.high_m, strict=True))
    rt60_s = eyring_rt60_s(volume_m3, areas_m2, absorption, bands_hz)
    by_name = {surface.name: row for surface, row in zip(hall.surfaces, absorption, strict=True)}
    hardest = absorption[absorption.mean(axis=1).argmin()]
    plaster, wood = by_name.get("plaster", hardest), by_name.get("wood", hardest)
    audience = by_name.get("audience", hardest)
    (left, rear, floor), (right, back, ceiling) = hall.low_m, hall.high_m
    walls = (
        Wall(0, left, tuple(plaster), 0.35),
        Wall(0, right, tuple(plaster), 0.35),
        Wall(1, min(back, hall.stage_rear_y_m), tuple(wood), 0.35),
        Wall(1, rear, tuple((audience + plaster) / 2.0), 0.6),  # balcony front, door and last rows
        Wall(2, max(floor, 0.0), tuple(wood), 0.7),  # the stage, full of chairs, stands and people
        Wall(2, ceiling, tuple(plaster), 0.5),  # coffers
    )
    return Room(hall.low_m, hall.high_m, tuple(bands_hz), tuple(rt60_s), walls)


def image_positions(room: Room, positions_m: FloatVector) -> FloatVector:
    """First-order image sources: (n, 3) → (n, walls, 3)."""
    images = np.repeat(positions_m[:, None, :], len(room.walls), axis=1)
    for index, wall in enumerate(room.walls):
        images[:, index, wall.axis] = 2.0 * wall.place_m - images[:, index, wall.axis]
    return images


def reflection_gains(room: Room, frequencies_hz: FloatVector) -> FloatVector:
    """Amplitude that each wall sends back in the mirror direction: (walls, frequencies)."""
    result = []
    for wall in room.walls:
        kept = (1.0 - np.array(wall.absorption)) * (1.0 - wall.scattering)
        result.append(np.sqrt(np.interp(np.log(np.maximum(frequencies_hz, 20.0)), np.log(room.bands_hz), kept)))
    return np.array(result)


def diffuse_power_density(room: Room) -> float:
    """Expected power of the response per second just after a unit impulse, relative to its direct sound 1 m away.

    In a diffuse field a source fills the room with 4πc/V per second (Kuttruff, ch. 5), and this decays with the
    reverberation time.
    """
    return 4.0 * math.pi * SPEED_OF_SOUND_M_S / room.volume_m3


def late_response(room: Room, rate_hz: int, seed: int = 0) -> FloatArray:
    """The diffuse tail at both ears, (samples, 2) float32; sample 0 is the arrival of the direct sound.

    Gaussian noise in octave bands, each with its own decay; level from ``diffuse_power_density`` for a source of
    unit amplitude 1 m away; correlated between the ears as a diffuse field is (sin x / x of the ears' distance).
    """
    longest_s = max(room.rt60_s) * DECAY_DB / 60.0
    count = scipy.fft.next_fast_len(int(longest_s * rate_hz), real=True)
    noise = np.random.default_rng(seed).standard_normal((2, count))
    spectra = scipy.fft.rfft(noise, axis=-1)
    frequencies_hz = np.arange(spectra.shape[-1]) * rate_hz / count
    coherence = np.sinc(2.0 * frequencies_hz * EAR_DISTANCE_M / SPEED_OF_SOUND_M_S)
    # A symmetric pair of mixes with the wanted coherence: cos a and sin a with sin 2a = coherence.
    angle = np.arcsin(np.clip(coherence, -1.0, 1.0)) / 2.0
    ears = np.stack(
        [
            np.cos(angle) * spectra[0] + np.sin(angle) * spectra[1],
            np.sin(angle) * spectra[0] + np.cos(angle) * spectra[1],
        ]
    )
    times_s = np.arange(count) / rate_hz
    response = np.zeros((2, count))
    for mask, rt60_s in zip(_band_masks(room, frequencies_hz), room.rt60_s, strict=True):
        response += scipy.fft.irfft(ears * mask, count, axis=-1) * 10.0 ** (-3.0 * times_s / rt60_s)
    fade_in = np.clip((times_s - LATE_START_S) / (LATE_FULL_S - LATE_START_S), 0.0, 1.0)
    fade_out = np.clip((times_s[-1] - times_s) / 0.05, 0.0, 1.0)
    density = math.sqrt(diffuse_power_density(room) / rate_hz)
    response *= density * np.sin(0.5 * np.pi * fade_in) * fade_out
    return np.ascontiguousarray(response.T, np.float32)


def _band_masks(room: Room, frequencies_hz: FloatVector) -> FloatVector:
    """Octave filters (bands, frequencies) that add to one, as they filter the same noise; the outer ones reach to
    the ends of hearing."""
    octave = np.log2(np.maximum(frequencies_hz, 1.0) / room.bands_hz[0])
    last = len(room.bands_hz) - 1
    masks = []
    for band in range(len(room.bands_hz)):
        distance = octave - band
        if band == 0:
            distance = np.maximum(distance, 0.0)
        if band == last:
            distance = np.minimum(distance, 0.0)
        masks.append(np.cos(0.5 * np.pi * np.clip(np.abs(distance), 0.0, 1.0)) ** 2)
    masks_array = np.array(masks)
    masks_array[:, frequencies_hz < 20.0] = 0.0  # nothing below hearing
    return masks_array
