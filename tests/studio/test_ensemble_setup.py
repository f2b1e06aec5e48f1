"""Parts as people name them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tutti.engine.accompaniment import Soloist
from tutti.engine.conducting.tracking import Take
from tutti.engine.errors import ModelError, SessionError
from tutti.engine.hall import read_hall
from tutti.engine.notation.score_cache import open_score
from tutti.engine.notation.score_source import find_score
from tutti.engine.types import BeatCrossing, Dynamics, Frame, ScorePosition
from tutti.studio.concert import concert_score
from tutti.studio.ensemble_setup import check_beats, on_beats_of, parts_named, parts_on_cue, seat, soloist_named
from tutti.studio.session_file import Session, SessionHeader


def test_parts_are_named_as_the_score_prints_them_and_nobody_is_everybody() -> None:
    score = open_score(find_score(concert_score()))
    part = next(part for part in score.parts if part.abbreviation.endswith("."))
    index = score.parts.index(part)
    for name in (part.abbreviation, part.abbreviation.rstrip("."), part.name, f" {part.name} ", str(index + 1)):
        assert parts_named(score, [name]) == [index]
    assert parts_named(score, ["", "  "]) == []
    assert soloist_named(score, f"{part.name},", 0.5) == Soloist(frozenset({index}), 0.5)
    assert soloist_named(score, "", 0.5) is soloist_named(score, None, 0.5) is None


def test_a_take_of_another_score_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    score = open_score(find_score(concert_score()))
    for same in ({}, {"score": score.title.upper()}, {"score": f"  {score.title} "}):
        assert on_beats_of(Take((), same), score) == (score, 0)
    assert not caplog.text
    halved, _ = on_beats_of(Take((), {"score": "Bolero", "meter": "2"}), score)
    assert len(halved.beats) != len(score.beats), "it is followed all the same"
    assert f"it was conducted for 'Bolero': here it conducts {score.title!r}" in caplog.text


def test_a_session_of_other_repeats_than_are_read_now_is_told_of(tmp_path: Path) -> None:
    path = find_score(concert_score())
    score = open_score(path)
    numbers = score.measures["number"][score.beats["measure"]]
    crossings = tuple(
        BeatCrossing(index, float(index), 0.0, str(numbers[index]), int(row["beat"]), 90.0, None, 1.0)
        for index, row in enumerate(score.beats)
    )
    frame = Frame(
        0,
        0.0,
        ScorePosition(0.0, 0.0, 0.0, 1.5, 90.0, "1", 1.0, "waiting"),
        None,
        Dynamics(0.0, 0.5, 0.0),
        crossings=crossings,
    )
    header = SessionHeader.of(score, path, (), "musikverein", 0)
    session = Session(header, (frame,), (), (), (), complete=True)
    check_beats(session, score)
    for now in (replace(score, beats=score.beats[:-1]), replace(score, beats=np.roll(score.beats, 40))):
        with pytest.raises(SessionError, match="another version of Tutti; tutti replay"):
            check_beats(session, now)


def test_who_waits_for_a_cue_is_named_by_section_part_or_instrument() -> None:
    score = open_score(find_score(concert_score()))
    placements = seat(score, None, read_hall("musikverein"))
    sections = {placement.part: placement.section for placement in placements}
    everybody = parts_on_cue(score, placements, sorted(set(sections.values())))
    assert everybody == frozenset(range(len(score.parts)))
    violins = parts_on_cue(score, placements, ["Violins 1"])
    assert violins and {sections[part] for part in violins} == {"violins-1"}
    last = len(score.parts) - 1
    assert parts_on_cue(score, placements, [str(last + 1)]) == frozenset(parts_named(score, [score.parts[last].name]))
    with pytest.raises(ModelError, match="zurna"):
        parts_on_cue(score, placements, ["zurna"])
    assert not parts_on_cue(score, placements, [])
