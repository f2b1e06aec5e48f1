"""Offline performance: score and take in, folder of results out, faster than real time.

The performance itself takes seconds; the sound takes most of the time and the picture is drawn beside it.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any

from rich.progress import Progress

from ..engine.accompaniment import LEADS
from ..engine.audio.audio_messages import Sit
from ..engine.audio.impulse_response import room_of
from ..engine.audio.offline import AudioCue, cue_from_frame, render_wav
from ..engine.audio.side_outputs import output_maker
from ..engine.audio.source_field import Listener
from ..engine.conducting.beat_grid import beaten_as
from ..engine.conducting.follow_style import FollowStyle
from ..engine.conducting.profile import ConductorProfile
from ..engine.conducting.tracking import Take, TakeSource, write_take
from ..engine.errors import ModelError, SceneError, ScoreError
from ..engine.hall import Hall, read_hall
from ..engine.instruments import catalogue
from ..engine.intonation import EQUAL, Intonation
from ..engine.notation.score_cache import open_score
from ..engine.notation.score_source import find_score
from ..engine.performance import Performance
from ..engine.scheduler import LOOKAHEAD_S
from ..engine.score import Score
from ..engine.sounds.sound_set import SoundSet
from ..engine.types import BeatCrossing, Frame, HeardNote, PlayerPlacement
from ..models.provenance import Provenance
from ..scenes.picture import draw_stage
from .ai.ai_choice import AiChoice
from .ai.ai_record import AI, answered_score, author_of, copied, with_check
from .ai.answer_report import AnswerReport, report_answers
from .ai.part_files import write_musicxml as write_marked_musicxml
from .conducting_report import look_back
from .ensemble_setup import ai_sources, parts_named, parts_on_cue, score_of_session, seat, soloist_named, sound_loader
from .exports import write_beats_csv, write_notes_csv
from .heard_again import HeardAgain, seats_beside
from .hearing import Hearing
from .house import House
from .listening_seat import seat_changes
from .measure import measure_wav
from .midi_export import KeyChange, write_midi
from .musicxml_export import write_musicxml
from .outputs import check_folder
from .performance_log import PerformanceLog, PlayedNote
from .performer_file import PerformerReplay, PerformerSound, write_performer
from .report import ReportInput, write_report
from .reseating import reseated
from .session_file import Reseating, Session, SessionHeader, SessionRecorder, read_session
from .sounds import check_soundfont
from .source_score import key_changes, read_source
from .still_sounding import StillSounding
from .tempo_map import conducted_passes

log = logging.getLogger(__name__)

STEP_S = 0.01
"""Step of the offline clock; a live session steps at the display's rate."""

AFTER_TAKE_S = 8.0
"""How long the orchestra may go on after the baton's last sample: it coasts, then stops."""

OFFLINE_PATIENCE_S = 60.0
"""How long the AI player may think about a beat when there is no clock to miss."""

LATE_START_S = 60.0
"""A take whose clock starts later than this (e.g. time of day) gets a WAV that starts with the take."""


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


@dataclass(frozen=True, slots=True)
class _Stage:
    """What sound, picture and report need beside the performance."""

    score: Score
    score_path: Path
    placements: tuple[PlayerPlacement, ...]
    hall: Hall
    hall_name: str
    seed: int
    sounds: str | None
    ai_parts: tuple[str, ...] = ()
    hearing: Hearing = field(default_factory=Hearing)
    formats: tuple[str, ...] = ()
    stems: bool = False
    reseatings: tuple[Reseating, ...] = ()
    seats: tuple[tuple[float, Listener | None], ...] = ()
    """When the listener sat down elsewhere."""
    house: House | None = None
    """Who claps, where somebody did."""
    ai: dict[str, str] = field(default_factory=dict)
    """Who or what wrote the AI notes (``models.provenance``)."""
    heard: tuple[HeardNote, ...] = ()
    """What a learner played."""
    learner: HeardAgain | None = None
    """The learner who is heard beside the orchestra."""

    @property
    def beside(self) -> tuple[PlayerPlacement, ...]:
        """Who is heard beside the orchestra: a learner, and the audience."""
        return seats_beside(self.learner, self.house.seats if self.house is not None else ())

    @property
    def at_last(self) -> tuple[PlayerPlacement, ...]:
        """The players as they sat in the end."""
        return reduce(lambda seats, change: reseated(seats, change.placements), self.reseatings, self.placements)


