"""The names and addresses by which this machine is reached."""

import ipaddress
import re
import socket

import psutil

_HOST_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")


def lan_addresses() -> tuple[str, ...]:
    """IPv4 addresses of this machine for others in the house; the one of the way out comes first."""
    found = [
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family == socket.AF_INET and not ipaddress.ip_address(entry.address).is_loopback
    ]
    first = _address_of_the_way_out()
    # Addresses that a machine gave itself for want of a router (169.254) lead nowhere most often.
    return tuple(sorted(dict.fromkeys(found), key=lambda a: (a != first, a.startswith("169.254."))))


def _address_of_the_way_out() -> str:
    """The address that packets for the internet would carry; asks the routing table, sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # RFC 5737: an address for documentation
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def host_names() -> tuple[str, ...]:
    """``localhost``, this machine's name, and the name by which multicast DNS (RFC 6762) knows it."""
    name = socket.gethostname().lower()
    if not _HOST_NAME.fullmatch(name):
        return ("localhost",)
    first = name.partition(".")[0]
    return tuple(dict.fromkeys(("localhost", name, f"{first}.local")))


def local_names() -> tuple[str, ...]:
    """Every name and address that a certificate of this machine must vouch for."""
    return (*host_names(), "127.0.0.1", "::1", *lan_addresses())
