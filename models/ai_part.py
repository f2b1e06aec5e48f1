"""An AI player of the orchestra, as the performance sees it: a ``ResponsiveSource`` whose thinking happens elsewhere.

Each beat is asked for when the one before it begins, and asked again whenever the performer plays something, the
gesture asks for something else, or a part is cued. The deadline is the moment when the performance collects the beat.
What was answered last counts then; where nothing came in time, the music goes on with what was thought of beyond the
last beat, else with the written part, else with what was played a bar before. Nothing here blocks, unless
``patience_s`` says so: offline there is no clock to miss, and every answer arrives.
"""

import logging
import multiprocessing
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from ..engine.errors import ModelError
from ..engine.performed import PERFORMER_PART
from ..engine.processes import start_shielded
from ..engine.score import Score
from ..engine.types import ScoreNote, Situation
from .craft.scales import Scale
from .decoding import DecodingSettings
from .live_music import Answer, Ask, LiveMusic, Played, Turns
from .provenance import Author, Provenance
from .responder import ResponderSettings, serve
from .voice_groups import part_heights, part_ranges, plan_groups
from .wish import GestureWish, Wish

log = logging.getLogger(__name__)

START_PATIENCE_S = 60.0
MOST_WAITING = 4
"""Asks that wait for a process that does not read."""
PLAIN_DYNAMIC = 0.5
SOFTEST, LOUDEST = 0.3, 0.8
"""How far the AI goes with how loud others play."""


@dataclass(frozen=True, slots=True)
class AiPlan:
    """Who plays what, and how it is wished. ``performer``: somebody is heard beside the orchestra; ``turns``: they and
    the lead part answer each other."""

    answered: tuple[int, ...]
    wish: Wish = field(default_factory=Wish)
    performer: bool = False
    turns: Turns | None = None
    decoding: DecodingSettings | None = None
    scale: Scale | None = None


def responder_settings(score: Score, plan: AiPlan, weights: Path | None = None, seed: int = 0) -> ResponderSettings:
    """Groups of voices for a plan. Raises ``ModelError`` where there is nothing to answer, or nothing to listen to."""
    heights = part_heights(score)
    unknown = [part for part in plan.answered if part not in heights]
    if unknown:
        raise ModelError(f"the AI player has no notes for {score.parts[unknown[0]].name}: choose parts with pitches")
    ranges = part_ranges(score)
    silent = [part for part in heights if part not in plan.answered and not (score.notes["part"] == part).any()]
    for part in silent:
        del heights[part]
    listens = plan.performer and plan.turns is None
    if listens:
        heights[PERFORMER_PART] = max(heights.values()) + 1.0
    if not listens and plan.turns is None and len(heights) == len(set(plan.answered)):
        raise ModelError("the AI player needs somebody to listen to: name fewer parts, or play along yourself")
    groups = plan_groups(heights, plan.answered, ranges)
    return ResponderSettings(groups, weights, seed, plan.decoding, plan.scale)


