"""The part network: a time-causal Transformer over the grid, and a small head that decodes the voices of a step.

The backbone (Vaswani et al., "Attention Is All You Need", NeurIPS 2017; pre-norm, rotary positions of Su et al.,
"RoFormer", 2021) has one position per grid step. It sees what every voice was doing before the step, where the step
lies in the bar, the controls, and, where they are known, given voices at this step and some steps ahead. The head
scores one voice's token given any of the other voices at this step, so that voices are decoded in any order: an
orderless factorisation as in Uria, Murray & Larochelle, "A Deep and Tractable Density Estimator", ICML 2014, and
Coconet (Huang et al., ISMIR 2017). Its odds are sums of what is said of a pitch itself, of its interval to the pitch
before, and of its interval class to what the other voices play, so that what is learned in one key holds in another.
"""

from dataclasses import asdict, dataclass, fields

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from .controls import COLUMNS, DENSITY, SIZES
from .grid import (
    ABSENT,
    COUNTS,
    FIRST_PITCH,
    LOW_PITCH,
    METRES,
    OLDEST,
    PLACES,
    SYMBOLS,
    UNKNOWN,
    VOCABULARY,
    VOICES,
)
from .runtime import LEAP, OFFSETS

CHORDS = 1 + 12 * 4
"""Chords that the backbone learns to name: none, and 12 roots of major, minor, diminished and other."""


@dataclass(frozen=True, slots=True)
class PartShape:
    """Sizes of the network. ``window`` is how many steps back it looks, also when it runs on."""

    width: int = 256
    layers: int = 6
    heads: int = 8
    embedding: int = 40
    head: int = 256
    window: int = 256


@dataclass(frozen=True, slots=True)
class StepInputs:
    """What the backbone reads at each step, before the step's tokens; int64, batch and steps first.

    ``sounding`` and ``age`` (…, voices) are ``grid.states_before``; ``given`` (…, voices) is 1 for voices that are not
    the network's to answer; ``place``, ``count``, ``metre`` (…) are the grid's; ``controls`` (…, columns) as in
    ``controls``; ``ahead`` (…, voices, offsets) the symbols that sound at ``OFFSETS`` steps ahead, ``UNKNOWN`` where
    that is not known.
    """

    sounding: Tensor
    age: Tensor
    given: Tensor
    place: Tensor
    count: Tensor
    metre: Tensor
    controls: Tensor
    ahead: Tensor


