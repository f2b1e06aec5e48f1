"""The live path: real processes, a real JACK server without a sound card."""

import contextlib
import copy
import functools
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyo
import pytest
from audio_support import note, player, remarked_tones, small_room, tone_sounds
from needs import needs_alsa_jack, needs_jack

from tutti.engine.audio import audio_standby
from tutti.engine.audio.audio_device import BlockConverter, ClockFilter, ClockSink, DeviceSink, open_sink
from tutti.engine.audio.audio_ring import PREFIX, AudioRing, _sweep
from tutti.engine.audio.latency import Latency
from tutti.engine.audio.output import AudioProcess
from tutti.engine.audio.renderer import AudioSettings
from tutti.engine.audio.seats import sections_of
from tutti.engine.audio.sound_outputs import choose_output, find_jack
from tutti.engine.clock import SessionClock
from tutti.engine.errors import AudioDeviceError
from tutti.engine.types import NoteRelease, Pose

pytestmark = pytest.mark.realtime

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
    levels = audio.section_levels()  # meters fall by 12 dB a second: not all the way yet
    assert [level.section for level in levels] == list(sections_of(PLAYERS))
    assert -90.0 < max(level.peak_db for level in levels) < 12.0
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


def test_another_hall_is_heard_when_it_is_ready_and_due(audio: AudioProcess, clock: SessionClock) -> None:
    """A process that was made ready there takes over, in its time; what is held goes on, and so do readers."""
    here, there = audio.room, small_room(1.6)
    first_pid, start = audio.pid, audio.read_since(1 << 62)[0]
    audio.enter(there, None)
    audio.enter_at(math.inf)
    wait_until(lambda: audio.standby_ready and audio._standby is not None and audio._standby.job.room is there)
    due_s = clock.now_s() + 2.0
    hear(audio, 0.5)
    assert audio.entering and audio.room is here, "ready, but not asked to go"
    audio.enter_at(due_s)
    audio.submit([note(1, clock.now_s(), 120.0)], [])
    assert level(hear(audio, 0.6)[1][-4800:]) > 1e-3, "the music goes on meanwhile"
    wait_until(lambda: not audio.entering)
    assert audio.room is there and audio.pid != first_pid and clock.now_s() >= due_s
    wait_until(lambda: level(hear(audio, 0.2)[1]) > 1e-3, 20.0)
    first, block = audio.read_since(start)
    assert first >= start and len(block)
    assert audio.status().state == "no device"
    audio.silence()
    wait_until(lambda: audio.standby_ready)
    assert audio._standby is not None and audio._standby.job.room is there, "who stands by is there, too"


def test_where_the_next_hall_cannot_be_made_ready_they_stay(
    audio: AudioProcess, caplog: pytest.LogCaptureFixture
) -> None:
    here, pid = audio.room, audio.pid
    broken = copy.copy(here)
    object.__setattr__(broken, "rt60_s", (math.nan,) * 7)
    audio.enter(broken, None)
    wait_until(lambda: not audio.entering)
    assert audio.room is here and audio.pid == pid
    assert "stays in this one" in caplog.text


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
    wait_until(lambda: not process._watcher.is_alive(), 5.0)
    process.enter(small_room(1.6), None)
    assert not process.entering, "nobody waits for a hall where the sound was given up"
    process.close()
    process.close()


def test_what_a_soundfonts_reader_remarks_is_not_shown(clock: SessionClock, capfd: pytest.CaptureFixture[str]) -> None:
    process = AudioProcess(PLAYERS, remarked_tones, small_room(), clock, SETTINGS, device="none")
    process.wait_until_ready(READY_S)
    process.close()
    assert "Tuba" not in capfd.readouterr().err


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


