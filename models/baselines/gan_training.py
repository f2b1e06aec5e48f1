"""A small GAN of one-bar patterns for several voices, in torch.

A generator turns noise and the melody's bar into the bar of three lower voices; a critic tells them from real bars.
After MuseGAN (Dong et al., "MuseGAN: Multi-track Sequential GANs for Symbolic Music Generation and Accompaniment",
AAAI 2018), with the Wasserstein loss and gradient penalty of Gulrajani et al., NeurIPS 2017; multilayer perceptrons
instead of convolutions, as a bar here has 48 cells.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...engine.errors import ModelError
from ..controls import KEY
from ..part.corpus import PartPiece, split_pieces
from .bar_patterns import CLASSES, CONDITION, LOWER, NOISE, PATTERN, STEPS, bars_of
from .melody_music import four_voices

CRITIC_STEPS = 3
PENALTY = 10.0


@dataclass(frozen=True, slots=True)
class GanPlan:
    """How long to train: ``iterations`` where given, which makes the same weights again from the same seed; else
    ``budget_s`` of processor time, or ``most_wall_s`` of wall time."""

    budget_s: float = 300.0
    most_wall_s: float = math.inf
    iterations: int | None = None
    learning_rate: float = 8e-4
    batch: int = 32
    width: int = 256
    seed: int = 0
    threads: int = 1


def generator(width: int) -> nn.Sequential:
    """Noise and condition → scores of every cell's class."""
    return nn.Sequential(
        nn.Linear(NOISE + CONDITION, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, PATTERN)
    )


def softly(scores: Tensor, random: torch.Generator | None = None) -> Tensor:
    """Classes of cells as probabilities, sharpened by Gumbel noise while training (Jang et al., ICLR 2017): the critic
    must not tell patterns by how sure they are."""
    cells = scores.unflatten(-1, (LOWER * STEPS, CLASSES))
    uniform = torch.rand(cells.shape, generator=random).clamp_min(1e-9)
    return torch.softmax((cells - torch.log(-torch.log(uniform))) / 0.5, -1).flatten(-2)


def training_bars(pieces: Sequence[PartPiece]) -> tuple[np.ndarray, np.ndarray]:
    """Conditions and patterns of all bars of pieces for four voices. Raises ``ModelError`` where there is no piece."""
    found = [
        bars_of(
            piece.tokens.astype(np.int64),
            piece.grid.place,
            piece.grid.count,
            piece.grid.metre,
            np.maximum(0, piece.controls[:, KEY].astype(np.int64) - 1),
        )
        for piece in four_voices(pieces)
    ]
    return np.concatenate([one for one, _ in found]), np.concatenate([other for _, other in found])


def train_gan(
    pieces: Sequence[PartPiece], plan: GanPlan, progress: Callable[[float, float], None] | None = None
) -> tuple[dict[str, np.ndarray], dict[str, int], dict[str, Any]]:
    """Train; the generator's arrays by name, sizes, and figures: how often notes and holds occur in what it makes of
    held-out melodies and in the real bars. ``progress`` is told the share done and the critic's distance.

    Raises ``ModelError`` where no piece has four voices, or none of those a bar of four quarters.
    """
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    random = np.random.default_rng(plan.seed)
    training, validation = split_pieces(pieces)
    conditions, patterns = training_bars(training)
    held_out = training_bars(validation)
    if not len(patterns):
        raise ModelError("no bar of four quarters without triplets is among these scores: the GAN learns from those")
    maker = generator(plan.width)
    critic = nn.Sequential(
        nn.Linear(CONDITION + PATTERN, plan.width),
        nn.LeakyReLU(0.2),
        nn.Linear(plan.width, plan.width),
        nn.LeakyReLU(0.2),
        nn.Linear(plan.width, 1),
    )
    optimisers = [torch.optim.Adam(net.parameters(), plan.learning_rate, betas=(0.5, 0.9)) for net in (critic, maker)]
    spent, passed = time.process_time(), time.monotonic()
    share, iteration, distance = 0.0, 0, math.nan
    while share < 1.0:
        for _ in range(CRITIC_STEPS):
            chosen = random.integers(0, len(patterns), plan.batch)
            told, real = torch.from_numpy(conditions[chosen]), torch.from_numpy(patterns[chosen])
            with torch.no_grad():
                made = softly(maker(torch.cat([torch.randn(plan.batch, NOISE), told], -1)))
            apart = critic(torch.cat([told, made], -1)).mean() - critic(torch.cat([told, real], -1)).mean()
            _step(optimisers[0], apart + PENALTY * _penalty(critic, told, real, made))
            distance = -apart.item()
        told = torch.from_numpy(conditions[random.integers(0, len(patterns), plan.batch)])
        made = softly(maker(torch.cat([torch.randn(plan.batch, NOISE), told], -1)))
        _step(optimisers[1], -critic(torch.cat([told, made], -1)).mean())
        iteration += 1
        share = max((time.process_time() - spent) / plan.budget_s, (time.monotonic() - passed) / plan.most_wall_s)
        if plan.iterations is not None:
            share = iteration / plan.iterations
        if progress is not None:
            progress(min(1.0, share), distance)
    arrays = {name: value.numpy() for name, value in maker.state_dict().items()}
    return arrays, {"width": plan.width}, {"iterations": iteration, **_figures(maker, *held_out)}


def _figures(maker: nn.Sequential, conditions: np.ndarray, patterns: np.ndarray) -> dict[str, float]:
    if not len(patterns):
        return {}
    told = torch.from_numpy(conditions[:512])
    with torch.no_grad():
        scores = maker(torch.cat([torch.randn(len(told), NOISE), told], -1)).unflatten(-1, (-1, CLASSES))
    made = scores.argmax(-1).numpy()
    real = patterns[:512].reshape(len(told), -1, CLASSES).argmax(-1)
    return {
        "onsets_made": round(float((made < 12).mean()), 4),
        "onsets_real": round(float((real < 12).mean()), 4),
        "cells_as_written": round(float((made == real).mean()), 4),
    }


def _penalty(critic: nn.Module, told: Tensor, real: Tensor, made: Tensor) -> Tensor:
    mix = torch.rand(len(real), 1)
    between = (mix * real + (1 - mix) * made).requires_grad_(True)
    score = critic(torch.cat([told, between], -1)).sum()
    (slope,) = torch.autograd.grad(score, between, create_graph=True)
    size: Tensor = ((slope.norm(dim=-1) - 1.0) ** 2).mean()
    return size


def _step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
