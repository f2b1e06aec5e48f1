"""Panels of the interaction in the hall: menu, card, label, drawn as plates and text, readable from any eye."""

from dataclasses import replace

from panda3d.core import LMatrix4, NodePath, TextNode, TransparencyAttrib

from ..engine.interaction.values import Align, Panel, PanelItem, PanelKey
from .palette import DARK, GOLD, IVORY
from .sheet import Colour, Sheet
from .typeface import typeface

MUTED_INK: Colour = (0.96, 0.93, 0.88, 0.38)
GROUND: Colour = (0.085, 0.058, 0.038, 0.94)
RIM: Colour = (0.88, 0.73, 0.47, 0.55)
BUTTON: Colour = (0.235, 0.165, 0.110, 1)
HOVERED: Colour = (0.385, 0.270, 0.165, 1)
PRESSED: Colour = (0.60, 0.43, 0.23, 1)
DISABLED: Colour = (0.155, 0.110, 0.078, 1)
ROUND_DMM = 18.0
IN_FRONT = 60
"""Drawn after the hall and whatever shines in it."""
_ALIGN: dict[Align, int] = {"left": TextNode.A_left, "centre": TextNode.A_center, "right": TextNode.A_right}
_ORDER: dict[PanelKey, int] = {"label": 0, "menu": 3, "card": 6}


class PanelBoard:
    """Draws one panel; shapes and texts are made anew only where they changed. One thread."""

    def __init__(self, parent: NodePath, key: PanelKey) -> None:
        self._root = parent.attach_new_node(f"panel {key}")
        self._root.set_transparency(TransparencyAttrib.M_alpha)
        # a panel behind a player's back could not be read
        self._root.set_depth_test(False)
        self._root.set_depth_write(False)
        self._order = IN_FRONT + _ORDER[key]
        self._shapes: NodePath | None = None
        self._texts: list[tuple[PanelItem | None, TextNode, NodePath]] = []
        self._shown: Panel | None = None
        self._root.hide()

    def show(self, panel: Panel | None) -> None:
        """Draw a panel where it stands; None takes it away."""
        if panel is None:
            self._root.hide()
            return
        self._root.show()
        self._root.set_mat(_matrix(panel))
        before = self._shown
        self._shown = panel
        if before is None or (before.items, before.width_dmm) != (panel.items, panel.width_dmm):
            self._draw(panel)

    def remove(self) -> None:
        """Take it out of the scene for good."""
        self._root.remove_node()

    def _draw(self, panel: Panel) -> None:
        sheet = Sheet()
        width, height = panel.width_dmm, panel.height_dmm
        sheet.plate(-3, -3, width + 6, height + 6, ROUND_DMM + 3, RIM)
        sheet.plate(0, 0, width, height, ROUND_DMM, (*GROUND[:3], 1.0))
        for item in panel.items:
            if item.kind != "text":
                _draw_item(sheet, item, height)
        if self._shapes is not None:
            self._shapes.remove_node()
        self._shapes = self._root.attach_new_node(sheet.node("shapes"))
        self._shapes.set_bin("fixed", self._order)
        self._shapes.set_alpha_scale(GROUND[3])
        for index, item in enumerate(panel.items):
            self._write(index, item, height)
        for _, _, node in self._texts[len(panel.items) :]:
            node.hide()

    def _write(self, index: int, item: PanelItem, height: float) -> None:
        if index == len(self._texts):
            text = TextNode("text")
            self._texts.append((None, text, self._root.attach_new_node(text)))
        before, text, node = self._texts[index]
        node.show()
        if before is not None and replace(before, key="") == replace(item, key=""):
            return
        self._texts[index] = (item, text, node)
        text.set_font(typeface("Semibold" if item.strong else "Regular"))
        text.set_align(_ALIGN[item.align])
        text.set_text_color(*_ink(item))
        text.set_text(item.text)
        share = {"left": 0.0, "centre": 0.5, "right": 1.0}[item.align]
        middle = height - item.y_dmm - item.height_dmm * (0.34 if item.kind == "slider" else 0.5)
        # a line's ink stands about a third of its height over the baseline's middle
        node.set_pos(item.x_dmm + share * item.width_dmm, 0, middle - 0.32 * item.text_dmm)
        node.set_scale(item.text_dmm)
        node.set_bin("fixed", self._order + 1)


def _draw_item(sheet: Sheet, item: PanelItem, height: float) -> None:
    left, bottom = item.x_dmm, height - item.y_dmm - item.height_dmm
    ground = {"idle": BUTTON, "hovered": HOVERED, "pressed": PRESSED, "disabled": DISABLED}[item.state]
    if item.state == "hovered":
        sheet.plate(left - 3, bottom - 3, item.width_dmm + 6, item.height_dmm + 6, ROUND_DMM, GOLD)
    if item.kind == "toggle" and item.value > 0.5:
        ground = GOLD if item.state != "pressed" else PRESSED
    sheet.plate(left, bottom, item.width_dmm, item.height_dmm, ROUND_DMM - 3, ground)
    if item.kind == "slider":
        run, middle = item.width_dmm - 32, bottom + 14
        sheet.plate(left + 16, middle - 3, run, 6, 3, (*IVORY[:3], 0.25))
        sheet.plate(left + 16, middle - 3, max(6.0, run * item.value), 6, 3, GOLD)
        sheet.disc(left + 16 + run * item.value, middle, 12, IVORY)


def _ink(item: PanelItem) -> Colour:
    if item.kind == "toggle" and item.value > 0.5 and item.state != "pressed":
        return DARK
    return MUTED_INK if item.state == "disabled" else IVORY


def _matrix(panel: Panel) -> LMatrix4:
    """From dmm with the origin at the panel's lower left corner, X right and Z up, to the hall."""
    right, up, scale = panel.right, panel.up, panel.metres_per_dmm
    away = (
        up[1] * right[2] - up[2] * right[1],
        up[2] * right[0] - up[0] * right[2],
        up[0] * right[1] - up[1] * right[0],
    )
    corner = [
        c - scale * (r * panel.width_dmm + u * panel.height_dmm) / 2
        for c, r, u in zip(panel.centre_m, right, up, strict=True)
    ]
    rows = [[scale * value for value in axis] for axis in (right, away, up)]
    return LMatrix4(*rows[0], 0, *rows[1], 0, *rows[2], 0, *corner, 1)
