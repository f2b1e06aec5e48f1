"""The user's library of scores: what ships with Tutti, and a folder that pieces are imported into.

Functions return values; the command line and the page show them.
"""

import dataclasses
import itertools
import logging
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..assets import asset_path
from ..engine.errors import ScoreError
from ..engine.notation.score_cache import open_score
from ..engine.notation.score_source import SUFFIXES, corpus_folder, find_score, library_folder
from ..engine.score import Score
from ..engine.units import note_value_name

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """A score in the library. ``name`` is what commands take; ``origin`` is "built in" or "imported"."""

    name: str
    title: str
    composer: str
    origin: str
    path: Path

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"path": str(self.path)}


@dataclass(frozen=True, slots=True)
class PartSummary:
    """A part of a score: its printed name, instrument, players (0: a section), notes, sounding MIDI range, and what
    the players also play."""

    name: str
    instrument: str
    players: int
    notes: int
    lowest: int
    highest: int
    doublings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """What one wants to know of a score before conducting it.

    ``duration_s`` is at the marked tempi, without fermatas; ``meters`` and ``beats_in_measure`` (the conductor's) are
    in order of first appearance. ``tempo_unit_quarters`` is the note value in which each tempo is told, in quarters:
    the printed one, else the conductor's beat.
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
    tempo_unit_quarters: tuple[float, ...]
    markings: tuple[str, ...]
    notes: int
    parts: tuple[PartSummary, ...]

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def as_text(self) -> str:
        """A few lines for people."""
        minutes, seconds = divmod(round(self.duration_s), 60)
        lines = [
            " · ".join(text for text in (self.title or self.name, self.composer) if text),
            f"{self.measures} measures as played, {minutes}:{seconds:02d} at the marked tempo, {self.notes} notes",
            f"meter {', '.join(self.meters)}, beaten in {', '.join(str(count) for count in self.beats_in_measure)}",
            self._tempos_as_text(),
        ]
        for part in self.parts:
            players = "section" if part.players == 0 else f"{part.players} player{'s' if part.players > 1 else ''}"
            played = " and ".join((part.instrument, *part.doublings))
            lines.append(f"  {part.name}: {played}, {players}, {part.notes} notes")
        return "\n".join(lines)

    def _tempos_as_text(self, most: int = 8) -> str:
        """``dotted quarter = 60 72, half = 80``."""
        marks = list(zip(self.tempo_unit_quarters, self.tempos_quarter_bpm, strict=True))
        told = [
            f"{note_value_name(unit)} = {' '.join(f'{bpm / unit:.0f}' for _, bpm in same)}"
            for unit, same in itertools.groupby(marks[:most], key=lambda mark: mark[0])
        ]
        return ", ".join(told) + (" …" if len(marks) > most else "")


def list_scores(folder: Path | None = None, cache_dir: Path | None = None) -> list[LibraryEntry]:
    """What ships with Tutti and what the user imported, by name. A score that no longer reads is listed untitled."""
    built_in = sorted(asset_path("scores").glob("*.musicxml"))
    own = library_folder() if folder is None else Path(folder)
    try:
        imported = sorted(path for path in own.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    except FileNotFoundError:
        imported = []
    except OSError as error:
        log.warning("the library %s cannot be read (%s)", own, error)
        imported = []
    entries = [_entry(path, "built in", cache_dir) for path in built_in]
    return entries + [_entry(path, "imported", cache_dir) for path in imported]


def _entry(path: Path, origin: str, cache_dir: Path | None) -> LibraryEntry:
    try:
        score = open_score(path, cache_dir)
    except ScoreError as error:
        log.warning("%s", error)
        return LibraryEntry(path.stem, "", "", origin, path)
    return LibraryEntry(path.stem, score.title, score.composer, origin, path)


def list_corpus(contains: str = "", limit: int = 200) -> list[str]:
    """Names in music21's corpus that contain a text, as ``engine.notation.score_source.find_score`` takes them."""
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


def summarise(score: Score, name: str) -> ScoreSummary:
    """The summary of a compiled score."""
    parts = []
    for index, part in enumerate(score.parts):
        pitches = score.notes["pitch"][score.notes["part"] == index]
        lowest, highest = (int(pitches.min()), int(pitches.max())) if len(pitches) else (0, 0)
        parts.append(
            PartSummary(part.name, part.instrument, part.players, len(pitches), lowest, highest, part.doublings)
        )
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
        tempo_unit_quarters=_tempo_units(score),
        markings=tuple(dict.fromkeys(text for _quarter, text in score.markings)),
        notes=len(score.notes),
        parts=tuple(parts),
    )


def _tempo_units(score: Score) -> tuple[float, ...]:
    at = np.searchsorted(score.beats["quarter"], score.tempos["quarter"] + 1e-6, side="right") - 1
    beats = score.beats["duration_quarter"][np.maximum(0, at)].tolist()
    printed = score.tempo_unit_quarters or (0.0,) * len(beats)
    return tuple(unit or beat for unit, beat in zip(printed, beats, strict=True))


def marked_duration_s(score: Score) -> float:
    """How long the score lasts at its marked tempi, in seconds."""
    lengths = np.diff(np.append(score.tempos["quarter"], score.end_quarter))
    return float(np.sum(np.maximum(lengths, 0.0) * 60.0 / score.tempos["quarter_bpm"]))


def show_score(source: str | Path, folder: Path | None = None, cache_dir: Path | None = None) -> ScoreSummary:
    """Open a score by file, library or corpus name and summarise it. Raises ``ScoreError``."""
    path = find_score(source, folder)
    return summarise(open_score(path, cache_dir), path.stem)


def import_score(source: str | Path, folder: Path | None = None, cache_dir: Path | None = None) -> LibraryEntry:
    """Check that a score can be read and copy it into the library; importing it again changes nothing.

    A different file of the same name gets a number behind its name. Raises ``ScoreError`` where the file is no good or
    the library cannot be written.
    """
    path = find_score(source, folder)
    open_score(path, cache_dir)
    own = library_folder() if folder is None else Path(folder)
    stem = re.sub(r"[^\w.() -]+", "_", path.stem).strip(" .") or "score"
    try:
        content = path.read_bytes()
        own.mkdir(parents=True, exist_ok=True)
        target = own / f"{stem}{path.suffix.lower()}"
        number = 2
        while target.exists():
            if target.read_bytes() == content:
                return _entry(target, "imported", cache_dir)
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
    return _entry(target, "imported", cache_dir)
