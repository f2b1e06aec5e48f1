"""What has been played since the music began here, on the grid, and what is asked next: the AI player's ear and memory.

Three kinds of parts: written ones, which are known to the end; the AI's own; and a performer's, who is known up to now
and imagined from there on. A window of the AI's is asked for a beat ahead and may be asked again whenever something new
is heard. With it, the beat after it is thought of as well: it says how long the window's last notes are to sound, and
it is what plays if the next answer does not come in time.

Where the AI's turn ends, or the score, the music comes to rest (``live_phrases``), and where it accompanies somebody
who plays freely, when they have paused. Elsewhere phrases end as the network likes: nobody knows when the learner will
stop.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.performed import PERFORMER_PART
from ..engine.score import Score
from ..engine.types import ScoreNote, Situation
from .controls import local_keys
from .ensemble_writing import EnsembleSheet
from .grid import FIRST_PITCH, HOLD, REST, Grid, encode_score, encode_voice, grid_of_score, token_to_pitch
from .live_phrases import PAUSE_QUARTERS, LivePhrases, PhraseEnd
from .wish import Wish
from .writing import ASK, ASK_ANEW, IMAGINE

AHEAD_QUARTERS = 1.0
"""How far beyond a window is thought."""
AHEAD_STEPS = 32
"""How much of what is written after it is looked at."""
CONTEXT_QUARTERS = 32.0
LONGEST_CONTEXT_QUARTERS = 96.0
"""What is remembered: at least the former, forgotten down to it when it has become the latter."""
BEFORE_QUARTERS = 8.0
"""How much of the written music before the first window is read, to know where one is."""
ACTIVE_QUARTERS = 8.0
"""Who has not played for so long rests; until then their line is imagined to go on."""
SLIP_QUARTERS = 0.2
"""A note outside the key that is let go so soon was a slip (or an ornament) and is not answered."""
ENOUGH_FOR_A_KEY = 8
RECENT_NOTES = 12
MAJOR_STEPS = frozenset({0, 2, 4, 5, 7, 9, 11})
MINOR_STEPS = frozenset({0, 2, 3, 5, 7, 8, 9, 10, 11})


@dataclass(frozen=True, slots=True)
class Turns:
    """Call and response: ``bars`` of the performer's, as many of the AI's ``lead`` part, and so on."""

    lead: int
    bars: int = 2


@dataclass(frozen=True, slots=True)
class Ask:
    """A window to be answered, ``[start, stop)``, and what follows as far as the sheet goes.

    Steps are those of the score's grid; ``number`` counts asks, ``offset`` is the window's first step in the sheet.
    """

    number: int
    start: int
    stop: int
    offset: int
    sheet: EnsembleSheet


@dataclass(frozen=True, slots=True)
class Answer:
    """The own parts' tokens from the window's first step to the sheet's end."""

    number: int
    start_step: int
    tokens: dict[int, np.ndarray]


@dataclass(frozen=True, slots=True)
class Played:
    """A note of the AI's, in score time."""

    part: int
    onset_quarter: float
    duration_quarter: float
    pitch: int


