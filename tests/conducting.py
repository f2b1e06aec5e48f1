"""Conducting in tests: plain bars, beat times, and the whole chain under the takes' own clock."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tutti.engine.conducting.follower import Follower
from tutti.engine.conducting.ictus import IctusDetector
from tutti.engine.conducting.tempo import TempoTracker
from tutti.engine.score import Score
from tutti.engine.types import Beat, BeatCrossing, Pose, ScorePosition, TempoEstimate


@dataclass
class Run:
    beats: list[Beat]
    estimates: list[TempoEstimate | None]
    positions: list[ScorePosition]
    crossings: list[BeatCrossing]

    def errors_s(self, truth_s: np.ndarray, after: int = 8) -> np.ndarray:
        """Deviation of each beat from the truth, their median lag taken off; needs every beat, in order."""
        assert [crossing.beat_index for crossing in self.crossings] == list(range(len(truth_s)))
        lags = np.array([crossing.time_s for crossing in self.crossings]) - truth_s
        return (lags - np.median(lags))[after:]


def follow(score: Score, poses: Iterable[Pose], start_beat: int = 0, drawn: bool = True) -> Run:
    """Run the chain over the poses of the baton, stepping at each; ``drawn`` False where they are taps."""
    ictus, tempo, follower = IctusDetector(), TempoTracker(score, start_beat), Follower(score, start_beat)
    tempo.take_baton(drawn)
    run = Run([], [], [], [])
    for pose in poses:
        if pose.device != "baton":
            continue
        beat = ictus.step(pose, tempo.estimate)
        run.estimates.append(tempo.step(pose, beat))
        position, crossings = follower.step(pose.time_s, tempo.estimate)
        run.positions.append(position)
        run.crossings += crossings
        if beat is not None:
            run.beats.append(beat)
    return run


def timings(score: Score, periods_s: np.ndarray, start_s: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    """Beat times with the given period after each beat."""
    count = min(len(score.beats), len(periods_s))
    time_s = start_s + np.concatenate([[0.0], np.cumsum(periods_s[: count - 1])])
    return score.beats["quarter"][:count].astype(float), time_s
