"""Hands of real people for the benchmark: bars of their beat, in turn, stretched onto the beats of recordings.

The hands are wrists before a webcam, 30 frames a second, published in the repository salgian/Conducting_Tutor_F25 on
GitHub (``ml/ml_data_extraction/training_data``; its licence is not stated, so bring your own copy): CSV files with the
columns frame, x_norm, y_norm, vx_norm, vy_norm and beat, which is 1 where somebody marked a beat. Places are
normalised by the box in which the hand has been so far; the steps tell how the box grew. The takes last some ten
seconds. To conduct a movement with the rubato of a real orchestra, each stroke of a bar is stretched to the time of a
beat, and bars follow each other in random order; what is not a person's here is when the icti are.
"""

import csv
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from _conducting_takes import Piece, piece_of
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from tutti.engine.conducting.beat_grid import prevailing_beats
from tutti.engine.conducting.imperfect_tracking import Tracking, stamps, tracked
from tutti.engine.conducting.mannerisms import MEASURED_LAG
from tutti.engine.conducting.smooth_way import standing_phase
from tutti.engine.conducting.tracking import Take
from tutti.engine.conducting.virtual_conductor import beat_times
from tutti.engine.types import Pose

FRAMES_HZ = 30.0
SIZE_M, CENTRE_M = 0.45, (0.12, 1.05, -0.42)
"""Extent of the motion, which the files do not tell, and where it is."""
HANDS: dict[str, tuple[int, int, int]] = {
    "conducting_2_4_20260304_112625": (0, 0, 99),
    "conducting_2_4_20260304_112758": (1, 0, 99),
    "conducting_2_4_20260304_113412": (0, 0, 99),
    "conducting_2_4_20260304_113530": (0, 0, 5),
    "conducting_3_4_20260304_112052": (0, 0, 99),
    "conducting_3_4_20260304_113802": (0, 0, 99),
    "conducting_3_4_20260304_114105": (1, 10, 99),
    "conducting_3_4_20260304_114232": (1, 0, 99),
    "conducting_3_4_20260304_114820": (0, 0, 99),
    "conducting_4_4_20260304_111531": (0, 0, 99),
    "conducting_4_4_20260304_114917": (3, 0, 99),
    "conducting_4_4_20260304_222911": (0, 0, 99),
    "conducting_4_4_20260304_223023": (0, 0, 99),
    "conducting_4_4_20260304_223708": (2, 0, 11),
}
"""The files in which a hand beats (in the others it is out of the picture, or they repeat one): which of their beats,
counted modulo the bar, are first beats, as their figures show; and the first and last beat whose marks go on evenly."""
EVEN = (0.6, 1.45)
"""Strokes of which a beat was left out, or one marked too many, are not used: bounds in parts of the usual stroke."""
NEAR_MARK = 0.3
"""The ictus is the lowest point so near (in beats) to where it usually is after the mark; or there, if none is."""
LAGS = (0.0, 0.6, 1.0)
"""How far a take's icti lag behind the music as those of the one measured conductor did."""
JITTER_S = (0.01, 0.02)
TEMPO = (0.85, 1.3)
"""Usual beat of the take in parts of the hand's own."""
OPENING = 12
"""So many beats of a recording are left out: they are held where only its own score says so."""
MARK_SD = 0.15
NOISE_M = 0.0015
EVEN_HZ = 120.0
COLUMNS = ("x_norm", "y_norm", "vx_norm", "vy_norm")


@dataclass(frozen=True, slots=True)
class Hand:
    """A recorded hand: its way (n, 3) frame by frame; the frames of its icti; and those of its bars, ictus to ictus,
    that begin with the stroke to the second beat and are all there (bars, beats + 1)."""

    name: str
    beats_in_bar: int
    way_m: np.ndarray
    usual_s: float
    icti: np.ndarray
    bars: np.ndarray