class LiveMusic:
    """Keeps the columns of all parts on the score's grid. Not thread-safe."""

    def __init__(
        self,
        score: Score,
        own: frozenset[int],
        listened: frozenset[int],
        *,
        performer: bool = False,
        turns: Turns | None = None,
        comes_home: bool = True,
    ) -> None:
        """``own`` parts are the AI's, ``listened`` written parts are heard; ``performer``: somebody plays beside them,
        in ``turns`` with the lead part or all the time. Without ``comes_home`` no end of a phrase is given, as where
        a tradition has no dominants."""
        self._score, self._own, self._listened = score, own, listened
        self._performer, self._turns = performer, turns
        self.grid: Grid = grid_of_score(score, listened or None)
        self._edges = np.append(self.grid.onset_quarter, self.grid.end_quarter)
        written = sorted(own | listened)
        columns = encode_score(score, written, self.grid)
        self._written = {part: columns[:, index] for index, part in enumerate(written)}
        self._played: dict[int, np.ndarray] = {}
        self._wishes: list[tuple[int, Wish]] = []
        self._pauses: list[PhraseEnd] = []
        self._first = self._begun = 0
        self._number = 0
        lead = None if turns is None else turns.lead
        own_turns = self._own_turns() if turns is not None else []
        self._phrases = LivePhrases(score, self.grid, own, listened, lead, own_turns) if comes_home else None
        self.begin(0)

    def step_at(self, quarter: float) -> int:
        """The step whose onset is nearest (``Grid.step_at``, quick: it is asked at every step of a session)."""
        right = int(np.searchsorted(self._edges, quarter))
        if right in (0, len(self._edges)):
            return min(right, len(self.grid))
        return right if self._edges[right] - quarter < quarter - self._edges[right - 1] else right - 1

    def begin(self, step: int) -> None:
        """The music goes on from here; what is written before is read, what was played elsewhere is forgotten."""
        self._begun = min(step, len(self.grid))
        self._first = self.step_at(max(0.0, float(self._edges[self._begun]) - BEFORE_QUARTERS))
        self._wishes, self._pauses = [], []
        for part in self._own:
            column = self._written[part].copy()
            column[self._begun :] = ASK
            column[self._begun : self._begun + 1] = ASK_ANEW
            self._played[part] = column

    # -- what is asked -------------------------------------------------------------------------------------

    def ask(self, start: int, stop: int, wish: Wish, situation: Situation) -> Ask:
        """Everything that the answer to the steps ``[start, stop)`` depends on."""
        self._forget(start)
        end = max(stop, self.step_at(float(self._edges[stop]) + AHEAD_QUARTERS))
        pause = self._pause(situation)
        self._pauses = [earlier for earlier in self._pauses if earlier.step < start and earlier != pause]
        self._pauses += [] if pause is None else [pause]
        if self._phrases is not None:
            end = max(end, self._phrases.reach(start, stop, self._pauses))
        whole = slice(self._first, end)
        columns = {part: self._written[part][whole] for part in self._listened}
        performed = self._performed(situation, end, pause) if self._performer else None
        for part in self._own:
            column = self._played[part][whole].copy()
            if part in situation.awaiting:
                here = column[start - self._first :]
                here[here < 0] = REST
            columns[part] = column
        if performed is not None and self._turns is not None:
            columns[self._turns.lead] = self._in_turns(columns[self._turns.lead], performed)
        elif performed is not None:
            columns[PERFORMER_PART] = performed
        self._number += 1
        wishes = [(max(0, step - self._first), earlier) for step, earlier in self._wishes if step < start]
        if not wishes or wishes[-1][1] != wish:
            wishes.append((start - self._first if wishes else 0, wish))
        coming = {part: self._written[part][end : end + AHEAD_STEPS] for part in self._listened}
        grid = self.grid.part_of(self._first, end)
        leads = frozenset() if self._turns is None else frozenset({self._turns.lead})
        sheet = EnsembleSheet(grid, columns, tuple(wishes), self._listened, coming, leads=leads)
        if self._phrases is not None:
            sheet = self._phrases.come_home(sheet, self._first, self._pauses)
        return Ask(self._number, start, stop, start - self._first, sheet)

    def heard_so_far(self, situation: Situation) -> tuple[Any, ...]:
        """Changes whenever a performer begins or ends a note, has paused or become silent: reasons to think again."""
        if not self._performer:
            return ()
        now = situation.quarter
        recent = situation.performed[-RECENT_NOTES:]
        return (
            bool(recent) and recent[-1].onset_quarter > now - ACTIVE_QUARTERS,
            self._pause(situation),
            *(
                (
                    self.step_at(note.onset_quarter),
                    note.pitch,
                    _ended(note, now) and self.step_at(note.onset_quarter + note.duration_quarter),
                )
                for note in recent
            ),
        )

    def _heard(self, situation: Situation) -> list[ScoreNote]:
        """What the performer played since the music began here."""
        begun_quarter = float(self._edges[self._begun])
        return [note for note in situation.performed if note.onset_quarter >= begun_quarter - 0.5]

    def _pause(self, situation: Situation) -> PhraseEnd | None:
        """Where the accompaniment of who plays freely comes home, now that they have paused; None where they have not,
        or it has been at home."""
        free = self._performer and self._turns is None and not self._listened
        heard = self._heard(situation) if free and self._phrases is not None else []
        if not heard or self._phrases is None:
            return None
        released = max(note.onset_quarter + note.duration_quarter for note in heard)
        if situation.quarter < released + PAUSE_QUARTERS:
            return None
        pause = self._phrases.after_pause(released)
        return None if pause is None or self._edges[pause.until] <= situation.quarter else pause

    def _performed(self, situation: Situation, end: int, pause: PhraseEnd | None = None) -> np.ndarray:
        """The performer's column ``[first, end)``: known up to now, then imagined, or at rest if they are silent; after
        a ``pause`` at rest while the others come home."""
        now = situation.quarter
        grid = self.grid.part_of(self._first, end)
        notes = [note for note in self._heard(situation) if not self._slip(note, now)]
        column = encode_voice([(n.onset_quarter, n.duration_quarter, n.pitch) for n in notes], grid)
        if notes and notes[-1].onset_quarter > now - ACTIVE_QUARTERS:
            to_come = np.flatnonzero(grid.onset_quarter > now + 1e-6)
            column[to_come[column[to_come] < FIRST_PITCH]] = IMAGINE
        if pause is not None:
            home = column[max(0, pause.approach - self._first) : max(0, pause.until - self._first)]
            home[home == IMAGINE] = REST
        return column

    def _slip(self, note: ScoreNote, now: float) -> bool:
        """Whether a note was let go at once and does not belong to the key of what has been heard."""
        if note.duration_quarter >= SLIP_QUARTERS or not _ended(note, now):
            return False
        at = self.step_at(note.onset_quarter)
        around = slice(max(self._first, at - 48), max(self._first, at))
        known = [self._written[part][around] for part in self._listened]
        known += [self._played[part][around] for part in self._own]
        pitched = [column[column >= FIRST_PITCH] for column in known]
        if sum(len(column) for column in pitched) < ENOUGH_FOR_A_KEY:
            return False
        tokens = np.stack([np.where(column < 0, REST, column) for column in known], axis=1)
        key = int(local_keys(tokens, self.grid.part_of(around.start, around.stop))[-1])
        steps = MINOR_STEPS if key >= 12 else MAJOR_STEPS
        return (note.pitch - key) % 12 not in steps

    def _in_turns(self, own: np.ndarray, performed: np.ndarray) -> np.ndarray:
        """One line of two: the performer's in their turns, the AI's in its own; no call, no answer."""
        merged = performed.copy()
        for first, last in self._own_turns():
            low, high = max(0, first - self._first), min(len(own), last - self._first)
            if low >= high:
                continue
            call = performed[max(0, 2 * low - high) : low]
            called = (call >= FIRST_PITCH).any() or (call == IMAGINE).any()
            merged[low:high] = own[low:high] if called else np.where(own[low:high] < 0, REST, own[low:high])
            if merged[low] == ASK:
                merged[low] = ASK_ANEW
        return merged

    def _own_turns(self) -> list[tuple[int, int]]:
        """Steps of the AI's turns (first, end), counted in bars from the beginning of the score."""
        assert self._turns is not None
        starts = [self.step_at(float(start)) for start in self._score.measures["start_quarter"]]
        starts.append(len(self.grid))
        bars = self._turns.bars
        return [
            (starts[bar], starts[min(len(starts) - 1, bar + bars)]) for bar in range(bars, len(starts) - 1, 2 * bars)
        ]

    def _forget(self, start: int) -> None:
        """Keep what is remembered within bounds."""
        if self._edges[start] - self._edges[self._first] > LONGEST_CONTEXT_QUARTERS:
            self._first = self.step_at(float(self._edges[start]) - CONTEXT_QUARTERS)

    # -- what is played ------------------------------------------------------------------------------------

    def play(self, start: int, stop: int, answer: Answer, wish: Wish, awaiting: frozenset[int]) -> list[Played]:
        """Take the answer for the window; its notes, each as long as it will sound."""
        notes: list[Played] = []
        offset = start - answer.start_step
        if not self._wishes or self._wishes[-1][1] != wish:
            self._wishes.append((start, wish))
        for part in sorted(self._own):
            tokens = answer.tokens[part][offset:].copy()
            column = self._played[part]
            if part in awaiting:
                tokens[tokens >= FIRST_PITCH] = REST
            if self._turns is not None and part == self._turns.lead:
                tokens = self._only_own(tokens, start)
            holds = stop - start
            while holds < len(tokens) and tokens[holds] == HOLD:
                holds += 1
            column[start : start + holds] = tokens[:holds]
            if start + holds < len(column):
                column[start + holds] = ASK_ANEW
            notes += self._notes(part, start, stop, tokens[:holds])
        return notes

    def echo(self, start: int, stop: int) -> list[Played]:
        """Nothing came in time: what was played a bar before, or nothing."""
        bar = float(self._score.measures[self._score.measure_at(float(self._edges[start]))]["duration_quarter"])
        back = start - self.step_at(float(self._edges[start]) - bar)
        notes: list[Played] = []
        for part in sorted(self._own):
            column = self._played[part]
            if start - back >= self._begun:
                idea = np.where(column[start - back : stop - back] < 0, REST, column[start - back : stop - back])
            else:
                idea = np.full(stop - start, REST, np.int64)
            if len(idea) and idea[0] == HOLD:
                idea[: int(np.argmax(idea != HOLD)) if (idea != HOLD).any() else len(idea)] = REST
            self.take(part, start, idea)
            notes += self._notes(part, start, stop, idea)
        return notes

    def take_written(self, start: int, stop: int) -> None:
        """The written part played in the window."""
        for part in self._own:
            self.take(part, start, self._written[part][start:stop])

    def take(self, part: int, start: int, tokens: np.ndarray) -> None:
        """These tokens were played."""
        column = self._played[part]
        column[start : start + len(tokens)] = tokens
        if start + len(tokens) < len(column):
            column[start + len(tokens)] = ASK_ANEW

    def has_written(self, start: int, stop: int) -> bool:
        """Whether the own parts have notes on the page, there or anywhere near."""
        near = slice(max(0, start - 64), stop + 64)
        return any((self._written[part][near] >= FIRST_PITCH).any() for part in self._own)

    def _only_own(self, tokens: np.ndarray, start: int) -> np.ndarray:
        """The lead's tokens without those of the performer's turns."""
        mine = np.zeros(len(tokens), bool)
        for first, last in self._own_turns():
            mine[max(0, first - start) : max(0, last - start)] = True
        return np.where(mine, tokens, REST)

    def _notes(self, part: int, start: int, stop: int, tokens: np.ndarray) -> list[Played]:
        notes = []
        for index in range(stop - start):
            if tokens[index] < FIRST_PITCH:
                continue
            last = index + 1
            while last < len(tokens) and tokens[last] == HOLD:
                last += 1
            onset, end = float(self._edges[start + index]), float(self._edges[start + last])
            notes.append(Played(part, onset, end - onset, token_to_pitch(int(tokens[index]))))
        return notes


def _ended(note: ScoreNote, now: float) -> bool:
    return note.onset_quarter + note.duration_quarter < now - 0.02
