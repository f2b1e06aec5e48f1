"""Exports: tables and MIDI say what was played, when it was played."""

import csv
from pathlib import Path

import mido
import pytest

from tutti.engine.score import Part
from tutti.engine.types import BeatCrossing
from tutti.studio.exports import write_beats_csv, write_midi, write_notes_csv
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


def test_midi_sounds_when_it_sounded_and_its_beats_are_the_scores(tmp_path: Path) -> None:
    crossings = accelerating(40)
    notes = [
        PlayedNote(c.time_s + 0.01, 0.3, n % 2, 60 + n % 12, 80, "written", c.quarter) for n, c in enumerate(crossings)
    ]
    write_midi(tmp_path / "p.mid", "Name", notes, PARTS, crossings)
    file = mido.MidiFile(tmp_path / "p.mid")
    assert [track.name for track in file.tracks] == ["Name", "Flöte", "Drums"]
    now_s, onsets = 0.0, []
    for message in file:
        now_s += message.time
        if message.type == "note_on" and message.velocity > 0:
            onsets.append(now_s)
    assert onsets == pytest.approx([note.onset_s for note in notes], abs=0.002)
    channels = {message.channel for message in file.tracks[2] if message.type == "note_on"}
    assert channels == {9}
    tick, ticks = 0, []
    for message in file.tracks[0]:
        tick += message.time
        if message.type == "set_tempo":
            ticks.append(tick)
    assert all(tick % file.ticks_per_beat == 0 for tick in ticks)


def test_midi_without_a_single_beat_is_still_a_file(tmp_path: Path) -> None:
    write_midi(tmp_path / "p.mid", "", [], PARTS, [])
    assert mido.MidiFile(tmp_path / "p.mid").length == pytest.approx(0.5, abs=0.5)


def test_tables_have_the_columns_that_scripts_rely_on(tmp_path: Path) -> None:
    crossings = accelerating(5)
    write_beats_csv(tmp_path / "beats.csv", crossings)
    rows = list(csv.DictReader((tmp_path / "beats.csv").open(encoding="utf-8")))
    assert list(rows[0]) == ["time_s", "quarter", "measure", "beat", "bpm", "ictus_s", "confidence"]
    assert [float(row["time_s"]) for row in rows] == pytest.approx([c.time_s for c in crossings], abs=1e-4)
    assert rows[0]["ictus_s"] == "" and rows[1]["ictus_s"] != ""
    note = PlayedNote(1.25, 0.5, 0, 72, 99, "ai:chorale", 0.0)
    write_notes_csv(tmp_path / "notes.csv", [note], PARTS)
    rows = list(csv.DictReader((tmp_path / "notes.csv").open(encoding="utf-8")))
    assert rows == [
        {
            "onset_s": "1.2500",
            "duration_s": "0.5000",
            "part": "Flöte",
            "pitch": "72",
            "velocity": "99",
            "source": "ai:chorale",
        }
    ]
