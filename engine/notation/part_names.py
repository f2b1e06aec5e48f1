"""Which instrument plays a written part, and how many players its name asks for.

A part is known by its name, the file's instrument name and its abbreviation, then its MIDI program, and last by its
range. Names that mean a voice in a choir and an instrument in an orchestra (Bass, Basso, Alto, Altos) are settled by
the company they keep.
"""

import re
import statistics
from collections.abc import Sequence
from functools import cache

from ..instruments import Instrument, catalogue
from ..score import Part
from .written import WrittenPart

SNARE_DRUM_KEY = 38
"""General MIDI percussion key where nothing says what is struck."""

_PERCUSSION_KEYS = (
    (r"bass drum|gran cassa|grosse trommel|grosse caisse", 36),
    (r"snare|side drum|kleine trommel|tamburo militare|caisse claire", 38),
    (r"cymbal|piatti|becken", 49),
    (r"triang", 81),
    (r"tambourine|tamburin|tambour de basque", 54),
    (r"tam-?tam|gong", 52),
    (r"castanet|kastagnet", 85),
    (r"wood ?block|temple block", 76),
    (r"cowbell", 56),
    (r"whip|frusta", 39),
    (r"ratchet|guiro", 73),
    (r"tom", 45),
    (r"tenor drum", 41),
)
_AMBIGUOUS = {
    # name: (as a voice, as an instrument)
    "bass": ("bass", "contrabass"),
    "basso": ("bass", "contrabass"),
    "bassi": ("bass", "contrabass"),
    "basses": ("bass", "contrabass"),
    "basse": ("bass", "contrabass"),
    "alto": ("alto", "viola"),
    "altos": ("alto", "viola"),
    "tenor": ("tenor", "viola"),
    "canto": ("soprano", "violin"),
    "treble": ("soprano", "violin"),
    "b": ("bass", "contrabass"),
    "a": ("alto", "viola"),
    "t": ("tenor", "viola"),
    "s": ("soprano", "violin"),
}
_GENERIC = re.compile(
    r"^(part|staff|track|voice|instrument|musicxml part|spine|untitled|unnamed|channel|melody|v|p|i|solo|choir|coro"
    r"|system|grand staff|piano staff)?[\s_.:#-]*(\d+|[ivx]+)?$",
    re.IGNORECASE,
)
_NUMBERS = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8}
_PLURALS = re.compile(
    r"\b(flutes|flauti|flöten|flûtes|oboes|oboi|oboen|hautbois|clarinets|clarinetti|klarinetten|clarinettes|bassoons|fagotti"
    r"|fagotte|bassons|horns|corni|hörner|cors|trumpets|trombe|trompeten|trompettes|clarini|trombones|tromboni|posaunen"
    r"|recorders|saxophones|harps|arpe|cornets|tubas)\b",
    re.IGNORECASE,
)
_STRINGS = ("violin", "viola", "cello", "contrabass")
_VOICES = ("soprano", "alto", "tenor", "bass")
_KEY_SUFFIX = re.compile(
    r"\b(in|en)\s+[a-h](\s?(is|es|s|b|♭|#|♯|flat|sharp|dur|moll|-flat|-sharp|bémol))?\b", re.IGNORECASE
)


def percussion_key(name: str) -> int | None:
    """General MIDI percussion key of a percussion instrument's name; None where the name says nothing."""
    lower = name.lower()
    return next((key for pattern, key in _PERCUSSION_KEYS if re.search(pattern, lower)), None)


@cache
def _aliases() -> tuple[tuple[re.Pattern[str], str, str], ...]:
    """(pattern, alias, instrument key), longest alias first so that "bass clarinet" is not a bass."""
    pairs = [
        (alias, key)
        for key, instrument in catalogue().items()
        for alias in {instrument.name.lower(), key, key.replace("-", " "), *instrument.aliases}
    ]
    pairs.sort(key=lambda pair: (-len(pair[0]), pair[0]))
    return tuple(
        (re.compile(rf"(?<![\w]){re.escape(alias)}(?![\w])", re.IGNORECASE), alias, key) for alias, key in pairs
    )


def _from_text(text: str) -> tuple[str, str] | None:
    """(instrument key, alias) named first in ``text``; longer names win where two start at the same place."""
    cleaned = _KEY_SUFFIX.sub(" ", text.replace("_", " "))
    cleaned = re.sub(r"(?<=[a-zäöüéûô])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", cleaned)
    found = [(match.span(), alias, key) for pattern, alias, key in _aliases() if (match := pattern.search(cleaned))]
    # A name inside a longer one ("bass" in "bass clarinet") is not meant, a voice's name beside an instrument's
    # ("B basso Horn") is a pitch or register.
    whole = [
        one for one in found if not any(o[0] != one[0] and o[0][0] <= one[0][0] and one[0][1] <= o[0][1] for o in found)
    ]
    sure = [one for one in whole if one[1] not in _AMBIGUOUS] or whole
    if not sure:
        return None
    _span, alias, key = min(sure, key=lambda one: (one[0][0], -len(one[1])))
    return key, alias


