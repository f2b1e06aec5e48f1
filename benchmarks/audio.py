"""The sound beside its peers in one run: moving sources, a whole orchestra, the live path under load.

    python benchmarks/audio.py [--minutes 1] [--out DIR] [--quick] [--json FILE]

Peers are installed by hand; one that is missing is named with how to install it:

    apt install libopenal1 csound csound-data jackd2        pip install JACK-Client

Rates are seconds of sound per second of processor time on one core, each task measured in turn in this process, the
best of three, so that other work on the machine disturbs little. Live figures are wall-clock and need a quiet machine.
Pictures (spectrogram, decay curves, level of each section) go to ``--out``. Rooms and heads: ``tutti bench space``.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import _audio_live as live
import _audio_peers as peers
import numpy as np
from audio_players import orchestra, pyo_hrtf_factor, sawtooths

COUNTS = (8, 16, 32, 64, 128)
INSTRUMENTS = ["violin", "viola", "cello", "contrabass", "flute", "horn"]
RATIOS = {"OpenAL Soft": 4.0, "pyo.HRTF": 60.0, "Csound hrtfmove2": 5.0}
MOTION_MS = {256: 16.0, 128: 8.0}


class Judgement:
    """Prints each figure beside its limit and keeps all of them."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}

    def say(self, name: str, value: float, limit: float, at_least: bool, unit: str = "") -> None:
        met = value >= limit if at_least else value <= limit
        self.figures[name] = {"value": value, "limit": limit, "met": bool(met)}
        sign = "≥" if at_least else "≤"
        print(f"  {'met   ' if met else 'MISSED'} {name}: {value:.4g}{unit} ({sign} {limit:g}{unit})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="of live playing under load")
    parser.add_argument("--out", type=Path, help="folder for pictures")
    parser.add_argument("--quick", action="store_true", help="shorter runs: figures scatter more")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    judgement = Judgement()
    with one_core():
        moving_sources(judgement, 1.0 if options.quick else 3.0)
        whole_orchestra(judgement, 4.0 if options.quick else 10.0)
    play_live(judgement, options.minutes, 20 if options.quick else 100)
    if options.out is not None:
        from _audio_pictures import draw_pictures

        for path in draw_pictures(options.out):
            print(f"  {path}")
    if options.json is not None:
        options.json.write_text(json.dumps(judgement.figures, indent=1), encoding="utf-8")


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def moving_sources(judgement: Judgement, seconds: float) -> None:
    """Head-related transfer functions for sources that all move, against every peer that is there."""
    tasks: dict[str, Callable[[int, float], Any]] = {
        "Tutti": peers.tutti_factor,
        "OpenAL Soft": peers.openal_factor,
        "pyo.HRTF": pyo_hrtf_factor,
        "Csound hrtfmove2": peers.csound_factor,
    }
    print("Moving sources with HRTF: × real time on one core (every source in a new direction every block)")
    print(f"{'':18}" + "".join(f"{count:>9}" for count in COUNTS))
    rates: dict[str, list[float]] = {}
    for name, task in tasks.items():
        try:
            rates[name] = [_best(task, count, seconds) for count in COUNTS]
        except peers.PeerMissingError as error:
            print(f"{name:18} not compared: {error}")
            continue
        print(f"{name:18}" + "".join(f"{rate:9.2f}" for rate in rates[name]), flush=True)
    for name, limit in RATIOS.items():
        if name in rates:
            judgement.say(f"128 sources against {name}", rates["Tutti"][-1] / rates[name][-1], limit, True, " ×")
    costs = [1e6 / rate / count for rate, count in zip(rates["Tutti"], COUNTS, strict=True)]
    print("  µs of processor for a second of a source: " + ", ".join(f"{cost:.0f}" for cost in costs))
    judgement.say("a source among 128 costs, of one among 8", costs[-1] / costs[0], 1.0, False, " ×")


def _best(task: Callable[[int, float], Any], count: int, seconds: float) -> float:
    """The best of three runs; of one where a run is long already."""
    first = _rate(task(count, seconds))
    return first if first < 1.0 else max(first, *(_rate(task(count, seconds)) for _ in range(2)))


def _rate(answer: float | tuple[float, str]) -> float:
    return answer[0] if isinstance(answer, tuple) else answer


def whole_orchestra(judgement: Judgement, seconds: float) -> None:
    """80 players with reflections, hall and limiter."""
    sounds = sawtooths(INSTRUMENTS)
    orchestra(4, sounds, 1.0)  # compile
    runs = [orchestra(80, sounds, seconds) for _ in range(3)]
    factor, mean, most, *_, high = max(runs)
    print(
        f"80 players, {mean:.0f} voices sounding on average, {most} at most; 99 % of blocks below {high:.0%} of theirs"
    )
    judgement.say("80 players, × real time on one core", factor, 6.0, True, " ×")


def play_live(judgement: Judgement, minutes: float, turns: int) -> None:
    """JACK's dummy driver: the concert orchestra under load, and how soon a turn of the head is heard."""
    print(f"Live: JACK's dummy driver, blocks of 256, the concert orchestra, {minutes:g} min; load before: {_busy()}")
    try:
        figures = live.play_live(256, 60.0 * minutes, loaded=True)
        share = figures.missed / max(1, figures.blocks)
        status = figures.status
        print(
            f"  {figures.missed} of {figures.blocks} blocks missed while a picture is drawn, a network answers and "
            f"Python is busy; load {status.load:.0%}, peak {status.peak_load:.0%}, latency with the driver "
            f"{1000 * status.latency_s:.1f} ms, real-time priority: {'yes' if status.realtime else 'no'}"
        )
        print(
            f"  memory of the audio process {figures.resident_mb:.0f} MB ({figures.private_mb:.0f} MB its own); of the "
            f"one that stands by {figures.standby_private_mb:.0f} MB its own"
        )
        judgement.say("missed blocks", 100.0 * share, 0.01, False, " %")
        judgement.say("first sound after a warm start", figures.first_sound_s, 2.0, False, " s")
        for block, limit_ms in MOTION_MS.items():
            delays_ms = live.motion_to_sound_ms(block, turns)
            print(
                f"  head to sound at {block} ({len(delays_ms)} turns; block, lead, cell and limiter; driver excluded): "
                f"mean {delays_ms.mean():.1f}, 95 % {np.percentile(delays_ms, 95):.1f}, most {delays_ms.max():.1f} ms"
            )
            judgement.say(
                f"head to sound at {block}, 95 %", float(np.percentile(delays_ms, 95)), limit_ms, False, " ms"
            )
    except live.JackMissingError as error:
        print(f"  not measured: {error}")


def _busy() -> str:
    if not hasattr(os, "getloadavg"):
        return "unknown"
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


if __name__ == "__main__":
    started_s = time.monotonic()
    main()
    print(f"took {time.monotonic() - started_s:.0f} s")
