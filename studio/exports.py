"""Tables that other programs read: ``beats.csv`` and ``notes.csv``."""

import csv
from collections.abc import Sequence
from pathlib import Path

from ..engine.score import Part
from ..engine.types import BeatCrossing
from .performance_log import PlayedNote


def write_beats_csv(path: Path, crossings: Sequence[BeatCrossing]) -> None:
    """A row for each conductor's beat that the playhead crossed."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", "quarter", "measure", "beat", "bpm", "ictus_s", "confidence"])
        for crossing in crossings:
            writer.writerow(
                [
                    f"{crossing.time_s:.4f}",
                    f"{crossing.quarter:.6g}",
                    crossing.measure,
                    crossing.beat,
                    f"{crossing.bpm:.2f}",
                    "" if crossing.ictus_s is None else f"{crossing.ictus_s:.4f}",
                    f"{crossing.confidence:.3f}",
                ]
            )


def write_notes_csv(path: Path, notes: Sequence[PlayedNote], parts: Sequence[Part]) -> None:
    """A row for each note of each part, as played, and on what."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["onset_s", "duration_s", "part", "pitch", "velocity", "source", "instrument"])
        for note in notes:
            part = parts[note.part]
            writer.writerow(
                [
                    f"{note.onset_s:.4f}",
                    f"{note.duration_s:.4f}",
                    part.name,
                    note.pitch,
                    note.velocity,
                    note.source,
                    note.instrument or part.instrument,
                ]
            )
