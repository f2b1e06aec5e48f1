"""Session files: everything that happened, written as it happens, read back exactly (MCAP, https://mcap.dev).

One JSON message per value on the channels ``/poses /beats /crossings /position /tempo /dynamics /notes /releases
/signs /attention /solo /applause /controls``, ``/heard`` for what a learner beside the orchestra played,
``/placements`` for players who were moved, muted or balanced anew, and raw Opus packets on
``/audio``; log time is nanoseconds of the session clock. The header, the seating and the score's own file are
attachments, so that a session needs nothing beside it. Chunks are small and flushed about twice a second: a killed
process loses less than a second, and a file without an end is read up to its last whole chunk.
"""

import json
import logging
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, get_type_hints

import zstandard
from mcap.exceptions import McapError
from mcap.records import Attachment, Channel, Message
from mcap.stream_reader import StreamReader
from mcap.writer import Writer

from ..engine.conducting.beat_grid import prevailing_beats
from ..engine.errors import SessionError
from ..engine.score import Part, Score
from ..engine.types import (
    Applause,
    Beat,
    BeatCrossing,
    Dynamics,
    Frame,
    HeardNote,
    NoteEvent,
    NoteRelease,
    PlayerPlacement,
    Pose,
    ScorePosition,
    Sign,
    SoloPosition,
    TempoEstimate,
)

log = logging.getLogger(__name__)

FORMAT_VERSION = 1
CHUNK_BYTES = 64 * 1024
FLUSH_EVERY_S = 0.5
RECORD_LIMIT_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Attention:
    """The conductor turned to another section (None: to nobody); written where it changes."""

    section: str | None


_CHANNELS: dict[str, type] = {
    "/poses": Pose,
    "/beats": Beat,
    "/crossings": BeatCrossing,
    "/position": ScorePosition,
    "/tempo": TempoEstimate,
    "/dynamics": Dynamics,
    "/notes": NoteEvent,
    "/releases": NoteRelease,
    "/signs": Sign,
    "/attention": Attention,
    "/solo": SoloPosition,
    "/applause": Applause,
}


@dataclass(frozen=True, slots=True)
class ControlEvent:
    """Something a person asked for in the session: start, stop, seek, balance, move a player."""

    time_s: float
    action: str
    value: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class Reseating:
    """Players who were moved, muted or balanced anew just before frame ``frame``: who changed, as they are then."""

    time_s: float
    frame: int
    placements: tuple[PlayerPlacement, ...]


@dataclass(frozen=True, slots=True)
class SessionHeader:
    """What a session is of. ``score_file`` is the name and content of the file it was read from."""

    title: str
    composer: str
    parts: tuple[Part, ...]
    placements: tuple[PlayerPlacement, ...]
    hall: str
    seed: int
    score_name: str
    score_bytes: bytes
    end_quarter: float
    measures: int
    beats_in_bar: int
    """How many beats most bars were beaten in: a take may beat at another level than the score suggests."""
    ai: dict[str, str] = field(default_factory=dict)
    """Who or what wrote the AI notes, with which seed and controls (``models.provenance``); empty without any."""
    learner: PlayerPlacement | None = None
    """Where a learner played beside the orchestra, and which instrument."""
    seat: str = "podium"
    """Where the listener sat at first (``engine.audio.listener_seats``)."""

    @classmethod
    def of(
        cls,
        score: Score,
        score_path: Path,
        placements: Sequence[PlayerPlacement],
        hall: str,
        seed: int,
        ai: dict[str, str] | None = None,
        learner: PlayerPlacement | None = None,
        seat: str = "podium",
    ) -> "SessionHeader":
        """The header of a session that plays ``score``, whose file travels along; ``ai`` as in the header."""
        return cls(
            title=score.title,
            composer=score.composer,
            parts=score.parts,
            placements=tuple(placements),
            hall=hall,
            seed=seed,
            score_name=score_path.name,
            score_bytes=score_path.read_bytes(),
            end_quarter=score.end_quarter,
            measures=len(score.measures),
            beats_in_bar=prevailing_beats(score),
            ai=ai or {},
            learner=learner,
            seat=seat,
        )


