"""What the relay and its viewers say to each other: protocol ``tutti.v2``.

What a viewer's hands say, how a phone is let in, what is told of the music and what pointing comes to stand in
``protocol_hands``, ``protocol_phone``, ``protocol_commentary`` and ``protocol_interaction``.

Every message is one binary WebSocket message: a byte that tells its kind (``TAG``), then its fields as
``studio.relay.wire`` lays them out (little-endian, packed). The dataclasses below are the schema.
``studio.relay.protocol_schema`` writes the page's end (``studio/web/src/generated/protocol.ts``) and the tables of
``docs/protocol.md`` from them; both ends are tested against ``tests/studio/protocol_vectors.json``. How a conversation
goes is told in ``docs/protocol.md``.

Times ``_s`` are on the session clock, as in ``engine.types``; ``client_s`` is a viewer's own clock. Positions of poses
are in the tracking frame, positions of players in the hall frame. A change that an older page would misread needs a
new version in ``SUBPROTOCOL``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ...engine.errors import ProtocolError
from .protocol_commentary import Harmony, Solo, Surprises
from .protocol_hands import Keys, Pointer, Poses, Tap
from .protocol_interaction import Interaction, Pointing
from .protocol_phone import Claim, Pair, Paired, PairingCode
from .protocol_values import (
    AudioInfo,
    BeatInfo,
    Codec,
    Event,
    FigureInfo,
    KeyboardInfo,
    Label,
    MarkingInfo,
    MeasureInfo,
    Name,
    NoteOn,
    PartInfo,
    PartSound,
    PlayerInfo,
    PoseInfo,
    PositionInfo,
    TempoInfo,
    TempoMarkInfo,
    Title,
    ViewerInfo,
)
from .wire import F32, F64, U16, U32, U64, decoder, encoder

SUBPROTOCOL = "tutti.v2"
WEBSOCKET_PATH = "/ws"
NOBODY = 0
"""In place of a viewer's id: nobody holds the baton."""
PODIUM = 0xFFFF
"""In place of a viewer's id: the baton is on the podium itself (headset, window or recorded take of the studio)."""
MAX_CLIENT_MESSAGE_BYTES = 16_384
MAX_SAMPLES = 256
"""Pointer samples or poses in one message."""

CLOSE_MALFORMED = 4000
CLOSE_VERSION = 4001
CLOSE_FLOOD = 4003
CLOSE_STALLED = 4004
CLOSE_FULL = 4005
CLOSE_NO_HELLO = 4006


# --- from the relay to a viewer -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is connected, who holds the baton (``NOBODY``, ``PODIUM`` or a viewer) and who asks for it, first come
    first. Sent whenever it changes; the newest replaces all before."""

    TAG: ClassVar[int] = 0x05
    baton_holder: U16
    requests: tuple[U16, ...]
    viewers: tuple[ViewerInfo, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole state: the first message to a viewer.

    ``viewer`` is the receiver's id. ``next_event`` is the number of the first event that is not in ``sounding``.
    ``relay_id`` differs after the relay was restarted. ``hall`` is the one that is heard, ``picture`` names the model
    that shows it (``models/halls/PICTURE.glb`` beside the page).
    """

    TAG: ClassVar[int] = 0x01
    relay_id: U32
    viewer: U16
    tick_hz: F32
    ack_window: U16
    title: Title
    composer: Title
    hall: Label
    picture: Label
    end_quarter: F64
    parts: tuple[PartInfo, ...]
    players: tuple[PlayerInfo, ...]
    measures: tuple[MeasureInfo, ...]
    beats: tuple[BeatInfo, ...]
    rehearsal: tuple[MarkingInfo, ...]
    markings: tuple[MarkingInfo, ...]
    tempos: tuple[TempoMarkInfo, ...]
    figures: tuple[FigureInfo, ...]
    audio: AudioInfo
    presence: Presence
    position: PositionInfo | None
    next_event: U32
    sounding: tuple[NoteOn, ...]
    keyboard: KeyboardInfo | None


@dataclass(frozen=True, slots=True)
class Tick:
    """The newest state of all lanes and the events since the last tick. Answer with ``Ack``, at the latest every third
    of ``ack_window``.

    The first event's number is ``first_event``; the next tick's is ``first_event + len(events)``. A viewer that was
    skipped gets ``Events`` or ``Sounding`` before its next tick, so that no number is missing or double.
    ``frame_s`` is the session time of the engine's newest step; ``attention`` the section that the conductor looks at
    or points to, empty where there is none.
    """

    TAG: ClassVar[int] = 0x02
    tick: U32
    frame_s: F64
    position: PositionInfo | None
    tempo: TempoInfo | None
    level: F32
    articulation: F32
    attention: Label
    poses: tuple[PoseInfo, ...]
    first_event: U32
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Events:
    """Events of ticks that were skipped for this viewer, complete and in order."""

    TAG: ClassVar[int] = 0x03
    first_event: U32
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Sounding:
    """What sounds now, in place of more missed events than are kept: forget all other notes."""

    TAG: ClassVar[int] = 0x04
    next_event: U32
    notes: tuple[NoteOn, ...]


@dataclass(frozen=True, slots=True)
class Pong:
    """Answer to ``Ping``: its stamp, and the session clock when it came in."""

    TAG: ClassVar[int] = 0x06
    client_s: F64
    server_s: F64


@dataclass(frozen=True, slots=True)
class Audio:
    """A packet of sound. ``first_sample`` counts from the session's start of sound (samples per channel); the
    first sample is due at ``time_s`` at the orchestra. A packet that does not follow its forerunner marks a gap."""

    TAG: ClassVar[int] = 0x07
    codec: Codec
    first_sample: U64
    time_s: F64
    samples: U16
    data: bytes


