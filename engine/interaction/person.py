"""One person in the hall: what their hands point at, press and hold, and the panels open before them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from ..hall import Hall
from ..types import PlayerPlacement, Vector
from .dragging import Drag
from .hall_state import HallState, ScoreNames
from .menus import GAIN_STEP_DB, MENU_DMM, TABS, Tab, card_items, label_items, menu_items
from .moving import floor_point
from .panel_places import above_head, beside_head, menu_place, vector
from .panels import TOUCH_PRESS_M, TOUCH_RELEASE_M, item_at, panel_facing, ray_hit, touch_hit, with_states
from .picking import HAND_TOLERANCE_RAD, MOUSE_TOLERANCE_RAD, PlayerTargets
from .steadier import SteadyDirection
from .values import (
    InteractionFrame,
    ItemState,
    Panel,
    PanelItem,
    PanelKey,
    Pointer,
    PointerHand,
    Pulse,
    RayEnd,
    RayMark,
    Request,
    RequestAction,
)

DRAG_BEGINS_RAD = {"mouse": math.radians(0.6), "left": math.radians(2.0), "right": math.radians(2.0)}
"""A press that turns by so much takes the player along instead of opening their card."""
SILENT_HAND_S = 1.0
"""A hand that was not heard of for so long points no more."""
ON_GLASS = 0.62
"""Panels seen on a screen are so much smaller: a pixel is sharper than a headset's, and a mouse surer than a hand."""
RAY_SHOWN_M = 8.0
HOVER_PULSE, PRESS_PULSE, HOLD_PULSE = (0.2, 0.010), (0.5, 0.020), (0.7, 0.030)
"""Amplitude and seconds of what a controller lets feel."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a person's hands find in the hall at a step."""

    hall: Hall
    names: ScoreNames
    state: HallState
    targets: PlayerTargets
    can_undo: bool


@dataclass(slots=True)
class _Hand:
    """One hand: its newest pointer, and what it points at and holds down."""

    pointer: Pointer
    steady: SteadyDirection = field(default_factory=SteadyDirection)
    player: int | None = None
    item: tuple[PanelKey, str] | None = None
    end_m: Vector = (0.0, 0.0, 0.0)
    on: RayEnd = "nothing"
    at_dmm: float = 0.0
    touching: bool = False
    pressed_item: tuple[PanelKey, str] | None = None
    pressed_player: int | None = None
    pressed_m: Vector = (0.0, 0.0, 0.0)
    pressed_direction: Vector = (0.0, 1.0, 0.0)


