"""From scores to training pieces of four voices on the grid, split by work so that nothing leaks.

A folder of scores gives, of every score, the voicings that its parts allow: a quartet as it is, an orchestra as
strings, winds, and other fours. A JSON file of ``{"train": …, "valid": …, "test": …}`` (pieces of rows of four MIDI
pitches a sixteenth, −1 for silence: the form in which the canonical split of Bach's chorales is passed around, after
Boulanger-Lewandowski et al., ICML 2012) keeps its own split.
"""

import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.errors import ModelError, ScoreError
from ...engine.notation.score_cache import open_score
from ...engine.score import Score
from ..controls import measure_controls
from ..grid import (
    FIRST_PITCH,
    HIGH_PITCH,
    HOLD,
    LOW_PITCH,
    REST,
    VOCABULARY,
    VOICES,
    Grid,
    choose_voices,
    encode_score,
    even_grid,
    grid_of_score,
)

log = logging.getLogger(__name__)

SUFFIXES = frozenset({".mxl", ".musicxml", ".xml", ".mid", ".midi", ".krn", ".abc"})
VALIDATION_SHARE = 0.08
FEWEST_NOTES = 24
"""A part with fewer is not a voice to learn from."""
MOST_VOICINGS = 6

_STYLES = {
    "baroque": "bach handel vivaldi corelli purcell telemann scarlatti couperin rameau",
    "classical": "haydn mozart hoffmeister cherubini boccherini gluck clementi beethoven arriaga",
    "romantic": "schubert schumann mendelssohn hensel brahms dvorak dvořák tchaikovsky bruckner smetana grieg gounod "
    "kalliwoda krzyzanowska krzyżanowska glinka borodin stanford strauss wolf andree andrée indy glazunov verdi bruch "
    "franck carreno carreño elgar faure fauré reger busoni",
    "modern": "bartok bartók debussy ravel janacek janáček schulhoff bridge delius moeran stravinsky shostakovich "
    "prokofiev hindemith muller-hermann webern",
}
_STYLE_OF = {name: style for style, names in _STYLES.items() for name in names.split()}
# After the sections of a score: parts of these families make voicings of their own.
_FAMILIES = (
    ("violin", "viola", "cello", "double-bass", "contrabass"),
    ("flute", "piccolo", "oboe", "english-horn", "clarinet", "bassoon", "horn"),
    ("horn", "trumpet", "trombone", "euphonium", "tuba"),
)


@dataclass(frozen=True, slots=True)
class PartPiece:
    """Four voices of one score: ``tokens`` (steps, voices), ``grid``, ``controls`` (steps, columns) as measured.

    ``work`` names what it belongs to: pieces of one work are never split; ``sha256`` is its file's hash.
    """

    name: str
    work: str
    sha256: str
    tokens: np.ndarray
    grid: Grid
    controls: np.ndarray
    split: str = ""


def style_of(*texts: str) -> str | None:
    """The style of a composer who is named in one of these texts, None when unknown."""
    for text in texts:
        for word in re.findall(r"[^\W\d_]+", text.lower()):
            if word in _STYLE_OF:
                return _STYLE_OF[word]
    return None


def voicings(score: Score) -> list[tuple[int | None, ...]]:
    """The fours (or threes, twos) of melodic parts of a score that are worth learning from, highest voice first."""
    counts = {part: int((score.notes["part"] == part).sum()) for part in range(len(score.parts))}
    melodic = [
        part
        for part, count in counts.items()
        if count >= FEWEST_NOTES and score.parts[part].instrument not in ("percussion", "timpani")
    ]
    if len(melodic) < 2:
        return []
    if len(melodic) <= VOICES:
        return [choose_voices(score, melodic)]
    found: list[tuple[int | None, ...]] = []
    for family in _FAMILIES:
        members = [part for part in melodic if score.parts[part].instrument.startswith(family)]
        if len(members) >= 3:
            found.append(_spread(score, members))
    ranked = sorted(melodic, key=lambda part: -counts[part])
    found += [_spread(score, ranked[start::2]) for start in (0, 1) if len(ranked[start::2]) >= 3]
    found.append(_spread(score, ranked[: VOICES + 2]))
    return list(dict.fromkeys(found))[:MOST_VOICINGS]


