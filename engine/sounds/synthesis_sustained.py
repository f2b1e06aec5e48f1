"""Synthesises notes that last: bowed, blown and sung.

A note is an attack and a loop of about two seconds. The loop is made in the frequency domain and holds a whole number
of periods (its pitch is a few cents off the wanted one, and known), so that it closes exactly: every harmonic is a line
with a few random neighbours (the small unsteadiness of bow, breath and lip), noise is a shaped spectrum of random
phases. In the attack low and high harmonics rise at their own pace, pitch slides into place, and noise is stronger: bow
hair catching, chiff, tongue.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from ..units import pitch_to_hz
from .conditioning import Recording
from .synthesis_tables import NOISE_BANDS_HZ, NoteSpectrum

RATE_HZ = 48000.0
_LOOP_S = 2.0
_GROUPS = (3, 9)
"""Harmonics up to 3, up to 9, and above rise together."""
_SIDEBANDS = 9

Wave = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Voicing:
    """How an instrument speaks.

    ``attack_s``: rise of its low and of its high harmonics. ``unsteadiness``: relative random modulation of a harmonic
    (0.1 = about 0.8 dB). ``drift_cents``: random wandering of pitch. ``onset_noise_db``: how much stronger its noise is
    at the very start, dying away in ``onset_noise_s``. ``scoop_cents``: where pitch begins. ``flare_db``: by how much
    high harmonics overshoot at the start. ``individuality_db``: random difference of harmonics between players.
    """

    attack_s: tuple[float, float]
    unsteadiness: float = 0.08
    drift_cents: float = 2.0
    onset_noise_db: float = 12.0
    onset_noise_s: float = 0.04
    scoop_cents: float = 0.0
    flare_db: float = 0.0
    individuality_db: float = 1.5


def sustained_note(
    spectrum: NoteSpectrum, voicing: Voicing, seed: int, strokes_hz: float = 0.0, length_s: float | None = None
) -> Recording:
    """One note at ``spectrum.pitch``.

    ``strokes_hz`` cuts it into tremolo strokes; ``length_s`` makes it a short stroke that ends by itself.
    """
    random = np.random.default_rng(seed)
    hz = pitch_to_hz(spectrum.pitch)
    periods = round(_LOOP_S * hz)
    size = scipy.fft.next_fast_len(round(periods * RATE_HZ / hz), real=True)
    hz = periods * RATE_HZ / size
    groups, noise = _loop(spectrum, voicing, random, periods, size)
    attack = round(1.5 * max(voicing.attack_s) * RATE_HZ) + round(0.1 * RATE_HZ)
    total = attack + size if length_s is None else round((length_s + 0.4) * RATE_HZ)
    time_s = np.arange(total) / RATE_HZ
    position = _positions(voicing, random, time_s, size, settled_s=attack / RATE_HZ)
    data = np.zeros(total)
    for number, group in enumerate(groups):
        share = number / (len(groups) - 1)
        rise_s = voicing.attack_s[0] * (1.0 - share) + voicing.attack_s[1] * share
        flare = 10.0 ** (voicing.flare_db * share / 20.0) - 1.0
        envelope = _rise(time_s / (1.5 * rise_s)) * (1.0 + flare * _bump(time_s / (4.0 * rise_s)))
        data += envelope * scipy.ndimage.map_coordinates(group, [position], order=3, mode="grid-wrap")
    onset = 10.0 ** (voicing.onset_noise_db / 20.0) - 1.0
    settled = time_s < attack / RATE_HZ
    puff = np.where(settled, onset * np.exp(-time_s / voicing.onset_noise_s) * _bump(time_s * RATE_HZ / attack), 0.0)
    data += noise[np.arange(total) % size] * _rise(time_s / 0.012) * (1.0 + puff)
    if strokes_hz:
        data *= _strokes(random, total, attack, size, strokes_hz)
    if length_s is not None:
        data *= np.where(time_s < length_s, 1.0, np.exp(-(time_s - length_s) / 0.07))
    loop_start, loop_end = (attack, attack + size) if length_s is None else (0, 0)
    scale = 0.5 / max(float(np.abs(data).max()), 1e-9)
    pitch = 69.0 + 12.0 * math.log2(hz / 440.0)
    return Recording((scale * data).astype(np.float32), RATE_HZ, pitch, loop_start, loop_end, 0.0, 8)


def _loop(
    spectrum: NoteSpectrum, voicing: Voicing, random: np.random.Generator, periods: int, size: int
) -> tuple[list[Wave], Wave]:
    """The loop's harmonics, in groups that rise together, and its noise."""
    harmonics_db = spectrum.harmonics_db[: int(0.46 * size / periods)]
    own_db = random.normal(0.0, voicing.individuality_db, harmonics_db.size)
    amplitude = 10.0 ** ((harmonics_db + own_db) / 20.0)
    shape = np.exp(-0.5 * (np.arange(1, _SIDEBANDS + 1) / (0.4 * _SIDEBANDS)) ** 2)
    shape *= voicing.unsteadiness / math.sqrt(2.0 * float(np.sum(shape**2)))
    lines = np.zeros((len(_GROUPS) + 1, size // 2 + 1), np.complex128)
    for index, level in enumerate(amplitude):
        group = lines[int(np.searchsorted(_GROUPS, index + 1))]
        centre = (index + 1) * periods
        phase = np.exp(2j * np.pi * random.random())
        group[centre] += level * phase
        roughness = min(2.0, 1.0 + 0.05 * index)
        for offset, weight in enumerate(shape, start=1):
            for place in (centre - offset, centre + offset):
                if 0 < place < group.size:
                    group[place] += level * roughness * weight * random.normal() * np.exp(2j * np.pi * random.random())
    groups = [scipy.fft.irfft(group, size) * size for group in lines]
    power = float(np.sum(amplitude**2))
    return groups, shaped_noise(spectrum.noise_db, power, random, size)


def shaped_noise(noise_db: npt.NDArray[np.float64], power: float, random: np.random.Generator, size: int) -> Wave:
    """A loop of noise with these levels in the octaves of ``NOISE_BANDS_HZ``, relative to tones of this ``power``
    (the sum of their squared spectral amplitudes)."""
    frequency = np.arange(size // 2 + 1) * RATE_HZ / size
    bands = np.asarray(NOISE_BANDS_HZ)
    per_bin = 10.0 * np.log10(power) + noise_db - 10.0 * np.log10(bands / math.sqrt(2.0) * size / RATE_HZ)
    level_db = np.interp(np.log2(np.maximum(frequency, 20.0)), np.log2(bands), per_bin)
    level_db += np.where(frequency < bands[0], 12.0 * np.log2(np.maximum(frequency, 20.0) / bands[0]), 0.0)
    values = 10.0 ** (level_db / 20.0) * (random.normal(size=frequency.size) + 1j * random.normal(size=frequency.size))
    return np.asarray(scipy.fft.irfft(values / math.sqrt(2.0), size) * size)


def _positions(voicing: Voicing, random: np.random.Generator, time_s: Wave, size: int, settled_s: float) -> Wave:
    """Where in the loop to read at each moment: steady, but for a slow wandering that closes with the loop and, in the
    attack, the slide into the pitch."""
    turns = np.arange(2, 11)
    lines = np.zeros(size // 2 + 1, np.complex128)
    lines[turns] = random.normal(size=turns.size) / turns * np.exp(2j * np.pi * random.random(turns.size))
    wander = scipy.fft.irfft(lines, size) * size
    slope = np.gradient(wander)
    wander *= voicing.drift_cents / 1200.0 * math.log(2.0) / max(float(np.std(slope)), 1e-12)
    count = np.arange(time_s.size)
    left = np.clip(1.0 - time_s / min(settled_s, 0.12), 0.0, None)
    slide = voicing.scoop_cents / 1200.0 * math.log(2.0) * left**2
    delay = np.cumsum(slide)
    return np.asarray(count + wander[count % size] + delay - delay[-1])


def _rise(progress: Wave) -> Wave:
    """Smooth from 0 to 1 while ``progress`` goes from 0 to 1."""
    part = np.clip(progress, 0.0, 1.0)
    return np.asarray(part * part * (3.0 - 2.0 * part))


def _bump(progress: Wave) -> Wave:
    """1 at the start, smoothly 0 from ``progress`` 1 on."""
    return 1.0 - _rise(progress)


def _strokes(random: np.random.Generator, total: int, attack: int, size: int, strokes_hz: float) -> Wave:
    """The loudness of a tremolo: strokes of uneven strength that close with the loop."""
    count = max(1, round(strokes_hz * size / RATE_HZ))
    strength = np.clip(random.normal(1.0, 0.12, count), 0.6, 1.4)
    place = (np.arange(total) - attack) / size * count
    stroke = np.floor(place).astype(int) % count
    within = place - np.floor(place)
    return np.asarray(strength[stroke] * (0.3 + 0.7 * np.sin(np.pi * within) ** 0.7))
