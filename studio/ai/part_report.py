"""An explanation of parts of a score: chords and why, broken rules, and what a model found surprising, as values, as
JSON and as a page for a class."""

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from ...engine.errors import ModelError
from ...engine.score import Score
from ...models.craft.analysis import Analysis, analyse
from ...models.craft.scales import Scale
from ...models.explain import Explainer, Influence, NoteSurprise, Surprise
from ...models.part.runtime import PartModel
from ...models.provenance import Provenance
from ..instrument_input import pitch_name
from .part_plots import chord_roll
from .part_writing import WrittenPart

MOST_EXPLAINED = 5
"""Surprising notes of which it is told what mattered."""
TOLD_INFLUENCES = 3
LEAST_INFLUENCE = 0.05
"""Nats: what matters less is not told."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A surprising note, and the context notes that mattered most for it."""

    note: NoteSurprise
    because: tuple[Influence, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is to be said of a score; ``parts`` are those that the model was asked about. ``surprise`` is None and
    ``explained`` empty where no model was asked, ``provenance`` None where no AI wrote any of it."""

    score: Score
    parts: tuple[int, ...]
    analysis: Analysis
    surprise: Surprise | None = None
    explained: tuple[Explained, ...] = ()
    model: str = ""
    provenance: Provenance | None = None

    def pitch_name(self, pitch: int) -> str:
        """A MIDI pitch as it is spelled in the key, where one was found."""
        return pitch_name(pitch) if self.analysis.key is None else self.analysis.key.spell_pitch(pitch)


def explain_parts(
    score: Score,
    parts: Sequence[int],
    model: PartModel | None = None,
    *,
    compared: Sequence[int] | None = None,
    scale: Scale | None = None,
    provenance: Provenance | None = None,
    most: int = MOST_EXPLAINED,
) -> Explanation:
    """Analyse a score; with a ``model`` also tell what it thinks of ``parts`` (without a name: all with notes).

    ``compared`` are the parts between which broken rules are looked for. Raises ``ModelError``.
    """
    analysis = analyse(score, parts=compared, scale=scale)
    melodic = [index for index, part in enumerate(score.parts) if part.instrument != "percussion"]
    asked = tuple(parts) or tuple(index for index in melodic if (score.notes["part"] == index).any())
    if model is None:
        return Explanation(score, asked, analysis, provenance=provenance)
    explainer = Explainer(model, score, asked)
    surprise = explainer.surprise()
    explained = []
    for note in surprise.most(most):
        found = explainer.influences(note.part, note.onset_quarter)
        told = [one for one in found if one.nats >= LEAST_INFLUENCE][:TOLD_INFLUENCES]
        explained.append(Explained(note, tuple(told)))
    return Explanation(score, asked, analysis, surprise, tuple(explained), model.source, provenance)


def report_written(written: WrittenPart, weights: Path | None, folder: Path) -> Path:
    """Explain what was just written, into a folder; the page. Raises ``ModelError``."""
    score = written.composition.score
    parts = sorted({note.part for note in written.composition.written})
    model = PartModel.load(weights)
    return write_part_report(folder, explain_parts(score, parts, model, provenance=written.provenance))


def figures(found: Explanation) -> dict[str, Any]:
    """Everything, fit for JSON."""
    score, analysis = found.score, found.analysis
    at = {"key": analysis.key and analysis.key.name, "strength": round(analysis.strength, 3)}
    rows: dict[str, Any] = {
        **at,
        "chords": [
            {
                **place_of(score, s.place.quarter),
                "numeral": s.numeral,
                "key": s.key.name,
                "why": s.why,
                "cadence": s.cadence,
            }
            for s in analysis.chords
        ],
        "non_chord": [
            {**place_of(score, n.place.quarter), "part": n.part, "pitch": n.pitch, "kind": n.kind}
            for n in analysis.non_chord
        ],
        "breaches": [
            {**place_of(score, b.place.quarter), "rule": b.rule, "parts": list(b.parts), "words": b.words}
            for b in analysis.breaches
        ],
        "counted": analysis.counted(),
    }
    if found.surprise is not None:
        rows["surprise"] = {
            "model": found.model,
            "parts": [score.parts[part].name for part in found.parts],
            "mean_nats": round(found.surprise.mean, 3),
            "by_quarter": [
                None if math.isnan(value) else round(float(value), 3) for value in found.surprise.by_quarter
            ],
            "notes": [
                {**place_of(score, n.onset_quarter), "part": n.part, "pitch": n.pitch, "nats": round(n.nats, 3)}
                for n in found.surprise.notes
            ],
            "explained": [
                {
                    "words": words_of(found, one),
                    **place_of(score, one.note.onset_quarter),
                    "part": one.note.part,
                    "pitch": one.note.pitch,
                    "nats": round(one.note.nats, 3),
                    "because": [
                        {**place_of(score, i.onset_quarter), "part": i.part, "pitch": i.pitch, "nats": round(i.nats, 3)}
                        for i in one.because
                    ],
                }
                for one in found.explained
            ],
        }
    if found.provenance is not None:
        rows["provenance"] = found.provenance.fields()
    return rows


def words_of(found: Explanation, one: Explained) -> str:
    """A surprising note in a sentence."""
    note, score = one.note, found.score
    text = (
        f"{_where(score, note.onset_quarter)}: {score.parts[note.part].name} plays "
        f"{found.pitch_name(note.pitch)}, {note.nats:.1f} nats"
    )
    if note.expected is not None:
        expected = found.pitch_name(note.expected)
        text += f"; {expected} was likelier ({100 * note.odds:.0f} %)"
    chord = found.analysis.at(note.onset_quarter)
    if chord is not None:
        text += f"; over {chord.numeral}"
    if one.because:
        names = [
            f"{score.parts[i.part].name}'s {found.pitch_name(i.pitch)} in {_where(score, i.onset_quarter)} "
            f"(+{i.nats:.1f})"
            for i in one.because
        ]
        text += f"; spoke for it: {', '.join(names)}"
    return text


def write_part_report(folder: Path, found: Explanation) -> Path:
    """``explain.json`` and ``explain.html``, one file with its picture inside. Raises ``ModelError``."""
    numbers = figures(found)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tutti.studio", "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template("explain.html").render(
        title=found.score.title or "Untitled",
        composer=found.score.composer,
        numbers=numbers,
        roll=base64.b64encode(chord_roll(found.score, found.analysis, found.surprise, found.parts)).decode(),
        copied=numbers.get("provenance", {}).get("ai-longest-shared-run", ""),
        warned=found.provenance is not None and _warned(found.provenance),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "explain.json").write_text(json.dumps(numbers, indent=1, ensure_ascii=False), encoding="utf-8")
        (folder / "explain.html").write_text(page, encoding="utf-8")
    except OSError as error:
        raise ModelError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from error
    return folder / "explain.html"


def _warned(provenance: Provenance) -> bool:
    if provenance.copied is not None:
        return provenance.copied.suspicious
    return "longer than" in provenance.checked


def _row(score: Score, quarter: float) -> Any:
    index = max(0, int(np.searchsorted(score.beats["quarter"], quarter + 1e-6)) - 1)
    return score.beats[index]


def place_of(score: Score, quarter: float) -> dict[str, Any]:
    """Score time, printed measure and beat, fit for JSON."""
    row = _row(score, quarter)
    return {
        "quarter": round(float(quarter), 4),
        "measure": str(score.measures["number"][row["measure"]]),
        "beat": int(row["beat"]),
    }


def _where(score: Score, quarter: float) -> str:
    place = place_of(score, quarter)
    return f"measure {place['measure']}, beat {place['beat']}"
