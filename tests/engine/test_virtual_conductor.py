"""The virtual conductor: its takes are whole, repeatable, on time, and look like conducting."""

from dataclasses import replace

import numpy as np
import pytest
from conducting import timings
from support import make_score

from tutti.engine.conducting.beat_figures import Style, figure
from tutti.engine.conducting.virtual_conductor import beat_times, clean_timings, conduct, read_timings
from tutti.engine.errors import TakeError

SCORE = make_score([], measures=10)
EVEN = timings(SCORE, np.full(40, 0.75))


def heights(take):
    baton = take.of("baton")
    return np.array([pose.time_s for pose in baton]), np.array([pose.position_m[1] for pose in baton])


def test_the_same_seed_gives_the_same_take():
    assert conduct(SCORE, EVEN, seed=3) == conduct(SCORE, EVEN, seed=3)
    assert conduct(SCORE, EVEN, seed=3) != conduct(SCORE, EVEN, seed=4)


def test_a_take_has_all_devices_at_the_rate_and_says_how_it_beats():
    take = conduct(SCORE, EVEN, rate_hz=100.0)
    times, _ = heights(take)
    assert np.all(np.diff(times) > 0)
    assert np.median(np.diff(times)) == pytest.approx(0.01, rel=0.1)
    assert take.of("left") and take.of("head")
    assert take.metadata["meter"] == "4"
    assert take.metadata["first_beat_quarter"] == "0"


def test_the_hand_is_lowest_at_each_beat_later_on_the_first_than_on_the_last():
    style = Style(jitter_s=0.0, variation=0.0, sway_m=0.0, lag=1.0)
    take = conduct(SCORE, EVEN, noise_m=0.0, rate_hz=240.0, style=style)
    times, height = heights(take)
    truth = EVEN[1] + float(take.metadata["offset_s"])
    lags = []
    for beat in truth[4:36]:
        near = (times > beat - 0.25) & (times < beat + 0.4)
        lags.append(times[near][np.argmin(height[near])] - beat)
    of_beat = np.array(lags).reshape(-1, 4).mean(axis=0)
    assert of_beat == pytest.approx([0.225, 0.109, 0.109, 0.019], abs=0.012)


@pytest.mark.parametrize("preparation", ["lift", "dip"])
def test_it_starts_and_ends_still(preparation):
    take = conduct(SCORE, EVEN, noise_m=0.0, style=Style(sway_m=0.0, preparation=preparation))
    times, height = heights(take)
    assert np.ptp(height[times < times[0] + 0.4]) < 0.005
    assert np.ptp(height[times > times[-1] - 0.5]) < 0.005


def test_a_long_beat_is_held_still():
    periods = np.full(40, 0.75)
    periods[15] = 5.0
    take = conduct(SCORE, timings(SCORE, periods), noise_m=0.0, style=Style(sway_m=0.0))
    times, height = heights(take)
    begin = 4.0 + 15 * 0.75 + float(take.metadata["offset_s"])
    assert np.ptp(height[(times > begin + 1.5) & (times < begin + 4.0)]) < 0.005


def test_loud_bars_are_beaten_larger():
    notes = [(float(q), 1.0, 60, 0, 0.2 if q < 20 else 0.9, 0) for q in range(40)]
    score = make_score(notes, measures=10)
    times, height = heights(conduct(score, EVEN, style=Style(variation=0.0)))
    middle = np.median(times)
    assert np.ptp(height[times > middle + 2]) > 1.5 * np.ptp(height[(times < middle - 2) & (times > 5)])


@pytest.mark.parametrize("beats", range(1, 10))
def test_every_meter_has_a_figure(beats):
    places = figure(beats)
    assert places.shape == (beats, 2)
    assert len({tuple(place) for place in places.round(3).tolist()}) == beats
    score = make_score([], measures=4, beats_in_measure=beats)
    assert conduct(score, timings(score, np.full(4 * beats, 0.6)))


