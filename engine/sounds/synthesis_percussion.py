"""Synthesises the percussion kit, one sound a key (General MIDI percussion map), of noise bursts and modes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .conditioning import Recording
from .synthesis_struck import noise_burst, ringing
from .synthesis_sustained import RATE_HZ


@dataclass(frozen=True, slots=True)
class Noise:
    """A burst: level in dB, centre frequency, width in octaves, time of a fall by 20 dB, start after the strike."""

    level_db: float
    centre_hz: float
    octaves: float
    decay_s: float
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Drum:
    """A sound: modes (frequency, level in dB, time of a fall by 60 dB), bursts of noise, a glide of the modes' pitch at
    the strike (relative, dying away in 40 ms), and its level in the kit."""

    modes: tuple[tuple[float, float, float], ...]
    noises: tuple[Noise, ...]
    glide: float = 0.0
    level_db: float = 0.0


def _cymbal(count: int, low_hz: float, high_hz: float, ring_s: float, noise_db: float, level_db: float) -> Drum:
    """Many close modes, the higher the shorter, under a wash of noise."""
    random = np.random.default_rng(count)
    frequencies = np.sort(np.exp(random.uniform(np.log(low_hz), np.log(high_hz), count)))
    modes = tuple(
        (float(hz), float(random.normal(-26.0, 5.0) + 2.0 * np.log2(hz / low_hz)), float(ring_s * (low_hz / hz) ** 0.3))
        for hz in frequencies
    )
    wash = (
        Noise(noise_db, 6500.0, 2.2, 0.16 * ring_s),
        Noise(noise_db - 4.0, 9500.0, 1.6, 0.08 * ring_s),
        Noise(noise_db + 3.0, 3500.0, 3.0, 0.02 * ring_s),
    )
    return Drum(modes, wash, level_db=level_db)


def _membrane(hz: float, ring_s: float, noise_db: float, glide: float = 0.12, level_db: float = 0.0) -> Drum:
    """A drum without definite pitch: the modes of a round membrane over a thud."""
    ratios = (1.0, 1.593, 2.136, 2.296, 2.653, 2.918, 3.5)
    modes = tuple((hz * ratio, -3.5 * index, ring_s / (1.0 + 0.5 * index)) for index, ratio in enumerate(ratios))
    return Drum(modes, (Noise(noise_db, 8.0 * hz, 2.5, 0.03),), glide, level_db)


def _wood(hz: float, ring_s: float = 0.09, level_db: float = -4.0) -> Drum:
    """A hollow or solid piece of wood."""
    modes = ((hz, 0.0, ring_s), (2.41 * hz, -10.0, 0.6 * ring_s), (4.1 * hz, -18.0, 0.4 * ring_s))
    return Drum(modes, (Noise(-12.0, 3.0 * hz, 2.0, 0.006),), level_db=level_db)


def _metal(hz: float, ring_s: float, level_db: float = -6.0) -> Drum:
    """A small ringing piece: triangle, bell, agogo."""
    ratios = (1.0, 1.48, 2.02, 2.71, 3.36, 4.29, 5.17)
    modes = tuple(
        (hz * ratio, -3.0 * abs(index - 2), ring_s / (1.0 + 0.25 * index)) for index, ratio in enumerate(ratios)
    )
    return Drum(modes, (Noise(-18.0, 4.0 * hz, 2.0, 0.004),), level_db=level_db)


def _rattle(centre_hz: float, decay_s: float, level_db: float = -8.0, grains: int = 5) -> Drum:
    """Jingles, seeds or shells: a few bursts close together."""
    noises = tuple(Noise(-2.0 * index, centre_hz, 1.3, decay_s, 0.012 * index) for index in range(grains))
    return Drum((), noises, level_db=level_db)


_SNARE = Drum(
    ((186.0, -2.0, 0.22), (332.0, -6.0, 0.16), (510.0, -12.0, 0.1)),
    (Noise(0.0, 2200.0, 3.0, 0.11), Noise(-3.0, 6000.0, 2.0, 0.07), Noise(2.0, 900.0, 2.0, 0.012)),
    glide=0.06,
)
_BASS_DRUM = Drum(
    ((41.0, 0.0, 1.9), (66.0, -4.0, 1.3), (88.0, -8.0, 0.9), (112.0, -12.0, 0.7), (150.0, -17.0, 0.5)),
    (Noise(-9.0, 160.0, 2.5, 0.05), Noise(-22.0, 900.0, 2.0, 0.012)),
    glide=0.15,
    level_db=3.0,
)
_CRASH = _cymbal(90, 420.0, 13000.0, 4.5, -4.0, 2.0)
_RIDE = _cymbal(60, 420.0, 10000.0, 3.2, -16.0, -6.0)
_TAM_TAM = _cymbal(110, 85.0, 5200.0, 6.0, -16.0, 2.0)
_CLOSED_HAT = Drum((), (Noise(0.0, 8500.0, 1.6, 0.045), Noise(-6.0, 4200.0, 1.5, 0.02)), level_db=-10.0)
_OPEN_HAT = Drum((), (Noise(0.0, 8000.0, 1.8, 0.35), Noise(-6.0, 4200.0, 1.8, 0.2)), level_db=-8.0)
_TAMBOURINE = Drum(
    ((5200.0, -18.0, 0.25), (6900.0, -18.0, 0.22), (8300.0, -20.0, 0.2)),
    tuple(Noise(-2.5 * index, 8200.0, 1.4, 0.06, 0.014 * index) for index in range(4)),
    level_db=-7.0,
)
_CASTANETS = Drum(((1450.0, 0.0, 0.05), (2900.0, -4.0, 0.03)), (Noise(-4.0, 3800.0, 1.6, 0.008),), level_db=-6.0)

KIT: Mapping[int, Drum] = {
    27: _CLOSED_HAT,
    31: _wood(1900.0, 0.03),
    33: _metal(1700.0, 0.4),
    35: _BASS_DRUM,
    37: _wood(950.0, 0.06),
    38: _SNARE,
    39: _CASTANETS,
    40: _SNARE,
    41: _membrane(78.0, 0.8, -14.0),
    42: _CLOSED_HAT,
    43: _membrane(92.0, 0.75, -14.0),
    44: _CLOSED_HAT,
    45: _membrane(112.0, 0.7, -14.0),
    46: _OPEN_HAT,
    47: _membrane(134.0, 0.6, -14.0),
    48: _membrane(160.0, 0.55, -14.0),
    49: _CRASH,
    50: _membrane(190.0, 0.5, -14.0),
    51: _RIDE,
    52: _TAM_TAM,
    53: _metal(2600.0, 1.6),
    54: _TAMBOURINE,
    55: _cymbal(70, 700.0, 12000.0, 1.6, -8.0, -2.0),
    56: _metal(560.0, 0.35),
    57: _CRASH,
    58: _rattle(3200.0, 0.3),
    59: _RIDE,
    60: _membrane(330.0, 0.16, -10.0, level_db=-4.0),
    61: _membrane(240.0, 0.2, -10.0, level_db=-4.0),
    62: _membrane(270.0, 0.14, -8.0, level_db=-4.0),
    63: _membrane(220.0, 0.3, -12.0, level_db=-4.0),
    64: _membrane(165.0, 0.35, -12.0, level_db=-4.0),
    65: _membrane(310.0, 0.4, -8.0, level_db=-3.0),
    66: _membrane(220.0, 0.45, -8.0, level_db=-3.0),
    67: _metal(920.0, 0.5),
    68: _metal(690.0, 0.5),
    69: _rattle(6500.0, 0.05),
    70: _rattle(7500.0, 0.025, grains=2),
    73: _rattle(3600.0, 0.03, grains=5),
    74: _rattle(3600.0, 0.06, grains=12),
    75: _wood(2450.0, 0.07),
    76: _wood(1180.0),
    77: _wood(790.0),
    80: _metal(1560.0, 0.25),
    81: _metal(1560.0, 2.8),
    82: _rattle(8500.0, 0.05),
    83: _rattle(6200.0, 0.22, grains=8),
    85: _CASTANETS,
    86: _membrane(64.0, 0.5, -10.0),
    87: _membrane(60.0, 1.6, -14.0),
}
"""Sounds by key; a key without one is answered by the next."""


def drum_note(drum: Drum, seed: int) -> Recording:
    """One stroke, peak at its level in the kit."""
    random = np.random.default_rng(seed)
    ring_s = max([seconds for _, _, seconds in drum.modes] + [2.5 * n.decay_s + n.delay_s for n in drum.noises])
    total = round((min(6.0, 1.1 * ring_s) + 0.05) * RATE_HZ)
    time_s = np.arange(total) / RATE_HZ
    hz, level_db, ringing_s = np.array(drum.modes).reshape(-1, 3).T
    if drum.glide:
        slide_s = (time_s + drum.glide * 0.04 * (1.0 - np.exp(-time_s / 0.04)))[:, None]
        fall_db = level_db - 60.0 * time_s[:, None] / ringing_s
        data = np.sum(10.0 ** (fall_db / 20.0) * np.sin(2.0 * np.pi * hz * slide_s), axis=1)
    else:
        data = ringing(hz, level_db, 60.0 / ringing_s, random, total)
    data *= 1.0 - np.exp(-time_s / 0.0008)
    for noise in drum.noises:
        start = round(noise.delay_s * RATE_HZ)
        burst = noise_burst(random, noise.decay_s, noise.centre_hz, total - start, noise.octaves)
        data[start:] += 0.5 * 10.0 ** (noise.level_db / 20.0) * burst
    scale = 0.5 / max(float(np.abs(data).max()), 1e-9)
    return Recording((scale * data).astype(np.float32), RATE_HZ, 60.0, 0, 0, 0.0, 0)
