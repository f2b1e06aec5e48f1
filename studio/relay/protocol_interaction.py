"""The messages of pointing, grabbing and menus, and the records they carry: a part of the protocol's schema.

Everything is in the hall frame: metres, Z up, +Y from the audience towards the back of the stage, origin on the stage
floor at the podium.
"""

from dataclasses import dataclass
from typing import ClassVar

from ...engine.interaction.values import Align, ItemKind, ItemState, PanelKey, PointerHand, RayEnd
from .protocol_values import Label, Title, Vector3
from .wire import F32, F64, U16


@dataclass(frozen=True, slots=True)
class RaySample:
    """A ray of a viewer: mouse, finger on glass, or a tracked hand. ``tip_m`` can touch panels. ``select`` (button,
    trigger, pinch), ``grab`` (grip) and ``menu`` tell whether they are down; with ``section`` a grab takes the whole
    section. ``valid`` False: the hand is lost, or the pointer left the picture."""

    client_s: F64
    hand: PointerHand
    origin_m: Vector3
    direction: Vector3
    tip_m: Vector3 | None
    select: bool
    grab: bool
    menu: bool
    section: bool
    valid: bool


@dataclass(frozen=True, slots=True)
class Pointing:
    """A viewer's rays, and where the viewer looks from and to. Everybody may point, and gets labels; who may control
    the concert can also move players and use the menu. ``clock_offset_s`` as in ``Pointer``."""

    TAG: ClassVar[int] = 0x4D
    clock_offset_s: F64
    eye_m: Vector3
    gaze: Vector3
    samples: tuple[RaySample, ...]


@dataclass(frozen=True, slots=True)
class ItemInfo:
    """Something on a panel: text, or what can be pressed. ``x_dmm`` and ``y_dmm`` from the panel's upper left corner to
    the item's, y down; ``value`` is 0 or 1 of a toggle, 0–1 of a slider."""

    key: Label
    item: ItemKind
    x_dmm: F32
    y_dmm: F32
    width_dmm: F32
    height_dmm: F32
    text: Title
    text_dmm: F32
    align: Align
    strong: bool
    value: F32
    state: ItemState


@dataclass(frozen=True, slots=True)
class PanelInfo:
    """A panel in the hall: its middle, unit vectors to the right and up as its reader sees it, and metres of a dmm."""

    panel: PanelKey
    centre_m: Vector3
    right: Vector3
    up: Vector3
    metres_per_dmm: F32
    width_dmm: F32
    height_dmm: F32
    items: tuple[ItemInfo, ...]


@dataclass(frozen=True, slots=True)
class RayInfo:
    """Where a ray ends, and on what."""

    hand: PointerHand
    end_m: Vector3
    on: RayEnd


@dataclass(frozen=True, slots=True)
class DragInfo:
    """A player in the hand: from where, and where they would stand if let go now; ``moved_aside``: that is the nearest
    free place, not the one pointed at."""

    player: U16
    from_m: Vector3
    to_m: Vector3
    moved_aside: bool


@dataclass(frozen=True, slots=True)
class PulseInfo:
    """A tick that a controller shall give; ``amplitude`` 0–1."""

    hand: PointerHand
    amplitude: F32
    duration_s: F32


@dataclass(frozen=True, slots=True)
class Interaction:
    """What the receiver's own pointers came to: everything that is drawn for them. The newest replaces all before;
    ``pulses`` are those since the last."""

    TAG: ClassVar[int] = 0x0C
    time_s: F64
    hovered: U16 | None
    selected: U16 | None
    highlighted: tuple[U16, ...]
    drags: tuple[DragInfo, ...]
    rays: tuple[RayInfo, ...]
    panels: tuple[PanelInfo, ...]
    pulses: tuple[PulseInfo, ...]
