"""Runtimes that translate OpenVR to OpenXR have less than SteamVR: what is missing costs that, and nothing else."""

import logging

import openvr
import pytest
from needs import needs_gcc, needs_gl, needs_x
from openvr_support import (
    HEAD_ONLY,
    LACKS_APPLICATIONS,
    LACKS_BACKGROUND,
    LACKS_COMPOSITOR,
    LACKS_FINGERS,
    LACKS_HAPTICS,
    LACKS_INPUT,
    LACKS_PROPERTIES,
    LACKS_TIPS,
    NEEDS_GLX,
    OLD_COMPOSITOR,
    OLD_SYSTEM,
    POSES_OF_PICTURES,
    Script,
    ScriptedRuntime,
    still_poses,
    until,
)

from tutti.engine.clock import SessionClock
from tutti.engine.errors import HeadsetError
from tutti.engine.interaction.values import Pointer
from tutti.engine.score import Score
from tutti.engine.types import PlayerPlacement, Pose
from tutti.scenes.headset import openvr_interfaces
from tutti.scenes.headset.headset import HeadsetSource
from tutti.scenes.headset.openvr_asking import AGAIN_S, TELL_AFTER_S, Asking
from tutti.scenes.headset.openvr_messages import Press, Stage

pytestmark = [needs_gcc, needs_gl, pytest.mark.realtime]
AHEAD = (1.0, 0.0, 0.0, 0.0)
SOON_S = 60.0
OPENCOMPOSITE = OLD_SYSTEM | OLD_COMPOSITOR | LACKS_TIPS | LACKS_FINGERS | HEAD_ONLY
XRIZER = LACKS_PROPERTIES | LACKS_HAPTICS | LACKS_APPLICATIONS
TRANSLATOR = OPENCOMPOSITE | XRIZER | NEEDS_GLX | POSES_OF_PICTURES | LACKS_BACKGROUND
RIGHT = "/user/hand/right/input/"


@pytest.fixture
def stage(score: Score, placements: tuple[PlayerPlacement, ...]) -> Stage:
    return Stage(placements[:12], score, "musikverein")


def sparse(script: Script, monkeypatch: pytest.MonkeyPatch, lacks: int) -> ScriptedRuntime:
    runtime = script(still_poses(AHEAD))
    runtime.state.lacks = lacks
    runtime.state.eye_width = runtime.state.eye_height = 48
    monkeypatch.setenv("LP_NUM_THREADS", "1")
    monkeypatch.delenv("DISPLAY", raising=False)
    return runtime


def poses_of(source: HeadsetSource, clock: SessionClock) -> dict[str, Pose]:
    """The newest pose of each device, once all three were told of."""
    newest: dict[str, Pose] = {}

    def all_told() -> bool:
        newest.update({pose.device: pose for pose in source.poll(clock.now_s())})
        return len(newest) == 3

    until(all_told, SOON_S)
    return newest


