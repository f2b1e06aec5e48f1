"""How well the orchestra follows a conductor: takes of many virtual conductors against what they meant.

    tutti bench conducting [FOLDER] [--quick] [--json FILE] [--jobs N] [--only TEXT] [--takes] [--tune]

Every take goes through the whole path of a performance, from poses to scheduled notes. With a folder that holds
scores and ``PIECE_RECORDING.csv`` timings (columns quarter, time_s) the real recordings are conducted too, beside the
built-in tempo curves. Conductors are the textbook's (``USUAL``), each with a difficulty of theirs, and ones drawn at
random (``any N``: figure, size, shape, lag of each beat, noise and device; ``smooth N``: the same, with a hand that
moves as one curve and tops of its own; the same ones every time). Printed for each
set of takes, and beside simple baselines on the same takes:

F: beats within ±70 ms of the music after the constant lag of the first eight bars (32 beats at least), and after those;
raw F: of all beats with no lag taken off; CMLt (mir_eval); takes in which a beat was gained or lost, even if only for a
while; tempo: of the tempo that was played over four beats; period: error of its estimate halfway through each beat
against the music's, a little smoothed; next beat: error of its prediction as it stands when the beat sounds, halfway to
it, and when the one before was detected; lag: of the playhead behind the music. ``oracle`` plays at the hand's true
icti, less the mean lag that each beat of the bar had in the first bars: what the conductor's own noise leaves.

Then situations of their own, and every figure that has a target beside it: of all conductors, and of the textbook's
alone. Takes that fail are listed with the command that repeats one.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
from _conducting_measures import Result, summary, trial
from _conducting_situations import SITUATIONS, is_usual
from _conducting_takes import USUAL, Piece, cast, conductor, curves, recorded_piece, recordings
from _conducting_targets import TARGETS, Measured, Target, judged, shown
from _conducting_tuning import tune
from conducting_signs import figures as signs_measured
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

QUICK_BEATS = 96
DRAWN = 3
"""Conductors drawn at random for each piece. What is tuned is tuned on the first; the others tell how well."""
LEAST_WIDTH = 108
"""Columns that the tables need, also where there is no terminal."""
console = Console(width=max(LEAST_WIDTH, Console().width))
Task = TypeVar("Task")
Outcome = TypeVar("Outcome")
Take = tuple[str, str]
"""A piece and who conducts it, by name."""


def piece(folder: Path | None, beats: int, name: str) -> Piece:
    """A built-in curve or a recording of the folder by its name."""
    if name in curves():
        return curves()[name]
    assert folder is not None
    return recorded_piece(name, *recordings(folder)[name], beats)


def one_trial(folder: Path | None, beats: int, take: Take) -> Result:
    return trial(piece(folder, beats, take[0]), conductor(take[1], take[0]))


def one_situation(task: tuple[str, int]) -> Measured:
    return SITUATIONS[task[0]][0](task[1])


def run_all(what: str, work: Callable[[Task], Outcome], tasks: Sequence[Task], jobs: int) -> list[Outcome]:
    """Every task's outcome, in order, with progress shown; in processes of their own if ``jobs`` is more than 1."""
    with Progress(*Progress.get_default_columns(), console=Console(stderr=True), transient=True) as progress:
        if jobs <= 1:
            return list(progress.track(map(work, tasks), total=len(tasks), description=what))
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            return list(progress.track(pool.map(work, tasks), total=len(tasks), description=what))


def set_of(result: Result) -> str:
    drawn = "smooth" if result.conductor.startswith("smooth") else "at random"
    who = "textbook" if result.conductor in USUAL else drawn
    return f"{'curves' if result.piece in curves() else 'recordings'}, {who}"


