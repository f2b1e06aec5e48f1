"""Commands that open the studio: ``play``, ``serve``, ``replay``."""

from pathlib import Path
from typing import Annotated

import typer

from ...engine.errors import InputError
from ...engine.processes import signals_held
from .learner import ai_choice
from .options import (
    AI_PARTS,
    PAGE,
    PLAYING_ALONG,
    WHO_CONDUCTS,
    AiOption,
    AudioOption,
    FollowOption,
    HallOption,
    LatencyOption,
    LeadOption,
    LearnerOption,
    NoStyleOption,
    OnCueOption,
    PhoneOption,
    ProfileOption,
    RadiusOption,
    ReflectionsOption,
    SeatingOption,
    SeatOption,
    SeedOption,
    SofaOption,
    SoloOption,
    SoundsOption,
    TlsOption,
    TuningOption,
    follow_style_named,
    names,
    tuning_named,
)


def play(
    score: Annotated[str | None, typer.Argument(help="A score; the built-in concert piece without one.")] = None,
    window: Annotated[bool, typer.Option("--window", help="Open the native window.")] = False,
    vr: Annotated[
        bool, typer.Option("--vr", help="Stand in the hall with a PC headset (OpenVR).", rich_help_panel=WHO_CONDUCTS)
    ] = False,
    seated: Annotated[
        bool, typer.Option("--seated", help="With --vr: conduct from a chair.", rich_help_panel=WHO_CONDUCTS)
    ] = False,
    haptics: Annotated[
        bool, typer.Option("--haptics", help="With --vr: the baton ticks on the beat.", rich_help_panel=WHO_CONDUCTS)
    ] = False,
    take: Annotated[
        Path | None, typer.Option(help="A recorded conductor instead of a person.", rich_help_panel=WHO_CONDUCTS)
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to serve on; 0.0.0.0 for the whole classroom.", rich_help_panel=PAGE)
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the page.", min=0, max=65535, rich_help_panel=PAGE)] = 8765,
    tls: TlsOption = None,
    phone: PhoneOption = False,
    sounds: SoundsOption = None,
    seating: SeatingOption = None,
    hall: HallOption = "musikverein",
    seat: SeatOption = "podium",
    hrtf: SofaOption = None,
    head_radius_cm: RadiusOption = None,
    reflections: ReflectionsOption = 1,
    ai_parts: AiOption = "",
    ai_turns: Annotated[
        int,
        typer.Option(
            help="With --ai-parts: you and its first part take turns of so many bars.",
            min=0,
            max=16,
            rich_help_panel=AI_PARTS,
        ),
    ] = 0,
    ai_cue: Annotated[
        bool, typer.Option("--ai-cue", help="With --ai-parts: they rest until they are cued.", rich_help_panel=AI_PARTS)
    ] = False,
    ai_density: Annotated[
        float | None,
        typer.Option(
            help="With --ai-parts: notes a quarter; the gesture makes more or fewer.", min=0.1, rich_help_panel=AI_PARTS
        ),
    ] = None,
    ai_key: Annotated[
        str | None, typer.Option(help="With --ai-parts: a key, like 'G major'.", rich_help_panel=AI_PARTS)
    ] = None,
    on_cue: OnCueOption = "",
    learner: LearnerOption = None,
    seed: SeedOption = 0,
    record: Annotated[bool, typer.Option(help="Record the session.")] = True,
    audio: AudioOption = "auto",
    latency: LatencyOption = "balanced",
    profile: ProfileOption = None,
    follow: FollowOption = None,
    _style: NoStyleOption = None,
    tuning: TuningOption = None,
    input_name: Annotated[
        str | None,
        typer.Option(
            "--input",
            help="What conducts (mouse, taps, gamepad, osc, midi, headset); else whoever moves.",
            rich_help_panel=WHO_CONDUCTS,
        ),
    ] = None,
    osc: Annotated[
        int | None,
        typer.Option(
            help="Conduct by OSC (/baton x y z, /tap) on this UDP port, usually 9000.",
            min=1,
            max=65535,
            rich_help_panel=WHO_CONDUCTS,
        ),
    ] = None,
    osc_host: Annotated[
        str, typer.Option(help="Address to hear OSC on; 0.0.0.0 from everywhere.", rich_help_panel=WHO_CONDUCTS)
    ] = "127.0.0.1",
    osc_scale: Annotated[
        float | None,
        typer.Option(
            help="Metres for a unit of the OSC sender; learned without it.", min=1e-6, rich_help_panel=WHO_CONDUCTS
        ),
    ] = None,
    midi: Annotated[
        str | None,
        typer.Option(
            help="Conduct by MIDI (keys tap, or a clock): a part of the port's name.", rich_help_panel=WHO_CONDUCTS
        ),
    ] = None,
    instrument: Annotated[
        str | None,
        typer.Option(
            help="What you play yourself, with --mic or --keyboard; else the solo's, or a violin.",
            rich_help_panel=PLAYING_ALONG,
        ),
    ] = None,
    mic: Annotated[
        str | None,
        typer.Option(
            help="Play along at this microphone: part of its name, or 'default'.", rich_help_panel=PLAYING_ALONG
        ),
    ] = None,
    keyboard: Annotated[
        str | None,
        typer.Option(
            help="Play along at this MIDI keyboard: part of its name, or 'default'; or 'page': the page's own.",
            rich_help_panel=PLAYING_ALONG,
        ),
    ] = None,
    headphones: Annotated[
        bool,
        typer.Option(
            "--headphones",
            help="You wear headphones: the microphone is heard in the hall.",
            rich_help_panel=PLAYING_ALONG,
        ),
    ] = False,
    stand: Annotated[
        str, typer.Option(help="Where you play: x,y in metres from the podium.", rich_help_panel=PLAYING_ALONG)
    ] = "-1.4,0.2",
    solo: SoloOption = None,
    lead: LeadOption = "soloist",
    applause: Annotated[bool, typer.Option(help="The audience claps in the end.")] = True,
) -> None:
    """Open the studio: engine, sound and page."""
    if not ai_parts and (ai_turns or ai_cue or ai_density is not None or ai_key is not None):
        raise InputError("--ai-turns, --ai-cue, --ai-density and --ai-key are for AI parts: name some with --ai-parts")
    if learner is not None and not ai_parts:
        raise InputError("--learner is for AI parts: name some with --ai-parts")
    if (seated or haptics) and not vr:
        raise InputError("--seated and --haptics are for a headset: say --vr, too")
    from ...engine.accompaniment import Soloist

    with signals_held():
        from ..app import StudioOptions, run_studio
    from ..headset_link import HeadsetChoice
    from ..hearing import Hearing
    from ..inputs.opening import InputChoice
    from ..instrument_input import LearnerChoice

    run_studio(
        StudioOptions(
            score=score,
            window=window,
            vr=vr,
            headset=HeadsetChoice(seated, haptics),
            take=take,
            host=host,
            port=port,
            tls=tls,
            phone=phone,
            sounds=sounds,
            seating=seating,
            hall=hall,
            ai_parts=names(ai_parts),
            ai=ai_choice(learner, seed).with_options(ai_turns, ai_cue, ai_key, ai_density),
            on_cue=names(on_cue),
            seed=seed,
            record=record,
            audio=audio,
            latency=latency,
            inputs=InputChoice(osc, osc_host, osc_scale, midi, input_name),
            profile=profile,
            style=follow_style_named(follow),
            tuning=tuning_named(tuning),
            hearing=Hearing(seat, hrtf, head_radius_cm, reflections),
            learner=LearnerChoice(instrument, mic, keyboard, headphones, LearnerChoice.parse_place(stand)),
            solo=solo,
            lead=Soloist.parse_lead(lead),
            applause=applause,
        )
    )


def serve(
    score: Annotated[str | None, typer.Argument(help="A score; the built-in concert piece without one.")] = None,
    port: Annotated[int, typer.Option(help="Port of the page.", min=0, max=65535)] = 8765,
    tls: TlsOption = None,
    phone: PhoneOption = False,
    sounds: SoundsOption = None,
    seating: SeatingOption = None,
    hall: HallOption = "musikverein",
    seed: SeedOption = 0,
    record: Annotated[bool, typer.Option(help="Record the session.")] = True,
    audio: AudioOption = "auto",
    latency: LatencyOption = "balanced",
    applause: Annotated[bool, typer.Option(help="The audience claps in the end.")] = True,
) -> None:
    """Open the studio for the whole classroom: every device on this network may watch, listen and ask for the baton.

    It is `tutti play --host 0.0.0.0`, which has more options.
    """
    with signals_held():
        from ..app import StudioOptions, run_studio

    run_studio(
        StudioOptions(
            score=score,
            host="0.0.0.0",
            port=port,
            tls=tls,
            phone=phone,
            sounds=sounds,
            applause=applause,
            seating=seating,
            hall=hall,
            seed=seed,
            record=record,
            audio=audio,
            latency=latency,
        )
    )


def replay(
    session: Annotated[Path, typer.Argument(help="A recorded session (.mcap).")],
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the page.", min=0, max=65535)] = 8765,
    tls: TlsOption = None,
    window: Annotated[bool, typer.Option("--window", help="Open the native window.")] = False,
    sounds: SoundsOption = None,
    audio: AudioOption = "auto",
    latency: LatencyOption = "balanced",
) -> None:
    """Play a recorded session again, exactly, in the hall and on the page."""
    with signals_held():
        from ..replaying import ReplayOptions, run_replay

    run_replay(ReplayOptions(session, host, port, tls, window, sounds, audio, latency))
