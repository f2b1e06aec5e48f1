"""Situations that decide whether an orchestra can be trusted, each with conductors of all kinds.

Every function takes a number that draws conductor and music, and gives measurements by name.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from _conducting_measures import Followed, follow
from _conducting_takes import USUAL, Conductor, Piece, conductor, piece_of
from scipy.stats import spearmanr

from tutti.engine.conducting.beat_figures import Style
from tutti.engine.conducting.tracking import Take
from tutti.engine.conducting.virtual_conductor import conduct, intended
from tutti.engine.score import FERMATA_DTYPE
from tutti.engine.types import Pose

Measured = dict[str, list[float]]
NEVER_S = 9.0
"""Stands for a first chord that did not come."""
SETTLED_S, SETTLED_TEMPO = 0.06, 0.05
"""After a step of the tempo the orchestra has settled when beats stay within this of their time, and the period of the
new one."""
BURST_S = 0.3


def is_usual(number: int) -> bool:
    """Whether the conductor in the situation of that number is one of the textbook's: every third is, the others are
    drawn at random."""
    return number % 3 == 0


def _some_conductor(number: int, what: str) -> Conductor:
    names = list(USUAL)
    name = names[number // 3 % len(names)] if is_usual(number) else f"any {number}"
    return conductor(name, f"{what} {number}")


def _steady(number: int, beats: int, period_s: float | None = None) -> tuple[Piece, float]:
    random = np.random.default_rng([number, 7])
    period = float(random.uniform(0.45, 1.2)) if period_s is None else period_s
    meter = int(random.choice([2, 3, 4]))
    mark = float(np.exp(np.clip(random.normal(0.0, 0.12), -0.25, 0.25)))
    return piece_of(f"steady {number}", (1.0,) * meter, np.full(beats, period), mark), period


def _conducted(
    piece: Piece, by: Conductor, preamble_s: float = 0.0, hold: str = ""
) -> tuple[Take, np.ndarray, np.ndarray]:
    style = replace(by.style, hold=hold) if hold else by.style
    take = conduct(piece.score, piece.timings, seed=by.seed, style=style, tracking=by.tracking, preamble_s=preamble_s)
    return take, *intended(piece.score, piece.timings, seed=by.seed, style=style, preamble_s=preamble_s)


def first_chord(number: int) -> Measured:
    """One preparatory beat, then the first chord: its distance from the intended beat and from the hand's ictus."""
    piece, _ = _steady(number, 8)
    take, music_s, icti_s = _conducted(piece, _some_conductor(number, "first chord"))
    notes = follow(piece, take, len(music_s)).note_s
    first = notes[0] if len(notes) else music_s[0] + NEVER_S
    return {"first chord to beat": [abs(first - music_s[0])], "first chord to ictus": [abs(first - icti_s[0])]}


def tempo_step(number: int) -> Measured:
    """Steps of 10 and of 30 %: beats until the orchestra is there and stays."""
    ratio = (1.1, 0.9, 1.3, 0.7)[number % 4]
    random = np.random.default_rng([number, 11])
    before = float(random.uniform(0.55, 0.85))
    periods = np.concatenate([np.full(32, before), np.full(24, before / ratio)])
    piece = piece_of(f"step {number}", (1.0,) * 4, periods)
    by = _some_conductor(number, "tempo step")
    by = replace(by, style=replace(by.style, jitter_s=0.006, stray=0.0, lag_drift_s=0.0, hesitation=0.0))
    take, music_s, _ = _conducted(piece, by)
    followed = follow(piece, take, len(music_s))
    off = followed.played_s - music_s
    lag = _lag_by_place(off[8:33])
    off = np.abs(off - np.resize(np.roll(lag, -8 % 4), len(off)))
    settled = 20.0
    for beats in range(1, 20):
        at = 32 + beats
        row = np.searchsorted(followed.tempo[:, 0], music_s[at] + float(np.median(lag))) - 1
        tempo_off = abs(followed.tempo[row, 3] * ratio / before - 1.0) if row >= 0 else 1.0
        if np.all(off[at : at + 4] < SETTLED_S) and tempo_off < SETTLED_TEMPO:
            settled = float(beats)
            break
    return {f"beats to settle, step of {10 if number % 4 < 2 else 30} %": [settled]}


