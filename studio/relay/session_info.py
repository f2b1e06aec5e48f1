"""What a session is, for viewers: the facts of a snapshot that do not move, and a frame as the wire shows it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...engine.conducting.review import ideal_way
from ...engine.hall import SHOEBOX
from ...engine.instruments import catalogue
from ...engine.score import Part, Score
from ...engine.types import Frame, NoteEvent, PlayerPlacement, Pose, ScorePosition, TempoEstimate
from .protocol_values import (
    Applause,
    BeatInfo,
    Crossing,
    Event,
    FigureInfo,
    Ictus,
    KeyboardInfo,
    MarkingInfo,
    MeasureInfo,
    NoteOff,
    NoteOn,
    PartInfo,
    PlayerInfo,
    PoseInfo,
    PositionInfo,
    Signed,
    TempoInfo,
    TempoMarkInfo,
)

NOTE_ID_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """The piece, the orchestra and the hall, as viewers are told. ``audio_rate_hz`` 0 means no sound is streamed."""

    title: str
    composer: str
    parts: tuple[Part, ...]
    placements: tuple[PlayerPlacement, ...]
    measures: tuple[MeasureInfo, ...]
    beats: tuple[BeatInfo, ...] = ()
    rehearsal: tuple[tuple[float, str], ...] = ()
    markings: tuple[tuple[float, str], ...] = ()
    tempos: tuple[TempoMarkInfo, ...] = ()
    figures: tuple[FigureInfo, ...] = ()
    hall: str = ""
    picture: str = SHOEBOX
    audio_rate_hz: int = 0
    keyboard: KeyboardInfo | None = None
    """What viewers can play from the page."""

    @classmethod
    def of_score(
        cls,
        score: Score,
        placements: Sequence[PlayerPlacement],
        *,
        hall: str = "",
        picture: str = SHOEBOX,
        audio_rate_hz: int = 0,
        keyboard: KeyboardInfo | None = None,
    ) -> "SessionInfo":
        """The facts of a compiled score with its orchestra."""
        measures = tuple(
            MeasureInfo(
                start_quarter=float(row["start_quarter"]),
                duration_quarter=float(row["duration_quarter"]),
                number=str(row["number"]),
                numerator=_byte(row["numerator"]),
                denominator=_byte(row["denominator"]),
            )
            for row in score.measures
        )
        beats = tuple(
            BeatInfo(
                quarter=float(row["quarter"]),
                measure=int(row["measure"]),
                beat=_byte(row["beat"]),
                beats_in_measure=_byte(row["beats_in_measure"]),
            )
            for row in score.beats
        )
        return cls(
            title=score.title,
            composer=score.composer,
            parts=score.parts,
            placements=tuple(placements),
            measures=measures,
            beats=beats,
            rehearsal=score.rehearsal,
            markings=score.markings,
            tempos=tuple(TempoMarkInfo(float(row["quarter"]), float(row["quarter_bpm"])) for row in score.tempos),
            figures=figure_infos(beats),
            hall=hall,
            picture=picture,
            audio_rate_hz=audio_rate_hz,
            keyboard=keyboard,
        )

    @property
    def end_quarter(self) -> float:
        """Where the last measure ends."""
        return self.measures[-1].start_quarter + self.measures[-1].duration_quarter if self.measures else 0.0


def clip_text(text: str, max_bytes: int = 255) -> str:
    """The text's beginning, as much as a field of the wire holds; never half a character."""
    return text.encode("utf-8", "replace")[:max_bytes].decode("utf-8", "ignore")


def figure_infos(beats: Sequence[BeatInfo]) -> tuple[FigureInfo, ...]:
    """The ideal figures of all the meters in which a score is beaten."""
    counts = sorted({max(1, beat.beats_in_measure) for beat in beats})
    return tuple(FigureInfo(count, tuple((float(x), float(y)) for x, y in ideal_way(count))) for count in counts)


def part_infos(parts: Sequence[Part]) -> tuple[PartInfo, ...]:
    """Parts as the wire shows them; an instrument that the catalogue lacks has no family."""
    known = catalogue()
    return tuple(
        PartInfo(
            name=clip_text(part.name),
            abbreviation=clip_text(part.abbreviation),
            instrument=part.instrument,
            family=known[part.instrument].family if part.instrument in known else "",
        )
        for part in parts
    )


