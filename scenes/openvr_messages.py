"""What the studio and the headset's process say to each other; everything can be pickled, nothing needs OpenVR."""

from dataclasses import dataclass
from typing import Literal

from ..engine.types import Pose

Hand = Literal["left", "right"]
Button = Literal["cue", "menu", "grab"]


@dataclass(frozen=True, slots=True)
class HeadsetJob:
    """What a headset's process is started with."""

    clock_origin_s: float
    seated: bool
    baton_hand: Hand


@dataclass(frozen=True, slots=True)
class Press:
    """A button of a controller went down (``pressed``) or up, session time."""

    time_s: float
    button: Button
    hand: Hand
    pressed: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """What the runtime told at one moment. ``dynamics`` is the other hand's trigger, 0–1; None where it is asleep."""

    poses: tuple[Pose, ...]
    presses: tuple[Press, ...]
    dynamics: float | None


@dataclass(frozen=True, slots=True)
class Ready:
    """OpenVR runs: the headset's name, its display rate, and how often it is asked for poses."""

    headset: str
    display_hz: float
    rate_hz: float


@dataclass(frozen=True, slots=True)
class Failed:
    """OpenVR could not be started; ``line`` says why and what to do."""

    line: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the person in front of the log should know; the poses go on."""

    line: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The runtime asked everyone to leave; no more poses come."""

    line: str


@dataclass(frozen=True, slots=True)
class HoldBaton:
    """From the studio: the baton changes to this hand."""

    hand: Hand


@dataclass(frozen=True, slots=True)
class Tick:
    """From the studio: the controller with the baton vibrates shortly. ``amplitude`` 0–1."""

    amplitude: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Close:
    """From the studio: leave the runtime and end."""


FromHeadset = Ready | Failed | Sample | Notice | Ended
ToHeadset = HoldBaton | Tick | Close
