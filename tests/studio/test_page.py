"""The page in a real browser (headless Chromium, software GL) against a real relay with a made-up session."""

import io
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needs import needs_chromium
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from tutti.studio import web_build
from tutti.studio.relay import protocol

pytestmark = [needs_chromium, pytest.mark.realtime]

ROOT = Path(web_build.__file__).resolve().parent.parent
PATIENCE_MS = 40_000


class Studio:
    """A relay with a made-up session, in a process of its own, that can be ended and started on the same port."""

    def __init__(self, *options: str) -> None:
        self._options = options
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.address = f"http://127.0.0.1:{self.port}/"
        self.start()

    def start(self) -> None:
        command = [sys.executable, str(ROOT / "benchmarks" / "relay_demo.py"), "--port", str(self.port), *self._options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        assert first.startswith("open "), first + self.process.stdout.read()
        self.said: list[str] = []
        threading.Thread(target=lambda: self.said.extend(self.process.stdout or ()), daemon=True).start()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


class Watcher:
    """A viewer without a browser, who keeps the newest of what the relay tells."""

    def __init__(self, port: int) -> None:
        self._stack = ExitStack()
        self._socket = self._stack.enter_context(
            connect(
                f"ws://127.0.0.1:{port}{protocol.WEBSOCKET_PATH}",
                subprotocols=[protocol.SUBPROTOCOL],  # type: ignore[list-item]
                compression=None,
            )
        )
        self._socket.send(protocol.encode_client(protocol.Hello("Watcher", "none", "")))
        self.presence: protocol.Presence | None = None
        self.tick: protocol.Tick | None = None
        self.hands: list[tuple[float, float]] = []
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        try:
            for data in self._socket:
                message = protocol.decode_server(bytes(data))  # type: ignore[arg-type]
                match message:
                    case protocol.Snapshot():
                        self.presence = message.presence
                    case protocol.Presence():
                        self.presence = message
                    case protocol.Tick():
                        self.tick = message
                        self.hands += [pose.position_m[:2] for pose in message.poses if pose.device == "baton"]
                        self._socket.send(protocol.encode_client(protocol.Ack(message.tick, 0)))
        except ConnectionClosed:
            return

    def close(self) -> None:
        self._stack.close()
        self._thread.join(5)


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    web_build.build_page()
    studio = Studio()
    yield studio
    studio.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 960, "height": 600}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


def open_page(context: BrowserContext, address: str) -> tuple[Page, list[str]]:
    """A page and the list of faults that it reports."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(address)
    return page, faults


def facts(page: Page) -> dict[str, Any]:
    return page.evaluate("tuttiDiagnostics()")


def until(page: Page, condition: str) -> None:
    """Waits until a condition on the page's diagnostics ``d`` holds."""
    page.wait_for_function(
        f"() => {{ const d = tuttiDiagnostics(); return {condition}; }}", timeout=PATIENCE_MS, polling=100
    )


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def picture(page: Page) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), dtype=float)


def test_hall_sound_and_position(studio: Studio, context: BrowserContext) -> None:
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page, faults = open_page(context, studio.address)
    page.wait_for_selector(".cover", state="hidden")
    until(page, "d.connection === 'live' && d.stage.drawn > 2 && d.audio === 'playing' && d.ring.rms[0] > 0.02")
    seen = facts(page)
    assert seen["codec"] == "opus"
    assert seen["stage"]["players"] == 48
    assert seen["missedEvents"] == 0
    # What is heard is a little behind the orchestra, and the picture shows what is heard.
    assert 0.02 < seen["sessionS"] - seen["heardS"] < 0.8
    stage = picture(page)[60:380]
    assert stage.std() > 25 and stage.mean() > 15, "the hall is not to be seen"
    expect(page.get_by_role("heading", level=1)).to_have_text("Scale for Orchestra")
    assert re.fullmatch(r"\d+", page.locator(".measure-number").inner_text())
    assert page.locator(".tempo-number").inner_text() == "96"
    before = facts(page)["position"]["quarter"]
    until(page, f"d.position.quarter !== {before}")
    later = picture(page)
    assert np.abs(later[60:380] - stage).max() > 30, "nothing moves on the stage"
    page.get_by_role("button", name="Show who plays").click()
    expect(page.locator("#parts li.playing").first).to_be_visible()
    assert faults == []
    assert studio.address in asked
    assert [url for url in asked if not url.startswith((studio.address, "blob:", "data:"))] == []


