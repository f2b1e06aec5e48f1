"""Safety of a live microphone: howling is heard in its beginnings and ducked, peaks are held down.

The criteria are those of T. van Waterschoot and M. Moonen, *Fifty years of acoustic feedback control: state of the art
and future challenges* (Proceedings of the IEEE 99, 2011), section IV: howling is one peak far above the mean of the
spectrum (PAPR) and far above its own harmonics (PHPR), and it grows from frame to frame.
"""

import math
from collections import deque

import numba
import numpy as np

from ..units import db_to_gain
from .pyo_block import FloatArray
from .real_transform import SIZES, Length, Tables, length_of, load_window, part_of, tables_of, transform
from .vectors import aligned_zeros

FRAME_S = 0.0213
FRAMES, COMPARED = 12, 4
"""So many frames in a row, half a frame apart (128 ms), must look like howling; the last ones are louder than the
first."""
AUDIBLE_DB = -45.0
ABOVE_MEAN_DB, ABOVE_HARMONICS_DB = 25.0, 30.0
GROWTH_DB = 3.0
"""Of the last over the first."""
SATURATED_DB = -9.0
"""A pure tone as loud as this is howling that can grow no more."""
OVERLOAD_S = 0.5
"""What is over the ceiling for so long is howling on many frequencies at once, or a gain that is far too high."""
DUCK_DB, DUCK_S, RECOVER_S = -60.0, 0.02, 1.0
HOLD_S, LONGEST_HOLD_S = 1.5, 30.0
"""How long it is ducked; each time soon after another twice as long."""
FORGIVEN_S = 10.0
CEILING_DB = -6.0


@numba.njit(nogil=True, cache=True)
def _levels(
    frame: FloatArray,
    oldest: int,
    window: FloatArray,
    work: FloatArray,
    tables: Tables,
    levels_db: FloatArray,
    length: Length,
) -> float:
    """The spectrum of a frame of 2n samples whose oldest is at ``oldest``: n + 1 levels to ``levels_db``; returns the
    mean of their squares before the logarithm. ``work`` has room for the frame and two signals."""
    n, part = 1 << len(length), part_of(length)
    x, y, mask = 2 * n, 2 * n + 2 * part, 2 * n - 1
    for i in range(2 * n):
        work[i] = frame[(oldest + i) & mask] * window[i]
    load_window(work[: 2 * n], 0, work, x, y, length)
    transform(work, x, y, tables, length)
    squares = 0.0
    for k in range(n + 1):
        i, j = y + k % n, y + (n - k) % n
        even_r, even_i = work[i] + work[j], work[i + part] - work[j + part]
        odd_r, odd_i = work[i + part] + work[j + part], work[j] - work[i]
        turn = -math.pi * k / n
        real = even_r + odd_r * math.cos(turn) - odd_i * math.sin(turn)
        imaginary = even_i + odd_r * math.sin(turn) + odd_i * math.cos(turn)
        square = real * real + imaginary * imaginary
        squares += square
        levels_db[k] = 20.0 * math.log10(math.sqrt(square) + 1e-9)
    return squares / (n + 1)


