"""What happens in the music, told while it plays: the chords and why, and how surprising an AI's notes were.

A score that is played as it is written is analysed at once, so that chords can be told ahead. Where an AI or a learner
plays, what was heard is analysed beat by beat, and an AI's bar explained when it is over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...engine.errors import ModelError
from ...engine.score import Part, Score
from ...engine.types import ScoreNote
from ...models.craft.analysis import Analysis, analyse
from ...models.explain import Explainer, NoteSurprise
from ...models.part.runtime import PartModel
from ...models.score_shapes import bars_of, with_notes
from ..relay.protocol_commentary import ChordInfo, Harmony, InfluenceInfo, SurpriseInfo, Surprises
from ..relay.session_info import clip_text

BARS_BEFORE, BARS_AHEAD = 2, 8
"""What of a written score is told around the bar that is played."""
HEARD_BARS = 8
"""So many bars before are analysed with what is heard."""
CONTEXT_BARS = 4
"""So many bars before an explained one are heard by the model."""
EXPLAINED, LEAST_NATS = 2, 1.0
"""Notes of a bar of which it is told what spoke for them, and how surprising those must be."""
CONTEXT_QUARTERS = 2.0
TOLD_INFLUENCES = 3
LEAST_INFLUENCE = 0.05
LEARNER = "You"


@dataclass(frozen=True, slots=True)
class CommentaryPlan:
    """``ai_parts`` are an AI's (whose notes are heard, not read), ``author`` says who that is, in words; ``listens``:
    a learner plays beside the score. ``soloist`` names the part that is accompanied, empty where none is."""

    ai_parts: frozenset[int] = frozenset()
    author: str = ""
    listens: bool = False
    soloist: str = ""

    @property
    def heard(self) -> bool:
        """Whether anything is played that is not in the score."""
        return bool(self.ai_parts) or self.listens


Told = Harmony | Surprises


class Commentator:
    """Makes messages of what was heard. Not thread-safe."""

    def __init__(self, score: Score, plan: CommentaryPlan, model: PartModel | None = None) -> None:
        """``model`` explains the AI's notes; without one they are not explained."""
        parts = (*score.parts, Part(LEARNER, LEARNER, "violin", 0)) if plan.listens else score.parts
        self._score = replace(score, parts=parts)
        self._plan, self._model = plan, model
        self._heard: dict[tuple[int, float, int], ScoreNote] = {}
        self._whole = None if plan.heard else analyse(score)
        self._bar = -1
        self._quarter = -np.inf

    def hear(self, notes: Iterable[ScoreNote]) -> None:
        """Notes of the AI's parts and the learner's (the part after the last), in score time; the newest counts."""
        for note in notes:
            self._heard[note.part, round(note.onset_quarter, 4), note.pitch] = note

    def at(self, quarter: float) -> list[Told]:
        """The playhead is at a beat; everything before it was heard. What there is to tell."""
        if quarter < self._quarter - 1e-6:  # the music went back: what comes is played anew
            self._heard = {key: note for key, note in self._heard.items() if note.onset_quarter < quarter - 1e-6}
            self._bar = -1
        self._quarter = quarter
        before, self._bar = self._bar, self._score.measure_at(quarter)
        if not self._plan.heard:
            return [self._written(self._whole)] if self._whole is not None and before != self._bar else []
        told: list[Told] = []
        harmony = self._heard_harmony(quarter)
        if harmony is not None:
            told.append(harmony)
        if self._model is not None and 0 <= before == self._bar - 1:
            surprises = self._surprises(self._model, before)
            if surprises is not None:
                told.append(surprises)
        return told

    def end(self) -> list[Told]:
        """The music is over: the last bar is told of."""
        if self._model is None or self._bar < 0 or not self._plan.heard:
            return []
        surprises = self._surprises(self._model, self._bar)
        return [] if surprises is None else [surprises]

    def _written(self, whole: Analysis) -> Harmony:
        starts = self._score.measures["start_quarter"]
        first, last = max(0, self._bar - BARS_BEFORE), min(len(starts) - 1, self._bar + BARS_AHEAD)
        ends = float(starts[last] + self._score.measures["duration_quarter"][last])
        return _harmony(whole, 0.0, float(starts[first]), ends)

    def _heard_harmony(self, quarter: float) -> Harmony | None:
        """Chords of the bar before and this one, up to ``quarter``."""
        last = self._score.measure_at(max(0.0, quarter - 1e-3))
        first = max(0, last - HEARD_BARS + 1)
        excerpt, start = self._excerpt(first, last, quarter)
        if not len(excerpt.notes):
            return None
        told_from = float(self._score.measures["start_quarter"][max(first, last - 1)])
        return _harmony(analyse(excerpt), start, told_from, quarter)

    def _surprises(self, model: PartModel, bar: int) -> Surprises | None:
        """An AI's notes of a bar, explained."""
        first = max(0, bar - CONTEXT_BARS)
        row = self._score.measures[bar]
        begin, end = float(row["start_quarter"]), float(row["start_quarter"] + row["duration_quarter"])
        excerpt, start = self._excerpt(first, bar, end)
        sounding = set(excerpt.notes["part"].tolist())
        asked = [part for part in sorted(self._plan.ai_parts) if part in sounding]
        if not asked:
            return None
        try:
            explainer = Explainer(model, excerpt, asked)
        except ModelError:  # parts that this model does not read, such as drums alone
            return None
        notes = [note for note in explainer.surprise().notes if begin <= note.onset_quarter + start < end]
        if not notes:
            return None
        boldest = sorted(notes, key=lambda note: -note.nats)[:EXPLAINED]
        asking = [note for note in boldest if note.nats >= LEAST_NATS]
        return Surprises(
            author=clip_text(self._plan.author),
            measure=str(row["number"]),
            from_quarter=begin,
            to_quarter=end,
            notes=tuple(_surprise(explainer, note, start, note in asking) for note in notes),
        )

    def _excerpt(self, first: int, last: int, until_quarter: float) -> tuple[Score, float]:
        """Bars of what was played so far, and where they begin in the score."""
        bars = self._score.measures
        start = float(bars["start_quarter"][first])
        written = [
            note
            for note in self._score.notes_between(start, until_quarter)
            if note.part not in self._plan.ai_parts and note.onset_quarter < until_quarter - 1e-6
        ]
        heard = [note for note in self._heard.values() if start <= note.onset_quarter < until_quarter - 1e-6]
        return bars_of(with_notes(self._score, [*written, *heard]), first, last), start


