"""The playhead: moves through the score as the conductor's beats ask, like an orchestra that listens.

It never goes back and never jumps: it aims at each beat for the time the tempo estimate gives, at a bounded speed, and
waits shortly before a beat that the hand has not given. The one place where the conductor's beats become quarters.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from ..score import Score
from ..types import Beat, BeatCrossing, FollowState, ScorePosition, Sign, TempoEstimate
from .follow_style import FollowStyle

RESPONSE_S = 0.0
"""How far the orchestra plays behind the music as the gesture tells it."""
SLOWEST, FASTEST = 0.3, 2.5
"""Bounds of the playhead's speed, relative to the tempo."""
INERTIA_S = 0.02
"""Time constant of changes of speed."""
WAIT_BEFORE = 0.02
"""The playhead waits this far (in beats) before a beat that has not come."""
NEARLY = 1e-6
"""And so far (in beats) before one whose time has not come: nearer than ``_ARRIVED`` it would be there."""
_ARRIVED = 1e-9
STILL_THE_LAST = 1.0 - 1e-4
"""How far into the last beat the piece is when it is over: no beat comes after it."""
ENTRY_CONFIDENCE = 0.5
"""An announced first beat is begun from this confidence."""
PLAIN_CONFIDENCE = 0.5
"""From this confidence a beat is plain."""
KEEPING = 2.0
"""For so many beats a forgiving orchestra resists a change of tempo by beats that are not plain at all."""
UNDISPUTED = 0.2
"""From this part of a period before the beat the hand alone counts."""
GONE_S, LONGEST_LAST_S = 2.0, 12.0
"""A hand that was not tracked for so long holds the last beat no more, and nobody holds it for longer."""
LED_AT_MOST = 0.3
"""A beat farther than this (in periods) from where the concertmaster expects it is a hold or a new tempo."""
COAST_S = 0.25
"""Without tracking for longer than this, the orchestra goes on by itself,"""
COAST_BEATS = 8.0
"""for so many beats,"""
COAST_LONGEST_S = 6.0
"""or this long; then it waits."""
STOP_S = 4.0
"""A hold longer than this is a stop."""
LONGEST_STEP_S = 0.1


