"""The evidence that rules are weighed on beside a network: every note below the melody, as the network saw it."""

import numpy as np
import pytest
import torch

from tutti.models.craft.rule_fitting import ASKED, fit_weights
from tutti.models.craft.rules import RULES
from tutti.models.grid import FIRST_PITCH, LOW_PITCH
from tutti.models.network_choices import network_choices
from tutti.models.part.batches import collate, excerpt_of
from tutti.models.part.corpus import PartPiece, piece_from_rows
from tutti.models.part.network import PartNetwork, PartShape
from tutti.models.part.runtime import PartModel
from tutti.models.part.training import rule_figures, token_nats, write_network

SHAPE = PartShape(width=32, layers=1, heads=2, head=32, window=24)
RISING = ((72, 67, 64, 48), (74, 69, 65, 50), (76, 67, 60, 48), (74, 67, 59, 55))
"""Four quarters: soprano, alto and bass rise in parallel from the first to the second, alto and bass in fifths."""


@pytest.fixture(scope="module")
def network() -> PartNetwork:
    torch.manual_seed(3)
    return PartNetwork(SHAPE).eval()


@pytest.fixture(scope="module")
def model(network: PartNetwork, tmp_path_factory: pytest.TempPathFactory) -> PartModel:
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    write_network(path, network, [], licence="test", command="test", figures={})
    return PartModel.load(path)


def music(times: int = 1) -> PartPiece:
    return piece_from_rows(np.array([chord for chord in RISING * times for _ in range(4)]), "rising")


def test_every_note_below_the_melody_is_a_choice_as_the_network_saw_it(model: PartModel, network: PartNetwork) -> None:
    piece = music()
    choices = network_choices(model, [piece])
    lower = [(step, voice) for step in range(16) for voice in (3, 1, 2) if piece.tokens[step, voice] >= FIRST_PITCH]
    assert (choices.chosen + LOW_PITCH).tolist() == [RISING[step // 4][voice] for step, voice in lower]
    # Odds among pitches alone: what torch says of the same notes, less that a pitch begins.
    excerpt = excerpt_of(piece, 0, 16)
    excerpt.controls[:], excerpt.given[:, 0] = 0, 1
    with torch.no_grad():
        nats = token_nats(network, collate([excerpt], 16))[0][0].numpy()
    with_pitch = choices.logits - np.log(np.exp(choices.logits).sum(axis=1, keepdims=True))
    ours = -with_pitch[np.arange(len(choices)), choices.chosen]
    theirs = np.array([nats[step, voice] for step, voice in lower])
    assert (ours <= theirs + 1e-3).all() and (ours > theirs - 0.5).all()


def test_rules_are_charged_as_in_decoding(model: PartModel) -> None:
    choices = network_choices(model, [music()])
    fifths, octaves = (
        choices.severities[:, [known.name for known in RULES].index(name)]
        for name in ("parallel-fifths", "parallel-octaves")
    )
    second = 3  # the bass of the second chord, after the first chord's three lower notes
    assert octaves[second, choices.chosen[second]] > 0, "soprano C–D over bass C–D"
    alto = 4
    assert fifths[alto, choices.chosen[alto]] > 0, "alto G–A over bass C–D"
    assert not octaves[0].any(), "nothing was before the first chord"


def test_a_network_that_knows_nothing_needs_rules(model: PartModel) -> None:
    contrary = ((72, 64, 60, 48), (71, 62, 55, 43), (72, 64, 55, 48), (74, 65, 59, 43))
    piece = piece_from_rows(np.array([chord for chord in contrary * 6 for _ in range(4)]), "contrary")
    figures = rule_figures(model, [piece])
    assert figures is not None and figures["nats_with"] < figures["nats_without"]
    assert set(figures["weights"]) == {known.name for known in RULES} - set(ASKED)
    assert all(weight >= 0.0 for weight in figures["weights"].values())
    fitted = fit_weights(network_choices(model, [piece]))
    assert figures["weights"]["parallel-octaves"] == fitted.weights["parallel-octaves"]


def test_pieces_share_what_is_looked_at_and_a_melody_alone_is_no_evidence(model: PartModel) -> None:
    assert len(network_choices(model, [music(4), music(4)], most_events=20)) == pytest.approx(20, abs=4)
    alone = piece_from_rows(np.array([[72, -1, -1, -1]] * 16), "alone")
    assert len(network_choices(model, [alone])) == 0
    assert rule_figures(model, [alone]) is None
