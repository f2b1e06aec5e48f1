"""Notes in, two ears out: the whole sound of the orchestra, a block at a time.

    notes → players (``ensemble``) → voices (pyo, ``voices``) → streams of players and sections (``StreamRing``)
          → directions (``source_field``) → ears (``spatial``) + late hall (pyo, ``reverb``) → limiter (``master``)

The same renderer plays live and offline; the same events at the same settings give the same samples.
"""

import heapq
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import numba
import numpy as np
import numpy.typing as npt

from ..errors import AudioDeviceError
from ..instruments import catalogue
from ..sounds.sound_set import SoundSet, Zone
from ..types import Articulation, NoteEvent, NoteRelease, PlayerPlacement, Pose
from ..units import db_to_gain
from .ensemble import PlayerNote, assign
from .hrtf import LEAD, HrtfGrid, load_grid
from .loudness import programme_gain_db
from .master import TruePeakLimiter
from .pyo_block import FloatArray
from .reverb import LateReverb
from .room import Room
from .source_field import AT_PODIUM, FieldBuilder, Listener, listener_from_pose
from .spatial import SpatialStage, StreamRing, fft_size_for
from .voices import LEGATO_FADE_S, Voice, VoicePool

FEWEST_VOICES, VOICES_PER_PLAYER = 64, 3
"""A small ensemble gets a smaller pool: idle voices cost little, but not nothing."""
SHORTEST_NOTE_S = 0.045
LONGEST_HANG_S = 30.0
"""A note whose release never comes ends this long after it was expected to."""
SILENCE_FADE_S = 0.06
RESTRIKE_FADE_S = 0.35
"""A drum or string struck again stops the vibration that was."""
POLYPHONY_S = 0.08
"""A held note that is expected to go on longer than this past another's onset is held beside it, not slurred."""
SOLOISTS = 2
"""Up to so many players of a part play a soloist's recordings, more play a section's."""
_MONOPHONIC = frozenset({"strings", "woodwind", "brass", "voice"})
_RINGING = frozenset({"percussion", "plucked"})
_PRUNE_BLOCKS = 256


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """How to render.

    ``voices`` is the largest size of the pool; ``starts_per_block`` bounds what one block has to begin (the rest begin
    a block later); ``loudness_lufs`` is about what the whole ensemble gives at forte, ``gain_db`` is added; ``sofa`` is
    a file with another head than the default.
    """

    rate_hz: int = 48000
    block: int = 256
    seed: int = 1
    voices: int = 288
    starts_per_block: int = 24
    loudness_lufs: float = -17.0
    gain_db: float = 0.0
    ceiling_db: float = -1.5
    sofa: Path | None = None

    def __post_init__(self) -> None:
        if self.rate_hz not in (44100, 48000, 88200, 96000):
            raise AudioDeviceError(f"cannot render at {self.rate_hz} Hz: choose 44100, 48000, 88200 or 96000")
        if not 32 <= self.block <= 2048 or self.block & (self.block - 1):
            raise AudioDeviceError(f"cannot render in blocks of {self.block}: choose a power of two from 32 to 2048")
        if not 1 <= self.voices <= 1024 or self.starts_per_block < 1:
            raise AudioDeviceError(f"cannot play with {self.voices} voices and {self.starts_per_block} starts a block")


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


