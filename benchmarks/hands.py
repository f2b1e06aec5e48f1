"""How well the orchestra follows hands of real people.

    tutti bench hands RECORDINGS HANDS [--takes N] [--seen] [--json FILE]

RECORDINGS is a folder of scores and ``PIECE_RECORDING.csv`` timings, as for ``conducting``; HANDS one with recorded
hands (``_recorded_hands`` says which, and how their bars are made to conduct the recordings). No weight of Tutti was
trained on them. Printed for each hand, beside simple followers: what ``tutti bench conducting`` prints. With
``--seen`` also the same hands seen in other ways: by a headset or a webcam, tilted, from the side, small. Then what
hands do at their icti, recorded ones and virtual conductors of some kinds: how far they turn there, and how fast they
are in parts of the speed around; the median hand and the range of 80 %.
"""

import argparse
import itertools
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from _conducting_measures import Result, judged_take, summary
from _conducting_takes import recorded_piece, recordings
from _recorded_hands import FRAMES_HZ, OPENING, SEEN, Conducted, Hand, at_icti, conducted_by, read_hands, seen_as
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tutti.engine.conducting.beat_figures import Manner, Profile
from tutti.engine.conducting.imperfect_tracking import Tracking
from tutti.engine.conducting.mannerisms import random_style
from tutti.engine.conducting.virtual_conductor import conduct, intended
from tutti.engine.plain_score import plain_score

BEATS = 144
"""Of each recording, so many beats."""
VIRTUAL = 16
PROFILE: tuple[Profile, ...] = ("swing", "spline", "spring")
MANNER: tuple[Manner, ...] = ("standard", "horizontal")
LEAST_WIDTH = 108
"""Columns that the table needs, also where there is no terminal."""
COLUMNS = {
    "takes": ("takes", "{:.0f}"),
    "F": ("f", "{:.3f}"),
    "worst": ("f_min", "{:.3f}"),
    "raw F": ("raw_f", "{:.3f}"),
    "CMLt": ("cmlt", "{:.3f}"),
    "gained/lost": ("miscounted", "{:.0f}"),
    "minima F": ("minima_f", "{:.3f}"),
    "loop F": ("loop_f", "{:.3f}"),
    "oracle F": ("oracle_f", "{:.3f}"),
}
"""What is printed of each hand: title, key of ``summary`` and format."""


def icti_table(hands: Sequence[Hand]) -> Table:
    """How recorded and virtual hands turn and slow down at their icti."""
    table = Table(title="At the ictus", title_justify="left")
    for title in ("hands", "turn", "80 %", "speed", "80 %"):
        table.add_column(title, justify="left" if title == "hands" else "right")
    kinds = {
        "recorded": [at_icti(np.arange(len(h.way_m)) / FRAMES_HZ, h.way_m, h.icti / FRAMES_HZ) for h in hands],
        **{f"{profile}, {manner}": virtual_at_icti(profile, manner) for profile in PROFILE for manner in MANNER},
    }
    for name, measured in kinds.items():
        (turn, low, high), (speed, slow, fast) = np.percentile(np.array(measured), (50, 10, 90), axis=0).T
        table.add_row(name, f"{turn:.0f}°", f"{low:.0f} to {high:.0f}°", f"{speed:.2f}", f"{slow:.2f} to {fast:.2f}")
    return table


def virtual_at_icti(profile: Profile, manner: Manner) -> list[tuple[float, float]]:
    """The same of virtual conductors of one kind, in four at 80 beats a minute, well tracked."""
    score = plain_score((1.0,) * 4, 8, 80.0)
    timings = score.beats["quarter"].astype(float), 3.0 + 0.75 * np.arange(32)
    measured = []
    for seed in range(VIRTUAL):
        style = random_style(np.random.default_rng(seed))
        style = replace(style, profile=profile, manner=manner, subdivided=0.0, neglect=0.0, jitter_s=0.01)
        take = conduct(score, timings, seed=seed, style=style, tracking=Tracking(rate_hz=90.0, noise_m=0.0001))
        baton = take.of("baton")
        times_s, places_m = np.array([p.time_s for p in baton]), np.array([p.position_m for p in baton])
        measured.append(at_icti(times_s, places_m, intended(score, timings, seed=seed, style=style)[1]))
    return measured


def conducted_recordings(hands: int, names: Sequence[str], takes: int) -> list[list[str]]:
    """Names of the recordings that each hand conducts: ``takes`` of them if there are so many, none twice."""
    stride = next(step for step in itertools.count(5) if math.gcd(step, len(names)) == 1)
    each = range(min(takes, len(names)))
    return [[names[(number * takes + stride * index) % len(names)] for index in each] for number in range(hands)]


def seen_otherwise(conducted: Iterator[tuple[str, Conducted]], count: int) -> dict[str, list[Result]]:
    """How takes of hands are followed in each way in which they may be ``SEEN``."""
    results: dict[str, list[Result]] = {way: [] for way in SEEN}
    for number, (name, (piece, take, music_s, icti_s)) in enumerate(
        track(conducted, "seen otherwise", count, console=Console(stderr=True), transient=True)
    ):
        for way, of in results.items():
            seen, late_s = seen_as(take, way, number)
            of.append(judged_take(piece, name, seen, music_s, icti_s + late_s))
    return results


def following_table(title: str, first: str, rows: dict[str, dict[str, float]]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in (first, *COLUMNS):
        table.add_column(column, justify="left" if column == first else "right")
    for name, row in rows.items():
        if name == "all":
            table.add_section()
        cells = (style.format(row[key]) for key, style in COLUMNS.values())
        table.add_row(name.removeprefix("conducting_"), *cells)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, help="scores and PIECE_RECORDING.csv timings")
    parser.add_argument("hands", type=Path, help="recorded hands, conducting_*.csv")
    parser.add_argument("--takes", type=int, default=3, help="recordings that each hand conducts")
    parser.add_argument("--seen", action="store_true", help="also the same hands seen in other ways, a take of each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure here")
    options = parser.parse_args()
    try:
        known, hands = recordings(options.recordings), read_hands(options.hands)
    except ValueError as error:
        parser.error(str(error))
    if not known or not hands:
        where, what = (options.hands, "recorded hands") if known else (options.recordings, "timings with their scores")
        parser.error(f"{where}: holds no {what}; see --help")
    conducted = conducted_recordings(len(hands), sorted(known), options.takes)
    tasks = [(hand, name) for hand, names in zip(hands, conducted, strict=True) for name in names]

    def conducted_take(hand: Hand, name: str) -> Conducted:
        return conducted_by(hand, recorded_piece(name, *known[name], OPENING + BEATS), BEATS)

    results: dict[str, list[Result]] = {}
    for hand, name in track(tasks, "conducting", console=Console(stderr=True), transient=True):
        piece, take, music_s, icti_s = conducted_take(hand, name)
        results.setdefault(hand.name, []).append(judged_take(piece, hand.name, take, music_s, icti_s))
    rows = {name: summary(of) for name, of in results.items()}
    rows["all"] = summary([result for of in results.values() for result in of])
    console = Console(width=max(LEAST_WIDTH, Console().width))
    console.print(following_table("Following hands of real people", "hand", rows))
    if options.seen:
        first = ((hand.name, conducted_take(hand, names[0])) for hand, names in zip(hands, conducted, strict=True))
        ways = {way: summary(of) for way, of in seen_otherwise(first, len(hands)).items()}
        console.print(following_table("The same hands, a take of each, seen otherwise", "seen", ways))
        rows |= ways
    console.print(icti_table(hands))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
