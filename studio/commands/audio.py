"""``tutti audio``: the sound outputs of this machine."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

audio_outputs = typer.Typer(help="Sound outputs.", no_args_is_help=True)


@audio_outputs.callback()
def _group() -> None:
    """Sound outputs."""


@audio_outputs.command("list")
def audio_list(as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False) -> None:
    """The outputs that --audio can name: JACK where its server runs, and what the system has."""
    from ...engine.audio.sound_outputs import list_outputs

    outputs = list_outputs()
    if as_json:
        rows = [
            {"number": o.index, "name": o.name, "rate_hz": o.rate_hz, "block": o.block, "default": o.is_default}
            for o in outputs
        ]
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    console = Console(markup=False)
    if not outputs:
        console.print("No sound output: the page plays the sound.")
        return
    table = Table(show_edge=False)
    for column in ("", "Number", "Name", "Rate (Hz)"):
        table.add_column(column)
    for output in outputs:
        number = "" if output.index is None else str(output.index)
        table.add_row(Text("▶" if output.is_default else "", "green"), number, output.name, str(output.rate_hz))
    console.print(table)
