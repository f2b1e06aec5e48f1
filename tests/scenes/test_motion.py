import math
from dataclasses import replace

import numpy as np
import pytest

from tutti.engine.transforms import tracking_to_hall
from tutti.engine.types import Dynamics, Frame, PlayerPlacement, Pose, ScorePosition
from tutti.scenes.activity import ACTIVITY_DTYPE, tableau
from tutti.scenes.conductor import CONDUCTOR_POSITION_M, baton_axis, conduct, with_hands
from tutti.scenes.meshes import JOINTS, NO_OPTION, PlayerMesh
from tutti.scenes.motion import Motion
from tutti.scenes.rig import IDENTITY, POSE_INDEX, POSES, Rig, joint_matrices, root_matrices, turn

J = {name: index for index, name in enumerate(JOINTS)}


def make_rig(kind: str) -> Rig:
    """A skeleton of a seated player, with a pose of its own for each name: an arm up by a known angle."""
    joints = np.zeros((len(JOINTS), 3))
    joints[J["body"]], joints[J["head"]] = (0, 0, 0.5), (0, 0, 1.15)
    joints[J["arm_R"]], joints[J["fore_R"]] = (0.2, 0, 1.0), (0.3, 0.2, 0.8)
    joints[J["arm_L"]], joints[J["fore_L"]] = (-0.2, 0, 1.0), (-0.3, 0.2, 0.8)
    parents = np.zeros(len(JOINTS), int)
    for child, parent in {
        "head": "body",
        "arm_R": "body",
        "arm_L": "body",
        "fore_R": "arm_R",
        "fore_L": "arm_L",
    }.items():
        parents[J[child]] = J[parent]
    parents[J["hold_R"]] = J["fore_R"]
    joints[J["hold_R"]] = (0.3, 0.4, 0.9)
    rotations = np.tile(IDENTITY, (len(POSES), len(JOINTS), 1))
    for index, name in enumerate(POSES):
        angle = 0.1 * (index + 1)
        rotations[index, J["arm_L" if name.startswith("left") else "arm_R"]] = [
            math.cos(angle / 2),
            math.sin(angle / 2),
            0,
            0,
        ]
    return Rig(kind, joints, parents, rotations, np.zeros((len(POSES), len(JOINTS), 3)), frozenset(POSES))


def player(number: int, part: int = 0, x: float = 0.0, y: float = 3.0, heading_deg: float = 180.0) -> PlayerPlacement:
    return PlayerPlacement(number, part, "section", "violin", (x, y, 0.0), heading_deg, number)


def frame(time_s: float = 1.0, *poses: Pose) -> Frame:
    position = ScorePosition(time_s, 2 * time_s, 2 * time_s, 2.0, 120.0, "1", 1.0, "playing")
    return Frame(0, time_s, position, None, Dynamics(time_s, 0.5, 0.0), poses=poses)


def rows(**values: float) -> np.ndarray:
    result = np.zeros(1, ACTIVITY_DTYPE)
    for name, value in values.items():
        result[name] = value
    return result


def arm_angle(kind: str, **values: float) -> float:
    motion = Motion([player(0)], ["violin"], [make_rig(kind)], np.ones(1))
    rotations, _ = motion.quaternions(frame(), rows(**values))
    return 2 * math.acos(min(1.0, rotations[0, J["arm_R"], 0]))


def angle_of(pose: str) -> float:
    return 0.1 * (POSE_INDEX[pose] + 1)


@pytest.mark.parametrize(
    ("kind", "values", "pose"),
    [
        ("bow", {"bow": 2.0, "ready": 1.0}, "bow_2"),
        ("bow", {"bow": 2.0, "ready": 1.0, "lift": 1.0}, "lift"),
        ("bow", {"ready": 0.0, "lift": 1.0}, "rest"),
        ("brass", {"ready": 0.0}, "rest"),
        ("strike", {"up_R": 1.0}, "up_R"),
        ("strike", {"hit_L": 1.0}, "hit_L"),
        ("keys", {"pluck_L": 1.0}, "pluck_L"),
    ],
)
def test_what_a_part_does_becomes_the_model_s_pose(kind: str, values: dict[str, float], pose: str) -> None:
    assert arm_angle(kind, **values) == pytest.approx(angle_of(pose), rel=0.04)


def test_winds_play_at_rest_of_the_model() -> None:
    assert arm_angle("wind", ready=1.0) == pytest.approx(0.0, abs=1e-6)


def test_joints_only_turn_and_move() -> None:
    cast = [player(k, 0, x=k - 2.0, heading_deg=150 + 10 * k) for k in range(5)]
    motion = Motion(cast, ["violin"] * 5, [make_rig("bow")] * 5, np.full(5, 1.0))
    matrices = motion.matrices(*motion.quaternions(frame(2.3), tableau(1)))
    turned = matrices[..., :3]
    np.testing.assert_allclose(
        turned @ np.swapaxes(turned, -1, -2), np.broadcast_to(np.eye(3), turned.shape), atol=1e-9
    )
    np.testing.assert_allclose(np.linalg.det(turned), 1.0, atol=1e-9)
    np.testing.assert_allclose(matrices[:, 0, :, 3], [p.position_m for p in cast], atol=1e-9)


