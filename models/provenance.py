"""Who or what wrote notes, with which model, seed and controls: what every file with AI notes says of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .copy_check import SharedRun


@dataclass(frozen=True, slots=True)
class Author:
    """A model that writes notes: what its notes name as their source, the hash of its weights, and their licence."""

    source: str
    weights_sha256: str
    licence: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """``source`` is that of the notes (``ai:MODEL``), ``weights_sha256`` of the model's file, ``parts`` are the names
    of the parts with AI notes, ``controls`` what was asked for, ``copied`` the longest run shared with the music that
    the model learned from (None: not checked)."""

    source: str
    weights_sha256: str
    licence: str
    task: str
    seed: int
    parts: tuple[str, ...]
    notes: int = 0
    controls: Mapping[str, str] = field(default_factory=dict)
    copied: SharedRun | None = None
    checked: str = ""
    """What a copy check said, where it is known as a text only."""

    def fields(self) -> dict[str, str]:
        """Name and value, as they stand in files."""
        rows = {
            "ai-source": self.source,
            "ai-weights-sha256": self.weights_sha256,
            "ai-weights-licence": self.licence,
            "ai-task": self.task,
            "ai-seed": str(self.seed),
            "ai-parts": ", ".join(self.parts),
            "ai-notes": str(self.notes),
            "ai-controls": "; ".join(f"{name}: {value}" for name, value in self.controls.items()) or "none",
        }
        checked = self.checked if self.copied is None else self.copied.described()
        if checked:
            rows["ai-longest-shared-run"] = checked
        return rows

    @classmethod
    def of_fields(cls, fields: Mapping[str, str]) -> "Provenance":
        """Read back what ``fields`` gave; the copy check stays a text."""
        controls = fields.get("ai-controls", "none")
        pairs = [item.partition(": ") for item in controls.split("; ")] if controls != "none" else []
        return cls(
            source=fields.get("ai-source", ""),
            weights_sha256=fields.get("ai-weights-sha256", ""),
            licence=fields.get("ai-weights-licence", ""),
            task=fields.get("ai-task", ""),
            seed=int(fields.get("ai-seed", "0")),
            parts=tuple(name for name in fields.get("ai-parts", "").split(", ") if name),
            notes=int(fields.get("ai-notes", "0")),
            controls={name: value for name, _, value in pairs},
            checked=fields.get("ai-longest-shared-run", ""),
        )

    def line(self) -> str:
        """All in one line, for a MIDI text or a log."""
        return "; ".join(f"{name}={value}" for name, value in self.fields().items())
