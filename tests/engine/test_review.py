"""Looking back: the ideal figure fitted to a hand, beats of the bar, bars."""

from dataclasses import replace

import numpy as np
import pytest
from support import make_score

from tutti.engine.conducting.beat_figures import figure
from tutti.engine.conducting.follower import match_icti
from tutti.engine.conducting.review import (
    WAY_POINTS_PER_BEAT,
    bar_ways,
    bars,
    beat_statistics,
    fit_ghost,
    ideal_way,
    marked_bpm,
)
from tutti.engine.types import Beat, BeatCrossing

SCORE = make_score([(0.0, 1.0, 60, 0, 0.5, 0)], measures=6, quarter_bpm=90.0)


def crossings(count: int, first: int = 0, start_s: float = 1.0, period_s: float = 0.5) -> list[BeatCrossing]:
    return [
        BeatCrossing(first + n, start_s + n * period_s, float(first + n), "", n % 4 + 1, 60.0 / period_s, None, 0.9)
        for n in range(count)
    ]


@pytest.mark.parametrize("beats", [1, 2, 3, 4, 5, 6, 7, 9, 12])
def test_the_ideal_way_goes_through_its_icti_and_closes(beats: int) -> None:
    way = ideal_way(beats)
    assert way.shape == (beats * WAY_POINTS_PER_BEAT + 1, 2)
    assert np.allclose(way[:-1:WAY_POINTS_PER_BEAT], figure(beats))
    assert np.allclose(way[0], way[-1])
    # Between icti the hand is above the line that joins them.
    for beat in range(beats):
        piece = way[beat * WAY_POINTS_PER_BEAT : (beat + 1) * WAY_POINTS_PER_BEAT + 1]
        assert piece[WAY_POINTS_PER_BEAT // 2, 1] > max(piece[0, 1], piece[-1, 1])


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_ghost_finds_size_place_and_hand(mirrored: bool) -> None:
    sides = np.array([-0.3 if mirrored else 0.3, 0.3])
    way = np.array([0.1, 1.1]) + sides * ideal_way(4)
    ghost = fit_ghost(4, way, way[:-1:WAY_POINTS_PER_BEAT], [1, 2, 3, 4])
    assert ghost is not None
    assert ghost.mirrored is mirrored
    assert np.allclose(ghost.way, way)
    assert np.allclose(ghost.icti, way[:-1:WAY_POINTS_PER_BEAT])


def test_a_hand_at_rest_has_no_ghost_and_one_without_icti_has() -> None:
    rest = np.tile([0.1, 1.1], (50, 1))
    assert fit_ghost(3, rest, rest[:0], []) is None
    way = np.array([0.1, 1.1]) + 0.3 * ideal_way(3)
    ghost = fit_ghost(3, way, way[:0], [])
    assert ghost is not None and np.ptp(ghost.way[:, 1]) == pytest.approx(np.ptp(way[:, 1]))


def test_statistics_by_beat_of_the_bar() -> None:
    """The first beat's ictus comes 100 ms before the music, the third is never seen."""
    played = crossings(16)
    lead_s = {1: 0.1, 2: 0.02, 4: -0.03}
    icti = [
        Beat(c.time_s - lead_s[c.beat], c.time_s - lead_s[c.beat] + 0.06, c.beat_index, 0.3, 0.25 * c.beat)
        for c in played
        if c.beat != 3
    ]
    by_beat = {row.beat: row for row in beat_statistics(SCORE, match_icti(played, icti), icti)}
    assert [by_beat[beat].seen for beat in (1, 2, 3, 4)] == [4, 4, 0, 4]
    assert all(row.played == 4 and row.beats_in_measure == 4 for row in by_beat.values())
    assert by_beat[1].lag_ms == pytest.approx(100) and by_beat[4].lag_ms == pytest.approx(-30)
    assert by_beat[2].scatter_ms == pytest.approx(0, abs=1e-6) and by_beat[2].known_ms == pytest.approx(60)
    assert by_beat[4].clarity == pytest.approx(1.0)


def test_bars_with_their_tempi_and_ways() -> None:
    played = crossings(10, period_s=0.5) + crossings(8, first=4, start_s=20.0, period_s=1.0)
    found = bars(SCORE, played)
    assert [bar.measure for bar in found] == [0, 1, 2, 1, 2]
    assert [bar.conducted_bpm for bar in found] == pytest.approx([120, 120, 120, 60, 60])
    assert [bar.end_s is None for bar in found] == [False, False, True, False, True]
    assert marked_bpm(SCORE, 0) == 90.0 == found[0].marked_bpm
    time_s = np.arange(0.0, 30.0, 0.01)
    beat = np.interp(time_s, [c.time_s for c in played[:10]], np.arange(10.0))
    way = np.stack([np.interp(beat % 4 * 16, np.arange(65), ideal_way(4)[:, axis]) for axis in (0, 1)], axis=1)
    seen = match_icti(played, [Beat(c.time_s, c.time_s + 0.05, c.beat_index, 0.3, 1.0) for c in played[:10]])
    ways = bar_ways(SCORE, seen, time_s, 0.3 * way)
    assert [one.bar.measure for one in ways] == [0, 1, 1, 2], "not the bar that was broken off"
    assert ways[0].beats == (1, 2, 3, 4)
    assert np.allclose(ways[0].icti, 0.3 * figure(4), atol=0.01)
    assert ways[0].ghost is not None and np.allclose(ways[0].ghost.icti, ways[0].icti, atol=0.02)
    assert ways[2].ghost is None  # the hand rests while the second pass is played


def test_the_way_of_the_last_bar_ends_with_its_last_beat() -> None:
    """It was left out: no beat follows it. A last beat that is held is no longer there than the others: then the hand
    goes down."""
    played = [replace(c, ictus_s=c.time_s - 0.02) for c in crossings(16)]
    time_s = np.arange(0.0, 20.0, 0.01)
    place_m = np.stack([0.1 * np.sin(time_s), np.where(time_s < 9.0, 1.0 + 0.1 * np.cos(12 * time_s), 0.0)], axis=1)
    for last_bpm, beats in ((120.0, 1.0), (20.0, 1.0), (240.0, 0.5)):
        last = bar_ways(SCORE, [*played[:-1], replace(played[-1], bpm=last_bpm)], time_s, place_m)[-1]
        assert last.bar.measure == 3 and last.beats == (1, 2, 3, 4)
        assert len(last.way) == pytest.approx(100 * 0.5 * (3 + beats), abs=2)
