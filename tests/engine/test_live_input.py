"""A learner at a microphone: into the hall from a seat, safe from howling, written for whoever listens for notes."""

import logging
import subprocess
import threading
import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import scipy.signal
from audio_support import SETTINGS, player, render, small_room, tone_sounds
from needs import needs_jack
from performers import Tone, played

from tutti.engine.audio.audio_device import open_sink
from tutti.engine.audio.audio_ring import AudioRing
from tutti.engine.audio.feedback import FeedbackGuard
from tutti.engine.audio.live_input import LOST_S, DeviceInput, LearnerChannel, MicrophoneJob
from tutti.engine.audio.renderer import OrchestraRenderer
from tutti.engine.audio.sound_outputs import find_jack
from tutti.engine.clock import SessionClock
from tutti.engine.errors import AudioDeviceError

pytestmark = pytest.mark.realtime

RATE_HZ, BLOCK = 48000, 256


class Scripted:
    """A microphone that plays a sound."""

    name = "scripted"
    latency_s = 0.01

    def __init__(self, sound):
        self.blocks = [sound[at : at + BLOCK] for at in range(0, len(sound) - BLOCK + 1, BLOCK)]
        self.closed = False

    def take(self):
        return self.blocks.pop(0) if self.blocks else None

    def close(self):
        self.closing_thread = threading.current_thread()
        self.closed = True


class SetClock(SessionClock):
    def __init__(self):
        super().__init__(0.0)
        self.time_s = 0.0

    def now_s(self):
        return self.time_s


@pytest.fixture
def ring():
    ring = AudioRing.create(RATE_HZ)
    yield ring
    ring.close()


def channel(ring, sound, clock=None, headphones=True):
    source = Scripted(sound)
    job = MicrophoneJob(7, "", ring.name, headphones=headphones)
    return LearnerChannel(job, source, ring, RATE_HZ, BLOCK, clock or SetClock()), source


def test_who_feeds_a_player_is_heard_from_their_seat():
    sound = played([Tone(0.05, 0.6, 69.0)], 0.8)
    levels = []
    for x_m in (-3.0, 3.0):
        learner = player(1, x_m, 0.3, part=1)
        renderer = OrchestraRenderer([player(0, 0, 4.0), learner], tone_sounds(), small_room(), SETTINGS)
        blocks = []
        for at in range(0, len(sound) - BLOCK + 1, BLOCK):
            renderer.feed(1, sound[at : at + BLOCK])
            blocks.append(renderer.render())
        tail = render(renderer, 0.2)
        renderer.close()
        ears = np.concatenate(blocks)
        levels.append(10 * np.log10((ears**2).mean(axis=0)))
        assert (tail**2).mean() > 1e-9, "the hall answers"
    left, right = levels
    assert left[0] - left[1] > 4.0 and right[1] - right[0] > 4.0


def test_feeding_gives_the_same_at_any_block_size_and_a_stranger_is_ignored():
    sound = played([Tone(0.02, 0.3, 69.0)], 0.4)[: 512 * 32]
    results = []
    for block in (128, 512):
        renderer = OrchestraRenderer([player(0, 1.0, 2.0)], tone_sounds(), small_room(), replace(SETTINGS, block=block))
        out = []
        for at in range(0, len(sound), block):
            renderer.feed(0, sound[at : at + block])
            renderer.feed(99, sound[at : at + block])
            out.append(renderer.render())
        renderer.close()
        results.append(np.concatenate(out))
    assert np.abs(results[0] - results[1]).max() < 1e-4 * np.abs(results[0]).max()


def test_a_muted_learner_is_silent():
    learner = replace(player(0, 1.0, 2.0), muted=True)
    renderer = OrchestraRenderer([learner], tone_sounds(), small_room(), SETTINGS)
    for _ in range(8):
        renderer.feed(0, np.full(BLOCK, 0.1, np.float32))
        assert not renderer.render().any()
    renderer.close()


def test_on_loudspeakers_the_microphone_is_listened_to_but_not_played(ring):
    sound = played([Tone(0.0, 0.5, 69.0)], 0.5)
    for headphones in (False, True):
        learner, _ = channel(ring, sound, headphones=headphones)
        at = ring.written
        into_hall = []
        for _ in range(20):
            into_hall.append(learner.next_block())
            learner.played(np.full((BLOCK, 2), 0.25, np.float32))
        _, written = ring.read_since(at)
        assert np.array_equal(written[:, 0], sound[: 20 * BLOCK]), "who tracks notes hears it as it came"
        assert np.all(written[:, 1] == 0.25)
        assert np.any(into_hall) == headphones


