"""The report of a performance: figures as JSON, and a page with plots that a teacher can read."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import soundfile

from ..engine.instruments import catalogue
from ..engine.score import Score
from ..engine.types import BeatCrossing, PlayerPlacement
from .ai.answer_report import AnswerReport, answer_figures
from .conducting_plots import conducting_plots, write_conducting_png
from .conducting_report import Conducting, conducting_figures
from .measure import LEVEL_STEP_S, SoundMeasurement
from .performance_log import PlayedNote
from .plots import GOLD, INK, PINE, SLATE, WINE, new_plot, png

FAMILY_COLOURS = {
    "strings": WINE,
    "woodwind": PINE,
    "brass": GOLD,
    "percussion": INK,
    "keyboard": SLATE,
    "plucked": "#7a5a86",
    "voice": "#b0603a",
}


@dataclass(frozen=True, slots=True)
class ReportInput:
    """Everything a report is made of. ``sound`` is None when no WAV was rendered."""

    score: Score
    placements: Sequence[PlayerPlacement]
    notes: Sequence[PlayedNote]
    crossings: Sequence[BeatCrossing]
    conducting: Conducting
    duration_s: float
    sound: SoundMeasurement | None
    wav: Path | None
    sound_set: str
    seed: int
    missed_windows: int
    ai_parts: Sequence[str]
    ai: Mapping[str, str] = field(default_factory=dict)
    """Who or what wrote the AI notes (``models.provenance``)."""
    answers: AnswerReport | None = None
    """What the AI player's notes are like, where it played any."""


def figures(report: ReportInput) -> dict[str, Any]:
    """The figures of ``report.json``."""
    crossings, played = report.crossings, report.notes
    lags = np.array([c.time_s - c.ictus_s for c in crossings if c.ictus_s is not None])
    bpm = np.array([c.bpm for c in crossings])
    result: dict[str, Any] = {
        "title": report.score.title,
        "composer": report.score.composer,
        "measures": len(report.score.measures),
        "beats_in_score": len(report.score.beats),
        "beats_played": len(crossings),
        "beats_with_ictus": len(lags),
        "median_lag_s": round(float(np.median(lags)), 4) if len(lags) else None,
        "bpm_min": round(float(bpm.min()), 1) if len(bpm) else None,
        "bpm_median": round(float(np.median(bpm)), 1) if len(bpm) else None,
        "bpm_max": round(float(bpm.max()), 1) if len(bpm) else None,
        "notes": len(played),
        "notes_by_source": {source: sum(n.source == source for n in played) for source in {n.source for n in played}},
        "players": len(report.placements),
        "parts": [
            {
                "name": part.name,
                "instrument": part.instrument,
                "doublings": list(part.doublings),
                "notes": sum(note.part == index for note in played),
            }
            for index, part in enumerate(report.score.parts)
        ],
        "duration_s": round(report.duration_s, 3),
        "sounds": report.sound_set,
        "seed": report.seed,
        "ai_parts": list(report.ai_parts),
        "ai_windows_missed": report.missed_windows,
        "ai": dict(report.ai),
        "conducting": conducting_figures(report.conducting),
    }
    if report.answers is not None:
        result["answers"] = answer_figures(report.answers)
    if report.sound is not None:
        loudness = report.sound.loudness_lufs
        result["sound"] = {
            "rate_hz": report.sound.rate_hz,
            "duration_s": round(report.sound.duration_s, 3),
            "loudness_lufs": None if loudness is None else round(loudness, 1),
            "true_peak_dbfs": round(report.sound.true_peak_dbfs, 1),
            "clipped_samples": report.sound.clipped_samples,
        }
    return result


def write_report(folder: Path, report: ReportInput, stage_png: Path | None) -> dict[str, Any]:
    """Write ``report.json``, ``report.html`` (one file, plots inside; sound and picture beside it) and
    ``conducting.png``; the figures."""
    numbers = figures(report)
    (folder / "report.json").write_text(json.dumps(numbers, indent=1), encoding="utf-8")
    plots = conducting_plots(report.conducting)
    write_conducting_png(folder / "conducting.png", report.conducting)
    plots.append(("Who played when", _roll_plot(report)))
    if report.sound is not None and report.wav is not None:
        plots.append(("Loudness", _level_plot(report.sound)))
        plots.append(("Spectrogram", _spectrogram(report.wav)))
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tutti.studio", "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template("report.html").render(
        numbers=numbers,
        plots=[(title, base64.b64encode(image).decode()) for title, image in plots],
        has_sound=report.sound is not None,
        has_picture=stage_png is not None,
        answer_roll="" if report.answers is None else base64.b64encode(report.answers.roll).decode(),
    )
    (folder / "report.html").write_text(page, encoding="utf-8")
    return numbers


def _level_plot(sound: SoundMeasurement) -> bytes:
    figure, axes = new_plot(2.4)
    times = np.arange(len(sound.level_db)) * LEVEL_STEP_S
    axes.fill_between(times, np.maximum(sound.level_db, -80.0), -80.0, color=GOLD, alpha=0.75, linewidth=0)
    axes.set_xlim(0.0, max(LEVEL_STEP_S, LEVEL_STEP_S * (len(sound.level_db) - 1)))
    axes.set_ylim(-80, 0)
    axes.set_ylabel("level (dBFS)", color=INK)
    return png(figure)


def _roll_plot(report: ReportInput) -> bytes:
    parts = report.score.parts
    figure, axes = new_plot(max(2.4, 0.24 * len(parts) + 1.0))
    by_part: dict[int, list[PlayedNote]] = {}
    for note in report.notes:
        by_part.setdefault(note.part, []).append(note)
    for index, part in enumerate(parts):
        colour = FAMILY_COLOURS[catalogue()[part.instrument].family]
        bars = [(note.onset_s, max(0.02, note.duration_s)) for note in by_part.get(index, [])]
        alphas = [0.25 + 0.75 * note.velocity / 127 for note in by_part.get(index, [])]
        axes.broken_barh(bars, (index - 0.38, 0.76), facecolors=[(*_rgb(colour), a) for a in alphas], linewidth=0)
    axes.set_yticks(range(len(parts)), [part.name[:28] for part in parts], fontsize=8)
    axes.set_xlim(left=0.0)
    axes.set_ylim(len(parts) - 0.4, -0.6)
    return png(figure)


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _dithered(samples: np.ndarray) -> np.ndarray:
    """Noise far below hearing, so that true silence has a logarithm."""
    return samples + 1e-8 * np.random.default_rng(0).standard_normal(len(samples))


def _spectrogram(wav: Path) -> bytes:
    figure, axes = new_plot(3.0)
    samples, rate_hz = soundfile.read(wav, dtype="float32", always_2d=True)
    axes.grid(False)
    if len(samples) > 4096 and np.abs(samples).max() > 0:
        axes.specgram(_dithered(samples.mean(axis=1)), NFFT=4096, Fs=rate_hz, noverlap=2048, cmap="magma", vmin=-140)
        axes.set_xlim(0.0, len(samples) / rate_hz)
    axes.set_ylim(30, 12000)
    axes.set_yscale("log")
    axes.set_ylabel("frequency (Hz)", color=INK)
    return png(figure)
