"""Rules of part-writing: each finds the textbook's mistake, and only there."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutti.engine.errors import ModelError
from tutti.models.craft.charges import COSTS, HOLD, REST, UNKNOWN, StepContext
from tutti.models.craft.rules import RULES, RuleSet, breaches, rule, rule_features
from tutti.models.craft.scales import major, minor

RANGES = ((60, 81), (53, 74), (47, 69), (36, 64))
ALL = np.array([*range(128), REST, HOLD])


def moved(
    before: tuple[int, ...], now: tuple[int, ...], *, held: tuple[int, ...] = (), **context: object
) -> StepContext:
    """A finished step; the voices in ``held`` go on sounding."""
    onsets = tuple(voice not in held for voice in range(len(now)))
    return StepContext(before, now, onsets, **context)  # type: ignore[arg-type]


def broken(context: StepContext, least: float = 0.0) -> set[tuple[str, tuple[int, ...]]]:
    return {(breach.rule, breach.voices) for breach in breaches(context) if breach.severity > least}


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        # C–G to D–A in tenor and bass, while the others move against them.
        (moved((72, 64, 55, 48), (69, 62, 57, 50)), {("parallel-fifths", (2, 3))}),
        # Soprano and bass in octaves, both up a step.
        (moved((72, 67, 64, 48), (74, 65, 62, 50)), {("parallel-octaves", (0, 3))}),
        # Unisons between inner voices.
        (moved((72, 62, 62, 48), (71, 64, 64, 43)), {("parallel-octaves", (1, 2))}),
        # A fifth that is repeated, or reached by contrary motion, is none.
        (moved((72, 64, 55, 48), (72, 64, 55, 48)), set()),
        (moved((72, 64, 55, 48), (72, 65, 60, 41), held=(0,)), set()),
        # Soprano leaps up into an octave with the bass, which rises too.
        (moved((67, 64, 55, 48), (74, 62, 53, 50)), {("hidden-fifths-octaves", (0, 3))}),
        # The same by step in the soprano is allowed.
        (moved((72, 67, 55, 47), (74, 65, 57, 50)), set()),
        # Alto above the soprano.
        (moved((69, 65, 60, 53), (67, 69, 60, 52), held=(2,)), {("crossing", (0, 1))}),
        # More than an octave between soprano and alto.
        (moved((72, 64, 55, 48), (77, 64, 55, 48), held=(1, 2, 3)), {("spacing", (0, 1))}),
        # A tritone and a seventh as melodic leaps; the octave is fine.
        (moved((72, 64, 55, 48), (66, 64, 55, 48), held=(1, 2, 3)), {("melodic-leap", (0,))}),
        (moved((72, 64, 55, 48), (72, 64, 55, 38), held=(0, 1, 2)), {("melodic-leap", (3,))}),
        (moved((72, 64, 60, 60), (72, 64, 60, 48), held=(0, 1, 2)), set()),
    ],
)
def test_textbook_examples(context: StepContext, expected: set[tuple[str, tuple[int, ...]]]) -> None:
    voice_leading = {known.name for known in RULES} - {"unprepared-dissonance", "unresolved-dissonance"}
    assert {found for found in broken(context) if found[0] in voice_leading} == expected


def test_dissonance_is_prepared_or_passes() -> None:
    leapt = moved((72, 60), (74, 64), held=(1,))
    leapt = StepContext((67, 63), (74, 63), (True, False), strength=1.0)  # D over E♭, leapt to
    assert ("unprepared-dissonance", (0, 1)) in broken(leapt)
    passing = StepContext((72, 63), (74, 63), (True, False), strength=0.0)
    accented = StepContext((72, 63), (74, 63), (True, False), strength=1.0)
    suspended = StepContext((74, 62), (74, 63), (False, True), strength=1.0)
    assert broken(passing) == set()
    assert {b.severity for b in breaches(accented, ("unprepared-dissonance",))} == {0.5}
    assert ("unprepared-dissonance", (0, 1)) not in broken(suspended)


def test_dissonance_resolves_by_step() -> None:
    by_leap = StepContext((74, 63), (79, 63), (True, False))
    by_step = StepContext((74, 63), (72, 63), (True, False))
    other_resolves = StepContext((74, 63), (79, 62), (True, True))
    assert ("unresolved-dissonance", (0, 1)) in broken(by_leap)
    assert not any(name == "unresolved-dissonance" for name, _ in broken(by_step) | broken(other_resolves))


def test_what_voices_break_together_is_one_breach() -> None:
    both_leap = StepContext((67, 55), (74, 60), (True, True), strength=1.0)  # into a ninth, both by leap
    assert [b.voices for b in breaches(both_leap, ("unprepared-dissonance",))] == [(0, 1)]
    strange = StepContext((76, 67, 60, 48), (74, 66, 65, 48), (True, True, True, False), strength=1.0)  # C–D–F–F♯
    assert [(b.voices, b.severity) for b in breaches(strange, ("strange-sonority",))] == [((0, 1, 2, 3), 1.0)]
    resting = StepContext((76, 67, 60, 48), (74, 66, 65, REST), (True, True, True, False), strength=1.0)
    assert [b.voices for b in breaches(resting, ("strange-sonority",))] == [(0, 1, 2)]


def test_only_one_voice_has_the_leading_note() -> None:
    doubled = moved((72, 67, 64, 48), (71, 67, 59, 43), scale=major(0))
    assert ("doubled-leading-note", (0, 2)) in broken(doubled)
    assert ("doubled-leading-note", (0, 2)) not in broken(moved((72, 67, 64, 48), (71, 67, 59, 43), scale=major(7)))
    assert minor(9).leading_note == 8


def test_range_costs_more_the_further_out() -> None:
    costs = RuleSet().only("range").costs(StepContext((64,), (UNKNOWN,), (True,), ranges=((60, 70),)), 0)
    assert not costs[60:71].any() and costs[59] > 0 and costs[71] > 0
    assert costs[59] < costs[50] < costs[0] and costs[71] < costs[90] < costs[127]
    assert costs[59] == costs[71] == rule("range").weight
    assert costs[REST] == costs[HOLD] == 0


def test_a_given_chord_is_kept_but_for_passing_notes() -> None:
    chord = frozenset({0, 4, 7})
    strong = RuleSet().only("given-chord").costs(StepContext((64,), (UNKNOWN,), (True,), 1.0, chord=chord), 0)
    weak = RuleSet().only("given-chord").costs(StepContext((64,), (UNKNOWN,), (True,), 0.0, chord=chord), 0)
    assert {pitch % 12 for pitch in np.flatnonzero(strong[:128] == 0)} == chord
    assert 0 < weak[65] < strong[65] and weak[70] == strong[70]
    held = RuleSet().only("given-chord").costs(StepContext((65,), (UNKNOWN,), (True,), 1.0, chord=chord), 0)
    assert held[HOLD] == strong[65] / 2


def test_voices_that_are_not_known_yet_are_not_judged() -> None:
    nothing_known = StepContext((72, 67, 60, 48), (UNKNOWN,) * 4, (True,) * 4)
    pairs_only = RuleSet().without("melodic-leap", "range")
    assert not pairs_only.costs(nothing_known, 0).any()


def test_rules_are_turned_off_and_weighed_by_name() -> None:
    context = moved((72, 64, 55, 48), (UNKNOWN, 62, 57, 50))
    assert RuleSet().costs(context, 0)[74] > 0  # octaves with the bass
    assert RuleSet().only("parallel-octaves").weighted({"parallel-octaves": 2.5}).costs(context, 0)[74] == 2.5
    assert RuleSet().only("parallel-octaves").without("parallel-octaves").costs(context, 0)[74] == 0
    assert not RuleSet.none().costs(context, 0).any()
    assert RuleSet.none().active == () and len(RuleSet().active) == len(RULES)
    assert RuleSet().without("range").only("range").active == ("range",)
    for bad in (lambda: rule("fifths"), lambda: RuleSet({"range": -1.0}), lambda: RuleSet().without("octaves")):
        with pytest.raises(ModelError):
            bad()


def test_rules_tell_themselves() -> None:
    for known in RULES:
        assert known.sentence.endswith(".") and known.title and known.name == known.name.lower()


pitch = st.integers(36, 84)
voice = st.one_of(pitch, st.just(REST))


@settings(max_examples=60, deadline=None)
@given(
    before=st.tuples(voice, voice, voice, voice),
    now=st.tuples(*[st.one_of(pitch, st.just(REST), st.just(UNKNOWN))] * 4),
    onsets=st.tuples(*[st.booleans()] * 4),
    strength=st.sampled_from([0.0, 0.2, 1.0]),
    asked=st.integers(0, 3),
)
def test_costs_are_sums_of_weighted_severities(before, now, onsets, strength, asked) -> None:
    context = StepContext(before, now, onsets, strength, RANGES, major(2), frozenset({2, 6, 9}))
    rules = RuleSet()
    features = rule_features(context, asked, ALL)
    weights = np.array([known.weight for known in RULES])
    costs = rules.costs(context, asked)
    assert costs.shape == (COSTS,) and (costs >= 0).all()
    assert np.allclose(rules.penalties(context, asked, ALL), weights @ features)
    assert np.allclose(rules.penalties(context, asked, ALL), costs)


@settings(max_examples=60, deadline=None)
@given(st.tuples(pitch, pitch, pitch), st.tuples(pitch, pitch, pitch), st.integers(-12, 12))
def test_parallels_are_those_that_the_definition_says(before, now, shift) -> None:
    context = moved(before, now)
    found = {(name, pair) for name, pair in broken(context) if name.startswith("parallel")}
    expected = set()
    for upper, lower in ((0, 1), (0, 2), (1, 2)):
        motion = (now[upper] - before[upper]) * (now[lower] - before[lower])
        was, is_now = before[upper] - before[lower], now[upper] - now[lower]
        # In unison the higher part is above.
        same_side = (was > 0 or was == 0) == (is_now >= 0) if was >= 0 else is_now <= 0
        for name, kind in (("parallel-fifths", 7), ("parallel-octaves", 0)):
            if motion > 0 and same_side and abs(was) % 12 == kind and abs(is_now) % 12 == kind:
                expected.add((name, (upper, lower)))
    assert found == expected
    if all(0 <= p + shift < 128 for p in (*before, *now)):
        up = moved(tuple(p + shift for p in before), tuple(p + shift for p in now))
        assert {found for found in broken(up) if found[0] != "range"} == {f for f in broken(context) if f[0] != "range"}


def test_all_rules_for_one_voice_are_quick() -> None:
    context = StepContext((72, 67, 64, 48), (74, UNKNOWN, 62, 55), (True,) * 4, 0.5, RANGES, major(0), frozenset({7}))
    rules, candidates = RuleSet(), np.array([*range(24, 107), REST, HOLD])
    rules.penalties(context, 1, candidates)
    best = min(_timed(rules, context, candidates) for _ in range(5))
    assert best < 100e-6


def _timed(rules: RuleSet, context: StepContext, candidates: np.ndarray) -> float:
    start = time.process_time()
    for _ in range(200):
        rules.penalties(context, 1, candidates)
    return (time.process_time() - start) / 200


def test_voices_make_chords_on_beats_and_may_do_what_they_like_between() -> None:
    """C–E–G under a soprano: chord notes and sevenths are fine, F is not, unless between beats."""
    only = RuleSet.none().weighted({"strange-sonority": 2.0})
    beat = StepContext((76, 67, 64, 48), (UNKNOWN, 67, 64, 48), (False, True, True, True), strength=0.2)
    costs = only.costs(beat, 0)
    assert [pitch for pitch in range(72, 84) if costs[pitch] == 0.0] == [72, 76, 79, 69 + 12, 70 + 12, 71 + 12]
    assert costs[77] == 2.0 and costs[HOLD] == 0.0
    suspended = StepContext((77, 67, 64, 48), (UNKNOWN, 67, 64, 48), (False, True, True, True), strength=0.2)
    assert only.costs(suspended, 0)[HOLD] == 1.0
    between = StepContext((76, 67, 64, 48), (UNKNOWN, 67, 64, 48), (False, True, True, True), strength=0.0)
    assert not only.costs(between, 0).any()
