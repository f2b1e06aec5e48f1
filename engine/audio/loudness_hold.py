"""Holds a programme's loudness live: a correction so slow that nobody hears it move.

The estimate that a performance begins with (``programme_gain_db``) is that of everyone's forte; a quartet that plays
a slow movement can be 8 LU under it. What is measured before the correction steers it (ITU-R BS.1770-5 K-weighting),
so that nothing can oscillate. Passages far under the target are meant to be soft: they are not measured, and change
nothing. The loud ones weigh most, since powers are averaged.

It depends on the sound alone, cell by cell: the same events give the same gain, live and offline.
"""

import math

import numba
import numpy as np
import numpy.typing as npt

from ..units import db_to_gain
from .loudness import k_weighting
from .pyo_block import FloatArray

FASTEST_DB_PER_S = 0.3
LARGEST_DB = 6.0
MEMORY_S = 40.0
"""How long what was loud counts; time without sound above the gate does not pass."""
GATE_LU = 10.0
"""So far under the target a passage is meant to be soft; as the relative gate of BS.1770-5."""
MOMENTARY_S = 0.4
"""What the gate looks at; pauses between chords do not count."""
FIRST_AFTER_S = 10.0
"""Nothing is changed before so much was heard above the gate."""
_HOP_S = 0.1


class LoudnessHold:
    """The correction of a stereo programme. One thread."""

    def __init__(self, rate_hz: int, cell: int, target_lufs: float, gain_db: float) -> None:
        """``gain_db`` is what the programme gets beside the correction; ``cell`` the samples between changes."""
        self._sections = k_weighting(rate_hz)
        self._states = np.zeros((2, 2, 2))
        self._cells_in_hop = max(1, round(_HOP_S * rate_hz / cell))
        self._hop = self._cells_in_hop * cell
        self._hop_s = self._hop / rate_hz
        self._recent = np.zeros(round(MOMENTARY_S / self._hop_s))
        self._step_db = FASTEST_DB_PER_S * cell / rate_hz
        self._fading = math.exp(-self._hop_s / MEMORY_S)
        self.expect(target_lufs, gain_db)
        self._energy_hop = 0.0
        self._cells = self._hops = 0
        self._wanted_db = 0.0
        self.correction_db = 0.0
        self.gain = 1.0

    def expect(self, target_lufs: float, gain_db: float) -> None:
        """From now on others are heard, or the same from elsewhere: they get ``gain_db`` beside the correction, which
        stays what it is until enough was heard."""
        self._target_lufs = target_lufs - gain_db
        self._energy = self._weight = self._heard_s = 0.0

    def add(self, stereo: FloatArray) -> None:
        """Take in the next piece, (2, samples), before any gain."""
        self._energy_hop += _weighted_energy(stereo, self._sections, self._states)

    def begin_cell(self) -> None:
        """A cell begins: ``gain`` is what it gets."""
        self._cells += 1
        if self._cells == self._cells_in_hop:
            self._end_hop()
        change_db = self._wanted_db - self.correction_db
        if change_db:
            self.correction_db += max(-self._step_db, min(self._step_db, change_db))
            self.gain = db_to_gain(self.correction_db)

    def _end_hop(self) -> None:
        power = self._energy_hop / self._hop
        self._recent[self._hops % len(self._recent)] = power
        self._hops += 1
        self._cells, self._energy_hop = 0, 0.0
        if _lufs(float(self._recent.mean())) <= self._target_lufs - GATE_LU:
            return
        self._heard_s += self._hop_s
        self._energy = self._energy * self._fading + power
        self._weight = self._weight * self._fading + 1.0
        if self._heard_s >= FIRST_AFTER_S:
            wanted_db = self._target_lufs - _lufs(self._energy / self._weight)
            self._wanted_db = max(-LARGEST_DB, min(LARGEST_DB, wanted_db))


def _lufs(power: float) -> float:
    return -0.691 + 10.0 * math.log10(max(power, 1e-20))


@numba.njit(nogil=True, cache=True)
def _weighted_energy(stereo: FloatArray, sections: FloatArray, states: npt.NDArray[np.float64]) -> float:
    """Sum of the squares of both channels behind the filters, whose ``states`` (channel, section, 2) go on."""
    energy = 0.0
    for channel in range(2):
        for i in range(stereo.shape[1]):
            value = float(stereo[channel, i])
            for section in range(sections.shape[0]):
                b0, b1, b2, _, a1, a2 = sections[section]
                state = states[channel, section]
                out = b0 * value + state[0]
                state[0] = b1 * value - a1 * out + state[1]
                state[1] = b2 * value - a2 * out
                value = out
            energy += value * value
        for section in range(sections.shape[0]):
            for k in range(2):
                if abs(states[channel, section, k]) < 1e-15:  # else denormal numbers slow a long silence down
                    states[channel, section, k] = 0.0
    return energy
