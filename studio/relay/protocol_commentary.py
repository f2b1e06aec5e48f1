"""Messages that tell what happens in the music: chords and why, what surprised the AI player, where a soloist is.

A part of the schema of ``studio.relay.protocol``.
"""

from dataclasses import dataclass
from typing import ClassVar

from ...engine.types import SoloState
from .protocol_values import Label, Title
from .wire import F32, F64, U8, U16


@dataclass(frozen=True, slots=True)
class ChordInfo:
    """A chord that sounds from ``quarter`` to ``end_quarter``: its Roman numeral in ``key``, why it is that, and the
    cadence that it ends (empty: none). ``measure`` and ``beat`` are the printed place where it begins."""

    quarter: F64
    end_quarter: F64
    measure: Label
    beat: U8
    numeral: Label
    key: Label
    why: Title
    cadence: Label


@dataclass(frozen=True, slots=True)
class Harmony:
    """The chords that sound between two places of the score, in order; they replace all that was told of it. Where
    an AI or a learner plays they are told when they were heard, else some bars ahead."""

    TAG: ClassVar[int] = 0x0E
    from_quarter: F64
    to_quarter: F64
    chords: tuple[ChordInfo, ...]


@dataclass(frozen=True, slots=True)
class InfluenceInfo:
    """A note before, and how much likelier (nats) it made the one that is explained."""

    part: U16
    quarter: F64
    pitch: U8
    nats: F32


@dataclass(frozen=True, slots=True)
class SurpriseInfo:
    """A note of an AI part, and how surprising it was to its model (nats). ``expected`` is the pitch that was likelier
    (0: none), at ``odds`` (0–1); ``because`` are the notes that spoke most for what was played (none: not asked)."""

    part: U16
    quarter: F64
    pitch: U8
    nats: F32
    expected: U8
    odds: F32
    because: tuple[InfluenceInfo, ...]


@dataclass(frozen=True, slots=True)
class Surprises:
    """How surprising the AI player's notes of a bar were to it; told when the bar is over. ``author`` is who wrote
    them, in words."""

    TAG: ClassVar[int] = 0x0F
    author: Label
    measure: Label
    from_quarter: F64
    to_quarter: F64
    notes: tuple[SurpriseInfo, ...]


@dataclass(frozen=True, slots=True)
class Solo:
    """Where the soloist is whom the orchestra accompanies, some times a second; the newest counts. ``part`` names what
    they play; ``apart_quarters`` is how far the orchestra is ahead of them (negative: behind)."""

    TAG: ClassVar[int] = 0x10
    part: Label
    state: SoloState
    quarter: F64
    measure: Label
    beat: U8
    bpm: F32
    confidence: F32
    apart_quarters: F32
