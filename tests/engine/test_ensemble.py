import random

import numpy as np
import pytest
from audio_support import note, player

from tutti.engine.audio.ensemble import assign

VIOLINS = [player(number, number - 8.0, 3.0) for number in range(16)]


def test_everyone_plays_a_single_note_a_little_differently() -> None:
    notes = assign([note(1, 1.0)], VIOLINS, seed=1)
    assert [n.player for n in notes] == list(range(16))
    assert len({n.onset_s for n in notes}) == len({n.pitch for n in notes}) == 16


def test_spread_is_that_of_a_good_section() -> None:
    notes = [n for i in range(300) for n in assign([note(i, 1.0)], VIOLINS, seed=1)]
    onsets_s = np.array([n.onset_s for n in notes])
    cents = 100 * (np.array([n.pitch for n in notes]) - 69)
    assert onsets_s.mean() == pytest.approx(1.0, abs=0.004)
    assert 0.009 < onsets_s.std() < 0.015 and np.abs(onsets_s - 1.0).max() < 0.045
    assert 4.5 < cents.std() < 7.5 and abs(cents.mean()) < 3.5
    assert {4.4 < n.vibrato_hz < 7.0 for n in notes} == {True}


def test_a_player_keeps_habits() -> None:
    """Some sit a little high: tuning varies less within a player than between players."""
    cents = np.array([[n.pitch for n in assign([note(i, 1.0)], VIOLINS, seed=1)] for i in range(100)])
    assert cents.std(axis=0).mean() < 0.85 * cents.std()


def test_randomness_depends_on_seed_note_and_player_only() -> None:
    events = [note(i, 0.1 * i) for i in range(20)]
    first = {n for event in events for n in assign([event], VIOLINS, seed=4)}
    random.Random(1).shuffle(events)
    again = {n for event in events for n in assign([event], VIOLINS[::-1], seed=4)}
    assert first == again
    other = {n for event in events for n in assign([event], VIOLINS, seed=5)}
    assert not {n.onset_s for n in first} & {n.onset_s for n in other}


def test_chords_of_a_section_are_divided_by_desk() -> None:
    notes = assign([note(1, 0.0, pitch=60), note(2, 0.0, pitch=64), note(3, 0.0, pitch=67)], VIOLINS, seed=1)
    assert sorted(n.player for n in notes) == list(range(16))
    counts = {i: sum(n.note_id == i for n in notes) for i in (1, 2, 3)}
    assert counts == {3: 6, 2: 5, 1: 5}  # the top note has the odd player


def test_more_notes_than_players_become_double_stops() -> None:
    pair = VIOLINS[:2]
    notes = assign([note(i, 0.0, pitch=60 + i) for i in range(5)], pair, seed=1)
    assert sorted(n.note_id for n in notes) == [0, 1, 2, 3, 4]
    assert {n.player for n in notes} == {0, 1}


@pytest.mark.parametrize("instrument", ["timpani", "piano", "harp", "percussion"])
def test_one_of_several_strikes(instrument: str) -> None:
    pair = [player(number, number, 8.0, instrument) for number in range(2)]
    assert len(assign([note(1, 0.0)], pair, seed=1)) == 1
    assert len(assign([note(1, 0.0, pitch=40), note(2, 0.0, pitch=47)], pair, seed=1)) == 2


def test_vibrato_where_players_use_it() -> None:
    def depth(instrument: str, articulation: str = "sustain") -> float:
        return assign([note(1, 0.0, articulation=articulation)], [player(0, 0, 5, instrument)], 1)[0].vibrato_cents

    assert depth("violin") > 4 and depth("soprano") > 4 and depth("flute") > 1
    assert depth("clarinet") == depth("trumpet") == depth("piano") == depth("violin", "pizzicato") == 0


def test_nobody_on_the_part_plays_nothing() -> None:
    assert assign([note(1, 0.0)], [], seed=1) == [] == assign([], VIOLINS, seed=1)


def test_velocity_stays_in_range() -> None:
    for velocity in (1, 127):
        assert all(1 <= n.velocity <= 127 for n in assign([note(1, 0.0, velocity=velocity)], VIOLINS, seed=2))
