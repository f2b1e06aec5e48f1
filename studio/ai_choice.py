"""What a person chose of the AI player beside the orchestra."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..models.wish import Wish

if TYPE_CHECKING:
    from ..models.live_music import Turns


@dataclass(frozen=True, slots=True)
class AiChoice:
    """``wish`` is what its music should be like. ``turn_bars`` 0: it plays while the learner plays; else they take
    turns of so many bars, and the first of its parts answers. ``wait_for_cue``: its parts rest until they are cued."""

    wish: Wish = field(default_factory=Wish)
    turn_bars: int = 0
    wait_for_cue: bool = False

    def turns(self, answered: Sequence[int]) -> "Turns | None":
        """The turns of the first of the parts; None where they all play all the time."""
        if not self.turn_bars or not answered:
            return None
        from ..models.live_music import Turns

        return Turns(answered[0], self.turn_bars)
