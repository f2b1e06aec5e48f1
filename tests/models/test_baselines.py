"""The baselines: what they learn, that numpy says what torch says, and that they answer a melody."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support import make_score

from tutti.engine.errors import ModelError
from tutti.models import tasks
from tutti.models.baselines.bar_patterns import HELD, SILENT, bars_of, classes_of, nearest_token
from tutti.models.baselines.catalogue import load_baseline
from tutti.models.baselines.melody_music import ANSWERED, MelodySource, melody_first
from tutti.models.baselines.sequence_decoder import SequenceDecoder
from tutti.models.baselines.sequence_training import BaselinePlan, SequenceNetwork, load_sequence, lower_voice_nats
from tutti.models.baselines.training import train_baseline
from tutti.models.composing import compose
from tutti.models.controls import Controls
from tutti.models.grid import HOLD, REST, VOCABULARY, even_grid, pitch_to_token
from tutti.models.part.corpus import PartPiece, piece_from_rows
from tutti.models.weights import PartManifest
from tutti.models.wish import Wish
from tutti.models.writing import Sheet

RANGES = ((60, 84), (53, 74), (47, 69), (38, 64))


def chorale(index: int, split: str) -> PartPiece:
    """Sixteen quarters of I and V in some key, each chord a quarter long."""
    chords = [(72, 67, 64, 48), (74, 67, 62, 55)]
    rows = [np.array(chords[(quarter + index) % 2]) + index % 3 for quarter in range(16) for _ in range(4)]
    return piece_from_rows(np.array(rows), f"{split}{index}", "", split)


@pytest.fixture(scope="module")
def pieces() -> list[PartPiece]:
    return [chorale(index, "train") for index in range(6)] + [chorale(6, "valid")]


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_numpy_decodes_what_torch_computes(kind: str, pieces: list[PartPiece]) -> None:
    """Odds of whole excerpts, longer than half a window but not than one: the numpy steps are forced to the notes."""
    torch.manual_seed(3)
    plan = BaselinePlan(kind, width=16, layers=2, heads=2, window=48, steps=40)
    network = SequenceNetwork(plan).eval()
    batch = MelodySource(pieces, plan.steps, np.random.default_rng(0)).batch(1)
    with torch.no_grad():
        names = ("before", "age", "now", "onset", "tokens", "place", "count")
        expected = network({name: torch.from_numpy(getattr(batch, name)) for name in names})[0].numpy()
    arrays = {name: value.numpy() for name, value in network.state_dict().items()}
    shape = {"width": 16, "layers": 2, "heads": 2, "window": 48}
    decoder = SequenceDecoder(arrays, PartManifest("x", 2, shape, {}, "", "", {}, ""))
    grid = even_grid(10, None)
    grid = type(grid)(grid.onset_quarter, batch.place[0], batch.count[0], grid.metre, grid.end_quarter)
    sheet = Sheet(grid, batch.tokens[0], RANGES, frozenset({1, 2, 3}), ((0, Controls()),))
    state = decoder.start(sheet)
    for step in range(plan.steps):
        row = [int(token) for token in batch.tokens[0, step]]
        branch = decoder.copy(state)
        memory = decoder._remember(branch, decoder._inputs(branch, sheet, step, row[0]))
        hidden = (arrays["head.weight"] @ memory + arrays["head.bias"]).reshape(3, -1)
        told = decoder._known(branch, 0, row[0])
        for place, voice in enumerate(ANSWERED):
            got = decoder._out[place] @ np.maximum(hidden[place] + told, 0.0) + decoder._bias[place]
            assert got == pytest.approx(expected[step, place], abs=1e-4)
            told = told + decoder._known(branch, voice, row[voice])
        assert decoder.step(state, sheet, step, Controls()) == row, "what is known stays"


@pytest.mark.parametrize("kind", ["lstm", "transformer", "gan"])
def test_training_writes_weights_that_answer_a_melody(kind: str, pieces: list[PartPiece], tmp_path: Path) -> None:
    path = tmp_path / f"baseline-{kind}.safetensors"
    losses: list[float] = []
    manifest = train_baseline(
        kind, pieces, path, budget_s=1.0, licence="test", command="test", progress=lambda _, loss: losses.append(loss)
    )
    assert path.stat().st_size < 1.5e6 and manifest.data["validation"] == ["valid6"]
    assert manifest.figures["iterations"] == len(losses)
    if kind != "gan":
        assert losses[-1] < 0.9 * losses[0], "it learns"
    rows = [(float(q), 1.0, 72 + 2 * (q % 2), 0, 0.6, 0) for q in range(16)]
    melody = make_score(rows, measures=4, instruments=("soprano",))
    first, again, other = (
        compose(tasks.harmonise(melody, []), load_baseline(path, seed), Wish()) for seed in (1, 1, 2)
    )
    assert first.written == again.written
    assert kind == "gan" or first.written != other.written, "a GAN of a second's training has one bar for all"
    assert {note.source for note in first.written} == {f"ai:baseline-{kind}"}
    assert first.written and {note.part for note in first.written} <= {1, 2, 3}
    assert [n for n in first.notes if n.part == 0] == melody.notes_between(0.0, 16.0)


@pytest.mark.parametrize("kind", ["lstm", "transformer", "gan"])
def test_so_many_iterations_from_a_seed_make_the_same_weights(
    kind: str, pieces: list[PartPiece], tmp_path: Path
) -> None:
    """The command in a manifest makes the file that ships, however busy the machine is."""
    made = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        path = tmp_path / name / "baseline.safetensors"
        manifest = train_baseline(
            kind, pieces, path, budget_s=600.0, iterations=2, licence="test", command="test", seed=seed
        )
        assert manifest.figures["iterations"] == 2
        made.append(path.read_bytes())
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_nats_are_of_the_whole_held_out_music(kind: str, pieces: list[PartPiece]) -> None:
    """Not of excerpts drawn and transposed at random: the part network's are of the same, and they are compared."""
    torch.manual_seed(5)
    network = SequenceNetwork(BaselinePlan(kind, width=16, layers=1, heads=2, window=24))
    with torch.no_grad():
        network.out.weight.zero_()
        network.out.bias.zero_()
    assert lower_voice_nats(network, pieces, 50) == pytest.approx(np.log(VOCABULARY), rel=1e-5)
    torch.nn.init.normal_(network.out.weight)
    first = lower_voice_nats(network, pieces[:1], 24)
    assert lower_voice_nats(network, pieces[:1], 36) != pytest.approx(first, rel=1e-3)
    changed = replace(pieces[0], tokens=pieces[0].tokens.copy())
    changed.tokens[40:] = REST
    assert lower_voice_nats(network, [changed], 36) == lower_voice_nats(network, pieces[:1], 36)
    arrays = {name: value.numpy() for name, value in network.state_dict().items()}
    shape = {"width": 16, "layers": 1, "heads": 2, "window": 24, "parameters": 0}
    assert lower_voice_nats(load_sequence(arrays, shape), pieces, 50) == lower_voice_nats(network, pieces, 50)
    with pytest.raises(ModelError, match="no sequence baseline"):
        load_sequence({"inputs": np.zeros(3)}, shape)


