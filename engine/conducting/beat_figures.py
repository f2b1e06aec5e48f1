"""The figures a conductor draws, and a gesture planned from them: what the virtual conductor's hands do.

Places are in the tracking frame (Y up), for a conductor who faces −Z.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..score import Score
from ..types import Device

LAG_OF_BEAT = (0.30, 0.145, 0.14, 0.025)
"""Lag of the hand's lowest point behind the music in beat periods, on the beats of a bar of four. From a
motion-captured conductor at 58–87 BPM: 247, 120, 117 and 21 ms."""

LONGEST_LAG_PERIOD_S = 0.9
"""The lag stops growing with the beat period here: nobody is late by a second in a slow movement."""

FIGURES: dict[int, tuple[tuple[float, float], ...]] = {
    1: ((0.0, 0.0),),
    2: ((0.0, 0.0), (0.22, 0.06)),
    3: ((0.0, 0.0), (0.42, 0.04), (0.20, 0.14)),
    4: ((0.0, 0.0), (-0.40, 0.04), (0.45, 0.05), (0.10, 0.20)),
    5: ((0.0, 0.0), (-0.28, 0.02), (-0.48, 0.06), (0.42, 0.05), (0.10, 0.20)),
    6: ((0.0, 0.0), (-0.22, 0.02), (-0.44, 0.06), (0.32, 0.03), (0.54, 0.08), (0.10, 0.22)),
    7: ((0.0, 0.0), (-0.22, 0.02), (-0.44, 0.06), (0.20, 0.03), (0.38, 0.05), (0.56, 0.08), (0.10, 0.22)),
}
"""Places of the icti (right, up) in units of the stroke's size, for a right-handed conductor."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a conductor beats. Lengths in metres, times in seconds."""

    size_m: float = 0.32
    """Height of the stroke to the first beat at mezzo-forte."""
    bounce: float = 0.5
    """0: round, legato; 1: a sharp click at the ictus."""
    mirror: bool = False
    """A mirror image: the figure of a left-handed conductor."""
    lag: float = 0.7
    """How far the hand follows ``LAG_OF_BEAT``; 0 is exactly with the music."""
    jitter_s: float = 0.018
    """Standard deviation of the ictus about its place."""
    variation: float = 0.12
    """Relative variation of the stroke's size from beat to beat."""
    sway_m: float = 0.02
    """Slow wandering of the whole figure."""
    double_bounce: float = 0.0
    """Depth of a second, false ictus after each real one, relative to the stroke."""
    flourish: float = 0.0
    """Probability that a beat has a small dip at its top."""
    lean: float = 1.0
    """Where in the beat the top is: below 1 early (lingering fall), above 1 late (sudden fall)."""
    preparation: Literal["lift", "dip"] = "lift"
    """Preparatory beat: lifted out of stillness, or given with an ictus of its own."""
    hold: Literal["still", "slow"] = "still"
    """Long beats: the hand stands at the top of the stroke, or goes slowly all along."""
    centre_m: tuple[float, float, float] = (0.12, 1.05, -0.42)
    """Where the ictus of the first beat is."""


def figure(beats: int) -> np.ndarray:
    """Places of the icti, shape ``(beats, 2)``; figures above seven go left, then right, then to the middle."""
    if beats in FIGURES:
        return np.array(FIGURES[beats])
    place = np.arange(beats) / (beats - 1)
    across = np.where(place < 0.5, -0.9 * place, 0.9 * (1.0 - place) + 0.1)
    across[0] = 0.0
    return np.stack([across, 0.2 * place**2], axis=1)


def lag_of_beat(beat: int, beats_in_measure: int) -> float:
    """Lag of the hand's lowest point in beat periods; ``beat`` counts from 1."""
    if beats_in_measure == 1:
        return LAG_OF_BEAT[1]
    if beat == 1:
        return LAG_OF_BEAT[0]
    if beat == beats_in_measure:
        return LAG_OF_BEAT[3]
    return LAG_OF_BEAT[1]


