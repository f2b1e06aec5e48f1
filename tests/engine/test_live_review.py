"""The conductor's view, gathered frame by frame from a real performance under a virtual conductor."""

from dataclasses import replace

import numpy as np
import pytest
from support import make_score

from tutti.engine.conducting.beat_figures import Style
from tutti.engine.conducting.live_review import STATISTICS_BARS, LiveReview
from tutti.engine.conducting.tracking import TakeSource
from tutti.engine.conducting.virtual_conductor import conduct
from tutti.engine.performance import Performance
from tutti.engine.types import Frame, Sign

SCORE = make_score([(float(n), 1.0, 60, 0, 0.5, 0) for n in range(60)], measures=20, beats_in_measure=3)


def frames(*, mirror: bool = False, until_s: float = 25.0) -> list[Frame]:
    quarters = SCORE.beats["quarter"].astype(float)
    take = conduct(SCORE, (quarters, 4.0 + 0.6 * np.arange(len(quarters))), seed=5, style=Style(mirror=mirror))
    source, performance = TakeSource(take), Performance(SCORE)
    return [performance.step(now_s, source.poll(now_s)) for now_s in np.arange(0.0, until_s, 0.01).tolist()]


@pytest.fixture(scope="module")
def watched() -> tuple[LiveReview, list[Frame]]:
    played = frames()
    review = LiveReview(SCORE)
    for frame in played:
        review.add(frame)
    return review, played


def test_beats_way_and_ghost(watched: tuple[LiveReview, list[Frame]]) -> None:
    review, played = watched
    assert review.state == "playing"
    assert len(review.crossings) == sum(len(frame.crossings) for frame in played)
    assert review.crossings[-1].bpm == pytest.approx(100, rel=0.08)
    # Two bars of three beats of 0.6 s, six icti in it, more or less one at the ends.
    way = review.way
    assert 3.4 < np.ptp(way[:, 0]) < 3.9
    icti = review.icti()
    assert 5 <= len(icti) <= 7
    assert [beat for beat, _, _ in icti[-3:]] in ([1, 2, 3], [2, 3, 1], [3, 1, 2])
    ghost = review.ghost()
    assert ghost is not None and not ghost.mirrored and ghost.icti.shape == (3, 2)
    assert np.ptp(ghost.way[:, 1]) == pytest.approx(np.ptp(way[:, 2]))


def test_statistics_are_of_the_last_bars(watched: tuple[LiveReview, list[Frame]]) -> None:
    rows = watched[0].statistics()
    assert [row.beat for row in rows] == [1, 2, 3]
    assert all(STATISTICS_BARS - 1 <= row.played <= STATISTICS_BARS for row in rows)
    assert all(row.seen > 0 and 0.0 < row.clarity <= 1.0 and abs(row.lag_ms) < 250 for row in rows)


def test_the_account_is_a_line_a_bar(watched: tuple[LiveReview, list[Frame]]) -> None:
    lines = [line for line in watched[0].lines if line.measure]
    measures = [int(line.measure) for line in lines]
    assert measures == sorted(measures, reverse=True)
    assert sorted(lines[1].known_ms) == [1, 2, 3]
    assert all(ms is None or 0 < ms < 400 for ms in lines[1].known_ms.values())
    assert str(lines[1]).startswith(f"bar {measures[1]}   1: ")


def test_a_short_repeat_has_lines_of_its_own() -> None:
    """Four bars, played twice within 16 s: they have the same numbers."""
    measures = SCORE.measures.copy()
    measures["number"] = [str(1 + index % 4) for index in range(len(measures))]
    review = LiveReview(replace(SCORE, measures=measures))
    for frame in frames(until_s=20.0):
        review.add(frame)
    numbers = [line.measure for line in reversed(review.lines) if line.measure]
    assert numbers == [str(1 + (int(numbers[0]) - 1 + index) % 4) for index in range(len(numbers))]
    assert len(numbers) > 6
    played = [line.played for line in review.lines if line.measure]
    assert played == sorted(set(played), reverse=True)


def test_a_left_hander_gets_a_mirrored_ghost() -> None:
    review = LiveReview(SCORE)
    for frame in frames(mirror=True, until_s=14.0):
        review.add(frame)
    ghost = review.ghost()
    assert ghost is not None and ghost.mirrored


def test_signs_that_go_on_are_said_once_and_a_restart_begins_anew(watched: tuple[LiveReview, list[Frame]]) -> None:
    _, played = watched
    review = LiveReview(SCORE)
    for frame in played[:1500]:
        review.add(frame)
    beats = len(review.crossings)
    for frame in played[1500:1560]:
        review.add(replace(frame, crossings=(), signs=(Sign(frame.time_s, "hush", "Violins I", -0.3),)))
    assert [str(line) for line in review.lines].count("Hush: Violins I") == 1
    again = played[1560]
    first = next(crossing for frame in played for crossing in frame.crossings)
    review.add(replace(again, crossings=(replace(first, time_s=again.time_s),)))
    assert beats > 10 and [crossing.beat_index for crossing in review.crossings] == [first.beat_index]
