"""What viewers are told of the music while it plays: chords and why, an AI's surprising notes, the soloist's place."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from ai_support import write_small
from support import make_score

from tutti.engine.accompaniment import Soloist
from tutti.engine.score import Score
from tutti.engine.types import (
    BeatCrossing,
    Dynamics,
    FollowState,
    Frame,
    HeardNote,
    NoteEvent,
    ScoreNote,
    ScorePosition,
    SoloPosition,
)
from tutti.models.part.runtime import PartModel
from tutti.models.score_shapes import all_notes
from tutti.studio.ai.commentary import Commentary, comment_on
from tutti.studio.ai.commenting import BARS_AHEAD, BARS_BEFORE, CommentaryPlan, Commentator
from tutti.studio.relay.protocol import decode_server, encode_server
from tutti.studio.relay.protocol_commentary import Harmony, Solo, Surprises

CADENCE = ((60, 64, 67, 72), (65, 69, 72, 77), (67, 71, 74, 79), (60, 64, 67, 72))
PERIOD_S = 0.5


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("weights") / "small.safetensors")


def chords(measures: int = 4) -> Score:
    """I–IV–V–I in each bar, four parts; the highest is part 3."""
    rows = [
        (float(4 * bar + beat), 1.0, pitch, part, 0.5, 0)
        for bar in range(measures)
        for beat, chord in enumerate(CADENCE)
        for part, pitch in enumerate(chord)
    ]
    return make_score(rows, measures=measures, instruments=("cello", "viola", "violin", "violin"))


def notes_of(score: Score, parts: Sequence[int]) -> list[ScoreNote]:
    return [replace(note, source="ai:small") for note in all_notes(score) if note.part in parts]


def test_a_written_score_is_told_ahead_and_only_where_the_bar_changes() -> None:
    commentator = Commentator(chords(16), CommentaryPlan())
    (first,) = commentator.at(0.0)
    assert isinstance(first, Harmony) and first.to_quarter == 4 * (1 + BARS_AHEAD)
    assert [chord.numeral for chord in first.chords[:4]] == ["I", "IV", "V", "I"]
    assert {chord.key for chord in first.chords} == {"C major"}
    assert all(chord.why and "IV:" not in chord.why for chord in first.chords)
    assert commentator.at(1.0) == []
    (later,) = commentator.at(40.0)
    assert isinstance(later, Harmony) and later.from_quarter == 40.0 - 4 * BARS_BEFORE
    assert later.chords[0].end_quarter > later.from_quarter >= later.chords[0].quarter, "what sounds there began before"
    assert (later.chords[1].measure, later.chords[1].beat, later.chords[1].numeral) == ("9", 2, "IV")


def test_what_an_ai_plays_is_told_beat_by_beat_when_it_was_heard(weights: Path) -> None:
    """Its written notes do not count: here it plays something else."""
    score = chords()
    plan = CommentaryPlan(frozenset({0, 1, 2}), "ai:small, seed 3")
    commentator = Commentator(score, plan, PartModel.load(weights))
    for beat in range(9):
        moved = [
            replace(note, pitch=note.pitch + 3) for note in notes_of(score, (0, 1, 2)) if note.onset_quarter == beat - 1
        ]
        commentator.hear(moved)
        told = commentator.at(float(beat))
        harmonies = [one for one in told if isinstance(one, Harmony)]
        assert bool(harmonies) == (beat > 0), "nothing is told before it was heard"
        for harmony in harmonies:
            assert harmony.to_quarter == beat and all(chord.quarter < beat for chord in harmony.chords)
        surprises = [one for one in told if isinstance(one, Surprises)]
        assert bool(surprises) == (beat in (4, 8)), "told when the bar is over"
        for bar in surprises:
            assert bar.measure == str(beat // 4) and bar.author == "ai:small, seed 3"
            assert len(bar.notes) == 12 and all(beat - 4 <= note.quarter < beat for note in bar.notes)
            assert {note.pitch for note in bar.notes if note.quarter == beat - 4} == {63, 67, 70}
            explained = [note for note in bar.notes if note.because]
            boldest = sorted(bar.notes, key=lambda note: -note.nats)[:2]
            assert set(explained) <= set(boldest)
            for note in explained:
                assert all(note.quarter - 2.0 <= one.quarter <= note.quarter for one in note.because)
            assert decode_server(encode_server(bar)).notes[0].pitch == bar.notes[0].pitch  # type: ignore[union-attr]


def test_where_the_music_goes_back_what_was_heard_there_is_forgotten(weights: Path) -> None:
    score = chords()
    commentator = Commentator(score, CommentaryPlan(frozenset({3}), "x"), PartModel.load(weights))
    commentator.hear(notes_of(score, (3,)))
    for beat in range(9):
        commentator.at(float(beat))
    commentator.at(0.0)
    told = [one for beat in range(1, 9) for one in commentator.at(float(beat))]
    assert not [one for one in told if isinstance(one, Surprises)], "the AI plays nothing this time"
    assert [one for one in told if isinstance(one, Harmony)], "the others do"


def frame(
    index: int, state: FollowState = "playing", notes: Sequence[NoteEvent] = (), solo: SoloPosition | None = None
) -> Frame:
    """At quarter ``index``, whose beat is crossed."""
    at_s = index * PERIOD_S
    position = ScorePosition(at_s, index, index, 1 / PERIOD_S, 60 / PERIOD_S, str(index // 4 + 1), index % 4 + 1, state)
    crossing = BeatCrossing(at_s, index, index, str(index // 4 + 1), index % 4 + 1, 120.0, None, 1.0)
    return Frame(index, at_s, position, None, Dynamics(at_s, 0.5, 0.0), (), (crossing,), tuple(notes), solo=solo)


def event(note: ScoreNote, number: int) -> NoteEvent:
    at_s = note.onset_quarter * PERIOD_S
    return NoteEvent(
        number, note.part, at_s, 0.9 * PERIOD_S, note.pitch, 70, "sustain", note.onset_quarter, source=note.source
    )


def test_a_process_of_its_own_thinks_while_the_session_goes_on(weights: Path) -> None:
    """An AI's notes and a learner's, told by frames; the last bar when the music is over."""
    score = chords(2)
    commentary = Commentary(score, CommentaryPlan(frozenset({0, 1}), "ai:small", listens=True), weights)
    try:
        told, slowest_s = [], 0.0
        learner = HeardNote(1, 0.0, 1.0, 79.1, 80, 1.0)
        for index in range(9):
            played = [event(note, n) for n, note in enumerate(notes_of(score, (0, 1))) if note.onset_quarter == index]
            began_s = time.process_time()
            told += commentary.follow(
                frame(index, "ended" if index == 8 else "playing", played), [learner] if index == 2 else []
            )
            slowest_s = max(slowest_s, time.process_time() - began_s)
        assert slowest_s < 0.1, "the session does not wait"
        deadline_s = time.monotonic() + 60.0
        while not any(isinstance(one, Surprises) and one.to_quarter == 8.0 for one in told):
            assert time.monotonic() < deadline_s, told
            time.sleep(0.05)
            told += commentary.follow(replace(frame(8, "ended"), crossings=()))
        assert any(isinstance(one, Harmony) and one.chords for one in told)
        last = [one for one in told if isinstance(one, Surprises)][-1]
        assert {note.part for note in last.notes} == {0, 1} and len(last.notes) == 8
    finally:
        commentary.close()
    commentary.close()


def test_the_soloists_place_is_told_some_times_a_second_and_when_their_state_changes() -> None:
    commentary = comment_on(chords(), {}, Soloist(frozenset({3})))
    solo = SoloPosition(0.0, "following", 2.5, 0.0, 2.0, 3.0, 0.5, 0.5, 0.9, 0)
    told = []
    for tick in range(40):  # 100 a second
        state = "paused" if tick >= 30 else "following"
        shown = replace(frame(3, solo=replace(solo, state=state)), time_s=tick / 100.0)  # type: ignore[arg-type]
        told += [one for one in commentary.follow(shown) if isinstance(one, Solo)]
    assert [one.state for one in told] == ["following", "following", "paused"]
    assert told[0].part == "Violin 4" and (told[0].measure, told[0].beat) == ("1", 3)
    assert told[0].bpm == 120.0 and told[0].apart_quarters == 0.5