class Block(nn.Module):
    """One layer: causal self-attention and a feed-forward net, each on normalised input, each added."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.attention_norm, self.forward_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor | None) -> Tensor:
        batch, steps, width = x.shape
        shaped = self.query_key_value(self.attention_norm(x)).view(batch, steps, 3, self.heads, -1)
        query, key, value = (part.transpose(1, 2) for part in shaped.unbind(2))
        query, key = rotate(query, cosine, sine), rotate(key, cosine, sine)
        if mask is None:
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        else:
            mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + drop_channels(self.attended(mixed.transpose(1, 2).reshape(batch, steps, width)), self)
        hidden = functional.gelu(self.widen(self.forward_norm(x)), approximate="tanh")
        return x + drop_channels(self.narrow(hidden), self)


class PartNetwork(nn.Module):
    """Scores tokens; see the module's text. ``dropout`` matters in training only and is not part of the shape."""

    frequency: Tensor
    leap_index: Tensor
    pitched: Tensor
    class_index: Tensor
    pitch_class: Tensor

    def __init__(self, shape: PartShape | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = size = shape or PartShape()
        self.dropout = dropout
        width, embedding = size.width, size.embedding
        self.sounding_embedding = nn.Parameter(torch.randn(VOICES, SYMBOLS, embedding) * 0.5)
        self.age_embedding = nn.Parameter(torch.randn(VOICES, OLDEST + 1, 12) * 0.5)
        self.voices_in = nn.Linear(VOICES * (embedding + 12), width)
        self.given = nn.Parameter(torch.zeros(VOICES, width))
        self.place_embedding = nn.Embedding(PLACES, width)
        self.count_embedding = nn.Embedding(COUNTS, width)
        self.metre_embedding = nn.Embedding(METRES, width)
        self.control_embeddings = nn.ModuleList(nn.Embedding(codes, width) for codes in SIZES)
        self.ahead_embedding = nn.Embedding(SYMBOLS, 16)
        self.ahead_in = nn.Linear(VOICES * len(OFFSETS) * 16, width)
        self.blocks = nn.ModuleList(Block(width, size.heads, dropout) for _ in range(size.layers))
        self.norm = nn.LayerNorm(width)
        self.chord = nn.Linear(width, CHORDS)

        self.known_embedding = nn.Parameter(torch.randn(VOICES, 2 * SYMBOLS, embedding) * 0.5)
        self.voice_embedding = nn.Embedding(VOICES, size.head)
        self.density_embedding = nn.Embedding(SIZES[DENSITY], size.head)
        self.head_in = nn.Linear(width + VOICES * embedding + embedding + 12, size.head)
        self.head_middle = nn.Linear(size.head, size.head)
        self.absolute = nn.Linear(size.head, VOCABULARY)
        self.leap = nn.Linear(size.head, 2 * LEAP + 1)
        self.interval_class = nn.Linear(size.head, 2 * VOICES * 12)
        for embeddings in (self.place_embedding, self.count_embedding, self.metre_embedding, *self.control_embeddings):
            nn.init.normal_(embeddings.weight, std=0.2)  # type: ignore[arg-type]

        half = width // size.heads // 2
        self.register_buffer("frequency", 10000.0 ** (-torch.arange(half).float() / half), persistent=False)
        symbols, pitches = torch.arange(SYMBOLS), torch.arange(VOCABULARY)
        leap_index = (pitches[None, :] - symbols[:, None]).clamp(-LEAP, LEAP) + LEAP
        self.register_buffer("leap_index", leap_index, persistent=False)
        pitched = (symbols >= FIRST_PITCH) & (symbols < UNKNOWN)
        self.register_buffer("pitched", pitched.float(), persistent=False)
        self.register_buffer("pitch_class", (pitches[FIRST_PITCH:] - FIRST_PITCH + LOW_PITCH) % 12, persistent=False)
        class_of_symbol = (symbols - FIRST_PITCH + LOW_PITCH) % 12
        class_index = (torch.arange(12)[None, :] - class_of_symbol[:, None]) % 12
        self.register_buffer("class_index", class_index, persistent=False)

    def remember(self, inputs: StepInputs) -> Tensor:
        """Run the backbone over whole excerpts: (batch, steps, width), each step from what was before it."""
        x = drop_channels(self._embed(inputs), self)
        steps = x.shape[1]
        angle = torch.arange(steps, device=x.device).float()[:, None] * self.frequency.float()[None]
        cosine, sine = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        mask = None
        if steps > self.shape.window:
            back = torch.arange(steps)[:, None] - torch.arange(steps)[None, :]
            mask = ((back >= 0) & (back < self.shape.window)).to(x.device)
        for block in self.blocks:
            x = block(x, cosine, sine, mask)
        return self.norm(x)

    def answer(
        self,
        memory: Tensor,
        known: Tensor,
        onset: Tensor,
        voice: Tensor,
        sounding: Tensor,
        age: Tensor,
        controls: Tensor,
    ) -> Tensor:
        """Logits of ``voice``'s token, (…, ``VOCABULARY``), float32.

        ``memory`` (…, width) is the backbone's; ``known`` (…, voices) the symbols that sound at this step (``UNKNOWN``
        where that is still open), ``onset`` (…, voices) is 1 where they begin here; ``sounding`` and ``age``
        (…, voices) are the states before the step, ``controls`` (…, columns) the step's.
        """
        own = voice[..., None]
        before = sounding.gather(-1, own)[..., 0]
        table = torch.arange(VOICES, device=voice.device)
        parts = [
            memory,
            self.known_embedding[table, known + SYMBOLS * onset].flatten(-2),
            self.sounding_embedding[voice, before],
            self.age_embedding[voice, age.gather(-1, own)[..., 0]],
        ]
        hidden = self.head_in(torch.cat(parts, dim=-1)) + self.voice_embedding(voice)
        hidden = hidden + self.density_embedding(controls[..., DENSITY:].gather(-1, own)[..., 0])
        hidden = drop_channels(functional.gelu(hidden, approximate="tanh"), self)
        hidden = hidden + functional.gelu(self.head_middle(hidden), approximate="tanh")
        leaps = self.leap(hidden).float().gather(-1, self.leap_index[before]) * self.pitched[before][..., None].float()
        is_known = known != UNKNOWN
        heard = torch.where(is_known, known, sounding)
        classes = self.interval_class(hidden).float().unflatten(-1, (2, VOICES, 12))
        chosen = torch.where(is_known[..., None], classes[..., 0, :, :], classes[..., 1, :, :])
        turned = chosen.gather(-1, self.class_index[heard]) * self.pitched[heard][..., None].float()
        by_class = turned.sum(-2)[..., self.pitch_class]
        logits = self.absolute(hidden).float() + leaps
        return torch.cat([logits[..., :FIRST_PITCH], logits[..., FIRST_PITCH:] + by_class], dim=-1)

    def _embed(self, inputs: StepInputs) -> Tensor:
        table = torch.arange(VOICES, device=inputs.sounding.device)
        voices = torch.cat(
            [
                self.sounding_embedding[table, inputs.sounding].flatten(-2),
                self.age_embedding[table, inputs.age].flatten(-2),
            ],
            dim=-1,
        )
        x = self.voices_in(voices) + inputs.given.to(voices.dtype) @ self.given
        x = x + self.place_embedding(inputs.place) + self.count_embedding(inputs.count)
        x = x + self.metre_embedding(inputs.metre)
        for column in range(COLUMNS):
            x = x + self.control_embeddings[column](inputs.controls[..., column])
        return x + self.ahead_in(self.ahead_embedding(inputs.ahead).flatten(-3))

    def describe(self) -> dict[str, int]:
        """Sizes, for the manifest."""
        return {**asdict(self.shape), "parameters": sum(parameter.numel() for parameter in self.parameters())}


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary positions: turn each pair (i, i + half) of the last axis by its step's angle."""
    first, second = x.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], -1)


def drop_channels(x: Tensor, module: nn.Module) -> Tensor:
    """Variational dropout (Gal & Ghahramani, NeurIPS 2016): one mask per excerpt and channel, for all its steps."""
    share = float(module.dropout)  # type: ignore[arg-type]
    if not module.training or share == 0.0:
        return x
    keep = torch.rand(x.shape[0], *[1] * (x.ndim - 2), x.shape[-1], device=x.device) > share
    return x * keep.to(x.dtype) / (1.0 - share)


def shape_from(sizes: dict[str, int]) -> PartShape:
    """The shape that a manifest describes."""
    names = {field.name for field in fields(PartShape)}
    return PartShape(**{key: value for key, value in sizes.items() if key in names})


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