@dataclass(slots=True)
class Person:
    """``allowed`` says whether they may change anything. After a ``step``: ``dropped`` are the places before a drag
    that ended, ``placements`` the newest places of a drag, ``wants`` whether old places are wanted back."""

    who: str
    allowed: bool = True
    seen_s: float = -math.inf
    dropped: tuple[PlayerPlacement, ...] | None = None
    placements: tuple[PlayerPlacement, ...] | None = None
    wants: Literal["", "undo", "as_seated"] = ""
    _hands: dict[PointerHand, _Hand] = field(default_factory=dict)
    _selected: int | None = None
    _whole_section: bool = False
    _drag: Drag | None = None
    _menu: tuple[Vector, Vector] | None = None
    """Centre of the open menu, and the eye that it faces."""
    _tab: Tab = "play"
    _page: int = 0
    _eye_m: Vector = (0.0, 0.0, 1.85)
    _gaze: Vector = (0.0, 1.0, 0.0)
    _panels: tuple[Panel, ...] = ()
    _pulses: list[Pulse] = field(default_factory=list)
    _requests: list[Request] = field(default_factory=list)

    @property
    def at_work(self) -> bool:
        """Holds a player, or has a panel open."""
        return self._drag is not None or self._menu is not None or self._selected is not None

    def take_requests(self) -> list[Request]:
        requests, self._requests = self._requests, []
        return requests

    def step(self, now_s: float, pointers: Sequence[Pointer], around: Surroundings) -> None:
        """Take this person's pointers since the last step, in order of time."""
        self.dropped = self.placements = None
        self.wants = ""
        self._pulses = []
        if self._selected is not None and around.state.player(self._selected) is None:
            self._selected = None
        for pointer in pointers:
            self.seen_s = max(self.seen_s, pointer.time_s)
            self._eye_m, self._gaze = pointer.eye_m, pointer.gaze
            self._panels = self._build_panels(around)
            self._take(now_s, pointer, around)
        for hand in list(self._hands.values()):
            if now_s - hand.pointer.time_s > SILENT_HAND_S:
                self._lose(now_s, hand)
        if self._drag is not None:
            self.placements = self.placements or self._drag.tell(now_s)

    def frame(self, now_s: float, around: Surroundings) -> InteractionFrame:
        """What is drawn for this person now."""
        hands = list(self._hands.values())
        hovered = next((hand.player for hand in hands if hand.player is not None), None)
        states: dict[PanelKey, dict[str, ItemState]] = {}
        for hand in hands:
            if hand.item is not None:
                states.setdefault(hand.item[0], {}).setdefault(hand.item[1], "hovered")
            if hand.pressed_item is not None:
                states.setdefault(hand.pressed_item[0], {})[hand.pressed_item[1]] = "pressed"
        panels = [with_states(panel, states.get(panel.key, {})) for panel in self._build_panels(around)]
        if hovered is not None and hovered != self._selected and self._drag is None:
            panels.append(self._label(hovered, around))
        lit = self._drag.members if self._drag is not None else self._meant(hovered, around)
        return InteractionFrame(
            time_s=now_s,
            who=self.who,
            hovered=hovered,
            selected=self._selected,
            highlighted=lit,
            drags=self._drag.marks() if self._drag is not None else (),
            rays=tuple(RayMark(hand.pointer.hand, hand.end_m, hand.on) for hand in hands),
            panels=tuple(panels),
            pulses=tuple(self._pulses),
        )

    # -- hands ---------------------------------------------------------------------------------------------

    def _take(self, now_s: float, pointer: Pointer, around: Surroundings) -> None:
        hand = self._hands.get(pointer.hand)
        if not pointer.valid:
            if hand is not None:
                self._lose(now_s, hand)
            return
        if hand is None:
            # what is down when a hand appears was not pressed here; a finger on glass and a key do
            rested = replace(pointer, select=False, menu=False) if pointer.hand == "mouse" else pointer
            hand = self._hands[pointer.hand] = _Hand(rested)
        before = hand.pointer
        if pointer.hand != "mouse":
            pointer = replace(pointer, direction=hand.steady.step(pointer.time_s, pointer.direction))
        hand.pointer = pointer
        self._aim(hand, around)
        if pointer.menu and not before.menu:
            self._toggle_menu(pointer)
        self._touch(now_s, hand, around)
        if pointer.select and not before.select:
            self._press(hand)
        elif pointer.select:
            self._keep_pressing(hand, around)
        elif before.select:
            self._let_go(now_s, hand, around)
        if pointer.grab and not before.grab and hand.player is not None:
            self._begin_drag(hand, hand.player, hand.end_m, around, by_grip=True)
        elif before.grab and not pointer.grab and self._drag is not None and self._drag.by_grip:
            self._drop(now_s, hand)
        if self._drag is not None and self._drag.hand == pointer.hand:
            self._drag.move(pointer, around.state.placements, around.hall)

    def _lose(self, now_s: float, hand: _Hand) -> None:
        """Tracking is lost: nothing is pressed any more, and what was held stays where it is."""
        self._drop(now_s, hand)
        self._hands.pop(hand.pointer.hand, None)

    def _aim(self, hand: _Hand, around: Surroundings) -> None:
        """Find what the hand points at: panels first, then players, then the floor."""
        pointer, (item, player) = hand.pointer, (hand.item, hand.player)
        hand.item, hand.player, hand.on = None, None, "nothing"
        panel = self._aim_at_panels(hand)
        if panel:
            pass
        elif self._drag is not None and self._drag.hand == pointer.hand:
            hand.player = self._drag.members[0]
            self._aim_at_floor(hand, around)
        else:
            tolerance = MOUSE_TOLERANCE_RAD if pointer.hand == "mouse" else HAND_TOLERANCE_RAD
            found = around.targets.pick(
                pointer.origin_m, pointer.direction, tolerance, player if pointer.hand != "mouse" else None
            )
            if found is not None:
                (hand.player, hand.end_m), hand.on = found, "player"
            else:
                self._aim_at_floor(hand, around)
        if (hand.item, hand.player) != (item, player) and (hand.item or hand.player is not None):
            self._pulse(hand, HOVER_PULSE)

    def _aim_at_panels(self, hand: _Hand) -> bool:
        pointer = hand.pointer
        near: list[tuple[float, Panel, float, float]] = []
        if pointer.tip_m is not None:
            for panel in self._panels:
                touched = touch_hit(panel, pointer.tip_m)
                if touched is not None:
                    near.append((-1.0, panel, *touched[1:]))
        if not near and (self._drag is None or self._drag.hand != pointer.hand):
            for panel in self._panels:
                met = ray_hit(panel, pointer.origin_m, pointer.direction)
                if met is not None:
                    near.append((met[0], panel, *met[1:]))
        if not near:
            return False
        along, panel, x, y = min(near, key=lambda found: found[0])
        item = item_at(panel, x, y)
        hand.item = None if item is None else (panel.key, item.key)
        hand.at_dmm = x
        hand.on = "panel"
        hand.end_m = pointer.tip_m if along < 0 and pointer.tip_m is not None else _along(pointer, along)
        return True

    def _aim_at_floor(self, hand: _Hand, around: Surroundings) -> None:
        place = floor_point(around.hall, hand.pointer.origin_m, hand.pointer.direction)
        hand.on = "nothing" if place is None else "floor"
        hand.end_m = _along(hand.pointer, RAY_SHOWN_M) if place is None else place

    def _touch(self, now_s: float, hand: _Hand, around: Surroundings) -> None:
        """A fingertip presses what it goes through, and lets go when it is drawn back."""
        tip_m = hand.pointer.tip_m
        if tip_m is None:
            return
        met = [hit for panel in self._panels if (hit := touch_hit(panel, tip_m)) is not None]
        before_m = min((hit[0] for hit in met), default=math.inf)
        if not hand.touching and before_m < TOUCH_PRESS_M:
            hand.touching = True
            self._press(hand)
        elif hand.touching and before_m > TOUCH_RELEASE_M:
            hand.touching = False
            hand.item = hand.item or hand.pressed_item
            self._let_go(now_s, hand, around)
        elif hand.touching:
            self._keep_pressing(hand, around)

    def _press(self, hand: _Hand) -> None:
        hand.pressed_item, hand.pressed_player = hand.item, None
        if hand.item is not None:
            self._pulse(hand, PRESS_PULSE)
            self._slide(hand)
        elif hand.on == "panel":
            return
        elif hand.player is None:
            self._selected = None
        else:
            hand.pressed_player = hand.player
            hand.pressed_m, hand.pressed_direction = hand.end_m, hand.pointer.direction

    def _keep_pressing(self, hand: _Hand, around: Surroundings) -> None:
        self._slide(hand)
        if hand.pressed_player is None or self._drag is not None:
            return
        turned = _angle(hand.pressed_direction, hand.pointer.direction)
        if turned > DRAG_BEGINS_RAD[hand.pointer.hand]:
            start = replace(hand.pointer, direction=hand.pressed_direction)
            self._begin_drag(hand, hand.pressed_player, hand.pressed_m, around, by_grip=False, start=start)

    def _let_go(self, now_s: float, hand: _Hand, around: Surroundings) -> None:
        item, player = hand.pressed_item, hand.pressed_player
        hand.pressed_item = hand.pressed_player = None
        if self._drag is not None and self._drag.hand == hand.pointer.hand and not self._drag.by_grip:
            self._drop(now_s, hand)
        elif item is not None and item == hand.item:
            self._do(item[1], around)
        elif player is not None:
            self._selected = None if self._selected == player else player
            self._pulse(hand, PRESS_PULSE)

    def _pulse(self, hand: _Hand, kind: tuple[float, float]) -> None:
        if hand.pointer.hand != "mouse":
            self._pulses.append(Pulse(hand.pointer.hand, *kind))

    # -- moving players ---------------------------------------------------------------------------------------

    def _meant(self, player: int | None, around: Surroundings) -> tuple[int, ...]:
        """Who would be moved by a grab of ``player``, that one first."""
        placement = None if player is None else around.state.player(player)
        if player is None or placement is None:
            return ()
        whole = self._whole_section or any(hand.pointer.section for hand in self._hands.values())
        fellows = around.state.of_section(placement.section) if whole and self.allowed else ()
        return (player, *(fellow for fellow in fellows if fellow != player))

    def _begin_drag(
        self,
        hand: _Hand,
        player: int,
        touched_m: Vector,
        around: Surroundings,
        *,
        by_grip: bool,
        start: Pointer | None = None,
    ) -> None:
        if not self.allowed or self._drag is not None:
            return
        members = self._meant(player, around)
        hand.pressed_player = None
        self._drag = Drag.begin(
            start or hand.pointer, by_grip, touched_m, members, around.state.placements, around.hall
        )
        self._pulse(hand, HOLD_PULSE)

    def _drop(self, now_s: float, hand: _Hand) -> None:
        if self._drag is None or self._drag.hand != hand.pointer.hand:
            return
        self.placements = self._drag.tell(now_s, last=True) or self.placements
        if self._drag.moved:
            self.dropped = self._drag.before
        self._drag = None
        self._pulse(hand, HOLD_PULSE)

    # -- panels --------------------------------------------------------------------------------------------------

    @property
    def _scale(self) -> float:
        return ON_GLASS if set(self._hands) <= {"mouse"} else 1.0

    def _toggle_menu(self, pointer: Pointer) -> None:
        if self._menu is not None or not self.allowed:
            self._menu = None
            return
        self._menu = (menu_place(pointer), pointer.eye_m)

    def _build_panels(self, around: Surroundings) -> tuple[Panel, ...]:
        panels = []
        if not self.allowed:
            self._menu = None
        if self._menu is not None:
            two_hands = self.who == "headset"
            items = menu_items(
                self._tab, self._page, around.state, around.names, can_undo=around.can_undo, two_hands=two_hands
            )
            panels.append(panel_facing("menu", *self._menu, MENU_DMM, items, self._scale))
        placement = None if self._selected is None else around.state.player(self._selected)
        if placement is not None:
            size, items = card_items(placement, around.state, around.names, self._whole_section, self.allowed)
            head_m = around.targets.head_m(placement.player)
            centre = beside_head(self._eye_m, self._gaze, head_m, size[0], self._scale)
            panels.append(panel_facing("card", centre, self._eye_m, size, items, self._scale))
        return tuple(panels)

    def _label(self, player: int, around: Surroundings) -> Panel:
        placement = around.state.player(player)
        assert placement is not None
        size, items = label_items(placement, around.state, around.names)
        centre = above_head(self._eye_m, around.targets.head_m(player), size[1], self._scale)
        return panel_facing("label", centre, self._eye_m, size, items, self._scale)

    def _item(self, key: tuple[PanelKey, str]) -> PanelItem | None:
        return next((i for panel in self._panels if panel.key == key[0] for i in panel.items if i.key == key[1]), None)

    def _slide(self, hand: _Hand) -> None:
        """A slider follows the hand that pressed it."""
        item = None if hand.pressed_item is None else self._item(hand.pressed_item)
        if item is None or item.kind != "slider" or hand.on != "panel":
            return
        value = round(min(1.0, max(0.0, (hand.at_dmm - item.x_dmm - 16) / (item.width_dmm - 32))), 2)
        if abs(value - item.value) > 1e-3:
            self._ask("level", value - 0.5) if item.key == "level" else self._ask("follow", value)

    def _ask(self, action: RequestAction, value: float = 0.0, players: tuple[int, ...] = ()) -> None:
        if self.allowed:
            self._requests.append(Request(self.who, action, value, players))

    def _do(self, key: str, around: Surroundings) -> None:
        """Press the item ``key``."""
        name, _, target = key.partition(":")
        state = around.state
        match name:
            case "tab":
                self._tab, self._page = next(tab for tab in TABS if tab == target), 0
            case "page":
                self._page += 1
            case "close":
                self._menu = None
            case "card_close":
                self._selected = None
            case "whole_section":
                self._whole_section = not self._whole_section
            case "undo" | "as_seated":
                self.wants = "undo" if name == "undo" else "as_seated"
            case "bars" | "measure":
                measure = int(target) + (state.measure_index if name == "bars" else 0)
                self._ask("seek", float(max(0, min(len(around.names.measures) - 1, measure))))
            case "mute" | "solo":
                players = _players_of(target, state)
                chosen = state.mixer.muted if name == "mute" else state.mixer.soloed
                self._ask("mute" if name == "mute" else "solo", float(not chosen >= set(players)), players)
            case "gain":
                placement = None if self._selected is None else state.player(self._selected)
                if placement is not None:
                    change_db = GAIN_STEP_DB if target == "+" else -GAIN_STEP_DB
                    self._ask("gain", change_db, state.of_part(placement.part))
            case "start_stop":
                self._ask("start_stop")
            case "restart":
                self._ask("restart")
            case "swap_hands":
                self._ask("swap_hands")
            case "next_input":
                self._ask("next_input")
            case "mix_clear":
                self._ask("mix_clear")
            case "seat":
                self._ask("seat", float(target))
            case "hall":
                self._ask("hall", float(target))


def _players_of(target: str, state: HallState) -> tuple[int, ...]:
    """``part:3`` or ``section:violas`` as players."""
    kind, _, name = target.partition(":")
    return state.of_part(int(name)) if kind == "part" else state.of_section(name)


def _along(pointer: Pointer, distance_m: float) -> Vector:
    return vector(np.asarray(pointer.origin_m) + distance_m * np.asarray(pointer.direction))


def _angle(a: Vector, b: Vector) -> float:
    return math.atan2(float(np.linalg.norm(np.cross(a, b))), float(np.dot(a, b)))
