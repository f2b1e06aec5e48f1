"""Notes in, two ears out: the whole sound of the orchestra, a block at a time.

    notes → players (``ensemble``) → voices (pyo, ``voices``) → streams of players and sections (``StreamRing``)
          → directions (``source_field``) → ears (``spatial``) + late hall (pyo, ``reverb``) → limiter (``master``)

The same renderer plays live and offline; the same events at the same settings give the same samples.
"""

import itertools
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numba
import numpy as np
import numpy.typing as npt

from ..errors import AudioDeviceError
from ..sounds.sound_set import SECTION, SoundSet, Zone
from ..types import Articulation, NoteEvent, NoteRelease, PlayerPlacement, Pose
from ..units import db_to_gain, gain_to_db
from .ensemble import assign
from .hrtf import LEAD, HrtfGrid, load_grid
from .loudness import programme_gain_db, with_applause_held
from .loudness_hold import LoudnessHold
from .master import TruePeakLimiter
from .metering import SectionLevel, SectionMeters
from .playing import CELL, Playing
from .pyo_block import FloatArray
from .reverb import LateReverb
from .room import Room
from .seats import Seats
from .side_outputs import OutputMaker, SideOutput
from .source_field import AT_PODIUM, BUSES, NEAREST_M, FieldBuilder, Listener, listener_from_pose
from .spatial import SpatialStage, StreamRing, fft_size_for
from .voices import VoicePool

