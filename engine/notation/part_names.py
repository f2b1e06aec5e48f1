"""Which instrument plays a written part, and how many players its name asks for.

A part is known by its name, the file's instrument name and its abbreviation, then its MIDI program, and last by its
range. Names that mean a voice in a choir and an instrument in an orchestra or band (Bass, Basso, Alto, Altos, Baritone)
are settled by the company they keep.
"""

import re
import statistics
from collections.abc import Sequence

from ..instruments import Instrument, catalogue
from ..score import Part
from .instrument_names import AMBIGUOUS, FAMILIES, KEY_SUFFIX, instrument_named_in, instrument_of_program
from .written import WrittenPart

SNARE_DRUM_KEY = 38
"""General MIDI percussion key where nothing says what is struck."""

_GENERIC = re.compile(
    r"^(part|staff|track|voice|instrument|musicxml part|spine|untitled|unnamed|channel|melody|v|p|i|solo|tutti"
    r"|system|grand staff|piano staff)?[\s_.:#-]*(\d+|[ivx]+)?$",
    re.IGNORECASE,
)
_PLURALS = re.compile(
    r"\b(flutes|flauti|flöten|flûtes|oboes|oboi|oboen|hautbois|clarinets|clarinetti|klarinetten|clarinettes|bassoons|fagotti"
    r"|fagotte|bassons|horns|corni|hörner|cors|trumpets|trombe|trompeten|trompettes|clarini|trombones|tromboni|posaunen"
    r"|recorders|saxophones|harps|arpe|cornets|tubas)\b",
    re.IGNORECASE,
)
_STRINGS = ("violin", "viola", "cello", "contrabass")
_VOICES = ("soprano", "alto", "tenor", "bass")
_BAND = frozenset({"guitar", "percussion"})
"""Where they play with a singer, the bass is an instrument."""
_BASS_PROGRAMS = (*range(32, 40), 43)
_BARITONES = frozenset({"baritone", "bar"})
"""Horns of bands; where strings play, too, they are singers."""


def assign_instruments(parts: Sequence[WrittenPart]) -> tuple[Part, ...]:
    """Instrument and number of players of every part."""
    found = [_named(part) for part in parts]
    found = _without_default_pianos(parts, found)
    choir = _is_choir(parts, found)
    strings = any(named is not None and named[0] in _STRINGS and named[1] not in AMBIGUOUS for named in found)
    keys = [_settled(part, named, choir, strings) for part, named in zip(parts, found, strict=True)]
    unknown = [index for index, key in enumerate(keys) if key is None or key in FAMILIES]
    among_voices = choir and any(key in _VOICES for key in keys)
    open_parts = [(parts[index], keys[index]) for index in unknown]
    for index, key in _by_range(open_parts, choir, among_voices):
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
    """(instrument key or family, name) by name, the file's instrument name or abbreviation."""
    for text in (part.name, part.instrument_name, part.abbreviation):
        if text and not _GENERIC.match(text.strip()):
            named = instrument_named_in(text)
            if named is not None and (text == part.name or named[0] != "strings"):  # a program's usual default
                return named
    letter = part.name.strip().strip(".").lower()
    if letter in ("s", "a", "t", "b"):
        return AMBIGUOUS[letter][0], letter
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
        says_piano = bool(name) and (instrument_named_in(name) or ("", ""))[0] == "piano"
        if (len(pianos) >= 3 and len(pianos) == len(parts)) or (name and not says_piano and len(parts) > 1):
            result[index] = None
    return result


def _is_choir(parts: Sequence[WrittenPart], found: Sequence[tuple[str, str] | None]) -> bool:
    """Whether ambiguous names mean voices: any sure voice or lyrics, or no sure instrument at all."""
    sure = {named[0] for named in found if named is not None and named[1] not in AMBIGUOUS}
    if sure & _BAND and not sure & set(_VOICES):
        return False
    return any(part.has_lyrics for part in parts) or bool(sure & {*_VOICES, "voice"}) or not sure


