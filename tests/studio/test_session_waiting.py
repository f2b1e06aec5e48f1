"""What was waited before and after the music is left out of an export, and every time moves with it."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from test_session_file import HEADER, frame, pose

from tutti.engine.types import Applause, BeatCrossing, Frame, HeardNote, NoteEvent, NoteRelease, SoloPosition
from tutti.studio.session_file import AudioPacket, ControlEvent, Reseating, Session
from tutti.studio.session_player import shifted
from tutti.studio.session_waiting import KEPT_AFTER_S, KEPT_BEFORE_S, without_waiting

DURATIONS = {"duration_s", "beat_period_s", "period_s"}
STEP_S = 0.5


def still(index: int, **changes: Any) -> Frame:
    """A frame in which nothing happens, half a second after the one before."""
    quiet = replace(frame(index, pose(index)), beats=(), crossings=(), notes=(), releases=(), signs=())
    return replace(shifted(quiet, index * STEP_S - quiet.time_s), **changes)


def waiting(before: int, after: int) -> Session:
    """So many still frames, a note of a second, as many again."""
    note = NoteEvent(1, 0, before * STEP_S, 1.0, 60, 80, "sustain", 0.0)
    crossing = BeatCrossing(0, before * STEP_S, 0.0, "1", 1, 60.0, before * STEP_S + 0.1, 1.0)
    playing = [
        still(before, notes=(note,), crossings=(crossing,)),
        still(before + 1),
        still(before + 2, releases=(NoteRelease(1, (before + 2) * STEP_S),)),
    ]
    frames = [*map(still, range(before)), *playing, *(still(before + 3 + index) for index in range(after))]
    return Session(
        HEADER,
        tuple(frames),
        tuple(one.poses[0] for one in frames),
        (ControlEvent(1.0, "sit", "3"),),
        (AudioPacket(0, b"x"),),
        True,
        reseatings=(Reseating(1.0, 2, HEADER.placements),),
    )


def test_an_export_begins_shortly_before_the_music_and_ends_shortly_after_it() -> None:
    session = waiting(200, 300)
    cut = without_waiting(session)
    notes = [note for one in cut.frames for note in one.notes]
    assert [note.onset_s for note in notes] == [KEPT_BEFORE_S]
    assert cut.frames[0].time_s == 0.0 and cut.poses[0].time_s == 0.0
    assert cut.frames[-1].time_s == KEPT_BEFORE_S + 1.0 + KEPT_AFTER_S == cut.poses[-1].time_s
    (crossing,) = [crossing for one in cut.frames for crossing in one.crossings]
    assert crossing.ictus_s == pytest.approx(KEPT_BEFORE_S + 0.1)
    assert cut.controls[0].time_s == 1.0 - 97.0 == cut.reseatings[0].time_s, "what was asked for before holds at once"
    assert cut.reseatings[0].frame <= cut.frames[0].index and cut.audio == ()


def test_what_the_studio_took_to_open_is_waiting_too() -> None:
    """Live, the first frame comes seconds after the session's 0, where exported sound begins: all that was silence."""
    session = waiting(20, 4)
    cut = without_waiting(replace(session, frames=session.frames[10:], poses=session.poses[10:]))
    assert [note.onset_s for one in cut.frames for note in one.notes] == [KEPT_BEFORE_S]
    assert cut.frames[0].time_s == 0.0


def test_a_moment_of_rest_is_part_of_the_music() -> None:
    session = waiting(12, 30)
    assert without_waiting(session) is session
    late = without_waiting(waiting(12, 300))
    assert late.frames[0] == session.frames[0] and late.frames[-1].time_s == 6.0 + 1.0 + KEPT_AFTER_S


def test_without_any_sound_all_is_kept() -> None:
    session = replace(waiting(0, 0), frames=tuple(map(still, range(99))))
    assert without_waiting(session) is session
    assert without_waiting(replace(session, frames=())).frames == ()


def test_a_learner_who_plays_first_and_applause_are_heard() -> None:
    session = waiting(200, 300)
    heard = (HeardNote(1, 40.0, None, 69.0, 80, 1.0), HeardNote(1, 40.0, 0.5, 69.0, 80, 1.0))
    frames = list(session.frames)
    frames[250] = replace(frames[250], applause=Applause(125.0, 140.0, 0.5))
    cut = without_waiting(replace(session, heard=heard, frames=tuple(frames)))
    assert [note.onset_s for note in cut.heard] == [KEPT_BEFORE_S] * 2
    assert cut.frames[-1].time_s == 140.0 + KEPT_AFTER_S - 37.0


def moments(value: Any, name: str = "") -> list[tuple[str, float]]:
    """Every time of a value and of those in it, by name."""
    if is_dataclass(value):
        return [found for field in fields(value) for found in moments(getattr(value, field.name), field.name)]
    if isinstance(value, tuple) and not name.endswith("_m"):
        return [found for one in value for found in moments(one, name)]
    return [(name, value)] if name.endswith("_s") and name not in DURATIONS and value is not None else []


def test_everything_in_a_frame_moves_along() -> None:
    solo = SoloPosition(1.0, "following", 1.0, 1.0, 1.0, 2.0, 1.5, 0.5, 0.9, 0)
    crossing = BeatCrossing(0, 1.0, 0.0, "1", 1, 60.0, 1.1, 1.0)
    full = replace(frame(40, pose(40)), solo=solo, applause=Applause(2.0, 3.0, 0.5), crossings=(crossing,))
    assert full.beats and full.notes and full.releases and full.tempo
    full = replace(full, signs=frame(4, pose(4)).signs)
    before, after = moments(full), moments(shifted(full, 8.0))
    assert len(before) > 15
    assert [(name, pytest.approx(time_s + 8.0)) for name, time_s in before] == after
