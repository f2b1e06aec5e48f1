"""The hall as sound hears it: reverberation times, first reflections, and the late response of a shoebox.

Sources: H. Kuttruff, *Room Acoustics* (5th ed., 2009) for Eyring's formula, image sources and the diffuse field;
ISO 9613-1 for the absorption of air. Bands are octaves; lengths in metres, hall frame.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from ..hall import SIDES, Cover, Hall
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
_CORRECTIONS = 5
_RINGING_S = 0.3
_EVEN_S = 0.03
"""Over twice this, the power of noise is evened; longer would leave a dry room's decay crooked (measured)."""
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


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredResponse:
    """A hall's response without its direct sound, (samples, channels) at ``rate_hz``; sample 0 is the arrival of the
    direct sound, whose amplitude would be 1 at 1 m."""

    samples: FloatArray
    rate_hz: int


@dataclass(frozen=True, slots=True)
class Room:
    """A shoebox. ``rt60_s`` by octave band of ``bands_hz`` is what the late response decays with."""

    low_m: Vector
    high_m: Vector
    bands_hz: tuple[float, ...]
    rt60_s: tuple[float, ...]
    walls: tuple[Wall, ...]
    enclosed_m3: float | None = None
    """What the hall encloses, where that is not the box."""
    measured: "MeasuredResponse | None" = None
    """A late response that was measured, in place of ours."""

    @property
    def volume_m3(self) -> float:
        if self.enclosed_m3 is not None:
            return self.enclosed_m3
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
    """The acoustics of a hall's description: one more band at 8 kHz, where air decides, and a wall for each side that
    is covered. A hall that does not say how has its hardest surface on all six."""
    areas_m2 = np.array([surface.area_m2 for surface in hall.surfaces])
    absorption = np.array([_one_band_more(surface.absorption) for surface in hall.surfaces])
    bands_hz = np.append(np.array(hall.bands_hz), 2.0 * hall.bands_hz[-1])
    volume_m3 = hall.volume_m3 or math.prod(high - low for low, high in zip(hall.low_m, hall.high_m, strict=True))
    rt60_s = np.zeros(len(bands_hz)) if hall.open_air else eyring_rt60_s(volume_m3, areas_m2, absorption, bands_hz)
    hardest = tuple(absorption[absorption.mean(axis=1).argmin()][:-1])
    covers = hall.covers or tuple(Cover(side, hardest, 0.35) for side in SIDES)
    walls = tuple(_wall(hall, cover) for cover in covers)
    return Room(hall.low_m, hall.high_m, tuple(bands_hz), tuple(rt60_s), walls, hall.volume_m3)


def _one_band_more(absorption: tuple[float, ...]) -> tuple[float, ...]:
    return (*absorption, absorption[-1])


