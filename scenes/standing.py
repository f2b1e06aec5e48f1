"""The orchestra stands up for its applause: when, and how a seated player's legs unbend.

The models sit with horizontal thighs. Whoever has room before them rises over their feet; who has an instrument on
the floor between the knees, or sits at a keyboard, moves the chair and their feet back and rises where they sat.
"""

import math
from collections.abc import Sequence

import numpy as np

from ..engine.types import Applause, Frame, PlayerPlacement
from .meshes import JOINTS, KNEE_M
from .rig import multiply

RISES_S = 1.3
"""How long somebody takes to stand up, or to sit down."""
BOWED_TO_S = (1.2, 3.2)
"""After the first clap the first and the last player rise."""
SITS_BEFORE_S = 1.5
"""Before the last clap the first player sits down."""
HIP_M = np.array([-0.03, 0.525])
"""Forward and up: where a seated player's legs begin (``assets/build/body.py``)."""
ARM_LOWERED_RAD = 0.75
_BODY, _ARM_L, _THIGHS, _SHINS, _CHAIR = map(JOINTS.index, ("body", "arm_L", "thighs", "shins", "chair"))
_KNEE_M = np.array(KNEE_M[1:])


class Ovation:
    """Who stands how far, 0 to 1, frame by frame. One thread."""

    def __init__(self, placements: Sequence[PlayerPlacement]) -> None:
        self._applause: Applause | None = None
        self._time_s: float | None = None
        self._amount = np.zeros(0)
        self.seat(placements)

    def seat(self, placements: Sequence[PlayerPlacement]) -> None:
        """These are the players; where they are as many as before, they go on standing."""
        late = [np.random.default_rng((17, placement.player)).random() for placement in placements]
        self._late_s = np.array(late).reshape(-1) * (BOWED_TO_S[1] - BOWED_TO_S[0])
        if len(self._amount) != len(placements):
            self._amount = np.zeros(len(placements))

    def step(self, frame: Frame) -> np.ndarray:
        """How far each player stands at a frame, (N,)."""
        if frame.applause is not None:
            before = self._applause
            begin_s = frame.applause.begin_s if before is None else min(before.begin_s, frame.applause.begin_s)
            self._applause = Applause(begin_s, frame.applause.end_s, frame.applause.warmth)
        if frame.position.state in ("preparing", "playing"):
            self._applause = None  # the music begins again
        step_s = 0.0 if self._time_s is None else frame.time_s - self._time_s
        self._time_s = frame.time_s
        wanted = np.zeros(len(self._amount))
        if self._applause is not None:
            up_s = self._applause.begin_s + BOWED_TO_S[0] + self._late_s
            down_s = self._applause.end_s - SITS_BEFORE_S + 0.5 * self._late_s
            wanted = ((up_s < frame.time_s) & (frame.time_s < down_s)).astype(float)
        most = max(step_s, 0.0) / RISES_S
        self._amount += np.clip(wanted - self._amount, -most, most)
        return self._amount * self._amount * (3.0 - 2.0 * self._amount)


def stand(rotations: np.ndarray, shifts: np.ndarray, amount: np.ndarray, may_step_forward: np.ndarray) -> None:
    """Let players stand as far as ``amount`` (N,) says: changes joint ``rotations`` (N, J, 4) and ``shifts`` (N, J, 3)
    relative to rest. Who may not step forward moves chair and feet back."""
    bent = 0.5 * math.pi * amount
    cosine, sine = np.cos(bent), np.sin(bent)
    y, z = HIP_M - _KNEE_M
    hip = np.stack([y * cosine + z * sine, z * cosine - y * sine], axis=-1) + _KNEE_M - HIP_M
    full = HIP_M[1] - _KNEE_M[1] + _KNEE_M[0] - HIP_M[0]
    back = np.where(may_step_forward, 0.0, full * amount)
    shifts[:, _BODY, 1] += hip[:, 0] - back
    shifts[:, _BODY, 2] += hip[:, 1]
    shifts[:, (_THIGHS, _SHINS, _CHAIR), 1] -= back[:, None]
    # the left hand goes on holding what stays on the floor, by its upper end
    lowered = np.where(may_step_forward, 0.0, ARM_LOWERED_RAD * amount) / 2
    lower = np.stack([np.cos(lowered), 0 * bent, np.sin(lowered), 0 * bent], axis=-1)
    rotations[:, _ARM_L] = multiply(lower, rotations[:, _ARM_L])
    rotations[:, _THIGHS] = np.stack([np.cos(bent / 2), -np.sin(bent / 2), 0 * bent, 0 * bent], axis=-1)
