"""MusicXML made safe and plain before music21 sees it.

Reads ``.musicxml``, ``.xml`` and compressed ``.mxl`` without ever unpacking to disk, refuses what is hostile or
beyond ``engine.notation.score_limits``, and evens out a few things that music21 drops or mistakes:

* whole-measure rests keep the duration that the file states (music21 stretches them to the time signature, which
  breaks pickups);
* cue notes become rests (they are printed for orientation, not played), and so do printed or hidden notes that are not
  meant to sound (``engine.notation.musicxml_unheard``);
* a grace note without the ``slash`` attribute is unslashed (music21 takes it for slashed);
* a metronome mark gets the exact tempo that is meant for playback beside it (music21 takes the printed number alone);
* an alteration that is no whole number of semitones becomes the nearest one, and the rest of it is told as an aside
  (``engine.notation.note_asides``; music21 refuses all but quarter tones), as is which instrument plays a note where
  a part has several (``engine.notation.musicxml_instruments``);
* measures that are printed as repeats of those before (percent signs) get their notes (music21 leaves them empty);
* ``score-timewise`` files are turned into ``score-partwise``;
* transpositions are taken from ``<transpose>`` alone. music21 gives every clarinet a default one, also in scores
  written at sounding pitch.

Format: MusicXML 4.0, https://www.w3.org/2021/06/musicxml40/.
"""

import io
import zipfile
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ..errors import ScoreError
from . import score_limits as limits
from .alterations import split_alteration
from .instrument_names import instrument_named_in
from .musicxml_instruments import percussion_keys, tell_instruments
from .musicxml_signs import Signs
from .musicxml_unheard import OPEN_STRINGS, even_out_unheard

XmlElement = Any
"""An ``xml.etree.ElementTree.Element``."""


@dataclass(frozen=True, slots=True)
class PreparedXml:
    """A ``score-partwise`` tree ready for music21, with what it would lose.

    ``transpositions`` maps (part id, staff; 0 = every staff) to (measure index, semitones) changes in order, sounding
    minus written. ``percussion_keys`` maps (part id, printed step and octave, e.g. ``"E4"``; "" = any) to a General
    MIDI percussion key. ``measure_quarters`` is how far each measure goes, in the part that fills it most. ``signs``
    is what directions and barlines say besides.
    """

    root: XmlElement
    transpositions: dict[tuple[str, int], list[tuple[int, int]]]
    percussion_keys: dict[tuple[str, str], int]
    measure_quarters: tuple[float, ...]
    signs: Signs


def prepare_musicxml(data: bytes, name: str) -> PreparedXml:
    """Parse and check MusicXML, compressed or not. ``name`` is for messages. Raises ``ScoreError``."""
    root = parse_musicxml(data, name)
    measure_quarters, signs = _check_and_even_out(root, name)
    tell_instruments(root)
    return PreparedXml(root, _transpositions(root), percussion_keys(root), measure_quarters, signs)


