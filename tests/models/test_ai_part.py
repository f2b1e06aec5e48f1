"""The AI player beside the orchestra: what it hears, when it answers, and what plays when it does not."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from ai_support import write_small
from support import make_score

from tutti.engine.conducting.tracking import TakeSource
from tutti.engine.conducting.virtual_conductor import conduct
from tutti.engine.errors import ModelError
from tutti.engine.performance import Performance
from tutti.engine.performed import PERFORMER_PART
from tutti.engine.score import Score
from tutti.engine.types import HeardNote, ResponsiveSource, ScoreNote, Situation
from tutti.models.ai_part import AiPart, AiPlan, _Outbox, responder_settings
from tutti.models.grid import FIRST_PITCH, REST
from tutti.models.live_music import LiveMusic, Turns
from tutti.models.responder import Responder, newest_of_each_window
from tutti.models.score_shapes import blank_score, new_part
from tutti.models.voice_groups import part_heights, part_ranges, plan_groups
from tutti.models.wish import GestureWish, Wish
from tutti.models.writing import IMAGINE

CHOIR = ("soprano", "alto", "tenor", "bass")
TRIO = ("violin", "viola", "cello")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("weights") / "small.safetensors")


def melody(bars: int = 6) -> Score:
    """A soprano with three empty voices below."""
    pitches = [72, 74, 76, 77, 79, 77, 76, 74]
    notes = [(float(q), 1.0, pitches[q % 8], 0, 0.6, 0) for q in range(4 * bars)]
    return make_score(notes, measures=bars, instruments=CHOIR)


def empty(bars: int = 8, instruments: Sequence[str] = TRIO) -> Score:
    return blank_score("free", [new_part(key) for key in instruments], bars)


class Here(AiPart):
    """Thinks in this process, at once: the same answers without waiting. ``deaf`` windows get no answer."""

    deaf: frozenset[int] = frozenset()

    def _start(self) -> None:
        self._responder = Responder(self._settings)
        self._alive = True
        self._connection = self._outbox = self  # type: ignore[assignment]
        self._waiting: list[object] = [self._responder.author]

    def put(self, ask: object) -> None:
        if ask is not None and self._alive and ask.start not in self.deaf:  # type: ignore[attr-defined]
            self._waiting.append(self._responder.answer(ask))  # type: ignore[arg-type]

    def poll(self, timeout_s: float = 0.0) -> bool:
        return bool(self._waiting)

    def recv(self) -> object:
        return self._waiting.pop(0)

    def close(self) -> None:
        """Nothing is open."""


def test_a_process_that_does_not_read_holds_nobody_up() -> None:
    """One that has stalled, or is being swapped out: what it is asked waits elsewhere."""
    near, far = multiprocessing.get_context("spawn").Pipe()
    outbox = _Outbox(near)
    begin_s = time.perf_counter()
    for number in range(400):
        outbox.put(np.full(20_000, number))  # type: ignore[arg-type]
    outbox.put(None)
    assert time.perf_counter() - begin_s < 1.0
    came = []
    while (ask := far.recv()) is not None:
        came.append(int(ask[0]))
    assert came == sorted(came) and came[-1] == 399, "the newest come, and in order"
    near.close()
    far.close()


def played(
    source: AiPart, score: Score, situations: dict[float, Situation], quarters: int
) -> list[list[ScoreNote] | None]:
    """Beat by beat, as the scheduler goes: each quarter is cut into eight steps, at which the player heeds."""
    beats: list[list[ScoreNote] | None] = []
    now = Situation(0.0)
    source.prepare(0.0, 1.0, [n for n in score.notes_between(0.0, 1.0) if n.part not in source.parts])
    for step in range(8 * quarters):
        quarter = step / 8
        now = replace(situations.get(quarter, now), quarter=quarter)
        source.heed(now)
        if step % 8 == 0:
            answer = source.collect(quarter, quarter + 1.0)
            beats.append(None if answer is None else list(answer))
            heard = [n for n in score.notes_between(quarter + 1, quarter + 2) if n.part not in source.parts]
            source.prepare(quarter + 1.0, quarter + 2.0, heard)
    return beats


def learner(*notes: tuple[float, float, int], level: float = 0.5) -> dict[float, Situation]:
    """Situations of a learner whose notes (onset, length, pitch) are heard while they sound."""
    told: dict[float, Situation] = {}
    for step in range(8 * 32):
        at = step / 8
        known = tuple(
            ScoreNote(on, min(length, at - on), pitch, PERFORMER_PART, 0.5, source="performer")
            for on, length, pitch in sorted(notes)
            if on <= at
        )
        told[at] = Situation(at, level, 0.0, known)
    return told


# -- who answers whom -------------------------------------------------------------------------------------------


def test_any_number_of_parts_is_answered_in_groups_of_four_voices() -> None:
    score = make_score(
        [(0.0, 1.0, 72, 0, 0.5, 0)], instruments=("flute", "violin", "violin", "viola", "cello", "bassoon")
    )
    heights, ranges = part_heights(score), part_ranges(score)
    groups = plan_groups(heights, [1, 2, 3, 4, 5], ranges)
    assert sorted(part for group in groups for part in group.answered) == [1, 2, 3, 4, 5]
    assert all(len(group.parts) == 4 and len(group.answered) <= 3 for group in groups)
    assert 0 in groups[0].parts, "the melody is heard first"
    known = {0, *groups[0].answered}
    assert all(part in known or part in groups[1].answered for part in groups[1].parts if part is not None)
    for group in groups:
        present = [part for part in group.parts if part is not None]
        assert present == sorted(present, key=lambda part: -heights[part])
    with pytest.raises(ModelError, match="which parts"):
        plan_groups(heights, [], ranges)


def test_an_ai_contrabass_needs_no_extension() -> None:
    score = make_score([(0.0, 1.0, 40, 0, 0.5, 0)], instruments=("contrabass", "cello"))
    assert [low for low, _high in part_ranges(score).values()] == [28, 36]  # open E and C, as they sound


@pytest.mark.parametrize(
    "wrong", [{"register": 3.0}, {"register": float("nan")}, {"density": -1.0}, {"complexity": 2.0}]
)
def test_wishes_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ModelError, match=f"{next(iter(wrong))}: .*from (0|-1) "):
        Wish(**wrong)


def test_who_has_nobody_to_listen_to_is_refused() -> None:
    score = melody()
    with pytest.raises(ModelError, match="somebody to listen to"):
        responder_settings(make_score([(0, 1, 60, 0, 0.5, 0)]), AiPlan((0,)))
    settings = responder_settings(score, AiPlan((1, 2, 3)))
    assert settings.groups[0].parts == (0, 1, 2, 3)
    settings = responder_settings(empty(), AiPlan((0, 1, 2), performer=True))
    assert settings.groups[0].parts == (PERFORMER_PART, 0, 1, 2)


# -- answering ---------------------------------------------------------------------------------------------------


def test_written_parts_are_answered_within_ranges_and_notes_last_over_beats(weights: Path) -> None:
    score = melody()
    source = Here(score, AiPlan((1, 2, 3), Wish(density=0.5)), weights=weights, seed=3, patience_s=1.0)
    assert isinstance(source, ResponsiveSource)
    notes = [note for beat in played(source, score, {}, 24) for note in beat or ()]
    assert {note.part for note in notes} == {1, 2, 3}
    assert {note.source for note in notes} == {"ai:small"}
    for note in notes:
        low, high = part_ranges(score)[note.part]
        assert low <= note.pitch <= high
    for part in (1, 2, 3):
        own = [note for note in notes if note.part == part]
        for before, after in pairwise(own):
            assert before.onset_quarter + before.duration_quarter <= after.onset_quarter + 1e-9
    assert any(note.onset_quarter % 1 + note.duration_quarter > 1.0 for note in notes), "notes last into the next beat"
    assert all(abs(note.dynamic - 0.6) < 1e-6 for note in notes), "as loud as who is heard"


def test_same_seed_same_notes_and_another_seed_others(weights: Path) -> None:
    score = melody()
    runs = [
        played(Here(score, AiPlan((1, 2, 3)), weights=weights, seed=seed, patience_s=1.0), score, {}, 12)
        for seed in (5, 5, 6)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_a_note_of_the_learner_is_answered_by_the_next_beat_and_changes_nothing_before(weights: Path) -> None:
    score = empty()
    steady = [(float(q), 0.9, 72 + q % 5) for q in range(16)]
    for onset in (6.25, 6.75):
        changed = [*steady, (onset, 0.24, 61)]
        answered = []
        for seed in range(3):  # one draw may come out the same by chance
            plan = AiPlan((0, 1, 2), performer=True)
            without, with_note = (
                played(Here(score, plan, weights=weights, seed=seed, patience_s=1.0), score, learner(*notes), 8)
                for notes in (steady, changed)
            )
            assert without[:7] == with_note[:7]
            answered.append(without[7] != with_note[7])
        assert any(answered), f"a note at {onset} is heard in the next beat"


def test_a_changed_gesture_is_heard_in_the_next_beat(weights: Path) -> None:
    score = melody()
    soft = {0.0: Situation(0.0, 0.5)}
    loud = {**soft, 8.5: Situation(8.5, 1.0)}
    runs = [
        played(Here(score, AiPlan((1, 2, 3)), weights=weights, patience_s=1.0), score, situations, 16)
        for situations in (soft, loud)
    ]
    assert runs[0][:9] == runs[1][:9]
    assert runs[0][9] != runs[1][9]
    many, few = (
        sum(len(beat or ()) for beat in run[9:])
        for run in (
            played(Here(score, AiPlan((1, 2, 3)), weights=weights, patience_s=1.0), score, {0.0: now}, 24)
            for now in (Situation(0.0, 1.0), Situation(0.0, 0.0))
        )
    )
    assert many > 1.5 * few, "a large gesture asks for more notes than a small one"


def test_a_gesture_that_trembles_changes_nothing() -> None:
    gesture = GestureWish(Wish(density=1.0))
    assert gesture.step(0.5, 0.0).density == 1.0
    assert {gesture.step(0.5 + shake, 0.3 * shake).density for shake in (-0.12, 0.1, 0.13, -0.1)} == {1.0}
    assert gesture.step(1.0, 0.0).density > 1.5
    assert gesture.step(0.0, -1.0).density < 0.5


def test_a_cue_brings_a_part_in_at_the_next_beat(weights: Path) -> None:
    score = melody()
    resting = frozenset({3})
    waiting = {0.0: Situation(0.0, awaiting=resting), 7.5: Situation(7.5)}
    source = Here(score, AiPlan((1, 2, 3), Wish(density=2.0)), weights=weights, patience_s=1.0)
    beats = played(source, score, waiting, 16)
    entered = [q for q, beat in enumerate(beats) if any(note.part == 3 for note in beat or ())]
    assert entered and entered[0] == 8
    assert all(any(note.part == 1 for note in beat or ()) for beat in beats[2:6]), "the others play meanwhile"


# -- a learner who is human ---------------------------------------------------------------------------------------


def column_of(music: LiveMusic, situation: Situation, start: int, stop: int) -> list[int]:
    return list(music.ask(start, stop, Wish(), situation).sheet.columns[PERFORMER_PART])


def test_a_learner_is_known_up_to_now_and_imagined_from_there(weights: Path) -> None:
    music = LiveMusic(empty(), frozenset({0, 1, 2}), frozenset(), performer=True)
    situation = learner((0.0, 1.0, 72), (1.0, 1.0, 74))[1.0]
    column = column_of(music, replace(situation, quarter=1.5), 8, 12)
    assert column[0] == FIRST_PITCH + 72 - 24 and column[4] == FIRST_PITCH + 74 - 24
    assert set(column[7:]) == {IMAGINE}
    assert IMAGINE not in column[:6]


def test_a_solo_that_begins_with_rests_and_one_that_stops_are_rests(weights: Path) -> None:
    music = LiveMusic(empty(), frozenset({0, 1, 2}), frozenset(), performer=True)
    assert set(column_of(music, Situation(1.0), 4, 8)) == {REST}
    stopped = learner((0.0, 1.0, 72))[1.0]
    assert IMAGINE in column_of(music, replace(stopped, quarter=5.0), 24, 28)
    assert IMAGINE not in column_of(music, replace(stopped, quarter=12.0), 52, 56)
    beats = played(Here(empty(), AiPlan((0, 1, 2), performer=True), weights=weights, patience_s=1.0), empty(), {}, 8)
    assert all(beat is not None for beat in beats), "the accompaniment goes on without the soloist"


def test_a_slip_is_not_answered_but_a_wrong_note_that_is_meant_is(weights: Path) -> None:
    scale = [(q / 2, 0.5, 60 + step) for q, step in enumerate((0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2, 0, 4))]
    score = make_score([(on, length, pitch, 0, 0.5, 0) for on, length, pitch in scale], measures=4, instruments=CHOIR)
    music = LiveMusic(score, frozenset({1, 2, 3}), frozenset({0}), performer=True)

    def heard(length: float, pitch: int) -> list[int]:
        known = (ScoreNote(7.0, length, pitch, PERFORMER_PART, 0.5, source="performer"),)
        return [token for token in column_of(music, Situation(7.9, 0.5, 0.0, known), 32, 36) if token >= FIRST_PITCH]

    assert heard(0.1, 61) == [], "out of the key and let go at once"
    assert heard(0.6, 61) == [FIRST_PITCH + 61 - 24]
    assert heard(0.1, 62) == [FIRST_PITCH + 62 - 24]


def test_after_a_skip_or_a_restart_it_listens_afresh(weights: Path) -> None:
    score = melody()
    fresh = Here(score, AiPlan((1, 2, 3)), weights=weights, patience_s=1.0)
    once = played(fresh, score, {}, 8)
    fresh.prepare(16.0, 17.0, [n for n in score.notes_between(16.0, 17.0) if n.part == 0])
    assert fresh.collect(3.0, 4.0) is None, "what was not asked for is not answered"
    assert fresh.collect(16.0, 17.0) is not None
    assert played(fresh, score, {}, 8) == once, "from the beginning again, the same"


def test_call_and_response(weights: Path) -> None:
    score = empty()
    call = [(q / 2, 0.45, 72 + q % 5) for q in range(16)]
    plan = AiPlan((0, 1, 2), Wish(density=2.0), performer=True, turns=Turns(lead=0, bars=2))
    beats = played(Here(score, plan, weights=weights, patience_s=1.0), score, learner(*call), 24)
    lead = [q for q, beat in enumerate(beats) for note in beat or () if note.part == 0]
    assert lead and min(lead) >= 8 and max(lead) < 16, "bars 3 and 4 answer bars 1 and 2; no call, no answer"
    assert any(note.part == 2 for beat in beats[:8] for note in beat or ()), "the others accompany all the time"


def sounding_at(notes: Sequence[ScoreNote], quarter: float) -> dict[int, int]:
    """Pitch class of what each part sounds at a score time."""
    return {
        n.part: n.pitch % 12
        for n in notes
        if n.onset_quarter <= quarter + 1e-6 and n.onset_quarter + n.duration_quarter > quarter + 1e-6
    }


@pytest.mark.parametrize("seed", range(3))
def test_an_answer_ends_like_a_phrase_where_its_turn_ends(weights: Path, seed: int) -> None:
    """Whatever its network would like: the lead holds its last note until the learner's turn, on a chord that comes
    from its dominant; the others play on."""
    score = empty()
    call = [(bar + q / 2, 0.45, 72 + q % 5) for bar in (0, 16) for q in range(16)]
    plan = AiPlan((0, 1, 2), Wish(key="C major", density=2.0), performer=True, turns=Turns(lead=0, bars=2))
    beats = played(Here(score, plan, weights=weights, seed=seed, patience_s=1.0), score, learner(*call), 32)
    notes = [note for beat in beats for note in beat or ()]
    for turn_end in (16.0, 32.0):
        last = max((n for n in notes if n.part == 0 and n.onset_quarter < turn_end), key=lambda n: n.onset_quarter)
        assert last.onset_quarter <= turn_end - 2.0
        dominant, home = sounding_at(notes, turn_end - 3.0), sounding_at(notes, turn_end - 2.0)
        assert set(dominant.values()) <= {7, 11, 2, 5} and dominant[2] == 7
        assert set(home.values()) <= {0, 4, 7} and home[2] == 0 and 0 in home
    assert any(n.part == 2 and 14.0 < n.onset_quarter < 16.0 for n in notes), "the others play on"
    assert not any(n.onset_quarter > 30.0 for n in notes), "but at the end of all"
    held = [n for n in notes if n.part == 0 and n.onset_quarter == 14.0]
    assert all(n.duration_quarter == 2.0 for n in held)


def test_an_answer_comes_home_to_the_key_of_the_call() -> None:
    def home(pitches: Sequence[int], **options: bool) -> list[frozenset[int]]:
        music = LiveMusic(empty(), frozenset({0, 1, 2}), frozenset(), performer=True, turns=Turns(0), **options)
        call = [ScoreNote(q / 2, 0.5, pitches[q % len(pitches)], PERFORMER_PART, 0.5) for q in range(16)]
        sheet = music.ask(52, 56, Wish(), Situation(12.5, performed=tuple(call))).sheet
        assert [(a.step, a.until) for a in sheet.arrivals] in ([(52, 56), (56, 64)], [])
        return [arrival.chord for arrival in sheet.arrivals]

    assert home((67, 69, 71, 74, 72, 71, 66, 67)) == [{2, 6, 9, 0}, {7, 11, 2}]
    assert home((62, 64, 65, 69, 70, 69, 61, 62)) == [{9, 1, 4, 7}, {2, 5, 9}]
    assert home((62, 64, 65, 69), comes_home=False) == []


def in_g_major(count: int, first: float = 0.0) -> tuple[ScoreNote, ...]:
    """Eighths of who plays freely."""
    pitches = (67, 69, 71, 74, 72, 71, 66, 67)
    return tuple(ScoreNote(first + q / 2, 0.5, pitches[q % 8], PERFORMER_PART, 0.5) for q in range(count))


def test_who_accompanies_comes_home_when_the_soloist_pauses() -> None:
    """Phrases of free playing ended only with the score. The soloist stops after two bars: at home in the fourth."""
    music = LiveMusic(empty(), frozenset({0, 1, 2}), frozenset(), performer=True)
    phrase = in_g_major(16)

    def arrivals(now: float, start: int, heard: tuple[ScoreNote, ...] = phrase) -> list[tuple[int, int, set[int]]]:
        sheet = music.ask(start, start + 4, Wish(), Situation(now, performed=heard)).sheet
        return [(arrival.step, arrival.until, set(arrival.chord)) for arrival in sheet.arrivals]

    home = [(44, 48, {2, 6, 9, 0}), (48, 64, {7, 11, 2})]
    assert arrivals(9.5, 40) == [], "a short rest is none"
    before = music.heard_so_far(Situation(9.9, performed=phrase))
    assert music.heard_so_far(Situation(10.0, performed=phrase)) != before, "it is a reason to think again"
    assert arrivals(10.0, 44) == home
    assert arrivals(10.5, 44, (*phrase, *in_g_major(2, 10.0))) == [], "they go on"
    assert arrivals(10.9, 44) == home
    column = column_of(music, Situation(11.5, performed=phrase), 48, 52)
    assert IMAGINE not in column[44:64], "nobody is imagined to play into it"
    assert arrivals(16.5, 68)[: len(home)] == home, "what was played stays as it was thought of"
    again = (*phrase, *in_g_major(16, 17.0))
    assert arrivals(19.5, 80, again)[: len(home)] == home
    music.begin(0)
    assert arrivals(1.0, 8, in_g_major(2)) == []


def test_beside_written_parts_a_pause_is_not_the_end() -> None:
    music = LiveMusic(melody(), frozenset({1, 2, 3}), frozenset({0}), performer=True)
    assert music.ask(44, 48, Wish(), Situation(10.0, performed=in_g_major(16))).sheet.arrivals == ()


@pytest.mark.parametrize("seed", range(3))
def test_the_accompaniment_holds_its_last_chord(weights: Path, seed: int) -> None:
    score = empty()
    phrase = [(q / 2, 0.45, 72 + q % 5) for q in range(16)]
    plan = AiPlan((0, 1, 2), Wish(key="C major", density=2.0), performer=True)
    source = Here(score, plan, weights=weights, seed=seed, patience_s=1.0)
    notes = [note for beat in played(source, score, learner(*phrase), 16) for note in beat or ()]
    assert {n.onset_quarter for n in notes if n.onset_quarter >= 12.0} == {12.0}
    dominant, home = sounding_at(notes, 11.0), sounding_at(notes, 12.0)
    assert set(dominant.values()) <= {7, 11, 2, 5} and set(home.values()) <= {0, 4, 7}
    assert all(n.onset_quarter + n.duration_quarter >= 16.0 for n in notes if n.onset_quarter == 12.0)


def test_beside_written_parts_it_ends_in_their_last_chord(weights: Path) -> None:
    pitches = [72, 76, 79, 77, 76, 71, 74, 72]
    notes = [(float(q), 1.0, pitches[q], 0, 0.6, 0) for q in range(8)]
    score = make_score(notes, measures=2, instruments=CHOIR)
    for seed in range(3):
        source = Here(score, AiPlan((1, 2, 3)), weights=weights, seed=seed, patience_s=1.0)
        answered = [note for beat in played(source, score, {}, 8) for note in beat or ()]
        assert set(sounding_at(answered, 6.0).values()) <= {7, 11, 2, 5} and sounding_at(answered, 6.0)[3] == 7
        assert set(sounding_at(answered, 7.0).values()) <= {0, 4, 7} and sounding_at(answered, 7.0)[3] == 0
        assert max(n.onset_quarter for n in answered) <= 7.0


# -- when it does not answer --------------------------------------------------------------------------------------


def test_a_missed_deadline_is_covered_by_what_was_thought_beyond_the_last_beat(weights: Path) -> None:
    score = empty()
    source = Here(score, AiPlan((0, 1, 2), Wish(density=2.0), performer=True), weights=weights)
    source.deaf = frozenset({16})
    beats = played(source, score, {}, 8)
    assert source.late == 1
    assert all(beats), "every beat has notes"
    assert all(note.source == "ai:small" for note in beats[4] or ())


def test_without_any_answer_the_written_part_plays_or_the_bar_before(weights: Path) -> None:
    score = empty()
    source = Here(score, AiPlan((0, 1, 2), Wish(density=2.0), performer=True), weights=weights)
    source.deaf = frozenset(range(16, 32))
    beats = played(source, score, {}, 8)
    echoed = [(n.onset_quarter - 4, n.part, n.pitch) for beat in beats[5:8] for n in beat or ()]
    before = {(n.onset_quarter, n.part, n.pitch) for beat in beats[1:4] for n in beat or ()}
    assert echoed and set(echoed) <= before
    chorale = make_score(
        [(float(q), 1.0, pitch, part, 0.5, 0) for q in range(16) for part, pitch in enumerate((72, 67, 60, 48))],
        instruments=CHOIR,
    )
    silent = Here(chorale, AiPlan((1, 2, 3)), weights=weights)
    silent.deaf = frozenset(range(0, 64))
    assert played(silent, chorale, {}, 6) == [None] * 6


@pytest.fixture
def in_a_process(weights: Path) -> Iterator[AiPart]:
    source = AiPart(melody(), AiPlan((1, 2, 3)), weights=weights, seed=5, patience_s=30.0)
    yield source
    source.close()


def test_the_process_answers_the_same_and_the_music_goes_on_when_it_is_killed(
    in_a_process: AiPart, weights: Path
) -> None:
    score, source = melody(), in_a_process
    here = Here(score, AiPlan((1, 2, 3)), weights=weights, seed=5, patience_s=30.0)
    assert played(source, score, {}, 6) == played(here, score, {}, 6)
    source._process.kill()
    source._process.join()
    heard = [n for n in score.notes_between(6.0, 7.0) if n.part == 0]
    source.prepare(6.0, 7.0, heard)
    assert source.collect(6.0, 7.0), "started again, it answers"
    source._process.kill()
    source._process.join()
    source._patience_s = 0.0
    answers = []
    for quarter in range(7, 12):
        source.prepare(quarter, quarter + 1.0, heard)
        answers.append(source.collect(quarter, quarter + 1.0))
    assert len(answers) == 5, "killed twice, it raises nothing"


def test_weights_that_are_not_there_are_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file") as caught:
        AiPart(melody(), AiPlan((1,)), weights=tmp_path / "none.safetensors")
    assert "\n" not in str(caught.value)


def test_only_the_newest_question_about_a_window_is_answered() -> None:
    music = LiveMusic(empty(), frozenset({0}), frozenset(), performer=True)
    asks = [music.ask(start, start + 4, Wish(), Situation(0.0)) for start in (0, 0, 4, 0)]
    assert [(ask.number, ask.start) for ask in newest_of_each_window(asks)] == [(4, 0), (3, 4)]


def test_in_a_performance_the_same_take_and_the_same_learner_give_the_same_frames(weights: Path) -> None:
    score = blank_score("free", [new_part(key) for key in TRIO], 3)
    quarters = np.append(score.beats["quarter"].astype(float), score.end_quarter)
    take = conduct(score, (quarters, 2.0 + 0.5 * quarters), seed=0, noise_m=0.0)
    tune = [HeardNote(n, 2.1 + n / 2, 0.4, 72.0 + n % 4, 80, 1.0) for n in range(10)]

    def run(heard: Sequence[HeardNote]) -> list[tuple[float, int, int, str]]:
        source = Here(score, AiPlan((0, 1, 2), Wish(density=2.0), performer=True), weights=weights, patience_s=1.0)
        performance = Performance(score, [source])
        poses, notes, told = TakeSource(take), [], 0
        for step in range(1100):
            now_s = take.start_s + step / 100
            due = [note for note in heard[told:] if note.onset_s + (note.duration_s or 0.0) <= now_s]
            told += len(due)
            frame = performance.step(now_s, poses.poll(now_s), due)
            notes += [(note.quarter, note.part, note.pitch, note.source) for note in frame.notes]
        performance.close()
        return notes

    once, again, alone = run(tune), run(tune), run([])
    assert once == again != alone
    assert {source for _, _, _, source in once} == {"ai:small"}
    assert {int(quarter) for quarter, _, _, _ in once} == set(range(9)), "every beat is played up to the last chord"
