"""The page's keyboard: keys pressed in a real browser become notes of a learner in the studio."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from needs import needs_chromium
from playwright.sync_api import Browser, expect
from relay_support import make_session
from test_page import PATIENCE_MS, eventually, open_page, until
from test_page_inputs import NO_PICTURE_OF_THE_HALL

from tutti.engine.clock import SessionClock
from tutti.engine.types import HeardNote, NoteEvent, NoteRelease
from tutti.studio import web_build
from tutti.studio.instrument_input import Learner, LearnerChoice
from tutti.studio.keyboard import KeyboardPlayer
from tutti.studio.page_keyboard import PageKeyboard
from tutti.studio.relay.relay import RelayProcess
from tutti.studio.relay.relay_types import RelaySettings

pytestmark = [needs_chromium, pytest.mark.realtime]


class Room:
    """A relay with a keyboard for the page, and what sounded."""

    def __init__(self) -> None:
        web_build.build_page()
        self.clock = SessionClock()
        learner = Learner.prepare(LearnerChoice("violin", keyboard="page"), (), 2, 48_000)
        info = replace(make_session(), keyboard=learner.page_keyboard)
        self.relay = RelayProcess(info, self.clock, RelaySettings(port=0))
        self.played: list[NoteEvent] = []
        self.released: list[NoteRelease] = []
        self.source = PageKeyboard(KeyboardPlayer(self._submit, 2, 55, 103), self.relay)
        self.heard: list[HeardNote] = []

    def _submit(self, notes: tuple[NoteEvent, ...], releases: tuple[NoteRelease, ...]) -> None:
        self.played += notes
        self.released += releases

    def listen(self) -> list[HeardNote]:
        self.heard += self.source.poll(self.clock.now_s())
        return self.heard


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    yield made
    made.source.close()
    made.relay.close()


def test_keys_of_page_and_computer_are_heard(browser: Browser, room: Room) -> None:
    context = browser.new_context(viewport={"width": 960, "height": 600})
    context.add_init_script(NO_PICTURE_OF_THE_HALL)
    context.set_default_timeout(PATIENCE_MS)
    page, faults = open_page(context, room.relay.address)
    expect(page.locator(".piano h2")).to_have_text("Violin")
    until(page, "d.connection === 'live'")
    pressed_s = room.clock.now_s()
    page.keyboard.down("a")
    time.sleep(0.3)
    page.keyboard.up("a")
    assert eventually(lambda: len(room.listen()) == 2)
    began, ended = room.heard
    assert (began.pitch, began.duration_s) == (60.0, None)
    assert -0.05 < began.onset_s - pressed_s < 1.5, "dated when it was pressed"
    assert ended.note_id == began.note_id and (ended.duration_s or 0.0) > 0.2
    assert [note.pitch for note in room.played] == [60] and len(room.released) == 1
    page.keyboard.press("x")
    page.get_by_role("button", name="C sharp 5").click()
    assert eventually(lambda: len(room.listen()) == 4)
    assert [note.pitch for note in room.played] == [60, 73]
    page.keyboard.down("d")
    assert eventually(lambda: len(room.listen()) == 5)
    room.relay.say("This was heard before.")
    expect(page.locator(".toast")).to_have_text("This was heard before.")
    context.close()
    assert eventually(lambda: len(room.listen()) == 6), "who leaves lets go of their keys"
    assert faults == []


def test_a_key_that_is_no_midi_number_ends_the_connection_not_the_studio(room: Room) -> None:
    from websockets.sync.client import connect

    from tutti.studio.relay import protocol as wire
    from tutti.studio.relay.protocol_hands import KeySample

    address = room.relay.address.replace("http", "ws", 1).rstrip("/") + wire.WEBSOCKET_PATH
    with connect(address, subprotocols=[wire.SUBPROTOCOL]) as socket:  # type: ignore[list-item]
        socket.send(wire.encode_client(wire.Hello(name="Rogue", codec="none", host_key="")))
        assert isinstance(wire.decode_server(bytes(socket.recv(timeout=10))), wire.Snapshot)
        sample = KeySample(client_s=0.0, pitch=200, velocity=90)
        socket.send(wire.encode_client(wire.Keys(clock_offset_s=0.0, samples=(sample,))))
        with pytest.raises(Exception, match="4000"):
            while True:
                socket.recv(timeout=10)
    assert room.relay.alive
    assert room.listen() == []
