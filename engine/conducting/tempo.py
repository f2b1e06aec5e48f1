"""From icti and the hand's way between them to the conductor's tempo, and to when the next beat will be.

``TempoTracker`` keeps several hypotheses of which icti were beats (``engine.conducting.beat_hypotheses``), follows the
best one, and between icti reads the unfinished stroke (``engine.conducting.strokes``). The first period is the
preparatory beat's, weighed against the score's tempo mark; a long hold moves the beat, not the period.
"""

import math
from collections import deque

import numpy as np

from ..score import Score
from ..types import Beat, Pose, TempoEstimate
from .beat_hypotheses import ICTUS_SD_S, Candidate, Hypothesis, joined
from .gesture import GestureFilter, GestureSample
from .meter_map import MeterMap
from .preparation import Entry, Preparation
from .profile import ConductorProfile
from .strokes import TEMPLATE_BINS, DurationPosterior
from .turns import TurnDetector

MAX_HYPOTHESES = 6
PRUNE_BELOW = -9.0
"""Hypotheses this far (natural logarithm) behind the best are given up."""
TEMPO_WORTH = 0.25
"""How much every beat's period under the mark counts: an account that lost the count at half the tempo gives way."""
LOG_HEEDED = 0.5
"""A new tempo mark is more likely taken than not."""
SHORTEST_BEAT_S = 0.11
MARK_SD = 0.30
"""How far a conductor's first tempo strays from the mark (logarithm)."""
LIFT_SD, DIP_SD = 0.20, 0.13
"""How far a preparatory beat strays from the tempo it announces (logarithm): lifted out of rest, or beaten."""
ANNOUNCED = 0.6
"""Confidence in a first beat that the fall of the preparatory beat announces."""
OVERDUE = 0.08
"""A beat is overdue after this part of a period; then only a falling hand announces it."""
FALL_SEEN_S = 0.04
FALLEN_S = 0.03
UNDECIDED = 0.3
"""A hand that is up and does not fall needs at least this part of a period."""
LEAST_TURN = 0.25
"""A turn after less than this part of the usual stroke is none."""
WAY_SAMPLES = 1200
WAY_STEP_S, WAY_REST_S, WAY_MOVE_M = 0.008, 0.1, 0.004
"""The way is remembered in steps of at least this time; of a resting hand, in longer ones."""


