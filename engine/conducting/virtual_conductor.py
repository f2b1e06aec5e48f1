"""A virtual conductor: makes takes that look like a person beating given timings.

Used for demonstrations, the ghost baton, tests and benchmarks. The hand goes from ictus to ictus of a figure
(``beat_figures``) as ``planned_gesture`` plans it: in a style that may be drawn at random (``mannerisms``), with a size
that follows the score's dynamics, seen by a device that may be poor (``imperfect_tracking``).
"""

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import find_objects, label

from ..errors import TakeError
from ..score import Score
from ..types import DEVICES, Pose
from .beat_figures import Style
from .beat_grid import prevailing_beats
from .imperfect_tracking import Tracking, stamps, tracked
from .mannerisms import fidgets
from .planned_gesture import Strokes
from .tracking import Take

Timings = tuple[np.ndarray, np.ndarray]
"""Score times in quarters and their times in seconds, both rising."""

STALLED, STALLED_QUARTERS = 4.0, 4
"""No orchestra plays so many quarters in a row so many times slower than usual; an alignment that went astray does."""
ASTRAY = 1.8
"""A quarter that borders on those and is so many times slower than usual went astray with them."""
CONTRADICTION_S = 0.05
"""How far a time may be from the others' before it is told that it was left out: notes of a chord are nearer."""
REST_S = 1.0
"""How long the virtual conductor stands still before the preparatory beat."""


