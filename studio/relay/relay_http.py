"""The relay's answers to HTTP requests: the page's files, the certificate, and who is not let in."""

import asyncio
import http
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from .front_door import FrontDoor
from .protocol import WEBSOCKET_PATH
from .relay_access import Doorway, RelayConnection, came_plain, is_loopback
from .relay_types import RelaySettings
from .static_site import StaticSite, reply


class RelayHttp:
    """What comes before a WebSocket is open, and all that is none."""

    def __init__(self, settings: RelaySettings) -> None:
        self._site = StaticSite(settings.page)
        self._door = Doorway(settings.allowed_hosts, settings.allowed_origins)
        self._front_door = FrontDoor(settings.authority)
        self._secure = settings.certificate is not None

    async def respond(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer a request for a file; let a proper WebSocket request pass (None)."""
        if not self._door.host_is_ours(request.headers):
            return reply(http.HTTPStatus.FORBIDDEN, b"This relay does not go by that name.\n", "text/plain")
        if self._secure and came_plain(connection) and not is_loopback(connection.remote_address):
            return self._front_door.to_plain(request.path, request.headers)
        if urlsplit(request.path).path == WEBSOCKET_PATH:
            if not self._door.origin_is_ours(request.headers):
                return reply(http.HTTPStatus.FORBIDDEN, b"Pages from elsewhere may not connect.\n", "text/plain")
            return None
        method = getattr(request, "method", "GET")  # older versions of the library refuse all others themselves
        if method not in ("GET", "HEAD"):
            return reply(
                http.HTTPStatus.METHOD_NOT_ALLOWED, b"Only GET and HEAD.\n", "text/plain", {"Allow": "GET, HEAD"}
            )
        if isinstance(connection, RelayConnection):
            connection.give_download_time()
        answer = self._front_door.to_secure(request.path, request.headers)
        if answer is None:
            answer = await asyncio.to_thread(self._site.respond, request.path, request.headers)
        if method == "HEAD":
            answer.body = b""
        return answer