class Follower:
    """Score position from tempo estimates. One thread; a few microseconds a step.

    ``start_beat`` may be fractional: the first beat that is crossed is the next whole one, or itself.
    ``response_s`` delays the orchestra behind the estimated beats: larger is steadier and later.
    """

    def __init__(
        self,
        score: Score,
        start_beat: float = 0.0,
        style: FollowStyle | None = None,
        *,
        response_s: float = RESPONSE_S,
    ) -> None:
        self._style = style or FollowStyle()
        self._score = score
        self._quarters: list[float] = score.beats["quarter"].tolist()
        self._durations: list[float] = score.beats["duration_quarter"].tolist()
        self._count = len(self._quarters)
        self._response_s = response_s
        self._first = math.ceil(start_beat - 1e-9)
        self._silent = max(0.0, self._to_beat(0.0)) if self._first == 0 else 0.0
        """Beats before the score's first note can be, where it opens within one: what has gone by of them at the
        entry is not made up for, as a soloist who begins with the upbeat asks."""
        self._beat = float(start_beat)
        self._crossed = self._first - 1
        self._speed = 0.0
        self._now_s: float | None = None
        self._target_beat = self._first
        self._target_s: float | None = None
        self._awaited = False
        """The hand has not given the next beat yet: the playhead does not get there before it is due."""
        self._period_s = 1.0
        self._state: FollowState = "waiting"
        self._held_since_s: float | None = None
        self._sign: Literal["hold", "cut_off"] | None = None
        self._sign_beat, self._sign_s = -1, -math.inf
        self._kept_s: float | None = None
        self._ceiling = math.inf

    def follow_as(self, style: FollowStyle) -> None:
        """Listen to the conductor in another way from now on."""
        self._style = style

    @property
    def beat(self) -> float:
        """The playhead, in conductor's beats."""
        return self._beat

    def step(
        self,
        now_s: float,
        tempo: TempoEstimate | None,
        signs: Sequence[Sign] = (),
        ceiling: float = math.inf,
    ) -> tuple[ScorePosition, tuple[BeatCrossing, ...]]:
        """Move the playhead to ``now_s``; where it is, and the beats it crossed. A clock that goes back stops.

        It does not go beyond the beat ``ceiling``, where the orchestra waits for somebody else than the conductor.

        A ``hold`` among the ``signs`` keeps the orchestra in the present sound, a ``cut_off`` ends it (state
        ``stopped``); with the next beat that the hand gives, the orchestra goes on. Signs to one section are not for
        the playhead.
        """
        before_s = now_s if self._now_s is None else self._now_s
        now_s = max(now_s, before_s)
        self._now_s, self._ceiling = now_s, ceiling
        crossings: list[BeatCrossing] = []
        if self._state == "ended":
            return self._position(now_s), ()
        if tempo is None or (tempo.beat_index < self._first and not self._enters(now_s, tempo)):
            return self._await_entry(now_s, tempo), ()
        tempo = self._led(self._begun(tempo), now_s, now_s - before_s)
        self._heed(now_s, tempo, signs)
        if self._sign == "cut_off" and tempo.beat_index >= self._count - 1:
            self._beat = float(self._count)  # there is nothing to go on with
        starting = self._crossed < self._first
        if starting and self._beat == self._first and tempo.beat_index >= self._first:
            self._crossed = self._first
            crossings.append(self._crossing(self._first, now_s, tempo))
            gone = (now_s - tempo.beat_s - self._response_s) / tempo.beat_period_s
            self._beat += min(max(gone, 0.0), self._silent)
        while before_s < now_s:
            step_s = min(LONGEST_STEP_S, now_s - before_s)
            crossings += self._advance(before_s, step_s, tempo)
            before_s += step_s
        self._aim(now_s, tempo)
        self._state = self._judge(now_s, tempo)
        return self._position(now_s), tuple(crossings)

    def _enters(self, now_s: float, tempo: TempoEstimate) -> bool:
        """Whether the first beat begins now, announced by the fall of the preparatory beat."""
        if self._crossed >= self._first:
            return False
        return tempo.confidence >= ENTRY_CONFIDENCE and tempo.next_beat_s + self._response_s <= now_s

    def _await_entry(self, now_s: float, tempo: TempoEstimate | None) -> ScorePosition:
        """Before the first beat; or after a first chord that no beat followed."""
        self._target_s = None
        if self._crossed >= self._first:
            self._state = "stopped" if tempo is None else "holding"
        elif tempo is None:
            self._state = "waiting"
        else:
            self._state = "preparing"
            if tempo.confidence >= ENTRY_CONFIDENCE:
                self._target_beat, self._period_s = self._first, tempo.beat_period_s
                self._target_s = tempo.next_beat_s + self._response_s
        return self._position(now_s)

    def _begun(self, tempo: TempoEstimate) -> TempoEstimate:
        """A tempo whose first beat is only announced, as if it had been seen."""
        if tempo.beat_index >= self._first:
            return tempo
        return replace(
            tempo,
            beat_index=self._first,
            beat_s=tempo.next_beat_s,
            next_beat_s=tempo.next_beat_s + tempo.beat_period_s,
        )

    def _led(self, tempo: TempoEstimate, now_s: float, step_s: float) -> TempoEstimate:
        """The concertmaster keeps time where the beat is unclear: the less plain it is, the slower it moves the tempo.

        Shortly before the beat the hand alone counts, so that a hold is a hold.
        """
        before = self._kept_s
        unclear = self._style.forgiveness * (1.0 - min(1.0, tempo.confidence / PLAIN_CONFIDENCE))
        if before is None or tempo.stopped or unclear <= 0.0:
            self._kept_s = tempo.beat_period_s
            return tempo
        gain = 1.0 - math.exp(-step_s / (KEEPING * unclear * before))
        self._kept_s = kept = before + gain * (tempo.beat_period_s - before)
        even_s = tempo.beat_s + kept
        if now_s > even_s - UNDISPUTED * kept or abs(tempo.next_beat_s - even_s) > LED_AT_MOST * kept:
            return tempo
        return replace(
            tempo, beat_period_s=kept, next_beat_s=tempo.next_beat_s + unclear * (even_s - tempo.next_beat_s)
        )

    def _heed(self, now_s: float, tempo: TempoEstimate, signs: Sequence[Sign]) -> None:
        """Take up a hold or a cut-off, and let it go with the next beat; after the last one, when the hand is gone or
        it has been long enough."""
        for sign in signs:
            if sign.section is None and (sign.kind == "hold" or sign.kind == "cut_off"):
                self._sign, self._sign_beat, self._sign_s = sign.kind, tempo.beat_index, now_s
        if self._sign is not None and tempo.beat_index > self._sign_beat:
            self._sign = None
        last = tempo.beat_index >= self._count - 1
        over = now_s > min(tempo.time_s + GONE_S, self._sign_s + LONGEST_LAST_S)
        if self._sign == "hold" and last and over:
            self._sign = None

    def when(self, quarter: float) -> float | None:
        """When the playhead will be at ``quarter``, as things stand; None where it waits or that cannot be told.

        Places already passed give now. Later places never come earlier than earlier ones.
        """
        if self._now_s is None or self._target_s is None or self._state in ("waiting", "stopped", "ended"):
            return None
        beat = self._to_beat(quarter)
        if self._state == "preparing":
            return max(self._now_s, self._target_s) + (beat - self._target_beat) * self._period_s
        if beat <= self._beat:
            return self._now_s
        if beat > self._ceiling and self._beat >= self._ceiling - 1e-6:
            return None
        if self._state == "holding" and beat >= self._target_beat - WAIT_BEFORE:
            return None
        to_target = self._target_beat - self._beat
        if to_target <= 0:
            return max(self._now_s, self._target_s) + (beat - self._beat) * self._period_s
        arrive_s = max(self._target_s, self._now_s + to_target * self._period_s / FASTEST)
        soonest_s = self._now_s + to_target * self._period_s / SLOWEST
        if beat < self._target_beat or not self._awaited:
            arrive_s = min(arrive_s, soonest_s)
        if beat <= self._target_beat:
            return self._now_s + (arrive_s - self._now_s) * (beat - self._beat) / to_target
        return arrive_s + (beat - self._target_beat) * self._period_s

    # -- control -------------------------------------------------------------------------------------------

    def _limit(self, now_s: float, tempo: TempoEstimate) -> float:
        """How far the playhead may go: shortly before the beat that the hand has not given, and to the ceiling."""
        return min(self._ceiling, self._free_limit(now_s, tempo))

    def _free_limit(self, now_s: float, tempo: TempoEstimate) -> float:
        due = tempo.beat_index + 1
        if self._sign is not None:
            return due - WAIT_BEFORE if self._sign == "hold" else self._beat
        if self._coasting(now_s, tempo):
            coast = 0.5 + self._style.forgiveness
            silent_s = min(now_s - tempo.time_s, COAST_LONGEST_S * coast)
            return due + min(COAST_BEATS * coast, silent_s / tempo.beat_period_s)
        if tempo.stopped:
            return due - WAIT_BEFORE
        if tempo.next_beat_s + self._response_s <= now_s + 1e-9:
            return due + 0.3
        return due - NEARLY

    def _coasting(self, now_s: float, tempo: TempoEstimate) -> bool:
        return now_s - tempo.time_s > COAST_S

    def _aim(self, now_s: float, tempo: TempoEstimate) -> None:
        """Choose the next whole beat and when to be there."""
        self._period_s = tempo.beat_period_s
        target = math.floor(self._beat + _ARRIVED) + 1
        due = tempo.beat_index + 1
        if target < due:
            at_s = tempo.beat_s - (tempo.beat_index - target) * tempo.beat_period_s
        else:
            at_s = tempo.next_beat_s + (target - due) * tempo.beat_period_s
        self._target_beat, self._target_s = target, at_s + self._response_s
        self._awaited = target >= due and not self._coasting(now_s, tempo)

    def _advance(self, start_s: float, step_s: float, tempo: TempoEstimate) -> list[BeatCrossing]:
        self._aim(start_s, tempo)
        assert self._target_s is not None
        pace = 1.0 / tempo.beat_period_s
        wanted = (self._target_beat - self._beat) / max(self._target_s - start_s, 0.02)
        wanted = min(max(wanted, SLOWEST * pace), FASTEST * pace)
        inertia_s = INERTIA_S * (0.5 + 1.5 * self._style.forgiveness)
        self._speed += (1.0 - math.exp(-step_s / inertia_s)) * (wanted - self._speed)
        limit = max(self._beat, self._limit(start_s + step_s, tempo))
        reached = min(self._beat + self._speed * step_s, limit, float(self._count))
        if reached >= limit:
            self._speed = (reached - self._beat) / step_s
        crossings = []
        while self._crossed < self._count - 1 and reached >= self._crossed + 1 - 1e-12:
            self._crossed += 1
            part = (self._crossed - self._beat) / max(reached - self._beat, 1e-12)
            crossings.append(self._crossing(self._crossed, start_s + step_s * min(max(part, 0.0), 1.0), tempo))
        self._beat = reached
        return crossings

    def _judge(self, now_s: float, tempo: TempoEstimate) -> FollowState:
        if self._beat >= self._count - 2.0 * NEARLY:
            return "ended"
        if self._sign is not None:
            return "holding" if self._sign == "hold" else "stopped"
        if self._coasting(now_s, tempo):
            self._held_since_s = None
            moving = self._beat < self._limit(now_s, tempo) - 1e-6
            return "coasting" if moving else "stopped"
        overdue_s = now_s - (tempo.beat_s + self._response_s) - 1.75 * tempo.beat_period_s
        if not tempo.stopped and overdue_s < 0:
            self._held_since_s = None
            return "playing"
        if tempo.beat_index >= self._count - 1:
            return "playing"
        if self._held_since_s is None:
            self._held_since_s = now_s
        return "stopped" if now_s - self._held_since_s > STOP_S else "holding"

    # -- values --------------------------------------------------------------------------------------------

    def _to_beat(self, quarter: float) -> float:
        return self._score.quarter_to_beat(quarter)

    def _place(self, beat: float) -> tuple[int, float]:
        index = max(0, min(self._count - 1, math.floor(beat)))
        return index, self._quarters[index] + (beat - index) * self._durations[index]

    def _position(self, now_s: float) -> ScorePosition:
        index, quarter = self._place(self._beat)
        row = self._score.beats[index]
        moving = self._state in ("playing", "coasting", "holding")
        speed = self._speed if moving else 0.0
        within = self._beat - index
        if index == self._count - 1:
            within = min(within, STILL_THE_LAST)
        return ScorePosition(
            time_s=now_s,
            beat=self._beat,
            quarter=quarter,
            quarter_rate=speed * self._durations[index],
            bpm=60.0 / self._period_s if moving else 0.0,
            measure=str(self._score.measures["number"][row["measure"]]),
            beat_in_measure=float(row["beat"]) + within,
            state=self._state,
        )

    def _crossing(self, index: int, time_s: float, tempo: TempoEstimate) -> BeatCrossing:
        row = self._score.beats[index]
        return BeatCrossing(
            beat_index=index,
            time_s=time_s,
            quarter=self._quarters[index],
            measure=str(self._score.measures["number"][row["measure"]]),
            beat=int(row["beat"]),
            bpm=60.0 / tempo.beat_period_s,
            ictus_s=None,
            confidence=tempo.confidence,
        )


def match_icti(crossings: Iterable[BeatCrossing], beats: Iterable[Beat]) -> list[BeatCrossing]:
    """The crossings with the icti of their beats filled in: of those counted as the beat, the nearest in time.

    The playhead may cross a beat before its ictus is certain, so this is done afterwards.
    """
    times: dict[int, list[float]] = {}
    for beat in beats:
        times.setdefault(beat.beat_index, []).append(beat.time_s)
    matched = []
    for crossing in crossings:
        near = np.array(times.get(crossing.beat_index, []))
        near = near[np.abs(near - crossing.time_s) < 0.6 * 60.0 / crossing.bpm]
        nearest = float(near[np.argmin(np.abs(near - crossing.time_s))]) if len(near) else None
        matched.append(replace(crossing, ictus_s=nearest))
    return matched
