"""The hall in the headset: the real OpenVR library and a scripted compositor that looks at what it is given."""

import math
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvr
import pytest
from needs import needs_gcc, needs_gl
from openvr_support import MANIFEST, Script, ScriptedRuntime, still_poses, until

from tutti.engine.clock import SessionClock
from tutti.engine.hall import read_hall
from tutti.engine.interaction.values import Pointer
from tutti.engine.score import Score
from tutti.engine.types import PlayerPlacement, Pose
from tutti.scenes.headset.headset import HeadsetSource
from tutti.scenes.headset.openvr_messages import Stage
from tutti.scenes.view import RESTING

pytestmark = [needs_gcc, needs_gl, pytest.mark.realtime]
AHEAD = (1.0, 0.0, 0.0, 0.0)
SOON_S = 40.0
"""Drawn in software beside other work, a picture may take seconds."""


@pytest.fixture(scope="module")
def stage(score: Score, placements: tuple[PlayerPlacement, ...]) -> Stage:
    return Stage(placements, score, "musikverein")


@pytest.fixture(scope="module")
def runtime(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedRuntime]:
    """One runtime for all pictures of this file; it must have seen no misuse."""
    made = ScriptedRuntime(tmp_path_factory.mktemp("picture"), installation, still_poses(AHEAD))
    made.bind(MANIFEST, "knuckles")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment.items():
            patch.setenv(name, value)
        patch.setenv("LP_NUM_THREADS", "1")
        patch.delenv("DISPLAY", raising=False)
        yield made
    assert (made.state.order_errors, made.state.unknown_calls) == (0, 0), made.state.problem
    made.close()


@pytest.fixture(scope="module")
def clock() -> SessionClock:
    return SessionClock()


@pytest.fixture(scope="module")
def source(runtime: ScriptedRuntime, stage: Stage, clock: SessionClock) -> Iterator[HeadsetSource]:
    opened = HeadsetSource(clock, stage=stage)
    until(lambda: len(opened.poll(clock.now_s())) > 0, SOON_S)
    runtime.image(SOON_S)
    yield opened
    cleanups = runtime.state.cleanups
    opened.close()
    assert runtime.state.cleanups == cleanups + 1, "it left the runtime itself"


def settled(runtime: ScriptedRuntime) -> np.ndarray:
    """A picture that was begun after now: the next but one."""
    runtime.image(SOON_S)
    return runtime.image(SOON_S).astype(float)