def _settled(part: WrittenPart, named: tuple[str, str] | None, choir: bool, strings: bool) -> str | None:
    """Its instrument, or the family of which its range must choose, or None for any."""
    if part.percussion and (named is None or named[0] in FAMILIES or catalogue()[named[0]].family != "percussion"):
        return "percussion"
    if named is not None:
        key, alias = named
        if alias in AMBIGUOUS:
            sings = part.has_lyrics or (choir and not re.search(r"\d|\bi+\b", part.name, re.IGNORECASE))
            sings = sings or (choir and part.program in (-1, 52, 53)) or "ténor" in part.name.casefold()
            sings = sings or (strings and alias in _BARITONES)
            return AMBIGUOUS[alias][0 if sings and part.program not in _BASS_PROGRAMS else 1]
        return key
    if part.has_lyrics:
        return "voice"
    program = instrument_of_program(part.program) if part.program > 0 else None
    return None if program == "strings" and not _GENERIC.match(part.name.strip()) else program


def _by_range(
    parts: Sequence[tuple[WrittenPart, str | None]], choir: bool, among_voices: bool
) -> list[tuple[int, str]]:
    """Instruments for parts that nothing names, or only their family: of none, voices for singers, else strings.

    Parts in score order take Violin I and II, viola, cello as in a quartet where their ranges allow.
    """
    result = []
    for index, (part, family) in enumerate(parts):
        pitches = [written.pitch for written in part.notes] or [67]
        low, middle, high = min(pitches), statistics.median(pitches), max(pitches)
        if family is None:
            named_voice = re.search(r"\bvoice\b", part.name, re.IGNORECASE) is not None
            # In a choir a name like Quinto is one more voice.
            sings = (named_voice and choir and len(parts) > 1) or (bool(part.name) and among_voices)
            two_staves = any(written.staff > 1 for written in part.notes)
            if two_staves or (high - low > 50 and len(parts) <= 2 and not sings):
                result.append((index, "piano"))
                continue
            family = "voice" if sings else "strings"
        result.append((index, _of_family(family, low, middle, high)))
    return _as_quartet(result, [part for part, _family in parts])


def _of_family(family: str, low: int, middle: float, high: int) -> str:
    """The instrument of a family for a part of this range and median pitch."""
    if family == "voice":
        return "soprano" if middle >= 67 else "alto" if middle >= 60 else "tenor" if middle >= 53 else "bass"
    if family == "brass":
        return "trumpet" if middle >= 65 else "horn" if middle >= 55 else "trombone" if middle >= 43 else "tuba"
    if family == "woodwind":
        return "flute" if middle >= 72 else "oboe" if middle >= 66 else "clarinet" if middle >= 57 else "bassoon"
    if low >= 55:
        return "violin"
    if low >= 48 and middle >= 54:
        return "viola"
    return "contrabass" if low < 36 and middle < 48 and high <= 67 else "cello"


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
    """Solo strings rather than sections: a few parts, no double strings with a contrabass (but for trio sonatas), no
    orchestra winds."""
    strings = [key for key in keys if key in _STRINGS]
    if not strings or len(parts) > 9 or any(key in ("timpani", "percussion") for key in keys):
        return False
    if re.search(r"violins|violini\b|violinen|violons|celli\b|violas\b", " ".join(part.name.lower() for part in parts)):
        return False
    if any(key in _VOICES for key in keys) or (len(parts) > 4 and any(key in ("harpsichord", "organ") for key in keys)):
        return False
    winds = sum(catalogue()[key].family in ("woodwind", "brass") for key in keys)
    string_orchestra = "contrabass" in strings and strings.count("violin") >= 2 and len(strings) > 3
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
    bare = KEY_SUFFIX.sub(" ", lower)
    ranged = re.search(r"(\d)\s*[-–]\s*(\d)", bare)
    if ranged and int(ranged.group(2)) > int(ranged.group(1)):
        return int(ranged.group(2)) - int(ranged.group(1)) + 1
    numerals = re.findall(r"\d+|\b(?:i{1,3}|iv|vi{0,3}|v)\b", bare)
    if len(numerals) > 1:
        return min(12, len(numerals))
    if numerals:
        return 1
    return 2 if _PLURALS.search(bare) else 1