def render(job: RenderJob, bars: Progress) -> dict[str, Any]:
    """Perform and write everything into ``job.out``; the figures of ``report.json``.

    Raises the named errors of the stages; a folder that cannot be written to is an ``OutputError``.
    """
    hall = read_hall(job.hall)
    _check_sound(hall, job.hearing, job.sounds, job.formats)
    check_folder(job.out)
    reading = bars.add_task("Reading the score", total=1)
    score_path = find_score(job.score)
    score, start_beat = beaten_as(open_score(score_path), job.take.metadata)
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
    stage = _Stage(
        score,
        score_path,
        placements,
        hall,
        job.hall,
        job.seed,
        job.sounds,
        tuple(score.parts[part].name for part in answered),
        job.hearing,
        job.formats,
        job.stems,
    )
    job.hearing.settings(hall, placements, job.seed)  # refuses a seat that is not there
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
    return _write_results(job.out, stage, frames, performance.book.missed, bars)


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
    """Everything ``render`` writes, from a recorded session, and the take it was conducted with."""
    check_soundfont(sounds)
    session = read_session(path)
    check_folder(out)
    if not session.complete:
        log.warning("%s was cut off: exporting what it holds", path)
    if session.poses:
        write_take(out / "take.csv", Take(session.poses, {"score": session.header.title}))
    if session.heard:
        write_performer(out / "heard.csv", session.heard)
    (copied, score), learner = score_of_session(session, out), HeardAgain.of(session)
    header = session.header
    stage = _Stage(
        score,
        copied,
        header.placements,
        read_hall(header.hall),
        header.hall,
        header.seed,
        sounds,
        tuple(name for name in header.ai.get("ai-parts", "").split(", ") if name),
        reseatings=session.reseatings,
        seats=seat_changes(session),
        house=_house_of(session, score, seats_beside(learner, ())),
        ai=header.ai,
        heard=session.heard,
        learner=learner,
    )
    return _write_results(out, stage, list(session.frames), 0, bars)


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


def _write_results(out: Path, stage: _Stage, frames: Sequence[Frame], missed: int, bars: Progress) -> dict[str, Any]:
    played = PerformanceLog()
    played.extend(frames)
    notes, crossings = played.played(), played.crossings()
    write_beats_csv(out / "beats.csv", crossings)
    write_notes_csv(out / "notes.csv", notes, stage.score.parts)
    _write_notation(out, stage, notes, crossings, _late_start_s(frames))
    ai, answers = _write_answers(out, stage, notes, crossings)
    with ThreadPoolExecutor(max_workers=1) as beside:
        picture = beside.submit(
            draw_stage,
            stage.at_last,
            out / "stage.png",
            title=stage.score.title,
            composer=stage.score.composer,
            hall=stage.hall_name,
        )
        sound_set = _sounds_with_progress(stage, bars)
        wav = out / "performance.wav"
        rendering = bars.add_task("Rendering the sound", total=played.end_s - played.start_s)
        render_wav(
            wav,
            (*stage.placements, *stage.beside),
            sound_set,
            room_of(stage.hall),
            _cues(frames, stage),
            settings=stage.hearing.settings(stage.hall, stage.placements, stage.seed),
            progress=lambda done_s: bars.update(rendering, completed=done_s),
            formats={name: out / f"performance-{name}.wav" for name in stage.formats if name != "binaural"},
            stems=out / "stems" if stage.stems else None,
        )
        drawn = _drawn(picture, out / "stage.png", bars)
    reporting = bars.add_task("Measuring and reporting", total=2)
    sound = measure_wav(wav)
    bars.update(reporting, completed=1)
    report = ReportInput(
        score=stage.score,
        placements=stage.placements,
        notes=notes,
        crossings=crossings,
        conducting=look_back(stage.score, frames, crossings),
        duration_s=played.end_s - played.start_s,
        sound=sound,
        wav=wav,
        sound_set=sound_set.name,
        seed=stage.seed,
        missed_windows=missed,
        ai_parts=stage.ai_parts,
        ai=ai,
        answers=answers,
    )
    numbers = write_report(out, report, drawn)
    bars.update(reporting, completed=2)
    return numbers


