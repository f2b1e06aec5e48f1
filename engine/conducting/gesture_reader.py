"""A small recurrent network that reads gesture: where icti were, and when the next one will be.

Rules know lowest points; a person who beats sideways, upwards or in circles marks beats otherwise. The network has seen
thousands of virtual conductors of every manner (``models.gesture.training`` trains it), with all that hands do besides,
and tells how likely an ictus was ``KNOWN_AFTER_S`` ago and when the next one is to be expected. It knows nothing of the
count; ``engine.conducting.tempo`` weighs what it says.

Every hand is read as it is and as in a mirror, both a little tilted either way, and what is read of them is averaged
(test-time augmentation: Krizhevsky, Sutskever & Hinton, "ImageNet classification with deep convolutional neural
networks", NIPS 2012, averages mirrored images so). A gesture means the same in all of them; chance does not.

Gated recurrent units: Cho et al., "Learning phrase representations using RNN encoder–decoder", EMNLP 2014.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from ...assets import asset_path
from ..types import Vector
from .gesture_features import METERS, MOTION, FrameArray, FrameMaker

KNOWN_AFTER_S = 0.05
"""The network is asked about an ictus this long ago: it sees the hand leave it."""
UNTIL_EDGES_S = np.concatenate([[0.0], np.exp(np.linspace(np.log(0.03), np.log(2.6), 32))])
"""Bounds of the spans of time until the next ictus; one more for later or never."""
UNTIL_MIDDLES_S = np.concatenate([(UNTIL_EDGES_S[:-1] + UNTIL_EDGES_S[1:]) / 2, [4.0]])
_UNTIL_BOUNDS_S = np.append(UNTIL_EDGES_S, 2.0 * UNTIL_MIDDLES_S[-1] - UNTIL_EDGES_S[-1])
TILT_DEG = 10.0
"""How far the hand is tilted either way when it is read."""
LAYERS = 2
ICTUS, BEATING = 0, -1
UNTIL = slice(1, 1 + len(UNTIL_MIDDLES_S))
BEAT = slice(UNTIL.stop, UNTIL.stop + METERS)
OUTPUTS = BEAT.stop + 1
"""Where the network's outputs are: ictus, spans until the next, beat of the bar, whether the hand beats."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read at ``time_s``: probability of an ictus ``KNOWN_AFTER_S`` before; of the next one's being in each
    span of ``UNTIL_EDGES_S`` or later, shape (33,), and which beat of the bar, shape (``METERS``,); of the hand's
    beating, rather than resting, holding or doing other things; and how many beats the network was told the bar has."""

    time_s: float
    ictus: float
    until: npt.NDArray[np.float32]
    beat: npt.NDArray[np.float32]
    beating: float
    beats_in_bar: int

    def soon(self, within_s: float) -> float:
        """Probability that an ictus comes within this time."""
        return float(self.until[within_s > UNTIL_MIDDLES_S].sum())

    def expected_s(self, within_s: float) -> float:
        """Mean time of the next ictus, if it comes within this time from now."""
        weight = self.until * (within_s > UNTIL_MIDDLES_S)
        return self.time_s + float(weight @ UNTIL_MIDDLES_S) / max(float(weight.sum()), 1e-9)

    def quantile_s(self, part: float) -> float:
        """By when, counted from now, the next ictus comes with the probability ``part``."""
        return float(np.interp(part, np.concatenate([[0.0], np.cumsum(self.until)]), _UNTIL_BOUNDS_S))


def _looks() -> FrameArray:
    """How the hand is looked at: turns of place, velocity and acceleration, shape ``(looks, 3, 3)``."""
    looks = []
    for across in (1.0, -1.0):
        for tilt in np.radians([-TILT_DEG, TILT_DEG]):
            turn = np.eye(3)
            turn[:2, :2] = [[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]
            looks.append(turn @ np.diag([across, 1.0, 1.0]))
    return np.array(looks, np.float32)


LOOKS = _looks()


def looked_at(frame: FrameArray) -> FrameArray:
    """A frame, shape ``(FEATURES,)``, in every look, shape ``(FEATURES, looks)``."""
    seen = np.repeat(frame[:, None], len(LOOKS), axis=1)
    seen[:MOTION] = np.einsum("lab,vb->val", LOOKS, frame[:MOTION].reshape(-1, 3)).reshape(MOTION, -1)
    return seen


@lru_cache(maxsize=1)
def _weights() -> dict[str, FrameArray]:
    stored = load_file(asset_path("weights", "gesture.safetensors"))
    columns = {name: value.astype(np.float32) for name, value in stored.items()}
    return {name: value if value.ndim == 2 else value[:, None] for name, value in columns.items()}


class GestureReader:
    """Reads one hand. One thread; some 0.1 ms for each 20 ms of gesture."""

    def __init__(self, period_s: float, beats_in_bar: int) -> None:
        """``period_s`` is the marked period of the next beat, ``beats_in_bar`` how many its bar has."""
        self._frames = FrameMaker(period_s, beats_in_bar)
        self._beats_in_bar = beats_in_bar
        self._weights = _weights()
        width = len(self._weights["inp.bias"])
        self._state = [np.zeros((width, len(LOOKS)), np.float32) for _ in range(LAYERS)]

    def tell(self, period_s: float, beats_in_bar: int) -> None:
        """The same of another beat, which is the next from now on."""
        self._beats_in_bar = beats_in_bar
        self._frames.tell(period_s, beats_in_bar)

    def step(self, time_s: float, position_m: Vector) -> Iterator[Reading]:
        """Take the next valid sample, later than the one before; what was read up to it."""
        for frame_s, frame in self._frames.step(time_s, position_m):
            yield self._read(frame_s, frame)

    def _read(self, time_s: float, frame: FrameArray) -> Reading:
        w = self._weights
        signal = np.tanh(w["inp.weight"] @ looked_at(frame) + w["inp.bias"])
        for layer in range(LAYERS):
            state = self._state[layer]
            given = w[f"g.weight_ih_l{layer}"] @ signal + w[f"g.bias_ih_l{layer}"]
            kept = w[f"g.weight_hh_l{layer}"] @ state + w[f"g.bias_hh_l{layer}"]
            width = len(state)
            gates = 1.0 / (1.0 + np.exp(-(given[: 2 * width] + kept[: 2 * width])))
            reset, update = gates[:width], gates[width:]
            new = np.tanh(given[2 * width :] + reset * kept[2 * width :])
            self._state[layer] = signal = new + update * (state - new)
        out = (w["o.weight"] @ signal + w["o.bias"]).mean(axis=1)
        ictus, beating = 1.0 / (1.0 + np.exp(-out[[ICTUS, BEATING]]))
        return Reading(
            time_s, float(ictus), _shares(out[UNTIL]), _shares(out[BEAT]), float(beating), self._beats_in_bar
        )


def _shares(logits: FrameArray) -> FrameArray:
    parts = np.exp(logits - logits.max())
    return np.asarray(parts / parts.sum())
