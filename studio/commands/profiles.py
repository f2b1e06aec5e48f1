"""Commands about the people who conduct: their profiles, and calibrating what they conduct with."""

from typing import Annotated

import typer
from rich.table import Table

from .options import JsonOption, NoStyleOption, console, follow_style_named, print_json

profiles = typer.Typer(help="What is known of the people who conduct here.", no_args_is_help=True)


@profiles.command("list")
def profiles_list(as_json: JsonOption = False) -> None:
    """The people whose profiles are kept."""
    from ..profiles import list_profiles

    names = list_profiles()
    if as_json:
        print_json(names)
    elif names:
        console.print("\n".join(names), highlight=False)
    else:
        console.print("none yet: tutti play --profile NAME")


@profiles.command("show")
def profiles_show(
    name: Annotated[str, typer.Argument(help="A name, or a file (.json).")],
    as_json: JsonOption = False,
) -> None:
    """What the orchestra knows of someone: how far the hand is behind on each beat of the bar, stroke, calibrations."""
    from ..profiles import read_profile

    person = read_profile(name)
    if as_json:
        print_json(person.to_dict())
        return
    known = person.conductor
    follow = "as usual" if person.style is None else str(person.style)
    console.print(f"baton in the {person.hand} hand; how the orchestra follows: {follow}", highlight=False)
    if known.stroke_m:
        console.print(f"usual stroke {100 * known.stroke_m:.0f} cm", highlight=False)
    for device, space in person.spaces.items():
        console.print(f"{device}: {space.scale:.4g} m for a unit, {space.up} up", highlight=False)
    if not known.lags:
        console.print("no beat learned yet")
        return
    table = Table("Bar of", "Beat", "Lag in beats", "Steady to", "Bars", show_edge=False)
    for (count, beat), lag in sorted(known.lags.items()):
        table.add_row(str(count), str(beat), f"{lag.mean:+.3f}", f"{lag.sd:.3f}", f"{lag.bars:.0f}")
    console.print(table)


@profiles.command("remove")
def profiles_remove(name: Annotated[str, typer.Argument(help="Whose profile to forget.")]) -> None:
    """Forget someone."""
    from ..profiles import remove_profile

    remove_profile(name)


def calibrate(
    profile: Annotated[str, typer.Option(help="Whose profile keeps it.")],
    osc: Annotated[
        int | None, typer.Option(help="Learn the range of what comes by OSC on this UDP port.", min=1, max=65535)
    ] = None,
    osc_host: Annotated[str, typer.Option(help="Address to hear OSC on; 0.0.0.0 from everywhere.")] = "127.0.0.1",
    seconds: Annotated[float, typer.Option(help="How long to learn.", min=1.0, max=60.0)] = 5.0,
    hand: Annotated[str | None, typer.Option(help="Which hand holds the baton: right or left.")] = None,
    follow: Annotated[
        str | None, typer.Option(help="How the orchestra follows: strict, balanced, forgiving, or 0 (strict) to 1.")
    ] = None,
    _style: NoStyleOption = None,
) -> None:
    """Say once how you conduct: the range of your device, your hand, how you are followed; your profile keeps it."""
    from dataclasses import replace

    from ...engine.errors import ProfileError
    from ..inputs.calibrating import learn_osc_space
    from ..profiles import open_profile, save_profile

    if hand is not None and hand not in ("right", "left"):
        raise ProfileError(f"hand: {hand!r}; it is right or left")
    if osc is None and hand is None and follow is None:
        raise ProfileError("nothing to calibrate: give --osc PORT, --hand or --follow")
    person = open_profile(profile)
    if hand is not None:
        person = replace(person, hand="left" if hand == "left" else "right")
    if follow is not None:
        person = replace(person, style=follow_style_named(follow))
    if hand is not None or follow is not None:  # kept, whatever becomes of the device
        path = save_profile(profile, person)
    if osc is not None:
        space = learn_osc_space(
            osc, osc_host, seconds, say=lambda line: console.print(line, highlight=False, soft_wrap=True)
        )
        console.print(f"Learned: {space.scale:.4g} m for a unit, {space.up} up.", highlight=False)
        path = save_profile(profile, person.with_space("osc", space))
    console.print(f"Kept in {path}", highlight=False, soft_wrap=True)
