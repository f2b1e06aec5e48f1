"""The headset's process: asks the VR runtime for poses at a steady rate, passes them on, and draws the hall for it.

Started by ``scenes.headset.headset.HeadsetSource``. A runtime or a graphics driver that crashes or hangs takes this
process with it and no other. The main thread draws, where there is something to draw; poses are asked for by a thread
of its own, which the runtime's pacing of pictures does not hold up.
"""

import contextlib
import gc
import math
import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from ...engine.clock import SessionClock
from ...engine.errors import HeadsetError, SceneError
from .openvr_messages import Close, Ended, Failed, HeadsetJob, HoldBaton, Notice, Ready, Recenter, Sample, Show, Tick

if TYPE_CHECKING:
    from .openvr_picture import HeadsetPicture
    from .openvr_tracking import HeadsetTracking

LEAST_RATE_HZ = 250.0
"""Poses are asked for at least this often: trackers run at 200 Hz and more, whatever the display does."""
HEARTBEAT_S = 0.5
"""The studio hears from us at least this often, or takes the runtime for hung."""
FROZEN_S = 4.0
"""A picture that stands still for so long is mentioned."""
FIRST_PICTURE_S = 60.0
"""What the first picture may take, for which shaders are compiled and textures sent."""
FIRST_PICTURES_S = 5.0
"""Poses are asked for once the runtime takes our pictures, or after this long."""
SOFTWARE_CORES = 0.5
"""Where Mesa draws in software, it takes this part of the processor: the rest is for the sound."""
COLLECT_EVERY = 90
"""Pictures between two thorough collections of garbage."""
SWITCH_S = 0.001
"""How long one thread may keep Python from the other."""


def run_headset(job: HeadsetJob, pipe: Connection) -> None:
    """The process's main function: until the runtime or the studio wants it to end, or the studio is gone."""
    for name in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group, they are the studio's to handle
        signal.signal(name, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_S)
    os.environ.setdefault("LP_NUM_THREADS", str(max(1, int(SOFTWARE_CORES * (os.cpu_count() or 1)))))
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
    picture = None
    try:
        tracking = HeadsetTracking(job, clock)
        try:
            if job.stage is not None:
                from .openvr_picture import HeadsetPicture

                picture = HeadsetPicture(job.stage, tracking, clock, tracking.display_hz)
        except SceneError as error:
            # the headset still conducts; whoever joins as a scene and shows none would leave people in the dark
            tracking.close()
            tracking = HeadsetTracking(_without_picture(job), clock)
            tracking.notices.append(f"the headset shows no hall ({error}); it conducts all the same")
    except HeadsetError as error:
        pipe.send(Failed(str(error)))
        return
    try:
        rate_hz = max(LEAST_RATE_HZ, tracking.display_hz)
        size = picture.eye_px if picture is not None else (0, 0)
        pipe.send(Ready(tracking.headset, tracking.display_hz, rate_hz, size))
        patience_s = job.patience_s if picture is not None else math.inf
        with _Sampler(tracking, clock, pipe, rate_hz, patience_s) as sampler:
            if picture is None:
                sampler.begin()
                _serve(tracking, pipe, sampler)
            else:
                _draw(tracking, pipe, sampler, picture)
        if sampler.failure is not None:
            raise sampler.failure
        if picture is not None and picture.refused:
            pictures = picture.refused + picture.drawn
            pipe.send(Notice(f"{picture.refused} of {pictures} pictures were not taken (last: {picture.trouble})"))
        if tracking.quit:
            pipe.send(Ended("the VR runtime is closing"))
    finally:
        tracking.close()  # before the graphics context goes, which runtimes on OpenXR share until they are left
        if picture is not None:
            picture.close()


def _without_picture(job: HeadsetJob) -> HeadsetJob:
    return HeadsetJob(job.clock_origin_s, job.seated, job.baton_hand)


def _serve(tracking: "HeadsetTracking", pipe: Connection, sampler: "_Sampler") -> None:
    """Do what the studio says, until someone wants to end."""
    while sampler.going:
        if pipe.poll(0.05) and not _obey(pipe.recv(), tracking, []):
            return


