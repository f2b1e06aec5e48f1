"""Fitting the weights of rules on music: how many nats each rule is worth beside what a model knows already.

With ``w`` the weights, a candidate's probability is softmax(logits − w · severities); the weights are those under which
held-out music is most likely, with none below 0. This is a log-linear model, so the problem is convex and has one
answer (Berger, Della Pietra and Della Pietra, *A maximum entropy approach*, Computational Linguistics 22, 1996). A rule
that the model keeps by itself gets a weight near 0, one that it breaks more often than the music does a large one.

Where there is no model, ``melodic_logits`` stand for it: what a voice would do that knows its own line and the key but
nothing of the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp

from ...engine.errors import ModelError
from .charges import UNKNOWN, StepContext
from .rules import RULES, rule_features

LARGEST_WEIGHT = 12.0
ASKED = ("given-chord", "out-of-scale", "range")
"""Rules that hold because somebody asks for it; no music says how much they weigh."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """Events of finished music: ``logits`` (events, candidates) of the model, ``severities`` (events, rules,
    candidates) in the order of ``RULES``, and which candidate was ``chosen``."""

    logits: Floats
    severities: Floats
    chosen: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.chosen)


@dataclass(frozen=True, slots=True)
class FittedRules:
    """Weights in nats by rule, and the mean NLL (nats per event) without rules and with them."""

    weights: dict[str, float]
    nll_without: float
    nll_with: float


def nll(choices: Choices, weights: Floats) -> float:
    """Mean negative log-likelihood of the chosen events, nats, with these weights in the order of ``RULES``."""
    return _nll_and_gradient(weights, choices)[0]


def fit_weights(choices: Choices, smoothing: float = 1e-4) -> FittedRules:
    """The weights under which the chosen events are most likely.

    ``smoothing`` (nats per squared nat) keeps a rule that is hardly ever at stake near 0. Raises ``ModelError`` where
    there are no events.
    """
    if not len(choices):
        raise ModelError("there are no notes to fit the rules' weights on: give scores with several voices")
    bounds = [(0.0, 0.0 if known.name in ASKED else LARGEST_WEIGHT) for known in RULES]

    def objective(weights: Floats) -> tuple[float, Floats]:
        value, gradient = _nll_and_gradient(weights, choices)
        return value + smoothing * float(weights @ weights), gradient + 2.0 * smoothing * weights

    found = minimize(objective, np.zeros(len(RULES)), jac=True, bounds=bounds, method="L-BFGS-B")
    weights = {
        known.name: known.weight if known.name in ASKED else round(float(weight), 2)
        for known, weight in zip(RULES, found.x, strict=True)
    }
    return FittedRules(weights, nll(choices, np.zeros(len(RULES))), nll(choices, np.asarray(found.x)))


def _nll_and_gradient(weights: Floats, choices: Choices) -> tuple[float, Floats]:
    scores = choices.logits - np.einsum("r,erc->ec", weights, choices.severities)
    total = logsumexp(scores, axis=1, keepdims=True)
    events = np.arange(len(choices))
    probability = np.exp(scores - total)
    expected = np.einsum("ec,erc->r", probability, choices.severities) / len(choices)
    observed = choices.severities[events, :, choices.chosen].mean(axis=0)
    value = float((total[:, 0] - scores[events, choices.chosen]).mean())
    gradient: Floats = observed - expected
    return value, gradient


def choices_of(
    contexts: Iterable[StepContext], lowest: int = 24, highest: int = 107, logits: Sequence[Floats] | None = None
) -> Choices:
    """Every onset of finished steps as a choice among the pitches ``lowest`` … ``highest``.

    Voices are decided outer ones first, as a decoder does; those that come later are unknown. ``logits`` are a model's
    for each onset in the order of ``onsets``; without them ``melodic_logits`` are taken.
    """
    steps = [context for context in contexts if any(context.onsets)]
    candidates = np.arange(lowest, highest + 1)
    found = [(step, voice) for step in steps for voice in onsets(step) if lowest <= step.now[voice] <= highest]
    if not found:
        empty = np.zeros((0, len(candidates)))
        return Choices(empty, np.zeros((0, len(RULES), len(candidates))), np.zeros(0, np.int64))
    severities = np.stack([rule_features(_as_decided(step, voice), voice, candidates) for step, voice in found])
    chosen = np.array([step.now[voice] - lowest for step, voice in found])
    own = melodic_logits(found, candidates) if logits is None else np.stack(logits)
    return Choices(own, severities, chosen)


def onsets(step: StepContext) -> list[int]:
    """The voices that begin a note at a step, in the order of deciding: highest, lowest, then the inner ones."""
    return [voice for voice in _order(len(step.now)) if step.onsets[voice] and step.now[voice] >= 0]


def _order(voices: int) -> list[int]:
    return [0, voices - 1, *range(1, voices - 1)] if voices > 1 else [0]


def _as_decided(step: StepContext, voice: int) -> StepContext:
    """The step as it is known when this voice is decided: the voices before it, and those that hold on."""
    order = _order(len(step.now))
    later = {other for other in order[order.index(voice) :] if step.onsets[other]}
    now = tuple(UNKNOWN if other in later else pitch for other, pitch in enumerate(step.now))
    return StepContext(step.before, now, step.onsets, step.strength, step.ranges, step.scale, step.chord)


def melodic_logits(events: Sequence[tuple[StepContext, int]], candidates: npt.NDArray[np.int64]) -> Floats:
    """Log-probabilities of each candidate from how often the voice moves by each interval in these events and how often
    it has each pitch, as a stand-in for a model that hears nobody else."""
    voices = max(voice for _, voice in events) + 1
    intervals = np.ones((voices, 255))
    pitches = np.ones((voices, 128))
    for step, voice in events:
        pitches[voice, step.now[voice]] += 1.0
        if step.before[voice] >= 0:
            intervals[voice, 127 + step.now[voice] - step.before[voice]] += 1.0
    moving, lying = (
        np.log(intervals / intervals.sum(axis=1, keepdims=True)),
        np.log(pitches / pitches.sum(axis=1, keepdims=True)),
    )
    rows = np.empty((len(events), len(candidates)))
    for row, (step, voice) in zip(rows, events, strict=True):
        row[:] = 0.5 * lying[voice, candidates]
        if step.before[voice] >= 0:
            row += moving[voice, 127 + candidates - step.before[voice]]
    normed: Floats = rows - logsumexp(rows, axis=1, keepdims=True)
    return normed
