"""Virtual conductors to learn from: what a hand did, and where its icti were, frame by frame."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from ...engine.conducting.beat_figures import SMOOTH_PROFILES, Profile, Style
from ...engine.conducting.gesture_features import METERS, features
from ...engine.conducting.gesture_reader import KNOWN_AFTER_S, UNTIL_EDGES_S
from ...engine.conducting.imperfect_tracking import Tracking, random_tracking
from ...engine.conducting.mannerisms import random_style, smooth_style
from ...engine.conducting.meter_map import MeterMap
from ...engine.conducting.random_motion import wandering
from ...engine.conducting.smooth_way import is_held
from ...engine.conducting.virtual_conductor import Timings, conduct, intended
from ...engine.plain_score import score_of_bars
from ...engine.score import Score

FloatArray = npt.NDArray[np.float64]

BARS_OF = {1: 0.08, 2: 0.2, 3: 0.2, 4: 0.3, 5: 0.07, 6: 0.1, 7: 0.05}
"""Beats in a bar and how often they are drawn."""
FASTEST_S, SLOWEST_S = 0.30, 2.2
"""Bounds of a piece's usual beat period."""
ICTUS_SPREAD_S = 0.018
"""Width of the mark around an ictus that the network is to give."""
AT_ICTUS_S = 0.04
"""So near an ictus nobody can tell which beat comes next."""
SMOOTH_PART = 0.6
"""How many conductors have a smooth hand."""
SOFT_PART, SOFTEST_S = 0.35, 0.05
"""How many of the others have rounded corners, and by how much at most."""
SHAKEN_PART = 0.12
"""How many of those who wait before they begin shake their hand meanwhile."""
CHANGING_PART, MARKED_PART = 0.15, 0.6
"""How many pieces change the meter, and how many sudden tempi are marked in the score."""
COUNTED_AFTER_S = 0.08
"""So long after an ictus the beat is counted, and what the score says of the next one is told."""
LEVEL_NOISE = 1.3 * 0.04
"""Tracking noise at most in parts of the stroke: a gesture that noise hides teaches nothing."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One take. ``frames`` (n, features); ``ictus`` (n,) 0–1; ``until`` (n,) which span until the next ictus; ``beat``
    (n,) the beat of the bar that comes next, from 0, or −1 where that is left open; ``beating`` (n,) 0 or 1: whether
    the hand beats, rather than rests, holds or does other things."""

    frames: npt.NDArray[np.float16]
    ictus: npt.NDArray[np.float16]
    until: npt.NDArray[np.int8]
    beat: npt.NDArray[np.int8]
    beating: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class _Music:
    score: Score
    periods_s: FloatArray

    @property
    def timings(self) -> Timings:
        steps = np.concatenate([[0.0], np.cumsum(self.periods_s[:-1])])
        return self.score.beats["quarter"].astype(float), 3.0 + steps


def lesson(seed: int, profile: Profile | None = None) -> Lesson:
    """A conductor drawn at random conducts a plain score for a minute or several; the same seed, the same lesson.

    ``profile`` says how their hand moves, if that is not to be drawn, too.
    """
    random = np.random.default_rng(seed)
    style, tracking = random_style(random), random_tracking(random)
    smooth = random.random() < SMOOTH_PART
    if profile is not None:
        style, smooth = replace(style, profile=profile), profile in SMOOTH_PROFILES
    if smooth:
        style = smooth_style(style, random, profile)
        style = replace(style, spread=style.spread * float(random.random() < 0.85))
    music, stops = _music(random)
    if random.random() < (0.8 if stops else 0.15):
        style = replace(style, hold="fidget")
    finest_m = LEVEL_NOISE * style.size_m
    tracking = replace(
        tracking, noise_m=min(tracking.noise_m, finest_m), quantum_m=min(tracking.quantum_m, 1.5 * finest_m)
    )
    preamble_s = float(random.choice([0.0, random.uniform(3.0, 25.0), 60.0], p=[0.62, 0.33, 0.05]))
    chance = int(random.integers(1 << 31))
    take = conduct(music.score, music.timings, seed=chance, style=style, tracking=tracking, preamble_s=preamble_s)
    _, icti_s = intended(music.score, music.timings, seed=chance, style=style, preamble_s=preamble_s)
    icti_s = icti_s + _delay_s(tracking)
    seen = [pose for pose in take.of("baton") if pose.valid]
    times_s, places_m = np.array([pose.time_s for pose in seen]), np.array([pose.position_m for pose in seen])
    if random.random() < 0.25:
        began = times_s > icti_s[0] - music.periods_s[0] * float(random.uniform(1.05, 1.5))
        times_s, places_m = times_s[began], places_m[began]
    if preamble_s and random.random() < SHAKEN_PART:
        places_m = places_m + _shaking(times_s, times_s[0] + random.uniform(0.5, 1.0) * preamble_s, random)
    places_m = _alive(times_s, places_m, style, random)
    meter = MeterMap.of(music.score)
    beats = music.score.beats["beats_in_measure"].tolist()
    known_s = [-np.inf, *(icti_s[:-1] + COUNTED_AFTER_S).tolist()]
    grid, frames = features(times_s, places_m, list(zip(known_s, meter.marked_period_s, beats, strict=True)))
    return Lesson(frames.astype(np.float16), *_marks(grid, icti_s, music.score.beats["beat"] - 1, music.periods_s))