def _write_notation(
    out: Path, stage: _Stage, notes: Sequence[PlayedNote], crossings: Sequence[BeatCrossing], start_s: float
) -> None:
    """``performance.mid`` and ``performance.musicxml``; a score whose notation cannot be kept gives the MIDI file alone
    and a line that says why."""
    keys: Sequence[KeyChange] = ()
    try:
        source = read_source(stage.score_path, stage.score)
        keys = key_changes(source)
        passes = conducted_passes(stage.score, crossings, notes)
        write_musicxml(out / "performance.musicxml", stage.score, source, passes)
    except ScoreError as error:
        log.warning("no performance.musicxml, and no key signatures in performance.mid: %s", error)
    write_midi(out / "performance.mid", stage.score, notes, crossings, keys, start_s, stage.ai)


def _write_answers(
    out: Path, stage: _Stage, notes: Sequence[PlayedNote], crossings: Sequence[BeatCrossing]
) -> tuple[dict[str, str], AnswerReport | None]:
    """``answered.musicxml``: the score with the AI's notes marked, and a learner's; what there is to say of them."""
    if not stage.ai:
        return {}, None
    score, played = answered_score(stage.score, notes, crossings, stage.heard)
    by_ai = [note for note in played if note.source.startswith(AI)]
    try:
        shared = copied(by_ai)
    except ModelError as error:
        log.warning("not checked for copies: %s", error)
        shared = None
    facts = with_check(stage.ai, by_ai, shared)
    if shared is not None and shared.suspicious:
        log.warning("the AI player came close to music that it learned from: %s", shared.described())
    write_marked_musicxml(out / "answered.musicxml", score, played, Provenance.of_fields(facts))
    try:
        return facts, report_answers(score, played, notes, facts)
    except ModelError as error:
        log.warning("the report does not tell how surprising the AI's notes are: %s", error)
        return facts, None


def _late_start_s(frames: Sequence[Frame]) -> float:
    """The session time at which the files begin."""
    return frames[0].time_s if frames and frames[0].time_s > LATE_START_S else 0.0


def _cues(frames: Sequence[Frame], stage: _Stage) -> Iterator[AudioCue]:
    """What the audio engine is told. The WAV begins at session time 0, or with a take whose clock starts late."""
    late_s = _late_start_s(frames)
    placements, changes, seats = stage.placements, deque(stage.reseatings), deque(stage.seats)
    sounding = StillSounding()
    for frame in frames:
        cue, before = cue_from_frame(frame), placements
        while changes and changes[0].frame <= frame.index:
            placements = reseated(placements, changes.popleft().placements)
        if placements != before:
            cue = replace(cue, placements=(*placements, *stage.beside))
        while seats and seats[0][0] <= frame.time_s:
            cue = replace(cue, sit=Sit(seats.popleft()[1]))
        if stage.learner is not None:
            notes, releases = stage.learner.step(frame)
            cue = replace(cue, notes=(*cue.notes, *notes), releases=(*cue.releases, *releases))
        if stage.house is not None:
            notes, releases = stage.house.clap(frame)
            cue = replace(cue, notes=(*cue.notes, *notes), releases=(*cue.releases, *releases))
        if late_s:
            notes = tuple(replace(note, onset_s=note.onset_s - late_s) for note in cue.notes)
            releases = tuple(replace(release, time_s=release.time_s - late_s) for release in cue.releases)
            cue = replace(cue, time_s=cue.time_s - late_s, notes=notes, releases=releases)
        sounding.follow(cue.notes, cue.releases)
        yield cue
    if frames:  # the session was closed while they played, or clapped
        end_s = frames[-1].time_s - late_s
        hushed = stage.house.hush(end_s) if stage.house is not None else ()
        sounding.follow((), hushed)
        yield AudioCue(end_s, releases=(*hushed, *sounding.end(end_s)))


def _sounds_with_progress(stage: _Stage, bars: Progress) -> SoundSet:
    task = bars.add_task("Tuning the instruments", total=1)
    load = sound_loader(stage.score, stage.sounds, [seat.instrument for seat in stage.beside])
    sounds = load(progress=lambda done, total: bars.update(task, completed=done, total=max(1, total)))
    bars.update(task, completed=1, total=1)
    return sounds


def _drawn(picture: "Future[None]", path: Path, bars: Progress) -> Path | None:
    """Wait for the picture; a machine that cannot draw says so in one line and goes on."""
    task = bars.add_task("Drawing the stage", total=1)
    try:
        picture.result()
    except SceneError as error:
        log.warning("no picture of the stage: %s", error)
        return None
    bars.update(task, completed=1)
    return path
