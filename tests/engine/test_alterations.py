"""Quarter tones and commas in MusicXML: read as cents, written as alterations that show."""

from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from score_samples import attributes
from score_samples import score as musicxml

from tutti.engine.notation.alterations import accidental_of, alter_note, cents_of_colour, show_plain, split_alteration
from tutti.engine.notation.score_reader import read_score


def head(step: str, alter: str, more: str = "") -> str:
    return (
        f"<note><pitch><step>{step}</step><alter>{alter}</alter><octave>4</octave></pitch>"
        f"<duration>1</duration><voice>1</voice><type>quarter</type>{more}</note>"
    )


def test_any_alteration_is_read_as_a_semitone_and_cents(tmp_path: Path) -> None:
    """music21 alone refuses the commas of makam."""
    bar = attributes("4/4") + head("E", "-0.5") + head("F", "0.5") + head("B", "-1.5") + head("D", "-0.22")
    chord = head("C", "0") + head("E", "-0.35").replace("<note>", "<note><chord/>")
    path = tmp_path / "maqam.musicxml"
    text = musicxml(("Oud", [bar, head("C", "1.5", "<accidental>three-quarters-sharp</accidental>") + chord]))
    path.write_text(text, encoding="utf-8")
    notes = read_score(path).notes_between(0.0, 8.0)
    sounding = [round(note.pitch + note.cents / 100, 3) for note in notes]
    assert sounding == [63.5, 65.5, 69.5, 61.78, 61.5, 60.0, 63.65]
    assert [note.pitch for note in notes[:3]] == [64, 65, 70], "a quarter tone counts from the nearer natural tone"
    assert notes[3].cents == pytest.approx(-22.0) and notes[5].cents == 0.0


@pytest.mark.parametrize("cents", [-50.0, 50.0, -22.0, 5.0, 33.3])
@pytest.mark.parametrize("alter", ["-1", "0", "1"])
def test_what_is_written_is_read_back(alter: str, cents: float) -> None:
    note = fromstring(head("E", alter, "<stem>up</stem>"))
    alter_note(note, cents)
    assert float(note.findtext("pitch/alter") or 0) == pytest.approx(float(alter) + cents / 100)
    assert [child.tag for child in note].index("accidental") == [child.tag for child in note].index("stem") - 1
    split_alteration(note)
    whole = float(note.findtext("pitch/alter") or 0)
    assert 100 * whole + cents_of_colour(note.get("color")) == pytest.approx(100 * float(alter) + cents, abs=0.02)


def test_accidentals_are_those_of_musicxml() -> None:
    assert accidental_of(0, -50.0) == "quarter-flat" and accidental_of(-1, -50.0) == "three-quarters-flat"
    assert accidental_of(-1, 50.0) == "quarter-flat" and accidental_of(1, 50.0) == "three-quarters-sharp"
    assert accidental_of(-1, 20.0) == "flat-up" and accidental_of(0, -22.0) == "natural-down"
    plain = fromstring(head("E", "0"))
    show_plain(plain)
    assert plain.findtext("accidental") == "natural"


def test_colours_of_other_programs_are_no_cents() -> None:
    assert cents_of_colour("#1F5FA8") == cents_of_colour("centsible") == cents_of_colour(None) == 0.0
