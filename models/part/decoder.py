"""The part network as the decoder that sheets are written with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...engine.expression import metrical_weight
from ..controls import Controls
from ..craft.scales import Scale
from ..decoding import DecodingSettings, PartDecoder
from ..grid import ABSENT, HOLD, VOICES, Grid, states_after
from ..provenance import Author
from ..writing import ASK_ANEW, IMAGINE, Sheet
from .runtime import PartModel, Place, ahead_of


@dataclass(slots=True)
class SheetState:
    """A decoder under way, and what is known ahead of it."""

    decoder: PartDecoder
    sheet: Sheet | None = None
    """The sheet that ``sounding`` was read from."""
    sounding: np.ndarray | None = None
    """Symbols that sound at every step of the sheet and after it, (steps, VOICES)."""


class NetworkDecoder:
    """A ``writing.Decoder`` by the part network. One may serve many writers; their states are their own."""

    def __init__(
        self, model: PartModel, seed: int = 0, settings: DecodingSettings | None = None, scale: Scale | None = None
    ) -> None:
        self._model, self._seed = model, seed
        self._settings = settings or DecodingSettings()
        self._scale = scale

    @property
    def author(self) -> Author:
        """Whose its notes are."""
        manifest = self._model.manifest
        return Author(self._model.source, manifest.sha256, manifest.licence)

    @property
    def source(self) -> str:
        """What its notes name as their source."""
        return self._model.source

    def start(self, sheet: Sheet) -> SheetState:
        absent = [voice for voice in range(VOICES) if (sheet.tokens[:, voice] == ABSENT).all()]
        given = [voice for voice in range(VOICES) if voice not in sheet.answered and voice not in absent]
        decoder = PartDecoder(
            self._model,
            given=given,
            absent=absent,
            leads=sheet.leads,
            ranges=sheet.ranges,
            settings=self._settings,
            seed=self._seed,
        )
        return SheetState(decoder)

    def copy(self, state: SheetState) -> SheetState:
        return SheetState(state.decoder.copy(), state.sheet, state.sounding)

    def step(self, state: SheetState, sheet: Sheet, index: int, controls: Controls) -> list[int]:
        row = sheet.tokens[index]
        given = {voice: int(token) for voice, token in enumerate(row) if token >= 0}
        ahead = None
        if sheet.ahead:
            ahead = self._ahead(state, sheet, index)
        grid = sheet.grid
        return state.decoder.step(
            Place(int(grid.place[index]), int(grid.count[index]), int(grid.metre[index])),
            given,
            controls,
            ahead,
            anew=[voice for voice in range(VOICES) if row[voice] == ASK_ANEW],
            imagined=[voice for voice in range(VOICES) if row[voice] == IMAGINE],
            strength=strength_at(grid, index),
            scale=self._scale,
            chord=sheet.chord_at(index),
            arrival=sheet.arrival_at(index),
        )

    def _ahead(self, state: SheetState, sheet: Sheet, index: int) -> np.ndarray:
        """Sheets grow while the music goes on: what sounds ahead is read from the sheet as it is now."""
        if state.sheet is not sheet or state.sounding is None:
            tokens = np.where(sheet.tokens < 0, HOLD, sheet.tokens)
            if sheet.coming is not None:
                tokens = np.concatenate([tokens, sheet.coming])
            state.sounding, _ = states_after(tokens)
            state.sheet = sheet
        known = len(state.sounding)
        return ahead_of(state.sounding, index, [known if voice in sheet.ahead else 0 for voice in range(VOICES)])


def strength_at(grid: Grid, index: int) -> float:
    """The metrical weight of a step (``engine.expression.metrical_weight``), quarters being beats."""
    if int(grid.place[index]) not in (0, 4):
        return 0.0
    metre = max(1, int(grid.metre[index]))
    return metrical_weight(0.0, 0.0, int(grid.count[index]) % metre + 1, metre)


def load_decoder(
    weights: Path | None, seed: int, settings: DecodingSettings | None = None, scale: Scale | None = None
) -> NetworkDecoder:
    """The decoder with weights from a file, or those that ship with Tutti. Raises ``ModelError``."""
    return NetworkDecoder(PartModel.load(weights), seed, settings, scale)
