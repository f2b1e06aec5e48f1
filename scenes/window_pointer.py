"""The mouse in the window as a pointing hand: beside the baton, or instead of it."""

from collections.abc import Callable, Sequence

from direct.showbase.ShowBase import ShowBase
from panda3d.core import Point3

from ..engine.interaction.values import InteractionFrame, Pointer
from ..engine.types import Vector

WHO = "window"


class WindowPointer:
    """A ``PointerSource``: the mouse points while ``on`` (then the left button presses), or while the right button is
    held. Use it from the window's thread.

    ``busy`` tells that the mouse points, and is no baton now.
    """

    def __init__(self, base: ShowBase, now_s: Callable[[], float]) -> None:
        self._base = base
        self._now_s = now_s
        self._on = False
        self._menu_open = self._for_menu = False
        self._left = self._right = False
        self._section = False
        self._menu = False
        self._told = False
        self._pending: list[Pointer] = []
        for event, deed in {
            "mouse3": self._press_right,
            "mouse3-up": self._release_right,
            "shift-mouse3": self._press_right,
            "shift-mouse3-up": self._release_right,
            "mouse1-up": self._release_left,
            "shift": lambda: self._hold_shift(True),
            "shift-up": lambda: self._hold_shift(False),
        }.items():
            base.accept(event, deed)

    @property
    def on(self) -> bool:
        """Whether the mouse points until it is switched back."""
        return self._on

    @property
    def busy(self) -> bool:
        return self._on or self._right

    def switch(self) -> bool:
        """Let the mouse point, or be the baton again; whether it points now."""
        self._on = not self._on
        self._left = self._for_menu = False
        return self._on

    def press_menu(self) -> None:
        """Open or close the menu; while it is open the mouse points."""
        if not self._menu_open and not self._on:
            self._on = self._for_menu = True
        self._menu = True
        self._note()
        self._menu = False
        self._note()

    def watch(self, frame: InteractionFrame) -> None:
        """What the mouse's pointing came to: with the menu closed, it is the baton again."""
        menu_open = any(panel.key == "menu" for panel in frame.panels)
        if self._menu_open and not menu_open and self._for_menu:
            self._on = self._for_menu = False
        self._menu_open = menu_open

    def press(self) -> bool:
        """The left button went down; False where it is not for pointing."""
        if not self._on:
            return False
        self._note()
        self._left = True
        self._note()
        return True

    def poll_pointers(self, now_s: float) -> Sequence[Pointer]:
        """What the mouse did since the last call."""
        if self.busy:
            self._note()
        elif self._told and not self._pending:
            self._pending = [Pointer(now_s, WHO, "mouse", (0.0, 0.0, 1.8), (0.0, 1.0, 0.0), valid=False)]
            self._told = False
            pending, self._pending = self._pending, []
            return pending
        pending, self._pending = self._pending, []
        self._told = self._told or bool(pending)
        return pending

    def _press_right(self) -> None:
        self._note()
        self._right = True
        self._note()

    def _release_right(self) -> None:
        self._right = False
        self._note()

    def _release_left(self) -> None:
        if self._left:
            self._left = False
            self._note()

    def _hold_shift(self, held: bool) -> None:
        self._section = held

    def _note(self) -> None:
        """The mouse as it is now."""
        watcher = self._base.mouseWatcherNode
        eye, gaze = self._eye()
        origin, direction, valid = eye, gaze, watcher.has_mouse()
        if valid:
            near, far = Point3(), Point3()
            self._base.camLens.extrude(watcher.get_mouse(), near, far)
            render, camera = self._base.render, self._base.cam
            start, end = render.get_relative_point(camera, near), render.get_relative_point(camera, far)
            way = end - start
            way.normalize()
            origin, direction = (start.x, start.y, start.z), (way.x, way.y, way.z)
        self._pending.append(
            Pointer(
                self._now_s(),
                WHO,
                "mouse",
                origin,
                direction,
                select=self._left or self._right,
                menu=self._menu,
                section=self._section,
                valid=valid or self._menu,
                eye_m=eye,
                gaze=gaze,
            )
        )

    def _eye(self) -> tuple[Vector, Vector]:
        render, camera = self._base.render, self._base.cam
        place, ahead = camera.get_pos(render), render.get_relative_vector(camera, (0, 1, 0))
        return (place.x, place.y, place.z), (ahead.x, ahead.y, ahead.z)
