"""Commands that train the networks."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import TaskID

from .onnx import write_onnx
from .options import SeedOption, console, progress_bars, told

ForceOption = Annotated[bool, typer.Option("--force", help="Replace weights that are there already.")]
SCORES_MINUTES, FEEDBACK_MINUTES = 25.0, 2.0


def train(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FOLDER…", help="Folders of scores, or a JSON file of pieces.", exists=True),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Weights to write; else parts.safetensors, or with the learner's feedback."),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Processor minutes to train: 25, or 2 from feedback.", min=0.01)
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of the scores, for the manifest.")] = "not stated",
    device: Annotated[str, typer.Option(help="cpu, or cuda for a graphics card.")] = "cpu",
    width: Annotated[int, typer.Option(help="Width of the network, a multiple of 8.", min=32, max=4096)] = 192,
    layers: Annotated[int, typer.Option(help="Its layers.", min=1, max=64)] = 5,
    dropout: Annotated[
        float, typer.Option(help="More for fewer scores: 0.4 for some hundred short ones.", min=0.0, max=0.9)
    ] = 0.05,
    weight_decay: Annotated[
        float,
        typer.Option(help="Pull of weights towards 0; more for fewer scores: 1 for some hundred short ones.", min=0),
    ] = 0.1,
    seed: SeedOption = 0,
    threads: Annotated[int, typer.Option(help="Threads of torch.", min=1, max=256)] = 1,
    network: Annotated[
        str, typer.Option(help="grid (the AI player), or a baseline to compare with: lstm, transformer, gan.")
    ] = "grid",
    iterations: Annotated[
        int | None,
        typer.Option(help="Of a baseline, instead of minutes: the same again makes the same weights.", min=1),
    ] = None,
    from_feedback: Annotated[
        str | None, typer.Option(help="Instead of scores: what this learner liked, from the weights that ship on.")
    ] = None,
    start: Annotated[Path | None, typer.Option(help="With --from-feedback: other weights to go on from.")] = None,
    force: ForceOption = False,
    onnx: Annotated[bool, typer.Option("--onnx", help="Also as ONNX, beside the weights, for other programs.")] = False,
) -> None:
    """Train the AI player on scores; writes weights, where they come from, and an index that finds copies."""
    from ...engine.errors import ModelError

    if onnx and network != "grid":
        raise ModelError("--onnx is for the AI player's own network (grid)")
    if iterations is not None and (network == "grid" or from_feedback is not None):
        raise ModelError("--iterations is for baselines (--network lstm, transformer, gan)")
    if onnx:
        from ...models.part.onnx import check_exporter

        check_exporter()
    if (from_feedback is None) == (not sources):
        raise ModelError("say what to learn from: folders of scores, or --from-feedback and a learner's name")
    if from_feedback is not None:
        written = _tune(from_feedback, start, out, minutes or FEEDBACK_MINUTES, seed, threads, force)
        if onnx:
            write_onnx(written)
        return
    sources, out, minutes = sources or [], out or Path("parts.safetensors"), minutes or SCORES_MINUTES
    from ...models.baselines.catalogue import KINDS
    from ...models.baselines.training import train_baseline
    from ...models.part.corpus import check_source, read_pieces
    from ...models.part.network import PartShape
    from ...models.part.training import PartPlan, check_device, train_and_write
    from ...models.weights import check_place

    if network != "grid" and network not in KINDS:
        raise ModelError(f"no network {network!r}: there are grid, {', '.join(KINDS)}")
    check_place(out, sources, replace=force)
    check_device(device)
    for source in sources:
        check_source(source)
    plan = PartPlan(
        budget_s=60 * minutes,
        seed=seed,
        threads=threads,
        device=device,
        dropout=dropout,
        weight_decay=weight_decay,
        shape=PartShape(width=width, layers=layers),
    )
    pieces = []
    with progress_bars() as bars:
        for source in sources:
            reading = bars.add_task(f"Reading {source.name}")

            def tell(done: int, total: int, task: TaskID = reading) -> None:
                bars.update(task, completed=done, total=total)

            pieces += read_pieces(source, tell)
            bars.update(reading, completed=1, total=1)
        training = bars.add_task("Training", total=1.0)

        def show(share: float, loss: float) -> None:
            bars.update(training, completed=share, description=f"Training ({loss:.3f} nats)")
            if share >= 1.0 and network == "grid":
                bars.add_task("Fitting the rules beside it", total=None)

        options = f"--minutes {minutes:g} --width {width} --layers {layers} --dropout {dropout:g}"
        options += f" --weight-decay {weight_decay:g} --seed {seed} --threads {threads}"
        names = " ".join(source.name for source in sources)
        if network == "grid":
            manifest = train_and_write(
                pieces, out, plan, licence=licence, command=f"tutti train {names} {options}", progress=show
            )
        else:
            how_long = f"--minutes {minutes:g}" if iterations is None else f"--iterations {iterations}"
            manifest = train_baseline(
                network,
                pieces,
                out,
                budget_s=60 * minutes,
                licence=licence,
                command=f"tutti train {names} --network {network} {how_long} --seed {seed} --threads {threads}",
                iterations=iterations,
                seed=seed,
                threads=threads,
                progress=show,
            )
    console.print(f"{out}: {told(manifest.figures)}", highlight=False, soft_wrap=True)
    if onnx:
        write_onnx(out)


def _tune(
    name: str, start: Path | None, out: Path | None, minutes: float, seed: int, threads: int, force: bool
) -> Path:
    """Go on from weights with what a learner liked and disliked; where the new ones are."""
    from ...models.preference_training import TuningPlan
    from ...models.weights import check_place
    from ..ai.feedback_training import train_from_feedback

    if out is not None:
        check_place(out, replace=force)
    with progress_bars() as bars:
        tuning = bars.add_task("Tuning", total=1.0)

        def show(share: float, loss: float) -> None:
            bars.update(tuning, completed=share, description=f"Tuning ({loss:.3f} nats)")

        plan = TuningPlan(budget_s=60 * minutes, seed=seed, threads=threads)
        written, figures = train_from_feedback(name, start, plan, out, show)
    console.print(f"{written}: {told(figures)}", highlight=False, soft_wrap=True)
    if out is None:
        console.print(
            f"--learner {name!r} plays with them from now on; tutti learner reset {name!r} --tuning undoes it."
        )
    return written


def train_gesture(
    out: Annotated[Path, typer.Option("-o", "--out", help="Weights to write.")] = Path("gesture.safetensors"),
    minutes: Annotated[float, typer.Option(help="Processor minutes to train.", min=0.01)] = 60.0,
    lessons: Annotated[int, typer.Option(help="Takes of virtual conductors to learn from.", min=1)] = 6000,
    start: Annotated[
        list[Path] | None,
        typer.Option(help="Weights to go on from; several are put side by side.", exists=True, dir_okay=False),
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="The largest one.", min=1e-6, max=0.1)] = 3e-3,
    seed: SeedOption = 0,
    threads: Annotated[int, typer.Option(help="Threads of torch.", min=1)] = 1,
    force: ForceOption = False,
) -> None:
    """Train the network that reads gesture, on virtual conductors."""
    from ...models.gesture.training import GesturePlan
    from ...models.gesture.training import train_gesture as learn
    from ...models.weights import check_place

    check_place(out, replace=force)
    plan = GesturePlan(lessons, 60 * minutes, learning_rate=learning_rate, seed=seed, threads=threads)
    command = f"tutti train-gesture --minutes {minutes:g} --lessons {lessons} --learning-rate {learning_rate:g}"
    command += f" --seed {seed} --threads {threads}" + "".join(f" --start {path.name}" for path in start or ())
    with progress_bars() as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, share: float, loss: float) -> None:
            if what not in tasks:  # none is shown before what is wrong was told
                tasks[what] = bars.add_task(what, total=1.0)
            bars.update(tasks[what], completed=share, description=f"{what} ({loss:.3f} nats)" if loss else what)

        figures = learn(out, plan, command, show, start or ())
    console.print(f"{out}: {told(figures)}", highlight=False, soft_wrap=True)
