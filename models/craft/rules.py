"""Rules of part-writing as experts beside a model: what a voice's next pitch costs, in nats.

A decoder subtracts the penalties from its logits, which multiplies the model's distribution with one of its own for
each rule (a product of experts: Hinton, Neural Computation 14, 2002). Each rule can be turned off and weighted by name.
The rules are those that every textbook of four-part writing has (Piston, *Harmony*; Aldwell and Schachter, *Harmony
and Voice Leading*; Fux, *Gradus ad Parnassum*, for dissonance).

The default weights of crossing, spacing, dissonance, leaps and doubling lie where ``rule_fitting`` puts them on string
quartets and on chorales (``tutti bench rules --fit``). Parallels weigh more than any music gives them (2.8 on chorales,
less where instruments double), because one of them is heard as a mistake in four voices; what is asked for – range,
chord, scale – weighs as much as to be kept.

What a breach costs, event by event, is worked out by ``charges``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from ...engine.errors import ModelError
from .charges import (
    COSTS,
    HOLD,
    Charge,
    Costs,
    StepContext,
    crossing,
    doubled_leading_note,
    hidden,
    leap,
    off_chord,
    off_scale,
    out_of_range,
    parallel,
    sonority,
    spacing,
    unprepared,
    unresolved,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its ``name`` (for options), ``title`` and ``sentence`` (for people), default ``weight`` in nats.

    ``scope`` "pair": ``charge`` is called for every other voice that sounds now; "voice" and "chord": once, with the
    voice itself as the other. All that sounds breaks a rule of the "chord" together, and ``mutual`` pairs do, so that
    each is looked at once in a finished score.
    """

    name: str
    title: str
    sentence: str
    weight: float
    scope: Literal["voice", "pair", "chord"]
    charge: Charge
    mutual: bool = False


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule broken at a step of finished music, by these voices; ``severity`` is 1 for a plain breach."""

    rule: str
    voices: tuple[int, ...]
    severity: float


RULES: tuple[Rule, ...] = (
    Rule(
        "parallel-fifths",
        "Parallel fifths",
        "Two voices that move in the same direction do not go from a perfect fifth to another: they would lose their "
        "independence.",
        6.0,
        "pair",
        parallel(7),
        mutual=True,
    ),
    Rule(
        "parallel-octaves",
        "Parallel octaves and unisons",
        "Two voices that move in the same direction do not go from an octave or unison to another: four voices would "
        "sound like three.",
        6.0,
        "pair",
        parallel(0),
        mutual=True,
    ),
    Rule(
        "hidden-fifths-octaves",
        "Hidden fifths and octaves",
        "Soprano and bass do not move in the same direction into a fifth or octave where the soprano leaps.",
        1.0,
        "pair",
        hidden,
        mutual=True,
    ),
    Rule("range", "Range", "Each voice stays within what its instrument plays well.", 8.0, "voice", out_of_range),
    Rule(
        "crossing",
        "Crossing",
        "A voice does not go above the one over it, nor below the one under it.",
        1.5,
        "pair",
        crossing,
        mutual=True,
    ),
    Rule(
        "spacing",
        "Spacing",
        "Neighbouring upper voices stay within an octave of each other, and the lowest two within two octaves.",
        1.0,
        "pair",
        spacing,
        mutual=True,
    ),
    Rule(
        "unprepared-dissonance",
        "Unprepared dissonance",
        "A second, seventh or ninth is prepared (it sounded before) or reached by step on a weak beat.",
        1.5,
        "pair",
        unprepared,
    ),
    Rule(
        "unresolved-dissonance",
        "Unresolved dissonance",
        "A voice that makes a dissonance with a held note leaves it by step.",
        0.7,
        "pair",
        unresolved,
    ),
    Rule(
        "melodic-leap",
        "Awkward leaps",
        "A voice avoids leaps of a tritone, of a seventh and of more than an octave.",
        0.5,
        "voice",
        leap,
    ),
    Rule(
        "doubled-leading-note",
        "Doubled leading note",
        "Only one voice has the leading note, because it must go to the tonic and two would go there in octaves.",
        0.7,
        "pair",
        doubled_leading_note,
        mutual=True,
    ),
    Rule(
        "strange-sonority",
        "Strange sonority",
        "On the beat the voices together make a triad or a chord of the seventh, some of its notes left out perhaps.",
        2.0,
        "chord",
        sonority,
    ),
    Rule(
        "given-chord",
        "Given chord",
        "Where a chord is given, voices have its notes; others only pass by on weak beats.",
        6.0,
        "voice",
        off_chord,
    ),
    Rule(
        "out-of-scale",
        "Out of the scale",
        "Added notes belong to the scale that is asked for, on the way up and on the way down.",
        8.0,
        "voice",
        off_scale,
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
        object.__setattr__(self, "_voice", [(r.charge, weight) for r, weight in on if r.scope != "pair"])
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
    if known.scope == "pair":
        yield from (other for other, pitch in enumerate(context.now) if pitch >= 0 and other != voice)
    else:
        yield voice


def breaches(context: StepContext, names: tuple[str, ...] | None = None) -> list[Breach]:
    """The rules that a finished step breaks: every entry of ``now`` is known. ``names`` limits them to some rules.

    What voices break together is one breach, of the severity of the worst. Mutual rules name both voices, higher first,
    rules of the chord all that sound, others the voice that should have moved otherwise first.
    """
    found: list[Breach] = []
    sounding = tuple(voice for voice, pitch in enumerate(context.now) if pitch >= 0)
    for known in RULES if names is None else [rule(name) for name in names]:
        worst: dict[frozenset[int], Breach] = {}
        for voice, pitch in enumerate(context.now):
            event = pitch if context.onsets[voice] or pitch < 0 else HOLD
            for other in _others(known, context, voice):
                if known.mutual and other > voice:
                    continue
                costs = np.zeros(COSTS)
                known.charge(context, voice, other, costs, 1.0)
                voices: tuple[int, ...] = (other, voice) if known.mutual else (voice, other)
                if known.scope != "pair":
                    voices = (voice,) if known.scope == "voice" else sounding
                together = frozenset(voices)
                if costs[event] > (worst[together].severity if together in worst else 0.0):
                    worst[together] = Breach(known.name, voices, float(costs[event]))
        found += worst.values()
    return found
