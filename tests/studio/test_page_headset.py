"""The page in a headset: a Quest 3 emulated by iwer in a real browser, against a real relay and a real orchestra."""

import io
import json
import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest
from needs import needs_chromium
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from relay_support import make_session
from support import make_score
from test_page import PATIENCE_MS, eventually, facts, open_page, until
from test_page_hands import Running

from tutti.engine.clock import SessionClock
from tutti.engine.conducting.virtual_conductor import conduct
from tutti.engine.performance import Performance
from tutti.engine.transforms import PODIUM_HEIGHT_M
from tutti.engine.types import DEVICES, Device, Frame, Pose
from tutti.studio import web_build
from tutti.studio.relay.relay import Control, RelayProcess, RelaySource
from tutti.studio.relay.relay_types import RelaySettings
from tutti.studio.relay.session_info import SessionInfo

pytestmark = [needs_chromium, pytest.mark.realtime]

EMULATOR = web_build.WEB / "node_modules" / "iwer" / "build" / "iwer.min.js"
HEADSET = Path(__file__).with_name("emulated_headset.js")
BEAT_S = 0.5
RATE_HZ = 72.0
MEASURES = 3
EYE_M = 1.6
DRAWS_NOTHING = """
    // Without a graphics card, drawing would take all of a small machine from the hand and the orchestra.
    for (const name of ['drawElements', 'drawArrays', 'drawElementsInstanced', 'drawArraysInstanced', 'clear']) {
      WebGL2RenderingContext.prototype[name] = () => undefined;
    }
"""


class Podium:
    """A relay that serves the page, and an orchestra that follows whoever has the baton there."""

    def __init__(self) -> None:
        self.score = make_score(
            [(float(q), 1.0, 60 + q % 5, 0, 0.5, 0) for q in range(4 * MEASURES)], measures=MEASURES
        )
        session = make_session()
        info = SessionInfo.of_score(self.score, session.placements, hall="shoebox", audio_rate_hz=48_000)
        self.clock = SessionClock()
        self.poses: list[Pose] = []
        self.frames: list[Frame] = []
        self.controls: list[Control] = []
        self._relay = RelayProcess(info, self.clock, RelaySettings(port=0))
        self._source = RelaySource(self._relay)
        self._performance = Performance(self.score, placements=session.placements)
        self.address = f"{self._relay.address}?quality=low"
        self._end = threading.Event()
        self._holds: SimpleQueue[bool] = SimpleQueue()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def _play(self) -> None:
        while not self._end.wait(0.01):
            while not self._holds.empty():
                self._relay.hold_baton(self._holds.get())
            now_s = self.clock.now_s()
            poses = list(self._source.poll(now_s))
            self.controls += self._relay.take_controls()
            self.poses += poses
            frame = self._performance.step(now_s, poses)
            self.frames.append(frame)
            self._relay.publish(replace(frame, notes=(), releases=()))

    def of(self, device: Device) -> list[Pose]:
        return [pose for pose in self.poses if pose.device == device]

    def is_valid(self, device: Device) -> bool | None:
        """Whether the device was seen last, None where it never was."""
        return next((pose.valid for pose in reversed(self.poses) if pose.device == device), None)

    def is_at(self, device: Device, place_m: tuple[float, float, float], within_m: float = 0.07) -> bool:
        """Whether the device was seen there last; a grip lies some centimetres from its ray."""
        last = next((pose for pose in reversed(self.poses) if pose.device == device), None)
        return last is not None and last.valid and math.dist(last.position_m, place_m) < within_m

    def forget(self) -> None:
        self.poses.clear()
        self.frames.clear()

    @property
    def state(self) -> str:
        return self.frames[-1].position.state if self.frames else ""

    def hold(self, held: bool) -> None:
        """The relay belongs to the thread that plays."""
        self._holds.put(held)

    def close(self) -> None:
        self._end.set()
        self._thread.join(5)
        self._relay.close()


@pytest.fixture(scope="module", autouse=True)
def built_page() -> None:
    """The page, and the emulated headset beside it."""
    web_build.install_packages(web_build.find_node(), development=True)
    web_build.build_page()


@pytest.fixture
def podium() -> Iterator[Podium]:
    podium = Podium()
    yield podium
    podium.close()


