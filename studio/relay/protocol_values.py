"""What the messages of the protocol are made of: the records they carry, and the events of a performance.

The dataclasses are a part of the schema; ``studio.relay.protocol`` has the messages.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ...engine.types import Articulation, Device, FollowState, SignKind
from .wire import F32, F64, I32, U8, U16, U32, MaxBytes

MAX_NAME_CHARACTERS = 32

Name = Annotated[str, MaxBytes(4 * MAX_NAME_CHARACTERS)]
Label = Annotated[str, MaxBytes(255)]
Title = Annotated[str, MaxBytes(1000)]
Vector3 = tuple[F32, F32, F32]
Point2 = tuple[F32, F32]
Quaternion4 = tuple[F32, F32, F32, F32]
Codec = Literal["none", "opus", "pcm16"]
"""``opus``: one Opus packet; ``pcm16``: interleaved little-endian 16-bit samples."""


# --- parts of messages ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PartInfo:
    """A written part; ``instrument`` and ``family`` as in ``assets/instruments.toml``."""

    name: Label
    abbreviation: Label
    instrument: Label
    family: Label


@dataclass(frozen=True, slots=True)
class PlayerInfo:
    """A player on the stage (``engine.types.PlayerPlacement``) with the model that draws them."""

    player: U16
    part: U16
    section: Label
    instrument: Label
    model: Label
    stance: Literal["seated", "standing"]
    position_m: Vector3
    heading_deg: F32
    desk: U16
    gain_db: F32
    muted: bool


@dataclass(frozen=True, slots=True)
class MeasureInfo:
    """A measure as played, repeats expanded; ``number`` is the printed one."""

    start_quarter: F64
    duration_quarter: F32
    number: Label
    numerator: U8
    denominator: U8


@dataclass(frozen=True, slots=True)
class BeatInfo:
    """A conductor's beat of the score; ``beat`` counts from 1 in its measure (index ``measure``)."""

    quarter: F64
    measure: U16
    beat: U8
    beats_in_measure: U8


@dataclass(frozen=True, slots=True)
class TempoMarkInfo:
    """A tempo mark of the score, quarters per minute, from ``quarter`` on."""

    quarter: F64
    quarter_bpm: F32


@dataclass(frozen=True, slots=True)
class FigureInfo:
    """The ideal figure of a bar of ``beats``: a closed way of the right hand (right, up) from ictus to ictus, equally
    many points for each beat, in units of the stroke to the first beat (``engine.conducting.review.ideal_way``)."""

    beats: U8
    way: tuple[Point2, ...]


@dataclass(frozen=True, slots=True)
class MarkingInfo:
    """Printed text or a rehearsal mark at a place of the score."""

    quarter: F64
    text: Label


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What sound there is: rate in Hz, 2 channels; ``packet_samples`` in each packet (per channel). Rate 0: none."""

    rate_hz: U32
    packet_samples: U16


@dataclass(frozen=True, slots=True)
class PartSound:
    """How a part is heard: the levels of its section before the hall, dB relative to full scale (−120: silence), and
    whether all of its players were muted, or shall be heard alone."""

    peak_db: F32
    rms_db: F32
    muted: bool
    solo: bool


@dataclass(frozen=True, slots=True)
class KeyboardInfo:
    """What can be played from the page: an instrument by name, and its lowest and highest MIDI pitch."""

    instrument: Label
    low: U8
    high: U8


@dataclass(frozen=True, slots=True)
class ViewerInfo:
    """Someone who is connected. ``colour`` is 0xRRGGBB; ``host`` may always take the baton and control the concert."""

    viewer: U16
    name: Name
    colour: U32
    host: bool


@dataclass(frozen=True, slots=True)
class PositionInfo:
    """``engine.types.ScorePosition``: where the playhead was at ``time_s`` and how fast it goes."""

    time_s: F64
    beat: F64
    quarter: F64
    quarter_rate: F32
    bpm: F32
    beat_in_measure: F32
    measure: Label
    state: FollowState


@dataclass(frozen=True, slots=True)
class TempoInfo:
    """``engine.types.TempoEstimate``."""

    beat_index: I32
    beat_s: F64
    beat_period_s: F32
    next_beat_s: F64
    confidence: F32
    stopped: bool


@dataclass(frozen=True, slots=True)
class PoseInfo:
    """The newest pose of a tracked device, tracking frame; quaternion ``wxyz``."""

    time_s: F64
    device: Device
    position_m: Vector3
    orientation_wxyz: Quaternion4 | None


# --- events: reliable, numbered, in order ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NoteOn:
    """A part starts a note at ``onset_s`` (often some tens of ms ahead); ``duration_s`` is the expectation."""

    TAG: ClassVar[int] = 1
    note_id: U32
    part: U16
    pitch: U8
    velocity: U8
    onset_s: F64
    duration_s: F32
    quarter: F64
    articulation: Articulation
    ai: bool


@dataclass(frozen=True, slots=True)
class NoteOff:
    """A sounding note ends at ``time_s``."""

    TAG: ClassVar[int] = 2
    note_id: U32
    time_s: F64


@dataclass(frozen=True, slots=True)
class Ictus:
    """A beat recognised in the gesture (``engine.types.Beat``); it was known at ``detected_s``."""

    TAG: ClassVar[int] = 3
    beat_index: I32
    time_s: F64
    detected_s: F64
    stroke_m: F32
    clarity: F32


@dataclass(frozen=True, slots=True)
class Crossing:
    """The playhead crossed a conductor's beat of the score."""

    TAG: ClassVar[int] = 4
    beat_index: I32
    time_s: F64
    quarter: F64
    beat: U8
    bpm: F32


@dataclass(frozen=True, slots=True)
class Silence:
    """Every sounding note ends (stop, seek)."""

    TAG: ClassVar[int] = 5
    time_s: F64


@dataclass(frozen=True, slots=True)
class Signed:
    """A sign beside the beat (``engine.types.Sign``); an empty ``section`` is the whole orchestra."""

    TAG: ClassVar[int] = 6
    time_s: F64
    sign: SignKind
    section: Label
    amount: F32


@dataclass(frozen=True, slots=True)
class Applause:
    """The audience claps from ``begin_s`` to ``end_s``; ``warmth`` 0–1 is how much it liked it."""

    TAG: ClassVar[int] = 7
    begin_s: F64
    end_s: F64
    warmth: F32


Event = NoteOn | NoteOff | Ictus | Crossing | Silence | Signed | Applause
