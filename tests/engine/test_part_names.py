"""Names of parts as they stand in scores."""

import pytest

from tutti.engine.notation.instrument_names import instrument_named_in, instrument_of_program, percussion_key
from tutti.engine.notation.part_names import assign_instruments
from tutti.engine.notation.written import WrittenNote, WrittenPart


def part(name: str, low: int = 60, high: int = 72, **fields) -> WrittenPart:
    notes = [WrittenNote(0.0, 1.0, low, 0), WrittenNote(1.0, 1.0, (low + high) // 2, 0), WrittenNote(2.0, 1.0, high, 0)]
    return WrittenPart(name=name, abbreviation="", notes=notes, **fields)


ORCHESTRA = [
    ("2 Flutes", "flute", 2),
    ("Flauti 1.2", "flute", 2),
    ("Flauto piccolo", "piccolo", 1),
    ("Oboe 1", "oboe", 1),
    ("Oboen", "oboe", 2),
    ("Cor Anglais", "english-horn", 1),
    ("Bb Clarinet 2", "clarinet", 1),
    ("Clarinetti in B", "clarinet", 2),
    ("Bass Clarinet in Bb", "bass-clarinet", 1),
    ("Fagotti", "bassoon", 2),
    ("Contrafagotto", "contrabassoon", 1),
    ("Corni in Es", "horn", 2),
    ("B basso Horn 1", "horn", 1),
    ("Alto Trombone", "trombone", 1),
    ("Horns 1-4 in F", "horn", 4),
    ("4 Horns in F", "horn", 4),
    ("French Horn III", "horn", 1),
    ("Trombe in C I. II.", "trumpet", 2),
    ("Trombone 1", "trombone", 1),
    ("Bass Trombone", "bass-trombone", 1),
    ("Tuba", "tuba", 1),
    ("Timpani in C, G", "timpani", 1),
    ("Pauken", "timpani", 1),
    ("Triangle", "percussion", 1),
    ("Harp", "harp", 1),
    ("Violins I", "violin", 0),
    ("Violino II", "violin", 0),
    ("Solo Violin", "violin", 1),
    ("Viole", "viola", 0),
    ("Violoncello", "cello", 0),
    ("Vlc.", "cello", 0),
    ("Basso", "contrabass", 0),
]


def test_an_orchestra():
    found = assign_instruments([part(name) for name, _key, _players in ORCHESTRA])
    assert [(p.name, p.instrument, p.players) for p in found] == ORCHESTRA


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["Soprano", "Alto", "Tenor", "Bass"], ["soprano", "alto", "tenor", "bass"]),
        (["S.", "A.", "T.", "B."], ["soprano", "alto", "tenor", "bass"]),
        (["Canto", "Alto", "Tenore", "Basso"], ["soprano", "alto", "tenor", "bass"]),
        (["Violin I", "Violin II", "Alto", "Cello"], ["violin", "violin", "viola", "cello"]),
        (["Flute", "Violin", "Bass"], ["flute", "violin", "contrabass"]),
    ],
)
def test_names_are_settled_by_company(names, keys):
    assert [p.instrument for p in assign_instruments([part(name) for name in names])] == keys


