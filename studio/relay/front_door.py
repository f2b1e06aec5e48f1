"""What those see who come by HTTP where HTTPS is due, and how a device learns to trust the studio.

Values in, values out, like ``static_site``; the steps themselves are in ``templates/certificate.html``.
"""

import http
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from jinja2 import Environment, FileSystemLoader
from websockets.datastructures import Headers
from websockets.http11 import Response

from .certificates import authority_der
from .static_site import TYPES, reply

AUTHORITY_PATH = "/tutti-authority.crt"
STEPS_PATH = "/certificate"
_TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


class FrontDoor:
    """Answers for the certificate's own paths, and for whoever came without HTTPS."""

    def __init__(self, authority: Path | None) -> None:
        self._authority = authority

    def to_plain(self, target: str, headers: Headers) -> Response:
        """For plain HTTP from another machine: the way to HTTPS, the certificate, and nothing else."""
        path = urlsplit(target).path
        if path == AUTHORITY_PATH:
            return self._certificate()
        secure = f"https://{headers.get('Host', '')}{target if target.startswith('/') else '/'}"
        if "text/html" in headers.get("Accept", ""):
            return self._steps(secure if path != STEPS_PATH else f"https://{headers.get('Host', '')}/", plain=True)
        return reply(http.HTTPStatus.PERMANENT_REDIRECT, b"", TYPES[".txt"], {"Location": secure})

    def to_secure(self, target: str, headers: Headers) -> Response | None:
        """The certificate and the steps; None for any other path."""
        path = urlsplit(target).path
        if path == AUTHORITY_PATH:
            return self._certificate()
        if path == STEPS_PATH:
            return self._steps(f"https://{headers.get('Host', '')}/", plain=False)
        return None

    def _certificate(self) -> Response:
        if self._authority is None:
            return reply(http.HTTPStatus.NOT_FOUND, b"This studio has no authority of its own.\n", TYPES[".txt"])
        name = {"Content-Disposition": 'attachment; filename="tutti-authority.crt"'}
        return reply(http.HTTPStatus.OK, self._der, "application/x-x509-ca-cert", name)

    @cached_property
    def _der(self) -> bytes:
        assert self._authority is not None
        return authority_der(self._authority)

    def _steps(self, onward: str, *, plain: bool) -> Response:
        page = certificate_page(self._der if self._authority else None, onward, plain=plain)
        return reply(http.HTTPStatus.OK, page.encode(), TYPES[".html"])


def certificate_page(authority: bytes | None, onward: str, *, plain: bool) -> str:
    """The page with the steps; ``authority`` is DER, ``onward`` the address of the hall."""
    name = fingerprint = ""
    if authority is not None:
        certificate = x509.load_der_x509_certificate(authority)
        name = str(certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    template = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True).get_template("certificate.html")
    return template.render(onward=onward, plain=plain, name=name, fingerprint=fingerprint, download=AUTHORITY_PATH)
