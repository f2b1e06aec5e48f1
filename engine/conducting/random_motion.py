"""Random sequences and motions with the character of a person's: coloured noise, wandering, slow sway."""

import math

import numpy as np


def coloured_noise(count: int, exponent: float, random: np.random.Generator) -> np.ndarray:
    """Noise of unit standard deviation whose power falls as 1/f to ``exponent`` (0 white, 1 pink)."""
    if count < 4:
        return random.standard_normal(count)
    spectrum = np.fft.rfft(random.standard_normal(count))
    frequency = np.arange(len(spectrum), dtype=float)
    frequency[0] = 1.0
    noise = np.fft.irfft(spectrum * frequency ** (-0.5 * exponent), count)
    noise -= noise.mean()
    return noise / max(float(noise.std()), 1e-12)


def wandering_factor(count: int, spread: float, random: np.random.Generator) -> np.ndarray:
    """A positive factor that wanders about 1 with the given relative spread, half of it slowly."""
    fast = random.standard_normal(count)
    slow = np.zeros(count)
    for index in range(1, count):
        slow[index] = 0.9 * slow[index - 1] + math.sqrt(1 - 0.81) * random.standard_normal()
    return np.exp(np.clip(spread * (0.7 * fast + 0.7 * slow), -1.0, 1.0))


def slow_wandering(times: np.ndarray, random: np.random.Generator, axes: int) -> np.ndarray:
    """Slow motion of unit size, shape ``(n, axes)``: sines with periods of 3 to 25 seconds."""
    return wandering(times, random, axes, (3.0, 25.0))


def wandering(times: np.ndarray, random: np.random.Generator, axes: int, periods_s: tuple[float, float]) -> np.ndarray:
    """Motion of unit size, shape ``(n, axes)``: four sines with periods within the bounds on each axis."""
    periods = random.uniform(*periods_s, (4, axes))
    phases = random.uniform(0.0, 2 * np.pi, (4, axes))
    return np.sin(2 * np.pi * times[:, None, None] / periods + phases).sum(axis=1) / 2.0
