"""The command line. Every command is a thin reader of options over a function that returns values.

Exit status: 0 done, 1 failed with a one-line reason on stderr, 2 wrong usage.
"""

import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from ..engine.errors import TuttiError
from ..engine.processes import log_for_people, signals_held
from .commands.audio import audio_outputs
from .commands.compare import compare
from .commands.explain import explain
from .commands.jam import jam
from .commands.learner import dislike, edited, learner, like
from .commands.library import scores, sounds
from .commands.onnx import onnx
from .commands.options import JsonOption, console, print_json, say
from .commands.part import part
from .commands.perform import concert, export, render, seats, take
from .commands.play import play, replay, serve
from .commands.profiles import calibrate, profiles
from .commands.rules import by_rules
from .commands.traditions import traditions
from .commands.train import train, train_gesture


class _Commands(TyperGroup):
    """Typer's own answer to Ctrl-C is status 130 without a word in some versions, and "Aborted!" in others."""

    def make_context(self, *words: Any, **extra: Any) -> Any:
        try:
            return super().make_context(*words, **extra)
        except KeyboardInterrupt:
            raise TuttiError("stopped") from None

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise TuttiError("stopped") from None


app = typer.Typer(
    cls=_Commands,
    help="Tutti: a virtual orchestra that follows your conducting. Without a command it opens the studio (tutti play).",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)
PLAY, WRITE, AI, HOUSE, MAKERS = "Play", "Perform and keep", "AI parts", "This house", "For developers"

for panel, commands in (
    (PLAY, (play, serve, jam, replay, calibrate)),
    (WRITE, (concert, render, export, take, seats)),
):
    for command in commands:
        app.command(command.__name__.replace("_", "-"), rich_help_panel=panel)(command)
for name, group, panel in (
    ("scores", scores, HOUSE),
    ("sounds", sounds, HOUSE),
    ("audio", audio_outputs, HOUSE),
    ("profiles", profiles, HOUSE),
    ("part", part, AI),
    ("learner", learner, AI),
):
    app.add_typer(group, name=name, rich_help_panel=panel)
part.command("traditions")(traditions)
part.command("explain")(explain)
part.command("by-rules")(by_rules)
part.command("compare")(compare)
part.command("onnx")(onnx)
for opinion in (like, dislike, edited):
    part.command()(opinion)


def main() -> None:
    """Entry point: errors made on purpose become one line on stderr."""
    handler = RichHandler(console=Console(stderr=True), show_path=False, log_time_format="[%X]")
    log_for_people(handler=handler)
    warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the report shows a box in its place
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


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        with signals_held():
            from .app import StudioOptions, run_studio

        run_studio(StudioOptions())


@app.command(rich_help_panel=HOUSE)
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
    if export is not None and not as_json:
        say(f"Written: {export}\n")
    print_json(made.as_json()) if as_json else console.print(describe(made), highlight=False, soft_wrap=True)


@app.command(rich_help_panel=HOUSE)
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


@app.command(
    rich_help_panel=MAKERS, context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True}
)
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


app.command(rich_help_panel=MAKERS)(train)
app.command("train-gesture", rich_help_panel=MAKERS)(train_gesture)