class AiPart:
    """A ``PartSource`` that hears performers and sees the gesture. One thread uses it.

    If its process dies, it is started again, once; the music goes on meanwhile. ``late`` counts the windows whose
    answer did not come in time.
    """

    def __init__(
        self,
        score: Score,
        plan: AiPlan,
        *,
        weights: Path | None = None,
        seed: int = 0,
        patience_s: float = 0.0,
    ) -> None:
        """Starts the process and waits until the network is loaded. Raises ``ModelError`` when it cannot be."""
        self._settings = responder_settings(score, plan, weights, seed)
        self._own = self._settings.answered
        heard = {part for group in self._settings.groups for part in group.parts if part is not None} - self._own
        self._music = LiveMusic(
            score,
            self._own,
            frozenset(heard - {PERFORMER_PART}),
            performer=plan.performer,
            turns=plan.turns,
            comes_home=plan.scale is None,
        )
        self._plan = plan
        self._gesture = GestureWish(plan.wish)
        self._wish = plan.wish
        self._patience_s = patience_s
        self._situation = Situation(0.0)
        self._dynamic = PLAIN_DYNAMIC
        self._window: tuple[int, int] | None = None
        self._asked_as: object = None
        self._asked: Ask | None = None
        self._played_until = -1
        self._answers: dict[int, Answer] = {}
        self._spare: Answer | None = None
        self._restarts_left = 1
        self.late = 0
        self._start()
        self._wait_until_ready()

    @property
    def parts(self) -> frozenset[int]:
        return self._own

    @property
    def author(self) -> Author:
        """Whose its notes are."""
        return self._author

    def provenance(self, names: Sequence[str]) -> Provenance:
        """What there is to say of its notes; ``names`` are those of the score's parts."""
        controls = dict(self._plan.wish.described())
        if self._plan.turns is not None:
            controls["turns"] = f"{self._plan.turns.bars} bars"
        return Provenance(
            source=self._author.source,
            weights_sha256=self._author.weights_sha256,
            licence=self._author.licence,
            task="live",
            seed=self._settings.seed,
            parts=tuple(names[part] for part in sorted(self._own)),
            controls=controls,
        )

    # -- what the performance calls ------------------------------------------------------------------------

    def heed(self, situation: Situation) -> None:
        self._situation = situation
        self._wish = self._gesture.step(situation.level, situation.articulation)
        if self._window is not None and self._asked_as != self._circumstances():
            self._ask()

    def prepare(self, start_quarter: float, end_quarter: float, heard: Sequence[ScoreNote]) -> None:
        start, stop = self._music.step_at(start_quarter), self._music.step_at(end_quarter)
        if start != self._played_until:
            self._music.begin(start)
            self._answers.clear()
            self._spare = None
            self._played_until = start
        self._dynamic = self._loudness(heard)
        self._window = (start, stop)
        self._ask()

    def collect(self, start_quarter: float, end_quarter: float) -> Sequence[ScoreNote] | None:
        start, stop = self._music.step_at(start_quarter), self._music.step_at(end_quarter)
        if self._window != (start, stop):
            return None
        self._window = None
        self._played_until = stop
        answer = self._newest(start)
        if answer is None:
            self.late += 1
            answer = self._beyond(start, stop)
        if answer is not None:
            self._spare = answer
            return self._written_down(self._music.play(start, stop, answer, self._wish, self._situation.awaiting))
        if self._music.has_written(start, stop):
            self._music.take_written(start, stop)
            return None
        return self._written_down(self._music.echo(start, stop))

    def close(self) -> None:
        self._outbox.put(None)
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._connection.close()

    # -- asking and hearing --------------------------------------------------------------------------------

    def _circumstances(self) -> object:
        return self._wish, self._situation.awaiting, self._music.heard_so_far(self._situation)

    def _ask(self) -> None:
        assert self._window is not None
        self._receive(0.0)
        self._asked_as = self._circumstances()
        self._asked = self._music.ask(*self._window, self._wish, self._situation)
        self._send()

    def _send(self) -> None:
        if self._alive:
            self._outbox.put(self._asked)

    def _newest(self, start: int) -> Answer | None:
        """The last answer for the window; with patience, the one to the last question."""
        self._receive(0.0)
        while self._patience_s and self._alive and not self._has_last(start) and self._receive(self._patience_s):
            continue
        found = self._answers.get(start)
        self._answers.clear()
        return found

    def _has_last(self, start: int) -> bool:
        return start in self._answers and self._asked is not None and self._answers[start].number == self._asked.number

    def _receive(self, patience_s: float) -> bool:
        """Take in what came; whether anything did."""
        came = False
        try:
            while self._connection.poll(0.0 if came else patience_s):
                message = self._connection.recv()
                came = True
                if isinstance(message, Answer):
                    self._answers[message.start_step] = message
                elif isinstance(message, str):  # it was started again and cannot play
                    log.error("the AI player is gone (%s): the written part plays on", message)
        except (EOFError, OSError):
            self._lost()
        return came

    def _beyond(self, start: int, stop: int) -> Answer | None:
        """What was thought of beyond the window before, if it reaches as far."""
        spare, self._spare = self._spare, None
        if spare is None or spare.start_step >= start:
            return None
        reach = min(spare.start_step + len(tokens) for tokens in spare.tokens.values())
        if reach < stop:
            return None
        skipped = start - spare.start_step
        tokens = {part: column[skipped : skipped + stop - start] for part, column in spare.tokens.items()}
        return Answer(spare.number, start, tokens)

    def _loudness(self, heard: Sequence[ScoreNote]) -> float:
        """As loud as those who are heard; where nobody plays, as loud as before."""
        performed = [note for note in self._situation.performed[-8:] if note.duration_quarter > 0.0]
        beside = [note.dynamic for note in (heard or performed)]
        if not beside:
            return self._dynamic
        return min(LOUDEST, max(SOFTEST, sum(beside) / len(beside)))

    def _written_down(self, notes: Sequence[Played]) -> list[ScoreNote]:
        return [
            ScoreNote(n.onset_quarter, n.duration_quarter, n.pitch, n.part, self._dynamic, source=self._author.source)
            for n in notes
        ]

    # -- the process ---------------------------------------------------------------------------------------

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection: Connection
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, self._settings), name="tutti-ai", daemon=True)
        start_shielded(self._process)
        theirs.close()
        self._outbox = _Outbox(self._connection)
        self._alive = True

    def _wait_until_ready(self) -> None:
        try:
            if not self._connection.poll(START_PATIENCE_S):
                raise ModelError(f"the AI player did not start within {START_PATIENCE_S:.0f} s: try again")
            greeting = self._connection.recv()
        except EOFError:
            greeting = "the AI player's process died at its start: try again"
        if not isinstance(greeting, Author):
            self._connection.close()
            raise ModelError(str(greeting))
        self._author = greeting

    def _lost(self) -> None:
        if not self._alive:
            return
        self._alive = False
        if not self._restarts_left:
            log.error("the AI player is gone: the written part plays on")
            return
        self._restarts_left -= 1
        log.warning("the AI player stopped: the music goes on while it is started again")
        self._connection.close()
        self._start()
        if self._window is not None:
            self._send()


class _Outbox:
    """Asks on their way to the process, in a thread of its own: a pipe that is full blocks who writes to it, and a
    process that has stalled does not read. Asks that find no room push out the oldest ones, which are overtaken."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: deque[Ask | None] = deque(maxlen=MOST_WAITING)
        self._there = threading.Semaphore(0)
        threading.Thread(target=self._run, name="tutti-ai-asks", daemon=True).start()

    def put(self, ask: Ask | None) -> None:
        """Never waits; None is the last."""
        self._waiting.append(ask)
        self._there.release()

    def _run(self) -> None:
        while True:
            self._there.acquire()
            try:
                ask = self._waiting.popleft()
            except IndexError:  # it was pushed out
                continue
            try:
                self._connection.send(ask)
            except (OSError, ValueError):  # who reads the answers finds out that nobody is there
                return
            if ask is None:
                return
