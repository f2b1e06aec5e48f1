"""``performance.musicxml``: the score with the tempo as it was conducted.

The notation is the source's own. Its tempo marks give way to those of the performance: a hidden ``<sound tempo>`` at
each conducted beat, and wherever the tempo bends within one (so that a fermata lasts as long as it was held), and a
printed metronome mark where the tempo settled anew. Dynamics stay as written.

Format: MusicXML 4.0, https://www.w3.org/2021/06/musicxml40/.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import numpy as np

from ..engine.notation.tempo_marks import is_tempo_word
from ..engine.score import Score
from .source_score import SourceScore, XmlElement
from .tempo_map import Pass, conducted_segments

NEW_TEMPO = 0.08
"""A metronome mark is printed where the tempo differs this much (relative) from the one printed before,"""
SETTLED = 0.06
"""for two bars that differ less than this from each other."""
LATEST_FIRST = 4
"""The first mark is printed by this bar, settled or not."""
NEAR = 0.06
"""A printed number is at most this far (relative) from the tempo of the beat at which it stands."""
_UNITS = ((4.0, "whole", 0), (3.0, "half", 1), (2.0, "half", 0), (1.5, "quarter", 1), (1.0, "quarter", 0),
          (0.75, "eighth", 1), (0.5, "eighth", 0), (0.375, "16th", 1), (0.25, "16th", 0))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Mark:
    """A tempo from ``quarter`` on. A printed mark tells ``printed_bpm`` (quarters a minute, as ``quarter_bpm``) in note
    values of ``unit_quarters``, which is 0 for a hidden one."""

    quarter: float
    quarter_bpm: float
    unit_quarters: float = 0.0
    printed_bpm: float = 0.0


def write_musicxml(path: Path, score: Score, source: SourceScore, passes: Sequence[Pass]) -> None:
    """Write the score as conducted. ``source`` is changed: read it anew to write another. Raises ``OSError``."""
    marks = tempo_marks(score, passes)
    parts = source.root.findall("part")
    for part in parts:
        for measure in part.findall("measure"):
            _remove_tempi(measure)
    marks = _with_words(marks, _tempo_words(score, parts))
    divisions = 1.0
    for row, measure in zip(score.measures, parts[0].findall("measure"), strict=True):
        start, end = float(row["start_quarter"]), float(row["start_quarter"] + row["duration_quarter"])
        own = [mark for mark in marks if start - 1e-6 <= mark.quarter < end - 1e-6]
        divisions = _insert(measure, [(mark.quarter - start, mark) for mark in own], divisions)
    _say_conducted(source.root)
    indent(source.root, " ")
    with path.open("wb") as file:
        file.write(b'<?xml version="1.0" encoding="UTF-8"?>\n')
        file.write(
            b'<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
            b'"http://www.musicxml.org/dtds/partwise.dtd">\n'
        )
        ElementTree(source.root).write(file, encoding="UTF-8", xml_declaration=False)


def tempo_marks(score: Score, passes: Sequence[Pass]) -> list[_Mark]:
    """All tempo marks of the score as conducted, in order; what nobody conducted keeps the score's own tempo."""
    segments = [(max(0.0, start), end, bpm) for start, end, bpm in conducted_segments(passes) if end > 1e-6]
    marks = [_Mark(start, bpm) for start, _, bpm in segments]
    ends = [0.0, *(end for _, end, _ in segments)]
    starts = [*(start for start, _, _ in segments), score.end_quarter]
    for end, start in zip(ends, starts, strict=True):
        if start - end > 1e-6:  # not conducted
            marks.append(_Mark(end, score.quarter_bpm_at(end)))
            between = (score.tempos["quarter"] > end + 1e-6) & (score.tempos["quarter"] < start - 1e-6)
            marks += [_Mark(float(row["quarter"]), float(row["quarter_bpm"])) for row in score.tempos[between]]
    printed = {round(mark.quarter, 6): mark for mark in _printed(score, segments)}
    marks = [printed.get(round(mark.quarter, 6), mark) for mark in marks]
    return sorted(marks, key=lambda mark: mark.quarter)


def _printed(score: Score, segments: Sequence[tuple[float, float, float]]) -> list[_Mark]:
    """Marks to print: at the first whole bar, and wherever two bars in a row keep another tempo. The printed number
    is that of both bars, kept near the beat at which it stands; what is played is the beat's own."""
    if not segments:
        return []
    starts = np.array([start for start, _, _ in segments])
    ends = np.array([end for _, end, _ in segments])
    rates = np.array([bpm for _, _, bpm in segments])
    bars: list[tuple[float, float, float]] = []  # start, quarters per minute on the whole, beat in quarters
    for index, measure in enumerate(score.measures):
        low, high = float(measure["start_quarter"]), float(measure["start_quarter"] + measure["duration_quarter"])
        shares = np.clip(np.minimum(ends, high) - np.maximum(starts, low), 0.0, None)
        if high - low <= 0 or abs(shares.sum() - (high - low)) > 1e-3:
            continue
        beats = score.beats["duration_quarter"][score.beats["measure"] == index]
        bars.append((low, (high - low) / float((shares / rates).sum()), float(beats[0]) if len(beats) else 1.0))
    marks: list[_Mark] = []
    shown = 0.0
    for index, (start, bpm, unit) in enumerate(bars):
        following = bars[index + 1][1] if index + 1 < len(bars) else bpm
        settled = abs(following / bpm - 1.0) < SETTLED
        mean = 2.0 / (1.0 / bpm + 1.0 / following)
        if (settled or index >= LATEST_FIRST) if not shown else (settled and abs(mean / shown - 1.0) > NEW_TEMPO):
            shown = mean
            at = float(rates[np.searchsorted(starts, start + 1e-6, side="right") - 1])
            printed = min(max(mean, (1.0 - NEAR) * at), (1.0 + NEAR) * at)
            marks.append(_Mark(start, at, unit, printed))
    return marks


