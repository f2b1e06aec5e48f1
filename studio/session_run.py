"""Stepping a session until it is over."""

import signal
import time
from collections.abc import Callable
from types import FrameType

from ..engine.clock import SessionClock

STEP_S = 0.01
TAKE_LEAD_S = 2.0
"""A take, or a recorded session, starts this long after everything is ready."""
AFTER_TAKE_S = 4.0
"""A take's last notes ring out for so long."""


class SessionRun:
    """Steps until a signal asks to stop or the take is over."""

    def __init__(
        self,
        clock: SessionClock,
        end_s: float | None,
        ended: Callable[[], bool],
        clapping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._clock = clock
        self._clapping = clapping
        self._end_s = end_s
        self._ended = ended
        self._over_since_s: float | None = None
        self._asked = False
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # a terminal that is closed hangs up; Windows has no such signal
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

    @property
    def over(self) -> bool:
        """Asked to stop; or, with a take, the music has ended and rung out, or the take is long over."""
        if self._asked or self._end_s is None or self._clapping():
            return self._asked
        now_s = self._clock.now_s()
        if self._ended() and self._over_since_s is None:
            self._over_since_s = now_s
        rung_out = self._over_since_s is not None and now_s > self._over_since_s + AFTER_TAKE_S
        return rung_out or now_s > self._end_s + AFTER_TAKE_S

    def until_over(self, step: Callable[[], object], step_s: float = STEP_S) -> None:
        """Call ``step`` every ``step_s``; late steps are not made up for."""
        due_s = self._clock.now_s()
        while not self.over:
            step()
            due_s = max(due_s + step_s, self._clock.now_s())
            time.sleep(max(0.0, due_s - self._clock.now_s()))
