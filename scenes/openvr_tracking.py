"""Where head and hands are, asked from a running OpenVR runtime and stamped on the session clock.

Poses are raw: where a device is when asked, not where it will be when a picture is shown (a prediction overshoots at
each ictus). Runtimes that renew poses only once a display frame give the same one several times; of equal poses only
the first counts, so that its stamp is late by at most one sampling period, until a device has rested long enough for
that to be news.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import openvr

from ..assets import asset_path
from ..engine.clock import SessionClock
from ..engine.types import DEVICES, Device, Pose, Quaternion, Vector
from .openvr_actions import HeadsetActions, introduce
from .openvr_init import start_runtime
from .openvr_messages import Hand, HeadsetJob, Press, Sample

STANDING_EYE_M = 1.6
"""Where the eyes of a seated conductor are put over the podium; the seated frame's origin is the head."""
REST_S = 0.03
"""An unmoved device is told again after this long: rest is a gesture."""
DOUBTFUL_S = 0.004
"""A question that took longer (the process was held up) has no sure time: the sample is dropped,"""
DOUBT_FOR_S = 0.05
"""unless there was none for this long."""
ROLES_S = 0.5
"""How often it is asked which device is in which hand, beside when the runtime says that it changed."""
ABSENT_S = 5.0
"""A controller that was off this long from the start is mentioned."""
EVENTS_AT_ONCE = 64
HEAD = openvr.k_unTrackedDeviceIndex_Hmd
_TRACKED = (openvr.TrackingResult_Running_OK, openvr.TrackingResult_Running_OutOfRange)
"""Out of range with a valid pose is carried on by the device's inertial sensors, for a moment."""
_NAMES: dict[Device, str] = {
    "baton": "the controller with the baton",
    "left": "the other hand's controller",
    "head": "the headset",
}
_ROLES: dict[Hand, int] = {
    "left": openvr.TrackedControllerRole_LeftHand,
    "right": openvr.TrackedControllerRole_RightHand,
}
_ROLE_EVENTS = frozenset(
    (
        openvr.VREvent_TrackedDeviceActivated,
        openvr.VREvent_TrackedDeviceDeactivated,
        openvr.VREvent_TrackedDeviceRoleChanged,
    )
)


@dataclass(slots=True)
class _Told:
    """What was last told of a device."""

    time_s: float = -math.inf
    matrix: bytes = b""
    valid: bool = False
    place: Vector = (0.0, 0.0, 0.0)
    connected: bool = False


