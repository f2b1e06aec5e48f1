"""``performance.musicxml``: the score with the conducted tempo, read back by Tutti itself."""

from pathlib import Path
from xml.etree.ElementTree import parse

import mido
import numpy as np
import pytest
from score_samples import attributes, dynamic, metronome, note, repeat, score, words, write

from tutti.engine.errors import ScoreError
from tutti.engine.notation.score_reader import read_score
from tutti.engine.score import Score
from tutti.engine.types import BeatCrossing
from tutti.studio.midi_export import KeyChange
from tutti.studio.musicxml_export import write_musicxml
from tutti.studio.performance_log import PlayedNote
from tutti.studio.source_score import key_changes, read_source
from tutti.studio.tempo_map import Pass, conducted_passes

SIXTEENTHS = note("C5", 3) + note("D5", 3) + note("E5", 3) + note("F5", 3)
BAR = note("C5", 6) + note("D5", 6) + SIXTEENTHS + note("G5", 24)
LONG_BAR = note("C4", 48)


def a_score(tmp_path: Path) -> Path:
    """Eight printed bars, the first four repeated; words and metronome marks; a transposing part below."""
    upper = [attributes(fifths=1) + metronome("quarter", 100) + words("Allegro") + dynamic("f") + BAR, BAR, BAR]
    upper += [BAR + repeat("backward"), words("a tempo") + metronome("half", 60) + BAR, BAR, BAR, BAR]
    lower = [attributes(fifths=3, transpose=(-1, -2)) + LONG_BAR, *[LONG_BAR] * 7]
    return write(tmp_path, score(("Flute", upper), ("Clarinet in Bb", lower)), "piece.musicxml")


def conducted(piece: Score, beat_s: np.ndarray, notes: bool = True) -> list[Pass]:
    """The piece beaten with the given lengths from 2 s on; its notes evenly within each beat."""
    times = 2.0 + np.concatenate([[0.0], np.cumsum(beat_s)])
    quarters = np.append(piece.beats["quarter"], piece.end_quarter)[: len(times)]
    crossings = [
        BeatCrossing(n, float(times[n]), float(quarters[n]), "", 1, 60.0 / float(beat_s[n]), None, 1.0)
        for n in range(len(beat_s))
    ]
    played = [
        PlayedNote(float(np.interp(row["onset_quarter"], quarters, times)), 0.1, 0, 60, 80, "written", float(q))
        for row, q in zip(piece.notes, piece.notes["onset_quarter"], strict=True)
    ]
    return conducted_passes(piece, crossings, played if notes else ())


def seconds(piece: Score, quarters: np.ndarray) -> np.ndarray:
    """When places of a score sound at its own tempo marks."""
    knots = np.append(piece.tempos["quarter"], piece.end_quarter)
    at_s = np.concatenate([[0.0], np.cumsum(np.diff(knots) * 60.0 / piece.tempos["quarter_bpm"])])
    return np.interp(quarters, knots, at_s)


def test_read_back_tempo_onsets_and_notes_agree(tmp_path: Path) -> None:
    path = a_score(tmp_path)
    piece = read_score(path)
    beat_s = 0.55 * (1 + 0.2 * np.sin(np.arange(len(piece.beats)) / 4))
    beat_s[21] = 3.0  # a fermata
    taken = conducted(piece, beat_s)
    source = read_source(path, piece)
    assert source.unfolded
    write_musicxml(tmp_path / "performance.musicxml", piece, source, taken)
    back = read_score(tmp_path / "performance.musicxml")
    assert len(back.measures) == len(piece.measures) == 12
    for field in ("onset_quarter", "duration_quarter", "pitch", "part", "dynamic"):
        assert np.array_equal(back.notes[field], piece.notes[field])
    for row, length_s in zip(piece.beats, beat_s, strict=True):
        bpm = 60.0 * row["duration_quarter"] / length_s
        assert back.quarter_bpm_at(float(row["quarter"]) + 0.05) == pytest.approx(bpm, rel=0.01)
    expected = taken[0].time_at(piece.notes["onset_quarter"]) - 2.0
    assert np.abs(seconds(back, piece.notes["onset_quarter"]) - expected).max() < 0.005


def test_the_tempo_of_an_upbeat_within_a_beat_stands_at_its_note(tmp_path: Path) -> None:
    upbeat = attributes("4/4") + metronome("quarter", 100) + note("G4", 6)
    path = write(tmp_path, score([upbeat, LONG_BAR, LONG_BAR, LONG_BAR]), "upbeat.musicxml")
    piece = read_score(path)
    assert piece.begin_quarter == -0.5
    passes = conducted(piece, np.full(len(piece.beats), 0.5))
    write_musicxml(tmp_path / "out.musicxml", piece, read_source(path, piece), passes)
    again = read_score(tmp_path / "out.musicxml")
    assert again.beats.tolist() == piece.beats.tolist()
    assert again.tempos["quarter"][0] == 0.0
    assert np.allclose(again.tempos["quarter_bpm"], 120.0, atol=1e-3)


def test_few_marks_are_printed_and_the_words_stay(tmp_path: Path) -> None:
    path = a_score(tmp_path)
    piece = read_score(path)
    beat_s = np.repeat([0.5, 0.75], [24, 24]) * (1 + 0.01 * np.cos(np.arange(48)))
    write_musicxml(tmp_path / "p.musicxml", piece, read_source(path, piece), conducted(piece, beat_s))
    root = parse(tmp_path / "p.musicxml").getroot()
    assert root is not None
    printed = [float(number.text or 0) for number in root.iter("per-minute")]
    assert printed == pytest.approx([120, 80], abs=2)
    assert [text.text for text in root.iter("words")].count("a tempo") == 1
    assert len([sound for sound in root.iter("sound") if sound.get("tempo")]) >= 48
    assert not list(root.iter("repeat"))


