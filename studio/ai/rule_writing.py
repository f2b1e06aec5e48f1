"""A melody harmonised by rules alone, as files: the answer without a network, to compare with those of networks."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...engine.errors import ModelError
from ...engine.notation.score_cache import open_score
from ...models import tasks
from ...models.craft.keys import Key
from ...models.craft.rule_harmoniser import SOURCE, Harmonisation, harmonise
from ...models.craft.rules import RuleSet
from ...models.craft.traditions import out_of_scale, tradition
from ...models.provenance import Provenance
from ..ensemble_setup import parts_named
from .part_files import check_path, write_score
from .part_writing import fifths_of, intoned


@dataclass(frozen=True, slots=True)
class RuleRequest:
    """What a person asked for: ``part`` names the melody (else the highest part), ``figuration`` (0–1) is how much
    moves between beats; the key is found where neither ``key`` nor ``tradition`` is given."""

    source: str
    out: Path
    part: str = ""
    key: Key | None = None
    tradition: str | None = None
    without: tuple[str, ...] = ()
    seed: int = 0
    figuration: float = 0.5


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """What was written, into which files; ``foreign`` counts added notes out of the scale."""

    harmonisation: Harmonisation
    provenance: Provenance
    files: tuple[Path, ...]
    foreign: int


def write_by_rules(request: RuleRequest) -> RuleAnswer:
    """Add alto, tenor and bass under a melody. Raises ``ScoreError`` and ``ModelError``."""
    check_path(request.out, request.source)
    score = open_score(request.source)
    named = parts_named(score, (request.part,) if request.part else ())
    top = named[0] if named else _highest(score.notes["part"], score.notes["pitch"])
    longer = tasks.harmonise(score, [top], tasks.CHOIR).score
    added = tuple(range(len(score.parts), len(longer.parts)))
    written = score.notes_between(0.0, score.end_quarter)
    chosen = tradition(request.tradition) if request.tradition else None
    rules = RuleSet().without(*request.without)
    answer = harmonise(
        [note for note in written if note.part == top],
        score.beats,
        key=request.key,
        tradition=chosen,
        rules=rules,
        parts=(added[0], added[1], added[2]),
        seed=request.seed,
        figuration=request.figuration,
    )
    provenance = Provenance(
        source=SOURCE,
        weights_sha256="none: rules alone",
        licence="none",
        task="harmonise by rules",
        seed=request.seed,
        parts=tuple(longer.parts[part].name for part in added),
        notes=len(answer.notes),
        controls=dict(_controls(request, rules)),
    )
    notes = sorted([*written, *answer.notes], key=lambda note: (note.part, note.onset_quarter, note.pitch))
    if chosen is not None:
        notes = intoned(notes, chosen)
    files = write_score(request.out, longer, notes, provenance, fifths_of(score))
    return RuleAnswer(answer, provenance, tuple(files), len(out_of_scale(answer.notes, answer.scale)))


def _controls(request: RuleRequest, rules: RuleSet) -> Iterable[tuple[str, str]]:
    if request.key is not None:
        yield "key", request.key.name
    if request.tradition:
        yield "tradition", request.tradition
    yield "rules", ", ".join(rules.active)
    yield "figuration", f"{request.figuration:g}"


def _highest(parts: np.ndarray, pitches: np.ndarray) -> int:
    present = np.unique(parts)
    if not len(present):
        raise ModelError("there is no melody to harmonise: the score has no notes")
    return int(max(present, key=lambda part: float(pitches[parts == part].mean())))
