"""The network: a recurrent memory of the past, and a head that answers one voice given any others of the step.

Time runs causally through a gated recurrent unit (Cho et al., "Learning Phrase Representations using RNN
Encoder-Decoder", EMNLP 2014). At each step the head decodes the voices one after another in any order, each seeing
those already known, an orderless factorisation as in Uria, Murray & Larochelle, "A Deep and Tractable Density
Estimator", ICML 2014, and Coconet (Huang et al., ISMIR 2017); so any voices can be given and the rest answered.
"""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from .tokens import FIRST_PITCH, POSITIONS, UNKNOWN, VOCABULARY, VOICES

AGES = 32
INTERVALS = 49
"""Intervals to the voice's sounding pitch, −24 … +24 semitones."""


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """Sizes of the network; about 1.3 million parameters as they stand."""

    embedding: int = 32
    memory: int = 320
    layers: int = 2
    head: int = 192
    dropout: float = 0.15


class HarmonyNetwork(nn.Module):
    """Reads states before each step, shape (batch, steps, voices), and scores the tokens of a voice."""

    voice_offset: Tensor
    distance: Tensor
    pitched: Tensor

    def __init__(self, shape: NetworkShape | None = None) -> None:
        super().__init__()
        self.shape = shape or NetworkShape()
        size = self.shape
        self.token_embedding = nn.Embedding(VOICES * (VOCABULARY + 1), size.embedding)
        self.age_embedding = nn.Embedding(AGES, 8)
        self.position_embedding = nn.Embedding(POSITIONS, 16)
        self.memory = nn.GRU(
            VOICES * (size.embedding + 8) + 16,
            size.memory,
            size.layers,
            batch_first=True,
            dropout=size.dropout if size.layers > 1 else 0.0,
        )
        self.known_embedding = nn.Embedding(VOICES * (VOCABULARY + 1), size.embedding)
        self.voice_embedding = nn.Embedding(VOICES, 16)
        inputs = size.memory + VOICES * size.embedding + size.embedding + 8 + 16 + 16
        self.hidden = nn.Sequential(
            nn.Linear(inputs, size.head),
            nn.GELU(),
            nn.Dropout(size.dropout),
            nn.Linear(size.head, size.head),
            nn.GELU(),
        )
        self.absolute = nn.Linear(size.head, VOCABULARY)
        self.interval = nn.Linear(size.head, INTERVALS)
        self.register_buffer("voice_offset", torch.arange(VOICES) * (VOCABULARY + 1), persistent=False)
        tokens = torch.arange(VOCABULARY)
        distance = (tokens[None, :] - torch.arange(VOCABULARY)[:, None]).clamp(-24, 24) + 24
        self.register_buffer("distance", distance, persistent=False)
        pitched = (tokens >= FIRST_PITCH)[None, :] & (torch.arange(VOCABULARY) >= FIRST_PITCH)[:, None]
        self.register_buffer("pitched", pitched.float(), persistent=False)

    def remember(
        self, sounding: Tensor, age: Tensor, position: Tensor, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run the memory over steps. ``sounding`` and ``age``: (batch, steps, voices); ``position``: (batch, steps).

        Returns the memory's outputs (batch, steps, memory) and its state for the next call.
        """
        batch, steps, _ = sounding.shape
        tokens = self.token_embedding(sounding + self.voice_offset).reshape(batch, steps, -1)
        ages = self.age_embedding(age).reshape(batch, steps, -1)
        inputs = torch.cat([tokens, ages, self.position_embedding(position)], dim=-1)
        outputs, state = self.memory(inputs, state)
        return outputs, state

    def answer(
        self, memory: Tensor, known: Tensor, voice: Tensor, sounding: Tensor, age: Tensor, position: Tensor
    ) -> Tensor:
        """Logits of ``voice``'s token, (…, VOCABULARY).

        ``known`` (…, voices) holds the step's tokens, ``UNKNOWN`` where not known; ``sounding`` and ``age`` (…) are
        those of ``voice``.
        """
        parts = [
            memory,
            self.known_embedding(known + self.voice_offset).flatten(-2),
            self.token_embedding(sounding + self.voice_offset[voice]),
            self.age_embedding(age),
            self.voice_embedding(voice),
            self.position_embedding(position),
        ]
        hidden = self.hidden(torch.cat(parts, dim=-1))
        intervals = torch.gather(self.interval(hidden), -1, self.distance[sounding])
        return self.absolute(hidden) + intervals * self.pitched[sounding]

    def describe(self) -> dict[str, float | int]:
        """Sizes, for the manifest."""
        return {**asdict(self.shape), "parameters": sum(parameter.numel() for parameter in self.parameters())}


def hide_later_voices(tokens: Tensor, order: Tensor) -> Tensor:
    """What is known when each voice is decoded: (…, voices) → (…, voices, voices).

    ``order`` (…, voices) ranks the voices; row ``v`` of the result keeps the tokens of voices ranked before ``v``.
    """
    earlier = order.unsqueeze(-2) < order.unsqueeze(-1)
    return torch.where(earlier, tokens.unsqueeze(-2), torch.full_like(tokens, UNKNOWN).unsqueeze(-2))
