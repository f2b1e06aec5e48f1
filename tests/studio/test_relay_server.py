"""The relay over real sockets: many viewers agree, slow and hostile ones trouble nobody else."""

import asyncio
import itertools
import logging
import socket
import struct
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from relay_support import Feeder, SineTap, Viewer, join, make_session, open_socket, relay
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tutti.engine.clock import SessionClock
from tutti.engine.types import Pose
from tutti.studio.relay import protocol as p
from tutti.studio.relay import protocol_values as pv
from tutti.studio.relay import relay_access, relay_server, session_state
from tutti.studio.relay.protocol_hands import PointerSample, PoseSample, TapSample
from tutti.studio.relay.relay_types import Control, PointerInput, TapInput
from tutti.studio.relay.viewer_inputs import GAIN_RANGE_DB

pytestmark = pytest.mark.realtime


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 30.0))


async def closing(connection: ClientConnection) -> tuple[int, str]:
    """Read until the relay closes; its code and reason."""
    try:
        async with asyncio.timeout(10.0):
            while True:
                await connection.recv()
    except ConnectionClosed as closed:
        assert closed.rcvd is not None, "the relay hung up without a word"
        return closed.rcvd.code, closed.rcvd.reason


def rolling(index: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A note starts with every frame and ends five frames later."""
    return (index,), (index - 5,) if index >= 5 else ()


def gaps(packets: list[p.Audio]) -> int:
    """How often a packet does not follow its forerunner."""
    return sum(b.first_sample != a.first_sample + a.samples for a, b in itertools.pairwise(packets))


def test_who_comes_and_goes_is_logged_by_name(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with relay() as (server, _):
            anna = await join(server.port, "Anna")
            await anna.connection.close()
            async with asyncio.timeout(10.0):
                while server.status().viewers:
                    await asyncio.sleep(0.01)

    with caplog.at_level(logging.INFO, "tutti"):
        run(test())
    assert [record.getMessage() for record in caplog.records if "Anna" in record.getMessage()] == [
        "Anna joined (viewer 1)",
        "Anna left (viewer 1)",
    ]


# --- state -------------------------------------------------------------------------------------


def test_a_late_joiner_sees_what_the_first_one_sees() -> None:
    async def test() -> None:
        async with relay() as (server, _), Feeder(server, SessionClock(), rolling):
            first = await join(server.port, "First")
            await first.until(lambda: len(first.ticks) == 20)
            late = await join(server.port, "Late")
            shown = late.snapshots[0]
            assert shown.title == "Test piece"
            assert [viewer.name for viewer in shown.presence.viewers] == ["First", "Late"]
            assert shown.position is not None and shown.position.quarter > 0.0
            assert 1 <= len(shown.sounding) <= 6
            await asyncio.gather(*(viewer.until(lambda v=viewer: len(v.ticks) >= 60) for viewer in (first, late)))
            states = [{tick.tick: tick for tick in viewer.ticks} for viewer in (first, late)]
            common = states[0].keys() & states[1].keys()
            assert len(common) >= 30
            assert [states[0][number] for number in common] == [states[1][number] for number in common]
            assert [viewer.name for viewer in first.presence.viewers] == ["First", "Late"]

    run(test())


def test_notes_arrive_once_each_and_sounding_agrees() -> None:
    async def test() -> None:
        async with relay() as (server, _):
            async with Feeder(server, SessionClock(), rolling) as feeder:
                viewer = await join(server.port)
                before = set(viewer.sounding)
                await viewer.until(lambda: len(viewer.ticks) == 60)
            await viewer.next(p.Tick)
            await viewer.next(p.Tick)
            last = feeder.index - 1
            heard = before | viewer.heard
            assert heard == set(range(min(heard), last + 1))
            assert set(viewer.sounding) == set(range(last - 4, last + 1))

    run(test())


def test_players_who_were_moved_are_told_and_are_in_the_snapshot_of_who_comes_later() -> None:
    async def test() -> None:
        async with relay() as (server, _), Feeder(server, SessionClock(), rolling):
            viewer = await join(server.port)
            assert len(viewer.snapshots[0].players) == 3
            server.place(make_session().placements[:1])
            assert len((await viewer.next(p.Players)).players) == 1
            later = await join(server.port)
            assert len(later.snapshots[0].players) == 1
            server.place(make_session().placements[:2])
            for each in (viewer, later):
                assert len((await each.next(p.Players)).players) == 2

    run(test())


def test_ticks_keep_their_rate_when_nothing_moves() -> None:
    async def test() -> None:
        async with relay(tick_hz=60.0) as (server, _):
            viewer = await join(server.port)
            start = time.monotonic()
            await viewer.until(lambda: len(viewer.ticks) == 60)
            assert 0.8 < time.monotonic() - start < 2.0
            assert viewer.ticks[0].position is None
            assert [b.tick - a.tick for a, b in itertools.pairwise(viewer.ticks)] == [1] * 59

    run(test())


# --- slow viewers --------------------------------------------------------------------------------


def test_a_viewer_who_stalls_is_skipped_then_closed_and_others_get_every_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_server, "STALL_TIMEOUT_S", 1.0)

    async def test() -> None:
        async with relay() as (server, _), Feeder(server, SessionClock(), rolling):
            healthy = await join(server.port, "Healthy")
            stalled = await join(server.port, "Stalled", acknowledges=False)
            window = stalled.snapshots[0].ack_window
            await healthy.until(lambda: len(healthy.presence.viewers) == 2)
            await healthy.until(lambda: len(healthy.presence.viewers) == 1)
            assert [b.tick - a.tick for a, b in itertools.pairwise(healthy.ticks)] == [1] * (len(healthy.ticks) - 1)
            status = server.status()
            assert status.closed == {"4004": 1}
            assert status.ticks_skipped >= 30
            code, reason = await closing(stalled.connection)
            assert code == p.CLOSE_STALLED and "acknowledged nothing" in reason
            assert status.ticks_sent <= len(healthy.ticks) + window + 5

    run(test())


def test_after_a_pause_a_viewer_finds_few_stale_ticks_and_the_right_notes() -> None:
    """Without the acknowledgements, kernels would keep seconds of stale ticks for it."""

    async def test() -> None:
        async with relay() as (server, _):
            async with Feeder(server, SessionClock(), rolling) as feeder:
                viewer = await join(server.port)
                await viewer.until(lambda: len(viewer.ticks) == 10)
                await asyncio.sleep(1.0)
                newest = server.status().ticks
                count = len(viewer.ticks)
                await viewer.until(lambda: viewer.ticks[-1].tick >= newest)
                stale = [tick for tick in viewer.ticks[count:] if tick.tick < newest - 10]
                assert len(stale) <= viewer.snapshots[0].ack_window
                assert any(isinstance(message, p.Events) for message in viewer.seen)
                await viewer.until(lambda: len(viewer.ticks) > count + 60)
            await viewer.next(p.Tick)
            await viewer.next(p.Tick)
            last = feeder.index - 1
            assert viewer.heard >= set(range(min(viewer.heard), last + 1))
            assert set(viewer.sounding) == set(range(last - 4, last + 1))

    run(test())


def test_after_a_long_pause_what_sounds_now_takes_the_place_of_missed_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_state, "KEPT_EVENTS", 50)

    async def test() -> None:
        async with relay() as (server, _):
            async with Feeder(server, SessionClock(), rolling) as feeder:
                viewer = await join(server.port)
                await viewer.until(lambda: len(viewer.ticks) == 10)
                await asyncio.sleep(1.0)
                await viewer.next(p.Sounding)
                await viewer.until(lambda: len(viewer.ticks) > 100)
            await viewer.next(p.Tick)
            await viewer.next(p.Tick)
            last = feeder.index - 1
            assert set(viewer.sounding) == set(range(last - 4, last + 1))

    run(test())


def test_a_viewer_far_away_gets_fewer_ticks_but_every_event() -> None:
    async def test() -> None:
        async with relay() as (server, _), Feeder(server, SessionClock(), rolling):
            viewer = await join(server.port, acknowledges=False)
            start = min(viewer.sounding, default=0)
            for _ in range(4):
                count = len(viewer.ticks)
                await viewer.until(lambda count=count: len(viewer.ticks) == count + viewer.snapshots[0].ack_window)
                await asyncio.sleep(0.15)
                await viewer.say(p.Ack(tick=viewer.ticks[-1].tick, audio_end=0))
            assert server.status().ticks_skipped > 20
            heard = viewer.heard | {note.note_id for note in viewer.snapshots[0].sounding}
            assert heard >= set(range(start, max(heard)))

    run(test())


def test_one_who_acknowledges_but_never_reads_is_held_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Acknowledgements can be guessed; what waits in the process is bounded all the same."""
    monkeypatch.setattr(relay_server, "STALL_TIMEOUT_S", 1.0)

    async def test() -> None:
        async with relay(tap=SineTap(SessionClock())) as (server, _):
            liar = socket.create_connection(("127.0.0.1", server.port))
            liar.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            liar.setblocking(False)
            request = (
                f"GET {p.WEBSOCKET_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Protocol: {p.SUBPROTOCOL}\r\n\r\n"
            )
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(liar, request.encode())
            await asyncio.sleep(0.2)

            def masked(message: p.ClientMessage) -> bytes:
                data = p.encode_client(message)
                return struct.pack("!BB", 0x82, 0x80 | len(data)) + bytes(4) + data

            await loop.sock_sendall(liar, masked(p.Hello(name="Liar", codec="pcm16", host_key="")))
            await asyncio.sleep(0.2)
            viewer = next(iter(server._out.viewers.values()))
            transport = viewer.socket.transport
            most = 0
            transport.write(b"\x82\x7f" + struct.pack("!Q", 8_000_000) + bytes(8_000_000))
            for _ in range(200):
                tick = viewer._newest_tick or 0
                try:
                    await loop.sock_sendall(liar, masked(p.Ack(tick=tick, audio_end=2**50)))
                except OSError:
                    break
                most = max(most, transport.get_write_buffer_size())
                await asyncio.sleep(0.02)
                if server.status().closed:
                    break
            assert server.status().closed == {"4004": 1}
            assert most < 8_300_000
            liar.close()

    run(test())


# --- hostile viewers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        (b"\xff\xff\xff", p.CLOSE_MALFORMED, "unknown kind"),
        (b"", p.CLOSE_MALFORMED, "message ends"),
        ("text", p.CLOSE_MALFORMED, "text"),
        (b"\x42" + bytes(20_000), 1009, ""),
        (p.encode_client(p.Hello(name="", codec="none", host_key="")), p.CLOSE_MALFORMED, "Hello twice"),
        (p.encode_client(p.Ack(tick=2**31 - 1, audio_end=0)), p.CLOSE_MALFORMED, "not sent yet"),
        (p.encode_client(p.Ping(client_s=0.0))[:-1] + b"\xff", p.CLOSE_MALFORMED, ""),
        (
            p.encode_client(p.Pointer(clock_offset_s=0.0, samples=(PointerSample(0.0, 0.0, 0.0, True),) * 300)),
            p.CLOSE_MALFORMED,
            "300 samples",
        ),
    ],
    ids=["garbage", "empty", "text", "oversized", "Hello twice", "future tick", "NaN", "too many samples"],
)
def test_a_malformed_message_closes_that_viewer_alone(
    message: bytes | str, code: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    if message == p.encode_client(p.Ping(client_s=0.0))[:-1] + b"\xff":
        message = struct.pack("<Bd", 0x43, float("nan"))

    async def test() -> None:
        async with relay() as (server, inputs):
            other = await join(server.port, "Other")
            bad = await join(server.port, "Bad")
            await bad.until(lambda: len(bad.ticks) == 2)
            await bad.connection.send(message)
            got = await closing(bad.connection)
            assert got[0] == code and reason in got[1]
            count = len(other.ticks)
            await other.until(lambda: len(other.ticks) == count + 30)
            await other.until(lambda: [viewer.name for viewer in other.presence.viewers] == ["Other"])
            assert server.status().closed == {str(code): 1}
            assert inputs == []

    with caplog.at_level(logging.WARNING):
        run(test())
    assert [record for record in caplog.records if f"({code})" in record.getMessage()]


def test_a_flood_closes_that_viewer_alone() -> None:
    async def test() -> None:
        async with relay() as (server, _):
            other = await join(server.port, "Other")
            bad = await join(server.port, "Bad")
            ping = p.encode_client(p.Ping(client_s=1.0))
            flood = asyncio.create_task(_flood(bad.connection, ping))
            code, _ = await closing(bad.connection)
            assert code == p.CLOSE_FLOOD
            await flood
            count = len(other.ticks)
            await other.until(lambda: len(other.ticks) == count + 30)
            assert server.status().closed == {"4003": 1}

    async def _flood(connection: ClientConnection, data: bytes) -> None:
        try:
            for _ in range(20_000):
                await connection.send(data)
        except ConnectionClosed:
            pass

    run(test())


@pytest.mark.parametrize("first", [p.Ack(tick=0, audio_end=0), None], ids=["another message", "silence"])
def test_hello_comes_first_and_soon(first: p.ClientMessage | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_server, "HELLO_TIMEOUT_S", 0.3)

    async def test() -> None:
        async with relay() as (server, _):
            connection = await open_socket(server.port)
            if first is not None:
                await connection.send(p.encode_client(first))
            expected = p.CLOSE_NO_HELLO if first is None else p.CLOSE_MALFORMED
            assert (await closing(connection))[0] == expected
            assert server.status().viewers == 0

    run(test())


def test_another_version_is_told_and_another_protocol_refused() -> None:
    async def test() -> None:
        async with relay() as (server, _):
            code, reason = await closing(await open_socket(server.port, "tutti.v999"))
            assert code == p.CLOSE_VERSION and p.SUBPROTOCOL in reason
            with pytest.raises(InvalidStatus) as refused:
                await open_socket(server.port, "chat")
            assert refused.value.response.status_code == 400

    run(test())


def test_pages_from_elsewhere_may_not_connect() -> None:
    async def test() -> None:
        async with relay(allowed_origins=("http://localhost:5173",)) as (server, _):
            for origin in ("http://evil.example", "null", f"http://127.0.0.1:{server.port}.evil.example"):
                with pytest.raises(InvalidStatus) as refused:
                    await open_socket(server.port, origin=origin)
                assert refused.value.response.status_code == 403
            for origin in (f"http://127.0.0.1:{server.port}", "http://localhost:5173"):
                await (await open_socket(server.port, origin=origin)).close()

    run(test())


def test_a_full_hall_says_so() -> None:
    async def test() -> None:
        async with relay(max_viewers=2) as (server, _):
            inside = [await join(server.port) for _ in range(2)]
            code, reason = await closing(await open_socket(server.port))
            assert code == p.CLOSE_FULL and "full" in reason
            await inside[0].connection.close()
            await inside[1].until(lambda: len(inside[1].presence.viewers) == 1)
            await join(server.port)

    run(test())


# --- baton -----------------------------------------------------------------------------------------


def drag(start_s: float, offset_s: float, count: int = 5, pressed: bool = True) -> p.Pointer:
    points = tuple(PointerSample(start_s + 0.008 * n, 0.1 * n, -0.1 * n, pressed) for n in range(count))
    return p.Pointer(clock_offset_s=offset_s, samples=points)


def test_only_the_holders_baton_moves_the_orchestra() -> None:
    async def test() -> None:
        clock = SessionClock()
        async with relay(clock=clock) as (server, inputs):
            first, second = [await join(server.port, name) for name in ("First", "Second")]
            await second.say(drag(100.0, 0.0))
            await first.say(p.Baton(action="request", viewer=0))
            await first.until(lambda: first.baton_is_mine)
            offset_s = clock.now_s() - 100.0
            await first.say(drag(100.0 - 0.04, offset_s))
            await second.say(drag(100.0, 0.0))
            await second.say(p.Baton(action="request", viewer=0))
            await first.until(lambda: first.presence.requests == (second.id,))
            points = [item for item in inputs if isinstance(item, PointerInput)]
            assert [round(point.x, 3) for point in points] == [0.0, 0.1, 0.2, 0.3, 0.4]
            times = [point.time_s for point in points]
            assert [b - a for a, b in itertools.pairwise(times)] == pytest.approx([0.008] * 4, abs=1e-6)
            assert abs(times[0] - (100.0 - 0.04 + offset_s)) < 0.01
            await first.say(p.Baton(action="release", viewer=0))
            await second.until(lambda: second.baton_is_mine)
            inputs.clear()
            hand = PoseSample(50.0, "left", (0.5, 1.0, -0.25), (1.0, 0.0, 0.0, 0.0), True)
            await second.say(p.Poses(clock_offset_s=0.0, samples=(hand,)))
            await second.say(p.Ping(client_s=1.0))
            await second.next(p.Pong)
            (pose,) = [item for item in inputs if isinstance(item, Pose)]
            assert (pose.device, pose.position_m, pose.valid) == ("left", (0.5, 1.0, -0.25), True)
            assert abs(pose.time_s - clock.now_s()) < 0.2

    run(test())


def test_only_the_holders_taps_count() -> None:
    async def test() -> None:
        clock = SessionClock()
        async with relay(clock=clock) as (server, inputs):
            first, second = [await join(server.port, name) for name in ("First", "Second")]
            await first.say(p.Baton(action="request", viewer=0))
            await first.until(lambda: first.baton_is_mine)
            offset_s = clock.now_s() - 100.0
            await second.say(p.Tap(clock_offset_s=offset_s, samples=(TapSample(100.0, 1.0),)))
            taps = (TapSample(99.5, 0.25), TapSample(100.0, 0.75))
            await first.say(p.Tap(clock_offset_s=offset_s, samples=taps))
            await first.say(p.Ping(client_s=1.0))
            await first.next(p.Pong)
            heard = [item for item in inputs if isinstance(item, TapInput)]
            assert [tap.strength for tap in heard] == [0.25, 0.75]
            assert heard[1].time_s - heard[0].time_s == pytest.approx(0.5, abs=0.01)
            assert abs(heard[1].time_s - clock.now_s()) < 0.3

    run(test())


def test_a_host_takes_the_baton_and_the_orchestra_is_told() -> None:
    async def test() -> None:
        async with relay() as (server, inputs):
            guest = await join(server.port, "Guest", host_key="wrong")
            host = await join(server.port, "Teacher", host_key="key")
            assert [viewer.host for viewer in host.presence.viewers] == [False, True]
            await guest.say(p.Baton(action="request", viewer=0))
            await guest.until(lambda: guest.baton_is_mine)
            await host.say(p.Baton(action="take", viewer=0))
            await guest.until(lambda: guest.presence.baton_holder == host.id)
            await guest.say(p.Baton(action="take", viewer=0))
            assert "host" in (await guest.next(p.Notice)).text
            await host.say(p.Baton(action="grant", viewer=guest.id))
            await guest.until(lambda: guest.baton_is_mine)
            server.hold_baton(True)
            await guest.until(lambda: guest.presence.baton_holder == p.PODIUM)
            server.hold_baton(False)
            await guest.until(lambda: guest.presence.baton_holder == p.NOBODY)
            moves = [item.target for item in inputs if isinstance(item, Control)]
            assert moves == [guest.id, host.id, guest.id, p.PODIUM, p.NOBODY]

    run(test())


def test_a_holder_who_vanishes_frees_the_baton() -> None:
    async def test() -> None:
        async with relay() as (server, inputs):
            first, second = [await join(server.port) for _ in range(2)]
            await first.say(p.Baton(action="request", viewer=0))
            await first.until(lambda: first.baton_is_mine)
            first.connection.transport.abort()
            await second.until(lambda: second.presence.baton_holder == p.NOBODY and len(second.presence.viewers) == 1)
            assert [item.target for item in inputs] == [first.id, p.NOBODY]

    run(test())


def test_commands_are_for_host_and_holder_and_are_checked() -> None:
    async def test() -> None:
        async with relay() as (server, inputs):
            guest = await join(server.port, "Guest")
            host = await join(server.port, "Teacher", host_key="key")
            await guest.say(p.Command(action="start", target=0, value=0.0))
            await guest.next(p.Notice)
            assert inputs == []
            await host.say(p.Command(action="seek", target=3, value=0.0))
            await host.say(p.Command(action="gain", target=1, value=99.0))
            await host.say(p.Ping(client_s=0.0))
            await host.next(p.Pong)
            assert inputs == [
                Control(host.id, "Teacher", "seek", 3, 0.0),
                Control(host.id, "Teacher", "gain", 1, GAIN_RANGE_DB[1]),
            ]
            await host.say(p.Command(action="mute", target=2, value=1.0))
            assert (await closing(host.connection))[0] == p.CLOSE_MALFORMED

    run(test())


def test_names_change_for_everyone() -> None:
    async def test() -> None:
        async with relay() as (server, _):
            first, second = [await join(server.port, "Ludwig") for _ in range(2)]
            await first.say(p.Rename(name="\u202eClara\x00 "))
            await second.until(lambda: "Clara" in [viewer.name for viewer in second.presence.viewers])
            assert sorted(viewer.name for viewer in second.presence.viewers) == ["Clara", "Ludwig 2"]

    run(test())


def test_viewers_on_this_machine_are_hosts_where_that_is_wanted() -> None:
    async def test() -> None:
        async with relay(trust_this_machine=True) as (server, _):
            viewer = await join(server.port)
            assert [known.host for known in viewer.presence.viewers] == [True]

    run(test())


# --- clock, sound, page ------------------------------------------------------------------------------


def test_pong_tells_the_session_clock() -> None:
    async def test() -> None:
        clock = SessionClock(time.perf_counter() - 1000.0)
        async with relay(clock=clock) as (server, _):
            viewer = await join(server.port)
            offsets = []
            for _ in range(5):
                sent = time.perf_counter()
                await viewer.say(p.Ping(client_s=sent))
                pong = await viewer.next(p.Pong)
                assert pong.client_s == sent
                received = time.perf_counter()
                offsets.append((received - sent, pong.server_s - (sent + received) / 2))
            assert abs(min(offsets)[1] + clock.origin_s) < 0.02

    run(test())


def test_sound_in_each_viewers_codec_without_gaps() -> None:
    async def test() -> None:
        clock = SessionClock(time.perf_counter() - 100.0)
        async with relay(clock=clock, tap=SineTap(clock)) as (server, _):
            codecs: list[pv.Codec] = ["opus", "pcm16", "none"]
            viewers = [await join(server.port, codec=codec) for codec in codecs]
            await asyncio.gather(*(viewer.until(lambda v=viewer: len(v.ticks) >= 120) for viewer in viewers))
            for viewer, codec in zip(viewers, codecs, strict=True):
                packets = [message for message in viewer.seen if isinstance(message, p.Audio)]
                assert {packet.codec for packet in packets} == ({codec} - {"none"})
                assert gaps(packets) <= 1, "a machine may stop for half a second, once"
                assert not packets or 35 <= len(packets) <= 70
                assert all(abs(packet.time_s - packet.first_sample / 48_000) < 1e-6 for packet in packets)
            await viewers[2].say(p.Listen(codec="opus"))
            await viewers[2].next(p.Audio)

    run(test())


def test_a_viewer_behind_in_sound_loses_packets_instead_of_lagging() -> None:
    async def test() -> None:
        clock = SessionClock(time.perf_counter() - 100.0)
        async with relay(clock=clock, tap=SineTap(clock)) as (server, _):
            viewer = await join(server.port, codec="pcm16")
            other = await join(server.port, codec="pcm16")
            await viewer.until(lambda: viewer.audio_end > 0 and len(viewer.ticks) > 10)
            paused = asyncio.create_task(asyncio.sleep(1.5))
            await other.until(paused.done)
            assert server.status().audio_dropped > 20
            now_s = clock.now_s()
            packets = 0
            while True:
                packet: p.Audio = await viewer.next(p.Audio)
                packets += 1
                if packet.time_s > now_s - 0.1:
                    break
            assert packets < 40, "at most half a second of old sound"
            heard = [message for message in other.seen if isinstance(message, p.Audio)]
            assert len(heard) > 60 and gaps(heard) <= 1

    run(test())


async def fetch(port: int, target: str, headers: str = "Host: 127.0.0.1") -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {target} HTTP/1.1\r\n{headers}\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 10.0)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def test_the_page_comes_from_the_same_port(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>hall</p>")

    async def test() -> None:
        async with relay(page=tmp_path) as (server, _):
            assert await fetch(server.port, "/") == (200, b"<p>hall</p>")
            assert (await fetch(server.port, "/../../etc/passwd"))[0] == 404
            assert (await fetch(server.port, "/", "Host: rebound.example"))[0] == 403
            assert (await fetch(server.port, "/", "Host: localhost:1"))[0] == 200
            assert (await fetch(server.port, p.WEBSOCKET_PATH))[0] == 426
            viewer = await join(server.port)
            await viewer.next(p.Tick)

    run(test())


def test_a_large_file_over_a_slow_line_arrives_whole(tmp_path: Path) -> None:
    """The library gives up on answers that take longer than a closing handshake."""
    size = 12_000_000
    (tmp_path / "hall.glb").write_bytes(bytes(size))

    async def test() -> None:
        async with relay(page=tmp_path) as (server, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=4096)
            writer.write(b"GET /hall.glb HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            got = len(await reader.read(1000))
            await asyncio.sleep(relay_access.CLOSE_TIMEOUT_S + 0.7)
            while data := await asyncio.wait_for(reader.read(1_000_000), 10.0):
                got += len(data)
            assert got > size
            writer.close()

    run(test())


def test_what_is_no_request_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(relay_access, "REQUEST_TIMEOUT_S", 0.3)
    monkeypatch.setattr(relay_access, "MAX_CONNECTIONS", 10)

    async def raw(port: int, data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        try:
            return await asyncio.wait_for(reader.read(), 5.0)
        except ConnectionError:
            return b""
        finally:
            writer.close()

    async def test() -> None:
        async with relay() as (server, _):
            viewer = await join(server.port)
            assert b"200" not in await raw(server.port, bytes(range(256)) * 100)
            assert b" 405 " in await raw(server.port, b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head = await raw(server.port, b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert head.endswith(b"\r\n\r\n") and b"Content-Length: " in head
            assert await raw(server.port, b"GET / HTTP/1.1\r\nHost: loc") == b""
            many = await asyncio.gather(*(raw(server.port, b"") for _ in range(40)))
            assert many == [b""] * 40
            count = len(viewer.ticks)
            await viewer.until(lambda: len(viewer.ticks) > count + 100)

    with caplog.at_level(logging.WARNING):
        run(test())
    assert any("refused a connection" in record.getMessage() for record in caplog.records)
    assert not any(record.exc_info for record in caplog.records)


def test_closing_says_goodbye() -> None:
    async def test() -> None:
        viewer: Viewer
        async with relay() as (server, _):
            viewer = await join(server.port)
        assert (await closing(viewer.connection))[0] == 1001

    run(test())
