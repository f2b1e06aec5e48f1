"""The live path on a JACK server of our own without a sound card: missed blocks under load, and from motion to sound.

apt install jackd2      pip install JACK-Client
"""

import contextlib
import multiprocessing
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
from audio_players import RATE_HZ

from tutti.engine.audio.audio_ring import AudioStatus
from tutti.engine.audio.impulse_response import room_of
from tutti.engine.audio.output import AudioProcess
from tutti.engine.audio.renderer import AudioSettings
from tutti.engine.clock import SessionClock
from tutti.engine.hall import read_hall
from tutti.engine.notation.score_cache import open_score
from tutti.engine.sounds.sound_set import Patch, Sample, SoundSet, Zone
from tutti.engine.types import NoteEvent, NoteRelease, PlayerPlacement, Pose

NOTE_S = 0.4
SETTLE_S = 3.0
TURN_DEG = 60.0


class JackMissingError(Exception):
    """JACK or its client library is not installed; the message says how to."""


@contextlib.contextmanager
def jack_server(block: int) -> Iterator[None]:
    """JACK's dummy driver, in blocks of ``block`` at 48 kHz."""
    if shutil.which("jackd") is None:
        raise JackMissingError("jackd is not installed (Debian: apt install jackd2)")
    name = f"tutti-bench-{os.getpid()}"
    command = ["jackd", "--name", name, "-d", "dummy", "-r", str(RATE_HZ), "-p", str(block)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = os.environ.get("JACK_DEFAULT_SERVER")
    os.environ["JACK_DEFAULT_SERVER"] = name
    try:
        time.sleep(1.5)
        yield
    finally:
        server.terminate()
        server.wait(10)
        if before is None:
            del os.environ["JACK_DEFAULT_SERVER"]
        else:
            os.environ["JACK_DEFAULT_SERVER"] = before


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """How an orchestra played live. ``first_sound_s`` is from the call to the first block; memory in MB."""

    status: AudioStatus
    blocks: int
    missed: int
    first_sound_s: float
    resident_mb: float
    private_mb: float
    standby_private_mb: float


def play_live(block: int, seconds: float, loaded: bool) -> LiveFigures:
    """The whole concert orchestra plays chords while the head turns; ``loaded``: while a picture is drawn, a network
    answers and Python is busy."""
    from tutti.studio.concert import concert_score
    from tutti.studio.ensemble_setup import seat, sound_loader

    score = open_score(concert_score())
    placements = seat(score, None, read_hall())
    clock = SessionClock()
    with jack_server(block):

        def start() -> AudioProcess:
            room, settings = room_of(read_hall()), AudioSettings(block=block)
            sounds = sound_loader(score, None)
            return AudioProcess(placements, sounds, room, clock, settings, "jack", block / RATE_HZ)

        cold = start()  # compiles and prepares what later starts find
        try:
            cold.wait_until_ready(300.0)
        finally:
            cold.close()
        started_s = time.perf_counter()
        audio = start()
        try:
            audio.wait_until_ready()
            first_s = time.perf_counter() - started_s
            with load() if loaded else contextlib.nullcontext():
                _play_chords(audio, clock, len(score.parts), SETTLE_S)
                before = audio.status()
                _play_chords(audio, clock, len(score.parts), seconds)
                after = audio.status()
            memory = [_memory_mb(pid) for pid in (audio.pid, audio.standby_pid)]
        finally:
            audio.close()
    return LiveFigures(
        after, after.blocks - before.blocks, after.xruns - before.xruns, first_s, *memory[0], memory[1][1]
    )


def _play_chords(audio: AudioProcess, clock: SessionClock, parts: int, seconds: float) -> None:
    next_s, end_s, note_id = clock.now_s() + 0.1, clock.now_s() + seconds, round(clock.now_s() * 1e6)
    while clock.now_s() < end_s:
        now_s = clock.now_s()
        if now_s > next_s - 0.08:
            notes = [
                NoteEvent(note_id + part, part, next_s, NOTE_S, 55 + (note_id + 5 * part) % 20, 90, "sustain", next_s)
                for part in range(parts)
            ]
            audio.submit(notes, [NoteRelease(note.note_id, note.onset_s + NOTE_S) for note in notes])
            next_s, note_id = next_s + NOTE_S, note_id + parts
        audio.listen(_head(35.0 * np.sin(now_s)))
        time.sleep(1 / 90)


def _head(yaw_deg: float) -> Pose:
    half = np.radians(yaw_deg) / 2.0
    return Pose(0.0, "head", (0.0, 1.6, 0.0), (float(np.cos(half)), 0.0, float(np.sin(half)), 0.0))


def _memory_mb(pid: int | None) -> tuple[float, float]:
    """(resident, private) memory; nothing for a process that is not there."""
    if pid is None:
        return float("nan"), float("nan")
    memory = psutil.Process(pid).memory_full_info()
    return memory.rss / 1e6, memory.uss / 1e6


@contextlib.contextmanager
def load() -> Iterator[None]:
    """What else runs in the studio, more of it than ever at once: two processes and a thread of this one."""
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, daemon=True) for work in (draw, infer)]
    over = threading.Event()
    thread = threading.Thread(target=_compute, args=(over,), daemon=True)
    for worker in (*workers, thread):
        worker.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for worker in workers:
            worker.kill()
            worker.join()


