"""Virtual conductors to learn from: what a hand did, and where its icti were, frame by frame."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..engine.conducting.gesture_features import FrameArray, features
from ..engine.conducting.gesture_reader import KNOWN_AFTER_S, UNTIL_EDGES_S
from ..engine.conducting.imperfect_tracking import random_tracking
from ..engine.conducting.mannerisms import random_style
from ..engine.conducting.virtual_conductor import conduct, intended
from ..engine.score import BEAT_DTYPE, FERMATA_DTYPE, MEASURE_DTYPE, NOTE_DTYPE, TEMPO_DTYPE, Part, Score

METERS = {1: 0.08, 2: 0.2, 3: 0.2, 4: 0.3, 5: 0.07, 6: 0.1, 7: 0.05}
"""Beats in a bar and how often they are drawn."""
ICTUS_SPREAD_S = 0.018
"""Width of the mark around an ictus that the network is to give."""
LEVEL_NOISE = 1.3 * 0.04
"""Tracking noise at most in parts of the stroke: a gesture that noise hides teaches nothing."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One take: ``frames`` (n, features), ``ictus`` (n,) 0–1, ``until`` (n,) which span until the next ictus."""

    frames: FrameArray
    ictus: FrameArray
    until: npt.NDArray[np.int64]


def lesson(seed: int) -> Lesson:
    """A conductor drawn at random conducts some forty beats of a plain score; the same seed, the same lesson."""
    random = np.random.default_rng(seed)
    beats_in_bar = int(random.choice(list(METERS), p=list(METERS.values())))
    count = int(random.integers(24, 56))
    count -= count % beats_in_bar
    periods_s = _periods(random, count)
    marked_s = float(np.median(periods_s[:4]) / np.exp(random.normal(0.0, 0.25)))
    score = _plain_score(beats_in_bar, count, 60.0 / marked_s)
    timings = score.beats["quarter"][:count].astype(float), 3.0 + np.concatenate([[0.0], np.cumsum(periods_s[:-1])])
    style, tracking = random_style(random), random_tracking(random)
    if random.random() < 0.3:
        style = replace(style, hold="fidget")
    finest_m = LEVEL_NOISE * style.size_m
    tracking = replace(
        tracking, noise_m=min(tracking.noise_m, finest_m), quantum_m=min(tracking.quantum_m, 1.5 * finest_m)
    )
    preamble_s = float(random.choice([0.0, random.uniform(3.0, 25.0)], p=[0.6, 0.4]))
    chance = int(random.integers(1 << 31))
    take = conduct(score, timings, seed=chance, style=style, tracking=tracking, preamble_s=preamble_s)
    _, icti_s = intended(score, timings, seed=chance, style=style, preamble_s=preamble_s)
    seen = [pose for pose in take.of("baton") if pose.valid]
    times_s, places_m = np.array([pose.time_s for pose in seen]), np.array([pose.position_m for pose in seen])
    grid, frames = features(times_s, places_m, marked_s, beats_in_bar)
    return Lesson(frames, *_marks(grid, icti_s + tracking.latency_s + tracking.smoothing_s))


def _periods(random: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """Beat periods of a performance: wandering, waves, sudden tempi, accelerandi, holds."""
    place = np.arange(count)
    base = np.exp(random.uniform(np.log(0.32), np.log(1.7)))
    wave = random.uniform(0.0, 0.12) * np.sin(2 * np.pi * place / random.uniform(5, 25) + random.uniform(0, 6))
    periods = base * np.exp(0.03 * np.cumsum(random.standard_normal(count)) + wave)
    if random.random() < 0.4:
        periods[random.integers(4, count) :] *= np.exp(random.uniform(-0.7, 0.7))
    if random.random() < 0.35:
        begin = int(random.integers(4, count))
        end = min(count, begin + int(random.integers(4, 16)))
        periods[begin:end] *= np.linspace(1.0, random.uniform(0.6, 1.8), end - begin)
    periods = np.clip(periods, 0.27, 2.5)
    for _ in range(random.integers(0, 3)):
        periods[random.integers(3, count)] += random.uniform(1.0, 8.0) if random.random() < 0.5 else 0.0
    return np.asarray(periods)


def _marks(grid: npt.NDArray[np.float64], icti_s: npt.NDArray[np.float64]) -> tuple[FrameArray, npt.NDArray[np.int64]]:
    following = np.searchsorted(icti_s, grid, side="right")
    last = len(icti_s) - 1
    to_next_s = np.where(following <= last, icti_s[np.minimum(following, last)] - grid, np.inf)
    until = np.minimum(np.searchsorted(UNTIL_EDGES_S, to_next_s, side="right") - 1, len(UNTIL_EDGES_S) - 1)
    off_s = np.abs(grid[:, None] - KNOWN_AFTER_S - icti_s[None]).min(axis=1)
    return np.exp(-0.5 * (off_s / ICTUS_SPREAD_S) ** 2).astype(np.float32), until.astype(np.int64)


def _plain_score(beats_in_bar: int, count: int, bpm: float) -> Score:
    """Empty bars of quarters."""
    place = np.arange(count)
    beats = np.zeros(count, BEAT_DTYPE)
    beats["quarter"], beats["duration_quarter"] = place, 1.0
    beats["measure"], beats["beat"] = place // beats_in_bar, place % beats_in_bar + 1
    beats["beats_in_measure"] = beats_in_bar
    bars = [(bar * beats_in_bar, beats_in_bar, str(bar + 1), beats_in_bar, 4) for bar in range(count // beats_in_bar)]
    return Score(
        title=f"in {beats_in_bar}",
        composer="",
        sha256="",
        parts=(Part("Part", "P", "violin", 0),),
        notes=np.zeros(0, NOTE_DTYPE),
        measures=np.array(bars, MEASURE_DTYPE),
        beats=beats,
        tempos=np.array([(0.0, bpm)], TEMPO_DTYPE),
        fermatas=np.zeros(0, FERMATA_DTYPE),
    )
