"""Pitches between the semitones in MusicXML: quarter tones, commas and other alterations that are no whole number.

Scores count in semitones and keep the rest in cents. In MusicXML both are one decimal ``<alter>``, and an
``<accidental>`` shows it (MusicXML 4.0, elements ``alter`` and ``accidental``, data type ``accidental-value``).
"""

from math import isfinite, trunc
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from .note_asides import tell, told

XmlElement = Any
"""An ``xml.etree.ElementTree.Element``."""

_QUARTER_TONES = {
    -150: "three-quarters-flat",
    -50: "quarter-flat",
    50: "quarter-sharp",
    150: "three-quarters-sharp",
}
_PLAIN = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
_LEAST_CENTS = 0.5
"""Less is a rounding error."""
_AFTER_ACCIDENTAL = frozenset(
    {"time-modification", "stem", "notehead", "notehead-text", "staff", "beam", "notations", "lyric", "play"}
)
"""What follows an accidental in a note."""


def split_alteration(note: XmlElement) -> None:
    """Make a note's alteration a whole number; the rest is told as an aside, where ``cents_of_colour`` finds it.

    A quarter tone counts from the tone nearer to the natural one: E quarter-flat is E, 50 cents lower.
    """
    alter = note.find("pitch/alter")
    if alter is None:
        return
    try:
        value = float(alter.text or "0")
    except ValueError:
        return  # the reader says what is wrong with it
    if not isfinite(value) or value == int(value):
        return
    whole = trunc(value) if abs(value - trunc(value)) <= 0.5 else trunc(value) + (1 if value > 0 else -1)
    alter.text = str(whole)
    shown = note.find("accidental")
    if shown is not None:
        note.remove(shown)
    tell(note, "cents", f"{100 * (value - whole):.6g}")


def cents_of_colour(colour: object) -> float:
    """The cents that ``split_alteration`` told; 0 for any other."""
    return float(told(colour).get("cents", 0.0))


def alter_note(note: XmlElement, cents: float) -> None:
    """Add ``cents`` to a note that is written in semitones, and show it by an accidental: quarter tones by their own,
    others by an arrow beside the plain one."""
    pitch = note.find("pitch")
    if pitch is None or abs(cents) < _LEAST_CENTS:
        return
    alter = pitch.find("alter")
    if alter is None:
        alter = SubElement(pitch, "alter")
        octave = pitch.find("octave")
        if octave is not None:  # the order is step, alter, octave
            pitch.remove(octave)
            pitch.append(octave)
    whole = round(float(alter.text or "0"))
    alter.text = f"{whole + cents / 100:.4g}"
    _show(note, accidental_of(whole, cents))


def show_plain(note: XmlElement) -> None:
    """Show the accidental of a note that is written in semitones, also where there is none: a natural."""
    _show(note, _PLAIN.get(round(float(note.findtext("pitch/alter") or "0")), "natural"))


def _show(note: XmlElement, accidental: str) -> None:
    shown = note.find("accidental")
    if shown is None:
        shown = Element("accidental")
        place = next((index for index, child in enumerate(note) if child.tag in _AFTER_ACCIDENTAL), len(note))
        note.insert(place, shown)
    shown.text = accidental


def accidental_of(whole: int, cents: float) -> str:
    """The ``accidental-value`` of a tone altered by ``whole`` semitones and some cents."""
    quarter = _QUARTER_TONES.get(round(100 * whole + cents))
    if quarter is not None and abs(100 * whole + cents - round(100 * whole + cents)) < _LEAST_CENTS:
        return quarter
    plain = _PLAIN.get(whole, "natural")
    return f"{plain}-{'up' if cents > 0 else 'down'}" if plain in ("flat", "natural", "sharp") else plain
