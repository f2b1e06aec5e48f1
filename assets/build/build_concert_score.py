"""Build the concert piece: ``assets/scores/concert.musicxml`` and its timing, ``concert_timings.csv``.

Edvard Grieg, "In the Hall of the Mountain King" from Peer Gynt (op. 23 no. 7, op. 46 no. 4; Grieg died in 1907), the
melody and its harmony from knowledge of the piece, shortened to 49 measures and orchestrated here anew, so that every
desk of the orchestra is heard: cellos and basses pizzicato, a bassoon alone, clarinets, oboes, flutes, brass, and the
whole orchestra fortissimo.

    python assets/build/build_concert_score.py

The theme is in B minor (A) and on its dominant F sharp with the lowered sixth (D); each is four measures.
"""

import math
import random
import re
from dataclasses import dataclass, field
from pathlib import Path

from music21 import (
    articulations,
    bar,
    clef,
    dynamics,
    expressions,
    instrument,
    key,
    metadata,
    meter,
    note,
    pitch,
    spanner,
    stream,
    tempo,
)
from music21 import chord as m21chord

OUT = Path(__file__).resolve().parents[1] / "scores"
LAST_MEASURE = 49
BEATS = 4

THEME = {
    "A": (
        "B2 C#3 D3 E3 F#3 D3 F#3:2",
        "E#3 C#3 E#3:2 E3 C3 E3:2",
        "B2 C#3 D3 E3 F#3 D3 F#3 B3",
        "A3 F#3 D3 F#3 A3:4",
    ),
    "D": (
        "F#3 G#3 A#3 B3 C#4 A#3 C#4:2",
        "D4 A#3 D4:2 C#4 A#3 C#4:2",
        "F#3 G#3 A#3 B3 C#4 A#3 C#4:2",
        "D4 A#3 D4:2 C#4:4",
    ),
}
"""Eighths; ``:2`` is a quarter, ``:4`` a half."""

HARMONY = {
    "A": (("Bm", "Bm"), ("C#7", "C"), ("Bm", "Bm"), ("D", "D")),
    "D": (("F#", "F#"), ("F#+", "F#"), ("F#", "F#"), ("F#+", "F#")),
}
"""Two chords a measure."""

CHORDS = {
    "Bm": ("B", "D", "F#"),
    "C#7": ("C#", "E#", "B"),
    "C": ("C", "E", "G"),
    "D": ("D", "F#", "A"),
    "F#": ("F#", "A#", "C#"),
    "F#+": ("F#", "A#", "D"),
    "F#7": ("F#", "A#", "E"),
}


@dataclass(slots=True)
class Event:
    """One note, chord or rest: pitches (empty: rest), length in eighths, marks among ``. > ^ - ~ (``."""

    pitches: tuple[str, ...]
    eighths: float
    marks: str = ""


@dataclass(slots=True)
class Line:
    """A part as it grows: events by measure, dynamics and words by (measure, eighth), hairpins by measures."""

    name: str
    abbreviation: str
    instrument: instrument.Instrument
    clef: clef.Clef
    measures: dict[int, list[Event]] = field(default_factory=dict)
    dynamics: dict[tuple[int, int], str] = field(default_factory=dict)
    words: dict[tuple[int, int], str] = field(default_factory=dict)
    hairpins: list[tuple[int, int]] = field(default_factory=list)
    fermatas: set[int] = field(default_factory=set)


def parse(text: str, octaves: int = 0, marks: str = "") -> list[Event]:
    """Events of one measure in the notation of ``THEME``, moved by octaves."""
    events = []
    for token in text.split():
        name, _, length = token.partition(":")
        if name == "r":
            events.append(Event((), float(length or 1)))
            continue
        names = tuple(f"{single[:-1]}{int(single[-1]) + octaves}" for single in name.split("+"))
        events.append(Event(names, float(length or 1), marks))
    return events


def theme(line: Line, first: int, kind: str, octaves: int, marks: str = ".") -> None:
    """The theme from measure ``first``."""
    for index, text in enumerate(THEME[kind]):
        line.measures[first + index] = parse(text, octaves, marks)


def theme_in_sixteenths(line: Line, first: int, kind: str, octaves: int) -> None:
    """The theme with every eighth struck twice."""
    for index, text in enumerate(THEME[kind]):
        events = []
        for event in parse(text, octaves):
            events += [Event(event.pitches, 0.5)] * int(event.eighths * 2)
        events[0] = Event(events[0].pitches, 0.5, ">")
        line.measures[first + index] = events


