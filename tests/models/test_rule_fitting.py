"""Fitting the rules' weights: the answer to a problem that was made to have one, and real bars."""

import numpy as np
import pytest
from support import make_score

from tutti.engine.errors import ModelError
from tutti.models.craft.broken_rules import steps_of
from tutti.models.craft.charges import UNKNOWN, StepContext
from tutti.models.craft.rule_fitting import ASKED, Choices, choices_of, fit_weights, nll, onsets
from tutti.models.craft.rules import RULES

ORDER = [known.name for known in RULES]


def drawn(weights: dict[str, float], events: int = 4000, seed: int = 1) -> Choices:
    """Events drawn from a model with known weights of some rules."""
    random = np.random.default_rng(seed)
    logits = random.standard_normal((events, 12))
    severities = np.zeros((events, len(RULES), 12))
    for name in weights:
        severities[:, ORDER.index(name)] = random.random((events, 12)) < 0.3
    vector = np.array([weights.get(name, 0.0) for name in ORDER])
    scores = logits - np.einsum("r,erc->ec", vector, severities)
    chosen = np.argmax(scores + random.gumbel(size=scores.shape), axis=1)
    return Choices(logits, severities, chosen)


def test_the_weights_that_made_the_music_are_found_again() -> None:
    true = {"parallel-fifths": 2.0, "crossing": 0.7, "spacing": 0.0}
    fitted = fit_weights(drawn(true))
    for name, weight in true.items():
        assert fitted.weights[name] == pytest.approx(weight, abs=0.15)
    assert fitted.nll_with < fitted.nll_without
    held_out = drawn(true, seed=2)
    found = np.array([fitted.weights[name] if name in true else 0.0 for name in ORDER])
    assert nll(held_out, found) < nll(held_out, np.zeros(len(RULES)))


def test_a_rule_that_music_breaks_more_than_the_model_is_never_rewarded() -> None:
    choices = drawn({"crossing": 1.0})
    turned = Choices(choices.logits, 1.0 - choices.severities, choices.chosen)
    fitted = fit_weights(turned)
    assert all(weight >= 0.0 for weight in fitted.weights.values())
    assert fitted.weights["crossing"] == 0.0


def test_what_is_asked_for_keeps_its_weight() -> None:
    fitted = fit_weights(drawn({"crossing": 1.0}, 200))
    assert all(fitted.weights[known.name] == known.weight for known in RULES if known.name in ASKED)


def test_events_of_a_score_are_choices_among_pitches() -> None:
    rows = [(float(q), 1.0, p + q % 3, part, 0.5, 0) for q in range(8) for part, p in enumerate((72, 64, 55, 48))]
    score = make_score(rows, measures=2, instruments=("soprano", "alto", "tenor", "bass"))
    steps = [step for _, step in steps_of(score)]
    choices = choices_of(steps)
    assert len(choices) == 32 and choices.logits.shape == (32, 84)
    assert choices.severities.shape == (32, len(RULES), 84)
    assert np.allclose(np.exp(choices.logits).sum(axis=1), 1.0)
    # At the second step all rise by a tone: the bass is chosen knowing the soprano, and makes octaves with it.
    second = [index for index in range(32) if index // 4 == 1]
    octaves = choices.severities[second, ORDER.index("parallel-octaves"), choices.chosen[second]]
    assert octaves.tolist() == [0.0, 1.0, 0.0, 0.0]
    own = choices_of(steps, logits=[np.zeros(84)] * 32)
    assert not own.logits.any()


def test_voices_are_decided_from_outside_in() -> None:
    step = StepContext((60, 60, 60, 60), (72, 64, UNKNOWN, 48), (True, True, False, True))
    assert onsets(step) == [0, 3, 1]
    with pytest.raises(ModelError, match="no notes"):
        fit_weights(choices_of([]))
