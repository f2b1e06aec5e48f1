"""Instruments by what people call them: names and abbreviations in several languages, General MIDI programs, drums.

The catalogue's names and aliases come first; names of the other languages and of rarer instruments are music21's
(``music21.languageExcerpts.instrumentLookup``), brought to the catalogue by their General MIDI program or by their
kind. Some names mean a family rather than an instrument (strings, choir, brass): which of it is left to the range.
"""

import functools
import re
import unicodedata

from ..instruments import catalogue

FAMILIES = ("strings", "woodwind", "brass", "voice")
"""What a name or a program may say instead of an instrument."""
AMBIGUOUS = {
    # name: (as a voice, as an instrument)
    "bass": ("bass", "contrabass"),
    "basso": ("bass", "contrabass"),
    "bassi": ("bass", "contrabass"),
    "basses": ("bass", "contrabass"),
    "basse": ("bass", "contrabass"),
    "baesse": ("bass", "contrabass"),
    "alto": ("alto", "viola"),
    "altos": ("alto", "viola"),
    "tenor": ("tenor", "viola"),
    "baritone": ("bass", "euphonium"),
    "bar": ("bass", "euphonium"),
    "canto": ("soprano", "violin"),
    "treble": ("soprano", "violin"),
    "b": ("bass", "contrabass"),
    "a": ("alto", "viola"),
    "t": ("tenor", "viola"),
    "s": ("soprano", "violin"),
}
"""Names that mean a voice in a choir and an instrument in an orchestra or band."""
_FAMILY_NAMES = {
    "strings": (
        "string ensemble", "string orchestra", "string section", "streichorchester", "orchestre à cordes", "synth",
        "synths", "synthesizer", "synthesiser", "pad", "pads", "warm pad", "fx",
    ),
    "woodwind": ("woodwinds", "woodwind", "winds", "holzbläser", "holz", "bläser", "fiati", "les bois", "bois"),
    "brass": ("brass", "blech", "blechbläser", "ottoni"),
    "voice": (
        "choir", "chor", "coro", "cori", "chœur", "chœurs", "chorus", "coral", "chorale", "satb", "ssaa", "ssa", "sab",
        "ttbb", "tbb", "singer", "singers", "sänger", "sängerin", "gesang", "singstimme", "solisten", "vocal", "vocals",
        "voice", "voices", "voce", "voci", "voix", "chant", "stimmen", "vox", "aahs", "oohs", "women", "men", "boys",
        "girls", "child", "children", "frauen", "männer", "knaben", "kinder", "donne", "uomini", "femmes", "hommes",
        "enfants",
    ),
}  # fmt: skip
_CLASSES = {
    "Baritone": "bass", "MezzoSoprano": "soprano", "Mandolin": "guitar", "Ukulele": "guitar", "Timbales": "timpani",
    "Handbells": "glockenspiel", "KeyboardInstrument": "piano", "WoodwindInstrument": "woodwind",
}  # fmt: skip
"""music21's classes whose program says something else, or nothing."""
_NO_NAMES = frozenset({"charles", "marine", "lyra", "liro", "dulce", "juego", "droite", "dritto", "crash", "stimme"})
"""Words of music21's tables that are rather people, adjectives, or say nothing."""
_SHORTEST = 4
"""Letters of names that are taken from music21, and of a compound's last word."""
_PERCUSSION_KEYS = (
    (r"bass drum|gran ?cassa|grosse trommel|grosse caisse", 36),
    (r"snare|side drum|kleine trommel|tamburo militare|caisse claire", 38),
    (r"cymbal|piatti|becken", 49),
    (r"triang", 81),
    (r"tambourine|tamburin|tambour de basque", 54),
    (r"tam ?tam|gong", 52),
    (r"castanet|kastagnet", 85),
    (r"wood ?block|temple block", 76),
    (r"cowbell", 56),
    (r"whip|frusta", 39),
    (r"ratchet|guiro", 73),
    (r"bongo", 60),
    (r"conga", 63),
    (r"tenor drum", 41),
    (r"tom", 45),
)
KEY_SUFFIX = re.compile(
    r"\b(in|en)\s+([a-h](\s?(is|es|s|b|♭|#|♯|flat|sharp|dur|moll|-flat|-sharp|bémol))?|(do|re|ré|mi|fa|sol|la|si)"
    r"(\s?(b|♭|bemolle|bémol))?)\b",
    re.IGNORECASE,
)
"""What is said of a transposing instrument's or of timpani's pitch."""


def instrument_named_in(text: str) -> tuple[str, str] | None:
    """(instrument key or family, name) that a part's name means; None where it names none.

    The first instrument counts; a family only where there is none ("Brass: Trumpet 1"), and a name that may be a
    voice's only by itself: beside an instrument it is its pitch or register ("B basso Horn"). German compounds are what
    their last word is ("Altposaune", "Männerchor").
    """
    words = _plain(KEY_SUFFIX.sub(" ", text)).split()
    names, longest = _names()
    found = [
        (first, stop, name, names[name])
        for first in range(len(words))
        for stop in range(first + 1, min(len(words), first + longest) + 1)
        if (name := " ".join(words[first:stop])) in names
    ]
    # A name inside of a longer one ("bass" in "bass clarinet") is not meant.
    whole = [a for a in found if not any(b is not a and b[0] <= a[0] and a[1] <= b[1] for b in found)]
    sure = [one for one in whole if one[2] not in AMBIGUOUS]
    for choice in ([one for one in sure if one[3] not in FAMILIES], sure[::-1], whole):
        if choice:
            return choice[0][3], choice[0][2]
    return next(filter(None, map(_last_word, words)), None)


