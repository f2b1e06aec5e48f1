"""Plots of the conducting half of a report: tempo, beats of the bar, the baton's way, the timeline."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from ..engine.conducting.review import BarWay, marked_bpm
from ..engine.types import FollowState
from .conducting_report import Conducting
from .plots import GOLD, GRID, INK, PAPER, PINE, SLATE, WINE, png, styled

SHOWN_BARS = 48
BARS_IN_ROW = 12
AROUND_S = 3.0
"""So much of the rest before the first thing that happened, and after the last, is in the timeline."""
STATE_COLOURS: dict[FollowState, str] = {
    "waiting": "#e9e1d0",
    "preparing": "#e3c58c",
    "playing": "#bcd0b4",
    "coasting": "#d9b9a4",
    "holding": "#b9c7d6",
    "stopped": "#d9cfbd",
    "ended": "#e9e1d0",
}
STATE_WORDS: dict[FollowState, str] = {
    "waiting": "waiting",
    "preparing": "upbeat seen",
    "playing": "playing",
    "coasting": "keeping time alone",
    "holding": "holding",
    "stopped": "stopped",
    "ended": "over",
}
SIGN_WORDS = {"cue": "cue", "raise": "come forward", "hush": "hush", "hold": "hold", "cut_off": "cut-off"}


def conducting_plots(conducting: Conducting) -> list[tuple[str, bytes]]:
    """Titles and PNG images for the report, in the order in which to show them."""
    plots = [("Tempo by measure: conducted and marked", _alone(3.3, draw_tempo, conducting))]
    if conducting.statistics:
        plots.append(("Each beat of the bar: clarity, lag of the orchestra, steadiness", _beats_plot(conducting)))
    if conducting.ways:
        shown = len(_shown(conducting.ways))
        whole = "every bar" if shown == len(conducting.bars) else f"{shown} of {len(conducting.bars)} bars"
        plots.append((f"The baton’s way, {whole}; dotted: the ideal figure", _alone_ways(conducting)))
    plots.append(("What the orchestra understood, and when", _alone(2.9, draw_timeline, conducting)))
    return plots


def write_conducting_png(path: Path, conducting: Conducting) -> None:
    """One picture of the conducting: tempo, beats of the bar, the way of all bars, the timeline. Raises ``OSError``."""
    figure = Figure(
        figsize=(16.0, 10.0), dpi=100, facecolor=PAPER, layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.12)
    )
    title = " – ".join(filter(None, (conducting.score.title or "Performance", conducting.score.composer)))
    figure.suptitle(title, color=INK, fontsize=17, family="serif")
    grid = figure.add_gridspec(3, 3, height_ratios=(1.0, 0.9, 1.0), width_ratios=(0.95, 1.0, 1.0))
    tempo = styled(figure.add_subplot(grid[0, :]), "Tempo by measure: conducted and marked")
    draw_tempo(tempo, conducting)
    way = styled(figure.add_subplot(grid[1:, 0]), "The baton’s way, all bars; dotted: the ideal figure")
    _draw_all_ways(way, conducting)
    clarity = styled(figure.add_subplot(grid[1, 1]), "Clarity of each beat of the bar")
    lag = styled(figure.add_subplot(grid[1, 2]), "Orchestra after (+) or before (−) the ictus, ms")
    draw_beats(clarity, lag, conducting)
    timeline = styled(figure.add_subplot(grid[2, 1:]), "What the orchestra understood, and when")
    draw_timeline(timeline, conducting)
    path.write_bytes(png(figure))


def _alone(height_in: float, draw: Any, conducting: Conducting) -> bytes:
    figure = Figure(figsize=(10.0, height_in), dpi=110, facecolor=PAPER, layout="constrained")
    draw(styled(figure.add_subplot()), conducting)
    return png(figure)


def draw_tempo(axes: Axes, conducting: Conducting) -> None:
    """Conducted beats (thin) and bars (bold) over the marks; the axis is the bars in the order they were played.

    Each beat stands at its place in the bar: that of an upbeat just before the first whole bar.
    """
    score, played = conducting.score, conducting.bars
    at: list[float] = []
    for index, bar in enumerate(played):
        rows = score.beats[[crossing.beat_index for crossing in conducting.crossings[bar.first : bar.last + 1]]]
        at += (index + (rows["beat"] - 1.0) / rows["beats_in_measure"]).tolist()
    beats = np.array([crossing.bpm for crossing in conducting.crossings])
    tempi = np.array([bar.conducted_bpm for bar in played])
    marks = [marked_bpm(score, crossing.beat_index) for crossing in conducting.crossings]
    middles = [(at[bar.first] + index + 1.0) / 2.0 for index, bar in enumerate(played)]
    axes.step(at, marks, where="post", color=SLATE, linewidth=1.6, linestyle=(0, (4, 2)), label="marked")
    axes.plot(at, beats, color=GOLD, linewidth=0.9, alpha=0.9, label="conducted, by beat")
    axes.plot(middles, tempi, color=WINE, linewidth=2.0, label="conducted, by measure")
    step = next(size for size in (1, 2, 4, 5, 10, 20, 50, 100, 200, 500, 5000) if len(played) / size <= 30)
    axes.set_xticks(range(0, len(played), step), [str(score.measures["number"][bar.measure]) for bar in played[::step]])
    axes.set_xlim(0, max(1, len(played)))
    axes.set_xlabel("measure", color=INK)
    axes.set_ylabel("beats a minute", color=INK)
    if len(beats):
        low = min(*np.percentile(beats, (0.5,)), *tempi, *marks)
        high = max(*np.percentile(beats, (99.5,)), *tempi, *marks)
        axes.set_ylim(max(0.0, low - 0.15 * (high - low) - 4), high + 0.15 * (high - low) + 4)
        axes.legend(frameon=False, labelcolor=INK, ncols=3, loc="best", fontsize=9)


def _beats_plot(conducting: Conducting) -> bytes:
    figure = Figure(figsize=(10.0, 2.9), dpi=110, facecolor=PAPER, layout="constrained")
    clarity, lag = figure.subplots(1, 2)
    styled(clarity, "Clarity (1: as plain as can be)")
    styled(lag, "Orchestra after (+), before (−) the ictus, ms")
    draw_beats(clarity, lag, conducting)
    return png(figure)


def draw_beats(clarity: Axes, lag: Axes, conducting: Conducting) -> None:
    """Bars of clarity and points of lag with their spread, for each beat of each metre."""
    labels, colours = [], []
    metres = sorted({beat.beats_in_measure for beat in conducting.statistics})
    for beat in conducting.statistics:
        labels.append(str(beat.beat) if len(metres) == 1 else f"{beat.beat}\nof {beat.beats_in_measure}")
        colours.append(WINE if beat.beat == 1 else GOLD)
    places = np.arange(len(labels))
    clarity.bar(places, [beat.clarity for beat in conducting.statistics], color=colours, width=0.62)
    clarity.set_ylim(0, 1.05)
    lags = [beat.lag_ms for beat in conducting.statistics]
    lag.axhline(0, color=INK, linewidth=0.8)
    lag.errorbar(
        places,
        lags,
        yerr=[beat.scatter_ms for beat in conducting.statistics],
        fmt="none",
        ecolor=INK,
        elinewidth=1.4,
        capsize=4,
    )
    lag.scatter(places, lags, s=46, c=colours, zorder=3)
    for place, value in zip(places, lags, strict=True):
        lag.annotate(
            f"{value:+.0f}".replace("-", "−"),
            (place, value),
            (9, 0),
            textcoords="offset points",
            va="center",
            color=INK,
        )
    for axes in (clarity, lag):
        axes.set_xticks(places, labels)
        axes.set_xlim(-0.6, len(labels) - 0.4)
        axes.set_xlabel("beat of the bar", color=INK)


def _shown(ways: Sequence[BarWay]) -> list[BarWay]:
    """All bars, or so many of them, evenly."""
    if len(ways) <= SHOWN_BARS:
        return list(ways)
    return [ways[index] for index in np.linspace(0, len(ways) - 1, SHOWN_BARS).round().astype(int)]


def _alone_ways(conducting: Conducting) -> bytes:
    """A small picture for each bar, all at one scale, on one pair of axes."""
    shown = _shown(conducting.ways)
    wide = max(0.2, max(float(np.ptp(way.way[:, 0])) for way in shown)) * 1.25
    high = max(0.2, max(float(np.ptp(way.way[:, 1])) for way in shown)) * 1.4
    rows = -(-len(shown) // BARS_IN_ROW)
    columns = min(BARS_IN_ROW, len(shown))
    height_in = max(1.6, 10.0 * rows * high / (BARS_IN_ROW * wide))
    figure = Figure(figsize=(10.0, min(9.0, height_in)), dpi=110, facecolor=PAPER, layout="constrained")
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_aspect("equal")
    for index, way in enumerate(shown):
        across, up = index % BARS_IN_ROW, -(index // BARS_IN_ROW)
        middle = np.array([way.way[:, 0].min() + np.ptp(way.way[:, 0]) / 2, way.way[:, 1].min()])
        shift = np.array([across * wide, up * high]) - middle
        _draw_way(axes, way, shift, numbers=False)
        number = str(conducting.score.measures["number"][way.bar.measure])
        axes.text(across * wide, up * high - 0.16 * high, number, ha="center", fontsize=8, color=INK)
    axes.set_xlim(-0.55 * wide, (max(columns, BARS_IN_ROW) - 0.45) * wide)
    axes.set_ylim((1 - rows) * high - 0.25 * high, 0.85 * high)
    return png(figure)


def _draw_way(axes: Axes, way: BarWay, shift: np.ndarray, *, numbers: bool) -> None:
    if way.ghost is not None:
        axes.plot(*(way.ghost.way + shift).T, color=SLATE, linewidth=1.0, linestyle=(0, (1, 2)))
    axes.plot(*(way.way + shift).T, color=GOLD, linewidth=1.3)
    if len(way.icti):
        first = [WINE if beat == 1 else INK for beat in way.beats]
        axes.scatter((way.icti + shift)[:, 0], (way.icti + shift)[:, 1], s=9, c=first, zorder=3)


def _draw_all_ways(axes: Axes, conducting: Conducting) -> None:
    """Bars of the metre that is beaten most, one over the other, over the ideal figure of middle size."""
    axes.set_aspect("equal", adjustable="datalim")  # it fills its place, however narrow the figure is
    axes.set_xlabel("right (m)", color=INK)
    axes.set_ylabel("up (m)", color=INK)
    counts = [len(way.ghost.icti) for way in conducting.ways if way.ghost is not None]
    if not counts:
        return
    metre = max(set(counts), key=counts.count)
    same = [way for way in conducting.ways if way.ghost is not None and len(way.ghost.icti) == metre]
    for way in same:
        axes.plot(*way.way.T, color=GOLD, linewidth=0.8, alpha=max(0.08, min(0.8, 12 / len(same))))
    ghosts = [way.ghost for way in same if way.ghost is not None]
    mirrored = sum(ghost.mirrored for ghost in ghosts) * 2 > len(ghosts)
    ghosts = [ghost for ghost in ghosts if ghost.mirrored == mirrored]
    ideal = np.median([ghost.way for ghost in ghosts], axis=0)
    axes.plot(*ideal.T, color=SLATE, linewidth=1.8, linestyle=(0, (1, 1.6)))
    for beat in range(1, metre + 1):
        places = np.array([p for way in same for p, b in zip(way.icti, way.beats, strict=True) if b == beat])
        if len(places):
            axes.scatter(places[:, 0], places[:, 1], s=8, color=WINE if beat == 1 else INK, alpha=0.35, linewidth=0)
            axes.annotate(
                str(beat),
                np.median(places, axis=0),
                ha="center",
                va="center",
                fontsize=11,
                color=PAPER,
                bbox={"boxstyle": "circle,pad=0.25", "facecolor": WINE if beat == 1 else INK, "edgecolor": PAPER},
            )


def _eventful(conducting: Conducting) -> tuple[float, float]:
    """From when to when there is something to show, in seconds: a take may begin and end with minutes of rest."""
    spans = conducting.states
    starts = [span.start_s for span in spans if span.state != "waiting"]
    starts += [crossing.time_s for crossing in conducting.crossings]
    starts += [ictus.time_s for ictus in conducting.icti]
    starts += [sign.time_s for sign in conducting.signs]
    first_s, last_s = spans[0].start_s, spans[-1].end_s
    if starts:
        first_s = max(first_s, min(starts) - AROUND_S)
        last_s = min(last_s, max(starts) + AROUND_S)
    return first_s, max(last_s, first_s + 1.0)


def draw_timeline(axes: Axes, conducting: Conducting) -> None:
    """The orchestra's states as bands, each ictus by how long it took to be known, confidence, signs."""
    seen: set[FollowState] = set()
    for span in conducting.states:
        label = STATE_WORDS[span.state] if span.state not in seen else None
        seen.add(span.state)
        axes.axvspan(span.start_s, span.end_s, color=STATE_COLOURS[span.state], linewidth=0, label=label, zorder=0)
    known_ms = [1000 * max(0.0, ictus.detected_s - ictus.time_s) for ictus in conducting.icti]
    usual_ms = float(np.percentile(known_ms, 98)) if known_ms else 0.0
    most = max(100.0, 20.0 * np.ceil(1.2 * usual_ms / 20.0))
    axes.scatter(
        [ictus.time_s for ictus in conducting.icti],
        np.minimum(known_ms, most),
        s=9,
        color=INK,
        label="ictus: ms until known",
        zorder=3,
    )
    times = [crossing.time_s for crossing in conducting.crossings]
    axes.plot(
        times,
        [most * crossing.confidence for crossing in conducting.crossings],
        color=PINE,
        linewidth=1.1,
        label="confidence (top: sure)",
        zorder=2,
    )
    for sign in conducting.signs:
        axes.axvline(sign.time_s, color=WINE, linewidth=1.0, zorder=2)
        axes.text(
            sign.time_s,
            0.97 * most,
            SIGN_WORDS[sign.kind] + (f": {sign.section}" if sign.section else ""),
            fontsize=8,
            rotation=90,
            va="top",
            ha="center",
            color=WINE,
            bbox={"boxstyle": "square,pad=0.15", "facecolor": PAPER, "edgecolor": "none"},
        )
    axes.set_ylim(0, most)
    if conducting.states:
        axes.set_xlim(*_eventful(conducting))
    axes.set_xlabel("time (s)", color=INK)
    axes.set_ylabel("ms", color=INK)
    axes.legend(frameon=False, labelcolor=INK, ncols=4, fontsize=8.5, loc="upper left", bbox_to_anchor=(0.0, -0.2))
    axes.grid(color=GRID, linewidth=0.5, axis="y")
