"""Training of the part network on a processor or a graphics card: pieces in, small weights with a manifest out.

Mixed precision: the network that computes has bfloat16 weights, a copy in float32 takes the steps of AdamW
(Loshchilov & Hutter, ICLR 2019) and is averaged over them (exponential moving average, as in Polyak & Juditsky 1992).
The average is what is kept, as it was when the validation pieces were likeliest: few pieces are soon known by heart.
"""

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from ...engine.errors import ModelError
from ..calibration import onset_bonus
from ..copy_check import CopyIndex, build_index, copies_path, lines_of_columns
from ..craft.rule_fitting import ASKED, fit_weights
from ..grid import ABSENT, FIRST_PITCH, LOW_PITCH, OUTER_FIRST
from ..network_choices import network_choices
from ..weights import PartManifest, write_part_weights
from .batches import Augmentation, ExcerptSource, PartBatch, collate, excerpt_of
from .corpus import PartPiece, described, split_pieces
from .network import PartNetwork, PartShape, StepInputs
from .runtime import PartModel

Progress = Callable[[float, float], None]
_CHECKS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Shares of the time at which validation pieces are looked at."""
_CHECKED_PIECES, _CHECKED_STEPS = 32, 384


@dataclass(frozen=True, slots=True)
class PartPlan:
    """How long and how to train. After ``budget_s`` of processor time it ends, with the learning rate annealed; on a
    graphics card (``device`` ``"cuda"``) of wall time. On a busy machine ``most_wall_s`` ends it as well."""

    budget_s: float = 1500.0
    most_wall_s: float = math.inf
    learning_rate: float = 2e-3
    weight_decay: float = 0.1
    dropout: float = 0.05
    chord_share: float = 0.15
    averaging: float = 0.998
    batch: int = 20
    steps: int = 192
    seed: int = 0
    threads: int = 1
    device: str = "cpu"
    shape: PartShape = field(default_factory=PartShape)
    augmentation: Augmentation = field(default_factory=Augmentation)


def token_nats(network: PartNetwork, batch: PartBatch) -> tuple[Tensor, Tensor]:
    """Cross entropy of every token, (batch, steps, voices), voices decoded in the batch's order; and of the chord,
    (batch, steps)."""
    memory = network.remember(batch.inputs)
    rank = batch.rank
    absent = (batch.sounding == ABSENT).any(1)
    visible = (rank[:, None, :] < rank[:, :, None]) | absent[:, None, :]
    onset = ((batch.tokens >= FIRST_PITCH) & (batch.sounding != ABSENT)).long()
    logits = network.answer(memory, batch.inputs, batch.sounding, onset, visible)
    targets = batch.tokens.transpose(1, 2)
    nats = functional.cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none")
    chords = functional.cross_entropy(
        network.chord(memory).float().flatten(0, 1), batch.chord.flatten(), reduction="none"
    )
    return nats.view(targets.shape).transpose(1, 2), chords.view(batch.chord.shape)


@torch.no_grad()
def piece_nats(
    network: PartNetwork, piece: PartPiece, order: Sequence[int] = OUTER_FIRST, given: Sequence[int] = ()
) -> np.ndarray:
    """Nats of every token of a whole piece, (steps, voices). ``given`` voices are heard as they come."""
    excerpt = excerpt_of(piece, 0, len(piece.tokens))
    excerpt.controls[:] = 0
    excerpt.rank = np.argsort(np.array(order))
    excerpt.given[:, list(given)] = 1
    nats, _ = token_nats(network, collate([excerpt], len(piece.tokens)))
    return nats[0].double().numpy()


def validation_nats(
    network: PartNetwork, pieces: Sequence[PartPiece], most_steps: int, given: Sequence[int] = ()
) -> float:
    """Mean nats per token of pieces' first ``most_steps``, of the voices that are not ``given``."""
    total, tokens = 0.0, 0
    for piece in pieces:
        cut = replace(piece, tokens=piece.tokens[:most_steps], grid=piece.grid.part_of(0, most_steps))
        counted = cut.tokens != ABSENT
        counted[:, list(given)] = False
        total += float(piece_nats(network, cut, given=given)[counted].sum())
        tokens += int(counted.sum())
    return total / max(1, tokens)


