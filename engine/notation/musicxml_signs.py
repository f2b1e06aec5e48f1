"""What MusicXML's directions, sounds and barlines say that music21 does not hand on, and what it would mistake there.

Read measure by measure in ``engine.notation.musicxml_input``. Evened out for music21: dynamics it has no element for
(``ffz``, ``sff``, ``fsf``: it drops them), hairpins from and to nothing, tempo equations in the newer spelling, words
with markup in them.

Format: MusicXML 4.0, elements ``sound``, ``swing``, ``other-dynamics``, ``metronome``, ``barline``.
"""

import re
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from .dynamic_marks import hairpin_from_text
from .pedals import PedalSign
from .repeats import navigation_of_text
from .score_limits import MAX_REPEATS

XmlElement = Any
"""An ``xml.etree.ElementTree.Element``."""

_PEDAL_SIGNS: dict[str, PedalSign] = {
    "start": "press",
    "resume": "press",
    "change": "change",
    "discontinue": "lift",
    "stop": "lift",
}
"""The sustain pedal's; the sostenuto pedal holds only what sounds when it is pressed, and is left to the player."""
_JUMPS = {
    "dacapo": "da-capo",
    "dalsegno": "dal-segno",
    "tocoda": "to-coda",
    "fine": "fine",
    "segno": "segno",
    "coda": "coda",
}
"""Attributes of ``sound`` and the marks of ``WrittenMeasure``."""
_GLYPH_MARKS = (
    "p", "m", "f", "r", "s", "z", "n", "pppppp", "ppppp", "pppp", "ppp", "pp", "mp", "mf", "pf", "ff", "fff", "ffff",
    "fffff", "ffffff", "fp", "fz", "sf", "sfp", "sfpp", "sfz", "sfzp", "sffz", "rf", "rfz",
)  # fmt: skip
_GLYPHS = {chr(0xE520 + index): mark for index, mark in enumerate(_GLYPH_MARKS)}
"""SMuFL's dynamics, U+E520 on, as programs leave them in text."""
_DYNAMIC_WORD = re.compile(r"(?<![^\W_])(?=[a-z]*[pf])[pmfszr]{1,6}(?![^\W_])")
_BEGINS_AS_MARK = re.compile(r"[pmfszr]+(?![^\W_])")
_ENDS_AS_MARK = re.compile(r"(?<![^\W_])[pmfszr]+$")
_MARKUP = re.compile(r"<sym>[^<]*</sym>|</?(b|i|u|s|sub|sup|font)\b[^<>]*>")
"""What MuseScore leaves in text."""
_SWING = re.compile(r"\b(swing|swung|shuffle)\b", re.IGNORECASE)
_STRAIGHT = re.compile(
    r"\b(straight|even) (\w+ )?(8ths|eighths|quavers|feel)|^\W*straight\W*$|\bno swing\b", re.IGNORECASE
)
_NOTE_VALUES = frozenset(
    {"maxima", "long", "breve", "whole", "half", "quarter", "eighth", "16th", "32nd", "64th", "128th", "256th"}
)
_SWING_UNITS = {"eighth": 0.5, "16th": 0.25}
_EVEN_SHARE, _USUAL_SHARE = 0.5, 2.0 / 3.0


@dataclass(frozen=True, slots=True)
class SwingSign:
    """From here on the first of two notes of ``unit_quarters`` takes ``share`` of their time (0.5: even notes)."""

    measure: int
    quarter: float
    share: float
    unit_quarters: float = 0.5


