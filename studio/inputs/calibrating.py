"""Learning the range of a device apart from a session."""

import time
from collections.abc import Callable

from ...engine.errors import InputError
from .calibration import RangeLearner, SpaceMap
from .osc import OscGesture, OscSource

PATIENCE_S = 30.0
"""How long to wait for the first movement."""


def learn_osc_space(
    port: int,
    host: str = "127.0.0.1",
    seconds: float = 5.0,
    *,
    patience_s: float = PATIENCE_S,
    now_s: Callable[[], float] = time.monotonic,
) -> SpaceMap:
    """Hear OSC until its range is known. Raises ``InputError`` where the port cannot be had, or nothing moves."""
    gesture = OscGesture(learner=RangeLearner(seconds))
    source = OscSource(now_s, port, host, gesture=gesture)
    try:
        end_s = now_s() + patience_s + seconds
        while gesture.space is None:
            if now_s() > end_s:
                raise InputError(f"OSC: nothing moved at {host}:{source.port}; send /baton x y z there")
            time.sleep(0.05)
    finally:
        source.close()
    return gesture.space
