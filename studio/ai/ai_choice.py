"""What a person chose of the AI player beside the orchestra."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...models.wish import Wish

if TYPE_CHECKING:
    from ...models.live_music import Turns


@dataclass(frozen=True, slots=True)
class AiChoice:
    """``wish`` is what its music should be like. ``turn_bars`` 0: it plays while the learner plays; else they take
    turns of so many bars, and the first of its parts answers. ``wait_for_cue``: its parts rest until they are cued."""

    wish: Wish = field(default_factory=Wish)
    turn_bars: int = 0
    wait_for_cue: bool = False
    weights: Path | None = None
    """Weights of the AI player, such as those tuned to a learner (None: those that ship)."""

    def with_options(self, turn_bars: int, wait_for_cue: bool, key: str | None, density: float | None) -> "AiChoice":
        """The same with what was said on the command line; None leaves a wish as it is. Raises ``ModelError``."""
        wish = replace(
            self.wish,
            key=self.wish.key if key is None else key,
            density=self.wish.density if density is None else density,
        )
        return AiChoice(wish, turn_bars, wait_for_cue, self.weights)

    def turns(self, answered: Sequence[int]) -> "Turns | None":
        """The turns of the first of the parts; None where they all play all the time."""
        if not self.turn_bars or not answered:
            return None
        from ...models.live_music import Turns

        return Turns(answered[0], self.turn_bars)
