"""What performers beside the orchestra play, written down in score time while the music goes on.

A note's place is where the playhead was at its onset. Notes heard while the orchestra does not play have no place in
the score and are not written down, except just before it sets out: who enters on the first beat is often heard a
little before it.
"""

import bisect
from collections.abc import Sequence
from dataclasses import replace

from .types import PERFORMER, FollowState, HeardNote, ScoreNote, ScorePosition

PERFORMER_PART = -1
"""``ScoreNote.part`` of what a performer plays who has no part in the score."""
MOVING: frozenset[FollowState] = frozenset({"preparing", "playing", "coasting", "holding"})
LOWEST_CONFIDENCE = 0.35
"""Less sure notes of a microphone are breath and bow."""
KEPT_POSITIONS = 600
"""Steps of the playhead that are remembered: several seconds, more than a note is late in being known."""
KEPT_NOTES = 256
LONGEST_STEP_S = 0.5
"""Between positions further apart the music stood still."""


class PerformedNotes:
    """Heard notes in, score notes out. Not thread-safe; the performance steps it."""

    def __init__(self) -> None:
        self._times_s: list[float] = []
        self._quarters: list[float] = []
        self._notes: dict[int, ScoreNote] = {}
        self._sounding: set[int] = set()
        self._written: tuple[ScoreNote, ...] | None = ()
        self._quarter = 0.0

    def restart(self) -> None:
        """The music goes on elsewhere: what was played belongs to another place."""
        self._times_s.clear()
        self._quarters.clear()
        self._notes.clear()
        self._sounding.clear()
        self._written = ()

    def step(self, position: ScorePosition, heard: Sequence[HeardNote]) -> None:
        """The playhead is at ``position``; ``heard`` became known since the last step."""
        if position.state in MOVING:
            self._times_s.append(position.time_s)
            self._quarters.append(position.quarter)
            self._quarter = position.quarter
            if len(self._times_s) > 2 * KEPT_POSITIONS:
                del self._times_s[:KEPT_POSITIONS], self._quarters[:KEPT_POSITIONS]
        if heard:
            self._written = None
        for note in heard:
            self._take(note)
        if len(self._notes) > 2 * KEPT_NOTES:
            old = sorted(self._notes, key=lambda note_id: self._notes[note_id].onset_quarter)[:KEPT_NOTES]
            for note_id in old:
                del self._notes[note_id]
                self._sounding.discard(note_id)

    @property
    def notes(self) -> tuple[ScoreNote, ...]:
        """In order of onset. A note that sounds still lasts until now, as far as is known."""
        if self._sounding:
            self._written = None
        if self._written is None:
            for note_id in self._sounding:
                note = self._notes[note_id]
                lasts = max(note.duration_quarter, self._quarter - note.onset_quarter)
                self._notes[note_id] = replace(note, duration_quarter=lasts)
            self._written = tuple(sorted(self._notes.values(), key=lambda note: (note.onset_quarter, note.pitch)))
        return self._written

    def _take(self, heard: HeardNote) -> None:
        onset_quarter = self._place(heard.onset_s)
        if heard.confidence < LOWEST_CONFIDENCE or onset_quarter is None:
            self._notes.pop(heard.note_id, None)
            self._sounding.discard(heard.note_id)
            return
        duration_quarter = 0.0
        if heard.duration_s is None:
            self._sounding.add(heard.note_id)
        else:
            self._sounding.discard(heard.note_id)
            end_quarter = self._place(heard.onset_s + heard.duration_s)
            until_quarter = self._quarter if end_quarter is None else end_quarter
            duration_quarter = max(0.0, until_quarter - onset_quarter)
        self._notes[heard.note_id] = ScoreNote(
            onset_quarter=onset_quarter,
            duration_quarter=duration_quarter,
            pitch=round(heard.pitch),
            part=PERFORMER_PART,
            dynamic=(heard.velocity - 1) / 126,
            source=PERFORMER,
        )

    def _place(self, time_s: float) -> float | None:
        """Where the playhead was at ``time_s``; None where the music did not go."""
        if not self._times_s or time_s < self._times_s[0] - LONGEST_STEP_S:
            return None
        after = bisect.bisect_left(self._times_s, time_s)
        if after == 0:
            return self._quarters[0]
        if after == len(self._times_s):
            return self._quarters[-1] if time_s < self._times_s[-1] + LONGEST_STEP_S else None
        before_s, after_s = self._times_s[after - 1], self._times_s[after]
        if after_s - before_s > LONGEST_STEP_S:
            return None
        share = (time_s - before_s) / (after_s - before_s) if after_s > before_s else 0.0
        return self._quarters[after - 1] + share * (self._quarters[after] - self._quarters[after - 1])
