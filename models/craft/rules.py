"""Rules of part-writing as experts beside a model: what a voice's next pitch costs, in nats.

A decoder subtracts the penalties from its logits, which multiplies the model's distribution with one of its own for
each rule (a product of experts: Hinton, Neural Computation 14, 2002). Each rule can be turned off and weighted by name.
The rules are those that every textbook of four-part writing has (Piston, *Harmony*; Aldwell and Schachter, *Harmony
and Voice Leading*; Fux, *Gradus ad Parnassum*, for dissonance).

The default weights of crossing, spacing, dissonance, leaps and doubling lie where ``rule_fitting`` puts them on string
quartets and on chorales (``tutti bench rules --fit``). Parallels weigh more than any music gives them (2.8 on chorales,
less where instruments double), because one of them is heard as a mistake in four voices; what is asked for – range,
chord, scale – weighs as much as to be kept.

Voices are numbered from the highest to the lowest. A rule adds to an array of ``COSTS`` numbers: one for the onset of
each MIDI pitch, then one for ``REST`` and one for ``HOLD``, so that these codes index it as they are.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from ...engine.errors import ModelError
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


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its ``name`` (for options), ``title`` and ``sentence`` (for people), default ``weight`` in nats.

    ``scope`` "pair": ``charge`` is called for every other voice that sounds now; "voice": once, with the voice itself
    as the other. ``mutual`` pairs break the rule together, so that each pair is looked at once in a finished score.
    """

    name: str
    title: str
    sentence: str
    weight: float
    scope: Literal["voice", "pair"]
    charge: Charge
    mutual: bool = False


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule broken at a step of finished music, by these voices; ``severity`` is 1 for a plain breach."""

    rule: str
    voices: tuple[int, ...]
    severity: float


def _parallel(interval: int) -> Charge:
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


def _hidden(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
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


def _range(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    if not context.ranges:
        return
    low, high = context.ranges[voice]
    costs[:low] += weight * _BEYOND[PITCHES - low :]
    costs[high + 1 : PITCHES] += weight * _BEYOND[::-1][: PITCHES - 1 - high]


def _crossing(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    limit, held = context.now[other], context.before[voice]
    if other < voice:
        costs[limit + 1 : PITCHES] += weight
        crossed = held > limit
    else:
        costs[:limit] += weight
        crossed = 0 <= held < limit
    if crossed:
        costs[HOLD] += weight


def _spacing(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
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


def _unprepared(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    pitch, was = context.now[other], context.before[voice]
    clash = weight * _CLASH[PITCHES - 1 - pitch : 2 * PITCHES - 1 - pitch]
    if was >= 0:
        clash[max(0, was - 2) : was + 3] *= 0.5 if context.strength >= STRONG else 0.0  # appoggiatura, passing note
        clash[was] = 0.0  # prepared
    costs[:PITCHES] += clash


def _unresolved(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    was, other_was = context.before[voice], context.before[other]
    if was < 0 or other_was < 0 or context.onsets[other] or context.now[other] != other_was:
        return
    severity = weight * float(_CLASH[PITCHES - 1 + was - other_was])
    if severity:
        costs[: max(0, was - 2)] += severity
        costs[was + 3 : PITCHES] += severity


def _leap(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    was = context.before[voice]
    if was >= 0:
        costs[:PITCHES] += weight * LEAP_SEVERITIES[PITCHES - 1 - was : 2 * PITCHES - 1 - was]


def _doubled_leading_note(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    leading = None if context.scale is None else context.scale.leading_note
    if leading is None or context.now[other] % 12 != leading:
        return
    costs[leading:PITCHES:12] += weight
    if context.before[voice] >= 0 and context.before[voice] % 12 == leading:
        costs[HOLD] += weight


def _chord(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    if context.chord is None:
        return
    outside, was = weight * _outside(context.chord), context.before[voice]
    if was >= 0 and context.strength < STRONG:
        outside[max(0, was - 2) : was + 3] *= 0.25  # a passing or neighbour note
    costs[:PITCHES] += outside
    if was >= 0 and was % 12 not in context.chord:
        costs[HOLD] += 0.5 * weight  # a suspension may


def _sonority(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
    if context.strength < STRONG or (context.scale is not None and context.scale.leading_note is None):
        return
    sounding = 0
    for index, pitch in enumerate(context.now):
        if pitch >= 0 and index != voice:
            sounding |= 1 << pitch % 12
    if sounding.bit_count() < 2:
        return
    strange = weight * np.array([not _is_chord(sounding | 1 << tone) for tone in range(12)])
    costs[:PITCHES] += np.resize(strange, PITCHES)
    was = context.before[voice]
    if was >= 0:
        costs[HOLD] += 0.5 * strange[was % 12]  # a suspension may


@cache
def _is_chord(pitch_classes: int) -> bool:
    """Whether these pitch classes (as bits) belong to one triad or chord of the seventh."""
    shapes = ((0, 4, 7, 10), (0, 4, 7, 11), (0, 3, 7, 10), (0, 3, 6, 10), (0, 3, 6, 9), (0, 4, 8))
    chords = (sum(1 << (tone + root) % 12 for tone in shape) for shape in shapes for root in range(12))
    return any(pitch_classes & ~chord == 0 for chord in chords)


def _scale(context: StepContext, voice: int, other: int, costs: Costs, weight: float) -> None:
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

RULES: tuple[Rule, ...] = (
    Rule(
        "parallel-fifths",
        "Parallel fifths",
        "Two voices that move in the same direction do not go from a perfect fifth to another: they would lose their "
        "independence.",
        6.0,
        "pair",
        _parallel(7),
        mutual=True,
    ),
    Rule(
        "parallel-octaves",
        "Parallel octaves and unisons",
        "Two voices that move in the same direction do not go from an octave or unison to another: four voices would "
        "sound like three.",
        6.0,
        "pair",
        _parallel(0),
        mutual=True,
    ),
    Rule(
        "hidden-fifths-octaves",
        "Hidden fifths and octaves",
        "Soprano and bass do not move in the same direction into a fifth or octave where the soprano leaps.",
        1.0,
        "pair",
        _hidden,
        mutual=True,
    ),
    Rule("range", "Range", "Each voice stays within what its instrument plays well.", 8.0, "voice", _range),
    Rule(
        "crossing",
        "Crossing",
        "A voice does not go above the one over it, nor below the one under it.",
        1.5,
        "pair",
        _crossing,
        mutual=True,
    ),
    Rule(
        "spacing",
        "Spacing",
        "Neighbouring upper voices stay within an octave of each other, and the lowest two within two octaves.",
        1.0,
        "pair",
        _spacing,
        mutual=True,
    ),
    Rule(
        "unprepared-dissonance",
        "Unprepared dissonance",
        "A second, seventh or ninth is prepared (it sounded before) or reached by step on a weak beat.",
        1.5,
        "pair",
        _unprepared,
    ),
    Rule(
        "unresolved-dissonance",
        "Unresolved dissonance",
        "A voice that makes a dissonance with a held note leaves it by step.",
        0.7,
        "pair",
        _unresolved,
    ),
    Rule(
        "melodic-leap",
        "Awkward leaps",
        "A voice avoids leaps of a tritone, of a seventh and of more than an octave.",
        0.5,
        "voice",
        _leap,
    ),
    Rule(
        "doubled-leading-note",
        "Doubled leading note",
        "Only one voice has the leading note, because it must go to the tonic and two would go there in octaves.",
        0.7,
        "pair",
        _doubled_leading_note,
        mutual=True,
    ),
    Rule(
        "strange-sonority",
        "Strange sonority",
        "On the beat the voices together make a triad or a chord of the seventh, some of its notes left out perhaps.",
        2.0,
        "voice",
        _sonority,
    ),
    Rule(
        "given-chord",
        "Given chord",
        "Where a chord is given, voices have its notes; others only pass by on weak beats.",
        6.0,
        "voice",
        _chord,
    ),
    Rule(
        "out-of-scale",
        "Out of the scale",
        "Added notes belong to the scale that is asked for, on the way up and on the way down.",
        8.0,
        "voice",
        _scale,
    ),
)
"""All rules, in the order in which they are told."""


def rule(name: str) -> Rule:
    """The rule of this name. Raises ``ModelError`` for an unknown one."""
    for found in RULES:
        if found.name == name:
            return found
    raise ModelError(f"rule {name!r} is not known; there are: {', '.join(known.name for known in RULES)}")


def _default_weights() -> dict[str, float]:
    return {rule.name: rule.weight for rule in RULES}


@dataclass(frozen=True)
class RuleSet:
    """Which rules hold, and how much each weighs (nats; 0 is off). ``RuleSet()`` has all at their default weights.

    Values: the methods that change one return another. Raises ``ModelError`` for an unknown rule or a wrong weight.
    """

    weights: Mapping[str, float] = field(default_factory=_default_weights)

    def __post_init__(self) -> None:
        for name, weight in self.weights.items():
            rule(name)
            if not 0.0 <= weight < float("inf"):
                raise ModelError(f"rule {name}: weight {weight} must be 0 or more, in nats")
        on = [(known, self.weights[known.name]) for known in RULES if self.weights.get(known.name, 0.0) > 0.0]
        object.__setattr__(self, "_voice", [(r.charge, weight) for r, weight in on if r.scope == "voice"])
        object.__setattr__(self, "_pair", [(r.charge, weight) for r, weight in on if r.scope == "pair"])

    @classmethod
    def none(cls) -> "RuleSet":
        """No rule holds."""
        return cls({})

    def without(self, *names: str) -> "RuleSet":
        """These rules turned off."""
        return RuleSet({**self.weights, **{rule(name).name: 0.0 for name in names}})

    def only(self, *names: str) -> "RuleSet":
        """All other rules turned off; these at their weight here, or their default where they are off here."""
        return RuleSet({name: self.weights.get(name, 0.0) or rule(name).weight for name in names})

    def weighted(self, weights: Mapping[str, float]) -> "RuleSet":
        """Some weights replaced."""
        return RuleSet({**self.weights, **weights})

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the rules that hold."""
        return tuple(known.name for known in RULES if self.weights.get(known.name, 0.0) > 0.0)

    def costs(self, context: StepContext, voice: int) -> Costs:
        """What each event of ``voice`` costs, shape (``COSTS``,): onsets of MIDI pitches 0–127, ``REST``, ``HOLD``."""
        costs = np.zeros(COSTS)
        for charge, weight in self._voice:  # type: ignore[attr-defined]
            charge(context, voice, voice, costs, weight)
        for other, pitch in enumerate(context.now):
            if pitch >= 0 and other != voice:
                for charge, weight in self._pair:  # type: ignore[attr-defined]
                    charge(context, voice, other, costs, weight)
        return costs

    def penalties(self, context: StepContext, voice: int, candidates: npt.NDArray[np.integer]) -> Costs:
        """Nats to take from the logits of ``candidates`` (MIDI pitches that begin, ``REST`` or ``HOLD``) of ``voice``;
        like ``candidates`` in shape."""
        return self.costs(context, voice)[candidates]


