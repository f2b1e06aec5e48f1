"""Repeat signs, voltas, D.C., D.S., Fine and Coda: from printed measures to the order in which they are played.

Conventions (as in Gould, Behind Bars, and Stone, Music Notation in the Twentieth Century): a section without an opening
sign repeats from the last closing sign, final barline or Fine, or from the beginning; after D.C. or D.S. repeats are
not taken again and the last volta is played. A file may hold several movements, numbered each from one: D.C. leads to
the beginning of its own, and ends, where there is no Fine, before the trio.
"""

import logging
import re
from itertools import pairwise

from ..errors import ScoreError
from .score_limits import MAX_MEASURES
from .written import WrittenMeasure

log = logging.getLogger(__name__)

_DA_CAPO = re.compile(r"\bd\s*\.\s*c\b|^dc\b|\bda\s+capo\b", re.IGNORECASE)
_DAL_SEGNO = re.compile(r"\bd\s*\.\s*s\b|^ds\b|\bdal\s+segno\b", re.IGNORECASE)
_AL_FINE = re.compile(r"\bal\s+fine\b", re.IGNORECASE)
_TRIO = re.compile(r"\W*(trio|alternativo)\b", re.IGNORECASE)
_CODA = re.compile(r"\bcoda\b", re.IGNORECASE)


def navigation_of_text(text: str) -> frozenset[str]:
    """What a text says about navigation: any of segno, coda, to-coda, fine, da-capo, dal-segno, al-fine, al-coda."""
    words = " ".join(text.split()).strip(" .()[]")
    if len(words) > 60:
        return frozenset()
    found: set[str] = set()
    if _DA_CAPO.search(words):
        found.add("da-capo")
    elif _DAL_SEGNO.search(words):
        found.add("dal-segno")
    if found:
        if _AL_FINE.search(words):
            found.add("al-fine")
        if _CODA.search(words):
            found.add("al-coda")
        return frozenset(found)
    lower = words.lower()
    if lower in ("fine", "segno", "coda"):
        return frozenset({lower})
    if re.fullmatch(r"(to|al|alla)\s+coda", lower):
        return frozenset({"to-coda"})
    return frozenset()


def begins_trio(text: str) -> bool:
    """Whether a text heads a trio: D.C. without a Fine ends before it."""
    return _TRIO.match(text) is not None and len(text) <= 40


def movement_starts(measures: list[WrittenMeasure]) -> list[int]:
    """Indices of the measures that begin a movement: the first, and where numbers begin anew after a section's end.

    A trio that is numbered by itself belongs to the movement whose Fine it leads back to.
    """
    starts = [0]
    for index in range(1, len(measures)):
        before = measures[index - 1]
        anew = measures[index].number in ("0", "1") and before.number not in ("0", "1")
        if anew and (before.final_barline or before.end_repeat or before.marks & {"da-capo", "dal-segno"}):
            starts.append(index)
    result = [0]
    for start, stop in pairwise([*starts[1:], len(measures)]):
        now = frozenset[str]().union(*(measure.marks for measure in measures[start:stop]))
        last = frozenset[str]().union(*(measure.marks for measure in measures[result[-1] : start]))
        goes_back = "da-capo" in now and "fine" not in now and "fine" in last and not last & {"da-capo", "dal-segno"}
        if not goes_back:
            result.append(start)
    return result


def play_order(measures: list[WrittenMeasure], name: str = "the score") -> list[int]:
    """Indices of ``measures`` in the order they are played, each movement by itself.

    Signs that make no sense (a D.S. without a segno, voltas without a repeat) are left out with a logged line. Raises
    ``ScoreError`` where the repeats unfold to more than ``score_limits.MAX_MEASURES``.
    """
    starts = movement_starts(measures)
    order: list[int] = []
    for start, stop in pairwise([*starts, len(measures)]):
        order += [start + index for index in _Player(measures[start:stop], name).run()]
        if len(order) > MAX_MEASURES:
            raise ScoreError(f"{name}: its repeats unfold to more than {MAX_MEASURES} measures")
    return order


