"""The session and its inputs: swaps are recorded, the count goes on, and the page comes before the podium."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
from conducting import timings
from support import make_score

from tutti.engine.conducting.tapping import TapSource
from tutti.engine.conducting.tracking import TakeSource
from tutti.engine.conducting.virtual_conductor import conduct
from tutti.engine.errors import InputError
from tutti.engine.performance import Performance
from tutti.engine.score import Score
from tutti.studio.inputs.opening import InputChoice, Playhead, open_inputs
from tutti.studio.inputs.rack import Input, InputRack
from tutti.studio.live import LiveSession
from tutti.studio.relay.protocol import NOBODY
from tutti.studio.relay.relay import Control

SCORE = make_score([], measures=6, quarter_bpm=85.0)


@dataclass
class Clock:
    time_s: float = 0.0

    def now_s(self):
        return self.time_s


class Silent:
    """An orchestra that nobody hears."""

    def __getattr__(self, name):
        return lambda *arguments, **named: None


@dataclass
class Recorder(Silent):
    controls: list = field(default_factory=list)

    def write_control(self, control):
        self.controls.append((control.action, control.value, control.who))


@dataclass
class Relay(Silent):
    asked: list = field(default_factory=list)
    held: list = field(default_factory=list)
    alive: bool = True

    def take_controls(self):
        asked, self.asked = self.asked, []
        return asked

    def hold_baton(self, held):
        self.held.append(held)


def session_of(score: Score, local, viewers=None, relay=None):
    recorder = Recorder()
    session = LiveSession(
        clock=Clock(),
        performance=Performance(score),
        placements=(),
        audio=Silent(),
        local=local,
        viewers=viewers,
        relay=relay,
        playhead=Playhead(score),
    )
    session.recorder = recorder
    return session, recorder


def run(session, until_s, before=lambda now_s: None):
    frames = []
    while session.clock.time_s < until_s:
        before(session.clock.time_s)
        frames.append(session.step())
        session.clock.time_s += 0.01
    return frames


def test_taps_go_on_where_the_baton_rested_and_the_swap_is_recorded():
    take = conduct(SCORE, timings(SCORE, np.full(12, 0.7)), seed=2)
    end_s = take.end_s
    taps = TapSource()
    session, recorder = session_of(SCORE, InputRack([Input("mouse", TakeSource(take)), Input("taps", taps)]))
    told = []
    session.on_swap = told.append
    due = [end_s + 1.5 + 0.7 * n for n in range(13)]

    def tap(now_s):
        if due and due[0] <= now_s:
            taps.tap(due.pop(0))

    frames = run(session, end_s + 11.0, tap)
    assert recorder.controls == [("input", "mouse", "podium"), ("input", "taps", "podium")]
    assert told == ["taps conducts"]
    crossed = [crossing.beat_index for frame in frames for crossing in frame.crossings]
    assert crossed == sorted(set(crossed)), "no beat twice"
    assert len(crossed) >= 22
    assert session.playhead.quarter == frames[-1].position.quarter


def test_the_last_input_that_is_lost_gives_the_baton_to_the_page():
    class Broken:
        def poll(self, now_s):
            raise InputError("OSC: the network failed (no route)")

        def close(self):
            pass

    relay = Relay()
    session, _ = session_of(SCORE, InputRack([Input("osc", Broken())]), InputRack([]), relay)
    run(session, 0.05)
    assert session.local is None and relay.held == [False]
    assert session.choose_next_input() == "the page conducts: nothing else is open"


def test_who_holds_the_baton_on_the_page_comes_first():
    page, mouse = (conduct(SCORE, timings(SCORE, np.full(12, 0.7), start_s=s), seed=3) for s in (4.0, 6.0))
    relay = Relay()
    session, _ = session_of(
        SCORE, InputRack([Input("mouse", TakeSource(mouse))]), InputRack([Input("page", TakeSource(page))]), relay
    )
    relay.asked = [Control(3, "Zoë", "baton", target=3)]
    (seen,) = {pose for pose in run(session, 3.0)[-1].poses if pose.device == "baton"}
    assert seen in page.poses
    relay.asked = [Control(NOBODY, "", "baton", target=NOBODY)]
    (seen,) = {pose for pose in run(session, 6.0)[-1].poses if pose.device == "baton"}
    assert seen in mouse.poses


def test_after_the_end_start_begins_again_and_a_stop_is_shown():
    take = conduct(SCORE, timings(SCORE, np.full(24, 0.5)), seed=2)
    session, _ = session_of(SCORE, InputRack([Input("mouse", TakeSource(take))]), None, relay := Relay())
    ended = run(session, take.end_s + 3.0)[-1]
    assert ended.position.state == "ended"
    relay.asked = [Control(3, "Zoë", "start")]
    begun = run(session, take.end_s + 3.2)[-1]
    assert begun.position.state == "waiting" and begun.position.quarter == 0.0
    relay.asked = [Control(3, "Zoë", "stop")]
    assert run(session, take.end_s + 3.4)[-1].position.state == "stopped", "nobody waits for a beat"
    relay.asked = [Control(3, "Zoë", "start")]
    assert run(session, take.end_s + 3.6)[-1].position.state == "waiting"


def test_start_stop_makes_ready_what_does_not_go_on():
    """Space, and the menu's Start: whoever presses it while nothing sounds wants to begin, not to be looked past."""
    take = conduct(SCORE, timings(SCORE, np.full(12, 0.7)), seed=2)
    session, _ = session_of(SCORE, InputRack([Input("mouse", TakeSource(take))]))
    session.start_stop()
    assert run(session, 0.2)[-1].position.state == "waiting"
    assert run(session, 6.0)[-1].position.state == "playing"
    session.start_stop()
    assert run(session, 6.2)[-1].position.state == "stopped"
    session.start_stop()
    assert run(session, 6.4)[-1].position.state != "stopped"


def test_what_was_asked_for_is_opened_or_refused():
    clock, playhead = SimpleNamespace(now_s=lambda: 0.0), Playhead(SCORE)
    opened = open_inputs(InputChoice(osc_port=0, name="osc-taps"), clock, playhead, window=True)
    assert opened.rack is not None
    assert opened.rack.names == ("osc", "osc-taps", "gamepad", "mouse", "taps") and opened.rack.chosen == "osc-taps"
    opened.rack.close()
    assert open_inputs(InputChoice(), clock, playhead).rack is None
    with pytest.raises(InputError, match="input 'midi' is not open; there is gamepad, mouse, taps"):
        open_inputs(InputChoice(name="midi"), clock, playhead, window=True)


def test_the_playhead_tells_the_beats_length():
    playhead = Playhead(make_score([], measures=4, beats_in_measure=2, beat_quarter=1.5))
    assert playhead.beat_quarters() == 1.5
    playhead.quarter = 1e6
    assert playhead.beat_quarters() == 1.5
