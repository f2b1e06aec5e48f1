"""Conducting by tapping: taps become the motion of a baton whose lowest points are at the taps.

Everything behind it is as for any other baton. A tap is not announced, and the way to it says nothing of when it will
come: a rebound from the last tap, always alike, then a slow sinking high above the lowest point; once the tap is there,
the whole fall within the last hundredths of a second. (A way that falls with the last period makes the tracker believe
in that period: F at ±70 ms was 0.85 for lively rubato, against 0.93.) Where no tap comes the hand stays up: a hold.
"""

import math
import threading
from collections import deque
from collections.abc import Sequence

from ..types import Pose
from .tracking import POINTER_CENTRE_M

SHORTEST_TAP_S = 0.12
"""Taps that follow closer are the bounce of a contact or key repeat (500 beats a minute)."""
HOLD_BACK_S = 0.03
"""The hand's way is given this late, so that the fall to a tap that was just made can still be drawn."""
RATE_HZ = 100.0
RESTING_RATE_HZ = 30.0
LONGEST_SILENCE_S = 0.25
"""After a pause of the polling (a stalled window), the way is drawn again only this far back."""
REST_BEFORE_S = 0.5
"""The first tap lifts the hand out of a rest of this length: the usual preparatory beat."""
FORGOTTEN_S = 120.0
"""Who has not tapped for so long is gone."""
REBOUND_S = 0.28
SINK_M_S = 0.045
"""Faster than the sway of a hand that rests, so that a slow beat is no stop."""
FIRST_SINK_M_S = 0.13
"""After a first tap: a hand that stands still at the top would not be on a preparatory beat."""
HOVER = 0.5
"""The hand rests at this part of the stroke at last."""
RESTING_AFTER_S = 4.0
SMALLEST_STROKE_M, LARGEST_STROKE_M = 0.12, 0.48


class TapSource:
    """A ``PoseSource`` that taps conduct: the first is the preparatory beat, each that follows is a beat.

    ``tap`` and ``set_level`` may be called from any thread, ``poll`` from one. Stamps of the poses are up to
    ``HOLD_BACK_S`` behind the time of the poll; a tap that is told later than that is moved to where the way has
    got to. Between taps that stay away the hand rests; before the first tap, and ``FORGOTTEN_S`` after the last, there
    are no poses.
    """

    def __init__(self, hold_back_s: float = HOLD_BACK_S) -> None:
        self._hold_back_s = hold_back_s
        self._lock = threading.Lock()
        self._waiting: deque[tuple[float, float]] = deque(maxlen=64)
        self._level: float | None = None
        self._latest_tap_s = -math.inf
        self._taps = 0
        self._ictus_s: float | None = None
        self._stroke_m = _stroke_m(0.5)
        self._drawn_s: float | None = None
        self._height_m = 0.0
        self._sink_m_s = FIRST_SINK_M_S

    @property
    def taps(self) -> int:
        """How many taps were taken."""
        return self._taps

    def tap(self, time_s: float, strength: float = 0.5) -> bool:
        """A tap at ``time_s`` (session clock); ``strength`` 0–1 (velocity, pressure) is the size of the stroke.

        False where it is not taken: not finite, not later than the last, or a bounce of it.
        """
        if not (math.isfinite(time_s) and math.isfinite(strength)):
            return False
        with self._lock:
            if time_s - self._latest_tap_s < SHORTEST_TAP_S:
                return False
            self._latest_tap_s = time_s
            self._taps += 1
            level = strength if self._level is None else self._level
            self._waiting.append((time_s, min(1.0, max(0.0, level))))
        return True

    def set_level(self, level: float) -> None:
        """A controller gives the size of the strokes from now on (0–1), in place of the taps' strength."""
        if math.isfinite(level):
            self._level = min(1.0, max(0.0, level))

    def poll(self, now_s: float) -> Sequence[Pose]:
        poses: list[Pose] = []
        with self._lock:
            due = []
            while self._waiting and self._waiting[0][0] <= now_s:
                due.append(self._waiting.popleft())
        if not due and now_s - (-math.inf if self._ictus_s is None else self._ictus_s) > FORGOTTEN_S:
            self._ictus_s = self._drawn_s = None
            return poses
        if self._drawn_s is None:
            self._drawn_s, self._height_m = due[0][0] - REST_BEFORE_S, 0.0
        elif now_s - self._drawn_s > LONGEST_SILENCE_S:
            self._drawn_s = now_s - LONGEST_SILENCE_S
        for time_s, strength in due:
            self._fall_to(max(time_s, self._drawn_s + 0.004), poses)
            first = self._ictus_s is None or time_s - self._ictus_s > RESTING_AFTER_S
            self._sink_m_s = FIRST_SINK_M_S if first else SINK_M_S
            self._ictus_s, self._stroke_m = time_s, _stroke_m(strength)
        until_s = now_s - self._hold_back_s
        if self._ictus_s is not None and now_s - self._ictus_s < SHORTEST_TAP_S:
            until_s = now_s  # no tap can come so soon: show the rebound at once
        self._draw(until_s, poses)
        return poses

    def restart(self) -> None:
        """The music starts anew: the next tap is a preparatory beat, out of rest. For the thread that polls."""
        self._ictus_s = self._drawn_s = None

    def close(self) -> None:
        with self._lock:
            self._waiting.clear()

    # -- the hand's way ------------------------------------------------------------------------------------

    def _height_at(self, time_s: float) -> float:
        """Height over the lowest point while no further tap has come."""
        if self._ictus_s is None:
            return 0.0
        since_s = max(0.0, time_s - self._ictus_s)
        if since_s < REBOUND_S:
            return self._stroke_m * math.sin(0.5 * math.pi * since_s / REBOUND_S) ** 2
        return max(HOVER * self._stroke_m, self._stroke_m - self._sink_m_s * (since_s - REBOUND_S))

    def _draw(self, until_s: float, poses: list[Pose]) -> None:
        """Follow the usual way to ``until_s``."""
        assert self._drawn_s is not None
        resting = self._ictus_s is None or until_s - self._ictus_s > RESTING_AFTER_S
        step_s = 1.0 / (RESTING_RATE_HZ if resting else RATE_HZ)
        while self._drawn_s + step_s <= until_s:
            self._put(self._drawn_s + step_s, self._height_at(self._drawn_s + step_s), poses)

    def _fall_to(self, tap_s: float, poses: list[Pose]) -> None:
        """From where the hand was drawn last to the lowest point at ``tap_s``."""
        assert self._drawn_s is not None
        self._draw(tap_s - self._hold_back_s, poses)
        start_s, start_m = self._drawn_s, self._height_m
        count = max(1, round((tap_s - start_s) * RATE_HZ))
        for index in range(1, count + 1):
            part = index / count
            self._put(start_s + part * (tap_s - start_s), start_m * math.cos(0.5 * math.pi * part), poses)

    def _put(self, time_s: float, height_m: float, poses: list[Pose]) -> None:
        across, low, depth = POINTER_CENTRE_M
        self._drawn_s, self._height_m = time_s, height_m
        poses.append(Pose(time_s, "baton", (across, low - 0.15 + height_m, depth)))


def _stroke_m(strength: float) -> float:
    return SMALLEST_STROKE_M + strength * (LARGEST_STROKE_M - SMALLEST_STROKE_M)
