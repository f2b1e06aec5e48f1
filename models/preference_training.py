"""The part network trained on what one learner liked and disliked: a little, and near to where it was.

Direct preference optimisation (Rafailov et al., "Direct Preference Optimization: Your Language Model is Secretly a
Reward Model", NeurIPS 2023): of two answers the liked one shall gain likelihood against the disliked one, measured
against a frozen copy of the network it began with. Log-likelihoods are means over the answered tokens, so that longer
answers do not weigh more (as in Meng, Xia & Chen, "SimPO", NeurIPS 2024). A share of the liked answer's own likelihood
keeps it from falling together with the other's (Pang et al., "Iterative Reasoning Preference Optimization", NeurIPS
2024), and the distance to the weights at the start has its price (L2-SP: Li, Grandvalet & Davoine, ICML 2018). At last
music that has nothing to do with it is asked: where it became less likely by more than a bound, the way that the
weights went is shortened until it did not.
"""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from .grid import OUTER_FIRST, VOCABULARY, VOICES
from .part.batches import Excerpt, PartBatch, collate, excerpt_of
from .part.corpus import PartPiece, transpositions, usual_ranges
from .part.network import PartNetwork
from .part.training import piece_nats, token_nats

MOST_PAIRS = 64
"""Liked and disliked answers are paired at random up to so many."""
SHORTEST_WAY = 1.0 / 64.0
"""A way shortened below this share is not gone at all."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer that somebody judged: ``answered`` are the voices of the piece that an AI wrote."""

    piece: PartPiece
    answered: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """An answer that was liked and one that was not: before and after an edit, or two that were judged apart."""

    liked: Judged
    disliked: Judged


@dataclass(frozen=True, slots=True)
class TuningPlan:
    """``budget_s`` of processor time, or ``most_steps``, whichever ends first.

    ``sharpness`` is the β of the method, for mean log-likelihoods of a token; ``likelihood`` the share of the liked
    answer's own; ``anchor`` the price of the squared distance to the weights at the start. Held-out music may become
    less likely by ``bound_nats`` a token.
    """

    budget_s: float = 120.0
    most_steps: int = 60
    learning_rate: float = 3e-5
    sharpness: float = 5.0
    likelihood: float = 0.2
    anchor: float = 0.5
    bound_nats: float = 0.03
    batch: int = 4
    steps: int = 96
    seed: int = 0
    threads: int = 1


def pairs_of(edits: Sequence[Pair], liked: Sequence[Judged], disliked: Sequence[Judged], seed: int = 0) -> list[Pair]:
    """The edits, and what was liked against what was not, at random where there is much of it."""
    crossed = [Pair(one, other) for one in liked for other in disliked]
    room = max(0, MOST_PAIRS - len(edits))
    if len(crossed) > room:
        chosen = np.random.default_rng(seed).choice(len(crossed), room, replace=False)
        crossed = [crossed[index] for index in sorted(chosen)]
    return [*edits, *crossed]


def tune(
    network: PartNetwork,
    liked: Sequence[Judged],
    pairs: Sequence[Pair],
    plan: TuningPlan,
    held_out: Sequence[PartPiece] = (),
    progress: Callable[[float, float], None] | None = None,
) -> tuple[PartNetwork, dict[str, float]]:
    """A network tuned on pairs (on ``liked`` alone where there is none), and figures before and after: nats a token of
    liked and disliked answers and of held-out music, and the share of the way that was kept. ``network`` stays."""
    torch.set_num_threads(plan.threads)
    reference = network.eval()
    tuned = copy.deepcopy(network).eval()  # no dropout: what is compared must differ by the weights alone
    started = [parameter.detach().clone() for parameter in tuned.parameters()]
    optimiser = torch.optim.Adam(tuned.parameters(), plan.learning_rate)
    draw = _Excerpts(liked, pairs, plan)
    spent = time.process_time()
    step, share = 0, 0.0
    while share < 1.0:
        loss = _loss(tuned, reference, draw, plan)
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
    kept = _shortened(tuned, started, reference, held_out, plan.bound_nats)
    disliked = list({id(pair.disliked): pair.disliked for pair in pairs}.values())
    figures = {"liked_pieces": float(len(liked)), "pairs": float(len(pairs)), "tuning_steps": float(step)}
    for name, judged in (("liked", liked), ("disliked", disliked)):
        if judged:
            figures[f"{name}_nats_before"] = answered_nats(reference, judged)
            figures[f"{name}_nats_after"] = answered_nats(tuned, judged)
    if held_out:
        figures["held_out_nats_before"] = _nats(reference, held_out)
        figures["held_out_nats_after"] = _nats(tuned, held_out)
    return tuned, {**{name: round(value, 4) for name, value in figures.items()}, "share_kept": kept}