@pytest.fixture
def running() -> Iterator[Running]:
    running = Running()
    yield running
    running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 640, "height": 320}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(path=EMULATOR)
    context.add_init_script(path=HEADSET)
    yield context
    context.close()


def opened(context: BrowserContext, podium: Podium, *, draws: bool = False) -> tuple[Page, list[str]]:
    """The page with the hall open, before the headset is entered."""
    if not draws:
        context.add_init_script(DRAWS_NOTHING)
    page, faults = open_page(context, podium.address)
    page.evaluate(f"headset.position.set(0, {EYE_M}, 0)")
    page.wait_for_selector(".cover", state="hidden")
    until(page, "d.connection === 'live'")
    return page, faults


def enter(page: Page) -> None:
    page.get_by_role("button", name="Enter VR").first.click()
    until(page, "d.input.presenting && d.input.frames > 2")


def place(page: Page, hand: str, x: float, y: float, z: float, kind: str = "controllers") -> None:
    page.evaluate(f"headset.{kind}.{hand}.position.set({x}, {y}, {z})")


def press(page: Page, hand: str, button: str) -> None:
    for value in (1, 0):
        page.evaluate(f"headset.controllers.{hand}.updateButtonValue('{button}', {value})")
        frames = facts(page)["input"]["frames"]
        until(page, f"!d.input.presenting || d.input.frames > {frames + 1}")


def test_a_take_in_the_headset_leads_the_orchestra(context: BrowserContext, podium: Podium) -> None:
    """Enter, conduct, lose a controller, look at the system's menu, leave."""
    page, faults = opened(context, podium)
    enter(page)
    until(page, "d.holding && d.input.kind === 'headset'")
    assert facts(page)["input"]["space"] == "local-floor"

    music_s = 1.5 + BEAT_S * np.arange(4 * MEASURES + 1)
    quarters = np.append(podium.score.beats["quarter"], 4.0 * MEASURES).astype(float)
    take = conduct(podium.score, (quarters, music_s), noise_m=0.0, rate_hz=100.0)
    path = [(p.time_s, *p.position_m) for p in take.poses if p.device == "baton"]
    place(page, "left", -0.3, 1.0, -0.2)
    played = "([path, rateHz]) => headset.play(path, rateHz).then((sent) => sent.map(Object.values))"
    sent = page.evaluate(played, [path, RATE_HZ])
    samples = [Pose(time_s - sent[0][0], device, *rest) for time_s, device, *rest in sent]
    for device in DEVICES:
        stamps = [pose.time_s for pose in samples if pose.device == device]
        assert np.diff(stamps) == pytest.approx(1 / RATE_HZ, abs=2e-3), "stamps are not the headset's"
        assert len(stamps) == pytest.approx((path[-1][0] - path[0][0]) * RATE_HZ, abs=3)
    orchestra = Performance(podium.score)
    frames = [orchestra.step(pose.time_s, [pose]) for pose in samples]
    crossings = [crossing for frame in frames for crossing in frame.crossings]
    assert len(crossings) >= 4 * MEASURES - 1, "the orchestra does not follow the headset"
    periods_s = np.diff([crossing.time_s for crossing in crossings])
    assert np.median(periods_s) == pytest.approx(BEAT_S, rel=0.03) and np.abs(periods_s[1:] - BEAT_S).max() < 0.06
    assert abs(periods_s[0] - BEAT_S) < 0.1, "the first chord is with the hand, what follows a little ahead of it"
    beats = [beat.beat_index for frame in frames for beat in frame.beats if beat.beat_index >= 0]
    assert len(set(beats)) == len(beats) >= 4 * MEASURES - 2, f"beats were missed or counted twice: {beats}"

    # The same poses have come to the studio, as they were.
    assert eventually(lambda: len(podium.of("baton")) > 100 and podium.is_valid("baton") is True)
    assert {frame.position.state for frame in podium.frames} - {"waiting"}, "the studio's orchestra did not stir"
    for device in DEVICES:
        stamps = [pose.time_s for pose in podium.of(device)]
        assert stamps == sorted(stamps), "a headset's stamps run backwards"
    assert abs(podium.of("head")[-1].time_s - podium.clock.now_s()) < 2.0
    head = podium.of("head")[-1]
    assert math.dist(head.position_m, (0.0, EYE_M, 0.0)) < 1e-3
    assert head.orientation_wxyz == pytest.approx((1, 0, 0, 0), abs=1e-3)
    assert podium.is_at("left", (-0.3, 1.0, -0.2))

    # A controller out of the cameras' sight is lost, once; the other hand and the head go on.
    podium.forget()
    page.evaluate("headset.lost.add('right')")
    assert eventually(lambda: podium.is_valid("baton") is False)
    assert eventually(lambda: len(podium.of("left")) > 10 and len(podium.of("head")) > 10)
    assert sum(not pose.valid for pose in podium.of("baton")) == 1
    page.evaluate("headset.lost.clear()")
    assert eventually(lambda: podium.is_valid("baton") is True)
    # Asleep or switched off, it is gone from the list of inputs.
    page.evaluate("headset.controllers.right.connected = false")
    assert eventually(lambda: podium.is_valid("baton") is False)
    page.evaluate("headset.controllers.right.connected = true")
    assert eventually(lambda: podium.is_valid("baton") is True)

    # The system's menu: hands are not ours, the head still is.
    page.evaluate("headset.updateVisibilityState('visible-blurred')")
    assert eventually(lambda: podium.is_valid("baton") is False and podium.is_valid("left") is False)
    count, heads = len(podium.of("baton")), len(podium.of("head"))
    assert eventually(lambda: len(podium.of("head")) > heads + 5)
    assert len(podium.of("baton")) == count
    page.evaluate("headset.updateVisibilityState('visible')")
    assert eventually(lambda: podium.is_valid("baton") is True)

    page.evaluate("headset.activeSession.end()")
    until(page, "d.input.kind === 'pad'")
    assert eventually(lambda: podium.is_valid("baton") is False)
    drawn = facts(page)["stage"]["drawn"]
    until(page, f"d.stage.drawn > {drawn + 2}")  # the window is drawn again
    assert faults == []