@dataclass(slots=True)
class Signs:
    """What was found in a file. Measures are indices, quarters count within the measure.

    ``pedals`` maps a part id to what its sustain pedal does. ``navigation`` holds the jumps that only the playback
    attributes tell, and ends that a fermata marks, as marks of ``WrittenMeasure``; ``held_barlines`` the measures after
    which there is a fermata to hold;
    ``endings`` maps the first measure of each bracket to its last and the passes it is for. One that nobody closes (as
    second endings often are) is one measure long.
    """

    pedals: dict[str, list[tuple[int, float, PedalSign]]] = field(default_factory=dict)
    navigation: set[tuple[int, str]] = field(default_factory=set)
    held_barlines: set[int] = field(default_factory=set)
    endings: dict[int, tuple[int, frozenset[int]]] = field(default_factory=dict)
    swings: list[SwingSign] = field(default_factory=list)
    _open_endings: dict[str, int] = field(default_factory=dict)

    def read_direction(self, direction: XmlElement, part: str, measure: int, quarter: float) -> None:
        """Take in one ``direction`` and even it out in place."""
        sound = direction.find("sound")
        words = ""
        has_pedal = False
        for kind in direction.findall("direction-type"):
            for element in list(kind):
                tag = element.tag
                if tag == "dynamics":
                    _even_out_dynamics(direction, kind, element)
                elif tag == "words":
                    element.text = _MARKUP.sub("", element.text or "")
                    words += f" {element.text or ''}"
                elif tag == "wedge":
                    if element.get("niente") == "yes" and element.get("type") in ("crescendo", "stop"):
                        SubElement(SubElement(SubElement(direction, "direction-type"), "dynamics"), "n")
                elif tag == "pedal":
                    has_pedal = True
                    if element.get("type", "") in _PEDAL_SIGNS:
                        self._pedal(part, measure, quarter, _PEDAL_SIGNS[element.get("type")])
                elif tag == "metronome":
                    if any(unit.text not in _NOTE_VALUES for unit in element.iterfind("beat-unit")):
                        kind.remove(element)  # some files have an empty one; the tempo beside it counts
                        continue
                    swung = _even_out_equation(element)
                    if swung:
                        self.swings.append(SwingSign(measure, quarter, swung))
        if sound is not None:
            if not has_pedal:
                self._damper(sound, part, measure, quarter)
            if not self._swing(sound, measure, quarter):
                self._swing_words(words, measure, quarter)
            if any(jump in sound.attrib for jump in _JUMPS):
                self._jump(direction, sound, words, measure)
        elif words:
            self._swing_words(words, measure, quarter)

    def read_sound(self, sound: XmlElement, part: str, measure: int, quarter: float) -> None:
        """Take in a ``sound`` that stands by itself."""
        self._damper(sound, part, measure, quarter)
        self._swing(sound, measure, quarter)
        self.navigation |= {(measure, mark) for jump, mark in _JUMPS.items() if sound.get(jump, "no") != "no"}

    def read_barline(self, barline: XmlElement, part: str, measure: int) -> None:
        """Take in endings, and a fermata over the end of a measure; over a repeat or a final barline it marks where to
        end, and is not held."""
        for ending in barline.iterfind("ending"):
            if ending.get("type") == "start":
                self._open_endings[part] = measure
                self.endings.setdefault(measure, (measure, _passes(ending.get("number", ""))))
            elif part in self._open_endings:
                start = self._open_endings.pop(part)
                self.endings[start] = (max(measure, self.endings[start][0]), self.endings[start][1])
        if barline.find("fermata") is None or barline.get("location", "right") != "right":
            return
        if barline.find("repeat") is None and barline.findtext("bar-style") != "light-heavy":
            self.held_barlines.add(measure)
        else:
            self.navigation.add((measure, "held"))

    def _pedal(self, part: str, measure: int, quarter: float, sign: PedalSign) -> None:
        self.pedals.setdefault(part, []).append((measure, quarter, sign))

    def _damper(self, sound: XmlElement, part: str, measure: int, quarter: float) -> None:
        value = sound.get("damper-pedal")
        if value is not None:
            self._pedal(part, measure, quarter, "lift" if value in ("no", "0") else "press")

    def _swing(self, sound: XmlElement, measure: int, quarter: float) -> bool:
        swing = sound.find("swing")
        if swing is None:
            return False
        share = _EVEN_SHARE
        first, second = swing.findtext("first", ""), swing.findtext("second", "")
        if swing.find("straight") is None and first.isdigit() and second.isdigit() and int(first) + int(second):
            share = int(first) / (int(first) + int(second))
        unit = _SWING_UNITS.get(swing.findtext("swing-type", "eighth"), 0.5)
        if 0.0 < share < 1.0:
            self.swings.append(SwingSign(measure, quarter, share, unit))
        return True

    def _swing_words(self, words: str, measure: int, quarter: float) -> None:
        if _STRAIGHT.search(words):
            self.swings.append(SwingSign(measure, quarter, _EVEN_SHARE))
        elif _SWING.search(words) and len(words) < 40:
            self.swings.append(SwingSign(measure, quarter, _USUAL_SHARE))

    def _jump(self, direction: XmlElement, sound: XmlElement, words: str, measure: int) -> None:
        """The printed words and signs count; where they say nothing that we understand, the playback attribute does."""
        said = navigation_of_text(words)
        if "da-capo" in said and sound.get("dalsegno", "no") != "no":
            self.navigation.add((measure, "dal-segno"))  # "da capo dal" and the sign as a picture
        if said or any(direction.find(f"direction-type/{sign}") is not None for sign in ("segno", "coda")):
            # A coda's sign, or its name, may stand where to leave, too.
            leaves = not said - {"coda"} and "tocoda" in sound.attrib
            self.navigation |= {(measure, "to-coda")} if leaves else set()
            return
        self.navigation |= {(measure, mark) for jump, mark in _JUMPS.items() if sound.get(jump, "no") != "no"}


