"""What music21 does not write of notes in MusicXML: cents that are no quarter tones, and the instrument of a note in a
part whose players take several. Told in the notes' ids on their way through music21, and written into its document.

Format: MusicXML 4.0, elements ``alter``, ``score-instrument``, ``midi-instrument``, ``instrument``.
"""

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from ...engine.instruments import catalogue
from ...engine.notation.alterations import alter_note, show_plain
from ...engine.score import Part
from ...engine.types import ScoreNote

XmlElement = Any
"""An ``xml.etree.ElementTree.Element``."""

_MARK = "tutti"
"""Between underscores: music21 writes no id that XML would not have."""
_BEFORE_INSTRUMENT = frozenset({"grace", "cue", "chord", "pitch", "unpitched", "rest", "duration", "tie"})
"""What precedes ``<instrument>`` in a ``<note>``."""


def mark_note(head: Any, note: ScoreNote) -> None:
    """Tell of music21's ``head`` what ``write_marks`` shall write of ``note``."""
    if note.cents or note.instrument:
        head.id = f"{_MARK}_{note.cents:g}_{note.instrument}"


def write_marks(root: XmlElement, parts: Sequence[Part]) -> None:
    """Write what was told into the document that music21 made of these parts."""
    for part, header, body in zip(parts, root.findall("part-list/score-part"), root.findall("part"), strict=True):
        instruments = _declare(header, part)
        for measure in body.findall("measure"):
            between: set[tuple[str, str]] = set()
            for note in measure.findall("note"):
                cents, instrument = _taken(note)
                if instruments and note.find("rest") is None:
                    _say_instrument(note, instruments[instrument])
                _say_cents(note, cents, between)


def _taken(note: XmlElement) -> tuple[float, str]:
    marked = note.get("id", "").split("_")
    if marked[0] != _MARK:
        return 0.0, ""
    del note.attrib["id"]
    return float(marked[1]), marked[2]


def _declare(header: XmlElement, part: Part) -> dict[str, str]:
    """Declare what the players also play; ids by instrument ("" the part's own), empty where they play but one."""
    own = header.find("score-instrument")
    if own is None or not part.doublings:
        return {}
    ids = {"": own.get("id", "")}
    own.find("instrument-name").text = catalogue()[part.instrument].name
    declared = list(header)
    names_end = declared.index(own) + 1
    for number, key in enumerate(part.doublings):
        ids[key] = f"{ids['']}-{number + 2}"
        name = Element("score-instrument", id=ids[key])
        SubElement(name, "instrument-name").text = catalogue()[key].name
        header.insert(names_end + number, name)
        sound = SubElement(header, "midi-instrument", id=ids[key])
        SubElement(sound, "midi-program").text = str(catalogue()[key].midi_program + 1)
    return ids


def _say_instrument(note: XmlElement, identifier: str) -> None:
    place = sum(child.tag in _BEFORE_INSTRUMENT for child in note)
    note.insert(place, Element("instrument", id=identifier))


def _say_cents(note: XmlElement, cents: float, between: set[tuple[str, str]]) -> None:
    """A plain note after one with cents, in the same bar and on the same line, says that it is plain."""
    line = note.findtext("pitch/step", ""), note.findtext("pitch/octave", "")
    if cents:
        alter_note(note, cents)
        between.add(line)
    elif line in between:
        show_plain(note)
        between.remove(line)
