"""How well the orchestra follows: takes of virtual conductors against the beat times they were made from.

    python benchmarks/following.py [FOLDER] [--noise 0.003] [--rate 60] [--seeds 1] [--styles default,legato]

With a folder that holds ``scores/*.mxl`` and ``timings/PIECE_RECORDING.csv`` (or both side by side) every recording is
conducted and followed; without one, built-in tempo curves are. Printed for each: F-measure at ±70 ms and CMLt
(mir_eval) after the first eight bars' median lag is taken off, and after those bars; the raw F with no lag taken off;
that lag; beats gained or lost; the step's cost. Beside it two baselines on the same take: a metronome at the true mean
tempo that starts on time, and a follower that plays a beat at every causal minimum of the baton's height.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import mir_eval
import numpy as np

from tutti.engine.conducting.beat_figures import Style
from tutti.engine.conducting.beat_grid import beaten_as
from tutti.engine.conducting.follower import Follower
from tutti.engine.conducting.ictus import IctusDetector
from tutti.engine.conducting.tempo import TempoTracker
from tutti.engine.conducting.tracking import Take
from tutti.engine.conducting.virtual_conductor import Timings, beat_times, conduct, read_timings
from tutti.engine.score import BEAT_DTYPE, FERMATA_DTYPE, MEASURE_DTYPE, NOTE_DTYPE, TEMPO_DTYPE, Part, Score
from tutti.engine.types import Pose

STYLES: dict[str, Style] = {
    "default": Style(),
    "dip": Style(preparation="dip", lag=1.0, jitter_s=0.02),
    "bouncy": Style(bounce=1.0, double_bounce=0.2, preparation="dip"),
    "legato": Style(bounce=0.0, hold="slow", lag=1.0, jitter_s=0.025),
    "tiny": Style(size_m=0.08, sway_m=0.01),
    "large": Style(size_m=0.6, mirror=True, sway_m=0.06, variation=0.2),
    "flourish": Style(flourish=0.4, double_bounce=0.1, variation=0.25, jitter_s=0.025),
    "late-fall": Style(lean=1.4, bounce=0.2, lag=0.2),
    "early-fall": Style(lean=0.7, bounce=0.3, lag=0.0, hold="slow", preparation="dip"),
}


@dataclass(frozen=True, slots=True)
class Result:
    """What one follower made of one take. Times in seconds; ``count_error`` in beats."""

    f: float
    raw_f: float
    cmlt: float
    lag_s: float
    count_error: int
    step_us: float


def follow(score: Score, take: Take, first: int) -> tuple[np.ndarray, int, float]:
    """Times of the orchestra's beats by index from ``first`` (NaN: not reached), beats counted, cost in µs a pose."""
    ictus, tempo, follower = IctusDetector(), TempoTracker(score, first), Follower(score, first)
    times = np.full(len(score.beats) - first, np.nan)
    poses = take.of("baton")
    begin = time.process_time()
    for pose in poses:
        estimate = tempo.step(pose, ictus.step(pose, tempo.estimate))
        for crossing in follower.step(pose.time_s, estimate)[1]:
            times[crossing.beat_index - first] = crossing.time_s
    cost = (time.process_time() - begin) / len(poses) * 1e6
    return times, 0 if tempo.estimate is None else tempo.estimate.beat_index - first + 1, cost


def causal_minima(poses: list[Pose]) -> np.ndarray:
    """A beat at every lowest point of the baton that is known by a rise of 3 cm after a fall of 3 cm."""
    found, falling, top, low = [], False, -1e9, 1e9
    for pose in poses:
        y = pose.position_m[1]
        if falling:
            low = min(low, y)
            if y > low + 0.03:
                found.append(pose.time_s)
                falling, top = False, y
        else:
            top = max(top, y)
            if y < top - 0.03:
                falling, low = True, y
    return np.array(found)


