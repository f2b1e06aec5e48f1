"""What the benchmark of space and its tests measure: responses of halls as rendered, what ears make of directions, and
how near the head's filters come to measured ones."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.signal

from tutti.engine.audio import source_field
from tutti.engine.audio.hrtf import LEAD, HrtfGrid, load_grid
from tutti.engine.audio.hrtf_filters import filters_and_delays
from tutti.engine.audio.hrtf_sets import HrirSet, solid_angles
from tutti.engine.audio.reflections import group
from tutti.engine.audio.renderer import AudioSettings, OrchestraRenderer
from tutti.engine.audio.room import Room, room_from_hall
from tutti.engine.audio.source_field import AT_PODIUM, FieldBuilder, Listener
from tutti.engine.hall import read_hall
from tutti.engine.sounds.sound_set import Patch, Sample, SoundSet, Zone
from tutti.engine.types import NoteEvent, PlayerPlacement

RATE_HZ = 48000
FFT_SIZE = 512
ONSET_S = 0.1
HEARD_S = 0.004
"""What is localised: the first wave front, before most reflections (Litovsky et al., JASA 106, 1999)."""
LONGEST_ITD_S = 1.0e-3
BANDS_HZ = 1000.0 * 2.0 ** (np.arange(-1, 8) / 2.0)
"""Centres of the half octaves in which level differences are compared, 0.7 to 11 kHz."""
EDGES_HZ = (500.0, 3000.0, 5000.0, 6500.0, 8000.0, 10000.0, 12000.0)
"""Of the bands in which spectral errors are printed."""


def click_sounds(instrument: str = "timpani") -> SoundSet:
    """An instrument that gives one sample of 1."""
    data = np.zeros(4800, np.float32)
    data[64] = 1.0
    sample = Sample(data, RATE_HZ, 69.0, 0, 0, -20.0)
    zone = Zone(0, 127, 0, 127, 0, 0.0, 0.0, 0.05)
    return SoundSet("click", (sample,), {(instrument, "sustain"): Patch((zone,))})


def rendered_response(
    room: Room,
    listener: Listener,
    placement: PlayerPlacement,
    seconds: float,
    settings: AudioSettings | None = None,
) -> np.ndarray:
    """The response (samples, 2) of both ears to one player's click, through the whole renderer but for the limiter."""
    settings = settings or AudioSettings(RATE_HZ, voices=4, listener=listener)
    renderer = OrchestraRenderer([placement], click_sounds(placement.instrument), room, settings)
    try:
        renderer.submit([NoteEvent(1, placement.part, ONSET_S, 0.5, 69, 127, "sustain", 0.0)], [])
        blocks = [renderer.mix() for _ in range(round((ONSET_S + seconds) * RATE_HZ / settings.block))]
    finally:
        renderer.close()
    heard = np.concatenate(blocks)
    level = np.abs(heard).max(axis=1)
    return heard[int(np.argmax(level > 0.05 * level.max())) :]


@dataclass(frozen=True, slots=True, eq=False)
class EarTemplates:
    """Interaural differences of measured directions: time (n,), level by band (n, bands)."""

    directions_deg: np.ndarray
    itd_s: np.ndarray
    ild_db: np.ndarray

    @classmethod
    def ahead(cls, hrirs: HrirSet) -> "EarTemplates":
        """Of the directions in front and at the sides: who knows that the orchestra is ahead does not take front for
        back, which differ in neither cue."""
        front = np.abs(hrirs.directions_deg[:, 0]) <= 100.0
        hrirs = HrirSet(hrirs.directions_deg[front], hrirs.responses[front], hrirs.rate_hz)
        responses = scipy.signal.resample_poly(hrirs.responses, RATE_HZ, round(hrirs.rate_hz), axis=-1)
        cues = [interaural(response) for response in responses]
        return cls(hrirs.directions_deg, np.array([itd for itd, _ in cues]), np.array([ild for _, ild in cues]))

    def azimuth_deg(self, ears: np.ndarray) -> float:
        """Where a sound (2, samples) seems to come from: the template whose differences are nearest, each counted in
        units of what listeners just about notice off the middle (40 µs, 2 dB)."""
        itd_s, ild_db = interaural(ears)
        far = ((self.itd_s - itd_s) / 40e-6) ** 2 + (((self.ild_db - ild_db) / 2.0) ** 2).mean(axis=1)
        return float(self.directions_deg[far.argmin(), 0])


def interaural(ears: np.ndarray) -> tuple[float, np.ndarray]:
    """Time by which the left ear (row 0) leads, below 1.5 kHz, and level by which it is louder, by band in dB."""
    count = 1 << (2 * ears.shape[1] - 1).bit_length()
    spectra = np.fft.rfft(ears, count)
    frequencies_hz = np.fft.rfftfreq(count, 1.0 / RATE_HZ)
    low = 1.0 / (1.0 + (frequencies_hz / 1500.0) ** 8)
    factor = 16
    correlation = np.fft.irfft(spectra[1] * spectra[0].conj() * low, count * factor)
    reach = round(LONGEST_ITD_S * RATE_HZ * factor)
    lags = np.arange(-reach, reach + 1)
    itd_s = float(lags[correlation[lags].argmax()]) / (RATE_HZ * factor)
    edges = np.searchsorted(frequencies_hz, np.stack([BANDS_HZ * 2.0**-0.25, BANDS_HZ * 2.0**0.25]))
    power = np.abs(spectra) ** 2
    levels = np.array([power[:, a : max(b, a + 1)].mean(axis=1) for a, b in edges.T])
    return itd_s, 10.0 * np.log10(np.maximum(levels[:, 0], 1e-20) / np.maximum(levels[:, 1], 1e-20))


