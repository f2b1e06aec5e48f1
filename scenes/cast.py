"""The cast: who sits where, drawn and moved together. Rebuilt when its members change."""

from collections.abc import Collection, Sequence

import numpy as np
from panda3d.core import NodePath

from ..engine.instruments import catalogue
from ..engine.types import Frame, PlayerPlacement
from .appearance import Appearance, appearances
from .conductor import CONDUCTOR_PLAYER, baton_axis, conduct, with_hands
from .meshes import PlayerMesh
from .motion import CONDUCTOR_EYES_M, Motion
from .players import InstancedPlayers, Viewpoint
from .rig import Rig
from .standing import Ovation

FALLBACK_MODEL = "clarinet"
"""Plays where the models lack an instrument's own."""


CONDUCTOR_CLEARANCE_M = 2.4
"""Nearer than this the conductor's back would fill the picture, and is left out."""


LIT_GLOW = 1.6
"""The light on whom somebody points at; an entry's is 1."""


class Cast:
    """All players and the conductor; ``conductor`` is the conductor's index among them."""

    def __init__(
        self,
        parent: NodePath,
        placements: Sequence[PlayerPlacement],
        meshes: dict[str, tuple[PlayerMesh, ...]],
        rigs: dict[str, Rig],
    ) -> None:
        instruments = catalogue()
        self._meshes, self._rigs = meshes, rigs
        self.conductor = len(placements) if "conductor" in meshes else None
        self._models = [model_of(instruments[p.instrument].model, meshes) for p in placements]
        if self.conductor is not None:
            self._models.append("conductor")
            self._conductor_rig = with_hands(meshes["conductor"][0], rigs["conductor"])
            self._baton_axis = baton_axis(meshes["conductor"][0], self._conductor_rig)
        self._lit: list[int] = []
        self._ovation = Ovation(placements)
        self._roll = [(p.player, p.part, p.instrument) for p in placements]
        looks = self._arrange(placements)
        self._drawn = InstancedPlayers(parent, self._everyone, self._models, meshes, looks)

    def light(self, players: Collection[int]) -> None:
        """Light these players, as somebody points at them; the others no more."""
        self._lit = [index for index, placement in enumerate(self._everyone) if placement.player in players]

    def move(self, placements: Sequence[PlayerPlacement]) -> bool:
        """Seat the same players elsewhere; False, and nothing done, where they are not the same players."""
        if [(p.player, p.part, p.instrument) for p in placements] != self._roll:
            return False
        looks = self._arrange(placements)
        self._drawn.seat(self._everyone, looks)
        return True

    def _arrange(self, placements: Sequence[PlayerPlacement]) -> Appearance:
        self._everyone = [*placements, *([CONDUCTOR_PLAYER] if self.conductor is not None else [])]
        self._parts = np.array([p.part for p in self._everyone], int)
        looks = appearances(self._everyone, self._models, [self._meshes[model][0].parts for model in self._models])
        self._motion = Motion(self._everyone, self._models, [self._rigs[model] for model in self._models], looks.scale)
        return looks

    def update(self, frame: Frame, activity: np.ndarray) -> None:
        """Move everyone to where they are at a frame."""
        standing = np.zeros(len(self._everyone))
        orchestra = self._ovation.step(frame)
        standing[: len(orchestra)] = orchestra
        rotations, shifts = self._motion.quaternions(frame, activity, standing)
        glow = activity["glow"][np.clip(self._parts, 0, len(activity) - 1)].copy()
        if self.conductor is not None:
            conduct(frame, self._conductor_rig, self._baton_axis, rotations[self.conductor])
            glow[self.conductor] = 0.0
        glow[self._lit] = LIT_GLOW
        self._drawn.pose(self._motion.matrices(rotations, shifts), glow)

    def look_from(self, view: Viewpoint, *, show_conductor: bool) -> None:
        """Choose what to draw for a point of view."""
        if self.conductor is None:
            self._drawn.look_from(view)
            return
        too_near = float(np.linalg.norm(view.eye_m - CONDUCTOR_EYES_M)) < CONDUCTOR_CLEARANCE_M
        self._drawn.look_from(view, () if show_conductor and not too_near else (self.conductor,))

    def remove(self) -> None:
        """Leave the stage."""
        self._drawn.remove()


def model_of(model: str, meshes: dict[str, tuple[PlayerMesh, ...]]) -> str:
    """The model that draws an instrument's model name: itself, or the fallback where the file lacks it."""
    if model in meshes:
        return model
    return FALLBACK_MODEL if FALLBACK_MODEL in meshes else next(iter(meshes))