def test_what_was_not_conducted_keeps_its_marks(tmp_path: Path) -> None:
    path = a_score(tmp_path)
    piece = read_score(path)
    taken = conducted(piece, np.full(8, 0.5), notes=False)
    write_musicxml(tmp_path / "p.musicxml", piece, read_source(path, piece), taken)
    back = read_score(tmp_path / "p.musicxml")
    assert [round(back.quarter_bpm_at(q)) for q in (1.0, 7.0, 8.0, 31.0, 32.0)] == [120, 120, 100, 100, 120]


def test_tempi_within_a_long_note_are_kept(tmp_path: Path) -> None:
    """The first part has one note a bar: its marks stand at the note with an offset."""
    path = write(tmp_path, score([attributes() + LONG_BAR, LONG_BAR], [attributes() + BAR, BAR]), "long.musicxml")
    piece = read_score(path)
    beat_s = np.array([0.5, 0.6, 0.7, 0.8, 0.5, 0.4, 0.3, 0.4])
    write_musicxml(tmp_path / "p.musicxml", piece, read_source(path, piece), conducted(piece, beat_s))
    back = read_score(tmp_path / "p.musicxml")
    assert [60.0 / back.quarter_bpm_at(beat + 0.01) for beat in range(8)] == pytest.approx(beat_s, rel=0.001)


def test_keys_are_those_that_sound(tmp_path: Path) -> None:
    path = a_score(tmp_path)
    assert key_changes(read_source(path, read_score(path))) == [KeyChange(0, 1)]
    clarinet = [attributes(fifths=3, transpose=(-1, -2)) + LONG_BAR]
    path = write(tmp_path, score(("Clarinet in Bb", clarinet)), "clarinet.musicxml")
    assert key_changes(read_source(path, read_score(path))) == [KeyChange(0, 1)]


def test_other_formats_come_by_music21(tmp_path: Path) -> None:
    path = tmp_path / "tune.abc"
    path.write_text("X:1\nT:Tune\nM:4/4\nL:1/4\nQ:1/4=90\nK:G\nGABc|d2B2|cBAG|G4|]\n")
    piece = read_score(path)
    beat_s = np.linspace(0.4, 0.8, len(piece.beats))
    source = read_source(path, piece)
    write_musicxml(tmp_path / "p.musicxml", piece, source, conducted(piece, beat_s))
    back = read_score(tmp_path / "p.musicxml")
    assert np.array_equal(back.notes["pitch"], piece.notes["pitch"])
    assert seconds(back, piece.beats["quarter"]) == pytest.approx(np.cumsum(beat_s) - beat_s, abs=0.005)


def test_notation_of_another_piece_is_refused(tmp_path: Path) -> None:
    path = a_score(tmp_path)
    other = write(tmp_path, score([attributes() + LONG_BAR] + [LONG_BAR] * 4), "other.musicxml")
    with pytest.raises(ScoreError, match="not those that were played"):
        read_source(other, read_score(path))


def test_a_midi_file_with_drums_becomes_notation(tmp_path: Path) -> None:
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("time_signature", numerator=4, denominator=4)]))
    for name, channel, pitch in (("Flute", 0, 72), ("Cymbals", 9, 49)):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        for _ in range(8):
            track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=80))
            track.append(mido.Message("note_off", channel=channel, note=pitch, time=480))
        file.tracks.append(track)
    file.save(tmp_path / "drums.mid")
    piece = read_score(tmp_path / "drums.mid")
    source = read_source(tmp_path / "drums.mid", piece)
    write_musicxml(tmp_path / "p.musicxml", piece, source, conducted(piece, np.linspace(0.5, 0.7, len(piece.beats))))
    back = read_score(tmp_path / "p.musicxml")
    assert len(back.notes) == len(piece.notes) and len(back.parts) == 2


def test_a_score_of_more_parts_than_midi_has_channels_says_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = mido.MidiFile()
    for index in range(20):
        notes = [mido.Message(kind, note=60, channel=index % 16, time=480) for kind in ("note_on", "note_off")]
        name = mido.MetaMessage("track_name", name=f"Part {index}")
        file.tracks.append(mido.MidiTrack([name, mido.Message("program_change", channel=index % 16), *notes]))
    file.save(tmp_path / "many.mid")
    source = read_source(tmp_path / "many.mid", read_score(tmp_path / "many.mid"))
    assert capfd.readouterr().err == ""
    channels = [int(channel.text) for channel in source.root.iter("midi-channel")]
    assert len(channels) == 20 == len(source.root.findall("part"))
    assert set(channels) == set(range(1, 17)), "each is one that MusicXML knows"


def test_of_a_book_of_tunes_the_first_is_the_one_that_was_read(tmp_path: Path) -> None:
    path = tmp_path / "tunes.abc"
    path.write_text("X:1\nT:One\nM:4/4\nL:1/4\nK:C\nCDEF|GAGE|\n\nX:2\nT:Two\nM:4/4\nL:1/4\nK:G\nGABc|d2d2|GABc|\n")
    source = read_source(path, read_score(path))
    assert [len(part.findall("measure")) for part in source.root.findall("part")] == [2]
