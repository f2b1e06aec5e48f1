"""What is conducted in the benchmark of conducting, and by whom: pieces, tempo curves, conductors and their devices."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from tutti.engine.conducting.beat_figures import Style
from tutti.engine.conducting.imperfect_tracking import Tracking, random_tracking
from tutti.engine.conducting.mannerisms import MEASURED_LAG, random_style, smooth_style
from tutti.engine.conducting.virtual_conductor import Timings, read_timings
from tutti.engine.notation.score_cache import open_score
from tutti.engine.plain_score import plain_score, score_of_bars
from tutti.engine.score import Score

SUFFIXES = (".mxl", ".musicxml", ".xml", ".mid")


@dataclass(frozen=True, slots=True)
class Piece:
    """Music to be conducted: a score and when it sounds."""

    name: str
    score: Score
    timings: Timings


@dataclass(frozen=True, slots=True)
class Conductor:
    """Who conducts and what sees them. ``seed`` draws what is left to chance in a take."""

    name: str
    style: Style
    tracking: Tracking
    seed: int


_MEASURED = tuple(lag / 0.8 for lag in MEASURED_LAG)
USUAL: dict[str, tuple[Style, Tracking]] = {
    "plain": (Style(), Tracking(noise_m=0.003)),
    "rebounds": (
        Style(bounce=0.9, double_bounce=0.45, stray=0.03, preparation="dip", lag=1.0),
        Tracking(rate_hz=90.0, noise_m=0.001),
    ),
    "webcam": (
        Style(flourish=0.2, variation=0.2, stray=0.03, jitter_s=0.022),
        Tracking(rate_hz=30.0, noise_m=0.006, quantum_m=0.003, latency_s=0.05, losses_hz=0.02),
    ),
    "lag that drifts": (
        Style(lag=1.0, lag_pattern=_MEASURED, lag_drift_s=0.025, jitter_colour=1.0, profile="power_law", hold="low"),
        Tracking(rate_hz=120.0, noise_m=0.0005),
    ),
    "15 Hz": (Style(bounce=0.7, variation=0.2), Tracking(rate_hz=15.0, noise_m=0.004, smoothing_s=0.03, uneven=0.4)),
    "small and legato": (
        Style(size_m=0.09, bounce=0.0, hold="slow", jitter_s=0.022, sway_m=0.015, profile="minimum_jerk"),
        Tracking(rate_hz=60.0, noise_m=0.002),
    ),
}
"""Conductors who beat the textbook's figures, each with a difficulty of theirs."""


def conductor(name: str, piece: str) -> Conductor:
    """One of ``USUAL``; or, drawn at random, another one for every piece: ``any N``, whose strokes are planned one by
    one, or ``smooth N``, whose hand moves as one curve."""
    seed = zlib.crc32(f"{piece}/{name}".encode())
    if name in USUAL:
        return Conductor(name, *USUAL[name], seed)
    random = np.random.default_rng(seed)
    style, tracking = random_style(random), random_tracking(random)
    if name.startswith("smooth"):
        style = smooth_style(style, random)
    finest = 0.04 * style.size_m
    tracking = replace(tracking, noise_m=min(tracking.noise_m, finest), quantum_m=min(tracking.quantum_m, 2 * finest))
    return Conductor(name, style, tracking, seed)


