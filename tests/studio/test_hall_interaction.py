"""Hands in a live session: what is asked for by panels is done, and who is moved is heard from elsewhere."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interaction_support import EYE, middle_of, towards

from tutti.assets import asset_path
from tutti.engine.audio.impulse_response import room_of
from tutti.engine.audio.listener_seats import listener_at, seat_choices
from tutti.engine.audio.renderer import AudioSettings, OrchestraRenderer
from tutti.engine.audio.source_field import Listener
from tutti.engine.hall import read_hall
from tutti.engine.interaction.values import Pointer, Request
from tutti.engine.notation.score_cache import open_score
from tutti.engine.performance import Performance
from tutti.engine.placement import choose_plan, place_players, read_plan
from tutti.engine.sounds.sound_set import load_sound_set
from tutti.engine.types import Frame, NoteEvent, PlayerPlacement
from tutti.studio.hall_choice import heard_from
from tutti.studio.hall_interaction import HallInteraction
from tutti.studio.live import LiveSession
from tutti.studio.relay.relay_types import PointingInput
from tutti.studio.session_file import ControlEvent, SessionHeader, SessionRecorder, read_session
from tutti.studio.session_player import SessionPlayer

HALL = read_hall()
PIECE = "bach/bwv66.6"


class SteppedClock:
    """A clock that a test moves."""

    origin_s = 0.0
    time_s = 0.0

    def now_s(self) -> float:
        return self.time_s


@dataclass
class Ears:
    """Stands where the audio process does: keeps where everybody sits."""

    placements: tuple[PlayerPlacement, ...] = ()
    placed: int = 0
    silenced: int = 0
    seats: list[Listener | None] = field(default_factory=list)
    entered: list[tuple[Any, Listener | None, float]] = field(default_factory=list)
    room: Any = None
    entering: bool = False
    enters_at_s: float = math.nan
    rate_hz: int = 48_000

    def submit(self, notes: object, releases: object) -> None: ...

    def listen(self, head: object) -> None: ...

    def place(self, placements: tuple[PlayerPlacement, ...]) -> None:
        self.placements = tuple(placements)
        self.placed += 1

    def sit(self, listener: Listener | None) -> None:
        self.seats.append(listener)

    def enter(self, room: Any, listener: Listener | None, at_s: float = -math.inf) -> None:
        self.entered.append((room, listener, at_s))
        self.entering = True

    def enter_at(self, at_s: float) -> None:
        self.enters_at_s = at_s

    def arrive(self) -> None:
        self.room, self.entering = self.entered[-1][0], False

    def silence(self) -> None:
        self.silenced += 1

    def read_since(self, index: int) -> tuple[int, np.ndarray]:
        return index, np.zeros((0, 2), np.float32)

    def close(self) -> None: ...


@dataclass
class Viewers:
    """Stands where the relay does: hands in viewers' rays, keeps what is shown to them."""

    alive: bool = True
    rays: list[PointingInput] = field(default_factory=list)
    shown: list[Any] = field(default_factory=list)
    seated: tuple[PlayerPlacement, ...] = ()
    hall: str = ""
    said: list[str] = field(default_factory=list)

    def take_pointing(self) -> list[PointingInput]:
        rays, self.rays = self.rays, []
        return rays

    def take_controls(self) -> list[Any]:
        return []

    def interact(self, viewer: int, frame: Any) -> None:
        self.shown.append((viewer, frame))

    def place(self, placements: tuple[PlayerPlacement, ...]) -> None:
        self.seated = placements

    def publish(self, frame: object) -> None: ...

    def enter(self, hall: Any) -> None:
        self.hall = hall.key

    def say(self, text: str) -> None:
        self.said.append(text)

    def close(self) -> None: ...


class MouseInWindow:
    """A pointer source that tells what a test does with the mouse."""

    def __init__(self, clock: SteppedClock) -> None:
        self._clock = clock
        self.pointer = Pointer(0.0, "window", "mouse", EYE, (0.0, 1.0, 0.0), eye_m=EYE)

    def poll_pointers(self, now_s: float) -> list[Pointer]:
        return [replace(self.pointer, time_s=now_s)]


