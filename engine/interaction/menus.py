"""The panels' contents: the menu, a player's card, a label.

Sizes follow Chris McKenzie and Adam Glazier ("Designing Screen Interfaces for VR", Google I/O 2017): text of 24 dmm or
more, targets of 64 dmm with 16 dmm between them.
"""

from collections.abc import Sequence
from typing import Literal, get_args

from ..types import PlayerPlacement
from .hall_state import HallState, ScoreNames, mix_words, player_title, seat_title, section_title
from .values import Align, ItemKind, PanelItem

MIN_TEXT_DMM, MIN_TARGET_DMM = 24.0, 64.0
TITLE_DMM = 34.0
GAP_DMM = 16.0
MARGIN_DMM = 24.0
CHARACTER_DMM_PER_DMM = 0.50
"""Mean width of a character of the typeface, in its height."""

Tab = Literal["play", "sections", "stage", "hall", "help"]
TABS: tuple[Tab, ...] = get_args(Tab)
_TAB_TITLES: dict[Tab, str] = {
    "play": "Music",
    "sections": "Sections",
    "stage": "Stage",
    "hall": "Hall",
    "help": "Help",
}
MENU_DMM = (960.0, 640.0)
SECTION_ROWS = 5
SECTIONS_PER_PAGE = 2 * SECTION_ROWS
MARKS_SHOWN = 6
GAIN_STEP_DB = 2.0
CARD_WIDTH_DMM = 480.0
HALLS_IN_ROW, HALL_ROWS = 3, 3

HELP = (
    "Point at a player: their name and part.",
    "Press: their card, with mute, solo and loudness.",
    "Hold and move (grip, or the mouse): they go along;",
    "let go: they stay. With Shift: the whole section.",
    "Music: start, stop, jump, how the orchestra follows.",
    "Sections: M mutes, S plays alone.",
    "Stage: undo moves, what conducts. Hall: where you listen.",
    "Press this menu’s button again to close it.",
)

Items = tuple[PanelItem, ...]


def menu_items(
    tab: Tab, page: int, state: HallState, names: ScoreNames, *, can_undo: bool = False, two_hands: bool = False
) -> Items:
    """The menu as it is with ``tab`` open; ``page`` counts pages of sections or marks from 0. With ``two_hands`` the
    baton can change hands."""
    build = {
        "play": lambda: _play(page, state, names),
        "sections": lambda: _sections(page, state),
        "stage": lambda: _stage(state, can_undo, two_hands),
        "hall": lambda: _hall(state),
        "help": _help,
    }
    return (*_tabs(tab), *build[tab]())


def _tabs(open_tab: Tab) -> list[PanelItem]:
    items = []
    width = 148.0
    for index, tab in enumerate(TABS):
        x = MARGIN_DMM + index * (width + GAP_DMM)
        chosen = float(tab == open_tab)
        items.append(_item(f"tab:{tab}", "toggle", x, MARGIN_DMM, width, text=_TAB_TITLES[tab], value=chosen))
    items.append(_item("close", "button", MENU_DMM[0] - MARGIN_DMM - 64, MARGIN_DMM, 64, text="×", text_dmm=TITLE_DMM))
    return items


def _play(page: int, state: HallState, names: ScoreNames) -> list[PanelItem]:
    left, width = MARGIN_DMM, MENU_DMM[0] - 2 * MARGIN_DMM
    going = state.running and state.state not in ("waiting", "stopped", "ended")
    measure = names.measures[state.measure_index] if names.measures else ""
    where = f"Bar {measure}, beat {state.beat}" + (f"   {state.bpm:.0f} bpm" if state.bpm > 1 else "")
    items = [
        _text(left, 104, width, where, TITLE_DMM, strong=True, align="left"),
        _item("start_stop", "button", left, 170, 220, 72, text="Stop" if going else "Start", strong=True),
        _item("restart", "button", left + 236, 170, 290, 72, text="From the beginning"),
        _text(left, 262, 150, "Jump", align="left"),
    ]
    for index, (key, text) in enumerate((("bars:-8", "−8"), ("bars:-1", "−1"), ("bars:1", "+1"), ("bars:8", "+8"))):
        items.append(_item(key, "button", left + 130 + index * 96, 262, 80, text=text))
    items += _marks(page, names, 342)
    items += [
        _text(left, 430, 250, "Loudness", align="left"),
        _item(
            "level", "slider", left + 270, 430, width - 270, text=f"{100 * state.level:+.0f} %", value=state.level + 0.5
        ),
        _text(left, 516, 250, "Follows the baton", align="left"),
        _item(
            "follow",
            "slider",
            left + 270,
            516,
            width - 270,
            text=_follow_words(state.forgiveness),
            value=state.forgiveness,
        ),
        _text(left + 270, 582, 300, "strict", 24, align="left", height=36),
        _text(left + width - 300, 582, 300, "forgiving", 24, align="right", height=36),
    ]
    return items