def voicing(chord: str, low: str, count: int) -> tuple[str, ...]:
    """``count`` notes of the chord upwards from ``low``, close together."""
    names = CHORDS[chord]
    found: list[str] = []
    midi = pitch.Pitch(low).midi
    while len(found) < count:
        match = next((name for name in names if pitch.Pitch(name).pitchClass == midi % 12), None)
        if match is not None:
            spelled = pitch.Pitch(match)
            spelled.octave = next(o for o in range(9) if pitch.Pitch(f"{match}{o}").midi == midi)
            found.append(f"{match}{spelled.octave}")
        midi += 1
    return tuple(found)


def accompany(line: Line, first: int, kind: str, pattern: str, low: str, count: int, marks: str = ".") -> None:
    """Chords in a rhythm for four measures. ``pattern`` has eight eighths: ``x`` plays, ``-`` rests."""
    for index, (left, right) in enumerate(HARMONY[kind]):
        events = []
        for place, sign in enumerate(pattern):
            if sign == "x":
                events.append(Event(voicing(left if place < 4 else right, low, count), 1, marks))
            else:
                events.append(Event((), 1))
        line.measures[first + index] = events


def sustain(line: Line, first: int, kind: str, low: str, count: int, marks: str = "") -> None:
    """The harmony held, one chord for each half measure (or for all of it where it does not change)."""
    for index, (left, right) in enumerate(HARMONY[kind]):
        if left == right:
            line.measures[first + index] = [Event(voicing(left, low, count), 8, marks)]
        else:
            line.measures[first + index] = [Event(voicing(c, low, count), 4, marks) for c in (left, right)]


def orchestra() -> dict[str, Line]:
    """The players' lines, empty, in score order."""
    treble, bass, alto = clef.TrebleClef, clef.BassClef, clef.AltoClef
    plan = (
        ("picc", "Piccolo", "Picc.", instrument.Piccolo(), treble),
        ("fl", "Flutes 1.2", "Fl.", instrument.Flute(), treble),
        ("ob", "Oboes 1.2", "Ob.", instrument.Oboe(), treble),
        ("cl", "Clarinets 1.2 in A", "Cl.", instrument.Clarinet(), treble),
        ("bn1", "Bassoon 1", "Bn. 1", instrument.Bassoon(), bass),
        ("bn2", "Bassoon 2", "Bn. 2", instrument.Bassoon(), bass),
        ("hn12", "Horns 1.2 in F", "Hn. 1.2", instrument.Horn(), treble),
        ("hn34", "Horns 3.4 in F", "Hn. 3.4", instrument.Horn(), treble),
        ("tpt", "Trumpets 1.2", "Tpt.", instrument.Trumpet(), treble),
        ("tbn", "Trombones 1.2", "Tbn.", instrument.Trombone(), bass),
        ("btbn", "Bass Trombone", "B. Tbn.", instrument.BassTrombone(), bass),
        ("tba", "Tuba", "Tba.", instrument.Tuba(), bass),
        ("timp", "Timpani", "Timp.", instrument.Timpani(), bass),
        ("cym", "Cymbals", "Cym.", instrument.CrashCymbals(), clef.PercussionClef),
        ("bd", "Bass Drum", "B. D.", instrument.BassDrum(), clef.PercussionClef),
        ("vn1", "Violins I", "Vn. I", instrument.Violin(), treble),
        ("vn2", "Violins II", "Vn. II", instrument.Violin(), treble),
        ("va", "Violas", "Va.", instrument.Viola(), alto),
        ("vc", "Violoncellos", "Vc.", instrument.Violoncello(), bass),
        ("cb", "Contrabasses", "Cb.", instrument.Contrabass(), bass),
    )
    lines = {}
    for index, (label, name, abbreviation, player, sign) in enumerate(plan, 1):
        # music21 gives random identifiers where there are none: every rebuild would be a change.
        player.partId, player.instrumentId = f"P{index}", f"I{index}"
        player.partName, player.partAbbreviation = name, abbreviation
        lines[label] = Line(name, abbreviation, player, sign())
    lines["cl"].instrument.transposition = instrument.interval.Interval("m-3")
    lines["tpt"].instrument.transposition = None
    return lines


