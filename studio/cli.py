"""The command line. Every command is a thin reader of options over a function that returns values.

Exit status: 0 done, 1 failed with a one-line reason on stderr, 2 wrong usage.
"""

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..engine.errors import TuttiError
from .cli_audio import audio_outputs
from .cli_profiles import calibrate, profiles

if TYPE_CHECKING:
    from ..engine.conducting.follow_style import FollowStyle

app = typer.Typer(
    help="Tutti: a virtual orchestra that follows your conducting.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)
scores = typer.Typer(help="The library of scores.", no_args_is_help=True)
sounds = typer.Typer(help="SoundFonts: list, install, choose.", no_args_is_help=True)
part = typer.Typer(help="AI parts, offline.", no_args_is_help=True)
app.add_typer(scores, name="scores")
app.add_typer(sounds, name="sounds")
app.add_typer(part, name="part")
app.add_typer(profiles, name="profiles")
app.add_typer(audio_outputs, name="audio")
app.command()(calibrate)

console = Console()

TlsOption = Annotated[
    bool | None, typer.Option("--tls/--no-tls", help="HTTPS; without either, where other devices may come in.")
]
PhoneOption = Annotated[
    bool, typer.Option("--phone", help="Print a code that makes a phone in this network your baton.")
]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="Who conducts: what the orchestra learns of them is kept by this name.")
]
StyleOption = Annotated[
    str | None,
    typer.Option("--style", help="How the orchestra follows: strict, balanced, forgiving, or 0 (strict) to 1."),
]
ScoreArgument = Annotated[str, typer.Argument(help="A score file, or the name of a piece in music21's corpus.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
SeedOption = Annotated[int, typer.Option(help="Same seed, same performance.")]
SoundsOption = Annotated[
    str | None, typer.Option("--sounds", help="A SoundFont (file or installed name), or 'synthesised'.")
]
SeatingOption = Annotated[
    str | None, typer.Option(help="A seating plan (name or TOML file) or a saved seating (JSON).")
]
HallOption = Annotated[str, typer.Option(help="The hall, by name or TOML file, or a measured impulse response (WAV).")]
SeatOption = Annotated[
    str, typer.Option("--seat", help="Where you listen: podium, row-1 and on, balcony, or in:violas among players.")
]
SofaOption = Annotated[Path | None, typer.Option("--hrtf", help="A SOFA file with another head than the default.")]
RadiusOption = Annotated[
    float | None, typer.Option("--head-radius-cm", help="Half the distance between your ears; 8.75 without it.")
]
ReflectionsOption = Annotated[
    int, typer.Option("--reflections", help="Walls that a reflection may meet.", min=0, max=2)
]
AudioOption = Annotated[
    str, typer.Option("--audio", help="auto, portaudio, jack, none, or an output's name or number (tutti audio list).")
]
LatencyOption = Annotated[
    str, typer.Option("--latency", help="low, balanced, safe, or milliseconds of sound in front of the device.")
]
AiOption = Annotated[
    str, typer.Option("--ai-parts", help="Parts that the AI player answers, by name, separated by commas.")
]


def main() -> None:
    """Entry point: errors made on purpose become one line on stderr."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=Console(stderr=True), show_path=False)],
    )
    try:
        app()
    except TuttiError as error:
        print(f"tutti: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("tutti: stopped", file=sys.stderr)
        sys.exit(1)


def progress_bars() -> Progress:
    """Progress bars as every long command shows them."""
    return Progress(
        TextColumn("{task.description:<26}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False))


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        from .app import StudioOptions, run_studio

        run_studio(StudioOptions())


@app.command()
def play(
    score: Annotated[str | None, typer.Argument(help="A score; the built-in concert piece without one.")] = None,
    window: Annotated[bool, typer.Option("--window", help="Open the native window.")] = False,
    vr: Annotated[bool, typer.Option("--vr", help="Conduct from a headset (OpenVR).")] = False,
    take: Annotated[Path | None, typer.Option(help="A recorded conductor instead of a person.")] = None,
    host: Annotated[str, typer.Option(help="Address to serve on; 0.0.0.0 for the whole classroom.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the page.")] = 8765,
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
    seed: SeedOption = 0,
    record: Annotated[bool, typer.Option(help="Record the session.")] = True,
    audio: AudioOption = "auto",
    latency: LatencyOption = "balanced",
    profile: ProfileOption = None,
    style: StyleOption = None,
    input_name: Annotated[
        str | None,
        typer.Option("--input", help="What conducts (mouse, taps, gamepad, osc, midi, headset); else whoever moves."),
    ] = None,
    osc: Annotated[
        int | None, typer.Option(help="Conduct by OSC (/baton x y z, /tap) on this UDP port, usually 9000.")
    ] = None,
    osc_host: Annotated[str, typer.Option(help="Address to hear OSC on; 0.0.0.0 from everywhere.")] = "127.0.0.1",
    osc_scale: Annotated[
        float | None, typer.Option(help="Metres for a unit of the OSC sender; learned without it.", min=1e-6)
    ] = None,
    midi: Annotated[
        str | None, typer.Option(help="Conduct by MIDI (keys tap, or a clock): a part of the port's name.")
    ] = None,
    instrument: Annotated[str, typer.Option(help="What you play yourself, with --mic or --keyboard.")] = "violin",
    mic: Annotated[
        str | None, typer.Option(help="Play along at this microphone: part of its name, or 'default'.")
    ] = None,
    keyboard: Annotated[
        str | None, typer.Option(help="Play along at this MIDI keyboard: part of its name, or 'default'.")
    ] = None,
    headphones: Annotated[
        bool, typer.Option("--headphones", help="You wear headphones: the microphone is heard in the hall.")
    ] = False,
    stand: Annotated[str, typer.Option(help="Where you play: x,y in metres from the podium.")] = "-1.4,0.2",
) -> None:
    """Open the studio: engine, sound and page."""
    from .app import StudioOptions, run_studio
    from .hearing import Hearing
    from .inputs.opening import InputChoice
    from .instrument_input import LearnerChoice

    run_studio(
        StudioOptions(
            score=score,
            window=window,
            vr=vr,
            take=take,
            host=host,
            port=port,
            tls=tls,
            phone=phone,
            sounds=sounds,
            seating=seating,
            hall=hall,
            ai_parts=_names(ai_parts),
            seed=seed,
            record=record,
            audio=audio,
            latency=latency,
            inputs=InputChoice(osc, osc_host, osc_scale, midi, input_name),
            profile=profile,
            style=_style(style),
            hearing=Hearing(seat, hrtf, head_radius_cm, reflections),
            learner=LearnerChoice(instrument, mic, keyboard, headphones, LearnerChoice.parse_place(stand)),
        )
    )


@app.command()
def serve(
    score: Annotated[str | None, typer.Argument(help="A score; the built-in concert piece without one.")] = None,
    port: Annotated[int, typer.Option(help="Port of the page.")] = 8765,
    tls: TlsOption = None,
    phone: PhoneOption = False,
    sounds: SoundsOption = None,
    seating: SeatingOption = None,
    hall: HallOption = "musikverein",
    seed: SeedOption = 0,
    record: Annotated[bool, typer.Option(help="Record the session.")] = True,
) -> None:
    """Open the studio for the whole classroom: every device on this network may watch, listen and ask for the baton."""
    from .app import StudioOptions, run_studio

    run_studio(
        StudioOptions(
            score=score,
            host="0.0.0.0",
            port=port,
            tls=tls,
            phone=phone,
            sounds=sounds,
            seating=seating,
            hall=hall,
            seed=seed,
            record=record,
        )
    )


@app.command()
def render(
    score: ScoreArgument,
    take: Annotated[Path, typer.Option(help="The conductor: a recording of gesture.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")],
    ai_parts: AiOption = "",
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
    style: StyleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Perform a score offline, faster than real time: sound, MIDI, tables, picture and report."""
    from ..engine.conducting.tracking import read_take
    from .hearing import Hearing
    from .profiles import PersonProfile, read_profile
    from .render import RenderJob
    from .render import render as perform

    person = read_profile(profile) if profile else PersonProfile()
    job = RenderJob(
        score=score,
        take=read_take(take),
        out=out,
        ai_parts=_names(ai_parts),
        sounds=sounds,
        seating=seating,
        hall=hall,
        seed=seed,
        profile=person.conductor,
        style=_style(style) or person.style,
        hearing=Hearing(seat, hrtf, head_radius_cm, reflections),
        formats=_names(formats),
        stems=stems,
    )
    with progress_bars() as bars:
        numbers = perform(job, bars)
    print_json(numbers) if as_json else _say_rendered(out, numbers)


@app.command()
def concert(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")] = Path("out/concert"),
    sounds: SoundsOption = None,
    seed: SeedOption = 0,
) -> None:
    """Perform the built-in concert: a piece for orchestra under a conductor with real rubato."""
    from .concert import concert_job
    from .render import render as perform

    with progress_bars() as bars:
        numbers = perform(concert_job(out, sounds, seed), bars)
    _say_rendered(out, numbers)
    console.print("Now open the studio and conduct it yourself: [bold]tutti play[/] (or [bold]make play[/])")


def _say_rendered(out: Path, numbers: dict[str, Any]) -> None:
    sound = numbers.get("sound", {})
    console.print(f"[bold]{numbers['title']}[/] – {numbers['players']} players, {numbers['duration_s']:.0f} s")
    console.print(f"{numbers['beats_played']} of {numbers['beats_in_score']} beats, {numbers['notes']} notes")
    if sound.get("loudness_lufs") is not None:
        console.print(f"{sound['loudness_lufs']} LUFS, true peak {sound['true_peak_dbfs']} dBFS")
    console.print(f"Listen: {out / 'performance.wav'}   Look: {out / 'report.html'}")


@app.command()
def take(
    score: ScoreArgument,
    timings: Annotated[Path, typer.Option(help="CSV with columns quarter,time_s: when the score sounds.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The take to write (CSV).")],
    seed: SeedOption = 0,
    noise: Annotated[float, typer.Option(help="Tracking noise, standard deviation in metres.", min=0.0)] = 0.002,
    rate: Annotated[float, typer.Option(help="Samples of the baton per second.", min=15.0, max=1000.0)] = 60.0,
) -> None:
    """Write the take of a virtual conductor who beats a real timing."""
    from ..engine.conducting.tracking import write_take
    from ..engine.conducting.virtual_conductor import conduct, read_timings
    from ..engine.notation.score_cache import open_score

    conducted = conduct(open_score(score), read_timings(timings), seed=seed, noise_m=noise, rate_hz=rate)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_take(out, conducted)
    console.print(f"{out}: {len(conducted.poses)} poses, {conducted.end_s - conducted.start_s:.1f} s")


@app.command()
def seats(
    score: ScoreArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="The seating to write (JSON).")],
    seating: SeatingOption = None,
    hall: HallOption = "musikverein",
) -> None:
    """Seat a score and save where everyone sits; play with --seating FILE and edit it while they play."""
    from ..engine.hall import read_hall
    from ..engine.notation.score_cache import open_score
    from ..engine.placement import save_placements
    from .ensemble_setup import seat

    placements = seat(open_score(score), seating, read_hall(hall))
    save_placements(out, placements)
    console.print(f"{out}: {len(placements)} players")


