"""The page's mouse and finger in the hall: a real browser, a real relay and a real session move real players."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from needs import needs_chromium
from playwright.sync_api import Browser, Page
from test_hall_interaction import HALL, PIECE, Ears, ild_db
from test_page import PATIENCE_MS

from tutti.engine.clock import SessionClock
from tutti.engine.notation.score_cache import open_score
from tutti.engine.performance import Performance
from tutti.engine.placement import choose_plan, place_players, read_plan
from tutti.studio import web_build
from tutti.studio.hall_interaction import HallInteraction
from tutti.studio.live import LiveSession
from tutti.studio.relay.relay import RelayProcess, RelaySettings, SessionInfo

pytestmark = [needs_chromium, pytest.mark.realtime]


class Running:
    """A session that is stepped by a thread of its own; its sound goes to somebody who only minds the places."""

    def __init__(self) -> None:
        score = open_score(PIECE)
        placements = place_players(score, read_plan(choose_plan(score)), HALL)
        clock, self.ears = SessionClock(), Ears()
        relay = RelayProcess(SessionInfo.of_score(score, placements, hall="musikverein"), clock, RelaySettings(port=0))
        self.address = relay.address
        self.session = LiveSession(
            clock=clock,
            performance=Performance(score, placements=placements),
            placements=placements,
            audio=self.ears,  # type: ignore[arg-type]
            relay=relay,
            hands=HallInteraction(HALL, score, placements),
        )
        self.seated = placements
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(0.01):
            self.session.step()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self.session.close()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    web_build.build_page()
    running = Running()
    yield running
    running.close()


@pytest.fixture(scope="module")
def page(browser: Browser, running: Running) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1100, "height": 700}, reduced_motion="reduce", has_touch=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{running.address}?quality=low")
    page.wait_for_function("tuttiDiagnostics()?.stage?.drawn > 3")
    page.keyboard.press("2")  # from the audience nobody hides the first row
    page.keyboard.press("e")
    yield page
    context.close()


def hands(page: Page) -> dict[str, Any]:
    shown: dict[str, Any] = page.evaluate("tuttiDiagnostics().hands")
    return shown


def until(page: Page, fits: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        shown = hands(page)
        if fits(shown):
            return shown
        page.wait_for_timeout(50)
    raise AssertionError(f"{what}: {shown}")


def find_player(page: Page) -> tuple[float, float, int]:
    """A place of the window where somebody is pointed at, left of the middle."""
    for y in (330, 350, 310, 370, 290, 390):
        for x in range(330, 520, 12):
            page.mouse.move(x, y)
            page.wait_for_timeout(60)
            shown = hands(page)
            if shown["hovered"] is not None:
                page.wait_for_timeout(120)
                shown = hands(page)
                if shown["hovered"] is not None:
                    return x, y, int(shown["hovered"])
    raise AssertionError("nobody was found")


@pytest.mark.timeout(170)
def test_a_player_is_pointed_at_dragged_and_heard_from_elsewhere(
    page: Page, running: Running, tmp_path_factory: pytest.TempPathFactory
) -> None:
    x, y, player = find_player(page)
    label = next(panel for panel in hands(page)["panels"] if panel["panel"] == "label")
    assert label["items"][0]["text"]
    before = running.session.placements
    placed = running.ears.placed
    page.mouse.down()
    for step in range(12):
        page.mouse.move(x + 22 * step, y + 2 * step)
        page.wait_for_timeout(30)
    until(page, lambda shown: shown["dragged"] == [player], "not in the hand")
    folder = tmp_path_factory.getbasetemp()
    page.screenshot(path=folder / "drag.png")
    page.mouse.up()
    until(page, lambda shown: shown["dragged"] == [], "not let go")
    after = running.session.placements
    moved = [a.player for a, b in zip(before, after, strict=True) if a.position_m != b.position_m]
    assert moved == [player]
    assert running.ears.placed > placed + 1, "heard to move while in the hand"
    assert running.ears.placements == after
    was, now = before[player].position_m, after[player].position_m
    assert now[0] > was[0] + 1.0, "to the right as the audience sees it"
    # alone on the stage, the part is heard from the other side
    part = before[player].part
    alone_before = tuple(replace(p, muted=p.player != player) for p in before)
    alone_after = tuple(replace(p, muted=p.player != player) for p in after)
    change_db = ild_db(alone_after, part) - ild_db(alone_before, part)
    assert change_db > 0.5
    # the other viewers' pages are told as well: this page's own picture shows them there
    assert page.evaluate("tuttiDiagnostics().stage.players") == len(after)


@pytest.mark.timeout(170)
def test_a_finger_opens_a_card_and_mutes(
    page: Page, running: Running, tmp_path_factory: pytest.TempPathFactory
) -> None:
    x, y, player = find_player(page)
    page.mouse.move(5, 5)
    page.touchscreen.tap(x, y)
    until(page, lambda shown: shown["selected"] == player, "no card")
    part = running.session.placements[player].part
    page.wait_for_timeout(300)
    page.screenshot(path=tmp_path_factory.getbasetemp() / "card.png")
    page.touchscreen.tap(*hands(page)["buttons"][f"mute:part:{part}"])
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s and not running.session.placements[player].muted:
        page.wait_for_timeout(50)
    assert {p.part for p in running.session.placements if p.muted} == {part}


@pytest.mark.timeout(170)
def test_the_menu_opens_in_the_hall_and_is_obeyed(
    page: Page, running: Running, tmp_path_factory: pytest.TempPathFactory
) -> None:
    page.mouse.move(550, 300)
    page.keyboard.press("n")
    until(page, lambda shown: any(p["panel"] == "menu" for p in shown["panels"]), "no menu")
    page.wait_for_timeout(300)
    page.screenshot(path=tmp_path_factory.getbasetemp() / "menu.png")
    was = running.session.performance.style.forgiveness
    page.mouse.click(*hands(page)["buttons"]["follow"])
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s and running.session.performance.style.forgiveness == was:
        page.wait_for_timeout(50)
    assert running.session.performance.style.forgiveness == pytest.approx(0.5, abs=0.05)
    page.keyboard.press("n")
    until(page, lambda shown: not any(p["panel"] == "menu" for p in shown["panels"]), "the menu stays open")


@pytest.mark.timeout(170)
def test_who_takes_the_baton_beats_and_moves_nobody(page: Page) -> None:
    """The menu switches pointing on; it stayed on, and the first strokes carried a player away."""
    page.mouse.move(550, 300)
    page.keyboard.press("n")
    until(page, lambda shown: any(p["panel"] == "menu" for p in shown["panels"]), "no menu")
    page.keyboard.press("b")
    page.wait_for_function("document.querySelector('.holding') !== null")
    until(
        page,
        lambda shown: not shown["pointing"] and not any(p["panel"] == "menu" for p in shown["panels"]),
        "the mouse still points, or the menu is open",
    )
    page.keyboard.press("b")
    page.wait_for_function("document.querySelector('.holding') === null")
