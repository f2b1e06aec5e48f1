"""Scores on the grid and back, with triplets, odd bars, pickups and any four parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import make_score

from tutti.models.grid import (
    ABSENT,
    FIRST_PITCH,
    HOLD,
    OLDEST,
    REST,
    choose_voices,
    decode_voice,
    encode_score,
    encode_voice,
    even_grid,
    grid_of_score,
    pitch_to_token,
    states_after,
    states_before,
    token_to_pitch,
)

QUARTET = ("violin", "violin", "viola", "cello")


@given(
    st.lists(st.tuples(st.integers(0, 47), st.integers(1, 9), st.integers(24, 108)), max_size=14),
    st.frozensets(st.integers(0, 11)),
)
def test_what_is_encoded_and_decoded_encodes_the_same(rows: list[tuple[int, int, int]], triple: frozenset[int]) -> None:
    grid = even_grid(12, 4, triple=triple)
    edges = np.append(grid.onset_quarter, grid.end_quarter)
    last = len(grid)
    notes = [
        (edges[min(start, last - 1)], edges[min(start + length, last)] - edges[min(start, last - 1)], pitch)
        for start, length, pitch in rows
        if start < last
    ]
    tokens = encode_voice(notes, grid)
    decoded = decode_voice(tokens, grid, part=2, source="x")
    assert all(note.part == 2 and note.source == "x" for note in decoded)
    again = encode_voice([(n.onset_quarter, n.duration_quarter, n.pitch) for n in decoded], grid)
    assert again.tolist() == tokens.tolist()
    if len({start for start, _, _ in notes}) == len(notes):
        assert sorted((n.onset_quarter, n.pitch) for n in decoded) == sorted((on, pitch) for on, _, pitch in notes)


def test_triplets_and_sixteenths_of_a_score_come_back_exactly() -> None:
    """Each quarter is cut as its own notes ask; nothing is moved."""
    rows = [(quarter / 3, 1 / 3, 60 + quarter, 0, 0.5, 0) for quarter in range(6)]
    rows += [(2 + step / 4, 0.25, 70 + step, 0, 0.5, 0) for step in range(4)]
    rows += [(3.0, 1.0, 80, 0, 0.5, 0), (0.0, 4.0, 40, 1, 0.5, 0)]
    score = make_score(rows, measures=1, instruments=("violin", "cello"))
    grid = grid_of_score(score)
    assert [int(place) for place in grid.place] == [4, 5, 6, 4, 5, 6, 0, 1, 2, 3, 0, 1, 2, 3]
    tokens = encode_score(score, (0, 1, None, None), grid)
    assert (tokens[:, 2:] == ABSENT).all()
    back = sorted(
        (round(n.onset_quarter, 6), round(n.duration_quarter, 6), n.pitch)
        for voice in (0, 1)
        for n in decode_voice(tokens[:, voice], grid, voice)
    )
    assert back == sorted((round(on, 6), round(length, 6), pitch) for on, length, pitch, *_ in rows)


def test_one_straight_note_among_triplets_moves_to_the_nearest_of_them() -> None:
    rows = [(step / 3, 1 / 3, 60, 0, 0.5, 0) for step in range(3)] + [(0.5, 0.5, 50, 1, 0.5, 0)]
    score = make_score(rows, measures=1, instruments=("violin", "cello"))
    grid = grid_of_score(score)
    note = decode_voice(encode_score(score, (0, 1, None, None), grid)[:, 1], grid, 1)[0]
    assert note.onset_quarter in (pytest.approx(1 / 3), pytest.approx(2 / 3))
    without = grid_of_score(score, [1])
    assert decode_voice(encode_score(score, (1, None, None, None), without)[:, 0], without, 1)[0].onset_quarter == 0.5


def test_bars_are_counted_and_the_grid_ends_where_the_score_does() -> None:
    score = make_score([(0.0, 1.0, 60, 0, 0.5, 0)], measures=3)
    grid = grid_of_score(score)
    assert len(grid) == 48 and grid.end_quarter == 12.0
    assert grid.count.tolist() == [quarter for _ in range(3) for quarter in range(4) for _ in range(4)]
    assert set(grid.metre.tolist()) == {4}
    assert grid.step_at(1.3) == 5 and grid.step_at(12.0) == 48 and grid.step_at(-1.0) == 0
    assert grid.steps_between(1.0, 2.0) == range(4, 8)
    cut = grid.part_of(4, 8)
    assert len(cut) == 4 and cut.onset_quarter[0] == 1.0 and cut.end_quarter == 2.0


def test_of_notes_in_one_step_the_nearest_counts_and_a_bass_keeps_its_lowest() -> None:
    grid = even_grid(1, 4)
    fast = [(0.0, 0.125, 60), (0.125, 0.125, 62), (0.25, 0.25, 64)]
    assert encode_voice(fast, grid)[:2].tolist() == [pitch_to_token(60), pitch_to_token(64)]
    chord = [(0.0, 1.0, 48), (0.0, 1.0, 60)]
    assert encode_voice(chord, grid).tolist() == [pitch_to_token(60), HOLD, HOLD, HOLD]
    assert encode_voice(chord, grid, lowest=True)[0] == pitch_to_token(48)
    assert token_to_pitch(pitch_to_token(14)) == 26 and token_to_pitch(pitch_to_token(120)) == 108


def test_states_tell_what_sounds_and_for_how_long() -> None:
    c, d = pitch_to_token(60), pitch_to_token(62)
    tokens = np.array([[REST, c], [c, HOLD], [HOLD, HOLD], [REST, d], [REST, HOLD], [HOLD, ABSENT]])
    after, age = states_after(tokens)
    assert after[:, 0].tolist() == [REST, c, c, REST, REST, REST]
    assert age[:, 0].tolist() == [1, 0, 1, 0, 1, 2]
    before, aged = states_before(tokens)
    assert before[:, 1].tolist() == [REST, c, c, c, d, d] and aged[:, 1].tolist() == [0, 0, 1, 2, 0, 1]
    long = np.full((100, 1), HOLD)
    long[0] = FIRST_PITCH
    assert states_after(long)[1].max() == OLDEST


def test_voices_are_ordered_by_height_whatever_parts_are_chosen() -> None:
    rows = [(0.0, 1.0, pitch, part, 0.5, 0) for part, pitch in enumerate((50, 80, 65, 40))]
    score = make_score(rows, measures=1, instruments=QUARTET)
    assert choose_voices(score, [0, 1, 2, 3]) == (1, 2, 0, 3)
    assert choose_voices(score, [3, 2]) == (2, 3, None, None)
    with pytest.raises(ValueError, match="5 parts"):
        choose_voices(score, [0, 1, 2, 3, 0])
