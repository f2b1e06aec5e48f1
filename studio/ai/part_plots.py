"""Pictures of written music: a piano roll with chords above it, notes coloured by how surprising they were."""

from collections.abc import Sequence

from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure

from ...engine.score import Score
from ...models.craft.analysis import Analysis
from ...models.explain import Surprise
from ..plots import GOLD, GRID, INK, PAPER, PINE, SLATE, WINE, png, styled

QUARTERS_A_SYSTEM = 32
MOST_SYSTEMS = 24
MOST_NATS = 5.0
"""Surprise from which a note is as red as can be."""
NUMERAL_QUARTERS = 0.24
"""How wide a letter of a numeral is, in quarters of a full system."""
HEARD = "#b9ad9a"
"""Colour of what is heard only."""
_SURPRISE = LinearSegmentedColormap.from_list("surprise", [PINE, GOLD, WINE])


def chord_roll(score: Score, analysis: Analysis, surprise: Surprise | None, parts: Sequence[int]) -> bytes:
    """A PNG of systems of up to eight bars of 4/4: the notes of ``parts`` coloured by surprise, the others grey,
    numerals above, breaches of rules as marks below. Of very long scores the first ``MOST_SYSTEMS`` systems."""
    systems = _systems(score)
    figure = Figure(figsize=(10.0, 0.5 + 2.6 * len(systems)), dpi=110, facecolor=PAPER, layout="constrained")
    nats = {} if surprise is None else {(n.part, round(n.onset_quarter, 3), n.pitch): n.nats for n in surprise.notes}
    pitched = [n for n in score.notes_between(0.0, score.end_quarter) if score.has_pitch(n)]
    low, high = min((n.pitch for n in pitched), default=48), max((n.pitch for n in pitched), default=72)
    widest = max(8.0, *(end - start for start, end in systems))
    for system, (start, end) in enumerate(systems):
        axes = styled(figure.add_subplot(len(systems), 1, system + 1))
        for note in pitched:
            if start <= note.onset_quarter < end:
                value = nats.get((note.part, round(note.onset_quarter, 3), note.pitch))
                colour = to_rgba(SLATE if note.part in parts else HEARD)
                if value is not None:
                    colour = _SURPRISE(min(1.0, value / MOST_NATS))
                span = (note.onset_quarter + 0.03, max(0.08, note.duration_quarter - 0.06))
                axes.broken_barh([span], (note.pitch - 0.42, 0.84), facecolors=colour, linewidth=0)
        free = [-1.0, -1.0]  # where the next numeral has room, in the lower and the upper row
        for chord in analysis.chords:
            at = chord.place.quarter + 0.06
            if start <= chord.place.quarter < end:
                row = 0 if free[0] <= at else 1
                axes.text(at, high + 1.6 + 2.4 * row, chord.numeral, fontsize=7, color=INK, family="serif")
                free[row] = at + NUMERAL_QUARTERS * len(chord.numeral) * widest / QUARTERS_A_SYSTEM
        for breach in analysis.breaches:
            if start <= breach.place.quarter < end:
                axes.plot([breach.place.quarter], [low - 2.5], marker="x", markersize=5, color=WINE)
        bars = [row for row in score.measures if start <= row["start_quarter"] < end]
        axes.set_xticks([float(row["start_quarter"]) for row in bars], [str(row["number"]) for row in bars])
        axes.set_xlim(start, start + widest)
        axes.set_ylim(low - 4, high + 7)
        axes.grid(axis="x", color=GRID, linewidth=1.0)
        axes.set_ylabel("pitch", color=INK, fontsize=9)
    axes.set_xlabel("measure", color=INK)
    return png(figure)


def _systems(score: Score) -> list[tuple[float, float]]:
    """Stretches of whole bars, each as long as fits into a system (a longer bar has one of its own)."""
    systems: list[tuple[float, float]] = []
    for row in score.measures:
        start, end = float(row["start_quarter"]), float(row["start_quarter"] + row["duration_quarter"])
        if systems and end - systems[-1][0] <= QUARTERS_A_SYSTEM:
            systems[-1] = (systems[-1][0], end)
        else:
            systems.append((start, end))
    return systems[:MOST_SYSTEMS] or [(0.0, 8.0)]