NAMES = {
    "violin": "Violini I, 1. Violine, Vni II, Premiers violons, Fiddle, Solovioline",
    "viola": "Vla., Bratsche, Vle, Viola d'amore, Altgeige",
    "cello": "Vcl., V.c., Celli, Violoncelles, Viola da gamba",
    "contrabass": "Cb., D.B., Kontrabässe, Kontrabaesse, Contrabbasso, Upright Bass, Synth Bass",
    "piccolo": "Picc., Ottavino, Kl. Fl., Petite flûte",
    "flute": "Querflöte, Querfloete, Grande Flûte, Flauto contralto, Altblockflöte, Recorder, Recorders, Flauto dolce",
    "oboe": "Hoboe, Hautbois 1, Ob. d'amore",
    "english-horn": "Cor anglais, C.A., Englisch Horn, Corno inglese",
    "clarinet": "Clarinetto in B, Clarinetto in Sib, Kl. in B, Klar. 2, Clarinette en La, Bassetthorn",
    "bass-clarinet": "B. Cl., Cl. basso, Clarone, Clarinette basse, Contrabass Clarinet",
    "bassoon": "Fag., Basson 2, Bsn., Dulcian",
    "contrabassoon": "Kontrafagott, C. Bn., Cfag., Double Bassoon",
    "saxophone": "Sax alto, Alto Sax, Baritone Sax, Altsaxophon, Tenorsaxofon, Saxofono tenore, Saxophone ténor",
    "horn": "Hrn. 1 2, Corni I-II in F, Hörner 3/4, Hoerner, Waldhorn, Cors en fa, Mellophone, Tenor Horn",
    "trumpet": "Tromba, Trombe in Do, Trpt., Kornett, Cornet à pistons, Flügelhorn",
    "trombone": "Trb., Posaune, Altposaune, Trombone ténor, Sackbut",
    "bass-trombone": "Bassposaune, B. Trb., Trombone basse",
    "euphonium": "Euphonium, Euph. 1, Baritone T.C., Baritone (B.C.), Baritone Horn, Tenortuba, Saxhorn, Eufonio",
    "tuba": "Sousaphone, Sousafon, Basstuba",
    "timpani": "Pauken, Timp., Timbales, Tymp.",
    "percussion": "Gran Cassa, Große Trommel, Kl. Trommel, Caisse claire, Schlagzeug, Batteria, Drumset, Bongos",
    "glockenspiel": "Glockenspiel, Carillon, Röhrenglocken, Campane, Vibrafon, Music Box",
    "xylophone": "Xilofono, Marimba, Steel Drums, Kalimba",
    "harp": "Harfe, Arpa, Hrp.",
    "guitar": "Gitarre, Chitarra, Guitare, Acoustic Guitar (nylon), Mandoline, Laute, E-Gitarre",
    "piano": "Keyboard, E. Piano, Klavier, Konzertflügel, Acoustic Grand Piano, Tasteninstrument",
    "organ": "Organ, Orgel, Kirchenorgel, Hammond Organ, Akkordeon, Accordéon, Mundharmonika",
    "celesta": "Celesta, Célesta",
    "harpsichord": "Cembalo, Clavecin, B.c., Generalbass, Spinett",
    "soprano": "Sopran I, Knabensopran, Mezzosoprano",
    "alto": "Alt, Contralto, Altus",
    "bass": "Bariton, Baryton, Baritono",
    "strings": "Strings, Streicher, Archi, Cordes, String Ensemble 1, Synth Pad, Pad 2 (warm), Tremolo Strings",
    "woodwind": "Woodwinds, Holzbläser, Legni",
    "brass": "Brass, Blechbläser, Cuivres, Synth Brass 1",
    "voice": "Chor, Männerchor, SATB Choir, Coro, Chœur, Choeur, Choir Aahs, Singstimme, Voix, Gesang, Lead Vocals",
}


@pytest.mark.parametrize("key", NAMES)
def test_names_of_several_languages(key):
    found = {name: (instrument_named_in(name) or ("nothing", ""))[0] for name in NAMES[key].split(", ")}
    assert found == dict.fromkeys(found, key)


@pytest.mark.parametrize(
    ("name", "low", "high", "key"),
    [
        ("Strings", 64, 88, "violin"),
        ("Strings", 36, 88, "cello"),  # chords over all registers are no piano
        ("Synth Pad", 40, 60, "cello"),
        ("Chor", 64, 79, "soprano"),
        ("SATB", 40, 72, "tenor"),
        ("Brass", 40, 56, "trombone"),
        ("Woodwinds", 40, 60, "bassoon"),
    ],
)
def test_of_a_family_the_range_chooses(name, low, high, key):
    company = [part("Flute"), part("Violin")]
    assert [assign_instruments([part(name, low, high), *more])[0].instrument for more in ([], company)] == [key, key]


