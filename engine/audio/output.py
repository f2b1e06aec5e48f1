"""The orchestra's sound, live: an audio process of its own, watched and restarted, heard here and by readers."""

import logging
import math
import multiprocessing
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import wait as wait_for_any

from ..clock import SessionClock
from ..errors import AudioDeviceError
from ..sounds.sound_set import SoundSet
from ..types import NoteEvent, NoteRelease, PlayerPlacement, Pose
from .audio_messages import AudioJob, Close, Message, Place, Reopen, Silence, Sit, Submit
from .audio_ring import MOST_SECTIONS, AudioRing, AudioStatus
from .audio_standby import Player, StallDetector, default_changes
from .latency import LATENCIES
from .live_input import MicrophoneJob
from .metering import SectionLevel
from .pyo_block import FloatArray
from .renderer import AudioSettings
from .room import Room
from .seats import sections_of
from .source_field import Listener

WATCH_S = 0.1
LOOK_S = 2.0
"""How often a device that was lost is sought."""
STANDBY_AFTER_S = 3.0
"""The second process starts when the first has played for so long: what is heard first comes first."""
MOST_RESTARTS = 5
RESTART_WINDOW_S = 60.0
REMEMBERED_NOTES = 512
_log = logging.getLogger(__name__)


class AudioProcess:
    """An ``AudioOutput`` that renders and plays in a process of its own.

    No method blocks except ``wait_until_ready`` and ``close``; all may be called from any thread. What does not fit
    into the queue of messages is dropped and said once. Should the process die or stall, another takes over that stands
    by with everything loaded, with the players as they are; notes that should still sound are played again, and
    ``read_since`` goes on counting. A device that was lost, or was not there, is sought every 2 s.

    ``load_sounds`` runs in the audio process and is sent there by pickle: ``functools.partial(load_sound_set, …)``.
    ``device`` is what ``sound_outputs`` understands; without a sound device the clock drives, and readers still hear.
    ``lead_s`` of sound waits in front of the device (``latency``). ``microphone`` is a learner's, who is one of the
    placements.
    """

    def __init__(
        self,
        placements: Sequence[PlayerPlacement],
        load_sounds: Callable[[], SoundSet],
        room: Room,
        clock: SessionClock,
        settings: AudioSettings | None = None,
        device: str = "auto",
        lead_s: float = LATENCIES["balanced"].lead_s,
        microphone: MicrophoneJob | None = None,
    ) -> None:
        settings = settings or AudioSettings()
        self._context = multiprocessing.get_context("spawn")
        self._ring = AudioRing.create(settings.rate_hz)
        self._clock = clock
        self._job = AudioJob(
            tuple(placements), load_sounds, room, settings, device, lead_s, clock.origin_s, self._ring.name, microphone
        )
        self._recent: deque[NoteEvent] = deque(maxlen=REMEMBERED_NOTES)
        self._releases: dict[int, NoteRelease] = {}
        self._seat: Sit | None = None
        self._dropped = 0
        self._entering, self._enters_at_s = False, -math.inf
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._restarts: deque[float] = deque(maxlen=MOST_RESTARTS)
        self._standby: Player | None = None
        self._player = Player(self._context, self._job)
        self._begin_to_play()
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
        return self._player.process.pid

    @property
    def standby_pid(self) -> int | None:
        """The process that stands by, if there is one."""
        standby = self._standby
        return None if standby is None else standby.process.pid

    @property
    def standby_ready(self) -> bool:
        """Whether a second process could take over at once."""
        standby = self._standby
        return standby is not None and standby.ready

    @property
    def dropped(self) -> int:
        """Messages lost because the queue was full."""
        return self._dropped

    def submit(self, notes: Sequence[NoteEvent], releases: Sequence[NoteRelease]) -> None:
        if not notes and not releases:
            return
        with self._lock:
            self._recent.extend(notes)
            self._releases.update((release.note_id, release) for release in releases)
            if len(self._releases) > 4 * REMEMBERED_NOTES:
                remembered = {note.note_id for note in self._recent}
                self._releases = {key: value for key, value in self._releases.items() if key in remembered}
            self._send(Submit(tuple(notes), tuple(releases)))

    def listen(self, head: Pose) -> None:
        """From the next block on; what is newest counts. Invalid poses are ignored."""
        if head.valid and all(map(math.isfinite, (*head.position_m, *(head.orientation_wxyz or ())))):
            with self._lock:
                self._ring.set_head(head)

    def place(self, placements: Sequence[PlayerPlacement]) -> None:
        """Players must play instruments that ``load_sounds`` loads."""
        with self._lock:
            self._job = replace(self._job, placements=tuple(placements))
        self._send(Place(tuple(placements)))

    def sit(self, listener: Listener | None) -> None:
        """Without a click; who stands by hears from there as well."""
        with self._lock:
            self._seat = Sit(listener)
        self._send(Sit(listener))

    def enter(self, room: Room, listener: Listener | None, at_s: float = -math.inf) -> None:
        """Play in another hall from session time ``at_s`` on, or as soon as everything is loaded there (some seconds);
        hear from ``listener`` there (None: as ``sit``). Until then this hall is heard. What sounds at that moment
        begins anew: best while the orchestra rests. ``entering`` tells whether it is still to come, ``room`` where
        they play."""
        with self._lock:
            self._job = replace(self._job, room=room, settings=replace(self._job.settings, listener=listener))
            self._entering, self._enters_at_s = True, at_s

    def enter_at(self, at_s: float) -> None:
        """Go to the next hall at another session time than ``enter`` was told; ``math.inf``: not for now."""
        with self._lock:
            self._enters_at_s = at_s

    @property
    def entering(self) -> bool:
        """Another hall is being made ready, or its time has not come; not where the sound was given up."""
        return self._entering and self._watcher.is_alive()

    @property
    def room(self) -> Room:
        """Where the process that plays is heard."""
        return self._player.job.room

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

    def section_levels(self) -> tuple[SectionLevel, ...]:
        """How loud each section plays, before the hall; empty until the first was heard of those who play now."""
        levels = self._ring.levels()
        with self._lock:
            sections = sections_of(self._job.placements)
        if len(levels) != min(len(sections), MOST_SECTIONS):  # others took the stage a moment ago
            return ()
        return tuple(
            SectionLevel(section, float(peak_db), float(rms_db))
            for section, (peak_db, rms_db) in zip(sections, levels, strict=False)
        )

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
        self._watcher.join(5.0)
        self._player.end(softly_s=3.0)
        if self._standby is not None:
            self._standby.end()
        self._ring.close()

    def _begin_to_play(self) -> None:
        self._ring.beat(0.0)
        self._player.play(self._job.placements)
        if self._seat is not None:
            self._send(self._seat)

    def _send(self, message: Message) -> None:
        try:
            self._player.messages.put_nowait(message)
        except (queue.Full, ValueError, OSError):  # full, or closed a moment ago
            if not self._dropped and not self._closing.is_set():
                _log.warning("the audio process does not keep up: messages to it are lost")
            self._dropped += 1

    def _watch(self) -> None:
        """See that someone plays, that another stands by, and to what."""
        stall = StallDetector(self._player)
        looked_s = played_s = time.monotonic()
        while not self._closing.is_set():
            wait_for_any([self._player.process.sentinel], WATCH_S)
            state = self.status().state
            if self._closing.is_set() or state == "failed":
                return
            now_s = time.monotonic()
            heartbeat_s = float(self._ring.header["heartbeat_s"][0])
            dead = not self._player.process.is_alive()
            stalled = not dead and stall.see(heartbeat_s, self._clock.now_s())
            if dead or stalled:
                if not self._replace("stalled" if stalled else "died", started=heartbeat_s > 0.0):
                    return
                stall, played_s = StallDetector(self._player), now_s
            elif state not in ("playing", "no device"):
                played_s = now_s
            elif self.entering:
                if self._go_over():
                    stall, played_s = StallDetector(self._player), now_s
            elif now_s - played_s > STANDBY_AFTER_S and not (self._standby and self._standby.process.is_alive()):
                self._stand_by()
                played_s = now_s
            elif now_s - looked_s > LOOK_S:
                looked_s = now_s
                self._look(state)

    def _stand_by(self) -> None:
        if self._standby is not None:
            self._standby.end()
        with self._lock:
            job = self._job
        self._standby = Player(self._context, job)  # takes time where the hall's response is handed over

    def _go_over(self) -> bool:
        """See to it that who stands by is in the next hall, and let them play there when they are ready and it is time;
        whether they do now. Where they die of it, the orchestra stays."""
        with self._lock:
            room, at_s = self._job.room, self._enters_at_s
        standby = self._standby
        if standby is None or standby.job.room is not room:
            self._stand_by()
            return False
        if not standby.process.is_alive():
            _log.error("the next hall could not be made ready: the orchestra stays in this one")
            with self._lock:
                here = self._player.job
                settings = replace(self._job.settings, listener=here.settings.listener)
                self._job = replace(self._job, room=here.room, settings=settings)
                self._entering = False
            return False
        if not standby.ready or self._clock.now_s() < at_s:
            return False
        self._send(Close())
        before, self._standby = self._player, None
        before.end(softly_s=1.0)  # many a device opens once only
        with self._lock:
            self._ring.set_state("starting", message="")
            self._player, self._seat, self._entering = standby, None, False
            self._begin_to_play()
            self._send(self._still_to_play())
        return True

    def _look(self, state: str) -> None:
        """Have the process that stands by look for a device, and act on what it saw since the last time."""
        device = self._job.device
        if self._standby is None or not self._standby.ready or device == "none":
            return
        seen, device_now = self._standby.seen(), self.status().device
        other = default_changes(device) and seen is not None and not seen.name.startswith(device_now)
        if seen is not None and (state == "no device" or (state == "playing" and other)):
            self._send(Reopen())
        if state == "no device" or default_changes(device):
            self._standby.look()

    def _replace(self, why: str, started: bool) -> bool:
        """Put another process in the place of one that died or stalled; False where that is given up."""
        gone = self._player.process
        if why == "died":
            why = f"ended with code {gone.exitcode}"
        if not started and (gone.exitcode or 0) > 0:  # an error, not a signal: it would come again
            return self._give_up(f"the audio process {why} while it started: see the log above")
        now_s = time.monotonic()
        if len(self._restarts) == MOST_RESTARTS and now_s - self._restarts[0] < RESTART_WINDOW_S:
            return self._give_up(
                f"the audio process {why} for the {MOST_RESTARTS + 1}th time within a minute: sound stays off"
            )
        self._restarts.append(now_s)
        line = f"the audio process {why}: restarting it"
        _log.warning(line)
        self._ring.set_state("restarting", message=line)
        before, standby = self._player, self._standby
        self._standby = None
        if standby is None or not standby.process.is_alive():
            with self._lock:
                job = self._job
            standby = Player(self._context, job)
        before.end()
        with self._lock:  # what is submitted from here on comes after what still sounds, and once
            self._player = standby
            if standby.job.room is not before.job.room:
                self._seat = None  # it was one of the hall that is left
            if standby.job.room is self._job.room:
                self._entering = False
            self._begin_to_play()
            self._send(self._still_to_play())
        return True

    def _give_up(self, line: str) -> bool:
        _log.error(line)
        self._ring.set_state("failed", message=line)
        return False

    def _still_to_play(self) -> Submit:
        """What should sound now or later, and what ends it; with the lock held."""
        now_s = self._clock.now_s()
        notes, releases = [], []
        for note in self._recent:
            release = self._releases.get(note.note_id)
            end_s = note.onset_s + note.duration_s if release is None else release.time_s
            if end_s > now_s:
                notes.append(note)
                releases += [release] if release is not None else []
        return Submit(tuple(notes), tuple(releases))
