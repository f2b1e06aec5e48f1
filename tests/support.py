"""Scores built by hand for tests: a few bars, exact in every array."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tutti.engine.conducting.beat_grid import prevailing_beats, regrid
from tutti.engine.score import BEAT_DTYPE, FERMATA_DTYPE, MEASURE_DTYPE, NOTE_DTYPE, TEMPO_DTYPE, Part, Score

WrittenNote = tuple[float, float, int, int, float, int]
"""Onset (quarters), duration (quarters), pitch, part, dynamic, flags."""


def make_score(
    notes: Sequence[WrittenNote],
    *,
    measures: int = 4,
    beats_in_measure: int = 4,
    beat_quarter: float = 1.0,
    quarter_bpm: float = 100.0,
    instruments: Sequence[str] = ("violin",),
) -> Score:
    """A score in one meter whose conductor's beats are ``beat_quarter`` long."""
    length = beats_in_measure * beat_quarter
    rows = [(on, dur, pitch, part, dyn, flags, int(on // length), 0.0, 0) for on, dur, pitch, part, dyn, flags in notes]
    return Score(
        title="Test piece",
        composer="Nobody",
        sha256="0" * 64,
        parts=tuple(Part(f"{key.title()} {n + 1}", key[:3], key, 0) for n, key in enumerate(instruments)),
        notes=np.sort(np.array(rows, NOTE_DTYPE), order=["onset_quarter", "part", "pitch"]),
        measures=np.array(
            [(m * length, length, str(m + 1), beats_in_measure, 4) for m in range(measures)], MEASURE_DTYPE
        ),
        beats=np.array(
            [
                (m * length + b * beat_quarter, beat_quarter, m, b + 1, beats_in_measure)
                for m in range(measures)
                for b in range(beats_in_measure)
            ],
            BEAT_DTYPE,
        ),
        tempos=np.array([(0.0, quarter_bpm)], TEMPO_DTYPE),
        fermatas=np.zeros(0, FERMATA_DTYPE),
    )


def with_upbeat(score: Score, length: float) -> Score:
    """The score with an upbeat in every part before it, ``length`` quarters long."""
    upbeats = np.zeros(len(score.parts), NOTE_DTYPE)
    upbeats["duration_quarter"], upbeats["dynamic"] = length, 0.5
    upbeats["pitch"], upbeats["part"] = 60, np.arange(len(score.parts))
    first = score.measures[:1].copy()
    first["duration_quarter"], first["number"] = length, "0"
    notes, measures = score.notes.copy(), score.measures.copy()
    notes["onset_quarter"] += length
    notes["measure"] += 1
    measures["start_quarter"] += length
    joined = replace(score, notes=np.concatenate([upbeats, notes]), measures=np.concatenate([first, measures]))
    return regrid(joined, prevailing_beats(score))
