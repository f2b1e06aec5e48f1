"""What was played is told from what was played: ``beats.csv``, the tempo map and the files made of it agree."""

import csv
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
from support import make_score, with_upbeat

from tutti.engine.score import Score
from tutti.engine.types import BeatCrossing
from tutti.studio.exports import write_beats_csv
from tutti.studio.midi_export import write_midi
from tutti.studio.performance_log import PlayedNote
from tutti.studio.tempo_map import as_played, conducted_passes

EXPECTED_BPM = 96.0


def upbeat_and_holds() -> tuple[Score, list[BeatCrossing], list[PlayedNote]]:
    """An upbeat that is longer than the beats after it, a beat held for four seconds, a last chord held for five. The
    tempo that was expected of all of them is the same."""
    score = with_upbeat(make_score([(float(n), 1.0, 60, 0, 0.5, 0) for n in range(16)]), 1.0)
    lengths = np.full(len(score.beats), 0.6)
    lengths[0], lengths[7], lengths[-1] = 0.9, 4.0, 5.0
    times = 1.0 + np.concatenate([[0.0], np.cumsum(lengths)])
    crossings = [
        BeatCrossing(n, float(t), float(q), "1", 1, EXPECTED_BPM, None, 0.5)
        for n, (t, q) in enumerate(zip(times, score.beats["quarter"], strict=False))
    ]
    notes = [
        PlayedNote(float(t), float(length), 0, 60, 80, "written", float(q))
        for t, length, q in zip(times, lengths, score.beats["quarter"], strict=False)
    ]
    return score, crossings, notes


def test_each_beat_has_the_tempo_at_which_it_was_played(tmp_path: Path) -> None:
    """The rows of an upbeat and of held beats told what the tracker expected: 96 for a beat of four seconds."""
    score, crossings, notes = upbeat_and_holds()
    played = as_played(score, crossings, notes)
    write_beats_csv(tmp_path / "beats.csv", played)
    rows = list(csv.DictReader((tmp_path / "beats.csv").open(encoding="utf-8")))
    times, lengths = (np.array([float(row[name]) for row in rows]) for name in ("time_s", "bpm"))
    lengths = 60.0 / lengths
    assert lengths[[0, 1, 7, -1]] == pytest.approx([0.9, 0.6, 4.0, 5.0], abs=0.002)
    assert times[:-1] + lengths[:-1] == pytest.approx(times[1:], abs=0.002)


def test_the_midi_file_puts_each_beat_there(tmp_path: Path) -> None:
    score, crossings, notes = upbeat_and_holds()
    played = as_played(score, crossings, notes)
    write_midi(tmp_path / "p.mid", score, notes, played)
    now_s, onsets, tempi = 0.0, [], []
    for message in mido.MidiFile(tmp_path / "p.mid"):
        now_s += message.time
        if message.type == "note_on" and message.velocity:
            onsets.append(now_s)
        elif message.type == "set_tempo":
            tempi.append(60e6 / message.tempo)
    assert onsets == pytest.approx([crossing.time_s for crossing in played], abs=0.002)
    assert tempi[-len(played) :] == pytest.approx([crossing.bpm for crossing in played], rel=0.001)
    assert now_s == pytest.approx(played[-1].time_s + 60.0 / played[-1].bpm, abs=0.002)


def test_told_twice_it_is_the_same() -> None:
    score, crossings, notes = upbeat_and_holds()
    played = as_played(score, crossings, notes)
    assert as_played(score, played, notes) == played
    for one, other in zip(
        conducted_passes(score, crossings, notes), conducted_passes(score, played, notes), strict=True
    ):
        assert np.array_equal(one.quarters, other.quarters) and np.allclose(one.times_s, other.times_s)


def test_where_a_passage_was_broken_off_its_last_beat_is_as_long_as_expected() -> None:
    """Nobody knows how long it would have been; never longer than until the next passage begins."""
    score, crossings, _ = upbeat_and_holds()
    first = crossings[:6]
    for begins_s, length_s in ((60.0, 60.0 / EXPECTED_BPM), (first[-1].time_s + 0.3, 0.3)):
        again = [replace(crossing, time_s=begins_s + 0.6 * n) for n, crossing in enumerate(crossings[1:])]
        played = as_played(score, [*first, *again])
        assert 60.0 / played[5].bpm == pytest.approx(length_s, abs=0.003)
        assert 60.0 / played[6].bpm == pytest.approx(0.6)
        assert len(played) == len(first) + len(again)
    assert as_played(score, []) == []
