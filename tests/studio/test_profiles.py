"""Profiles on disk, and what they hold."""

import json
import logging
import math

import pytest

from tutti.engine.conducting.follow_style import FollowStyle
from tutti.engine.conducting.profile import BeatLag, ConductorProfile
from tutti.engine.errors import ProfileError
from tutti.studio import profiles
from tutti.studio.inputs.calibration import RangeLearner, SpaceMap
from tutti.studio.profiles import PersonProfile

PERSON = PersonProfile(
    ConductorProfile({(4, 1): BeatLag(0.25, 0.04, 12.0)}, 0.3),
    FollowStyle(0.75),
    "left",
    {"osc": SpaceMap(0.01, (1.0, 2.0, 3.0), (0.0, 1.2, -0.4), "z")},
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(profiles, "profiles_folder", lambda: tmp_path)
    return tmp_path


def test_a_profile_survives_writing_and_reading(folder):
    path = profiles.save_profile("Anna Lee", PERSON)
    assert profiles.read_profile("Anna Lee") == PERSON == profiles.read_profile(path)
    assert profiles.list_profiles() == ["Anna Lee"]
    profiles.save_profile("Anna Lee", PersonProfile())
    assert profiles.open_profile("Anna Lee") == PersonProfile()
    assert [entry.name for entry in folder.iterdir()] == ["Anna Lee.json"], "no part of a file is left"
    profiles.remove_profile("Anna Lee")
    assert profiles.list_profiles() == []
    with pytest.raises(ProfileError, match="there is none yet"):
        profiles.remove_profile("Anna Lee")


def test_someone_new_starts_anew_and_is_missed_by_name():
    assert profiles.open_profile("new") == PersonProfile()
    profiles.save_profile("anna", PERSON)
    with pytest.raises(ProfileError, match="no profile 'bert'; there is anna"):
        profiles.read_profile("bert")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 9}', "[" * 5000, '{"version": 1, "hand": "both"}'])
def test_a_broken_file_is_kept_aside_with_one_warning(folder, caplog, text):
    path = folder / "anna.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError, match=r"anna\.json"):
        profiles.read_profile("anna")
    with caplog.at_level(logging.WARNING):
        assert profiles.open_profile("anna") == PersonProfile()
    assert len(caplog.records) == 1 and "\n" not in caplog.records[0].getMessage()
    assert (folder / "anna.broken").read_text(encoding="utf-8") == text and not path.exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"follow": 2.0}, "follow: 2;"),
        ({"follow": True}, "follow"),
        ({"spaces": []}, "spaces"),
        ({"spaces": {"osc": {}}}, "calibration"),
        ({"spaces": {"osc": {"up": "y", "scale": -1, "centre": [0, 0, 0], "target_m": [0, 0, 0]}}}, "scale"),
        ({"spaces": {"osc": {"up": "y", "scale": 1, "centre": [0, 0], "target_m": [0, 0, 0]}}}, "centre"),
        ({"conductor": None}, "profile"),
    ],
)
def test_wrong_values_are_named(change, says):
    with pytest.raises(ProfileError, match=says):
        PersonProfile.from_dict(json.loads(json.dumps(PERSON.to_dict() | change)))


def test_how_they_are_followed_is_read_by_its_old_name_too():
    old = {("style" if name == "follow" else name): value for name, value in PERSON.to_dict().items()}
    assert "style" in old and PersonProfile.from_dict(old) == PERSON


@pytest.mark.parametrize("name", ["", "../anna", "a/b", ".hidden", "x" * 60, "a\n", "dot."])
def test_names_that_are_no_files_are_refused(name):
    with pytest.raises(ProfileError, match="use letters"):
        profiles.profile_path(name)


def test_a_folder_that_cannot_be_written_says_so(monkeypatch, tmp_path):
    (tmp_path / "none").touch()
    monkeypatch.setattr(profiles, "profiles_folder", lambda: tmp_path / "none")
    with pytest.raises(ProfileError, match="cannot be written"):
        profiles.save_profile("anna", PERSON)


def learn(place, flat=False, seconds=6.0):
    learner = RangeLearner()
    for n in range(int(60 * seconds)):
        space = learner.add(n / 60, place(n / 60), flat)
        if space is not None:
            return space
    return None


def wave(size, turns_s, middle=0.0):
    return lambda now_s: middle + 0.5 * size * math.sin(2 * math.pi * now_s / turns_s)


def moving(across, up, depth):
    return lambda now_s: (across(now_s), up(now_s), depth(now_s))


def test_metres_are_left_as_they_are():
    space = learn(moving(wave(0.4, 2.0), wave(0.5, 1.0, 1.1), wave(0.05, 3.0, -0.4)))
    assert space == SpaceMap()


def test_other_units_become_an_arms_reach_before_the_chest():
    space = learn(moving(wave(40, 2.0, 500), wave(300, 1.0, 900), wave(5, 3.0)))
    assert space is not None and space.scale == pytest.approx(0.002, rel=0.05)
    assert space.place((500.0, 900.0, 0.0)) == pytest.approx((0.05, 1.15, -0.45), abs=0.02)


def test_a_sender_whose_third_axis_is_up():
    space = learn(moving(wave(0.4, 2.0), wave(0.05, 3.0, 0.4), wave(0.5, 1.0, 1.1)))
    assert space is not None and space.up == "z"
    assert space.place((0.1, 0.4, 1.2)) == pytest.approx((0.1, 1.2, -0.4))
    assert space.orient((0.5, 0.1, 0.2, 0.3)) == (0.5, 0.1, 0.3, -0.2)


def test_a_pad_is_stretched_though_it_could_be_metres():
    space = learn(moving(wave(0.6, 2.0, 0.5), wave(1.0, 1.0, 0.5), lambda now_s: 0.0), flat=True)
    assert space is not None and space.scale == pytest.approx(0.6, rel=0.05) and space.up == "y"


def test_stillness_teaches_nothing():
    assert learn(lambda now_s: (0.1, 1.0, 0.0)) is None
    assert learn(lambda now_s: (math.nan, now_s, 1e300)) is None
