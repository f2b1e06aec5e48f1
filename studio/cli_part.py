"""``tutti part``: AI parts, offline."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_options import AiOption, ScoreArgument, SeedOption, console, names

part = typer.Typer(help="AI parts, offline.", no_args_is_help=True)


@part.callback()
def _group() -> None:
    """AI parts, offline."""


@part.command("harmonise")
def part_harmonise(
    score: ScoreArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="MusicXML (.musicxml) or MIDI (.mid) to write.")],
    parts: AiOption = "",
    seed: SeedOption = 0,
    weights: Annotated[Path | None, typer.Option(help="Weights of your own (.safetensors).")] = None,
) -> None:
    """Let the AI player answer a melody: its parts are written anew, or three are added under a lone melody."""
    from .part_writing import harmonise

    written = harmonise(score, out, names(parts), seed, weights)
    console.print(f"{out}: {written.notes} notes by {written.model} in {', '.join(written.parts)}")
