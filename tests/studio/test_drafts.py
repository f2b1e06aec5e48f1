import math
from dataclasses import replace

import pytest
from support import make_score

from tutti.engine.types import ScoreNote
from tutti.models.composing import Composition
from tutti.models.craft.keys import Key
from tutti.models.tasks import Assignment, go_on
from tutti.studio.ai.drafts import best_draft, faults_of, key_heard, seed_of

TUNE = [67, 69, 71, 72, 74, 71, 69, 67]
G_MAJOR = Key(7, "major")


def written(*pitches: int) -> Composition:
    """A tune in G, and a line under it in half notes."""
    upper = [(float(i), 1.0, pitch, 0, 0.5, 0) for i, pitch in enumerate(TUNE)]
    score = make_score(upper, measures=2, beats_in_measure=4, quarter_bpm=90, instruments=("violin", "cello"))
    line = tuple(ScoreNote(2.0 * i, 2.0, pitch, 1, 0.5, source="ai:x") for i, pitch in enumerate(pitches))
    notes = tuple(score.notes_between(0.0, 8.0)) + line
    return Composition(Assignment("counter", score, {1: ((0.0, 8.0),)}), score, line, "ai:x", notes)


def test_the_key_is_that_of_what_stands_already() -> None:
    counter = written(43, 50, 47, 43).assignment
    assert key_heard(counter) == G_MAJOR
    everything = {0: ((0.0, 8.0),), 1: ((0.0, 8.0),)}
    assert key_heard(replace(counter, asked=everything)) is None
    assert key_heard(go_on(counter.score, 2)) == G_MAJOR, "what is asked of all parts is asked of new bars alone"


def test_a_continuation_that_does_not_come_home_is_a_fault() -> None:
    assignment = go_on(written(43).assignment.score, 2)

    def continued(*chords: tuple[int, int]) -> Composition:
        notes = tuple(ScoreNote(8.0 + 4 * i, 4.0, pitch, part, 0.5, source="ai:x")
                      for i, chord in enumerate(chords) for part, pitch in enumerate(chord))  # fmt: skip
        stands = tuple(assignment.score.notes_between(0.0, 8.0))
        return Composition(assignment, assignment.score, notes, "ai:x", stands + notes)

    key = key_heard(assignment)
    home, away = (faults_of(continued((66, 50), last), key, None) for last in ((67, 47), (64, 48)))
    assert away > home


def test_strange_notes_and_an_end_away_from_home_are_faults() -> None:
    home = faults_of(written(43, 48, 50, 43), G_MAJOR, None)
    strange = faults_of(written(44, 46, 49, 43), G_MAJOR, None)
    assert strange > home + 1.0


def test_who_writes_little_breaks_few_rules_and_is_not_chosen_for_it() -> None:
    whole = faults_of(written(43, 48, 50, 43), G_MAJOR, None)
    assert faults_of(replace(written(43), written=()), G_MAJOR, None) == math.inf
    assert faults_of(written(43), G_MAJOR, None) > whole + 0.5


def test_the_best_draft_is_kept_and_the_first_of_equals() -> None:
    drafts = {seed_of(5, 0): written(44, 46), seed_of(5, 1): written(43, 50), seed_of(5, 2): written(43, 50)}
    asked = []

    def write(seed: int) -> Composition:
        asked.append(seed)
        return drafts[seed]

    chosen, number = best_draft(write, 5, 3, lambda c: float(c.written[0].pitch == 44))
    assert number == 1 and chosen is drafts[seed_of(5, 1)] and asked == list(drafts)
    assert best_draft(write, 5, 1, pytest.fail) == (drafts[5], 0), "one draft is not judged"
