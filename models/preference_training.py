"""The part network trained on what one learner liked: a little, and near to where it was.

The likelihood of liked and edited music is raised at a low rate; the distance to the weights it began with has its
price (L2-SP: Li, Grandvalet & Davoine, "Explicit inductive bias for transfer learning with convolutional networks",
ICML 2018), so that a dozen pieces do not make it forget all others.
"""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .grid import VOCABULARY
from .part_batches import Augmentation, ExcerptSource
from .part_corpus import PartPiece
from .part_network import PartNetwork
from .part_training import piece_nats, token_nats


@dataclass(frozen=True, slots=True)
class TuningPlan:
    """``budget_s`` of processor time, or ``most_steps``, whichever ends first. ``anchor`` is the price of the squared
    distance to the weights at the start."""

    budget_s: float = 120.0
    most_steps: int = 400
    learning_rate: float = 1e-4
    anchor: float = 0.5
    batch: int = 8
    steps: int = 96
    seed: int = 0
    threads: int = 1


def tune(
    network: PartNetwork,
    liked: Sequence[PartPiece],
    plan: TuningPlan,
    progress: Callable[[float, float], None] | None = None,
) -> tuple[PartNetwork, dict[str, float]]:
    """A network tuned on ``liked``, and figures: nats per token of those pieces before and after. ``network`` stays."""
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    source = ExcerptSource(liked, plan.steps, Augmentation(learner=0.0), np.random.default_rng(plan.seed))
    tuned = copy.deepcopy(network).train()
    started = [parameter.detach().clone() for parameter in tuned.parameters()]
    optimiser = torch.optim.Adam(tuned.parameters(), plan.learning_rate)
    spent = time.process_time()
    step, share = 0, 0.0
    while share < 1.0:
        batch = source.batch(plan.batch)
        nats, _ = token_nats(tuned, batch)
        loss = (nats * batch.weight).sum() / batch.weight.sum()
        away = sum(
            ((parameter - start) ** 2).sum() for parameter, start in zip(tuned.parameters(), started, strict=True)
        )
        optimiser.zero_grad()
        (loss + plan.anchor * away).backward()
        torch.nn.utils.clip_grad_norm_(tuned.parameters(), 1.0)
        optimiser.step()
        step += 1
        share = max(step / plan.most_steps, (time.process_time() - spent) / plan.budget_s)
        if progress is not None:
            progress(min(1.0, share), loss.item())
    tuned.eval()
    figures = {
        "liked_pieces": float(len(liked)),
        "tuning_steps": float(step),
        "liked_nats_before": _nats(network.eval(), liked),
        "liked_nats_after": _nats(tuned, liked),
    }
    return tuned, figures


def _nats(network: PartNetwork, pieces: Sequence[PartPiece]) -> float:
    nats = [piece_nats(network, piece)[piece.tokens < VOCABULARY] for piece in pieces]
    return round(float(np.concatenate([one.ravel() for one in nats]).mean()), 4)
