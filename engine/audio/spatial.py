"""The spatial stage: many mono streams and the directions they come from, summed into two ears.

First the reflections of the players are mixed, each with its delay and level, into the ring's buses (``reflections``).

All sources go through the FFT together, are multiplied by their head-related spectrum and by a real spectrum of their
own (distance, air, directivity, reflection), and are summed before one inverse FFT per ear (overlap-save). Whatever
moves crossfades from the old filters to the new ones, in a time that does not depend on the block, so motion makes
neither clicks nor Doppler shift. Sources that are silent are skipped. The kernels release the GIL.
"""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
import scipy

from .hrtf import HrtfGrid
from .pyo_block import FloatArray
from .reflections import ReflectionMix
from .spectral_sum import SpectralSum
from .vectors import expect

IntArray = npt.NDArray[np.int32]
_AHEAD = 4
"""How many blocks of samples are on their way to the caches while one is worked on: a ring is larger than they are."""


@dataclass(frozen=True, slots=True, eq=False)
class SourceField:
    """Where sources are and how they sound from there; one entry per source.

    ``row`` is the stream of the ring that a source plays, ``delay`` in samples (≥ 0), ``direction`` a row of
    ``HrtfGrid.spectra``, ``response`` (sources, fft_size // 2 + 1) the gain of each frequency. A field that keeps
    the ``row`` and ``delay`` arrays of the one before it (the same objects) is rendered with one set of FFTs.
    ``mix`` is what goes into the rows that are buses of reflections. ``towards`` (sources, 3) are unit vectors in the
    hall's frame, from the head, for stages that have no head; ``ears`` (sources, 2) are gains of the left and
    the right ear for what is very near; ``group`` (sources,) is the section, for stages that keep sections apart.
    """

    row: IntArray
    delay: IntArray
    direction: IntArray
    response: FloatArray
    mix: ReflectionMix | None = None
    towards: npt.NDArray[np.float64] | None = None
    ears: FloatArray | None = None
    group: IntArray | None = None


def fft_size_for(block: int) -> int:
    """FFT length that leaves room for a head's filters (some 230 samples) at any block size."""
    return max(512, 1 << (2 * block - 1).bit_length())


class StreamRing:
    """The recent past of many mono streams.

    An odd number of blocks is kept: rows a power of two long would all fall on the same few lines of the processor's
    caches. Writers add into the block that is being made (and up to a block beyond its end); readers look back from it.
    """

    def __init__(self, rows: int, history: int, block: int, short_rows: int = 0, short_history: int = 0) -> None:
        """The last ``short_rows`` are looked back on no further than ``short_history``: they turn in the beginning of
        their memory and stay in the processor's caches."""
        self.block = block
        self.samples: FloatArray = np.zeros((rows, _whole_blocks(history, block)), np.float32)
        self.period = np.full(rows, self.samples.shape[1])
        """After how many samples each row begins again."""
        self.period[rows - short_rows :] = min(self.samples.shape[1], _whole_blocks(short_history, block))
        self.position = 0
        """First sample of the block in the making, counted from the start."""
        self.last_active = np.full(rows, -(1 << 40), np.int64)
        """Position after the last sample of each row that was not silent."""

    def advance(self) -> None:
        """Go on to the next block; what was added beyond the end of the last one is kept."""
        self.position += self.block
        _silence(self.samples, self.period, self.position + self.block, self.block)


