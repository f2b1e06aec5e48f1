"""Notes are performed, not just emitted: how loud, how long and in which manner a written note is played.

Sizes of the effects follow what performance research reports for orchestral and keyboard playing: downbeats and
accents a few dB up, weak notes under a slur slightly down (Friberg, Bresin & Sundberg, "Overview of the KTH rule
system for musical performance", Advances in Cognitive Psychology 2, 2006); detached notes between a third and four
fifths of their written length (Bresin & Umberto Battel, Journal of New Music Research 29, 2000).
"""

from dataclasses import dataclass

from .instruments import Family
from .score import NoteFlag
from .types import Articulation, Dynamics, ScoreNote
from .units import dynamic_to_velocity

CONDUCTOR_RANGE = 0.7
"""How far the gesture's size moves the dynamic from what is written, over its whole range 0–1."""

FAST_NOTE_S = 0.26
"""Bowed notes shorter than this take the layer with the quick attack."""

LEGATO_ASKED, MARCATO_ASKED, STACCATO_ASKED = -0.4, 0.2, 0.6
"""What the gesture asks for, from which on unmarked notes are played with another attack."""
SHORT_NOTE_S = 0.8
"""Longer notes are sustained whatever the gesture."""
MARCATO_ACCENT = 0.07
"""How much louder strong beats become at most when the gesture is sharp."""

SHORTEST_NOTE_S = 0.05
BREATH_S, BREATH_SHARE = 0.18, 0.5
"""A breath takes so much from the end of the note before it, at most this part of it."""


@dataclass(frozen=True, slots=True)
class PerformedNote:
    """What expression makes of a written note; ``sounding_quarter`` is how long it sounds, in score time."""

    velocity: int
    sounding_quarter: float
    articulation: Articulation


def metrical_weight(quarter: float, beat_start_quarter: float, beat_in_measure: int, beats_in_measure: int) -> float:
    """How strong a place in the bar is: 1 on the downbeat, 0.5 on a half-bar, 0.2 on other beats, 0 between beats.

    The ordering is that of Lerdahl & Jackendoff's metrical grid (A Generative Theory of Tonal Music, 1983).
    """
    if abs(quarter - beat_start_quarter) > 1e-6:
        return 0.0
    if beat_in_measure == 1:
        return 1.0
    return 0.5 if beats_in_measure % 2 == 0 and beat_in_measure == beats_in_measure // 2 + 1 else 0.2


def perform_note(
    note: ScoreNote, family: Family, dynamics: Dynamics, weight: float, quarter_rate: float, offset: float = 0.0
) -> PerformedNote:
    """Perform one note.

    ``weight`` is the ``metrical_weight`` of its onset, ``quarter_rate`` the tempo in quarters per second, and
    ``offset`` how much louder its part was asked to play than the others (parts of the dynamic range).
    """
    flags = NoteFlag(note.flags)
    return PerformedNote(
        velocity=dynamic_to_velocity(_loudness(note, flags, dynamics, weight) + offset),
        sounding_quarter=_sounding_quarter(note, flags, family, dynamics.articulation, quarter_rate),
        articulation=_articulation(
            flags, family, dynamics.articulation, note.duration_quarter / max(quarter_rate, 0.05)
        ),
    )


def _loudness(note: ScoreNote, flags: NoteFlag, dynamics: Dynamics, weight: float) -> float:
    level = note.dynamic + CONDUCTOR_RANGE * (dynamics.level - 0.5)
    if flags & NoteFlag.SFORZATO:
        level += 0.18
    elif flags & NoteFlag.MARCATO:
        level += 0.12
    elif flags & NoteFlag.ACCENT:
        level += 0.08
    level += (0.035 + MARCATO_ACCENT * max(0.0, dynamics.articulation)) * weight
    if flags & NoteFlag.SLURRED and not flags & NoteFlag.SLUR_START:
        level -= 0.015
    if flags & (NoteFlag.GRACE | NoteFlag.ORNAMENT):
        level -= 0.05
    if flags & NoteFlag.MUTED:
        level -= 0.08
    return min(1.0, max(0.02, level))


def _sounding_quarter(
    note: ScoreNote, flags: NoteFlag, family: Family, articulation: float, quarter_rate: float
) -> float:
    """Struck and plucked notes ring by themselves; blown, bowed and sung ones last as long as they are marked, and end
    for a breath."""
    written = note.duration_quarter
    if family in ("percussion", "plucked") or flags & NoteFlag.PIZZICATO:
        return written
    if flags & NoteFlag.DETACHED_LEGATO:
        share = 0.8
    elif flags & NoteFlag.STACCATISSIMO:
        share = 0.35
    elif flags & NoteFlag.STACCATO:
        share = 0.5
    elif flags & NoteFlag.SLURRED or flags & (NoteFlag.GRACE | NoteFlag.ORNAMENT):
        share = 1.0
    elif flags & (NoteFlag.TENUTO | NoteFlag.FERMATA | NoteFlag.TREMOLO):
        share = 0.98
    elif flags & NoteFlag.MARCATO:
        share = 0.75
    else:
        share = 0.92
    if share < 1.0 or articulation < 0.0:
        share -= (0.38 if articulation > 0.0 else 0.12) * articulation
    longest_quarter = written
    if flags & NoteFlag.BREATH:
        longest_quarter = max(BREATH_SHARE * written, written - BREATH_S * quarter_rate)
    shortest_quarter = min(longest_quarter, SHORTEST_NOTE_S * quarter_rate)
    return min(longest_quarter, max(shortest_quarter, share * written))


def _articulation(flags: NoteFlag, family: Family, asked: float, duration_s: float) -> Articulation:
    """Marks come first; on unmarked notes a sharp gesture is heard in the attack, a flowing one in fast notes too."""
    if flags & NoteFlag.PIZZICATO and family == "strings":
        return "pizzicato"
    if flags & NoteFlag.TREMOLO:
        return "tremolo"
    if flags & (NoteFlag.STACCATO | NoteFlag.STACCATISSIMO) and not flags & NoteFlag.DETACHED_LEGATO:
        return "staccato"
    if flags & (NoteFlag.SLURRED | NoteFlag.TENUTO):
        return "fast" if duration_s < FAST_NOTE_S else "sustain"
    if asked > STACCATO_ASKED and duration_s < SHORT_NOTE_S:
        return "staccato"
    crisp = SHORT_NOTE_S if asked > MARCATO_ASKED else FAST_NOTE_S if asked > LEGATO_ASKED else 0.6 * FAST_NOTE_S
    return "fast" if duration_s < crisp else "sustain"
