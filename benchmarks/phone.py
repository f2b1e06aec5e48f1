"""A phone as baton: when its icti come, how large its strokes are, and how the orchestra follows it beside a mouse.

    python benchmarks/phone.py [--quick] [--json]

A virtual conductor's baton is swung as a phone (``engine.conducting.virtual_phone``: turned by the wrist or moved by
the arm, with bias, noise, wandering tilt, stale orientation, late and jittering events), the page's own code (run by
Node.js) makes poses of the readings, and the orchestra follows them. Printed for each case: the deviation of the icti
from the true way of the tip (events' constant latency taken off), the rank correlation of stroke sizes, and the
F-measure at ±70 ms after the first eight bars' median lag, beside that of the true way itself at 60 Hz (a mouse).
"""

import argparse
import json
import subprocess
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from scipy.signal import find_peaks
from scipy.stats import spearmanr

from tutti.engine.conducting.beat_figures import Style
from tutti.engine.conducting.virtual_conductor import conduct
from tutti.engine.conducting.virtual_phone import PhoneHandling, PhoneReadings, sense
from tutti.engine.performance import Performance
from tutti.engine.score import BEAT_DTYPE, FERMATA_DTYPE, MEASURE_DTYPE, NOTE_DTYPE, TEMPO_DTYPE, Part, Score
from tutti.engine.types import Pose
from tutti.studio.web_build import WEB, find_node, install_packages

BARS = 20
BEATS = 4
TOLERANCE_S = 0.07


@dataclass(frozen=True, slots=True)
class Case:
    """One way to conduct with a phone."""

    name: str
    bpm: float
    handling: PhoneHandling
    style: Style = field(default_factory=Style)
    quick: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """Deviations in milliseconds, positive late."""

    name: str
    icti: int
    found: int
    median_ms: float
    low_ms: float
    high_ms: float
    size_correlation: float
    f: float
    f_mouse: float
    count_error: int


CASES = (
    Case("wrist and arm, 80", 80, PhoneHandling(), quick=True),
    Case("wrist and arm, 120", 120, PhoneHandling(), quick=True),
    Case("wrist alone, 96", 96, PhoneHandling(turned=1.0), quick=True),
    Case("stiff wrist, 80", 80, PhoneHandling(turned=0.0)),
    Case("iOS signs, 90", 90, PhoneHandling(flipped=True, turned=0.3), quick=True),
    Case("held high, north drifts, 90", 90, PhoneHandling(raised_deg=60.0, heading_drift_deg_s=1.0)),
    Case("poor phone, 70", 70, PhoneHandling(tilt_error_deg=2.5, drops=0.08, jitter_s=0.008, noise=0.15)),
    Case("120 Hz, 100", 100, PhoneHandling(rate_hz=120.0)),
    Case("30 Hz, 100", 100, PhoneHandling(rate_hz=30.0)),
    Case("small, 90", 90, PhoneHandling(), Style(size_m=0.14)),
    Case("legato, 66", 66, PhoneHandling(), Style(bounce=0.1)),
    Case("slow, 50", 50, PhoneHandling()),
    Case("no gyroscope, 90", 90, PhoneHandling(oriented=False, turned=0.3)),
)


class PageCode:
    """The page's own code, bundled once, as a function of readings."""

    def __init__(self, folder: Path) -> None:
        tools = find_node()
        install_packages(tools, development=True)
        self._node = tools.node
        self._bundle = folder / "phone_poses.cjs"
        esbuild = WEB / "node_modules" / "esbuild" / "bin" / "esbuild"
        options = ("--bundle", "--platform=node", "--format=cjs", "--log-level=error", f"--outfile={self._bundle}")
        subprocess.run([esbuild, "tests/phone_poses.ts", *options], cwd=WEB, check=True)

    def poses(self, readings: PhoneReadings, *, flipped: bool) -> list[Pose]:
        """The baton's poses that the page would send, once it is calibrated."""
        given = json.dumps({"readings": readings.as_json(), "flipped": flipped})
        done = subprocess.run([self._node, str(self._bundle)], input=given, capture_output=True, text=True, check=True)
        return [Pose(row[0], "baton", tuple(row[1:4]), tuple(row[4:8])) for row in json.loads(done.stdout)]


