"""The command line. Every command is a thin reader of options over a function that returns values.

Exit status: 0 done, 1 failed with a one-line reason on stderr, 2 wrong usage.
"""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table
from rich.text import Text

from ..engine.errors import TuttiError
from .commands.audio import audio_outputs
from .commands.compare import compare
from .commands.explain import explain
from .commands.jam import jam
from .commands.learner import dislike, edited, learner, like
from .commands.library import scores, sounds
from .commands.onnx import onnx
from .commands.options import JsonOption, console, print_json
from .commands.part import part
from .commands.perform import concert, export, render, seats, take
from .commands.play import play, replay, serve
from .commands.profiles import calibrate, profiles
from .commands.rules import by_rules
from .commands.traditions import traditions
from .commands.train import train, train_gesture

app = typer.Typer(
    help="Tutti: a virtual orchestra that follows your conducting.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (play, jam, serve, render, concert, take, seats, replay, export, calibrate, train):
    app.command()(command)
app.command("train-gesture")(train_gesture)
app.add_typer(scores, name="scores")
app.add_typer(sounds, name="sounds")
part.command("traditions")(traditions)
part.command("explain")(explain)
part.command("by-rules")(by_rules)
part.command("compare")(compare)
part.command("onnx")(onnx)
for opinion in (like, dislike, edited):
    part.command()(opinion)
app.add_typer(part, name="part")
app.add_typer(learner, name="learner")
app.add_typer(profiles, name="profiles")
app.add_typer(audio_outputs, name="audio")


def main() -> None:
    """Entry point: errors made on purpose become one line on stderr."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=Console(stderr=True), show_path=False)],
    )
    try:
        app()
    except TuttiError as error:
        print(f"tutti: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.strerror is None:
            raise
        print(f"tutti: {f'{error.filename}: ' if error.filename else ''}{error.strerror}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("tutti: stopped", file=sys.stderr)
        sys.exit(1)


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        from .app import StudioOptions, run_studio

        run_studio(StudioOptions())


@app.command()
def certificate(
    export: Annotated[Path | None, typer.Option(help="Write the authority's certificate (DER) to this file.")] = None,
    renew: Annotated[bool, typer.Option("--renew", help="Make a new authority; devices must trust it anew.")] = False,
    as_json: JsonOption = False,
) -> None:
    """The studio's own certificate authority: its fingerprint, and how devices learn to trust it."""
    from .relay.certificates import describe, ensure_certificate, export_authority, renew_authority

    made = renew_authority() if renew else ensure_certificate()
    if export is not None:
        export_authority(made, export)
    print_json(made.as_json()) if as_json else console.print(describe(made), highlight=False, soft_wrap=True)


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """List what works on this machine, and what to install for the rest."""
    from .doctor import examine

    findings = examine()
    if as_json:
        print_json([{"what": f.what, "works": f.works, "detail": f.detail, "advice": f.advice} for f in findings])
        return
    table = Table(show_edge=False)
    for column in ("", "What", "Found", "What to do"):
        table.add_column(column)
    for finding in findings:
        mark = Text("✓", "green") if finding.works else Text("–", "yellow")
        table.add_row(mark, finding.what, finding.detail, finding.advice)
    console.print(table)


@app.command(context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True})
def bench(
    name: Annotated[str | None, typer.Argument(help="Which benchmark; without one, the list.")] = None,
    arguments: Annotated[list[str] | None, typer.Argument(help="Passed to the benchmark.")] = None,
) -> None:
    """Run a benchmark of this repository; each prints ratios against a peer or a limit."""
    from .bench import available, run

    if name is None:
        for key, purpose in available().items():
            console.print(Text.assemble((f"{key:<18}", "bold"), f" {purpose}"))
        return
    sys.exit(run(name, arguments or []))