def test_the_page_goes_along_to_another_hall(context: BrowserContext) -> None:
    studio = Studio("--tour", "15")
    try:
        page, faults = open_page(context, studio.address)
        page.wait_for_selector(".cover", state="hidden")
        until(page, "d.connection === 'live' && d.picture === 'musikverein' && d.stage.drawn > 2")
        golden = picture(page)[60:380]
        until(page, "d.picture === 'cathedral'")
        drawn = facts(page)["stage"]["drawn"]
        until(page, f"d.stage.drawn > {drawn + 2}")
        cathedral = picture(page)[60:380]
        assert cathedral.std() > 25 and cathedral.mean() > 15
        assert (np.abs(cathedral - golden).max(axis=2) > 30).mean() > 0.2, "the hall is seen"
        late, late_faults = open_page(context, studio.address)
        until(late, "d.stage !== null && d.stage.drawn > 2 && d.picture !== '' && d.picture !== 'musikverein'")
        assert faults == late_faults == []
    finally:
        studio.stop()


def test_two_viewers_agree_and_the_drag_conducts(studio: Studio, context: BrowserContext) -> None:
    watcher = Watcher(studio.port)
    page, faults = open_page(context, f"{studio.address}?name=Zoë&quality=low")
    page.wait_for_selector(".cover", state="hidden")
    until(page, "d.connection === 'live' && d.position !== null && d.viewers.length === 2")
    assert sorted(facts(page)["viewers"]) == ["Watcher", "Zoë"]
    assert eventually(lambda: watcher.presence is not None and len(watcher.presence.viewers) == 2)

    def quarters_apart() -> float:
        """What the page shows, and what the other viewer was told for that moment; a picture may be a frame old."""
        here, there = facts(page), watcher.tick
        assert there is not None and there.position is not None
        shown_s = here["heardS"] or here["sessionS"]
        elsewhere = there.position.quarter + (shown_s - there.position.time_s) * there.position.quarter_rate
        return abs(elsewhere - here["position"]["quarter"])

    assert eventually(lambda: quarters_apart() < 0.5)
    own = facts(page)["viewer"]

    page.get_by_role("button", name="Conduct", exact=True).click()
    until(page, "d.holding")
    assert eventually(lambda: watcher.presence is not None and watcher.presence.baton_holder == own)
    expect(page.locator(".conducting")).to_have_text("You hold the baton")
    watcher.hands.clear()
    page.mouse.move(480, 200)
    page.mouse.down()
    for y in (150, 250, 350, 260, 350):
        page.mouse.move(480, y, steps=8)
    # The last place, −1…1 over the shorter side and up, is where the orchestra sees the hand (0.35 m to a unit).
    assert eventually(lambda: any(abs(hand[1] - (1.15 + 0.35 * (300 - 350) / 300)) < 0.02 for hand in watcher.hands))
    assert eventually(lambda: any(hand[1] > 1.15 + 0.35 * 0.4 for hand in watcher.hands))
    page.mouse.up()
    # Its own baton is drawn: the picture changes with the hand.
    page.get_by_role("button", name="Stop").click()
    assert eventually(lambda: any("action='stop'" in line for line in studio.said))
    until(page, "d.position.state === 'stopped'")
    expect(page.get_by_text("Press ▶, then beat to go on")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    until(page, "d.position.state === 'playing'")
    page.get_by_role("button", name="Put down the baton").click()
    until(page, "!d.holding")
    watcher.close()
    assert faults == []


def test_the_audience_claps_and_the_orchestra_stands_up(studio: Studio, context: BrowserContext) -> None:
    page, faults = open_page(context, f"{studio.address}?quality=low")
    page.wait_for_selector(".cover", state="hidden")
    until(page, "d.connection === 'live' && d.stage.drawn > 3")
    page.get_by_role("button", name="Conduct", exact=True).click()
    until(page, "d.holding")
    assert facts(page)["stage"]["standing"] == facts(page)["stage"]["clapping"] == 0
    page.get_by_role("button", name="Stop").click()  # the made-up session's audience claps then
    until(page, "d.stage.clapping > 0.5")
    # all who sit to play: contrabasses and timpani stand always
    until(page, f"d.stage.standing === {48 - 3 - 1}")
    page.get_by_role("button", name="Start").click()
    until(page, "d.stage.standing === 0 && d.position.state === 'playing'")
    page.get_by_role("button", name="Put down the baton").click()
    assert faults == []


def test_comes_back_after_the_studio_was_gone(context: BrowserContext) -> None:
    studio = Studio()
    try:
        page, _ = open_page(context, f"{studio.address}?quality=low")
        until(page, "d.connection === 'live' && d.audio === 'playing'")
        studio.stop()
        expect(page.locator(".status")).to_contain_text(re.compile(r"does not answer\. Trying again in \d s\."))
        expect(page.get_by_role("button", name="Conduct", exact=True)).to_be_disabled()
        studio.start()
        until(page, "d.connection === 'live' && d.audio === 'playing' && d.ring.rms[0] > 0.02")
        assert 0.02 < facts(page)["sessionS"] - facts(page)["heardS"] < 0.8
    finally:
        studio.stop()


def test_another_version_asks_to_reload(studio: Studio, context: BrowserContext) -> None:
    def answer(connection: ServerConnection) -> None:
        connection.close(protocol.CLOSE_VERSION, "this studio speaks tutti.v9")

    with serve(answer, "127.0.0.1", 0, subprotocols=[protocol.SUBPROTOCOL]) as other:  # type: ignore[list-item]
        threading.Thread(target=other.serve_forever, daemon=True).start()
        port = other.socket.getsockname()[1]
        page, _ = open_page(context, f"{studio.address}?quality=low&relay=ws://127.0.0.1:{port}/ws")
        expect(page.locator(".status")).to_contain_text("this page is of another version")
        expect(page.get_by_role("button", name="Reload")).to_be_visible()
        other.shutdown()


def test_without_webgl_codecs_and_worklets(studio: Studio, context: BrowserContext) -> None:
    """A browser that lacks everything new still plays the sound and shows the position."""
    context.add_init_script(
        """
        delete window.AudioDecoder;
        Object.defineProperty(BaseAudioContext.prototype, 'audioWorklet', { value: undefined });
        const get = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
          return kind.startsWith('webgl') ? null : get.call(this, kind, ...rest);
        };
        """
    )
    page, _ = open_page(context, studio.address)
    expect(page.get_by_role("alert")).to_contain_text("cannot draw the hall")
    until(page, "d.audio === 'playing' && d.codec === 'pcm16' && d.ring.rms[0] > 0.02")
    assert page.locator(".measure-number").inner_text().isdigit()


def test_phone(studio: Studio, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.set_default_timeout(PATIENCE_MS)
    page, faults = open_page(context, f"{studio.address}?quality=low")
    page.wait_for_selector(".cover", state="hidden")
    until(page, "d.connection === 'live'")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    for button in page.get_by_role("button").all():
        box = button.bounding_box()
        if box is None or not button.is_visible():
            continue
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390.5 and box["y"] + box["height"] <= 844.5
        assert button.get_attribute("aria-label") or button.inner_text().strip(), "a button without a name"
    page.get_by_role("button", name="Conduct", exact=True).tap()
    until(page, "d.holding")
    page.get_by_role("button", name="Put down the baton").tap()
    until(page, "!d.holding")
    assert faults == []
    context.close()


@pytest.mark.parametrize(("width", "height", "rows"), [(390, 844, 3), (844, 390, 1), (1024, 768, 1)])
def test_fingers_find_every_button(studio: Studio, browser: Browser, width: int, height: int, rows: int) -> None:
    """With the baton in hand, when the controls need most room: none is alone in a row or too small, none overlap."""
    context = browser.new_context(viewport={"width": width, "height": height}, has_touch=True, is_mobile=True)
    context.set_default_timeout(PATIENCE_MS)
    page, faults = open_page(context, f"{studio.address}?quality=low")
    page.wait_for_selector(".cover", state="hidden")
    until(page, "d.connection === 'live'")
    page.get_by_role("button", name="Conduct", exact=True).tap()
    until(page, "d.holding")
    middles: set[int] = set()
    for part in page.locator(".controls > *:visible").all():
        box = part.bounding_box()
        assert box is not None
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
        middles.add(round(box["y"] + box["height"] / 2))
    assert len(middles) == rows
    page.get_by_role("button", name="Show who plays").tap()
    mute = page.get_by_role("button", name="Mute Violin I", exact=True)
    expect(mute).to_be_visible()
    for button in (mute, *page.locator(".tools button:visible").all()):
        size = button.bounding_box()
        assert size is not None and size["width"] >= 38 and size["height"] >= 38
    page.get_by_role("button", name="Show who plays").tap()
    page.get_by_role("button", name="Conductor’s view").tap()
    chord, view = page.locator(".chord"), page.locator(".review").bounding_box()
    assert view is not None
    above = chord.bounding_box() if chord.is_visible() else None
    assert above is None or above["x"] + above["width"] <= view["x"] or above["y"] + above["height"] <= view["y"]
    page.get_by_role("button", name="Put down the baton").tap()
    until(page, "!d.holding")
    assert faults == []
    context.close()


def test_display_mode(studio: Studio, context: BrowserContext) -> None:
    page, faults = open_page(context, f"{studio.address}?display=1&quality=low")
    page.wait_for_selector(".cover", state="hidden")
    until(page, "d.connection === 'live' && d.stage.drawn > 2")
    expect(page.get_by_role("button", name="Conduct", exact=True)).to_have_count(0)
    assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)") >= 30
    assert faults == []


def test_sound_waits_for_a_tap_where_browsers_ask_for_one(studio: Studio, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 960, "height": 600})
    context.set_default_timeout(PATIENCE_MS)
    # As a browser without permission to play: the context stays suspended until a gesture.
    context.add_init_script(
        """
        let tapped = false;
        addEventListener('pointerdown', () => { tapped = true; }, true);
        const Original = AudioContext;
        window.AudioContext = class extends Original {
          constructor(options) { super(options); super.suspend(); }
          resume() { return tapped ? super.resume() : new Promise(() => {}); }
        };
        """
    )
    page, faults = open_page(context, f"{studio.address}?quality=low")
    page.wait_for_selector(".cover", state="hidden")
    pill = page.get_by_role("button", name="Tap to listen")
    expect(pill).to_be_visible()
    assert facts(page)["audio"] == "blocked"
    pill.click()
    until(page, "d.audio === 'playing' && d.ring.rms[0] > 0.02")
    expect(pill).to_be_hidden()
    page.get_by_role("button", name="Mute").click()
    until(page, "d.audio === 'muted'")
    page.get_by_role("button", name="Listen", exact=True).click()
    until(page, "d.audio === 'playing' && d.ring.rms[0] > 0.02")
    assert faults == []
    context.close()


