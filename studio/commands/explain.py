"""``tutti part explain``: what happens in a score, in words."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from ...engine.errors import ModelError
from .options import JsonOption, ScoreArgument, console, names, print_json, say

if TYPE_CHECKING:
    from ...engine.score import Score
    from ...models.provenance import Provenance
    from ..ai.part_report import Explanation


def explain(
    score: ScoreArgument,
    parts: Annotated[str, typer.Option("--parts", help="Parts to compare, separated by commas; else all.")] = "",
    tradition: Annotated[str | None, typer.Option(help="Count notes out of this scale, e.g. raga-desh:D.")] = None,
    surprise: Annotated[
        bool, typer.Option("--surprise", help="Also how surprising each note is to the AI player, and why.")
    ] = False,
    weights: Annotated[Path | None, typer.Option(help="Weights of your own (.safetensors), to ask those.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write it as a page, with surprise, into this folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Keys, chords with their reasons, cadences, notes outside the chords, broken rules; and what surprises the AI."""
    from ...engine.notation.score_cache import open_score
    from ...engine.outputs import check_folder
    from ...models.craft.traditions import tradition as tradition_named
    from ...models.part.runtime import PartModel
    from ..ai.part_report import explain_parts, figures, write_part_report
    from ..ensemble_setup import parts_named

    scale = None if tradition is None else tradition_named(tradition).scale()
    if report is not None:
        check_folder(report)
    read = open_score(score)
    if not len(read.pitched_notes()):
        raise ModelError(f"{read.title} has no notes with a pitch: there is nothing to explain")
    named = parts_named(read, names(parts))
    provenance, by_ai = _provenance(score, read)
    model = PartModel.load(weights) if surprise or report is not None else None
    asked = named or by_ai
    found = explain_parts(read, asked, model, compared=named or None, scale=scale, provenance=provenance)
    if report is not None:
        page = write_part_report(report, found)
        if not as_json:
            say(f"{page}")
    if as_json:
        print_json(figures(found))
    else:
        _say(found)


def _provenance(source: str, score: "Score") -> "tuple[Provenance | None, tuple[int, ...]]":
    """Who wrote the AI notes of a file, and in which parts; nothing where no AI did."""
    from ..ai.ai_files import ai_parts, provenance_in

    path = Path(source)
    found = provenance_in(path) if path.is_file() else None
    return found, () if found is None else ai_parts(score, found)


def _say(found: "Explanation") -> None:
    from ..ai.part_report import words_of

    analysis = found.analysis
    key = "" if analysis.key is None else f": {analysis.key.name}"
    console.print(f"{found.score.title}{key}", highlight=False)
    table = Table("Bar", "Beat", "Chord", "Why", show_edge=False)
    if found.surprise is not None:
        table.add_column("Nats a decision", justify="right")
    for span in analysis.chords:
        ends = (f" – {span.cadence}" if span.cadence else "", "bold")
        other = "" if span.key == analysis.key else f" in {span.key.name}"
        why = Text.assemble(span.why.split(": ", 1)[1], ends)
        row: list[str | Text] = [span.place.measure, str(span.place.beat), span.numeral + other, why]
        if found.surprise is not None:
            row.append(
                f"{found.surprise.by_quarter[min(int(span.place.quarter), len(found.surprise.by_quarter) - 1)]:.2f}"
            )
        table.add_row(*row)
    console.print(table if analysis.chords else "no chords: nowhere do enough notes sound together to make one")
    for line in [note.words for note in analysis.non_chord] + [breach.words for breach in analysis.breaches]:
        console.print(line, highlight=False)
    if found.surprise is not None:
        console.print(f"\nWhat surprised {found.model} most ({found.surprise.mean:.2f} nats a note on average):")
        for one in found.explained:
            console.print(words_of(found, one), highlight=False)
