"""Tempo marks: metronome marks, and what a conductor would take for words such as "Allegro con brio".

The words' tempi are about the middle of the ranges printed on metronomes, in beats of a simple meter over quarters;
``quarter_bpm_of_word`` fits them to other meters.
"""

import bisect
import re
from dataclasses import dataclass

from .repeats import movement_starts
from .written import WrittenMeasure, WrittenTempo

_WORDS: tuple[tuple[str, float], ...] = (
    (r"larghissimo", 28),
    (r"grave|gravement", 44),
    (r"larghetto", 62),
    (r"largo|large", 48),
    (r"lentissimo", 40),
    (r"lento|lent|lentement|langsam|slow|slowly", 54),
    (r"adagietto", 66),
    (r"adagio", 56),
    (r"andantino", 88),
    (r"andante|gehend|going|walking", 80),
    (r"allegretto", 108),
    (r"allegro|fast|schnell|rasch|geschwind|quick|quickly", 132),
    (r"allegrissimo", 168),
    (r"prestissimo", 200),
    (r"presto|very fast", 184),
    (r"vivacissimo", 180),
    (r"vivace|vivo|vif|vivement|lebhaft|lively", 152),
    (r"anim[ée]|animato|bewegt", 126),
    (r"moderato|mod[ée]r[ée]|m[äa](ss|ß)ig|moderately", 104),
    (r"tempo di valse|valse|walzer|waltz", 186),
    (r"(tempo di )?(menuetto|minuetto|menuet|minuet|menuett)", 126),
    (r"scherzo", 240),
    (r"alla marcia|tempo di marcia|marcia|march|marsch", 112),
    (r"maestoso", 88),
    (r"sostenuto assai", 60),
)
_WORD_PATTERNS = tuple((re.compile(rf"(?<!\w)({pattern})(?!\w)", re.IGNORECASE), bpm) for pattern, bpm in _WORDS)
_FASTER = re.compile(r"(?<!\w)(molto|assai|con brio|con fuoco|vivace|sehr|tr[èe]s|very)(?!\w)", re.IGNORECASE)
_SLOWER = re.compile(
    r"(?<!\w)(non troppo|non tanto|ma non|moderato|maestoso|nicht zu|pas trop|poco)(?!\w)", re.IGNORECASE
)
_RELATIVE: tuple[tuple[re.Pattern[str], float], ...] = (
    (re.compile(r"doppio movimento|doppelt so schnell", re.IGNORECASE), 2.0),
    (
        re.compile(r"(?<!\w)meno (mosso|allegro|presto|vivo|vivace|animato)|plus lent|langsamer|slower", re.IGNORECASE),
        0.85,
    ),
    (
        re.compile(
            r"(?<!\w)pi[uù] (mosso|allegro|presto|vivo|vivace|animato|stretto)|plus (vite|anim[ée])", re.IGNORECASE
        ),
        1.15,
    ),
    (re.compile(r"(?<!\w)pi[uù] (lento|tranquillo|adagio|largo)", re.IGNORECASE), 0.85),
    (re.compile(r"^(un poco |poco )?(stretto|animez|schneller|faster|quicker)(?!\w)", re.IGNORECASE), 1.12),
    (re.compile(r"(?<!\w)l'?istesso tempo", re.IGNORECASE), 1.0),
)
_FIRST_TEMPO = re.compile(r"tempo (i|1|1o|1[°º]|primo|prima)(?!\w)|(?<!\w)i\.? tempo", re.IGNORECASE)
_A_TEMPO = re.compile(r"(?<!\w)a tempo(?!\w)|im tempo|au mouvement|im zeitma(ss|ß)", re.IGNORECASE)
_GRADUAL = re.compile(r"(?<!\w)(rit|ritard|ritardando|rall|rallent|accel|string|allarg|slent)", re.IGNORECASE)

SLOWEST_QUARTER_BPM = 8.0
FASTEST_QUARTER_BPM = 900.0


@dataclass(frozen=True, slots=True)
class TempoMark:
    """One printed or hidden tempo mark: words, a number, or a ratio to the tempo before (metric modulation)."""

    quarter: float
    measure: int
    text: str = ""
    quarter_bpm: float = 0.0
    referent: float = 0.0
    visible: bool = True
    ratio: float = 0.0


def is_tempo_word(text: str) -> bool:
    """Whether words set a tempo (rather than bend it, as rit. does, or say something else)."""
    if len(text) > 80 or _GRADUAL.match(text.strip(" .([")):
        return False
    if _FIRST_TEMPO.search(text) or _A_TEMPO.search(text):
        return True
    return any(pattern.search(text) for pattern, _ratio in _RELATIVE) or _first_word(text) is not None


