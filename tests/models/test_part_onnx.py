"""The part network as ONNX: it answers like the run time that Tutti plays with, and says where it comes from."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from typer.testing import CliRunner

from tutti.engine.errors import OutputError
from tutti.models.controls import SIZES
from tutti.models.grid import ABSENT, FIRST_PITCH, HOLD, REST, UNKNOWN, VOCABULARY, VOICES, even_grid
from tutti.models.part.network import PartNetwork, PartShape
from tutti.models.part.onnx import export_onnx, onnx_paths
from tutti.models.part.runtime import NOT_AHEAD, PartModel, PartState
from tutti.models.part.tables import OFFSETS
from tutti.models.part.training import write_network
from tutti.studio.cli import app

SMALL = PartShape(width=32, layers=2, heads=2, head=32, window=24)
ORDER = (3, 1, 2)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("onnx") / "own.safetensors"
    write_network(path, PartNetwork(SMALL), [], licence="mine", command="test", figures={"nats": 0.5})
    return path


class OnnxPlayer:
    """Another program that plays with the files alone: what ``PartState`` does, by ONNX Runtime."""

    def __init__(self, weights: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.backbone, self.head = (onnxruntime.InferenceSession(path, options) for path in onnx_paths(weights))
        ring = next(item.shape for item in self.backbone.get_inputs() if item.name == "keys")
        self.keys, self.values = np.zeros(ring, np.float32), np.zeros(ring, np.float32)

    def begin(self, state: PartState, place: np.ndarray, controls: np.ndarray, ahead: np.ndarray) -> None:
        told = {
            "step": np.array(state.step),
            "sounding": state.sounding,
            "age": state.age,
            "prior": state.prior,
            "lately": state.lately,
            "given": state.given,
            "place": place,
            "controls": controls,
            "ahead": ahead,
            "keys": self.keys,
            "values": self.values,
        }
        self.memory, self.keys, self.values = self.backbone.run(None, told)

    def logits(self, state: PartState, voice: int, tokens: list[int]) -> np.ndarray:
        known, onset = state.known(tokens)
        told = {
            "memory": self.memory,
            "sounding": state.sounding,
            "age": state.age,
            "prior": state.prior,
            "lately": state.lately,
            "controls": state.controls,
            "known": known,
            "onset": onset,
        }
        return np.asarray(self.head.run(None, told)[0])[voice]


def odds(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max())
    return np.asarray(shifted / shifted.sum())


@pytest.mark.parametrize("absent", [None, 2])
def test_it_answers_like_the_run_time_on_numpy(weights: Path, absent: int | None) -> None:
    """Over more steps than the window, with a given voice, controls and a look ahead."""
    export_onnx(weights)
    model, player = PartModel.load(weights), OnnxPlayer(weights)
    random = np.random.default_rng(2)
    steps, grid = 64, even_grid(16, 4)
    state = model.start([voice != absent for voice in range(VOICES)], [True, False, False, False])
    for step in range(steps):
        controls = np.array([random.integers(0, size) for size in SIZES], np.int64)
        ahead = NOT_AHEAD.copy()
        if step % 2:
            ahead[0] = random.integers(FIRST_PITCH, VOCABULARY, len(OFFSETS))
        place = grid.at(step)
        state.begin(place, controls, ahead)
        player.begin(state, np.array([place.place, place.count, place.metre]), controls, ahead)
        assert state.memory is not None
        np.testing.assert_allclose(player.memory, state.memory, atol=2e-4)
        tokens = [int(random.integers(FIRST_PITCH, VOCABULARY)), UNKNOWN, UNKNOWN, UNKNOWN]
        if absent is not None:
            tokens[absent] = ABSENT
        for voice in ORDER:
            if voice == absent:
                continue
            ours, theirs = odds(state.logits(voice, tokens)), odds(player.logits(state, voice, tokens))
            np.testing.assert_allclose(theirs, ours, atol=2e-4)
            sounds = state.sounding[voice] >= FIRST_PITCH
            assert (theirs[HOLD] > 0) == sounds, "only what sounds can be held"
            tokens[voice] = int(random.choice([HOLD if sounds else REST, FIRST_PITCH + 40 + voice]))
        state.commit(tokens)


def test_the_files_say_where_they_come_from_and_are_half_as_large_as_single_precision(weights: Path) -> None:
    paths = export_onnx(weights)
    manifest = PartModel.load(weights).manifest
    for path in paths:
        facts = {item.key: item.value for item in onnx.load(path).metadata_props}
        assert facts["weights_sha256"] == manifest.sha256 and facts["licence"] == "mine"
        assert facts["figures"] == '{"nats": 0.5}'
    assert sum(path.stat().st_size for path in paths) < 1.1 * weights.stat().st_size + 120_000


def test_the_command_writes_the_files_or_says_in_one_line_what_is_wrong(weights: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    done = runner.invoke(app, ["part", "onnx", str(weights), "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert all(path.exists() and path.name in done.output for path in onnx_paths(weights, tmp_path))
    blocked = tmp_path / "a file"
    blocked.write_text("")
    refused = runner.invoke(app, ["part", "onnx", str(weights), "-o", str(blocked)])
    assert isinstance(refused.exception, OutputError) and "choose another folder" in str(refused.exception)
