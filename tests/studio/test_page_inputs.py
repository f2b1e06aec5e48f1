"""Ways to conduct from the page, in a real browser against a real relay: webcam, taps, gamepad, and choosing.

The camera is Chromium's fake one, which plays a film made here: ``hand.webp`` (an open right hand, rendered from the
"generic-hand" model of the WebXR Input Profiles, MIT licence) moved along a known path. The hand is really detected.
"""

import base64
import io
import json
import math
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needs import CHROMIUM_FLAGS, chromium_path, needs_chromium
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright
from relay_support import make_session
from support import make_score
from test_page import PATIENCE_MS, eventually, facts, open_page, until

from tutti.engine.clock import SessionClock
from tutti.engine.conducting.beat_hypotheses import LED_BEATS
from tutti.engine.performance import Performance
from tutti.engine.types import Pose
from tutti.studio import web_build
from tutti.studio.relay.relay import RelayProcess
from tutti.studio.relay.relay_types import RelaySettings, TapInput

pytestmark = [needs_chromium, pytest.mark.realtime]

HAND = Path(__file__).with_name("hand.webp")
WIDTH, HEIGHT, FILM_HZ = 480, 360, 30
PERIOD_S = 1.4
BEATS_IN_MEASURE, BEATS = 4, 8
REST_S, SLOW_PERIOD_S, SLOW_BEATS, SLOW_HZ = 2.6, 0.8, 16, 15
SWING_PX = (55, 80)
PX_PER_M = 70 / 36 * 320 / 0.62
"""Of the picture of the hand: a 70 mm lens over a 36 mm sensor of 320 pixels, 0.62 m away."""
NO_PICTURE_OF_THE_HALL = """
    const get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
      return kind.startsWith('webgl') ? null : get.call(this, kind, ...rest);
    };
"""
"""Without a graphics card, drawing the hall would take all of a small machine from the hand detector."""
GAMEPAD = """
    window.pads = [null, null, null, null];
    navigator.getGamepads = () => window.pads;
    window.plug = (axes) => {
      const pad = { id: 'Test Pad (STANDARD GAMEPAD Vendor: 045e Product: 0b13)', index: 1, connected: true, axes,
                    buttons: [], mapping: 'standard', timestamp: performance.now() };
      window.pads = [null, pad, null, null];
    };
    window.unplug = () => { window.pads = [null, null, null, null]; };
"""


SLOW_MOTION_CAMERA = """
    // Its next picture comes when the detector asks for it, a fifteenth of a second later by the camera's own clock.
    const canvas = Object.assign(document.createElement('canvas'), { width: film.width, height: film.height });
    const draw = canvas.getContext('2d', { willReadFrequently: true });
    const hand = new Image();
    hand.src = film.hand;
    const began = performance.now();
    let pictures = 0;
    const nowMs = () => began + 1000 * pictures / film.rateHz;
    function picture() {
      const place = film.path[Math.min(pictures, film.path.length - 1)];
      draw.fillStyle = '#8f979c';
      draw.fillRect(0, 0, film.width, film.height);
      draw.drawImage(hand, ...place);
      pictures += 1;
    }
    const stream = canvas.captureStream(10);
    navigator.mediaDevices.getUserMedia = async () => {
      await hand.decode();
      setInterval(() => draw.fillRect(0, 0, 1, 1), 100); // or the stream would have no picture at all
      return stream;
    };
    HTMLVideoElement.prototype.requestVideoFrameCallback = function (call) {
      setTimeout(() => call(nowMs(), { presentationTime: nowMs() }), 4);
    };
    const bitmap = window.createImageBitmap;
    window.createImageBitmap = (source, ...rest) => {
      if (source instanceof HTMLVideoElement) { picture(); source = canvas; }
      return bitmap(source, ...rest);
    };
    window.sent = [];
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (order, ...rest) {
      if (order.kind === 'send' && order.message.kind === 'Poses') {
        sent.push(...order.message.samples.filter(({ device }) => device === 'baton'));
      }
      return post.call(this, order, ...rest);
    };
"""


def swing(beat: float) -> tuple[float, float]:
    """Where the hand is, −1…1 to the person's right and 0…1 up: a figure in four, lowest at whole beats."""
    places = (0.0, -0.8, 1.0, 0.2)
    turn, within = int(beat) % BEATS_IN_MEASURE, beat % 1.0
    after = places[(turn + 1) % BEATS_IN_MEASURE]
    right = places[turn] + (after - places[turn]) * (3 * within**2 - 2 * within**3)
    return right, abs(math.sin(math.pi * beat)) ** 1.4