FEWEST_VOICES, VOICES_PER_PLAYER = 64, 3
"""A small ensemble gets a smaller pool: voices that never play cost memory and time at the start."""
FASTEST_GAIN_DB_PER_S = 9.0
"""How fast the loudness follows where the listener sits down elsewhere: steps of 0.05 dB from cell to cell."""


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """How to render.

    ``voices`` is the largest size of the pool; ``starts_per_block`` bounds what 256 samples have to begin (the rest
    begin as much later); ``loudness_lufs`` is about what the whole ensemble gives at forte, held slowly
    (``loudness_hold``), ``gain_db`` is added; ``sofa`` is a file with another head than the default,
    ``head_radius_m`` the size of one's own. A ``listener`` is a fixed seat, which tracked heads do not move.
    ``reflection_order`` is how many walls a reflection may meet (0 to 2); with ``by_section``, sections share no
    reflections, so that they can be told apart to the last bit.
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
    head_radius_m: float | None = None
    listener: Listener | None = None
    reflection_order: int = 1
    by_section: bool = False

    def __post_init__(self) -> None:
        if self.rate_hz not in (44100, 48000, 88200, 96000):
            raise AudioDeviceError(f"cannot render at {self.rate_hz} Hz: choose 44100, 48000, 88200 or 96000")
        if not 32 <= self.block <= 2048 or self.block & (self.block - 1):
            raise AudioDeviceError(f"cannot render in blocks of {self.block}: choose a power of two from 32 to 2048")
        if not 1 <= self.voices <= 1024 or self.starts_per_block < 1:
            raise AudioDeviceError(f"cannot play with {self.voices} voices and {self.starts_per_block} starts a block")
        if self.reflection_order not in BUSES:
            raise AudioDeviceError(f"cannot render reflections of order {self.reflection_order}: choose 0, 1 or 2")


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
        self._block = min(settings.block, CELL)
        fft_size = fft_size_for(self._block) * (1 if settings.rate_hz <= 48000 else 2)  # filters as long in seconds
        self._grid = grid or load_grid(settings.rate_hz, fft_size, settings.sofa, head_radius_m=settings.head_radius_m)
        self._listener: Listener = settings.listener or AT_PODIUM
        self._beside: Sequence[SideOutput] = ()
        voices = min(settings.voices, FEWEST_VOICES + VOICES_PER_PLAYER * len(placements))
        self._voices = VoicePool(sounds, voices, settings.rate_hz, self._block)
        self._reverb = LateReverb(room, settings.rate_hz, self._block, settings.seed)
        self._limiter = TruePeakLimiter(settings.rate_hz, self._block, settings.ceiling_db)
        self._left: list[tuple[LateReverb, int]] = []
        """Halls that were left and ring still, with the position at which they are silent."""
        self._seat = settings.listener
        self._solo: frozenset[str] = frozenset()
        self._placements = tuple(placements)
        self._wanted_db = gain_db = self._gain_here_db()
        self._seats = self._seated()
        self._programme_db = gain_db
        self._gain_before = self._gain = self._programme_gain = db_to_gain(gain_db)
        self._hold = LoudnessHold(settings.rate_hz, CELL, settings.loudness_lufs + settings.gain_db, gain_db)
        self._playing = Playing(
            sounds, self._voices, self._seats, settings.rate_hz, self._block, settings.starts_per_block
        )
        self._position = 0
        self._live: dict[int, FloatArray] = {}
        self._gains: FloatArray = self._seats.gains.copy()
        self._gain_steps: FloatArray = np.zeros_like(self._gains)
        self._reached_gains = self._seats.gains
        self._ramping = False
        self._take_stage()

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
        return self._playing.idle

    @property
    def awaits(self) -> bool:
        """Notes are to come yet."""
        return self._playing.awaits

    @property
    def left_out(self) -> int:
        """Notes that never began because more sounded than there are voices."""
        return self._playing.left_out

    @property
    def meters(self) -> tuple[SectionLevel, ...]:
        """How loud each section plays, before the hall, as ``gain_db`` and the loudness target have it."""
        return self._meters.read(gain_to_db(self._gain))

    @property
    def tail_s(self) -> float:
        """How long the hall rings after the last sound."""
        left = max((until - self._position for _, until in self._left), default=0)
        return (max(self._reverb.tail, left) + self._history + self.latency) / self.settings.rate_hz

    @property
    def limiting_db(self) -> float:
        """By how much the limiter reduced the last block (≤ 0)."""
        return 20.0 * math.log10(self._limiter.smallest_gain)

    def submit(self, notes: Sequence[NoteEvent], releases: Sequence[NoteRelease]) -> None:
        """Notes to play and to end, in any order; times on the session clock."""
        chords: dict[tuple[int, float], list[NoteEvent]] = {}
        for event in notes:
            chords.setdefault((event.part, event.quarter), []).append(event)
        played = [
            note
            for (part, _), events in chords.items()
            for note in assign(events, self._seats.players_of_part.get(part, ()), self.settings.seed)
        ]
        self._playing.submit(played, releases)

    def listen(self, head: Pose) -> None:
        """Where the listener's head is from the next block on (tracking frame); invalid poses are ignored, and all are
        where the listener has a fixed seat."""
        if self._seat is None and head.valid and all(math.isfinite(value) for value in head.position_m):
            self.place_listener(listener_from_pose(head))

    def place_listener(self, listener: Listener) -> None:
        """The same in the hall frame: a seat in the audience, for example."""
        if listener != self._listener:
            self._listener = listener
            self._moved = True

    def sit(self, listener: Listener | None) -> None:
        """Hear from a fixed seat from the next block on, or (None) with the head that is tracked, from the podium on.
        The loudness follows within a second or so, as it was chosen for the seat before."""
        self._seat = listener
        self.place_listener(listener or AT_PODIUM)
        self._adjust_loudness()
        self._seats = self._playing.seats = self._seated()

    def enter(self, room: Room, listener: Listener | None) -> None:
        """Go over to another hall, and hear from ``listener`` there (None: as ``sit``). What sounds is silenced, and
        the hall that was left rings out. Takes time: not for a process whose device waits. Raises
        ``AudioDeviceError`` where other formats or stems are rendered: they know one hall."""
        if self._beside:
            raise AudioDeviceError("the hall cannot change while other formats or stems are rendered")
        settings = self.settings
        self.silence()
        self._left.append((self._reverb, self._position + self._reverb.tail))
        self._room, self._reverb = room, LateReverb(room, settings.rate_hz, self._block, settings.seed)
        self.sit(listener)
        self._take_stage()

    def place(self, placements: Sequence[PlayerPlacement]) -> None:
        """Move, mute or re-balance players; a different set of players ends what the old one plays."""
        if self._seats.same_players(placements):
            self._placements = tuple(placements)
            self._seats = self._playing.seats = self._seated()
            self._builder = self._make_builder()
            self._moved = True
        elif placements:
            if self._beside:
                raise AudioDeviceError("other players cannot come in while other formats or stems are rendered")
            self.silence()
            self._placements = tuple(placements)
            self._adjust_loudness()
            self._seats = self._playing.seats = self._seated()
            self._take_stage()

    def solo(self, sections: Collection[str]) -> None:
        """Hear these sections alone; all, if none is named. Who plays does not change, nor does the balance."""
        self._solo = frozenset(sections)
        self._seats = self._playing.seats = self._seated()
        self._moved = True

    def silence(self) -> None:
        """End every note softly and forget what was to come."""
        self._playing.silence(self._position)

    def feed(self, player: int, samples: FloatArray) -> None:
        """What a player is heard to play by a microphone in the next block, (block,), beside the notes they have.

        It is heard from their seat, with reflections and hall; the ``block`` is that of the settings.
        """
        self._live[player] = samples

    def render(self) -> FloatArray:
        """The next block, (block, 2) float32."""
        blocks = [self._limiter.process(self._mix()).T for _ in range(self.settings.block // self._block)]
        return np.ascontiguousarray(blocks[0]) if len(blocks) == 1 else np.concatenate(blocks)

    def mix(self) -> FloatArray:
        """The next block as ``render`` gives it but for the limiter: neither limited nor delayed by it."""
        return np.concatenate([self._mix().T for _ in range(self.settings.block // self._block)])

    def _mix(self) -> FloatArray:
        """A block of at most a cell, (2, block)."""
        ring = self._ring
        self._playing.origin_s = self.origin_s
        self._playing.advance(self._position)
        if self._moved and not self._spatial.crossfades:
            self._move()
        if self._position % CELL == 0:
            self._begin_cell()
        ring.advance()
        self.broken_voices += self._voices.process(ring)
        if self._live:
            self._add_live(ring)
        send = np.zeros(self._block, np.float32)
        _finish_rows(
            ring.samples, ring.position, self._gains, self._gain_steps, self._section_of, ring.last_active, send
        )
        players, start = len(self._gains), ring.position % ring.samples.shape[1]
        buses = players + len(self._seats.sections)
        self._meters.update(
            ring.samples[players:buses, start : start + self._block],
            ring.last_active[players:buses] > ring.position,
        )
        ears = self._spatial.process(ring)
        hall = self._reverb.process(send)
        if self._left:
            hall = hall + self._ringing_out()
        gain = self._gain_of_samples()
        for output in self._beside:
            output.process(ring, send, hall, gain)
        self._position += self._block
        stereo = ears + hall
        self._hold.add(stereo)
        return np.asarray(stereo * gain, np.float32)

    def _ringing_out(self) -> FloatArray:
        """What is left of the halls that were left, (2, block)."""
        silence = np.zeros(self._block, np.float32)
        ringing = np.sum([reverb.process(silence) for reverb, _ in self._left], axis=0, dtype=np.float32)
        for reverb, until in self._left:
            if self._position >= until:
                reverb.close()
        self._left = [(reverb, until) for reverb, until in self._left if self._position < until]
        return np.asarray(ringing, np.float32)

    def _gain_of_samples(self) -> FloatArray:
        """The programme's gain for each sample of the block: in a straight line from cell to cell."""
        share = (np.arange(1, self._block + 1, dtype=np.float32) + np.float32(self._position % CELL)) / np.float32(CELL)
        before = np.float32(self._gain_before)
        return np.asarray(before + (np.float32(self._gain) - before) * share, np.float32)

    def _add_live(self, ring: StreamRing) -> None:
        start = ring.position % ring.samples.shape[1]
        for player, samples in list(self._live.items()):
            row = self._seats.row_of.get(player)
            if row is not None:
                ring.samples[row, start : start + self._block] += samples[: self._block]
            if len(samples) > self._block:
                self._live[player] = samples[self._block :]
            else:
                del self._live[player]

    def _move(self) -> None:
        """Go over to where everyone is now, in the time of a cell. Heads need not wait for a cell to begin."""
        field = self._builder.build(self._listener)
        self._spatial.place(field)
        for output in self._beside:
            output.place(field)
        self._moved = False
        distances_m = np.linalg.norm(self._seats.position_m - np.array(self._listener.position_m), axis=1)
        self._playing.heard_gains = self._seats.gains / np.maximum(distances_m, NEAREST_M).astype(np.float32)

    def _begin_cell(self) -> None:
        """Balance changes from cell to cell."""
        self._hold.begin_cell()
        if self._programme_db != self._wanted_db:
            step_db = FASTEST_GAIN_DB_PER_S * CELL / self.settings.rate_hz
            self._programme_db += max(-step_db, min(step_db, self._wanted_db - self._programme_db))
            self._programme_gain = db_to_gain(self._programme_db)
        self._gain_before, self._gain = self._gain, self._programme_gain * self._hold.gain
        if self._ramping or self._reached_gains is not self._seats.gains:
            self._gains[:] = self._reached_gains
            self._gain_steps[:] = (self._seats.gains - self._gains) / np.float32(CELL)
            self._ramping = self._reached_gains is not self._seats.gains
            self._reached_gains = self._seats.gains

    def add_outputs(self, make: OutputMaker) -> Sequence[SideOutput]:
        """Render other formats, or stems, beside the ears from here on; whoever has them closes them. They know the
        players who are there now: the same players must stay."""
        settings = self.settings
        self._beside = make(
            self._builder.sections,
            self._grid,
            self._room,
            settings.rate_hz,
            self._block,
            CELL,
            settings.seed,
            self._listener.orientation_wxyz,
        )
        self._moved = True
        return self._beside

    def load_ahead(self, count: int) -> None:
        """Use spare time to bring ``count`` more of the players' recordings into memory."""
        self._voices.load(itertools.islice(self._to_load, count))

    def close(self) -> None:
        """Free the pyo servers; the renderer must not be used any more."""
        self._voices.close()
        for reverb in (self._reverb, *(reverb for reverb, _ in self._left)):
            reverb.close()

    def _gain_here_db(self) -> float:
        """The gain that these players should have where the listener is."""
        settings = self.settings
        gain_db = programme_gain_db(self._placements, self._room, settings.loudness_lufs, self._listener)
        return gain_db + settings.gain_db

    def _adjust_loudness(self) -> None:
        """Go over to the gain for other players, or for another seat."""
        settings = self.settings
        self._wanted_db = self._gain_here_db()
        self._hold.expect(settings.loudness_lufs + settings.gain_db, self._wanted_db)

    def _seated(self) -> Seats:
        """Who sits where; they may clap as loudly as the orchestra plays."""
        settings = self.settings
        most_lufs = settings.loudness_lufs + settings.gain_db - self._wanted_db
        return Seats.of(with_applause_held(self._placements, self._room, self._listener, most_lufs), self._solo)

    def _make_builder(self) -> FieldBuilder:
        settings = self.settings
        return FieldBuilder(
            self._seats.placements,
            self._room,
            self._grid,
            settings.rate_hz,
            settings.reflection_order,
            settings.by_section,
        )

    def _take_stage(self) -> None:
        """Make what depends on who is there."""
        settings, seats = self.settings, self._seats
        self._builder = self._make_builder()
        self._history = self._builder.longest_delay(self._room) + self._grid.fft_size
        self._ring = StreamRing(
            self._builder.rows, self._history, self._block, self._builder.buses, self._grid.fft_size
        )
        self._ring.position = self._position - self._block
        self._spatial = SpatialStage(self._grid, self._block, CELL)
        self._section_of = self._builder.section_of
        self._meters = SectionMeters(seats.sections, settings.rate_hz, self._block)
        self._moved = True
        self._reached_gains = seats.gains
        self._gains = seats.gains.copy()
        self._gain_steps = np.zeros_like(seats.gains)
        self._to_load = self._zones_of_players()

    def _zones_of_players(self) -> Iterator[Zone]:
        """The zones that these players can need: those of their seats, then what else there is for them to take up."""
        seats = self._seats
        chairs = {(placement.instrument, seats.in_section(placement)) for placement in seats.placements}
        for instrument, in_section in sorted(chairs):
            for articulation in get_args(Articulation):
                yield from self._sounds.patch_for(instrument, articulation, in_section).zones
        seated = {instrument for instrument, _ in chairs}
        for (name, _), patch in self._sounds.patches.items():
            if name.removesuffix(SECTION) not in seated:
                yield from patch.zones


@numba.njit(nogil=True, cache=True)
def _finish_rows(
    samples: FloatArray,
    position: int,
    gains: FloatArray,
    steps: FloatArray,
    section_of: npt.NDArray[np.int32],
    last_active: npt.NDArray[np.int64],
    send: FloatArray,
) -> None:
    """Players' rows of the block: apply the balance, add them to their section's row and to the hall.

    ``steps`` is what a gain changes by in a sample.
    """
    players, block, length = gains.size, send.size, samples.shape[1]
    start = position % length  # the block never wraps: the ring is whole blocks
    for player in range(players):
        row = samples[player, start : start + block]
        sounds = False
        for i in range(block):
            if row[i] != 0.0:
                sounds = True
                break
        gain, step = gains[player], steps[player]
        if not sounds:
            gains[player] = gain + step * np.float32(block)
            continue
        section = players + section_of[player]
        target = samples[section, start : start + block]
        for i in range(block):
            value = row[i] * (gain + step * np.float32(i + 1))
            row[i] = value
            target[i] += value
            send[i] += value
        gains[player] = gain + step * np.float32(block)
        last_active[player] = last_active[section] = position + block
