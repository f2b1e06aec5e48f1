"""Who may come in: deadlines of connections, names and origins, versions, certificates."""

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import NegotiationError
from websockets.typing import Subprotocol

from .protocol import SUBPROTOCOL
from .tls_port import OnePortContext, is_plain

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 1.0
REQUEST_TIMEOUT_S = 10.0
DOWNLOAD_TIMEOUT_S = 120.0
"""For one file of the page over a slow line."""
MAX_CONNECTIONS = 512
"""Sockets of any kind, downloads of the page among them."""


class RelayConnection(ServerConnection):
    """A connection with deadlines for request and download: the library's own cover both with one number."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if len(self.server.handler_tasks) > MAX_CONNECTIONS:
            log.warning("refused a connection: %d are open", MAX_CONNECTIONS)
            self.transport.abort()
        self.deadline = self.loop.call_later(REQUEST_TIMEOUT_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self.deadline.cancel()
        super().connection_lost(exc)

    def end_deadline(self) -> None:
        """The WebSocket is open: from here its own rules hold."""
        self.deadline.cancel()

    def give_download_time(self) -> None:
        """A file follows: it may take longer than a request."""
        self.deadline.cancel()
        self.deadline = self.loop.call_later(DOWNLOAD_TIMEOUT_S, self.transport.abort)
        self.close_timeout = DOWNLOAD_TIMEOUT_S


class Doorway:
    """Checks of the headers by which browsers say where a request comes from."""

    def __init__(self, allowed_hosts: tuple[str, ...], allowed_origins: tuple[str, ...]) -> None:
        name = socket.gethostname().lower()
        self._hosts = {"localhost", name, f"{name}.local", *allowed_hosts}
        self._origins = set(allowed_origins)

    def host_is_ours(self, headers: Headers) -> bool:
        """False where a foreign name points here (DNS rebinding): names of this machine and addresses are fine."""
        try:
            name = urlsplit(f"//{_one(headers, 'Host')}").hostname or ""
        except ValueError:
            return False
        return name in self._hosts or is_address(name)

    def origin_is_ours(self, headers: Headers) -> bool:
        """Programs send no origin; of pages, only ours and those allowed may connect."""
        if not headers.get_all("Origin"):
            return True
        origin = _one(headers, "Origin")
        try:
            return origin in self._origins or urlsplit(origin).netloc == _one(headers, "Host") != ""
        except ValueError:
            return False


def _one(headers: Headers, name: str) -> str:
    values = headers.get_all(name)
    return values[0].strip().lower() if len(values) == 1 else ""


def is_address(name: str) -> bool:
    """An IP address, not a name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(remote: tuple[str, int] | None) -> bool:
    """The other end is on this machine."""
    return remote is not None and is_address(remote[0]) and ipaddress.ip_address(remote[0]).is_loopback


def select_subprotocol(_: object, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Ours; another version of ours too, so that it can be told; nothing else."""
    for candidate in (SUBPROTOCOL, *(name for name in offered if name.startswith("tutti.v"))):
        if candidate in offered:
            return Subprotocol(candidate)
    raise NegotiationError(f"ask for subprotocol {SUBPROTOCOL}")


def tls_context(certificate: tuple[Path, Path] | None) -> ssl.SSLContext | None:
    """For HTTPS with PEM files (chain, key); plain connections pass, too (``came_plain``).

    Raises ``OSError`` or ``ssl.SSLError`` where the files are no good.
    """
    return None if certificate is None else OnePortContext.of(certificate)


def came_plain(connection: ServerConnection) -> bool:
    """Whether what goes over this connection can be read on the way."""
    return is_plain(connection.transport.get_extra_info("ssl_object"))


async def hang_up(connection: ServerConnection, code: int, reason: str) -> None:
    """Close within a bounded time: the library waits for ever for a full buffer to drain."""
    try:
        async with asyncio.timeout(1.5 * CLOSE_TIMEOUT_S):
            await connection.close(code, reason.encode()[:120].decode(errors="ignore"))
    except TimeoutError:
        connection.transport.abort()
