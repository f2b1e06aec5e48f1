"""How readily a network begins notes when it hears its own answers, set by what composers did."""

from collections.abc import Sequence

import numpy as np

from .decoding import DecodingSettings, PartDecoder
from .grid import FIRST_PITCH, VOCABULARY
from .part.corpus import PartPiece
from .part.runtime import PartModel

_LEAST, _MOST, _HALVINGS = -1.0, 1.5, 5
MOST_COUNTED = 2.0


def onset_bonus(model: PartModel, pieces: Sequence[PartPiece], most_pieces: int = 12, most_steps: int = 256) -> float:
    """Nats for beginning a note with which answers to the pieces' highest voices begin as many as their composers did.

    A network is trained on what composers wrote before; hearing itself it drifts, mostly to notes that are held on.
    Every piece counts alike, and no more than twice what was written: a movement in tremolo, or one of rests, does not
    speak for the others. Found by halving, to a tenth of a nat; 0 where the highest voice is always alone.
    """
    chosen = pieces[:: max(1, len(pieces) // most_pieces)][:most_pieces]
    written = np.array([_begun(piece.tokens[:most_steps], _voices(piece)[1:]) for piece in chosen])
    if not written.any():
        return 0.0
    low, high = _LEAST, _MOST
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        settings = DecodingSettings(onset_bonus=middle)
        begun = np.array([_answered(model, piece, most_steps, settings, seed) for seed, piece in enumerate(chosen)])
        shares = np.minimum((1 + begun) / (1 + written), MOST_COUNTED)
        low, high = (middle, high) if shares.mean() < 1.0 else (low, middle)
    return round(0.5 * (low + high), 2)


def _voices(piece: PartPiece) -> list[int]:
    return [int(voice) for voice in np.flatnonzero(piece.tokens[0] < VOCABULARY)]


def _begun(tokens: np.ndarray, voices: Sequence[int]) -> int:
    answered = tokens[:, list(voices)]
    return int(((answered >= FIRST_PITCH) & (answered < VOCABULARY)).sum())


def _answered(model: PartModel, piece: PartPiece, steps: int, settings: DecodingSettings, seed: int) -> int:
    voices = _voices(piece)
    absent = [voice for voice in range(piece.tokens.shape[1]) if voice not in voices]
    decoder = PartDecoder(model, given=voices[:1], absent=absent, settings=settings, seed=seed)
    heard = piece.tokens[:steps, voices[0]].tolist()
    tokens = [decoder.step(piece.grid.at(step), {voices[0]: token}) for step, token in enumerate(heard)]
    return _begun(np.array(tokens), voices[1:])
