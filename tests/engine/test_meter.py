"""What a conductor beats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from score_samples import attributes, ending, metronome, note, repeat, score, words, write

from tutti.engine.notation.meter import PlayedMeasure, bar_beats, conductor_beats
from tutti.engine.notation.score_reader import read_score


@pytest.mark.parametrize(
    ("time", "quarter_bpm", "beats"),
    [
        ("4/4", 120, [1, 1, 1, 1]),
        ("3/4", 100, [1, 1, 1]),
        ("2/4", 100, [1, 1]),
        ("2/2", 160, [2, 2]),
        ("3/2", 160, [2, 2, 2]),
        ("4/2", 140, [2, 2, 2, 2]),
        ("6/8", 100, [1.5, 1.5]),
        ("9/8", 100, [1.5] * 3),
        ("12/8", 100, [1.5] * 4),
        ("6/4", 180, [3, 3]),
        ("3/8", 70, [0.5] * 3),
        ("5/4", 100, [1] * 5),
        ("7/4", 100, [1] * 7),
        ("5/8", 120, [1, 1.5]),
        ("7/8", 120, [1, 1, 1.5]),
        ("5/8", 60, [0.5] * 5),
        ("8/8", 140, [1.5, 1.5, 1]),
        # slow: subdivided
        ("2/4", 40, [0.5] * 4),
        ("2/4", 44, [0.5] * 4),
        ("4/4", 40, [0.5] * 8),
        ("3/4", 38, [0.5] * 6),
        ("6/8", 60, [0.5] * 6),
        ("12/8", 45, [0.5] * 12),
        ("2/2", 80, [1, 1, 1, 1]),
        # fast: joined
        ("2/4", 216, [2]),
        ("3/4", 240, [3]),
        ("4/4", 200, [2, 2]),
        ("4/4", 400, [4]),
        ("3/8", 150, [1.5]),
        ("6/8", 300, [3]),
        ("2/2", 400, [4]),
        ("12/8", 300, [3, 3]),
        ("5/4", 200, [2, 3]),
        # at the edge
        ("4/4", 180, [1] * 4),
        ("4/4", 45, [1] * 4),
    ],
)
def test_beats_of_a_bar(time, quarter_bpm, beats):
    numerator, denominator = (int(number) for number in time.split("/"))
    assert bar_beats(numerator, denominator, quarter_bpm) == pytest.approx(beats)


def test_additive_meters_keep_their_groups():
    assert bar_beats(8, 8, 160, (3, 2, 3)) == [1.5, 1.0, 1.5]
    assert bar_beats(5, 8, 160, (3, 2)) == [1.5, 1.0]


def test_the_printed_unit_moves_the_limits():
    assert bar_beats(3, 4, 174, referent=3.0) == [3.0]  # dotted half = 58: felt in one
    assert bar_beats(3, 4, 174) == [1.0] * 3
    assert bar_beats(2, 4, 152, referent=2.0) == [1.0] * 2  # half = 76: still in two
    assert bar_beats(2, 4, 50, referent=0.5) == [1.0] * 2  # eighth = 100: still in two
    assert bar_beats(2, 4, 48, referent=0.5) == [0.5] * 4  # eighth = 96: felt in eighths
    assert bar_beats(2, 4, 48) == [1.0] * 2


def read(tmp_path, *music: str):
    return read_score(write(tmp_path, score(list(music))))


def rows(compiled):
    return [
        (float(beat["quarter"]), float(beat["duration_quarter"]), int(beat["beat"]), int(beat["beats_in_measure"]))
        for beat in compiled.beats
    ]


def test_pickup_beats_are_the_last_of_the_bar(tmp_path):
    compiled = read(tmp_path, attributes("3/4") + note("G4", 12), note("C5", 36))
    assert rows(compiled) == [(0.0, 1.0, 3, 3), (1.0, 1.0, 1, 3), (2.0, 1.0, 2, 3), (3.0, 1.0, 3, 3)]


def test_the_beat_of_a_pickup_shorter_than_it_begins_before_the_score(tmp_path):
    compiled = read(tmp_path, attributes("2/4") + note("G4", 6), note("C5", 24))
    assert rows(compiled) == [(-0.5, 1.0, 2, 2), (0.5, 1.0, 1, 2), (1.5, 1.0, 2, 2)]
    assert compiled.begin_quarter == -0.5
    assert compiled.notes["onset_quarter"][0] == compiled.measures["start_quarter"][0] == 0.0


def test_a_pickup_of_a_beat_and_a_part_of_one(tmp_path):
    compiled = read(tmp_path, attributes("3/4") + note("G4", 18), note("C5", 36))
    assert rows(compiled)[:3] == [(-0.5, 1.0, 2, 3), (0.5, 1.0, 3, 3), (1.5, 1.0, 1, 3)]


def test_an_upbeat_to_a_bar_in_one_comes_within_a_whole_bar(tmp_path):
    compiled = read(tmp_path, attributes("3/4") + words("Scherzo. Molto vivace") + note("G4", 12), note("C5", 36))
    assert rows(compiled) == [(-2.0, 3.0, 1, 1), (1.0, 3.0, 1, 1)]


def test_a_repeat_inside_a_bar_gains_and_loses_no_beat(tmp_path):
    compiled = read(
        tmp_path,
        attributes("2/4") + note("G4", 6),
        note("C5", 24),
        note("C5", 18) + repeat("backward"),
        note("G4", 6),
        note("C5", 24),
    )
    # pickup, bar, (bar of 1.5 + the pickup again), bar, (1.5 + 0.5), bar
    assert [length for _quarter, length, _beat, _count in rows(compiled)] == [1.0] * 11
    assert [beat for _quarter, _length, beat, _count in rows(compiled)] == [2] + [1, 2] * 5


def test_meter_and_tempo_changes_take_effect_at_their_bar(tmp_path):
    compiled = read(
        tmp_path,
        attributes("4/4") + metronome("quarter", 100) + note("C4", 48),
        attributes("6/8") + note("C4", 36),
        metronome("eighth", 90) + note("C4", 36),
        attributes("2/4") + metronome("half", 108) + note("C4", 24),
    )
    counts = [int((compiled.beats["measure"] == index).sum()) for index in range(4)]
    assert counts == [4, 2, 6, 1]


@pytest.mark.parametrize(
    ("time", "ticks", "text", "sound", "count"),
    [("3/8", 18, "Poco allegretto", 116, 3), ("6/8", 36, "Adagio", 71, 6), ("3/4", 36, "Scherzo", 230, 1)],
)
def test_a_programs_default_tempo_does_not_overrule_the_words(tmp_path, time, ticks, text, sound, count):
    opening = attributes(time) + words(text, f'<sound tempo="{sound}"/>') + note("C4", ticks)
    compiled = read(tmp_path, opening, note("C4", ticks))
    assert compiled.beats["beats_in_measure"].tolist() == [count] * 2 * count
    assert compiled.tempos["quarter_bpm"].tolist() == [sound]


def test_scherzo_by_its_name_is_in_one(tmp_path):
    compiled = read(tmp_path, attributes("3/4") + words("Scherzo. Molto vivace") + note("C4", 36), note("C4", 36))
    assert compiled.beats["beats_in_measure"].tolist() == [1, 1]


def test_endings_cover_the_score_once(tmp_path):
    compiled = read(
        tmp_path,
        attributes("4/4") + note("C4", 48),
        ending("1", "start") + note("D4", 48) + ending("1", "stop", backward=True),
        ending("2", "start") + note("E4", 48) + ending("2", "stop"),
    )
    assert len(compiled.beats) == 16


measure_strategy = st.builds(
    lambda numerator, denominator, share, bpm, pickup: (numerator, denominator, share, bpm, pickup),
    st.integers(1, 15),
    st.sampled_from([1, 2, 4, 8, 16]),
    st.sampled_from([0.25, 0.5, 1.0, 1.0, 1.0, 1.5, 2.25]),
    st.floats(10, 600),
    st.booleans(),
)


@given(st.lists(measure_strategy, min_size=1, max_size=12))
def test_beats_cover_any_score_exactly_once(specifications):
    start, played = 0.0, []
    for numerator, denominator, share, bpm, pickup in specifications:
        duration = 4.0 * numerator / denominator * share
        played.append(PlayedMeasure(start, duration, numerator, denominator, (), bpm, 0.0, pickup))
        start += duration
    beats = conductor_beats(played)
    longest = beats["duration_quarter"].max()
    assert -longest < beats["quarter"][0] <= 0.0
    assert specifications[0][-1] or beats["quarter"][0] == 0.0
    assert (beats["duration_quarter"] > 0).all()
    ends = beats["quarter"] + beats["duration_quarter"]
    assert np.allclose(ends[:-1], beats["quarter"][1:]) and ends[-1] == pytest.approx(start)
    assert (beats["beat"] >= 1).all() and (beats["beat"] <= beats["beats_in_measure"]).all()
    assert (np.diff(beats["measure"]) >= 0).all()