@app.command()
def replay(
    session: Annotated[Path, typer.Argument(help="A recorded session (.mcap).")],
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the page.")] = 8765,
    tls: TlsOption = None,
    window: Annotated[bool, typer.Option("--window", help="Open the native window.")] = False,
    sounds: SoundsOption = None,
    audio: AudioOption = "auto",
    latency: LatencyOption = "balanced",
) -> None:
    """Play a recorded session again, exactly, in the hall and on the page."""
    from .app import ReplayOptions, run_replay

    run_replay(ReplayOptions(session, host, port, tls, window, sounds, audio, latency))


@app.command()
def export(
    session: Annotated[Path, typer.Argument(help="A recorded session (.mcap).")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")],
    sounds: SoundsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Turn a recorded session into WAV, MIDI, CSV tables, a take, a picture and a report."""
    from .render import export_session

    with progress_bars() as bars:
        numbers = export_session(session, out, sounds, bars)
    print_json(numbers) if as_json else _say_rendered(out, numbers)


@app.command("train-gesture")
def train_gesture(
    out: Annotated[Path, typer.Option("-o", "--out", help="Weights to write.")] = Path("gesture.safetensors"),
    minutes: Annotated[float, typer.Option(help="Processor minutes to train.", min=0.01)] = 30.0,
    lessons: Annotated[int, typer.Option(help="Takes of virtual conductors to learn from.", min=1)] = 4000,
    seed: SeedOption = 0,
    threads: Annotated[int, typer.Option(help="Threads of torch.", min=1)] = 1,
) -> None:
    """Train the network that reads gesture, on virtual conductors."""
    from ..models.gesture_training import GesturePlan
    from ..models.gesture_training import train_gesture as learn

    plan = GesturePlan(lessons=lessons, budget_s=60 * minutes, seed=seed, threads=threads)
    command = f"tutti train-gesture --minutes {minutes:g} --lessons {lessons} --seed {seed} --threads {threads}"
    with progress_bars() as bars:
        tasks = {name: bars.add_task(name, total=1.0) for name in ("Conducting", "Training")}

        def show(what: str, share: float, loss: float) -> None:
            bars.update(tasks[what], completed=share, description=f"{what} ({loss:.3f} nats)" if loss else what)

        learn(out, plan, command, show)


@app.command()
def train(
    folder: Annotated[Path, typer.Argument(help="Folder of four-part scores.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Weights to write.")] = Path("harmoniser.safetensors"),
    minutes: Annotated[float, typer.Option(help="Processor minutes to train.", min=0.01)] = 10.0,
    licence: Annotated[str, typer.Option(help="Licence of the scores, for the manifest.")] = "not stated",
    seed: SeedOption = 0,
    threads: Annotated[int, typer.Option(help="Threads of torch.", min=1)] = 1,
) -> None:
    """Train the AI player on a folder of scores; writes weights and a manifest of where they come from."""
    from ..models.corpus import read_corpus
    from ..models.train import TrainingPlan, train_folder

    with progress_bars() as bars:
        reading = bars.add_task("Reading scores")
        pieces = read_corpus(folder, lambda done, total: bars.update(reading, completed=done, total=total))
        training = bars.add_task("Training", total=1.0)

        def show(share: float, loss: float) -> None:
            bars.update(training, completed=share, description=f"Training ({loss:.3f} nats)")

        manifest = train_folder(
            pieces,
            out,
            TrainingPlan(budget_s=60 * minutes, seed=seed, threads=threads),
            licence=licence,
            command=f"tutti train FOLDER --minutes {minutes:g} --seed {seed} --threads {threads}",
            progress=show,
        )
    console.print(f"{out}: {manifest.figures}")


@app.command()
def certificate(
    export: Annotated[Path | None, typer.Option(help="Write the authority's certificate (DER) to this file.")] = None,
    renew: Annotated[bool, typer.Option("--renew", help="Make a new authority; devices must trust it anew.")] = False,
    as_json: JsonOption = False,
) -> None:
    """The studio's own certificate authority: its fingerprint, and how devices learn to trust it."""
    from .certificates import describe, ensure_certificate, export_authority, renew_authority

    made = renew_authority() if renew else ensure_certificate()
    if export is not None:
        export_authority(made, export)
    print_json(made.as_json()) if as_json else console.print(describe(made), highlight=False, soft_wrap=True)


@app.command()
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
        table.add_row("[green]✓[/]" if finding.works else "[yellow]–[/]", finding.what, finding.detail, finding.advice)
    console.print(table)


@app.command()
def bench(
    name: Annotated[str | None, typer.Argument(help="Which benchmark; without one, the list.")] = None,
    arguments: Annotated[list[str] | None, typer.Argument(help="Passed to the benchmark.")] = None,
) -> None:
    """Run a benchmark of this repository; each prints ratios against a peer or a limit."""
    from .bench import available, run

    if name is None:
        for key, purpose in available().items():
            console.print(f"[bold]{key:<18}[/] {purpose}")
        return
    sys.exit(run(name, arguments or []))


@scores.command("list")
def scores_list(as_json: JsonOption = False) -> None:
    """The scores that ship with Tutti and those you imported."""
    from . import library

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
    from . import library

    summary = library.show_score(score)
    print_json(summary.as_json()) if as_json else console.print(summary.as_text())


@scores.command("import")
def scores_import(file: Annotated[Path, typer.Argument(help="A score file.")]) -> None:
    """Check a score and copy it into the library."""
    from . import library

    entry = library.import_score(file)
    console.print(f"{entry.name}: {entry.title}")


@sounds.command("list")
def sounds_list(as_json: JsonOption = False) -> None:
    """The SoundFonts on this machine, best first, and which one plays."""
    from .sounds import installed, soundfont_named

    playing = soundfont_named()
    fonts = installed()
    if as_json:
        print_json([{"name": f.name, "path": str(f.path), "playing": f.path == playing} for f in fonts])
        return
    for font in fonts:
        mark = "[green]▶[/]" if font.path == playing else " "
        console.print(f"{mark} {font.name}  {font.size_bytes / 1e6:.0f} MB  {font.path}")
    if playing is None:
        console.print("[green]▶[/] synthesised instruments (no SoundFont chosen or installed)")


@sounds.command("install")
def sounds_install(
    source: Annotated[str, typer.Argument(help="A SoundFont file (.sf2, .sf3) or its address.")],
    sha256: Annotated[str | None, typer.Option(help="What the file's SHA-256 must be.")] = None,
) -> None:
    """Put a SoundFont into Tutti's own folder; a broken download goes on where it stopped."""
    from .sounds import install

    with progress_bars() as bars:
        task = bars.add_task("Installing", total=None)
        path = install(source, sha256, lambda done, total: bars.update(task, completed=done, total=total or None))
    console.print(f"{path}")


@sounds.command("choose")
def sounds_choose(
    name: Annotated[
        str | None, typer.Argument(help="A SoundFont, or 'synthesised'; without a name, the best one.")
    ] = None,
) -> None:
    """Choose what plays from now on."""
    from .sounds import choose

    path = choose(name)
    console.print("synthesised instruments" if path is None else str(path))


@part.command("harmonise")
def part_harmonise(
    score: ScoreArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="MusicXML (.musicxml) or MIDI (.mid) to write.")],
    parts: AiOption = "",
    seed: SeedOption = 0,
    weights: Annotated[Path | None, typer.Option(help="Weights of your own (.safetensors).")] = None,
) -> None:
    """Let the AI player answer a melody: its parts are written anew, or three are added under a lone melody."""
    from .part_writing import harmonise

    written = harmonise(score, out, _names(parts), seed, weights)
    console.print(f"{out}: {written.notes} notes by {written.model} in {', '.join(written.parts)}")


def _style(text: str | None) -> "FollowStyle | None":
    from ..engine.conducting.follow_style import FollowStyle

    return None if text is None else FollowStyle.parse(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
