"""Plays recorded frames again in real time: sound, page and picture see what they saw."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..engine.audio.impulse_response import room_of
from ..engine.hall import Hall
from ..engine.types import AudioOutput, Frame, NoteEvent, NoteRelease, PlayerPlacement, Pose, SoloPosition
from .ai.commentary import Commentary
from .hall_choice import heard_from
from .heard_again import HeardAgain, seats_beside
from .house import House
from .relay.relay import RelayProcess
from .reseating import reseated
from .session_file import Session
from .still_sounding import StillSounding


class SessionPlayer:
    """Hands out the frames of a session, shifted to start at ``start_s`` on the clock of now.

    Players move, and are muted and balanced, and the listener changes seats, as they were; ``on_place`` and
    ``on_enter`` (another hall) are told for who draws them.
    """

    def __init__(
        self,
        session: Session,
        start_s: float,
        audio: AudioOutput,
        relay: RelayProcess | None,
        house: House | None = None,
        learner: HeardAgain | None = None,
        commentary: Commentary | None = None,
    ) -> None:
        """``house`` claps as it did in the session, ``learner`` plays what they played; ``commentary`` tells viewers
        of it."""
        self._frames = session.frames
        self._shift_s = start_s - self._frames[0].time_s
        self._audio = audio
        self._relay = relay
        self._next = 0
        self._sounding = StillSounding()
        self._head: Pose | None = None
        self._placements = session.header.placements
        self._house = house
        self._learner = learner
        self._commentary = commentary
        self._reseatings = deque(session.reseatings)
        self._seats = deque(heard_from(session))
        self._next_hall()
        self.on_place: Callable[[Sequence[PlayerPlacement]], None] | None = None
        self.on_enter: Callable[[Hall], None] | None = None

    @property
    def placements(self) -> tuple[PlayerPlacement, ...]:
        """The players as they sit now."""
        return self._placements

    @property
    def end_s(self) -> float:
        return self._frames[-1].time_s + self._shift_s

    def step(self, now_s: float) -> Frame | None:
        """Play everything due by ``now_s``; the newest frame, None when there was none."""
        newest = None
        while self._next < len(self._frames) and self._frames[self._next].time_s + self._shift_s <= now_s:
            self._reseat(self._frames[self._next].index)
            recorded = self._frames[self._next]
            while self._seats and self._seats[0].time_s <= recorded.time_s:
                change = self._seats.popleft()
                if change.entered:
                    if self._house is not None:
                        self._audio.submit((), self._house.hush(now_s))
                        self._house = self._house.moved(change.hall)
                    self._place()
                    self._next_hall()
                    if self._relay is not None:
                        self._relay.enter(change.hall)
                    if self.on_enter is not None:
                        self.on_enter(change.hall)
                else:
                    self._audio.sit(change.listener)
            newest = shifted(recorded, self._shift_s)
            self._next += 1
            self._submit(newest.notes, newest.releases)
            if self._learner is not None:
                self._submit(*self._learner.step(recorded, self._shift_s))
            if self._house is not None:
                self._house.play(newest, self._audio)
            self._turn_head(newest)
            if self._relay is not None:
                self._relay.publish(newest)
                for told in self._commentary.follow(newest) if self._commentary is not None else ():
                    self._relay.show(told)
        if newest is not None and self._next == len(self._frames):  # it may have been closed while they played
            hushed = self._house.hush(now_s) if self._house is not None else ()
            self._audio.submit((), (*hushed, *self._sounding.end(now_s)))
        return newest

    def _next_hall(self) -> None:
        """Have the next hall made ready for its time."""
        change = next((change for change in self._seats if change.entered), None)
        if change is not None:
            self._audio.enter(room_of(change.hall), change.listener, change.time_s + self._shift_s)

    def _submit(self, notes: Sequence[NoteEvent], releases: Sequence[NoteRelease]) -> None:
        self._sounding.follow(notes, releases)
        self._audio.submit(notes, releases)

    def _turn_head(self, frame: Frame) -> None:
        head = frame.pose_of("head")
        if head is not None and head != self._head:
            self._head = head
            self._audio.listen(head)

    def _reseat(self, frame: int) -> None:
        """Place the players as they were at a frame."""
        before = self._placements
        while self._reseatings and self._reseatings[0].frame <= frame:
            self._placements = reseated(self._placements, self._reseatings.popleft().placements)
        if self._placements == before:
            return
        self._place()
        if self._relay is not None:
            self._relay.place(self._placements)
        if self.on_place is not None:
            self.on_place(self._placements)

    def _place(self) -> None:
        audience = self._house.seats if self._house is not None else ()
        self._audio.place((*self._placements, *seats_beside(self._learner, audience)))


def shifted(frame: Frame, by_s: float) -> Frame:
    """A frame at another time: everything in it moves along."""

    def note(event: NoteEvent) -> NoteEvent:
        return replace(event, onset_s=event.onset_s + by_s)

    def release(event: NoteRelease) -> NoteRelease:
        return replace(event, time_s=event.time_s + by_s)

    return replace(
        frame,
        time_s=frame.time_s + by_s,
        position=replace(frame.position, time_s=frame.position.time_s + by_s),
        tempo=None
        if frame.tempo is None
        else replace(
            frame.tempo,
            time_s=frame.tempo.time_s + by_s,
            beat_s=frame.tempo.beat_s + by_s,
            next_beat_s=frame.tempo.next_beat_s + by_s,
        ),
        dynamics=replace(frame.dynamics, time_s=frame.dynamics.time_s + by_s),
        beats=tuple(
            replace(beat, time_s=beat.time_s + by_s, detected_s=beat.detected_s + by_s) for beat in frame.beats
        ),
        crossings=tuple(
            replace(c, time_s=c.time_s + by_s, ictus_s=None if c.ictus_s is None else c.ictus_s + by_s)
            for c in frame.crossings
        ),
        notes=tuple(note(event) for event in frame.notes),
        releases=tuple(release(event) for event in frame.releases),
        signs=tuple(replace(sign, time_s=sign.time_s + by_s) for sign in frame.signs),
        attention=frame.attention,
        poses=tuple(replace(pose, time_s=pose.time_s + by_s) for pose in frame.poses),
        solo=None if frame.solo is None else _solo_at(frame.solo, by_s),
        applause=None
        if frame.applause is None
        else replace(frame.applause, begin_s=frame.applause.begin_s + by_s, end_s=frame.applause.end_s + by_s),
    )


def _solo_at(solo: SoloPosition, by_s: float) -> SoloPosition:
    following_s = None if solo.next_s is None else solo.next_s + by_s
    return replace(solo, time_s=solo.time_s + by_s, onset_s=solo.onset_s + by_s, next_s=following_s)