def _from_program(program: int) -> str | None:
    """Instrument of a General MIDI program (from 0)."""
    exact = {
        0: "piano", 4: "piano", 6: "harpsichord", 7: "harpsichord", 8: "celesta", 9: "glockenspiel", 11: "glockenspiel",
        12: "xylophone", 13: "xylophone", 14: "glockenspiel", 40: "violin", 41: "viola", 42: "cello", 43: "contrabass",
        46: "harp", 47: "timpani", 52: "soprano", 53: "soprano", 54: "soprano", 56: "trumpet", 57: "trombone",
        58: "tuba", 59: "trumpet", 60: "horn", 61: "horn", 68: "oboe", 69: "english-horn", 70: "bassoon",
        71: "clarinet", 72: "piccolo", 73: "flute", 74: "flute", 75: "flute", 78: "flute", 79: "flute", 105: "guitar",
        109: "oboe", 110: "violin", 111: "oboe",
    }  # fmt: skip
    if program in exact:
        return exact[program]
    for low, high, key in (
        (0, 7, "piano"), (8, 15, "glockenspiel"), (16, 23, "organ"), (24, 31, "guitar"), (32, 39, "contrabass"),
        (64, 67, "saxophone"), (72, 79, "flute"), (104, 107, "guitar"), (112, 119, "percussion"),
    ):  # fmt: skip
        if low <= program <= high:
            return key
    return None  # string ensembles (44, 45, 48–51), synthesizers and effects: by range


def assign_instruments(parts: Sequence[WrittenPart]) -> tuple[Part, ...]:
    """Instrument and number of players of every part."""
    found = [_named(part) for part in parts]
    found = _without_default_pianos(parts, found)
    choir = _is_choir(parts, found)
    keys: list[str | None] = []
    for part, named in zip(parts, found, strict=True):
        key = _settled(part, named, choir)
        keys.append(key)
    unknown = [index for index, key in enumerate(keys) if key is None]
    among_voices = choir and any(key in _VOICES for key in keys)
    for index, key in _by_range([parts[index] for index in unknown], choir, among_voices):
        keys[unknown[index]] = key
    chosen = [key or "violin" for key in keys]
    chamber = _is_chamber(parts, chosen)
    result = []
    for index, (part, key) in enumerate(zip(parts, chosen, strict=True)):
        generic = index in unknown
        result.append(
            Part(
                name=part.name or catalogue()[key].name,
                abbreviation=part.abbreviation or _short(part.name or catalogue()[key].name),
                instrument=key,
                players=_players(part, catalogue()[key], chamber and not generic),
            )
        )
    return tuple(result)


def _short(name: str) -> str:
    return name if len(name) <= 6 else name[:4].rstrip() + "."


def _named(part: WrittenPart) -> tuple[str, str] | None:
    """(instrument key, alias) by name, abbreviation or the file's instrument name."""
    for text in (part.name, part.instrument_name, part.abbreviation):
        if text and not _GENERIC.match(text.strip()):
            named = _from_text(text)
            if named is not None:
                return named
    letter = part.name.strip().strip(".").lower()
    if letter in ("s", "a", "t", "b"):
        return _AMBIGUOUS[letter][0], letter
    return None


def _without_default_pianos(
    parts: Sequence[WrittenPart], found: Sequence[tuple[str, str] | None]
) -> list[tuple[str, str] | None]:
    """Drop "Piano" where it is only the sound that a program gives to parts it knows nothing of.

    That is so for a part whose own name says something else, and where three or more single staves are all pianos.
    """
    result = list(found)
    single = [max((note.staff for note in part.notes), default=0) <= 1 for part in parts]
    pianos = [index for index, named in enumerate(found) if named is not None and named[0] == "piano" and single[index]]
    for index in pianos:
        name = parts[index].name.strip()
        says_piano = bool(name) and (_from_text(name) or ("", ""))[0] == "piano"
        if (len(pianos) >= 3 and len(pianos) == len(parts)) or (name and not says_piano and len(parts) > 1):
            result[index] = None
    return result


def _is_choir(parts: Sequence[WrittenPart], found: Sequence[tuple[str, str] | None]) -> bool:
    """Whether ambiguous names mean voices: any sure voice or lyrics, or no sure instrument at all."""
    sure = [named[0] for named in found if named is not None and named[1] not in _AMBIGUOUS]
    if any(part.has_lyrics for part in parts):
        return True
    voices = sum(key in _VOICES for key in sure)
    return voices > 0 or not sure


