"""Left hand, gaze and cut-off: who is meant, what is asked, and what must not be taken for a sign."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from conducting import timings
from support import make_score

from tutti.engine.conducting.beat_figures import Style
from tutti.engine.conducting.gaze import Gaze, SectionMap
from tutti.engine.conducting.ictus import IctusDetector
from tutti.engine.conducting.mannerisms import plain_style
from tutti.engine.conducting.signs import SignReader
from tutti.engine.conducting.tempo import TempoTracker
from tutti.engine.conducting.tracking import Take, TakeSource
from tutti.engine.conducting.virtual_conductor import conduct
from tutti.engine.conducting.virtual_hands import Act, Body, random_body, with_acts
from tutti.engine.performance import Performance
from tutti.engine.score import Score
from tutti.engine.types import Frame, PlayerPlacement, Pose, ScorePosition, Sign, TempoEstimate

PERIOD_S = 0.75
SECTIONS = {"violins": 70.0, "violas": 20.0, "horns": -15.0, "cellos": -65.0}
PLACEMENTS = tuple(
    PlayerPlacement(
        player=3 * part + desk,
        part=part,
        section=section,
        instrument=("violin", "viola", "french-horn", "cello")[part],
        position_m=(-(3.0 + desk) * math.sin(math.radians(at)), (3.0 + desk) * math.cos(math.radians(at)), 0.0),
        heading_deg=180.0,
        desk=desk,
    )
    for part, (section, at) in enumerate(SECTIONS.items())
    for desk in range(3)
)
BARS = 12
SCORE = make_score(
    [(float(q), 1.0, 50 + 5 * part, part, 0.55, 0) for q in range(4 * BARS) for part in range(4)],
    measures=BARS,
    quarter_bpm=80.0,
    instruments=("violin", "viola", "violin", "cello"),
)
STEADY = Style(left_hand="rests", jitter_s=0.005)


def perform(score: Score, take: Take, **options: object) -> list[Frame]:
    performance = Performance(score, (), 0, PLACEMENTS, **options)  # type: ignore[arg-type]
    source, frames = TakeSource(take), []
    for tick in range(int((take.end_s - take.start_s) / 0.01)):
        now_s = take.start_s + tick * 0.01
        frames.append(performance.step(now_s, source.poll(now_s)))
    performance.close()
    return frames


def conducted(periods: np.ndarray | None = None, style: Style = STEADY, **options: float) -> tuple[Take, np.ndarray]:
    wanted = timings(SCORE, np.full(4 * BARS, PERIOD_S) if periods is None else periods)
    take = conduct(SCORE, wanted, style=style, **options)  # type: ignore[arg-type]
    return take, wanted[1] + float(take.metadata["offset_s"])


def read(take: Take, beats_s: np.ndarray, weights: dict[str, float] | None = None) -> list[Sign]:
    """The signs of a take whose beats are known, without the following."""
    reader, source, signs = SignReader(PLACEMENTS), TakeSource(take), []
    for tick in range(int((take.end_s - take.start_s) / 0.01)):
        now_s = take.start_s + tick * 0.01
        index = int(np.searchsorted(beats_s, now_s, side="right")) - 1
        held = index >= 0 and now_s > beats_s[index] + 1.6 * PERIOD_S
        position = ScorePosition(now_s, index, index, 1.3, 80.0, "1", 1.0, "holding" if held else "playing")
        tempo = TempoEstimate(now_s, index, beats_s[index], PERIOD_S, beats_s[index] + PERIOD_S, 0.9, held)
        poses = source.poll(now_s)
        signs += reader.step(now_s, poses, *((position, tempo) if index >= 0 else (None, None)), weights)
    return signs


def of_kind(signs: Sequence[Sign], *kinds: str) -> list[Sign]:
    return [sign for sign in signs if sign.kind in kinds]


@pytest.mark.parametrize("at_deg", [-80, -60, -10, 25, 60, 85])
def test_gaze_goes_to_the_section_that_is_looked_at(at_deg: float) -> None:
    sections = SectionMap(PLACEMENTS)
    gaze = Gaze(sections)
    turn = math.radians(0.9 * at_deg) / 2
    for tick in range(30):
        gaze.step(Pose(tick / 30, "head", (0.0, 1.6, 0.0), (math.cos(turn), 0.0, math.sin(turn), 0.0)))
    nearest = min(SECTIONS, key=lambda section: abs(SECTIONS[section] - at_deg))
    assert gaze.section == nearest
    gaze.step(Pose(2.0, "head", (0.0, 1.6, 0.0)))
    assert gaze.section is None, "a head without orientation looks nowhere"


def test_attention_does_not_flicker_at_the_border_of_two_sections() -> None:
    gaze, random, seen = Gaze(SectionMap(PLACEMENTS)), np.random.default_rng(0), []
    for tick in range(600):
        turn = math.radians(0.9 * 2.5 + random.normal(0.0, 1.5)) / 2
        gaze.step(Pose(tick / 30, "head", (0.0, 1.6, 0.0), (math.cos(turn), 0.0, math.sin(turn), 0.0)))
        seen.append(gaze.section)
    assert sum(a != b for a, b in itertools.pairwise(seen)) < 8


def test_a_larger_section_is_not_a_larger_target():
    """One drummer between the horns and the trumpets: a glance a little to the side still means the drummer."""

    def player(number: int, section: str, at_deg: float) -> PlayerPlacement:
        at = math.radians(at_deg)
        return replace(
            PLACEMENTS[0], player=number, section=section, position_m=(9 * math.sin(at), 9 * math.cos(at), 0.0)
        )

    horns = [player(number, "horns", at_deg) for number, at_deg in enumerate((-41.0, -32.0, -23.0, -14.0))]
    sections = SectionMap([*horns, player(4, "timpani", -7.0), player(5, "trumpets", 12.0)])
    for at_deg, meant in ((-12.5, "timpani"), (-7.0, "timpani"), (-27.0, "horns"), (12.0, "trumpets")):
        at = math.radians(at_deg)
        misfits = sections.misfits((0.0, 0.0, 1.15), (math.sin(at), math.cos(at), 0.0), (5.5, 8.0))
        assert sections.names[int(misfits.argmin())] == meant


def test_who_does_not_enter_is_cued_only_plainly():
    """A flick of the hand far beside a section: a cue if it enters now, and chance if it rests."""
    aside = [
        replace(place, position_m=(4.0 * math.sin(1.75), 4.0 * math.cos(1.75), 0.0))
        if place.section == "cellos"
        else place
        for place in PLACEMENTS
    ]
    take, beats_s = conducted()
    take = with_acts(take, [Act("cue", float(beats_s[20]), "cellos")], Body(head_oriented=False), aside, seed=1)
    assert [sign.section for sign in of_kind(read(take, beats_s, {"cellos": 20.0}), "cue")] == ["cellos"]
    assert not of_kind(read(take, beats_s, dict.fromkeys(SECTIONS, 0.25)), "cue")


@pytest.mark.parametrize("flick", ["beat", "reach", "beckon"])
@pytest.mark.parametrize("oriented", [True, False])
def test_a_cue_reaches_its_section_and_nobody_else(flick: str, oriented: bool) -> None:
    body = Body(flick=flick, head_oriented=oriented, hand_oriented=not oriented)  # type: ignore[arg-type]
    take, beats_s = conducted()
    acts = [Act("cue", float(beats_s[6 + 6 * n]), section) for n, section in enumerate(SECTIONS)]
    cues = of_kind(read(with_acts(take, acts, body, PLACEMENTS, seed=4), beats_s), "cue")
    assert [cue.section for cue in cues] == list(SECTIONS)
    assert all(abs(cue.time_s - act.time_s) < 0.4 for cue, act in zip(cues, acts, strict=True))


def test_a_small_cue_on_the_beat_after_a_short_wait_is_no_mirroring() -> None:
    random = np.random.default_rng(1000)
    body = replace(random_body(random), head_oriented=True)
    take, beats_s = conducted(style=plain_style(random), rate_hz=body.rate_hz, noise_m=body.noise_m)
    acts = [Act("cue", float(beats_s[6 + 6 * n]), section) for n, section in enumerate(SECTIONS)]
    cues = of_kind(read(with_acts(take, acts, body, PLACEMENTS, seed=0), beats_s), "cue")
    assert [cue.section for cue in cues] == list(SECTIONS)


@pytest.mark.parametrize("left_hand", ["mirrors", "joins", "rests"])
@pytest.mark.parametrize("rate_hz", [30.0, 90.0])
def test_mirroring_resting_scratching_and_turning_pages_say_nothing(left_hand: str, rate_hz: float) -> None:
    take, beats_s = conducted(style=replace(STEADY, left_hand=left_hand), rate_hz=rate_hz)  # type: ignore[arg-type]
    acts = [Act("page_turn", 8.0), Act("scratch", 14.0), Act("page_turn", 22.0, length_s=1.0), Act("scratch", 29.0)]
    signs = read(with_acts(take, acts, Body(rate_hz=rate_hz), PLACEMENTS, seed=1), beats_s)
    assert not of_kind(signs, "cue", "cut_off")
    assert all(abs(sign.amount) < 0.1 for sign in signs)


@pytest.mark.parametrize(("kind", "way"), [("raise", 1.0), ("hush", -1.0)])
def test_a_hand_that_rises_or_sinks_towards_a_section_changes_its_level_and_is_kept(kind: str, way: float) -> None:
    take, beats_s = conducted()
    acts = [Act(kind, 12.0, "cellos", length_s=2.6)]  # type: ignore[arg-type]
    signs = of_kind(read(with_acts(take, acts, Body(), PLACEMENTS, seed=3), beats_s), "raise", "hush")
    assert {sign.section for sign in signs} == {"cellos"}
    assert 0.1 < way * signs[-1].amount <= 0.45


@pytest.mark.parametrize("hands", ["free", "both", "baton"])
@pytest.mark.parametrize("slash", [True, False])
def test_a_cut_off_after_a_hold_is_known_at_once(hands: str, slash: bool) -> None:
    if slash and hands == "baton":
        hands = "both"
    periods = np.full(4 * BARS, PERIOD_S)
    periods[[11, 27]] = 4.0
    take, beats_s = conducted(periods, replace(STEADY, hold="still"))
    acts = [Act("cut_off", float(beats_s[n]) + 2.6, hands=hands) for n in (11, 27)]  # type: ignore[arg-type]
    signs = of_kind(read(with_acts(take, acts, Body(slash=slash), PLACEMENTS, seed=2), beats_s), "cut_off")
    assert [sign.time_s for sign in signs] == pytest.approx([act.time_s for act in acts], abs=0.15)


@pytest.mark.parametrize("hands", ["both", "baton"])
@pytest.mark.parametrize("rate_hz", [32.0, 80.0])
def test_the_loop_that_ends_a_short_hold_is_a_cut_off_and_no_beat(hands: str, rate_hz: float) -> None:
    """The baton's loop begins a third of a beat after the next beat was due, and looks like one until it closes."""
    periods = np.full(4 * BARS, PERIOD_S)
    periods[[15, 31]] = 3.0
    take, beats_s = conducted(periods, replace(STEADY, hold="still"), rate_hz=rate_hz)
    acts = [Act("cut_off", float(beats_s[n]) + 1.6, hands=hands) for n in (15, 31)]  # type: ignore[arg-type]
    frames = perform(SCORE, with_acts(take, acts, Body(pace=0.85, rate_hz=rate_hz), PLACEMENTS, seed=3))
    given = [frame.time_s for frame in frames for sign in frame.signs if sign.kind == "cut_off"]
    assert given == pytest.approx([act.time_s for act in acts], abs=0.15)
    for beat in (17, 20, 33, 36):
        frame = next(frame for frame in frames if frame.time_s > beats_s[beat] + 0.6 * PERIOD_S)
        assert frame.tempo is not None
        assert frame.tempo.beat_index == beat


