"""An AI player of the orchestra: answers its parts beat by beat, in a process of its own, under a deadline.

The deadline is the moment the performance collects the window. Live, an answer that is not there by then is skipped
and the written part plays; offline there is no clock to miss, so ``patience_s`` lets every answer arrive, and the same
score, seed and weights give the same notes.
"""

import logging
import multiprocessing
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.errors import ModelError
from ..engine.instruments import catalogue
from ..engine.score import Score
from ..engine.types import ScoreNote
from .tokens import STEPS_PER_QUARTER, VOICES, decode_voice, to_step

log = logging.getLogger(__name__)

START_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class VoicePlan:
    """Which part of the score is which voice of the network, highest first; ``answered`` are the AI's."""

    parts: tuple[int | None, ...]
    answered: frozenset[int]
    ranges: tuple[tuple[int, int], ...]


def plan_voices(score: Score, answered: Sequence[int]) -> VoicePlan:
    """Give the network's four voices to parts: those to be answered, and the heard ones that matter most.

    Raises ``ModelError`` when there is nothing to listen to or more to answer than it can.
    """
    chosen = list(dict.fromkeys(answered))
    if not 1 <= len(chosen) <= VOICES - 1:
        raise ModelError(f"the AI player answers one to {VOICES - 1} parts, not {len(chosen)}: name fewer")
    mean_pitch = {
        part: float(np.mean(score.notes["pitch"][score.notes["part"] == part]))
        for part in range(len(score.parts))
        if (score.notes["part"] == part).any() and score.parts[part].instrument != "percussion"
    }
    heard = sorted((part for part in mean_pitch if part not in chosen), key=lambda part: -mean_pitch[part])
    if not heard:
        raise ModelError("the AI player needs at least one written part to listen to: name fewer parts")
    listened = heard[:1] + heard[1:][-(VOICES - 1 - len(chosen)) :] if len(chosen) < VOICES - 1 else heard[:1]

    def height(part: int) -> float:
        low, high = catalogue()[score.parts[part].instrument].range
        return mean_pitch.get(part, (low + high) / 2)

    parts: list[int | None] = [
        heard[0],
        *sorted((p for p in {*chosen, *listened} - {heard[0]}), key=lambda p: -height(p)),
    ]
    parts += [None] * (VOICES - len(parts))
    ranges = tuple((24, 108) if part is None else catalogue()[score.parts[part].instrument].range for part in parts)
    return VoicePlan(tuple(parts), frozenset(chosen), ranges)


@dataclass(frozen=True, slots=True)
class _Window:
    start_step: int
    stop_step: int
    heard: tuple[ScoreNote, ...]


class Responder:
    """Answers windows in this process: the part of the AI player that thinks. Not thread-safe."""

    def __init__(self, score: Score, plan: VoicePlan, weights: Path | None, seed: int) -> None:
        """Raises ``ModelError`` when the weights cannot be loaded."""
        import torch

        from .corpus import metrical_positions
        from .manifest import load_weights
        from .sampling import StepDecoder

        torch.set_num_threads(1)
        network, manifest = load_weights(weights)
        self.source = f"ai:{manifest.name}"
        self._decoder = StepDecoder(network, plan.ranges, seed)
        self._plan = plan
        self._positions = metrical_positions(score, 0, to_step(score.end_quarter) + 1)
        self._next_step = 0
        self._ends: dict[int, int] = {}

    def answer(self, start_quarter: float, end_quarter: float, heard: Sequence[ScoreNote]) -> list[ScoreNote]:
        """The AI's notes with onset in the window. After a jump it starts listening afresh."""
        start, stop = to_step(start_quarter), to_step(end_quarter)
        if start != self._next_step:
            self._decoder.restart()
            self._ends.clear()
        self._next_step = stop
        dynamic = float(np.mean([note.dynamic for note in heard])) if heard else 0.5
        columns: list[list[int]] = []
        for step in range(start, stop):
            given = self._hear(step, heard)
            position = int(self._positions[min(step, len(self._positions) - 1)])
            columns.append(self._decoder.step(given, position, may_hold=step > start))
        notes: list[ScoreNote] = []
        for voice, part in enumerate(self._plan.parts):
            if part in self._plan.answered:
                tokens = [column[voice] for column in columns]
                notes += decode_voice(tokens, start / STEPS_PER_QUARTER, part, dynamic, self.source)
        return notes

    def _hear(self, step: int, heard: Sequence[ScoreNote]) -> dict[int, int]:
        from .sampling import heard_token

        given = {}
        for voice, part in enumerate(self._plan.parts):
            if part in self._plan.answered:
                continue
            if part is None:
                given[voice] = heard_token(None, False)
                continue
            starting = [note for note in heard if note.part == part and to_step(note.onset_quarter) == step]
            if starting:
                top = max(starting, key=lambda note: note.pitch)
                self._ends[voice] = max(step + 1, to_step(top.onset_quarter + top.duration_quarter))
                given[voice] = heard_token(top.pitch, True)
            else:
                given[voice] = heard_token(None, step < self._ends.get(voice, 0))
        return given


