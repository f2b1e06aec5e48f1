import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutti.scenes import rig
from tutti.scenes.meshes import JOINTS

unit = st.floats(-1, 1)
angles = st.floats(-3, 3)


@given(angles, angles, angles)
def test_turn_is_yaw_then_pitch_then_roll(yaw: float, pitch: float, roll: float) -> None:
    about_z = np.array([[math.cos(yaw), -math.sin(yaw), 0], [math.sin(yaw), math.cos(yaw), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    about_y = np.array([[math.cos(roll), 0, math.sin(roll)], [0, 1, 0], [-math.sin(roll), 0, math.cos(roll)]])
    turned = rig.rotation_matrices(rig.turn(np.array([yaw]), np.array([pitch]), np.array([roll])))[0]
    np.testing.assert_allclose(turned, about_z @ about_x @ about_y, atol=1e-9)


@given(st.lists(unit, min_size=8, max_size=8))
def test_product_of_quaternions_turns_one_after_the_other(values: list[float]) -> None:
    pair = np.array(values).reshape(2, 4) + [1.5, 0, 0, 0]
    first, second = pair / np.linalg.norm(pair, axis=1, keepdims=True)
    expected = rig.rotation_matrices(second) @ rig.rotation_matrices(first)
    np.testing.assert_allclose(rig.rotation_matrices(rig.multiply(second, first)), expected, atol=1e-9)


@given(st.tuples(unit, unit, unit), st.tuples(unit, unit, unit))
def test_shortest_turn_takes_one_direction_to_the_other(start: tuple[float, ...], end: tuple[float, ...]) -> None:
    a, b = np.array(start), np.array(end)
    if min(np.linalg.norm(a), np.linalg.norm(b)) < 0.05:
        return
    turned = rig.rotation_matrices(rig.shortest_turn(a, b)) @ (a / np.linalg.norm(a))
    np.testing.assert_allclose(turned, b / np.linalg.norm(b), atol=1e-4)


def test_opposite_directions_turn_half_round() -> None:
    turned = rig.rotation_matrices(rig.shortest_turn(np.array([0, 0, 1.0]), np.array([0, 0, -1.0]))) @ [0, 0, 1]
    np.testing.assert_allclose(turned, [0, 0, -1], atol=1e-9)


SHOULDER, ELBOW, HAND = np.array([0.2, 0.0, 1.4]), np.array([0.25, -0.1, 1.13]), np.array([0.25, 0.15, 1.2])


def hand_after(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    upper = rig.rotation_matrices(first)
    elbow = SHOULDER + upper @ (ELBOW - SHOULDER)
    return elbow + upper @ rig.rotation_matrices(second) @ (HAND - ELBOW)


@given(st.tuples(st.floats(-0.3, 0.3), st.floats(0.1, 0.4), st.floats(-0.3, 0.3)))
def test_a_hand_reaches_what_is_within_reach(offset: tuple[float, float, float]) -> None:
    target = SHOULDER + np.array(offset)
    reach_m = np.linalg.norm(ELBOW - SHOULDER) + np.linalg.norm(HAND - ELBOW)
    if not 0.15 < np.linalg.norm(target - SHOULDER) < 0.97 * reach_m:
        return
    np.testing.assert_allclose(hand_after(*rig.reach(SHOULDER, ELBOW, HAND, target)), target, atol=1e-4)


def test_a_hand_out_of_reach_points_there() -> None:
    hand = hand_after(*rig.reach(SHOULDER, ELBOW, HAND, SHOULDER + [0, 5.0, 0]))
    direction = (hand - SHOULDER) / np.linalg.norm(hand - SHOULDER)
    np.testing.assert_allclose(direction, [0, 1, 0], atol=1e-3)


def skeleton() -> tuple[np.ndarray, np.ndarray]:
    joints = np.random.default_rng(1).uniform(-0.5, 1.5, (1, len(JOINTS), 3))
    parents = np.zeros((1, len(JOINTS)), int)
    parents[0, JOINTS.index("arm_R")] = JOINTS.index("body")
    parents[0, JOINTS.index("fore_R")] = JOINTS.index("arm_R")
    return joints, parents


def test_at_rest_every_joint_only_carries_the_player() -> None:
    joints, parents = skeleton()
    roots = rig.root_matrices(np.array([[1.0, 2.0, 0.5]]), np.array([90.0]), np.array([1.0]))
    still = np.tile(rig.IDENTITY, (1, len(JOINTS), 1))
    matrices = rig.joint_matrices(joints, parents, still, np.zeros_like(joints), roots)
    np.testing.assert_allclose(matrices, np.repeat(roots[:, None], len(JOINTS), axis=1), atol=1e-12)
    # heading 90° faces −X: the player's front (+Y) points there
    np.testing.assert_allclose(roots[0, :, :3] @ [0, 1, 0], [-1, 0, 0], atol=1e-12)


def test_a_child_goes_where_its_parent_takes_it() -> None:
    joints, parents = skeleton()
    arm, fore = JOINTS.index("arm_R"), JOINTS.index("fore_R")
    rotations = np.tile(rig.IDENTITY, (1, len(JOINTS), 1))
    rotations[0, arm] = rig.turn(np.array([0.7]), np.array([-0.4]), np.array([0.2]))[0]
    roots = rig.root_matrices(np.zeros((1, 3)), np.zeros(1), np.ones(1))
    matrices = rig.joint_matrices(joints, parents, rotations, np.zeros_like(joints), roots)[0]
    pivot = np.append(joints[0, arm], 1.0)
    np.testing.assert_allclose(matrices[arm] @ pivot, joints[0, arm], atol=1e-12)
    np.testing.assert_allclose(matrices[fore], matrices[arm], atol=1e-12)


def test_half_a_pose_is_half_the_angle_and_nothing_is_rest() -> None:
    angle = 0.8
    rotations = np.tile(rig.IDENTITY, (1, 2, len(JOINTS), 1))
    rotations[0, 1, 3] = [math.cos(angle / 2), math.sin(angle / 2), 0, 0]
    shifts = np.zeros((1, 2, len(JOINTS), 3))
    shifts[0, 1, 3] = [0, 0, 0.1]
    turned, moved = rig.blend_poses(rotations, shifts, np.array([[0.0, 0.5]]))
    assert 2 * math.acos(turned[0, 3, 0]) == pytest.approx(angle / 2, rel=0.03)
    assert moved[0, 3, 2] == pytest.approx(0.05)
    rest, _ = rig.blend_poses(rotations, shifts, np.zeros((1, 2)))
    np.testing.assert_allclose(rest, np.tile(rig.IDENTITY, (1, len(JOINTS), 1)))
