"""Looking back at a performance: the tempo against the marks, each beat of the bar's clarity and lag, the baton's way.

Pure functions from what a performance produced (frames, crossings, icti) to small values that a window, a report or a
class can show. The page computes the same from what the relay tells (``studio/web/src/view``).
"""

import numpy as np

from .beat_figures import figure

WAY_POINTS_PER_BEAT = 16
"""Points of an ideal figure for each beat: a smooth line at any size that a screen shows."""
TOP_OF_FIRST, TOP_OF_LAST, TOP_OF_OTHERS = 1.0, 0.62, 0.5
"""Height of the hand between icti, over the line that joins them, by the beat that the stroke leads to."""
ROUNDNESS = 1.55
"""Exponent of the stroke's arch: 1 is a sharp bounce at the ictus, 2 a round one."""


def ideal_way(beats: int, points_per_beat: int = WAY_POINTS_PER_BEAT) -> np.ndarray:
    """The way of the right hand through a bar of ``beats``, seen by the conductor: (right, up), shape (n, 2).

    A closed line: point 0 is the ictus of the first beat, point ``k · points_per_beat`` that of beat ``k + 1``, the
    last point the first ictus again. Unit: the height of the stroke to the first beat. Icti are those of
    ``beat_figures.figure``; the arches between them are as the usual text books draw them.
    """
    icti = np.asarray(figure(beats), dtype=float)
    phase = np.arange(points_per_beat) / points_per_beat
    arch = np.sin(np.pi * phase) ** ROUNDNESS
    across = phase - 0.8 * np.sin(2 * np.pi * phase) / (2 * np.pi)
    pieces = []
    for beat in range(beats):
        following = (beat + 1) % beats
        start, end = icti[beat], icti[following]
        top = TOP_OF_FIRST if following == 0 else TOP_OF_LAST if following == beats - 1 else TOP_OF_OTHERS
        piece = start + (end - start) * across[:, None]
        piece[:, 1] += top * arch
        pieces.append(piece)
    return np.concatenate([*pieces, icti[:1]])
