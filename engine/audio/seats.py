"""Who sits where, as the renderer looks it up: rows of the ring, parts, sections, balance."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..types import PlayerPlacement
from ..units import db_to_gain
from .pyo_block import FloatArray

SOLOISTS = 2
"""Up to so many players of a part play a soloist's recordings, more play a section's."""


def sections_of(placements: Sequence[PlayerPlacement]) -> tuple[str, ...]:
    """The sections in the order in which meters and rows have them: each where its first player is."""
    return tuple(dict.fromkeys(placement.section for placement in placements))


@dataclass(frozen=True, slots=True, eq=False)
class Seats:
    """The players on the stage. ``row_of`` maps a player to its stream of the ring, in the order of ``placements``;
    ``gains`` is the balance of each row, ``section_of`` numbers its section as ``sections`` has them, ``position_m``
    (rows, 3) is where it is."""

    placements: tuple[PlayerPlacement, ...]
    row_of: dict[int, int]
    players_of_part: dict[int, list[PlayerPlacement]]
    gains: FloatArray
    sections: tuple[str, ...]
    section_of: npt.NDArray[np.int64]
    position_m: npt.NDArray[np.float64]

    @classmethod
    def of(cls, placements: Sequence[PlayerPlacement], solo: Collection[str] = ()) -> "Seats":
        """``solo`` names the sections that are heard alone; nobody's name means that all are."""
        players_of_part: dict[int, list[PlayerPlacement]] = {}
        for placement in placements:
            players_of_part.setdefault(placement.part, []).append(placement)
        sections = sections_of(placements)
        silent = [p.muted or (bool(solo) and p.section not in solo) for p in placements]
        return cls(
            tuple(placements),
            {placement.player: row for row, placement in enumerate(placements)},
            players_of_part,
            np.array(
                [0.0 if s else db_to_gain(p.gain_db) for s, p in zip(silent, placements, strict=True)], np.float32
            ),
            sections,
            np.array([sections.index(placement.section) for placement in placements]),
            np.array([placement.position_m for placement in placements], np.float64),
        )

    def same_players(self, placements: Sequence[PlayerPlacement]) -> bool:
        """Whether these are the same players in the same sections."""
        return [(p.player, p.section) for p in placements] == [(p.player, p.section) for p in self.placements]

    def of_player(self, player: int) -> PlayerPlacement:
        return self.placements[self.row_of[player]]

    def in_section(self, placement: PlayerPlacement) -> bool:
        """Whether a player is one of many on a part, and not a soloist."""
        return len(self.players_of_part.get(placement.part, ())) > SOLOISTS