def compose(o: dict[str, Line]) -> None:
    """The whole piece."""
    opening(o)
    growing(o)
    tutti(o)
    coda(o)


def opening(o: dict[str, Line]) -> None:
    """Measures 1–13: a held horn call; the theme in cellos and basses, then a bassoon alone, then both."""
    o["hn12"].measures[1] = [Event(("F#3", "F#4"), 8)]
    o["hn12"].dynamics[1, 0] = "pp"
    o["hn12"].fermatas.add(1)
    for label, octaves in (("vc", 0), ("cb", -1)):
        theme(o[label], 2, "A", octaves)
        o[label].words[2, 0], o[label].dynamics[2, 0] = "pizz.", "pp"
    theme(o["bn1"], 6, "A", 0)
    o["bn1"].dynamics[6, 0], o["bn1"].words[6, 0] = "p", "Solo"
    for index in range(4):
        root = ("B2", "C#3", "B2", "D3")[index]
        second = ("F#2", "C3", "F#2", "A2")[index]
        o["vc"].measures[6 + index] = parse(f"{root} r r:2 {second} r r:2", 0, ".")
        o["cb"].measures[6 + index] = parse(f"{root} r r:2 r:4", -1, ".")
    theme(o["vc"], 10, "D", 0)
    theme(o["bn2"], 10, "D", 0)
    theme(o["bn1"], 10, "D", 0)
    o["bn2"].dynamics[10, 0] = o["bn1"].dynamics[10, 0] = "pp"
    o["cb"].measures |= {m: parse("F#2 r r:2 F#2 r r:2", 0, ".") for m in range(10, 14)}
    accompany(o["cl"], 10, "D", "-x-x-x-x", "A#3", 2)
    o["cl"].dynamics[10, 0] = "pp"
    o["hn34"].measures |= {m: [Event(("F#3",), 8)] for m in (12, 13)}
    o["hn34"].dynamics[12, 0] = "pp"


def growing(o: dict[str, Line]) -> None:
    """Measures 14–25: clarinets and violins pizzicato, oboes, flutes; horns and timpani enter."""
    theme(o["cl"], 14, "A", 1)
    theme(o["vn2"], 14, "A", 1)
    o["vn2"].words[14, 0] = "pizz."
    o["cl"].dynamics[14, 0] = o["vn2"].dynamics[14, 0] = "p"
    accompany(o["va"], 14, "A", "-x-x-x-x", "D3", 2)
    o["va"].words[14, 0], o["va"].dynamics[14, 0] = "pizz.", "pp"
    for label in ("vc", "cb"):
        accompany(o[label], 14, "A", "x---x---", "B2" if label == "vc" else "B1", 1)
        o[label].dynamics[14, 0] = "pp"
    theme(o["ob"], 18, "A", 2)
    theme(o["vn1"], 18, "A", 2)
    o["vn1"].words[18, 0] = "pizz."
    o["ob"].dynamics[18, 0] = o["vn1"].dynamics[18, 0] = "p"
    accompany(o["vn2"], 18, "A", "-x-x-x-x", "D4", 2)
    accompany(o["va"], 18, "A", "-x-x-x-x", "F#3", 2)
    accompany(o["fl"], 18, "A", "---x---x", "F#5", 2)
    o["fl"].dynamics[18, 0] = "p"
    accompany(o["bn1"], 18, "A", "x-x-x-x-", "B2", 1)
    accompany(o["bn2"], 18, "A", "x---x---", "B2", 1)
    for label in ("vc", "cb"):
        accompany(o[label], 18, "A", "x-x-x-x-", "B2" if label == "vc" else "B1", 1)
    theme(o["fl"], 22, "D", 2)
    theme(o["ob"], 22, "D", 1)
    theme(o["vn1"], 22, "D", 2)
    o["vn1"].words[22, 0] = "arco"
    accompany(o["cl"], 22, "D", "-x-x-x-x", "A#3", 2)
    accompany(o["vn2"], 22, "D", "-x-x-x-x", "C#4", 2)
    accompany(o["va"], 22, "D", "-x-x-x-x", "F#3", 2)
    o["vn2"].words[22, 0] = o["va"].words[22, 0] = "arco"
    for label in ("vc", "cb"):
        accompany(o[label], 22, "D", "x-x-x-x-", "F#2", 1)
        o[label].words[22, 0] = "arco"
    sustain(o["hn12"], 22, "D", "F#3", 2)
    sustain(o["hn34"], 22, "D", "C#3", 1)
    o["timp"].measures |= {m: parse("F#2 r r:2 F#2 r r:2") for m in range(22, 26)}
    for label in ("bn1", "bn2"):
        accompany(o[label], 22, "D", "x-x-x-x-", "F#3" if label == "bn1" else "F#2", 1)
    for label in ("fl", "ob", "cl", "vn1", "vn2", "va", "vc", "cb", "bn1", "bn2"):
        o[label].dynamics[22, 0] = "mp"
        o[label].hairpins.append((22, 25))
    for label in ("hn12", "hn34", "timp"):
        o[label].dynamics[22, 0] = "p"
        o[label].hairpins.append((22, 25))


