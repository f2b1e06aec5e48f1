"""Looking back at a performance: the tempo against the marks, each beat of the bar's clarity and lag, the baton's way.

Pure functions from what a performance produced (crossings, icti, the baton's samples) to small values that a window, a
report or a class can show. The page computes the same from what the relay tells (``studio/web/src/view``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..score import Score
from ..types import Beat, BeatCrossing
from .beat_figures import figure

WAY_POINTS_PER_BEAT = 16
"""Points of an ideal figure for each beat: a smooth line at any size that a screen shows."""
TOP_OF_FIRST, TOP_OF_LAST, TOP_OF_OTHERS = 1.0, 0.62, 0.5
"""Height of the hand between icti, over the line that joins them, by the beat that the stroke leads to."""
ROUNDNESS = 1.55
"""Exponent of the stroke's arch: 1 is a sharp bounce at the ictus, 2 a round one."""
LEAST_SIZE_M = 0.02
"""A hand that moves less than this rests: there is nothing to compare."""
LEAST_SAMPLES = 8


def ideal_way(beats: int, points_per_beat: int = WAY_POINTS_PER_BEAT) -> np.ndarray:
    """The way of the right hand through a bar of ``beats``, seen by the conductor: (right, up), shape (n, 2).

    A closed line: point 0 is the ictus of the first beat, point ``k · points_per_beat`` that of beat ``k + 1``, the
    last point the first ictus again. Unit: the height of the stroke to the first beat. Icti are those of
    ``beat_figures.figure``; the arches between them are as the usual text books draw them.
    """
    icti = np.asarray(figure(beats), dtype=float)
    phase = np.arange(points_per_beat) / points_per_beat
    arch = np.sin(np.pi * phase) ** ROUNDNESS
    across = phase - 0.8 * np.sin(2 * np.pi * phase) / (2 * np.pi)
    pieces = []
    for beat in range(beats):
        following = (beat + 1) % beats
        start, end = icti[beat], icti[following]
        top = TOP_OF_FIRST if following == 0 else TOP_OF_LAST if following == beats - 1 else TOP_OF_OTHERS
        piece = start + (end - start) * across[:, None]
        piece[:, 1] += top * arch
        pieces.append(piece)
    return np.concatenate([*pieces, icti[:1]])


@dataclass(frozen=True, slots=True)
class Ghost:
    """An ideal figure fitted to a conductor: ``way`` (n, 2) and ``icti`` (beats, 2), metres, right and up."""

    way: np.ndarray
    icti: np.ndarray
    mirrored: bool


def fit_ghost(beats: int, way: np.ndarray, icti: np.ndarray, beat_of_ictus: Sequence[int]) -> Ghost | None:
    """The ideal figure as large as ``way`` (n, 2) is high, with its icti where this conductor's ``icti`` (k, 2) are.

    ``beat_of_ictus`` counts from 1. A figure beaten with the left hand is mirrored. None where the hand hardly moves.
    """
    if len(way) < LEAST_SAMPLES or np.ptp(way[:, 1]) < LEAST_SIZE_M:
        return None
    ideal = ideal_way(beats)
    places = ideal[: beats * WAY_POINTS_PER_BEAT : WAY_POINTS_PER_BEAT]
    scale = float(np.ptp(way[:, 1]) / np.ptp(ideal[:, 1]))
    wanted = places[[beat - 1 for beat in beat_of_ictus]] if len(icti) else np.zeros((0, 2))
    mirrored = False
    if len(icti):
        agreement = float(((icti[:, 0] - icti[:, 0].mean()) * (wanted[:, 0] - wanted[:, 0].mean())).sum())
        mirrored = agreement < 0.0
    sides = scale * np.array([-1.0 if mirrored else 1.0, 1.0])
    if len(icti):
        origin = (icti - sides * wanted).mean(axis=0)
    else:
        middle, foot = way[:, 0].mean(), way[:, 1].min()
        origin = np.array([middle - sides[0] * ideal[:, 0].mean(), foot - scale * ideal[:, 1].min()])
    return Ghost(origin + sides * ideal, origin + sides * places, mirrored)


@dataclass(frozen=True, slots=True)
class BeatStatistics:
    """One beat of the bar over a performance. ``lag_ms`` is how long after the ictus the orchestra played, on the
    mean; ``scatter_ms`` its standard deviation: how steady conductor and orchestra are together there."""

    beats_in_measure: int
    beat: int
    played: int
    seen: int
    """How many of the beats played had an ictus."""
    clarity: float
    lag_ms: float
    scatter_ms: float
    known_ms: float
    """How long after the ictus it was known, on the mean."""


