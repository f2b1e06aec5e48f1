"""The library of scores."""

import json

import pytest
from score_samples import attributes, metronome, note, score, words, write

from tutti.engine.errors import ScoreError
from tutti.engine.notation.score_source import find_score
from tutti.studio import library


@pytest.fixture
def folders(tmp_path):
    return {"folder": tmp_path / "library", "cache_dir": tmp_path / "cache"}


@pytest.fixture
def piece(tmp_path):
    music = [attributes("3/4") + metronome("quarter", 90) + note("C4", 36), note("E4", 36)]
    return write(tmp_path, score(("Flute", music), ("Violin", music)), "Waltz.musicxml")


def test_import_list_and_find(piece, folders):
    assert [entry.origin for entry in library.list_scores(**folders)] == ["built in"]
    entry = library.import_score(piece, **folders)
    assert entry.name == "Waltz" and entry.path.parent == folders["folder"]
    assert [item.name for item in library.list_scores(**folders)] == ["concert", "Waltz"]
    assert find_score("Waltz", folders["folder"]) == entry.path
    assert json.loads(json.dumps(entry.as_json()))["origin"] == "imported"


def test_importing_again_changes_nothing_and_another_file_gets_a_number(piece, folders, tmp_path):
    first = library.import_score(piece, **folders)
    assert library.import_score(piece, **folders).path == first.path
    piece.write_text(piece.read_text().replace("<step>C", "<step>D"))
    assert library.import_score(piece, **folders).name == "Waltz (2)"
    assert sorted(path.name for path in folders["folder"].iterdir()) == ["Waltz (2).musicxml", "Waltz.musicxml"]


def test_corpus_pieces_can_be_imported(folders):
    assert library.import_score("bach/bwv66.6", **folders).path.name == "bwv66.6.mxl"
    assert "bach/bwv66.6" in library.list_corpus("bwv66.6")


def test_show(piece, folders):
    summary = library.show_score(piece, **folders)
    assert (summary.measures, summary.quarters, summary.beats, summary.notes) == (2, 6.0, 6, 4)
    assert summary.duration_s == pytest.approx(4.0)
    assert summary.meters == ("3/4",) and summary.beats_in_measure == (3,)
    assert [(part.instrument, part.lowest, part.highest) for part in summary.parts] == [
        ("flute", 60, 64),
        ("violin", 60, 64),
    ]
    assert "2 measures" in summary.as_text() and "0:04" in summary.as_text()
    json.dumps(summary.as_json())


def test_tempos_are_told_in_the_printed_unit_else_in_beats(tmp_path, folders):
    marks = (metronome("quarter", 60, dotted=True), metronome("quarter", 72, dotted=True), metronome("eighth", 150))
    jig = [attributes("6/8") + marks[0] + note("C4", 36), *[mark + note("C4", 36) for mark in marks[1:]]]
    shown = library.show_score(write(tmp_path, score(("Flute", jig)), "jig.musicxml"), **folders)
    assert shown.tempos_quarter_bpm == (90.0, 108.0, 75.0)
    assert "dotted quarter = 60 72, eighth = 150" in shown.as_text().splitlines()
    words_alone = [attributes("2/2") + words("Allegro") + note("C4", 48)]
    shown = library.show_score(write(tmp_path, score(("Flute", words_alone)), "breve.musicxml"), **folders)
    assert shown.tempo_unit_quarters == (2.0,) and "half = 84" in shown.as_text()


def test_a_broken_file_is_not_imported(tmp_path, folders):
    broken = tmp_path / "broken.mxl"
    broken.write_bytes(b"PK\x03\x04nothing")
    with pytest.raises(ScoreError, match=r"broken\.mxl"):
        library.import_score(broken, **folders)
    assert not folders["folder"].exists()


def test_a_score_that_broke_since_is_still_listed(piece, folders, caplog):
    library.import_score(piece, **folders)
    (folders["folder"] / "Waltz.musicxml").write_text("<score-partwise>")
    assert [entry.name for entry in library.list_scores(**folders)] == ["concert", "Waltz"]
    assert "Waltz.musicxml" in caplog.text


def test_a_library_that_cannot_be_written_is_one_line(piece, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ScoreError, match="cannot be copied"):
        library.import_score(piece, blocked / "library", tmp_path / "cache")