def _follow_words(forgiveness: float) -> str:
    return "strict" if forgiveness < 0.15 else "balanced" if forgiveness < 0.65 else "forgiving"


def _marks(page: int, names: ScoreNames, y: float) -> list[PanelItem]:
    """Rehearsal marks to jump to, a few at a time."""
    if not names.marks:
        return []
    pages = -(-len(names.marks) // MARKS_SHOWN)
    page = page % pages
    items = [_text(MARGIN_DMM, y, 120, "Mark", align="left")]
    shown = names.marks[page * MARKS_SHOWN : (page + 1) * MARKS_SHOWN]
    for index, (measure, text) in enumerate(shown):
        x = MARGIN_DMM + 130 + index * 110
        items.append(_item(f"measure:{measure}", "button", x, y, 94, text=_clipped(text, 94)))
    if pages > 1:
        items.append(_item("page", "button", MENU_DMM[0] - MARGIN_DMM - 96, y, 96, text="more"))
    return items


def _sections(page: int, state: HallState) -> list[PanelItem]:
    items = []
    sections = state.sections
    pages = max(1, -(-len(sections) // SECTIONS_PER_PAGE))
    page = page % pages
    column = (MENU_DMM[0] - 2 * MARGIN_DMM - 2 * GAP_DMM) / 2
    for index, section in enumerate(sections[page * SECTIONS_PER_PAGE : (page + 1) * SECTIONS_PER_PAGE]):
        x = MARGIN_DMM + (index // SECTION_ROWS) * (column + 2 * GAP_DMM)
        y = 120.0 + (index % SECTION_ROWS) * 84.0
        players = state.of_section(section)
        items.append(_text(x, y, column - 160, f"{section_title(section)} ({len(players)})", align="left"))
        items += _mute_solo(f"section:{section}", players, state, x + column - 144, y, 64, ("M", "S"))
    items.append(_item("mix_clear", "button", MARGIN_DMM, 548, 260, text="All play again"))
    if pages > 1:
        items.append(
            _item("page", "button", MENU_DMM[0] - MARGIN_DMM - 260, 548, 260, text=f"More ({page + 1}/{pages})")
        )
    return items


def _mute_solo(
    target: str, players: Sequence[int], state: HallState, x: float, y: float, width: float, texts: tuple[str, str]
) -> list[PanelItem]:
    chosen = frozenset(players)
    muted, soloed = bool(chosen) and chosen <= state.mixer.muted, bool(chosen) and chosen <= state.mixer.soloed
    return [
        _item(f"mute:{target}", "toggle", x, y, width, text=texts[0], value=float(muted)),
        _item(f"solo:{target}", "toggle", x + width + GAP_DMM, y, width, text=texts[1], value=float(soloed)),
    ]


def _stage(state: HallState, can_undo: bool, two_hands: bool) -> list[PanelItem]:
    left, width = MARGIN_DMM, MENU_DMM[0] - 2 * MARGIN_DMM
    half = (width - GAP_DMM) / 2
    return [
        _text(left, 120, width, "Who sits where", align="left", strong=True),
        _item("undo", "button", left, 172, half, 72, text="Undo the last move", enabled=can_undo),
        _item("as_seated", "button", left + half + GAP_DMM, 172, half, 72, text="As seated at first", enabled=can_undo),
        _text(left, 292, width, "What conducts", align="left", strong=True),
        _item("next_input", "button", left, 344, half, 72, text=_clipped(state.conducting or "the page", half)),
        _item(
            "swap_hands",
            "button",
            left + half + GAP_DMM,
            344,
            half,
            72,
            text="Baton to the other hand",
            enabled=two_hands,
        ),
    ]


def _hall(state: HallState) -> list[PanelItem]:
    """Where you listen, and in which hall; another is entered while nothing is played."""
    items = _listening(state, 120)
    if len(state.halls) < 2:
        return items
    y, width = 292.0, MENU_DMM[0] - 2 * MARGIN_DMM
    each = (width - GAP_DMM * (HALLS_IN_ROW - 1)) / HALLS_IN_ROW
    at_rest = state.state in ("waiting", "stopped", "ended")
    words = "In which hall"
    if state.entering:
        words = f"On the way: {state.entering} …"
    elif not at_rest:
        words = "In which hall (stop the music to change it)"
    items.append(_text(MARGIN_DMM, y, width, words, align="left", strong=True))
    for index, hall in enumerate(state.halls[: HALLS_IN_ROW * HALL_ROWS]):
        x = MARGIN_DMM + (index % HALLS_IN_ROW) * (each + GAP_DMM)
        items.append(
            _item(
                f"hall:{index}",
                "toggle",
                x,
                y + 52 + (index // HALLS_IN_ROW) * 88,
                each,
                72,
                text=_clipped(hall, each),
                text_dmm=26,
                value=float(hall == state.hall),
                enabled=at_rest and not state.entering,
            )
        )
    return items


def _listening(state: HallState, y: float) -> list[PanelItem]:
    """Seats of the hall to listen from, where there are others than the podium."""
    if len(state.seats) < 2:
        return []
    width = MENU_DMM[0] - 2 * MARGIN_DMM
    each = (width - GAP_DMM * (len(state.seats) - 1)) / len(state.seats)
    items = [_text(MARGIN_DMM, y, width, "Where you listen", align="left", strong=True)]
    for index, seat in enumerate(state.seats):
        x = MARGIN_DMM + index * (each + GAP_DMM)
        title = _clipped(seat_title(seat, state.seats), each)
        items.append(
            _item(
                f"seat:{index}", "toggle", x, y + 52, each, 72, text=title, text_dmm=24, value=float(seat == state.seat)
            )
        )
    return items


def _help() -> list[PanelItem]:
    width = MENU_DMM[0] - 2 * MARGIN_DMM
    return [_text(MARGIN_DMM, 116 + 60 * index, width, line, 30, align="left") for index, line in enumerate(HELP)]


def card_items(
    placement: PlayerPlacement, state: HallState, names: ScoreNames, whole_section: bool, allowed: bool
) -> tuple[tuple[float, float], Items]:
    """A player's card: its size in dmm and what is on it. Who is not ``allowed`` to change anything only reads it."""
    width = CARD_WIDTH_DMM - 2 * MARGIN_DMM
    left = MARGIN_DMM
    items = [
        _text(left, 16, width - 80, player_title(state, placement), TITLE_DMM, strong=True, align="left"),
        _item("card_close", "button", CARD_WIDTH_DMM - MARGIN_DMM - 64, 16, 64, text="×", text_dmm=TITLE_DMM),
        _text(left, 84, width, _clipped(f"plays {names.parts[placement.part]}", width), align="left", height=36),
        _text(left, 122, width, _clipped(_seat_words(placement), width), align="left", height=36),
    ]
    words = mix_words(state, placement.player)
    if words:
        items.append(_text(left, 160, width, words, align="left", strong=True, height=36))
    if not allowed:
        return (CARD_WIDTH_DMM, 212.0), tuple(items)
    half = (width - GAP_DMM) / 2
    items += _mute_solo(
        f"part:{placement.part}", state.of_part(placement.part), state, left, 208, half, ("Mute", "Solo")
    )
    items += [
        _item("gain:-", "button", left, 288, 80, text="−", text_dmm=TITLE_DMM),
        _text(left + 96, 288, width - 192, f"{placement.gain_db:+.0f} dB", 28),
        _item("gain:+", "button", left + width - 80, 288, 80, text="+", text_dmm=TITLE_DMM),
        _item("whole_section", "toggle", left, 368, width, text="Move the whole section", value=float(whole_section)),
    ]
    return (CARD_WIDTH_DMM, 456.0), tuple(items)


def label_items(placement: PlayerPlacement, state: HallState, names: ScoreNames) -> tuple[tuple[float, float], Items]:
    """A label: name, part, and whether they are muted or solo."""
    lines = [player_title(state, placement), names.parts[placement.part]]
    words = mix_words(state, placement.player)
    if words:
        lines.append(words)
    sizes = [TITLE_DMM, *[26.0] * (len(lines) - 1)]
    widest = max(len(line) * size for line, size in zip(lines, sizes, strict=True)) * (CHARACTER_DMM_PER_DMM + 0.06)
    width = min(700.0, max(160.0, widest + 2 * MARGIN_DMM))
    items, y = [], 12.0
    for index, (line, size) in enumerate(zip(lines, sizes, strict=True)):
        height = size * 1.35
        items.append(_text(0, y, width, line, size, strong=index == 0, height=height))
        y += height
    return (width, y + 12.0), tuple(items)


def _seat_words(placement: PlayerPlacement) -> str:
    return f"{section_title(placement.section)}, seat {placement.desk + 1}"


def _clipped(text: str, width_dmm: float, text_dmm: float = MIN_TEXT_DMM) -> str:
    most = max(3, int((width_dmm - 12) / (text_dmm * CHARACTER_DMM_PER_DMM)))
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _text(
    x: float,
    y: float,
    width: float,
    text: str,
    text_dmm: float = 26.0,
    *,
    align: Align = "centre",
    strong: bool = False,
    height: float = MIN_TARGET_DMM,
) -> PanelItem:
    return PanelItem("", "text", x, y, width, height, text, text_dmm, align, strong)


def _item(
    key: str,
    kind: ItemKind,
    x: float,
    y: float,
    width: float,
    height: float = MIN_TARGET_DMM,
    *,
    text: str,
    text_dmm: float = 28.0,
    strong: bool = False,
    value: float = 0.0,
    enabled: bool = True,
) -> PanelItem:
    state: Literal["idle", "disabled"] = "idle" if enabled else "disabled"
    return PanelItem(key, kind, x, y, width, height, text, text_dmm, "centre", strong, value, state)