def read_hands(folder: Path) -> list[Hand]:
    """The hands of ``HANDS`` under the folder. Raises ``ValueError``, naming the file, where one is no such table."""
    found = {path.stem: path for path in sorted(folder.rglob("conducting_*.csv"))}
    return [_read(found[name]) for name in HANDS if name in found]


def _read(path: Path) -> Hand:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    missing = {*COLUMNS, "beat"} - set(rows[0] if rows else ())
    if missing:
        raise ValueError(f"{path}: lacks the columns {', '.join(sorted(missing))}")
    columns = {key: np.array([float(row[key]) for row in rows]) for key in COLUMNS}
    across = _in_last_box(columns["x_norm"], columns["vx_norm"])
    down = _in_last_box(columns["y_norm"], columns["vy_norm"])
    way = np.array(CENTRE_M) + SIZE_M * np.stack([across - 0.5, 0.5 - down, np.zeros(len(rows))], axis=1)
    icti = _icti(way[:, 1], np.flatnonzero([row["beat"].startswith("1") for row in rows]))
    steps = np.diff(icti)
    usual = float(np.median(steps))
    even = (steps > EVEN[0] * usual) & (steps < EVEN[1] * usual)
    passed = np.maximum(1, np.rint(steps / np.minimum(_nearby(steps), 1.25 * usual))).astype(int)
    count = np.concatenate([[0], np.cumsum(passed)])
    first, begin, end = HANDS[path.stem]
    beats = int(path.stem.split("_")[1])
    bars = [
        icti[k : k + beats + 1]
        for k in range(len(steps) - beats + 1)
        if (count[k] - first) % beats == 0
        and even[k : k + beats].all()
        and begin <= count[k] <= count[k + beats] <= end
    ]
    return Hand(path.stem, beats, way, usual / FRAMES_HZ, icti, np.array(bars))


def _nearby(values: np.ndarray) -> np.ndarray:
    """For each value the median of it and up to four on either side."""
    return np.array([np.median(values[max(0, k - 4) : k + 5]) for k in range(len(values))])


