"""Simple followers to compare with: causal minima, a phase-locked loop on them, and a metronome.

Their parameters were tuned on the built-in curves (``conducting.py --tune`` prints the search), the loop's together
with those of the minima it gets.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tutti.engine.types import Pose


@dataclass(frozen=True, slots=True)
class Minima:
    """A beat where the baton's height turns: after it has fallen, then risen, by ``part`` of the usual stroke (the
    median of the last eight), at least ``apart_s`` after the last."""

    part: float = 0.1
    apart_s: float = 0.25

    def find(self, poses: Sequence[Pose]) -> tuple[np.ndarray, np.ndarray]:
        """Times of the lowest points, and when they were known."""
        strokes: deque[float] = deque([0.2], maxlen=8)
        found: list[tuple[float, float]] = []
        falling, top, low, low_s, least = False, -1e9, 1e9, 0.0, self.part * 0.2
        for pose in poses:
            if not pose.valid:
                continue
            y = pose.position_m[1]
            if not falling:
                top = max(top, y)
                if y < top - least:
                    falling, low, low_s = True, y, pose.time_s
                continue
            if y < low:
                low, low_s = y, pose.time_s
            elif y > low + least:
                if not found or low_s - found[-1][0] >= self.apart_s:
                    found.append((low_s, pose.time_s))
                    strokes.append(min(top - low, 1.5))
                    least = max(0.006, self.part * float(np.median(strokes)))
                falling, top = False, y
        icti = np.array(found).reshape(-1, 2)
        return icti[:, 0], icti[:, 1]


@dataclass(frozen=True, slots=True)
class PhaseLockedLoop:
    """Plays at predicted times; each minimum near a prediction corrects phase and period."""

    phase_gain: float = 1.0
    period_gain: float = 0.05
    gate: float = 0.7

    def follow(self, icti_s: np.ndarray, known_s: np.ndarray, marked_period_s: float) -> np.ndarray:
        """Times at which it plays. ``icti_s`` and ``known_s`` are what ``Minima.find`` gives."""
        if not len(icti_s):
            return np.zeros(0)
        period, beats = marked_period_s, [float(known_s[0])]
        due = float(icti_s[0]) + period
        for ictus, known in zip(icti_s[1:].tolist(), known_s[1:].tolist(), strict=True):
            while due < ictus - 0.5 * period:
                beats.append(due)
                due += period
            off = ictus - due
            if abs(off) > self.gate * period:
                continue
            corrected = due + self.phase_gain * off
            beats.append(due if due <= known else max(known, corrected))
            period = min(max(period + self.period_gain * off, 0.25), 2.4)
            due = corrected + period
        return np.array(beats)


def metronome(reference_s: np.ndarray) -> np.ndarray:
    """The true mean tempo, started on time."""
    return np.linspace(reference_s[0], reference_s[-1], len(reference_s))
