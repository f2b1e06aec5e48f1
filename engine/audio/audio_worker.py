"""The audio process: renders block after block and never waits for anyone but the device.

Started by ``engine.audio.output.AudioProcess``. The garbage collector is off and the process asks for real-time
priority; messages are taken between blocks, at most a few for each.
"""

import contextlib
import gc
import logging
import multiprocessing
import os
import queue
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.queues import Queue

import psutil

from ..clock import SessionClock
from ..errors import TuttiError
from ..sounds.sound_set import SoundSet
from ..types import NoteEvent, NoteRelease, PlayerPlacement, Pose
from .audio_device import BlockSink, ClockSink, open_sink
from .audio_ring import AudioRing
from .renderer import AudioSettings, OrchestraRenderer
from .room import Room

MESSAGES_PER_BLOCK = 16
RECORDINGS_PER_BLOCK = 2
"""How many recordings a block with time to spare brings into memory."""
DEVICE_TIMEOUT_S = 1.0
LEAD_S = 0.016
"""How much sound waits in front of the device."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Submit:
    notes: tuple[NoteEvent, ...]
    releases: tuple[NoteRelease, ...]


@dataclass(frozen=True, slots=True)
class Listen:
    head: Pose


@dataclass(frozen=True, slots=True)
class Place:
    placements: tuple[PlayerPlacement, ...]


@dataclass(frozen=True, slots=True)
class Silence:
    pass


@dataclass(frozen=True, slots=True)
class Close:
    pass


Message = Submit | Listen | Place | Silence | Close


@dataclass(frozen=True, slots=True)
class AudioJob:
    """What an audio process is started with; everything can be pickled."""

    placements: tuple[PlayerPlacement, ...]
    load_sounds: Callable[[], SoundSet]
    room: Room
    settings: AudioSettings
    device: str
    clock_origin_s: float
    ring_name: str


def run_audio(job: AudioJob, messages: "Queue[Message]") -> None:
    """The process's main function."""
    for name in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group, they are the parent's to handle
        signal.signal(name, signal.SIG_IGN)
    ring = AudioRing.attach(job.ring_name)
    clock = SessionClock(job.clock_origin_s)
    renderer = None
    try:
        renderer = OrchestraRenderer(job.placements, job.load_sounds(), job.room, job.settings)
        renderer.render()  # compiled code is loaded before the first deadline
        lead = max(2, round(LEAD_S * job.settings.rate_hz / job.settings.block))
        sink, missing = open_sink(job.device, job.settings.rate_hz, job.settings.block, lead, clock)
        ring.header["realtime"] = _ask_for_priority()
        ring.set_state(_state_of(sink), sink.name, missing)
        gc.collect()
        gc.freeze()
        gc.disable()
        _Loop(job, renderer, ring, sink, clock, messages).run()
        ring.set_state("closed")
    except TuttiError as error:
        _log.error("the audio process gives up: %s", error)
        ring.set_state("failed", message=str(error))
    finally:
        if renderer is not None:
            renderer.close()
        ring.close()


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
    ) -> None:
        self._job, self._renderer, self._ring, self._sink = job, renderer, ring, sink
        self._clock, self._messages = clock, messages
        self._block_s = job.settings.block / job.settings.rate_hz
        self._load = self._peak_load = 0.0
        self._xruns_before = int(ring.header["xruns"][0])

    def run(self) -> None:
        """Until it is told to close, or the parent is gone."""
        blocks = 0
        parent = multiprocessing.parent_process()
        while True:
            if not self._sink.wait(DEVICE_TIMEOUT_S):
                self._lose_device()
            started_s = time.perf_counter()
            if not self._take_messages():
                break
            self._render()
            took_s = time.perf_counter() - started_s
            self._account(took_s)
            if took_s < 0.5 * self._block_s:
                self._renderer.load_ahead(RECORDINGS_PER_BLOCK)
            blocks += 1
            if blocks % 256 == 0 and parent is not None and not parent.is_alive():
                break
        self._sink.close()

    def _render(self) -> None:
        renderer, rate_hz = self._renderer, self._job.settings.rate_hz
        heard_s = self._sink.next_time_s()
        # Sample n of the renderer leaves it ``latency`` samples later, and is then heard at ``heard_s``.
        renderer.origin_s = heard_s - (renderer.position - renderer.latency) / rate_hz
        block = renderer.render()
        self._sink.put(block)
        self._ring.set_clock(self._ring.written, heard_s)
        self._ring.write(block)

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
            case Listen(head):
                self._renderer.listen(head)
            case Place(placements):
                self._renderer.place(placements)
            case Silence():
                self._renderer.silence()

    def _lose_device(self) -> None:
        line = f"sound device {self._sink.name} was lost: viewers and recordings still hear the orchestra"
        _log.warning(line)
        self._xruns_before += self._sink.xruns
        self._sink.close()
        self._sink = ClockSink(self._job.settings.rate_hz, self._job.settings.block, self._clock)
        self._ring.set_state(_state_of(self._sink), self._sink.name, line)

    def _account(self, took_s: float) -> None:
        share = took_s / self._block_s
        fading = self._block_s  # a mean over about a second
        self._load += fading * (share - self._load)
        self._peak_load = max(share, self._peak_load * (1.0 - fading))
        header = self._ring.header
        header["heartbeat_s"] = self._clock.now_s()
        header["blocks"] += 1
        header["xruns"] = self._xruns_before + self._sink.xruns
        header["load"], header["peak_load"] = self._load, self._peak_load
        header["latency_s"] = self._sink.latency_s + self._renderer.latency / self._job.settings.rate_hz
        header["voices"] = self._renderer.sounding
        header["limiting_db"] = self._renderer.limiting_db
        header["broken_voices"] = self._renderer.broken_voices


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
