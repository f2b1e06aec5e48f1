"""What the part network thinks of each note of finished music: the evidence that the rules' weights are fitted on.

A rule that the network keeps by itself needs no weight beside it; one that it breaks more often than composers do needs
much (``craft.rule_fitting``). So the weights belong to a network, and every training fits them anew on music that was
held out from it.
"""

from collections.abc import Sequence

import numpy as np

from .craft.charges import StepContext
from .craft.rule_fitting import Choices
from .craft.rules import RULES, rule_features
from .decoding import STRENGTH_OF_PLACE, rule_pitch
from .grid import FIRST_PITCH, HIGH_PITCH, LOW_PITCH, OUTER_FIRST, UNKNOWN, VOCABULARY
from .part.corpus import PartPiece
from .part.runtime import PartModel

_CANDIDATES = np.arange(LOW_PITCH, HIGH_PITCH + 1)


def network_choices(model: PartModel, pieces: Sequence[PartPiece], most_events: int = 12_000) -> Choices:
    """Onsets below the highest voice as choices among all pitches, from every piece its share of ``most_events``.

    Voices are decided outer ones first and know the highest one, as where a melody is accompanied.
    """
    logits: list[np.ndarray] = []
    severities: list[np.ndarray] = []
    chosen: list[int] = []
    for done, piece in enumerate(pieces, 1):
        most = most_events * done // len(pieces)
        music = piece.tokens.astype(np.int64)
        present = music[0] < VOCABULARY
        voices = [voice for voice in OUTER_FIRST if present[voice]]
        state = model.start(present.tolist(), [voice == voices[0] for voice in range(len(present))])
        for step, row in enumerate(music):
            if len(chosen) >= most:
                break
            place = piece.grid.at(step)
            state.begin(place)
            tokens = np.where(present, UNKNOWN, row)
            for voice in voices:
                if voice != voices[0] and row[voice] >= FIRST_PITCH:
                    known, onset = state.known(tokens.tolist())
                    context = StepContext(
                        before=tuple(rule_pitch(symbol) for symbol in state.sounding),
                        now=tuple(rule_pitch(symbol) for symbol in known),
                        onsets=tuple(bool(begins) for begins in onset),
                        strength=STRENGTH_OF_PLACE[place.place],
                        ranges=(),
                        scale=None,
                        chord=None,
                    )
                    logits.append(state.logits(voice, tokens.tolist())[FIRST_PITCH:])
                    severities.append(rule_features(context, voice, _CANDIDATES))
                    chosen.append(int(row[voice]) - FIRST_PITCH)
                tokens[voice] = row[voice]
            state.commit(row.tolist())
    if not chosen:
        return Choices(
            np.zeros((0, len(_CANDIDATES))), np.zeros((0, len(RULES), len(_CANDIDATES))), np.zeros(0, np.int64)
        )
    return Choices(np.stack(logits), np.stack(severities), np.array(chosen))
