"""Reading back what files with AI notes say of them (``part_files`` writes it)."""

from dataclasses import dataclass
from pathlib import Path

from ...engine.errors import ModelError, ScoreError
from ...engine.notation.midi_file import open_midi
from ...engine.notation.musicxml_input import parse_musicxml
from ...engine.notation.score_cache import open_score
from ...engine.score import Score
from ...engine.types import ScoreNote
from ...models.provenance import Provenance
from ...models.score_shapes import all_notes
from .part_files import plain_name

_MIDI = (".mid", ".midi")
_MUSICXML = (".musicxml", ".mxl", ".xml")


@dataclass(frozen=True, slots=True)
class AiFile:
    """A score with AI notes: ``notes`` are those of the AI's ``parts`` (indices)."""

    path: Path
    score: Score
    provenance: Provenance
    parts: tuple[int, ...]
    notes: tuple[ScoreNote, ...]


def open_ai_file(path: Path) -> AiFile:
    """Raises ``ScoreError``, and ``ModelError`` where the file does not say that an AI wrote any of it."""
    score = open_score(path)
    provenance = read_provenance(path)
    parts = ai_parts(score, provenance)
    notes = tuple(note for note in all_notes(score) if note.part in parts)
    return AiFile(path, score, provenance, parts, notes)


def ai_parts(score: Score, provenance: Provenance) -> tuple[int, ...]:
    """The parts of a score that have AI notes."""
    named = {plain_name(name) for name in provenance.parts}
    return tuple(
        index for index, part in enumerate(score.parts) if part.name != plain_name(part.name) or part.name in named
    )


def read_provenance(path: Path) -> Provenance:
    """Who wrote the AI notes of a MusicXML or MIDI file. Raises ``ModelError`` where it does not say."""
    found = provenance_in(path)
    if found is None:
        raise ModelError(f"{path}: it does not say that an AI wrote any of it; give a file that `tutti part` wrote")
    return found


def provenance_in(path: Path) -> Provenance | None:
    """The same; None where a file does not say that an AI wrote any of it, or is of another format."""
    if path.suffix.lower() in _MIDI:
        fields = _midi_fields(path)
    elif path.suffix.lower() in _MUSICXML:
        fields = _musicxml_fields(path)
    else:
        return None
    if "ai-source" not in fields:
        return None
    try:
        return Provenance.of_fields(fields)
    except ValueError as error:
        raise ModelError(f"{path}: what it says of its AI notes cannot be read ({error})") from error


def _musicxml_fields(path: Path) -> dict[str, str]:
    try:
        root = parse_musicxml(path.read_bytes(), path.name)
    except OSError as error:
        raise ScoreError(f"{path}: cannot be read ({error.strerror})") from error
    found = root.iterfind("identification/miscellaneous/miscellaneous-field")
    return {field.get("name", ""): field.text or "" for field in found}


def _midi_fields(path: Path) -> dict[str, str]:
    """From the text that ``Provenance.line`` made: name=value; … (a value may hold ``; `` itself)."""
    try:
        file = open_midi(path.read_bytes(), str(path))
    except OSError as error:
        raise ScoreError(f"{path}: cannot be read ({error.strerror})") from error
    for message in (message for track in file.tracks for message in track):
        if message.type == "text" and message.text.startswith("ai-source="):
            fields: dict[str, str] = {}
            last = ""
            for item in message.text.split("; "):
                name, equals, value = item.partition("=")
                if equals and name.startswith("ai-"):
                    fields[name], last = value, name
                else:
                    fields[last] += "; " + item
            return fields
    return {}
