"""The GAN baseline at work, in numpy: each bar of the melody gets a pattern for three lower voices."""

from dataclasses import dataclass, field

import numpy as np

from ..controls import Controls
from ..craft.rule_harmoniser import melody_key
from ..grid import ABSENT, FIRST_PITCH, HOLD, REST, VOCABULARY, decode_voice, token_to_pitch
from ..provenance import Author
from ..weights import PartManifest
from ..writing import Sheet
from .bar_patterns import CLASSES, HELD, LOWER, NOISE, SILENT, STEPS, classes_of, condition_of, nearest_token
from .melody_music import melody_first, melody_voice


@dataclass(slots=True)
class BarState:
    """Where the decoder is: the bar whose ``pattern`` (lower voices, STEPS) holds, and what sounded last."""

    order: tuple[int, ...]
    tonic: int
    minor: bool
    last: list[int]
    sounding: list[bool]
    bar: int = -1
    pattern: np.ndarray = field(default_factory=lambda: np.zeros((LOWER, STEPS), np.int64))


class BarDecoder:
    """A ``writing.Decoder`` of a generator's weights (``gan_training``) for melodies that are known beforehand.

    Immutable; states are their own. In bars of other lengths than four quarters the pattern is cut or begins again.
    """

    def __init__(
        self, arrays: dict[str, np.ndarray], manifest: PartManifest, seed: int = 0, source: str | None = None
    ) -> None:
        """Raises ``KeyError`` where an array is missing."""
        self._layers = [(arrays[f"{index}.weight"], arrays[f"{index}.bias"]) for index in (0, 2, 4)]
        self._manifest, self._seed = manifest, seed
        self.source = source or f"ai:{manifest.name}"

    @property
    def author(self) -> Author:
        """Whose its notes are."""
        return Author(self.source, self._manifest.sha256, self._manifest.licence)

    def start(self, sheet: Sheet) -> BarState:
        melody = melody_voice(sheet)
        order = melody_first(melody)
        column = np.where(sheet.tokens[:, melody] < 0, REST, sheet.tokens[:, melody])
        notes = decode_voice(column, sheet.grid, 0)
        key = melody_key(notes) if notes else None
        middles = [(sheet.ranges[voice][0] + sheet.ranges[voice][1]) // 2 for voice in order[1:]]
        tonic, minor = (0, False) if key is None else (key.tonic, key.mode == "minor")
        return BarState(order, tonic, minor, middles, [False] * LOWER)

    def copy(self, state: BarState) -> BarState:
        return BarState(
            state.order, state.tonic, state.minor, list(state.last), list(state.sounding), state.bar, state.pattern
        )

    def step(self, state: BarState, sheet: Sheet, index: int, controls: Controls) -> list[int]:
        start = _bar_start(sheet, index)
        if start != state.bar:
            state.bar, state.pattern = start, self._pattern(state, sheet, start)
        at = _sixteenth(sheet, index)
        answer = [int(token) for token in sheet.tokens[index]]
        for lower, voice in enumerate(state.order[1:]):
            if answer[voice] == ABSENT:
                continue
            if answer[voice] < 0:
                cell = int(state.pattern[lower, at])
                if cell == HELD and (not state.sounding[lower] or answer[voice] != -1):
                    cell = SILENT
                low, high = sheet.ranges[voice]
                answer[voice] = nearest_token(cell, state.tonic, state.last[lower], low, high)
            if FIRST_PITCH <= answer[voice] < VOCABULARY:
                state.last[lower] = token_to_pitch(answer[voice])
            state.sounding[lower] = answer[voice] != REST and (answer[voice] != HOLD or state.sounding[lower])
        return answer

    def _pattern(self, state: BarState, sheet: Sheet, start: int) -> np.ndarray:
        """The cells of the bar that begins at step ``start``, the likeliest for this noise."""
        cells = np.full(STEPS, SILENT)
        index = start
        while index < len(sheet.grid) and (index == start or _bar_start(sheet, index) == start):
            token = max(HOLD, int(sheet.tokens[index, state.order[0]]))
            cells[_sixteenth(sheet, index)] = classes_of(np.array(token), state.tonic)
            index += 1
        random = np.random.Generator(np.random.Philox(key=self._seed, counter=[0, 0, 0, start]))
        x = np.concatenate([random.standard_normal(NOISE).astype(np.float32), condition_of(cells, state.minor)])
        for number, (weight, bias) in enumerate(self._layers):
            x = weight @ x + bias
            if number < len(self._layers) - 1:
                x = np.maximum(x, 0.0)
        return np.asarray(x.reshape(LOWER, STEPS, CLASSES).argmax(-1))


def _bar_start(sheet: Sheet, index: int) -> int:
    """The step at which the bar (or, in long ones, its next four quarters) begins."""
    grid = sheet.grid
    while index > 0 and not (int(grid.place[index]) in (0, 4) and int(grid.count[index]) % 4 == 0):
        index -= 1
    return index


def _sixteenth(sheet: Sheet, index: int) -> int:
    """The sixteenth of the pattern that a step falls on, triplets on the nearest before."""
    place = int(sheet.grid.place[index])
    place = place if place < 4 else (place - 4) * 4 // 3
    return (int(sheet.grid.count[index]) % 4) * 4 + place
