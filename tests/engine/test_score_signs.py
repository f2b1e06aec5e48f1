"""Signs that programs write and music21 drops or takes otherwise than players do."""

import pytest
from score_samples import attributes, dynamic, ending, metronome, note, repeat, score, wedge, words, write

from tutti.engine.notation.dynamic_marks import mark_level
from tutti.engine.notation.score_reader import read_score
from tutti.engine.score import NoteFlag, Score

FIRST = attributes()
QUARTERS = "".join(note("C4", 12) for _ in range(4))


@pytest.fixture
def read(tmp_path):
    def reader(*parts) -> Score:
        return read_score(write(tmp_path, score(*parts)))

    return reader


def direction(inside: str, sound: str = "", placement: str = "below", staff: int = 0) -> str:
    where = f"<staff>{staff}</staff>" if staff else ""
    return f'<direction placement="{placement}"><direction-type>{inside}</direction-type>{where}{sound}</direction>'


def marks(*names: str) -> str:
    """A dynamics element; names that MusicXML does not know are its ``other-dynamics``."""
    known = ("p", "pp", "f", "ff", "mf", "fp", "n")
    inside = "".join(f"<{n}/>" if n in known else f"<other-dynamics>{n}</other-dynamics>" for n in names)
    return f"<dynamics>{inside}</dynamics>"


def levels(compiled: Score) -> list[float]:
    return [round(float(level), 2) for level in compiled.notes["dynamic"]]


def pitches(compiled: Score) -> list[int]:
    return compiled.notes["pitch"].tolist()


def onsets(compiled: Score) -> list[float]:
    return [round(float(onset), 4) for onset in compiled.notes["onset_quarter"]]


@pytest.mark.parametrize(
    ("names", "first", "then", "accented"),
    [
        (("ffz",), 0.70, 0.33, True),
        (("sff",), 0.70, 0.33, True),
        (("fsf",), 0.70, 0.70, True),
        (("ffp",), 0.84, 0.33, True),
        (("pf",), 0.62, 0.62, False),
        (("ff", "z"), 0.70, 0.33, True),
        (("m", "\ue522 strepitoso"), 0.55, 0.55, False),
        (("f", "espress."), 0.70, 0.70, False),
        (("ff", "sempre"), 0.84, 0.84, False),
        (("più", "f"), 0.70, 0.70, False),
    ],
)
def test_dynamics_without_an_element_of_their_own(read, names, first, then, accented):
    compiled = read([FIRST + dynamic("p") + note("C4", 12) + direction(marks(*names)) + note("C4", 12) * 3])
    assert levels(compiled) == [0.33, first, then, then]
    assert bool(compiled.notes["flags"][1] & NoteFlag.SFORZATO) == accented


def test_marks_in_a_loud_place_do_not_make_it_softer(read):
    compiled = read([FIRST + direction(marks("ff")) + note("C4", 12) + direction(marks("sff")) + note("C4", 36)])
    assert levels(compiled) == [0.84, 0.84]
    assert mark_level("sfp") == (None, 0.33, True)


def test_dim_among_the_dynamics_is_a_hairpin(read):
    compiled = read([FIRST + direction(marks("f", " dim.")) + QUARTERS, direction(marks("p")) + note("C4", 48)])
    assert levels(compiled) == pytest.approx([0.70, 0.61, 0.515, 0.42, 0.33], abs=0.006)


def test_a_hairpin_to_nothing_ends_there(read):
    stop = '<wedge type="stop" niente="yes"/>'
    compiled = read([FIRST + dynamic("f") + wedge("diminuendo") + QUARTERS, direction(stop) + note("C4", 48)])
    assert levels(compiled)[0] == 0.70 and levels(compiled)[-1] == 0.04
    assert levels(compiled) == sorted(levels(compiled), reverse=True)


def piano(right: str, left: str, name: str = "Piano") -> tuple[str, list[str]]:
    staves = attributes(extra="<staves>2</staves>")
    upper = right + note("C5", 48, extra="<staff>1</staff>")
    lower = "<backup><duration>48</duration></backup>" + left + note("C3", 48, extra="<staff>2</staff>")
    return name, [staves + upper + lower]


