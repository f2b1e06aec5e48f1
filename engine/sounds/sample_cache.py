"""Prepared samples on disk: one file each, mapped rather than read.

A file is the magic, the header's length (uint32) and CRC (uint32), the header in JSON, zeros up to a multiple of 64
bytes, then the waveform in float32, little-endian. It is written under another name and renamed, so that a reader never
meets half of one; a file that is cut, zeroed or otherwise not what its header says is taken for missing.
"""

import json
import logging
import os
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .sound_set import Sample

_MAGIC = b"TUTTIsm1"
_ALIGNMENT = 64
_CHECKED_BYTES = 4096
_CHECKED_EVERY = 65536
_FIELDS = ("rate_hz", "root_pitch", "loop_start", "loop_end", "level_db", "vibrato_cents")

_log = logging.getLogger(__name__)


def read_sample(path: Path) -> Sample | None:
    """The sample in a cache file, its waveform mapped read-only; None where there is none or it is damaged."""
    try:
        with path.open("rb") as file:
            magic, length, crc = struct.unpack("<8sII", file.read(16))
            header = file.read(length)
            if magic != _MAGIC or zlib.crc32(header) != crc:
                raise ValueError("header")
            fields = json.loads(header)
            offset = _aligned(16 + length)
            if os.fstat(file.fileno()).st_size != offset + 4 * fields["frames"]:
                raise ValueError("size")
            data = np.memmap(file, np.dtype("<f4"), "r", offset, (fields["frames"],)).view(np.ndarray)
        if _checksum(data) != fields["checksum"]:
            raise ValueError("content")
        return Sample(data=data, **{name: fields[name] for name in _FIELDS})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        _log.warning("%s: damaged sound cache (%s), made again", path, error)
        return None


def write_sample(path: Path, sample: Sample) -> None:
    """Puts a sample on disk in one step; ``OSError`` where that fails (full disk, no permission)."""
    data = np.ascontiguousarray(sample.data, "<f4")
    fields = {name: getattr(sample, name) for name in _FIELDS}
    header = json.dumps(fields | {"frames": data.size, "checksum": _checksum(data)}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(struct.pack("<8sII", _MAGIC, len(header), zlib.crc32(header)) + header)
            file.write(bytes(_aligned(16 + len(header)) - 16 - len(header)))
            file.write(data.tobytes())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _aligned(position: int) -> int:
    return -(-position // _ALIGNMENT) * _ALIGNMENT


def _checksum(data: npt.NDArray[np.float32]) -> int:
    """CRC of the first page of every 64 KiB and of the last one: cheap enough for every start, and what a crash or a
    full disk does to a file shows in it."""
    content = data.data.cast("B")
    crc = 0
    for start in range(0, content.nbytes, _CHECKED_EVERY):
        crc = zlib.crc32(content[start : start + _CHECKED_BYTES], crc)
    return zlib.crc32(content[-_CHECKED_BYTES:], crc)
