"""An orchestra that accompanies: who leads – soloist, conductor, or for a while nobody – as one tempo for the playhead.

While the soloist plays, their place and the conductor's beat are blended by who leads and how plain each is. While they
rest the conductor leads, or, where nobody beats, the tempo is kept. Where their note does not come the orchestra waits
for it; where they go on at another place, so does the orchestra, at the next beat.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .errors import InputError
from .listening.score_following import SoloFollower
from .listening.solo_line import SoloLine
from .score import Score
from .types import HeardNote, ScoreNote, SoloPosition, TempoEstimate

LEADS = {"conductor": 0.0, "shared": 0.5, "soloist": 0.8}
WAITS_FROM = 0.5
"""From this share of the lead on the orchestra waits for the soloist and goes where they go."""
HEARD_BEATS = 2.0
"""A note tells the tempo for so many beats; in a longer note or rest somebody else keeps time."""
YIELDS_BEATS = 0.2
"""Where the soloist lingers, the orchestra slows down, and stops this far (beats) behind their next note's place."""
TOO_FAR_BEATS, TOO_FAR_S = 2.5, 0.4
"""An orchestra this far from the soloist, for so long, goes to them at once."""
SURE = 0.6
"""Confidence in the soloist's new place that moves the orchestra there."""
ENTRY_S = 0.12
"""The beat at which the orchestra enters after a jump is at least this far away."""
STALE_S = 0.25
"""A conductor who was not seen for longer than this does not lead."""
GLIDE_S = 0.25
"""Time constant with which the orchestra's line is drawn to those who lead."""
LISTENS_S = 0.015
"""The same for a soloist's place: at once, but not by a leap."""
SLOWEST, FASTEST = 0.5, 1.6
"""Bounds of a tempo that is kept, against the marked one."""


@dataclass(frozen=True, slots=True)
class Soloist:
    """Who is accompanied: the score's ``parts`` that they play, and how much of the lead is theirs: 0 (the conductor
    leads alone) to 1 (the soloist does). Raises ``InputError`` outside that range."""

    parts: frozenset[int]
    lead: float = LEADS["soloist"]

    def __post_init__(self) -> None:
        if not 0.0 <= self.lead <= 1.0:
            raise InputError(f"lead: {self.lead:g}; from 0 (conductor) to 1 (soloist)")

    @staticmethod
    def parse_lead(text: str) -> float:
        """``conductor``, ``shared``, ``soloist`` or a number from 0 to 1. Raises ``InputError`` for others."""
        named = LEADS.get(text.strip().lower())
        if named is not None:
            return named
        try:
            lead = float(text)
        except ValueError:
            lead = math.nan
        if not 0.0 <= lead <= 1.0:
            raise InputError(f"--lead {text!r}: say {', '.join(LEADS)}, or a number from 0 (conductor) to 1 (soloist)")
        return lead


class TacetPart:
    """A ``PartSource`` for parts that somebody beside the orchestra plays: it plays nothing."""

    def __init__(self, parts: frozenset[int]) -> None:
        self._parts = parts

    @property
    def parts(self) -> frozenset[int]:
        return self._parts

    def prepare(self, start_quarter: float, end_quarter: float, heard: Sequence[ScoreNote]) -> None:
        """Nothing to prepare."""

    def collect(self, start_quarter: float, end_quarter: float) -> Sequence[ScoreNote]:
        return ()

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """What the playhead is told: ``tempo``, the ``ceiling`` (beats) where it waits, and the beat to go on from where
    the orchestra leaves its place (None: it stays)."""

    tempo: TempoEstimate | None
    ceiling: float
    jump_beat: int | None
    solo: SoloPosition


@dataclass(frozen=True, slots=True)
class _Line:
    """A straight way through the beats: at ``beat`` at ``at_s``, ``period_s`` for a beat."""

    beat: float
    at_s: float
    period_s: float

    def at(self, now_s: float) -> float:
        return self.beat + (now_s - self.at_s) / self.period_s


