"""What the studio and the headset's process say to each other; everything can be pickled, nothing needs OpenVR."""

from dataclasses import dataclass
from typing import Literal

from ...engine.hall import Hall
from ...engine.interaction.values import InteractionFrame
from ...engine.score import Score
from ...engine.types import Frame, PlayerPlacement, Pose

Hand = Literal["left", "right"]
Button = Literal["select", "cue", "menu", "grab", "recenter"]


@dataclass(frozen=True, slots=True)
class Stage:
    """What the headset shows: the orchestra as it sits when the process starts, and its score."""

    placements: tuple[PlayerPlacement, ...]
    score: Score
    hall: Hall | str


@dataclass(frozen=True, slots=True)
class HeadsetJob:
    """What a headset's process is started with.

    ``stage`` None: only poses are wanted. ``start_runtime`` False: a runtime that does not run is left alone.
    ``seated``: the origin is where the conductor sits, not the middle of the play area. ``patience_s``: a compositor
    that asks for no picture for so long hangs.
    """

    clock_origin_s: float
    seated: bool
    baton_hand: Hand
    stage: Stage | None = None
    start_runtime: bool = True
    patience_s: float = 12.0


@dataclass(frozen=True, slots=True)
class Press:
    """A button of a controller went down (``pressed``) or up, session time."""

    time_s: float
    button: Button
    hand: Hand
    pressed: bool


@dataclass(frozen=True, slots=True)
class Grip:
    """What a controller does at ``time_s``: ``aim`` is where its tip points from (device ``baton`` or ``left``), None
    while it is not tracked; the buttons are down or not."""

    time_s: float
    hand: Hand
    aim: Pose | None
    select: bool
    grab: bool
    menu: bool
    cue: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """What the runtime told at one moment. ``dynamics`` is the other hand's trigger, 0–1; None where it is asleep."""

    poses: tuple[Pose, ...]
    presses: tuple[Press, ...]
    dynamics: float | None
    grips: tuple[Grip, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """OpenVR runs: the headset's name, its display rate, how often it is asked for poses, and the size of each eye's
    picture in pixels ((0, 0) where the headset shows none of ours)."""

    headset: str
    display_hz: float
    rate_hz: float
    eye_px: tuple[int, int] = (0, 0)


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
    """The runtime asked everyone to leave, or does not answer; no more poses come."""

    line: str


@dataclass(frozen=True, slots=True)
class Show:
    """From the studio: what was performed since the last time, in order of time; the newest interaction; seating and
    hall where they changed."""

    frames: tuple[Frame, ...] = ()
    interaction: InteractionFrame | None = None
    placements: tuple[PlayerPlacement, ...] | None = None
    hall: Hall | None = None


@dataclass(frozen=True, slots=True)
class HoldBaton:
    """From the studio: the baton changes to this hand."""

    hand: Hand


@dataclass(frozen=True, slots=True)
class Recenter:
    """From the studio: where the head is now is the podium, where it looks is the orchestra."""


@dataclass(frozen=True, slots=True)
class Tick:
    """From the studio: a controller vibrates shortly, the one with the baton where ``hand`` is None. ``amplitude``
    0–1."""

    amplitude: float
    duration_s: float
    hand: Hand | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """From the studio: leave the runtime and end."""


FromHeadset = Ready | Failed | Sample | Notice | Ended
ToHeadset = Show | HoldBaton | Recenter | Tick | Close