def test_the_ring_tells_when_the_microphone_heard_it(ring):
    clock = SetClock()
    learner, source = channel(ring, np.zeros(BLOCK * 400, np.float32), clock)
    for n in range(300):
        clock.time_s = n * BLOCK / RATE_HZ + 0.001 * (n % 2)  # a loop that is not quite even
        learner.next_block()
        learner.played(np.zeros((BLOCK, 2), np.float32))
    assert ring.time_of(ring.written) == pytest.approx(300 * BLOCK / RATE_HZ - source.latency_s, abs=0.002)
    assert ring.status().latency_s == pytest.approx(source.latency_s)


def test_a_lost_microphone_is_counted_once_and_the_hall_goes_on(ring, caplog):
    clock = SetClock()
    learner, source = channel(ring, np.full(BLOCK * 2, 0.1, np.float32), clock)
    with caplog.at_level(logging.DEBUG):
        for _ in range(600):
            clock.time_s += LOST_S / 100
            block = learner.next_block()
            learner.played(np.zeros((BLOCK, 2), np.float32))
    assert not block.any()
    deadline_s = time.monotonic() + 5.0
    while not source.closed and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert source.closed, "in a thread of its own: the renderer does not wait"
    assert source.closing_thread is not threading.current_thread()
    assert not caplog.records, "between two blocks nothing is logged"
    assert (ring.status().lost, ring.status().device) == (1, "scripted")


def test_howling_is_counted_for_others_to_tell(ring, caplog):
    growing = np.exp(np.linspace(-7.0, 0.0, RATE_HZ)) * np.sin(2 * np.pi * 1250 * np.arange(RATE_HZ) / RATE_HZ)
    learner, source = channel(ring, growing.astype(np.float32))
    with caplog.at_level(logging.DEBUG):
        while source.blocks:
            learner.next_block()
            learner.played(np.zeros((BLOCK, 2), np.float32))
    assert ring.status().howls == 1 and not caplog.records


def test_a_block_through_the_guard_makes_no_arrays(ring):
    """A large block, so that an array of its size stands out of Python's own small objects (numpy tells of it)."""
    block, source = 4096, Scripted(np.zeros(0, np.float32))
    source.blocks = [0.1 * np.ones(block, np.float32)] * 100
    learner = LearnerChannel(MicrophoneJob(7, "", ring.name), source, ring, RATE_HZ, block, SetClock())
    hall = np.zeros((block, 2), np.float32)
    tracemalloc.start()
    try:
        for count in range(100):
            if count == 50:
                tracemalloc.reset_peak()
                before, _ = tracemalloc.get_traced_memory()
            learner.next_block()
            learner.played(hall)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 2 * block, "less than half a block of samples at any moment"


# -- howling ---------------------------------------------------------------------------------------------------


def howl(gain: float, guard: FeedbackGuard | None, seconds: float = 3.0) -> np.ndarray:
    """What a loudspeaker plays of a microphone that hears it 20 ms later, most at 1250 Hz: peaks of blocks."""
    resonance = scipy.signal.tf2sos(*scipy.signal.iirpeak(1250, 25, fs=RATE_HZ))
    state = np.zeros((len(resonance), 2))
    rng, delay, count = np.random.default_rng(2), 960, round(seconds * RATE_HZ / BLOCK)
    air = np.zeros(count * BLOCK + delay + BLOCK, np.float32)
    peaks = []
    for at in range(0, count * BLOCK, BLOCK):
        back, state = scipy.signal.sosfilt(resonance, air[at : at + BLOCK], zi=state)
        microphone = (gain * back + 1e-3 * rng.standard_normal(BLOCK)).astype(np.float32)
        out = np.clip(microphone if guard is None else guard.process(microphone), -1.0, 1.0)
        air[at + delay : at + delay + BLOCK] = out
        peaks.append(np.abs(out).max())
    return np.array(peaks)


@pytest.mark.parametrize("gain", [1.6, 2.0, 3.0])
def test_howling_is_ducked_within_a_fifth_of_a_second(gain):
    assert howl(gain, None).max() > 0.9, "without a guard it howls"
    guard = FeedbackGuard(RATE_HZ, BLOCK)
    peaks = howl(gain, guard)
    audible = int(np.argmax(peaks > 0.03))
    ducked = audible + int(np.argmax(peaks[audible:] < 0.005))
    assert (ducked - audible) * BLOCK / RATE_HZ < 0.2
    assert guard.howls >= 1
    assert (peaks > 0.1).mean() < 0.1, "it stays down most of the time"