class Accompaniment:
    """Guides the playhead by a soloist and a conductor. One thread; steps with the performance.

    Raises ``ScoreError`` where the soloist's parts have no notes.
    """

    def __init__(self, score: Score, soloist: Soloist, start_beat: int = 0) -> None:
        self._score = score
        self._soloist = soloist
        self._line = SoloLine.of(score, soloist.parts)
        self.restart(start_beat)

    def restart(self, beat: int) -> None:
        """What was heard is forgotten: the soloist is expected to begin at ``beat`` of the score, or after it."""
        self._follower = SoloFollower(self._score, self._line, self._score.beat_to_quarter(beat))
        self._kept: _Line | None = None
        self._jumps = 0
        self._apart_since_s: float | None = None
        self._entry: int | None = None
        self._offset = 0.0
        self._due: tuple[float, float] | None = None

    def step(
        self,
        now_s: float,
        heard: Sequence[HeardNote],
        tempo: TempoEstimate | None,
        playhead: float,
    ) -> Guidance:
        """``heard`` since the last step; ``tempo`` is the conductor's, ``playhead`` where it was (beats)."""
        for note in heard:
            self._follower.hear(note)
        solo = self._follower.at(now_s)
        lead = self._soloist.lead
        unsure = self._kept is None and solo.confidence < SURE
        if lead == 0.0 or solo.state == "waiting" or unsure:
            ceiling = self._ceiling(solo, now_s, playhead) if lead >= WAITS_FROM and tempo is not None else math.inf
            return Guidance(tempo, ceiling, None, solo)
        own = self._solo_line(solo)
        jump_beat = self._jump(now_s, solo, own, playhead)
        if self._kept is None or jump_beat is not None:
            self._kept = replace(own, beat=own.at(now_s), at_s=now_s)
            self._offset = 0.0
        share, beating = self._shares(now_s, solo, own, tempo)
        kept = self._draw(now_s, own, tempo, share, beating)
        ceiling = self._ceiling(solo, now_s, playhead) if lead >= WAITS_FROM else math.inf
        self._kept = kept = replace(kept, beat=min(kept.beat, max(ceiling, playhead)))
        return Guidance(self._told(now_s, kept, solo, share, beating), ceiling, jump_beat, solo)

    # -- who leads -----------------------------------------------------------------------------------------

    def _solo_line(self, solo: SoloPosition) -> _Line:
        """The soloist's way from the last note on, in beats."""
        beat = self._score.quarter_to_beat(solo.onset_quarter)
        following = self._score.quarter_to_beat(solo.next_quarter)
        if solo.next_s is not None and following > beat + 1e-6:
            period_s = (solo.next_s - solo.onset_s) / (following - beat)
        else:
            period_s = self._beat_quarters(beat) * solo.period_s
        return _Line(beat, solo.onset_s, max(0.08, period_s))

    def _beat_quarters(self, beat: float) -> float:
        index = max(0, min(len(self._score.beats) - 1, int(beat)))
        return float(self._score.beats["duration_quarter"][index])

    def _shares(self, now_s: float, solo: SoloPosition, own: _Line, tempo: TempoEstimate | None) -> tuple[float, float]:
        """How much soloist and conductor say (each 0–1): by the lead, and by how plain each of them is."""
        beats_since = (now_s - own.at_s) / own.period_s
        speaks = min(1.0, max(0.0, 1.0 + HEARD_BEATS - beats_since))
        if solo.state == "paused" and self._soloist.lead >= WAITS_FROM:
            speaks = 1.0
        elif solo.state in ("lost", "ended", "waiting"):
            speaks = 0.0
        playing = self._soloist.lead * speaks * solo.confidence
        beating = 0.0
        if tempo is not None and not tempo.stopped and now_s - tempo.time_s < STALE_S:
            beating = (1.0 - self._soloist.lead) * tempo.confidence
            if speaks < 0.05:
                beating = max(beating, tempo.confidence)
        total = playing + beating
        return (playing / total, beating / total) if total > 1e-6 else (0.0, 0.0)

    def _draw(
        self,
        now_s: float,
        own: _Line,
        tempo: TempoEstimate | None,
        share: float,
        beating: float,
    ) -> _Line:
        """The orchestra's line, drawn to those who lead; a tempo that nobody leads is kept."""
        assert self._kept is not None
        kept = self._kept
        here = kept.at(now_s)
        if share == 0.0 and beating == 0.0:
            return _Line(here, now_s, self._bounded(kept, here))
        beat, log_period = 0.0, 0.0
        if share:
            # Beyond the next note the soloist says nothing more: the ceiling holds the orchestra there.
            beat += share * own.at(now_s)
            log_period += share * math.log(own.period_s)
        if beating:
            assert tempo is not None
            span_s = max(0.05, tempo.next_beat_s - tempo.beat_s)
            hand = tempo.beat_index + min(1.2, (now_s - tempo.beat_s) / span_s)
            if share:  # which beat it is the soloist says; the hand says when it is
                self._offset = round(own.at(now_s) - hand)
            beat += beating * (hand + self._offset)
            log_period += beating * math.log(max(0.1, tempo.beat_period_s))
        step_s = max(0.0, now_s - kept.at_s)
        gain = 1.0 - math.exp(-step_s / GLIDE_S)
        period_s = math.exp(math.log(kept.period_s) + gain * (log_period - math.log(kept.period_s)))
        if abs(beat - here) > 0.5:  # a new place, or who leads changed
            return _Line(beat, now_s, period_s)
        return _Line(here + max(gain, share * (1.0 - math.exp(-step_s / LISTENS_S))) * (beat - here), now_s, period_s)

    def _bounded(self, kept: _Line, beat: float) -> float:
        """The period kept, where the tempo mark allows."""
        quarter = self._score.beat_to_quarter(max(0.0, beat))
        marked_s = self._beat_quarters(beat) * 60.0 / self._score.quarter_bpm_at(quarter)
        return min(max(kept.period_s, marked_s / FASTEST), marked_s / SLOWEST)

    def _told(self, now_s: float, kept: _Line, solo: SoloPosition, share: float, beating: float) -> TempoEstimate:
        """The line as the playhead reads it: the beat that was, the one to come."""
        index = math.floor(kept.beat + 1e-9)
        if self._entry is not None:
            index = max(index, self._entry - 1)
            self._entry = None if kept.beat >= self._entry else self._entry
        beat_s = now_s + (index - kept.beat) * kept.period_s
        waits = solo.state == "paused" and share > beating
        confidence = 1.0 if not share and not beating else max(0.6, share * solo.confidence + beating)
        return TempoEstimate(now_s, index, beat_s, kept.period_s, beat_s + kept.period_s, confidence, waits)

    # -- waiting and going elsewhere -----------------------------------------------------------------------

    def _ceiling(self, solo: SoloPosition, now_s: float, playhead: float) -> float:
        """Where the orchestra waits: at the soloist's next note; a little beyond once that is overdue."""
        if solo.state in ("lost", "ended"):
            return math.inf
        beat = self._score.quarter_to_beat(solo.next_quarter)
        if self._due is None or self._due[0] != beat:
            self._due = (beat, math.inf)
        reached = playhead >= beat - 0.02
        if self._due[1] == math.inf and reached:
            self._due = (beat, max(now_s, solo.next_s or now_s))
        overdue_s = now_s - self._due[1]
        if overdue_s <= 0.0:
            return beat
        return beat + YIELDS_BEATS * (1.0 - math.exp(-overdue_s / (YIELDS_BEATS * 0.6)))

    def _jump(self, now_s: float, solo: SoloPosition, own: _Line, playhead: float) -> int | None:
        """The beat at which the orchestra goes on, where the soloist is elsewhere."""
        if self._soloist.lead < WAITS_FROM or solo.state != "following" or solo.confidence < SURE:
            return None
        at = own.at(now_s)
        away = abs(at - playhead) > TOO_FAR_BEATS
        if not away or now_s - own.at_s > HEARD_BEATS * own.period_s:
            self._apart_since_s = None
            self._jumps = solo.jumps
            return None
        if self._apart_since_s is None:
            self._apart_since_s = now_s
        if solo.jumps == self._jumps and self._kept is not None and now_s - self._apart_since_s < TOO_FAR_S:
            return None
        self._jumps = solo.jumps
        self._apart_since_s = None
        self._entry = min(math.ceil(at + ENTRY_S / own.period_s), len(self._score.beats) - 1)
        return self._entry