@dataclass(frozen=True, slots=True)
class AudioPacket:
    """One Opus packet; ``sample`` is the index of its first sample at 48 kHz."""

    sample: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Session:
    """A session read back. ``complete`` is False when the recording process died before it could close the file."""

    header: SessionHeader
    frames: tuple[Frame, ...]
    poses: tuple[Pose, ...]
    """Every sample of every device as it came in, in order of time."""
    controls: tuple[ControlEvent, ...]
    audio: tuple[AudioPacket, ...]
    complete: bool
    heard: tuple[HeardNote, ...] = ()
    """What a learner was heard to play; each note when it began (no duration yet) and when it was over."""
    reseatings: tuple[Reseating, ...] = ()
    """Who was moved, muted or balanced anew, in order of time."""


def _schema(kind: type) -> bytes:
    """JSON Schema of a flat dataclass, so that any MCAP tool can show the channel."""
    names = {float: "number", int: "integer", str: "string", bool: "boolean"}
    hints = get_type_hints(kind)
    properties = {
        field.name: {"type": names[hints[field.name]]} if hints[field.name] in names else {} for field in fields(kind)
    }
    return json.dumps({"title": kind.__name__, "type": "object", "properties": properties}).encode()


class SessionRecorder:
    """Writes a session. Use from one thread. A full disk ends the recording with one logged line, not the session."""

    def __init__(self, path: Path, header: SessionHeader) -> None:
        """Raises ``SessionError`` when the file, or its folder, cannot be made."""
        self.path = path
        self._flushed_s = -math.inf
        self._attention: str | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] | None = path.open("wb")
            self._writer = Writer(self._file, chunk_size=CHUNK_BYTES)
            self._start(header)
        except OSError as error:
            raise SessionError(f"{path}: cannot record there ({error.strerror}); choose another place") from error

    def _start(self, header: SessionHeader) -> None:
        self._writer.start(profile="tutti", library="tutti")
        kinds = {**_CHANNELS, "/controls": ControlEvent, "/heard": HeardNote, "/placements": Reseating}
        self._channels = {}
        for topic, kind in kinds.items():
            schema = self._writer.register_schema(kind.__name__, "jsonschema", _schema(kind))
            self._channels[topic] = self._writer.register_channel(topic, "json", schema)
        self._channels["/audio"] = self._writer.register_channel("/audio", "opus", 0, {"rate_hz": "48000"})
        description = asdict(header)
        description["format_version"] = FORMAT_VERSION
        del description["score_bytes"]
        self._attach("session.json", "application/json", json.dumps(description).encode())
        self._attach("score", "application/octet-stream", header.score_bytes)
        self._writer.flush()

    def _attach(self, name: str, media_type: str, data: bytes) -> None:
        self._writer.add_attachment(0, 0, name, media_type, data)

    def write_poses(self, poses: Sequence[Pose]) -> None:
        """Every sample that came in, before the step that uses it."""
        for pose in poses:
            self._write("/poses", pose.time_s, asdict(pose))

    def write_frame(self, frame: Frame) -> None:
        """What one step produced."""
        at_s, index = frame.time_s, frame.index
        self._write("/position", at_s, {"frame": index, **asdict(frame.position)})
        self._write("/dynamics", at_s, {"frame": index, **asdict(frame.dynamics)})
        if frame.tempo is not None:
            self._write("/tempo", at_s, {"frame": index, **asdict(frame.tempo)})
        if frame.solo is not None:
            self._write("/solo", at_s, {"frame": index, **asdict(frame.solo)})
        if frame.applause is not None:
            self._write("/applause", at_s, {"frame": index, **asdict(frame.applause)})
        lanes = (("/beats", frame.beats), ("/crossings", frame.crossings), ("/notes", frame.notes))
        for topic, values in (*lanes, ("/releases", frame.releases), ("/signs", frame.signs)):
            for value in values:
                self._write(topic, at_s, {"frame": index, **asdict(value)})
        if frame.attention != self._attention:
            self._attention = frame.attention
            self._write("/attention", at_s, {"frame": index, "section": frame.attention})
        if at_s - self._flushed_s >= FLUSH_EVERY_S:
            self._flushed_s = at_s
            self._guard(self._writer.flush)

    def write_control(self, control: ControlEvent) -> None:
        self._write("/controls", control.time_s, asdict(control))

    def write_heard(self, note: HeardNote) -> None:
        self._write("/heard", note.onset_s + (note.duration_s or 0.0), asdict(note))

    def write_reseating(self, reseating: Reseating) -> None:
        """Before the frame that hears and sees it first."""
        self._write("/placements", reseating.time_s, asdict(reseating))

    def write_audio(self, time_s: float, packet: AudioPacket) -> None:
        data = packet.sample.to_bytes(8, "little") + packet.data
        self._message("/audio", time_s, data)

    def _write(self, topic: str, time_s: float, value: dict[str, Any]) -> None:
        self._message(topic, time_s, json.dumps(value, separators=(",", ":")).encode())

    def _message(self, topic: str, time_s: float, data: bytes) -> None:
        at_ns = max(0, round(time_s * 1e9))
        self._guard(lambda: self._writer.add_message(self._channels[topic], at_ns, data, at_ns))

    def _guard(self, action: Any) -> None:
        """The disk is an edge: losing it must not stop the music."""
        if self._file is None:
            return
        try:
            action()
        except OSError as error:
            log.error("%s: recording stopped (%s); what was written so far is kept", self.path, error.strerror)
            file, self._file = self._file, None
            try:
                file.close()
            except OSError as again:
                log.error("%s: the last half second was lost (%s)", self.path, again.strerror)

    def close(self) -> None:
        """What the writer and the file still hold is written; a disk that is full by now is told in a line."""
        self._guard(self._finish)
        self._file = None

    def _finish(self) -> None:
        self._writer.finish()
        assert self._file is not None
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_session(path: Path) -> Session:
    """Read a session file, whole or cut off. Raises ``SessionError`` when it is not one."""
    header: SessionHeader | None = None
    description: dict[str, Any] | None = None
    score_bytes: bytes | None = None
    topics: dict[int, str] = {}
    rows: dict[str, list[Any]] = {topic: [] for topic in (*_CHANNELS, "/controls", "/heard", "/placements")}
    audio: list[AudioPacket] = []
    complete = True
    try:
        with path.open("rb") as file:
            for record in _records(StreamReader(file, record_size_limit=RECORD_LIMIT_BYTES)):
                if record is None:
                    complete = False
                elif isinstance(record, Channel):
                    topics[record.id] = record.topic
                elif isinstance(record, Attachment) and record.name == "session.json":
                    description = json.loads(record.data)
                elif isinstance(record, Attachment) and record.name == "score":
                    score_bytes = record.data
                elif isinstance(record, Message) and topics.get(record.channel_id) == "/audio":
                    audio.append(AudioPacket(int.from_bytes(record.data[:8], "little"), record.data[8:]))
                elif isinstance(record, Message) and topics.get(record.channel_id) in rows:
                    rows[topics[record.channel_id]].append(json.loads(record.data))
        if description is not None and score_bytes is not None:
            header = _header(description, score_bytes)
        if header is None:
            raise SessionError(f"{path}: not a session of Tutti (its header is missing)")
        return Session(
            header=header,
            frames=tuple(_frames(rows)),
            poses=tuple(_pose(row) for row in rows["/poses"]),
            controls=tuple(ControlEvent(**row) for row in rows["/controls"]),
            audio=tuple(audio),
            complete=complete,
            heard=tuple(HeardNote(**row) for row in rows["/heard"]),
            reseatings=tuple(
                Reseating(row["time_s"], row["frame"], _placements(row["placements"])) for row in rows["/placements"]
            ),
        )
    except OSError as error:
        raise SessionError(f"{path}: cannot be read ({error.strerror})") from error
    except (McapError, ValueError, TypeError, KeyError) as error:
        reason = f" ({error})" if str(error) else ""
        raise SessionError(f"{path}: not a session of Tutti (.mcap), or damaged{reason}") from error