def _spread(score: Score, parts: list[int]) -> tuple[int | None, ...]:
    """Four of the parts: highest, lowest, and two between."""
    pitch = {part: float(score.notes["pitch"][score.notes["part"] == part].mean()) for part in parts}
    ranked = sorted(parts, key=lambda part: -pitch[part])
    if len(ranked) > VOICES:
        ranked = [ranked[round(place * (len(ranked) - 1) / (VOICES - 1))] for place in range(VOICES)]
    return choose_voices(score, ranked)


def pieces_from_score(name: str, score: Score) -> list[PartPiece]:
    """The training pieces of a score; none when it has fewer than two melodic parts."""
    style = style_of(score.composer, name)
    title = score.title.split(":")[0].strip().lower()
    work = f"{score.composer.lower()}: {title}" if title else name.lower()
    pieces = []
    for parts in voicings(score):
        grid = grid_of_score(score, [part for part in parts if part is not None])
        tokens = encode_score(score, parts, grid)
        at = np.maximum(0, np.searchsorted(score.tempos["quarter"], grid.onset_quarter + 1e-9, side="right") - 1)
        bpm = score.tempos["quarter_bpm"][at] if len(score.tempos) else None
        controls = measure_controls(tokens, grid, style=style, quarter_bpm=bpm)
        pieces.append(PartPiece(name, work, score.sha256, tokens.astype(np.int16), grid, controls.astype(np.int8)))
    return pieces


def check_source(source: Path) -> None:
    """Refuse what is neither a folder nor a JSON file, before others are read. Raises ``ModelError``."""
    if not source.is_dir() and source.suffix.lower() != ".json":
        what = "a score" if source.suffix.lower() in SUFFIXES else "no JSON file"
        raise ModelError(f"{source}: is {what}; name the folder that scores are in, or a JSON file of pieces")


def pieces_from_json(path: Path) -> list[PartPiece]:
    """The pieces of a JSON file with its own split. Raises ``ModelError``."""
    try:
        data = path.read_bytes()
        table = json.loads(data)
        sha256 = hashlib.sha256(data).hexdigest()
        pieces = [
            piece_from_rows(np.array(rows), f"{path.name}/{split}/{index}", sha256, split)
            for split in ("train", "valid", "test")
            for index, rows in enumerate(table[split])
        ]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ModelError(f"{path}: no JSON file of pieces by train, valid and test ({error})") from error
    missing = {"train", "valid"} - {piece.split for piece in pieces}
    if missing:
        raise ModelError(f"{path}: no pieces in {' and '.join(sorted(missing))}; both are needed")
    return pieces


