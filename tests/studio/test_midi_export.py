"""``performance.mid``: on the score's grid, and sounding when it sounded; read back by Tutti itself."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import pytest
from support import make_score, with_upbeat

from tutti.engine.notation.score_reader import read_score
from tutti.engine.score import Score
from tutti.engine.types import BeatCrossing
from tutti.studio.midi_export import KeyChange, write_midi
from tutti.studio.performance_log import PlayedNote
from tutti.studio.tempo_map import conducted_passes, conducted_segments


def eighths(measures: int = 8, beats_in_measure: int = 4) -> Score:
    written = [(n / 2, 0.5, 60 + n % 12, n % 2, 0.5, 0) for n in range(2 * measures * beats_in_measure)]
    return make_score(
        written, measures=measures, beats_in_measure=beats_in_measure, instruments=("flute", "percussion")
    )


def conducted(
    score: Score, beat_s: np.ndarray, first: int = 0, start_s: float = 2.3, off_beat: float = 0.5
) -> tuple[list[BeatCrossing], list[PlayedNote]]:
    """Beats of the given lengths and the notes upon them; notes between beats come at ``off_beat`` of theirs."""
    times = start_s + np.concatenate([[0.0], np.cumsum(beat_s)])
    crossings = [
        BeatCrossing(n, float(t), float(n), "1", 1, 60.0 / float(b), None, 0.5)
        for n, t, b in zip(range(first, first + len(beat_s)), times, beat_s, strict=False)
    ]
    notes = []
    for row in score.notes:
        index = int(row["onset_quarter"]) - first
        if not 0 <= index < len(beat_s):
            continue
        late = off_beat if row["onset_quarter"] % 1.0 else 0.0
        onset_s = float(times[index] + late * beat_s[index])
        notes.append(
            PlayedNote(
                onset_s,
                0.2,
                int(row["part"]),
                int(row["pitch"]),
                80,
                "written",
                float(row["onset_quarter"]),
            )
        )
    return crossings, notes


def onsets_s(file: mido.MidiFile) -> list[float]:
    now_s, onsets = 0.0, []
    for message in file:
        now_s += message.time
        if message.type == "note_on" and message.velocity > 0:
            onsets.append(now_s)
    return onsets


def events(file: mido.MidiFile, kind: str) -> list[tuple[float, mido.MetaMessage]]:
    """Events of the first track with their places in quarters."""
    tick, found = 0, []
    for message in file.tracks[0]:
        tick += message.time
        if message.type == kind:
            found.append((tick / file.ticks_per_beat, message))
    return found


def heard_programs(path: Path) -> list[tuple[int, int | None]]:
    """Channel and program of each note of the first part."""
    programs, heard = {}, []
    for message in mido.MidiFile(path).tracks[1]:
        if message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type == "note_on":
            heard.append((message.channel, programs.get(message.channel)))
    return heard


def test_notes_lie_on_the_grid_and_sound_when_they_sounded(tmp_path: Path) -> None:
    score = eighths()
    rubato = 0.6 * (1 + 0.2 * np.sin(np.arange(32) / 3))
    crossings, notes = conducted(score, rubato)
    write_midi(tmp_path / "p.mid", score, notes, crossings, [KeyChange(0, -3, minor=True), KeyChange(2, 4)])
    file = mido.MidiFile(tmp_path / "p.mid")
    assert file.type == 1 and file.ticks_per_beat >= 480
    assert [track.name for track in file.tracks] == ["Test piece", "Flute 1", "Percussion 2"]
    assert onsets_s(file) == pytest.approx([note.onset_s for note in notes], abs=0.004)
    grid = file.ticks_per_beat // 2
    for track in file.tracks[1:]:
        tick = 0
        for message in track:
            tick += message.time
            assert message.type != "note_on" or tick % grid == 0
    assert {message.channel for message in file.tracks[2] if message.type == "note_on"} == {9}
    # One bar of rest, then the piece: signatures and tempi stand at bars and beats.
    assert [(at, m.numerator, m.denominator) for at, m in events(file, "time_signature")] == [(0.0, 4, 4)]
    assert [(at, m.key) for at, m in events(file, "key_signature")] == [(0.0, "Cm"), (12.0, "E")]
    tempi = dict(events(file, "set_tempo"))
    assert set(range(4, 36)) <= set(tempi)
    for beat, length_s in enumerate(rubato):
        assert tempi[4.0 + beat].tempo * 1e-6 == pytest.approx(length_s, rel=0.001)


def test_read_back_the_tempo_and_the_onsets_agree(tmp_path: Path) -> None:
    score = eighths(measures=12)
    rubato = 0.5 * (1 + 0.15 * np.sin(np.arange(48) / 4))
    crossings, notes = conducted(score, rubato, start_s=3.1)
    write_midi(tmp_path / "p.mid", score, notes, crossings)
    back = read_score(tmp_path / "p.mid")
    rest = float(back.notes["onset_quarter"][0])
    assert rest % 4.0 == 0.0
    assert np.allclose(back.notes["onset_quarter"] - rest, score.notes["onset_quarter"], atol=1e-6)
    knots, tempi = back.tempos["quarter"], back.tempos["quarter_bpm"]
    lengths = np.diff(np.append(knots, back.end_quarter))
    at_s = np.concatenate([[0.0], np.cumsum(lengths * 60.0 / tempi)])
    heard = np.interp(back.notes["onset_quarter"], np.append(knots, back.end_quarter), at_s)
    assert np.abs(heard - [note.onset_s for note in notes]).max() < 0.005
    for beat, length_s in enumerate(rubato):
        assert back.quarter_bpm_at(rest + beat + 0.1) == pytest.approx(60.0 / length_s, rel=0.01)


def test_a_fermata_bends_the_tempo_within_its_beat(tmp_path: Path) -> None:
    """The eighth sounds half a second into a beat of four: on the grid, with a tempo of its own before and after."""
    score = eighths()
    lengths = np.full(32, 0.5)
    lengths[9] = 4.0
    crossings, notes = conducted(score, lengths)
    notes = [
        PlayedNote(crossings[9].time_s + 0.25, 0.2, n.part, n.pitch, 80, "written", 9.5) if n.quarter == 9.5 else n
        for n in notes
    ]
    write_midi(tmp_path / "p.mid", score, notes, crossings)
    file = mido.MidiFile(tmp_path / "p.mid")
    assert sorted(onsets_s(file)) == pytest.approx(sorted(note.onset_s for note in notes), abs=0.004)
    tempi = dict(events(file, "set_tempo"))
    assert tempi[13.0].tempo == pytest.approx(500_000, rel=0.01)
    assert tempi[13.5].tempo == pytest.approx(7_500_000, rel=0.01)


def test_a_pickup_stands_at_the_end_of_its_bar(tmp_path: Path) -> None:
    score = eighths()
    measures = score.measures.copy()
    measures["start_quarter"][1:] -= 3.0
    measures["duration_quarter"][0] = 1.0
    pickup = replace(score, measures=measures)
    crossings, notes = conducted(pickup, np.full(29, 0.5), start_s=2.0)
    write_midi(tmp_path / "p.mid", pickup, notes, crossings)
    file = mido.MidiFile(tmp_path / "p.mid")
    assert [(at, m.numerator) for at, m in events(file, "time_signature")] == [(0.0, 4)]
    first = next(m for m in file.tracks[1] if m.type == "note_on")
    assert first.time == 3 * file.ticks_per_beat
    assert onsets_s(file) == pytest.approx([note.onset_s for note in notes], abs=0.004)


@pytest.mark.parametrize(
    ("start_s", "begins", "meters"), [(2.0, 3.5, [(0.0, 4, 4)]), (0.0, 0.5, [(0.0, 1, 4), (1.0, 4, 4)])]
)
def test_an_upbeat_shorter_than_a_beat_comes_within_it(
    tmp_path: Path, start_s: float, begins: float, meters: list
) -> None:
    """Before it lies the rest of its bar; of its beat alone, where the performance begins with that."""
    score = with_upbeat(eighths(4), 0.5)
    times = start_s + 0.5 * np.arange(len(score.beats))
    crossings = [
        BeatCrossing(n, float(at_s), float(row["quarter"]), "1", 1, 120.0, None, 0.5)
        for n, (row, at_s) in enumerate(zip(score.beats, times, strict=True))
    ]
    notes = [
        PlayedNote(start_s + 0.25 + 0.5 * q, 0.2, int(row["part"]), int(row["pitch"]), 80, "written", float(q))
        for row, q in zip(score.notes, score.notes["onset_quarter"], strict=True)
    ]
    write_midi(tmp_path / "p.mid", score, notes, crossings)
    file = mido.MidiFile(tmp_path / "p.mid")
    assert [(at, m.numerator, m.denominator) for at, m in events(file, "time_signature")] == meters
    first = next(m for m in file.tracks[1] if m.type == "note_on")
    assert first.time == begins * file.ticks_per_beat
    assert onsets_s(file) == pytest.approx(sorted(note.onset_s for note in notes), abs=0.004)


def test_a_second_pass_begins_at_a_bar_when_it_began(tmp_path: Path) -> None:
    """Stopped in the middle of the third bar, begun again from the second after five seconds."""
    score = eighths()
    one, first = conducted(score, np.full(10, 0.5), start_s=1.0)
    two, second = conducted(score, np.full(20, 0.6), first=4, start_s=11.0)
    write_midi(tmp_path / "p.mid", score, first + second, one + two)
    file = mido.MidiFile(tmp_path / "p.mid")
    assert onsets_s(file) == pytest.approx([note.onset_s for note in first + second], abs=0.004)
    tick, starts = 0, []
    for message in file.tracks[1]:
        tick += message.time
        if message.type == "note_on":
            starts.append(tick / file.ticks_per_beat)
    again = starts[len([note for note in first if note.part == 0])]
    assert again % 4.0 == 0.0
    signatures = [(at % 4.0, m.numerator) for at, m in events(file, "time_signature")]
    assert set(signatures) == {(0.0, 4)}
    # Each place of the score has the tempo of the longer pass, the places that only the other played its own.
    segments = conducted_segments(conducted_passes(score, one + two, first + second))
    assert [(start, round(bpm)) for start, _, bpm in segments][:5] == [(0, 120), (1, 120), (2, 120), (3, 120), (4, 100)]
    assert all(before[1] == after[0] for before, after in pairwise(segments))


def test_a_halt_longer_than_the_format_holds_is_shortened(tmp_path: Path) -> None:
    score = eighths()
    lengths = np.full(32, 0.5)
    lengths[3] = 40.0
    crossings, notes = conducted(score, lengths)
    write_midi(tmp_path / "p.mid", score, notes, crossings)
    heard = onsets_s(mido.MidiFile(tmp_path / "p.mid"))
    expected = np.array([note.onset_s for note in notes])
    late = expected - heard
    assert np.abs(late[:7]).max() < 0.004
    assert np.ptp(late[8:]) < 0.004 and 23.0 < late[8] < 23.4


def test_midi_without_a_single_beat_is_still_a_file(tmp_path: Path) -> None:
    score = eighths()
    write_midi(tmp_path / "p.mid", score, [], [])
    assert mido.MidiFile(tmp_path / "p.mid").length < 1.0
    write_midi(tmp_path / "q.mid", score, [PlayedNote(1.0, 0.5, 0, 60, 80, "written", 0.0)], [])
    assert onsets_s(mido.MidiFile(tmp_path / "q.mid")) == pytest.approx([1.0], abs=0.01)


def test_every_part_of_a_large_orchestra_has_a_channel_of_its_own(tmp_path: Path) -> None:
    names = (*["flute", "oboe", "clarinet", "bassoon", "horn", "trumpet"] * 3, "percussion", "violin")
    score = make_score([(0.0, 1.0, 60, part, 0.5, 0) for part in range(len(names))], measures=1, instruments=names)
    crossings, notes = conducted(score, np.full(4, 0.5))
    write_midi(tmp_path / "p.mid", score, notes, crossings)
    taken = set()
    for track in mido.MidiFile(tmp_path / "p.mid").tracks[1:]:
        port = next((message.port for message in track if message.type == "midi_port"), 0)
        taken |= {(port, message.channel) for message in track if message.type == "note_on"}
    assert len(taken) == len(names)
    assert sorted(channel for _, channel in taken).count(9) == 1, "drums alone"
    assert [part.instrument for part in read_score(tmp_path / "p.mid").parts] == list(names)


@pytest.mark.parametrize(
    ("own", "taken", "expected"),
    [
        ("flute", ("", "piccolo", "", "percussion"), [(0, 73), (0, 72), (0, 73), (9, 48)]),
        ("percussion", ("", "glockenspiel", "", "xylophone"), [(9, 48), (0, 9), (9, 48), (0, 13)]),
    ],
)
def test_players_who_take_up_another_instrument_change_the_program(tmp_path: Path, own, taken, expected) -> None:
    score = make_score([(float(n), 1.0, 60, 0, 0.5, 0) for n in range(4)], measures=1, instruments=(own,))
    crossings, notes = conducted(score, np.full(4, 0.5))
    played = [replace(n, instrument=key) for n, key in zip(notes, taken, strict=True)]
    write_midi(tmp_path / "p.mid", score, played, crossings)
    assert heard_programs(tmp_path / "p.mid") == expected


def test_quarter_tones_are_pitch_bends_before_their_notes(tmp_path: Path) -> None:
    score = make_score([(float(n), 1.0, 60 + n, 0, 0.5, 0) for n in range(4)], measures=1, instruments=("flute",))
    crossings, notes = conducted(score, np.full(4, 0.5))
    tuned = [replace(note, cents=-50.0 if note.pitch in (61, 62) else 0.0) for note in notes]
    write_midi(tmp_path / "p.mid", score, tuned, crossings)
    told = [m for m in mido.MidiFile(tmp_path / "p.mid").tracks[1] if m.type in ("pitchwheel", "note_on")]
    heard, bend = {}, 0
    for message in told:
        if message.type == "pitchwheel":
            bend = message.pitch
        else:
            heard[message.note] = 200.0 * bend / 8192
    assert heard == {60: 0.0, 61: -50.0, 62: -50.0, 63: 0.0}
    assert sum(message.type == "pitchwheel" for message in told) == 2


def test_names_are_readable_where_midi_lacks_their_letters(tmp_path: Path) -> None:
    score = eighths()
    parts = (replace(score.parts[0], name="Clarinet in B♭"), replace(score.parts[1], name="Große Trommel"))
    score = replace(score, title="Jenůfa – “Prélude”", parts=parts)
    crossings, notes = conducted(score, np.full(32, 0.5))
    write_midi(tmp_path / "a.mid", score, notes, crossings)
    names = [track.name for track in mido.MidiFile(tmp_path / "a.mid").tracks]
    assert names == ['Jenufa - "Prélude"', "Clarinet in Bb", "Große Trommel"]
