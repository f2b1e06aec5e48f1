"""Notes of MusicXML that are printed but not meant to sound, or sound but are not printed: hidden notes, harmonics.

MusicXML has no word for "printed, not played" that programs write (MuseScore's export drops it), so it is told from
what stands together:

* a hidden note that sounds with others of its staff is a helper (the upper note of a trill, a place to hang a sign):
  it becomes a rest. One that is alone plays what the print only means, and stays;
* hidden notes under diamond heads are what the diamonds sound like: they stay, and the printed ones become rests;
* strings' artificial harmonics without them, a note and a diamond (or marked) head a third, fourth, fifth, sixth or
  octave above it, sound as the harmonic (Adler, The Study of Orchestration, 4th ed., chapter on bowed strings).
"""

from collections.abc import Callable
from typing import Any

XmlElement = Any
"""An ``xml.etree.ElementTree.Element``."""

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SHARP_SPELLING = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_SOUNDS_ABOVE = {3: 31, 4: 28, 5: 24, 7: 19, 8: 28, 9: 28, 12: 12}
"""How many semitones above the stopped note its harmonic sounds when it is touched so many above it."""


def even_out_unheard(measure: XmlElement, strings: bool, to_rest: Callable[[XmlElement], None]) -> None:
    """Settle the hidden notes and harmonics of a measure in place. ``to_rest`` silences a note."""
    hidden: list[XmlElement] = []
    diamonds: list[XmlElement] = []
    for element in measure.iterfind("note"):
        if element.get("print-object") == "no" and element.find("rest") is None:
            hidden.append(element)
        elif strings and (element.findtext("notehead") == "diamond" or _is_harmonic(element, "touching-pitch")):
            diamonds.append(element)
    if hidden:
        _settle_hidden(measure, hidden, diamonds, to_rest)
    elif diamonds:
        _settle_harmonics(measure, to_rest)


def _is_harmonic(note: XmlElement, pitch: str) -> bool:
    return note.find(f"notations/technical/harmonic/{pitch}") is not None


def _settle_hidden(
    measure: XmlElement, hidden: list[XmlElement], diamonds: list[XmlElement], to_rest: Callable[[XmlElement], None]
) -> None:
    spans = _spans(measure)
    unseen = {id(note) for note in hidden}
    heads = {id(note) for note in diamonds}
    printed = [note for note in measure.iterfind("note") if id(note) not in unseen and note.find("rest") is None]
    replaced = {
        (spans[id(note)][0], note.findtext("staff", "1"))
        for note in hidden
        if any(_together(spans, note, head) for head in printed if id(head) in heads)
    }
    silenced = []
    for note in hidden:
        if (spans[id(note)][0], note.findtext("staff", "1")) in replaced:
            continue
        if note.find("grace") is not None or any(_together(spans, note, other) for other in printed):
            silenced.append(note)
    silenced += [note for note in printed if (spans[id(note)][0], note.findtext("staff", "1")) in replaced]
    gone = {id(note) for note in silenced}
    notes = measure.findall("note")
    for note, following in zip(notes, [*notes[1:], None], strict=True):
        if id(note) not in gone:
            continue
        chord = following.find("chord") if following is not None and note.find("chord") is None else None
        if following is not None and chord is not None and id(following) not in gone:
            following.remove(chord)  # it takes the place of the chord's first note
            measure.remove(note)
        else:
            to_rest(note)


def _together(spans: dict[int, tuple[int, int]], one: XmlElement, other: XmlElement) -> bool:
    """Whether two notes of a staff sound at one time."""
    (start, end), (since, until) = spans[id(one)], spans[id(other)]
    return start < until and since < end and one.findtext("staff", "1") == other.findtext("staff", "1")


def _spans(measure: XmlElement) -> dict[int, tuple[int, int]]:
    """Start and end of each note in the file's ticks, by the id of its element."""
    spans: dict[int, tuple[int, int]] = {}
    now = start = 0
    for element in measure:
        ticks = round(float(element.findtext("duration", "0")))
        if element.tag == "note":
            if element.find("chord") is None:
                start, now = now, now + ticks
            spans[id(element)] = (start, start + ticks)
        elif element.tag == "backup":
            now -= ticks
        elif element.tag == "forward":
            now += ticks
    return spans


def _settle_harmonics(measure: XmlElement, to_rest: Callable[[XmlElement], None]) -> None:
    chords: list[list[XmlElement]] = []
    for note in measure.iterfind("note"):
        if note.find("chord") is not None and chords:
            chords[-1].append(note)
        else:
            chords.append([note])
    for chord in chords:
        if not 2 <= len(chord) <= 3 or any(_midi(note) is None for note in chord):
            continue
        touched = [n for n in chord if n.findtext("notehead") == "diamond" or _is_harmonic(n, "touching-pitch")]
        sounding = [n for n in chord if _is_harmonic(n, "sounding-pitch")]
        stopped = [n for n in chord if not any(n is other for other in (*touched, *sounding))]
        if len(touched) != 1 or len(stopped) != 1:
            continue
        above = (_midi(touched[0]) or 0) - (_midi(stopped[0]) or 0)
        if not sounding and above not in _SOUNDS_ABOVE:
            continue
        pitch = _midi(sounding[0]) if sounding else (_midi(stopped[0]) or 0) + _SOUNDS_ABOVE[above]
        _set_pitch(chord[0], pitch or 0)
        for note in chord[1:]:
            to_rest(note)


def _midi(note: XmlElement) -> int | None:
    pitch = note.find("pitch")
    if pitch is None or pitch.findtext("step", "") not in _STEPS:
        return None
    try:
        alter, octave = float(pitch.findtext("alter") or 0), int(pitch.findtext("octave") or 4)
    except ValueError:
        return None  # the reader says what is wrong with it
    return _STEPS[pitch.findtext("step")] + round(alter) + 12 * (octave + 1)


def _set_pitch(note: XmlElement, midi: int) -> None:
    pitch = note.find("pitch")
    name = _SHARP_SPELLING[midi % 12]
    for child in list(pitch):
        pitch.remove(child)
    for tag, text in (("step", name[0]), ("alter", "1" if name[1:] else "0"), ("octave", str(midi // 12 - 1))):
        child = pitch.makeelement(tag, {})
        child.text = text
        pitch.append(child)
