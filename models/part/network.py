"""The part network: a time-causal Transformer over the grid, and a small head that decodes the voices of a step.

The backbone (Vaswani et al., "Attention Is All You Need", NeurIPS 2017; pre-norm, rotary positions of Su et al.,
"RoFormer", 2021) has one position per grid step. It sees what every voice was doing before the step, where the step
lies in the bar, the controls, and, where they are known, given voices at this step and some steps ahead. The head
scores one voice's token given any of the other voices at this step, so that voices are decoded in any order: an
orderless factorisation as in Uria, Murray & Larochelle, "A Deep and Tractable Density Estimator", ICML 2014, and
Coconet (Huang et al., ISMIR 2017). Its odds are sums of what is said of a pitch itself, of its intervals to the voice's
two pitches before, and of its interval class to what the other voices play and to what was heard lately; and both read
intervals as well as pitches (``relations``), so that what is learned in one key holds in another.
"""

from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from ...engine.errors import ModelError
from ..controls import DENSITY, REGISTER
from ..grid import ABSENT, FIRST_PITCH, LOW_PITCH, OLDEST, SYMBOLS, UNKNOWN, VOCABULARY, VOICES
from .relations import input_rows, known_moves, own_rows, seen_from
from .tables import (
    CONTROL_STARTS,
    FADES,
    IN_AGE,
    IN_CLASS,
    IN_COUNT,
    IN_GIVEN,
    IN_METRE,
    IN_PLACE,
    INPUT_ROWS,
    KNOWN_MOVE,
    KNOWN_ROWS,
    LEAP,
    OFFSETS,
    OWN_AGE,
    OWN_DENSITY,
    OWN_MOVE,
    OWN_ROWS,
)

CHORDS = 1 + 12 * 4
"""Chords that the backbone learns to name: none, and 12 roots of major, minor, diminished and other."""


@dataclass(frozen=True, slots=True)
class PartShape:
    """Sizes of the network. ``window`` is how many steps back it looks, also when it runs on."""

    width: int = 192
    layers: int = 5
    heads: int = 4
    head: int = 256
    window: int = 192

    def __post_init__(self) -> None:
        """Raises ``ModelError`` where the heads cannot share the width in pairs of channels."""
        step = 2 * self.heads
        if self.width % step:
            like = step * max(1, round(self.width / step))
            raise ModelError(f"width {self.width}: {self.heads} heads need a multiple of {step}, like {like}")


@dataclass(frozen=True, slots=True)
class StepInputs:
    """What the backbone reads at each step, before the step's tokens; int64, batch and steps first.

    ``sounding`` and ``age`` (…, voices) are ``grid.states_before``, ``prior`` (…, voices) is ``relations.priors``
    of them and ``lately`` (…, fades, 12), float32, ``heard_lately``; ``given`` (…, voices) is 1 for voices that are
    not the network's to answer; ``place``, ``count``, ``metre`` (…) are the grid's; ``controls`` (…, columns) as in
    ``controls``; ``ahead`` (…, voices, offsets) the symbols that sound at ``OFFSETS`` steps ahead, ``UNKNOWN`` where
    that is not known.
    """

    sounding: Tensor
    age: Tensor
    prior: Tensor
    lately: Tensor
    given: Tensor
    place: Tensor
    count: Tensor
    metre: Tensor
    controls: Tensor
    ahead: Tensor


