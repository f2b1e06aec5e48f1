"""Conductors drawn at random are repeatable, varied, and mean what they say; fidgets stay where they belong."""

from dataclasses import replace

import numpy as np
import pytest
from conducting import timings
from support import make_score

from tutti.engine.conducting.beat_figures import SMOOTH_PROFILES, Style, departures_deg, figure
from tutti.engine.conducting.imperfect_tracking import Tracking, random_tracking
from tutti.engine.conducting.mannerisms import LARGEST_M, SMALLEST_M, fidgets, random_style, smooth_style
from tutti.engine.conducting.random_motion import coloured_noise
from tutti.engine.conducting.virtual_conductor import conduct, intended

SCORE = make_score([], measures=12)
EVEN = timings(SCORE, np.full(48, 0.8))
CLEAR = Style(jitter_s=0.0, variation=0.0, sway_m=0.0)
FINE = Tracking(rate_hz=120.0, noise_m=0.0, uneven=0.0)


def way(style, score=SCORE, beats=EVEN, tracking=FINE, **more):
    """Times and places of the baton."""
    baton = conduct(score, beats, style=style, tracking=tracking, **more).of("baton")
    return np.array([pose.time_s for pose in baton]), np.array([pose.position_m for pose in baton])


def near(times, places, at_s, width_s):
    return places[(times > at_s - width_s) & (times < at_s + width_s)]


def test_the_same_seed_draws_the_same_conductor_and_device():
    for seed in range(5):
        assert random_style(np.random.default_rng(seed)) == random_style(np.random.default_rng(seed))
        assert random_tracking(np.random.default_rng(seed)) == random_tracking(np.random.default_rng(seed))


def test_conductors_differ_in_everything():
    styles = [random_style(np.random.default_rng(seed)) for seed in range(300)]
    assert {style.manner for style in styles} == {"standard", "focal", "sideways", "horizontal", "upward"}
    assert {style.profile for style in styles} == {"swing", "minimum_jerk", "power_law"}
    sizes = np.array([style.size_m for style in styles])
    assert sizes.min() < 0.07 and sizes.max() > 0.6
    assert np.all((sizes >= SMALLEST_M) & (sizes <= LARGEST_M))
    assert 0.1 < np.mean([style.mirror for style in styles]) < 0.4
    assert len({style.lag_pattern for style in styles}) > 150
    rates = {random_tracking(np.random.default_rng(seed)).rate_hz for seed in range(100)}
    assert {15.0, 30.0, 60.0, 120.0} <= rates


@pytest.mark.parametrize("seed", range(12))
def test_whoever_conducts_the_take_is_whole_and_moves_like_a_hand(seed):
    meter = (1, 2, 3, 4, 5, 6, 7)[seed % 7]
    score = make_score([], measures=6, beats_in_measure=meter)
    periods = np.full(6 * meter, 0.7)
    periods[meter] = 4.0
    style = replace(random_style(np.random.default_rng(seed)), hold=("still", "slow", "low")[seed % 3])
    times, places = way(style, score, timings(score, periods), seed=seed)
    assert np.all(np.diff(times) > 0) and np.isfinite(places).all()
    speed = np.linalg.norm(np.diff(places, axis=0), axis=1) / np.diff(times)
    assert speed.max() < 25.0
    assert np.ptp(places, axis=0).max() < 3.0


@pytest.mark.parametrize("profile", ["swing", "minimum_jerk", "power_law"])
def test_the_intended_icti_are_where_the_hand_turns(profile):
    style = replace(CLEAR, profile=profile, lag_pattern=(0.3, 0.1, 0.2, 0.0), lag=1.0)
    times, places = way(style)
    music_s, icti_s = intended(SCORE, EVEN, style=style)
    assert (icti_s - music_s).reshape(-1, 4)[1] == pytest.approx([0.24, 0.08, 0.16, 0.0], abs=1e-6)
    for ictus in icti_s[5:40]:
        here = near(times, places, ictus, 0.2)
        assert times[np.argmin(np.abs(times - ictus))] == pytest.approx(
            near(times, times, ictus, 0.2)[np.argmin(here[:, 1])], abs=0.03
        )


