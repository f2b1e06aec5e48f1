"""What performers play is written down where the playhead was."""

import pytest

from tutti.engine.performed import KEPT_NOTES, PERFORMER_PART, PerformedNotes
from tutti.engine.types import FollowState, HeardNote, ScoreNote, ScorePosition


def at(time_s: float, quarter: float, state: FollowState = "playing") -> ScorePosition:
    return ScorePosition(time_s, quarter, quarter, 2.0, 120.0, "1", 1.0, state)


def heard(note_id: int, onset_s: float, duration_s: float | None, pitch: float = 60.0, sure: float = 1.0) -> HeardNote:
    return HeardNote(note_id, onset_s, duration_s, pitch, 64, sure)


def played(*told: tuple[float, HeardNote]) -> tuple[ScoreNote, ...]:
    """Two quarters a second from second 1 on, a step every hundredth; notes told at their times."""
    line = PerformedNotes()
    for step in range(500):
        now_s = step / 100
        state: FollowState = "waiting" if now_s < 1.0 else "playing"
        line.step(
            at(now_s, max(0.0, 2.0 * (now_s - 1.0)), state),
            [note for time_s, note in told if abs(time_s - now_s) < 1e-6],
        )
    return line.notes


def test_a_note_told_late_stands_where_it_began() -> None:
    (note,) = played((2.0, heard(1, 1.9, None, 61.8)), (2.5, heard(1, 1.9, 0.5, 62.3)))
    assert note.onset_quarter == pytest.approx(1.8) and note.duration_quarter == pytest.approx(1.0)
    assert (note.pitch, note.part, note.source) == (62, PERFORMER_PART, "performer")
    assert note.dynamic == pytest.approx(0.5)


def test_a_note_that_sounds_lasts_until_now() -> None:
    (note,) = played((2.0, heard(1, 2.0, None)))
    assert note.onset_quarter + note.duration_quarter == pytest.approx(2.0 * 3.99)


def test_notes_before_the_music_and_unsure_ones_are_left_out() -> None:
    assert played((0.3, heard(1, 0.3, 0.1)), (2.0, heard(2, 2.0, 0.1, sure=0.1))) == ()
    (early,) = played((1.2, heard(1, 0.9, 0.2)))
    assert early.onset_quarter == 0.0, "who enters with the first beat may be a little early"


def test_a_note_that_ended_before_the_music_has_no_length() -> None:
    (early,) = played((0.99, heard(1, 0.9, 0.08)), (1.5, heard(1, 0.9, 0.08)))
    assert (early.onset_quarter, early.duration_quarter) == (0.0, 0.0)


def test_while_the_music_stands_nothing_has_a_place() -> None:
    line = PerformedNotes()
    line.step(at(1.0, 0.0), ())
    line.step(at(1.1, 0.2), ())
    line.step(at(5.0, 0.2, "stopped"), [heard(1, 3.0, 0.5)])
    line.step(at(6.0, 0.2), ())
    assert line.notes == ()
    line.step(at(6.1, 0.4), [heard(2, 6.05, 0.01)])
    assert [note.onset_quarter for note in line.notes] == [pytest.approx(0.3)]
    line.restart()
    assert line.notes == ()


def test_a_long_session_keeps_the_newest() -> None:
    line = PerformedNotes()
    for number in range(3 * KEPT_NOTES):
        line.step(at(number / 10, number / 5), [heard(number, number / 10, 0.05)])
    assert len(line.notes) <= 2 * KEPT_NOTES
    assert line.notes[-1].onset_quarter == pytest.approx((3 * KEPT_NOTES - 1) / 5)
