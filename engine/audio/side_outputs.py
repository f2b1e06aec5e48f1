"""What is written beside the binaural file: other formats, and the sections one by one.

They are captured from the same run, before the limiter, with the same programme gain. A file whose peak would pass the
ceiling is brought under it as a whole; stems share that gain, so that they still add up to the mix.
"""

import re
import struct
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

import numpy as np

from ..errors import SoundError
from ..types import Quaternion
from ..units import db_to_gain
from .hrtf import LEAD, HrtfGrid
from .pyo_block import FloatArray
from .reverb import LateReverb
from .room import Room
from .spatial import SourceField, SpatialStage, StreamRing
from .surround import MASK_STEREO, PannedStage, late_channels, layout_named

_PIECE = 8192
_PCM_GUID = struct.pack("<IHH8s", 1, 0, 0x10, bytes.fromhex("800000aa00389b71"))
"""KSDATAFORMAT_SUBTYPE_PCM."""


class SideOutput(Protocol):
    """Something that renders the ring besides the ears. All methods run in the renderer's thread."""

    def place(self, field: SourceField) -> None:
        """Where the sources go from the next block on."""

    def process(self, ring: StreamRing, send: FloatArray, hall: FloatArray, gain: FloatArray) -> None:
        """Take the current block in: the ring with its buses mixed, what the hall is sent (block,), what it answers to
        the ears (2, block), and the programme's gain (block,)."""

    def finish(self, frames: int, gain_db: float, ceiling_db: float) -> list[Path]:
        """Write what came of it, ``frames`` long: the files."""

    def close(self) -> None:
        """Free what is held."""


class FormatOutput:
    """One format into one file."""

    def __init__(
        self,
        path: Path,
        name: str,
        room: Room,
        grid: HrtfGrid,
        rate_hz: int,
        block: int,
        fade: int,
        seed: int,
        ahead_wxyz: Quaternion = (1.0, 0.0, 0.0, 0.0),
    ) -> None:
        layout = layout_named(name)
        self._path, self._layout, self._rate_hz = path, layout, rate_hz
        self._stage = PannedStage(layout, ahead_wxyz, rate_hz, grid.fft_size, block, fade)
        self._reverb = LateReverb(room, rate_hz, block, seed, late_channels(layout, room, rate_hz, seed))
        self._captured = _Capture(layout.channels)

    def place(self, field: SourceField) -> None:
        self._stage.place(field)

    def process(self, ring: StreamRing, send: FloatArray, hall: FloatArray, gain: FloatArray) -> None:
        self._captured.add((self._stage.process(ring) + self._reverb.process(send)) * gain)

    def finish(self, frames: int, gain_db: float, ceiling_db: float) -> list[Path]:
        gain = self._captured.gain_under(gain_db, ceiling_db)
        pieces = (piece * gain for piece in self._captured.pieces(frames))
        write_wave(self._path, pieces, self._rate_hz, self._layout.channels, frames, self._layout.mask)
        return [self._path]

    def close(self) -> None:
        self._reverb.close()
        self._captured.close()


class StemsOutput:
    """Each section as the ears hear it with its reflections, and the late hall of all: they add up to the mix.

    The fields must keep sections apart (``FieldBuilder``'s ``by_section``).
    """

    HALL = "hall"

    def __init__(
        self, folder: Path, sections: Sequence[str], grid: HrtfGrid, rate_hz: int, block: int, fade: int
    ) -> None:
        self._folder, self._rate_hz = folder, rate_hz
        self._names = _file_names([*sections, self.HALL])
        self._stage = SpatialStage(grid, block, fade, groups=len(sections), mixes=False)
        self._captured = _Capture(2 * len(self._names))

    def place(self, field: SourceField) -> None:
        self._stage.place(field)

    def process(self, ring: StreamRing, send: FloatArray, hall: FloatArray, gain: FloatArray) -> None:
        self._captured.add(np.concatenate([self._stage.process(ring), hall]) * gain)

    def finish(self, frames: int, gain_db: float, ceiling_db: float) -> list[Path]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SoundError(f"{self._folder}: cannot be made ({error.strerror})") from error
        gain = self._captured.gain_under(gain_db, ceiling_db)
        paths = []
        for number, name in enumerate(self._names):
            columns = slice(2 * number, 2 * number + 2)
            pieces = (piece[:, columns] * gain for piece in self._captured.pieces(frames))
            paths.append(self._folder / f"{name}.wav")
            write_wave(paths[-1], pieces, self._rate_hz, 2, frames, MASK_STEREO)
        return paths

    def close(self) -> None:
        self._captured.close()


