"""Accounts of a conductor's beats: what speaks for one that waits, and against it."""

from dataclasses import replace

import numpy as np
import pytest
from support import make_score

from tutti.engine.conducting.accounts import OVERDUE_PERIODS, Accounts
from tutti.engine.conducting.beat_hypotheses import Candidate, Hypothesis
from tutti.engine.conducting.gesture_features import FRAME_S
from tutti.engine.conducting.gesture_reader import UNTIL_MIDDLES_S, Reading
from tutti.engine.conducting.meter_map import MeterMap
from tutti.engine.conducting.profile import ConductorProfile
from tutti.engine.conducting.reading_trust import ReadingTrust
from tutti.engine.conducting.readings import Readings
from tutti.engine.score import FERMATA_DTYPE

PERIOD_S = 0.6
METER = MeterMap.of(make_score([], measures=8, beats_in_measure=4, quarter_bpm=100.0))


def readings(*spans: tuple[float, float, float]) -> Readings:
    """Nothing read but how far the hand beats: (from, to, probability) in seconds."""
    read = Readings(PERIOD_S, 4)
    nothing = np.full(len(UNTIL_MIDDLES_S), 1.0 / len(UNTIL_MIDDLES_S), np.float32)
    for begin_s, end_s, beating in spans:
        for time_s in np.arange(begin_s, end_s, FRAME_S).tolist():
            read._kept.append(Reading(time_s, 0.01, nothing, np.full(8, 0.125, np.float32), beating, 4))
    return read


def test_how_long_the_hand_has_been_beating_is_known():
    read = readings((0.0, 1.0, 0.99), (1.0, 1.5, 0.3), (1.5, 3.0, 0.99))
    assert read.beats_for_s(2.99) == pytest.approx(1.48, abs=0.03)
    assert read.beats_for_s(1.2) == 0.0
    assert read.beating_s(0.5, 2.5) == pytest.approx(1.5 * 0.14 / 0.15, abs=0.05)
    assert read.beating_s(1.1, 1.4) == 0.0


def account(index: int, ictus_s: float, log_weight: float) -> Hypothesis:
    made = Hypothesis(index, ictus_s, ictus_s, PERIOD_S, (0.001, 0.0, 0.002), entered=-4)
    made.icti, made.strokes.usual_m, made.log_weight = {index: ictus_s}, 0.3, log_weight
    return made


@pytest.mark.parametrize(("beating", "counted"), [(0.99, 2), (0.5, 0)], ids=["beats on", "holds"])
def test_an_account_whose_beat_is_overdue_gives_way_while_the_hand_beats_on(beating, counted):
    known = Accounts(METER, ConductorProfile())
    known._all = [account(0, 3.0, 0.0), account(2, 4.2, -4.8)]
    due_s = known.best.expected_ictus_s(METER) + OVERDUE_PERIODS * PERIOD_S
    read = readings((3.0, due_s + 1.5 * PERIOD_S, beating))
    way = np.array([[3.0 + 0.01 * n, 0.0, 1.0, 0.0] for n in range(300)])
    waited = known._waited(known.best, due_s + PERIOD_S, read)
    assert waited == pytest.approx(0.93 if beating > 0.9 else 0.0, abs=0.05)
    top = Candidate(due_s + PERIOD_S, 0.02, rise=1.0, seen=False)
    known.weigh(top, 0.01, read, ReadingTrust(), way)
    assert known.best.index == counted
    assert known._waited(account(0, 3.0, 0.0), top.time_s, read) == 0.0, "what was charged is not charged again"


def test_a_short_gap_hides_a_beat_though_the_hand_held_before():
    """Two beats were held; the second ended while the hand was not tracked, and the next is seen."""
    known = Accounts(METER, ConductorProfile())
    held = account(0, 3.0, 0.0)
    known._all = [held]
    known.lose_sight(3.0 + 3.4 * PERIOD_S, 0.9 * PERIOD_S)
    assert known._choices(held, 4.0 * PERIOD_S) == (0, 1, 2)
    known.lose_sight(3.0 + 4.4 * PERIOD_S, 4.0 * PERIOD_S)
    assert known._choices(held, 5.0 * PERIOD_S) == (0, 1, 4, 5), "in a long one most beats are given"


def test_a_turn_known_late_takes_back_no_beats_counted_since():
    known = Accounts(METER, ConductorProfile())
    known._all = [account(5, 8.6, 0.0), account(4, 7.9, -0.7), account(0, 6.55, -1.0)]
    way = np.array([[5.0 + 0.01 * n, 0.0, 1.0, 0.0] for n in range(460)])
    read = readings((5.0, 9.6, 0.99))
    known.weigh(Candidate(7.15, 0.3, rise=0.1), 0.97, read, ReadingTrust(), way)
    assert known.best.index == 5
    assert {other.index for other in known._all} >= {4, 5}


@pytest.mark.parametrize(
    ("held", "stroke_m", "drawn", "ends"),
    [(True, 0.05, True, False), (True, 0.25, True, True), (False, 0.05, True, True), (True, 0.05, False, True)],
    ids=["stir", "stroke", "no fermata", "soft tap"],
)
def test_under_a_fermata_a_stir_of_the_hand_just_when_a_beat_would_be_due_is_none(held, stroke_m, drawn, ends):
    score = make_score([], measures=8, beats_in_measure=4, quarter_bpm=100.0)
    fermatas = np.array([(2.0, 3.0)] if held else [], FERMATA_DTYPE)
    known = Accounts(MeterMap.of(replace(score, fermatas=fermatas)), ConductorProfile())
    known._all = [account(2, 4.2, 0.0)]
    known.best.strokes.depths = {(4, 3): 0.0}
    known.best.drawn = drawn
    way = np.array([[3.0 + 0.01 * n, 0.0, 1.0, 0.0] for n in range(300)])
    stir = Candidate(known.best.expected_ictus_s(METER), stroke_m)
    known.weigh(stir, 0.6, readings((3.0, 5.5, 0.99)), ReadingTrust(), way)
    assert (known.best.index == 3) == ends
