"""Scores without music: bars of beats to practise, test and train on."""

from collections.abc import Sequence

import numpy as np

from .score import BEAT_DTYPE, FERMATA_DTYPE, MEASURE_DTYPE, NOTE_DTYPE, TEMPO_DTYPE, Part, Score

MEZZO_FORTE = 0.55


def plain_score(beat_quarters: Sequence[float], bars: int, quarter_bpm: float, dynamics: Sequence[float] = ()) -> Score:
    """Bars whose beats have the given lengths in quarters; one violin plays a note on each beat.

    ``dynamics`` are the notes' levels (0–1), beat by beat; mezzo-forte throughout if empty.
    """
    return score_of_bars([beat_quarters] * bars, [(0.0, quarter_bpm)], dynamics)


def score_of_bars(
    bars: Sequence[Sequence[float]], tempos: Sequence[tuple[float, float]], dynamics: Sequence[float] = ()
) -> Score:
    """The same of bars that need not be alike, each given as the lengths of its beats in quarters.

    ``tempos`` are the marks: score time in quarters, and quarters a minute.
    """
    counts = np.array([len(bar) for bar in bars])
    spans = np.array([sum(bar) for bar in bars])
    begins = np.cumsum(spans) - spans
    lengths = np.concatenate([np.asarray(bar, float) for bar in bars])
    starts = np.concatenate([[0.0], np.cumsum(lengths[:-1])])
    beats = np.zeros(len(lengths), BEAT_DTYPE)
    beats["quarter"], beats["duration_quarter"] = starts, lengths
    beats["measure"] = np.repeat(np.arange(len(bars)), counts)
    beats["beat"] = np.arange(len(lengths)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    beats["beats_in_measure"] = np.repeat(counts, counts)
    notes = np.zeros(len(lengths), NOTE_DTYPE)
    notes["onset_quarter"], notes["duration_quarter"], notes["pitch"] = starts, lengths, 60
    notes["dynamic"] = dynamics if len(dynamics) else MEZZO_FORTE
    notes["measure"] = beats["measure"]
    rows = zip(begins, spans, strict=True)
    measures = [(begin, span, str(m + 1), *_signature(span)) for m, (begin, span) in enumerate(rows)]
    return Score(
        title="in " + " and ".join(str(count) for count in dict.fromkeys(counts.tolist())),
        composer="",
        sha256="",
        parts=(Part("Violin", "Vl.", "violin", 0),),
        notes=notes,
        measures=np.array(measures, MEASURE_DTYPE),
        beats=beats,
        tempos=np.array(list(tempos), TEMPO_DTYPE),
        fermatas=np.zeros(0, FERMATA_DTYPE),
    )


def _signature(bar_quarters: float) -> tuple[int, int]:
    eighths = round(2 * bar_quarters)
    return (eighths, 8) if eighths % 2 else (eighths // 2, 4)
