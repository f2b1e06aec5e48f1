"""From players' notes to voices: what begins when, what joins what, and who makes way when there are too many.

Time is cut into cells of ``CELL`` samples, whatever the block: decisions that are not exact to a sample (how many notes
may begin, who makes way) are taken at their edges, so that blocks of any size give the same sound.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..instruments import catalogue
from ..sounds.sound_set import SoundSet, Zone
from ..types import Articulation, NoteRelease
from .audibility import least_audible
from .ensemble import PlayerNote
from .pyo_block import FloatArray
from .seats import Seats
from .technique import TECHNIQUES, Technique
from .voices import Voice, VoicePool

CELL = 256
"""Samples between decisions (5.3 ms at 48 kHz). A change to a sounding voice takes effect a cell after it is known at
the earliest, because the voice may be in the stream as far ahead."""
SHORTEST_NOTE_S = 0.045
LONGEST_HANG_S = 30.0
"""A note whose release never comes ends this long after it was expected to."""
SILENCE_FADE_S = 0.06
RESTRIKE_FADE_S = 0.35
"""A drum or string struck again stops the vibration that was."""
STEAL_FADE_S = 0.012
"""Fade of a note that gives up its voice: short, and long enough not to click."""
JOIN_S = 0.06
"""A note that ends so shortly before the player's next is joined to it: the players of a section are not that exact."""
LATEST_S = 0.15
"""Where voices are short, a note that could not begin for so long is left out."""
HELD_FAVOUR_DB = 3.0
"""A note that sounds is missed more than one that never began."""
EDGE_FADE_S = 0.25
"""How fast the layer with the quick attack gives way to that with the slow one."""
SAME_PITCH = 0.3
"""Semitones by which a player's notes of one pitch differ at most; quarter tones differ by more."""
POLYPHONY_S = 0.08
"""A held note that is expected to go on longer than this past another's onset is held beside it, not slurred."""
ROLL_HZ, ROLL_SOFTER = 13.0, 10.0
"""A tremolo of what dies away when it is struck is a roll: so many strokes a second, each of which is so much softer
(velocity) than one alone would be, since several ring at once."""
_PRUNE_CELLS = 256


@dataclass(slots=True)
class _Sounding:
    """A player's note that has begun."""

    note: PlayerNote
    voice: Voice

    @property
    def is_on(self) -> bool:
        return self.voice.note_id == self.note.note_id and self.voice.player == self.note.player


@dataclass(slots=True)
class _Pending:
    """Notes of players by time; ``order`` keeps a tie from comparing notes."""

    heap: list[tuple[float, int, PlayerNote]] = field(default_factory=list)
    order: int = 0

    def push(self, time_s: float, note: PlayerNote) -> None:
        self.order += 1
        heapq.heappush(self.heap, (time_s, self.order, note))

    def due(self, before_s: float) -> bool:
        return bool(self.heap) and self.heap[0][0] < before_s

    def pop(self) -> tuple[float, PlayerNote]:
        time_s, _, note = heapq.heappop(self.heap)
        return time_s, note

    def take(self, before_s: float, most: int) -> list[tuple[float, int, PlayerNote]]:
        """Take out the first ``most`` entries that are due."""
        taken: list[tuple[float, int, PlayerNote]] = []
        while len(taken) < most and self.due(before_s):
            taken.append(heapq.heappop(self.heap))
        return taken

    def put_back(self, entry: tuple[float, int, PlayerNote]) -> None:
        heapq.heappush(self.heap, entry)


def attack_share(note: PlayerNote) -> float:
    """How much of the layer with the quick attack begins a sustained note: the louder and the shorter, the more."""
    if note.articulation != "sustain":
        return 0.0
    shortness = min(1.0, max(0.0, (0.9 - note.duration_s) / 0.6))
    hardness = min(1.0, max(0.0, (note.velocity - 70.0) / 50.0))
    share = max(shortness, hardness)
    return share if share >= 0.1 else 0.0