def halves(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    middle = image.shape[1] // 2
    return image[:, :middle], image[:, middle:]


def shift(left: np.ndarray, right: np.ndarray, rows: slice, most: int) -> int:
    """By how many pixels the left eye's picture is to the right of the right eye's, in some rows."""
    a, b = left[rows].mean(axis=2), right[rows].mean(axis=2)
    a, b = a - a.mean(), b - b.mean()
    width = a.shape[1]

    def likeness(by: int) -> float:
        mine = a[:, max(0, by) : width + min(0, by)].ravel()
        other = b[:, max(0, -by) : width + min(0, -by)].ravel()
        return float(np.corrcoef(mine, other)[0, 1])

    return max(range(-most, most + 1), key=likeness)


def test_both_eyes_see_the_hall_and_near_things_farther_apart(runtime: ScriptedRuntime, source: HeadsetSource) -> None:
    assert source.shows
    assert source.ready.eye_px == (160, 180), "what the runtime recommends"
    state = runtime.state
    assert state.application == openvr.VRApplication_Scene
    assert state.tracking_space == openvr.TrackingUniverseStanding
    image = settled(runtime)
    assert image.shape == (180, 320, 3)
    left, right = halves(image)
    for eye in (left, right):
        assert 40 < eye.mean() < 200
        assert eye.std() > 25, "a hall, not a colour"
    assert abs(left.mean() - right.mean()) < 15
    assert [tuple(bounds) for bounds in state.bounds] == [(0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0)]
    # the eyes' fields are 0.2 apart of 2.2: what is infinitely far is as many pixels to the right in the left eye
    far = 160 * 0.2 / 2.2
    organ, desk = shift(left, right, slice(20, 60), 40), shift(left, right, slice(150, 180), 60)
    assert far <= organ + 1 <= far + 3, "the organ, 10 m away and more"
    assert desk > organ + 3, "the stand before the conductor"


def test_it_follows_the_head_and_the_performance(
    runtime: ScriptedRuntime, source: HeadsetSource, stage: Stage, clock: SessionClock
) -> None:
    before = settled(runtime)
    samples = runtime.samples_of("head")
    for sample in samples:
        sample.q[:] = (math.cos(0.3), 0.0, math.sin(0.3), 0.0)
    turned = settled(runtime)
    for sample in samples:
        sample.q[:] = (1.0, 0.0, 0.0, 0.0)
    assert np.abs(turned - before).mean() > 20, "turned to the left, other things are seen"
    back = settled(runtime)
    assert np.abs(back - before).mean() < 3
    muted = tuple(replace(player, muted=True) for player in stage.placements)
    source.place(muted)
    source.publish(replace(RESTING, time_s=clock.now_s()))
    until(lambda: np.abs(runtime.image(SOON_S).astype(float) - back).mean() > 2, SOON_S)
    source.place(stage.placements)


def test_another_hall_is_seen_in_the_headset(runtime: ScriptedRuntime, source: HeadsetSource) -> None:
    before = settled(runtime)
    source.enter(read_hall("open-air"))
    try:
        until(lambda: np.abs(runtime.image(SOON_S).astype(float) - before).mean() > 10, SOON_S)
    finally:
        source.enter(read_hall())
    until(lambda: np.abs(runtime.image(SOON_S).astype(float) - before).mean() < 3, SOON_S)


def test_fingers_are_drawn_where_they_are_tracked(runtime: ScriptedRuntime, source: HeadsetSource) -> None:
    for sample in runtime.samples_of("left"):
        sample.p[:] = (-0.12, 1.55, -0.4)
    fixed = settled(runtime)
    runtime.state.skeletons = 1
    open_hand = settled(runtime)
    runtime.state.skeletons = 0
    for sample in runtime.samples_of("left"):
        sample.p[:] = (-0.2, 1.1, -0.3)
    different = np.abs(open_hand - fixed).max(axis=2) > 40
    for half, columns in zip(halves(different[..., None]), (slice(30, 90), slice(0, 80)), strict=True):
        assert 20 < half.sum() < 3000, "a hand of another shape, and nothing else"
        rows = np.nonzero(half.any(axis=(1, 2)))[0]
        assert rows.min() > 60, "below the eyes"
        assert half[:, columns].sum() > 0.8 * half.sum()


def test_the_baton_changes_hands(runtime: ScriptedRuntime, source: HeadsetSource) -> None:
    for device, x in (("left", -0.12), ("baton", 0.12)):
        for sample in runtime.samples_of(device):
            sample.p[:] = (x, 1.55, -0.4)
    usual = settled(runtime)
    source.hold_baton("left")
    try:
        until(lambda: np.abs(runtime.image(SOON_S).astype(float) - usual).max() > 60, SOON_S)
        swapped = settled(runtime)
    finally:
        source.hold_baton("right")
        for device, place in (("left", (-0.2, 1.1, -0.3)), ("baton", (0.2, 1.2, -0.4))):
            for sample in runtime.samples_of(device):
                sample.p[:] = place
    bare = settled(runtime)

    def hands(image: np.ndarray) -> np.ndarray:
        """Where hands are, as the middle between both eyes' fields sees them."""
        left, right = halves(np.abs(image - bare).max(axis=2, keepdims=True) > 30)
        return np.concatenate([left, right], axis=1)[70:, :, 0]

    # each eye sees of the swapped hands what the other, mirrored, saw before
    before, after = hands(usual), hands(swapped)[:, ::-1]
    assert before.sum() > 200
    assert (before & after).sum() > 0.45 * max(before.sum(), after.sum())


def test_eyes_farther_apart_see_more_depth(runtime: ScriptedRuntime, source: HeadsetSource) -> None:
    rows = slice(150, 180)
    before = shift(*halves(settled(runtime)), rows, 60)
    runtime.state.ipd_m = 0.075
    runtime.event(openvr.VREvent_IpdChanged)
    try:
        assert shift(*halves(settled(runtime)), rows, 60) > before
    finally:
        runtime.state.ipd_m = 0.064
        runtime.event(openvr.VREvent_IpdChanged)


def test_here_is_the_podium(runtime: ScriptedRuntime, source: HeadsetSource, clock: SessionClock) -> None:
    """Who stands elsewhere in the room and looks elsewhere steps onto the podium with two clicks."""
    usual = settled(runtime)
    turn = 1.1
    moved = {"head": (1.3, 1.7, 2.0), "baton": (1.3, 1.2, 1.6)}
    for device, place in moved.items():
        for sample in runtime.samples_of(device):
            sample.p[:] = place
            sample.q[:] = (math.cos(turn / 2), 0.0, math.sin(turn / 2), 0.0)
    assert np.abs(settled(runtime) - usual).mean() > 20
    for value in (1.0, 0.0):
        runtime.set_input("/user/hand/right/input/thumbstick/double", value)
        time.sleep(0.3)
    until(lambda: np.abs(runtime.image(SOON_S).astype(float)[:120] - usual[:120]).mean() < 4, SOON_S)

    def newest(device: str) -> Pose:
        found: list[Pose] = []
        until(lambda: bool(found.extend(p for p in source.poll(clock.now_s()) if p.device == device) or found))
        return found[-1]

    source.poll(clock.now_s())
    head, baton = newest("head"), newest("baton")
    assert head.position_m == pytest.approx((0.0, 1.7, 0.0), abs=1e-5)
    assert head.orientation_wxyz == pytest.approx((1.0, 0.0, 0.0, 0.0), abs=1e-5)
    # the baton was 0.4 m before the head as the room has it, and the person looks 63° to the left of that
    assert baton.position_m == pytest.approx((0.4 * math.sin(turn), 1.2, -0.4 * math.cos(turn)), abs=1e-5)
    runtime.event(openvr.VREvent_StandingZeroPoseReset)  # the runtime's own origin is new: ours means nothing any more
    until(lambda: newest("head").position_m == pytest.approx((1.3, 1.7, 2.0), abs=1e-5))
    for device, place in {"head": (0.0, 1.7, 0.0), "baton": (0.2, 1.2, -0.4)}.items():
        for sample in runtime.samples_of(device):
            sample.p[:] = place
            sample.q[:] = AHEAD


def test_controllers_point_into_the_hall(runtime: ScriptedRuntime, source: HeadsetSource, clock: SessionClock) -> None:
    source.poll_pointers(clock.now_s())
    found: list[Pointer] = []

    def told(hand: str, **wanted: bool) -> bool:
        found.extend(source.poll_pointers(clock.now_s()))
        return any(
            pointer.hand == hand and all(getattr(pointer, name) is value for name, value in wanted.items())
            for pointer in found
        )

    for value in (1.0, 0.0):  # a press as short as can be is told all the same
        runtime.set_input("/user/hand/left/input/trigger/click", value)
        time.sleep(0.05)
    until(lambda: told("left", select=True) and told("right", valid=True), SOON_S)
    left = next(pointer for pointer in found if pointer.hand == "left" and pointer.select)
    assert left.origin_m == pytest.approx((-0.2, 0.3, 1.1 + 0.24)), "hall frame, over the podium"
    assert left.direction == pytest.approx((0.0, 1.0, 0.0), abs=1e-6)
    assert left.eye_m == pytest.approx((0.0, 0.0, 1.94))
    assert left.who == "headset"
    assert not any(pointer.select for pointer in found if pointer.hand == "right")


def test_another_program_in_front_is_waited_for(
    runtime: ScriptedRuntime, source: HeadsetSource, caplog: pytest.LogCaptureFixture
) -> None:
    runtime.state.focus = 0
    until(lambda: "does not show the hall (DoNotHaveFocus)" in caplog.text, SOON_S)
    submitted = runtime.state.submits[0]
    runtime.state.focus = 1
    until(lambda: runtime.state.submits[0] > submitted, SOON_S)
    assert source.alive


MISUSE = """
import ctypes
import openvr
from panda3d.core import CardMaker, Texture
from tutti.scenes.display import open_display
openvr.init(openvr.VRApplication_Scene)
compositor, base = openvr.VRCompositor(), open_display("", window=False, size=(8, 8))
pixels = Texture("pixels")
pixels.setup_2d_texture(8, 8, Texture.T_unsigned_byte, Texture.F_rgba8)
pixels.set_ram_image(bytes(256))
card = base.render2d.attach_new_node(CardMaker("card").generate())
card.set_texture(pixels)
base.graphics_engine.render_frame()
refused = []
def submit(eye, name, bounds=(0, 0, 1, 1), kind=openvr.TextureType_OpenGL):
    texture = openvr.Texture_t(ctypes.c_void_p(name), kind, openvr.ColorSpace_Gamma)
    try:
        compositor.submit(eye, texture, openvr.VRTextureBounds_t(*bounds))
    except openvr.OpenVRError as error:
        refused.append(type(error).__name__.removeprefix("CompositorError_"))
poses = (openvr.TrackedDevicePose_t * 64)()
gsg = base.win.gsg
name = pixels.prepare_now(0, gsg.prepared_objects, gsg).get_native_id()
submit(0, name)
compositor.waitGetPoses(poses, None)
submit(0, 99999)
submit(0, name, kind=openvr.TextureType_Vulkan)
submit(0, name, bounds=(0.5, 0, 0.5, 1))
submit(0, name, bounds=(0, 0, 1.5, 1))
submit(0, name)
submit(0, name)
compositor.waitGetPoses(poses, None)
print(*refused)
openvr.shutdown()
"""


def test_the_scripted_compositor_refuses_what_a_real_one_does(script: Script) -> None:
    runtime = script()
    run = subprocess.run([sys.executable, "-c", MISUSE], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [
        "DoNotHaveFocus",  # before anyone waited
        "InvalidTexture",
        "TextureUsesUnsupportedFormat",
        "InvalidBounds",
        "InvalidBounds",
        "AlreadySubmitted",
    ]
    state = runtime.state
    assert list(state.submits) == [1, 0]
    assert state.order_errors == 7, "and a picture of one eye"
    assert state.problem == b"a picture of one eye"
    state.order_errors = 0


PREDICTED = """
import openvr
openvr.init(openvr.VRApplication_Scene)
compositor, poses = openvr.VRCompositor(), (openvr.TrackedDevicePose_t * 64)()
for _ in range(900):
    compositor.waitGetPoses(poses, None)
print(poses[0].mDeviceToAbsoluteTracking[0][3])
openvr.shutdown()
"""


def test_the_scripted_compositor_predicts_on_a_clock_of_its_own(script: Script) -> None:
    """Ten seconds of pictures in none: the clock stands still but for the pictures."""
    moving = [Pose(t, "head", (0.1 * t, 1.7, 0.0), AHEAD) for t in (0.0, 100.0)]  # type: ignore[arg-type]
    runtime = script(moving)
    runtime.state.start_s = runtime.state.manual_now_s = 5.0
    run = subprocess.run([sys.executable, "-c", PREDICTED], capture_output=True, text=True, check=True)
    assert float(run.stdout) == pytest.approx(0.1 * (10.0 + 1 / 90 + runtime.state.photons_s), abs=1e-5)
    assert runtime.state.manual_now_s == pytest.approx(15.0)
