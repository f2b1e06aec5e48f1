"""How well the orchestra follows hands of real people: tutti bench hands RECORDINGS HANDS [--takes N] [--json FILE]

RECORDINGS is a folder of scores and ``PIECE_RECORDING.csv`` timings, as for ``conducting``; HANDS one with recorded
hands (``_recorded_hands`` says which, and how their bars are made to conduct the recordings). No weight and no constant
of Tutti was fitted to them. Printed for each hand, beside simple followers: what ``tutti bench conducting`` prints.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _conducting_measures import Result, judged_take
from _conducting_takes import recorded_piece, recordings
from _recorded_hands import OPENING, conducted_by, read_hands
from rich.console import Console
from rich.progress import track
from rich.table import Table

BEATS = 144
"""Of each recording, so many beats."""
LEAST_WIDTH = 108
"""Columns that the table needs, also where there is no terminal."""
COLUMNS = ("takes", "F", "worst", "raw F", "CMLt", "gained/lost", "minima F", "loop F", "oracle F")


def figures(results: Sequence[Result]) -> dict[str, float]:
    """In the order of ``COLUMNS``."""
    f = [r.f for r in results]
    means = {
        "raw F": [r.raw_f for r in results],
        "CMLt": [r.cmlt for r in results],
        "gained/lost": [float(not r.sound) * len(results) for r in results],
        "minima F": [r.minima_f for r in results],
        "loop F": [r.loop_f for r in results],
        "oracle F": [r.oracle_f for r in results],
    }
    whole = {"takes": float(len(results)), "F": float(np.mean(f)), "worst": min(f)}
    return whole | {name: float(np.mean(values)) for name, values in means.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, help="scores and PIECE_RECORDING.csv timings")
    parser.add_argument("hands", type=Path, help="recorded hands, conducting_*.csv")
    parser.add_argument("--takes", type=int, default=3, help="recordings that each hand conducts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure here")
    options = parser.parse_args()
    known, hands = recordings(options.recordings), read_hands(options.hands)
    if not known or not hands:
        where, what = (options.hands, "recorded hands") if known else (options.recordings, "timings with their scores")
        parser.error(f"{where}: holds no {what}; see --help")
    names = sorted(known)
    tasks = [
        (hand, names[(number * options.takes + 5 * index) % len(names)])
        for number, hand in enumerate(hands)
        for index in range(options.takes)
    ]
    results: dict[str, list[Result]] = {}
    for hand, name in track(tasks, "conducting", console=Console(stderr=True), transient=True):
        piece, take, music_s, icti_s = conducted_by(hand, recorded_piece(name, *known[name], OPENING + BEATS), BEATS)
        results.setdefault(hand.name, []).append(judged_take(piece, hand.name, take, music_s, icti_s))
    rows = {name: figures(of) for name, of in results.items()}
    rows["all"] = figures([result for of in results.values() for result in of])
    table = Table(title="Following hands of real people", title_justify="left")
    for title in ("hand", *COLUMNS):
        table.add_column(title, justify="left" if title == "hand" else "right")
    for name, row in rows.items():
        if name == "all":
            table.add_section()
        counts = (
            f"{row[column]:.0f}" if column in ("takes", "gained/lost") else f"{row[column]:.3f}" for column in COLUMNS
        )
        table.add_row(name.removeprefix("conducting_"), *counts)
    Console(width=max(LEAST_WIDTH, Console().width)).print(table)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
