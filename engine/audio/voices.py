"""The players' instruments: a pool of sampler voices on a pyo server.

A voice is a chain of five pyo objects: vibrato depth (``Fader``), vibrato (``Sine``), envelope (``Adsr``), sampler
(``Looper``) and a low-pass that follows loudness (``Tone``), on a server channel of its own. A voice that is not
sounding is stopped and costs nothing. Voices begin at block boundaries inside pyo; ``mix_voices`` writes each into
its player's stream with an offset of less than a block, so that onsets are exact to a sample, and fades out those
that must make way (``Adsr`` would jump if it were told to release a second time).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pyo

from ..sounds.sound_set import REFERENCE_VELOCITY, Sample, SoundSet, Zone
from ..units import db_to_gain, pitch_to_hz
from .ensemble import PlayerNote
from .pyo_block import BlockServer, FloatArray, table_of
from .spatial import StreamRing

CROSSFADE_PERCENT = 5.0
"""Share of a loop's length over which ``Looper`` crossfades. It reads past the loop's end to do so."""
SHORTEST_LOOP = 24000
"""Loops are written out to at least this many samples: ``Looper`` restarts on a whole output sample, which would
put a loop of one cycle out of tune (half a sample of 100 is 9 cents, of 24000 a twenty-seventh of a cent)."""
SILENCE = 4096
"""Samples of silence after a recording that sounds once; the sampler loops there until it is stopped."""
LEVEL_EXPONENT = 1.5
"""Amplitude grows with velocity to this power: 16 dB from pianissimo (35) to fortissimo (120) for one player. Real ones
manage 20 to 30 (Meyer, *Acoustics and the Performance of Music*, 5th ed., 2009), but a soft passage has fewer players
and less treble as well, and must be heard in a room that is not as quiet as a hall."""
RELEASE_SHARE = 0.85
"""Of a zone's release: the hall's own tail covers the rest, and a voice that is over is a voice saved."""
STEAL_FADE_S = 0.012
"""Fade of a note that gives up its voice: short, and long enough not to click."""
LEGATO_ATTACK_S = 0.03
LEGATO_FADE_S = 0.08


@dataclass(slots=True)
class Voice:
    """What a voice of the pool is doing. ``free_at`` is the position (samples) when it has died away, if known."""

    index: int
    note_id: int = -1
    player: int = -1
    level: float = 0.0
    started_at: int = 0
    release_s: float = 0.1
    rings_on: bool = False
    free_at: int | None = None
    released: bool = False
    broken: bool = False
    flushed: bool = False

    @property
    def dying(self) -> bool:
        """Released, or struck and ringing."""
        return self.released or self.free_at is not None


@dataclass(frozen=True, slots=True)
class _Table:
    """A sample as a pyo table; times at the server's rate, ``length`` (samples) of a recording that sounds once."""

    table: Any
    stream: Any
    """The C object of ``table``."""
    start_s: float
    duration_s: float
    length: int | None
    rate_hz: float


@dataclass(slots=True)
class _Chain:
    """The C objects of one voice: calling them directly saves pyo's Python layer."""

    depth: Any
    vibrato: Any
    envelope: Any
    sampler: Any
    tone: Any
    steady: bool = field(default=False)


