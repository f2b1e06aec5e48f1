"""From icti and the hand's way between them to the conductor's tempo, and to when the next beat will be.

``TempoTracker`` keeps several hypotheses of which icti were beats (``engine.conducting.beat_hypotheses``), follows the
best one, and between icti reads the unfinished stroke (``engine.conducting.strokes``). A network that has seen many
ways of beating (``engine.conducting.gesture_reader``) tells it how likely an ictus was and when the next will be. The
first period is weighed against the score's tempo mark; a long hold moves the beat, not the period.
"""

import math
from collections import deque

import numpy as np

from ..score import Score
from ..types import Beat, Pose, TempoEstimate
from .bar_place import BarPlace
from .beat_hypotheses import ICTUS_SD_S, Candidate, Hypothesis, joined
from .first_entry import NEXT_WITHIN_S, SEEN_WITHIN_S, FirstEntry
from .gesture import GestureFilter, GestureSample
from .gesture_reader import KNOWN_AFTER_S, UNTIL_MIDDLES_S, GestureReader, Reading
from .meter_map import MeterMap
from .profile import ConductorProfile
from .strokes import DurationPosterior
from .turns import TurnDetector

MAX_HYPOTHESES = 6
PRUNE_BELOW = -9.0
"""Hypotheses this far (natural logarithm) behind the best are given up."""
TEMPO_WORTH = 0.25
"""How much every beat's period under the mark counts: an account that lost the count at half the tempo gives way."""
LOG_HEEDED = 0.5
"""A new tempo mark is more likely taken than not."""
SHORTEST_BEAT_S = 0.11
READ_ALONE = 0.1
"""An ictus that was only read, without a lowest point or turn, is weighed from this probability."""
READINGS = 200
"""Readings kept: a slow turn is known seconds later."""
READ_SPAN_S = 0.035
"""Readings this near a candidate are about it."""
SAME_S = 0.045
"""What is read this near to what is seen is the same ictus."""
SEEN_WORTH = 0.25
"""How much marks, depths and shapes of strokes count beside what is read: they are no independent observations."""
LOG_SILENT = -6.0
"""A beat that was not read at all."""
LEAST_READ = 0.04
"""What is seen where an ictus is read less probable than this is none: a turn at the top, a rebound, a fidget."""
STOPPED_S, STOPPED_PERIODS = 5.0, 4.0
STOPPED_SPAN_S, STOPPED_BEATING = 2.0, 0.8
LEAST_STOPPED, STOPPED_ODDS = 0.4, -1.0
"""After so long without a beat, and if the hand is not plainly read to beat, hands do other things: what is read is an
ictus less often, and no weak one is."""
TAPPED = 0.97
"""A tap is a beat with this probability: nothing has to be read."""
BEATING_SPAN_S, BEATING_USUAL = 0.1, 0.7
"""A hand that is read to beat with this probability, about the ictus, beats."""
READ_APART = 0.01
"""An ictus far from where it is expected is this likely, as the prediction is read."""
LEAST_PART = 0.3
READ_SD_S, READ_SD = 0.02, 0.2
"""Error of the time of the next ictus as read: at least, and besides in parts of the time until then."""
READ_ODDS = (0.0, 0.035, 0.125, 0.25, 0.45, 0.65, 0.75, 0.9), (-3.5, -1.9, -0.35, 0.6, 1.4, 2.2, 2.8, 4.2)
"""Highest readings, and the logarithm of the odds that there is an ictus within 80 ms (counted on virtual conductors).
One reading is not believed more than that: people differ from them."""
NOT_BEFORE = 0.05
"""The next ictus is not expected before it has come with this probability, as read: a hand that is held waits."""
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
        self._last = len(score.beats) - 1
        self._filter = GestureFilter()
        self._way: deque[tuple[float, float, float, float]] = deque(maxlen=WAY_SAMPLES)
        self._hypotheses: list[Hypothesis] = []
        self._turns = TurnDetector()
        self._low_s = -math.inf
        self._entry = FirstEntry(self._meter, start_beat, self._profile)
        self._reader = GestureReader(self._meter.marked_period_s[start_beat], self._meter.key(start_beat)[0])
        self._place = BarPlace(self._meter, start_beat)
        self._readings: deque[Reading] = deque(maxlen=READINGS)
        self._waiting: list[Candidate] = []
        self._posterior: DurationPosterior | None = None
        self._spread = 1.0
        self._drawn = True
        self._announced_s = -math.inf
        self._gap_until_s, self._gap_s = -math.inf, 0.0
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
        return self._hypotheses[0].icti.get(beat_index) if self._hypotheses else None

    def learned_profile(self) -> ConductorProfile:
        """The profile given, with what the beats so far taught."""
        return self._hypotheses[0].profile(self._profile) if self._hypotheses and self._drawn else self._profile

    def take_baton(self, drawn: bool = True) -> None:
        """Another hand, or the same with another device, beats from now on; count and tempo go on.

        ``drawn`` False: its beats are tapped, which teaches nothing of how the conductor's hand lags.
        """
        self._profile = self.learned_profile()
        self._drawn = drawn
        self._posterior, self._spread = None, 1.0
        for account in self._hypotheses:
            account.forget_hand()
            account.drawn = drawn
            if drawn:
                account.know(self._profile)

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
                self._gap_until_s, self._gap_s = sample.time_s, sample.gap_s
        if ictus is not None:
            self._low_s = ictus.time_s
            if self._hypotheses:
                self._await(Candidate(ictus.time_s, ictus.stroke_m, clarity=ictus.clarity))
            elif not self._drawn:
                self._take_first_tap(ictus)
        if sample is not None:
            self._entry.look(sample)
            self._take_turn(sample)
            for reading in self._reader.step(pose.time_s, pose.position_m):
                self._readings.append(reading)
                self._take_reading()
            self._weigh_waiting()
        if sample is not None and self._hypotheses:
            if self._posterior is not None:
                self._posterior.add(sample.time_s, sample.position_m)
            self._estimate = self._look_ahead(sample)
        elif sample is not None:
            self._estimate = self._entry.prepared(sample, self._readings[-1] if self._readings else None)
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
            self._hypotheses = [self._entry.beginning(tap.time_s, length_s, np.array(self._way), drawn=False)]
            self._start_posterior(self._hypotheses[0])
            self._count(tap.clarity)

    def _take_reading(self) -> None:
        """An ictus that was read: the first beat, or a candidate besides those that can be seen."""
        if len(self._readings) < 3 or not self._drawn:
            return
        before, middle, after = (self._readings[index].ictus for index in (-3, -2, -1))
        if not (middle > before and middle >= after and middle > READ_ALONE):
            return
        curve = before - 2.0 * middle + after
        at_s = self._readings[-2].time_s - KNOWN_AFTER_S
        at_s += 0.5 * (before - after) / curve * (self._readings[-1].time_s - self._readings[-2].time_s)
        if not self._hypotheses:
            if self._entry.begins(at_s, middle, self._beating(at_s), self._low_s):
                length_s = self._readings[-1].expected_s(NEXT_WITHIN_S) - at_s
                begun = self._entry.beginning(at_s, length_s, np.array(self._way))
                self._place.read(self._readings, at_s, begun.period_s)
                self._hypotheses = self._place.beginnings(begun)
                self._start_posterior(self._hypotheses[0])
                self._count(middle)
            return
        if self._gap_until_s - self._gap_s < at_s < self._gap_until_s + SEEN_WITHIN_S:
            return
        best = self._hypotheses[0]
        if all(abs(at_s - seen_s) > SAME_S for seen_s in (self._low_s, *(seen.time_s for seen in self._waiting))):
            self._await(Candidate(at_s, best.stroke_m, 0.0, seen=False, clarity=middle))

    def _apart_s(self) -> float:
        """Candidates closer than this are the same ictus."""
        return max(0.07, 0.15 * self._hypotheses[0].period_s)

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
        read_s = self._readings[-1].time_s if self._readings else -math.inf
        while self._waiting:
            candidate = self._waiting[0]
            if read_s <= candidate.time_s + KNOWN_AFTER_S + (0.5 * READ_SPAN_S if candidate.seen else SEEN_WITHIN_S):
                return
            del self._waiting[0]
            best = self._hypotheses[0]
            highest = self._highest(candidate.time_s)
            stopped = self._stopped(candidate.time_s)
            if self._drawn and highest < (LEAST_STOPPED if stopped else LEAST_READ):
                continue
            read = _probability(highest, STOPPED_ODDS if stopped else 0.0) if self._drawn else TAPPED
            self._weigh(candidate, read, np.array(self._way))
            if self._hypotheses[0].ictus_s != best.ictus_s or self._hypotheses[0].index != best.index:
                self._hypotheses = self._place.put_right(self._hypotheses, best, self._profile)
                self._start_posterior(self._hypotheses[0])
                self._count(candidate.clarity)

    def _count(self, clarity: float) -> None:
        """Tell of the best account's latest beat, if it is further than any told before."""
        best = self._hypotheses[0]
        if best.index > self._told:
            self._told = best.index
            known_s = max(best.ictus_s, self._readings[-1].time_s if self._readings else best.ictus_s)
            self._beats.append(Beat(best.ictus_s, known_s, best.index, best.stroke_m, min(1.0, max(0.0, clarity))))

    def _highest(self, time_s: float) -> float:
        """The most that was read of an ictus at this time; nothing is known of times long past."""
        return max(
            (r.ictus for r in self._readings if abs(r.time_s - KNOWN_AFTER_S - time_s) <= READ_SPAN_S), default=0.0
        )

    def _beating(self, time_s: float, before_s: float = BEATING_SPAN_S) -> float:
        """Probability that the hand beats about then, as read."""
        near = [r.beating for r in self._readings if -before_s < r.time_s - time_s < BEATING_SPAN_S]
        return float(np.mean(near)) if near else BEATING_USUAL

    def _stopped(self, time_s: float) -> bool:
        """Whether it is long since a beat, and the hand was not read to beat in the last seconds."""
        best = self._hypotheses[0]
        if time_s - best.ictus_s < max(STOPPED_S, STOPPED_PERIODS * best.period_s):
            return False
        return self._beating(time_s, STOPPED_SPAN_S) < STOPPED_BEATING

    def _take_turn(self, sample: GestureSample) -> None:
        """Weigh a turn of the hand that is no lowest point."""
        usual_m = self._hypotheses[0].stroke_m if self._hypotheses else 0.0
        turn = self._turns.step(sample, max(LEAST_TURN * usual_m, 8.0 * sample.noise_m))
        if turn is None or not self._hypotheses or not self._drawn:
            return
        if abs(turn.time_s - self._low_s) < self._apart_s():
            return
        self._await(Candidate(turn.time_s, turn.stroke_m, turn.rise))

    def _weigh(self, ictus: Candidate, read: float, way: np.ndarray) -> None:
        """Split every hypothesis on the new ictus, read with a probability, and keep the likely ones."""
        born: list[tuple[Hypothesis, bool]] = []
        self._place.read(self._readings, ictus.time_s, self._hypotheses[0].period_s)
        beating = min(0.0, math.log(max(self._beating(ictus.time_s), 0.01) / BEATING_USUAL))
        for parent in self._hypotheses:
            recent = way[way[:, 0] >= parent.ictus_s - 0.06]
            since = ictus.time_s - parent.ictus_s
            for ahead in self._choices(parent, since):
                child = parent.branch()
                if ahead == 0:
                    weight = child.pass_over(self._meter, ictus)
                else:
                    weight = parent.log_time(self._meter, ictus.time_s, ahead)
                if parent.ictus_s >= self._gap_until_s:
                    weight += SEEN_WORTH * self._log_seen(parent, ictus, ahead, recent)
                    weight += LOG_SILENT * max(0, ahead - 1)
                weight += math.log(read if ahead else 1.0 - read)
                if ahead and self._drawn:
                    weight += beating + self._place.log_place(parent.index + ahead)
                child.log_weight += weight
                if ahead and self._meter.begins_tempo(child.index + ahead):
                    heeding = child.branch()
                    heeding.accept(self._meter, ictus, ahead, heed_mark=True)
                    heeding.log_weight += LOG_HEEDED
                    born.append((heeding, True))
                if ahead:
                    child.accept(self._meter, ictus, ahead)
                    child.log_weight += TEMPO_WORTH * child.log_tempo(self._meter)
                    child.log_weight += child.log_tempo(self._meter) - parent.log_tempo(self._meter)
                born.append((child, ahead > 0))
        born.sort(key=lambda entry: -entry[0].log_weight)
        best = born[0][0].log_weight
        kept: list[Hypothesis] = []
        seen: set[tuple[int, float, float]] = set()
        for child, accepted in born:
            child.log_weight -= best
            account = (child.index, child.ictus_s, round(math.log(child.period_s), 1))
            if child.log_weight < PRUNE_BELOW or len(kept) == MAX_HYPOTHESES or account in seen:
                continue
            seen.add(account)
            if accepted:
                distance = child.learn_stroke(self._meter, way, ictus.stroke_m)
                if distance is not None and not kept:
                    self._spread += 0.1 * (min(distance, 6.0) - self._spread)
            kept.append(child)
        self._hypotheses = kept

    def _log_seen(self, parent: Hypothesis, ictus: Candidate, ahead: int, way: np.ndarray) -> float:
        """Log likelihood of the candidate's mark, depth and way under an account."""
        weight = parent.log_shape(self._meter, way, ictus.time_s, ahead)
        if ahead:
            weight += parent.log_marked(self._meter, ictus, ahead)
        if ahead and ictus.rise is None:
            weight += parent.log_depth(self._meter, ictus, ahead)
        return weight

    def _choices(self, parent: Hypothesis, since_s: float) -> tuple[int, ...]:
        """How many beats on the ictus may be; after the last beat nothing is counted."""
        if parent.index >= self._last:
            return (0,)
        if since_s < max(SHORTEST_BEAT_S, 0.12 * parent.period_s):
            return (0,)
        if parent.ictus_s < self._gap_until_s:
            passed = max(1, round(since_s / parent.period_s))
            unseen = 1 + math.ceil(self._gap_s / parent.period_s)
            return tuple(sorted({0, 1, *(ahead for ahead in range(passed - 1, passed + 2) if 1 < ahead <= unseen)}))
        return (0, 1, 2) if since_s > 1.4 * parent.period_s else (0, 1)

    # -- between icti --------------------------------------------------------------------------------------

    def _start_posterior(self, best: Hypothesis) -> None:
        first = best.template(self._meter, best.index + 1)
        self._posterior = None
        self._announced_s = -math.inf
        if first is None or first.timed is None:
            return
        second = best.template(self._meter, best.index + 2)
        template = joined(first.timed, None if second is None else second.timed)
        spread = 0.12 * best.stroke_m * math.sqrt(min(max(self._spread, 0.15), 3.0))
        expected = best.expected_stroke_s(self._meter)
        self._posterior = DurationPosterior(template, best.ictus_s, expected, best.stroke_m, spread)
        for time_s, x, y, z in self._way:
            if time_s > best.ictus_s:
                self._posterior.add(time_s, (x, y, z))

    def _read_next(self, best: Hypothesis, expected_s: float, spread_s: float) -> tuple[float, float] | None:
        """Time of the next ictus and its variance, as read, where it is expected about then; None where nothing is."""
        reading = self._readings[-1]
        at_s = reading.time_s + UNTIL_MIDDLES_S
        off = (at_s - expected_s) / max(spread_s, 0.05)
        likely = (1.0 + off * off / 3.0) ** -2 + READ_APART
        weight = reading.until * likely * (at_s - best.ictus_s > LEAST_PART * best.period_s)
        total = float(weight.sum())
        if total <= 0.0:
            return None
        weight = weight / total
        mean = float(weight @ at_s)
        return mean, float(weight @ (at_s - mean) ** 2) + (READ_SD_S + READ_SD * (mean - reading.time_s)) ** 2

    def _not_before_s(self) -> float:
        """Earliest time of the next ictus that what is read allows."""
        reading = self._readings[-1]
        stopped = self._stopped(reading.time_s)
        if reading.soon(ANNOUNCED_S) > (ANNOUNCED_STOPPED if stopped else ANNOUNCED):
            self._announced_s = reading.time_s
        if reading.time_s - self._announced_s < 2.0 * ANNOUNCED_S:
            return -math.inf
        return reading.time_s + reading.quantile_s(0.5 if stopped else NOT_BEFORE)

    def _look_ahead(self, sample: GestureSample) -> TempoEstimate:
        best = self._hypotheses[0]
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
        if self._drawn and self._readings and best.index < self._last:  # after the last beat none comes
            ictus = max(ictus, self._not_before_s())
        late_s = ictus - lag - expected
        ahead = best.ahead_variance()
        gain = ahead / (ahead + ICTUS_SD_S**2)
        if abs(late_s) > 0.25 * best.period_s:
            gain = max(gain, min(1.0, 2.5 * abs(late_s) / best.period_s))
        next_beat = expected + gain * late_s
        period = max(0.2, best.period_s + 0.5 * (next_beat - expected))
        period = min(period, 1.5 * best.period_s)
        rivals = sum(math.exp(other.log_weight) for other in self._hypotheses if other.index != best.index)
        overdue = max(0.0, now_s - (expected + lag)) / best.period_s
        confidence = math.exp(-spread / (0.3 * best.period_s) - overdue) / (1.0 + rivals)
        return TempoEstimate(
            time_s=sample.known_s,
            beat_index=best.index,
            beat_s=best.beat_s,
            beat_period_s=period,
            next_beat_s=next_beat,
            confidence=confidence,
            stopped=sample.still_s > 0.35 + 0.35 * best.period_s and now_s - best.ictus_s > 0.6 * best.period_s,
        )


def _probability(highest: float, log_odds: float) -> float:
    """Probability of an ictus by the highest reading near it, with so much more that speaks for it."""
    return 1.0 / (1.0 + math.exp(-float(np.interp(highest, *READ_ODDS)) - log_odds))