def evaluate(network: PartNetwork, pieces: Sequence[PartPiece], most_steps: int = 1024) -> dict[str, float]:
    """Nats per token of pieces (their first ``most_steps``): all voices, and the lower ones given the highest."""
    network.eval()
    return {
        "nats_per_token": round(validation_nats(network, pieces, most_steps), 4),
        "nats_lower_voices": round(validation_nats(network, pieces, most_steps, given=(0,)), 4),
    }


def train_parts(
    pieces: Sequence[PartPiece],
    plan: PartPlan,
    progress: Progress | None = None,
    keep: Callable[[PartNetwork, dict[str, float]], object] | None = None,
) -> tuple[PartNetwork, dict[str, float]]:
    """Train on ``pieces`` for the plan's time. ``progress`` gets the share done and the running loss; ``keep`` the
    network, and its figures so far, whenever held-out pieces are likelier than before.

    The seed fixes data order and initial weights; a processor of another speed makes another number of iterations.
    Raises ``ModelError`` where there is nothing to train on, nothing held out from it, or no such device.
    """
    training, validation = split_pieces(pieces)
    if not training or not validation:
        raise ModelError("pieces to train on and others to hold out are needed: give scores of two works or more")
    check_device(plan.device)
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    random = np.random.default_rng(plan.seed)
    source = ExcerptSource(training, plan.steps, plan.augmentation, random)
    kept = PartNetwork(plan.shape, plan.dropout).to(plan.device)
    working = copy.deepcopy(kept).bfloat16().train()
    average = copy.deepcopy(kept)
    masters, workers = list(kept.parameters()), list(working.parameters())
    detached, copies, averages = ([p.data for p in network.parameters()] for network in (kept, working, average))
    for parameter in masters:
        parameter.grad = torch.zeros_like(parameter)
    matrices = [parameter for parameter in masters if parameter.ndim > 1]
    vectors = [parameter for parameter in masters if parameter.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": plan.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=plan.learning_rate,
        betas=(0.9, 0.98),
    )
    spent_s, passed_s = _clock(plan.device), _clock("wall")
    share, iteration, running = 0.0, 0, math.nan
    checks, least, best, best_share = list(_CHECKS), math.inf, average, 0.0
    while share < 1.0:
        for group in optimiser.param_groups:
            group["lr"] = plan.learning_rate * min(1.0, (iteration + 1) / 80) * (0.02 + 0.98 * _cosine(share))
        batch = _to(source.batch(plan.batch), plan.device)
        nats, chords = token_nats(working, batch)
        heard = batch.weight.amax(dim=-1)
        loss = (nats * batch.weight).sum() / batch.weight.sum()
        aim = loss + plan.chord_share * (chords * heard).sum() / heard.sum()
        for parameter in workers:
            parameter.grad = None
        aim.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            gradients = [torch.zeros_like(worker) if worker.grad is None else worker.grad for worker in workers]
            torch._foreach_copy_([parameter.grad for parameter in masters if parameter.grad is not None], gradients)
            torch.nn.utils.clip_grad_norm_(masters, 1.0)
            optimiser.step()
            torch._foreach_copy_(copies, detached)
            pace = min(plan.averaging, (1 + iteration) / (10 + iteration))
            torch._foreach_lerp_(averages, detached, 1.0 - pace)
        iteration += 1
        running = loss.item() if math.isnan(running) else 0.98 * running + 0.02 * loss.item()
        share = min(1.0, max(spent_s() / plan.budget_s, passed_s() / plan.most_wall_s))
        if checks and share >= checks[0]:
            checks = [check for check in checks if check > share]
            now = copy.deepcopy(average).cpu().eval()
            held_out = validation_nats(now, validation[:: max(1, len(validation) // _CHECKED_PIECES)], _CHECKED_STEPS)
            if held_out < least:
                least, best, best_share = held_out, now, share
                if keep is not None:
                    keep(now, _figures(running, iteration, share))
        if progress is not None:
            progress(share, running)
    network = best.cpu().eval()
    return network, {**_figures(running, iteration, best_share), **evaluate(network, validation)}


def _figures(training_nats: float, iterations: int, kept_at_share: float) -> dict[str, float]:
    return {
        "training_nats_per_token": round(training_nats, 4),
        "iterations": float(iterations),
        "kept_at_share": round(kept_at_share, 2),
    }


def write_network(
    path: Path,
    network: PartNetwork,
    pieces: Sequence[PartPiece],
    *,
    licence: str,
    command: str,
    figures: dict[str, Any],
) -> PartManifest:
    """Write weights and a manifest: data by name and hash, split, licence, command, figures."""
    arrays = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    description = {"data": described(pieces), "licence": licence, "command": command, "figures": figures}
    return write_part_weights(path, arrays, network.describe(), description)


def copy_index(pieces: Sequence[PartPiece]) -> CopyIndex:
    """The runs of the training pieces; what is usual by the validation pieces."""

    def lines(piece: PartPiece) -> list[list[tuple[float, int]]]:
        return lines_of_columns(piece.tokens, piece.grid.onset_quarter, FIRST_PITCH, LOW_PITCH)

    training, validation = split_pieces(pieces)
    held_out = [dict(enumerate(lines(piece))) for piece in validation]
    return build_index((line for piece in training for line in lines(piece)), held_out)


def check_device(device: str) -> None:
    """Refuse a device that torch cannot train on here. Raises ``ModelError``."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"no device {device!r} to train on here: say cpu, or cuda with a graphics card") from error


def train_and_write(
    pieces: Sequence[PartPiece], weights: Path, plan: PartPlan, *, licence: str, command: str, progress: Progress
) -> PartManifest:
    """Train on ``pieces`` and write ``weights``, their manifest and the index that copies are looked up in.

    The manifest also says what the rules weigh beside these weights, fitted on the validation pieces. What is best is
    written whenever the validation pieces were looked at, so that a training that is cut off is not lost. Raises
    ``ModelError``.
    """
    index = copy_index(pieces)

    def write(network: PartNetwork, figures: dict[str, Any]) -> PartManifest:
        index.save(copies_path(weights))
        return write_network(weights, network, pieces, licence=licence, command=command, figures=figures)

    network, trained = train_parts(pieces, plan, progress, write)
    write(network, trained)
    return write(network, trained | decoding_figures(PartModel.load(weights), split_pieces(pieces)[1]))


def decoding_figures(model: PartModel, validation: Sequence[PartPiece]) -> dict[str, Any]:
    """What decoding is told of the weights, from music held out from them: ``onset_bonus``, and ``rules``."""
    rules = rule_figures(model, validation)
    return {"onset_bonus": onset_bonus(model, validation)} | ({} if rules is None else {"rules": rules})


def rule_figures(model: PartModel, validation: Sequence[PartPiece]) -> dict[str, Any] | None:
    """The rules' weights beside a network, fitted on music held out from it, with the nats a note without and with
    them; None where no voice but the highest plays."""
    choices = network_choices(model, validation)
    if not len(choices):
        return None
    fitted = fit_weights(choices)
    return {
        "notes": len(choices),
        "nats_without": round(fitted.nll_without, 4),
        "nats_with": round(fitted.nll_with, 4),
        "weights": {name: weight for name, weight in fitted.weights.items() if name not in ASKED},
    }


def load_network(arrays: dict[str, np.ndarray], shape: dict[str, int]) -> PartNetwork:
    """The torch network of weights that ``weights.read_part_weights`` read, ready to evaluate.

    Raises ``ModelError`` where they are of a network of another make.
    """
    sizes = {key: value for key, value in shape.items() if key in {field.name for field in fields(PartShape)}}
    network = PartNetwork(PartShape(**sizes))
    try:
        network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    except RuntimeError as error:
        raise ModelError(
            "these weights do not fit this program's network; train them again with `tutti train`"
        ) from error
    return network.eval()


def _clock(device: str) -> Callable[[], float]:
    read = time.process_time if device == "cpu" else time.monotonic
    started = read()
    return lambda: read() - started


def _to(batch: PartBatch, device: str) -> PartBatch:
    if device == "cpu":
        return batch
    inputs = StepInputs(*(getattr(batch.inputs, item.name).to(device) for item in fields(StepInputs)))
    rest = {item.name: getattr(batch, item.name).to(device) for item in fields(PartBatch) if item.name != "inputs"}
    return PartBatch(inputs=inputs, **rest)


def _cosine(share: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * share))