class VoicePool:
    """``size`` voices on a server of their own. One thread."""

    def __init__(self, sounds: SoundSet, size: int, rate_hz: int, block: int) -> None:
        self._sounds = sounds
        self._rate_hz = rate_hz
        self._block = block
        self._server = BlockServer(size, rate_hz, block)
        self._tables: dict[int, _Table] = {}
        self._objects, self._chains = _build_chains(size)
        self._server.start()
        for chain in self._chains:
            chain.tone.stop()
            chain.sampler.stop()
            chain.vibrato.stop()
        self.free = [Voice(index) for index in reversed(range(size))]
        self.sounding: list[Voice] = []
        self._rows = np.zeros(size, np.int32)
        self._offsets = np.zeros(size, np.int32)
        self._gains = np.ones(size, np.float32)
        self._fades = np.zeros(size, np.float32)

    @property
    def output(self) -> FloatArray:
        """The voices' last block, (block, voices)."""
        return self._server.output

    def load(self, zones: Iterable[Zone]) -> None:
        """Make the tables of zones that have none yet (a copy of a sample is some 0.3 ms)."""
        for zone in zones:
            self._table(zone.sample)

    def start(
        self, note: PlayerNote, zone: Zone, row: int, position: int, offset: int, legato: bool, rings_on: bool
    ) -> Voice:
        """Begin a note ``offset`` samples into the block at ``position``; there must be a free voice.

        ``rings_on``: the player does not damp it (plucked strings, bells); it dies away by itself.
        """
        voice = self.free.pop()
        chain = self._chains[voice.index]
        table = self._table(zone.sample)
        ratio = self._sounds.playback_ratio(zone, note.pitch) * table.rate_hz / self._rate_hz
        gain = db_to_gain(zone.gain_db) * (note.velocity / REFERENCE_VELOCITY) ** LEVEL_EXPONENT
        sample = self._sounds.samples[zone.sample]
        self._set_pitch(chain, note, ratio, max(0.0, note.vibrato_cents - sample.vibrato_cents))
        chain.sampler.setTable(table.stream)
        chain.sampler.setStart(table.start_s)
        chain.sampler.setDur(table.duration_s)
        chain.sampler.setStartFromLoop(1 if legato and table.length is None else 0)
        chain.sampler.reset()
        chain.envelope.setAttack(_attack_s(note, zone, legato))
        chain.envelope.setMul(gain)
        chain.tone.setFreq(_cutoff_hz(note, zone, self._rate_hz))
        chain.envelope.play()
        chain.sampler.play()
        chain.tone.out(voice.index)
        voice.note_id, voice.player, voice.level, voice.started_at = note.note_id, note.player, gain, position
        voice.release_s = min(max(RELEASE_SHARE * zone.release_s, 0.03), 8.0)
        voice.rings_on, voice.released, voice.flushed, voice.free_at = rings_on, False, False, None
        if table.length is not None:
            voice.free_at = position + offset + math.ceil(table.length / ratio) + self._block
        self._rows[voice.index], self._offsets[voice.index] = row, offset
        self._gains[voice.index], self._fades[voice.index] = 1.0, 0.0
        self.sounding.append(voice)
        return voice

    def release(self, voice: Voice, position: int) -> None:
        """The player ends the note; a voice that rings on dies away by itself."""
        if voice.released or (voice.rings_on and voice.free_at is not None):
            return
        envelope = self._chains[voice.index].envelope
        envelope.setRelease(voice.release_s)
        envelope.stop()
        voice.released = True
        self._free_by(voice, position + math.ceil(voice.release_s * self._rate_hz) + 2 * self._block)

    def fade(self, voice: Voice, position: int, fade_s: float) -> None:
        """End a note within ``fade_s``, whatever state it is in."""
        blocks = max(1, math.ceil(fade_s * self._rate_hz / self._block))
        self._fades[voice.index] = max(self._fades[voice.index], 1.0 / blocks)
        self._free_by(voice, position + (blocks + 1) * self._block)

    def _free_by(self, voice: Voice, position: int) -> None:
        voice.free_at = position if voice.free_at is None else min(voice.free_at, position)

    def collect(self, position: int) -> None:
        """Stop voices that have died away and make them free."""
        kept = []
        for voice in self.sounding:
            if voice.free_at is None or voice.free_at > position:
                kept.append(voice)
                continue
            chain = self._chains[voice.index]
            if self._fades[voice.index] and not voice.flushed:
                # Faded in the mix but loud inside: let the filter run empty before another note has it.
                chain.envelope.setRelease(0.001)
                chain.envelope.stop()
                voice.flushed, voice.free_at = True, position + 2 * self._block
                kept.append(voice)
                continue
            if not voice.released:
                chain.envelope.stop()
            for part in (chain.tone, chain.sampler, chain.vibrato):
                part.stop()
            voice.note_id = -1
            if not voice.broken:  # a filter that has met a number that is none never forgets it
                self.free.append(voice)
        self.sounding = kept

    def steal(self, count: int, position: int) -> None:
        """Fade out the ``count`` least audible notes that are not fading already: quiet, dying away, old."""
        candidates = [voice for voice in self.sounding if not self._fades[voice.index]]
        candidates.sort(key=lambda voice: (voice.level * (0.3 if voice.dying else 1.0), voice.started_at))
        for voice in candidates[:count]:
            self.fade(voice, position, STEAL_FADE_S)

    def process(self, ring: StreamRing) -> int:
        """Compute a block and add each voice to its player's row of the ring; the number of broken voices.

        A voice that gives anything but finite numbers is left out, ended and retired: it must not reach ears.
        """
        if not self.sounding:
            return 0
        self._server.process()
        active = np.array([voice.index for voice in self.sounding], np.int32)
        broken = mix_voices(
            self._server.output,
            active,
            self._rows,
            self._offsets,
            self._gains,
            self._fades,
            ring.samples,
            ring.position,
        )
        if broken.any():
            for voice, bad in zip(self.sounding, broken, strict=True):
                if bad:
                    voice.broken, voice.free_at = True, ring.position
        return int(broken.sum())

    def close(self) -> None:
        """Free the server. The pool must not be used any more."""
        self._server.close()
        self._objects.clear()
        self._chains.clear()
        self._tables.clear()

    def _set_pitch(self, chain: _Chain, note: PlayerNote, ratio: float, cents: float) -> None:
        if cents < 0.5:
            chain.sampler.setPitch(ratio)
            chain.steady = True
            return
        if chain.steady:
            chain.sampler.setPitch(chain.vibrato)
            chain.steady = False
        # The depth grows linearly until a little after the delay: near enough to how players let vibrato begin.
        chain.depth.setFadein(2.0 * note.vibrato_delay_s)
        chain.depth.setMul(ratio * (2.0 ** (cents / 1200.0) - 1.0))
        chain.vibrato.setFreq(note.vibrato_hz)
        chain.vibrato.setAdd(ratio)
        chain.vibrato.reset()
        chain.depth.play()
        chain.vibrato.play()

    def _table(self, sample_index: int) -> _Table:
        table = self._tables.get(sample_index)
        if table is None:
            self._server.activate()
            table = self._tables[sample_index] = _make_table(self._sounds.samples[sample_index], self._rate_hz)
        return table