def _harmony(analysis: Analysis, shift: float, begin: float, end: float) -> Harmony:
    chords = tuple(
        ChordInfo(
            quarter=span.place.quarter + shift,
            end_quarter=span.end_quarter + shift,
            measure=clip_text(span.place.measure),
            beat=min(255, span.place.beat),
            numeral=clip_text(span.numeral),
            key=clip_text(span.key.name),
            why=span.why.split(": ", 1)[-1],
            cadence=clip_text(span.cadence or ""),
        )
        for span in analysis.chords
        if span.end_quarter + shift > begin + 1e-6 and span.place.quarter + shift < end - 1e-6
    )
    return Harmony(from_quarter=begin, to_quarter=end, chords=chords)


def _surprise(explainer: Explainer, note: NoteSurprise, shift: float, asking: bool) -> SurpriseInfo:
    because: Sequence[InfluenceInfo] = ()
    if asking:
        found = explainer.influences(note.part, note.onset_quarter, CONTEXT_QUARTERS)
        because = [
            InfluenceInfo(part=one.part, quarter=one.onset_quarter + shift, pitch=one.pitch, nats=one.nats)
            for one in found
            if one.nats >= LEAST_INFLUENCE
        ]
    return SurpriseInfo(
        part=note.part,
        quarter=note.onset_quarter + shift,
        pitch=note.pitch,
        nats=note.nats,
        expected=note.expected or 0,
        odds=note.odds,
        because=tuple(because[:TOLD_INFLUENCES]),
    )
