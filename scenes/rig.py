"""Joints and poses of the player models, and forward kinematics for a whole orchestra at once.

All transforms are relative to rest: a joint at rest has the identity, so that a mesh in rest position needs no bind
matrices. Arrays carry N players × J joints (``meshes.JOINTS``).
"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from panda3d.core import NodePath

from ..engine.errors import SceneError
from .meshes import JOINTS, KNEE_M, PART_JOINT

POSES = (
    "bow_0",
    "bow_1",
    "bow_2",
    "bow_3",
    "bow_4",
    "lift",
    "rest",
    "breath",
    "up_R",
    "hit_R",
    "up_L",
    "hit_L",
    "pluck_R",
    "pluck_L",
    "left_0",
    "left_1",
    "left_2",
)
"""Poses a model may have (``assets/models/README.md``). A model that lacks one stays at rest for it."""
POSE_INDEX = {name: index for index, name in enumerate(POSES)}

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])


@dataclass(frozen=True, slots=True)
class Rig:
    """One model's skeleton, model frame.

    ``kind`` says which poses it has (bow, wind, brass, strike, pluck, keys, voice or none); ``joints`` (J, 3) rest
    positions; ``parents`` (J,) indices, a parent before its child; ``rotations`` (K, J, 4) and ``shifts`` (K, J, 3)
    of ``POSES`` as unit quaternions wxyz and metres; ``poses`` the names it really has; ``parts`` the parts of the
    model.
    """

    kind: str
    joints: np.ndarray
    parents: np.ndarray
    rotations: np.ndarray
    shifts: np.ndarray
    poses: frozenset[str]
    parts: frozenset[str] = frozenset()


def read_rigs(scene: NodePath, poses_path: Path) -> dict[str, Rig]:
    """The rig of every model: joints from the nodes of ``players.glb``, poses from ``rig.json``.

    Raises ``SceneError`` where the two do not fit each other.
    """
    try:
        described: dict[str, Any] = json.loads(poses_path.read_text("utf-8"))["models"] if poses_path.is_file() else {}
    except (OSError, ValueError, KeyError) as error:
        raise SceneError(f"{poses_path.name} cannot be read ({error}): install Tutti again") from error
    roots = [root for root in scene.find_all_matches("**/player_*") if not re.search(r"_lod\d$", root.name)]
    return {
        root.name.removeprefix("player_"): _read_rig(root, described.get(root.name.removeprefix("player_"), {}))
        for root in roots
    }


def _read_rig(root: NodePath, description: dict[str, Any]) -> Rig:
    model = root.name.removeprefix("player_")
    joints = np.zeros((len(JOINTS), 3))
    parents = np.zeros(len(JOINTS), int)
    known: dict[str, NodePath] = {}
    owned: set[str] = set()
    for node in root.find_all_matches("**"):
        part = node.name.removeprefix(f"{model}_")
        if node.name.startswith(f"{model}_") and part in PART_JOINT:
            owned.add(part)
        # the second build and the hair styles share a joint with the first
        if node.name.startswith(f"{model}_") and part in ("body", "head", "hair", *PART_JOINT):
            known.setdefault(PART_JOINT[part], node)
    for index, joint in enumerate(JOINTS):
        node = known.get(joint)
        if node is None:
            continue
        joints[index] = node.get_pos(root)
        above = node.parent
        while above != root and above.name.removeprefix(f"{model}_") not in PART_JOINT:
            above = above.parent
        parent = "floor" if above == root else PART_JOINT[above.name.removeprefix(f"{model}_")]
        # arms that hang on the root still go with the torso
        if parent == "floor" and joint not in ("floor", "body", "shins", "chair"):
            parent = "body"
        parents[index] = JOINTS.index(parent)
        if parents[index] >= max(index, 1):
            raise SceneError(f"players.glb: {node.name} hangs below {above.name}, which moves after it")
    joints[JOINTS.index("thighs")] = KNEE_M
    rotations = np.tile(IDENTITY, (len(POSES), len(JOINTS), 1))
    shifts = np.zeros((len(POSES), len(JOINTS), 3))
    named = description.get("poses", {})
    for name, parts in named.items():
        if name not in POSE_INDEX:
            continue
        for part, change in parts.items():
            if part not in PART_JOINT:
                raise SceneError(f"rig.json: {model} has no part {part} (pose {name})")
            moved = JOINTS.index(PART_JOINT[part])
            rotation = np.array(change.get("q", IDENTITY), float)
            # the near one of the two quaternions of a rotation, so that poses blend the short way
            rotations[POSE_INDEX[name], moved] = rotation * (1.0 if rotation[0] >= 0 else -1.0)
            shifts[POSE_INDEX[name], moved] = change.get("t", (0.0, 0.0, 0.0))
    return Rig(
        kind=str(description.get("kind", "none")),
        joints=joints,
        parents=parents,
        rotations=rotations,
        shifts=shifts,
        poses=frozenset(named) & frozenset(POSES),
        parts=frozenset(owned),
    )


def blend_poses(rotations: np.ndarray, shifts: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Players' poses mixed by weights, as differences from rest.

    ``rotations`` (N, K, J, 4), ``shifts`` (N, K, J, 3), ``weights`` (N, K). Weights need not sum to one: what is
    left is rest. Returns unit quaternions (N, J, 4) and shifts (N, J, 3).
    """
    turned = np.einsum("nk,nkjc->njc", weights, rotations - IDENTITY) + IDENTITY
    turned /= np.linalg.norm(turned, axis=-1, keepdims=True)
    return turned, np.einsum("nk,nkjc->njc", weights, shifts)


