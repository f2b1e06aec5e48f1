"""Bars of four quarters as patterns relative to a tonic: what the GAN makes, and how it becomes notes again.

A cell (voice, sixteenth) is one of ``CLASSES``: the onset of one of the twelve steps above the tonic, ``HELD``, or
``SILENT``. Octaves are not the pattern's: a voice goes to the nearest pitch of the class.
"""

import numpy as np

from ..grid import FIRST_PITCH, HOLD, LOW_PITCH, REST, VOCABULARY, VOICES

STEPS = 16
HELD, SILENT, CLASSES = 12, 13, 14
LOWER = VOICES - 1
PATTERN = LOWER * STEPS * CLASSES
CONDITION = STEPS * CLASSES + 1
NOISE = 32


def classes_of(tokens: np.ndarray, tonic: int) -> np.ndarray:
    """Cells of grid tokens, any shape; ``tonic`` is a pitch class."""
    pitched = (tokens >= FIRST_PITCH) & (tokens < VOCABULARY)
    steps = (tokens - FIRST_PITCH + LOW_PITCH - tonic) % 12
    return np.where(pitched, steps, np.where(tokens == HOLD, HELD, SILENT))


def one_hot(cells: np.ndarray) -> np.ndarray:
    """(…,) cells → (…, CLASSES) float32."""
    return np.eye(CLASSES, dtype=np.float32)[cells]


def condition_of(melody: np.ndarray, minor: bool) -> np.ndarray:
    """What the generator is told: the melody's cells (STEPS,), and the mode."""
    return np.append(one_hot(melody).ravel(), np.float32(minor))


def bars_of(
    tokens: np.ndarray, place: np.ndarray, count: np.ndarray, metre: np.ndarray, keys: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """All whole bars of four quarters without triplets: conditions (bars, CONDITION), patterns (bars, PATTERN).

    ``keys`` (steps,) are tonics, 12 more for minor keys. Where the metre is not known, every four quarters are a bar.
    """
    starts = np.flatnonzero((place == 0) & ((count % 4 == 0) & ((metre == 4) | (metre == 0))))
    conditions, patterns = [], []
    for start in starts:
        bar = tokens[start : start + STEPS]
        if len(bar) < STEPS or (place[start : start + STEPS] >= 4).any():
            continue
        cells = classes_of(bar, int(keys[start]) % 12)
        if (cells[:, 0] == SILENT).all() or (cells[:, 1:] == SILENT).all():
            continue
        conditions.append(condition_of(cells[:, 0], bool(keys[start] >= 12)))
        patterns.append(one_hot(cells[:, 1:].T).ravel())
    if not patterns:
        return np.zeros((0, CONDITION), np.float32), np.zeros((0, PATTERN), np.float32)
    return np.stack(conditions), np.stack(patterns)


def nearest_token(cell: int, tonic: int, before: int, low: int, high: int) -> int:
    """The grid token of a cell; a pitch as near as can be to the pitch ``before`` within ``low`` to ``high``."""
    if cell == HELD:
        return HOLD
    if cell == SILENT:
        return REST
    pitches = [pitch for pitch in range(low, high + 1) if (pitch - tonic) % 12 == cell]
    pitch = min(pitches, key=lambda pitch: (abs(pitch - before), pitch)) if pitches else before
    return FIRST_PITCH + pitch - LOW_PITCH
