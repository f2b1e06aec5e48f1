"""Safety of a live microphone: howling is heard in its beginnings and ducked, peaks are held down.

The criteria are those of T. van Waterschoot and M. Moonen, *Fifty years of acoustic feedback control: state of the art
and future challenges* (Proceedings of the IEEE 99, 2011), section IV: howling is one peak far above the mean of the
spectrum (PAPR) and far above its own harmonics (PHPR), and it grows from frame to frame.
"""

from collections import deque

import numpy as np

from ..units import db_to_gain
from .pyo_block import FloatArray

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


class FeedbackGuard:
    """Passes a microphone's blocks on, ducked while howling was heard lately. Not thread-safe; adds no delay."""

    def __init__(self, rate_hz: int, block: int) -> None:
        self._rate_hz, self._block = rate_hz, block
        self._size = 1 << round(np.log2(FRAME_S * rate_hz))
        self._window = np.hanning(self._size).astype(np.float32)
        self._frame = np.zeros(self._size, np.float32)
        self._fresh = 0
        self._peaks: deque[tuple[int, float]] = deque(maxlen=FRAMES)
        self._gain, self._hold_s, self._limit = 1.0, 0.0, 1.0
        self._next_hold_s, self._calm_s, self._over_s = HOLD_S, 0.0, 0.0
        self.howls = 0
        """How often howling was ducked."""

    @property
    def ducked(self) -> bool:
        return self._hold_s > 0.0

    def process(self, samples: FloatArray) -> FloatArray:
        """A block (block,), safe to be played; what is not a number is silence."""
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        self._listen(samples)
        block_s = len(samples) / self._rate_hz
        ducked = self._hold_s > 0.0
        self._hold_s = max(0.0, self._hold_s - block_s)
        rate = block_s / (DUCK_S if ducked else RECOVER_S)
        target = db_to_gain(DUCK_DB) if ducked else 1.0
        gain = self._gain + (target - self._gain) * min(1.0, 1.5 * rate)
        peak = float(np.abs(samples).max(initial=0.0))
        ceiling = db_to_gain(CEILING_DB)
        self._over_s = self._over_s + block_s if peak > ceiling else max(0.0, self._over_s - 2.0 * block_s)
        self._calm_s += block_s
        if self._over_s > OVERLOAD_S:
            self._duck()
        limit = min(ceiling / peak if peak > ceiling else 1.0, self._limit + block_s / 0.2)
        ramp = np.linspace(self._gain * self._limit, gain * limit, len(samples) + 1, dtype=np.float32)[1:]
        self._gain, self._limit = gain, limit
        return np.clip(samples * ramp, -ceiling, ceiling).astype(np.float32)

    def _listen(self, samples: FloatArray) -> None:
        hop = self._size // 2
        for start in range(0, len(samples), hop):
            piece = samples[start : start + hop]
            self._frame = np.concatenate([self._frame[len(piece) :], piece])
            self._fresh += len(piece)
            if self._fresh >= hop:
                self._fresh -= hop
                self._judge()

    def _judge(self) -> None:
        """One more frame; howling is counted and ducked."""
        magnitudes = np.abs(np.fft.rfft(self._frame * self._window)) * (2.0 / self._window.sum())
        power_db = 20.0 * np.log10(magnitudes + 1e-9)
        peak = int(power_db[2:].argmax()) + 2
        level_db = float(power_db[peak])
        pure = (
            level_db > AUDIBLE_DB
            and level_db - 10.0 * np.log10(np.mean(magnitudes**2) + 1e-18) > ABOVE_MEAN_DB - 10.0
            and all(level_db - near > ABOVE_HARMONICS_DB for near in self._harmonics(power_db, peak))
        )
        if not pure or (self._peaks and abs(peak - self._peaks[-1][0]) > 2):
            self._peaks.clear()
        if not pure:
            return
        self._peaks.append((peak, level_db))
        if len(self._peaks) < FRAMES:
            return
        levels = np.array([level for _, level in self._peaks])
        grows = levels[-COMPARED:].min() - levels[:COMPARED].max() > GROWTH_DB
        if grows or levels.min() > SATURATED_DB:
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
