"""What is remembered of a conductor, and the dial of how the orchestra follows."""

import json

import numpy as np
import pytest
from conducting import timings
from support import make_score

from tutti.engine.conducting.beat_figures import Style
from tutti.engine.conducting.follow_style import FollowStyle
from tutti.engine.conducting.ictus import IctusDetector
from tutti.engine.conducting.profile import BeatLag, ConductorProfile
from tutti.engine.conducting.tempo import TempoTracker
from tutti.engine.conducting.virtual_conductor import conduct
from tutti.engine.errors import ProfileError
from tutti.engine.performance import Performance

PROFILE = ConductorProfile({(4, 1): BeatLag(0.12, 0.02, 8.0), (4, 4): BeatLag(-0.1, 0.03, 7.0)}, 0.31)


def test_a_profile_survives_json():
    assert ConductorProfile.from_dict(json.loads(json.dumps(PROFILE.to_dict()))) == PROFILE
    assert ConductorProfile.from_dict(ConductorProfile().to_dict()) == ConductorProfile()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"version": 99}, "version"),
        ({"stroke_m": "big"}, "stroke_m"),
        ({"stroke_m": float("nan")}, "stroke_m"),
        ({"lags": {}}, "lags"),
        ({"lags": [3]}, "lag 1"),
        ({"lags": [{"beats_in_measure": 4, "beat": 5, "mean": 0, "sd": 0, "bars": 1}]}, "beat"),
        ({"lags": [{"beats_in_measure": 4, "beat": 1, "mean": 9.0, "sd": 0, "bars": 1}]}, "mean"),
        ({"lags": [{"beats_in_measure": 4, "beat": 1, "mean": 0.1, "sd": 0}]}, "bars"),
    ],
)
def test_a_broken_profile_is_named(change, named):
    with pytest.raises(ProfileError, match=named):
        ConductorProfile.from_dict({**PROFILE.to_dict(), **change})


@pytest.mark.parametrize("values", [None, 3, [], "x"])
def test_what_is_no_profile_is_refused(values):
    with pytest.raises(ProfileError, match="profile"):
        ConductorProfile.from_dict(values)


def test_the_dial_has_names_and_ends():
    assert FollowStyle.parse("Strict").forgiveness == 0.0
    assert FollowStyle.parse("forgiving").forgiveness == 1.0
    assert FollowStyle.parse("0.25") == FollowStyle(0.25)
    for wrong in ("wild", "2", "-0.1", "nan"):
        with pytest.raises(ProfileError, match="follow"):
            FollowStyle.parse(wrong)


MEASURED = (0.30, 0.145, 0.14, 0.025)
UNUSUAL = (0.03, 0.16, 0.05, 0.19)


def conducted_bars(bars, profile=None, lags_s=MEASURED):
    """The tracker after so many bars in four of a person with these lags, and its mean beat error."""
    score = make_score([], measures=24, beats_in_measure=4, quarter_bpm=80.0)
    style = Style(lag=1.0, lag_pattern=lags_s, jitter_s=0.008)
    given = timings(score, np.full(4 * bars, 0.75))
    take = conduct(score, given, seed=4, style=style)
    truth = given[1] + float(take.metadata["offset_s"])
    ictus, tracker = IctusDetector(), TempoTracker(score, 0, profile)
    errors = {}
    for pose in take.of("baton"):
        estimate = tracker.step(pose, ictus.step(pose, tracker.estimate))
        if estimate is not None and 0 <= estimate.beat_index < len(truth):
            errors[estimate.beat_index] = abs(estimate.beat_s - truth[estimate.beat_index])
    assert sorted(errors) == list(range(len(truth)))
    return tracker, np.array([errors[index] for index in sorted(errors)])


def test_lags_of_the_beats_are_learned_within_eight_bars():
    tracker, errors = conducted_bars(10)
    lags = tracker.learned_profile().lags
    relative = np.array(MEASURED) - np.mean(MEASURED)
    assert [lags[4, beat].mean for beat in (1, 2, 3, 4)] == pytest.approx(relative, abs=0.04)
    assert errors[32:].mean() < 0.03
    assert tracker.learned_profile().stroke_m == pytest.approx(0.25, abs=0.12)


def test_a_known_conductor_is_understood_from_the_first_bar():
    profile = conducted_bars(10, lags_s=UNUSUAL)[0].learned_profile()
    known = ConductorProfile.from_dict(json.loads(json.dumps(profile.to_dict())))
    errors, strange = conducted_bars(4, known, UNUSUAL)[1], conducted_bars(4, None, UNUSUAL)[1]
    assert errors.mean() < 0.75 * strange.mean()


def test_a_performance_keeps_what_it_learned_over_a_jump():
    performance = Performance(make_score([], measures=8), profile=PROFILE, style=FollowStyle(0.0))
    assert performance.learned_profile() == PROFILE
    performance.jump(4)
    assert performance.learned_profile() == PROFILE
