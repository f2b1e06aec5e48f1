"""AI parts offline: a task, a score and wishes in; a score with the AI's notes and where they come from, out."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from ...engine.errors import ModelError
from ...engine.notation.score_cache import open_score
from ...engine.outputs import check_file
from ...engine.placement import read_plan
from ...engine.score import Score
from ...engine.types import ScoreNote
from ...models import tasks
from ...models.composing import Composition, compose
from ...models.copy_check import CopyIndex, copies_path, lines_of
from ...models.craft.keys import find_key, key_named
from ...models.craft.rules import RuleSet
from ...models.craft.scales import Scale
from ...models.craft.traditions import Tradition, out_of_scale, tradition
from ...models.decoding import DecodingSettings
from ...models.orchestration import orchestrate
from ...models.part.decoder import NetworkDecoder
from ...models.part.runtime import PartModel
from ...models.provenance import Provenance
from ...models.weights import default_part_weights
from ...models.wish import Wish
from ..ensemble_setup import parts_named
from ..instrument_input import instrument_named
from .drafts import best_draft, faults_of, key_heard
from .part_files import check_path, write_score

TASKS = ("harmonise", "accompany", "counter", "fill", "vary", "continue", "answer", "orchestrate")


@dataclass(frozen=True, slots=True)
class PartRequest:
    """What a person asked for.

    ``parts`` are names of parts of the score (the melody, or those to fill or vary, as the task goes), ``instruments``
    who is added, ``bars`` from which bar to which (from 1), ``count`` how many are added, ``amount`` (0–1) how far a
    variation or an orchestration goes. ``cadence`` is ``end``, ``none``, or every how many bars. ``temperature`` None
    is the model's own; ``rules`` None are all at their weights. Of so many ``drafts`` the one with the fewest faults is
    kept.
    """

    task: str
    source: str
    out: Path
    parts: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    bars: tuple[int, int] | None = None
    count: int | None = None
    amount: float = 0.5
    seating: str | None = None
    wish: Wish = field(default_factory=Wish)
    cadence: str = "end"
    temperature: float | None = None
    rules: RuleSet | None = None
    tradition: str | None = None
    seed: int = 0
    drafts: int = 1
    weights: Path | None = None


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """What was written, into which files, and what there is to say of it."""

    composition: Composition
    provenance: Provenance
    files: tuple[Path, ...]


def write_part(request: PartRequest, progress: Callable[[float], None] | None = None) -> WrittenPart:
    """Carry out a request and write its files. Raises ``ScoreError``, ``ModelError`` and ``OutputError``."""
    check_path(request.out, request.source)
    check_file(request.out)
    score = open_score(request.source)
    model = PartModel.load(request.weights)
    assignment = _with_cadences(assign(request, score), request.cadence)
    settings = DecodingSettings(rules=request.rules or RuleSet())
    if request.temperature is not None:
        settings = DecodingSettings(temperature=request.temperature, rules=settings.rules)
    scale = scale_of(request.tradition)
    key = key_named(request.wish.key) if request.wish.key is not None else key_heard(assignment)
    if scale is None:
        assignment = replace(assignment, key=key)
    done = itertools.count()

    def write(seed: int) -> Composition:
        number = next(done)
        decoder = NetworkDecoder(model, seed, settings, scale)
        return compose(assignment, decoder, request.wish, lambda share: tell((number + share) / request.drafts))

    def tell(share: float) -> None:
        if progress is not None:
            progress(share)

    with threadpool_limits(1):  # as in the AI player's process, so that both write the same
        composition, draft = best_draft(
            write, request.seed, request.drafts, lambda written: faults_of(written, key, scale)
        )
    if not composition.written and request.task not in ("vary", "orchestrate"):
        raise ModelError("the AI player wrote nothing: try another --seed, more --drafts, or a --density")
    provenance = provenance_of(composition, request, model, draft)
    notes = composition.notes if request.tradition is None else intoned(composition.notes, tradition(request.tradition))
    files = write_score(request.out, composition.score, notes, provenance, fifths_of(composition.score))
    return WrittenPart(composition, provenance, tuple(files))


def assign(request: PartRequest, score: Score) -> tasks.Assignment:
    """The assignment of a request. Raises ``ModelError``, naming what there is."""
    named = parts_named(score, request.parts)
    instruments = [instrument_named(name).key for name in request.instruments]
    match request.task:
        case "harmonise":
            return tasks.harmonise(score, named, instruments)
        case "accompany":
            return tasks.accompany(score, instruments)
        case "counter":
            return tasks.counter_melody(score, instruments)
        case "fill":
            return tasks.fill(score, named, request.bars)
        case "vary":
            return tasks.vary(score, named, request.amount)
        case "continue":
            return tasks.go_on(score, request.count)
        case "answer":
            return tasks.answer(score, request.count)
        case "orchestrate":
            plan = None if request.seating is None else read_plan(request.seating)
            seated = None if plan is None else {key for group in plan.groups for key in group.instruments}
            return orchestrate(score, seated, request.amount)
    raise ModelError(f"no task named {request.task!r}: there are {', '.join(TASKS)}")


def _with_cadences(assignment: tasks.Assignment, cadence: str) -> tasks.Assignment:
    """``end``, ``none``, or a number: every so many bars."""
    if cadence == "end":
        return assignment
    if cadence == "none":
        return replace(assignment, cadences=())
    if not cadence.isdigit() or int(cadence) < 1:
        raise ModelError(f"no cadence {cadence!r}: say end, none, or every how many bars")
    starts = assignment.score.measures["start_quarter"]
    every = int(cadence)
    return replace(assignment, cadences=tuple(float(start) for start in starts[every - 1 :: every]))


def scale_of(name: str | None) -> Scale | None:
    """The scale of a tradition, ``maqam-rast`` or ``maqam-rast:D``. Raises ``ModelError`` where there is none."""
    return None if name is None else tradition(name).scale()


def intoned(notes: Sequence[ScoreNote], chosen: Tradition) -> list[ScoreNote]:
    """Notes as a tradition tunes them, where that is heard (``Tradition.is_microtonal``): all that are written in
    plain semitones, or, where the source says how it is tuned, those of the AI."""
    if not chosen.is_microtonal:
        return list(notes)
    tuned_already = any(note.cents for note in notes)
    tuning = chosen.tuning()
    return [
        note
        if tuned_already and note.source == "written"
        else replace(note, cents=tuning.cents_of(note.part, note.pitch))
        for note in notes
    ]


def provenance_of(composition: Composition, request: PartRequest, model: PartModel, draft: int = 0) -> Provenance:
    """Who wrote the composition's AI notes, and whether they were heard before."""
    controls = dict(request.wish.described())
    controls["cadence"] = request.cadence
    if request.temperature is not None:
        controls["temperature"] = f"{request.temperature:g}"
    if request.drafts > 1:
        controls["draft"] = f"{draft + 1} of {request.drafts}"
    if request.rules is not None:
        controls["rules"] = ", ".join(sorted(request.rules.active)) or "none"
    if request.tradition is not None:
        controls["tradition"] = request.tradition
        scale = scale_of(request.tradition)
        if scale is not None:
            controls["out of scale"] = f"{len(out_of_scale(composition.written, scale))} notes"
    index = copy_index(request.weights)
    return Provenance(
        source=composition.source,
        weights_sha256=model.manifest.sha256,
        licence=model.manifest.licence,
        task=request.task,
        seed=request.seed,
        parts=composition.assignment.parts,
        notes=len(composition.written),
        controls=controls,
        copied=None if index is None else index.longest(lines_of(composition.written)),
    )


def copy_index(weights: Path | None) -> CopyIndex | None:
    """The index of the music that the weights learned from; None where none lies beside them."""
    path = copies_path(weights or default_part_weights())
    return CopyIndex.load(path) if path.exists() else None


def fifths_of(score: Score) -> int:
    """The key signature that fits a score's notes: sharps, negative flats."""
    weights = np.zeros(12)
    for row in score.pitched_notes():
        weights[int(row["pitch"]) % 12] += float(row["duration_quarter"])
    return find_key(weights)[0].fifths if weights.any() else 0
