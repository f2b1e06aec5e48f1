"""Broken and hostile files are refused with one line that names the file."""

import random
import time
import zipfile
from pathlib import Path

import pytest
from score_samples import attributes, note, repeat, score, write

from tutti.engine.errors import ScoreError
from tutti.engine.notation import score_limits
from tutti.engine.notation.score_reader import read_score
from tutti.engine.notation.score_source import find_score

GOOD = score([attributes() + note("C4", 48)])
CONTAINER = '<container><rootfiles><rootfile full-path="{}"/></rootfiles></container>'


def mxl(folder, entries: dict[str, bytes | str], name: str = "sample.mxl"):
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)
    return path


def refusal(path) -> str:
    started = time.process_time()
    with pytest.raises(ScoreError) as caught:
        read_score(path)
    message = str(caught.value)
    assert "\n" not in message and path.name in message and len(message) < 400
    assert time.process_time() - started < 5.0
    return message


def test_a_good_archive_is_read_with_and_without_container(tmp_path):
    plain = mxl(tmp_path, {"score.xml": GOOD})
    listed = mxl(tmp_path, {"META-INF/container.xml": CONTAINER.format("a/b.xml"), "a/b.xml": GOOD}, "listed.mxl")
    assert len(read_score(plain).notes) == len(read_score(listed).notes) == 1


@pytest.mark.parametrize("name", ["a.mxl", "a.musicxml", "a.xml", "a.mid", "a.krn", "a.abc"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   \n",
        b"\x00\x01\x02" * 400,
        bytes(range(256)) * 8,
        b"PK\x03\x04garbage",
        b"<html><body>404</body></html>",
    ],
)
def test_garbage_of_every_kind(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    refusal(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_cut_files(tmp_path, share):
    data = GOOD.encode()
    path = tmp_path / "cut.musicxml"
    path.write_bytes(data[: int(len(data) * share)])
    assert "line" in refusal(path)
    whole = mxl(tmp_path, {"score.xml": GOOD * 1}).read_bytes()
    cut = tmp_path / "cut.mxl"
    cut.write_bytes(whole[: int(len(whole) * share)])
    refusal(cut)


def test_damaged_archive_member(tmp_path):
    data = bytearray(mxl(tmp_path, {"score.xml": GOOD}).read_bytes())
    data[60:80] = b"\xff" * 20
    path = tmp_path / "damaged.mxl"
    path.write_bytes(bytes(data))
    refusal(path)


def test_entity_bombs_and_external_entities(tmp_path):
    laughs = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + i)} "&{chr(97 + i)};&{chr(97 + i)};">' for i in range(20)
    )
    assert "entities" in refusal(
        write(tmp_path, f"<?xml version='1.0'?>{laughs}]><score-partwise>&u;</score-partwise>")
    )
    outside = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><score-partwise>&f;</score-partwise>'
    assert "entities" in refusal(write(tmp_path, outside))


def test_zip_bomb_is_stopped_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(score_limits, "MAX_XML_BYTES", 2**20)
    bomb = mxl(tmp_path, {"score.xml": b"<score-partwise>" + b" " * (8 * 2**20)})
    assert bomb.stat().st_size < 20_000
    assert "zip bomb" in refusal(bomb)


@pytest.mark.parametrize(
    "entry", ["../../evil.xml", "/etc/evil.xml", "a/../../evil.xml", "C:\\evil.xml", "..\\evil.xml"]
)
def test_path_traversal(tmp_path, entry):
    assert "outside" in refusal(mxl(tmp_path, {"score.xml": GOOD, entry: "x"}))


