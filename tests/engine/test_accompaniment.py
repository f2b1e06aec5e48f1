"""An orchestra that accompanies, under an offline clock: together with the soloist, waiting, following elsewhere."""

from collections import defaultdict

import numpy as np
import pytest
from support import make_score, with_upbeat

from tutti.engine.accompaniment import Soloist
from tutti.engine.conducting.tracking import Take, TakeSource
from tutti.engine.conducting.virtual_conductor import clean_timings, conduct
from tutti.engine.errors import InputError, ScoreError
from tutti.engine.listening.solo_line import SoloLine
from tutti.engine.listening.virtual_soloist import Manner, Passage, SoloNote, play_solo
from tutti.engine.performance import Performance
from tutti.engine.score import Score
from tutti.engine.types import Frame, Pose

SOLO = frozenset([0])
STEP_S = 0.01
PLAIN = Manner(wrong=0.0, missing=0.0, extra=0.0)


def concerto(measures: int = 24, tutti: tuple[int, ...] = ()) -> Score:
    """Eighths of a solo violin over quarters of a cello; in the bars ``tutti`` the solo rests."""
    rng = np.random.default_rng(5)
    notes = []
    for quarter in range(4 * measures):
        if quarter // 4 not in tutti:
            notes += [(quarter + half, 0.5, int(60 + rng.integers(0, 15)), 0, 0.55, 0) for half in (0.0, 0.5)]
        notes.append((float(quarter), 1.0, 40 + quarter % 7, 1, 0.55, 0))
    return make_score(notes, measures=measures, instruments=("violin", "cello"))


def accompany(
    score: Score,
    notes: list[SoloNote],
    lead: float = 1.0,
    poses: tuple[Pose, ...] = (),
    until_s: float | None = None,
) -> list[Frame]:
    performance = Performance(score, soloist=Soloist(SOLO, lead))
    source = replaying(poses)
    end_s = until_s or max(note.told_s for note in notes) + 6.0
    frames: list[Frame] = []
    at = 0
    while len(frames) * STEP_S < end_s and not performance.ended:
        now_s = len(frames) * STEP_S
        heard = []
        while at < len(notes) and notes[at].told_s <= now_s:
            heard.append(notes[at].heard)
            at += 1
        frames.append(performance.step(now_s, source.poll(now_s), heard))
    performance.close()
    return frames


def replaying(poses: tuple[Pose, ...]) -> TakeSource:
    return TakeSource(Take(poses))


def beside(score: Score, notes: list[SoloNote], frames: list[Frame]) -> np.ndarray:
    """By how many seconds each of the orchestra's notes came after the solo note that it stands under."""
    line = SoloLine.of(score, SOLO)
    onsets = defaultdict(list)
    for note in notes:
        if note.event >= 0:
            onsets[float(line.quarter[note.event])].append(note.heard.onset_s)
    return np.array(
        [
            min((played.onset_s - at_s for at_s in onsets[played.quarter]), key=abs)
            for frame in frames
            for played in frame.notes
            if onsets[played.quarter]
        ]
    )


@pytest.mark.parametrize("tempo", [1.0, 0.65])
def test_the_orchestra_is_together_with_a_soloist_and_leaves_their_part_out(tempo: float) -> None:
    score = concerto()
    line = SoloLine.of(score, SOLO)
    manner = Manner(tempo=tempo, wrong=0.0, missing=0.0, extra=0.0)
    notes, _ = play_solo(line, [Passage(0, len(line))], 3, manner)
    frames = accompany(score, notes)
    played = [note for frame in frames for note in frame.notes]
    assert [note.quarter for note in played] == [float(q) for q in range(96)], "each note of the cello once, in order"
    assert {note.part for note in played} == {1}
    off = beside(score, notes, frames)
    assert abs(np.median(off)) < 0.02 and np.percentile(np.abs(off), 90) < 0.09
    assert frames[-1].position.state == "ended"


