"""Decoding: the network's answer to what it hears, step by step, with the rules of the game as experts.

Voices that are given are taken as they are; the others are sampled one after another, outer voices first. Three rules
shape the odds: an instrument's range (absolute), and penalties on crossing voices and on parallel fifths and octaves
between voices that both move (the rules every harmony book begins with, e.g. Aldwell & Schachter, Harmony and Voice
Leading).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from .network import HarmonyNetwork
from .tokens import FIRST_PITCH, HOLD, REST, UNKNOWN, VOCABULARY, VOICES, VoiceState, pitch_to_token

DECODING_ORDER = (0, 3, 2, 1)
"""Soprano, bass, tenor, alto."""


@dataclass(frozen=True, slots=True)
class DecodingRules:
    """How freely to decode. Penalties are in nats: how much less likely a fault becomes.

    ``rest_penalty`` keeps who accompanies from falling silent while a voice that is given sounds: in a corpus of whole
    movements players rest for pages, and a model of them does too.
    """

    temperature: float = 0.7
    rest_penalty: float = 5.0
    parallel_penalty: float = 6.0
    crossing_penalty: float = 4.0


class StepDecoder:
    """Answers voices one grid step at a time. Deterministic by ``seed``; not thread-safe."""

    def __init__(
        self,
        network: HarmonyNetwork,
        ranges: tuple[tuple[int, int], ...],
        seed: int = 0,
        rules: DecodingRules | None = None,
    ) -> None:
        """``ranges``: lowest and highest pitch of each of the ``VOICES`` voices."""
        self._network = network.eval()
        self._rules = rules or DecodingRules()
        self._seed = seed
        self._allowed = np.zeros((VOICES, VOCABULARY), bool)
        for voice, (low, high) in enumerate(ranges):
            self._allowed[voice, :FIRST_PITCH] = True
            self._allowed[voice, pitch_to_token(low) : pitch_to_token(high) + 1] = True
        self.restart()

    def restart(self) -> None:
        """Forget everything heard and played so far."""
        self._memory: torch.Tensor | None = None
        self._states = [VoiceState()] * VOICES
        self._random = np.random.default_rng(self._seed)

    @torch.inference_mode()
    def step(self, given: Mapping[int, int], position: int, may_hold: bool = True) -> list[int]:
        """The tokens of all voices at the next step; those of ``given`` are taken as they are.

        ``position`` is the metrical position (sixteenths of the bar). Without ``may_hold`` answered voices start a new
        note or rest.
        """
        sounding = torch.tensor([[[state.token for state in self._states]]])
        age = torch.tensor([[[state.age for state in self._states]]])
        where = torch.tensor([[position]])
        outputs, self._memory = self._network.remember(sounding, age, where, self._memory)
        tokens = [given.get(voice, UNKNOWN) for voice in range(VOICES)]
        led = any(token != REST for token in given.values())
        for voice in DECODING_ORDER:
            if voice not in given:
                logits = self._network.answer(
                    outputs[0, 0],
                    torch.tensor(tokens),
                    torch.tensor(voice),
                    sounding[0, 0, voice],
                    age[0, 0, voice],
                    where[0, 0],
                )
                tokens[voice] = self._choose(logits.double().numpy(), voice, tokens, may_hold, led)
        self._states = [state.after(token) for state, token in zip(self._states, tokens, strict=True)]
        return tokens

    def _choose(self, logits: np.ndarray, voice: int, tokens: list[int], may_hold: bool, led: bool) -> int:
        scores = np.where(self._allowed[voice], logits / self._rules.temperature, -np.inf)
        if led:
            scores[REST] -= self._rules.rest_penalty
        if not may_hold or self._states[voice].token == REST:
            scores[HOLD] = -np.inf
        scores[FIRST_PITCH:] -= self._faults(voice, tokens)
        odds = np.exp(scores - scores.max())
        return int(self._random.choice(VOCABULARY, p=odds / odds.sum()))

    def _faults(self, voice: int, tokens: list[int]) -> np.ndarray:
        """Penalty of every pitch for this voice, given the voices already decided at this step."""
        pitches = np.arange(FIRST_PITCH, VOCABULARY)
        penalty = np.zeros(len(pitches))
        before = self._states[voice].token
        for other in range(VOICES):
            now = self._states[other].after(tokens[other]).token if tokens[other] != UNKNOWN else REST
            if other == voice or now < FIRST_PITCH:
                continue
            crossed = pitches > now if other < voice else pitches < now
            penalty += self._rules.crossing_penalty * crossed
            was = self._states[other].token
            moved = tokens[other] >= FIRST_PITCH and was >= FIRST_PITCH and now != was and before >= FIRST_PITCH
            if moved:
                same = (pitches != before) & ((pitches - now) % 12 == (before - was) % 12)
                perfect = (
                    np.isin((before - was) % 12, (0, 7)) if voice < other else np.isin((was - before) % 12, (0, 7))
                )
                penalty += self._rules.parallel_penalty * (same & perfect)
        return penalty


def heard_token(pitch_onset: int | None, sounding: bool) -> int:
    """Token of a voice that is heard: a new pitch, a held note, or silence."""
    if pitch_onset is not None:
        return pitch_to_token(pitch_onset)
    return HOLD if sounding else REST