def _settled(part: WrittenPart, named: tuple[str, str] | None, choir: bool) -> str | None:
    if part.percussion and (named is None or catalogue()[named[0]].family != "percussion"):
        return "percussion"
    if named is not None:
        key, alias = named
        if alias in _AMBIGUOUS:
            sings = part.has_lyrics or (choir and not re.search(r"\d|\bi+\b", part.name, re.IGNORECASE))
            sings = sings or (choir and part.program in (-1, 52, 53))
            return _AMBIGUOUS[alias][0 if sings else 1]
        if alias in ("voice", "vocals", "child"):
            return None
        return key
    if part.has_lyrics:
        return None
    if part.program > 0:
        return _from_program(part.program)
    return None


def _by_range(parts: Sequence[WrittenPart], choir: bool, among_voices: bool) -> list[tuple[int, str]]:
    """Instruments for parts that nothing names: voices for singers, else strings, from their range.

    Parts in score order take Violin I and II, viola, cello as in a quartet where their ranges allow.
    """
    result = []
    for index, part in enumerate(parts):
        pitches = [written.pitch for written in part.notes] or [67]
        low, middle, high = min(pitches), statistics.median(pitches), max(pitches)
        named_voice = re.search(r"\b(voice|vocals?)\b", part.name, re.IGNORECASE) is not None
        # In a choir a name like Quinto is one more voice.
        sings = part.has_lyrics or (named_voice and choir and len(parts) > 1) or (bool(part.name) and among_voices)
        two_staves = any(written.staff > 1 for written in part.notes)
        if two_staves or (high - low > 50 and len(parts) <= 2 and not sings):
            key = "piano"
        elif sings:
            key = "soprano" if middle >= 67 else "alto" if middle >= 60 else "tenor" if middle >= 53 else "bass"
        elif low >= 55:
            key = "violin"
        elif low >= 48 and middle >= 54:
            key = "viola"
        elif low >= 36:
            key = "cello"
        else:
            key = "contrabass" if middle < 48 and high <= 67 else "cello"
        result.append((index, key))
    return _as_quartet(result, parts)


def _as_quartet(chosen: list[tuple[int, str]], parts: Sequence[WrittenPart]) -> list[tuple[int, str]]:
    """Four string parts are a quartet, by height, where their ranges allow."""
    if len(chosen) != 4 or any(key not in _STRINGS for _, key in chosen):
        return chosen
    heights = {index: [note.pitch for note in parts[index].notes] or [67] for index, _ in chosen}
    by_height = sorted(heights, key=lambda index: -statistics.median(heights[index]))
    quartet = dict(zip(by_height, ("violin", "violin", "viola", "cello"), strict=True))
    fits = all(min(heights[index]) >= catalogue()[key].range[0] for index, key in quartet.items())
    return [(index, quartet[index]) for index, _ in chosen] if fits else chosen


def _is_chamber(parts: Sequence[WrittenPart], keys: Sequence[str]) -> bool:
    """Solo strings rather than sections: a few parts, no double strings with a contrabass, no orchestra winds."""
    strings = [key for key in keys if key in _STRINGS]
    if not strings or len(parts) > 9 or any(key in ("timpani", "percussion") for key in keys):
        return False
    if re.search(r"violins|violini\b|violinen|violons|celli\b|violas\b", " ".join(part.name.lower() for part in parts)):
        return False
    if any(key in _VOICES for key in keys) or (len(parts) > 4 and any(key in ("harpsichord", "organ") for key in keys)):
        return False
    winds = sum(catalogue()[key].family in ("woodwind", "brass") for key in keys)
    string_orchestra = "contrabass" in strings and strings.count("violin") >= 2
    if string_orchestra and (winds == 0 or winds >= 2):
        return winds >= 2 and len(strings) <= 5 and winds <= 3 and strings.count("cello") <= 1
    return True


def _players(part: WrittenPart, instrument: Instrument, chamber: bool) -> int:
    """How many players: a printed number of them, one for each numbered or single wind, 0 for a section."""
    name = part.name.strip()
    lower = name.lower()
    solo = re.search(r"\bsol[oi]\b|\bsolo-", lower) is not None
    if instrument.family == "voice" or instrument.key in _STRINGS:
        if solo or (chamber and instrument.key in _STRINGS):
            return 1
        return 0
    if instrument.section > 1:
        return 0
    leading = re.match(r"^(\d{1,2})\s+\D", name)
    if leading and 1 < int(leading.group(1)) <= 12:
        return int(leading.group(1))
    bare = _KEY_SUFFIX.sub(" ", lower)
    ranged = re.search(r"(\d)\s*[-–]\s*(\d)", bare)
    if ranged and int(ranged.group(2)) > int(ranged.group(1)):
        return int(ranged.group(2)) - int(ranged.group(1)) + 1
    numerals = re.findall(r"\d+|\b(?:i{1,3}|iv|vi{0,3}|v)\b", bare)
    if len(numerals) > 1:
        return min(12, len(numerals))
    if numerals:
        return 1
    return 2 if _PLURALS.search(bare) else 1