def _passes(number: str) -> frozenset[int]:
    """The passes that an ending's number means: ``1, 2`` or ``1-3``; the first where it says nothing."""
    passes: set[int] = set()
    for first, last in re.findall(r"(\d{1,2})(?:\s*[-–]\s*(\d{1,2}))?", number):
        passes |= set(range(int(first), int(last or first) + 1))
    return frozenset(one for one in passes if 0 < one <= MAX_REPEATS) or frozenset({1})


def _even_out_dynamics(direction: XmlElement, kind: XmlElement, dynamics: XmlElement) -> None:
    """Give marks that have no element of their own one by their name, and hairpins in words a place as words."""
    if dynamics.find("other-dynamics") is None:
        return
    text, previous = "", "none"
    for child in dynamics:
        if child.tag != "other-dynamics":
            apart = previous == "named" or not _ENDS_AS_MARK.search(text)
            text, previous = text + (" " if apart else "") + child.tag, "named"
        else:
            more = "".join(_GLYPHS.get(letter, letter) for letter in child.text or "")
            apart = previous == "named" and not _BEGINS_AS_MARK.match(more)
            text, previous = text + (" " if apart else "") + more, "other"
    for child in list(dynamics):
        dynamics.remove(child)
    for mark in _DYNAMIC_WORD.findall(text.lower()):
        SubElement(dynamics, mark)
    rest = " ".join(_DYNAMIC_WORD.sub(" ", text).split())
    if hairpin_from_text(rest, 0.0, 0) is not None:
        SubElement(SubElement(direction, "direction-type"), "words").text = rest
    if not len(dynamics):
        kind.remove(dynamics)


def _even_out_equation(metronome: XmlElement) -> float:
    """Spell "quarter = dotted quarter" as music21 reads it. Two eighths that equal a triplet are a swing: its share."""
    relation = metronome.find("metronome-relation")
    if relation is None:
        return 0.0
    children = list(metronome)
    place = children.index(relation)
    sides = [[c for c in side if c.tag == "metronome-note"] for side in (children[:place], children[place:])]
    if len(sides[0]) == len(sides[1]) == 2 and sides[1][0].find("metronome-tuplet") is not None:
        for child in children:
            metronome.remove(child)
        return _USUAL_SHARE
    if len(sides[0]) == len(sides[1]) == 1:
        for child in children:
            metronome.remove(child)
        for (one,) in sides:
            SubElement(metronome, "beat-unit").text = one.findtext("metronome-type", "quarter")
            metronome.extend(Element("beat-unit-dot") for _dot in one.findall("metronome-dot"))
    return 0.0