@pytest.mark.parametrize(("beat", "counted"), [(20, 19), (4 * BARS - 1, 4 * BARS - 1)])
def test_a_cut_off_takes_back_what_was_just_counted_but_not_the_last_beat(beat: int, counted: int) -> None:
    take, beats_s = conducted()
    detector, tracker = IctusDetector(), TempoTracker(SCORE)
    until_s = float(beats_s[beat]) + 0.4
    poses = [pose for pose in take.of("baton") if pose.time_s < until_s]
    for pose in poses:
        tracker.step(pose, detector.step(pose, tracker.estimate))
    assert tracker.ictus_s(beat) is not None
    tracker.cut_off(until_s)
    assert (tracker.ictus_s(beat) is not None) == (counted == beat)
    assert tracker.ictus_s(counted) is not None


@pytest.mark.parametrize("style", [STEADY, Style(bounce=0.0, roundness=1.0), Style(manner="sideways", mirror=True)])
def test_ordinary_beats_and_holds_are_no_cut_off(style: Style) -> None:
    periods = np.full(4 * BARS, PERIOD_S)
    periods[[11, 27, 40]] = 4.0
    take, beats_s = conducted(periods, style)
    assert not of_kind(read(with_acts(take, [], Body(), PLACEMENTS), beats_s), "cut_off", "cue")