class _Player:
    """Walks the printed measures as a player would."""

    def __init__(self, measures: list[WrittenMeasure], name: str) -> None:
        self._measures = measures
        self._name = name
        self._section_start = 0
        self._times_through = 1
        self._jumped = False
        self._left_at, self._before_trio = 0, -1
        self._to_fine = False
        self._to_coda = False
        codas = [index for index, measure in enumerate(measures) if "coda" in measure.marks]
        self._leave = next((index for index, measure in enumerate(measures) if "to-coda" in measure.marks), None)
        self._leave_after = True
        self._coda = codas[-1] if codas else None
        if self._leave is None and len(codas) >= 2:
            # Two coda signs and no "to coda": the first is where to leave, at the sign, before its measure or after.
            self._leave = codas[0]
        self._last_volta = self._final_passes()
        self._passes = [self._times(index) for index in range(len(measures))]

    def _times(self, index: int) -> int:
        """How often the section that ends with this measure sounds; 1 where no repeat sign ends it."""
        measure = self._measures[index]
        following = self._measures[index + 1] if index + 1 < len(self._measures) else None
        if measure.volta and following is not None and following.volta and following.volta != measure.volta:
            return max(2, measure.end_repeat, self._last_volta[index])  # the sign may be missing, the brackets tell
        if measure.end_repeat and measure.volta:
            return self._last_volta[index] if max(measure.volta) > 1 else max(2, self._last_volta[index])
        return max(1, measure.end_repeat)

    def _final_passes(self) -> list[int]:
        """For each measure under a volta, the highest pass among the voltas that follow each other there; else 0."""
        result = [0] * len(self._measures)
        index = 0
        while index < len(self._measures):
            if not self._measures[index].volta:
                index += 1
                continue
            stop = index
            while stop < len(self._measures) and self._measures[stop].volta:
                stop += 1
            highest = max(max(measure.volta) for measure in self._measures[index:stop])
            result[index:stop] = [highest] * (stop - index)
            index = stop
        return result

    def run(self) -> list[int]:
        order: list[int] = []
        index: int | None = 0
        while index is not None and index < len(self._measures):
            measure = self._measures[index]
            if measure.start_repeat and index != self._section_start:
                self._section_start, self._times_through = index, 1
            if measure.volta and not self._plays_volta(index):
                index += 1
                continue
            order.append(index)
            if len(order) > MAX_MEASURES:
                raise ScoreError(f"{self._name}: its repeats unfold to more than {MAX_MEASURES} measures")
            index = self._next(index)
        if len(set(order)) < len(self._measures):
            log.warning("%s: its repeat signs leave measures out; played straight through", self._name)
            return list(range(len(self._measures)))
        return order

    def _plays_volta(self, index: int) -> bool:
        measure = self._measures[index]
        if self._jumped:
            return self._last_volta[index] in measure.volta
        if self._times_through > self._last_volta[index]:
            return self._last_volta[index] in measure.volta
        return self._times_through in measure.volta

    def _next(self, index: int) -> int | None:
        measure = self._measures[index]
        if self._jumped and self._to_fine and index == self._before_trio:
            return None
        if self._jumped and self._to_fine and "fine" in measure.marks:
            if self._coda is None or self._coda <= self._left_at:
                return None
            self._to_fine = self._to_coda = False  # "D.C. al Fine, e poi la Coda"
            self._section_start = self._coda
            return self._coda
        if self._jumped and self._to_coda and index == self._leave and self._coda is not None and self._coda > index:
            self._to_coda = False
            self._section_start = self._coda
            return self._coda
        if not self._jumped and self._times_through < self._passes[index]:
            self._times_through += 1
            return self._section_start
        if not self._jumped and measure.marks & {"da-capo", "dal-segno"}:
            return self._jump(index)
        following = self._measures[index + 1] if index + 1 < len(self._measures) else None
        ends_section = bool(measure.end_repeat) and not (following is not None and following.volta)
        ends_section = ends_section or measure.final_barline or "fine" in measure.marks
        ends_voltas = bool(measure.volta) and (following is None or not following.volta)
        if ends_section or ends_voltas:
            self._section_start, self._times_through = index + 1, 1
        return index + 1

    def _jump(self, index: int) -> int | None:
        marks = self._measures[index].marks
        target: int | None = 0
        if "dal-segno" in marks:
            target = next((i for i, measure in enumerate(self._measures) if "segno" in measure.marks), None)
            if target is None or target > index:
                log.warning("%s: D.S. in measure %s without a segno; ignored", self._name, self._measures[index].number)
                return index + 1
        self._jumped, self._left_at = True, index
        if self._coda is None and not any("fine" in measure.marks for measure in self._measures):
            trio = next((i for i, measure in enumerate(self._measures[:index]) if "trio" in measure.marks), 0)
            self._before_trio = trio - 1
        self._to_fine = "al-coda" not in marks
        self._to_coda = "al-coda" in marks or ("al-fine" not in marks and self._leave is not None)
        if "al-fine" in marks and not any("fine" in measure.marks for measure in self._measures):
            log.warning("%s: D.C. or D.S. al Fine without a Fine; played to the end", self._name)
        self._section_start, self._times_through = target or 0, 1
        return target
