"""Reading a score: any file that Tutti knows, or a piece of music21's corpus, to a compiled ``Score``.

``engine.notation.score_cache.open_score`` is what programs use; this does the work when the cache has nothing.
"""

import hashlib
import logging
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ScoreError
from ..score import Score
from .score_compiler import compile_score
from .score_source import MIDI_SUFFIXES, TEXT_SUFFIXES, XML_SUFFIXES, Progress, find_score, read_bytes
from .written import WrittenScore

if TYPE_CHECKING:
    from .musicxml_input import PreparedXml

log = logging.getLogger(__name__)


def read_score(source: str | Path, progress: Progress | None = None) -> Score:
    """Read and compile a score: a file (.musicxml .xml .mxl .mid .midi .krn .abc) or a corpus name ("bach/bwv66.6").

    Takes seconds for a symphony movement. Raises ``ScoreError``, one line with file, place and what to do.
    """
    path = find_score(source)
    return read_score_bytes(read_bytes(path), path, progress)


def read_score_bytes(data: bytes, path: Path, progress: Progress | None = None) -> Score:
    """As ``read_score``, from the content of ``path``, whose suffix tells the kind."""
    tell = progress or (lambda _what, _part: None)
    written = read_written(data, path, tell)
    tell("compiling", 0.8)
    score = compile_score(written, hashlib.sha256(data).hexdigest(), path.name)
    tell("done", 1.0)
    return score


def read_written(data: bytes, path: Path, progress: Progress | None = None) -> WrittenScore:
    """The score as written, its repeats not unfolded, from the content of ``path``. Raises ``ScoreError``."""
    tell = progress or (lambda _what, _part: None)
    name = path.name
    tell("reading", 0.0)
    suffix = path.suffix.lower()
    if suffix in XML_SUFFIXES and data[:4] == b"MThd":
        suffix = ".mid"
    if suffix in XML_SUFFIXES:
        return _read_xml(data, name, tell)
    if suffix in MIDI_SUFFIXES:
        from .midi_reader import written_from_midi

        return written_from_midi(data, name)
    return _read_text(data, path, tell)


def _read_xml(data: bytes, name: str, tell: Progress) -> WrittenScore:
    from .musicxml_input import prepare_musicxml

    prepared = prepare_musicxml(data, name)
    tell("parsing", 0.1)

    def parse() -> Any:
        from music21.musicxml.xmlToM21 import MusicXMLImporter

        importer = MusicXMLImporter()
        importer.xmlRootToScore(prepared.root, importer.stream)
        return importer.stream

    return _walk(parse, name, tell, prepared)


def _read_text(data: bytes, path: Path, tell: Progress) -> WrittenScore:
    """ABC, Humdrum, and the older formats of some corpus pieces."""
    suffix = path.suffix.lower()
    if suffix in TEXT_SUFFIXES and b"\0" in data:
        raise ScoreError(f"{path.name}: is not text; is it really {suffix[1:].upper()}?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if suffix == ".krn" and not any(line.startswith("**") for line in text.splitlines()):
        raise ScoreError(f"{path.name}: is not Humdrum, it has no **kern line")
    if suffix == ".abc" and "K:" not in text:
        raise ScoreError(f"{path.name}: is not ABC, it has no K: line")

    if suffix in TEXT_SUFFIXES:
        _refuse_absurd_numbers(text, suffix, path.name)

    def parse() -> Any:
        from music21 import converter

        if suffix == ".krn":
            return converter.parseData(text, format="humdrum")
        if suffix == ".abc":
            return converter.parseData(first_tune(text), format="abc")
        return converter.parse(path, forceSource=True, storePickle=False)

    tell("parsing", 0.1)
    return _walk(parse, path.name, tell)


def _refuse_absurd_numbers(text: str, suffix: str, name: str) -> None:
    """A meter or note length of many digits makes music21 take all memory. Comments and titles may hold any number."""
    comment = re.compile(r"[A-KN-PR-Zmrsw]:|%") if suffix == ".abc" else re.compile("!")
    for number, line in enumerate(text.splitlines(), 1):
        found = re.search(r"\d{5,}", line)
        if found and not comment.match(line):
            raise ScoreError(f"{name}: line {number} has a number of {len(found.group())} digits where music should be")


def first_tune(abc: str) -> str:
    """The first tune of an ABC tune book with the file header; music21 would parse them all, which takes minutes."""
    tunes = re.split(r"(?m)^(?=X:)", abc)
    if len(tunes) > 2:
        log.info("the file holds %d tunes; the first is taken", len(tunes) - 1)
    return "".join(tunes[:2])


def _walk(
    parse: Callable[[], Any],
    name: str,
    tell: Progress,
    prepared: "PreparedXml | None" = None,
) -> WrittenScore:
    """Parse by music21 and walk the result. music21 fails on bad input with exceptions of every kind."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            tree = parse()
            tell("walking", 0.7)
            from .music21_reader import written_from_music21

            written = written_from_music21(tree, name, prepared)
    except ScoreError:
        raise
    except MemoryError as error:
        raise ScoreError(f"{name}: needs more memory than there is; split it into movements") from error
    except Exception as error:
        measure = getattr(error, "measureNumber", None)
        place = f" (measure {measure})" if measure else ""
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise ScoreError(f"{name}: cannot be understood{place}: {reason}; export it again or try MusicXML") from error
    for warning in caught:
        log.debug("%s: %s", name, warning.message)
    return written
