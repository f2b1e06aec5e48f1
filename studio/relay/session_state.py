"""The session as the relay knows it: what a tick, a catch-up and a snapshot are made of. No sockets here."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from ...engine.types import Frame, PlayerPlacement
from .protocol import (
    PODIUM,
    Events,
    HallShown,
    Players,
    Snapshot,
    Sounding,
    Tick,
    encode_event,
    encode_server,
    with_events,
)
from .protocol import Presence as PresenceMessage
from .protocol_values import AudioInfo, Event, NoteOff, NoteOn, Silence
from .session_info import (
    SessionInfo,
    clip_text,
    events_of,
    marking_infos,
    part_infos,
    player_infos,
    pose_infos,
    position_info,
    tempo_info,
)

KEPT_EVENTS = 2000
"""Missed events up to this many are sent again one by one; beyond, what sounds now takes their place."""
MAX_SOUNDING_S = 120.0
"""A note whose release never came is taken for ended so long after its expected end."""
EVENT_MODULUS = 2**32


class SessionState:
    """Newest frame, sounding notes and recent events. One thread uses it.

    Events are numbered from 0; ``next_event`` is the number of the next one to come.
    """

    def __init__(self, info: SessionInfo, *, relay_id: int, tick_hz: float, ack_window: int, audio: AudioInfo) -> None:
        self.info = info
        self._frame: Frame | None = None
        self._sounding: dict[int, NoteOn] = {}
        self._unsent: list[Event] = []
        self._recent: deque[bytes] = deque(maxlen=KEPT_EVENTS)
        self.next_event = 0
        self.tick = 0
        self.players_version = 1
        self._template = Snapshot(
            relay_id=relay_id,
            viewer=PODIUM,
            tick_hz=tick_hz,
            ack_window=ack_window,
            title=clip_text(info.title, 1000),
            composer=clip_text(info.composer, 1000),
            hall=clip_text(info.hall),
            picture=clip_text(info.picture),
            end_quarter=info.end_quarter,
            parts=part_infos(info.parts),
            players=player_infos(info.placements),
            measures=info.measures,
            beats=info.beats,
            rehearsal=marking_infos(info.rehearsal),
            markings=marking_infos(info.markings),
            tempos=info.tempos,
            figures=info.figures,
            audio=audio,
            presence=PresenceMessage(baton_holder=0, requests=(), viewers=()),
            position=None,
            next_event=0,
            sounding=(),
            keyboard=info.keyboard,
        )

    def enter(self, hall: str, picture: str) -> None:
        """Another hall, in snapshots from now on."""
        self._template = replace(self._template, hall=clip_text(hall), picture=clip_text(picture))

    @property
    def hall(self) -> HallShown:
        """Where the orchestra plays."""
        return HallShown(self._template.hall, self._template.picture)

    def place(self, placements: Sequence[PlayerPlacement]) -> None:
        """Players were moved, muted or re-balanced."""
        self._template = replace(self._template, players=player_infos(placements))
        self.players_version += 1

    def absorb(self, frame: Frame) -> None:
        """A step of the performance."""
        self._frame = frame
        self._add(events_of(frame))

    def silence(self, time_s: float) -> None:
        """Every sounding note ended."""
        self._add([Silence(time_s=time_s)])

    def _add(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, NoteOn):
                self._sounding[event.note_id] = event
            elif isinstance(event, NoteOff):
                self._sounding.pop(event.note_id, None)
            elif isinstance(event, Silence):
                self._sounding.clear()
        self._unsent += events

    def make_tick(self) -> bytes:
        """The next tick's bytes: built once, sent to all.

        Raises ``ProtocolError`` where a value of the engine's does not fit the wire; its events are lost then.
        """
        unsent, self._unsent = self._unsent, []
        events = [encode_event(event) for event in unsent]
        frame = self._frame
        self.tick = (self.tick + 1) % EVENT_MODULUS
        message = Tick(
            tick=self.tick,
            frame_s=frame.time_s if frame else 0.0,
            position=position_info(frame.position) if frame else None,
            tempo=tempo_info(frame.tempo) if frame else None,
            level=frame.dynamics.level if frame else 0.5,
            articulation=frame.dynamics.articulation if frame else 0.0,
            attention=clip_text(frame.attention or "") if frame else "",
            poses=pose_infos(frame.poses) if frame else (),
            first_event=self.next_event,
            events=(),
        )
        data = with_events(message, events)
        self._recent.extend(events)
        self.next_event = (self.next_event + len(events)) % EVENT_MODULUS
        if frame is not None and self.tick % 64 == 0:
            self._forget_lost_notes(frame.time_s)
        return data

    def _forget_lost_notes(self, now_s: float) -> None:
        for note_id, note in list(self._sounding.items()):
            if now_s > note.onset_s + note.duration_s + MAX_SOUNDING_S:
                del self._sounding[note_id]

    def catch_up(self, first_missing: int, before: int) -> bytes:
        """What a viewer missed who has all events before ``first_missing``, up to those before ``before``.

        ``before`` is where the tick that it gets next begins. Call it after ``make_tick``.
        """
        newer = (self.next_event - before) % EVENT_MODULUS
        missing = (before - first_missing) % EVENT_MODULUS
        if missing + newer <= len(self._recent):
            kept = list(self._recent)
            events = kept[len(kept) - newer - missing : len(kept) - newer]
            return with_events(Events(first_event=first_missing, events=()), events)
        return encode_server(Sounding(next_event=before, notes=tuple(self._sounding.values())))

    def players(self) -> bytes:
        """All placements as they are now."""
        return encode_server(Players(players=self._template.players))

    def snapshot(self, viewer: int, presence: PresenceMessage) -> bytes:
        """The whole state for one who joins between two ticks: events not yet ticked come with the next tick."""
        unsent_starts = {event.note_id for event in self._unsent if isinstance(event, NoteOn)}
        sounding = tuple(note for note_id, note in self._sounding.items() if note_id not in unsent_starts)
        return encode_server(
            replace(
                self._template,
                viewer=viewer,
                presence=presence,
                position=position_info(self._frame.position) if self._frame else None,
                next_event=self.next_event,
                sounding=sounding,
            )
        )
