"""Scores made from scores: more parts, more bars, other notes. Values in, values out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..engine.errors import ModelError
from ..engine.instruments import catalogue
from ..engine.score import BEAT_DTYPE, FERMATA_DTYPE, MEASURE_DTYPE, NOTE_DTYPE, TEMPO_DTYPE, Part, Score
from ..engine.types import ScoreNote


def all_notes(score: Score) -> list[ScoreNote]:
    """Every note of the score, in order."""
    return score.notes_between(-np.inf, np.inf)


def with_notes(score: Score, notes: Sequence[ScoreNote]) -> Score:
    """The same parts and bars with other notes."""
    measure = score.measure_at
    rows = [
        (
            n.onset_quarter,
            n.duration_quarter,
            n.pitch,
            n.part,
            n.dynamic,
            n.flags,
            measure(n.onset_quarter),
            n.cents,
            1 + score.parts[n.part].doublings.index(n.instrument) if n.instrument else 0,
        )
        for n in notes
    ]
    array = np.sort(np.array(rows, NOTE_DTYPE), order=["onset_quarter", "part", "pitch"])
    return replace(score, notes=array)


def new_part(instrument: str, name: str | None = None) -> Part:
    """A part for one instrument of the catalogue."""
    title = name or catalogue()[instrument].name
    return Part(title, title[:3] + ".", instrument, 0)


def with_parts(score: Score, parts: Sequence[Part]) -> Score:
    """More parts after the score's own, empty; a name that is taken gets a number."""
    taken = [part.name for part in score.parts]
    named = []
    for part in parts:
        same = sum(name == part.name or name.rsplit(" ", 1)[0] == part.name for name in taken)
        name = part.name if not same else f"{part.name} {same + 1}"
        taken.append(name)
        named.append(replace(part, name=name))
    return replace(score, parts=score.parts + tuple(named))


def with_bars(score: Score, count: int) -> Score:
    """``count`` empty bars after the end, like the last bar that has its full length."""
    if count <= 0:
        return score
    whole = [
        index
        for index, row in enumerate(score.measures)
        if abs(float(row["duration_quarter"]) - 4.0 * int(row["numerator"]) / int(row["denominator"])) < 1e-6
    ]
    model = whole[-1] if whole else len(score.measures) - 1
    pattern = score.measures[model]
    beats = score.beats[score.beats["measure"] == model]
    length, end = float(pattern["duration_quarter"]), score.end_quarter
    last = score.measures[-1]
    bars, added = [], []
    for index in range(count):
        start = end + index * length
        number = str(int(last["number"]) + 1 + index) if str(last["number"]).isdigit() else f"+{index + 1}"
        bars.append((start, length, number, int(pattern["numerator"]), int(pattern["denominator"])))
        shift = start - float(pattern["start_quarter"])
        added += [
            (
                float(row["quarter"]) + shift,
                float(row["duration_quarter"]),
                len(score.measures) + index,
                int(row["beat"]),
                int(row["beats_in_measure"]),
            )
            for row in beats
        ]
    return replace(
        score,
        measures=np.concatenate([score.measures, np.array(bars, MEASURE_DTYPE)]),
        beats=np.concatenate([score.beats, np.array(added, BEAT_DTYPE)]),
    )


def blank_score(
    title: str, parts: Sequence[Part], bars: int, numerator: int = 4, denominator: int = 4, quarter_bpm: float = 96.0
) -> Score:
    """Empty bars of one metre."""
    from ..engine.notation.meter import bar_beats

    length = 4.0 * numerator / denominator
    beats = bar_beats(numerator, denominator, quarter_bpm)
    rows = []
    for bar in range(bars):
        at = bar * length
        for index, beat in enumerate(beats):
            rows.append((at, beat, bar, index + 1, len(beats)))
            at += beat
    return Score(
        title=title,
        composer="",
        sha256="",
        parts=tuple(parts),
        notes=np.zeros(0, NOTE_DTYPE),
        measures=np.array(
            [(bar * length, length, str(bar + 1), numerator, denominator) for bar in range(bars)], MEASURE_DTYPE
        ),
        beats=np.array(rows, BEAT_DTYPE),
        tempos=np.array([(0.0, quarter_bpm)], TEMPO_DTYPE),
        fermatas=np.zeros(0, FERMATA_DTYPE),
    )


def bars_of(score: Score, first: int, last: int) -> Score:
    """The bars of index ``first`` to ``last`` alone, beginning at score time 0, with their printed numbers.

    Of tempo marks the one that holds there is kept; notes that begin before are left out, and so are pedals.
    """
    bars = score.measures[first : last + 1].copy()
    start = float(bars["start_quarter"][0])
    end = float(bars["start_quarter"][-1] + bars["duration_quarter"][-1])
    beats = score.beats[(score.beats["measure"] >= first) & (score.beats["measure"] <= last)].copy()
    notes = score.notes[(score.notes["onset_quarter"] >= start - 1e-9) & (score.notes["onset_quarter"] < end - 1e-9)]
    notes = notes.copy()
    for array, field in ((bars, "start_quarter"), (beats, "quarter"), (notes, "onset_quarter")):
        array[field] -= start
    for array in (beats, notes):
        array["measure"] -= first
    tempos = np.array([(0.0, score.quarter_bpm_at(start))], TEMPO_DTYPE)
    fermatas = np.zeros(0, FERMATA_DTYPE)
    return replace(
        score,
        measures=bars,
        beats=beats,
        notes=notes,
        tempos=tempos,
        fermatas=fermatas,
        rehearsal=(),
        markings=(),
        tempo_unit_quarters=(),
        pedals=score.pedals[:0],
    )


def bars_numbered(score: Score, first: int, last: int) -> tuple[float, float]:
    """Score time of the bars that are printed with the numbers ``first`` to ``last``; of bars that are repeated, the
    first time. Raises ``ModelError`` where there are none of these numbers."""
    numbers = [str(number) for number in score.measures["number"]]
    for wanted in (first, last):
        if str(wanted) not in numbers:
            raise ModelError(f"there is no bar {wanted}: this score has bars {numbers[0]} to {numbers[-1]}")
    begin = numbers.index(str(first))
    if str(last) not in numbers[begin:]:
        raise ModelError(f"bar {last} does not come after bar {first}")
    return bars_between(score, begin + 1, numbers.index(str(last), begin) + 1)


def bars_between(score: Score, first: int, last: int) -> tuple[float, float]:
    """Score time of the bars ``first`` to ``last``, counted from 1 as they are played."""
    first = max(1, min(first, len(score.measures)))
    last = max(first, min(last, len(score.measures)))
    end = score.measures[last - 1]
    return float(score.measures[first - 1]["start_quarter"]), float(end["start_quarter"] + end["duration_quarter"])


def place_of_rest(score: Score, span: tuple[float, float]) -> float:
    """Score time where a phrase that fills a span (from, to, in quarters) comes to rest: at its last bar; where it has
    but one or two, in the middle of the last."""
    bar = score.measure_at(span[1] - 1e-6)
    starts = score.measures["start_quarter"]
    if bar >= 2 and float(starts[bar - 2]) > span[0] - 1e-6:
        return float(starts[bar])
    beats = score.beats["quarter"][(score.beats["measure"] == bar) & (score.beats["quarter"] >= span[0] - 1e-6)]
    return float(beats[len(beats) // 2]) if len(beats) else span[0]
