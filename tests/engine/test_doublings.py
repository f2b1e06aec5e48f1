"""Players who take several instruments: what the file says of it, and that the notes sound so."""

import pytest
from score_samples import attributes, note, score, words, write

from tutti.engine.notation.instrument_names import instrument_called
from tutti.engine.notation.note_asides import told
from tutti.engine.notation.score_cache import pack_score, unpack_score
from tutti.engine.notation.score_reader import read_score


def declared(*instruments: tuple[str, str, str]) -> str:
    """``score-instrument`` and ``midi-instrument`` of (id, name, what else MIDI says)."""
    names = "".join(
        f'<score-instrument id="{key}"><instrument-name>{name}</instrument-name></score-instrument>'
        for key, name, _ in instruments
    )
    return names + "".join(f'<midi-instrument id="{key}">{midi}</midi-instrument>' for key, _, midi in instruments)


def by(key: str) -> str:
    return f'<instrument id="{key}"/>'


def played_on(compiled) -> list[str]:
    """The instrument of every note, in order of time."""
    return [note.instrument or compiled.parts[note.part].instrument for note in compiled.notes_between(0.0, 1e9)]


def unpitched(line: str, instrument: str = "", ticks: int = 48) -> str:
    display = f"<display-step>{line[0]}</display-step><display-octave>{line[1]}</display-octave>"
    return f"<note><unpitched>{display}</unpitched><duration>{ticks}</duration>{instrument}<type>whole</type></note>"


def test_notes_of_another_declared_instrument(tmp_path):
    players = declared(("F", "Flute", ""), ("P", "", "<midi-program>73</midi-program>"))
    head = attributes() + note("C5", 24, extra=by("F")) + note("D5", 24, extra=by("P"))
    up = "<attributes><transpose><chromatic>0</chromatic><octave-change>1</octave-change></transpose></attributes>"
    compiled = read_score(
        write(tmp_path, score(("Flute 2", [head, up + note("E5", 48, extra=by("P"))]), instruments=players))
    )
    assert played_on(compiled) == ["flute", "piccolo", "piccolo"]
    assert compiled.notes["pitch"].tolist() == [72, 74, 88]
    assert compiled.parts[0].doublings == ("piccolo",) and compiled.parts[0].players == 1
    assert played_on(unpack_score(pack_score(compiled))) == ["flute", "piccolo", "piccolo"]


def test_a_clarinet_in_another_key_is_the_same_instrument(tmp_path):
    players = declared(("B", "B♭ Clarinet", ""), ("A", "Clarinet in A", ""))
    bars = [attributes() + note("C5", 48, extra=by("B")), words("muta in A") + note("C5", 48, extra=by("A"))]
    compiled = read_score(write(tmp_path, score(("Clarinet 1", bars), instruments=players)))
    assert played_on(compiled) == ["clarinet", "clarinet"] and not compiled.parts[0].doublings


@pytest.mark.parametrize(
    "sound",
    [
        '<sound><instrument-change id="X"><instrument-sound>wind.reed.english-horn</instrument-sound>'
        "</instrument-change></sound>",
        '<sound><midi-instrument id="P1-I1"><midi-program>70</midi-program></midi-instrument></sound>',
        '<direction><direction-type><words>to E.H.</words></direction-type><sound><midi-instrument id="P1-I1">'
        "<midi-program>70</midi-program></midi-instrument></sound></direction>",
    ],
)
def test_a_change_for_playback(tmp_path, sound):
    bars = [attributes() + note("C5", 48), note("r", 24) + sound + note("D5", 24), note("E5", 48)]
    assert played_on(read_score(write(tmp_path, score(("Oboe", bars))))) == ["oboe", "english-horn", "english-horn"]


def test_a_change_to_nothing_known_or_of_another_family_changes_nothing(tmp_path):
    program = '<sound><midi-instrument id="X"><midi-program>{}</midi-program></midi-instrument></sound>'
    bars = [attributes() + program.format(1) + note("C5", 48), program.format(49) + note("D5", 48)]
    assert played_on(read_score(write(tmp_path, score(("Oboe", bars))))) == ["oboe", "oboe"]


