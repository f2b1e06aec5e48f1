"""Several answers to one melody side by side: by rules, by the AI player's network, and by the field's baselines.

A page for a class: imitate (what the baselines caught of their examples), assimilate (what rules add), innovate (what
one would write oneself). Every answer is MusicXML and MIDI, and can be heard.
"""

import base64
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import soundfile

from ...engine.errors import ModelError
from ...engine.notation.score_cache import open_score
from ...engine.score import Score
from ...engine.types import ScoreNote
from ...models import tasks
from ...models.baselines.catalogue import baseline_weights, load_baseline
from ...models.composing import compose
from ...models.craft.analysis import Analysis, analyse
from ...models.craft.beatwise import sounding_on_beats
from ...models.craft.chords import chord_tone_share
from ...models.craft.rule_harmoniser import SOURCE, harmonise
from ...models.part.decoder import load_decoder
from ...models.provenance import Author, Provenance
from ...models.score_shapes import all_notes, with_notes
from ...models.wish import Wish
from ...models.writing import NamedDecoder
from ..ensemble_setup import parts_named
from .drafts import key_heard
from .part_files import check_path, write_score
from .part_plots import chord_roll
from .part_writing import fifths_of

ABOUT = {
    "rules": "Rules alone: the best way through the chords of the key by dynamic programming. It has heard no music.",
    "grid": "The AI player's network: a Transformer over the grid of the bar, with the rules of part-writing. Its last "
    "chord, and the dominant before it, are given.",
    "lstm": "An LSTM: reads the music step by step and keeps what matters in a memory of fixed size. No rules.",
    "transformer": "A plain Transformer: looks back at every step it read, by absolute positions. No rules.",
    "gan": "A GAN of one-bar patterns: one network invents bars, another has learned to tell them from real ones. "
    "No rules, no memory from bar to bar.",
}
"""The answers there can be, in the order of the page."""
PARALLELS = ("parallel-fifths", "parallel-octaves")


@dataclass(frozen=True, slots=True)
class CompareRequest:
    """``part`` names the melody (else the highest part); ``kinds`` of ``ABOUT`` are compared, ``weights`` are other
    files than those that ship with Tutti, by kind."""

    source: str
    out: Path
    part: str = ""
    kinds: tuple[str, ...] = tuple(ABOUT)
    seed: int = 0
    weights: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: the score with its notes, who wrote it, the files, and what the analysis found."""

    kind: str
    score: Score
    provenance: Provenance
    files: tuple[Path, ...]
    analysis: Analysis
    figures: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers, and for each kind that could not answer, why."""

    melody: Score
    answers: tuple[Answer, ...]
    missing: dict[str, str]


def compare(request: CompareRequest, progress: Callable[[float], None] | None = None) -> Comparison:
    """Let each kind answer the melody and write its files into the folder. Raises ``ScoreError`` and ``ModelError``."""
    unknown = [kind for kind in request.kinds if kind not in ABOUT]
    if unknown:
        raise ModelError(f"no answer by {unknown[0]!r}: there are {', '.join(ABOUT)}")
    for kind in request.kinds:
        check_path(_file_of(request, kind), request.source)
    melody = melody_of(open_score(request.source), request.part)
    assignment = tasks.harmonise(melody, [0], tasks.CHOIR)
    answers, missing = [], {}
    for index, kind in enumerate(request.kinds):
        try:
            notes, author = _answer(kind, assignment, request)
            asked = {"density": f"{pace_of(melody):g}"} if kind == "grid" else {}
        except ModelError as error:
            missing[kind] = str(error)
            continue
        answers.append(_written(kind, assignment.score, [*all_notes(melody), *notes], author, request, asked))
        if progress is not None:
            progress((index + 1) / len(request.kinds))
    if not answers:
        raise ModelError(f"nobody could answer: {'; '.join(missing.values())}")
    return Comparison(melody, tuple(answers), missing)


def melody_of(score: Score, name: str = "") -> Score:
    """The melody alone: the part of that name, or the highest one. Raises ``ModelError`` where it has no notes."""
    named = parts_named(score, (name,) if name else ())
    notes = score.pitched_notes()
    present = [part for part in np.unique(notes["part"]).tolist() if score.parts[part].instrument != "percussion"]
    if named:
        present = [part for part in present if part in named]
    if not present:
        raise ModelError("there is no melody to answer: the part has no notes")
    top = max(present, key=lambda part: float(notes["pitch"][notes["part"] == part].mean()))
    line = [replace(note, part=0) for note in all_notes(score) if note.part == top and score.has_pitch(note)]
    return with_notes(replace(score, parts=(score.parts[top],), pedals=score.pedals[:0]), line)


