"""The players' instruments: a pool of voices, each a sampler of pyo with what numpy makes of it.

A voice is a ``Looper`` that reads a recording (``sampler``) between two kernels (``voice_kernels``): one writes the
speed at which it reads (vibrato, drift, glides), the other shapes what it gives (breath, brightness, envelope) and
adds it to its player's stream. Samplers begin at block boundaries; a voice is added with an offset of less than a
block, so that onsets are exact to a sample. What is to happen to a sounding voice must be told ``VoicePool.ahead``
samples before: as much may be in the stream already.
"""

import heapq
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..sounds.sound_set import REFERENCE_VELOCITY, SoundSet, Zone
from ..units import db_to_gain, pitch_to_hz
from .ensemble import PlayerNote
from .sampler import RACK, Recording, Sampler
from .spatial import StreamRing
from .technique import LONGEST_RELEASE_S, Technique
from .voice_kernels import CONTROL, NEVER, VOICE, mix_voices, write_pitches

LEVEL_EXPONENT = 1.5
"""Amplitude grows with velocity to this power: 16 dB from pianissimo (35) to fortissimo (120) for one player. Real ones
manage 20 to 30 (Meyer, *Acoustics and the Performance of Music*, 5th ed., 2009), but a soft passage has fewer players
and less treble as well, and must be heard in a room that is not as quiet as a hall."""
ONE_LAYER = 100
"""A zone that answers for so wide a range of velocities is an instrument's only one: it must be coloured."""
BURST_S = 0.03
"""How fast the noise of an onset dies away: a bow that grips, a tongue that opens."""


@dataclass(slots=True, eq=False)
class Voice:
    """What a voice of the pool is doing. ``started_at``, ``released_at`` and ``free_at`` are positions in samples."""

    index: int
    note_id: int = -1
    player: int = -1
    row: int = 0
    pitch: float = 0.0
    level: float = 0.0
    started_at: int = 0
    release_s: float = 0.1
    rings_on: bool = False
    free_at: int = NEVER
    released_at: int = NEVER
    fading: bool = False
    cut: bool = False


