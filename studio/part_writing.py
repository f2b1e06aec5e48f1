"""AI parts offline: what the AI player answers to a score, written as MusicXML or MIDI with its provenance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..engine.errors import ModelError
from ..engine.instruments import catalogue
from ..engine.notation.score_cache import open_score
from ..engine.parts import WrittenPart
from ..engine.score import Part, Score
from ..engine.types import ScoreNote
from ..models.responder import Responder, plan_voices
from .ensemble_setup import parts_named

ADDED_VOICES = ("alto", "tenor", "bass")


@dataclass(frozen=True, slots=True)
class WrittenAnswer:
    """What was written: by which model, into which parts, how many notes."""

    model: str
    parts: tuple[str, ...]
    notes: int


def harmonise(source: str, out: Path, names: Sequence[str], seed: int, weights: Path | None) -> WrittenAnswer:
    """Answer the named parts of a score; a score of one part gets alto, tenor and bass under it.

    Raises ``ScoreError`` and ``ModelError``.
    """
    if out.suffix.lower() not in (".musicxml", ".mid"):
        raise ModelError(f"{out}: write to a .musicxml or .mid file")
    score = open_score(source)
    if not names and len(score.parts) == 1:
        score = _with_voices(score)
        names = [str(index + 2) for index in range(len(ADDED_VOICES))]
    answered = parts_named(score, names)
    if not answered:
        raise ModelError("say which parts to answer, e.g. --ai-parts alto,tenor,bass")
    answers, model = answer_score(score, answered, seed, weights)
    kept = WrittenPart(score, frozenset(range(len(score.parts))) - frozenset(answered))
    notes = sorted(
        [*kept.collect(0.0, score.end_quarter), *answers], key=lambda note: (note.part, note.onset_quarter, note.pitch)
    )
    _write(out, score, notes, model, seed)
    return WrittenAnswer(model, tuple(score.parts[part].name for part in answered), len(answers))


def answer_score(
    score: Score, answered: Sequence[int], seed: int, weights: Path | None = None
) -> tuple[list[ScoreNote], str]:
    """The AI's notes for whole parts, beat by beat as live, and the name of the model."""
    responder = Responder(score, plan_voices(score, answered), weights, seed)
    heard = WrittenPart(score, frozenset(range(len(score.parts))) - frozenset(answered))
    notes: list[ScoreNote] = []
    for beat in score.beats:
        start, end = float(beat["quarter"]), float(beat["quarter"] + beat["duration_quarter"])
        notes += responder.answer(start, end, heard.collect(start, end))
    return notes, responder.source


def _with_voices(score: Score) -> Score:
    added = tuple(Part(catalogue()[key].name, key[:1].upper(), key, 0) for key in ADDED_VOICES)
    return replace(score, parts=score.parts + added)


def _write(out: Path, score: Score, notes: Sequence[ScoreNote], model: str, seed: int) -> None:
    """Write by music21; parts with AI notes are named so, and the file says who wrote what."""
    from music21 import expressions, instrument, metadata, meter, note, stream, tempo

    whole = stream.Score()
    whole.metadata = metadata.Metadata(title=score.title, composer=score.composer)
    whole.metadata.addContributor(metadata.Contributor(role="arranger", name=f"{model}, seed {seed}"))
    first = score.measures[0]
    for index, part in enumerate(score.parts):
        own = [n for n in notes if n.part == index]
        by_ai = any(n.source != "written" for n in own)
        staff = stream.Part(id=f"P{index + 1}")
        staff.partName = f"{part.name} (AI)" if by_ai else part.name
        player = instrument.Instrument(part.name)
        player.midiProgram = catalogue()[part.instrument].midi_program
        staff.insert(0, player)
        staff.insert(0, meter.TimeSignature(f"{first['numerator']}/{first['denominator']}"))
        if index == 0:
            staff.insert(0, tempo.MetronomeMark(number=score.quarter_bpm_at(0.0)))
        if by_ai:
            staff.insert(0, expressions.TextExpression(f"written by {model}"))
        for written in own:
            sounding = note.Note(written.pitch, quarterLength=written.duration_quarter)
            sounding.volume.velocity = round(127 * written.dynamic)
            staff.insert(written.onset_quarter, sounding)
        whole.insert(0, staff)
    out.parent.mkdir(parents=True, exist_ok=True)
    whole.write("musicxml" if out.suffix.lower() == ".musicxml" else "midi", fp=out)