@dataclass(frozen=True, slots=True)
class Strokes:
    """A planned gesture: stroke ``i`` leads to ictus ``i``; stroke 0 is the preparatory beat.

    All arrays have one row per stroke. ``from_m`` and ``to_m`` are (right, up) from the style's centre.
    """

    ictus_s: np.ndarray
    start_s: np.ndarray
    usual_s: np.ndarray
    from_m: np.ndarray
    to_m: np.ndarray
    top_m: np.ndarray
    flourished: np.ndarray

    @classmethod
    def plan(
        cls, score: Score, first_beat: int, music_s: np.ndarray, style: Style, random: np.random.Generator
    ) -> "Strokes":
        """Plan the strokes to the beats of ``score`` from ``first_beat`` that fall at ``music_s``."""
        rows = score.beats[first_beat : first_beat + len(music_s)]
        period = np.diff(music_s, prepend=2 * music_s[0] - music_s[1])
        usual = _running_median(period, 9)
        lags = np.array([lag_of_beat(int(row["beat"]), int(row["beats_in_measure"])) for row in rows])
        lags = style.lag * lags * np.minimum(usual, LONGEST_LAG_PERIOD_S)
        jitter = np.clip(style.jitter_s * random.standard_normal(len(rows)), -0.15 * period, 0.15 * period)
        ictus = music_s + lags + jitter
        ictus = _spread(ictus, 0.4 * np.minimum(period, usual))
        size = style.size_m * _dynamic_size(score, rows) * _wander(len(rows), style.variation, random)
        figures = {count: figure(int(count)) for count in np.unique(rows["beats_in_measure"])}
        to = np.array([figures[row["beats_in_measure"]][row["beat"] - 1] for row in rows]) * size[:, None]
        if style.mirror:
            to[:, 0] *= -1
        start = np.concatenate([[ictus[0] - usual[0]], ictus[:-1]])
        came_from = np.concatenate([to[:1] + [0.0, 0.02], to[:-1]])
        top = np.where(rows["beat"] == 1, 1.0, np.where(rows["beat"] == rows["beats_in_measure"], 0.62, 0.5)) * size
        return cls(ictus, start, usual, came_from, to, top, random.random(len(rows)) < style.flourish)

    def places(self, device: Device, times: np.ndarray, style: Style, random: np.random.Generator) -> np.ndarray:
        """Positions of a device at ``times``, shape ``(n, 3)``, tracking frame, without noise of the tracking."""
        hand = self._hand(times, style)
        sway = style.sway_m * _slow(times, random, 3)
        centre = np.array(style.centre_m)
        if device == "baton":
            return centre + hand + sway
        if device == "head":
            nod = 0.03 * hand[:, 1:2] * np.array([0.0, 1.0, -0.5])
            return np.array([0.0, centre[1] + 0.55, 0.02]) + nod + sway
        joins = np.clip(0.5 + 1.2 * _slow(times, random, 1), 0.0, 1.0)
        mirrored = self._hand(times - 0.02, style) * np.array([-0.7, 0.7, 0.7])
        resting = np.array([-2 * centre[0], -0.12, 0.1])
        return centre * np.array([-1.0, 1.0, 1.0]) + joins * mirrored + (1 - joins) * resting + sway

    def _hand(self, times: np.ndarray, style: Style) -> np.ndarray:
        """The hand without sway, from the style's centre."""
        index = np.searchsorted(self.ictus_s, times, side="right")
        stroke = np.minimum(index, len(self.ictus_s) - 1)
        elapsed = np.maximum(times - self.start_s[stroke], 0.0)
        duration = self.ictus_s[stroke] - self.start_s[stroke]
        phase = np.clip(self._phase(elapsed, duration, self.usual_s[stroke], style), 0.0, 1.0)
        across = phase - 0.8 * np.sin(2 * np.pi * phase) / (2 * np.pi)
        place = self.from_m[stroke] + (self.to_m[stroke] - self.from_m[stroke]) * across[:, None]
        exponent = np.where(stroke == 0, 2.0, 2.0 - 0.9 * style.bounce)
        hump = np.sin(np.pi * phase**style.lean) ** exponent
        bounce = style.double_bounce * np.exp(-(((phase - 0.3) / 0.08) ** 2))
        dip = np.where(self.flourished[stroke], 0.3 * np.exp(-(((phase - 0.5) / 0.09) ** 2)), 0.0)
        top = self.top_m[stroke]
        height = place[:, 1] + top * (hump - np.where(stroke > 0, bounce + dip, 0.0))
        depth = -0.12 * top * (1 - hump)
        hand = np.stack([place[:, 0], height, depth], axis=1)
        if style.preparation == "dip":
            hand[:, 1] += self._dip(times)
        after = index == len(self.ictus_s)
        hand[after] = self._ending(times[after])
        return hand

    def _phase(self, elapsed: np.ndarray, duration: np.ndarray, usual: np.ndarray, style: Style) -> np.ndarray:
        """How far in its stroke the hand is, 0–1. Long beats stand still at the top, or slow down."""
        even = elapsed / duration
        if style.hold == "slow":
            return even
        held = (duration > 1.8 * usual) & (duration - usual > 0.4)
        rising = elapsed / usual
        falling = 1.0 - (duration - elapsed) / usual
        return np.where(held, np.where(rising < 0.5, rising, np.maximum(0.5, falling)), even)

    def _dip(self, times: np.ndarray) -> np.ndarray:
        """Height over the first place before the preparatory ictus: the hand stands higher, then falls to it."""
        fall_s = 0.5 * self.usual_s[0]
        until = np.clip((self.start_s[0] - times) / fall_s, 0.0, 1.0)
        return 0.4 * self.top_m[0] * np.sin(0.5 * np.pi * until) ** 2

    def _ending(self, times: np.ndarray) -> np.ndarray:
        """After the last ictus: a rebound that comes to rest."""
        settle = np.clip((times - self.ictus_s[-1]) / max(0.6, 0.7 * self.usual_s[-1]), 0.0, 1.0)
        top = self.top_m[-1]
        return np.stack(
            [
                np.full_like(times, self.to_m[-1, 0]),
                self.to_m[-1, 1] + 0.5 * top * np.sin(0.5 * np.pi * settle),
                -0.12 * top * (1 - settle),
            ],
            axis=1,
        )


