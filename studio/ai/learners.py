"""What learners liked, disliked and changed of the AI's music, kept in the user's data folder.

A folder a learner: ``feedback.jsonl``, a line an opinion, and the music it was about in ``pieces``, so that the AI
player can be trained on it. A line is appended and flushed to the disk before the command ends; one that was cut off
by a crash is passed over, and costs no other.
"""

import json
import logging
import os
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from ...engine.errors import ModelError, ProfileError
from ...engine.score import Score
from ...engine.types import ScoreNote
from ...models.copy_check import copies_path
from ...models.feedback import Edit, compare_edit, heard_controls, opinions_of_edit, opinions_of_verdict
from ...models.preference import Opinion, Preference
from ...models.provenance import Provenance
from ...models.weights import default_part_weights, part_manifest_path
from ..paths import data_folder
from .ai_files import AiFile
from .part_files import plain_name

log = logging.getLogger(__name__)

USUAL_LEARNER = "me"
_NAME = re.compile(r"\w[\w .'-]{0,39}")
_VERDICTS = ("like", "dislike", "edit")
Verdict = Literal["like", "dislike", "edit"]


@dataclass(frozen=True, slots=True)
class Feedback:
    """One opinion. ``piece`` and, of an edit, ``original`` name files in the learner's ``pieces``; ``provenance`` are
    its fields, ``heard`` (and ``heard_before`` an edit) what was measured in the AI's notes."""

    time: str
    verdict: Verdict
    file: str
    piece: str
    provenance: Mapping[str, str]
    heard: Mapping[str, float]
    original: str = ""
    heard_before: Mapping[str, float] = field(default_factory=dict)
    edit: Edit | None = None

    def opinions(self) -> list[Opinion]:
        """What it says of the controls."""
        if self.edit is not None:
            return opinions_of_edit(self.heard_before, self.heard, self.edit)
        controls = Provenance.of_fields(self.provenance).controls
        return opinions_of_verdict(controls, self.heard, self.verdict == "like")

    @classmethod
    def of_json(cls, row: Mapping[str, Any]) -> "Feedback":
        """Raises ``ValueError``, ``TypeError`` or ``KeyError`` for what is no feedback."""
        if row["verdict"] not in _VERDICTS:
            raise ValueError(f"verdict {row['verdict']!r}")
        edit = row.get("edit")
        found = cls(**{**row, "edit": None if edit is None else Edit(**edit)})
        found.opinions()
        return found


def learner_folder(name: str) -> Path:
    """Where a learner's feedback lies, whether there is any or not. Raises ``ProfileError`` for an impossible name."""
    if not _NAME.fullmatch(name) or name.endswith((" ", ".")):
        raise ProfileError(f"learner {name[:60]!r}: use letters, digits, spaces, . ' - and _, at most 40")
    return data_folder() / "learners" / name


def list_learners() -> list[str]:
    """Everybody who gave feedback here."""
    return sorted(path.parent.name for path in (data_folder() / "learners").glob("*/feedback.jsonl"))


def keep_verdict(name: str, file: AiFile, liked: bool) -> Feedback:
    """A like or a dislike of a file with AI notes. Raises ``ProfileError`` where it cannot be kept."""
    found = Feedback(
        time=_now(),
        verdict="like" if liked else "dislike",
        file=file.path.name,
        piece=_keep_piece(name, file.path),
        provenance=file.provenance.fields(),
        heard=heard_controls(file.score, file.notes),
    )
    _append(name, found)
    return found


def keep_edit(name: str, original: AiFile, edited_path: Path, edited: Score) -> Feedback:
    """How a learner changed the AI's notes of ``original``. Raises ``ModelError`` and ``ProfileError``."""
    after = _same_parts(original, edited)
    found = Feedback(
        time=_now(),
        verdict="edit",
        file=edited_path.name,
        piece=_keep_piece(name, edited_path),
        original=_keep_piece(name, original.path),
        provenance=original.provenance.fields(),
        heard=heard_controls(original.score, after),
        heard_before=heard_controls(original.score, original.notes),
        edit=compare_edit(original.notes, after),
    )
    _append(name, found)
    return found


def _same_parts(original: AiFile, edited: Score) -> list[ScoreNote]:
    """The edited notes of the AI's parts, numbered as in the original; parts are told by name, else by order."""
    names = {plain_name(part.name): index for index, part in enumerate(edited.parts)}
    found: list[ScoreNote] = []
    for part in original.parts:
        index = names.get(plain_name(original.score.parts[part].name), part)
        if index >= len(edited.parts):
            raise ModelError(f"the edited file has no part {original.score.parts[part].name!r}; is it of this piece?")
        found += [
            ScoreNote(n.onset_quarter, n.duration_quarter, n.pitch, part, n.dynamic)
            for n in edited.notes_between(0.0, edited.end_quarter)
            if n.part == index
        ]
    return found