class Block(nn.Module):
    """One layer: causal self-attention and a feed-forward net, each on normalised input, each added.

    The feed-forward net's activation is the square of a rectifier (So et al., "Primer", NeurIPS 2021).
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.attention_norm, self.forward_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, bias: Tensor) -> Tensor:
        batch, steps, width = x.shape
        shaped = self.query_key_value(self.attention_norm(x)).view(batch, steps, 3, self.heads, -1)
        query, key, value = (part.transpose(1, 2) for part in shaped.unbind(2))
        query, key = rotate(query, cosine, sine), rotate(key, cosine, sine)
        scale = query.shape[-1] ** -0.5
        # Written out: torch's fused attention is slow backwards on processors.
        scores = (query * scale) @ key.transpose(-1, -2) + bias
        mixed = scores.softmax(-1) @ value
        x = x + drop_channels(self.attended(mixed.transpose(1, 2).reshape(batch, steps, width)), self)
        hidden = functional.relu(self.widen(self.forward_norm(x))).square()
        return x + drop_channels(self.narrow(hidden), self)


class PartNetwork(nn.Module):
    """Scores tokens; see the module's text. ``dropout`` matters in training only and is not part of the shape."""

    leap_index: Tensor
    pitched: Tensor
    class_index: Tensor
    pitch_class: Tensor
    turns: Tensor

    def __init__(self, shape: PartShape | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = size = shape or PartShape()
        self.dropout = dropout
        width = size.width
        self.inputs = nn.Parameter(torch.randn(INPUT_ROWS, width) * 0.25)
        self.ahead_embedding = nn.Embedding(SYMBOLS, 16, padding_idx=UNKNOWN)
        self.ahead_in = nn.Linear(VOICES * len(OFFSETS) * 16, width, bias=False)
        self.lately_in = nn.Linear((1 + VOICES) * 12 * len(FADES), width, bias=False)
        self.blocks = nn.ModuleList(Block(width, size.heads, dropout) for _ in range(size.layers))
        self.norm = nn.LayerNorm(width)
        self.chord = nn.Linear(width, CHORDS)

        self.memory_in = nn.Linear(width, size.head)
        self.head_known = nn.Parameter(torch.randn(VOICES, KNOWN_ROWS, size.head) * 0.25)
        self.head_own = nn.Parameter(torch.randn(VOICES, OWN_ROWS, size.head) * 0.25)
        self.head_lately = nn.Linear(12 * len(FADES), size.head, bias=False)
        with torch.no_grad():  # what refines the rows above begins small beside them
            self.inputs[IN_CLASS:] *= 0.2
            self.head_known[:, KNOWN_MOVE:] *= 0.2
            self.head_own[:, OWN_MOVE:] *= 0.2
        self.head_middle = nn.Linear(size.head, size.head)
        self.absolute = nn.Linear(size.head, VOCABULARY)
        self.leap = nn.Linear(size.head, 2 * (2 * LEAP + 1))
        self.interval_class = nn.Linear(size.head, 2 * VOICES * 12)
        self.in_key = nn.Linear(size.head, 12 * len(FADES))

        symbols, pitches = torch.arange(SYMBOLS), torch.arange(VOCABULARY)
        leap_index = (pitches[None, :] - symbols[:, None]).clamp(-LEAP, LEAP) + LEAP
        self.register_buffer("leap_index", leap_index, persistent=False)
        pitched = (symbols >= FIRST_PITCH) & (symbols < UNKNOWN)
        self.register_buffer("pitched", pitched.float(), persistent=False)
        self.register_buffer("pitch_class", (pitches[FIRST_PITCH:] - FIRST_PITCH + LOW_PITCH) % 12, persistent=False)
        class_of_symbol = (symbols - FIRST_PITCH + LOW_PITCH) % 12
        turns = (torch.arange(12)[:, None] - torch.arange(12)[None]) % 12
        self.register_buffer("turns", turns, persistent=False)
        class_index = (torch.arange(12)[None, :] - class_of_symbol[:, None]) % 12
        self.register_buffer("class_index", class_index, persistent=False)

    def remember(self, inputs: StepInputs) -> Tensor:
        """Run the backbone over whole excerpts: (batch, steps, width), each step from what was before it."""
        x = drop_channels(self._looking(self.embed(inputs), inputs.ahead), self)
        steps, device = x.shape[1], x.device
        half = self.shape.width // self.shape.heads // 2
        frequency = 10000.0 ** (-torch.arange(half, device=device) / half)
        angle = torch.arange(steps, device=device)[:, None] * frequency[None]
        cosine, sine = angle.cos(), angle.sin()
        cosine, sine = torch.cat([cosine, cosine], -1).to(x.dtype), torch.cat([-sine, sine], -1).to(x.dtype)
        back = torch.arange(steps, device=device)[:, None] - torch.arange(steps, device=device)[None, :]
        bias = torch.zeros(steps, steps, device=device, dtype=x.dtype)
        bias.masked_fill_((back < 0) | (back >= self.shape.window), -1e9)
        for block in self.blocks:
            x = block(x, cosine, sine, bias)
        return self.norm(x)

    def answer(self, memory: Tensor, inputs: StepInputs, sounding: Tensor, onset: Tensor, visible: Tensor) -> Tensor:
        """Logits of every voice's token at every step, (batch, voices, steps, ``VOCABULARY``), float32.

        ``memory`` is the backbone's of ``inputs``; ``sounding`` (batch, steps, voices) the symbols that sound at the
        step, ``onset`` is 1 where they begin there; ``visible`` (batch, voices, voices) is true where the voice that
        is answered (second axis) knows what another one (third axis) does. What is absent must be visible.
        """
        steps = memory.shape[1]
        before, heard = inputs.sounding.transpose(1, 2), sounding.transpose(1, 2)
        prior = inputs.prior.transpose(1, 2)
        age, density = inputs.age.transpose(1, 2), inputs.controls[..., DENSITY:REGISTER].transpose(1, 2)
        symbols = torch.stack([onset.transpose(1, 2) * SYMBOLS + heard, known_moves(before, heard)], dim=-1)
        known = _by_voice(hot(symbols.transpose(0, 1), KNOWN_ROWS, memory), self.head_known)
        own_state = torch.stack([before, OWN_AGE + age, OWN_DENSITY + density], dim=-1)
        rows = torch.cat([own_state, own_rows(before, prior, heard, visible)], dim=-1)
        own = _by_voice(hot(rows.transpose(0, 1), OWN_ROWS, memory), self.head_own)
        own = own + self.head_lately(seen_from(inputs.lately[:, None], before).to(memory.dtype))
        # The sum of what is known of the others, written as what nobody knows and a product with the mask.
        unknown = self.head_known[:, UNKNOWN]
        mask = visible.to(memory.dtype)
        seen = (mask @ known.flatten(2)).unflatten(-1, (steps, -1)) - (mask @ unknown)[:, :, None]
        shared = self.memory_in(memory) + unknown.sum(0)
        hidden = shared[:, None] + own + seen
        hidden = drop_channels(functional.relu(hidden).square(), self)
        hidden = hidden + functional.relu(self.head_middle(hidden)).square()
        starts = torch.stack([before, prior], dim=-1)
        leaps = self.leap(hidden).unflatten(-1, (2, -1)).gather(-1, self.leap_index[starts])
        logits = self.absolute(hidden) + (leaps * self.pitched[starts][..., None]).sum(-2)
        looked = torch.where(visible[:, :, None], sounding[:, None], inputs.sounding[:, None])
        classes = self.interval_class(hidden).unflatten(-1, (2, VOICES, 12))
        chosen = torch.where(visible[:, :, None, :, None], classes[..., 0, :, :], classes[..., 1, :, :])
        turned = chosen.gather(-1, self.class_index[looked]) * self.pitched[looked][..., None]
        lately = inputs.lately.to(memory.dtype)[..., self.turns]  # (batch, steps, fades, class, interval)
        tonal = torch.einsum("bvtfi,btfci->bvtc", self.in_key(hidden).unflatten(-1, (len(FADES), 12)), lately)
        by_class = (turned.sum(-2) + tonal)[..., self.pitch_class]
        return torch.cat([logits[..., :FIRST_PITCH], logits[..., FIRST_PITCH:] + by_class], dim=-1).float()

    def embed(self, inputs: StepInputs) -> Tensor:
        """What the backbone begins with at each step, (batch, steps, width), without what lies ahead."""
        voices = torch.arange(VOICES, device=inputs.sounding.device)
        starts = torch.tensor(CONTROL_STARTS, device=inputs.sounding.device)
        rows = torch.cat(
            [
                voices * SYMBOLS + inputs.sounding,
                IN_AGE + voices * (OLDEST + 1) + inputs.age,
                IN_GIVEN + voices * 2 + inputs.given,
                IN_PLACE + inputs.place[..., None],
                IN_COUNT + inputs.count[..., None],
                IN_METRE + inputs.metre[..., None],
                starts + inputs.controls,
                input_rows(inputs.sounding, inputs.prior),
            ],
            dim=-1,
        )
        x = hot(rows, INPUT_ROWS, self.inputs) @ self.inputs
        seen = seen_from(inputs.lately[:, :, None], inputs.sounding).flatten(-2)
        return x + self.lately_in(torch.cat([inputs.lately.flatten(-2), seen], dim=-1).to(x.dtype))

    def _looking(self, x: Tensor, ahead: Tensor) -> Tensor:
        looking = (ahead != UNKNOWN).flatten(1).any(1).nonzero()[:, 0]
        if len(looking):
            seen = self.ahead_in(self.ahead_embedding(ahead[looking]).flatten(-3))
            x = x.index_add(0, looking, seen)
        return x

    def describe(self) -> dict[str, int]:
        """Sizes, for the manifest."""
        return {**asdict(self.shape), "parameters": sum(parameter.numel() for parameter in self.parameters())}


def hot(rows: Tensor, size: int, like: Tensor) -> Tensor:
    """Vectors of ``size`` with ones at ``rows`` (…, ones), of the type of ``like``: sums of table rows become one
    product of matrices, which is much faster forwards and backwards than look-ups."""
    return torch.zeros(*rows.shape[:-1], size, dtype=like.dtype, device=rows.device).scatter_(-1, rows, 1.0)


def _by_voice(vectors: Tensor, tables: Tensor) -> Tensor:
    """(voices, batch, steps, rows) times (voices, rows, width), as (batch, voices, steps, width)."""
    products = vectors.flatten(1, 2) @ tables
    return products.unflatten(1, vectors.shape[1:3]).transpose(0, 1)


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary positions: turn each pair (i, i + half) of the last axis by its step's angle; ``sine`` is signed."""
    return torch.addcmul(x * cosine, x.roll(x.shape[-1] // 2, -1), sine)


def drop_channels(x: Tensor, module: nn.Module) -> Tensor:
    """Variational dropout (Gal & Ghahramani, NeurIPS 2016): one mask per excerpt and channel, for all its steps."""
    share = float(module.dropout)  # type: ignore[arg-type]
    if not module.training or share == 0.0:
        return x
    keep = torch.rand(x.shape[0], *[1] * (x.ndim - 2), x.shape[-1], device=x.device) > share
    return x * (keep / (1.0 - share)).to(x.dtype)


def steps_ahead(sounding: np.ndarray, horizon_steps: int = OFFSETS[-1]) -> np.ndarray:
    """What sounds at ``OFFSETS`` steps ahead, (steps, offsets), for one voice whose symbols are known throughout.

    Offsets beyond ``horizon_steps`` and beyond the end are ``UNKNOWN``.
    """
    ahead = np.full((len(sounding), len(OFFSETS)), UNKNOWN, np.int64)
    for column, offset in enumerate(OFFSETS):
        if offset <= horizon_steps and offset < len(sounding):
            ahead[: len(sounding) - offset, column] = sounding[offset:]
    ahead[ahead == ABSENT] = UNKNOWN
    return ahead
