"""Dynamic marks, hairpins and their text as a level 0–1 for every note.

The ladder has equal steps around mf = 0.55, which ``engine.units.dynamic_to_velocity`` maps to MIDI velocity 70.
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
    "f": 0.70,
    "ff": 0.84,
    "fff": 0.94,
    "ffff": 1.0,
}
_STEP = 0.13
"""How far a hairpin goes when no mark says where."""
_TEXT_HAIRPIN_QUARTERS = 16.0
"""How long "cresc." works when neither a mark nor a dash line ends it."""
_ACCENT_WORDS = re.compile(r"^(s|r)f+z?|^s?f+z|^rf|^sf|^fz")
_LEVEL_WORDS = re.compile(r"(p{1,6}|mp|mf|f{1,6})")
_CRESCENDO = re.compile(r"\bcres(c|z)", re.IGNORECASE)
_DIMINUENDO = re.compile(r"\b(dim(in)?\b|dimin|decres|morendo|smorz|calando|perdendo)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DynamicMark:
    """A printed dynamic such as ``mf``, ``sfz`` or ``fp``."""

    quarter: float
    measure: int
    text: str


@dataclass(frozen=True, slots=True)
class Hairpin:
    """A crescendo or diminuendo. ``end`` is where it stops, ``open_ended`` when only text ("cresc.") starts it."""

    start: float
    end: float
    rising: bool
    open_ended: bool = False


def hairpin_from_text(text: str, quarter: float, measure: int) -> Hairpin | None:
    """The hairpin that words such as "poco cresc." stand for."""
    if len(text) > 40:
        return None
    if _CRESCENDO.search(text):
        return Hairpin(quarter, quarter + _TEXT_HAIRPIN_QUARTERS, True, open_ended=True)
    if _DIMINUENDO.search(text):
        return Hairpin(quarter, quarter + _TEXT_HAIRPIN_QUARTERS, False, open_ended=True)
    return None


def mark_level(text: str) -> tuple[float | None, float | None, bool]:
    """(level of the note under the mark, level after it, accented); None leaves the level as it was.

    ``fp`` is loud then soft, ``sf`` and its relatives accent without changing the level, ``sfp`` accents then is soft.
    """
    mark = text.strip().lower().rstrip(".")
    accented = bool(_ACCENT_WORDS.match(mark))
    if mark in _LADDER:
        return _LADDER[mark], _LADDER[mark], False
    if accented:
        tail = re.search(r"p+$", mark)
        level = _LADDER.get(tail.group(), 0.08) if tail else None
        return None, level, True
    levels = [_LADDER.get(word, 1.0 if "f" in word else 0.08) for word in _LEVEL_WORDS.findall(mark)]
    if not levels:
        return None, None, False
    return levels[0], levels[-1], len(levels) > 1 and levels[0] > levels[-1]


def apply_dynamics(notes: list[WrittenNote], marks: list[DynamicMark], hairpins: list[Hairpin]) -> None:
    """Set ``dynamic`` (and SFORZATO) of a part's notes from its marks, in printed time."""
    if not notes or not (marks or hairpins):
        return
    curve = _Curve(marks, hairpins)
    for written in notes:
        written.dynamic, accented = curve.at(written.onset)
        if accented:
            written.flags |= NoteFlag.SFORZATO


class _Curve:
    """The level of a part over printed time, piecewise constant with ramps."""

    def __init__(self, marks: list[DynamicMark], hairpins: list[Hairpin]) -> None:
        self._own: dict[float, float] = {}
        self._accents: set[float] = set()
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
        return self._own.get(place, self._level(quarter)), place in self._accents
