"""Players in motion: what a part does (``activity``) as joint angles of each of its players."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..engine.instruments import catalogue
from ..engine.types import Frame, PlayerPlacement
from .meshes import JOINTS
from .rig import POSE_INDEX, POSES, Rig, blend_poses, joint_matrices, multiply, root_matrices, turn
from .standing import stand

BODY, HEAD = JOINTS.index("body"), JOINTS.index("head")

HEAD_FREEDOM = {"violin": 0.45, "viola": 0.45, "flute": 0.35}
"""How far a model may turn its head from the instrument (1 free)."""
_FREEDOM_OF_KIND = {"bow": 0.9, "wind": 0.4, "brass": 0.3, "strike": 1.0, "pluck": 0.8, "keys": 0.8, "voice": 0.9}
SWAY_OF_KIND = {"bow": 1.0, "wind": 0.8, "brass": 0.5, "strike": 0.5, "pluck": 0.6, "keys": 0.8, "voice": 0.7}

CONDUCTOR_EYES_M = np.array([0.0, 0.0, 1.75])


@dataclass(frozen=True, slots=True)
class _Habits:
    """What is each player's own, (N,) each: phases in radians, lags and gains near one."""

    sway_phase: np.ndarray
    breath_phase: np.ndarray
    glance_phase: np.ndarray
    gain: np.ndarray
    lean: np.ndarray