def test_in_a_band_the_bass_is_an_instrument():
    band = assign_instruments([part(name) for name in ("Vocals", "Guitar", "Bass", "Drums")])
    assert [p.instrument for p in band] == ["alto", "guitar", "contrabass", "percussion"]
    brass = assign_instruments([part(name) for name in ("Cornet", "Baritone", "Tuba")])
    assert [p.instrument for p in brass] == ["trumpet", "euphonium", "tuba"]
    choir = assign_instruments([part(name) for name in ("Soprano", "Alto", "Baritone")])
    assert [p.instrument for p in choir] == ["soprano", "alto", "bass"]


@pytest.mark.parametrize(("name", "key"), [("Baritone", "bass"), ("Baritone solo", "bass"), ("Ténor", "tenor")])
def test_who_sings_with_an_orchestra_sings_without_words_too(name, key):
    parts = [part("Flute"), part("Trumpet"), part(name), part("Violin I"), part("Violin II")]
    assert assign_instruments(parts)[2].instrument == key


def test_a_trio_sonatas_players_are_one_each():
    trio = assign_instruments([part(name) for name in ("Violino I", "Violino II", "Violone e Organo")])
    assert [p.players for p in trio] == [1, 1, 1]


def test_general_midi_programs():
    assert {instrument_of_program(program) for program in range(-1, 128)} >= {None, "strings", "brass", "voice"}
    low, high = ([assign_instruments([part("", *reach, program=program), part("Flute")])[0].instrument
                  for program in (48, 52, 61, 62, 58, 64, 108, 114)] for reach in ((40, 55), (72, 88)))  # fmt: skip
    assert low == ["cello", "bass", "trombone", "trombone", "tuba", "saxophone", "xylophone", "xylophone"]
    assert high == ["violin", "soprano", "trumpet", "trumpet", "tuba", "saxophone", "xylophone", "xylophone"]


def test_a_default_sound_of_strings_says_nothing_of_a_voice():
    parts = [part(name, program=48, instrument_name="String Ensemble 1") for name in ("Soprano", "Quinto", "Tenore")]
    assert [p.instrument for p in assign_instruments(parts)] == ["soprano", "alto", "tenor"]


def test_a_quartet_is_four_players_and_a_string_orchestra_is_sections():
    quartet = assign_instruments([part(name) for name in ("Violin 1", "Violin 2", "Viola", "Violoncello")])
    assert [p.players for p in quartet] == [1, 1, 1, 1]
    strings = ("Violin 1", "Violin 2", "Viola", "Violoncello", "Contrabass")
    assert [p.players for p in assign_instruments([part(name) for name in strings])] == [0] * 5


def test_generic_parts_become_an_ensemble_by_range():
    ranges = [(64, 84), (57, 76), (50, 69), (40, 60)]
    found = assign_instruments([part(f"Track {i}", *r) for i, r in enumerate(ranges, 1)])
    assert [p.instrument for p in found] == ["violin", "violin", "viola", "cello"]
    assert all(p.players == 0 for p in found)


def test_three_high_parts_are_two_violins_and_a_viola():
    ranges = [(72, 84), (67, 76), (60, 67), (48, 60)]
    found = assign_instruments([part(f"Track {i}", *r) for i, r in enumerate(ranges, 1)])
    assert [p.instrument for p in found] == ["violin", "violin", "viola", "cello"]


def test_pianos_that_are_only_a_default_sound_are_replaced():
    parts = [part(name, low, high, instrument_name="Piano", program=0) for name, low, high in
             (("Part 1", 64, 84), ("Part 2", 60, 79), ("Part 3", 48, 69), ("Part 4", 36, 60))]  # fmt: skip
    assert "piano" not in [p.instrument for p in assign_instruments(parts)]
    assert assign_instruments([part("Piano", 30, 90)])[0].instrument == "piano"


def test_singers_by_lyrics_and_programs_by_number():
    singer = part("Voice", 48, 60, has_lyrics=True)
    assert assign_instruments([singer])[0].instrument == "tenor"
    assert assign_instruments([part("", program=68), part("", program=60)])[0].instrument == "oboe"


@pytest.mark.parametrize(("name", "key"), [("Gran Cassa", 36), ("Becken", 49), ("Side Drum", 38), ("Kazoo", None)])
def test_percussion_keys(name, key):
    assert percussion_key(name) == key