def _running_median(values: np.ndarray, width: int) -> np.ndarray:
    half = width // 2
    padded = np.pad(values, half, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)


def _spread(times: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Times moved later where they follow the one before by less than ``least``."""
    times = times.copy()
    for index in range(1, len(times)):
        times[index] = max(times[index], times[index - 1] + least[index])
    return times


def _dynamic_size(score: Score, rows: np.ndarray) -> np.ndarray:
    """Size of each beat's stroke relative to mezzo-forte, from the written dynamics, smoothed over two beats."""
    notes = score.notes
    if not len(notes):
        return np.ones(len(rows))
    begin = np.searchsorted(notes["onset_quarter"], rows["quarter"])
    end = np.searchsorted(notes["onset_quarter"], rows["quarter"] + rows["duration_quarter"])
    total = np.concatenate([[0.0], np.cumsum(notes["dynamic"], dtype=float)])
    level = np.full(len(rows), 0.55)
    latest = 0.55
    for index, (a, b) in enumerate(zip(begin, end, strict=True)):
        if b > a:
            latest = float((total[b] - total[a]) / (b - a))
        level[index] = latest
    level = np.convolve(np.pad(level, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    return 0.55 + 0.82 * level


def _wander(count: int, spread: float, random: np.random.Generator) -> np.ndarray:
    """A positive factor that wanders about 1 with the given relative spread, half of it slowly."""
    fast = random.standard_normal(count)
    slow = np.zeros(count)
    for index in range(1, count):
        slow[index] = 0.9 * slow[index - 1] + math.sqrt(1 - 0.81) * random.standard_normal()
    return np.exp(np.clip(spread * (0.7 * fast + 0.7 * slow), -1.0, 1.0))


def _slow(times: np.ndarray, random: np.random.Generator, axes: int) -> np.ndarray:
    """Slow motion of unit size, shape ``(n, axes)``: sines with periods of 3 to 25 seconds."""
    periods = random.uniform(3.0, 25.0, (4, axes))
    phases = random.uniform(0.0, 2 * np.pi, (4, axes))
    return np.sin(2 * np.pi * times[:, None, None] / periods + phases).sum(axis=1) / 2.0