@pytest.mark.parametrize(
    ("part", "text", "key"),
    [
        ("Flute 2", "muta in Piccolo", "piccolo"),
        ("Flauto II", "Muta in Ottavino.", "piccolo"),
        ("Oboe 2", "To Cor Anglais", "english-horn"),
        ("Klarinette", "nimmt Bassklarinette", "bass-clarinet"),
        ("Fagott 3", "Kontrafagott nehmen", "contrabassoon"),
        ("Piano", "to Celesta", "celesta"),
        ("Clarinet in A", "muta in B", "clarinet"),
        ("Trumpet", "to Coda", "trumpet"),
        ("Flute", "to Violin", "flute"),
    ],
)
def test_words_in_a_rest_change_what_comes_after(tmp_path, part, text, key):
    bars = [attributes() + note("C5", 24) + words(text) + note("r", 24), note("D5", 48)]
    changed = played_on(read_score(write(tmp_path, score((part, bars)))))
    assert (changed[1] == key and changed[0] != key) or changed == [key, key]


def test_a_name_over_a_note_is_its_instrument_and_over_a_rest_a_cue(tmp_path):
    cue = note("A5", 24).replace("<note>", "<note><cue/>")
    bars = [
        attributes() + words("Picc.") + cue + words("Oboe") + note("C5", 24),
        words("Picc.") + note("D5", 24) + words("Fl.") + note("E5", 24),
    ]
    assert played_on(read_score(write(tmp_path, score(("Flute", bars))))) == ["flute", "piccolo", "flute"]


def test_drums_of_one_line_and_bells_in_one_part(tmp_path):
    players = declared(
        ("T", "Triangle", "<midi-unpitched>82</midi-unpitched>"),
        ("C", "Cymbals", "<midi-unpitched>50</midi-unpitched>"),
        ("G", "Glockenspiel", "<midi-program>10</midi-program>"),
    )
    bars = [attributes() + unpitched("E4", by("T"), 24) + unpitched("E4", by("C"), 24), unpitched("E4", by("T"))]
    bars += [note("C6", 48, extra=by("G"))]
    compiled = read_score(write(tmp_path, score(("Percussion", bars), instruments=players)))
    assert compiled.notes["pitch"].tolist() == [81, 49, 81, 84]
    assert played_on(compiled) == ["percussion"] * 3 + ["glockenspiel"]


def test_a_triangle_whose_program_knew_no_name_for_it_is_no_conga(tmp_path):
    players = declared(
        ("I65", "Instrument 65", "<midi-unpitched>65</midi-unpitched>"),
        ("I81", "Mute Triangle", "<midi-unpitched>81</midi-unpitched>"),
    )
    bars = [attributes() + unpitched("E4", by("I65"))]
    keys = {}
    for name in ("Triangle", "Percussion"):
        keys[name] = read_score(write(tmp_path, score((name, bars), instruments=players))).notes["pitch"].tolist()
    assert keys == {"Triangle": [81], "Percussion": [64]}  # a kit may have any


def test_a_knock_does_not_make_a_piano_a_drum(tmp_path):
    bars = [attributes() + note("C4", 48), unpitched("E4"), note("E4", 48), note("F4", 48)]
    assert played_on(read_score(write(tmp_path, score(("Piano", bars))))) == ["piano", "percussion", "piano", "piano"]


def test_words_name_the_drum_of_a_plain_staff(tmp_path):
    bars = [attributes() + words("Triangle") + unpitched("E4"), unpitched("E4"), words("Cymbals") + unpitched("E4")]
    compiled = read_score(write(tmp_path, score(("Percussion", bars))))
    assert compiled.notes["pitch"].tolist() == [81, 81, 49]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Picc.", "piccolo"),
        ("(1. Klarinette in A)", "clarinet"),
        ("Corno inglese", "english-horn"),
        ("Flute solo please", None),
        ("A", None),
        ("Strings", None),
    ],
)
def test_what_a_text_calls(text, key):
    assert instrument_called(text) == key


def test_colours_of_other_programs_tell_nothing():
    assert told("#FF0000") == told(None) == {}
