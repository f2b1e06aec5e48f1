"""The LSTM and the Transformer baseline at work, in numpy: decoders that sheets are written with.

What they answer is what the network says, sampled: no rules, no look ahead, no controls.
"""

import copy
from dataclasses import dataclass, field

import numpy as np

from ..controls import Controls
from ..decoding import DecodingSettings, draw_token
from ..grid import ABSENT, FIRST_PITCH, HOLD, LOW_PITCH, REST, SYMBOLS, VOCABULARY, VOICES
from ..provenance import Author
from ..weights import PartManifest
from ..writing import ASK, Sheet
from .melody_music import ANSWERED, MELODY, OLDEST_AGE, melody_first, melody_voice

_VOICE = np.arange(VOICES)


@dataclass(slots=True)
class SequenceState:
    """What sounds and for how long, in the network's order of voices, and what the network remembers."""

    order: tuple[int, ...]
    sounding: np.ndarray
    age: np.ndarray
    step: int = 0
    hidden: np.ndarray = field(default_factory=lambda: np.zeros(0))
    cell: np.ndarray = field(default_factory=lambda: np.zeros(0))
    past: list[np.ndarray] = field(default_factory=list)
    """Inputs in the Transformer's window."""
    cache: list[tuple[list[np.ndarray], list[np.ndarray]]] = field(default_factory=list)
    """Keys and values of each layer."""


