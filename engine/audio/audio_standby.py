"""An audio process as the studio holds it, playing or standing by; and how a stall is told from a busy moment."""

import contextlib
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.context import SpawnContext

import psutil

from ..processes import start_shielded
from ..types import PlayerPlacement
from .audio_messages import AudioJob, Look, Play, Ready
from .audio_worker import run_audio
from .sound_outputs import SoundOutput

QUEUE_MESSAGES = 1024
STALL_S = 0.5
"""A process that has rendered nothing for so long, and computed nothing either, is taken for dead."""
BUSY_S = 1.5
"""One that computes has so long: code that is met for the first time is compiled, recordings come from a slow disk."""
LONGEST_GLANCE_S = 0.2


class Player:
    """A process of ``run_audio``: it loads everything, stands by, and plays when told to. Thread-safe."""

    def __init__(self, context: SpawnContext, job: AudioJob) -> None:
        self.job = job
        self.messages = context.Queue(QUEUE_MESSAGES)
        self._ready = False
        self._lock = threading.Lock()
        self._seen: SoundOutput | None = None
        self._turn, theirs = context.Pipe()
        self.process = context.Process(
            target=run_audio, args=(job, self.messages, theirs), name="tutti-audio", daemon=True
        )
        start_shielded(self.process)
        theirs.close()  # so that each end notices when the other is gone

    def play(self, placements: Sequence[PlayerPlacement]) -> None:
        """Its turn has come, with these players."""
        with contextlib.suppress(OSError):  # it died: who watches it notices
            self._turn.send(Play(tuple(placements)))

    def look(self) -> None:
        """Have it look for the sound device; ``seen`` tells later."""
        self._receive()
        self._seen = None
        with contextlib.suppress(OSError):
            self._turn.send(Look())

    @property
    def ready(self) -> bool:
        """Whether everything is loaded."""
        self._receive()
        return self._ready

    def seen(self) -> SoundOutput | None:
        """The sound device it saw when it looked last."""
        self._receive()
        return self._seen

    def _receive(self) -> None:
        with self._lock, contextlib.suppress(EOFError, OSError):
            while self._turn.poll():
                answer = self._turn.recv()
                if isinstance(answer, Ready):
                    self._ready = True
                else:
                    self._seen = answer

    def end(self, softly_s: float = 0.0) -> None:
        """Let it end by itself for so long, then end it; free what it held."""
        if softly_s:
            self.process.join(softly_s)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(2.0)
        self._turn.close()
        self.messages.cancel_join_thread()
        self.messages.close()


class StallDetector:
    """Tells from its heartbeat whether a process stalls.

    Time counts only while the watcher itself runs: a laptop that slept, or a machine that gives nobody the processor,
    is no reason to restart anything. A process that is stopped or waits for ever is noticed after ``STALL_S``, one that
    computes without end after ``BUSY_S``.
    """

    def __init__(self, player: Player) -> None:
        self._player = player
        self._looked_s = time.monotonic()
        self._heartbeat_s = 0.0
        self._cpu_s = 0.0
        self._silent_s = self._idle_s = 0.0

    def see(self, heartbeat_s: float, now_s: float) -> bool:
        """Look once, every tenth of a second or so, with the heartbeat and the time on the session clock."""
        looked_s = time.monotonic()
        glance_s = min(looked_s - self._looked_s, LONGEST_GLANCE_S)
        self._looked_s = looked_s
        if heartbeat_s != self._heartbeat_s or heartbeat_s > now_s or heartbeat_s == 0.0:
            self._heartbeat_s, self._silent_s, self._idle_s = heartbeat_s, 0.0, 0.0
            return False
        cpu_s = _processor_s(self._player.process.pid)
        self._silent_s += glance_s
        self._idle_s = self._idle_s + glance_s if cpu_s == self._cpu_s else 0.0
        self._cpu_s = cpu_s
        return self._idle_s > STALL_S or self._silent_s > BUSY_S


def default_changes(device: str) -> bool:
    """Whether a stream stays with its device when the system's default becomes another (PulseAudio, PipeWire and JACK
    move streams themselves)."""
    return device in ("auto", "portaudio") and sys.platform in ("win32", "darwin")


def _processor_s(pid: int | None) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system
