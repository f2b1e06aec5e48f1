"""The audience in a session: it claps into the sound once the music is over, and again in a replay."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from test_session_file import HEADER, frame, pose

from tutti.engine.hall import read_hall
from tutti.engine.types import Frame, NoteEvent, NoteRelease, PlayerPlacement
from tutti.studio.house import House
from tutti.studio.session_file import SessionRecorder, read_session
from tutti.studio.session_player import SessionPlayer

ENDED_AT = 600


@dataclass
class Ears:
    """Keeps the notes that it is told."""

    notes: list[NoteEvent] = field(default_factory=list)
    releases: list[NoteRelease] = field(default_factory=list)

    def submit(self, notes: tuple[NoteEvent, ...], releases: tuple[NoteRelease, ...]) -> None:
        self.notes += notes
        self.releases += releases

    def place(self, placements: tuple[PlayerPlacement, ...]) -> None: ...


def house() -> House:
    return House.of(read_hall(), HEADER.placements, len(HEADER.parts))


def performed(index: int) -> Frame:
    """Six seconds of music, then the end."""
    one = frame(index, pose(index))
    if index < ENDED_AT:
        return one
    return replace(one, notes=(), releases=(), position=replace(one.position, state="ended"))


def test_groups_of_listeners_are_beside_the_orchestra_and_behind_the_conductor() -> None:
    seats = house().seats
    assert len(seats) == 8
    assert {seat.player for seat in seats}.isdisjoint(p.player for p in HEADER.placements)
    assert min(seat.part for seat in seats) >= len(HEADER.parts)
    assert len({seat.part for seat in seats}) == len(seats)
    assert all(seat.position_m[1] < read_hall().stage_front_y_m for seat in seats)
    assert len(House.of(read_hall("open-air"), HEADER.placements, 1).seats) == 8, "on the meadow too"
    assert House.of(replace(read_hall(), rows=None), HEADER.placements, 1).seats == ()


def test_it_claps_into_the_sound_and_again_in_the_replay(tmp_path: Path) -> None:
    live, played = house(), Ears()
    with SessionRecorder(tmp_path / "s.mcap", HEADER) as recorder:
        for index in range(2600):
            one = live.step(performed(index), index >= ENDED_AT, played)  # type: ignore[arg-type]
            recorder.write_frame(one)
    assert len(played.notes) == 24 and not live.clapping
    assert sorted(n.note_id for n in played.notes) == sorted(r.note_id for r in played.releases)
    assert min(note.onset_s for note in played.notes) > ENDED_AT / 100 + 1.0
    replayed = Ears()
    session = read_session(tmp_path / "s.mcap")
    assert sum(one.applause is not None for one in session.frames) == 1
    player = SessionPlayer(session, 100.0, replayed, None, house())  # type: ignore[arg-type]
    for tick in range(2700):
        player.step(100.0 + tick / 100)
    claps = [note for note in replayed.notes if note.part >= len(HEADER.parts)]
    assert [round(note.onset_s - 100.0, 6) for note in claps] == [round(note.onset_s, 6) for note in played.notes]


def test_who_begins_again_is_not_clapped_over() -> None:
    live, played = house(), Ears()
    for index in range(1000):
        live.step(performed(index), index >= ENDED_AT, played)  # type: ignore[arg-type]
    assert live.clapping
    again = replace(performed(1000), position=replace(performed(1000).position, state="preparing"))
    live.step(again, False, played)  # type: ignore[arg-type]
    assert not live.clapping
    assert {n.note_id for n in played.notes} == {r.note_id for r in played.releases}
