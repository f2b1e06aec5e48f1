"""Commentary beside a session: what viewers are told of chords, surprising AI notes and the soloist's place.

What is played is handed to ``commenting.Commentator`` beat by beat. Where an AI or a learner plays, that thinks in a
process of its own, at low priority: the session never waits for it, and where it is behind, beats are told later or
together. A score that is played as written is analysed once, before it begins.
"""

import logging
import multiprocessing
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
from threadpoolctl import threadpool_limits

from ...engine.accompaniment import Soloist
from ...engine.errors import ModelError
from ...engine.processes import start_shielded
from ...engine.score import Score
from ...engine.types import Frame, HeardNote, ScoreNote, SoloState
from ...models.part.runtime import PartModel
from ...models.provenance import Provenance
from ..relay.protocol_commentary import Harmony, Solo, Surprises
from ..relay.session_info import clip_text
from .ai_record import AI, SHORTENED
from .commenting import CommentaryPlan, Commentator, Told

log = logging.getLogger(__name__)

SOLO_EVERY_S = 0.25
MOST_WAITING = 4
"""So many beats may wait in the process; later ones are kept here and told together."""
LATTICE = 12
"""Heard notes are written down in twelfths of a quarter: sixteenths and triplets."""
NICENESS = 10


@dataclass(frozen=True, slots=True)
class _Beat:
    """What was heard up to a beat at ``quarter``; ``ended``: the music is over."""

    notes: tuple[ScoreNote, ...]
    quarter: float
    ended: bool = False


class Commentary:
    """Follows the frames of a session and tells what viewers shall be shown. One thread uses it; nothing waits."""

    def __init__(self, score: Score, plan: CommentaryPlan, weights: Path | None = None) -> None:
        """``weights`` of the AI player, by which its notes are explained (None: those that ship)."""
        self._score, self._plan = score, plan
        self._notes: list[ScoreNote] = []
        self._began: dict[int, float] = {}
        self._beats: list[_Beat] = []
        self._waiting = 0
        self._solo_s, self._solo_state = -SOLO_EVERY_S, ""
        self._over = False
        self._own: Commentator | None = None
        self._connection: Connection | None = None
        if plan.heard:
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            arguments = (theirs, score, plan, weights)
            self._process = context.Process(target=serve, args=arguments, name="tutti-commentary", daemon=True)
            start_shielded(self._process)
            theirs.close()
        else:
            self._own = Commentator(score, plan)

    def follow(self, frame: Frame, heard: Sequence[HeardNote] = ()) -> list[Harmony | Surprises | Solo]:
        """A step of the session, with what a learner played in it; what is new to tell."""
        told: list[Harmony | Surprises | Solo] = list(self._solo(frame))
        self._write_down(frame, heard)
        self._beats += [_Beat((), crossing.quarter) for crossing in frame.crossings]
        if frame.position.state == "ended" and not self._over and self._plan.heard:
            self._beats.append(_Beat((), frame.position.quarter, ended=True))
        self._over = frame.position.state == "ended"
        if self._own is not None:
            for beat in self._beats:
                told += self._own.at(beat.quarter)
            self._beats.clear()
        elif self._connection is not None:
            told += self._converse()
        return told

    def close(self) -> None:
        """Ends the process."""
        if self._connection is not None:
            self._connection.close()
            self._process.join(1.0)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
            self._connection = None

    def _converse(self) -> list[Told]:
        """Send what was heard, if the process keeps up; take in what it has to tell."""
        assert self._connection is not None
        told: list[Told] = []
        try:
            while self._connection.poll():
                told += self._connection.recv()
                self._waiting -= 1
            if self._beats and self._waiting < MOST_WAITING:
                last = self._beats[-1]
                self._connection.send(_Beat(tuple(self._notes), last.quarter, last.ended))
                self._waiting += 1
                self._beats.clear()
                self._notes.clear()
        except (EOFError, OSError):
            log.warning("the commentary is gone: chords and surprises are told no more")
            self.close()
        return told

    def _write_down(self, frame: Frame, heard: Sequence[HeardNote]) -> None:
        """The AI's and the learner's notes of a frame in score time."""
        rate = max(0.1, frame.position.quarter_rate)
        for note in frame.notes:
            if note.part in self._plan.ai_parts and note.source.startswith(AI):
                length = max(1, round(note.duration_s * rate / SHORTENED * LATTICE)) / LATTICE
                self._notes.append(
                    ScoreNote(note.quarter, length, note.pitch, note.part, note.velocity / 127, source=note.source)
                )
        if not self._plan.listens:
            return
        for played in heard:
            exact = frame.position.quarter - (frame.time_s - played.onset_s) * rate
            onset = self._began.setdefault(played.note_id, max(0.0, round(exact * LATTICE) / LATTICE))
            length = 1 / LATTICE
            if played.duration_s is not None:
                length = max(1, round(played.duration_s * rate * LATTICE)) / LATTICE
                del self._began[played.note_id]
            part = len(self._score.parts)
            self._notes.append(ScoreNote(onset, length, round(played.pitch), part, played.velocity / 127))

    def _solo(self, frame: Frame) -> list[Solo]:
        solo = frame.solo
        if solo is None or (solo.state == self._solo_state and frame.time_s - self._solo_s < SOLO_EVERY_S):
            return []
        self._solo_s, self._solo_state = frame.time_s, solo.state
        return [solo_message(self._score, self._plan.soloist, frame, solo.state)]


