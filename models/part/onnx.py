"""The part network as ONNX, for other programs: one file for the backbone's step, one for the head.

A step goes as in ``runtime.PartState``: the backbone once, with its caches of the steps before, then the head for each
voice in turn, told what the voices decided so far do. Weights are kept in half precision, as in the safetensors file,
and computed with in single precision, so that both run times answer alike. The files' metadata say where the weights
come from. Tutti itself runs on numpy (docs/decisions/0009-grid-transformer.md).
"""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...engine.errors import ModelError
from ..controls import COLUMNS
from ..grid import FIRST_PITCH, HOLD, UNKNOWN, VOICES
from ..weights import PartManifest, read_part_weights
from .network import Block, PartNetwork, StepInputs
from .tables import FADES, OFFSETS
from .training import load_network

OPSET = 18
_LEAST_HALVED = 64
"""Tensors of fewer elements stay in single precision."""


class StepBackbone(nn.Module):
    """One step of the backbone: what was before it and its caches in; memory and caches out.

    ``step`` counts from 0; ``sounding``, ``age``, ``prior``, ``given`` (voices,) and ``lately`` (fades, 12) are kept as
    ``runtime.PartState`` does; ``place`` (3,) is place, count, metre; ``controls`` (columns,); ``ahead`` (voices,
    offsets); ``keys`` and ``values`` (layers, heads, window, channels) are rings, zeros at first. All whole numbers are
    int64. ``memory`` (width,) is what the head is told.
    """

    slots: Tensor
    frequency: Tensor

    def __init__(self, network: PartNetwork) -> None:
        super().__init__()
        self.network, shape = network, network.shape
        half = shape.width // shape.heads // 2
        self.register_buffer("slots", torch.arange(shape.window), persistent=False)
        self.register_buffer("frequency", 10000.0 ** (-torch.arange(half) / half), persistent=False)

    def forward(
        self,
        step: Tensor,
        sounding: Tensor,
        age: Tensor,
        prior: Tensor,
        lately: Tensor,
        given: Tensor,
        place: Tensor,
        controls: Tensor,
        ahead: Tensor,
        keys: Tensor,
        values: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        network, shape = self.network, self.network.shape
        inputs = StepInputs(
            sounding=sounding[None, None],
            age=age[None, None],
            prior=prior[None, None],
            lately=lately[None, None],
            given=given[None, None],
            place=place[None, None, 0],
            count=place[None, None, 1],
            metre=place[None, None, 2],
            controls=controls[None, None],
            ahead=ahead[None, None],
        )
        x = network.embed(inputs)[0, 0] + network.ahead_in(network.ahead_embedding(ahead).flatten())
        angle = step * self.frequency
        cosine, sine = angle.cos(), angle.sin()
        here = (self.slots == step % shape.window)[None, :, None]
        empty = torch.where(self.slots <= step, 0.0, -1e9)
        new_keys, new_values = [], []
        for index, block in enumerate(network.blocks):
            assert isinstance(block, Block)
            mixed = block.query_key_value(block.attention_norm(x)).view(3, shape.heads, -1)
            query, key = _turned(mixed[0], cosine, sine), _turned(mixed[1], cosine, sine)
            layer_keys = torch.where(here, key[:, None], keys[index])
            layer_values = torch.where(here, mixed[2][:, None], values[index])
            scores = (layer_keys @ query[..., None])[..., 0] * query.shape[-1] ** -0.5 + empty
            attended = scores.softmax(-1)[:, None] @ layer_values
            x = x + block.attended(attended.flatten())
            x = x + block.narrow(torch.relu(block.widen(block.forward_norm(x))).square())
            new_keys.append(layer_keys)
            new_values.append(layer_values)
        return network.norm(x), torch.stack(new_keys), torch.stack(new_values)


class StepHead(nn.Module):
    """Log-odds (voices, vocabulary) of every voice that is open, given what the others do at the step.

    ``memory`` is the backbone's; ``sounding``, ``age``, ``prior``, ``lately`` and ``controls`` as it was told;
    ``known`` (voices,) the symbols that sound at the step, ``UNKNOWN`` where open; ``onset`` (voices,) 1 where they
    begin there.
    """

    def __init__(self, network: PartNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        memory: Tensor,
        sounding: Tensor,
        age: Tensor,
        prior: Tensor,
        lately: Tensor,
        controls: Tensor,
        known: Tensor,
        onset: Tensor,
    ) -> Tensor:
        zeros = torch.zeros_like(sounding)
        inputs = StepInputs(
            sounding=sounding[None, None],
            age=age[None, None],
            prior=prior[None, None],
            lately=lately[None, None],
            given=zeros[None, None],
            place=zeros[None, :1],
            count=zeros[None, :1],
            metre=zeros[None, :1],
            controls=controls[None, None],
            ahead=zeros[None, None, :, None],
        )
        visible = (known != UNKNOWN)[None, None, :].expand(1, VOICES, VOICES)
        logits = self.network.answer(memory[None, None], inputs, known[None, None], onset[None, None], visible)[0, :, 0]
        pitched = (sounding >= FIRST_PITCH) & (sounding < UNKNOWN)
        held = torch.where(pitched, logits[:, HOLD], -torch.inf)
        return torch.cat([logits[:, :HOLD], held[:, None], logits[:, HOLD + 1 :]], dim=-1)


def _turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], -1)