class AiPart:
    """A ``PartSource`` whose thinking happens in a spawned process; nothing here blocks unless ``patience_s`` says so.

    If the process dies, the written part plays on, one line says so, and it is started again once.
    """

    def __init__(
        self,
        score: Score,
        answered: Sequence[int],
        *,
        weights: Path | None = None,
        seed: int = 0,
        patience_s: float = 0.0,
    ) -> None:
        """Starts the process and waits until the network is loaded. Raises ``ModelError`` when it cannot be."""
        self._plan = plan_voices(score, answered)
        self._arguments = (score, self._plan, weights, seed)
        self._patience_s = patience_s
        self._restarts_left = 1
        self._answers: dict[int, list[ScoreNote]] = {}
        self._start()

    @property
    def parts(self) -> frozenset[int]:
        return self._plan.answered

    def prepare(self, start_quarter: float, end_quarter: float, heard: Sequence[ScoreNote]) -> None:
        window = _Window(to_step(start_quarter), to_step(end_quarter), tuple(heard))
        self._asked.add(window.start_step)
        try:
            self._connection.send(window)
        except (OSError, ValueError):
            self._lost()

    def collect(self, start_quarter: float, end_quarter: float) -> Sequence[ScoreNote] | None:
        wanted = to_step(start_quarter)
        try:
            while wanted not in self._answers and wanted in self._asked and self._connection.poll(self._patience_s):
                step, notes = self._connection.recv()
                self._asked.discard(step)
                self._answers[step] = notes
        except (EOFError, OSError):
            self._lost()
        self._answers = {step: notes for step, notes in self._answers.items() if step >= wanted}
        return self._answers.pop(wanted, None)

    def close(self) -> None:
        try:
            self._connection.send(None)
        except (OSError, ValueError):
            log.info("the AI player had already gone")
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()
        self._connection.close()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._asked: set[int] = set()
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, *self._arguments), name="tutti-ai", daemon=True)
        self._process.start()
        theirs.close()
        try:
            if not self._connection.poll(START_PATIENCE_S):
                raise ModelError(f"the AI player did not start within {START_PATIENCE_S:.0f} s: try again")
            problem = self._connection.recv()
        except EOFError:
            problem = "its process died at start"
        if problem:
            raise ModelError(str(problem))

    def _lost(self) -> None:
        self._asked.clear()
        if self._restarts_left:
            self._restarts_left -= 1
            log.warning("the AI player stopped: the written part plays while it is started again")
            try:
                self._start()
            except ModelError as error:
                log.error("the AI player is gone (%s): the written part plays on", error)
                self._restarts_left = 0


def _serve(connection: Connection, score: Score, plan: VoicePlan, weights: Path | None, seed: int) -> None:
    """The AI process: one answer per window, in order, until told to stop."""
    for name in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group, they are the studio's to handle
        signal.signal(name, signal.SIG_IGN)
    try:
        responder = Responder(score, plan, weights, seed)
    except ModelError as error:
        connection.send(str(error))
        return
    connection.send("")
    while True:
        try:
            window: Any = connection.recv()
            if window is None:
                return
            notes = responder.answer(
                window.start_step / STEPS_PER_QUARTER, window.stop_step / STEPS_PER_QUARTER, window.heard
            )
            connection.send((window.start_step, notes))
        except (EOFError, OSError):
            return
