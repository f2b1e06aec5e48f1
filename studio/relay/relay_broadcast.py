"""What goes out to the viewers: each tick to those who keep up, what they lack before it, the sound, lines of text."""

import logging
from collections.abc import Sequence

from ...engine.errors import ProtocolError
from ...engine.interaction.values import InteractionFrame
from . import protocol as wire
from .audio_stream import AudioPackets
from .interaction_info import interaction_message, merged_interaction
from .newest import NewestMessages
from .presence import Presence
from .relay_clients import ViewerConnection, binary_frame
from .session_state import SessionState

log = logging.getLogger(__name__)


class Broadcast:
    """Sends the ``state`` of a session and its ``presence`` to the ``viewers``, who come and go there by their ids.

    Nothing waits: a viewer that is behind skips ticks, and gets everything that it lacks before its next one. Every
    method runs in the event loop's thread.
    """

    def __init__(self, state: SessionState, presence: Presence) -> None:
        self.viewers: dict[int, ViewerConnection] = {}
        self._state = state
        self._presence = presence
        self._presence_frame = (0, b"")
        self._shown = NewestMessages()

    def show(self, message: wire.Shown) -> None:
        """The newest of each kind is sent with the next tick, and to those who come later."""
        try:
            self._shown.put(wire.encode_server(message))
        except ProtocolError as error:
            log.error("a %s cannot be shown: %s", type(message).__name__, error)

    def interact(self, viewer: int, frame: InteractionFrame) -> None:
        """What a viewer's rays came to; sent with the next tick."""
        connection = self.viewers.get(viewer)
        if connection is not None:
            connection.interaction = merged_interaction(connection.interaction, frame)

    def tell(self, *told: tuple[int, wire.ServerMessage]) -> None:
        """At once, each to its viewer."""
        for viewer, message in told:
            self.viewers[viewer].send(binary_frame(wire.encode_server(message)))

    def snapshot(self, viewer: ViewerConnection) -> None:
        """The whole state: the first that a viewer gets."""
        viewer.send(binary_frame(self._state.snapshot(viewer.viewer, self._presence.message())))
        viewer.sent_presence = self._presence.version
        viewer.sent_players = self._state.players_version
        viewer.next_event = self._state.next_event

    def tick(self, now_s: float) -> Sequence[ViewerConnection]:
        """Send the newest state to all who are ready for it; those who are not."""
        first_event = self._state.next_event
        try:
            frame = binary_frame(self._state.make_tick())
        except ProtocolError as error:
            log.error("a tick cannot be shown: %s", error)
            return ()
        behind = []
        for viewer in list(self.viewers.values()):
            if viewer.ready_for_tick():
                self._bring_up_to_date(viewer, first_event)
                viewer.send_tick(self._state.tick, frame, now_s)
                viewer.next_event = self._state.next_event
            else:
                viewer.skip_tick()
                behind.append(viewer)
        return behind

    def stream(self, audio: AudioPackets) -> None:
        """Send the sound that is new, in each codec that somebody hears."""
        wanted = {viewer.codec for viewer in self.viewers.values()}
        for packet in audio.poll(wanted):
            frame = binary_frame(wire.encode_server(packet))
            for viewer in list(self.viewers.values()):
                if viewer.codec == packet.codec or (viewer.codec == "opus" and not audio.opus):
                    viewer.send_audio(packet, frame, audio.rate_hz)

    def _bring_up_to_date(self, viewer: ViewerConnection, first_event: int) -> None:
        """Everything that a viewer lacks before the tick whose events begin at ``first_event``."""
        if viewer.sent_presence != self._presence.version:
            viewer.sent_presence = self._presence.version
            viewer.send(self._presence_now())
        if viewer.sent_players != self._state.players_version:
            viewer.sent_players = self._state.players_version
            viewer.send(binary_frame(self._state.players()))
        if viewer.interaction is not None:
            viewer.send(binary_frame(wire.encode_server(interaction_message(viewer.interaction))))
            viewer.interaction = None
        if viewer.sent_shown != self._shown.version:
            for shown in self._shown.since(viewer.sent_shown):
                viewer.send(shown)
            viewer.sent_shown = self._shown.version
        if viewer.next_event != first_event:
            viewer.send(binary_frame(self._state.catch_up(viewer.next_event, first_event)))

    def _presence_now(self) -> bytes:
        """The same bytes for all, made once for each change."""
        if self._presence_frame[0] != self._presence.version:
            frame = binary_frame(wire.encode_server(self._presence.message()))
            self._presence_frame = (self._presence.version, frame)
        return self._presence_frame[1]
