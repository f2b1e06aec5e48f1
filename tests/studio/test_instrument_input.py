"""A learner beside the orchestra: the seat, listening in a thread, the session and its file."""

import time
from pathlib import Path

import numpy as np
import pytest
from performers import RATE_HZ, played, scale

from tutti.engine.accompaniment import Soloist
from tutti.engine.audio.audio_ring import AudioRing
from tutti.engine.clock import SessionClock
from tutti.engine.errors import InputError
from tutti.engine.instruments import catalogue
from tutti.engine.notation.score_cache import open_score
from tutti.engine.notation.score_source import find_score
from tutti.engine.performance import Performance
from tutti.engine.types import HeardNote
from tutti.studio.ensemble_setup import sound_loader
from tutti.studio.instrument_input import (
    Learner,
    LearnerChoice,
    Listener,
    NoteLine,
    instrument_named,
    learner_seat,
    pitch_name,
)
from tutti.studio.live import LiveSession
from tutti.studio.session_file import SessionHeader, SessionRecorder, read_session

pytestmark = pytest.mark.realtime

PIECE = "bach/bwv66.6"


class Played:
    """An audio process's place in a session: keeps who sits where."""

    rate_hz = RATE_HZ

    def __init__(self):
        self.placements = ()

    def submit(self, notes, releases):
        pass

    def listen(self, head):
        pass

    def place(self, placements):
        self.placements = tuple(placements)

    def silence(self):
        pass

    def read_since(self, index):
        return index, np.zeros((0, 2), np.float32)

    def time_of(self, index):
        return index / RATE_HZ

    def close(self):
        pass


class ScriptedPerformer:
    """Notes at given times."""

    def __init__(self, notes):
        self.notes = list(notes)
        self.closed = False

    def poll(self, now_s):
        notes, self.notes = self.notes[:1], self.notes[1:]
        return notes

    def close(self):
        self.closed = True


def test_the_learner_sits_beside_the_podium_and_plays_a_part_of_their_own():
    score = open_score(PIECE)
    seat = learner_seat(LearnerChoice("Trumpet"), (), len(score.parts))
    assert (seat.instrument, seat.part, seat.section) == ("trumpet", len(score.parts), "learner")
    assert np.hypot(*seat.position_m[:2]) < 2.5
    elsewhere = learner_seat(LearnerChoice(place_m=(2.0, 3.0)), (seat,), 4)
    assert elsewhere.player == seat.player + 1 and elsewhere.position_m == (2.0, 3.0, 0.0)
    assert "trumpet" in sound_loader(score, None, ["trumpet"]).args[0]


def test_what_is_wrong_is_one_line():
    with pytest.raises(InputError, match="no instrument is called 'kazoo': there are violin"):
        instrument_named("kazoo")
    with pytest.raises(InputError, match=r"no instrument is called 'Applause'.*tenor, bass$"):
        instrument_named("Applause")
    for text in ("left", "1,2,3", "nan,0", "100,0"):
        with pytest.raises(InputError, match="stage"):
            LearnerChoice.parse_place(text)
    assert LearnerChoice.parse_place("-1.5, 2") == (-1.5, 2.0)


def test_nobody_is_prepared_for_unless_asked():
    assert not LearnerChoice().wanted
    learner = Learner.prepare(LearnerChoice(keyboard="default"), (), 4, RATE_HZ)
    assert learner.ring is None and learner.microphone is None
    learner = Learner.prepare(LearnerChoice(microphone="default", headphones=True), (), 4, RATE_HZ)
    assert learner.microphone.device == "" and learner.microphone.headphones
    assert learner.microphone.player == learner.seat.player
    learner.close()


def test_the_listener_tells_of_howling_and_of_a_lost_microphone(caplog):
    ring = AudioRing.create(RATE_HZ)
    writer = AudioRing.attach(ring.name)
    listener = Listener(ring, catalogue()["violin"], gated=True)
    try:
        for field, says in (("howls", "feedback: the microphone is ducked"), ("lost", "microphone USB was lost")):
            writer.header["device"] = b"USB"
            writer.header[field] += 1
            deadline_s = time.monotonic() + 5.0
            while says not in caplog.text:
                assert time.monotonic() < deadline_s, f"not told: {says}"
                time.sleep(0.01)
        assert len(caplog.records) == 2, "each once"
    finally:
        listener.close()
        writer.close()