def tutti(o: dict[str, Line]) -> None:
    """Measures 26–41: all strings with the bow, then the brass, then everyone."""
    theme(o["vn1"], 26, "A", 3)
    theme(o["vn2"], 26, "A", 2)
    theme(o["fl"], 26, "A", 3)
    accompany(o["ob"], 26, "A", "-x-x-x-x", "F#4", 2)
    accompany(o["cl"], 26, "A", "-x-x-x-x", "D4", 2)
    accompany(o["va"], 26, "A", "-x-x-x-x", "F#3", 2)
    for label, low in (("vc", "B2"), ("cb", "B1"), ("bn1", "B2"), ("bn2", "B2")):
        accompany(o[label], 26, "A", "x-x-x-x-", low, 1)
    accompany(o["hn12"], 26, "A", "-x-x-x-x", "D4", 2)
    accompany(o["hn34"], 26, "A", "-x-x-x-x", "F#3", 2)
    o["timp"].measures |= {26: parse("B2:2 r:2 B2:2 r:2"), 27: parse("B2:2 r:2 r:4")}
    o["timp"].measures |= {28: parse("B2:2 r:2 B2:2 r:2"), 29: parse("r:4 F#2 F#2 F#2 F#2")}
    for line in o.values():
        if 26 in line.measures:
            line.dynamics[26, 0] = "mf"
    theme(o["vn1"], 30, "D", 2)
    theme(o["vn2"], 30, "D", 1)
    theme(o["picc"], 30, "D", 2)
    theme(o["fl"], 30, "D", 2)
    theme(o["ob"], 30, "D", 1)
    accompany(o["cl"], 30, "D", "-x-x-x-x", "C#4", 2)
    accompany(o["va"], 30, "D", "xxxxxxxx", "F#3", 2, "")
    for label, low in (("vc", "F#2"), ("cb", "F#1"), ("bn1", "F#3"), ("bn2", "F#2")):
        accompany(o[label], 30, "D", "x-x-x-x-", low, 1)
    accompany(o["hn12"], 30, "D", "-x-x-x-x", "C#4", 2)
    accompany(o["hn34"], 30, "D", "-x-x-x-x", "F#3", 2)
    accompany(o["tpt"], 30, "D", "---x---x", "F#4", 2)
    sustain(o["tbn"], 30, "D", "A#2", 2)
    sustain(o["btbn"], 30, "D", "F#2", 1)
    o["timp"].measures |= {m: parse("F#2 r F#2 r F#2 r F#2 r") for m in range(30, 33)}
    o["timp"].measures[33] = [Event(("F#2",), 8, "~")]
    for label in ("picc", "fl", "ob", "vn1", "vn2", "cl", "va", "vc", "cb", "bn1", "bn2", "hn12", "hn34", "timp"):
        o[label].dynamics[30, 0] = "f"
    for label in ("tpt", "tbn", "btbn"):
        o[label].dynamics[30, 0] = "mf"
    for line in o.values():
        if 33 in line.measures:
            line.hairpins.append((32, 33))
    fortissimo(o)


