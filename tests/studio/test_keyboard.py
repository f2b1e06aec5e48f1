"""A MIDI keyboard as a performer: keys, pedal, what is sounded and what is told."""

import logging
import time

import mido
import pytest

from tutti.engine.errors import InputError
from tutti.studio.keyboard import EXPECTED_S, KeyboardPlayer, KeyboardSource

pytestmark = pytest.mark.realtime


class Sound:
    """What a keyboard submitted."""

    def __init__(self):
        self.notes, self.releases = [], []

    def submit(self, notes, releases):
        self.notes += notes
        self.releases += releases


class Ports:
    def __init__(self, *names):
        self.names, self.callbacks = list(names), {}

    def get_input_names(self):
        return list(self.names)

    def open_input(self, name, callback):
        self.callbacks[name] = callback
        return self

    def close(self):
        self.callbacks.clear()


def on(note, velocity=90):
    return mido.Message("note_on", note=note, velocity=velocity)


def off(note):
    return mido.Message("note_off", note=note)


def pedal(value):
    return mido.Message("control_change", control=64, value=value)


def test_a_key_sounds_at_once_and_is_told_when_it_begins_and_ends():
    sound = Sound()
    player = KeyboardPlayer(sound.submit, part=5)
    player.take(on(60, 101), 2.0)
    player.take(off(60), 2.75)
    [note], [release] = sound.notes, sound.releases
    assert (note.part, note.pitch, note.velocity, note.source) == (5, 60, 101, "performer")
    assert note.onset_s < 2.0 - 0.02, "no spread of onsets can delay it"
    assert note.onset_s + note.duration_s > 2.0, "and it is not taken for over"
    assert (release.note_id, release.time_s) == (note.note_id, 2.75)
    begun, ended = player.take_notes()
    assert (begun.onset_s, begun.duration_s, begun.pitch, begun.velocity) == (2.0, None, 60.0, 101)
    assert (ended.note_id, ended.duration_s) == (begun.note_id, 0.75)
    assert player.take_notes() == []


def test_the_pedal_holds_and_lets_go():
    sound = Sound()
    player = KeyboardPlayer(sound.submit, 0)
    player.take(pedal(127), 0.0)
    for key in (60, 64):
        player.take(on(key), 0.1)
        player.take(off(key), 0.2)
    player.take(on(67), 0.3)
    assert sound.releases == []
    player.take(pedal(0), 1.0)
    ended = {note.note_id for note in sound.notes[:2]}
    assert {release.note_id for release in sound.releases} == ended, "the key that is still down sounds on"
    assert all(release.time_s == 1.0 for release in sound.releases)


def test_a_key_struck_again_under_the_pedal_ends_its_earlier_note():
    sound = Sound()
    player = KeyboardPlayer(sound.submit, 0)
    for message, time_s in ((pedal(127), 0.0), (on(60), 0.1), (off(60), 0.2), (on(60), 0.5), (pedal(0), 0.6)):
        player.take(message, time_s)
    first, second = sound.notes
    assert [(r.note_id, r.time_s) for r in sound.releases] == [(first.note_id, 0.5)], "the second key is still down"
    player.take(mido.Message("note_on", note=60, velocity=0), 0.9)
    assert sound.releases[-1].note_id == second.note_id


def test_keys_beyond_the_instrument_are_played_in_another_octave():
    sound = Sound()
    player = KeyboardPlayer(sound.submit, 0, low=55, high=103)
    for key in (21, 60, 108):
        player.take(on(key), 0.0)
    assert [note.pitch for note in sound.notes] == [57, 60, 96]
    player.take(mido.Message("control_change", control=123, value=0), 1.0)
    assert len(sound.releases) == 3


@pytest.mark.timeout(60)
def test_a_keyboard_that_is_unplugged_lets_its_notes_go(caplog):
    ports, sound = Ports("Piano 1"), Sound()
    source = KeyboardSource(KeyboardPlayer(sound.submit, 0), lambda: 3.0, "piano", ports, watch_s=0.02)
    try:
        ports.callbacks["Piano 1"](on(60))
        assert [note.duration_s for note in source.poll(3.0)] == [None]
        with caplog.at_level(logging.WARNING):
            ports.names.clear()
            end_s = time.monotonic() + 20
            while not sound.releases and time.monotonic() < end_s:
                time.sleep(0.01)
        assert len(sound.releases) == 1 and "Piano 1 is gone" in caplog.text
    finally:
        source.close()


def test_no_keyboard_is_one_line():
    with pytest.raises(InputError, match="no port 'piano'; there is Drum pad"):
        KeyboardSource(KeyboardPlayer(Sound().submit, 0), lambda: 0.0, "piano", Ports("Drum pad"))


def test_an_expected_length_outlasts_the_way_to_the_sound():
    assert EXPECTED_S > 0.2
