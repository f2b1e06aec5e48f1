"""What the orchestra understands of the gesture, gathered frame by frame for a conductor who watches while playing.

The page gathers the same in ``studio/web/src/view/review.ts``.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from ..score import Score
from ..types import Beat, BeatCrossing, FollowState, Frame, TempoEstimate
from .follower import match_icti
from .review import BeatStatistics, Ghost, beat_statistics, fit_ghost

WAY_BARS = 2
"""The way is kept for so many bars,"""
WAY_IDLE_S, WAY_LONGEST_S = 3.0, 24.0
"""at least and at most for these times."""
STATISTICS_BARS = 8
"""Clarity, lag and steadiness are those of the last bars, so that a conductor sees what practice changes."""
KEPT_LINES = 12
OPEN_BARS = 2
"""The last ictus of a bar may be known when the next bar has begun; what is older has been and gone."""
SAME_SIGN_S = 3.0
SIGN_WORDS = {
    "cue": "Cue",
    "raise": "Come forward",
    "hush": "Hush",
    "hold": "Hold the sound",
    "cut_off": "Cut-off",
}
STATE_WORDS: dict[FollowState, str] = {
    "waiting": "Waiting for an upbeat",
    "preparing": "Upbeat seen",
    "playing": "Playing with you",
    "coasting": "Keeping time alone",
    "holding": "Holding",
    "stopped": "Stopped",
    "ended": "The end",
}


def dynamic_words(level: float) -> str:
    """What a level (0–1, 0.5 as written) asks for, beside the written dynamics."""
    if level < 0.42:
        return "much softer" if level < 0.2 else "softer"
    if level <= 0.58:
        return "as written"
    return "louder" if level < 0.8 else "much louder"


def articulation_words(articulation: float) -> str:
    """The articulation (−1 legato … +1 staccato) in a word."""
    return "legato" if articulation < -0.3 else "staccato" if articulation > 0.3 else "neutral"


@dataclass(slots=True)
class Line:
    """One thing that was understood: a bar with the milliseconds after which each ictus was known (None: played
    without one), or ``text``. Changes while its bar lasts."""

    time_s: float
    text: str = ""
    measure: str = ""
    known_ms: dict[int, float | None] = field(default_factory=dict)
    played: int = -1
    """Which of the played measures the bar is: a repeat has numbers of its own here."""

    def __str__(self) -> str:
        if not self.measure:
            return self.text
        beats = [f"{beat}: {'–' if ms is None else f'{ms:.0f}'}" for beat, ms in sorted(self.known_ms.items())]
        return f"bar {self.measure}   {'   '.join(beats)} ms"


class LiveReview:
    """One thread adds frames and reads. Memory is bounded by the score's beats."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._crossings: list[BeatCrossing] = []
        self._icti: dict[int, Beat] = {}
        self._way: deque[tuple[float, float, float]] = deque()
        self.lines: deque[Line] = deque(maxlen=KEPT_LINES)
        """Newest first."""
        self.state: FollowState = "waiting"
        self.tempo: TempoEstimate | None = None
        self.beat = 0
        """Index of the beat that is played."""
        self.version = 0
        """Grows with every beat, ictus, sign or change of state: pictures are drawn anew only then."""

    def add(self, frame: Frame) -> None:
        """Take the next frame of the performance."""
        self.tempo = frame.tempo
        self.beat = min(max(0, int(frame.position.beat + 1e-6)), len(self._score.beats) - 1)
        for pose in frame.poses:
            if pose.device == "baton":
                self._move(pose.time_s, pose.position_m[0], pose.position_m[1])
        if frame.position.state != self.state:
            self.state = frame.position.state
            self._say(Line(frame.time_s, STATE_WORDS[self.state]))
        for crossing in frame.crossings:
            while self._crossings and self._crossings[-1].beat_index >= crossing.beat_index:
                self._crossings.pop()
            self._crossings.append(crossing)
            self._note(crossing.beat_index, crossing.time_s, None)
        for beat in frame.beats:
            self._icti[beat.beat_index] = beat
            if beat.beat_index >= 0:
                self._note(beat.beat_index, beat.time_s, 1000.0 * max(0.0, beat.detected_s - beat.time_s))
        for sign in frame.signs:
            text = SIGN_WORDS[sign.kind] + (f": {sign.section}" if sign.section else "")
            last = next((line for line in self.lines if not line.measure), None)
            if last is None or last.text != text or sign.time_s - last.time_s > SAME_SIGN_S:
                self._say(Line(sign.time_s, text))

    @property
    def crossings(self) -> list[BeatCrossing]:
        """The beats of this pass, in order, with their icti."""
        return match_icti(self._crossings, self._icti.values())

    @property
    def beats_in_bar(self) -> int:
        return max(1, int(self._score.beats["beats_in_measure"][self.beat]))

    @property
    def way(self) -> np.ndarray:
        """The baton's way over the last bars: (n, 3) time, right, up."""
        return np.array(self._way, dtype=float).reshape(-1, 3)

    def icti(self) -> list[tuple[int, float, float]]:
        """The icti on the way, oldest first: beat of the bar from 1 (0: the upbeat), right, up."""
        way = self.way
        if not len(way):
            return []
        seen = sorted((b for b in self._icti.values() if b.time_s >= way[0, 0]), key=lambda beat: beat.time_s)
        return [
            (
                int(self._score.beats["beat"][beat.beat_index]) if beat.beat_index >= 0 else 0,
                float(np.interp(beat.time_s, way[:, 0], way[:, 1])),
                float(np.interp(beat.time_s, way[:, 0], way[:, 2])),
            )
            for beat in seen
        ]

    def ghost(self) -> Ghost | None:
        """The ideal figure of this metre, fitted to the way."""
        places = [(beat, x, y) for beat, x, y in self.icti() if 1 <= beat <= self.beats_in_bar]
        icti = np.array([[x, y] for _, x, y in places], dtype=float).reshape(-1, 2)
        return fit_ghost(self.beats_in_bar, self.way[:, 1:], icti, [beat for beat, _, _ in places])

    def statistics(self) -> list[BeatStatistics]:
        """Clarity, lag and steadiness of each beat of the bar over the last bars in this metre."""
        measures = self._score.beats["measure"]
        since = int(measures[self.beat]) - STATISTICS_BARS
        recent = [crossing for crossing in self._crossings if measures[crossing.beat_index] > since]
        icti = [self._icti[crossing.beat_index] for crossing in recent if crossing.beat_index in self._icti]
        rows = beat_statistics(self._score, match_icti(recent, icti), icti)
        return [row for row in rows if row.beats_in_measure == self.beats_in_bar]

    def _move(self, time_s: float, x: float, y: float) -> None:
        if self._way and time_s <= self._way[-1][0]:
            if time_s < self._way[-1][0] - 1.0:
                self._way.clear()
            return
        self._way.append((time_s, x, y))
        period_s = self.tempo.beat_period_s if self.tempo is not None else 0.0
        kept_s = min(WAY_LONGEST_S, max(WAY_IDLE_S, WAY_BARS * self.beats_in_bar * period_s))
        while self._way[0][0] < time_s - kept_s:
            self._way.popleft()

    def _note(self, beat_index: int, time_s: float, known_ms: float | None) -> None:
        self.version += 1
        row = self._score.beats[min(beat_index, len(self._score.beats) - 1)]
        played = int(row["measure"])
        bars = [line for line in self.lines if line.measure][:OPEN_BARS]
        line = next((line for line in bars if line.played == played), None)
        if line is None:
            line = Line(time_s, measure=str(self._score.measures["number"][played]), played=played)
            self._say(line)
        if known_ms is not None or int(row["beat"]) not in line.known_ms:
            line.known_ms[int(row["beat"])] = known_ms

    def _say(self, line: Line) -> None:
        self.lines.appendleft(line)
        self.version += 1