def _draw(tracking: "HeadsetTracking", pipe: Connection, sampler: "_Sampler", picture: "HeadsetPicture") -> None:
    """Draw one picture after the other with what the studio tells, until someone wants to end."""
    begun_s = time.monotonic()
    # garbage is collected here, between two pictures: not in the midst of one, and not by the thread that stamps poses
    gc.collect()
    gc.freeze()
    gc.disable()
    while sampler.going:
        news: list[Show] = []
        while pipe.poll():
            if not _obey(pipe.recv(), tracking, news):
                return
        picture.draw(news)
        sampler.drew(picture)
        gc.collect(0 if picture.drawn % COLLECT_EVERY else 1)
        if picture.steady or time.monotonic() - begun_s > FIRST_PICTURES_S:
            sampler.begin()


def _obey(message: object, tracking: "HeadsetTracking", news: list[Show]) -> bool:
    """Do what the studio says; False where it says that all is over."""
    match message:
        case Show():
            news.append(message)
        case HoldBaton(hand):
            tracking.hold_baton(hand)
        case Recenter():
            tracking.recenter()
        case Tick(amplitude, duration_s, hand):
            tracking.tick(amplitude, duration_s, hand)
        case Close():
            return False
    return True


class _Sampler:
    """The thread that asks for poses and sends them. Its context ends it, so that the runtime can be left."""

    def __init__(
        self, tracking: "HeadsetTracking", clock: SessionClock, pipe: Connection, rate_hz: float, patience_s: float
    ) -> None:
        self._tracking = tracking
        self._clock = clock
        self._pipe = pipe
        self._period_s = 1.0 / rate_hz
        self._patience_s = patience_s
        self._may_begin = threading.Event()
        self._end = threading.Event()
        self._drew_s = clock.now_s()
        self._drawn = 0
        self._mentioned: set[str] = set()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="headset-poses", daemon=True)

    def __enter__(self) -> "_Sampler":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._may_begin.set()
        self._thread.join()

    @property
    def going(self) -> bool:
        """False once the thread has ended."""
        return self._thread.is_alive()

    def begin(self) -> None:
        """Poses may be asked for from now on."""
        self._may_begin.set()

    def drew(self, picture: "HeadsetPicture") -> None:
        """A picture was drawn, and taken by the compositor or refused."""
        self._drew_s = self._clock.now_s()
        trouble = picture.trouble
        if trouble and picture.drawn == self._drawn and trouble not in self._mentioned:
            self._mentioned.add(trouble)
            self._tracking.notices.append(f"the headset does not show the hall ({trouble}): {picture.advice}")
        self._drawn = picture.drawn

    def _work(self) -> None:
        try:
            while not self._may_begin.wait(HEARTBEAT_S):
                self._tell()
                self._pipe.send(Sample((), (), None))
                self._watch()
            self._ask()
        except (EOFError, OSError) as error:
            self.failure = error if isinstance(error, (EOFError, BrokenPipeError, ConnectionResetError)) else None

    def _ask(self) -> None:
        sent_s, due_s = self._clock.now_s(), self._clock.now_s()
        while not self._end.is_set() and not self._tracking.quit:
            sample = self._tracking.sample()
            self._tell()
            now_s = self._clock.now_s()
            if sample.poses or sample.presses or now_s - sent_s > HEARTBEAT_S:
                self._pipe.send(sample)
                sent_s = now_s
            self._watch()
            due_s = max(due_s + self._period_s, now_s)
            time.sleep(due_s - now_s)
        self._tell()

    def _tell(self) -> None:
        notices = self._tracking.notices
        while notices:
            self._pipe.send(Notice(notices.pop(0)))

    def _watch(self) -> None:
        """A compositor that never answers can only be left by ending the process."""
        still_s = self._clock.now_s() - self._drew_s
        if math.isinf(self._patience_s) or still_s < min(FROZEN_S, self._patience_s):
            self._mentioned.discard("frozen")
            return
        if not self._drawn and still_s < FIRST_PICTURE_S:
            return  # shaders are compiled
        if "frozen" not in self._mentioned:
            self._mentioned.add("frozen")
            self._pipe.send(Notice("the picture stands still: the VR runtime does not ask for the next one"))
        if still_s > self._patience_s:
            self._pipe.send(Ended("the VR runtime shows no pictures any more"))
            os._exit(1)
