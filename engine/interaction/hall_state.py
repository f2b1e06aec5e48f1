"""What panels tell of the session: values that the studio gives at each step, and the names on them."""

from dataclasses import dataclass, field

from ..instruments import catalogue
from ..score import Score
from ..types import FollowState, PlayerPlacement
from .mixer import Mixer


@dataclass(frozen=True, slots=True)
class ScoreNames:
    """What panels know of the score: its parts, measures as printed, and marks to jump to as (measure index, text)."""

    parts: tuple[str, ...]
    measures: tuple[str, ...]
    marks: tuple[tuple[int, str], ...] = ()

    @classmethod
    def of(cls, score: Score) -> "ScoreNames":
        return cls(
            parts=tuple(part.name for part in score.parts),
            measures=tuple(str(number) for number in score.measures["number"]),
            marks=tuple((score.measure_at(quarter), text) for quarter, text in score.rehearsal),
        )


@dataclass(frozen=True, slots=True)
class HallState:
    """The session as panels show it.

    ``placements`` are the orchestra's, ``level`` what was added to the conductor's (−0.5 to 0.5), ``forgiveness`` (0–1)
    how the orchestra follows. ``conducting`` names the input that conducts. ``seats`` are those from which one can
    listen, ``seat`` the one that is heard from, as ``engine.audio.listener_seats`` names them. ``halls`` are the names
    of those that can be played in, ``hall`` of the one that is, ``entering`` of the one that is made ready.
    """

    placements: tuple[PlayerPlacement, ...]
    mixer: Mixer = field(default_factory=Mixer)
    running: bool = True
    state: FollowState = "waiting"
    measure_index: int = 0
    beat: int = 1
    bpm: float = 0.0
    level: float = 0.0
    forgiveness: float = 0.35
    conducting: str = ""
    seats: tuple[str, ...] = ()
    seat: str = ""
    halls: tuple[str, ...] = ()
    hall: str = ""
    entering: str = ""

    def player(self, number: int) -> PlayerPlacement | None:
        return next((placement for placement in self.placements if placement.player == number), None)

    def of_part(self, part: int) -> tuple[int, ...]:
        return tuple(placement.player for placement in self.placements if placement.part == part)

    def of_section(self, section: str) -> tuple[int, ...]:
        return tuple(placement.player for placement in self.placements if placement.section == section)

    @property
    def sections(self) -> tuple[str, ...]:
        """In the order of the score: a section comes where its first part does."""
        return tuple(dict.fromkeys(p.section for p in sorted(self.placements, key=lambda p: p.part)))


def seat_title(seat: str, seats: tuple[str, ...]) -> str:
    """A listener's seat for people: ``row-1`` is "Front row"."""
    rows = [name for name in seats if name.startswith("row-")]
    if seat in rows:
        return ("Front row", "Middle", "Back row")[min(2, rows.index(seat)) if len(rows) > 2 else 2 * rows.index(seat)]
    return seat.replace("-", " ").capitalize()


def section_title(section: str) -> str:
    """A section's name for people: ``violins-1`` is "Violins 1"."""
    return section.replace("-", " ").capitalize()


def player_title(state: HallState, placement: PlayerPlacement) -> str:
    """What a player is called: the instrument, numbered where several of the section play it."""
    fellows = [
        p.player for p in state.placements if p.section == placement.section and p.instrument == placement.instrument
    ]
    name = catalogue()[placement.instrument].name
    return name if len(fellows) == 1 else f"{name} {fellows.index(placement.player) + 1}"


def mix_words(state: HallState, player: int) -> str:
    """``muted``, ``solo``, ``silent beside a solo`` or nothing."""
    if player in state.mixer.muted:
        return "muted"
    if player in state.mixer.soloed:
        return "solo"
    return "silent beside a solo" if state.mixer.silent(player) else ""
