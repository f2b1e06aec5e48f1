"""What people do with their hands in the hall, joined to a live session: panels show it, players move by it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..engine.audio.listener_seats import seat_choices
from ..engine.audio.source_field import Listener
from ..engine.hall import Hall
from ..engine.interaction.hall_state import HallState, ScoreNames
from ..engine.interaction.interaction import Interaction
from ..engine.interaction.mixer import Mixer, with_gain
from ..engine.interaction.values import InteractionFrame, Outcome, Pointer, Request
from ..engine.score import Score
from ..engine.types import Frame, PlayerPlacement
from .hall_choice import halls_beside, seat_kept
from .listening_seat import seat_asked_for

log = logging.getLogger(__name__)

SEATING_ACTIONS = ("mute", "solo", "gain", "mix_clear")


class PointerSource(Protocol):
    """Where pointers come from: window, headset. Never blocks."""

    def poll_pointers(self, now_s: float) -> Sequence[Pointer]:
        """New pointers with stamps up to ``now_s``, in order of time."""
        ...


@dataclass(frozen=True, slots=True)
class Console:
    """What panels show of the session beside its frames."""

    running: bool
    level: float
    forgiveness: float
    conducting: str


@dataclass(slots=True)
class HallInteraction:
    """Everybody's pointers, panels and mutes in a session. One thread; the session steps it.

    ``sources`` are the studio's own pointers; those of the page's viewers are given to ``step``.
    """

    hall: Hall
    score: Score
    seated: tuple[PlayerPlacement, ...]
    sources: list[PointerSource] = field(default_factory=list)
    seat: str = "podium"
    """Where the listener sits, as ``listener_seats`` names it."""
    entering: Hall | None = None
    """The hall that is made ready."""
    halls: tuple[Hall, ...] = field(init=False)
    """Those that can be played in."""
    mixer: Mixer = field(init=False)
    frames: dict[str, InteractionFrame] = field(default_factory=dict)
    """The newest of everybody, by who it is."""
    _interaction: Interaction = field(init=False)
    _names: ScoreNames = field(init=False)
    _shown: Frame | None = None
    _measure: int = 0

    def __post_init__(self) -> None:
        self.halls = halls_beside(self.hall)
        self.mixer = Mixer.of(self.seated)
        self._names = ScoreNames.of(self.score)
        self._interaction = Interaction(self.hall, self._names, self.seated)

    def show(self, frame: Frame) -> None:
        """Panels tell of this frame."""
        self._shown = frame
        self._measure = self.score.measure_at(frame.position.quarter)

    def step(
        self,
        now_s: float,
        from_viewers: Sequence[Pointer],
        spectators: frozenset[str],
        placements: tuple[PlayerPlacement, ...],
        console: Console,
    ) -> Outcome:
        """Take the pointers since the last step; ``frames`` are new afterwards."""
        pointers = [pointer for source in self.sources for pointer in source.poll_pointers(now_s)]
        pointers += from_viewers
        if not pointers and not self.frames:
            return Outcome()
        pointers.sort(key=lambda pointer: pointer.time_s)
        position = self._shown.position if self._shown is not None else None
        state = HallState(
            placements=placements,
            mixer=self.mixer,
            running=console.running,
            state="waiting" if position is None else position.state,
            measure_index=self._measure,
            beat=1 if position is None else max(1, int(position.beat_in_measure + 1e-6)),
            bpm=0.0 if position is None else position.bpm,
            level=console.level,
            forgiveness=console.forgiveness,
            conducting=console.conducting,
            seats=seat_choices(self.hall),
            seat=self.seat,
            halls=tuple(hall.name for hall in self.halls),
            hall=self.hall.name,
            entering="" if self.entering is None else self.entering.name,
        )
        outcome = self._interaction.step(now_s, pointers, state, spectators)
        self.frames = {frame.who: frame for frame in outcome.frames}
        return outcome

    def balance(self, request: Request, placements: tuple[PlayerPlacement, ...]) -> tuple[PlayerPlacement, ...]:
        """The placements after a mute, solo or gain was asked for."""
        match request.action:
            case "mute":
                self.mixer = self.mixer.mute(request.players, request.value != 0.0)
            case "solo":
                self.mixer = self.mixer.solo(request.players, request.value != 0.0)
            case "mix_clear":
                self.mixer = Mixer()
            case "gain":
                return with_gain(placements, request.players, request.value)
        return self.mixer.applied(placements)

    def sit(self, request: Request) -> Listener | None:
        """The seat that was asked for, by its number among the hall's; None for the podium, where the conductor's own
        head hears."""
        self.seat, listener = seat_asked_for(self.hall, request.value)
        return listener

    def hall_asked_for(self, number: float) -> Hall:
        """The hall of this number."""
        return self.halls[min(len(self.halls) - 1, max(0, int(number)))]

    def enter(self, hall: Hall) -> None:
        """The orchestra is in another hall, and so is the listener."""
        self.hall = hall
        self.seat, _ = seat_kept(self.seat, hall)

    def mute_part(self, part: int, on: bool, placements: tuple[PlayerPlacement, ...]) -> tuple[PlayerPlacement, ...]:
        """The placements with a whole part muted or not: how the page's list of parts asks for it."""
        self.mixer = self.mixer.mute((p.player for p in placements if p.part == part), on)
        return self.mixer.applied(placements)

    def solo_part(self, part: int, on: bool, placements: tuple[PlayerPlacement, ...]) -> tuple[PlayerPlacement, ...]:
        """The placements with a whole part heard alone, beside other solos, or not."""
        self.mixer = self.mixer.solo((p.player for p in placements if p.part == part), on)
        return self.mixer.applied(placements)

    def reseat(self, placements: Sequence[PlayerPlacement]) -> None:
        """A seating was loaded: its mutes count, and nobody is solo."""
        self.mixer = Mixer.of(placements)
