"""What is remembered of a conductor, and the dial of how the orchestra follows."""

import json

import pytest

from tutti.engine.conducting.follow_style import FollowStyle
from tutti.engine.conducting.profile import BeatLag, ConductorProfile
from tutti.engine.errors import ProfileError

PROFILE = ConductorProfile({(4, 1): BeatLag(0.12, 0.02, 8.0), (4, 4): BeatLag(-0.1, 0.03, 7.0)}, 0.31, True)


def test_a_profile_survives_json():
    assert ConductorProfile.from_dict(json.loads(json.dumps(PROFILE.to_dict()))) == PROFILE
    assert ConductorProfile.from_dict(ConductorProfile().to_dict()) == ConductorProfile()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"version": 99}, "version"),
        ({"stroke_m": "big"}, "stroke_m"),
        ({"stroke_m": float("nan")}, "stroke_m"),
        ({"mirror": 1}, "mirror"),
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
        with pytest.raises(ProfileError, match="style"):
            FollowStyle.parse(wrong)
