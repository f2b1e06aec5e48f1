"""From icti and the hand's way between them to the conductor's tempo, and to when the next beat will be.

``TempoTracker`` follows the best of several accounts of which icti were beats (``engine.conducting.accounts``), and
between icti reads the unfinished stroke (``engine.conducting.strokes``). A network that has seen many ways of beating
tells it how likely an ictus was and when the next will be (``engine.conducting.readings``). The first period is weighed
against the score's tempo mark; a long hold moves the beat, not the period.
"""

import math
from collections import deque

import numpy as np

from ..score import Score
from ..types import Beat, Pose, TempoEstimate
from .accounts import Accounts
from .beat_hypotheses import ICTUS_SD_S, Candidate, Hypothesis
from .first_entry import LOWS_SPAN_S, NEXT_WITHIN_S, SEEN_WITHIN_S, FirstEntry
from .gesture import GestureFilter, GestureSample
from .gesture_reader import KNOWN_AFTER_S, UNTIL_MIDDLES_S
from .known_strokes import joined
from .meter_map import MeterMap
from .profile import ConductorProfile
from .reading_trust import ReadingTrust
from .readings import PLAINLY_BEATING, SPAN_S, Readings, probability
from .strokes import DurationPosterior, steadiness
from .turns import TurnDetector

SAME_S = 0.045
"""What is read this near to what is seen is the same ictus."""
ON_TIME, PLAIN_STROKE, LATE_BEATS = 0.2, 0.5, 6
"""A lowest point this near (in periods) to where the next beat is expected, or one of so many after it, at the end of a
stroke of this part of the usual length, is plainly a beat, if the hand beats;"""
SILENT, SILENT_BEATS = 0.15, 0.7
"""and no ictus was read with so much probability for so many periods before."""
LEAST_READ = 0.03
"""What is seen where an ictus is read less probable than this is none: a turn at the top, a rebound, a fidget."""
STOPPED_S, STOPPED_PERIODS = 5.0, 4.0
STOPPED_SPAN_S, STOPPED_BEATING = 0.5, 0.8
LEAST_STOPPED, STOPPED_ODDS = 0.3, -1.0
"""After so long without a beat, and if the hand is not plainly read to beat, hands do other things: what is read is an
ictus less often, and no weak one is."""
UNSEEN_ODDS = -0.6
"""An ictus that was only read, at no lowest point or turn, is one less often by this (counted)."""
LANDED_ODDS = 3.0
"""Where the hand lands on the last beat and stays, it is an ictus so much more often than what is read tells."""
LEAST_UNSEEN, LATE_PERIODS = 0.25, 1.4
"""Where a beat is overdue by this phase, and the hand was not read to beat on, what was only read less probable than
this is none."""
TAPPED = 0.97
"""A tap is a beat with this probability: nothing has to be read."""
CLOSING_S, CLOSED_S = 0.75, 0.15
"""A cut-off takes up to so long until it is understood, and the hand comes to rest so soon after."""
READ_APART = 0.01
"""An ictus far from where it is expected is this likely, as the prediction is read."""
LEAST_PART = 0.3
READ_SD_S, READ_SD = 0.02, 0.2
"""Error of the time of the next ictus as read: at least, and besides in parts of the time until then."""
NOT_BEFORE, NOT_BEFORE_HELD = 0.05, 0.5
"""The next ictus is not expected before it has come with this probability, as read: a hand that is held waits. Under a
fermata and after a long stop nobody plays on before the hand plainly does, so there it is the second."""
ANNOUNCED_S, ANNOUNCED, ANNOUNCED_STOPPED = 0.15, 0.5, 0.9
"""An ictus that was read to come within this time with this probability (a larger one after a long stop) may be past.
"""
LEAST_TURN = 0.25
"""A turn after less than this part of the usual stroke is none."""
WAY_SAMPLES = 1200
WAY_STEP_S, WAY_REST_S, WAY_MOVE_M = 0.008, 0.1, 0.004
"""The way is remembered in steps of at least this time; of a resting hand, in longer ones."""


