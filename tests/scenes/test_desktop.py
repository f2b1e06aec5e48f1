"""A real window on a real (virtual) X server, moved over with a real mouse."""

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from display_support import xdotool
from needs import needs_gl, needs_x
from PIL import ImageGrab

pytestmark = [needs_gl, needs_x, pytest.mark.realtime]

PROGRAM = """
import json, sys, time
from pathlib import Path
from tutti.engine.conducting.tapping import TapSource
from tutti.engine.conducting.tracking import PointerSource
from tutti.engine.types import Dynamics, Frame, PlayerPlacement, ScorePosition
from tutti.scenes.desktop import Desktop, DesktopActions
from tutti.scenes.view import StageView

origin = time.perf_counter()
now_s = lambda: time.perf_counter() - origin
pointer, poses, calls, frames = PointerSource(), [], [], [0]

def step():
    now = now_s()
    poses.extend(pointer.poll(now))
    frames[0] += 1
    if frames[0] == 3:  # the first frames compile shaders; a mouse that moves meanwhile moves over no window yet
        print("READY", flush=True)
    position = ScorePosition(now, now, now, 1.0, 60.0, "7", 2.0, "playing")
    return Frame(frames[0], now, position, None, Dynamics(now, 0.5, 0.0), poses=tuple(poses[-1:]))

placements = [PlayerPlacement(0, 0, "violins-1", "violin", (-1.5, 2.0, 0.0), 216.0, 0)]
view = StageView(placements, ["Violin"], "Prelude", window=True, size=(640, 360), camera="podium")
actions = DesktopActions(
    step, now_s, lambda: calls.append("start_stop"), lambda: calls.append("restart"),
    lambda change: calls.append("louder" if change > 0 else "softer"),
    next_input=lambda: calls.append("next input") or "taps conduct",
    space_taps=lambda: "next input" in calls,
)
taps = TapSource()
desktop = Desktop(
    view, pointer, actions, "Prelude", Path(sys.argv[1]), gamepad=PointerSource(), taps=taps
)
desktop.run()
print(json.dumps({
    "poses": [[pose.time_s, *pose.position_m] for pose in poses],
    "calls": calls, "taps": taps.taps, "frames": frames[0], "camera": view.camera,
}))
"""


def wait_for(path: Path, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not appear"
        time.sleep(0.1)


def test_mouse_conducts_and_keys_command(display: dict[str, str], tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], env=display, stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    try:
        assert program.stdout.readline().strip() == "READY"
        # the window opens in the middle of the screen or at its corner: the middle of the screen is inside either way
        xdotool(display, "mousemove", "300", "150")
        time.sleep(1.0)
        for _ in range(2):
            for y in [*range(150, 250, 5), *range(250, 150, -5)]:
                xdotool(display, "mousemove", "300", str(y))
        for key in ("space", "r", "plus", "minus", "c", "t", "i", "space"):
            xdotool(display, "key", key)
            time.sleep(0.3)
        xdotool(display, "click", "1")
        xdotool(display, "key", "p")
        wait_for(tmp_path / "tutti-001.png")
        seen = np.asarray(ImageGrab.grab(xdisplay=display["DISPLAY"]).convert("L"))
        assert seen.std() > 10, "what is drawn is on the screen, not only in the buffer"
        xdotool(display, "key", "Escape")
        output, _ = program.communicate(timeout=60)
    finally:
        program.kill()
    said = json.loads(output.splitlines()[-1])
    assert program.returncode == 0
    assert said["calls"] == ["start_stop", "restart", "louder", "softer", "next input"]
    assert said["taps"] == 3, "T, the space bar once taps conduct, and a click"
    assert said["camera"] != "podium"
    assert said["frames"] > 5
    times = [pose[0] for pose in said["poses"]]
    heights = [pose[2] for pose in said["poses"]]
    assert times == sorted(times) and len(set(times)) == len(times)
    # two strokes down and up, however slowly the window draws
    moving = [height for height, before in zip(heights, [math.nan, *heights], strict=False) if height != before]
    turns = [b for a, b, c in zip(moving, moving[1:], moving[2:], strict=False) if (b - a) * (c - b) < 0]
    assert len(heights) > 30 and max(heights) - min(heights) > 0.1
    assert len(turns) >= 3


def test_without_a_screen_one_line_says_so(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("other systems always have a screen")
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "SceneError: no window can be opened" in done.stderr.splitlines()[-1]


def test_a_dead_display_is_refused_in_one_line(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("X11 only")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env={**os.environ, "DISPLAY": ":4711"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "SceneError: no window can be opened" in done.stderr.splitlines()[-1]
