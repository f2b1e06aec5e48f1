"""``tutti part by-rules``: a melody harmonised without a network."""

from pathlib import Path
from typing import Annotated

import typer

from .options import ScoreArgument, SeedOption, console, counted, say


def by_rules(
    score: ScoreArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="MusicXML (.musicxml) or MIDI (.mid) to write.")],
    part: Annotated[str, typer.Option("--part", help="The melody; else the highest part.")] = "",
    key: Annotated[str | None, typer.Option(help='Its key, such as "G major"; found without it.')] = None,
    tradition: Annotated[str | None, typer.Option(help="A scale: raga-desh:D (tutti part traditions).")] = None,
    without_rule: Annotated[
        list[str] | None, typer.Option("--without-rule", help="Turn a rule off (tutti part rules).")
    ] = None,
    figuration: Annotated[float, typer.Option(help="How much moves between beats.", min=0.0, max=1.0)] = 0.5,
    seed: SeedOption = 0,
) -> None:
    """Alto, tenor and bass under a melody by the rules of harmony alone: to compare with what networks answer."""
    from ...engine.outputs import check_file
    from ...models.craft.keys import key_named
    from ..ai.rule_writing import RuleRequest, write_by_rules

    check_file(out)
    answer = write_by_rules(
        RuleRequest(
            score,
            out,
            part,
            None if key is None else key_named(key),
            tradition,
            tuple(without_rule or ()),
            seed,
            figuration,
        )
    )
    files = ", ".join(str(path) for path in answer.files)
    say(f"{files}: {counted(answer.provenance.notes, 'note')} by rules in {', '.join(answer.provenance.parts)}")
    if tradition is not None:
        console.print(f"{answer.foreign} of them out of the scale")