def fortissimo(o: dict[str, Line]) -> None:
    """Measures 34–41: the theme in the bass, then everywhere."""
    for label, octaves in (("bn1", 0), ("bn2", 0), ("vc", 0), ("cb", -1), ("tbn", 0), ("btbn", 0), ("tba", -1)):
        theme(o[label], 34, "A", octaves, ">" if label in ("tbn", "btbn", "tba") else ".")
    for label, low, count in (("picc", "F#5", 1), ("fl", "D5", 2), ("ob", "F#4", 2), ("cl", "D4", 2)):
        accompany(o[label], 34, "A", "-x-x-x-x", low, count)
    for label, low, count in (("hn12", "D4", 2), ("hn34", "F#3", 2), ("tpt", "F#4", 2)):
        accompany(o[label], 34, "A", "-x-x-x-x", low, count)
    for label, low in (("vn1", "D5"), ("vn2", "F#4"), ("va", "D4")):
        for index, (left, right) in enumerate(HARMONY["A"]):
            events: list[Event] = []
            for place in range(4):
                names = voicing(left if place < 2 else right, low, 1)
                events += [Event((), 1), Event(names, 0.5), Event(names, 0.5)]
            o[label].measures[34 + index] = events
    o["timp"].measures |= {34: parse("B2 r B2 r B2 r B2 r"), 35: parse("B2 r r:2 r:4")}
    o["timp"].measures |= {36: parse("B2 r B2 r B2 r B2 r"), 37: parse("r:4 F#2 F#2 F#2 F#2")}
    o["bd"].measures |= {m: parse("C4:2 r:2 r:4") for m in (34, 36)}
    for line in o.values():
        if 34 in line.measures:
            line.dynamics[34, 0] = "ff"
    for label, octaves in (("vn1", 3), ("vn2", 2), ("va", 1)):
        theme_in_sixteenths(o[label], 38, "A", octaves)
    for label, octaves in (("picc", 3), ("fl", 3), ("ob", 2), ("cl", 2), ("bn1", 1), ("bn2", 0)):
        theme(o[label], 38, "A", octaves)
    theme(o["vc"], 38, "A", 0, "")
    theme(o["tpt"], 38, "A", 1, ">")
    theme(o["cb"], 38, "A", -1, "")
    for label, low, count in (
        ("hn12", "D4", 2),
        ("hn34", "F#3", 2),
        ("tbn", "D3", 2),
        ("btbn", "F#2", 1),
        ("tba", "B1", 1),
    ):
        accompany(o[label], 38, "A", "x-x-x-x-", low, count, ">")
    o["timp"].measures |= {38: parse("B2 B2 B2 B2 B2 B2 B2 B2"), 39: parse("B2 r r:2 r:4")}
    o["timp"].measures |= {40: parse("B2 B2 B2 B2 B2 B2 B2 B2"), 41: [Event(("F#2",), 8, "~")]}
    o["cym"].measures |= {m: parse("C4:2 r:2 r:4") for m in (38, 40)}
    o["bd"].measures |= {m: parse("C4:2 r:2 C4:2 r:2") for m in (38, 40)}
    for line in o.values():
        if 38 in line.measures:
            line.dynamics[38, 0] = "fff"


def coda(o: dict[str, Line]) -> None:
    """Measures 42–49: fragments of the theme between blows of the whole orchestra, a roll, the last chords."""
    fragment = "B2 C#3 D3 E3 F#3 D3 F#3:2"
    high = {"picc": 3, "fl": 3, "ob": 2, "vn1": 3, "vn2": 2, "va": 1}
    low = {"cl": 1, "bn1": 0, "bn2": 0, "vc": 0, "cb": -1}
    for label, octaves in low.items():
        o[label].measures[42] = parse(fragment, octaves, ".")
    for label, octaves in (high | low).items():
        o[label].measures[44] = parse(fragment, octaves, ".")
    for label in ("va", "vn2"):
        o[label].measures[42] = parse(fragment, 1, ".")
    blow(o, 43, (("Bm", 0), ("Bm", 2)))
    blow(o, 45, (("F#7", 0), ("Bm", 2)))
    blow(o, 46, (("Bm", 0), ("F#7", 2), ("Bm", 4), ("F#7", 6)))
    o["timp"].measures[47] = [Event(("B2",), 8, "~")]
    for label, name in (("vn1", "B4"), ("vn2", "B3"), ("va", "B3"), ("vc", "B2"), ("cb", "B1")):
        o[label].measures[47] = [Event((name,), 8, "~")]
    for label in ("timp", "vn1", "vn2", "va", "vc", "cb"):
        o[label].dynamics[47, 0] = "p"
        o[label].hairpins.append((47, 47))
    blow(o, 48, (("Bm", 0), ("Bm", 4)))
    blow(o, 49, (("Bm", 0),), eighths=4)
    for line in o.values():
        if 48 in line.measures:
            line.dynamics[48, 0] = "fff"
        if 49 in line.measures:
            line.fermatas.add(49)
    for label in low:
        o[label].dynamics[42, 0] = "ff"


