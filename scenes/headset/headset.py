"""A PC headset (OpenVR): its controllers are the baton and the other hand, it is the head, and it shows the hall.

OpenVR lives in a process of its own, so that a vendor's runtime that crashes or hangs stops no sound and loses no
recording. Nothing in here touches OpenVR.
"""

import logging
import multiprocessing
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from ...engine.clock import SessionClock
from ...engine.errors import HeadsetError
from ...engine.hall import Hall
from ...engine.interaction.values import InteractionFrame, Pointer
from ...engine.processes import start_shielded
from ...engine.types import Frame, PlayerPlacement, Pose
from .headset_pointers import HeadsetPointers
from .openvr_messages import (
    Close,
    Ended,
    Failed,
    Hand,
    HeadsetJob,
    HoldBaton,
    Notice,
    Press,
    Ready,
    Recenter,
    Sample,
    Show,
    Stage,
    Tick,
)
from .openvr_worker import run_headset

START_S = 120.0
"""SteamVR takes tens of seconds where it has to be started first, and so does the scene on a slow or busy machine."""
SILENT_S = 2.0
"""A process that said nothing for so long waits for a runtime that does not answer."""
PATIENCE_S = 12.0
"""After so long without an answer the runtime is given up."""
LEAVE_S = 4.0
"""What a process gets to leave the runtime before it is killed."""
MOST_POSES = 4096
"""Unread poses that are kept: some seconds of three devices. Beyond that the oldest are lost."""
MOST_PRESSES = 256
MOST_FRAMES = 500
"""Frames that wait for a headset that does not take them: five seconds. Beyond that the oldest are not shown."""
_log = logging.getLogger(__name__)


