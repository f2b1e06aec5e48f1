"""``tutti part explain``: what happens in a score, in words."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from .cli_options import JsonOption, ScoreArgument, console, names, print_json

if TYPE_CHECKING:
    from ..models.analysis import Analysis, Place


def explain(
    score: ScoreArgument,
    parts: Annotated[str, typer.Option("--parts", help="Parts to compare, separated by commas; else all.")] = "",
    tradition: Annotated[str | None, typer.Option(help="Count notes out of this scale, e.g. raga-desh:D.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Keys, chords with their reasons, cadences, notes outside the chords, and broken rules of part-writing."""
    from ..engine.notation.score_cache import open_score
    from ..models.analysis import analyse
    from ..models.traditions import tradition as tradition_named
    from .ensemble_setup import parts_named

    read = open_score(score)
    scale = None if tradition is None else tradition_named(tradition).scale()
    found = analyse(read, parts=parts_named(read, names(parts)) or None, scale=scale)
    if as_json:
        print_json(_as_json(found))
        return
    console.print(f"{read.title}: {found.key.name}", highlight=False)
    table = Table("Bar", "Beat", "Chord", "Why", show_edge=False)
    for span in found.chords:
        ends = f" – [bold]{span.cadence}[/]" if span.cadence else ""
        key = "" if span.key == found.key else f" in {span.key.name}"
        table.add_row(span.place.measure, str(span.place.beat), span.numeral + key, span.why.split(": ", 1)[1] + ends)
    console.print(table)
    for line in [note.words for note in found.non_chord] + [breach.words for breach in found.breaches]:
        console.print(line, highlight=False)


def _at(place: "Place") -> dict[str, object]:
    return {"quarter": place.quarter, "measure": place.measure, "beat": place.beat}


def _as_json(found: "Analysis") -> dict[str, object]:
    return {
        "key": found.key.name,
        "strength": round(found.strength, 3),
        "chords": [
            {**_at(s.place), "numeral": s.numeral, "key": s.key.name, "why": s.why, "cadence": s.cadence}
            for s in found.chords
        ],
        "non_chord": [{**_at(n.place), "part": n.part, "pitch": n.pitch, "kind": n.kind} for n in found.non_chord],
        "breaches": [
            {**_at(b.place), "rule": b.rule, "parts": list(b.parts), "words": b.words} for b in found.breaches
        ],
        "counted": found.counted(),
    }
