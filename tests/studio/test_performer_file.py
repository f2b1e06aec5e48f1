"""A soloist from a file: tables, MIDI files and sessions are read, replayed, followed offline, and written again."""

from pathlib import Path

import mido
import numpy as np
import pytest

from tutti.engine.accompaniment import Soloist
from tutti.engine.conducting.tracking import Take
from tutti.engine.errors import InputError
from tutti.engine.listening.solo_line import SoloLine
from tutti.engine.listening.virtual_soloist import Manner, Passage, play_solo
from tutti.engine.notation.score_cache import open_score
from tutti.engine.notation.score_source import find_score
from tutti.engine.performance import Performance
from tutti.engine.types import PERFORMER, Frame, HeardNote
from tutti.studio.commands.perform import render
from tutti.studio.midi_export import write_midi
from tutti.studio.performance_log import PerformanceLog
from tutti.studio.performer_file import PerformerReplay, PerformerSound, read_performer, write_performer
from tutti.studio.render import perform_offline
from tutti.studio.session_file import SessionHeader, SessionRecorder, read_session

PIECE = "bach/bwv66.6"


@pytest.fixture(scope="module")
def soloist() -> tuple[HeardNote, ...]:
    """The soprano of a chorale, slower than marked, with one phrase twice."""
    line = SoloLine.of(open_score(PIECE), frozenset([0]))
    passages = [Passage(0, 20), Passage(8, len(line), 0.6)]
    return tuple(note.heard for note in play_solo(line, passages, 3, Manner(0.9, wrong=0.0, missing=0.0))[0])


def perform(notes: tuple[HeardNote, ...], recorder: SessionRecorder | None = None) -> list[Frame]:
    performance = Performance(open_score(PIECE), soloist=Soloist(frozenset([0]), 1.0))
    try:
        replay, sound = PerformerReplay(notes), PerformerSound(notes, 0)
        return list(perform_offline(performance, Take(()), recorder, None, replay, sound))
    finally:
        performance.close()


def test_a_table_is_read_as_it_was_written(tmp_path: Path, soloist: tuple[HeardNote, ...]) -> None:
    write_performer(tmp_path / "solo.csv", soloist)
    again = read_performer(tmp_path / "solo.csv")
    assert len(again) == len(soloist)
    for read, note in zip(again, sorted(soloist, key=lambda note: note.onset_s), strict=True):
        assert read.onset_s == pytest.approx(note.onset_s, abs=1e-4)
        assert read.pitch == pytest.approx(note.pitch, abs=1e-3)
        assert read.velocity == note.velocity


