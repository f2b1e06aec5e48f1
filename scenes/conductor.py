"""The conductor's figure, seen from the hall: arms that reach where the tracked hands are."""

import math
from dataclasses import replace

import numpy as np

from ..engine.transforms import PODIUM_HEIGHT_M, rotate, tracking_to_hall, tracking_to_hall_quaternion
from ..engine.types import Device, Frame, PlayerPlacement, Pose, Vector
from .meshes import JOINTS, PlayerMesh
from .rig import Rig, multiply, reach, rotation_matrices, shortest_turn, turn

CONDUCTOR_POSITION_M: Vector = (0.0, -0.08, PODIUM_HEIGHT_M)
CONDUCTOR_PLAYER = PlayerPlacement(
    player=-1 & 0xFFFF,
    part=0,
    section="conductor",
    instrument="conductor",
    position_m=CONDUCTOR_POSITION_M,
    heading_deg=0.0,
    desk=0,
)

BATON_AT_REST: Vector = (0.22, 1.16, -0.42)
LEFT_AT_REST: Vector = (-0.24, 1.08, -0.36)
"""Where hands wait that are not tracked (tracking frame)."""

BATON_DIRECTION = np.array([-0.30, 0.86, 0.40])
"""Where a baton points whose orientation is not tracked: forwards, up and a little inwards (hall frame)."""


def hand_in_hall(frame: Frame, device: Device) -> tuple[np.ndarray, np.ndarray | None]:
    """Where a tracked hand is, hall frame, and which way the device points (None where that is not known)."""
    pose = frame.pose_of(device)
    if pose is None:
        return np.array(tracking_to_hall(BATON_AT_REST if device == "baton" else LEFT_AT_REST)), None
    return np.array(tracking_to_hall(pose.position_m)), pointing(pose)


def pointing(pose: Pose) -> np.ndarray | None:
    """Direction (3,) in the hall that a device points to: −Z of its own frame (OpenXR aim and grip)."""
    if pose.orientation_wxyz is None:
        return None
    return np.array(rotate(tracking_to_hall_quaternion(pose.orientation_wxyz), (0.0, 1.0, 0.0)))


def conduct(frame: Frame, rig: Rig, axis: np.ndarray, rotations: np.ndarray) -> None:
    """Write the rotations (J, 4) of the conductor's arms, baton and torso for a frame's poses.

    ``rig`` knows the hands (``with_hands``); ``axis`` is where the baton points at rest (``baton_axis``).
    """
    index = {name: position for position, name in enumerate(JOINTS)}
    sway = 0.02 * math.sin(math.pi * frame.position.beat)
    rotations[index["body"]] = [math.cos(sway / 2), 0.0, math.sin(sway / 2), 0.0]
    # eyes over the orchestra, from one side to the other, and a little down to the players
    glance = np.array([0.30 * math.sin(0.37 * frame.time_s)])
    rotations[index["head"]] = turn(glance, np.array([-0.10]), np.zeros(1))[0]
    for side, device in (("R", "baton"), ("L", "left")):
        arm, fore, hold = index[f"arm_{side}"], index[f"fore_{side}"], index[f"hold_{side}"]
        shoulder, elbow = rig.joints[arm], rig.joints[fore]
        if not elbow.any():
            continue  # a model whose arm on this side does not move
        target, direction = hand_in_hall(frame, "baton" if device == "baton" else "left")
        rotations[arm], rotations[fore] = reach(shoulder, elbow, rig.joints[hold], target - CONDUCTOR_POSITION_M)
        if device == "baton":
            wanted = BATON_DIRECTION if direction is None else direction
            whole = multiply(rotations[arm], rotations[fore])
            own = rotation_matrices(whole * [1, -1, -1, -1]) @ wanted
            rotations[hold] = shortest_turn(axis, own)


def with_hands(mesh: PlayerMesh, rig: Rig) -> Rig:
    """The rig with the middle of the hand as the joint of each hand that holds nothing: the arm's far end."""
    joints = rig.joints.copy()
    for side in "RL":
        fore, hold = JOINTS.index(f"fore_{side}"), JOINTS.index(f"hold_{side}")
        places = mesh.position[mesh.joint == fore]
        if len(places) and not joints[hold].any():
            distance = np.linalg.norm(places - joints[fore], axis=1)
            joints[hold] = places[distance > 0.72 * distance.max()].mean(axis=0)
    return replace(rig, joints=joints)


def baton_axis(mesh: PlayerMesh, rig: Rig) -> np.ndarray:
    """Which way the baton of the conductor's model points at rest: from the hand to the farthest point it holds."""
    hold = JOINTS.index("hold_R")
    held = mesh.position[mesh.joint == hold] - rig.joints[hold]
    if not len(held):
        return BATON_DIRECTION
    farthest = held[np.argmax(np.linalg.norm(held, axis=1))]
    return np.asarray(farthest / np.linalg.norm(farthest), float)