def rule_features(context: StepContext, voice: int, candidates: npt.NDArray[np.integer]) -> Costs:
    """Severity of each rule's breach by each candidate, shape (rules, candidates), in the order of ``RULES``."""
    rows = np.zeros((len(RULES), COSTS))
    for row, known in zip(rows, RULES, strict=True):
        for other in _others(known, context, voice):
            known.charge(context, voice, other, row, 1.0)
    return rows[:, candidates]


def _others(known: Rule, context: StepContext, voice: int) -> Iterator[int]:
    if known.scope == "voice":
        yield voice
    else:
        yield from (other for other, pitch in enumerate(context.now) if pitch >= 0 and other != voice)


def breaches(context: StepContext, names: tuple[str, ...] | None = None) -> list[Breach]:
    """The rules that a finished step breaks: every entry of ``now`` is known. ``names`` limits them to some rules.

    Mutual rules name both voices, higher first, others the voice that should have moved otherwise first.
    """
    found = []
    for known in RULES if names is None else [rule(name) for name in names]:
        for voice, pitch in enumerate(context.now):
            event = pitch if context.onsets[voice] or pitch < 0 else HOLD
            for other in _others(known, context, voice):
                if known.mutual and other > voice:
                    continue
                costs = np.zeros(COSTS)
                known.charge(context, voice, other, costs, 1.0)
                if costs[event] > 0.0:
                    voices = (voice,) if known.scope == "voice" else (other, voice) if known.mutual else (voice, other)
                    found.append(Breach(known.name, voices, float(costs[event])))
    return found