def _delay_s(tracking: Tracking) -> float:
    """How late the device shows the hand."""
    return tracking.latency_s + tracking.smoothing_s


def _music(random: np.random.Generator) -> tuple[_Music, bool]:
    """Bars of a meter drawn at random, perhaps of several, with a pickup or beats of two lengths, with dynamics and a
    tempo that is played; and whether the conductor stops in it for long."""
    bars = _bars(random, int(np.exp(random.uniform(np.log(24), np.log(150)))))
    lengths = np.concatenate(bars)
    quarters_s, sudden, stops = _periods(random, len(lengths))
    periods_s = quarters_s * lengths
    marked_s = float(np.median(periods_s[:4]) / np.exp(random.normal(0.0, 0.25))) / lengths[0]
    starts = np.cumsum(lengths) - lengths
    tempos = [(0.0, 60.0 / marked_s)]
    for beat, factor in sudden:
        marked_s *= factor
        if random.random() < MARKED_PART:
            marked_s *= float(np.exp(random.normal(0.0, 0.1)))
            tempos.append((float(starts[beat]), 60.0 / marked_s))
    score = score_of_bars(bars, tempos, _levels(random, len(lengths)))
    first = len(bars[0])
    pickup = int(random.integers(1, first)) if first > 1 and random.random() < 0.2 else 0
    return _Music(replace(score, beats=score.beats[pickup:]), periods_s[pickup:]), stops


def _bars(random: np.random.Generator, beats: int) -> list[list[float]]:
    """Bars of at least so many beats in all: the lengths of each one's beats in quarters."""
    meters = [_bar(random)]
    longest = 1
    if random.random() < CHANGING_PART:
        meters += [_bar(random) for _ in range(int(random.integers(1, 3)))]
        longest = int(random.choice([1, 4, 16]))
    bars: list[list[float]] = []
    while sum(map(len, bars)) < beats:
        bars += [meters[int(random.integers(len(meters)))]] * int(random.integers(1, longest + 1))
    return bars


def _bar(random: np.random.Generator) -> list[float]:
    meter = int(random.choice(list(BARS_OF), p=list(BARS_OF.values())))
    lengths = np.ones(meter)
    if 2 <= meter <= 4 and random.random() < 0.08:
        lengths[int(random.integers(meter))] = 1.5
    return lengths.tolist()