def test_bare_hands_and_the_baton_from_hand_to_hand(context: BrowserContext, podium: Podium) -> None:
    page, faults = opened(context, podium)
    page.evaluate("headset.primaryInputMode = 'hand'")
    enter(page)
    until(page, "d.holding && d.input.kinds.right === 'hand' && d.input.kinds.left === 'hand'")
    place(page, "right", 0.25, 1.3, -0.4, "hands")
    place(page, "left", -0.25, 1.1, -0.3, "hands")
    assert eventually(lambda: podium.is_at("baton", (0.25, 1.3, -0.4), 0.15))
    assert eventually(lambda: podium.is_at("left", (-0.25, 1.1, -0.3), 0.15))
    baton = podium.of("baton")[-1]
    assert baton.orientation_wxyz is not None
    _, x, y, _ = baton.orientation_wxyz
    assert -(1 - 2 * (x * x + y * y)) < -0.5, "the stick does not point ahead"
    # Far from the stick a pinch means something else.
    page.evaluate("headset.hands.left.updatePinchValue(1)")
    frames = facts(page)["input"]["frames"]
    until(page, f"d.input.frames > {frames + 3}")
    page.evaluate("headset.hands.left.updatePinchValue(0)")
    assert facts(page)["input"]["batonSide"] == "right"
    # At the stick it takes the baton: lost from the right, then there in the left.
    place(page, "left", 0.2, 1.3, -0.45, "hands")
    frames = facts(page)["input"]["frames"]
    until(page, f"d.input.frames > {frames + 3}")
    podium.forget()
    page.evaluate("headset.hands.left.updatePinchValue(1)")
    until(page, "d.input.batonSide === 'left'")
    place(page, "left", -0.4, 1.5, -0.4, "hands")
    assert eventually(lambda: podium.is_at("baton", (-0.4, 1.5, -0.4), 0.15))
    assert any(not pose.valid for pose in podium.of("baton"))
    assert podium.is_at("left", (0.25, 1.3, -0.4), 0.15)
    # Controllers taken up again.
    page.evaluate("headset.primaryInputMode = 'controller'")
    until(page, "d.input.kinds.left === 'controller'")
    place(page, "left", -0.1, 1.2, -0.5)
    assert eventually(lambda: podium.is_at("baton", (-0.1, 1.2, -0.5)))
    assert faults == []