def test_players_watch_the_conductor_at_a_cue() -> None:
    """The head's own forward direction, in the hall, points to the podium."""
    placement = player(3, x=4.0, y=4.0, heading_deg=170.0)
    motion = Motion([placement], ["clarinet"], [make_rig("strike")], np.ones(1))
    looking, reading = (
        motion.matrices(*motion.quaternions(frame(), rows(watching=watching, sounding=1.0)))[0, J["head"]]
        for watching in (1.0, 0.0)
    )
    to_podium = -np.array(placement.position_m) / np.linalg.norm(placement.position_m)
    assert (looking[:, :3] @ [0, 1, 0])[:2] @ to_podium[:2] > 0.95
    assert looking[2, 1] > reading[2, 1], "eyes up from the music"


def test_the_same_frame_gives_the_same_picture() -> None:
    cast = [player(k) for k in range(3)]
    make = lambda: Motion(cast, ["violin"] * 3, [make_rig("bow")] * 3, np.ones(3))  # noqa: E731
    one, other = (motion.matrices(*motion.quaternions(frame(4.2), tableau(1))) for motion in (make(), make()))
    np.testing.assert_array_equal(one, other)
    assert len({tuple(np.round(matrix.ravel(), 6)) for matrix in one[:, J["head"]]}) == 3, "no two move alike"


def test_an_empty_stage_is_no_trouble() -> None:
    motion = Motion([], [], [], np.ones(0))
    assert motion.matrices(*motion.quaternions(frame(), tableau(1))).shape == (0, len(JOINTS), 3, 4)


# ---------------------------------------------------------------- the conductor
def conductor_mesh(rig: Rig) -> PlayerMesh:
    """Two forearms as lines of vertices, and a baton."""
    hands = {"fore_R": (0.3, 0.4, 0.9), "fore_L": (-0.3, 0.4, 0.9)}
    places, owners = [], []
    for name, hand in hands.items():
        for share in np.linspace(0, 1, 11):
            places.append(rig.joints[J[name]] * (1 - share) + np.array(hand) * share)
            owners.append(J[name])
    places.append(rig.joints[J["hold_R"]] + [0, 0.3, 0.1])
    owners.append(J["hold_R"])
    count = len(places)
    return PlayerMesh(
        np.array(places, "f4"),
        np.zeros((count, 3), "f4"),
        np.ones((count, 3), "f4"),
        np.zeros((count, 2), "f4"),
        np.zeros(count, "u1"),
        np.array(owners, "u1"),
        np.full(count, NO_OPTION, "u1"),
        np.zeros((0, 3), "u4"),
        frozenset(),
    )


@pytest.mark.parametrize("position_m", [(0.2, 0.85, -0.35), (0.35, 1.05, -0.2), (0.05, 0.8, -0.3)])
def test_the_conductors_hand_is_where_the_baton_is_tracked(position_m: tuple[float, float, float]) -> None:
    rig = make_rig("conductor")
    mesh = conductor_mesh(rig)
    rig = with_hands(mesh, rig)
    assert rig.joints[J["hold_L"]] == pytest.approx([-0.3, 0.37, 0.885], abs=0.05)
    rotations = np.tile(IDENTITY, (len(JOINTS), 1))
    # pointing: yaw of −30°, in the tracking frame about Y
    orientation = (math.cos(-math.pi / 12), 0.0, math.sin(-math.pi / 12), 0.0)
    pose = Pose(0.0, "baton", position_m, orientation)
    conduct(replace(frame(0.0), poses=(pose,)), rig, baton_axis(mesh, rig), rotations)
    roots = root_matrices(np.array([CONDUCTOR_POSITION_M]), np.zeros(1), np.ones(1))
    matrices = joint_matrices(
        rig.joints[None], rig.parents[None], rotations[None], np.zeros((1, len(JOINTS), 3)), roots
    )[0]
    hand = matrices[J["hold_R"]] @ np.append(rig.joints[J["hold_R"]], 1.0)
    np.testing.assert_allclose(hand, tracking_to_hall(position_m), atol=0.01)
    pointed = matrices[J["hold_R"], :, :3] @ baton_axis(mesh, rig)
    np.testing.assert_allclose(pointed, [math.sin(math.pi / 6), math.cos(math.pi / 6), 0], atol=0.02)


def test_untracked_hands_wait_in_front_of_the_body() -> None:
    rig = make_rig("conductor")
    mesh = conductor_mesh(rig)
    rotations = np.tile(IDENTITY, (len(JOINTS), 1))
    conduct(frame(), with_hands(mesh, rig), baton_axis(mesh, rig), rotations)
    assert np.isfinite(rotations).all()
    np.testing.assert_allclose(np.linalg.norm(rotations, axis=1), 1.0, atol=1e-9)
    assert not np.allclose(rotations[J["arm_L"]], IDENTITY)


def test_head_turns_left_for_positive_yaw() -> None:
    left = turn(np.array([math.pi / 2]), np.zeros(1), np.zeros(1))[0]
    assert left == pytest.approx([math.sqrt(0.5), 0, 0, math.sqrt(0.5)])
