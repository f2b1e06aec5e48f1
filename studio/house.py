"""The audience of a session: it claps when the music is over, for ear, page, picture and recording."""

from collections.abc import Sequence
from dataclasses import replace

from ..engine.applause import ApplausePlayer, Audience, audience_seats
from ..engine.hall import Hall
from ..engine.types import AudioOutput, FollowState, Frame, NoteEvent, NoteRelease, PlayerPlacement

MUSIC_AGAIN: frozenset[FollowState] = frozenset({"waiting", "preparing", "playing"})


class House:
    """Listens to the performance and claps; ``seats`` are its groups, players beside the orchestra's for the sound.

    One thread.
    """

    def __init__(self, seats: Sequence[PlayerPlacement]) -> None:
        self.seats = tuple(seats)
        self._first = (seats[0].player, seats[0].part) if seats else None
        self._audience = Audience()
        self._player = ApplausePlayer(self.seats)

    @classmethod
    def of(cls, hall: Hall, beside: Sequence[PlayerPlacement], parts: int) -> "House":
        """The house of a hall where ``beside`` (orchestra, learner) sit already; ``parts`` are those of the score."""
        first_player = 1 + max((placement.player for placement in beside), default=-1)
        first_part = 1 + max((placement.part for placement in beside), default=parts - 1)
        return cls(audience_seats(hall, first_player, max(first_part, parts)))

    def moved(self, hall: Hall) -> "House":
        """The same people in the seats of another hall; nobody claps on the way. Call ``hush`` before."""
        if self._first is None:  # there was no audience to begin with, and no sounds for one were loaded
            return self
        house = House(audience_seats(hall, *self._first))
        house._audience, house._first = self._audience, self._first
        return house

    @property
    def clapping(self) -> bool:
        """Somebody claps, or is about to."""
        return self._player.sounding

    def step(self, frame: Frame, ended: bool, audio: AudioOutput) -> Frame:
        """A frame of the performance on its way to everyone: with the applause that it gives rise to, if it does.

        ``ended``: its last note is over. The clapping goes to ``audio``.
        """
        applause = self._audience.step(frame, ended) if self.seats else None
        if applause is not None:
            frame = replace(frame, applause=applause)
        self.play(frame, audio)
        return frame

    def hush(self, now_s: float) -> tuple[NoteRelease, ...]:
        """Everybody stops at once."""
        return self._player.stop(now_s)

    def play(self, frame: Frame, audio: AudioOutput) -> None:
        """Clap as a frame says that it was clapped."""
        notes, releases = self.clap(frame)
        if notes or releases:
            audio.submit(notes, releases)

    def clap(self, frame: Frame) -> tuple[tuple[NoteEvent, ...], tuple[NoteRelease, ...]]:
        """The claps that begin and end with a frame."""
        if frame.applause is not None and self.seats:
            self._player.begin(frame.applause)
        if not self._player.sounding:
            return (), ()
        if frame.position.state in MUSIC_AGAIN:
            return (), self._player.stop(frame.time_s)
        return self._player.step(frame.time_s)
