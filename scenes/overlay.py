"""What is written over the picture in a window: where the orchestra is, what it waits for, and the keys."""

from collections.abc import Sequence

import numpy as np
from panda3d.core import CardMaker, NodePath, SamplerState, TextNode, Texture, TransparencyAttrib

from ..engine.types import FollowState, Frame
from .stand import STATE_TEXT
from .typeface import typeface

IVORY = (0.96, 0.92, 0.84, 1)
DIM = (0.96, 0.92, 0.84, 0.72)
GOLD = (0.94, 0.77, 0.45, 1)
QUIET_DB = -60.0
SECTIONS = 3
"""So many of the loudest sections are told in the line of the sound."""
PANEL = (0.055, 0.040, 0.032, 0.80)
SHADE_HEIGHT = 0.44
SHADE = 0.90
"""How dark the picture is at its lower edge, under the letters."""
WIDEST = 8.0
"""Of any window, in halves of its height."""

HINTS: dict[FollowState, str] = {**STATE_TEXT, "stopped": "stopped: press space, then beat"}

HELP = (
    ("mouse", "the baton: move up, then beat down"),
    ("T  click", "tap the beats instead"),
    ("E  right drag", "move players, click: who is that"),
    ("M", "menu: jump, mute, solo, …"),
    ("I", "what conducts: mouse, taps, …"),
    ("space", "start or stop"),
    ("R", "from the beginning"),
    ("+  −", "louder, softer"),
    ("C", "next camera"),
    ("V", "the conductor's view"),
    ("P", "save a picture"),
    ("F", "full screen"),
    ("H", "this help"),
    ("Esc", "leave"),
)


class Overlay:
    """Title and position at the lower left, a hint in the middle below, help on demand; 2-D, over ``base.aspect2d``."""

    def __init__(self, corner: NodePath, middle: NodePath, title: str) -> None:
        """``corner`` is the lower left corner of the window, ``middle`` its lower edge's middle (``base.a2d…``)."""
        _shade(middle)
        self._title = _line(corner, (0.06, 0.175), 0.052, IVORY, TextNode.A_left, "Semibold")
        self._title.set_text(title)
        self._position = _line(corner, (0.06, 0.105), 0.045, DIM, TextNode.A_left)
        self._hint = _line(middle, (0.0, 0.30), 0.062, GOLD, TextNode.A_center)
        self._hint.set_card_color(*PANEL)
        self._hint.set_card_as_margin(0.45, 0.45, 0.22, 0.18)
        self._hint.set_card_decal(True)
        self._note = _line(middle, (0.0, 0.06), 0.042, DIM, TextNode.A_center)
        self._note_until_s = 0.0
        self._help = self._help_panel(middle)
        self._sound = _line(corner, (0.06, 0.045), 0.04, DIM, TextNode.A_left)
        self._warns = False
        self._shown: tuple[str, str] = ("", "")

    def update(self, frame: Frame) -> None:
        """Show a frame's position; text is laid out anew only where it changed."""
        position = frame.position
        where = f"bar {position.measure}   beat {max(1, int(position.beat_in_measure + 1e-6))}"
        if position.bpm > 1:
            where += f"   {position.bpm:.0f} bpm"
        hint = HINTS[position.state]
        if (where, hint) != self._shown:
            self._shown = (where, hint)
            self._position.set_text(where)
            self._hint.set_text(hint)
        if self._note_until_s and frame.time_s > self._note_until_s:
            self._note.set_text("")
            self._note_until_s = 0.0

    def sound(self, line: str, warning: str, sections: Sequence[tuple[str, float]]) -> None:
        """How the sound does: one line, golden where it is a ``warning``; else the loudest of ``sections`` (name, peak
        in dB) are told behind it."""
        loudest = sorted((section for section in sections if section[1] > QUIET_DB), key=lambda s: -s[1])[:SECTIONS]
        levels = [f"{name} {peak_db:.0f} dB".replace(" -", " −") for name, peak_db in loudest]
        text = warning or "   ".join([line, *levels])
        if text != self._sound.get_text():
            self._sound.set_text(text)
        if self._warns != bool(warning):
            self._warns = bool(warning)
            self._sound.set_text_color(*(GOLD if warning else DIM))

    def note(self, text: str, until_s: float) -> None:
        """A short message, gone at ``until_s`` on the session clock."""
        self._note.set_text(text)
        self._note_until_s = until_s

    def hide_help(self) -> None:
        """Out of the way: the music has begun."""
        self._help.hide()

    def toggle_help(self) -> None:
        """Show or hide the keys."""
        if self._help.is_hidden():
            self._help.show()
        else:
            self._help.hide()

    def _help_panel(self, parent: NodePath) -> NodePath:
        panel = parent.attach_new_node("help")
        height = 0.085 * len(HELP) + 0.1
        maker = CardMaker("panel")
        maker.set_frame(-0.56, 0.72, 0, height)
        card = panel.attach_new_node(maker.generate())
        card.set_color(*PANEL)
        card.set_transparency(TransparencyAttrib.M_alpha)
        for row, (key, meaning) in enumerate(HELP):
            y = height - 0.105 - 0.085 * row
            _line(panel, (-0.20, y), 0.05, GOLD, TextNode.A_right, "Semibold").set_text(key)
            _line(panel, (-0.13, y), 0.05, IVORY, TextNode.A_left).set_text(meaning)
        panel.set_pos(0, 0, 0.42)
        return panel


def _shade(parent: NodePath) -> None:
    """The picture grows dark towards its lower edge: the music stand's white pages lie there."""
    rows = 32
    darkness = SHADE * (np.arange(rows) / (rows - 1))[::-1] ** 1.4  # the texture's first row is its lowest
    pixels = np.zeros((rows, 4), np.uint8)
    pixels[:, :3] = (6, 9, 12)  # blue, green, red
    pixels[:, 3] = np.round(255 * darkness)
    texture = Texture("shade")
    texture.setup_2d_texture(1, rows, Texture.T_unsigned_byte, Texture.F_rgba)
    texture.set_ram_image(pixels.tobytes())
    texture.set_wrap_v(SamplerState.WM_clamp)
    maker = CardMaker("shade")
    maker.set_frame(-WIDEST, WIDEST, 0, SHADE_HEIGHT)
    card = parent.attach_new_node(maker.generate())
    card.set_texture(texture)
    card.set_transparency(TransparencyAttrib.M_alpha)
    card.set_bin("background", 0)  # under the letters of every corner


def _line(
    parent: NodePath,
    at: tuple[float, float],
    size: float,
    colour: tuple[float, float, float, float],
    align: int,
    weight: str = "Regular",
) -> TextNode:
    text = TextNode("line")
    text.set_font(typeface("Semibold" if weight == "Semibold" else "Regular"))
    text.set_align(align)
    text.set_text_color(*colour)
    # a soft dark edge keeps light letters readable on the lit stage
    text.set_shadow(0.03, 0.03)
    text.set_shadow_color(0.03, 0.02, 0.015, 0.9)
    node = parent.attach_new_node(text)
    node.set_pos(at[0], 0, at[1])
    node.set_scale(size)
    return text