def test_where_the_wearer_stands(context: BrowserContext, podium: Podium) -> None:
    """In the stalls without the baton, before the orchestra with it, wherever the room is; turned by the stick."""
    page, faults = opened(context, podium)
    podium.hold(True)
    expect(page.locator(".conducting")).to_contain_text("podium")
    # In a corner of the room, sitting, looking to the left.
    page.evaluate("headset.position.set(1.5, 1.15, -0.8); headset.quaternion.set(0, Math.SQRT1_2, 0, Math.SQRT1_2)")
    enter(page)
    until(
        page,
        "d.input.head !== null && Math.hypot(d.input.head.positionM[0] - 1.7, d.input.head.positionM[2] - 11.2) < 0.01",
    )
    assert not facts(page)["holding"]
    assert podium.poses == []
    podium.hold(False)
    press(page, "right", "a-button")
    until(page, "d.holding")
    at = "d.input.head.positionM"
    until(page, f"Math.hypot({at}[0], {at}[1] - 1.15, {at}[2]) < 0.01 && d.input.head.orientation[0] > 0.999")
    assert eventually(lambda: podium.is_at("head", (0.0, 1.15, 0.0), 0.01))
    page.get_by_label("I sit").dispatch_event("click")  # the emulator's picture lies over the page
    until(page, f"Math.abs({at}[1] - 1.62) < 0.01")
    # The stick turns by thirty degrees at once, in place, and does not go on turning.
    place(page, "right", 1.5 - 0.5, 1.1, -0.8)
    podium.forget()
    page.evaluate("headset.controllers.right.updateAxes('thumbstick', 0.95, 0)")
    until(page, "d.input.vignette && d.input.head.orientation[2] < -0.1")
    turned = facts(page)["input"]["head"]["orientation"]
    assert 2 * math.degrees(math.atan2(turned[2], turned[0])) == pytest.approx(-30, abs=0.5)
    frames = facts(page)["input"]["frames"]
    until(page, f"d.input.frames > {frames + 5}")
    assert facts(page)["input"]["head"]["orientation"] == pytest.approx(turned, abs=1e-3)
    assert any(not pose.valid for pose in podium.of("baton")), "the turn would be taken for a stroke"
    # The baton turned with the wearer: half a metre ahead of the head, thirty degrees to the right.
    ahead = (0.5 * math.sin(math.radians(30)), 1.57, -0.5 * math.cos(math.radians(30)))
    assert eventually(lambda: podium.is_at("baton", ahead, 0.09)), (podium.of("baton")[-1], ahead)
    page.evaluate("headset.controllers.right.updateAxes('thumbstick', 0, 0)")
    press(page, "right", "thumbstick")
    until(page, "d.input.head.orientation[0] > 0.999")
    # The system's own recentering.
    page.evaluate("headset.position.set(0.4, 1.15, 0.3); headset.recenter()")
    until(page, f"Math.hypot({at}[0], {at}[2]) < 0.01")
    # A cues.
    press(page, "right", "a-button")
    assert eventually(lambda: podium.controls[-1].action == "cue")
    assert faults == []


