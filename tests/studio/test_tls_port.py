"""HTTPS and HTTP on one port, in both event loops, and what those get who come without HTTPS."""

import asyncio
import hashlib
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from relay_support import join, relay
from websockets.datastructures import Headers

from tutti.studio.relay import protocol as p
from tutti.studio.relay.addresses import lan_addresses
from tutti.studio.relay.certificates import StudioCertificate, ensure_certificate
from tutti.studio.relay.front_door import AUTHORITY_PATH, STEPS_PATH, FrontDoor
from tutti.studio.relay.tls_port import OnePortContext, is_plain

pytestmark = pytest.mark.realtime

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> StudioCertificate:
    return ensure_certificate(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    if request.param == "asyncio":
        return asyncio.run
    return pytest.importorskip("uvloop", reason="uvloop is not made for Windows").run


def client_context(certificate: StudioCertificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate.authority))


def test_what_comes_plain_stays_plain_and_what_comes_by_tls_is_secret(run: Run, certificate: StudioCertificate) -> None:
    big = bytes(range(256)) * 8000  # 2 MB: more than any buffer on the way

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kind = b"plain " if is_plain(writer.get_extra_info("ssl_object")) else b"secret"
        data = await reader.readexactly(len(big))
        writer.write(kind + hashlib.sha256(data).digest() + data)
        await writer.drain()
        writer.close()

    async def ask(port: int, **options: Any) -> bytes:
        reader, writer = await asyncio.open_connection("localhost", port, **options)
        writer.write(big[:1])
        await asyncio.sleep(0.05)
        writer.write(big[1:])
        answer = await reader.read(-1)
        writer.close()
        return answer

    async def test() -> None:
        server = await asyncio.start_server(
            echo, "127.0.0.1", 0, ssl=OnePortContext.of((certificate.chain, certificate.key))
        )
        port = server.sockets[0].getsockname()[1]
        wanted = hashlib.sha256(big).digest() + big
        plain, secret = await asyncio.gather(ask(port), ask(port, ssl=client_context(certificate)))
        assert plain == b"plain " + wanted
        assert secret == b"secret" + wanted
        server.close()
        await server.wait_closed()

    run(asyncio.wait_for(test(), 30.0))


def test_silence_garbage_and_early_ends_trouble_nobody(run: Run, certificate: StudioCertificate) -> None:
    served = {"certificate": (certificate.chain, certificate.key), "authority": certificate.authority}

    async def test() -> None:
        async with relay(**served) as (server, _):
            for data in (b"", b"\x16", b"\x16\x03\x01\xff\xff" + bytes(400), b"\x00" * 50, b"GET / HTTP/1.1\r\n"):
                _, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(data)
                await writer.drain()
                if data != b"\x16":
                    writer.close()
            viewer = await join(server.port)  # plain, from this machine
            await viewer.until(lambda: len(viewer.ticks) > 5)
            status, headers, body = await get(server.port, "/phone", ssl=client_context(certificate))
            assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8") and b"Baton" in body

    run(asyncio.wait_for(test(), 30.0))


async def get(port: int, target: str, host: str = "localhost", **options: Any) -> tuple[int, dict[str, str], bytes]:
    reader, writer = await asyncio.open_connection(host, port, **options)
    accept = "Accept: text/html\r\n" if "." not in target else ""
    writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\n{accept}\r\n".encode())
    head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    writer.close()
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}, body


@pytest.mark.skipif(not lan_addresses(), reason="this machine has no address but its own")
def test_others_in_the_house_are_led_to_https(certificate: StudioCertificate) -> None:
    address = lan_addresses()[0]
    served = {"certificate": (certificate.chain, certificate.key), "authority": certificate.authority}

    async def test() -> None:
        async with relay(**served, host="0.0.0.0") as (server, _):
            status, _, body = await get(server.port, "/", address)
            assert status == 200 and f'href="https://{address}:{server.port}/"'.encode() in body
            status, headers, _ = await get(server.port, "/assets/x.js", address)
            assert (status, headers["location"]) == (308, f"https://{address}:{server.port}/assets/x.js")
            status, headers, _ = await get(server.port, p.WEBSOCKET_PATH + ".", address)
            assert status == 308
            status, headers, der = await get(server.port, AUTHORITY_PATH, address)
            assert (status, headers["content-type"]) == (200, "application/x-x509-ca-cert")
            trusting = ssl.create_default_context(cadata=der)
            status, _, body = await get(server.port, "/phone", address, ssl=trusting)
            assert status == 200 and b"Baton" in body
            status, _, body = await get(server.port, STEPS_PATH, address, ssl=trusting)
            assert status == 200 and certificate.fingerprint.encode() in body

    asyncio.run(asyncio.wait_for(test(), 30.0))


def test_without_an_authority_there_is_none_to_trust(tmp_path: Path) -> None:
    door = FrontDoor(None)
    assert door.to_plain(AUTHORITY_PATH, Headers()).status_code == 404
    assert door.to_secure("/", Headers()) is None
    page = door.to_plain("/", Headers([("Host", "studio.local:1"), ("Accept", "text/html,*/*")]))
    assert page.status_code == 200 and b"https://studio.local:1/" in (page.body or b"")
    assert b"Download" not in (page.body or b"")
