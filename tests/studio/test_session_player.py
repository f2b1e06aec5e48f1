"""Replay: the same notes, at the same distances in time, to whoever listens."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from test_session_file import HEADER, frame, pose

from tutti.engine.audio.impulse_response import room_of
from tutti.engine.hall import read_hall
from tutti.engine.types import PERFORMER, Applause, Frame, HeardNote, NoteEvent, NoteRelease, PlayerPlacement, Pose
from tutti.studio.hall_choice import Heard
from tutti.studio.heard_again import HeardAgain
from tutti.studio.house import House
from tutti.studio.performance_log import PerformanceLog
from tutti.studio.results import Stage, audio_cues
from tutti.studio.session_file import ControlEvent, Reseating, Session, SessionRecorder, read_session
from tutti.studio.session_player import SessionPlayer, shifted


@dataclass
class Listener:
    """Keeps what it is given; stands where sound and page do."""

    notes: list[NoteEvent] = field(default_factory=list)
    releases: list[NoteRelease] = field(default_factory=list)
    frames: list[Any] = field(default_factory=list)
    seated: list[Any] = field(default_factory=list)
    heads: list[Pose] = field(default_factory=list)

    def listen(self, head: Pose) -> None:
        self.heads.append(head)

    def submit(self, notes: tuple[NoteEvent, ...], releases: tuple[NoteRelease, ...]) -> None:
        self.notes += notes
        self.releases += releases

    def place(self, placements: tuple[PlayerPlacement, ...]) -> None:
        self.seated.append((len(self.frames), placements))

    def publish(self, shown: Any) -> None:
        self.frames.append(shown)


def session_of(frames: list[Frame]) -> Session:
    return Session(HEADER, tuple(frames), (), (), (), True)


def test_every_frame_is_played_once_at_its_distance() -> None:
    recorded = [frame(index, pose(index)) for index in range(50)]
    listener = Listener()
    player = SessionPlayer(session_of(recorded), 100.0, listener, listener)  # type: ignore[arg-type]
    assert player.step(99.9) is None
    for tick in range(80):
        player.step(100.0 + tick * 0.0137)
    assert [shown.index for shown in listener.frames] == list(range(50))
    assert listener.frames[7].time_s == recorded[7].time_s + 100.0
    originals = [note for one in recorded for note in one.notes]
    assert [note.onset_s for note in listener.notes] == [note.onset_s + 100.0 for note in originals]
    told = [release for one in recorded for release in one.releases]
    assert [release.note_id for release in listener.releases[: len(told)]] == [release.note_id for release in told]
    held = {note.note_id for one in recorded for note in one.notes} - {release.note_id for release in told}
    assert {release.note_id for release in listener.releases[len(told) :]} == held, "nothing sounds for ever"


def test_moving_a_frame_there_and_back_changes_nothing_but_rounding() -> None:
    original = frame(5, pose(5))
    moved = shifted(original, 64.0)
    assert moved.position.quarter == original.position.quarter
    assert moved.tempo is not None and original.tempo is not None
    assert moved.tempo.next_beat_s == original.tempo.next_beat_s + 64.0
    assert moved.poses[0].time_s == original.poses[0].time_s + 64.0


def test_players_move_and_are_muted_again_at_the_frames_at_which_they_were(tmp_path: Path) -> None:
    seat = HEADER.placements[0]
    moved, muted = replace(seat, position_m=(-2.0, 1.5, 0.0), heading_deg=-50.0), replace(seat, muted=True)
    with SessionRecorder(tmp_path / "s.mcap", HEADER) as recorder:
        for index in range(50):
            if index == 20:
                recorder.write_reseating(Reseating(0.2, 20, (moved,)))
            if index == 35:
                recorder.write_reseating(Reseating(0.35, 35, (muted,)))
            recorder.write_frame(frame(index, pose(index)))
    listener = Listener()
    player = SessionPlayer(read_session(tmp_path / "s.mcap"), 100.0, listener, listener)  # type: ignore[arg-type]
    drawn: list[Any] = []
    player.on_place = drawn.append
    for tick in range(60):
        player.step(100.0 + tick * 0.01)
    assert drawn == [(moved,), (muted,)]
    # to sound and page, each just before the frame at which it happened
    assert listener.seated == [(20, (moved,)), (20, (moved,)), (35, (muted,)), (35, (muted,))]


LEARNER = PlayerPlacement(9, len(HEADER.parts), "learner", "violin", (-1.4, 0.2, 0.0), 180.0, 0)
HEARD = (HeardNote(1, 0.1, None, 69.2, 80, 1.0), HeardNote(1, 0.1, 0.2, 69.2, 80, 1.0))


def test_what_a_learner_played_is_heard_again_from_their_seat(tmp_path: Path) -> None:
    with SessionRecorder(tmp_path / "s.mcap", replace(HEADER, learner=LEARNER)) as recorder:
        for index in range(50):
            recorder.write_frame(frame(index, pose(index)))
        for note in HEARD:
            recorder.write_heard(note)
    recorded = read_session(tmp_path / "s.mcap")
    again = HeardAgain.of(recorded)
    assert again is not None and again.seat == LEARNER
    listener = Listener()
    player = SessionPlayer(recorded, 100.0, listener, listener, learner=again)  # type: ignore[arg-type]
    for tick in range(60):
        player.step(100.0 + tick * 0.01)
    own = [note for note in listener.notes if note.source == PERFORMER]
    start_s = recorded.frames[0].time_s
    assert [(note.part, note.pitch, round(note.onset_s, 6)) for note in own] == [
        (LEARNER.part, 69, round(100.1 - start_s, 6))
    ]
    assert [r.note_id for r in listener.releases].count(own[0].note_id) == 1
    shown = [note for one in listener.frames for note in one.notes]
    assert not any(note.source == PERFORMER for note in shown)  # the page has no part for them


def test_a_learners_notes_are_not_heard_twice_nor_without_a_learner() -> None:
    frames = [frame(index, pose(index)) for index in range(50)]
    assert HeardAgain.of(session_of(frames)) is None
    old = replace(session_of(frames), heard=HEARD)
    seat = HeardAgain.of(old)
    assert seat is not None and seat.seat.instrument == "violin" and seat.seat.part == len(HEADER.parts)
    note = NoteEvent(77, 0, 0.1, 0.5, 69, 80, "sustain", 0.0, PERFORMER)
    played = [replace(frames[0], notes=(note,)), *frames[1:]]
    assert HeardAgain.of(replace(old, frames=tuple(played))) is None


def test_what_sounds_when_a_session_is_closed_ends_with_it() -> None:
    """Else a renderer holds it for half a minute."""
    frames = [frame(index, pose(index)) for index in range(50)]
    frames[40] = replace(frames[40], notes=(NoteEvent(900, 0, frames[40].time_s, 9.0, 69, 80, "sustain", 0.0),))
    stage = Stage(None, Path(), HEADER.placements, None, "", 1, None)  # type: ignore[arg-type]
    *_, last = audio_cues(frames, stage)
    assert NoteRelease(900, frames[-1].time_s) in last.releases
    listener = Listener()
    player = SessionPlayer(session_of(frames), 100.0, listener, None)
    player.step(player.end_s)
    assert sum(release.note_id == 900 for release in listener.releases) == 1


def test_a_head_that_turned_turns_again() -> None:
    head = Pose(0.0, "head", (0.0, 1.7, 0.0), (1.0, 0.0, 0.0, 0.0))
    frames = [
        replace(frame(index, pose(index)), poses=(replace(head, time_s=0.3 * (index // 30)),)) for index in range(50)
    ]
    listener = Listener()
    player = SessionPlayer(session_of(frames), 100.0, listener, None)
    player.step(player.end_s)
    assert len(listener.heads) == 2


def test_what_was_silenced_before_it_began_was_not_played() -> None:
    log = PerformanceLog()
    notes = tuple(NoteEvent(n, 0, 1.0 + n, 0.5, 60, 80, "sustain", float(n)) for n in range(3))
    releases = (NoteRelease(0, 1.5), NoteRelease(1, 1.95))
    log.add(replace(frame(200, pose(200)), time_s=2.0, notes=notes, releases=releases))
    assert [note.onset_s for note in log.played()] == [1.0], "the second was silenced, the third never came"


def test_an_export_hears_the_learner_beside_the_orchestra() -> None:
    frames = [frame(index, pose(index)) for index in range(50)]
    session = replace(session_of(frames), header=replace(HEADER, learner=LEARNER), heard=HEARD)
    stage = Stage(None, Path(), HEADER.placements, None, "", 1, None, learner=HeardAgain.of(session))  # type: ignore[arg-type]
    assert stage.beside == (LEARNER,)
    cues = list(audio_cues(frames, stage))
    own = [note for cue in cues for note in cue.notes if note.source == PERFORMER]
    assert [(note.part, note.onset_s, note.pitch) for note in own] == [(LEARNER.part, 0.1, 69)]
    assert sum(release.note_id == own[0].note_id for cue in cues for release in cue.releases) == 1


def test_an_export_goes_to_another_hall_with_its_audience_when_the_session_did() -> None:
    frames = [frame(index, pose(index)) for index in range(50)]
    golden, cathedral, meadow = (read_hall(name) for name in ("musikverein", "cathedral", "open-air"))
    house = House.of(golden, HEADER.placements, len(HEADER.parts))
    changes = tuple(
        Heard(frames[index].time_s, hall, None, True) for index, hall in ((20, cathedral), (30, meadow), (40, golden))
    )
    stage = Stage(None, Path(), HEADER.placements, golden, "", 1, None, house=house, seats=changes)  # type: ignore[arg-type]
    cues = list(audio_cues(frames, stage))
    entered = {cue.time_s: cue for cue in cues if cue.enter is not None}
    assert [cue.enter.room for cue in entered.values() if cue.enter] == [
        room_of(hall) for hall in (cathedral, meadow, golden)
    ]
    assert list(entered) == [change.time_s for change in changes]
    audiences = [tuple(p for p in cue.placements or () if p.section == "audience") for cue in entered.values()]
    assert audiences[0] != house.seats and {p.player for p in audiences[0]} == {p.player for p in house.seats}
    assert audiences[1] not in (audiences[0], house.seats), "they sit on the meadow"
    assert audiences[2] == house.seats, "they come back with the numbers that they had"


def test_an_exports_picture_is_of_the_hall_in_which_it_ended() -> None:
    golden = replace(read_hall(), key="own")
    stage = Stage(None, Path(), (), golden, "halls/own.toml", 1, None)  # type: ignore[arg-type]
    assert stage.hall_at_last == "halls/own.toml"
    cathedral = Heard(1.0, read_hall("cathedral"), None, True)
    seat = Heard(2.0, read_hall("studio"), None, False)
    assert replace(stage, seats=(cathedral, seat)).hall_at_last == "cathedral", "another seat is no other hall"
    assert replace(stage, seats=(cathedral, Heard(3.0, golden, None, True))).hall_at_last == "halls/own.toml"


class Traveller(Listener):
    """A listener who goes along to other halls."""

    def enter(self, room: Any, listener: Any, at_s: float) -> None: ...


def test_in_a_replay_who_claps_stops_as_they_go_to_another_hall() -> None:
    """Those who clapped there were forgotten, and clapped on in the next hall for as long as their notes were."""
    still = [replace(frame(index, pose(index)), notes=(), releases=()) for index in range(200)]
    ended = [replace(one, position=replace(one.position, state="ended")) for one in still]
    ended[10] = replace(ended[10], applause=Applause(0.1, 8.0, 1.0))
    session = replace(session_of(ended), controls=(ControlEvent(1.5, "enter", "cathedral"),))
    house = House.of(read_hall(), HEADER.placements, len(HEADER.parts))
    ears = Traveller()
    player = SessionPlayer(session, 0.0, ears, None, house)
    player.step(1.6)
    assert ears.notes and {note.note_id for note in ears.notes} == {release.note_id for release in ears.releases}
