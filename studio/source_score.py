"""The written score behind a performance, as MusicXML in the order in which it is played.

What the compiled ``Score`` leaves out (key signatures, slurs, lyrics, layout) is still in the file that it was read
from; exports that show notation begin here. Formats other than MusicXML are turned into it by music21.
"""

import copy
import itertools
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from ..engine.errors import ScoreError
from ..engine.notation.musicxml_input import parse_musicxml
from ..engine.notation.repeats import navigation_of_text, play_order
from ..engine.notation.score_reader import read_written
from ..engine.notation.score_source import MIDI_SUFFIXES, XML_SUFFIXES, read_bytes
from ..engine.score import Score
from .midi_export import KeyChange

log = logging.getLogger(__name__)

XmlElement = Any
"""An ``xml.etree.ElementTree.Element``."""

_STATE = ("divisions", "key", "time", "staves", "clef", "staff-details", "transpose")
"""What an ``attributes`` element sets until it is set anew, in the order of the schema."""


@dataclass(frozen=True, slots=True)
class SourceScore:
    """``root`` is a ``score-partwise`` tree whose measures are those of the compiled score, one for one."""

    root: XmlElement
    unfolded: bool
    """Whether repeats were written out."""


def read_source(path: Path, score: Score) -> SourceScore:
    """The notation of ``score``, read from the file it came from, with repeats written out.

    Written out, because each time through has a tempo of its own. Raises ``ScoreError`` where the notation does not
    have the measures of the compiled score.
    """
    data = read_bytes(path)
    is_xml = path.suffix.lower() in XML_SUFFIXES and data[:4] != b"MThd"
    root = parse_musicxml(data, path.name) if is_xml else _by_music21(path)
    counts = {len(part.findall("measure")) for part in root.findall("part")}
    if len(counts) != 1:
        raise ScoreError(f"{path.name}: its parts differ in their number of measures")
    order = list(range(counts.pop()))
    if len(order) != len(score.measures):
        order = play_order(read_written(data, path).measures, path.name)
        if len(order) != len(score.measures) or max(order) >= len(root.find("part").findall("measure")):
            raise ScoreError(f"{path.name}: its measures are not those that were played")
        for part in root.findall("part"):
            _unfold(part, order)
    return SourceScore(root, order != list(range(len(order))))


def _by_music21(path: Path) -> XmlElement:
    """A file of another format as MusicXML. music21 fails with exceptions of every kind."""
    try:
        from music21 import converter, stream

        if path.suffix.lower() in MIDI_SUFFIXES:
            tree = converter.parse(path, format="midi", forceSource=True, storePickle=False)
        else:
            tree = converter.parse(path, forceSource=True, storePickle=False)
        if isinstance(tree, stream.Opus):
            tree = tree.scores.first()  # which is the one that was read
        for note in tree.recurse().notes:  # music21 writes no drum that it cannot find among a part's instruments
            for struck in getattr(note, "notes", (note,)):
                if hasattr(struck, "storedInstrument"):
                    struck.storedInstrument = None
        return musicxml_of(tree, path.name)
    except ScoreError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise ScoreError(f"{path.name}: cannot be written as MusicXML ({reason})") from error


# -- repeats -------------------------------------------------------------------------------------------------


def _unfold(part: XmlElement, order: list[int]) -> None:
    """Put the measures of a part into the order in which they are played; what signs of repetition say is gone."""
    measures = part.findall("measure")
    states = _states(measures)
    for measure in measures:
        part.remove(measure)
    for place, index in enumerate(order):
        measure = copy.deepcopy(measures[index])
        _strip_navigation(measure)
        if place and index != order[place - 1] + 1:
            attributes = Element("attributes")
            attributes.extend(copy.deepcopy(item) for item in states[index])
            measure.insert(0, attributes)
        part.append(measure)


def _states(measures: list[XmlElement]) -> list[list[XmlElement]]:
    """For each measure the elements of ``attributes`` that hold at its start."""
    held: dict[tuple[str, str], XmlElement] = {}
    states = []
    for measure in measures:
        states.append(sorted(held.values(), key=lambda item: _STATE.index(item.tag)))
        for attributes in measure.findall("attributes"):
            for item in attributes:
                if item.tag in _STATE:
                    held[item.tag, item.get("number", "")] = item
    return states


def _strip_navigation(measure: XmlElement) -> None:
    for barline in measure.findall("barline"):
        for tag in ("repeat", "ending", "segno", "coda"):
            for item in barline.findall(tag):
                barline.remove(item)
    for direction in measure.findall("direction"):
        for kind in direction.findall("direction-type"):
            words = " ".join(item.text or "" for item in kind.findall("words"))
            if kind.find("segno") is not None or kind.find("coda") is not None or navigation_of_text(words):
                direction.remove(kind)
        if direction.find("direction-type") is None:
            measure.remove(direction)
    for sound in measure.iter("sound"):
        for name in ("dacapo", "dalsegno", "segno", "coda", "tocoda", "fine", "forward-repeat"):
            sound.attrib.pop(name, None)


# -- key signatures ------------------------------------------------------------------------------------------


def key_changes(source: SourceScore) -> list[KeyChange]:
    """The concert key signatures of the first part that has any, one for each change."""
    for part in source.root.findall("part"):
        changes: list[KeyChange] = []
        semitones = 0
        for index, measure in enumerate(part.findall("measure")):
            for attributes in measure.findall("attributes"):
                transpose = attributes.find("transpose")
                if transpose is not None:
                    semitones = _whole(transpose.findtext("chromatic"))
                key = attributes.find("key")
                if key is None or key.find("fifths") is None:
                    continue
                fifths = _sounding_fifths(_whole(key.findtext("fifths")), semitones)
                change = KeyChange(index, fifths, key.findtext("mode") == "minor")
                if not changes or (change.fifths, change.minor) != (changes[-1].fifths, changes[-1].minor):
                    changes.append(change)
        if changes:
            return changes
    return []


def _whole(text: str | None) -> int:
    try:
        return round(float(text or 0))
    except ValueError:
        return 0


def _sounding_fifths(written: int, semitones: int) -> int:
    """The signature at sounding pitch: a semitone is seven fifths, and twelve fifths are none."""
    if semitones % 12 == 0:
        return written
    return (written + 7 * semitones + 6) % 12 - 6


MIDI_CHANNELS, DRUM_CHANNEL = 16, 9


def musicxml_of(tree: Any, name: str) -> XmlElement:
    """A music21 score as MusicXML; ``name`` is its file's. ``tree`` is changed: its instruments get MIDI channels.

    music21 gives every instrument a channel of its own, and complains on the terminal about each that comes after the
    fifteenth. Here each has a number of its own from the beginning, and beyond 16 the file begins with 1 again: parts
    that share a channel are usual in MusicXML. Raises ``ScoreError`` and what music21 raises.
    """
    from music21 import instrument
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    pitched = (number for number in itertools.count() if number % MIDI_CHANNELS != DRUM_CHANNEL)
    drums = itertools.count(DRUM_CHANNEL, MIDI_CHANNELS)
    for part in tree.parts:
        found = part.getInstruments(returnDefault=True, recurse=True)
        if not part.getInstruments(returnDefault=False, recurse=True):
            part.insert(0, found.first())
        for one in found:
            one.midiChannel = next(drums if isinstance(one, instrument.UnpitchedPercussion) else pitched)
    root = parse_musicxml(GeneralObjectExporter(tree).parse(), name)
    for channel in root.iter("midi-channel"):
        channel.text = str((int(channel.text) - 1) % MIDI_CHANNELS + 1)
    return root
