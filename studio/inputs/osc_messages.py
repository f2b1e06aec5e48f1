"""Open Sound Control packets (OSC 1.0): which gesture they hold. Bytes in, values out; hostile bytes raise one error.

The bundles are walked here because a length field must be checked before it is believed; messages are read by
python-osc. Messages to other addresses are passed over.
"""

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message import ParseError as OscParseError

from ...engine.errors import InputError
from ...engine.types import Device, Quaternion, Vector

LONGEST_PACKET = 8192
DEEPEST_BUNDLE = 4
_BUNDLE = b"#bundle\0"
_AT_ONCE = 1
_EPOCH_1900_S = 2_208_988_800.0
"""OSC time tags count from 1900 (as NTP, RFC 5905), Unix from 1970."""
_ADDRESSES: dict[bytes, Device] = {b"/baton": "baton", b"/left": "left", b"/head": "head"}
_TAP = b"/tap"
_NUMBERS = re.compile(rb",[ifdhTF]*\0")


@dataclass(frozen=True, slots=True)
class OscPlace:
    """A device's place in the sender's own coordinates. ``sent_s`` is the sender's Unix time, None where not told."""

    device: Device
    position: Vector
    orientation_wxyz: Quaternion | None
    flat: bool
    sent_s: float | None


@dataclass(frozen=True, slots=True)
class OscTap:
    """A tap; ``strength`` 0–1."""

    strength: float
    sent_s: float | None


def read_packet(data: bytes) -> list[OscPlace | OscTap]:
    """What a datagram holds. Raises ``InputError``, saying why, for bytes that are not OSC or not as documented."""
    if len(data) > LONGEST_PACKET:
        raise InputError(f"OSC: a packet of {len(data)} bytes; {LONGEST_PACKET} are allowed")
    found: list[OscPlace | OscTap] = []
    for message, sent_s in _messages(data, None, 0):
        address = message.split(b"\0", 1)[0]
        if address in _ADDRESSES:
            found.append(_place(_ADDRESSES[address], address.decode(), _numbers(message, address), sent_s))
        elif address == _TAP:
            numbers = _numbers(message, address)
            strength = numbers[0] if numbers else 0.5
            if strength <= 0.0:
                continue  # a button that is let go
            found.append(OscTap(min(1.0, strength), sent_s))
    return found


def _messages(data: bytes, sent_s: float | None, depth: int) -> Iterator[tuple[bytes, float | None]]:
    if not data.startswith(_BUNDLE):
        if not data.startswith(b"/"):
            raise InputError("OSC: neither a message nor a bundle")
        yield data, sent_s
        return
    if depth >= DEEPEST_BUNDLE:
        raise InputError(f"OSC: bundles within bundles, more than {DEEPEST_BUNDLE} deep")
    if len(data) < 16:
        raise InputError("OSC: a bundle without a time tag")
    (tag,) = struct.unpack_from(">Q", data, 8)
    sent_s = None if tag == _AT_ONCE else tag / 2**32 - _EPOCH_1900_S
    at = 16
    while at < len(data):
        if at + 4 > len(data):
            raise InputError("OSC: a bundle that ends early")
        (size,) = struct.unpack_from(">i", data, at)
        at += 4
        if size <= 0 or size % 4 or at + size > len(data):
            raise InputError(f"OSC: an element of {size} bytes in a bundle of {len(data)}")
        yield from _messages(data[at : at + size], sent_s, depth + 1)
        at += size


def _numbers(message: bytes, address: bytes) -> list[float]:
    tags_at = (len(address) // 4 + 1) * 4
    if tags_at >= len(message):
        return []
    if not _NUMBERS.match(message, tags_at):
        raise InputError(f"OSC: {address.decode()} takes numbers alone")
    try:
        numbers = [float(value) for value in OscMessage(message).params]
    except (OscParseError, OverflowError) as error:
        raise InputError(f"OSC: {address.decode()} is cut short") from error
    if not all(map(math.isfinite, numbers)):
        raise InputError(f"OSC: {address.decode()} with a number that is not finite")
    return numbers


def _place(device: Device, address: str, numbers: list[float], sent_s: float | None) -> OscPlace:
    match numbers:
        case [x, y]:
            return OscPlace(device, (x, y, 0.0), None, True, sent_s)
        case [x, y, z]:
            return OscPlace(device, (x, y, z), None, False, sent_s)
        case [x, y, z, qw, qx, qy, qz]:
            norm = math.sqrt(qw * qw + qx * qx + qy * qy + qz * qz)
            turn = (qw / norm, qx / norm, qy / norm, qz / norm) if norm > 1e-6 else None
            return OscPlace(device, (x, y, z), turn, False, sent_s)
    raise InputError(f"OSC: {address} with {len(numbers)} numbers; it takes x y, x y z, or x y z qw qx qy qz")
