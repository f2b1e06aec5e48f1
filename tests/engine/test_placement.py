"""Seating: every part seated, nobody on anybody's lap, sections as large as the piece asks."""

import json
import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from tutti.engine.errors import SeatingError
from tutti.engine.hall import read_hall
from tutti.engine.placement import (
    MAX_PLAYERS,
    choose_plan,
    load_placements,
    move_player,
    place_players,
    plan_names,
    read_plan,
    save_placements,
)
from tutti.engine.score import (
    BEAT_DTYPE,
    FERMATA_DTYPE,
    MEASURE_DTYPE,
    NOTE_DTYPE,
    TEMPO_DTYPE,
    Part,
    Score,
)


def score_for(*parts: tuple[str, str, int]) -> Score:
    """A score of silent parts (name, instrument, players)."""
    empty = {dtype: np.zeros(0, dtype) for dtype in (NOTE_DTYPE, MEASURE_DTYPE, BEAT_DTYPE, TEMPO_DTYPE)}
    return Score(
        title="",
        composer="",
        sha256="",
        parts=tuple(Part(name, name, instrument, players) for name, instrument, players in parts),
        notes=empty[NOTE_DTYPE],
        measures=empty[MEASURE_DTYPE],
        beats=empty[BEAT_DTYPE],
        tempos=empty[TEMPO_DTYPE],
        fermatas=np.zeros(0, FERMATA_DTYPE),
    )


STRINGS = (
    ("Violin I", "violin", 0),
    ("Violin II", "violin", 0),
    ("Viola", "viola", 0),
    ("Violoncello", "cello", 0),
    ("Contrabass", "contrabass", 0),
)
ROMANTIC = (
    ("Piccolo", "piccolo", 1),
    ("2 Flutes", "flute", 2),
    ("2 Oboes", "oboe", 2),
    ("2 Clarinets", "clarinet", 2),
    ("2 Bassoons", "bassoon", 2),
    ("Horns 1.2", "horn", 2),
    ("Horns 3.4", "horn", 2),
    ("2 Trumpets", "trumpet", 2),
    ("3 Trombones", "trombone", 3),
    ("Tuba", "tuba", 1),
    ("Timpani", "timpani", 1),
    *STRINGS,
)
PIECES = {
    "american": ROMANTIC,
    "german": ROMANTIC,
    "chamber-orchestra": (("2 Oboes", "oboe", 2), ("2 Horns", "horn", 2), *STRINGS),
    "string-quartet": (("1", "violin", 0), ("2", "violin", 0), ("3", "viola", 0), ("4", "cello", 0)),
    "choir": (("S", "soprano", 0), ("A", "alto", 0), ("T", "tenor", 0), ("B", "bass", 0)),
    "wind-band": (
        ("Flutes", "flute", 0),
        ("Clarinet 1", "clarinet", 0),
        ("Clarinet 2", "clarinet", 0),
        ("Alto Sax", "saxophone", 0),
        ("Horn", "horn", 2),
        ("Trumpet", "trumpet", 3),
        ("Trombone", "trombone", 2),
        ("Tuba", "tuba", 1),
        ("Percussion", "percussion", 2),
    ),
}


@pytest.mark.parametrize("name", plan_names())
def test_every_part_sits_on_the_stage_apart_from_its_neighbours_and_faces_the_podium(name: str) -> None:
    hall = read_hall()
    score = score_for(*PIECES[name])
    players = place_players(score, read_plan(name), hall)
    assert {p.part for p in players} == set(range(len(score.parts)))
    assert [p.player for p in players] == list(range(len(players)))
    for player in players:
        x, y, z = player.position_m
        assert hall.on_stage(x, y)
        assert z == hall.riser_height_m(x, y)
        heading = math.radians(player.heading_deg)
        forward = (-math.sin(heading), math.cos(heading))
        assert forward[0] * -x + forward[1] * -y == pytest.approx(math.hypot(x, y))
    nearest = min(math.dist(a.position_m[:2], b.position_m[:2]) for a, b in combinations(players, 2))
    assert nearest > 0.7


def test_a_romantic_orchestra_gets_full_strings_and_a_classical_one_fewer() -> None:
    hall = read_hall()
    full = Counter(p.section for p in place_players(score_for(*ROMANTIC), read_plan("american"), hall))
    assert [full[s] for s in ("violins-1", "violins-2", "violas", "cellos", "basses")] == [16, 14, 12, 10, 8]
    haydn = score_for(("2 Oboes", "oboe", 2), ("2 Horns", "horn", 2), *STRINGS)
    small = Counter(p.section for p in place_players(haydn, read_plan("american"), hall))
    assert small["violins-1"] == 10
    assert full["trombones"] == 3


