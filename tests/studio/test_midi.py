"""MIDI as a conductor: messages in, taps out; ports by a backend of our own."""

import logging
import time

import mido
import pytest

from tutti.engine.conducting.tapping import TapSource
from tutti.engine.errors import InputError
from tutti.studio.inputs.midi import MidiSource, midi_ports
from tutti.studio.inputs.midi_taps import MidiTaps

pytestmark = pytest.mark.realtime


class Ports:
    """What mido's backends offer of inputs; devices come and go."""

    def __init__(self, *names):
        self.names = list(names)
        self.callbacks = {}

    def get_input_names(self):
        return list(self.names)

    def open_input(self, name, callback):
        if name not in self.names:
            raise OSError(f"unknown port {name!r}")
        self.callbacks[name] = callback
        return self

    def close(self):
        self.callbacks.clear()


class NoMidi:
    def get_input_names(self):
        raise OSError("MidiInAlsa::initialize: error creating ALSA sequencer client object.")


def taps_of(*messages, beat_quarters=lambda: 1.0):
    source = TapSource()
    taps = []
    real = source.tap
    source.tap = lambda time_s, strength=0.5: taps.append((time_s, strength)) if real(time_s, strength) else None
    reader = MidiTaps(source, beat_quarters)
    for time_s, message in messages:
        reader.take(message, time_s)
    return taps, source


def test_keys_and_pads_tap_with_their_velocity():
    taps, _ = taps_of(
        (1.0, mido.Message("note_on", note=60, velocity=127)),
        (1.01, mido.Message("note_on", note=64, velocity=90)),
        (1.1, mido.Message("note_off", note=60)),
        (1.2, mido.Message("note_on", note=64, velocity=0)),
        (1.7, mido.Message("note_on", note=36, velocity=64)),
    )
    assert taps == [(1.0, 1.0), (1.7, pytest.approx(0.504, abs=1e-3))], "a chord is one tap, letting go is none"


def test_a_pedal_taps_when_it_goes_down():
    values = (0, 40, 70, 127, 90, 30, 100)
    taps, _ = taps_of(*[(n, mido.Message("control_change", control=64, value=v)) for n, v in enumerate(values)])
    assert [time_s for time_s, _ in taps] == [2, 6]


def test_a_controller_gives_the_level():
    _, source = taps_of((0.0, mido.Message("control_change", control=11, value=127)))
    source.tap(1.0, 0.0)
    top = max(pose.position_m[1] for n in range(100) for pose in source.poll(1.0 + 0.01 * n))
    other = TapSource()
    other.tap(1.0, 1.0)
    assert top == max(pose.position_m[1] for n in range(100) for pose in other.poll(1.0 + 0.01 * n))


@pytest.mark.parametrize("quarters", [1.0, 1.5, 2.0])
def test_a_clock_beats_the_conductors_beats(quarters):
    pulse_s = 0.5 / 24
    clock = [(1.0 + n * pulse_s, mido.Message("clock")) for n in range(24 * 6 + 1)]
    taps, _ = taps_of((0.99, mido.Message("start")), *clock, beat_quarters=lambda: quarters)
    expected = [1.0 + 0.5 * quarters * n for n in range(int(6 / quarters) + 1)]
    assert [time_s for time_s, _ in taps] == pytest.approx(expected)


def test_a_clock_conducts_only_while_it_runs_and_then_alone():
    clock, note = mido.Message("clock"), mido.Message("note_on", note=60, velocity=64)
    before, _ = taps_of(*[(0.02 * n, clock) for n in range(100)])
    assert before == [], "clocks run on while the music stands"
    taps, _ = taps_of(
        (1.0, mido.Message("start")), (1.0, clock), (1.3, note), (1.35, mido.Message("stop")), (1.6, note)
    )
    assert [time_s for time_s, _ in taps] == [1.0, 1.6]
    taps, _ = taps_of((1.0, mido.Message("start")), (1.0, clock), (3.0, note))
    assert [time_s for time_s, _ in taps] == [1.0, 3.0], "a clock that died does not keep the keys from tapping"


def test_a_port_is_found_by_part_of_its_name():
    ports = Ports("Midi Through:0", "LPD8 mk2 MIDI 1")
    source = MidiSource(lambda: 1.0, "lpd8", backend=ports)
    try:
        assert source.name == "LPD8 mk2 MIDI 1"
        ports.callbacks[source.name](mido.Message("note_on", note=36, velocity=100))
        assert source.poll(1.01)
    finally:
        source.close()
    assert ports.callbacks == {}


def test_no_port_is_one_line():
    with pytest.raises(InputError, match="no port 'piano'; there is Midi Through:0"):
        MidiSource(lambda: 0.0, "piano", backend=Ports("Midi Through:0"))
    with pytest.raises(InputError, match="plug one in"):
        MidiSource(lambda: 0.0, backend=Ports())
    with pytest.raises(InputError, match="this machine has none"):
        midi_ports(NoMidi())


@pytest.mark.timeout(60)
def test_a_device_may_be_unplugged_and_come_back(caplog):
    ports = Ports("LPD8")
    source = MidiSource(lambda: 1.0, backend=ports, watch_s=0.02)

    def wait_for(plugged):
        end_s = time.monotonic() + 20
        while source.plugged != plugged and time.monotonic() < end_s:
            time.sleep(0.01)
        assert source.plugged == plugged

    try:
        ports.callbacks["LPD8"](mido.Message("note_on", note=36, velocity=100))
        assert source.poll(1.01)
        with caplog.at_level(logging.WARNING):
            ports.names.clear()
            wait_for(False)
            assert source.poll(1.05) == [], "the orchestra coasts instead of holding"
            ports.names.append("LPD8")
            wait_for(True)
        assert [record.getMessage().split(";")[0] for record in caplog.records] == [
            "MIDI: LPD8 is gone",
            "MIDI: LPD8 is back",
        ]
    finally:
        source.close()
