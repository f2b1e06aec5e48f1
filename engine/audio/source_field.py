"""From players, hall and head to what the spatial stage renders: where each sound comes from and how it is coloured.

Each player is a source; each section has the first reflections of its middle from every wall. The direct sound of all
players arrives without delay: an orchestra plays so that it is together at the podium. Reflections come as much
later as their way is longer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

from ..instruments import Family, catalogue
from ..transforms import PODIUM_HEIGHT_M, rotate, tracking_to_hall, tracking_to_hall_quaternion
from ..types import PlayerPlacement, Pose, Quaternion, Vector
from ..units import SPEED_OF_SOUND_M_S
from .hrtf import LEAD, HrtfGrid
from .pyo_block import FloatArray
from .room import FloatVector, Room, air_absorption_db_per_m, image_positions, reflection_gains
from .spatial import IntArray, SourceField

SOUND_HEIGHT_M = {"seated": 1.05, "standing": 1.35}
"""Height of the instrument, or the mouth, over the floor."""
NEAREST_M = 0.7
"""Within this distance a source gets no louder: an instrument is not a point."""
FORWARD_LOSS_DB: dict[Family, float] = {
    "strings": 5.0,
    "woodwind": 6.0,
    "brass": 14.0,
    "percussion": 3.0,
    "keyboard": 4.0,
    "plucked": 3.0,
    "voice": 10.0,
}
"""How much weaker 4 kHz is behind a player than in front, after the polar patterns in Meyer, *Acoustics and the
Performance of Music* (5th ed., 2009)."""
BACKWARD = frozenset({"horn"})
"""Instruments whose bell points behind the player."""
STILL_M = 0.02
"""A head that moves less than this keeps its distances."""


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


class FieldBuilder:
    """Builds fields for one set of players; keeps what only depends on places while the head just turns."""

    def __init__(self, placements: Sequence[PlayerPlacement], room: Room, grid: HrtfGrid, rate_hz: int) -> None:
        self._grid = grid
        self._rate_hz = rate_hz
        self._frequencies_hz = np.arange(grid.fft_size // 2 + 1) * rate_hz / grid.fft_size
        self._air_db_per_m = air_absorption_db_per_m(self._frequencies_hz)
        self.sections = list(dict.fromkeys(placement.section for placement in placements))
        self.section_of = np.array([self.sections.index(p.section) for p in placements], np.int32)
        players_m = np.array([_sound_position(placement) for placement in placements])
        middles_m = np.array([players_m[self.section_of == s].mean(axis=0) for s in range(len(self.sections))])
        images_m = image_positions(room, middles_m)
        walls = images_m.shape[1]
        self._sources_m = np.concatenate([players_m, images_m.reshape(-1, 3)])
        self._origins_m = np.concatenate([players_m, np.repeat(middles_m, walls, axis=0)])
        first = [int(np.argmax(self.section_of == s)) for s in range(len(self.sections))]
        self._speakers = [*range(len(placements)), *(f for f in first for _ in range(walls))]
        self._forward = np.array([_forward(placements[i]) for i in self._speakers])
        self._forward_loss_db = np.array([FORWARD_LOSS_DB[_family(placements[i])] for i in self._speakers])
        reflections = np.tile(reflection_gains(room, self._frequencies_hz), (len(self.sections), 1))
        direct = np.ones((len(placements), reflections.shape[1]))
        self._reflection = np.concatenate([direct, reflections])
        self._is_image = np.arange(len(self._speakers)) >= len(placements)
        rows = [
            *range(len(placements)),
            *(len(placements) + s for s in range(len(self.sections)) for _ in range(walls)),
        ]
        self._row: IntArray = np.array(rows, np.int32)
        self._kept: tuple[FloatVector, IntArray, FloatArray] | None = None

    @property
    def rows(self) -> int:
        """Streams of the ring that fields read: the players' and after them the sections'."""
        return len(self.section_of) + len(self.sections)

    def longest_delay(self, room: Room) -> int:
        """No reflection comes later than this, in samples, wherever in the room the head is."""
        diagonal_m = math.dist(room.low_m, room.high_m)
        return math.ceil(3.0 * diagonal_m / SPEED_OF_SOUND_M_S * self._rate_hz)

    def build(self, listener: Listener) -> SourceField:
        """The field as this head hears it."""
        head_m = np.array(listener.position_m)
        ways_m = self._sources_m - head_m
        if self._kept is None or np.abs(self._kept[0] - head_m).max() > STILL_M:
            self._kept = (head_m, *self._from_places(head_m, ways_m))
        _, delay, response = self._kept
        x, y, z = _turn_back(listener.orientation_wxyz, ways_m)
        direction = self._grid.index(np.arctan2(-x, y), np.arctan2(z, np.hypot(x, y)))
        return SourceField(self._row, delay, direction, response)

    def _from_places(self, head_m: FloatVector, ways_m: FloatVector) -> tuple[IntArray, FloatArray]:
        """Delays and frequency responses: distance, air, reflection, and which way the instrument faces."""
        distance_m = np.linalg.norm(ways_m, axis=1)
        origin_distance_m = np.linalg.norm(self._origins_m - head_m, axis=1)
        later_m = np.where(self._is_image, np.maximum(distance_m - origin_distance_m, 0.0), 0.0)
        delay = np.round(later_m / SPEED_OF_SOUND_M_S * self._rate_hz).astype(np.int32)
        # A reflection leaves the player towards the image of the head: near enough the straight line for the far ones.
        towards = -ways_m / np.maximum(distance_m, 1e-6)[:, None]
        behind = 0.5 * (1.0 - np.clip((towards * self._forward).sum(axis=1), -1.0, 1.0))
        octaves = np.clip(np.log2(np.maximum(self._frequencies_hz, 1.0) / 250.0), 0.0, 5.0) / 4.0
        loss_db = (self._forward_loss_db * behind)[:, None] * octaves + distance_m[:, None] * self._air_db_per_m
        response = self._reflection * 10.0 ** (-loss_db / 20.0) / np.maximum(distance_m, NEAREST_M)[:, None]
        return delay, self._short(response)

    def _short(self, response: FloatVector) -> FloatArray:
        """The spectra smoothed so that as filters they are no longer than the head's filters leave room for."""
        impulses = scipy.fft.irfft(response, axis=1)
        reach = LEAD - 8
        window = np.zeros(self._grid.fft_size)
        window[:reach] = np.cos(0.5 * np.pi * np.arange(reach) / reach) ** 2
        window[-reach + 1 :] = window[1:reach][::-1]
        return np.ascontiguousarray(scipy.fft.rfft(impulses * window, axis=1).real, np.float32)


def _sound_position(placement: PlayerPlacement) -> Vector:
    x, y, z = placement.position_m
    return (x, y, z + SOUND_HEIGHT_M[catalogue()[placement.instrument].stance])


def _family(placement: PlayerPlacement) -> Family:
    return catalogue()[placement.instrument].family


def _forward(placement: PlayerPlacement) -> Vector:
    heading = math.radians(placement.heading_deg)
    sign = -1.0 if placement.instrument in BACKWARD else 1.0
    return (-math.sin(heading) * sign, math.cos(heading) * sign, 0.0)


def _turn_back(orientation_wxyz: Quaternion, vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Vectors of the hall frame in the head's own frame: (3, n)."""
    axes = np.array([rotate(orientation_wxyz, axis) for axis in ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0))])
    return np.asarray(axes @ vectors.T, np.float64)
