"""The live path: real processes, a real JACK server without a sound card."""

import copy
import functools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from audio_support import note, player, small_room, tone_sounds

from tutti.engine.audio.audio_device import ClockFilter, ClockSink, open_sink
from tutti.engine.audio.audio_ring import AudioRing
from tutti.engine.audio.latency import Latency
from tutti.engine.audio.output import AudioProcess
from tutti.engine.audio.renderer import AudioSettings
from tutti.engine.clock import SessionClock
from tutti.engine.errors import AudioDeviceError
from tutti.engine.types import NoteRelease, Pose

SETTINGS = AudioSettings(voices=16)
PLAYERS = [player(0, -1.0, 3.0), player(1, 1.0, 3.0)]
LOAD = functools.partial(copy.copy, tone_sounds())
READY_S = 90.0


@pytest.fixture
def clock() -> SessionClock:
    return SessionClock()


@pytest.fixture
def audio(clock: SessionClock) -> Iterator[AudioProcess]:
    process = AudioProcess(PLAYERS, LOAD, small_room(), clock, SETTINGS, device="none")
    process.wait_until_ready(READY_S)
    yield process
    process.close()


def hear(process: AudioProcess, seconds: float) -> tuple[int, np.ndarray]:
    """What is played during the next seconds: (index of the first sample, samples)."""
    index = start = process.read_since(1 << 62)[0]
    blocks, end_s = [], time.monotonic() + seconds
    while time.monotonic() < end_s:
        time.sleep(0.05)
        first, block = process.read_since(index)
        assert first == index
        index += len(block)
        blocks.append(block)
    return start, np.concatenate(blocks)


def onset_s(process: AudioProcess, timeout_s: float = 20.0) -> float:
    """Session time of the next sound, read as soon as it is there: later, lost blocks would lie in between."""
    index, end_s = process.read_since(1 << 62)[0], time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        first, block = process.read_since(index)
        loud = np.flatnonzero(np.abs(block).max(axis=1, initial=0.0) > 0.005)
        if len(loud):
            return process.time_of(first + int(loud[0]))
        index = first + len(block)
        time.sleep(0.005)
    raise AssertionError("nothing was heard")


def level(sound: np.ndarray) -> float:
    return float(np.sqrt((sound**2).mean()))


def test_notes_are_heard_when_they_are_due(audio: AudioProcess, clock: SessionClock) -> None:
    at_s = clock.now_s() + 0.4
    audio.submit([note(1, at_s, 0.3)], [NoteRelease(1, at_s + 0.3)])
    assert onset_s(audio) == pytest.approx(at_s, abs=0.05)  # the players' spread, the attack, a busy machine
    _, sound = hear(audio, 1.5)
    assert not sound[-2400:].any()
    status = audio.status()
    assert (status.state, status.device, status.rate_hz) == ("no device", "none", 48000)
    assert status.blocks > 100 and 0.0 < status.load < 5.0 and status.broken_voices == 0
    assert audio.dropped == 0


def test_stopping_moving_and_turning(audio: AudioProcess, clock: SessionClock) -> None:
    audio.submit([note(1, clock.now_s(), 30.0)], [])
    assert level(hear(audio, 0.6)[1][-4800:]) > 1e-3
    audio.listen(Pose(0.0, "head", (0.0, 1.6, 0.0), (np.sqrt(0.5), 0.0, np.sqrt(0.5), 0.0)))
    audio.place([player(0, -2.0, 3.0), player(1, 2.0, 3.0)])
    assert level(hear(audio, 0.4)[1][-4800:]) > 1e-3
    audio.silence()
    assert level(hear(audio, 1.5)[1][-4800:]) < 1e-6


def wait_until(condition: Callable[[], bool], seconds: float = READY_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP])
def test_one_that_stands_by_takes_over_within_two_seconds(
    audio: AudioProcess, clock: SessionClock, caplog: pytest.LogCaptureFixture, blow: signal.Signals
) -> None:
    wait_until(lambda: audio.standby_ready)
    audio.place([player(0, -2.0, 3.0), player(1, 2.0, 3.0)])
    audio.submit([note(1, clock.now_s(), 120.0), note(2, clock.now_s(), 120.0, pitch=76)], [])
    before, sound = hear(audio, 0.6)
    assert level(sound[-4800:]) > 1e-3
    first_pid = audio.pid
    assert first_pid is not None
    played, struck_s, index = audio.status().blocks, clock.now_s(), audio.read_since(1 << 62)[0]
    os.kill(first_pid, blow)
    while audio.pid == first_pid:
        audio.submit([], [NoteRelease(2, clock.now_s())])  # the caller notices nothing
        assert clock.now_s() < struck_s + READY_S
        time.sleep(0.02)
    sounds_s = onset_s(audio)  # the held note, anew
    first, block = audio.read_since(index)
    assert first == index > before and len(block)  # readers go on counting
    assert sounds_s - struck_s < 2.0
    assert "restarting" in caplog.text
    wait_until(lambda: audio.status().state == "no device" and audio.status().blocks > played)
    audio.submit([], [NoteRelease(1, clock.now_s())])
    hear(audio, 1.5)
    assert not hear(audio, 0.3)[1].any()  # the other note had been ended
    wait_until(lambda: audio.standby_ready)  # and the next one stands by


