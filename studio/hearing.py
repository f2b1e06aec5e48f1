"""How a person chose to listen: seat, head, reflections."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..engine.audio.hrtf import check_radius
from ..engine.audio.hrtf_sets import read_sofa
from ..engine.audio.listener_seats import listener_at
from ..engine.audio.renderer import AudioSettings
from ..engine.hall import Hall
from ..engine.types import PlayerPlacement


@dataclass(frozen=True, slots=True)
class Hearing:
    """``seat`` as ``listener_seats`` names it; at the podium one hears with the conductor's head, which moves. ``sofa``
    is a file with another head, ``head_radius_cm`` the size of one's own; ``reflections`` how many walls they may meet.
    """

    seat: str = "podium"
    sofa: Path | None = None
    head_radius_cm: float | None = None
    reflections: int = 1

    def check(self) -> None:
        """Refuse a head that cannot be had, whatever the hall: minutes may pass before it is used, and reading a large
        SOFA file takes seconds, so it is asked for once. Raises ``SoundError``."""
        if self.head_radius_cm is not None:
            check_radius(self.head_radius_cm / 100.0)
        if self.sofa is not None:
            read_sofa(self.sofa)

    def settings(self, hall: Hall, placements: Sequence[PlayerPlacement], seed: int) -> AudioSettings:
        """The settings of the audio engine, of a head that was checked. Raises ``SeatingError``."""
        radius_m = None if self.head_radius_cm is None else self.head_radius_cm / 100.0
        at_podium = self.seat.strip().casefold() == "podium"
        return AudioSettings(
            seed=seed,
            sofa=self.sofa,
            head_radius_m=radius_m,
            listener=None if at_podium else listener_at(self.seat, hall, placements),
            reflection_order=self.reflections,
        )
