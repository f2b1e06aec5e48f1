"""How a phone becomes the baton: invited, and let in by its token. Parts of ``studio.relay.protocol``."""

from dataclasses import dataclass
from typing import ClassVar

from .protocol_values import Label, Name, Title
from .wire import F64, U8


@dataclass(frozen=True, slots=True)
class PairingCode:
    """Answer to ``Pair``: an address that makes one phone the baton, once, until session time ``expires_s``.
    ``modules`` is its QR code without margin, row by row, one byte for each of ``size`` × ``size`` modules, 1 dark."""

    TAG: ClassVar[int] = 0x0A
    address: Title
    expires_s: F64
    size: U8
    modules: bytes


@dataclass(frozen=True, slots=True)
class Paired:
    """Answer to ``Claim``: the token was good. ``token`` is a new one, by which this device comes back after a loss.
    ``owner`` is whose baton it is, empty where the studio itself invited it."""

    TAG: ClassVar[int] = 0x0B
    token: Label
    owner: Name


@dataclass(frozen=True, slots=True)
class Pair:
    """Ask for a pairing address for a phone of one's own (host or baton holder). ``origin`` is how this page was
    reached (``https://192.168.0.17:8765``)."""

    TAG: ClassVar[int] = 0x4B
    origin: Label


@dataclass(frozen=True, slots=True)
class Claim:
    """A device shows the token of the address by which it was invited. Answered by ``Paired``, or by a ``Notice`` that
    says why not."""

    TAG: ClassVar[int] = 0x4C
    token: Label
