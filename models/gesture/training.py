"""Trains the network that reads gesture (``engine.conducting.gesture_reader``) on virtual conductors. CPU minutes.

The training stream is cut into segments; the recurrent state goes on from one to the next (truncated backpropagation
through time), so that the network learns to learn a person's manner within a take.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ...engine.conducting.gesture_features import FEATURES, FRAME_S
from ...engine.conducting.gesture_reader import BEAT, BEATING, ICTUS, LAYERS, OUTPUTS, UNTIL
from ...engine.conducting.smooth_way import is_held
from ...engine.errors import ModelError
from ..weights import check_place, write_with_manifest
from .corpus import Lesson, lesson

SEGMENT = 250
TAKES_AT_ONCE = 128
ICTUS_WORTH, UNTIL_WORTH, BEAT_WORTH, BEATING_WORTH = 4.0, 0.5, 0.3, 0.5
AVERAGED_STEPS = 400
"""The weights that are written are a running mean over about so many steps."""
KEPT_EVERY_S = 600.0
ENTRY_WORTH, ENTRY_FRAMES = 4.0, (60, 5)
"""A take has one beginning and few beats after holds, and who misses them is lost: frames around such an ictus (so many
before and after) count for this much."""
FIRST_SEED, SEEDS = 100_000, 1_000_000
"""Seeds of lessons to train on count from here, and from so many more with each seed of a plan; lower ones are held
out."""


@dataclass(frozen=True, slots=True)
class GesturePlan:
    """How long and on how much to train."""

    lessons: int = 6000
    budget_s: float = 3600.0
    width: int = 128
    """Units of a layer; weights to start from may have more."""
    learning_rate: float = 3e-3
    seed: int = 0
    threads: int = 1


class GestureNetwork(nn.Module):
    """Features of frames to: logits of an ictus, of the spans until the next, of its beat in the bar, of beating."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inp = nn.Linear(FEATURES, width)
        self.g = nn.GRU(width, width, LAYERS, batch_first=True)
        self.o = nn.Linear(width, OUTPUTS)

    def forward(self, frames: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """``frames`` (takes, n, features) to (takes, n, outputs), and the state after them."""
        out, state = self.g(torch.tanh(self.inp(frames)), state)
        return self.o(out), state


def read_network(path: Path) -> GestureNetwork:
    """The network with the weights of a file, as wide as they are. Raises ``ModelError`` for other files."""
    try:
        stored = {name: value.float() for name, value in load_file(path).items()}
        network = GestureNetwork(len(stored["inp.bias"]))
        network.load_state_dict(stored)
    except (OSError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"{path}: no weights of the network that reads gesture (.safetensors)") from error
    return network


def losses(out: Tensor, taught: Sequence[Tensor]) -> Tensor:
    """Losses of each frame, shape ``(4, takes, n)``: of ictus, spans, beat and beating, given as in ``Lesson``."""
    ictus, until, beat, beating = taught
    frames = ictus.shape
    marked = functional.binary_cross_entropy_with_logits(out[..., ICTUS], ictus, reduction="none")
    beats = functional.binary_cross_entropy_with_logits(out[..., BEATING], beating, reduction="none")
    spans = functional.cross_entropy(out[..., UNTIL].flatten(0, 1), until.flatten(), reduction="none")
    place = functional.cross_entropy(out[..., BEAT].flatten(0, 1), beat.flatten(), reduction="none", ignore_index=-1)
    return torch.stack(
        [
            ICTUS_WORTH * marked,
            UNTIL_WORTH * spans.view(frames),
            BEAT_WORTH * place.view(frames),
            BEATING_WORTH * beats,
        ]
    )


def train_gesture(
    path: Path,
    plan: GesturePlan,
    command: str,
    progress: Callable[[str, float, float], None],
    start: Sequence[Path] = (),
) -> dict[str, float]:
    """Make the lessons, train, write weights and manifest; its figures. ``progress`` is told what is done, how far, and
    the loss.

    Training goes on from the weights ``start``, if given, which may be narrower than the plan says; several are put
    ``side_by_side``. What it has learned is written every ``KEPT_EVERY_S`` too, so that a training that is cut off is
    not lost. Raises ``ModelError`` where ``start`` cannot be used or ``path`` not be written.
    """
    check_place(path)
    begun = side_by_side([read_network(path).state_dict() for path in start]) if start else None
    taught = []
    for index in range(plan.lessons):
        taught.append(lesson(_first_seed(plan) + index))
        progress("Conducting", (index + 1) / plan.lessons, 0.0)
    _, loss = learn(taught, plan, progress, begun, lambda network, loss: _save(path, network, plan, command, loss))
    return _figures(loss)


def _figures(loss: float) -> dict[str, float]:
    return {"training_loss": round(loss, 4)}


def learn(
    lessons: Sequence[Lesson],
    plan: GesturePlan,
    progress: Callable[[str, float, float], None],
    start: Mapping[str, Tensor] | None = None,
    keep: Callable[[nn.Module, float], None] | None = None,
) -> tuple[nn.Module, float]:
    """The network that learned from the lessons (weights averaged over its last steps), and its loss on them.

    It goes on from the weights ``start`` if there are any. ``keep`` is given the same now and then, and at the end.
    """
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    width = plan.width if start is None else max(plan.width, len(start["inp.bias"]))
    network = GestureNetwork(width)
    if start is not None:
        network.load_state_dict(widened(start, width))
    averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(1.0 - 1.0 / AVERAGED_STEPS))
    optimiser = torch.optim.AdamW(network.parameters(), plan.learning_rate, weight_decay=1e-4)
    random = np.random.default_rng(plan.seed)
    weighed = [(taught, entry_worth(taught)) for taught in lessons]
    takes = [_segments(weighed, random) for _ in range(TAKES_AT_ONCE)]
    state = torch.zeros(LAYERS, TAKES_AT_ONCE, width)
    begin_s, steps, shown = time.process_time(), 0, 0.0
    kept_s = begin_s
    while (share := (time.process_time() - begin_s) / plan.budget_s) < 1.0:
        for group in optimiser.param_groups:
            group["lr"] = plan.learning_rate * min(1.0, steps / 100) * (0.5 + 0.5 * np.cos(np.pi * share))
        frames, weight, goes_on, *given = (torch.from_numpy(a) for a in _batch(takes))
        out, state = network(frames, state.detach() * goes_on[None, :, None])
        loss = (losses(out, given).sum(0) * weight).sum() / weight.sum()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        averaged.update_parameters(network)
        steps += 1
        value = loss.item()
        shown = value if steps == 1 else 0.98 * shown + 0.02 * value
        progress("Training", share, shown)
        if keep is not None and time.process_time() - kept_s > KEPT_EVERY_S:
            keep(averaged.module, shown)
            kept_s = time.process_time()
    progress("Training", 1.0, shown)
    if keep is not None:
        keep(averaged.module, shown)
    return averaged.module, shown