@dataclass
class Hall:
    """A live session without devices, and a mouse in it."""

    session: LiveSession
    clock: SteppedClock
    ears: Ears
    viewers: Viewers
    mouse: MouseInWindow

    def step(self, **changes: object) -> None:
        self.clock.time_s += 0.02
        self.mouse.pointer = replace(self.mouse.pointer, **changes)  # type: ignore[arg-type]
        self.session.step()

    def press(self, panel: str, key: str) -> None:
        frame = self.session.interaction_frame("window")
        assert frame is not None
        shown = next(p for p in frame.panels if p.key == panel)
        item = next(item for item in shown.items if item.key == key)
        self.step(direction=towards(EYE, middle_of(shown, item)))
        self.step(select=True)
        self.step(select=False)

    def at_head_of(self, player: int) -> None:
        x, y, z = self.session.placements[player].position_m
        self.step(direction=towards(EYE, (x, y, z + 1.15)))


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    score = open_score(PIECE)
    placements = place_players(score, read_plan(choose_plan(score)), HALL)
    clock, ears, viewers = SteppedClock(), Ears(), Viewers()
    mouse = MouseInWindow(clock)
    (tmp_path / "score").write_bytes(b"of no use here")
    header = SessionHeader.of(score, tmp_path / "score", placements, "musikverein", 0)
    session = LiveSession(
        clock=clock,  # type: ignore[arg-type]
        performance=Performance(score, placements=placements),
        placements=placements,
        audio=ears,  # type: ignore[arg-type]
        relay=viewers,  # type: ignore[arg-type]
        hands=HallInteraction(HALL, score, placements, [mouse]),
        recorder=SessionRecorder(tmp_path / "s.mcap", header),
    )
    yield Hall(session, clock, ears, viewers, mouse)
    session.close()


def test_a_player_who_is_dragged_moves_for_ear_page_and_recording(hall: Hall, tmp_path: Path) -> None:
    before = hall.session.placements
    hall.at_head_of(0)
    hall.step(select=True)
    for share in np.linspace(0.0, 1.0, 30):
        x, y, z = before[0].position_m
        hall.step(direction=towards(EYE, (x + 1.5 * share, y - 2.5 * share, z + 1.15)))
    assert hall.ears.placed >= 4, "they are heard to move while they are in the hand"
    hall.step(select=False)
    here = hall.session.placements[0].position_m
    assert np.hypot(here[0] - before[0].position_m[0], here[1] - before[0].position_m[1]) > 1.0
    assert hall.ears.placements == hall.viewers.seated == hall.session.placements
    hall.step()
    hall.session.close()
    recorded = read_session(tmp_path / "s.mcap").reseatings
    assert len(recorded) == hall.ears.placed
    assert recorded[-1].placements == hall.session.placements[:1]


def test_the_menu_is_obeyed(hall: Hall) -> None:
    hall.step(direction=(0.0, 0.9, 0.4))
    hall.step(menu=True)
    hall.step(menu=False)
    hall.press("menu", "bars:8")
    assert hall.ears.silenced == 1
    hall.press("menu", "follow")
    assert hall.session.performance.style.forgiveness == pytest.approx(0.5, abs=0.01)
    hall.press("menu", "level")
    assert hall.session.performance.level_trim == pytest.approx(0.0, abs=0.01)
    hall.press("menu", "tab:sections")
    section = hall.session.placements[0].section
    hall.press("menu", f"solo:section:{section}")
    assert {p.section for p in hall.ears.placements if not p.muted} == {section}
    hall.press("menu", "mix_clear")
    assert not any(p.muted for p in hall.ears.placements)


