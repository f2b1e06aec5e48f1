"""How well the AI's parts are written: likelihood, voice leading, control, speed and copying, beside Bach's own row.

    tutti bench ai FOLDER [--weights FILE] [--minutes 10] [--quick]

FOLDER holds the canonical split of Bach's chorales (``Jsb16thSeparated.json``) and ``melody_overlap.json``, which tells
the test chorales whose melody is in the training set as well ("seen") from the others. The model of this benchmark is
trained on the training split alone, here (``--minutes`` of processor time) or before (``--weights``); it does not ship.
Nats are per note of the grid, all four voices, exact by the chain rule; voices are decoded soprano, bass, alto, tenor.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from _ai_measures import Pitches, as_pitches, copy_index, density_levels, longest_copy, summary
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from tutti.engine.errors import ModelError
from tutti.models.controls import Controls
from tutti.models.craft.rules import RuleSet
from tutti.models.decoding import DecodingSettings, PartDecoder
from tutti.models.grid import Place
from tutti.models.part.corpus import PartPiece, pieces_from_json
from tutti.models.part.network import PartNetwork, PartShape
from tutti.models.part.runtime import PartModel
from tutti.models.part.training import PartPlan, decoding_figures, load_network, piece_nats, train_parts, write_network
from tutti.models.weights import read_part_weights

RANGES = ((60, 81), (53, 74), (47, 69), (36, 64))
"""Of a choir's four voices, as the chorales use them."""
MOST_STEPS = 320
ORDERS = ((0, 3, 1, 2), (3, 2, 1, 0), (1, 2, 3, 0), (2, 0, 1, 3))
DENSITIES = (0.4, 0.75, 1.0, 1.25, 1.5, 2.0)
"""Onsets per quarter of a voice, one for each density level."""
BENCH_SHAPE = PartShape(width=192, layers=5, heads=4)
DROPOUT, WEIGHT_DECAY = 0.4, 1.0
console = Console(width=132)


@dataclass(frozen=True, slots=True)
class Row:
    """A figure beside the corpus's own, and what it must and should be (as words)."""

    figure: str
    measured: str
    corpus: str
    must: str
    aim: str
    met: str


