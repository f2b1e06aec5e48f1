"""The relay: one session, many viewers, nobody slowed by anybody.

An asyncio server that serves the page and the WebSocket of ``docs/protocol.md`` on one port. It knows nothing of the
engine's process: sessions go in by ``absorb`` and its like, batons and controls come out by ``on_input``.
``studio.relay.relay`` runs it in a process of its own.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ...engine.clock import SessionClock
from ...engine.errors import ProtocolError
from ...engine.types import Frame, PlayerPlacement
from . import protocol as wire
from .addresses import lan_addresses
from .audio_stream import PACKET_S, AudioPackets, AudioTap
from .interaction_info import interaction_message, merged_interaction, pointers_of
from .newest import NewestMessages
from .pairing import reachable_origin
from .phone_loan import PhoneLoans, Told
from .presence import BatonRefused, Presence
from .protocol_values import AudioInfo
from .relay_access import (
    CLOSE_TIMEOUT_S,
    REQUEST_TIMEOUT_S,
    RelayConnection,
    hang_up,
    is_loopback,
    select_subprotocol,
    tls_context,
)
from .relay_clients import Counts, RateLimit, ViewerConnection, binary_frame
from .relay_http import RelayHttp
from .relay_types import (
    Control,
    Input,
    KeyInput,
    PointingInput,
    RelaySettings,
    RelayStatus,
    ShownInteraction,
)
from .session_info import SessionInfo
from .session_state import SessionState
from .viewer_inputs import check_count, command_of, inputs_of, keys_of

log = logging.getLogger(__name__)

HELLO_TIMEOUT_S = 5.0
STALL_TIMEOUT_S = 8.0
ACK_WINDOW_S = 0.4
COSTLY = 20
"""A message that makes work for everybody counts as so many."""
COSTLY_KINDS = (wire.Rename, wire.Baton, wire.Command, wire.Listen, wire.Pair, wire.Claim)

RECORDED = "This is a recording: it plays by itself."


class RelayServer:
    """Serves one session. Every method but ``__init__`` runs in the event loop's thread."""

    def __init__(
        self,
        info: SessionInfo,
        settings: RelaySettings,
        clock: SessionClock,
        audio: AudioTap | None = None,
        on_input: Callable[[Input], None] = lambda _: None,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._on_input = on_input
        self._audio = AudioPackets(audio) if audio else None
        self._presence = Presence()
        self._told_presence = (0, b"")
        self._shown = NewestMessages()
        self._phones = PhoneLoans(self._presence, self._reach, settings.phone_token, clock.now_s())
        self._viewers: dict[int, ViewerConnection] = {}
        self._keys_held: dict[int, set[int]] = {}
        self._counts = Counts()
        self._window = max(6, round(ACK_WINDOW_S * settings.tick_hz))
        sound = AudioInfo(rate_hz=0, packet_samples=0)
        if self._audio:
            sound = AudioInfo(rate_hz=self._audio.rate_hz, packet_samples=self._audio.packet_samples)
        self._state = SessionState(
            info, relay_id=secrets.randbits(32), tick_hz=settings.tick_hz, ack_window=self._window, audio=sound
        )
        self._reported_holder = wire.NOBODY
        self._late_s = 0.0
        self._server: Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: set[asyncio.Task[None]] = set()

    # --- life --------------------------------------------------------------------------------

    async def start(self) -> None:
        """Bind and begin to tick. Raises ``OSError`` where the port cannot be had."""
        self._server = await serve(
            self._converse,
            self.settings.host,
            self.settings.port,
            process_request=RelayHttp(self.settings).respond,
            select_subprotocol=select_subprotocol,
            create_connection=RelayConnection,
            compression=None,
            open_timeout=None,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=None,
            max_size=wire.MAX_CLIENT_MESSAGE_BYTES,
            server_header=None,
            ssl=tls_context(self.settings.certificate),
            ssl_handshake_timeout=REQUEST_TIMEOUT_S if self.settings.certificate else None,
        )
        self._tasks = [asyncio.create_task(self._tick_forever(), name="ticks")]
        if self._audio:
            self._tasks.append(asyncio.create_task(self._stream_forever(self._audio), name="audio"))

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def run(self) -> None:
        """Until cancelled, or until the ticks or the sound break, whose exception it raises."""
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Say goodbye to everybody (1001) and stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(hang_up(v.socket, 1001, "the relay closes") for v in list(self._viewers.values())))
        if self._server is not None:
            self._server.close(code=1001, reason="the relay closes")
            await self._server.wait_closed()
        if self._audio is not None:
            self._audio.close()

    def status(self) -> RelayStatus:
        late_s, self._late_s = self._late_s, 0.0
        return RelayStatus(
            time_s=self._clock.now_s(),
            viewers=len(self._presence),
            baton_holder=self._presence.holder,
            ticks=self._state.tick,
            ticks_sent=self._counts.ticks_sent,
            ticks_skipped=self._counts.ticks_skipped,
            audio_sent=self._counts.audio_sent,
            audio_dropped=self._counts.audio_dropped,
            bytes_sent=self._counts.bytes_sent,
            late_tick_s=late_s,
            closed=dict(self._counts.closed),
        )

    # --- from the orchestra --------------------------------------------------------------------

    def absorb(self, frame: Frame) -> None:
        """A step of the performance; the next tick shows it."""
        self._state.absorb(frame)

    def silence(self, time_s: float) -> None:
        """Every sounding note ended (stop, seek)."""
        self._state.silence(time_s)

    def place(self, placements: tuple[PlayerPlacement, ...]) -> None:
        """Players were moved, muted or re-balanced."""
        self._state.place(placements)

    def interact(self, shown: ShownInteraction) -> None:
        """What a viewer's rays came to; the newest is shown with the next tick."""
        viewer = self._viewers.get(shown.viewer)
        if viewer is not None:
            viewer.interaction = merged_interaction(viewer.interaction, shown.frame)

    def show(self, message: wire.Shown) -> None:
        """How the sound does, what chord this is …: the newest of each kind is shown with the next tick."""
        try:
            self._shown.put(wire.encode_server(message))
        except ProtocolError as error:
            log.error("a %s cannot be shown: %s", type(message).__name__, error)

    def hold_baton(self, held: bool) -> None:
        """The studio's own devices take the baton, or release it."""
        self._presence.hold_on_podium(held)
        self._report_baton()

    # --- ticks and sound -------------------------------------------------------------------------

    async def _tick_forever(self) -> None:
        loop = asyncio.get_running_loop()
        period_s = 1.0 / self.settings.tick_hz
        due_s = loop.time()
        while True:
            due_s += period_s
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            late_s = loop.time() - due_s
            self._late_s = max(self._late_s, late_s)
            if late_s > 1.0:
                log.warning("ticks stood still for %.1f s", late_s)
                due_s = loop.time()
            self._tick(loop.time())

    def _tick(self, now_s: float) -> None:
        first_event = self._state.next_event
        try:
            frame = binary_frame(self._state.make_tick())
        except ProtocolError as error:
            log.error("a tick cannot be shown: %s", error)
            return
        for viewer in list(self._viewers.values()):
            if not viewer.ready_for_tick():
                viewer.skip_tick()
                if viewer.stalled_s(now_s) > STALL_TIMEOUT_S:
                    self._drop(viewer, wire.CLOSE_STALLED, f"acknowledged nothing for {STALL_TIMEOUT_S:.0f} s")
            else:
                self._bring_up_to_date(viewer, first_event)
                viewer.send_tick(self._state.tick, frame, now_s)
                viewer.next_event = self._state.next_event

    def _bring_up_to_date(self, viewer: ViewerConnection, first_event: int) -> None:
        """Everything that a viewer lacks before the tick whose events begin at ``first_event``."""
        if viewer.sent_presence != self._presence.version:
            viewer.sent_presence = self._presence.version
            viewer.send(self._presence_frame())
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

    def _presence_frame(self) -> bytes:
        """The same bytes for all, made once for each change."""
        if self._told_presence[0] != self._presence.version:
            frame = binary_frame(wire.encode_server(self._presence.message()))
            self._told_presence = (self._presence.version, frame)
        return self._told_presence[1]

    def _send_snapshot(self, viewer: ViewerConnection) -> None:
        viewer.send(binary_frame(self._state.snapshot(viewer.viewer, self._presence.message())))
        viewer.sent_presence = self._presence.version
        viewer.sent_players = self._state.players_version
        viewer.next_event = self._state.next_event

    async def _stream_forever(self, audio: AudioPackets) -> None:
        while True:
            wanted = {viewer.codec for viewer in self._viewers.values()}
            for packet in audio.poll(wanted):
                frame = binary_frame(wire.encode_server(packet))
                for viewer in list(self._viewers.values()):
                    if viewer.codec == packet.codec or (viewer.codec == "opus" and not audio.opus):
                        viewer.send_audio(packet, frame, audio.rate_hz)
            await asyncio.sleep(PACKET_S / 4)

    # --- one viewer --------------------------------------------------------------------------------

    async def _converse(self, connection: ServerConnection) -> None:
        """A WebSocket from its opening to its end."""
        if isinstance(connection, RelayConnection):
            connection.end_deadline()
        if connection.subprotocol != wire.SUBPROTOCOL:
            await self._refuse(connection, wire.CLOSE_VERSION, f"this relay speaks {wire.SUBPROTOCOL}: reload the page")
            return
        if len(self._presence) >= self.settings.max_viewers:
            await self._refuse(connection, wire.CLOSE_FULL, f"the hall is full ({self.settings.max_viewers} viewers)")
            return
        viewer: ViewerConnection | None = None
        limit = RateLimit(asyncio.get_running_loop().time())
        try:
            viewer = self._join(connection, await asyncio.wait_for(connection.recv(), HELLO_TIMEOUT_S))
            async for data in connection:
                message = wire.decode_client(_binary(data))
                costly = isinstance(message, COSTLY_KINDS)
                if not limit.allows(len(data), asyncio.get_running_loop().time(), COSTLY if costly else 1):
                    await self._refuse(connection, wire.CLOSE_FLOOD, "too many messages")
                    break
                self._handle(viewer, message)
        except TimeoutError:
            await self._refuse(connection, wire.CLOSE_NO_HELLO, "no Hello")
        except ProtocolError as error:
            await self._refuse(connection, wire.CLOSE_MALFORMED, str(error))
        except ConnectionClosed as closed:
            if closed.sent is not None and closed.sent.code == 1009:
                self._count_close("1009", connection, "message too large")
        finally:
            if viewer is not None:
                self._leave(viewer)

    def _join(self, connection: ServerConnection, data: str | bytes) -> ViewerConnection:
        hello = wire.decode_client(_binary(data))
        if not isinstance(hello, wire.Hello):
            raise ProtocolError(f"{type(hello).__name__} before Hello")
        key = self.settings.host_key
        knows_key = bool(key) and secrets.compare_digest(hello.host_key.encode(), key.encode())
        here = self.settings.trust_this_machine and is_loopback(connection.remote_address)
        person = self._presence.join(hello.name, host=knows_key or here)
        viewer = ViewerConnection(connection, person.viewer, hello.codec, self._counts, self._window)
        self._viewers[person.viewer] = viewer
        self._send_snapshot(viewer)
        log.info("%s joined (viewer %d)", person.name, person.viewer)
        return viewer

    def _leave(self, viewer: ViewerConnection) -> None:
        if self._viewers.pop(viewer.viewer, None) is not None:
            if viewer.viewer in self._presence:
                log.info("%s left (viewer %d)", self._presence[viewer.viewer].name, viewer.viewer)
                self._presence.leave(viewer.viewer)
            self._report_baton()
            for pitch in sorted(self._keys_held.pop(viewer.viewer, ())):
                self._on_input(KeyInput(self._clock.now_s(), pitch, 0))

    def _drop(self, viewer: ViewerConnection, code: int, reason: str) -> None:
        """Close one viewer without waiting for it."""
        self._leave(viewer)
        closing = asyncio.create_task(self._refuse(viewer.socket, code, reason))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _refuse(self, connection: ServerConnection, code: int, reason: str) -> None:
        self._count_close(str(code), connection, reason)
        await hang_up(connection, code, reason)

    def _count_close(self, code: str, connection: ServerConnection, reason: str) -> None:
        self._counts.closed[code] = self._counts.closed.get(code, 0) + 1
        log.warning("closed the viewer at %s: %s (%s)", connection.remote_address, reason, code)

    def _handle(self, viewer: ViewerConnection, message: wire.ClientMessage) -> None:
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
                self._tell(self._phones.invite(viewer.viewer, message.origin, now_s))
            case wire.Claim():
                self._claim(viewer, message.token, now_s)
            case wire.Hello():
                raise ProtocolError("Hello twice")

    def _samples(
        self, viewer: ViewerConnection, message: wire.Pointer | wire.Poses | wire.Tap, arrival_s: float
    ) -> None:
        samples = inputs_of(message, viewer.clock, arrival_s) if self._presence.holder == viewer.viewer else []
        for sample in samples:
            self._on_input(sample)

    def _play_keys(self, viewer: ViewerConnection, message: wire.Keys, arrival_s: float) -> None:
        """Keys of the page's keyboard. What a viewer holds down is remembered, to be let go when they leave."""
        if self._state.info.keyboard is None:
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
        if self.settings.recording:
            self._tell((viewer.viewer, wire.Notice(RECORDED)))
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
            self._tell((viewer.viewer, wire.Notice(str(refused))))
        self._report_baton()

    def _reach(self, origin: str) -> str | None:
        """How a phone reaches the page open at ``origin``: by HTTPS, for which its sensors ask, or not at all."""
        host = self.settings.host
        if self.settings.certificate is None or is_loopback((host, 0)) or host == "localhost":
            return None
        return reachable_origin(origin, self.port, lan_addresses())

    def _claim(self, viewer: ViewerConnection, token: str, now_s: float) -> None:
        claim = self._phones.claim(viewer.viewer, token, now_s)
        if claim.replaces is not None:
            self._drop(self._viewers[claim.replaces], 1001, "came back on another line")
        self._tell(*claim.told)
        self._report_baton()

    def say(self, text: str) -> None:
        """A line for everybody."""
        self._tell(*((viewer, wire.Notice(text)) for viewer in self._viewers))

    def _tell(self, *told: Told) -> None:
        for viewer, message in told:
            self._viewers[viewer].send(binary_frame(wire.encode_server(message)))

    def _report_baton(self) -> None:
        """Tell the orchestra when the baton moved."""
        holder = self._presence.holder
        if holder != self._reported_holder:
            self._reported_holder = holder
            name = self._presence[holder].name if holder in self._viewers else ""
            self._on_input(Control(holder, name, "baton", target=holder))

    def _command(self, viewer: ViewerConnection, message: wire.Command) -> None:
        if self.settings.recording:
            self._tell((viewer.viewer, wire.Notice(RECORDED)))
            return
        if not self._presence.may_control(viewer.viewer):
            self._tell((viewer.viewer, wire.Notice("Only a host or the one with the baton can do that.")))
            return
        self._on_input(command_of(message, self._state.info, viewer.viewer, self._presence[viewer.viewer].name))


def _binary(data: str | bytes) -> bytes:
    if isinstance(data, str):
        raise ProtocolError("text where binary messages are due")
    return data
