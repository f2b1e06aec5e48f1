"""The audience at the end: where it sits, when it claps, and the notes that are its applause.

Its clapping is played like an instrument (``engine.sounds.applause``): groups of listeners are players beside the
orchestra, so that applause comes from where they sit, through the same hall.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from .hall import Hall
from .sounds.applause import CROWDS, TEXTURES_EACH, texture_pitch
from .transforms import rotate, tracking_to_hall_direction
from .types import Applause, Frame, NoteEvent, NoteRelease, PlayerPlacement

INSTRUMENT = "applause"
FIRST_NOTE_ID = 0xF000_0000
"""Its notes are numbered from here, where no score comes to."""
DEPTHS = (0.04, 0.2, 0.45, 0.8)
"""Where groups sit between the first row and the last."""
ASIDE = 0.42
"""And how far to either side, in parts of the hall's half width."""
HELD_BREATH_S = 1.4
"""From the end of the last note to the first clap."""
LENGTH_S = (8.0, 16.0)
"""From the coolest applause to the warmest."""
GROWS_S, DIES_S = 2.6, 4.0
BOW_EXTENDS_S = 6.0
"""A conductor who turns to the hall, or bows, is clapped so much longer."""
TURNED_S = 0.4
TURNED_AHEAD, BOWED_UP = -0.3, -0.75
"""A head turns to the hall that looks so far back (cosine), and bows that looks so far down (sine)."""
STILL_THERE_S = 30.0
"""So long after its applause the audience claps a late bow."""
SHORTEST_S = 4.0
"""Nobody claps for less music than this."""
FED_AHEAD_S = 0.25


def audience_seats(hall: Hall, first_player: int, first_part: int) -> tuple[PlayerPlacement, ...]:
    """Groups of listeners as players beside the orchestra, each with a part of its own; none where a hall has no
    seats."""
    if hall.rows is None:
        return ()
    rows, aside_m = hall.rows, ASIDE * hall.high_m[0]
    seats: list[PlayerPlacement] = []
    for depth in DEPTHS:
        y = rows.first_y_m + depth * (rows.last_y_m - rows.first_y_m)
        z = rows.floor_z_m + rows.rise_m * depth * (rows.count - 1)
        for x in (-aside_m, aside_m):
            index = len(seats)
            seats.append(
                PlayerPlacement(first_player + index, first_part + index, "audience", INSTRUMENT, (x, y, z), 0.0, 0)
            )
    return tuple(seats)


def applause_notes(applause: Applause, seats: Sequence[PlayerPlacement]) -> tuple[NoteEvent, ...]:
    """Who claps when: a few begin here and there, more fall in, all clap, and it thins out again."""
    chance = random.Random(round(1000 * (applause.end_s - applause.begin_s)) + len(seats))
    notes: list[NoteEvent] = []
    for seat in seats:
        late_s = chance.uniform(0.0, 0.9)
        begin_s, end_s = applause.begin_s + late_s, applause.end_s - chance.uniform(0.0, 1.2)
        for crowd in range(len(CROWDS)):
            grown = crowd / (len(CROWDS) - 1)
            from_s = begin_s + grown * GROWS_S * chance.uniform(0.75, 1.1)
            until_s = end_s - grown * DIES_S * chance.uniform(0.8, 1.1)
            if until_s <= from_s + 0.5:
                continue
            pitch = texture_pitch(crowd, chance.randrange(TEXTURES_EACH))
            velocity = max(1, min(127, round(55 + 45 * applause.warmth + chance.uniform(-6, 6))))
            note_id = FIRST_NOTE_ID + len(notes)
            notes.append(NoteEvent(note_id, seat.part, from_s, until_s - from_s, pitch, velocity, "sustain", 0.0))
    return tuple(sorted(notes, key=lambda note: note.onset_s))