def main() -> None:
    """Train or load, measure, print; ``--json`` for a file of the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, help="a model trained by this benchmark before")
    parser.add_argument("--keep", type=Path, help="where to keep the weights that are trained")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--temperature", type=float, default=DecodingSettings().temperature)
    parser.add_argument("--quick", action="store_true", help="a few pieces, two minutes of training at most")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    threadpool_limits(1)
    folder = options.folder
    path = next(
        (f for f in (folder / "Jsb16thSeparated.json", folder / "jsb" / "Jsb16thSeparated.json") if f.is_file()), None
    )
    if path is None:
        raise SystemExit(f"{folder}: no Jsb16thSeparated.json in there")
    pieces = pieces_from_json(path)
    unseen = json.loads((path.parent / "melody_overlap.json").read_text(encoding="utf-8"))["unseen"]
    test = [piece for piece in pieces if piece.split == "test"]
    weights = options.weights
    if weights is None:
        minutes = min(2.0, options.minutes) if options.quick else options.minutes
        weights = train(pieces, minutes, options.seed, options.keep)
    arrays, manifest = read_part_weights(weights)
    network = load_network(arrays, manifest.shape)
    model = PartModel(arrays, manifest)
    chosen = list(range(len(test)))[:: 6 if options.quick else 1]
    console.print(f"{manifest.shape['parameters'] / 1e6:.1f} M parameters, {len(chosen)} of {len(test)} test chorales")
    settings = DecodingSettings(temperature=options.temperature)
    rows = likelihood(network, test, chosen, set(unseen))
    rows += writing(model, [test[index] for index in chosen], pieces, settings, options.seed)
    rows += control(model, [test[index] for index in chosen][: 6 if options.quick else 40], settings, options.seed)
    rows += speed(seconds=2.0 if options.quick else 8.0)
    rows.append(repeatable(model, test[0], settings))
    show(rows)
    if options.json:
        options.json.write_text(json.dumps([_as_dict(row) for row in rows], indent=1))


def _as_dict(row: Row) -> dict[str, str]:
    return {name: getattr(row, name) for name in Row.__slots__}


def train(pieces: Sequence[PartPiece], minutes: float, seed: int, keep: Path | None) -> Path:
    """Train the benchmark's model without the test split; its weights' path."""
    # A few hundred pieces are soon known by heart: much more dropout and decay than for a large corpus.
    plan = PartPlan(budget_s=60.0 * minutes, seed=seed, dropout=DROPOUT, weight_decay=WEIGHT_DECAY, shape=BENCH_SHAPE)
    shown = [0.0]

    def progress(share: float, loss: float) -> None:
        if share >= shown[0]:
            shown[0] += 0.1
            console.print(f"training: {share:.0%}, {loss:.3f} nats")

    allowed = [piece for piece in pieces if piece.split != "test"]
    network, figures = train_parts(allowed, plan, progress)
    path = keep or Path(tempfile.mkdtemp()) / "chorales.safetensors"
    command = f"tutti bench ai FOLDER --minutes {minutes:g} --seed {seed}"
    write_network(path, network, allowed, licence="for the benchmark only", command=command, figures=figures)
    figures |= decoding_figures(PartModel.load(path), [piece for piece in pieces if piece.split == "valid"])
    write_network(path, network, allowed, licence="for the benchmark only", command=command, figures=figures)
    return path


def likelihood(network: PartNetwork, test: Sequence[PartPiece], chosen: Sequence[int], unseen: set[int]) -> list[Row]:
    """Nats per note of the test split: all, unseen melodies; the lower voices given the soprano; other orders."""

    def nats(order: Sequence[int], only: Sequence[int], given: Sequence[int] = ()) -> float:
        total, notes = 0.0, 0
        for index in only:
            piece = piece_nats(network, test[index], order, given)
            counted = np.delete(piece, list(given), axis=1)
            total, notes = total + float(counted.sum()), notes + counted.size
        return total / notes

    new = [index for index in chosen if index in unseen]
    plain, plain_new = nats(ORDERS[0], chosen), nats(ORDERS[0], new)
    lower = nats(ORDERS[0], chosen, (0,))
    others = [nats(order, chosen) for order in ORDERS[1:]]
    return [
        _row("nats per note, all test melodies", plain, "–", "≤", 0.375, 0.335),
        _row("nats per note, unseen melodies", plain_new, "–", "≤", 0.40, 0.36),
        _row("lower voices given the soprano so far", lower, "–", "≤", 0.39, 0.35),
        Row("nats per note in three other orders", " ".join(f"{value:.3f}" for value in others), "–", "", "", ""),
    ]


def answer(
    model: PartModel, piece: PartPiece, settings: DecodingSettings, seed: int, controls: Controls | None = None
) -> Pitches:
    """The lower three voices answered to a soprano as it comes, as pitches (steps, 4)."""
    steps = min(MOST_STEPS, len(piece.tokens))
    decoder = PartDecoder(model, given=(0,), ranges=RANGES, settings=settings, seed=seed)
    tokens = np.array(
        [decoder.step(piece.grid.at(step), {0: int(piece.tokens[step, 0])}, controls) for step in range(steps)]
    )
    return as_pitches(tokens)


def writing(
    model: PartModel, test: Sequence[PartPiece], pieces: Sequence[PartPiece], settings: DecodingSettings, seed: int
) -> list[Row]:
    """Voice leading, chords, density and copying of answers to the test sopranos, beside Bach's."""
    started = time.process_time()
    ours = [answer(model, piece, settings, seed + number) for number, piece in enumerate(test)]
    spent = time.process_time() - started
    free = replace(settings, rules=RuleSet.none())
    without = summary([answer(model, piece, free, seed + number) for number, piece in enumerate(test)])
    bach = [as_pitches(piece.tokens[:MOST_STEPS].astype(np.int64)) for piece in test]
    known = copy_index([as_pitches(piece.tokens.astype(np.int64)) for piece in pieces if piece.split == "train"])
    theirs, his = summary(ours), summary(bach)
    copies = float(np.percentile([longest_copy(pitches, known) for pitches in ours], 90))
    his_copies = float(np.percentile([longest_copy(pitches, known) for pitches in bach], 90))
    ratio = theirs["onsets"] / his["onsets"]
    console.print(f"{sum(map(len, ours))} sixteenths answered, {1000 * spent / sum(map(len, ours)):.2f} ms each")
    return [
        _row(
            "parallel fifths per 100 beats",
            theirs["fifths"],
            f"{his['fifths']:.2f}",
            "≤",
            1.5 * his["fifths"],
            his["fifths"],
        ),
        _row(
            "parallel octaves per 100 beats",
            theirs["octaves"],
            f"{his['octaves']:.2f}",
            "≤",
            1.5 * his["octaves"],
            his["octaves"],
        ),
        Row("the same with no rules on", f"{without['fifths']:.1f} / {without['octaves']:.1f}", "", "", "", ""),
        Row(
            "onsets of the lower voices per beat",
            f"{theirs['onsets']:.2f}",
            f"{his['onsets']:.2f}",
            "within 10 %",
            "",
            "yes" if abs(ratio - 1) <= 0.1 else "NO",
        ),
        _row("chord-tone beats, %", theirs["chords"], f"{his['chords']:.1f}", "≥", 90.0, 92.0),
        Row("the same with no rules on", f"{without['chords']:.1f}, {without['onsets']:.2f} onsets", "", "", "", ""),
        _row("longest copied run, 90th percentile, 16ths", copies, f"{his_copies:.0f}", "≤", 23.0, 16.0),
    ]