def test_rings_of_killed_processes_are_swept(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    kept = {f"{PREFIX}{os.getpid()}-b", f"{PREFIX}xyz", "other"}
    for name in (f"{PREFIX}{gone.pid}-a", *kept):
        (tmp_path / name).touch()
    _sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept


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


@contextlib.contextmanager
def jack_server(rate_hz: int = 48000, block: int = 256) -> Iterator[subprocess.Popen]:
    """A JACK server with a dummy driver, called tutti-test."""
    server = subprocess.Popen(
        ["jackd", "-r", "--name", "tutti-test", "-d", "dummy", "-r", str(rate_hz), "-p", str(block)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: find_jack() is not None, 10.0)
        assert server.poll() is None
        yield server
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def jack_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "tutti-test")


@pytest.fixture
def jack(jack_name: None) -> Iterator[subprocess.Popen]:
    with jack_server() as server:
        yield server


def pace(sink: DeviceSink, seconds: float, block: int = 256) -> tuple[int, list[float]]:
    """Feed a sink for so long: blocks it wanted, and for each how long after now it was to be heard."""
    silence, count, ahead_s = np.zeros((block, 2), np.float32), 0, []
    clock, end_s = sink._clock, time.monotonic() + seconds
    while time.monotonic() < end_s:
        assert sink.wait(2.0)
        ahead_s.append(sink.next_time_s() - clock.now_s())
        sink.put(silence)
        count += 1
    return count, ahead_s


@needs_jack
@pytest.mark.parametrize(("rate_hz", "block"), [(44100, 512), (96000, 1024), (8000, 64), (192000, 2048)])
def test_a_device_keeps_its_rate_and_block(jack_name: None, clock: SessionClock, rate_hz: int, block: int) -> None:
    with jack_server(rate_hz, block):
        sink, line = open_sink("jack", 48000, 256, 0.006, clock)
        assert isinstance(sink, DeviceSink) and not line
        assert sink.rate_hz == rate_hz
        pace(sink, 0.5)
        count, ahead_s = pace(sink, 1.5)
        sink.close()
    assert count * 256 / 48000 == pytest.approx(1.5, abs=0.25)
    assert np.median(ahead_s) == pytest.approx(sink.latency_s, abs=0.012 + block / rate_hz)


@needs_jack
@needs_alsa_jack
def test_portaudio_plays_at_the_rate_that_a_device_has(
    jack: subprocess.Popen, clock: SessionClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """ALSA's plugin for JACK is a portaudio output that opens at JACK's rate and no other."""
    ports = "playback_ports { 0 system:playback_1 1 system:playback_2 }"
    (tmp_path / ".asoundrc").write_text(f'pcm.hall {{ type jack {ports} hint {{ show on description "hall" }} }}\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    program = (
        "import numpy as np\n"
        "from tutti.engine.audio.audio_device import DeviceSink, open_sink\n"
        "from tutti.engine.clock import SessionClock\n"
        "import time\n"
        "sink, line = open_sink('hall', 44100, 256, 0.02, SessionClock())\n"
        "assert isinstance(sink, DeviceSink), line\n"
        "assert (sink.name, sink.driver, sink.rate_hz) == ('hall', 'portaudio', 48000), sink.rate_hz\n"
        "end_s, count = time.monotonic() + 2.0, 0\n"
        "while time.monotonic() < end_s:\n"
        "    assert sink.wait(2.0)\n"
        "    sink.put(np.zeros((256, 2), np.float32))\n"
        "    count += 1\n"
        "assert abs(count * 256 / 44100 - 2.0) < 0.4, count\n"
        "sink.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_what_is_converted_is_the_same_sound() -> None:
    for rate_hz, block in ((44100, 512), (8000, 64), (192000, 2048), (48000, 96)):
        converter = BlockConverter(48000, rate_hz, block)
        tone = np.sin(2.0 * np.pi * 997.0 * np.arange(48000) / 48000.0).astype(np.float32)
        blocks = [b for at in range(0, 48000, 256) for b in converter.convert(np.stack([tone[at : at + 256]] * 2, 1))]
        assert all(len(block_) == block for block_ in blocks)
        heard = np.concatenate(blocks)[:, 0]
        assert len(heard) + converter.held == pytest.approx(rate_hz, abs=0.02 * rate_hz)  # the rest is in the filter
        expected = np.sin(2.0 * np.pi * 997.0 * np.arange(len(heard)) / rate_hz)
        middle = slice(len(heard) // 4, 3 * len(heard) // 4)
        assert np.abs(heard - expected)[middle].max() < 1e-3  # in time to a thousandth of a radian


@needs_jack
def test_a_device_that_comes_back_is_opened_again(jack_name: None, clock: SessionClock) -> None:
    process = AudioProcess(PLAYERS, LOAD, small_room(), clock, SETTINGS, device="jack")
    try:
        assert process.wait_until_ready(READY_S).state == "no device"
        assert "no JACK server" in process.status().message
        wait_until(lambda: process.standby_ready)
        with jack_server():
            wait_until(lambda: process.status().state == "playing", 20.0)
            assert process.status().message == ""
            process.submit([note(1, clock.now_s(), 30.0)], [])
            assert level(hear(process, 0.8)[1][-4800:]) > 1e-3
        wait_until(lambda: process.status().state == "no device", 20.0)
        assert level(hear(process, 0.8)[1][-4800:]) > 1e-3  # readers hear on
    finally:
        process.close()


def test_outputs_are_named_by_number_or_a_part_of_their_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "tutti-no-such-server")
    monkeypatch.setattr(pyo, "pa_get_output_devices", lambda: (["Speakers", "USB Headphones"], [3, 5]))
    monkeypatch.setattr(pyo, "pa_get_devices_infos", lambda: ({}, {5: {"default sr": 44100.0}}))
    monkeypatch.setattr(pyo, "pa_get_default_output", lambda: 5)
    for wanted in ("auto", "portaudio", "5", "headphones", "USB Headphones"):
        output = choose_output(wanted)
        assert output is not None and (output.index, output.rate_hz, output.is_default) == (5, 44100, True)
    speakers = choose_output("speak")
    assert speakers is not None and speakers.index == 3
    assert choose_output("none") is None
    with pytest.raises(AudioDeviceError, match="3 Speakers, 5 USB Headphones"):
        choose_output("gramophone")
    with pytest.raises(AudioDeviceError, match="no JACK server"):
        choose_output("jack")


def test_latencies_are_named_or_in_milliseconds() -> None:
    assert Latency.parse("low").block == 128 and Latency.parse("safe").lead_s > Latency.parse("balanced").lead_s
    assert Latency.parse("20") == Latency(256, 0.02) and Latency.parse("3ms") == Latency(128, 0.003)
    for wrong in ("", "0", "-5", "nan", "1e9", "soon"):
        with pytest.raises(AudioDeviceError, match="milliseconds"):
            Latency.parse(wrong)


def test_a_watcher_that_slept_suspects_nobody(monkeypatch: pytest.MonkeyPatch, audio: AudioProcess) -> None:
    now_s = [100.0]
    monkeypatch.setattr(audio_standby.time, "monotonic", lambda: now_s[0])
    monkeypatch.setattr(audio_standby, "_processor_s", lambda pid: 1.0)
    stall = audio_standby.StallDetector(audio._player)
    stall.see(5.0, 5.0)
    now_s[0] += 3600.0
    assert not stall.see(5.0, 3605.0)  # the machine slept for an hour
    for _ in range(3):
        now_s[0] += 0.1
        assert not stall.see(5.0, 3605.1)
    now_s[0] += 0.2
    assert not stall.see(5.0, 3605.3)
    now_s[0] += 0.2
    assert stall.see(5.0, 3605.5)  # this one does not wake up
    assert not stall.see(3605.5, 3605.5)
    assert not stall.see(3611.0, 3606.0)  # it said that it opens a device


@needs_jack
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
