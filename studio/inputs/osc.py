"""Conducting by Open Sound Control over UDP: ``/baton x y z``, ``/left``, ``/head`` and ``/tap``.

Senders are TouchOSC, Max/MSP, Pure Data, bridges of motion capture (OptiTrack, Vicon) and of depth cameras.
"""

import logging
import math
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence

from ...engine.conducting.tapping import TapSource
from ...engine.errors import InputError
from ...engine.types import Pose
from .calibration import RangeLearner, SpaceMap
from .osc_messages import OscPlace, OscTap, read_packet

log = logging.getLogger(__name__)

DEFAULT_PORT = 9000
MOST_POSES = 4096
LARGEST_DATAGRAM = 65_536
DRIFT = 1e-3
"""The bound on a sender's clock is let go this fast, s/s: more than any quartz drifts."""
OLDEST_S = 0.5
"""A stamp that claims to be older than this was set by a wrong clock."""
REPEAT_S = 0.1
"""Pads send only what changes: where a slow hand's sender is silent for so long, the hand rests there,"""
LONGEST_REST_S = 60.0
"""for this long at most;"""
SLOW_M_S = 0.3
"""where the hand was faster than this, the sender was lost in the middle of a movement."""


class SenderClock:
    """A sender's stamps on the session clock. A packet is never later than its arrival: the smallest (arrival − stamp)
    seen is the offset between the clocks, and the shortest way."""

    def __init__(self) -> None:
        self._offset_s = math.inf
        self._seen_s = 0.0
        self._latest_s = -math.inf

    def session_s(self, sent_s: float | None, arrival_s: float) -> float:
        """When it was sent, on the session clock; never after the arrival and never before an earlier one."""
        time_s = arrival_s
        if sent_s is not None:
            offset_s = arrival_s - sent_s
            bound_s = self._offset_s + DRIFT * (arrival_s - self._seen_s)
            self._offset_s = offset_s if offset_s > bound_s + OLDEST_S else min(bound_s, offset_s)
            self._seen_s = arrival_s
            time_s = min(arrival_s, sent_s + self._offset_s)
        self._latest_s = max(time_s, self._latest_s)
        return self._latest_s


class OscGesture:
    """What OSC packets say, as poses of the tracking frame; their taps go to ``tapping``, a source of its own. No
    socket in here; one thread.

    ``space`` is the calibration; without one the range is learned from the first seconds of movement, during which
    nothing conducts.
    """

    def __init__(self, space: SpaceMap | None = None, learner: RangeLearner | None = None) -> None:
        self.space = space
        self.tapping = TapSource()
        self._learner = learner or RangeLearner()
        self._learning = False
        self._clock = SenderClock()
        self._poses: deque[Pose] = deque(maxlen=MOST_POSES)
        self._speed_m_s = 0.0
        self._baton: Pose | None = None
        self._heard_s = -math.inf

    @property
    def learning(self) -> bool:
        """Whether a hand moves whose range is being learned."""
        return self._learning and self.space is None

    def take(self, data: bytes, arrival_s: float) -> None:
        """A datagram. Raises ``InputError`` for a malformed one; what was before holds."""
        for entry in read_packet(data):
            time_s = self._clock.session_s(entry.sent_s, arrival_s)
            if isinstance(entry, OscTap):
                self.tapping.tap(time_s, entry.strength)
            else:
                self._move(entry, time_s)

    def poll(self, now_s: float) -> list[Pose]:
        """The poses with stamps up to ``now_s``: those sent, and a resting hand's repeated."""
        poses: list[Pose] = []
        while self._poses and self._poses[0].time_s <= now_s:
            poses.append(self._poses.popleft())
        rest = self._baton
        silent_s = now_s - (rest.time_s if rest is not None else math.inf)
        if rest is not None and silent_s > REPEAT_S and self._speed_m_s < SLOW_M_S:
            if now_s - self._heard_s > LONGEST_REST_S:
                self._baton = None
            else:
                self._baton = Pose(now_s, "baton", rest.position_m, rest.orientation_wxyz)
                poses.append(self._baton)
        return poses

    def _move(self, entry: OscPlace, time_s: float) -> None:
        if self.space is None:
            if entry.device == "baton":
                self._learn(entry, time_s)
            return
        position = self.space.place(entry.position)
        turn = self.space.orient(entry.orientation_wxyz) if entry.orientation_wxyz else None
        pose = Pose(time_s, entry.device, position, turn)
        if entry.device == "baton":
            before = self._baton
            if before is not None and time_s > before.time_s:
                self._speed_m_s = math.dist(before.position_m, position) / (time_s - before.time_s)
            self._baton, self._heard_s = pose, time_s
        self._poses.append(pose)

    def _learn(self, entry: OscPlace, time_s: float) -> None:
        if not self._learning:
            self._learning = True
            log.warning("OSC: conduct; nothing plays yet, the range of your movement is learned")
        self.space = self._learner.add(time_s, entry.position, entry.flat)
        if self.space is not None:
            log.warning("OSC: learned, %.4g m for a unit, %s up; conduct", self.space.scale, self.space.up)


def listen_at(host: str, port: int) -> socket.socket:
    """A UDP socket that hears what is sent to an address. Raises ``InputError``."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"OSC: cannot listen at {host}:{port} ({why}); choose another with --osc PORT") from error
    return listening


class OscSource:
    """A ``PoseSource`` that listens for OSC on a UDP port; a thread of its own reads the socket.

    Raises ``InputError`` where the port cannot be had. All ``packets`` are counted; of those that are ``malformed`` the
    first is reported in one line.
    """

    def __init__(
        self, now_s: Callable[[], float], port: int = DEFAULT_PORT, host: str = "127.0.0.1", *, gesture: OscGesture
    ) -> None:
        self._now_s = now_s
        self._gesture = gesture
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._failure: str | None = None
        self.packets = 0
        self.malformed = 0
        self._socket = listen_at(host, port)
        self._socket.settimeout(0.25)
        self.port: int = self._socket.getsockname()[1]
        self._reader = threading.Thread(target=self._read, name="osc-reader", daemon=True)
        self._reader.start()

    def poll(self, now_s: float) -> Sequence[Pose]:
        """Raises ``InputError`` once the socket has failed."""
        with self._lock:
            if self._failure is not None:
                raise InputError(f"OSC: the network failed ({self._failure})")
            return self._gesture.poll(now_s)

    def close(self) -> None:
        self._closing.set()
        if self._reader is not threading.current_thread():
            self._reader.join(1.0)
        self._socket.close()

    def _read(self) -> None:
        while not self._closing.is_set():
            try:
                data, sender = self._socket.recvfrom(LARGEST_DATAGRAM)
            except TimeoutError:
                continue
            except OSError as error:
                if not self._closing.is_set():
                    self._failure = error.strerror or str(error)
                return
            arrival_s = self._now_s()
            with self._lock:
                self.packets += 1
                try:
                    self._gesture.take(data, arrival_s)
                except InputError as error:
                    self.malformed += 1
                    if self.malformed == 1:
                        log.warning("%s, from %s: left out, as are others like it", error, sender[0])
