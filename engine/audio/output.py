"""The orchestra's sound, live: an audio process of its own, watched and restarted, heard here and by readers."""

import logging
import multiprocessing
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..clock import SessionClock
from ..errors import AudioDeviceError
from ..sounds.sound_set import SoundSet
from ..types import NoteEvent, NoteRelease, PlayerPlacement, Pose
from .audio_ring import AudioRing, AudioStatus
from .audio_worker import AudioJob, Close, Listen, Message, Place, Silence, Submit, run_audio
from .pyo_block import FloatArray
from .renderer import AudioSettings
from .room import Room

QUEUE_MESSAGES = 1024
FREEZE_S = 3.0
"""A process that has rendered nothing for so long is taken for dead."""
MOST_RESTARTS = 5
RESTART_WINDOW_S = 60.0
REMEMBERED_NOTES = 512
_log = logging.getLogger(__name__)


class AudioProcess:
    """An ``AudioOutput`` that renders and plays in a process of its own.

    No method blocks except ``wait_until_ready`` and ``close``; all may be called from any thread. What does not fit
    into the queue of messages is dropped and said once. Should the process die or freeze, it is started anew with the
    players as they are, notes that should still sound are played again, and ``read_since`` goes on counting.

    ``load_sounds`` runs in the audio process and is sent there by pickle: ``functools.partial(load_sound_set, …)``.
    ``device`` is one of ``audio_device.DEVICES``; without a sound device the clock drives, and readers still hear.
    """

    def __init__(
        self,
        placements: Sequence[PlayerPlacement],
        load_sounds: Callable[[], SoundSet],
        room: Room,
        clock: SessionClock,
        settings: AudioSettings | None = None,
        device: str = "auto",
    ) -> None:
        settings = settings or AudioSettings()
        self._context = multiprocessing.get_context("spawn")
        self._ring = AudioRing.create(settings.rate_hz)
        self._clock = clock
        self._job = AudioJob(tuple(placements), load_sounds, room, settings, device, clock.origin_s, self._ring.name)
        self._head: Pose | None = None
        self._recent: deque[NoteEvent] = deque(maxlen=REMEMBERED_NOTES)
        self._released: set[int] = set()
        self._dropped = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._restarts: deque[float] = deque(maxlen=MOST_RESTARTS)
        self._start()
        self._watcher = threading.Thread(target=self._watch, name="audio-watch", daemon=True)
        self._watcher.start()

    @property
    def rate_hz(self) -> int:
        return self._job.settings.rate_hz

    @property
    def ring_name(self) -> str:
        """For readers in other processes: ``AudioRing.attach(ring_name)``."""
        return self._ring.name

    @property
    def pid(self) -> int | None:
        """The audio process."""
        return self._process.pid

    @property
    def dropped(self) -> int:
        """Messages lost because the queue was full."""
        return self._dropped

    def submit(self, notes: Sequence[NoteEvent], releases: Sequence[NoteRelease]) -> None:
        if not notes and not releases:
            return
        with self._lock:
            self._recent.extend(notes)
            self._released.update(release.note_id for release in releases)
            if len(self._released) > 4 * REMEMBERED_NOTES:
                self._released &= {note.note_id for note in self._recent}
        self._send(Submit(tuple(notes), tuple(releases)))

    def listen(self, head: Pose) -> None:
        self._head = head
        self._send(Listen(head))

    def place(self, placements: Sequence[PlayerPlacement]) -> None:
        """Players must play instruments that ``load_sounds`` loads."""
        with self._lock:
            self._job = replace(self._job, placements=tuple(placements))
        self._send(Place(tuple(placements)))

    def silence(self) -> None:
        with self._lock:
            self._recent.clear()
        self._send(Silence())

    def read_since(self, index: int) -> tuple[int, FloatArray]:
        """See ``AudioRing.read_since``."""
        return self._ring.read_since(index)

    def time_of(self, index: int) -> float:
        """Session time at which sample ``index`` is heard."""
        return self._ring.time_of(index)

    def status(self) -> AudioStatus:
        """How the process does; cheap."""
        return self._ring.status()

    def wait_until_ready(self, timeout_s: float = 60.0) -> AudioStatus:
        """Block until sound is rendered. Raises ``AudioDeviceError`` where that fails or takes too long."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            status = self.status()
            if status.state == "failed":
                raise AudioDeviceError(f"the audio process failed: {status.message}")
            if status.state in ("playing", "no device") and status.blocks:
                return status
            time.sleep(0.02)
        raise AudioDeviceError(f"the audio process was not ready after {timeout_s:.0f} s (it is {self.status().state})")

    def close(self) -> None:
        """End the process (softly, then not) and remove the ring; may be called twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._send(Close())
        self._process.join(3.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(2.0)
        self._watcher.join(2.0)
        self._messages.cancel_join_thread()
        self._messages.close()
        self._ring.close()

    def _start(self) -> None:
        self._messages = self._context.Queue(QUEUE_MESSAGES)
        self._ring.header["heartbeat_s"] = 0.0
        self._process = self._context.Process(
            target=run_audio, args=(self._job, self._messages), name="tutti-audio", daemon=True
        )
        self._process.start()

    def _send(self, message: Message) -> None:
        try:
            self._messages.put_nowait(message)
        except (queue.Full, ValueError, OSError):  # full, or closed a moment ago
            if not self._dropped and not self._closing.is_set():
                _log.warning("the audio process does not keep up: messages to it are lost")
            self._dropped += 1

    def _watch(self) -> None:
        """Start the process anew when it dies or freezes."""
        while not self._closing.is_set():
            self._process.join(0.1)
            if self._closing.is_set() or self.status().state == "failed":
                return
            beat_s = float(self._ring.header["heartbeat_s"][0])
            frozen = beat_s > 0.0 and self._clock.now_s() - beat_s > FREEZE_S
            if self._process.is_alive() and not frozen:
                continue
            if self._process.is_alive():
                self._process.kill()
                self._process.join(2.0)
            if beat_s == 0.0 and (self._process.exitcode or 0) > 0:  # an error, not a signal: it would come again
                line = f"the audio process ended with code {self._process.exitcode} while it started: see the log above"
                self._ring.set_state("failed", message=line)
                _log.error(line)
                return
            self._restart("froze" if frozen else f"ended with code {self._process.exitcode}")

    def _restart(self, why: str) -> None:
        now_s = time.monotonic()
        if len(self._restarts) == MOST_RESTARTS and now_s - self._restarts[0] < RESTART_WINDOW_S:
            line = f"the audio process {why} for the {MOST_RESTARTS + 1}th time within a minute: sound stays off"
            _log.error(line)
            self._ring.set_state("failed", message=line)
            return
        self._restarts.append(now_s)
        line = f"the audio process {why}: restarting it"
        _log.warning(line)
        self._ring.set_state("restarting", message=line)
        self._messages.cancel_join_thread()
        self._start()
        if self._head is not None:
            self._send(Listen(self._head))
        with self._lock:
            at_s = self._clock.now_s()
            held = tuple(
                note
                for note in self._recent
                if note.note_id not in self._released and note.onset_s + note.duration_s > at_s
            )
        if held:
            self._send(Submit(held, ()))
