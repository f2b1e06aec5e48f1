"""The scheduler: every note once, in time, ahead of the playhead, and ended once."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from support import make_score

from tutti.engine.parts import PartBook
from tutti.engine.scheduler import LOOKAHEAD_S, Scheduler
from tutti.engine.score import NoteFlag, Score
from tutti.engine.types import Dynamics, NoteEvent, NoteRelease, ScoreNote, ScorePosition

PLAIN = Dynamics(0.0, 0.5, 0.0)


def run(
    score: Score,
    *,
    rate: float = 2.0,
    step_s: float = 0.01,
    stop_at_s: float | None = None,
    book: PartBook | None = None,
) -> tuple[list[NoteEvent], list[NoteRelease], Scheduler]:
    """Play at a constant ``rate`` (quarters per second) from 1 s on."""
    scheduler = Scheduler(score, book or PartBook(score))
    notes: list[NoteEvent] = []
    releases: list[NoteRelease] = []
    end_s = 1.0 + score.end_quarter / rate + 1.0
    for tick in range(int(end_s / step_s)):
        now_s = tick * step_s
        quarter = (now_s - 1.0) * rate
        stopped = stop_at_s is not None and now_s >= stop_at_s
        state = "stopped" if stopped else "playing"
        position = ScorePosition(now_s, quarter, quarter, rate, 60 * rate, "1", 1.0, state)
        new, ended = scheduler.step(now_s, position, lambda q: None if stopped else 1.0 + q / rate, PLAIN)  # noqa: B023
        assert all(now_s <= note.onset_s <= now_s + LOOKAHEAD_S for note in new)
        notes.extend(new)
        releases.extend(ended)
    return notes, releases, scheduler


def test_notes_of_a_doubling_are_played_on_it() -> None:
    score = make_score([(n, 1.0, 60, 0, 0.55, 0) for n in range(3)], instruments=("piano",))
    notes = score.notes.copy()
    notes["instrument"] = (0, 2, 1)
    part = replace(score.parts[0], doublings=("celesta", "percussion"))
    played, _releases, _scheduler = run(replace(score, notes=notes, parts=(part,)))
    assert [note.instrument for note in played] == ["", "percussion", "celesta"]


SCALE = [(n * 0.5, 0.5, 60 + n, n % 2, 0.55, 0) for n in range(32)]


def test_every_note_sounds_once_at_its_time_and_ends_once() -> None:
    score = make_score(SCALE, instruments=("violin", "flute"))
    notes, releases, scheduler = run(score)
    assert [note.pitch for note in notes] == list(range(60, 92))
    assert [note.onset_s for note in notes] == pytest.approx([1.0 + n * 0.25 for n in range(32)])
    assert sorted(release.note_id for release in releases) == [note.note_id for note in notes]
    ends = {release.note_id: release.time_s for release in releases}
    assert all(note.onset_s < ends[note.note_id] <= note.onset_s + 0.25 + 1e-9 for note in notes)
    assert scheduler.exhausted


@pytest.mark.parametrize("step_s", [0.002, 0.011, 0.033])
def test_onsets_do_not_depend_on_the_step(step_s: float) -> None:
    score = make_score(SCALE, instruments=("violin", "flute"))
    expected = [(note.pitch, pytest.approx(note.onset_s)) for note in run(score)[0]]
    assert [(note.pitch, note.onset_s) for note in run(score, step_s=step_s)[0]] == expected


def test_stopping_ends_what_sounds_and_plays_nothing_more() -> None:
    score = make_score([(0.0, 16.0, 60, 0, 0.5, NoteFlag.SLURRED), (8.0, 1.0, 64, 0, 0.5, 0)])
    notes, releases, scheduler = run(score, stop_at_s=2.0)
    assert [note.pitch for note in notes] == [60]
    assert [release.time_s for release in releases] == pytest.approx([2.0])
    assert not scheduler.exhausted


@pytest.mark.parametrize(
    ("flags", "let_go_s"), [(0, None), (NoteFlag.BREATH, 1.91), (NoteFlag.BREATH | NoteFlag.FERMATA, None)]
)
def test_before_a_break_nothing_is_held_over_the_wait_for_the_next_beat(flags: int, let_go_s: float | None) -> None:
    """The conductor does not give the fifth beat: the chord sounds on, unless a break was written after it."""
    score = make_score([(0.0, 4.0, 60, 0, 0.5, int(flags)), (4.0, 4.0, 62, 0, 0.5, 0)])
    scheduler = Scheduler(score, PartBook(score))
    releases: list[NoteRelease] = []
    for tick in range(400):
        now_s = 0.01 * tick
        beat = min(2.0 * now_s, 3.98)
        state = "playing" if beat < 3.98 else "holding"
        position = ScorePosition(now_s, beat, beat, 2.0, 120.0, "1", 1.0, state)
        when = lambda q, beat=beat, now_s=now_s: now_s + (q - beat) / 2.0 if q < 3.98 else None  # noqa: E731
        releases += scheduler.step(now_s, position, when, PLAIN)[1]
    assert [release.time_s for release in releases] == ([] if let_go_s is None else [pytest.approx(let_go_s, abs=0.1)])


def test_a_stall_over_the_last_beat_does_not_keep_the_performance_from_ending() -> None:
    score = make_score(SCALE, instruments=("violin", "flute"))
    scheduler = Scheduler(score, PartBook(score), start_beat=14.0)
    at_s = [(0.0, "playing"), (3.0, "ended"), (3.01, "ended")]
    for now_s, state in at_s:
        position = ScorePosition(now_s, 14.0 + 2.0 * now_s, 14.0 + 2.0 * now_s, 2.0, 120.0, "4", 1.0, state)
        notes, _ = scheduler.step(now_s, position, lambda q: (q - 14.0) / 2.0, PLAIN)
    assert scheduler.exhausted and not notes


def test_starting_in_the_middle_plays_from_there() -> None:
    score = make_score(SCALE, instruments=("violin", "flute"))
    scheduler = Scheduler(score, PartBook(score), start_beat=8.0)
    position = ScorePosition(0.0, 8.0, 8.0, 2.0, 120.0, "3", 1.0, "playing")
    notes, _ = scheduler.step(0.0, position, lambda q: (q - 8.0) / 2.0, PLAIN)
    assert [note.quarter for note in notes] == [8.0]


class LateSource:
    """Answers a third above what it heard, but misses every window whose number is in ``misses``."""

    parts = frozenset({1})

    def __init__(self, misses: set[int]) -> None:
        self._misses = misses
        self._answers: dict[float, list[ScoreNote]] = {}
        self.closed = False

    def prepare(self, start_quarter: float, end_quarter: float, heard: Sequence[ScoreNote]) -> None:
        self._answers[start_quarter] = [
            ScoreNote(n.onset_quarter, n.duration_quarter, n.pitch + 4, 1, n.dynamic, 0, "ai:test") for n in heard
        ]

    def collect(self, start_quarter: float, end_quarter: float) -> list[ScoreNote] | None:
        return None if round(start_quarter) in self._misses else self._answers[start_quarter]

    def close(self) -> None:
        self.closed = True


def test_a_source_answers_its_part_and_the_written_part_stands_in_when_it_is_late() -> None:
    melody = [(float(n), 1.0, 60, 0, 0.5, 0) for n in range(16)]
    written = [(float(n), 1.0, 40, 1, 0.5, 0) for n in range(16)]
    score = make_score([*melody, *written], instruments=("violin", "cello"))
    source = LateSource(misses={3, 7})
    book = PartBook(score, [source])
    notes, _, _ = run(score, book=book)
    answers = {round(note.quarter): (note.pitch, note.source) for note in notes if note.part == 1}
    assert answers == {n: (40, "written") if n in (3, 7) else (64, "ai:test") for n in range(16)}
    assert book.missed == 2
    book.close()
    assert source.closed


def test_two_sources_cannot_play_one_part() -> None:
    score = make_score(SCALE, instruments=("violin", "flute"))
    with pytest.raises(ValueError, match="two sources"):
        PartBook(score, [LateSource(set()), LateSource(set())])


def test_a_jump_ends_what_sounds_and_goes_on_there_with_new_numbers() -> None:
    score = make_score(SCALE, instruments=("violin", "flute"))
    scheduler = Scheduler(score, PartBook(score))
    position = ScorePosition(0.0, 0.0, 0.0, 2.0, 120.0, "1", 1.0, "playing")
    first, _ = scheduler.step(0.0, position, lambda q: q / 2.0, PLAIN)
    scheduler.jump(12.0)
    notes, releases = scheduler.step(0.1, position, lambda q: 0.1 + (q - 12.0) / 2.0, PLAIN)
    assert [release.note_id for release in releases] == [note.note_id for note in first]
    assert [note.quarter for note in notes] == [12.0]
    assert notes[0].note_id > first[-1].note_id