def test_a_dynamic_between_the_staves_is_for_both_hands(read):
    assert levels(read(piano(direction(marks("p"), staff=1), ""))) == [0.33, 0.33]
    assert levels(read(piano(direction(marks("f"), staff=1), direction(marks("p"), staff=2)))) == [0.33, 0.70]


def test_players_of_two_staves_have_their_own_dynamics(read):
    name, (bar,) = piano(direction(marks("f"), staff=1), direction(marks("p"), staff=2), "Horns")
    upper = direction(marks("ff"), staff=1) + note("C5", 48, extra="<staff>1</staff>")
    lower = "<backup><duration>48</duration></backup>" + note("C3", 48, extra="<staff>2</staff>")
    assert levels(read((name, [bar, upper + lower]))) == [0.33, 0.70, 0.33, 0.84]


def test_dynamics_above_and_below_a_staff_are_its_two_voices(read):
    both = direction(marks("f"), placement="above") + direction(marks("p"))
    lower = note("C4", 48).replace("<voice>1</voice>", "<voice>2</voice>")
    compiled = read([FIRST + both + note("C5", 48) + "<backup><duration>48</duration></backup>" + lower])
    assert levels(compiled) == [0.33, 0.70]


GLISSANDO = tuple(f'<glissando type="{kind}" number="1"/>' for kind in ("start", "stop"))


@pytest.mark.parametrize(
    ("name", "first", "last", "between"),
    [
        ("Piano", "C4", "G4", [62, 64, 65]),
        ("Piano", "F#4", "C#5", [68, 70]),
        ("Harp", "C5", "F4", [70, 68, 67]),
        ("Flute", "C4", "E4", [61, 62, 63]),
        ("Violin", "C4", "G4", []),
        ("Trombone", "C3", "G3", []),
    ],
)
def test_a_glissando_sounds_what_the_instrument_touches(read, name, first, last, between):
    """In E flat major."""
    compiled = read(
        (
            name,
            [attributes(fifths=-3) + note(first, 24, notations=GLISSANDO[0]) + note(last, 24, notations=GLISSANDO[1])],
        )
    )
    assert pitches(compiled)[1:-1] == between
    ends = compiled.notes["onset_quarter"] + compiled.notes["duration_quarter"]
    assert ends[:-1].tolist() == pytest.approx(compiled.notes["onset_quarter"][1:].tolist())


def test_a_fast_glissando_leaves_keys_out(read):
    bar = metronome("quarter", 120) + note("C2", 6, notations=GLISSANDO[0]) + note("C6", 42, notations=GLISSANDO[1])
    compiled = read(("Piano", [FIRST + bar]))
    assert len(compiled.notes) == 11 and pitches(compiled) == sorted(pitches(compiled))


def test_swing(read):
    swing = "<sound><swing><first>2</first><second>1</second><swing-type>eighth</swing-type></swing></sound>"
    triplet = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
    bar = note("C4", 6) * 2 + note("D4", 4, extra=triplet) * 3 + note("E4", 18) + note("F4", 6)
    compiled = read(
        [FIRST + direction("<words>Swing</words>", swing) + bar, words("Straight 8ths") + note("C4", 6) * 8]
    )
    third = 1 / 3
    swung = [0.0, 2 * third, 1.0, 1 + third, 1 + 2 * third, 2.0, 3 + 2 * third]
    assert onsets(compiled)[:7] == pytest.approx(swung, abs=1e-3)
    assert onsets(compiled)[7:] == [4 + i / 2 for i in range(8)]
    ends = compiled.notes["onset_quarter"] + compiled.notes["duration_quarter"]
    assert ends[:-1].tolist() == pytest.approx(compiled.notes["onset_quarter"][1:].tolist())