def _in_last_box(place: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Places normalised by the box so far, in the last box; ``place - step`` is the place before in the present one."""
    out = np.empty(len(place))
    scale, offset = 1.0, 0.0
    for now in range(len(place) - 1, 0, -1):
        out[now] = scale * place[now] + offset
        before, known = place[now - 1], place[now] - step[now]
        grown, moved = 1.0, 0.0
        if abs(known - before) > 0.003 and place[now] <= 0.0 and before < 0.98:
            grown = (1.0 - known) / (1.0 - before)
            moved = 1.0 - grown
        elif abs(known - before) > 0.003 and place[now] >= 1.0 and before > 0.02:
            grown = known / before
        offset += scale * moved
        scale *= min(max(grown, 0.02), 1.0)
    out[0] = scale * place[0] + offset
    return out


def _icti(height: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Frames of the icti: lowest points near the marks, after what these usually are early or late by."""
    smooth = gaussian_filter1d(height, 1.0)
    usual = float(np.median(np.diff(marks)))
    half = int(0.5 * usual)
    lows = 2 + np.flatnonzero((smooth[2:-2] <= smooth[1:-3]) & (smooth[2:-2] < smooth[3:-1]))
    depth = np.array(
        [min(np.ptp(smooth[max(0, low - half) : low + 1]), np.ptp(smooth[low : low + half])) for low in lows]
    )
    lows = lows[depth > 0.2 * np.percentile(depth, 70)]
    lags = np.arange(-0.5 * usual, 0.5 * usual, 0.3)
    off = np.abs(marks[:, None, None] + lags[None, :, None] - lows[None, None, :]).min(axis=2)
    lag = float(lags[np.exp(-((off / 1.8) ** 2)).sum(axis=0).argmax()])
    expected = marks + lag
    nearest = lows[np.abs(expected[:, None] - lows[None]).argmin(axis=1)]
    icti = np.where(np.abs(nearest - expected) < NEAR_MARK * usual, nearest, np.rint(expected)).astype(int)
    icti = np.clip(icti, 0, len(height) - 1)
    return icti[np.concatenate([[True], np.diff(icti) > 4])]


def at_icti(times_s: np.ndarray, places_m: np.ndarray, icti_s: np.ndarray) -> tuple[float, float]:
    """How far a hand turns about its icti (degrees, from 0.15 beats before to as long after), and its speed there in
    parts of that around (0.45 beats); medians."""
    grid = np.arange(times_s[0], times_s[-1], 1.0 / EVEN_HZ)
    even = np.stack([np.interp(grid, times_s, axis) for axis in places_m.T], axis=1)
    velocity = np.gradient(gaussian_filter1d(even, 2.0, axis=0), 1.0 / EVEN_HZ, axis=0)
    speed = np.linalg.norm(velocity, axis=1)
    near = int(0.15 * EVEN_HZ * float(np.median(np.diff(icti_s))))
    at = np.searchsorted(grid, icti_s[2:-2])
    at = at[(at > 3 * near) & (at < len(grid) - 3 * near)]
    lengths = np.maximum(speed[at - near] * speed[at + near], 1e-9)
    turns = np.degrees(np.arccos(np.clip((velocity[at - near] * velocity[at + near]).sum(axis=1) / lengths, -1.0, 1.0)))
    slowed = [speed[i] / speed[i - 3 * near : i + 3 * near].mean() for i in at]
    return float(np.median(turns)), float(np.median(slowed))


Conducted = tuple[Piece, Take, np.ndarray, np.ndarray]
"""A piece, the take that conducts it, and when its beats and their icti are (seconds)."""


def conducted_by(hand: Hand, recorded: Piece, beats: int) -> Conducted:
    """Bars of the hand's meter with the rubato of a recorded piece; the take in which it conducts them; when the beats
    and the icti are (seconds)."""
    random = np.random.default_rng(zlib.crc32(f"{hand.name}/{recorded.name}".encode()))
    periods = np.diff(beat_times(recorded.score, recorded.timings)[1])[OPENING : OPENING + beats]
    periods = np.maximum(periods * hand.usual_s * random.uniform(*TEMPO) / np.median(periods), 0.3)
    quarters = (1.0,) * hand.beats_in_bar
    piece = piece_of(f"{recorded.name}, {hand.name}", quarters, periods, float(np.exp(random.normal(0.0, MARK_SD))))
    music_s = piece.timings[1]
    beat = piece.score.beats["beat"][: len(music_s)]
    icti_s = _icti_s(music_s, beat, hand.beats_in_bar, random)
    times = np.arange(0.0, icti_s[-1] + 2.0, 1.0 / FRAMES_HZ)
    places = _way(hand, icti_s, beat, times, random) + NOISE_M * random.standard_normal((len(times), 3))
    rows = zip(times.tolist(), places.tolist(), strict=True)
    poses = tuple(Pose(at_s, "baton", (x, y, z), None) for at_s, (x, y, z) in rows)
    metadata = {"score": piece.score.title, "meter": str(prevailing_beats(piece.score)), "first_beat_quarter": "0"}
    return piece, Take(poses, metadata), music_s, icti_s


def _turned(axis: int, degrees: float) -> np.ndarray:
    """A rotation about an axis (0 right, 1 up, 2 back), shape ``(3, 3)``."""
    return np.asarray(Rotation.from_euler("xyz"[axis], degrees, degrees=True).as_matrix())


WEBCAM = Tracking(rate_hz=30.0, noise_m=0.006, quantum_m=0.003, latency_s=0.05, losses_hz=0.02)
HEADSET = Tracking(rate_hz=72.0, noise_m=0.002, losses_hz=0.05, loss_s=0.3, repeats=0.05)
SEEN: dict[str, tuple[np.ndarray, Tracking | None]] = {
    "as recorded": (np.eye(3), None),
    "by a headset": (np.eye(3), HEADSET),
    "by a webcam": (np.diag([1.0, 1.0, 0.1]), WEBCAM),
    "15 times a second": (np.eye(3), Tracking(rate_hz=15.0, noise_m=0.004, smoothing_s=0.03, uneven=0.4)),
    "three tenths as large": (0.3 * np.eye(3), Tracking(rate_hz=60.0, noise_m=0.001)),
    "tilted to the side by 20°": (_turned(2, 20.0), None),
    "tilted forwards by 30°": (_turned(0, 30.0), None),
    "from the side by 40°": (_turned(1, 40.0), None),
}
"""Other ways in which the same hands may be seen: turned or scaled about their middle, and by another device."""


def seen_as(take: Take, way: str, seed: int) -> tuple[Take, float]:
    """A take of a hand as it is ``SEEN`` that way, and how late its device shows it (seconds)."""
    turn, tracking = SEEN[way]
    baton = take.of("baton")
    times_s, places_m = np.array([pose.time_s for pose in baton]), np.array([pose.position_m for pose in baton])
    middle_m = np.median(places_m, axis=0)
    places_m = (places_m - middle_m) @ turn.T + middle_m
    if tracking is None:
        moved = zip(baton, places_m.tolist(), strict=True)
        return replace(take, poses=tuple(replace(pose, position_m=tuple(place)) for pose, place in moved)), 0.0
    random = np.random.default_rng(seed)
    at_s = stamps((float(times_s[0]), float(times_s[-1])), tracking, random)
    places = np.stack([np.interp(at_s, times_s, axis) for axis in places_m.T], axis=1)
    poses = tuple(tracked("baton", at_s, places, tracking, random))
    return replace(take, poses=poses), tracking.latency_s + tracking.smoothing_s


def _icti_s(music_s: np.ndarray, beat: np.ndarray, beats_in_bar: int, random: np.random.Generator) -> np.ndarray:
    pattern = np.array([*MEASURED_LAG[: beats_in_bar - 1], MEASURED_LAG[-1]]) / 0.8
    period = np.diff(music_s, append=2 * music_s[-1] - music_s[-2])
    lag = random.choice(LAGS) * pattern[beat - 1] * min(float(np.median(period)), 0.9)
    jitter = random.choice(JITTER_S) * random.standard_normal(len(music_s))
    icti = music_s + lag + np.clip(jitter, -0.15 * period, 0.15 * period)
    return np.asarray(np.maximum.accumulate(icti + 1e-4 * np.arange(len(icti))))


def _way(
    hand: Hand, icti_s: np.ndarray, beat: np.ndarray, times: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Where the hand is: it rests where the preparatory stroke begins, beats, and stays."""
    begin_s = icti_s[0] - float(np.median(np.diff(icti_s[:5])))
    ends = np.concatenate([[begin_s], icti_s])
    lengths = np.diff(ends)
    usual = _nearby(lengths)
    places = np.empty((len(times), 3))
    bar = hand.bars[random.integers(len(hand.bars))]
    before = hand.way_m[bar[-2]]
    places[times < begin_s] = before
    for index, number in enumerate(beat):
        if number == 2:
            bar = hand.bars[random.integers(len(hand.bars))]
        part = (int(number) - 2) % hand.beats_in_bar
        stroke = hand.way_m[bar[part] : bar[part + 1] + 1]
        inside = (times >= ends[index]) & (times < ends[index + 1])
        phase = standing_phase(times[inside] - ends[index], lengths[index], usual[index])
        along = phase * (len(stroke) - 1)
        place = np.stack([np.interp(along, np.arange(len(stroke)), axis) for axis in stroke.T], axis=1)
        joins = (1.0 - phase) ** 2 * (1.0 + 2.0 * phase)
        places[inside] = place + (before - stroke[0]) * joins[:, None]
        before = stroke[-1]
    places[times >= ends[-1]] = before
    return np.asarray(gaussian_filter1d(places, 0.5, axis=0))