class SequenceDecoder:
    """A ``writing.Decoder`` of a baseline's weights (``sequence_training``). Immutable; states are their own."""

    def __init__(
        self, arrays: dict[str, np.ndarray], manifest: PartManifest, seed: int = 0, source: str | None = None
    ) -> None:
        """Raises ``KeyError`` or ``ValueError`` where an array is missing or misshapen."""
        self._arrays, self._manifest, self._seed = arrays, manifest, seed
        self.source = source or f"ai:{manifest.name}"
        self._width, self._heads = manifest.shape["width"], manifest.shape["heads"]
        self._window, self._layers = manifest.shape["window"], manifest.shape["layers"]
        self._recurrent = "lstm.weight_ih_l0" in arrays
        self._out = arrays["out.weight"].reshape(len(ANSWERED), VOCABULARY, self._width)
        self._bias = arrays["out.bias"].reshape(len(ANSWERED), VOCABULARY)
        self._settings = DecodingSettings()

    @property
    def author(self) -> Author:
        """Whose its notes are."""
        return Author(self.source, self._manifest.sha256, self._manifest.licence)

    def start(self, sheet: Sheet) -> SequenceState:
        zeros = np.zeros(self._width, np.float32)
        order = melody_first(melody_voice(sheet))
        state = SequenceState(order, np.full(VOICES, REST, np.int64), np.zeros(VOICES, np.int64), 0, zeros, zeros)
        state.cache = [([], []) for _ in range(0 if self._recurrent else self._layers)]
        return state

    def copy(self, state: SequenceState) -> SequenceState:
        twin = copy.copy(state)
        twin.sounding, twin.age, twin.past = state.sounding.copy(), state.age.copy(), list(state.past)
        twin.cache = [(list(keys), list(values)) for keys, values in state.cache]
        return twin

    def step(self, state: SequenceState, sheet: Sheet, index: int, controls: Controls) -> list[int]:
        row = [int(sheet.tokens[index, voice]) for voice in state.order]
        tokens = [REST if token == ABSENT else token for token in row]
        if tokens[MELODY] < 0:
            raise ValueError("a baseline needs the melody to be known")
        memory = self._remember(state, self._inputs(state, sheet, index, tokens[MELODY]))
        hidden = (self._arrays["head.weight"] @ memory + self._arrays["head.bias"]).reshape(len(ANSWERED), -1)
        told = self._known(state, MELODY, tokens[MELODY])
        random = np.random.Generator(np.random.Philox(key=self._seed, counter=[0, 0, 0, state.step]))
        for place, voice in enumerate(ANSWERED):
            if tokens[voice] < 0:
                active = np.maximum(hidden[place] + told, 0.0)
                logits = (self._out[place] @ active + self._bias[place]).astype(np.float64)
                low, high = sheet.ranges[state.order[voice]]
                pitches = np.arange(FIRST_PITCH, VOCABULARY) - FIRST_PITCH + LOW_PITCH
                logits[FIRST_PITCH:][(pitches < low) | (pitches > high)] = -np.inf
                if tokens[voice] != ASK or state.sounding[voice] == REST:
                    logits[HOLD] = -np.inf
                tokens[voice] = draw_token(logits, int(state.sounding[voice]), self._settings, random)
            told = told + self._known(state, voice, tokens[voice])
        self._commit(state, tokens)
        answer = [0] * VOICES
        for own, voice in enumerate(state.order):
            answer[voice] = ABSENT if row[own] == ABSENT else tokens[own]
        return answer

    def _inputs(self, state: SequenceState, sheet: Sheet, index: int, melody: int) -> np.ndarray:
        arrays = self._arrays
        x = arrays["before.weight"][_VOICE * SYMBOLS + state.sounding].sum(0)
        x = x + arrays["age.weight"][_VOICE * (OLDEST_AGE + 1) + state.age].sum(0)
        x = x + arrays["melody.weight"][_symbol(state, MELODY, melody)]
        place, count = int(sheet.grid.place[index]), int(sheet.grid.count[index])
        return np.asarray(x + arrays["place.weight"][place] + arrays["count.weight"][count])

    def _known(self, state: SequenceState, voice: int, token: int) -> np.ndarray:
        row: np.ndarray = self._arrays["known.weight"][voice * 2 * SYMBOLS + _symbol(state, voice, token)]
        return row

    def _remember(self, state: SequenceState, x: np.ndarray) -> np.ndarray:
        if self._recurrent:
            return self._recur(state, x)
        if len(state.past) == self._window:  # positions are absolute: the older half is forgotten, the rest read again
            kept = state.past[self._window // 2 :]
            state.past, state.cache = [], [([], []) for _ in range(self._layers)]
            for earlier in kept:
                self._attend(state, earlier)
        return self._attend(state, x)

    def _recur(self, state: SequenceState, x: np.ndarray) -> np.ndarray:
        arrays = self._arrays
        gates = arrays["lstm.weight_ih_l0"] @ x + arrays["lstm.bias_ih_l0"]
        gates = gates + arrays["lstm.weight_hh_l0"] @ state.hidden + arrays["lstm.bias_hh_l0"]
        into, forget, new, out = np.split(gates, 4)
        state.cell = _sigmoid(forget) * state.cell + _sigmoid(into) * np.tanh(new)
        state.hidden = _sigmoid(out) * np.tanh(state.cell)
        return state.hidden

    def _attend(self, state: SequenceState, x: np.ndarray) -> np.ndarray:
        y = x + self._arrays["position.weight"][len(state.past)]
        state.past.append(x)
        for layer, (keys, values) in enumerate(state.cache):
            block = f"blocks.layers.{layer}."
            mixed = self._linear(block + "self_attn.in_proj_", y).reshape(3, self._heads, -1)
            keys.append(mixed[1])
            values.append(mixed[2])
            scores = np.einsum("thd,hd->ht", np.stack(keys), mixed[0]) / np.sqrt(mixed.shape[-1])
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
            heard = np.einsum("ht,thd->hd", scores, np.stack(values)).ravel()
            y = self._norm(block + "norm1.", y + self._linear(block + "self_attn.out_proj.", heard))
            wide = np.maximum(self._linear(block + "linear1.", y), 0.0)
            y = self._norm(block + "norm2.", y + self._linear(block + "linear2.", wide))
        return y

    def _linear(self, name: str, x: np.ndarray) -> np.ndarray:
        return np.asarray(self._arrays[name + "weight"] @ x + self._arrays[name + "bias"])

    def _norm(self, name: str, x: np.ndarray) -> np.ndarray:
        centred = x - x.mean()
        scaled = centred / np.sqrt((centred**2).mean() + 1e-5)
        return np.asarray(scaled * self._arrays[name + "weight"] + self._arrays[name + "bias"])

    @staticmethod
    def _commit(state: SequenceState, tokens: list[int]) -> None:
        for voice, token in enumerate(tokens):
            if token == HOLD or token == REST == state.sounding[voice]:
                state.age[voice] = min(OLDEST_AGE, state.age[voice] + 1)
            else:
                state.sounding[voice], state.age[voice] = token, 0
        state.step += 1


def _symbol(state: SequenceState, voice: int, token: int) -> int:
    """What sounds at this step, and (from ``SYMBOLS`` on) whether it begins."""
    if token >= FIRST_PITCH:
        return SYMBOLS + token
    return int(state.sounding[voice]) if token == HOLD else REST


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))
