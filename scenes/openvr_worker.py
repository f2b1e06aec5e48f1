"""The headset's process: asks the VR runtime for poses at a steady rate and passes them on.

Started by ``scenes.headset.HeadsetSource``. A runtime that crashes or hangs takes this process with it and no other.
"""

import contextlib
import signal
import time
from multiprocessing.connection import Connection

from ..engine.clock import SessionClock
from ..engine.errors import HeadsetError
from .openvr_messages import Close, Ended, Failed, HeadsetJob, HoldBaton, Notice, Ready, Tick

LEAST_RATE_HZ = 200.0
"""Poses are asked for at least this often: trackers run at 200 Hz and more, whatever the display does."""
HEARTBEAT_S = 0.5
"""The studio hears from us at least this often, or takes the runtime for hung."""


def run_headset(job: HeadsetJob, pipe: Connection) -> None:
    """The process's main function: until the runtime or the studio wants it to end, or the studio is gone."""
    for name in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group, they are the studio's to handle
        signal.signal(name, signal.SIG_IGN)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the studio is gone
        _run(job, pipe)


def _run(job: HeadsetJob, pipe: Connection) -> None:
    try:
        from .openvr_tracking import HeadsetTracking  # loads OpenVR's library, which not every machine can
    except (ImportError, OSError) as error:
        reason = " ".join(str(error).split())
        pipe.send(Failed(f"OpenVR cannot be loaded here ({reason}): conduct with the page or --window"))
        return
    clock = SessionClock(job.clock_origin_s)
    try:
        tracking = HeadsetTracking(job, clock)
    except HeadsetError as error:
        pipe.send(Failed(str(error)))
        return
    try:
        rate_hz = max(LEAST_RATE_HZ, tracking.display_hz)
        pipe.send(Ready(tracking.headset, tracking.display_hz, rate_hz))
        sent_s, due_s = clock.now_s(), clock.now_s()
        while not tracking.quit:
            while pipe.poll():
                match pipe.recv():
                    case HoldBaton(hand):
                        tracking.hold_baton(hand)
                    case Tick(amplitude, duration_s):
                        tracking.tick(amplitude, duration_s)
                    case Close():
                        return
            sample = tracking.sample()
            for line in tracking.notices:
                pipe.send(Notice(line))
            tracking.notices.clear()
            now_s = clock.now_s()
            if sample.poses or sample.presses or now_s - sent_s > HEARTBEAT_S:
                pipe.send(sample)
                sent_s = now_s
            due_s = max(due_s + 1.0 / rate_hz, now_s)
            time.sleep(due_s - now_s)
        pipe.send(Ended("the VR runtime is closing"))
    finally:
        tracking.close()
