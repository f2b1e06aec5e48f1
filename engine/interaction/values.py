"""What goes into interaction and what comes out of it: values, hall frame, metres, session time.

Sizes of panels are in dmm, distance-independent millimetres: 1 dmm is 1 mm seen from 1 m, whatever the distance
(Chris McKenzie and Adam Glazier, "Designing Screen Interfaces for VR", Google I/O 2017).
"""

from dataclasses import dataclass
from typing import Literal

from ..types import PlayerPlacement, Vector

PointerHand = Literal["mouse", "left", "right"]
"""``mouse`` is anything that points with a picture's pixel: mouse, pen or finger on glass."""
POINTER_HANDS: tuple[PointerHand, ...] = ("mouse", "left", "right")


@dataclass(frozen=True, slots=True)
class Pointer:
    """One ray of somebody in the hall at ``time_s``.

    ``who`` is whose it is (``"window"``, ``"headset"``, ``"viewer 3"``): everybody has their own hover, selection and
    menu. ``origin_m`` and the unit ``direction`` are where the ray starts and goes. ``tip_m`` is the end of a finger or
    controller that can touch panels, None where there is none. ``select`` (trigger, mouse button, pinch), ``grab``
    (grip) and ``menu`` tell whether they are down now; edges are found here. ``section`` asks that a grab takes the
    whole section. ``eye_m`` and ``gaze`` are where the person looks from and to: panels face it.
    ``valid`` False: tracking was lost, or the pointer left the picture.
    """

    time_s: float
    who: str
    hand: PointerHand
    origin_m: Vector
    direction: Vector
    select: bool = False
    grab: bool = False
    menu: bool = False
    section: bool = False
    valid: bool = True
    tip_m: Vector | None = None
    eye_m: Vector = (0.0, 0.0, 1.85)
    gaze: Vector = (0.0, 1.0, 0.0)


ItemKind = Literal["text", "button", "toggle", "slider"]
ItemState = Literal["idle", "hovered", "pressed", "disabled"]
Align = Literal["left", "centre", "right"]


@dataclass(frozen=True, slots=True)
class PanelItem:
    """A line of text or something to press on a panel.

    ``x_dmm`` and ``y_dmm`` are its upper left corner from the panel's, x to the right, y down. ``value`` is 0 or 1 of a
    toggle, 0–1 of a slider. ``key`` names what it does, empty for text.
    """

    key: str
    kind: ItemKind
    x_dmm: float
    y_dmm: float
    width_dmm: float
    height_dmm: float
    text: str
    text_dmm: float = 24.0
    align: Align = "centre"
    strong: bool = False
    value: float = 0.0
    state: ItemState = "idle"


PanelKey = Literal["menu", "card", "label"]


@dataclass(frozen=True, slots=True)
class Panel:
    """A plane with text and buttons in the hall.

    ``centre_m`` is its middle, ``right`` and ``up`` are unit vectors along it as its reader sees it; one dmm of its
    layout is ``metres_per_dmm`` (distance / 1000).
    """

    key: PanelKey
    centre_m: Vector
    right: Vector
    up: Vector
    metres_per_dmm: float
    width_dmm: float
    height_dmm: float
    items: tuple[PanelItem, ...]


RayEnd = Literal["nothing", "player", "panel", "floor"]


@dataclass(frozen=True, slots=True)
class RayMark:
    """Where a pointer's ray ends, for drawing the laser from the hand to there."""

    hand: PointerHand
    end_m: Vector
    on: RayEnd


@dataclass(frozen=True, slots=True)
class DragMark:
    """A player who is being moved: from where, and the place on the floor where they would stand if let go now.

    ``moved_aside`` tells that the hand asks for a taken or forbidden place, and this is the nearest free one.
    """

    player: int
    from_m: Vector
    to_m: Vector
    moved_aside: bool


@dataclass(frozen=True, slots=True)
class Pulse:
    """A tick that a controller shall give: ``amplitude`` 0–1."""

    hand: PointerHand
    amplitude: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class InteractionFrame:
    """What one person's pointers came to at ``time_s``: everything that is drawn for them.

    ``hovered`` is the player under a ray, ``selected`` the one whose card is open, ``highlighted`` all who shall be
    lit (the hovered one, or the section that would be grabbed).
    """

    time_s: float
    who: str
    hovered: int | None = None
    selected: int | None = None
    highlighted: tuple[int, ...] = ()
    drags: tuple[DragMark, ...] = ()
    rays: tuple[RayMark, ...] = ()
    panels: tuple[Panel, ...] = ()
    pulses: tuple[Pulse, ...] = ()


RequestAction = Literal[
    "start_stop",
    "restart",
    "seek",
    "level",
    "follow",
    "mute",
    "solo",
    "gain",
    "swap_hands",
    "next_input",
    "mix_clear",
    "seat",
    "hall",
]


@dataclass(frozen=True, slots=True)
class Request:
    """Something that a person asked of the studio by a panel.

    ``seek``: ``value`` is the measure index. ``level``: what is added to the conductor's level, −0.5 to 0.5.
    ``follow``: forgiveness 0–1.
    ``mute`` and ``solo``: the ``players`` on (1) or off (0). ``gain``: change by ``value`` dB of the ``players``.
    ``mix_clear``: nobody muted, nobody solo. ``seat``: listen from the seat of this number.
    ``hall``: play in the hall of this number. The rest need no value.
    """

    who: str
    action: RequestAction
    value: float = 0.0
    players: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step of the interaction came to: what to draw for each person, what was asked for, and the players'
    new places, None where nobody was moved."""

    frames: tuple[InteractionFrame, ...] = ()
    requests: tuple[Request, ...] = ()
    placements: tuple[PlayerPlacement, ...] | None = None
    released: bool = False
    """A drag ended with this step: the new places are final."""
