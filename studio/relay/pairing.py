"""Inviting a phone to be the baton: one-time tokens, and the address and QR code that carry them.

A token is 128 random bits, works once, and for a few minutes: who photographs the screen later gets nothing. The
device that used it is given another, by which it alone comes back when its line breaks, as long as the studio runs.
"""

import ipaddress
import math
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

import segno

INVITATION_S = 300.0
"""Long enough to find the phone, unlock it and get past the browser's warning."""
MAX_OPEN_TOKENS = 64
"""Beyond, the oldest ends: nobody fills the memory by asking."""
PHONE_PATH = "/phone"


class PairingRefused(Exception):
    """A token is no good; the message is for the person with the phone."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A token that is out. ``issuer`` is the viewer who asked for it, None the studio itself; ``owner`` their name.
    ``device`` is the viewer who used its forerunner: this token lets that device alone come back. ``origin`` is how the
    page that asked for it reaches the studio."""

    token: str
    issuer: int | None
    owner: str
    expires_s: float
    device: int | None = None
    origin: str = ""


class PairingDesk:
    """Issues tokens and redeems each once. One thread uses it; it reads no clock."""

    def __init__(self) -> None:
        self._open: dict[str, Invitation] = {}

    def invite(self, issuer: int | None, owner: str, now_s: float, token: str = "", origin: str = "") -> Invitation:
        """A token for a new device, for ``INVITATION_S``; the studio itself may choose it."""
        self._open = {key: out for key, out in self._open.items() if now_s <= out.expires_s}
        return self._add(Invitation(token or new_token(), issuer, owner, now_s + INVITATION_S, None, origin))

    def redeem(self, token: str, device: int, now_s: float) -> tuple[Invitation, Invitation]:
        """Viewer ``device`` shows a token: its invitation, and the one by which the device may come back.

        Raises ``PairingRefused``.
        """
        used = self._open.pop(token, None)
        if used is None:
            raise PairingRefused("This code was used already, or is not of this studio. Scan a new one.")
        if now_s > used.expires_s:
            raise PairingRefused("This code has expired. Scan a new one.")
        return used, self._add(Invitation(new_token(), used.issuer, used.owner, math.inf, device))

    def _add(self, invitation: Invitation) -> Invitation:
        while len(self._open) >= MAX_OPEN_TOKENS:  # invitations before the tokens that devices come back by
            del self._open[min(self._open, key=lambda key: self._open[key].device is not None)]
        self._open[invitation.token] = invitation
        return invitation


def new_token() -> str:
    """128 random bits, fit for an address."""
    return secrets.token_urlsafe(16)


@dataclass(frozen=True, slots=True)
class QrCode:
    """``size`` × ``size`` modules without margin, row by row, 1 is dark (ISO/IEC 18004)."""

    size: int
    modules: bytes


def qr_code(text: str) -> QrCode:
    """The code of an address, with medium error correction: screens have reflections."""
    matrix = segno.make(text, error="m", micro=False).matrix
    return QrCode(len(matrix), bytes(module & 1 for row in matrix for module in row))


def terminal_qr_code(text: str) -> str:
    """The code in block characters, two rows to a line, light on dark as terminals are."""
    code = qr_code(text)
    margin = 2
    side = code.size + 2 * margin

    def light(row: int, column: int) -> bool:
        row, column = row - margin, column - margin
        inside = 0 <= row < code.size and 0 <= column < code.size
        return not inside or not code.modules[row * code.size + column]

    blocks = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
    return "\n".join(
        "".join(blocks[light(row, column), row + 1 < side and light(row + 1, column)] for column in range(side))
        for row in range(0, side, 2)
    )


def phone_address(origin: str, token: str) -> str:
    """The address of the phone's page with a token; the fragment is never sent to any server."""
    return f"{origin.rstrip('/')}{PHONE_PATH}#pair={token}"


def reachable_origin(origin: str, port: int, addresses: tuple[str, ...]) -> str | None:
    """How a phone reaches the studio: as the asking page did, if that is no address of this machine alone; else by
    the first of ``addresses``; None where there is none."""
    try:
        parts = urlsplit(origin)
        name, asked_port = parts.hostname or "", parts.port
    except ValueError:
        name, asked_port = "", None
    if name and not _is_here(name) and parts.scheme in ("http", "https"):
        shown = f"[{name}]" if ":" in name else name
        return f"https://{shown}:{asked_port or (443 if parts.scheme == 'https' else 80)}"
    return f"https://{addresses[0]}:{port}" if addresses else None


def _is_here(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