def multiply(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Product of quaternions wxyz (…, 4): first ``right``, then ``left``."""
    w, x, y, z = left[..., 0], left[..., 1], left[..., 2], left[..., 3]
    a, b, c, d = right[..., 0], right[..., 1], right[..., 2], right[..., 3]
    return np.stack(
        [
            w * a - x * b - y * c - z * d,
            w * b + x * a + y * d - z * c,
            w * c - x * d + y * a + z * b,
            w * d + x * c - y * b + z * a,
        ],
        axis=-1,
    )


def turn(yaw_rad: np.ndarray, pitch_rad: np.ndarray, roll_rad: np.ndarray) -> np.ndarray:
    """Quaternions (N, 4) of a turn: yaw about Z (positive to the left), then pitch about X (positive looks up), then
    roll about Y (positive leans to the right)."""
    half_yaw, half_pitch, half_roll = yaw_rad / 2, pitch_rad / 2, roll_rad / 2
    cy, sy, cp, sp = np.cos(half_yaw), np.sin(half_yaw), np.cos(half_pitch), np.sin(half_pitch)
    cr, sr = np.cos(half_roll), np.sin(half_roll)
    w, x, y, z = cy * cp, cy * sp, sy * sp, sy * cp  # yaw, then pitch
    return np.stack([w * cr - y * sr, x * cr - z * sr, w * sr + y * cr, x * sr + z * cr], axis=-1)


def rotation_matrices(quaternions: np.ndarray) -> np.ndarray:
    """Rotation matrices (…, 3, 3) of unit quaternions wxyz (…, 4)."""
    w, x, y, z = quaternions[..., 0], quaternions[..., 1], quaternions[..., 2], quaternions[..., 3]
    result = np.empty((*quaternions.shape[:-1], 3, 3))
    result[..., 0, 0], result[..., 0, 1], result[..., 0, 2] = (
        1 - 2 * (y * y + z * z),
        2 * (x * y - w * z),
        2 * (x * z + w * y),
    )
    result[..., 1, 0], result[..., 1, 1], result[..., 1, 2] = (
        2 * (x * y + w * z),
        1 - 2 * (x * x + z * z),
        2 * (y * z - w * x),
    )
    result[..., 2, 0], result[..., 2, 1], result[..., 2, 2] = (
        2 * (x * z - w * y),
        2 * (y * z + w * x),
        1 - 2 * (x * x + y * y),
    )
    return result


def shortest_turn(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The quaternion of the smallest rotation that takes direction ``start`` to ``end`` (3,)."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    result = np.concatenate([[1.0 + a @ b], np.cross(a, b)])
    if result[0] < 1e-6:  # opposite directions: any axis across will do
        across = np.cross(a, [1.0, 0.0, 0.0] if abs(a[0]) < 0.9 else [0.0, 1.0, 0.0])
        result = np.concatenate([[0.0], across])
    return result / np.linalg.norm(result)


def reach(
    shoulder: np.ndarray, elbow: np.ndarray, hand: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Two-bone arm: rotations of shoulder and elbow (relative to rest) that bring the hand to ``target``.

    Positions (3,) in the frame of the torso at rest. The elbow keeps the side it has at rest; a target out of reach
    is reached for with a nearly straight arm.
    """
    upper, lower = float(np.linalg.norm(elbow - shoulder)), float(np.linalg.norm(hand - elbow))
    line = target - shoulder
    distance = float(np.clip(np.linalg.norm(line), abs(upper - lower) + 1e-3, (upper + lower) * 0.999))
    line = line / max(float(np.linalg.norm(line)), 1e-9)
    # the elbow lies on a circle round the line from shoulder to target; take the point nearest to hanging outwards
    along = (upper**2 - lower**2 + distance**2) / (2 * distance)
    aside = elbow - shoulder + np.array([0.0, 0.0, -0.3])
    aside = aside - line * (aside @ line)
    aside /= max(float(np.linalg.norm(aside)), 1e-9)
    bent = shoulder + line * along + aside * math.sqrt(max(upper**2 - along**2, 0.0))
    first = shortest_turn(elbow - shoulder, bent - shoulder)
    # the forearm's turn is relative to the upper arm's
    direction = rotation_matrices(first * [1, -1, -1, -1]) @ (shoulder + line * distance - bent)
    return first, shortest_turn(hand - elbow, direction)


def joint_matrices(
    joints: np.ndarray, parents: np.ndarray, rotations: np.ndarray, shifts: np.ndarray, roots: np.ndarray
) -> np.ndarray:
    """Forward kinematics: the matrix (N, J, 3, 4) that takes a vertex at rest to the hall.

    ``joints`` (N, J, 3), ``parents`` (N, J), ``rotations`` (N, J, 4), ``shifts`` (N, J, 3); ``roots`` (N, 3, 4) puts
    each player on the stage.
    """
    players, count = parents.shape
    result = np.empty((players, count, 3, 4))
    result[:, 0] = roots
    turned = rotation_matrices(rotations)
    offsets = joints - np.einsum("njab,njb->nja", turned, joints) + shifts
    everyone = np.arange(players)
    for joint in range(1, count):
        above = result[everyone, parents[:, joint]]
        result[:, joint, :, :3] = above[:, :, :3] @ turned[:, joint]
        result[:, joint, :, 3] = np.einsum("nab,nb->na", above[:, :, :3], offsets[:, joint]) + above[:, :, 3]
    return result


def root_matrices(positions_m: np.ndarray, headings_deg: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Matrices (N, 3, 4) that put players at places of the hall, turned by heading, in their size."""
    angle = np.radians(headings_deg)
    result = np.zeros((len(positions_m), 3, 4))
    result[:, 0, 0] = result[:, 1, 1] = np.cos(angle) * scales
    result[:, 0, 1] = -np.sin(angle) * scales
    result[:, 1, 0] = np.sin(angle) * scales
    result[:, 2, 2] = scales
    result[:, :, 3] = positions_m
    return result
