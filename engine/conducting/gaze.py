"""Whom the conductor means: from where the head looks and the hand points to a section of the orchestra.

Sections overlap as seen from the podium: trumpets sit behind oboes, the back desks of the violins before the horns. So
every section gets a misfit (squared deviation in standard deviations) from each piece of evidence, and who is about to
play by the score is heard as well.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..transforms import rotate, tracking_to_hall, tracking_to_hall_direction
from ..types import PlayerPlacement, Pose, Vector

FACE_HEIGHT_M = 1.15
"""Where a seated player's face is above the floor they sit on: eyes and hands are given to faces."""
HEAD_SHARE = 0.9
"""Part of a turn of the gaze that the head makes when looking to the side, the eyes make the rest. Heads alone cover
70 to 95 % beyond 30° (Freedman, "Coordination of the eyes and head during visual orienting", Experimental Brain
Research 190, 2008); a conductor turns the trunk too."""
GAZE_SD_DEG = (5.5, 8.0)
"""Deviation of the head's direction from the face looked at: sideways, and up and down."""
SIDE_SD = 0.06
"""More for faces further to the side, by this part of the angle."""
GAZE_SMOOTHING_S = 0.12
LOST_MISFIT = 9.0
"""Beyond three standard deviations nobody is meant."""
CHANGE_MISFIT = 2.5
"""Attention goes to another section when that fits better by this much: it does not flicker at borders."""
SPREAD = 0.6
"""Who means a section looks rather to its middle than to its rim: to places this far from there to each face."""
_FORWARD: Vector = (0.0, 0.0, -1.0)

Misfits = np.ndarray
"""One value per section, in the order of ``SectionMap.names``."""


class SectionMap:
    """Where the sections sit, for questions of direction. Immutable; numpy, about 30 µs a question."""

    def __init__(self, placements: Sequence[PlayerPlacement]) -> None:
        players = sorted(placements, key=lambda placement: placement.section)
        self.names: tuple[str, ...] = tuple(dict.fromkeys(placement.section for placement in players))
        self._places = np.array([placement.position_m for placement in players]).reshape(-1, 3)
        self._places[:, 2] += FACE_HEIGHT_M
        number = np.array([self.names.index(placement.section) for placement in players], dtype=int)
        self._starts = np.searchsorted(number, np.arange(len(self.names)))
        self.sizes = np.bincount(number, minlength=len(self.names))
        """Players of each section."""
        self._section = number
        sums = np.add.reduceat(self._places, self._starts) if len(players) else np.zeros((0, 3))
        self._middles = sums / self.sizes[:, None] if len(players) else sums
        self._aims = self._middles[number] + SPREAD * (self._places - self._middles[number])

    def face_of(self, section: str) -> Vector:
        """The middle of a section, hall frame, at the height of faces."""
        x, y, z = self._middles[self.names.index(section)].tolist()
        return (x, y, z)

    def faces_of(self, section: str) -> np.ndarray:
        """The faces of a section, hall frame, shape ``(players, 3)``."""
        return self._places[self._section == self.names.index(section)]

    def misfits(
        self, origin_m: Vector, direction: Vector, sd_deg: tuple[float, float], turn_share: float = 1.0
    ) -> Misfits:
        """How badly a direction from ``origin_m`` (hall frame) fits each section: −2 times the logarithm of its
        likelihood, which is squared standard deviations where one player is alone. Each player of a section is as
        likely to be looked at, so that a larger section is not a larger target.

        ``turn_share`` is how much of the angle to a target the direction covers when it means it.
        """
        x, y, z = direction
        across = math.atan2(x, y)
        up = math.atan2(z, math.hypot(x, y))
        squares = self._squares(self._aims, origin_m, across, up, sd_deg, turn_share)
        least = np.minimum.reduceat(squares, self._starts)
        likelihood = np.add.reduceat(np.exp(0.5 * (least[self._section] - squares)), self._starts)
        return np.asarray(least - 2.0 * np.log(likelihood / self.sizes))

    @staticmethod
    def _squares(
        places: np.ndarray, origin_m: Vector, across: float, up: float, sd_deg: tuple[float, float], turn_share: float
    ) -> np.ndarray:
        to = places - origin_m
        azimuth = np.arctan2(to[:, 0], to[:, 1])
        elevation = np.arctan2(to[:, 2], np.hypot(to[:, 0], to[:, 1]))
        aside = (turn_share * azimuth - across + np.pi) % (2 * np.pi) - np.pi
        aside_sd = math.radians(sd_deg[0]) + SIDE_SD * np.abs(azimuth)
        return (aside / aside_sd) ** 2 + ((elevation - up) / math.radians(sd_deg[1])) ** 2


class Gaze:
    """The section that the conductor's head is turned to, with hysteresis. Causal; one thread.

    Without an orientation of the head there is no gaze: ``section`` is None and ``misfits`` too.
    """

    def __init__(self, sections: SectionMap) -> None:
        self._sections = sections
        self._latest_s = -math.inf
        self.misfits: Misfits | None = None
        """Smoothed over about a tenth of a second."""
        self.section: str | None = None
        self.since_s = -math.inf
        """When it began to be looked at."""

    def step(self, head: Pose) -> None:
        """Take the next valid pose of the head. Poses whose stamp does not advance are left out."""
        step_s = head.time_s - self._latest_s
        if not self._sections.names or step_s <= 0.02:
            return
        self._latest_s = head.time_s
        if head.orientation_wxyz is None:
            self.misfits, self.section = None, None
            return
        direction = tracking_to_hall_direction(rotate(head.orientation_wxyz, _FORWARD))
        fresh = self._sections.misfits(tracking_to_hall(head.position_m), direction, GAZE_SD_DEG, HEAD_SHARE)
        if self.misfits is None or step_s > 0.5:
            self.misfits = fresh
        else:
            self.misfits = self.misfits + (1.0 - math.exp(-step_s / GAZE_SMOOTHING_S)) * (fresh - self.misfits)
        chosen = choose(self._sections, self.misfits, self.section)
        if chosen != self.section:
            self.section, self.since_s = chosen, head.time_s


def choose(sections: SectionMap, misfits: Misfits, present: str | None) -> str | None:
    """The best fitting section; the present one as long as no other is clearly better; None where none fits."""
    best = int(np.argmin(misfits))
    if misfits[best] > LOST_MISFIT:
        return None
    if present is not None:
        held = misfits[sections.names.index(present)]
        if held < LOST_MISFIT and held - misfits[best] < CHANGE_MISFIT:
            return present
    return sections.names[best]


def weigh(sections: SectionMap, weights: Mapping[str, float]) -> Misfits:
    """Prior weights of sections (1: as any other) as misfits, to be added to those of evidence."""
    return np.array([-2.0 * math.log(max(weights.get(name, 1.0), 1e-6)) for name in sections.names])
