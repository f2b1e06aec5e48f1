"""The sequence baselines in torch: one position per grid step, and a head that decodes the three lower voices.

``lstm``: Hochreiter & Schmidhuber, "Long Short-Term Memory", Neural Computation 9, 1997, as for chorales in DeepBach
(Hadjeres et al., ICML 2017). ``transformer``: Vaswani et al., NeurIPS 2017, with learned absolute positions, post-norm.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from ..grid import COUNTS, PLACES, SYMBOLS, VOCABULARY, VOICES
from ..part.corpus import PartPiece, split_pieces
from .melody_music import ANSWERED, MELODY, OLDEST_AGE, MelodyBatch, MelodySource

KINDS = ("lstm", "transformer")


@dataclass(frozen=True, slots=True)
class BaselinePlan:
    """How long to train: ``iterations`` where given, which makes the same weights again from the same seed; else
    ``budget_s`` of processor time, or ``most_wall_s`` of wall time."""

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
    window: int = 128
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
    """Train on pieces for four voices; arrays by name, sizes, and figures (nats per token of a lower voice, held out).

    Raises ``ModelError`` where no piece to train on, or none of those held out, has four voices.
    """
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    random = np.random.default_rng(plan.seed)
    training, validation = split_pieces(pieces)
    source = MelodySource(training, plan.steps, random)
    held_out = MelodySource(validation, plan.steps, np.random.default_rng(1))
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
    network.eval()
    with torch.no_grad():
        nats = float(np.mean([mean_nats(network, held_out.batch(plan.batch)).item() for _ in range(4)]))
    arrays = {name: value.numpy() for name, value in network.state_dict().items()}
    shape = {key: getattr(plan, key) for key in ("width", "layers", "heads", "window")}
    figures = {"training_nats_lower_voices": round(running, 4), "nats_lower_voices": round(nats, 4)}
    return arrays, shape, {**figures, "iterations": iteration}


def mean_nats(network: SequenceNetwork, batch: MelodyBatch) -> Tensor:
    """Mean cross entropy of the lower voices' tokens."""
    tensors = {name: torch.from_numpy(getattr(batch, name)) for name in MelodyBatch.__slots__}
    targets = tensors["tokens"][..., list(ANSWERED)]
    return functional.cross_entropy(network(tensors).flatten(0, -2), targets.flatten())
