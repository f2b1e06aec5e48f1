"""MIDI files as other programs write them."""

import io

import mido
import pytest

from tutti.engine.errors import ScoreError
from tutti.engine.notation.midi_reader import quantise, written_from_midi
from tutti.engine.notation.score_compiler import compile_score
from tutti.engine.score import NoteFlag


def midi(*tracks: list, ticks: int = 480, kind: int = 1) -> bytes:
    """A MIDI file; a track is a list of (tick, message) in any order."""
    file = mido.MidiFile(ticks_per_beat=ticks, type=kind)
    for events in tracks:
        track, now = mido.MidiTrack(), 0
        for tick, message in sorted(events, key=lambda event: event[0]):
            track.append(message.copy(time=tick - now))
            now = tick
        file.tracks.append(track)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def notes(pitches, start=0, step=480, length=480, channel=0, velocity=80) -> list:
    events = []
    for index, pitch in enumerate(pitches):
        tick = start + index * step
        events.append((tick, mido.Message("note_on", note=pitch, velocity=velocity, channel=channel)))
        events.append((tick + length, mido.Message("note_off", note=pitch, channel=channel)))
    return events


def named(name: str, program: int | None = None, channel: int = 0) -> list:
    events = [(0, mido.MetaMessage("track_name", name=name))]
    if program is not None:
        events.append((0, mido.Message("program_change", program=program, channel=channel)))
    return events


def compiled(data: bytes):
    return compile_score(written_from_midi(data, "test.mid"), "0" * 64, "test.mid")


def test_tracks_names_programs_meter_and_tempo():
    conductor = [
        (0, mido.MetaMessage("track_name", name="Serenade")),
        (0, mido.MetaMessage("time_signature", numerator=3, denominator=4)),
        (0, mido.MetaMessage("set_tempo", tempo=500_000)),
        (480 * 6, mido.MetaMessage("set_tempo", tempo=250_000)),
        (480 * 3, mido.MetaMessage("marker", text="A")),
    ]
    score = compiled(
        midi(conductor, named("Flauto", 73) + notes([72] * 12), named("Synth", 42, 1) + notes([48] * 12, channel=1))
    )
    assert score.title == "Serenade"
    assert [part.instrument for part in score.parts] == ["flute", "cello"]
    assert len(score.measures) == 4 and score.end_quarter == 12.0
    assert score.tempos.tolist() == [(0.0, 120.0), (6.0, 240.0)]
    assert score.rehearsal == ((3.0, "A"),)
    assert score.notes["dynamic"][0] == pytest.approx(79 / 126, abs=1e-6)


def test_channel_ten_is_percussion_and_one_track_may_hold_many_channels():
    events = notes([60] * 4, channel=0) + notes([36] * 4, channel=9)
    events += [(0, mido.Message("program_change", program=56, channel=0))]
    score = compiled(midi(events, kind=0))
    assert [part.instrument for part in score.parts] == ["trumpet", "percussion"]


def test_string_techniques_by_program():
    events = named("Violins", 45) + notes([60]) + [(480, mido.Message("program_change", program=48))]
    score = compiled(midi(events + notes([62], start=480)))
    assert score.notes["flags"].tolist() == [int(NoteFlag.PIZZICATO), 0]


def test_an_instrument_taken_in_the_middle_of_a_track_is_a_part():
    events = named("Flute I", 73) + notes([72, 74]) + notes([84, 86], start=960) + notes([76], start=1920)
    events += [(959, mido.Message("program_change", program=72)), (1919, mido.Message("program_change", program=73))]
    score = compiled(midi(events))
    assert [(part.name, part.instrument) for part in score.parts] == [("Flute I", "flute"), ("Piccolo", "piccolo")]
    assert score.notes["part"].tolist() == [0, 0, 1, 1, 0]


def test_a_solo_and_its_section_are_one_part():
    events = named("Violins", 40) + notes([60]) + [(480, mido.Message("program_change", program=48))]
    assert len(compiled(midi(events + notes([62], start=480))).parts) == 1


def test_four_unnamed_tracks_are_an_ensemble_and_two_are_a_piano():
    four = [notes([pitch, pitch + 4], channel=index) for index, pitch in enumerate((76, 67, 60, 45))]
    assert [part.instrument for part in compiled(midi(*four)).parts] == ["violin", "violin", "viola", "cello"]
    hands = [
        named(name, 0, channel) + notes([pitch], channel=channel)
        for channel, (name, pitch) in enumerate((("Right", 72), ("Left", 48)))
    ]
    score = compiled(midi(*hands))
    assert [part.instrument for part in score.parts] == ["piano"] and len(score.notes) == 2


def test_quantising_keeps_what_is_exact():
    exact = [0.0, 1 / 3, 2 / 3, 1.0, 1.25, 1.5, 2.0, 2.2, 2.4, 2.6, 2.8, 3.125]
    rounded = [round(value * 480) / 480 for value in exact]
    assert quantise(rounded) == pytest.approx(exact, abs=1e-9)


def test_quantising_moves_what_was_played():
    played = [0.02, 0.51, 0.98, 1.27, 1.49, 1.76, 2.03, 2.30, 2.69]
    assert quantise(played) == pytest.approx([0, 0.5, 1.0, 1.25, 1.5, 1.75, 2.0, 7 / 3, 8 / 3], abs=1e-9)


def test_rubato_tempo_maps_do_not_change_the_beating():
    tempos = [(480 * beat, mido.MetaMessage("set_tempo", tempo=int(6e7 / bpm)))
              for beat, bpm in enumerate([30, 80, 84, 90, 200, 88, 86, 40])]  # fmt: skip
    score = compiled(midi(tempos, notes([60] * 8)))
    assert len(score.tempos) == 8 and len(score.beats) == 8


def test_overlapping_notes_of_one_pitch_and_lost_note_offs():
    events = [
        (0, mido.Message("note_on", note=60, velocity=80)),
        (240, mido.Message("note_on", note=60, velocity=80)),
        (480, mido.Message("note_off", note=60)),
        (960, mido.Message("note_on", note=64, velocity=80)),
        (1920, mido.MetaMessage("end_of_track")),
    ]
    score = compiled(midi(events))
    assert score.notes["onset_quarter"].tolist() == [0.0, 0.5, 2.0]
    assert (score.notes["duration_quarter"] > 0).all()


@pytest.mark.parametrize("cut", [6, 14, 20, 40])
def test_cut_files_are_refused(cut):
    data = midi(notes([60] * 8))[:cut]
    with pytest.raises(ScoreError, match=r"test\.mid"):
        written_from_midi(data, "test.mid")


@pytest.mark.parametrize("key", [b"\x00\xff", b"\x09\x00", b"\xf7\x00"])
def test_key_signatures_that_do_not_exist_are_no_reason_to_refuse_a_file(key: bytes) -> None:
    written = midi([(0, mido.MetaMessage("key_signature", key="D")), *notes([60, 62])])
    assert b"\xff\x59\x02\x02\x00" in written
    assert len(compiled(written.replace(b"\xff\x59\x02\x02\x00", b"\xff\x59\x02" + key)).notes) == 2


def test_absurd_lengths_are_refused():
    data = midi(
        [(0, mido.Message("note_on", note=60, velocity=80)), (2**27, mido.Message("note_off", note=60))], ticks=1
    )
    with pytest.raises(ScoreError, match="quarters"):
        written_from_midi(data, "test.mid")
