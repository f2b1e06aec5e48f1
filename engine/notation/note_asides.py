"""What is known of a note of MusicXML and music21 would lose: told in the note's ``color``, which it hands on.

Nobody here sees colours; ``engine.notation.musicxml_input`` takes out those that a file has.
"""

from typing import Any

XmlElement = Any
"""An ``xml.etree.ElementTree.Element``."""

_MARK = "tutti"


def tell(note: XmlElement, name: str, value: str) -> None:
    """Tell one thing more of a ``<note>``; neither text may hold a space or ``=``."""
    note.set("color", f"{note.get('color', _MARK)} {name}={value}")


def told(colour: object) -> dict[str, str]:
    """All that was told, from music21's ``style.color``; empty for any other colour."""
    text = str(colour)
    return dict(aside.split("=", 1) for aside in text.split()[1:]) if text.startswith(f"{_MARK} ") else {}