@pytest.mark.parametrize("rate_hz", [22050, 48000, 96000, 192000])
def test_the_guard_sees_the_spectrum_that_numpy_sees(rate_hz):
    guard, random = FeedbackGuard(rate_hz, BLOCK), np.random.default_rng(3)
    sound = random.standard_normal(40 * BLOCK).astype(np.float32)
    for at in range(0, len(sound), BLOCK):
        guard.process(sound[at : at + BLOCK])
    size = len(guard._window)
    expected = 20 * np.log10(np.abs(np.fft.rfft(sound[-size:] * guard._window)) + 1e-9)
    guard._judge()
    assert np.abs(guard._power_db - expected).max() < 0.01


def test_a_loop_that_dies_away_is_left_alone():
    guard = FeedbackGuard(RATE_HZ, BLOCK)
    howl(0.8, guard)
    assert guard.howls == 0


def test_playing_is_not_taken_for_howling_and_passes_unchanged():
    tones = [Tone(0.1 + 0.4 * i, 0.38, p, attack_s=0.1 + 0.02 * i) for i, p in enumerate((60, 67, 72, 79, 84, 88))]
    sound = played(tones, 3.0, vibrato_cents=20)
    guard = FeedbackGuard(RATE_HZ, BLOCK)
    out = np.concatenate([guard.process(sound[at : at + BLOCK]).copy() for at in range(0, len(sound) - BLOCK, BLOCK)])
    assert guard.howls == 0
    assert np.allclose(out, sound[: len(out)], atol=1e-6)


def test_peaks_are_held_down_and_what_is_not_a_number_is_silence():
    guard = FeedbackGuard(RATE_HZ, BLOCK)
    loud = (2.0 * np.sin(2 * np.pi * 300 * np.arange(BLOCK) / RATE_HZ)).astype(np.float32)
    assert np.abs(guard.process(loud)).max() <= 0.502
    assert np.isfinite(guard.process(np.full(BLOCK, np.nan, np.float32))).all()


# -- a real driver ---------------------------------------------------------------------------------------------


@pytest.fixture
def jack_server(monkeypatch):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "tutti-test-mic")
    command = ["jackd", "-r", "--name", "tutti-test-mic", "-d", "dummy", "-r", str(RATE_HZ), "-p", str(BLOCK)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end_s = time.monotonic() + 10.0
    while find_jack() is None and time.monotonic() < end_s:
        time.sleep(0.05)
    yield server
    server.terminate()
    server.wait(10)


@needs_jack
@pytest.mark.timeout(60)
def test_a_click_comes_back_by_a_device_when_it_was_said_to(jack_server):
    clock = SessionClock()
    sink, _ = open_sink("jack", RATE_HZ, BLOCK, 0.02, clock)
    microphone = DeviceInput("jack", "", RATE_HZ, BLOCK)
    try:
        subprocess.run(["jack_connect", "tutti:output_1", "tutti-mic:input_1"], check=True)
        delays_s, sounds_s = [], None
        for count in range(600):
            assert sink.wait(2.0)
            block = np.zeros((BLOCK, 2), np.float32)
            if count > 100 and count % 50 == 0:
                block[0] = 0.5
                sounds_s = sink.next_time_s()
            sink.put(block)
            while (came := microphone.take()) is not None:
                if sounds_s is not None and np.abs(came).max() > 0.3:
                    delays_s.append(clock.now_s() - microphone.latency_s - sounds_s)
                    sounds_s = None
    finally:
        microphone.close()
        sink.close()
    assert len(delays_s) >= 5
    # A wire between two programs has neither of the two periods that are reckoned with for a driver each way.
    assert np.median(delays_s) == pytest.approx(-4 * BLOCK / RATE_HZ, abs=0.012)


@needs_jack
def test_a_port_that_runs_otherwise_is_refused_in_one_line(jack_server):
    with pytest.raises(AudioDeviceError, match="runs at 48000 Hz in blocks of 256, not 44100 and 256"):
        DeviceInput("jack", "", 44100, 256)


def test_a_machine_without_that_input_says_so():
    with pytest.raises(AudioDeviceError, match="no microphone"):
        DeviceInput("portaudio", "no such microphone", RATE_HZ, BLOCK)
