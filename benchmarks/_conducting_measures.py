"""How the orchestra follows one take, and how well: the real ``Performance``, stepped as offline rendering does."""

import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import mir_eval
import numpy as np
from _conducting_baselines import Minima, PhaseLockedLoop, metronome
from _conducting_takes import Conductor, Piece
from scipy.ndimage import find_objects, label

from tutti.engine.conducting.beat_grid import beaten_as
from tutti.engine.conducting.tracking import Take, TakeSource
from tutti.engine.conducting.virtual_conductor import conduct, intended
from tutti.engine.performance import Performance
from tutti.engine.types import Frame

STEP_S = 0.01
WINDOW_S = 0.07
"""F counts a beat within this of the truth."""
MISCOUNTED_BEATS = 4
"""So many beats in a row more than half a beat off are counted wrongly, even if it is put right later."""
HEAD_BEATS = 32
"""The constant lag is that of the first eight bars, and of so many beats at least: in bars of one, eight beats with
fermatas among them tell no lag."""
TEMPO_BEATS = 4
"""The tempo that was played is judged over so many beats."""
NEVER_S = 10.0
"""A beat that never sounds is taken to be this far off."""
HELD = 1.6
"""A beat longer than the local median by this factor is a hold and has no tempo."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What an orchestra made of a take. Arrays by beat are indexed from the first beat that is conducted, NaN where
    there was nothing; ``tempo`` has columns time, beat index, beat time, period, next beat, one row a frame."""

    played_s: np.ndarray
    tempo: np.ndarray
    note_s: np.ndarray
    velocity: np.ndarray
    level: np.ndarray
    step_cost_s: np.ndarray
    counted: int


def follow(piece: Piece, take: Take, count: int) -> Followed:
    """Play the take's ``count`` beats with the whole path of a performance."""
    score, first = beaten_as(piece.score, take.metadata)
    performance = Performance(score, (), first)
    source = TakeSource(take)
    played = np.full(count, np.nan)
    tempo, notes, levels, costs = [], [], [], []
    frame: Frame | None = None
    start_s, end_s = take.start_s, take.end_s
    for index in range(int((end_s - start_s + 1.0) / STEP_S)):
        now_s = start_s + index * STEP_S
        poses = source.poll(now_s)
        begin = time.process_time()
        frame = performance.step(now_s, poses)
        if poses:
            costs.append(time.process_time() - begin)
        for crossing in frame.crossings:
            if 0 <= crossing.beat_index - first < count:
                played[crossing.beat_index - first] = crossing.time_s
        notes += [(note.onset_s, note.velocity) for note in frame.notes]
        levels.append((now_s, frame.dynamics.level))
        if frame.tempo is not None:
            estimate = frame.tempo
            tempo.append(
                (now_s, estimate.beat_index - first, estimate.beat_s, estimate.beat_period_s, estimate.next_beat_s)
            )
    performance.close()
    heard = np.array(notes, float).reshape(-1, 2)
    path = np.array(tempo, float).reshape(-1, 5)
    return Followed(
        played_s=played,
        tempo=path,
        note_s=heard[:, 0],
        velocity=heard[:, 1],
        level=np.array(levels).reshape(-1, 2),
        step_cost_s=np.array(costs),
        counted=int(path[-1, 1]) + 1 if len(path) else 0,
    )


@dataclass(frozen=True, slots=True)
class Result:
    """How well one take was followed. Times in seconds; errors of tempo relative; ``count_error`` in beats."""

    piece: str
    conductor: str
    f: float
    raw_f: float
    cmlt: float
    lag_s: float
    count_error: int
    miscounted: int
    first_s: float
    minima_f: float
    minima_count: int
    loop_f: float
    loop_cmlt: float
    loop_count: int
    metronome_f: float
    oracle_f: float
    cost_s: float
    tempo_error: np.ndarray = field(repr=False)
    period_error: np.ndarray = field(repr=False)
    sounded_s: np.ndarray = field(repr=False)
    prediction_s: np.ndarray = field(repr=False)
    halfway_s: np.ndarray = field(repr=False)
    step_cost_s: np.ndarray = field(repr=False)

    @property
    def sound(self) -> bool:
        """No beat gained or lost, not even for a while."""
        return self.count_error == 0 and self.miscounted == 0


def trial(piece: Piece, by: Conductor) -> Result:
    """Conduct, follow, judge."""
    take = conduct(piece.score, piece.timings, seed=by.seed, style=by.style, tracking=by.tracking)
    music_s, icti_s = intended(piece.score, piece.timings, seed=by.seed, style=by.style)
    return judged_take(piece, by.name, take, music_s, icti_s)


