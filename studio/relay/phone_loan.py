"""A phone is invited to conduct, shows its code, and has the baton on loan: who is told what, and whom it replaces.

No sockets and no clock here: the relay hands in who asks and when, and sends what comes out.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .pairing import PairingDesk, PairingRefused, phone_address, qr_code
from .presence import Presence
from .protocol import NOBODY, PODIUM, Notice
from .protocol_phone import Paired, PairingCode

Told = tuple[int, Notice | PairingCode | Paired]
"""A viewer, and what that viewer is told."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a phone's token came to: who is told what, in order, and the viewer whose line it ``replaces``, who has
    left the presence already."""

    told: tuple[Told, ...]
    replaces: int | None = None


class PhoneLoans:
    """Invites phones and lends them the baton of ``presence``. One thread uses it.

    ``reach`` tells how a phone reaches the studio whose page is open at an origin; None where it cannot.
    ``phone_token`` is a code that the studio itself gave out at ``now_s``; empty where it gave none.
    """

    def __init__(
        self, presence: Presence, reach: Callable[[str], str | None], phone_token: str = "", now_s: float = 0.0
    ) -> None:
        self._presence = presence
        self._reach = reach
        self._desk = PairingDesk()
        if phone_token:
            self._desk.invite(None, "", now_s, phone_token)

    def invite(self, viewer: int, origin: str, now_s: float) -> Told:
        """A code by which this viewer's phone becomes the baton, or a word on why there is none."""
        if not self._presence.may_control(viewer):
            return viewer, Notice("Only a host or the one with the baton can invite a phone.")
        reached = self._reach(origin)
        if reached is None:
            return viewer, Notice("A phone cannot reach this studio. Start it with “tutti serve”, in the same network.")
        invitation = self._desk.invite(viewer, self._presence[viewer].name, now_s, origin=origin)
        address = phone_address(reached, invitation.token)
        code = qr_code(address)
        return viewer, PairingCode(address, invitation.expires_s, code.size, code.modules)

    def claim(self, phone: int, token: str, now_s: float) -> Claim:
        """A phone shows its token: it gets the baton of whoever invited it, or waits for it like everybody else."""
        presence = self._presence
        try:
            invitation, again = self._desk.redeem(token, phone, now_s)
        except PairingRefused as refused:
            return Claim(((phone, Notice(str(refused))),))
        issuer = invitation.issuer
        told: list[Told] = [(phone, Paired(again.token, invitation.owner))]
        if invitation.device is not None:
            return Claim(tuple(told), self._come_back(phone, invitation.device, issuer))
        stands = self._stands(issuer)
        presence.rename(phone, f"{invitation.owner}’s phone" if invitation.owner else "Phone")
        presence.lend(phone) if stands else presence.request(phone)
        if stands and issuer is not None:  # the code on their screen is spent
            told.append((issuer, Notice(f"{presence[phone].name} is connected.")))
            told.append(self.invite(issuer, invitation.origin, now_s))
        return Claim(tuple(told))

    def _stands(self, issuer: int | None) -> bool:
        """Whether who invited a phone may still say who conducts."""
        return issuer is None or (issuer in self._presence and self._presence.may_control(issuer))

    def _come_back(self, phone: int, former: int, issuer: int | None) -> int | None:
        """A phone comes on a new line; the number of its old one where that hangs still, which leaves here."""
        hangs = former in self._presence and former != phone
        if hangs:
            self._presence.leave(former)
        if self._presence.broke_off(former):
            # Who comes back does not snatch the baton from someone to whom it was given meanwhile.
            free = self._stands(issuer) and self._presence.holder in (NOBODY, PODIUM, issuer)
            self._presence.lend(phone) if free else self._presence.request(phone)
        return former if hangs else None