def read_timings(path: Path | str, tell: Callable[[str], None] | None = None) -> Timings:
    """Read a CSV with columns ``quarter`` and ``time_s`` (others are ignored), sorted and cleaned.

    Rows that repeat a place or run against the majority are left out, and so is the time in which the recording plays
    what the score has not (``_without_stalls``); ``tell`` is given a line about it. Raises ``TakeError`` naming file
    and line.
    """
    path = Path(path)
    points: list[tuple[float, float]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(line for line in file if not line.startswith("#"))
            if not {"quarter", "time_s"} <= set(reader.fieldnames or ()):
                raise TakeError(f"{path}: needs the columns quarter and time_s")
            for row in reader:
                try:
                    point = (float(row["quarter"] or "nan"), float(row["time_s"] or "nan"))
                except ValueError:
                    raise TakeError(f"{path}, line {reader.line_num}: quarter and time_s must be numbers") from None
                if all(map(math.isfinite, point)):
                    points.append(point)
    except OSError as error:
        raise TakeError(f"{path}: cannot be read ({error.strerror}); check the file's name") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TakeError(f"{path}: not a CSV file of timings ({error})") from error
    if len(points) < 2:
        raise TakeError(f"{path}: holds fewer than two timed places")
    given_quarter, given_s = (np.array(column) for column in zip(*points, strict=True))
    try:
        cleaned = clean_timings(given_quarter, given_s)
    except TakeError:
        raise TakeError(f"{path}: holds fewer than two places whose time rises with the score's") from None
    timings = _without_stalls(*cleaned)
    if tell is not None:
        off = np.abs(np.interp(given_quarter, *cleaned) - given_s) > CONTRADICTION_S
        stalled_s = float(np.ptp(cleaned[1]) - np.ptp(timings[1]))
        words = []
        if off.any():
            first = given_quarter[off].min()
            words.append(f"{off.sum()} of {len(points)} times contradict the others and are left out, the first at "
                         f"quarter {first:g}")  # fmt: skip
        if stalled_s > CONTRADICTION_S:
            words.append(f"{stalled_s:.0f} s in which the score stands still are left out")
        if words:
            tell(f"{path}: {'; '.join(words)}")
    return timings


def clean_timings(quarter: np.ndarray, time_s: np.ndarray) -> Timings:
    """The longest sequence of the points in which both score time and time rise."""
    order = np.lexsort((time_s, quarter))
    quarter, time_s = quarter[order], time_s[order]
    first = np.concatenate([[True], np.diff(quarter) > 1e-9])
    quarter, time_s = quarter[first], time_s[first]
    tails: list[int] = []
    previous = np.full(len(quarter), -1)
    values: list[float] = []
    for index, value in enumerate(time_s):
        place = int(np.searchsorted(values, value, side="left"))
        previous[index] = tails[place - 1] if place else -1
        if place == len(tails):
            tails.append(index)
            values.append(float(value))
        else:
            tails[place] = index
            values[place] = float(value)
    keep = []
    index = tails[-1]
    while index >= 0:
        keep.append(index)
        index = int(previous[index])
    keep.reverse()
    if len(keep) < 2:
        raise TakeError("timings: fewer than two places whose time rises")
    return quarter[keep], time_s[keep]


def _without_stalls(quarter: np.ndarray, time_s: np.ndarray) -> Timings:
    """The timings at their usual speed where for ``STALLED_QUARTERS`` or more every quarter takes ``STALLED`` times as
    long as usual: there a recording plays what the score has not (another movement, a repeat that is not written). So
    for a quarter next to them that takes ``ASTRAY`` times as long."""
    usual_s = float(np.median(np.diff(time_s) / np.diff(quarter)))
    grid = np.arange(quarter[0], quarter[-1] + 1e-9)
    slowness = np.diff(np.interp(grid, quarter, time_s)) / usual_s
    moved_s = time_s.copy()
    for (stall,) in reversed(find_objects(label(slowness > STALLED)[0])):  # what is moved lies behind
        begin, end = stall.start, stall.stop
        if end - begin >= STALLED_QUARTERS:
            begin -= int(begin > 0 and slowness[begin - 1] > ASTRAY)
            end += int(end < len(slowness) and slowness[end] > ASTRAY)
            begin_s, end_s = np.interp(grid[[begin, end]], quarter, time_s)
            within = (quarter > grid[begin]) & (quarter < grid[end])
            moved_s[quarter >= grid[end]] -= end_s - begin_s - (end - begin) * usual_s
            moved_s[within] = begin_s + (quarter[within] - grid[begin]) * usual_s
    return quarter, moved_s


def beat_times(score: Score, timings: Timings) -> tuple[int, np.ndarray]:
    """When each conductor's beat of the score falls: index of the first beat and the times of it and those after.

    Beats between timed places are interpolated in score time; up to a bar before the first and after the last is
    extrapolated. Where a recording leaves out a passage (score time runs at more than four times its usual speed over
    at least two bars), the passage is beaten at the speed around it and what follows comes later.
    """
    quarter, time_s = timings
    time_s = _without_skips(score, quarter, time_s)
    beats = score.beats["quarter"].astype(float)
    bar = float(np.median(score.measures["duration_quarter"]))
    within = np.flatnonzero((beats >= quarter[0] - bar - 1e-6) & (beats <= quarter[-1] + bar + 1e-6))
    if len(within) < 2:
        raise TakeError("timings: they touch fewer than two beats of the score; are they of another piece?")
    speed = float(np.median(np.diff(quarter) / np.diff(time_s)))
    head, tail = (_speed(quarter, time_s, end, bar, speed) for end in (0, -1))
    inside = beats[within]
    times = np.interp(inside, quarter, time_s)
    early, late = inside < quarter[0], inside > quarter[-1]
    times[early] = time_s[0] - (quarter[0] - inside[early]) / head
    times[late] = time_s[-1] + (inside[late] - quarter[-1]) / tail
    return int(within[0]), times


def _speed(quarter: np.ndarray, time_s: np.ndarray, end: int, bar: float, usual: float) -> float:
    """Quarters per second near one end of the timings, kept within a factor of two of the usual speed."""
    near = np.abs(quarter - quarter[end]) <= 2 * bar + 1e-6
    if near.sum() < 2:
        return usual
    span = np.ptp(quarter[near]) / max(np.ptp(time_s[near]), 1e-6)
    return float(np.clip(span, usual / 2, usual * 2))


def _without_skips(score: Score, quarter: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    bar = float(np.median(score.measures["duration_quarter"]))
    step, wait = np.diff(quarter), np.diff(time_s)
    usual = float(np.median(step / wait))
    skipped = (step >= 2 * bar) & (step / wait > 4 * usual)
    extra = np.where(skipped, step / usual - wait, 0.0)
    return time_s + np.concatenate([[0.0], np.cumsum(extra)])


def conduct(
    score: Score,
    timings: Timings,
    *,
    seed: int = 0,
    noise_m: float = 0.002,
    rate_hz: float = 60.0,
    style: Style | None = None,
    tracking: Tracking | None = None,
    preamble_s: float = 0.0,
) -> Take:
    """A take of a virtual conductor who beats ``score`` with the given timings.

    ``noise_m`` is the standard deviation of the tracking noise per axis; ``tracking`` says more, and is then used in
    place of ``noise_m`` and ``rate_hz``. For ``preamble_s`` before they stand ready, the conductor talks, scratches,
    turns pages, points. The stamps are those of the timings, moved so that the take starts at 0 or later
    (``# offset_s``). The same arguments give the same take. Raises ``TakeError`` if the timings do not fit the score
    or the rate is not within 15–1000 Hz.
    """
    tracking = tracking or Tracking(rate_hz=rate_hz, noise_m=noise_m)
    if not 15.0 <= tracking.rate_hz <= 1000.0:
        raise TakeError(f"rate: {tracking.rate_hz:g} Hz; takes have 15 to 1000 Hz")
    if not 0.0 <= tracking.noise_m <= 0.1:
        raise TakeError(f"noise: {tracking.noise_m:g} m; 0 to 0.1 m")
    if not 0.0 <= preamble_s <= 3600.0:
        raise TakeError(f"preamble: {preamble_s:g} s; 0 to an hour")
    style = style or Style()
    random = np.random.default_rng(seed)
    plan = _plan(score, timings, style, preamble_s, random)
    strokes, offset_s, first, beat_s = plan.strokes, plan.offset_s, plan.first, plan.music_s[1] - plan.music_s[0]
    ready_s = max(0.0, float(strokes.start_s[0] - REST_S - 0.5 * beat_s))
    span_s = (max(0.0, ready_s - preamble_s), float(strokes.ictus_s[-1]) + 2.5)
    restless = random.spawn(1)[0]
    poses: list[Pose] = []
    for device in DEVICES:
        seen = replace(tracking, rate_hz=tracking.rate_hz if device == "baton" else min(tracking.rate_hz, 30.0))
        times = stamps(span_s, seen, random)
        places = strokes.places(device, times, style, random)
        if device != "head":
            places = places + _restlessness(times, (span_s[0], ready_s), strokes, style, restless)
        poses += tracked(device, times, places, seen, random)
    poses.sort(key=lambda pose: pose.time_s)
    metadata = {
        "score": score.title,
        "meter": str(prevailing_beats(score)),
        "first_beat_quarter": f"{float(score.beats['quarter'][first]):g}",
        "offset_s": f"{offset_s:.4f}",
        "seed": str(seed),
    }
    return Take(tuple(poses), metadata)


@dataclass(frozen=True, slots=True)
class _Plan:
    first: int
    music_s: np.ndarray
    offset_s: float
    strokes: Strokes


def _plan(score: Score, timings: Timings, style: Style, preamble_s: float, random: np.random.Generator) -> _Plan:
    first, music_s = beat_times(score, timings)
    offset_s = max(0.0, REST_S + 2.0 * float(music_s[1] - music_s[0]) + preamble_s - float(music_s[0]))
    music_s = music_s + offset_s
    return _Plan(first, music_s, offset_s, Strokes.plan(score, first, music_s, style, random))


def intended(
    score: Score, timings: Timings, *, seed: int = 0, style: Style | None = None, preamble_s: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """What ``conduct`` with these arguments means: the times of the music's beats, and of the hand's icti for them."""
    plan = _plan(score, timings, style or Style(), preamble_s, np.random.default_rng(seed))
    return plan.music_s, plan.strokes.ictus_s


def _restlessness(
    times: np.ndarray, preamble_s: tuple[float, float], strokes: Strokes, style: Style, random: np.random.Generator
) -> np.ndarray:
    """What a hand does besides beating: before the conductor is ready, and in holds if that is their style."""
    moved = fidgets(times, preamble_s, random)
    for hold in strokes.holds() if style.hold == "fidget" else ():
        moved += fidgets(times, hold, random)
    return moved
