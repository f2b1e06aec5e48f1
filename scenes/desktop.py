"""The window on a desktop: mouse and keys in, the engine stepped and drawn once a frame."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from panda3d.core import ClockObject, WindowProperties

from ..engine.audio.sound_watch import SoundReading
from ..engine.conducting.tapping import TapSource
from ..engine.conducting.tracking import PointerSource
from ..engine.errors import SceneError
from ..engine.types import Frame
from .cameras import FIRST_PERSON
from .conductor_view import ConductorView
from .gamepad import GamepadTap
from .overlay import Overlay
from .pointer import PointerTap
from .view import StageView
from .window_pointer import WindowPointer

log = logging.getLogger(__name__)

LOUDER = 0.05
"""One press of + or −, in level 0–1."""


MAX_FRAMES_PER_S = 144.0


@dataclass(frozen=True, slots=True)
class DesktopActions:
    """What the window's keys do; the studio gives the deeds. All are called on the window's thread."""

    step: Callable[[], Frame | None]
    """Advance the performance to now. None leaves the picture as it is."""
    now_s: Callable[[], float]
    start_stop: Callable[[], None]
    restart: Callable[[], None]
    change_level: Callable[[float], None]
    next_input: Callable[[], str] | None = None
    """Choose what conducts, in a round; one line that says what does now."""
    space_taps: Callable[[], bool] | None = None
    """Whether the space bar taps a beat instead of stopping and starting."""
    sound: Callable[[], SoundReading | None] | None = None
    """How the sound does, where that is news; None: as before."""


class Desktop:
    """Runs a ``StageView`` that was opened with ``window=True`` until it is closed; starts on the podium."""

    def __init__(
        self,
        view: StageView,
        pointer: PointerSource,
        actions: DesktopActions,
        title: str,
        pictures: Path = Path(),
        *,
        gamepad: PointerSource | None = None,
        taps: TapSource | None = None,
        hands: WindowPointer | None = None,
    ) -> None:
        """``pointer`` gets the mouse, ``gamepad`` the stick of any gamepad, ``taps`` the clicks and the T key;
        ``hands`` is the mouse while it points instead of conducting."""
        self._hands = hands
        self._view = view
        self._taps = taps
        self._actions = actions
        self._pictures = pictures
        self._tap = PointerTap(view.base, pointer, actions.now_s)
        self._gamepad = GamepadTap(gamepad, actions.now_s) if gamepad is not None else None
        self._overlay = Overlay(view.base.a2dBottomLeft, view.base.a2dBottomCenter, title)
        self._review = ConductorView(view.base.a2dTopRight, view.score) if view.score is not None else None
        self._closed = False
        self._begun = False
        view.look_from(FIRST_PERSON)
        # where the driver does not wait for the screen, an idle picture must not take a whole core
        clock = ClockObject.get_global_clock()
        clock.set_mode(ClockObject.M_limited)
        clock.set_frame_rate(MAX_FRAMES_PER_S)
        base = view.base
        for key, deed in {
            "space": self._space,
            "t": self._tap_beat,
            "mouse1": self._click,
            "shift-mouse1": self._click,
            "e": self._switch_hands,
            "m": self._menu,
            "i": self._next_input,
            "r": actions.restart,
            "+": lambda: actions.change_level(LOUDER),
            "shift-=": lambda: actions.change_level(LOUDER),
            "=": lambda: actions.change_level(LOUDER),
            "-": lambda: actions.change_level(-LOUDER),
            "c": self._next_camera,
            "v": self._toggle_review,
            "p": self._save_picture,
            "f": self._toggle_fullscreen,
            "h": self._overlay.toggle_help,
            "f1": self._overlay.toggle_help,
            "escape": self.close,
        }.items():
            base.accept(key, deed)
        base.win.set_close_request_event("close-request")
        base.accept("close-request", self.close)
        base.accept("window-event", self._window_event)
        # before Panda3D reads the devices itself (data loop at −50), which would swallow the movements
        base.task_mgr.add(self._frame, "performance", sort=-60)

    def run(self) -> None:
        """Draw and step until the window is closed. An error of the engine closes the window and is raised."""
        try:
            while not self._closed:
                self._view.base.task_mgr.step()
        finally:
            self._view.close()

    def close(self) -> None:
        """End ``run`` after this frame."""
        self._closed = True

    def _frame(self, task: Any) -> Any:
        self._tap.collect(pass_on=self._hands is None or not self._hands.busy)
        if self._gamepad is not None:
            self._gamepad.collect()
        frame = self._actions.step()
        if frame is not None:
            self._view.update(frame)
            self._overlay.update(frame)
            self._show_sound()
            if self._review is not None:
                self._review.update(frame)
            if frame.position.state == "playing" and not self._begun:
                self._begun = True
                self._overlay.hide_help()
        return task.cont

    def _show_sound(self) -> None:
        reading = self._actions.sound() if self._actions.sound is not None else None
        if reading is not None:
            sections = [(level.section, level.peak_db) for level in reading.sections]
            self._overlay.sound(reading.line, reading.warning, sections)

    def _click(self) -> None:
        if self._hands is None or not self._hands.press():
            self._tap_beat()

    def _switch_hands(self) -> None:
        if self._hands is not None:
            now = (
                "The mouse moves players: E gives it back to the baton"
                if self._hands.switch()
                else "The mouse conducts"
            )
            self._overlay.note(now, self._actions.now_s() + 4.0)

    def _menu(self) -> None:
        if self._hands is not None:
            self._hands.press_menu()

    def _tap_beat(self) -> None:
        if self._taps is not None:
            self._taps.tap(self._actions.now_s())

    def _space(self) -> None:
        if self._taps is not None and self._actions.space_taps is not None and self._actions.space_taps():
            self._tap_beat()
        else:
            self._actions.start_stop()

    def _next_input(self) -> None:
        if self._actions.next_input is not None:
            self._overlay.note(self._actions.next_input(), self._actions.now_s() + 4.0)

    def _toggle_review(self) -> None:
        if self._review is not None:
            self._review.toggle()

    def _next_camera(self) -> None:
        names = self._view.cameras
        self._view.look_from(names[(names.index(self._view.camera) + 1) % len(names)])

    def _toggle_fullscreen(self) -> None:
        base = self._view.base
        properties = WindowProperties()
        fullscreen = not base.win.get_properties().get_fullscreen()
        if fullscreen:
            properties.set_size(base.win.get_pipe().get_display_width(), base.win.get_pipe().get_display_height())
        else:
            properties.set_size(1280, 720)
            properties.set_origin(-2, -2)  # the middle of the screen
        properties.set_fullscreen(fullscreen)
        base.win.request_properties(properties)

    def _save_picture(self) -> None:
        number = 1
        while (path := self._pictures / f"tutti-{number:03d}.png").exists():
            number += 1
        try:
            self._view.screenshot(path)
        except (SceneError, OSError) as error:
            log.warning("the picture was not saved: %s", error)
            self._overlay.note(f"The picture was not saved: {error}", self._actions.now_s() + 6.0)
        else:
            self._overlay.note(f"Saved {path}", self._actions.now_s() + 4.0)

    def _window_event(self, window: object) -> None:
        base = self._view.base
        base.windowEvent(window)
        if window == base.win and base.win.is_closed():
            self._closed = True
