"""Repeat signs, voltas, D.C., D.S., Fine and Coda: from printed measures to the order in which they are played.

Conventions (as in Gould, Behind Bars, and Stone, Music Notation in the Twentieth Century): a section without an opening
sign repeats from the last closing sign, final barline or Fine, or from the beginning; after D.C. or D.S. repeats are
not taken again and the last volta is played, or the one with the Fine. A coda is new, its repeats are taken. What
follows a D.C. that ended at the Fine is the next section: another trio, say. A file may hold several movements,
numbered each from one: D.C. leads to the beginning of its own.

Where no Fine is written, D.C. ends with the first section (Grove Music Online, "Da capo"): where a fermata stands over
a double bar, before the trio, or at the end of a section (``_unwritten_fine``). Where nothing tells, all is replayed.
"""

import logging
import re
from dataclasses import replace
from itertools import pairwise

from ..errors import ScoreError
from .score_limits import MAX_MEASURES
from .written import WrittenMeasure

log = logging.getLogger(__name__)

_DA_CAPO = re.compile(r"\bd\s*\.\s*c\b|^dc\b|\bda\s+capo\b", re.IGNORECASE)
_DAL_SEGNO = re.compile(r"\bd\s*\.\s*s\b|^ds\b|\bdal\s+segno\b", re.IGNORECASE)
_AL_FINE = re.compile(r"\bal\s+fine\b", re.IGNORECASE)
_TRIO = re.compile(
    r"\W*((i{1,3}|[123]|1er|[23]e|prim[oa]|second[oa]|erstes|zweites|first|second)\W+)?(trio|alternativ[oa]?)\b"
    r"|\W*(men?uet\w*|minuet\w*|gavot\w*|bourr[ée]\w*|passepied|rigaudon|polonaise|rondeau)\W+(ii|2|second[oa]?)\b",
    re.IGNORECASE,
)
_CODA = re.compile(r"\bcoda\b", re.IGNORECASE)
_JUMPS = frozenset({"da-capo", "dal-segno"})


def navigation_of_text(text: str) -> frozenset[str]:
    """What a text says about navigation: any of segno, coda, to-coda, fine, da-capo, dal-segno, al-fine, al-coda."""
    words = " ".join(text.split()).strip(" .()[]")
    if len(words) > 60:
        return frozenset()
    found: set[str] = set()
    if _DA_CAPO.search(words):
        found.add("da-capo")
    if _DAL_SEGNO.search(words):
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
    """Whether a text heads a trio, or a second minuet in its place: D.C. without a Fine ends before it."""
    return _TRIO.match(text) is not None and len(text) <= 40


def movement_starts(measures: list[WrittenMeasure]) -> list[int]:
    """Indices of the measures that begin a movement: the first, and where numbers begin anew after a section's end.

    A trio that is numbered by itself belongs to the movement whose Fine it leads back to.
    """
    starts = [0]
    for index in range(1, len(measures)):
        before, begun = measures[index - 1], measures[index]
        if begun.number not in ("0", "1") or before.number in ("0", "1") or "coda" in begun.marks:
            continue
        ended = before.final_barline or before.end_repeat or before.marks & _JUMPS
        # What follows without a pause comes after a double bar; a coda that it follows so may have none at all.
        ended = ended or (before.double_bar and ("tempo" in begun.marks or _signature(before) != _signature(begun)))
        if ended or any("coda" in measure.marks for measure in measures[starts[-1] + 1 : index]):
            starts.append(index)
    result = [0]
    for start, stop in pairwise([*starts[1:], len(measures)]):
        now = frozenset[str]().union(*(measure.marks for measure in measures[start:stop]))
        last = frozenset[str]().union(*(measure.marks for measure in measures[result[-1] : start]))
        is_trio = "trio" in measures[start].marks or "fine" in last
        if not ("da-capo" in now and "fine" not in now and is_trio and not last & _JUMPS):
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
        order += [start + index for index in _movement_order(measures[start:stop], name)]
        if len(order) > MAX_MEASURES:
            raise ScoreError(f"{name}: its repeats unfold to more than {MAX_MEASURES} measures")
    return order


def _movement_order(measures: list[WrittenMeasure], name: str) -> list[int]:
    """The order of one movement. Brackets whose turn never comes (a first ending that is called second) are none."""
    order = _Player(measures, name).run()
    missed = set(range(len(measures))) - set(order)
    if any(measures[index].volta for index in missed):
        log.warning("%s: no repeat leads to measure %s; its bracket is left out", name, measures[min(missed)].number)
        plain = [replace(m, volta=frozenset()) if index in missed else m for index, m in enumerate(measures)]
        order = _Player(plain, name).run()
    if len(set(order)) < len(measures):
        log.warning("%s: its repeat signs leave measures out; played straight through", name)
        return list(range(len(measures)))
    return order


def _signature(measure: WrittenMeasure) -> tuple[int, int, int]:
    return measure.sharps, measure.numerator, measure.denominator


