"""The benchmark of conducting judges rightly: its baselines play, its counts see what went wrong."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tutti.engine.score import FERMATA_DTYPE

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks_importable(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])


MUSIC_S = 3.0 + np.cumsum(np.full(80, 0.7))


def test_perfect_and_late_playing_are_told_apart():
    from _conducting_measures import judge

    assert judge(MUSIC_S, MUSIC_S, 32, 0.0) == (1.0, 1.0, 1.0)
    f, raw_f, _ = judge(MUSIC_S, MUSIC_S + 0.1, 32, 0.1)
    assert f == pytest.approx(1.0) and raw_f == 0.0
    assert judge(MUSIC_S, MUSIC_S[:1], 32, 0.0) == (0.0, 0.0, 0.0)


def test_a_beat_lost_for_a_while_is_seen_even_if_it_is_put_right():
    from _conducting_measures import _miscounted

    played = MUSIC_S.copy()
    assert _miscounted(played, MUSIC_S) == 0
    played[30:40] += 0.7
    assert _miscounted(played, MUSIC_S) == 10
    played[:] = MUSIC_S
    played[30:32] += 0.7
    assert _miscounted(played, MUSIC_S) == 0
    played[60:] = np.nan
    assert _miscounted(played, MUSIC_S) == 20, "an orchestra that stops counting has lost the rest"


def test_the_loop_plays_with_even_icti_and_coasts_over_a_missing_one():
    from _conducting_baselines import PhaseLockedLoop
    from _conducting_measures import judge

    icti = np.delete(MUSIC_S, 40)
    played = PhaseLockedLoop().follow(icti, icti + 0.05, 0.75)
    assert len(played) == 80
    assert judge(MUSIC_S, played, 32, 0.0)[0] > 0.95


def test_minima_of_a_textbook_take_are_its_beats():
    from _conducting_baselines import Minima
    from _conducting_takes import conductor, curves

    from tutti.engine.conducting.virtual_conductor import conduct, intended

    piece, by = curves()["in 4, rubato"], conductor("plain", "in 4, rubato")
    take = conduct(piece.score, piece.timings, seed=by.seed, style=by.style, tracking=by.tracking)
    _, icti_s = intended(piece.score, piece.timings, seed=by.seed, style=by.style)
    lowest, known = Minima().find(take.of("baton"))
    assert np.all(known >= lowest)
    nearest = np.abs(lowest[None] - icti_s[:, None]).min(axis=1)
    assert np.mean(nearest < 0.06) > 0.95


def test_tempo_is_judged_over_four_beats_as_they_were_played():
    from _conducting_measures import _sounded, _tempo_errors

    played = 3.0 + 1.02 * (MUSIC_S - 3.0)
    assert _tempo_errors(played, MUSIC_S, 32) == pytest.approx(np.full(44, 0.02))
    played = MUSIC_S + 0.1
    played[50] = np.nan
    assert np.sort(_tempo_errors(played, MUSIC_S, 32))[-3:] == pytest.approx([0.0, 1.0, 1.0])
    sounded = _sounded(played, MUSIC_S, 32, 0.08)
    assert np.delete(sounded, 50 - 32) == pytest.approx(np.full(47, 0.02))
    assert sounded[50 - 32] == 10.0, "a beat that never sounds is no beat on time"


def test_a_gap_in_the_tracking_costs_no_count_though_something_was_read_in_it():
    from _conducting_situations import lost_tracking

    assert lost_tracking(2)["miscounts, tracking lost"] == [0.0]


def test_a_name_draws_one_conductor_and_another_for_each_piece():
    from _conducting_takes import conductor

    assert conductor("any 1", "a") == conductor("any 1", "a")
    assert conductor("any 1", "a") != conductor("any 1", "b") != conductor("any 2", "b")


def test_targets_are_judged_by_their_bound():
    from _conducting_targets import judged

    figures = {target.figure: (target, value) for target, value in judged({"f": [0.95, 0.7], "cost": [0.0005]})}
    mean, worst = figures["F at ±70 ms after the first bars' lag, mean"], figures["F, the worst take"]
    assert not mean[0].met(mean[1]) and not worst[0].met(worst[1])
    cost = figures["cost of a step, median"]
    assert cost[0].met(cost[1])
    assert figures["CMLt, mean"][1] is None


def test_under_a_fermata_nothing_sounds_before_the_hand_gives_it():
    """A hand that stops at the top of its stroke looks until then as if it went on; where no fermata is marked the
    orchestra, which plays before the ictus as it is seen, may be ahead by then."""
    from _conducting_measures import follow
    from _conducting_situations import _conducted, _counted_between, _steady
    from _conducting_takes import conductor, piece_of

    _, period = _steady(21, 48)
    piece = piece_of("steady", (1.0,) * 2, np.where(np.arange(48) == 23, 10.0, period))
    take, _, icti_s = _conducted(piece, conductor("rebounds", "fermata 21"), hold="still")
    fermata = np.array([(23.0, 24.0)], FERMATA_DTYPE)
    marked = replace(piece, score=replace(piece.score, fermatas=fermata))
    assert _counted_between(follow(marked, take, 48), icti_s, 23, period) == 0.0
