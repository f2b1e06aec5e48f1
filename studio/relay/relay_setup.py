"""Opens the page of a session: for this machine or for the house, with HTTPS where others come in."""

import errno
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from rich.console import Console
from rich.text import Text

from ...engine.audio.audio_ring import AudioRing
from ...engine.audio.output import AudioProcess
from ...engine.clock import SessionClock
from ...engine.errors import CertificateError, RelayError
from ...engine.hall import read_hall
from ...engine.score import Score
from ...engine.types import PlayerPlacement
from .certificates import ensure_certificate
from .front_door import STEPS_PATH
from .pairing import new_token, terminal_qr_code
from .protocol_values import KeyboardInfo
from .relay import RelayProcess, RelaySettings, SessionInfo
from .relay_access import is_loopback

log = logging.getLogger(__name__)

EVERYWHERE = "0.0.0.0"


@dataclass(frozen=True, slots=True)
class PageOptions:
    """Who may reach the page, and how. ``tls`` None: HTTPS where others may come in. ``phone`` prints a code that
    makes a phone the baton. ``recording``: a session is played again, nobody conducts."""

    host: str = "127.0.0.1"
    port: int = 8765
    tls: bool | None = None
    phone: bool = False
    recording: bool = False

    @property
    def here_alone(self) -> bool:
        """Only this machine comes in."""
        return self.host == "localhost" or is_loopback((self.host, 0))

    @property
    def served_host(self) -> str:
        """Where it is served: phones come in from everywhere."""
        return EVERYWHERE if self.phone and self.here_alone else self.host


def check_address(options: PageOptions) -> None:
    """Refuse an address at which nothing can be served, for sessions that are nothing without their page. Raises
    ``RelayError``."""
    host, port = options.served_host, options.port
    try:
        for family, *_, address in socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            socket.create_server(address, family=family).close()
    except (OSError, UnicodeError) as error:
        place = f"{host}:{port}"
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise RelayError(f"cannot serve at {place}: something else does; choose another --port") from error
        reason = str(getattr(error, "strerror", None) or error).partition(" (")[0]
        raise RelayError(f"cannot serve at {place} ({reason}); choose another --host or --port") from error


def relay_settings(options: PageOptions) -> RelaySettings:
    """Settings with a certificate where one is due.

    Raises ``CertificateError`` where HTTPS was asked for and cannot be; where it was not, one line tells what is lost.
    """
    token = new_token() if options.phone else ""
    settings = RelaySettings(
        host=options.served_host, port=options.port, phone_token=token, recording=options.recording
    )
    wanted = options.tls if options.tls is not None else options.phone or not options.here_alone
    if not wanted:
        return settings
    try:
        certificate = ensure_certificate()
    except CertificateError as error:
        if options.tls:
            raise
        log.error("no HTTPS, so phones cannot conduct and headsets not enter: %s", error)
        return settings
    return replace(settings, certificate=(certificate.chain, certificate.key), authority=certificate.authority)


def open_relay(
    score: Score,
    placements: Sequence[PlayerPlacement],
    hall: str,
    options: PageOptions,
    clock: SessionClock,
    audio: AudioProcess,
    console: Console,
    keyboard: KeyboardInfo | None = None,
    then: str = "",
) -> RelayProcess | None:
    """The page; without it (port taken) the window and the sound still work, and one line says so.

    ``keyboard`` is what can be played from the page, ``then`` what people are told to do there.
    """
    info = SessionInfo.of_score(
        score,
        placements,
        hall=hall,
        picture=read_hall(hall).picture,
        audio_rate_hz=audio.rate_hz,
        keyboard=keyboard,
    )
    settings = relay_settings(options)
    try:
        relay = RelayProcess(info, clock, settings, partial(AudioRing.attach, audio.ring_name))
    except RelayError as error:
        log.error("no page for browsers: %s", error)
        return None
    say_page(relay, console, then)
    return relay


def say_page(relay: RelayProcess, console: Console, then: str = "") -> None:
    """Print where the page is, ``then`` what to do there, and the code for a phone."""
    console.print(Text.assemble("Open the page: ", (relay.address, "bold"), f"  – {then}." if then else ""))
    for address in relay.lan_addresses:
        console.print(Text.assemble("In the classroom: ", (address, "bold")))
    if relay.lan_addresses:
        console.print(f"To direct it from a device of yours: {relay.host_address}", highlight=False, soft_wrap=True)
    if relay.settings.certificate and relay.lan_addresses:
        steps = relay.lan_addresses[0].rstrip("/") + STEPS_PATH
        console.print(f"Browsers warn once; how to spare a device that: {steps}", soft_wrap=True)
        port = relay.settings.port
        console.print(
            f"VR headset: the same address in its browser, then Enter VR; by USB: adb reverse tcp:{port} tcp:{port}",
            soft_wrap=True,
        )
    if relay.phone_address is not None:
        console.print("Your phone as baton: scan this within five minutes.")
        console.print(terminal_qr_code(relay.phone_address), highlight=False, markup=False, soft_wrap=True)
        console.print(relay.phone_address, highlight=False, soft_wrap=True)
