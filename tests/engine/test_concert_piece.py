"""The piece that ships: its notes, its orchestra, its timing."""

import csv

import numpy as np
import pytest

from tutti.assets import asset_path
from tutti.engine.instruments import catalogue
from tutti.engine.notation.score_reader import read_score
from tutti.engine.score import NoteFlag


@pytest.fixture(scope="module")
def concert():
    return read_score("concert")


@pytest.fixture(scope="module")
def timings():
    with asset_path("scores", "concert_timings.csv").open() as file:
        return np.array([(float(row["quarter"]), float(row["time_s"])) for row in csv.DictReader(file)])


def part(score, name: str):
    index = [part.name for part in score.parts].index(name)
    return score.notes[score.notes["part"] == index]


def test_a_full_orchestra_plays_within_its_ranges(concert):
    families = {catalogue()[part.instrument].family for part in concert.parts}
    assert families == {"strings", "woodwind", "brass", "percussion"} and len(concert.parts) == 20
    for index, written in enumerate(concert.parts):
        pitches = concert.notes["pitch"][concert.notes["part"] == index]
        low, high = catalogue()[written.instrument].range
        assert len(pitches) >= 4, written.name
        assert low <= pitches.min() and pitches.max() <= high, written.name


def test_the_theme_sounds_where_it_is_written_for_every_transposition(concert):
    tune = [59, 61, 62, 64, 66, 62, 66]  # B C sharp D E F sharp D F sharp
    for name, measure, octaves in (
        ("Violoncellos", 2, -1),
        ("Contrabasses", 2, -2),
        ("Bassoon 1", 6, -1),
        ("Clarinets 1.2 in A", 14, 0),
        ("Oboes 1.2", 18, 1),
        ("Piccolo", 38, 2),
        ("Trumpets 1.2", 38, 0),
        ("Tuba", 34, -2),
    ):
        notes = part(concert, name)
        start = 4.0 * (measure - 1)
        rows = notes[(notes["onset_quarter"] >= start) & (notes["onset_quarter"] < start + 4.0)]
        assert rows["pitch"].tolist() == [pitch + 12 * octaves for pitch in tune], name


def test_the_horns_call_is_f_sharp(concert):
    assert part(concert, "Horns 1.2 in F")["pitch"][:2].tolist() == [54, 66]


def test_it_grows_from_pianissimo_to_fortissimo_and_from_pizzicato_to_bow(concert):
    by_measure = [concert.notes["dynamic"][concert.notes["measure"] == index].mean() for index in range(49)]
    assert max(by_measure[:13]) < 0.35 and min(by_measure[33:41]) > 0.8
    plucked = (concert.notes["flags"] & int(NoteFlag.PIZZICATO)) != 0
    assert plucked[concert.notes["measure"] < 20].sum() > 100
    assert not plucked[concert.notes["measure"] >= 25].any()


def test_a_bassoon_is_alone_over_the_plucked_basses(concert):
    solo = concert.notes[(concert.notes["measure"] >= 5) & (concert.notes["measure"] < 9)]
    assert {concert.parts[index].name for index in set(solo["part"].tolist())} == {
        "Bassoon 1",
        "Violoncellos",
        "Contrabasses",
    }


def test_beats_and_length(concert):
    assert len(concert.measures) == 49 and len(concert.beats) == 196
    assert (concert.beats["beats_in_measure"] == 4).all()
    assert concert.title == "In the Hall of the Mountain King" and concert.composer == "Edvard Grieg"


def test_the_timing_is_a_performance(concert, timings):
    quarters, times = timings.T
    assert quarters.tolist() == list(range(197)) and quarters[-1] == concert.end_quarter
    periods = np.diff(times)
    assert 60.0 < times[-1] < 100.0
    bpm = 60.0 / periods
    assert 95 < np.median(bpm[4:20]) < 125 and 170 < np.median(bpm[148:160]) < 200  # it accelerates
    assert bpm[192] < 60  # and ends with a held chord
    steps = np.abs(np.diff(np.log(bpm[4:164])))
    assert steps.max() < 0.12 and np.median(steps) > 0.002  # alive, and without a jolt