class Playing:
    """What the players play. One thread. Positions are in samples; ``origin_s`` is the session time of sample 0."""

    def __init__(
        self, sounds: SoundSet, voices: VoicePool, seats: Seats, rate_hz: int, block: int, starts_per_cell: int
    ) -> None:
        self.seats = seats
        self.origin_s = 0.0
        self.heard_gains: FloatArray = seats.gains
        """How much of each row reaches the listener: balance and distance."""
        self.left_out = 0
        """Notes that never began because more sounded than there are voices."""
        self._sounds = sounds
        self._voices = voices
        self._rate_hz = rate_hz
        self._block = block
        self._starts_per_cell = starts_per_cell
        self._starts_left = starts_per_cell
        self._zones: dict[tuple[str, Articulation, int, int, bool], tuple[Zone, ...]] = {}
        self._forget()

    def _forget(self) -> None:
        self._pending, self._endings = _Pending(), _Pending()
        self._released: dict[int, float] = {}
        self._by_note: dict[int, list[_Sounding]] = {}
        self._last: dict[int, list[_Sounding]] = {}
        self._onsets: dict[int, list[float]] = {}

    @property
    def idle(self) -> bool:
        """Nothing sounds and nothing is to come."""
        return not self._voices.sounding and not self._pending.heap

    @property
    def awaits(self) -> bool:
        """Notes are to come yet."""
        return bool(self._pending.heap)

    def submit(self, notes: Sequence[PlayerNote], releases: Sequence[NoteRelease]) -> None:
        """Notes to play and to end, in any order; times on the session clock."""
        for note in notes:
            if self._is_roll(note):
                note = replace(note, velocity=max(1.0, note.velocity - ROLL_SOFTER))
            self._voices.load([self._zone(note)])  # now, ahead of time, and not when it is due
            self._pending.push(note.onset_s, note)
            if self._technique(note).slurs:
                heapq.heappush(self._onsets.setdefault(note.player, []), note.onset_s)
        for release in releases:
            self._released[release.note_id] = release.time_s
            for sounding in self._by_note.get(release.note_id, ()):
                self._end_at(sounding.note, release.time_s)

    def silence(self, position: int) -> None:
        """End every note softly and forget what was to come."""
        for voice in self._voices.sounding:
            self._voices.cut(voice, position + CELL, SILENCE_FADE_S)
        self._forget()

    def advance(self, position: int) -> None:
        """Begin and end what is due in the block at ``position``."""
        if position % CELL == 0:
            self._begin_cell(position)
        self._begin_notes(position)
        self._end_notes(position)

    def _time_s(self, position: float) -> float:
        return self.origin_s + position / self._rate_hz

    def _position(self, time_s: float) -> int:
        return round((time_s - self.origin_s) * self._rate_hz)

    def _begin_cell(self, position: int) -> None:
        self._voices.collect(position)
        self._starts_left = self._starts_per_cell
        if position % (_PRUNE_CELLS * CELL) == 0:
            self._forget_finished(self._time_s(position))
        if self._voices.free < len(self._pending.heap):
            self._make_room(position)

    def _make_room(self, position: int) -> None:
        """Where more notes are due than there are voices, end or leave out those that would be missed least."""
        # Whoever makes way must have faded when the voice is wanted.
        ahead = 2 * CELL + round(STEAL_FADE_S * self._rate_hz)
        while self._pending.due(self._time_s(position) - LATEST_S):
            self._roll_on(*self._pending.pop())
            self.left_out += 1
        due = self._pending.take(self._time_s(position + ahead), 2 * self._starts_per_cell)
        making_way = sum(voice.cut for voice in self._voices.sounding)
        left_out = self._choose(due, len(due) - self._voices.free - making_way, position)
        for entry in due:
            if entry[1] not in left_out:
                self._pending.put_back(entry)
            else:
                self._roll_on(entry[0], entry[2])
        self.left_out += len(left_out)

    def _choose(self, due: Sequence[tuple[float, int, PlayerNote]], missing: int, position: int) -> set[int]:
        """Fade out what sounds and is missed least; the entries (by order) that are missed even less."""
        if missing <= 0:
            return set()
        held = [voice for voice in self._voices.sounding if not voice.cut]
        waiting = [entry for entry in due if entry[2].player in self.seats.row_of]
        rows = [voice.row for voice in held] + [self.seats.row_of[entry[2].player] for entry in waiting]
        levels = [self._voices.level_at(voice, position) for voice in held]
        levels += [self._voices.level_of(entry[2], self._zone(entry[2])) for entry in waiting]
        chosen = least_audible(
            np.array([voice.pitch for voice in held] + [entry[2].pitch for entry in waiting]),
            20.0 * np.log10(np.maximum(np.array(levels) * self.heard_gains[rows], 1e-7)),
            self.seats.section_of[rows],
            np.array([HELD_FAVOUR_DB] * len(held) + [0.0] * len(waiting)),
            missing,
        )
        for i in chosen:
            if i < len(held):
                self._voices.cut(held[i], position + CELL, STEAL_FADE_S)
        return {waiting[i - len(held)][1] for i in chosen if i >= len(held)}

    def _begin_notes(self, position: int) -> None:
        end_s = self._time_s(position + self._block - 0.5)  # as times are rounded to samples
        while self._starts_left and self._pending.due(end_s):
            if not self._voices.free:
                self._starts_left = 0
                return
            time_s, note = self._pending.pop()
            # Else the player has left the stage meanwhile, the roll is over, or all was silenced before.
            ends_s = self._ends_s(note)
            over = ends_s < note.event_s or (ends_s < time_s and time_s > note.onset_s)
            if note.player in self.seats.row_of and not over:
                offset = min(max(0, self._position(time_s) - position), self._block - 1)  # late ones begin at once
                self._begin(note, position, offset)
                self._starts_left -= 1
                self._roll_on(time_s, note)

    def _begin(self, note: PlayerNote, position: int, offset: int) -> None:
        technique = self._technique(note)
        earlier = [
            sounding
            for sounding in self._last.get(note.player, ())
            if sounding.is_on and sounding.note.instrument == note.instrument
        ]
        joins_at = position + offset + CELL
        slurred_from = None
        if technique.rings or note.articulation == "pizzicato":
            self._damp_same_pitch(note, earlier, joins_at)
        elif technique.slurs:
            slurred_from = self._slur(note, earlier, joins_at, technique.slur_fade_s)
        row, zone = self.seats.row_of[note.player], self._zone(note)
        voice = self._voices.start(note, zone, technique, row, position, offset, slurred_from)
        begun = [_Sounding(note, voice)]
        edge = attack_share(note) if slurred_from is None else 0.0
        if edge > 0.0 and self._voices.free:
            quick = self._zone(replace(note, articulation="fast"))
            if quick.sample != zone.sample:
                begun.append(
                    _Sounding(note, self._voices.start(note, quick, technique, row, position, offset, gain=edge))
                )
                self._voices.fade(begun[-1].voice, position + offset + CELL, EDGE_FADE_S)
        self._last[note.player] = [*earlier, *begun]
        self._by_note.setdefault(note.note_id, []).extend(begun)
        self._end_at(note, self._ends_s(note))

    def _ends_s(self, note: PlayerNote) -> float:
        """When a note is let go, as far as that is known: long after it was expected to be, at the latest."""
        latest_s = note.onset_s + note.duration_s * 3.0 + LONGEST_HANG_S
        return self._released.get(note.note_id, latest_s)

    def _is_roll(self, note: PlayerNote) -> bool:
        return note.articulation == "tremolo" and not self._sounds.samples[self._zone(note).sample].sustains

    def _roll_on(self, time_s: float, note: PlayerNote) -> None:
        """After a stroke of a roll, the next: its time is later than the onset of its note."""
        if self._is_roll(note):
            self._pending.push(time_s + 1.0 / ROLL_HZ, replace(note, variation=note.variation + 1))

    def _technique(self, note: PlayerNote) -> Technique:
        return TECHNIQUES[catalogue()[note.instrument or self.seats.of_player(note.player).instrument].family]

    def _zone(self, note: PlayerNote) -> Zone:
        """The recording that this player takes for a note."""
        placement = self.seats.of_player(note.player)
        section = self.seats.in_section(placement)
        instrument = note.instrument or placement.instrument
        wanted = (instrument, note.articulation, round(note.pitch), round(note.velocity), section)
        zones = self._zones.get(wanted)
        if zones is None:
            zones = self._zones[wanted] = self._sounds.zones_for(*wanted)
        return zones[note.variation % len(zones)]

    def _damp_same_pitch(self, note: PlayerNote, earlier: Sequence[_Sounding], at: int) -> None:
        for sounding in earlier:
            if abs(sounding.note.pitch - note.pitch) < SAME_PITCH:
                self._voices.fade(sounding.voice, at, RESTRIKE_FADE_S)

    def _slur(self, note: PlayerNote, earlier: Sequence[_Sounding], at: int, fade_s: float) -> float | None:
        """The pitch of a note that sounds still and that this one grows out of; it fades under it."""
        slurred_from = None
        for sounding in earlier:
            previous = sounding.note
            held_beside = previous.onset_s + previous.duration_s > note.onset_s + POLYPHONY_S
            let_go = sounding.voice.released_at < at - CELL - round(JOIN_S * self._rate_hz)
            if previous.onset_s > note.onset_s - SHORTEST_NOTE_S or held_beside or let_go:
                continue
            self._voices.fade(sounding.voice, at, fade_s)
            if abs(previous.pitch - note.pitch) >= SAME_PITCH:
                slurred_from = previous.pitch
        return slurred_from

    def _end_at(self, note: PlayerNote, time_s: float) -> None:
        self._endings.push(max(time_s, note.onset_s + SHORTEST_NOTE_S), note)

    def _end_notes(self, position: int) -> None:
        """Ends are told to voices a cell ahead, so that they are exact to a sample."""
        until_s = self._time_s(position + self._block + CELL)
        while self._endings.due(until_s):
            time_s, note = self._endings.pop()
            time_s = self._held_until(note, time_s)
            at = max(self._position(time_s), position + CELL)
            for sounding in self._by_note.get(note.note_id, ()):
                if sounding.note.player == note.player and sounding.is_on:
                    self._voices.release(sounding.voice, at)

    def _held_until(self, note: PlayerNote, time_s: float) -> float:
        """When a player lets a note go that ends at a time: not before their own next note grows out of it, if that
        comes at once.

        All players of a section are told the same end, and each begins the next note a little late or early.
        """
        onsets = self._onsets.get(note.player)
        if not onsets:
            return time_s
        while onsets and onsets[0] <= time_s:
            heapq.heappop(onsets)
        return onsets[0] + JOIN_S if onsets and onsets[0] <= time_s + JOIN_S else time_s

    def _forget_finished(self, now_s: float) -> None:
        """Drop what is known of notes that are over, so that a long session does not grow."""
        self._by_note = {i: notes for i, notes in self._by_note.items() if any(note.is_on for note in notes)}
        self._released = {i: time_s for i, time_s in self._released.items() if time_s > now_s - LONGEST_HANG_S}
