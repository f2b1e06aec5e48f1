"""Commands that train the networks."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_options import SeedOption, console, progress_bars


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
