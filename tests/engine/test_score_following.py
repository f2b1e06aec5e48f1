"""A soloist is followed through slips, ornaments, stops and jumps; values in, values out, no clock."""

from dataclasses import replace

import numpy as np
import pytest
from support import make_score

from tutti.engine.errors import ScoreError
from tutti.engine.listening.score_following import SoloFollower
from tutti.engine.listening.solo_line import SoloLine, nominal_s
from tutti.engine.listening.virtual_soloist import Manner, Passage, SoloNote, play_solo
from tutti.engine.score import NoteFlag, Score
from tutti.engine.types import HeardNote

SOLO = frozenset([0])


def melody(measures: int = 40, seed: int = 5, rests: tuple[int, ...] = ()) -> Score:
    """Eighths that wander, with some quarters; the bars ``rests`` are empty in the solo."""
    rng = np.random.default_rng(seed)
    notes, quarter = [], 0.0
    while quarter < 4 * measures:
        length = float(rng.choice((0.5, 0.5, 0.5, 1.0)))
        if int(quarter // 4) not in rests:
            notes.append((quarter, length, int(60 + rng.integers(0, 17)), 0, 0.55, 0))
        quarter += length
    notes += [(float(q), 1.0, 48, 1, 0.55, 0) for q in range(4 * measures)]
    return make_score(notes, measures=measures, instruments=("violin", "cello"))


def right_share(score: Score, passages: list[Passage], manner: Manner, seed: int = 0, grace: int = 8) -> float:
    """Share of notes after which the follower is at the event that was meant; not counted: the first after a jump."""
    line = SoloLine.of(score, SOLO)
    notes, _ = play_solo(line, passages, seed, manner)
    follower = SoloFollower(score, line)
    right, since, before = [], grace, -1
    for note in notes:
        follower.hear(note.heard)
        if note.event < 0:
            continue
        since = 0 if not before <= note.event <= before + 4 else since + 1
        before = note.event
        if since >= grace:
            right.append(follower.event == note.event)
    return float(np.mean(right))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("manner", "least"),
    [
        (Manner(wrong=0.0, missing=0.0, extra=0.0), 0.99),
        (Manner(wrong=0.06, missing=0.06, extra=0.04), 0.95),
        (Manner(microphone=True), 0.97),
        (Manner(tempo=0.5), 0.97),
        (Manner(tempo=1.5), 0.97),
    ],
)
def test_a_soloist_is_followed_in_any_manner(manner: Manner, least: float, seed: int) -> None:
    score = melody(seed=seed)
    assert right_share(score, [Passage(0, 200)], manner, seed) >= least


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_skips_restarts_and_stops_are_followed(seed: int) -> None:
    score = melody(seed=10 + seed)
    line = SoloLine.of(score, SOLO)
    bars = np.flatnonzero(line.entrance >= 1.0)
    ahead, back = int(bars[bars > 110][0]), int(bars[bars > 130][0])
    passages = [
        Passage(0, 60),
        Passage(ahead, ahead + 50, 0.0),
        Passage(back, back + 30, 1.0),
        Passage(0, 40, 0.3),
        Passage(40, 80, 8.0),
    ]
    assert right_share(score, passages, Manner(), seed) >= 0.95


def test_a_bar_practised_over_and_over_is_followed_each_time() -> None:
    score = melody(seed=3)
    line = SoloLine.of(score, SOLO)
    bars = np.flatnonzero(line.entrance >= 1.0)
    first, last = int(bars[10]), int(bars[11])
    passages = [Passage(0, last), *(Passage(first, last, 0.4) for _ in range(5)), Passage(first, first + 40, 0.4)]
    assert right_share(score, passages, Manner(), grace=4) >= 0.9


def told(events: list[tuple[float, float]]) -> list[HeardNote]:
    return [HeardNote(index, at_s, None, pitch, 80, 1.0) for index, (at_s, pitch) in enumerate(events)]