def slow_motion_camera() -> str:
    """For the page: a camera whose conductor rests, raises the hand on the fourth beat, and goes on."""
    path = [swing(3)] * round(REST_S * SLOW_HZ)
    path += [swing(3 + i / SLOW_HZ / SLOW_PERIOD_S) for i in range(round((SLOW_BEATS + 2) * SLOW_PERIOD_S * SLOW_HZ))]
    film = {
        "hand": f"data:image/webp;base64,{base64.b64encode(HAND.read_bytes()).decode()}",
        "path": [(WIDTH / 2 - 76 - SWING_PX[0] * right, HEIGHT - 225 - SWING_PX[1] * up) for right, up in path],
        "width": WIDTH,
        "height": HEIGHT,
        "rateHz": SLOW_HZ,
    }
    return f"const film = {json.dumps(film)};" + SLOW_MOTION_CAMERA


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole number of beats, so that it can be played in a loop."""
    hand = Image.open(HAND).convert("RGBA")
    wall = np.linspace(118, 168, HEIGHT)[:, None, None] + np.random.default_rng(1).normal(0, 3, (HEIGHT, WIDTH, 3))
    background = Image.fromarray((wall + [0, 4, 8]).clip(0, 255).astype(np.uint8))
    path = tmp_path_factory.mktemp("film") / "conductor.mjpeg"
    with path.open("wb") as file:
        for frame in range(round(BEATS * PERIOD_S * FILM_HZ)):
            right, up = swing(frame / FILM_HZ / PERIOD_S)
            picture = background.copy()
            # The camera faces the person: their right is the picture's left.
            place = (int(WIDTH / 2 - 76 - SWING_PX[0] * right), int(HEIGHT - 225 - SWING_PX[1] * up))
            picture.paste(hand, place, hand)
            jpeg = io.BytesIO()
            picture.save(jpeg, "JPEG", quality=85)
            file.write(jpeg.getvalue())
    return path


class Hall:
    """A relay that serves the page, and what it heard."""

    def __init__(self) -> None:
        self.poses: list[Pose] = []
        self.taps: list[TapInput] = []
        self.clock = SessionClock()
        self._relay = RelayProcess(make_session(), self.clock, RelaySettings(port=0))
        self.address = f"{self._relay.address}?quality=low"
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._end.wait(0.01):
            self.poses += self._relay.take_poses()
            self.taps += self._relay.take_taps()
            self._relay.take_controls()

    def batons(self) -> list[Pose]:
        return [pose for pose in self.poses if pose.device == "baton"]

    def forget(self) -> None:
        self.poses.clear()
        self.taps.clear()

    def close(self) -> None:
        self._end.set()
        self._thread.join(5)
        self._relay.close()


@pytest.fixture(scope="module")
def built() -> None:
    web_build.build_page()


@pytest.fixture
def hall(built: None) -> Iterator[Hall]:
    hall = Hall()
    yield hall
    hall.close()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


def launch(playwright: Playwright, *flags: str) -> Browser:
    return playwright.chromium.launch(executable_path=chromium_path(), args=[*CHROMIUM_FLAGS, *flags])


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Without any camera: Chromium has no fake one unless it is asked to."""
    browser = launch(playwright)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def filmed(playwright: Playwright, film: Path) -> Iterator[Browser]:
    """With a camera that sees the conductor."""
    browser = launch(playwright, "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}")
    yield browser
    browser.close()


def opened(browser: Browser, hall: Hall, *, init: str = "", **options: Any) -> tuple[BrowserContext, Page, list[str]]:
    context = browser.new_context(viewport={"width": 960, "height": 700}, reduced_motion="reduce", **options)
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(NO_PICTURE_OF_THE_HALL)
    context.add_init_script(GAMEPAD)
    context.add_init_script(init)
    page, faults = open_page(context, hall.address)
    until(page, "d.connection === 'live'")
    return context, page, faults


def choose(page: Page, name: str) -> None:
    page.get_by_role("button", name="Conduct with").click()
    page.get_by_role("menuitemradio", name=name).click()


def take_baton(page: Page) -> None:
    page.get_by_role("button", name="Conduct", exact=True).click()
    until(page, "d.holding")


