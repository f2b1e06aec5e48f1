"""Training: a folder of four-part scores in, small weights with a manifest out. CPU minutes."""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from .corpus import Piece, split, transpose, transpositions, windows
from .manifest import Manifest, save_weights
from .network import HarmonyNetwork, NetworkShape, hide_later_voices
from .tokens import REST, VOICES, states_before

SEQUENCE_STEPS = 128
BATCH = 24


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How long and how to train. ``budget_s`` of processor time ends it early, with the learning rate annealed."""

    budget_s: float = 600.0
    learning_rate: float = 2e-3
    seed: int = 0
    threads: int = 1
    shape: NetworkShape = field(default_factory=NetworkShape)


@dataclass(frozen=True, slots=True)
class Batch:
    """Excerpts: ``tokens``, ``sounding``, ``age`` (batch, steps, voices); ``position``, ``weight`` (batch, steps)."""

    tokens: Tensor
    sounding: Tensor
    age: Tensor
    position: Tensor
    weight: Tensor


def make_batch(excerpts: list[tuple[np.ndarray, np.ndarray]], steps: int = SEQUENCE_STEPS) -> Batch:
    """Pad excerpts (tokens, position) to one length; padding has weight 0."""
    count = len(excerpts)
    tokens = np.full((count, steps, VOICES), REST, np.int64)
    position = np.zeros((count, steps), np.int64)
    weight = np.zeros((count, steps), np.float32)
    sounding, age = np.full_like(tokens, REST), np.zeros_like(tokens)
    for row, (excerpt, places) in enumerate(excerpts):
        length = min(steps, len(excerpt))
        tokens[row, :length] = excerpt[:length]
        position[row, :length] = places[:length]
        weight[row, :length] = 1.0
        sounding[row], age[row] = states_before(tokens[row])
    return Batch(*(torch.from_numpy(array) for array in (tokens, sounding, age, position, weight)))


def nats_per_token(network: HarmonyNetwork, batch: Batch, order: Tensor) -> Tensor:
    """Cross entropy of every token, (batch, steps, voices), voices decoded in ``order`` (batch, steps, voices)."""
    memory, _ = network.remember(batch.sounding, batch.age, batch.position)
    known = hide_later_voices(batch.tokens, order)
    voices = torch.arange(VOICES).expand(batch.tokens.shape)
    logits = network.answer(
        memory.unsqueeze(-2).expand(-1, -1, VOICES, -1),
        known,
        voices,
        batch.sounding,
        batch.age,
        batch.position.unsqueeze(-1).expand(-1, -1, VOICES),
    )
    return functional.cross_entropy(logits.flatten(0, -2), batch.tokens.flatten(), reduction="none").view_as(
        batch.tokens
    )


@torch.no_grad()
def evaluate(network: HarmonyNetwork, pieces: list[Piece]) -> dict[str, float]:
    """Validation figures in nats per token: all voices soprano first, and the three lower ones given the soprano."""
    network.eval()
    order = torch.tensor([0, 3, 2, 1])
    total, lower, count = 0.0, 0.0, 0.0
    pending = [
        (piece.tokens[start : start + SEQUENCE_STEPS], piece.position[start : start + SEQUENCE_STEPS])
        for piece, start in windows(pieces, SEQUENCE_STEPS)
    ]
    for first in range(0, len(pending), BATCH):
        batch = make_batch(pending[first : first + BATCH])
        nats = nats_per_token(network, batch, order.expand(batch.tokens.shape)) * batch.weight.unsqueeze(-1)
        total += float(nats.sum())
        lower += float(nats[..., 1:].sum())
        count += float(batch.weight.sum())
    network.train()
    return {"nats_per_token": round(total / count / VOICES, 4), "nats_lower_voices": round(lower / count / 3, 4)}


def train(
    pieces: list[Piece], plan: TrainingPlan, progress: Callable[[float, float], None] | None = None
) -> tuple[HarmonyNetwork, dict[str, float]]:
    """Train on ``pieces`` for the plan's processor time. ``progress`` gets the share done and the running loss.

    The seed fixes data order and initial weights; a processor of another speed makes another number of iterations.
    """
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    random = np.random.default_rng(plan.seed)
    training, validation = split(pieces)
    network = HarmonyNetwork(plan.shape)
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, betas=(0.9, 0.98), weight_decay=0.02)
    lengths = np.array([len(piece.tokens) for piece in training], float)
    shifts = [transpositions(piece) for piece in training]
    started_s, share, iteration, running = time.process_time(), 0.0, 0, math.nan
    network.train()
    while share < 1.0:
        for group in optimiser.param_groups:
            group["lr"] = plan.learning_rate * min(1.0, (iteration + 1) / 40) * (0.02 + 0.98 * _cosine(share))
        batch = make_batch([_excerpt(training, lengths, shifts, random) for _ in range(BATCH)])
        order = torch.from_numpy(random.permuted(np.tile(np.arange(VOICES), (BATCH, 1)), axis=1))
        order[: BATCH // 2, 0] = -1  # Half of the excerpts know the soprano first: the usual question.
        nats = nats_per_token(network, batch, order.unsqueeze(1).expand(-1, SEQUENCE_STEPS, -1))
        loss = (nats * batch.weight.unsqueeze(-1)).sum() / batch.weight.sum() / VOICES
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        iteration += 1
        running = loss.item() if math.isnan(running) else 0.97 * running + 0.03 * loss.item()
        share = min(1.0, (time.process_time() - started_s) / plan.budget_s)
        if progress is not None:
            progress(share, running)
    figures = {
        "training_nats_per_token": round(running, 4),
        "iterations": float(iteration),
        **evaluate(network, validation),
    }
    return network, figures


def _cosine(share: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * share))


def _excerpt(
    pieces: list[Piece], lengths: np.ndarray, shifts: list[list[int]], random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    index = int(random.choice(len(pieces), p=lengths / lengths.sum()))
    piece = pieces[index]
    start = int(random.integers(0, max(1, len(piece.tokens) - SEQUENCE_STEPS + 1)))
    stop = start + SEQUENCE_STEPS
    shift = int(random.choice(shifts[index]))
    return transpose(piece.tokens[start:stop], shift), piece.position[start:stop]


def train_folder(
    pieces: list[Piece],
    weights: Path,
    plan: TrainingPlan,
    *,
    licence: str,
    command: str,
    progress: Callable[[float, float], None] | None = None,
) -> Manifest:
    """Train and write ``weights`` with their manifest: data by name and hash, split, licence, command, figures."""
    network, figures = train(pieces, plan, progress)
    training, validation = split(pieces)
    listing = {piece.name: piece.sha256 for piece in sorted(pieces, key=lambda piece: piece.name)}
    data = {
        "pieces": len(pieces),
        "steps": int(sum(len(piece.tokens) for piece in pieces)),
        "training": sorted(piece.name for piece in training),
        "validation": sorted(piece.name for piece in validation),
        "sha256": hashlib.sha256("".join(listing.values()).encode()).hexdigest(),
        "files": listing,
    }
    return save_weights(weights, network, {"data": data, "licence": licence, "command": command, "figures": figures})
