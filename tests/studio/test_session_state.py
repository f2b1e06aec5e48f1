"""What a tick, a catch-up and a snapshot are made of."""

from typing import Any

import pytest
from relay_support import make_frame, make_session

from tutti.studio.relay import protocol as p
from tutti.studio.relay import protocol_values as pv
from tutti.studio.relay import session_state
from tutti.studio.relay.session_info import SessionInfo, clip_text
from tutti.studio.relay.session_state import SessionState


def make_state(info: SessionInfo | None = None) -> SessionState:
    audio = pv.AudioInfo(rate_hz=0, packet_samples=0)
    return SessionState(info or make_session(), relay_id=1, tick_hz=30.0, ack_window=12, audio=audio)


def tick(state: SessionState) -> p.Tick:
    message: Any = p.decode_server(state.make_tick())
    return message


def snapshot(state: SessionState) -> p.Snapshot:
    message: Any = p.decode_server(state.snapshot(1, p.Presence(baton_holder=0, requests=(), viewers=())))
    return message


def test_frames_between_two_ticks_show_the_newest_place_and_all_events() -> None:
    state = make_state()
    state.absorb(make_frame(0, notes=(1, 2)))
    state.absorb(make_frame(1, notes=(3,), releases=(1,)))
    message = tick(state)
    assert message.position and message.position.quarter == pytest.approx(0.1)
    assert [(type(event).__name__, event.note_id) for event in message.events if hasattr(event, "note_id")] == [
        ("NoteOn", 1),
        ("NoteOn", 2),
        ("NoteOff", 1),
        ("NoteOn", 3),
    ]
    assert tick(state).first_event == message.first_event + len(message.events)


def test_a_snapshot_joins_the_ticks_without_gap_or_doubling() -> None:
    state = make_state()
    state.absorb(make_frame(0, notes=(1, 2)))
    tick(state)
    state.absorb(make_frame(1, notes=(3,), releases=(1,)))
    joined = snapshot(state)
    assert {note.note_id for note in joined.sounding} == {2}
    following = tick(state)
    assert following.first_event == joined.next_event
    assert {event.note_id for event in following.events if isinstance(event, pv.NoteOn)} == {3}


def test_a_snapshot_tells_the_session() -> None:
    shown = snapshot(make_state())
    assert shown.title == "Test piece" and shown.hall == "shoebox"
    assert [(part.instrument, part.family) for part in shown.parts] == [("violin", "strings"), ("horn", "brass")]
    assert [(player.model, player.stance, player.muted) for player in shown.players][-1] == ("horn", "seated", True)
    assert len(shown.measures) == 4 and shown.measures[1].start_quarter == 4.0
    assert [beat.beat for beat in shown.beats[:5]] == [1, 2, 3, 4, 1]
    assert shown.end_quarter == 16.0


def test_catch_up_is_exactly_what_was_missed() -> None:
    state = make_state()
    firsts = []
    for index in range(20):
        state.absorb(make_frame(index, notes=(2 * index, 2 * index + 1)))
        firsts.append(tick(state).first_event)
    missed: Any = p.decode_server(state.catch_up(firsts[5], firsts[19]))
    assert isinstance(missed, p.Events)
    assert missed.first_event == firsts[5]
    assert [event.note_id for event in missed.events if isinstance(event, pv.NoteOn)] == list(range(10, 38))


def test_too_much_missed_becomes_what_sounds_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_state, "KEPT_EVENTS", 30)
    state = make_state()
    for index in range(40):
        state.absorb(make_frame(index, notes=(index,), releases=(index - 3,)))
        last = tick(state)
    answer: Any = p.decode_server(state.catch_up(0, last.first_event))
    assert isinstance(answer, p.Sounding)
    assert {note.note_id for note in answer.notes} == {37, 38, 39}
    assert answer.next_event == last.first_event


def test_silence_ends_everything() -> None:
    state = make_state()
    state.absorb(make_frame(0, notes=(1, 2)))
    state.silence(0.5)
    assert isinstance(tick(state).events[-1], pv.Silence)
    assert snapshot(state).sounding == ()


def test_a_note_without_release_is_forgotten_in_the_end() -> None:
    state = make_state()
    state.absorb(make_frame(0, notes=(1,)))
    for index in range(200):
        state.absorb(make_frame(index, time_s=session_state.MAX_SOUNDING_S + 10.0))
        tick(state)
    assert snapshot(state).sounding == ()


def test_numbers_that_are_not_finite_do_not_stop_the_ticks() -> None:
    from dataclasses import replace

    state = make_state()
    frame = make_frame(0, notes=(1,))
    nan = float("nan")
    assert frame.tempo
    frame = replace(
        frame,
        position=replace(frame.position, bpm=float("inf"), quarter_rate=nan),
        tempo=replace(frame.tempo, next_beat_s=nan),
        notes=(replace(frame.notes[0], duration_s=float("inf")),),
    )
    state.absorb(frame)
    message = tick(state)
    assert message.tempo is None
    assert message.position and message.position.bpm == 0.0


def test_long_texts_are_clipped_between_characters() -> None:
    assert clip_text("ü" * 300) == "ü" * 127
    assert snapshot(make_state(make_session("題" * 1000))).title == "題" * 333


def test_a_note_that_ends_in_the_frame_it_starts_in_does_not_stay() -> None:
    state = make_state()
    state.absorb(make_frame(0, notes=(1,)))
    state.absorb(make_frame(1, notes=(2, 3), releases=(1, 2)))
    kinds = [(type(event).__name__, event.note_id) for event in tick(state).events if hasattr(event, "note_id")]
    assert kinds[1:] == [("NoteOff", 1), ("NoteOn", 2), ("NoteOn", 3), ("NoteOff", 2)]
    assert [note.note_id for note in snapshot(state).sounding] == [3]