class Audience:
    """Decides when to clap. One thread, no clock: it is told the time."""

    def __init__(self) -> None:
        self._sounds_until_s = 0.0
        self._turned_since_s: float | None = None
        self._played_s = 0.0
        self._last_s: float | None = None
        self._clapped: Applause | None = None

    def step(self, frame: Frame, ended: bool) -> Applause | None:
        """A frame of the performance; ``ended``: its last note is over. The applause that it gives rise to, new or
        longer than before."""
        now_s = frame.time_s
        if frame.position.state == "playing":
            self._played_s += now_s - (self._last_s if self._last_s is not None else now_s)
            self._clapped = None
        self._last_s = now_s
        for note in frame.notes:
            self._sounds_until_s = max(self._sounds_until_s, note.onset_s + note.duration_s)
        for release in frame.releases:
            self._sounds_until_s = max(self._sounds_until_s, release.time_s)
        turned = self._turned(frame)
        if not ended or now_s < self._sounds_until_s or self._played_s < SHORTEST_S:
            return None
        if self._clapped is None:
            warmth = min(1.0, 0.45 + self._played_s / 240.0)
            length_s = LENGTH_S[0] + warmth * (LENGTH_S[1] - LENGTH_S[0])
            begin_s = now_s + HELD_BREATH_S
            self._clapped = Applause(begin_s, begin_s + length_s, warmth)
            return self._clapped
        if turned and self._clapped.begin_s < now_s < self._clapped.end_s + STILL_THERE_S:
            begin_s = max(self._clapped.end_s - DIES_S, now_s)
            self._clapped = Applause(begin_s, begin_s + BOW_EXTENDS_S + DIES_S, 1.0)
            return self._clapped
        return None

    def _turned(self, frame: Frame) -> bool:
        """Once for each time that the conductor turns to the hall for a moment, or bows to it."""
        head = frame.pose_of("head")
        if head is None or head.orientation_wxyz is None:
            return False
        _, ahead, up = tracking_to_hall_direction(rotate(head.orientation_wxyz, (0.0, 0.0, -1.0)))
        if ahead > TURNED_AHEAD and up > BOWED_UP:
            self._turned_since_s = None
            return False
        if self._turned_since_s is None:
            self._turned_since_s = frame.time_s
        if frame.time_s - self._turned_since_s < TURNED_S:
            return False
        self._turned_since_s = math.inf  # once is enough until they turn back
        return True


class ApplausePlayer:
    """Hands out the notes of applause a little before they sound. One thread."""

    def __init__(self, seats: Sequence[PlayerPlacement]) -> None:
        self._seats = tuple(seats)
        self._waiting: list[NoteEvent] = []
        self._sounding: dict[int, float] = {}
        self._given = 0

    @property
    def sounding(self) -> bool:
        """Somebody claps, or will."""
        return bool(self._waiting or self._sounding)

    def begin(self, applause: Applause) -> None:
        """Clap, besides what is clapped already."""
        for note in applause_notes(applause, self._seats):
            self._waiting.append(replace(note, note_id=FIRST_NOTE_ID + self._given))
            self._given += 1
        self._waiting.sort(key=lambda note: note.onset_s)

    def stop(self, now_s: float) -> tuple[NoteRelease, ...]:
        """The music begins again: everybody stops."""
        self._waiting.clear()
        ends = tuple(NoteRelease(note_id, now_s) for note_id in self._sounding)
        self._sounding.clear()
        return ends

    def step(self, now_s: float) -> tuple[tuple[NoteEvent, ...], tuple[NoteRelease, ...]]:
        """What begins and ends within the next moment."""
        due_s = now_s + FED_AHEAD_S
        begun = tuple(note for note in self._waiting if note.onset_s <= due_s)
        self._waiting = self._waiting[len(begun) :]
        self._sounding |= {note.note_id: note.onset_s + note.duration_s for note in begun}
        ends = tuple(NoteRelease(note_id, end_s) for note_id, end_s in self._sounding.items() if end_s <= due_s)
        for end in ends:
            del self._sounding[end.note_id]
        return begun, ends
