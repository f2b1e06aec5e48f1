"""pyo's part in a voice: recordings in tables, and samplers that read them.

The samplers (``Looper``) stand in racks, each a manual pyo server of its own, so that a rack in which nobody plays
costs nothing and a server's channels stay within the processor's nearest cache. A sampler's pitch comes from numpy,
sample by sample, and its sound goes back to numpy: everything else about a voice is done there (``voice_kernels``).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyo

from ..sounds.sound_set import Sample
from .pyo_block import BlockServer, FloatArray, table_of
from .vectors import WIDTH

RACK = WIDTH
"""Samplers of a rack: with blocks of 256 their sound is 16 kB, and a sample of all of them is one vector."""
CROSSFADE_S = 0.002
"""Loops have no seam; this bridges that ``Looper`` restarts on a whole sample. It also fades a recording in, so that
it must be short; and it reads past the loop's end."""
SHORTEST_LOOP = 24000
"""Loops are written out to at least this many samples: restarting on a whole sample would put a loop of one cycle out
of tune (half a sample of 100 is 9 cents, of 24000 a twenty-seventh of a cent)."""
SILENCE = 4096
"""Samples of silence after a recording that sounds once; the sampler loops there until it is stopped."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A sample as a pyo table; loop times in the table's own seconds, as pyo counts them.

    ``length`` (samples) of a recording that sounds once, else None. ``speed`` is the ratio that sounds at the sample's
    own pitch.
    """

    table: Any
    stream: Any
    """The C object of ``table``."""
    loop_start_s: float
    loop_s: float
    crossfade_s: float
    length: int | None
    speed: float


@dataclass(slots=True)
class _Rack:
    """A server and the C objects of its samplers: calling them directly saves pyo's Python layer."""

    server: BlockServer
    kept: list[Any]
    indices: list[Any]
    pitches: list[Any]
    loopers: list[Any]


class Sampler:
    """``size`` samplers (a multiple of ``RACK``). One thread.

    ``pitch`` (size, block) float32 is how fast each reads its recording and must be written before ``process``.
    """

    def __init__(self, size: int, rate_hz: int, block: int) -> None:
        if size % RACK:
            raise ValueError(f"{size} samplers do not fill racks of {RACK}")
        self._rate_hz = rate_hz
        self._racks: list[_Rack] = []
        for rack in range(size // RACK):
            server = BlockServer(RACK, rate_hz, block)
            if rack == 0:
                self._pitch_table = pyo.DataTable(size=size * block)
                nothing = pyo.DataTable(size=SILENCE)
            self._racks.append(_build_rack(server, self._pitch_table, nothing, rack * RACK * block, rate_hz, block))
        self.pitch: FloatArray = np.asarray(self._pitch_table.getBuffer()).reshape(size, block)

    def record(self, sample: Sample) -> Recording:
        """Bring a sample into a table (a copy: some 0.3 ms)."""
        self._racks[0].server.activate()
        return _make_recording(sample, self._rate_hz)

    def play(self, voice: int, recording: Recording, from_loop: bool) -> None:
        """Start from the recording's beginning, or within its loop, with the next block."""
        rack = self._racks[voice // RACK]
        lane = voice % RACK
        looper = rack.loopers[lane]
        looper.setTable(recording.stream)
        looper.setStart(recording.loop_start_s)
        looper.setDur(recording.loop_s)
        looper.setXfade(recording.crossfade_s)
        looper.setStartFromLoop(1 if from_loop and recording.length is None else 0)
        looper.reset()
        rack.indices[lane].play()
        rack.pitches[lane].play()
        looper.out(lane)

    def stop(self, voice: int) -> None:
        """Stop a sampler that plays: it costs nothing then."""
        rack = self._racks[voice // RACK]
        lane = voice % RACK
        for part in (rack.loopers[lane], rack.pitches[lane], rack.indices[lane]):
            part.stop()

    def process(self, rack: int) -> FloatArray:
        """Compute a block of a rack: (block, ``RACK``), to be used and changed before the rack's next block."""
        server = self._racks[rack].server
        server.process()
        return server.output

    def close(self) -> None:
        """Free the servers; nothing of this may be used any more."""
        self.pitch = np.zeros((0, 0), np.float32)
        for rack in self._racks:
            rack.server.close()
        self._racks.clear()


def _build_rack(server: BlockServer, pitch_table: Any, nothing: Any, first: int, rate_hz: int, block: int) -> _Rack:
    """Make the objects in the order in which pyo must compute them: what is read comes first."""
    counter = pyo.Phasor(freq=rate_hz / block, mul=block)
    indices = pyo.Sig(counter, add=[float(first + lane * block) for lane in range(RACK)])
    pitches = pyo.TableIndex(pitch_table, indices)
    loopers = pyo.Looper([nothing] * RACK, pitch=pitches, start=0.0, dur=0.05, xfade=CROSSFADE_S, interp=4)
    loopers.fadeInSeconds(True)
    for objects in (loopers, pitches, indices):
        objects.stop()
    server.start()
    parts = (objects.getBaseObjects() for objects in (indices, pitches, loopers))
    return _Rack(server, [counter, indices, pitches, loopers, nothing, pitch_table], *parts)


def _make_recording(sample: Sample, rate_hz: int) -> Recording:
    """The sample's data, with its loop written out and padded, or with silence to rest in."""
    speed = sample.rate_hz / rate_hz
    if not sample.sustains:
        data = np.concatenate([sample.data, np.zeros(2 * SILENCE, np.float32)])
        start_s, loop_s = (sample.data.size + SILENCE // 2) / rate_hz, SILENCE / rate_hz
        return Recording(*_in_pyo(data), start_s, loop_s, 0.0, sample.data.size, speed)
    period = sample.loop_end - sample.loop_start
    times = max(1, math.ceil(SHORTEST_LOOP / period))
    loop = (
        period * times + CROSSFADE_S * rate_hz
    )  # the next round begins when the crossfade does, a loop after the last
    needed = sample.loop_start + math.ceil(loop) + 64
    cycle = sample.data[sample.loop_start : sample.loop_end]
    repeats = math.ceil((needed - sample.loop_end) / period)
    data = np.concatenate([sample.data[: sample.loop_end], np.tile(cycle, repeats)])[:needed]
    return Recording(*_in_pyo(data), sample.loop_start / rate_hz, loop / rate_hz, CROSSFADE_S, None, speed)


def _in_pyo(data: FloatArray) -> tuple[Any, Any]:
    table = table_of(data)
    return table, table.getBaseObjects()[0]
