"""Hands that move as one curve: no corners, the icti where they are meant, every stroke a little different."""

from dataclasses import replace

import numpy as np
import pytest
from conducting import timings
from support import make_score

from tutti.engine.conducting.beat_figures import SMOOTH_PROFILES, Style
from tutti.engine.conducting.imperfect_tracking import Tracking
from tutti.engine.conducting.virtual_conductor import conduct, intended

SCORE = make_score([], measures=8, beats_in_measure=4, quarter_bpm=80.0)
CLEAN = Tracking(rate_hz=200.0, noise_m=0.0, uneven=0.0)
STYLE = Style(lag=0.0, jitter_s=0.0, sway_m=0.0, bounce=0.8)


def hand(style: Style, periods_s: np.ndarray, seed: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times and places of the baton, and the times of the icti that were meant."""
    given = timings(SCORE, periods_s)
    poses = conduct(SCORE, given, seed=seed, style=style, tracking=CLEAN).of("baton")
    _, icti_s = intended(SCORE, given, seed=seed, style=style)
    return np.array([pose.time_s for pose in poses]), np.array([pose.position_m for pose in poses]), icti_s


def sharpest(times_s: np.ndarray, places_m: np.ndarray, icti_s: np.ndarray) -> float:
    """The largest change of velocity from one sample to the next while the hand beats (m/s)."""
    beats = (times_s > icti_s[0]) & (times_s < icti_s[-1])
    velocity = np.diff(places_m[beats], axis=0) / np.diff(times_s[beats])[:, None]
    return float(np.linalg.norm(np.diff(velocity, axis=0), axis=1).max())


@pytest.mark.parametrize("profile", SMOOTH_PROFILES)
def test_a_smooth_hand_has_no_corner_where_planned_strokes_meet_in_one(profile):
    periods_s = np.full(24, 0.7)
    assert sharpest(*hand(replace(STYLE, profile=profile), periods_s)) < 0.4 * sharpest(*hand(STYLE, periods_s))


@pytest.mark.parametrize("profile", SMOOTH_PROFILES)
@pytest.mark.parametrize("seed", range(4))
def test_the_hand_is_low_about_its_icti(profile, seed):
    times_s, places_m, icti_s = hand(replace(STYLE, profile=profile), np.full(24, 0.7), seed)
    height_m = places_m[:, 1]
    lows = 1 + np.flatnonzero((height_m[1:-1] < height_m[:-2]) & (height_m[1:-1] <= height_m[2:]))
    off_s = np.abs(times_s[lows][None] - icti_s[1:-1, None]).min(axis=1)
    assert np.median(off_s) < 0.08


def test_strokes_differ_and_bars_are_alike():
    times_s, places_m, icti_s = hand(replace(STYLE, profile="spline"), np.full(32, 0.7))

    def stroke(index: int) -> np.ndarray:
        grid = np.linspace(icti_s[index], icti_s[index + 1], 20)
        return np.stack([np.interp(grid, times_s, axis) for axis in places_m.T])

    def apart(first: int, second: int) -> float:
        return float(np.abs(stroke(first) - stroke(second)).mean())

    again = np.mean([apart(beat, beat + 4) for beat in range(4, 24)])
    others = np.mean([apart(beat, beat + 1) for beat in range(4, 24)])
    assert 0.001 < again < 0.5 * others


@pytest.mark.parametrize("profile", SMOOTH_PROFILES)
def test_a_held_beat_stands(profile):
    periods_s = np.full(24, 0.7)
    periods_s[11] = 4.0
    times_s, places_m, icti_s = hand(replace(STYLE, profile=profile), periods_s)
    held = (times_s > icti_s[11] + 1.2) & (times_s < icti_s[12] - 1.2)
    assert np.ptp(places_m[held], axis=0).max() < 0.02
