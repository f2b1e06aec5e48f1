"""Commands that train the networks."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import TaskID

from .cli_options import SeedOption, console, progress_bars


def train(
    sources: Annotated[
        list[Path], typer.Argument(metavar="FOLDER…", help="Folders of scores, or a JSON file of pieces.", exists=True)
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Weights to write.")] = Path("parts.safetensors"),
    minutes: Annotated[float, typer.Option(help="Processor minutes to train.", min=0.01)] = 25.0,
    licence: Annotated[str, typer.Option(help="Licence of the scores, for the manifest.")] = "not stated",
    device: Annotated[str, typer.Option(help="cpu, or cuda for a graphics card.")] = "cpu",
    width: Annotated[int, typer.Option(help="Width of the network, a multiple of 8.", min=32)] = 192,
    layers: Annotated[int, typer.Option(help="Its layers.", min=1)] = 5,
    dropout: Annotated[float, typer.Option(help="More for fewer scores: 0.2 for some hundred short ones.")] = 0.05,
    seed: SeedOption = 0,
    threads: Annotated[int, typer.Option(help="Threads of torch.", min=1)] = 1,
) -> None:
    """Train the AI player on scores; writes weights, where they come from, and an index that finds copies."""
    from ..models.part_corpus import read_pieces
    from ..models.part_network import PartShape
    from ..models.part_training import PartPlan, train_and_write

    plan = PartPlan(
        budget_s=60 * minutes,
        seed=seed,
        threads=threads,
        device=device,
        dropout=dropout,
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

        options = f"--minutes {minutes:g} --width {width} --layers {layers} --dropout {dropout:g} --seed {seed}"
        command = f"tutti train {' '.join(source.name for source in sources)} {options} --threads {threads}"
        manifest = train_and_write(pieces, out, plan, licence=licence, command=command, progress=show)
    console.print(f"{out}: {manifest.figures}")


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
