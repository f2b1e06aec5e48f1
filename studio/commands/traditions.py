"""``tutti part traditions``: the scales and metres that parts can be written in and orchestras tuned to."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from .options import JsonOption, console, print_json

if TYPE_CHECKING:
    from ...models.craft.traditions import Tradition


def traditions(
    name: Annotated[
        str | None, typer.Argument(help="One of them, with its sources: maqam-rast, or maqam-rast:D.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Scales, tunings and metres of many cultures, with where the facts come from."""
    from ...models.craft.traditions import tradition
    from ...models.craft.traditions import traditions as all_traditions

    chosen = list(all_traditions().values()) if name is None else [tradition(name)]
    if as_json:
        print_json([_as_json(found) for found in chosen])
    elif name is None:
        table = Table("Name", "", "Culture", "Scale (cents)", "Metre", show_edge=False)
        for found in chosen:
            table.add_row(found.key, found.name, found.culture, _cents(found), _metre(found))
        console.print(table)
    else:
        _tell(chosen[0])


def _tell(found: "Tradition") -> None:
    from ...models.craft.scales import PITCH_CLASS_NAMES

    console.print(Text.assemble((found.name, "bold"), f" ({found.culture})"))
    console.print(found.about, highlight=False)
    if found.has_scale:
        for title, steps in (("up", found.ascending), ("down", tuple(reversed(found.descending)))):
            notes = (f"{PITCH_CLASS_NAMES[(found.tonic + step) % 12]} {_place(found, step):g}" for step in steps)
            console.print(f"{title:>5}: {', '.join(notes)}", highlight=False)
        console.print(
            "notes: "
            + ", ".join(f"{key} {PITCH_CLASS_NAMES[(found.tonic + step) % 12]}" for key, step in found.notes.items()),
            highlight=False,
        )
    if found.metre is not None:
        console.print(f"metre: {_metre(found)}", highlight=False)
    for source in found.sources:
        console.print(f"source: {source}", highlight=False)


def _place(found: "Tradition", step: int) -> float:
    return found.cents.get(step, 100.0 * step)


def _cents(found: "Tradition") -> str:
    rising = " ".join(f"{_place(found, step):.0f}" for step in found.ascending)
    if found.ascending == found.descending:
        return rising
    return f"{rising} ↓ {' '.join(f'{_place(found, step):.0f}' for step in reversed(found.descending))}"


def _metre(found: "Tradition") -> str:
    metre = found.metre
    if metre is None:
        return ""
    groups = "+".join(str(group) for group in metre.groups)
    strokes = "".join("x" if struck else "." for struck in metre.timeline)
    return f"{metre.numerator}/{metre.denominator} ({groups}) {strokes}"


def _as_json(found: "Tradition") -> dict[str, object]:
    metre = found.metre
    return {
        "key": found.key,
        "name": found.name,
        "culture": found.culture,
        "about": found.about,
        "sources": list(found.sources),
        "tonic": found.tonic,
        "ascending_cents": [_place(found, step) for step in found.ascending],
        "descending_cents": [_place(found, step) for step in found.descending],
        "notes": dict(found.notes),
        "metre": None if metre is None else f"{metre.numerator}/{metre.denominator}",
        "groups": [] if metre is None else list(metre.groups),
        "timeline": "" if metre is None else "".join("x" if struck else "." for struck in metre.timeline),
    }
