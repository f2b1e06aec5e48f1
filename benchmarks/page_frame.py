"""What a picture of the page costs its one thread, flat and in a headset (emulated), and how old poses and sound are.

``python benchmarks/page_frame.py`` opens the page in a headless Chromium with 80 players. Times are those of the
page's script in a frame (poses, culling, levels of detail, handing draws to WebGL): what a graphics card would draw
meanwhile is not in them; on a busy machine the lowest tenth tells most. ``--draw`` lets the software renderer draw as
well, which takes the processor from the script; without it WebGL's draw calls do nothing.
"""

import argparse
import math
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright
from relay_demo import Demo, OpenSineTap, session

from tutti.engine.clock import SessionClock
from tutti.engine.types import PlayerPlacement, Pose
from tutti.studio import web_build
from tutti.studio.relay.relay import RelayProcess, RelaySettings

ROOT = Path(web_build.__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
EMULATOR = web_build.WEB / "node_modules" / "iwer" / "build" / "iwer.min.js"
HEADSET = ROOT / "tests" / "studio" / "emulated_headset.js"
FLAGS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--autoplay-policy=no-user-gesture-required",
)
FRAMES = 300
NO_DRAWING = """
    for (const name of ['drawElements', 'drawArrays', 'drawElementsInstanced', 'drawArraysInstanced', 'clear']) {
      WebGL2RenderingContext.prototype[name] = () => undefined;
    }
"""
TIMED = """
    window.tookMs = [];
    const timed = (kind, call) => (...frame) => {
      const began = performance.now();
      call(...frame);
      if (window.timedKind === kind) tookMs.push(performance.now() - began);
    };
    const request = XRSession.prototype.requestAnimationFrame;
    XRSession.prototype.requestAnimationFrame = function (call) { return request.call(this, timed('headset', call)); };
    const plain = window.requestAnimationFrame;
    window.requestAnimationFrame = (call) => plain.call(window, timed('window', call));
"""


def players(count: int) -> tuple[PlayerPlacement, ...]:
    """The demo's orchestra, with more behind until there are ``count``."""
    first = session().placements
    more = [
        replace(first[n % len(first)], player=n, position_m=_behind(first[n % len(first)].position_m))
        for n in range(len(first), count)
    ]
    return (*first, *more)[:count]


def _behind(place_m: tuple[float, float, float]) -> tuple[float, float, float]:
    angle, distance = math.atan2(place_m[0], place_m[1]), math.hypot(place_m[0], place_m[1]) + 0.55
    return (distance * math.sin(angle + 0.06), distance * math.cos(angle + 0.06), place_m[2])


class Hall:
    """A relay with the demo's music, which notes how old the poses are that reach it."""

    def __init__(self, count: int) -> None:
        self.clock = SessionClock()
        self.relay = RelayProcess(
            replace(session(), placements=players(count)), self.clock, RelaySettings(port=0), OpenSineTap(self.clock)
        )
        self.ages_s: list[float] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def _play(self) -> None:
        demo = Demo()
        baton: Pose | None = None
        while not self._end.wait(0.01):
            poses, _ = self.relay.poll()
            now_s = self.clock.now_s()
            self.ages_s += [now_s - pose.time_s for pose in poses if pose.device == "head"]
            baton = next((pose for pose in reversed(poses) if pose.device == "baton"), baton)
            self.relay.publish(demo.step(now_s, baton))

    def close(self) -> None:
        self._end.set()
        self._thread.join(5)
        self.relay.close()


def measure(page: Page, kind: str) -> dict[str, Any]:
    """Times of the next frames, and what was drawn."""
    page.evaluate(f"() => {{ tookMs.length = 0; window.timedKind = '{kind}'; }}")
    deadline_s = time.monotonic() + 60
    while page.evaluate("tookMs.length") < FRAMES and time.monotonic() < deadline_s:
        time.sleep(0.2)
    took_ms = np.array(page.evaluate("tookMs"))
    page.evaluate("window.timedKind = null")
    stage = page.evaluate("tuttiDiagnostics()")["stage"]
    return {
        "low_ms": float(np.percentile(took_ms, 10)),
        "median_ms": float(np.median(took_ms)),
        "p95_ms": float(np.percentile(took_ms, 95)),
        "update_ms": stage["updateMs"],
        "frames": len(took_ms),
        "calls": stage["calls"],
        "triangles": stage["triangles"],
        "players": stage["players"],
    }


def show(name: str, result: dict[str, Any]) -> None:
    print(
        f"{name:24} {result['low_ms']:5.2f} {result['median_ms']:6.2f} {result['p95_ms']:6.2f} ms (10, 50, 95 %)"
        f"   (before WebGL {result['update_ms']:.2f} ms; {result['calls']} calls, {result['triangles']} triangles,"
        f" {result['players']} players, {result['frames']} frames)"
    )


def main() -> None:
    from needs import chromium_path

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--players", type=int, default=80)
    parser.add_argument("--draw", action="store_true", help="let the software renderer draw")
    options = parser.parse_args()
    web_build.install_packages(web_build.find_node(), development=True)
    web_build.build_page()
    hall = Hall(options.players)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
            context = browser.new_context(viewport={"width": 960, "height": 480})
            context.add_init_script(path=EMULATOR)
            context.add_init_script(path=HEADSET)
            context.add_init_script(TIMED if options.draw else TIMED + NO_DRAWING)
            page = context.new_page()
            page.goto(f"{hall.relay.address}?quality=high&view=podium")
            page.wait_for_selector(".cover", state="hidden", timeout=120_000)
            time.sleep(3)
            show("window, from the podium", measure(page, "window"))
            page.evaluate("headset.position.set(0, 1.65, 0)")
            page.get_by_role("button", name="Enter VR").first.click()
            page.wait_for_function("tuttiDiagnostics().input.presenting && tuttiDiagnostics().holding", timeout=60_000)
            time.sleep(2)
            hall.ages_s.clear()
            show("headset, both eyes", measure(page, "headset"))
            ages_ms = 1000 * np.array(hall.ages_s)
            late_ms = 1000 * np.median(
                [
                    page.evaluate("(() => { const d = tuttiDiagnostics(); return d.sessionS - d.heardS; })()")
                    for _ in range(20)
                ]
            )
            print(
                f"a head's pose is {np.median(ages_ms):.0f} ms old (p95 {np.percentile(ages_ms, 95):.0f}) in the studio"
            )
            print(f"sound is heard {late_ms:.0f} ms after it was due there")
            browser.close()
    finally:
        hall.close()


if __name__ == "__main__":
    main()