def test_round_and_sideways_figures_have_no_lowest_point_at_the_ictus():
    """What makes a detector of minima fail is in the set: the lowest point is far from the ictus."""
    for style in (
        replace(CLEAR, manner="horizontal", size_m=0.3),
        replace(CLEAR, bounce=0.0, roundness=1.0, slant_deg=40.0),
        replace(CLEAR, manner="upward"),
    ):
        times, places = way(style)
        _, icti_s = intended(SCORE, EVEN, style=style)
        off = []
        for ictus in icti_s[8:40]:
            inside = np.abs(times - ictus) < 0.3
            off.append(abs(times[inside][np.argmin(places[inside, 1])] - ictus))
        assert np.median(off) > 0.08


def test_a_focal_point_is_one_place_for_all_icti():
    _, icti_s = intended(SCORE, EVEN, style=CLEAR)
    spreads = {}
    for manner in ("standard", "focal"):
        times, places = way(replace(CLEAR, manner=manner))
        at = np.array([places[np.argmin(np.abs(times - ictus))] for ictus in icti_s[4:40]])
        spreads[manner] = np.ptp(at[:, 0])
    assert spreads["focal"] < 0.2 * spreads["standard"]


def test_a_false_rebound_can_be_as_deep_as_the_ictus():
    style = replace(CLEAR, double_bounce=0.85, rebound_phase=0.3)
    times, places = way(style)
    _, icti_s = intended(SCORE, EVEN, style=style)
    ictus = icti_s[9]
    at_ictus = near(times, places, ictus, 0.05)[:, 1].min()
    rebound = near(times, places, ictus + 0.3 * 0.8, 0.06)[:, 1].min()
    between = near(times, places, ictus + 0.13, 0.05)[:, 1].max()
    assert rebound < at_ictus + 0.2 * (between - at_ictus)


def test_subdivided_beats_have_a_stroke_more_and_fast_music_is_not_subdivided():
    def lows(period_s):
        style = replace(CLEAR, subdivision=2, subdivided=1.0)
        times, places = way(style, SCORE, timings(SCORE, np.full(48, period_s)))
        _, icti_s = intended(SCORE, timings(SCORE, np.full(48, period_s)), style=style)
        y = places[(times > icti_s[8]) & (times < icti_s[40]), 1]
        return np.sum((y[1:-1] < y[:-2]) & (y[1:-1] <= y[2:]))

    assert lows(1.2) == pytest.approx(64, abs=3)
    assert lows(0.5) == pytest.approx(32, abs=3)


def test_asymmetric_bars_are_grouped_as_asked():
    assert np.sign(figure(5, (2, 3))[:, 0]).tolist() == [0, -1, 1, 1, 1]
    assert np.sign(figure(5, (3, 2))[:, 0]).tolist() == [0, -1, -1, 1, 1]
    assert figure(7, (2, 2, 3)).shape == (7, 2)
    assert np.array_equal(figure(4, (2, 3)), figure(4))
    assert departures_deg(figure(4), "horizontal").tolist() == [0.0, 180.0, 0.0, 180.0]


def test_the_lag_drifts_over_minutes_and_keeps_its_pattern():
    score = make_score([], measures=100)
    beats = timings(score, np.full(400, 0.75))
    music_s, icti_s = intended(score, beats, style=replace(CLEAR, lag_drift_s=0.04))
    lag = (icti_s - music_s).reshape(-1, 4)
    assert 0.05 < np.ptp(lag[:, 0]) < 0.09
    assert np.abs(np.diff(lag[:, 0])).max() < 0.02
    assert np.std(lag[:, 0] - lag[:, 3]) < 0.01


def test_early_and_late_beats_are_rare_and_plain():
    music_s, icti_s = intended(SCORE, EVEN, style=replace(CLEAR, stray=0.2, lag=0.0), seed=4)
    off = np.abs(icti_s - music_s)
    assert 3 <= np.sum(off > 0.039) <= 18
    assert off.max() <= 0.121