def parse_musicxml(data: bytes, name: str) -> XmlElement:
    """The ``score-partwise`` tree of MusicXML, compressed or not, safely parsed and otherwise as it is.

    Raises ``ScoreError``.
    """
    xml = _unpack_mxl(data, name) if data[:2] == b"PK" else data
    if len(xml) > limits.MAX_XML_BYTES:
        raise ScoreError(
            f"{name}: {len(xml) / 2**20:.0f} MB of XML is over the limit of {limits.MAX_XML_BYTES >> 20} MB"
        )
    try:
        root = fromstring(xml, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except DefusedXmlException as error:
        raise ScoreError(
            f"{name}: declares XML entities ({type(error).__name__}), which scores never need; export it again"
        ) from error
    except ParseError as error:
        line, column = error.position
        raise ScoreError(
            f"{name}: broken XML at line {line}, column {column} ({error}); the file may be cut short, export it again"
        ) from error
    except (LookupError, ValueError) as error:
        raise ScoreError(f"{name}: its text encoding cannot be read ({error}); save it as UTF-8") from error
    if root.tag == "score-timewise":
        root = _partwise(root)
    if root.tag != "score-partwise":
        raise ScoreError(f"{name}: is XML but not MusicXML (root element <{root.tag[:40]}>)")
    return root


def _unpack_mxl(data: bytes, name: str) -> bytes:
    """The score inside a ``.mxl`` (a zip with META-INF/container.xml)."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > limits.MAX_ARCHIVE_ENTRIES:
                raise ScoreError(f"{name}: holds {len(entries)} files; a .mxl holds one score")
            for entry in entries:
                parts = entry.filename.replace("\\", "/").split("/")
                if ".." in parts or parts[0] == "" or ":" in parts[0]:
                    raise ScoreError(
                        f"{name}: refused, it holds a file that points outside itself ({entry.filename[:60]!r})"
                    )
            chosen = _root_file(archive, name)
            return _read_entry(archive, chosen, limits.MAX_XML_BYTES, name)
    except (zipfile.BadZipFile, EOFError, zipfile.LargeZipFile) as error:
        raise ScoreError(f"{name}: broken .mxl archive ({error}); the file may be cut short, fetch it again") from error
    except (NotImplementedError, RuntimeError) as error:
        raise ScoreError(f"{name}: .mxl archive with encryption or unknown compression ({error})") from error
    except (OSError, ValueError) as error:
        raise ScoreError(f"{name}: broken .mxl archive ({error})") from error


def _root_file(archive: zipfile.ZipFile, name: str) -> str:
    names = archive.namelist()
    if "META-INF/container.xml" in names:
        container = _read_entry(archive, "META-INF/container.xml", 2**20, name)
        try:
            root = fromstring(container, forbid_entities=True)
        except (ParseError, DefusedXmlException, ValueError) as error:
            raise ScoreError(f"{name}: META-INF/container.xml is broken ({error})") from error
        for element in root.iter():
            if element.tag.rsplit("}", 1)[-1] == "rootfile" and element.get("full-path") in names:
                return str(element.get("full-path"))
    for candidate in names:
        if candidate.lower().endswith((".musicxml", ".xml")) and not candidate.startswith(("META-INF/", "__MACOSX/")):
            return candidate
    raise ScoreError(f"{name}: no score inside the .mxl archive")


def _read_entry(archive: zipfile.ZipFile, entry: str, limit: int, name: str) -> bytes:
    """Read at most ``limit`` bytes, whatever size the archive claims."""
    try:
        with archive.open(entry) as stream:
            content = stream.read(limit + 1)
    except Exception as error:
        if isinstance(error, zipfile.BadZipFile | NotImplementedError | RuntimeError | OSError | EOFError):
            raise
        # zlib, lzma and bz2 have error classes of their own for damaged streams.
        raise ScoreError(f"{name}: broken .mxl archive ({error}); fetch it again") from error
    if len(content) > limit:
        raise ScoreError(f"{name}: {entry!r} unpacks to more than {limit >> 20} MB, refused as a zip bomb")
    return content


def _partwise(timewise: XmlElement) -> XmlElement:
    """Turn measures of parts into parts of measures."""
    root = Element("score-partwise", timewise.attrib)
    parts: dict[str, XmlElement] = {}
    for child in timewise:
        if child.tag != "measure":
            root.append(child)
            continue
        for part in child.findall("part"):
            identifier = part.get("id", "P1")
            if identifier not in parts:
                parts[identifier] = SubElement(root, "part", {"id": identifier})
            measure = SubElement(parts[identifier], "measure", child.attrib)
            measure.extend(list(part))
    return root


def _check_and_even_out(root: XmlElement, name: str) -> tuple[tuple[float, ...], Signs]:
    """How far each measure goes, and what directions and barlines say (``PreparedXml``)."""
    parts = root.findall("part")
    if not parts:
        raise ScoreError(f"{name}: has no parts; is it a template or a page of text?")
    if len(parts) > limits.MAX_PARTS:
        raise ScoreError(f"{name}: {len(parts)} parts are over the limit of {limits.MAX_PARTS}")
    total_notes = 0
    lengths: list[float] = []
    signs = Signs()
    strings = _open_strings(root)
    for part in parts:
        measures = part.findall("measure")
        if len(measures) > limits.MAX_MEASURES:
            raise ScoreError(f"{name}: {len(measures)} measures are over the limit of {limits.MAX_MEASURES}")
        lengths += [0.0] * (len(measures) - len(lengths))
        divisions = 1.0
        repeated = 0
        for index, measure in enumerate(measures):
            repeated = _repeated_measures(measure, repeated)
            if 0 < repeated <= index:
                _repeat_measure(measures[index - repeated], measure)
            where = f"{name}: part {part.get('id', '?')[:20]}, measure {measure.get('number', '?')[:12]}"
            identifier = part.get("id", "")
            divisions, length = _check_measure(measure, divisions, where, signs, identifier, index)
            even_out_unheard(measure, strings.get(identifier), _to_rest)
            lengths[index] = max(lengths[index], length)
            total_notes += len(measure.findall("note"))
            if total_notes > limits.MAX_NOTES:
                raise ScoreError(f"{name}: over {limits.MAX_NOTES} notes; split it into movements")
    if total_notes == 0:
        raise ScoreError(f"{name}: has no notes")
    return tuple(lengths), signs


def _open_strings(root: XmlElement) -> dict[str, tuple[int, ...]]:
    """The open strings of parts that are bowed (by their names), by part id: written MIDI pitches from the lowest."""
    named = {
        part.get("id", ""): (instrument_named_in(part.findtext("part-name") or "") or ("",))[0]
        for part in root.findall("part-list/score-part")
    }
    return {part: OPEN_STRINGS[key] for part, key in named.items() if key in OPEN_STRINGS}


def _repeated_measures(measure: XmlElement, before: int) -> int:
    """How many measures a percent sign over this one repeats, 0 where there is none; ``before`` is that of the last."""
    for sign in measure.iterfind("attributes/measure-style/measure-repeat"):
        text = (sign.text or "").strip()
        before = (int(text) if text in ("1", "2", "4") else 1) if sign.get("type") == "start" else 0
    return before


def _repeat_measure(source: XmlElement, measure: XmlElement) -> None:
    """The music of ``source`` in a measure that has only rests."""
    music = ("note", "backup", "forward")
    if any(note.find("rest") is None for note in measure.findall("note")):
        return
    for element in [child for child in measure if child.tag in music]:
        measure.remove(element)
    measure.extend(deepcopy(child) for child in source if child.tag in music)


def _check_measure(
    measure: XmlElement, divisions: float, where: str, signs: Signs, part: str, index: int
) -> tuple[float, float]:
    """(divisions from here on, how far the measure goes in quarters); ``signs`` takes in the directions."""
    now = furthest = 0.0
    for element in measure:
        tag = element.tag
        if tag == "note":
            length = _checked_quarters(element, divisions, where)
            if element.find("chord") is None and element.find("grace") is None:
                now += length
            _even_out_note(element)
        elif tag == "backup":
            now = max(0.0, now - _checked_quarters(element, divisions, where))
        elif tag == "forward":
            now += _checked_quarters(element, divisions, where)
        elif tag == "attributes":
            divisions = _check_attributes(element, divisions, where)
        elif tag == "barline":
            _check_barline(element, where)
            signs.read_barline(element, part, index)
        elif tag == "direction":
            _even_out_metronome(element)
            late = element.findtext("offset")
            at = now if late is None else max(0.0, now + _number(late, where, "an <offset>") / divisions)
            signs.read_direction(element, part, index, at)
        elif tag == "sound":
            signs.read_sound(element, part, index, now)
        furthest = max(furthest, now)
    if furthest > limits.MAX_NOTE_QUARTERS:
        raise ScoreError(f"{where}: is {furthest:.6g} quarters long (at most {limits.MAX_NOTE_QUARTERS:.0f})")
    return divisions, furthest


def _number(text: str | None, where: str, what: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        raise ScoreError(f"{where}: {what} is not a number ({(text or '')[:20]!r})") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise ScoreError(f"{where}: {what} is not a number")
    return value


def _checked_quarters(element: XmlElement, divisions: float, where: str) -> float:
    """The element's duration in quarters; 0 where it has none."""
    duration = element.find("duration")
    if duration is None:
        return 0.0
    quarters = _number(duration.text, where, "a duration") / divisions
    if not 0.0 <= quarters <= limits.MAX_NOTE_QUARTERS:
        raise ScoreError(
            f"{where}: a duration of {quarters:.6g} quarters (0 to {limits.MAX_NOTE_QUARTERS:.0f} allowed)"
        )
    return quarters


def _check_attributes(attributes: XmlElement, divisions: float, where: str) -> float:
    for element in attributes.findall("divisions"):
        divisions = _number(element.text, where, "<divisions>")
        if not 0.0 < divisions <= limits.MAX_DIVISIONS:
            raise ScoreError(f"{where}: <divisions> of {divisions:.6g} (over 0 to {limits.MAX_DIVISIONS:.0f} allowed)")
    for time in attributes.findall("time"):
        for element in time.findall("beats"):
            for number in (element.text or "").split("+"):
                if not 0 < _number(number, where, "a time signature's beats") <= 256:
                    raise ScoreError(f"{where}: a time signature of {(element.text or '')[:12]} beats")
        for element in time.findall("beat-type"):
            if _number(element.text, where, "a time signature's unit") not in (1, 2, 4, 8, 16, 32, 64, 128):
                raise ScoreError(f"{where}: a time signature over {(element.text or '')[:12]}, which is no note value")
    for element in attributes.findall("staves"):
        if not 0 < _number(element.text, where, "<staves>") <= 16:
            raise ScoreError(f"{where}: {(element.text or '')[:12]} staves in one part")
    return divisions


def _check_barline(barline: XmlElement, where: str) -> None:
    for repeat in barline.findall("repeat"):
        times = repeat.get("times")
        if times and _number(times, where, "a repeat's times") > limits.MAX_REPEATS:
            raise ScoreError(f"{where}: a section repeated {times[:12]} times (at most {limits.MAX_REPEATS})")


NEAR_TEMPO = 0.08
"""A playback tempo further from the printed one is taken for a program's default."""
BEAT_UNIT_QUARTERS = {"whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25}


def _even_out_metronome(direction: XmlElement) -> None:
    """Where a printed number is about the tempo meant for playback (a rounded or a mean one), the latter counts."""
    metronome, sound = direction.find("direction-type/metronome"), direction.find("sound")
    if metronome is None or sound is None or len(metronome.findall("beat-unit")) != 1:
        return
    quarters = BEAT_UNIT_QUARTERS.get(metronome.findtext("beat-unit", ""))
    per_minute = metronome.find("per-minute")
    if quarters is None or per_minute is None:
        return
    quarters *= 2.0 - 0.5 ** len(metronome.findall("beat-unit-dot"))
    try:
        printed, meant = float(per_minute.text or ""), float(sound.get("tempo", "")) / quarters
    except ValueError:
        return
    if abs(printed - meant) <= NEAR_TEMPO * meant:
        per_minute.text = f"{meant:.6g}"


def _even_out_note(note: XmlElement) -> None:
    for element in (note, *note.findall("notehead")):
        element.attrib.pop("color", None)  # asides take its place
    split_alteration(note)
    if note.find("cue") is not None and note.find("rest") is None:
        _to_rest(note)
    rest = note.find("rest")
    if rest is not None:
        rest.attrib.pop("measure", None)
        if note.find("duration") is not None:
            # A rest lasts as long as it says; its printed type (a whole rest for any measure) must not overrule.
            for tag in ("type", "dot", "time-modification"):
                for child in note.findall(tag):
                    note.remove(child)
    grace = note.find("grace")
    if grace is not None and grace.get("slash") is None:
        grace.set("slash", "no")


def _to_rest(note: XmlElement) -> None:
    if note.find("grace") is not None:
        # A cue-sized grace note takes no time: an empty rest of no length keeps the sequence intact.
        note.remove(note.find("grace"))
        SubElement(note, "duration").text = "0"
    for tag in ("pitch", "unpitched", "chord", "tie", "notations", "lyric", "beam", "cue"):
        for child in note.findall(tag):
            note.remove(child)
            if tag == "chord":
                duration = note.find("duration")
                if duration is not None:
                    duration.text = "0"
    note.insert(0, Element("rest"))


def _iter_measures(part: XmlElement) -> Iterator[tuple[int, XmlElement]]:
    yield from enumerate(part.findall("measure"))


def _transpositions(root: XmlElement) -> dict[tuple[str, int], list[tuple[int, int]]]:
    found: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for part in root.findall("part"):
        identifier = part.get("id", "")
        for index, measure in _iter_measures(part):
            for attributes, transpose in [
                (a, t) for a in measure.findall("attributes") for t in a.findall("transpose")
            ]:
                attributes.remove(transpose)  # music21 takes none without <diatonic>, which need not be there
                semitones = _int_text(transpose, "chromatic") + 12 * _int_text(transpose, "octave-change")
                number = transpose.get("number", "")
                staff = int(number) if number.isdigit() else 0
                found.setdefault((identifier, staff), []).append((index, semitones))
    return found


def _int_text(parent: XmlElement, tag: str) -> int:
    try:
        return round(float(parent.findtext(tag) or 0))
    except ValueError:
        return 0