def test_the_listener_sits_down_elsewhere_and_so_in_the_replay(hall: Hall, tmp_path: Path) -> None:
    hall.step(direction=(0.0, 0.9, 0.4))
    hall.step(menu=True)
    hall.step(menu=False)
    hall.press("menu", "tab:hall")
    names = seat_choices(HALL)
    assert names[0] == "podium" and names[-1] == "balcony" and len(names) == 5

    def chosen() -> list[str]:
        frame = hall.session.interaction_frame("window")
        assert frame is not None
        return [item.text for item in frame.panels[0].items if item.key.startswith("seat:") and item.value]

    assert chosen() == ["Podium"]
    hall.press("menu", "seat:3")
    hall.step()
    assert chosen() == ["Back row"]
    hall.press("menu", "seat:0")
    expected = [listener_at(names[3], HALL, ()), None]
    assert hall.ears.seats == expected
    for _ in range(3):
        hall.step()
    hall.session.close()
    session = read_session(tmp_path / "s.mcap")
    changes = heard_from(session)
    assert [change.listener for change in changes] == expected
    sat = heard_from(replace(session, header=replace(session.header, seat="balcony")))
    assert (sat[0].time_s, sat[0].listener) == (-math.inf, listener_at("balcony", HALL, ())), "from the beginning"
    assert sat[1:] == changes
    ears = Ears()
    player = SessionPlayer(session, 100.0, ears, None)  # type: ignore[arg-type]
    shift_s = 100.0 - session.frames[0].time_s
    player.step(changes[0].time_s + shift_s - 0.03)
    assert ears.seats == []
    player.step(changes[0].time_s + shift_s + 0.021)
    assert ears.seats == expected[:1]
    player.step(player.end_s)
    assert ears.seats == expected


def test_another_hall_is_entered_at_rest_and_so_in_the_replay(hall: Hall, tmp_path: Path) -> None:
    hall.step(direction=(0.0, 0.9, 0.4))
    hall.step(menu=True)
    hall.step(menu=False)
    hall.press("menu", "tab:hall")
    hall.press("menu", f"seat:{len(seat_choices(HALL)) - 1}")
    hands = hall.session.hands
    assert hands is not None
    numbers = {one.key: number for number, one in enumerate(hands.halls)}
    assert {"musikverein", "cathedral", "vineyard", "open-air"} <= set(numbers)
    seen: list[Any] = []
    hall.session.on_enter = seen.append
    hall.press("menu", f"hall:{numbers['cathedral']}")
    cathedral = read_hall("cathedral")
    assert [room for room, _, _ in hall.ears.entered] == [room_of(cathedral)]
    for _ in range(40):
        hall.step()
    assert hands.hall.key == "musikverein" and hands.entering == cathedral, "not before it is ready"
    hall.press("menu", f"hall:{numbers['studio']}")
    assert len(hall.ears.entered) == 1, "one after the other"
    assert seen == [], "nor seen before it is heard"
    hall.ears.arrive()
    for _ in range(40):
        hall.step()
    assert seen == [cathedral]
    assert (hands.hall.key, hands.entering, hands.seat) == ("cathedral", None, "podium"), "it has no balcony"
    assert hall.viewers.hall == "cathedral" and hall.viewers.said[-1] == "The orchestra plays in the Cathedral"
    hall.session.close()
    session = read_session(tmp_path / "s.mcap")
    balcony, change = heard_from(session)
    assert not balcony.entered and balcony.listener is not None
    assert change.entered and change.hall == cathedral and change.listener is None
    ears = Ears()
    viewers = Viewers()
    player = SessionPlayer(session, 100.0, ears, viewers)  # type: ignore[arg-type]
    player.on_enter = seen.append
    due_s = change.time_s + 100.0 - session.frames[0].time_s
    assert ears.entered == [(room_of(cathedral), None, pytest.approx(due_s))], "made ready before its time"
    player.step(player.end_s)
    assert seen == [cathedral, cathedral] and viewers.hall == "cathedral", "the replay is seen there as well"
    assert ears.seats == [balcony.listener], "nobody sits down there again"


def test_while_they_play_nobody_leaves_the_hall(hall: Hall) -> None:
    hands = hall.session.hands
    assert hands is not None
    hall.session._state = "playing"
    hall.session.enter_hall(hands, read_hall("cathedral"))
    assert hall.ears.entered == [] and hands.entering is None