@pytest.mark.parametrize("length", [0.5, 0.25])
def test_an_upbeat_shorter_than_a_beat_is_played_with_the_soloist_who_begins(length: float) -> None:
    score = with_upbeat(concerto(4), length)
    assert score.begin_quarter == length - 1.0
    line = SoloLine.of(score, SOLO)
    notes, _ = play_solo(line, [Passage(0, len(line))], 3, PLAIN)
    frames = accompany(score, notes)
    assert [note.quarter for frame in frames for note in frame.notes][:2] == [0.0, length]
    assert np.abs(beside(score, notes, frames)[:4]).max() < 0.09
    assert [crossing.beat_index for frame in frames for crossing in frame.crossings] == list(range(len(score.beats)))


def test_the_orchestra_waits_for_a_soloist_who_stops_and_goes_on_with_them() -> None:
    score = concerto()
    line = SoloLine.of(score, SOLO)
    notes, _ = play_solo(line, [Passage(0, 60), Passage(60, 120, 9.0)], 3, PLAIN)
    stopped_s, again_s = notes[59].told_s, notes[60].told_s
    frames = accompany(score, notes)
    waiting = [frame for frame in frames if stopped_s + 2.0 < frame.time_s < again_s]
    assert not any(frame.notes for frame in waiting)
    assert max(frame.position.quarter for frame in waiting) < line.quarter[60] + 0.25
    assert "stopped" in {frame.position.state for frame in waiting}, "what sounds is let go in a long wait"
    before = [note for frame in frames if frame.time_s < again_s for note in frame.notes]
    after = [note for frame in frames if frame.time_s >= again_s for note in frame.notes]
    assert [note.quarter for note in before + after] == [float(q) for q in range(len(before) + len(after))]
    assert np.percentile(np.abs(beside(score, notes, frames)), 90) < 0.09


@pytest.mark.parametrize(("there", "pause_s"), [(96, 0.3), (8, 0.8)])
def test_the_orchestra_goes_where_the_soloist_goes_without_a_burst(there: int, pause_s: float) -> None:
    score = concerto()
    line = SoloLine.of(score, SOLO)
    notes, _ = play_solo(line, [Passage(0, 60), Passage(there, there + 60, pause_s)], 4, PLAIN)
    jumped_s = notes[60].told_s
    frames = accompany(score, notes)
    later = [note for frame in frames if frame.time_s > jumped_s + 3.0 for note in frame.notes]
    assert later and all(note.quarter >= line.quarter[there] for note in later)
    settled = [note for frame in frames if frame.time_s > jumped_s + 3.0 for note in frame.notes]
    assert len(settled) > 15
    onsets = np.array([note.onset_s for frame in frames for note in frame.notes])
    assert all(((onsets >= at) & (onsets < at + 0.3)).sum() <= 3 for at in onsets), "no burst of notes"
    sounding = {note.note_id for frame in frames if frame.time_s < jumped_s for note in frame.notes}
    released = {release.note_id for frame in frames if frame.time_s < jumped_s + 3.0 for release in frame.releases}
    assert sounding <= released, "what sounded there is ended"


def test_a_tutti_is_played_in_the_soloists_tempo_and_their_entry_waited_for() -> None:
    score = concerto(tutti=(8, 9, 10))
    line = SoloLine.of(score, SOLO)
    entry = int(np.flatnonzero(line.quarter == 44.0)[0])
    notes, _ = play_solo(line, [Passage(0, entry), Passage(entry, len(line), 3.0)], 3, Manner(0.8, 0.0, 0.0, 0.0, 0.0))
    frames = accompany(score, notes)
    onset_s = {note.quarter: note.onset_s for frame in frames for note in frame.notes}
    periods = np.diff([onset_s[float(q)] for q in range(33, 44)])
    assert np.abs(periods - 0.75).max() < 0.06, "quarters of 0.75 s: 100 a minute at 0.8 of the tempo"
    assert onset_s[45.0] > notes[entry].heard.onset_s, "the orchestra did not go on without them"


