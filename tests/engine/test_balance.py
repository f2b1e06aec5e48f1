"""Levels of sections by signs, and who enters when."""

import pytest
from support import make_score

from tutti.engine.balance import CUE_LEVEL, SectionBalance
from tutti.engine.entries import ENTERING, PLAYING, RESTING, WARNED, Entries
from tutti.engine.parts import PartBook
from tutti.engine.types import ScorePosition, Sign

SECTIONS = {"strings": frozenset({0, 1}), "horns": frozenset({2})}


def at(beat: float) -> ScorePosition:
    return ScorePosition(beat, beat, beat, 1.0, 60.0, "1", 1.0, "playing")


def test_a_cue_lifts_its_section_for_a_bar_and_fades_over_another() -> None:
    balance = SectionBalance(SECTIONS, 3)
    balance.step(at(3.9), 4, [])
    assert balance.step(at(4.0), 4, [Sign(4.0, "cue", "horns")]) == (0.0, 0.0, CUE_LEVEL)
    assert balance.step(at(8.0), 4, [])[2] == CUE_LEVEL
    assert balance.step(at(10.0), 4, [])[2] == pytest.approx(CUE_LEVEL / 2)
    assert balance.step(at(12.0), 4, []) == (0.0, 0.0, 0.0)


def test_what_hands_ask_for_holds_for_all_or_for_a_section_and_wears_off() -> None:
    balance = SectionBalance(SECTIONS, 3)
    offsets = balance.step(at(0.0), 4, [Sign(0.0, "raise", None, 0.2), Sign(0.0, "hush", "strings", -0.3)])
    assert offsets == pytest.approx((-0.1, -0.1, 0.2))
    for beat in range(1, 400):
        later = balance.step(at(beat), 4, [])
        if beat == 16:
            assert later[2] > 0.15
    assert max(map(abs, later)) < 0.02


def test_who_enters_is_cued_before_who_plays_on_or_rests() -> None:
    notes = [(float(q), 1.0, 60, 0, 0.5, 0) for q in range(32)]
    notes += [(float(q), 1.0, 50, 2, 0.5, 0) for q in (*range(12), *range(20, 32))]
    entries = Entries(make_score(notes, measures=8, instruments=("violin", "viola", "cello")), SECTIONS)
    assert entries.weights(19.0) == {"strings": PLAYING, "horns": ENTERING}
    assert entries.weights(17.0)["horns"] == WARNED
    assert entries.weights(13.5)["horns"] == RESTING
    assert entries.weights(24.0)["horns"] == PLAYING
    assert entries.weights(13.5, frozenset({2}))["horns"] == ENTERING


def test_awaiting_parts_rest_until_they_enter() -> None:
    score = make_score(
        [(float(q), 1.0, 60, part, 0.5, 0) for q in range(8) for part in range(2)], instruments=("violin",) * 2
    )
    book = PartBook(score, (), frozenset({1}))
    assert {note.part for note in book.collect(0.0, 4.0)} == {0}
    book.enter(frozenset({1}))
    assert {note.part for note in book.collect(4.0, 8.0)} == {0, 1}
