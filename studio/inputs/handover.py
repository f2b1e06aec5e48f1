"""Which of several batons conducts: the one that last moved on purpose, handed over where no beat is cut.

Pure decisions over how each input has moved; ``studio.inputs.rack`` holds the devices.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ...engine.types import Pose

WINDOW_S = 0.3
"""Movement is the extent of the way within the last so many seconds."""
LOOK_S = 0.02
STILL_M = 0.02
"""A hand that stays within this much is still: more than tracking noise and the tremor of a hand."""
DELIBERATE_M = 0.05
"""A movement this large is meant; a bumped desk moves a mouse by less."""
ACTING_S = 0.15
"""A deliberate movement counts for so long."""
QUIET_S = 1.0
"""A baton that was still or absent for so long may be followed by another,"""
QUIET_AT_REST_S = 0.25
"""or for so long while the orchestra waits anyway, or while the baton has not proved itself:"""
PROVED_M = 0.4
"""it has gone this far since it took over. Until then the one before needs not wait to take it back."""

Reason = Literal["first", "moved", "chosen", "lost"]


class Movement:
    """How one input's baton moves. Fed by its valid poses, in order of time."""

    def __init__(self) -> None:
        self._way: deque[Pose] = deque()
        self.latest_s = -math.inf
        """When the last pose was."""
        self.moved_s = -math.inf
        """When it last moved at all."""
        self.acted_s = -math.inf
        """When it last moved on purpose."""
        self.travelled_m = 0.0
        """Length of the way that it moved along, still moments left out."""

    def add(self, pose: Pose) -> None:
        """The baton's next pose; other devices, lost tracking and nonsense are passed over."""
        x, y, z = pose.position_m
        if pose.device != "baton" or not pose.valid or not math.isfinite(x + y + z):
            return
        if pose.time_s < self.latest_s + LOOK_S:
            return
        self.latest_s = pose.time_s
        before = self._way[-1] if self._way else None
        self._way.append(pose)
        while self._way[0].time_s < pose.time_s - WINDOW_S:
            self._way.popleft()
        extent_m = self._extent_m()
        if extent_m > STILL_M:
            self.moved_s = pose.time_s
            if before is not None and len(self._way) > 1:
                self.travelled_m += math.dist(before.position_m, pose.position_m)
        if extent_m > DELIBERATE_M:
            self.acted_s = pose.time_s

    def _extent_m(self) -> float:
        spans = (max(axis) - min(axis) for axis in zip(*(pose.position_m for pose in self._way), strict=True))
        return math.hypot(*spans)


@dataclass(frozen=True, slots=True)
class Decision:
    """Who conducts from now on, and why it is another than before."""

    name: str | None
    reason: Reason


class Handover:
    """Decides who conducts. One thread.

    ``names`` are the inputs, the preferred first: where nobody has moved yet, the first that is there conducts.
    """

    def __init__(self, names: Sequence[str], chosen: str | None = None) -> None:
        self.names = tuple(names)
        self.chosen = chosen
        """Conducts whatever the others do, as long as it is there; None leaves it to who moves."""
        self.present: str | None = None
        self._before: str | None = None
        self._started_m = 0.0

    def decide(self, now_s: float, movements: Mapping[str, Movement], at_rest: bool) -> Decision | None:
        """A change of who conducts, or None. ``movements`` has the inputs that are there (not lost); ``at_rest`` says
        that the orchestra waits, so that no beat can be cut."""
        if self.chosen is not None and self.chosen in movements:
            return self._change(self.chosen, movements, "chosen") if self.present != self.chosen else None
        acting = [name for name in self.names if name in movements and now_s - movements[name].acted_s <= ACTING_S]
        if self.present is None or self.present not in movements:
            return self._replace(acting, movements)
        quiet_s = now_s - movements[self.present].moved_s
        rivals = [name for name in acting if name != self.present]
        if not rivals:
            return None
        latest = max(rivals, key=lambda name: movements[name].acted_s)
        proved = movements[self.present].travelled_m - self._started_m >= PROVED_M
        eased = at_rest or (not proved and latest == self._before)
        if quiet_s < (QUIET_AT_REST_S if eased else QUIET_S):
            return None
        return self._change(latest, movements, "moved")

    def _replace(self, acting: list[str], movements: Mapping[str, Movement]) -> Decision | None:
        """The present one is gone, or nobody was there yet."""
        lost = self.present is not None
        there = acting or [name for name in self.names if name in movements and movements[name].latest_s > -math.inf]
        if there:
            return self._change(there[0], movements, "lost" if lost else "first")
        if lost:
            self.present, self._before = None, None
            return Decision(None, "lost")
        return None

    def _change(self, name: str, movements: Mapping[str, Movement], reason: Reason) -> Decision:
        self._before, self.present = self.present, name
        self._started_m = movements[name].travelled_m
        return Decision(name, reason)
