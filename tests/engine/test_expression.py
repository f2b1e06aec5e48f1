"""Expression: marks change how loud, how long and in which manner a note is played."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutti.engine.expression import metrical_weight, perform_note
from tutti.engine.score import NoteFlag
from tutti.engine.types import Dynamics, ScoreNote

PLAIN = Dynamics(0.0, 0.5, 0.0)


def note(dynamic: float = 0.55, duration_quarter: float = 1.0, flags: int = 0) -> ScoreNote:
    return ScoreNote(0.0, duration_quarter, 69, 0, dynamic, flags)


@given(dynamic=st.floats(0, 1), level=st.floats(0, 1), flags=st.integers(0, 2**15 - 1), rate=st.floats(0.3, 8))
def test_whatever_is_written_velocity_and_length_stay_possible(
    dynamic: float, level: float, flags: int, rate: float
) -> None:
    played = perform_note(note(dynamic, 1.0, flags), "strings", Dynamics(0.0, level, 0.3), 1.0, rate)
    assert 1 <= played.velocity <= 127
    assert 0.0 < played.sounding_quarter <= 1.0


def test_the_conductor_moves_the_dynamic_and_the_middle_is_as_written() -> None:
    soft, written, loud = (
        perform_note(note(), "strings", Dynamics(0.0, level, 0.0), 0.0, 2.0).velocity for level in (0.2, 0.5, 0.8)
    )
    assert written == 1 + round(126 * 0.55)
    assert soft < written - 20 < written + 20 < loud


@pytest.mark.parametrize("flag", [NoteFlag.ACCENT, NoteFlag.MARCATO, NoteFlag.SFORZATO])
def test_accents_are_louder(flag: NoteFlag) -> None:
    plain = perform_note(note(), "brass", PLAIN, 0.0, 2.0).velocity
    assert perform_note(note(flags=flag), "brass", PLAIN, 0.0, 2.0).velocity >= plain + 10


def test_marks_shorten_in_the_order_players_do() -> None:
    order = [
        NoteFlag.SLURRED,
        NoteFlag.TENUTO,
        NoteFlag.NONE,
        NoteFlag.DETACHED_LEGATO | NoteFlag.STACCATO,
        NoteFlag.MARCATO,
        NoteFlag.STACCATO,
        NoteFlag.STACCATISSIMO,
    ]
    lengths = [perform_note(note(flags=flags), "woodwind", PLAIN, 0.0, 1.0).sounding_quarter for flags in order]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == 1.0


def test_a_sharp_gesture_shortens_and_a_smooth_one_connects() -> None:
    crisp, plain, smooth = (
        perform_note(note(), "strings", Dynamics(0.0, 0.5, a), 0.0, 1.0).sounding_quarter for a in (1.0, 0.0, -1.0)
    )
    assert crisp < plain < smooth


def test_struck_and_plucked_notes_ring_for_what_is_written() -> None:
    for family in ("percussion", "plucked"):
        assert perform_note(note(flags=NoteFlag.STACCATO), family, PLAIN, 0.0, 1.0).sounding_quarter == 1.0


def test_the_layer_of_samples_follows_mark_and_speed() -> None:
    def layer(flags: int, duration_quarter: float = 1.0) -> str:
        return perform_note(note(0.5, duration_quarter, flags), "strings", PLAIN, 0.0, 2.0).articulation

    assert layer(NoteFlag.PIZZICATO) == "pizzicato"
    assert layer(NoteFlag.TREMOLO) == "tremolo"
    assert layer(NoteFlag.STACCATO) == "staccato"
    assert layer(0, 0.25) == "fast"
    assert layer(0, 2.0) == "sustain"


def test_the_bar_has_a_strong_beat_a_half_strong_one_and_weak_ones() -> None:
    assert [metrical_weight(q, q, beat, 4) for q, beat in ((0, 1), (1, 2), (2, 3), (3, 4))] == [1.0, 0.2, 0.5, 0.2]
    assert metrical_weight(0.5, 0.0, 1, 4) == 0.0
    assert metrical_weight(2, 2, 3, 3) == 0.2


def test_a_gesture_is_heard_in_attack_and_accent_of_unmarked_notes_and_marks_come_first() -> None:
    def played(articulation: float, flags: int = 0, duration_quarter: float = 1.0):
        return perform_note(note(0.5, duration_quarter, flags), "strings", Dynamics(0.0, 0.5, articulation), 1.0, 2.0)

    assert [played(a).articulation for a in (-1.0, 0.0, 0.4, 0.9)] == ["sustain", "sustain", "fast", "staccato"]
    assert played(0.9, duration_quarter=4.0).articulation == "sustain"
    assert played(0.9, NoteFlag.SLURRED).articulation == "sustain"
    assert played(-1.0, NoteFlag.STACCATO).articulation == "staccato"
    assert played(1.0).velocity > played(0.0).velocity + 5
    assert played(1.0).sounding_quarter < 0.6 * played(-1.0).sounding_quarter


def test_a_part_that_was_raised_is_louder() -> None:
    softer, same, louder = (
        perform_note(note(), "brass", PLAIN, 0.0, 2.0, offset).velocity for offset in (-0.2, 0.0, 0.2)
    )
    assert softer < same - 20 < same + 20 < louder
