"""What somebody's pointers do in the hall: lasers, marks on the floor, panels."""

from collections.abc import Sequence

import numpy as np
from panda3d.core import LMatrix4, NodePath, TransparencyAttrib

from ..engine.interaction.values import DragMark, InteractionFrame, PanelKey, Pointer, RayMark
from ..engine.types import Vector
from .panels import PanelBoard
from .sheet import Colour, Sheet

LASER: Colour = (1.0, 0.84, 0.52, 1)
FREE: Colour = (0.66, 0.86, 0.52, 0.95)
ASIDE: Colour = (0.97, 0.62, 0.28, 0.95)
FROM: Colour = (0.96, 0.93, 0.88, 0.45)
BEAM_M = 0.003
"""Half the width of a laser's beam."""
SPOT_RAD = 0.005
RING_M = 0.42
ABOVE_FLOOR_M = 0.03
_KEYS: tuple[PanelKey, ...] = ("menu", "card", "label")


class InteractionView:
    """Draws one person's interaction under ``parent``, a node in the hall frame. One thread.

    ``update`` takes the newest frame (None: nothing) and the pointers that lasers start from; a mouse has none.
    """

    def __init__(self, parent: NodePath) -> None:
        self._root = parent.attach_new_node("interaction")
        self._boards = {key: PanelBoard(self._root, key) for key in _KEYS}
        self._beams = {hand: _Beam(self._root) for hand in ("left", "right")}
        self._floor = self._root.attach_new_node("marks")
        self._floor.set_transparency(TransparencyAttrib.M_alpha)
        self._floor.set_depth_write(False)
        self._floor.set_bin("fixed", 30)
        self._marked: tuple[DragMark, ...] = ()

    def update(self, frame: InteractionFrame | None, pointers: Sequence[Pointer] = ()) -> None:
        """Show a frame."""
        shown = {panel.key: panel for panel in frame.panels} if frame is not None else {}
        for key, board in self._boards.items():
            board.show(shown.get(key))
        rays = {ray.hand: ray for ray in frame.rays} if frame is not None else {}
        origins = {pointer.hand: pointer.origin_m for pointer in pointers if pointer.valid}
        for hand, beam in self._beams.items():
            beam.show(origins.get(hand), rays.get(hand))  # type: ignore[call-overload]
        drags = frame.drags if frame is not None else ()
        if drags != self._marked:
            self._marked = drags
            self._mark(drags)

    def remove(self) -> None:
        """Take everything out of the scene."""
        self._root.remove_node()

    def _mark(self, drags: Sequence[DragMark]) -> None:
        """A ring where everybody who is moved would stand, a faint one where they were, and the way between."""
        self._floor.get_children().detach()
        for drag in drags:
            colour = ASIDE if drag.moved_aside else FREE
            self._lay(_ring(RING_M * 0.8, 0.02, FROM), drag.from_m)
            self._lay(_ring(RING_M, 0.045, colour), drag.to_m)
            way = np.subtract(drag.to_m, drag.from_m)
            if len(drags) == 1 and np.hypot(way[0], way[1]) > 2 * RING_M:
                sheet = Sheet()
                sheet.dashes(np.array([[0.0, 0.0], way[:2]]), 0.03, FROM, 0.16, 0.12)
                x, y, _ = drag.from_m
                self._lay(sheet, (x, y, max(drag.from_m[2], drag.to_m[2])))

    def _lay(self, sheet: Sheet, place_m: Vector) -> None:
        """A drawing flat on the floor."""
        node = self._floor.attach_new_node(sheet.node("mark"))
        x, y, z = place_m
        node.set_pos(x, y, z + ABOVE_FLOOR_M)
        node.set_p(-90)
        node.set_two_sided(True)


class _Beam:
    """A laser and the spot where it ends."""

    def __init__(self, parent: NodePath) -> None:
        self._root = parent.attach_new_node("laser")
        self._root.set_transparency(TransparencyAttrib.M_alpha)
        self._root.set_depth_write(False)
        self._root.set_bin("fixed", 50)
        self._root.set_two_sided(True)
        sheet = Sheet()
        bright = np.array([(*LASER[:3], alpha) for alpha in (0.85, 0.55, 0.25)])
        sheet.line(np.array([[0.0, 0.0], [0.0, 0.5], [0.0, 1.0]]), 2 * BEAM_M, bright)
        self._line = self._root.attach_new_node("line")
        for turn_deg in (0, 90):  # two crossed ribbons are seen from every side
            self._line.attach_new_node(sheet.node("ribbon")).set_h(turn_deg)
        spot = Sheet()
        spot.disc(0.0, 0.0, 1.0, LASER)
        self._spot = self._root.attach_new_node(spot.node("spot"))
        self._spot.set_billboard_point_eye()
        self._spot.set_depth_test(False)
        self._root.hide()

    def show(self, origin_m: Vector | None, ray: RayMark | None) -> None:
        if origin_m is None or ray is None:
            self._root.hide()
            return
        self._root.show()
        way = np.subtract(ray.end_m, origin_m)
        length = max(1e-3, float(np.linalg.norm(way)))
        along = way / length
        aside = np.cross(along, (0.0, 0.0, 1.0) if abs(along[2]) < 0.9 else (1.0, 0.0, 0.0))
        aside /= np.linalg.norm(aside)
        other = np.cross(aside, along)
        self._line.set_mat(LMatrix4(*aside, 0, *other, 0, *(way), 0, *origin_m, 1))
        self._spot.set_pos(*ray.end_m)
        self._spot.set_scale(SPOT_RAD * length)
        if ray.on == "nothing":
            self._spot.hide()
        else:
            self._spot.show()


def _ring(radius: float, width: float, colour: Colour) -> Sheet:
    sheet = Sheet()
    sheet.ring(0.0, 0.0, radius, width, colour)
    return sheet