class Motion:
    """Joint matrices of all players, frame by frame. Holds no state but the cast: a frame's time decides."""

    def __init__(
        self, placements: Sequence[PlayerPlacement], models: Sequence[str], rigs: Sequence[Rig], scales: np.ndarray
    ) -> None:
        count = len(placements)
        self._parts = np.array([placement.part for placement in placements], int)
        self._joints = np.array([rig.joints for rig in rigs]).reshape(count, len(JOINTS), 3)
        self._parents = np.array([rig.parents for rig in rigs], int).reshape(count, len(JOINTS))
        self._rotations = np.array([rig.rotations for rig in rigs]).reshape(count, len(POSES), len(JOINTS), 4)
        self._shifts = np.array([rig.shifts for rig in rigs]).reshape(count, len(POSES), len(JOINTS), 3)
        self._kinds = np.array([rig.kind for rig in rigs])
        self._seated = np.array(["chair" in rig.parts for rig in rigs], bool)
        self._may_step_forward = np.array(["ground" not in rig.parts for rig in rigs], bool)
        positions = np.array([placement.position_m for placement in placements], float).reshape(count, 3)
        headings = np.array([placement.heading_deg for placement in placements], float)
        self.roots = root_matrices(positions, headings, scales)
        # where the conductor is, seen from each player's head
        heads = positions + self._joints[:, HEAD] * [0, 0, 1]
        away = CONDUCTOR_EYES_M - heads
        angle = np.arctan2(-away[:, 0], away[:, 1]) - np.radians(headings)
        self._gaze_yaw = np.clip((angle + math.pi) % (2 * math.pi) - math.pi, -0.9, 0.9)
        self._gaze_pitch = np.arctan2(away[:, 2], np.hypot(away[:, 0], away[:, 1]))
        self._freedom = np.array(
            [
                HEAD_FREEDOM.get(model, _FREEDOM_OF_KIND.get(rig.kind, 0.8))
                for model, rig in zip(models, rigs, strict=True)
            ]
        )
        instruments = catalogue()
        self._lowest = np.array(
            [instruments[p.instrument].range[0] if p.instrument in instruments else 0 for p in placements], float
        )
        self._sway = np.array([SWAY_OF_KIND.get(rig.kind, 0.5) for rig in rigs])
        self._habits = _habits_of(placements)

    def quaternions(
        self, frame: Frame, activity: np.ndarray, standing: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Joint rotations (N, J, 4) relative to rest and shifts (N, J, 3) at a frame, from its parts' activity and
        how far each player stands (N,)."""
        state = activity[np.clip(self._parts, 0, len(activity) - 1)]
        rotations, shifts = blend_poses(self._rotations, self._shifts, self._weights(frame, state))
        rotations[:, BODY] = multiply(rotations[:, BODY], self._body_turn(frame, state))
        rotations[:, HEAD] = multiply(rotations[:, HEAD], self._head_turn(frame, state))
        shifts[:, BODY, 2] += 0.002 * np.sin(1.6 * frame.time_s + self._habits.breath_phase)
        if standing is not None and standing.any():
            stand(rotations, shifts, np.where(self._seated, standing, 0.0), self._may_step_forward)
        return rotations, shifts

    def matrices(self, rotations: np.ndarray, shifts: np.ndarray) -> np.ndarray:
        """Matrices (N, J, 3, 4) of the joints in the hall."""
        return joint_matrices(self._joints, self._parents, rotations, shifts, self.roots)

    def _weights(self, frame: Frame, state: np.ndarray) -> np.ndarray:
        """Weights of the poses (N, K)."""
        weights = np.zeros((len(state), len(POSES)))
        weights[:, POSE_INDEX["breath"]] = state["breath"]
        ready = state["ready"]
        bows = self._kinds == "bow"
        if bows.any():
            centre = 2.0 + (state["bow"][bows] - 2.0) * self._habits.gain[bows]
            lift = np.clip(state["lift"][bows], 0, 1)
            resting = lift * (1 - ready[bows])
            for k in range(5):
                weights[bows, POSE_INDEX[f"bow_{k}"]] = np.clip(1 - np.abs(centre - k), 0, 1) * (1 - lift)
            weights[bows, POSE_INDEX["lift"]] = lift - resting
            weights[bows, POSE_INDEX["rest"]] = resting
            left = self._left_hand(frame, state)[bows]
            for k in range(3):
                weights[bows, POSE_INDEX[f"left_{k}"]] = np.clip(1 - np.abs(left - k), 0, 1)
        winds = np.isin(self._kinds, ("wind", "brass", "voice"))
        if winds.any():
            weights[winds, POSE_INDEX["rest"]] = 1 - ready[winds]
        strikers = self._kinds == "strike"
        if strikers.any():
            for name in ("up_R", "hit_R", "up_L", "hit_L"):
                weights[strikers, POSE_INDEX[name]] = state[name][strikers]
        pluckers = np.isin(self._kinds, ("pluck", "keys"))
        if pluckers.any():
            for name in ("pluck_R", "pluck_L"):
                weights[pluckers, POSE_INDEX[name]] = state[name][pluckers]
        return weights

    def _left_hand(self, frame: Frame, state: np.ndarray) -> np.ndarray:
        """Place of the left hand on the fingerboard (N,), 0 in first position … 2 high up, with vibrato.

        Taken as if the strings were a fifth apart from the instrument's lowest note; the top string goes on upwards.
        """
        above = state["pitch"] - self._lowest
        semitones = np.where(above < 21, np.mod(above, 7), above - 21)
        vibrato = 0.035 * np.sin(2 * math.pi * 5.6 * frame.time_s + self._habits.breath_phase) * state["sounding"]
        return np.clip(semitones / 8 + vibrato, 0, 2)

    def _body_turn(self, frame: Frame, state: np.ndarray) -> np.ndarray:
        """Sway with the beat, lean into onsets, breathe in."""
        habits = self._habits
        playing = state["sounding"] * (0.35 + 0.9 * state["level"]) * self._sway * habits.gain
        swing = np.sin(math.pi * frame.position.beat + habits.sway_phase)
        idle = np.sin(0.5 * frame.time_s + habits.breath_phase)
        roll = np.radians(1.6 * playing * swing + 0.35 * idle)
        pitch = np.radians(
            -2.2 * playing * state["accent"] - 0.8 * playing + 0.3 * np.cos(0.4 * frame.time_s + habits.lean)
        )
        yaw = np.radians(1.8 * playing * np.sin(0.5 * math.pi * frame.position.beat + habits.lean))
        return turn(yaw, pitch, roll)

    def _head_turn(self, frame: Frame, state: np.ndarray) -> np.ndarray:
        """Eyes on the conductor at cues and now and then; else on the music."""
        habits = self._habits
        glance = np.clip(3.0 * np.sin(0.55 * frame.time_s + habits.glance_phase) - 1.9, 0, 1)
        look = np.maximum(np.maximum(state["watching"], glance), 0.35 * (1 - state["sounding"]))
        if frame.position.state in ("waiting", "preparing", "holding"):
            look = np.maximum(look, 0.9)
        look = look * self._freedom
        drift = 0.05 * np.sin(0.31 * frame.time_s + habits.lean) * self._freedom
        yaw = self._gaze_yaw * look + drift
        pitch = self._gaze_pitch * look - math.radians(7) * (1 - look) * self._freedom
        pitch = pitch - np.radians(2.5) * state["accent"] * state["sounding"] * habits.gain * self._freedom
        return turn(yaw, pitch, 0.6 * drift)


def _habits_of(placements: Sequence[PlayerPlacement]) -> _Habits:
    """Habits settled by the player's number; desk partners sway nearly together."""
    rows = []
    for placement in placements:
        own = np.random.default_rng((11, placement.player))
        shared = np.random.default_rng((13, placement.part, placement.desk))
        rows.append(
            (
                shared.uniform(0, 2 * math.pi) * 0.5 + own.normal(0, 0.25),
                own.uniform(0, 2 * math.pi),
                own.uniform(0, 2 * math.pi),
                own.uniform(0.85, 1.1),
                own.uniform(0, 2 * math.pi),
            )
        )
    columns = np.array(rows).reshape(-1, 5).T
    return _Habits(*columns)
