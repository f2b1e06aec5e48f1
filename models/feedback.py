"""What a verdict or an edit says about AI notes: which arms of the controls it is an opinion on.

What a learner hears counts, not only what was asked for: where density or register were left to the model, they are
measured in the notes that the AI wrote.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..engine.errors import ModelError
from ..engine.score import Score
from ..engine.types import ScoreNote
from .preference import OPEN, Opinion, arm_of, arms_of_controls
from .voice_groups import comfortable_range

HEARD_WEIGHT = 0.5
"""How much the heard density and register count where they were not asked for."""
_REACH = 0.67
"""Register is counted within the lower two thirds of a range, as a ``Wish`` is."""


@dataclass(frozen=True, slots=True)
class Edit:
    """How an edited version differs: how many AI notes were ``kept``, ``repitched`` or ``relengthened`` in place, or
    ``removed``, and how many notes were ``added`` in their parts."""

    kept: int
    repitched: int
    relengthened: int
    removed: int
    added: int

    @property
    def changed_share(self) -> float:
        """Changed, removed and added notes of all that are in one version or the other (0–1)."""
        changed = self.repitched + self.relengthened + self.removed + self.added
        return changed / max(1, changed + self.kept)


def heard_controls(score: Score, notes: Sequence[ScoreNote]) -> dict[str, float]:
    """Density (onsets per quarter of a part) and register (−1 – 1) of some notes of a score; none without notes."""
    if not notes:
        return {}
    parts = sorted({note.part for note in notes})
    start = min(note.onset_quarter for note in notes)
    end = max(note.onset_quarter + note.duration_quarter for note in notes)
    onsets = len({(note.part, note.onset_quarter) for note in notes})
    places = []
    for part in parts:
        low, highest = comfortable_range(score.parts[part].instrument)
        high = low + _REACH * (highest - low)
        pitch = float(np.mean([note.pitch for note in notes if note.part == part]))
        places.append((pitch - (low + high) / 2) / max(1.0, 0.4 * (high - low)))
    return {
        "density": onsets / max(0.25, end - start) / len(parts),
        "register": float(np.clip(np.mean(places), -1.0, 1.0)),
    }


def opinions_of_verdict(controls: Mapping[str, str], heard: Mapping[str, float], liked: bool) -> list[Opinion]:
    """The opinions that a like or a dislike stands for: on what was asked for, and half on what was heard."""
    arms = arms_of_controls(controls)
    opinions = [Opinion(arms, float(liked))]
    extra = {name: arm_of(name, value) for name, value in heard.items() if arms.get(name, OPEN) == OPEN}
    if extra:
        opinions.append(Opinion(extra, float(liked), HEARD_WEIGHT))
    return opinions


def opinions_of_edit(before: Mapping[str, float], after: Mapping[str, float], edit: Edit) -> list[Opinion]:
    """An edit likes what it made and dislikes what it found, as far as they differ, by the share of notes changed."""
    opinions = []
    for name in before.keys() & after.keys():
        was, now = arm_of(name, before[name]), arm_of(name, after[name])
        if was != now:
            opinions.append(Opinion({name: now}, 1.0, edit.changed_share))
            opinions.append(Opinion({name: was}, 0.0, edit.changed_share))
    return opinions


def compare_edit(before: Sequence[ScoreNote], after: Sequence[ScoreNote]) -> Edit:
    """What was changed between two versions of the AI's parts. Raises ``ModelError`` without AI notes."""
    if not before:
        raise ModelError("the original has no AI notes: there is nothing that was edited")
    left = {_key(note): note for note in before}
    right = {_key(note): note for note in after}
    kept = relengthened = 0
    for key in left.keys() & right.keys():
        same = abs(left[key].duration_quarter - right[key].duration_quarter) < 0.02
        kept, relengthened = kept + same, relengthened + (not same)
    gone = {key[:2] for key in left.keys() - right.keys()}
    new = {key[:2] for key in right.keys() - left.keys()}
    repitched = len(gone & new)
    return Edit(kept, repitched, relengthened, len(gone) - repitched, len(new) - repitched)


def _key(note: ScoreNote) -> tuple[int, float, int]:
    return note.part, round(note.onset_quarter, 3), note.pitch
