"""Free playing: empty bars instead of a score, a learner, and an AI that answers or accompanies.

The bars, the beat and the AI's parts are a score like any other, so that everything else (page, hall, recording,
replay) is as it is with a written one. The tempo is a steady virtual conductor's, or whoever conducts.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from ...engine.conducting.tracking import write_take
from ...engine.conducting.virtual_conductor import conduct
from ...engine.errors import ModelError
from ...engine.score import Score
from ...models.score_shapes import blank_score, new_part, with_parts
from ...models.wish import Wish
from ..instrument_input import instrument_named
from .ai_choice import AiChoice
from .part_files import write_musicxml

Mode = Literal["answer", "accompany"]
BAND: dict[Mode, tuple[str, ...]] = {
    "answer": ("clarinet", "viola", "cello"),
    "accompany": ("violin", "violin", "viola", "cello"),
}
"""Who plays if nobody is named; in call and response the first answers and the others accompany."""
TURN_BARS = 2
LONGEST_BARS = 999


@dataclass(frozen=True, slots=True)
class JamChoice:
    """``metre`` like ``4/4`` or ``7/8``; ``bpm`` quarters a minute; ``conducted``: a person beats, else a steady hand.
    ``instruments`` are the AI's, by name; ``turn_bars`` the length of a call in ``answer``; ``weights`` are the AI
    player's (None: those that ship)."""

    mode: Mode = "answer"
    instruments: tuple[str, ...] = ()
    metre: str = "4/4"
    bpm: float = 92.0
    bars: int = 96
    turn_bars: int = TURN_BARS
    conducted: bool = False
    wait_for_cue: bool = False
    wish: Wish = field(default_factory=Wish)
    weights: Path | None = None

    @property
    def ai(self) -> AiChoice:
        return AiChoice(self.wish, self.turn_bars if self.mode == "answer" else 0, self.wait_for_cue, self.weights)


@dataclass(frozen=True, slots=True)
class JamFiles:
    """What a studio opens: the empty score, the take of the steady hand (None: a person conducts), the AI's parts."""

    score: Path
    take: Path | None
    ai_parts: tuple[str, ...]


def jam_score(choice: JamChoice) -> Score:
    """The empty bars. Raises ``ModelError`` for a metre or a tempo that nobody can beat."""
    numerator, denominator = metre_named(choice.metre)
    if not 20.0 <= choice.bpm <= 300.0:
        raise ModelError(f"{choice.bpm:g} quarters a minute: choose 20 to 300")
    if not 2 <= choice.bars <= LONGEST_BARS:
        raise ModelError(f"{choice.bars} bars: choose 2 to {LONGEST_BARS}")
    keys = [instrument_named(name).key for name in choice.instruments] or list(BAND[choice.mode])
    empty = blank_score("Free playing", (), choice.bars, numerator, denominator, choice.bpm)
    return with_parts(empty, [new_part(key) for key in keys])


def metre_named(text: str) -> tuple[int, int]:
    """``4/4``. Raises ``ModelError``."""
    above, _, below = text.partition("/")
    if above.isdigit() and below.isdigit() and 1 <= int(above) <= 32 and int(below) in (1, 2, 4, 8, 16):
        return int(above), int(below)
    raise ModelError(f"no metre {text!r}: say it like 4/4, 3/4 or 7/8")


def prepare_jam(choice: JamChoice, folder: Path, seed: int = 0) -> JamFiles:
    """Write what a studio opens into ``folder``. Raises ``ModelError``."""
    score = jam_score(choice)
    path = folder / "free playing.musicxml"
    write_musicxml(path, score, ())
    names = tuple(part.name for part in score.parts)
    if choice.conducted:
        return JamFiles(path, None, names)
    quarters = np.append(score.beats["quarter"].astype(float), score.end_quarter)
    steady = conduct(score, (quarters, 2.0 + quarters * 60.0 / choice.bpm), seed=seed, noise_m=0.0)
    take = folder / "steady.csv"
    write_take(take, steady)
    return JamFiles(path, take, names)
