"""Pictures of written music: a piano roll with chords above it, notes coloured by how surprising they were."""

from collections.abc import Sequence

import numpy as np
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
HEARD = "#b9ad9a"
"""Colour of what is heard only."""
_SURPRISE = LinearSegmentedColormap.from_list("surprise", [PINE, GOLD, WINE])


def chord_roll(score: Score, analysis: Analysis, surprise: Surprise | None, parts: Sequence[int]) -> bytes:
    """A PNG of systems of eight bars of 4/4: the notes of ``parts`` coloured by surprise, the others grey, numerals
    above, breaches of rules as marks below. Of very long scores the first ``MOST_SYSTEMS`` systems."""
    systems = int(np.clip(np.ceil(score.end_quarter / QUARTERS_A_SYSTEM), 1, MOST_SYSTEMS))
    figure = Figure(figsize=(10.0, 0.5 + 2.6 * systems), dpi=110, facecolor=PAPER, layout="constrained")
    nats = {} if surprise is None else {(n.part, round(n.onset_quarter, 3), n.pitch): n.nats for n in surprise.notes}
    pitched = [n for n in score.notes_between(0.0, score.end_quarter) if score.parts[n.part].instrument != "percussion"]
    low, high = min((n.pitch for n in pitched), default=48), max((n.pitch for n in pitched), default=72)
    for system in range(systems):
        axes = styled(figure.add_subplot(systems, 1, system + 1))
        start = system * QUARTERS_A_SYSTEM
        end = start + min(QUARTERS_A_SYSTEM, max(8.0, score.end_quarter))
        for note in pitched:
            if start <= note.onset_quarter < end:
                value = nats.get((note.part, round(note.onset_quarter, 3), note.pitch))
                colour = to_rgba(SLATE if note.part in parts else HEARD)
                if value is not None:
                    colour = _SURPRISE(min(1.0, value / MOST_NATS))
                span = (note.onset_quarter + 0.03, max(0.08, note.duration_quarter - 0.06))
                axes.broken_barh([span], (note.pitch - 0.42, 0.84), facecolors=colour, linewidth=0)
        for chord in analysis.chords:
            if start <= chord.place.quarter < end:
                axes.text(chord.place.quarter + 0.06, high + 2.2, chord.numeral, fontsize=7, color=INK, family="serif")
        for breach in analysis.breaches:
            if start <= breach.place.quarter < end:
                axes.plot([breach.place.quarter], [low - 2.5], marker="x", markersize=5, color=WINE)
        bars = [row for row in score.measures if start <= row["start_quarter"] < end]
        axes.set_xticks([float(row["start_quarter"]) for row in bars], [str(row["number"]) for row in bars])
        axes.set_xlim(start, end)
        axes.set_ylim(low - 4, high + 5)
        axes.grid(axis="x", color=GRID, linewidth=1.0)
        axes.set_ylabel("pitch", color=INK, fontsize=9)
    axes.set_xlabel("measure", color=INK)
    return png(figure)
