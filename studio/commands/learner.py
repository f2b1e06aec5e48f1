"""Likes, dislikes and edits of the AI's music: ``tutti part like`` and its sisters, and ``tutti learner``."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from .options import JsonOption, console, counted, print_json, say

if TYPE_CHECKING:
    from ...models.wish import Wish
    from ..ai.ai_choice import AiChoice
    from ..ai.learners import Feedback

log = logging.getLogger(__name__)

learner = typer.Typer(help="What learners liked of the AI's music, and what it makes of that.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(help="A file with AI notes, as `tutti part` writes it.", exists=True)]
WhoOption = Annotated[str, typer.Option("--learner", help="Whose opinion it is.")]
NameArgument = Annotated[str, typer.Argument(help="A learner's name.")]


def like(file: FileArgument, who: WhoOption = "me") -> None:
    """You like what the AI player wrote: more of that for you."""
    _judge(file, who, liked=True)


def dislike(file: FileArgument, who: WhoOption = "me") -> None:
    """You do not like what the AI player wrote: less of that for you."""
    _judge(file, who, liked=False)


def edited(
    original: FileArgument,
    file: Annotated[Path, typer.Argument(help="The same piece after you edited it.", exists=True)],
    who: WhoOption = "me",
) -> None:
    """You changed what the AI player wrote: it learns from what you kept and what you made of it."""
    from ...engine.notation.score_cache import open_score
    from ..ai.ai_files import open_ai_file
    from ..ai.learners import keep_edit

    kept = keep_edit(who, open_ai_file(original), file, open_score(file)).edit
    if kept is not None:
        say(
            f"kept for {who}: {counted(kept.kept, 'note')} stayed, {kept.repitched} got another pitch, "
            f"{kept.relengthened} another length, {kept.removed} went, {kept.added} came"
        )


def _judge(file: Path, who: str, liked: bool) -> None:
    from ..ai.ai_files import open_ai_file
    from ..ai.learners import keep_verdict

    found = keep_verdict(who, open_ai_file(file), liked)
    say(f"kept for {who}: {found.verdict} of {found.file}")


@learner.command("list")
def learner_list(as_json: JsonOption = False) -> None:
    """Everybody who gave feedback here."""
    from ..ai.learners import list_learners

    names = list_learners()
    print_json(names) if as_json else console.print("\n".join(names) or "nobody yet: tutti part like FILE")


@learner.command("show")
def learner_show(name: NameArgument = "me", as_json: JsonOption = False) -> None:
    """What somebody liked, and how likely each way of writing is to please them."""
    from ...models.preference import ARMS
    from ..ai.learners import feedback_of, preference_of

    feedback = feedback_of(name)
    preference = preference_of(feedback)
    likely = {control: {arm: round(preference.mean(control, arm), 3) for arm in arms} for control, arms in ARMS.items()}
    if as_json:
        print_json({"learner": name, "opinions": _counted(feedback), "likely": likely})
        return
    console.print(", ".join(f"{count} {verdict}" for verdict, count in _counted(feedback).items()) or "no opinion yet")
    table = Table("Control", "How likely it is liked", show_edge=False)
    for control, arms in likely.items():
        best = max(arms.values())
        words = [(f"{arm} {p:.2f}", "bold" if p == best else "") for arm, p in arms.items()]
        table.add_row(control, Text("  ").join(Text(*word) for word in words))
    console.print(table)


@learner.command("reset")
def learner_reset(
    name: NameArgument,
    tuning: Annotated[
        bool, typer.Option("--tuning", help="Only the weights that were tuned to them; the feedback stays.")
    ] = False,
) -> None:
    """Forget all that somebody said, and the weights that were tuned to it."""
    from ..ai.learners import forget_tuning, reset_learner

    if tuning:
        forget_tuning(name)
        console.print(f"{name}: the weights that ship play again", highlight=False)
        return
    reset_learner(name)
    console.print(f"{name}: all feedback is gone", highlight=False)


@learner.command("export")
def learner_export(
    name: NameArgument, out: Annotated[Path, typer.Option("-o", "--out", help="A ZIP file to write.")]
) -> None:
    """All that is kept of somebody, as a ZIP file: their opinions and the music they were about."""
    from ..ai.learners import export_learner

    say(f"{export_learner(name, out)}")


def _counted(feedback: "list[Feedback]") -> dict[str, int]:
    verdicts = [one.verdict for one in feedback]
    return {verdict: verdicts.count(verdict) for verdict in ("like", "dislike", "edit") if verdict in verdicts}


def offered(name: str, seed: int, wish: "Wish", temperature: float | None = None) -> "tuple[Wish, float | None]":
    """What is left open in a wish (and the decoding's temperature), chosen by what a learner liked so far; of somebody
    who said nothing yet, which may be a slip of the pen, a line says so."""
    from ..ai.learners import preference_of, read_feedback, why_unknown

    feedback = read_feedback(name)
    if not feedback:
        log.warning("%s: what is left open is chosen by chance", why_unknown(name))
    offer = preference_of(feedback).offer(seed, wish, temperature)
    return offer.wish, offer.temperature


def ai_choice(name: str | None, seed: int) -> "AiChoice":
    """The AI player beside the orchestra, as a learner likes it (None: as usual)."""
    from ...models.wish import Wish
    from ..ai.ai_choice import AiChoice
    from ..ai.learners import tuned_weights

    return AiChoice() if name is None else AiChoice(offered(name, seed, Wish())[0], weights=tuned_weights(name))