@dataclass(frozen=True, slots=True)
class Players:
    """All placements, after some were changed live."""

    TAG: ClassVar[int] = 0x08
    players: tuple[PlayerInfo, ...]


@dataclass(frozen=True, slots=True)
class HallShown:
    """The orchestra went to another hall: as in ``Snapshot``."""

    TAG: ClassVar[int] = 0x11
    hall: Label
    picture: Label


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the person, e.g. why a request was refused."""

    TAG: ClassVar[int] = 0x09
    text: Title


@dataclass(frozen=True, slots=True)
class SoundStatus:
    """How the sound does, some times a second; the newest replaces all before. ``device`` says in one line where it
    goes, ``warning`` what is wrong and what helps (empty: nothing). ``load`` is the share of a block's time that its
    computation takes; ``missed`` blocks came too late for the device. Levels are dB relative to full scale (−120:
    silence), ``limiting_db`` (≤ 0) what the limiter takes away, ``loudness_lufs`` that of the last 3 s; ``parts`` in
    the score's order."""

    TAG: ClassVar[int] = 0x0D
    device: Label
    warning: Label
    load: F32
    missed: U32
    latency_s: F32
    limiting_db: F32
    true_peak_db: F32
    loudness_lufs: F32
    parts: tuple[PartSound, ...]


# --- from a viewer to the relay -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """First message of a viewer, within five seconds. ``host_key`` is the ``#host=…`` of the page's address, or empty.
    The relay cleans the name and may number it."""

    TAG: ClassVar[int] = 0x41
    name: Name
    codec: Codec
    host_key: Label


@dataclass(frozen=True, slots=True)
class Ack:
    """The newest tick received and the end of the newest sound received (``first_sample + samples``; 0: none yet)."""

    TAG: ClassVar[int] = 0x42
    tick: U32
    audio_end: U64


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for the time; ``client_s`` comes back in ``Pong``."""

    TAG: ClassVar[int] = 0x43
    client_s: F64


@dataclass(frozen=True, slots=True)
class Baton:
    """``request`` it, ``release`` it (or withdraw a request), ``grant`` it to ``viewer`` (holder or host), ``take`` it
    (host only). ``viewer`` counts for ``grant`` alone."""

    TAG: ClassVar[int] = 0x46
    action: Literal["request", "release", "grant", "take"]
    viewer: U16


ControlAction = Literal["start", "stop", "seek", "gain", "mute", "cue", "solo"]


@dataclass(frozen=True, slots=True)
class Command:
    """Host or baton holder: ``start``, ``stop``; ``seek`` to measure index ``target``; ``gain`` of part ``target`` to
    ``value`` dB; ``mute`` part ``target`` (value 1) or not (0); ``cue`` the section looked at or pointed to; ``solo``
    as ``mute``: where anybody is solo, solos alone are heard."""

    TAG: ClassVar[int] = 0x47
    action: ControlAction
    target: U32
    value: F32


@dataclass(frozen=True, slots=True)
class Rename:
    """Change one's name."""

    TAG: ClassVar[int] = 0x48
    name: Name


@dataclass(frozen=True, slots=True)
class Listen:
    """Change the codec of the sound, or stop it (``none``)."""

    TAG: ClassVar[int] = 0x49
    codec: Codec


ServerMessage = (
    Snapshot
    | Tick
    | Events
    | Sounding
    | Presence
    | Pong
    | Audio
    | Players
    | HallShown
    | Notice
    | PairingCode
    | Paired
    | Interaction
    | SoundStatus
    | Harmony
    | Surprises
    | Solo
)
ClientMessage = (
    Hello | Ack | Ping | Pointer | Poses | Baton | Command | Rename | Listen | Tap | Keys | Pair | Claim | Pointing
)

Shown = SoundStatus | Harmony | Surprises | Solo
"""Messages of which the newest of each kind counts, also for those who come later."""

_encode_server, _decode_server = encoder(ServerMessage), decoder(ServerMessage)
_encode_event = encoder(Event)
_encode_client, _decode_client = encoder(ClientMessage), decoder(ClientMessage)


def encode_server(message: ServerMessage) -> bytes:
    """Bytes of a message to a viewer. Raises ``ProtocolError`` where a value does not fit its field."""
    return _encode_server(message)


def encode_event(event: Event) -> bytes:
    """Bytes of one event, for ``with_events``. Raises ``ProtocolError`` where a value does not fit its field."""
    return _encode_event(event)


def with_events(message: Tick | Events, events: Sequence[bytes]) -> bytes:
    """Bytes of a message whose ``events`` are empty, with these instead: an event is encoded once for all viewers.

    Rests on ``events`` being the last field of both. Raises ``ProtocolError`` for more than a list can hold.
    """
    if len(events) > 0xFFFF:
        raise ProtocolError(f"{len(events)} events in one message where 65535 are allowed")
    head = _encode_server(message)[:-2]
    return b"".join((head, len(events).to_bytes(2, "little"), *events))


def decode_server(data: bytes) -> ServerMessage:
    """A message from the relay. Raises ``ProtocolError``."""
    message: Any = _decode_server(data)
    return message


def encode_client(message: ClientMessage) -> bytes:
    """Bytes of a message to the relay. Raises ``ProtocolError`` where a value does not fit its field."""
    return _encode_client(message)


def decode_client(data: bytes) -> ClientMessage:
    """A viewer's message. Raises ``ProtocolError`` for anything but exactly one well-formed message."""
    message: Any = _decode_client(data)
    return message
