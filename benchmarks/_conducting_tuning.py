"""The search that gave the baselines their parameters: the built-in curves, by the conductors of the benchmark."""

from dataclasses import replace
from itertools import product

import numpy as np
from _conducting_baselines import Minima, PhaseLockedLoop
from _conducting_measures import judge, nearest_lag
from _conducting_takes import Conductor, Piece, cast, conductor, curves

from tutti.engine.conducting.virtual_conductor import conduct, intended
from tutti.engine.types import Pose

Known = tuple[list[Pose], np.ndarray, int, float]


def _take(piece: Piece, by: Conductor) -> Known:
    take = conduct(piece.score, piece.timings, seed=by.seed, style=by.style, tracking=by.tracking)
    music_s, _ = intended(piece.score, piece.timings, seed=by.seed, style=by.style)
    head = min(8 * int(piece.score.beats["beats_in_measure"][0]), len(music_s) // 2)
    marked_s = 60.0 * float(piece.score.beats["duration_quarter"][0]) / float(piece.score.tempos["quarter_bpm"][0])
    return take.of("baton"), music_s, head, marked_s


def _mean_f(played: list[np.ndarray], takes: list[Known]) -> float:
    return float(
        np.mean(
            [
                judge(music, beats, head, nearest_lag(beats, music, head))[0]
                for beats, (_, music, head, _) in zip(played, takes, strict=True)
            ]
        )
    )


def tune() -> None:
    """Print mean F over a grid of parameters, the best last."""
    pieces = curves()
    takes = [_take(pieces[piece], conductor(name, piece)) for piece, name in cast(list(pieces), 3, 3)]
    minima, loops = [], []
    for part, apart_s in product((0.1, 0.2, 0.3, 0.4, 0.5), (0.15, 0.25, 0.35)):
        detector = replace(Minima(), part=part, apart_s=apart_s)
        found = [detector.find(poses) for poses, _, _, _ in takes]
        minima.append((_mean_f([known for _, known in found], takes), detector))
        for gains in product((0.4, 0.6, 0.8, 1.0), (0.05, 0.1, 0.2), (0.35, 0.5, 0.7, 0.9)):
            loop = PhaseLockedLoop(*gains)
            played = [loop.follow(*icti, take[3]) for icti, take in zip(found, takes, strict=True)]
            loops.append((_mean_f(played, takes), detector, loop))
    for f, *what in sorted(minima, key=lambda row: row[0])[-4:] + sorted(loops, key=lambda row: row[0])[-8:]:
        print(f"F {f:.3f}  {', '.join(map(str, what))}")
