"""Answers on the grid: what is known of four voices goes in, what was asked comes out decided.

The same music is often written on several times: live, the next beat is asked again whenever something new is heard.
What did not change is not thought over again: the decoder's state is kept every few steps, and writing begins at the
first step that differs.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .controls import Controls
from .grid import VOICES, Grid

ASK, ASK_ANEW, IMAGINE = -1, -2, -3
"""In a sheet's tokens: decide; decide on a new note or a rest, not to hold what sounds; decide, so that the music goes
on, what somebody else will play."""
SNAPSHOT_STEPS = 4
KEPT_SNAPSHOTS = 12


class Decoder(Protocol):
    """Decides voices one grid step at a time."""

    def start(self, sheet: "Sheet") -> Any:
        """A state before the first step of the sheet, with its ranges and its voices."""
        ...

    def copy(self, state: Any) -> Any:
        """A state that goes on from here by itself."""
        ...

    def step(self, state: Any, sheet: "Sheet", index: int, controls: Controls) -> Sequence[int]:
        """The tokens of all voices at step ``index``: those the sheet gives, the others decided. Moves ``state`` on.

        Under the same circumstances it decides the same.
        """
        ...


class NamedDecoder(Decoder, Protocol):
    """A decoder whose notes say who wrote them."""

    @property
    def source(self) -> str:
        """What its notes name as their source."""
        ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """A step at which voices (or parts) meet on a chord.

    ``classes`` are the pitch classes that each of them may have there; those that sound go on sounding, and those that
    are ``present`` sound in any case. One of them at least has the ``third``, and only one where it ``pulls``, as the
    leading note does. From this step up to ``until`` (not included) the ``chord`` (pitch classes) is asked of all.
    """

    step: int
    chord: frozenset[int]
    classes: Mapping[int, frozenset[int]]
    present: frozenset[int] = frozenset()
    third: int | None = None
    pulls: bool = False
    until: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """Four voices on a grid: ``tokens`` (steps, VOICES) holds what is known, and ``ASK``, ``ASK_ANEW`` or ``IMAGINE``.

    ``answered`` are the voices that are the AI's, ``ahead`` those that are known to the end from the beginning.
    ``controls`` says from which step on which controls hold (first step, controls), in order, from step 0.
    """

    grid: Grid
    tokens: np.ndarray
    ranges: tuple[tuple[int, int], ...]
    answered: frozenset[int]
    controls: tuple[tuple[int, Controls], ...]
    ahead: frozenset[int] = frozenset()
    coming: np.ndarray | None = None
    """What the ``ahead`` voices play after the sheet, (steps, VOICES); the other columns say nothing."""
    arrivals: tuple[Arrival, ...] = ()
    """Where its answered voices meet on chords, in order of steps."""
    leads: frozenset[int] = frozenset()
    """Answered voices that the others accompany as they do given ones."""

    @property
    def frame(self) -> tuple[Any, ...]:
        """What must be the same for two sheets to be about the same music."""
        return float(self.grid.onset_quarter[0]), self.ranges, self.answered, self.ahead, self.leads

    def arrival_at(self, step: int) -> Arrival | None:
        """The arrival at a step."""
        return next((arrival for arrival in self.arrivals if arrival.step == step), None)

    def chord_at(self, step: int) -> frozenset[int] | None:
        """The chord that is asked for at a step: that of the last arrival, until its time is over."""
        chords = [arrival.chord for arrival in self.arrivals if arrival.step <= step < arrival.until]
        return chords[-1] if chords else None

    def controls_at(self, step: int) -> Controls:
        current = self.controls[0][1]
        for first, controls in self.controls:
            if first > step:
                break
            current = controls
        return current


@dataclass(slots=True)
class _Row:
    """A step that was decided: what was asked and filled in, where it is, and under which controls and which chord."""

    asked: np.ndarray
    filled: np.ndarray
    onset_quarter: float
    controls: Controls
    chord: tuple[Arrival | None, frozenset[int] | None]


class SheetWriter:
    """Fills sheets. It remembers the last one, and what it thought on the way. Not thread-safe."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._frame: tuple[Any, ...] = ()
        self._rows: list[_Row] = []
        self._states: deque[tuple[int, Any]] = deque(maxlen=KEPT_SNAPSHOTS)

    def write(self, sheet: Sheet, progress: Callable[[int, int], None] | None = None) -> np.ndarray:
        """The tokens of all voices, (steps, VOICES), decided where they were not known."""
        step, state = self._resume(sheet)
        del self._rows[step:]
        while step < len(sheet.grid):
            if step % SNAPSHOT_STEPS == 0:
                self._states.append((step, self._decoder.copy(state)))
            onset_quarter = float(sheet.grid.onset_quarter[step])
            controls = sheet.controls_at(step)
            tokens = self._decoder.step(state, sheet, step, controls)
            filled, chord = np.array(tokens, np.int64), (sheet.arrival_at(step), sheet.chord_at(step))
            self._rows.append(_Row(sheet.tokens[step].copy(), filled, onset_quarter, controls, chord))
            step += 1
            if progress is not None:
                progress(step, len(sheet.grid))
        return np.array([row.filled for row in self._rows], np.int64).reshape(-1, VOICES)

    def _resume(self, sheet: Sheet) -> tuple[int, Any]:
        """Where to go on from, and the state there: nothing before differs from the sheet before."""
        if sheet.frame != self._frame:
            self._states.clear()
            self._frame = sheet.frame
        same = 0
        for row, asked, onset_quarter in zip(self._rows, sheet.tokens, sheet.grid.onset_quarter, strict=False):
            known = (asked == row.asked) | (asked == row.filled)
            if onset_quarter != row.onset_quarter or not known.all() or row.controls != sheet.controls_at(same):
                break
            if row.chord != (sheet.arrival_at(same), sheet.chord_at(same)):
                break
            same += 1
        while self._states and self._states[-1][0] > same:
            self._states.pop()
        if self._states:
            return self._states.pop()
        return 0, self._decoder.start(sheet)