class OrchestraRenderer:
    """The sound of an ensemble in a room. One thread; ``close`` frees the pyo servers.

    ``origin_s`` is the session time of sample 0; move it to follow an audio device's clock. What is submitted late
    begins at once. The output is ``latency`` samples behind (a few milliseconds).
    """

    def __init__(
        self,
        placements: Sequence[PlayerPlacement],
        sounds: SoundSet,
        room: Room,
        settings: AudioSettings | None = None,
        grid: HrtfGrid | None = None,
    ) -> None:
        if not placements:
            raise AudioDeviceError("nobody is on the stage: an orchestra needs at least one player")
        self.settings = settings = settings or AudioSettings()
        self.origin_s = 0.0
        self.broken_voices = 0
        """Notes left out because a voice gave something that is not a number."""
        self._sounds = sounds
        self._room = room
        self._grid = grid or load_grid(settings.rate_hz, fft_size_for(settings.block), settings.sofa)
        self._listener: Listener = AT_PODIUM
        voices = min(settings.voices, FEWEST_VOICES + VOICES_PER_PLAYER * len(placements))
        self._voices = VoicePool(sounds, voices, settings.rate_hz, settings.block)
        self._reverb = LateReverb(room, settings.rate_hz, settings.block, settings.seed)
        self._limiter = TruePeakLimiter(settings.rate_hz, settings.block, settings.ceiling_db)
        self._gain = db_to_gain(programme_gain_db(placements, room, settings.loudness_lufs) + settings.gain_db)
        self._pending, self._endings = _Pending(), _Pending()
        self._released: dict[int, float] = {}
        self._by_note: dict[int, list[_Sounding]] = {}
        self._last: dict[int, list[_Sounding]] = {}
        self._placements: list[PlayerPlacement] = []
        self._wanted_gains = np.zeros(0, np.float32)
        self._position = 0
        self._set_players(placements)

    @property
    def latency(self) -> int:
        """Samples by which the output is behind the events: the limiter's look-ahead and the head's filters' lead."""
        return self._limiter.latency + LEAD

    @property
    def position(self) -> int:
        """The next block's first sample, counted from the start."""
        return self._position

    @property
    def sounding(self) -> int:
        """Voices that sound now."""
        return len(self._voices.sounding)

    @property
    def idle(self) -> bool:
        """Nothing sounds and nothing is to come; the hall may ring still."""
        return not self._voices.sounding and not self._pending.heap

    @property
    def tail_s(self) -> float:
        """How long the hall rings after the last sound."""
        return (self._reverb.tail + self._history + self.latency) / self.settings.rate_hz

    @property
    def limiting_db(self) -> float:
        """By how much the limiter reduced the last block (≤ 0)."""
        return 20.0 * math.log10(self._limiter.smallest_gain)

    def submit(self, notes: Sequence[NoteEvent], releases: Sequence[NoteRelease]) -> None:
        """Notes to play and to end, in any order; times on the session clock."""
        chords: dict[tuple[int, float], list[NoteEvent]] = {}
        for event in notes:
            chords.setdefault((event.part, event.quarter), []).append(event)
        for (part, _), events in chords.items():
            for note in assign(events, self._players_of_part.get(part, ()), self.settings.seed):
                self._voices.load([self._zone(note)])  # now, ahead of time, and not when it is due
                self._pending.push(note.onset_s, note)
        for release in releases:
            self._released[release.note_id] = release.time_s
            for sounding in self._by_note.get(release.note_id, ()):
                self._end_at(sounding.note, release.time_s)

    def listen(self, head: Pose) -> None:
        """Where the listener's head is from the next block on (tracking frame); invalid poses are ignored."""
        if head.valid and all(math.isfinite(value) for value in head.position_m):
            self.place_listener(listener_from_pose(head))

    def place_listener(self, listener: Listener) -> None:
        """The same in the hall frame: a seat in the audience, for example."""
        if listener != self._listener:
            self._listener = listener
            self._moved = True

    def place(self, placements: Sequence[PlayerPlacement]) -> None:
        """Move, mute or re-balance players; a different set of players ends what the old one plays."""
        if [(p.player, p.section) for p in placements] == [(p.player, p.section) for p in self._placements]:
            self._placements = list(placements)
            self._index_players()
            self._builder = FieldBuilder(self._placements, self._room, self._grid, self.settings.rate_hz)
            self._moved = True
        elif placements:
            self.silence()
            self._set_players(placements)

    def silence(self) -> None:
        """End every note softly and forget what was to come."""
        for voice in self._voices.sounding:
            self._voices.fade(voice, self._position, SILENCE_FADE_S)
        self._pending, self._endings = _Pending(), _Pending()
        self._released.clear()
        self._by_note.clear()
        self._last.clear()

    def render(self) -> FloatArray:
        """The next block, (block, 2) float32."""
        settings, ring = self.settings, self._ring
        start_s = self.origin_s + self._position / settings.rate_hz
        end_s = start_s + settings.block / settings.rate_hz
        self._voices.collect(self._position)
        if self._position % (_PRUNE_BLOCKS * settings.block) == 0:
            self._forget_finished(start_s)
        self._begin_notes(start_s, end_s)
        self._end_notes(0.5 * (start_s + end_s))
        if self._moved:
            self._spatial.place(self._builder.build(self._listener))
            self._moved = False
        ring.advance()
        self.broken_voices += self._voices.process(ring)
        send = np.zeros(settings.block, np.float32)
        _finish_rows(
            ring.samples, ring.position, self._gains, self._wanted_gains, self._section_of, ring.last_active, send
        )
        ears = self._spatial.process(ring)
        ears = (ears + self._reverb.process(send)) * np.float32(self._gain)
        self._position += settings.block
        return np.ascontiguousarray(self._limiter.process(ears).T)

    def load_ahead(self, count: int) -> None:
        """Use spare time to bring ``count`` more of the players' recordings into memory."""
        self._voices.load(itertools.islice(self._to_load, count))

    def close(self) -> None:
        """Free the pyo servers; the renderer must not be used any more."""
        self._voices.close()
        self._reverb.close()

    def _set_players(self, placements: Sequence[PlayerPlacement]) -> None:
        settings = self.settings
        self._placements = list(placements)
        self._builder = FieldBuilder(self._placements, self._room, self._grid, settings.rate_hz)
        self._history = self._builder.longest_delay(self._room) + self._grid.fft_size
        self._ring = StreamRing(self._builder.rows, self._history, settings.block)
        self._ring.position = self._position - settings.block
        self._spatial = SpatialStage(self._grid, settings.block)
        self._section_of = self._builder.section_of
        self._moved = True
        self._index_players()
        self._gains = self._wanted_gains.copy()
        self._to_load = self._zones_of_players()

    def _index_players(self) -> None:
        self._rows = {placement.player: row for row, placement in enumerate(self._placements)}
        self._players_of_part: dict[int, list[PlayerPlacement]] = {}
        for placement in self._placements:
            self._players_of_part.setdefault(placement.part, []).append(placement)
        self._wanted_gains = np.array([0.0 if p.muted else db_to_gain(p.gain_db) for p in self._placements], np.float32)

    def _zones_of_players(self) -> Iterator[Zone]:
        """The zones that these players can need."""
        chairs = {(placement.instrument, self._in_section(placement)) for placement in self._placements}
        for instrument, in_section in sorted(chairs):
            for articulation in get_args(Articulation):
                yield from self._sounds.patch_for(instrument, articulation, in_section).zones

    def _in_section(self, placement: PlayerPlacement) -> bool:
        """Whether a player is one of many on a part, and not a soloist."""
        return len(self._players_of_part.get(placement.part, ())) > SOLOISTS

    def _begin_notes(self, start_s: float, end_s: float) -> None:
        wanted = 0
        for _ in range(self.settings.starts_per_block):
            if not self._pending.due(end_s):
                break
            if not self._voices.free:
                wanted += 1
                break
            time_s, note = self._pending.pop()
            if note.player in self._rows:  # else the player has left the stage meanwhile
                self._begin(note, max(0, round((time_s - start_s) * self.settings.rate_hz)), start_s)
        reserve = self.settings.starts_per_block if self._pending.due(end_s + 0.02) else 0
        if len(self._voices.free) < reserve + wanted:
            self._voices.steal(reserve + wanted - len(self._voices.free), self._position)

    def _begin(self, note: PlayerNote, offset: int, start_s: float) -> None:
        row = self._rows[note.player]
        placement = self._placements[row]
        zone = self._zone(note)
        family = catalogue()[placement.instrument].family
        earlier = [s for s in self._last.get(note.player, ()) if s.is_on]
        plucked = family in _RINGING or note.articulation == "pizzicato"
        legato = False
        if plucked:
            self._damp_same_pitch(note, earlier)
        elif family in _MONOPHONIC:
            legato = self._slur(note, earlier)
        voice = self._voices.start(
            note, zone, row, self._position, min(offset, self.settings.block - 1), legato, rings_on=plucked
        )
        sounding = _Sounding(note, voice)
        self._last[note.player] = [*earlier, sounding]
        self._by_note.setdefault(note.note_id, []).append(sounding)
        expected_s = note.duration_s * 3.0 + LONGEST_HANG_S
        self._end_at(note, self._released.get(note.note_id, start_s + expected_s))

    def _zone(self, note: PlayerNote) -> Zone:
        """The recording that this player takes for a note."""
        placement = self._placements[self._rows[note.player]]
        zones = self._sounds.zones_for(
            placement.instrument,
            note.articulation,
            round(note.pitch),
            round(note.velocity),
            section=self._in_section(placement),
        )
        return zones[note.variation % len(zones)]

    def _damp_same_pitch(self, note: PlayerNote, earlier: Sequence[_Sounding]) -> None:
        for sounding in earlier:
            if round(sounding.note.pitch) == round(note.pitch):
                self._voices.fade(sounding.voice, self._position, RESTRIKE_FADE_S)

    def _slur(self, note: PlayerNote, earlier: Sequence[_Sounding]) -> bool:
        """Whether the note grows out of one that sounds still, which then fades under it."""
        slurred = False
        for sounding in earlier:
            previous = sounding.note
            held_beside = previous.onset_s + previous.duration_s > note.onset_s + POLYPHONY_S
            if previous.onset_s > note.onset_s - SHORTEST_NOTE_S or held_beside or sounding.voice.released:
                continue
            self._voices.fade(sounding.voice, self._position, LEGATO_FADE_S)
            slurred |= round(previous.pitch) != round(note.pitch)
        return slurred

    def _end_at(self, note: PlayerNote, time_s: float) -> None:
        self._endings.push(max(time_s, note.onset_s + SHORTEST_NOTE_S), note)

    def _end_notes(self, until_s: float) -> None:
        while self._endings.due(until_s):
            _, note = self._endings.pop()
            for sounding in self._by_note.get(note.note_id, ()):
                if sounding.note.player == note.player and sounding.is_on:
                    self._voices.release(sounding.voice, self._position)

    def _forget_finished(self, now_s: float) -> None:
        """Drop what is known of notes that are over, so that a long session does not grow."""
        self._by_note = {i: notes for i, notes in self._by_note.items() if any(note.is_on for note in notes)}
        self._released = {i: time_s for i, time_s in self._released.items() if time_s > now_s - LONGEST_HANG_S}


@numba.njit(nogil=True, cache=True)
def _finish_rows(
    samples: FloatArray,
    position: int,
    gains: FloatArray,
    wanted: FloatArray,
    section_of: npt.NDArray[np.int32],
    last_active: npt.NDArray[np.int64],
    send: FloatArray,
) -> None:
    """Players' rows of the block: apply the balance (in a ramp), add them to their section's row and to the hall."""
    players, block, length = gains.size, send.size, samples.shape[1]
    start = position % length  # the block never wraps: the ring is a power of two of blocks
    for player in range(players):
        row = samples[player, start : start + block]
        sounds = False
        for i in range(block):
            if row[i] != 0.0:
                sounds = True
                break
        gain, step = gains[player], (wanted[player] - gains[player]) / np.float32(block)
        gains[player] = wanted[player]
        if not sounds:
            continue
        section = players + section_of[player]
        target = samples[section, start : start + block]
        for i in range(block):
            gain += step
            value = row[i] * gain
            row[i] = value
            target[i] += value
            send[i] += value
        last_active[player] = last_active[section] = position + block