ROWS: dict[str, tuple[str, str]] = {
    "takes": ("takes", "{:.0f}"),
    "F, mean": ("f", "{:.3f}"),
    "F, worst take": ("f_min", "{:.3f}"),
    "raw F": ("raw_f", "{:.3f}"),
    "CMLt": ("cmlt", "{:.3f}"),
    "takes with a beat gained or lost": ("miscounted", "{:.0f}"),
    "tempo error, median": ("tempo_median", "{:.1%}"),
    "tempo error, 90th percentile": ("tempo_p90", "{:.1%}"),
    "period error, median": ("period_median", "{:.1%}"),
    "period error, 90th percentile": ("period_p90", "{:.1%}"),
    "next beat when it sounds, median": ("sounded_median_s", "{:.3f} s"),
    "next beat when it sounds, 90th percentile": ("sounded_p90_s", "{:.3f} s"),
    "next beat at the last, median": ("prediction_median_s", "{:.3f} s"),
    "next beat at the last, 90th percentile": ("prediction_p90_s", "{:.3f} s"),
    "next beat halfway, median": ("halfway_median_s", "{:.3f} s"),
    "next beat halfway, 90th percentile": ("halfway_p90_s", "{:.3f} s"),
    "lag, median": ("lag_s", "{:.3f} s"),
    "causal minima: F": ("minima_f", "{:.3f}"),
    "causal minima: beats gained or lost": ("minima_miscounted", "{:.0f}"),
    "phase-locked loop: F": ("loop_f", "{:.3f}"),
    "phase-locked loop: CMLt": ("loop_cmlt", "{:.3f}"),
    "phase-locked loop: beats gained or lost": ("loop_miscounted", "{:.0f}"),
    "metronome at the true mean: F": ("metronome_f", "{:.3f}"),
    "oracle: F": ("oracle_f", "{:.3f}"),
}
"""What is printed of each set of takes: title, key of ``summary`` and format."""


def sets_table(sets: dict[str, dict[str, float]]) -> Table:
    table = Table(title="Following, and simple followers on the same takes", title_justify="left")
    table.add_column("")
    for name in sets:
        table.add_column(name, justify="right", max_width=12)
    for title, (key, style) in ROWS.items():
        table.add_row(title, *(style.format(of[key]) for of in sets.values()))
        if key in ("lag_s", "miscounted"):
            table.add_section()
    return table


def targets_table(measured: Measured, textbook: Measured) -> tuple[Table, dict[str, dict[str, float | bool | None]]]:
    """Every target with what was measured of all conductors, and of the textbook's alone."""
    table = Table(title="Targets", title_justify="left")
    for title in ("figure", "all", "", "textbook", "", "must be"):
        table.add_column(title, justify="left" if title in ("figure", "") else "right")
    figures: dict[str, dict[str, float | bool | None]] = {}
    for (target, value), (_, usual) in zip(judged(measured), judged(textbook), strict=True):
        met, usual_met = (None if of is None else target.met(of) for of in (value, usual))
        figures[target.figure] = {
            "value": value, "met": met, "textbook": usual, "textbook_met": usual_met, "bound": target.bound,
        }  # fmt: skip
        cells = (cell for of in (value, usual) for cell in _judged_cells(target, of))
        table.add_row(target.figure, *cells, f"{target.sense} {shown(target, target.bound)}")
    return table, figures


def _judged_cells(target: Target, value: float | None) -> tuple[str, str]:
    if value is None:
        return "[dim]–[/]", ""
    return shown(target, value), "[green]✓[/]" if target.met(value) else "[red]✗[/]"


def failures_table(results: Sequence[Result], count: int) -> Table:
    """The takes that fail worst: miscounted ones first, then by F."""
    table = Table(title="Worst takes (repeat one with --only 'PIECE/CONDUCTOR')", title_justify="left")
    for title in ("take", "F", "raw F", "CMLt", "gained/lost", "beats off", "lag", "oracle F"):
        table.add_column(title, justify="left" if title == "take" else "right")
    for r in sorted(results, key=lambda r: (r.sound, r.f))[:count]:
        table.add_row(
            f"{r.piece}/{r.conductor}", f"{r.f:.3f}", f"{r.raw_f:.3f}", f"{r.cmlt:.3f}", f"{r.count_error:+d}",
            str(r.miscounted), f"{1e3 * r.lag_s:.0f} ms", f"{r.oracle_f:.3f}",
        )  # fmt: skip
    return table


