"""Holds and cut-offs: when the sound is held, and which movements of baton or free hand end it."""

import math

from ..types import ScorePosition, Sign, TempoEstimate
from .cut_off import closes, slashes
from .hands import HandTracker

HOLD_S = 0.4
BATON_REST_S = 0.3
OVERDUE_BEATS = 0.4
WAITS_BEATS = 1.6
"""A hand whose next beat is not expected before so many periods after the last one waits: the sound is held once the
period is over."""
AT_END_BEATS = 1.3
CUT_AGAIN_S = 1.0
HELD_LATELY_S = 0.05
PRESENTED_BEFORE_S = 0.1
"""The free hand was up for so long before: coming up is no cut-off."""
TOGETHER_S = 0.25
"""Both hands close together if one begins no more than this after the other."""


class HoldReader:
    """Signs of holds and cut-offs. Causal; one thread.

    ``presented_s`` is since when the free hand has been presented, or None (``signs.is_presented``).
    """

    def __init__(self, beats: int | None = None) -> None:
        """``beats`` is how many conductor's beats the score has: at its end a cut-off needs no hold before it."""
        self._beats = beats
        self._held = False
        self._cut_s = -math.inf
        self._held_until_s = -math.inf
        self._beat, self._period_s = -1, 0.0

    def watch(self, position: ScorePosition | None, tempo: TempoEstimate | None) -> None:
        """Remember until when the sound was held, or the music at its end: a loop of the baton may look like a beat."""
        if position is None or tempo is None:
            return
        if tempo.beat_index != self._beat:  # the period of a beat that is held becomes longer
            self._beat, self._period_s = tempo.beat_index, tempo.beat_period_s
        overdue = tempo.time_s > tempo.next_beat_s + OVERDUE_BEATS * tempo.beat_period_s
        late = tempo.time_s > tempo.beat_s + self._period_s
        waits = late and tempo.next_beat_s > tempo.beat_s + WAITS_BEATS * self._period_s
        at_end = self._beats is not None and position.beat >= self._beats - AT_END_BEATS
        if position.state == "holding" or tempo.stopped or overdue or waits or at_end:
            self._held_until_s = max(tempo.time_s, position.time_s)

    def hold(
        self, hand: HandTracker, baton: HandTracker, presented_s: float | None, tempo: TempoEstimate | None
    ) -> list[Sign]:
        """The presented hand is still while the baton rests and the next beat is overdue: told once."""
        resting = (
            tempo is not None
            and baton.sample is not None
            and baton.sample.still_s >= BATON_REST_S
            and (tempo.stopped or baton.time_s > tempo.next_beat_s + OVERDUE_BEATS * tempo.beat_period_s)
        )
        if not resting:
            self._held = False
        elif not self._held and presented_s is not None and hand.sample is not None and hand.sample.still_s >= HOLD_S:
            self._held = True
            return [Sign(hand.sample.known_s, "hold")]
        return []

    def baton_cuts_off(self, hand: HandTracker, baton: HandTracker) -> list[Sign]:
        """The baton's latest movement closes the sound: a loop; a slash only if both hands give it."""
        both = hand.latest is not None and slashes(hand)
        return self._cut_off(baton, both) if self._may_end(baton) else []

    def hand_cuts_off(self, hand: HandTracker, baton: HandTracker, presented_s: float | None) -> list[Sign]:
        """The free hand's does, which was presented already, while the baton rests or closes as well."""
        if hand.latest is None or presented_s is None or not self._may_end(hand):
            return []
        start_s = hand.latest.start_s
        if start_s - presented_s <= PRESENTED_BEFORE_S or not _waits(baton, start_s):
            return []
        return self._cut_off(hand, True)

    def _may_end(self, moved: HandTracker) -> bool:
        """The sound was held when the movement began, or soon after, or the music was at its end."""
        if moved.sample is None or moved.latest is None or moved.sample.time_s - self._cut_s < CUT_AGAIN_S:
            return False
        return moved.latest.start_s <= self._held_until_s + HELD_LATELY_S

    def _cut_off(self, moved: HandTracker, may_slash: bool) -> list[Sign]:
        assert moved.sample is not None
        if not closes(moved) and not (may_slash and slashes(moved)):
            return []
        self._cut_s = moved.sample.time_s
        return [Sign(moved.sample.known_s, "cut_off")]


def _waits(baton: HandTracker, since_s: float) -> bool:
    """The baton rested when the free hand began, or closes as well."""
    if baton.sample is None or baton.latest is None or baton.trembles:
        return True
    return baton.rested_s >= BATON_REST_S and abs(baton.latest.start_s - since_s) < TOGETHER_S