class HeadsetSource:
    """A ``PoseSource`` and a ``PointerSource``: a VR runtime's devices as ``baton``, ``left`` and ``head``.

    Making one starts a process and waits until OpenVR runs in it (up to ``START_S`` where SteamVR has to be started).
    Raises ``HeadsetError`` with one line where there is no runtime, no headset, or the runtime fails.

    With a ``stage`` the headset shows the hall: give it every frame of the performance (``publish``) and every new
    seating (``place``). Standing, the floor and forward are those of the play area; ``seated``, the frame is SteamVR's
    seated one (reset it there), raised to the eyes of a person who stands. ``baton_hand`` is the hand with the baton.
    ``start_runtime`` False leaves a runtime alone that does not run (``HeadsetError``).

    All methods but ``close`` return at once; any thread may call them. Should the process die, the runtime hang or
    close, one line in the log says so, ``alive`` is False and no more poses come.
    """

    def __init__(
        self,
        clock: SessionClock,
        *,
        stage: Stage | None = None,
        seated: bool = False,
        baton_hand: Hand = "right",
        start_runtime: bool = True,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._pipe: Connection = ours
        self._lock = threading.Lock()
        self._poses: deque[Pose] = deque(maxlen=MOST_POSES)
        self._presses: deque[Press] = deque(maxlen=MOST_PRESSES)
        self._pointers = HeadsetPointers()
        self._dynamics: float | None = None
        self._baton_hand = baton_hand
        self._alive = True
        self._closing = threading.Event()
        job = HeadsetJob(clock.origin_s, seated, baton_hand, stage, start_runtime, PATIENCE_S)
        self._process: SpawnProcess = context.Process(
            target=run_headset, args=(job, theirs), name="tutti-headset", daemon=True
        )
        start_shielded(self._process)
        theirs.close()  # the end of the process is then the end of the pipe
        try:
            self.ready = self._wait_until_ready()
        except BaseException:
            self._end()
            self._pipe.close()
            raise
        _log.info("conducting with %s at %.0f Hz", self.ready.headset, self.ready.rate_hz)
        self._wake = threading.Condition()
        self._show = Show()
        self._frames: deque[Frame] = deque(maxlen=MOST_FRAMES)
        self._orders: deque[HoldBaton | Recenter | Tick | Close] = deque(maxlen=MOST_PRESSES)
        self._reader = threading.Thread(target=self._read, name="headset-reader", daemon=True)
        self._writer = threading.Thread(target=self._write, name="headset-writer", daemon=True)
        self._reader.start()
        self._writer.start()

    @property
    def alive(self) -> bool:
        """False once the runtime is gone; poses that came before can still be polled."""
        return self._alive

    @property
    def pid(self) -> int | None:
        """The headset's process."""
        return self._process.pid

    @property
    def baton_hand(self) -> Hand:
        return self._baton_hand

    @property
    def dynamics(self) -> float | None:
        """How far the trigger of the hand without the baton is pulled, 0–1; None where there is no such controller."""
        return self._dynamics

    def poll(self, now_s: float) -> Sequence[Pose]:
        ready: list[Pose] = []
        with self._lock:
            while self._poses and self._poses[0].time_s <= now_s:
                ready.append(self._poses.popleft())
        return ready

    def take_presses(self) -> Sequence[Press]:
        """Buttons that went down or up since the last call."""
        with self._lock:
            presses = list(self._presses)
            self._presses.clear()
        return presses

    def poll_pointers(self, now_s: float) -> Sequence[Pointer]:
        """Where the hands point, and what their buttons do: the newest of each hand, and every change of a button."""
        return self._pointers.poll(now_s)

    def publish(self, frame: Frame, interaction: InteractionFrame | None = None) -> None:
        """Show a frame of the performance in the headset, and what its pointers came to."""
        if self.shows and self._alive:
            with self._wake:
                self._frames.append(frame)
                if interaction is not None:
                    self._show = replace(self._show, interaction=interaction)
                self._wake.notify()

    def place(self, placements: Sequence[PlayerPlacement]) -> None:
        """Show the players in other places."""
        if self.shows and self._alive:
            with self._wake:
                self._show = replace(self._show, placements=tuple(placements))
                self._wake.notify()

    def enter(self, hall: Hall) -> None:
        """Show the orchestra in another hall."""
        if self.shows and self._alive:
            with self._wake:
                self._show = replace(self._show, hall=hall)
                self._wake.notify()

    @property
    def shows(self) -> bool:
        """Whether the headset shows our hall; else it only conducts."""
        return self.ready.eye_px != (0, 0)

    def hold_baton(self, hand: Hand) -> None:
        """Give the baton to the other hand, or back."""
        self._baton_hand = hand
        self._order(HoldBaton(hand))

    def recenter(self) -> None:
        """Where the head is now is the podium, and where it looks is the orchestra."""
        self._order(Recenter())

    def tick(self, amplitude: float = 0.5, duration_s: float = 0.02, hand: Hand | None = None) -> None:
        """Let a controller tick, as on a beat: the baton's where ``hand`` is None."""
        self._order(Tick(amplitude, duration_s, hand))

    def close(self) -> None:
        """Leave the runtime and end the process; may be called twice."""
        if self._closing.is_set():
            return
        self._order(Close())
        self._closing.set()
        self._process.join(LEAVE_S)
        self._alive = False
        self._end()
        self._reader.join(2.0)
        with self._wake:
            self._wake.notify()
        self._writer.join(2.0)
        self._pipe.close()
        with self._lock:
            self._poses.clear()
            self._presses.clear()

    def _wait_until_ready(self) -> Ready:
        try:
            answer = self._pipe.recv() if self._pipe.poll(START_S) else None
        except (EOFError, OSError):
            self._process.join(2.0)
            raise HeadsetError(
                f"the VR runtime crashed while it started ({_how(self._process.exitcode)}): restart SteamVR"
            ) from None
        match answer:
            case Ready():
                return answer
            case Failed(line):
                raise HeadsetError(line)
        raise HeadsetError(f"the VR runtime did not start within {START_S:.0f} s: restart SteamVR")

    def _read(self) -> None:
        """Drain the pipe, so that the headset's process never waits for the studio; until the end of either."""
        silent_s = 0.0
        try:
            while True:
                if self._pipe.poll(SILENT_S):
                    silent_s = 0.0
                    if not self._take(self._pipe.recv()):
                        return
                    continue
                silent_s += SILENT_S
                if self._closing.is_set():
                    continue
                if silent_s == SILENT_S:
                    _log.warning("the VR runtime does not answer: the baton stands still until it does")
                elif silent_s >= PATIENCE_S:
                    self._process.kill()
                    self._lose("the VR runtime hangs")
                    return
        except (EOFError, OSError):
            if not self._closing.is_set():
                self._process.join(2.0)
                self._lose(f"the headset's process ended ({_how(self._process.exitcode)})")

    def _take(self, message: object) -> bool:
        """Keep what came; False where it was the last."""
        match message:
            case Sample(poses, presses, dynamics, grips):
                self._pointers.take(poses, grips)
                with self._lock:
                    self._poses.extend(poses)
                    self._presses.extend(presses)
                self._dynamics = dynamics
            case Notice(line):
                _log.warning("headset: %s", line)
            case Ended(line):
                self._lose(line)
                return False
        return True

    def _lose(self, why: str) -> None:
        self._alive = False
        self._dynamics = None
        _log.error("%s: no more poses come from the headset; page and window still conduct", why)

    def _order(self, order: HoldBaton | Recenter | Tick | Close) -> None:
        if self._alive:
            with self._wake:
                self._orders.append(order)
                self._wake.notify()

    def _write(self) -> None:
        """Send what there is to send, so that the studio never waits for a headset that does not listen."""
        try:
            while self._alive:
                with self._wake:
                    self._wake.wait_for(lambda: self._outgoing or not self._alive, 1.0)
                    orders, frames, show = list(self._orders), tuple(self._frames), self._show
                    self._orders.clear()
                    self._frames.clear()
                    self._show = Show()
                for order in orders:
                    self._pipe.send(order)
                if frames or show != Show():
                    self._pipe.send(replace(show, frames=frames))
                if self._closing.is_set():
                    return
        except OSError:  # it ended a moment ago; the reader says so
            self._alive = False

    @property
    def _outgoing(self) -> bool:
        return bool(self._orders or self._frames or self._show.placements is not None or self._show.hall is not None)

    def _end(self) -> None:
        if self._process.is_alive():
            self._process.kill()
            self._process.join(2.0)


def _how(exitcode: int | None) -> str:
    return f"signal {-exitcode}" if exitcode is not None and exitcode < 0 else f"code {exitcode}"
