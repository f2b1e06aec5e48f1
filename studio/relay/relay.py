"""The relay as the studio sees it: a process of its own, fed through a socket pair that never blocks the engine.

``RelayProcess`` lives in the engine's process. What it is given is queued, merged while the relay is busy (the newest
frame wins, events add up) and sent as far as the kernel takes it; ``poll`` reads what viewers want. The only thread is
one that starts the process anew, as that takes longer than a step of the engine may.
"""

import logging
import math
import multiprocessing
import secrets
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from typing import Any

from ...engine.clock import SessionClock
from ...engine.conducting.tapping import TapSource
from ...engine.conducting.tracking import PointerSource
from ...engine.errors import RelayError
from ...engine.frames import with_events_of
from ...engine.hall import Hall
from ...engine.interaction.values import InteractionFrame
from ...engine.processes import start_shielded
from ...engine.types import Frame, PlayerPlacement, Pose
from .addresses import lan_addresses
from .interaction_info import merged_interaction
from .pairing import phone_address
from .protocol import Shown
from .relay_access import is_loopback
from .relay_link import Link
from .relay_types import (
    Control,
    KeyInput,
    PointerInput,
    PointingInput,
    RelaySettings,
    RelayStatus,
    ShownInteraction,
    TapInput,
)
from .relay_worker import Enter, Failed, HoldBaton, OpenTap, Place, Ready, Say, Silence, run_relay
from .session_info import SessionInfo

__all__ = [
    "Control",
    "RelayProcess",
    "RelaySettings",
    "RelaySource",
    "RelayStatus",
    "RelayTaps",
    "SessionInfo",
]

log = logging.getLogger(__name__)

START_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 3.0
MAX_MERGED_EVENTS = 20_000
"""Notes and releases kept while the relay does not read; beyond, viewers are told of silence instead."""

MAX_POINTING = 1000
"""Messages of rays that are kept while nobody reads them."""

_Spawned = tuple[SpawnProcess, Link]