def onnx_paths(weights: Path, folder: Path | None = None) -> tuple[Path, Path]:
    """The files of the backbone and the head: beside the weights, or in ``folder``."""
    base = weights if folder is None else folder / weights.name
    return base.with_suffix(".backbone.onnx"), base.with_suffix(".head.onnx")


def check_exporter() -> None:
    """Raise ``ModelError`` where what writes ONNX is not installed."""
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as error:
        raise ModelError("ONNX is written by a package that is missing: pip install 'tutti[onnx]'") from error


def export_onnx(weights: Path, folder: Path | None = None) -> tuple[Path, Path]:
    """Write the ONNX files of weights (with their manifest) and check that they are sound; their paths.

    Raises ``ModelError`` where the weights cannot be read, the files not be written, or the exporter is not installed.
    """
    check_exporter()
    arrays, manifest = read_part_weights(weights)
    network = load_network(arrays, manifest.shape)
    paths = onnx_paths(weights, folder)
    size = network.shape

    def whole(*shape: int) -> Tensor:  # each input its own tensor: the exporter takes one given twice for one input
        return torch.zeros(shape, dtype=torch.int64)

    def ring() -> Tensor:
        return torch.zeros(size.layers, size.heads, size.window, size.width // size.heads)

    def music() -> tuple[Tensor, ...]:
        return whole(voices), whole(voices), whole(voices), torch.zeros(len(FADES), 12)

    voices, ahead = VOICES, (VOICES, len(OFFSETS))
    backbone = (whole(), *music(), whole(voices), whole(3), whole(COLUMNS), whole(*ahead), ring(), ring())
    head = (torch.zeros(size.width), *music(), whole(COLUMNS), whole(voices), whole(voices))
    _write(paths[0], StepBackbone(network), backbone, ("memory", "new_keys", "new_values"), manifest)
    _write(paths[1], StepHead(network), head, ("logits",), manifest)
    return paths


def _write(
    path: Path, module: nn.Module, example: tuple[Tensor, ...], outputs: tuple[str, ...], manifest: PartManifest
) -> None:
    import onnx

    with _quiet():
        program = torch.onnx.export(
            module.eval(), example, dynamo=True, opset_version=OPSET, output_names=list(outputs), verbose=False
        )
    assert program is not None
    model = program.model_proto
    _halve(model)
    model.producer_name, model.doc_string = "tutti", (type(module).__doc__ or "").strip()
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, _facts(manifest))
    onnx.checker.check_model(model, full_check=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(model.SerializeToString())
    except OSError as error:
        raise ModelError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter tells of packages for pictures that it misses, and of what will change in torch itself."""
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        exporter.setLevel(level)


def _facts(manifest: PartManifest) -> dict[str, str]:
    """What the manifest says, for the file's metadata."""
    return {
        "name": manifest.name,
        "weights_sha256": manifest.sha256,
        "licence": manifest.licence,
        "command": manifest.command,
        "shape": json.dumps(manifest.shape),
        "figures": json.dumps(manifest.figures),
        "data_sha256": str(manifest.data.get("sha256", "")),
    }


def _halve(model: Any) -> None:
    """Keep large tensors in half precision; they are widened when the model is loaded. The weights come from half
    precision, so nothing is lost. What the exporter tells of nodes and sources, for debugging, is left out."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or int(np.prod(tensor.dims)) < _LEAST_HALVED:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        halved = values.astype(np.float16)
        if not np.array_equal(halved.astype(np.float32), values):
            continue
        tensor.CopyFrom(numpy_helper.from_array(halved, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    for node in nodes:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]
