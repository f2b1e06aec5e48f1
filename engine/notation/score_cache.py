"""Compiled scores on disk, so that reopening a symphony takes milliseconds.

A file per score, named by the hash of its content and the compiler's version: a changed file or a newer Tutti never
meets a stale entry. The format is a checksum and a NumPy archive (arrays and one JSON text, no pickles). Anything wrong
with an entry means that the score is read anew from its source. Nothing here imports music21.
"""

import hashlib
import io
import json
import logging
import os
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import ScoreError
from ..score import BEAT_DTYPE, FERMATA_DTYPE, MEASURE_DTYPE, NOTE_DTYPE, PEDAL_DTYPE, TEMPO_DTYPE, Part, Score
from .score_source import Progress, find_score, read_bytes
from .score_version import COMPILER_VERSION

log = logging.getLogger(__name__)

_ARRAYS = {
    "notes": NOTE_DTYPE,
    "measures": MEASURE_DTYPE,
    "beats": BEAT_DTYPE,
    "tempos": TEMPO_DTYPE,
    "fermatas": FERMATA_DTYPE,
    "pedals": PEDAL_DTYPE,
}
_MAX_ENTRIES = 400
_CHECKSUM_BYTES = 16


def default_cache_folder() -> Path:
    """Where compiled scores are kept for this user."""
    from platformdirs import user_cache_path

    return user_cache_path("tutti", "tutti") / "scores"


def open_score(source: str | Path, cache_dir: Path | None = None, progress: Progress | None = None) -> Score:
    """A compiled score, from the cache where it is there, else read (``score_reader.read_score``) and kept.

    ``source`` is a file or a corpus name; ``cache_dir`` defaults to the user's cache. A corrupt entry is rebuilt and a
    folder that cannot be written is done without, both with a logged line. A score without a title is called as its
    file is. Raises ``ScoreError``.
    """
    path = find_score(source)
    data = read_bytes(path)
    folder = default_cache_folder() if cache_dir is None else Path(cache_dir)
    digest = hashlib.sha256(data).hexdigest()
    kind = path.suffix.lower().lstrip(".")
    entry = folder / f"{digest[:40]}-{kind}-{COMPILER_VERSION}.score"
    score = _load(entry, digest)
    if score is None:
        from .score_reader import read_score_bytes

        score = read_score_bytes(data, path, progress)
        _store(entry, score)
    return score if score.title else replace(score, title=path.stem)


def pack_score(score: Score) -> bytes:
    """A compiled score as bytes; ``unpack_score`` reads them."""
    header = {
        "title": score.title,
        "composer": score.composer,
        "sha256": score.sha256,
        "parts": [
            [part.name, part.abbreviation, part.instrument, part.players, part.doublings] for part in score.parts
        ],
        "rehearsal": score.rehearsal,
        "markings": score.markings,
        "tempo_unit_quarters": score.tempo_unit_quarters,
    }
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, header=text, **{name: getattr(score, name) for name in _ARRAYS})
    archive = buffer.getvalue()
    return _checksum(archive) + archive


def _checksum(archive: bytes) -> bytes:
    return hashlib.blake2b(archive, digest_size=_CHECKSUM_BYTES).digest()


def unpack_score(data: bytes) -> Score:
    """Read what ``pack_score`` wrote. Raises ``ScoreError`` where it is damaged."""
    content = data[_CHECKSUM_BYTES:]
    if data[:_CHECKSUM_BYTES] != _checksum(content):
        raise ScoreError("a compiled score is damaged (its checksum is wrong)")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            header = json.loads(bytes(archive["header"]))
            arrays = {name: archive[name] for name in _ARRAYS}
        for name, dtype in _ARRAYS.items():
            if arrays[name].dtype != dtype or arrays[name].ndim != 1:
                raise ValueError(f"{name} has another layout")
            arrays[name].setflags(write=False)
        if not len(arrays["measures"]) or not len(arrays["beats"]) or not len(arrays["tempos"]):
            raise ValueError("it is empty")
        return Score(
            title=header["title"],
            composer=header["composer"],
            sha256=header["sha256"],
            parts=tuple(
                Part(name, abbreviation, instrument, players, tuple(doublings))
                for name, abbreviation, instrument, players, doublings in header["parts"]
            ),
            rehearsal=tuple((float(quarter), str(text)) for quarter, text in header["rehearsal"]),
            markings=tuple((float(quarter), str(text)) for quarter, text in header["markings"]),
            tempo_unit_quarters=tuple(map(float, header["tempo_unit_quarters"])),
            **arrays,
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise ScoreError(f"a compiled score is damaged ({error})") from error


def _load(entry: Path, digest: str) -> Score | None:
    try:
        data = entry.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("compiled score %s cannot be read (%s); the score is read anew", entry.name, error)
        return None
    try:
        score = unpack_score(data)
    except ScoreError as error:
        log.warning("compiled score %s: %s; the score is read anew", entry.name, error)
        return None
    if score.sha256 != digest:
        log.warning("compiled score %s belongs to another file; the score is read anew", entry.name)
        return None
    return score


def _store(entry: Path, score: Score) -> None:
    """Write through a temporary file and rename, so that a reader never sees half of one."""
    temporary: str | None = None
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=entry.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(pack_score(score))
        Path(temporary).replace(entry)
        temporary = None
        _prune(entry.parent)
    except OSError as error:
        log.warning(
            "the compiled score cannot be kept in %s (%s); it will be read again next time", entry.parent, error
        )
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _prune(folder: Path) -> None:
    """Keep the newest entries."""
    entries = sorted(folder.glob("*.score"), key=lambda file: file.stat().st_mtime, reverse=True)
    for entry in entries[_MAX_ENTRIES:]:
        entry.unlink(missing_ok=True)
