"""What the score says of each of the conductor's beats: its place in the bar, its length, tempo and fermatas."""

import math
from dataclasses import dataclass

import numpy as np

from ..score import Score

BeatKey = tuple[int, int]
"""Beats in the measure, and beat of the measure from 0: what lags and strokes are learned for."""

PLAIN_CHANGE = 1.25
"""Tempo marks that differ by less than this factor are left to the conductor."""


@dataclass(frozen=True, slots=True)
class MeterMap:
    """What the score says of each beat: its key, its place and length in quarters, its marked period in seconds,
    whether a fermata holds it, and whether a new tempo or meter begins with it."""

    keys: tuple[BeatKey, ...]
    quarters: tuple[float, ...]
    lengths: tuple[float, ...]
    marked_period_s: tuple[float, ...]
    held: tuple[bool, ...]
    new_tempo: tuple[bool, ...]

    @classmethod
    def of(cls, score: Score) -> "MeterMap":
        beats = score.beats
        keys = tuple((int(row["beats_in_measure"]), int(row["beat"]) - 1) for row in beats)
        periods = tuple(
            60.0 * float(row["duration_quarter"]) / max(1.0, score.quarter_bpm_at(float(row["quarter"])))
            for row in beats
        )
        held = np.zeros(len(beats), dtype=bool)
        for fermata in score.fermatas:
            ends = beats["quarter"] + beats["duration_quarter"]
            held |= (beats["quarter"] < fermata["end_quarter"] - 1e-6) & (ends > fermata["quarter"] + 1e-6)
        lengths = beats["duration_quarter"].astype(float)
        speed = lengths / np.array(periods)
        changes = np.abs(np.diff(np.log(speed), prepend=np.log(speed[0]))) > math.log(PLAIN_CHANGE)
        meters = score.measures[["numerator", "denominator"]][beats["measure"]]
        changes[1:] |= meters[1:] != meters[:-1]
        return cls(
            keys=keys,
            quarters=tuple(beats["quarter"].tolist()),
            lengths=tuple(lengths.tolist()),
            marked_period_s=periods,
            held=tuple(held.tolist()),
            new_tempo=tuple(changes.tolist()),
        )

    @property
    def last(self) -> int:
        """Index of the last beat."""
        return len(self.keys) - 1

    def key(self, index: int) -> BeatKey:
        """Key of a beat; before the first and after the last the bar goes on."""
        inside = max(0, min(len(self.keys) - 1, index))
        count, beat = self.keys[inside]
        return count, (beat + index - inside) % count

    def ratio(self, index: int) -> float:
        """How much longer than the beat before ``index`` the one from there is, in score time."""
        return self.lengths[index] / self.lengths[index - 1] if 1 <= index < len(self.keys) else 1.0

    def marked_s(self, index: int) -> float:
        """The marked period of a beat."""
        return self.marked_period_s[max(0, min(len(self.marked_period_s) - 1, index))]

    def begins_tempo(self, index: int) -> bool:
        return 0 <= index < len(self.new_tempo) and self.new_tempo[index]

    def place(self, index: int) -> float:
        """Score time of a beat in quarters; goes on evenly outside."""
        inside = max(0, min(len(self.quarters) - 1, index))
        return self.quarters[inside] + (index - inside) * self.lengths[inside]

    def is_held(self, index: int) -> bool:
        return 0 <= index < len(self.held) and self.held[index]