class VoicePool:
    """``size`` voices. One thread."""

    def __init__(self, sounds: SoundSet, size: int, rate_hz: int, block: int) -> None:
        self._sounds = sounds
        self._rate_hz = rate_hz
        self._sampler = Sampler(RACK * math.ceil(size / RACK), rate_hz, block)
        self._recordings: dict[int, Recording] = {}
        self._states = np.zeros(size, VOICE)
        self._swings = np.zeros((size, block // CONTROL + 1), np.float32)
        self._free = list(range(size))
        self._active: list[tuple[int, npt.NDArray[np.int32]]] | None = None
        self._voices = [Voice(index) for index in range(size)]
        self._next_free_at = NEVER
        self.sounding: list[Voice] = []

    @property
    def free(self) -> int:
        """How many voices have nothing to do."""
        return len(self._free)

    def load(self, zones: Iterable[Zone]) -> None:
        """Make the tables of zones that have none yet (a copy of a sample is some 0.3 ms)."""
        for zone in zones:
            self._recording(zone.sample)

    def start(
        self,
        note: PlayerNote,
        zone: Zone,
        technique: Technique,
        row: int,
        position: int,
        offset: int,
        slurred_from: float | None = None,
        gain: float = 1.0,
    ) -> Voice:
        """Begin a note ``offset`` samples into the block at ``position``; there must be a free voice.

        ``slurred_from`` is the pitch of the note that it grows out of.
        """
        voice = self._voices[heapq.heappop(self._free)]
        recording, sample = self._recording(zone.sample), self._sounds.samples[zone.sample]
        ratio = self._sounds.playback_ratio(zone, note.pitch) * recording.speed
        gain *= _gain(note, zone)
        self._sampler.play(voice.index, recording, from_loop=slurred_from is not None)
        one_layer = zone.high_velocity - zone.low_velocity >= ONE_LAYER
        noise = note.noise * db_to_gain(sample.level_db) if one_layer and sample.sustains else 0.0
        glide_cents = 0.0
        if slurred_from is not None and zone.pitch_tracking:
            glide_cents = 100.0 * zone.pitch_tracking * (slurred_from - note.pitch)
            glide_cents = max(-technique.glide_cents, min(technique.glide_cents, glide_cents))
        attack_s = technique.slur_attack_s if slurred_from is not None else _attack_s(note, zone, technique)
        rate_hz = self._rate_hz
        self._states[voice.index] = (  # in the order of VOICE
            *(0, row, offset, ratio),
            *(max(0.0, note.vibrato_cents - sample.vibrato_cents), note.vibrato_hz, note.vibrato_phase),
            *(note.vibrato_delay_s * rate_hz, note.drift_cents, note.swell, glide_cents, technique.glide_s * rate_hz),
            *(gain, attack_s * rate_hz, NEVER, 1.0, NEVER, 1.0, NEVER, 1.0),
            *(_brightness(note, rate_hz) if one_layer else 1.0, 0.0),
            *(noise, note.noise_burst, math.exp(-1.0 / (BURST_S * rate_hz)), 0.0, note.noise_seed),
        )
        voice.note_id, voice.player, voice.row, voice.pitch = note.note_id, note.player, row, note.pitch
        voice.level, voice.started_at = gain * db_to_gain(sample.level_db), position + offset
        voice.release_s = min(
            max(technique.release_share * zone.release_s, technique.shortest_release_s), LONGEST_RELEASE_S
        )
        voice.rings_on = technique.rings or note.articulation == "pizzicato"
        voice.fading = voice.cut = False
        voice.released_at = voice.free_at = NEVER
        if recording.length is not None:
            voice.free_at = voice.started_at + math.ceil(1.01 * recording.length / ratio)
            self._next_free_at = min(self._next_free_at, voice.free_at)
        self.sounding.append(voice)
        self._active = None
        return voice

    def level_of(self, note: PlayerNote, zone: Zone) -> float:
        """How loud a note will be (RMS of its sustained part, 1 m away)."""
        return _gain(note, zone) * db_to_gain(self._sounds.samples[zone.sample].level_db)

    def level_at(self, voice: Voice, position: int) -> float:
        """How loud a voice still is."""
        level = voice.level
        if voice.released_at < position:
            level *= max(0.0, 1.0 - (position - voice.released_at) / (voice.release_s * self._rate_hz)) ** 2
        elif voice.rings_on and voice.free_at != NEVER:
            level *= 10.0 ** (-2.5 * min(1.0, (position - voice.started_at) / (voice.free_at - voice.started_at)))
        return level

    def release(self, voice: Voice, at: int) -> None:
        """The player ends the note at a position; a struck voice that rings on dies away by itself."""
        if voice.released_at != NEVER or (voice.rings_on and voice.free_at != NEVER):
            return
        if voice.fading and voice.free_at <= at + voice.release_s * self._rate_hz:
            return  # it makes way for the next note already, and no slower
        self._end(voice, "release", at, voice.release_s)
        voice.released_at = at

    def fade(self, voice: Voice, at: int, fade_s: float) -> None:
        """The player's next note ends this one, from a position on; the first of several calls counts."""
        if not voice.fading:
            self._end(voice, "fade", at, fade_s)
            voice.fading = True

    def cut(self, voice: Voice, at: int, fade_s: float) -> None:
        """End a voice for the machine's sake, in whatever state it is; the first of several calls counts."""
        if not voice.cut:
            self._end(voice, "cut", at, fade_s)
            voice.cut = True

    def _end(self, voice: Voice, how: str, at: int, duration_s: float) -> None:
        state = self._states[voice.index]
        at = max(at, voice.started_at)
        state[f"{how}_at"], state[how] = at - voice.started_at, max(1.0, duration_s * self._rate_hz)
        voice.free_at = min(voice.free_at, at + math.ceil(duration_s * self._rate_hz))
        self._next_free_at = min(self._next_free_at, voice.free_at)

    def collect(self, position: int) -> None:
        """Stop voices that have died away and make them free."""
        if self._next_free_at > position:
            return
        for voice in [voice for voice in self.sounding if voice.free_at <= position]:
            self._stop(voice)
        self._next_free_at = min((voice.free_at for voice in self.sounding), default=NEVER)

    def _stop(self, voice: Voice) -> None:
        self._sampler.stop(voice.index)
        self.sounding.remove(voice)
        voice.note_id = -1
        heapq.heappush(self._free, voice.index)
        self._active = None

    def process(self, ring: StreamRing) -> int:
        """Compute a block and add each voice to its player's row of the ring; the number of broken voices.

        A voice that gives anything but finite numbers is left out and ended: it must not reach ears.
        """
        if not self.sounding:
            return 0
        if self._active is None:
            indices = sorted(voice.index for voice in self.sounding)
            racks = itertools.groupby(indices, key=lambda index: index // RACK)
            self._active = [(rack, np.array(list(members), np.int32)) for rack, members in racks]
        broken = 0
        for rack, members in self._active:  # one after the other, so that each stays in the nearest cache
            write_pitches(self._states, members, self._sampler.pitch, self._swings, self._rate_hz)
            sound = self._sampler.process(rack)
            unfit = mix_voices(sound, self._states, members, self._swings, ring.samples, ring.position)
            if unfit:
                broken += unfit
        if broken:
            for voice in [voice for voice in self.sounding if not np.isfinite(self._states[voice.index]["held"])]:
                self._stop(voice)
        return broken

    def close(self) -> None:
        """Free the servers. The pool must not be used any more."""
        self._sampler.close()
        self._recordings.clear()

    def _recording(self, sample: int) -> Recording:
        recording = self._recordings.get(sample)
        if recording is None:
            recording = self._recordings[sample] = self._sampler.record(self._sounds.samples[sample])
        return recording


def _gain(note: PlayerNote, zone: Zone) -> float:
    return db_to_gain(zone.gain_db) * (note.velocity / REFERENCE_VELOCITY) ** LEVEL_EXPONENT


def _attack_s(note: PlayerNote, zone: Zone, technique: Technique) -> float:
    """Harder notes speak faster; short ones have no time for a slow attack; what is struck speaks as recorded."""
    if technique.rings or note.articulation == "pizzicato":
        return min(zone.attack_s, 0.002)
    attack_s = zone.attack_s * (1.5 - note.velocity / 127.0)
    if note.articulation in ("staccato", "fast"):
        attack_s = min(attack_s, 0.03)
    return min(max(attack_s, 0.002), 0.5)


def _brightness(note: PlayerNote, rate_hz: int) -> float:
    """Softer is darker: the coefficient of a one-pole low-pass."""
    hardness = (note.velocity / 100.0) ** 1.8
    cutoff_hz = min(900.0 + 1.5 * pitch_to_hz(note.pitch) + 13000.0 * hardness, 0.4 * rate_hz)
    return 1.0 - math.exp(-2.0 * math.pi * cutoff_hz / rate_hz)
