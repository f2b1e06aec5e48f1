"""Conducting from a headset: the real OpenVR library, a scripted runtime, and the orchestra."""

import json
import logging
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import openvr
import psutil
import pytest
from needs import needs_gcc
from openvr_support import CRASH, CRASH_IN_INIT, HANG, HANG_IN_INIT, TURN, Script, until, write_registry
from support import make_score

from tutti.assets import asset_path
from tutti.engine.clock import SessionClock
from tutti.engine.conducting.tracking import Take
from tutti.engine.conducting.virtual_conductor import clean_timings, conduct
from tutti.engine.errors import HeadsetError
from tutti.engine.performance import Performance
from tutti.engine.score import Score
from tutti.engine.types import BeatCrossing, Pose
from tutti.scenes.headset import headset
from tutti.scenes.headset.headset import HeadsetSource
from tutti.scenes.headset.openvr_init import explain_init_error, registry_path
from tutti.scenes.headset.openvr_messages import Press
from tutti.scenes.headset.openvr_tracking import STANDING_EYE_M, quaternion_of
from tutti.studio import doctor
from tutti.studio.performance_log import PerformanceLog
from tutti.studio.render import perform_offline

pytestmark = [needs_gcc, pytest.mark.realtime]

MANIFEST = asset_path("openvr", "actions.json")
RIGHT, LEFT = "/user/hand/right/input/", "/user/hand/left/input/"


def waltz() -> Score:
    notes = [(float(quarter), 1.0, 60, 0, 0.6, 0) for quarter in range(12)]
    return make_score(notes, measures=4, beats_in_measure=3, quarter_bpm=120)


def rubato_take(score: Score) -> Take:
    beats = np.arange(len(score.beats) + 1)
    period_s = 0.45 * (1.0 + 0.1 * np.sin(2 * np.pi * beats / 9.0))
    times = 1.0 + np.concatenate([[0.0], np.cumsum(period_s[:-1])])
    take = conduct(score, clean_timings(beats.astype(float), times), seed=1, rate_hz=90.0)
    rest_s = take.end_s - 1.2  # less of the rest at the end, for this take is played in real time
    return Take(tuple(pose for pose in take.poses if pose.time_s < rest_s), take.metadata)


def gather(source: HeadsetSource, clock: SessionClock, for_s: float) -> list[Pose]:
    poses: list[Pose] = []
    end_s = clock.now_s() + for_s
    while clock.now_s() < end_s:
        poses += source.poll(clock.now_s())
        time.sleep(0.01)
    return poses


def crossings(score: Score, take: Take) -> list[BeatCrossing]:
    performance = Performance(score)
    log = PerformanceLog()
    log.extend(perform_offline(performance, take))
    performance.close()
    return log.crossings()


def test_a_take_conducts_the_same_through_the_runtime_as_from_its_file(script: Script) -> None:
    score = waltz()
    take = rubato_take(score)
    runtime = script(list(take.poses))
    clock = SessionClock()
    source = HeadsetSource(clock)
    try:
        begun_s = clock.now_s() + 0.2
        runtime.state.start_s = begun_s + clock.origin_s
        poses = gather(source, clock, take.end_s + 0.3)
    finally:
        source.close()
    assert runtime.state.cleanups == runtime.state.inits == 1
    baton = [pose for pose in poses if pose.device == "baton"]
    stamps = np.array([pose.time_s for pose in baton])
    assert np.all(np.diff(stamps) > 0.0)
    assert np.median(np.diff(stamps)) < 1 / 50, "often, even on a busy machine; 250 times a second on an idle one"
    from_file = crossings(score, take)
    from_headset = crossings(score, Take(tuple(poses), take.metadata))
    assert [beat.beat_index for beat in from_headset] == list(range(12)) == [beat.beat_index for beat in from_file]
    late_s = np.array([a.time_s - begun_s - b.time_s for a, b in zip(from_headset, from_file, strict=True)])
    assert np.abs(late_s).max() < 0.05, late_s
    assert np.abs(np.median(late_s)) < 0.015, late_s


