"""A live session as a process: conducted, recorded, its helpers killed in mid-concert, and closed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from tutti.engine.conducting.tracking import write_take
from tutti.engine.conducting.virtual_conductor import clean_timings, conduct
from tutti.engine.notation.score_cache import open_score
from tutti.studio.session_file import read_session

pytestmark = pytest.mark.realtime

PIECE = "bach/bwv66.6"


@pytest.fixture
def studio(tmp_path: Path):
    """The studio playing a take of about 20 s, with its own home for recordings."""
    score = open_score(PIECE)
    quarters = np.append(score.beats["quarter"], score.end_quarter).astype(float)
    take = conduct(score, clean_timings(quarters, 2.0 + 0.55 * np.arange(len(quarters))), seed=2)
    write_take(tmp_path / "take.csv", take)
    command = ["play", PIECE, "--take", str(tmp_path / "take.csv"), "--audio", "none", "--port", "0"]
    command += ["--on-cue", "Bass"]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "tutti.studio", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path / "data")},
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def wait_for_recording(tmp_path: Path, bytes_at_least: int) -> Path:
    deadline_s = time.monotonic() + 90
    while time.monotonic() < deadline_s:
        files = list((tmp_path / "data").rglob("*.mcap"))
        if files and files[0].stat().st_size > bytes_at_least:
            return files[0]
        time.sleep(0.2)
    raise AssertionError("no recording appeared")


def children_named(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Spawned workers that run (audio, relay); the resource tracker is not one."""

    def works(child: psutil.Process) -> bool:
        try:
            return any("spawn_main" in word for word in child.cmdline())
        except psutil.ZombieProcess:
            return False

    return [child for child in psutil.Process(process.pid).children() if works(child)]


@pytest.mark.timeout(170)
def test_killed_helpers_are_replaced_and_nothing_recorded_is_lost(
    studio: subprocess.Popen[str], tmp_path: Path
) -> None:
    path = wait_for_recording(tmp_path, 60_000)
    before = children_named(studio)
    assert len(before) >= 2, "audio and relay run in processes of their own"
    for child in before:
        child.kill()
    deadline_s = time.monotonic() + 30
    killed = {child.pid for child in before}
    while time.monotonic() < deadline_s and len({child.pid for child in children_named(studio)} - killed) < 2:
        time.sleep(0.2)
    fresh = {child.pid for child in children_named(studio)}
    assert len(fresh - killed) >= 2 and not fresh & killed
    size = path.stat().st_size
    time.sleep(2.0)
    assert path.stat().st_size > size, "the recording goes on"
    studio.send_signal(signal.SIGTERM)
    assert studio.wait(timeout=30) == 0
    assert studio.stdout is not None and "Resting until you cue them: Bass\n" in studio.stdout.read()
    session = read_session(path)
    assert session.complete
    assert sum(len(frame.notes) for frame in session.frames) > 10
    assert session.audio, "the sound was recorded too"
    steps = np.diff([frame.time_s for frame in session.frames])
    assert steps.max() < 3.0, "the performance never waited for its helpers"


@pytest.mark.timeout(170)
def test_a_killed_studio_leaves_a_readable_recording_and_no_orphans(
    studio: subprocess.Popen[str], tmp_path: Path
) -> None:
    path = wait_for_recording(tmp_path, 60_000)
    workers = children_named(studio)
    studio.kill()
    studio.wait()
    session = read_session(path)
    assert not session.complete
    assert session.frames
    _, alive = psutil.wait_procs(workers, timeout=15)
    assert not alive
