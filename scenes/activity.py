"""What each part of the orchestra is doing at a moment: the notes of a performance turned into gestures to draw.

Notes come a little ahead of their time and are kept until they are over; the score, where it is known, tells of
entries further ahead than that, so that winds can breathe and brass can raise their instruments. Everything is
sampled once a frame for all parts; nothing here knows of pictures.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..engine.score import Score
from ..engine.types import Frame, NoteEvent, ScorePosition

CHORD_S = 0.03
"""Notes of a part that start this close together are one gesture."""
ENTRY_REST_S = 2.5
"""After a rest of this length an onset is an entry worth showing."""
NOMINAL_QUARTERS_PER_S = 1.6
"""How fast score time is taken to pass where the orchestra does not play yet."""

ACTIVITY_DTYPE = np.dtype(
    [
        ("sounding", "f4"),
        ("level", "f4"),
        ("bow", "f4"),
        ("lift", "f4"),
        ("ready", "f4"),
        ("breath", "f4"),
        ("accent", "f4"),
        ("glow", "f4"),
        ("up_R", "f4"),
        ("hit_R", "f4"),
        ("up_L", "f4"),
        ("hit_L", "f4"),
        ("pluck_R", "f4"),
        ("pluck_L", "f4"),
        ("watching", "f4"),
        ("pitch", "f4"),
    ]
)
"""One row per part, 0–1 but ``bow``, which runs from 0 (frog) to 4 (tip), and ``pitch``, the MIDI number last played.

``sounding`` how much it plays, ``level`` how loud, ``lift`` bow off the string, ``ready`` instrument up, ``breath``
before an entry, ``accent`` the impulse of an onset, ``glow`` a section's entry, ``up``/``hit`` beaters, ``pluck``
fingers and keys, ``watching`` eyes on the conductor."""


class Calendar:
    """When each part plays in score time: what can be known before the notes come."""

    def __init__(self, score: Score) -> None:
        self._onsets: list[np.ndarray] = []
        for part in range(len(score.parts)):
            self._onsets.append(np.unique(score.notes["onset_quarter"][score.notes["part"] == part]))

    def next_onset(self, part: int, quarter: float) -> float:
        """The part's next onset at or after ``quarter``; infinity where it has none."""
        if part >= len(self._onsets):
            return math.inf
        onsets = self._onsets[part]
        index = int(np.searchsorted(onsets, quarter - 1e-6))
        return float(onsets[index]) if index < len(onsets) else math.inf


@dataclass(slots=True)
class _Gesture:
    """One bow stroke, breath of sound, strike or pluck."""

    onset_s: float
    end_s: float
    velocity: int
    articulation: str
    pitch: int
    right: bool
    bow_from: float = 2.0
    bow_to: float = 2.0


def smooth(value: float) -> float:
    """Smooth step of 0–1, clamped."""
    value = min(1.0, max(0.0, value))
    return value * value * (3.0 - 2.0 * value)


