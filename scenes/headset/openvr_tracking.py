"""Where head and hands are, asked from a running OpenVR runtime and stamped on the session clock.

Poses are raw: where a device is when asked, not where it will be when a picture is shown (a prediction overshoots at
each ictus). Runtimes that renew poses only once a display frame give the same one several times; of equal poses only
the first counts, so that its stamp is late by at most one sampling period, until a device has rested long enough for
that to be news. Where a headset shows our picture, the thread that draws it asks for ``shown`` poses instead.
"""

import math
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import openvr

from ...assets import asset_path
from ...engine.clock import SessionClock
from ...engine.types import DEVICES, Device, Pose, Quaternion, Vector
from .openvr_actions import HeadsetActions, introduce
from .openvr_asking import Asking
from .openvr_init import start_runtime
from .openvr_interfaces import REFUSED, name_of
from .openvr_messages import Button, Grip, Hand, HeadsetJob, Press, Sample

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
_HANDS, _SHOWN_HANDS, _TIPS = "the hands' poses by binding", "the hands' poses for pictures", "where hands point"
"""Features that a runtime may refuse, as people are told of them."""
_NAMES: dict[Device, str] = {
    "baton": "the controller with the baton",
    "left": "the other hand's controller",
    "head": "the headset",
}
_ROLES: dict[Hand, int] = {
    "left": openvr.TrackedControllerRole_LeftHand,
    "right": openvr.TrackedControllerRole_RightHand,
}
_RECENTER_EVENTS = frozenset(
    (
        openvr.VREvent_SeatedZeroPoseReset,
        openvr.VREvent_StandingZeroPoseReset,
        openvr.VREvent_ChaperoneUniverseHasChanged,
    )
)
"""The runtime moved the origin itself: what we moved it by before means nothing any more."""
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
    """Joins the runtime when made, and reads it until ``close``.

    ``sample`` belongs to one thread, ``shown`` to the one that draws; any may call the others. ``notices`` collects
    what people should be told; ``quit`` is True once the runtime asked everyone to leave; ``lenses_changed`` when the
    eyes' distance was changed. Raises ``HeadsetError`` where OpenVR cannot be started. What a runtime lacks costs that
    alone: where it refuses the action manifest, a notice says so and the poses come all the same.
    """

    def __init__(self, job: HeadsetJob, clock: SessionClock) -> None:
        self.notices: list[str] = []
        self.quit = False
        self.lenses_changed = False
        self.baton_hand: Hand = job.baton_hand
        self._clock = clock
        self._lock = threading.RLock()  # OpenVR does not say that its input may be asked by two threads at once
        self.system = start_runtime(picture=job.stage is not None, start=job.start_runtime)
        self.universe = openvr.TrackingUniverseSeated if job.seated else openvr.TrackingUniverseStanding
        self._lift = _raised(STANDING_EYE_M) if job.seated else None
        self.origin: np.ndarray | None = self._lift
        """From the runtime's frame to the tracking frame (4 × 4); None where they are the same."""
        self._head: np.ndarray | None = None
        self._array = (openvr.TrackedDevicePose_t * openvr.k_unMaxTrackedDeviceCount)()
        self._event = openvr.VREvent_t()
        self._roles: dict[Hand, int] = {}
        self._roles_s = -math.inf
        self._begun_s: float | None = clock.now_s()
        self._stamp_s = -math.inf
        self._told: dict[Device, _Told] = {device: _Told() for device in DEVICES}
        self._actions: HeadsetActions | None = None
        self._asking = Asking(self.notices)
        self._updated = False  # actions mean nothing before
        try:
            introduce(asset_path("openvr", "tutti.vrmanifest"))
        except REFUSED as error:
            self.notices.append(f"the VR runtime lists Tutti's bindings under Python's name ({name_of(error)})")
        try:
            self._actions = HeadsetActions(asset_path("openvr", "actions.json"))
        except REFUSED as error:
            self.notices.append(f"the controllers' buttons do not work ({name_of(error)}); their poses do")

    @property
    def headset(self) -> str:
        """The headset's model, as far as the runtime tells."""
        try:
            name = self.system.getStringTrackedDeviceProperty(HEAD, openvr.Prop_ModelNumber_String)
        except REFUSED:
            name = ""
        return name or "a headset"

    @property
    def display_hz(self) -> float:
        """The headset's display rate; 90 where the runtime does not tell."""
        try:
            rate_hz = float(self.system.getFloatTrackedDeviceProperty(HEAD, openvr.Prop_DisplayFrequency_Float))
        except REFUSED:
            rate_hz = 0.0
        return rate_hz if 15.0 <= rate_hz <= 1000.0 else 90.0

    def sample(self) -> Sample:
        """Where everything is now. Poses of devices that are told of already, and have not moved, are left out."""
        with self._lock:
            self._handle_events()
            presses, held, dynamics = self._read_actions(self._clock.now_s())
            asked_s = self._clock.now_s()
            self.system.getDeviceToAbsoluteTrackingPose(self.universe, 0.0, self._array)
            hands = {hand: self._hand(hand, asked_s) for hand in _ROLES}
            raw = {"baton": hands[self.baton_hand], "left": hands[self._other], "head": self._array[HEAD]}
            after_s = self._clock.now_s()
            if any(press.button == "recenter" and press.pressed for press in presses):
                self.recenter()
            grips = tuple(self._grip(hand, held[hand], hands[hand], after_s) for hand in held)
        doubtful = after_s - asked_s > DOUBTFUL_S and after_s - self._stamp_s < DOUBT_FOR_S
        if doubtful:
            return Sample((), presses, dynamics, grips)
        self._stamp_s = stamp_s = max(0.5 * (asked_s + after_s), math.nextafter(self._stamp_s, math.inf))
        if stamp_s - self._roles_s > ROLES_S:
            self._ask_roles(stamp_s)
        poses = [self._tell(device, raw[device], stamp_s) for device in DEVICES]
        self._mention_absent(stamp_s)
        return Sample(tuple(pose for pose in poses if pose is not None), presses, dynamics, grips)

    def shown(self, render_poses: Any, shown_s: float) -> tuple[np.ndarray | None, tuple[Pose, ...]]:
        """What the picture that is drawn next shows at ``shown_s``, from ``waitGetPoses``' render poses: the head in
        the runtime's frame (4 × 4; None where it is not tracked), and all devices in the tracking frame."""
        with self._lock:
            hands = {"baton": self.baton_hand, "left": self._other}
            raw = {device: self._shown_hand(hand, render_poses, shown_s) for device, hand in hands.items()}
        raw["head"] = render_poses[HEAD]
        poses = []
        for device in DEVICES:
            values = _values(raw[device])
            if values is not None:
                place, turn = self._placed(values)
                poses.append(Pose(shown_s, device, place, turn))
        head = _values(render_poses[HEAD])
        return (None if head is None else _matrix(head)), tuple(poses)

    def shown_aims(self, render_poses: Any, shown_s: float) -> dict[Hand, Pose]:
        """Where the hands' tips are and point to in the picture that is drawn next (tracking frame), those tracked;
        where a runtime knows no tips, the hands themselves."""
        found: dict[Hand, Pose] = {}
        actions = self._actions
        if actions is None or not self._updated:
            return found
        hands: dict[Device, Hand] = {"baton": self.baton_hand, "left": self._other}
        with self._lock:
            for device, hand in hands.items():
                tip = self._asking.ask(_TIPS, partial(actions.shown_aim, hand, self.universe), None, shown_s)
                values = _values(self._shown_hand(hand, render_poses, shown_s) if tip is None else tip)
                if values is not None:
                    found[hand] = Pose(shown_s, device, *self._placed(values))
        return found

    def fingers(self) -> np.ndarray | None:
        """The joints of the hand without the baton (``BONES``, 3), metres from its raw pose along its axes; None where
        the runtime knows none."""
        actions = self._actions
        if actions is None or not self._updated:
            return None
        with self._lock:
            now_s = self._clock.now_s()
            bones = self._asking.ask("the fingers", lambda: actions.fingers(self._other), None, now_s)
            return None if bones is None else np.frombuffer(bones, "f4").reshape(len(bones), 8)[:, :3].astype(float)

    def hold_baton(self, hand: Hand) -> None:
        """The baton changes to this hand."""
        with self._lock:
            self.baton_hand = hand

    def recenter(self) -> None:
        """Where the head is now is the podium, and where it looks is the orchestra; heights stay."""
        with self._lock:
            if self._head is None:
                self.notices.append("the headset is not tracked: the podium stays where it is")
                return
            ahead = -self._head[:3, 2]
            turned = math.atan2(-ahead[0], -ahead[2])
            back = np.eye(4)
            back[0, 0] = back[2, 2] = math.cos(turned)
            back[0, 2], back[2, 0] = -math.sin(turned), math.sin(turned)
            here = np.eye(4)
            here[[0, 2], 3] = -self._head[[0, 2], 3]
            self.origin = (np.eye(4) if self._lift is None else self._lift) @ back @ here

    def tick(self, amplitude: float, duration_s: float, hand: Hand | None = None) -> None:
        """Let a controller vibrate shortly, the baton's where ``hand`` is None."""
        actions = self._actions
        if actions is not None:
            with self._lock:
                by = hand or self.baton_hand
                now_s = self._clock.now_s()
                self._asking.ask("ticks", lambda: actions.tick(by, amplitude, duration_s), None, now_s)

    def close(self) -> None:
        """Leave the runtime. No other thread may be in here."""
        openvr.shutdown()

    @property
    def _other(self) -> Hand:
        return "left" if self.baton_hand == "right" else "right"

    # -- poses ---------------------------------------------------------------------------------------------

    def _hand(self, hand: Hand, now_s: float) -> Any | None:
        """The raw pose of what is bound to the hand, else of the controller in it; None where there is neither."""
        actions = self._actions
        if actions is not None and self._updated:
            bound = self._asking.ask(_HANDS, lambda: actions.pose(hand, self.universe), None, now_s)
            if bound is not None:
                return bound
        index = self._roles.get(hand, openvr.k_unTrackedDeviceIndexInvalid)
        return self._array[index] if index < len(self._array) else None

    def _shown_hand(self, hand: Hand, render_poses: Any, now_s: float) -> Any | None:
        actions = self._actions
        if actions is not None and self._updated:
            bound = self._asking.ask(_SHOWN_HANDS, lambda: actions.shown_pose(hand, self.universe), None, now_s)
            if bound is not None:
                return bound
        index = self._roles.get(hand, openvr.k_unTrackedDeviceIndexInvalid)
        return render_poses[index] if index < len(render_poses) else None

    def _tell(self, device: Device, raw: Any | None, stamp_s: float) -> Pose | None:
        """The pose to pass on; None where there is no news, or never was such a device."""
        told = self._told[device]
        connected = raw is not None and bool(raw.bDeviceIsConnected)
        if connected != told.connected:
            self._mention_connection(device, connected)
            told.connected = connected
        if not connected and told.time_s == -math.inf:
            return None
        values = _values(raw)
        matrix = bytes(raw.mDeviceToAbsoluteTracking) if raw is not None and connected else b""
        valid = values is not None
        if valid == told.valid and (not valid or matrix == told.matrix) and stamp_s - told.time_s < REST_S:
            return None
        told.time_s, told.valid, told.matrix = stamp_s, valid, matrix
        if values is None:
            return Pose(stamp_s, device, told.place, None, False)
        if device == "head":
            self._head = _matrix(values)
        told.place, turn = self._placed(values)
        return Pose(stamp_s, device, told.place, turn)

    def _placed(self, values: tuple[float, ...]) -> tuple[Vector, Quaternion]:
        """A pose matrix (3 × 4, row-major) from the runtime's frame in the tracking frame."""
        origin = self.origin
        if origin is not None:
            values = tuple((origin @ _matrix(values))[:3].ravel().tolist())
        return (values[3], values[7], values[11]), quaternion_of(values)

    def _grip(self, hand: Hand, held: set[Button], raw: Any | None, now_s: float) -> Grip:
        device: Device = "baton" if hand == self.baton_hand else "left"
        actions = self._actions
        tip = None
        if actions is not None:
            tip = self._asking.ask(_TIPS, lambda: actions.aim(hand, self.universe), None, now_s)
        values = _values(raw if tip is None else tip)
        aim = None if values is None else Pose(now_s, device, *self._placed(values))
        return Grip(now_s, hand, aim, "select" in held, "grab" in held, "menu" in held, "cue" in held)

    def _ask_roles(self, now_s: float) -> None:
        self._roles_s = now_s
        self._roles = {hand: self.system.getTrackedDeviceIndexForControllerRole(role) for hand, role in _ROLES.items()}

    # -- buttons and events --------------------------------------------------------------------------------

    def _read_actions(self, now_s: float) -> tuple[tuple[Press, ...], dict[Hand, set[Button]], float | None]:
        actions = self._actions
        if actions is None or not self._asking.ask("the controllers' buttons", actions.update, False, now_s):
            return (), {}, None
        self._updated = True
        none: tuple[list[Press], dict[Hand, set[Button]]] = ([], {})
        presses, held = self._asking.ask("buttons", lambda: actions.buttons(now_s), none, now_s)
        dynamics = self._asking.ask("triggers", lambda: actions.dynamics(self._other), None, now_s)
        return tuple(presses), held, dynamics

    def _handle_events(self) -> None:
        for _ in range(EVENTS_AT_ONCE):
            if not self.system.pollNextEvent(self._event):
                return
            kind = self._event.eventType
            if kind == openvr.VREvent_Quit:
                self.system.acknowledgeQuit_Exiting()
                self.quit = True
            elif kind in _ROLE_EVENTS:
                self._roles_s = -math.inf
            elif kind in _RECENTER_EVENTS:
                self.origin = self._lift
            elif kind in (openvr.VREvent_IpdChanged, openvr.VREvent_LensDistortionChanged):
                self.lenses_changed = True
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


def _raised(height_m: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[1, 3] = height_m
    return matrix


def _values(raw: Any | None) -> tuple[float, ...] | None:
    """A tracked pose as 12 floats, row-major; None where it is not tracked."""
    if raw is None or not raw.bDeviceIsConnected or not raw.bPoseIsValid or raw.eTrackingResult not in _TRACKED:
        return None
    values = struct.unpack("12f", bytes(raw.mDeviceToAbsoluteTracking))
    return values if all(map(math.isfinite, values)) else None


def _matrix(values: Sequence[float]) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3] = np.reshape(values, (3, 4))
    return matrix


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