def judged_take(piece: Piece, conductor: str, take: Take, music_s: np.ndarray, icti_s: np.ndarray) -> Result:
    """Follow a take whose beats fall at ``music_s`` and whose icti at ``icti_s``; judge."""
    score, _ = beaten_as(piece.score, take.metadata)
    followed = follow(piece, take, len(music_s))
    bar = int(np.median(score.beats["beats_in_measure"]))
    head = min(max(8 * bar, HEAD_BEATS), len(music_s) // 2)
    lag_s = _head_lag(followed.played_s, music_s, head)
    f, raw_f, cmlt = judge(music_s, followed.played_s[~np.isnan(followed.played_s)], head, lag_s)
    baton = take.of("baton")
    found = Minima().find(baton)
    marked_s = 60.0 * float(score.beats["duration_quarter"][0]) / score.quarter_bpm_at(float(score.beats["quarter"][0]))
    loop = PhaseLockedLoop().follow(*found, marked_s)
    loop_scores = judge(music_s, loop, head, nearest_lag(loop, music_s, head))
    ideal = icti_s - _lag_by_beat(icti_s - music_s, score.beats[: len(music_s)], head)
    prediction, halfway = _predictions(followed, music_s, head)
    return Result(
        piece=piece.name,
        conductor=conductor,
        f=f,
        raw_f=raw_f,
        cmlt=cmlt,
        lag_s=lag_s,
        count_error=followed.counted - len(music_s),
        miscounted=_miscounted(followed.played_s - lag_s, music_s),
        first_s=float(followed.note_s[0] - music_s[0]) if len(followed.note_s) else float("nan"),
        minima_f=judge(music_s, found[1], head, nearest_lag(found[1], music_s, head))[0],
        minima_count=len(found[0]) - len(music_s),
        loop_f=loop_scores[0],
        loop_cmlt=loop_scores[2],
        loop_count=len(loop) - len(music_s),
        metronome_f=judge(music_s, metronome(music_s), head, 0.0)[0],
        oracle_f=judge(music_s, ideal, head, 0.0)[0],
        cost_s=float(np.median(followed.step_cost_s)),
        tempo_error=_tempo_errors(followed.played_s, music_s, head),
        period_error=_period_errors(followed, music_s, head),
        sounded_s=_sounded(followed.played_s, music_s, head, lag_s),
        prediction_s=prediction,
        halfway_s=halfway,
        step_cost_s=followed.step_cost_s,
    )


def _percentile(values: Iterable[np.ndarray], q: float) -> float:
    joined = np.concatenate([np.zeros(0), *values])
    return float(np.percentile(joined, q)) if len(joined) else float("nan")


def summary(results: Sequence[Result]) -> dict[str, float]:
    """The figures of a set of takes."""

    def mean(values: Iterable[float]) -> float:
        return statistics.fmean(values)

    return {
        "takes": len(results),
        "f": mean(r.f for r in results),
        "f_min": min(r.f for r in results),
        "raw_f": mean(r.raw_f for r in results),
        "cmlt": mean(r.cmlt for r in results),
        "miscounted": sum(not r.sound for r in results),
        "tempo_median": _percentile([r.tempo_error for r in results], 50),
        "tempo_p90": _percentile([r.tempo_error for r in results], 90),
        "period_median": _percentile([r.period_error for r in results], 50),
        "period_p90": _percentile([r.period_error for r in results], 90),
        "sounded_median_s": _percentile([r.sounded_s for r in results], 50),
        "sounded_p90_s": _percentile([r.sounded_s for r in results], 90),
        "prediction_median_s": _percentile([r.prediction_s for r in results], 50),
        "prediction_p90_s": _percentile([r.prediction_s for r in results], 90),
        "halfway_median_s": _percentile([r.halfway_s for r in results], 50),
        "halfway_p90_s": _percentile([r.halfway_s for r in results], 90),
        "lag_s": float(np.nanmedian([r.lag_s for r in results])),
        "minima_f": mean(r.minima_f for r in results),
        "minima_miscounted": sum(r.minima_count != 0 for r in results),
        "loop_f": mean(r.loop_f for r in results),
        "loop_cmlt": mean(r.loop_cmlt for r in results),
        "loop_miscounted": sum(r.loop_count != 0 for r in results),
        "metronome_f": mean(r.metronome_f for r in results),
        "oracle_f": mean(r.oracle_f for r in results),
    }


def judge(music_s: np.ndarray, beats_s: np.ndarray, head: int, lag_s: float) -> tuple[float, float, float]:
    """F after the lag and after the first bars, raw F of everything, and CMLt after the lag (mir_eval)."""
    beats_s = np.sort(beats_s)
    if len(beats_s) < 2 or not np.isfinite(lag_s):
        return 0.0, 0.0, 0.0
    moved = beats_s - lag_s
    after = moved[moved > music_s[head] - 0.1]
    f = mir_eval.beat.f_measure(music_s[head:], after, WINDOW_S) if len(after) else 0.0
    raw_f = mir_eval.beat.f_measure(music_s, beats_s, WINDOW_S)
    return float(f), float(raw_f), float(mir_eval.beat.continuity(music_s, moved)[1])


def nearest_lag(beats_s: np.ndarray, music_s: np.ndarray, head: int) -> float:
    """Median lag behind the first bars' beats of the played beat nearest to each."""
    if not len(beats_s):
        return float("nan")
    nearest = beats_s[np.argmin(np.abs(beats_s[None] - music_s[:head, None]), axis=1)]
    return float(np.median(nearest - music_s[:head]))


def _head_lag(played_s: np.ndarray, music_s: np.ndarray, head: int) -> float:
    known = ~np.isnan(played_s[:head])
    return float(np.median((played_s - music_s)[:head][known])) if known.sum() >= 2 else float("nan")


def _lag_by_beat(lags_s: np.ndarray, beats: np.ndarray, head: int) -> np.ndarray:
    """For each beat, the mean lag in the first bars of beats at its place in such a bar; where none was, of all."""
    out = np.full_like(lags_s, lags_s[:head].mean())
    keys = beats[["beats_in_measure", "beat"]]
    for key in np.unique(keys):
        mine = keys == key
        if mine[:head].any():
            out[mine] = lags_s[:head][mine[:head]].mean()
    return out


def _miscounted(played_s: np.ndarray, music_s: np.ndarray) -> int:
    """Beats within runs that were played half a beat or more off, or never."""
    period = np.diff(music_s, append=2 * music_s[-1] - music_s[-2])
    before = np.concatenate([period[:1], period[:-1]])
    off = ~(np.abs(played_s - music_s) <= 0.5 * np.maximum(period, before))
    runs = [run.stop - run.start for (run,) in find_objects(label(off)[0])]
    return sum(beats for beats in runs if beats >= MISCOUNTED_BEATS)


def _tempo_errors(played_s: np.ndarray, music_s: np.ndarray, head: int) -> np.ndarray:
    """Relative error of the tempo that was played, over every four beats after the first bars; a stretch in which a
    beat was not played at all is wrong by 1."""
    if len(music_s) - head <= TEMPO_BEATS:
        return np.zeros(0)
    played, meant = (times[head + TEMPO_BEATS :] - times[head:-TEMPO_BEATS] for times in (played_s, music_s))
    return np.nan_to_num(np.abs(played / meant - 1.0), nan=1.0)


def _period_errors(followed: Followed, music_s: np.ndarray, head: int) -> np.ndarray:
    """Relative error of the period, halfway through each beat after the first bars, against the music's period there
    (the beat's own with half the weight, its neighbours' with a quarter each); not near holds."""
    period = np.diff(music_s)
    padded = np.pad(period, 4, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(padded, 9), axis=1)
    held = np.convolve((period > HELD * usual) & (period - usual > 0.3), np.ones(7), mode="same") > 0
    errors = []
    for beat in range(max(head, 2), len(music_s) - 3):
        if held[beat]:
            continue
        row = np.searchsorted(followed.tempo[:, 0], 0.5 * (music_s[beat] + music_s[beat + 1])) - 1
        if 0 <= row < len(followed.tempo):
            local = 0.25 * period[beat - 1] + 0.5 * period[beat] + 0.25 * period[beat + 1]
            errors.append(abs(followed.tempo[row, 3] / local - 1.0))
    return np.array(errors)


def _sounded(played_s: np.ndarray, music_s: np.ndarray, head: int, lag_s: float) -> np.ndarray:
    """Errors (seconds, the lag taken off) of the next beat as it was predicted last, which is when it sounded; of one
    that never did, ``NEVER_S``."""
    return np.nan_to_num(np.abs(played_s[head:] - lag_s - music_s[head:]), nan=NEVER_S)


def _predictions(followed: Followed, music_s: np.ndarray, head: int) -> tuple[np.ndarray, np.ndarray]:
    """Errors (seconds, the first bars' median taken off) of the next beat as predicted when each beat was detected,
    and halfway from it to the next."""
    path = followed.tempo
    offs: list[tuple[float, float]] = []
    for beat in range(len(music_s) - 1):
        mine = path[path[:, 1] == beat]
        if not len(mine):
            offs.append((np.nan, np.nan))
            continue
        half = mine[mine[:, 0] >= 0.5 * (mine[:, 2] + mine[:, 4])]
        middle = half[0, 4] if len(half) else mine[-1, 4]
        offs.append((mine[0, 4] - music_s[beat + 1], middle - music_s[beat + 1]))
    off = np.array(offs).reshape(-1, 2)
    if np.isnan(off[:head]).all(axis=0).any():
        return np.zeros(0), np.zeros(0)
    off = off - np.nanmedian(off[:head], axis=0)
    at_once, halfway = off[head:].T
    return np.abs(at_once[~np.isnan(at_once)]), np.abs(halfway[~np.isnan(halfway)])
