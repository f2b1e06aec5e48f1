"""A score compiled to flat arrays: what every later stage reads.

``engine.notation.score_reader`` makes one from a file by music21; ``engine.notation.score_cache`` keeps it on disk.
Score time is in quarters from the start of the first measure, with repeats expanded; the conductor's beats are not
always quarters.
"""

import bisect
from dataclasses import dataclass, field
from enum import IntFlag

import numpy as np

from .types import ScoreNote


class NoteFlag(IntFlag):
    """How a note is marked."""

    NONE = 0
    STACCATO = 1
    STACCATISSIMO = 2
    TENUTO = 4
    ACCENT = 8
    MARCATO = 16
    SLURRED = 32
    """Under a slur and not its last note: connected to the next."""
    SLUR_START = 64
    PIZZICATO = 128
    TREMOLO = 256
    """Bowed or rolled tremolo, kept as one long note with this flag (measured tremolos are written out)."""
    GRACE = 512
    ORNAMENT = 1024
    """Not in the notation but realised from a trill, mordent, turn or arpeggio."""
    FERMATA = 2048
    MUTED = 4096
    DETACHED_LEGATO = 8192
    """Portato: staccato dots under a slur."""
    SFORZATO = 16384
    BREATH = 32768
    """A breath mark or a caesura comes after it."""


NOTE_DTYPE = np.dtype(
    [
        ("onset_quarter", "f8"),
        ("duration_quarter", "f8"),
        ("pitch", "u1"),
        ("part", "u2"),
        ("dynamic", "f4"),
        ("flags", "u4"),
        ("measure", "i4"),
        ("cents", "f4"),
        ("instrument", "u1"),
    ]
)
"""A sounding note. ``dynamic`` 0–1 from marks and hairpins (mf = 0.55), accents not included; ``measure`` indexes
``Score.measures``; ``cents`` is how far it is written from the equal-tempered pitch; ``instrument`` is 0 for the part's
own, n for the n-th of its ``doublings``. Rows are sorted by onset, then part, then pitch."""

UNPITCHED = frozenset({"percussion"})
"""Instruments whose notes have no pitch."""

MEASURE_DTYPE = np.dtype(
    [
        ("start_quarter", "f8"),
        ("duration_quarter", "f8"),
        ("number", "U8"),
        ("numerator", "i2"),
        ("denominator", "i2"),
    ]
)
"""A measure as played (repeats expanded); ``number`` is the printed one. A pickup is as long as it is."""

BEAT_DTYPE = np.dtype(
    [
        ("quarter", "f8"),
        ("duration_quarter", "f8"),
        ("measure", "i4"),
        ("beat", "i2"),
        ("beats_in_measure", "i2"),
    ]
)
"""A conductor's beat: ``beat`` counts from 1 in a full measure (a pickup's beats are its last ones). The first begins
before score time 0 where the score opens within it."""

TEMPO_DTYPE = np.dtype([("quarter", "f8"), ("quarter_bpm", "f8")])
"""A tempo mark in quarters per minute."""

FERMATA_DTYPE = np.dtype([("quarter", "f8"), ("end_quarter", "f8")])

PEDAL_DTYPE = np.dtype([("part", "u2"), ("quarter", "f8"), ("end_quarter", "f8")])
"""A part's sustain pedal is down from ``quarter`` to ``end_quarter``. Rows are sorted by part, then time; those of a
part do not overlap."""