def test_a_swung_upbeat_is_short_and_ties_hold(read):
    upbeat = FIRST + words("Medium Swing") + note("G4", 6, notations='<tied type="start"/>')
    compiled = read([upbeat, note("G4", 6, notations='<tied type="stop"/>') + note("C4", 6) + note("C4", 36)])
    assert onsets(compiled) == pytest.approx([1 / 6, 0.5 + 2 / 3, 1.5], abs=1e-3)


def test_tempo_equations_in_the_newer_spelling(read):
    def side(kind: str) -> str:
        return f"<metronome-note><metronome-type>{kind}</metronome-type></metronome-note>"

    equation = f"<metronome>{side('quarter')}<metronome-relation>equals</metronome-relation>{side('half')}</metronome>"
    compiled = read([FIRST + metronome("quarter", 80) + QUARTERS, direction(equation) + QUARTERS])
    assert compiled.tempos["quarter_bpm"].tolist() == [80.0, 160.0]


def test_a_metronome_mark_without_a_note_value_is_passed_over(read):
    mark = "<metronome><beat-unit/><per-minute>x</per-minute></metronome>"
    compiled = read([FIRST + metronome("quarter", 80) + QUARTERS, direction(mark, '<sound tempo="120"/>') + QUARTERS])
    assert compiled.tempos["quarter_bpm"].tolist() == [80.0, 120.0]


def test_ornaments_keep_to_the_accidentals_of_the_bar(read):
    mordent = note("A4", 12, notations="<ornaments><mordent/></ornaments>")
    compiled = read([FIRST + note("G#4", 12) + mordent + note("r", 24), mordent + note("r", 36)])
    assert pitches(compiled) == [68, 69, 68, 69, 69, 67, 69]


def test_a_chord_broken_downward(read):
    sign = '<arpeggiate direction="down"/>'
    compiled = read(("Harp", [FIRST + note("C4", 48, notations=sign) + note("G4", 48, chord=True, notations=sign)]))
    assert pitches(compiled) == [67, 60]


def test_the_damper_pedal_of_playback(read):
    bar = '<sound damper-pedal="yes"/>' + note("C4", 24) + '<sound damper-pedal="no"/>' + note("C4", 24)
    assert read(("Piano", [FIRST + bar])).pedals.tolist() == [(0, 0.0, 2.0)]


def test_a_fermata_over_a_barline_holds_the_beat_before(read):
    held = '<barline location="right"><bar-style>light-light</bar-style><fermata/></barline>'
    compiled = read([FIRST + note("C4", 48) + held, note("C4", 48)])
    assert compiled.fermatas.tolist() == [(3.0, 4.0)]


def test_a_fermata_over_the_final_barline_of_a_da_capo_holds_nothing(read):
    held = '<barline location="right"><bar-style>light-heavy</bar-style><fermata/></barline>'
    compiled = read([FIRST + note("C4", 48) + held, note("D4", 48) + words("D.C.")])
    assert len(compiled.fermatas) == 0


def test_jumps_that_only_playback_attributes_tell(read):
    bars = [
        FIRST + note("C4", 48),
        direction("<segno/>", '<sound segno="s"/>') + note("D4", 48),
        note("E4", 48) + direction("<words>(to &lt;b&gt;Coda)</words>", '<sound tocoda="c"/>'),
        note("F4", 48) + direction("<words>wie vorher</words>", '<sound dalsegno="s"/>'),
        direction("<coda/>", '<sound coda="c"/>') + note("G4", 48),
    ]
    assert pitches(read(bars)) == [60, 62, 64, 65, 62, 64, 67]


def hidden(text: str) -> str:
    return text.replace("<note>", '<note print-object="no">', 1)


def test_hidden_helpers_are_silent_and_hidden_music_sounds(read):
    trill = note("G5", 24, notations="<ornaments><trill-mark/></ornaments>")
    helper = "<backup><duration>24</duration></backup>" + hidden(note("A5", 6).replace("<voice>1", "<voice>2"))
    rest = "<forward><duration>18</duration></forward>"
    compiled = read([FIRST + trill + helper + rest + hidden(note("C4", 24))])
    sounding = compiled.notes[compiled.notes["onset_quarter"] == 0.0]["pitch"].tolist()
    assert sounding == [79] and pitches(compiled)[-1] == 60


