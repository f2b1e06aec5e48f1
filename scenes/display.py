"""Opening the picture: a window, or an offscreen buffer on a machine without a screen."""

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from direct.showbase.ShowBase import ShowBase
from panda3d.core import (
    AntialiasAttrib,
    FrameBufferProperties,
    GraphicsPipe,
    GraphicsPipeSelection,
    WindowProperties,
    load_prc_file_data,
)

from ..engine.errors import SceneError

log = logging.getLogger(__name__)

_SETTINGS = """
audio-library-name null
notify-level error
notify-level-device fatal
gl-version 3 2
gl-coordinate-system default
textures-power-2 none
sync-video {sync}
text-minfilter linear_mipmap_linear
text-magfilter linear
icon-filename
"""

NO_WINDOW = "no window can be opened: start Tutti on a desktop with OpenGL 3.2, or without --window (the page shows it)"
NO_OFFSCREEN = "no picture can be drawn: install OpenGL (Debian and Ubuntu: apt install libegl1 libgl1-mesa-dri)"


def open_display(
    title: str, *, window: bool, size: tuple[int, int], multisamples: int = 4, drivers: Sequence[str] = ()
) -> ShowBase:
    """A ShowBase with an open main window or buffer. Raises ``SceneError`` where there is no OpenGL 3.2.

    ``drivers`` are Panda3D's modules to try, best first; those that fit without.
    Panda3D allows one ShowBase per process; close it with ``destroy()`` before opening another.
    """
    load_prc_file_data("tutti", _SETTINGS.format(sync=int(window)))
    if (
        window
        and sys.platform.startswith("linux")
        and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    ):
        raise SceneError(NO_WINDOW)
    base = ShowBase(windowType="none")
    try:
        pipe = _find_pipe(window, drivers)
        if pipe is None or not _open(base, pipe, title, window, size, multisamples):
            raise SceneError(NO_WINDOW if window else NO_OFFSCREEN)
        gsg = base.win.gsg
        if not (gsg.supports_glsl and gsg.supports_geometry_instancing):
            raise SceneError(NO_WINDOW if window else NO_OFFSCREEN)
    except SceneError:
        base.destroy()
        raise
    log.info("drawing with %s (OpenGL %s)", gsg.driver_renderer, gsg.driver_version)
    base.set_background_color(0.012, 0.009, 0.007, 1)
    base.render.set_antialias(AntialiasAttrib.M_multisample)
    base.disable_mouse()
    return base


def _find_pipe(window: bool, drivers: Sequence[str]) -> GraphicsPipe | None:
    """OpenGL on the screen, or OpenGL without one; Mesa draws in software where there is no graphics card."""
    selection = GraphicsPipeSelection.get_global_ptr()
    modules = ["pandagl"] if window else ["p3headlessgl", "pandagl"]
    if sys.platform in ("win32", "darwin"):
        modules = ["pandagl"]
    for module in drivers or modules:
        pipe = selection.make_module_pipe(module)
        if pipe is not None and pipe.is_valid():
            return pipe
    return None


def _open(
    base: ShowBase, pipe: GraphicsPipe, title: str, window: bool, size: tuple[int, int], multisamples: int
) -> bool:
    properties = WindowProperties(size=size)
    properties.set_title(title)
    arguments: dict[str, Any] = {"pipe": pipe, "props": properties, "type": "onscreen" if window else "offscreen"}
    # some drivers refuse multisampling outright instead of giving less of it
    for samples in dict.fromkeys((multisamples, 0)):
        buffer = FrameBufferProperties()
        buffer.set_rgb_color(True)
        buffer.set_rgba_bits(8, 8, 8, 8)
        buffer.set_depth_bits(24)
        if window:  # a window that draws straight to the screen shows nothing with some drivers
            buffer.set_back_buffers(1)
        buffer.set_multisamples(samples)
        try:
            if base.open_main_window(fbprops=buffer, **arguments):
                return True
        except Exception as error:  # noqa: BLE001 - ShowBase raises bare Exceptions when a window cannot be had
            log.debug("no display with %d samples: %s", samples, error)
    return False
