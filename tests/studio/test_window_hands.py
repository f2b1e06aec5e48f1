"""The real window on a real (virtual) X server: a real mouse drags a player, opens a card and the menu."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from display_support import display, xdotool  # noqa: F401 - a fixture
from needs import needs_gl, needs_x
from test_hall_interaction import ild_db

from tutti.engine.types import PlayerPlacement

pytestmark = [needs_gl, needs_x, pytest.mark.realtime]

PROGRAM = """
import json, sys, time
from dataclasses import asdict
sys.path[:0] = json.loads(sys.argv[1])
from test_hall_interaction import HALL, PIECE, Ears
from panda3d.core import Point2, load_prc_file_data
from tutti.engine.clock import SessionClock
from tutti.engine.conducting.tracking import PointerSource
from tutti.engine.notation.score_cache import open_score
from tutti.engine.performance import Performance
from tutti.engine.placement import choose_plan, place_players, read_plan
from tutti.scenes.desktop import Desktop, DesktopActions
from tutti.scenes.view import StageView
from tutti.studio.session_window import window_hands
from tutti.studio.hall_interaction import HallInteraction
from tutti.studio.live import LiveSession

load_prc_file_data("", "win-origin 0 0")
score = open_score(PIECE)
placements = place_players(score, read_plan(choose_plan(score)), HALL)
ears, clock = Ears(), SessionClock()
session = LiveSession(
    clock=clock, performance=Performance(score, placements=placements), placements=placements, audio=ears,
    hands=HallInteraction(HALL, score, placements),
)
view = StageView(placements, [p.name for p in score.parts], score.title, window=True, size=(320, 180), score=score)
hands = window_hands(session, view)

def step():
    frame = session.step()
    mine = session.interaction_frame("window")
    state = None
    if mine is not None:
        state = [mine.hovered, mine.selected, [d.player for d in mine.drags], [p.key for p in mine.panels]]
    print(json.dumps(["STATE", state, time.time()]), flush=True)
    return frame

actions = DesktopActions(step, clock.now_s, lambda: None, lambda: None, lambda change: None)
pointer = PointerSource()
desktop = Desktop(view, pointer, actions, score.title, hands=hands)
view.look_from("audience")
x, y, z = placements[0].position_m
seen = view.base.cam.get_relative_point(view.base.render, (x, y, z + 1.2))
at = Point2()
assert view.base.camLens.project(seen, at)
print(json.dumps(["PLACE", 160 * (1 + at.x), 90 * (1 - at.y)]), flush=True)
desktop.run()
print(json.dumps(["END", [asdict(p) for p in placements], [asdict(p) for p in session.placements], ears.placed]))
"""


class Window:
    """The program, its window, and the mouse over it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._display = environment
        here = Path(__file__).parent
        paths = json.dumps([str(here), str(here.parent)])
        self.program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, paths], env=environment, stdout=subprocess.PIPE, text=True
        )

    def read(self) -> list[Any]:
        assert self.program.stdout is not None
        for line in self.program.stdout:
            if line.startswith("["):
                return list(json.loads(line))
        raise AssertionError("the window closed")

    def after(self, *words: object) -> list[Any]:
        """What the window made of the mouse or key some frames later: who is hovered, selected, dragged; panels."""
        xdotool(self._display, *words)
        done_s, frames = time.time(), 0
        while frames < 2:
            kind, state, at_s = self.read()
            assert kind == "STATE"
            frames += at_s > done_s
        return state or [None, None, [], []]


@pytest.mark.timeout(150)
def test_a_mouse_drags_a_player_opens_a_card_and_the_menu(display: dict[str, str]) -> None:  # noqa: F811
    window = Window(display)
    try:
        kind, x, y = window.read()
        assert kind == "PLACE"
        window.after("mousemove", round(x), round(y))
        player = window.after("key", "e")[0]
        assert player is not None
        window.after("mousedown", 1)
        assert window.after("mousemove", round(x) + 20, round(y))[2] == [player]
        window.after("mousemove", round(x) + 45, round(y))
        assert window.after("mouseup", 1)[2] == []
        assert "menu" in window.after("key", "m")[3]
        assert "menu" not in window.after("key", "m")[3]
        xdotool(display, "key", "Escape")
        while True:
            kind, *rest = window.read()
            if kind == "END":
                break
        assert window.program.wait(30) == 0
    finally:
        window.program.kill()
    before, after = ([PlayerPlacement(**row) for row in rows] for rows in rest[:2])
    moved = [a.player for a, b in zip(before, after, strict=True) if a.position_m != b.position_m]
    assert moved == [player]
    assert rest[2] >= 1, "the sound is told"
    to_the_right = after[player].position_m[0] - before[player].position_m[0]
    assert to_the_right > 0.5
    alone = [_only(player, seats) for seats in (before, after)]
    assert ild_db(alone[1], before[player].part) > ild_db(alone[0], before[player].part)


def _only(player: int, seats: list[PlayerPlacement]) -> tuple[PlayerPlacement, ...]:
    """One player by themselves, so that their part is theirs alone."""
    seat = seats[player]
    return (
        PlayerPlacement(
            **{**{name: getattr(seat, name) for name in seat.__slots__}, "position_m": tuple(seat.position_m)}
        ),
    )