def _loss(tuned: PartNetwork, reference: PartNetwork, draw: "_Excerpts", plan: TuningPlan) -> Tensor:
    if not draw.pairs:
        return _mean_nats(tuned, draw.liked()).mean()
    liked, disliked = draw.paired()
    wanted, unwanted = _mean_nats(tuned, liked), _mean_nats(tuned, disliked)
    with torch.no_grad():
        was_wanted, was_unwanted = _mean_nats(reference, liked), _mean_nats(reference, disliked)
    margin = (was_wanted - wanted) - (was_unwanted - unwanted)
    return plan.likelihood * wanted.mean() - functional.logsigmoid(plan.sharpness * margin).mean()


def _mean_nats(network: PartNetwork, batch: PartBatch) -> Tensor:
    """Mean nats of the answered tokens of each excerpt, (batch,)."""
    nats, _ = token_nats(network, batch)
    weight = batch.weight
    return (nats * weight).sum((1, 2)) / weight.sum((1, 2)).clamp_min(1.0)


class _Excerpts:
    """Draws excerpts of what was judged: the others' voices given, the same place and key for both of a pair."""

    def __init__(self, liked: Sequence[Judged], pairs: Sequence[Pair], plan: TuningPlan) -> None:
        self.pairs = list(pairs)
        self._liked, self._plan = list(liked), plan
        self._random = np.random.default_rng(plan.seed)
        everything = [*self._liked, *(judged for pair in pairs for judged in (pair.liked, pair.disliked))]
        self._ranges = usual_ranges([judged.piece for judged in everything])

    def liked(self) -> PartBatch:
        chosen = self._random.integers(0, len(self._liked), self._plan.batch)
        return self._collated([(self._liked[index], *self._place([self._liked[index]])) for index in chosen])

    def paired(self) -> tuple[PartBatch, PartBatch]:
        chosen = [self.pairs[index] for index in self._random.integers(0, len(self.pairs), self._plan.batch)]
        places = [self._place([pair.liked, pair.disliked]) for pair in chosen]
        liked = [(pair.liked, *place) for pair, place in zip(chosen, places, strict=True)]
        disliked = [(pair.disliked, *place) for pair, place in zip(chosen, places, strict=True)]
        return self._collated(liked), self._collated(disliked)

    def _place(self, judged: Sequence[Judged]) -> tuple[int, int]:
        """Where an excerpt begins, and by how much it is transposed."""
        length = min(len(one.piece.tokens) for one in judged)
        start = int(self._random.integers(0, max(0, length - self._plan.steps) + 1))
        shifts = [transpositions(one.piece.tokens, self._ranges) for one in judged]
        common = sorted(set(shifts[0]).intersection(*shifts[1:])) or [0]
        return start, int(self._random.choice(common))

    def _collated(self, rows: Sequence[tuple[Judged, int, int]]) -> PartBatch:
        return collate(
            [_answered(judged, start, start + self._plan.steps, shift) for judged, start, shift in rows],
            self._plan.steps,
        )


def _answered(judged: Judged, start: int, stop: int, shift: int = 0) -> Excerpt:
    """An excerpt in which only the answered voices count; the others are given, and known first at each step."""
    excerpt = excerpt_of(judged.piece, start, stop, shift)
    excerpt.controls[:] = 0
    given = [voice for voice in range(VOICES) if voice not in judged.answered]
    excerpt.given[:, given] = 1
    excerpt.weight[:, given] = 0.0
    order = [*given, *(voice for voice in OUTER_FIRST if voice in judged.answered)]
    excerpt.rank = np.argsort(np.array(order))
    return excerpt


@torch.no_grad()
def answered_nats(network: PartNetwork, judged: Sequence[Judged]) -> float:
    """Mean nats of a token that an AI answered, over whole pieces."""
    total, tokens = 0.0, 0.0
    for one in judged:
        length = len(one.piece.tokens)
        batch = collate([_answered(one, 0, length)], length)
        nats, _ = token_nats(network, batch)
        total += float((nats * batch.weight).sum())
        tokens += float(batch.weight.sum())
    return total / max(1.0, tokens)


def _shortened(
    tuned: PartNetwork,
    started: Sequence[Tensor],
    reference: PartNetwork,
    held_out: Sequence[PartPiece],
    bound_nats: float,
) -> float:
    """Halve the way from the start until held-out music is within the bound; the share of it that is kept."""
    if not held_out:
        return 1.0
    limit = _nats(reference, held_out) + bound_nats
    share = 1.0
    with torch.no_grad():
        while _nats(tuned, held_out) > limit:
            share = share / 2 if share > SHORTEST_WAY else 0.0
            factor = 0.5 if share else 0.0
            for parameter, start in zip(tuned.parameters(), started, strict=True):
                parameter.copy_(start + factor * (parameter - start))
    return share


def _nats(network: PartNetwork, pieces: Sequence[PartPiece]) -> float:
    nats = [piece_nats(network, piece)[piece.tokens < VOCABULARY] for piece in pieces]
    return float(np.concatenate([one.ravel() for one in nats]).mean())