def test_a_raised_still_hand_over_a_resting_baton_holds() -> None:
    periods = np.full(4 * BARS, PERIOD_S)
    periods[15] = 5.0
    take, beats_s = conducted(periods, replace(STEADY, hold="still"))
    act = Act("hold", float(beats_s[15]) + 0.6, length_s=3.0)
    holds = of_kind(read(with_acts(take, [act], Body(), PLACEMENTS), beats_s), "hold")
    assert [sign.section for sign in holds] == [None]
    assert beats_s[15] + 0.6 < holds[0].time_s < beats_s[15] + 3.0


def test_before_the_music_begins_hands_say_nothing() -> None:
    reader = SignReader(PLACEMENTS)
    take, _ = conducted()
    poses = with_acts(take, [Act("cue", 9.0, "cellos")], Body(), PLACEMENTS).poses
    assert not [sign for pose in poses for sign in reader.step(pose.time_s, [pose], None, None)]


def test_a_part_that_awaits_its_cue_rests_until_then_and_comes_in_forward_with_its_section() -> None:
    take, beats_s = conducted()
    cue_s = float(beats_s[20])
    frames = perform(
        SCORE, with_acts(take, [Act("cue", cue_s, "cellos")], Body(), PLACEMENTS), awaiting_cue=frozenset({3})
    )
    signs = [sign for frame in frames for sign in frame.signs]
    assert [(sign.kind, sign.section) for sign in of_kind(signs, "cue")] == [("cue", "cellos")]
    notes = [note for frame in frames for note in frame.notes]
    entered = min(note.onset_s for note in notes if note.part == 3)
    assert cue_s - 0.3 < entered < cue_s + 2.2 * PERIOD_S
    velocity = {part: [n.velocity for n in notes if n.part == part and n.onset_s < entered + 2.0] for part in (0, 3)}
    first = next(n.velocity for n in notes if n.part == 0 and n.onset_s >= entered - 0.01)
    assert velocity[3][0] > first + 8
    late = {part: [n.velocity for n in notes if n.part == part][-4:] for part in (0, 3)}
    assert abs(np.mean(late[0]) - np.mean(late[3])) < 4, "the emphasis fades"


