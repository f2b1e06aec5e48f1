"""Who or what wrote notes, with which model, seed and controls: what every file with AI notes says of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .copy_check import SharedRun


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
        if self.copied is not None:
            rows["ai-longest-shared-run"] = self.copied.described()
        return rows

    def line(self) -> str:
        """All in one line, for a MIDI text or a log."""
        return "; ".join(f"{name}={value}" for name, value in self.fields().items())
