"""The user's library of scores: a folder that pieces are imported into, plus what ships with Tutti.

Functions return values; the command line and the page show them.
"""

import logging
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..assets import asset_path
from ..engine.errors import ScoreError
from ..engine.score import Score
from ..engine.score_cache import open_score
from ..engine.score_source import SUFFIXES, corpus_folder, find_score

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """A score in the library. ``name`` is what ``resolve`` and the command line take; ``origin`` says whose it is."""

    name: str
    path: Path
    origin: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PartSummary:
    """A part of a score: its printed name, instrument, players (0: a section), notes and sounding range."""

    name: str
    instrument: str
    players: int
    notes: int
    lowest: int
    highest: int


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """What one wants to know of a score before conducting it.

    ``duration_s`` is at the marked tempi, without fermatas; ``meters`` and ``beats_in_measure`` are in order of first
    appearance, ``tempos_quarter_bpm`` the marked ones in order.
    """

    name: str
    title: str
    composer: str
    measures: int
    quarters: float
    beats: int
    duration_s: float
    meters: tuple[str, ...]
    beats_in_measure: tuple[int, ...]
    tempos_quarter_bpm: tuple[float, ...]
    markings: tuple[str, ...]
    notes: int
    parts: tuple[PartSummary, ...]


def default_library_folder() -> Path:
    """Where this user's scores are."""
    from platformdirs import user_data_path

    return user_data_path("tutti", appauthor=False) / "scores"


def list_scores(folder: Path | None = None) -> list[LibraryEntry]:
    """What ships with Tutti and what the user imported, by name; an unreadable folder counts as empty."""
    entries = [_entry(path, "built in") for path in sorted(asset_path("scores").glob("*.musicxml"))]
    own = default_library_folder() if folder is None else Path(folder)
    try:
        files = sorted(path for path in own.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    except FileNotFoundError:
        files = []
    except OSError as error:
        log.warning("the library %s cannot be read (%s)", own, error)
        files = []
    return entries + [_entry(path, "imported") for path in files]


def _entry(path: Path, origin: str) -> LibraryEntry:
    return LibraryEntry(path.stem, path, origin, path.stat().st_size)


def list_corpus(contains: str = "", limit: int = 200) -> list[str]:
    """Names in music21's corpus that contain a text, ready for ``resolve``."""
    folder = corpus_folder()
    if folder is None:
        return []
    wanted = contains.lower()
    names = set()
    for path in folder.rglob("*"):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            name = path.relative_to(folder).with_suffix("").as_posix()
            if wanted in name.lower():
                names.add(name)
    return sorted(names)[:limit]


def resolve(name: str | Path, folder: Path | None = None) -> Path:
    """The file of a score named by path, by its name in the library, or by its name in the corpus.

    Raises ``ScoreError`` where there is none.
    """
    if not Path(name).expanduser().is_file():
        for entry in list_scores(folder):
            if str(name) in (entry.name, entry.path.name):
                return entry.path
    return find_score(name)


def summarise(score: Score, name: str) -> ScoreSummary:
    """The summary of a compiled score."""
    parts = []
    for index, part in enumerate(score.parts):
        pitches = score.notes["pitch"][score.notes["part"] == index]
        lowest, highest = (int(pitches.min()), int(pitches.max())) if len(pitches) else (0, 0)
        parts.append(PartSummary(part.name, part.instrument, part.players, len(pitches), lowest, highest))
    meters = [f"{row['numerator']}/{row['denominator']}" for row in score.measures]
    return ScoreSummary(
        name=name,
        title=score.title,
        composer=score.composer,
        measures=len(score.measures),
        quarters=score.end_quarter,
        beats=len(score.beats),
        duration_s=marked_duration_s(score),
        meters=tuple(dict.fromkeys(meters)),
        beats_in_measure=tuple(dict.fromkeys(int(count) for count in score.beats["beats_in_measure"])),
        tempos_quarter_bpm=tuple(float(row["quarter_bpm"]) for row in score.tempos),
        markings=tuple(dict.fromkeys(text for _quarter, text in score.markings)),
        notes=len(score.notes),
        parts=tuple(parts),
    )


def marked_duration_s(score: Score) -> float:
    """How long the score lasts at its marked tempi, in seconds."""
    starts = score.tempos["quarter"]
    lengths = np.diff(np.append(starts, score.end_quarter))
    return float(np.sum(np.maximum(lengths, 0.0) * 60.0 / score.tempos["quarter_bpm"]))


def show_score(name: str | Path, folder: Path | None = None, cache_dir: Path | None = None) -> ScoreSummary:
    """Open a score and summarise it. Raises ``ScoreError``."""
    path = resolve(name, folder)
    return summarise(open_score(path, cache_dir), path.stem)


def import_score(source: str | Path, folder: Path | None = None, cache_dir: Path | None = None) -> LibraryEntry:
    """Check that a score can be read and copy it into the library; importing it again changes nothing.

    A different file of the same name gets a number behind its name. Raises ``ScoreError`` where the file is no good or
    the library cannot be written.
    """
    path = find_score(source)
    open_score(path, cache_dir)
    own = default_library_folder() if folder is None else Path(folder)
    stem = re.sub(r"[^\w.() -]+", "_", path.stem).strip(" .") or "score"
    content = path.read_bytes()
    try:
        own.mkdir(parents=True, exist_ok=True)
        target = own / f"{stem}{path.suffix.lower()}"
        number = 2
        while target.exists():
            if target.read_bytes() == content:
                return _entry(target, "imported")
            target = own / f"{stem} ({number}){path.suffix.lower()}"
            number += 1
        with tempfile.TemporaryDirectory(dir=own, prefix=".import-") as scratch:
            copy = Path(scratch) / "copy"
            shutil.copyfile(path, copy)
            copy.replace(target)
    except OSError as error:
        raise ScoreError(
            f"{path.name}: cannot be copied into {own} ({error.strerror or error}); free space?"
        ) from error
    return _entry(target, "imported")