class HeadsetTracking:
    """Joins the runtime when made, and reads it until ``close``. One thread.

    ``notices`` collects what people should be told; ``quit`` is True once the runtime asked everyone to leave.
    Raises ``HeadsetError`` where OpenVR cannot be started. Buttons are an extra: where the runtime refuses the
    action manifest, a notice says so and the poses come all the same.
    """

    def __init__(self, job: HeadsetJob, clock: SessionClock) -> None:
        self.notices: list[str] = []
        self.quit = False
        self.baton_hand: Hand = job.baton_hand
        self._clock = clock
        self._system = start_runtime()
        self._universe = openvr.TrackingUniverseSeated if job.seated else openvr.TrackingUniverseStanding
        self._lift_m = STANDING_EYE_M if job.seated else 0.0
        self._array = (openvr.TrackedDevicePose_t * openvr.k_unMaxTrackedDeviceCount)()
        self._event = openvr.VREvent_t()
        self._roles: dict[Hand, int] = {}
        self._roles_s = -math.inf
        self._begun_s: float | None = clock.now_s()
        self._stamp_s = -math.inf
        self._told: dict[Device, _Told] = {device: _Told() for device in DEVICES}
        self._actions: HeadsetActions | None = None
        try:
            introduce(asset_path("openvr", "tutti.vrmanifest"))
        except openvr.OpenVRError as error:
            self.notices.append(f"the VR runtime lists Tutti's bindings under Python's name ({type(error).__name__})")
        try:
            self._actions = HeadsetActions(asset_path("openvr", "actions.json"))
        except openvr.OpenVRError as error:
            self._lose_actions(error)

    @property
    def headset(self) -> str:
        """The headset's model, as far as the runtime tells."""
        try:
            name = self._system.getStringTrackedDeviceProperty(HEAD, openvr.Prop_ModelNumber_String)
        except openvr.OpenVRError:
            name = ""
        return name or "a headset"

    @property
    def display_hz(self) -> float:
        """The headset's display rate; 90 where the runtime does not tell."""
        try:
            rate_hz = float(self._system.getFloatTrackedDeviceProperty(HEAD, openvr.Prop_DisplayFrequency_Float))
        except openvr.OpenVRError:
            rate_hz = 0.0
        return rate_hz if 15.0 <= rate_hz <= 1000.0 else 90.0

    def sample(self) -> Sample:
        """Where everything is now. Poses of devices that are told of already, and have not moved, are left out."""
        self._handle_events()
        before_s = self._clock.now_s()
        presses, dynamics = self._read_actions(before_s)
        asked_s = self._clock.now_s()
        self._system.getDeviceToAbsoluteTrackingPose(self._universe, 0.0, self._array)
        other: Hand = "left" if self.baton_hand == "right" else "right"
        raw = {"baton": self._hand(self.baton_hand), "left": self._hand(other), "head": self._array[HEAD]}
        after_s = self._clock.now_s()
        doubtful = after_s - asked_s > DOUBTFUL_S and after_s - self._stamp_s < DOUBT_FOR_S
        if doubtful:
            return Sample((), presses, dynamics)
        self._stamp_s = stamp_s = max(0.5 * (asked_s + after_s), math.nextafter(self._stamp_s, math.inf))
        if stamp_s - self._roles_s > ROLES_S:
            self._ask_roles(stamp_s)
        poses = [self._tell(device, raw[device], stamp_s) for device in DEVICES]
        self._mention_absent(stamp_s)
        return Sample(tuple(pose for pose in poses if pose is not None), presses, dynamics)

    def hold_baton(self, hand: Hand) -> None:
        """The baton changes to this hand."""
        self.baton_hand = hand

    def tick(self, amplitude: float, duration_s: float) -> None:
        """Let the baton's controller vibrate shortly."""
        if self._actions is not None:
            try:
                self._actions.tick(self.baton_hand, amplitude, duration_s)
            except openvr.OpenVRError as error:
                self._lose_actions(error)

    def close(self) -> None:
        """Leave the runtime."""
        openvr.shutdown()

    # -- poses ---------------------------------------------------------------------------------------------

    def _hand(self, hand: Hand) -> Any | None:
        """The raw pose of what is bound to the hand, else of the controller in it; None where there is neither."""
        if self._actions is not None:
            try:
                bound = self._actions.pose(hand, self._universe)
            except openvr.OpenVRError as error:
                self._lose_actions(error)
            else:
                if bound is not None:
                    return bound
        index = self._roles.get(hand, openvr.k_unTrackedDeviceIndexInvalid)
        return self._array[index] if index < len(self._array) else None

    def _tell(self, device: Device, raw: Any | None, stamp_s: float) -> Pose | None:
        """The pose to pass on; None where there is no news, or never was such a device."""
        told = self._told[device]
        connected = raw is not None and bool(raw.bDeviceIsConnected)
        if connected != told.connected:
            self._mention_connection(device, connected)
            told.connected = connected
        if not connected and told.time_s == -math.inf:
            return None
        matrix = bytes(raw.mDeviceToAbsoluteTracking) if raw is not None and connected else b""
        values = struct.unpack("12f", matrix) if matrix else ()
        valid = (
            raw is not None
            and connected
            and bool(raw.bPoseIsValid)
            and raw.eTrackingResult in _TRACKED
            and all(map(math.isfinite, values))
        )
        if valid == told.valid and (not valid or matrix == told.matrix) and stamp_s - told.time_s < REST_S:
            return None
        told.time_s, told.valid, told.matrix = stamp_s, valid, matrix
        if not valid:
            return Pose(stamp_s, device, told.place, None, False)
        told.place = (values[3], values[7] + self._lift_m, values[11])
        return Pose(stamp_s, device, told.place, quaternion_of(values))

    def _ask_roles(self, now_s: float) -> None:
        self._roles_s = now_s
        self._roles = {hand: self._system.getTrackedDeviceIndexForControllerRole(role) for hand, role in _ROLES.items()}

    # -- buttons and events --------------------------------------------------------------------------------

    def _read_actions(self, now_s: float) -> tuple[tuple[Press, ...], float | None]:
        if self._actions is None:
            return (), None
        try:
            self._actions.update()
            dynamics = self._actions.dynamics("left" if self.baton_hand == "right" else "right")
            return tuple(self._actions.presses(now_s)), dynamics
        except openvr.OpenVRError as error:
            self._lose_actions(error)
            return (), None

    def _lose_actions(self, error: Exception) -> None:
        self._actions = None
        self.notices.append(f"the controllers' buttons do not work ({type(error).__name__}); their poses do")

    def _handle_events(self) -> None:
        for _ in range(EVENTS_AT_ONCE):
            if not self._system.pollNextEvent(self._event):
                return
            kind = self._event.eventType
            if kind == openvr.VREvent_Quit:
                self._system.acknowledgeQuit_Exiting()
                self.quit = True
            elif kind in _ROLE_EVENTS:
                self._roles_s = -math.inf
            elif kind == openvr.VREvent_EnterStandbyMode:
                self.notices.append("the headset went to standby: put it on, or move it, to go on")

    # -- what people are told ------------------------------------------------------------------------------

    def _mention_connection(self, device: Device, connected: bool) -> None:
        name = _NAMES[device]
        if not connected:
            self.notices.append(f"{name} is gone: it sleeps or is off; press a button on it")
        elif self._told[device].time_s > -math.inf:
            self.notices.append(f"{name} is back")

    def _mention_absent(self, now_s: float) -> None:
        """Once, a while after the start: the controller that one cannot conduct without."""
        if self._begun_s is not None and now_s - self._begun_s > ABSENT_S:
            self._begun_s = None
            if not self._told["baton"].connected:
                self.notices.append("no controller holds the baton: switch on the one for that hand")


def quaternion_of(matrix: Sequence[float]) -> Quaternion:
    """The unit quaternion ``wxyz`` of a 3 × 4 row-major pose matrix, by its largest component (Shepperd 1978)."""
    xx, xy, xz, _, yx, yy, yz, _, zx, zy, zz, _ = matrix
    squares = (1.0 + xx + yy + zz, 1.0 + xx - yy - zz, 1.0 - xx + yy - zz, 1.0 - xx - yy + zz)
    largest = squares.index(max(squares))
    if largest == 0:
        parts = (squares[0], zy - yz, xz - zx, yx - xy)
    elif largest == 1:
        parts = (zy - yz, squares[1], yx + xy, xz + zx)
    elif largest == 2:
        parts = (xz - zx, yx + xy, squares[2], zy + yz)
    else:
        parts = (yx - xy, xz + zx, zy + yz, squares[3])
    norm = math.hypot(*parts)
    w, x, y, z = (part / norm for part in parts)
    return (w, x, y, z)