def test_the_transformer_goes_on_beyond_its_window() -> None:
    torch.manual_seed(1)
    plan = BaselinePlan("transformer", width=16, layers=1, heads=2, window=8)
    arrays = {name: value.numpy() for name, value in SequenceNetwork(plan).state_dict().items()}
    shape = {"width": 16, "layers": 1, "heads": 2, "window": 8}
    decoder = SequenceDecoder(arrays, PartManifest("x", 2, shape, {}, "", "", {}, ""))
    tokens = np.full((32, 4), -1)
    tokens[:, 0] = [pitch_to_token(72), HOLD, HOLD, REST] * 8
    sheet = Sheet(even_grid(8, 4), tokens, RANGES, frozenset({1, 2, 3}), ((0, Controls()),))
    state = decoder.start(sheet)
    rows = [decoder.step(state, sheet, step, Controls()) for step in range(32)]
    assert len(state.past) <= 8 and all(0 <= token < 88 for row in rows for token in row)


def test_bars_are_patterns_above_the_tonic() -> None:
    grid = even_grid(8, 4)
    tokens = np.full((32, 4), HOLD)
    tokens[0], tokens[16:] = [pitch_to_token(p) for p in (74, 69, 66, 50)], REST
    conditions, patterns = bars_of(tokens, grid.place, grid.count, grid.metre, np.full(32, 2))
    assert conditions.shape == (1, 225) and patterns.shape == (1, 672), "a silent bar is nothing to learn from"
    cells = patterns.reshape(3, 16, 14).argmax(-1)
    assert cells[:, 0].tolist() == [7, 4, 0] and (cells[:, 1:] == HELD).all()
    assert classes_of(np.array([REST, HOLD]), 2).tolist() == [SILENT, HELD]
    assert nearest_token(7, 2, 67, 53, 74) == pitch_to_token(69)
    assert nearest_token(HELD, 2, 67, 53, 74) == HOLD and nearest_token(SILENT, 2, 67, 53, 74) == REST


def test_a_baseline_needs_a_melody_and_four_voices(tmp_path: Path) -> None:
    assert melody_first(2) == (2, 0, 1, 3)
    two = piece_from_rows(np.tile([72, 60, -1, -1], (32, 1)), "two", "", "train")
    absent = PartPiece("a", "a", "", np.where(two.tokens == REST, 88, two.tokens), two.grid, two.controls, "train")
    with pytest.raises(ModelError, match="four voices"):
        train_baseline("lstm", [absent], tmp_path / "x.safetensors", budget_s=1, licence="", command="")
    with pytest.raises(ModelError, match="no baseline 'rnn'"):
        train_baseline("rnn", [absent], tmp_path / "x.safetensors", budget_s=1, licence="", command="")


@pytest.mark.parametrize("kind", ["lstm", "gan"])
def test_music_held_out_that_cannot_be_judged_is_told_before_the_training(
    kind: str, pieces: list[PartPiece], tmp_path: Path
) -> None:
    def progress(share: float, loss: float) -> None:
        raise AssertionError(f"trained to {share}")

    with pytest.raises(ModelError, match="four voices"):
        train_baseline(
            kind, pieces[:-1], tmp_path / "x.safetensors", budget_s=1, licence="", command="", progress=progress
        )


def test_the_gan_says_that_it_learns_from_whole_bars(pieces: list[PartPiece], tmp_path: Path) -> None:
    silent = piece_from_rows(np.full((32, 4), -1), "silent", "", "train")
    with pytest.raises(ModelError, match="no bar of four quarters"):
        train_baseline("gan", [silent, pieces[-1]], tmp_path / "x.safetensors", budget_s=1, licence="", command="")