def control(model: PartModel, test: Sequence[PartPiece], settings: DecodingSettings, seed: int) -> list[Row]:
    """Each density level is asked for throughout; how often it is met in the coming sixteen steps."""
    near, exact, total, means = 0, 0, 0, []
    for level, density in enumerate(DENSITIES):
        music = [
            answer(model, replace(piece, tokens=piece.tokens[:192]), settings, seed + number, Controls(density=density))
            for number, piece in enumerate(test)
        ]
        found = np.concatenate([density_levels(pitches) for pitches in music])
        near += int((abs(found - level) <= 1).sum())
        exact += int((found == level).sum())
        total += len(found)
        means.append(summary(music)["onsets"])
    return [
        _row("density control: within one level, %", 100 * near / total, "–", "≥", 90.0, 97.0),
        _row("density control: exact, %", 100 * exact / total, "–", "≥", 60.0, 80.0),
        Row("onsets per beat at the six levels", " ".join(f"{mean:.1f}" for mean in means), "", "", "", ""),
    ]


def _load(ready: "multiprocessing.synchronize.Event", core: int) -> None:
    """A conducting loop's share of the core: three milliseconds in every ten."""
    os.sched_setaffinity(0, {core})
    ready.set()
    while True:
        until = time.perf_counter() + 0.003
        while time.perf_counter() < until:
            pass
        time.sleep(0.007)


def speed(seconds: float) -> list[Row]:
    """Milliseconds for a sixteenth (three voices, all rules) at 8 and 26 million parameters, on a core shared with a
    process that takes 30 % of it."""
    if not hasattr(os, "sched_setaffinity"):
        return []
    rows = []
    cores = os.sched_getaffinity(0)
    core = min(cores)
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    beside = context.Process(target=_load, args=(ready, core), daemon=True)
    beside.start()
    ready.wait(30)
    os.sched_setaffinity(0, {core})
    try:
        for shape, must in (
            (PartShape(width=320, layers=6, heads=5), 10.0),
            (PartShape(width=512, layers=8, heads=8), None),
        ):
            model, count = random_model(shape)
            wall, processor = step_times(model, seconds)
            text = f"{np.percentile(wall, 99):.1f} (processor {np.percentile(processor, 99):.1f})"
            met = "" if must is None else ("yes" if np.percentile(wall, 99) <= must else "NO")
            rows.append(
                Row(
                    f"99th percentile per 16th at {count / 1e6:.1f} M, ms",
                    text,
                    "–",
                    "≤ 10" if must else "",
                    "≤ 10",
                    met,
                )
            )
    finally:
        os.sched_setaffinity(0, cores)
        beside.terminate()
        beside.join()
    return rows


def random_model(shape: PartShape) -> tuple[PartModel, int]:
    torch.manual_seed(0)
    network = PartNetwork(shape)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.safetensors"
        write_network(path, network, [], licence="", command="", figures={})
        return PartModel.load(path), network.describe()["parameters"]


def step_times(model: PartModel, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Wall and processor milliseconds of each step after the first bars."""
    decoder = PartDecoder(model, given=(0,), ranges=RANGES)
    wall, processor = [], []
    started = time.perf_counter()
    step = 0
    while time.perf_counter() - started < seconds or step < 250:
        begun, used = time.perf_counter(), time.process_time()
        decoder.step(Place(step % 4, step // 4 % 4, 4), {0: 40 + step // 4 % 8 if step % 4 == 0 else 0})
        wall.append(time.perf_counter() - begun)
        processor.append(time.process_time() - used)
        step += 1
    return 1000 * np.array(wall[32:]), 1000 * np.array(processor[32:])


def repeatable(model: PartModel, piece: PartPiece, settings: DecodingSettings) -> Row:
    short = replace(piece, tokens=piece.tokens[:96])
    once, again, other = (answer(model, short, settings, seed) for seed in (7, 7, 8))
    same = np.array_equal(once, again) and not np.array_equal(once, other)
    return Row(
        "same seed, same notes; another seed, others",
        "yes" if same else "no",
        "–",
        "yes",
        "yes",
        "yes" if same else "NO",
    )


def _row(figure: str, value: float, corpus: str, sense: str, must: float, aim: float) -> Row:
    met = value <= must if sense == "≤" else value >= must
    best = value <= aim if sense == "≤" else value >= aim
    style = "{:.3f}" if must < 1 and "100" not in figure else "{:.2f}" if must < 10 else "{:.1f}"
    return Row(
        figure,
        style.format(value),
        corpus,
        f"{sense} {style.format(must)}",
        f"{sense} {style.format(aim)}",
        "yes, and the aim" if best and met else "yes" if met else "NO",
    )


def show(rows: Sequence[Row]) -> None:
    table = Table(title="AI parts")
    for title in ("figure", "model", "corpus", "must", "aim", "met"):
        table.add_column(title, min_width=34 if title == "figure" else None)
    for row in rows:
        table.add_row(row.figure, row.measured, row.corpus, row.must, row.aim, row.met)
    console.print(table)


if __name__ == "__main__":
    try:
        main()
    except ModelError as error:
        raise SystemExit(str(error)) from error
