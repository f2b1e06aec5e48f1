"""The folder of results of a performance: its tables, notation, sound, picture and report, from its frames.

The sound takes most of the time; the picture is drawn beside it.
"""

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any

from rich.progress import Progress

from ..engine.audio.audio_messages import Enter, Sit
from ..engine.audio.impulse_response import room_of
from ..engine.audio.offline import AudioCue, cue_from_frame, render_wav
from ..engine.audio.renderer import AudioSettings
from ..engine.errors import ModelError, OutputError, SceneError, ScoreError
from ..engine.hall import Hall
from ..engine.score import Score
from ..engine.sounds.sound_set import SoundSet
from ..engine.types import BeatCrossing, Frame, HeardNote, PlayerPlacement
from ..models.provenance import Provenance
from ..scenes.picture import draw_stage
from .ai.ai_record import AI, answered_score, copied, with_check
from .ai.answer_report import AnswerReport, report_answers
from .ai.part_files import write_musicxml as write_marked_musicxml
from .conducting_report import look_back
from .ensemble_setup import sound_loader
from .exports import write_beats_csv, write_notes_csv
from .hall_choice import Heard
from .heard_again import HeardAgain, seats_beside
from .house import House
from .measure import measure_wav
from .midi_export import KeyChange, write_midi
from .musicxml_export import write_musicxml
from .performance_log import PerformanceLog, PlayedNote
from .report import ReportInput, write_report
from .reseating import reseated
from .session_file import Reseating
from .source_score import key_changes, read_source
from .still_sounding import StillSounding
from .tempo_map import as_played, conducted_passes

log = logging.getLogger(__name__)

LATE_START_S = 60.0
"""A take whose clock starts later than this (e.g. time of day) gets a WAV that starts with the take."""


RESULTS = frozenset({
    "performance.wav", "performance.mid", "performance.musicxml", "answered.musicxml", "beats.csv", "notes.csv",
    "stage.png", "conducting.png", "report.json", "report.html", "session.mcap",
})  # fmt: skip
"""Files that a performance leaves in its folder."""


def check_results(out: Path, inputs: Iterable[Path | str | None]) -> None:
    """See that no result would be written over one of the ``inputs``. Raises ``OutputError``."""
    for path in (Path(read) for read in inputs if read is not None):
        if path.name in RESULTS and path.is_file() and path.resolve().parent == out.resolve():
            raise OutputError(f"{path}: is read here, and would be written over; choose another folder than {out}")


@dataclass(frozen=True, slots=True)
class Stage:
    """What sound, picture and report need beside the performance."""

    score: Score
    score_path: Path
    placements: tuple[PlayerPlacement, ...]
    hall: Hall
    hall_name: str
    seed: int
    sounds: str | None
    ai_parts: tuple[str, ...] = ()
    audio: AudioSettings = field(default_factory=AudioSettings)
    """Where the listener sits, and with which head."""
    formats: tuple[str, ...] = ()
    stems: bool = False
    reseatings: tuple[Reseating, ...] = ()
    seats: tuple[Heard, ...] = ()
    """When the listener sat down elsewhere, or all went to another hall."""
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

    @property
    def hall_at_last(self) -> str:
        """The hall in which they sat in the end, by name or path."""
        entered = [change.hall.key for change in self.seats if change.entered]
        return entered[-1] if entered and entered[-1] != self.hall.key else self.hall_name


def write_results(out: Path, stage: Stage, frames: Sequence[Frame], missed: int, bars: Progress) -> dict[str, Any]:
    """Write everything into ``out``, which is there; the figures of ``report.json``.

    ``missed`` is how many beats the AI player was too late for. Raises ``SoundError`` and ``OSError``; what cannot be
    drawn or told is logged in a line.
    """
    played = PerformanceLog()
    played.extend(frames)
    notes = played.played()
    crossings = as_played(stage.score, played.crossings(), notes)
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
            hall=stage.hall_at_last,
        )
        sound_set = _sounds_with_progress(stage, bars)
        wav = out / "performance.wav"
        rendering = bars.add_task("Rendering the sound", total=played.end_s - played.start_s)
        render_wav(
            wav,
            (*stage.placements, *stage.beside),
            sound_set,
            room_of(stage.hall),
            audio_cues(frames, stage),
            settings=stage.audio,
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
    out: Path, stage: Stage, notes: Sequence[PlayedNote], crossings: Sequence[BeatCrossing], start_s: float
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
    out: Path, stage: Stage, notes: Sequence[PlayedNote], crossings: Sequence[BeatCrossing]
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


def audio_cues(frames: Sequence[Frame], stage: Stage) -> Iterator[AudioCue]:
    """What the audio engine is told. The WAV begins at session time 0, or with a take whose clock starts late."""
    late_s = _late_start_s(frames)
    placements, changes, seats = stage.placements, deque(stage.reseatings), deque(stage.seats)
    sounding, house = StillSounding(), stage.house
    for frame in frames:
        cue, before = cue_from_frame(frame), placements
        while changes and changes[0].frame <= frame.index:
            placements = reseated(placements, changes.popleft().placements)
        house_before = house
        while seats and seats[0].time_s <= frame.time_s:
            change = seats.popleft()
            if change.entered:
                cue = replace(cue, enter=Enter(room_of(change.hall), change.listener), sit=None)
                house = house and house.moved(change.hall)
            else:
                cue = replace(cue, sit=Sit(change.listener))
        if stage.learner is not None:
            notes, releases = stage.learner.step(frame)
            cue = replace(cue, notes=(*cue.notes, *notes), releases=(*cue.releases, *releases))
        if placements != before or house is not house_before:
            audience = house.seats if house is not None else ()
            cue = replace(cue, placements=(*placements, *seats_beside(stage.learner, audience)))
        if house is not None:
            notes, releases = house.clap(frame)
            cue = replace(cue, notes=(*cue.notes, *notes), releases=(*cue.releases, *releases))
        if late_s:
            notes = tuple(replace(note, onset_s=note.onset_s - late_s) for note in cue.notes)
            releases = tuple(replace(release, time_s=release.time_s - late_s) for release in cue.releases)
            cue = replace(cue, time_s=cue.time_s - late_s, notes=notes, releases=releases)
        sounding.follow(cue.notes, cue.releases)
        yield cue
    if frames:  # the session was closed while they played, or clapped
        end_s = frames[-1].time_s - late_s
        hushed = house.hush(end_s) if house is not None else ()
        sounding.follow((), hushed)
        yield AudioCue(end_s, releases=(*hushed, *sounding.end(end_s)))


def _sounds_with_progress(stage: Stage, bars: Progress) -> SoundSet:
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