@needs_x
def test_a_translator_to_openxr_shows_the_hall_and_conducts(
    script: Script,
    stage: Stage,
    display: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    runtime = sparse(script, monkeypatch, TRANSLATOR)
    monkeypatch.setenv("DISPLAY", display["DISPLAY"])
    runtime.state.skeletons, runtime.state.actions_away, runtime.state.cant_rad = 1, 5, 0.1
    runtime.state.hidden_triangles = 8
    clock = SessionClock()
    source = HeadsetSource(clock, stage=stage)
    presses: list[Press] = []
    pointers: list[Pointer] = []
    try:
        assert (source.ready.headset, source.ready.display_hz) == ("a headset", 90.0)
        newest = poses_of(source, clock)
        assert newest["baton"].position_m == pytest.approx((0.2, 1.2, -0.4))
        assert newest["head"].position_m == pytest.approx((0.0, 1.7, 0.0))
        until(lambda: runtime.state.actions_away == 0, SOON_S)
        runtime.set_input(RIGHT + "trigger/click", 1.0)
        until(lambda: bool(presses.extend(source.take_presses()) or presses), SOON_S)
        assert (presses[0].button, presses[0].hand) == ("select", "right")
        until(lambda: bool(pointers.extend(source.poll_pointers(clock.now_s())) or pointers[-1].valid), SOON_S)
        image = runtime.image(SOON_S)
        assert image.std() > 25, "a hall, through GLX"
        assert image[:4, :4].max() == image[:4, -4:].max() == 0, "what the lenses hide"
        assert image[:4, 46:50].max() > 0
        source.tick()
        submitted = runtime.state.submits[1]
        until(lambda: runtime.state.submits[1] > submitted + 20, SOON_S)
        assert source.alive
    finally:
        source.close()
    assert runtime.state.cleanups == runtime.state.inits == 1
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == len(set(lines)), lines
    assert sum("does not give the fingers" in line for line in lines) <= 1
    assert not any("pictures were not taken" in line for line in lines)


def test_pictures_without_glx_are_refused_told_once_and_counted(
    script: Script, stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = sparse(script, monkeypatch, NEEDS_GLX)
    clock = SessionClock()
    source = HeadsetSource(clock, stage=stage)
    try:
        poses_of(source, clock)
        until(lambda: "start Tutti with DISPLAY set" in caplog.text, SOON_S)
        waits = runtime.state.waits
        until(lambda: runtime.state.waits > waits + 5, SOON_S)
        assert source.alive
    finally:
        source.close()
    assert runtime.state.submits[0] == 0
    assert caplog.text.count("does not show the hall (InvalidTexture)") == 1
    (line,) = [line for line in caplog.text.splitlines() if "pictures were not taken (last: InvalidTexture)" in line]
    refused, total = (int(word) for word in line.split("headset: ")[1].split() if word.isdigit())
    assert 5 <= refused == total


@pytest.mark.parametrize("code", [102, 105, 999])
def test_a_picture_refused_for_another_reason_ends_nothing(
    script: Script, stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    """Also with a code that a later runtime has and pyopenvr does not know."""
    runtime = sparse(script, monkeypatch, 0)
    runtime.state.submit_result = code
    clock = SessionClock()
    source = HeadsetSource(clock, stage=stage)
    try:
        until(lambda: "does not show the hall" in caplog.text, SOON_S)
        runtime.state.submit_result = 0
        until(lambda: runtime.state.submits[1] > 3, SOON_S)
        assert source.alive
    finally:
        source.close()


def test_without_input_or_a_name_poses_come_by_the_controllers_roles(
    script: Script, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = sparse(script, monkeypatch, LACKS_INPUT | LACKS_APPLICATIONS | OLD_SYSTEM)
    clock = SessionClock()
    source = HeadsetSource(clock)
    try:
        assert poses_of(source, clock)["left"].position_m == pytest.approx((-0.2, 1.1, -0.3))
        runtime.event(openvr.VREvent_Quit)  # the function table of the older version is another
        until(lambda: not source.alive)
    finally:
        source.close()
    assert runtime.state.quits_acknowledged == 1
    assert caplog.text.count("buttons do not work (InterfaceMissing)") == 1
    assert caplog.text.count("under Python's name (InterfaceMissing)") == 1


def test_without_a_compositor_the_headset_conducts(
    script: Script, stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = sparse(script, monkeypatch, LACKS_COMPOSITOR)
    clock = SessionClock()
    source = HeadsetSource(clock, stage=stage)
    try:
        assert not source.shows
        poses_of(source, clock)
    finally:
        source.close()
    assert "has no IVRCompositor_029 or IVRCompositor_028 or IVRCompositor_027" in caplog.text
    assert runtime.state.application == openvr.VRApplication_Background


def test_a_runtime_without_background_applications(
    script: Script, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = sparse(script, monkeypatch, LACKS_BACKGROUND)
    clock = SessionClock()
    with pytest.raises(HeadsetError, match="refuses pose-only applications"):
        HeadsetSource(clock)
    source = HeadsetSource(clock, stage=stage, start_runtime=False)
    try:
        poses_of(source, clock)
    finally:
        source.close()
    assert runtime.state.application == openvr.VRApplication_Scene


def test_ticks_and_fingers_that_are_missing_are_told_of_once(
    script: Script, stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = sparse(script, monkeypatch, LACKS_HAPTICS | LACKS_FINGERS)
    runtime.state.skeletons = 1
    clock = SessionClock()
    source = HeadsetSource(clock, stage=stage)

    def both_told() -> bool:
        source.tick()
        return all(f"does not give {what}" in caplog.text for what in ("ticks", "the fingers"))

    try:
        poses_of(source, clock)
        until(both_told, SOON_S)
        runtime.state.lacks = 0
        until(lambda: bool(source.tick() or runtime.state.haptics), SOON_S)
    finally:
        source.close()
    assert caplog.text.count("does not give ticks") == caplog.text.count("does not give the fingers") == 1


def test_what_is_refused_is_asked_for_again_later_and_told_once() -> None:
    notices: list[str] = []
    asking = Asking(notices)
    calls: list[float] = []

    def refuse(now_s: float) -> str:
        calls.append(now_s)
        raise openvr.error_code.InputError_InvalidSkeleton(7)

    def ask(now_s: float) -> str:
        return asking.ask("fingers", lambda: refuse(now_s), "none", now_s)

    steps = [0.1 * step for step in range(int(10 * (TELL_AFTER_S + 3.0)))]
    assert {ask(now_s) for now_s in steps} == {"none"}
    assert len(calls) == pytest.approx(steps[-1] / AGAIN_S, abs=2)
    assert notices == ["the VR runtime does not give fingers (InvalidSkeleton); the rest goes on"]
    assert asking.ask("fingers", lambda: "five", "none", 100.0) == "five"
    assert asking.ask("thumbs", lambda: {}[3], "none", 0.0) == "none", "a code that pyopenvr does not know"
    assert openvr_interfaces.name_of(KeyError(999)) == "code 999"
