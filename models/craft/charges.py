"""What each rule of part-writing charges a voice's next event: the arithmetic behind ``models.craft.rules``.

A charge adds, for one voice and perhaps one other, what every possible event costs: an array of ``COSTS`` numbers, one
for the onset of each MIDI pitch, then one for ``REST`` and one for ``HOLD``, so that these codes index it as they are.
Voices are numbered from the highest to the lowest.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from .chords import within_one_chord
from .scales import Scale

HOLD, REST, UNKNOWN = -1, -2, -3
"""What a voice may do besides beginning a pitch: let the note sound on, be silent; ``UNKNOWN`` is not decided yet."""
PITCHES = 128
COSTS = PITCHES + 2

Costs = npt.NDArray[np.float64]
Charge = Callable[["StepContext", int, int, Costs, float], None]
"""(context, voice, other voice, costs to add to, weight)."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """All that rules look at when a voice's next event is chosen; each tuple has an entry per voice, highest first.

    ``before`` is the pitch that sounded just before this step (``REST`` for silence), ``now`` the pitch that sounds at
    this step, held or begun (``REST`` silence, ``UNKNOWN`` not decided yet), and ``onsets`` whether it begins here.
    ``strength`` is the metrical weight of the step, 1 on the downbeat to 0 between beats. ``ranges`` are the lowest and
    highest pitch of each voice's instrument. ``scale`` and ``chord`` (pitch classes) are what is asked for, or None.
    """

    before: tuple[int, ...]
    now: tuple[int, ...]
    onsets: tuple[bool, ...]
    strength: float = 0.0
    ranges: tuple[tuple[int, int], ...] = ()
    scale: Scale | None = None
    chord: frozenset[int] | None = None


def parallel(interval: int) -> Charge:
    """Two voices that move the same way from a perfect interval to one of its kind."""

    def charge(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
        was, other_was, other_is = context.before[voice], context.before[other], context.now[other]
        if was < 0 or other_was < 0 or other_is == other_was or abs(was - other_was) % 12 != interval:
            return
        _charge_reached(
            was, other_is, other_is > other_was, interval, _side(was, other_was, voice, other), costs, weight
        )

    return charge


def _side(was: int, other_was: int, voice: int, other: int) -> bool:
    """Whether the voice lies above the other; in unison the higher part does."""
    return was > other_was or (was == other_was and voice < other)


def _charge_reached(
    was: int, other_is: int, rising: bool, interval: int, above: bool, costs: Costs, weight: float, step: int = 0
) -> None:
    """Charge pitches that lie ``interval`` (mod 12) from ``other_is`` on this side, more than ``step`` semitones off
    ``was`` in the direction of motion."""
    lowest, highest = (was + 1 + step, PITCHES) if rising else (0, was - step)
    residue = (other_is + interval) % 12 if above else (other_is - interval) % 12
    if above:
        lowest = max(lowest, other_is)
    else:
        highest = min(highest, other_is + 1)
    lowest += (residue - lowest) % 12
    if lowest < highest:
        costs[lowest:highest:12] += weight


def hidden(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    last = len(context.before) - 1
    if (voice, other) not in ((0, last), (last, 0)):
        return
    was, other_was, other_is = context.before[voice], context.before[other], context.now[other]
    if was < 0 or other_was < 0 or other_is == other_was:
        return
    upper_is_voice = voice == 0
    if not upper_is_voice and abs(other_is - other_was) <= 2:
        return
    least = 2 if upper_is_voice else 0
    for interval in (0, 7):
        if abs(was - other_was) % 12 != interval:
            _charge_reached(was, other_is, other_is > other_was, interval, upper_is_voice, costs, weight, least)


def out_of_range(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    if not context.ranges:
        return
    low, high = context.ranges[voice]
    costs[:low] += weight * _BEYOND[PITCHES - low :]
    costs[high + 1 : PITCHES] += weight * _BEYOND[::-1][: PITCHES - 1 - high]


def crossing(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    limit, held = context.now[other], context.before[voice]
    if other < voice:
        costs[limit + 1 : PITCHES] += weight
        crossed = held > limit
    else:
        costs[:limit] += weight
        crossed = 0 <= held < limit
    if crossed:
        costs[HOLD] += weight


def spacing(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    if abs(voice - other) != 1:
        return
    widest = 24 if max(voice, other) == len(context.before) - 1 else 12
    pitch, held = context.now[other], context.before[voice]
    if other < voice:
        costs[: max(0, pitch - widest)] += weight
        wide = 0 <= held < pitch - widest
    else:
        costs[pitch + widest + 1 : PITCHES] += weight
        wide = held > pitch + widest
    if wide:
        costs[HOLD] += weight


def unprepared(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    pitch, was = context.now[other], context.before[voice]
    clash = weight * _CLASH[PITCHES - 1 - pitch : 2 * PITCHES - 1 - pitch]
    if was >= 0:
        clash[max(0, was - 2) : was + 3] *= 0.5 if context.strength >= STRONG else 0.0  # appoggiatura, passing note
        clash[was] = 0.0  # prepared
    costs[:PITCHES] += clash


def unresolved(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    was, other_was = context.before[voice], context.before[other]
    if was < 0 or other_was < 0 or context.onsets[other] or context.now[other] != other_was:
        return
    severity = weight * float(_CLASH[PITCHES - 1 + was - other_was])
    if severity:
        costs[: max(0, was - 2)] += severity
        costs[was + 3 : PITCHES] += severity


def leap(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    was = context.before[voice]
    if was >= 0:
        costs[:PITCHES] += weight * LEAP_SEVERITIES[PITCHES - 1 - was : 2 * PITCHES - 1 - was]


def doubled_leading_note(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    leading = None if context.scale is None else context.scale.leading_note
    if leading is None or context.now[other] % 12 != leading:
        return
    costs[leading:PITCHES:12] += weight
    if context.before[voice] >= 0 and context.before[voice] % 12 == leading:
        costs[HOLD] += weight


def off_chord(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    if context.chord is None:
        return
    outside, was = weight * _outside(context.chord), context.before[voice]
    if was >= 0 and context.strength < STRONG:
        outside[max(0, was - 2) : was + 3] *= 0.25  # a passing or neighbour note
    costs[:PITCHES] += outside
    if was >= 0 and was % 12 not in context.chord:
        costs[HOLD] += 0.5 * weight  # a suspension may


def sonority(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    if context.strength < STRONG or (context.scale is not None and context.scale.leading_note is None):
        return
    sounding = 0
    for index, pitch in enumerate(context.now):
        if pitch >= 0 and index != voice:
            sounding |= 1 << pitch % 12
    if sounding.bit_count() < 2:
        return
    strange = weight * np.array([not within_one_chord(sounding | 1 << tone) for tone in range(12)])
    costs[:PITCHES] += np.resize(strange, PITCHES)
    was = context.before[voice]
    if was >= 0:
        costs[HOLD] += 0.5 * strange[was % 12]  # a suspension may


def off_scale(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    if context.scale is None:
        return
    was = context.before[voice]
    if was < 0 or context.scale.ascending == context.scale.descending:
        costs[:PITCHES] += weight * _outside(context.scale.pitch_classes)
        return
    costs[:was] += weight * _outside(context.scale.descending)[:was]
    costs[was + 1 : PITCHES] += weight * _outside(context.scale.ascending)[was + 1 :]
    if was % 12 not in context.scale.pitch_classes:
        costs[was] += weight


@cache
def _outside(pitch_classes: frozenset[int]) -> Costs:
    """1 for each MIDI pitch that is not of these classes."""
    outside = np.array([0.0 if pitch % 12 in pitch_classes else 1.0 for pitch in range(PITCHES)])
    outside.setflags(write=False)
    return outside


def _by_interval(severity: Mapping[int, float], from_octave: float = 0.0) -> Costs:
    """A table over intervals −127 … 127 by the interval within the octave."""
    size = np.abs(np.arange(1 - PITCHES, PITCHES))
    table = np.array([severity.get(int(semitones) % 12, 0.0) if semitones else 0.0 for semitones in size])
    table += from_octave * np.maximum(0, size - 12)
    table.setflags(write=False)
    return table


STRONG = 0.2
"""Metrical strength from which on a dissonance is heard as an accented one: that of an ordinary beat."""
_CLASH = _by_interval({1: 1.0, 2: 0.4, 10: 0.4, 11: 1.0})
"""Seconds, sevenths and ninths; the milder ones belong to common chords of the seventh."""
_LEAP_SEVERITY = {6: 0.5, 9: 0.25, 10: 1.0, 11: 1.0}
LEAP_SEVERITIES = np.array(
    [
        _LEAP_SEVERITY.get(size, 0.0) if size <= 12 else 1.0 + (size - 12) / 12
        for size in np.abs(np.arange(1 - PITCHES, PITCHES)).tolist()
    ]
)
_BEYOND = 1.0 + 0.1 * np.arange(PITCHES)[::-1]
"""How far outside of its range a pitch lies: 1, and a tenth for each semitone further."""