def _build_chains(size: int) -> tuple[list[Any], list[_Chain]]:
    """Make the objects in the order in which pyo must compute them: what is read comes first."""
    nothing = pyo.DataTable(size=SILENCE)
    depth = pyo.Fader(fadein=0.5, fadeout=0.01, mul=[0.0] * size)
    vibrato = pyo.Sine(freq=[5.5] * size, mul=depth, add=1.0)
    envelope = pyo.Adsr(attack=0.01, decay=0.01, sustain=1.0, release=0.1, mul=[0.0] * size)
    sampler = pyo.Looper(
        [nothing] * size,
        pitch=vibrato,
        start=[0.0] * size,
        dur=[0.05] * size,
        xfade=CROSSFADE_PERCENT,
        interp=4,
        mul=envelope,
    )
    tone = pyo.Tone(sampler, freq=[10000.0] * size)
    for base in envelope.getBaseObjects():
        base.setExp(2.0)  # ends die away rather than run out
    parts = zip(*(o.getBaseObjects() for o in (depth, vibrato, envelope, sampler, tone)), strict=True)
    return [nothing, depth, vibrato, envelope, sampler, tone], [_Chain(*part) for part in parts]


def _make_table(sample: Sample, rate_hz: int) -> _Table:
    """The sample's data, with its loop written out and padded, or with silence to rest in."""
    if not sample.sustains:
        data = np.concatenate([sample.data, np.zeros(2 * SILENCE, np.float32)])
        start, loop, length = sample.data.size + SILENCE // 2, SILENCE, sample.data.size
        return _Table(*_in_pyo(data), start / rate_hz, loop / rate_hz, length, sample.rate_hz)
    period = sample.loop_end - sample.loop_start
    times = max(1, math.ceil(SHORTEST_LOOP / period))
    loop = period * times
    share = CROSSFADE_PERCENT / 100.0
    duration = loop / (1.0 - share)  # the next round begins when the crossfade does, a loop after the last
    needed = sample.loop_start + math.ceil(duration) + 64
    cycle = sample.data[sample.loop_start : sample.loop_end]
    repeats = math.ceil((needed - sample.loop_end) / period)
    data = np.concatenate([sample.data[: sample.loop_end], np.tile(cycle, repeats)])[:needed]
    return _Table(*_in_pyo(data), sample.loop_start / rate_hz, duration / rate_hz, None, sample.rate_hz)


def _in_pyo(data: FloatArray) -> tuple[Any, Any]:
    table = table_of(data)
    return table, table.getBaseObjects()[0]


def _attack_s(note: PlayerNote, zone: Zone, legato: bool) -> float:
    """Harder notes speak faster; short ones have no time for a slow attack."""
    if legato:
        return LEGATO_ATTACK_S
    attack_s = zone.attack_s * (1.5 - note.velocity / 127.0)
    if note.articulation in ("staccato", "fast", "pizzicato"):
        attack_s = min(attack_s, 0.03)
    return min(max(attack_s, 0.002), 0.5)


def _cutoff_hz(note: PlayerNote, zone: Zone, rate_hz: int) -> float:
    """Softer is darker. A zone recorded for a narrow range of velocities has its own colour: hardly filtered."""
    if zone.high_velocity - zone.low_velocity < 100:
        return 0.4 * rate_hz
    brightness = (note.velocity / 100.0) ** 1.8
    return min(900.0 + 1.5 * pitch_to_hz(note.pitch) + 13000.0 * brightness, 0.4 * rate_hz)


@numba.njit(nogil=True, cache=True)
def mix_voices(
    output: FloatArray,
    active: npt.NDArray[np.int32],
    rows: npt.NDArray[np.int32],
    offsets: npt.NDArray[np.int32],
    gains: FloatArray,
    fades: FloatArray,
    samples: FloatArray,
    position: int,
) -> npt.NDArray[np.bool_]:
    """Add the active voices to their rows of the ring, each with its offset and fade; which were not finite.

    ``fades`` is how much of its gain a voice loses in this block, linearly; ``gains`` is brought up to date.
    """
    block, length = output.shape[0], samples.shape[1]
    broken = np.zeros(active.size, np.bool_)
    for n in range(active.size):
        voice = active[n]
        total = np.float32(0.0)
        for i in range(block):
            total += output[i, voice] * np.float32(0.0)
        if total != total:  # infinite or not a number somewhere
            broken[n] = True
            continue
        row = rows[voice]
        gain, after = gains[voice], max(np.float32(0.0), gains[voice] - fades[voice])
        step = (after - gain) / np.float32(block)
        at = (position + offsets[voice]) % length
        for i in range(block):
            gain += step
            samples[row, at] += output[i, voice] * gain
            at += 1
            if at == length:
                at = 0
        gains[voice] = after
    return broken