def heard_azimuth_deg(templates: EarTemplates, response: np.ndarray) -> float:
    """Of a response (samples, 2), by its first wave front."""
    return templates.azimuth_deg(response[: round(HEARD_S * RATE_HZ)].T)


def turned_deg(one_deg: float, other_deg: float) -> float:
    """Angle between azimuths."""
    return abs((one_deg - other_deg + 180.0) % 360.0 - 180.0)


@dataclass(frozen=True, slots=True)
class HeadErrors:
    """Of interpolated filters against measured ones at directions that the interpolation did not know."""

    directions: int
    ild_db: float
    spectral_db: float
    itd_95_us: float
    by_band_db: tuple[float, ...]
    """Spectral error between ``EDGES_HZ``, RMS over directions."""


def without(measured: HrirSet, withheld: np.ndarray) -> HrirSet:
    kept = np.setdiff1d(np.arange(len(measured.directions_deg)), withheld)
    delays = None if measured.delays is None else measured.delays[kept]
    return HrirSet(measured.directions_deg[kept], measured.responses[kept], measured.rate_hz, delays)


def every_other_azimuth(measured: HrirSet) -> np.ndarray:
    """Every second direction of the inner rings that have an even number: what is left is evenly spaced, as other tools
    want it, and the mirror image of none that is withheld."""
    azimuth, elevation = measured.directions_deg.T
    chosen = []
    for ring in np.unique(elevation)[1:]:
        members = np.flatnonzero(elevation == ring)
        if ring < 80.0 and len(members) % 2 == 0:
            chosen.append(members[np.argsort(np.round(-azimuth[members], 3) % 360.0)][1::2])
    return np.sort(np.concatenate(chosen))


def head_errors(grid: HrtfGrid, measured: HrirSet, which: Sequence[int] | np.ndarray) -> HeadErrors:
    """Errors of a grid at some measured directions: of the row that a source there is heard through."""
    azimuth, elevation = np.radians(measured.directions_deg[which]).T
    heads = grid.spectra[grid.index(azimuth, elevation)]
    return filter_errors(np.fft.irfft(heads[:, :, 0] + 1j * heads[:, :, 1], axis=-1), measured, which)


def field_errors(known: HrirSet, measured: HrirSet, which: Sequence[int] | np.ndarray) -> HeadErrors:
    """Errors of the filters interpolated for just those directions, off any grid."""
    return filter_errors(_field_filters(known, measured.directions_deg[which]), measured, which)


def row_errors(grid: HrtfGrid, hrirs: HrirSet, count: int = 300) -> HeadErrors:
    """By how much rows of a grid are off from filters interpolated for the directions that are heard through them:
    such as an orchestra and its reflections come from, from below the horizon to above the head, none more likely than
    the other."""
    random = np.random.default_rng(1)
    elevation_deg = np.degrees(np.arcsin(random.uniform(np.sin(np.radians(-40.0)), 1.0, count)))
    directions_deg = np.stack([random.uniform(-180.0, 180.0, count), elevation_deg], axis=1)
    heads = grid.spectra[grid.index(*np.radians(directions_deg).T)]
    rows = np.fft.irfft(heads[:, :, 0] + 1j * heads[:, :, 1], axis=-1)
    exact = _field_filters(hrirs, directions_deg)
    return _errors(rows, exact, _levels_db(exact))


