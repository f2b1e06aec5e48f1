"""Commands of the library: scores and SoundFonts."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from ...engine.errors import ScoreError
from .options import JsonOption, ScoreArgument, console, print_json, progress_bars, say

scores = typer.Typer(help="The library of scores.", no_args_is_help=True)
sounds = typer.Typer(help="SoundFonts: list, install, choose.", no_args_is_help=True)


@scores.command("list")
def scores_list(
    corpus: Annotated[
        str | None, typer.Option(help="Instead: pieces of music21's corpus that have this in their names.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """The scores that ship with Tutti and those you imported."""
    from .. import library

    if corpus is not None:
        names = library.list_corpus(corpus)
        if not names:
            raise ScoreError(f"music21's corpus has no piece with {corpus!r} in its name: try bach, haydn or beethoven")
        print_json(names) if as_json else say("\n".join(names))
        return
    entries = library.list_scores()
    if as_json:
        print_json([entry.as_json() for entry in entries])
        return
    table = Table(show_edge=False)
    for column in ("Name", "Title", "Composer"):
        table.add_column(column)
    for entry in entries:
        table.add_row(entry.name, entry.title, entry.composer)
    console.print(table)


@scores.command("show")
def scores_show(score: ScoreArgument, as_json: JsonOption = False) -> None:
    """What a score asks for: parts, measures, meters, tempo, length."""
    from .. import library

    summary = library.show_score(score)
    print_json(summary.as_json()) if as_json else console.print(summary.as_text())


@scores.command("import")
def scores_import(file: Annotated[Path, typer.Argument(help="A score file.")]) -> None:
    """Check a score and copy it into the library."""
    from .. import library

    entry = library.import_score(file)
    say(f"{entry.name}: {entry.title}")


@sounds.command("list")
def sounds_list(as_json: JsonOption = False) -> None:
    """The SoundFonts on this machine, best first, and which one plays."""
    from ..sounds import installed, soundfont_named

    playing = soundfont_named()
    fonts = installed()
    if as_json:
        print_json([{"name": f.name, "path": str(f.path), "playing": f.path == playing} for f in fonts])
        return
    for font in fonts:
        mark = ("▶" if font.path == playing else " ", "green")
        line = Text.assemble(mark, f" {font.name}  {font.size_bytes / 1e6:.0f} MB  {font.path}")
        console.print(line, soft_wrap=True)
    if playing is None:
        why = "chosen; tutti sounds choose takes the best SoundFont again" if fonts else "no SoundFont is installed"
        console.print(Text.assemble(("▶", "green"), f" synthesised instruments ({why})"))


@sounds.command("install")
def sounds_install(
    source: Annotated[str, typer.Argument(help="A SoundFont file (.sf2, .sf3) or its address.")],
    sha256: Annotated[str | None, typer.Option(help="What the file's SHA-256 must be.")] = None,
) -> None:
    """Put a SoundFont into Tutti's own folder; a broken download goes on where it stopped."""
    from ..sounds import install

    with progress_bars() as bars:
        task = bars.add_task("Installing", total=None)
        path = install(source, sha256, lambda done, total: bars.update(task, completed=done, total=total or None))
    say(f"{path}")


@sounds.command("choose")
def sounds_choose(
    name: Annotated[
        str | None, typer.Argument(help="A SoundFont, or 'synthesised'; without a name, the best one.")
    ] = None,
) -> None:
    """Choose what plays from now on."""
    from ..sounds import choose

    path = choose(name)
    console.print("synthesised instruments" if path is None else str(path))
