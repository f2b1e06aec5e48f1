"""Offline performance: score and take in, folder of results out, faster than real time."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.progress import Progress

from ..engine.accompaniment import LEADS
from ..engine.audio.impulse_response import room_of
from ..engine.audio.side_outputs import output_maker
from ..engine.conducting.follow_style import FollowStyle
from ..engine.conducting.profile import ConductorProfile
from ..engine.conducting.tracking import Take, TakeSource, write_take
from ..engine.hall import Hall, read_hall
from ..engine.instruments import catalogue
from ..engine.intonation import EQUAL, Intonation
from ..engine.notation.score_cache import open_score
from ..engine.notation.score_source import find_score
from ..engine.outputs import check_folder, make_folder
from ..engine.performance import Performance
from ..engine.scheduler import LOOKAHEAD_S
from ..engine.score import Score
from ..engine.types import Frame, HeardNote, PlayerPlacement
from .ai.ai_choice import AiChoice
from .ai.ai_record import author_of
from .ensemble_setup import (
    ai_sources,
    check_beats,
    on_beats_of,
    parts_named,
    parts_on_cue,
    score_of_session,
    seat,
    soloist_named,
)
from .hall_choice import heard_from
from .heard_again import HeardAgain, seats_beside
from .hearing import Hearing
from .house import House
from .performer_file import PerformerReplay, PerformerSound, write_performer
from .results import Stage, write_results
from .session_file import Session, SessionHeader, SessionRecorder, read_session
from .session_waiting import without_waiting
from .sounds import check_soundfont

log = logging.getLogger(__name__)

STEP_S = 0.01
"""Step of the offline clock; a live session steps at the display's rate."""

AFTER_TAKE_S = 8.0
"""How long the orchestra may go on after the baton's last sample: it coasts, then stops."""

OFFLINE_PATIENCE_S = 60.0
"""How long the AI player may think about a beat when there is no clock to miss."""


@dataclass(frozen=True, slots=True)
class RenderJob:
    """What to render. ``sounds``, ``seating`` and ``hall`` as on the command line; ``ai_parts`` are names of parts;
    ``profile`` is what is known of the conductor and ``style`` how the orchestra follows,
    ``tuning`` how it is tuned."""

    score: str
    take: Take
    out: Path
    ai_parts: tuple[str, ...] = ()
    ai: AiChoice = field(default_factory=AiChoice)
    on_cue: tuple[str, ...] = ()
    """Sections or parts that rest until they are cued."""
    sounds: str | None = None
    seating: str | None = None
    hall: str = "musikverein"
    seed: int = 0
    profile: ConductorProfile | None = None
    style: FollowStyle | None = None
    tuning: Intonation = EQUAL
    hearing: Hearing = field(default_factory=Hearing)
    formats: tuple[str, ...] = ()
    """Formats of sound to write beside the binaural file."""
    stems: bool = False
    solo: str | None = None
    """The part that ``performer``, whole notes in order, plays; ``lead`` as of a ``Soloist``. Without a performer it is
    left out, and the conductor leads."""
    performer: tuple[HeardNote, ...] = ()
    lead: float = LEADS["soloist"]


def render(job: RenderJob, bars: Progress) -> dict[str, Any]:
    """Perform and write everything into ``job.out``; the figures of ``report.json``.

    Raises the named errors of the stages; a folder that cannot be written to is an ``OutputError``.
    """
    hall = read_hall(job.hall)
    _check_sound(hall, job.hearing, job.sounds, job.formats)
    check_folder(job.out)
    reading = bars.add_task("Reading the score", total=1)
    score_path = find_score(job.score)
    score, start_beat = on_beats_of(job.take, open_score(score_path))
    bars.update(reading, completed=1)
    placements = seat(score, job.seating, hall)
    answered = parts_named(score, job.ai_parts)
    soloist = soloist_named(score, job.solo, job.lead if job.performer else LEADS["conductor"])
    heard = bool(job.performer) and soloist is None
    sources = ai_sources(
        score,
        answered,
        job.seed,
        OFFLINE_PATIENCE_S,
        wish=job.ai.wish,
        performer=heard,
        turns=job.ai.turns(answered),
        weights=job.ai.weights,
    )
    stage = Stage(
        score,
        score_path,
        placements,
        hall,
        job.hall,
        job.seed,
        job.sounds,
        tuple(score.parts[part].name for part in answered),
        job.hearing.settings(hall, placements, job.seed),  # refuses a seat that is not there
        job.formats,
        job.stems,
    )
    ai = author_of(score, sources)
    stage = replace(stage, ai=ai, heard=job.performer)
    header = SessionHeader.of(score, score_path, placements, job.hall, job.seed, ai)
    performance = Performance(
        score,
        sources,
        start_beat,
        placements,
        awaiting_cue=parts_on_cue(score, placements, job.on_cue),
        profile=job.profile,
        style=job.style,
        tuning=job.tuning,
        soloist=soloist,
    )
    played, sound = PerformerReplay(job.performer), None
    if soloist is not None and job.performer:
        solo_part = min(soloist.parts)
        sound = PerformerSound(job.performer, solo_part, *catalogue()[score.parts[solo_part].instrument].range)
    try:
        with SessionRecorder(job.out / "session.mcap", header) as recorder:
            task = bars.add_task("Performing", total=max(job.take.end_s, played.end_s) - job.take.start_s)

            def show(done_s: float) -> None:
                bars.update(task, completed=done_s)

            frames = perform_offline(performance, job.take, recorder, show, played, sound)
    finally:
        performance.close()
    return write_results(job.out, stage, frames, performance.book.missed, bars)