def measurements(results: Sequence[Result], situations: Iterable[Measured]) -> Measured:
    """All measurements by name, as the targets read them."""
    measured: dict[str, list[float]] = defaultdict(list)
    for r in results:
        measured["f"].append(r.f)
        measured["cmlt"].append(r.cmlt)
        measured["miscounted takes"].append(float(not r.sound))
        if r.conductor in USUAL:
            measured["raw f, usual"].append(r.raw_f)
        measured["tempo error"] += r.tempo_error.tolist()
        measured["sounded"] += r.sounded_s.tolist()
        measured["cost"].append(r.cost_s)
        measured["step"] += r.step_cost_s.tolist()
    for situation in situations:
        for name, values in situation.items():
            measured[name] += values
    return dict(measured)


def sign_figures(quick: bool) -> Measured:
    """What the benchmark of signs measures (cues, balance, cut-offs, articulation), one figure each."""
    return {name: [value] for name, value in signs_measured(quick).items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="scores and PIECE_RECORDING.csv timings")
    parser.add_argument("--quick", action="store_true", help="fewer conductors and trials, the start of each recording")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure here")
    parser.add_argument("--jobs", type=int, default=1, help="processes at work at once")
    parser.add_argument("--only", default="", metavar="TEXT", help="only takes, and situations, whose name holds this")
    parser.add_argument("--usual", type=int, help="textbook conductors for each piece")
    parser.add_argument("--drawn", type=int, help="conductors drawn at random for each piece")
    parser.add_argument("--takes", action="store_true", help="list every take")
    parser.add_argument("--tune", action="store_true", help="search the baselines' parameters and stop")
    options = parser.parse_args()
    if options.tune:
        tune()
        return 0
    usual = options.usual if options.usual is not None else 1 if options.quick else 2
    drawn = options.drawn if options.drawn is not None else DRAWN
    if "/" in options.only:
        usual, drawn = len(USUAL), max(drawn, 20)
    names = [*(recordings(options.folder) if options.folder else ()), *curves()]
    if options.folder and len(names) == len(curves()):
        parser.error(f"{options.folder}: holds no timings PIECE_RECORDING.csv whose score PIECE.mxl is there too")
    takes = [take for take in cast(names, usual, drawn) if options.only in "/".join(take)]
    tasks = [
        (name, number)
        for name, (_, full, quick) in SITUATIONS.items()
        for number in range(quick if options.quick else full)
        if options.only in name
    ]
    if not takes and not tasks:
        parser.error(f"--only {options.only}: no take and no situation is called so")
    beats = QUICK_BEATS if options.quick else 0
    results = run_all("conducting", partial(one_trial, options.folder, beats), takes, options.jobs)
    situations = run_all("situations", one_situation, tasks, options.jobs)
    measured = measurements(results, situations)
    textbook = measurements(
        [result for result in results if result.conductor in USUAL],
        [situation for (_, number), situation in zip(tasks, situations, strict=True) if is_usual(number)],
    )
    if results:
        grouped: dict[str, list[Result]] = defaultdict(list)
        for result in results:
            grouped[set_of(result)].append(result)
        sets = {name: summary(of) for name, of in grouped.items()} | {"all": summary(results)}
        console.print(sets_table(sets))
        console.print(failures_table(results, len(results) if options.takes else 12))
    signs = {} if options.only else sign_figures(options.quick)
    table, figures = targets_table(measured | signs, textbook)
    for name in [name for name in signs if name not in {target.measured for target in TARGETS}]:
        table.add_row(name, f"{signs[name][0]:.3f}")
    console.print(table)
    if options.json:
        everything = {
            "sets": sets if results else {},
            "figures": figures,
            "takes": [
                {key: value for key, value in asdict(result).items() if not isinstance(value, np.ndarray)}
                for result in results
            ],
        }
        options.json.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    return 0 if all(figure["met"] is not False for figure in figures.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
