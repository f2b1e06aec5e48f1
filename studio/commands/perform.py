"""Commands that perform offline, faster than real time, and what goes with them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from ...engine.errors import SeatingError
from ...engine.processes import signals_held
from .learner import ai_choice
from .options import (
    AiOption,
    FollowOption,
    HallOption,
    JsonOption,
    LeadOption,
    LearnerOption,
    NoStyleOption,
    OnCueOption,
    RadiusOption,
    ReflectionsOption,
    ScoreArgument,
    SeatingOption,
    SeatOption,
    SeedOption,
    SofaOption,
    SoloOption,
    SoundsOption,
    TuningOption,
    console,
    counted,
    follow_style_named,
    names,
    print_json,
    progress_bars,
    say,
    tuning_named,
)

if TYPE_CHECKING:
    from ...engine.types import HeardNote


def render(
    score: ScoreArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")],
    take: Annotated[Path | None, typer.Option(help="The conductor: a recording of gesture.")] = None,
    solo: SoloOption = None,
    performer: Annotated[
        Path | None, typer.Option(help="Who plays the solo: notes (CSV), a MIDI file, or a recorded session.")
    ] = None,
    performer_track: Annotated[
        str | None,
        typer.Option("--performer-track", help="Which track of their MIDI file it is, by number or name, if asked."),
    ] = None,
    lead: LeadOption = "soloist",
    ai_parts: AiOption = "",
    on_cue: OnCueOption = "",
    learner: LearnerOption = None,
    sounds: SoundsOption = None,
    seating: SeatingOption = None,
    hall: HallOption = "musikverein",
    seat: SeatOption = "podium",
    formats: Annotated[
        str,
        typer.Option("--format", help="Also stereo, 5.1, ambisonics-1 to ambisonics-3, separated by commas."),
    ] = "binaural",
    stems: Annotated[bool, typer.Option("--stems", help="Also each section, and the hall, in a file.")] = False,
    hrtf: SofaOption = None,
    head_radius_cm: RadiusOption = None,
    reflections: ReflectionsOption = 1,
    seed: SeedOption = 0,
    profile: Annotated[str | None, typer.Option(help="What is known of the conductor: a name, or a file.")] = None,
    follow: FollowOption = None,
    _style: NoStyleOption = None,
    tuning: TuningOption = None,
    as_json: JsonOption = False,
) -> None:
    """Perform a score offline, faster than real time: sound, MIDI, tables, picture and report."""
    from ...engine.accompaniment import Soloist
    from ...engine.conducting.tracking import Take, read_take
    from ...engine.errors import InputError
    from ..hearing import Hearing
    from ..profiles import PersonProfile, read_profile

    with signals_held():
        from ..render import RenderJob
        from ..render import render as perform
        from ..results import check_results

    if take is None and (solo is None or performer is None):
        raise InputError("nobody to follow: give --take (a conductor), or --solo and --performer (a soloist), or both")
    if performer is not None and solo is None:
        raise InputError(f"{performer}: which part is it? name it with --solo")
    if performer is None and performer_track is not None:
        raise InputError("--performer-track says which track of a performer's file: give --performer as well")
    if learner is not None and not ai_parts:
        raise InputError("--learner is for AI parts: name some with --ai-parts")
    check_results(out, (score, take, performer))
    person = read_profile(profile) if profile else PersonProfile()
    job = RenderJob(
        score=score,
        take=read_take(take) if take is not None else Take(()),
        out=out,
        ai_parts=names(ai_parts),
        ai=ai_choice(learner, seed),
        on_cue=names(on_cue),
        sounds=sounds,
        seating=seating,
        hall=hall,
        seed=seed,
        profile=person.conductor,
        style=follow_style_named(follow) or person.style,
        tuning=tuning_named(tuning),
        hearing=Hearing(seat, hrtf, head_radius_cm, reflections),
        formats=names(formats),
        stems=stems,
        solo=solo,
        performer=_performed(performer, score, solo or "", performer_track) if performer is not None else (),
        lead=Soloist.parse_lead(lead),
    )
    with progress_bars() as bars:
        numbers = perform(job, bars)
    print_json(numbers) if as_json else say_rendered(out, numbers)


def _performed(path: Path, score: str, solo: str, track: str | None) -> "tuple[HeardNote, ...]":
    """The notes of who plays the part ``solo``. Raises ``InputError`` and ``ModelError``."""
    from ...engine.notation.score_cache import open_score
    from ..ensemble_setup import parts_named
    from ..performer_file import read_performer
    from ..performer_midi import SoloPart

    read = open_score(score)
    return read_performer(path, SoloPart(read, frozenset(parts_named(read, solo.split(","))), track))


def concert(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")] = Path("out/concert"),
    sounds: SoundsOption = None,
    seed: SeedOption = 0,
) -> None:
    """Perform the built-in concert: a piece for orchestra under a conductor with real rubato."""
    with signals_held():
        from ..concert import concert_job
        from ..render import render as perform

    with progress_bars() as bars:
        numbers = perform(concert_job(out, sounds, seed), bars)
    say_rendered(out, numbers)
    console.print(
        Text.assemble(
            "Now open the studio and conduct it yourself: ", ("tutti play", "bold"), " or ", ("make play", "bold")
        )
    )


def take(
    score: ScoreArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="The take to write (CSV).")],
    timings: Annotated[
        Path | None,
        typer.Option(
            help="CSV with columns quarter,time_s: when the score sounds; without it, as its tempos are marked."
        ),
    ] = None,
    seed: SeedOption = 0,
    noise_m: Annotated[
        float,
        typer.Option(
            "--noise-m", "--noise", help="Tracking noise, standard deviation on each axis, metres.", min=0.0, max=0.1
        ),
    ] = 0.002,
    rate_hz: Annotated[
        float,
        typer.Option("--rate-hz", "--rate", help="Samples of the baton per second.", min=15.0, max=1000.0),
    ] = 60.0,
) -> None:
    """Write the take of a virtual conductor who beats a real timing, or the marked tempos."""
    from ...engine.conducting.tracking import write_take
    from ...engine.conducting.virtual_conductor import conduct, read_timings
    from ...engine.notation.score_cache import open_score
    from ...engine.outputs import check_file, make_folder
    from ..marked_timings import marked_timings

    check_file(out, (score, timings))
    opened = open_score(score)
    if timings is None:
        told = marked_timings(opened)
    else:
        told = read_timings(timings, lambda line: console.print(line, style="yellow", soft_wrap=True))
    conducted = conduct(opened, told, seed=seed, noise_m=noise_m, rate_hz=rate_hz)
    make_folder(out.parent)
    write_take(out, conducted)
    say(f"{out}: {len(conducted.poses)} poses, {conducted.end_s - conducted.start_s:.1f} s")


def seats(
    score: ScoreArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="The seating to write (JSON).")],
    seating: SeatingOption = None,
    hall: HallOption = "musikverein",
) -> None:
    """Seat a score and save where everyone sits; play with --seating FILE and edit it while they play."""
    from ...engine.hall import read_hall
    from ...engine.notation.score_cache import open_score
    from ...engine.outputs import check_file, make_folder
    from ...engine.placement import save_placements
    from ..ensemble_setup import seat

    if out.suffix.lower() != ".json":
        raise SeatingError(f"{out}: a saved seating is a .json file: give it that ending")
    check_file(out, (score,))
    placements = seat(open_score(score), seating, read_hall(hall))
    make_folder(out.parent)
    save_placements(out, placements)
    say(f"{out}: {counted(len(placements), 'player')}")


def export(
    session: Annotated[Path, typer.Argument(help="A recorded session (.mcap).")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")],
    sounds: SoundsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Turn a recorded session into WAV, MIDI, CSV tables, a take, a picture and a report."""
    with signals_held():
        from ..render import export_session

    with progress_bars() as bars:
        numbers = export_session(session, out, sounds, bars)
    print_json(numbers) if as_json else say_rendered(out, numbers)


def say_rendered(out: Path, numbers: dict[str, Any]) -> None:
    sound, players = numbers.get("sound", {}), counted(numbers["players"], "player")
    console.print(Text.assemble((numbers["title"], "bold"), f" – {players}, {numbers['duration_s']:.0f} s"))
    console.print(f"{numbers['beats_played']} of {numbers['beats_in_score']} beats, {numbers['notes']} notes")
    if sound.get("loudness_lufs") is not None:
        console.print(f"{sound['loudness_lufs']} LUFS, true peak {sound['true_peak_dbfs']} dBFS")
    say(f"Listen: {out / 'performance.wav'}   Look: {out / 'report.html'}")