def distance_from_film_m(poses: list[Pose]) -> float:
    """How far the hand is from where it is in the film, begun at the time that fits best: metres, root mean square
    about the mean place."""
    times = np.array([pose.time_s for pose in poses])
    seen = np.array([pose.position_m[:2] for pose in poses])
    seen -= seen.mean(axis=0)
    best = math.inf
    for start_s in np.arange(0.0, BEATS_IN_MEASURE * PERIOD_S, 0.02):
        film = (
            np.array([swing((time_s - start_s) / PERIOD_S % BEATS_IN_MEASURE) for time_s in times])
            * SWING_PX
            / PX_PER_M
        )
        best = min(best, float(np.sqrt(np.mean(np.sum((seen - (film - film.mean(axis=0))) ** 2, axis=1)))))
    return best


def test_webcam_sees_the_hand(filmed: Browser, hall: Hall) -> None:
    """From a camera to the studio: the hand is found and measured in metres, at the time of the session's clock."""
    context, page, faults = opened(filmed, hall, permissions=["camera"])
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    choose(page, "Webcam")
    expect(page.get_by_text("The camera's pictures stay on this device.")).to_be_visible()
    until(page, "d.input.kind === 'webcam' && d.input.open && d.input.ready")
    assert hall.poses == [], "nobody conducts without the baton"
    take_baton(page)
    # With few pictures a second it may take one hand for the other; with enough (below) it must not.
    said = re.compile(r"Your (right|left) hand conducts\.")
    expect(page.locator(".webcam .input-status")).to_contain_text(said, timeout=PATIENCE_MS)
    hall.forget()
    assert eventually(lambda: len(hall.batons()) > 30, 40)
    batons = hall.batons()
    poses = [pose for pose in batons if pose.valid]
    # A busy machine sees few pictures: between two of them the hand goes far, and the detector looks for it anew.
    assert len(poses) > 0.6 * len(batons), "the hand is lost too often"
    assert distance_from_film_m(poses) < 0.03, "the hand is elsewhere, or at another time, than in the film"
    stamps = [pose.time_s for pose in batons]
    assert stamps == sorted(stamps) and 0 < hall.clock.now_s() - stamps[-1] < 3
    # No request but for the detector's own files from the page's own server: pictures stay here.
    files = [url for url in asked if not url.startswith(("blob:", "data:"))]
    assert any(url.endswith(".wasm") for url in files)
    assert all(url.startswith(hall.address.split("?")[0]) for url in files)
    assert faults == []
    context.close()


def test_the_orchestra_follows_the_hand_in_the_picture(browser: Browser, hall: Hall) -> None:
    """The detector at its own pace, a camera of fifteen pictures a second by its own clock: however slow the machine,
    the poses that the page sends are those of a steady beat, and an orchestra plays by them."""
    context, page, faults = opened(browser, hall, init=slow_motion_camera())
    choose(page, "Webcam")
    take_baton(page)
    wanted = SLOW_BEATS * SLOW_PERIOD_S * SLOW_HZ
    assert eventually(lambda: page.evaluate("sent.length") > wanted, 120), (page.evaluate("sent.length"), facts(page))
    expect(page.locator(".webcam .input-status")).to_contain_text("Your right hand conducts.")
    samples = page.evaluate("sent.map(({ client_s, position_m, valid }) => [client_s, ...position_m, valid])")
    first_s = samples[0][0]
    poses = [Pose(s - first_s, "baton", (x, y, z), None, bool(valid)) for s, x, y, z, valid in samples]
    assert sum(pose.valid for pose in poses) > 0.95 * len(poses)
    # The pictures' rhythm is kept to the millisecond, and the lowest points are a beat apart.
    assert np.allclose(np.diff([pose.time_s for pose in poses]), 1 / SLOW_HZ, atol=1e-3)
    icti_s = lowest_points_s(poses)
    assert len(icti_s) >= SLOW_BEATS - 2
    assert np.abs(np.diff(icti_s) - SLOW_PERIOD_S).max() < 0.04
    height_m = np.ptp([pose.position_m[1] for pose in poses if pose.valid])
    assert height_m == pytest.approx(SWING_PX[1] / PX_PER_M, rel=0.25)
    score = make_score(
        [(float(q), 1.0, 60 + q % 5, 0, 0.5, 0) for q in range(64)], quarter_bpm=60 / SLOW_PERIOD_S, measures=16
    )
    performance = Performance(score)
    crossings = [crossing for pose in poses for crossing in performance.step(pose.time_s, [pose]).crossings]
    assert len(crossings) >= SLOW_BEATS - 4, "the orchestra does not follow the hand"
    # Within the bar it expects the first beat late, and over the first beats it gets before the hand: bars are judged.
    played_s = np.array([crossing.time_s for crossing in crossings[LED_BEATS:]])
    assert (played_s[4:] - played_s[:-4]) / 4 == pytest.approx(SLOW_PERIOD_S, rel=0.05)
    assert faults == []
    context.close()