def test_devices_stamps_and_turns(script: Script) -> None:
    runtime = script()
    clock = SessionClock()
    source = HeadsetSource(clock)
    try:
        assert source.alive
        assert source.ready.headset == "Scripted headset"
        assert source.ready.rate_hz >= source.ready.display_hz == 90.0
        before_s = clock.now_s()
        poses = gather(source, clock, 0.5)
    finally:
        source.close()
    newest = {pose.device: pose for pose in poses}
    assert newest["baton"].position_m == pytest.approx((0.2, 1.2, -0.4))
    assert newest["left"].position_m == pytest.approx((-0.2, 1.1, -0.3))
    assert newest["head"].position_m == pytest.approx((0.0, 1.7, 0.0))
    assert newest["head"].orientation_wxyz == pytest.approx(TURN, abs=1e-6)
    assert before_s < newest["head"].time_s <= clock.now_s()
    assert all(pose.valid for pose in poses)
    resting = [pose for pose in poses if pose.device == "baton"]
    assert 4 <= len(resting) <= 20, "a hand at rest is told again and again, but not at the full rate"
    assert runtime.state.application == openvr.VRApplication_Background
    assert Path(runtime.state.manifest.decode()).samefile(MANIFEST)
    application = json.loads((MANIFEST.parent / "tutti.vrmanifest").read_text())["applications"][0]
    assert runtime.state.application_key.decode() == application["app_key"]
    assert application["action_manifest_path"] == MANIFEST.name
    assert not source.alive
    assert source.poll(clock.now_s()) == []


def test_hands_change_places(script: Script) -> None:
    runtime = script()
    runtime.set_input(LEFT + "trigger/pull", 0.25)
    runtime.set_input(RIGHT + "trigger/pull", 0.75)
    clock = SessionClock()
    source = HeadsetSource(clock, baton_hand="left")
    try:
        newest = {pose.device: pose for pose in gather(source, clock, 0.3)}
        assert newest["baton"].position_m[0] == pytest.approx(-0.2)
        assert newest["left"].position_m[0] == pytest.approx(0.2)
        until(lambda: source.dynamics == pytest.approx(0.75))
        source.hold_baton("right")
        until(lambda: source.dynamics == pytest.approx(0.25))
        source.poll(clock.now_s())
        newest = {pose.device: pose for pose in gather(source, clock, 0.3)}
        assert newest["baton"].position_m[0] == pytest.approx(0.2)
    finally:
        source.close()


def test_a_seated_conductor_looks_over_the_podium_like_one_who_stands(script: Script) -> None:
    head = [Pose(t, "head", (0.0, 0.05, 0.0), TURN) for t in (0.0, 3600.0)]  # type: ignore[list-item]
    script(head)
    clock = SessionClock()
    source = HeadsetSource(clock, seated=True)
    try:
        poses = gather(source, clock, 0.3)
    finally:
        source.close()
    assert {pose.device for pose in poses} == {"head"}, "controllers that never were are not told of"
    assert poses[-1].position_m[1] == pytest.approx(STANDING_EYE_M + 0.05)


