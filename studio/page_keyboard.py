"""The page's keyboard as a performer: keys on the screen or of a computer keyboard, from whichever device plays."""

from collections.abc import Sequence

import mido

from ..engine.types import HeardNote
from .keyboard import KeyboardPlayer
from .relay.relay import RelayProcess


class PageKeyboard:
    """A ``PerformerSource``: a ``KeyboardPlayer`` whose keys come from viewers of the page.

    A key is dated when it was pressed; it sounds at the next step, at most a hundredth of a second after it arrived.
    """

    def __init__(self, player: KeyboardPlayer, relay: RelayProcess) -> None:
        self.player = player
        self._relay = relay
        self._last_s = 0.0

    def poll(self, now_s: float) -> Sequence[HeardNote]:
        for key in self._relay.take_keys():
            self._last_s = max(self._last_s, key.time_s)
            self.player.take(mido.Message("note_on", note=key.pitch, velocity=key.velocity), key.time_s)
        if not self._relay.alive:
            self.player.release_all(max(now_s, self._last_s))
        return self.player.take_notes()

    def close(self) -> None:
        """The relay goes on; its owner closes it."""
        self.player.release_all(self._last_s)
