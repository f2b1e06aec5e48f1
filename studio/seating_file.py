"""A saved seating that is watched while it is played from."""

import logging
from dataclasses import dataclass
from pathlib import Path

from ..engine.errors import SeatingError
from ..engine.placement import load_placements
from ..engine.score import Score
from ..engine.types import PlayerPlacement

log = logging.getLogger(__name__)


@dataclass(slots=True)
class SeatingFile:
    """A saved seating that is watched: who edits it moves the players while they play."""

    path: Path
    score: Score
    _seen_ns: int = 0
    _players: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        """Raises ``SeatingError``."""
        self._players = frozenset(placement.player for placement in load_placements(self.path, self.score))
        self._seen_ns = self.path.stat().st_mtime_ns

    def changed(self) -> tuple[PlayerPlacement, ...] | None:
        """The seating if the file was changed since the last call; a broken one is reported once and left out."""
        try:
            changed_ns = self.path.stat().st_mtime_ns
            if changed_ns == self._seen_ns:
                return None
            self._seen_ns = changed_ns
            placements = load_placements(self.path, self.score)
            if {placement.player for placement in placements} != self._players:
                raise SeatingError(f"{self.path}: players came or went; that takes a new start of the studio")
            return placements
        except (OSError, SeatingError) as error:
            log.warning("the players stay where they are: %s", error)
            return None
