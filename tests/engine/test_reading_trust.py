"""A hand that the network cannot read: it is not believed then, and the strokes count themselves."""

from dataclasses import replace

import numpy as np
import pytest
from conducting import follow, timings
from support import make_score

from tutti.engine.conducting import gesture_reader
from tutti.engine.conducting.beat_figures import Style
from tutti.engine.conducting.ictus import IctusDetector
from tutti.engine.conducting.reading_trust import ReadingTrust
from tutti.engine.conducting.tempo import TempoTracker
from tutti.engine.conducting.virtual_conductor import conduct

SCORE = make_score([], measures=16, beats_in_measure=4, quarter_bpm=80.0)


def test_what_is_read_is_believed_until_plain_strokes_go_unread():
    trust = ReadingTrust()
    assert trust.believed and trust.probability(0.9) == pytest.approx(0.9, abs=0.1)
    trust.unread()
    trust.unread()
    assert not trust.believed
    assert trust.probability(0.02) > 0.3
    assert trust.blend(1.0, 5.0) > 4.0
    for _ in range(12):
        trust.decided(0.95, beat=True)
    assert trust.believed


def test_passing_over_says_nothing_of_the_hand():
    trust = ReadingTrust()
    before = trust.part
    for _ in range(50):
        trust.decided(0.9, beat=False)
    assert trust.part == before


@pytest.fixture
def blind(monkeypatch):
    """A network that reads nothing of any hand."""
    read = gesture_reader.GestureReader._read
    never = np.zeros(len(gesture_reader.UNTIL_MIDDLES_S), np.float32)
    never[-1] = 1.0

    def nothing(self, time_s, frame):
        return replace(read(self, time_s, frame), ictus=0.001, until=never, beating=0.1)

    monkeypatch.setattr(gesture_reader.GestureReader, "_read", nothing)


@pytest.mark.usefixtures("blind")
def test_an_orchestra_that_reads_nothing_begins_with_even_strokes_and_follows_them():
    style = Style(lag=0.3, jitter_s=0.005, sway_m=0.005)
    periods_s = np.full(64, 0.75) * np.linspace(1.0, 0.8, 64)
    take = conduct(SCORE, timings(SCORE, periods_s), seed=4, rate_hz=90.0, style=style)
    run = follow(SCORE, take.of("baton"))
    music_s = np.cumsum(periods_s)
    steps_s = np.diff([crossing.time_s for crossing in run.crossings])
    assert len(run.crossings) >= 58, "five strokes begin; none is lost after"
    assert steps_s[8:] == pytest.approx(np.diff(music_s)[-len(steps_s) :][8:], rel=0.2)
    assert np.median(np.abs(steps_s[8:] / np.diff(music_s)[-len(steps_s) :][8:] - 1.0)) < 0.05


@pytest.mark.usefixtures("blind")
def test_a_few_movements_do_not_begin():
    style = Style(lag=0.3, jitter_s=0.005, sway_m=0.005)
    take = conduct(SCORE, timings(SCORE, np.full(64, 0.75)), seed=4, rate_hz=90.0, style=style)
    three_beats = [pose for pose in take.of("baton") if pose.time_s < 6.0]
    assert not follow(SCORE, three_beats).crossings


@pytest.mark.usefixtures("blind")
def test_a_hand_that_takes_the_baton_is_believed_again():
    style = Style(lag=0.3, jitter_s=0.005, sway_m=0.005)
    take = conduct(SCORE, timings(SCORE, np.full(64, 0.75)), seed=4, rate_hz=90.0, style=style)
    ictus, tempo = IctusDetector(), TempoTracker(SCORE)
    for pose in take.of("baton"):
        if pose.time_s < 18.0:
            tempo.step(pose, ictus.step(pose, tempo.estimate))
    assert tempo._trust.part < 0.2
    tempo.take_baton()
    assert tempo._trust.part > 0.8