def test_archive_of_many_files_and_archive_without_a_score(tmp_path):
    refusal(mxl(tmp_path, {f"{index}.txt": "" for index in range(1001)}))
    assert "no score inside" in refusal(mxl(tmp_path, {"readme.txt": "hello"}))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (score([attributes() + "<note><pitch><step>C</step><octave>4</octave></pitch><duration>99999999999999"
                "</duration></note>"]), "duration"),
        (score([attributes() + note("C4", 48).replace("<duration>48", "<duration>-48")]), "duration"),
        (score([attributes() + note("C4", 48).replace("<duration>48", "<duration>nan")]), "not a number"),
        (score([attributes().replace("<divisions>12", "<divisions>0") + note("C4", 48)]), "divisions"),
        (score([attributes().replace("<beats>4", "<beats>1000000") + note("C4", 48)]), "time signature"),
        (score([attributes().replace("<beat-type>4", "<beat-type>7") + note("C4", 48)]), "time signature"),
        (score([attributes() + note("C4", 48) + repeat("backward", times=1_000_000)]), "repeated"),
        (score([attributes(extra="<staves>5000</staves>") + note("C4", 48)]), "staves"),
        (score([attributes()]), "no notes"),
        ("<score-partwise><part-list/></score-partwise>", "no parts"),
        ("<opml/>", "not MusicXML"),
    ],
)  # fmt: skip
def test_absurd_content(tmp_path, text, reason):
    assert reason in refusal(write(tmp_path, text))


def test_too_many_notes_measures_and_parts(tmp_path, monkeypatch):
    many = score([attributes() + note("C4", 48)] + [note("C4", 48)] * 30)
    monkeypatch.setattr(score_limits, "MAX_NOTES", 20)
    assert "notes" in refusal(write(tmp_path, many))
    monkeypatch.undo()
    monkeypatch.setattr(score_limits, "MAX_MEASURES", 20)
    assert "measures" in refusal(write(tmp_path, many))
    monkeypatch.undo()
    monkeypatch.setattr(score_limits, "MAX_PARTS", 2)
    assert "parts" in refusal(write(tmp_path, score(*[[attributes() + note("C4", 48)]] * 3)))


def test_files_over_the_limit(tmp_path):
    path = tmp_path / "big.abc"
    path.write_bytes(b"X:1\nK:C\n" + b"C" * (score_limits.MAX_TEXT_BYTES + 1))
    assert "too large" in refusal(path)


def test_names_that_lead_nowhere(tmp_path):
    for source in ("no/such/piece", "../../etc/passwd", tmp_path / "missing.mxl", tmp_path, ""):
        with pytest.raises(ScoreError):
            read_score(source)
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    assert "MusicXML" in refusal(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.abc", "X:1\nT:Reel 1234567\nM:99999999999/4\nK:C\nCDEF|\n"),
        ("a.abc", "X:1\nM:4/4\nK:C\nC99999999999|\n"),
        ("a.krn", "**kern\n*M99999999/4\n4c\n*-\n"),
    ],
)
def test_absurd_numbers_in_text_formats(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    assert "digits" in refusal(path)


def test_notes_of_no_length_are_left_out(tmp_path):
    music = [attributes() + note("C4", 48) + note("D4", 12).replace("<duration>12", "<duration>0")]
    assert read_score(write(tmp_path, score(music))).notes["pitch"].tolist() == [60]


def test_mutilated_scores_raise_nothing_else(tmp_path):
    """Random damage to real files of each kind: read, or refused by name."""
    generator = random.Random(1)
    sources = [find_score(name) for name in ("bach/bwv66.6", "palestrina/Kyrie_00", "ryansMammoth/AllTheRageReel")]
    contents = [(path.name, path.read_bytes()) for path in sources]
    contents.append(("score.musicxml", score([attributes() + note("C4", 48)] * 3).encode()))
    for round_number in range(60):
        name, data = contents[round_number % len(contents)]
        damaged = bytearray(data)
        if round_number % 3 == 0:
            del damaged[generator.randrange(len(damaged)) :]
        for _ in range(generator.randrange(1, 8)):
            if damaged:
                damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        path = tmp_path / name
        path.write_bytes(bytes(damaged))
        try:
            compiled = read_score(path)
        except ScoreError as error:
            assert "\n" not in str(error)
        else:
            assert (compiled.notes["duration_quarter"] > 0).all()


def test_encodings(tmp_path):
    text = GOOD.replace("UTF-8", "UTF-16")
    path = tmp_path / "wide.musicxml"
    path.write_bytes(text.encode("utf-16"))
    assert len(read_score(path).notes) == 1
    path.write_bytes(GOOD.replace("UTF-8", "x-unheard-of").encode())
    refusal(path)


def test_a_folder_does_not_hide_a_score_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "concert").mkdir()
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_score("concert").name == "concert.musicxml"
    with pytest.raises(ScoreError, match="is a folder"):
        find_score("other")