def test_lost_tracking_and_a_controller_that_sleeps(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    runtime = script()
    clock = SessionClock()
    source = HeadsetSource(clock)

    def baton(wanted: bool) -> Pose:
        found: list[Pose] = []

        def came() -> bool:
            found.extend(p for p in source.poll(clock.now_s()) if p.device == "baton" and p.valid is wanted)
            return bool(found)

        until(came)
        return found[-1]

    try:
        baton(True)
        runtime.track("baton", False)
        lost = baton(False)
        assert lost.position_m == pytest.approx((0.2, 1.2, -0.4)), "where it was last seen"
        runtime.track("baton", True)
        baton(True)
        runtime.connect("baton", False)
        runtime.event(openvr.VREvent_TrackedDeviceDeactivated, 2)
        baton(False)
        until(lambda: "press a button on it" in caplog.text)
        runtime.connect("baton", True)
        runtime.event(openvr.VREvent_TrackedDeviceActivated, 2)
        assert baton(True).position_m == pytest.approx((0.2, 1.2, -0.4))
        assert source.alive
    finally:
        source.close()


@pytest.mark.parametrize(
    ("controller", "grip"),
    [("knuckles", "grip/grab"), ("oculus_touch", "grip/click"), ("vive_controller", "grip/click")],
)
def test_buttons_triggers_and_ticks_through_the_bindings(script: Script, controller: str, grip: str) -> None:
    runtime = script(controller=controller)
    clock = SessionClock()
    source = HeadsetSource(clock)
    presses: list[Press] = []

    def has(count: int) -> bool:
        presses.extend(source.take_presses())
        return len(presses) >= count

    try:
        runtime.set_input(RIGHT + "trigger/click", 1.0)
        until(lambda: has(1))
        runtime.set_input(RIGHT + "trigger/click", 0.0)
        until(lambda: has(2))
        runtime.set_input(LEFT + grip, 1.0)
        until(lambda: has(3))
        runtime.set_input(LEFT + "trigger/pull", 0.5)
        until(lambda: source.dynamics == pytest.approx(0.5))
        source.tick(0.4, 0.03)
        until(lambda: runtime.state.haptics == 1)
    finally:
        source.close()
    assert [(p.button, p.hand, p.pressed) for p in presses] == [
        ("select", "right", True),
        ("select", "right", False),
        ("grab", "left", True),
    ]
    assert presses[0].time_s < presses[1].time_s <= clock.now_s()
    state = runtime.state
    assert (state.haptic_hand, state.haptic_amplitude, state.haptic_duration_s) == pytest.approx((2, 0.4, 0.03))


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_runtime_that_closes_is_thanked_and_left(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    runtime = script()
    source = HeadsetSource(SessionClock())
    runtime.event(openvr.VREvent_Quit)
    until(lambda: not source.alive)
    until(lambda: runtime.state.cleanups == 1)
    source.close()
    assert runtime.state.quits_acknowledged == 1
    assert len(errors(caplog)) == 1
    assert "closing" in errors(caplog)[0]


def test_a_runtime_that_crashes_is_told_once(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    runtime = script()
    clock = SessionClock()
    source = HeadsetSource(clock)
    gather(source, clock, 0.1)
    runtime.state.fault = CRASH
    until(lambda: not source.alive)
    source.poll(clock.now_s())
    time.sleep(0.1)
    assert source.poll(clock.now_s()) == []
    source.tick()
    source.hold_baton("left")
    source.close()
    source.close()
    assert len(errors(caplog)) == 1
    assert "signal 11" in errors(caplog)[0]


def test_a_process_that_is_killed_is_told_once(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    script()
    source = HeadsetSource(SessionClock())
    assert source.pid is not None
    os.kill(source.pid, 9)
    until(lambda: not source.alive)
    source.close()
    assert len(errors(caplog)) == 1
    assert "signal 9" in errors(caplog)[0]


def test_a_runtime_that_hangs_is_given_up(
    script: Script, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headset, "SILENT_S", 1.0)
    monkeypatch.setattr(headset, "PATIENCE_S", 2.0)
    runtime = script()
    source = HeadsetSource(SessionClock())
    runtime.state.fault = HANG
    until(lambda: not source.alive)
    assert "hangs" in errors(caplog)[0]
    source.close()


def test_a_runtime_that_crashes_at_the_start_is_one_line(script: Script) -> None:
    script().state.fault = CRASH_IN_INIT
    with pytest.raises(HeadsetError, match=r"^the VR runtime crashed while it started \(signal 11\): restart SteamVR$"):
        HeadsetSource(SessionClock())


def test_a_runtime_that_hangs_at_the_start_is_one_line(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headset, "START_S", 1.5)
    runtime = script()
    runtime.state.fault = HANG_IN_INIT
    with pytest.raises(HeadsetError, match=r"^the VR runtime did not start within 2 s: restart SteamVR$"):
        HeadsetSource(SessionClock())


def test_without_actions_the_poses_still_come(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    runtime = script()
    runtime.state.action_count = 0
    clock = SessionClock()
    source = HeadsetSource(clock)
    try:
        newest = {pose.device: pose for pose in gather(source, clock, 0.3)}
        source.tick()
    finally:
        source.close()
    assert newest["baton"].position_m == pytest.approx((0.2, 1.2, -0.4)), "found by the controller's role"
    assert "buttons do not work" in caplog.text


KILLED = """
import os
from tutti.engine.clock import SessionClock
from tutti.scenes.headset.headset import HeadsetSource
if __name__ == "__main__":
    print(HeadsetSource(SessionClock()).pid, flush=True)
    os.kill(os.getpid(), 9)
"""


def test_the_process_leaves_the_runtime_when_the_studio_is_killed(script: Script, tmp_path: Path) -> None:
    runtime = script()
    program = tmp_path / "killed.py"
    program.write_text(KILLED)
    run = subprocess.run([sys.executable, str(program)], stdout=subprocess.PIPE, text=True, check=False)
    assert run.returncode == -9
    pid = int(run.stdout)
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    assert runtime.state.cleanups == 1


MISUSE = """
import openvr
openvr.init(openvr.VRApplication_Background)
system, actions = openvr.VRSystem(), openvr.VRInput()
refused = []
def attempt(call, *arguments):
    try:
        call(*arguments)
    except openvr.OpenVRError as error:
        refused.append(type(error).__name__)
attempt(actions.getActionHandle, "/actions/conduct/in/cue")
attempt(actions.updateActionState, (openvr.VRActiveActionSet_t * 1)())
attempt(actions.getDigitalActionData, 0x100, 0)
system.acknowledgeQuit_Exiting()
system.isInputAvailable()
openvr.shutdown()
print(len(refused))
"""


def test_the_scripted_runtime_refuses_what_a_real_one_does(script: Script) -> None:
    runtime = script()
    run = subprocess.run([sys.executable, "-c", MISUSE], capture_output=True, text=True, check=True)
    assert run.stdout == "3\n"
    assert runtime.state.order_errors >= 3
    assert runtime.state.unknown_calls == 1
    assert runtime.state.problem.decode() == "IVRSystem.isInputAvailable"
    runtime.state.order_errors = runtime.state.unknown_calls = 0


def test_no_runtime_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VR_PATHREG_OVERRIDE", str(tmp_path / "none.vrpath"))
    with pytest.raises(HeadsetError, match=r"^no VR runtime is installed: install SteamVR[^\n]*110\)$"):
        HeadsetSource(SessionClock())
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", ""), "OpenVR's own line is not shown"


def test_the_registry_is_where_openvr_looks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("VR_PATHREG_OVERRIDE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert not openvr.isRuntimeInstalled()
    assert str(registry_path()) in capfd.readouterr().err, "OpenVR names the file that it misses"


def test_the_doctor_sees_runtime_and_headset(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = script()
    assert (doctor._headset().works, doctor._headset().detail) == (True, "runtime and headset")
    runtime.state.hmd_present = 0
    assert (doctor._headset().works, doctor._headset().detail) == (False, "runtime, no headset")
    monkeypatch.setenv("VR_PATHREG_OVERRIDE", str(tmp_path / "none.vrpath"))
    assert doctor._headset().detail == "no runtime"


def test_no_headset_is_one_line(script: Script) -> None:
    runtime = script()
    runtime.state.hmd_present = 0
    with pytest.raises(HeadsetError, match=r"^no headset is connected: connect it[^\n]*108\)$"):
        HeadsetSource(SessionClock())


def test_steamvr_is_started_where_it_does_not_run_but_a_headset_is_there(script: Script) -> None:
    runtime = script()
    runtime.state.server_running = 0
    source = HeadsetSource(SessionClock())
    source.close()
    assert runtime.state.application == openvr.VRApplication_Overlay
    assert runtime.state.cleanups == 1


EVERY_ERROR = """
import ctypes, json, sys
from openvr_support import State
import mmap, os
import openvr
from tutti.engine.errors import HeadsetError
from tutti.scenes.headset.openvr_init import start_runtime
with open(os.environ["TUTTI_SCRIPTED_VR"], "r+b") as file:
    state = State.from_buffer(mmap.mmap(file.fileno(), 0))
lines = {}
for code in json.loads(sys.argv[1]):
    state.init_result = code
    try:
        start_runtime()
    except HeadsetError as error:
        lines[code] = str(error)
print(json.dumps(lines))
"""


def test_every_init_error_of_the_runtime_is_one_line(script: Script) -> None:
    runtime = script()
    table = openvr.error_code.InitError.error_index
    codes = [code for code, kind in table.items() if kind.is_error]
    later = 99_999
    assert len(codes) > 200
    assert later not in table
    run = subprocess.run(
        [sys.executable, "-c", EVERY_ERROR, json.dumps([*codes, later])],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        check=True,
    )
    runtime.state.init_result = 0
    lines = {int(code): line for code, line in json.loads(run.stdout).items()}
    assert set(lines) == {*codes, later}
    for code, line in lines.items():
        assert re.fullmatch(r"[^\n]{10,120}: [^\n]{5,120} \(OpenVR \w+, \d+\)", line), line
        assert line.endswith(f", {code})")
    assert "no headset" in lines[108]
    assert "update SteamVR" in lines[105]


def test_a_broken_installation_is_one_line(tmp_path: Path, installation: Path) -> None:
    """The faults that OpenVR's own loader finds: registry without runtime, without library, with another library."""
    missing, empty, wrong = (tmp_path / name for name in ("missing", "empty", "wrong"))
    (empty / "bin" / "linux64").mkdir(parents=True)
    (wrong / "bin" / "linux64").mkdir(parents=True)
    source = wrong / "wrong.c"
    source.write_text("int nothing(void) { return 0; }\n")
    subprocess.run(["gcc", "-shared", "-o", wrong / "bin" / "linux64" / "vrclient.so", source], check=True)
    code = (
        "from tutti.scenes.headset.openvr_init import start_runtime\n"
        "from tutti.engine.errors import HeadsetError\n"
        "try: start_runtime()\n"
        "except HeadsetError as error: print(error)"
    )
    for folder in (missing, empty, wrong):
        registry = tmp_path / f"{folder.name}.vrpath"
        write_registry(registry, folder)
        env = {**os.environ, "VR_PATHREG_OVERRIDE": str(registry)}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
        assert re.fullmatch(r"the VR runtime's [^\n]+: install SteamVR again \(OpenVR Init_\w+, 10\d\)\n", run.stdout)


def test_an_unknown_error_is_explained_by_its_kind() -> None:
    assert explain_init_error("Driver_Something", 299).startswith("the headset's driver failed: reconnect")
    assert explain_init_error("Other_Thing", 7777).endswith("(OpenVR Other_Thing, 7777)")


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.6, 0.0, 0.8)])
@pytest.mark.parametrize("angle", [0.0, 0.4, 1.7, math.pi, -2.5])
def test_quaternions_of_matrices(axis: tuple[float, float, float], angle: float) -> None:
    (x, y, z), s, c = axis, math.sin(angle), math.cos(angle)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(3) + s * cross + (1 - c) * cross @ cross  # Rodrigues
    found = np.array(quaternion_of(np.hstack([turn, [[9], [9], [9]]]).ravel().tolist()))
    wanted = np.array([math.cos(angle / 2), *(math.sin(angle / 2) * np.array(axis))])
    assert np.abs(found @ wanted) == pytest.approx(1.0)
    assert np.linalg.norm(found) == pytest.approx(1.0)
