"""The orchestra's sound in shared memory: one writer, readers in any process, addressed by sample index.

A reader never holds up the writer. It may be overtaken by it, notices, and goes on with what is still there. The header
also carries the state of the audio process, the relation of its samples to the session clock and, the other way, the
listener's head: what is newest counts, and no thread or pipe lies between.
"""

import contextlib
import mmap
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import AudioDeviceError
from ..types import Pose
from .pyo_block import FloatArray

PREFIX = "tutti-audio-"
"""Of the names of rings; then comes the owner's process."""
MOST_SECTIONS = 48
"""Sections whose levels fit into the header; meters of more stay dark."""
_HEADER = np.dtype(
    [
        ("written", "i8"),
        ("rate_hz", "i8"),
        ("capacity", "i8"),
        ("clock_sequence", "i8"),
        ("clock_index", "i8"),
        ("clock_time_s", "f8"),
        ("heartbeat_s", "f8"),
        ("state", "i8"),
        ("device", "S64"),
        ("message", "S256"),
        ("xruns", "i8"),
        ("blocks", "i8"),
        ("load", "f8"),
        ("peak_load", "f8"),
        ("latency_s", "f8"),
        ("voices", "i8"),
        ("limiting_db", "f8"),
        ("broken_voices", "i8"),
        ("realtime", "i8"),
        ("head_sequence", "i8"),
        ("head", "f8", (7,)),
        ("sections", "i8"),
        ("levels", "f4", (MOST_SECTIONS, 2)),
        ("howls", "i8"),
        ("lost", "i8"),
    ]
)
_HEADER_BYTES = 1024
STATES = ("starting", "playing", "no device", "restarting", "failed", "closed")
"""``playing``: to a device. ``no device``: the clock drives, viewers and recorders hear."""
SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class AudioStatus:
    """How the audio process does. ``load`` is the share of a block's time that its computation takes (mean of the last
    second), ``latency_s`` the time from a block's computation to its sound; ``message`` says what went wrong last.
    ``limiting_db`` is what the limiter took away (≤ 0); after a peak it comes back as slowly as a meter falls.
    A microphone's ring counts its ``howls`` that were ducked, and how often the device was ``lost``.
    """

    state: str
    device: str
    message: str
    xruns: int
    blocks: int
    load: float
    peak_load: float
    latency_s: float
    voices: int
    limiting_db: float
    broken_voices: int
    realtime: bool
    rate_hz: int
    howls: int = 0
    lost: int = 0