def draw() -> None:
    """The hall, 60 times a second where the machine can."""
    from frame import frame, orchestra

    from tutti.engine.placement import place_players, read_plan
    from tutti.scenes.view import StageView

    score = orchestra()
    names = [part.name for part in score.parts]
    players = place_players(score, read_plan("american"), read_hall())
    view = StageView(players, names, "Benchmark", window=False, size=(640, 360), score=score)
    index = 0
    while True:
        started_s = time.perf_counter()
        view.update(frame(index, len(names)))
        view.base.graphics_engine.render_frame()
        index += 1
        time.sleep(max(0.0, 1 / 60 - (time.perf_counter() - started_s)))


def infer() -> None:
    """The AI player's network, without a pause."""
    from tutti.models.decoding import PartDecoder
    from tutti.models.grid import HOLD, Place, pitch_to_token
    from tutti.models.part.runtime import PartModel

    decoder = PartDecoder(PartModel.load(), given=(0,))
    melody, step = (72, 74, 76, 77), 0
    while True:
        note = pitch_to_token(melody[step // 4 % 4]) if step % 4 == 0 else HOLD
        decoder.step(Place(step % 4, step // 4 % 4, 4), {0: note})
        step += 1


def _compute(over: threading.Event) -> None:
    while not over.is_set():
        sum(number * number for number in range(10000))


def organ() -> SoundSet:
    """A tone without end or vibrato."""
    data = (0.3 * np.sin(2.0 * np.pi * 440.0 * np.arange(10 * RATE_HZ) / RATE_HZ)).astype(np.float32)
    sample = Sample(data, RATE_HZ, 69.0, RATE_HZ, 9 * RATE_HZ, -13.5)
    patch = Patch((Zone(0, 127, 0, 127, 0, -12.0, 0.01, 0.1),))
    return SoundSet("organ", (sample,), {("piano", "sustain"): patch})


def motion_to_sound_ms(block: int, turns: int) -> np.ndarray:
    """From the call that turns the head to the first sample that sounds different where JACK's driver takes it, for
    every turn. The driver's own periods are not in it."""
    try:
        import jack
    except (ImportError, OSError) as error:
        raise JackMissingError(f"JACK's client library is missing ({error}): pip install JACK-Client") from error
    random = np.random.default_rng(5)
    pianist = PlayerPlacement(0, 0, "piano", "piano", (0.0, 4.0, 0.0), 180.0, 0)
    with jack_server(block):
        clock = SessionClock()
        audio = AudioProcess(
            [pianist],
            organ,
            room_of(read_hall("open-air")),
            clock,
            AudioSettings(block=block),
            "jack",
            block / RATE_HZ,
        )
        try:
            audio.wait_until_ready()
            heard, turned = _listen_and_turn(jack.Client("tutti-ear"), audio, clock, turns, random)
        finally:
            audio.close()
    return _delays_ms(heard, turned)


def _listen_and_turn(
    client: Any, audio: AudioProcess, clock: SessionClock, turns: int, random: np.random.Generator
) -> tuple[list[tuple[int, np.ndarray]], list[int]]:
    """Blocks as the driver took them with their frame times, and the frame times of the turns."""
    ear = client.inports.register("in")
    heard: list[tuple[int, np.ndarray]] = []
    client.set_process_callback(lambda _frames: heard.append((client.last_frame_time, ear.get_array().copy())))
    audio.submit([NoteEvent(1, 0, clock.now_s(), 3600.0, 69, 90, "sustain", 0.0)], [])
    with client:
        client.connect(client.get_ports("tutti:.*", is_output=True)[0], ear)
        time.sleep(2.0)
        turned = []
        for number in range(turns):
            time.sleep(0.15 + 0.05 * random.uniform())
            pose = _head(TURN_DEG if number % 2 else -TURN_DEG)
            turned.append(client.frame_time)
            audio.listen(pose)
        time.sleep(0.3)
    return heard, turned


def _delays_ms(heard: Sequence[tuple[int, np.ndarray]], turned: Sequence[int]) -> np.ndarray:
    """A steady tone obeys x[n] = 2 cos ω x[n−1] − x[n−2]; the first sample that does not has changed."""
    first = heard[0][0]
    signal = np.zeros(heard[-1][0] + len(heard[-1][1]) - first)
    for frame, samples in heard:
        signal[frame - first : frame - first + len(samples)] = samples
    delays = []
    for frame in turned:
        at = frame - first
        before = signal[at - 4800 : at]
        middle, ends = before[1:-1], before[2:] + before[:-2]
        twice_cosine = float(middle @ ends / (middle @ middle))
        stretch = signal[at - 2400 : at + 7200]
        residual = np.abs(stretch[2:] + stretch[:-2] - twice_cosine * stretch[1:-1])
        floor = residual[:2300].max()
        # A crossfade goes on for a block: a single click is none.
        lasting = np.convolve(residual[2398:] > 3.0 * floor, np.ones(48), "valid") > 24.0
        changed = np.flatnonzero(lasting & (residual[2398 : 2398 + len(lasting)] > 3.0 * floor))
        if len(changed):
            delays.append(1000.0 * changed[0] / RATE_HZ)
    return np.array(delays)
