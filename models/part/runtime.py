"""The part network at work: one grid step at a time in numpy, without torch.

Products of embeddings with the matrices that follow them are tabulated at load, so that a step is a few look-ups and,
for each layer, four matrix–vector products; these are bound by memory, which is why a plain numpy loop is as fast as
an inference engine here (docs/decisions/0009-grid-transformer.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...engine.errors import ModelError
from ..controls import COLUMNS, DENSITY
from ..grid import (
    ABSENT,
    FIRST_PITCH,
    HOLD,
    LOW_PITCH,
    OLDEST,
    REST,
    SYMBOLS,
    UNKNOWN,
    VOCABULARY,
    VOICES,
    Place,
)
from ..weights import PartManifest, read_part_weights
from .tables import (
    APART_HIGH,
    APART_LOW,
    APARTS,
    CONTROL_STARTS,
    FADES,
    IN_AGE,
    IN_APART,
    IN_CLASS,
    IN_COUNT,
    IN_GIVEN,
    IN_METRE,
    IN_MOVE,
    IN_PLACE,
    KNOWN_MOVE,
    LEAP,
    MOVE,
    MOVES,
    OFFSETS,
    OWN_AGE,
    OWN_BEFORE,
    OWN_CHORD,
    OWN_DENSITY,
    OWN_MOVE,
    OWN_NOW,
    PAIRS,
    REACH,
    REACHES,
)

NOT_AHEAD = np.full((VOICES, len(OFFSETS)), UNKNOWN, np.int64)
"""Nothing is known of what comes."""

_VOICE = np.arange(VOICES)
_CONTROL_STARTS = np.array(CONTROL_STARTS)
_PITCH_CLASS = (np.arange(FIRST_PITCH, VOCABULARY) - FIRST_PITCH + LOW_PITCH) % 12
_SEMITONES = np.arange(12)
_PITCHES = np.arange(VOCABULARY)
_HIGH, _LOW = (np.array([pair[side] for pair in PAIRS]) for side in (0, 1))
_PAIR = np.arange(len(PAIRS))
_FADES = np.array(FADES, np.float32)[:, None]
_TURNS = (_SEMITONES[:, None] - _SEMITONES[None]) % 12


@dataclass(frozen=True, slots=True)
class _Layer:
    attention_norm: tuple[np.ndarray, np.ndarray]
    forward_norm: tuple[np.ndarray, np.ndarray]
    query_key_value: tuple[np.ndarray, np.ndarray]
    attended: tuple[np.ndarray, np.ndarray]
    widen: tuple[np.ndarray, np.ndarray]
    narrow: tuple[np.ndarray, np.ndarray]


class PartModel:
    """Weights made ready for stepping. Immutable once made; states of many players can share it."""

    def __init__(self, arrays: dict[str, np.ndarray], manifest: PartManifest) -> None:
        """``arrays`` as ``read_part_weights`` gives them. Raises ``ModelError`` when one is missing or misshapen."""
        self.manifest = manifest
        self.onset_bonus = float(manifest.figures.get("onset_bonus", 0.0))
        """Nats for beginning a note, see ``decoding.DecodingSettings``."""
        try:
            self._prepare(arrays, manifest.shape)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise ModelError(
                f"weights {manifest.name}: they do not fit this program ({error}); train them again"
            ) from error

    @classmethod
    def load(cls, path: Path | None = None) -> "PartModel":
        """The weights at ``path``, or those that ship with Tutti. Raises ``ModelError``."""
        return cls(*read_part_weights(path))

    @property
    def source(self) -> str:
        """What notes of this model name as their source."""
        return f"ai:{self.manifest.name}"

    def _prepare(self, arrays: dict[str, np.ndarray], shape: dict[str, int]) -> None:
        def linear(name: str) -> tuple[np.ndarray, np.ndarray]:
            return np.ascontiguousarray(arrays[f"{name}.weight"].T), arrays[f"{name}.bias"]

        def norm(name: str) -> tuple[np.ndarray, np.ndarray]:
            return arrays[f"{name}.weight"], arrays[f"{name}.bias"]

        self.width, self.heads, self.window = shape["width"], shape["heads"], shape["window"]
        self._inputs = arrays["inputs"]
        matrix = np.ascontiguousarray(arrays["ahead_in.weight"].T)
        blocks = matrix.reshape(VOICES, len(OFFSETS), -1, self.width)
        self._ahead = arrays["ahead_embedding.weight"] @ blocks  # (voices, offsets, symbols, width)
        self._lately_in = np.ascontiguousarray(arrays["lately_in.weight"].T)
        self._layers = []
        for index in range(shape["layers"]):
            block = f"blocks.{index}."
            self._layers.append(
                _Layer(
                    norm(block + "attention_norm"),
                    norm(block + "forward_norm"),
                    linear(block + "query_key_value"),
                    linear(block + "attended"),
                    linear(block + "widen"),
                    linear(block + "narrow"),
                )
            )
        self._norm = norm("norm")
        self._memory_in = linear("memory_in")
        self._head_known, self._head_own = arrays["head_known"], arrays["head_own"]
        self._head_lately = np.ascontiguousarray(arrays["head_lately.weight"].T)
        self._middle = linear("head_middle")
        outputs = [linear(name) for name in ("absolute", "leap", "interval_class", "in_key")]
        self._out = np.concatenate([matrix for matrix, _ in outputs], axis=1)
        self._out_bias = np.concatenate([bias for _, bias in outputs])
        self._out_starts = np.cumsum([len(bias) for _, bias in outputs[:-1]])
        half = self.width // self.heads // 2
        self._frequency = 10000.0 ** (-np.arange(half) / half)

    def start(
        self, present: Sequence[bool] = (True,) * VOICES, given: Sequence[bool] = (False,) * VOICES
    ) -> "PartState":
        """A fresh state: nothing has been heard. ``given`` voices are not the model's to answer."""
        return PartState(self, present, given)

    def _embed(self, state: "PartState", place: Place, controls: np.ndarray, ahead: np.ndarray | None) -> np.ndarray:
        rows = np.concatenate(
            [
                _VOICE * SYMBOLS + state.sounding,
                IN_AGE + _VOICE * (OLDEST + 1) + state.age,
                IN_GIVEN + _VOICE * 2 + state.given,
                (IN_PLACE + place.place, IN_COUNT + place.count, IN_METRE + place.metre),
                _CONTROL_STARTS + controls,
                IN_MOVE + _VOICE * MOVES + _interval(state.prior, state.sounding, MOVE),
                IN_APART + _PAIR * APARTS + _apart(state.sounding),
            ]
        )
        x = self._inputs[rows].sum(0)
        pitched = _is_pitch(state.sounding)
        classes = np.unique(_pitch_class(state.sounding[pitched]))
        x += self._inputs[IN_CLASS + classes].sum(0)
        x += np.concatenate([state.lately.ravel(), *state.lately_seen]) @ self._lately_in
        if ahead is not None:
            x = x + self._ahead[_VOICE[:, None], np.arange(len(OFFSETS))[None], ahead].sum((0, 1))
        return x

    def _think(self, state: "PartState", x: np.ndarray) -> np.ndarray:
        step, width, heads = state.step, self.width, self.heads
        angle = step * self._frequency
        cosine, sine = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
        slot, filled = step % self.window, min(step + 1, self.window)
        half = width // heads // 2
        scale = np.float32(1.0 / np.sqrt(2 * half))
        for layer, keys, values in zip(self._layers, state.keys, state.values, strict=True):
            mixed = _normalised(x, *layer.attention_norm) @ layer.query_key_value[0] + layer.query_key_value[1]
            pair = mixed[: 2 * width].reshape(2, heads, 2, half)
            first, second = pair[:, :, 0], pair[:, :, 1]
            turned = np.concatenate([first * cosine - second * sine, first * sine + second * cosine], -1)
            keys[:, slot] = turned[1]
            values[:, slot] = mixed[2 * width :].reshape(heads, -1)
            scores = np.matmul(keys[:, :filled], turned[0][:, :, None])[..., 0] * scale
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
            attended = np.matmul(scores[:, None], values[:, :filled]).reshape(width)
            x = x + attended @ layer.attended[0] + layer.attended[1]
            hidden = _squared(_normalised(x, *layer.forward_norm) @ layer.widen[0] + layer.widen[1])
            x = x + hidden @ layer.narrow[0] + layer.narrow[1]
        return _normalised(x, *self._norm)

    def _answer(self, state: "PartState", voice: int, tokens: Sequence[int]) -> np.ndarray:
        known, onset = state.known(tokens)
        before = int(state.sounding[voice])
        own = [before, OWN_AGE + state.age[voice], OWN_DENSITY + state.controls[DENSITY + voice]]
        hidden = (
            state.memory_head
            + self._head_known[_VOICE, onset * SYMBOLS + known].sum(0)
            + self._head_known[_VOICE, KNOWN_MOVE + _interval(state.sounding, known, MOVE)][known != UNKNOWN].sum(0)
            + self._head_own[voice, own].sum(0)
            + self._head_own[voice, _own_rows(state, voice, known)].sum(0)
            + state.lately_seen[voice] @ self._head_lately
        )
        hidden = _squared(hidden)
        hidden = hidden + _squared(hidden @ self._middle[0] + self._middle[1])
        out = hidden @ self._out + self._out_bias
        absolute, leaps, classes, in_key = np.split(out, self._out_starts)
        logits = absolute.astype(np.float64)
        for start, odds in zip((before, int(state.prior[voice])), leaps.reshape(2, -1), strict=True):
            if FIRST_PITCH <= start < UNKNOWN:
                logits += odds[np.clip(_PITCHES - start, -LEAP, LEAP) + LEAP]
        classes = classes.reshape(2, VOICES, 12)
        by_class = (in_key.reshape(len(FADES), 1, 12) * state.lately[:, _TURNS]).sum((0, 2))
        for other in range(VOICES):
            is_known = known[other] != UNKNOWN
            symbol = int(known[other] if is_known else state.sounding[other])
            if FIRST_PITCH <= symbol < UNKNOWN:
                turn = (_SEMITONES - (symbol - FIRST_PITCH + LOW_PITCH)) % 12
                by_class += classes[0 if is_known else 1, other, turn]
        logits[FIRST_PITCH:] += by_class[_PITCH_CLASS]
        if not FIRST_PITCH <= before < UNKNOWN:
            logits[HOLD] = -np.inf
        return logits