@dataclass(frozen=True, slots=True)
class Part:
    """One written part. ``instrument`` is a key of ``assets/instruments.toml``; ``players`` how many desks or solo
    players the name asks for (0: a section, sized by the seating); ``doublings`` what they also play (a flautist the
    piccolo), at the same seats."""

    name: str
    abbreviation: str
    instrument: str
    players: int
    doublings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """A compiled score. The arrays are read-only; ``sha256`` is the hash of the file it came from."""

    title: str
    composer: str
    sha256: str
    parts: tuple[Part, ...]
    notes: np.ndarray
    measures: np.ndarray
    beats: np.ndarray
    tempos: np.ndarray
    fermatas: np.ndarray
    rehearsal: tuple[tuple[float, str], ...] = ()
    """Rehearsal marks: (quarter, text)."""
    markings: tuple[tuple[float, str], ...] = ()
    """Tempo and expression text as printed: (quarter, text)."""
    tempo_unit_quarters: tuple[float, ...] = ()
    """The printed note value of each of ``tempos`` in quarters (1.5 a dotted quarter); 0 where none is printed."""
    pedals: np.ndarray = field(default_factory=lambda: np.zeros(0, PEDAL_DTYPE))

    @property
    def begin_quarter(self) -> float:
        """Where the first beat begins: before 0 where the score opens within a beat, with an upbeat shorter than it."""
        return min(0.0, float(self.beats["quarter"][0])) if len(self.beats) else 0.0

    @property
    def end_quarter(self) -> float:
        """Where the last measure ends."""
        last = self.measures[-1]
        return float(last["start_quarter"] + last["duration_quarter"])

    def beat_to_quarter(self, beat: float) -> float:
        """Score time of a fractional conductor's beat; extrapolates with the first and last beat's length."""
        quarters = self.beats["quarter"]
        index = max(0, min(len(quarters) - 1, int(np.floor(beat))))
        return float(quarters[index] + (beat - index) * self.beats["duration_quarter"][index])

    def quarter_to_beat(self, quarter: float) -> float:
        """Inverse of ``beat_to_quarter``."""
        quarters = self.beats["quarter"]
        index = max(0, int(np.searchsorted(quarters, quarter, side="right")) - 1)
        return float(index + (quarter - quarters[index]) / self.beats["duration_quarter"][index])

    def measure_at(self, quarter: float) -> int:
        """Index of the measure that holds ``quarter``."""
        return max(0, int(np.searchsorted(self.measures["start_quarter"], quarter + 1e-9, side="right")) - 1)

    def quarter_bpm_at(self, quarter: float) -> float:
        """The marked tempo, quarters per minute."""
        index = bisect.bisect_right(self.tempos["quarter"].tolist(), quarter + 1e-9) - 1
        return float(self.tempos["quarter_bpm"][max(0, index)])

    def has_pitch(self, note: ScoreNote) -> bool:
        """Whether a note has a pitch, on what it is played on; that of a drum says which drum it is."""
        return (note.instrument or self.parts[note.part].instrument) not in UNPITCHED

    def pitched_notes(self) -> np.ndarray:
        """The rows of ``notes`` that have a pitch (``has_pitch``)."""
        drums = [
            (index, place)
            for index, part in enumerate(self.parts)
            for place, key in enumerate((part.instrument, *part.doublings))
            if key in UNPITCHED
        ]
        struck = np.zeros(len(self.notes), bool)
        for part, place in drums:
            struck |= (self.notes["part"] == part) & (self.notes["instrument"] == place)
        return self.notes[~struck]

    def notes_between(self, start_quarter: float, end_quarter: float) -> list[ScoreNote]:
        """Notes with onset in ``[start_quarter, end_quarter)``."""
        onsets = self.notes["onset_quarter"]
        rows = self.notes[np.searchsorted(onsets, start_quarter) : np.searchsorted(onsets, end_quarter)]
        return [
            ScoreNote(
                onset_quarter=float(row["onset_quarter"]),
                duration_quarter=float(row["duration_quarter"]),
                pitch=int(row["pitch"]),
                part=int(row["part"]),
                dynamic=float(row["dynamic"]),
                flags=int(row["flags"]),
                cents=float(row["cents"]),
                instrument=self.parts[row["part"]].doublings[row["instrument"] - 1] if row["instrument"] else "",
            )
            for row in rows
        ]
