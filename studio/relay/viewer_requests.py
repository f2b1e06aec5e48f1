"""What viewers ask for, done: beats and keys handed on, the baton asked for and given, phones let in, commands."""

import asyncio
from collections.abc import Callable

from ...engine.clock import SessionClock
from ...engine.errors import ProtocolError
from . import protocol as wire
from .interaction_info import pointers_of
from .phone_loan import PhoneLoans
from .presence import BatonRefused, Presence
from .relay_broadcast import Broadcast
from .relay_clients import ViewerConnection, binary_frame
from .relay_types import Control, Input, KeyInput, PointingInput
from .session_info import SessionInfo
from .viewer_inputs import check_count, command_of, inputs_of, keys_of

RECORDED = "This is a recording: it plays by itself."


class ViewerRequests:
    """One session's; every method runs in the event loop's thread.

    What is for the orchestra goes to ``on_input``. ``drop`` closes the line of a viewer whose phone came back on
    another. A ``recording`` has no baton to give and obeys nobody.
    """

    def __init__(
        self,
        info: SessionInfo,
        clock: SessionClock,
        presence: Presence,
        phones: PhoneLoans,
        out: Broadcast,
        on_input: Callable[[Input], None],
        drop: Callable[[ViewerConnection, int, str], None],
        recording: bool,
    ) -> None:
        self._info = info
        self._clock = clock
        self._presence = presence
        self._phones = phones
        self._out = out
        self._on_input = on_input
        self._drop = drop
        self._recording = recording
        self._keys_held: dict[int, set[int]] = {}
        self._reported_holder = wire.NOBODY

    def handle(self, viewer: ViewerConnection, message: wire.ClientMessage) -> None:
        """One message of a viewer. Raises ``ProtocolError``."""
        check_count(message)
        now_s = self._clock.now_s()
        match message:
            case wire.Ack():
                viewer.acknowledge(message.tick, message.audio_end, asyncio.get_running_loop().time())
            case wire.Ping():
                if not viewer.backlogged:
                    pong = wire.Pong(client_s=message.client_s, server_s=now_s)
                    viewer.send(binary_frame(wire.encode_server(pong)))
            case wire.Pointer() | wire.Poses() | wire.Tap():
                self._samples(viewer, message, now_s)
            case wire.Keys():
                self._play_keys(viewer, message, now_s)
            case wire.Pointing():
                self._point(viewer, message, now_s)
            case wire.Baton():
                self._baton(viewer, message)
            case wire.Command():
                self._command(viewer, message)
            case wire.Rename():
                self._presence.rename(viewer.viewer, message.name)
            case wire.Listen():
                viewer.listen(message.codec)
            case wire.Pair():
                self._out.tell(self._phones.invite(viewer.viewer, message.origin, now_s))
            case wire.Claim():
                self._claim(viewer, message.token, now_s)
            case wire.Hello():
                raise ProtocolError("Hello twice")

    def left(self, viewer: int) -> None:
        """A viewer has gone: the baton may have moved, and what they held down is let go."""
        self.report_baton()
        for pitch in sorted(self._keys_held.pop(viewer, ())):
            self._on_input(KeyInput(self._clock.now_s(), pitch, 0))

    def report_baton(self) -> None:
        """Tell the orchestra where the baton moved."""
        holder = self._presence.holder
        if holder != self._reported_holder:
            self._reported_holder = holder
            name = self._presence[holder].name if holder in self._out.viewers else ""
            self._on_input(Control(holder, name, "baton", target=holder))

    def _samples(
        self, viewer: ViewerConnection, message: wire.Pointer | wire.Poses | wire.Tap, arrival_s: float
    ) -> None:
        samples = inputs_of(message, viewer.clock, arrival_s) if self._presence.holder == viewer.viewer else []
        for sample in samples:
            self._on_input(sample)

    def _play_keys(self, viewer: ViewerConnection, message: wire.Keys, arrival_s: float) -> None:
        """Keys of the page's keyboard. What a viewer holds down is remembered, to be let go when they leave."""
        if self._info.keyboard is None:
            return
        held = self._keys_held.setdefault(viewer.viewer, set())
        for key in keys_of(message, viewer.clock, arrival_s, held, self._presence.may_control(viewer.viewer)):
            self._on_input(key)

    def _point(self, viewer: ViewerConnection, message: wire.Pointing, arrival_s: float) -> None:
        if message.samples:
            stamps = [sample.client_s for sample in message.samples]
            times = viewer.clock.to_session(stamps, message.clock_offset_s, arrival_s)
            may = self._presence.may_control(viewer.viewer)
            self._on_input(PointingInput(viewer.viewer, may, pointers_of(viewer.viewer, message, times)))

    def _baton(self, viewer: ViewerConnection, message: wire.Baton) -> None:
        if self._recording:
            self._out.tell((viewer.viewer, wire.Notice(RECORDED)))
            return
        try:
            match message.action:
                case "request":
                    self._presence.request(viewer.viewer)
                case "release":
                    self._presence.release(viewer.viewer)
                case "grant":
                    self._presence.grant(viewer.viewer, message.viewer)
                case "take":
                    self._presence.take(viewer.viewer)
        except BatonRefused as refused:
            self._out.tell((viewer.viewer, wire.Notice(str(refused))))
        self.report_baton()

    def _claim(self, viewer: ViewerConnection, token: str, now_s: float) -> None:
        claim = self._phones.claim(viewer.viewer, token, now_s)
        if claim.replaces is not None:
            self._drop(self._out.viewers[claim.replaces], 1001, "came back on another line")
        self._out.tell(*claim.told)
        self.report_baton()

    def _command(self, viewer: ViewerConnection, message: wire.Command) -> None:
        if self._recording:
            self._out.tell((viewer.viewer, wire.Notice(RECORDED)))
            return
        if not self._presence.may_control(viewer.viewer):
            self._out.tell((viewer.viewer, wire.Notice("Only a host or the one with the baton can do that.")))
            return
        self._on_input(command_of(message, self._info, viewer.viewer, self._presence[viewer.viewer].name))
