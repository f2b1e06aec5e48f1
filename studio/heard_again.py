"""What a learner played in a recorded session, heard again from their seat in replays and exports."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..engine.instruments import catalogue
from ..engine.scheduler import LOOKAHEAD_S
from ..engine.types import PERFORMER, Frame, NoteEvent, NoteRelease, PlayerPlacement
from .instrument_input import LearnerChoice, learner_seat
from .performer_file import PerformerSound
from .session_file import Session


@dataclass(slots=True)
class HeardAgain:
    """A learner's seat beside the orchestra's, and their notes on the session's own clock. One thread."""

    seat: PlayerPlacement
    _sound: PerformerSound

    @classmethod
    def of(cls, session: Session) -> "HeardAgain | None":
        """The learner of a session; None where nobody was heard, or where their notes are among the orchestra's.

        A session that does not say where they sat has them beside the podium, with a violin.
        """
        notes = [note for note in session.heard if note.duration_s is not None]
        if not notes or any(note.source == PERFORMER for frame in session.frames for note in frame.notes):
            return None
        header = session.header
        seat = header.learner or learner_seat(LearnerChoice(), header.placements, len(header.parts))
        return cls(seat, PerformerSound(notes, seat.part, *catalogue()[seat.instrument].range))

    def step(self, frame: Frame, shift_s: float = 0.0) -> tuple[tuple[NoteEvent, ...], tuple[NoteRelease, ...]]:
        """Notes that begin and end until shortly after a frame of the session, ``shift_s`` later."""
        notes, releases = self._sound.until(frame.time_s + LOOKAHEAD_S, frame.position.quarter)
        return (
            tuple(replace(note, onset_s=note.onset_s + shift_s) for note in notes),
            tuple(replace(release, time_s=release.time_s + shift_s) for release in releases),
        )


def seats_beside(learner: HeardAgain | None, audience: Sequence[PlayerPlacement]) -> tuple[PlayerPlacement, ...]:
    """Who is heard beside the orchestra."""
    return (*((learner.seat,) if learner is not None else ()), *audience)
