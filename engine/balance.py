"""How much louder or softer each part plays than marks and baton ask, by what hands asked of its section."""

from collections.abc import Iterable, Mapping

from .types import ScorePosition, Sign

CUE_LEVEL = 0.14
"""Who is cued comes forward by this part of the dynamic range: about 4 dB and a brighter sound,"""
CUE_BARS, CUE_FADE_BARS = 1.0, 1.0
"""for so many bars, and so many more in which it fades."""
RECENTRE_BEATS = 96.0
"""What a raised or lowered hand asked for is kept, and wears off with this memory."""


class SectionBalance:
    """Level offsets by part from the signs so far. One thread; a few microseconds a step."""

    def __init__(self, sections: Mapping[str, frozenset[int]], parts: int) -> None:
        """``sections`` are the parts that each section plays, ``parts`` how many the score has."""
        self._sections = dict(sections)
        self._parts = parts
        self._asked: dict[str | None, float] = {}
        self._cued: dict[str | None, tuple[float, float]] = {}
        self._beat = 0.0

    def step(self, position: ScorePosition, beats_in_measure: int, signs: Iterable[Sign]) -> tuple[float, ...]:
        """Take the signs of this step; the offset of every part now, in parts of the dynamic range."""
        played = max(0.0, position.beat - self._beat)
        self._beat = position.beat
        for section in list(self._asked):
            self._asked[section] *= 1.0 - min(1.0, played / RECENTRE_BEATS)
        for sign in signs:
            if sign.kind in ("raise", "hush"):
                self._asked[sign.section] = sign.amount
            elif sign.kind == "cue":
                self._cued[sign.section] = (position.beat, float(max(1, beats_in_measure)))
        offsets = [self._asked.get(None, 0.0) + self._forward(None)] * self._parts
        for section, parts in self._sections.items():
            own = self._asked.get(section, 0.0) + self._forward(section)
            for part in parts if own else ():
                offsets[part] += own
        return tuple(offsets)

    def _forward(self, section: str | None) -> float:
        """What is left of the emphasis of a cue."""
        if section not in self._cued:
            return 0.0
        since, bar = self._cued[section]
        faded = ((self._beat - since) / bar - CUE_BARS) / CUE_FADE_BARS
        if faded >= 1.0 or self._beat < since:
            del self._cued[section]
            return 0.0
        return CUE_LEVEL * (1.0 - max(0.0, faded))
