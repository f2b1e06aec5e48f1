"""The audio process: renders block after block and never waits for anyone but the device.

Started by ``engine.audio.output.AudioProcess``: one plays, another stands by with everything loaded and takes over
where the first dies or stalls. The garbage collector is off in the one that plays and it asks for real-time priority;
messages are taken between blocks, at most a few for each.
"""

import contextlib
import gc
import logging
import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.queues import Queue
from typing import Any

import numpy as np
import psutil

from ..clock import SessionClock
from ..errors import AudioDeviceError, TuttiError
from ..processes import log_for_people
from .audio_device import BlockSink, ClockSink, open_sink
from .audio_messages import AudioJob, Close, Look, Message, Place, Play, Ready, Reopen, Silence, Sit, Submit
from .audio_ring import AudioRing
from .live_input import LearnerChannel, open_learner
from .metering import FALL_DB_PER_S
from .renderer import OrchestraRenderer
from .sound_outputs import choose_output

MESSAGES_PER_BLOCK = 16
RECORDINGS_PER_BLOCK = 2
"""How many recordings a block with time to spare brings into memory."""
DEVICE_TIMEOUT_S = 1.0
"""A device that wants nothing for so long is gone."""
HEARTBEAT_S = 0.1
METERS_S = 0.05
"""How often levels are told: meters that are drawn 20 times a second look smooth."""
OPENING_S = 5.0
"""Drivers may take so long to open or close; the process is not taken for dead meanwhile."""
BACKGROUND_NICE = 10
_log = logging.getLogger(__name__)


def run_audio(job: AudioJob, messages: "Queue[Message]", turn: "Connection[Any, Any]") -> None:
    """The process's main function: get ready, stand by until it is this process's turn (``Play``), play.

    ``messages`` are for the one that plays. ``turn`` answers ``Look`` meanwhile, and its end is this process's.
    """
    for name in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group, they are the parent's to handle
        signal.signal(name, signal.SIG_IGN)
    log_for_people()
    ring = AudioRing.attach(job.ring_name)
    renderer = None
    try:
        renderer = _in_background(job) if sys.platform == "linux" and not turn.poll() else _prepared(job)
        turn.send(Ready())
        play = _stand_by(job, turn)
        if play.placements != job.placements:
            renderer.place(play.placements)
        _play(job, renderer, ring, messages)
    except TuttiError as error:
        _log.error("the audio process gives up: %s", error)
        if turn.poll():  # while it was not this process's turn, nobody lost anything
            ring.set_state("failed", message=str(error))
    except (EOFError, ConnectionError):
        _log.info("an audio process that stood by ends with the studio")
    finally:
        if renderer is not None:
            renderer.close()
        ring.close()


def _prepared(job: AudioJob) -> OrchestraRenderer:
    """A renderer that has rendered: compiled code is loaded before the first deadline."""
    renderer = OrchestraRenderer(job.placements, job.load_sounds(), job.room, job.settings)
    renderer.render()
    return renderer


def _in_background(job: AudioJob) -> OrchestraRenderer:
    """The same with what others leave of the processor. On Linux a thread has a priority of its own, and the process
    keeps its; elsewhere one could not take back what one gave away."""

    def prepare() -> OrchestraRenderer:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BACKGROUND_NICE)
        return _prepared(job)

    with ThreadPoolExecutor(1, "audio-prepare") as pool:
        return pool.submit(prepare).result()


def _stand_by(job: AudioJob, turn: "Connection[Any, Any]") -> Play:
    """Answer until it is this process's turn; ``EOFError`` where the studio is gone."""
    while True:
        message = turn.recv()
        if isinstance(message, Play):
            return message
        if isinstance(message, Look):
            try:
                output = choose_output(job.device)
            except AudioDeviceError:
                output = None
            turn.send(output)


def _play(job: AudioJob, renderer: OrchestraRenderer, ring: AudioRing, messages: "Queue[Message]") -> None:
    clock = SessionClock(job.clock_origin_s)
    settings = job.settings
    ring.beat(clock.now_s(), OPENING_S)
    sink, missing = open_sink(job.device, settings.rate_hz, settings.block, job.lead_s, clock)
    ring.header["realtime"] = _ask_for_priority()
    ring.set_state(_state_of(sink), sink.name, missing)
    gc.collect()
    gc.freeze()
    gc.disable()
    _Loop(job, renderer, ring, sink, clock, messages, _open_learner(job, ring, clock)).run()
    ring.set_state("closed")


def _open_learner(job: AudioJob, ring: AudioRing, clock: SessionClock) -> LearnerChannel | None:
    """The learner's microphone; where it cannot be opened, one line says so and the orchestra plays."""
    if job.microphone is None:
        return None
    ring.beat(clock.now_s(), OPENING_S)
    try:
        return open_learner(job.microphone, job.settings.rate_hz, job.settings.block, clock)
    except AudioDeviceError as error:
        _log.warning("you are not heard: %s", error)
        return None