def test_both_eyes_see_the_hall(context: BrowserContext, podium: Podium) -> None:
    page, faults = opened(context, podium, draws=True)
    page.evaluate("headset.quaternion.set(-0.25, 0, 0, 0.968)")  # down to the stand
    enter(page)
    until(page, "d.holding && d.input.stand !== '' && d.input.frames > 6")
    place(page, "right", 0.3, 0.2, 0.5)
    place(page, "left", -0.3, 0.2, 0.5)
    frames = facts(page)["input"]["frames"]
    until(page, f"d.input.frames > {frames + 3}")
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L"), dtype=float)
    height, width = picture.shape
    left, right = picture[:, : width // 2], picture[:, width // 2 :]
    for eye in (left, right):
        assert eye.std() > 25, "an eye sees nothing"
    # Near things lie further to the left in the right eye: the stand's pages, against the back wall.
    assert shift_px(left, right, slice(height // 2, None)) < shift_px(left, right, slice(0, height // 5)) - 2
    assert faults == []


def shift_px(left: np.ndarray, right: np.ndarray, rows: slice) -> int:
    """How far the right eye's picture lies to the right of the left one's, by the least difference."""
    a, b = left[rows, 60:-60], right[rows]
    differences = [np.abs(a - b[:, 60 + shift : 60 + shift + a.shape[1]]).mean() for shift in range(-30, 31)]
    return int(np.argmin(differences)) - 30


def aim(page: Page, hand: str, at_hall_m: np.ndarray) -> None:
    """Points a controller at a place of the hall."""
    from_m = np.array([-0.25, 1.2, -0.1])
    x, y, z = np.array([at_hall_m[0], at_hall_m[2] - PODIUM_HEIGHT_M, -at_hall_m[1]]) - from_m
    yaw, pitch = math.atan2(-x, -z), math.asin(y / math.sqrt(x * x + y * y + z * z))
    c, s, cp, sp = math.cos(yaw / 2), math.sin(yaw / 2), math.cos(pitch / 2), math.sin(pitch / 2)
    place(page, hand, *from_m)
    page.evaluate(f"headset.controllers.{hand}.quaternion.set({c * sp}, {s * cp}, {-s * sp}, {c * cp})")


def test_hands_point_at_players_and_at_the_menu(context: BrowserContext, running: Running) -> None:
    context.add_init_script(DRAWS_NOTHING)
    page, faults = open_page(context, f"{running.address}?quality=low")
    page.evaluate(f"headset.position.set(0, {EYE_M}, 0)")
    page.wait_for_selector(".cover", state="hidden")
    enter(page)
    until(page, "d.holding")
    player = min(running.seated, key=lambda placement: math.hypot(*placement.position_m))
    aim(page, "left", np.array(player.position_m) + [0, 0, 0.9])
    until(page, f"d.hands.hovered === {player.player} && d.hands.panels.some((p) => p.panel === 'label')")
    press(page, "left", "y-button")
    until(page, "d.hands.panels.some((p) => p.panel === 'menu')")
    menu = next(panel for panel in facts(page)["hands"]["panels"] if panel["panel"] == "menu")
    close = next(item for item in menu["items"] if item["key"] == "close")
    across = close["x_dmm"] + 0.5 * close["width_dmm"] - 0.5 * menu["width_dmm"]
    upwards = 0.5 * menu["height_dmm"] - close["y_dmm"] - 0.5 * close["height_dmm"]
    right, up = np.array(menu["right"]), np.array(menu["up"])
    aim(page, "left", np.array(menu["centre_m"]) + menu["metres_per_dmm"] * (across * right + upwards * up))
    until(page, "d.hands.panels.some((p) => p.items.some((i) => i.key === 'close' && i.state === 'hovered'))")
    press(page, "left", "trigger")
    until(page, "!d.hands.panels.some((p) => p.panel === 'menu')")
    assert faults == []


def test_without_a_headset_there_is_no_way_in(browser: Browser, podium: Podium) -> None:
    context = browser.new_context(viewport={"width": 640, "height": 320})
    context.set_default_timeout(PATIENCE_MS)
    page, _ = open_page(context, podium.address)
    until(page, "d.connection === 'live'")
    expect(page.get_by_role("button", name="Enter VR")).to_have_count(0)
    page.get_by_role("button", name="Conduct with").click()
    expect(page.get_by_role("menuitemradio", name="VR headset")).to_be_hidden()
    context.close()


def test_a_headset_that_refuses_says_why(context: BrowserContext, podium: Podium) -> None:
    page, _ = opened(context, podium)
    denied = "async () => { throw new DOMException('denied', 'NotAllowedError'); }"
    page.evaluate(f"() => {{ navigator.xr.requestSession = {denied}; }}")
    page.get_by_role("button", name="Enter VR").first.click()
    expect(page.locator(".toast")).to_contain_text("The headset did not open")
    assert facts(page)["input"]["kind"] == "pad"


def test_the_emulator_is_no_part_of_the_page() -> None:
    web_build.build_page()
    built = [path.read_text(encoding="utf-8", errors="replace") for path in (web_build.WEB / "dist").rglob("*.js")]
    assert built and not any("XRDevice" in text or "iwer" in text.lower() for text in built)
    packages: dict[str, Any] = json.loads((web_build.WEB / "package.json").read_text(encoding="utf-8"))
    assert "iwer" in packages["devDependencies"] and "iwer" not in packages["dependencies"]
