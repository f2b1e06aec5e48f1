"""Arrays that take long to compute, kept on disk: mapped on the next start, so that processes share their memory.

A cache that cannot be written costs the computing time on the next start and nothing else.
"""

import contextlib
import os
import tempfile
from pathlib import Path

import numpy as np
import platformdirs

from .pyo_block import FloatArray


def cache_folder(kind: str) -> Path:
    """Where arrays of a kind are kept for this user."""
    return Path(platformdirs.user_cache_dir("tutti")) / kind


def read_array(path: Path) -> FloatArray | None:
    """A mapped float32 array, read-only; None where there is none that can be read."""
    try:
        array = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    return np.asarray(array) if array.dtype == np.float32 else None


def write_array(path: Path, array: FloatArray, keep: int | None = None) -> None:
    """Put an array on disk in one step. Of the files of its folder, the newest ``keep`` stay."""
    with contextlib.suppress(OSError):  # what cannot be kept is computed again
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            np.save(file, array)
        Path(part).replace(path)
        if keep is not None:
            for old in sorted(path.parent.glob("*.npy"), key=lambda file: file.stat().st_mtime)[:-keep]:
                old.unlink(missing_ok=True)