def player_infos(placements: Sequence[PlayerPlacement]) -> tuple[PlayerInfo, ...]:
    """Players as the wire shows them; an instrument that the catalogue lacks has no model."""
    known = catalogue()
    players = []
    for placement in placements:
        instrument = known.get(placement.instrument)
        players.append(
            PlayerInfo(
                player=placement.player,
                part=placement.part,
                section=clip_text(placement.section),
                instrument=placement.instrument,
                model=instrument.model if instrument else "",
                stance=instrument.stance if instrument else "seated",
                position_m=placement.position_m,
                heading_deg=placement.heading_deg,
                desk=placement.desk,
                gain_db=placement.gain_db,
                muted=placement.muted,
            )
        )
    return tuple(players)


def marking_infos(markings: Sequence[tuple[float, str]]) -> tuple[MarkingInfo, ...]:
    return tuple(MarkingInfo(quarter=quarter, text=clip_text(text)) for quarter, text in markings)


def position_info(position: ScorePosition) -> PositionInfo:
    return PositionInfo(
        time_s=position.time_s,
        beat=position.beat,
        quarter=position.quarter,
        quarter_rate=_finite(position.quarter_rate),
        bpm=_finite(position.bpm),
        beat_in_measure=position.beat_in_measure,
        measure=clip_text(position.measure),
        state=position.state,
    )


def tempo_info(tempo: TempoEstimate | None) -> TempoInfo | None:
    """None also where the estimate has no finite prediction yet."""
    if tempo is None or not all(map(math.isfinite, (tempo.beat_s, tempo.beat_period_s, tempo.next_beat_s))):
        return None
    return TempoInfo(
        beat_index=tempo.beat_index,
        beat_s=tempo.beat_s,
        beat_period_s=tempo.beat_period_s,
        next_beat_s=tempo.next_beat_s,
        confidence=_finite(tempo.confidence),
        stopped=tempo.stopped,
    )


def pose_infos(poses: Sequence[Pose]) -> tuple[PoseInfo, ...]:
    return tuple(
        PoseInfo(
            time_s=pose.time_s,
            device=pose.device,
            position_m=pose.position_m,
            orientation_wxyz=pose.orientation_wxyz,
        )
        for pose in poses
        if pose.valid
    )


def note_on(note: NoteEvent) -> NoteOn:
    return NoteOn(
        note_id=note.note_id & NOTE_ID_MASK,
        part=note.part,
        pitch=note.pitch,
        velocity=note.velocity,
        onset_s=note.onset_s,
        duration_s=_finite(note.duration_s),
        quarter=note.quarter,
        articulation=note.articulation,
        ai=note.source != "written",
    )


def events_of(frame: Frame) -> list[Event]:
    """What happened in a frame, in the order that viewers need: notes that end, notes that start, and last the ends of
    notes that start in this very frame (several steps merged into one)."""
    starting = {note.note_id & NOTE_ID_MASK for note in frame.notes}
    offs = [NoteOff(note_id=release.note_id & NOTE_ID_MASK, time_s=release.time_s) for release in frame.releases]
    events: list[Event] = [off for off in offs if off.note_id not in starting]
    events += map(note_on, frame.notes)
    events += [off for off in offs if off.note_id in starting]
    events += [
        Ictus(
            beat_index=beat.beat_index,
            time_s=beat.time_s,
            detected_s=beat.detected_s,
            stroke_m=_finite(beat.stroke_m),
            clarity=beat.clarity,
        )
        for beat in frame.beats
    ]
    events += [
        Crossing(
            beat_index=crossing.beat_index,
            time_s=crossing.time_s,
            quarter=crossing.quarter,
            beat=_byte(crossing.beat),
            bpm=_finite(crossing.bpm),
        )
        for crossing in frame.crossings
    ]
    events += [
        Signed(time_s=sign.time_s, sign=sign.kind, section=clip_text(sign.section or ""), amount=_finite(sign.amount))
        for sign in frame.signs
    ]
    if frame.applause is not None:
        events.append(Applause(frame.applause.begin_s, frame.applause.end_s, frame.applause.warmth))
    return events


def _finite(value: float) -> float:
    """A number that the wire may carry: 32 bits hold it."""
    return value if abs(value) < 3e38 else 0.0


def _byte(value: float) -> int:
    return max(0, min(255, int(value)))