def recordings(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Every timing under the folder whose score is there too: name to (timings, score)."""
    scores = {path.stem: path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES}
    found = {}
    for path in sorted(folder.rglob("*.csv")):
        piece = path.stem.rsplit("_", 1)[0]
        if piece in scores:
            found[path.stem] = (path, scores[piece])
    return found


@lru_cache(maxsize=2)
def _score(path: Path) -> Score:
    return open_score(path)


def recorded_piece(name: str, timings: Path, score: Path, beats: int = 0) -> Piece:
    """A recording's timings, only the first ``beats`` beats if that is not 0."""
    music = _score(score)
    quarter, time_s = read_timings(timings)
    if beats and beats < len(music.beats):
        kept = quarter <= music.beats["quarter"][beats]
        quarter, time_s = quarter[kept], time_s[kept]
    return Piece(name, music, (quarter, time_s))


def piece_of(name: str, beat_quarters: tuple[float, ...], periods_s: np.ndarray, mark: float = 1.0) -> Piece:
    """Bars conducted with a period (seconds) after each beat; the tempo mark is ``mark`` times the first tempo."""
    bars = -(-len(periods_s) // len(beat_quarters))
    quarter_bpm = mark * 60.0 * beat_quarters[0] / float(np.median(periods_s[: len(beat_quarters)]))
    return played(name, plain_score(beat_quarters, bars, quarter_bpm), periods_s)


def played(name: str, score: Score, periods_s: np.ndarray) -> Piece:
    """A score of plain bars with a period (seconds) after each beat."""
    time_s = 3.0 + np.concatenate([[0.0], np.cumsum(periods_s[:-1])])
    return Piece(name, score, (score.beats["quarter"][: len(time_s)].astype(float), time_s))


@lru_cache(maxsize=1)
def curves() -> dict[str, Piece]:
    """Built-in performances: steady, bending, sudden, held; every meter, and meters and marks that change."""
    place = np.arange(120)
    quarter: tuple[float, ...] = (1.0,)

    def rubato(period_s: float) -> np.ndarray:
        return period_s * (1 + 0.12 * np.sin(2 * np.pi * place / 17) + 0.08 * np.sin(2 * np.pi * place / 5.3))

    ritard = 0.55 + 0.5 * np.clip((place % 48 - 36) / 12, 0, 1)
    sudden = np.where((place // 40) % 2 == 0, 0.8, 0.42)
    stepped = 0.7 / np.array([1.0, 1.1, 1.0, 0.9, 1.0, 1.3, 1.0, 0.7])[place // 16 % 8]
    meters = [4 * quarter] * 4 + [3 * quarter] * 6 + [2 * quarter] * 6 + [5 * quarter, 6 * quarter] * 5 + [quarter] * 19
    tempi = [4 * quarter] * 4 + [2 * quarter] * 20 + [4 * quarter] * 4 + [2 * quarter] * 24
    adagio = np.repeat([1.1, 0.5, 1.1, 0.5], [16, 40, 16, 48])
    marks = [(0.0, 56.0), (16.0, 116.0), (56.0, 56.0), (72.0, 116.0)]
    pieces = [
        piece_of("in 4, rubato", 4 * quarter, rubato(0.72), 1.15),
        piece_of("in 3, ritardandi", 3 * quarter, ritard, 0.9),
        piece_of("in 4, twice as fast and back", 4 * quarter, sudden, 1.0),
        piece_of("in 4, steps of 10 and 30 %", 4 * quarter, stepped, 1.1),
        piece_of("in 3, accelerando", 3 * quarter, 0.95 - 0.5 * place / 120, 0.85),
        piece_of("in 2, holds of 4 s", 2 * quarter, np.where(place % 29 == 28, 4.0, 0.75), 1.0),
        piece_of("in 4, stops of 12 s", 4 * quarter, np.where(place % 41 == 40, 12.0, 0.6), 1.2),
        piece_of("in 3, general pauses", 3 * quarter, np.where(place % 24 == 23, 2.6, 0.55), 1.0),
        piece_of("in 4, beats of 2 s", 4 * quarter, rubato(2.0)[:64], 1.1),
        piece_of("in one", quarter, rubato(0.42), 0.9),
        piece_of("alla breve", (2.0, 2.0), rubato(0.65), 1.0),
        piece_of("in 6, slow", (0.5,) * 6, rubato(0.9), 1.0),
        piece_of("in 5", 5 * quarter, rubato(0.55), 1.1),
        piece_of("in 7", 7 * quarter, rubato(0.45), 0.95),
        piece_of("5/8 in two (2+3)", (1.0, 1.5), 0.5 * np.where(place % 2 == 0, 1.0, 1.5) * rubato(1.0), 1.0),
        played("meters that change", score_of_bars(meters, [(0.0, 97.0)]), rubato(0.62)),
        played("Adagio and Allegro", score_of_bars(tempi, marks), adagio * rubato(1.0)),
    ]
    return {piece.name: piece for piece in pieces}


def cast(pieces: list[str], usual: int, drawn: int) -> Iterator[tuple[str, str]]:
    """(piece, conductor) for each take: ``usual`` of the textbook conductors in turn, and ``drawn`` of each kind
    that is drawn at random."""
    names = list(USUAL)
    for number, piece in enumerate(pieces):
        for index in range(min(usual, len(names))):
            yield piece, names[(number * usual + index) % len(names)]
        for index in range(drawn):
            yield piece, f"any {index + 1}"
            yield piece, f"smooth {index + 1}"
