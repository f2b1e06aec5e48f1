"""OSC: packets as senders make them, as enemies make them, and a real socket."""

import logging
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient

from tutti.engine.errors import InputError
from tutti.studio.inputs import calibrating
from tutti.studio.inputs.calibrating import learn_osc_space
from tutti.studio.inputs.calibration import SpaceMap
from tutti.studio.inputs.osc import OscGesture, OscSource, SenderClock
from tutti.studio.inputs.osc_messages import OscPlace, OscTap, read_packet

pytestmark = pytest.mark.realtime

METRES = SpaceMap()


def message(address, *values):
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build()


def bundle(sent_s, *messages):
    builder = OscBundleBuilder(sent_s)
    for each in messages:
        builder.add_content(each)
    return builder.build()


def test_places_orientations_and_taps():
    assert read_packet(message("/baton", 0.5, 1.25, -0.5).dgram) == [
        OscPlace("baton", (0.5, 1.25, -0.5), None, False, None)
    ]
    assert read_packet(message("/left", 1, 2).dgram) == [OscPlace("left", (1.0, 2.0, 0.0), None, True, None)]
    (head,) = read_packet(message("/head", 0.0, 1.75, 0.0, 2.0, 0.0, 0.0, 0.0).dgram)
    assert head.orientation_wxyz == (1.0, 0.0, 0.0, 0.0)
    assert read_packet(message("/tap").dgram) == [OscTap(0.5, None)]
    assert read_packet(message("/tap", 1.0).dgram) == [OscTap(1.0, None)]
    assert read_packet(message("/tap", 0.0).dgram) == [], "a button that is let go"
    assert read_packet(message("/1/fader3", "anything").dgram) == []


def test_bundles_carry_the_senders_time():
    inner = bundle(IMMEDIATELY, message("/tap"))
    first, second = read_packet(bundle(1_700_000_000.25, message("/baton", 0.0, 1.0, 0.0), inner).dgram)
    assert first.sent_s == pytest.approx(1_700_000_000.25, abs=1e-4)
    assert second.sent_s is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "neither"),
        (b"\xff\xfe", "neither"),
        (b"/baton\0\0,fff\0\0\0\0\0\0", "cut short"),
        (message("/baton", "up").dgram, "numbers alone"),
        (message("/baton", 1.0).dgram, "1 numbers"),
        (message("/baton", 1.0, float("nan"), 0.0).dgram, "not finite"),
        (b"#bundle\0", "time tag"),
        (b"#bundle\0" + bytes(8) + struct.pack(">i", -4) * 3, "element of -4 bytes"),
        (b"#bundle\0" + bytes(8) + struct.pack(">i", 2**31 - 4), "element of"),
        (b"#bundle\0" + bytes(8) + b"\0", "ends early"),
        (b"/" + bytes(9000), "packet of 9001"),
    ],
)
def test_hostile_packets_are_refused_in_one_line(data, says):
    with pytest.raises(InputError, match=says) as caught:
        read_packet(data)
    assert "\n" not in str(caught.value)


def test_bundles_within_bundles_end():
    data = message("/tap").dgram
    for _ in range(300):
        data = b"#bundle\0" + bytes(8) + struct.pack(">i", len(data)) + data
    with pytest.raises(InputError, match="deep"):
        read_packet(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.sampled_from([b"", b"/baton\0\0,fff", b"#bundle\0", b"/tap\0\0\0\0,"]))
def test_no_bytes_crash_it(noise, start):
    try:
        found = read_packet(start + noise)
    except InputError:
        return
    assert all(isinstance(entry, OscPlace | OscTap) for entry in found)


def test_the_senders_clock_is_mapped_by_the_quickest_packet():
    clock = SenderClock()
    stamps = [clock.session_s(1e9 + 0.1 * n, 5.0 + 0.1 * n + late) for n, late in enumerate((0.03, 0.0, 0.02, 0.05))]
    assert stamps == pytest.approx([5.03, 5.1, 5.2, 5.3], abs=1e-3)
    assert clock.session_s(None, 5.5) == 5.5
    assert clock.session_s(2e9, 5.6) == pytest.approx(5.6), "a clock that was set starts anew"
    assert clock.session_s(2e9 - 1e6, 5.5) == pytest.approx(5.6), "and nothing goes back"


