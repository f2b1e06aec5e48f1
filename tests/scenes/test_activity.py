import math

import numpy as np
import pytest

from tutti.engine.score import Score
from tutti.engine.types import (
    Articulation,
    Dynamics,
    FollowState,
    Frame,
    NoteEvent,
    NoteRelease,
    ScorePosition,
)
from tutti.scenes.activity import ACTIVITY_DTYPE, OrchestraActivity, tableau

RATE_HZ = 60.0
QUARTERS_PER_S = 2.0


def note(
    note_id: int, onset_s: float, duration_s: float, articulation: Articulation = "sustain", part: int = 0
) -> NoteEvent:
    return NoteEvent(note_id, part, onset_s, duration_s, 60, 90, articulation, onset_s * QUARTERS_PER_S)


def play(
    notes: list[NoteEvent],
    until_s: float,
    *,
    parts: int = 1,
    score: Score | None = None,
    releases: tuple[NoteRelease, ...] = (),
    state: FollowState = "playing",
    ahead_s: float = 0.08,
) -> tuple[np.ndarray, np.ndarray]:
    """Run frames as a performance gives them, notes ``ahead_s`` before they sound; times and rows (frames, parts)."""
    activity = OrchestraActivity(parts, score)
    waiting, ending = sorted(notes, key=lambda n: n.onset_s), list(releases)
    times, rows = [], []
    for index in range(int(until_s * RATE_HZ)):
        now_s = index / RATE_HZ
        due = tuple(n for n in waiting if n.onset_s - ahead_s <= now_s)
        waiting = waiting[len(due) :]
        over = tuple(r for r in ending if r.time_s <= now_s)
        ending = ending[len(over) :]
        quarter = now_s * QUARTERS_PER_S
        position = ScorePosition(now_s, quarter, quarter, QUARTERS_PER_S, 120.0, "1", 1.0, state)
        frame = Frame(index, now_s, position, None, Dynamics(now_s, 0.5, 0.0), notes=due, releases=over)
        rows.append(activity.step(frame).copy())
        times.append(now_s)
    return np.array(times), np.array(rows)


def during(times: np.ndarray, start_s: float, end_s: float) -> np.ndarray:
    return (times >= start_s) & (times < end_s)


def test_bow_changes_direction_with_each_note() -> None:
    times, rows = play([note(k, 1.0 + 0.5 * k, 0.5) for k in range(6)], 4.5)
    strokes = []
    for k in range(6):
        inside = rows["bow"][during(times, 1.05 + 0.5 * k, 1.45 + 0.5 * k), 0]
        change = np.diff(inside)
        assert (change >= -1e-6).all() or (change <= 1e-6).all(), "one stroke goes one way"
        strokes.append(np.sign(inside[-1] - inside[0]))
    assert strokes == [1, -1, 1, -1, 1, -1]
    assert rows["bow"].min() >= 0 and rows["bow"].max() <= 4


def test_longer_notes_take_more_bow() -> None:
    travelled = {}
    for duration_s in (0.15, 0.5, 1.5):
        _, rows = play([note(0, 0.5, duration_s)], 3.0)
        travelled[duration_s] = np.ptp(rows["bow"][:, 0])
    assert travelled[0.15] < travelled[0.5] < travelled[1.5]


def test_bow_lies_on_the_string_while_sounding_and_leaves_it_in_rests() -> None:
    times, rows = play([note(0, 1.0, 1.0), note(1, 2.0, 1.0)], 5.0)
    assert rows["lift"][during(times, 1.1, 2.9), 0].max() < 0.25, "not lifted between notes that follow each other"
    assert rows["lift"][during(times, 3.8, 5.0), 0].min() > 0.8


def test_pizzicato_plucks_with_the_bow_away() -> None:
    times, rows = play([note(k, 1.0 + 0.4 * k, 0.3, "pizzicato") for k in range(8)], 4.0)
    assert rows["lift"][during(times, 2.0, 3.8), 0].min() > 0.8
    plucked = rows["pluck_R"][:, 0] + rows["pluck_L"][:, 0]
    assert plucked[during(times, 1.0, 1.04)].max() > 0.7


def test_tremolo_shakes_the_bow() -> None:
    times, rows = play([note(0, 0.5, 2.0, "tremolo")], 3.0)
    change = np.sign(np.diff(rows["bow"][during(times, 0.6, 2.4), 0]))
    assert np.count_nonzero(np.diff(change)) > 15