def _first_word(text: str) -> tuple[int, int, float] | None:
    """(start, end, beats per minute) of the tempo word that comes first in ``text``."""
    best: tuple[int, int, float] | None = None
    for pattern, bpm in _WORD_PATTERNS:
        match = pattern.search(text)
        if match is not None and (best is None or (match.start(), -match.end()) < (best[0], -best[1])):
            best = (match.start(), match.end(), bpm)
    return best


def quarter_bpm_of_word(text: str, numerator: int, denominator: int) -> float | None:
    """Quarters per minute of tempo words in a meter; None where there are none.

    Over halves the same word is taken a little slower in beats (Allegro alla breve: half = 84), in compound meters the
    dotted beat is slower too (Andante 6/8: dotted quarter = 58), over eighths the eighth is the beat.
    """
    found = _first_word(text)
    if found is None:
        return None
    start, end, bpm = found
    modifiers = f"{text[:start]} {text[end:]}"
    lively = bpm >= 70
    if _SLOWER.search(modifiers) and lively:
        bpm *= 0.9
    elif _FASTER.search(modifiers):
        bpm *= 1.12 if lively else 0.85
    if numerator % 3 == 0 and numerator > 3:
        return bpm * 0.72 * 1.5 * 4.0 / denominator * (2.0 if denominator >= 8 else 1.0)
    if denominator <= 2:
        return bpm * 0.64 * 4.0 / denominator
    if denominator >= 8:
        return bpm * 1.45 * 4.0 / denominator
    return bpm


def default_quarter_bpm(numerator: int, denominator: int) -> float:
    """Tempo of a score that says nothing: an unhurried pace in its own beats."""
    return quarter_bpm_of_word("moderato", numerator, denominator) or 104.0


def resolve_tempos(marks: list[TempoMark], measures: list[WrittenMeasure]) -> list[WrittenTempo]:
    """The tempo marks in order, one per place, each with a number; the first is at the start of the score.

    Of several marks at one place a printed number wins over a hidden one, that over words.
    """
    starts = [measure.start for measure in measures]
    result: list[WrittenTempo] = []
    first_structural: float | None = None
    current: float | None = None
    structural_now: float | None = None
    by_place: dict[float, list[TempoMark]] = {}
    for mark in marks:
        by_place.setdefault(round(mark.quarter, 4), []).append(mark)
    movements = movement_starts(measures)
    movement = 0
    for quarter in sorted(by_place):
        group = by_place[quarter]
        index = max(0, bisect.bisect_right(starts, quarter + 1e-6) - 1)
        if bisect.bisect_right(movements, index) - 1 != movement:  # its Tempo I is its own first
            movement = bisect.bisect_right(movements, index) - 1
            first_structural = structural_now = None
        meter = (measures[index].numerator, measures[index].denominator)
        current = current or default_quarter_bpm(*meter)
        number = max((mark for mark in group if mark.quarter_bpm > 0), key=lambda mark: mark.visible, default=None)
        words = next((mark.text for mark in group if mark.text), "")
        ratio = next((mark.ratio for mark in group if mark.ratio > 0), 0.0)
        structural = bool(words) or ratio > 0 or (number is not None and number.visible)
        referent = 0.0
        felt = 0.0
        if number is not None:
            bpm, referent = number.quarter_bpm, number.referent
            if words and not number.visible and (meter[1] != 4 or meter[0] in (6, 9, 12)):
                # Programs give words the same quarters a minute in every meter; the conductor knows better.
                felt = quarter_bpm_of_word(words, *meter) or 0.0
        elif ratio > 0:
            bpm = current * ratio
        else:
            bpm = _bpm_of_words(words, meter, current, first_structural, structural_now)
        bpm = max(SLOWEST_QUARTER_BPM, min(FASTEST_QUARTER_BPM, bpm))
        current = bpm
        if structural or first_structural is None:
            structural_now = bpm
            first_structural = first_structural or bpm
        result.append(WrittenTempo(quarter, index, bpm, referent, structural, felt))
    if not result or result[0].quarter > 1e-6:
        meter = (measures[0].numerator, measures[0].denominator)
        # A first mark within the first two measures stands for the whole beginning.
        early = result and result[0].measure <= 1
        bpm = result[0].quarter_bpm if early else default_quarter_bpm(*meter)
        result.insert(0, WrittenTempo(0.0, 0, bpm, result[0].referent if early else 0.0))
    result[0].structural = True
    return result


def _bpm_of_words(
    words: str, meter: tuple[int, int], current: float, first: float | None, structural_now: float | None
) -> float:
    if _FIRST_TEMPO.search(words) and first is not None:
        return first
    if _A_TEMPO.search(words) and structural_now is not None:
        return structural_now
    for pattern, ratio in _RELATIVE:
        if pattern.search(words):
            return current * ratio
    return quarter_bpm_of_word(words, *meter) or current
