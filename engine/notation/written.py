"""A score as written, before repeats are unfolded and ornaments realised: what the readers hand to the compiler.

``engine.notation.music21_reader`` and ``engine.notation.midi_reader`` make one, ``engine.notation.score_compiler``
turns it into a ``engine.score.Score``. Times are quarters from the first measure's start *as printed*: a repeated
section is there once. These values live only while one file is read, so they are plain mutable records.
"""

from dataclasses import dataclass, field
from typing import Literal

from ..score import NoteFlag

OrnamentKind = Literal["trill", "mordent", "turn", "tremolo", "alternation", "glissando"]
TieKind = Literal["", "start", "stop", "continue"]

MEZZO_FORTE = 0.55
"""The dynamic of a part that carries no mark."""


@dataclass(slots=True)
class Ornament:
    """A sign that stands for several notes.

    ``upper`` and ``lower`` are the auxiliary notes' distances in semitones. A mordent and a turn start in the
    direction of ``upward``; a turn after the note has ``delayed``. ``strokes`` is how often a tremolo repeats its note
    or an alternation its pair; ``partners`` are the other pitches of an alternation (fingered tremolo), or where a
    glissando goes to. ``scale`` is the key's pitch classes, for a glissando.
    """

    kind: OrnamentKind
    upper: int = 2
    lower: int = 2
    upward: bool = True
    delayed: bool = False
    strokes: int = 0
    partners: tuple[int, ...] = ()
    scale: frozenset[int] = frozenset()


@dataclass(slots=True)
class WrittenNote:
    """One note head. ``pitch`` is sounding. A grace note has ``duration`` 0 and its printed length in ``grace``."""

    onset: float
    duration: float
    pitch: int
    measure: int
    flags: int = int(NoteFlag.NONE)
    dynamic: float = MEZZO_FORTE
    tie: TieKind = ""
    staff: int = 0
    voice: str = ""
    ornament: Ornament | None = None
    grace: float = 0.0
    slashed: bool = True
    chord: int = 0
    """Nonzero and equal for the heads of one chord."""
    arpeggio_rank: int = 0
    """0: struck together; n: the n-th note after the first of a broken chord."""
    cents: float = 0.0
    """How far it is written from ``pitch`` (quarter tones, commas)."""
    instrument: str = ""
    """A key of the catalogue where it is known to be played on that, and not on the part's own instrument."""


@dataclass(slots=True)
class WrittenPart:
    """A part with its notes in order of measure, onset and print.

    ``program`` is a General MIDI program from 0, −1 where the file names none; ``has_lyrics`` tells a singer.
    ``pedals`` is from when to when the sustain pedal is down, in order.
    """

    name: str
    abbreviation: str
    notes: list[WrittenNote]
    instrument_name: str = ""
    program: int = -1
    percussion: bool = False
    has_lyrics: bool = False
    pedals: list[tuple[float, float]] = field(default_factory=list)


@dataclass(slots=True)
class WrittenMeasure:
    """A printed measure. ``groups`` is the printed grouping of an additive meter, e.g. ``(2, 3)`` in 2+3/8.

    ``volta`` holds the passes an ending bracket is for. ``end_repeat`` is how often the section sounds in all (0: no
    repeat sign). ``final_barline`` ends a section where the piece goes on (before a trio), a ``double_bar`` may;
    ``sharps`` is the key signature of the highest staff (flats are negative). ``marks`` holds navigation: segno, coda,
    to-coda, fine, da-capo, dal-segno, al-fine, al-coda, and what may stand for it: trio, tempo (a mark at its
    beginning), held (a fermata at its end).
    """

    start: float
    duration: float
    number: str
    numerator: int
    denominator: int
    groups: tuple[int, ...] = ()
    start_repeat: bool = False
    end_repeat: int = 0
    volta: frozenset[int] = frozenset()
    final_barline: bool = False
    double_bar: bool = False
    sharps: int = 0
    marks: frozenset[str] = frozenset()


@dataclass(slots=True)
class WrittenTempo:
    """A tempo mark. ``referent`` is the printed unit in quarters (2.0 for a half note), 0 where a word gave the tempo.

    Marks that are not ``structural`` shade the tempo (a program's hidden playback marks): the conductor keeps the unit
    of beating.
    """

    quarter: float
    measure: int
    quarter_bpm: float
    referent: float = 0.0
    structural: bool = True
    felt_bpm: float = 0.0
    """The tempo that decides the unit of beating where ``quarter_bpm`` is not to be trusted for it; 0: the same."""


@dataclass(frozen=True, slots=True)
class WrittenSwing:
    """From ``quarter`` on the first of two notes of ``unit_quarters`` takes ``share`` of their time (0.5: even)."""

    quarter: float
    share: float
    unit_quarters: float


@dataclass(slots=True)
class WrittenScore:
    """Everything a reader found. Marks are (quarter, measure index, text), fermatas (quarter, end, measure index)."""

    title: str
    composer: str
    parts: list[WrittenPart]
    measures: list[WrittenMeasure]
    tempos: list[WrittenTempo] = field(default_factory=list)
    rehearsal: list[tuple[float, int, str]] = field(default_factory=list)
    markings: list[tuple[float, int, str]] = field(default_factory=list)
    fermatas: list[tuple[float, float, int]] = field(default_factory=list)
    swings: list[WrittenSwing] = field(default_factory=list)
