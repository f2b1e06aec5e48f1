"""Which instrument plays each note of a MusicXML part whose players take several: flute and piccolo, drums and bells.

Files tell it by the instrument of each note, by a change for playback (``sound``), or by words alone ("muta in
Piccolo", "To Cor Anglais", "Picc." where its notes begin). The first of these that a part has counts. What each note
is played on goes to the reader as an aside (``engine.notation.note_asides``): ``plays`` is an instrument of the
catalogue, ``drum`` a General MIDI percussion key.

Format: MusicXML 4.0, elements ``score-instrument``, ``midi-instrument``, ``instrument``, ``instrument-change``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..instruments import catalogue
from .instrument_names import instrument_called, instrument_named_in, instrument_of_program, percussion_key
from .note_asides import tell

XmlElement = Any
"""An ``xml.etree.ElementTree.Element``."""

_TAKES = re.compile(
    r"\W*(muta(no)?|mut|cambia(no)?|change|switch|wechsel[nt]*|nimmt|nehmen|prend(re|s)?|prenez|prende(re)?|takes?|to|zu[mr]?)\b\.?"
    r"(\s+(in|to|zu[mr]?|le|la|il|the|die|das|den|der)\b)*\s+(?P<name>.+)",
    re.IGNORECASE,
)
_TAKEN = re.compile(r"(?P<name>.+?)\s+(nehmen|prendre|prendere)\W*", re.IGNORECASE)
_KIN = (
    {"flute", "piccolo"},
    {"oboe", "english-horn"},
    {"clarinet", "bass-clarinet", "saxophone"},
    {"bassoon", "contrabassoon"},
    {"trombone", "bass-trombone", "euphonium", "tuba"},
    {"timpani", "percussion", "glockenspiel", "xylophone"},
    {"piano", "celesta", "harpsichord", "organ"},
)
"""Instruments that one player takes in turn; the name of one over a note of another's part means it."""
_TOGETHER = (frozenset({"woodwind"}), frozenset({"brass"}), frozenset({"percussion", "keyboard"}))
"""Families within which a player may change: others' names in a part are rather cues."""
_NAMELESS = re.compile(r"(instrument|drum|sound)?\W*\d*", re.IGNORECASE)
_DEFAULT_SOUND = "piano"
"""What programs give to instruments that they know nothing of."""


@dataclass(frozen=True, slots=True)
class _Declared:
    """One ``score-instrument``: its key in the catalogue ("" unknown), the drum that its unpitched notes are."""

    key: str
    drum: int | None


def tell_instruments(root: XmlElement) -> None:
    """Tell of every note which instrument it is played on, in parts that have several. Cue notes are rests by now."""
    bodies = {part.get("id"): part for part in root.findall("part")}
    for header in root.findall("part-list/score-part"):
        body = bodies.get(header.get("id"))
        if body is None:
            continue
        declared = _declared(header)
        notes = [note for note in body.iterfind("measure/note") if note.find("rest") is None]
        _tell_drums(notes, declared)
        if not _tell_declared(notes, declared):
            _tell_changes(body, _own_key(header, declared), declared)


def _declared(header: XmlElement) -> dict[str, _Declared]:
    sounds = {midi.get("id", ""): midi for midi in header.findall("midi-instrument")}
    drums = _drums(header)
    result = {}
    for instrument in header.findall("score-instrument"):
        identifier = instrument.get("id", "")
        result[identifier] = _Declared(_key_of(instrument, sounds.get(identifier)), drums.get(identifier))
    return result


def _drums(header: XmlElement) -> dict[str, int]:
    """General MIDI percussion keys by the ids of a part's instruments.

    Where a program found no name for one ("Instrument 65"), its key is often no drum of this part: a triangle is not a
    conga. Then it is the one that the part is called after.
    """
    names = {one.get("id", ""): one.findtext("instrument-name", "") for one in header.findall("score-instrument")}
    drums = {}
    for midi in header.findall("midi-instrument"):
        unpitched = midi.findtext("midi-unpitched", "").strip()
        if unpitched.isdecimal():
            drums[midi.get("id", "")] = int(unpitched) - 1  # MusicXML counts MIDI keys from 1.
    nameless = {key for key in drums if _NAMELESS.fullmatch(names.get(key, "").strip())}
    called = percussion_key(header.findtext("part-name") or "")
    return {key: called if key in nameless and called is not None else drum for key, drum in drums.items()}


def _key_of(instrument: XmlElement, midi: XmlElement | None) -> str:
    """The catalogue's key by name, playback sound or program; "" where none says it, or only the family."""
    sound = instrument.findtext("instrument-sound", "")
    for text in (instrument.findtext("instrument-name", ""), *reversed(sound.replace("-", " ").split("."))):
        named = instrument_named_in(text)
        if named is not None and named[0] in catalogue():
            return named[0]
    program = "" if midi is None else midi.findtext("midi-program", "").strip()
    key = instrument_of_program(int(program) - 1) if program.isdecimal() else None
    return key if key in catalogue() and key != _DEFAULT_SOUND else ""


def _own_key(header: XmlElement, declared: dict[str, _Declared]) -> str:
    named = instrument_named_in(header.findtext("part-name") or "")
    if named is not None and named[0] in catalogue():
        return named[0]
    return next((one.key for one in declared.values()), "")


