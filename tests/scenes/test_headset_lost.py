"""A headset whose runtime crashes, hangs or goes while it shows the hall; and how it comes back."""

import logging
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import ClassVar

import openvr
import pytest
from needs import needs_gcc, needs_gl
from openvr_support import CRASH_DRAWING, HANG_DRAWING, Script, ScriptedRuntime, until

from tutti.engine.clock import SessionClock
from tutti.engine.score import Score
from tutti.engine.types import BeatCrossing, Frame, PlayerPlacement
from tutti.scenes.headset import headset
from tutti.scenes.headset.headset import HeadsetSource
from tutti.scenes.headset.openvr_messages import Stage
from tutti.scenes.view import RESTING
from tutti.studio import headset_link
from tutti.studio.headset_link import HeadsetChoice, HeadsetLink

pytestmark = [needs_gcc, needs_gl, pytest.mark.realtime]
SOON_S = 60.0
"""Opening the scene in software beside other work takes its time."""


@pytest.fixture
def stage(score: Score, placements: tuple[PlayerPlacement, ...]) -> Stage:
    return Stage(placements[:12], score, "musikverein")


@pytest.fixture
def clock() -> SessionClock:
    return SessionClock()


def drawn_quickly(script: Script, monkeypatch: pytest.MonkeyPatch) -> ScriptedRuntime:
    runtime = script()
    runtime.state.eye_width = runtime.state.eye_height = 32
    monkeypatch.setenv("LP_NUM_THREADS", "1")
    monkeypatch.delenv("DISPLAY", raising=False)
    return runtime


def test_a_headset_that_crashes_is_found_again_and_shows_the_hall(
    script: Script,
    stage: Stage,
    clock: SessionClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(headset_link, "AGAIN_S", (0.2, 0.5))
    runtime = drawn_quickly(script, monkeypatch)
    link = HeadsetLink(clock, stage, "right", HeadsetChoice(haptics=True))
    try:
        until(lambda: bool(link.poll(clock.now_s())), SOON_S)
        runtime.state.haptics = 0
        link.publish(crossing(clock))
        until(lambda: runtime.state.haptics == 1)
        assert runtime.state.haptic_hand == 2
        runtime.state.fault = CRASH_DRAWING
        until(lambda: not link.present, SOON_S)
        link.publish(replace(RESTING, time_s=clock.now_s()))
        while link.poll(clock.now_s()):
            pass
        assert link.alive, "the studio goes on, and so does the search"
        runtime.state.server_running = 0  # somebody closed it: it is not started behind their back
        runtime.state.fault = 0
        inits = runtime.state.inits
        time.sleep(1.5)
        assert (runtime.state.inits, runtime.state.server_running) == (inits, 0)
        assert not link.present
        runtime.state.server_running = 1
        until(lambda: link.poll(clock.now_s()) != [] and link.present, SOON_S)
        assert runtime.state.application == openvr.VRApplication_Scene
        submitted = runtime.state.submits[1]
        until(lambda: runtime.state.submits[1] > submitted, SOON_S)
    finally:
        link.close()
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(lines) == 1, lines
    assert "signal 11" in lines[0]
    assert "the headset is back" in caplog.text


class Slow:
    """A headset whose process takes its time to leave."""

    made: ClassVar[list["Slow"]] = []

    def __init__(self, *_: object, **__: object) -> None:
        self.alive = True
        self.told: list[object] = []
        self.ready = SimpleNamespace(headset="slow")
        self.made.append(self)

    def close(self) -> None:
        self.alive = False
        time.sleep(0.5)

    def poll(self, now_s: float) -> list[object]:
        return []

    def place(self, placements: object) -> None:
        self.told.append(placements)

    def hold_baton(self, hand: object) -> None:
        self.told.append(hand)


def test_nobody_waits_for_a_lost_headset_and_one_that_is_back_knows_the_news(
    stage: Stage, clock: SessionClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headset_link, "AGAIN_S", (0.05, 0.1))
    monkeypatch.setattr(headset_link, "HeadsetSource", Slow)
    monkeypatch.setattr(Slow, "made", [])
    link = HeadsetLink(clock, stage, "right", HeadsetChoice())
    Slow.made[0].alive = False
    begun_s = time.monotonic()
    link.poll(0.0)
    assert time.monotonic() - begun_s < 0.25
    link.place(stage.placements[:3])
    assert link.swap_hands() == "left"
    until(lambda: link.present)
    assert Slow.made[1].told == [stage.placements[:3], "left"]
    link.close()


def crossing(clock: SessionClock) -> Frame:
    now_s = clock.now_s()
    return replace(RESTING, time_s=now_s, crossings=(BeatCrossing(0, now_s, 0.0, "1", 1, 120.0, now_s, 1.0),))


def test_a_compositor_that_hangs_is_given_up(
    script: Script,
    stage: Stage,
    clock: SessionClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(headset, "PATIENCE_S", 3.0)
    runtime = drawn_quickly(script, monkeypatch)
    source = HeadsetSource(clock, stage=stage)
    try:
        until(lambda: bool(source.poll(clock.now_s())), SOON_S)
        runtime.state.fault = HANG_DRAWING
        until(lambda: not source.alive, SOON_S)
        frames = [replace(RESTING, time_s=clock.now_s()) for _ in range(2000)]
        begun_s = time.process_time()
        for frame in frames:
            source.publish(frame)  # whom nobody listens to does not wait either
        assert time.process_time() - begun_s < 0.5
    finally:
        runtime.state.fault = 0
        source.close()
    assert "stands still" in caplog.text
    assert "shows no pictures any more" in caplog.text