def test_a_soloist_may_begin_anywhere() -> None:
    score = concerto()
    notes, _ = play_solo(SoloLine.of(score, SOLO), [Passage(64, 130)], 6, PLAIN)
    frames = accompany(score, notes)
    played = [note.quarter for frame in frames for note in frame.notes]
    assert played[0] >= 32.0 and played == sorted(played) and len(played) > 20


def taken(score: Score, period_s: float) -> tuple[Pose, ...]:
    times = 3.0 + period_s * np.arange(len(score.beats) + 1)
    return conduct(score, clean_timings(np.arange(len(times), dtype=float), times), seed=1, noise_m=0.0).poses


def test_with_a_silent_soloist_the_conductor_leads() -> None:
    score = concerto(measures=8)
    poses = taken(score, 0.6)
    alone = accompany(score, [], 0.0, poses, 24.0)
    plain = Performance(score)
    source = replaying(poses)
    for frame in alone:
        expected = plain.step(frame.time_s, source.poll(frame.time_s))
        assert frame.position == expected.position and frame.tempo == expected.tempo
        assert frame.notes == () or {note.part for note in frame.notes} == {1}


def test_the_lead_decides_whose_tempo_it_is() -> None:
    score = concerto(measures=24)
    line = SoloLine.of(score, SOLO)
    poses = taken(score, 0.6)
    first_s = 3.6  # about where the conductor's first beat sounds
    notes, _ = play_solo(line, [Passage(0, len(line))], 2, Manner(0.8, 0.0, 0.0, 0.0, 0.0), start_s=first_s)
    reached = {}
    for lead in (0.0, 1.0):
        frames = accompany(score, notes, lead, poses, 40.0)
        reached[lead] = next(frame.position.quarter for frame in frames if frame.time_s >= 35.0)
    soloist = np.interp(35.0, [n.heard.onset_s for n in notes], [line.quarter[n.event] for n in notes])
    assert reached[1.0] == pytest.approx(soloist, abs=0.3)
    assert reached[0.0] == pytest.approx((35.0 - 3.0) / 0.6, abs=1.5), "the conductor's 100 a minute"
    assert reached[0.0] - reached[1.0] > 5.0


def test_shared_the_conductor_bends_the_beat_and_the_soloist_says_which_it_is() -> None:
    score = concerto(measures=16)
    line = SoloLine.of(score, SOLO)
    notes, _ = play_solo(line, [Passage(0, len(line))], 2, Manner(1.0, 0.0, 0.0, 0.0, 0.0), start_s=3.62)
    frames = accompany(score, notes, 0.5, taken(score, 0.6), 36.0)
    played = [note for frame in frames for note in frame.notes]
    assert [note.quarter for note in played] == [float(q) for q in range(len(played))]
    assert np.abs(np.diff([note.onset_s for note in played[4:]]) - 0.6).max() < 0.15
    assert np.abs(beside(score, notes, frames)[4:]).max() < 0.2


def test_same_notes_same_frames() -> None:
    score = concerto(measures=12)
    notes, _ = play_solo(SoloLine.of(score, SOLO), [Passage(0, 50), Passage(20, 60, 0.5)], 9, Manner(microphone=True))
    assert accompany(score, notes) == accompany(score, notes)


def test_what_cannot_be_is_said() -> None:
    assert Soloist.parse_lead("shared") == 0.5 and Soloist.parse_lead("0.3") == 0.3
    for text in ("loud", "1.5", "nan"):
        with pytest.raises(InputError, match="lead"):
            Soloist.parse_lead(text)
    with pytest.raises(InputError, match="lead"):
        Soloist(SOLO, -0.1)
    with pytest.raises(ScoreError, match="nothing to follow"):
        Performance(make_score([(0.0, 1.0, 60, 1, 0.5, 0)], instruments=("violin", "cello")), soloist=Soloist(SOLO))