def judge(reference: np.ndarray, beats: np.ndarray, bar: int, count_error: int, step_us: float) -> Result:
    """Compare beats by index with the truth."""
    head = min(8 * bar, len(reference) // 2)
    known = ~np.isnan(beats)
    played = beats[known]
    if known[:head].sum() < 2 or len(played) <= head:
        return Result(0.0, 0.0, 0.0, float("nan"), count_error, step_us)
    lag = float(np.median((beats - reference)[:head][known[:head]]))
    moved = played - lag
    after = moved[moved > reference[head] - 0.1]
    return Result(
        f=mir_eval.beat.f_measure(reference[head:], after),
        raw_f=mir_eval.beat.f_measure(reference, played),
        cmlt=mir_eval.beat.continuity(reference, moved)[1],
        lag_s=lag,
        count_error=count_error,
        step_us=step_us,
    )


def baselines(reference: np.ndarray, poses: list[Pose], bar: int) -> tuple[float, float]:
    """F of the metronome and of the causal minima, each with its best constant lag over the first eight bars."""
    metronome = np.linspace(reference[0], reference[-1], len(reference))
    minima = causal_minima(poses)
    head = min(8 * bar, len(reference) // 2)
    scores = []
    for beats in (metronome, minima):
        nearest = beats[np.argmin(np.abs(beats[None] - reference[:head, None]), axis=1)] if len(beats) else reference
        moved = beats - float(np.median(nearest[:head] - reference[:head]))
        scores.append(mir_eval.beat.f_measure(reference[head:], moved[moved > reference[head] - 0.1]))
    return scores[0], scores[1]


def trial(score: Score, timings: Timings, style: Style, seed: int, noise_m: float, rate_hz: float) -> Result:
    """Conduct, follow, judge."""
    take = conduct(score, timings, seed=seed, noise_m=noise_m, rate_hz=rate_hz, style=style)
    beaten, first = beaten_as(score, take.metadata)
    reference = beat_times(score, timings)[1] + float(take.metadata["offset_s"])
    beats, counted, cost = follow(beaten, take, first)
    bar = int(np.median(score.beats["beats_in_measure"]))
    return judge(reference, beats[: len(reference)], bar, counted - len(reference), cost)


def recordings(folder: Path) -> Iterator[tuple[str, Score, Timings]]:
    """Every timing under the folder whose score is there too."""
    from tutti.engine.notation.score_reader import read_score

    scores: dict[Path, Score] = {}
    for path in sorted(folder.rglob("*.csv")):
        piece = path.stem.rsplit("_", 1)[0]
        found = sorted(folder.rglob(f"{piece}.mxl")) + sorted(folder.rglob(f"{piece}.musicxml"))
        if not found:
            continue
        if found[0] not in scores:
            scores = {found[0]: read_score(found[0])}
        yield path.stem, scores[found[0]], read_timings(path)


def plain_score(beats_per_bar: int, bars: int, bpm: float) -> Score:
    """Empty bars of quarters."""
    count = np.arange(beats_per_bar * bars)
    beats = np.zeros(len(count), BEAT_DTYPE)
    beats["quarter"], beats["duration_quarter"] = count, 1.0
    beats["measure"], beats["beat"] = count // beats_per_bar, count % beats_per_bar + 1
    beats["beats_in_measure"] = beats_per_bar
    measures = [(m * beats_per_bar, beats_per_bar, str(m + 1), beats_per_bar, 4) for m in range(bars)]
    return Score(
        title=f"in {beats_per_bar}",
        composer="",
        sha256="",
        parts=(Part("Part", "P", "violin", 0),),
        notes=np.zeros(0, NOTE_DTYPE),
        measures=np.array(measures, MEASURE_DTYPE),
        beats=beats,
        tempos=np.array([(0.0, bpm)], TEMPO_DTYPE),
        fermatas=np.zeros(0, FERMATA_DTYPE),
    )


def curves(beats_per_bar: int, bars: int) -> Iterator[tuple[str, Score, Timings]]:
    """Built-in performances: rubato, ritardando, sudden doubling and halving, long holds and stops."""
    count = beats_per_bar * bars
    place = np.arange(count)
    rubato = 0.7 * (1 + 0.12 * np.sin(2 * np.pi * place / 17) + 0.08 * np.sin(2 * np.pi * place / 5.3))
    ritard = 0.55 + 0.5 * np.clip((place % 48 - 36) / 12, 0, 1)
    sudden = np.where((place // 40) % 2 == 0, 0.8, 0.42)
    holds = np.where(place % 29 == 28, 4.0, 0.75)
    stops = np.where(place % 41 == 40, 12.0, 0.6)
    score = plain_score(beats_per_bar, bars, 85.0)
    for name, period in (
        ("rubato", rubato),
        ("ritardandi", ritard),
        ("two to one", sudden),
        ("holds of 4 s", holds),
        ("stops of 12 s", stops),
    ):
        time_s = 3.0 + np.concatenate([[0.0], np.cumsum(period[:-1])])
        yield f"in {beats_per_bar}, {name}", score, (score.beats["quarter"].astype(float), time_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--noise", type=float, default=0.003)
    parser.add_argument("--rate", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--styles", default="default", help=f"comma-separated, or all: {', '.join(STYLES)}")
    parser.add_argument("--beats", type=int, default=0, help="only so many beats of each recording")
    options = parser.parse_args()
    styles = list(STYLES) if options.styles == "all" else options.styles.split(",")
    pieces = (
        list(recordings(options.folder))
        if options.folder
        else [piece for count in (1, 2, 3, 4, 6) for piece in curves(count, 240 // count)]
    )
    print(f"{'recording':32s} {'style':10s} {'F':>6s} {'raw F':>6s} {'CMLt':>6s} {'lag':>7s} {'count':>5s} {'step':>7s}"
          f" {'metronome':>9s} {'minima':>6s}")  # fmt: skip
    results = []
    for name, score, timings in pieces:
        if options.beats:
            last = score.beats["quarter"][min(options.beats, len(score.beats) - 1)]
            kept = timings[0] <= last
            timings = (timings[0][kept], timings[1][kept])
        for style in styles:
            for seed in range(options.seeds):
                result = trial(score, timings, STYLES[style], seed, options.noise, options.rate)
                take = conduct(score, timings, seed=seed, noise_m=options.noise, rate_hz=options.rate,
                               style=replace(STYLES[style]))  # fmt: skip
                reference = beat_times(score, timings)[1] + float(take.metadata["offset_s"])
                metronome, minima = baselines(
                    reference, take.of("baton"), int(np.median(score.beats["beats_in_measure"]))
                )
                results.append((result, metronome, minima))
                print(f"{name:32.32s} {style:10s} {result.f:6.3f} {result.raw_f:6.3f} {result.cmlt:6.3f} "
                      f"{1e3 * result.lag_s:4.0f} ms {result.count_error:+5d} {result.step_us:4.0f} µs "
                      f"{metronome:9.3f} {minima:6.3f}", flush=True)  # fmt: skip
    print(f"{'median':43s} {statistics.median(r.f for r, _, _ in results):6.3f} "
          f"{statistics.median(r.raw_f for r, _, _ in results):6.3f} "
          f"{statistics.median(r.cmlt for r, _, _ in results):6.3f} "
          f"{'':7s} {sum(r.count_error != 0 for r, _, _ in results):5d} "
          f"{statistics.median(r.step_us for r, _, _ in results):4.0f} µs "
          f"{statistics.median(m for _, m, _ in results):9.3f} {statistics.median(m for _, _, m in results):6.3f}"
          f"   ({len(results)} takes; 'count' is the number of takes with a beat gained or lost)")  # fmt: skip


if __name__ == "__main__":
    main()
