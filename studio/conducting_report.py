"""The conducting half of a report: what the conductor gave and what the orchestra understood, as figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.conducting.review import Bar, BarWay, BeatStatistics, bar_ways, bars, beat_statistics
from ..engine.score import Score
from ..engine.types import Beat, BeatCrossing, FollowState, Frame, Sign

WAY_POINTS_IN_JSON = 32


@dataclass(frozen=True, slots=True)
class Span:
    """A state of the orchestra from ``start_s`` to ``end_s``."""

    state: FollowState
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Conducting:
    """What a performance tells of its conducting, in order of time."""

    score: Score
    crossings: tuple[BeatCrossing, ...]
    icti: tuple[Beat, ...]
    signs: tuple[Sign, ...]
    states: tuple[Span, ...]
    bars: tuple[Bar, ...]
    ways: tuple[BarWay, ...]
    statistics: tuple[BeatStatistics, ...]


def look_back(score: Score, frames: Sequence[Frame], crossings: Sequence[BeatCrossing]) -> Conducting:
    """Gather what was understood from the frames of a performance; ``crossings`` have their icti."""
    icti = [beat for frame in frames for beat in frame.beats]
    time_s, place_m = _way(frames)
    return Conducting(
        score=score,
        crossings=tuple(crossings),
        icti=tuple(icti),
        signs=tuple(_signs(frames)),
        states=tuple(_states(frames)),
        bars=tuple(bars(score, crossings)),
        ways=tuple(bar_ways(score, crossings, time_s, place_m)),
        statistics=tuple(beat_statistics(score, crossings, icti)),
    )


def _way(frames: Sequence[Frame]) -> tuple[np.ndarray, np.ndarray]:
    times: list[float] = []
    places: list[tuple[float, float]] = []
    for frame in frames:
        for pose in frame.poses:
            if pose.device == "baton" and (not times or pose.time_s > times[-1]):
                times.append(pose.time_s)
                places.append((pose.position_m[0], pose.position_m[1]))
    return np.array(times), np.array(places, dtype=float).reshape(-1, 2)


def _states(frames: Sequence[Frame]) -> list[Span]:
    spans: list[Span] = []
    for frame in frames:
        state, now_s = frame.position.state, frame.time_s
        if spans and spans[-1].state == state:
            spans[-1] = Span(state, spans[-1].start_s, now_s)
        else:
            if spans:
                spans[-1] = Span(spans[-1].state, spans[-1].start_s, now_s)
            spans.append(Span(state, now_s, now_s))
    return spans


def _signs(frames: Sequence[Frame], apart_s: float = 3.0) -> list[Sign]:
    """The signs; one that goes on (a hand that stays raised) once."""
    signs: list[Sign] = []
    latest: dict[tuple[str, str | None], float] = {}
    for sign in (sign for frame in frames for sign in frame.signs):
        key = (sign.kind, sign.section)
        if sign.time_s - latest.get(key, -np.inf) > apart_s:
            signs.append(sign)
        latest[key] = sign.time_s
    return signs


def conducting_figures(conducting: Conducting) -> dict[str, Any]:
    """The ``conducting`` of ``report.json``: tempo by measure, beats of the bar, the timeline, the way by bar."""
    score = conducting.score
    numbers = score.measures["number"]
    by_index = {(beat.beat_index, beat.time_s): beat for beat in conducting.icti}
    known = [
        (crossing, by_index[crossing.beat_index, crossing.ictus_s])
        for crossing in conducting.crossings
        if crossing.ictus_s is not None and (crossing.beat_index, crossing.ictus_s) in by_index
    ]
    return {
        "tempo_by_measure": [
            {
                "measure": str(numbers[bar.measure]),
                "time_s": round(bar.start_s, 3),
                "conducted_bpm": round(bar.conducted_bpm, 1),
                "marked_bpm": round(bar.marked_bpm, 1),
            }
            for bar in conducting.bars
        ],
        "beats_of_the_bar": [
            {
                "beats_in_measure": beat.beats_in_measure,
                "beat": beat.beat,
                "played": beat.played,
                "with_ictus": beat.seen,
                "clarity": round(beat.clarity, 3),
                "lag_ms": round(beat.lag_ms, 1),
                "scatter_ms": round(beat.scatter_ms, 1),
                "known_after_ms": round(beat.known_ms, 1),
            }
            for beat in conducting.statistics
        ],
        "states": [
            {"state": span.state, "start_s": round(span.start_s, 3), "end_s": round(span.end_s, 3)}
            for span in conducting.states
        ],
        "icti": [
            {
                "time_s": round(ictus.time_s, 3),
                "known_after_ms": round(1000 * max(0.0, ictus.detected_s - ictus.time_s), 1),
                "measure": crossing.measure,
                "beat": crossing.beat,
                "clarity": round(ictus.clarity, 3),
                "confidence": round(crossing.confidence, 3),
            }
            for crossing, ictus in known
        ],
        "signs": [
            {"time_s": round(sign.time_s, 3), "sign": sign.kind, "section": sign.section} for sign in conducting.signs
        ],
        "ways": [
            {
                "measure": str(numbers[way.bar.measure]),
                "way_mm": _millimetres(_thinned(way.way)),
                "icti_mm": _millimetres(way.icti),
                "beats": list(way.beats),
                "ideal_icti_mm": [] if way.ghost is None else _millimetres(way.ghost.icti),
            }
            for way in conducting.ways
        ],
    }


def _thinned(way: np.ndarray) -> np.ndarray:
    if len(way) <= WAY_POINTS_IN_JSON:
        return way
    return way[np.linspace(0, len(way) - 1, WAY_POINTS_IN_JSON).round().astype(int)]


def _millimetres(places_m: np.ndarray) -> list[list[int]]:
    rows: list[list[int]] = np.rint(1000.0 * places_m).astype(int).tolist()
    return rows