def _levels(random: np.random.Generator, count: int) -> list[float]:
    """Dynamics from beat to beat: terraces of some bars, crescendi between some of them."""
    places = np.unique(np.concatenate([[0, count], random.integers(0, count, 1 + count // 12)]))
    levels = random.uniform(0.15, 0.95, len(places))
    place = np.arange(count)
    if random.random() < 0.5:
        return np.asarray(np.interp(place, places, levels)).tolist()
    return np.asarray(levels[np.searchsorted(places, place, side="right") - 1]).tolist()


def _periods(random: np.random.Generator, count: int) -> tuple[FloatArray, list[tuple[int, float]], bool]:
    """Beat periods of a performance, its sudden tempi (beat, and factor of the period), and whether it stops for long:
    wandering, uneven, waves, phrases that end slower, sudden tempi, accelerandi, holds, stops."""
    place = np.arange(count)
    base = np.exp(random.uniform(np.log(FASTEST_S), np.log(SLOWEST_S)))
    wave = random.uniform(0.0, 0.12) * np.sin(2 * np.pi * place / random.uniform(5, 25) + random.uniform(0, 6))
    wander = random.uniform(0.01, 0.05) * np.cumsum(random.standard_normal(count))
    uneven = random.uniform(0.0, 0.06) * random.standard_normal(count)
    periods = base * np.exp(np.clip(wander, -0.7, 0.7) + wave + uneven)
    if random.random() < 0.4:
        phrase = int(random.choice([8, 12, 16, 24, 32]))
        periods *= 1.0 + random.uniform(0.05, 0.5) * np.clip((place % phrase - phrase + 4) / 4, 0.0, 1.0) ** 2
    sudden = sorted(
        (int(random.integers(4, count)), float(np.exp(random.uniform(-0.7, 0.7))))
        for _ in range(random.poisson(count / 100))
    )
    for beat, factor in sudden:
        periods[beat:] *= factor
    for _ in range(random.poisson(count / 120)):
        begin = int(random.integers(4, count))
        end = min(count, begin + int(random.integers(4, 16)))
        periods[begin:end] *= np.linspace(1.0, random.uniform(0.6, 1.8), end - begin)
    periods = np.clip(periods, 0.25, 3.0)
    for _ in range(random.poisson(count / 50)):
        periods[random.integers(3, count)] += random.uniform(0.7, 8.0)
    stops = bool(random.random() < 0.15)
    for _ in range(random.integers(1, 3) if stops else 0):
        periods[random.integers(3, count)] += random.uniform(10.0, 60.0)
    return np.asarray(periods), sudden, stops


def _alive(times_s: FloatArray, places_m: FloatArray, style: Style, random: np.random.Generator) -> FloatArray:
    """What no plan of strokes has: a figure that is skewed, grows and shrinks, and whose strokes go astray a little."""
    centre = np.median(places_m, axis=0)
    skew = np.eye(3) + 0.12 * random.standard_normal((3, 3))
    places = (places_m - centre) @ skew
    if style.profile not in SMOOTH_PROFILES and random.random() < SOFT_PART:
        places = _soft(times_s, places, float(random.uniform(0.01, SOFTEST_S)))
    if random.random() < 0.5:
        places = places * np.exp(random.uniform(0.1, 0.35) * wandering(times_s, random, 1, (4.0, 40.0)))
    if random.random() < 0.5:
        astray_m = random.uniform(0.0, 0.08) * style.size_m
        places = places + astray_m * wandering(times_s, random, 3, (0.8, 5.0))
    return np.asarray(centre + places)


def _soft(times_s: FloatArray, places_m: FloatArray, width_s: float) -> FloatArray:
    """The way with its corners rounded; what is seen of it keeps its noise elsewhere."""
    grid = np.arange(times_s[0], times_s[-1], 0.25 * width_s)
    even = np.stack([np.interp(grid, times_s, axis) for axis in places_m.T], axis=1)
    smooth = gaussian_filter1d(even, 4.0, axis=0, mode="nearest")
    return np.stack([np.interp(times_s, grid, axis) for axis in smooth.T], axis=1)


def _shaking(times_s: FloatArray, until_s: float, random: np.random.Generator) -> FloatArray:
    """A hand that shakes, scratches or waves until then: an even oscillation, faster than anybody beats or tiny."""
    size_m = float(np.exp(random.uniform(np.log(0.005), np.log(0.06))))
    rate_hz = float(random.uniform(3.5, 6.5) if size_m > 0.02 else random.uniform(2.0, 6.5))
    along = random.standard_normal(3)
    along /= np.linalg.norm(along)
    fading = np.clip((until_s - times_s) / 0.4, 0.0, 1.0)[:, None]
    return np.asarray(size_m * fading * np.sin(2 * np.pi * rate_hz * times_s)[:, None] * along)


def _marks(
    grid: FloatArray, icti_s: FloatArray, beats: npt.NDArray[np.int_], periods_s: FloatArray
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.int8], npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """What the network is to say at each frame, in the order of ``Lesson``."""
    following = np.searchsorted(icti_s, grid, side="right")
    last = len(icti_s) - 1
    coming = np.minimum(following, last)
    to_next_s = np.where(following <= last, icti_s[coming] - grid, np.inf)
    until = np.minimum(np.searchsorted(UNTIL_EDGES_S, to_next_s, side="right") - 1, len(UNTIL_EDGES_S) - 1)
    ictus = np.exp(-0.5 * (_off_s(grid - KNOWN_AFTER_S, icti_s) / ICTUS_SPREAD_S) ** 2)
    usual_s = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(periods_s, 4, mode="edge"), 9), axis=1)
    stroke_s = np.diff(icti_s, prepend=icti_s[0] - usual_s[0])
    held = is_held(stroke_s, usual_s)
    since_s = grid - np.where(following > 0, icti_s[np.maximum(following - 1, 0)], -np.inf)
    rests = (to_next_s > 1.05 * usual_s[coming]) & (since_s > 0.6 * usual_s[coming])
    beating = ~(rests & (held[coming] | (following == 0) | (following > last)))
    sure = beating & (following <= last) & (_off_s(grid, icti_s) > AT_ICTUS_S)
    beat = np.where(sure & (beats[coming] < METERS), beats[coming], -1)
    return ictus.astype(np.float16), until.astype(np.int8), beat.astype(np.int8), beating.astype(np.int8)


def _off_s(grid: FloatArray, icti_s: FloatArray) -> FloatArray:
    """Distance from the nearest ictus."""
    after = np.clip(np.searchsorted(icti_s, grid), 1, len(icti_s) - 1)
    return np.asarray(np.minimum(np.abs(grid - icti_s[after - 1]), np.abs(grid - icti_s[after])))
