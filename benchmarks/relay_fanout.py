"""How dear is a viewer? CPU, latency and steadiness of the relay with many viewers, beside plain ``send`` to each.

``python benchmarks/relay_fanout.py`` (options: ``--viewers 32 --hz 30 --seconds 60``). One run serves three relays in
turn, each in a process of its own, to the same viewers in another process with the same ticks of a playing orchestra:

- ``relay``: Tutti's relay: each tick encoded and framed once, acknowledgements, bookkeeping;
- ``send``: the ``websockets`` library as its guide shows it: the tick encoded once, ``send`` awaited for each viewer,
  compression as the library has it by default;
- ``send, plain``: the same with compression off.

It prints CPU per viewer, the latency of ticks from being made to being read (both ends on this machine's clock) and
the ratio to the relay. With ``--stalled N``, N more viewers of the relay never acknowledge anything.
"""

import argparse
import asyncio
import json
import multiprocessing
import struct
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Literal

import numpy as np
import psutil
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tutti.engine.clock import SessionClock
from tutti.engine.types import (
    Dynamics,
    Frame,
    NoteEvent,
    NoteRelease,
    PlayerPlacement,
    Pose,
    ScorePosition,
    TempoEstimate,
)
from tutti.studio.relay import protocol as p
from tutti.studio.relay import protocol_values as pv
from tutti.studio.relay.relay_server import RelayServer
from tutti.studio.relay.relay_types import RelaySettings
from tutti.studio.relay.session_info import SessionInfo
from tutti.studio.relay.session_state import SessionState

Kind = Literal["relay", "send", "send, plain"]
KINDS: tuple[Kind, ...] = ("relay", "send", "send, plain")
PARTS = 16
ACK_EVERY = 4
"""A third of the window, as ``docs/protocol.md`` asks."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of the server."""

    viewers: int
    stalled: int
    hz: float
    seconds: float


def session() -> SessionInfo:
    """Sixteen parts, eighty players."""
    players = tuple(
        PlayerPlacement(n, n % PARTS, "Section", "violin", (0.1 * n, 2.0, 0.0), 180.0, n) for n in range(80)
    )
    return SessionInfo("Benchmark", "", (), players, ())