def _answer(kind: str, assignment: tasks.Assignment, request: CompareRequest) -> tuple[tuple[ScoreNote, ...], Author]:
    score = assignment.score
    if kind == "rules":
        added = tuple(sorted(assignment.asked))
        line = [note for note in all_notes(score) if note.part == 0]
        found = harmonise(line, score.beats, parts=(added[0], added[1], added[2]), seed=request.seed)
        return found.notes, Author(SOURCE, "none: rules alone", "none")
    decoder: NamedDecoder
    if kind == "grid":
        decoder = network = load_decoder(request.weights.get(kind), request.seed)
        comes_home = replace(assignment, key=key_heard(assignment))
        return compose(comes_home, decoder, Wish(density=pace_of(score))).written, network.author
    decoder = baseline = load_baseline(request.weights.get(kind, baseline_weights(kind)), request.seed)
    return compose(assignment, decoder, Wish()).written, baseline.author


def _file_of(request: CompareRequest, kind: str) -> Path:
    return request.out / f"{kind}.musicxml"


def pace_of(melody: Score) -> float:
    """Onsets per quarter of a melody: the AI player is asked to move as it does."""
    return round(len(melody.notes) / max(1.0, melody.end_quarter), 2)


def _written(
    kind: str,
    score: Score,
    notes: Sequence[ScoreNote],
    author: Author,
    request: CompareRequest,
    asked: dict[str, str],
) -> Answer:
    notes = sorted(notes, key=lambda note: (note.onset_quarter, note.part, note.pitch))
    added = [note for note in notes if note.source != "written"]
    provenance = Provenance(
        source=author.source,
        weights_sha256=author.weights_sha256,
        licence=author.licence,
        task="harmonise (comparison)",
        seed=request.seed,
        parts=tuple(part.name for part in score.parts[1:]),
        notes=len(added),
        controls=asked,
    )
    whole = with_notes(score, notes)
    analysis = analyse(whole)
    files = write_score(_file_of(request, kind), whole, notes, provenance, fifths_of(whole))
    return Answer(kind, whole, provenance, tuple(files), analysis, figures_of(whole, analysis))


def figures_of(score: Score, analysis: Analysis) -> dict[str, float | None]:
    """What can be counted: parallels and broken rules in 100 beats, the share of chord-tone beats
    (``chord_tone_share``), and onsets per quarter of a lower part."""
    beats, counted, notes = len(score.beats), analysis.counted(), score.notes
    share = chord_tone_share(sounding_on_beats(score))
    lower = notes[notes["part"] > 0]
    return {
        "parallels_per_100_beats": round(100 * sum(counted.get(name, 0) for name in PARALLELS) / beats, 1),
        "broken_rules_per_100_beats": round(100 * sum(counted.values()) / beats, 1),
        "chord_tone_beats_percent": None if math.isnan(share) else round(100 * share, 1),
        "onsets_per_quarter": round(len(lower) / score.end_quarter / max(1, len(score.parts) - 1), 2),
    }


def write_comparison(comparison: Comparison, folder: Path, sounds: dict[str, Path]) -> Path:
    """``compare.html``, one file with pictures and sound inside, and ``compare.json``.

    ``sounds`` are WAV files by kind. Raises ``ModelError``.
    """
    rows: list[dict[str, Any]] = []
    for answer in comparison.answers:
        lower = range(1, len(answer.score.parts))
        rows.append(
            {
                "kind": answer.kind,
                "about": ABOUT[answer.kind],
                "source": answer.provenance.source,
                "files": [path.name for path in answer.files],
                "figures": answer.figures,
                "roll": base64.b64encode(chord_roll(answer.score, answer.analysis, None, lower)).decode(),
                "sound": _mp3(sounds[answer.kind]) if answer.kind in sounds else "",
            }
        )
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tutti.studio", "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    title = comparison.melody.title or "A melody"
    page = environment.get_template("compare.html").render(title=title, answers=rows, missing=comparison.missing)
    numbers = {
        "title": title,
        "answers": {answer.kind: {**answer.figures, **answer.provenance.fields()} for answer in comparison.answers},
        "missing": comparison.missing,
    }
    try:
        (folder / "compare.json").write_text(json.dumps(numbers, indent=1, ensure_ascii=False), encoding="utf-8")
        (folder / "compare.html").write_text(page, encoding="utf-8")
    except OSError as error:
        raise ModelError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from error
    return folder / "compare.html"


def _mp3(wav: Path) -> str:
    """A recording small enough to stand in a page, base64."""
    samples, rate_hz = soundfile.read(wav, dtype="float32", always_2d=True)
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate_hz, format="MP3")
    return base64.b64encode(buffer.getvalue()).decode()