def _records(reader: StreamReader) -> Iterator[Any]:
    """The records of the file; a final None when the end is missing (the recorder was killed)."""
    records = iter(reader.records)
    started = False
    while True:
        try:
            record = next(records)
        except StopIteration:
            return
        except (McapError, struct.error, zstandard.ZstdError):
            if not started:
                raise
            yield None
            return
        started = True
        yield record


def _header(description: dict[str, Any], score_bytes: bytes) -> SessionHeader:
    version = description.pop("format_version")
    if version != FORMAT_VERSION:
        raise ValueError(f"format {version}, this program reads format {FORMAT_VERSION}")
    description["parts"] = tuple(
        Part(**{**row, "doublings": tuple(row.get("doublings", ()))}) for row in description["parts"]
    )
    description["placements"] = _placements(description["placements"])
    if description.get("learner") is not None:
        (description["learner"],) = _placements([description["learner"]])
    return SessionHeader(score_bytes=score_bytes, **description)


def _placements(rows: Sequence[dict[str, Any]]) -> tuple[PlayerPlacement, ...]:
    return tuple(PlayerPlacement(**{**row, "position_m": tuple(row["position_m"])}) for row in rows)


def _pose(row: dict[str, Any]) -> Pose:
    orientation = row.pop("orientation_wxyz")
    position = row.pop("position_m")
    return Pose(position_m=tuple(position), orientation_wxyz=None if orientation is None else tuple(orientation), **row)