def frame(index: int, now_s: float) -> Frame:
    """A playing orchestra: eight notes start and end in every frame at 30 Hz."""
    return Frame(
        index=index,
        time_s=now_s,
        position=ScorePosition(now_s, index / 15, index / 15, 2.0, 120.0, "12", 1.5, "playing"),
        tempo=TempoEstimate(now_s, index // 15, now_s, 0.5, now_s + 0.5, 0.9),
        dynamics=Dynamics(now_s, 0.6, 0.1),
        notes=tuple(NoteEvent(8 * index + n, n, now_s, 0.25, 60 + n, 80, "sustain", index / 15) for n in range(8)),
        releases=tuple(NoteRelease(8 * (index - 8) + n, now_s) for n in range(8)) if index > 8 else (),
        poses=(Pose(now_s, "baton", (0.2, 1.2, -0.4)), Pose(now_s, "head", (0.0, 1.6, 0.0))),
    )


def _loop_run(main: Any) -> None:
    if sys.platform == "win32":
        asyncio.run(main)
    else:
        import uvloop

        uvloop.run(main)


def serve_kind(kind: Kind, hz: float, clock: SessionClock, pipe: Connection) -> None:
    """A server's process: tells its port, serves until something comes through the pipe."""
    _loop_run(_relay(hz, clock, pipe) if kind == "relay" else _send(hz, clock, pipe, compressed=kind == "send"))


async def _relay(hz: float, clock: SessionClock, pipe: Connection) -> None:
    server = RelayServer(session(), RelaySettings(port=0, tick_hz=hz, max_viewers=10_000), clock)
    make_tick = server._state.make_tick
    index = 0

    def stamped() -> bytes:
        nonlocal index
        index += 1
        server.absorb(frame(index, clock.now_s()))
        return make_tick()

    server._state.make_tick = stamped  # type: ignore[method-assign]
    await server.start()
    pipe.send(server.port)
    await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
    status = server.status()
    pipe.send({"skipped": status.ticks_skipped, "closed": status.closed})
    await server.close()


async def _send(hz: float, clock: SessionClock, pipe: Connection, *, compressed: bool) -> None:
    """What one writes first: no acknowledgements, no skipping, each viewer awaited."""
    viewers: set[ServerConnection] = set()
    audio = pv.AudioInfo(rate_hz=0, packet_samples=0)
    state = SessionState(session(), relay_id=0, tick_hz=hz, ack_window=12, audio=audio)

    async def converse(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(state.snapshot(1, p.Presence(baton_holder=0, requests=(), viewers=())))
        viewers.add(connection)
        try:
            async for _ in connection:
                pass
        finally:
            viewers.discard(connection)

    options: dict[str, Any] = {} if compressed else {"compression": None}
    async with serve(converse, "127.0.0.1", 0, subprotocols=[Subprotocol(p.SUBPROTOCOL)], **options) as server:
        pipe.send(next(iter(server.sockets)).getsockname()[1])
        ended = asyncio.get_running_loop().run_in_executor(None, pipe.recv)
        loop = asyncio.get_running_loop()
        due_s, index = loop.time(), 0
        while not ended.done():
            due_s += 1 / hz
            index += 1
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            state.absorb(frame(index, clock.now_s()))
            tick = state.make_tick()
            for connection in list(viewers):
                try:
                    await connection.send(tick)
                except ConnectionClosed:
                    continue
        pipe.send({"skipped": 0, "closed": {}})


def view(port: int, load: Load, clock: SessionClock, kind: Kind, pipe: Connection) -> None:
    """The viewers' process: all of them on one loop; gives latencies and counts of ticks."""
    _loop_run(_view(port, load, clock, kind, pipe))


async def _view(port: int, load: Load, clock: SessionClock, kind: Kind, pipe: Connection) -> None:
    stamp = struct.Struct("<BId")
    latencies: list[float] = []
    counts: list[int] = []
    acks = kind == "relay"
    options: dict[str, Any] = {} if kind == "send" else {"compression": None}

    async def viewer(stalled: bool) -> None:
        address = f"ws://127.0.0.1:{port}{p.WEBSOCKET_PATH}"
        async with connect(
            address, subprotocols=[Subprotocol(p.SUBPROTOCOL)], ping_interval=None, max_size=None, **options
        ) as connection:
            await connection.send(p.encode_client(p.Hello(name="", codec="none", host_key="")))
            if stalled:
                await asyncio.sleep(load.seconds + 2.0)
                return
            end_s = clock.now_s() + load.seconds + 2.0
            count = 0
            while clock.now_s() < end_s:
                data = await connection.recv()
                if data[0] != p.Tick.TAG:
                    continue
                assert isinstance(data, bytes)
                _, tick, made_s = stamp.unpack_from(data)
                if clock.now_s() > end_s - load.seconds:
                    latencies.append(clock.now_s() - made_s)
                    count += 1
                if acks and tick % ACK_EVERY == 0:
                    await connection.send(p.encode_client(p.Ack(tick=tick, audio_end=0)))
            counts.append(count)

    await asyncio.gather(
        *(viewer(False) for _ in range(load.viewers)),
        *(viewer(True) for _ in range(load.stalled)),
        return_exceptions=False,
    )
    pipe.send((latencies, counts))


def measure(kind: Kind, load: Load) -> dict[str, float]:
    """Serve one kind under the load."""
    context = multiprocessing.get_context("spawn")
    clock = SessionClock()
    near, far = context.Pipe()
    server = context.Process(target=serve_kind, args=(kind, load.hz, clock, far))
    server.start()
    far.close()  # so that a server that ends early is noticed rather than waited for
    port = near.recv()
    results, results_far = context.Pipe()
    arguments = (port, load, clock, kind, results_far)
    viewers = context.Process(target=view, args=arguments)
    viewers.start()
    results_far.close()
    time.sleep(2.0)
    process = psutil.Process(server.pid)
    times, start_s = process.cpu_times(), time.perf_counter()
    time.sleep(load.seconds - 1.0)
    now = process.cpu_times()
    cpu = (now.user - times.user + now.system - times.system) / (time.perf_counter() - start_s)
    latencies, counts = results.recv()
    viewers.join()
    near.send("end")
    status = near.recv()
    server.join(5.0)
    server.kill()
    spread = np.percentile(np.array(latencies) * 1000, [50, 99, 100])
    return {
        "cpu_percent": 100 * cpu,
        "cpu_percent_per_viewer": 100 * cpu / load.viewers,
        "p50_ms": float(spread[0]),
        "p99_ms": float(spread[1]),
        "worst_ms": float(spread[2]),
        "ticks_share": float(np.mean(counts) / (load.hz * load.seconds)),
        "fewest_share": float(np.min(counts) / (load.hz * load.seconds)),
        "skipped": status["skipped"],
        "closed": sum(status["closed"].values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--viewers", type=int, default=32)
    parser.add_argument("--stalled", type=int, default=0)
    parser.add_argument("--hz", type=float, default=30.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    load = Load(options.viewers, options.stalled, options.hz, options.seconds)
    kinds = KINDS if load.stalled == 0 else ("relay",)
    results = {kind: measure(kind, load) for kind in kinds}
    if options.json:
        print(json.dumps({"load": {name: getattr(load, name) for name in load.__slots__}, "results": results}))
        return
    print(f"{load.viewers} viewers ({load.stalled} stalled besides), {load.hz:g} ticks/s, {load.seconds:g} s")
    print(f"{'':14}{'CPU %':>8}{'% each':>8}{'p50 ms':>8}{'p99 ms':>8}{'worst':>8}{'ticks':>8}{'fewest':>8}")
    for kind, row in results.items():
        print(
            f"{kind:14}{row['cpu_percent']:8.1f}{row['cpu_percent_per_viewer']:8.3f}{row['p50_ms']:8.2f}{row['p99_ms']:8.2f}"
            f"{row['worst_ms']:8.1f}{row['ticks_share']:8.1%}{row['fewest_share']:8.1%}"
        )
    for kind in kinds[1:]:
        ratio = results[kind]["cpu_percent"] / results["relay"]["cpu_percent"]
        print(f"{kind} / relay: {ratio:.2f} × the CPU")
    if load.stalled:
        print(f"stalled viewers: {results['relay']['skipped']} ticks skipped, {results['relay']['closed']} closed")


if __name__ == "__main__":
    main()