def beat_statistics(score: Score, crossings: Sequence[BeatCrossing], icti: Sequence[Beat]) -> list[BeatStatistics]:
    """Clarity, lag and steadiness by beat of the bar, for each metre that was beaten.

    ``crossings`` are matched with their icti (``follower.match_icti``).
    """
    by_time = {(beat.beat_index, beat.time_s): beat for beat in icti}
    groups: dict[tuple[int, int], list[BeatCrossing]] = {}
    for crossing in crossings:
        row = score.beats[crossing.beat_index]
        groups.setdefault((int(row["beats_in_measure"]), int(row["beat"])), []).append(crossing)
    result = []
    for (beats, beat), group in sorted(groups.items()):
        matched = [(c, by_time.get((c.beat_index, c.ictus_s))) for c in group if c.ictus_s is not None]
        lags = np.array([1000.0 * (c.time_s - ictus.time_s) for c, ictus in matched if ictus is not None])
        found = [ictus for _, ictus in matched if ictus is not None]
        result.append(
            BeatStatistics(
                beats_in_measure=beats,
                beat=beat,
                played=len(group),
                seen=len(found),
                clarity=float(np.mean([ictus.clarity for ictus in found])) if found else 0.0,
                lag_ms=float(lags.mean()) if len(lags) else 0.0,
                scatter_ms=float(lags.std(ddof=1)) if len(lags) > 1 else 0.0,
                known_ms=1000.0 * float(np.mean([max(0.0, i.detected_s - i.time_s) for i in found])) if found else 0.0,
            )
        )
    return result


def marked_bpm(score: Score, beat_index: int) -> float:
    """The marked tempo in conductor's beats a minute at a beat of the score."""
    row = score.beats[beat_index]
    return score.quarter_bpm_at(float(row["quarter"])) / float(row["duration_quarter"])


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar as it was beaten: ``first`` and ``last`` index the crossings of its beats; times of its first beat and
    of the beat after it (None at the end); conducted and marked tempo in conductor's beats a minute on the whole."""

    measure: int
    first: int
    last: int
    start_s: float
    end_s: float | None
    conducted_bpm: float
    marked_bpm: float


def bars(score: Score, crossings: Sequence[BeatCrossing]) -> list[Bar]:
    """The bars that were beaten, in order of time; a bar that was begun twice is there twice."""
    starts = [
        index
        for index, crossing in enumerate(crossings)
        if index == 0
        or crossing.beat_index != crossings[index - 1].beat_index + 1
        or score.beats["measure"][crossing.beat_index] != score.beats["measure"][crossings[index - 1].beat_index]
    ]
    result = []
    stops = [*starts[1:], len(crossings)][: len(starts)]
    for start, stop in zip(starts, stops, strict=True):
        first, last = crossings[start], crossings[stop - 1]
        following = crossings[stop] if stop < len(crossings) else None
        goes_on = following is not None and following.beat_index == last.beat_index + 1
        end_s = following.time_s if following is not None and goes_on else None
        length_s = (last.time_s + 60.0 / last.bpm if end_s is None else end_s) - first.time_s
        result.append(
            Bar(
                measure=int(score.beats["measure"][first.beat_index]),
                first=start,
                last=stop - 1,
                start_s=first.time_s,
                end_s=end_s,
                conducted_bpm=60.0 * (stop - start) / max(length_s, 1e-3),
                marked_bpm=float(np.mean([marked_bpm(score, c.beat_index) for c in crossings[start:stop]])),
            )
        )
    return result


def _given_s(crossing: BeatCrossing) -> float:
    """When a beat was given, or when it was played where nobody gave it."""
    return crossing.time_s if crossing.ictus_s is None else crossing.ictus_s


def _last_ended_s(score: Score, beats: Sequence[BeatCrossing]) -> float | None:
    """When the last of a bar's beats was over that no other followed, a held one as if it had been no longer than the
    others; None where it was not the last of its bar."""
    index, measures = beats[-1].beat_index, score.beats["measure"]
    if index + 1 < len(measures) and measures[index + 1] == measures[index]:
        return None
    usual_s = 60.0 / marked_bpm(score, index)
    if len(beats) > 1:
        usual_s = (beats[-1].time_s - beats[0].time_s) / (len(beats) - 1)
    return _given_s(beats[-1]) + min(usual_s, 60.0 / beats[-1].bpm)


@dataclass(frozen=True, slots=True)
class BarWay:
    """The baton's way through a bar, (n, 2) metres right and up; its icti (k, 2) with their beats; the ideal figure."""

    bar: Bar
    way: np.ndarray
    icti: np.ndarray
    beats: tuple[int, ...]
    ghost: Ghost | None


def bar_ways(score: Score, crossings: Sequence[BeatCrossing], time_s: np.ndarray, place_m: np.ndarray) -> list[BarWay]:
    """The way of each whole bar, from the ictus of its first beat (or when it was played) to that of the next bar; of a
    bar that no beat followed, to where its last beat ended. A bar that was broken off before its last beat is left out.

    ``time_s`` (n,) and ``place_m`` (n, 2: right, up) are the baton's samples in order of time.
    """
    result = []
    for bar in bars(score, crossings):
        own = crossings[bar.first : bar.last + 1]
        start_s = _given_s(own[0])
        end_s = _last_ended_s(score, own) if bar.end_s is None else _given_s(crossings[bar.last + 1])
        if end_s is None or len(time_s) < 2:
            continue
        low, high = np.searchsorted(time_s, [start_s, end_s], side="left")
        if high - low < 2:  # the hand was not seen
            continue
        seen = [crossing for crossing in own if crossing.ictus_s is not None]
        at = np.array([crossing.ictus_s for crossing in seen], dtype=float)
        icti = np.stack([np.interp(at, time_s, place_m[:, axis]) for axis in (0, 1)], axis=1)
        beats = tuple(int(score.beats["beat"][crossing.beat_index]) for crossing in seen)
        count = int(score.beats["beats_in_measure"][own[0].beat_index])
        way = place_m[low : high + 1]
        result.append(BarWay(bar, way, icti, beats, fit_ghost(count, way, icti, beats)))
    return result
