"""Dynamic marks, hairpins and their text as a level 0–1 for every note.

The ladder has equal steps around mf = 0.55, which ``engine.units.dynamic_to_velocity`` maps to MIDI velocity 70.
``pf`` is Brahms's and Haydn's poco forte.
"""

import bisect
import re
from dataclasses import dataclass

from ..score import NoteFlag
from .written import MEZZO_FORTE, WrittenNote

_LADDER = {
    "n": 0.04,
    "pppp": 0.08,
    "ppp": 0.14,
    "pp": 0.22,
    "p": 0.33,
    "mp": 0.45,
    "mf": MEZZO_FORTE,
    "pf": 0.62,
    "f": 0.70,
    "ff": 0.84,
    "fff": 0.94,
    "ffff": 1.0,
}
_STEP = 0.13
"""How far a hairpin goes when no mark says where."""
_TEXT_HAIRPIN_QUARTERS = 16.0
"""How long "cresc." works when neither a mark nor a dash line ends it."""
_ACCENT = re.compile(r"[sr](f+)z?|(f+)z")
_LEVEL_WORDS = re.compile(r"(p{1,6}|mp|mf|f{1,6})")
_CRESCENDO = re.compile(r"\bcres(c|z)", re.IGNORECASE)
_DIMINUENDO = re.compile(r"\b(dim(in)?\b|dimin|decres|morendo|smorz|calando|perdendo)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DynamicMark:
    """A printed dynamic such as ``mf``, ``sfz`` or ``fp``, at a staff of its part, ``above`` it or not."""

    quarter: float
    measure: int
    text: str
    staff: int = 1
    above: bool = False


@dataclass(frozen=True, slots=True)
class Hairpin:
    """A crescendo or diminuendo. ``end`` is where it stops, ``open_ended`` when only text ("cresc.") starts it."""

    start: float
    end: float
    rising: bool
    open_ended: bool = False
    staff: int = 1


def hairpin_from_text(text: str, quarter: float, measure: int, staff: int = 1) -> Hairpin | None:
    """The hairpin that words such as "poco cresc." stand for."""
    if len(text) > 40:
        return None
    if _CRESCENDO.search(text):
        return Hairpin(quarter, quarter + _TEXT_HAIRPIN_QUARTERS, True, open_ended=True, staff=staff)
    if _DIMINUENDO.search(text):
        return Hairpin(quarter, quarter + _TEXT_HAIRPIN_QUARTERS, False, open_ended=True, staff=staff)
    return None


def mark_level(text: str) -> tuple[float | None, float | None, bool]:
    """(level of the note under the mark, level after it, accented); None leaves the level as it was.

    ``fp`` is loud then soft, ``sf`` and its relatives accent without changing the level, ``sfp`` accents then is soft,
    ``fsf`` is an accent at a new level, ``sff`` and ``ffz`` are loud whatever was before.
    """
    mark = text.strip().lower().rstrip(".")
    if mark in _LADDER:
        return _LADDER[mark], _LADDER[mark], False
    accent = _ACCENT.search(mark)
    if accent:
        before = _LADDER.get(mark[: accent.start()])
        tail = re.search(r"p+$", mark)
        after = _LADDER.get(tail.group(), 0.08) if tail else before
        strong = len(accent.group(1) or accent.group(2)) > 1
        return max(before or 0.0, _LADDER["f"]) if strong else before, after, True
    levels = [_LADDER.get(word, 1.0 if "f" in word else 0.08) for word in _LEVEL_WORDS.findall(mark)]
    if not levels:
        return None, None, False
    return levels[0], levels[-1], len(levels) > 1 and levels[0] > levels[-1]


def apply_dynamics(
    notes: list[WrittenNote], marks: list[DynamicMark], hairpins: list[Hairpin], *, shared: bool = True
) -> None:
    """Set ``dynamic`` (and SFORZATO) of a part's notes from its marks, in printed time.

    Where a part has several staves, a mark is for all of them if they are ``shared`` by one player's hands, except for
    a staff that has a mark of its own there; if not, for its staff, once that has any. Two marks at one place, one
    above the staff and one below, are for its upper and its lower voice.
    """
    if not notes or not (marks or hairpins):
        return
    staves = {written.staff for written in notes}
    if len(staves) > 1 and len({mark.staff for mark in marks} | {hairpin.staff for hairpin in hairpins}) > 1:
        for staff in staves:
            own = [written for written in notes if written.staff == staff]
            _apply_to_staff(own, *_of_staff(marks, hairpins, staff, shared))
    else:
        _apply_to_staff(notes, marks, hairpins)


def _of_staff(
    marks: list[DynamicMark], hairpins: list[Hairpin], staff: int, shared: bool
) -> tuple[list[DynamicMark], list[Hairpin]]:
    own = [mark for mark in marks if mark.staff == staff]
    own_hairpins = [hairpin for hairpin in hairpins if hairpin.staff == staff]
    if not shared:
        return (own, own_hairpins) if own else (marks, hairpins)
    places = {round(mark.quarter, 6) for mark in own if mark_level(mark.text)[1] is not None}
    begun = {round(hairpin.start, 6) for hairpin in own_hairpins}
    return (
        [mark for mark in marks if mark.staff == staff or round(mark.quarter, 6) not in places],
        [one for one in hairpins if one.staff == staff or round(one.start, 6) not in begun],
    )


def _apply_to_staff(notes: list[WrittenNote], marks: list[DynamicMark], hairpins: list[Hairpin]) -> None:
    above, below = _marks_of_voices(marks)
    voices = sorted({written.voice for written in notes if written.voice}) if above else []
    if len(voices) < 2:
        _set_levels(notes, _Curve(marks, hairpins))
        return
    upper = [mark for mark in marks if id(mark) not in below]
    lower = [mark for mark in marks if id(mark) not in above]
    curves = _Curve(upper, hairpins), _Curve(lower, hairpins)
    _set_levels([written for written in notes if written.voice in ("", voices[0])], curves[0])
    _set_levels([written for written in notes if written.voice not in ("", voices[0])], curves[1])


def _marks_of_voices(marks: list[DynamicMark]) -> tuple[set[int], set[int]]:
    """The ids of marks for the upper and for the lower voice only."""
    places: dict[tuple[float, int], list[DynamicMark]] = {}
    for mark in marks:
        places.setdefault((round(mark.quarter, 6), mark.staff), []).append(mark)
    above: set[int] = set()
    below: set[int] = set()
    for group in places.values():
        if any(mark.above for mark in group) and not all(mark.above for mark in group):
            above |= {id(mark) for mark in group if mark.above}
            below |= {id(mark) for mark in group if not mark.above}
    return above, below


def _set_levels(notes: list[WrittenNote], curve: "_Curve") -> None:
    for written in notes:
        written.dynamic, accented = curve.at(written.onset)
        if accented:
            written.flags |= NoteFlag.SFORZATO


class _Curve:
    """The level of a part over printed time, piecewise constant with ramps."""

    def __init__(self, marks: list[DynamicMark], hairpins: list[Hairpin]) -> None:
        self._own: dict[float, float] = {}
        self._accents: set[float] = set()
        self._steps: set[float] = set()
        steps: dict[float, float] = {}
        for mark in sorted(marks, key=lambda item: item.quarter):
            own, after, accented = mark_level(mark.text)
            quarter = round(mark.quarter, 6)
            if accented:
                self._accents.add(quarter)
            if own is not None and own != after:
                self._own[quarter] = own
            if after is not None:
                steps[quarter] = after
                self._steps.add(quarter)
        # (start, end, from level, to level), then constant; in order of start.
        self._ramps: list[tuple[float, float, float, float]] = []
        self._quarters, self._levels = [float("-inf")], [MEZZO_FORTE]
        events: list[tuple[float, int, Hairpin | float]] = [(quarter, 0, level) for quarter, level in steps.items()]
        events += [(round(hairpin.start, 6), 1, hairpin) for hairpin in hairpins]
        events.sort(key=lambda event: event[:2])
        step_quarters = sorted(steps)
        for quarter, kind, value in events:
            if kind == 0:
                assert isinstance(value, float)
                self._set(quarter, value)
            else:
                assert isinstance(value, Hairpin)
                self._ramp(value, quarter, steps, step_quarters)

    def _set(self, quarter: float, level: float) -> None:
        self._quarters.append(quarter)
        self._levels.append(level)

    def _ramp(self, hairpin: Hairpin, start: float, steps: dict[float, float], step_quarters: list[float]) -> None:
        begin = self._level(start)
        following = bisect.bisect_right(step_quarters, start + 1e-6)
        end, target = max(hairpin.end, start + 0.25), None
        if following < len(step_quarters):
            mark = step_quarters[following]
            # A mark inside the hairpin or just behind it says where it leads.
            if mark <= end + 1.01:
                end = mark
                if (steps[mark] > begin) == hairpin.rising:
                    target = steps[mark]
        if target is None:
            target = begin + (_STEP if hairpin.rising else -_STEP)
        target = max(0.06, min(1.0, target))
        self._ramps.append((start, end, begin, target))
        if end not in steps:
            self._set(end, target)
            if self._quarters[-2] > end:
                order = sorted(range(len(self._quarters)), key=lambda index: self._quarters[index])
                self._quarters = [self._quarters[index] for index in order]
                self._levels = [self._levels[index] for index in order]

    def _level(self, quarter: float) -> float:
        level = self._levels[bisect.bisect_right(self._quarters, quarter + 1e-6) - 1]
        last = bisect.bisect_right(self._ramps, quarter + 1e-6, key=lambda ramp: ramp[0]) - 1
        if last >= 0:
            start, end, begin, target = self._ramps[last]
            if quarter < end - 1e-6:
                return begin + (target - begin) * (quarter - start) / (end - start)
        return level

    def at(self, quarter: float) -> tuple[float, bool]:
        """Level and accent of a note that starts at ``quarter``."""
        place = round(quarter, 6)
        level, accented = self._level(quarter), place in self._accents
        own = self._own.get(place, level)
        return max(own, level) if accented and place not in self._steps else own, accented