def _field_filters(known: HrirSet, directions_deg: np.ndarray) -> np.ndarray:
    """Filters (directions, 2 ears, taps) with their delays."""
    filters, delays = filters_and_delays(known, directions_deg, RATE_HZ)
    delays = delays + LEAD - delays.min()
    turn = np.exp(-2j * np.pi * np.arange(FFT_SIZE // 2 + 1) / FFT_SIZE * delays[..., None])
    return np.asarray(np.fft.irfft(np.fft.rfft(filters, FFT_SIZE, axis=-1) * turn, FFT_SIZE, axis=-1))


def filter_errors(filters: np.ndarray, measured: HrirSet, which: Sequence[int] | np.ndarray) -> HeadErrors:
    """Errors of filters (directions, 2 ears, taps) at some measured directions: mean ILD error over half octaves, mean
    over directions of the RMS spectral difference from 0.5 to 12 kHz (both ears, the best common gain taken out), and
    ITD. Measured responses are equalised for the diffuse field; what else filters differ by in all directions alike
    tells nothing about direction, depends on each tool's own equaliser, and is taken out too."""
    responses = scipy.signal.resample_poly(measured.responses, RATE_HZ, round(measured.rate_hz), axis=-1)
    power = np.abs(np.fft.rfft(responses, FFT_SIZE, axis=-1)) ** 2
    diffuse_db = 10.0 * np.log10(np.einsum("d,dek->k", solid_angles(measured.directions_deg), power) / 2.0)
    return _errors(filters, responses[which], _levels_db(responses[which]) - diffuse_db)


def _errors(filters: np.ndarray, theirs: np.ndarray, theirs_db: np.ndarray) -> HeadErrors:
    """Of filters against others, both (directions, 2 ears, taps), whose levels are ``theirs_db``."""
    frequencies_hz = np.fft.rfftfreq(FFT_SIZE, 1.0 / RATE_HZ)
    audible = (frequencies_hz > EDGES_HZ[0]) & (frequencies_hz < EDGES_HZ[-1])
    ours_db = _levels_db(filters)
    ours_db -= (ours_db - theirs_db).mean(axis=(0, 1))
    difference = ours_db - theirs_db
    difference -= difference[..., audible].mean(axis=(1, 2), keepdims=True)
    spectral = np.sqrt(np.mean(difference[..., audible] ** 2, axis=(1, 2)))
    edges = np.searchsorted(frequencies_hz, EDGES_HZ)
    bands = tuple(float(np.sqrt(np.mean(difference[..., a:b] ** 2))) for a, b in itertools.pairwise(edges))
    ild = np.abs(_level_differences(ours_db) - _level_differences(theirs_db))
    itd = [abs(interaural(ours)[0] - interaural(other)[0]) for ours, other in zip(filters, theirs, strict=True)]
    return HeadErrors(len(ild), float(ild.mean()), float(spectral.mean()), float(1e6 * np.quantile(itd, 0.95)), bands)


def _levels_db(filters: np.ndarray) -> np.ndarray:
    return np.asarray(20.0 * np.log10(np.maximum(np.abs(np.fft.rfft(filters, FFT_SIZE, axis=-1)), 1e-9)))


def _level_differences(levels_db: np.ndarray) -> np.ndarray:
    """By how much the left ear is louder in half octaves (directions, bands): spectra (directions, 2, bins) in dB."""
    edges = np.searchsorted(
        np.fft.rfftfreq(FFT_SIZE, 1.0 / RATE_HZ), np.stack([BANDS_HZ * 2.0**-0.25, BANDS_HZ * 2.0**0.25])
    )
    power = 10.0 ** (levels_db / 10.0)
    bands = 10.0 * np.log10(np.stack([power[..., a : max(b, a + 1)].mean(axis=-1) for a, b in edges.T], axis=-1))
    return np.asarray(bands[:, 0] - bands[:, 1])


@dataclass(frozen=True, slots=True)
class SharingErrors:
    """What reflections lose by sharing buses: angle and colour, means weighted with power."""

    reflections: int
    buses: int
    angle_deg: float
    colour_db: float


def sharing_errors(players: int, order: int = 1) -> SharingErrors:
    """Of players of five kinds on four arcs round the podium of the golden shoebox, as the conductor hears them."""
    kinds = ("violin", "cello", "horn", "trumpet", "flute")
    placements = []
    for number in range(players):
        angle, radius_m = 0.35 + 2.45 * (number // 4) / -(-players // 4), 2.5 + 2.2 * (number % 4)
        x_m, y_m = radius_m * np.cos(angle), radius_m * np.sin(angle)
        heading_deg = float(np.degrees(np.arctan2(x_m, -y_m)))
        placements.append(
            PlayerPlacement(number, 0, kinds[number % 5], kinds[number % 5], (x_m, y_m, 0.0), heading_deg, 0)
        )
    room = room_from_hall(read_hall())
    grid = load_grid(RATE_HZ, FFT_SIZE)
    seen: dict[str, np.ndarray] = {}

    def watch(towards, colour_db, power, most, apart):  # type: ignore[no-untyped-def]
        groups, wider = group(towards, colour_db, power, most, apart)
        seen.update(towards=towards, colour=colour_db, power=power, groups=groups)
        return groups, wider

    original, source_field.group = source_field.group, watch
    try:
        FieldBuilder(placements, room, grid, RATE_HZ, order).build(AT_PODIUM)
    finally:
        source_field.group = original
    power, groups = seen["power"], seen["groups"]
    count = int(groups.max()) + 1
    middle, spectrum = np.zeros((count, 3)), np.zeros((count, seen["colour"].shape[1]))
    np.add.at(middle, groups, seen["towards"] * power[:, None])
    np.add.at(spectrum, groups, 10.0 ** (seen["colour"] / 10.0) * power[:, None])
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    shape_db = 10.0 * np.log10(spectrum / spectrum.mean(axis=1, keepdims=True))
    cosine = np.clip((middle[groups] * seen["towards"]).sum(axis=1), -1.0, 1.0)
    colour_db = np.sqrt(((shape_db[groups] - seen["colour"]) ** 2).mean(axis=1))
    share = power / power.sum()
    return SharingErrors(
        len(groups), count, float((np.degrees(np.arccos(cosine)) * share).sum()), float((colour_db * share).sum())
    )