# -- in the tree ---------------------------------------------------------------------------------------------


def _remove_tempi(measure: XmlElement) -> None:
    for direction in measure.findall("direction"):
        for kind in direction.findall("direction-type"):
            if kind.find("metronome") is not None:
                direction.remove(kind)
        for sound in direction.findall("sound"):
            sound.attrib.pop("tempo", None)
            if not sound.attrib and not len(sound):
                direction.remove(sound)
        if direction.find("direction-type") is None:
            measure.remove(direction)
    for sound in measure.findall("sound"):
        sound.attrib.pop("tempo", None)
        if not sound.attrib:
            measure.remove(sound)


def _tempo_words(score: Score, parts: Sequence[XmlElement]) -> list[float]:
    """Where words stand that a reader may take for a tempo of their own ("Allegro", "a tempo"), in quarters."""
    found = set()
    for part in parts:
        divisions = 1.0
        for row, measure in zip(score.measures, part.findall("measure"), strict=True):
            cursor = 0.0
            for child in measure:
                if child.tag == "attributes" and child.find("divisions") is not None:
                    divisions = float(child.findtext("divisions") or 1)
                elif child.tag == "direction" and any(
                    is_tempo_word(words.text or "") for words in child.iterfind("direction-type/words")
                ):
                    found.add(float(row["start_quarter"]) + cursor + float(child.findtext("offset") or 0) / divisions)
                elif child.tag in ("note", "forward", "backup") and child.find("chord") is None:
                    moved = float(child.findtext("duration") or 0) / divisions
                    cursor += -moved if child.tag == "backup" else moved
    return sorted(found)


def _with_words(marks: Sequence[_Mark], places: Sequence[float]) -> list[_Mark]:
    """The marks with the tempo that holds said again where words might be taken to change it."""
    quarters = [mark.quarter for mark in marks]
    added = []
    for place in places:
        index = bisect.bisect_right(quarters, place + 1e-6) - 1
        if index >= 0 and quarters[index] < place - 1e-6:
            added.append(_Mark(place, marks[index].quarter_bpm))
    return sorted([*marks, *added], key=lambda mark: mark.quarter)


def _insert(measure: XmlElement, marks: Sequence[tuple[float, _Mark]], divisions: float) -> float:
    """Put marks at their places (quarters from the measure's start); the divisions that hold after the measure."""
    slots: list[tuple[float, int, float]] = []  # cursor in quarters, index of the child before which it is, divisions
    cursor, walking = 0.0, True
    for index, child in enumerate(list(measure)):
        if child.tag == "attributes" and child.find("divisions") is not None:
            divisions = float(child.findtext("divisions") or 1)
        if child.tag == "backup":
            if walking:
                slots.append((cursor, index, divisions))
            walking = False
        moves = child.tag == "forward" or (child.tag == "note" and child.find("chord") is None)
        if walking and moves:
            slots.append((cursor, index, divisions))
            if child.find("grace") is None:
                cursor += float(child.findtext("duration") or 0) / divisions
    if walking:
        slots.append((cursor, len(measure), divisions))
    for offset, mark in sorted(marks, key=lambda item: item[0], reverse=True):
        exact = [slot for slot in slots if abs(slot[0] - offset) < 1e-6]
        at, index, unit = exact[0] if exact else max((s for s in slots if s[0] <= offset + 1e-6), default=slots[0])
        measure.insert(index, _element(mark, (offset - at) * unit))
    return divisions


def _element(mark: _Mark, offset_divisions: float) -> XmlElement:
    """A printed mark is a direction, a hidden one a sound of the measure."""
    sound = Element("sound", {"tempo": f"{mark.quarter_bpm:.4f}"})
    offset = Element("offset")
    offset.text = f"{offset_divisions:.6g}"
    shifted = abs(offset_divisions) > 1e-6
    if not mark.unit_quarters:
        if shifted:
            sound.append(offset)
        return sound
    value, name, dots = min(_UNITS, key=lambda unit: abs(unit[0] - mark.unit_quarters))
    direction = Element("direction", {"placement": "above"})
    metronome = SubElement(SubElement(direction, "direction-type"), "metronome")
    SubElement(metronome, "beat-unit").text = name
    for _ in range(dots):
        SubElement(metronome, "beat-unit-dot")
    SubElement(metronome, "per-minute").text = str(round(mark.printed_bpm / value))
    if shifted:
        offset.set("sound", "yes")
        direction.append(offset)
    direction.append(sound)
    return direction


def _say_conducted(root: XmlElement) -> None:
    """Say in the file where its tempi come from."""
    identification = root.find("identification")
    if identification is None:
        before = next((i for i, child in enumerate(root) if child.tag in ("defaults", "credit", "part-list")), 0)
        identification = Element("identification")
        root.insert(before, identification)
    miscellaneous = identification.find("miscellaneous")
    if miscellaneous is None:
        miscellaneous = SubElement(identification, "miscellaneous")
    SubElement(miscellaneous, "miscellaneous-field", {"name": "tempo"}).text = "as conducted (Tutti)"
