"""``tutti part compare``: several answers to the same melody, for a class to hear."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from .options import JsonOption, ScoreArgument, SeedOption, console, names, print_json, progress_bars, say


def compare(
    score: ScoreArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the answers and the page.")],
    part: Annotated[str, typer.Option("--part", help="The melody; else the highest part.")] = "",
    by: Annotated[str, typer.Option(help="Whose answers, by commas: rules, grid, lstm, transformer, gan.")] = "",
    weights: Annotated[
        list[str] | None, typer.Option(help="Other weights than those that ship, like lstm=mine.safetensors.")
    ] = None,
    sound: Annotated[bool, typer.Option("--wav", help="Perform every answer; the page plays it.")] = False,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """The same melody answered by rules, by the AI player and by the field's baselines, on one page with figures."""
    from ...engine.errors import ModelError
    from ...engine.outputs import check_folder
    from ..ai.part_compare import ABOUT, CompareRequest, write_comparison
    from ..ai.part_compare import compare as answer

    files = {}
    for text in weights or ():
        kind, equals, path = text.partition("=")
        if not equals or kind not in ABOUT or kind == "rules":
            raise ModelError(f"no weights {text!r}: say them like lstm=mine.safetensors")
        if not Path(path).is_file():
            raise ModelError(f"{path}: no such file; name weights of {kind} (.safetensors)")
        files[kind] = Path(path)
    check_folder(out)
    request = CompareRequest(score, out, part, names(by) or tuple(ABOUT), seed, files)
    with progress_bars() as bars:
        answering = bars.add_task("Answering", total=1.0)
        found = answer(request, lambda share: bars.update(answering, completed=share))
        sounds = {}
        if sound:
            from ..ai.part_performing import perform_file

            for one in found.answers:
                perform_file(one.files[0], out / one.kind, seed, bars)
                sounds[one.kind] = out / one.kind / "performance.wav"
    page = write_comparison(found, out, sounds)
    if as_json:
        print_json({one.kind: {**one.figures, **one.provenance.fields()} for one in found.answers})
        return
    say(f"{page}: {', '.join(one.kind for one in found.answers)}")
    for kind, why in found.missing.items():
        console.print(Text.assemble((f"no answer by {kind}", "yellow"), f": {why}"))