def lowest_points_s(poses: list[Pose]) -> np.ndarray:
    """Times at which the hand was lowest, by the parabola through the samples around each."""
    times = np.array([pose.time_s for pose in poses])
    heights = np.array([pose.position_m[1] for pose in poses])
    found = []
    for low in range(2, len(poses) - 2):
        near = np.flatnonzero(abs(times - times[low]) < 0.4 * SLOW_PERIOD_S)
        before, after = heights[near[near < low]], heights[near[near > low]]
        if heights[near].min() == heights[low] and min(before.max(), after.max()) > heights[low] + 0.03:
            curve = np.polyfit(times[low - 1 : low + 2] - times[low], heights[low - 1 : low + 2], 2)
            found.append(times[low] - curve[1] / (2 * curve[0]))
    return np.array(found)


def test_webcam_is_off_when_it_does_not_conduct(filmed: Browser, hall: Hall) -> None:
    context, page, _ = opened(filmed, hall, permissions=["camera"])
    choose(page, "Webcam")
    take_baton(page)
    until(page, "d.input.ready")
    tracks = "document.querySelector('.webcam video').srcObject.getTracks()[0]"
    page.evaluate(f"window.track = {tracks}")
    assert page.evaluate("track.readyState") == "live"
    page.get_by_role("button", name="Put down the baton").click()
    until(page, "!d.holding")
    assert page.evaluate("track.readyState") == "ended"
    expect(page.locator(".webcam")).to_have_count(0)
    # It is remembered, and yet not switched on by opening the page.
    page.reload()
    until(page, "d.connection === 'live'")
    expect(page.get_by_role("button", name="Conduct with: Webcam")).to_be_visible()
    assert facts(page)["input"] == {"kind": "webcam"}
    context.close()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("", "No camera was found: connect one, then try again."),
        (
            "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); };",
            "The camera is not allowed here: allow it for this page in the browser's address bar, then try again.",
        ),
        (
            "Object.defineProperty(window, 'isSecureContext', { value: false });",
            "Browsers give the camera to secure pages only: open the studio's https address",
        ),
        (
            "Worker = class extends Worker {"
            "  constructor(url, o) { super(o?.name === 'tutti-hands' ? './none' : url, o); } };"
            "const c = document.createElement('canvas');"
            "navigator.mediaDevices.getUserMedia = async () => { c.getContext('2d'); return c.captureStream(); };",
            "Hand tracking does not work in this browser",
        ),
    ],
    ids=["none", "refused", "insecure", "no detector"],
)
def test_without_camera_it_says_what_to_do(browser: Browser, hall: Hall, script: str, said: str) -> None:
    context, page, _ = opened(browser, hall, permissions=["camera"])
    page.evaluate(f"() => {{ {script} }}")
    choose(page, "Webcam")
    expect(page.locator(".webcam .input-status")).to_contain_text(said)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.locator(".camera-picture")).to_be_hidden()
    context.close()


def test_taps_by_key_and_finger(browser: Browser, hall: Hall) -> None:
    context, page, faults = opened(browser, hall)
    choose(page, "Tap")
    page.get_by_role("button", name="Tap the beat").click()
    take_baton(page)
    assert hall.taps == [], "nobody taps without the baton"
    pressed_s = []
    for _ in range(4):
        pressed_s.append(hall.clock.now_s())
        page.keyboard.press(" ")
        time.sleep(0.5)
    assert eventually(lambda: len(hall.taps) == 4)
    expect(page.locator(".tap-count")).to_have_text("4")
    expect(page.locator(".tap-tempo")).to_contain_text("a minute")
    assert facts(page)["holding"], "the space key pressed a button beside"
    # Stamped when the key went down, on the session's clock.
    late_s = np.array([tap.time_s for tap in hall.taps]) - pressed_s
    assert (late_s > -0.03).all() and (late_s < 0.25).all(), late_s
    page.get_by_role("button", name="Tap the beat").click()
    page.mouse.click(480, 200)  # anywhere on the stage
    assert eventually(lambda: len(hall.taps) == 6)
    assert {tap.strength for tap in hall.taps} == {0.5}
    assert hall.poses == []
    assert faults == []
    context.close()