def test_music_that_begins_on_the_way_is_not_broken(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    hands = hall.session.hands
    assert hands is not None
    hall.session.enter_hall(hands, read_hall("cathedral"))
    hall.step()
    assert hall.ears.enters_at_s == -math.inf
    perform = hall.session.performance.step

    def playing(*given: Any) -> Frame:
        frame = perform(*given)
        return replace(frame, position=replace(frame.position, state="playing"))

    monkeypatch.setattr(hall.session.performance, "step", playing)
    hall.step()
    assert hall.ears.enters_at_s == math.inf, "not while they play"


def test_who_sits_down_elsewhere_on_the_way_is_heard_from_there(hall: Hall) -> None:
    hands = hall.session.hands
    assert hands is not None
    vineyard = read_hall("vineyard")
    hall.session.enter_hall(hands, vineyard)
    first_row = seat_choices(HALL)[1]
    assert first_row in seat_choices(vineyard)
    hands.sit(Request("window", "seat", value=1.0))
    hall.ears.arrive()
    for _ in range(40):
        hall.step()
    assert hands.seat == first_row and hall.ears.seats == [listener_at(first_row, vineyard, ())]


def test_the_way_back_to_a_hall_of_ones_own(hall: Hall, tmp_path: Path) -> None:
    """It is recorded by its key, by which only those that ship are found."""
    own = tmp_path / "mine.toml"
    shipped = asset_path("halls", "studio.toml").read_text(encoding="utf-8")
    own.write_text(re.sub(r"(?m)^name = .*", 'name = "Mine"', shipped, count=1), encoding="utf-8")
    hall.session.close()
    session = read_session(tmp_path / "s.mcap")
    controls = tuple(ControlEvent(time_s, "enter", key) for time_s, key in ((1.0, "cathedral"), (2.0, "mine")))
    there = replace(session, header=replace(session.header, hall=str(own)), controls=controls)
    assert [change.hall.name for change in heard_from(there)] == ["Cathedral", "Mine"]


def test_a_hall_that_is_never_ready_is_told(hall: Hall) -> None:
    hands = hall.session.hands
    assert hands is not None
    hall.session.enter_hall(hands, read_hall("cathedral"))
    hall.ears.entering = False  # and the room is not the cathedral's
    for _ in range(40):
        hall.step()
    assert hands.hall.key == "musikverein" and hands.entering is None
    assert "could not be made ready" in hall.viewers.said[-1]


def test_viewers_see_what_they_point_at_and_only_who_may_moves_players(hall: Hall) -> None:
    before = hall.session.placements
    x, y, z = before[0].position_m
    to_player, to_floor = towards(EYE, (x, y, z + 1.15)), towards(EYE, (x, y - 1.5, z + 1.15))

    def drag(may: bool) -> None:
        for direction, grab in ((to_player, False), (to_player, True), (to_floor, True), (to_floor, False)):
            ray = Pointer(hall.clock.time_s, "viewer 4", "mouse", EYE, direction, grab=grab, eye_m=EYE)
            hall.viewers.rays = [PointingInput(4, may, (ray,))]
            hall.step()

    drag(may=False)
    assert hall.session.placements == before
    assert {viewer for viewer, _ in hall.viewers.shown} == {4}
    assert any(frame.hovered == 0 and frame.panels[0].key == "label" for _, frame in hall.viewers.shown)
    drag(may=True)
    assert hall.session.placements[0].position_m != before[0].position_m
    shown = len(hall.viewers.shown)
    hall.step()
    hall.step()
    assert len(hall.viewers.shown) <= shown + 1, "what did not change is not sent again"


def ild_db(placements: tuple[PlayerPlacement, ...], part: int) -> float:
    """How much louder the right ear is than the left while a part plays a note."""
    sounds = load_sound_set(sorted({p.instrument for p in placements}), None)
    renderer = OrchestraRenderer(placements, sounds, room_of(HALL), AudioSettings(block=256))
    try:
        renderer.submit([NoteEvent(1, part, 0.1, 0.6, 72, 90, "sustain", 0.0)], [])
        audio = np.concatenate([renderer.render() for _ in range(round(0.8 * 48_000 / 256))])
    finally:
        renderer.close()
    left, right = np.sqrt(np.mean(audio.astype(float) ** 2, axis=0))
    return float(20 * np.log10(right / left))


def test_who_is_dragged_to_the_other_side_is_heard_there(hall: Hall) -> None:
    part = hall.session.placements[0].part
    for placement in hall.session.placements:  # the whole part, one after the other
        if placement.part == part:
            hall.at_head_of(placement.player)
            hall.step(grab=True)
            hall.step(direction=towards(EYE, (5.0, 0.5, 1.15)))
            hall.step(grab=False)
    original = tuple(hall.session.hands.seated)  # type: ignore[union-attr]
    before_db, after_db = ild_db(original, part), ild_db(hall.ears.placements, part)
    assert before_db < -1.0
    assert after_db > 2.9
