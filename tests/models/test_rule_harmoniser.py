"""The harmoniser by rules: what it writes keeps the rules, the scale, the metre and the cadences."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import make_score, with_upbeat

from tutti.engine.errors import ModelError
from tutti.engine.score import Score
from tutti.engine.types import ScoreNote
from tutti.models.craft.analysis import Analysis, analyse
from tutti.models.craft.charges import StepContext
from tutti.models.craft.keys import Key
from tutti.models.craft.rule_harmoniser import SOURCE, harmonise, melody_key
from tutti.models.craft.rules import RULES, RuleSet
from tutti.models.craft.sonorities import Sonority, sonorities_of_key, sonorities_of_scale
from tutti.models.craft.traditions import out_of_scale, tradition, traditions
from tutti.models.craft.voicings import Voicings, moves, rule_moves

TUNE = (67, 67, 74, 74, 76, 76, 74, 72, 71, 71, 69, 69, 67)  # eleven notes, then long ones: a children's song in G
LENGTHS = (1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 3)
STRICT = ("parallel-fifths", "parallel-octaves", "hidden-fifths-octaves", "crossing", "doubled-leading-note")


def melody(pitches: Sequence[int], lengths: Sequence[float], start: float = 0.0) -> list[ScoreNote]:
    onsets = start + np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    return [ScoreNote(float(o), float(n), p, 0, 0.6) for o, n, p in zip(onsets, lengths, pitches, strict=True)]


def score_of(notes: Sequence[ScoreNote], grid: Score) -> Score:
    rows = [(n.onset_quarter, n.duration_quarter, n.pitch, n.part, 0.5, 0) for n in notes]
    beats = int(grid.beats["beats_in_measure"][0])
    return make_score(
        rows,
        measures=len(grid.measures),
        beats_in_measure=beats,
        beat_quarter=float(grid.beats["duration_quarter"][0]),
        instruments=("soprano", "alto", "tenor", "bass"),
    )


def written(tune: list[ScoreNote], grid: Score, **options: object) -> tuple[list[ScoreNote], Analysis]:
    result = harmonise(tune, grid.beats, **options)  # type: ignore[arg-type]
    return list(result.notes), analyse(score_of([*tune, *result.notes], grid))


FOUR_FOUR = make_score([], measures=4)


@pytest.mark.parametrize("seed", range(4))
def test_a_tune_gets_three_parts_a_cadence_and_no_mistakes(seed: int) -> None:
    tune = melody(TUNE, LENGTHS)
    notes, analysis = written(tune, FOUR_FOUR, seed=seed)
    assert {note.part for note in notes} == {1, 2, 3} and {note.source for note in notes} == {SOURCE}
    assert analysis.key == Key(7, "major")
    assert analysis.chords[-1].numeral == "I" and "authentic" in (analysis.chords[-1].cadence or "")
    assert not set(STRICT) & set(analysis.counted())
    strangers = [
        span for span in analysis.chords if not span.chord.pitch_classes <= Key(7, "major").scale.pitch_classes
    ]
    assert len(strangers) <= 3
    bass = sorted((n for n in notes if n.part == 3), key=lambda n: n.onset_quarter)
    assert bass[-1].pitch % 12 == 7 and len({n.pitch for n in bass}) >= 4
    for part in (1, 2, 3):  # each part is one line that never overlaps itself and sounds as long as the melody
        line = sorted((n.onset_quarter, n.onset_quarter + n.duration_quarter) for n in notes if n.part == part)
        assert all(end <= start + 1e-9 for (_, end), (start, _) in itertools.pairwise(line))
        assert line[0][0] == 0.0 and line[-1][1] == 16.0
        assert sum(end - start for start, end in line) == pytest.approx(16.0)


def test_before_an_upbeat_within_a_beat_nothing_is_written() -> None:
    tune = melody((62, *TUNE), (0.5, *LENGTHS))
    notes = harmonise(tune, with_upbeat(FOUR_FOUR, 0.5).beats).notes
    assert min(note.onset_quarter for note in notes) == 0.0
    assert {0.0, 0.5, 1.5} <= {note.onset_quarter for note in notes}


def test_same_seed_same_notes_and_other_seeds_other_notes() -> None:
    tune = melody(TUNE, LENGTHS)
    first, again = (harmonise(tune, FOUR_FOUR.beats, seed=3).notes for _ in range(2))
    assert first == again
    assert len({harmonise(tune, FOUR_FOUR.beats, seed=seed).notes for seed in range(3)}) >= 2


def test_a_rule_that_is_turned_off_is_not_kept() -> None:
    tune, parallels = melody(TUNE, LENGTHS), ("parallel-fifths", "parallel-octaves")
    lax = RuleSet().without(*parallels, "hidden-fifths-octaves")
    loose = [written(tune, FOUR_FOUR, rules=lax, seed=seed)[1].counted() for seed in range(4)]
    assert sum(counted.get(name, 0) for counted in loose for name in parallels) > 0


def test_figuration_moves_between_beats_and_none_moves_on_them_alone() -> None:
    tune = melody(TUNE, LENGTHS)
    plain = harmonise(tune, FOUR_FOUR.beats, figuration=0.0).notes
    rich = harmonise(tune, FOUR_FOUR.beats, figuration=1.0).notes
    assert all(note.onset_quarter % 1 == 0 for note in plain)
    assert any(note.onset_quarter % 1 == 0.5 for note in rich)


@pytest.mark.parametrize("key", sorted(name for name, found in traditions().items() if found.has_scale))
def test_no_note_is_foreign_to_a_tradition(key: str) -> None:
    found = tradition(key)
    base = 60 + found.tonic if found.tonic >= 4 else 72 + found.tonic
    rising = [base + step for step in sorted(found.ascending)]
    falling = [base + step for step in sorted(found.descending, reverse=True)]
    pitches = [*rising, base + 12, *falling]
    tune = melody(pitches, [1.0] * len(pitches))
    grid = make_score([], measures=len(pitches) // 4 + 1)
    result = harmonise(tune, grid.beats, tradition=found)
    assert out_of_scale(result.notes, found.scale()) == []
    assert len({note.pitch % 12 for note in result.notes}) >= 3
    last = [note for note in result.notes if note.onset_quarter >= len(pitches) - 1]
    assert found.tonic in {note.pitch % 12 for note in last}


@pytest.mark.parametrize(
    ("lengths", "beats_in_measure", "beat_quarter"),
    [((1.0, 0.5), 2, 1.5), ((1.0, 1.0, 1.5), 1, 3.5), ((1 / 3,) * 3, 3, 1.0)],
)
def test_other_metres_are_harmonised_beat_by_beat(
    lengths: tuple[float, ...], beats_in_measure: int, beat_quarter: float
) -> None:
    all_lengths = lengths * 12
    pitches = [67 + (0, 2, 4, 5, 7, 5, 4, 2)[index % 8] for index in range(len(all_lengths))]
    quarters = sum(all_lengths)
    bar = beats_in_measure * beat_quarter
    grid = make_score(
        [], measures=int(np.ceil(quarters / bar)), beats_in_measure=beats_in_measure, beat_quarter=beat_quarter
    )
    notes, analysis = written(melody(pitches, all_lengths), grid)
    assert not {"parallel-fifths", "parallel-octaves"} & set(analysis.counted())
    starts = {round(float(q), 6) for q in grid.beats["quarter"]}
    halves = {
        round(float(q + d / 2), 6) for q, d in zip(grid.beats["quarter"], grid.beats["duration_quarter"], strict=True)
    }
    assert {round(note.onset_quarter, 6) for note in notes} <= starts | halves


def test_rests_of_the_melody_are_phrases_ends() -> None:
    tune = [*melody((67, 69, 71, 69), (1,) * 4), *melody((71, 72, 71, 67), (1,) * 4, start=8.0)]
    notes, _ = written(tune, FOUR_FOUR)
    assert not [note for note in notes if 4.0 <= note.onset_quarter < 8.0]
    assert all(note.onset_quarter + note.duration_quarter <= 4.0 for note in notes if note.onset_quarter < 4.0)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(40, 90), st.sampled_from([0.25, 1 / 3, 0.5, 1.0, 3.0])), min_size=1, max_size=10),
    st.floats(0.0, 3.0),
)
def test_any_line_is_harmonised(line: list[tuple[int, float]], start: float) -> None:
    tune = melody([pitch for pitch, _ in line], [length for _, length in line], start)
    grid = make_score([], measures=int((start + sum(length for _, length in line)) // 4) + 1)
    result = harmonise(tune, grid.beats)
    assert {note.part for note in result.notes} == {1, 2, 3}
    highest = max(pitch for pitch, _ in line)
    assert all(0 < note.pitch <= highest and note.duration_quarter > 0 for note in result.notes)


def test_a_melody_is_needed() -> None:
    with pytest.raises(ModelError, match="no melody"):
        harmonise([], FOUR_FOUR.beats)


def test_the_last_note_decides_between_relative_keys() -> None:
    assert melody_key(melody((69, 71, 72, 71, 69, 68, 69), (1,) * 7)) == Key(9, "minor")
    assert melody_key(melody((64, 65, 67, 65, 64, 62, 60), (1,) * 7)) == Key(0, "major")


pitches = st.tuples(st.integers(60, 79), st.integers(55, 72), st.integers(48, 67), st.integers(40, 60)).map(
    lambda four: tuple(sorted(four, reverse=True))
)


@settings(max_examples=80, deadline=None)
@given(pitches, pitches)
def test_the_search_charges_what_the_rules_charge(was: tuple[int, ...], now: tuple[int, ...]) -> None:
    names = ("parallel-fifths", "parallel-octaves", "hidden-fifths-octaves")
    rules = RuleSet().only(*names)
    charged = 0.0
    for voice in range(3, -1, -1):  # each pair once: against the voices below
        known = tuple(pitch if other > voice else -3 for other, pitch in enumerate(now))
        charged += float(rules.costs(StepContext(was, known, (True,) * 4), voice)[now[voice]])
    both = (np.array(was)[None, :], np.array(now)[None, :])
    assert float(rule_moves(*both, rules.weights)[0]) == pytest.approx(charged)


def test_leading_notes_and_sevenths_resolve() -> None:
    stock = sonorities_of_key(Key(0, "major"))
    dominant = next(i for i, s in enumerate(stock) if s.root == 7 and s.seventh is not None)
    tonic = next(i for i, s in enumerate(stock) if s.root == 0 and s.seventh is None)

    def setting(index: int, *rows: tuple[int, int, int, int]) -> Voicings:
        return Voicings(np.array(rows), np.zeros(len(rows)), np.full(len(rows), index))

    before = setting(dominant, (74, 65, 59, 43))
    after = setting(tonic, (72, 64, 60, 48), (72, 67, 60, 48), (72, 64, 55, 48))
    right, seventh_rises, leading_falls = moves(before, after, stock, {}, None)[0]
    assert right < seventh_rises and right < leading_falls


def test_scales_hold_their_own_sonorities() -> None:
    open_fifths = sonorities_of_scale(tradition("chinese-zhi").scale(0))
    assert all(set(s.members) <= tradition("chinese-zhi").scale(0).pitch_classes for s in open_fifths)
    rast = tradition("maqam-rast")
    tuned = {s.members: s.cost for s in sonorities_of_scale(rast.scale(), rast)}
    plain = {s.members: s.cost for s in sonorities_of_scale(rast.scale())}
    assert tuned[(0, 4, 7)] > plain[(0, 4, 7)]  # the neutral third does not blend
    assert sonorities_of_scale(rast.scale(), rast)[0] == Sonority(0, (0, 4, 7), 1.0, needed=(0, 4))
    assert {known.name for known in RULES} >= set(STRICT)
