"""Pointing, grabbing and menus of everybody in the hall: pointers in, what to draw and what was asked for out."""

from collections.abc import Iterable, Sequence

from ..hall import Hall
from ..types import PlayerPlacement
from .hall_state import HallState, ScoreNames
from .moving import put_back
from .person import Person, Surroundings
from .picking import PlayerTargets
from .values import InteractionFrame, Outcome, Pointer, Request

GONE_S = 5.0
"""Whose pointers were not heard of for so long has left."""
KEPT_MOVES = 100
"""Moves that can be undone."""


class Interaction:
    """One for a session. It reads no clock, so the same pointers at the same times come to the same. One thread."""

    def __init__(self, hall: Hall, names: ScoreNames, seated: Sequence[PlayerPlacement]) -> None:
        """``seated`` are the places to which "as seated at first" puts everybody back."""
        self._hall = hall
        self._names = names
        self._seated = tuple(seated)
        self._people: dict[str, Person] = {}
        self._undo: list[tuple[PlayerPlacement, ...]] = []
        self._targets = PlayerTargets(())
        self._aimed_at: tuple[PlayerPlacement, ...] = ()

    def step(
        self, now_s: float, pointers: Iterable[Pointer], state: HallState, spectators: frozenset[str] = frozenset()
    ) -> Outcome:
        """Take the pointers since the last step, in order of time.

        ``spectators`` may look (hover, labels, cards) but change nothing. ``requests`` of the outcome are to be done by
        the caller, who gives what came of them with the next ``state``; so with ``placements``.
        """
        if state.placements != self._aimed_at:
            self._aimed_at = state.placements
            self._targets = PlayerTargets(state.placements)
        around = Surroundings(self._hall, self._names, state, self._targets, bool(self._undo))
        by_person: dict[str, list[Pointer]] = {who: [] for who in self._people}
        for pointer in pointers:
            by_person.setdefault(pointer.who, []).append(pointer)
        requests: list[Request] = []
        frames: list[InteractionFrame] = []
        placements: tuple[PlayerPlacement, ...] | None = None
        released = False
        for who, own in by_person.items():
            person = self._people.setdefault(who, Person(who))
            person.allowed = who not in spectators
            person.step(now_s, own, around)
            requests += person.take_requests()
            if person.dropped is not None:
                self._undo = [*self._undo, person.dropped][-KEPT_MOVES:]
                released = True
            placements = person.placements or self._put_back(person, state) or placements
            frames.append(person.frame(now_s, around))
        self._people = {who: p for who, p in self._people.items() if now_s - p.seen_s < GONE_S or p.at_work}
        return Outcome(tuple(frames), tuple(requests), placements, released)

    def _put_back(self, person: Person, state: HallState) -> tuple[PlayerPlacement, ...] | None:
        """What "undo" and "as seated" come to."""
        if person.wants == "undo" and self._undo:
            return put_back(state.placements, self._undo.pop())
        if person.wants == "as_seated":
            back = put_back(state.placements, self._seated)
            if back != state.placements:
                self._undo = [*self._undo, state.placements][-KEPT_MOVES:]
                return back
        return None
