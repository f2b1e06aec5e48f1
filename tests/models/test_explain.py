"""Surprise and influence of notes are those of the model itself."""

import numpy as np
import pytest
from ai_support import write_small
from support import make_score

from tutti.engine.errors import ModelError
from tutti.engine.score import Score
from tutti.models.explain import Explainer
from tutti.models.grid import UNKNOWN, encode_score, grid_of_score, pitch_to_token
from tutti.models.part.runtime import PartModel


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> PartModel:
    return PartModel.load(write_small(tmp_path_factory.mktemp("weights") / "small.safetensors"))


def quartet(bars: int = 2) -> Score:
    rows = [
        (float(q), 1.0, pitch + (q * 7) % 5, part, 0.5, 0)
        for q in range(4 * bars)
        for part, pitch in enumerate((76, 67, 60, 48))
    ]
    return make_score(rows, measures=bars, instruments=("violin", "violin", "viola", "cello"))


def test_every_note_of_the_parts_asked_about_has_its_own_surprise(model: PartModel) -> None:
    score = quartet()
    found = Explainer(model, score, [1, 2, 3]).surprise()
    assert len(found.notes) == 24 and {note.part for note in found.notes} == {1, 2, 3}
    assert all(note.nats >= 0.0 for note in found.notes) and found.by_quarter.shape == (8,)
    assert [note.nats for note in found.most(3)] == sorted((n.nats for n in found.notes), reverse=True)[:3]


def test_surprise_is_the_models_own_log_probability(model: PartModel) -> None:
    """The first bass note, by hand: the soprano is given, the bass is the first that is decided."""
    score = quartet()
    tokens, grid = encode_score(score, (0, 1, 2, 3), grid_of_score(score)), grid_of_score(score)
    state = model.start((True,) * 4, (True, False, False, False))
    state.begin(grid.at(0))
    logits = state.logits(3, [int(tokens[0, 0]), UNKNOWN, UNKNOWN, UNKNOWN])
    logits = logits[np.isfinite(logits)]
    by_hand = np.log(np.exp(logits).sum()) - state.logits(3, [int(tokens[0, 0]), *[UNKNOWN] * 3])[pitch_to_token(48)]
    found = Explainer(model, score, [1, 2, 3]).surprise()
    bass = next(note for note in found.notes if note.part == 3)
    assert (bass.pitch, bass.onset_quarter) == (48, 0.0)
    assert bass.nats == pytest.approx(by_hand, abs=1e-6)


def test_the_future_surprises_nobody_and_the_past_does(model: PartModel) -> None:
    score = quartet()
    later, earlier = score.notes.copy(), score.notes.copy()
    later["pitch"][(later["onset_quarter"] == 7) & (later["part"] == 0)] += 1
    earlier["pitch"][(earlier["onset_quarter"] == 1) & (earlier["part"] == 0)] += 1
    from dataclasses import replace

    plain, late, early = (
        [note.nats for note in Explainer(model, replace(score, notes=notes), [1, 2, 3]).surprise().notes]
        for notes in (score.notes, later, earlier)
    )
    assert plain[:21] == late[:21] and plain[:3] == early[:3] and plain[6:9] != early[6:9]


def test_influence_is_the_change_when_a_note_is_silenced(model: PartModel) -> None:
    score = quartet()
    found = Explainer(model, score, [3]).influences(3, 6.0, context_quarters=2.0)
    assert {(one.part, one.onset_quarter) for one in found} == {
        *((part, quarter) for part in range(4) for quarter in (4.0, 5.0)),
        *((part, 6.0) for part in range(3)),
    }, "what sounds before, and the given voices with it"
    assert [abs(one.nats) for one in found] == sorted((abs(one.nats) for one in found), reverse=True)
    silenced = score.notes[(score.notes["part"] != 0) | (score.notes["onset_quarter"] != 5.0)]
    from dataclasses import replace

    with_it, without = (
        next(
            n.nats for n in Explainer(model, replace(score, notes=notes), [3]).surprise().notes if n.onset_quarter == 6
        )
        for notes in (score.notes, silenced)
    )
    one = next(one for one in found if (one.part, one.onset_quarter) == (0, 5.0))
    assert one.nats == pytest.approx(without - with_it, abs=1e-5)


def test_a_part_without_notes_is_refused(model: PartModel) -> None:
    score = make_score([(0.0, 1.0, 72, 0, 0.5, 0)], measures=1, instruments=("violin", "cello"))
    with pytest.raises(ModelError, match="has no notes"):
        Explainer(model, score, [1])
    with pytest.raises(ModelError, match="no note at quarter 3"):
        Explainer(model, score, [0]).influences(0, 3.0)