def test_the_conductors_view_shows_what_was_understood(studio: Studio, browser: Browser) -> None:
    """On the conductor's own page by the key V and by its button, and in the classroom by the address."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    page, faults = open_page(context, f"{studio.address}?quality=low")
    page.wait_for_selector(".cover", state="hidden")
    until(page, "d.connection === 'live'")
    panel = page.get_by_role("region", name="Conductor’s view")
    expect(panel).to_be_hidden()
    page.keyboard.press("v")
    expect(panel).to_be_visible()
    page.evaluate("tuttiDiagnostics()")
    if facts(page)["position"]["state"] != "playing":
        page.get_by_role("button", name="Conduct", exact=True).click()
        until(page, "d.holding")
        page.get_by_role("button", name="Start").click()
    until(
        page,
        "d.review.state === 'playing' && d.review.beats >= 10 && d.review.ghost !== null"
        " && d.review.statistics.every((beat) => beat.count > 0)",
    )
    seen = facts(page)["review"]
    assert [beat["beat"] for beat in seen["statistics"]] == [1, 2, 3, 4]
    assert all(beat["lagMs"] == pytest.approx(50, abs=3) for beat in seen["statistics"])
    clarity = [beat["clarity"] for beat in seen["statistics"]]
    assert clarity == pytest.approx([0.9, 0.8, 0.7, 0.6], abs=0.01)
    assert any(re.fullmatch(r"Bar \d+: 1 50 ms, 2 50 ms, 3 50 ms, 4 50 ms", line) for line in seen["lines"])
    assert any(line.startswith("Cue: ") for line in seen["lines"])
    expect(panel.get_by_role("img", name=re.compile(r"Tempo 96 beats a minute, marked (92|104)"))).to_be_visible()
    # Each of the three pictures has drawn lines in gold, and all of them lie within the window.
    for chart in panel.locator("canvas").all():
        box = chart.bounding_box()
        assert box is not None and box["width"] > 100 and box["height"] > 60
        assert box["x"] >= 0 and box["x"] + box["width"] <= 1280 and box["y"] + box["height"] <= 800
        shown = np.asarray(Image.open(io.BytesIO(chart.screenshot())).convert("RGB"), dtype=int)
        assert (np.abs(shown - [224, 187, 120]).max(axis=2) < 24).sum() > 40
    page.get_by_role("button", name="Conductor’s view").click()
    expect(panel).to_be_hidden()
    assert faults == []
    context.close()
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    page, faults = open_page(context, f"{studio.address}?display=1&review=1&quality=low")
    until(page, "d.connection === 'live' && d.review.shown")
    size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.review strong')).fontSize)")
    assert size > 28, "too small for a classroom"
    assert faults == []
    context.close()
