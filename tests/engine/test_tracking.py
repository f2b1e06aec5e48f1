import math
import threading

import pytest

from tutti.engine.conducting.tracking import PointerSource, Take, TakeSource, parse_take, read_take, write_take
from tutti.engine.errors import TakeError
from tutti.engine.types import Pose

HEADER = "time_s,device,x_m,y_m,z_m,qw,qx,qy,qz,valid\n"


def test_a_take_survives_writing_and_reading(tmp_path):
    poses = (
        Pose(0.0, "baton", (0.1, 1.2, -0.4), (1.0, 0.0, 0.0, 0.0)),
        Pose(0.0167, "left", (-0.1, 1.0, -0.3)),
        Pose(0.04, "head", (0.0, 1.6, 0.0), (0.7071, 0.7071, 0.0, 0.0)),
        Pose(0.05, "baton", (0.1, 1.1, -0.4), None, False),
    )
    take = Take(poses, {"meter": "4", "score": "Test: a piece"})
    write_take(tmp_path / "take.csv", take)
    again = read_take(tmp_path / "take.csv")
    assert again.metadata == take.metadata
    assert [pose.device for pose in again.poses] == ["baton", "left", "head", "baton"]
    assert [pose.valid for pose in again.poses] == [True, True, True, False]
    for old, new in zip(poses, again.poses, strict=True):
        assert new.time_s == pytest.approx(old.time_s, abs=1e-4)
        assert new.position_m == pytest.approx(old.position_m, abs=1e-4)
        assert (new.orientation_wxyz is None) == (old.orientation_wxyz is None)


def test_missing_and_infinite_positions_are_lost_tracking():
    take = parse_take(
        HEADER + "0,baton,0,1,0,,,,,1\n0.1,baton,nan,1,0,,,,,1\n0.2,baton,,,,,,,,0\n0.3,baton,0,inf,0,,,,,\n"
    )
    assert [pose.valid for pose in take.poses] == [True, False, False, False]
    assert all(math.isfinite(sum(pose.position_m)) for pose in take.poses)


def test_quaternions_become_unit_or_none():
    take = parse_take(HEADER + "0,baton,0,1,0,2,0,0,0,1\n1,baton,0,1,0,0,0,0,0,1\n2,baton,0,1,0,1,,0,0,1\n")
    assert take.poses[0].orientation_wxyz == (1.0, 0.0, 0.0, 0.0)
    assert take.poses[1].orientation_wxyz is None
    assert take.poses[2].orientation_wxyz is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("# meter: 4\n", "empty"),
        ("time_s,device,x_m\n", "line 1: the header lacks y_m, z_m"),
        (HEADER + "0,baton,0,1,0,,,,,1\nx,baton,0,1,0,,,,,1\n", "line 3: time_s is 'x'"),
        (HEADER + "0,foot,0,1,0,,,,,1\n", "line 2: unknown device 'foot'"),
        (HEADER + "0,baton,0,one,0,,,,,1\n", "line 2: y_m is 'one'"),
        (HEADER + "0,baton,0,1,0,,,,,maybe\n", "line 2: valid is 'maybe'"),
        (HEADER + "nan,baton,0,1,0,,,,,1\n", "line 2: time_s"),
        (HEADER + "0,left,0,1,0,,,,,1\n", "no valid sample of the baton"),
    ],
)
def test_broken_takes_are_refused_with_the_line(text, says):
    with pytest.raises(TakeError, match="take") as caught:
        parse_take(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_takes(tmp_path):
    with pytest.raises(TakeError, match="cannot be read"):
        read_take(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\x00\xff\xfe\x81")
    with pytest.raises(TakeError, match="not a text file"):
        read_take(tmp_path / "binary.csv")


def test_a_source_gives_each_pose_once_and_drops_what_goes_back():
    poses = (
        Pose(1.0, "baton", (0, 1, 0)),
        Pose(1.2, "baton", (0, 2, 0)),
        Pose(1.1, "baton", (0, 3, 0)),
        Pose(1.1, "head", (0, 4, 0)),
    )
    source = TakeSource(Take(poses), start_s=10.0)
    assert source.poll(10.9) == []
    assert [pose.position_m[1] for pose in source.poll(11.15)] == [1, 4]
    assert not source.finished
    assert [(pose.time_s, pose.position_m[1]) for pose in source.poll(99.0)] == [(pytest.approx(11.2), 2)]
    assert source.finished


def test_the_pointer_moves_a_baton_before_the_chest():
    source = PointerSource()
    source.push(0.0, 0.0, 1.0)
    source.push(1.0, 1.0, 1.1)
    source.push(math.nan, 0.0, 1.2)
    source.push(0.0, 0.0, 1.05)
    source.push(5.0, -5.0, 1.3)
    early = source.poll(1.2)
    assert [pose.time_s for pose in early] == [1.0, 1.1]
    middle, corner = (pose.position_m for pose in early)
    assert corner[0] > middle[0] and corner[1] > middle[1] and corner[2] == middle[2]
    (clipped,) = source.poll(2.0)
    assert clipped.position_m[0] == corner[0]


def test_the_pointer_may_be_pushed_from_other_threads():
    source = PointerSource()
    threads = [
        threading.Thread(target=lambda part=part: [source.push(0, 0, part + 3 * n) for n in range(200)])
        for part in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stamps = [pose.time_s for pose in source.poll(1e9)]
    assert stamps == sorted(set(stamps))
    assert stamps[-1] == 2 + 3 * 199
