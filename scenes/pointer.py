"""Every movement of the mouse in the window, spread over the time it took: a baton needs more than one sample a
frame."""

from collections.abc import Callable

from direct.showbase.ShowBase import ShowBase

from ..engine.conducting.tracking import PointerSource


class PointerTap:
    """Feeds the window's mouse movements into a ``PointerSource``; call ``collect`` once a frame.

    The window system hands the movements over once a frame, so that their own stamps are all alike. They are taken
    to have come evenly since the last frame, which holds within a frame's length.
    """

    def __init__(self, base: ShowBase, source: PointerSource, now_s: Callable[[], float]) -> None:
        self._base = base
        self._source = source
        self._now_s = now_s
        self._device = base.win.get_input_device(0)
        self._device.enable_pointer_events()
        self._last_s = now_s()

    def collect(self, *, pass_on: bool = True) -> int:
        """Pass on what the mouse did since the last call, or let it go; how many samples were passed on."""
        now_s = self._now_s()
        width, height = self._base.win.get_x_size(), self._base.win.get_y_size()
        places: list[tuple[float, float]] = []
        if self._device.has_pointer_event():
            events = self._device.get_pointer_events()
            places = [(events.get_xpos(i), events.get_ypos(i)) for i in range(events.get_num_events())]
        elif self._device.get_pointer().get_in_window():
            # a mouse at rest is a baton at rest: say so, or the orchestra would wait for news
            pointer = self._device.get_pointer()
            places = [(pointer.get_x(), pointer.get_y())]
        begun_s, self._last_s = self._last_s, now_s
        if not pass_on:
            return 0
        # a long stall (a dragged window) says nothing of when the mouse moved: keep to the last tenth of a second
        begun_s = max(begun_s, now_s - 0.1)
        for index, (x, y) in enumerate(places):
            stamp_s = begun_s + (now_s - begun_s) * (index + 1) / len(places)
            self._source.push(2.0 * x / max(width, 1) - 1.0, 1.0 - 2.0 * y / max(height, 1), stamp_s)
        return len(places)