def _frames(rows: dict[str, list[Any]]) -> Iterator[Frame]:
    """Frames put together again; each carries the newest valid pose of every device at its time."""
    by_frame: dict[str, dict[int, list[Any]]] = {}
    for topic, kind in _CHANNELS.items():
        if topic != "/poses":
            lane = by_frame.setdefault(topic, {})
            for row in rows[topic]:
                lane.setdefault(row.pop("frame"), []).append(kind(**row))
    poses = [_pose(dict(row)) for row in rows["/poses"]]
    newest: dict[str, Pose] = {}
    attention: str | None = None
    seen = 0
    for index in sorted(by_frame["/position"]):
        position = by_frame["/position"][index][0]
        while seen < len(poses) and poses[seen].time_s <= position.time_s:
            if poses[seen].valid:
                newest[poses[seen].device] = poses[seen]
            seen += 1
        for turned in by_frame["/attention"].get(index, ()):
            attention = turned.section
        yield Frame(
            index=index,
            time_s=position.time_s,
            position=position,
            tempo=next(iter(by_frame["/tempo"].get(index, ())), None),
            dynamics=by_frame["/dynamics"][index][0] if index in by_frame["/dynamics"] else Dynamics(0.0, 0.5, 0.0),
            beats=tuple(by_frame["/beats"].get(index, ())),
            crossings=tuple(by_frame["/crossings"].get(index, ())),
            notes=tuple(by_frame["/notes"].get(index, ())),
            releases=tuple(by_frame["/releases"].get(index, ())),
            signs=tuple(by_frame["/signs"].get(index, ())),
            attention=attention,
            poses=tuple(newest.values()),
            solo=next(iter(by_frame["/solo"].get(index, ())), None),
            applause=next(iter(by_frame["/applause"].get(index, ())), None),
        )
