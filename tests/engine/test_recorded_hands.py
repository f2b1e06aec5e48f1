"""Recorded hands in the benchmark: what was normalised is put back, and their bars conduct other music."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
NAME = "conducting_3_4_20260304_114820"
FRAMES = 400
PERIOD = 17.0


@pytest.fixture(autouse=True)
def _benchmarks_importable(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])


@pytest.fixture
def recorded(tmp_path):
    """A hand that beats three in a bar, written as the public recordings are; and its way."""
    frame = np.arange(FRAMES)
    beat, bar = frame / PERIOD, frame / (3.0 * PERIOD)
    size = np.where(np.floor(beat) % 3 == 2, 1.4, 1.0) * (1.0 + 0.05 * np.sin(0.3 * np.floor(beat)))
    way = np.stack([0.5 + 0.2 * np.sin(2 * np.pi * bar), 0.7 - 0.2 * size * np.sin(np.pi * (beat % 1.0)) ** 2], axis=1)
    marks = np.rint(np.arange(0, FRAMES - 1, PERIOD) + 2).astype(int)
    least, most = np.full(2, np.inf), np.full(2, -np.inf)
    with (tmp_path / f"{NAME}.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("frame", "time_sig", "x_norm", "y_norm", "vx_norm", "vy_norm", "ax_norm", "ay_norm", "beat"))
        for index, place in enumerate(way):
            least, most = np.minimum(least, place), np.maximum(most, place)
            span = np.where(most > least, most - least, 1.0)
            normal = np.where(most > least, (place - least) / span, 0.5)
            before = np.where(most > least, (way[max(0, index - 1)] - least) / span, 0.5)
            rows.writerow((index, "3/4", *normal, *(normal - before), 0.0, 0.0, int(index in marks)))
    return tmp_path, way


def test_places_are_put_back_from_the_box_so_far(recorded):
    from _recorded_hands import CENTRE_M, SIZE_M, read_hands

    folder, way = recorded
    (hand,) = read_hands(folder)
    across, height = (hand.way_m[:, :2] - CENTRE_M[:2]).T / SIZE_M + 0.5
    expected = (way - way.min(axis=0)) / np.ptp(way, axis=0)
    assert across[40:] == pytest.approx(expected[40:, 0], abs=0.02)
    assert 1.0 - height[40:] == pytest.approx(expected[40:, 1], abs=0.02)
    assert hand.beats_in_bar == 3 and hand.usual_s == pytest.approx(PERIOD / 30.0, rel=0.03)
    assert len(hand.bars) >= 5
    assert np.diff(hand.bars, axis=1) == pytest.approx(PERIOD, abs=2)
    lowest = [hand.way_m[max(0, i - 3) : i + 4, 1].min() for i in hand.bars[1:-1].ravel()]
    assert hand.way_m[hand.bars[1:-1].ravel(), 1] == pytest.approx(lowest, abs=0.005)


def test_a_corner_and_a_stop_are_told_from_a_circle():
    from _recorded_hands import at_icti

    times_s = np.arange(0.0, 20.0, 0.01)
    icti_s = np.arange(0.5, 19.0, 0.5)
    circle = np.stack([np.cos(4 * np.pi * times_s), np.sin(4 * np.pi * times_s), 0.0 * times_s], axis=1)
    swing = np.stack([0.0 * times_s, np.cos(4 * np.pi * times_s), 0.0 * times_s], axis=1)
    turn, speed = at_icti(times_s, circle, icti_s)
    assert turn == pytest.approx(0.3 * 360.0, abs=4) and speed == pytest.approx(1.0, abs=0.02)
    turn, speed = at_icti(times_s, swing, icti_s)
    assert turn == pytest.approx(180.0, abs=1) and speed < 0.2


def test_its_bars_conduct_the_rubato_of_another_piece(recorded):
    from _conducting_measures import judged_take
    from _conducting_takes import curves
    from _recorded_hands import conducted_by, read_hands

    (hand,) = read_hands(recorded[0])
    piece, take, music_s, icti_s = conducted_by(hand, curves()["in 3, ritardandi"], 60)
    times_s = np.array([pose.time_s for pose in take.of("baton")])
    heights_m = np.array([pose.position_m[1] for pose in take.of("baton")])
    assert len(music_s) == len(icti_s) == 61 - 1 and take.metadata["meter"] == "3"
    for ictus_s in icti_s[3:-3]:
        near = np.abs(times_s - ictus_s) < 0.25 * hand.usual_s
        assert abs(times_s[near][heights_m[near].argmin()] - ictus_s) < 0.07
    result = judged_take(piece, hand.name, take, music_s, icti_s)
    assert result.f > 0.7 and abs(result.count_error) <= 1


def test_hands_are_seen_in_other_ways(recorded):
    from _conducting_takes import curves
    from _recorded_hands import SEEN, conducted_by, read_hands, seen_as

    (hand,) = read_hands(recorded[0])
    _, take, _, _ = conducted_by(hand, curves()["in 3, ritardandi"], 12)
    places = {}
    for way in SEEN:
        seen, late_s = seen_as(take, way, 1)
        places[way] = np.array([pose.position_m for pose in seen.of("baton") if pose.valid])
        assert seen.metadata == take.metadata and late_s == (0.05 if "webcam" in way else 0.03 if "15" in way else 0.0)
    assert np.allclose(places["as recorded"], [pose.position_m for pose in take.of("baton")])
    span = {way: np.ptp(of, axis=0) for way, of in places.items()}
    assert span["three tenths as large"][1] == pytest.approx(0.3 * span["as recorded"][1], rel=0.05)
    assert span["from the side by 40°"][0] < 0.9 * span["as recorded"][0]
    assert len(places["15 times a second"]) == pytest.approx(15 / 30 * len(places["as recorded"]), rel=0.02)


def test_a_folder_without_hands_is_named(tmp_path, capsys, monkeypatch):
    import hands

    monkeypatch.setattr(sys, "argv", ["hands", str(tmp_path), str(tmp_path)])
    with pytest.raises(SystemExit):
        hands.main()
    assert str(tmp_path) in capsys.readouterr().err


def test_a_file_that_is_no_recording_is_named(tmp_path, capsys, monkeypatch):
    import hands

    (tmp_path / f"{NAME}.csv").write_text("frame,x_norm,beat\n0,0.5,0\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["hands", str(tmp_path), str(tmp_path)])
    with pytest.raises(SystemExit):
        hands.main()
    assert f"{NAME}.csv: lacks the columns vx_norm, vy_norm, y_norm" in capsys.readouterr().err


def test_no_hand_conducts_a_recording_twice():
    from hands import conducted_recordings

    for known in (1, 3, 5, 10, 11):
        names = [f"piece {number}" for number in range(known)]
        for each in conducted_recordings(4, names, 3):
            assert len(set(each)) == len(each) == min(3, known)
    assert conducted_recordings(2, list("abcdefghijk"), 3) == [["a", "f", "k"], ["d", "i", "c"]]