def test_a_resting_hand_whose_sender_is_silent_rests():
    gesture = OscGesture(METRES)
    for n in range(20):
        gesture.take(message("/baton", 0.0, 1.0 + 0.001 * n, 0.0).dgram, 0.02 * n)
    gesture.poll(0.4)
    rest = [pose for n in range(200) for pose in gesture.poll(0.5 + 0.01 * n)]
    assert len(rest) > 10 and {round(pose.position_m[1], 3) for pose in rest} == {1.019}
    assert gesture.poll(70.0) == [] == gesture.poll(71.0), "but not for ever"


def test_a_sender_lost_in_the_middle_of_a_movement_is_lost():
    gesture = OscGesture(METRES)
    for n in range(20):
        gesture.take(message("/baton", 0.0, 1.0 + 0.02 * n, 0.0).dgram, 0.02 * n)
    gesture.poll(0.4)
    assert gesture.poll(1.0) == []


def test_the_range_is_learned_before_anything_conducts():
    gesture = OscGesture()
    for n in range(320):
        gesture.take(message("/baton", 50.0 + n % 7, 300.0 + 60.0 * ((n // 20) % 2), 0.0).dgram, n / 60)
        poses = gesture.poll(n / 60)
        assert (gesture.space is not None) or poses == []
    assert gesture.space is not None
    assert gesture.space.scale == pytest.approx(0.01, rel=0.02)


@pytest.mark.timeout(60)
def test_a_real_socket(caplog):
    begun = time.monotonic()
    gesture = OscGesture(METRES)
    source = OscSource(time.monotonic, 0, gesture=gesture)
    try:
        client = SimpleUDPClient("127.0.0.1", source.port)
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                client._sock.sendto(b"GET / HTTP/1.1", ("127.0.0.1", source.port))
            client.send_message("/baton", [0.1, 1.2, -0.4])
            client.send_message("/tap", [])
            poses = []
            while (not poses or not gesture.tapping.taps) and time.monotonic() < begun + 20:
                poses += source.poll(time.monotonic())
                time.sleep(0.01)
        assert poses[0].position_m == pytest.approx((0.1, 1.2, -0.4))
        assert begun <= poses[0].time_s <= time.monotonic()
        assert source.malformed == 3
        assert len([record for record in caplog.records if "left out" in record.getMessage()]) == 1
        with pytest.raises(InputError, match=f"127.0.0.1:{source.port}"):
            OscSource(time.monotonic, source.port, gesture=OscGesture(METRES))
    finally:
        source.close()


def test_a_port_that_cannot_be_is_refused():
    with pytest.raises(InputError, match="cannot listen"):
        OscSource(time.monotonic, 99_999, gesture=OscGesture(METRES))


def test_nothing_to_calibrate_with_is_told_and_ends(monkeypatch):
    monkeypatch.setattr(calibrating, "SAY_EVERY_S", 0.2)
    said = []
    with pytest.raises(
        InputError, match=r"nothing came to 127.0.0.1:\d+ in 1 s: send /baton x y z there; from another"
    ):
        learn_osc_space(0, seconds=0.1, patience_s=0.9, say=said.append)
    assert said[0].startswith("Waiting for /baton x y z by OSC at 127.0.0.1:") and "0.9 s at most" in said[0]
    assert said[1:] == ["Still waiting: no packets came, and no /baton that moves."] * 4


def test_a_sender_of_other_addresses_is_told_apart_from_none():
    said = []

    def send(line):
        said.append(line)
        port = int(line.split("127.0.0.1:")[1].split(",")[0])
        SimpleUDPClient("127.0.0.1", port).send_message("/1/xy1", [0.5, 0.5])

    with pytest.raises(InputError, match=r"1 packets came to .* but too little of /baton"):
        learn_osc_space(0, seconds=0.1, patience_s=0.5, say=send)
    assert len(said) == 1
