"""What a report says of the AI's notes of a performance: whose they are, and how surprising."""

from dataclasses import replace
from pathlib import Path

import pytest
from ai_support import write_small
from support import make_score

from tutti.engine.score import Score
from tutti.models.provenance import Provenance
from tutti.models.score_shapes import all_notes
from tutti.studio.ai.answer_report import AnswerReport, answer_figures, report_answers
from tutti.studio.ai.part_plots import chord_roll
from tutti.studio.performance_log import PlayedNote

FACTS = Provenance("ai:parts", "ab" * 32, "CC0", "live", 7, ("Violin 2", "Cello 3"), 16).fields()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("weights") / "small.safetensors")


def score() -> Score:
    lines = ((72, 74, 76, 77, 79, 77, 74, 72), (67, 67, 67, 69, 71, 69, 65, 64), (48, 43, 48, 53, 43, 53, 43, 48))
    rows = [(float(q), 1.0, pitch, part, 0.5, 0) for part, line in enumerate(lines) for q, pitch in enumerate(line)]
    return make_score(rows, measures=6, instruments=("violin", "violin", "cello"))


def performed(weights: Path, ai_parts: tuple[int, ...] = (1, 2)) -> AnswerReport | None:
    """Two bars of six were played; the lower parts are an AI's."""
    written = score()
    notes = [replace(note, source="ai:parts") if note.part in ai_parts else note for note in all_notes(written)]
    played = [
        PlayedNote(2.0 + 0.5 * n.onset_quarter, 0.45, n.part, n.pitch, 70, n.source, n.onset_quarter) for n in notes
    ]
    return report_answers(written, notes, played, FACTS, weights)


def test_every_note_has_its_author_its_place_and_its_surprise(weights: Path) -> None:
    report = performed(weights)
    assert report is not None
    figures = answer_figures(report)
    assert len(figures["notes"]) == 16 and {note["part"] for note in figures["notes"]} == {"Violin 2", "Cello 3"}
    first = figures["notes"][0]
    assert (first["time_s"], first["measure"], first["beat"], first["name"]) == (2.0, "1", 1, "G4")
    assert all(note["source"] == "ai:parts" and note["nats"] is not None for note in figures["notes"])
    mean = sum(note["nats"] for note in figures["notes"]) / 16
    assert figures["mean_nats"] == pytest.approx(mean, abs=0.01)


def test_the_bars_that_surprise_most_come_first_and_bars_that_were_not_played_are_left_out(weights: Path) -> None:
    report = performed(weights)
    assert report is not None
    bars = answer_figures(report)["bars"]
    assert {bar["measure"] for bar in bars} == {"1", "2"} and bars[0]["nats"] >= bars[1]["nats"]
    assert all(bar["notes"] == 8 and bar["chords"] for bar in bars)
    assert report.found.score.end_quarter == 8.0


def test_where_no_ai_played_there_is_nothing_to_tell(weights: Path) -> None:
    assert performed(weights, ()) is None


def test_systems_of_the_roll_are_whole_bars(weights: Path) -> None:
    """A pickup bar: no system begins in the middle of a bar, and a very long bar has a system of its own."""
    report = performed(weights)
    assert report is not None
    found = report.found
    long = make_score([(0.0, 40.0, 60, 0, 0.5, 0)], measures=1, beats_in_measure=40)
    short = chord_roll(found.score, found.analysis, found.surprise, found.parts)
    assert short.startswith(b"\x89PNG") and chord_roll(long, found.analysis, None, (0,)).startswith(b"\x89PNG")