def test_without_one_that_stands_by_the_process_is_started_anew(audio: AudioProcess, clock: SessionClock) -> None:
    audio.submit([note(1, clock.now_s(), 120.0)], [])
    first_pid = audio.pid
    assert first_pid is not None
    os.kill(first_pid, signal.SIGKILL)
    wait_until(lambda: audio.pid != first_pid and audio.status().state == "no device")
    assert level(hear(audio, 1.0)[1][-4800:]) > 1e-3


def test_a_process_that_cannot_start_says_why(clock: SessionClock) -> None:
    strangers = [player(0, 0.0, 3.0, "tuba")]  # of whom the sounds know nothing
    process = AudioProcess(
        strangers, functools.partial(Path.read_text, Path("/nonexistent")), small_room(), clock, SETTINGS, "none"
    )
    with pytest.raises(AudioDeviceError):
        process.wait_until_ready(READY_S)
    process.close()
    process.close()


def test_the_ring_is_shared_by_name_and_outlives_its_readers(audio: AudioProcess) -> None:
    reader = AudioRing.attach(audio.ring_name)
    time.sleep(0.3)
    start, block = reader.read_since(0)
    assert len(block) > 4800 and reader.rate_hz == 48000
    assert reader.time_of(start) == pytest.approx(audio.time_of(start), abs=0.05)
    reader.close()
    assert len(audio.read_since(0)[1]) > 4800


def test_closing_removes_the_ring(clock: SessionClock) -> None:
    process = AudioProcess(PLAYERS, LOAD, small_room(), clock, SETTINGS, device="none")
    name = process.ring_name
    process.close()
    with pytest.raises(AudioDeviceError, match="gone"):
        AudioRing.attach(name)


def test_readers_that_are_overtaken_notice() -> None:
    ring = AudioRing.create(48000)
    block = np.arange(512, dtype=np.float32).reshape(256, 2)
    for _ in range(3000):
        ring.write(block)
    start, sound = ring.read_since(100)
    assert start > 100 and start + len(sound) == ring.written == 3000 * 256
    assert np.array_equal(sound[:256], np.roll(block, -(start % 256), axis=0))
    assert ring.read_since(ring.written)[1].shape == (0, 2)
    assert ring.read_since(ring.written + 999)[0] == ring.written
    ring.set_clock(1000, 5.0)
    assert ring.time_of(1000 + 48000) == 6.0
    ring.close()


def test_jitter_of_callbacks_is_smoothed_and_gaps_are_followed() -> None:
    rng = np.random.default_rng(3)
    period_s = 256 / 48000
    follower = ClockFilter(period_s)
    true_s = np.arange(3000) * period_s * 1.0001
    smooth_s = np.array([follower.tick(t) for t in true_s + rng.uniform(0, 0.002, 3000)])
    assert (smooth_s - true_s)[1500:].std() < 0.0002  # of 0.58 ms
    assert follower.tick(true_s[-1] + 1.0) == true_s[-1] + 1.0


def test_without_a_device_the_clock_drives(clock: SessionClock) -> None:
    sink = ClockSink(48000, 256, clock)
    block = np.zeros((256, 2), np.float32)
    start_s = clock.now_s()
    for _ in range(60):
        assert sink.wait(1.0)
        sink.put(block)
    assert 0.25 < clock.now_s() - start_s < 1.5
    with pytest.raises(AudioDeviceError, match="balanced"):
        Latency.parse("gramophone")


@pytest.fixture
def jack(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen]:
    """A JACK server of our own with a dummy driver."""
    if shutil.which("jackd") is None:
        pytest.skip("jackd is not installed (Debian: jackd2); .ci/run installs it")
    server = subprocess.Popen(
        ["jackd", "-r", "--name", "tutti-test", "-d", "dummy", "-r", "48000", "-p", "256"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(1.5)
    assert server.poll() is None
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "tutti-test")
    yield server
    server.terminate()
    server.wait(10)


def test_jack_plays_and_losing_it_is_survived(jack: subprocess.Popen, clock: SessionClock) -> None:
    process = AudioProcess(PLAYERS, LOAD, small_room(), clock, SETTINGS, device="jack")
    try:
        status = process.wait_until_ready(READY_S)
        assert (status.state, status.device) == ("playing", "jack"), status.message
        at_s = clock.now_s() + 0.5
        process.submit([note(1, at_s, 30.0)], [])
        assert onset_s(process) == pytest.approx(at_s, abs=0.1)
        _, sound = hear(process, 2.0)
        assert len(sound) / 48000 == pytest.approx(2.0, abs=0.5)
        status = process.status()
        assert status.latency_s < 0.06
        assert status.xruns < 0.2 * status.blocks  # of a machine that may be doing anything else
        jack.kill()
        deadline = time.monotonic() + 30.0
        while process.status().state == "playing":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert level(hear(process, 1.0)[1][-4800:]) > 1e-3  # readers hear on
        assert "lost" in process.status().message or process.status().state != "playing"
    finally:
        process.close()


def test_jack_that_does_not_run_is_one_line(clock: SessionClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "tutti-no-such-server")
    sink, line = open_sink("jack", 48000, 256, 0.01, clock)
    assert sink.name == "none" and "no JACK server" in line and "\n" not in line
    sink.close()
