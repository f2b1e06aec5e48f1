"""Writing a WAV file as it happens: readable at every moment, whatever becomes of the writer."""

import struct
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from ..errors import SoundError
from .pyo_block import FloatArray

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_LARGEST_BYTES = 0xFFFFFFFF - 64
_REFRESH_FRAMES = 48000


class WavWriter:
    """24-bit PCM WAV (RIFF). The header is brought up to date every second of audio, so that a crash leaves a file
    that lacks that second at most. Raises ``SoundError`` where the file cannot be written or outgrows 4 GB.
    """

    def __init__(self, path: Path, rate_hz: int, channels: int = 2) -> None:
        self.path = path
        self.frames = 0
        self.rate_hz, self._channels = rate_hz, channels
        self._stale_frames = 0
        try:
            self._file: BinaryIO = path.open("wb")
            self._write_header()
        except OSError as error:
            raise SoundError(f"{path}: cannot write the audio file ({error.strerror})") from error

    def write(self, audio: FloatArray) -> None:
        """Append (frames, channels) of full scale ±1; what is beyond is clipped."""
        scaled = np.clip(np.rint(audio * 8388608.0), -8388608, 8388607).astype("<i4")
        packed = np.ascontiguousarray(scaled).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
        if self._file.tell() + len(packed) > _LARGEST_BYTES:
            raise SoundError(f"{self.path}: a WAV file holds no more than 4 GB; write a shorter performance")
        try:
            self._file.write(packed)
            self.frames += len(audio)
            self._stale_frames += len(audio)
            if self._stale_frames >= _REFRESH_FRAMES:
                self._refresh()
        except OSError as error:
            raise SoundError(f"{self.path}: cannot write the audio file ({error.strerror})") from error

    def close(self) -> None:
        """Finish the file; may be called twice."""
        if self._file.closed:
            return
        try:
            if self.frames * self._channels % 2:
                self._file.write(b"\0")  # chunks are padded to an even length
            self._refresh()
        except OSError as error:
            raise SoundError(f"{self.path}: cannot write the audio file ({error.strerror})") from error
        finally:
            self._file.close()

    def __enter__(self) -> "WavWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _refresh(self) -> None:
        self._file.flush()
        self._file.seek(0)
        self._write_header()
        self._file.seek(0, 2)
        self._stale_frames = 0

    def _write_header(self) -> None:
        frame_bytes = 3 * self._channels
        data_bytes = self.frames * frame_bytes
        self._file.write(
            _HEADER.pack(
                b"RIFF",
                _HEADER.size - 8 + data_bytes + data_bytes % 2,
                b"WAVE",
                b"fmt ",
                16,
                1,
                self._channels,
                self.rate_hz,
                self.rate_hz * frame_bytes,
                frame_bytes,
                24,
                b"data",
                data_bytes,
            )
        )
        self._file.flush()
