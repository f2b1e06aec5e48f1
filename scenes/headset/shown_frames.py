"""Frames of a performance made ready for a display with a rhythm of its own: merged, and moved on to when it is seen.

A headset draws 72 to 144 pictures a second, the studio steps a hundred times. Everything that happened between two
pictures is kept; where the music is, is carried on to the moment when the picture is seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ...engine.frames import with_events_of
from ...engine.score import Score
from ...engine.types import Frame, Pose, ScorePosition

CARRY_ON_S = 0.3
"""How far the music is carried on without news. Longer, the studio stands still, and so does the orchestra."""


class ShownFrames:
    """Takes frames as they come and gives one for each picture. One thread."""

    def __init__(self, score: Score, resting: Frame) -> None:
        self._score = score
        self._newest = resting
        self._waiting: list[Frame] = []
        self._shown_s = resting.time_s
        self._begun = False

    def take(self, frames: Iterable[Frame]) -> None:
        """Frames of the performance, in order of time."""
        for frame in frames:
            self._waiting.append(frame)
            self._newest = frame
            self._begun = True

    def at(self, time_s: float, poses: Sequence[Pose]) -> Frame:
        """The frame to draw for a picture that is seen at ``time_s``, with ``poses`` of that moment."""
        newest, waiting = self._newest, self._waiting
        self._waiting = []
        if self._begun:
            time_s = max(self._shown_s, min(time_s, newest.time_s + CARRY_ON_S))
            self._shown_s = time_s
        return replace(
            with_events_of(newest, waiting),
            time_s=time_s,
            position=self._carried_on(newest.position, time_s) if self._begun else newest.position,
            poses=tuple(poses) or newest.poses,
        )

    def _carried_on(self, position: ScorePosition, time_s: float) -> ScorePosition:
        """The same way on with the same tempo, within the beat: a measure's number is news that only the studio has."""
        ahead_s = time_s - position.time_s
        if position.state not in ("playing", "coasting") or ahead_s <= 0.0:
            return position
        beat = min(position.beat + ahead_s * position.bpm / 60.0, float(len(self._score.beats)))
        return replace(position, time_s=time_s, beat=beat, quarter=position.quarter + ahead_s * position.quarter_rate)
