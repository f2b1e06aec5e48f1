"""From players, hall and head to what the spatial stage renders: where each sound comes from and how it is coloured.

Each player is a source, and so is each bus of reflections (``reflections``). The direct sound of all players arrives
without delay: an orchestra plays so that it is together at the podium. Reflections come as much later as their way is
longer than the direct one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from ..instruments import catalogue
from ..transforms import PODIUM_HEIGHT_M, rotate, tracking_to_hall, tracking_to_hall_quaternion
from ..types import PlayerPlacement, Pose, Quaternion, Vector
from ..units import SPEED_OF_SOUND_M_S
from .directivity import Radiators
from .hrtf import LEAD, RINGING, HrtfGrid
from .occlusion import SEATED_TOP_M, STANDING_TOP_M, occlusion_db
from .pyo_block import FloatArray
from .reflections import Images, ReflectionMix, group
from .room import FloatVector, Room, air_absorption_db_per_m
from .spatial import IntArray, SourceField

SOUND_HEIGHT_M = {"seated": 1.05, "standing": 1.35}
"""Height of the instrument, or the mouth, over the floor."""
TOP_HEIGHT_M = {"seated": SEATED_TOP_M, "standing": STANDING_TOP_M}
NEAREST_M = 0.7
"""Within this distance a source gets no louder: an instrument is not a point."""
STILL_M = 0.02
"""A head that moves less than this keeps its distances."""
REGROUP_M = 0.25
"""A head that moves less than this keeps which reflections share a bus, and which bodies are in the way."""
BUSES = {0: 0, 1: 96, 2: 224}
"""Buses of reflections, by how many walls a reflection may meet."""
EAR_M = 0.0875
"""From the middle of the head to an ear."""
MEASURED_M = 1.4
"""The distance at which heads were measured (Gardner and Martin); nearer, ears differ more than there."""
_NEAREST_HEARD_M = 0.25
_BANDS_HZ = np.array([63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0])
_AXES: tuple[Vector, ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_HEARD = slice(1, 8)
"""Bands by which the colour and the level of reflections are compared."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A head in the hall frame."""

    position_m: Vector
    orientation_wxyz: Quaternion


AT_PODIUM = Listener((0.0, 0.0, PODIUM_HEIGHT_M + 1.65), (1.0, 0.0, 0.0, 0.0))
"""A conductor of middle height who looks straight ahead."""


def listener_from_pose(head: Pose) -> Listener:
    """A tracked head as a listener."""
    orientation = head.orientation_wxyz or (1.0, 0.0, 0.0, 0.0)
    return Listener(tracking_to_hall(head.position_m), tracking_to_hall_quaternion(orientation))


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """What depends on where the head is and not on where it looks: one row per source, players first."""

    head_m: FloatVector
    ways_m: FloatVector
    towards: FloatVector
    someone_near: bool
    response: FloatArray
    mix: ReflectionMix
    group: IntArray


