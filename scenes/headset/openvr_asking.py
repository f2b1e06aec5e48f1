"""Questions to a VR runtime that may be refused: for a moment, while it changes its state, or for good.

Each feature is on its own: what one runtime leaves out costs that alone and one line in the log.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .openvr_interfaces import REFUSED, name_of

AGAIN_S = 0.5
"""A feature that was refused is asked for again after this long."""
TELL_AFTER_S = 3.0
"""Refused for so long, it is mentioned."""
_T = TypeVar("_T")


@dataclass(slots=True)
class _Feature:
    refused_since_s: float = math.inf
    again_s: float = -math.inf
    told: bool = False


class Asking:
    """Asks for features by name, and appends a line to ``notices`` once for each that is refused for long. One thread
    at a time."""

    def __init__(self, notices: list[str]) -> None:
        self._notices = notices
        self._features: dict[str, _Feature] = {}

    def ask(self, feature: str, call: Callable[[], _T], otherwise: _T, now_s: float) -> _T:
        """What ``call`` gives; ``otherwise`` where the runtime refuses, or did a moment ago."""
        known = self._features.get(feature)
        if known is not None and now_s < known.again_s:
            return otherwise
        try:
            answer = call()
        except REFUSED as error:
            known = self._features.setdefault(feature, _Feature())
            known.again_s = now_s + AGAIN_S
            known.refused_since_s = min(known.refused_since_s, now_s)
            if now_s - known.refused_since_s > TELL_AFTER_S and not known.told:
                known.told = True
                self._notices.append(f"the VR runtime does not give {feature} ({name_of(error)}); the rest goes on")
            return otherwise
        if known is not None:
            known.refused_since_s = math.inf
        return answer
