"""The studio's own certificate authority, and the certificate by which this machine serves HTTPS in the house.

Browsers give motion sensors, cameras, WebXR and compressed sound to secure origins only, and no public authority
certifies ``192.168.0.17``. So the studio makes an authority of its own once, kept in the user's data folder with its
key readable by nobody else, and signs certificates for the names and addresses of this machine: made anew when they
change or near their end. Devices that trust the authority show no warning.

The authority is name-constrained (RFC 5280, section 4.2.1.10) to names under ``.local``, this machine's name and
private addresses: who steals its key cannot pass for a bank, not even on devices that trust it. Certificates last 397
days: browsers accept at most 398 (CA/Browser Forum ballot SC-063; Apple HT211025).
"""

import ipaddress
import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ...engine.errors import CertificateError
from ..paths import data_folder
from .addresses import local_names

log = logging.getLogger(__name__)

AUTHORITY_YEARS = 5
LEAF_DAYS = 397
RENEW_BEFORE_DAYS = 30
BACKDATED = timedelta(days=1)
"""Certificates begin a day ago: a tablet whose clock is late accepts them all the same."""
PRIVATE_NETWORKS = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)
"""RFC 1918, 3927, 6598, 4193, 4291 and loopback: addresses that mean something in one house only."""


@dataclass(frozen=True, slots=True)
class StudioCertificate:
    """Files for HTTPS, all PEM: ``authority`` to be trusted by devices, ``chain`` and ``key`` to serve with.

    ``fingerprint`` is the authority's SHA-256, as system dialogues show it; ``names`` is what the chain vouches for.
    """

    authority: Path
    chain: Path
    key: Path
    fingerprint: str
    names: tuple[str, ...]
    authority_expires: datetime
    expires: datetime

    def as_json(self) -> dict[str, Any]:
        """Plain values for scripts."""
        return {
            "authority": str(self.authority),
            "fingerprint_sha256": self.fingerprint,
            "authority_expires": self.authority_expires.isoformat(),
            "names": list(self.names),
            "expires": self.expires.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class _Signed:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class _Unusable(Exception):
    """A kept file must be made anew; the message says why."""


def certificate_folder() -> Path:
    """Where the authority is kept."""
    return data_folder() / "certificates"


def ensure_certificate(
    folder: Path | None = None, names: Sequence[str] | None = None, now: datetime | None = None
) -> StudioCertificate:
    """The studio's certificate for ``names`` (this machine's), made or renewed where needed.

    What is broken, expired or does not belong together is made anew, and one line says why: a new authority has to be
    trusted anew by every device. Raises ``CertificateError`` where the folder cannot be written.
    """
    wanted = tuple(dict.fromkeys(local_names() if names is None else (name.lower() for name in names)))
    now = now or datetime.now(UTC)
    try:
        folder = certificate_folder() if folder is None else folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        authority = _kept_authority(folder, wanted, now)
        vouched = tuple(name for name in wanted if _permitted(authority.certificate, name))
        leaf = _kept_leaf(folder, authority, vouched, now)
    except OSError as error:
        raise CertificateError(
            f"{error.filename}: the studio's certificate cannot be kept there ({error.strerror}); "
            "make the folder writable"
        ) from error
    left_out = [name for name in wanted if name not in vouched]
    if left_out:
        log.warning(
            "no HTTPS at %s: the studio's authority does not cover it; `tutti certificate --renew` makes one that does",
            ", ".join(left_out),
        )
    digest = authority.certificate.fingerprint(hashes.SHA256())
    return StudioCertificate(
        authority=folder / "authority.pem",
        chain=folder / "studio.pem",
        key=folder / "studio-key.pem",
        fingerprint=digest.hex(":").upper(),
        names=vouched,
        authority_expires=authority.certificate.not_valid_after_utc,
        expires=leaf.certificate.not_valid_after_utc,
    )


def renew_authority(folder: Path | None = None) -> StudioCertificate:
    """A new authority and certificate; devices that trusted the old one must trust this one. Raises the same."""
    try:
        folder = certificate_folder() if folder is None else folder
        for name in ("authority.pem", "authority-key.pem"):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise CertificateError(f"{error.filename}: cannot be replaced ({error.strerror})") from error
    return ensure_certificate(folder)


def authority_der(authority: Path) -> bytes:
    """The authority as devices import it (DER). Raises ``CertificateError``."""
    try:
        certificate = x509.load_pem_x509_certificate(authority.read_bytes())
    except (OSError, ValueError) as error:
        raise CertificateError(f"{authority}: cannot be read ({error})") from error
    return certificate.public_bytes(serialization.Encoding.DER)


def export_authority(certificate: StudioCertificate, path: Path) -> None:
    """Write the authority for devices to import. Raises ``CertificateError``."""
    try:
        path.write_bytes(authority_der(certificate.authority))
    except OSError as error:
        raise CertificateError(f"{path}: cannot be written ({error.strerror})") from error


def describe(certificate: StudioCertificate) -> str:
    """What a person needs to know to let a device trust the studio."""
    return "\n".join(
        (
            f"Authority    {certificate.authority}",
            f"SHA-256      {certificate.fingerprint}",
            f"Until        {certificate.authority_expires:%d %B %Y}",
            f"Vouches for  {', '.join(certificate.names)} until {certificate.expires:%d %B %Y}",
            "",
            "Devices that trust it show no warning; iPhones and iPads need it to conduct. Start `tutti serve`, open",
            "the studio's address with /certificate at its end on the device, and follow its steps. Or write the",
            "certificate to a file with --export tutti-authority.crt and carry it there. It is good for this machine's",
            "name and private addresses alone.",
        )
    )


# --- the authority -----------------------------------------------------------------------------------


def _kept_authority(folder: Path, names: Sequence[str], now: datetime) -> _Signed:
    try:
        authority = _load(folder / "authority.pem", folder / "authority-key.pem")
        if now >= authority.certificate.not_valid_after_utc - timedelta(days=LEAF_DAYS):
            raise _Unusable("it ends within the life of a certificate")
    except FileNotFoundError:
        pass
    except _Unusable as reason:
        log.warning("a new certificate authority is made, devices must trust it anew: %s", reason)
    else:
        return authority
    authority = _new_authority(names, now)
    _write(folder / "authority-key.pem", _key_pem(authority.key), secret=True)
    _write(folder / "authority.pem", authority.certificate.public_bytes(serialization.Encoding.PEM))
    return authority


def _new_authority(names: Sequence[str], now: datetime) -> _Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    host = next((name for name in names if not _is_address(name) and name != "localhost"), "this computer")
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"Tutti studio on {host}"[:64]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tutti"),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(subject, subject, key, now, now + timedelta(days=365 * AUTHORITY_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints(_constraints(names), None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _Signed(certificate, key)


def _constraints(names: Sequence[str]) -> list[x509.GeneralName]:
    networks = [ipaddress.ip_network(network) for network in PRIVATE_NETWORKS]
    addresses = [ipaddress.ip_address(name) for name in names if _is_address(name)]
    own = [ipaddress.ip_network(a) for a in addresses if not any(a in network for network in networks)]
    hosts = [name for name in names if not _is_address(name) and not name.endswith(".local")]
    dns = dict.fromkeys(["localhost", "local", *hosts])
    return [*map(x509.DNSName, dns), *map(x509.IPAddress, networks + own)]


def _permitted(authority: x509.Certificate, name: str) -> bool:
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    for permitted in constraints.permitted_subtrees or ():
        match permitted.value:
            case ipaddress.IPv4Network() | ipaddress.IPv6Network() as network if _is_address(name):
                if ipaddress.ip_address(name) in network:
                    return True
            case str() as suffix if not _is_address(name):
                if name == suffix or name.endswith(f".{suffix}"):
                    return True
    return False


# --- the machine's certificate -------------------------------------------------------------------------


def _kept_leaf(folder: Path, authority: _Signed, names: Sequence[str], now: datetime) -> _Signed:
    try:
        leaf = _load(folder / "studio.pem", folder / "studio-key.pem")
        if _reason_to_renew(leaf.certificate, authority.certificate, names, now) is None:
            return leaf
    except FileNotFoundError:
        pass
    except _Unusable as reason:
        log.warning("the studio's certificate is made anew: %s", reason)
    leaf = _new_leaf(authority, names, now)
    chain = b"".join(
        certificate.public_bytes(serialization.Encoding.PEM)
        for certificate in (leaf.certificate, authority.certificate)
    )
    _write(folder / "studio-key.pem", _key_pem(leaf.key), secret=True)
    _write(folder / "studio.pem", chain)
    return leaf


def _reason_to_renew(
    leaf: x509.Certificate, authority: x509.Certificate, names: Sequence[str], now: datetime
) -> str | None:
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return "another authority signed it"
    if now >= leaf.not_valid_after_utc - timedelta(days=RENEW_BEFORE_DAYS) or now < leaf.not_valid_before_utc:
        return "it nears its end"
    alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    vouched = {str(alternative.value) for alternative in alternatives}
    return None if vouched >= set(names) else "this machine has other addresses now"


def _new_leaf(authority: _Signed, names: Sequence[str], now: datetime) -> _Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tutti studio")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    alternatives: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(name)) if _is_address(name) else x509.DNSName(name) for name in names
    ]
    issuer = authority.certificate
    issuer_key = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _builder(subject, issuer.subject, key, now, now - BACKDATED + timedelta(days=LEAF_DAYS))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return _Signed(certificate, key)


# --- files -------------------------------------------------------------------------------------------


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(end)
    )


def _load(certificate: Path, key: Path) -> _Signed:
    """Both halves; raises ``FileNotFoundError`` where neither was made, ``_Unusable`` where they are no good."""
    if not certificate.exists() and not key.exists():
        raise FileNotFoundError(certificate)
    try:
        signed = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise _Unusable(f"{error.filename} is missing") from None
    except (ValueError, TypeError):
        raise _Unusable(f"{certificate} or {key.name} is broken") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != signed.public_key():
        raise _Unusable(f"{key} does not belong to {certificate.name}")
    return _Signed(signed, private)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, *, secret: bool = False) -> None:
    """Replace a file in one go; a secret is never readable by others, not even while it is written."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # 0600 from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        if not secret:
            Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
