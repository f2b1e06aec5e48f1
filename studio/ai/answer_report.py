"""What a performance's report says of its AI parts: whose each note is, how surprising it was, which bars surprised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.score import Score
from ...engine.types import ScoreNote
from ...models.explain import NoteSurprise
from ...models.part.runtime import PartModel
from ...models.provenance import Provenance
from ...models.score_shapes import with_notes
from ..performance_log import PlayedNote
from .ai_record import AI
from .part_plots import chord_roll
from .part_report import Explanation, explain_parts, place_of, words_of

MOST_BARS = 8
"""Surprising bars that are listed."""


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """The AI's notes of a performance: ``notes`` as they were played, ``found`` what the model makes of them."""

    found: Explanation
    notes: tuple[PlayedNote, ...]

    @property
    def roll(self) -> bytes:
        """A PNG: the AI's notes coloured by surprise, the others grey, chords above."""
        return chord_roll(self.found.score, self.found.analysis, self.found.surprise, self.found.parts)


def report_answers(
    score: Score,
    answered: Sequence[ScoreNote],
    played: Sequence[PlayedNote],
    facts: Mapping[str, str],
    weights: Path | None = None,
) -> AnswerReport | None:
    """Explain the AI's notes among ``answered`` (a score as it was played, ``ai_record.answered_score``) by the model
    of ``weights`` (else that which ships); None where it played none. ``facts`` are the provenance's.

    Raises ``ModelError``.
    """
    notes = tuple(note for note in played if note.source.startswith(AI) and note.part < len(score.parts))
    parts = sorted({note.part for note in answered if note.source.startswith(AI)})
    if not notes or not parts:
        return None
    whole = _until_last(with_notes(score, answered))
    provenance = Provenance.of_fields(facts)
    return AnswerReport(
        explain_parts(whole, parts, PartModel.load(weights), compared=parts, provenance=provenance), notes
    )


def answer_figures(report: AnswerReport) -> dict[str, Any]:
    """Everything, fit for JSON: the parts, each note with its author and surprise, the bars that surprised most."""
    found, score = report.found, report.found.score
    assert found.surprise is not None
    nats = {_key(note.part, note.onset_quarter, note.pitch): note for note in found.surprise.notes}
    rows = []
    for note in report.notes:
        surprise = nats.get(_key(note.part, note.quarter, note.pitch))
        rows.append(
            {
                **place_of(score, note.quarter),
                "time_s": round(note.onset_s, 3),
                "part": score.parts[note.part].name,
                "pitch": note.pitch,
                "name": found.pitch_name(note.pitch),
                "source": note.source,
                "nats": None if surprise is None else round(surprise.nats, 2),
            }
        )
    return {
        "model": found.model,
        "parts": [
            {"name": score.parts[part].name, "notes": sum(note.part == part for note in report.notes)}
            for part in found.parts
        ],
        "mean_nats": round(found.surprise.mean, 3),
        "bars": surprising_bars(found),
        "explained": [words_of(found, one) for one in found.explained],
        "notes": rows,
    }


def surprising_bars(found: Explanation, most: int = MOST_BARS) -> list[dict[str, Any]]:
    """The bars whose notes surprised most on average: number, mean nats a note, the chords in it and its notes."""
    score = found.score
    assert found.surprise is not None
    by_bar: dict[int, list[NoteSurprise]] = {}
    for note in found.surprise.notes:
        by_bar.setdefault(score.measure_at(note.onset_quarter), []).append(note)
    means = {bar: float(np.mean([note.nats for note in notes])) for bar, notes in by_bar.items()}
    rows = []
    for bar in sorted(means, key=lambda bar: -means[bar])[:most]:
        start = float(score.measures[bar]["start_quarter"])
        end = start + float(score.measures[bar]["duration_quarter"])
        chords = [span.numeral for span in found.analysis.chords if start <= span.place.quarter < end]
        boldest = max(by_bar[bar], key=lambda note: note.nats)
        rows.append(
            {
                "measure": str(score.measures["number"][bar]),
                "nats": round(means[bar], 2),
                "notes": len(by_bar[bar]),
                "chords": " ".join(chords),
                "boldest": f"{score.parts[boldest.part].name}: {found.pitch_name(boldest.pitch)} ({boldest.nats:.1f})",
            }
        )
    return rows


def _key(part: int, quarter: float, pitch: int) -> tuple[int, int, int]:
    return part, round(quarter * 48), pitch


def _until_last(score: Score) -> Score:
    """The score up to the last bar that has a note."""
    last = score.measure_at(float(score.notes["onset_quarter"].max()))
    return replace(score, measures=score.measures[: last + 1], beats=score.beats[score.beats["measure"] <= last])
