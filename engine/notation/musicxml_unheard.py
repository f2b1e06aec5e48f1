"""Notes of MusicXML that are printed but not meant to sound, or sound but are not printed: hidden notes, harmonics.

MusicXML has no word for "printed, not played" that programs write (MuseScore's export drops it), so it is told from
what stands together:

* a hidden note that sounds with others of its staff is a helper (the upper note of a trill, a place to hang a sign):
  it becomes a rest. One that is alone plays what the print only means, and stays;
* hidden notes under diamond heads are what the diamonds sound like: they stay, and the printed ones become rests;
* strings' artificial harmonics without them, a note and a diamond (or marked) head a third, fourth, fifth, sixth or
  octave above it, in one chord or in two voices, sound as the harmonic (Adler, The Study of Orchestration, 4th ed.,
  chapter on bowed strings);
* a diamond head alone is where an open string is touched: it sounds as the natural harmonic of the string that has its
  node there (same place; Gould, Behind Bars, on natural harmonics). Where two have, it is the lower node: who means the
  octave writes the sounding note and a circle, which stays as it is.
"""

from collections.abc import Callable
from typing import Any

XmlElement = Any
"""An ``xml.etree.ElementTree.Element``."""

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SHARP_SPELLING = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_SOUNDS_ABOVE = {3: 31, 4: 28, 5: 24, 7: 19, 8: 28, 9: 28, 12: 12}
"""How many semitones above the stopped note its harmonic sounds when it is touched so many above it."""
_OPEN_SOUNDS_ABOVE = {**_SOUNDS_ABOVE, 8: 0, 16: 28, 19: 19, 24: 24, 28: 28, 31: 31}
"""The same of an open string; a minor sixth is no node of it."""
OPEN_STRINGS = {
    "violin": (55, 62, 69, 76),
    "viola": (48, 55, 62, 69),
    "cello": (36, 43, 50, 57),
    "contrabass": (40, 45, 50, 55),
    "strings": (),
}
"""Of bowed instruments, as written: a contrabass sounds an octave lower. Of a family, nobody knows."""


def even_out_unheard(
    measure: XmlElement, open_strings: tuple[int, ...] | None, to_rest: Callable[[XmlElement], None]
) -> None:
    """Settle the hidden notes and harmonics of a measure in place.

    ``open_strings`` are those of a bowed part (``OPEN_STRINGS``), None of any other. ``to_rest`` silences a note.
    """
    hidden: list[XmlElement] = []
    diamonds: list[XmlElement] = []
    for element in measure.iterfind("note"):
        if element.get("print-object") == "no" and element.find("rest") is None:
            hidden.append(element)
        elif open_strings is not None and (
            element.findtext("notehead") == "diamond" or _is_harmonic(element, "touching-pitch")
        ):
            diamonds.append(element)
    if hidden:
        _settle_hidden(measure, hidden, diamonds, to_rest)
    elif diamonds:
        _settle_harmonics(measure, open_strings or (), to_rest)


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


def _settle_harmonics(
    measure: XmlElement, open_strings: tuple[int, ...], to_rest: Callable[[XmlElement], None]
) -> None:
    spans = _spans(measure)
    groups: dict[tuple[int, int, str], list[XmlElement]] = {}
    for note in measure.iterfind("note"):
        if note.find("rest") is None and note.find("grace") is None and _midi(note) is not None:
            groups.setdefault((*spans[id(note)], note.findtext("staff", "1")), []).append(note)
    for group in groups.values():
        touched = [n for n in group if n.findtext("notehead") == "diamond" or _is_harmonic(n, "touching-pitch")]
        sounding = [n for n in group if _is_harmonic(n, "sounding-pitch")]
        stopped = [n for n in group if not any(n is other for other in (*touched, *sounding))]
        if len(touched) == len(group):
            for note in group:
                _settle_natural(note, open_strings)
        if len(touched) != 1 or len(stopped) != 1:
            continue
        above = (_midi(touched[0]) or 0) - (_midi(stopped[0]) or 0)
        if not sounding and above not in _SOUNDS_ABOVE:
            continue
        pitch = _midi(sounding[0]) if sounding else (_midi(stopped[0]) or 0) + _SOUNDS_ABOVE[above]
        _set_pitch(group[0], pitch or 0)
        for note in group[1:]:
            to_rest(note)


def _settle_natural(note: XmlElement, open_strings: tuple[int, ...]) -> None:
    """An open string touched at the note: on the string that the note names, else where the node is the lowest."""
    touched = _midi(note) or 0
    told = note.findtext("notations/technical/string", "")
    if told.isdecimal() and 0 < int(told) <= len(open_strings):
        open_strings = (open_strings[-int(told)],)  # counted from the highest
    nodes = [(touched - pitch, pitch) for pitch in open_strings if _OPEN_SOUNDS_ABOVE.get(touched - pitch)]
    if nodes:
        above, pitch = min(nodes)
        _set_pitch(note, pitch + _OPEN_SOUNDS_ABOVE[above])


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