class TempoTracker:
    """Tempo, phase and count of one conductor. Causal; one thread; well under 0.1 ms a step.

    ``estimate`` is None until a preparatory beat begins. ``start_beat`` indexes ``score.beats``: the beat of the first
    ictus after the preparatory one; ``profile`` what is known of the conductor.
    """

    def __init__(self, score: Score, start_beat: int = 0, profile: ConductorProfile | None = None) -> None:
        self._profile = profile or ConductorProfile()
        self._meter = MeterMap.of(score)
        self._start = start_beat
        self._last = len(score.beats) - 1
        self._filter = GestureFilter()
        self._way: deque[tuple[float, float, float, float]] = deque(maxlen=WAY_SAMPLES)
        self._hypotheses: list[Hypothesis] = []
        self._turns = TurnDetector()
        self._low_s = -math.inf
        self._preparation = Preparation(self._meter.marked_period_s[start_beat])
        self._posterior: DurationPosterior | None = None
        self._spread = 1.0
        self._drawn = True
        self._fallen_s: float | None = None
        self._gap_until_s = -math.inf
        self._estimate: TempoEstimate | None = None

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
            if drawn:
                account.know(self._profile)

    def step(self, pose: Pose, ictus: Beat | None) -> TempoEstimate | None:
        """Take the next pose and the ictus that it made certain, if any; the new estimate."""
        if pose.device != "baton":
            return self._estimate
        sample = self._filter.step(pose)
        if sample is None and ictus is None:
            return self._estimate
        if sample is not None:
            self._keep(sample)
            if sample.gap_s:
                self._gap_until_s = sample.time_s
        if ictus is not None:
            self._take(ictus)
        if sample is not None:
            self._take_turn(sample)
        if sample is not None and self._hypotheses:
            if self._posterior is not None:
                self._posterior.add(sample.time_s, sample.position_m)
            self._estimate = self._look_ahead(sample)
        elif sample is not None:
            self._preparation.step(sample)
            self._estimate = self._prepared(sample)
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

    def _take(self, ictus: Beat) -> None:
        if not self._hypotheses:
            entry = self._preparation.ictus(ictus)
            if entry is None:
                return
            self._begin(entry, ictus.stroke_m)
        else:
            self._low_s = ictus.time_s
            self._weigh(Candidate(ictus.time_s, ictus.stroke_m), np.array(self._way))
        self._start_posterior(self._hypotheses[0])

    def _take_turn(self, sample: GestureSample) -> None:
        """Weigh a turn of the hand that is no lowest point."""
        usual_m = self._hypotheses[0].stroke_m if self._hypotheses else 0.0
        turn = self._turns.step(sample, max(LEAST_TURN * usual_m, 8.0 * sample.noise_m))
        if turn is None or not self._hypotheses:
            return
        best = self._hypotheses[0]
        if abs(turn.time_s - self._low_s) < max(0.07, 0.15 * best.period_s):
            return
        self._weigh(Candidate(turn.time_s, turn.stroke_m, turn.rise), np.array(self._way))
        if self._hypotheses[0].ictus_s != best.ictus_s or self._hypotheses[0].index != best.index:
            self._start_posterior(self._hypotheses[0])

    def _begin(self, entry: Entry, stroke_m: float) -> None:
        """The first beat: its period is the preparatory beat's, weighed against the mark."""
        index, marked = self._start, self._meter.marked_period_s[self._start]
        begun = Hypothesis(index, entry.ictus_s, entry.ictus_s, marked, (ICTUS_SD_S**2, 0.0, 0.0))
        begun.know(self._profile)
        begun.period_s = self._prepared_period_s(begun, entry.ictus_s - entry.prepared_s, entry.lifted)
        begun.know(self._profile)
        begun.off_mark = 0.8 * math.log(begun.period_s / marked)
        begun.beat_s = entry.ictus_s - begun.lag_s(self._meter, index)
        begun.variance = (ICTUS_SD_S**2, 0.0, (0.16 * begun.period_s) ** 2)
        begun.icti = {index - 1: entry.prepared_s, index: entry.ictus_s}
        begun.stroke_m = stroke_m
        self._hypotheses = [begun]

    def _prepared_period_s(self, account: Hypothesis, length_s: float, lifted: bool) -> float:
        marked = self._meter.marked_period_s[self._start]
        sd = LIFT_SD if lifted else DIP_SD
        lags = account.lag_s(self._meter, self._start) - account.lag_s(self._meter, self._start - 1)
        weight = MARK_SD**2 / (MARK_SD**2 + sd**2)
        period = math.exp(weight * math.log(max(length_s - lags, 0.2)) + (1.0 - weight) * math.log(marked))
        return min(max(period, 0.2), 3.0)

    def _prepared(self, sample: GestureSample) -> TempoEstimate | None:
        """What the preparatory beat tells before its ictus; None while there is none."""
        begun_s, announced_s = self._preparation.begun_s, self._preparation.announced_s
        if begun_s is None:
            return None
        marked = self._meter.marked_period_s[self._start]
        account = Hypothesis(self._start - 1, begun_s, begun_s, marked, (0.0, 0.0, 0.0))
        account.know(self._profile)
        next_s = begun_s + marked
        if announced_s is not None:
            account.period_s = self._prepared_period_s(account, announced_s - begun_s, True)
            next_s = announced_s - account.lag_s(self._meter, self._start)
        confidence = ANNOUNCED if announced_s is not None else 0.1
        return TempoEstimate(sample.known_s, self._start - 1, begun_s, account.period_s, next_s, confidence)

    def _weigh(self, ictus: Candidate, way: np.ndarray) -> None:
        """Split every hypothesis on the new ictus, and keep the likely ones."""
        born: list[tuple[Hypothesis, bool]] = []
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
                    if ahead:
                        weight += parent.log_marked(self._meter, ictus, ahead)
                    if ahead and ictus.rise is None:
                        weight += parent.log_depth(self._meter, ictus, ahead)
                    weight += parent.log_shape(self._meter, recent, ictus.time_s, ahead)
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

    def _choices(self, parent: Hypothesis, since_s: float) -> tuple[int, ...]:
        """How many beats on the ictus may be; after the last beat nothing is counted."""
        if parent.index >= self._last:
            return (0,)
        if since_s < max(SHORTEST_BEAT_S, 0.12 * parent.period_s):
            return (0,)
        if parent.ictus_s < self._gap_until_s:
            passed = max(1, round(since_s / parent.period_s))
            return tuple(sorted({0, 1, max(1, passed - 1), passed, passed + 1}))
        return (0, 1, 2) if since_s > 1.4 * parent.period_s else (0, 1)

    # -- between icti --------------------------------------------------------------------------------------

    def _start_posterior(self, best: Hypothesis) -> None:
        first = best.template(self._meter, best.index + 1)
        self._posterior = None
        self._fallen_s = None
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

    def _end_of_fall_s(self, best: Hypothesis, sample: GestureSample) -> float:
        """Earliest time of an overdue ictus. Once the hand has fallen all the way, that moment stays."""
        remaining = self._still_to_fall_s(best, sample)
        if remaining is None:
            remaining = UNDECIDED * best.period_s + max(0.0, best.lag_s(self._meter, best.index + 1))
            self._fallen_s = None
        elif self._fallen_s is None and 0.0 < remaining < FALLEN_S:
            self._fallen_s = sample.time_s + remaining
        return sample.time_s + remaining if self._fallen_s is None else self._fallen_s

    def _still_to_fall_s(self, best: Hypothesis, sample: GestureSample) -> float | None:
        """What is left, in seconds, of the usual fall from where the hand is; None while it is up and does not fall."""
        start = before = None
        for time_s, _, y, _ in reversed(self._way):
            if before is None and time_s <= sample.time_s - FALL_SEEN_S:
                before = (time_s, y)
            if time_s <= best.ictus_s:
                start = y
                break
        if start is None or before is None:
            return None
        height = sample.position_m[1]
        speed = (before[1] - height) / (sample.time_s - before[0])
        if speed < 0.5 * best.stroke_m / best.period_s:
            return None if height - start > 0.25 * best.stroke_m else 0.0
        template = best.template(self._meter, best.index + 1)
        if template is None or template.timed is None:
            return min(UNDECIDED * best.period_s, max(0.0, (height - start) / speed))
        usual = template.timed[1] - template.timed[1, 0]
        top = int(np.argmax(usual))
        fall = np.minimum.accumulate(usual[top:])
        phase = float(np.interp(start - height, -fall, np.linspace(top / TEMPLATE_BINS, 1.0, len(fall))))
        return (1.0 - phase) * best.period_s

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
        ictus = max(ictus, now_s - late_at_most)
        if now_s > expected + lag + OVERDUE * best.period_s:
            ictus = max(ictus, self._end_of_fall_s(best, sample))
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
