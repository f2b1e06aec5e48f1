"""Files that other programs read: ``beats.csv``, ``notes.csv`` and ``performance.mid``."""

import csv
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np

from ..engine.instruments import catalogue
from ..engine.score import Part
from ..engine.types import BeatCrossing
from .performance_log import PlayedNote

TICKS_PER_QUARTER = 960
DRUM_CHANNEL = 9


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
    """A row for each note of each part, as played."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["onset_s", "duration_s", "part", "pitch", "velocity", "source"])
        for note in notes:
            name = parts[note.part].name
            writer.writerow(
                [f"{note.onset_s:.4f}", f"{note.duration_s:.4f}", name, note.pitch, note.velocity, note.source]
            )


def write_midi(
    path: Path, title: str, notes: Sequence[PlayedNote], parts: Sequence[Part], crossings: Sequence[BeatCrossing]
) -> None:
    """The performance as a standard MIDI file: one track per part, and a tempo map that follows the conductor.

    Every conductor's beat lies where the score has it (tick = score time), and the tempo map makes it sound when it
    sounded; the time before the first beat is a lead-in of whole quarters.
    """
    times, ticks = _beat_ticks(crossings)
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER)
    file.tracks.append(_tempo_track(title, times, ticks))
    for index, part in enumerate(parts):
        own = [note for note in notes if note.part == index]
        onsets = _ticks_at(np.array([note.onset_s for note in own]), times, ticks)
        ends = _ticks_at(np.array([note.onset_s + note.duration_s for note in own]), times, ticks)
        file.tracks.append(_part_track(part, index, own, onsets, ends))
    file.save(path)


def _beat_ticks(crossings: Sequence[BeatCrossing]) -> tuple[np.ndarray, np.ndarray]:
    """Knots of the map from session time to ticks, strictly rising in both; the first is (0 s, tick 0)."""
    if not crossings:
        return np.array([0.0, 0.5]), np.array([0.0, float(TICKS_PER_QUARTER)])
    quarter_s = 60.0 / max(20.0, crossings[0].bpm)
    lead_quarters = max(1, round(crossings[0].time_s / quarter_s)) if crossings[0].time_s > 0 else 0
    times, ticks = ([0.0], [0.0]) if lead_quarters else ([], [])
    first_quarter = crossings[0].quarter
    for crossing in crossings:
        tick = (lead_quarters + crossing.quarter - first_quarter) * TICKS_PER_QUARTER
        if not times or (crossing.time_s > times[-1] + 1e-4 and tick > ticks[-1]):
            times.append(crossing.time_s)
            ticks.append(round(tick))
    if len(times) == 1:
        times, ticks = times + [times[0] + 0.5], ticks + [ticks[0] + TICKS_PER_QUARTER]
    return np.array(times), np.array(ticks, float)


def _ticks_at(at_s: np.ndarray, times: np.ndarray, ticks: np.ndarray) -> np.ndarray:
    """Piecewise linear, going on at the last beat's tempo after the end."""
    inside = np.interp(at_s, times, ticks)
    slope = (ticks[-1] - ticks[-2]) / (times[-1] - times[-2])
    return np.where(at_s > times[-1], ticks[-1] + (at_s - times[-1]) * slope, inside)


def _tempo_track(title: str, times: np.ndarray, ticks: np.ndarray) -> mido.MidiTrack:
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("track_name", name=_latin1(title)))
    written_s, last_tick = float(times[0]), 0
    for end_s, (start, end) in zip(times[1:], pairwise(ticks), strict=True):
        # Tempi are whole microseconds: aim each at where its end should be, so that rounding does not add up.
        tempo = round((end_s - written_s) * 1e6 / ((end - start) / TICKS_PER_QUARTER))
        tempo = min(16_777_215, max(1, tempo))
        track.append(mido.MetaMessage("set_tempo", tempo=tempo, time=int(start) - last_tick))
        written_s += tempo * 1e-6 * (end - start) / TICKS_PER_QUARTER
        last_tick = int(start)
    return track


def _part_track(
    part: Part, index: int, notes: Sequence[PlayedNote], onsets: np.ndarray, ends: np.ndarray
) -> mido.MidiTrack:
    instrument = catalogue()[part.instrument]
    melodic = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    channel = DRUM_CHANNEL if part.instrument == "percussion" else melodic[index % len(melodic)]
    events: list[tuple[int, int, mido.Message]] = []
    for note, onset, end in zip(notes, onsets, ends, strict=True):
        start = round(float(onset))
        stop = max(start + 1, round(float(end)))
        on = mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)
        events.append((start, 1, on))
        events.append((stop, 0, mido.Message("note_off", channel=channel, note=note.pitch)))
    events.sort(key=lambda event: event[:2])
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("track_name", name=_latin1(part.name)))
    track.append(mido.Message("program_change", channel=channel, program=instrument.midi_program))
    last = 0
    for tick, _, message in events:
        track.append(message.copy(time=tick - last))
        last = tick
    return track


def _latin1(text: str) -> str:
    """MIDI text is one byte a character in every reader that matters."""
    return text.encode("latin-1", "replace").decode("latin-1")