class _Loop:
    """Block after block."""

    def __init__(
        self,
        job: AudioJob,
        renderer: OrchestraRenderer,
        ring: AudioRing,
        sink: BlockSink,
        clock: SessionClock,
        messages: "Queue[Message]",
        learner: LearnerChannel | None = None,
    ) -> None:
        self._learner = learner
        self._job, self._renderer, self._ring, self._sink = job, renderer, ring, sink
        self._clock, self._messages = clock, messages
        self._block_s = job.settings.block / job.settings.rate_hz
        self._load = self._peak_load = self._limiting_db = 0.0
        self._meters_every = max(1, round(METERS_S / self._block_s))
        self._head_sequence = 0
        self._xruns_before = int(ring.header["xruns"][0])

    def run(self) -> None:
        """Until it is told to close, or the parent is gone."""
        blocks = 0
        parent = multiprocessing.parent_process()
        while True:
            self._wait()
            started_s = time.perf_counter()
            if not self._take_messages():
                break
            self._render()
            took_s = time.perf_counter() - started_s
            self._account(took_s)
            if took_s < 0.5 * self._block_s:
                self._renderer.load_ahead(RECORDINGS_PER_BLOCK)
            blocks += 1
            if blocks % self._meters_every == 0:
                self._tell_levels()
            if blocks % 256 == 0 and parent is not None and not parent.is_alive():
                break
        if self._learner is not None:
            self._learner.close()
        self._sink.close()

    def _wait(self) -> None:
        """Until the device wants a block; a device that wants none for long was lost."""
        waited_s = 0.0
        while not self._sink.wait(HEARTBEAT_S):
            self._ring.beat(self._clock.now_s())
            waited_s += HEARTBEAT_S
            if waited_s >= DEVICE_TIMEOUT_S:
                self._lose_device()
                return

    def _render(self) -> None:
        renderer, rate_hz = self._renderer, self._job.settings.rate_hz
        heard_s = self._sink.next_time_s()
        # Sample n of the renderer leaves it ``latency`` samples later, and is then heard at ``heard_s``.
        renderer.origin_s = heard_s - (renderer.position - renderer.latency) / rate_hz
        self._head_sequence, head = self._ring.head_after(self._head_sequence)
        if head is not None:
            renderer.listen(head)
        if self._learner is not None:
            renderer.feed(self._learner.player, self._learner.next_block())
        block = renderer.render()
        self._sink.put(block)
        self._ring.set_clock(self._ring.written, heard_s)
        self._ring.write(block)
        if self._learner is not None:
            self._learner.played(block)

    def _take_messages(self) -> bool:
        for _ in range(MESSAGES_PER_BLOCK):
            try:
                message = self._messages.get_nowait()
            except queue.Empty:
                return True
            if isinstance(message, Close):
                return False
            try:
                self._handle(message)
            except TuttiError as error:  # a bad message loses itself, not the sound
                _log.warning("audio: %s", error)
                self._ring.set_state(_state_of(self._sink), message=str(error))
        return True

    def _handle(self, message: Message) -> None:
        match message:
            case Submit(notes, releases):
                now_s = self._clock.now_s()  # what came while the process was starting is over, not late
                self._renderer.submit([n for n in notes if n.onset_s + n.duration_s > now_s], releases)
            case Place(placements):
                self._renderer.place(placements)
            case Sit(listener):
                self._renderer.sit(listener)
            case Silence():
                self._renderer.silence()
            case Reopen():
                self._reopen()

    def _lose_device(self) -> None:
        line = f"sound device {self._sink.name} was lost: viewers and recordings still hear the orchestra"
        _log.warning(line)
        settings = self._job.settings
        self._exchange(ClockSink(settings.rate_hz, settings.block, self._clock), line)

    def _reopen(self) -> None:
        """Play to the device that is there now."""
        settings = self._job.settings
        self._ring.beat(self._clock.now_s(), OPENING_S)
        if not isinstance(self._sink, ClockSink):  # many a device opens once only
            self._exchange(ClockSink(settings.rate_hz, settings.block, self._clock), "the sound device changes")
        sink, missing = open_sink(self._job.device, settings.rate_hz, settings.block, self._job.lead_s, self._clock)
        if missing:
            sink.close()
            self._ring.set_state(_state_of(self._sink), message=missing)
        else:
            _log.warning("sound device %s opened", sink.name)
            self._exchange(sink, "")

    def _exchange(self, sink: BlockSink, line: str) -> None:
        self._ring.beat(self._clock.now_s(), OPENING_S)  # a driver whose device is gone may take its time to close
        before, self._sink = self._sink, sink
        self._xruns_before += before.xruns
        before.close()
        self._ring.set_state(_state_of(sink), sink.name, line)
        self._ring.beat(self._clock.now_s())

    def _account(self, took_s: float) -> None:
        share = took_s / self._block_s
        fading = self._block_s  # a mean over about a second
        self._load += fading * (share - self._load)
        self._peak_load = max(share, self._peak_load * (1.0 - fading))
        header = self._ring.header
        self._ring.beat(self._clock.now_s())
        header["blocks"] += 1
        header["xruns"] = self._xruns_before + self._sink.xruns
        header["load"], header["peak_load"] = self._load, self._peak_load
        header["latency_s"] = self._sink.latency_s + self._renderer.latency / self._job.settings.rate_hz
        header["voices"] = self._renderer.sounding
        self._limiting_db = min(self._renderer.limiting_db, self._limiting_db + FALL_DB_PER_S * self._block_s)
        header["limiting_db"] = min(0.0, self._limiting_db)
        header["broken_voices"] = self._renderer.broken_voices

    def _tell_levels(self) -> None:
        meters = self._renderer.meters
        self._ring.set_levels(np.array([(level.peak_db, level.rms_db) for level in meters], np.float32))


def _state_of(sink: BlockSink) -> str:
    return "no device" if isinstance(sink, ClockSink) else "playing"


def _ask_for_priority() -> bool:
    """Real-time scheduling where the system allows it, else a better place in the queue; whether it is real-time."""
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(PermissionError, OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(60))
            return True
    process = psutil.Process()
    with contextlib.suppress(psutil.AccessDenied, OSError):
        process.nice(psutil.HIGH_PRIORITY_CLASS if psutil.WINDOWS else -10)
    return False