def read_feedback(name: str) -> list[Feedback]:
    """All that a learner said, oldest first; nothing where there is none. Lines that are broken are passed over."""
    path = learner_folder(name) / "feedback.jsonl"
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror})") from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(Feedback.of_json(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError, ModelError) as error:
            log.warning("%s, line %d: not read, this opinion is lost (%s)", path, number, str(error)[:80])
    return found


def feedback_of(name: str) -> list[Feedback]:
    """The same of somebody who said something. Raises ``ProfileError`` where nobody of that name did."""
    _existing(name)
    return read_feedback(name)


def preference_of(feedback: Sequence[Feedback]) -> Preference:
    """What somebody who said all this prefers."""
    return Preference.of([opinion for one in feedback for opinion in one.opinions()])


def piece_path(name: str, piece: str) -> Path:
    """Where a piece that a learner's feedback names is kept."""
    return learner_folder(name) / "pieces" / Path(piece).name


def tuned_path(name: str) -> Path:
    """Where weights that were tuned to a learner are kept, whether there are any or not."""
    return learner_folder(name) / "parts-tuned.safetensors"


def tuned_weights(name: str) -> Path | None:
    """The weights that were tuned to a learner. None where there are none, or, with a line that says so, where they go
    on from other weights than those that ship now."""
    path = tuned_path(name)
    if not path.exists():
        return None
    try:
        began_with = json.loads(part_manifest_path(path).read_text(encoding="utf-8"))["data"]["began_with"]
        ships = json.loads(part_manifest_path(default_part_weights()).read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: its manifest cannot be read ({error}); tutti learner reset {name!r} --tuning"
        ) from error
    if began_with != ships:
        log.warning("what was tuned to %s goes on from older weights: tutti train --from-feedback %r", name, name)
        return None
    return path


def forget_tuning(name: str) -> None:
    """Back to the weights that ship; the feedback stays. Raises ``ProfileError`` where nothing was tuned."""
    path = tuned_path(name)
    if not path.exists():
        raise ProfileError(f"nothing was tuned to {name!r}: tutti train --from-feedback {name!r}")
    for file in (path, part_manifest_path(path), copies_path(path)):
        file.unlink(missing_ok=True)


def reset_learner(name: str) -> None:
    """Forget all that a learner said, and what was tuned to it.

    Raises ``ProfileError`` where there is nothing, or it cannot be removed.
    """
    folder = _existing(name)
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise ProfileError(f"learner {name!r} cannot be removed ({error.strerror})") from error


def export_learner(name: str, out: Path) -> Path:
    """All that is kept of a learner as one ZIP file. Raises ``ProfileError``."""
    folder = _existing(name)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                archive.write(path, path.relative_to(folder))
    except OSError as error:
        raise ProfileError(f"{out}: cannot be written ({error.strerror}); choose another place") from error
    return out


def _existing(name: str) -> Path:
    folder = learner_folder(name)
    if not (folder / "feedback.jsonl").exists():
        raise ProfileError(why_unknown(name))
    return folder


def why_unknown(name: str) -> str:
    """In words: there is no feedback by somebody, and by whom there is some."""
    others = ", ".join(list_learners())
    there = f"there is some by {others}" if others else "nobody yet gave any: tutti part like FILE --learner NAME"
    return f"no feedback by {name!r}; {there}"


def _keep_piece(name: str, path: Path) -> str:
    """Copy a score file into the learner's pieces, named by its content."""
    try:
        data = path.read_bytes()
        kept = piece_path(name, sha256(data).hexdigest()[:24] + path.suffix.lower())
        kept.parent.mkdir(parents=True, exist_ok=True)
        if not kept.exists():
            part = kept.with_suffix(".part")
            part.write_bytes(data)
            part.replace(kept)
    except OSError as error:
        raise ProfileError(f"{path}: cannot be kept for {name!r} ({error.strerror})") from error
    return kept.name


def _append(name: str, feedback: Feedback) -> None:
    path = learner_folder(name) / "feedback.jsonl"
    line = json.dumps(asdict(feedback), ensure_ascii=False) + "\n"
    try:
        with path.open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    line = "\n" + line  # a crash cut the last line off
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ProfileError(f"{path}: this opinion cannot be kept ({error.strerror})") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