def comment_on(
    score: Score, author: Mapping[str, str], soloist: Soloist | None = None, listens: bool = False
) -> Commentary:
    """The commentary on a session: ``author`` is what its header says of the AI player (empty: none plays);
    ``listens``: a learner plays beside the score."""
    named = Provenance.of_fields(author).parts if author else ()
    plan = CommentaryPlan(
        ai_parts=frozenset(index for index, part in enumerate(score.parts) if part.name in named),
        author=f"{author['ai-source']}, seed {author['ai-seed']}" if author else "",
        listens=listens,
        soloist="" if soloist is None else ", ".join(score.parts[part].name for part in sorted(soloist.parts)),
    )
    return Commentary(score, plan)


def solo_message(score: Score, part: str, frame: Frame, state: SoloState) -> Solo:
    """Where the soloist of a frame is, and how far the orchestra is from them."""
    assert frame.solo is not None
    quarter = min(max(0.0, frame.solo.quarter), score.end_quarter)
    measure = score.measure_at(quarter)
    beats = score.beats[score.beats["quarter"] <= quarter + 1e-6]
    return Solo(
        part=clip_text(part),
        state=state,
        quarter=quarter,
        measure=str(score.measures["number"][measure]),
        beat=int(beats["beat"][-1]) if len(beats) else 1,
        bpm=60.0 / max(0.05, frame.solo.period_s),
        confidence=frame.solo.confidence,
        apart_quarters=frame.position.quarter - quarter,
    )


def serve(connection: Connection, score: Score, plan: CommentaryPlan, weights: Path | None) -> None:
    """The process: a ``_Beat`` in, what there is to tell out, until the other end closes."""
    for name in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group, they are the studio's to handle
        signal.signal(name, signal.SIG_IGN)
    psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if psutil.WINDOWS else NICENESS)
    threadpool_limits(1)
    model: PartModel | None = None
    if plan.ai_parts:
        try:
            model = PartModel.load(weights)
        except ModelError as error:
            log.warning("the AI's notes are not explained: %s", error)
    commentator = Commentator(score, plan, model)
    try:
        while True:
            beat = connection.recv()
            commentator.hear(beat.notes)
            told = commentator.at(beat.quarter)
            connection.send([*told, *commentator.end()] if beat.ended else told)
    except (EOFError, OSError):
        return
