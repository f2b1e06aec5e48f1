"""Both eyes drawn into one double-wide buffer, culled once."""

from collections.abc import Sequence

import numpy as np
from direct.showbase.ShowBase import ShowBase
from panda3d.core import (
    Camera,
    DisplayRegion,
    FrameBufferProperties,
    GraphicsOutput,
    GraphicsPipe,
    Lens,
    MatrixLens,
    NodePath,
    Texture,
    WindowProperties,
)

from ...engine.errors import SceneError
from ..players import Viewpoint
from .eyes import Eye, aim_lens, common_field
from .hidden_area import hidden_area

BEFORE_THE_DISPLAY = -10
"""The buffer is complete (its samples averaged) when the main window or buffer is drawn."""


class StereoBuffer:
    """Two eyes under ``head``, a node of the scene that whoever knows the head moves.

    ``look_with`` before the first picture. ``texture`` holds the left eye's picture in its left half. Raises
    ``SceneError`` where the graphics card has no room.
    """

    def __init__(self, base: ShowBase, head: NodePath, eye_px: tuple[int, int], multisamples: int) -> None:
        self.eye_px = eye_px
        self.texture = Texture("eyes")
        self.texture.set_format(Texture.F_rgba8)  # OpenXR's swapchains are made after it, and know sized formats only
        self._base = base
        self._head = head
        self._lens = MatrixLens()
        self._camera = head.attach_new_node(Camera("eyes", self._lens))
        self._buffer = self._open(multisamples)
        self._buffer.add_render_texture(self.texture, GraphicsOutput.RTM_bind_or_copy)
        self._buffer.set_clear_color(base.win.get_clear_color())
        self._buffer.set_clear_color_active(True)
        self._regions = [self._half(index) for index in range(2)]
        for region, channel in zip(self._regions, (Lens.SC_left, Lens.SC_right), strict=True):
            region.set_camera(self._camera)
            region.set_stereo_channel(channel)
            region.set_clear_depth_active(True)

    def look_with(self, eyes: tuple[Eye, Eye]) -> None:
        """See with these eyes, left and right, from the next picture on."""
        self._field = common_field(eyes)
        aim_lens(self._lens, eyes, self._field)

    def hide(self, areas: Sequence[np.ndarray]) -> None:
        """Leave out of the left and the right eye's picture what the lenses hide (``hidden_corners``). Once."""
        for index, (corners, shown) in enumerate(zip(areas, self._regions, strict=True)):
            before = self._half(index)
            before.set_sort(shown.get_sort() - 1)
            before.set_clear_depth_active(True)
            before.set_camera(hidden_area(corners).attach_new_node(Camera("hidden")))
            shown.set_clear_depth_active(False)

    def viewpoint(self) -> Viewpoint:
        """What both eyes see, for choosing players and their detail."""
        top, field = self._base.render, self._field
        return Viewpoint(
            eye_m=np.array(top.get_relative_point(self._head, (0.0, -field.behind_m, 0.0))),
            forward=np.array(top.get_relative_vector(self._head, (0.0, 1.0, 0.0))),
            half_field_rad=field.half_field_rad,
            pixels_per_radian=self.eye_px[1] / (field.up - field.down),
        )

    def texture_id(self) -> int:
        """OpenGL's name of the texture. Ask for it while the graphics context is the current one."""
        gsg = self._base.win.gsg
        return int(self.texture.prepare_now(0, gsg.prepared_objects, gsg).get_native_id())

    def _half(self, index: int) -> DisplayRegion:
        return self._buffer.make_mono_display_region(0.5 * index, 0.5 * index + 0.5, 0.0, 1.0)

    def _open(self, multisamples: int) -> GraphicsOutput:
        win = self._base.win
        wide, high = self.eye_px
        for samples in dict.fromkeys((multisamples, 0)):
            properties = FrameBufferProperties()
            properties.set_rgba_bits(8, 8, 8, 8)
            properties.set_depth_bits(24)
            properties.set_multisamples(samples)
            buffer = self._base.graphics_engine.make_output(
                win.get_pipe(),
                "eyes",
                BEFORE_THE_DISPLAY,
                properties,
                WindowProperties(size=(2 * wide, high)),
                GraphicsPipe.BF_refuse_window,
                win.gsg,
                win,
            )
            if buffer is not None:
                return buffer
        raise SceneError(f"the graphics card has no room for two pictures of {wide} × {high}: update its driver")
