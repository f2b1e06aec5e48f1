"""The relay's process: fed without blocking, read without blocking, survived."""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from needs import needs_openssl
from relay_support import OpenSineTap, Viewer, join, make_frame, make_session, open_no_tap

from tutti.engine.clock import SessionClock
from tutti.engine.errors import RelayError
from tutti.engine.hall import read_hall
from tutti.engine.types import Pose
from tutti.studio.relay import protocol as p
from tutti.studio.relay import relay as relay_module
from tutti.studio.relay.protocol_hands import PointerSample
from tutti.studio.relay.relay import Control, RelayProcess, RelaySettings, RelaySource

pytestmark = pytest.mark.realtime


@pytest.fixture(scope="module")
def clock() -> SessionClock:
    return SessionClock()


@pytest.fixture(scope="module")
def shared(clock: SessionClock) -> Iterator[RelayProcess]:
    """One relay for the tests that leave it well."""
    relay = RelayProcess(make_session(), clock, RelaySettings(port=0, tick_hz=60.0), OpenSineTap(clock))
    yield relay
    relay.close()


@pytest.fixture
def own(clock: SessionClock) -> Iterator[RelayProcess]:
    """A relay for a test that hurts it."""
    relay = RelayProcess(make_session(), clock, RelaySettings(port=0, tick_hz=60.0))
    yield relay
    relay.close()


def wait(reached: Callable[[], Any], timeout_s: float = 10.0) -> Any:
    deadline_s = time.monotonic() + timeout_s
    while not (result := reached()):
        assert time.monotonic() < deadline_s, "it did not happen"
        time.sleep(0.01)
    return result


def test_frames_go_out_and_batons_come_back(shared: RelayProcess, clock: SessionClock) -> None:
    source = RelaySource(shared)

    async def test() -> None:
        viewer = await join(shared.settings.port, "Zoë", codec="pcm16")
        for index in range(30):
            shared.publish(make_frame(index, notes=(index,), time_s=clock.now_s()))
            await asyncio.sleep(0.005)
        await viewer.until(lambda: viewer.heard >= set(range(30)))
        await viewer.next(p.Audio)
        await viewer.say(p.Baton(action="request", viewer=0))
        await viewer.until(lambda: viewer.baton_is_mine)
        start_s = clock.now_s()
        points = tuple(PointerSample(start_s + 0.002 * n, 0.0, 0.1 * n, n < 4) for n in range(5))
        await asyncio.sleep(0.02)
        await viewer.say(p.Pointer(clock_offset_s=0.0, samples=points))
        await viewer.say(p.Command(action="start", target=0, value=0.0))
        poses: list[Pose] = []
        while len(poses) < 5:
            poses += source.poll(clock.now_s())
            await asyncio.sleep(0.005)
        assert [pose.device for pose in poses] == ["baton"] * 5
        assert [pose.valid for pose in poses] == [True] * 4 + [False]
        heights = [pose.position_m[1] for pose in poses]
        assert heights == sorted(heights) and heights[-1] > heights[0] + 0.1
        assert abs(poses[0].time_s - start_s) < 0.005
        controls = shared.take_controls()
        assert [(control.action, control.name) for control in controls] == [("baton", "Zoë"), ("start", "Zoë")]
        wait(lambda: (status := shared.status()) is not None and status.viewers == 1)
        await viewer.connection.close()
        wait(lambda: shared.take_controls() == [Control(0, "", "baton", 0)])

    asyncio.run(asyncio.wait_for(test(), 20.0))


def test_the_source_keeps_what_is_not_due(shared: RelayProcess) -> None:
    source = RelaySource(shared)
    shared._poses += [Pose(2.0, "baton", (0, 0, 0)), Pose(1.0, "left", (0, 0, 0)), Pose(3.0, "baton", (0, 0, 0))]
    assert [pose.time_s for pose in source.poll(2.5)] == [1.0, 2.0]
    assert source.poll(2.5) == []
    assert [pose.time_s for pose in source.poll(3.0)] == [3.0]