class FeedbackGuard:
    """Passes a microphone's blocks on, ducked while howling was heard lately. Not thread-safe; adds no delay.

    It works in arrays of its own and says nothing: ``howls`` is for others to read.
    """

    def __init__(self, rate_hz: int, block: int) -> None:
        self._rate_hz, self._block = rate_hz, block
        self._size = min(max(SIZES[0], 1 << round(np.log2(FRAME_S * rate_hz))), SIZES[-1])
        self._window = np.hanning(self._size).astype(np.float32)
        self._window *= 2.0 / self._window.sum()
        self._tables, self._length = tables_of(self._size), length_of(self._size)
        self._frame = np.zeros(self._size, np.float32)
        self._at = 0  # where in the frame its oldest sample is, which the next one replaces
        self._fresh = 0
        self._work = aligned_zeros(self._size + 4 * part_of(self._length))
        self._power_db = np.zeros(self._size // 2 + 1, np.float32)
        self._clean, self._out, self._ramp = (np.zeros(block, np.float32) for _ in range(3))
        self._broken = np.zeros(block, np.bool_)
        self._rising = (np.arange(block, dtype=np.float32) + 1.0) / np.float32(block)
        self._peaks: deque[tuple[int, float]] = deque(maxlen=FRAMES)
        self._gain, self._hold_s, self._limit = 1.0, 0.0, 1.0
        self._next_hold_s, self._calm_s, self._over_s = HOLD_S, 0.0, 0.0
        self.howls = 0
        """How often howling was ducked."""
        self._judge()  # compiled code is loaded before the first deadline

    @property
    def ducked(self) -> bool:
        return self._hold_s > 0.0

    def process(self, samples: FloatArray) -> FloatArray:
        """A block (block,), safe to be played; what is not a number is silence. The answer holds until the next one."""
        clean, out, ramp = self._clean, self._out, self._ramp
        np.copyto(clean, samples)
        np.logical_not(np.isfinite(clean, out=self._broken), out=self._broken)
        np.copyto(clean, 0.0, where=self._broken)
        self._listen(clean)
        block_s = self._block / self._rate_hz
        ducked = self._hold_s > 0.0
        self._hold_s = max(0.0, self._hold_s - block_s)
        rate = block_s / (DUCK_S if ducked else RECOVER_S)
        target = db_to_gain(DUCK_DB) if ducked else 1.0
        gain = self._gain + (target - self._gain) * min(1.0, 1.5 * rate)
        peak = float(np.abs(clean, out=out).max())
        ceiling = db_to_gain(CEILING_DB)
        self._over_s = self._over_s + block_s if peak > ceiling else max(0.0, self._over_s - 2.0 * block_s)
        self._calm_s += block_s
        if self._over_s > OVERLOAD_S:
            self._duck()
        limit = min(ceiling / peak if peak > ceiling else 1.0, self._limit + block_s / 0.2)
        before, after = self._gain * self._limit, gain * limit
        np.multiply(self._rising, after - before, out=ramp)
        np.add(ramp, before, out=ramp)
        self._gain, self._limit = gain, limit
        np.multiply(clean, ramp, out=out)
        np.minimum(out, ceiling, out=out)
        return np.maximum(out, -ceiling, out=out)

    def _listen(self, samples: FloatArray) -> None:
        hop = self._size // 2
        for start in range(0, self._block, hop):
            piece = samples[start : start + hop]
            first = min(len(piece), self._size - self._at)
            self._frame[self._at : self._at + first] = piece[:first]
            self._frame[: len(piece) - first] = piece[first:]
            self._at = (self._at + len(piece)) % self._size
            self._fresh += len(piece)
            if self._fresh >= hop:
                self._fresh -= hop
                self._judge()

    def _judge(self) -> None:
        """One more frame; howling is counted and ducked."""
        power_db = self._power_db
        mean_square = _levels(self._frame, self._at, self._window, self._work, self._tables, power_db, self._length)
        peak = int(power_db[2:].argmax()) + 2
        level_db = float(power_db[peak])
        pure = (
            level_db > AUDIBLE_DB
            and level_db - 10.0 * math.log10(mean_square + 1e-18) > ABOVE_MEAN_DB - 10.0
            and all(level_db - near > ABOVE_HARMONICS_DB for near in self._harmonics(power_db, peak))
        )
        if not pure or (self._peaks and abs(peak - self._peaks[-1][0]) > 2):
            self._peaks.clear()
        if not pure:
            return
        self._peaks.append((peak, level_db))
        if len(self._peaks) < FRAMES:
            return
        levels = [level for _, level in self._peaks]
        grows = min(levels[-COMPARED:]) - max(levels[:COMPARED]) > GROWTH_DB
        if grows or min(levels) > SATURATED_DB:
            self._duck()
            self._peaks.clear()

    def _duck(self) -> None:
        if self.ducked:
            return
        self.howls += 1
        soon = self._calm_s < FORGIVEN_S and self.howls > 1
        self._next_hold_s = min(2.0 * self._next_hold_s, LONGEST_HOLD_S) if soon else HOLD_S
        self._hold_s = self._next_hold_s
        self._calm_s = -self._hold_s
        self._over_s = 0.0

    def _harmonics(self, power_db: FloatArray, peak: int) -> list[float]:
        """The levels around half of, and twice to five times, a peak's frequency."""
        places = [place for place in (peak // 2, *range(2 * peak, 6 * peak, peak)) if 4 <= place < len(power_db) - 2]
        return [float(power_db[place - 2 : place + 3].max()) for place in places if abs(place - peak) > 4]
