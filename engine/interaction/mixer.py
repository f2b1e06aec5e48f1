"""Who is muted and who plays solo, and what comes of both."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..types import PlayerPlacement

GAIN_RANGE_DB = (-24.0, 12.0)


@dataclass(frozen=True, slots=True)
class Mixer:
    """The players that people muted, and those they want to hear alone. Where anybody is solo, only solos are heard;
    who is muted is silent even then."""

    muted: frozenset[int] = frozenset()
    soloed: frozenset[int] = frozenset()

    @classmethod
    def of(cls, placements: Iterable[PlayerPlacement]) -> "Mixer":
        """The mixer of placements that nobody is solo in."""
        return cls(frozenset(placement.player for placement in placements if placement.muted))

    def mute(self, players: Iterable[int], on: bool) -> "Mixer":
        chosen = frozenset(players)
        return replace(self, muted=self.muted | chosen if on else self.muted - chosen)

    def solo(self, players: Iterable[int], on: bool) -> "Mixer":
        chosen = frozenset(players)
        return replace(self, soloed=self.soloed | chosen if on else self.soloed - chosen)

    def silent(self, player: int) -> bool:
        """Whether nothing is heard of a player."""
        return player in self.muted or bool(self.soloed and player not in self.soloed)

    def applied(self, placements: Sequence[PlayerPlacement]) -> tuple[PlayerPlacement, ...]:
        """The placements with everybody muted who is silent."""
        return tuple(
            placement
            if placement.muted == self.silent(placement.player)
            else replace(placement, muted=not placement.muted)
            for placement in placements
        )


def with_gain(
    placements: Sequence[PlayerPlacement], players: Iterable[int], change_db: float
) -> tuple[PlayerPlacement, ...]:
    """The placements with these players louder or softer, within ``GAIN_RANGE_DB``."""
    chosen, (low, high) = frozenset(players), GAIN_RANGE_DB
    return tuple(
        replace(p, gain_db=min(high, max(low, p.gain_db + change_db))) if p.player in chosen else p for p in placements
    )
