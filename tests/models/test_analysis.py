"""Keys, chords, non-chord notes and broken rules of hand-written bars."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from support import make_score

from tutti.engine.errors import ModelError
from tutti.engine.score import Score
from tutti.engine.types import ScoreNote
from tutti.models.controls import parse_key
from tutti.models.craft.analysis import Analysis, analyse
from tutti.models.craft.beatwise import sounding_on_beats
from tutti.models.craft.chords import QUALITIES, Chord, cadence, chord_tone_share, explain_chord, roman
from tutti.models.craft.keys import KEYS, Key, find_key, key_named, keys_along
from tutti.models.craft.non_chord import LineNote, classify
from tutti.models.craft.traditions import tradition

CHOIR = ("soprano", "alto", "tenor", "bass")
C, G, A_MINOR = Key(0, "major"), Key(7, "major"), Key(9, "minor")


def choir(*voices: str, measures: int = 0) -> Score:
    """Four voices in words such as ``C5:1 D5:.5``; a rest is ``r``, a number alone of quarters."""
    names = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    notes, longest = [], 0.0
    for part, voice in enumerate(voices):
        at = 0.0
        for word in voice.split():
            name, _, length = word.partition(":")
            duration = float(length or 1)
            if name != "r":
                alter = name.count("#") - name[1:].count("b")
                pitch = 12 * (int(name[-1]) + 1) + names[name[0]] + alter
                notes.append((at, duration, pitch, part, 0.5, 0))
            at += duration
        longest = max(longest, at)
    return make_score(notes, measures=measures or int(np.ceil(longest / 4)), instruments=CHOIR[: len(voices)])


def numerals(analysis: Analysis) -> list[str]:
    return [span.numeral for span in analysis.chords]


FOUR_BARS = choir(
    # A chorale of four bars in G: passing notes, a suspension, a half and an authentic cadence.
    "G4 A4 B4 B4   C5 B4 A4:2     B4 C5 D5 B4    A4 A4 G4:2",
    "D4 D4 D4 D4   E4 D4 D4:2     D4 E4 D4 D4    E4 D4:.5 C4:.5 B3:2",
    "B3 A3 G3 G3   G3 G3 F#3:2    G3 G3 A3 G3    G3 F#3 G3:2",
    "G3 F#3 G3 G3:.5 F#3:.5  E3 B2 D3:2  G3 E3 F#3 G3  C3 D3 G2:2",
)


def test_a_chorale_is_explained() -> None:
    analysis = analyse(FOUR_BARS)
    assert analysis.key == G and analysis.strength > 0.8
    assert " ".join(numerals(analysis)) == "I V6 I IV6 I6 V I IV6 V6 I ii65 V7 I"
    assert analysis.at(14.0) is not None and analysis.at(14.0).cadence == "authentic cadence"
    assert analysis.at(6.0).cadence == "half cadence"
    why = analysis.why(13.0)
    assert "dominant" in why and "the tonic comes next" in why
    assert analysis.why(100.0) == "no chord sounds here"
    passing = {(note.part, note.place.quarter) for note in analysis.non_chord if note.kind == "passing note"}
    assert (3, 3.5) in passing  # F♯ in the bass, between G and E
    assert not {"parallel-fifths", "parallel-octaves", "crossing", "range"} & set(analysis.counted())


def test_broken_rules_are_found_with_bar_beat_and_voices() -> None:
    # Second bar, beat 2: tenor and bass go from C–G to D–A.
    score = choir(
        "E5 E5 E5 E5  E5 D5 D5:2", "G4 G4 G4 G4  G4 F4 F4:2", "C4 C4 C4 C4  G3 A3 A3:2", "C3 C3 C3 C3  C3 D3 D3:2"
    )
    fifths = [b for b in analyse(score).breaches if b.rule == "parallel-fifths"]
    assert [(b.place.measure, b.place.beat, b.parts) for b in fifths] == [("2", 2, (2, 3))]
    assert "Tenor 3 G3–A3" in fifths[0].words and "Bass 4 C3–D3" in fifths[0].words
    assert analyse(score, rules=["parallel-octaves"]).counted() == {}
    assert analyse(score, parts=[0, 1]).counted().get("parallel-fifths") is None


def test_a_crossing_is_told_once_as_long_as_it_lasts() -> None:
    score = choir("G4 G4 G4 G4", "E4 A4 A4 E4", "C4 C4 C4 C4", "C3 C3 C3 C3")
    crossings = [b.place.beat for b in analyse(score).breaches if b.rule == "crossing"]
    assert crossings == [2]


def test_a_strange_chord_is_told_once_with_all_its_voices_and_once_as_long_as_it_lasts() -> None:
    score = choir("E4 E4 E4 G4", "D4 D4 D4 E4", "C4 C4 B3 C4", "C3 C3 C3 C3")  # C–D–E, struck twice, then B–C–D–E
    strange = list(analyse(score, rules=["strange-sonority"]).breaches)
    assert [(b.place.beat, b.parts) for b in strange] == [(1, (0, 1, 2, 3)), (3, (0, 1, 2, 3))]
    assert strange[0].words.endswith("Soprano 1 E4, Alto 2 D4, Tenor 3 C4, Bass 4 C3")


def test_other_notes_than_the_written_ones_are_analysed() -> None:
    notes = [ScoreNote(float(q), 1.0, p, 0, 0.5) for q, p in enumerate((60, 62, 64, 66, 67))]
    score = choir("C4 D4 E4 F#4 G4", "r r r r r")
    analysis = analyse(score, notes, scale=tradition("raga-desh").scale(0))
    strangers = [b.place.quarter for b in analysis.breaches if b.rule == "out-of-scale"]
    assert strangers == [2.0, 3.0]  # Ga rising, and F♯


def test_a_line_alone_has_no_chords_but_a_unison_after_chords_has() -> None:
    assert analyse(choir("C4 D4 E4 F4 G4 A4 B4 C5")).chords == ()
    ending = analyse(choir("E5 D5 C5", "C5 B4 C4", "G4 G4 C4", "C4 G3 C3"))
    assert [span.numeral for span in ending.chords] == ["I", "V", "I"]


def test_drums_among_a_players_instruments_have_no_pitch_and_bells_among_a_drummers_have() -> None:
    """A piccolo above the flute, timpani with a triangle (81) over C major, and bells among drums."""
    flute, drummer, bells = (0.0, 4.0, 100, 0, 0.5, 0), (0.0, 4.0, 81, 1, 0.5, 0), (0.0, 4.0, 88, 2, 0.5, 0)
    drum, root, low = (0.0, 4.0, 38, 2, 0.5, 0), (0.0, 4.0, 48, 1, 0.5, 0), (0.0, 4.0, 43, 3, 0.5, 0)
    score = make_score(
        [flute, drummer, bells, drum, root, low], measures=1, instruments=("flute", "timpani", "percussion", "cello")
    )
    taken = ("piccolo",), ("percussion",), ("glockenspiel",), ()
    parts = tuple(replace(part, doublings=others) for part, others in zip(score.parts, taken, strict=True))
    notes = score.notes.copy()
    notes["instrument"][np.isin(notes["pitch"], (100, 81, 88))] = 1
    score = replace(score, parts=parts, notes=notes)
    assert sorted(score.pitched_notes()["pitch"].tolist()) == [43, 48, 88, 100]
    assert [note.pitch for note in score.notes_between(0.0, 1.0) if not score.has_pitch(note)] == [81, 38]
    found = analyse(score)
    assert [span.chord.root for span in found.chords] == [0], "C and E, without the triangle's A"
    assert "range" not in {breach.rule for breach in found.breaches}, "the piccolo's, not the flute's"


def test_silence_has_no_chords() -> None:
    analysis = analyse(make_score([], instruments=("violin",)))
    assert analysis.chords == () and analysis.breaches == () and analysis.non_chord == ()
    assert analysis.key is None and analysis.strength == 0.0
    assert analyse(make_score([(0.0, 1.0, 38, 0, 0.5, 0)], instruments=("percussion",))).key is None


def test_non_chord_notes_are_told_in_order_of_time_and_name_their_part() -> None:
    found = analyse(choir("E5 F5:.5 E5:.5 D5 C5", "G4:2 G4 G4", "C4 C4 B3:.5 A3:.5 G3", "C3 C3 G2 C3")).non_chord
    assert [note.place.quarter for note in found] == sorted(note.place.quarter for note in found)
    assert {note.part for note in found} >= {0, 2}
    assert all(f": {('Soprano 1', 'Alto 2', 'Tenor 3', 'Bass 4')[note.part]} " in note.words for note in found)


@pytest.mark.parametrize("shift", range(12))
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_keys_are_found_at_every_pitch(shift: int, mode: str) -> None:
    steps = [0, 2, 4, 5, 7, 9, 11] if mode == "major" else [0, 2, 3, 5, 7, 8, 11]
    weights = np.zeros(12)
    for step, length in zip(steps, (4, 1.5, 2, 1.5, 3, 1, 1), strict=True):
        weights[(shift + step) % 12] += length
    assert find_key(weights)[0] == Key(shift, "major" if mode == "major" else "minor")


def test_a_modulation_is_followed() -> None:
    def scale_weights(key: Key) -> np.ndarray:
        weights = np.zeros(12)
        weights[sorted(key.scale.descending)] = 1.0
        weights[[key.tonic, (key.tonic + 7) % 12]] += 1.0
        return weights

    there = np.stack([scale_weights(C)] * 16 + [scale_weights(Key(9, "major"))] * 16)
    keys = keys_along(there)
    assert keys[:12] == [C] * 12 and keys[20:] == [Key(9, "major")] * 12
    assert sum(a != b for a, b in itertools.pairwise(keys)) == 1
    assert keys_along(np.zeros((0, 12))) == []


def test_notes_are_spelled_as_in_the_key() -> None:
    assert [Key(3, "major").spell(pitch) for pitch in (3, 8, 10, 2)] == ["E♭", "A♭", "B♭", "D"]
    assert Key(4, "major").spell(8) == "G♯" and A_MINOR.spell(8) == "G♯" and Key(5, "minor").spell(8) == "A♭"
    assert [Key(6, "minor").spell_pitch(pitch) for pitch in (46, 44, 60)] == ["A♯2", "G♯2", "B♯3"]
    g_flat = next(key for key in KEYS if key.spell(11) == "C♭")
    assert g_flat.spell_pitch(59) == "C♭4", "the octave is that of the letter"
    assert {key.name for key in KEYS} >= {"B♭ major", "F♯ minor", "D♭ major", "C♯ minor"}


@pytest.mark.parametrize(
    ("chord", "key", "numeral"),
    [
        (Chord(0, "major", 0), C, "I"),
        (Chord(7, "dominant7", 11), C, "V65"),
        (Chord(7, "dominant7", 5), C, "V42"),
        (Chord(2, "minor", 5), C, "ii6"),
        (Chord(0, "major", 7), C, "I64"),
        (Chord(11, "diminished", 2), C, "vii°6"),
        (Chord(2, "dominant7", 2), C, "V7/V"),
        (Chord(4, "major", 8), C, "V6/vi"),
        (Chord(6, "diminished7", 6), C, "vii°7/V"),
        (Chord(1, "major", 5), C, "♭II6"),
        (Chord(9, "minor", 9), A_MINOR, "i"),
        (Chord(4, "dominant7", 4), A_MINOR, "V7"),
        (Chord(8, "diminished7", 8), A_MINOR, "vii°7"),
        (Chord(0, "major", 0), A_MINOR, "III"),
        (Chord(11, "half7", 2), A_MINOR, "iiø65"),
    ],
)
def test_roman_numerals(chord: Chord, key: Key, numeral: str) -> None:
    assert roman(chord, key) == numeral


def test_a_diminished_seventh_has_the_leading_note_for_its_root() -> None:
    score = choir("B4 C5", "F4 E4", "D4 C4", "G#3 A3")  # of A minor, in whatever order its notes lie
    assert [span.numeral for span in analyse(score).chords] == ["vii°7", "i"]


def test_reasons_name_function_goal_and_bass() -> None:
    why = explain_chord(Chord(7, "dominant7", 11), C, Chord(0, "major", 0))
    assert why.startswith("V65 of C major (G7/B)")
    assert "the tonic comes next" in why and "the bass takes the third, so that it moves by step" in why
    assert "submediant comes instead" in explain_chord(Chord(7, "major", 7), C, Chord(9, "minor", 9))
    assert "borrowed as the dominant of G" in explain_chord(Chord(2, "dominant7", 2), C)
    assert "Neapolitan" in explain_chord(Chord(1, "major", 5), C)
    for root in range(12):
        for quality in QUALITIES:
            for key in (C, A_MINOR):
                assert explain_chord(Chord(root, quality, root), key, Chord(0, "major", 4))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("G major", G),
        ("a minor", A_MINOR),
        ("Bb", Key(10, "major")),
        ("F# minor", Key(6, "minor")),
        ("g", Key(7, "minor")),
        ("B- Major", Key(10, "major")),
        ("eb", Key(3, "minor")),
        ("b", Key(11, "minor")),
    ],
)
def test_keys_are_called_by_name(text: str, key: Key) -> None:
    assert key_named(text) == key
    assert KEYS[parse_key(text)] == key
    with pytest.raises(ModelError, match="is not a key"):
        key_named(text + " dorian")


def test_cadences_have_their_names() -> None:
    dominant, tonic = Chord(7, "dominant7", 7), Chord(0, "major", 0)
    assert cadence(dominant, tonic, C) == "authentic cadence"
    assert cadence(Chord(7, "major", 11), tonic, C) == "imperfect authentic cadence"
    assert cadence(Chord(5, "major", 5), tonic, C) == "plagal cadence"
    assert cadence(dominant, Chord(9, "minor", 9), C) == "deceptive cadence"
    assert cadence(Chord(2, "minor", 5), Chord(7, "major", 7), C) == "half cadence"
    assert cadence(tonic, Chord(2, "minor", 2), C) is None


@pytest.mark.parametrize(
    ("before", "last", "named"),
    [
        (Chord(4, "dominant7", 4), Chord(9, "minor", 9), "authentic cadence on vi"),
        (Chord(4, "major", 8), Chord(9, "minor", 9), "imperfect authentic cadence on vi"),
        (Chord(8, "diminished7", 8), Chord(9, "minor", 9), "imperfect authentic cadence on vi"),
        (Chord(0, "dominant7", 0), Chord(5, "major", 5), "authentic cadence on IV"),
        (Chord(2, "dominant7", 2), Chord(7, "major", 7), "half cadence"),
        (Chord(4, "dominant7", 4), Chord(9, "major", 9), None),
        (Chord(0, "major", 0), Chord(5, "major", 5), None),
        (Chord(4, "dominant7", 4), Chord(5, "major", 5), None),
    ],
)
def test_a_cadence_on_another_degree_by_its_own_dominant_is_one(before: Chord, last: Chord, named: str | None) -> None:
    """A phrase that ended V7/vi–vi was counted as one without a cadence."""
    assert cadence(before, last, C) == named


@pytest.mark.parametrize(
    ("note", "held", "kind"),
    [
        (LineNote(62, 60, 64, True), False, "passing note"),
        (LineNote(62, 60, 60, True), False, "neighbour note"),
        (LineNote(65, 65, 64, True), False, "suspension"),
        (LineNote(65, 65, 64, True), True, "suspension"),
        (LineNote(71, 71, 72, True), True, "retardation"),
        (LineNote(66, 60, 67, True), False, "appoggiatura"),
        (LineNote(62, 60, 67, True), False, "escape note"),
        (LineNote(60, 62, 60, True), False, "anticipation"),
        (LineNote(60, 60, 60, False), True, "pedal"),
        (LineNote(66, 60, 72, True), False, "free"),
        (LineNote(66, None, None, False), False, "free"),
    ],
)
def test_non_chord_notes_have_their_names(note: LineNote, held: bool, kind: str) -> None:
    assert classify(note, held) == kind


def test_a_suspension_is_told_where_it_clashes() -> None:
    score = choir("E5 C5 C5:.5 B4:.5 C5", "G4 A4 G4 G4", "C4 F3 D4 E4", "C3 F3 G3 C3")
    found = [note for note in analyse(score).non_chord if note.part == 0]
    assert [(note.kind, note.place.quarter, note.accented) for note in found] == [("suspension", 2.0, True)]
    assert "resolves down by step" in found[0].words


def test_a_chord_tone_beat_is_one_on_which_all_that_sounds_is_of_one_chord() -> None:
    """The same for benchmarks and comparisons, where two voices say too little."""
    chord, ninth, hollow, fourth_chord = [60, 64, 67, 70], [60, 64, 67, 74], [60, 67, 72], [60, 65, 70]
    assert chord_tone_share([chord, ninth]) == 0.5
    assert chord_tone_share([hollow, fourth_chord, [60, 61], []]) == 0.5
    assert math.isnan(chord_tone_share([[60, 61]]))
    score = make_score([(0.0, 1.5, p, i, 0.5, 0) for i, p in enumerate((67, 64, 60))] + [(1.0, 1.0, 62, 3, 0.5, 0)],
                       measures=1, instruments=("violin", "violin", "viola", "cello"))  # fmt: skip
    assert [sorted(pitches) for pitches in sounding_on_beats(score)] == [[60, 64, 67], [60, 62, 64, 67], [], []]