def test_gamepad_comes_conducts_and_goes(browser: Browser, hall: Hall) -> None:
    context, page, faults = opened(browser, hall)
    choose(page, "Gamepad")
    status = page.locator(".gamepad .input-status")
    expect(status).to_have_text("No gamepad yet: connect one and press a button on it.")
    take_baton(page)
    page.evaluate("plug([0, 0, 0, -1])")
    expect(status).to_have_text("Test Pad")
    assert eventually(lambda: any(abs(pose.position_m[1] - (1.15 + 0.35)) < 1e-3 for pose in hall.batons()))
    page.evaluate("plug([0, 0, 1, 0])")
    assert eventually(lambda: any(abs(pose.position_m[0] - (0.05 + 0.35)) < 1e-3 for pose in hall.batons()))
    # A stick that is held still is still there.
    hall.forget()
    assert eventually(lambda: len(hall.batons()) > 10)
    page.evaluate("unplug()")
    expect(status).to_contain_text("The gamepad is gone")
    assert eventually(lambda: not hall.batons()[-1].valid)
    page.evaluate("plug([0, 0, 0, 1])")
    assert eventually(lambda: hall.batons()[-1].valid)
    stamps = [pose.time_s for pose in hall.batons()]
    assert stamps == sorted(stamps) and abs(stamps[-1] - hall.clock.now_s()) < 1.0
    assert faults == []
    context.close()


def test_changing_in_the_middle_of_a_piece(browser: Browser, hall: Hall) -> None:
    """From stick to mouse: the stick's baton is gone before the mouse's comes, and then the stick is not heard."""
    context, page, faults = opened(browser, hall)
    choose(page, "Gamepad")
    take_baton(page)
    page.evaluate("plug([0, 0, 0, -1])")
    assert eventually(lambda: len(hall.batons()) > 3)
    page.mouse.move(480, 300)
    page.mouse.down()
    page.mouse.move(480, 200)
    page.mouse.up()
    assert all(pose.position_m[1] > 1.14 for pose in hall.batons()), "a drag moved the baton while the stick has it"
    choose(page, "Mouse")
    expect(page.locator(".gamepad")).to_have_count(0)
    assert eventually(lambda: not hall.batons()[-1].valid)
    hall.forget()
    page.mouse.move(480, 400)
    page.mouse.down()
    page.mouse.move(480, 500, steps=10)
    assert eventually(lambda: len(hall.batons()) >= 10)
    assert all(pose.position_m[1] < 1.15 for pose in hall.batons())
    page.mouse.up()
    assert faults == []
    context.close()


def test_menu_by_keyboard(browser: Browser, hall: Hall) -> None:
    context, page, faults = opened(browser, hall)
    button = page.get_by_role("button", name="Conduct with")
    button.focus()
    page.keyboard.press("Enter")
    focused = "document.activeElement.textContent"
    assert "Mouse" in page.evaluate(focused)
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused).startswith("Tap")
    page.keyboard.press("End")
    page.keyboard.press("ArrowDown")
    assert "Mouse" in page.evaluate(focused)
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_be_hidden()
    assert page.evaluate("document.activeElement.ariaHasPopup") == "menu"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Conduct with: Tap")).to_be_visible()
    expect(page.get_by_role("menu")).to_be_hidden()
    assert faults == []
    context.close()


@pytest.mark.parametrize("size", [(390, 844), (1280, 800)])
def test_nothing_is_cut_off(filmed: Browser, hall: Hall, size: tuple[int, int]) -> None:
    context, page, _ = opened(filmed, hall, permissions=["camera"])
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for name in ("Tap", "Gamepad", "Webcam"):
        page.get_by_role("button", name="Conduct with").click()
        boxes = [page.get_by_role("menu").bounding_box()]
        page.get_by_role("menuitemradio", name=name).click()
        page.locator(".input-panel").wait_for()
        boxes += [page.locator(".input-panel").bounding_box()]
        boxes += [button.bounding_box() for button in page.get_by_role("button").all() if button.is_visible()]
        for box in boxes:
            assert box is not None
            assert box["x"] >= 0 and box["x"] + box["width"] <= size[0] + 0.5
            assert box["y"] >= 0 and box["y"] + box["height"] <= size[1] + 0.5
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    context.close()