def test_a_midi_file_is_read_on_its_own_tempo(tmp_path: Path) -> None:
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack(
        [
            mido.MetaMessage("set_tempo", tempo=1_000_000, time=0),
            mido.Message("note_on", note=60, velocity=70, time=480),
            mido.Message("note_off", note=60, time=240),
            mido.Message("note_on", note=64, velocity=90, time=240),
            mido.Message("note_on", note=64, velocity=0, time=480),
        ]
    )
    file.tracks.append(track)
    file.save(tmp_path / "solo.mid")
    notes = read_performer(tmp_path / "solo.mid")
    assert [(n.onset_s, n.duration_s, n.pitch, n.velocity) for n in notes] == [(1, 0.5, 60, 70), (2, 1, 64, 90)]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"time,note\n1,60\n", "no column onset_s"),
        ("a.csv", b"onset_s,duration_s,pitch\n1,0.5,sixty\n", "line 2"),
        ("a.csv", b"onset_s,duration_s,pitch\n1,0.5,300\n", "line 2"),
        ("a.csv", b"onset_s,duration_s,pitch\n", "no notes"),
        ("a.csv", b"\xff\xfe\x00", "no column"),
        ("a.mid", b"not midi at all", "not a MIDI file"),
        ("a.mcap", b"no session", "not a session"),
    ],
)
def test_what_is_no_performance_is_said_in_a_line(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        read_performer(tmp_path / name)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be read"):
        read_performer(tmp_path / "missing.csv")


def test_a_replayed_soloist_is_accompanied_and_part_of_the_log(soloist: tuple[HeardNote, ...]) -> None:
    frames = perform(soloist)
    assert frames == perform(soloist), "same notes, same frames"
    log = PerformanceLog()
    log.extend(frames)
    played = log.played()
    theirs = [note for note in played if note.source == PERFORMER]
    assert [note.onset_s for note in theirs] == sorted(note.onset_s for note in soloist)
    assert all(note.part == 0 for note in theirs)
    others = [note for note in played if note.source != PERFORMER]
    assert {note.part for note in others} == {1, 2, 3}
    onsets = {note.onset_s for note in others}
    line = SoloLine.of(open_score(PIECE), frozenset([0]))
    assert len(onsets) > len(line) and max(onsets) > soloist[-1].onset_s - 1.0
    near = [min(abs(note.onset_s - solo.onset_s) for solo in soloist) for note in others]
    assert np.median(near) < 0.06
    lengths = {note.onset_s: note.duration_s for note in theirs}
    assert all(lengths[note.onset_s] == pytest.approx(note.duration_s, abs=1e-6) for note in soloist)


def test_a_session_keeps_who_was_heard_and_where_they_were(tmp_path: Path, soloist: tuple[HeardNote, ...]) -> None:
    path = tmp_path / "session.mcap"
    with SessionRecorder(path, SessionHeader.of(open_score(PIECE), find_score(PIECE), (), "musikverein", 0)) as file:
        frames = perform(soloist, file)
    session = read_session(path)
    assert list(session.frames) == frames
    assert session.frames[-1].solo is not None and session.frames[-1].solo.jumps >= 1
    again = read_performer(path)
    assert again == tuple(sorted(soloist, key=lambda note: (note.onset_s, note.pitch)))
    assert perform(again) == frames, "what a session heard is accompanied alike"


def test_notes_beyond_the_instrument_sound_in_another_octave() -> None:
    notes = [HeardNote(1, 1.0, 0.5, 40.2, 80, 1.0), HeardNote(2, 2.0, 0.5, 110.0, 80, 1.0)]
    events, releases = PerformerSound(notes, 3, 55, 103).until(9.0, 0.0)
    assert [event.pitch for event in events] == [64, 98]
    assert [release.time_s for release in releases] == [1.5, 2.5]


def test_the_solos_notes_sound_in_the_midi_file_when_they_were_played(
    tmp_path: Path, soloist: tuple[HeardNote, ...]
) -> None:
    log = PerformanceLog()
    log.extend(perform(soloist))
    write_midi(tmp_path / "performance.mid", open_score(PIECE), log.played(), log.crossings())
    file = mido.MidiFile(tmp_path / "performance.mid")
    file.tracks[:] = file.tracks[:2]  # tempo map and soprano
    at_s, sounded = 0.0, []
    for message in file:
        at_s += message.time
        if message.type == "note_on" and message.velocity:
            sounded.append(at_s)
    first = sounded[:20]  # up to where they go back, which is laid out as another pass
    off = np.array(first) - np.array([note.onset_s for note in sorted(soloist, key=lambda n: n.onset_s)][:20])
    assert len(sounded) == len(soloist)
    assert np.abs(off - np.median(off)).max() < 0.05


def test_a_render_needs_somebody_to_follow(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nobody to follow"):
        render(PIECE, tmp_path)
    write_performer(tmp_path / "solo.csv", [HeardNote(1, 1.0, 0.5, 60.0, 80, 1.0)])
    with pytest.raises(InputError, match="nobody to follow"):
        render(PIECE, tmp_path, performer=tmp_path / "solo.csv")
    with pytest.raises(InputError, match="lead"):
        render(PIECE, tmp_path, solo="Soprano", performer=tmp_path / "solo.csv", lead="loud")
