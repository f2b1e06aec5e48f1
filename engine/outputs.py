"""Where results go: tried before the work begins, so that nobody waits for what cannot be kept.

Trying a place leaves nothing there, so that work which is refused after it leaves no empty folder; who writes makes the
folder."""

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .errors import OutputError


def check_folder(folder: Path) -> None:
    """See that a folder is there or can be made, and files in it. Raises ``OutputError``."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        make_folder(folder)
    finally:
        with contextlib.suppress(OSError):  # not made after all, or no longer empty: then it is not ours to remove
            for place in made:
                place.rmdir()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, and see that files can be made in it. Raises ``OutputError``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputError(f"{folder}: a file is where the folder should be; choose another folder") from error
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written to ({error.strerror}); choose another folder") from error


def check_file(path: Path, inputs: Iterable[Path | str | None] = ()) -> None:
    """See that a file can be written, and is none of the ``inputs`` that the work reads. Raises ``OutputError``."""
    for read in inputs:
        if read is not None and path.exists() and Path(read).exists() and path.samefile(read):
            raise OutputError(f"{path}: is read here, and would be written over; choose another name")
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file in it")
    if path.is_file() or not path.exists():  # others, like a pipe, have no need of room beside them
        check_folder(path.parent)
    if path.exists() and not os.access(path, os.W_OK):
        raise OutputError(f"{path}: is there and may not be changed; choose another name")
