"""From score position to timed notes: what is due is performed a little ahead of time, and ended when it is over."""

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .expression import metrical_weight, perform_note
from .instruments import catalogue
from .intonation import EQUAL, Intonation
from .parts import PartBook
from .pedals import Pedals
from .score import NoteFlag, Score
from .types import Dynamics, NoteEvent, NoteRelease, ScoreNote, ScorePosition

LOOKAHEAD_S = 0.08
"""How far ahead of its onset a note is committed: several audio blocks and a frame, well under a beat."""

SUSTAINED, SUSTAIN_SLACK, SUSTAIN_SLACK_S = 0.6, 1.5, 0.05
"""A note that sounds for this part of its length is ended for the next one: where that is put off, as in a hold, the
note is sustained; not if the next comes within the usual gap, so many times longer, and this."""

When = Callable[[float], float | None]
"""Predicted session time at which the playhead reaches a score time; None while nobody knows."""


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a note ends: at ``end_s``, as far as it is known, a gap before ``written_quarter``, the end of its written
    length; None if it ends by itself."""

    note_id: int
    written_quarter: float | None
    gap_s: float
    end_s: float = 0.0


class Scheduler:
    """Turns the playhead's progress into note events; each note is emitted once and released once.

    Works beat by beat of the score: a beat's notes are collected from the part book as its start comes into sight,
    and the next beat is prepared then, so that an AI source has one beat to think.
    """

    def __init__(
        self,
        score: Score,
        book: PartBook,
        start_beat: float = 0.0,
        lookahead_s: float = LOOKAHEAD_S,
        tuning: Intonation = EQUAL,
    ):
        self._score = score
        self._book = book
        self._lookahead_s = lookahead_s
        self._tuning = tuning
        self._families = [catalogue()[part.instrument].family for part in score.parts]
        self._due: deque[tuple[ScoreNote, float]] = deque()
        self._pedals = Pedals(score)
        self._pedalled: dict[tuple[int, int], tuple[float, list[int]]] = {}
        """The newest notes of a part and pitch that end under the pedal: onset (quarters), and those struck there."""
        self._sounding: list[tuple[float, int, _Ending]] = []
        self._ending: list[_Ending] = []
        self._next_id = 0
        self._cut = False
        self._beat = 0
        self._go_to(start_beat)

    def step(
        self,
        now_s: float,
        position: ScorePosition,
        when: When,
        dynamics: Dynamics,
        offsets: Sequence[float] = (),
    ) -> tuple[tuple[NoteEvent, ...], tuple[NoteRelease, ...]]:
        """Notes whose onset, and releases whose end, comes within the look-ahead. Stopping ends what sounds.

        ``offsets`` are level offsets by part (``engine.balance``); without them all parts play as marked.
        """
        horizon_s = now_s + self._lookahead_s
        releases: list[NoteRelease] = []
        if self._cut or position.state in ("stopped", "ended"):
            releases = [NoteRelease(note_id, now_s) for _, note_id, _ in self._sounding]
            releases += [NoteRelease(note.note_id, now_s) for note in self._ending]
            self._sounding.clear()
            self._ending.clear()
            self._pedalled.clear()
            self._cut = False
        if position.state == "ended":
            self._due.clear()
            self._beat = len(self._score.beats)  # what a stall passed over is not to come any more
        if position.state in ("stopped", "ended"):
            return (), tuple(releases)
        self._open_beats(horizon_s, when)
        notes, damped = self._perform_due(now_s, horizon_s, position, when, dynamics, offsets)
        releases += damped + self._release_due(now_s, horizon_s, when)
        return tuple(notes), tuple(releases)

    def cut(self) -> None:
        """What sounds ends at the next step; what is due later is played."""
        self._cut = True

    def jump(self, beat: float) -> None:
        """Go on from another beat: what sounds ends at the next step, what was due is forgotten."""
        self._due.clear()
        self._cut = True
        self._go_to(beat)

    def _go_to(self, beat: float) -> None:
        self._beat = max(0, round(beat))
        self._prepare(self._beat)

    @property
    def exhausted(self) -> bool:
        """Nothing left to play and nothing sounding."""
        return self._beat >= len(self._score.beats) and not (self._due or self._sounding or self._ending)

    def _window(self, beat: int) -> tuple[float, float]:
        row = self._score.beats[beat]
        start_quarter = float(row["quarter"])
        return start_quarter, start_quarter + float(row["duration_quarter"])

    def _prepare(self, beat: int) -> None:
        if beat < len(self._score.beats):
            self._book.prepare(*self._window(beat))

    def _open_beats(self, horizon_s: float, when: When) -> None:
        while self._beat < len(self._score.beats):
            start_quarter, end_quarter = self._window(self._beat)
            at_s = when(start_quarter)
            if at_s is None or at_s > horizon_s:
                return
            row = self._score.beats[self._beat]
            for note in self._book.collect(start_quarter, end_quarter):
                weight = metrical_weight(
                    note.onset_quarter, start_quarter, int(row["beat"]), int(row["beats_in_measure"])
                )
                self._due.append((note, weight))
            self._beat += 1
            self._prepare(self._beat)

    def _perform_due(
        self,
        now_s: float,
        horizon_s: float,
        position: ScorePosition,
        when: When,
        dynamics: Dynamics,
        offsets: Sequence[float],
    ) -> tuple[list[NoteEvent], list[NoteRelease]]:
        """The notes that are due, and the ends of those under the pedal that they strike again."""
        events: list[NoteEvent] = []
        damped: list[NoteRelease] = []
        while self._due:
            note, weight = self._due[0]
            onset_s = when(note.onset_quarter)
            if onset_s is None or onset_s > horizon_s:
                break
            self._due.popleft()
            family = catalogue()[note.instrument].family if note.instrument else self._families[note.part]
            offset = offsets[note.part] if offsets else 0.0
            played = perform_note(note, family, dynamics, weight, position.quarter_rate, offset)
            end_quarter = note.onset_quarter + played.sounding_quarter
            pedal_quarter = self._pedals.damped_quarter(note.part, end_quarter)
            damped += self._strike_again(note, max(now_s, onset_s))
            if pedal_quarter is not None:
                end_quarter = pedal_quarter
                struck = self._pedalled.setdefault((note.part, note.pitch), (note.onset_quarter, []))
                struck[1].append(self._next_id)
            events.append(
                NoteEvent(
                    note_id=self._next_id,
                    part=note.part,
                    onset_s=max(now_s, onset_s),
                    duration_s=(end_quarter - note.onset_quarter) / max(position.quarter_rate, 0.05),
                    pitch=note.pitch,
                    velocity=played.velocity,
                    articulation=played.articulation,
                    quarter=note.onset_quarter,
                    source=note.source,
                    cents=note.cents + self._tuning.cents_of(note.part, note.pitch),
                    instrument=note.instrument,
                )
            )
            written_end = max(end_quarter, note.onset_quarter + note.duration_quarter)
            broken = note.flags & NoteFlag.BREATH and not note.flags & NoteFlag.FERMATA
            sustained = end_quarter - note.onset_quarter >= SUSTAINED * note.duration_quarter and not broken
            gap_s = (written_end - end_quarter) / max(position.quarter_rate, 0.05)
            ending = _Ending(self._next_id, written_end if sustained else None, gap_s)
            heapq.heappush(self._sounding, (end_quarter, self._next_id, ending))
            self._next_id += 1
        return events, damped

    def _strike_again(self, note: ScoreNote, onset_s: float) -> list[NoteRelease]:
        """The ends of notes under the pedal whose string is struck again; two voices in unison strike it once."""
        onset_quarter, struck = self._pedalled.get((note.part, note.pitch), (note.onset_quarter, []))
        if onset_quarter > note.onset_quarter - 1e-6:
            return []
        del self._pedalled[note.part, note.pitch]
        sounding = {note_id for _, note_id, _ in self._sounding} | {ending.note_id for ending in self._ending}
        self._sounding = [entry for entry in self._sounding if entry[1] not in struck]
        heapq.heapify(self._sounding)
        self._ending = [ending for ending in self._ending if ending.note_id not in struck]
        return [NoteRelease(note_id, onset_s) for note_id in struck if note_id in sounding]

    def _release_due(self, now_s: float, horizon_s: float, when: When) -> list[NoteRelease]:
        releases = []
        while self._sounding:
            end_quarter, _, ending = self._sounding[0]
            end_s = when(end_quarter)
            if end_s is None or end_s > horizon_s:
                break
            heapq.heappop(self._sounding)
            self._ending.append(replace(ending, end_s=end_s))
        sustained: list[_Ending] = []
        for ending in self._ending:
            if ending.written_quarter is not None:
                next_s = when(ending.written_quarter)
                if next_s is None or next_s > horizon_s + SUSTAIN_SLACK * ending.gap_s + SUSTAIN_SLACK_S:
                    sustained.append(ending)
                    continue
            releases.append(NoteRelease(ending.note_id, max(now_s, ending.end_s)))
        self._ending = sustained
        return releases