def test_a_hidden_head_of_a_chord_leaves_the_rest_of_it(read):
    compiled = read([FIRST + hidden(note("B4", 48)) + note("C5", 48, chord=True)])
    assert pitches(compiled) == [72]


DIAMOND = "<notehead>diamond</notehead>"


def test_hidden_notes_are_what_diamonds_sound_like(read):
    back = "<backup><duration>48</duration></backup>"
    touched = note("D5", 48, extra=DIAMOND)
    stopped = note("A4", 48).replace("<voice>1", "<voice>2")
    heard = hidden(note("A6", 48)).replace("<voice>1", "<voice>3")
    assert pitches(read(("Violin I", [FIRST + touched + back + stopped + back + heard]))) == [93]


@pytest.mark.parametrize(("touched", "sounds"), [("D5", 93), ("C#5", 97), ("E5", 88), ("A5", 81)])
def test_artificial_harmonics_sound_where_they_speak(read, touched, sounds):
    bar = FIRST + note("A4", 48) + note(touched, 48, extra=DIAMOND, chord=True)
    assert pitches(read(("Violin", [bar]))) == [sounds]
    assert len(read(("Piano", [bar])).notes) == 2


def test_artificial_harmonics_in_two_voices(read):
    stopped = "<backup><duration>48</duration></backup>" + note("A4", 48).replace("<voice>1", "<voice>2")
    assert pitches(read(("Violin", [FIRST + note("D5", 48, extra=DIAMOND) + stopped]))) == [93]


STRING_IV = "<technical><string>4</string></technical>"


@pytest.mark.parametrize(
    ("name", "touched", "notations", "sounds"),
    [
        ("Violin", "G4", "", 86),  # the fourth on D
        ("Violin", "G4", STRING_IV, 67),  # half of the G string
        ("Violin", "F#4", "", 90),
        ("Viola", "G3", "", 67),
        ("Cello", "E3", "", 71),
        ("Violin", "A#4", "", 70),  # no node of any string
        ("Flute", "G4", "", 67),
    ],
)
def test_a_diamond_alone_is_where_an_open_string_is_touched(read, name, touched, notations, sounds):
    bar = FIRST + note(touched, 48, extra=DIAMOND, notations=notations)
    assert pitches(read((name, [bar]))) == [sounds]


def test_a_natural_harmonic_with_a_circle_sounds_as_written(read):
    circle = "<technical><harmonic><natural/></harmonic></technical>"
    touched = circle.replace("<natural/>", "<natural/><touching-pitch/>")
    bars = [FIRST + note("A5", 48, notations=circle), note("D5", 48, notations=touched)]
    assert pitches(read(("Violin", bars))) == [81, 93]


def test_who_cannot_slide_plays_the_notes_between(read):
    slide = [f'<slide type="{kind}" number="1"/>' for kind in ("start", "stop")]
    bar = FIRST + note("C4", 24, notations=slide[0]) + note("F4", 24, notations=slide[1])
    assert [pitches(read((name, [bar]))) for name in ("Piano", "Violin")] == [[60, 62, 64, 65], [60, 65]]


def test_words_are_told_without_their_markup(read):
    text = "&lt;b&gt;&lt;font size=&quot;12&quot;/&gt;Scherzo&lt;/b&gt; &lt;sym&gt;dynamicPiano&lt;/sym&gt;leggiero"
    assert read([FIRST + words(text) + note("C4", 48)]).markings == ((0.0, "Scherzo leggiero"),)


def test_endings_still_play_in_order(read):
    bars = [
        FIRST + repeat("forward") + note("C4", 48),
        ending("1", "start") + note("D4", 48) + ending("1", "stop", True),
    ]
    bars.append(ending("2", "start") + note("E4", 48) + ending("2", "stop"))
    assert pitches(read(bars)) == [60, 62, 60, 64]
