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

    def __post_init__(self) -> None:
        self._seen_ns = self.path.stat().st_mtime_ns

    def changed(self) -> tuple[PlayerPlacement, ...] | None:
        """The seating if the file was changed since the last call; a broken one is reported once and left out."""
        try:
            changed_ns = self.path.stat().st_mtime_ns
            if changed_ns == self._seen_ns:
                return None
            self._seen_ns = changed_ns
            return load_placements(self.path, self.score)
        except (OSError, SeatingError) as error:
            log.warning("the players stay where they are: %s", error)
            return None