TUTTI_VOICES = {
    "picc": ("F#5", 1), "fl": ("D5", 2), "ob": ("F#4", 2), "cl": ("D4", 2), "bn1": ("F#3", 1), "bn2": ("A#2", 1),
    "hn12": ("D4", 2), "hn34": ("F#3", 2), "tpt": ("F#4", 2), "tbn": ("D3", 2), "btbn": ("A#2", 1), "tba": ("A#1", 1),
    "vn1": ("F#5", 1), "vn2": ("A#4", 1), "va": ("F#4", 1), "vc": ("A#2", 1), "cb": ("A#1", 1),
}  # fmt: skip
"""Where each part's voicing of a tutti chord starts, and how many notes it has."""


def blow(o: dict[str, Line], measure: int, chords: tuple[tuple[str, int], ...], eighths: float = 1) -> None:
    """Chords of the whole orchestra at the given eighths of a measure. The bass has the root."""
    bass = ("bn2", "btbn", "tba", "vc", "cb")

    def fill(names_of: object) -> list[Event]:
        events: list[Event] = []
        place = 0.0
        for name, start in chords:
            if start > place:
                events.append(Event((), start - place))
            events.append(Event(names_of(name), eighths, "^"))  # type: ignore[operator]
            place = start + eighths
        if place < 8:
            events.append(Event((), 8 - place))
        return events

    for label, (low, count) in TUTTI_VOICES.items():
        if label in bass:
            root_octave = {"bn2": 2, "btbn": 2, "tba": 1, "vc": 2, "cb": 1}[label]
            o[label].measures[measure] = fill(lambda name, octave=root_octave: (f"{CHORDS[name][0]}{octave}",))
        else:
            o[label].measures[measure] = fill(lambda name, low=low, count=count: voicing(name, low, count))
        o[label].dynamics.setdefault((measure, 0), "fff" if measure > 46 else "ff")
    o["timp"].measures[measure] = fill(lambda name: ("B2" if name == "Bm" else "F#2",))
    if measure in (43, 45, 48, 49):
        o["cym"].measures[measure] = fill(lambda _name: ("C4",))
        o["bd"].measures[measure] = fill(lambda _name: ("C4",))


def to_part(line: Line) -> stream.Part:
    """A music21 part at sounding pitch."""
    part = stream.Part(id=line.name)
    part.partName, part.partAbbreviation = line.name, line.abbreviation
    line.instrument.midiChannel = None
    part.insert(0, line.instrument)
    starts: dict[int, note.GeneralNote] = {}
    ends: dict[int, note.GeneralNote] = {}
    unpitched = isinstance(line.instrument, instrument.UnpitchedPercussion)
    for number in range(1, LAST_MEASURE + 1):
        measure = stream.Measure(number=number)
        if number == 1:
            measure.insert(0, line.clef)
            measure.insert(0, key.KeySignature(0 if unpitched else 2))
            measure.insert(0, meter.TimeSignature("4/4"))
        position = 0.0
        for event in line.measures.get(number, [Event((), 8)]):
            element = to_element(event, unpitched)
            measure.insert(position, element)
            position += event.eighths / 2
            if not element.isRest:
                starts.setdefault(number, element)
                ends[number] = element
                if number in line.fermatas:
                    element.expressions.append(expressions.Fermata())
        assert position == 4.0, (line.name, number, position)
        for (place, eighth), text in line.dynamics.items():
            if place == number:
                measure.insert(eighth / 2, dynamics.Dynamic(text))
        for (place, eighth), text in line.words.items():
            if place == number:
                measure.insert(eighth / 2, expressions.TextExpression(text))
        if number == LAST_MEASURE:
            measure.rightBarline = bar.Barline("final")
        part.append(measure)
    for first, last in line.hairpins:
        if first in starts and last in ends:
            part.insert(0, dynamics.Crescendo([starts[first], ends[last]]))
    part.atSoundingPitch = True
    return part


