"""What a headset is shown: frames merged for its own rhythm, and its hands as pointers."""

from dataclasses import replace

import pytest

from tutti.engine.score import Score
from tutti.engine.types import Applause, Frame, NoteEvent, Pose
from tutti.scenes.headset.headset_pointers import HeadsetPointers, pointer_at
from tutti.scenes.headset.openvr_messages import Grip
from tutti.scenes.headset.shown_frames import CARRY_ON_S, ShownFrames
from tutti.scenes.view import RESTING


def frame(index: int) -> Frame:
    """A step of a performance at 120, a hundred a second; a note in each."""
    now_s = 0.01 * index
    position = replace(
        RESTING.position, time_s=now_s, beat=2 * now_s, quarter=2 * now_s, quarter_rate=2.0, bpm=120.0, state="playing"
    )
    note = NoteEvent(index, 0, now_s, 0.2, 60, 80, "sustain", 2 * now_s)
    return replace(RESTING, index=index, time_s=now_s, position=position, notes=(note,))


def test_nothing_is_lost_between_two_pictures_and_nothing_comes_twice(score: Score) -> None:
    frames = ShownFrames(score, RESTING)
    frames.take([frame(1), frame(2)])
    frames.take([frame(3)])
    assert [note.note_id for note in frames.at(0.05, ()).notes] == [1, 2, 3]
    assert frames.at(0.06, ()).notes == ()
    frames.take([frame(4)])
    assert [note.note_id for note in frames.at(0.07, ()).notes] == [4]


def test_applause_between_two_pictures_is_seen(score: Score) -> None:
    frames = ShownFrames(score, RESTING)
    frames.take([frame(1), replace(frame(2), applause=Applause(1.0, 9.0, 0.5)), frame(3)])
    assert frames.at(0.05, ()).applause == Applause(1.0, 9.0, 0.5)
    assert frames.at(0.06, ()).applause is None


def test_the_music_is_where_it_will_be_when_the_picture_is_seen(score: Score) -> None:
    frames = ShownFrames(score, RESTING)
    frames.take([frame(100)])
    shown = frames.at(1.025, ())
    assert shown.time_s == 1.025
    assert (shown.position.beat, shown.position.quarter) == pytest.approx((2.05, 2.05))
    frames.take([frame(101)])
    assert frames.at(1.01, ()).time_s == 1.025, "time never runs back"
    stalled = frames.at(9.0, ())
    assert stalled.time_s == pytest.approx(1.01 + CARRY_ON_S), "where the studio stands still, so does the orchestra"
    held = replace(frame(140), position=replace(frame(140).position, state="holding"))
    frames.take([held])
    assert frames.at(1.6, ()).position.beat == held.position.beat


def test_hands_are_shown_where_the_picture_has_them(score: Score) -> None:
    frames = ShownFrames(score, RESTING)
    assert frames.at(5.0, ()).poses == RESTING.poses, "nothing is tracked yet"
    pose = Pose(5.0, "baton", (0.1, 1.2, -0.3))
    assert frames.at(5.0, [pose]).poses == (pose,)


def grip(time_s: float, *, select: bool = False, tracked: bool = True) -> Grip:
    aim = Pose(time_s, "baton", (0.2, 1.2, -0.4), (1.0, 0.0, 0.0, 0.0)) if tracked else None
    return Grip(time_s, "right", aim, select, False, False, False)


def test_every_press_is_told_and_of_the_rest_the_newest() -> None:
    pointers = HeadsetPointers()
    for index in range(100):
        pointers.take((), [grip(0.004 * index, select=index == 40)])
    found = pointers.poll(1.0)
    assert [pointer.select for pointer in found].count(True) == 1
    assert len(found) < 10
    assert found[-1].time_s == pytest.approx(0.004 * 99)
    assert [pointer.time_s for pointer in found] == sorted(pointer.time_s for pointer in found)
    assert pointers.poll(1.0) == []
    head = Pose(1.0, "head", (0.0, 1.7, 0.0), (1.0, 0.0, 0.0, 0.0))
    pointers.take([head], [grip(1.1), grip(1.2, tracked=False)])
    seen, lost = pointers.poll(1.15)[0], pointers.poll(1.3)[-1]
    assert seen == replace(
        pointer_at(Pose(1.1, "baton", (0.2, 1.2, -0.4), (1.0, 0.0, 0.0, 0.0)), "right"),
        tip_m=seen.origin_m,
        eye_m=(0.0, 0.0, 1.94),
        gaze=(0.0, 1.0, 0.0),
    )
    assert seen.origin_m == pytest.approx((0.2, 0.4, 1.44))
    assert (lost.valid, lost.tip_m) == (False, None)