@pytest.mark.timeout(60)
def test_the_listener_hears_what_the_audio_process_writes():
    ring = AudioRing.create(RATE_HZ)
    writer = AudioRing.attach(ring.name)
    tones = scale([69, 72, 76, 74], 0.4, 0.7)
    sound = played(tones, 2.2)
    writer.set_clock(0, 100.0)
    listener = Listener(ring, catalogue()["violin"], gated=True)
    notes = []
    try:
        for at in range(0, len(sound), 4800):
            block = sound[at : at + 4800]
            writer.write(np.stack([block, np.zeros_like(block)], axis=1))
            time.sleep(0.02)
        end_s = time.monotonic() + 20
        while sum(note.duration_s is not None for note in notes) < 4 and time.monotonic() < end_s:
            notes += listener.poll(0.0)
            time.sleep(0.01)
    finally:
        listener.close()
        listener.close()
        writer.close()
    ended = [note for note in notes if note.duration_s is not None]
    assert [round(note.pitch) for note in ended] == [69, 72, 76, 74]
    assert [note.onset_s - 100.0 for note in ended] == pytest.approx([tone.onset_s for tone in tones], abs=0.03)


def test_a_session_records_what_a_learner_plays_and_keeps_their_seat(tmp_path: Path):
    score = open_score(PIECE)
    notes = [HeardNote(0, 1.0, None, 69.1, 80, 0.9), HeardNote(0, 1.0, 0.4, 69.05, 82, 0.95)]
    performer, audio, told = ScriptedPerformer(notes), Played(), []
    seat = learner_seat(LearnerChoice(), (), len(score.parts))
    path = tmp_path / "session.mcap"
    header = SessionHeader.of(score, find_score(PIECE), (), "musikverein", 0)
    session = LiveSession(
        clock=SessionClock(),
        performance=Performance(score),
        placements=(),
        audio=audio,
        recorder=SessionRecorder(path, header),
        performers=(performer,),
        beside=(seat,),
        on_heard=told.append,
    )
    for _ in range(2):
        session.step()
    session.place(())
    assert audio.placements == (seat,), "whoever moves the orchestra does not send the learner away"
    session.close()
    assert performer.closed and told == notes
    recorded = read_session(path)
    assert recorded.heard == tuple(notes) and recorded.complete


def test_a_live_orchestra_hears_its_soloist():
    score = open_score(PIECE)
    first = int(score.notes["pitch"][score.notes["part"] == 0][0])
    performer, audio = ScriptedPerformer([HeardNote(0, 0.0, None, float(first), 80, 1.0)]), Played()
    session = LiveSession(
        clock=SessionClock(),
        performance=Performance(score, soloist=Soloist(frozenset([0]))),
        placements=(),
        audio=audio,
        performers=(performer,),
    )
    frames = [session.step() for _ in range(5)]
    session.close()
    assert frames[-1].solo is not None and frames[-1].solo.state != "waiting"
    assert {note.part for frame in frames for note in frame.notes} == {1, 2, 3}, "the first chord without the solo"


def test_one_line_says_how_the_learner_is_heard():
    for headphones, latency_s, said in (
        (True, 0.011, "heard in the hall 31 ms later"),
        (False, 0.011, "say --headphones"),
        (True, 0.0, ""),  # it did not open, and the audio process has said why
    ):
        learner = Learner.prepare(LearnerChoice(microphone="default", headphones=headphones), (), 4, RATE_HZ)
        learner.ring.header["latency_s"] = latency_s
        learner.open(Played(), SessionClock())
        assert said in learner.describe(0.020) and bool(said) == bool(learner.describe(0.020))
        learner.close()


def test_the_terminal_says_what_was_played():
    shown = []
    line = NoteLine(shown.append)
    assert line.summary() == ""
    line.take(HeardNote(0, 0.0, None, 69.12, 80, 1.0))
    line.take(HeardNote(0, 0.0, 0.5, 69.12, 80, 1.0))
    assert shown == ["♪ A4 +12 cents  "]
    assert line.summary() == "You played 1 note, +12 cents in the middle."
    assert [pitch_name(p) for p in (60, 61, 63, 21)] == ["C4", "C♯4", "E♭4", "A0"]
