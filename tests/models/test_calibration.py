"""How readily a network begins notes is set so that its answers are as dense as what composers wrote."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tutti.models.calibration import onset_bonus
from tutti.models.decoding import DecodingSettings, PartDecoder
from tutti.models.grid import FIRST_PITCH, even_grid, pitch_to_token
from tutti.models.part.corpus import PartPiece, piece_from_rows
from tutti.models.part.network import PartNetwork, PartShape
from tutti.models.part.runtime import PartModel
from tutti.models.part.training import write_network
from tutti.models.weights import read_part_weights

SHAPE = PartShape(width=32, layers=1, heads=2, head=32, window=24)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(4)
    network = PartNetwork(SHAPE)
    with torch.no_grad():  # it holds whatever sounds, and begins few notes
        for layer in (network.absolute, network.leap, network.interval_class, network.in_key):
            layer.weight.mul_(0.1)
        network.absolute.bias[0] = 5.5
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    write_network(path, network, [], licence="test", command="test", figures={"nats": 1.0})
    return path


def music(every: int, steps: int = 64) -> PartPiece:
    """The lower voices begin a note every so many steps."""
    rows = [(72 + step // 8 % 3, *(base + 2 * (step // every % 2) for base in (64, 60, 48))) for step in range(steps)]
    return piece_from_rows(np.array(rows), f"every {every}")


def begun(model: PartModel, settings: DecodingSettings | None = None) -> int:
    decoder = PartDecoder(model, given=(0,), settings=settings, seed=3)
    grid = even_grid(24, 4)
    tokens = [decoder.step(grid.at(step), {0: pitch_to_token(72) if step % 8 == 0 else 0}) for step in range(96)]
    return int((np.array(tokens)[:, 1:] >= FIRST_PITCH).sum())


def test_the_bonus_makes_answers_as_dense_as_what_was_written(weights: Path) -> None:
    model = PartModel.load(weights)
    sparse, dense = onset_bonus(model, [music(8)] * 3), onset_bonus(model, [music(2)] * 3)
    assert -1.0 <= sparse < dense <= 1.5
    assert begun(model, DecodingSettings(onset_bonus=sparse)) < begun(model, DecodingSettings(onset_bonus=dense))


def test_one_movement_in_tremolo_does_not_speak_for_the_others(weights: Path) -> None:
    model = PartModel.load(weights)
    assert onset_bonus(model, [*[music(8)] * 7, music(1)]) < onset_bonus(model, [music(8)] * 8) + 0.5


def test_decoding_takes_what_the_weights_say(weights: Path) -> None:
    arrays, manifest = read_part_weights(weights)
    assert PartModel(arrays, manifest).onset_bonus == 0.0
    manifest.figures["onset_bonus"] = 1.2
    told = PartModel(arrays, manifest)
    assert (
        begun(told) == begun(told, DecodingSettings(onset_bonus=1.2)) > begun(told, DecodingSettings(onset_bonus=0.0))
    )


def test_a_melody_alone_says_nothing(weights: Path) -> None:
    alone = piece_from_rows(np.array([[72, -1, -1, -1]] * 16), "alone")
    assert onset_bonus(PartModel.load(weights), [alone]) == 0.0