def test_beaters_are_up_before_a_stroke_and_down_on_it() -> None:
    times, rows = play([note(k, 1.0 + 0.5 * k, 0.2) for k in range(4)], 4.0, ahead_s=0.5)
    for k in range(4):
        onset_s = 1.0 + 0.5 * k
        side = "up_R" if rows["hit_R"][during(times, onset_s, onset_s + 0.03), 0].max() > 0.5 else "up_L"
        before = rows[side][during(times, onset_s - 0.2, onset_s - 0.03), 0].max()
        at = rows[side][during(times, onset_s, onset_s + 0.02), 0].min()
        assert before > 0.6 and at < before / 2
    hits = [rows[hit][during(times, 1.0, 3.0), 0] > 0.5 for hit in ("hit_R", "hit_L")]
    assert hits[0].any() and hits[1].any() and not (hits[0] & hits[1]).any(), "hands alternate"


def test_entries_after_a_rest_are_prepared_from_the_score(score: Score) -> None:
    """The flute enters at quarter 32 = 16 s: it raises the instrument, watches, breathes before its note is known."""
    flute = 0
    times, rows = play([note(1, 16.0, 0.5, part=flute)], 18.0, parts=len(score.parts), score=score)
    assert rows["ready"][during(times, 5.0, 12.0), flute].max() < 0.1
    assert rows["ready"][during(times, 15.6, 16.0), flute].min() > 0.8
    assert rows["breath"][during(times, 15.5, 15.92), flute].max() > 0.8
    assert rows["breath"][during(times, 16.05, 16.4), flute].max() < 0.2
    assert rows["watching"][during(times, 15.2, 15.9), flute].max() > 0.9
    assert rows["glow"][during(times, 16.0, 16.1), flute].max() > 0.9
    assert rows["glow"][during(times, 5.0, 15.0), flute].max() < 0.05


def test_release_ends_the_gesture() -> None:
    times, rows = play([note(7, 0.5, 5.0)], 4.0, releases=(NoteRelease(7, 1.5),))
    assert rows["sounding"][during(times, 0.6, 1.4), 0].min() == 1.0
    assert rows["sounding"][during(times, 2.6, 4.0), 0].max() < 0.05


def test_waiting_players_strike_nothing(score: Score) -> None:
    _, rows = play([], 4.0, parts=len(score.parts), score=score, state="waiting")
    assert max(rows[name].max() for name in ("hit_R", "hit_L", "up_R", "up_L")) < 0.05
    assert rows["ready"][-1, 7] > 0.9, "the violins play in the first measure and are ready"


def test_values_stay_in_range_whatever_comes() -> None:
    rng = np.random.default_rng(3)
    kinds: tuple[Articulation, ...] = ("sustain", "fast", "staccato", "tremolo", "pizzicato")
    notes = [note(k, float(rng.uniform(0, 8)), float(rng.exponential(0.3)), kinds[k % 5]) for k in range(300)]
    _, rows = play(notes, 10.0, releases=tuple(NoteRelease(n.note_id, n.onset_s + 0.1) for n in notes[::3]))
    for name in ACTIVITY_DTYPE.names or ():
        assert np.isfinite(rows[name]).all()
        assert rows[name].min() >= -1e-6
        assert rows[name].max() <= {"bow": 4.0, "pitch": 127.0}.get(name, 1.0) + 1e-6


def test_a_second_performance_starts_afresh() -> None:
    activity = OrchestraActivity(1)
    position = ScorePosition(0, 0, 0, 2, 120, "1", 1, "playing")

    def frame(time_s: float, *notes: NoteEvent) -> Frame:
        return Frame(0, time_s, position, None, Dynamics(time_s, 0.5, 0.0), notes=notes)

    activity.step(frame(100.0, note(1, 100.0, 60.0)))
    assert activity.step(frame(101.0))["sounding"][0] == 1.0
    assert activity.step(frame(0.0))["sounding"][0] == 0.0


def test_tableau_shows_everyone_playing() -> None:
    rows = tableau(12)
    assert (rows["ready"] == 1).all() and (rows["lift"] == 0).all()
    assert len(set(rows["bow"])) > 6
    assert math.isfinite(float(rows["bow"].sum()))
    assert len(tableau(0)) == 1


@pytest.mark.parametrize("part", [-1, 5])
def test_notes_of_unknown_parts_are_ignored(part: int) -> None:
    _, rows = play([note(1, 0.1, 1.0, part=part)], 1.0)
    assert rows["sounding"].max() < 1e-6