def _whole_blocks(history: int, block: int) -> int:
    return (-(-history // block) + 4 | 1) * block


class Crossfade:
    """Which field sounds and which it goes over to, block by block. What is placed during a crossfade waits for its
    end; the newest wins."""

    def __init__(self, block: int, fade: int) -> None:
        """``fade`` is how many samples a crossfade takes, a multiple of the block (a block, if that is longer)."""
        self._block = block
        self._now: SourceField | None = None
        self._next: SourceField | None = None
        self._queued: SourceField | None = None
        fade = max(fade, block)
        self._ramp = (np.sin(0.5 * np.pi * (np.arange(fade) + 0.5) / fade) ** 2).astype(np.float32)
        self._faded = 0

    def place(self, field: SourceField) -> None:
        """Where the sources go from the next block on, or after the crossfade that is going on; the same number of
        sources every time."""
        if self._now is None:
            self._now = field
        elif self._next is None or self._faded == 0:
            self._next = field
        else:
            self._queued = field

    @property
    def busy(self) -> bool:
        """Whether a crossfade is going on, for which a new field would have to wait."""
        return self._next is not None and self._faded > 0

    def step(self) -> tuple[SourceField | None, SourceField | None, FloatArray]:
        """For the coming block: the field that sounds, the one that it goes over to, and the new one's share of each
        sample."""
        old, new = self._now, self._next
        ramp = self._ramp[self._faded : self._faded + self._block]
        if new is not None:
            self._faded += self._block
            if self._faded == self._ramp.size:
                self._now, self._next, self._queued, self._faded = new, self._queued, None, 0
        return old, new, ramp


class SpatialStage:
    """Renders the sources of a ring for two ears, a block at a time."""

    def __init__(self, grid: HrtfGrid, block: int, fade: int = 256, groups: int = 1, mixes: bool = True) -> None:
        """``fade`` as in ``Crossfade``. With ``groups``, fields say the group of each source, and each group has two
        ears of its own. Of several stages of one ring, one ``mixes`` the reflections, and is processed first."""
        if grid.fft_size - grid.taps + 1 < block:
            raise ValueError(f"FFT of {grid.fft_size} is too short for blocks of {block} and filters of {grid.taps}")
        self._grid = grid
        self._block = block
        self._groups, self._mixes = groups, mixes
        self._fields = Crossfade(block, fade)
        self._spectra = SpectralSum(grid.spectra, groups)
        self._together: IntArray = np.zeros(0, np.int32)

    def place(self, field: SourceField) -> None:
        """See ``Crossfade.place``."""
        self._fields.place(field)

    @property
    def crossfades(self) -> bool:
        """See ``Crossfade.busy``."""
        return self._fields.busy

    def process(self, ring: StreamRing) -> FloatArray:
        """The ears' block, (2 × groups, block) float32, for the ring's current block."""
        old, new, ramp = self._fields.step()
        if old is None:
            return np.zeros((2 * self._groups, self._block), np.float32)
        if self._mixes:
            mix_reflections(ring, old, new, ramp)
        sums = self._spectra
        sums.clear()
        if new is None:
            heard = self._add(ring, (old,))
        elif new.delay is old.delay and new.row is old.row:
            heard = self._add(ring, (old, new))
        else:
            heard = self._add(ring, (old,)) | self._add(ring, (new,), 1)
        if not heard:
            return np.zeros((2 * self._groups, self._block), np.float32)
        return sums.sound(self._block, None if new is None else ramp)

    def _add(self, ring: StreamRing, fields: tuple[SourceField, ...], number: int = 0) -> bool:
        """Add what fields of the same rows and delays give to their sums, from ``number`` on; whether anything
        sounds."""
        first = fields[0]
        if len(self._together) != len(first.row):
            self._together = np.zeros(len(first.row), np.int32)
        group = self._together if self._groups == 1 or first.group is None else first.group
        filters = tuple((field.direction, field.response, field.ears) for field in fields)
        end = ring.position + ring.block
        return self._spectra.add(
            ring.samples, ring.period, ring.last_active, end, first.row, first.delay, group, filters, number
        )


def mix_reflections(ring: StreamRing, old: SourceField, new: SourceField | None, ramp: FloatArray) -> None:
    """Fill the buses' rows of the current block; to be called once a block, by one stage, as it adds to the rows."""
    if old.mix is not None and (new is None or new.mix is old.mix):
        _mix(
            ring.samples,
            ring.period,
            ring.last_active,
            ring.position,
            ring.block,
            *_columns(old.mix),
            _whole(ring.block),
        )
    else:
        if old.mix is not None:
            _mix(ring.samples, ring.period, ring.last_active, ring.position, ring.block, *_columns(old.mix), 1.0 - ramp)
        if new is not None and new.mix is not None:
            _mix(ring.samples, ring.period, ring.last_active, ring.position, ring.block, *_columns(new.mix), ramp)


def _columns(mix: ReflectionMix) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    return mix.player, mix.bus, mix.delay, mix.gain


def _whole(block: int) -> FloatArray:
    return np.ones(block, np.float32)


def source_spectra(ring: StreamRing, field: SourceField, size: int) -> tuple[IntArray, npt.NDArray[np.complex64]]:
    """The sources that are not silent, and the spectra of their last ``size`` samples."""
    end = ring.position + ring.block
    active = np.flatnonzero(end - field.delay - size < ring.last_active[field.row]).astype(np.int32)
    windows = np.empty((active.size, size), np.float32)
    _gather(ring.samples, ring.period, field.row, field.delay, active, end, windows)
    return active, scipy.fft.rfft(windows, axis=1) if active.size else np.zeros((0, size // 2 + 1), np.complex64)


@numba.njit(nogil=True, cache=True)
def _silence(samples: FloatArray, period: npt.NDArray[np.int64], position: int, count: int) -> None:
    """Zeros for all rows of a ring from ``position`` on."""
    for row in range(samples.shape[0]):
        later = min(row + _AHEAD, samples.shape[0] - 1)
        expect(samples[later], position % period[later], count)
        start = position % period[row]
        first = min(count, period[row] - start)
        samples[row, start : start + first] = 0.0
        samples[row, : count - first] = 0.0


@numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _mix(
    samples: FloatArray,
    period: npt.NDArray[np.int64],
    last_active: npt.NDArray[np.int64],
    position: int,
    block: int,
    player: IntArray,
    bus: IntArray,
    delay: IntArray,
    gain: FloatArray,
    share: FloatArray,
) -> None:
    """Add each reflection's block to its bus; ``share`` weighs the samples of the block. Reflections of a bus lie side
    by side, and are summed before they meet the ring, so that the loops vectorise."""
    mixed = np.zeros(block, np.float32)
    heard = False
    for m in range(player.size):
        later = min(m + _AHEAD, player.size - 1)
        expect(samples[player[later]], (position - delay[later]) % period[player[later]], block)
        source, level = player[m], gain[m]
        if level != 0.0 and last_active[source] > position - delay[m]:
            start = (position - delay[m]) % period[source]
            first = min(block, period[source] - start)
            early = samples[source, start : start + first]
            for i in range(first):
                mixed[i] += level * early[i]
            late = samples[source, : block - first]
            for i in range(block - first):
                mixed[first + i] += level * late[i]
            heard = True
        if heard and (m + 1 == player.size or bus[m + 1] != bus[m]):
            to = position % period[bus[m]]  # the block never wraps: the ring is whole blocks
            target = samples[bus[m], to : to + block]
            for i in range(block):
                target[i] += share[i] * mixed[i]
            mixed[:] = 0.0
            last_active[bus[m]] = position + block
            heard = False


@numba.njit(nogil=True, cache=True)
def _gather(
    samples: FloatArray,
    period: npt.NDArray[np.int64],
    row: IntArray,
    delay: IntArray,
    active: IntArray,
    end: int,
    windows: FloatArray,
) -> None:
    """The last ``windows.shape[1]`` samples of each active source up to ``end`` less its delay."""
    size = windows.shape[1]
    for n in range(active.size):
        source = active[n]
        length = period[row[source]]
        start = (end - delay[source] - size) % length
        first = min(size, length - start)
        windows[n, :first] = samples[row[source], start : start + first]
        windows[n, first:] = samples[row[source], : size - first]
