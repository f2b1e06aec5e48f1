"""Players who are moved, muted or balanced while they play: what changed, and the seating that comes of it."""

from collections.abc import Iterable, Sequence

from ..engine.types import PlayerPlacement


def changed_players(before: Sequence[PlayerPlacement], after: Sequence[PlayerPlacement]) -> tuple[PlayerPlacement, ...]:
    """Those of ``after`` who are not as they were."""
    known = {placement.player: placement for placement in before}
    return tuple(placement for placement in after if known.get(placement.player) != placement)


def reseated(placements: Sequence[PlayerPlacement], changed: Iterable[PlayerPlacement]) -> tuple[PlayerPlacement, ...]:
    """The placements with those who ``changed`` in place of themselves."""
    new = {placement.player: placement for placement in changed}
    return tuple(new.get(placement.player, placement) for placement in placements)