class TempoTracker:
    """Tempo, phase and count of one conductor. Causal; one thread; about 0.2 ms a step.

    ``estimate`` is None until a preparatory beat begins. ``start_beat`` indexes ``score.beats``: the beat of the first
    ictus after the preparatory one; ``profile`` what is known of the conductor.
    """

    def __init__(self, score: Score, start_beat: int = 0, profile: ConductorProfile | None = None) -> None:
        self._profile = profile or ConductorProfile()
        self._meter = MeterMap.of(score)
        self._filter = GestureFilter()
        self._way: deque[tuple[float, float, float, float]] = deque(maxlen=WAY_SAMPLES)
        self._accounts = Accounts(self._meter, self._profile)
        self._turns = TurnDetector()
        self._low_s = -math.inf
        self._entry = FirstEntry(self._meter, start_beat, self._profile)
        self._readings = Readings(self._meter.marked_s(start_beat), self._meter.key(start_beat)[0])
        self._trust = ReadingTrust()
        self._waiting: list[Candidate] = []
        self._posterior: DurationPosterior | None = None
        self._drawn = True
        self._announced_s = -math.inf
        self._closing_s = (-math.inf, -math.inf)
        self._estimate: TempoEstimate | None = None
        self._beats: list[Beat] = []
        self._told = -1

    @property
    def beats(self) -> tuple[Beat, ...]:
        """The beats that the last step counted."""
        return tuple(self._beats)

    @property
    def estimate(self) -> TempoEstimate | None:
        """The latest estimate."""
        return self._estimate

    def ictus_s(self, beat_index: int) -> float | None:
        """When the hand was at the ictus of a beat, as far as it is known and not long past."""
        return self._accounts.best.icti.get(beat_index) if self._accounts else None

    def learned_profile(self) -> ConductorProfile:
        """The profile given, with what the beats so far taught."""
        return self._accounts.best.profile(self._profile) if self._accounts and self._drawn else self._profile

    def take_baton(self, drawn: bool = True) -> None:
        """Another hand, or the same with another device, beats from now on; count and tempo go on.

        ``drawn`` False: its beats are tapped, which teaches nothing of how the conductor's hand lags.
        """
        self._profile = self.learned_profile()
        self._drawn = drawn
        self._posterior = None
        self._trust = ReadingTrust()
        self._accounts.change_hand(self._profile, drawn)

    def cut_off(self, time_s: float) -> None:
        """A cut-off was understood: the movement that ended the sound was no beat, whatever it looks like. At the end
        of the music nothing is taken back: there it may follow the last beat at once."""
        if not self._accounts or not self._drawn or self._accounts.best.index >= self._meter.last:
            return
        self._closing_s = time_s - CLOSING_S, time_s + CLOSED_S
        if self._accounts.uncount(time_s - CLOSING_S):
            self._told = self._accounts.best.index
            self._expect_next(self._accounts.best)

    def step(self, pose: Pose, ictus: Beat | None) -> TempoEstimate | None:
        """Take the next pose and the ictus that it made certain, if any; the new estimate."""
        self._beats.clear()
        if pose.device != "baton":
            return self._estimate
        sample = self._filter.step(pose)
        if sample is None and ictus is None:
            return self._estimate
        if sample is not None:
            self._keep(sample)
            if sample.gap_s:
                self._accounts.lose_sight(sample.time_s, sample.gap_s)
        if ictus is not None:
            self._low_s = ictus.time_s
            if self._accounts:
                self._await(Candidate(ictus.time_s, ictus.stroke_m, clarity=ictus.clarity))
            elif self._drawn:
                self._take_first_low(ictus)
            else:
                self._take_first_tap(ictus)
        if sample is not None:
            self._entry.look(sample)
            self._take_turn(sample)
            for at_s, read in self._readings.step(pose.time_s, pose.position_m):
                self._take_read(at_s, read)
            self._weigh_waiting()
        if sample is not None and self._accounts:
            if self._posterior is not None:
                self._posterior.add(sample.time_s, sample.position_m)
            self._estimate = self._look_ahead(sample)
        elif sample is not None:
            self._estimate = self._entry.prepared(sample, self._readings.latest)
        return self._estimate

    def _keep(self, sample: GestureSample) -> None:
        """Remember the way of the hand, thinned where it rests."""
        if self._way:
            latest = self._way[-1]
            since = sample.time_s - latest[0]
            if since < WAY_STEP_S or (since < WAY_REST_S and math.dist(latest[1:], sample.position_m) < WAY_MOVE_M):
                return
        self._way.append((sample.time_s, *sample.position_m))

    # -- icti ----------------------------------------------------------------------------------------------

    def _take_first_tap(self, tap: Beat) -> None:
        """The tap after the preparing one is the first beat."""
        length_s = self._entry.tapped(tap.time_s)
        if length_s is not None:
            self._begin(self._entry.beginning(tap.time_s, length_s, np.array(self._way), drawn=False), tap.clarity)

    def _take_first_low(self, low: Beat) -> None:
        """A hand that beats and beats, and is not read, begins without."""
        length_s = self._entry.beaten(low, self._readings.beating(low.time_s, LOWS_SPAN_S))
        if length_s is not None:
            self._trust.unread()
            self._begin(self._entry.beginning(low.time_s, length_s, np.array(self._way)), low.clarity)

    def _take_read(self, at_s: float, read: float) -> None:
        """An ictus that was read with a probability: the first beat, or a candidate besides those that can be seen."""
        reading = self._readings.latest
        if reading is None or not self._drawn:
            return
        if not self._accounts:
            beating, beats_for_s = self._readings.beating(at_s), self._readings.beats_for_s(at_s)
            if self._entry.begins(at_s, read, beating, beats_for_s, self._low_s):
                length_s = reading.expected_s(NEXT_WITHIN_S) - at_s
                self._begin(self._entry.beginning(at_s, length_s, np.array(self._way)), read, self._readings)
        elif self._accounts.sighted(at_s, SEEN_WITHIN_S):
            seen_s = (self._low_s, *(seen.time_s for seen in self._waiting))
            if all(abs(at_s - other_s) > SAME_S for other_s in seen_s):
                self._await(Candidate(at_s, self._accounts.best.strokes.usual_m, 0.0, seen=False, clarity=read))

    def _begin(self, begun: Hypothesis, clarity: float, readings: Readings | None = None) -> None:
        self._accounts.begin(begun, readings)
        self._expect_next(self._accounts.best)
        self._count(clarity)

    def _apart_s(self) -> float:
        """Candidates closer than this are the same ictus."""
        return max(0.07, 0.15 * self._accounts.best.period_s)

    def _await(self, candidate: Candidate) -> None:
        """A candidate waits until enough was read of it. What is seen tells the time better than what is only read."""
        if candidate.seen:
            self._waiting = [
                other for other in self._waiting if other.seen or abs(other.time_s - candidate.time_s) > SAME_S
            ]
        self._waiting.append(candidate)
        self._waiting.sort(key=lambda waiting: waiting.time_s)

    def _weigh_waiting(self) -> None:
        """Weigh the candidates of which enough was read."""
        while self._waiting:
            candidate = self._waiting[0]
            enough_s = KNOWN_AFTER_S + (0.5 * SPAN_S if candidate.seen else SEEN_WITHIN_S)
            if self._readings.known_s <= candidate.time_s + enough_s:
                return
            del self._waiting[0]
            read = self._read(candidate)
            if read is None:
                continue
            if self._accounts.weigh(candidate, read, self._readings, self._trust, np.array(self._way)):
                self._expect_next(self._accounts.best)
                self._count(candidate.clarity)

    def _read(self, candidate: Candidate) -> float | None:
        """The probability of an ictus there, as read; None where there is plainly none."""
        if not self._drawn:
            return TAPPED
        if self._closing_s[0] < candidate.time_s < self._closing_s[1]:
            return None
        highest = self._readings.highest(candidate.time_s)
        if self._stopped(candidate.time_s):
            return probability(highest, STOPPED_ODDS) if highest >= LEAST_STOPPED else None
        if candidate.stays:
            return probability(highest, LANDED_ODDS)
        if not candidate.seen and highest < LEAST_UNSEEN and self._late(candidate.time_s):
            return None
        if highest < LEAST_READ:
            if self._unread(candidate):
                self._trust.unread()
            if self._trust.believed:
                return None
        return probability(highest, 0.0 if candidate.seen else UNSEEN_ODDS)

    def _late(self, time_s: float) -> bool:
        """Whether the next beat is overdue, and the hand may hold, and do other things."""
        best = self._accounts.best
        if time_s - best.ictus_s <= LATE_PERIODS * best.period_s:
            return False
        return self._readings.beating(time_s, best.period_s) < PLAINLY_BEATING

    def _unread(self, candidate: Candidate) -> bool:
        """Whether a stroke plainly ends where a beat is expected, and none was read for long."""
        best = self._accounts.best
        late = (candidate.time_s - best.expected_ictus_s(self._meter)) / best.period_s
        on_time = -0.5 <= late < LATE_BEATS and abs(late - round(late)) < ON_TIME
        plain = candidate.seen and candidate.rise is None and candidate.stroke_m > PLAIN_STROKE * best.strokes.usual_m
        if not (on_time and plain):
            return False
        return self._readings.highest(candidate.time_s, SILENT_BEATS * best.period_s) < SILENT

    def _count(self, clarity: float) -> None:
        """Tell of the best account's latest beat, if it is further than any told before."""
        best = self._accounts.best
        if best.index > self._told:
            self._told = best.index
            known_s = max(best.ictus_s, self._readings.known_s)
            self._beats.append(
                Beat(best.ictus_s, known_s, best.index, best.strokes.usual_m, min(1.0, max(0.0, clarity)))
            )

    def _stopped(self, time_s: float) -> bool:
        """Whether it is long since a beat, and the hand was not read to beat in the last seconds."""
        best = self._accounts.best
        if time_s - best.ictus_s < max(STOPPED_S, STOPPED_PERIODS * best.period_s):
            return False
        return self._readings.beating(time_s, STOPPED_SPAN_S) < STOPPED_BEATING

    def _take_turn(self, sample: GestureSample) -> None:
        """Weigh a turn of the hand that is no lowest point. Hands rest above and between beats as well, but on the
        last one they may land and stay."""
        usual_m = self._accounts.best.strokes.usual_m if self._accounts else 0.0
        turn = self._turns.step(sample, max(LEAST_TURN * usual_m, 8.0 * sample.noise_m))
        if turn is None or not self._accounts or not self._drawn:
            return
        if turn.stays and (turn.rise < 0.0 or self._accounts.best.index + 1 < self._meter.last):
            return
        if abs(turn.time_s - self._low_s) < self._apart_s():
            return
        self._await(Candidate(turn.time_s, turn.stroke_m, turn.rise, stays=turn.stays))

    # -- between icti --------------------------------------------------------------------------------------

    def _expect_next(self, best: Hypothesis) -> None:
        """The best account's latest beat is another one now: what the score tells of the next, and its stroke."""
        self._readings.tell(self._meter.marked_s(best.index + 1), self._meter.key(best.index + 1)[0])
        templates = best.strokes.templates
        first, second = (templates.get(self._meter.key(best.index + ahead)) for ahead in (1, 2))
        self._posterior = None
        self._announced_s = -math.inf
        if first is None or first.timed is None:
            return
        template = joined(first.timed, None if second is None else second.timed)
        spread = 0.12 * best.strokes.usual_m * math.sqrt(min(max(self._accounts.spread, 0.15), 3.0))
        expected = best.expected_stroke_s(self._meter)
        steady = None
        if first.spread_m2 is not None:
            steady = steadiness(joined(first.spread_m2, None if second is None else second.spread_m2), first.count)
        self._posterior = DurationPosterior(template, best.ictus_s, expected, best.strokes.usual_m, spread, steady)
        for time_s, x, y, z in self._way:
            if time_s > best.ictus_s:
                self._posterior.add(time_s, (x, y, z))

    def _read_next(self, best: Hypothesis, expected_s: float, spread_s: float) -> tuple[float, float] | None:
        """Time of the next ictus and its variance, as read, where it is expected about then; None where nothing is."""
        reading = self._readings.latest
        if reading is None:
            return None
        at_s = reading.time_s + UNTIL_MIDDLES_S
        off = (at_s - expected_s) / max(spread_s, 0.05)
        likely = (1.0 + off * off / 3.0) ** -2 + READ_APART
        weight = reading.until * likely * (at_s - best.ictus_s > LEAST_PART * best.period_s)
        total = float(weight.sum())
        if total <= 0.0:
            return None
        weight = weight / total
        mean = float(weight @ at_s)
        variance = float(weight @ (at_s - mean) ** 2) + (READ_SD_S + READ_SD * (mean - reading.time_s)) ** 2
        return mean, variance / self._trust.part**2

    def _not_before_s(self) -> float:
        """Earliest time of the next ictus that what is read allows."""
        reading = self._readings.latest
        if reading is None or not self._trust.believed:
            return -math.inf
        stopped = self._stopped(reading.time_s)
        held = stopped or self._meter.is_held(self._accounts.best.index)
        if reading.soon(ANNOUNCED_S) > (ANNOUNCED_STOPPED if stopped else ANNOUNCED):
            self._announced_s = reading.time_s
        if reading.time_s - self._announced_s < 2.0 * ANNOUNCED_S:
            return -math.inf
        return reading.time_s + reading.quantile_s(NOT_BEFORE_HELD if held else NOT_BEFORE)

    def _look_ahead(self, sample: GestureSample) -> TempoEstimate:
        best = self._accounts.best
        now_s = sample.time_s
        index = best.index + 1
        expected = best.beat_s + best.period_s
        lag = best.lag_s(self._meter, index)
        ictus, late_at_most = expected + lag, 0.03
        spread = math.sqrt(best.ahead_variance())
        if self._posterior is not None and now_s - best.ictus_s > 0.12 * best.period_s:
            ictus, variance = self._posterior.estimate(now_s)
            late_at_most = 0.10
            spread = min(spread, math.sqrt(variance + ICTUS_SD_S**2))
        else:
            variance = spread**2
        read = self._read_next(best, expected + lag, spread)
        if read is not None:
            read_s, read_variance = read
            share = variance / (variance + read_variance)
            ictus += share * (read_s - ictus)
        ictus = max(ictus, now_s - late_at_most)
        if self._drawn and best.index < self._meter.last:  # after the last beat none comes
            ictus = max(ictus, self._not_before_s())
        late_s = ictus - lag - expected
        ahead = best.ahead_variance()
        gain = ahead / (ahead + ICTUS_SD_S**2)
        if abs(late_s) > 0.25 * best.period_s:
            gain = max(gain, min(1.0, 2.5 * abs(late_s) / best.period_s))
        next_beat = expected + gain * late_s
        period = max(0.2, best.period_s + 0.5 * (next_beat - expected))
        period = min(period, 1.5 * best.period_s)
        overdue = max(0.0, now_s - (expected + lag)) / best.period_s
        confidence = math.exp(-spread / (0.3 * best.period_s) - overdue) / (1.0 + self._accounts.rivals)
        return TempoEstimate(
            time_s=sample.known_s,
            beat_index=best.index,
            beat_s=best.beat_s,
            beat_period_s=period,
            next_beat_s=next_beat,
            confidence=confidence,
            stopped=sample.still_s > 0.35 + 0.35 * best.period_s and now_s - best.ictus_s > 0.6 * best.period_s,
        )
