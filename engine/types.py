"""The values that the stages of a performance hand to each other, and the protocols at its edges.

All are immutable. Times (``_s``) are on the session clock (``engine.clock``). Positions of tracked devices
are in the tracking frame (OpenXR/OpenVR: metres, Y up, −Z forward, +X right); positions of players and of
the listener are in the hall frame (metres, Z up, +Y from the audience towards the back of the stage, origin
on the stage floor at the podium); ``engine.transforms`` converts. Quaternions are unit, ``wxyz``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from .audio.room import Room
    from .audio.source_field import Listener

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
Device = Literal["baton", "left", "head"]
DEVICES: tuple[Device, ...] = ("baton", "left", "head")


@dataclass(frozen=True, slots=True)
class Pose:
    """One sample of a tracked device, tracking frame. ``valid`` is False where tracking was lost."""

    time_s: float
    device: Device
    position_m: Vector
    orientation_wxyz: Quaternion | None = None
    valid: bool = True


@dataclass(frozen=True, slots=True)
class Beat:
    """An ictus recognised in the gesture.

    ``beat_index`` counts the conductor's beats of the score from 0; −1 is the preparatory beat. ``time_s`` is when
    the hand was at the ictus, ``detected_s`` when that was known, ``stroke_m`` the length of the stroke that led to
    it and ``clarity`` (0–1) how plain it was.
    """

    time_s: float
    detected_s: float
    beat_index: int
    stroke_m: float
    clarity: float


@dataclass(frozen=True, slots=True)
class TempoEstimate:
    """What is known of the conductor's tempo at ``time_s``.

    ``beat_s`` is when beat ``beat_index`` was (the gesture's own lag for that beat of the bar removed),
    ``beat_period_s`` the current beat period, ``next_beat_s`` the predicted time of beat ``beat_index + 1``,
    ``confidence`` 0–1. ``stopped`` is True while the baton rests.
    """

    time_s: float
    beat_index: int
    beat_s: float
    beat_period_s: float
    next_beat_s: float
    confidence: float
    stopped: bool = False


FollowState = Literal["waiting", "preparing", "playing", "coasting", "holding", "stopped", "ended"]


@dataclass(frozen=True, slots=True)
class ScorePosition:
    """Where the orchestra's playhead is.

    ``beat`` is the fractional index into the score's conductor's beats, ``quarter`` the same place in quarters
    (repeats expanded), ``quarter_rate`` its speed in quarters per second, ``bpm`` in conductor's beats per minute,
    ``measure`` the printed measure number and ``beat_in_measure`` counts from 1; where the piece is over it is still
    in the last beat.
    """

    time_s: float
    beat: float
    quarter: float
    quarter_rate: float
    bpm: float
    measure: str
    beat_in_measure: float
    state: FollowState


@dataclass(frozen=True, slots=True)
class BeatCrossing:
    """The playhead crossed a conductor's beat of the score: one row of ``beats.csv``.

    ``ictus_s`` is the gesture's ictus matched to the beat, None where the orchestra coasted. ``bpm`` is the tempo that
    was expected of the beat when it began; in what a take leaves behind, that at which it was played.
    """

    beat_index: int
    time_s: float
    quarter: float
    measure: str
    beat: int
    bpm: float
    ictus_s: float | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Dynamics:
    """What the gesture asks for: ``level`` 0–1 (0.5 = as written), ``articulation`` −1 legato … +1 staccato."""

    time_s: float
    level: float
    articulation: float


SignKind = Literal["cue", "raise", "hush", "hold", "cut_off"]
"""What hands and gaze say besides the beat: a section shall enter or come forward; more or less of it; hold the sound
(until the next beat or a cut-off); end it."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign that the conductor gave, recognised at ``time_s``.

    ``section`` is the section it was given to (``PlayerPlacement.section``), None the whole orchestra. ``amount`` is
    what a ``raise`` or ``hush`` asks for now, in parts of the dynamic range (0–1, negative softer), 0 for other kinds.
    """

    time_s: float
    kind: SignKind
    section: str | None = None
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class ScoreNote:
    """A note to be performed, in score time. ``pitch`` is the sounding MIDI number, ``dynamic`` 0–1.

    ``flags`` is an ``engine.score.NoteFlag``; ``source`` says who wrote it: ``"written"`` or ``"ai:MODEL"``.
    ``cents`` is how far it lies from the equal-tempered pitch. ``instrument`` is what it is played on where that is
    not the part's own (``Part.doublings``).
    """

    onset_quarter: float
    duration_quarter: float
    pitch: int
    part: int
    dynamic: float
    flags: int = 0
    source: str = "written"
    cents: float = 0.0
    instrument: str = ""


PERFORMER = "performer"
"""Source of notes that somebody beside the orchestra played; they are in no score."""

Articulation = Literal["sustain", "fast", "staccato", "tremolo", "pizzicato"]
"""Which layer of an instrument's samples a note wants."""


@dataclass(frozen=True, slots=True)
class NoteEvent:
    """A part's note as performed. ``duration_s`` is the expectation; a ``NoteRelease`` ends it.

    ``velocity`` 1–127 includes everything (marks, accents, conductor). Every player of the part plays it, each a
    little differently (``engine.audio.ensemble``); simultaneous notes of one part are shared out among its players.
    ``cents`` is how far the pitch lies from the equal-tempered one. ``instrument`` is what it is played on where that
    is not what the players' seats say.
    """

    note_id: int
    part: int
    onset_s: float
    duration_s: float
    pitch: int
    velocity: int
    articulation: Articulation
    quarter: float
    source: str = "written"
    cents: float = 0.0
    instrument: str = ""


@dataclass(frozen=True, slots=True)
class NoteRelease:
    """The end of a note that is sounding."""

    note_id: int
    time_s: float


@dataclass(frozen=True, slots=True)
class PlayerPlacement:
    """One player on the stage, hall frame.

    ``instrument`` is a key of ``assets/instruments.toml``. ``position_m`` is the floor under the player (z = riser),
    ``heading_deg`` where they face, counter-clockwise seen from above, 0 = +Y (as Panda3D's H); a player who faces
    the audience from the middle of the back has 180. ``desk`` counts from 0 at the front of the section.
    """

    player: int
    part: int
    section: str
    instrument: str
    position_m: Vector
    heading_deg: float
    desk: int
    gain_db: float = 0.0
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Applause:
    """The audience claps from ``begin_s`` to ``end_s``; ``warmth`` 0–1 is how much it liked what it heard."""

    begin_s: float
    end_s: float
    warmth: float


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything one ``step()`` of a performance produced; what scene, relay and recorder see."""

    index: int
    time_s: float
    position: ScorePosition
    tempo: TempoEstimate | None
    dynamics: Dynamics
    beats: tuple[Beat, ...] = ()
    crossings: tuple[BeatCrossing, ...] = ()
    notes: tuple[NoteEvent, ...] = ()
    releases: tuple[NoteRelease, ...] = ()
    signs: tuple[Sign, ...] = ()
    attention: str | None = None
    """The section that the conductor looks at or points to."""
    poses: tuple[Pose, ...] = field(default=())
    """The newest valid pose of each device."""
    solo: "SoloPosition | None" = None
    """Where the soloist is whom the orchestra accompanies."""
    applause: Applause | None = None
    """In the frame in which the audience makes up its mind to clap."""

    def pose_of(self, device: Device) -> Pose | None:
        """The newest valid pose of a device; None where it was not tracked yet."""
        return next((pose for pose in self.poses if pose.device == device and pose.valid), None)


@dataclass(frozen=True, slots=True)
class HeardNote:
    """A note that a performer beside the orchestra was heard to play: a learner with an instrument or a keyboard.

    It is told twice: when it is known (``duration_s`` None: it sounds still) and when it is over, with the same
    ``note_id``, the length, and the pitch as it was over the whole note. ``pitch`` is a fractional MIDI number,
    ``velocity`` 1–127, ``confidence`` 0–1.
    """

    note_id: int
    onset_s: float
    duration_s: float | None
    pitch: float
    velocity: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Situation:
    """What a player who answers hears and sees while the music goes on, beside the written notes.

    ``quarter`` is where the playhead is; what happens after it is not known yet. ``level`` and ``articulation`` are the
    gesture's (``Dynamics``). ``performed`` is what performers beside the orchestra have played since the music last
    began, in score time (``engine.performed``). ``awaiting`` are the parts that rest until they are cued.
    """

    quarter: float
    level: float = 0.5
    articulation: float = 0.0
    performed: tuple[ScoreNote, ...] = ()
    awaiting: frozenset[int] = frozenset()


SoloState = Literal["waiting", "following", "paused", "lost", "ended"]


@dataclass(frozen=True, slots=True)
class SoloPosition:
    """Where a soloist, who is heard, is in the score.

    ``quarter`` goes on in the soloist's tempo from the last note heard (``onset_quarter`` at ``onset_s``) up to the
    next one (``next_quarter``), which is expected at ``next_s`` (None: nothing was heard yet). ``period_s`` is seconds
    for a quarter. ``jumps`` counts how often the soloist went on at another place; ``confidence`` 0–1.
    """

    time_s: float
    state: SoloState
    quarter: float
    onset_s: float
    onset_quarter: float
    next_quarter: float
    next_s: float | None
    period_s: float
    confidence: float
    jumps: int


class PoseSource(Protocol):
    """Where gesture comes from: replayed take, mouse, page, headset. Never blocks."""

    def poll(self, now_s: float) -> Sequence[Pose]:
        """New poses with stamps up to ``now_s``, in order of time."""
        ...

    def close(self) -> None: ...


class PerformerSource(Protocol):
    """A performer who is heard: microphone, instrument or keyboard. Never blocks."""

    def poll(self, now_s: float) -> Sequence[HeardNote]:
        """Notes that became known or ended since the last call, in order."""
        ...

    def close(self) -> None: ...


class PartSource(Protocol):
    """Who plays a part: the written score, or an AI.

    The performance calls ``prepare`` for a window of score time about a beat ahead, and ``collect`` when the
    window is due. Neither blocks: an answer that is not ready is None, and the caller's fallback plays on.
    """

    @property
    def parts(self) -> frozenset[int]:
        """The score parts that this source answers."""
        ...

    def prepare(self, start_quarter: float, end_quarter: float, heard: Sequence[ScoreNote]) -> None:
        """Start thinking about ``[start_quarter, end_quarter)``.

        ``heard`` is what the other parts play up to the window's end.
        """
        ...

    def collect(self, start_quarter: float, end_quarter: float) -> Sequence[ScoreNote] | None:
        """The notes with onset in the window, or None when they are not ready."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class ResponsiveSource(PartSource, Protocol):
    """A part source that answers what happens meanwhile: it may think again about a window that it was asked for."""

    def heed(self, situation: Situation) -> None:
        """What is heard and seen now; called at every step, before ``prepare`` and ``collect``. Never blocks."""
        ...


class AudioOutput(Protocol):
    """Where performed notes become sound. Never blocks; errors of the device are reported, not raised, once open."""

    def submit(self, notes: Sequence[NoteEvent], releases: Sequence[NoteRelease]) -> None: ...

    def listen(self, head: Pose) -> None:
        """Move the listener's head (tracking frame)."""
        ...

    def place(self, placements: Sequence[PlayerPlacement]) -> None:
        """Move, mute or re-balance players while they play."""
        ...

    def sit(self, listener: "Listener | None") -> None:
        """Hear from a fixed seat from now on; None: with the head that is tracked, at the podium."""
        ...

    def enter(self, room: "Room", listener: "Listener | None", at_s: float = ...) -> None:
        """Play in another hall from session time ``at_s`` on, or when it is ready; hear from ``listener`` there."""
        ...

    def silence(self) -> None:
        """End every sounding note softly (stop, seek)."""
        ...

    def close(self) -> None: ...