@pytest.mark.parametrize("given", [True, False])
def test_a_cut_off_ends_what_a_hold_sustains(given: bool) -> None:
    periods = np.full(4 * BARS, PERIOD_S)
    periods[15] = 4.0
    take, beats_s = conducted(periods, replace(STEADY, hold="still"))
    act = Act("cut_off" if given else "hold", float(beats_s[15]) + 2.6, length_s=0.5)
    frames = perform(SCORE, with_acts(take, [act], Body(), PLACEMENTS, seed=2))
    assert any(sign.kind == "cut_off" for frame in frames for sign in frame.signs) == given
    sounding: set[int] = set()
    for frame in frames:
        sounding |= {note.note_id for note in frame.notes}
        sounding -= {release.note_id for release in frame.releases}
        if act.time_s + 0.15 < frame.time_s < act.time_s + 0.3:
            assert bool(sounding) != given
    begun_s = [note.onset_s for frame in frames for note in frame.notes]
    held_s, next_s = float(beats_s[15]), float(beats_s[15]) + 4.0
    assert not [at_s for at_s in begun_s if held_s + 0.3 < at_s < next_s - 0.2], "it is the held chord that sounds"


def test_bad_poses_break_nothing() -> None:
    random, reader = np.random.default_rng(0), SignReader(PLACEMENTS)
    take, _beats_s = conducted()
    position = ScorePosition(0.0, 4.0, 4.0, 1.3, 80.0, "1", 1.0, "playing")
    for pose in take.poses:
        strange = replace(pose, position_m=(math.nan, 1.0, 0.0)) if random.random() < 0.1 else pose
        strange = replace(strange, time_s=pose.time_s - 3.0) if random.random() < 0.1 else strange
        tempo = TempoEstimate(pose.time_s, 4, pose.time_s, PERIOD_S, pose.time_s + PERIOD_S, 0.9)
        reader.step(pose.time_s, [strange], position, tempo)
