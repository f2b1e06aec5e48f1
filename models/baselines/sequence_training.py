"""The sequence baselines in torch: one position per grid step, and a head that decodes the three lower voices.

``lstm``: Hochreiter & Schmidhuber, "Long Short-Term Memory", Neural Computation 9, 1997, as for chorales in DeepBach
(Hadjeres et al., ICML 2017). ``transformer``: Vaswani et al., NeurIPS 2017, with learned absolute positions, post-norm.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from ...engine.errors import ModelError
from ..grid import COUNTS, PLACES, SYMBOLS, VOCABULARY, VOICES
from ..part.corpus import PartPiece, split_pieces
from .melody_music import ANSWERED, MELODY, OLDEST_AGE, MelodyBatch, MelodySource, four_voices, melody_excerpt

KINDS = ("lstm", "transformer")


@dataclass(frozen=True, slots=True)
class BaselinePlan:
    """How long to train: ``iterations`` where given, which makes the same weights again from the same seed; else
    ``budget_s`` of processor time, or ``most_wall_s`` of wall time. Excerpts have ``steps``; a Transformer's
    ``window`` is no longer, as positions beyond them would never be learned."""

    kind: str = "lstm"
    budget_s: float = 300.0
    most_wall_s: float = math.inf
    iterations: int | None = None
    learning_rate: float = 4e-3
    batch: int = 12
    steps: int = 96
    width: int = 128
    layers: int = 2
    heads: int = 4
    window: int = 96
    seed: int = 0
    threads: int = 1


class SequenceNetwork(nn.Module):
    """Sum of embeddings of what sounds → LSTM or Transformer → logits of each lower voice given those decided."""

    def __init__(self, plan: BaselinePlan) -> None:
        super().__init__()
        self.plan, width = plan, plan.width
        self.before = nn.Embedding(VOICES * SYMBOLS, width)
        self.age = nn.Embedding(VOICES * (OLDEST_AGE + 1), width)
        self.melody = nn.Embedding(2 * SYMBOLS, width)
        self.place = nn.Embedding(PLACES, width)
        self.count = nn.Embedding(COUNTS, width)
        if plan.kind == "lstm":
            self.lstm = nn.LSTM(width, width, batch_first=True)
        else:
            self.position = nn.Embedding(plan.window, width)
            layer = nn.TransformerEncoderLayer(width, plan.heads, 2 * width, 0.0, batch_first=True)
            self.blocks = nn.TransformerEncoder(layer, plan.layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, len(ANSWERED) * width)
        self.known = nn.Embedding(VOICES * 2 * SYMBOLS, width)
        self.out = nn.Linear(width, len(ANSWERED) * VOCABULARY)
        for embedding in (module for module in self.modules() if isinstance(module, nn.Embedding)):
            nn.init.normal_(embedding.weight, std=0.1)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Logits (batch, steps, answered voices, vocabulary), the voices in the order of ``ANSWERED``."""
        voice = torch.arange(VOICES)
        x = self.before(batch["before"] + voice * SYMBOLS).sum(-2)
        x = x + self.age(batch["age"] + voice * (OLDEST_AGE + 1)).sum(-2)
        symbols = batch["now"] + batch["onset"] * SYMBOLS
        x = x + self.melody(symbols[..., MELODY]) + self.place(batch["place"]) + self.count(batch["count"])
        memory = self._remember(x)
        hidden = self.head(memory).unflatten(-1, (len(ANSWERED), -1))
        known = self.known(symbols + voice * 2 * SYMBOLS)
        told = [known[..., MELODY, :]]
        for decided in ANSWERED[:-1]:
            told.append(told[-1] + known[..., decided, :])
        hidden = torch.relu(hidden + torch.stack(told, -2))
        weight = self.out.weight.unflatten(0, (len(ANSWERED), -1))
        bias: Tensor = self.out.bias.unflatten(0, (len(ANSWERED), -1))
        return torch.einsum("btvw,vow->btvo", hidden, weight) + bias

    def _remember(self, x: Tensor) -> Tensor:
        if self.plan.kind == "lstm":
            memory: Tensor = self.lstm(x)[0]
            return memory
        steps = x.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(steps)
        blocks: Tensor = self.blocks(x + self.position.weight[:steps], mask=mask, is_causal=True)
        return blocks