def test_noise_has_the_colour_asked_for():
    random = np.random.default_rng(1)
    for exponent in (0.0, 1.0):
        noise = coloured_noise(4096, exponent, random)
        assert noise.std() == pytest.approx(1.0)
        power = np.abs(np.fft.rfft(noise)) ** 2
        slope = np.polyfit(np.log(np.arange(1, 2000)), np.log(power[1:2000]), 1)[0]
        assert slope == pytest.approx(-exponent, abs=0.15)


def test_tracking_flaws_show_in_the_take():
    flaws = Tracking(rate_hz=60.0, noise_m=0.0, quantum_m=0.01, losses_hz=0.2, loss_s=0.5, latency_s=0.1, repeats=0.2)
    clean = conduct(SCORE, EVEN, style=CLEAR, tracking=Tracking(noise_m=0.0)).of("baton")
    poor = conduct(SCORE, EVEN, style=CLEAR, tracking=flaws).of("baton")
    assert poor[0].time_s == pytest.approx(clean[0].time_s + 0.1, abs=0.02)
    places = np.array([pose.position_m for pose in poor])
    assert np.allclose(places, np.round(places / 0.01) * 0.01)
    assert np.mean(np.all(np.diff(places, axis=0) == 0.0, axis=1)) > 0.15
    lost = [pose for pose in poor if not pose.valid]
    assert lost or len(poor) < len(clean) - 20


def test_a_preamble_comes_before_the_conductor_stands_ready():
    times, places = way(CLEAR, preamble_s=20.0)
    music_s, icti_s = intended(SCORE, EVEN, style=CLEAR, preamble_s=20.0)
    ready = icti_s[0] - 2.5 * 0.8
    assert np.ptp(places[times < ready - 1.0], axis=0).max() > 0.15
    calm = (times > ready) & (times < icti_s[0] - 1.2 * 0.8)
    assert np.ptp(places[calm], axis=0).max() < 0.005
    assert music_s[0] - times[0] > 20.0


def test_fidgets_keep_to_their_span_and_do_not_jump():
    times = np.arange(0.0, 40.0, 0.01)
    for seed in range(6):
        moved = fidgets(times, (5.0, 35.0), np.random.default_rng(seed))
        assert not moved[(times < 5.0) | (times >= 35.0)].any()
        assert np.abs(moved).max() > 0.05
        assert np.linalg.norm(np.diff(moved, axis=0), axis=1).max() < 0.12


def test_a_hold_with_fidgets_moves_only_in_the_hold():
    periods = np.full(48, 0.8)
    periods[23] = 20.0
    beats = timings(SCORE, periods)
    times, still = way(replace(CLEAR, hold="still"), beats=beats)
    _, fidgety = way(replace(CLEAR, hold="fidget"), beats=beats)
    _, icti_s = intended(SCORE, beats, style=CLEAR)
    moved = np.abs(still - fidgety).max(axis=1) > 1e-9
    assert moved.any()
    assert times[moved].min() > icti_s[23] and times[moved].max() < icti_s[24] - 0.7


def test_long_beats_in_a_row_are_holds_not_slow_motion():
    periods = np.full(48, 0.8)
    periods[8:20] = 15.0
    beats = timings(SCORE, periods)
    times, places = way(CLEAR, beats=beats)
    _, icti_s = intended(SCORE, beats, style=CLEAR)
    waiting = (times > icti_s[14] + 2.0) & (times < icti_s[15] - 2.0)
    assert np.ptp(places[waiting], axis=0).max() < 0.005
    falling = (times > icti_s[15] - 1.4) & (times < icti_s[15])
    assert np.ptp(places[falling, 1]) > 0.1


def test_smooth_hands_are_the_same_person_and_never_leave_the_ictus_level():
    random = np.random.default_rng(3)
    drawn = [random_style(random) for _ in range(60)]
    smooth = [smooth_style(style, random) for style in drawn]
    assert {style.profile for style in smooth} == set(SMOOTH_PROFILES)
    assert "horizontal" in {style.manner for style in drawn} and "horizontal" not in {style.manner for style in smooth}
    assert [style.lag_pattern for style in smooth] == [style.lag_pattern for style in drawn]
    assert smooth_style(drawn[0], random, "spline").profile == "spline"