class PartActivity:
    """The running state of one part."""

    def __init__(self) -> None:
        self._gestures: deque[_Gesture] = deque()
        self._ends: dict[int, _Gesture] = {}
        self._down_bow = False
        self._right = False
        self._bow = 1.0
        self._lift = 1.0
        self._ready = 0.0
        self._glow = 0.0
        self._raised = np.zeros(2)
        self._last_end_s = -math.inf
        self._sounded: _Gesture | None = None

    def add(self, note: NoteEvent) -> None:
        """A note to come, or one that starts now."""
        last = self._gestures[-1] if self._gestures else None
        if last is not None and abs(note.onset_s - last.onset_s) < CHORD_S:
            last.end_s = max(last.end_s, note.onset_s + note.duration_s)
            last.velocity = max(last.velocity, note.velocity)
            self._ends[note.note_id] = last
            return
        self._right = not self._right
        gesture = _Gesture(
            note.onset_s, note.onset_s + note.duration_s, note.velocity, note.articulation, note.pitch, self._right
        )
        self._plan_stroke(gesture, note.duration_s, last)
        self._gestures.append(gesture)
        self._ends[note.note_id] = gesture

    def release(self, note_id: int, time_s: float) -> None:
        """A note's real end."""
        gesture = self._ends.pop(note_id, None)
        if gesture is not None:
            gesture.end_s = max(gesture.onset_s + 0.02, time_s)

    def _plan_stroke(self, gesture: _Gesture, duration_s: float, last: _Gesture | None) -> None:
        """Down and up bow in turn; how much bow follows length and loudness."""
        self._down_bow = not self._down_bow
        start = last.bow_to if last is not None else self._bow
        loud = 0.55 + 0.45 * gesture.velocity / 127
        length = {
            "sustain": 0.5 + 2.9 * min(duration_s, 1.3) / 1.3,
            "fast": 0.3 + 2.0 * min(duration_s, 0.5),
            "staccato": 0.7,
            "tremolo": 0.0,
            "pizzicato": 0.0,
        }[gesture.articulation] * loud
        end = start + length if self._down_bow else start - length
        if not 0.1 <= end <= 3.9 and 0.1 <= 2 * start - end <= 3.9:
            end = 2 * start - end  # no bow left that way: retake
            self._down_bow = not self._down_bow
        gesture.bow_from, gesture.bow_to = start, min(3.9, max(0.1, end))

    def sample(self, now_s: float, step_s: float, entry_s: float, row: np.void) -> None:
        """Write the state at ``now_s`` into ``row``. ``entry_s`` is the time to the part's next onset known so far."""
        gestures = self._gestures
        while len(gestures) > 1 and gestures[1].onset_s <= now_s and gestures[0].end_s < now_s - 1.0:
            self._forget(gestures.popleft())
        current, coming = None, None
        for gesture in gestures:
            if gesture.onset_s <= now_s:
                current = gesture
            elif coming is None:
                coming = gesture
        if coming is not None:
            entry_s = min(entry_s, coming.onset_s - now_s)
        playing = current is not None and now_s < current.end_s
        if current is not None and current is not self._sounded:
            if current.onset_s - self._last_end_s > ENTRY_REST_S:
                self._glow = 1.0
            self._sounded = current
        if playing:
            self._last_end_s = now_s
        silent_s = now_s - self._last_end_s
        self._settle(now_s, step_s, current, coming, playing, silent_s, entry_s)
        # a full breath before an entry that follows a rest
        breath = smooth((0.75 - entry_s) / 0.45) * smooth(entry_s / 0.12 + 0.15) if silent_s > 0.25 else 0.0
        row["sounding"] = 1.0 if playing else math.exp(-silent_s / 0.2)
        row["level"] = current.velocity / 127 if current is not None else 0.0
        row["pitch"] = current.pitch if current is not None else row["pitch"]
        row["bow"], row["lift"] = self._bow, self._lift
        row["ready"], row["breath"], row["glow"] = self._ready, breath, self._glow
        row["accent"] = math.exp(-(now_s - current.onset_s) / 0.18) if current is not None else 0.0
        row["watching"] = smooth((1.6 - entry_s) / 0.6) if silent_s > 1.5 else 0.0
        self._beaters(now_s, step_s, current, playing, coming, entry_s, row)

    def _forget(self, gesture: _Gesture) -> None:
        for note_id in [key for key, value in self._ends.items() if value is gesture]:
            del self._ends[note_id]

    def _settle(
        self,
        now_s: float,
        step_s: float,
        current: _Gesture | None,
        coming: _Gesture | None,
        playing: bool,
        silent_s: float,
        entry_s: float,
    ) -> None:
        """Move the slow quantities on: bow, lift, readiness, glow."""
        if playing and current is not None:
            span = max(current.end_s - current.onset_s, 0.05)
            if current.articulation == "staccato":
                span = min(span, 0.13)
            through = smooth((now_s - current.onset_s) / span)
            # strokes of some length move evenly and only turn softly
            even = min(1.0, (now_s - current.onset_s) / span)
            through = 0.35 * through + 0.65 * even
            self._bow = current.bow_from + (current.bow_to - current.bow_from) * through
            if current.articulation == "tremolo":
                self._bow = min(3.8, max(0.2, current.bow_from)) + 0.16 * math.sin(2 * math.pi * 8.0 * now_s)
        following = coming if coming is not None else current
        plucking = following is not None and following.articulation == "pizzicato"
        away = plucking or (silent_s > 0.18 and entry_s > 0.16)
        self._lift += (float(away) - self._lift) * min(1.0, step_s / (0.07 if not away else 0.16))
        if silent_s > 1.2 and not playing:
            self._bow += (1.0 - self._bow) * min(1.0, step_s / 0.8)
        raised = playing or entry_s < 2.2 or (silent_s < 1.2 and entry_s < 5.0) or silent_s < 0.7
        self._ready += (float(raised) - self._ready) * min(1.0, step_s / 0.4)
        self._glow *= math.exp(-step_s / 1.1)

    def _beaters(
        self,
        now_s: float,
        step_s: float,
        current: _Gesture | None,
        playing: bool,
        coming: _Gesture | None,
        entry_s: float,
        row: np.void,
    ) -> None:
        """Sticks rise before a stroke, fall on it and rebound; fingers pluck."""
        if playing and current is not None and current.articulation == "tremolo":
            swing = 0.5 + 0.5 * math.sin(2 * math.pi * 7.0 * now_s)
            row["up_R"], row["up_L"] = 0.5 * swing, 0.5 * (1 - swing)
            row["hit_R"], row["hit_L"] = 1 - swing, swing
            return
        next_right = coming.right if coming is not None else not self._right
        for side, (up, hit, pluck) in enumerate((("up_R", "hit_R", "pluck_R"), ("up_L", "hit_L", "pluck_L"))):
            mine = next_right == (side == 0)
            wanted = smooth((0.34 - entry_s) / 0.2) if mine and entry_s < 0.4 else 0.0
            if mine and entry_s < 0.06:
                wanted *= entry_s / 0.06  # falling onto the drum
            since_s = now_s - current.onset_s if current is not None and current.right == (side == 0) else math.inf
            rebound = 0.45 * math.exp(-since_s / 0.16) * smooth(since_s / 0.08) if since_s < 2 else 0.0
            wanted = max(wanted, rebound)
            limit = 14.0 * step_s
            self._raised[side] += min(limit, max(-1.6 * limit, wanted - self._raised[side]))
            row[up] = self._raised[side]
            row[hit] = math.exp(-since_s / 0.05) if since_s < 1 else 0.0
            row[pluck] = math.exp(-since_s / 0.11) if since_s < 1 else (smooth(1 - entry_s / 0.08) if mine else 0.0)


