"""The conductor's music stand; its pages show where the orchestra is."""

import numpy as np
from panda3d.core import GeomNode, LMatrix4, NodePath, TextNode

from ..engine.types import FollowState, ScorePosition
from . import shaders
from .meshes import geoms_of, read_prop, vertex_column
from .players import surface_geom
from .typeface import typeface

INK = (0.13, 0.10, 0.08, 1)
SOFT = (0.36, 0.31, 0.27, 1)
ACCENT = (0.56, 0.13, 0.11, 1)
STAND_POSITION_M = (0.0, 0.72, 0.0)

STATE_TEXT: dict[FollowState, str] = {
    "waiting": "raise the baton, then beat",
    "preparing": "one preparatory beat…",
    "playing": "",
    "coasting": "keeping your tempo",
    "holding": "holding",
    "stopped": "stopped: press start, then beat",
    "ended": "end of the piece",
}


class ScoreStand:
    """Music stand with title, measure, beat and tempo on its two pages."""

    def __init__(self, parent: NodePath, players: NodePath, title: str, composer: str) -> None:
        self._root = parent.attach_new_node("stand")
        self._root.set_pos(*STAND_POSITION_M)
        model = players.find("**/podium_stand")
        self._lines: dict[str, TextNode] = {}
        self._shown: tuple[str, ...] = ()
        if model.is_empty():
            return
        body = self._root.attach_new_node(GeomNode("podium_stand"))
        body.node().add_geom(surface_geom(read_prop(model)))
        body.set_shader(shaders.make_shader(shaders.PROP_VERTEX, shaders.PLAYER_FRAGMENT))
        left, right = (self._page(model, f"podium_page_{side}") for side in "LR")
        # what matters while beating stands high on the page: the lower half is out of the conductor's sight
        self._write(left, "title", (0.5, 0.84), 0.095, INK, wrap=0.88).set_text(title)
        self._write(left, "composer", (0.5, 0.56), 0.065, SOFT, wrap=0.88).set_text(composer)
        self._write(left, "state", (0.5, 0.24), 0.07, ACCENT, wrap=0.9)
        self._write(right, "caption", (0.5, 0.88), 0.075, SOFT).set_text("bar")
        self._write(right, "measure", (0.5, 0.62), 0.30, INK)
        self._write(right, "beats", (0.5, 0.44), 0.11, ACCENT)
        self._write(right, "tempo", (0.5, 0.26), 0.085, INK)

    def update(self, position: ScorePosition) -> None:
        """Show a position. Text is laid out anew only where it changes."""
        if not self._lines:
            return
        shown = (
            position.measure,
            beat_text(position),
            f"{position.bpm:.0f} beats per minute" if position.bpm > 1 else "",
            STATE_TEXT[position.state],
        )
        if shown == self._shown:
            return
        self._shown = shown
        for name, text in zip(("measure", "beats", "tempo", "state"), shown, strict=True):
            if self._lines[name].get_text() != text:
                self._lines[name].set_text(text)

    def _page(self, model: NodePath, name: str) -> NodePath:
        """A node whose X and Z span a page from its lower left corner, 1 = the page's width."""
        page = self._root.attach_new_node(name)
        quad = model.find(f"**/{name}")
        for geom, holder in geoms_of(quad) if not quad.is_empty() else ():
            data = geom.get_vertex_data()
            places, at = vertex_column(data, "vertex"), vertex_column(data, "texcoord.0")
            if places is None or at is None:
                continue
            matrix = np.array(holder.get_mat(model)).reshape(4, 4)
            hall = places @ matrix[:3, :3] + matrix[3, :3]
            # places = origin + u · across + v · up, solved over the corners
            fitted, *_ = np.linalg.lstsq(np.column_stack([np.ones(len(at)), at]), hall, rcond=None)
            origin, across, up = fitted
            width = np.linalg.norm(across)
            away = np.cross(across, up)
            away /= np.linalg.norm(away)
            origin = origin + away * 0.002
            right, upward = across / width, up / np.linalg.norm(up)
            page.set_mat(LMatrix4(*(right * width), 0, *(-away * width), 0, *(upward * width), 0, *origin, 1))
            page.set_python_tag("height", float(np.linalg.norm(up) / width))
        return page

    def _write(
        self,
        page: NodePath,
        name: str,
        at: tuple[float, float],
        height: float,
        colour: tuple[float, float, float, float],
        wrap: float = 0.0,
    ) -> TextNode:
        text = TextNode(name)
        text.set_font(typeface("Semibold" if name in ("title", "measure") else "Regular"))
        text.set_align(TextNode.A_center)
        text.set_text_color(*colour)
        if wrap:
            text.set_wordwrap(wrap / height)
        node = page.attach_new_node(text)
        tall = page.get_python_tag("height") or 1.0
        node.set_pos(at[0], 0, at[1] * tall)
        node.set_scale(height)
        node.set_depth_offset(2)
        self._lines[name] = text
        return text


def beat_text(position: ScorePosition) -> str:
    """The beat of the measure as marks: those gone by, the present one, e.g. ``2``."""
    return f"beat {max(1, int(position.beat_in_measure + 1e-6))}" if position.state != "waiting" else ""