def scale(pitches: list[int], flags: dict[int, int] | None = None) -> Score:
    rows = [(float(q), 1.0, pitch, 0, 0.55, (flags or {}).get(q, 0)) for q, pitch in enumerate(pitches)]
    return make_score(rows, measures=(len(pitches) + 3) // 4, quarter_bpm=60)


def test_position_goes_on_between_notes_waits_for_the_next_and_says_that_they_paused() -> None:
    score = scale([60, 62, 64, 65, 67, 69, 71, 72])
    follower = SoloFollower(score, SoloLine.of(score, SOLO))
    assert follower.at(5.0).state == "waiting" and follower.at(5.0).next_s is None
    for note in told([(10.0, 60), (10.8, 62), (11.6, 64), (12.4, 65)]):
        follower.hear(note)
    half = follower.at(12.8)
    assert half.state == "following" and half.confidence > 0.9
    assert half.period_s == pytest.approx(0.8, abs=0.03)
    assert half.quarter == pytest.approx(3.5, abs=0.03)
    assert half.next_s == pytest.approx(13.2, abs=0.03) and half.next_quarter == 4.0
    assert follower.at(13.4).quarter == 4.0, "a note that does not come is waited for"
    assert follower.at(13.4).state == "following" and follower.at(15.0).state == "paused"
    follower.hear(HeardNote(99, 16.0, None, 67.0, 80, 1.0))
    assert follower.at(16.0).state == "following"
    assert follower.at(16.0).period_s == pytest.approx(0.8, abs=0.1), "a pause is no tempo"
    assert follower.at(16.0).jumps == 0


def test_a_note_told_twice_counts_once() -> None:
    score = scale([60, 60, 60, 60, 62, 64, 65, 67])
    follower = SoloFollower(score, SoloLine.of(score, SOLO))
    note = HeardNote(7, 1.0, None, 60.0, 80, 1.0)
    follower.hear(note)
    follower.hear(replace(note, duration_s=0.9))
    assert follower.event == 0


def test_a_trill_in_any_number_of_notes_and_left_out_graces_do_not_move_the_place() -> None:
    # a trill of three notes on the second quarter as the score realises it, a grace note before the fifth
    rows = [(0.0, 1.0, 60, 0, 0.55, 0)]
    rows += [(1.0 + i / 3, 1 / 3, 64 + (i % 2), 0, 0.55, NoteFlag.ORNAMENT if i else 0) for i in range(3)]
    rows += [(2.0, 1.0, 62, 0, 0.55, 0), (3.0, 0.9, 67, 0, 0.55, 0), (3.9, 0.1, 71, 0, 0.55, NoteFlag.GRACE)]
    rows += [(4.0, 1.0, 72, 0, 0.55, 0), (5.0, 1.0, 74, 0, 0.55, 0)]
    score = make_score(rows, measures=2, quarter_bpm=60)
    line = SoloLine.of(score, SOLO)
    assert line.quarter.tolist() == [0.0, 1.0, 2.0, 3.0, 3.9, 4.0, 5.0]
    follower = SoloFollower(score, line)
    trill = [(2.0 + 0.11 * i, 64 + i % 2) for i in range(9)]
    places = []
    for note in told([(1.0, 60), *trill, (3.0, 62), (4.0, 67), (5.0, 72), (6.0, 74)]):
        follower.hear(note)
        places.append(follower.event)
    assert places == [0, *[1] * 9, 2, 3, 5, 6]


def test_chords_are_one_event_in_whatever_order_they_are_heard() -> None:
    rows = [(float(q), 1.0, pitch, 0, 0.55, 0) for q in range(8) for pitch in (48 + q, 55 + q, 64 + q)]
    score = make_score(rows, measures=2, quarter_bpm=60)
    follower = SoloFollower(score, SoloLine.of(score, SOLO))
    rng = np.random.default_rng(0)
    index = 0
    for q in range(8):
        for pitch in rng.permutation([48 + q, 55 + q, 64 + q]):
            follower.hear(HeardNote(index, q + 0.015 * (index % 3), None, float(pitch), 80, 1.0))
            index += 1
        assert follower.event == q


def test_an_octave_heard_wrongly_and_a_pitch_off_by_a_third_of_a_semitone_stay_in_place() -> None:
    score = scale([60, 62, 64, 65, 67, 69, 71, 72])
    follower = SoloFollower(score, SoloLine.of(score, SOLO))
    for index, pitch in enumerate((60.3, 62.3, 76.3, 65.3, 67.3, 57.3, 71.3)):
        follower.hear(HeardNote(index, 1.0 + index, None, pitch, 80, 0.8))
        assert follower.event == index


def test_tempo_marks_and_repeats_are_known() -> None:
    bars = [60, 62, 64, 65, 67, 69, 71, 72]
    score = scale([*bars, *bars])
    slower = np.array([(0.0, 60.0), (4.0, 30.0)], score.tempos.dtype)
    measures = score.measures.copy()
    measures["number"] = ["1", "2", "1", "2"]
    score = replace(score, tempos=slower, measures=measures)
    assert nominal_s(score, [0.0, 4.0, 6.0]).tolist() == [0.0, 4.0, 8.0]
    line = SoloLine.of(score, SOLO)
    assert line.place.tolist() == [*range(8), *range(8)], "the same printed notes"
    assert line.entrance[8] > line.entrance[4], "where the printed bars jump back a soloist may begin"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_is_not_in_the_score_is_not_looked_for_at_every_note(seed: int) -> None:
    score = melody(seed=7)
    line = SoloLine.of(score, SOLO)
    rng = np.random.default_rng(seed)
    before, _ = play_solo(line, [Passage(0, 60)], seed, Manner(wrong=0.0, missing=0.0, extra=0.0))
    after, _ = play_solo(line, [Passage(60, 110)], seed, Manner(wrong=0.0, missing=0.0, extra=0.0))
    follower, note_id = SoloFollower(score, line), 0
    gaps_s, pitches = rng.choice((0.2, 0.3, 0.45), 25), rng.integers(55, 80, 25)
    states = set()
    for note in before:
        follower.hear(replace(note.heard, note_id=(note_id := note_id + 1)))
    at_s = before[-1].heard.onset_s
    for gap_s, pitch in zip(gaps_s, pitches, strict=True):
        at_s += float(gap_s)
        follower.hear(HeardNote(note_id := note_id + 1, at_s, None, float(pitch), 80, 1.0))
        states.add(follower.at(at_s).state)
    assert "lost" in states and follower.at(at_s).jumps <= 3
    late_s = at_s + 0.5 - after[0].heard.onset_s
    for note in after:
        heard = replace(note.heard, note_id=(note_id := note_id + 1), onset_s=note.heard.onset_s + late_s)
        follower.hear(heard)
    assert follower.event == after[-1].event and follower.at(heard.onset_s).state == "following"


def test_a_part_without_notes_cannot_be_followed() -> None:
    with pytest.raises(ScoreError, match="nothing to follow in Violin 1"):
        SoloLine.of(make_score([(0.0, 1.0, 60, 1, 0.5, 0)], instruments=("violin", "cello")), SOLO)


def test_same_seed_same_soloist() -> None:
    line = SoloLine.of(melody(), SOLO)
    first: list[SoloNote] = play_solo(line, [Passage(0, 50)], 4)[0]
    assert first == play_solo(line, [Passage(0, 50)], 4)[0]
    assert first != play_solo(line, [Passage(0, 50)], 5)[0]
