"""Parts as people name them."""

import pytest

from tutti.engine.accompaniment import Soloist
from tutti.engine.conducting.tracking import Take
from tutti.engine.errors import ModelError
from tutti.engine.hall import read_hall
from tutti.engine.notation.score_cache import open_score
from tutti.engine.notation.score_source import find_score
from tutti.studio.concert import concert_score
from tutti.studio.ensemble_setup import on_beats_of, parts_named, parts_on_cue, seat, soloist_named


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
