"""The whole path under an offline clock: a virtual conductor in, an orchestra's notes out."""

import numpy as np
import pytest
from support import make_score, with_upbeat

from tutti.engine.conducting.tracking import Take
from tutti.engine.conducting.virtual_conductor import clean_timings, conduct
from tutti.engine.performance import Performance
from tutti.engine.score import Score
from tutti.engine.types import Frame, Pose
from tutti.studio.performance_log import PerformanceLog
from tutti.studio.render import perform_offline


def waltz(measures: int = 12) -> Score:
    """Three voices in 3/4, a note on every beat."""
    notes = [
        (float(q), 1.0, 55 + 5 * part + (q * 7) % 12, part, 0.55, 0) for q in range(3 * measures) for part in range(3)
    ]
    return make_score(
        notes, measures=measures, beats_in_measure=3, quarter_bpm=96, instruments=("violin", "viola", "cello")
    )


def rubato_take(score: Score, seed: int = 0) -> tuple[Take, np.ndarray]:
    """A take that breathes, and the times its beats were meant for."""
    beats = np.arange(len(score.beats) + 1)
    period_s = 0.625 * (1.0 + 0.12 * np.sin(2 * np.pi * beats / 12.0))
    times = 3.0 + np.concatenate([[0.0], np.cumsum(period_s[:-1])])
    take = conduct(score, clean_timings(beats.astype(float), times), seed=seed)
    return take, times[:-1] + float(take.metadata["offset_s"])


def perform(score: Score, take: Take) -> tuple[list[Frame], PerformanceLog]:
    performance = Performance(score)
    frames = list(perform_offline(performance, take))
    performance.close()
    log = PerformanceLog()
    log.extend(frames)
    return frames, log


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_note_and_beat_once_in_order_and_close_behind_the_conductor(seed: int) -> None:
    score = waltz()
    take, meant = rubato_take(score, seed)
    _, log = perform(score, take)
    crossings = log.crossings()
    assert [c.beat_index for c in crossings] == list(range(len(score.beats)))
    errors = np.array([c.time_s for c in crossings]) - meant
    assert np.abs(errors - np.median(errors)).max() < 0.2
    assert np.median(np.abs(errors - np.median(errors))) < 0.05
    played = log.played()
    assert len(played) == len(score.notes)
    assert [note.quarter for note in played] == sorted(note.quarter for note in played)
    by_beat = {c.beat_index: c.time_s for c in crossings}
    onsets = np.array([note.onset_s - by_beat[round(note.quarter)] for note in played])
    assert np.abs(onsets).max() < 0.1
    assert all(note.duration_s > 0.1 for note in played)


@pytest.mark.parametrize("length", [0.5, 0.25])
def test_an_upbeat_shorter_than_a_beat_comes_off_the_whole_beat_that_is_given(length: float) -> None:
    score = with_upbeat(waltz(6), length)
    beats = score.beats["quarter"].astype(float)
    take = conduct(score, clean_timings(beats, 3.0 + 0.6 * np.arange(len(beats))), seed=1)
    _, log = perform(score, take)
    crossings, played = log.crossings(), log.played()
    assert [c.beat_index for c in crossings] == list(range(len(beats)))
    assert crossings[0].quarter == length - 1.0
    assert sum(note.quarter == 0.0 for note in played) == 3
    upbeat_s = np.median([note.onset_s for note in played if note.quarter == 0.0])
    assert upbeat_s - crossings[0].time_s == pytest.approx((1.0 - length) * 0.6, abs=0.06)


def test_the_playhead_never_goes_back_and_never_leaps() -> None:
    score = waltz()
    take, _ = rubato_take(score)
    frames, _ = perform(score, take)
    quarters = np.array([frame.position.quarter for frame in frames])
    steps = np.diff(quarters)
    assert steps.min() >= 0.0
    assert steps.max() < 0.12
    assert max(len(frame.notes) for frame in frames) <= 3


def test_the_same_take_gives_the_same_frames() -> None:
    score = waltz(4)
    take, _ = rubato_take(score)
    assert perform(score, take)[0] == perform(score, take)[0]


def test_nothing_is_played_before_a_gesture_and_all_stops_when_the_baton_is_lost() -> None:
    score = waltz()
    take, meant = rubato_take(score)
    cut_s = float(meant[14])
    short = Take(tuple(pose for pose in take.poses if pose.time_s < cut_s), take.metadata)
    frames, log = perform(score, short)
    played = log.played()
    assert played[0].onset_s > meant[0] - 0.3
    assert played[-1].quarter < 26, "it coasts a few beats, then stops"
    assert frames[-1].position.state in ("stopped", "coasting", "holding")
    assert max(note.onset_s + note.duration_s for note in played) <= frames[-1].time_s


def test_a_still_baton_conducts_nothing() -> None:
    score = waltz()
    still = Take(tuple(Pose(n * 0.01, "baton", (0.2, 1.2, -0.4)) for n in range(600)))
    frames, log = perform(score, still)
    assert not log.notes
    assert frames[-1].position.state == "waiting"


def test_a_jump_goes_on_from_there() -> None:
    score = waltz()
    take, _ = rubato_take(score)
    performance = Performance(score)
    performance.jump(12)
    frames = list(perform_offline(performance, take))
    log = PerformanceLog()
    log.extend(frames)
    assert log.crossings()[0].beat_index == 12
    assert log.played()[0].quarter == 12.0
    assert frames[-1].position.state == "ended"
    performance.close()


def test_a_pulled_trigger_is_louder_only_while_it_is_pulled() -> None:
    performance = Performance(waltz(2))
    still = Pose(0.0, "baton", (0.0, 1.2, -0.3))
    before = performance.step(0.0, [still]).dynamics.level
    performance.level_push = 0.3
    assert performance.step(0.01, []).dynamics.level == pytest.approx(before + 0.3)
    performance.level_push = 0.0
    assert performance.step(0.02, []).dynamics.level == pytest.approx(before)
    performance.close()


def test_a_frame_tells_the_newest_valid_pose_of_each_device() -> None:
    score = waltz(2)
    performance = Performance(score)
    seen = Pose(0.01, "head", (0.0, 1.6, 0.0))
    performance.step(0.0, [Pose(0.0, "head", (0.0, 1.5, 0.0)), seen])
    frame = performance.step(0.02, [Pose(0.02, "head", (9.0, 9.0, 9.0), valid=False)])
    performance.close()
    assert frame.pose_of("head") == seen
    assert frame.pose_of("baton") is None