class AudioRing:
    """Shared stereo float32 ring. ``create`` makes it (and removes it on ``close``), ``attach`` opens it by name.

    The memory is a mapped file, in memory where the system has a place for that: unlike ``SharedMemory`` before Python
    3.13, it is not removed when a process that had merely attached to it ends.
    """

    def __init__(self, path: Path, owner: bool) -> None:
        self._path = path
        self._owner = owner
        with path.open("r+b") as file:
            memory = mmap.mmap(file.fileno(), 0)
        self.header: npt.NDArray[np.void] = np.ndarray((1,), _HEADER, memory)
        capacity = int(self.header["capacity"][0])
        self._samples: FloatArray = np.ndarray((capacity, 2), np.float32, memory, offset=_HEADER_BYTES)
        self._mask = capacity - 1

    @classmethod
    def create(cls, rate_hz: int) -> "AudioRing":
        """A new ring of ``SECONDS`` or a little more. Raises ``AudioDeviceError`` where there is no room for it."""
        capacity = 1 << int(SECONDS * rate_hz - 1).bit_length()
        header = np.zeros(1, _HEADER)
        header["rate_hz"], header["capacity"] = rate_hz, capacity
        shared = Path("/dev/shm")
        folder = shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())
        if folder == shared:
            _sweep(folder)
        try:
            handle, name = tempfile.mkstemp(prefix=f"{PREFIX}{os.getpid()}-", dir=folder)
            with os.fdopen(handle, "wb") as file:
                file.write(header.tobytes())
                file.truncate(_HEADER_BYTES + 8 * capacity)
        except OSError as error:
            raise AudioDeviceError(f"no room for the audio ring in {folder} ({error.strerror})") from error
        return cls(Path(name), owner=True)

    @classmethod
    def attach(cls, name: str) -> "AudioRing":
        """The ring that another process made. Raises ``AudioDeviceError`` where it is gone."""
        try:
            return cls(Path(name), owner=False)
        except (OSError, ValueError) as error:
            raise AudioDeviceError(f"the audio ring {name} is gone: the audio process has been closed") from error

    @property
    def name(self) -> str:
        return str(self._path)

    @property
    def rate_hz(self) -> int:
        return int(self.header["rate_hz"][0])

    @property
    def written(self) -> int:
        """Index of the sample that will be written next."""
        return int(self.header["written"][0])

    def write(self, block: FloatArray) -> None:
        """Append (frames, 2); for the one writer."""
        start = self.written
        at = start & self._mask
        first = min(len(block), self._mask + 1 - at)
        self._samples[at : at + first] = block[:first]
        self._samples[: len(block) - first] = block[first:]
        self.header["written"] = start + len(block)

    def read_since(self, index: int) -> tuple[int, FloatArray]:
        """Samples from ``index`` on: (index of the first, float32 (n, 2)).

        The first is later than asked where samples were overwritten meanwhile; n is 0 where there is nothing new.
        """
        capacity = self._mask + 1
        while True:
            end = self.written
            start = min(max(index, end - capacity // 2, 0), end)
            at, count = start & self._mask, end - start
            first = min(count, capacity - at)
            block = np.concatenate([self._samples[at : at + first], self._samples[: count - first]])
            if self.written - start <= capacity - capacity // 8:
                return start, block

    def set_clock(self, index: int, time_s: float) -> None:
        """Sample ``index`` is heard at session time ``time_s``; for the one writer."""
        header = self.header
        header["clock_sequence"] += 1  # odd: being changed
        header["clock_index"], header["clock_time_s"] = index, time_s
        header["clock_sequence"] += 1

    def time_of(self, index: int) -> float:
        """Session time at which sample ``index`` is heard (in the hall where there is a sound device)."""
        for _ in range(1000):
            sequence = int(self.header["clock_sequence"][0])
            known, time_s = int(self.header["clock_index"][0]), float(self.header["clock_time_s"][0])
            if sequence % 2 == 0 and sequence == int(self.header["clock_sequence"][0]):
                break
            time.sleep(0)  # a writer that died in the middle must not hold us: what was read is off by a block at most
        return time_s + (index - known) / self.rate_hz

    def status(self) -> AudioStatus:
        """What the header says."""
        row = self.header[0]
        return AudioStatus(
            state=STATES[int(row["state"])],
            device=bytes(row["device"]).decode("utf-8", "replace"),
            message=bytes(row["message"]).decode("utf-8", "replace"),
            xruns=int(row["xruns"]),
            blocks=int(row["blocks"]),
            load=float(row["load"]),
            peak_load=float(row["peak_load"]),
            latency_s=float(row["latency_s"]),
            voices=int(row["voices"]),
            limiting_db=float(row["limiting_db"]),
            broken_voices=int(row["broken_voices"]),
            realtime=bool(row["realtime"]),
            rate_hz=int(row["rate_hz"]),
            howls=int(row["howls"]),
            lost=int(row["lost"]),
        )

    def set_head(self, head: Pose) -> None:
        """Where the listener's head is, for the writer of sound; for one thread at a time."""
        header = self.header
        header["head_sequence"] += 1  # odd: being changed
        header["head"] = (*head.position_m, *(head.orientation_wxyz or (np.nan,) * 4))
        header["head_sequence"] += 1

    def head_after(self, sequence: int) -> tuple[int, Pose | None]:
        """The head's newest pose, if there is one after ``sequence``: (its sequence, the pose). Never waits."""
        newest = int(self.header["head_sequence"][0])
        if newest == sequence or newest % 2:
            return sequence, None
        x, y, z, *turn = (float(value) for value in self.header["head"][0])
        if newest != int(self.header["head_sequence"][0]):
            return sequence, None  # the next block gets it
        w, i, j, k = turn
        return newest, Pose(0.0, "head", (x, y, z), None if np.isnan(w) else (w, i, j, k))

    def set_levels(self, peak_rms_db: FloatArray) -> None:
        """How loud sections play, (sections, 2): peak and RMS in dB relative to full scale; for the one writer."""
        count = min(len(peak_rms_db), MOST_SECTIONS)
        self.header["levels"][0, :count] = peak_rms_db[:count]
        self.header["sections"] = count

    def levels(self) -> FloatArray:
        """What ``set_levels`` was told last, a copy; no rows before that."""
        return np.array(self.header["levels"][0, : int(self.header["sections"][0])])

    def beat(self, now_s: float, patience_s: float = 0.0) -> None:
        """The writer lives at session time ``now_s``, and needs no asking for ``patience_s`` more."""
        self.header["heartbeat_s"] = now_s + patience_s

    def set_state(self, state: str, device: str | None = None, message: str | None = None) -> None:
        """Say how things are; texts are cut to fit."""
        self.header["state"] = STATES.index(state)
        if device is not None:
            self.header["device"] = device.encode()[:63]
        if message is not None:
            self.header["message"] = message.encode()[:255]

    def close(self) -> None:
        """Let go; the maker also removes the memory (readers that are attached keep theirs)."""
        self.header, self._samples = self.header.copy(), self._samples.copy()  # the mapping goes with its last view
        if self._owner:
            self._owner = False
            with contextlib.suppress(OSError):  # Windows keeps it until the last reader has gone
                self._path.unlink()


def _sweep(folder: Path) -> None:
    """Remove the rings of processes that were killed and could not."""
    for path in folder.glob(f"{PREFIX}*-*"):
        owner = path.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            path.unlink(missing_ok=True)
