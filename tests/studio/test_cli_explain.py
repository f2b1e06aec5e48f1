"""``tutti part explain`` and ``tutti part traditions`` as they are typed."""

import json
from pathlib import Path

import pytest
from score_samples import attributes, note, score
from typer.testing import CliRunner

from tutti.engine.errors import ModelError
from tutti.studio.cli import app

RUN = CliRunner()


def invoke(*arguments: str) -> str:
    result = RUN.invoke(app, ["part", *arguments], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def fifths(tmp_path: Path) -> Path:
    """Two bars for three voices, the lower two in fifths."""
    lines = {"Soprano": "E5 F5 G5 E5", "Tenor": "C4 D4 E4 C4", "Bass": "F3 G3 A3 F3"}
    parts = [
        (name, [attributes("4/4") + "".join(map(note, line.split())), note(line[:2], 48)])
        for name, line in lines.items()
    ]
    path = tmp_path / "fifths.musicxml"
    path.write_text(score(*parts), encoding="utf-8")
    return path


def test_a_score_is_explained(fifths: Path) -> None:
    found = json.loads(invoke("explain", str(fifths), "--json"))
    assert found["counted"]["parallel-fifths"] >= 2
    first = next(breach for breach in found["breaches"] if breach["rule"] == "parallel-fifths")
    assert (first["measure"], first["beat"], first["parts"]) == ("1", 2, [1, 2])
    assert found["chords"] and {"numeral", "why", "key"} <= set(found["chords"][0])
    text = invoke("explain", str(fifths), "--parts", "Soprano,Bass")
    assert "Why" in text and "parallel fifths" not in text
    out = json.loads(invoke("explain", str(fifths), "--tradition", "chinese-gong:C", "--json"))
    assert out["counted"]["out-of-scale"] >= 2  # F and B


def test_a_lone_voice_has_no_chords(tmp_path: Path) -> None:
    """It got a table of nothing."""
    path = tmp_path / "lone.musicxml"
    path.write_text(score(("Flute", [attributes("4/4") + note("C5", 24) + note("D5", 24)])), encoding="utf-8")
    text = invoke("explain", str(path))
    assert "no chords: nowhere do enough notes sound together" in text and "Why" not in text


def test_a_score_without_notes_is_said_to_have_none(tmp_path: Path) -> None:
    path = tmp_path / "empty.musicxml"
    rest = "<note><rest/><duration>48</duration></note>"
    path.write_text(score(("Flute", [attributes("4/4") + rest])), encoding="utf-8")
    with pytest.raises(ModelError, match="empty has no notes with a pitch: there is nothing to explain"):
        invoke("explain", str(path))


def test_a_melody_is_harmonised_by_rules(tmp_path: Path) -> None:
    melody = tmp_path / "melody.musicxml"
    bars = [
        attributes("4/4") + "".join(map(note, ["G4", "A4", "B4", "C5"])),
        "".join(map(note, ["D5", "C5", "A4", "G4"])),
    ]
    melody.write_text(score(("Melody", bars)), encoding="utf-8")
    out = tmp_path / "four.musicxml"
    assert "notes by rules in" in invoke("by-rules", str(melody), "-o", str(out), "--key", "G major")
    found = json.loads(invoke("explain", str(out), "--json"))
    assert found["key"] == "G major" and found["chords"][-1]["cadence"] == "authentic cadence"
    assert not {"parallel-fifths", "parallel-octaves"} & set(found["counted"])
    text = out.read_text(encoding="utf-8")
    assert text.count("(rules)</part-name>") == 3 and "(AI)" not in text, "no network wrote that"
    assert "ai:rules" in text and out.with_suffix(".mid").exists()
    assert "0 of them out of the scale" in invoke(
        *("by-rules", str(melody), "-o", str(out), "--tradition", "raga-khamaj:G", "--part", "Melody", "--seed", "2")
    )


def test_traditions_are_listed_and_told() -> None:
    every = json.loads(invoke("traditions", "--json"))
    assert {"maqam-rast", "raga-desh", "chinese-gong", "timeline-standard", "usul-aksak"} <= {t["key"] for t in every}
    assert all(tradition["sources"] for tradition in every)
    assert "maqam-rast" in invoke("traditions")
    told = invoke("traditions", "maqam-rast:D")
    assert "F♯ 350" in told and "source:" in told and "ghammaz A" in told
    with pytest.raises(ModelError, match="not known"):
        RUN.invoke(app, ["part", "traditions", "maqam-x"], catch_exceptions=False)