def _tell_drums(notes: list[XmlElement], declared: dict[str, _Declared]) -> None:
    for note in notes:
        one = _instrument_of(note, declared)
        if one is not None and one.drum is not None and len(declared) > 1 and note.find("unpitched") is not None:
            tell(note, "drum", str(one.drum))


def _instrument_of(note: XmlElement, declared: dict[str, _Declared]) -> _Declared | None:
    instrument = note.find("instrument")
    return None if instrument is None else declared.get(instrument.get("id", ""))


def _tell_declared(notes: list[XmlElement], declared: dict[str, _Declared]) -> bool:
    """By the instruments of the notes; whether they are of more than one kind."""
    pitched = [(note, _instrument_of(note, declared)) for note in notes if note.find("unpitched") is None]
    keys = {one.key for _note, one in pitched if one is not None} - {""}
    keys |= {"percussion"} if len(pitched) < len(notes) else set()
    if len(keys) < 2:
        return False
    for note, one in pitched:
        if one is not None and one.key:
            tell(note, "plays", one.key)
    return True


def _tell_changes(body: XmlElement, own: str, declared: dict[str, _Declared]) -> None:
    """By changes for playback and by words, in order of time."""
    plays, drum = "", ""
    for measure in body.iterfind("measure"):
        timed = list(_timed(measure))
        onsets = {at for at, element in timed if element.tag == "note" and element.find("rest") is None}
        changes: list[tuple[float, str, str]] = []
        for at, element in timed:
            if element.tag == "note":
                continue
            key = _sounded(element, own, declared) or _worded(element, own, at in onsets)
            if key:
                words = " ".join(text.text or "" for text in element.iterfind("direction-type/words"))
                struck = percussion_key(words) if key == "percussion" else None
                changes.append((at, key, "" if struck is None else str(struck)))
        changes.sort(key=lambda change: change[0])
        before = (plays, drum)
        for at, note in timed:
            if note.tag != "note" or note.find("rest") is not None:
                continue
            playing, struck_now = before
            for since, key, struck_key in changes:
                if since <= at:
                    playing, struck_now = key, struck_key
            if note.find("unpitched") is None:
                if playing not in ("", "percussion"):
                    tell(note, "plays", playing)
            elif struck_now and _instrument_of(note, declared) is None:
                tell(note, "drum", struck_now)
        if changes:
            _at, plays, drum = changes[-1]


def _timed(measure: XmlElement) -> Iterator[tuple[float, XmlElement]]:
    """Notes, directions and sounds with their time in the file's ticks."""
    now = start = 0.0
    for element in measure:
        ticks = float(element.findtext("duration") or 0)
        if element.tag == "note":
            if element.find("chord") is None:
                start, now = now, now + ticks
            yield start, element
        elif element.tag == "backup":
            now -= ticks
        elif element.tag == "forward":
            now += ticks
        elif element.tag == "direction":
            yield now + float(element.findtext("offset") or 0), element
        elif element.tag == "sound":
            yield now, element


def _sounded(element: XmlElement, own: str, declared: dict[str, _Declared]) -> str:
    """The instrument that a ``sound`` changes to; "" where it changes none."""
    sound = element if element.tag == "sound" else element.find("sound")
    if sound is None:
        return ""
    changed, midi = sound.find("instrument-change"), sound.find("midi-instrument")
    if changed is None and midi is None:
        return ""
    key = _key_of(changed if changed is not None else midi, midi)
    if not key:
        one = declared.get((changed if changed is not None else midi).get("id", ""))
        key = one.key if one is not None and len(declared) > 1 else ""
    return key if _may_take(own, key) else ""


def _worded(direction: XmlElement, own: str, over_a_note: bool) -> str:
    """The instrument that words name; by its name alone only ``over_a_note``, elsewhere it heads a cue."""
    text = " ".join((words.text or "").strip() for words in direction.iterfind("direction-type/words"))
    if not own or not text or len(text) > 40:
        return ""
    phrase = _TAKES.fullmatch(text) or _TAKEN.fullmatch(text)
    if phrase is not None:
        key = instrument_called(phrase["name"])
        return key if key is not None and _may_take(own, key) else ""
    key = instrument_called(text)
    if key is None or not over_a_note:
        return ""
    return key if any({own, key} <= kin for kin in _KIN) else ""


def _may_take(own: str, key: str) -> bool:
    if not own or not key:
        return bool(key)
    families = {catalogue()[own].family, catalogue()[key].family}
    return own == key or any(families <= together for together in _TOGETHER)


def percussion_keys(root: XmlElement) -> dict[tuple[str, str], int]:
    """What each line of a percussion staff is declared to sound like, by part id and step and octave ("" = any)."""
    keys: dict[tuple[str, str], int] = {}
    for score_part in root.findall("part-list/score-part"):
        identifier = score_part.get("id", "")
        instruments = _drums(score_part)
        if not instruments:
            continue
        keys[identifier, ""] = next(iter(instruments.values()))
        for part in root.findall("part"):
            if part.get("id") == identifier and len(instruments) > 1:
                for note in part.iterfind("measure/note"):
                    instrument = note.find("instrument")
                    if instrument is not None and instrument.get("id") in instruments:
                        line = note.findtext("unpitched/display-step", "") + note.findtext(
                            "unpitched/display-octave", ""
                        )
                        keys.setdefault((identifier, line), instruments[instrument.get("id")])
    return keys
