"""Sound that goes in comes out, where its stamps say."""

import itertools
import re
from collections.abc import Iterator

import av
import numpy as np
import pytest
from relay_support import RATE_HZ, sine

from tutti.studio.relay.audio_stream import AudioPackets
from tutti.studio.relay.protocol import Audio
from tutti.studio.relay.protocol_values import Codec


class ScriptedTap:
    """Gives what was written to it, and keeps only the last second."""

    def __init__(self, rate_hz: int = RATE_HZ) -> None:
        self.rate_hz = rate_hz
        self.start = 0
        self.samples = np.zeros((0, 2), dtype=np.float32)

    def write(self, samples: np.ndarray) -> None:
        kept = np.concatenate([self.samples, samples])
        lost = max(0, len(kept) - self.rate_hz)
        self.start += lost
        self.samples = kept[lost:]

    def read_since(self, index: int) -> tuple[int, np.ndarray]:
        first = min(max(index, self.start), self.start + len(self.samples))
        return first, self.samples[first - self.start :]

    def time_of(self, index: int) -> float:
        return 5.0 + index / self.rate_hz

    def close(self) -> None:
        self.closed = True


def stream(tap: ScriptedTap, packets: AudioPackets, samples: np.ndarray, codecs: set[Codec]) -> Iterator[Audio]:
    """Write in blocks of 256, as the orchestra does."""
    for start in range(0, len(samples), 256):
        tap.write(samples[start : start + 256])
        yield from packets.poll(codecs)


def decode_opus(packets: list[Audio]) -> np.ndarray:
    decoder = av.AudioCodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = RATE_HZ, "stereo"
    resampler = av.AudioResampler(format="flt", layout="stereo", rate=RATE_HZ)
    blocks = []
    for packet in packets:
        for frame in decoder.decode(av.Packet(packet.data)):
            blocks += [flat.to_ndarray().reshape(-1, 2) for flat in resampler.resample(frame)]
    return np.concatenate(blocks)


def test_opus_decodes_back_to_the_sine_at_its_stamps() -> None:
    tap = ScriptedTap()
    tap.write(np.zeros((1000, 2), dtype=np.float32))
    packets = AudioPackets(tap)
    packets.poll(set())
    sent = sine(1000, 1000 + 2 * RATE_HZ)
    got = list(stream(tap, packets, sent, {"opus"}))
    firsts = [packet.first_sample for packet in got]
    assert {b - a for a, b in itertools.pairwise(firsts)} == {960}
    assert all(packet.time_s == pytest.approx(5.0 + packet.first_sample / RATE_HZ) for packet in got)
    heard = decode_opus(got)
    # Opus is exact to the sample in time and close in shape: compare where both have settled.
    start, count = 24_000, 48_000
    expected = sine(firsts[0] + start, firsts[0] + start + count)
    error = heard[start : start + count] - expected
    assert 20 * np.log10(np.std(error) / np.std(expected)) < -20
    kilobits = 8 * sum(len(packet.data) for packet in got) / 2 / 1000
    assert 60 < kilobits < 200


def test_pcm_is_the_sound_itself() -> None:
    tap = ScriptedTap()
    packets = AudioPackets(tap)
    packets.poll(set())
    sent = sine(0, 9600)
    sent[100] = [7.0, -7.0]
    sent[200] = [np.nan, np.inf]
    got = list(stream(tap, packets, sent, {"pcm16"}))
    assert [packet.first_sample for packet in got] == list(range(0, 9600, 960))
    heard = np.concatenate([np.frombuffer(packet.data, "<i2").reshape(-1, 2) for packet in got]) / 32767
    assert np.abs(heard[300:] - sent[300:]).max() < 1e-4
    assert heard[100].tolist() == [1.0, -1.0]
    assert heard[200].tolist() == [0.0, 1.0]


def test_both_codecs_at_once_and_none() -> None:
    tap = ScriptedTap()
    packets = AudioPackets(tap)
    packets.poll(set())
    assert {packet.codec for packet in stream(tap, packets, sine(0, 4800), {"opus", "pcm16", "none"})} == {
        "opus",
        "pcm16",
    }
    assert list(stream(tap, packets, sine(4800, 9600), {"none"})) == []


def test_a_rate_that_opus_lacks_is_sent_as_pcm() -> None:
    tap = ScriptedTap(44_100)
    packets = AudioPackets(tap)
    packets.poll(set())
    got = list(stream(tap, packets, sine(0, 4410), {"opus"}))
    assert {packet.codec for packet in got} == {"pcm16"}
    assert got[0].samples == 882


def test_old_sound_is_skipped_and_the_gap_shows_in_the_stamps(caplog: pytest.LogCaptureFixture) -> None:
    tap = ScriptedTap()
    packets = AudioPackets(tap)
    tap.write(np.ones((RATE_HZ // 2, 2), dtype=np.float32))
    assert packets.poll({"pcm16"}) == [], "what sounded before the relay came is not played"
    before = list(stream(tap, packets, sine(0, 9600), {"pcm16"}))
    tap.write(sine(9600, 9600 + 5 * RATE_HZ))
    after = packets.poll({"pcm16"})
    newest = tap.start + len(tap.samples)
    assert after[-1].first_sample + 960 > newest - 960
    assert after[0].first_sample >= newest - RATE_HZ // 2
    assert after[0].first_sample > before[-1].first_sample + 960
    assert packets.gaps >= 1
    told_ms = [float(line) for line in re.findall(r"a gap of (\S+) ms", caplog.text)]
    missing = after[0].first_sample - before[-1].first_sample - before[-1].samples
    assert min(told_ms) > 0 and sum(told_ms) == pytest.approx(1000 * missing / RATE_HZ, abs=len(told_ms))
    heard = np.frombuffer(after[0].data, "<i2").reshape(-1, 2) / 32767
    first = after[0].first_sample - RATE_HZ // 2
    assert np.abs(heard - sine(first, first + 960)).max() < 1e-4


def test_sound_that_starts_again_from_nought_goes_on() -> None:
    tap = ScriptedTap()
    packets = AudioPackets(tap)
    packets.poll(set())
    list(stream(tap, packets, sine(0, 48_000), {"pcm16"}))
    tap.start, tap.samples = 0, np.zeros((0, 2), dtype=np.float32)
    got = list(stream(tap, packets, sine(0, 48_000), {"pcm16"}))
    assert got and got[-1].first_sample < 48_000
