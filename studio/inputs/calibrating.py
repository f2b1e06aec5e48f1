"""Learning the range of a device apart from a session."""

import time
from collections.abc import Callable

from ...engine.errors import InputError
from .calibration import RangeLearner, SpaceMap
from .osc import OscGesture, OscSource

PATIENCE_S = 30.0
"""How long to wait for the first movement."""
SAY_EVERY_S = 10.0
"""How often to say what is waited for."""


def learn_osc_space(
    port: int,
    host: str = "127.0.0.1",
    seconds: float = 5.0,
    *,
    patience_s: float = PATIENCE_S,
    now_s: Callable[[], float] = time.monotonic,
    say: Callable[[str], None] = lambda _line: None,
) -> SpaceMap:
    """Hear OSC until its range is known; ``say`` is told in a line what is waited for, until the first movement.

    Raises ``InputError`` where the port cannot be had, or nothing moves for ``patience_s``.
    """
    gesture = OscGesture(learner=RangeLearner(seconds))
    source = OscSource(now_s, port, host, gesture=gesture)
    try:
        begun_s = now_s()
        say(
            f"Waiting for /baton x y z by OSC at {host}:{source.port}, {patience_s:g} s at most; "
            f"then conduct for {seconds:g} s, as large as you will."
        )
        said = 0
        while gesture.space is None:
            waited_s = now_s() - begun_s
            if waited_s > patience_s + seconds:
                raise InputError(_nothing_moved(source, host, waited_s))
            if not gesture.learning and waited_s // SAY_EVERY_S > said and waited_s < patience_s:
                said = int(waited_s // SAY_EVERY_S)
                say(f"Still waiting: {source.packets or 'no'} packets came, and no /baton that moves.")
            time.sleep(0.05)
    finally:
        source.close()
    return gesture.space


def _nothing_moved(source: OscSource, host: str, waited_s: float) -> str:
    if source.packets:
        came = f"{source.packets} packets came to {host}:{source.port} in {waited_s:.0f} s, but too little of /baton"
        return f"OSC: {came}: let the sender send /baton x y z (or x y) there while you conduct"
    others = "" if host == "0.0.0.0" else "; from another device it is heard with --osc-host 0.0.0.0"
    return f"OSC: nothing came to {host}:{source.port} in {waited_s:.0f} s: send /baton x y z there{others}"