class FieldBuilder:
    """Builds fields for one set of players; keeps what only depends on places while the head just turns."""

    def __init__(
        self,
        placements: Sequence[PlayerPlacement],
        room: Room,
        grid: HrtfGrid,
        rate_hz: int,
        order: int = 1,
        by_section: bool = False,
    ) -> None:
        """``order`` is how many walls a reflection may meet; ``by_section`` keeps sections on buses of their own."""
        self._grid = grid
        self._rate_hz = rate_hz
        frequencies_hz = np.arange(grid.fft_size // 2 + 1) * rate_hz / grid.fft_size
        self._air_db_per_m = air_absorption_db_per_m(frequencies_hz)
        self._air_bands_db_per_m = air_absorption_db_per_m(_BANDS_HZ)
        self._to_bins = _band_weights(frequencies_hz)
        self.sections = list(dict.fromkeys(placement.section for placement in placements))
        self.section_of = np.array([self.sections.index(p.section) for p in placements], np.int32)
        stances = [catalogue()[placement.instrument].stance for placement in placements]
        places_m = np.array([placement.position_m for placement in placements], np.float64)
        self._players_m = places_m + np.array([(0.0, 0.0, SOUND_HEIGHT_M[stance]) for stance in stances])
        self._tops_m = places_m + np.array([(0.0, 0.0, TOP_HEIGHT_M[stance]) for stance in stances])
        self._radiators = Radiators.of(tuple(placements))
        self._images = Images.of(room, self._players_m, _BANDS_HZ, order)
        count, sections = len(placements), len(self.sections)
        self.buses = min(max(BUSES[order], 6 * sections if by_section else 0), len(self._images.player))
        owners = self._images.player
        self._apart: npt.NDArray[np.intp] = (
            self.section_of[owners].astype(np.intp) if by_section else np.zeros_like(owners)
        )
        if by_section:
            self.buses = min(2 * max(self.buses, 96), len(self._images.player))
        first_bus = count + sections
        self._row: IntArray = np.concatenate([np.arange(count), first_bus + np.arange(self.buses)]).astype(np.int32)
        self._delay: IntArray = np.zeros(count + self.buses, np.int32)
        self._first_bus = first_bus
        self._kept: _Places | None = None
        self._grouped_at_m: FloatVector | None = None
        self._groups: IntArray = np.zeros(0, np.int32)
        self._occlusion_db = np.zeros((count, len(_BANDS_HZ)))

    @property
    def rows(self) -> int:
        """Streams of the ring that fields read: the players', after them the sections', and then the buses'."""
        return self._first_bus + self.buses

    def longest_delay(self, room: Room) -> int:
        """No reflection comes later than this, in samples, wherever in the room the head is."""
        diagonal_m = math.dist(room.low_m, room.high_m)
        return math.ceil(3.0 * diagonal_m / SPEED_OF_SOUND_M_S * self._rate_hz)

    def build(self, listener: Listener) -> SourceField:
        """The field as this head hears it."""
        head_m = np.array(listener.position_m)
        if self._kept is None or np.abs(self._kept.head_m - head_m).max() > STILL_M:
            self._kept = self._from_places(head_m)
        kept, players = self._kept, len(self._players_m)
        axes = np.array([rotate(listener.orientation_wxyz, axis) for axis in _AXES])
        direction = self._grid.index(*_angles(axes, kept.ways_m))
        ears = _near_ears(kept.ways_m[:players] @ axes.T, len(kept.ways_m)) if kept.someone_near else None
        return SourceField(self._row, self._delay, direction, kept.response, kept.mix, kept.towards, ears, kept.group)

    def _from_places(self, head_m: FloatVector) -> _Places:
        """Ways, frequency responses and the buses' contents for a head at ``head_m``."""
        if self._grouped_at_m is None or np.abs(self._grouped_at_m - head_m).max() > REGROUP_M:
            self._occlusion_db = occlusion_db(self._players_m, self._tops_m, head_m, _BANDS_HZ)
        ways_m = self._players_m - head_m
        distance_m = np.linalg.norm(ways_m, axis=1)
        towards = -ways_m / np.maximum(distance_m, 1e-6)[:, None]
        level_db = self._radiators.level_db(np.arange(len(ways_m)), towards, _BANDS_HZ) - self._occlusion_db
        bus_ways_m, bus_db, mix = self._reflections(head_m, distance_m)
        air_db = distance_m[:, None] * self._air_db_per_m
        level_db = np.concatenate([level_db @ self._to_bins - air_db, bus_db @ self._to_bins])
        gain = np.concatenate([1.0 / np.maximum(distance_m, NEAREST_M), np.ones(self.buses)])
        response = self._short(gain[:, None] * 10.0 ** (level_db / 20.0))
        all_ways_m = np.concatenate([ways_m, bus_ways_m])
        towards = all_ways_m / np.maximum(np.linalg.norm(all_ways_m, axis=1), 1e-9)[:, None]
        near = bool((distance_m < MEASURED_M).any())
        return _Places(head_m, all_ways_m, towards, near, response, mix, self._sections())

    def _sections(self) -> IntArray:
        """The section of each source; that of a bus means nothing where sections share buses."""
        of_bus = np.zeros(self.buses, np.int32)
        of_bus[self._groups] = self.section_of[self._images.player]
        return np.concatenate([self.section_of, of_bus]).astype(np.int32)

    def _reflections(
        self, head_m: FloatVector, direct_m: FloatVector
    ) -> tuple[FloatVector, FloatVector, ReflectionMix]:
        """Where each bus is heard from (buses, 3), its colour by band in dB, and what it holds."""
        images = self._images
        ways_m = images.position_m - head_m
        distance_m = np.maximum(np.linalg.norm(ways_m, axis=1), 1e-6)
        towards = ways_m / distance_m[:, None]
        sent_db = self._radiators.level_db(images.player, -towards * images.mirror, _BANDS_HZ)
        sent_db -= distance_m[:, None] * self._air_bands_db_per_m
        power = images.kept * 10.0 ** (sent_db / 10.0) / np.maximum(distance_m, NEAREST_M)[:, None] ** 2
        heard = power[:, _HEARD].mean(axis=1)
        colour_db = 10.0 * np.log10(np.maximum(power / np.maximum(heard, 1e-30)[:, None], 1e-6))
        if self._grouped_at_m is None or np.abs(self._grouped_at_m - head_m).max() > REGROUP_M:
            if len(towards):
                self._groups, _ = group(towards, colour_db[:, _HEARD], heard, self.buses, self._apart)
            self._grouped_at_m = head_m
        groups = self._groups
        bus_ways_m, bus_power = np.zeros((self.buses, 3)), np.zeros((self.buses, len(_BANDS_HZ)))
        np.add.at(bus_ways_m, groups, towards * heard[:, None])
        np.add.at(bus_power, groups, power)
        bus_heard = np.maximum(bus_power[:, _HEARD].mean(axis=1), 1e-30)
        bus_db = 10.0 * np.log10(np.maximum(bus_power / bus_heard[:, None], 1e-6))
        bus_ways_m[np.abs(bus_ways_m).max(axis=1) == 0.0] = (0.0, 1.0, 0.0)  # a bus that nobody uses
        later_m = np.maximum(distance_m - direct_m[images.player], 0.0)
        together = np.argsort(groups, kind="stable")
        mix = ReflectionMix(
            images.player[together].astype(np.int32),
            (self._first_bus + groups[together]).astype(np.int32),
            np.round(later_m[together] / SPEED_OF_SOUND_M_S * self._rate_hz).astype(np.int32),
            np.sqrt(heard[together]).astype(np.float32),
        )
        return bus_ways_m, bus_db, mix

    def _short(self, response: FloatVector) -> FloatArray:
        """The spectra smoothed so that as filters they are no longer than the head's filters leave room for."""
        impulses = np.fft.irfft(response, axis=1)
        reach = LEAD - RINGING
        window = np.zeros(self._grid.fft_size)
        window[:reach] = np.cos(0.5 * np.pi * np.arange(reach) / reach) ** 2
        window[-reach + 1 :] = window[1:reach][::-1]
        return np.ascontiguousarray(np.fft.rfft(impulses * window, axis=1).real, np.float32)


def _band_weights(frequencies_hz: FloatVector) -> FloatVector:
    """Linear interpolation over octaves as a matrix, (bands, frequencies)."""
    places = np.interp(np.log2(np.maximum(frequencies_hz, 1.0)), np.log2(_BANDS_HZ), np.arange(len(_BANDS_HZ)))
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(places - np.arange(len(_BANDS_HZ))[:, None])), np.float64)


