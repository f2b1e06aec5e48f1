"""What a learner likes is learned from verdicts and edits, and changes what is offered."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import make_score

from tutti.engine.errors import ModelError
from tutti.engine.types import ScoreNote
from tutti.models.feedback import (
    Edit,
    compare_edit,
    heard_controls,
    opinions_of_edit,
    opinions_of_verdict,
)
from tutti.models.preference import ARMS, DENSITIES, OPEN, Opinion, Preference, arm_of, arms_of_controls, value_of
from tutti.models.wish import Wish


def offers(preference: Preference, control: str, count: int = 300) -> Counter[str]:
    return Counter(preference.offer(seed).arms[control] for seed in range(count))


def test_without_feedback_everything_is_tried_and_the_model_is_trusted_most() -> None:
    tried = offers(Preference(), "density")
    assert set(tried) == set(ARMS["density"]) and tried.most_common(1)[0][0] == OPEN


def test_likes_and_dislikes_change_what_is_offered() -> None:
    lively = [Opinion({"density": "lively"}, 1.0)] * 8
    calm = [Opinion({"density": "calm"}, 0.0), Opinion({"density": OPEN}, 0.0)] * 5
    before, after = offers(Preference(), "density"), offers(Preference.of([*lively, *calm]), "density")
    assert after["lively"] > 2 * before["lively"] and after["calm"] + after[OPEN] < 0.3 * (
        before["calm"] + before[OPEN]
    )
    assert offers(Preference.of(lively), "style") == offers(Preference(), "style"), "other controls are left alone"


def test_a_listener_with_a_taste_is_found_within_thirty_pieces() -> None:
    """A simulated learner likes one density 90 % of the time, all else 20 %."""
    random, preference, hits = np.random.default_rng(4), Preference(), []
    for piece in range(120):
        arm = preference.offer(piece).arms["density"]
        preference = preference.after(
            Opinion({"density": arm}, float(random.random() < (0.9 if arm == "busy" else 0.2)))
        )
        hits.append(arm == "busy")
    assert np.mean(hits[30:]) > 0.6 > 3 * np.mean(hits[:8]) or np.mean(hits[30:]) > 0.75


def test_a_changed_taste_is_followed() -> None:
    old, new = [Opinion({"style": "baroque"}, 1.0)] * 60, [Opinion({"style": "baroque"}, 0.0)] * 60
    assert Preference.of([*old, *new]).mean("style", "baroque") < 0.35


def test_what_was_asked_for_stays_and_the_same_seed_offers_the_same() -> None:
    preference = Preference.of([Opinion({"density": "busy", "mood": "sad"}, 1.0)] * 5)
    asked = preference.offer(3, Wish(density=0.4, style="modern"), 0.7)
    assert (asked.wish.density, asked.wish.style, asked.temperature) == (0.4, "modern", 0.7)
    assert not {"density", "style", "temperature"} & set(asked.arms)
    assert preference.offer(9) == preference.offer(9)


@given(st.floats(0.05, 6.0))
@settings(max_examples=30)
def test_arms_hold_the_nearest_values(density: float) -> None:
    arm = arm_of("density", density)
    assert all(
        abs(np.log(density / DENSITIES[arm])) <= abs(np.log(density / other)) + 1e-9 for other in DENSITIES.values()
    )


def test_every_arms_value_is_a_wish_that_the_model_takes() -> None:
    for control, arms in ARMS.items():
        for arm in arms:
            assert arm_of(control, value_of(control, arm)) == arm
    with pytest.raises(ModelError, match="no density 'hasty'"):
        Preference().after(Opinion({"density": "hasty"}, 1.0))


def test_controls_of_a_file_are_read_back() -> None:
    arms = arms_of_controls({"density": "1.9", "style": "romantic", "cadence": "end", "complexity": "?", "mood": "odd"})
    assert (arms["density"], arms["style"], arms["temperature"]) == ("lively", "romantic", OPEN)
    assert "complexity" not in arms and "mood" not in arms, "what cannot be read is no opinion"


def notes(*rows: tuple[float, float, int]) -> list[ScoreNote]:
    return [ScoreNote(on, length, pitch, 0, 0.5) for on, length, pitch in rows]


def test_what_is_heard_counts_where_nothing_was_asked_for() -> None:
    score = make_score([], measures=2, instruments=("violin",))
    heard = heard_controls(score, notes(*[(q / 2, 0.5, 58) for q in range(16)]))
    assert heard["density"] == pytest.approx(2.0) and heard["register"] == pytest.approx(-1.0, abs=0.15)
    asked, measured = opinions_of_verdict({"style": "baroque"}, heard, liked=False)
    assert asked.arms["density"] == OPEN and measured.arms == {"density": "lively", "register": "low"}
    assert (measured.liked, measured.weight) == (0.0, 0.5)
    assert len(opinions_of_verdict({"density": "2", "register": "-1"}, heard, liked=True)) == 1
    assert heard_controls(score, []) == {}


def test_an_edit_is_counted_note_by_note() -> None:
    before = notes((0, 1, 60), (1, 1, 62), (2, 1, 64), (3, 1, 65))
    after = notes((0, 1, 60), (1, 1, 61), (2, 2, 64), (3.5, 0.5, 67))
    assert compare_edit(before, after) == Edit(kept=1, repitched=1, relengthened=1, removed=1, added=1)
    assert compare_edit(before, before).changed_share == 0.0
    with pytest.raises(ModelError, match="nothing that was edited"):
        compare_edit([], after)


def test_an_edit_that_thins_out_is_a_wish_for_fewer_notes() -> None:
    edit = Edit(kept=4, repitched=0, relengthened=0, removed=12, added=0)
    likes, dislikes = opinions_of_edit({"density": 2.0, "register": 0.0}, {"density": 0.5, "register": 0.1}, edit)
    assert likes.arms == {"density": "sparse"} and likes.liked == 1.0 and likes.weight == pytest.approx(0.75)
    assert dislikes.arms == {"density": "lively"} and dislikes.liked == 0.0