OutputMaker = Callable[[Sequence[str], HrtfGrid, Room, int, int, int, int, Quaternion], Sequence[SideOutput]]


def output_maker(formats: Mapping[str, Path], stems: Path | None) -> OutputMaker:
    """What makes the outputs of a render once its renderer is there. Raises ``SoundError`` for an unknown format."""
    for name in formats:
        layout_named(name)

    def make(
        sections: Sequence[str],
        grid: HrtfGrid,
        room: Room,
        rate_hz: int,
        block: int,
        fade: int,
        seed: int,
        ahead_wxyz: Quaternion,
    ) -> Sequence[SideOutput]:
        made: list[SideOutput] = [
            FormatOutput(path, name, room, grid, rate_hz, block, fade, seed, ahead_wxyz)
            for name, path in formats.items()
        ]
        if stems is not None:
            made.append(StemsOutput(stems, sections, grid, rate_hz, block, fade))
        return made

    return make


class _Capture:
    """Blocks of many channels on disk, and their peak; the first ``LEAD`` samples, before session time 0, are left
    out."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="tutti-")  # noqa: SIM115 (closed by close)
        self._skip = LEAD
        self._peak = 0.0

    def add(self, block: FloatArray) -> None:
        """(channels, block)."""
        kept = block[:, self._skip :]
        self._skip = max(0, self._skip - block.shape[1])
        self._peak = max(self._peak, float(np.abs(kept).max(initial=0.0)))
        self._file.write(np.ascontiguousarray(kept.T, np.float32).tobytes())

    def gain_under(self, gain_db: float, ceiling_db: float) -> float:
        """``gain_db``, or less where the peak would pass the ceiling, as an amplitude."""
        gain, ceiling = db_to_gain(gain_db), db_to_gain(ceiling_db)
        return min(gain, ceiling / self._peak) if self._peak > 0.0 else gain

    def pieces(self, frames: int) -> Iterator[FloatArray]:
        """``frames`` samples, (samples, channels) at a time; silence where there are not so many."""
        self._file.seek(0)
        for start in range(0, frames, _PIECE):
            count = min(_PIECE, frames - start)
            read = np.frombuffer(self._file.read(4 * count * self._channels), np.float32).reshape(-1, self._channels)
            piece = np.zeros((count, self._channels), np.float32)
            piece[: len(read)] = read
            yield piece
        self._file.seek(0, 2)

    def close(self) -> None:
        self._file.close()


def write_wave(
    path: Path, pieces: Iterator[FloatArray], rate_hz: int, channels: int, frames: int, channel_mask: int
) -> None:
    """24-bit PCM as WAVEFORMATEXTENSIBLE, which says what loudspeaker each channel is for (``channel_mask``, 0 for
    none, as Ambisonics has it). Raises ``SoundError`` where it cannot be written or is too long for a WAV file."""
    frame_bytes = 3 * channels
    data_bytes = frames * frame_bytes
    if data_bytes > 0xFFFFFFFF - 128:
        raise SoundError(f"{path}: a WAV file holds no more than 4 GB; write a shorter performance or fewer channels")
    layout = struct.pack("<HHIIHH", 0xFFFE, channels, rate_hz, rate_hz * frame_bytes, frame_bytes, 24)
    layout += struct.pack("<HHI", 22, 24, channel_mask) + _PCM_GUID
    try:
        with path.open("wb") as file:
            file.write(struct.pack("<4sI4s4sI", b"RIFF", 60 + data_bytes + data_bytes % 2, b"WAVE", b"fmt ", 40))
            file.write(layout + struct.pack("<4sI", b"data", data_bytes))
            for piece in pieces:
                scaled = np.clip(np.rint(piece * 8388608.0), -8388608, 8388607).astype("<i4")
                file.write(np.ascontiguousarray(scaled).view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
            file.write(b"\0" * (data_bytes % 2))
    except OSError as error:
        raise SoundError(f"{path}: cannot write the audio file ({error.strerror})") from error


def _file_names(names: Sequence[str]) -> list[str]:
    """Names as files can be called, each once."""
    result: list[str] = []
    for name in names:
        plain = re.sub(r"[^\w.-]+", "-", name.strip()).strip("-.").lower() or "section"
        number = sum(other == plain or re.fullmatch(re.escape(plain) + r"-\d+", other) is not None for other in result)
        result.append(plain if not number else f"{plain}-{number + 1}")
    return result