def perform_offline(
    performance: Performance,
    take: Take,
    recorder: SessionRecorder | None = None,
    show: Callable[[float], None] | None = None,
    performer: PerformerReplay | None = None,
    sound: PerformerSound | None = None,
) -> Sequence[Frame]:
    """Every frame of a take conducted from its first sample until the music is over.

    ``performer`` is heard by the performance; ``sound`` makes their notes part of the frames.
    """
    source = TakeSource(take)
    start_s, end_s = take.start_s, max(take.end_s, performer.end_s if performer is not None else take.end_s)
    frames: list[Frame] = []
    while True:
        now_s = start_s + len(frames) * STEP_S
        poses = source.poll(now_s)
        heard = performer.poll(now_s) if performer is not None else ()
        frame = performance.step(now_s, poses, heard)
        if sound is not None:
            notes, releases = sound.until(now_s + LOOKAHEAD_S, frame.position.quarter)
            frame = replace(frame, notes=(*frame.notes, *notes), releases=(*frame.releases, *releases))
        frames.append(frame)
        if recorder is not None:
            recorder.write_poses(poses)
            for note in heard:
                recorder.write_heard(note)
            recorder.write_frame(frame)
        if show is not None and len(frames) % 100 == 0:
            show(min(now_s, end_s) - start_s)
        over = performance.ended and (performer is None or now_s >= performer.end_s)
        if over or now_s > end_s + AFTER_TAKE_S:
            break
    if show is not None:
        show(end_s - start_s)
    source.close()
    return frames


def export_session(path: Path, out: Path, sounds: str | None, bars: Progress) -> dict[str, Any]:
    """Everything ``render`` writes, from a recorded session, and the take it was conducted with.

    Long waiting before and after the music is left out, and all files share the clock that begins with what is kept.
    """
    check_soundfont(sounds)
    session = without_waiting(read_session(path))
    make_folder(out)
    if not session.complete:
        log.warning("%s was cut off: exporting what it holds", path)
    if session.poses:
        write_take(out / "take.csv", Take(session.poses, {"score": session.header.title}))
    if session.heard:
        write_performer(out / "heard.csv", session.heard)
    (copied, score), learner = score_of_session(session, out), HeardAgain.of(session)
    check_beats(session, score)
    header = session.header
    hall = read_hall(header.hall)
    stage = Stage(
        score,
        copied,
        header.placements,
        hall,
        header.hall,
        header.seed,
        sounds,
        tuple(name for name in header.ai.get("ai-parts", "").split(", ") if name),
        Hearing().settings(hall, header.placements, header.seed),
        reseatings=session.reseatings,
        seats=heard_from(session),
        house=_house_of(session, score, seats_beside(learner, ())),
        ai=header.ai,
        heard=session.heard,
        learner=learner,
    )
    return write_results(out, stage, list(session.frames), 0, bars)


def _house_of(session: Session, score: Score, beside: Sequence[PlayerPlacement]) -> House | None:
    """The audience of a session in which it clapped."""
    if not any(frame.applause is not None for frame in session.frames):
        return None
    return House.of(read_hall(session.header.hall), (*session.header.placements, *beside), len(score.parts))


def _check_sound(hall: Hall, hearing: Hearing, sounds: str | None, formats: Sequence[str]) -> None:
    """Say what is wrong with the choice of sound before minutes are spent."""
    hearing.check()
    room_of(hall)
    check_soundfont(sounds)
    output_maker({name: Path(name) for name in formats if name != "binaural"}, None)