class RelayProcess:
    """A relay in a process of its own. One thread uses it; no method but the constructor and ``close`` waits.

    Where the relay's process dies, ``alive`` turns False, one line is logged, what is published is dropped, and
    ``restart`` brings it back on the same port; what is published until it is there waits.
    """

    def __init__(
        self,
        info: SessionInfo,
        clock: SessionClock,
        settings: RelaySettings | None = None,
        open_tap: OpenTap | None = None,
    ) -> None:
        """Starts it. Raises ``RelayError`` where the port is taken or the process does not come up."""
        settings = settings or RelaySettings()
        self.settings = replace(settings, host_key=settings.host_key or secrets.token_urlsafe(9))
        self._info = info
        self._clock = clock
        self._open_tap = open_tap
        self._held = False
        self._pointer = PointerSource()
        self._poses: list[Pose] = []
        self._taps: list[TapInput] = []
        self._keys: list[KeyInput] = []
        self._controls: list[Control] = []
        self._pointing: list[PointingInput] = []
        self._queue: list[Any] = []
        self._status: RelayStatus | None = None
        self._opened = False
        self._spawned: SimpleQueue[_Spawned | OSError] = SimpleQueue()
        self._spawning: threading.Thread | None = None
        try:
            self._await(self._spawn())
        except OSError as error:
            raise RelayError(f"the relay cannot be started: {error}") from error
        while self._starting_until_s is not None:
            self._receive(timeout_s=0.1)
            if self._link.closed:
                self.close()
                raise RelayError(self._failure or "the relay did not start; its log says why")

    # --- life --------------------------------------------------------------------------------

    def _spawn(self) -> _Spawned:
        """Start the process. Raises ``OSError``."""
        near, far = socket.socketpair()
        with far:
            context = multiprocessing.get_context("spawn")
            arguments = (far, self._info, self._clock.origin_s, self.settings, self._open_tap, log.getEffectiveLevel())
            process = context.Process(target=run_relay, args=arguments, name="tutti-relay", daemon=True)
            start_shielded(process)
        return process, Link(near)

    def _await(self, spawned: _Spawned) -> None:
        """Use a process that was started; ``_receive`` takes note when it is ready."""
        self._process, self._link = spawned
        self._failure: str | None = None
        self._starting_until_s: float | None = time.monotonic() + START_TIMEOUT_S

    def _spawn_beside(self) -> None:
        try:
            self._spawned.put(self._spawn())
        except OSError as error:
            self._spawned.put(error)

    def _adopt(self) -> None:
        """Take what the thread started, if it has."""
        if self._spawning is None or self._spawned.empty():
            return
        self._spawning = None
        spawned = self._spawned.get()
        if isinstance(spawned, OSError):
            self._failure = f"it could not be started again: {spawned}"
            self._report_end()
        else:
            self._await(spawned)

    @property
    def alive(self) -> bool:
        """The relay's process runs, or is coming up, and its link is open."""
        return self._spawning is not None or (not self._link.closed and self._process.is_alive())

    @property
    def process_id(self) -> int | None:
        return self._process.pid

    @property
    def address(self) -> str:
        """Where the page is, for a browser on this machine: it needs no HTTPS, its own address is secure to it."""
        name = self.settings.host
        if name in ("0.0.0.0", "::", ""):
            name = "127.0.0.1"
        here = name == "localhost" or is_loopback((name, 0))
        scheme = "https" if self.settings.certificate and not here else "http"
        return f"{scheme}://{f'[{name}]' if ':' in name else name}:{self.settings.port}/"

    @property
    def lan_addresses(self) -> tuple[str, ...]:
        """Where the page is for others in the house; none where the relay serves this machine alone."""
        if self.settings.host not in ("0.0.0.0", "::", ""):
            return ()
        scheme = "https" if self.settings.certificate else "http"
        return tuple(f"{scheme}://{address}:{self.settings.port}/" for address in lan_addresses())

    @property
    def phone_address(self) -> str | None:
        """The address that makes one phone the baton; None where phones cannot come in."""
        addresses = self.lan_addresses
        if not (addresses and self.settings.certificate and self.settings.phone_token):
            return None
        return phone_address(addresses[0], self.settings.phone_token)

    @property
    def host_address(self) -> str:
        """The address that makes whoever opens it a host, on other devices too; not for everybody's eyes."""
        return f"{next(iter(self.lan_addresses), self.address)}#host={self.settings.host_key}"

    def restart(self) -> None:
        """A new process on the same port; it is started and comes up while the studio goes on."""
        if self._spawning is not None:
            return
        self._link.close()
        self._process.kill()
        self.settings = replace(self.settings, phone_token="")  # it was for one phone, once
        self._queue.clear()
        self._status = None
        self._spawning = threading.Thread(target=self._spawn_beside, name="relay-restart", daemon=True)
        self._spawning.start()
        if self._held:
            self.hold_baton(True)

    def close(self) -> None:
        """Says goodbye to the viewers and ends the process."""
        if self._spawning is not None:
            self._spawning.join(START_TIMEOUT_S)  # what it starts would outlive us
            self._adopt()
        self._link.close()
        self._process.join(CLOSE_TIMEOUT_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    # --- to the viewers ----------------------------------------------------------------------------

    def publish(self, frame: Frame) -> None:
        """Show a step of the performance to the viewers. Never blocks."""
        last = self._queue[-1] if self._queue else None
        if not isinstance(last, Frame):
            self._queue.append(frame)
        elif len(last.notes) + len(last.releases) <= MAX_MERGED_EVENTS:
            self._queue[-1] = with_events_of(frame, (last, frame))
        else:
            log.warning("the relay does not keep up: viewers miss %d notes", len(last.notes))
            self._queue[-1:] = [Silence(frame.time_s), frame]
        self._flush()

    def silence(self, time_s: float) -> None:
        """Every sounding note ended (stop, seek)."""
        self._put(Silence(time_s))

    def place(self, placements: Sequence[PlayerPlacement]) -> None:
        """Players were moved, muted or re-balanced."""
        self._info = replace(self._info, placements=tuple(placements))
        if self._queue and isinstance(self._queue[-1], Place):
            self._queue.pop()
        self._put(Place(tuple(placements)))

    def enter(self, hall: Hall) -> None:
        """The orchestra plays in another hall: everybody is told so, and who comes from now on."""
        self._info = replace(self._info, hall=hall.key, picture=hall.picture)
        self._put(Enter(hall.key, hall.picture))

    def interact(self, viewer: int, frame: InteractionFrame) -> None:
        """Show a viewer what their rays came to."""
        for index, item in enumerate(self._queue):
            if isinstance(item, ShownInteraction) and item.viewer == viewer:
                self._queue[index] = ShownInteraction(viewer, merged_interaction(item.frame, frame))
                return
        self._put(ShownInteraction(viewer, frame))

    def show(self, message: Shown) -> None:
        """Show viewers how the sound does, what chord this is …; the newest of each kind counts."""
        self._queue = [item for item in self._queue if type(item) is not type(message)]
        self._put(message)

    def say(self, text: str) -> None:
        """Show every viewer a line of text for a moment."""
        self._put(Say(text))

    def hold_baton(self, held: bool) -> None:
        """The studio's own devices take the baton from whoever has it, or release it."""
        self._held = held
        self._put(HoldBaton(held))

    def _put(self, item: object) -> None:
        self._queue.append(item)
        self._flush()

    def _flush(self) -> None:
        self._adopt()
        if self._spawning is not None:
            return
        if self._link.closed:
            self._queue.clear()
            return
        if self._starting_until_s is not None:
            return
        self._link.flush()
        while self._queue and self._link.queued_bytes == 0:
            self._link.send(self._queue.pop(0))
            self._link.flush()
        if self._link.closed:
            self._report_end()

    # --- from the viewers ----------------------------------------------------------------------------

    def poll(self) -> tuple[list[Pose], list[Control]]:
        """What came since the last time: poses of the viewer with the baton, and what viewers want."""
        self._receive()
        poses, self._poses = self._poses, []
        controls, self._controls = self._controls, []
        return poses, controls

    def take_poses(self) -> list[Pose]:
        """The poses alone; controls wait for ``take_controls``."""
        self._receive()
        poses, self._poses = self._poses, []
        return poses

    def take_taps(self) -> list[TapInput]:
        """The taps alone: beats that the viewer with the baton taps instead of drawing them."""
        self._receive()
        taps, self._taps = self._taps, []
        return taps

    def take_keys(self) -> list[KeyInput]:
        """The keys alone: what viewers play at the page's keyboard."""
        self._receive()
        keys, self._keys = self._keys, []
        return keys

    def take_controls(self) -> list[Control]:
        """The controls alone; poses wait for ``take_poses``."""
        self._receive()
        controls, self._controls = self._controls, []
        return controls

    def take_pointing(self) -> list[PointingInput]:
        """The rays alone: what viewers point at in the hall."""
        self._receive()
        pointing, self._pointing = self._pointing, []
        return pointing

    def status(self) -> RelayStatus | None:
        """What the relay last said of itself (twice a second), None before it did."""
        self._receive()
        return self._status

    def _receive(self, timeout_s: float = 0.0) -> None:
        self._flush()
        if self._link.closed:
            return
        for message in self._link.receive(timeout_s=timeout_s):
            match message:
                case Ready(port):
                    self.settings, self._starting_until_s = replace(self.settings, port=port), None
                    self._opened = True
                case PointerInput():
                    self._pose_of(message)
                case Pose():
                    self._poses.append(message)
                case TapInput():
                    self._taps.append(message)
                case KeyInput():
                    self._keys.append(message)
                case Control():
                    self._controls.append(message)
                case PointingInput():
                    self._pointing = [*self._pointing, message][-MAX_POINTING:]
                case RelayStatus():
                    self._status = message
                case Failed(reason):
                    self._failure = reason
        if self._starting_until_s is not None and (self._failure or time.monotonic() > self._starting_until_s):
            self._link.close()
        if self._link.closed:
            self._report_end()

    def _pose_of(self, point: PointerInput) -> None:
        """A pointer's point as a pose of the baton; the end of a drag as a lost baton at the same place."""
        self._pointer.push(point.x, point.y, point.time_s)
        moved = self._pointer.poll(math.inf)
        self._poses += [pose if point.pressed else replace(pose, valid=False) for pose in moved]

    def _report_end(self) -> None:
        self._queue.clear()
        if self._opened:  # else whoever opens it is told
            log.error(
                "the relay ended (%s): viewers are cut off, the orchestra plays on", self._failure or "no reason given"
            )


class RelaySource:
    """The page's baton as a ``PoseSource``: mouse, touch or tracked devices of the viewer who holds it."""

    def __init__(self, relay: RelayProcess) -> None:
        self._relay = relay
        self._waiting: list[Pose] = []

    def poll(self, now_s: float) -> Sequence[Pose]:
        """New poses with stamps up to ``now_s``, in order of time."""
        self._waiting += self._relay.take_poses()
        self._waiting.sort(key=lambda pose: pose.time_s)
        ready = [pose for pose in self._waiting if pose.time_s <= now_s]
        del self._waiting[: len(ready)]
        return ready

    def close(self) -> None:
        """The relay goes on; its owner closes it."""
        self._waiting.clear()


class RelayTaps:
    """The page's taps as a ``PoseSource``: beats tapped by the viewer who holds the baton."""

    def __init__(self, relay: RelayProcess) -> None:
        self._relay = relay
        self._source = TapSource()

    def poll(self, now_s: float) -> Sequence[Pose]:
        for tap in self._relay.take_taps():
            self._source.tap(tap.time_s, tap.strength)
        return self._source.poll(now_s)

    def restart(self) -> None:
        """The music starts anew: the next tap is a preparatory beat."""
        self._source.restart()

    def close(self) -> None:
        """The relay goes on; its owner closes it."""
        self._source.close()