def _lag_by_place(off: np.ndarray) -> np.ndarray:
    """Median lag at each place of a bar of four."""
    return np.array([np.nanmedian(off[place::4]) if not np.isnan(off[place::4]).all() else 0.0 for place in range(4)])


def fermata(number: int) -> Measured:
    """A fermata held for 10 s: beats counted or sounded in it, and whether the count is right at the end."""
    return _held(number, "fermata")


def unmarked_hold(number: int) -> Measured:
    """The same where the score has no fermata."""
    return _held(number, "unmarked hold")


def _held(number: int, what: str) -> Measured:
    piece, period = _steady(number, 48)
    periods = np.full(48, period)
    periods[23] = 10.0
    piece = piece_of(piece.name, (1.0,) * int(piece.score.beats["beats_in_measure"][0]), periods)
    if what == "fermata":
        marked = np.array([(23.0, 24.0)], FERMATA_DTYPE)
        piece = replace(piece, score=replace(piece.score, fermatas=marked))
    hold = ("still", "slow", "low")[number // 3 % 3]
    take, music_s, icti_s = _conducted(piece, _some_conductor(number, "fermata"), hold=hold)
    followed = follow(piece, take, len(music_s))
    return {
        f"false beats, {what}": [_counted_between(followed, icti_s, 23, period)],
        f"miscounts, {what}": [float(followed.counted != len(music_s))],
    }


def stop_with_fidgets(number: int) -> Measured:
    """The conductor stops for 60 s in the middle, talks, scratches, turns pages, and goes on."""
    piece, period = _steady(number, 40)
    periods = np.full(40, period)
    periods[19] = 60.0
    piece = piece_of(piece.name, (1.0,) * int(piece.score.beats["beats_in_measure"][0]), periods)
    take, music_s, icti_s = _conducted(piece, _some_conductor(number, "stop"), hold="fidget")
    followed = follow(piece, take, len(music_s))
    return {
        "false beats, fidgets in a stop": [_counted_between(followed, icti_s, 19, period)],
        "miscounts with a stop": [float(followed.counted != len(music_s))],
    }


def _counted_between(followed: Followed, icti_s: np.ndarray, beat: int, period: float) -> float:
    """Beats counted, or sounded, after the held beat's ictus was done and before the preparation of the next. The music
    has one note on each beat."""
    begin, end = icti_s[beat] + 0.7 * period, icti_s[beat + 1] - 1.1 * period
    path = followed.tempo[(followed.tempo[:, 0] > begin) & (followed.tempo[:, 0] < end)]
    counted = max(0.0, float(path[:, 1].max()) - beat) if len(path) else 0.0
    return max(counted, float(np.sum((followed.note_s > begin) & (followed.note_s < end))))


def preamble(number: int) -> Measured:
    """60 s of talking, scratching, page-turning, pointing and thinking better of it before the preparatory beat."""
    piece, period = _steady(number, 24)
    take, music_s, icti_s = _conducted(piece, _some_conductor(number, "preamble"), preamble_s=60.0)
    followed = follow(piece, take, len(music_s))
    early = float(np.sum(followed.note_s < icti_s[0] - 0.8 * period))
    return {
        "false beats, fidgets before": [early],
        "starts spoilt by fidgets": [float(early > 0 or followed.counted != len(music_s))],
    }


def lost_tracking(number: int) -> Measured:
    """3 s without tracking, teleports, NaN, repeated and backward stamps: the count holds, no burst of notes."""
    piece, period = _steady(number, 56)
    by = _some_conductor(number, "lost tracking")
    take, music_s, _ = _conducted(piece, by)
    random = np.random.default_rng([number, 13])
    lost_s = music_s[24] + float(random.uniform(0.0, period))
    poses: list[Pose] = []
    for pose in take.poses:
        if number % 2 == 0 and lost_s < pose.time_s < lost_s + 3.0:
            continue
        chance = random.random()
        if number % 2 == 1 and chance < 0.02:
            x, y, z = (float(v) for v in random.uniform(-2.0, 2.0, 3))
            bad = float("nan") if chance < 0.005 else x
            stamp = pose.time_s - 0.5 if chance < 0.002 else pose.time_s
            poses.append(Pose(stamp, pose.device, (bad, y, z)))
        poses.append(pose)
    followed = follow(piece, replace(take, poses=tuple(poses)), len(music_s))
    kind = "tracking lost" if number % 2 == 0 else "bad samples"
    return {
        f"miscounts, {kind}": [float(followed.counted != len(music_s))],
        "burst": [_burst(followed.note_s, period)],
    }


def five_hertz(number: int) -> Measured:
    """Tracking at 5 Hz: nothing can be followed well, but nothing may rush."""
    piece, period = _steady(number, 40)
    by = _some_conductor(number, "5 Hz")
    take, music_s, _ = _conducted(piece, replace(by, tracking=replace(by.tracking, rate_hz=15.0)))
    thin = tuple(pose for index, pose in enumerate(take.of("baton")) if index % 3 == 0)
    notes = follow(piece, replace(take, poses=thin), len(music_s)).note_s
    return {"burst": [_burst(notes, period)]}


def _burst(note_s: np.ndarray, period: float) -> float:
    """Most beats' notes within a short time, beyond the one that may always be there, over what the tempo gives."""
    if not len(note_s):
        return 0.0
    within = np.searchsorted(note_s, note_s + BURST_S, side="right") - np.arange(len(note_s))
    return float(within.max() - 1) / (BURST_S / period)


def loudness(number: int) -> Measured:
    """The gesture's size changes every two bars: Spearman's rank correlation with level and with velocity."""
    random = np.random.default_rng([number, 17])
    period = float(random.uniform(0.5, 0.9))
    sizes = np.concatenate([random.permutation(np.geomspace(0.45, 2.0, 8)) for _ in range(2)])
    count = 8 * (len(sizes) + 1)
    piece = piece_of(f"loudness {number}", (1.0,) * 4, np.full(count, period))
    by = _some_conductor(number, "loudness")
    by = replace(by, style=replace(by.style, neglect=0.0, size_m=float(np.clip(by.style.size_m, 0.12, 0.4))))
    take, music_s, icti_s = _conducted(piece, by)
    factor = np.repeat(np.concatenate([[1.0], sizes]), 8)
    tops = 0.5 * (icti_s[:-1] + icti_s[1:])
    poses = tuple(_scaled(pose, by.style, float(np.interp(pose.time_s, tops, factor[1:]))) for pose in take.poses)
    followed = follow(piece, replace(take, poses=poses), count)
    levels, velocities = [], []
    for section in range(len(sizes)):
        begin, end = music_s[8 * (section + 1) + 2], music_s[min(8 * (section + 2), count - 1)]
        heard = (followed.note_s > begin) & (followed.note_s < end + 0.1)
        asked = (followed.level[:, 0] > begin) & (followed.level[:, 0] < end)
        levels.append(float(followed.level[asked, 1].mean()))
        velocities.append(float(followed.velocity[heard].mean()) if heard.any() else 0.0)
    return {
        "loudness: size to level": [float(spearmanr(sizes, levels).statistic)],
        "loudness: size to velocity": [float(np.nan_to_num(spearmanr(sizes, velocities).statistic))],
    }


def _scaled(pose: Pose, style: Style, factor: float) -> Pose:
    """A pose of the baton with the gesture made larger about the first ictus."""
    if pose.device != "baton":
        return pose
    x, y, z = (centre + factor * (at - centre) for at, centre in zip(pose.position_m, style.centre_m, strict=True))
    return replace(pose, position_m=(x, y, z))


SITUATIONS: dict[str, tuple[Callable[[int], Measured], int, int]] = {
    "first chord": (first_chord, 48, 12),
    "tempo steps": (tempo_step, 40, 8),
    "fermata": (fermata, 24, 6),
    "unmarked hold": (unmarked_hold, 24, 6),
    "stop with fidgets": (stop_with_fidgets, 12, 3),
    "preamble": (preamble, 24, 6),
    "lost tracking": (lost_tracking, 24, 4),
    "5 Hz": (five_hertz, 6, 1),
    "loudness": (loudness, 8, 2),
}
"""Each situation with how many times it is tried, in full and quickly."""
