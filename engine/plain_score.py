"""Scores without music: bars of beats to practise, test and train on."""

from collections.abc import Sequence

import numpy as np

from .score import BEAT_DTYPE, FERMATA_DTYPE, MEASURE_DTYPE, NOTE_DTYPE, TEMPO_DTYPE, Part, Score

MEZZO_FORTE = 0.55


def plain_score(beat_quarters: Sequence[float], bars: int, quarter_bpm: float, dynamics: Sequence[float] = ()) -> Score:
    """Bars whose beats have the given lengths in quarters; one violin plays a note on each beat.

    ``dynamics`` are the notes' levels (0–1), beat by beat; mezzo-forte throughout if empty.
    """
    beats_per_bar, bar = len(beat_quarters), sum(beat_quarters)
    lengths = np.tile(beat_quarters, bars)
    starts = np.concatenate([[0.0], np.cumsum(lengths[:-1])])
    count = np.arange(len(lengths))
    beats = np.zeros(len(lengths), BEAT_DTYPE)
    beats["quarter"], beats["duration_quarter"] = starts, lengths
    beats["measure"], beats["beat"] = count // beats_per_bar, count % beats_per_bar + 1
    beats["beats_in_measure"] = beats_per_bar
    notes = np.zeros(len(lengths), NOTE_DTYPE)
    notes["onset_quarter"], notes["duration_quarter"], notes["pitch"] = starts, lengths, 60
    notes["dynamic"] = dynamics if len(dynamics) else MEZZO_FORTE
    notes["measure"] = beats["measure"]
    eighths = round(2 * bar)
    signature = (eighths, 8) if eighths % 2 else (eighths // 2, 4)
    return Score(
        title=f"in {beats_per_bar}",
        composer="",
        sha256="",
        parts=(Part("Violin", "Vl.", "violin", 0),),
        notes=notes,
        measures=np.array([(m * bar, bar, str(m + 1), *signature) for m in range(bars)], MEASURE_DTYPE),
        beats=beats,
        tempos=np.array([(0.0, quarter_bpm)], TEMPO_DTYPE),
        fermatas=np.zeros(0, FERMATA_DTYPE),
    )