def score(bpm: float) -> Score:
    """Bars of four with a crescendo and a diminuendo, so that strokes grow and shrink."""
    count = BARS * BEATS
    loudness = 0.2 + 0.7 * np.sin(np.pi * np.arange(count) / 16) ** 2
    notes = [(float(q), 1.0, 60, 0, float(loudness[q]), 0, q // BEATS, 0.0, 0) for q in range(count)]
    return Score(
        title="Phone",
        composer="",
        sha256="0" * 64,
        parts=(Part("Violin", "Vl.", "violin", 0),),
        notes=np.array(notes, NOTE_DTYPE),
        measures=np.array([(4.0 * m, 4.0, str(m + 1), BEATS, 4) for m in range(BARS)], MEASURE_DTYPE),
        beats=np.array([(float(q), 1.0, q // BEATS, q % BEATS + 1, BEATS) for q in range(count)], BEAT_DTYPE),
        tempos=np.array([(0.0, bpm)], TEMPO_DTYPE),
        fermatas=np.zeros(0, FERMATA_DTYPE),
    )


def lowest_points(time_s: np.ndarray, height_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """When the way turns upwards, between samples, and the length of the fall that led there."""
    distance = max(1, round(0.2 / float(np.median(np.diff(time_s)))))
    low, _ = find_peaks(-height_m, prominence=0.025, distance=distance)
    before, at, after = height_m[low - 1], height_m[low], height_m[low + 1]
    curve = before - 2 * at + after
    shift = np.where(curve > 0, 0.5 * (before - after) / np.where(curve > 0, curve, 1.0), 0.0)
    times = time_s[low] + shift * (time_s[low + 1] - time_s[low])
    tops = [height_m[a : b + 1].max() for a, b in zip([0, *low[:-1]], low, strict=True)]
    falls = np.array(tops) - at
    return times, falls


def followed(piece: Score, poses: list[Pose], truth_s: np.ndarray) -> tuple[float, int]:
    """F-measure after the lag of the first eight bars, and beats gained or lost."""
    performance = Performance(piece)
    times: dict[int, float] = {}
    for pose in poses:
        for crossing in performance.step(pose.time_s, [pose]).crossings:
            times[crossing.beat_index] = crossing.time_s
    performance.close()
    if not times:
        return 0.0, -len(truth_s)
    errors = np.array([time - truth_s[index] for index, time in sorted(times.items())])
    hits = int(np.sum(np.abs(errors - np.median(errors[: 8 * BEATS])) <= TOLERANCE_S))
    return 2 * hits / (len(times) + len(truth_s)), len(times) - len(truth_s)


def measure(case: Case, code: PageCode, seed: int = 1) -> Result:
    """Conduct, sense, calibrate and follow."""
    piece = score(case.bpm)
    quarters = np.append(piece.beats["quarter"], piece.end_quarter).astype(float)
    period_s = 60 / case.bpm * (1 + 0.08 * np.sin(np.arange(len(quarters)) / 9))
    music_s = 4.0 + np.concatenate([[0.0], np.cumsum(period_s[:-1])])
    take = conduct(piece, (quarters, music_s), seed=seed, noise_m=0.0, rate_hz=400.0, style=case.style)
    truth_s = music_s[:-1] + float(take.metadata["offset_s"])
    readings = sense(take, case.handling, seed)
    poses = code.poses(readings, flipped=case.handling.flipped)
    heights = np.array([(pose.time_s, pose.position_m[1]) for pose in poses])
    true_s, true_m = lowest_points(readings.tip_time_s, readings.tip_m[:, 1])
    found_s, found_m = lowest_points(heights[:, 0], heights[:, 1])
    pairs = []
    for index in np.flatnonzero(true_s > truth_s[0]):
        nearest = int(np.argmin(np.abs(found_s - true_s[index])))
        late_s = found_s[nearest] - true_s[index] - case.handling.latency_s
        if abs(late_s) < 0.2:
            pairs.append((1000 * late_s, true_m[index], found_m[nearest]))
    late_ms, wanted_m, got_m = np.array(pairs).T
    even = np.arange(readings.tip_time_s[0], readings.tip_time_s[-1], 1 / 60)
    way = [np.interp(even, readings.tip_time_s, readings.tip_m[:, axis]) for axis in range(3)]
    mouse = [Pose(float(t), "baton", (float(x), float(y), float(z))) for t, x, y, z in zip(even, *way, strict=True)]
    f, count_error = followed(piece, poses, truth_s)
    return Result(
        name=case.name,
        icti=int(np.sum(true_s > truth_s[0])),
        found=len(pairs),
        median_ms=round(float(np.median(late_ms)), 1),
        low_ms=round(float(np.percentile(late_ms, 10)), 1),
        high_ms=round(float(np.percentile(late_ms, 90)), 1),
        size_correlation=round(float(spearmanr(wanted_m, got_m).statistic), 3),
        f=round(f, 3),
        f_mouse=round(followed(piece, mouse, truth_s)[0], 3),
        count_error=count_error,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="four cases")
    parser.add_argument("--json", action="store_true", help="for scripts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        code = PageCode(Path(folder))
        results = [measure(case, code) for case in CASES if case.quick or not options.quick]
    if options.json:
        print(json.dumps([asdict(result) for result in results]))
        return
    heads = {"icti": 6, "found": 7, "ms late, median (10 %–90 %)": 30, "size ρ": 9, "F": 8, "mouse": 8, "±beats": 8}
    print(f"{'case':<30}" + "".join(f"{head:>{width}}" for head, width in heads.items()))
    for r in results:
        late = f"{r.median_ms:+.1f} ({r.low_ms:+.1f} … {r.high_ms:+.1f})"
        print(
            f"{r.name:<30}{r.icti:>6}{r.found:>7}{late:>30}{r.size_correlation:>9.2f}{r.f:>8.3f}{r.f_mouse:>8.3f}"
            f"{r.count_error:>8}"
        )


if __name__ == "__main__":
    main()
