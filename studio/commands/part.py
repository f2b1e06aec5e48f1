"""``tutti part``: what the AI player writes offline, one command a task."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from ...engine.errors import ModelError
from ...models.control_words import DENSITIES, REGISTERS
from .learner import offered
from .options import (
    JsonOption,
    LearnerOption,
    ScoreArgument,
    SeedOption,
    console,
    counted,
    names,
    print_json,
    progress_bars,
    say,
)

if TYPE_CHECKING:
    from ...models.craft.rules import RuleSet
    from ..ai.part_writing import WrittenPart

part = typer.Typer(help="AI parts, offline.", no_args_is_help=True)


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "score": (ScoreArgument, inspect.Parameter.empty),
    "out": (
        Annotated[
            Path, typer.Option("-o", "--out", help="MusicXML (.musicxml) or MIDI (.mid); the other is written too.")
        ],
        inspect.Parameter.empty,
    ),
    "parts": (Annotated[str, typer.Option("--parts", help="Parts of the score, separated by commas.")], ""),
    "instruments": (Annotated[str, typer.Option("--with", help="Who is added, separated by commas.")], ""),
    "bars": (Annotated[str, typer.Option(help="From which bar to which, like 5-8.")], ""),
    "count": (
        Annotated[
            int | None,
            typer.Option("--bars", help="How many bars are added; else 8, or 4 at most in answer.", min=1, max=256),
        ],
        None,
    ),
    "amount": (Annotated[float, typer.Option(help="How far it goes, 0 to 1.", min=0.0, max=1.0)], 0.5),
    "seating": (Annotated[str | None, typer.Option(help="A seating plan: who is there to play it.")], None),
    "key": (Annotated[str | None, typer.Option(help="A key, like 'G major' or 'f# minor'.")], None),
    "density": (
        Annotated[str | None, typer.Option(help=f"Notes a quarter of a part, or {', '.join(DENSITIES)}.")],
        None,
    ),
    "register": (
        Annotated[str | None, typer.Option("--register", help="low, middle, high, or -1 to 1 within the instrument.")],
        None,
    ),
    "complexity": (
        Annotated[float | None, typer.Option(help="Chords: plain triads 0, rich 1.", min=0.0, max=1.0)],
        None,
    ),
    "style": (Annotated[str | None, typer.Option(help="Musical style: baroque, classical, romantic, modern.")], None),
    "mood": (Annotated[str | None, typer.Option(help="serene, joyful, sad, agitated.")], None),
    "cadence": (Annotated[str, typer.Option(help="Where phrases end: end, none, or every how many bars.")], "end"),
    "temperature": (
        Annotated[float | None, typer.Option(help="Daring: 0.3 to 1.2; 0.8 by default.", min=0.05, max=2.0)],
        None,
    ),
    "rules": (
        Annotated[bool, typer.Option("--rules/--no-rules", help="The rules of part-writing, all or none.")],
        True,
    ),
    "without_rule": (
        Annotated[list[str] | None, typer.Option("--without-rule", help="Turn a rule off (tutti part rules).")],
        None,
    ),
    "tradition": (
        Annotated[str | None, typer.Option(help="A scale: maqam-rast, maqam-rast:D (tutti part traditions).")],
        None,
    ),
    "seed": (SeedOption, 0),
    "drafts": (
        Annotated[
            int, typer.Option(help="Drafts to choose from: the one with the fewest faults is kept.", min=1, max=32)
        ],
        4,
    ),
    "weights": (Annotated[Path | None, typer.Option(help="Weights of your own (.safetensors).")], None),
    "learner": (LearnerOption, None),
    "report": (Annotated[Path | None, typer.Option(help="Also explain what was written, into this folder.")], None),
    "wav": (Annotated[Path | None, typer.Option(help="Also perform it into this folder: sound and report.")], None),
    "as_json": (JsonOption, False),
}
_COMMON = (
    "key", "density", "register", "complexity", "style", "mood", "cadence", "temperature", "rules", "without_rule",
    "tradition", "seed", "drafts", "weights", "learner", "report", "wav", "as_json",
)  # fmt: skip


def _task(name: str, about: str, *own: str) -> None:
    """A command for a task: its own options, and those that all tasks have."""

    def run(**options: Any) -> None:
        _write(name, options)

    chosen = ("score", "out", *own, *_COMMON)
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for key, (kind, default) in ((key, _OPTIONS[key]) for key in chosen)
        ]
    )
    run.__annotations__ = {key: _OPTIONS[key][0] for key in chosen}
    run.__doc__ = about
    part.command(name)(run)


_task("harmonise", "Voices under a melody (--parts): the other parts anew, or three added under a lone one.",
      "parts", "instruments")  # fmt: skip
_task("accompany", "An accompaniment for a score, by strings or the instruments named.", "instruments")
_task("counter", "One more line against the score's own.", "instruments")
_task("fill", "Missing parts, or what the parts named play in some bars.", "parts", "bars")
_task("vary", "A variation of a part around the notes on its beats.", "parts", "amount")
_task("continue", "More bars after the end.", "count")
_task("answer", "The score is a call: its response.", "count")
_task("orchestrate", "A piano or quartet sketch for the orchestra.", "seating", "amount")


@part.command("rules")
def rules(as_json: JsonOption = False) -> None:
    """The rules of part-writing that the AI player leans on, and what each says."""
    from ...models.craft.rules import RULES

    if as_json:
        print_json([{"name": r.name, "title": r.title, "says": r.sentence, "weight": r.weight} for r in RULES])
        return
    for rule in RULES:
        console.print(Text.assemble((f"{rule.name:<24}", "bold"), f" {rule.sentence}"))


def _write(task: str, options: dict[str, Any]) -> None:
    from ...engine.outputs import check_folder
    from ...models.wish import Wish
    from ..ai.part_writing import PartRequest, write_part

    for folder in (options["report"], options["wav"]):
        if folder is not None:
            check_folder(folder)
    wish = Wish(
        key=options["key"],
        density=number_named(options["density"], DENSITIES, "density"),
        register=number_named(options["register"], REGISTERS, "register"),
        complexity=options["complexity"],
        style=options["style"],
        mood=options["mood"],
    )
    temperature = options["temperature"]
    if options["learner"] is not None:
        from ..ai.learners import tuned_weights

        wish, temperature = offered(options["learner"], options["seed"], wish, temperature)
        options["weights"] = options["weights"] or tuned_weights(options["learner"])
    request = PartRequest(
        task=task,
        source=options["score"],
        out=options["out"],
        parts=names(options.get("parts", "")),
        instruments=names(options.get("instruments", "")),
        bars=bars_named(options.get("bars", "")),
        count=options.get("count"),
        amount=options.get("amount", 0.5),
        seating=options.get("seating"),
        wish=wish,
        cadence=options["cadence"],
        temperature=temperature,
        rules=_rules(options["rules"], options["without_rule"] or ()),
        tradition=options["tradition"],
        seed=options["seed"],
        drafts=1 if task == "orchestrate" else options["drafts"],
        weights=options["weights"],
    )
    beside: list[str] = []
    with progress_bars() as bars:
        writing = bars.add_task("Writing", total=1.0)
        written = write_part(request, lambda share: bars.update(writing, completed=share))
        if options["report"] is not None:
            from ..ai.part_report import report_written

            beside.append(f"Why: {report_written(written, options['weights'], options['report'])}")
        if options["wav"] is not None:
            from ..ai.part_performing import perform

            perform(written, options["wav"], request.seed, bars)
            beside.append(f"Listen: {options['wav'] / 'performance.wav'}")
    print_json(_as_json(written)) if options["as_json"] else _say(written, beside)


def _say(written: "WrittenPart", beside: Sequence[str]) -> None:
    provenance = written.provenance
    files = ", ".join(str(path) for path in written.files)
    say(f"{files}: {counted(provenance.notes, 'note')} by {provenance.source} in {', '.join(provenance.parts)}")
    for line in beside:
        say(line)
    copied = provenance.copied
    if copied is not None and copied.suspicious:
        console.print(f"Look at this: shared with the music it learned from: {copied.described()}", style="yellow")


def _as_json(written: "WrittenPart") -> dict[str, Any]:
    return {"files": [str(path) for path in written.files], **written.provenance.fields()}


def bars_named(text: str) -> tuple[int, int] | None:
    """``5-8`` or ``5``. Raises ``ModelError``."""
    if not text:
        return None
    first, _, last = text.partition("-")
    if not first.isdigit() or (last and not last.isdigit()) or not 1 <= int(first) <= int(last or first):
        raise ModelError(f"no bars {text!r}: say from which to which, like 5-8")
    return int(first), int(last or first)


def number_named(text: str | None, words: dict[str, float], name: str) -> float | None:
    if text is None or text in words:
        return None if text is None else words[text]
    try:
        return float(text)
    except ValueError:
        raise ModelError(f"no {name} {text!r}: say {', '.join(words)}, or a number") from None


def _rules(on: bool, off: Sequence[str]) -> "RuleSet":
    from ...models.craft.rules import RuleSet

    return RuleSet().without(*off) if on else RuleSet.none()