class OrchestraActivity:
    """The running state of every part; one ``step`` per frame."""

    def __init__(self, part_count: int, score: Score | None = None) -> None:
        self._calendar = Calendar(score) if score is not None else None
        self._parts = [PartActivity() for _ in range(part_count)]
        self._rows = np.zeros(part_count, ACTIVITY_DTYPE)
        self._time_s: float | None = None

    def step(self, frame: Frame) -> np.ndarray:
        """Take a frame's notes and releases; the state of all parts at its time (``ACTIVITY_DTYPE``, one row each)."""
        step_s = 0.0 if self._time_s is None else frame.time_s - self._time_s
        if step_s < -0.5:  # another performance has begun
            self._parts = [PartActivity() for _ in self._parts]
            step_s = 0.0
        self._time_s = frame.time_s
        for note in frame.notes:
            if 0 <= note.part < len(self._parts):
                self._parts[note.part].add(note)
        for release in frame.releases:
            for part in self._parts:
                part.release(release.note_id, release.time_s)
        step_s = min(max(step_s, 0.0), 0.25)
        entries_s = self._entries_s(frame.position)
        for index, part in enumerate(self._parts):
            part.sample(frame.time_s, step_s, entries_s[index], self._rows[index])
        return self._rows

    def _entries_s(self, position: ScorePosition) -> Sequence[float]:
        """Seconds until each part's next onset, as far as the score tells."""
        if self._calendar is None or position.state in ("stopped", "ended"):
            return [math.inf] * len(self._parts)
        rate = max(position.quarter_rate, NOMINAL_QUARTERS_PER_S * 0.5)
        if position.state in ("waiting", "preparing"):
            # the eyes are on the baton: whoever plays in the first bars is ready, nobody strikes yet
            return [
                max(1.0, (self._calendar.next_onset(part, position.quarter) - position.quarter) / rate)
                for part in range(len(self._parts))
            ]
        return [
            max(0.0, (self._calendar.next_onset(part, position.quarter) - position.quarter) / rate)
            for part in range(len(self._parts))
        ]


def tableau(part_count: int) -> np.ndarray:
    """An orchestra in full play, for a still picture: rows of ``ACTIVITY_DTYPE``, parts in different strokes."""
    rows = np.zeros(max(part_count, 1), ACTIVITY_DTYPE)
    rows["ready"] = 1.0
    rows["sounding"], rows["level"] = 1.0, 0.7
    rows["bow"] = 1.0 + (1.37 * np.arange(len(rows))) % 2.2
    rows["up_R"] = 0.8
    return rows