def _near_ears(own_m: FloatVector, sources: int) -> FloatArray:
    """What each ear hears more or less of a player nearer than the head was measured at, (sources, 2) left and right:
    each ear by its own distance. ``own_m`` (players, 3) is in the head's own frame."""
    distance_m = np.linalg.norm(own_m, axis=1)
    near = np.flatnonzero(distance_m < MEASURED_M)
    away_m = np.maximum(distance_m[near], _NEAREST_HEARD_M)[:, None]
    towards = own_m[near] / np.maximum(distance_m[near], 1e-6)[:, None]
    sides = EAR_M * np.array([-1.0, 1.0])
    here = _ear_gain(towards[:, :1], away_m, sides)
    ears = np.ones((sources, 2), np.float32)
    ears[near] = here / _ear_gain(towards[:, :1], np.full_like(away_m, MEASURED_M), sides)
    return ears


def _ear_gain(sideways: FloatVector, away_m: FloatVector, ear_m: FloatVector) -> FloatVector:
    """Distance of the head over distance of the ear, by the cosine of the direction with the ears' axis."""
    return np.asarray(away_m / np.sqrt(away_m**2 + ear_m**2 - 2.0 * away_m * ear_m * sideways), np.float64)


@numba.njit(nogil=True, cache=True)
def _angles(axes: FloatVector, ways_m: FloatVector) -> tuple[FloatVector, FloatVector]:
    """Azimuths (left is positive) and elevations of ways (n, 3) for a head with these axes (right, ahead, up)."""
    azimuth_rad, elevation_rad = np.empty(len(ways_m)), np.empty(len(ways_m))
    for n in range(len(ways_m)):
        x, y, z = ways_m[n]
        right = axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z
        ahead = axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z
        up = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z
        azimuth_rad[n] = np.arctan2(-right, ahead)
        elevation_rad[n] = np.arctan2(up, np.sqrt(right * right + ahead * ahead))
    return azimuth_rad, elevation_rad
