"""A seating that is edited while the music plays."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from support import make_score

from tutti.engine.hall import read_hall
from tutti.engine.placement import load_placements, move_player, place_players, read_plan, save_placements
from tutti.studio.seating_file import SeatingFile


def touch(path: Path, seconds: int) -> None:
    """File systems may keep coarse times: make the change plain."""
    os.utime(path, (seconds, seconds))


def test_an_edited_seating_is_taken_and_a_broken_one_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    score = make_score([(0.0, 1.0, 60, 0, 0.5, 0)], instruments=("violin", "cello"))
    hall = read_hall()
    players = place_players(score, read_plan("string-quartet"), hall)
    path = tmp_path / "seats.json"
    save_placements(path, players)
    touch(path, 1000)
    watched = SeatingFile(path, score)
    assert watched.changed() is None
    moved = tuple(replace(p, gain_db=-6.0) for p in move_player(players, 0, (3.0, 2.0), hall))
    save_placements(path, moved)
    touch(path, 2000)
    assert watched.changed() == moved == load_placements(path, score)
    assert watched.changed() is None, "told once"
    save_placements(path, [*moved, replace(moved[0], player=99)])
    touch(path, 2500)
    assert watched.changed() is None
    assert "players came or went" in caplog.text
    path.write_text("{")
    touch(path, 3000)
    assert watched.changed() is None
    assert "the players stay where they are" in caplog.text
    path.unlink()
    assert watched.changed() is None