def widened(weights: Mapping[str, Tensor], width: int) -> dict[str, Tensor]:
    """The same network with more units, which change nothing yet: nobody listens to them, but they listen
    (function-preserving growth: Chen, Goodfellow & Shlens, "Net2Net", ICLR 2016). Raises ``ValueError`` if it would
    have to be narrower."""
    before = len(weights["inp.bias"])
    if width < before:
        raise ValueError(f"width {width}: the weights to start from have {before}")
    wide = {name: value.clone() for name, value in GestureNetwork(width).state_dict().items()}
    for name, value in weights.items():
        gates = 3 if name.startswith("g.") else 1
        target, source = wide[name].chunk(gates), value.chunk(gates)
        for new, old in zip(target, source, strict=True):
            rows = len(old)
            if old.dim() == 2 and name != "inp.weight":
                new[:rows] = 0.0
                new[:rows, : old.shape[1]] = old
            else:
                new[:rows] = old
    return wide


def side_by_side(networks: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """One network of several, which do not hear each other yet: it says the mean of what they say (of the logits). An
    ensemble reads better than any of its members, and learns on as one."""
    joined: dict[str, Tensor] = {}
    for name, first in networks[0].items():
        values = [network[name] for network in networks]
        if name == "o.bias":
            joined[name] = torch.stack(values).mean(0)
        elif name == "o.weight":
            joined[name] = torch.cat(values, 1) / len(values)
        elif name.startswith("g."):
            gates = zip(*(value.chunk(3) for value in values), strict=True)
            joined[name] = torch.cat(
                [torch.block_diag(*gate) if first.dim() == 2 else torch.cat(gate) for gate in gates]
            )
        else:
            joined[name] = torch.cat(values)
    return joined


def _segments(
    weighed: Sequence[tuple[Lesson, np.ndarray]], random: np.random.Generator
) -> Iterator[tuple[Lesson, np.ndarray, int]]:
    """Lessons in random order for ever, segment by segment: lesson, worth of its frames, and first frame."""
    while True:
        for index in random.permutation(len(weighed)):
            taught, worth = weighed[index]
            for start in range(0, len(worth) - SEGMENT // 2, SEGMENT):
                yield taught, worth, start


def _batch(takes: list[Iterator[tuple[Lesson, np.ndarray, int]]]) -> tuple[np.ndarray, ...]:
    """Each take's next segment: frames, weight of each, whether the take goes on, and what is taught."""
    count = len(takes)
    frames, weight = np.zeros((count, SEGMENT, FEATURES), np.float32), np.zeros((count, SEGMENT), np.float32)
    ictus, until = np.zeros((count, SEGMENT), np.float32), np.zeros((count, SEGMENT), np.int64)
    beat, beating = np.full((count, SEGMENT), -1, np.int64), np.zeros((count, SEGMENT), np.float32)
    goes_on = np.ones(count, np.float32)
    for row, take in enumerate(takes):
        taught, worth, start = next(take)
        part = slice(start, start + SEGMENT)
        length = len(taught.frames[part])
        frames[row, :length], weight[row, :length] = taught.frames[part], worth[part]
        ictus[row, :length], until[row, :length] = taught.ictus[part], taught.until[part]
        beat[row, :length], beating[row, :length] = taught.beat[part], taught.beating[part]
        goes_on[row] = start > 0
    return frames, weight, goes_on, ictus, until, beat, beating


def _first_seed(plan: GesturePlan) -> int:
    return FIRST_SEED + SEEDS * plan.seed


def entry_worth(taught: Lesson) -> np.ndarray:
    """How much each frame counts, shape ``(n,)``: more about the first ictus and those after holds."""
    worth = np.ones(len(taught.ictus), np.float32)
    marked = np.pad(taught.ictus, 1)
    icti = np.flatnonzero((taught.ictus > 0.5) & (marked[1:-1] > marked[:-2]) & (marked[1:-1] >= marked[2:]))
    stroke_s = FRAME_S * np.diff(icti)
    after_hold = is_held(stroke_s, float(np.median(stroke_s))) if len(stroke_s) else np.zeros(0, bool)
    before, after = ENTRY_FRAMES
    for ictus in icti[np.concatenate([[True], after_hold])[: len(icti)]]:
        worth[max(0, ictus - before) : ictus + after] = ENTRY_WORTH
    return worth


def _save(path: Path, network: nn.Module, plan: GesturePlan, command: str, loss: float) -> None:
    weights = save({name: value.half().contiguous() for name, value in network.state_dict().items()})
    manifest = {
        "name": path.stem,
        "parameters": sum(value.numel() for value in network.parameters()),
        "data": f"{plan.lessons} takes of virtual conductors drawn at random, seeds from {_first_seed(plan)}",
        "licence": "the program's own",
        "command": command,
        "figures": _figures(loss),
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    write_with_manifest(path, weights, manifest)
