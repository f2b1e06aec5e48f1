"""What the AI player is asked to write: which cells are open, and what comes out of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_support import write_small
from support import make_score

from tutti.engine.errors import ModelError
from tutti.engine.instruments import catalogue
from tutti.engine.score import Score
from tutti.engine.types import ScoreNote
from tutti.models import tasks
from tutti.models.composing import Composition, compose
from tutti.models.copy_check import CopyIndex, build_index, lines_of
from tutti.models.endings import wishes_with_cadences
from tutti.models.grid import FIRST_PITCH, REST, even_grid
from tutti.models.orchestration import orchestrate
from tutti.models.part.decoder import NetworkDecoder, load_decoder
from tutti.models.score_shapes import (
    all_notes,
    bars_between,
    bars_numbered,
    blank_score,
    new_part,
    with_bars,
    with_parts,
)
from tutti.models.sketch import read_sketch
from tutti.models.voice_groups import comfortable_range
from tutti.models.wish import Wish
from tutti.models.writing import ASK, ASK_ANEW

TUNE = (60, 62, 64, 65, 67, 65, 64, 62)


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> NetworkDecoder:
    return load_decoder(write_small(tmp_path_factory.mktemp("weights") / "small.safetensors"), seed=2)


def melody(bars: int = 4) -> Score:
    notes = [(float(q), 1.0, TUNE[q % 8] + 12, 0, 0.6, 0) for q in range(4 * bars)]
    return make_score(notes, measures=bars, instruments=("soprano",))


def kept(composition: Composition, score: Score) -> bool:
    """Whether every note of the original that was not asked for is there, unchanged."""
    before = {(n.onset_quarter, n.duration_quarter, n.pitch, n.part) for n in all_notes(score)}
    after = {(n.onset_quarter, n.duration_quarter, n.pitch, n.part) for n in composition.notes if n.source == "written"}
    return before == after


@pytest.mark.parametrize("task", ["harmonise", "accompany", "counter"])
def test_voices_are_added_to_a_melody_that_stays(decoder: NetworkDecoder, task: str) -> None:
    score = melody()
    make = {"harmonise": lambda: tasks.harmonise(score, []), "accompany": lambda: tasks.accompany(score),
            "counter": lambda: tasks.counter_melody(score)}[task]  # fmt: skip
    done = compose(make(), decoder, Wish())
    assert kept(done, score)
    assert done.source == "ai:small" and {n.source for n in done.written} == {"ai:small"}
    assert {n.part for n in done.written} == set(range(1, len(done.score.parts)))
    assert len(done.score.notes) == len(done.notes) == len(score.notes) + len(done.written)
    for note in done.written:
        low, high = comfortable_range(done.score.parts[note.part].instrument)
        assert low <= note.pitch <= high
        assert note.onset_quarter + note.duration_quarter <= score.end_quarter + 1e-9


def test_more_than_three_parts_are_written_in_turns(decoder: NetworkDecoder) -> None:
    done = compose(tasks.accompany(melody(), ["violin", "violin", "viola", "cello", "contrabass"]), decoder, Wish())
    assert {n.part for n in done.written} == {1, 2, 3, 4, 5}
    assert [part.name for part in done.score.parts[1:3]] == ["Violin", "Violin 2"]


def test_same_seed_same_notes(decoder: NetworkDecoder) -> None:
    runs = [compose(tasks.harmonise(melody(), []), decoder, Wish(key="C major")).written for _ in range(2)]
    assert runs[0] == runs[1]
    assert compose(tasks.harmonise(melody(), []), decoder, Wish(key="C major", density=3.0)).written != runs[0]


def test_a_wished_density_is_written(decoder: NetworkDecoder) -> None:
    few, many = (
        len(compose(tasks.harmonise(melody(8), []), decoder, Wish(density=density)).written) for density in (0.4, 3.0)
    )
    assert many > 2 * few


def test_continue_and_answer_add_bars_and_keep_what_was(decoder: NetworkDecoder) -> None:
    score = melody()
    longer = compose(tasks.go_on(score, 3), decoder, Wish())
    assert longer.score.end_quarter == 28.0 and len(longer.score.beats) == 28
    assert kept(longer, score) and all(16.0 <= n.onset_quarter < 28.0 for n in longer.written)
    assert longer.written
    response = compose(tasks.answer(score), decoder, Wish())
    first_half = [n.onset_quarter - 16.0 for n in response.written if n.onset_quarter < 24.0]
    assert set(first_half) <= {float(q) for q in range(8)}, "it begins in the rhythm of the call"


def test_fill_writes_only_the_bars_that_are_asked_for(decoder: NetworkDecoder) -> None:
    score = melody()
    done = compose(tasks.fill(score, [0], (2, 3)), decoder, Wish())
    assert done.written and all(4.0 <= n.onset_quarter < 12.0 for n in done.written)
    outside = [n for n in all_notes(score) if not 4.0 <= n.onset_quarter < 12.0]
    assert [n for n in done.notes if n.source == "written"] == outside
    with pytest.raises(ModelError, match="which to fill"):
        tasks.fill(score, [])
    two = with_parts(score, [new_part("viola")])
    assert tasks.fill(two, []).parts == ("Viola",)


@pytest.mark.parametrize(("amount", "beats"), [(0.1, 1), (0.5, 2), (0.7, 4), (1.0, 8)])
def test_a_variation_keeps_its_anchors(decoder: NetworkDecoder, amount: float, beats: int) -> None:
    score = melody()
    done = compose(tasks.vary(score, [], amount), decoder, Wish())
    pitches = {n.onset_quarter: n.pitch for n in done.written}
    assert all(pitches.get(float(q)) == TUNE[q % 8] + 12 for q in range(0, 16, beats))
    assert len(done.written) != 16 // beats, "something is new between them"


def test_bars_are_those_that_are_printed() -> None:
    score = make_score([(float(q), 1.0, 60, 0, 0.5, 0) for q in range(13)], measures=4)
    measures = score.measures.copy()
    measures["number"] = ["0", "1", "2", "1"]
    score = replace(score, measures=measures)
    assert bars_numbered(score, 1, 1) == bars_between(score, 2, 2)
    assert bars_numbered(score, 0, 2) == bars_between(score, 1, 3)
    for first, last in ((3, 3), (1, 9), (2, 0)):
        with pytest.raises(ModelError, match="bar"):
            bars_numbered(score, first, last)


def test_drums_are_not_asked_for_pitches() -> None:
    score = make_score([(0.0, 1.0, 60, 0, 0.5, 0), (0.0, 1.0, 38, 1, 0.5, 0)], instruments=("violin", "percussion"))
    for task in (lambda: tasks.fill(score, [1]), lambda: tasks.vary(score, [1], 0.5)):
        with pytest.raises(ModelError, match="has no pitches"):
            task()


def test_long_rests_stay_in_a_variation() -> None:
    notes = [(float(q), 1.0, 72, 0, 0.5, 0) for q in (0, 1, 2, 3, 8, 9, 10, 11)]
    assignment = tasks.vary(make_score(notes, measures=3, instruments=("soprano",)), [], 0.7)
    grid = tasks.grid_of(assignment)
    column = tasks.columns_of(assignment, grid)[0]
    assert (column[16:32] == REST).all()
    assert column[0] >= FIRST_PITCH and column[1] == ASK
    assert ASK_ANEW not in column[1:16]


def test_cadences_are_told_in_quarters() -> None:
    grid = even_grid(8, 4)
    wishes = wishes_with_cadences(grid, [(0, Wish())], (6.0,))
    told = {float(grid.onset_quarter[step]): wish.cadence_in_quarters for step, wish in wishes}
    assert told == {0.0: 9.0, 2.0: 4.0, 3.0: 3.0, 4.0: 2.0, 5.0: 1.0, 6.0: 0.0, 6.25: 9.0}


def test_tasks_say_what_is_wrong() -> None:
    empty = blank_score("empty", [new_part("violin")], 4)
    for wrong in (lambda: tasks.harmonise(empty, []), lambda: tasks.answer(empty), lambda: orchestrate(empty)):
        with pytest.raises(ModelError) as caught:
            wrong()
        assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="kazoo"):
        tasks.accompany(melody(), ["kazoo"])


def test_bars_added_are_like_the_last_whole_one() -> None:
    longer = with_bars(melody(2), 2)
    assert longer.measures["start_quarter"].tolist() == [0.0, 4.0, 8.0, 12.0]
    assert longer.measures["number"].tolist() == ["1", "2", "3", "4"]
    assert longer.beats["measure"].tolist() == sorted([0, 1, 2, 3] * 4)
    assert np.diff(longer.beats["quarter"]).tolist() == [1.0] * 15


# -- orchestration -------------------------------------------------------------------------------------------------


def alberti(bars: int = 8) -> Score:
    """A piano piece: a melody over broken chords, louder in its second half."""
    notes: list[tuple[float, float, int, int, float, int]] = []
    for q in range(4 * bars):
        dynamic = 0.4 if q < 2 * bars else 0.85
        notes.append((float(q), 1.0, TUNE[q % 8] + 12, 0, dynamic, 0))
        for index, pitch in enumerate((48, 55, 52, 55)):
            notes.append((q + index / 4, 0.25, pitch, 0, dynamic, 0))
    return make_score(notes, measures=bars, instruments=("piano",))


def test_a_pianos_hands_are_read_as_voices() -> None:
    sketch = read_sketch(alberti())
    assert [n.pitch for n in sketch.melody[:8]] == [pitch + 12 for pitch in TUNE]
    assert {n.pitch for n in sketch.bass} == {48} and {n.duration_quarter for n in sketch.bass} == {2.0}
    assert {n.pitch for line in sketch.inner for n in line} == {52, 55}


def test_one_line_alone_has_no_bass() -> None:
    sketch = read_sketch(melody())
    assert len(sketch.melody) == 16 and sketch.bass == () and sketch.inner == ()


def test_a_quartet_is_read_as_it_is() -> None:
    rows = [(float(q), 1.0, pitch, part, 0.5, 0) for q in range(8) for part, pitch in enumerate((76, 67, 60, 48))]
    sketch = read_sketch(make_score(rows, measures=2, instruments=("violin", "violin", "viola", "cello")))
    assert {n.pitch for n in sketch.melody} == {76} and {n.pitch for n in sketch.bass} == {48}
    assert [{n.pitch for n in line} for line in sketch.inner] == [{67}, {60}]


def test_a_sketch_is_laid_out_for_the_orchestra_that_is_there(decoder: NetworkDecoder) -> None:
    score = alberti()
    done = compose(orchestrate(score, amount=0.6), decoder, Wish())
    by_part = {part.name: [n for n in done.notes if n.part == index] for index, part in enumerate(done.score.parts)}
    assert [n.pitch for n in by_part["Violin I"]] == [n.pitch for n in read_sketch(score).melody]
    assert {n.pitch for n in by_part["Contrabass"]} <= {36, 48}
    assert by_part["Timpani"] and by_part["Trumpet"], "the fullest phrases have all"
    assert min(n.onset_quarter for n in by_part["Trumpet"]) >= 16.0
    assert {n.part for n in done.written} and all(n.source == "ai:small" for n in done.written)
    for name, notes in by_part.items():
        index = [part.name for part in done.score.parts].index(name)
        low, high = catalogue()[done.score.parts[index].instrument].range
        assert all(low <= n.pitch <= high for n in notes), name
    quartet = orchestrate(score, {"violin", "viola", "cello"})
    assert [part.instrument for part in quartet.score.parts] == ["violin", "violin", "viola", "cello"]
    band = orchestrate(score, {"flute", "clarinet", "horn", "tuba", "bassoon"})
    carried = {band.score.parts[part].instrument for part in band.score.notes["part"].tolist()}
    assert {"flute", "bassoon"} <= carried, "winds carry melody and bass"


@pytest.mark.parametrize(
    ("there", "carries"),
    [
        ({"saxophone", "trumpet", "trombone", "tuba"}, "Trumpet"),
        ({"oboe", "horn"}, "Oboe"),
        ({"trumpet", "timpani"}, "Trumpet"),
        ({"horn", "tuba"}, "Horn II"),
        ({"cello", "contrabass"}, "Violoncello"),
    ],
)
def test_whoever_is_there_carries_the_melody_and_somebody_else_the_bass(there: set[str], carries: str) -> None:
    score = alberti()
    done = orchestrate(score, there).score
    sketch = read_sketch(score)
    lines = {part.name: sorted(done.notes["onset_quarter"][done.notes["part"] == index].tolist())
             for index, part in enumerate(done.parts)}  # fmt: skip
    assert lines[carries] == [note.onset_quarter for note in sketch.melody]
    bass = {note.onset_quarter for note in sketch.bass}
    others = [set(mine) for name, mine in lines.items() if name not in (carries, "Timpani")]
    assert not others or any(len(mine) > 0.5 * len(bass) and mine <= bass for mine in others)
    with pytest.raises(ModelError, match="nobody there can carry"):
        orchestrate(score, {"timpani"})


# -- copies -------------------------------------------------------------------------------------------------------


def line(pitches: list[int], step: float = 0.5) -> list[tuple[float, int]]:
    return [(index * step, pitch) for index, pitch in enumerate(pitches)]


def test_copies_are_found_transposed_and_measured(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    training = [line([int(p) for p in random.integers(55, 80, 120)]) for _ in range(20)]
    index = build_index(training, [{0: line([int(p) for p in random.integers(55, 80, 60)])} for _ in range(10)])
    assert index.usual_notes <= 10, "strangers share next to nothing"
    own = [int(p) for p in random.integers(55, 80, 40)]
    stolen = [pitch + 3 for _, pitch in training[7][30:52]]
    found = index.longest({4: line([*own, *stolen, *own])})
    assert found.part == 4 and found.suspicious
    assert 21 <= found.notes <= 24 and found.start_quarter == pytest.approx(20.0, abs=1.0)
    assert index.longest({0: line(own)}).notes <= 9
    assert index.longest({0: line([60] * 50)}).notes == 0, "one note repeated is nobody's"
    index.save(tmp_path / "x.copies.npz")
    assert CopyIndex.load(tmp_path / "x.copies.npz").longest({4: line(stolen)}).notes == 22
    whole = (tmp_path / "x.copies.npz").read_bytes()
    for broken in (b"nothing", whole[: len(whole) // 2]):
        (tmp_path / "broken.npz").write_bytes(broken)
        with pytest.raises(ModelError, match="cannot read"):
            CopyIndex.load(tmp_path / "broken.npz")


def test_a_line_is_the_highest_of_what_begins_together() -> None:
    notes = [ScoreNote(0.0, 1.0, 60, 0, 0.5), ScoreNote(0.0, 1.0, 64, 0, 0.5), ScoreNote(1.0, 1.0, 62, 0, 0.5)]
    assert lines_of(notes) == {0: [(0.0, 64), (1.0, 62)]}
