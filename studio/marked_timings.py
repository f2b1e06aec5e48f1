"""When a score sounds as it is marked, for a virtual conductor whom nobody told a timing."""

import numpy as np

from ..engine.conducting.virtual_conductor import Timings
from ..engine.listening.solo_line import nominal_s
from ..engine.score import Score

FERMATA_TIMES = 2.0
"""A note with a fermata is held so many times its length."""


def marked_timings(score: Score) -> Timings:
    """The beats and the end of the score, at its marked tempos and with its fermatas held."""
    fermatas = [(float(row["quarter"]), float(row["end_quarter"])) for row in score.fermatas]
    places = np.unique(np.array([*score.beats["quarter"], *np.ravel(fermatas), score.end_quarter], dtype=float))
    times_s = nominal_s(score, places)
    held_s = np.zeros_like(times_s)
    for start, end in {fermata for fermata in fermatas if fermata[1] > fermata[0]}:
        longer_s = (FERMATA_TIMES - 1.0) * float(np.diff(nominal_s(score, (start, end)))[0])
        held_s += longer_s * np.clip((places - start) / (end - start), 0.0, 1.0)
    return places, times_s + held_s