def to_element(event: Event, unpitched: bool) -> note.GeneralNote:
    element: note.GeneralNote
    if not event.pitches:
        element = note.Rest()
    elif unpitched:
        element = note.Unpitched(displayName=event.pitches[0])
    elif len(event.pitches) == 1:
        element = note.Note(event.pitches[0])
    else:
        element = m21chord.Chord(event.pitches)
    element.quarterLength = event.eighths / 2
    signs = {".": articulations.Staccato, ">": articulations.Accent, "^": articulations.StrongAccent}
    for mark in event.marks:
        if mark == "~":
            tremolo = expressions.Tremolo()
            tremolo.numberOfMarks = 3
            element.expressions.append(tremolo)
        elif event.eighths <= 2 or mark == "^":
            element.articulations.append(signs[mark]())
    return element


def to_score(lines: dict[str, Line]) -> stream.Score:
    score = stream.Score()
    score.metadata = metadata.Metadata()
    score.metadata.title = "In the Hall of the Mountain King"
    score.metadata.composer = "Edvard Grieg"
    score.metadata.add("arranger", "shortened and orchestrated for Tutti")
    parts = [to_part(line) for line in lines.values()]
    for part in parts:
        score.insert(0, part)
    top = parts[0]
    for number, words, bpm in (
        (1, "Alla marcia e molto marcato", 116),
        (26, "Più vivo", 152),
        (38, "Presto", 176),
    ):
        mark = tempo.MetronomeMark(words, bpm, referent=note.Note(type="quarter"))
        top.measure(number).insert(0, mark)
    top.measure(14).insert(0, expressions.TextExpression("poco a poco stringendo"))
    for number, letter in ((14, "A"), (26, "B"), (34, "C"), (42, "D")):
        top.measure(number).insert(0, expressions.RehearsalMark(letter))
    assert not score.getElementsByClass(spanner.Slur)
    return score


def timings() -> list[tuple[int, float]]:
    """(quarter, seconds) of a performance: what a conductor would do with it.

    The tempo rises from 112 to 184, slowly at first (a power curve over measures 2–41). Each four-measure phrase moves
    a little: it gains towards its third measure and gives back at its end (±2.5 %, less as the tempo rises). The horn
    call is held, the rests after the blows of the coda are stretched, measure 46 broadens, the roll of 47 is held back
    and the last chord is a fermata. A wobble of 0.8 % that drifts from beat to beat (seeded) is the human hand.
    """
    generator = random.Random(46)
    wobble, now = 0.0, 0.0
    result = []
    for quarter in range(LAST_MEASURE * BEATS + 1):
        result.append((quarter, now))
        measure, beat = divmod(quarter, BEATS)
        measure += 1
        progress = min(1.0, max(0.0, (quarter - BEATS) / (40.0 * BEATS)))
        bpm = 112.0 + (184.0 - 112.0) * progress**1.35
        if 2 <= measure <= 41:
            phrase = ((quarter - BEATS) % 16) / 16.0
            bpm *= 1.0 + 0.025 * (1.0 - 0.7 * progress) * math.sin(2.0 * math.pi * (phrase - 0.32))
            if measure in (25, 33, 37):
                bpm *= (1.0, 1.0, 0.985, 0.96)[beat]
        elif measure in (43, 45):
            bpm *= (0.97, 0.97, 0.80, 0.86)[beat]
        elif measure == 46:
            bpm *= (0.92, 0.88, 0.84, 0.78)[beat]
        elif measure == 47:
            bpm *= (0.74, 0.70, 0.68, 0.62)[beat]
        elif measure == 48:
            bpm *= (0.72, 0.66, 0.62, 0.56)[beat]
        elif measure == 49:
            bpm = (46.0, 60.0, 80.0, 80.0)[beat]
        if measure == 1:
            bpm = (100.0, 96.0, 84.0, 76.0)[beat]
        wobble = 0.6 * wobble + generator.gauss(0.0, 0.008)
        now += 60.0 / (bpm * (1.0 + wobble))
    return result


def main() -> None:
    lines = orchestra()
    compose(lines)
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "concert.musicxml"
    to_score(lines).write("musicxml", path)
    # The date of the build would make every rebuild a change.
    path.write_text(re.sub(r"\s*<encoding-date>.*?</encoding-date>", "", path.read_text("utf-8")), "utf-8")
    rows = [f"{quarter},{seconds:.4f}" for quarter, seconds in timings()]
    (OUT / "concert_timings.csv").write_text("quarter,time_s\n" + "\n".join(rows) + "\n", encoding="utf-8")
    print(f"{OUT / 'concert.musicxml'}: {LAST_MEASURE} measures, {timings()[-1][1]:.1f} s")


if __name__ == "__main__":
    main()