def test_timings_are_cleaned(tmp_path):
    path = tmp_path / "timings.csv"
    path.write_text("score_quarter,quarter,time_s\n0,0,1\n1,1,2\n1,1,2.1\n2,2,0.5\n3,3,4\n3.5,3.5,\n4,4,5\n")
    told: list[str] = []
    quarter, time_s = read_timings(path, told.append)
    assert quarter.tolist() == [0, 1, 3, 4]
    assert time_s.tolist() == [1, 2, 4, 5]
    assert told == [f"{path}: 2 of 6 times contradict the others and are left out, the first at quarter 1"]
    path.write_text("quarter,time_s\n0,0\n1,1\n1,1.01\n2,2\n")
    assert read_timings(path, pytest.fail)[0].tolist() == [0, 1, 2], "nothing to tell"


def test_what_a_recording_plays_and_the_score_has_not_is_taken_out(tmp_path):
    waits = np.full(40, 0.5)
    waits[3:8] = [21.0, 50.0, 33.0, 76.0, 8.5]
    waits[2] = 1.1  # the alignment slips before it is lost
    waits[30:34] = 9.0
    waits[20] = 6.0
    path = tmp_path / "timings.csv"
    rows = enumerate(np.cumsum(waits) - waits[0])
    path.write_text("quarter,time_s\n" + "".join(f"{quarter},{time_s}\n" for quarter, time_s in rows))
    told: list[str] = []
    _, time_s = read_timings(path, told.append)
    assert told == [f"{path}: {waits[2:8].sum() + 36.0 - 5.0:.0f} s in which the score stands still are left out"]
    waits[2:8] = waits[30:34] = 0.5
    assert np.diff(time_s) == pytest.approx(waits[1:])


@pytest.mark.parametrize(
    "text", ["quarter,time_s\n0,1\n", "a,b\n1,2\n", "quarter,time_s\n0,1\n1,x\n", "quarter,time_s\n0,5\n1,4\n", ""]
)
def test_bad_timings_are_refused(tmp_path, text):
    path = tmp_path / "timings.csv"
    path.write_text(text)
    with pytest.raises(TakeError, match=r"timings\.csv"):
        read_timings(path)


def test_beats_are_interpolated_and_extrapolated_by_at_most_a_bar():
    quarter = np.array([6.0, 7.0, 8.0, 10.0, 12.0])
    first, times = beat_times(SCORE, (quarter, 10.0 + 0.5 * quarter))
    assert first == 2
    assert times == pytest.approx(10.0 + 0.5 * np.arange(2, 17))


def test_a_skipped_repeat_is_beaten_at_the_speed_around_it():
    quarter = np.concatenate([np.arange(0, 12), np.arange(24, 40)]).astype(float)
    time_s = 0.5 * np.arange(len(quarter))
    first, times = beat_times(SCORE, (quarter, time_s))
    assert first == 0
    assert len(times) == 40
    assert np.diff(times) == pytest.approx(np.full(39, 0.5), abs=0.02)


def test_points_against_the_majority_are_dropped():
    quarter, time_s = clean_timings(np.arange(6.0), np.array([0.0, 1.0, 9.0, 3.0, 4.0, 5.0]))
    assert quarter.tolist() == [0, 1, 3, 4, 5]
    assert np.all(np.diff(time_s) > 0)


def test_arguments_out_of_range_and_foreign_timings_are_refused():
    with pytest.raises(TakeError, match="15 to 1000"):
        conduct(SCORE, EVEN, rate_hz=5.0)
    with pytest.raises(TakeError, match="noise"):
        conduct(SCORE, EVEN, noise_m=-1.0)
    with pytest.raises(TakeError, match="another piece"):
        conduct(SCORE, (EVEN[0] + 900.0, EVEN[1]))


def test_a_mirror_image_moves_the_other_way():
    plain = Style(sway_m=0.0, jitter_s=0.0, variation=0.0, centre_m=(0.0, 1.05, -0.4))
    right = conduct(SCORE, EVEN, noise_m=0.0, style=plain).of("baton")
    left = conduct(SCORE, EVEN, noise_m=0.0, style=replace(plain, mirror=True)).of("baton")
    assert [a.position_m[0] for a in right] == pytest.approx([-b.position_m[0] for b in left])