class _Player:
    """Walks the printed measures as a player would."""

    def __init__(self, measures: list[WrittenMeasure], name: str) -> None:
        self._measures = measures
        self._name = name
        self._section_start = 0
        self._times_through = 1
        self._jumped = False
        self._left_at = 0
        self._fine: int | None = None
        """Where a D.C. ends that is under way."""
        self._taken: set[int] = set()
        """The measures whose D.C. or D.S. was taken: each is taken once."""
        self._to_coda = False
        codas = [index for index, measure in enumerate(measures) if "coda" in measure.marks]
        self._leave = next((index for index, measure in enumerate(measures) if "to-coda" in measure.marks), None)
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
            plays = not measure.volta or self._plays_volta(index)  # by the pass of the section that it ends
            if measure.start_repeat and index != self._section_start and plays:
                self._section_start, self._times_through = index, 1
            if not plays:
                index += 1
                continue
            order.append(index)
            if len(order) > MAX_MEASURES:
                raise ScoreError(f"{self._name}: its repeats unfold to more than {MAX_MEASURES} measures")
            index = self._next(index)
        return order

    def _plays_volta(self, index: int) -> bool:
        measure = self._measures[index]
        if self._jumped:
            passes = self._measures[self._fine].volta if self._fine is not None else frozenset[int]()
            if passes and self._group_of(index) == self._group_of(self._fine or 0):
                return measure.volta == passes
            return self._last_volta[index] in measure.volta
        if self._times_through > self._last_volta[index]:
            return self._last_volta[index] in measure.volta
        return self._times_through in measure.volta

    def _group_of(self, index: int) -> int:
        """The first measure of the voltas that follow each other at ``index``."""
        while index and self._measures[index - 1].volta:
            index -= 1
        return index

    def _next(self, index: int) -> int | None:
        measure = self._measures[index]
        if self._jumped and index == self._fine:
            if self._coda is not None and self._coda > self._left_at:
                return self._go_on_at(self._coda)  # "D.C. al Fine, e poi la Coda"
            return self._go_on_at(self._left_at + 1)
        if self._jumped and self._to_coda and index == self._leave and self._coda is not None and self._coda > index:
            return self._go_on_at(self._coda)
        if not self._jumped and self._times_through < self._passes[index]:
            self._times_through += 1
            return self._section_start
        if self._jumped and index == self._left_at:
            self._jumped = False
        if not self._jumped and measure.marks & _JUMPS and index not in self._taken:
            return self._jump(index)
        following = self._measures[index + 1] if index + 1 < len(self._measures) else None
        bracketed = following is not None and bool(following.volta)
        ends_section = bool(measure.end_repeat) or measure.final_barline or "fine" in measure.marks
        if not bracketed and (ends_section or (measure.volta and not measure.start_repeat)):
            self._section_start, self._times_through = index + 1, 1
        return index + 1

    def _go_on_at(self, index: int) -> int:
        """What was jumped back for is over: go on with what was not played yet, be it under a bracket."""
        self._jumped, self._to_coda, self._fine = False, False, None
        volta = self._measures[index].volta if index < len(self._measures) else frozenset[int]()
        self._section_start, self._times_through = index, max(volta, default=1)
        return index

    def _jump(self, index: int) -> int:
        marks = self._measures[index].marks
        self._taken.add(index)
        target = 0
        if "dal-segno" in marks:
            target = next((i for i, measure in enumerate(self._measures[: index + 1]) if "segno" in measure.marks), -1)
            if target < 0 and "da-capo" in marks:
                target = 0
            if target < 0:
                log.warning("%s: D.S. in measure %s without a segno; ignored", self._name, self._measures[index].number)
                return index + 1
        self._to_coda = "al-coda" in marks or ("al-fine" not in marks and self._leave is not None)
        self._fine = None if "al-coda" in marks else self._written_fine(target, index)
        if self._fine is None and not self._to_coda:
            if "trio" in self._measures[target].marks:
                log.warning("%s: D.C. from a trio to what is not in the file; ignored", self._name)
                return index + 1
            self._fine = self._unwritten_fine(target, index)
            if "al-fine" in marks and self._fine is None:
                log.warning("%s: D.C. or D.S. al Fine without a Fine; played to the end", self._name)
        self._jumped, self._left_at = True, index
        self._section_start, self._times_through = target, 1
        return target

    def _written_fine(self, target: int, left_at: int) -> int | None:
        return next((i for i in range(target, left_at + 1) if "fine" in self._measures[i].marks), None)

    def _unwritten_fine(self, target: int, left_at: int) -> int | None:
        """Where a D.C. ends that says no Fine: the last measure of the first section; None where nothing tells it.

        The plainest sign counts: a trio's heading; a fermata over a section's end; the last section's end in the key
        and meter of the beginning before others; a final barline or a new tempo; the only repeat sign on the way, or
        the second of three (a minuet's two and the trio's first).
        """
        trio = next((i for i in range(target + 1, left_at + 1) if "trio" in self._measures[i].marks), None)
        if trio is not None:
            return trio - 1
        if self._coda is not None and self._coda > left_at:
            return None  # "da capo, poi la Coda": up to here
        ends = [i for i in range(target, left_at) if self._ends_section(i)]
        home = _signature(self._measures[target])
        held = [i for i in ends if "held" in self._measures[i].marks]
        leaving = [i for i in ends if _signature(self._measures[i]) == home != _signature(self._measures[i + 1])]
        plain = [i for i in ends if self._measures[i].final_barline or "tempo" in self._measures[i + 1].marks]
        repeats = [i for i in ends if self._measures[i].end_repeat or self._measures[i].volta]
        middle = repeats[len(repeats) // 2 :] if len(repeats) in (1, 3) else []
        return next(iter([*held[:1], *leaving[-1:], *plain, *middle]), None)

    def _ends_section(self, index: int) -> bool:
        measure, following = self._measures[index], self._measures[index + 1]
        if measure.volta or measure.end_repeat:
            return not following.volta
        return measure.final_barline or measure.double_bar