def instrument_called(text: str) -> str | None:
    """The instrument that a text names and nothing else ("Picc.", "Corno inglese", "1. Klarinette in A"); None else."""
    plain = re.sub(r"\b(\d+|i{1,3}|iv)\b", " ", _plain(KEY_SUFFIX.sub(" ", text)))
    name = " ".join(plain.split())
    key = _names()[0].get(name) if len(name) > 1 and name not in AMBIGUOUS else None
    return key if key in catalogue() else None


def _last_word(compound: str) -> tuple[str, str] | None:
    names, _ = _names()
    for start in range(2, len(compound) - _SHORTEST + 1):
        word = compound[start:]
        if word in names and word not in AMBIGUOUS and names[word] != "strings":
            return names[word], word
    return None


def instrument_of_program(program: int) -> str | None:
    """Instrument or family of a General MIDI program (from 0); None where any will do (effects)."""
    exact = {
        6: "harpsichord", 7: "harpsichord", 8: "celesta", 12: "xylophone", 13: "xylophone", 40: "violin", 41: "viola",
        42: "cello", 43: "contrabass", 46: "harp", 47: "timpani", 56: "trumpet", 57: "trombone", 58: "tuba",
        59: "trumpet", 60: "horn", 68: "oboe", 69: "english-horn", 70: "bassoon", 71: "clarinet", 72: "piccolo",
        85: "voice", 91: "voice", 108: "xylophone", 109: "oboe", 110: "violin", 111: "oboe", 112: "glockenspiel",
        114: "xylophone",
    }  # fmt: skip
    if program in exact:
        return exact[program]
    for low, high, key in (
        (0, 7, "piano"), (8, 15, "glockenspiel"), (16, 23, "organ"), (24, 31, "guitar"), (32, 39, "contrabass"),
        (44, 51, "strings"), (52, 54, "voice"), (61, 63, "brass"), (64, 67, "saxophone"), (73, 79, "flute"),
        (80, 95, "strings"), (104, 107, "guitar"), (112, 119, "percussion"),
    ):  # fmt: skip
        if low <= program <= high:
            return key
    return None


def percussion_key(name: str) -> int | None:
    """General MIDI percussion key of a percussion instrument's name; None where the name says nothing."""
    plain = _plain(name)
    return next((key for pattern, key in _PERCUSSION_KEYS if re.search(pattern, plain)), None)


def _plain(text: str) -> str:
    """Lower case without accents and signs; ``V.c.`` is ``vc``, ``Hrn.1`` is ``hrn 1``."""
    text = re.sub(r"\b(\w)\.(?=\w\b)", r"\1", text.casefold()).replace("œ", "oe").replace("æ", "ae")
    text = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    text = re.sub(r"[^a-z0-9]+", " ", text)
    return " ".join(re.sub(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])", " ", text).split())


def _spellings(name: str) -> set[str]:
    """Plain, with umlauts as one letter and as two."""
    spelled = name.casefold().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    return {_plain(name), _plain(spelled)}


@functools.cache
def _names() -> tuple[dict[str, str], int]:
    """Instrument key or family by plain name, and how many words the longest has."""
    from music21.languageExcerpts import instrumentLookup as tables

    names: dict[str, str] = {}
    for key, instrument in catalogue().items():
        for name in (instrument.name, key, *instrument.aliases):
            names |= dict.fromkeys(_spellings(name), key)
    for family, called in _FAMILY_NAMES.items():
        for name in called:
            names |= dict.fromkeys(_spellings(name), family)
    for table in (tables.englishToClassName, tables.germanToClassName, tables.frenchToClassName,
                  tables.italianToClassName, tables.spanishToClassName):  # fmt: skip
        for name, kind in table.items():
            meant = _of_class(kind)
            for plain in _spellings(name):
                if meant is not None and len(plain) >= _SHORTEST and plain not in _NO_NAMES:
                    names.setdefault(plain, meant)
    for name, known in list(names.items()):  # "Recorders", "Crash Cymbal"
        if len(name) >= _SHORTEST:
            names.setdefault(name.removesuffix("s") if name.endswith("s") else name + "s", known)
    for name, (voice, _instrument) in AMBIGUOUS.items():
        if len(name) > 1:
            names[name] = voice
    return names, max(len(name.split()) for name in names)


def _of_class(kind: str) -> str | None:
    """Instrument or family of one of music21's classes, by name."""
    from music21 import instrument

    found = getattr(instrument, kind, None)
    if found is None:
        return None
    key = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower()
    if kind in _CLASSES or key in catalogue():
        return _CLASSES.get(kind, key)
    program = found().midiProgram
    if program is not None:
        return instrument_of_program(program)
    return "percussion" if issubclass(found, instrument.Percussion) else None
