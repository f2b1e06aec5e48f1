"""Applause, synthesised clap by clap.

A clap is a burst of noise through the resonance of the air between two hands; how hands meet decides where that is.
Bruno H. Repp, "The sound of two hands clapping: An exploratory study", JASA 81 (1987), found one peak between 0.4 and
2.5 kHz, and people who clap alone at 2.5–5 claps a second with about 7 % of unevenness. Leevi Peltola, Cumhur Erkut,
Perry Cook and Vesa Välimäki, "Synthesis of Hand Clapping Sounds", IEEE TASLP 15 (2007), made audiences of such
resonances, each person at a steady rate of their own.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import scipy

from ..instruments import Instrument
from .conditioning import Recording, condition
from .patch_plan import PatchPlan, PlannedZone
from .sound_set import Sample
from .synthesis_sustained import RATE_HZ

CROWDS = (2, 7, 30)
"""How many people clap in the textures: few, some, many."""
TEXTURES_EACH = 4
LOWEST_PITCH = 60
"""The first texture of few; then the others of few, those of some, of many."""
CROWD_DB = (-13.0, -7.0, 0.0)
LOOP_S = 5.0
CLAPS_PER_S = (2.6, 4.8)
UNEVENNESS = 0.07
PEAK_HZ = (480.0, 2400.0)
PEAK_WIDTH = 0.55
"""Of the peak's frequency: hands are a poor resonator."""
DECAY_S = (0.004, 0.012)


def texture_pitch(crowd: int, texture: int) -> int:
    """The pitch that plays a texture; ``crowd`` indexes ``CROWDS``."""
    return LOWEST_PITCH + TEXTURES_EACH * crowd + texture % TEXTURES_EACH


def plan_applause(instrument: Instrument) -> PatchPlan:
    """The patch: a sustaining texture for each pitch."""
    zones: list[PlannedZone] = []
    makers: dict[str, Callable[[], Sample]] = {}
    for crowd in range(len(CROWDS)):
        for texture in range(TEXTURES_EACH):
            pitch, key = texture_pitch(crowd, texture), f"applause-{crowd}-{texture}"
            relative_db = CROWD_DB[crowd]
            low = 0 if not zones else pitch
            high = 127 if len(zones) == len(CROWDS) * TEXTURES_EACH - 1 else pitch
            zones.append(PlannedZone(key, low, high, 0, 127, 0.25, 0.6, relative_db=relative_db, pitch_tracking=0.0))
            makers[key] = partial(_texture, crowd, texture)
    return PatchPlan(tuple(zones), makers, instrument.level_db, "patch")


def _texture(crowd: int, texture: int) -> Sample:
    random = np.random.default_rng([87, crowd, texture])
    data = crowd_clapping(CROWDS[crowd], LOOP_S + 0.6, random)
    scale = 0.5 / max(float(np.abs(data).max()), 1e-9)
    start, end = round(0.5 * RATE_HZ), round((0.5 + LOOP_S) * RATE_HZ)
    recording = Recording(
        (scale * data).astype(np.float32),
        RATE_HZ,
        float(texture_pitch(crowd, texture)),
        start,
        end,
        0.0,
        0,
        longest_loop_s=LOOP_S,
    )
    return condition(recording)


def crowd_clapping(people: int, duration_s: float, random: np.random.Generator) -> np.ndarray:
    """So many people clapping side by side, mono, from the first sample on."""
    total = round(duration_s * RATE_HZ)
    data = np.zeros(total)
    for _ in range(people):
        period_s = 1.0 / random.uniform(*CLAPS_PER_S)
        peak_hz = PEAK_HZ[0] * (PEAK_HZ[1] / PEAK_HZ[0]) ** random.random()
        decay_s = random.uniform(*DECAY_S)
        loudness = 10.0 ** (random.normal(0.0, 3.0) / 20.0)
        at_s = random.uniform(0.0, period_s)
        while at_s < duration_s:
            start = round(at_s * RATE_HZ)
            one = _clap(peak_hz * random.normal(1.0, 0.05), decay_s, random)[: total - start]
            data[start : start + len(one)] += loudness * random.uniform(0.75, 1.0) * one
            at_s += period_s * max(0.5, random.normal(1.0, UNEVENNESS))
    return data


def _clap(peak_hz: float, decay_s: float, random: np.random.Generator) -> np.ndarray:
    """Noise that dies away, and what of it a two-pole resonance brings out."""
    count = round(7.0 * decay_s * RATE_HZ)
    time_s = np.arange(count) / RATE_HZ
    burst = random.standard_normal(count) * np.exp(-time_s / decay_s) * (1.0 - np.exp(-time_s / 0.0004))
    radius = np.exp(-np.pi * PEAK_WIDTH * peak_hz / RATE_HZ)
    poles = [1.0, -2.0 * radius * np.cos(2.0 * np.pi * peak_hz / RATE_HZ), radius**2]
    rung = scipy.signal.lfilter([1.0 - radius, 0.0, -(1.0 - radius)], poles, burst)
    one = rung + 0.05 * burst
    return one / max(float(np.sqrt(np.sum(one**2))), 1e-9)
