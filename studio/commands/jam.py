"""``tutti jam``: play freely, and an AI answers or accompanies."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from ...engine.processes import signals_held
from ...models.control_words import DENSITIES
from .learner import offered
from .options import (
    AudioOption,
    HallOption,
    LatencyOption,
    LearnerOption,
    PhoneOption,
    SeedOption,
    SoundsOption,
    TlsOption,
    names,
)
from .part import number_named


def jam(
    mode: Annotated[str, typer.Argument(help="answer: you play, it replies; accompany: it plays with you.")] = "answer",
    instrument: Annotated[str, typer.Option(help="What you play.")] = "violin",
    keyboard: Annotated[
        str | None, typer.Option(help="A MIDI keyboard (part of its name, or 'default'), or 'page': the page's own.")
    ] = None,
    mic: Annotated[str | None, typer.Option(help="Your microphone: part of its name, or 'default'.")] = None,
    headphones: Annotated[
        bool, typer.Option("--headphones", help="You wear headphones: the microphone is heard in the hall.")
    ] = False,
    band: Annotated[str, typer.Option("--with", help="Who the AI plays, separated by commas.")] = "",
    metre: Annotated[str, typer.Option(help="4/4, 3/4, 7/8 …")] = "4/4",
    tempo: Annotated[float, typer.Option(help="Quarters a minute.")] = 92.0,
    bars: Annotated[int, typer.Option(help="How long at most.")] = 96,
    turns: Annotated[int, typer.Option(help="Bars of a call.", min=1, max=16)] = 2,
    conduct: Annotated[
        bool, typer.Option("--conduct", help="You or somebody else beats, instead of a steady hand.")
    ] = False,
    cue: Annotated[bool, typer.Option("--cue", help="With --conduct: its parts rest until they are cued.")] = False,
    key: Annotated[str | None, typer.Option(help="A key, like 'G major' or 'f# minor'.")] = None,
    density: Annotated[str | None, typer.Option(help=f"Notes a quarter, or {', '.join(DENSITIES)}.")] = None,
    style: Annotated[str | None, typer.Option(help="Musical style: baroque, classical, romantic, modern.")] = None,
    mood: Annotated[str | None, typer.Option(help="serene, joyful, sad, agitated.")] = None,
    window: Annotated[bool, typer.Option("--window", help="Open the native window.")] = False,
    host: Annotated[str, typer.Option(help="Address to serve on; 0.0.0.0 for the whole classroom.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the page.", min=0, max=65535)] = 8765,
    tls: TlsOption = None,
    phone: PhoneOption = False,
    sounds: SoundsOption = None,
    hall: HallOption = "musikverein",
    audio: AudioOption = "auto",
    latency: LatencyOption = "low",
    learner: LearnerOption = None,
    seed: SeedOption = 0,
    record: Annotated[bool, typer.Option(help="Record the session.")] = True,
) -> None:
    """Play without a score: call and response with an AI, or a solo that it accompanies."""
    from ...engine.errors import ModelError
    from ...models.wish import Wish
    from ..ai.jam import BAND, JamChoice, prepare_jam
    from ..ai.learners import tuned_weights

    with signals_held():
        from ..app import StudioOptions, run_studio
    from ..instrument_input import ON_PAGE, LearnerChoice

    if mode not in BAND:
        raise ModelError(f"no way to play together named {mode!r}: there are {', '.join(BAND)}")
    wish = Wish(key=key, density=number_named(density, DENSITIES, "density"), style=style, mood=mood)
    if learner is not None:
        wish, _ = offered(learner, seed, wish)
    weights = None if learner is None else tuned_weights(learner)
    choice = JamChoice(mode, names(band), metre, tempo, bars, turns, conduct, cue, wish, weights)  # type: ignore[arg-type]
    played_on = ON_PAGE if keyboard is None and mic is None else keyboard
    with TemporaryDirectory(prefix="tutti-jam-") as folder:
        files = prepare_jam(choice, Path(folder), seed)
        run_studio(
            StudioOptions(
                score=str(files.score),
                window=window,
                take=files.take,
                host=host,
                port=port,
                tls=tls,
                phone=phone,
                sounds=sounds,
                hall=hall,
                ai_parts=files.ai_parts,
                ai=choice.ai,
                seed=seed,
                record=record,
                audio=audio,
                latency=latency,
                learner=LearnerChoice(instrument, mic, played_on, headphones),
            )
        )
