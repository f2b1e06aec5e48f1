"""Where head and hands are, asked from a running OpenVR runtime and stamped on the session clock.

Poses are raw: where a device is when asked, not where it will be when a picture is shown (a prediction overshoots at
each ictus). Runtimes that renew poses only once a display frame give the same one several times; of equal poses only
the first counts, so that its stamp is late by at most one sampling period, until a device has rested long enough for
that to be news.
"""

import math
from dataclasses import dataclass, field
from typing import Any, get_args

import openvr

from ..assets import asset_path
from ..engine.clock import SessionClock
from ..engine.types import Device, Pose, Quaternion, Vector
from .openvr_actions import HeadsetActions
from .openvr_init import start_runtime
from .openvr_messages import Hand, HeadsetJob, Sample

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
_TRACKED = (openvr.TrackingResult_Running_OK, openvr.TrackingResult_Running_OutOfRange)
"""Out of range with a valid pose is carried on by the device's inertial sensors, for a moment."""
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
_NO_DEVICE = openvr.k_unTrackedDeviceIndexInvalid


@dataclass(slots=True)
class _Told:
    """What was last told of a device."""

    time_s: float = -math.inf
    pose: bytes = b""
    valid: bool = False
    place: Vector = (0.0, 0.0, 0.0)
    connected: bool = False


@dataclass(slots=True)
class HeadsetTracking:
    """Joins the runtime when made and reads it until ``close``. One thread.

    ``notices`` collects what should be said to people; ``quit`` is True once the runtime asked to leave.
    Raises ``HeadsetError`` where OpenVR cannot be started.
    """

    job: HeadsetJob
    clock: SessionClock
    notices: list[str] = field(default_factory=list)
    quit: bool = False
    _told: dict[Device, _Told] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._system = start_runtime()
        self._baton_hand: Hand = self.job.baton_hand
        self._universe = openvr.TrackingUniverseSeated if self.job.seated else openvr.TrackingUniverseStanding
        self._lift_m = STANDING_EYE_M if self.job.seated else 0.0
        self._array = (openvr.TrackedDevicePose_t * openvr.k_unMaxTrackedDeviceCount)()
        self._event = openvr.VREvent_t()
        self._roles: dict[Hand, int] = {}
        self._roles_s = -math.inf
        self._begun_s = self.clock.now_s()
        self._stamp_s = -math.inf
        self._actions = self._open_actions()

    _system: Any = field(init=False)
    _baton_hand: Hand = field(init=False)
    _universe: int = field(init=False)
    _lift_m: float = field(init=False)
    _array: Any = field(init=False)
    _event: Any = field(init=False)
    _roles: dict[Hand, int] = field(init=False)
    _roles_s: float = field(init=False)
    _begun_s: float = field(init=False)
    _stamp_s: float = field(init=False)
    _actions: HeadsetActions | None = field(init=False)
