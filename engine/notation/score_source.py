"""Finding a score by file name or corpus name, and reading its bytes within limits.

Kept apart from the reader and light to import: opening a cached score must not import music21.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from ...assets import asset_path
from ..errors import ScoreError
from .score_limits import MAX_FILE_BYTES, MAX_TEXT_BYTES

Progress = Callable[[str, float], None]
"""Called with what is going on and how far it is, 0–1."""

XML_SUFFIXES = (".musicxml", ".xml", ".mxl")
MIDI_SUFFIXES = (".mid", ".midi")
TEXT_SUFFIXES = (".abc", ".krn")
SUFFIXES = XML_SUFFIXES + MIDI_SUFFIXES + TEXT_SUFFIXES
_CORPUS_SUFFIXES = (".mxl", ".xml", ".musicxml", ".krn", ".abc", ".mid", ".rntxt", ".md", ".capx")


def library_folder() -> Path:
    """Where this user's imported scores are."""
    from platformdirs import user_data_path

    return user_data_path("tutti", "tutti") / "scores"


def find_score(source: str | Path, library: Path | None = None) -> Path:
    """Path of a score: a file, one that ships with Tutti (``concert``), one of the user's library, or of the corpus.

    ``library`` is the folder of imported scores (default: the user's); they are known by file name with or without
    suffix, corpus pieces as music21 names them ("bach/bwv66.6"). Raises ``ScoreError`` where there is none, or where it
    is a folder or of an unknown kind.
    """
    path = Path(source).expanduser()
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES and not _in_corpus(path):
            raise ScoreError(
                f"{path}: a score is one of {', '.join(SUFFIXES)}; export it as MusicXML from your notation program"
            )
        return path
    name = str(source).strip()
    shipped = asset_path("scores", f"{name}.musicxml")
    if name and "/" not in name and "\\" not in name:
        if shipped.is_file():
            return shipped
        imported = _find_in_library(name, library or library_folder())
        if imported is not None:
            return imported
    found = _find_in_corpus(name)
    if found is None and path.is_dir():
        raise ScoreError(f"{path}: is a folder; name a score in it")
    if found is None:
        raise ScoreError(f"{source}: no such file, and no score of that name in the library or in music21's corpus")
    return found


def _find_in_library(name: str, folder: Path) -> Path | None:
    for candidate in (folder / name, *(folder / f"{name}{suffix}" for suffix in SUFFIXES)):
        if candidate.suffix.lower() in SUFFIXES and candidate.is_file():
            return candidate
    return None


def corpus_folder() -> Path | None:
    """music21's corpus on this machine; None where it was installed without."""
    spec = importlib.util.find_spec("music21")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / "corpus"
    return folder if folder.is_dir() else None


def _in_corpus(path: Path) -> bool:
    folder = corpus_folder()
    return folder is not None and path.suffix.lower() in _CORPUS_SUFFIXES and path.resolve().is_relative_to(folder)


def _find_in_corpus(name: str) -> Path | None:
    folder = corpus_folder()
    parts = Path(name).parts
    if folder is None or not parts or Path(name).is_absolute() or ".." in parts:
        return None
    exact = folder.joinpath(*parts)
    if exact.is_file() and exact.suffix.lower() in _CORPUS_SUFFIXES:
        return exact
    for suffix in _CORPUS_SUFFIXES:
        candidate = exact.with_name(exact.name + suffix)
        if candidate.is_file():
            return candidate
    if exact.is_dir():  # a work of several movements: its first
        movements = sorted(file for file in exact.iterdir() if file.suffix.lower() in _CORPUS_SUFFIXES)
        return movements[0] if movements and len(parts) > 1 else None
    return None


def read_bytes(path: Path) -> bytes:
    """The file's content, refused when empty or over the limit for its kind. Raises ``ScoreError``."""
    limit = MAX_TEXT_BYTES if path.suffix.lower() in TEXT_SUFFIXES else MAX_FILE_BYTES
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ScoreError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not data.strip():
        raise ScoreError(f"{path}: is empty")
    if len(data) > limit:
        raise ScoreError(f"{path}: over {limit >> 20} MB, too large for a score of this kind; split it into movements")
    return data