def test_a_taken_port_is_one_line(shared: RelayProcess, clock: SessionClock) -> None:
    with pytest.raises(
        RelayError, match=rf"cannot serve at 127\.0\.0\.1:{shared.settings.port}: .*another port"
    ) as error:
        RelayProcess(make_session(), clock, RelaySettings(port=shared.settings.port))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (RelaySettings(host="203.0.113.7", port=0), r"cannot serve at 203\.0\.113\.7:0: "),
        (RelaySettings(port=0, certificate=(Path("nowhere.pem"), Path("nowhere.key"))), "No such file"),
        (RelaySettings(port=0, certificate=(Path(__file__), Path(__file__))), "certificate is no good"),
    ],
    ids=["another machine's address", "no certificate", "no such certificate"],
)
def test_what_cannot_be_served_is_one_line(clock: SessionClock, settings: RelaySettings, says: str) -> None:
    with pytest.raises(RelayError, match=says) as error:
        RelayProcess(make_session(), clock, settings)
    assert "\n" not in str(error.value)


def test_sound_that_cannot_be_opened_is_one_line(clock: SessionClock, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(RelayError, match=r"^the audio ring is gone$"):
        RelayProcess(make_session(), clock, RelaySettings(port=0), open_no_tap)
    assert not caplog.records, "whoever opens it says so"


def test_addresses(shared: RelayProcess) -> None:
    assert shared.address == f"http://127.0.0.1:{shared.settings.port}/"
    assert shared.host_address.startswith(shared.address + "#host=")
    assert len(shared.settings.host_key) >= 12
    assert shared.lan_addresses == ()


@pytest.mark.skipif(sys.platform == "win32", reason="signals stop a process on POSIX only")
def test_a_relay_that_hangs_blocks_nobody_and_then_shows_all(own: RelayProcess, clock: SessionClock) -> None:
    async def test() -> None:
        viewer = await join(own.settings.port)
        assert own.process_id is not None
        os.kill(own.process_id, signal.SIGSTOP)
        slowest_s = 0.0
        try:
            for index in range(3000):
                before_s = time.thread_time()
                own.publish(make_frame(index, notes=(index,), releases=(index - 5,)))
                own.poll()
                slowest_s = max(slowest_s, time.thread_time() - before_s)
        finally:
            os.kill(own.process_id, signal.SIGCONT)
        assert slowest_s < 0.05
        while 2999 not in viewer.sounding:
            own.publish(make_frame(3000))
            await viewer.hear()
        assert set(viewer.sounding) == set(range(2995, 3000))
        await viewer.connection.close()

    asyncio.run(asyncio.wait_for(test(), 20.0))


def test_a_relay_that_dies_is_reported_and_comes_back(own: RelayProcess, caplog: pytest.LogCaptureFixture) -> None:
    port = own.settings.port
    own.hold_baton(True)
    own._process.kill()
    with caplog.at_level(logging.ERROR):
        wait(lambda: (own.poll(), own.publish(make_frame(0)), not own.alive)[-1])
        for index in range(100):
            own.publish(make_frame(index))
        assert own.poll() == ([], [])
    assert len([record for record in caplog.records if "the relay ended" in record.getMessage()]) == 1
    own.restart()
    assert own.alive and own.status() is None, "the studio does not wait for it"
    for index in range(100):
        own.publish(make_frame(index))
    wait(lambda: own.poll() and own.status())
    assert own.settings.port == port

    async def test() -> None:
        viewer = await join(port)
        await viewer.until(lambda: viewer.presence.baton_holder == p.PODIUM)
        await viewer.connection.close()

    asyncio.run(asyncio.wait_for(test(), 20.0))


def test_no_step_waits_until_a_new_relay_is_started(
    own: RelayProcess, clock: SessionClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, go_on, spawn = own.settings.port, threading.Event(), own._spawn
    own._process.kill()
    wait(lambda: (own.poll(), not own.alive)[-1])

    def slowly() -> Any:
        assert go_on.wait(10.0)
        return spawn()

    monkeypatch.setattr(own, "_spawn", slowly)
    own.restart()
    own.restart()
    own.hold_baton(True)
    own.publish(make_frame(0, notes=(7,), time_s=clock.now_s()))
    assert own.poll() == ([], []) and own.alive and own.status() is None
    go_on.set()
    wait(lambda: own.poll() and own.status())
    assert own.settings.port == port

    async def test() -> None:
        viewer = await join(port)
        await viewer.until(lambda: 7 in viewer.sounding and viewer.presence.baton_holder == p.PODIUM)
        await viewer.connection.close()

    asyncio.run(asyncio.wait_for(test(), 20.0))


def test_a_relay_that_cannot_be_started_again_is_told_in_one_line(
    own: RelayProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused() -> Any:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(own, "_spawn", refused)
    own.restart()
    wait(lambda: (own.poll(), not own.alive)[-1])
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
        "the relay ended (it could not be started again: [Errno 11] Resource temporarily unavailable): "
        "viewers are cut off, the orchestra plays on"
    ]


def test_a_relay_that_is_just_being_started_is_closed_as_well(
    own: RelayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn, started = own._spawn, []

    def slowly() -> Any:
        time.sleep(0.3)
        started.append(spawn())
        return started[0]

    monkeypatch.setattr(relay_module, "CLOSE_TIMEOUT_S", 0.1)
    monkeypatch.setattr(own, "_spawn", slowly)
    own.restart()
    own.close()
    assert not started[0][0].is_alive()


def test_the_relay_ends_with_its_link(clock: SessionClock) -> None:
    relay = RelayProcess(make_session(), clock, RelaySettings(port=0))
    relay._link.close()
    relay._process.join(5.0)
    assert relay._process.exitcode == 0
    relay.close()
    assert not relay.alive


def test_changes_of_the_session_reach_viewers(own: RelayProcess) -> None:
    async def test() -> None:
        viewer = await join(own.settings.port)
        own.publish(make_frame(0, notes=(1, 2)))
        await viewer.until(lambda: set(viewer.sounding) == {1, 2})
        own.silence(1.0)
        await viewer.until(lambda: not viewer.sounding)
        own.place(make_session().placements[:1])
        assert len((await viewer.next(p.Players)).players) == 1
        own.enter(read_hall("cathedral"))
        assert await viewer.next(p.HallShown) == p.HallShown("cathedral", "cathedral")
        late = await join(own.settings.port)
        assert (late.snapshots[0].hall, late.snapshots[0].picture) == ("cathedral", "cathedral")
        own.hold_baton(True)
        await viewer.until(lambda: viewer.presence.baton_holder == p.PODIUM)
        own.close()

    asyncio.run(asyncio.wait_for(test(), 20.0))


@needs_openssl
def test_tls_serves_the_page_and_the_socket(clock: SessionClock, tmp_path: Path) -> None:
    """Phones play compressed sound only from a secure address."""
    import ssl
    import subprocess

    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", chain, "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    relay = RelayProcess(make_session(), clock, RelaySettings(port=0, certificate=(chain, key)))
    assert relay.address.startswith("http://127.0.0.1"), "its own address is secure to this machine"
    context = ssl.create_default_context(cafile=chain)

    async def test() -> None:
        from websockets.asyncio.client import connect
        from websockets.typing import Subprotocol

        async with connect(
            f"wss://localhost:{relay.settings.port}{p.WEBSOCKET_PATH}",
            subprotocols=[Subprotocol(p.SUBPROTOCOL)],
            ssl=context,
        ) as connection:
            viewer = Viewer(connection)
            await viewer.say(p.Hello(name="", codec="none", host_key=""))
            await viewer.until(lambda: len(viewer.ticks) >= 5)

    try:
        asyncio.run(asyncio.wait_for(test(), 20.0))
    finally:
        relay.close()


def test_a_classroom_is_served_on_every_interface(clock: SessionClock) -> None:
    relay = RelayProcess(make_session(), clock, RelaySettings(host="0.0.0.0", port=0))
    try:
        assert relay.address == f"http://127.0.0.1:{relay.settings.port}/"
        for address in relay.lan_addresses:
            name = address.removeprefix("http://").partition(":")[0]
            socket.create_connection((name, relay.settings.port), timeout=5.0).close()
    finally:
        relay.close()


def test_a_port_is_free_again_after_close(clock: SessionClock) -> None:
    relay = RelayProcess(make_session(), clock, RelaySettings(port=0))
    port = relay.settings.port
    relay.close()
    with socket.create_server(("127.0.0.1", port)):
        pass