def piece_from_rows(rows: np.ndarray, name: str, sha256: str = "", split: str = "") -> PartPiece:
    """A piece from MIDI pitches, (sixteenths, 4) with −1 for silence; a pitch that stays is one note.

    Pitches outside the vocabulary are moved by octaves, as ``grid.pitch_to_token`` does.
    """
    within = np.where(rows < LOW_PITCH, LOW_PITCH + (rows - LOW_PITCH) % 12, rows)
    within = np.where(rows > HIGH_PITCH, HIGH_PITCH - (HIGH_PITCH - rows) % 12, within)
    pitches = np.where(rows < 0, REST, within - LOW_PITCH + FIRST_PITCH)
    held = np.zeros_like(pitches, dtype=bool)
    held[1:] = (pitches[1:] == pitches[:-1]) & (pitches[1:] != REST)
    tokens = np.where(held, HOLD, pitches)
    grid = even_grid(-(-len(tokens) // 4)).part_of(0, len(tokens))
    controls = measure_controls(tokens, grid)
    return PartPiece(name, name, sha256, tokens.astype(np.int16), grid, controls.astype(np.int8), split)


def read_pieces(
    source: Path, progress: Callable[[int, int], None] | None = None, cache: Path | None = None
) -> list[PartPiece]:
    """Every piece under a folder, or of a JSON file; what cannot be used is left out with a logged line.

    ``cache`` is where compiled scores are kept (the user's cache without it). Raises ``ModelError``.
    """
    if source.is_file():
        return pieces_from_json(source)
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise ModelError(f"{source}: no scores in there ({', '.join(sorted(SUFFIXES))})")
    pieces: list[PartPiece] = []
    for done, path in enumerate(files):
        if progress is not None:
            progress(done, len(files))
        try:
            found = pieces_from_score(path.name, open_score(path, cache))
        except ScoreError as error:
            log.warning("%s left out: %s", path.name, error)
            continue
        if not found:
            log.info("%s left out: it has fewer than two melodic parts", path.name)
        pieces += found
    if progress is not None:
        progress(len(files), len(files))
    if len({piece.work for piece in pieces}) < 2:
        raise ModelError(f"{source}: scores of at least two works with two parts or more are needed")
    return pieces


def split_pieces(pieces: Iterable[PartPiece]) -> tuple[list[PartPiece], list[PartPiece]]:
    """Training and validation pieces: each by its own split where it has one, else by the hash of the work's name."""
    pieces = list(pieces)
    works = sorted(
        {piece.work for piece in pieces if not piece.split},
        key=lambda work: hashlib.sha256(f"split {work}".encode()).hexdigest(),
    )
    held_out = frozenset(works[: max(1, round(VALIDATION_SHARE * len(works)))])
    split = [piece.split or ("valid" if piece.work in held_out else "train") for piece in pieces]
    training, validation = (
        [piece for piece, its in zip(pieces, split, strict=True) if its == wanted] for wanted in ("train", "valid")
    )
    return training, validation


def described(pieces: Sequence[PartPiece]) -> dict[str, Any]:
    """What a manifest says of the pieces that weights learned from: how many voicings and steps of them there are, how
    they were split, and files by name and hash. Test pieces are not among them."""
    training, validation = split_pieces(pieces)
    used = [*training, *validation]
    files = {piece.name: piece.sha256 for piece in sorted(used, key=lambda piece: piece.name)}
    return {
        "voicings": len(used),
        "steps": int(sum(len(piece.tokens) for piece in used)),
        "training": sorted({piece.name for piece in training}),
        "validation": sorted({piece.name for piece in validation}),
        "sha256": hashlib.sha256("".join(files.values()).encode()).hexdigest(),
        "files": files,
    }


def usual_ranges(pieces: Iterable[PartPiece]) -> np.ndarray:
    """The lowest and highest token that each voice commonly has, (voices, 2)."""
    tokens = np.concatenate([piece.tokens for piece in pieces])
    ranges = np.empty((VOICES, 2), np.int64)
    for voice in range(VOICES):
        pitches = tokens[:, voice][(tokens[:, voice] >= FIRST_PITCH) & (tokens[:, voice] < VOCABULARY)]
        ranges[voice] = np.percentile(pitches, (0.2, 99.8)).round() if len(pitches) else (FIRST_PITCH, VOCABULARY - 1)
    return ranges


def transpositions(tokens: np.ndarray, ranges: np.ndarray, most: int = 6, room: int = 2) -> list[int]:
    """Semitones by which music can be moved so that every voice stays in its usual range, or at most ``room`` outside.

    A voice that is beyond it as it is may stay so.
    """
    extremes = []
    for voice in range(tokens.shape[1]):
        pitches = tokens[:, voice][(tokens[:, voice] >= FIRST_PITCH) & (tokens[:, voice] < VOCABULARY)]
        if len(pitches):
            low, high = int(pitches.min()), int(pitches.max())
            bottom = max(FIRST_PITCH, min(low, int(ranges[voice, 0]) - room))
            top = min(VOCABULARY - 1, max(high, int(ranges[voice, 1]) + room))
            extremes.append((low, high, bottom, top))
    shifts = [
        shift
        for shift in range(-most, most + 1)
        if all(low + shift >= bottom and high + shift <= top for low, high, bottom, top in extremes)
    ]
    return shifts or [0]
