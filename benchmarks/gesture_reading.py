"""How well the network reads hands that it has not seen: tutti bench gesture-reading [--takes N] [--weights FILE]

Conductors drawn at random whose hands move in one way each: planned strokes (``swing``, ``minimum_jerk``,
``power_law``) and smooth curves (``spline``, ``spring``). Their seeds are not among those of the training. Printed for
each: how many icti have a peak of what is read over 0.2 within 60 ms, how many such peaks are icti, the error of the
next ictus as it is expected 0.2 s before (median of what is read), how often the beat of the bar is told rightly, and
whether the hand beats.
"""

import argparse
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tutti.assets import asset_path
from tutti.engine.conducting.beat_figures import Profile
from tutti.engine.conducting.gesture_features import FRAME_S
from tutti.engine.conducting.gesture_reader import BEAT, BEATING, ICTUS, KNOWN_AFTER_S, UNTIL, UNTIL_EDGES_S
from tutti.models.gesture.corpus import Lesson, lesson
from tutti.models.gesture.training import GestureNetwork, read_network

PEAK, NEAR_S, AHEAD_S = 0.2, 0.06, 0.2
LEAST_WIDTH = 108
"""Columns that the table needs, also where there is no terminal."""


def peaks(curve: np.ndarray, least: float) -> np.ndarray:
    middle = curve[1:-1]
    return 1 + np.flatnonzero((middle > curve[:-2]) & (middle >= curve[2:]) & (middle > least))


def read(network: GestureNetwork, taught: Lesson) -> tuple[np.ndarray, ...]:
    """Whether each ictus was found, each peak an ictus; errors ahead (s); in which frames the beat of the bar was told
    rightly, and whether the hand beats."""
    with torch.no_grad():
        out = network(torch.from_numpy(taught.frames.astype(np.float32))[None])[0][0]
    found = peaks(torch.sigmoid(out[:, ICTUS]).numpy(), PEAK)
    icti = peaks(taught.ictus.astype(float), 0.5)
    near = np.abs(found[:, None] - icti[None]) * FRAME_S <= NEAR_S
    until = np.cumsum(torch.softmax(out[:, UNTIL], 1).numpy(), axis=1)
    asked = icti[1:] - round((AHEAD_S + KNOWN_AFTER_S) / FRAME_S)
    asked = asked[asked > icti[:-1]]
    bounds_s = np.append(UNTIL_EDGES_S[1:], 4.0)
    expected_s = np.array([np.interp(0.5, until[frame], bounds_s) for frame in asked])
    places = (out[:, BEAT].argmax(1).numpy() == taught.beat)[taught.beat >= 0]
    beating = (out[:, BEATING].numpy() > 0) == (taught.beating > 0)
    return near.any(axis=0), near.any(axis=1), np.abs(expected_s - AHEAD_S), places, beating


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=40, help="conductors of each kind")
    parser.add_argument("--weights", type=Path, default=None, help="other weights than those that ship")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = Table(title="What is read of hands never seen", title_justify="left")
    for title in (
        "hand",
        "icti found",
        "peaks that are icti",
        "0.2 s ahead, median",
        "beat of the bar",
        "beating told",
    ):
        table.add_column(title, justify="left" if title == "hand" else "right")
    console = Console(width=max(LEAST_WIDTH, Console().width))
    network = read_network(options.weights or asset_path("weights", "gesture.safetensors"))
    for profile in get_args(Profile):
        seeds = track(range(options.takes), profile, console=Console(stderr=True), transient=True)
        results = [read(network, lesson(seed, profile)) for seed in seeds]
        icti, given, ahead_s, places, beating = map(np.concatenate, zip(*results, strict=True))
        ahead_ms = 1e3 * np.median(ahead_s)
        found, right, place, beats = (f"{told.mean():.3f}" for told in (icti, given, places, beating))
        table.add_row(profile, found, right, f"{ahead_ms:.0f} ms", place, beats)
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
