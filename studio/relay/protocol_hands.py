"""What a viewer's hands say: a drag, tracked devices, taps, keys. Parts of ``studio.relay.protocol``."""

from dataclasses import dataclass
from typing import ClassVar

from ...engine.types import Device
from .protocol_values import Quaternion4, Vector3
from .wire import F32, F64, U8


@dataclass(frozen=True, slots=True)
class PointerSample:
    """A point of a drag: −1…1, x to the right, y up, over the shorter side of the stage's view. ``pressed`` False
    ends the drag."""

    client_s: F64
    x: F32
    y: F32
    pressed: bool


@dataclass(frozen=True, slots=True)
class Pointer:
    """The baton holder's mouse or touch. ``clock_offset_s`` is the viewer's estimate of session − own clock."""

    TAG: ClassVar[int] = 0x44
    clock_offset_s: F64
    samples: tuple[PointerSample, ...]


@dataclass(frozen=True, slots=True)
class PoseSample:
    """A tracked device of the baton holder (WebXR, phone), tracking frame. ``valid`` False: tracking was lost."""

    client_s: F64
    device: Device
    position_m: Vector3
    orientation_wxyz: Quaternion4 | None
    valid: bool


@dataclass(frozen=True, slots=True)
class Poses:
    """The baton holder's tracked devices."""

    TAG: ClassVar[int] = 0x45
    clock_offset_s: F64
    samples: tuple[PoseSample, ...]


@dataclass(frozen=True, slots=True)
class TapSample:
    """A tap on a beat. ``strength`` 0–1: the touch's pressure, or 0.5 where the device tells none."""

    client_s: F64
    strength: F32


@dataclass(frozen=True, slots=True)
class Tap:
    """The baton holder taps the beats (key, tap zone) instead of drawing them: the first tap is the preparatory beat.
    ``clock_offset_s`` as in ``Pointer``."""

    TAG: ClassVar[int] = 0x4A
    clock_offset_s: F64
    samples: tuple[TapSample, ...]


@dataclass(frozen=True, slots=True)
class KeySample:
    """A key went down (``velocity`` 1–127) or was let go (0). ``pitch`` is its MIDI number."""

    client_s: F64
    pitch: U8
    velocity: U8


@dataclass(frozen=True, slots=True)
class Keys:
    """A host or the baton holder plays the page's keyboard, where the session has one (``Snapshot.keyboard``).
    ``clock_offset_s`` as in ``Pointer``."""

    TAG: ClassVar[int] = 0x4E
    clock_offset_s: F64
    samples: tuple[KeySample, ...]
