"""What voices do in relation to each other: the same in every key, and nothing of what is not known."""

import torch
from torch import Tensor

from tutti.models.grid import ABSENT, FIRST_PITCH, OLDEST, REST, UNKNOWN, VOICES, pitch_to_token
from tutti.models.part.relations import (
    heard_lately,
    input_rows,
    interval,
    known_moves,
    own_rows,
    pitch_class,
    priors,
    seen_from,
)
from tutti.models.part.tables import FADES, IN_CLASS, IN_MOVE, INPUT_ROWS, KNOWN_ROWS, MOVE, OWN_MOVE, OWN_NOW, OWN_ROWS


def symbols(*pitches: int | None) -> Tensor:
    return torch.tensor([REST if pitch is None else pitch_to_token(pitch) for pitch in pitches])


BEFORE, PRIOR, HEARD = symbols(72, 67, None, 48), symbols(71, 67, 60, 55), symbols(74, 67, 62, 50)
SEEN = torch.ones(1, VOICES, VOICES, dtype=torch.bool)


def told(before: Tensor, prior: Tensor, heard: Tensor, visible: Tensor = SEEN) -> tuple[Tensor, Tensor]:
    """All rows of a step that are relations: the backbone's and the head's."""
    rows = own_rows(before[None, :, None], prior[None, :, None], heard[None, :, None], visible)
    backbone = input_rows(before, prior)
    return backbone[backbone >= IN_MOVE], torch.cat([rows.flatten(), known_moves(before, heard)])


def moved(row: Tensor, semitones: int) -> Tensor:
    return torch.where(row >= FIRST_PITCH, row + semitones, row)


def test_relations_are_the_same_in_every_key() -> None:
    here = told(BEFORE, PRIOR, HEARD)
    for semitones in (-7, 1, 5):
        there = told(moved(BEFORE, semitones), moved(PRIOR, semitones), moved(HEARD, semitones))
        assert all(torch.equal(one, other) for one, other in zip(here, there, strict=True))
    other = told(BEFORE, PRIOR, moved(HEARD, 1))
    assert torch.equal(other[0], here[0]) and not torch.equal(other[1], here[1])


def test_every_row_is_in_its_table() -> None:
    for before in (BEFORE, symbols(108, 24, 24, 108), torch.full((VOICES,), ABSENT), symbols(*[None] * VOICES)):
        for after in (HEARD, symbols(24, 108, 108, 24), torch.full((VOICES,), UNKNOWN)):
            rows = input_rows(before, after)
            assert int(rows.min()) >= 0 and int(rows.max()) < INPUT_ROWS
            known = known_moves(before, after)
            assert int(known.max()) < KNOWN_ROWS
            for visible in (SEEN, ~SEEN):
                own = own_rows(before[None, :, None], after[None, :, None], after[None, :, None], visible)
                assert int(own.min()) >= OWN_MOVE and int(own.max()) < OWN_ROWS


def test_what_is_not_visible_changes_nothing() -> None:
    visible = SEEN.clone()
    visible[:, :, 2] = False
    one, other = HEARD.clone(), HEARD.clone()
    other[2] += 3
    assert torch.equal(told(BEFORE, PRIOR, one, visible)[1][:-VOICES], told(BEFORE, PRIOR, other, visible)[1][:-VOICES])
    assert not torch.equal(told(BEFORE, PRIOR, one)[1][:-VOICES], told(BEFORE, PRIOR, other)[1][:-VOICES])
    hidden = own_rows(BEFORE[None, :, None], PRIOR[None, :, None], HEARD[None, :, None], ~SEEN)
    assert not torch.equal(hidden[hidden >= OWN_NOW], told(BEFORE, PRIOR, HEARD)[1][:-VOICES])


def test_intervals_are_numbered_from_the_lowest() -> None:
    here = symbols(60, 60, 60, None)
    assert interval(here, symbols(60, 62, 30, 60), MOVE).tolist() == [MOVE, MOVE + 2, 0, 2 * MOVE + 1]
    classes = input_rows(symbols(60, 72, 64, None), PRIOR)[:VOICES]
    assert (classes[:3] - IN_CLASS).tolist() == [0, 0, 4], "an octave is one pitch class"


def test_the_pitch_before_a_pitch_is_found_until_it_is_long_ago() -> None:
    """C for two steps, D for many, then E: sounding and age are of before each step."""
    notes = [60] * 2 + [62] * (OLDEST + 2) + [64] * 2
    sounding = torch.stack([symbols(None)] + [symbols(note) for note in notes])[None]
    ages, age = [0], 0
    for step, note in enumerate(notes):
        age = age + 1 if step and note == notes[step - 1] else 0
        ages.append(min(age, OLDEST))
    found = priors(sounding, torch.tensor(ages)[None, :, None])[0, :, 0]
    c, d = int(symbols(60)), int(symbols(62))
    assert found[0] == UNKNOWN and found[1] == REST and found[2] == REST
    assert found[3] == c and found[2 + OLDEST] == c and found[3 + OLDEST] == UNKNOWN, "a held D hides what was before"
    assert found[-1] == d


def test_what_was_heard_lately_fades_and_is_counted_from_any_pitch() -> None:
    sounding = torch.stack([symbols(None, None, None, None), symbols(60, 64, 67, 48), *[symbols(62, 62, 62, 62)] * 40])
    lately = heard_lately(sounding[None])[0]
    assert lately.shape == (42, len(FADES), 12) and not lately[0].any()
    assert lately[1, 0, [0, 4, 7]].tolist() == [0.5, 0.25, 0.25]
    assert torch.allclose(lately[1:].sum(-1), torch.ones(41, len(FADES)))
    assert lately[-1, 0, 2] > lately[-1, 1, 2] > 0.9, "the quicker memory forgets sooner"
    from_e = seen_from(lately[1][None], symbols(64, 76, None))
    assert torch.equal(from_e[0], from_e[1]) and not from_e[2].any()
    assert from_e[0].view(len(FADES), 12)[0, [0, 3, 8]].tolist() == [0.25, 0.25, 0.5], "E, G and C seen from E"
    assert int(pitch_class(symbols(64))) == 4
