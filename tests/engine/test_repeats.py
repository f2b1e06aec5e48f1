"""Repeat signs, endings and jumps, as orders of printed measures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from score_samples import attributes, ending, note, repeat, score, words, write

from tutti.engine.errors import ScoreError
from tutti.engine.notation.repeats import navigation_of_text, play_order
from tutti.engine.notation.score_reader import read_score
from tutti.engine.notation.written import WrittenMeasure


def measures(count: int, **marks: dict[int, object]) -> list[WrittenMeasure]:
    """``count`` bars of 4/4; ``end_repeat={3: 2}`` sets a field of measure 3 (from 0)."""
    result = [WrittenMeasure(4.0 * index, 4.0, str(index + 1), 4, 4) for index in range(count)]
    for field, values in marks.items():
        for index, value in values.items():
            setattr(result[index], field, frozenset(value) if field in ("volta", "marks") else value)
    return result


def test_straight_through():
    assert play_order(measures(4)) == [0, 1, 2, 3]


def test_a_closing_sign_alone_goes_back_to_the_beginning():
    assert play_order(measures(4, end_repeat={1: 2})) == [0, 1, 0, 1, 2, 3]


def test_two_sections():
    order = play_order(measures(4, end_repeat={1: 2, 3: 2}))
    assert order == [0, 1, 0, 1, 2, 3, 2, 3]


def test_opening_sign_and_times():
    assert play_order(measures(4, start_repeat={1: True}, end_repeat={2: 3})) == [0, 1, 2, 1, 2, 1, 2, 3]


def test_a_trio_repeats_from_its_own_beginning():
    trio = measures(5, end_repeat={3: 2}, marks={1: {"fine"}, 4: {"da-capo", "al-fine"}})
    assert play_order(trio) == [0, 1, 2, 3, 2, 3, 4, 0, 1]
    assert play_order(measures(4, end_repeat={3: 2}, final_barline={1: True})) == [0, 1, 2, 3, 2, 3]


def test_each_movement_of_a_file_goes_back_to_its_own_beginning():
    quartet = measures(9, end_repeat={4: 2}, final_barline={2: True, 6: True}, marks={4: {"fine"}, 6: {"da-capo"}})
    for index, number in enumerate(("1", "2", "3", "0", "1", "2", "3", "1", "2")):
        quartet[index].number = number
    assert play_order(quartet) == [0, 1, 2, 3, 4, 3, 4, 5, 6, 3, 4, 7, 8]


def test_a_trio_numbered_by_itself_leads_back_to_its_minuet():
    minuet = measures(5, final_barline={1: True, 4: True}, marks={1: {"fine"}, 3: {"da-capo"}})
    for index, number in enumerate(("1", "2", "1", "2", "1")):
        minuet[index].number = number
    assert play_order(minuet) == [0, 1, 2, 3, 0, 1, 4]


def test_numbers_that_begin_anew_within_a_section_begin_no_movement():
    odd = measures(4, end_repeat={3: 2})
    odd[2].number = "1"
    assert play_order(odd) == [0, 1, 2, 3, 0, 1, 2, 3]


def test_da_capo_al_fine_and_then_the_coda():
    order = play_order(measures(4, marks={0: {"fine"}, 1: {"da-capo", "al-fine"}, 2: {"coda"}}))
    assert order == [0, 1, 0, 2, 3]


def test_da_capo_without_a_fine_ends_before_the_trio(tmp_path):
    bars = [attributes() + note("C4", 48) + repeat("backward"), words("TRIO.") + note("D4", 48) + repeat("backward")]
    bars.append(note("E4", 48) + words("Menuetto D.C."))
    compiled = read_score(write(tmp_path, score(bars)))
    assert compiled.notes["pitch"].tolist() == [60, 60, 62, 62, 64, 60]


@pytest.mark.parametrize(
    "sign",
    [
        {"end_repeat": {1: 2, 3: 2, 5: 2}},
        {"sharps": dict.fromkeys((4, 5, 6, 7), -1)},
        {"numerator": dict.fromkeys((4, 5, 6, 7), 3)},
        {"double_bar": {3: True, 5: True}, "marks": {3: {"held"}}},
        {"double_bar": {3: True, 5: True}, "marks": {4: {"tempo"}}},
        {"final_barline": {3: True}},
        {"marks": {4: {"trio"}}},
        {"marks": {3: {"fine"}}},
    ],
)
def test_da_capo_ends_with_the_first_section_where_anything_tells_it(sign):
    minuet = measures(8, **{"end_repeat": {1: 2, 5: 2}, "double_bar": {3: True}, **sign})
    minuet[7].marks |= {"da-capo"}
    order = play_order(minuet)
    assert order[:4] == [0, 1, 0, 1] and order[-5:] == [7, 0, 1, 2, 3]


def test_da_capo_without_any_sign_of_an_end_replays_all():
    assert play_order(measures(4, marks={3: {"da-capo"}})) == [0, 1, 2, 3, 0, 1, 2, 3]
    rondo = measures(6, double_bar={1: True, 3: True}, marks={5: {"da-capo"}})
    assert play_order(rondo) == [*range(6), *range(6)]


def test_a_scherzo_that_changes_its_key_on_the_way_ends_where_it_is_back():
    scherzo = measures(6, double_bar={1: True, 2: True, 3: True}, marks={5: {"da-capo"}})
    for index, sharps in enumerate((2, 2, -1, 2, 0, 0)):
        scherzo[index].sharps = sharps
    assert play_order(scherzo) == [*range(6), *range(4)]


def test_the_key_of_a_trio_that_nothing_names_is_read_from_the_file(tmp_path):
    bars = [attributes() + note("C4", 48) + repeat("backward"), note("D4", 48) + repeat("backward")]
    bars += [attributes(fifths=-1) + note("F4", 48), note("G4", 48) + words("D.C.")]
    assert read_score(write(tmp_path, score(bars))).notes["pitch"].tolist() == [60, 60, 62, 62, 65, 67, 60, 62]


def test_a_fermata_over_the_double_bar_is_a_fine(tmp_path):
    held = '<barline location="right"><bar-style>light-heavy</bar-style><fermata/></barline>'
    bars = [attributes() + note("C4", 48) + held, note("D4", 48) + repeat("backward"), note("E4", 48) + words("D.C.")]
    compiled = read_score(write(tmp_path, score(bars)))
    assert compiled.notes["pitch"].tolist() == [60, 62, 62, 64, 60]
    assert not len(compiled.fermatas)  # it marks the end


def test_two_trios_lead_back_to_the_minuet_each():
    suite = measures(5, final_barline={0: True}, marks={1: {"trio"}, 2: {"da-capo"}, 3: {"trio"}, 4: {"da-capo"}})
    assert play_order(suite) == [0, 1, 2, 0, 3, 4, 0]


def test_a_trio_alone_leads_back_to_nothing(caplog):
    assert play_order(measures(3, marks={0: {"trio"}, 2: {"da-capo"}}), "trio.mxl") == [0, 1, 2]
    assert "trio.mxl" in caplog.text and "not in the file" in caplog.text


def test_a_fine_in_the_first_ending_is_where_da_capo_ends():
    order = play_order(
        measures(
            5,
            volta={1: {1}, 2: {2}},
            start_repeat={2: True},
            end_repeat={1: 2, 3: 2},
            marks={1: {"fine"}, 2: {"trio"}, 4: {"da-capo"}},
        )
    )
    assert order == [0, 1, 0, 2, 3, 2, 3, 4, 0, 1]


def test_a_coda_takes_its_repeats():
    order = play_order(measures(5, end_repeat={3: 2}, marks={0: {"to-coda"}, 1: {"da-capo"}, 2: {"coda"}}))
    assert order == [0, 1, 0, 2, 3, 2, 3, 4]


def test_a_coda_under_the_bracket_of_the_second_ending_is_played():
    brackets = {1: {1}, 2: {2}, 3: {2}, 4: {2}}
    marks = {2: {"fine"}, 3: {"da-capo"}, 4: {"coda"}}
    assert play_order(measures(5, volta=brackets, end_repeat={1: 2}, marks=marks)) == [0, 1, 0, 2, 3, 0, 2, 4]


def test_a_movement_after_a_coda_or_a_double_bar_begins_anew():
    quartet = measures(6, double_bar={1: True}, marks={2: {"tempo"}, 3: {"da-capo", "al-fine"}, 4: {"coda"}})
    quartet[2].marks |= {"fine"}
    for index, number in enumerate(("1", "2", "1", "2", "3", "1")):
        quartet[index].number = number
    assert play_order(quartet) == [0, 1, 2, 3, 2, 4, 5]


def test_da_capo_from_the_sign_goes_to_the_sign(tmp_path):
    sign = "<direction><direction-type><segno/></direction-type></direction>"
    back = words("Scherzo da capo dal", '<sound dalsegno="segno"/>')
    bars = [attributes() + note("C4", 48), sign + note("D4", 48), words("Fine") + note("E4", 48)]
    bars.append(note("F4", 48) + back)
    assert read_score(write(tmp_path, score(bars))).notes["pitch"].tolist() == [60, 62, 64, 65, 62, 64]


def test_first_and_second_ending():
    order = play_order(measures(4, volta={1: {1}, 2: {2}}, end_repeat={1: 2}))
    assert order == [0, 1, 0, 2, 3]


def test_endings_for_several_passes():
    order = play_order(measures(4, volta={1: {1, 2}, 2: {3}}, end_repeat={1: 3}))
    assert order == [0, 1, 0, 1, 0, 2, 3]


def test_an_ending_that_nobody_closes_is_one_measure_long(tmp_path):
    bars = [attributes() + note("C4", 48), ending("1", "start") + note("D4", 48) + ending("1", "stop", True)]
    bars += [ending("2", "start") + note("E4", 48), repeat("forward") + note("F4", 48)]
    bars += [ending("1-2", "start") + note("G4", 48) + ending("1-2", "stop", True)]
    bars += [ending("3", "start") + note("A4", 48) + ending("3", "discontinue")]
    compiled = read_score(write(tmp_path, score(bars)))
    assert compiled.notes["pitch"].tolist() == [60, 62, 60, 64, 65, 67, 65, 67, 65, 69]


def test_second_ending_that_repeats_too_is_only_two_passes():
    order = play_order(measures(4, volta={1: {1}, 2: {2}}, end_repeat={1: 2, 2: 2}))
    assert order == [0, 1, 0, 2, 3]


def test_endings_without_a_repeat_sign_are_understood():
    assert play_order(measures(4, volta={1: {1}, 2: {2}})) == [0, 1, 0, 2, 3]


def test_da_capo_al_fine_takes_no_repeats():
    order = play_order(measures(4, end_repeat={1: 2}, marks={1: {"fine"}, 3: {"da-capo", "al-fine"}}))
    assert order == [0, 1, 0, 1, 2, 3, 0, 1]


def test_da_capo_takes_the_last_ending():
    order = play_order(
        measures(5, volta={1: {1}, 2: {2}}, end_repeat={1: 2}, marks={2: {"fine"}, 4: {"da-capo", "al-fine"}})
    )
    assert order == [0, 1, 0, 2, 3, 4, 0, 2]


def test_dal_segno_al_coda():
    order = play_order(measures(6, marks={1: {"segno"}, 2: {"to-coda"}, 4: {"dal-segno", "al-coda"}, 5: {"coda"}}))
    assert order == [0, 1, 2, 3, 4, 1, 2, 5]


def test_a_lost_segno_is_ignored_with_a_line(caplog):
    assert play_order(measures(3, marks={1: {"dal-segno"}}), "waltz") == [0, 1, 2]
    assert "waltz" in caplog.text and "without a segno" in caplog.text


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("D.C. al Fine", {"da-capo", "al-fine"}),
        ("Da Capo", {"da-capo"}),
        ("Menuetto D.C.", {"da-capo"}),
        ("D.C. dal segno", {"da-capo", "dal-segno"}),
        ("D. S. al Coda", {"dal-segno", "al-coda"}),
        ("To Coda", {"to-coda"}),
        ("Fine", {"fine"}),
        ("(Fine.)", {"fine"}),
        ("Coda", {"coda"}),
        ("Allegro con brio", set()),
        ("cresc.", set()),
        ("Dolce", set()),
    ],
)
def test_what_words_say(text, marks):
    assert navigation_of_text(text) == marks


signs = st.fixed_dictionaries(
    {
        "start_repeat": st.dictionaries(st.integers(0, 11), st.just(True), max_size=4),
        "end_repeat": st.dictionaries(st.integers(0, 11), st.integers(2, 4), max_size=4),
        "volta": st.dictionaries(st.integers(0, 11), st.sets(st.integers(1, 4), min_size=1, max_size=2), max_size=5),
        "marks": st.dictionaries(
            st.integers(0, 11),
            st.sets(
                st.sampled_from(["segno", "coda", "to-coda", "fine", "da-capo", "dal-segno", "al-fine", "al-coda"])
            ),
            max_size=5,
        ),
    }
)


@given(signs)
def test_any_nonsense_ends_and_plays_every_measure(marks):
    assert set(play_order(measures(12, **marks))) == set(range(12))


def test_brackets_that_make_no_sense_are_played_through(caplog):
    assert play_order(measures(3, volta={0: {2}, 1: {3}})) == [0, 1, 2]
    assert "no repeat leads to measure 1" in caplog.text


def test_a_bracket_that_no_repeat_leads_to_takes_no_repeat_away():
    assert play_order(measures(4, end_repeat={0: 2}, volta={2: {2}})) == [0, 0, 1, 2, 3]


def test_unfolding_beyond_the_limit_is_refused():
    many = measures(500, end_repeat={499: 64})
    with pytest.raises(ScoreError, match="unfold"):
        play_order(many)


def test_repeats_unfold_notes_measures_and_tempo(tmp_path):
    tempo = '<direction><direction-type><words>Allegro</words></direction-type><sound tempo="{}"/></direction>'
    music = [
        attributes() + tempo.format(100) + note("C4", 48),
        ending("1", "start") + tempo.format(80) + note("D4", 48) + ending("1", "stop", backward=True),
        ending("2", "start") + note("E4", 48) + ending("2", "stop"),
        note("F4", 48) + words("Fine"),
    ]
    compiled = read_score(write(tmp_path, score(music)))
    assert compiled.notes["pitch"].tolist() == [60, 62, 60, 64, 65]
    assert compiled.measures["number"].tolist() == ["1", "2", "1", "3", "4"]
    assert compiled.tempos.tolist() == [(0.0, 100.0), (4.0, 80.0), (8.0, 100.0), (12.0, 80.0)]


def test_a_tie_into_the_second_ending_holds(tmp_path):
    music = [
        attributes() + repeat("forward") + note("C4", 48, notations='<tied type="start"/>'),
        ending("1", "start") + note("D4", 48) + ending("1", "stop", backward=True),
        ending("2", "start") + note("C4", 48, notations='<tied type="stop"/>') + ending("2", "stop"),
    ]
    compiled = read_score(write(tmp_path, score(music)))
    assert compiled.notes["pitch"].tolist() == [60, 62, 60]
    assert compiled.notes["duration_quarter"].tolist() == [4.0, 4.0, 8.0]
