"""Session files: what was recorded comes back exactly, also when the recorder was killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tutti.engine.conducting.beat_grid import beaten_as
from tutti.engine.errors import SessionError
from tutti.engine.notation.score_cache import open_score
from tutti.engine.notation.score_source import find_score
from tutti.engine.score import Part
from tutti.engine.types import (
    Beat,
    BeatCrossing,
    Dynamics,
    Frame,
    NoteEvent,
    NoteRelease,
    PlayerPlacement,
    Pose,
    ScorePosition,
    Sign,
    TempoEstimate,
)
from tutti.studio.ensemble_setup import score_of_session
from tutti.studio.session_file import AudioPacket, ControlEvent, SessionHeader, SessionRecorder, read_session

pytestmark = pytest.mark.realtime

HEADER = SessionHeader(
    title="Test – ünïcode",
    composer="Nobody",
    parts=(Part("Violin", "Vln", "violin", 0),),
    placements=(PlayerPlacement(0, 0, "violins-1", "violin", (1.0, 2.0, 0.25), 30.0, 0),),
    hall="musikverein",
    seed=7,
    score_name="test.musicxml",
    score_bytes=bytes(range(256)) * 40,
    end_quarter=16.0,
    measures=4,
    beats_in_bar=4,
)


def frame(index: int, pose: Pose) -> Frame:
    now_s = index * 0.01
    return Frame(
        index=index,
        time_s=now_s,
        position=ScorePosition(now_s, index / 7, index / 7, 1 / 3, 61.7, "1", 1 + index / 7, "playing"),
        tempo=TempoEstimate(now_s, 3, 0.1, 0.2, 0.3, 0.9) if index else None,
        dynamics=Dynamics(now_s, 0.1 * (index % 10), -0.3),
        beats=(Beat(now_s, now_s, index, 0.4, 0.8),) if index % 10 == 0 else (),
        crossings=(BeatCrossing(index, now_s, 1.5, "2b", 1, 60.0, None, 0.0),) if index % 10 == 5 else (),
        notes=(NoteEvent(index, 0, now_s + 0.05, 0.5, 60, 80, "sustain", 1.5, "ai:x"),) if index % 5 == 0 else (),
        releases=(NoteRelease(index - 5, now_s),) if index % 5 == 0 and index else (),
        signs=(Sign(now_s, "raise", "violins-1", 0.1),) if index % 9 == 4 else (),
        attention=("violins-1", None, "cellos")[index // 20 % 3],
        poses=(pose,),
    )


def pose(index: int) -> Pose:
    orientation = (1.0, 0.0, 0.0, 0.0) if index % 2 else None
    return Pose(index * 0.01, "baton", (0.1, 1.2 + 1e-9 * index, -0.3), orientation)


def record(path: Path, frames: int) -> list[Frame]:
    written = []
    with SessionRecorder(path, HEADER) as recorder:
        for index in range(frames):
            recorder.write_poses([pose(index)])
            written.append(frame(index, pose(index)))
            recorder.write_frame(written[-1])
        recorder.write_control(ControlEvent(1.0, "seek", "12", "host"))
        recorder.write_audio(0.5, AudioPacket(480, b"opus"))
    return written


def test_a_session_comes_back_to_the_bit(tmp_path: Path) -> None:
    written = record(tmp_path / "s.mcap", 300)
    session = read_session(tmp_path / "s.mcap")
    assert session.header == HEADER
    assert list(session.frames) == written
    assert list(session.poses) == [pose(n) for n in range(300)]
    assert session.controls == (ControlEvent(1.0, "seek", "12", "host"),)
    assert session.audio == (AudioPacket(480, b"opus"),)
    assert session.complete


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95, 0.999])
def test_a_session_cut_off_anywhere_is_read_up_to_there(tmp_path: Path, share: float) -> None:
    written = record(tmp_path / "s.mcap", 600)
    whole = (tmp_path / "s.mcap").read_bytes()
    (tmp_path / "cut.mcap").write_bytes(whole[: int(len(whole) * share)])
    session = read_session(tmp_path / "cut.mcap")
    assert not session.complete
    assert session.header == HEADER
    kept = len(session.frames)
    assert kept > 0.2 * share * 600
    assert list(session.frames[:-1]) == written[: kept - 1]


def test_a_killed_recorder_loses_less_than_a_second(tmp_path: Path) -> None:
    path = tmp_path / "killed.mcap"
    program = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_session_file import HEADER, SessionRecorder, frame, pose
recorder = SessionRecorder(Path({str(path)!r}), HEADER)
start = time.monotonic()
index = 0
while True:
    recorder.write_poses([pose(index)])
    recorder.write_frame(frame(index, pose(index)))
    index += 1
    print(index, flush=True)
    time.sleep(max(0.0, start + 0.01 * index - time.monotonic()))
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    count = 0
    while count < 180:
        count = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    session = read_session(path)
    assert len(session.frames) >= count - 100
    assert not session.complete


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(SessionError, match="cannot record there"):
        SessionRecorder(tmp_path / "a file" / "s.mcap", HEADER)


def test_a_disk_that_fills_up_is_reported_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = SessionRecorder(tmp_path / "s.mcap", HEADER)

    class Full:
        def write(self, data: bytes) -> int:
            raise OSError(28, "No space left on device")

        def flush(self) -> None:
            raise OSError(28, "No space left on device")

        def tell(self) -> int:
            return 0

        def close(self) -> None: ...

    recorder._writer._Writer__stream = Full()  # type: ignore[attr-defined]
    for index in range(500):
        recorder.write_frame(frame(index, pose(index)))
    recorder.close()
    assert sum("recording stopped" in record.message for record in caplog.records) == 1
    assert read_session(tmp_path / "s.mcap").header == HEADER


@pytest.mark.parametrize("content", [b"", b"not a session", b"\x89MCAP0\r\n" + b"\x00" * 64])
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mcap").write_bytes(content)
    with pytest.raises(SessionError) as caught:
        read_session(tmp_path / "x.mcap")
    assert "x.mcap" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_disk_that_is_full_at_the_very_end_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The writer hands over its end, and the file's own buffer finds no room for it."""
    recorder = SessionRecorder(tmp_path / "s.mcap", HEADER)
    recorder.write_frame(frame(0, pose(0)))
    file = recorder._file
    assert file is not None

    class FullAtTheEnd:
        def close(self) -> None:
            file.close()
            raise OSError(28, "No space left on device")

    recorder._file = FullAtTheEnd()  # type: ignore[assignment]
    recorder.close()
    recorder.close()
    assert sum("recording stopped" in record.message for record in caplog.records) == 1


def test_a_session_beaten_at_another_level_keeps_its_beats(tmp_path: Path) -> None:
    """Its crossings index those beats: on the score's own they would point beyond the end."""
    path = find_score("concert")
    in_eight, _ = beaten_as(open_score(path), {"meter": "8"})
    with SessionRecorder(tmp_path / "s.mcap", SessionHeader.of(in_eight, path, HEADER.placements, "musikverein", 0)):
        pass
    own = tmp_path / path.name
    own.write_text("edited since", encoding="utf-8")
    copy, again = score_of_session(read_session(tmp_path / "s.mcap"), tmp_path)
    assert own.read_text(encoding="utf-8") == "edited since", "what is there is left alone"
    assert copy.read_bytes() == path.read_bytes()
    assert len(again.beats) == len(in_eight.beats) > 300
    assert np.array_equal(again.beats, in_eight.beats)