class PartState:
    """What has been heard and answered so far, and the caches of it. Not thread-safe.

    A step goes ``begin`` → ``logits`` of each voice that is to be answered → ``commit``. ``copy`` before a beat, to
    answer it again when something changed.
    """

    def __init__(self, model: PartModel, present: Sequence[bool], given: Sequence[bool]) -> None:
        self._model = model
        self.step = 0
        self.given = np.array(given, np.int64)
        self.sounding = np.where(np.array(present, bool), REST, ABSENT).astype(np.int64)
        """Symbol of the pitch that each voice sounds before the step (``REST``, ``ABSENT``)."""
        self.age = np.zeros(VOICES, np.int64)
        """For how many steps it has."""
        self._prior = np.full(VOICES, UNKNOWN, np.int64)
        self._heard = np.zeros((len(FADES), 12), np.float32)
        self._look_back()
        shape = (len(model._layers), model.heads, model.window, model.width // model.heads)
        self.keys, self.values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.controls = np.zeros(COLUMNS, np.int64)
        self.memory: np.ndarray | None = None
        self.memory_head = np.zeros(0, np.float32)

    @property
    def present(self) -> np.ndarray:
        """Which voices exist."""
        return self.sounding != ABSENT

    def _look_back(self) -> None:
        """What the network is told of the music before this step: ``relations``, for one step."""
        self.prior = np.where(self.age < OLDEST, self._prior, UNKNOWN)
        self.lately = self._heard / np.maximum(1.0, self._heard.sum(1, keepdims=True))
        self.lately_seen = np.zeros((VOICES, self.lately.size), np.float32)
        for voice in np.flatnonzero(_is_pitch(self.sounding)):
            turned = (_SEMITONES + _pitch_class(self.sounding[voice])) % 12
            self.lately_seen[voice] = self.lately[:, turned].ravel()

    def begin(self, place: Place, controls: np.ndarray | None = None, ahead: np.ndarray | None = None) -> None:
        """Think about the coming step. ``controls`` (columns,) is ``Controls.codes``, nothing asked for without it;
        ``ahead`` (voices, offsets) the symbols known at ``OFFSETS`` steps ahead, as ``ahead_of`` gives them.

        May be called again for the same step with other controls or another look ahead.
        """
        self.controls = np.zeros(COLUMNS, np.int64) if controls is None else controls
        x = self._model._embed(self, place, self.controls, ahead)
        self.memory = self._model._think(self, x)
        self.memory_head = self.memory @ self._model._memory_in[0] + self._model._memory_in[1]

    def logits(self, voice: int, tokens: Sequence[int]) -> np.ndarray:
        """Log-odds of ``voice``'s token at this step, (``VOCABULARY``,) float64, not normalised; −∞ where impossible.

        ``tokens`` (voices) are the step's tokens, ``UNKNOWN`` where still open, which ``voice`` itself must be.
        """
        if self.memory is None:
            raise ValueError("begin() the step first")
        return self._model._answer(self, voice, tokens)

    def commit(self, tokens: Sequence[int]) -> None:
        """These were the step's tokens; go on to the next."""
        for voice, token in enumerate(tokens):
            if self.sounding[voice] == ABSENT:
                continue
            if token == HOLD or token == REST == self.sounding[voice]:
                self.age[voice] = min(OLDEST, self.age[voice] + 1)
            elif 0 <= token < VOCABULARY:
                self._prior[voice] = self.sounding[voice]
                self.sounding[voice], self.age[voice] = token, 0
            else:
                raise ValueError(f"voice {voice} has no token")
        self._heard *= _FADES
        for symbol in self.sounding[_is_pitch(self.sounding)]:
            self._heard[:, _pitch_class(symbol)] += 1.0
        self._look_back()
        self.step += 1
        self.memory = None

    def known(self, tokens: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Symbols that sound at this step and whether they begin here, both (voices,); ``UNKNOWN`` where open."""
        symbols = np.array(tokens, np.int64)
        onset = ((symbols >= FIRST_PITCH) & (symbols < VOCABULARY)).astype(np.int64)
        symbols = np.where(symbols == HOLD, self.sounding, symbols)
        return np.where(self.sounding == ABSENT, ABSENT, symbols), onset

    def copy(self) -> "PartState":
        """An independent state that goes on from here."""
        twin = object.__new__(PartState)
        twin.__dict__.update(self.__dict__)
        twin.sounding, twin.age = self.sounding.copy(), self.age.copy()
        twin._prior, twin._heard = self._prior.copy(), self._heard.copy()
        twin.keys, twin.values = self.keys.copy(), self.values.copy()
        return twin


def ahead_of(sounding: np.ndarray, step: int, known_until: Sequence[int]) -> np.ndarray:
    """What is known ahead of ``step``, (voices, offsets): ``sounding`` (steps, voices) are symbols that sound,
    ``known_until`` (voices) the first step that is not known of each voice (0: nothing is)."""
    ahead = NOT_AHEAD.copy()
    for voice, until in enumerate(known_until):
        for column, offset in enumerate(OFFSETS):
            at = step + offset
            if at < min(until, len(sounding)) and sounding[at, voice] != ABSENT:
                ahead[voice, column] = sounding[at, voice]
    return ahead


def _is_pitch(symbols: np.ndarray) -> np.ndarray:
    return (symbols >= FIRST_PITCH) & (symbols < UNKNOWN)


def _pitch_class(symbols: np.ndarray) -> np.ndarray:
    return (symbols - FIRST_PITCH + LOW_PITCH) % 12


def _interval(before: np.ndarray | int, after: np.ndarray, most: int) -> np.ndarray:
    both = _is_pitch(np.asarray(before)) & _is_pitch(after)
    return np.where(both, np.clip(after - before, -most, most) + most, 2 * most + 1)


def _apart(sounding: np.ndarray) -> np.ndarray:
    high, low = sounding[_HIGH], sounding[_LOW]
    both = _is_pitch(high) & _is_pitch(low)
    return np.where(both, np.clip(high - low, APART_LOW, APART_HIGH) - APART_LOW, APARTS - 1)


def _own_rows(state: PartState, voice: int, known: np.ndarray) -> np.ndarray:
    before = int(state.sounding[voice])
    then = OWN_BEFORE + _VOICE * REACHES + _interval(before, state.sounding, REACH)
    now = np.where(known != UNKNOWN, _interval(before, known, REACH), REACHES)
    high, low = known[_HIGH], known[_LOW]
    classes = np.where(_is_pitch(high) & _is_pitch(low), (high - low) % 12, 12)
    move = OWN_MOVE + _interval(state.prior[voice : voice + 1], state.sounding[voice : voice + 1], MOVE)
    return np.concatenate([move, then, OWN_NOW + _VOICE * (REACHES + 1) + now, OWN_CHORD + 13 * _PAIR + classes])


def _normalised(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    centred = x - x.mean()
    return centred * (1.0 / np.sqrt(centred.dot(centred) / len(x) + np.float32(1e-5))) * weight + bias


def _squared(x: np.ndarray) -> np.ndarray:
    return np.square(np.maximum(x, np.float32(0.0)))