def train_sequence(
    pieces: Sequence[PartPiece], plan: BaselinePlan, progress: Callable[[float, float], None] | None = None
) -> tuple[dict[str, np.ndarray], dict[str, int], dict[str, Any]]:
    """Train on pieces for four voices; arrays by name, sizes, and figures (``lower_voice_nats`` of those held out).

    Raises ``ModelError`` where no piece to train on, or none of those held out, has four voices.
    """
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    random = np.random.default_rng(plan.seed)
    training, validation = split_pieces(pieces)
    source = MelodySource(training, plan.steps, random)
    held_out = four_voices(validation)
    network = SequenceNetwork(plan)
    optimiser = torch.optim.AdamW(network.parameters(), plan.learning_rate, betas=(0.9, 0.98), weight_decay=0.02)
    spent, passed = time.process_time(), time.monotonic()
    share, iteration, running = 0.0, 0, math.nan
    while share < 1.0:
        for group in optimiser.param_groups:
            warm = min(1.0, (iteration + 1) / 20)
            group["lr"] = plan.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        loss = mean_nats(network, source.batch(plan.batch))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        iteration += 1
        running = loss.item() if math.isnan(running) else 0.95 * running + 0.05 * loss.item()
        share = max((time.process_time() - spent) / plan.budget_s, (time.monotonic() - passed) / plan.most_wall_s)
        if plan.iterations is not None:
            share = iteration / plan.iterations
        if progress is not None:
            progress(min(1.0, share), running)
    nats = lower_voice_nats(network, held_out)
    arrays = {name: value.numpy() for name, value in network.state_dict().items()}
    shape = {key: getattr(plan, key) for key in ("width", "layers", "heads", "window")}
    figures = {"training_nats_lower_voices": round(running, 4), "nats_lower_voices": round(nats, 4)}
    return arrays, shape, {**figures, "iterations": iteration}


def mean_nats(network: SequenceNetwork, batch: MelodyBatch) -> Tensor:
    """Mean cross entropy of the lower voices' tokens."""
    return _token_nats(network, batch).mean()


@torch.no_grad()
def lower_voice_nats(network: SequenceNetwork, pieces: Sequence[PartPiece], most_steps: int = 1024) -> float:
    """Nats a token of the three lower voices given the highest so far, over the first ``most_steps`` of pieces for four
    voices: what ``part.training.validation_nats`` of the same pieces with voice 0 given is for the part network.

    The Transformer, whose positions end, is asked in windows that overlap by half, and counted where it has at least
    half of one behind it, or all that there is.
    """
    network.eval()
    total, tokens = 0.0, 0
    for piece in pieces:
        steps = min(most_steps, len(piece.tokens))
        window = steps if network.plan.kind == "lstm" else min(steps, network.plan.window)
        counted = 0
        for start in range(0, max(1, steps - window // 2), max(1, window // 2)):
            stop = min(start + window, steps)
            music = melody_excerpt(piece, np.arange(start, stop))
            batch = MelodyBatch(*(column[None] for column in music))
            nats = _token_nats(network, batch)[0, counted - start :]
            total, tokens, counted = total + float(nats.sum()), tokens + nats.numel(), stop
    return total / max(1, tokens)


def _token_nats(network: SequenceNetwork, batch: MelodyBatch) -> Tensor:
    """Cross entropy of each lower voice's token, (batch, steps, answered voices)."""
    tensors = {name: torch.from_numpy(getattr(batch, name)) for name in MelodyBatch.__slots__}
    targets = tensors["tokens"][..., list(ANSWERED)]
    nats = functional.cross_entropy(network(tensors).flatten(0, -2), targets.flatten(), reduction="none")
    return nats.view(targets.shape)


def load_sequence(arrays: Mapping[str, np.ndarray], shape: Mapping[str, int]) -> SequenceNetwork:
    """The torch network of a baseline's weights, as ``weights.read_part_weights`` gives them.

    Raises ``ModelError`` where they are of a network of another make.
    """
    kind = "lstm" if "lstm.weight_ih_l0" in arrays else "transformer"
    sizes = {key: shape[key] for key in ("width", "layers", "heads", "window")}
    network = SequenceNetwork(BaselinePlan(kind, **sizes))
    try:
        network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    except RuntimeError as error:
        raise ModelError("these weights are of no sequence baseline; train one with `tutti train --network`") from error
    return network.eval()
