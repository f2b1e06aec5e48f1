"""Synthesises notes that ring and die away: plucked and struck strings, bars, bells and kettledrums.

Modal synthesis: a sum of partials, each with its own frequency, level and rate of decay, started by a short noise (the
finger, hammer, mallet). Partials of stiff strings follow ``k √(1 + B k²)`` (Fletcher and Rossing, "The Physics of
Musical Instruments", 1998, section 12.3); ratios of free bars section 2.15, of kettledrums section 18.2.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..units import pitch_to_hz
from .conditioning import Recording
from .synthesis_sustained import RATE_HZ
from .synthesis_tables import NoteSpectrum

_FLOOR_DB = -66.0
_LONGEST_S = 6.0
_STRETCH = 512

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Modes:
    """Partials: frequency relative to the note, level in dB, decay in dB/s."""

    ratio: Values
    level_db: Values
    fall_db_s: Values


@dataclass(frozen=True, slots=True)
class Strike:
    """How the sound is started: length of its noise, its level relative to the partials, where its spectrum is centred,
    and how long the partials take to speak."""

    noise_s: float
    noise_db: float
    noise_hz: float
    attack_s: float = 0.001


def string_modes(spectrum: NoteSpectrum, stiffness: float, lasting_share: float = 0.0) -> Modes:
    """Partials of a string whose harmonics are described; ``lasting_share`` of each is an aftersound that dies away
    four times more slowly (the two polarisations of a piano's strings)."""
    order = np.arange(1, spectrum.harmonics_db.size + 1)
    ratio = order * np.sqrt((1.0 + stiffness * order**2) / (1.0 + stiffness))
    fall = _smooth_falls(spectrum.fall_db_s)
    if lasting_share <= 0.0:
        return Modes(ratio, spectrum.harmonics_db, fall)
    prompt_db = 20.0 * math.log10(1.0 - lasting_share)
    lasting_db = 20.0 * math.log10(lasting_share)
    return Modes(
        np.concatenate([ratio, ratio * 1.0003]),
        np.concatenate([spectrum.harmonics_db + prompt_db, spectrum.harmonics_db + lasting_db]),
        np.concatenate([fall, fall / 4.0]),
    )


def _smooth_falls(fall_db_s: Values) -> Values:
    """Decays that never get slower towards higher partials by a trick of measurement."""
    smooth = np.convolve(np.pad(fall_db_s, 2, mode="edge"), np.ones(5) / 5.0, "valid")
    return np.asarray(np.maximum(smooth, 0.5 * np.maximum.accumulate(smooth)))


def bar_modes(pitch: float, kind: str) -> Modes:
    """Partials of a tuned bar: ``glockenspiel`` (free bar), ``xylophone`` (second mode a twelfth up), ``celesta`` (bar
    with a resonator)."""
    hz = pitch_to_hz(pitch)
    if kind == "glockenspiel":
        ratios, seconds = [1.0, 2.756, 5.404, 8.933], [4.0, 2.2, 1.4, 0.8]
        dull = 1.3 * max(0.0, pitch - 84.0)
        levels = [0.0, -12.0 - dull, -6.0 - 1.5 * dull, -8.0 - 2.0 * dull]
    elif kind == "xylophone":
        ratios, levels, seconds = [1.0, 3.0, 6.1, 10.2], [0.0, -14.0, -24.0, -34.0], [0.75, 0.25, 0.12, 0.06]
    else:
        ratios, levels, seconds = [1.0, 2.0, 4.0, 6.7], [0.0, -34.0, -22.0, -40.0], [2.6, 1.4, 0.8, 0.3]
    slower_low = (880.0 / hz) ** 0.45
    return Modes(np.array(ratios), np.array(levels), 60.0 / (np.array(seconds) * slower_low))


def kettledrum_modes(pitch: float) -> Modes:
    """Partials of a timpano struck at the usual spot: the preferred (m, 1) modes near 2 : 3 : 4 : 5 : 6, and the short
    lived round ones below and between."""
    slower_low = (110.0 / pitch_to_hz(pitch)) ** 0.4
    kept = np.array([1.0, 1.504, 1.983, 2.44, 2.91, 3.37, 3.83, 4.29])
    lost = np.array([0.82, 1.65, 2.26, 2.6, 3.1, 3.6, 4.1, 4.6, 5.2, 5.8, 6.5, 7.3, 8.2, 9.1])
    ratios = np.concatenate([kept, lost])
    levels = np.concatenate([np.array([0.0, -4.0, -9.0, -12.0, -15.0, -19.0, -22.0, -25.0]), -6.0 - 3.0 * lost])
    seconds = np.concatenate([3.4 / kept**0.55, 0.5 / lost**0.5]) * slower_low
    return Modes(ratios, levels, 60.0 / seconds)


def struck_note(
    pitch: float, modes: Modes, strike: Strike, seed: int, partials: int, detune_db: float = 1.0
) -> Recording:
    """One note. ``partials`` is how many of them are harmonic (``tuning.measure_pitch``); ``detune_db`` is the random
    difference of levels between notes."""
    random = np.random.default_rng(seed)
    hz = pitch_to_hz(pitch)
    level_db = modes.level_db - modes.level_db.max() + random.normal(0.0, detune_db, modes.level_db.size)
    usable = (modes.ratio * hz < 0.46 * RATE_HZ) & (level_db > _FLOOR_DB)
    ringing_s = np.minimum(_LONGEST_S, (level_db - _FLOOR_DB) / modes.fall_db_s)
    total = round((float(ringing_s[usable].max(initial=0.1)) + 0.05) * RATE_HZ)
    time_s = np.arange(total) / RATE_HZ
    data = ringing(hz * modes.ratio[usable], level_db[usable], modes.fall_db_s[usable], random, total)
    data *= 1.0 - np.exp(-time_s / max(strike.attack_s / 3.0, 1e-5))
    burst = noise_burst(random, strike.noise_s, strike.noise_hz, total)
    loudest = float(np.sqrt(np.mean(data[: round(0.05 * RATE_HZ)] ** 2)))
    data += burst * loudest * 10.0 ** (strike.noise_db / 20.0)
    scale = 0.5 / max(float(np.abs(data).max()), 1e-9)
    return Recording((scale * data).astype(np.float32), RATE_HZ, pitch, 0, 0, 0.0, partials)


def ringing(hz: Values, level_db: Values, fall_db_s: Values, random: np.random.Generator, total: int) -> Values:
    """The sum of decaying sines, with random phases, over ``total`` samples.

    A decaying sine is the power of a complex number, so a stretch of samples is that of the first one times a factor:
    all of them together are one product of matrices.
    """
    rate = (-fall_db_s * math.log(10.0) / 20.0 + 2j * np.pi * hz) / RATE_HZ
    amplitude = 10.0 ** (level_db / 20.0) * np.exp(2j * np.pi * random.random(hz.size))
    starts = amplitude * np.exp(np.outer(np.arange(0, total, _STRETCH), rate))
    within = np.exp(np.outer(rate, np.arange(_STRETCH)))
    stretches = starts.imag @ within.real + starts.real @ within.imag
    return np.asarray(stretches.ravel()[:total])


def noise_burst(
    random: np.random.Generator, decay_s: float, centre_hz: float, total: int, octaves: float = 2.0
) -> Values:
    """Noise around a frequency, unit RMS over its first ``decay_s`` seconds (the time of a fall by 20 dB)."""
    size = min(total, round(4.0 * decay_s * RATE_HZ) + 64)
    spectrum = np.fft.rfft(random.normal(size=size))
    frequency = np.maximum(np.arange(spectrum.size) * RATE_HZ / size, 1.0)
    spectrum *= np.exp(-0.5 * (np.log2(frequency / centre_hz) / (0.5 * octaves)) ** 2)
    burst = np.fft.irfft(spectrum, size)
    time_s = np.arange(size) / RATE_HZ
    burst *= 10.0 ** (-time_s / decay_s) * (1.0 - np.exp(-time_s / 0.0004))
    first = burst[: max(8, round(decay_s * RATE_HZ))]
    result = np.zeros(total)
    result[:size] = burst / max(float(np.sqrt(np.mean(first**2))), 1e-12)
    return result
