"""Exports: the tables say what was played, when it was played."""

import csv
from pathlib import Path

import pytest

from tutti.engine.score import Part
from tutti.engine.types import BeatCrossing
from tutti.studio.exports import write_beats_csv, write_notes_csv
from tutti.studio.performance_log import PlayedNote

PARTS = (Part("Flöte", "Fl", "flute", 1), Part("Drums", "Dr", "percussion", 1))


def accelerating(beats: int) -> list[BeatCrossing]:
    """Beats that get faster, starting at 2.3 s."""
    times, period_s = [2.3], 0.9
    for _ in range(beats - 1):
        times.append(times[-1] + period_s)
        period_s *= 0.97
    return [
        BeatCrossing(n, at_s, float(n), str(n // 4 + 1), n % 4 + 1, 60.0 / 0.9, at_s - 0.1 if n % 3 else None, 0.5)
        for n, at_s in enumerate(times)
    ]


def test_tables_have_the_columns_that_scripts_rely_on(tmp_path: Path) -> None:
    crossings = accelerating(5)
    write_beats_csv(tmp_path / "beats.csv", crossings)
    rows = list(csv.DictReader((tmp_path / "beats.csv").open(encoding="utf-8")))
    assert list(rows[0]) == ["time_s", "quarter", "measure", "beat", "bpm", "ictus_s", "confidence"]
    assert [float(row["time_s"]) for row in rows] == pytest.approx([c.time_s for c in crossings], abs=1e-4)
    assert rows[0]["ictus_s"] == "" and rows[1]["ictus_s"] != ""
    note = PlayedNote(1.25, 0.5, 0, 72, 99, "ai:chorale", 0.0)
    taken = PlayedNote(2.0, 0.5, 0, 84, 90, "written", 1.0, instrument="piccolo")
    write_notes_csv(tmp_path / "notes.csv", [note, taken], PARTS)
    rows = list(csv.DictReader((tmp_path / "notes.csv").open(encoding="utf-8")))
    assert rows[1]["part"] == "Flöte" and rows[1]["instrument"] == "piccolo"
    assert rows[:1] == [
        {
            "onset_s": "1.2500",
            "duration_s": "0.5000",
            "part": "Flöte",
            "pitch": "72",
            "velocity": "99",
            "source": "ai:chorale",
            "instrument": "flute",
        }
    ]
