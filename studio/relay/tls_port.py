"""HTTPS and HTTP on one port: who types ``192.168.0.17:8765`` without ``https://`` is answered, too.

A TLS connection begins with a handshake record, whose first byte is 22 (RFC 8446, section 5.1); no HTTP request does.
``OnePortContext`` is an ``ssl.SSLContext`` whose connections look at that byte and stay plain where it is another.
It rests on ``wrap_bio`` alone, which asyncio and uvloop both use for their TLS transports.
"""

import ssl
from pathlib import Path
from typing import Any

_HANDSHAKE = 22


class OnePortContext(ssl.SSLContext):
    """A server's context that lets plain connections pass. ``of`` makes it; ``is_plain`` tells them apart later."""

    @classmethod
    def of(cls, certificate: tuple[Path, Path]) -> "OnePortContext":
        """With PEM files (chain, key). Raises ``OSError`` or ``ssl.SSLError`` where they are no good."""
        context = cls(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        return context

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *args: Any, **options: Any) -> Any:
        return _Either(incoming, outgoing, super().wrap_bio(incoming, outgoing, *args, **options))


class _Either:
    """In the place of an ``ssl.SSLObject``: that itself, or a pass-through, by the first byte that comes."""

    def __init__(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, secure: ssl.SSLObject) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._secure = secure
        self.plain = False
        self._decided = False

    def do_handshake(self) -> None:
        if not self._decided:
            self.plain = self._begins_plain()
            self._decided = True
        if not self.plain:
            self._secure.do_handshake()

    def _begins_plain(self) -> bool:
        data = self._incoming.read()
        if not data:
            if self._incoming.eof:
                raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "closed without a word")
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "nothing came yet")
        self._incoming.write(data)
        return data[0] != _HANDSHAKE

    def read(self, size: int = 1024, buffer: Any = None) -> Any:
        if not self.plain:
            return self._secure.read(size, buffer) if buffer is not None else self._secure.read(size)
        data = self._incoming.read(size)
        if not data and not self._incoming.eof:
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "nothing came yet")
        if buffer is None:
            return data
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        return self._outgoing.write(data) if self.plain else self._secure.write(data)

    def unwrap(self) -> None:
        if not self.plain:
            self._secure.unwrap()

    def __getattr__(self, name: str) -> Any:
        """Certificates, ciphers and what else a transport tells: none of a plain connection."""
        if self.plain and name in ("getpeercert", "cipher", "compression", "version", "selected_alpn_protocol"):
            return lambda *_: None
        if self.plain and name == "pending":
            return lambda: 0
        return getattr(self._secure, name)


def is_plain(ssl_object: object) -> bool:
    """Whether the connection with this ``ssl_object`` (a transport's extra info) is not encrypted."""
    return ssl_object is None or (isinstance(ssl_object, _Either) and ssl_object.plain)