def test_the_american_plan_puts_firsts_left_cellos_right_and_the_german_one_seconds_right() -> None:
    hall = read_hall()
    score = score_for(*ROMANTIC)

    def mean_x(plan: str, section: str) -> float:
        return float(
            np.mean([p.position_m[0] for p in place_players(score, read_plan(plan), hall) if p.section == section])
        )

    assert mean_x("american", "violins-1") < -2 < 2 < mean_x("american", "cellos")
    assert mean_x("german", "violins-1") < -2 < 2 < mean_x("german", "violins-2")
    assert mean_x("american", "violins-2") < 0


@pytest.mark.parametrize(
    ("parts", "plan"),
    [
        (PIECES["string-quartet"], "string-quartet"),
        (PIECES["choir"], "choir"),
        (PIECES["wind-band"], "wind-band"),
        (ROMANTIC, "american"),
        ((*STRINGS, ("Oboe", "oboe", 2)), "chamber-orchestra"),
        ((("Piano", "piano", 1),), "string-quartet"),
        (tuple((f"Part {n}", "piano", 0) for n in range(4)), "string-quartet"),
    ],
)
def test_the_plan_suits_the_score(parts: tuple[tuple[str, str, int], ...], plan: str) -> None:
    score = score_for(*parts)
    assert choose_plan(score) == plan
    assert {p.part for p in place_players(score, read_plan(plan), read_hall())} == set(range(len(parts)))


def test_violins_are_told_apart_by_name_and_else_by_order() -> None:
    hall = read_hall()
    named = place_players(
        score_for(("Violino II", "violin", 0), ("Violino I", "violin", 0)), read_plan("american"), hall
    )
    assert {p.section for p in named if p.part == 0} == {"violins-2"}
    plain = place_players(score_for(("Violin", "violin", 0), ("Violin", "violin", 0)), read_plan("american"), hall)
    assert {p.section for p in plain if p.part == 1} == {"violins-2"}


def test_no_more_than_the_stage_seats() -> None:
    hall = read_hall()
    many = score_for(*((f"Part {n}", "violin", 8) for n in range(30)))
    assert len(place_players(many, read_plan("american"), hall)) <= MAX_PLAYERS
    with pytest.raises(SeatingError, match="parts"):
        place_players(score_for(*((f"P{n}", "flute", 1) for n in range(200))), read_plan("american"), hall)


def test_placements_move_and_survive_saving(tmp_path) -> None:
    hall = read_hall()
    score = score_for(*PIECES["string-quartet"])
    players = place_players(score, read_plan("string-quartet"), hall)
    moved = move_player(players, 2, (0.0, 8.0), hall)
    assert moved[2].position_m == (0.0, 8.0, 0.5)
    assert abs(moved[2].heading_deg) == pytest.approx(180.0)
    assert moved[0] == players[0]
    save_placements(tmp_path / "seats.json", moved)
    assert load_placements(tmp_path / "seats.json", score) == moved
    with pytest.raises(SeatingError, match="off the stage"):
        move_player(players, 2, (0.0, -20.0), hall)
    with pytest.raises(SeatingError, match="no player"):
        move_player(players, 99, (0.0, 5.0), hall)
    with pytest.raises(SeatingError, match="seats 4 parts"):
        load_placements(tmp_path / "seats.json", score_for(*ROMANTIC))


@pytest.mark.parametrize(
    "broken",
    [
        {"position_m": [1.0, 2.0]},
        {"position_m": ["left", 0.0, 0.0]},
        {"position_m": [float("nan"), 0.0, 0.0]},
        {"gain_db": "loud"},
        {"player": 1},
        {"instrument": "kazoo"},
        {"heading_deg": None},
    ],
)
def test_a_seating_that_was_edited_badly_is_refused_in_one_line(tmp_path, broken: dict) -> None:
    """It is read while it is played from."""
    score = score_for(*PIECES["string-quartet"])
    path = tmp_path / "seats.json"
    save_placements(path, place_players(score, read_plan("string-quartet"), read_hall()))
    rows = json.loads(path.read_text())["placements"]
    path.write_text(json.dumps({"placements": [rows[0] | broken, *rows[1:]]}))
    with pytest.raises(SeatingError, match=r"seats\.json") as caught:
        load_placements(path, score)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "title = 3", "[[wedge]]\nsection = 'x'\ninstrument = ['kazoo']", "not toml ["])
def test_a_broken_plan_is_refused_in_one_line(tmp_path, text: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(SeatingError, match=r"plan\.toml: not a seating plan") as caught:
        read_plan(path)
    assert "\n" not in str(caught.value)