def _wall(hall: Hall, cover: Cover) -> Wall:
    """The stage floor lies at 0, wherever the house has its own."""
    (left, rear, floor), (right, back, ceiling) = hall.low_m, hall.high_m
    axis, place_m = {
        "left": (0, left),
        "right": (0, right),
        "back": (1, back),
        "rear": (1, rear),
        "floor": (2, max(floor, 0.0)),
        "ceiling": (2, ceiling),
    }[cover.side]
    return Wall(
        axis, place_m if cover.place_m is None else cover.place_m, _one_band_more(cover.absorption), cover.scattering
    )


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
    unit amplitude 1 m away; correlated between the ears as a diffuse field is (sin x / x of the ears' distance). A room
    with a measured response gives that; open air gives one silent sample.
    """
    if room.measured is not None:
        return decorrelated(at_rate(room.measured, rate_hz), 2, seed)
    noise = diffuse_noise(room, rate_hz, 2, seed)
    if noise is None:
        return np.zeros((1, 2), np.float32)
    frequencies_hz = np.fft.rfftfreq(noise.shape[-1], 1.0 / rate_hz)
    coherence = np.sinc(2.0 * frequencies_hz * EAR_DISTANCE_M / SPEED_OF_SOUND_M_S)
    # A symmetric pair of mixes with the wanted coherence: cos a and sin a with sin 2a = coherence.
    angle = np.arcsin(np.clip(coherence, -1.0, 1.0)) / 2.0
    spectra = scipy.fft.rfft(noise, axis=-1)
    ears = np.stack(
        [
            np.cos(angle) * spectra[0] + np.sin(angle) * spectra[1],
            np.sin(angle) * spectra[0] + np.cos(angle) * spectra[1],
        ]
    )
    return decaying(room, rate_hz, scipy.fft.irfft(ears, noise.shape[-1], axis=-1))


def diffuse_noise(room: Room, rate_hz: int, channels: int, seed: int) -> FloatVector | None:
    """White noise (channels, samples) as long as the room rings; None for a room that does not."""
    longest_s = max(room.rt60_s) * DECAY_DB / 60.0
    if longest_s <= 0.0:
        return None
    count = scipy.fft.next_fast_len(int((longest_s + LATE_FULL_S) * rate_hz), real=True)
    return np.asarray(np.random.default_rng(seed).standard_normal((channels, count)))


def decaying(room: Room, rate_hz: int, noise: FloatVector) -> FloatArray:
    """Noise (channels, samples) made into the room's diffuse response, (samples, channels) float32.

    Noise is not smooth: what its octave bands decay by differs by some per cent from what their envelopes say, and
    neighbouring bands leak into what one measures. So the decays are corrected until the response, measured as ISO
    3382-1 does, has the reverberation times of the room.
    """
    count = noise.shape[-1]
    spectra = scipy.fft.rfft(noise, axis=-1)
    frequencies_hz = np.arange(count // 2 + 1) * (rate_hz / count)
    bands = [
        _evened(scipy.fft.irfft(spectra * mask, count, axis=-1), rate_hz) for mask in _band_masks(room, frequencies_hz)
    ]
    times_s = np.arange(count) / rate_hz
    full_s = min(LATE_FULL_S, max(1.5 * LATE_START_S, 1e-3 * math.sqrt(room.volume_m3)))  # Polack's mixing time, √V ms
    fade_in = np.clip((times_s - LATE_START_S) / (full_s - LATE_START_S), 0.0, 1.0)
    fade_out = np.clip((times_s[-1] - times_s) / 0.05, 0.0, 1.0)
    level = math.sqrt(diffuse_power_density(room) / rate_hz)
    wanted_s = np.array(room.rt60_s)
    decays_s = wanted_s.copy()
    response = np.zeros_like(noise)
    for remaining in reversed(range(_CORRECTIONS + 1)):
        response[:] = 0.0
        for band, decay_s in zip(bands, decays_s, strict=True):
            response += band * 10.0 ** (-3.0 * times_s / decay_s)
        if remaining:  # measured from the direct sound on: what is heard before the fade is the reflections' to carry
            measured_s = band_decays_s(response, rate_hz, np.array(room.bands_hz))
            heard = np.isfinite(measured_s)
            decays_s[heard] *= np.clip(wanted_s / measured_s, 0.7, 1.4)[heard]
    return np.ascontiguousarray((level * np.sin(0.5 * np.pi * fade_in) * fade_out * response).T, np.float32)


def _evened(noise: FloatVector, rate_hz: int) -> FloatVector:
    """Noise whose power, over the channels together, does not wander slowly: few bass waves fit into a short decay, and
    what they happen to do would bend it."""
    power = (noise**2).mean(axis=0)
    width = round(_EVEN_S * rate_hz)
    smooth = scipy.ndimage.uniform_filter1d(scipy.ndimage.uniform_filter1d(power, width), width)
    return np.asarray(noise * np.sqrt(power.mean() / np.maximum(smooth, 0.1 * power.mean())), np.float64)


def band_decays_s(response: FloatVector, rate_hz: int, bands_hz: FloatVector) -> FloatVector:
    """Reverberation time of each octave band of a response (channels, samples): T30 of ISO 3382-1, a line through the
    backward integral (Schroeder 1965) from −5 to −35 dB. Not a number for bands that do not decay so far."""
    heard = response.shape[-1]
    count = scipy.fft.next_fast_len(
        heard + round(_RINGING_S * rate_hz), real=True
    )  # filters ring before the start, too
    spectra = scipy.fft.rfft(response, count, axis=-1)
    result = np.full(len(bands_hz), np.nan)
    for index, band_hz in enumerate(bands_hz):
        first, last = (round(band_hz * 2.0**e * count / rate_hz) for e in (-1.5, 1.5))
        last = min(last, spectra.shape[-1])
        if last - first < 8:
            continue
        octaves = np.log2(np.maximum(np.arange(first, last), 1) * rate_hz / count / band_hz)
        gain = 1.0 / np.sqrt(1.0 + (2.0 * np.abs(octaves)) ** 16)  # half power at the edges of the octave
        envelope = np.abs(scipy.fft.ifft(spectra[:, first:last] * gain, axis=-1)) ** 2
        slow_hz = (last - first) * rate_hz / count
        result[index] = _t30_s(envelope.sum(axis=0)[: int(heard / rate_hz * slow_hz)], slow_hz)
    return result


def _t30_s(power: FloatVector, rate_hz: float) -> float:
    """Of the power of a decay, from its beginning."""
    left = np.cumsum(power[::-1])[::-1]
    level_db = 10.0 * np.log10(np.maximum(left / left[0], 1e-30))
    first, last = int(np.argmax(level_db < -5.0)), int(np.argmax(level_db < -35.0))
    if last - first < 3:
        return math.nan
    slope_db = float(np.polyfit(np.arange(first, last), level_db[first:last], 1)[0])
    return -60.0 / slope_db / rate_hz


def at_rate(measured: MeasuredResponse, rate_hz: int) -> FloatArray:
    """A measured response resampled. Its sum stays what it is, as the response of a filter must."""
    if measured.rate_hz == rate_hz:
        return measured.samples
    common = math.gcd(rate_hz, measured.rate_hz)
    resampled = scipy.signal.resample_poly(measured.samples, rate_hz // common, measured.rate_hz // common, axis=0)
    return np.ascontiguousarray(resampled * (measured.rate_hz / rate_hz), np.float32)


def decorrelated(response: FloatArray, channels: int, seed: int) -> FloatArray:
    """More channels of a measured response: its own first, then copies through all-pass filters of random phase."""
    own = min(response.shape[1], channels)
    result = [response[:, channel] for channel in range(own)]
    generator = np.random.default_rng(seed)
    taps = 1024
    for channel in range(own, channels):
        phases = generator.uniform(-np.pi, np.pi, taps // 2 + 1)
        phases[[0, -1]] = 0.0
        allpass = scipy.fft.irfft(np.exp(1j * phases), taps)
        result.append(scipy.signal.fftconvolve(response[:, channel % response.shape[1]], allpass)[: len(response)])
    return np.ascontiguousarray(np.stack(result, axis=1), np.float32)


def _band_masks(room: Room, frequencies_hz: FloatVector) -> FloatVector:
    """Octave filters (bands, frequencies) that add to one, as they filter the same noise, and overlap by a quarter of
    one; the outer ones reach to the ends of hearing."""
    octave = np.log2(np.maximum(frequencies_hz, 1.0) / room.bands_hz[0])
    last = len(room.bands_hz) - 1
    masks = []
    for band in range(len(room.bands_hz)):
        distance = octave - band
        if band == 0:
            distance = np.maximum(distance, 0.0)
        if band == last:
            distance = np.minimum(distance, 0.0)
        masks.append(np.cos(0.5 * np.pi * np.clip(4.0 * np.abs(distance) - 1.5, 0.0, 1.0)) ** 2)
    masks_array = np.array(masks)
    masks_array[:, frequencies_hz < 20.0] = 0.0  # nothing below hearing
    return masks_array
